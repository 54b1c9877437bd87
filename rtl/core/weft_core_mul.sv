// SPDX-License-Identifier: BSD-2-Clause
// weft_core_mul: 32 x 32 multiplier, all four RISC-V products.
// Latency one cycle (four partial products are registered, then summed combinationally), one per cycle,
// no back-pressure: the product of the operands present with en is valid until the next en.
module weft_core_mul (
	input  logic        clk,
	input  logic        en,
	input  logic [1:0]  op, // funct3[1:0]: mul, mulh, mulhsu, mulhu
	input  logic [31:0] a,
	input  logic [31:0] b,
	output logic [31:0] product
);
	// Low halves are unsigned; high halves carry the sign in a 17th bit.
	logic signed [16:0] a_lo, a_hi, b_lo, b_hi;
	assign a_lo = {1'b0, a[15:0]};
	assign b_lo = {1'b0, b[15:0]};
	assign a_hi = {op != 2'd3 && a[31], a[31:16]};
	assign b_hi = {!op[1] && b[31], b[31:16]};

	logic signed [33:0] ll, lh, hl, hh;
	logic high;
	always_ff @(posedge clk) begin
		if (en) begin
			ll <= a_lo * b_lo;
			lh <= a_lo * b_hi;
			hl <= a_hi * b_lo;
			hh <= a_hi * b_hi;
			high <= op != 2'd0;
		end
	end

	logic [34:0] mid;
	logic [63:0] full;
	assign mid = {lh[33], lh} + {hl[33], hl};
	assign full = {hh[31:0], ll[31:0]} + {{13{mid[34]}}, mid, 16'b0};
	assign product = high ? full[63:32] : full[31:0];

	logic unused_bits;
	assign unused_bits = &{1'b0, ll[33:32], hh[33:32]};
endmodule
