/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hotpath.c - runs on weft-core-run: how many instructions an FC-NVMe command of 4 KiB costs, in both
 * roles, from the event to the return. The port is replaced by stubs, the engines' registers and
 * memories by plain RAM. Prints one line per command; hotpath_test.c reads it.
 */
#include <stdio.h>
#include <string.h>

#include "fc_nvme/fcn_int.h"

#define HOST 1
#define TGT 2
#define HOST_BASE 64
#define TGT_BASE 128
#define PEER_ID 0x010203u

/* --- what stands in for the port and the queue pairs ------------------------------------------------ */

struct fc_port fc_port = { .port_id = 0x0a0b0c, .r_a_tov_ms = 10000, .e_d_tov_ms = 2000 };
static const struct fc_rport peer = { .port_id = PEER_ID, .max_data = 2048, .ready = true };
static struct qp qps[3] = {
	[HOST] = { .used = true, .fc = true, .slot_base = HOST_BASE, .entries = 64 },
	[TGT] = { .used = true, .fc = true, .slot_base = TGT_BASE, .entries = 64 },
};

const struct qp *qp_get(uint16_t qp)
{
	return &qps[qp];
}

const struct fc_rport *fc_rport(uint16_t index)
{
	return index == 3 ? &peer : NULL;
}

uint16_t fc_rport_by_id(uint32_t id)
{
	return id == PEER_ID ? 3 : WEFT_N_RPORT;
}

bool fc_send(const struct fc_hdr *h, const void *payload, uint32_t len)
{
	(void)h;
	(void)payload;
	(void)len;
	return false;
}

void fc_hdr_get(const uint8_t wire[24], struct fc_hdr *h)
{
	(void)wire;
	(void)h;
}

void fc_stranger(uint32_t s_id)
{
	(void)s_id;
}

void fc_rrq(uint32_t port_id, uint16_t ox_id, uint16_t rx_id)
{
	(void)port_id;
	(void)ox_id;
	(void)rx_id;
}

void log_limited(const char *fmt, ...)
{
	(void)fmt;
}

/* --- counting ------------------------------------------------------------------------------------------ */

static inline uint32_t instret(void)
{
	uint32_t n;

	__asm__ volatile("csrr %0, minstret" : "=r"(n)::"memory");
	return n;
}

#define COUNT(call)                          \
	({                                   \
		uint32_t start_ = instret(); \
		call;                        \
		instret() - start_ - 1;      \
	})

/* A single frame in buffer 0. */
static uint32_t frame(uint8_t r_ctl, uint32_t f_ctl, uint32_t ids, const uint32_t *w, uint32_t len)
{
	uint32_t *buf = (uint32_t *)ENG_FCBUF_BASE;
	const struct hal_event ev = {
		.type = ENG_EVT_FC_FRAME,
		.flags = FC_EV_SINGLE,
		.id = ENG_NO_SLOT,
		.w1 = (uint32_t)r_ctl << 8 | len << 16,
		.w2 = FC_TYPE_FCP << 24 | f_ctl,
	};

	buf[2] = __builtin_bswap32((uint32_t)r_ctl << 24 | fc_port.port_id);
	buf[3] = __builtin_bswap32(PEER_ID);
	buf[4] = __builtin_bswap32(ev.w2);
	buf[5] = 0;
	buf[6] = __builtin_bswap32(ids);
	memcpy(buf + 8, w, len);
	return COUNT(fcn_event_frame(&ev));
}

static uint32_t event(uint8_t type, uint16_t slot, uint32_t w1)
{
	const struct hal_event ev = { .type = type, .id = slot, .w1 = w1 };

	if (type == ENG_EVT_FC_TXDONE)
		return COUNT(fcn_event_txdone(&ev));
	if (type == ENG_EVT_FC_STOPPED)
		return COUNT(fcn_event_stopped(&ev));
	return COUNT(fcn_event_placed(&ev));
}

static uint32_t txdone(uint16_t slot, uint32_t rec)
{
	return event(ENG_EVT_FC_TXDONE, slot, hal_xram_off(fcn_rec(slot, rec)));
}

/* --- host role -------------------------------------------------------------------------------------------- */

static uint32_t io(uint16_t slot, uint8_t dir)
{
	struct weft_fc_io_entry *e = (void *)hal_slot_entry(slot);

	memset(e, 0, sizeof(*e));
	e->opcode = WEFT_OP_FC_IO;
	e->flags = dir | WEFT_SQF_SGL_TAIL;
	e->cid = slot - HOST_BASE;
	e->data_len = 4096;
	e->sgl_count = 1;
	e->rport = 3;
	e->cmnd[7] = dir;
	put_be32(e->cmnd + 20, 4096);
	e->sgl.len = 4096;
	return COUNT(fcn_submit(HOST, slot));
}

