// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "gen.h"
#include "isa.h"

#define HANDLER 0x400u /* offsets in the code memory */
#define BODY 0x600u

/* Registers that hold addresses of data; the program loads them now and then, the rest is random. */
enum { SP = 2, B0 = 8, B1 = 9, T5 = 30, T6 = 31 };

struct gen {
	struct rng *rng;
	uint8_t *code;
	uint32_t base; /* address of code */
	uint32_t at;
	uint32_t end;
};

static void put16(struct gen *g, uint32_t v)
{
	if (g->at + 2 > g->end)
		return;
	g->code[g->at++] = v;
	g->code[g->at++] = v >> 8;
}

static void put32(struct gen *g, uint32_t v)
{
	put16(g, v);
	put16(g, v >> 16);
}

static uint32_t i_type(uint32_t match, uint32_t rd, uint32_t rs1, uint32_t imm)
{
	return match | rd << 7 | rs1 << 15 | imm << 20;
}

static uint32_t j_type(uint32_t rd, uint32_t off)
{
	return 0x6f | rd << 7 | (off >> 20 & 1) << 31 | (off >> 1 & 0x3ff) << 21 |
	       (off >> 11 & 1) << 20 | (off & 0xff000);
}

static uint32_t b_type(uint32_t match, uint32_t off)
{
	return match | (off >> 11 & 1) << 7 | (off >> 1 & 15) << 8 | (off >> 5 & 63) << 25 |
	       (off >> 12 & 1) << 31;
}

static void put_li(struct gen *g, uint32_t rd, uint32_t v)
{
	put32(g, 0x37 | rd << 7 | ((v + 0x800) & 0xfffff000));
	put32(g, i_type(0x13, rd, rd, v & 0xfff));
}

static uint32_t corner(struct gen *g)
{
	static const uint32_t values[] = { 0,      1,      UINT32_MAX, 0x80000000, 0x7fffffff,
					   0xffff, 0x8000, 0x80,       0xff,       0x10000,
					   31,     32,     0xaaaaaaaa, 0x55555555, 0xfffffffe };
	uint32_t n = rng_below(g->rng, 20);

	return n < 15 ? values[n] : rng_next(g->rng) >> rng_below(g->rng, 32);
}

/* Mostly well inside the data, sometimes at one of its ends. */
static void put_base(struct gen *g, uint32_t rd)
{
	uint32_t off = 0x800 + (rng_below(g->rng, WORLD_DATA_SIZE - 0x1000) & ~3u);

	if (rng_percent(g->rng, 10))
		off = rng_percent(g->rng, 50) ? 0 : WORLD_DATA_SIZE - 4;
	put_li(g, rd, WORLD_DATA + off);
}

static uint32_t any_rd(struct gen *g)
{
	uint32_t rd;

	do {
		/* few registers, so that hazards are frequent */
		rd = rng_percent(g->rng, 60) ? 10 + rng_below(g->rng, 6) : rng_below(g->rng, 32);
	} while (rd == SP || rd == B0 || rd == B1);
	return rd;
}

static uint32_t any_rs(struct gen *g)
{
	return rng_percent(g->rng, 70) ? 8 + rng_below(g->rng, 8) : rng_below(g->rng, 32);
}

static uint32_t any_base(struct gen *g)
{
	static const uint32_t bases[] = { SP, B0, B1 };

	return rng_percent(g->rng, 97) ? bases[rng_below(g->rng, 3)] : any_rs(g);
}

static uint32_t any_csr(struct gen *g)
{
	static const uint16_t numbers[] = { 0x300, 0x301, 0x304, 0x310, 0x320, 0x323, 0x326, 0x340,
					    0x341, 0x342, 0x343, 0x344, 0xb00, 0xb02, 0xb03, 0xb06,
					    0xb80, 0xb82, 0xb85, 0xb1f, 0x33f, 0xc00, 0xc02, 0xc82,
					    0xc84, 0xf11, 0xf12, 0xf13, 0xf14, 0xf15, 0xc01, 0x306,
					    0x3a0, 0x7a0, 0xb01, 0x180 };
	uint32_t n = rng_below(g->rng, 40);

	return n < 36 ? numbers[n] : n < 38 ? 0x300 : 0x304;
}

/*
 * A distance from here to somewhere in the body, as far as bits allow. Nearly always a short way on, so
 * that a program gets somewhere; backwards and far now and then, which often ends in an endless loop.
 */
