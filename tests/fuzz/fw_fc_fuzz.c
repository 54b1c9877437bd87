/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of FC-NVMe in the firmware: the whole firmware but for the port, with a host pair, the link
 * service pair and two target pairs. The input is a program of small steps of another port that sends
 * frames near the rules or far from them, of a host program that submits entries of any kind, of
 * FC_ABORT, lost ports, engines that hold back, pairs deleted and made again, time. Besides the
 * sanitizers and the model's own rules (no context written while it matches, no full queue, no buffer
 * freed twice): every entry ends in exactly one completion and then no engine works for it, a command
 * comes only into a buffer that the program has not, memory that nobody named stays as it is, and with
 * everything ended nothing is left anywhere.
 */
#include <stdlib.h>
#include <string.h>

#include "fc_nvme/fcn_int.h"
#include "hal_fake_fc.h"
#include "main.h"
#include "input.h"

#define OWN_ID 0x0a0b0cu
#define PEERS 3u
#define HOST_QP 1u
#define LS_QP 2u
#define TGT_QP 3u /* and the next */
#define QPS 5u
#define ENTRIES 8u
#define RSP_AREA 0x1000u
#define CMD_AREA 0x2000u /* 0x400 for each pair */
#define LS_AREA 0x4000u
#define LS_SIZE 1088u
#define DATA 0x8000u
#define DATA_END 0x14000u
#define GUARD 0xa5
#define IDS 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __real_hal_complete(const struct hal_cpl *cpl);
void __wrap_hal_complete(const struct hal_cpl *cpl);

#define must(cond)               \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

/* --- the port -------------------------------------------------------------------------------------- */

struct fc_port fc_port;
uint32_t fc_tx_moved;
static struct fc_rport peers[PEERS];

static uint32_t peer_id(uint32_t i)
{
	return 0x010201u + i * 0x10000u;
}

void fc_init(void)
{
}

const struct fc_rport *fc_rport(uint16_t index)
{
	return index < PEERS && peers[index].ready ? &peers[index] : NULL;
}

uint16_t fc_rport_by_id(uint32_t id)
{
	for (uint16_t i = 0; i < PEERS; i++)
		if (peers[i].ready && peers[i].port_id == id)
			return i;
	return WEFT_N_RPORT;
}

static void set_ready(uint32_t i, bool ready)
{
	bool was = peers[i].ready;

	peers[i] = (struct fc_rport){
		.port_id = peer_id(i), .max_data = 512, .roles = WEFT_FCR_TARGET, .ready = ready
	};
	if (was || ready)
		fcn_rport_changed((uint16_t)i, ready);
}

void fc_els_input(const struct fc_hdr *h, const uint8_t *payload, uint32_t len, uint32_t total)
{
	must(len <= total && len <= FC_LS_MAX && h->r_ctl);
	(void)payload;
}

void fip_input(const uint8_t *frame, uint32_t len)
{
	(void)frame;
	must(len <= 512);
}

void fc_link_changed(uint32_t status)
{
	(void)status;
}

void fc_stranger(uint32_t s_id)
{
	must(fc_rport_by_id(s_id) == WEFT_N_RPORT);
}

void fc_rrq(uint32_t port_id, uint16_t ox_id, uint16_t rx_id)
{
	must(port_id && ox_id != rx_id);
}

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
	return page;
}

uint16_t fc_rscn(void)
{
	return 0;
}

uint16_t fc_logout(uint16_t index)
{
	return index;
}

/* --- what the host program is told ------------------------------------------------------------------- */

static bool busy[WEFT_N_SLOTS],
	held[WEFT_N_SLOTS]; /* held: a receive buffer that the program has */
static uint16_t admin_next;

static bool is_rx(uint16_t qp, uint16_t cid)
{
	return qp >= TGT_QP || (qp == LS_QP && cid >= ENTRIES / 2);
}

