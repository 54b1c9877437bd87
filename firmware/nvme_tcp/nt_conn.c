/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections: IC exchange, TermReq, close; see the table in nt.h. */
#include "nt.h"

#include <string.h>

#include "lib/aux_map.h"
#include "net/net.h"

struct nt_conn nt_conns[WEFT_N_QP];

/* PDU records that stand in no slot: H2CData, ICReq, TermReq. Their header area takes the longest, a TermReq. */
#define NT_PDU_SIZE 256u
#define NT_PDUS (AUX_NT_SIZE / NT_PDU_SIZE)
_Static_assert(48 + PDU_TERM_LEN + PDU_TERM_COPY_MAX <= NT_PDU_SIZE, "a TermReq fits");

static uint32_t pdu_free_head, pdu_free_count;
#define NT_USER_FREE UINT32_MAX
static bool starved; /* some connection waits for a record */

static void pdu_pool_init(void)
{
	pdu_free_head = 0;
	pdu_free_count = 0;
	for (uint32_t i = 0; i < NT_PDUS; i++)
		nt_pdu_put(hal_xram(AUX_NT_OFF + i * NT_PDU_SIZE));
	starved = false;
}

struct tcp_pdu *nt_pdu_get(void)
{
	struct tcp_pdu *pdu;

	if (!pdu_free_head) {
		starved = true;
		return NULL;
	}
	pdu = hal_xram(pdu_free_head);
	pdu_free_head = pdu->next;
	pdu_free_count--;
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

/* A record came back while somebody waited for one. */
static void feed_starved(void)
{
	starved = false;
	for (uint16_t i = 1; i < WEFT_N_QP && !starved; i++)
		if (nt_conns[i].r2t_head)
			nt_r2t_pump(i);
}

void nt_send(uint16_t conn, struct tcp_pdu *pdu, uint32_t kind_slot, uint32_t len)
{
	pdu->rec.rsvd = 0;
	pdu->user = kind_slot | (uint32_t)conn << 16;
	pdu->len = len;
	nt_conns[conn].stats.pdus_sent++;
	/* cannot fail: the state says that TCP is open, and lengths are bounded by WEFT_DATA_MAX */
	(void)tcp_send(conn, pdu);
}

static void send_control(uint16_t conn, struct tcp_pdu *pdu, uint32_t len)
{
	pdu->rec = (struct eng_tx_rec){ .hdr_addr = hal_xram_off(nt_pdu_header(pdu)), .hdr_len = (uint8_t)len };
	nt_send(conn, pdu, ENG_NO_SLOT | NT_PDU_CONTROL << 24, len);
}

static void reset_conn(struct nt_conn *c)
{
	memset(c, 0, sizeof(*c));
	c->state = NT_IDLE;
	c->connect_slot = ENG_NO_SLOT;
	c->disconnect_slot = ENG_NO_SLOT;
	c->deadline = UINT64_MAX;
}

void nt_init(void)
{
	for (uint32_t i = 0; i < WEFT_N_QP; i++)
		reset_conn(&nt_conns[i]);
	memset(nt_cmds, 0, WEFT_N_SLOTS * sizeof(nt_cmds[0]));
	pdu_pool_init();
	nt_r2t_init();
}

uint16_t nt_connect(const struct weft_arg_connect *arg, uint16_t admin_slot, uint16_t slot_base, uint16_t entries)
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
	reset_conn(c);
	c->state = NT_TCP;
	c->connect_slot = admin_slot;
	c->slot_base = slot_base;
	c->entries = entries;
	c->maxr2t = (uint8_t)arg->maxr2t;
	c->asked_dgst = arg->digests;
	c->rules.rx_align = (uint8_t)((arg->hpda + 1) * 4);
	c->deadline = hal_now_ns() + (arg->timeout_ms ? arg->timeout_ms : 30000) * UINT64_C(1000000);
	return 0;
}

static void on_connected(uint16_t conn)
{
	struct nt_conn *c = &nt_conns[conn];
	struct tcp_pdu *pdu = nt_pdu_get();

	if (!pdu) {
		nt_fail(conn, ENOBUFS);
		return;
	}
	c->state = NT_IC;
	pdu_put_icreq(nt_pdu_header(pdu), (uint8_t)(c->rules.rx_align / 4 - 1), c->asked_dgst, c->maxr2t);
	send_control(conn, pdu, PDU_IC_LEN);
}

static void on_acked(uint16_t conn, struct tcp_pdu *pdu)
{
	uint16_t slot = (uint16_t)pdu->user;
	enum nt_pdu_kind kind = pdu->user >> 24;

	if (kind == NT_PDU_CAPSULE) {
		nt_cmd_unref(conn, slot);
		return;
	}
	nt_pdu_put(pdu);
	if (kind == NT_PDU_DATA) {
		nt_conns[conn].pdus_out--;
		nt_cmd_unref(conn, slot);
		nt_r2t_pump(conn);
	}
	if (starved)
		feed_starved();
}

