// SPDX-License-Identifier: BSD-2-Clause
// Soft core with its memories, the shared SRAM, connection tables, timer and event queue; decodes the core's data bus to the blocks.
// Latency: IMEM, DMEM, XRAM, CTXA, HASH and own registers answer the cycle after the request; block slaves when they like.
// Throughput: one core access per cycle to memories. Back-pressure: a block slave that withholds gnt stalls the core.
// The core is held while boot_hold or !core_run; the loader port writes IMEM, DMEM and a ROM without ROM_FILE only then.
module weft_soc #(
	parameter ROM_FILE = ""
) (
	input  logic          clk,
	input  logic          rst,
	input  logic          core_run,
	input  logic          boot_rom, // start in the ROM
	input  logic          boot_hold,
	input  logic          boot_we,
	input  logic [31:0]   boot_addr,
	input  logic [31:0]   boot_data,
	input  logic [63:0]   time_ns,
	output logic [63:0]   timer_ns,
	output logic          core_active,
	output logic          core_retire,
	output logic          core_trap,
	output logic          idle,
	// core bus to the blocks: 0 host, 1 tx, 2 rx, 3 fc_tx, 4 fc_rx, 5 boot
	output logic [5:0]    cb_req,
	output logic          cb_we,
	output logic [3:0]    cb_be,
	output logic [31:0]   cb_addr,
	output logic [31:0]   cb_wdata,
	input  logic [5:0]    cb_gnt,
	input  logic [5:0]    cb_rvalid,
	input  logic [191:0]  cb_rdata,
	// events, in the same order (boot has none)
	input  logic [4:0]    evt_valid,
	input  logic [479:0]  evt_data,
	output logic [4:0]    evt_ready,
	output logic          evt_taken,
	// XRAM engine ports
	input  logic [6:0]    x_req,
	input  logic [6:0]    x_we,
	input  logic [111:0]  x_addr,
	input  logic [895:0]  x_wdata,
	input  logic [111:0]  x_be,
	output logic [6:0]    x_gnt,
	output logic [6:0]    x_rvalid,
	output logic [127:0]  x_rdata,
	// connection tables
	input  logic [9:0]    tx_ctxa_addr,
	output logic [127:0]  tx_ctxa_rdata,
	input  logic [9:0]    rx_ctxa_addr,
	output logic [127:0]  rx_ctxa_rdata,
	input  logic [9:0]    rx_hash_addr,
	output logic [31:0]   rx_hash_rdata
);
	localparam logic [3:0] SEL_NONE = 4'd0, SEL_IMEM = 4'd1, SEL_DMEM = 4'd2, SEL_XRAM = 4'd3, SEL_CTXA = 4'd4, SEL_HASH = 4'd5, SEL_REG = 4'd6,
	                       SEL_HOST = 4'd7, SEL_TX = 4'd8, SEL_RX = 4'd9, SEL_FTX = 4'd10, SEL_FRX = 4'd11, SEL_ROM = 4'd12, SEL_BOOT = 4'd13;

	// --- core ---
	logic        i_req, d_req, d_we, d_gnt, d_rvalid, d_err, core_sleep;
	logic [31:0] i_addr, i_rdata, d_addr, d_wdata, d_rdata;
	logic [3:0]  d_be;
	logic        ev_any, ev_valid, ev_pop, timer_due;
	logic [95:0] ev_head;
	logic        hold;
	assign hold = boot_hold || !core_run;

	/* verilator lint_off PINCONNECTEMPTY */
	weft_core #(.RESET_PC(weft_eng_pkg::IMEM_BASE), .RESET_ALT(weft_eng_pkg::ROM_BASE)) u_core (
		.clk, .rst, .i_req, .i_addr, .i_gnt(1'b1), .i_rdata, .i_err(i_err_q),
		.d_req, .d_we, .d_be, .d_addr, .d_wdata, .d_gnt, .d_rvalid, .d_rdata, .d_err,
		.irq_software(1'b0), .irq_timer(timer_due), .irq_external(ev_any), .core_sleep, .fetch_enable(!hold), .reset_alt(boot_rom),
		.dbg_pc(), .retire_valid(core_retire), .trap_valid(core_trap), .trap_cause(),
		.rvfi_valid(), .rvfi_order(), .rvfi_insn(), .rvfi_trap(), .rvfi_halt(), .rvfi_intr(), .rvfi_mode(), .rvfi_ixl(), .rvfi_rs1_addr(), .rvfi_rs2_addr(),
		.rvfi_rs1_rdata(), .rvfi_rs2_rdata(), .rvfi_rd_addr(), .rvfi_rd_wdata(), .rvfi_pc_rdata(), .rvfi_pc_wdata(), .rvfi_mem_addr(), .rvfi_mem_rmask(),
		.rvfi_mem_wmask(), .rvfi_mem_rdata(), .rvfi_mem_wdata()
	);
	/* verilator lint_on PINCONNECTEMPTY */
	assign core_active = !hold && !core_sleep;
	assign idle = (hold || core_sleep) && !ev_any && !timer_due && !busy_q;

	// --- decode ---
	function automatic logic in_rom(input logic [15:0] high);
		in_rom = high == weft_eng_pkg::ROM_BASE[31:16]; // ROM_SIZE is 64 KiB
	endfunction
	logic [3:0] sel, sel_q;
	logic       busy_q; // a block slave owes an answer
	always_comb begin
		sel = SEL_NONE;
		case (d_addr[31:28])
			4'h0: if (d_addr < weft_eng_pkg::IMEM_SIZE) sel = SEL_IMEM;
			      else if (in_rom(d_addr[31:16]) && !d_we) sel = SEL_ROM; // a store is a bus error
			4'h1: if (d_addr[27:0] < weft_eng_pkg::DMEM_SIZE[27:0]) sel = SEL_DMEM;
			4'h2: if (d_addr[27:0] < weft_eng_pkg::XRAM_SIZE[27:0]) sel = SEL_XRAM;
			4'h3: sel = d_addr[27:24] == 4'h2 ? SEL_FRX : SEL_RX;
			4'h4: case (d_addr[27:20])
				8'h00: sel = SEL_CTXA;
				8'h01: sel = SEL_RX;
				8'h02: sel = SEL_HASH;
				8'h03, 8'h04: sel = SEL_HOST;
				8'h05: sel = SEL_FRX;
				default: sel = SEL_NONE;
			endcase
			4'h5: if (d_addr[27:12] == '0) begin
				if (d_addr[11:0] < 12'h010) sel = SEL_REG;
				else if (d_addr[11:0] < 12'h03c) sel = SEL_HOST;
				else if (d_addr[11:0] < 12'h080) sel = SEL_REG;
				else if (d_addr[11:0] < 12'h100) sel = SEL_HOST;
				else if (d_addr[11:0] < 12'h180) sel = SEL_TX;
				else if (d_addr[11:0] < 12'h200) sel = SEL_RX;
				else if (d_addr[11:0] < 12'h280) sel = SEL_FTX;
				else if (d_addr[11:0] < 12'h300) sel = SEL_FRX;
				else if (d_addr[11:0] < 12'h380) sel = SEL_BOOT;
			end
			default: sel = SEL_NONE;
		endcase
	end
	logic slow, slow_gnt, slow_rvalid;
	logic [5:0] slave;
	assign slave = {sel == SEL_BOOT, sel == SEL_FRX, sel == SEL_FTX, sel == SEL_RX, sel == SEL_TX, sel == SEL_HOST};
	assign slow = slave != '0;
	assign cb_req = {6{d_req}} & slave;
	assign cb_we = d_we;
	assign cb_be = d_be;
	assign cb_addr = d_addr;
	assign cb_wdata = d_wdata;
	assign slow_gnt = |(cb_req & cb_gnt);
	assign slow_rvalid = busy_q && |(cb_rvalid & {sel_q == SEL_BOOT, sel_q == SEL_FRX, sel_q == SEL_FTX, sel_q == SEL_RX, sel_q == SEL_TX, sel_q == SEL_HOST});
	assign d_gnt = slow ? slow_gnt : d_req;

	logic fast_q;
	always_ff @(posedge clk) begin
		if (rst || hold) begin
			fast_q <= 1'b0;
			busy_q <= 1'b0;
			sel_q <= SEL_NONE;
		end else begin
			fast_q <= d_req && !slow;
			if (d_req && d_gnt) sel_q <= sel;
			if (slow_gnt) busy_q <= 1'b1;
			else if (slow_rvalid) busy_q <= 1'b0;
		end
	end
	logic [31:0] imem_d, dmem_d, xram_d, ctxa_d, hash_d, reg_d, rom_d;
	assign d_rvalid = fast_q || slow_rvalid;
	assign d_err = fast_q && sel_q == SEL_NONE;
	always_comb begin
		case (sel_q)
			SEL_IMEM: d_rdata = imem_d;
			SEL_DMEM: d_rdata = dmem_d;
			SEL_XRAM: d_rdata = xram_d;
			SEL_CTXA: d_rdata = ctxa_d;
			SEL_HASH: d_rdata = hash_d;
			SEL_REG:  d_rdata = reg_d;
			SEL_HOST: d_rdata = cb_rdata[31:0];
			SEL_TX:   d_rdata = cb_rdata[63:32];
			SEL_RX:   d_rdata = cb_rdata[95:64];
			SEL_FTX:  d_rdata = cb_rdata[127:96];
			SEL_FRX:  d_rdata = cb_rdata[159:128];
			SEL_BOOT: d_rdata = cb_rdata[191:160];
			SEL_ROM:  d_rdata = rom_d;
			default:  d_rdata = '0;
		endcase
	end
	logic [3:0] d_wbe;
	assign d_wbe = d_we ? d_be : 4'd0;

	// --- memories ---
	localparam int unsigned IWORDS = weft_eng_pkg::IMEM_SIZE / 4;
	localparam int unsigned DWORDS = weft_eng_pkg::DMEM_SIZE / 4;
	localparam int unsigned RWORDS = weft_eng_pkg::ROM_SIZE / 4;
	logic i_err_q, i_rom_q, boot_i, boot_d;
	logic [31:0] imem_i, rom_i;
	assign boot_i = hold && boot_we && boot_addr < weft_eng_pkg::IMEM_SIZE;
	assign boot_d = hold && boot_we && boot_addr[31:28] == 4'h1 && boot_addr[27:0] < weft_eng_pkg::DMEM_SIZE[27:0];
	always_ff @(posedge clk) if (i_req) begin
		i_err_q <= i_addr >= weft_eng_pkg::IMEM_SIZE && !in_rom(i_addr[31:16]);
		i_rom_q <= in_rom(i_addr[31:16]);
	end
	assign i_rdata = i_rom_q ? rom_i : imem_i;

	weft_ram_tdp #(.WIDTH(32), .DEPTH(IWORDS)) u_imem (
		.clk,
		.a_en(boot_i || (i_req && !hold)), .a_we({4{boot_i}}), .a_addr(boot_i ? boot_addr[$clog2(IWORDS)+1:2] : i_addr[$clog2(IWORDS)+1:2]), .a_wdata(boot_data), .a_rdata(imem_i),
		.b_en(d_req && sel == SEL_IMEM), .b_we(d_wbe), .b_addr(d_addr[$clog2(IWORDS)+1:2]), .b_wdata(d_wdata), .b_rdata(imem_d)
	);
	weft_rom #(.ROM_FILE(ROM_FILE)) u_rom (
		.clk, .i_en(i_req && in_rom(i_addr[31:16])), .i_addr(i_addr[$clog2(RWORDS)+1:2]), .i_rdata(rom_i),
		.d_en(d_req && sel == SEL_ROM), .d_addr(d_addr[$clog2(RWORDS)+1:2]), .d_rdata(rom_d),
		.load(hold && boot_we && in_rom(boot_addr[31:16])), .load_addr(boot_addr[$clog2(RWORDS)+1:2]), .load_data(boot_data)
	);
	logic [31:0] dmem_b;
	weft_ram_tdp #(.WIDTH(32), .DEPTH(DWORDS)) u_dmem (
		.clk,
		.a_en(d_req && sel == SEL_DMEM), .a_we(d_wbe), .a_addr(d_addr[$clog2(DWORDS)+1:2]), .a_wdata(d_wdata), .a_rdata(dmem_d),
		.b_en(boot_d), .b_we({4{boot_d}}), .b_addr(boot_addr[$clog2(DWORDS)+1:2]), .b_wdata(boot_data), .b_rdata(dmem_b)
	);
	weft_xram #(.N(7), .BEATS(weft_eng_pkg::XRAM_SIZE / 16)) u_xram (
		.clk, .rst, .c_en(d_req && sel == SEL_XRAM), .c_we(d_wbe), .c_addr(d_addr[19:0]), .c_wdata(d_wdata), .c_rdata(xram_d),
		.x_req, .x_we, .x_addr, .x_wdata, .x_be, .x_gnt, .x_rvalid, .x_rdata
	);

	// --- connection context: two copies, so that each engine has a port of its own; the core writes both and reads the first ---
	logic         ctxa_en;
	logic [15:0]  ctxa_we;
	logic [127:0] ctxa_c0, ctxa_c1;
	logic [1:0]   ctxa_lane_q;
	assign ctxa_en = d_req && sel == SEL_CTXA && d_addr[19:14] == '0;
	assign ctxa_we = {12'd0, d_wbe} << {d_addr[3:2], 2'b00};
	always_ff @(posedge clk) if (ctxa_en) ctxa_lane_q <= d_addr[3:2];
	assign ctxa_d = ctxa_c0[{ctxa_lane_q, 5'd0} +: 32];
	weft_ram_tdp #(.WIDTH(128), .DEPTH(1024)) u_ctxa_tx (
		.clk, .a_en(ctxa_en), .a_we(ctxa_we), .a_addr(d_addr[13:4]), .a_wdata({4{d_wdata}}), .a_rdata(ctxa_c0),
		.b_en(1'b1), .b_we('0), .b_addr(tx_ctxa_addr), .b_wdata('0), .b_rdata(tx_ctxa_rdata)
	);
	weft_ram_tdp #(.WIDTH(128), .DEPTH(1024)) u_ctxa_rx (
		.clk, .a_en(ctxa_en), .a_we(ctxa_we), .a_addr(d_addr[13:4]), .a_wdata({4{d_wdata}}), .a_rdata(ctxa_c1),
		.b_en(1'b1), .b_we('0), .b_addr(rx_ctxa_addr), .b_wdata('0), .b_rdata(rx_ctxa_rdata)
	);
	weft_ram_tdp #(.WIDTH(32), .DEPTH(1024)) u_hash (
		.clk, .a_en(d_req && sel == SEL_HASH && d_addr[19:12] == '0), .a_we(d_wbe), .a_addr(d_addr[11:2]), .a_wdata(d_wdata), .a_rdata(hash_d),
		.b_en(1'b1), .b_we('0), .b_addr(rx_hash_addr), .b_wdata('0), .b_rdata(rx_hash_rdata)
	);

	// --- time and events ---
	weft_timer u_timer (
		.clk, .rst, .req(d_req && sel == SEL_REG), .we(d_we), .addr(d_addr[11:0]), .wdata(d_wdata), .rdata(reg_d),
		.time_ns, .timer_ns, .timer_due, .ev_valid, .ev_head, .ev_pop
	);
	weft_evq #(.N(5)) u_evq (
		.clk, .rst, .in_valid(evt_valid), .in_data(evt_data), .in_ready(evt_ready),
		.head_valid(ev_valid), .head(ev_head), .pop(ev_pop), .any(ev_any), .taken(evt_taken)
	);

	logic unused;
	assign unused = &{1'b0, dmem_b, ctxa_c1, i_addr[1:0]};
endmodule
