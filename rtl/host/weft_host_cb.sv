// SPDX-License-Identifier: BSD-2-Clause
// weft_host_cb: the host block's slave on the core bus: queue pair contexts, log ring, shared words, completion registers.
// Latency: grant at once, answer in the next cycle. Throughput: one access per cycle.
// Back-pressure: grant waits for room in the completion queue (CPL_PUSH), for a quiet cycle (ctrl start), and while all
// slots of a pair are taken back (ctrl 2: up to 1,024 cycles).
module weft_host_cb (
	input  logic        clk,
	input  logic        rst,
	input  logic        cb_req,
	input  logic        cb_we,
	input  logic [3:0]  cb_be,
	input  logic [31:0] cb_addr,
	input  logic [31:0] cb_wdata,
	output logic        cb_gnt,
	output logic        cb_rvalid,
	output logic [31:0] cb_rdata,
	// queue pair contexts
	output logic        cfg_we,
	output logic [6:0]  cfg_qp,
	output logic [2:0]  cfg_word,
	output logic [31:0] cfg_data,
	output logic        start,
	input  logic        start_hold,
	output logic        stop,
	output logic [6:0]  stop_qp,
	output logic [6:0]  qp, // pair whose state is read
	input  logic        qp_en,
	input  logic [15:0] qp_head,
	input  logic [15:0] qp_tail,
	input  logic [15:0] qp_space,
	input  logic [15:0] qp_base,
	input  logic [3:0]  qp_log2,
	// slots
	output logic        swp_req,
	output logic [10:0] swp_slot,
	input  logic        swp_gnt,
	// completions
	output logic        op_we,
	output logic [2:0]  op_idx,
	output logic        push_valid,
	input  logic        push_ready,
	input  logic [5:0]  push_room,
	// log ring and shared words
	output logic        log_we,
	input  logic [31:0] log_rdata,
	output logic        fw_we,
	input  logic [31:0] fw_rdata
);
	// ---- decode ----
	logic is_qp;
	logic is_log;
	logic is_mmio;
	logic [31:0] off;
	logic wr; // a write asked for
	logic ctrl;
	logic ctrl_start;
	logic ctrl_free;
	logic hold;
	logic swept;

	assign is_qp = cb_addr[31:12] == QPCTX_BASE[31:12];
	assign is_log = cb_addr[31:12] == LOG_BASE[31:12];
	assign is_mmio = cb_addr[31:12] == MMIO_BASE[31:12];
	assign off = {20'd0, cb_addr[11:2], 2'd0};
	assign wr = cb_req && cb_we;
	assign cfg_qp = cb_addr[11:5];
	assign cfg_word = cb_addr[4:2];
	assign cfg_data = cb_wdata;
	assign ctrl = wr && is_qp && cfg_word == 3'd6;
	assign ctrl_start = ctrl && cb_wdata == 32'd1;
	assign ctrl_free = ctrl && cb_wdata == 32'd2;
	assign push_valid = wr && is_mmio && off == weft_eng_pkg::CPL_PUSH;
	assign hold = (push_valid && !push_ready) || (ctrl_start && start_hold) || (ctrl_free && !swept);
	assign cb_gnt = cb_req && !hold;

	assign cfg_we = wr && is_qp && cb_gnt;
	assign start = ctrl_start && cb_gnt;
	assign stop = (ctrl && cb_wdata == 32'd0) ||
		      (wr && is_mmio && off == weft_eng_pkg::QP_STOP && cb_wdata[31:7] == 25'd0);
	assign stop_qp = is_qp ? cfg_qp : cb_wdata[6:0];
	assign op_we = wr && is_mmio && off >= weft_eng_pkg::CPL_QP && off <= weft_eng_pkg::CPL_DW3;
	assign op_idx = off[4:2];
	assign log_we = wr && is_log;
	assign fw_we = wr && is_mmio;

	localparam logic [31:0] QPCTX_BASE = weft_eng_pkg::QPCTX_BASE;
	localparam logic [31:0] LOG_BASE = weft_eng_pkg::LOG_BASE;
	localparam logic [31:0] MMIO_BASE = weft_eng_pkg::MMIO_BASE;

	// ---- the words of the contexts as written, for reading back ----
	logic [31:0] mem [0:1023];
	logic [31:0] mem_q;
	always_ff @(posedge clk) begin
		if (cfg_we) mem[cb_addr[11:2]] <= cb_wdata;
		mem_q <= mem[cb_addr[11:2]];
	end

	// ---- slots taken back ----
	typedef enum logic [1:0] {W_IDLE, W_LOAD, W_RUN, W_DONE} state_t;
	state_t state;
	logic [11:0] slot;
	logic [10:0] left;
	assign swept = state == W_DONE;
	assign swp_req = state == W_RUN;
	assign swp_slot = slot[10:0];
	always_ff @(posedge clk) begin
		if (rst) begin
			state <= W_IDLE;
			slot <= 12'd0;
			left <= 11'd0;
		end else begin
			case (state)
			W_IDLE: if (ctrl_free) state <= W_LOAD;
			W_LOAD: begin
				slot <= {1'b0, qp_base[10:0]};
				left <= 11'd1 << qp_log2;
				state <= qp_base[15:11] != 5'd0 ? W_DONE : W_RUN;
			end
			W_RUN: if (swp_gnt) begin
				slot <= slot + 12'd1;
				left <= left - 11'd1;
				if (left == 11'd1 || slot == 12'd2047) state <= W_DONE;
			end
			default: state <= W_IDLE;
			endcase
		end
	end

	// ---- reads ----
	logic [6:0] space_qp;
	logic [1:0] sel; // 0 register, 1 context word, 2 log
	logic [31:0] reg_q;
	logic [31:0] value;
	assign qp = is_qp ? cfg_qp : space_qp;
	assign cb_rdata = sel == 2'd1 ? mem_q : sel == 2'd2 ? log_rdata : reg_q;
	always_comb begin
		value = fw_rdata;
		if (is_qp) value = cfg_word == 3'd6 ? {31'd0, qp_en} : {qp_tail, qp_head};
		else if (off == weft_eng_pkg::CPL_FREE) value = {26'd0, push_room};
		else if (off == weft_eng_pkg::CQ_SPACE) value = {16'd0, qp_space};
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			cb_rvalid <= 1'b0;
			space_qp <= 7'd0;
		end else begin
			cb_rvalid <= cb_gnt;
			if (wr && is_mmio && off == weft_eng_pkg::CQ_SPACE) space_qp <= cb_wdata[6:0];
		end
		reg_q <= is_qp || is_mmio ? value : 32'd0;
		sel <= is_log ? 2'd2 : is_qp && cfg_word < 3'd6 ? 2'd1 : 2'd0;
	end

	logic unused;
	assign unused = &{1'b0, cb_be, cb_addr[1:0], QPCTX_BASE[11:0], LOG_BASE[11:0], MMIO_BASE[11:0]};
endmodule
