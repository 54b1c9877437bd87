// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_rx_cb: the FC receiver's side of the core bus: frame buffers, exchange contexts, registers.
// Registers are written by whole words. Bytes of a buffer's address space beyond its size read as zero.
// Latency from gnt to rvalid: one cycle for contexts, registers and writes, three for frame buffers. Throughput: one access at a time.
// Back-pressure: gnt waits for a free cycle of the frame buffers (at most nine), for FRX_FREE and the flags of a context for a
// cycle or two, for FRX_PLACE until its write command was accepted, for FCX_STOP while 2048 slots wait already.
module weft_fc_rx_cb (
	input  logic         clk,
	input  logic         rst,
	input  logic         cb_req,
	input  logic         cb_we,
	input  logic [3:0]   cb_be,
	input  logic [31:0]  cb_addr,
	input  logic [31:0]  cb_wdata,
	output logic         cb_gnt,
	output logic         cb_rvalid,
	output logic [31:0]  cb_rdata,
	output logic [23:0]  fc_id,
	output logic [47:0]  mac,
	// frame buffers
	output logic         c_req,
	output logic [6:0]   c_buf,
	output logic [7:0]   c_beat,
	input  logic         c_gnt,
	input  logic         c_rvalid,
	input  logic [127:0] c_rdata,
	input  logic [7:0]   bufs,
	output logic         free_valid,
	output logic [6:0]   free_buf,
	input  logic         free_ready,
	// contexts
	output logic         x_en,
	output logic         x_we,
	output logic [3:0]   x_be,
	output logic [13:0]  x_addr,
	output logic [31:0]  x_wdata,
	input  logic         x_ready,
	input  logic [31:0]  x_rdata,
	// commands
	output logic         stop_valid,
	output logic [10:0]  stop_slot,
	input  logic         stop_ready,
	output logic         frx_valid,
	output logic [63:0]  frx_addr,
	output logic [15:0]  frx_off,
	output logic [15:0]  frx_len,
	output logic [7:0]   frx_buf,
	output logic         frx_free,
	output logic [15:0]  frx_slot,
	input  logic         frx_done
);
	localparam int unsigned PLACE_FREE = weft_eng_pkg::FRX_PLACE_FREE_LSB;

	typedef enum logic [2:0] { IDLE, ACK, REG, CTX, BUF } state_e;
	state_e state;
	logic        go, sel_buf, sel_ctx, sel_reg, wr, ready, in_buf;
	logic [11:0] off;
	logic [1:0]  word;
	logic [31:0] reg_q;

	assign go = cb_req && state == IDLE;
	assign sel_buf = cb_addr[31:24] == weft_eng_pkg::FCBUF_BASE[31:24];
	assign sel_ctx = cb_addr[31:24] == weft_eng_pkg::FCX_BASE[31:24];
	assign sel_reg = cb_addr[31:24] == weft_eng_pkg::MMIO_BASE[31:24];
	assign off = cb_addr[11:0];

	// ---- writes ----
	assign wr = go && cb_we && sel_reg && cb_be == 4'hf;
	assign free_valid = wr && off == weft_eng_pkg::FRX_FREE[11:0] && cb_wdata[31:7] == 25'd0;
	assign free_buf = cb_wdata[6:0];
	assign frx_valid = wr && off == weft_eng_pkg::FRX_PLACE[11:0];
	assign frx_buf = cb_wdata[7:0];
	assign frx_free = cb_wdata[PLACE_FREE];
	assign frx_slot = cb_wdata[31:16];
	assign stop_valid = wr && off == weft_eng_pkg::FCX_STOP[11:0];
	assign stop_slot = cb_wdata[10:0];
	assign ready = (!free_valid || free_ready) && (!frx_valid || frx_done) && (!stop_valid || stop_ready) && (!sel_ctx || x_ready);

	// ---- memories ----
	assign in_buf = off < weft_eng_pkg::FCBUF_SIZE[11:0];
	assign c_req = go && !cb_we && sel_buf && in_buf;
	assign c_buf = cb_addr[18:12];
	assign c_beat = cb_addr[11:4];
	assign x_en = go && sel_ctx && (!cb_we || ready);
	assign x_we = cb_we;
	assign x_be = cb_be;
	assign x_addr = cb_addr[15:2];
	assign x_wdata = cb_wdata;
	always_comb begin
		cb_gnt = go;
		if (cb_we) cb_gnt = go && ready;
		else if (c_req) cb_gnt = c_gnt;
	end

	always_ff @(posedge clk) begin
		if (rst) begin
			state <= IDLE;
			cb_rvalid <= 1'b0;
		end else begin
			cb_rvalid <= (cb_gnt && (cb_we || !c_req)) || (state == BUF && c_rvalid);
			case (state)
				IDLE: if (cb_gnt) begin
					if (cb_we) state <= ACK;
					else if (c_req) state <= BUF;
					else state <= sel_ctx ? CTX : REG;
				end
				BUF: if (c_rvalid) state <= REG;
				default: state <= IDLE;
			endcase
		end
		if (state == IDLE) begin
			word <= cb_addr[3:2];
			reg_q <= '0;
			if (sel_reg) case (off)
				weft_eng_pkg::FRX_BUFS[11:0]: reg_q <= {24'd0, bufs};
				weft_eng_pkg::FC_ID[11:0]: reg_q <= {8'd0, fc_id};
				weft_eng_pkg::FC_MAC_LO[11:0]: reg_q <= mac[31:0];
				weft_eng_pkg::FC_MAC_HI[11:0]: reg_q <= {16'd0, mac[47:32]};
				default: ;
			endcase
		end else if (state == BUF) reg_q <= c_rdata[{word, 5'd0} +: 32];
	end
	assign cb_rdata = state == CTX ? x_rdata : reg_q;

	always_ff @(posedge clk) begin
		if (rst) begin
			fc_id <= '0;
			mac <= '0;
		end else if (wr) case (off)
			weft_eng_pkg::FC_ID[11:0]: fc_id <= cb_wdata[23:0];
			weft_eng_pkg::FC_MAC_LO[11:0]: mac[31:0] <= cb_wdata;
			weft_eng_pkg::FC_MAC_HI[11:0]: mac[47:32] <= cb_wdata[15:0];
			default: ;
		endcase
		if (wr) case (off)
			weft_eng_pkg::FRX_ADDR_LO[11:0]: frx_addr[31:0] <= cb_wdata;
			weft_eng_pkg::FRX_ADDR_HI[11:0]: frx_addr[63:32] <= cb_wdata;
			weft_eng_pkg::FRX_RANGE[11:0]: {frx_len, frx_off} <= cb_wdata;
			default: ;
		endcase
	end
	logic unused;
	assign unused = &{1'b0, cb_addr[23:19]};
endmodule
