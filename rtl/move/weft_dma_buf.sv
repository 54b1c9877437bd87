// SPDX-License-Identifier: BSD-2-Clause
// weft_dma_buf: answer buffer of one DMA read client, in block RAM.
// Latency: two cycles from push to out_valid. Throughput: one push and one pop per cycle.
// Back-pressure: out_ready holds the output; the owner counts credits (`popped` gives one back) and never overfills.
module weft_dma_buf #(
	parameter int unsigned W = 8,
	parameter int unsigned DEPTH = 64 // power of two
) (
	input  logic         clk,
	input  logic         rst,
	input  logic         push,
	input  logic [W-1:0] din,
	output logic         out_valid,
	input  logic         out_ready,
	output logic [W-1:0] out,
	output logic         popped
);
	localparam int unsigned AW = $clog2(DEPTH);

`ifndef SYNTHESIS
	initial if (DEPTH != (1 << AW)) $fatal(1, "weft_dma_buf: DEPTH must be a power of two");
	logic [AW:0] fill;
	assign fill = wp - rp;
	always_ff @(posedge clk) if (!rst && push && fill[AW]) $fatal(1, "weft_dma_buf: overrun");
`endif

	logic [W-1:0] mem [0:DEPTH-1];
	logic [AW:0] wp;
	logic [AW:0] rp;
	logic fetch;

	// The RAM's output register is the output stage: refilled when empty or taken.
	assign fetch = wp != rp && (!out_valid || out_ready);
	assign popped = out_valid && out_ready;

	always_ff @(posedge clk) begin
		if (push) mem[wp[AW-1:0]] <= din;
		if (fetch) out <= mem[rp[AW-1:0]];
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			wp <= '0;
			rp <= '0;
			out_valid <= 1'b0;
		end else begin
			if (push) wp <= wp + 1'b1;
			if (fetch) rp <= rp + 1'b1;
			out_valid <= fetch || (out_valid && !out_ready);
		end
	end
endmodule
