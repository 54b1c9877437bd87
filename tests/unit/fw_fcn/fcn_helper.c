/* SPDX-License-Identifier: BSD-2-Clause */
#include "fcn_helper.h"

#include <string.h>

uint32_t cq_room;
static bool busy[WEFT_N_SLOTS];
static uint16_t admin_next;

/* --- engine calls that are watched --------------------------------------------------------------- */

void __real_hal_complete(const struct hal_cpl *cpl);
void __wrap_hal_complete(const struct hal_cpl *cpl);
uint32_t __wrap_hal_cq_space(uint16_t qp);

uint32_t __wrap_hal_cq_space(uint16_t qp)
{
	(void)qp;
	return cq_room;
}

/* Nothing that is queued or armed may reach the buffer of an entry that ends. */
static void check_quiet(uint16_t slot)
{
	struct eng_fcx c;

	fake_fcx(slot, &c);
	ck_assert(!(c.flags & ENG_FCX_ARMED));
	ck_assert(!(fcn_xs[slot].flags & (FCNF_QUIET & ~FCNF_STOP)));
	ck_assert(!(fcn_xs[slot].flags & FCNF_STOP) || c.next == c.end);
	ck_assert(!(fcn_xs[slot].flags & FCNF_WAITS));
	ck_assert(!fake_fc_killed(slot));
}

void __wrap_hal_complete(const struct hal_cpl *cpl)
{
	if (cpl->type == WEFT_CQT_EVENT) {
		ck_assert_uint_eq(cpl->slot, ENG_NO_SLOT);
	} else if (cpl->type == WEFT_CQT_CAPSULE) {
		ck_assert_uint_eq(cpl->slot, slot_of(cpl->qp, cpl->cid));
		ck_assert(!busy[cpl->slot]);
	} else {
		ck_assert_msg(busy[cpl->slot], "slot %u completes twice", cpl->slot);
		busy[cpl->slot] = false;
		ck_assert(!cpl->status || !cpl->data_len);
		if (cpl->qp && cpl->status != EINVAL && cpl->status != EOPNOTSUPP)
			check_quiet(cpl->slot);
	}
	__real_hal_complete(cpl);
}

/* --- up and down ------------------------------------------------------------------------------------ */

void run(void)
{
	bool more;

	do {
		more = fw_turn();
		fake_fc_run();
		fake_run();
		more |= fake_events() || fake_fc_queued() > fake_fc_opt.tx_stop;
	} while (more);
}

void run_ms(uint32_t ms)
{
	uint64_t end = hal_now_ns() + ms * 1000000ull;

	while (hal_now_ns() < end) {
		uint64_t left = end - hal_now_ns(), next = fake_timer();

		fake_advance(next > hal_now_ns() && next < end ? next - hal_now_ns() : left);
		run();
	}
}

uint8_t pattern(uint32_t i)
{
	return (uint8_t)(i * 7 + (i >> 8) * 13 + 3);
}

void start(void)
{
	const uint32_t regs[6] = { 0x100, 0, 0x200, 0, 5 | 6 << 8, 1 };

	fake_reset();
	memset(busy, 0, sizeof(busy));
	memset(fake_host, 0xa5, sizeof(fake_host));
	for (uint32_t i = 0; i < 0x40000; i++)
		fake_host[BUF + i] = pattern(i);
	admin_next = 0;
	cq_room = 1024;
	port_reset();
	ck_assert(fw_init());
	wire_reset();
	hal_fc_id(OWN_ID);
	fake_admin_enable(regs);
	run();
}

static void check_nothing_left(void)
{
	struct eng_fcx c;

	ck_assert_uint_eq(fake_fc_bufs_used(), 0);
	ck_assert_uint_eq(fc_frames_used(), 0);
	ck_assert_uint_eq(fake_fc_queued(), 0);
	ck_assert_uint_eq(fake_events(), 0);
	ck_assert_uint_eq(fcn_in_use(), 0);
	ck_assert_uint_eq(fcn_tx_waiting, 0);
	for (uint16_t i = 0; i < WEFT_N_SLOTS; i++) {
		ck_assert_msg(!busy[i], "slot %u never completed", i);
		ck_assert(!fake_fc_killed(i));
		ck_assert_uint_eq(fcn_xs[i].flags & FCNF_QUIET, 0);
		ck_assert_uint_eq(fcn_xs[i].deadline, 0);
		ck_assert_uint_eq(fcn_xs[i].admin, ENG_NO_SLOT);
		fake_fcx(i, &c);
		ck_assert(!(c.flags & ENG_FCX_ARMED));
	}
}

