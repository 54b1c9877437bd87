/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of the Fibre Channel port (firmware/fc/). The input is a program of small steps of what is at
 * the other side of the wire: requests and answers near the rules or far from them, FIP frames,
 * primitives, light that comes and goes, time, a transmit queue that is full, and a host program
 * that starts, stops, logs out. Besides the sanitizers: what leaves is well formed and not without
 * end, fc_nvme hears of each port's coming and going in turns, and when the port is stopped nothing
 * is left anywhere.
 */
#include <stdlib.h>
#include <string.h>

#include "fc/fc_int.h"
#include "fc_nvme/fcn.h"
#include "lib/err.h"
#include "lib/log.h"
#include "net/net.h"
#include "input.h"

#define PEERS 4u
#define SENT 16u
#define OUR_NAME 0x2000000000000011ull
#define FRAMES_MAX 400u /* that one step may set off */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(cond)               \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

struct net_port net_port;
struct fcn_stats fcn_stats;

static uint64_t now_ns;
static uint32_t status, ctrl, full, set_off;
static bool ready[WEFT_N_RPORT];
static struct sent {
	struct fc_hdr h;
	uint8_t cmd;
} sent[SENT]; /* requests of the port, the last ones */
static uint32_t n_sent;

/* --- what stands behind the port ---------------------------------------------------------------- */

uint64_t hal_now_ns(void)
{
	return now_ns;
}

void hal_log_write(uint32_t pos, const char *text, uint32_t len)
{
	(void)pos;
	must(text && len);
}

void hal_log_tail(uint32_t pos)
{
	(void)pos;
}

void hal_fc_ctrl(uint32_t c)
{
	must(!(c & ~(ENG_FC_CTRL_MODE_MASK | ENG_FC_CTRL_PRIM_MASK | ENG_FC_CTRL_DROP_MASK)));
	ctrl = c;
}

uint32_t hal_fc_status(void)
{
	return status;
}

void hal_fc_credit(uint32_t credit)
{
	must(credit && credit <= 0xffff);
}

void hal_fc_id(uint32_t port_id)
{
	must(port_id == fc_port.port_id && (!port_id || fc_id_ok(port_id)));
}

void hal_fc_map(uint32_t fc_map)
{
	must(fc_map == 0x0efd00);
}

void hal_fc_mac(const uint8_t mac[6])
{
	must(!(mac[0] & 1));
}

uint32_t hal_fc_tx_free(void)
{
	return 32;
}

bool fc_send(const struct fc_hdr *h, const void *payload, uint32_t len)
{
	const uint8_t *p = payload;
	bool request = h->r_ctl == RCTL_ELS_REQ || h->r_ctl == RCTL_CT_REQ;

	must(len <= 512 && !(h->f_ctl & 3) && (len || h->r_ctl == RCTL_ABTS));
	must(++set_off < FRAMES_MAX);
	if (full) {
		full--;
		return false;
	}
	if (!request)
		return true;
	must(h->s_id == fc_port.port_id && h->ox_id >= FC_XID_OWN && h->ox_id != FC_XID_NONE);
	sent[n_sent++ % SENT] = (struct sent){ *h, p[0] };
	return true;
}

bool fc_send_ether(const void *frame, uint32_t len)
{
	must(len >= 60 && len <= 512 && get_be16((const uint8_t *)frame + 12) == 0x8914);
	must(++set_off < FRAMES_MAX);
	return !full || full--;
}

void fcn_link_changed(void)
{
	must(fc_port.state <= WEFT_FCS_UP && fc_port.topology <= WEFT_FCT_VN2VN);
	must((fc_port.state == WEFT_FCS_UP) == (fc_port.topology != WEFT_FCT_NONE));
}

void fcn_rport_changed(uint16_t index, bool now)
{
	/* Ready twice: its roles are others now. */
	must(index < WEFT_N_RPORT && (now || ready[index]) && !now == !fc_rport(index));
	must(!now || fc_port.state == WEFT_FCS_UP);
	ready[index] = now;
}

void fcn_rport_rscn(uint16_t index)
{
	must(index < WEFT_N_RPORT && ready[index]);
}

uint32_t fcn_in_use(void)
{
	return 0;
}

/* --- the other side ------------------------------------------------------------------------------- */

