// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_fifo: small queue in distributed RAM; its first word stands at the output.
// Latency: one cycle. Throughput: one word in and one out per cycle.
// Back-pressure: in_ready is low while full (it does not look at out_ready).
module weft_rx_fifo #(
	parameter int unsigned W = 8,
	parameter int unsigned AW = 4 // depth is 2**AW
) (
	input  logic         clk,
	input  logic         rst,
	input  logic         in_valid,
	output logic         in_ready,
	input  logic [W-1:0] in_data,
	output logic         out_valid,
	input  logic         out_ready,
	output logic [W-1:0] out_data,
	output logic [AW:0]  count
);
	(* ram_style = "distributed" *) logic [W-1:0] mem [0:(1<<AW)-1];
	logic [AW:0] wp;
	logic [AW:0] rp;

	assign count = wp - rp;
	assign in_ready = !count[AW];
	assign out_valid = wp != rp;
	assign out_data = mem[rp[AW-1:0]];

	always_ff @(posedge clk) if (in_valid && in_ready) mem[wp[AW-1:0]] <= in_data;
	always_ff @(posedge clk) begin
		if (rst) begin
			wp <= '0;
			rp <= '0;
		end else begin
			if (in_valid && in_ready) wp <= wp + 1'b1;
			if (out_valid && out_ready) rp <= rp + 1'b1;
		end
	end
endmodule