/* What the test left with the host program is given up by losing the ports. */
void teardown(void)
{
	memset(&fake_fc_opt, 0, sizeof(fake_fc_opt));
	cq_room = 1024;
	fake_fc_stopped();
	run();
	for (uint16_t i = 0; i < WEFT_N_RPORT; i++)
		port_lost(i);
	run();
	for (uint16_t qp = 1; qp < WEFT_N_QP; qp++) {
		if (!qp_get(qp))
			continue;
		for (uint16_t cid = 0; cid < qp_get(qp)->entries; cid++)
			if (fcn_xs[slot_of(qp, cid)].state == FCN_DEAD)
				release(qp, cid);
		ck_assert_uint_eq(delete_pair(qp), 0);
	}
	run_ms(R_A_TOV_MS + E_D_TOV_MS + 500); /* quarantine */
	check_nothing_left();
	ck_assert_uint_eq(timer_count(), 0);
	ck_assert_uint_eq(qp_slots_free(), WEFT_N_SLOTS - QP_ADMIN_SLOTS);
}

/* --- entries -------------------------------------------------------------------------------------------- */

uint16_t slot_of(uint16_t qp, uint16_t cid)
{
	return (uint16_t)(qp_get(qp)->slot_base + cid);
}

static void put(uint16_t qp, uint16_t slot, const void *entry)
{
	ck_assert_msg(!busy[slot], "the ring engine would refuse slot %u", slot);
	busy[slot] = true;
	fake_submit(qp, slot, entry);
}

void submit_quiet(uint16_t qp, const void *entry)
{
	put(qp, slot_of(qp, ((const struct weft_sq_entry *)entry)->cid), entry);
}

void submit(uint16_t qp, const void *entry)
{
	submit_quiet(qp, entry);
	run();
}

uint16_t admin_start(uint8_t opcode, const void *args, uint32_t len)
{
	struct weft_admin_entry e;
	uint16_t cid = admin_next++ % 32;

	memset(&e, 0, sizeof(e));
	e.opcode = opcode;
	e.cid = cid;
	memcpy(e.args, args, len);
	put(0, cid, &e);
	run();
	return cid;
}

bool admin_result(uint16_t cid, struct hal_cpl *result)
{
	if (busy[cid])
		return false;
	for (uint32_t i = fake_cpl_count; i-- > 0;) {
		if (fake_cpl[i].type != WEFT_CQT_ADMIN || fake_cpl[i].cid != cid)
			continue;
		*result = fake_cpl[i];
		return true;
	}
	return false;
}

void forget_admin(void)
{
	memset(busy, 0, QP_ADMIN_SLOTS);
}

uint16_t admin(uint8_t opcode, const void *args, uint32_t len)
{
	struct hal_cpl c;

	ck_assert(admin_result(admin_start(opcode, args, len), &c));
	return c.status;
}

uint16_t abort_start(uint16_t qp, uint16_t cid)
{
	struct weft_arg_fc_abort a = { qp, cid };

	return admin_start(WEFT_OP_FC_ABORT, &a, sizeof(a));
}

uint16_t delete_pair(uint16_t qp)
{
	struct weft_arg_qp a = { .qp = qp };

	return admin(WEFT_OP_QP_DELETE, &a, sizeof(a));
}

uint16_t create(uint16_t qp, uint32_t flags)
{
	bool ls = flags & WEFT_QPF_LS;
	struct weft_arg_qp_create a = {
		.sq_base = 0x400,
		.cq_base = 0x800,
		.qp = qp,
		.sq_log2 = 3,
		.cq_log2 = 5,
		.rx_cmd = ls                          ? 0 :
			  flags & WEFT_QPF_CONTROLLER ? CMD_AREA + qp * 0x400u :
							RSP_AREA,
		.rx_icd = ls ? LS_AREA : 0,
		.icd_size = ls ? LS_SIZE : 0,
		.flags = flags,
	};

	return admin(WEFT_OP_QP_CREATE, &a, sizeof(a));
}