static void check_command(const struct hal_cpl *cpl)
{
	uint8_t op = hal_slot_entry(cpl->slot)->opcode, flags = hal_slot_entry(cpl->slot)->flags;
	const struct fcn_x *x = &fcn_xs[cpl->slot];
	bool refused = cpl->status == EINVAL || cpl->status == EOPNOTSUPP || x->state == FCN_ABORT;
	struct eng_fcx c;

	fake_fcx(cpl->slot, &c);
	must(!cpl->status || !cpl->data_len);
	must(x->state != FCN_ABORT || (cpl->status && !(x->flags & FCNF_ENTRY)));
	must(refused || !(x->flags & (FCNF_QUIET & ~FCNF_STOP)));
	must(refused || !(c.flags & ENG_FCX_ARMED)); /* one that only matches places nothing */
	if (cpl->status || !is_rx(cpl->qp, cpl->cid))
		return;
	must(held[cpl->slot]);
	if (op == WEFT_OP_FC_RSP || op == WEFT_OP_FC_LS_RSP || op == WEFT_OP_FC_RELEASE ||
	    (flags & WEFT_SQF_RESP))
		held[cpl->slot] = false;
}

void __wrap_hal_complete(const struct hal_cpl *cpl)
{
	if (cpl->type == WEFT_CQT_EVENT) {
		must(cpl->dw[0] >= WEFT_EV_FC_LINK);
		must(cpl->dw[0] != WEFT_EV_FC_ABORTED ||
		     held[qp_get(cpl->qp)->slot_base + cpl->dw[1]]);
	} else if (cpl->type == WEFT_CQT_CAPSULE) {
		must(is_rx(cpl->qp, cpl->cid) && !held[cpl->slot] && !busy[cpl->slot]);
		held[cpl->slot] = true;
	} else {
		must(busy[cpl->slot]);
		busy[cpl->slot] = false;
		if (cpl->qp)
			check_command(cpl);
	}
	__real_hal_complete(cpl);
	fake_cpl_count = 0;
}

/* --- frames that leave: their ids are what the other side knows ----------------------------------------- */

static struct {
	uint32_t ids, d_id, f_ctl;
} sent[IDS];
static uint32_t n_sent;

static void out(void *arg, const struct fake_fc_frame *f)
{
	struct fc_hdr h;

	(void)arg;
	fc_hdr_get(f->bytes, &h);
	must(f->sof && h.s_id == OWN_ID && !h.df_ctl && f->len <= 24 + 512);
	sent[n_sent % IDS].ids = (uint32_t)h.ox_id << 16 | h.rx_id;
	sent[n_sent % IDS].d_id = h.d_id;
	sent[n_sent++ % IDS].f_ctl = h.f_ctl;
}

/* --- frames that come ---------------------------------------------------------------------------------------- */

static void put_payload(uint8_t *p, uint32_t len, uint8_t how)
{
	memset(p, 0x42, len);
	for (uint32_t i = 0; i < 12 && i < len && (how & 1); i++)
		p[i] = u8();
}

static struct fc_hdr base(uint8_t r_ctl, uint32_t f_ctl)
{
	uint32_t k = u8();
	struct fc_hdr h = {
		.r_ctl = r_ctl,
		.type = r_ctl >= 0x80 ? 0 :
			r_ctl >= 0x30 ? 0x28 :
					0x08,
		.d_id = OWN_ID,
		.s_id = sent[k % IDS].d_id,
		.f_ctl = f_ctl,
		.seq_id = k >> 6,
		.ox_id = (uint16_t)(sent[k % IDS].ids >> 16),
		.rx_id = (uint16_t)sent[k % IDS].ids,
	};

	if (!(sent[k % IDS].f_ctl & 0x800000))
		h.f_ctl |= 0x800000; /* to an originator */
	return h;
}

