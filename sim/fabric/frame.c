// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <zlib.h>

#include "internal.h"

#define SOF_I3 0x2e
#define SOF_N3 0x36
#define EOF_N 0x41
#define EOF_T 0x42
#define F_CTL_OF_LAST (F_CTL_LAST_SEQ | F_CTL_END_SEQ | 0x010000u)

bool fabric_frame_good(const uint8_t *unit, size_t len)
{
	const uint8_t *crc = unit + len - 8, *end = unit + len - 4;
	uint32_t is = (uint32_t)crc[0] | (uint32_t)crc[1] << 8 | (uint32_t)crc[2] << 16 |
		      (uint32_t)crc[3] << 24;

	return is == crc32(0, unit + 4, (uInt)len - 12) && (end[0] == EOF_N || end[0] == EOF_T);
}

void fabric_frame_header(const uint8_t *unit, struct fabric_hdr *h)
{
	const uint8_t *b = unit + 4;

	h->r_ctl = b[0];
	h->d_id = get24(b + 1);
	h->s_id = get24(b + 5);
	h->type = b[8];
	h->f_ctl = get24(b + 9);
	h->seq_id = b[12];
	h->df_ctl = b[13];
	h->seq_cnt = (uint16_t)get16(b + 14);
	h->ox_id = (uint16_t)get16(b + 16);
	h->rx_id = (uint16_t)get16(b + 18);
	h->param = get32(b + 20);
}

static void put_header(uint8_t *b, const struct fabric_hdr *h)
{
	b[0] = h->r_ctl;
	put24(b + 1, h->d_id);
	put24(b + 5, h->s_id);
	b[8] = h->type;
	put24(b + 9, h->f_ctl);
	b[12] = h->seq_id;
	b[13] = h->df_ctl;
	put16(b + 14, h->seq_cnt);
	put16(b + 16, h->ox_id);
	put16(b + 18, h->rx_id);
	put32(b + 20, h->param);
}

static struct fabric_frame *make(struct fabric *f, const struct fabric_hdr *h,
				 const uint8_t *payload, size_t n, bool first, bool last)
{
	size_t fill = -n & 3, len = 4 + FC_HEADER + n + fill + 8;
	struct fabric_frame *frame = calloc(1, sizeof(*frame) + len);
	struct fabric_hdr own = *h;
	uint8_t *b;
	uint32_t crc;

	if (!frame)
		return NULL;
	frame->from = NO_PORT;
	frame->until_ns = f->now_ns + f->p.e_d_tov_ms * MS;
	frame->len = len;
	own.f_ctl = last ? h->f_ctl | (uint32_t)fill : h->f_ctl & ~F_CTL_OF_LAST;
	b = frame->bytes;
	b[0] = first ? SOF_I3 : SOF_N3;
	put_header(b + 4, &own);
	if (n)
		memcpy(b + 4 + FC_HEADER, payload, n);
	crc = (uint32_t)crc32(0, b + 4, (uInt)len - 12);
	b[len - 8] = (uint8_t)crc;
	b[len - 7] = (uint8_t)(crc >> 8);
	b[len - 6] = (uint8_t)(crc >> 16);
	b[len - 5] = (uint8_t)(crc >> 24);
	b[len - 4] = last ? EOF_T : EOF_N;
	return frame;
}

void fabric_frame_sequence(struct fabric *f, struct fabric_port *port, const struct fabric_hdr *h,
			   const uint8_t *payload, size_t len, size_t max)
{
	struct fabric_hdr own = *h;
	struct fabric_frame *frame;
	size_t done = 0, n;

	do {
		n = len - done < max ? len - done : max;
		frame = make(f, &own, payload + done, n, !done, done + n == len);
		if (!frame)
			return; /* lost, as frames may be */
		fabric_enqueue(f, port, frame);
		done += n;
		own.seq_cnt++;
	} while (done < len);
}

void fabric_frame_reply(struct fabric *f, const struct fabric_nport *np,
			const struct fabric_hdr *request, uint8_t r_ctl, const uint8_t *payload,
			size_t len)
{
	struct fabric_hdr h = { .r_ctl = r_ctl,
				.type = request->type,
				.ox_id = request->ox_id,
				.rx_id = request->rx_id,
				.d_id = np->id,
				.s_id = request->d_id,
				.f_ctl = F_CTL_REPLY };

	fabric_frame_sequence(f, &f->ports[np->port], &h, payload, len, np->max_data & ~3u);
}
