/* SPDX-License-Identifier: BSD-2-Clause */
/* Transmit side of the native model's Fibre Channel port: records to frames; the link's registers. */
#include <stdlib.h>
#include <string.h>

#include "hal_fake_fc.h"
#include "hal_fake_int.h"

#define QUEUE 32u
#define F_END_SEQ 0x08u /* in byte 9 of the header */
#define F_SEQ_INIT 0x01u
#define F_LAST_SEQ 0x10u
#define F_REL_OFF 0x08u /* in byte 11 */

struct fake_fc_options fake_fc_opt;
struct fake_fc_counters fake_fc_cnt;

static struct op {
	uint32_t rec, flags;
} queue[QUEUE];
static uint32_t q_head, q_count;
static uint8_t killed[WEFT_N_SLOTS];
static fake_fc_out_fn out_fn;
static void *out_arg;
static uint32_t ctrl, status, credit;
uint32_t fake_fc_id;

void fake_fc_reset(void)
{
	memset(&fake_fc_opt, 0, sizeof(fake_fc_opt));
	memset(&fake_fc_cnt, 0, sizeof(fake_fc_cnt));
	memset(killed, 0, sizeof(killed));
	q_head = q_count = 0;
	out_fn = NULL;
	ctrl = status = credit = fake_fc_id = 0;
	fake_fcrx_reset();
}

/* --- link ---------------------------------------------------------------------------------------- */

void hal_fc_ctrl(uint32_t val)
{
	ctrl = val;
}

uint32_t fake_fc_ctrl(void)
{
	return ctrl;
}

uint32_t hal_fc_status(void)
{
	return status;
}

void fake_fc_link(uint32_t val)
{
	status = val;
	fake_event(ENG_EVT_FC_LINK, 0, ENG_NO_SLOT, val, 0);
}

void hal_fc_credit(uint32_t val)
{
	credit = val;
}

uint32_t fake_fc_credit(void)
{
	return credit;
}

void hal_fc_id(uint32_t port_id)
{
	fake_fc_id = port_id;
}

void hal_fc_map(uint32_t fc_map)
{
	(void)fc_map;
}

void hal_fc_mac(const uint8_t mac[6])
{
	(void)mac;
}

/* --- transmit -------------------------------------------------------------------------------------- */

void fake_fc_set_out(fake_fc_out_fn fn, void *arg)
{
	out_fn = fn;
	out_arg = arg;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void leave(const struct fake_fc_frame *f)
{
	fake_fc_cnt.tx_frames++;
	if (out_fn)
		out_fn(out_arg, f);
}

/* Bytes [at, at + n) of literal bytes and data. False: host memory fails. */
static bool payload(const struct eng_fc_tx_rec *r, uint32_t at, uint32_t n, uint8_t *dst)
{
	uint32_t lit = at < r->lit_len ? r->lit_len - at : 0;

	lit = lit < n ? lit : n;
	if (lit)
		memcpy(dst, (uint8_t *)hal_xram(r->lit_addr) + at, lit);
	if (lit == n)
		return true;
	return fake_sgl(r->data_slot, r->data_off + at + lit - r->lit_len, n - lit, dst + lit,
			NULL);
}

static bool frame(const struct eng_fc_tx_rec *r, uint32_t at, uint32_t n, uint32_t i, bool last)
{
	struct fake_fc_frame f = { .sof = i ? FAKE_SOF_N3 : FAKE_SOF_I3,
				   .eof = last ? FAKE_EOF_T : FAKE_EOF_N };
	uint32_t fill = -n & 3;

	memcpy(f.bytes, r->hdr, 24);
	if (last)
		f.bytes[11] = (uint8_t)((f.bytes[11] & ~3u) | fill);
	else
		f.bytes[9] &= (uint8_t) ~(F_END_SEQ | F_SEQ_INIT | F_LAST_SEQ);
	put16(f.bytes + 14, (uint32_t)(r->hdr[14] << 8 | r->hdr[15]) + i);
	if (r->hdr[11] & F_REL_OFF)
		put32(f.bytes + 20, get32(r->hdr + 20) + at);
	f.len = 24 + n + fill;
	if (!payload(r, at, n, f.bytes + 24))
		return false;
	leave(&f);
	return true;
}

static void raw(const struct eng_fc_tx_rec *r)
{
	struct fake_fc_frame f = { .len = r->lit_len };

	memcpy(f.bytes, hal_xram(r->lit_addr), r->lit_len);
	leave(&f);
}

/* Flags of EVT_FC_TXDONE. */
static uint8_t sequence(struct eng_fc_tx_rec *r)
{
	uint32_t total = r->lit_len + r->data_len, at = 0, i = 0;
	bool ok = true;

	if ((r->max_data & 3) || r->max_data < 128 || r->max_data > ENG_FC_DATA_MAX ||
	    (r->lit_addr & 15) || r->lit_len > ENG_FC_DATA_MAX)
		abort();
	do {
		uint32_t n = total - at < r->max_data ? total - at : r->max_data;

		ok = frame(r, at, n, i, at + n == total);
		if (ok) {
			at += n;
			i++;
		}
	} while (ok && at < total);
	if (!fake_fc_opt.no_frames)
		r->frames = (uint16_t)i;
	fake_fc_cnt.tx_dma_err += !ok;
	return !ok;
}

static void run_one(void)
{
	struct op op = queue[q_head];
	struct eng_fc_tx_rec *r = hal_xram(op.rec);
	uint8_t flags = 0;

	q_head = (q_head + 1) % QUEUE;
	q_count--;
	fake_fc_cnt.tx_ops++;
	if (op.flags & ENG_FTXF_FENCE) {
		flags = 0;
	} else if ((ctrl & 1u << ENG_FC_CTRL_DROP_LSB) ||
		   (r->slot < WEFT_N_SLOTS && killed[r->slot])) {
		fake_fc_cnt.tx_killed++;
		flags = 2;
	} else if (op.flags & ENG_FTXF_RAW) {
		raw(r);
	} else {
		flags = sequence(r);
	}
	if ((op.flags & ENG_FTXF_DONE) || (flags & 1))
		fake_event(ENG_EVT_FC_TXDONE, flags, r->slot, op.rec, 0);
}

void fake_fc_run(void)
{
	while (q_count > fake_fc_opt.tx_stop && fake_events() < 400)
		run_one();
}

uint32_t fake_fc_queued(void)
{
	return q_count;
}

uint32_t hal_fc_tx_free(void)
{
	return QUEUE - q_count;
}

void hal_fc_tx(const struct eng_fc_tx_rec *rec, uint32_t ftxf)
{
	uint32_t off = hal_xram_off(rec);

	if ((off & 31) || off >= ENG_XRAM_SIZE || q_count == QUEUE)
		abort(); /* the core would stand still */
	queue[(q_head + q_count++) % QUEUE] = (struct op){ off, ftxf };
}

void hal_fc_tx_kill(uint16_t slot, bool on)
{
	if (slot >= WEFT_N_SLOTS)
		abort();
	killed[slot] = on;
}

bool fake_fc_killed(uint16_t slot)
{
	return killed[slot];
}
