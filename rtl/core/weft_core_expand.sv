// SPDX-License-Identifier: BSD-2-Clause
// weft_core_expand: turns a 16-bit RV32C instruction into its 32-bit equivalent.
// Combinational. Reserved encodings and those of absent extensions (F, D, RV64) raise illegal; hints
// expand to instructions without effect. c[1:0] == 3 is not a compressed instruction: result unused.
module weft_core_expand (
	input  logic [15:0] c,
	output logic [31:0] insn,
	output logic        illegal
);
	localparam logic [6:0] LOAD = 7'h03;
	localparam logic [6:0] OPIMM = 7'h13;
	localparam logic [6:0] STORE = 7'h23;
	localparam logic [6:0] OP = 7'h33;
	localparam logic [6:0] LUI = 7'h37;
	localparam logic [6:0] BRANCH = 7'h63;
	localparam logic [6:0] JALR = 7'h67;
	localparam logic [6:0] JAL = 7'h6f;

	logic [4:0] rd, rs2, rdp, rs2p;
	logic [11:0] imm6, lw_imm, lwsp_imm, swsp_imm, addi4_imm, addi16_imm;
	logic [12:1] b_imm;
	logic [20:1] j_imm;

	assign rd = c[11:7];
	assign rs2 = c[6:2];
	assign rdp = {2'b01, c[9:7]};
	assign rs2p = {2'b01, c[4:2]};
	assign imm6 = {{7{c[12]}}, c[6:2]};
	assign lw_imm = {5'b0, c[5], c[12:10], c[6], 2'b0};
	assign lwsp_imm = {4'b0, c[3:2], c[12], c[6:4], 2'b0};
	assign swsp_imm = {4'b0, c[8:7], c[12:9], 2'b0};
	assign addi4_imm = {2'b0, c[10:7], c[12:11], c[5], c[6], 2'b0};
	assign addi16_imm = {{3{c[12]}}, c[4:3], c[5], c[2], c[6], 4'b0};
	assign b_imm = {{5{c[12]}}, c[6:5], c[2], c[11:10], c[4:3]};
	assign j_imm = {{10{c[12]}}, c[8], c[10:9], c[6], c[7], c[2], c[11], c[5:3]};

	logic [31:0] q0, q1, q2, alu;
	logic ill0, ill1, ill2, ill_alu;

	// Quadrant 0: stack-relative address, loads and stores with short registers.
	always_comb begin
		q0 = {addi4_imm, 5'd2, 3'b000, rs2p, OPIMM};
		ill0 = 1'b0;
		case (c[15:13])
		3'b000: ill0 = c[12:5] == 8'd0;
		3'b010: q0 = {lw_imm, rdp, 3'b010, rs2p, LOAD};
		3'b110: q0 = {lw_imm[11:5], rs2p, rdp, 3'b010, lw_imm[4:0], STORE};
		default: ill0 = 1'b1;
		endcase
	end

	// Quadrant 1, funct3 100: register arithmetic.
	always_comb begin
		alu = {7'h00, rs2p, rdp, 3'b111, rdp, OP};
		ill_alu = c[12];
		case (c[11:10])
		2'b00: alu = {7'h00, rs2, rdp, 3'b101, rdp, OPIMM};
		2'b01: alu = {7'h20, rs2, rdp, 3'b101, rdp, OPIMM};
		2'b10: begin
			alu = {imm6, rdp, 3'b111, rdp, OPIMM};
			ill_alu = 1'b0;
		end
		default: case (c[6:5])
			2'b00: alu = {7'h20, rs2p, rdp, 3'b000, rdp, OP};
			2'b01: alu = {7'h00, rs2p, rdp, 3'b100, rdp, OP};
			2'b10: alu = {7'h00, rs2p, rdp, 3'b110, rdp, OP};
			default: ;
			endcase
		endcase
	end

	// Quadrant 1: immediates, jumps and branches.
	always_comb begin
		q1 = {imm6, rd, 3'b000, rd, OPIMM};
		ill1 = 1'b0;
		case (c[15:13])
		3'b001: q1 = {j_imm[20], j_imm[10:1], j_imm[11], j_imm[19:12], 5'd1, JAL};
		3'b010: q1 = {imm6, 5'd0, 3'b000, rd, OPIMM};
		3'b011: begin
			q1 = {{15{c[12]}}, c[6:2], rd, LUI};
			if (rd == 5'd2)
				q1 = {addi16_imm, 5'd2, 3'b000, 5'd2, OPIMM};
			ill1 = {c[12], c[6:2]} == 6'd0;
		end
		3'b100: begin
			q1 = alu;
			ill1 = ill_alu;
		end
		3'b101: q1 = {j_imm[20], j_imm[10:1], j_imm[11], j_imm[19:12], 5'd0, JAL};
		3'b110, 3'b111:
			q1 = {b_imm[12], b_imm[10:5], 5'd0, rdp, 2'b00, c[13], b_imm[4:1],
			      b_imm[11], BRANCH};
		default: ;
		endcase
	end

	// Quadrant 2: shifts, stack loads and stores, register jumps and moves.
	always_comb begin
		q2 = {7'h00, rs2, rd, 3'b001, rd, OPIMM};
		ill2 = 1'b0;
		case (c[15:13])
		3'b000: ill2 = c[12];
		3'b010: begin
			q2 = {lwsp_imm, 5'd2, 3'b010, rd, LOAD};
			ill2 = rd == 5'd0;
		end
		3'b100: begin
			if (rs2 != 5'd0) begin // c.mv, c.add
				q2 = {7'h00, rs2, c[12] ? rd : 5'd0, 3'b000, rd, OP};
			end else if (rd != 5'd0) begin // c.jr, c.jalr
				q2 = {12'd0, rd, 3'b000, 4'd0, c[12], JALR};
			end else begin
				q2 = 32'h0010_0073; // c.ebreak
				ill2 = !c[12];
			end
		end
		3'b110: q2 = {swsp_imm[11:5], rs2, 5'd2, 3'b010, swsp_imm[4:0], STORE};
		default: ill2 = 1'b1;
		endcase
	end

	always_comb begin
		case (c[1:0])
		2'b00: {illegal, insn} = {ill0, q0};
		2'b01: {illegal, insn} = {ill1, q1};
		default: {illegal, insn} = {ill2, q2};
		endcase
	end
endmodule
