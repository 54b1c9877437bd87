/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections: IC exchange, TermReq, close; see the table in nt.h. */
#include "nt_ctl.h"

#include <string.h>

#include "lib/aux_map.h"
#include "net/net.h"

struct nt_conn nt_conns[WEFT_N_QP];

/* PDU records that stand in no slot: H2CData, R2T, ICReq, ICResp, TermReq. Their header area takes the longest, a TermReq. */
#define NT_PDU_SIZE 256u
#define NT_PDUS (AUX_NT_SIZE / NT_PDU_SIZE)
#define NT_PDUS_CONTROL \
	32u /* kept for the IC exchange and TermReq: write data must not keep a connection from opening */
#define NT_USER_FREE UINT32_MAX
_Static_assert(48 + PDU_TERM_LEN + PDU_TERM_COPY_MAX <= NT_PDU_SIZE, "a TermReq fits");

static uint32_t pdu_free_head, pdu_free_count;
static uint16_t fed_last; /* connection that was fed last: the next one comes first */
static bool starved;      /* some connection waits for a record */

static void pdu_pool_init(void)
{
	pdu_free_head = 0;
	pdu_free_count = 0;
	for (uint32_t i = 0; i < NT_PDUS; i++)
		nt_pdu_put(hal_xram(AUX_NT_OFF + i * NT_PDU_SIZE));
	starved = false;
	fed_last = 0;
}

struct tcp_pdu *nt_pdu_take(uint32_t keep)
{
	struct tcp_pdu *pdu;

	if (pdu_free_count <= keep)
		return NULL;
	pdu = hal_xram(pdu_free_head);
	pdu_free_head = pdu->next;
	pdu_free_count--;
	return pdu;
}

/* A record for data. NULL: the connection's turn comes when one is given back. */
struct tcp_pdu *nt_pdu_get(void)
{
	struct tcp_pdu *pdu = nt_pdu_take(NT_PDUS_CONTROL);

	starved |= !pdu;
	return pdu;
}

void nt_pdu_put(struct tcp_pdu *pdu)
{
	pdu->user = NT_USER_FREE;
	pdu->next = pdu_free_head;
	pdu_free_head = hal_xram_off(pdu);
	pdu_free_count++;
}

uint32_t nt_pdus_free(void)
{
	return pdu_free_count;
}

/* More data or requests for data, as far as there is room. */
static void pump(uint16_t conn)
{
	if (nt_conns[conn].ctl)
		nt_get_pump(conn);
	else
		nt_r2t_pump(conn);
}

/* Records came back while somebody waited for one: in turn, so that no connection takes them all for ever. */
static void feed_starved(void)
{
	starved = false;
	for (uint16_t n = 0; n < WEFT_N_QP && !starved; n++) {
		fed_last = (uint16_t)((fed_last + 1) % WEFT_N_QP);
		if (nt_conns[fed_last].writer_first != ENG_NO_SLOT)
			pump(fed_last);
	}
}

void nt_send_control(uint16_t conn, struct tcp_pdu *pdu, uint32_t len)
{
	const struct nt_form f = { .bytes = len, .rec = len };

	pdu->rec.data_slot = 0;
	pdu->rec.data_off = 0;
	nt_send(conn, pdu, &f, 0, ENG_NO_SLOT | NT_PDU_CONTROL << 24);
}

static void on_timer(struct timer *t);

void nt_reset_conn(uint16_t conn)
{
	struct nt_conn *c = &nt_conns[conn];

	memset(c, 0, sizeof(*c));
	timer_setup(&c->timer, on_timer);
	c->connect_slot = ENG_NO_SLOT;
	c->disconnect_slot = ENG_NO_SLOT;
	c->writer_first = ENG_NO_SLOT;
	c->resp.word0 = NT_NO_FORM;
	c->c2h.word0 = NT_NO_FORM;
}

void nt_init(void)
{
	for (uint16_t i = 0; i < WEFT_N_QP; i++)
		nt_reset_conn(i);
	nt_accept_init();
	memset(nt_cmds, 0, WEFT_N_SLOTS * sizeof(nt_cmds[0]));
	pdu_pool_init();
}

void nt_set_timeout(uint16_t conn, uint32_t ms)
{
	if (ms > 1u << 30) /* expiries are compared in 31 bits */
		ms = 1u << 30;
	timer_set(&nt_conns[conn].timer, clk_now() + clk_ms(ms));
}