static void rx(struct fc_hdr *h, const uint8_t *p, uint32_t len, uint8_t how)
{
	struct fake_fc_frame f = { .sof = how & 2 ? FAKE_SOF_N3 : FAKE_SOF_I3,
				   .eof = how & 4 ? FAKE_EOF_N : FAKE_EOF_T,
				   .len = 24 + ((len + 3) & ~3u) };

	if (how & 4)
		h->f_ctl &= ~0x190000u;
	h->f_ctl = (h->f_ctl & ~3u) | (-len & 3);
	fc_hdr_put(f.bytes, h);
	memcpy(f.bytes + 24, p, len);
	if (how & 8) /* anything */
		f.bytes[u8() % 24] = u8();
	fake_fc_rx(&f);
}

static void send_command(void)
{
	uint8_t how = u8(), p[96];
	struct fc_hdr h = { .r_ctl = 0x06,
			    .type = 0x08,
			    .d_id = OWN_ID,
			    .s_id = peer_id(how >> 6),
			    .f_ctl = 0x290000,
			    .ox_id = u8(),
			    .rx_id = 0xffff };

	put_payload(p, 96, how >> 4);
	rx(&h, p, 96, how & 8);
	sent[n_sent % IDS].ids = (uint32_t)h.ox_id << 16 | 0xffff; /* so that it may be aborted */
	sent[n_sent % IDS].d_id = h.s_id;
	sent[n_sent++ % IDS].f_ctl = 0x800000;
}

static void send_ls(void)
{
	uint8_t how = u8(), p[600];
	struct fc_hdr h = { .r_ctl = 0x32,
			    .type = 0x28,
			    .d_id = OWN_ID,
			    .s_id = peer_id(how >> 6),
			    .f_ctl = 0x290000,
			    .seq_cnt = how >> 4 & 3,
			    .ox_id = u8() & 3,
			    .rx_id = 0xffff };
	uint32_t len = (u8() * 4u) % 600;

	put_payload(p, len, 0);
	rx(&h, p, len, how & 14);
}

static void send_answer(void)
{
	static const uint8_t r_ctls[] = { 0x07, 0x08, 0x05, 0x33, 0x07, 0x08, 0x05, 0x03 };
	static const uint8_t lens[] = { 12, 32, 12, 40, 0, 32, 12, 8 };
	uint8_t how = u8(), p[64];
	struct fc_hdr h = base(r_ctls[how & 7], how & 1 ? 0x190000 : 0x090000);
	uint32_t len = how & 0x80 ? u8() % 64u : lens[how & 7];

	h.seq_cnt = how >> 3 & 1;
	put_payload(p, len, 0);
	if (h.r_ctl == 0x05) {
		uint32_t off = how & 16 ? u8() * 4u : 0;

		put_be32(p, off);
		put_be32(p + 4, how & 32 ? u16() : 512);
	}
	rx(&h, p, len, how & 0x40 ? u8() & 14 : 0);
}

static void send_data(void)
{
	uint8_t how = u8(), p[600];
	struct fc_hdr h = base(0x01, 0x080008);
	uint32_t len = how & 1 ? 512 : u16() % 600u;
	uint16_t slot = (uint16_t)((h.f_ctl & 0x800000 ? h.ox_id : h.rx_id) & FCN_SLOT_MASK);
	struct eng_fcx c;

	fake_fcx(slot, &c); /* a peer that knows where it stands */
	h.param = how & 2 ? u16() : c.next;
	h.seq_cnt = how & 4 ? u8() : c.seq_cnt;
	h.seq_id = how & 8 ? h.seq_id : c.seq_id;
	len = how & 16 ? len : len < c.end - c.next ? len : c.end - c.next;
	len = len < sizeof(p) ? len : sizeof(p);
	put_payload(p, len, 0);
	rx(&h, p, len, (uint8_t)(c.flags & ENG_FCX_OPEN ? 2 : 0) | (how >> 4 & 12));
}

static void send_bls(void)
{
	static const uint8_t r_ctls[] = { 0x81, 0x84, 0x85, 0x87, 0x84, 0x81, 0x84, 0x85 };
	uint8_t how = u8(), p[12] = { 0 };
	struct fc_hdr h = base(r_ctls[how & 7], 0x090000);

	if (how & 8)
		h.rx_id = 0xffff;
	rx(&h, p, how & 1 ? 0 : 12, how & 0x80 ? u8() & 14 : 0);
}

