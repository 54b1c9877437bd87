/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockstep.h - the core and the reference model side by side.
 *
 * The bus around the core grants late, answers late, puts garbage on idle data lines and raises interrupts
 * at random; whatever it does, each retired instruction must be the one the model executes next, with the
 * same effect. Also checked: requests hold until granted, at most one access is outstanding, nothing is
 * requested during sleep, pending interrupts are taken, and the core never stops without reason.
 */
#ifndef WEFT_TEST_LOCKSTEP_H
#define WEFT_TEST_LOCKSTEP_H

#include "core_model.h"
#include "isa.h"
#include "iss.h"
#include "rng.h"

#define LOCKSTEP_MAX_ISA 160

/* How hard the bus makes it. Percentages, and a number of cycles. */
struct lockstep_mode {
	const char *name;
	uint32_t i_gnt, d_gnt;
	uint32_t late;         /* answers that take longer than a cycle ... */
	uint32_t late_max;     /* ... and by how much at most */
	uint32_t irq_permille; /* chance per cycle that a line rises */
};

struct lockstep {
	struct core_model *core;
	struct core_in in;
	struct core_out out, last;
	struct world dut, ref;
	struct iss iss;
	struct rng rng;
	struct lockstep_mode mode;
	bool i_pending, d_pending;
	bool i_err, d_err;
	uint32_t i_data, d_data, d_wait;
	uint32_t irq_cause;  /* of the interrupt entered last */
	uint32_t trap_cause; /* of the exception entered last */
	uint32_t overdue;    /* instructions retired since an interrupt should have been taken */
	uint32_t silent;     /* cycles since the last retirement */
	uint64_t cycles, retired;
	uint64_t seen[LOCKSTEP_MAX_ISA]; /* retirements per entry of isa_table */
	uint64_t causes[2][16];          /* traps by [interrupt][number] */
	uint64_t sleeps;
	bool stuck; /* asleep with all interrupts disabled */
	char err[512];
};

/* 0 or -ENOMEM; fini may follow either. */
int lockstep_init(struct lockstep *l);
void lockstep_fini(struct lockstep *l);

/* Put the core into reset and start the program in l->dut; statistics go on. */
void lockstep_start(struct lockstep *l, const struct lockstep_mode *mode, uint32_t seed);

/* One clock. False: something was wrong and l->err says what. */
bool lockstep_cycle(struct lockstep *l);

#endif
