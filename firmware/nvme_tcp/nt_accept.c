/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accepting: pairs that wait for a connection, and the IC exchange. What ends before ICReq was accepted is forgotten, and the
 * pair waits on. When no pair waits, the connection that has been without ICReq longest makes room: already for the newcomer's
 * SYN, so that its place is likely there when the handshake is complete.
 */
#include <string.h>

#include "lib/log.h"
#include "nt_ctl.h"

struct nt_ctl nt_ctls[WEFT_N_QP];
static uint16_t ports[WEFT_N_LISTEN]; /* listened on; 0: none */
static uint16_t wait_first, wait_last;

void nt_accept_init(void)
{
	memset(nt_ctls, 0, sizeof(nt_ctls));
	memset(ports, 0, sizeof(ports));
	wait_first = wait_last = 0;
}

void nt_ctl_create(const struct weft_arg_qp_create *a)
{
	nt_ctls[a->qp] = (struct nt_ctl){
		.rx_cmd_lo = (uint32_t)a->rx_cmd,
		.rx_cmd_hi = (uint32_t)(a->rx_cmd >> 32),
		.rx_icd_lo = (uint32_t)a->rx_icd,
		.rx_icd_hi = (uint32_t)(a->rx_icd >> 32),
		.icd_size = a->icd_size,
	};
}

/* --- ports ------------------------------------------------------------------------------------------------------------------ */

static uint16_t *port_entry(uint16_t port)
{
	for (uint32_t i = 0; i < WEFT_N_LISTEN; i++)
		if (ports[i] == port)
			return &ports[i];
	return NULL;
}

uint16_t nt_listen(uint16_t port)
{
	static const struct tcp_params params;
	uint16_t *free;
	int rc;

	if (!port)
		return EINVAL;
	if (port_entry(port))
		return EADDRINUSE;
	free = port_entry(0);
	if (!free)
		return ENOSPC;
	rc = tcp_listen(port, &params);
	if (!rc)
		*free = port;
	return (uint16_t)-rc;
}

uint16_t nt_unlisten(uint16_t port)
{
	uint16_t *entry = port ? port_entry(port) : NULL;

	if (!entry)
		return ENOENT;
	*entry = 0;
	return (uint16_t)-tcp_unlisten(port);
}

/* --- pairs that wait ---------------------------------------------------------------------------------------------------------- */

static void wait_start(uint16_t conn, uint16_t admin_slot)
{
	nt_conns[conn].state = NT_WAIT;
	nt_conns[conn].connect_slot = admin_slot;
	nt_ctls[conn].wait_next = 0;
	if (wait_first)
		nt_ctls[wait_last].wait_next = conn;
	else
		wait_first = conn;
	wait_last = conn;
}

static void wait_remove(uint16_t conn)
{
	uint16_t before = 0;

	for (uint16_t i = wait_first; i != conn; i = nt_ctls[i].wait_next)
		before = i;
	if (before)
		nt_ctls[before].wait_next = nt_ctls[conn].wait_next;
	else
		wait_first = nt_ctls[conn].wait_next;
	if (wait_last == conn)
		wait_last = before;
}

void nt_wait_end(uint16_t conn, uint16_t err)
{
	wait_remove(conn);
	nt_admin_done(nt_conns[conn].connect_slot, err);
	nt_reset_conn(conn);
}

uint16_t nt_accept(const struct weft_arg_accept *a, uint16_t admin_slot, uint16_t slot_base,
		   uint16_t entries)
{
	struct nt_ctl *ctl = &nt_ctls[a->qp];

	if (nt_conns[a->qp].state != NT_IDLE)
		return EISCONN;
	if (a->digests > 3 || a->cpda > 31 || a->maxh2cdata < PDU_MAXH2CDATA_MIN ||
	    a->maxh2cdata > WEFT_PDU_DATA_MAX || a->maxh2cdata % 4)
		return EINVAL;
	ctl->port = a->port;
	ctl->digests = a->digests;
	ctl->cpda = a->cpda;
	ctl->maxh2cdata = a->maxh2cdata;
	ctl->ic_timeout_ms = a->ic_timeout_ms ? a->ic_timeout_ms : CTL_IC_MS;
	ctl->keepalive_ms = a->keepalive_ms;
	nt_conns[a->qp].slot_base = slot_base;
	nt_conns[a->qp].entries = entries;
	wait_start(a->qp, admin_slot);
	return 0;
}

static uint16_t find_waiting(uint16_t port)
{
	uint16_t i = wait_first;

	while (i && nt_ctls[i].port && nt_ctls[i].port != port)
		i = nt_ctls[i].wait_next;
	return i;
}

static bool without_icreq(uint16_t conn)
{
	return nt_conns[conn].ctl && nt_conns[conn].state == NT_IC;
}

/* Aborts the connection that has been without ICReq longest, of those that could take this port. False: none, or not for long. */
static bool make_room(uint16_t port)
{
	uint32_t now = clk_now(), most = clk_ms(CTL_EVICT_MS);
	uint16_t found = 0;

	for (uint16_t i = 1; i < WEFT_N_QP; i++) {
		if (!without_icreq(i) || (nt_ctls[i].port && nt_ctls[i].port != port) ||
		    now - nt_ctls[i].since <= most)
			continue;
		most = now - nt_ctls[i].since;
		found = i;
	}
	if (found)
		nt_fail(found, ETIMEDOUT);
	return found;
}

bool nt_acceptable(uint16_t local_port)
{
	return find_waiting(local_port) || make_room(local_port);
}

