/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames, checksums and the generator for the bench of weft_rx. */
#include "rx_bench.h"

uint32_t Rng::next()
{
	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return (uint32_t)(s >> 24);
}

uint32_t crc32c(const uint8_t *p, size_t n)
{
	uint32_t c = 0xffffffff;
	while (n--) {
		c ^= *p++;
		for (int i = 0; i < 8; i++)
			c = c >> 1 ^ (c & 1 ? 0x82f63b78 : 0);
	}
	return ~c;
}

static void be16(Bytes &b, unsigned v)
{
	b.push_back((uint8_t)(v >> 8));
	b.push_back((uint8_t)v);
}

static void be32(Bytes &b, uint32_t v)
{
	be16(b, v >> 16);
	be16(b, v & 0xffff);
}

static uint32_t sum16(const uint8_t *p, size_t n, uint32_t s)
{
	for (size_t i = 0; i < n; i++)
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void set_sum(uint8_t *p, uint32_t s, bool bad)
{
	s = ~s & 0xffff;
	if (bad)
		s ^= 0x0140;
	p[0] = (uint8_t)(s >> 8);
	p[1] = (uint8_t)s;
}

Bytes make_frame(const Seg &s)
{
	Bytes f, opt = s.options;
	for (int i = 5; i >= 0; i--)
		f.push_back((uint8_t)(s.dmac >> (8 * i)));
	for (int i = 0; i < 6; i++)
		f.push_back((uint8_t)(0x10 + i));
	be16(f, 0x0800);
	if (s.ts) {
		be32(opt, 0x0101080a);
		be32(opt, s.tsval);
		be32(opt, s.tsecr);
	}
	unsigned ihl = 5 + s.ip_options, doff = 5 + opt.size() / 4;
	unsigned tcp_len = 4 * doff + s.payload.size(), l3 = 14, l4 = 14 + 4 * ihl;
	f.push_back((uint8_t)(s.version << 4 | ihl));
	f.push_back(0);
	be16(f, 4 * ihl + tcp_len + s.totlen_add);
	be16(f, (s.seq ^ s.seq >> 16) & 0xffff);
	be16(f, s.frag);
	f.push_back(64);
	f.push_back(s.proto);
	be16(f, 0);
	be32(f, s.rip);
	be32(f, s.lip);
	for (unsigned i = 0; i < s.ip_options; i++)
		be32(f, 0x01010101);
	set_sum(&f[l3 + 10], sum16(&f[l3], 4 * ihl, 0), s.bad_ip);
	be16(f, s.rport);
	be16(f, s.lport);
	be32(f, s.seq);
	be32(f, s.ack);
	be16(f, ((doff + s.doff_add) & 15) << 12 | s.flags);
	be16(f, s.wnd);
	be16(f, 0);
	be16(f, 0);
	f.insert(f.end(), opt.begin(), opt.end());
	f.insert(f.end(), s.payload.begin(), s.payload.end());
	set_sum(&f[l4 + 16], sum16(&f[l4], tcp_len, sum16(&f[l3 + 12], 8, s.proto + tcp_len)), s.bad_tcp);
	for (unsigned i = 0; i < s.trailer; i++)
		f.push_back((uint8_t)(0xa5 + i));
	return f;
}
