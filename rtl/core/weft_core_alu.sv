// SPDX-License-Identifier: BSD-2-Clause
// weft_core_alu: integer, Zba and Zbb operations and the comparison that branches use. Combinational.
module weft_core_alu (
	input  logic [4:0]  op,
	input  logic        cmp_unsigned,
	input  logic [31:0] a,
	input  logic [31:0] b,
	output logic [31:0] result,
	output logic        eq,
	output logic        lt
);
	// Sum, with the shifted first operand of Zba.
	logic [31:0] a_sh, sum;
	always_comb begin
		case (op)
		weft_core_pkg::ALU_SH1ADD: a_sh = {a[30:0], 1'b0};
		weft_core_pkg::ALU_SH2ADD: a_sh = {a[29:0], 2'b0};
		weft_core_pkg::ALU_SH3ADD: a_sh = {a[28:0], 3'b0};
		default: a_sh = a;
		endcase
	end
	assign sum = a_sh + b;

	// Difference and comparison.
	logic [32:0] diff;
	assign diff = {!cmp_unsigned && a[31], a} - {!cmp_unsigned && b[31], b};
	assign lt = diff[32];
	assign eq = a == b;

	// All shifts are one rotate to the right and a mask.
	logic left, keep_all, fill;
	logic [4:0] amount;
	logic [31:0] rot, mask, shifted;
	assign left = op == weft_core_pkg::ALU_SLL || op == weft_core_pkg::ALU_ROL;
	assign keep_all = op == weft_core_pkg::ALU_ROL || op == weft_core_pkg::ALU_ROR;
	assign fill = op == weft_core_pkg::ALU_SRA && a[31];
	assign amount = left ? -b[4:0] : b[4:0];
	always_comb begin
		rot = a;
		if (amount[0]) rot = {rot[0], rot[31:1]};
		if (amount[1]) rot = {rot[1:0], rot[31:2]};
		if (amount[2]) rot = {rot[3:0], rot[31:4]};
		if (amount[3]) rot = {rot[7:0], rot[31:8]};
		if (amount[4]) rot = {rot[15:0], rot[31:16]};
	end
	assign mask = keep_all ? '1 : left ? 32'hffff_ffff << b[4:0] : 32'hffff_ffff >> b[4:0];
	assign shifted = (rot & mask) | ({32{fill}} & ~mask);

	// Leading or trailing zeros by halving, and the population count by nibbles.
	logic [31:0] z32;
	logic [15:0] z16;
	logic [7:0] z8;
	logic [3:0] z4;
	logic [1:0] z2;
	logic [4:0] zeros;
	always_comb begin
		for (int i = 0; i < 32; i = i + 1)
			z32[i] = op == weft_core_pkg::ALU_CTZ ? a[31 - i] : a[i];
		zeros[4] = z32[31:16] == '0;
		z16 = zeros[4] ? z32[15:0] : z32[31:16];
		zeros[3] = z16[15:8] == '0;
		z8 = zeros[3] ? z16[7:0] : z16[15:8];
		zeros[2] = z8[7:4] == '0;
		z4 = zeros[2] ? z8[3:0] : z8[7:4];
		zeros[1] = z4[3:2] == '0;
		z2 = zeros[1] ? z4[1:0] : z4[3:2];
		zeros[0] = !z2[1];
	end

	logic [23:0] nib;
	logic [5:0] ones;
	always_comb begin
		for (int i = 0; i < 8; i = i + 1)
			nib[3 * i +: 3] = {2'b0, a[4 * i]} + {2'b0, a[4 * i + 1]}
				+ {2'b0, a[4 * i + 2]} + {2'b0, a[4 * i + 3]};
	end
	assign ones = (({3'b0, nib[2:0]} + {3'b0, nib[5:3]}) + ({3'b0, nib[8:6]} + {3'b0, nib[11:9]}))
		+ (({3'b0, nib[14:12]} + {3'b0, nib[17:15]})
		   + ({3'b0, nib[20:18]} + {3'b0, nib[23:21]}));

	always_comb begin
		case (op)
		weft_core_pkg::ALU_SUB: result = diff[31:0];
		weft_core_pkg::ALU_SLT: result = {31'b0, lt};
		weft_core_pkg::ALU_SLL, weft_core_pkg::ALU_SRL, weft_core_pkg::ALU_SRA,
		weft_core_pkg::ALU_ROL, weft_core_pkg::ALU_ROR: result = shifted;
		weft_core_pkg::ALU_XOR: result = a ^ b;
		weft_core_pkg::ALU_OR: result = a | b;
		weft_core_pkg::ALU_AND: result = a & b;
		weft_core_pkg::ALU_XNOR: result = ~(a ^ b);
		weft_core_pkg::ALU_ORN: result = a | ~b;
		weft_core_pkg::ALU_ANDN: result = a & ~b;
		weft_core_pkg::ALU_MIN: result = lt ? a : b;
		weft_core_pkg::ALU_MAX: result = lt ? b : a;
		weft_core_pkg::ALU_CLZ, weft_core_pkg::ALU_CTZ:
			result = z2 == '0 ? 32'd32 : {27'b0, zeros};
		weft_core_pkg::ALU_CPOP: result = {26'b0, ones};
		weft_core_pkg::ALU_SEXTB: result = {{24{a[7]}}, a[7:0]};
		weft_core_pkg::ALU_SEXTH: result = {{16{a[15]}}, a[15:0]};
		weft_core_pkg::ALU_ZEXTH: result = {16'b0, a[15:0]};
		weft_core_pkg::ALU_ORCB:
			result = {{8{|a[31:24]}}, {8{|a[23:16]}}, {8{|a[15:8]}}, {8{|a[7:0]}}};
		weft_core_pkg::ALU_REV8: result = {a[7:0], a[15:8], a[23:16], a[31:24]};
		weft_core_pkg::ALU_PASSB: result = b;
		default: result = sum;
		endcase
	end
endmodule
