/* SPDX-License-Identifier: BSD-2-Clause */
#include "port_double.h"

#include <string.h>

#include "fcn_helper.h"

struct fc_port fc_port;
uint32_t fc_tx_moved;
struct fake_port ports[WEFT_N_RPORT];
uint32_t strangers, els_seen, fip_seen, link_seen, els_total, els_len, rrqs, rrq_port, rrq_ids;
struct fc_hdr els_hdr;
uint8_t els_payload[FC_LS_MAX];

void port_ready(uint16_t index, uint32_t id)
{
	ports[index] = (struct fake_port){ .there = true,
					   .rp = { .wwpn = 0x1000 + index,
						   .port_id = id,
						   .max_data = PEER_MAX,
						   .roles = WEFT_FCR_TARGET,
						   .ready = true } };
	fcn_rport_changed(index, true);
}

void port_lost(uint16_t index)
{
	if (!ports[index].there)
		return;
	ports[index].there = false;
	fcn_rport_changed(index, false);
}

void port_reset(void)
{
	memset(ports, 0, sizeof(ports));
	strangers = els_seen = fip_seen = link_seen = rrqs = 0;
	fc_port = (struct fc_port){
		.port_id = OWN_ID,
		.state = WEFT_FCS_UP,
		.topology = WEFT_FCT_PTP,
		.max_data = 2112,
		.e_d_tov_ms = E_D_TOV_MS,
		.r_a_tov_ms = R_A_TOV_MS,
	};
}

void fc_init(void)
{
	port_ready(PEER, PEER_ID);
	port_ready(PEER2, PEER2_ID);
}

const struct fc_rport *fc_rport(uint16_t index)
{
	return index < WEFT_N_RPORT && ports[index].there ? &ports[index].rp : NULL;
}

uint16_t fc_rport_by_id(uint32_t port_id)
{
	uint16_t i = 0;

	while (i < WEFT_N_RPORT && !(ports[i].there && ports[i].rp.port_id == port_id))
		i++;
	return i;
}

void fc_els_input(const struct fc_hdr *h, const uint8_t *payload, uint32_t len, uint32_t total)
{
	els_seen++;
	els_hdr = *h;
	els_len = len;
	els_total = total;
	memcpy(els_payload, payload, len);
}

void fip_input(const uint8_t *frame, uint32_t len)
{
	fip_seen++;
	els_len = len;
	memcpy(els_payload, frame, len < FC_LS_MAX ? len : FC_LS_MAX);
}

void fc_link_changed(uint32_t status)
{
	link_seen = status;
}

void fc_stranger(uint32_t s_id)
{
	ck_assert_uint_eq(fc_rport_by_id(s_id), WEFT_N_RPORT);
	strangers++;
}

void fc_rrq(uint32_t port_id, uint16_t ox_id, uint16_t rx_id)
{
	rrqs++;
	rrq_port = port_id;
	rrq_ids = (uint32_t)ox_id << 16 | rx_id;
}

/* Admin opcodes of the port: their arguments come through. */
uint16_t fc_port_set(const struct weft_arg_fc_port *arg)
{
	return arg->mode;
}

uint16_t fc_port_get(uint16_t page, uint32_t dw[3])
{
	dw[0] = page;
	return 0;
}

uint16_t fc_rport_get(uint16_t index, uint16_t page, uint32_t dw[3])
{
	dw[0] = index;
	dw[1] = page;
	return 0;
}

uint16_t fc_rscn(void)
{
	return ENOTCONN;
}

uint16_t fc_logout(uint16_t index)
{
	return index;
}