/* Some few ports that are met again and again; now and then any address. */
static uint32_t an_id(void)
{
	static const uint32_t ids[] = { FC_ID_PTP_LOW, FC_ID_PTP_HIGH, 0x010301,        0x010302,
					FC_ID_FABRIC,  FC_ID_NAMES,    FC_ID_CONTROLLER };
	uint8_t k = u8();

	return k < 7 ? ids[k] : k < 250 ? ids[k % 4] : u32() & 0xffffff;
}

static uint64_t a_name(void)
{
	uint8_t k = u8();

	return k == 255 ? OUR_NAME : (uint64_t)(k & 1 ? 0x30 : 0x10) << 56 | (k >> 1) % PEERS;
}

static void login_payload(uint8_t *p)
{
	uint8_t k = u8();

	put_be16(p + 6, k & 1 ? 16 : u16());
	put_be16(p + 8, k & 2 ? LOGIN_F_PORT : k & 4 ? u16() : 0);
	put_be16(p + 10, k & 8 ? u16() : 2048);
	put_be64(p + 20, a_name());
	put_be64(p + 28, 0x41);
	put_be16(p + 68, k & 16 ? u16() : 0x8800);
	put_be16(p + 74, k & 32 ? u16() : 1024);
}

/* A payload of that command, mostly as it should be; its length. */
static uint32_t payload(uint8_t *p, uint8_t cmd, uint8_t as)
{
	uint32_t len = 4;

	memset(p, 0, 300);
	if (as == ELS_PLOGI || as == ELS_FLOGI || as == ELS_PDISC) {
		login_payload(p);
		len = LOGIN_LEN;
	} else if (as == ELS_PRLI) {
		memcpy(p, "\x20\x14\0\x18\x28\0\1", 7);
		p[19] = u8();
		put_be16(p + 22, u16());
		len = PRLI_LEN;
	} else if (as == ELS_PRLO) {
		memcpy(p, "\x21\x10\0\x14\x28", 5);
		len = 20;
	} else if (as == ELS_LOGO) {
		put_be64(p + 8, a_name());
		len = 16;
	} else if (as == ELS_ADISC) {
		put_be64(p + 8, a_name());
		put_be64(p + 16, 0x41);
		put_be24(p + 25, an_id());
		len = 28;
	} else if (as == ELS_RSCN) {
		p[1] = 4;
		len = 4 + 4u * (1 + u8() % 8);
		put_be16(p + 2, len);
		for (uint32_t i = 4; i < len; i += 4)
			put_be32(p + i, (u8() & 3u) << 24 | an_id());
	} else if (as == ELS_RRQ || as == ELS_REC) {
		put_be24(p + 5, an_id());
		len = 12;
	}
	p[0] = cmd;
	return len;
}

static uint32_t ct_payload(uint8_t *p, uint16_t cmd)
{
	uint32_t n = CT_HEAD;

	memset(p, 0, 300);
	memcpy(p, "\1\0\0\0\xfc\2\0\0\x80\2", 10);
	if (cmd == 0x0112) {
		put_be64(p + n, a_name());
		n += 8;
	} else if (cmd == 0x0171) {
		for (uint8_t k = u8() % 70; k; k--, n += n < 290 ? 4 : 0)
			put_be32(p + n, (k == 1 ? 0x80000000u : 0) | an_id());
	}
	return n;
}

/* The port gets it in memory of just that length; hits: bytes that are something else. */
static void arrives(struct fc_hdr *h, uint8_t *p, uint32_t len, uint8_t hits)
{
	uint32_t total = len, n;
	uint8_t *lent;

	for (; hits & 3; hits--) {
		uint8_t at = u8(), v = u8();

		if (at < len)
			p[at] = v;
	}
	if (hits & 4)
		len = total = len * u8() / 256;
	if (hits & 8)
		total = len + u8() * 8u;
	if (hits & 16)
		h->f_ctl ^= 1u << u8() % 24;
	if (hits & 32)
		h->s_id = an_id();
	if (hits & 64)
		h->type = u8() % 64;
	n = total < FC_LS_MAX ? (len < total ? len : total) : len;
	n = n < FC_LS_MAX ? n : FC_LS_MAX;
	if (n < total && n < FC_LS_MAX) /* what is lent is all there is, or FC_LS_MAX bytes of it */
		total = n;
	lent = malloc(n ? n : 1);
	must(lent);
	memcpy(lent, p, n);
	fc_els_input(h, lent, n, total);
	free(lent);
}

