// SPDX-License-Identifier: BSD-2-Clause
// weft_core_div: iterative divider, quotient or remainder, signed or unsigned.
// One bit per cycle after the leading zeros of the dividend have been skipped bytewise: 4 to 34 cycles.
// req holds with stable operands until done, which lasts until ack; kill abandons the division.
// Division by zero and overflow give what the specification says, without a trap.
module weft_core_div (
	input  logic        clk,
	input  logic        rst,
	input  logic        req,
	input  logic [1:0]  op, // funct3[1:0]: div, divu, rem, remu
	input  logic [31:0] a,
	input  logic [31:0] b,
	input  logic        ack,
	input  logic        kill,
	output logic        done,
	output logic [31:0] result
);
	localparam logic [1:0] IDLE = 2'd0;
	localparam logic [1:0] SKIP = 2'd1;
	localparam logic [1:0] RUN = 2'd2;
	localparam logic [1:0] DONE = 2'd3;

	logic [1:0] state;
	logic [5:0] left; // quotient bits still to find
	logic [31:0] quo, rem, den;
	logic neg_q, neg_r;
	logic is_signed;
	logic [32:0] trial;

	assign is_signed = !op[0];
	assign trial = {rem, quo[31]} - {1'b0, den};
	assign done = state == DONE;

	always_ff @(posedge clk) begin
		case (state)
		IDLE: begin
			quo <= is_signed && a[31] ? -a : a;
			den <= is_signed && b[31] ? -b : b;
			rem <= '0;
			neg_q <= is_signed && a[31] != b[31] && b != '0;
			neg_r <= is_signed && a[31];
			left <= 6'd32;
			if (req)
				state <= SKIP;
		end
		SKIP: begin // zero bytes at the top of the dividend give zero quotient bits
			if (quo[31:24] == '0 && left > 6'd8 && den != '0) begin
				quo <= {quo[23:0], 8'b0};
				left <= left - 6'd8;
			end else begin
				state <= RUN;
			end
		end
		RUN: begin
			quo <= {quo[30:0], !trial[32]};
			rem <= trial[32] ? {rem[30:0], quo[31]} : trial[31:0];
			left <= left - 6'd1;
			if (left == 6'd1)
				state <= DONE;
		end
		default: begin
			if (ack)
				state <= IDLE;
		end
		endcase
		if (rst || kill)
			state <= IDLE;
	end

	always_comb begin
		if (op[1])
			result = neg_r ? -rem : rem;
		else
			result = neg_q ? -quo : quo;
	end
endmodule
