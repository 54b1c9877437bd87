// SPDX-License-Identifier: BSD-2-Clause
#include <stddef.h>
#include <string.h>

#include "iss.h"

enum {
	FETCH_FAULT = 1,
	ILLEGAL = 2,
	BREAKPOINT = 3,
	LOAD_MISALIGNED = 4,
	LOAD_FAULT = 5,
	STORE_MISALIGNED = 6,
	STORE_FAULT = 7,
	ECALL = 11
};

static uint8_t *find(const struct world *w, uint32_t addr)
{
	if (addr - WORLD_CODE < WORLD_CODE_SIZE)
		return (uint8_t *)w->code + (addr - WORLD_CODE);
	if (addr - WORLD_FAR < WORLD_CODE_SIZE)
		return (uint8_t *)w->far + (addr - WORLD_FAR);
	if (addr - WORLD_DATA < WORLD_DATA_SIZE)
		return (uint8_t *)w->data + (addr - WORLD_DATA);
	return NULL;
}

bool world_load(const struct world *w, uint32_t addr, uint32_t *word)
{
	const uint8_t *p = find(w, addr);

	if (p)
		memcpy(word, p, 4);
	return p;
}

bool world_fetch(const struct world *w, uint32_t addr, uint32_t *word)
{
	if (addr == 0x1000)
		*word = WORLD_CODE | 0x2b7; /* lui t0 */
	else if (addr == 0x1004)
		*word = 0x28067; /* jr t0 */
	else
		return addr - WORLD_DATA >= WORLD_DATA_SIZE && world_load(w, addr, word);
	return true;
}

bool world_store(struct world *w, uint32_t addr, uint8_t lanes, uint32_t word)
{
	uint8_t *p = find(w, addr);
	int i;

	if (!p || addr - WORLD_DATA >= WORLD_DATA_SIZE)
		return false;
	for (i = 0; i < 4; i++)
		if (lanes & 1 << i)
			p[i] = word >> (8 * i);
	return true;
}

void iss_reset(struct iss *s, struct world *w)
{
	memset(s, 0, sizeof(*s));
	s->world = w;
	s->pc = 0x1000;
	s->event[0] = 1;
	s->event[1] = 2;
	s->event[2] = 3;
	s->event[3] = 4;
}

static void enter_trap(struct iss *s, uint32_t cause, uint32_t tval)
{
	s->mepc = s->pc;
	s->mcause = cause;
	s->mtval = tval;
	s->mpie = s->mie;
	s->mie = false;
	s->pc = s->mtvec & ~3u;
	if ((cause >> 31) && (s->mtvec & 1))
		s->pc += 4 * (cause & 31);
}

bool iss_interrupt(struct iss *s, uint32_t n)
{
	if (!s->mie || !(s->csr_mie & 1u << n))
		return false;
	enter_trap(s, 1u << 31 | n, 0);
	return true;
}

static void trap(struct iss *s, struct iss_effect *e, uint32_t cause, uint32_t tval)
{
	e->trap = true;
	e->rd = 0;
	e->csr_from_hint = false;
	enter_trap(s, cause, tval);
}

static void write_rd(struct iss_effect *e, uint32_t rd, uint32_t value)
{
	e->rd = rd;
	e->value = rd ? value : 0;
}

/* CSRs that hold what was written to them, as far as their bits exist. */
static const struct {
	uint16_t number;
	uint16_t cell; /* in struct iss */
	uint32_t bits;
} cells[] = {
	{ 0x304, offsetof(struct iss, csr_mie), 0x888 },
	{ 0x305, offsetof(struct iss, mtvec), 0xfffffffd },
	{ 0x320, offsetof(struct iss, inhibit), 0x7d },
	{ 0x323, offsetof(struct iss, event[0]), 7 },
	{ 0x324, offsetof(struct iss, event[1]), 7 },
	{ 0x325, offsetof(struct iss, event[2]), 7 },
	{ 0x326, offsetof(struct iss, event[3]), 7 },
	{ 0x340, offsetof(struct iss, mscratch), 0xffffffff },
	{ 0x341, offsetof(struct iss, mepc), 0xfffffffe },
	{ 0x342, offsetof(struct iss, mcause), 0x8000001f },
	{ 0x343, offsetof(struct iss, mtval), 0xffffffff },
};

