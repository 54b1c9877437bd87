// SPDX-License-Identifier: BSD-2-Clause
// weft_core_decode: 32-bit instruction to control signals and immediate.
// RV32IM, Zba, Zbb, Zicsr, Zifencei and the machine-mode system instructions. Combinational.
// Whether a CSR exists is not decided here but by weft_core_csr, one stage later.
module weft_core_decode (
	input  logic [31:0]           insn,
	output weft_core_pkg::ctrl_t  ctrl,
	output logic [31:0]           imm
);
	logic [2:0] f3;
	logic [6:0] f7;

	assign f3 = insn[14:12];
	assign f7 = insn[31:25];

	// Immediate by format; I is the default.
	always_comb begin
		case (insn[6:2])
		5'h08: imm = {{20{insn[31]}}, insn[31:25], insn[11:7]};
		5'h05, 5'h0d: imm = {insn[31:12], 12'b0};
		5'h18: imm = {{20{insn[31]}}, insn[7], insn[30:25], insn[11:8], 1'b0};
		5'h1b: imm = {{12{insn[31]}}, insn[19:12], insn[20], insn[30:21], 1'b0};
		5'h1c: imm = {27'b0, insn[19:15]}; // CSR immediate
		default: imm = {{20{insn[31]}}, insn[31:20]};
		endcase
	end

	// Register-register operations. {found, op}
	logic [5:0] op_rr;
	always_comb begin
		case ({f7, f3})
		{7'h00, 3'd0}: op_rr = {1'b1, weft_core_pkg::ALU_ADD};
		{7'h20, 3'd0}: op_rr = {1'b1, weft_core_pkg::ALU_SUB};
		{7'h00, 3'd1}: op_rr = {1'b1, weft_core_pkg::ALU_SLL};
		{7'h00, 3'd2}: op_rr = {1'b1, weft_core_pkg::ALU_SLT};
		{7'h00, 3'd3}: op_rr = {1'b1, weft_core_pkg::ALU_SLT};
		{7'h00, 3'd4}: op_rr = {1'b1, weft_core_pkg::ALU_XOR};
		{7'h00, 3'd5}: op_rr = {1'b1, weft_core_pkg::ALU_SRL};
		{7'h20, 3'd5}: op_rr = {1'b1, weft_core_pkg::ALU_SRA};
		{7'h00, 3'd6}: op_rr = {1'b1, weft_core_pkg::ALU_OR};
		{7'h00, 3'd7}: op_rr = {1'b1, weft_core_pkg::ALU_AND};
		{7'h10, 3'd2}: op_rr = {1'b1, weft_core_pkg::ALU_SH1ADD};
		{7'h10, 3'd4}: op_rr = {1'b1, weft_core_pkg::ALU_SH2ADD};
		{7'h10, 3'd6}: op_rr = {1'b1, weft_core_pkg::ALU_SH3ADD};
		{7'h20, 3'd7}: op_rr = {1'b1, weft_core_pkg::ALU_ANDN};
		{7'h20, 3'd6}: op_rr = {1'b1, weft_core_pkg::ALU_ORN};
		{7'h20, 3'd4}: op_rr = {1'b1, weft_core_pkg::ALU_XNOR};
		{7'h05, 3'd4}, {7'h05, 3'd5}: op_rr = {1'b1, weft_core_pkg::ALU_MIN};
		{7'h05, 3'd6}, {7'h05, 3'd7}: op_rr = {1'b1, weft_core_pkg::ALU_MAX};
		{7'h30, 3'd1}: op_rr = {1'b1, weft_core_pkg::ALU_ROL};
		{7'h30, 3'd5}: op_rr = {1'b1, weft_core_pkg::ALU_ROR};
		{7'h04, 3'd4}: op_rr = {insn[24:20] == 5'd0, weft_core_pkg::ALU_ZEXTH};
		default: op_rr = 6'd0;
		endcase
	end

	// Single-operand operations that hide behind slli's funct3. {found, op}
	logic [5:0] op_unary;
	always_comb begin
		case (insn[24:20])
		5'd0: op_unary = {1'b1, weft_core_pkg::ALU_CLZ};
		5'd1: op_unary = {1'b1, weft_core_pkg::ALU_CTZ};
		5'd2: op_unary = {1'b1, weft_core_pkg::ALU_CPOP};
		5'd4: op_unary = {1'b1, weft_core_pkg::ALU_SEXTB};
		5'd5: op_unary = {1'b1, weft_core_pkg::ALU_SEXTH};
		default: op_unary = 6'd0;
		endcase
	end

	// Register-immediate operations. {found, op}
	logic [5:0] op_ri;
	always_comb begin
		op_ri = 6'd0;
		case (f3)
		3'd0: op_ri = {1'b1, weft_core_pkg::ALU_ADD};
		3'd1: begin
			if (f7 == 7'h00)
				op_ri = {1'b1, weft_core_pkg::ALU_SLL};
			else if (f7 == 7'h30)
				op_ri = op_unary;
		end
		3'd2, 3'd3: op_ri = {1'b1, weft_core_pkg::ALU_SLT};
		3'd4: op_ri = {1'b1, weft_core_pkg::ALU_XOR};
		3'd5: begin
			if (f7 == 7'h00)
				op_ri = {1'b1, weft_core_pkg::ALU_SRL};
			else if (f7 == 7'h20)
				op_ri = {1'b1, weft_core_pkg::ALU_SRA};
			else if (f7 == 7'h30)
				op_ri = {1'b1, weft_core_pkg::ALU_ROR};
			else if (insn[31:20] == 12'h287)
				op_ri = {1'b1, weft_core_pkg::ALU_ORCB};
			else if (insn[31:20] == 12'h698)
				op_ri = {1'b1, weft_core_pkg::ALU_REV8};
		end
		3'd6: op_ri = {1'b1, weft_core_pkg::ALU_OR};
		default: op_ri = {1'b1, weft_core_pkg::ALU_AND};
		endcase
	end

	always_comb begin
		ctrl = '0;
		ctrl.funct3 = f3;
		ctrl.alu_op = weft_core_pkg::ALU_ADD;
		ctrl.b_imm = 1'b1;
		case (insn[6:0])
		7'h03: begin // LOAD
			ctrl.load = 1'b1;
			ctrl.uses_rs1 = 1'b1;
			ctrl.rd_we = 1'b1;
			ctrl.illegal = f3 == 3'd3 || f3 == 3'd6 || f3 == 3'd7;
		end
		7'h0f: begin // FENCE orders nothing here: one access at a time, in order
			ctrl.fence_i = f3 == 3'd1;
			ctrl.illegal = f3 > 3'd1;
		end
		7'h13: begin // OP-IMM
			ctrl.uses_rs1 = 1'b1;
			ctrl.rd_we = 1'b1;
			{ctrl.illegal, ctrl.alu_op} = {!op_ri[5], op_ri[4:0]};
			ctrl.cmp_unsigned = f3[0];
		end
		7'h17: begin // AUIPC
			ctrl.auipc = 1'b1;
			ctrl.rd_we = 1'b1;
		end
		7'h23: begin // STORE
			ctrl.store = 1'b1;
			ctrl.uses_rs1 = 1'b1;
			ctrl.uses_rs2 = 1'b1;
			ctrl.illegal = f3 > 3'd2;
		end
		7'h33: begin // OP
			ctrl.uses_rs1 = 1'b1;
			ctrl.uses_rs2 = 1'b1;
			ctrl.rd_we = 1'b1;
			ctrl.b_imm = 1'b0;
			ctrl.alu_op = op_rr[4:0];
			ctrl.cmp_unsigned = f3[0];
			ctrl.mul = f7 == 7'h01 && !f3[2];
			ctrl.div = f7 == 7'h01 && f3[2];
			ctrl.illegal = !op_rr[5] && f7 != 7'h01;
		end
		7'h37: begin // LUI
			ctrl.alu_op = weft_core_pkg::ALU_PASSB;
			ctrl.rd_we = 1'b1;
		end
		7'h63: begin // BRANCH
			ctrl.branch = 1'b1;
			ctrl.uses_rs1 = 1'b1;
			ctrl.uses_rs2 = 1'b1;
			ctrl.b_imm = 1'b0;
			ctrl.cmp_unsigned = f3[1];
			ctrl.illegal = f3[2:1] == 2'b01;
		end
		7'h67: begin // JALR
			ctrl.jalr = 1'b1;
			ctrl.uses_rs1 = 1'b1;
			ctrl.rd_we = 1'b1;
			ctrl.illegal = f3 != 3'd0;
		end
		7'h6f: begin // JAL
			ctrl.jal = 1'b1;
			ctrl.rd_we = 1'b1;
		end
		7'h73: begin // SYSTEM
			if (f3[1:0] != 2'd0) begin
				ctrl.csr = 1'b1;
				ctrl.csr_we = f3[1:0] == 2'd1 || insn[19:15] != 5'd0;
				ctrl.uses_rs1 = !f3[2];
				ctrl.rd_we = 1'b1;
			end else begin
				ctrl.ecall = insn[31:7] == 25'h0;
				ctrl.ebreak = insn[31:7] == {12'h001, 13'h0};
				ctrl.mret = insn[31:7] == {12'h302, 13'h0};
				ctrl.wfi = insn[31:7] == {12'h105, 13'h0};
				ctrl.illegal = !(ctrl.ecall || ctrl.ebreak || ctrl.mret
						 || ctrl.wfi);
			end
		end
		default: ctrl.illegal = 1'b1;
		endcase
	end
endmodule
