// SPDX-License-Identifier: BSD-2-Clause
// weft_host_regs: the host's registers: decode, global registers, doorbell pulses, reset sequence; and the words that
// firmware and host share. One write pulse and one read at a time, never held.
// CTRL.RESET: the core stops, the DMA engines drain, then soft_rst is high for 16 cycles. soft_rst also clears
// here what belongs to the firmware of before: its status words and the admin ring. The watchdog's reset is the same.
module weft_host_regs (
	input  logic        clk,
	input  logic        rst,
	// host
	input  logic        wr_valid,
	input  logic [19:0] wr_addr,
	input  logic [31:0] wr_data,
	input  logic        wr_whole,
	input  logic        rd_valid,
	input  logic [19:0] rd_addr,
	output logic [31:0] rd_data, // the cycle after rd_valid
	output logic [9:0]  log_addr,
	input  logic [31:0] log_rdata,
	output logic [5:0]  cnt_num,
	input  logic [31:0] cnt_value,
	output logic        db_sq,
	output logic        db_cq,
	output logic [6:0]  db_qp,
	output logic [31:0] db_val,
	output logic        bad_wr, // bad width, alignment or offset
	output logic        bad_rd,
	output logic        admin, // AQ_CTRL was written
	// firmware: word number from MMIO 0x010 on
	input  logic        fw_we,
	input  logic [11:0] fw_addr,
	input  logic [31:0] fw_wdata,
	output logic [31:0] fw_rdata,
	// system
	input  logic [63:0] time_ns,
	input  logic        idle,
	input  logic        link_up,
	input  logic        wdt_reset, // do as if the host had written CTRL.RESET
	output logic        core_run,
	output logic        drain,
	input  logic        quiet,
	output logic        soft_rst,
	output logic        busy
);
	// ---- decode ----
	function automatic logic known(input logic [19:0] a); // global registers
		case ({12'd0, a})
		weft_host_pkg::MAGIC, weft_host_pkg::VERSION, weft_host_pkg::CAPS0, weft_host_pkg::CAPS1, weft_host_pkg::CTRL,
		weft_host_pkg::STATUS, weft_host_pkg::FW_VERSION, weft_host_pkg::FW_STATUS, weft_host_pkg::ASQ_LO,
		weft_host_pkg::ASQ_HI, weft_host_pkg::ACQ_LO, weft_host_pkg::ACQ_HI, weft_host_pkg::AQ_SIZE,
		weft_host_pkg::AQ_CTRL, weft_host_pkg::TIME_LO, weft_host_pkg::TIME_HI, weft_host_pkg::LOG_TAIL,
		weft_host_pkg::SCRATCH: known = 1'b1;
		default: known = 1'b0;
		endcase
	endfunction
	function automatic logic is_cnt(input logic [11:0] a); // address bits 19:8
		is_cnt = a == 12'h001;
	endfunction
	function automatic logic is_log(input logic [7:0] a); // address bits 19:12
		is_log = a == 8'h01;
	endfunction
	function automatic logic is_db(input logic [16:0] a); // address bits 19:3; pages 0x10 .. 0x8f
		is_db = a[16:9] >= 8'h10 && a[16:9] < 8'h90 && a[8:0] == 9'd0;
	endfunction
	function automatic logic good(input logic [19:0] a);
		good = a[1:0] == 2'd0 && (known(a) || is_cnt(a[19:8]) || is_log(a[19:12]) || is_db(a[19:3]));
	endfunction

	logic [31:0] wa;
	logic [7:0] page;
	logic we;
	assign wa = {12'd0, wr_addr};
	assign page = wr_addr[19:12] - 8'h10;
	assign we = wr_valid && wr_whole && good(wr_addr);
	assign bad_wr = wr_valid && !we;
	assign bad_rd = rd_valid && !good(rd_addr);
	assign db_sq = we && is_db(wr_addr[19:3]) && !wr_addr[2];
	assign db_cq = we && is_db(wr_addr[19:3]) && wr_addr[2];
	assign db_qp = page[6:0];
	assign db_val = wr_data;
	assign log_addr = rd_addr[11:2];
	assign cnt_num = rd_addr[7:2];

	// ---- registers ----
	logic run;
	logic resetting;
	logic [63:0] asq;
	logic [63:0] acq;
	logic [3:0] sq_log2;
	logic [3:0] cq_log2;
	logic aq_en;
	logic [31:0] scratch;
	logic [31:0] time_hi;
	logic [31:0] fw_version;
	logic [31:0] fw_status;
	logic [2:0] fw_flags;
	logic [31:0] log_tail;
	logic [31:0] aq_size;
	logic [3:0] want_sq;

	assign aq_size = {20'd0, cq_log2, 4'd0, sq_log2};
	assign want_sq = wr_data[3:0] < 4'd2 ? 4'd2 : wr_data[3:0] > 4'd6 ? 4'd6 : wr_data[3:0];
	assign admin = we && wa == weft_host_pkg::AQ_CTRL;
	always_ff @(posedge clk) begin
		if (rst || soft_rst) begin
			asq <= 64'd0;
			acq <= 64'd0;
			sq_log2 <= 4'd2;
			cq_log2 <= 4'd3;
			aq_en <= 1'b0;
		end else if (we) begin
			case (wa)
			weft_host_pkg::ASQ_LO: asq[31:0] <= wr_data;
			weft_host_pkg::ASQ_HI: asq[63:32] <= wr_data;
			weft_host_pkg::ACQ_LO: acq[31:0] <= wr_data;
			weft_host_pkg::ACQ_HI: acq[63:32] <= wr_data;
			weft_host_pkg::AQ_SIZE: begin // brought into range
				sq_log2 <= want_sq;
				cq_log2 <= wr_data[11:8] <= want_sq ? want_sq + 4'd1 : wr_data[11:8] > 4'd10 ? 4'd10 : wr_data[11:8];
			end
			weft_host_pkg::AQ_CTRL: aq_en <= wr_data[0];
			default: ;
			endcase
		end
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			scratch <= 32'd0;
			run <= 1'b1;
		end else if (we) begin
			if (wa == weft_host_pkg::SCRATCH) scratch <= wr_data;
			if (wa == weft_host_pkg::CTRL) run <= wr_data[0];
		end
	end

	// ---- reset sequence ----
	logic [4:0] cycles;
	assign core_run = run && !resetting;
	assign drain = resetting;
	assign soft_rst = cycles[4];
	assign busy = resetting;
	always_ff @(posedge clk) begin
		if (rst) begin
			resetting <= 1'b0;
			cycles <= 5'd0;
		end else if (!resetting) resetting <= (we && wa == weft_host_pkg::CTRL && wr_data[1]) || wdt_reset;
		else if (soft_rst) begin
			cycles <= cycles + 5'd1; // 16 .. 31, then 0
			resetting <= cycles != 5'd31;
		end else if (quiet) cycles <= 5'd16;
	end

	// ---- reads by the host ----
	logic [31:0] value;
	logic from_log;
	always_comb begin
		value = 32'd0;
		if (is_cnt(rd_addr[19:8])) value = cnt_value;
		case ({12'd0, rd_addr})
		weft_host_pkg::MAGIC: value = weft_host_pkg::MAGIC_VALUE;
		weft_host_pkg::VERSION: value = weft_host_pkg::VERSION_MAJOR << 16 | weft_host_pkg::VERSION_MINOR;
		weft_host_pkg::CAPS0: value = weft_host_pkg::N_SLOTS << 16 | weft_host_pkg::N_QP;
		weft_host_pkg::CAPS1: value = weft_eng_pkg::N_CONN << 16 | weft_host_pkg::N_VECTORS;
		weft_host_pkg::CTRL: value = {30'd0, resetting, run};
		weft_host_pkg::STATUS: value = {27'd0, fw_flags[2], link_up, idle, fw_flags[1:0]};
		weft_host_pkg::FW_VERSION: value = fw_version;
		weft_host_pkg::FW_STATUS: value = fw_status;
		weft_host_pkg::ASQ_LO: value = asq[31:0];
		weft_host_pkg::ASQ_HI: value = asq[63:32];
		weft_host_pkg::ACQ_LO: value = acq[31:0];
		weft_host_pkg::ACQ_HI: value = acq[63:32];
		weft_host_pkg::AQ_SIZE: value = aq_size;
		weft_host_pkg::AQ_CTRL: value = {31'd0, aq_en};
		weft_host_pkg::TIME_LO: value = time_ns[31:0];
		weft_host_pkg::TIME_HI: value = time_hi;
		weft_host_pkg::LOG_TAIL: value = log_tail;
		weft_host_pkg::SCRATCH: value = scratch;
		default: ;
		endcase
		if (rd_addr[1:0] != 2'd0) value = 32'd0;
	end
	logic [31:0] value_q;
	assign rd_data = from_log ? log_rdata : value_q;
	always_ff @(posedge clk) begin
		value_q <= value;
		from_log <= is_log(rd_addr[19:12]) && rd_addr[1:0] == 2'd0;
		if (rst) time_hi <= 32'd0;
		else if (rd_valid && {12'd0, rd_addr} == weft_host_pkg::TIME_LO) time_hi <= time_ns[63:32];
	end

	// ---- firmware's side ----
	always_ff @(posedge clk) begin
		if (rst || soft_rst) begin
			fw_version <= 32'd0;
			fw_status <= 32'd0;
			fw_flags <= 3'd0;
			log_tail <= 32'd0;
		end else if (fw_we) begin
			case ({20'd0, fw_addr})
			weft_eng_pkg::HOST_FW_VERSION: fw_version <= fw_wdata;
			weft_eng_pkg::HOST_FW_STATUS: fw_status <= fw_wdata;
			weft_eng_pkg::HOST_STATUS: fw_flags <= fw_wdata[2:0];
			weft_eng_pkg::HOST_LOG_TAIL: log_tail <= fw_wdata;
			default: ;
			endcase
		end
	end
	always_comb begin
		case ({20'd0, fw_addr})
		weft_eng_pkg::HOST_FW_VERSION: fw_rdata = fw_version;
		weft_eng_pkg::HOST_FW_STATUS: fw_rdata = fw_status;
		weft_eng_pkg::HOST_STATUS: fw_rdata = {29'd0, fw_flags};
		weft_eng_pkg::HOST_LOG_TAIL: fw_rdata = log_tail;
		weft_eng_pkg::VERSION: fw_rdata = weft_eng_pkg::VERSION_MAJOR << 16 | weft_eng_pkg::VERSION_MINOR;
		weft_eng_pkg::AQ_BASE: fw_rdata = asq[31:0];
		weft_eng_pkg::AQ_BASE + 32'd4: fw_rdata = asq[63:32];
		weft_eng_pkg::AQ_BASE + 32'd8: fw_rdata = acq[31:0];
		weft_eng_pkg::AQ_BASE + 32'd12: fw_rdata = acq[63:32];
		weft_eng_pkg::AQ_BASE + 32'd16: fw_rdata = aq_size;
		weft_eng_pkg::AQ_BASE + 32'd20: fw_rdata = {31'd0, aq_en};
		default: fw_rdata = 32'd0;
		endcase
	end

	logic unused;
	assign unused = page[7];
endmodule