static void free_slots(uint16_t conn)
{
	const struct nt_conn *c = &nt_conns[conn];

	nt_ctls[conn].free_first = ENG_NO_SLOT;
	for (uint16_t i = c->entries; i-- > 0;)
		nt_slot_free(&nt_ctls[conn], (uint16_t)(c->slot_base + i));
}

uint16_t nt_incoming(uint16_t local_port, uint32_t remote_ip, uint16_t remote_port)
{
	uint16_t conn = find_waiting(local_port);
	struct nt_conn *c = &nt_conns[conn];

	if (!conn) {
		log_limited("nvme: no pair waits for %I port %u", remote_ip, remote_port);
		make_room(local_port);
		return 0;
	}
	wait_remove(conn);
	c->ctl = true;
	c->state = NT_IC;
	nt_ctls[conn].since = clk_now();
	nt_ctls[conn].header_waits = false;
	free_slots(conn);
	nt_set_timeout(conn, nt_ctls[conn].ic_timeout_ms);
	return conn;
}

void nt_ctl_connected(uint16_t conn)
{
	tcp_set_keepalive(conn, nt_ctls[conn].keepalive_ms);
}

/* Back to waiting when ACCEPT is still to be answered and nobody took it back. */
void nt_ctl_closed(uint16_t conn, uint16_t reason)
{
	struct nt_conn *c = &nt_conns[conn];
	uint16_t accept = c->connect_slot, disconnect = c->disconnect_slot;
	uint16_t slot_base = c->slot_base, entries = c->entries;
	bool cancelled = c->close_by_us;

	nt_reset_conn(conn);
	if (accept != ENG_NO_SLOT && !cancelled) {
		log_limited("nvme %u: connection lost before ICReq: error %u", conn, reason);
		c->slot_base = slot_base;
		c->entries = entries;
		wait_start(conn, accept);
		return;
	}
	nt_admin_done(accept, ECANCELED);
	nt_admin_done(disconnect, 0);
}

void nt_accept_forget(void)
{
	for (uint32_t i = 0; i < WEFT_N_LISTEN; i++) {
		if (ports[i])
			(void)tcp_unlisten(ports[i]);
		ports[i] = 0;
	}
	for (uint16_t i = 1; i < WEFT_N_QP; i++) {
		if (nt_conns[i].state != NT_WAIT && !without_icreq(i))
			continue;
		nt_conns[i].connect_slot = ENG_NO_SLOT;
		nt_fail(i, ECANCELED);
	}
}

/* --- IC exchange -------------------------------------------------------------------------------------------------------------- */

static void set_forms(struct nt_conn *c, uint8_t hpda, uint8_t cpda)
{
	uint8_t to_host = (uint8_t)((hpda + 1) * 4), from_host = (uint8_t)((cpda + 1) * 4);

	c->rules.rx_align = from_host;
	nt_set_form(&c->out_r2t, &c->rules, PDU_R2T, PDU_DATA_LEN, 0, 4);
	nt_set_form(&c->out_c2h, &c->rules, PDU_C2H_DATA, PDU_DATA_LEN, 1, to_host);
	nt_set_form(&c->out_resp, &c->rules, PDU_CAPSULE_RESP, PDU_RESP_LEN, 0, 4);
	nt_set_form(&c->in_cmd, &c->rules, PDU_CAPSULE_CMD, PDU_CMD_LEN, 0, 4);
	nt_set_form(&c->in_icd, &c->rules, PDU_CAPSULE_CMD, PDU_CMD_LEN, 1, from_host);
}

static void accept_done(uint16_t conn, const struct pdu_icreq *r, uint8_t dgst)
{
	struct nt_conn *c = &nt_conns[conn];
	uint32_t maxr2t = r->maxr2t < 0xffff ? r->maxr2t : 0xffff;
	const struct hal_cpl cpl = {
		.type = WEFT_CQT_ADMIN,
		.cid = c->connect_slot,
		.dw = { tcp_remote_ip(conn),
			tcp_remote_port(conn) | (uint32_t)tcp_local_port(conn) << 16,
			dgst | (uint32_t)r->hpda << 8 | maxr2t << 16, 0 },
		.slot = c->connect_slot,
	};

	hal_complete(&cpl);
	c->connect_slot = ENG_NO_SLOT;
}

/* The first header of a connection. */
void nt_ic_req(uint16_t conn, const struct pdu_hdr *h)
{
	const struct nt_ctl *ctl = &nt_ctls[conn];
	struct nt_conn *c = &nt_conns[conn];
	struct tcp_pdu *pdu;
	struct pdu_icreq r;
	struct pdu_fault f;
	uint8_t dgst;

	if (!pdu_check_icreq(h, &r, &f)) {
		nt_fault(conn, &f);
		return;
	}
	pdu = nt_pdu_take(0);
	if (!pdu) {
		nt_fail(conn, ENOBUFS);
		return;
	}
	dgst = r.dgst & ctl->digests;
	c->rules.hdgst = dgst & 1;
	c->rules.ddgst = !!(dgst & 2);
	c->maxr2t = r.maxr2t < NT_R2TS ? (uint8_t)r.maxr2t : NT_R2TS - 1;
	c->maxh2cdata = ctl->maxh2cdata;
	set_forms(c, r.hpda, ctl->cpda);
	c->state = NT_SERVING;
	c->was_ready = true;
	timer_cancel(&c->timer);
	if (c->rules.hdgst)
		tcp_stream_flags(conn, ENG_CF_HDGST);
	pdu_put_icresp(nt_pdu_header(pdu), ctl->cpda, dgst, ctl->maxh2cdata);
	nt_send_control(conn, pdu, PDU_IC_LEN);
	accept_done(conn, &r, dgst);
	hal_stream_next(conn);
}
