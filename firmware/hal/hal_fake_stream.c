/* SPDX-License-Identifier: BSD-2-Clause */
/* Stream engine of the native model: delivered spans, PDU headers, data placed into host memory. */
#include <stdlib.h>
#include <string.h>

#include "hal_fake_int.h"

#define SPANS 1024u
#define CH_LEN 8u

enum { S_HEADER, S_WAIT, S_DATA, S_DIGEST, S_STOPPED, S_PAD };

struct span {
	uint16_t cell, off, len, done;
};

struct stream {
	struct span *span; /* ring of SPANS */
	uint32_t head, count;
	uint8_t state;
	uint32_t got, want; /* of the part being collected */
	uint16_t slot;
	uint32_t off, len, left;
	uint8_t pad, flags;
	uint32_t crc;
	uint8_t digest[4], bad;
	uint8_t *raw;
	uint32_t raw_len, raw_size;
};

static struct stream streams[ENG_N_CONN];

static void set_state(uint16_t conn, uint8_t state)
{
	streams[conn].state = state;
	fake_conn[conn].st.mode = (fake_conn[conn].st.mode & ~0xf0u) | (uint32_t)state << 4;
}

void fake_stream_reset(void)
{
	for (uint16_t i = 0; i < ENG_N_CONN; i++) {
		free(streams[i].span);
		free(streams[i].raw);
		memset(&streams[i], 0, sizeof(streams[i]));
		set_state(i, S_STOPPED);
	}
}

/* The first span is used up. */
static void free_span(uint16_t conn)
{
	struct stream *s = &streams[conn];
	const struct span *p = &s->span[s->head];

	fake_conn[conn].st.mode -= fake_piece_cells(p->off, p->len) << 16;
	hal_pkt_free(p->cell);
	s->head = (s->head + 1) % SPANS;
	s->count--;
}

static void start_header(uint16_t conn)
{
	streams[conn].got = 0;
	streams[conn].want = CH_LEN;
	set_state(conn, S_HEADER);
}

void fake_stream_cmd(uint16_t conn, uint8_t rxc)
{
	struct stream *s = &streams[conn];

	while (s->count)
		free_span(conn);
	fake_conn[conn].st.pending = 0;
	if (rxc == ENG_RXC_STREAM_RESET) {
		s->raw_len = 0;
		start_header(conn);
		return;
	}
	set_state(conn, S_STOPPED);
	fake_event(ENG_EVT_STOPPED, 0, conn, 0, 0);
}

/* Takes at most n bytes off the stream into dst (NULL: away with them). */
static uint32_t take(uint16_t conn, uint8_t *dst, uint32_t n)
{
	struct stream *s = &streams[conn];
	uint32_t done = 0;

	while (done < n && s->count) {
		struct span *p = &s->span[s->head];
		uint32_t k = n - done < (uint32_t)(p->len - p->done) ? n - done :
								       (uint32_t)(p->len - p->done);

		if (dst)
			hal_pkt_copy(p->cell, p->off + (uint32_t)p->done, dst + done, k);
		p->done = (uint16_t)(p->done + k);
		done += k;
		if (p->done == p->len)
			free_span(conn);
	}
	if (done)
		fake_consumed(conn, done);
	return done;
}

static void run_raw(uint16_t conn)
{
	struct stream *s = &streams[conn];
	uint32_t n = fake_conn[conn].st.pending;

	if (!n)
		return;
	if (s->raw_len + n > s->raw_size) {
		s->raw_size = (s->raw_len + n) * 2;
		s->raw = realloc(s->raw, s->raw_size);
	}
	s->raw_len += take(conn, s->raw + s->raw_len, n);
}

/* --- PDUs ------------------------------------------------------------------------------------- */

static bool header_part(uint16_t conn)
{
	struct stream *s = &streams[conn];
	uint8_t *h = fake_rxh[conn];
	bool dgst = (fake_ctx[conn].flags & ENG_CF_HDGST) && s->got >= 1 && h[0] >= 4;
	uint32_t crc, val = 0;
	uint8_t flags = 0;

	s->got += take(conn, h + s->got, s->want - s->got);
	if (s->got < s->want)
		return false;
	dgst = (fake_ctx[conn].flags & ENG_CF_HDGST) && h[0] >= 4;
	if (h[2] < CH_LEN || h[2] > 128) {
		set_state(conn, S_WAIT);
		fake_event(ENG_EVT_HDR, 2, conn, CH_LEN, 0);
		return true;
	}
	if (s->want < h[2] + (dgst ? 4u : 0)) {
		s->want = h[2] + (dgst ? 4u : 0);
		return true;
	}
	if (dgst) {
		crc = ~fake_crc32c(0xffffffff, h, h[2]);
		memcpy(&val, h + h[2], 4);
		flags = crc != val;
	}
	set_state(conn, S_WAIT);
	fake_event(ENG_EVT_HDR, flags, conn, h[2], flags ? val : 0);
	return true;
}

