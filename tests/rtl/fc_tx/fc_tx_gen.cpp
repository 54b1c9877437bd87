// SPDX-License-Identifier: BSD-2-Clause
// Random records for the tests of weft_fc_tx.
#include "fc_tx_bench.h"

enum { REC = 0x80000, LIT = 0x90000 };

record rec_blank(bench &b, int i)
{
	record r = { (uint32_t)(REC + i * 64),
		     (uint32_t)(LIT + i * 0x900),
		     bytes(24),
		     {},
		     2112,
		     (unsigned)i,
		     (unsigned)i,
		     0,
		     0,
		     0,
		     {} };

	for (auto &x : r.hdr)
		x = b.rng();
	return r;
}

bytes bytes_random(bench &b, size_t n)
{
	bytes p(n);

	for (auto &x : p)
		x = b.rng();
	return p;
}

/* Elements for at least want bytes. */
static std::vector<elem> list_random(bench &b, uint32_t want, bool *is_chain)
{
	std::vector<elem> el;
	uint64_t sum = 0;
	int shape = b.rnd(4);
	unsigned n = 3;

	*is_chain = b.rnd(2);
	if (*is_chain)
		n = 1 + b.rnd(300);
	while (el.size() < n) {
		uint32_t len = b.rnd(6) == 0 ? 0 :
			       shape == 0    ? b.rnd(100) :
			       shape == 1    ? 4096 :
					       b.rnd(3 * want / n + 2);
		if (el.size() + 1 == n && sum + len < want)
			len = want - sum;
		el.push_back({ b.rng() >> 8, len });
		sum += len;
	}
	return el;
}

void data_random(bench &b, record &r, uint32_t len, uint32_t off)
{
	bool is_chain;

	r.data_len = len;
	r.data_off = off;
	r.el = list_random(b, len + off, &is_chain);
	r.buf_len = len + off + b.rnd(2);
	b.slot_init(r.data_slot, r.el, r.buf_len, is_chain);
}

record rec_random(bench &b, int i, uint32_t data_max)
{
	static const unsigned maxes[] = { 2112, 2048, 1024, 132, 128 };
	record r = rec_blank(b, i);

	r.max = b.rnd(3) ? maxes[b.rnd(5)] : 128 + 4 * b.rnd(497);
	if (b.rnd(3))
		r.lit = bytes_random(b, b.rnd(3) ? b.rnd(200) : b.rnd(2113));
	if (b.rnd(3))
		data_random(b, r, b.rnd(3) ? b.rnd(3000) : b.rnd(data_max),
			    b.rnd(3) ? 0 : b.rnd(9000));
	if (b.rnd(4) == 0) /* a whole number of frames */
		data_random(b, r, (r.max * 4 - r.lit.size() % r.max), b.rnd(100));
	return r;
}

record raw_random(bench &b, int i)
{
	record r = rec_blank(b, i);

	r.lit = bytes_random(b, b.rnd(2) ? 14 + b.rnd(100) : 14 + b.rnd(2099));
	r.max = b.rnd(65536); /* does not count */
	r.data_len = b.rng();
	return r;
}

void batch(bench &b, int n, uint32_t data_max)
{
	for (int i = 0; i < n; i++) {
		if (b.mode == FCOE && b.rnd(5) == 0)
			b.push(raw_random(b, i), RAW | b.rnd(2) * DONE);
		else
			b.push(rec_random(b, i, data_max), b.rnd(2) * DONE);
	}
	b.fence();
	b.idle();
}
