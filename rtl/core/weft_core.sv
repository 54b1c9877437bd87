// SPDX-License-Identifier: BSD-2-Clause
// weft_core: RV32IMC_Zba_Zbb_Zicsr_Zifencei soft core, machine mode, in order.
//
// Pipeline, one instruction per cycle:
//   fetch    request a word, predict; the answer enters the fetch queue a cycle later
//   decode   queue head: expand, decode, read or forward operands
//   execute  ALU, branches, traps, CSRs, data request, division; resolves every control transfer
//   memory   data answer, product, CSR value; write-back and retirement
// Operands are forwarded from execute (ALU) and memory (all) into decode. A load, product or CSR value used
// by the next instruction costs one bubble; a mispredicted branch costs two; a predicted one none.
//
// Ports. Instruction side: data and i_err answer one cycle after a granted request; fetch is speculative, so
// this port must lead to memory only, and an i_err counts only when its instruction executes. Data side: a
// request stays until d_gnt; the answer (d_rvalid, d_err) comes from the next cycle on; one access
// outstanding, the next request may coincide with the answer. The core waits for both without limit.
// A store or load with d_err traps precisely. While fetch_enable is low the core is held in reset; it starts at RESET_PC, or at RESET_ALT
// when reset_alt is high.
// core_sleep is high while wfi waits: nothing toggles and the clock may stop until an interrupt line rises.
// retire_valid and trap_valid are strobes for whoever counts; dbg_pc is the next instruction to execute.
// RVFI (riscv-formal, aligned memory view): see weft_core_rvfi.
module weft_core #(
	parameter logic [31:0] RESET_PC = 32'h0,
	parameter logic [31:0] RESET_ALT = 32'h0,
	parameter logic [31:0] HART_ID = 32'h0
) (
	input  logic        clk,
	input  logic        rst,
	// instruction memory
	output logic        i_req,
	output logic [31:0] i_addr,
	input  logic        i_gnt,
	input  logic [31:0] i_rdata,
	input  logic        i_err,
	// data memory and devices
	output logic        d_req,
	output logic        d_we,
	output logic [3:0]  d_be,
	output logic [31:0] d_addr,
	output logic [31:0] d_wdata,
	input  logic        d_gnt,
	input  logic        d_rvalid,
	input  logic [31:0] d_rdata,
	input  logic        d_err,
	// interrupts and control
	input  logic        irq_software,
	input  logic        irq_timer,
	input  logic        irq_external,
	output logic        core_sleep,
	input  logic        fetch_enable,
	input  logic        reset_alt,
	// observation
	output logic [31:0] dbg_pc,
	output logic        retire_valid,
	output logic        trap_valid,
	output logic [31:0] trap_cause, // as written to mcause
	output logic        rvfi_valid,
	output logic [63:0] rvfi_order,
	output logic [31:0] rvfi_insn,
	output logic        rvfi_trap,
	output logic        rvfi_halt,
	output logic        rvfi_intr,
	output logic [1:0]  rvfi_mode,
	output logic [1:0]  rvfi_ixl,
	output logic [4:0]  rvfi_rs1_addr,
	output logic [4:0]  rvfi_rs2_addr,
	output logic [31:0] rvfi_rs1_rdata,
	output logic [31:0] rvfi_rs2_rdata,
	output logic [4:0]  rvfi_rd_addr,
	output logic [31:0] rvfi_rd_wdata,
	output logic [31:0] rvfi_pc_rdata,
	output logic [31:0] rvfi_pc_wdata,
	output logic [31:0] rvfi_mem_addr,
	output logic [3:0]  rvfi_mem_rmask,
	output logic [3:0]  rvfi_mem_wmask,
	output logic [31:0] rvfi_mem_rdata,
	output logic [31:0] rvfi_mem_wdata
);
	logic reset;
	assign reset = rst || !fetch_enable;

	// ---- fetch ----------------------------------------------------------------------------------
	logic redirect, f_hold;
	logic [31:1] redirect_pc;
	logic f_valid, f_is32, f_err_first, f_err_second, f_pred_taken, f_pred_broken, f_take;
	logic [31:0] f_insn;
	logic [31:1] f_pc, f_next_pc, f_pred_target;
	logic [31:1] lk_addr, lk_target;
	logic lk_taken, lk_half, lk_used;

	weft_core_fetch #(.RESET_PC(RESET_PC), .RESET_ALT(RESET_ALT)) u_fetch (
		.clk, .rst(reset), .reset_alt, .hold(f_hold),
		.i_req, .i_addr, .i_gnt, .i_rdata, .i_err,
		.redirect, .redirect_pc,
		.lk_addr, .lk_taken, .lk_half, .lk_target, .lk_used,
		.valid(f_valid), .is32(f_is32), .insn(f_insn), .err_first(f_err_first),
		.err_second(f_err_second), .pred_taken(f_pred_taken), .pred_broken(f_pred_broken),
		.pc(f_pc), .next_pc(f_next_pc), .pred_target(f_pred_target), .take(f_take)
	);
	assign dbg_pc = {f_pc, 1'b0};

	logic bp_valid, bp_taken, bp_wrong, bp_clear, bp_flush;
	logic [31:1] bp_last, bp_target;
	logic [1:0] bp_type;
	weft_core_bpu u_bpu (
		.clk, .rst(reset), .flush(bp_flush),
		.lk_addr, .lk_taken, .lk_half, .lk_target, .lk_used,
		.up_valid(bp_valid), .up_last(bp_last), .up_type(bp_type), .up_taken(bp_taken),
		.up_wrong(bp_wrong), .up_target(bp_target), .up_clear(bp_clear), .redirect
	);

	// ---- decode ---------------------------------------------------------------------------------
	logic [31:0] d_insn16, d_insn, d_raw, d_imm;
	logic d_illegal16;
	weft_core_pkg::ctrl_t d_ctrl;
	weft_core_expand u_expand (.c(f_insn[15:0]), .insn(d_insn16), .illegal(d_illegal16));
	assign d_insn = f_is32 ? f_insn : d_insn16;
	assign d_raw = f_is32 ? f_insn : {16'b0, f_insn[15:0]};
	weft_core_decode u_decode (.insn(d_insn), .ctrl(d_ctrl), .imm(d_imm));

	// Operands, newest value first.
	logic x_valid, x_writes, x_late, m_done, m_writes;
	logic [4:0] x_rd, m_rd;
	logic [31:0] x_fast, m_value;
	logic [31:0] d_reg1, d_reg2, d_rs1, d_rs2;
	weft_core_regfile u_regfile (
		.clk, .we(m_writes && m_done && !m_fault), .waddr(m_rd), .wdata(m_value),
		.raddr1(d_insn[19:15]), .raddr2(d_insn[24:20]), .rdata1(d_reg1), .rdata2(d_reg2)
	);
	logic hit_x1, hit_x2;
	assign hit_x1 = x_valid && x_writes && x_rd == d_insn[19:15];
	assign hit_x2 = x_valid && x_writes && x_rd == d_insn[24:20];
	always_comb begin
		if (hit_x1)
			d_rs1 = x_fast;
		else if (m_writes && m_rd == d_insn[19:15])
			d_rs1 = m_value;
		else
			d_rs1 = d_reg1;
		if (hit_x2)
			d_rs2 = x_fast;
		else if (m_writes && m_rd == d_insn[24:20])
			d_rs2 = m_value;
		else
			d_rs2 = d_reg2;
	end

	// What goes on to execute: an instruction, an interrupt in its place, or nothing.
	logic d_stall, d_wait, d_irq, d_go, d_trap, d_refetch, x_ready, x_csr, irq_line, irq_take;
	logic [4:0] d_cause, irq_cause;
	logic [31:0] d_tval;
	assign d_stall = x_late && ((hit_x1 && d_ctrl.uses_rs1) || (hit_x2 && d_ctrl.uses_rs2));
	// While an interrupt is pending a CSR instruction goes alone, as it may mask or unmask just that one.
	assign d_wait = x_valid && x_csr && irq_line;
	assign d_irq = irq_take && !d_wait;
	assign d_go = x_ready && !d_wait && (d_irq || (f_valid && !d_stall));
	assign f_take = d_go && !d_irq;
	assign d_refetch = !d_irq && !f_err_first && !f_err_second && (f_pred_broken
		|| (f_pred_taken && !(d_ctrl.branch || d_ctrl.jal || d_ctrl.jalr)));

	always_comb begin
		d_trap = 1'b1;
		d_cause = weft_core_pkg::CAUSE_ILLEGAL;
		d_tval = d_raw;
		if (d_irq) begin
			d_cause = irq_cause;
			d_tval = '0;
		end else if (f_err_first || f_err_second) begin
			d_cause = weft_core_pkg::CAUSE_FETCH_FAULT;
			d_tval = f_err_first ? {f_pc, 1'b0} : {f_pc + 31'd1, 1'b0};
		end else if (d_ctrl.illegal || (!f_is32 && d_illegal16)) begin
			d_cause = weft_core_pkg::CAUSE_ILLEGAL;
		end else if (d_ctrl.ebreak) begin
			d_cause = weft_core_pkg::CAUSE_BREAK;
			d_tval = {f_pc, 1'b0};
		end else begin
			d_cause = weft_core_pkg::CAUSE_ECALL_M;
			d_trap = d_ctrl.ecall;
			if (d_ctrl.ecall)
				d_tval = '0;
		end
	end

	// What the return stack does with a jump depends on the link registers, x1 and x5.
	logic [1:0] d_type, x_type;
	always_comb begin
		if (d_ctrl.branch)
			d_type = weft_core_pkg::BR_COND;
		else if (d_insn[11:7] == 5'd1 || d_insn[11:7] == 5'd5)
			d_type = weft_core_pkg::BR_CALL;
		else if (d_ctrl.jalr && (d_insn[19:15] == 5'd1 || d_insn[19:15] == 5'd5))
			d_type = weft_core_pkg::BR_RET;
		else
			d_type = weft_core_pkg::BR_JUMP;
	end

	// ---- execute --------------------------------------------------------------------------------
	weft_core_pkg::ctrl_t x_ctrl;
	logic x_irq, x_trap, x_refetch, x_plain, x_pred;
	logic [4:0] x_cause;
	logic [31:0] x_a, x_b, x_data, x_tval, x_alt;
	logic [31:1] x_pc, x_target, x_pred_target, x_last;
	logic [31:1] d_target;
	assign d_target = f_pc + d_imm[31:1];

	logic m_fault, x_go;
	always_ff @(posedge clk) begin
		if (x_ready)
			x_valid <= d_go;
		if (x_ready && d_go) begin
			x_ctrl <= d_ctrl;
			x_irq <= d_irq;
			x_refetch <= d_refetch;
			x_trap <= d_trap;
			x_plain <= !d_trap && !d_refetch;
			x_cause <= d_cause;
			x_tval <= d_tval; // for all but traps this is the instruction itself
			x_writes <= d_ctrl.rd_we && d_insn[11:7] != 5'd0 && !d_trap && !d_refetch;
			x_rd <= d_insn[11:7];
			x_late <= d_ctrl.load || d_ctrl.mul || d_ctrl.div || d_ctrl.csr;
			x_csr <= d_ctrl.csr && !d_trap && !d_refetch;
			x_a <= d_rs1;
			x_b <= d_ctrl.b_imm ? d_imm : d_rs2;
			x_data <= d_rs2;
			x_pc <= f_pc;
			x_target <= d_target;
			x_alt <= d_ctrl.auipc ? {d_target, 1'b0} : {f_next_pc, 1'b0};
			x_last <= f_is32 && !f_pred_broken ? f_pc + 31'd1 : f_pc;
			x_pred <= f_pred_taken;
			x_type <= d_type;
			x_pred_target <= f_pred_target;
		end
		if (reset || redirect)
			x_valid <= 1'b0;
	end

	// ALU and the value that decode may have at once.
	logic [31:0] x_alu, x_sum;
	logic x_eq, x_lt;
	weft_core_alu u_alu (
		.op(x_ctrl.alu_op), .cmp_unsigned(x_ctrl.cmp_unsigned), .a(x_a), .b(x_b),
		.result(x_alu), .eq(x_eq), .lt(x_lt)
	);
	assign x_sum = x_a + x_b; // address of loads, stores and jalr
	assign x_fast = x_ctrl.auipc || x_ctrl.jal || x_ctrl.jalr ? x_alt : x_alu;

	// Multiplier and divider.
	logic [31:0] m_product, x_quotient;
	logic x_div, div_done;
	weft_core_mul u_mul (
		.clk, .en(x_go && x_ctrl.mul), .op(x_ctrl.funct3[1:0]), .a(x_a), .b(x_b),
		.product(m_product)
	);
	assign x_div = x_valid && x_plain && x_ctrl.div;
	weft_core_div u_div (
		.clk, .rst(reset), .req(x_div), .op(x_ctrl.funct3[1:0]), .a(x_a), .b(x_b),
		.ack(x_go), .kill(m_fault), .done(div_done), .result(x_quotient)
	);

	// Data port.
	logic x_mem, x_misaligned, d_accepted, m_busy;
	logic [31:0] m_rdata;
	assign x_mem = x_valid && x_plain && (x_ctrl.load || x_ctrl.store);
	weft_core_lsu u_lsu (
		.clk, .rst(reset),
		.req(x_mem && m_done && !m_fault), .we(x_ctrl.store), .funct3(x_ctrl.funct3),
		.addr(x_sum), .wdata(x_data), .misaligned(x_misaligned), .accepted(d_accepted),
		.busy(m_busy), .fault(m_fault), .rdata(m_rdata),
		.d_req, .d_we, .d_be, .d_addr, .d_wdata, .d_gnt, .d_rvalid, .d_rdata, .d_err
	);
	assign m_done = !m_busy;

	// Flow: execute holds for the data port, the divider and wfi; everything holds for a data answer.
	logic x_wfi, wake, rising, x_hold, m_valid;
	assign x_wfi = x_valid && x_plain && x_ctrl.wfi;
	assign x_hold = (x_mem && !x_misaligned && !d_accepted) || (x_div && !div_done)
		|| (x_wfi && !wake);
	assign x_go = x_valid && m_done && !m_fault && !x_hold;
	assign x_ready = m_done && (!x_valid || x_go);
	assign core_sleep = x_wfi && !m_valid && !wake && !rising;
	assign f_hold = x_wfi && !wake;

	// Traps. A bus error of the older instruction in the memory stage comes first.
	logic [31:0] x_csr_value, trap_val, m_result;
	logic [31:1] trap_target, trap_pc, mepc, m_pc;
	logic [4:0] x_trap_cause, trap_code;
	logic csr_illegal, x_exc, x_exc_irq, m_store;
	always_comb begin
		x_trap_cause = x_cause;
		if (x_mem)
			x_trap_cause = x_ctrl.store ? weft_core_pkg::CAUSE_STORE_MISALIGNED
				: weft_core_pkg::CAUSE_LOAD_MISALIGNED;
		else if (x_csr)
			x_trap_cause = weft_core_pkg::CAUSE_ILLEGAL;
	end
	assign x_exc = x_go && !x_refetch && (x_trap || (x_mem && x_misaligned) || (x_csr && csr_illegal));
	assign x_exc_irq = x_irq && !m_fault;
	always_comb begin
		trap_code = x_trap_cause;
		trap_pc = x_pc;
		trap_val = x_mem ? x_sum : x_tval;
		if (m_fault) begin
			trap_code = m_store ? weft_core_pkg::CAUSE_STORE_FAULT
				: weft_core_pkg::CAUSE_LOAD_FAULT;
			trap_pc = m_pc;
			trap_val = m_result;
		end
	end
	assign trap_valid = m_fault || x_exc;
	assign trap_cause = {x_exc_irq, 26'b0, trap_code};

	weft_core_pkg::events_t events;
	logic x_mret, x_done;
	assign x_done = x_go && !x_refetch && !x_exc; // completes, bus errors apart
	assign x_mret = x_done && x_ctrl.mret;
	weft_core_csr #(.HART_ID(HART_ID)) u_csr (
		.clk, .rst(reset),
		.addr(x_tval[31:20]), .op(x_ctrl.funct3[1:0]), .writes(x_ctrl.csr_we),
		.wdata(x_ctrl.funct3[2] ? x_b : x_a), .commit(x_done && x_csr),
		.rdata(x_csr_value), .illegal(csr_illegal),
		.trap(trap_valid), .trap_irq(x_exc_irq), .trap_cause(trap_code), .trap_pc, .trap_val,
		.mret(x_mret), .trap_target, .mepc,
		.irq_software, .irq_timer, .irq_external, .irq_line, .irq_take, .irq_cause, .wake, .rising,
		.asleep(core_sleep), .retire(x_done), .unretire(m_fault), .events
	);

	// Control transfers.
	logic x_cond, x_jump, x_taken, x_transfer, x_wrong;
	logic [31:1] x_to;
	always_comb begin
		case (x_ctrl.funct3)
		3'b000: x_cond = x_eq;
		3'b001: x_cond = !x_eq;
		3'b100, 3'b110: x_cond = x_lt;
		default: x_cond = !x_lt;
		endcase
	end
	assign x_jump = x_ctrl.jal || x_ctrl.jalr;
	assign x_taken = x_jump || x_cond;
	assign x_to = x_ctrl.jalr ? x_sum[31:1] : x_target;
	assign x_transfer = x_go && x_plain && (x_jump || x_ctrl.branch);
	assign x_wrong = x_taken ? !x_pred || x_pred_target != x_to : x_pred;

	assign redirect = m_fault || x_exc || (x_go && x_refetch) || x_mret
		|| (x_done && x_ctrl.fence_i) || (x_transfer && x_wrong);
	always_comb begin
		if (m_fault || x_exc)
			redirect_pc = trap_target;
		else if (x_refetch)
			redirect_pc = x_pc;
		else if (x_ctrl.mret)
			redirect_pc = mepc;
		else if (x_taken && !x_ctrl.fence_i)
			redirect_pc = x_to;
		else
			redirect_pc = x_alt[31:1];
	end

	assign bp_valid = x_transfer;
	assign bp_last = x_last;
	assign bp_taken = x_taken;
	assign bp_wrong = x_wrong;
	assign bp_target = x_to;
	assign bp_clear = x_go && x_refetch;
	assign bp_flush = x_done && x_ctrl.fence_i;
	assign bp_type = x_type;

	// ---- memory ---------------------------------------------------------------------------------
	logic m_load, m_mul;
	always_ff @(posedge clk) begin
		if (m_done) begin
			m_valid <= x_done;
			m_writes <= x_done && x_writes;
			m_rd <= x_rd;
			m_load <= x_ctrl.load;
			m_store <= x_ctrl.store;
			m_mul <= x_ctrl.mul;
			m_pc <= x_pc;
			if (x_mem)
				m_result <= x_sum;
			else if (x_csr)
				m_result <= x_csr_value;
			else if (x_ctrl.div)
				m_result <= x_quotient;
			else
				m_result <= x_fast;
		end
		if (reset) begin
			m_valid <= 1'b0;
			m_writes <= 1'b0;
		end
	end
	assign m_value = m_load ? m_rdata : m_mul ? m_product : m_result;
	assign retire_valid = m_valid && m_done && !m_fault;

	assign events.use_wait = x_ready && f_valid && !redirect && d_stall;
	assign events.mispredict = x_transfer && x_wrong;
	assign events.data_wait = !m_done || (x_mem && !x_misaligned && !d_accepted);
	assign events.fetch_wait = x_ready && !f_valid && !redirect;
	assign events.div_wait = x_div && !div_done;
	assign events.branch = x_done && x_ctrl.branch;
	assign events.taken = x_transfer && x_taken;

	// Decoded but acted on before execute.
	logic unused_ctrl;
	assign unused_ctrl = &{1'b0, x_ctrl.illegal, x_ctrl.uses_rs1, x_ctrl.uses_rs2, x_ctrl.rd_we,
			       x_ctrl.b_imm, x_ctrl.csr, x_ctrl.ecall, x_ctrl.ebreak};

	weft_core_rvfi u_rvfi (
		.clk, .rst(reset),
		.d_load(x_ready && d_go), .d_insn(d_raw),
		.d_rs1_addr(d_ctrl.uses_rs1 ? d_insn[19:15] : 5'd0),
		.d_rs2_addr(d_ctrl.uses_rs2 ? d_insn[24:20] : 5'd0), .d_rs1, .d_rs2,
		.x_go, .x_instr(!x_refetch && !x_irq), .x_exc, .x_exc_irq, .x_pc,
		.x_next(f_pc), .redirect, .redirect_pc,
		.x_load(d_accepted && x_ctrl.load), .x_store(d_accepted && x_ctrl.store),
		.d_addr, .d_be, .d_wdata, .d_rdata,
		.m_done, .m_fault, .m_writes, .m_rd, .m_value,
		.rvfi_valid, .rvfi_order, .rvfi_insn, .rvfi_trap, .rvfi_halt, .rvfi_intr, .rvfi_mode,
		.rvfi_ixl, .rvfi_rs1_addr, .rvfi_rs2_addr, .rvfi_rs1_rdata, .rvfi_rs2_rdata,
		.rvfi_rd_addr, .rvfi_rd_wdata, .rvfi_pc_rdata, .rvfi_pc_wdata, .rvfi_mem_addr,
		.rvfi_mem_rmask, .rvfi_mem_wmask, .rvfi_mem_rdata, .rvfi_mem_wdata
	);
endmodule
