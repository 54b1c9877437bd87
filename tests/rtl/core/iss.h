/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iss.h - a reference model of the core's instruction set, written from the RISC-V specifications and
 * sharing nothing with the RTL. It executes one instruction per call, in order, without timing.
 *
 * The world of the tests, for the model and the core alike:
 *   0x00001000  two words that jump to WORLD_CODE (fetch only)
 *   WORLD_CODE  code: fetched and read; a store there is a bus error
 *   WORLD_FAR   more code, so far away that the branch predictor confuses the two
 *   WORLD_DATA  data: all accesses
 * Anything else is a bus error.
 */
#ifndef WEFT_TEST_ISS_H
#define WEFT_TEST_ISS_H

#include <stdbool.h>
#include <stdint.h>

#define WORLD_CODE 0x80000000u
#define WORLD_CODE_SIZE 0x4000u
#define WORLD_FAR (WORLD_CODE + 0x200000u)
#define WORLD_DATA 0x80010000u
#define WORLD_DATA_SIZE 0x4000u

struct world {
	uint8_t code[WORLD_CODE_SIZE];
	uint8_t far[WORLD_CODE_SIZE];
	uint8_t data[WORLD_DATA_SIZE];
};

/* Word at a word address, or false: bus error. */
bool world_fetch(const struct world *w, uint32_t addr, uint32_t *word);
bool world_load(const struct world *w, uint32_t addr, uint32_t *word);
bool world_store(struct world *w, uint32_t addr, uint8_t lanes, uint32_t word);

struct iss {
	struct world *world;
	uint32_t x[32];
	uint32_t pc;
	bool mie, mpie;
	uint32_t csr_mie, mtvec, mscratch, mepc, mcause, mtval;
	uint32_t inhibit, event[4];
	uint64_t minstret;
	uint32_t hint; /* value to take for a CSR that depends on time */
};

/* What one instruction did. */
struct iss_effect {
	uint32_t pc, next, insn;
	bool fetch_failed;
	bool trap;
	bool csr_from_hint;
	uint8_t rd; /* 0: nothing written */
	uint32_t value;
	uint32_t mem_addr; /* word address */
	uint8_t rmask, wmask;
	uint32_t wdata; /* lanes outside wmask are zero */
};

void iss_reset(struct iss *s, struct world *w);
void iss_step(struct iss *s, struct iss_effect *e);

/* Take interrupt number n; false if it is not enabled. */
bool iss_interrupt(struct iss *s, uint32_t n);

/* 32-bit equivalent of a compressed instruction, 0 if there is none. (iss_expand.c) */
uint32_t iss_expand(uint16_t c);

/* Result of an OP or OP-IMM instruction; false if it is illegal. (iss_alu.c) */
bool iss_alu(uint32_t insn, uint32_t a, uint32_t b, uint32_t *result);

#endif
