// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_cb: the receiver's side of the core bus: collected headers, packet buffer, connection state, registers.
// Latency from gnt to rvalid: one cycle for headers, registers and writes, two for connection state, three for the packet buffer.
// Throughput: one access at a time. Back-pressure: gnt waits for the packet buffer's free cycles, for headers while the
// stream engine places one (up to eight cycles), for RXC_CMD until it is carried out (between two frames), for RXD_PUSH until appended,
// for RX_FREE until taken.
module weft_rx_cb (
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
	// port registers
	output logic [47:0]  mac,
	output logic [15:0]  mtu,
	output logic [31:0]  ip,
	output logic [31:0]  tick_ns,
	// headers
	output logic [6:0]   rxh_conn,
	output logic [5:0]   rxh_word,
	input  logic         rxh_gnt,
	input  logic [31:0]  rxh_data,
	// packet buffer
	output logic         c_req,
	output logic [9:0]   c_cell,
	output logic [4:0]   c_beat,
	input  logic         c_gnt,
	input  logic         c_rvalid,
	input  logic [127:0] c_rdata,
	input  logic [9:0]   c_next,
	input  logic [10:0]  cells,
	output logic         free_valid,
	output logic [9:0]   free_cell,
	input  logic         free_ready,
	// connection state
	output logic         ctxb_req,
	output logic [6:0]   ctxb_conn,
	input  logic         ctxb_gnt,
	input  logic [255:0] ctxb_row,
	input  logic [2:0]   ctxb_st,
	// commands
	output logic         cmd_valid,
	output logic [6:0]   cmd_conn,
	output logic [7:0]   cmd,
	output logic [31:0]  cmd_rcv_nxt,
	output logic [31:0]  cmd_snd_una,
	output logic [31:0]  cmd_snd_wnd,
	output logic [31:0]  cmd_ts_recent,
	input  logic         cmd_done,
	output logic         rxd_valid,
	output logic [7:0]   rxd_conn,
	output logic [9:0]   rxd_cell,
	output logic [15:0]  rxd_off,
	output logic [15:0]  rxd_len,
	input  logic         rxd_ready,
	output logic         rxs_valid,
	output logic [6:0]   rxs_conn,
	output logic         rxs_data,
	output logic [3:0]   rxs_flags,
	output logic [7:0]   rxs_pad,
	output logic [15:0]  rxs_slot,
	output logic [31:0]  rxs_off,
	output logic [31:0]  rxs_len,
	input  logic [4:0]   ev_count
);
	typedef enum logic [2:0] { IDLE, ACK, HEAD, REG, CELL, STATE } state_e;
	state_e state;

	logic sel_rxh, sel_pkt, sel_next, sel_ctxb, sel_reg, go;
	logic [11:0] off;
	assign go = cb_req && state == IDLE;
	assign sel_rxh = cb_addr[31:24] == weft_eng_pkg::RXH_BASE[31:24];
	assign sel_pkt = cb_addr[31:24] == weft_eng_pkg::PKT_BASE[31:24] && !cb_addr[23];
	assign sel_next = cb_addr[31:24] == weft_eng_pkg::PKTNEXT_BASE[31:24] && cb_addr[23];
	assign sel_ctxb = cb_addr[31:24] == weft_eng_pkg::CTXB_BASE[31:24];
	assign sel_reg = cb_addr[31:24] == weft_eng_pkg::MMIO_BASE[31:24];
	assign off = cb_addr[11:0];

	// ---- writes ----
	logic        wr, cmd_ok, rxs_ok, ready;
	assign wr = go && cb_we && sel_reg && cb_be == 4'hf;
	assign cmd_conn = cb_wdata[6:0];
	assign cmd = cb_wdata[15:8];
	assign cmd_ok = cmd >= weft_eng_pkg::RXC_RESUME[7:0] && cmd <= weft_eng_pkg::RXC_STREAM_STOP[7:0] && !cb_wdata[7];
	assign cmd_valid = wr && off == weft_eng_pkg::RXC_CMD[11:0] && cmd_ok;
	assign rxd_valid = wr && off == weft_eng_pkg::RXD_PUSH[11:0];
	assign rxd_off = cb_wdata[15:0];
	assign rxd_len = cb_wdata[31:16];
	assign free_valid = wr && off == weft_eng_pkg::RX_FREE[11:0];
	assign free_cell = cb_wdata[9:0];
	assign rxs_ok = !cb_wdata[7]
		&& (cb_wdata[31:24] == weft_eng_pkg::RXS_NEXT[7:0] || cb_wdata[31:24] == weft_eng_pkg::RXS_DATA[7:0]);
	assign rxs_valid = wr && off == weft_eng_pkg::RXS_CMD[11:0] && rxs_ok;
	assign rxs_conn = cb_wdata[6:0];
	assign rxs_flags = cb_wdata[11:8];
	assign rxs_pad = cb_wdata[23:16];
	assign rxs_data = cb_wdata[31:24] == weft_eng_pkg::RXS_DATA[7:0];
	assign ready = (!cmd_valid || cmd_done) && (!rxd_valid || rxd_ready) && (!free_valid || free_ready);

	// ---- reads ----
	assign rxh_conn = cb_addr[14:8];
	assign rxh_word = cb_addr[7:2];
	assign c_req = go && !cb_we && (sel_pkt || sel_next);
	assign c_cell = sel_next ? cb_addr[11:2] : cb_addr[18:9];
	assign c_beat = sel_next ? 5'd0 : cb_addr[8:4];
	assign ctxb_req = go && !cb_we && sel_ctxb;
	assign ctxb_conn = cb_addr[11:5];
	always_comb begin
		cb_gnt = go;
		if (cb_we) cb_gnt = go && ready;
		else if (sel_pkt || sel_next) cb_gnt = c_gnt;
		else if (sel_ctxb) cb_gnt = ctxb_gnt;
		else if (sel_rxh) cb_gnt = go && rxh_gnt;
	end

	logic [2:0]  word;
	logic        next_q;
	logic [31:0] reg_q;
	logic [31:0] row_word;
	always_comb begin
		row_word = ctxb_row[{word, 5'd0} +: 32];
		if (word == 3'd5) row_word[6:4] = ctxb_st;
	end

	always_ff @(posedge clk) begin
		if (rst) begin
			state <= IDLE;
			cb_rvalid <= 1'b0;
		end else begin
			cb_rvalid <= (state == CELL && c_rvalid) || state == STATE || (cb_gnt && cb_we) || (cb_gnt && !cb_we && !(sel_pkt || sel_next || sel_ctxb));
			case (state)
				IDLE: if (cb_gnt) begin
					if (cb_we) state <= ACK;
					else if (sel_pkt || sel_next) state <= CELL;
					else if (sel_ctxb) state <= STATE;
					else state <= sel_rxh ? HEAD : REG;
				end
				CELL: if (c_rvalid) state <= REG;
				STATE: state <= REG;
				default: state <= IDLE;
			endcase
		end
		if (state == IDLE) begin
			word <= cb_addr[4:2];
			next_q <= sel_next;
			case (off)
				weft_eng_pkg::RX_CELLS[11:0]: reg_q <= {21'd0, cells};
				weft_eng_pkg::PORT_MAC_LO[11:0]: reg_q <= mac[31:0];
				weft_eng_pkg::PORT_MAC_HI[11:0]: reg_q <= {16'd0, mac[47:32]};
				weft_eng_pkg::PORT_MTU[11:0]: reg_q <= {16'd0, mtu};
				weft_eng_pkg::PORT_IP[11:0]: reg_q <= ip;
				weft_eng_pkg::ACK_TICK_NS[11:0]: reg_q <= tick_ns;
				weft_eng_pkg::EVT_PENDING[11:0]: reg_q <= {27'd0, ev_count};
				default: reg_q <= '0;
			endcase
			if (!sel_reg) reg_q <= '0;
		end else if (state == STATE) reg_q <= row_word;
		else if (state == CELL) reg_q <= next_q ? {22'd0, c_next} : c_rdata[{word[1:0], 5'd0} +: 32];
	end
	assign cb_rdata = state == HEAD ? rxh_data : reg_q;

	always_ff @(posedge clk) begin
		if (rst) begin
			mac <= '0;
			mtu <= 16'd1500;
			ip <= '0;
			tick_ns <= 32'd1000000;
		end else if (wr && ready) begin
			case (off)
				weft_eng_pkg::PORT_MAC_LO[11:0]: mac[31:0] <= cb_wdata;
				weft_eng_pkg::PORT_MAC_HI[11:0]: mac[47:32] <= cb_wdata[15:0];
				weft_eng_pkg::PORT_MTU[11:0]: mtu <= cb_wdata[15:0];
				weft_eng_pkg::PORT_IP[11:0]: ip <= cb_wdata;
				weft_eng_pkg::ACK_TICK_NS[11:0]: tick_ns <= cb_wdata;
				default: ;
			endcase
		end
		if (wr) case (off)
			weft_eng_pkg::RXC_RCV_NXT[11:0]: cmd_rcv_nxt <= cb_wdata;
			weft_eng_pkg::RXC_SND_UNA[11:0]: cmd_snd_una <= cb_wdata;
			weft_eng_pkg::RXC_SND_WND[11:0]: cmd_snd_wnd <= cb_wdata;
			weft_eng_pkg::RXC_TS_RECENT[11:0]: cmd_ts_recent <= cb_wdata;
			weft_eng_pkg::RXD_CELL[11:0]: begin
				rxd_cell <= cb_wdata[9:0];
				rxd_conn <= cb_wdata[23:16];
			end
			weft_eng_pkg::RXS_SLOT[11:0]: rxs_slot <= cb_wdata[15:0];
			weft_eng_pkg::RXS_OFF[11:0]: rxs_off <= cb_wdata;
			weft_eng_pkg::RXS_LEN[11:0]: rxs_len <= cb_wdata;
			default: ;
		endcase
	end
	logic unused;
	assign unused = &{1'b0, cb_addr[22:19], cb_addr[1:0], ctxb_row[165:164]};
endmodule
