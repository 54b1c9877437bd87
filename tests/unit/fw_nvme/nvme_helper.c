/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's side, time, and what is checked at every completion and at the end. */
#include "nvme_helper.h"

#include <stdlib.h>
#include <string.h>

#include "hal_fake_int.h"
#include "lib/aux_map.h"
#include "net/arp.h"
#include "net/frame.h"
#include "net/net.h"
#include "nvme_tcp/nt_ctl.h"
#include "peer.h"

#define PDUS (AUX_NT_SIZE / 256u)

uint32_t status_seen, fw_status_seen;
uint32_t qp_starts[WEFT_N_QP], qp_stops[WEFT_N_QP];
bool hold_qp_stopped;
bool early_reply;
uint8_t wire[WIRE_SIZE];
static uint8_t memory[FAKE_HOST_SIZE]; /* what host memory holds at first */
static bool memory_used;
static bool busy[WEFT_N_SLOTS];
static uint32_t seen[WEFT_N_QP][1024]; /* completions taken by completion() */
static uint16_t admin_cid;

/* --- engine calls that the tests watch ------------------------------------------------------------------------------------ */

void __real_hal_complete(const struct hal_cpl *cpl);
void __wrap_hal_complete(const struct hal_cpl *cpl);
void __wrap_hal_host_status(uint32_t status, uint32_t fw_status);
void __real_hal_qp_start(uint16_t qp, const struct eng_qp_ctx *ctx);
void __wrap_hal_qp_start(uint16_t qp, const struct eng_qp_ctx *ctx);
void __real_hal_qp_stop(uint16_t qp);
void __wrap_hal_qp_stop(uint16_t qp);

/* A command whose connection has ended: nothing may touch its buffer from here on. */
static void check_quiet(uint16_t conn)
{
	struct eng_conn_state st;

	hal_conn_state(conn, &st);
	ck_assert_uint_eq(st.mode >> 4 & 15, FAKE_STREAM_STOPPED);
	ck_assert_uint_eq(st.mode & 1, 0);
	ck_assert_int_eq(tcp_state(conn), TCP_CLOSED);
	ck_assert(!(hal_conn_ctx(conn)->flags & ENG_CF_VALID));
}

/* A capsule comes into a slot that no entry is under way for, unless the program is ahead of itself. */
static void check_capsule(const struct hal_cpl *cpl)
{
	ck_assert(!busy[cpl->slot] || early_reply);
	ck_assert_uint_eq(cpl->cid, cpl->slot - qp_get(cpl->qp)->slot_base);
	ck_assert_uint_eq(nt_cmds[cpl->slot].flags, CTL_HELD);
	ck_assert_uint_eq(cpl->status, 0);
	ck_assert(nt_conns[cpl->qp].state == NT_SERVING);
	busy[cpl->slot] = false;
}

void __wrap_hal_complete(const struct hal_cpl *cpl)
{
	if (cpl->slot == ENG_NO_SLOT) {
		ck_assert(cpl->type == WEFT_CQT_EVENT || cpl->status);
	} else if (cpl->type == WEFT_CQT_CAPSULE) {
		check_capsule(cpl);
	} else {
		ck_assert_uint_lt(cpl->slot, WEFT_N_SLOTS);
		ck_assert_msg(busy[cpl->slot], "slot %u completes twice", cpl->slot);
		busy[cpl->slot] = false;
		ck_assert_uint_eq(cpl->cid, cpl->slot - qp_get(cpl->qp)->slot_base);
		ck_assert_uint_le(nt_cmds[cpl->slot].flags,
				  qp_get(cpl->qp)->controller ? CTL_HELD : 0);
		if (cpl->qp && nt_conns[cpl->qp].was_ready &&
		    nt_conns[cpl->qp].state == NT_CLOSING && cpl->status && cpl->status != ENOTCONN)
			check_quiet(cpl->qp);
	}
	__real_hal_complete(cpl);
}

void __wrap_hal_host_status(uint32_t status, uint32_t fw_status)
{
	status_seen = status;
	fw_status_seen = fw_status;
}

void __wrap_hal_qp_start(uint16_t qp, const struct eng_qp_ctx *ctx)
{
	qp_starts[qp]++;
	__real_hal_qp_start(qp, ctx);
	if (qp) {
		ck_assert_uint_eq(ctx->slots & 0xffff, qp_get(qp)->slot_base);
		ck_assert_uint_eq(1u << (ctx->sizes & 15), qp_get(qp)->entries);
	}
}

