/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/bytes.h"
#include "tcp/tcp_int.h"

#define OPT_END 0
#define OPT_NOP 1
#define OPT_MSS 2
#define OPT_WSCALE 3
#define OPT_SACK_OK 4
#define OPT_SACK 5
#define OPT_TS 8
#define WSCALE_MAX 14
#define TS_PREFIX (OPT_NOP << 24 | OPT_NOP << 16 | OPT_TS << 8 | 10u)

static void parse_sack(struct seg *s, const uint8_t *p, uint32_t len)
{
	if ((len & 7) != 2 || len > 34)
		return;
	s->n_sack = (uint8_t)((len - 2) >> 3);
	for (uint32_t i = 0; i < s->n_sack; i++) {
		s->sack[i].start = get_be32(p + 2 + 8 * i);
		s->sack[i].end = get_be32(p + 6 + 8 * i);
	}
}

static void parse_one(struct seg *s, const uint8_t *p, uint32_t len)
{
	if (p[0] == OPT_TS && len == 10) {
		s->have_ts = true;
		s->tsval = get_be32(p + 2);
		s->tsecr = get_be32(p + 6);
	} else if (p[0] == OPT_SACK) {
		parse_sack(s, p, len);
	} else if (!(s->flags & TH_SYN)) {
		return;
	} else if (p[0] == OPT_MSS && len == 4) {
		s->mss = get_be16(p + 2);
	} else if (p[0] == OPT_WSCALE && len == 3) {
		s->wscale = (int8_t)MIN(p[2], WSCALE_MAX);
	} else if (p[0] == OPT_SACK_OK && len == 2) {
		s->sack_ok = true;
	}
}

bool opt_parse(struct seg *s, const uint8_t *p, uint32_t len)
{
	uint32_t i = 0;

	s->wscale = -1;
	/* what nearly all segments begin with, or consist of */
	if (len >= TS_OPT_LEN && get_be32(p) == TS_PREFIX) {
		parse_one(s, p + 2, 10);
		i = TS_OPT_LEN;
	}
	while (i < len && p[i] != OPT_END) {
		uint32_t n;

		if (p[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (i + 2 > len)
			return false;
		n = p[i + 1];
		if (n < 2 || i + n > len)
			return false;
		parse_one(s, p + i, n);
		i += n;
	}
	return true;
}

uint32_t opt_ts(uint8_t *p, uint32_t tsecr)
{
	p[0] = OPT_NOP;
	p[1] = OPT_NOP;
	p[2] = OPT_TS;
	p[3] = 10;
	put_be32(p + 4, clk_now());
	put_be32(p + 8, tsecr);
	return TS_OPT_LEN;
}

uint32_t opt_syn(uint8_t *p, const struct syn_opts *o)
{
	uint32_t n = 4;

	p[0] = OPT_MSS;
	p[1] = 4;
	put_be16(p + 2, o->mss);
	if (o->sack) {
		p[n++] = OPT_SACK_OK;
		p[n++] = 2;
	} else {
		p[n++] = OPT_NOP;
		p[n++] = OPT_NOP;
	}
	if (o->ts) {
		p[n] = OPT_TS;
		p[n + 1] = 10;
		put_be32(p + n + 2, o->tsval);
		put_be32(p + n + 6, o->tsecr);
		n += 10;
	} else {
		p[n++] = OPT_NOP;
		p[n++] = OPT_NOP;
	}
	if (o->wscale >= 0) {
		p[n] = OPT_NOP;
		p[n + 1] = OPT_WSCALE;
		p[n + 2] = 3;
		p[n + 3] = (uint8_t)o->wscale;
		n += 4;
	}
	return n;
}

uint32_t opt_sack(uint8_t *p, const struct range *r, uint32_t n)
{
	if (!n)
		return 0;
	p[0] = OPT_NOP;
	p[1] = OPT_NOP;
	p[2] = OPT_SACK;
	p[3] = (uint8_t)(2 + 8 * n);
	for (uint32_t i = 0; i < n; i++) {
		put_be32(p + 4 + 8 * i, r[i].start);
		put_be32(p + 8 + 8 * i, r[i].end);
	}
	return 4 + 8 * n;
}
