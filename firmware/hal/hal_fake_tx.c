/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transmit engine of the native model: cuts operations into segments, fills templates, keeps the
 * running digest.
 */
#include <stdlib.h>
#include <string.h>

#include "hal_fake_int.h"

#define QUEUE 32u
#define TMPL_IP 14u
#define TMPL_TCP 34u

struct op {
	uint16_t conn;
	uint8_t flags;
	uint32_t rec, seq, off, len;
};

static struct op queue[QUEUE];
static uint32_t q_head, q_count;
static fake_out_fn out_fn;
static void *out_arg;
static uint16_t ip_id;
static bool acks_wanted;

void fake_tx_reset(void)
{
	q_head = q_count = 0;
	out_fn = NULL;
}

void fake_set_out(fake_out_fn fn, void *arg)
{
	out_fn = fn;
	out_arg = arg;
}

uint32_t fake_crc32c(uint32_t crc, const uint8_t *p, uint32_t len)
{
	static uint32_t table[256];

	for (uint32_t i = 0; !table[255] && i < 256; i++) {
		table[i] = i;
		for (int k = 0; k < 8; k++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0x82f63b78u : 0);
	}
	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 255];
	return crc;
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

static uint32_t sum(uint32_t s, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		s += (uint32_t)p[i] << (i & 1 ? 0 : 8);
	return s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void checksums(uint8_t *f, uint32_t len, uint8_t recf)
{
	uint32_t tcp_len = len - TMPL_TCP;

	if (recf & ENG_RECF_TCPCSUM) {
		put16(f + TMPL_TCP + 16, 0);
		put16(f + TMPL_TCP + 16,
		      fold(sum(sum(6 + tcp_len, f + 26, 8), f + TMPL_TCP, tcp_len)));
	}
	if (recf & ENG_RECF_IPCSUM) {
		put16(f + 24, 0);
		put16(f + 24, fold(sum(0, f + TMPL_IP, 20)));
	}
}

static void out(const uint8_t *f, uint32_t len)
{
	fake_cnt.tx_frames++;
	if (out_fn)
		out_fn(out_arg, f, len);
}

/* One segment from the connection's template. */
static void segment(uint16_t conn, uint32_t seq, const uint8_t *data, uint32_t len, bool psh)
{
	const struct eng_conn_ctx *ctx = &fake_ctx[conn];
	struct fake_conn *c = &fake_conn[conn];
	uint32_t edge = fake_edge(conn);
	uint32_t total = ctx->tmpl_len + len;
	uint8_t f[FAKE_FRAME_MAX + 100];

	memcpy(f, ctx->tmpl, ctx->tmpl_len);
	if (len)
		memcpy(f + ctx->tmpl_len, data, len);
	put16(f + 16, total - TMPL_IP);
	put16(f + 18, ip_id++);
	put32(f + TMPL_TCP + 4, seq);
	put32(f + TMPL_TCP + 8, c->st.rcv_nxt);
	f[TMPL_TCP + 13] = (uint8_t)(f[TMPL_TCP + 13] | (psh ? 8 : 0));
	put16(f + TMPL_TCP + 14, (edge - c->st.rcv_nxt) >> ctx->rcv_scale);
	if (ctx->tmpl_len == 66) {
		put32(f + 58, (uint32_t)(fake_now >> 20));
		put32(f + 62, c->st.ts_recent);
	}
	checksums(f, total, ENG_RECF_IPCSUM | ENG_RECF_TCPCSUM);
	c->st.last_ack = c->st.rcv_nxt;
	c->last_edge = edge;
	c->ack_wanted = false;
	if (len && (int32_t)(seq + len - c->st.snd_max) > 0)
		c->st.snd_max = seq + len;
	out(f, total);
}

static uint32_t pdu_len(const struct eng_tx_rec *r)
{
	return r->hdr_len + (r->flags & ENG_RECF_HDGST ? 4u : 0) + r->pad_len + r->data_len +
	       ((r->flags & ENG_RECF_DDGST) && r->data_len ? 4u : 0);
}

/*
 * Of a part of the PDU that stands at `at`, what lies in [off, off + len) goes to its place in dst.
 */
static void put_part(uint8_t *dst, uint32_t off, uint32_t len, uint32_t at, const void *part,
		     uint32_t part_len)
{
	uint32_t from = at > off ? at : off;
	uint32_t to = at + part_len < off + len ? at + part_len : off + len;

	if (from < to)
		memcpy(dst + from - off, (const uint8_t *)part + from - at, to - from);
}

static bool data_digest(const struct eng_tx_rec *r, uint32_t *crc)
{
	uint8_t *b = malloc(r->data_len);
	bool ok = fake_sgl((uint16_t)r->data_slot, r->data_off, r->data_len, b, NULL);

	*crc = ~fake_crc32c(0xffffffff, b, r->data_len);
	free(b);
	return ok;
}

/* Bytes [off, off + len) of header, digest, padding, data, digest. False: host memory fails. */
static bool pdu_bytes(const struct eng_tx_rec *r, uint32_t off, uint32_t len, uint8_t *dst)
{
	uint32_t at = r->hdr_len, crc, from, to;

	memset(dst, 0, len);
	put_part(dst, off, len, 0, hal_xram(r->hdr_addr), r->hdr_len);
	if (r->flags & ENG_RECF_HDGST) {
		crc = ~fake_crc32c(0xffffffff, hal_xram(r->hdr_addr), r->hdr_len) ^
		      fake_opt.keep_crc_broken;
		put_part(dst, off, len, at, &crc, 4);
		at += 4;
	}
	at += r->pad_len;
	from = at > off ? at : off;
	to = at + r->data_len < off + len ? at + r->data_len : off + len;
	if (from < to && !fake_sgl((uint16_t)r->data_slot, r->data_off + from - at, to - from,
				   dst + from - off, NULL))
		return false;
	at += r->data_len;
	if ((r->flags & ENG_RECF_DDGST) && r->data_len && off + len > at) {
		if (!data_digest(r, &crc))
			return false;
		put_part(dst, off, len, at, &crc, 4);
	}
	return true;
}

/*
 * The engine's running digest: an original has to continue where the last one ended, a repetition
 * must find it there already.
 */
static void track_crc(const struct op *op, struct eng_tx_rec *r)
{
	uint32_t data_at = r->hdr_len + (r->flags & ENG_RECF_HDGST ? 4u : 0) + r->pad_len;
	uint32_t end = op->off + op->len > data_at ? op->off + op->len - data_at : 0;
	uint32_t from = op->off > data_at ? op->off - data_at : 0;

	end = end < r->data_len ? end : r->data_len;
	from = from < r->data_len ? from : r->data_len;
	if (op->flags & ENG_TXF_RETX) {
		if (end > r->crc_pos)
			abort(); /* repeats what was never sent */
		return;
	}
	if (from != r->crc_pos)
		abort(); /* left something out */
	r->crc_pos = end;
}

static void dma_error(const struct op *op)
{
	fake_cnt.tx_dma_err++;
	fake_conn[op->conn].killed = true;
	fake_event(ENG_EVT_TXDONE, 1, op->conn, op->rec, 0);
}

static void run_data(const struct op *op)
{
	struct eng_tx_rec *r = hal_xram(op->rec);
	uint32_t mss = fake_ctx[op->conn].mss;
	uint32_t at = op->off, end = op->off + op->len;
	uint8_t b[FAKE_FRAME_MAX];

	if (end > pdu_len(r) || end < at || !mss || mss > sizeof(b))
		abort();
	track_crc(op, r);
	fake_cnt.retx_ops += !!(op->flags & ENG_TXF_RETX);
	while (at < end) {
		uint32_t n = end - at < mss ? end - at : mss;

		if (!pdu_bytes(r, at, n, b)) {
			dma_error(op);
			return;
		}
		segment(op->conn, op->seq + (at - op->off), b, n,
			(op->flags & ENG_TXF_PSH) && at + n == end);
		at += n;
	}
	if (op->flags & ENG_TXF_DONE)
		fake_event(ENG_EVT_TXDONE, 0, op->conn, op->rec, 0);
}

static void run_raw(const struct op *op)
{
	const struct eng_tx_rec *r = hal_xram(op->rec);
	uint8_t f[2048];

	if (r->data_len > sizeof(f))
		abort();
	memcpy(f, hal_xram(r->hdr_addr), r->data_len);
	checksums(f, r->data_len, r->flags);
	out(f, r->data_len);
	if (op->flags & ENG_TXF_DONE)
		fake_event(ENG_EVT_TXDONE, 0, op->conn, op->rec, 0);
}

static void run_one(void)
{
	struct op op = queue[q_head];

	q_head = (q_head + 1) % QUEUE;
	q_count--;
	fake_cnt.tx_ops++;
	if (op.flags & ENG_TXF_FENCE) {
		fake_event(ENG_EVT_TXDONE, 0, op.conn, op.rec, 0);
	} else if (op.flags & ENG_TXF_RAW) {
		run_raw(&op);
	} else if (fake_conn[op.conn].killed) {
		fake_cnt.tx_killed++;
		if (op.flags & ENG_TXF_DONE)
			fake_event(ENG_EVT_TXDONE, 2, op.conn, op.rec, 0);
	} else {
		run_data(&op);
	}
}

static void run_acks(void)
{
	if (!acks_wanted)
		return;
	acks_wanted = false;
	for (uint16_t i = 0; i < ENG_N_CONN; i++) {
		if (!fake_conn[i].ack_wanted)
			continue;
		fake_cnt.tx_acks++;
		segment(i, fake_conn[i].st.snd_max, NULL, 0, false);
	}
}

void fake_run(void)
{
	run_acks();
	while (q_count > fake_opt.tx_stop && fake_events() < 400) {
		run_one();
		run_acks();
	}
}

uint32_t fake_tx_queued(void)
{
	return q_count;
}

bool fake_killed(uint16_t conn)
{
	return fake_conn[conn].killed;
}

uint32_t hal_tx_free(void)
{
	return QUEUE - q_count;
}

void hal_tx(uint16_t conn, const struct eng_tx_rec *rec, uint32_t seq, uint32_t off, uint32_t len,
	    uint8_t txf)
{
	if (conn >= ENG_N_CONN || (hal_xram_off(rec) & 31) || hal_xram_off(rec) >= ENG_XRAM_SIZE)
		abort();
	if (q_count == QUEUE)
		run_one(); /* the core would wait */
	queue[(q_head + q_count++) % QUEUE] =
		(struct op){ conn, txf, hal_xram_off(rec), seq, off, len };
}

void fake_want_ack(uint16_t conn)
{
	fake_conn[conn].ack_wanted = true;
	acks_wanted = true;
}

void hal_tx_ack(uint16_t conn)
{
	fake_want_ack(conn);
}

void hal_tx_kill(uint16_t conn, bool on)
{
	fake_conn[conn].killed = on;
	if (on)
		fake_conn[conn].ack_wanted = false;
}