uint16_t nt_connect(const struct weft_arg_connect *arg, uint16_t admin_slot, uint16_t slot_base,
		    uint16_t entries)
{
	struct nt_conn *c = &nt_conns[arg->qp];
	struct tcp_params p = {
		.remote_ip = arg->remote_ip,
		.local_ip = net_port.ip,
		.remote_port = arg->remote_port,
		.local_port = arg->local_port,
		.keepalive_ms = arg->keepalive_ms,
	};
	int rc;

	if (c->state != NT_IDLE)
		return EISCONN;
	if (arg->hpda > 31 || arg->maxr2t > 15 || arg->digests > 3 || !arg->remote_port)
		return EINVAL;
	rc = tcp_connect(arg->qp, &p);
	if (rc)
		return (uint16_t)-rc;
	nt_reset_conn(arg->qp);
	c->state = NT_TCP;
	c->connect_slot = admin_slot;
	c->slot_base = slot_base;
	c->entries = entries;
	c->maxr2t = arg->maxr2t < NT_R2TS ? (uint8_t)arg->maxr2t :
					    NT_R2TS - 1; /* fewer than allowed is allowed */
	c->asked_dgst = arg->digests;
	c->rules.rx_align = (uint8_t)((arg->hpda + 1) * 4);
	nt_set_timeout(arg->qp, arg->timeout_ms ? arg->timeout_ms : NT_CONNECT_MS);
	return 0;
}

static void on_connected(uint16_t conn)
{
	struct nt_conn *c = &nt_conns[conn];
	struct tcp_pdu *pdu;

	if (c->ctl) {
		nt_ctl_connected(conn);
		return;
	}
	pdu = nt_pdu_take(0);
	if (!pdu) {
		nt_fail(conn, ENOBUFS);
		return;
	}
	c->state = NT_IC;
	pdu_put_icreq(nt_pdu_header(pdu), (uint8_t)(c->rules.rx_align / 4 - 1), c->asked_dgst,
		      c->maxr2t);
	nt_send_control(conn, pdu, PDU_IC_LEN);
}

static void on_acked(uint16_t conn, struct tcp_pdu *pdu)
{
	uint16_t slot = (uint16_t)pdu->user;
	enum nt_pdu_kind kind = pdu->user >> 24;

	if (kind == NT_PDU_CAPSULE) {
		nt_cmd_unref(conn, slot);
		return;
	}
	if (kind == NT_PDU_REPLY) {
		nt_reply_acked(conn, slot);
		return;
	}
	nt_pdu_put(pdu);
	if (kind == NT_PDU_DATA) {
		nt_conns[conn].pdus_out--;
		nt_cmd_unref(conn, slot);
	} else if (kind == NT_PDU_R2T) {
		nt_conns[conn].pdus_out--;
	}
	if (starved)
		feed_starved(); /* this one waits for its turn, too */
	else
		pump(conn);
}

/* --- ending ----------------------------------------------------------------------------------------------------------------- */

void nt_discard(uint16_t conn)
{
	hal_stream_data(conn, 0, 0, UINT32_MAX, 0, ENG_RXSF_DISCARD);
}

/* The connection will end: no more commands, no more PDUs read. */
static void enter_closing(uint16_t conn, uint16_t err, uint32_t grace_ms)
{
	struct nt_conn *c = &nt_conns[conn];

	c->state = NT_CLOSING;
	if (!c->err)
		c->err = err;
	c->resp.word0 = NT_NO_FORM;
	c->c2h.word0 = NT_NO_FORM;
	nt_set_timeout(conn, grace_ms);
	if (c->ctl)
		nt_ctl_closing(conn);
	else
		nt_r2t_drop(c);
}

void nt_fail(uint16_t conn, uint16_t err)
{
	if (nt_conns[conn].state == NT_IDLE)
		return;
	if (nt_conns[conn].state == NT_WAIT) {
		nt_wait_end(conn, err);
		return;
	}
	enter_closing(conn, err, NT_TERM_MS);
	tcp_abort(conn, -(int)err);
}

/* Bytes of the offending header that are there: what HLEN says, or the common header when HLEN cannot be. */
static uint32_t bad_header(uint16_t conn, uint32_t *copy)
{
	const uint32_t *hdr = (const uint32_t *)hal_rx_header(conn);
	uint32_t n = hdr[0] >> 16 & 0xff;

	if (n < 8 || n > PDU_TERM_COPY_MAX)
		n = 8;
	for (uint32_t i = 0; i < (n + 3) / 4; i++)
		copy[i] = hdr[i];
	return n;
}

/* TermReq with a copy of the offending header, then FIN; the peer has NT_TERM_MS to close. */
void nt_fault(uint16_t conn, const struct pdu_fault *fault)
{
	struct nt_conn *c = &nt_conns[conn];
	uint32_t copy[PDU_TERM_COPY_MAX / 4];
	struct tcp_pdu *pdu;
	uint32_t n;

	c->fes = fault->fes | 1u << 31;
	pdu = nt_pdu_take(0);
	if (!pdu) { /* cannot say why: reset, as the specification allows */
		nt_fail(conn, EPROTO);
		return;
	}
	n = bad_header(conn, copy);
	enter_closing(conn, EPROTO, NT_TERM_MS);
	nt_send_control(conn, pdu,
			pdu_put_term_req(nt_pdu_header(pdu),
					 c->ctl ? PDU_C2H_TERM_REQ : PDU_H2C_TERM_REQ, fault,
					 (const uint8_t *)copy, n));
	tcp_close(conn);
	nt_discard(conn);
}

