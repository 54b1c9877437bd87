// SPDX-License-Identifier: BSD-2-Clause
// weft_dma_cut: cuts a transfer [addr, addr + len) into AXI bursts that end at 256-byte boundaries.
// No burst is longer than 256 bytes (16 beats) or crosses 4 KiB, and only the first and the last beat of a transfer are partial.
// Latency: one cycle from request to first burst. Throughput: one burst per cycle, also from one request to the next.
// Back-pressure: rq_ready waits for the last burst of the request before.
module weft_dma_cut #(
	parameter int unsigned SIDE = 1
) (
	input  logic            clk,
	input  logic            rst,
	input  logic            rq_valid,
	output logic            rq_ready,
	input  logic [63:0]     rq_addr,
	input  logic [15:0]     rq_len, // 1 and up
	input  logic [SIDE-1:0] rq_side,
	output logic            bu_valid,
	input  logic            bu_ready,
	output logic [63:0]     bu_addr, // byte address of the first beat, 16-byte aligned
	output logic [3:0]      bu_more, // beats less one
	output logic            bu_first, // first burst of the request
	output logic            bu_last,
	output logic [3:0]      bu_off, // position of the request's first byte in its first beat
	output logic [3:0]      bu_end, // position of the request's last byte in its last beat
	output logic [SIDE-1:0] bu_side
);
	logic [55:0] block; // 256-byte block
	logic [3:0] start; // first beat in the block
	logic [7:0] stop; // last byte in the last block
	logic [8:0] left; // blocks after this one
	logic [16:0] span;
	logic [3:0] last_beat;

	assign span = {9'd0, rq_addr[7:0]} + {1'b0, rq_len} - 17'd1;
	assign bu_last = left == 9'd0;
	assign last_beat = bu_last ? stop[7:4] : 4'd15;
	assign bu_addr = {block, start, 4'd0};
	assign bu_more = last_beat - start;
	assign bu_end = stop[3:0];
	assign rq_ready = !bu_valid || (bu_ready && bu_last);

	always_ff @(posedge clk) begin
		if (rst) bu_valid <= 1'b0;
		else if (rq_ready) bu_valid <= rq_valid;
	end
	always_ff @(posedge clk) begin
		if (rq_ready) begin
			block <= rq_addr[63:8];
			start <= rq_addr[7:4];
			bu_off <= rq_addr[3:0];
			stop <= span[7:0];
			left <= span[16:8];
			bu_first <= 1'b1;
			bu_side <= rq_side;
		end else if (bu_ready) begin
			block <= block + 56'd1;
			start <= 4'd0;
			left <= left - 9'd1;
			bu_first <= 1'b0;
		end
	end

`ifndef SYNTHESIS
	always_ff @(posedge clk)
		if (!rst && rq_valid && rq_ready && rq_len == 16'd0) $fatal(1, "weft_dma_cut: length 0");
`endif
endmodule
