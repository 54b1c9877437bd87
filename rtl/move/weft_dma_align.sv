// SPDX-License-Identifier: BSD-2-Clause
// weft_dma_align: packs the read beats of a request so that its first byte becomes byte 0 of its first packed beat.
// Bursts of different clients may alternate; what is left over of a request waits in a register of its client.
// Latency: one cycle. Throughput: one beat per cycle; in_ready falls for one cycle where the last beat of a request
// yields two packed ones. Back-pressure: none at the output, the room was reserved before.
module weft_dma_align #(
	parameter int unsigned N = 7 // clients
) (
	input  logic         clk,
	input  logic         rst,
	input  logic         in_valid,
	output logic         in_ready,
	input  logic [127:0] in_data,
	input  logic         in_err,
	input  logic [2:0]   in_client,
	input  logic         in_first, // first beat of the request
	input  logic         in_last, // last beat of the request
	input  logic [3:0]   in_off, // position of the request's first byte in its first beat
	input  logic [3:0]   in_end, // position of its last byte in its last beat
	output logic [N-1:0] out_push, // one bit per client
	output logic [127:0] out_data,
	output logic [4:0]   out_cnt, // 1..16
	output logic         out_last,
	output logic         out_err,
	output logic [N-1:0] out_surplus // one beat less came out than went in
);
	(* ram_style = "distributed" *) logic [127:0] rest [0:7]; // the last beat of each client
	logic [7:0] err; // of the request each client has under way
	logic flush;
	logic [2:0] flush_client;
	logic [3:0] flush_off;
	logic [3:0] flush_end;

	logic take;
	logic [2:0] client;
	logic [3:0] off;
	logic [127:0] kept;
	logic [127:0] low;
	logic [255:0] pair;
	logic [127:0] shifted;
	logic [127:0] shifted_out_unused;
	logic whole; // a packed beat comes out now
	logic again; // and another one in the next cycle
	logic err_now;
	logic [4:0] tail; // bytes there are for the last packed beat, less those kept

	assign in_ready = !flush;
	assign take = in_valid && in_ready;
	assign client = flush ? flush_client : in_client;
	assign off = flush ? flush_off : in_off;
	assign kept = rest[client];
	assign low = !flush && (in_first || off == 4'd0) ? in_data : kept;
	assign pair = {in_data, low};
	assign {shifted_out_unused, shifted} = pair >> {off, 3'd0};
	assign whole = in_last || !in_first || in_off == 4'd0;
	assign again = take && in_last && !in_first && in_off != 4'd0 && in_end >= in_off;
	assign err_now = in_err || (!in_first && err[in_client]);

	always_comb begin
		if (flush) tail = {1'b0, flush_end} - {1'b0, flush_off} + 5'd1;
		else if (!in_last || again) tail = 5'd16;
		else if (in_first || in_off == 4'd0) tail = {1'b0, in_end} - {1'b0, in_off} + 5'd1;
		else tail = 5'd17 - {1'b0, in_off} + {1'b0, in_end};
	end

	always_ff @(posedge clk) if (take) rest[in_client] <= in_data;
	always_ff @(posedge clk) begin
		if (take) err[in_client] <= err_now;
		flush_client <= in_client;
		flush_off <= in_off;
		flush_end <= in_end;
		out_data <= shifted;
		out_cnt <= tail;
		out_last <= flush || (in_last && !again);
		out_err <= (flush ? err[flush_client] : err_now) && (flush || (in_last && !again));
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			flush <= 1'b0;
			out_push <= '0;
			out_surplus <= '0;
		end else begin
			flush <= again;
			out_push <= '0;
			out_surplus <= '0;
			if (flush || (take && whole)) out_push[client] <= 1'b1;
			if (take && in_last && !in_first && in_off != 4'd0 && !again) out_surplus[client] <= 1'b1;
		end
	end
endmodule
