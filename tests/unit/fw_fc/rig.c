/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fc_nvme/fcn.h"
#include "lib/log.h"
#include "net/net.h"

#define FRAMES 1024u

struct rig rig;
struct net_port net_port;
struct fcn_stats fcn_stats;
static uint64_t now_ns;
static struct frame frames[FRAMES];
static uint32_t sent, looked;
static uint16_t next_ox_id;

/* --- what stands behind the port ---------------------------------------------------------------- */

uint64_t hal_now_ns(void)
{
	return now_ns;
}

void hal_log_write(uint32_t pos, const char *text, uint32_t len)
{
	(void)pos;
	(void)text;
	(void)len;
}

void hal_log_tail(uint32_t pos)
{
	(void)pos;
}

void hal_fc_ctrl(uint32_t ctrl)
{
	rig.ctrl = ctrl;
}

uint32_t hal_fc_status(void)
{
	return rig.status;
}

void hal_fc_credit(uint32_t credit)
{
	rig.credit = credit;
	rig.credits++;
}

void hal_fc_id(uint32_t port_id)
{
	rig.id = port_id;
}

void hal_fc_map(uint32_t fc_map)
{
	rig.map = fc_map;
}

void hal_fc_mac(const uint8_t mac[6])
{
	memcpy(rig.mac, mac, 6);
}

uint32_t hal_fc_tx_free(void)
{
	return rig.tx_free;
}

static struct frame *leave(const void *payload, uint32_t len)
{
	struct frame *f = &frames[sent % FRAMES];

	if (rig.refuse) {
		rig.refuse--;
		return NULL;
	}
	ck_assert_uint_lt(sent - looked, FRAMES);
	ck_assert_uint_le(len, 512);
	memset(f, 0, sizeof(*f));
	f->len = len;
	if (len)
		memcpy(f->p, payload, len);
	sent++;
	return f;
}

bool fc_send(const struct fc_hdr *h, const void *payload, uint32_t len)
{
	struct frame *f = leave(payload, len);

	if (f)
		f->h = *h;
	return f;
}

bool fc_send_ether(const void *frame, uint32_t len)
{
	struct frame *f = leave(frame, len);

	if (f)
		f->ether = true;
	return f;
}

void fcn_link_changed(void)
{
	rig.link_changes++;
}

void fcn_rport_changed(uint16_t index, bool ready)
{
	ck_assert_uint_lt(index, WEFT_N_RPORT);
	ck_assert(!ready == !fc_rport(index));
	if (ready)
		rig.ready[index]++;
	else
		rig.gone[index]++;
	ck_assert_uint_le(rig.gone[index], rig.ready[index]);
}

void fcn_rport_rscn(uint16_t index)
{
	ck_assert_ptr_nonnull(fc_rport(index));
	rig.rscn[index]++;
}

uint32_t fcn_in_use(void)
{
	return 0;
}

/* --- steps ---------------------------------------------------------------------------------------- */

void rig_reset(void)
{
	memset(&rig, 0, sizeof(rig));
	rig.tx_free = 32;
	rig.status = ENG_FC_STATUS_SIGNAL_MASK | 1u << ENG_FC_STATUS_CREDIT_LSB;
	now_ns = 1000000000;
	sent = looked = 0;
	next_ox_id = 0x100;
	memset(&net_port, 0, sizeof(net_port));
	memcpy(net_port.mac, "\x02\x57\0\0\0\x01", 6);
	timer_init();
	log_init();
	fc_init();
}

struct weft_arg_fc_port rig_args(uint8_t mode, uint8_t roles)
{
	return (struct weft_arg_fc_port){
		.wwpn = OUR_WWPN, .wwnn = OUR_WWNN, .mode = mode, .roles = roles
	};
}

void rig_start(uint8_t mode, uint8_t roles)
{
	struct weft_arg_fc_port a = rig_args(mode, roles);

	rig_reset();
	ck_assert_uint_eq(fc_port_set(&a), 0);
}

bool rig_tick(uint64_t end)
{
	uint64_t next = timer_next_ns();

	if (next > end) {
		now_ns = end;
		return false;
	}
	if (next > now_ns)
		now_ns = next;
	timer_run(clk_now());
	return true;
}

void rig_advance(uint32_t ms)
{
	uint64_t end = now_ns + ms * 1000000ull;

	while (rig_tick(end))
		;
}

void rig_prim(uint32_t prim)
{
	rig.status = (rig.status & ENG_FC_STATUS_CREDIT_MASK) | ENG_FC_STATUS_SIGNAL_MASK |
		     prim << ENG_FC_STATUS_RX_PRIM_LSB;
	fc_link_changed(rig.status);
}

