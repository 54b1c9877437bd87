// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_in: the first half of the receiver: parser, queue of 32 descriptors, fast path, connection state, acknowledgements, and the
// queue of 16 events. EVT_ACK does not wait in line: what finds the queue full becomes a bit per connection, raised when there is room.
// Latency, throughput: see weft_rx_parse and weft_rx_fast. Back-pressure: none towards the MAC; frames are dropped and counted.
module weft_rx_in (
	input  logic         clk,
	input  logic         rst,
	input  logic [31:0]  time_lo,
	input  logic [127:0] eth_rx_tdata,
	input  logic [15:0]  eth_rx_tkeep,
	input  logic         eth_rx_tvalid,
	input  logic         eth_rx_tlast,
	input  logic         eth_rx_tuser,
	// port registers
	input  logic [47:0]  mac,
	input  logic [15:0]  mtu,
	input  logic [31:0]  ip,
	input  logic [31:0]  tick_ns,
	// packet buffer
	input  logic         a_valid,
	input  logic [10:0]  cells,
	input  logic [9:0]   a_cell,
	output logic         a_take,
	output logic         w_en,
	output logic [9:0]   w_cell,
	output logic [4:0]   w_beat,
	output logic [127:0] w_data,
	output logic         n_en,
	output logic         n_last,
	output logic         free_valid,
	output logic [9:0]   free_cell,
	input  logic         free_ready,
	// lookup
	output logic [9:0]   hash_addr,
	input  logic [31:0]  hash_rdata,
	output logic [9:0]   ctxa_addr,
	input  logic [127:0] ctxa_rdata,
	input  logic         flags_req, // the stream half wants the context's first word
	input  logic [6:0]   flags_conn,
	output logic         flags_gnt, // it comes in the next cycle
	// commands
	input  logic         cmd_valid,
	input  logic [6:0]   cmd_conn,
	input  logic [7:0]   cmd,
	input  logic [31:0]  cmd_rcv_nxt,
	input  logic [31:0]  cmd_snd_una,
	input  logic [31:0]  cmd_snd_wnd,
	input  logic [31:0]  cmd_ts_recent,
	output logic         cmd_done,
	// connection state for the core: ctxb_gnt, and the answer in the next cycle
	input  logic         ctxb_req,
	input  logic [6:0]   ctxb_conn,
	output logic         ctxb_gnt,
	output logic [255:0] ctxb_row, // stream state 0
	// stream half
	output logic         dlv_valid,
	output logic [6:0]   dlv_conn,
	output logic [9:0]   dlv_cell,
	output logic [15:0]  dlv_off,
	output logic [15:0]  dlv_len,
	input  logic         dlv_ready,
	output logic         scmd_valid,
	output logic [6:0]   scmd_conn,
	output logic [7:0]   scmd,
	input  logic         scmd_ready,
	input  logic         pend_valid,
	input  logic [6:0]   pend_conn,
	input  logic [15:0]  pend_bytes,
	input  logic [7:0]   pend_cells,
	input  logic         cons_valid,
	input  logic [6:0]   cons_conn,
	input  logic [15:0]  cons_bytes,
	input  logic [7:0]   cons_cells,
	// events
	output logic         ev_valid,
	output logic [95:0]  ev_data,
	input  logic         ev_ready,
	output logic [4:0]   ev_count,
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
	output logic         busy,
	output logic [4:0]   cnt_bytes,
	output logic         cnt_frames,
	output logic         cnt_fcs,
	output logic         cnt_len,
	output logic         cnt_ipcsum,
	output logic         cnt_tcpcsum,
	output logic         cnt_nobuf,
	output logic         cnt_notus,
	output logic         cnt_fast,
	output logic         cnt_to_fw,
	output logic         cnt_evq
);
	// ---- frames ----
	logic d_valid, dq_valid, dq_ready, d_room, dq_in_ready;
	logic [5:0] dq_count;
	weft_rx_pkg::desc_t d;
	logic [weft_rx_pkg::DESC_W-1:0] dq;
	logic parse_busy, parse_nobuf, shed, shed_q;

	assign d_room = dq_count <= 6'd28;
	weft_rx_parse parse (
		.clk, .rst, .eth_rx_tdata, .eth_rx_tkeep, .eth_rx_tvalid, .eth_rx_tlast, .eth_rx_tuser, .mac, .mtu, .ip,
		.a_valid, .a_cell, .a_take, .w_en, .w_cell, .w_beat, .w_data, .n_en, .n_last,
		.d_valid, .d, .d_room, .busy(parse_busy),
		.cnt_frames, .cnt_bytes, .cnt_fcs, .cnt_len, .cnt_notus, .cnt_ipcsum, .cnt_tcpcsum, .cnt_nobuf(parse_nobuf)
	);
	weft_rx_fifo #(.W(weft_rx_pkg::DESC_W), .AW(5)) descs (
		.clk, .rst, .in_valid(d_valid), .in_ready(dq_in_ready), .in_data(d),
		.out_valid(dq_valid), .out_ready(dq_ready), .out_data(dq), .count(dq_count)
	);

	// ---- fast path ----
	weft_rx_pkg::conn_t f_row, w_row, g_row;
	logic [23:0] f_pending, g_pending;
	logic [10:0] f_cells, g_cells;
	logic [7:0] w_cells;
	logic [31:0] f_snd_max, f_last_ack, g_last_ack, g_last_edge, g_snd_max;
	logic f_fresh, row_w, fresh_set, init_valid, init_ready, mode_valid, mode_mark, acc_valid, ack_event, fast_busy;
	logic [13:0] w_add;
	logic [6:0] conn, g_conn, ack_conn;
	logic ack_g, ack_busy, owed;
	logic fev_valid, fev_ready, fast_use;
	logic [9:0] fast_addr;
	logic [95:0] fev_data;

	weft_rx_fast fast (
		.clk, .rst, .d_valid(dq_valid), .d_ready(dq_ready), .d_in(dq), .ip,
		.hash_addr, .hash_rdata, .ctxa_addr(fast_addr), .ctxa_use(fast_use), .ctxa_rdata,
		.cells, .conn, .f_row, .f_pending, .f_cells, .f_snd_max, .f_last_ack, .f_fresh, .w_en(row_w), .w_row, .w_add, .w_cells, .fresh_set,
		.init_valid, .init_ready, .mode_valid, .mode_mark, .acc_valid,
		.cmd_valid, .cmd_conn, .cmd, .cmd_rcv_nxt, .cmd_snd_una, .cmd_snd_wnd, .cmd_ts_recent, .cmd_done,
		.scmd_valid, .scmd, .scmd_ready, .dlv_valid, .dlv_cell, .dlv_off, .dlv_len, .dlv_ready,
		.free_valid, .free_cell, .free_ready, .ev_valid(fev_valid), .ev_data(fev_data), .ev_ready(fev_ready),
		.ack_event, .busy(fast_busy), .cnt_fast, .cnt_to_fw, .cnt_evq, .cnt_shed(shed)
	);
	// A frame shed here counts with those that found no cell, a cycle later when both happen at once.
	assign cnt_nobuf = parse_nobuf || shed || shed_q;
	always_ff @(posedge clk) shed_q <= !rst && parse_nobuf && (shed || shed_q);
	assign flags_gnt = flags_req && !fast_use;
	assign ctxa_addr = fast_use ? fast_addr : {flags_conn, 3'd0};
	assign dlv_conn = conn;
	assign scmd_conn = conn;
	weft_rx_ctxb ctxb (
		.clk, .rst, .f_conn(conn), .f_row, .f_pending, .f_cells, .f_snd_max, .f_last_ack, .f_fresh,
		.w_en(row_w), .w_conn(conn), .w_row, .w_add, .w_cells, .fresh_set, .init_valid, .init_ready,
		.pend_valid, .pend_conn, .pend_bytes, .pend_cells, .cons_valid, .cons_conn, .cons_bytes, .cons_cells,
		.g_conn, .g_row, .g_pending, .g_cells, .g_last_ack, .g_last_edge, .g_snd_max,
		.txq_conn, .txq_rcv_nxt, .txq_ts_recent, .txq_edge,
		.sent_valid, .sent_conn, .sent_ack, .sent_edge, .sent_end, .sent_data
	);
	assign g_conn = ack_g ? ack_conn : ctxb_conn;
	assign ctxb_gnt = ctxb_req && !ack_g;
	assign ctxb_row = {
		g_snd_max, g_last_ack, 5'd0, g_cells, 15'd0, g_row.fast, 8'd0, g_pending, g_row.ts_recent, g_row.snd_wnd, g_row.snd_una, g_row.rcv_nxt
	};

	// The transmitter's notice reaches the state one cycle later.
	logic       sent_q;
	logic [6:0] sent_conn_q;
	always_ff @(posedge clk) begin
		sent_q <= sent_valid && !rst;
		sent_conn_q <= sent_conn;
	end
	weft_rx_ack ack (
		.clk, .rst, .time_lo, .tick_ns, .acc_valid, .acc_conn(conn), .cons_valid, .cons_conn, .sent_valid(sent_q), .sent_conn(sent_conn_q),
		.mode_valid, .mode_conn(conn), .mode_mark, .g_req(ack_g), .g_conn(ack_conn), .g_row, .g_pending, .g_last_ack, .g_last_edge,
		.ackrq_valid, .ackrq_conn, .ackrq_ready, .owed, .busy(ack_busy)
	);

	// ---- events ----
	logic [127:0] told; // EVT_ACK to be raised
	logic         told_v;
	logic [6:0]   told_conn;
	logic         told_now;
	logic         q_valid, q_ready;
	logic [95:0]  q_data;

	weft_rx_pick told_pick (.clk, .rst, .bits(told), .valid(told_v), .index(told_conn), .take(told_now));
	assign told_now = told_v && !fev_valid && q_ready;
	assign fev_ready = q_ready;
	assign q_valid = fev_valid || (told_v && told[told_conn]);
	assign q_data = fev_valid ? fev_data : {64'd0, 9'd0, told_conn, 8'd0, weft_eng_pkg::EVT_ACK[7:0]};
	always_ff @(posedge clk) begin
		if (rst) told <= '0;
		else begin
			if (told_now) told[told_conn] <= 1'b0;
			if (ack_event) told[conn] <= 1'b1;
		end
	end
	weft_rx_fifo #(.W(96), .AW(4)) events (
		.clk, .rst, .in_valid(q_valid), .in_ready(q_ready), .in_data(q_data),
		.out_valid(ev_valid), .out_ready(ev_ready), .out_data(ev_data), .count(ev_count)
	);

	assign busy = parse_busy || d_valid || dq_valid || fast_busy || ack_busy || owed || ev_valid || told != '0;
	logic unused;
	assign unused = &{1'b0, dq_in_ready};

`ifndef SYNTHESIS
	initial if ($bits(d) != weft_rx_pkg::DESC_W || $bits(f_row) != weft_rx_pkg::CONN_W) $fatal(1, "weft_rx_in: widths");
	always_ff @(posedge clk) if (!rst && d_valid && !dq_in_ready) $fatal(1, "weft_rx_in: descriptor lost");
`endif
endmodule