static uint32_t any_distance(struct gen *g, int bits)
{
	uint32_t to = g->at + 2 + rng_below(g->rng, 40), n = rng_below(g->rng, 100);
	int32_t off, half = 1 << (bits - 1);

	if (n < 2)
		to = BODY + rng_below(g->rng, g->end - BODY);
	else if (n < 6)
		to = g->at - rng_below(g->rng, 24);
	off = (int32_t)(to - g->at) & ~1;
	if (off >= half || off < -half)
		off = 8;
	return off;
}

/* csrrw and friends of mtvec are left out: without a handler a program teaches nothing. */
static void put_csr(struct gen *g, uint32_t match)
{
	uint32_t n = any_csr(g), arg = rng_percent(g->rng, 30) ? 0 : any_rs(g);

	if (match & 0x4000 && rng_percent(g->rng, 30)) /* the MIE bit and its like */
		arg = 8;
	put32(g, i_type(match, any_rd(g), arg, n));
}

static void put_mem(struct gen *g, const struct isa_insn *e)
{
	uint32_t size = 1u << (e->match >> 12 & 3), imm = rng_next(g->rng) & 0xfff;

	if (rng_percent(g->rng, 90))
		imm &= -size;
	if (e->kind == ISA_LOAD)
		put32(g, i_type(e->match, any_rd(g), any_base(g), imm));
	else
		put32(g, e->match | (imm & 31) << 7 | any_base(g) << 15 | any_rs(g) << 20 |
				 imm >> 5 << 25);
}

/* Load a register with an address and jump: to somewhere close, or into the other code memory. */
static void put_far_jump(struct gen *g, uint32_t rd)
{
	uint32_t via = 16 + rng_below(g->rng, 8);
	uint32_t off = any_distance(g, 12) | rng_below(g->rng, 2);
	uint32_t to = (g->base ^ WORLD_CODE ^ WORLD_FAR) + g->at + off;
	bool last = rng_percent(g->rng, 3);

	if (last || rng_percent(g->rng, 40)) {
		put_li(g, via, last ? g->base + WORLD_CODE_SIZE - 2 : to);
		put32(g, i_type(0x67, rd, via, 0));
		return;
	}
	put32(g, 0x17 | via << 7);
	put32(g, i_type(0x67, rd, via, off & 0xfff));
}

static void put_c_jump_register(struct gen *g, uint32_t match)
{
	uint32_t via = rng_percent(g->rng, 50) ? 1 : 16 + rng_below(g->rng, 8);

	put32(g, 0x17 | via << 7);
	put32(g, i_type(0x13, via, via, any_distance(g, 12) & 0xfff));
	put16(g, match | via << 7);
}

static void put_c_branch(struct gen *g, uint32_t match, uint32_t off)
{
	put16(g, match | (8 + rng_below(g->rng, 8) - 8) << 7 | (off >> 1 & 3) << 3 |
			 (off >> 3 & 3) << 10 | (off >> 5 & 1) << 2 | (off >> 6 & 3) << 5 |
			 (off >> 8 & 1) << 12);
}

static void put_c_jump(struct gen *g, uint32_t match, uint32_t off)
{
	put16(g, match | (off >> 1 & 7) << 3 | (off >> 4 & 1) << 11 | (off >> 5 & 1) << 2 |
			 (off >> 6 & 1) << 7 | (off >> 7 & 1) << 6 | (off >> 8 & 3) << 9 |
			 (off >> 10 & 1) << 8 | (off >> 11 & 1) << 12);
}

static void put_compressed(struct gen *g, const struct isa_insn *e)
{
	uint32_t bits = (rng_next(g->rng) & ~e->mask) | (e->match & 0xffff);

	bits &= 0xffff;
	switch (e->kind) {
	case ISA_C_PLAIN:
		if (!(e->mask & 0xf80)) /* rd is free */
			bits = (bits & ~0xf80u) | any_rd(g) << 7;
		break;
	case ISA_C_PLAIN3:
		bits = (bits & ~0x380u) | (2 + rng_below(g->rng, 6)) << 7;
		break;
	case ISA_C_ADDI4SPN:
		bits = (bits & ~0x1cu) | (2 + rng_below(g->rng, 6)) << 2;
		break;
	case ISA_C_MEM:
		bits = (bits & ~0x39cu) | rng_below(g->rng, 2) << 7 |
		       (2 + rng_below(g->rng, 6)) << 2;
		break;
	case ISA_C_SPMEM:
		if (!(e->match & 0x8000))
			bits = (bits & ~0xf80u) | any_rd(g) << 7;
		break;
	case ISA_C_BRANCH:
		put_c_branch(g, e->match & 0xffff, any_distance(g, 9));
		return;
	case ISA_C_JUMP:
		put_c_jump(g, e->match & 0xffff, any_distance(g, 12));
		return;
	case ISA_C_JR:
		put_c_jump_register(g, e->match & 0xffff);
		return;
	default:
		break;
	}
	put16(g, bits);
}

