// SPDX-License-Identifier: BSD-2-Clause
// weft_core_rvfi: follows each instruction down the pipeline and reports it on the RISC-V Formal Interface
// when it leaves the memory stage: one report per cycle at most, traps included, interrupts as rvfi_intr of
// the first instruction of the handler. Memory is reported as on the bus: word address, byte lanes.
// Observation only; where the port is left open synthesis removes all of it.
module weft_core_rvfi (
	input  logic        clk,
	input  logic        rst,
	// decode to execute
	input  logic        d_load,
	input  logic [31:0] d_insn,
	input  logic [4:0]  d_rs1_addr,
	input  logic [4:0]  d_rs2_addr,
	input  logic [31:0] d_rs1,
	input  logic [31:0] d_rs2,
	// execute to memory
	input  logic        x_go,
	input  logic        x_instr, // an instruction, not an interrupt or a repeated fetch
	input  logic        x_exc,
	input  logic        x_exc_irq,
	input  logic [31:1] x_pc,
	input  logic [31:1] x_next, // next pc unless redirected
	input  logic        redirect,
	input  logic [31:1] redirect_pc,
	input  logic        x_load,
	input  logic        x_store,
	input  logic [31:0] d_addr,
	input  logic [3:0]  d_be,
	input  logic [31:0] d_wdata,
	input  logic [31:0] d_rdata,
	// memory
	input  logic        m_done,
	input  logic        m_fault,
	input  logic        m_writes,
	input  logic [4:0]  m_rd,
	input  logic [31:0] m_value,
	// report
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
	logic [31:0] x_insn, x_rs1, x_rs2;
	logic [4:0] x_rs1_addr, x_rs2_addr;
	always_ff @(posedge clk) begin
		if (d_load) begin
			x_insn <= d_insn;
			x_rs1_addr <= d_rs1_addr;
			x_rs2_addr <= d_rs2_addr;
			x_rs1 <= d_rs1_addr == 5'd0 ? '0 : d_rs1;
			x_rs2 <= d_rs2_addr == 5'd0 ? '0 : d_rs2;
		end
	end

	logic intr, m_instr, m_trap;
	logic [31:1] m_next;
	always_ff @(posedge clk) begin
		if (m_done) begin
			m_instr <= x_go && x_instr;
			m_trap <= x_exc;
			m_next <= redirect ? redirect_pc : x_next;
			rvfi_intr <= intr;
			rvfi_insn <= x_insn;
			rvfi_rs1_addr <= x_rs1_addr;
			rvfi_rs2_addr <= x_rs2_addr;
			rvfi_rs1_rdata <= x_rs1;
			rvfi_rs2_rdata <= x_rs2;
			rvfi_pc_rdata <= {x_pc, 1'b0};
			rvfi_mem_addr <= x_load || x_store ? d_addr : '0;
			rvfi_mem_rmask <= x_load ? d_be : '0;
			rvfi_mem_wmask <= x_store ? d_be : '0;
			rvfi_mem_wdata <= d_wdata;
			if (x_go && x_instr)
				intr <= 1'b0;
			if (x_exc && x_exc_irq)
				intr <= 1'b1;
		end
		if (rvfi_valid)
			rvfi_order <= rvfi_order + 64'd1;
		if (rst) begin
			m_instr <= 1'b0;
			intr <= 1'b0;
			rvfi_order <= '0;
		end
	end

	assign rvfi_valid = m_instr && m_done;
	assign rvfi_trap = m_trap || m_fault;
	assign rvfi_halt = 1'b0;
	assign rvfi_mode = 2'd3;
	assign rvfi_ixl = 2'd1;
	assign rvfi_rd_addr = m_writes && !m_fault ? m_rd : '0;
	assign rvfi_rd_wdata = m_writes && !m_fault ? m_value : '0;
	assign rvfi_pc_wdata = {m_fault ? redirect_pc : m_next, 1'b0};
	assign rvfi_mem_rdata = d_rdata;
endmodule
