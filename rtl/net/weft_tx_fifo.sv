// SPDX-License-Identifier: BSD-2-Clause
// weft_tx_fifo: small queue in distributed RAM.
// Latency: one cycle from wr to valid. Throughput: one in and one out per cycle.
// Back-pressure: wr is ignored while full; count says how many entries are there.
module weft_tx_fifo #(
	parameter int unsigned W = 8,
	parameter int unsigned AW = 4
) (
	input  logic         clk,
	input  logic         rst,
	input  logic         wr,
	input  logic [W-1:0] wdata,
	output logic         full,
	output logic         valid,
	output logic [W-1:0] rdata,
	input  logic         rd,
	output logic [AW:0]  count
);
	logic [W-1:0]  mem [1 << AW];
	logic [AW:0]   wp, rp;

	assign count = wp - rp;
	assign full = count[AW];
	assign valid = wp != rp;
	assign rdata = mem[rp[AW-1:0]];

	always_ff @(posedge clk) begin
		if (wr && !full) mem[wp[AW-1:0]] <= wdata;
	end
	always_ff @(posedge clk) begin
		if (wr && !full) wp <= wp + 1'b1;
		if (rd && valid) rp <= rp + 1'b1;
		if (rst) begin
			wp <= '0;
			rp <= '0;
		end
	end
endmodule
