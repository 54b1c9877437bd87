// SPDX-License-Identifier: BSD-2-Clause
// weft_core_regfile: 32 registers, two asynchronous read ports (distributed RAM), one write port.
// A write is visible from the next cycle on. x0 is never written (the caller sees to it) and stays zero.
module weft_core_regfile (
	input  logic        clk,
	input  logic        we,
	input  logic [4:0]  waddr,
	input  logic [31:0] wdata,
	input  logic [4:0]  raddr1,
	input  logic [4:0]  raddr2,
	output logic [31:0] rdata1,
	output logic [31:0] rdata2
);
	(* ram_style = "distributed" *) logic [31:0] regs [32];

	initial begin
		for (int i = 0; i < 32; i = i + 1)
			regs[i] = '0;
	end

	always_ff @(posedge clk) begin
		if (we)
			regs[waddr] <= wdata;
	end

	assign rdata1 = regs[raddr1];
	assign rdata2 = regs[raddr2];
endmodule