void rig_dark(void)
{
	rig.status = 0;
	fc_link_changed(rig.status);
}

uint32_t rig_sends(void)
{
	ck_assert_uint_eq(rig.ctrl & ENG_FC_CTRL_MODE_MASK, ENG_FCM_NATIVE);
	return (rig.ctrl & ENG_FC_CTRL_PRIM_MASK) >> ENG_FC_CTRL_PRIM_LSB;
}

bool rig_drops(void)
{
	return rig.ctrl & ENG_FC_CTRL_DROP_MASK;
}

/* --- frames ---------------------------------------------------------------------------------------- */

struct frame *rig_take(void)
{
	ck_assert_msg(looked != sent, "a frame should have left");
	return &frames[looked++ % FRAMES];
}

struct frame *rig_peek(void)
{
	ck_assert_msg(looked != sent, "a frame should have left");
	return &frames[looked % FRAMES];
}

uint32_t rig_pending(void)
{
	return sent - looked;
}

void rig_quiet(void)
{
	if (looked != sent) {
		const struct frame *f = &frames[looked % FRAMES];

		ck_abort_msg("frame R_CTL %02x command %02x to %06x", f->h.r_ctl, f->p[0],
			     f->h.d_id);
	}
}

void rig_forget(void)
{
	looked = sent;
}

struct frame *rig_take_els(uint8_t cmd, uint32_t s_id, uint32_t d_id)
{
	struct frame *f = rig_take();

	ck_assert_uint_eq(f->h.r_ctl, RCTL_ELS_REQ);
	ck_assert_uint_eq(f->h.type, TYPE_ELS);
	ck_assert_uint_eq(f->h.f_ctl, 0x290000);
	ck_assert_uint_eq(f->p[0], cmd);
	ck_assert_uint_eq(f->h.s_id, s_id);
	ck_assert_uint_eq(f->h.d_id, d_id);
	ck_assert_uint_ge(f->h.ox_id, FC_XID_OWN);
	ck_assert_uint_ne(f->h.ox_id, FC_XID_NONE);
	return f;
}

static struct frame *take_reply(void)
{
	struct frame *f = rig_take();

	ck_assert_uint_eq(f->h.r_ctl, RCTL_ELS_RSP);
	ck_assert_uint_eq(f->h.type, TYPE_ELS);
	ck_assert_uint_eq(f->h.f_ctl, 0x990000);
	ck_assert_uint_eq(f->h.ox_id, (uint16_t)(next_ox_id - 1));
	return f;
}

struct frame *rig_take_reject(uint8_t reason, uint8_t explan)
{
	struct frame *f = take_reply();

	ck_assert_uint_eq(f->len, 8);
	ck_assert_uint_eq(f->p[0], ELS_LS_RJT);
	ck_assert_uint_eq(f->p[5], reason);
	ck_assert_uint_eq(f->p[6], explan);
	return f;
}

struct frame *rig_take_accept(void)
{
	struct frame *f = take_reply();

	ck_assert_uint_eq(f->p[0], ELS_LS_ACC);
	return f;
}

/* The port sees at most FC_LS_MAX bytes, in memory that is gone afterwards. */
void rig_frame(const struct fc_hdr *h, const uint8_t *p, uint32_t len)
{
	uint32_t n = len < FC_LS_MAX ? len : FC_LS_MAX;
	uint8_t *lent = malloc(n ? n : 1);

	if (n)
		memcpy(lent, p, n);
	fc_els_input(h, lent, n, len);
	free(lent);
}

uint16_t rig_request(uint32_t s_id, uint32_t d_id, const uint8_t *p, uint32_t len)
{
	const struct fc_hdr h = { .r_ctl = RCTL_ELS_REQ,
				  .type = TYPE_ELS,
				  .ox_id = next_ox_id++,
				  .rx_id = FC_XID_NONE,
				  .d_id = d_id,
				  .s_id = s_id,
				  .f_ctl = 0x290000 };

	rig_frame(&h, p, len);
	return h.ox_id;
}

void rig_answer(const struct frame *to, const uint8_t *p, uint32_t len)
{
	const struct fc_hdr h = { .r_ctl = to->h.r_ctl + 1,
				  .type = to->h.type,
				  .ox_id = to->h.ox_id,
				  .rx_id = 0x77,
				  .d_id = to->h.s_id,
				  .s_id = to->h.d_id,
				  .f_ctl = 0x990000 };

	rig_frame(&h, p, len);
}

void rig_reject(const struct frame *to, uint8_t reason, uint8_t explan)
{
	const uint8_t els[8] = { ELS_LS_RJT, 0, 0, 0, 0, reason, explan, 0 };
	uint8_t ct[16] = { 1, 0, 0, 0, 0xfc, 2, 0, 0, 0x80, 0x01 };

	if (to->h.type == TYPE_ELS) {
		rig_answer(to, els, sizeof(els));
		return;
	}
	ct[13] = reason;
	ct[14] = explan;
	rig_answer(to, ct, sizeof(ct));
}