static void put_plain(struct gen *g, const struct isa_insn *e)
{
	uint32_t bits = (rng_next(g->rng) & ~e->mask) | e->match;
	uint32_t fields = any_rd(g) << 7;

	if (e->mask & 0x7000) { /* not lui and auipc: rs1 and perhaps rs2 are registers */
		fields |= any_rs(g) << 15;
		bits &= ~0x000f8000u;
	}
	bits = (bits & ~0xf80u) | fields;
	if ((e->match & 0x7f) == 0x33 && !(e->mask & 0x01f00000))
		bits = (bits & ~0x01f00000u) | any_rs(g) << 20;
	put32(g, bits);
}

static void put_entry(struct gen *g, const struct isa_insn *e)
{
	switch (e->kind) {
	case ISA_PLAIN:
		put_plain(g, e);
		break;
	case ISA_LOAD:
	case ISA_STORE:
		put_mem(g, e);
		break;
	case ISA_BRANCH:
		put32(g, b_type(e->match | any_rs(g) << 15 | any_rs(g) << 20, any_distance(g, 13)));
		break;
	case ISA_JAL:
		put32(g, j_type(rng_percent(g->rng, 40) ? 1 : any_rd(g), any_distance(g, 21)));
		break;
	case ISA_JALR:
		put_far_jump(g, rng_percent(g->rng, 40) ? 1 : any_rd(g));
		break;
	case ISA_CSR:
		put_csr(g, e->match);
		break;
	case ISA_SYSTEM:
		put32(g, e->match);
		break;
	default:
		put_compressed(g, e);
	}
}

/* What the handler clobbers, t5 and t6, holds random values like all the rest. */
static void put_handler(struct gen *g)
{
	uint32_t i;

	g->at = HANDLER;
	for (i = 0; i < 16; i++) /* vector table: all to the common part behind it */
		put32(g, j_type(0, 64 - 4 * i));
	put32(g, i_type(0x2073, T6, 0, 0x342));  /* csrr t6, mcause */
	put32(g, b_type(0x4063 | T6 << 15, 44)); /* bltz t6, leave */
	put32(g, i_type(0x13, T6, T6, 0xfff));   /* addi t6, t6, -1 */
	put32(g, b_type(0x63 | T6 << 15, 40));   /* beqz t6, recover */
	put32(g, i_type(0x2073, T6, 0, 0x341));  /* csrr t6, mepc */
	put32(g, i_type(0x5003, T5, T6, 0));     /* lhu t5, 0(t6) */
	put32(g, i_type(0x7013, T5, T5, 3));     /* andi t5, t5, 3 */
	put32(g, i_type(0x13, T5, T5, 0xffd));   /* addi t5, t5, -3 */
	put32(g, i_type(0x13, T6, T6, 2));       /* addi t6, t6, 2 */
	put32(g, b_type(0x1063 | T5 << 15, 8));  /* bnez t5, +8 */
	put32(g, i_type(0x13, T6, T6, 2));       /* addi t6, t6, 2 */
	put32(g, i_type(0x1073, 0, T6, 0x341));  /* csrw mepc, t6 */
	put32(g, 0x30200073);                    /* leave: mret */
	put32(g, i_type(0x2073, T5, 0, 0xb00));  /* recover: csrr t5, mcycle */
	put32(g, i_type(0x7013, T5, T5, 0x7fe)); /* andi t5, t5, 0x7fe */
	put_li(g, T6, WORLD_CODE + BODY);
	put32(g, 0x33 | T6 << 7 | T6 << 15 | T5 << 20); /* add t6, t6, t5 */
	put32(g, i_type(0x1073, 0, T6, 0x341));         /* csrw mepc, t6 */
	put32(g, i_type(0x2073, T6, 0, 0x343));         /* csrr t6, mtval */
	put32(g, 0x30200073);                           /* mret */
}

