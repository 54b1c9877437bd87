/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core_model.h - the Verilated soft core, weft_core alone, as a C object.
 *
 * The core's pins, one struct each way. core_model_cycle() is one clock: inputs are applied, the
 * outputs that the core shows for them (before the clock edge) are returned, then the clock rises.
 * The core leaves reset at CORE_MODEL_RESET_PC.
 */
#ifndef WEFT_CORE_MODEL_H
#define WEFT_CORE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CORE_MODEL_RESET_PC 0x00001000u

struct core_in {
	bool rst;
	bool fetch_enable;
	bool i_gnt;
	bool i_err;
	uint32_t i_rdata;
	bool d_gnt;
	bool d_rvalid;
	bool d_err;
	uint32_t d_rdata;
	bool irq_software;
	bool irq_timer;
	bool irq_external;
};

/*
 * RISC-V Formal Interface; mem_addr is a word address, masks and data are byte lanes of that word.
 */
struct core_rvfi {
	bool valid;
	bool trap;
	bool intr;
	uint64_t order;
	uint32_t insn;
	uint8_t rs1_addr;
	uint8_t rs2_addr;
	uint8_t rd_addr;
	uint8_t mem_rmask;
	uint8_t mem_wmask;
	uint32_t rs1_rdata;
	uint32_t rs2_rdata;
	uint32_t rd_wdata;
	uint32_t pc_rdata;
	uint32_t pc_wdata;
	uint32_t mem_addr;
	uint32_t mem_rdata;
	uint32_t mem_wdata;
};

struct core_out {
	bool i_req;
	uint32_t i_addr;
	bool d_req;
	bool d_we;
	uint8_t d_be;
	uint32_t d_addr;
	uint32_t d_wdata;
	bool sleep;
	bool trap;           /* a trap is entered in this cycle */
	uint32_t trap_cause; /* mcause of it */
	uint32_t pc;
	struct core_rvfi rvfi;
};

struct core_model;

/* A core in reset, or NULL without memory. core_model_free(NULL) does nothing. */
struct core_model *core_model_new(void);
void core_model_free(struct core_model *m);

void core_model_cycle(struct core_model *m, const struct core_in *in, struct core_out *out);

#ifdef __cplusplus
}
#endif

#endif
