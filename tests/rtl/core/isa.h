/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isa.h - every instruction the core has, as mask and match, with what a generator must know of it.
 */
#ifndef WEFT_TEST_ISA_H
#define WEFT_TEST_ISA_H

#include <stdint.h>

enum isa_kind {
	ISA_PLAIN, /* any registers and immediates are harmless */
	ISA_LOAD,
	ISA_STORE,
	ISA_BRANCH,
	ISA_JAL,
	ISA_JALR,
	ISA_CSR,
	ISA_SYSTEM,
	ISA_C_PLAIN,    /* rd in 11:7 */
	ISA_C_PLAIN3,   /* short rd in 9:7 */
	ISA_C_ADDI4SPN, /* short rd in 4:2 */
	ISA_C_MEM,      /* short base in 9:7 */
	ISA_C_SPMEM,
	ISA_C_BRANCH,
	ISA_C_JUMP,
	ISA_C_JR,
	ISA_C_EBREAK,
};

struct isa_insn {
	const char *name;
	uint32_t mask;
	uint32_t match;
	enum isa_kind kind;
};

extern const struct isa_insn isa_table[];
extern const unsigned int isa_count;

/* Index of the entry that matches, or -1. Compressed instructions have their upper half zero. */
int isa_find(uint32_t insn);

#endif