static void put_start(struct gen *g)
{
	uint32_t r;

	g->at = 0;
	put_li(g, T6, WORLD_CODE + HANDLER + rng_below(g->rng, 2));
	put32(g, i_type(0x1073, 0, T6, 0x305)); /* csrw mtvec, t6 */
	put_li(g, T6, rng_percent(g->rng, 80) ? 0x888 : rng_next(g->rng) & 0xfff);
	put32(g, i_type(0x1073, 0, T6, 0x304)); /* csrw mie, t6 */
	for (r = 1; r < 32; r++)
		put_li(g, r, corner(g));
	put_base(g, SP);
	put_base(g, B0);
	put_base(g, B1);
	if (rng_percent(g->rng, 90))
		put32(g, i_type(0x6073, 0, 8, 0x300)); /* csrsi mstatus, MIE */
	put32(g, j_type(0, BODY - g->at));
}

static const struct isa_insn *named(const char *name)
{
	uint32_t i;

	for (i = 0; strcmp(isa_table[i].name, name); i++)
		;
	return &isa_table[i];
}

/* A bus error, and behind it something that must not happen: a division, a store, anything. */
static void put_bus_error(struct gen *g)
{
	static const char *const behind[] = { "div", "remu", "sw", "csrrw", "mul", "lw" };
	uint32_t n = rng_below(g->rng, 8);

	put_li(g, T5, rng_percent(g->rng, 50) ? 0x40000000 : WORLD_CODE - 4);
	if (rng_percent(g->rng, 50))
		put32(g, i_type(0x2003, any_rd(g), T5, 0));
	else
		put32(g, 0x2023 | T5 << 15 | any_rs(g) << 20);
	put_entry(g, n < 6 ? named(behind[n]) : &isa_table[rng_below(g->rng, isa_count)]);
}

/* A loop that ends, full of jumps: the predictor learns it and runs ahead while loads hold the rest. */
static void put_loop(struct gen *g)
{
	uint32_t n = 2 + rng_below(g->rng, 10), start;
	uint32_t loads = rng_percent(g->rng, 50) ? 30 : 6; /* else nearly only short jumps */

	put32(g, i_type(0x13, 29, 0, 2 + rng_below(g->rng, 5))); /* li x29, count */
	start = g->at;
	while (n--) {
		if (rng_percent(g->rng, loads))
			put32(g, i_type(0x2003, 10 + rng_below(g->rng, 6), any_base(g), 0));
		else if (rng_percent(g->rng, loads))
			put32(g, j_type(0, 4)); /* to the next */
		else if (rng_percent(g->rng, loads))
			put_c_jump(g, 0xa001, 2);
		else
			put32(g, 0x0001a011); /* c.j over a c.nop */
	}
	put32(g, i_type(0x13, 29, 29, 0xfff));              /* addi x29, x29, -1 */
	put32(g, b_type(0x1063 | 29 << 15, start - g->at)); /* bnez x29, start */
}

static void put_body(struct gen *g)
{
	uint32_t n;

	/* the first half of an instruction whose other half is beyond the memory */
	g->code[WORLD_CODE_SIZE - 2] = 0x13;
	g->at = BODY;
	g->end = BODY + 0x900 + rng_below(g->rng, WORLD_CODE_SIZE - BODY - 0x900);
	while (g->at + 2 <= g->end) {
		n = rng_below(g->rng, 100);
		if (n < 3)
			put_base(g, n == 0 ? SP : n == 1 ? B0 : B1);
		else if (n < 6)
			put_li(g, any_rd(g), corner(g));
		else if (n < 7)
			put16(g, rng_next(g->rng));
		else if (n < 8)
			put_bus_error(g);
		else if (n < 9)
			put_loop(g);
		else
			put_entry(g, &isa_table[rng_below(g->rng, isa_count)]);
	}
}

void gen_program(struct world *w, struct rng *rng)
{
	struct gen g = { .rng = rng, .code = w->code, .base = WORLD_CODE, .end = BODY };
	uint32_t n;

	memset(w, 0, sizeof(*w));
	for (n = 0; n < WORLD_DATA_SIZE; n++)
		w->data[n] = rng_next(rng);
	put_start(&g);
	put_handler(&g);
	put_body(&g);
	g.code = w->far;
	g.base = WORLD_FAR;
	put_body(&g);
}
