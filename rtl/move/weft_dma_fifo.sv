// SPDX-License-Identifier: BSD-2-Clause
// weft_dma_fifo: small queue in distributed RAM, first word falls through.
// Latency: an entry pushed in one cycle is at dout in the next. Throughput: one push and one pop per cycle.
// Back-pressure: none of its own; the owner does not push when full nor pop when empty.
module weft_dma_fifo #(
	parameter int unsigned W = 8,
	parameter int unsigned DEPTH = 16 // power of two
) (
	input  logic                     clk,
	input  logic                     rst,
	input  logic                     push,
	input  logic [W-1:0]             din,
	input  logic                     pop,
	output logic [W-1:0]             dout,
	output logic                     empty,
	output logic                     full,
	output logic [$clog2(DEPTH):0]   count
);
	localparam int unsigned AW = $clog2(DEPTH);

`ifndef SYNTHESIS
	initial if (DEPTH != (1 << AW) || DEPTH < 2) $fatal(1, "weft_dma_fifo: DEPTH must be a power of two");
	always_ff @(posedge clk) if (!rst) begin
		if (push && full) $fatal(1, "weft_dma_fifo: push when full");
		if (pop && empty) $fatal(1, "weft_dma_fifo: pop when empty");
	end
`endif

	(* ram_style = "distributed" *) logic [W-1:0] mem [0:DEPTH-1];
	logic [AW:0] wp;
	logic [AW:0] rp;

	always_ff @(posedge clk) if (push) mem[wp[AW-1:0]] <= din;
	always_ff @(posedge clk) begin
		if (rst) begin
			wp <= '0;
			rp <= '0;
		end else begin
			if (push) wp <= wp + 1'b1;
			if (pop) rp <= rp + 1'b1;
		end
	end

	assign dout = mem[rp[AW-1:0]];
	assign count = wp - rp;
	assign empty = wp == rp;
	assign full = count[AW];
endmodule