static void request(uint8_t hits)
{
	static const uint8_t cmds[] = { ELS_PLOGI, ELS_FLOGI, ELS_PRLI, ELS_LOGO, ELS_PRLO,
					ELS_ADISC, ELS_RSCN,  ELS_RRQ,  ELS_RTV,  ELS_ECHO,
					ELS_PDISC, ELS_RLS,   ELS_REC,  ELS_TEST, ELS_FDISC };
	uint8_t p[300], k = u8(), cmd = k < 15 ? cmds[k] : k < 128 ? cmds[k % 6] : k;
	struct fc_hdr h = { .r_ctl = RCTL_ELS_REQ,
			    .type = TYPE_ELS,
			    .ox_id = u16(),
			    .rx_id = FC_XID_NONE,
			    .f_ctl = FCTL_REQUEST };
	uint32_t len = payload(p, cmd, cmd);

	h.s_id = cmd == ELS_FLOGI ? 0 : an_id();
	h.d_id = cmd == ELS_FLOGI ? FC_ID_FABRIC : fc_port.port_id ? fc_port.port_id : an_id();
	arrives(&h, p, len, hits);
}

/* To one of the port's last requests. */
static void answer(uint8_t hits)
{
	static const uint16_t ct_cmds[] = { 0x0112, 0x0171, 0x0213 };
	uint8_t p[300], k = u8();
	const struct sent *s = &sent[(n_sent - 1 - k % 4) % SENT];
	struct fc_hdr h = { .r_ctl = s->h.r_ctl + 1,
			    .type = s->h.type,
			    .ox_id = s->h.ox_id,
			    .rx_id = 7,
			    .d_id = s->h.s_id ? s->h.s_id : an_id(),
			    .s_id = s->h.d_id,
			    .f_ctl = FCTL_REPLY };
	uint32_t len;

	if (!n_sent)
		return;
	if (s->h.type == TYPE_CT)
		len = ct_payload(p, ct_cmds[k / 4 % 3]);
	else
		len = payload(p, ELS_LS_ACC, s->cmd);
	if (k & 0x80 && s->h.type == TYPE_ELS) {
		memcpy(p, "\1\0\0\0\0\0\0\0", 8);
		p[5] = u8() % 16;
		p[6] = u8() % 64;
		len = 8;
	} else if (k & 0x80) {
		p[9] = 1;
	}
	arrives(&h, p, len, hits);
}

static void basic(uint8_t hits)
{
	static const uint8_t r_ctls[] = { RCTL_ABTS, RCTL_BA_ACC, RCTL_BA_RJT };
	uint8_t p[300] = { 0 }, k = u8();
	const struct sent *s = &sent[k % SENT];
	struct fc_hdr h = { .r_ctl = r_ctls[k / 16 % 3],
			    .type = TYPE_BLS,
			    .ox_id = s->h.ox_id,
			    .d_id = s->h.s_id,
			    .s_id = s->h.d_id,
			    .f_ctl = k & 0x80 ? 0x090000 : 0x890000 };

	arrives(&h, p, 12, hits);
}

static void fip_frame(uint8_t hits)
{
	uint8_t f[300] = { 1, 0x10, 0x18, 1, 0, 4, 2, 0, 0, 0, 0, 9, 0x89, 0x14, 0x10, 0, 0, 5 };
	uint8_t k = u8(), *p = f + 24, *lent;
	uint32_t n = 64, id = k & 8 ? fc_port.port_id : 0x0300u + (k >> 4);

	f[19] = k & 7;
	f[23] = hits & 128 ? 8 : 0;
	memcpy(p, "\2\2\2\0\0\0\0\x09\4\3", 10);
	memcpy(p + 20, "\x0b\5\x0e\xfd", 4);
	put_be24(p + 29, id);
	put_be64(p + 32, a_name());
	if (f[19] == 3 || f[19] == 4) {
		memcpy(p + 40, "\x0f\x29", 2);
		put_be32(p + 48, u8() & 1 ? 0x100 : 0);
		n = 228;
	}
	f[21] = (uint8_t)((n - 24) / 4);
	for (; hits & 3; hits--) {
		uint8_t at = u8();

		f[at] = u8();
	}
	if (hits & 4)
		n = n * u8() / 256;
	lent = malloc(n ? n : 1);
	must(lent);
	memcpy(lent, f, n);
	fip_input(lent, n);
	free(lent);
}

