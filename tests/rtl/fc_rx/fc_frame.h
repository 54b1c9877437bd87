/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fibre Channel frames as the benches build them: the header's fields, the data field, and what is
 * wrong on purpose. A frame is made into the bytes of either wire.
 */
#ifndef FC_FRAME_H
#define FC_FRAME_H

#include <cstddef>
#include <cstdint>
#include <vector>

typedef std::vector<uint8_t> Bytes;

enum { SOF_I3 = 0x2e, SOF_N3 = 0x36, EOF_N = 0x41, EOF_T = 0x42 };
enum { F_EX_CTX = 0x800000, F_END_SEQ = 0x080000, F_SEQ_INIT = 0x010000, F_REL_OFF = 0x08 };

struct Rng {
	uint64_t s;
	explicit Rng(uint64_t seed) : s(seed * 0x9e3779b97f4a7c15ull + 88172645463325252ull)
	{
	}
	uint32_t next();
	uint32_t below(uint32_t n)
	{
		return n ? next() % n : 0;
	}
	uint32_t range(uint32_t lo, uint32_t hi)
	{
		return lo + below(hi - lo + 1);
	}
	bool pct(unsigned p)
	{
		return below(100) < p;
	}
};

struct Frame {
	uint8_t r_ctl = 1, cs_ctl = 0, type = 8, seq_id = 0, df_ctl = 0;
	uint32_t d_id = 0x010203, s_id = 0x0a0b0c, f_ctl = F_EX_CTX | F_REL_OFF;
	uint16_t seq_cnt = 0, ox_id = 0, rx_id = 0xffff;
	uint32_t param = 0;
	Bytes payload; /* without fill, which is added */
	uint8_t sof = SOF_I3, eof = EOF_N;
	bool bad_crc = false; /* break */
	int fill_add = 0;     /* break: the count in F_CTL */
	uint8_t version = 0;  /* break: FCoE */
	uint64_t dmac = 0;    /* FCoE, 0: FC-MAP and D_ID */
	unsigned pad = 0;     /* FCoE: zero bytes after the EOF word */
	uint16_t ethertype = 0x8906;

	Bytes header() const;
	Bytes data() const; /* payload and fill */
	Bytes native() const;
	Bytes fcoe() const;
};

uint32_t crc32(const uint8_t *p, size_t n);
Bytes fip_frame(uint64_t dmac, size_t len, Rng &rng);

#endif