void host_pair(void)
{
	ck_assert_uint_eq(create(HOST_QP, WEFT_QPF_FC), 0);
}

void ls_pair(void)
{
	ck_assert_uint_eq(create(LS_QP, WEFT_QPF_FC | WEFT_QPF_LS), 0);
	expect_event(LS_QP, WEFT_EV_FC_LINK, WEFT_FCS_UP | WEFT_FCT_PTP << 8, OWN_ID);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, 1u << 16 | PEER,
		     PEER_ID | (uint32_t)WEFT_FCR_TARGET << 24);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, 1u << 16 | PEER2,
		     PEER2_ID | (uint32_t)WEFT_FCR_TARGET << 24);
}

void tgt_pair(uint16_t qp)
{
	ck_assert_uint_eq(create(qp, WEFT_QPF_FC | WEFT_QPF_CONTROLLER), 0);
}

static void put_sgl(struct weft_sgl_elem *at, uint16_t *count, uint8_t *flags, uint32_t addr,
		    uint32_t len, bool chain)
{
	struct weft_sgl_elem *list = (struct weft_sgl_elem *)(void *)(fake_host + LIST);
	uint32_t n = 0;

	*at = (struct weft_sgl_elem){ .addr = chain ? LIST : addr, .len = chain ? 0 : len };
	*count = len ? 1 : 0;
	for (uint32_t off = 0; chain && off < len; off += 512)
		list[n++] = (struct weft_sgl_elem){ .addr = addr + off,
						    .len = len - off < 512 ? len - off : 512 };
	if (chain) {
		*count = (uint16_t)n;
		*flags |= WEFT_SQF_SGL_CHAIN;
	}
}

struct weft_fc_io_entry io_entry(uint16_t cid, const struct io *io)
{
	struct weft_fc_io_entry e = {
		.opcode = WEFT_OP_FC_IO,
		.flags = io->dir,
		.cid = cid,
		.data_len = io->len,
		.rport = io->rport,
	};

	for (uint32_t i = 0; i < sizeof(e.cmnd); i++)
		e.cmnd[i] = (uint8_t)(cid + i);
	e.cmnd[7] = io->dir;
	put_be32(e.cmnd + 20, io->len);
	if (io->len) {
		e.flags |= WEFT_SQF_SGL_TAIL;
		put_sgl(&e.sgl, &e.sgl_count, &e.flags, io->addr ? io->addr : BUF, io->len,
			io->chain);
	}
	return e;
}

void io(uint16_t cid, const struct io *io)
{
	struct weft_fc_io_entry e = io_entry(cid, io);
	struct seen f;

	submit(HOST_QP, &e);
	f = expect_frame(0x06, 0x290000, 96);
	ck_assert_uint_eq(f.h.type, 0x08);
	ck_assert_uint_eq(f.h.rx_id, 0xffff);
	ck_assert_uint_eq(f.h.ox_id, ox_id_of(HOST_QP, cid));
	ck_assert_uint_eq(f.h.d_id, ports[io->rport].rp.port_id);
	ck_assert_mem_eq(f.payload, e.cmnd, 96);
}

struct weft_fc_tgt_entry tgt_entry(uint8_t op, uint8_t flags, uint16_t cid, uint32_t off,
				   uint32_t len, uint16_t rsp_len)
{
	struct weft_fc_tgt_entry e = {
		.opcode = op,
		.flags = flags,
		.cid = cid,
		.data_len = len,
		.rsp_len = rsp_len,
		.offset = off,
	};
	uint16_t count;

	put_sgl(&e.sgl[0], &count, &e.flags, BUF + off, len, false);
	e.sgl_count = count;
	for (uint32_t i = 0; i < rsp_len && i < sizeof(e.rsp); i++)
		e.rsp[i] = (uint8_t)(0x30 + i);
	return e;
}

void tgt(uint8_t op, uint8_t flags, uint16_t cid, uint32_t off, uint32_t len, uint16_t rsp_len)
{
	struct weft_fc_tgt_entry e = tgt_entry(op, flags, cid, off, len, rsp_len);

	submit(TGT_QP, &e);
}

void release(uint16_t qp, uint16_t cid)
{
	struct weft_fc_tgt_entry e = { .opcode = WEFT_OP_FC_RELEASE, .cid = cid };

	submit(qp, &e);
}