/* FES of a TermReq that keeps to the form; the content of another is not looked at. No answer but the connection's end. */
void nt_peer_gave_up(uint16_t conn, const struct pdu_hdr *h)
{
	bool good = pdu_hlen(h) == PDU_TERM_LEN && h->w[1] >= PDU_TERM_LEN &&
		    h->w[1] <= PDU_TERM_LEN + PDU_TERM_COPY_MAX;

	nt_conns[conn].fes = good ? (uint16_t)h->w[2] : 0;
	enter_closing(conn, ECONNRESET, NT_TERM_MS);
	tcp_close(conn);
	nt_discard(conn);
}

uint16_t nt_disconnect(uint16_t conn, bool abort, uint16_t admin_slot)
{
	struct nt_conn *c = &nt_conns[conn];

	if (c->state == NT_IDLE)
		return ENOTCONN;
	if (c->disconnect_slot != ENG_NO_SLOT)
		return EALREADY;
	if (c->state == NT_WAIT) {
		nt_wait_end(conn, ECANCELED);
		nt_admin_done(admin_slot, 0);
		return 0;
	}
	c->disconnect_slot = admin_slot;
	c->close_by_us = true;
	if (abort || c->state == NT_TCP) {
		nt_fail(conn, ECANCELED);
	} else if (c->state != NT_CLOSING) {
		enter_closing(conn, 0, NT_CLOSE_MS);
		tcp_close(conn);
	}
	return 0;
}

void nt_forget_admin(void)
{
	nt_accept_forget();
	for (uint32_t i = 0; i < WEFT_N_QP; i++) {
		nt_conns[i].connect_slot = ENG_NO_SLOT;
		nt_conns[i].disconnect_slot = ENG_NO_SLOT;
	}
}

static void on_remote_closed(uint16_t conn)
{
	struct nt_conn *c = &nt_conns[conn];

	if (c->state != NT_CLOSING)
		enter_closing(conn, c->was_ready ? 0 : ECONNRESET, NT_TERM_MS);
	tcp_close(conn);
}

static void on_timer(struct timer *t)
{
	struct nt_conn *c = list_entry(t, struct nt_conn, timer);

	nt_fail((uint16_t)(c - nt_conns), c->close_by_us ? ECANCELED : ETIMEDOUT);
}

void nt_admin_done(uint16_t slot, uint16_t err)
{
	const struct hal_cpl cpl = {
		.type = WEFT_CQT_ADMIN, .cid = slot, .status = err, .slot = slot
	};

	if (slot != ENG_NO_SLOT)
		hal_complete(&cpl);
}

/* Every command ends, PDUs go back to the pool. Engines are quiet: TCP says so by calling closed(). */
static void drop_commands(uint16_t conn, uint16_t err)
{
	struct nt_conn *c = &nt_conns[conn];

	for (uint32_t i = 0; i < NT_PDUS; i++) { /* TCP forgot those that were not acknowledged */
		struct tcp_pdu *pdu = hal_xram(AUX_NT_OFF + i * NT_PDU_SIZE);

		if (pdu->user != NT_USER_FREE && (uint8_t)(pdu->user >> 16) == conn)
			nt_pdu_put(pdu);
	}
	if (c->ctl) {
		nt_ctl_drop(conn, err);
		return;
	}
	for (uint16_t i = 0; i < c->entries; i++)
		if (nt_cmds[c->slot_base + i].flags & NTC_ACTIVE)
			nt_cmd_finish(conn, (uint16_t)(c->slot_base + i), err);
}

static void post_event(uint16_t conn, const struct nt_conn *c)
{
	const struct hal_cpl cpl = {
		.qp = conn,
		.type = WEFT_CQT_EVENT,
		.cid = ENG_NO_SLOT,
		.dw = { c->err ? WEFT_EV_CONN_ERROR : WEFT_EV_CONN_CLOSED, c->err, c->fes, 0 },
		.slot = ENG_NO_SLOT,
	};

	hal_complete(&cpl);
}

static void on_closed(uint16_t conn, int err)
{
	struct nt_conn *c = &nt_conns[conn];
	uint16_t reason;

	timer_cancel(&c->timer);
	if (!c->ctl)
		nt_r2t_drop(c);
	if (!c->err && err)
		c->err = (uint16_t)-err;
	reason = c->err ? c->err : c->close_by_us ? ECANCELED : ECONNRESET;
	drop_commands(conn, reason);
	if (c->was_ready && !c->close_by_us)
		post_event(conn, c);
	if (c->ctl) {
		nt_ctl_closed(conn, reason);
	} else {
		nt_admin_done(c->connect_slot, reason);
		nt_admin_done(c->disconnect_slot, 0);
		nt_reset_conn(conn);
	}
	if (starved)
		feed_starved();
}

static const struct tcp_user_ops ops = {
	.connected = on_connected,
	.acked = on_acked,
	.remote_closed = on_remote_closed,
	.closed = on_closed,
	.acceptable = nt_acceptable,
	.incoming = nt_incoming,
};

const struct tcp_user_ops *nt_tcp_ops(void)
{
	return &ops;
}