static void send_any(void)
{
	struct fake_fc_frame f = { .sof = u8() & 1 ? FAKE_SOF_I3 : 0, .eof = FAKE_EOF_T };

	f.len = 24 + (u8() & 0x7cu);
	for (uint32_t i = 0; i < 40; i++)
		f.bytes[i] = u8();
	fake_fc_rx(&f);
}

/* --- the host program --------------------------------------------------------------------------------------------- */

static void pump(void)
{
	for (int i = 0; i < 3000; i++) {
		bool more = fw_turn();

		fake_fc_run();
		if (!more && !fake_events() && fake_fc_queued() <= fake_fc_opt.tx_stop)
			return;
	}
	abort(); /* talks to itself */
}

static void admin(uint8_t opcode, const void *args, uint32_t len)
{
	struct weft_admin_entry e;
	uint16_t cid = admin_next;

	for (int i = 0; i < 32 && busy[cid]; i++)
		cid = (uint16_t)((cid + 1) % 32);
	if (busy[cid])
		return;
	admin_next = (uint16_t)((cid + 1) % 32);
	memset(&e, 0, sizeof(e));
	e.opcode = opcode;
	e.cid = cid;
	memcpy(e.args, args, len);
	busy[cid] = true;
	fake_submit(0, cid, (const void *)&e);
}

static void submit(uint16_t qp, uint16_t cid, const void *entry)
{
	const struct qp *q = qp_get(qp);
	uint16_t slot;

	if (!q || q->stopping)
		return;
	slot = (uint16_t)(q->slot_base + cid);
	if (busy[slot] ||
	    (is_rx(qp, cid) && !held[slot])) /* the ring engine refuses; a sane program */
		return;
	busy[slot] = true;
	fake_submit(qp, slot, entry);
}

static void bend(void *entry, uint32_t len)
{
	uint8_t at = u8() % len;

	if (at != 2 && at != 3) /* cid */
		((uint8_t *)entry)[at] = u8();
}

/* Data stay within the area that is there for them, whatever the lengths say. */
static struct weft_sgl_elem piece(uint32_t len)
{
	return (struct weft_sgl_elem){ .addr = DATA + (u8() & 0x3f) * 512u, .len = len };
}

static void submit_io(uint8_t how)
{
	struct weft_fc_io_entry e = { .opcode = WEFT_OP_FC_IO };
	uint8_t dir = how & 3;

	e.cid = how >> 2 & 7;
	e.flags = dir == 3 ? 0 : dir;
	e.data_len = e.flags ? 256u + u8() * 16u : 0;
	e.rport = u8() % (PEERS + 1);
	e.cmnd[7] = e.flags;
	put_be32(e.cmnd + 20, e.data_len);
	if (e.flags) {
		e.flags |= WEFT_SQF_SGL_TAIL;
		e.sgl_count = 1;
		e.sgl = piece(e.data_len);
	}
	if (how & 0x80)
		bend(&e, 40);
	if (e.flags & WEFT_SQF_SGL_CHAIN) /* the array must be there */
		e.flags &= (uint8_t)~WEFT_SQF_SGL_CHAIN;
	submit(HOST_QP, e.cid, &e);
}

static void submit_ls(uint8_t how)
{
	struct weft_fc_ls_entry e = { .opcode = WEFT_OP_FC_LS };

	e.cid = how >> 2 & 7;
	e.flags = WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN;
	e.rqst_len = 4 + (u8() & 0x3cu);
	e.data_len = e.rqst_len + u8();
	e.rport = u8() % (PEERS + 1);
	e.timeout_ms = (how & 3) * 500u;
	e.sgl_count = 2;
	e.sgl[0] = piece(e.rqst_len + (how & 15u));
	e.sgl[1] = piece(e.data_len);
	if (is_rx(LS_QP, e.cid)) {
		e.opcode = how & 1 ? WEFT_OP_FC_LS_RSP : WEFT_OP_FC_RELEASE;
		e.flags = how & 1 ? WEFT_SQF_DATA_OUT : 0;
		e.data_len = how & 1 ? e.rqst_len : 0;
	}
	if (how & 0x80)
		bend(&e, 16);
	e.flags &= (uint8_t)~WEFT_SQF_SGL_CHAIN;
	submit(LS_QP, e.cid, &e);
}

