// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_ctxb: receive state of 128 connections: what CTXB shows, with the port for the transmitter.
// Each memory has one writer: rows (the fast path, w_*), bytes accepted and bytes consumed (their difference is pending), what
// the transmitter sent (sent_*, and once per RESUME the fast path). Consistent without locks, for that.
// Ports: f_* the fast path, g_* acknowledgements and core (g_req decides), txq_* the transmitter.
// A connection is fresh from RESET (or power up) until it sends data or is resumed: then snd_max and last_ack start anew.
// Latency: f and g one cycle after the number, txq two. Throughput: one read per port and cycle, one update per writer and cycle;
// firmware's deliveries (pend_*) yield to w_add one cycle. Back-pressure: init_ready only.
module weft_rx_ctxb (
	input  logic         clk,
	input  logic         rst,
	// fast path
	input  logic [6:0]   f_conn,
	output weft_rx_pkg::conn_t f_row,
	output logic [23:0]  f_pending,
	output logic [10:0]  f_cells,
	output logic [31:0]  f_snd_max,
	output logic [31:0]  f_last_ack,
	output logic         f_fresh,
	input  logic         w_en,
	input  logic [6:0]   w_conn,
	input  weft_rx_pkg::conn_t w_row,
	input  logic [13:0]  w_add, // bytes accepted along with w_en
	input  logic [7:0]   w_cells, // and the cells that hold them
	input  logic         fresh_set, // for w_conn
	input  logic         init_valid, // RESUME, along with w_conn and w_row
	output logic         init_ready,
	// stream half
	input  logic         pend_valid,
	input  logic [6:0]   pend_conn,
	input  logic [15:0]  pend_bytes,
	input  logic [7:0]   pend_cells,
	input  logic         cons_valid,
	input  logic [6:0]   cons_conn,
	input  logic [15:0]  cons_bytes,
	input  logic [7:0]   cons_cells,
	// acknowledgements and core
	input  logic [6:0]   g_conn,
	output weft_rx_pkg::conn_t g_row,
	output logic [23:0]  g_pending,
	output logic [10:0]  g_cells,
	output logic [31:0]  g_last_ack,
	output logic [31:0]  g_last_edge,
	output logic [31:0]  g_snd_max,
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
	input  logic         sent_data
);
	// ---- rows ----
	logic [7:0]  clear; // after reset, modes and counts are cleared
	logic        clearing;
	logic [weft_rx_pkg::CONN_W-1:0] rows [0:127];
	logic [weft_rx_pkg::CONN_W-1:0] row_f;
	logic [weft_rx_pkg::CONN_W-1:0] row_g;
	logic [95:0] row_t; // what the transmitter asks for
	logic [95:0] rows_t [0:127];

	always_ff @(posedge clk) begin
		if (clearing) rows[clear[6:0]] <= '0;
		else if (w_en) rows[w_conn] <= w_row;
		if (w_en) rows_t[w_conn] <= {w_row.rcv_nxt, w_row.ts_recent, w_row.rcv_wnd};
		row_f <= rows[f_conn];
		row_g <= rows[g_conn];
		row_t <= rows_t[txq_conn];
	end
	assign f_row = row_f;
	assign g_row = row_g;

	// ---- pending: accepted less consumed, bytes modulo 2^24, and the cells that hold them, modulo 2^11 ----
	typedef struct packed {
		logic [10:0] cells;
		logic [23:0] bytes;
	} sum_t;
	logic [34:0] acc [0:127];
	logic [34:0] con [0:127];
	logic        p_valid;
	logic [6:0]  p_conn;
	logic [15:0] p_bytes;
	logic [7:0]  p_cells;
	logic        w_now; // bytes of the fast path; firmware's wait
	logic        acc_en;
	logic [6:0]  acc_conn;
	sum_t        acc_old, acc_new, con_old, con_new;
	sum_t        acc_f, acc_g, con_f, con_g;
	logic [23:0] acc_t, con_t;

	assign clearing = !clear[7];
	assign w_now = w_en && w_add != 14'd0;
	assign acc_en = w_now || p_valid;
	assign acc_conn = w_now ? w_conn : p_conn;
	assign acc_old = acc[acc_conn];
	assign con_old = con[cons_conn];
	assign acc_new.bytes = acc_old.bytes + (w_now ? {10'd0, w_add} : {8'd0, p_bytes});
	assign acc_new.cells = acc_old.cells + {3'd0, w_now ? w_cells : p_cells};
	assign con_new.bytes = con_old.bytes + {8'd0, cons_bytes};
	assign con_new.cells = con_old.cells + {3'd0, cons_cells};
	always_ff @(posedge clk) begin
		if (clearing) begin
			acc[clear[6:0]] <= '0;
			con[clear[6:0]] <= '0;
		end else begin
			if (acc_en) acc[acc_conn] <= acc_new;
			if (cons_valid) con[cons_conn] <= con_new;
		end
		acc_f <= acc[f_conn];
		con_f <= con[f_conn];
		acc_g <= acc[g_conn];
		con_g <= con[g_conn];
		acc_t <= acc[txq_conn][23:0];
		con_t <= con[txq_conn][23:0];
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			clear <= '0;
			p_valid <= 1'b0;
		end else begin
			if (clearing) clear <= clear + 8'd1;
			if (pend_valid) p_valid <= 1'b1;
			else if (!w_now) p_valid <= 1'b0;
		end
		if (pend_valid) begin
			p_conn <= pend_conn;
			p_bytes <= pend_bytes;
			p_cells <= pend_cells;
		end
	end
	assign f_pending = acc_f.bytes - con_f.bytes;
	assign f_cells = acc_f.cells - con_f.cells;
	assign g_pending = acc_g.bytes - con_g.bytes;
	assign g_cells = acc_g.cells - con_g.cells;

	// ---- transmitter's view ----
	logic [23:0] pending_t;
	logic [31:0] open_t; // window open beyond rcv_nxt
	assign pending_t = acc_t - con_t;
	assign open_t = {8'd0, pending_t} < row_t[31:0] ? row_t[31:0] - {8'd0, pending_t} : 32'd0;
	always_ff @(posedge clk) begin
		txq_rcv_nxt <= row_t[95:64];
		txq_ts_recent <= row_t[63:32];
		txq_edge <= row_t[95:64] + open_t;
	end

	// ---- what was sent ----
	logic [31:0] maxs [0:127];
	logic [63:0] lasts [0:127]; // edge, ack
	logic [127:0] fresh;
	logic        s_valid;
	logic        s_data;
	logic [6:0]  s_conn;
	logic [31:0] s_ack, s_edge, s_end;
	logic [31:0] max_old;
	logic [31:0] max_diff;
	logic        init_now;
	logic        max_en;
	logic [31:0] max_new;
	logic        last_en;
	logic [6:0]  m_conn;

	assign init_ready = !s_valid;
	assign init_now = init_valid && init_ready;
	assign m_conn = s_valid ? s_conn : w_conn;
	assign max_old = maxs[m_conn];
	assign max_new = s_valid ? s_end : w_row.snd_una;
	assign max_diff = max_new - max_old;
	assign max_en = ((s_valid && s_data) || init_now) && (fresh[m_conn] || (!max_diff[31] && max_diff != 32'd0));
	assign last_en = s_valid || (init_now && fresh[w_conn]);
	always_ff @(posedge clk) begin
		if (max_en) maxs[m_conn] <= max_new;
		if (last_en) lasts[m_conn] <= s_valid ? {s_edge, s_ack} : {w_row.rcv_nxt + w_row.rcv_wnd, w_row.rcv_nxt};
		f_snd_max <= maxs[f_conn];
		g_snd_max <= maxs[g_conn];
		f_last_ack <= lasts[f_conn][31:0];
		{g_last_edge, g_last_ack} <= lasts[g_conn];
		f_fresh <= fresh[f_conn];
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			s_valid <= 1'b0;
			fresh <= '1;
		end else begin
			s_valid <= sent_valid;
			if ((s_valid && s_data) || init_now) fresh[m_conn] <= 1'b0;
			if (fresh_set) fresh[w_conn] <= 1'b1;
		end
		s_data <= sent_data;
		s_conn <= sent_conn;
		s_ack <= sent_ack;
		s_edge <= sent_edge;
		s_end <= sent_end;
	end
endmodule
