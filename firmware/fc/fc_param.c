/* SPDX-License-Identifier: BSD-2-Clause */
/* Service parameters: of logins (FLOGI, PLOGI) and of NVMe (PRLI), between wire and host order. */
#include "fc/fc_int.h"

#include <string.h>

#define CLASS3 68u             /* its parameters in a login */
#define CLASS_VALID 0x8000u    /* service options */
#define CLASS_IN_ORDER 0x0800u /* sequential delivery */
#define FEATURE_CIRO 0x8000u   /* PLOGI: relative offset grows continuously */
#define FEATURE_TOV_NS 0x0400u /* E_D_TOV in ns */
#define CATEGORIES 0x001fu     /* information categories with relative offset */
#define SEQUENCES 255u

#define PRLI_BURST 0x001u
#define PRLI_DISCOVERY 0x008u
#define PRLI_TARGET 0x010u
#define PRLI_INITIATOR 0x020u
#define BURST_UNIT 512u

void param_put_login(uint8_t p[LOGIN_LEN], uint8_t cmd, uint8_t service)
{
	bool plogi = service == ELS_PLOGI;
	uint8_t *c3 = p + CLASS3;

	memset(p, 0, LOGIN_LEN);
	p[0] = cmd;
	p[4] = 0x20; /* FC-PH-3 and back, what all say */
	p[5] = 0x20;
	put_be16(p + 6, link_buffers());
	put_be16(p + 8, plogi ? FEATURE_CIRO : 0);
	put_be16(p + 10, fc_port.max_data);
	if (plogi) {
		put_be16(p + 12, SEQUENCES);
		put_be16(p + 14, CATEGORIES);
	} else if (cmd == ELS_LS_ACC) {
		put_be32(p + 12, fc_port.r_a_tov_ms);
	}
	put_be32(p + 16, fc_port.e_d_tov_ms);
	put_be64(p + 20, fc_port.wwpn);
	put_be64(p + 28, fc_port.wwnn);
	put_be16(c3, CLASS_VALID | CLASS_IN_ORDER);
	put_be16(c3 + 6, fc_port.max_data);
	if (plogi) {
		put_be16(c3 + 8, SEQUENCES);
		c3[13] = 1; /* open sequences of an exchange */
	}
}

void param_get_login(const uint8_t p[LOGIN_LEN], struct fc_login *l)
{
	const uint8_t *c3 = p + CLASS3;

	l->bb_credit = get_be16(p + 6);
	l->features = get_be16(p + 8);
	l->bb_size = get_be16(p + 10) & 0xfff;
	l->r_a_tov_ms = get_be32(p + 12);
	l->e_d_tov_ms = get_be32(p + 16);
	if (l->features & FEATURE_TOV_NS)
		l->e_d_tov_ms /= 1000000;
	l->wwpn = get_be64(p + 20);
	l->wwnn = get_be64(p + 28);
	l->class3 = get_be16(c3) & CLASS_VALID;
	l->class3_size = get_be16(c3 + 6) & 0xfff;
}

uint32_t param_max_data(const struct fc_login *l)
{
	uint32_t max = fc_port.max_data;

	if (l->class3_size < max)
		max = l->class3_size;
	/* Some leave the buffer size of a PLOGI at 0. */
	if (l->bb_size && l->bb_size < max)
		max = l->bb_size;
	return max & ~3u;
}

static uint32_t service_bits(bool burst)
{
	uint32_t bits = burst ? PRLI_BURST : 0;

	/* Neither CONF nor SLER nor protection information: their bits stay 0. */
	if (fc_port.roles & WEFT_FCR_INITIATOR)
		bits |= PRLI_INITIATOR;
	if (fc_port.roles & WEFT_FCR_TARGET)
		bits |= PRLI_TARGET;
	if (fc_port.roles & WEFT_FCR_DISCOVERY)
		bits |= PRLI_DISCOVERY;
	return bits;
}

void param_put_prli(uint8_t p[PRLI_LEN], uint8_t cmd, uint8_t response, bool burst,
		    uint32_t burst_bytes)
{
	memset(p, 0, PRLI_LEN);
	p[0] = cmd;
	p[1] = PRLI_LEN - 4;
	put_be16(p + 2, PRLI_LEN);
	p[4] = TYPE_NVME;
	p[6] = response;
	put_be32(p + 16, service_bits(burst));
	if (burst)
		put_be16(p + 22, burst_bytes / BURST_UNIT);
}

void param_get_prli(const uint8_t p[PRLI_LEN], struct fc_prli *pr)
{
	uint32_t bits = get_be32(p + 16);

	pr->type = p[4];
	pr->response = p[6] & 15;
	pr->roles = (uint8_t)((bits & PRLI_INITIATOR ? WEFT_FCR_INITIATOR : 0) |
			      (bits & PRLI_TARGET ? WEFT_FCR_TARGET : 0) |
			      (bits & PRLI_DISCOVERY ? WEFT_FCR_DISCOVERY : 0));
	pr->burst = bits & PRLI_BURST;
	pr->burst_bytes = get_be16(p + 22) * BURST_UNIT;
}

uint32_t param_burst(const struct fc_prli *pr)
{
	if (!fc_port.first_burst || !pr->burst)
		return 0;
	if (pr->burst_bytes && pr->burst_bytes < fc_port.first_burst)
		return pr->burst_bytes;
	return fc_port.first_burst;
}