static void submit_tgt(uint8_t how)
{
	static const uint8_t ops[] = { WEFT_OP_FC_READ, WEFT_OP_FC_WRITE, WEFT_OP_FC_RSP,
				       WEFT_OP_FC_RELEASE };
	struct weft_fc_tgt_entry e = { .opcode = ops[how & 3] };
	uint16_t qp = (uint16_t)(TGT_QP + (u8() & 1));

	e.cid = how >> 2 & 7;
	if (e.opcode == WEFT_OP_FC_READ)
		e.flags = WEFT_SQF_DATA_OUT | (how & 32 ? WEFT_SQF_RESP : 0);
	else if (e.opcode == WEFT_OP_FC_WRITE)
		e.flags = WEFT_SQF_DATA_IN;
	e.rsp_len = (e.flags & WEFT_SQF_RESP) || e.opcode == WEFT_OP_FC_RSP ? 12 : 0;
	e.data_len = e.flags ? 4 + u8() * 8u : 0;
	e.offset = u8() * 4u;
	e.timeout_ms = how & 64 ? 300 : 0;
	e.sgl_count = !!e.flags;
	e.sgl[0] = piece(e.data_len);
	if (how & 0x80)
		bend(&e, 16);
	e.flags &= (uint8_t)~WEFT_SQF_SGL_CHAIN;
	submit(qp, e.cid, &e);
}

static void create(uint16_t qp)
{
	const bool ls = qp == LS_QP;
	const struct weft_arg_qp_create a = {
		.sq_base = 0x400,
		.cq_base = 0x800,
		.qp = qp,
		.sq_log2 = 3,
		.cq_log2 = 5,
		.rx_cmd = ls            ? 0 :
			  qp == HOST_QP ? RSP_AREA :
					  CMD_AREA + qp * 0x400u,
		.rx_icd = ls ? LS_AREA : 0,
		.icd_size = ls ? LS_SIZE : 0,
		.flags = WEFT_QPF_FC | (ls           ? WEFT_QPF_LS :
					qp >= TGT_QP ? WEFT_QPF_CONTROLLER :
						       0),
	};

	admin(WEFT_OP_QP_CREATE, &a, sizeof(a));
}

static void delete (uint16_t qp)
{
	const struct weft_arg_qp a = { .qp = qp };

	admin(WEFT_OP_QP_DELETE, &a, sizeof(a));
}

static void abort_some(uint8_t how)
{
	const struct weft_arg_fc_abort a = { .qp = 1 + (how & 3), .cid = how >> 2 & 15 };

	admin(WEFT_OP_FC_ABORT, &a, sizeof(a));
}

static void engines(uint8_t how)
{
	fake_fc_opt.hold_stopped = how & 1;
	fake_fc_opt.tx_stop = how & 2 ? how >> 4 : how & 4 ? 32 : 0;
	fake_fc_opt.no_frames = how & 8;
	if (how & 0x80)
		fake_fc_stopped();
}

static void port(uint8_t how)
{
	if (how & 64) {
		fc_port.state = how & 1 ? WEFT_FCS_UP : WEFT_FCS_DOWN;
		fcn_link_changed();
	} else if (how & 32) {
		fcn_rport_rscn(how & 3);
	} else {
		set_ready(how % PEERS, how & 16);
	}
}

/* --- the loop --------------------------------------------------------------------------------------------------------- */