void rig_login(uint8_t *p, uint8_t cmd, uint64_t wwpn, uint32_t features)
{
	memset(p, 0, LOGIN_LEN);
	p[0] = cmd;
	put_be16(p + 4, 0x2020);
	put_be16(p + 6, 16);
	put_be16(p + 8, features);
	put_be16(p + 10, 2048);
	put_be64(p + 20, wwpn);
	put_be64(p + 28, PEER_WWNN);
	put_be16(p + 68, 0x8800);
	put_be16(p + 74, 1024);
}

void rig_prli(uint8_t *p, uint8_t cmd, uint8_t response, uint8_t bits)
{
	memset(p, 0, PRLI_LEN);
	p[0] = cmd;
	p[1] = 20;
	p[3] = 24;
	p[4] = TYPE_NVME;
	p[6] = response;
	p[19] = bits;
}

/* --- way points -------------------------------------------------------------------------------------- */

void rig_link_up(void)
{
	rig_prim(ENG_FCP_OLS);
	rig_prim(ENG_FCP_LRR);
	rig_prim(ENG_FCP_IDLE);
	ck_assert_uint_eq(rig_sends(), ENG_FCP_IDLE);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
}

/* PRLI goes whichever way our roles want it. */
static uint16_t processes(uint32_t peer, uint8_t roles, uint8_t peer_bits)
{
	uint8_t p[PRLI_LEN];

	if (roles & HOST) {
		struct frame *f = rig_take_els(ELS_PRLI, fc_port.port_id, peer);

		rig_prli(p, ELS_LS_ACC, 1, peer_bits);
		rig_answer(f, p, sizeof(p));
	} else {
		rig_prli(p, ELS_PRLI, 0, peer_bits);
		rig_request(peer, fc_port.port_id, p, sizeof(p));
		rig_take_accept();
	}
	rig_quiet();
	ck_assert_uint_ne(fc_rport_by_id(peer), WEFT_N_RPORT);
	return fc_rport_by_id(peer);
}

uint16_t rig_ptp_high(uint8_t roles, uint8_t peer_bits)
{
	uint8_t p[LOGIN_LEN];
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, roles);
	rig_link_up();
	f = rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(f, p, sizeof(p));
	f = rig_take_els(ELS_PLOGI, FC_ID_PTP_HIGH, FC_ID_PTP_LOW);
	rig_answer(f, p, sizeof(p));
	return processes(FC_ID_PTP_LOW, roles, peer_bits);
}

uint16_t rig_ptp_low(uint8_t roles, uint8_t peer_bits)
{
	uint8_t p[LOGIN_LEN];
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, roles);
	rig_link_up();
	f = rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
	rig_login(p, ELS_LS_ACC, HIGH_WWPN, 0);
	rig_answer(f, p, sizeof(p));
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(0x0a0b0c, 0x0a0b0d, p, sizeof(p));
	rig_take_accept();
	return processes(0x0a0b0c, roles, peer_bits);
}

/* Up to where our PLOGI is on its way. */
struct frame rig_plogi_sent(uint8_t roles)
{
	uint8_t p[LOGIN_LEN];

	rig_start(WEFT_FCM_NATIVE, roles);
	rig_link_up();
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(rig_take(), p, sizeof(p));
	return *rig_take_els(ELS_PLOGI, FC_ID_PTP_HIGH, FC_ID_PTP_LOW);
}

struct frame rig_prli_sent(void)
{
	uint8_t p[LOGIN_LEN];
	struct frame f = rig_plogi_sent(HOST);

	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(&f, p, sizeof(p));
	return *rig_take_els(ELS_PRLI, FC_ID_PTP_HIGH, FC_ID_PTP_LOW);
}

/* --- bytes ------------------------------------------------------------------------------------------- */

uint32_t hex(const char *s, uint8_t *out)
{
	uint32_t n = 0;
	unsigned v;

	for (; *s; s++) {
		if (isspace((unsigned char)*s))
			continue;
		ck_assert_int_eq(sscanf(s++, "%2x", &v), 1);
		out[n++] = (uint8_t)v;
	}
	return n;
}

void expect_bytes(const uint8_t *p, uint32_t len, const char *want)
{
	uint8_t w[600];
	uint32_t n = hex(want, w);

	ck_assert_uint_eq(len, n);
	for (uint32_t i = 0; i < n; i++)
		ck_assert_msg(p[i] == w[i], "byte %u is %02x, not %02x", i, p[i], w[i]);
}
