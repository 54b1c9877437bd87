/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive side of the native model: packet buffer, parser, connection lookup, fast path. */
#include <stdlib.h>
#include <string.h>

#include "hal_fake_int.h"

#define CELL ENG_PKT_CELL
#define NONE 0xffffu

struct desc {
	uint32_t rip, lip, seq, ack, tsval;
	uint16_t rport, lport, wnd, plen;
	uint8_t flags, thoff, poff;
	bool ts_only, no_opt;
};

struct fake_conn fake_conn[ENG_N_CONN];
static uint8_t cells[ENG_PKT_CELLS][CELL];
static uint16_t next_cell[ENG_PKT_CELLS];
static bool used[ENG_PKT_CELLS];
static uint32_t n_used;

void fake_cells_reset(void)
{
	memset(used, 0, sizeof(used));
	memset(fake_conn, 0, sizeof(fake_conn));
	for (uint32_t i = 0; i < ENG_N_CONN; i++) {
		fake_conn[i].st.mode = FAKE_STREAM_STOPPED << 4;
		fake_conn[i].fresh = true;
	}
	n_used = 0;
}

uint32_t fake_cells_used(void)
{
	return n_used;
}

uint32_t hal_pkt_cells_free(void)
{
	return ENG_PKT_CELLS - n_used > fake_opt.cells_hidden ?
		       ENG_PKT_CELLS - n_used - fake_opt.cells_hidden :
		       0;
}

uint16_t fake_cell_alloc(uint32_t bytes)
{
	uint32_t n = bytes ? (bytes + CELL - 1) / CELL : 1;
	uint16_t first = NONE;

	if (hal_pkt_cells_free() < n)
		return NONE;
	for (uint16_t i = 0; n; i++) {
		if (used[i])
			continue;
		used[i] = true;
		next_cell[i] = first;
		first = i;
		n--;
		n_used++;
	}
	return first;
}

void fake_cell_write(uint16_t cell, const uint8_t *p, uint32_t len)
{
	for (; len; cell = next_cell[cell]) {
		uint32_t n = len < CELL ? len : CELL;

		memcpy(cells[cell], p, n);
		p += n;
		len -= n;
	}
}

void hal_pkt_free(uint16_t cell)
{
	while (cell != NONE) {
		if (cell >= ENG_PKT_CELLS || !used[cell])
			abort(); /* freed twice */
		used[cell] = false;
		n_used--;
		cell = next_cell[cell];
	}
}

void hal_pkt_copy(uint16_t cell, uint32_t off, void *dst, uint32_t len)
{
	uint8_t *d = dst;

	for (; off >= CELL; off -= CELL)
		cell = next_cell[cell];
	while (len) {
		uint32_t n = len < CELL - off ? len : CELL - off;

		if (cell >= ENG_PKT_CELLS || !used[cell])
			abort(); /* reads beyond the frame, or a freed one */
		memcpy(d, cells[cell] + off, n);
		d += n;
		len -= n;
		off = 0;
		cell = next_cell[cell];
	}
}

uint16_t fake_raw_frame(const uint8_t *frame, uint32_t len)
{
	uint16_t cell = fake_cell_alloc(len);

	if (cell != NONE)
		fake_cell_write(cell, frame, len);
	return cell;
}

/* --- connection state ------------------------------------------------------------------------- */

uint32_t fake_edge(uint16_t conn)
{
	const struct fake_conn *c = &fake_conn[conn];
	uint32_t wnd = fake_ctx[conn].rcv_wnd;

	return c->st.rcv_nxt + (c->st.pending < wnd ? wnd - c->st.pending : 0);
}

void hal_conn_state(uint16_t conn, struct eng_conn_state *st)
{
	*st = fake_conn[conn].st;
}

uint32_t hal_conn_snd_una(uint16_t conn)
{
	return fake_conn[conn].st.snd_una;
}

uint32_t hal_conn_snd_wnd(uint16_t conn)
{
	return fake_conn[conn].st.snd_wnd;
}

uint32_t hal_conn_cells(uint16_t conn)
{
	return fake_conn[conn].st.mode >> 16;
}

static void fire_ack(uint16_t conn)
{
	struct fake_conn *c = &fake_conn[conn];
	uint32_t notify = fake_ctx[conn].notify_seq;

	if (!(c->st.mode & 1) || c->ack_queued || (c->fired && c->fired_at == notify) ||
	    (int32_t)(c->st.snd_una - notify) < 0 || !fake_event_room())
		return;
	c->ack_queued = c->fired = true;
	c->fired_at = notify;
	fake_event(ENG_EVT_ACK, 0, conn, 0, 0);
}