static void step(void)
{
	static void (*const send[])(void) = { send_command, send_ls,  send_answer, send_data,
					      send_bls,     send_any, send_data,   send_answer };
	static void (*const act[])(uint8_t) = { submit_io, submit_ls,  submit_tgt, submit_tgt,
						submit_io, abort_some, engines,    port };
	uint8_t op = u8();

	if (op & 8) {
		act[op & 7](u8());
	} else {
		send[op & 7]();
	}
	if ((op & 0x30) == 0x30)
		fake_advance(u16() * 100000ull);
	if ((op & 0x71) == 0x60) {
		uint16_t qp = 1 + (u8() & 3);

		if (qp_get(qp))
			delete (qp);
		else
			create(qp);
	}
	if (!(op & 0x80))
		pump();
}

static void begin(void)
{
	const uint32_t regs[6] = { 0x100, 0, 0x200, 0, 5 | 6 << 8, 1 };

	fake_reset();
	memset(busy, 0, sizeof(busy));
	memset(held, 0, sizeof(held));
	memset(sent, 0, sizeof(sent));
	memset(peers, 0, sizeof(peers));
	memset(fake_host, GUARD, DATA);
	memset(fake_host + DATA_END, GUARD, 4096);
	admin_next = 0;
	n_sent = 0;
	fc_port = (struct fc_port){
		.port_id = OWN_ID, .state = WEFT_FCS_UP, .e_d_tov_ms = 100, .r_a_tov_ms = 500
	};
	must(fw_init());
	fake_fc_set_out(out, NULL);
	hal_fc_id(OWN_ID);
	fake_admin_enable(regs);
	pump();
	for (uint32_t i = 0; i < PEERS; i++)
		set_ready(i, true);
	for (uint16_t qp = 1; qp < QPS; qp++) {
		create(qp);
		pump();
	}
}

static void check_guard(uint32_t from, uint32_t to)
{
	must(fake_host[from] == GUARD);
	must(!memcmp(fake_host + from, fake_host + from + 1, to - from - 1));
}

static void check_memory(void)
{
	check_guard(RSP_AREA + ENTRIES * WEFT_FC_RSP_SIZE, CMD_AREA + TGT_QP * 0x400);
	check_guard(CMD_AREA + (TGT_QP + 2) * 0x400, LS_AREA);
	check_guard(LS_AREA + ENTRIES / 2 * LS_SIZE, DATA);
	check_guard(DATA_END, DATA_END + 4096);
}

static void pass_time(void)
{
	for (int i = 0; i < 200 && timer_count(); i++) {
		fake_advance(timer_next_ns() - hal_now_ns());
		pump();
	}
	must(!timer_count());
}

/* What is still open ends by itself, in time; the program gives its buffers back. */
static void end(void)
{
	memset(&fake_fc_opt, 0, sizeof(fake_fc_opt));
	fake_fc_stopped();
	pump();
	for (uint32_t i = 0; i < PEERS; i++)
		set_ready(i, false);
	pump();
	for (uint16_t qp = 1; qp < QPS; qp++) {
		for (uint16_t cid = 0; qp_get(qp) && cid < ENTRIES; cid++) {
			const struct weft_sq_entry e = { .opcode = WEFT_OP_FC_RELEASE, .cid = cid };

			must(!busy[qp_get(qp)->slot_base + cid]);
			if (is_rx(qp, cid) && held[qp_get(qp)->slot_base + cid])
				submit(qp, cid, &e);
		}
		pump();
		delete (qp);
		pump();
		must(!qp_get(qp));
	}
	pass_time();
	must(!fake_fc_bufs_used() && !fc_frames_used() && !fake_fc_queued() && !fake_events());
	must(!fcn_in_use() && !fcn_tx_waiting);
	for (uint16_t i = 0; i < WEFT_N_SLOTS; i++) {
		must(!busy[i] && !held[i] && !fake_fc_killed(i));
		must(!(fcn_xs[i].flags & FCNF_QUIET) && !fcn_xs[i].deadline);
		must(fcn_xs[i].admin == ENG_NO_SLOT);
	}
	check_memory();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	in = data;
	left = size;
	begin();
	for (int i = 0; left && i < 300; i++)
		step();
	end();
	return 0;
}