static void data_end(uint16_t conn)
{
	struct stream *s = &streams[conn];

	if (s->bad & 1)
		fake_slot_sticky[s->slot % WEFT_N_SLOTS] |= WEFT_CQF_DDGST_ERR;
	if (s->bad & 6)
		fake_slot_sticky[s->slot % WEFT_N_SLOTS] |= WEFT_CQF_DMA_ERR;
	if (s->flags & ENG_RXSF_EVENT)
		fake_event(ENG_EVT_PLACED, s->bad, conn, s->len, s->slot);
	start_header(conn);
}

static bool data_part(uint16_t conn)
{
	struct stream *s = &streams[conn];
	uint8_t buf[4096];
	uint32_t n = take(conn, buf, s->left < sizeof(buf) ? s->left : sizeof(buf));

	if (!n && s->left)
		return false;
	s->crc = fake_crc32c(s->crc, buf, n);
	if (!(s->flags & ENG_RXSF_DISCARD) && !s->bad && !fake_sgl(s->slot, s->off, n, NULL, buf))
		s->bad |= s->off + n > hal_slot_entry(s->slot)->data_len ? 4 : 2;
	s->off += n;
	s->left -= n;
	if (s->left)
		return true;
	s->got = 0;
	if (s->flags & ENG_RXSF_DDGST)
		set_state(conn, S_DIGEST);
	else
		data_end(conn);
	return true;
}

static bool digest_part(uint16_t conn)
{
	struct stream *s = &streams[conn];
	uint32_t crc = ~s->crc;

	s->got += take(conn, s->digest + s->got, 4 - s->got);
	if (s->got < 4)
		return false;
	if (memcmp(&crc, s->digest, 4))
		s->bad |= 1;
	data_end(conn);
	return true;
}

static bool step(uint16_t conn)
{
	struct stream *s = &streams[conn];

	switch (s->state) {
	case S_HEADER:
		return header_part(conn);
	case S_PAD:
		s->pad = (uint8_t)(s->pad - take(conn, NULL, s->pad));
		if (s->pad)
			return false;
		set_state(conn, S_DATA);
		return true;
	case S_DATA:
		return data_part(conn);
	case S_DIGEST:
		return digest_part(conn);
	default:
		return false;
	}
}

static void run(uint16_t conn)
{
	if (fake_opt.raw_stream) {
		if (!fake_opt.hold_stream)
			run_raw(conn);
		return;
	}
	while (step(conn))
		;
}

void fake_stream_append(uint16_t conn, uint16_t cell, uint16_t off, uint16_t len)
{
	struct stream *s = &streams[conn];

	if (s->state == S_STOPPED || !len) {
		hal_pkt_free(cell);
		fake_conn[conn].st.pending -= len;
		return;
	}
	if (!s->span)
		s->span = calloc(SPANS, sizeof(*s->span));
	if (s->count == SPANS)
		abort();
	s->span[(s->head + s->count++) % SPANS] = (struct span){ cell, off, len, 0 };
	fake_conn[conn].st.mode += fake_piece_cells(off, len) << 16;
	run(conn);
}

const uint8_t *fake_stream(uint16_t conn, uint32_t *len)
{
	*len = streams[conn].raw_len;
	return streams[conn].raw;
}

void fake_stream_release(uint16_t conn)
{
	run_raw(conn);
}

void hal_stream_next(uint16_t conn)
{
	if (streams[conn].state != S_WAIT)
		return;
	start_header(conn);
	run(conn);
}

/* RXSF_HEADER: what stands behind the common header goes first, at the same offset; the data follow it. */
static void place_header(uint16_t conn)
{
	struct stream *s = &streams[conn];
	uint32_t n = fake_rxh[conn][2] - CH_LEN;

	if (!fake_sgl(s->slot, s->off, n, NULL, fake_rxh[conn] + CH_LEN))
		s->bad |= s->off + n > hal_slot_entry(s->slot)->data_len ? 4 : 2;
	s->off += n;
}

void hal_stream_data(uint16_t conn, uint16_t slot, uint32_t off, uint32_t len, uint8_t pad,
		     uint8_t rxsf)
{
	struct stream *s = &streams[conn];

	if (s->state != S_WAIT)
		return;
	s->slot = slot;
	s->off = off;
	s->len = s->left = len;
	s->pad = pad;
	s->flags = rxsf;
	s->crc = 0xffffffff;
	s->bad = 0;
	s->got = 0;
	if ((rxsf & ENG_RXSF_HEADER) && !(rxsf & ENG_RXSF_DISCARD))
		place_header(conn);
	set_state(conn, pad ? S_PAD : S_DATA);
	run(conn);
}
