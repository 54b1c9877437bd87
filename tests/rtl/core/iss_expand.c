// SPDX-License-Identifier: BSD-2-Clause
/* iss_expand.c - compressed instructions of the reference model. */
#include "iss.h"

static uint32_t bit(uint32_t v, int from, int to)
{
	return ((v >> from) & 1) << to;
}

static uint32_t sext(uint32_t v, int bits)
{
	return (uint32_t)((int32_t)(v << (32 - bits)) >> (32 - bits));
}

static uint32_t enc_i(uint32_t op, uint32_t f3, uint32_t rd, uint32_t rs1, uint32_t imm)
{
	return op | rd << 7 | f3 << 12 | rs1 << 15 | imm << 20;
}

static uint32_t enc_r(uint32_t f7, uint32_t f3, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
	return 0x33 | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}

static uint32_t enc_s(uint32_t f3, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
	return 0x23 | (imm & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | (imm >> 5 & 127) << 25;
}

static uint32_t enc_j(uint32_t rd, uint32_t imm)
{
	return 0x6f | rd << 7 | (imm & 0xff000) | bit(imm, 11, 20) | (imm >> 1 & 0x3ff) << 21 |
	       bit(imm, 20, 31);
}

static uint32_t enc_b(uint32_t f3, uint32_t rs1, uint32_t imm)
{
	return 0x63 | bit(imm, 11, 7) | (imm >> 1 & 15) << 8 | f3 << 12 | rs1 << 15 |
	       (imm >> 5 & 63) << 25 | bit(imm, 12, 31);
}

static uint32_t expand0(uint16_t c)
{
	uint32_t r1 = 8 + (c >> 7 & 7), r2 = 8 + (c >> 2 & 7);
	uint32_t word = bit(c, 6, 2) | (c >> 10 & 7) << 3 | bit(c, 5, 6);
	uint32_t nzu = bit(c, 6, 2) | bit(c, 5, 3) | (c >> 11 & 3) << 4 | (c >> 7 & 15) << 6;

	switch (c >> 13) {
	case 0:
		return nzu ? enc_i(0x13, 0, r2, 2, nzu) : 0;
	case 2:
		return enc_i(0x03, 2, r2, r1, word);
	case 6:
		return enc_s(2, r1, r2, word);
	}
	return 0;
}

static uint32_t expand_arith(uint16_t c)
{
	uint32_t r1 = 8 + (c >> 7 & 7), r2 = 8 + (c >> 2 & 7);
	uint32_t imm = (c >> 2 & 31) | bit(c, 12, 5);
	static const uint8_t f7[4] = { 0x20, 0, 0, 0 }, f3[4] = { 0, 4, 6, 7 };
	uint32_t n = c >> 5 & 3;

	switch (c >> 10 & 3) {
	case 0:
		return imm > 31 ? 0 : enc_i(0x13, 5, r1, r1, imm);
	case 1:
		return imm > 31 ? 0 : enc_i(0x13, 5, r1, r1, imm | 0x400);
	case 2:
		return enc_i(0x13, 7, r1, r1, sext(imm, 6));
	}
	return c & 1 << 12 ? 0 : enc_r(f7[n], f3[n], r1, r1, r2);
}

static uint32_t expand1(uint16_t c)
{
	uint32_t rd = c >> 7 & 31, r1 = 8 + (c >> 7 & 7);
	uint32_t imm = sext((c >> 2 & 31) | bit(c, 12, 5), 6);
	uint32_t sp = sext(
		bit(c, 6, 4) | bit(c, 2, 5) | bit(c, 5, 6) | (c >> 3 & 3) << 7 | bit(c, 12, 9), 10);
	uint32_t j = sext((c >> 3 & 7) << 1 | bit(c, 11, 4) | bit(c, 2, 5) | bit(c, 7, 6) |
				  bit(c, 6, 7) | (c >> 9 & 3) << 8 | bit(c, 8, 10) | bit(c, 12, 11),
			  12);
	uint32_t b = sext((c >> 3 & 3) << 1 | (c >> 10 & 3) << 3 | bit(c, 2, 5) |
				  (c >> 5 & 3) << 6 | bit(c, 12, 8),
			  9);

	switch (c >> 13) {
	case 0:
		return enc_i(0x13, 0, rd, rd, imm);
	case 1:
		return enc_j(1, j);
	case 2:
		return enc_i(0x13, 0, rd, 0, imm);
	case 3:
		if (!imm)
			return 0;
		return rd == 2 ? enc_i(0x13, 0, 2, 2, sp) : (0x37 | rd << 7 | imm << 12);
	case 4:
		return expand_arith(c);
	case 5:
		return enc_j(0, j);
	}
	return enc_b(c >> 13 & 1, r1, b);
}

static uint32_t expand2(uint16_t c)
{
	uint32_t rd = c >> 7 & 31, rs2 = c >> 2 & 31;
	uint32_t imm = rs2 | bit(c, 12, 5);
	uint32_t lwsp = (c >> 4 & 7) << 2 | bit(c, 12, 5) | (c >> 2 & 3) << 6;
	uint32_t swsp = (c >> 9 & 15) << 2 | (c >> 7 & 3) << 6;

	switch (c >> 13) {
	case 0:
		return imm > 31 ? 0 : enc_i(0x13, 1, rd, rd, imm);
	case 2:
		return rd ? enc_i(0x03, 2, rd, 2, lwsp) : 0;
	case 4:
		if (rs2)
			return enc_r(0, 0, rd, c & 1 << 12 ? rd : 0, rs2);
		if (rd)
			return enc_i(0x67, 0, c >> 12 & 1, rd, 0);
		return c & 1 << 12 ? 0x00100073 : 0;
	case 6:
		return enc_s(2, 2, rs2, swsp);
	}
	return 0;
}

uint32_t iss_expand(uint16_t c)
{
	switch (c & 3) {
	case 0:
		return expand0(c);
	case 1:
		return expand1(c);
	case 2:
		return expand2(c);
	}
	return 0;
}
