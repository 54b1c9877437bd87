// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_ack: decides when a connection in fast mode needs an acknowledgement, and asks the transmitter for it.
// A connection is looked at when bytes were accepted or consumed, when a segment of it was sent, when it was resumed, and at the tick:
//   rcv_nxt is ack_bytes or more beyond what was acknowledged or asked for;
//   the right edge moved by half of rcv_wnd or 2 * ack_bytes, whichever is less, beyond what was advertised or asked for;
//   at the tick, if rcv_nxt differs from the last acknowledgement as it did at the tick before.
// What was asked for counts as if sent, so that one need gives one acknowledgement; a request that got lost is made up by the tick.
// RESUME with a new rcv_nxt counts as asked for: firmware acknowledges what it delivers.
// Latency: about ten cycles. Throughput: one connection in seven cycles. Back-pressure: ackrq waits, marks are kept as bits.
// owed: some connection waits for its tick, so time must go on.
module weft_rx_ack (
	input  logic         clk,
	input  logic         rst,
	input  logic [31:0]  time_lo,
	input  logic [31:0]  tick_ns,
	input  logic         acc_valid,
	input  logic [6:0]   acc_conn,
	input  logic         cons_valid,
	input  logic [6:0]   cons_conn,
	input  logic         sent_valid,
	input  logic [6:0]   sent_conn,
	input  logic         mode_valid, // resumed or trapped
	input  logic [6:0]   mode_conn,
	input  logic         mode_mark, // counts as asked for
	// state
	output logic         g_req, // g_conn is ours in this cycle
	output logic [6:0]   g_conn,
	input  weft_rx_pkg::conn_t g_row,
	input  logic [23:0]  g_pending,
	input  logic [31:0]  g_last_ack,
	input  logic [31:0]  g_last_edge,
	output logic         ackrq_valid,
	output logic [6:0]   ackrq_conn,
	input  logic         ackrq_ready,
	output logic         owed,
	output logic         busy
);
	typedef enum logic [2:0] { IDLE, READ, EVAL, JUDGE, ASK } state_e;
	state_e state;
	logic [127:0] look; // to be looked at
	logic [127:0] due; // looked at because of the tick
	logic [127:0] mark; // counts as asked for
	logic [127:0] debt; // rcv_nxt was not acknowledged when looked at last
	logic [127:0] old; // debt at the tick before
	logic [31:0]  tick_at;
	logic         tick;
	logic         pick_v;
	logic [6:0]   pick;
	logic [6:0]   conn;

	assign tick = time_lo - tick_at >= tick_ns;
	weft_rx_pick picker (.clk, .rst, .bits(look), .valid(pick_v), .index(pick), .take(pick_v && state == IDLE));

	// ---- what was asked for last ----
	logic [63:0] asked [0:127]; // edge, rcv_nxt
	logic [63:0] asked_q;
	logic        asked_en;
	logic [63:0] asked_d;

	always_ff @(posedge clk) begin
		if (asked_en) asked[conn] <= asked_d;
		asked_q <= asked[g_conn];
	end
	assign g_req = state == READ;
	assign g_conn = conn;

	// ---- look ----
	logic        fast, is_marked, is_due, was_old, is_debt;
	logic [31:0] rcv_nxt, edge_now, data_new, edge_new, half, twice;
	logic [31:0] open_bytes, data_sent, data_asked, last_edge, asked_edge, edge_from_sent, edge_from_asked;
	logic [15:0] ack_bytes;
	logic        data_need, edge_need, tick_need;
	logic        need;

	assign open_bytes = {8'd0, g_pending} < g_row.rcv_wnd ? g_row.rcv_wnd - {8'd0, g_pending} : 32'd0;
	assign data_sent = g_row.rcv_nxt - g_last_ack;
	assign data_asked = g_row.rcv_nxt - asked_q[31:0];

	always_ff @(posedge clk) begin
		// the memories' outputs are ours in the cycle after READ
		if (state == EVAL) begin
			fast <= g_row.fast;
			rcv_nxt <= g_row.rcv_nxt;
			edge_now <= g_row.rcv_nxt + open_bytes;
			// the lesser distance is the one from the later of the two
			data_new <= !data_asked[31] && data_asked < data_sent ? data_asked : data_sent;
			is_debt <= g_row.rcv_nxt != g_last_ack;
			half <= {1'b0, g_row.rcv_wnd[31:1]};
			twice <= {15'd0, g_row.ack_bytes, 1'b0};
			is_marked <= mark[conn];
			is_due <= due[conn];
			was_old <= old[conn];
			last_edge <= g_last_edge;
			asked_edge <= asked_q[63:32];
			ack_bytes <= g_row.ack_bytes;
		end
	end
	assign edge_from_sent = edge_now - last_edge;
	assign edge_from_asked = edge_now - asked_edge;
	assign edge_new = !edge_from_asked[31] && edge_from_asked < edge_from_sent ? edge_from_asked : edge_from_sent;
	assign data_need = is_debt && !data_new[31] && data_new != 32'd0 && data_new >= {16'd0, ack_bytes};
	assign edge_need = !edge_new[31] && edge_new != 32'd0 && (edge_new >= half || edge_new >= twice);
	assign tick_need = is_due && was_old && is_debt;
	assign need = fast && !is_marked && (data_need || edge_need || tick_need);
	assign asked_en = state == JUDGE && (need || is_marked);
	assign asked_d = {edge_now, rcv_nxt};

	always_ff @(posedge clk) begin
		if (rst) begin
			state <= IDLE;
			look <= '0;
			due <= '0;
			mark <= '0;
			debt <= '0;
			old <= '0;
			tick_at <= '0;
		end else begin
			case (state)
				IDLE: if (pick_v) state <= READ;
				READ: state <= EVAL;
				EVAL: state <= JUDGE;
				JUDGE: state <= need ? ASK : IDLE;
				default: if (ackrq_ready) state <= IDLE;
			endcase
			if (state == IDLE && pick_v) look[pick] <= 1'b0;
			if (state == EVAL) begin
				mark[conn] <= 1'b0;
				due[conn] <= 1'b0;
			end
			if (state == JUDGE) begin
				debt[conn] <= fast && is_debt;
				if (is_due || !(fast && is_debt)) old[conn] <= fast && is_debt;
			end
			if (tick) begin
				tick_at <= time_lo;
				due <= due | debt;
				look <= look | debt;
			end
			if (sent_valid) begin
				old[sent_conn] <= 1'b0;
				look[sent_conn] <= 1'b1;
			end
			if (acc_valid) look[acc_conn] <= 1'b1;
			if (cons_valid) look[cons_conn] <= 1'b1;
			if (mode_valid) begin
				look[mode_conn] <= 1'b1;
				if (mode_mark) mark[mode_conn] <= 1'b1;
			end
		end
		if (state == IDLE) conn <= pick;
	end
	assign ackrq_valid = state == ASK;
	assign ackrq_conn = conn;
	assign owed = debt != '0;
	assign busy = state != IDLE || look != '0;
	logic unused;
	assign unused = &{1'b0, g_row};
endmodule
