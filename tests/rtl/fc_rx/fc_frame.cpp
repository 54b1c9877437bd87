/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames, see fc_frame.h. */
#include "fc_frame.h"

uint32_t Rng::next()
{
	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return (uint32_t)(s >> 16);
}

uint32_t crc32(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;
	while (n--) {
		crc ^= *p++;
		for (int b = 0; b < 8; b++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void be(Bytes &out, uint64_t v, unsigned bytes)
{
	while (bytes--)
		out.push_back((uint8_t)(v >> (8 * bytes)));
}

static void append(Bytes &out, const Bytes &more)
{
	out.insert(out.end(), more.begin(), more.end());
}

Bytes Frame::header() const
{
	Bytes h;
	unsigned fill = (unsigned)(-(int)payload.size() & 3) + (unsigned)fill_add;
	be(h, r_ctl, 1);
	be(h, d_id, 3);
	be(h, cs_ctl, 1);
	be(h, s_id, 3);
	be(h, type, 1);
	be(h, f_ctl | (fill & 3), 3);
	be(h, seq_id, 1);
	be(h, df_ctl, 1);
	be(h, seq_cnt, 2);
	be(h, ox_id, 2);
	be(h, rx_id, 2);
	be(h, param, 4);
	return h;
}

Bytes Frame::data() const
{
	Bytes d = payload;
	while (d.size() & 3)
		d.push_back(0);
	return d;
}

/* Header, data field, CRC, EOF word. */
static Bytes body(const Frame &f)
{
	Bytes b = f.header();
	append(b, f.data());
	uint32_t crc = crc32(b.data(), b.size()) ^ (f.bad_crc ? 0x00100000 : 0);
	for (int i = 0; i < 4; i++)
		b.push_back((uint8_t)(crc >> (8 * i)));
	append(b, { f.eof, 0, 0, 0 });
	return b;
}

Bytes Frame::native() const
{
	Bytes w = { sof, 0, 0, 0 };
	append(w, body(*this));
	return w;
}

Bytes Frame::fcoe() const
{
	Bytes w;
	be(w, dmac ? dmac : 0x0efd00000000ull | d_id, 6);
	be(w, 0x0efd00000000ull | s_id, 6);
	be(w, ethertype, 2);
	be(w, (uint64_t)version << 4, 1);
	be(w, 0, 12);
	be(w, sof, 1);
	append(w, body(*this));
	w.resize(w.size() + pad);
	return w;
}

Bytes fip_frame(uint64_t dmac, size_t len, Rng &rng)
{
	Bytes w;
	be(w, dmac, 6);
	be(w, 0x020000000099ull, 6);
	be(w, 0x8914, 2);
	while (w.size() < len)
		w.push_back((uint8_t)rng.next());
	w.resize(len);
	return w;
}