void fake_acked_popped(uint16_t conn)
{
	fake_conn[conn].ack_queued = false;
}

void hal_rx_resume(uint16_t conn, uint32_t rcv_nxt, uint32_t snd_una, uint32_t snd_wnd,
		   uint32_t ts_recent)
{
	struct fake_conn *c = &fake_conn[conn];

	c->st.rcv_nxt = rcv_nxt;
	c->st.snd_una = snd_una;
	c->st.snd_wnd = snd_wnd;
	c->st.ts_recent = ts_recent;
	if (c->fresh) {
		c->st.last_ack = rcv_nxt;
		c->st.snd_max = snd_una;
		c->fresh = false;
	} else if ((int32_t)(snd_una - c->st.snd_max) > 0) {
		c->st.snd_max = snd_una;
	}
	c->st.mode |= 1;
	fire_ack(conn);
}

void hal_rx_cmd(uint16_t conn, uint8_t rxc)
{
	struct fake_conn *c = &fake_conn[conn];

	c->st.mode &= ~1u;
	if (rxc == ENG_RXC_STREAM_RESET)
		c->fresh = true;
	if (rxc != ENG_RXC_TRAP)
		fake_stream_cmd(conn, rxc);
}

void hal_rx_deliver(uint16_t conn, uint16_t cell, uint16_t off, uint16_t len)
{
	fake_conn[conn].st.pending += len;
	fake_stream_append(conn, cell, off, len);
}

uint32_t fake_piece_cells(uint16_t off, uint16_t len)
{
	return ((uint32_t)off + len + CELL - 1) / CELL;
}

/* A connection's data may hold only a multiple of the cells that are free. */
static bool has_share(uint16_t conn, const struct desc *d)
{
	return !d->plen || hal_conn_cells(conn) + fake_piece_cells(d->poff, d->plen) <=
				   hal_pkt_cells_free() * ENG_RX_SHARE;
}

static void want_ack_for_window(uint16_t conn)
{
	struct fake_conn *c = &fake_conn[conn];
	uint32_t moved = fake_edge(conn) - c->last_edge;

	if ((c->st.mode & 1) &&
	    (moved >= fake_ctx[conn].rcv_wnd / 2 || moved >= 2u * fake_ctx[conn].ack_bytes))
		fake_want_ack(conn);
}

void fake_consumed(uint16_t conn, uint32_t bytes)
{
	fake_conn[conn].st.pending -= bytes;
	want_ack_for_window(conn);
}

void fake_ack_scan(void)
{
	for (uint16_t i = 0; i < ENG_N_CONN; i++)
		if ((fake_conn[i].st.mode & 1) &&
		    fake_conn[i].st.rcv_nxt != fake_conn[i].st.last_ack)
			fake_want_ack(i);
}

/* --- parser ----------------------------------------------------------------------------------- */

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static uint16_t ones(uint32_t s, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		s += (uint32_t)p[i] << (i & 1 ? 0 : 8);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* 1: TCP to us with good checksums; 0: something else for firmware; -1: dropped and counted. */
static int parse(const uint8_t *f, uint32_t len, struct desc *d)
{
	uint32_t total, hlen;
	const uint8_t *tcp = f + 34;

	if (len < 54 || be16(f + 12) != 0x0800 || f[14] != 0x45 || f[23] != 6 ||
	    (be16(f + 20) & 0x3fff) || be32(f + 30) != fake_port_ip)
		return 0;
	total = be16(f + 16);
	if (total + 14 > len || total < 40) {
		fake_cnt.drop_len++;
		return -1;
	}
	hlen = (tcp[12] >> 4) * 4u;
	if (hlen < 20 || 20 + hlen > total) {
		fake_cnt.drop_len++;
		return -1;
	}
	if (ones(0, f + 14, 20) != 0xffff ||
	    ones(6 + total - 20, f + 26, 8 + total - 20) != 0xffff) {
		fake_cnt.drop_csum++;
		return -1;
	}
	*d = (struct desc){
		.rip = be32(f + 26),
		.lip = be32(f + 30),
		.rport = be16(tcp),
		.lport = be16(tcp + 2),
		.seq = be32(tcp + 4),
		.ack = be32(tcp + 8),
		.flags = tcp[13] & 0x3f,
		.wnd = be16(tcp + 14),
		.thoff = 34,
		.poff = (uint8_t)(34 + hlen),
		.plen = (uint16_t)(total - 20 - hlen),
		.no_opt = hlen == 20,
	};
	if (hlen == 32 && be32(tcp + 20) == 0x0101080a) {
		d->ts_only = true;
		d->tsval = be32(tcp + 24);
	}
	return 1;
}

static uint16_t lookup(const struct desc *d)
{
	uint32_t x = d->rip ^ ((uint32_t)d->rport << 16 | d->lport);
	uint32_t h = x ^ x >> 10 ^ x >> 20;

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t e = fake_hash[(h + i) & (ENG_HASH_SIZE - 1)];
		const struct eng_conn_ctx *c = &fake_ctx[e & 0x7f];

		if ((e >> 31) && (c->flags & ENG_CF_VALID) && c->remote_ip == d->rip &&
		    c->local_ip == d->lip && c->remote_port == d->rport &&
		    c->local_port == d->lport)
			return (uint16_t)(e & 0x7f);
	}
	return ENG_NO_SLOT;
}