void __wrap_hal_qp_stop(uint16_t qp)
{
	qp_stops[qp]++;
	if (!hold_qp_stopped)
		__real_hal_qp_stop(qp);
}

void qp_stopped_now(uint16_t qp)
{
	__real_hal_qp_stop(qp);
	run();
}

/* --- time ------------------------------------------------------------------------------------------------------------------ */

void run(void)
{
	bool more;

	do {
		more = fw_turn();
		fake_run();
		more |= peer_work();
		more |= fake_events() || fake_tx_queued() > fake_opt.tx_stop;
	} while (more);
}

void run_ms(uint32_t ms)
{
	uint64_t end = hal_now_ns() + ms * 1000000ull;

	while (hal_now_ns() < end) {
		uint64_t left = end - hal_now_ns(), next = fake_timer();

		fake_advance(next > hal_now_ns() && next < end ? next - hal_now_ns() :
			     left < 1000000                    ? left :
								 1000000);
		run();
	}
}

void fill_patterns(void)
{
	for (uint32_t i = 0; i < sizeof(memory); i++)
		fake_host[i] = memory[i] = pattern(i);
	for (uint32_t i = 0; i < sizeof(wire); i++)
		wire[i] = pattern(i + 77) ^ 0x5a;
}

/* --- up and down ----------------------------------------------------------------------------------------------------------- */

void host_aq_regs(const uint32_t regs[6])
{
	fake_admin_enable(regs);
	run();
}

void host_aq(uint32_t ctrl)
{
	const uint32_t regs[6] = { 0x1000, 0, 0x2000, 0, 5 | 6 << 8, ctrl };

	host_aq_regs(regs);
}

static void start(uint16_t mtu)
{
	struct weft_arg_port port = { .ip = OUR_IP, .mask = 0xffffff00, .mtu = mtu };

	fake_reset();
	peer_reset();
	memset(busy, 0, sizeof(busy));
	memset(seen, 0, sizeof(seen));
	memset(qp_starts, 0, sizeof(qp_starts));
	memset(qp_stops, 0, sizeof(qp_stops));
	hold_qp_stopped = false;
	early_reply = false;
	admin_cid = 0;
	if (memory_used) /* with a process per test it is still as fill_patterns left it */
		memcpy(fake_host, memory, sizeof(memory));
	memory_used = true;
	ck_assert(fw_init());
	ck_assert_uint_eq(nt_pdus_free(), PDUS);
	host_aq(1);
	memcpy(port.mac, our_mac, 6);
	ck_assert_uint_eq(admin(WEFT_OP_PORT_SET, &port, sizeof(port), NULL), 0);
}

void fw_start(void)
{
	start(1500);
}

void fw_start_mtu(uint16_t mtu)
{
	start(mtu);
}

static void check_nothing_left(void)
{
	ck_assert(tcp_idle());
	ck_assert_uint_eq(timer_count(), 0);
	ck_assert_uint_eq(nt_pdus_free(), PDUS);
	ck_assert_uint_eq(fake_cells_used(), 0);
	ck_assert_uint_eq(frame_used(), 0);
	ck_assert_uint_eq(fake_events(), 0);
	ck_assert_uint_eq(fake_tx_queued(), 0);
	for (uint32_t i = 0; i < WEFT_N_SLOTS; i++) {
		ck_assert_msg(!busy[i], "slot %u never completed", i);
		ck_assert_uint_eq(nt_cmds[i].flags, 0);
		ck_assert_uint_eq(nt_cmds[i].refs, 0);
		ck_assert_uint_eq(nt_cmds[i].r2ts, 0);
	}
	for (uint16_t i = 0; i < WEFT_N_QP; i++) {
		ck_assert_uint_eq(nt_conns[i].state, NT_IDLE);
		ck_assert_uint_eq(nt_conns[i].writer_first, ENG_NO_SLOT);
		ck_assert(!fake_killed(i));
	}
}