static uint32_t ids_of(uint16_t slot)
{
	return fcn_xid(slot, &fcn_xs[slot]) << 16 | 0x77;
}

static void host_read(uint16_t slot)
{
	static const uint32_t zero[3];
	uint32_t submit = io(slot, WEFT_SQF_DATA_IN), rsp, stopped;

	fcn_rec(slot, 0)->frames = 1; /* the engines' part */
	((uint32_t *)ENG_FCX_BASE)[8 * slot + 3] = 4096;
	rsp = frame(FCN_R_RSP, 0x990000, ids_of(slot), zero, 12);
	stopped = event(ENG_EVT_FC_STOPPED, slot, 0);
	printf("read: submit %u response %u stopped %u total %u\n", (unsigned)submit, (unsigned)rsp,
	       (unsigned)stopped, (unsigned)(submit + rsp + stopped));
}

static void host_write(uint16_t slot)
{
	static const uint32_t zero[3], rdy[3] = { 0, 0x00100000 };
	uint32_t submit = io(slot, WEFT_SQF_DATA_OUT), ready, rsp;

	ready = frame(FCN_R_XFER_RDY, 0x890000, ids_of(slot), rdy, 12);
	fcn_rec(slot, 0)->frames = 2;
	ready += txdone(slot, 0);
	rsp = frame(FCN_R_RSP, 0x990000, ids_of(slot), zero, 12);
	printf("write: submit %u ready %u response %u total %u\n", (unsigned)submit,
	       (unsigned)ready, (unsigned)rsp, (unsigned)(submit + ready + rsp));
}

/* --- target role -------------------------------------------------------------------------------------------- */

static uint32_t command(void)
{
	static const uint32_t iu[24];

	return frame(FCN_R_CMND, 0x290000, 0x1234ffff, iu, sizeof(iu));
}

static uint32_t tgt(uint16_t slot, uint8_t op, uint8_t flags, uint32_t len, uint16_t rsp_len)
{
	struct weft_fc_tgt_entry *e = (void *)hal_slot_entry(slot);

	memset(e, 0, sizeof(*e));
	e->opcode = op;
	e->flags = flags;
	e->cid = slot - TGT_BASE;
	e->data_len = len;
	e->sgl_count = !!len;
	e->rsp_len = rsp_len;
	e->sgl[0].len = len;
	return COUNT(fcn_submit(TGT, slot));
}

static void target_read(uint16_t slot)
{
	uint32_t cmnd = command();
	uint32_t send = tgt(slot, WEFT_OP_FC_READ, WEFT_SQF_DATA_OUT | WEFT_SQF_RESP, 4096, 12);
	uint32_t done = txdone(slot, 1);

	printf("target read: command %u send %u done %u total %u\n", (unsigned)cmnd, (unsigned)send,
	       (unsigned)done, (unsigned)(cmnd + send + done));
}

static void target_write(uint16_t slot)
{
	uint32_t cmnd = command();
	uint32_t fetch = tgt(slot, WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, 4096, 0);
	uint32_t placed = event(ENG_EVT_FC_PLACED, slot, 4096), rsp;

	placed += event(ENG_EVT_FC_STOPPED, slot, 0);
	rsp = tgt(slot, WEFT_OP_FC_RSP, 0, 0, 12) + txdone(slot, 0);
	printf("target write: command %u fetch %u placed %u respond %u total %u\n", (unsigned)cmnd,
	       (unsigned)fetch, (unsigned)placed, (unsigned)rsp,
	       (unsigned)(cmnd + fetch + placed + rsp));
}

static void create(uint16_t qp, uint32_t flags)
{
	const struct weft_arg_qp_create a = { .qp = qp, .rx_cmd = 0x100000, .flags = flags };

	fcn_qp_create(qp, &a);
	fcn_qp_started(qp);
}

int main(void)
{
	hal_wr(ENG_FTX_FREE, 32);
	timer_init();
	fcn_init();
	create(HOST, WEFT_QPF_FC);
	create(TGT, WEFT_QPF_FC | WEFT_QPF_CONTROLLER);
	host_read(HOST_BASE + 3);
	host_write(HOST_BASE + 4);
	target_read(TGT_BASE); /* free buffers come round */
	target_write(TGT_BASE + 1);
	fcn_rport_changed(3, true);
	return fcn_in_use() || fcn_stats.exchanges != 4 || fcn_stats.dropped ||
	       fcn_stats.seq_errors;
}
