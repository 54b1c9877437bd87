// SPDX-License-Identifier: BSD-2-Clause
// weft_rx: the receiver. Frames from the MAC are parsed and checked into the packet buffer (weft_rx_in, weft_pktbuf); TCP segments that
// are in order on a known connection are taken without firmware, everything else goes to firmware as an event; the bytes of a
// connection, in order, become PDU headers for firmware and data in host memory (weft_rx_stream).
// Latency: about 13 cycles from a frame's last beat to its event or delivery, 30 to its data's first write command.
// Throughput: one beat per cycle from the MAC in frames of 160 bytes and more (a queue of 32 takes bursts of smaller ones); placing
// 1448-byte segments takes about 105 cycles each. Back-pressure: none towards the MAC, frames are dropped and counted; towards the peer
// the TCP window. Events that wait hold the stream half, and make the other half drop frames meant for firmware.
module weft_rx (
	input  logic         clk,
	input  logic         rst,
	input  logic [63:0]  time_ns,
	// Ethernet MAC
	input  logic [127:0] eth_rx_tdata,
	input  logic [15:0]  eth_rx_tkeep,
	input  logic         eth_rx_tvalid,
	input  logic         eth_rx_tlast,
	input  logic         eth_rx_tuser,
	// core bus
	input  logic         cb_req,
	input  logic         cb_we,
	input  logic [3:0]   cb_be,
	input  logic [31:0]  cb_addr,
	input  logic [31:0]  cb_wdata,
	output logic         cb_gnt,
	output logic         cb_rvalid,
	output logic [31:0]  cb_rdata,
	// events
	output logic         evt_valid,
	output logic [95:0]  evt_data,
	input  logic         evt_ready,
	// SGL walker: XRAM and DMA read
	output logic         sx_req,
	output logic         sx_we,
	output logic [15:0]  sx_addr,
	output logic [127:0] sx_wdata,
	output logic [15:0]  sx_be,
	input  logic         sx_gnt,
	input  logic         sx_rvalid,
	input  logic [127:0] sx_rdata,
	output logic         srd_req_valid,
	output logic [63:0]  srd_req_addr,
	output logic [15:0]  srd_req_len,
	input  logic         srd_req_ready,
	input  logic         srd_rsp_valid,
	input  logic [127:0] srd_rsp_data,
	input  logic [4:0]   srd_rsp_cnt,
	input  logic         srd_rsp_last,
	input  logic         srd_rsp_err,
	output logic         srd_rsp_ready,
	input  logic         inval_valid, // a slot was refilled
	input  logic [15:0]  inval_slot,
	// DMA write
	output logic         wr_cmd_valid,
	output logic [63:0]  wr_cmd_addr,
	output logic [15:0]  wr_cmd_len,
	output logic [15:0]  wr_cmd_tag,
	input  logic         wr_cmd_ready,
	output logic         wr_dat_valid,
	output logic [127:0] wr_dat_data,
	output logic         wr_dat_last,
	input  logic         wr_dat_ready,
	input  logic         wr_done_valid,
	input  logic [15:0]  wr_done_tag,
	input  logic         wr_done_err,
	output logic         slot_flag_valid,
	output logic [15:0]  slot_flag_slot,
	output logic [7:0]   slot_flag_bits,
	// contexts
	output logic [9:0]   ctxa_addr,
	input  logic [127:0] ctxa_rdata,
	output logic [9:0]   hash_addr,
	input  logic [31:0]  hash_rdata,
	// transmitter
	input  logic [6:0]   txq_conn,
	output logic [31:0]  txq_rcv_nxt,
	output logic [31:0]  txq_ts_recent,
	output logic [31:0]  txq_edge,
	input  logic         sent_valid,
	input  logic [6:0]   sent_conn,
	input  logic [31:0]  sent_ack,
	input  logic [31:0]  sent_edge,
	input  logic [31:0]  sent_end,
	input  logic         sent_data,
	output logic         ackrq_valid,
	output logic [6:0]   ackrq_conn,
	input  logic         ackrq_ready,
	// counters
	output logic         cnt_frames,
	output logic [4:0]   cnt_rx_bytes,
	output logic         cnt_drop_fcs,
	output logic         cnt_drop_len,
	output logic         cnt_drop_ipcsum,
	output logic         cnt_drop_tcpcsum,
	output logic         cnt_drop_nobuf,
	output logic         cnt_drop_notus,
	output logic         cnt_fast,
	output logic         cnt_to_fw,
	output logic         cnt_drop_evq,
	output logic         cnt_hdrs,
	output logic [4:0]   cnt_placed_bytes,
	output logic         cnt_hdgst_bad,
	output logic         cnt_ddgst_bad,
	output logic         cnt_stall_dma,
	output logic         busy
);
	// ---- packet buffer ----
	logic a_valid, a_take, w_en, n_en, n_last;
	logic [9:0] a_cell, w_cell;
	logic [4:0] w_beat;
	logic [127:0] w_data;
	logic pk_req, c_req, c_gnt, c_rvalid, buf_busy;
	logic [9:0] pk_cell, pk_next, c_cell;
	logic [4:0] pk_beat, c_beat;
	logic [127:0] pk_rdata;
	logic [2:0] free_valid, free_ready;
	logic [29:0] free_cell;
	logic [10:0] cells;

	weft_pktbuf pktbuf (
		.clk, .rst, .a_valid, .a_cell, .a_take, .w_en, .w_cell, .w_beat, .w_data,
		.n_en, .n_cell(w_cell), .n_next(n_last ? w_cell : a_cell), .n_last, // the last cell follows itself: no way into another frame
		.pk_req, .pk_cell, .pk_beat, .pk_rdata, .pk_next, .c_req, .c_cell, .c_beat, .c_gnt, .c_rvalid,
		.free_valid, .free_cell, .free_ready, .cells, .busy(buf_busy)
	);

	// ---- core bus ----
	logic [47:0] mac;
	logic [15:0] mtu;
	logic [31:0] ip, tick_ns;
	logic [6:0] rxh_conn, ctxb_conn, cmd_conn, rxs_conn;
	logic [5:0] rxh_word;
	logic rxh_gnt;
	logic [31:0] rxh_data;
	logic ctxb_req, ctxb_gnt;
	logic [255:0] ctxb_row;
	logic [2:0] ctxb_st;
	logic cmd_valid, cmd_done, rxd_valid, rxd_ready, rxs_valid, rxs_data;
	logic [7:0] cmd, rxd_conn, rxs_pad;
	logic [31:0] cmd_rcv_nxt, cmd_snd_una, cmd_snd_wnd, cmd_ts_recent, rxs_off, rxs_len;
	logic [9:0] rxd_cell;
	logic [15:0] rxd_off, rxd_len, rxs_slot;
	logic [3:0] rxs_flags;
	logic [4:0] ev_count;

	weft_rx_cb cb (
		.clk, .rst, .cb_req, .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt, .cb_rvalid, .cb_rdata, .mac, .mtu, .ip, .tick_ns,
		.rxh_conn, .rxh_word, .rxh_gnt, .rxh_data, .c_req, .c_cell, .c_beat, .c_gnt, .c_rvalid, .c_rdata(pk_rdata), .c_next(pk_next), .cells,
		.free_valid(free_valid[1]), .free_cell(free_cell[19:10]), .free_ready(free_ready[1]),
		.ctxb_req, .ctxb_conn, .ctxb_gnt, .ctxb_row, .ctxb_st,
		.cmd_valid, .cmd_conn, .cmd, .cmd_rcv_nxt, .cmd_snd_una, .cmd_snd_wnd, .cmd_ts_recent, .cmd_done,
		.rxd_valid, .rxd_conn, .rxd_cell, .rxd_off, .rxd_len, .rxd_ready,
		.rxs_valid, .rxs_conn, .rxs_data, .rxs_flags, .rxs_pad, .rxs_slot, .rxs_off, .rxs_len, .ev_count
	);

	// ---- the halves ----
	logic dlv_valid, dlv_ready, scmd_valid, scmd_ready, pend_valid, cons_valid, flags_req, flags_gnt;
	logic [6:0] dlv_conn, scmd_conn, pend_conn, cons_conn, flags_conn;
	logic [9:0] dlv_cell;
	logic [15:0] dlv_off, dlv_len, pend_bytes, cons_bytes;
	logic [7:0] pend_cells, cons_cells;
	logic [7:0] scmd;
	logic in_busy, stream_busy;
	logic [2:0] ev_valid, ev_ready;
	logic [287:0] ev_data;

	weft_rx_in front (
		.clk, .rst, .time_lo(time_ns[31:0]), .eth_rx_tdata, .eth_rx_tkeep, .eth_rx_tvalid, .eth_rx_tlast, .eth_rx_tuser,
		.mac, .mtu, .ip, .tick_ns, .a_valid, .cells, .a_cell, .a_take, .w_en, .w_cell, .w_beat, .w_data, .n_en, .n_last,
		.free_valid(free_valid[0]), .free_cell(free_cell[9:0]), .free_ready(free_ready[0]),
		.hash_addr, .hash_rdata, .ctxa_addr, .ctxa_rdata, .flags_req, .flags_conn, .flags_gnt,
		.cmd_valid, .cmd_conn, .cmd, .cmd_rcv_nxt, .cmd_snd_una, .cmd_snd_wnd, .cmd_ts_recent, .cmd_done,
		.ctxb_req, .ctxb_conn, .ctxb_gnt, .ctxb_row,
		.dlv_valid, .dlv_conn, .dlv_cell, .dlv_off, .dlv_len, .dlv_ready, .scmd_valid, .scmd_conn, .scmd, .scmd_ready,
		.pend_valid, .pend_conn, .pend_bytes, .pend_cells, .cons_valid, .cons_conn, .cons_bytes, .cons_cells,
		.ev_valid(ev_valid[0]), .ev_data(ev_data[95:0]), .ev_ready(ev_ready[0]), .ev_count,
		.txq_conn, .txq_rcv_nxt, .txq_ts_recent, .txq_edge,
		.sent_valid, .sent_conn, .sent_ack, .sent_edge, .sent_end, .sent_data, .ackrq_valid, .ackrq_conn, .ackrq_ready,
		.busy(in_busy), .cnt_bytes(cnt_rx_bytes), .cnt_frames, .cnt_fcs(cnt_drop_fcs), .cnt_len(cnt_drop_len),
		.cnt_ipcsum(cnt_drop_ipcsum), .cnt_tcpcsum(cnt_drop_tcpcsum), .cnt_nobuf(cnt_drop_nobuf), .cnt_notus(cnt_drop_notus),
		.cnt_fast, .cnt_to_fw, .cnt_evq(cnt_drop_evq)
	);
	weft_rx_stream stream (
		.clk, .rst, .dlv_valid, .dlv_conn, .dlv_cell, .dlv_off, .dlv_len, .dlv_ready,
		.rxd_valid, .rxd_conn, .rxd_cell, .rxd_off, .rxd_len, .rxd_ready,
		.pend_valid, .pend_conn, .pend_bytes, .pend_cells, .cons_valid, .cons_conn, .cons_bytes, .cons_cells, .scmd_valid, .scmd_conn, .scmd, .scmd_ready,
		.rxs_valid, .rxs_conn, .rxs_data, .rxs_flags, .rxs_pad, .rxs_slot, .rxs_off, .rxs_len,
		.pk_req, .pk_cell, .pk_beat, .pk_rdata, .pk_next,
		.free_valid(free_valid[2]), .free_cell(free_cell[29:20]), .free_ready(free_ready[2]),
		.flags_req, .flags_conn, .flags_gnt, .hdgst(ctxa_rdata[98]),
		.rxh_conn, .rxh_word, .rxh_gnt, .rxh_data, .q_conn(ctxb_conn), .q_st(ctxb_st), .inval_valid, .inval_slot,
		.sx_req, .sx_we, .sx_addr, .sx_wdata, .sx_be, .sx_gnt, .sx_rvalid, .sx_rdata,
		.srd_req_valid, .srd_req_addr, .srd_req_len, .srd_req_ready,
		.srd_rsp_valid, .srd_rsp_data, .srd_rsp_cnt, .srd_rsp_last, .srd_rsp_err, .srd_rsp_ready,
		.wr_cmd_valid, .wr_cmd_addr, .wr_cmd_len, .wr_cmd_tag, .wr_cmd_ready, .wr_dat_valid, .wr_dat_data, .wr_dat_last, .wr_dat_ready,
		.wr_done_valid, .wr_done_tag, .wr_done_err, .slot_flag_valid, .slot_flag_slot, .slot_flag_bits,
		.hev_valid(ev_valid[1]), .hev_data(ev_data[191:96]), .hev_ready(ev_ready[1]),
		.fev_valid(ev_valid[2]), .fev_data(ev_data[287:192]), .fev_ready(ev_ready[2]),
		.busy(stream_busy), .cnt_hdrs, .cnt_hdgst(cnt_hdgst_bad), .cnt_ddgst(cnt_ddgst_bad), .cnt_placed(cnt_placed_bytes), .cnt_stall(cnt_stall_dma)
	);

	// ---- events: round robin of the three queues into a register ----
	logic [1:0] last;
	logic [1:0] pick;
	logic       pick_v;
	always_comb begin
		pick = 2'd0;
		pick_v = ev_valid != 3'd0;
		case (last)
			2'd0: pick = ev_valid[1] ? 2'd1 : ev_valid[2] ? 2'd2 : 2'd0;
			2'd1: pick = ev_valid[2] ? 2'd2 : ev_valid[0] ? 2'd0 : 2'd1;
			default: pick = ev_valid[0] ? 2'd0 : ev_valid[1] ? 2'd1 : 2'd2;
		endcase
		ev_ready = 3'd0;
		if (!evt_valid || evt_ready) ev_ready[pick] = pick_v;
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			evt_valid <= 1'b0;
			last <= 2'd0;
		end else if (!evt_valid || evt_ready) begin
			evt_valid <= pick_v;
			if (pick_v) last <= pick;
		end
		if (!evt_valid || evt_ready) begin
			case (pick)
				2'd0: evt_data <= ev_data[95:0];
				2'd1: evt_data <= ev_data[191:96];
				default: evt_data <= ev_data[287:192];
			endcase
		end
	end
	assign busy = in_busy || stream_busy || buf_busy || evt_valid;
	logic unused;
	assign unused = &{1'b0, time_ns[63:32]};
endmodule