/* The connection will end: no more commands, no more PDUs read. */
static void enter_closing(struct nt_conn *c, uint16_t err, uint32_t grace_ms)
{
	c->state = NT_CLOSING;
	if (!c->err)
		c->err = err;
	c->deadline = hal_now_ns() + grace_ms * UINT64_C(1000000);
}

void nt_fail(uint16_t conn, uint16_t err)
{
	struct nt_conn *c = &nt_conns[conn];

	if (c->state == NT_IDLE)
		return;
	enter_closing(c, err, NT_TERM_MS);
	tcp_abort(conn, -(int)err);
}

/* TermReq with a copy of the offending header, then FIN; the peer has NT_TERM_MS to close. */
void nt_fault(uint16_t conn, const struct pdu_fault *fault)
{
	struct nt_conn *c = &nt_conns[conn];
	const uint8_t *hdr = hal_rx_header(conn);
	uint8_t copy[PDU_TERM_COPY_MAX];
	struct tcp_pdu *pdu;
	uint32_t n = hdr[2];

	if (c->state == NT_CLOSING || c->state == NT_IDLE)
		return;
	if (n < 8)
		n = 8;
	if (n > PDU_TERM_COPY_MAX)
		n = PDU_TERM_COPY_MAX;
	c->fes = fault->fes | 1u << 31;
	enter_closing(c, EPROTO, NT_TERM_MS);
	pdu = nt_pdu_get();
	if (!pdu) { /* cannot say why: reset, as the specification allows */
		tcp_abort(conn, -EPROTO);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		copy[i] = hdr[i];
	send_control(conn, pdu, pdu_put_term_req(nt_pdu_header(pdu), fault, copy, n));
	tcp_close(conn);
}

uint16_t nt_disconnect(uint16_t conn, bool abort, uint16_t admin_slot)
{
	struct nt_conn *c = &nt_conns[conn];

	if (c->state == NT_IDLE)
		return ENOTCONN;
	if (c->disconnect_slot != ENG_NO_SLOT)
		return EALREADY;
	c->disconnect_slot = admin_slot;
	c->close_by_us = true;
	if (abort || c->state == NT_TCP) {
		enter_closing(c, ECANCELED, NT_TERM_MS);
		tcp_abort(conn, -ECANCELED);
	} else if (c->state != NT_CLOSING) {
		enter_closing(c, 0, 5 * NT_TERM_MS);
		tcp_close(conn);
	}
	return 0;
}

static void on_remote_closed(uint16_t conn)
{
	struct nt_conn *c = &nt_conns[conn];

	if (c->state != NT_CLOSING)
		enter_closing(c, c->state == NT_READY ? 0 : ECONNRESET, NT_TERM_MS);
	tcp_close(conn);
}

static void admin_done(uint16_t *slot, uint16_t err)
{
	const struct hal_cpl cpl = { .type = WEFT_CQT_ADMIN, .cid = *slot, .status = err, .slot = *slot };

	if (*slot == ENG_NO_SLOT)
		return;
	hal_complete(&cpl);
	*slot = ENG_NO_SLOT;
}

/* Every command ends, PDUs go back to the pool. Engines are quiet: TCP says so by calling closed(). */
static void drop_commands(uint16_t conn, uint16_t err)
{
	struct nt_conn *c = &nt_conns[conn];

	nt_r2t_drop(conn);
	for (uint32_t i = 0; i < NT_PDUS; i++) { /* TCP forgot those that were not acknowledged */
		struct tcp_pdu *pdu = hal_xram(AUX_NT_OFF + i * NT_PDU_SIZE);

		if (pdu->user != NT_USER_FREE && (uint8_t)(pdu->user >> 16) == conn)
			nt_pdu_put(pdu);
	}
	for (uint16_t i = 0; i < c->entries && c->active; i++)
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
	bool was_open = c->connect_slot == ENG_NO_SLOT;

	if (!c->err && err)
		c->err = (uint16_t)-err;
	drop_commands(conn, c->err ? c->err : ECONNRESET);
	if (was_open && !c->close_by_us)
		post_event(conn, c);
	admin_done(&c->connect_slot, c->err ? c->err : ECONNRESET);
	admin_done(&c->disconnect_slot, 0);
	reset_conn(c);
}

uint64_t nt_timer(uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (uint16_t i = 1; i < WEFT_N_QP; i++) {
		struct nt_conn *c = &nt_conns[i];

		if (c->deadline <= now) {
			if (c->state == NT_CLOSING) {
				c->deadline = UINT64_MAX;
				tcp_abort(i, -(int)(c->err ? c->err : ETIMEDOUT));
			} else {
				nt_fail(i, ETIMEDOUT);
			}
		}
		if (c->deadline < next)
			next = c->deadline;
	}
	return next;
}

static const struct tcp_user_ops ops = {
	.connected = on_connected,
	.acked = on_acked,
	.remote_closed = on_remote_closed,
	.closed = on_closed,
};

const struct tcp_user_ops *nt_tcp_ops(void)
{
	return &ops;
}
