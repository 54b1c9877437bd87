// SPDX-License-Identifier: BSD-2-Clause
// weft_core_pkg: what the decoder tells the pipeline, and the numbers both agree on.
package weft_core_pkg;
	// ALU operations. Shifts take the amount from b[4:0].
	localparam logic [4:0] ALU_ADD = 5'd0;
	localparam logic [4:0] ALU_SUB = 5'd1;
	localparam logic [4:0] ALU_SLT = 5'd2; // signed or unsigned by cmp_unsigned
	localparam logic [4:0] ALU_SLL = 5'd3;
	localparam logic [4:0] ALU_SRL = 5'd4;
	localparam logic [4:0] ALU_SRA = 5'd5;
	localparam logic [4:0] ALU_ROL = 5'd6;
	localparam logic [4:0] ALU_ROR = 5'd7;
	localparam logic [4:0] ALU_XOR = 5'd8;
	localparam logic [4:0] ALU_OR = 5'd9;
	localparam logic [4:0] ALU_AND = 5'd10;
	localparam logic [4:0] ALU_XNOR = 5'd11;
	localparam logic [4:0] ALU_ORN = 5'd12;
	localparam logic [4:0] ALU_ANDN = 5'd13;
	localparam logic [4:0] ALU_SH1ADD = 5'd14;
	localparam logic [4:0] ALU_SH2ADD = 5'd15;
	localparam logic [4:0] ALU_SH3ADD = 5'd16;
	localparam logic [4:0] ALU_MIN = 5'd17;
	localparam logic [4:0] ALU_MAX = 5'd18;
	localparam logic [4:0] ALU_CLZ = 5'd19;
	localparam logic [4:0] ALU_CTZ = 5'd20;
	localparam logic [4:0] ALU_CPOP = 5'd21;
	localparam logic [4:0] ALU_SEXTB = 5'd22;
	localparam logic [4:0] ALU_SEXTH = 5'd23;
	localparam logic [4:0] ALU_ZEXTH = 5'd24;
	localparam logic [4:0] ALU_ORCB = 5'd25;
	localparam logic [4:0] ALU_REV8 = 5'd26;
	localparam logic [4:0] ALU_PASSB = 5'd27;

	// Synchronous causes of mcause.
	localparam logic [4:0] CAUSE_FETCH_FAULT = 5'd1;
	localparam logic [4:0] CAUSE_ILLEGAL = 5'd2;
	localparam logic [4:0] CAUSE_BREAK = 5'd3;
	localparam logic [4:0] CAUSE_LOAD_MISALIGNED = 5'd4;
	localparam logic [4:0] CAUSE_LOAD_FAULT = 5'd5;
	localparam logic [4:0] CAUSE_STORE_MISALIGNED = 5'd6;
	localparam logic [4:0] CAUSE_STORE_FAULT = 5'd7;
	localparam logic [4:0] CAUSE_ECALL_M = 5'd11;

	// Interrupt numbers of mip, mie and mcause.
	localparam logic [4:0] IRQ_SOFTWARE = 5'd3;
	localparam logic [4:0] IRQ_TIMER = 5'd7;
	localparam logic [4:0] IRQ_EXTERNAL = 5'd11;

	// What kind of control transfer a branch predictor entry stands for.
	localparam logic [1:0] BR_COND = 2'd0;
	localparam logic [1:0] BR_JUMP = 2'd1;
	localparam logic [1:0] BR_CALL = 2'd2;
	localparam logic [1:0] BR_RET = 2'd3;

	// Countable events, in the order of mhpmevent values 1..7.
	typedef struct packed {
		logic taken; // 7: control transfers taken
		logic branch; // 6: conditional branches retired
		logic div_wait; // 5: cycles the divider held the pipeline
		logic fetch_wait; // 4: cycles decode was empty
		logic data_wait; // 3: cycles the data port held the pipeline
		logic mispredict; // 2: fetch redirected by a resolved branch
		logic use_wait; // 1: cycles waiting for a load, product or CSR
	} events_t;

	// Decoded instruction.
	typedef struct packed {
		logic illegal;
		logic uses_rs1;
		logic uses_rs2;
		logic rd_we;
		logic [4:0] alu_op;
		logic b_imm; // operand b is the immediate, not rs2
		logic cmp_unsigned;
		logic [2:0] funct3;
		logic auipc;
		logic branch;
		logic jal;
		logic jalr;
		logic load;
		logic store;
		logic mul;
		logic div;
		logic csr;
		logic csr_we;
		logic ecall;
		logic ebreak;
		logic mret;
		logic wfi;
		logic fence_i;
	} ctrl_t;
endpackage