void fw_teardown(void)
{
	fake_opt.tx_stop = 0;
	hold_qp_stopped = false;
	for (int pass = 0; pass < 2; pass++) { /* a pair that was not accepted waits again */
		for (uint16_t i = 1; i < WEFT_N_QP; i++)
			if (nt_conns[i].state != NT_IDLE)
				nt_fail(i, ECANCELED);
		run();
	}
	nt_accept_forget();
	run_ms(3000); /* TIME_WAIT */
	for (uint16_t i = 1; i < WEFT_N_QP; i++)
		if (qp_get(i) && !qp_get(i)->stopping)
			ck_assert_uint_eq(delete_qp(i), 0);
	ck_assert_uint_eq(qp_slots_free(), WEFT_N_SLOTS - QP_ADMIN_SLOTS);
	arp_flush();
	check_nothing_left();
	peer_reset();
	fake_reset();
}

/* --- admin pair ------------------------------------------------------------------------------------------------------------- */

uint16_t admin_start(uint8_t opcode, const void *args, uint32_t len)
{
	union {
		struct weft_sq_entry s;
		struct weft_admin_entry a;
	} e;
	uint16_t cid = admin_cid++ % 32;

	memset(&e, 0, sizeof(e));
	ck_assert_uint_eq(busy[cid], false);
	e.a.opcode = opcode;
	e.a.cid = cid;
	memcpy(e.a.args, args, len);
	busy[cid] = true;
	seen[0][cid] = completions(0, cid);
	fake_submit(0, cid, &e.s);
	run();
	return cid;
}

void admin_lost(uint8_t opcode)
{
	struct hal_cpl c;

	ck_assert(!admin_result(admin_start(opcode, "", 1), &c));
}

void forget_admin_slots(void)
{
	memset(busy, 0, QP_ADMIN_SLOTS);
}

bool admin_result(uint16_t cid, struct hal_cpl *out)
{
	for (uint32_t i = fake_cpl_count; i-- > 0;) {
		const struct hal_cpl *c = &fake_cpl[i];

		if (c->qp || c->cid != cid || c->type != WEFT_CQT_ADMIN)
			continue;
		if (completions(0, cid) == seen[0][cid])
			return false;
		ck_assert_uint_eq(completions(0, cid), seen[0][cid] + 1);
		*out = *c;
		return true;
	}
	return false;
}

uint16_t admin(uint8_t opcode, const void *args, uint32_t len, uint32_t dw[4])
{
	uint16_t cid = admin_start(opcode, args, len);
	struct hal_cpl c;

	ck_assert(admin_result(cid, &c));
	if (dw)
		memcpy(dw, c.dw, sizeof(c.dw));
	return c.status;
}

void create_qp(uint16_t qp, uint8_t sq_log2)
{
	struct weft_arg_qp_create a = { .sq_base = 0x4000,
					.cq_base = 0x8000,
					.qp = qp,
					.sq_log2 = sq_log2,
					.cq_log2 = sq_log2 + 1 };

	ck_assert_uint_eq(admin(WEFT_OP_QP_CREATE, &a, sizeof(a), NULL), 0);
}

uint16_t delete_qp(uint16_t qp)
{
	struct weft_arg_qp a = { .qp = qp };

	return admin(WEFT_OP_QP_DELETE, &a, sizeof(a), NULL);
}

uint16_t disconnect_start(uint16_t qp, bool abort)
{
	struct weft_arg_disconnect a = { .qp = qp, .abort = abort };

	return admin_start(WEFT_OP_DISCONNECT, &a, sizeof(a));
}

uint16_t connect_start(uint16_t qp, const struct conn_opts *o)
{
	struct weft_arg_connect a = {
		.qp = qp,
		.remote_port = PEER_PORT,
		.remote_ip = PEER_IP,
		.digests = o->digests,
		.hpda = o->hpda,
		.maxr2t = o->maxr2t,
		.timeout_ms = o->timeout_ms,
	};

	if (!qp_get(qp))
		create_qp(qp, SQ_LOG2);
	return admin_start(WEFT_OP_CONNECT, &a, sizeof(a));
}

void connect_qp(uint16_t qp, const struct conn_opts *o)
{
	uint16_t cid = connect_start(qp, o);
	struct peer *p = &peers[qp];
	struct send s = icresp(o, o->digests);
	struct hal_cpl c;

	expect_pdu(p, PDU_ICREQ);
	ck_assert(!admin_result(cid, &c));
	ctrl_send(p, &s);
	p->digests = s.hdr[11];
	p->hpda = o->hpda;
	p->cpda = o->cpda;
	ck_assert(admin_result(cid, &c));
	ck_assert_uint_eq(c.status, 0);
	ck_assert_uint_eq(c.dw[0], o->maxh2cdata ? o->maxh2cdata : 0x400000);
	ck_assert_uint_eq(c.dw[1], p->digests | (uint32_t)o->cpda << 8);
	ck_assert_uint_eq(c.dw[2], p->port);
}