static bool fast_ok(uint16_t conn, const struct desc *d)
{
	const struct eng_conn_ctx *ctx = &fake_ctx[conn];
	const struct eng_conn_state *st = &fake_conn[conn].st;
	uint32_t wnd = (uint32_t)d->wnd << ctx->snd_scale;

	if (!(st->mode & 1) || fake_opt.slow_only || (d->flags & ~8) != 0x10 ||
	    d->seq != st->rcv_nxt)
		return false;
	if (ctx->flags & ENG_CF_TS ? !d->ts_only || (int32_t)(d->tsval - st->ts_recent) < 0 :
				     !d->no_opt)
		return false;
	if ((int32_t)(d->ack - st->snd_una) < 0 || (int32_t)(st->snd_max - d->ack) < 0)
		return false;
	if ((int32_t)(fake_edge(conn) - d->seq - d->plen) < 0)
		return false;
	return d->plen || d->ack != st->snd_una || wnd != st->snd_wnd || st->snd_una == st->snd_max;
}

static void take_fast(uint16_t conn, const struct desc *d, uint16_t cell)
{
	struct fake_conn *c = &fake_conn[conn];

	fake_cnt.rx_fast++;
	c->st.rcv_nxt += d->plen;
	c->st.snd_una = d->ack;
	c->st.snd_wnd = (uint32_t)d->wnd << fake_ctx[conn].snd_scale;
	if (d->ts_only)
		c->st.ts_recent = d->tsval;
	if (c->st.rcv_nxt - c->st.last_ack >= fake_ctx[conn].ack_bytes)
		fake_want_ack(conn);
	fire_ack(conn);
	if (d->plen)
		hal_rx_deliver(conn, cell, d->poff, d->plen);
	else
		hal_pkt_free(cell);
}

static bool to_us(const uint8_t *f)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return !memcmp(f, all, 6) || !memcmp(f, fake_port_mac, 6);
}

void fake_rx(const uint8_t *f, uint32_t len)
{
	struct desc d = { 0 };
	uint16_t conn = ENG_NO_SLOT, cell;
	uint8_t flags = 0;
	int kind;

	if (len < 14 || len > fake_port_mtu + 14u) {
		fake_cnt.drop_len++;
		return;
	}
	if (!to_us(f)) {
		fake_cnt.drop_notus++;
		return;
	}
	kind = parse(f, len, &d);
	if (kind < 0)
		return;
	cell = fake_raw_frame(f, len);
	if (cell == NONE) {
		fake_cnt.drop_nobuf++;
		return;
	}
	if (kind > 0) {
		conn = lookup(&d);
		flags = 1;
		if (conn != ENG_NO_SLOT && fast_ok(conn, &d)) {
			if (has_share(conn, &d)) {
				take_fast(conn, &d, cell);
			} else {
				fake_cnt.drop_nobuf++;
				hal_pkt_free(cell);
			}
			return;
		}
	}
	if (conn == ENG_NO_SLOT && hal_pkt_cells_free() < ENG_RX_RESERVE) {
		fake_cnt.drop_nobuf++;
		hal_pkt_free(cell);
		return;
	}
	if (fake_events() >= 440) {
		fake_cnt.drop_evq++;
		hal_pkt_free(cell);
		return;
	}
	if (conn != ENG_NO_SLOT && (fake_conn[conn].st.mode & 1) && !fake_opt.slow_only) {
		fake_conn[conn].st.mode &= ~1u;
		flags |= 2;
	}
	fake_cnt.rx_to_fw++;
	fake_event(ENG_EVT_FRAME, flags, conn, cell | len << 16,
		   kind > 0 ? d.thoff | (uint32_t)d.poff << 8 | (uint32_t)d.plen << 16 : 0);
}