/* CSRs that never change: misa, mstatush, identity. */
static const struct {
	uint16_t number;
	uint32_t value;
} constants[] = {
	{ 0x301, 0x40001104 }, { 0x310, 0 }, { 0xf11, 0 }, { 0xf12, 0 },
	{ 0xf13, 1 },          { 0xf14, 0 }, { 0xf15, 0 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t *csr_cell(struct iss *s, uint32_t n, uint32_t *bits)
{
	size_t i;

	for (i = 0; i < COUNT(cells); i++) {
		if (cells[i].number == n) {
			*bits = cells[i].bits;
			return (uint32_t *)((char *)s + cells[i].cell);
		}
	}
	return NULL;
}

static bool csr_constant(uint32_t n, uint32_t *v)
{
	size_t i;

	for (i = 0; i < COUNT(constants); i++) {
		if (constants[i].number == n) {
			*v = constants[i].value;
			return true;
		}
	}
	return false;
}

/* Counters 0, 2 and 3..31 in two halves, and their unprivileged shadows. */
static bool counter_read(struct iss *s, uint32_t n, uint32_t *v, bool *timed)
{
	uint32_t low = n & 31, group = n & ~31u;

	*v = 0;
	if (group == 0x320) /* events of the counters that are hardwired to zero */
		return low > 6;
	if ((group != 0xb00 && group != 0xb80 && group != 0xc00 && group != 0xc80) || low == 1)
		return false;
	if (low == 2) {
		*v = n & 0x80 ? s->minstret >> 32 : s->minstret;
	} else if (low <= 6) {
		*timed = true;
		*v = s->hint;
	}
	return true;
}

/* Read a CSR; false if it does not exist. Those that depend on time take the hint. */
static bool csr_read(struct iss *s, uint32_t n, uint32_t *v, bool *timed)
{
	uint32_t bits, *cell = csr_cell(s, n, &bits);

	*timed = n == 0x344;
	if (cell)
		*v = *cell;
	else if (n == 0x300)
		*v = 0x1800 | s->mpie << 7 | s->mie << 3;
	else if (n == 0x344)
		*v = s->hint;
	else
		return csr_constant(n, v) || counter_read(s, n, v, timed);
	return true;
}

static void csr_write(struct iss *s, uint32_t n, uint32_t v)
{
	uint32_t bits, *cell = csr_cell(s, n, &bits);

	if (cell)
		*cell = v & bits;
	if (n == 0x305 && (v & 3) == 3) /* reserved mode: direct */
		*cell = v & ~3u;
	if (n == 0x300) {
		s->mie = v >> 3 & 1;
		s->mpie = v >> 7 & 1;
	}
	if (n == 0xb02)
		s->minstret = (s->minstret >> 32 << 32) | v;
	if (n == 0xb82)
		s->minstret = (uint64_t)v << 32 | (uint32_t)s->minstret;
}

static bool exec_csr(struct iss *s, struct iss_effect *e, uint32_t insn, bool *count)
{
	uint32_t f3 = insn >> 12 & 7, rs1 = insn >> 15 & 31, n = insn >> 20, old;
	uint32_t arg = f3 & 4 ? rs1 : s->x[rs1];
	bool writes = (f3 & 3) == 1 || rs1, timed;

	if ((f3 & 3) == 0 || !csr_read(s, n, &old, &timed) || (writes && n >> 10 == 3))
		return false;
	if (writes)
		csr_write(s, n, (f3 & 3) == 1 ? arg : (f3 & 3) == 2 ? old | arg : old & ~arg);
	if (writes && (n == 0xb02 || n == 0xb82))
		*count = false; /* a written count is what the next instruction sees */
	write_rd(e, insn >> 7 & 31, old);
	e->csr_from_hint = timed;
	return true;
}

static bool exec_system(struct iss *s, struct iss_effect *e, uint32_t insn, bool *count)
{
	switch (insn) {
	case 0x00000073:
		trap(s, e, ECALL, 0);
		return true;
	case 0x00100073:
		trap(s, e, BREAKPOINT, s->pc);
		return true;
	case 0x30200073:
		s->mie = s->mpie;
		s->mpie = true;
		e->next = s->mepc;
		return true;
	case 0x10500073:
		return true;
	}
	return exec_csr(s, e, insn, count);
}

static bool exec_load(struct iss *s, struct iss_effect *e, uint32_t insn)
{
	uint32_t f3 = insn >> 12 & 7, size = 1u << (f3 & 3), word;
	uint32_t addr = s->x[insn >> 15 & 31] + (uint32_t)((int32_t)insn >> 20);

	if (f3 == 3 || f3 > 5)
		return false;
	if (addr & (size - 1)) {
		trap(s, e, LOAD_MISALIGNED, addr);
		return true;
	}
	e->mem_addr = addr & ~3u;
	e->rmask = ((1u << size) - 1) << (addr & 3);
	if (!world_load(s->world, e->mem_addr, &word)) {
		trap(s, e, LOAD_FAULT, addr);
		return true;
	}
	word >>= 8 * (addr & 3);
	if (size == 1)
		word = f3 & 4 ? (uint8_t)word : (uint32_t)(int8_t)word;
	else if (size == 2)
		word = f3 & 4 ? (uint16_t)word : (uint32_t)(int16_t)word;
	write_rd(e, insn >> 7 & 31, word);
	return true;
}

static bool exec_store(struct iss *s, struct iss_effect *e, uint32_t insn)
{
	uint32_t f3 = insn >> 12 & 7, size = 1u << (f3 & 3);
	uint32_t imm = (uint32_t)((int32_t)insn >> 25 << 5) | (insn >> 7 & 31);
	uint32_t addr = s->x[insn >> 15 & 31] + imm, data = s->x[insn >> 20 & 31];

	if (f3 > 2)
		return false;
	if (addr & (size - 1)) {
		trap(s, e, STORE_MISALIGNED, addr);
		return true;
	}
	e->mem_addr = addr & ~3u;
	e->wmask = ((1u << size) - 1) << (addr & 3);
	e->wdata = (size == 4 ? data : data & ((1u << 8 * size) - 1)) << (8 * (addr & 3));
	if (!world_store(s->world, e->mem_addr, e->wmask, e->wdata))
		trap(s, e, STORE_FAULT, addr);
	return true;
}

static bool exec_branch(struct iss *s, struct iss_effect *e, uint32_t insn)
{
	uint32_t a = s->x[insn >> 15 & 31], b = s->x[insn >> 20 & 31], f3 = insn >> 12 & 7;
	uint32_t imm = (insn >> 31 ? 0xfffff000 : 0) | (insn << 4 & 0x800) | (insn >> 20 & 0x7e0) |
		       (insn >> 7 & 0x1e);
	bool taken = f3 < 2 ? a == b : f3 < 6 ? (int32_t)a < (int32_t)b : a < b;

	if (f3 == 2 || f3 == 3)
		return false;
	if (taken != (f3 & 1))
		e->next = s->pc + imm;
	return true;
}

static bool exec_jump(struct iss *s, struct iss_effect *e, uint32_t insn)
{
	uint32_t link = e->next;
	uint32_t imm = (insn >> 31 ? 0xfff00000 : 0) | (insn & 0xff000) | (insn >> 9 & 0x800) |
		       (insn >> 20 & 0x7fe);

	if (insn & 8)
		e->next = s->pc + imm;
	else if (insn >> 12 & 7)
		return false;
	else
		e->next = (s->x[insn >> 15 & 31] + (uint32_t)((int32_t)insn >> 20)) & ~1u;
	write_rd(e, insn >> 7 & 31, link);
	return true;
}

static bool exec_alu(struct iss *s, struct iss_effect *e, uint32_t insn)
{
	uint32_t b = insn & 0x20 ? s->x[insn >> 20 & 31] : (uint32_t)((int32_t)insn >> 20);
	uint32_t r;

	if (!iss_alu(insn, s->x[insn >> 15 & 31], b, &r))
		return false;
	write_rd(e, insn >> 7 & 31, r);
	return true;
}

/* Carry out a 32-bit instruction; false if it is illegal. */
static bool execute(struct iss *s, struct iss_effect *e, uint32_t insn, bool *count)
{
	switch (insn & 0x7f) {
	case 0x03:
		return exec_load(s, e, insn);
	case 0x0f:
		return (insn >> 12 & 7) < 2;
	case 0x13:
	case 0x33:
		return exec_alu(s, e, insn);
	case 0x17:
		write_rd(e, insn >> 7 & 31, s->pc + (insn & 0xfffff000));
		return true;
	case 0x23:
		return exec_store(s, e, insn);
	case 0x37:
		write_rd(e, insn >> 7 & 31, insn & 0xfffff000);
		return true;
	case 0x63:
		return exec_branch(s, e, insn);
	case 0x67:
	case 0x6f:
		return exec_jump(s, e, insn);
	case 0x73:
		return exec_system(s, e, insn, count);
	}
	return false;
}

/* The 16 bits at an even address. */
static bool fetch_half(const struct world *w, uint32_t addr, uint32_t *half)
{
	uint32_t word;

	if (!world_fetch(w, addr & ~3u, &word))
		return false;
	*half = addr & 2 ? word >> 16 : word & 0xffff;
	return true;
}

static bool fetch(struct iss *s, struct iss_effect *e)
{
	uint32_t low, high = 0, at = s->pc;

	if (fetch_half(s->world, at, &low)) {
		e->insn = low;
		if ((low & 3) != 3)
			return true;
		at += 2;
		if (fetch_half(s->world, at, &high)) {
			e->insn |= high << 16;
			return true;
		}
	}
	e->fetch_failed = true;
	trap(s, e, FETCH_FAULT, at);
	return false;
}

void iss_step(struct iss *s, struct iss_effect *e)
{
	bool count = !(s->inhibit & 4), legal;
	uint32_t insn;

	memset(e, 0, sizeof(*e));
	e->pc = s->pc;
	if (fetch(s, e)) {
		insn = (e->insn & 3) == 3 ? e->insn : iss_expand(e->insn);
		e->next = s->pc + ((e->insn & 3) == 3 ? 4 : 2);
		legal = insn && execute(s, e, insn, &count);
		if (!legal)
			trap(s, e, ILLEGAL, e->insn);
	}
	if (e->trap) {
		e->next = s->pc;
		return;
	}
	if (e->rd)
		s->x[e->rd] = e->csr_from_hint ? s->hint : e->value;
	s->minstret += count;
	s->pc = e->next;
}
