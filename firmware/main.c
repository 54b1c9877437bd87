/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware's main loop: run to completion, one event at a time. Never blocks, never allocates. */
#include "main.h"

#include "fc/fc_frame.h"
#include "fc_nvme/fcn.h"
#include "flash/service.h"
#include "host/admin.h"
#include "host/qp.h"
#include "lib/err.h"
#include "lib/event.h"
#include "lib/log.h"
#include "lib/timer.h"
#include "net/net.h"
#include "nvme_tcp/nt_ctl.h"
#include "version.h"

#define TURN 64u /* events */

static void entry_refused(const struct hal_event *ev)
{
	const struct hal_cpl cpl = {
		.qp = ev->id,
		.type = ev->id ? WEFT_CQT_COMMAND : WEFT_CQT_ADMIN,
		.cid = (uint16_t)ev->w1,
		.status = (uint16_t)ev->w2,
		.slot = ENG_NO_SLOT,
	};

	hal_complete(&cpl);
}

/* The state of its connection alone tells what a pair is, as long as all is well. */
static inline void submission(uint16_t qp, uint16_t slot)
{
	struct nt_conn *c = &nt_conns[qp];

	if (__builtin_expect(c->state == NT_READY, 1))
		nt_host_submit(qp, c, slot);
	else if (__builtin_expect(c->state == NT_SERVING, 1))
		nt_ctl_submit(qp, c, slot);
	else if (qp_is_fc[qp])
		fcn_submit(qp, slot);
	else if (!qp)
		admin_submit(slot);
	else
		nt_submit(qp, slot);
}

static inline void header(uint16_t conn)
{
	struct nt_conn *c = &nt_conns[conn];

	if (__builtin_expect(c->state == NT_READY, 1))
		nt_host_header(conn, c);
	else if (__builtin_expect(c->state == NT_SERVING, 1))
		nt_ctl_header(conn, c);
	else
		nt_header(conn, 0, 0);
}

static void qp_error(uint16_t qp, uint16_t err)
{
	const struct hal_cpl cpl = {
		.qp = qp,
		.type = WEFT_CQT_EVENT,
		.cid = ENG_NO_SLOT,
		.dw = { WEFT_EV_QP_ERROR, err, 0, 0 },
		.slot = ENG_NO_SLOT,
	};

	log_limited("qp %u: ring error %u", qp, err);
	if (!qp_get(qp))
		return;
	hal_complete(&cpl);
	if (qp &&
	    err != EINVAL) /* a bad doorbell is ignored; a ring that cannot be read or overran ends the connection */
		qp_is_fc[qp] ? fcn_qp_fail(qp, err) : nt_fail(qp, err);
}

/* Whatever has no place in dispatch, and those that have one there when flags say that something is wrong. */
static __attribute__((noinline)) bool dispatch_rare(struct hal_event ev)
{
	switch (ev.type) {
	case ENG_EVT_SQE:
		entry_refused(&ev);
		break;
	case ENG_EVT_HDR:
		nt_header(ev.id, ev.flags, ev.w2);
		break;
	case ENG_EVT_PLACED:
		nt_placed(ev.id, (uint16_t)ev.w2, ev.flags);
		break;
	case ENG_EVT_ACK:
		tcp_ack_event(ev.id);
		break;
	case ENG_EVT_FRAME:
		net_input(&ev);
		break;
	case ENG_EVT_TXDONE:
		net_txdone(&ev);
		break;
	case ENG_EVT_STOPPED:
		tcp_stopped(ev.id);
		break;
	case ENG_EVT_QP_ERROR:
		qp_error(ev.id, (uint16_t)ev.w1);
		break;
	case ENG_EVT_QP_STOPPED:
		qp_stopped(ev.id);
		break;
	case ENG_EVT_ADMIN:
		qp_admin_changed();
		break;
	default:
		log_limited("event %u unknown", ev.type);
		break;
	}
	return event_held;
}

/* Fibre Channel, in the order of their frequency. They hold nothing back. */
static inline void dispatch_fc(struct hal_event ev)
{
	if (ev.type == ENG_EVT_FC_FRAME)
		fc_event_frame(&ev);
	else if (ev.type == ENG_EVT_FC_TXDONE)
		fc_event_txdone(&ev);
	else if (ev.type == ENG_EVT_FC_STOPPED)
		fcn_event_stopped(&ev);
	else if (ev.type == ENG_EVT_FC_PLACED)
		fcn_event_placed(&ev);
	else if (ev.type == ENG_EVT_FC_LINK)
		fc_event_link(&ev);
	else
		log_limited("event %u unknown", ev.type);
}

