// SPDX-License-Identifier: BSD-2-Clause
/* iss_alu.c - arithmetic of the reference model: RV32I, M, Zba, Zbb. */
#include "iss.h"

static uint32_t divide(uint32_t f3, uint32_t a, uint32_t b)
{
	bool overflow = a == 0x80000000u && b == 0xffffffffu;

	switch (f3) {
	case 4:
		return !b ? UINT32_MAX : overflow ? a : (uint32_t)((int32_t)a / (int32_t)b);
	case 5:
		return !b ? UINT32_MAX : a / b;
	case 6:
		return !b ? a : overflow ? 0 : (uint32_t)((int32_t)a % (int32_t)b);
	}
	return !b ? a : a % b;
}

static uint32_t muldiv(uint32_t f3, uint32_t a, uint32_t b)
{
	int64_t sa = (int32_t)a, sb = (int32_t)b;

	switch (f3) {
	case 0:
		return a * b;
	case 1:
		return (uint64_t)(sa * sb) >> 32;
	case 2:
		return (uint64_t)(sa * (int64_t)b) >> 32;
	case 3:
		return ((uint64_t)a * b) >> 32;
	}
	return divide(f3, a, b);
}

static bool base(uint32_t f3, uint32_t a, uint32_t b, uint32_t *r)
{
	switch (f3) {
	case 0:
		*r = a + b;
		break;
	case 1:
		*r = a << (b & 31);
		break;
	case 2:
		*r = (int32_t)a < (int32_t)b;
		break;
	case 3:
		*r = a < b;
		break;
	case 4:
		*r = a ^ b;
		break;
	case 5:
		*r = a >> (b & 31);
		break;
	case 6:
		*r = a | b;
		break;
	default:
		*r = a & b;
	}
	return true;
}

static uint32_t rotate_right(uint32_t a, uint32_t n)
{
	n &= 31;
	return n ? a >> n | a << (32 - n) : a;
}

/* funct7 0x20: the second meanings of the base operations, and the inverted logic of Zbb. */
static bool alternate(uint32_t f3, uint32_t a, uint32_t b, uint32_t *r)
{
	switch (f3) {
	case 0:
		*r = a - b;
		return true;
	case 4:
		*r = ~(a ^ b);
		return true;
	case 5:
		*r = (uint32_t)((int32_t)a >> (b & 31));
		return true;
	case 6:
		*r = a | ~b;
		return true;
	case 7:
		*r = a & ~b;
		return true;
	}
	return false;
}

static bool minmax(uint32_t f3, uint32_t a, uint32_t b, uint32_t *r)
{
	bool less = f3 & 1 ? a < b : (int32_t)a < (int32_t)b;

	if (f3 < 4)
		return false;
	*r = (f3 & 2) ? (less ? b : a) : (less ? a : b);
	return true;
}

static bool op_register(uint32_t insn, uint32_t a, uint32_t b, uint32_t *r)
{
	uint32_t f3 = insn >> 12 & 7, f7 = insn >> 25;

	switch (f7) {
	case 0x00:
		return base(f3, a, b, r);
	case 0x01:
		*r = muldiv(f3, a, b);
		return true;
	case 0x04:
		*r = a & 0xffff;
		return f3 == 4 && (insn >> 20 & 31) == 0;
	case 0x05:
		return minmax(f3, a, b, r);
	case 0x10:
		*r = (a << (f3 / 2)) + b;
		return f3 == 2 || f3 == 4 || f3 == 6;
	case 0x20:
		return alternate(f3, a, b, r);
	case 0x30:
		*r = f3 == 1 ? rotate_right(a, -b) : rotate_right(a, b);
		return f3 == 1 || f3 == 5;
	}
	return false;
}

static bool unary(uint32_t n, uint32_t a, uint32_t *r)
{
	switch (n) {
	case 0:
		*r = a ? __builtin_clz(a) : 32;
		return true;
	case 1:
		*r = a ? __builtin_ctz(a) : 32;
		return true;
	case 2:
		*r = __builtin_popcount(a);
		return true;
	case 4:
		*r = (uint32_t)(int8_t)a;
		return true;
	case 5:
		*r = (uint32_t)(int16_t)a;
		return true;
	}
	return false;
}

static uint32_t orc_b(uint32_t a)
{
	uint32_t r = 0;
	int i;

	for (i = 0; i < 32; i += 8)
		if (a & 0xffu << i)
			r |= 0xffu << i;
	return r;
}

static bool op_immediate(uint32_t insn, uint32_t a, uint32_t b, uint32_t *r)
{
	uint32_t f3 = insn >> 12 & 7, f7 = insn >> 25;

	if (f3 != 1 && f3 != 5)
		return base(f3, a, b, r);
	if (f7 == 0)
		return base(f3, a, b, r);
	if (f3 == 1)
		return f7 == 0x30 && unary(b & 31, a, r);
	if (f7 == 0x20)
		return alternate(5, a, b, r);
	*r = rotate_right(a, b);
	if (f7 == 0x30)
		return true;
	*r = insn >> 20 == 0x287 ? orc_b(a) : __builtin_bswap32(a);
	return insn >> 20 == 0x287 || insn >> 20 == 0x698;
}

bool iss_alu(uint32_t insn, uint32_t a, uint32_t b, uint32_t *result)
{
	return insn & 0x20 ? op_register(insn, a, b, result) : op_immediate(insn, a, b, result);
}