/* --- link, time, the host program ------------------------------------------------------------------ */

static void advance(uint32_t ms)
{
	uint64_t end = now_ns + ms * 1000000ull;

	while (timer_next_ns() <= end) {
		if (timer_next_ns() > now_ns)
			now_ns = timer_next_ns();
		set_off = 0;
		timer_run(clk_now());
	}
	now_ns = end;
}

static void link(uint8_t k)
{
	status = (k & 64 ? 0 : ENG_FC_STATUS_SIGNAL_MASK) |
		 (uint32_t)(k & 7) << ENG_FC_STATUS_RX_PRIM_LSB |
		 (k & 128 ? 0 : 1u << ENG_FC_STATUS_CREDIT_LSB);
	if (!(k & 32)) /* else the event is still to come */
		fc_link_changed(status);
}

static void light_and_login(void)
{
	link(ENG_FCP_OLS);
	link(ENG_FCP_LRR);
	link(ENG_FCP_IDLE);
}

static void set(uint8_t k)
{
	struct weft_arg_fc_port a = { .wwpn = OUR_NAME,
				      .wwnn = 0x21,
				      .mode = k & 3,
				      .roles = k >> 2 & 7,
				      .first_burst = k & 32 ? 4096 : 0,
				      .port_id = k & 64 ? 0x305 : 0,
				      .max_data = k & 128 ? 512 : 0 };
	uint16_t err = fc_port_set(&a);

	must(!err || err == EINVAL);
}

static void program(void)
{
	uint32_t dw[3];
	uint8_t k = u8();

	switch (k & 7) {
	case 0:
		set(u8());
		break;
	case 1:
		fc_logout(k >> 3);
		break;
	case 2:
		fc_rscn();
		break;
	case 3:
		fc_stranger(an_id());
		break;
	case 4:
		fc_rrq(an_id(), k, (uint16_t)(k << 8));
		break;
	default:
		fc_port_get(k >> 3 & 3, dw);
		fc_rport_get(u8() % 70, k >> 5 & 3, dw);
		must((uint16_t)fc_rport_by_id(an_id()) <= WEFT_N_RPORT);
		break;
	}
}

static void step(void)
{
	uint8_t op = u8(), hits = op & 0x80 ? u8() : 0;

	set_off = 0;
	switch (op & 15) {
	case 0:
	case 1:
	case 2:
	case 3:
		request(hits);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		answer(hits);
		break;
	case 9:
		basic(hits);
		break;
	case 10:
		fip_frame(hits);
		break;
	case 11:
		link(u8());
		break;
	case 12:
		advance(op & 16 ? u8() : u16() % 25000);
		break;
	case 13:
		full = u8() & 15;
		break;
	case 14:
		light_and_login();
		break;
	default:
		program();
		break;
	}
}

static void begin(void)
{
	uint8_t k = u8();

	now_ns = 1000000000;
	status = ENG_FC_STATUS_SIGNAL_MASK | 1u << ENG_FC_STATUS_CREDIT_LSB;
	full = set_off = n_sent = 0;
	memset(ready, 0, sizeof(ready));
	memset(sent, 0, sizeof(sent));
	timer_init();
	log_init();
	fc_init();
	set((uint8_t)((k & 0xfc) | (k & 1 ? WEFT_FCM_NATIVE : WEFT_FCM_VN2VN)));
	light_and_login();
	if (k & 2)
		advance(1100);
}

static void end(void)
{
	const struct weft_arg_fc_port off = { .mode = WEFT_FCM_OFF };

	full = 0;
	must(!fc_port_set(&off));
	for (uint32_t i = 0; i < WEFT_N_RPORT; i++)
		must(!ready[i] && !fc_rport((uint16_t)i));
	advance(130000);
	must(!timer_count() && !els_in_use() && !rport_count());
	must(!(ctrl & ENG_FC_CTRL_MODE_MASK) && fc_port.state == WEFT_FCS_OFF);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	in = data;
	left = size;
	begin();
	for (int i = 0; left && i < 400; i++)
		step();
	end();
	return 0;
}