/*
 * Compared, not looked up in a table: the two of every command first, then Fibre Channel, then TCP's other two. These four have no
 * flags, which the same comparison tells. Their words stay in registers: only copies go to memory. True: TCP may have held events back.
 */
static inline bool dispatch(const struct hal_event *ev)
{
	uint32_t kind = ev->w0 & 0xffff;
	uint16_t id = (uint16_t)(ev->w0 >> 16);

	if (kind == ENG_EVT_HDR)
		header(id);
	else if (kind == ENG_EVT_SQE)
		submission(id, (uint16_t)ev->w1);
	else if ((kind & 0xff) >= ENG_EVT_FC_FRAME)
		dispatch_fc(*ev);
	else if (kind == ENG_EVT_PLACED)
		nt_placed(id, (uint16_t)ev->w2, 0);
	else if (kind == ENG_EVT_ACK)
		tcp_ack_event(id);
	else
		return dispatch_rare(*ev);
	return false;
}

/* Events that TCP held back while it took a run of frames come before those of the queue. Returns how many events the turn has had. */
static __attribute__((noinline)) uint32_t dispatch_held(uint32_t n)
{
	struct hal_event ev;

	while (event_held && n < TURN) {
		event_unhold(&ev);
		(void)dispatch(&ev);
		n++;
	}
	return n;
}

/* The same while the flash service has something to do, which wakes the loop up more often. */
static __attribute__((noinline)) void timers_and_flash(uint32_t now)
{
	uint32_t soon = flash_turn();
	uint64_t next, then = hal_now_ns() + soon;

	timer_run(now);
	next = timer_next_ns();
	hal_timer_set(flash_at_work && then < next ? then : next);
}

/* Runs what is due. Looked at before each wait and after each turn, so that a flood of events cannot starve it. */
static void timers(void)
{
	uint32_t now = clk_now();

	if (__builtin_expect(flash_at_work, 0)) {
		timers_and_flash(now);
		return;
	}
	if (timer_quiet(now))
		return;
	timer_run(now);
	hal_timer_set(timer_next_ns());
}

/* Engines of another interface version would move the wrong bytes to the wrong place. */
static bool engines_fit(void)
{
	uint32_t v = hal_engine_version();

	if (v == (ENG_VERSION_MAJOR << ENG_VERSION_MAJOR_LSB | ENG_VERSION_MINOR))
		return true;
	log_line("engine interface %u.%u, this firmware needs %u.%u: it stops", v >> 16, v & 0xffff,
		 ENG_VERSION_MAJOR, ENG_VERSION_MINOR);
	hal_host_status(2, WEFT_DEAD_ENGINES << WEFT_FW_STATUS_CAUSE_LSB | (v >> 8 & 0xff00) |
				   (v & 0xff));
	return false;
}

bool fw_init(void)
{
	log_init();
	hal_host_version(FW_VERSION);
	if (!engines_fit())
		return false;
	timer_init();
	qp_init();
	net_init();
	nt_init();
	tcp_init(nt_tcp_ops(), NULL);
	fc_frame_init();
	fcn_init();
	fc_init();
	flash_init();
	hal_host_status(1, 0);
	log_line("weft firmware %u.%u.%u", FW_VERSION >> 16, FW_VERSION >> 8 & 255,
		 FW_VERSION & 255);
	return true;
}

static inline __attribute__((always_inline)) bool turn(void)
{
	struct hal_event ev;
	uint32_t n = 0;

	if (__builtin_expect(event_held, 0)) /* what the last turn left */
		n = dispatch_held(0);

	for (; n < TURN; n++) {
		if (!hal_event_peek(&ev)) {
			timers();
			return false;
		}
		hal_event_pop();
		if (dispatch(&ev))
			n = dispatch_held(n);
	}
	timers();
	return true;
}

bool fw_turn(void)
{
	return turn();
}

#ifndef HAL_NATIVE
void weft_main(void);
void weft_main(void)
{
	if (!fw_init())
		return; /* start code stands still */
	for (;;)
		if (!turn()) /* here once more: nothing to save and restore each time it wakes up */
			hal_wait();
}
#endif
