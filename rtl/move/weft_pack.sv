// SPDX-License-Identifier: BSD-2-Clause
// weft_pack: joins beats of 0..16 bytes into full beats, message by message.
// A message ends with in_last (its beat may hold 0 bytes). Every beat out is full except the one with out_last, whose bytes at and
// above out_cnt are zero; a message of no bytes comes out as one beat of cnt 0.
// Latency: one cycle. Throughput: one beat per cycle; a last beat that does not fit beside the bytes held takes one cycle more.
// Back-pressure: in_ready falls while the output register waits for out_ready (it depends on out_ready in the same cycle) or
// during that extra cycle.
module weft_pack (
	input  logic         clk,
	input  logic         rst,
	input  logic         in_valid,
	output logic         in_ready,
	input  logic [127:0] in_data,
	input  logic [4:0]   in_cnt,
	input  logic         in_last,
	output logic         out_valid,
	input  logic         out_ready,
	output logic [127:0] out_data,
	output logic [4:0]   out_cnt,
	output logic         out_last
);
	logic [127:0] held, masked;
	logic [3:0]   held_cnt;
	logic         tail; // the rest of a message stands in held
	logic [255:0] joined;
	logic [5:0]   total;
	logic         free;

	assign free = !out_valid || out_ready;
	assign in_ready = free && !tail;
	assign total = {2'b0, held_cnt} + {1'b0, in_cnt};

	always_comb begin
		for (int i = 0; i < 16; i = i + 1)
			masked[i*8 +: 8] = 5'(i) < in_cnt ? in_data[i*8 +: 8] : 8'd0;
		joined = {128'd0, masked} << {held_cnt, 3'b000};
		joined[127:0] = joined[127:0] | held;
	end

	always_ff @(posedge clk) begin
		if (free) begin
			out_valid <= 1'b0;
			if (tail) begin
				out_valid <= 1'b1;
				out_data <= held;
				out_cnt <= {1'b0, held_cnt};
				out_last <= 1'b1;
				held <= '0;
				held_cnt <= '0;
				tail <= 1'b0;
			end else if (in_valid) begin
				out_valid <= total >= 6'd16 || in_last;
				out_data <= joined[127:0];
				out_cnt <= total >= 6'd16 ? 5'd16 : total[4:0];
				out_last <= in_last && total <= 6'd16;
				tail <= in_last && total > 6'd16;
				if (total >= 6'd16) begin
					held <= joined[255:128];
					held_cnt <= total[3:0];
				end else begin
					held <= in_last ? 128'd0 : joined[127:0];
					held_cnt <= in_last ? 4'd0 : total[3:0];
				end
			end
		end
		if (rst) begin
			out_valid <= 1'b0;
			out_last <= 1'b0;
			held <= '0;
			held_cnt <= '0;
			tail <= 1'b0;
		end
	end
endmodule