/* --- commands --------------------------------------------------------------------------------------------------------------- */

uint16_t slot_of(uint16_t qp, uint16_t cid)
{
	return (uint16_t)(qp_get(qp)->slot_base + cid);
}

struct weft_sq_entry entry_of(uint16_t cid, const struct cmd *c)
{
	struct weft_sq_entry e = { .opcode = c->opcode ? c->opcode : WEFT_OP_CAPSULE,
				   .flags = c->flags,
				   .cid = cid };

	for (uint32_t i = 0; i < 64; i++)
		e.sqe[i] = (uint8_t)(0x40 + cid * 3 + i);
	e.sqe[2] = (uint8_t)cid;
	e.sqe[3] = (uint8_t)(cid >> 8);
	e.data_len = c->len;
	if (c->len) { /* two pieces, the second as long as need be */
		e.sgl_count = 2;
		e.sgl[0] = (struct weft_sgl_elem){ .addr = c->addr, .len = c->len / 3 };
		e.sgl[1] = (struct weft_sgl_elem){ .addr = c->addr + c->len / 3,
						   .len = c->len - c->len / 3 };
	}
	return e;
}

void submit_quiet(uint16_t qp, uint16_t cid, const struct weft_sq_entry *e)
{
	uint16_t slot = slot_of(qp, cid);

	ck_assert_uint_eq(busy[slot], false);
	busy[slot] = true;
	fake_submit(qp, slot, e);
}

void submit_entry(uint16_t qp, uint16_t cid, const struct weft_sq_entry *e)
{
	submit_quiet(qp, cid, e);
	run();
}

static struct tcp_pdu *taken[PDUS];
static uint32_t n_taken;

uint32_t take_all_records(void)
{
	uint32_t before = n_taken;

	while (nt_pdus_free())
		taken[n_taken++] = nt_pdu_take(0);
	return n_taken - before;
}

void give_back_records(uint32_t n)
{
	while (n--)
		nt_pdu_put(taken[--n_taken]);
}

void submit(uint16_t qp, uint16_t cid, const struct cmd *c)
{
	struct weft_sq_entry e = entry_of(cid, c);

	submit_entry(qp, cid, &e);
}

uint32_t completions(uint16_t qp, uint16_t cid)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < fake_cpl_count; i++)
		n += fake_cpl[i].qp == qp && fake_cpl[i].cid == cid &&
		     fake_cpl[i].type != WEFT_CQT_EVENT && fake_cpl[i].type != WEFT_CQT_CAPSULE;
	return n;
}

const struct hal_cpl *completion(uint16_t qp, uint16_t cid)
{
	ck_assert_msg(completions(qp, cid) == seen[qp][cid] + 1,
		      "qp %u cid %u: %u completions, %u were taken", qp, cid, completions(qp, cid),
		      seen[qp][cid]);
	seen[qp][cid]++;
	for (uint32_t i = fake_cpl_count; i-- > 0;)
		if (fake_cpl[i].qp == qp && fake_cpl[i].cid == cid &&
		    fake_cpl[i].type != WEFT_CQT_EVENT && fake_cpl[i].type != WEFT_CQT_CAPSULE)
			return &fake_cpl[i];
	return NULL;
}

uint32_t events_of(uint16_t qp)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < fake_cpl_count; i++)
		n += fake_cpl[i].qp == qp && fake_cpl[i].type == WEFT_CQT_EVENT;
	return n;
}

const struct hal_cpl *last_event(uint16_t qp)
{
	for (uint32_t i = fake_cpl_count; i-- > 0;)
		if (fake_cpl[i].qp == qp && fake_cpl[i].type == WEFT_CQT_EVENT)
			return &fake_cpl[i];
	ck_abort_msg("no event of pair %u", qp);
}

void expect_ok(uint16_t qp, uint16_t cid, uint32_t data_len)
{
	const struct hal_cpl *c = completion(qp, cid);

	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->type, WEFT_CQT_COMMAND);
	ck_assert_uint_eq(c->flags, 0);
	ck_assert_uint_eq(c->data_len, data_len);
	ck_assert_uint_eq(c->dw[0], 0xc0000000u + cid);
	ck_assert_uint_eq(c->dw[3] & 0xffff, cid);
}
