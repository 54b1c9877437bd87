// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_fast: takes described frames in order: connection lookup, fast path, or the way to firmware. Commands of RXC_CMD are
// carried out between two frames.
//
// state    does
// IDLE     next command or descriptor
// PROBE    hash table address stands; next: its entry
// ENTRY    entry valid: read connection's context; else next probe
// TUPLE    context address stands
// MATCH    compare the tuple; no match: next probe
// WORDS    second context word and connection state arrive
// TEST     single conditions
// JUDGE    fast or firmware
// DELIVER  payload to the stream half         RELEASE  cells back (no payload, dropped frame)
//          A connection's data may hold RX_SHARE times the cells that are free and no more, so that a stream that stands still, or comes in
//          crumbs, leaves room for the others; what exceeds that is dropped as if there were no cell. So are, below RX_RESERVE free cells,
//          frames of no connection.
// EVENT    EVT_FRAME; when no room for a few cycles the frame is dropped as if it had never come
// C_READ, C_LOAD, C_INIT, C_SCMD   the same for commands
//
// Latency: ten cycles from descriptor to delivery at the first probe. Throughput: one frame in ten cycles.
// Back-pressure: descriptors wait; the parser drops when their queue is full. rcv_wnd and ack_bytes of the context are taken over with every
// frame of the connection and with RESUME.
module weft_rx_fast (
	input  logic         clk,
	input  logic         rst,
	input  logic         d_valid,
	output logic         d_ready,
	input  weft_rx_pkg::desc_t d_in,
	input  logic [31:0]  ip,
	// lookup
	output logic [9:0]   hash_addr,
	input  logic [31:0]  hash_rdata,
	output logic [9:0]   ctxa_addr,
	output logic         ctxa_use, // in this cycle the address counts
	input  logic [127:0] ctxa_rdata,
	// connection state
	input  logic [10:0]  cells, // nobody holds
	output logic [6:0]   conn,
	input  weft_rx_pkg::conn_t f_row,
	input  logic [23:0]  f_pending,
	input  logic [10:0]  f_cells, // held by what is pending
	input  logic [31:0]  f_snd_max,
	input  logic [31:0]  f_last_ack,
	input  logic         f_fresh,
	output logic         w_en,
	output weft_rx_pkg::conn_t w_row,
	output logic [13:0]  w_add,
	output logic [7:0]   w_cells,
	output logic         fresh_set,
	output logic         init_valid,
	input  logic         init_ready,
	output logic         mode_valid,
	output logic         mode_mark,
	output logic         acc_valid, // payload accepted
	// commands
	input  logic         cmd_valid,
	input  logic [6:0]   cmd_conn,
	input  logic [7:0]   cmd,
	input  logic [31:0]  cmd_rcv_nxt,
	input  logic [31:0]  cmd_snd_una,
	input  logic [31:0]  cmd_snd_wnd,
	input  logic [31:0]  cmd_ts_recent,
	output logic         cmd_done,
	output logic         scmd_valid,
	output logic [7:0]   scmd,
	input  logic         scmd_ready,
	// results
	output logic         dlv_valid,
	output logic [9:0]   dlv_cell,
	output logic [15:0]  dlv_off,
	output logic [15:0]  dlv_len,
	input  logic         dlv_ready,
	output logic         free_valid,
	output logic [9:0]   free_cell,
	input  logic         free_ready,
	output logic         ev_valid,
	output logic [95:0]  ev_data,
	input  logic         ev_ready,
	output logic         ack_event, // snd_una reached notify_seq
	output logic         busy,
	output logic         cnt_fast,
	output logic         cnt_to_fw,
	output logic         cnt_evq,
	output logic         cnt_shed
);
	typedef enum logic [3:0] {
		IDLE, PROBE, ENTRY, TUPLE, MATCH, WORDS, TEST, JUDGE, DELIVER, RELEASE, EVENT, C_READ, C_LOAD, C_INIT, C_SCMD
	} state_e;
	state_e state;

	weft_rx_pkg::desc_t d;
	weft_rx_pkg::conn_t row; // as the frame finds it
	weft_rx_pkg::conn_t next; // as the frame leaves it
	logic [1:0]  probe;
	logic [31:0] mix;
	logic [9:0]  hash;
	logic        known; // conn is valid for this frame
	logic        match;
	logic [7:0]  cflags;
	logic [3:0]  scale;
	logic [31:0] notify;
	logic [23:0] pending;
	logic [10:0] held;
	logic [31:0] snd_max;
	logic [31:0] last_ack;
	logic [7:0]  cmd_q;
	logic [3:0]  wait_cnt;
	logic        trap; // this frame ends fast mode
	logic        bare; // no payload

	// ---- lookup ----
	assign mix = d_in.rip ^ {d_in.rport, d_in.lport};
	assign hash = mix[9:0] ^ mix[19:10] ^ mix[29:20];
	assign ctxa_use = state == TUPLE || state == MATCH || state == C_READ;
	assign match = ctxa_rdata[31:0] == d.rip && ctxa_rdata[63:32] == ip && ctxa_rdata[79:64] == d.lport && ctxa_rdata[95:80] == d.rport
		&& ctxa_rdata[96];

	// ---- fast path conditions, registered in TEST ----
	logic t_flags, t_seq, t_opt, t_paws, t_ack, t_room, t_share, t_dup, t_fire, t_ts;
	logic ts_on;
	logic [31:0] wnd, ts_age, ack_adv, ack_room, space, fire_diff, ts_seq;
	assign ts_on = cflags[1];
	assign wnd = {16'd0, d.wnd} << scale;
	assign ts_age = d.tsval - row.ts_recent;
	assign ack_adv = d.ack - row.snd_una;
	assign ack_room = snd_max - d.ack;
	assign space = row.rcv_wnd - {8'd0, pending};
	assign fire_diff = d.ack - notify;
	assign ts_seq = d.seq - last_ack;

	// ---- a share of the cells ----
	logic [15:0] head_off;
	logic [16:0] d_end;
	logic [12:0] share;
	logic        shed; // a frame of nobody, while cells are few
	assign head_off = {10'd0, d.doff, 2'b00} + 16'd34;
	assign d_end = {1'b0, head_off} + {3'd0, d.plen} + 17'd511;
	assign w_cells = d_end[16:9];
	assign share = {2'd0, cells} * weft_eng_pkg::RX_SHARE[12:0];
	assign shed = state == EVENT && !known && cells < weft_eng_pkg::RX_RESERVE[10:0];

	logic good;
	assign good = row.fast && t_flags && t_seq && t_opt && t_paws && t_ack && t_room && !t_dup;

	always_comb begin
		next = row;
		next.rcv_nxt = row.rcv_nxt + {18'd0, d.plen};
		next.snd_una = d.ack;
		next.snd_wnd = wnd;
		if (t_ts) next.ts_recent = d.tsval;
		if (t_fire) begin
			next.fired_v = 1'b1;
			next.fired = notify;
		end
	end

	// ---- writes of the connection state ----
	logic        accept;
	logic        resume;
	logic [31:0] cmd_fire;
	logic        mark; // RESUME with another rcv_nxt
	logic        needs_stream;
	assign cmd_fire = cmd_snd_una - ctxa_rdata[95:64];
	assign accept = (state == DELIVER && dlv_ready) || (state == RELEASE && !d.drop && free_ready);
	assign resume = cmd_q == weft_eng_pkg::RXC_RESUME[7:0];
	always_comb begin
		w_en = 1'b0;
		w_row = row;
		w_add = '0;
		if (accept) begin
			w_en = 1'b1;
			w_row = next;
			w_add = state == DELIVER ? d.plen : 14'd0;
		end else if (state == EVENT) begin
			w_en = known && ev_ready;
			w_row.fast = 1'b0;
		end else if (state == C_INIT) begin
			w_en = !resume || init_ready;
			w_row.fast = resume;
		end
	end
	assign init_valid = state == C_INIT && resume;
	assign fresh_set = state == C_INIT && cmd_q == weft_eng_pkg::RXC_STREAM_RESET[7:0];
	assign mode_valid = (state == C_INIT && w_en) || (state == EVENT && w_en && trap);
	assign mode_mark = state == C_INIT && resume && mark;
	assign cmd_done = (state == C_SCMD && scmd_ready) || (state == C_INIT && w_en && !needs_stream);
	assign needs_stream = cmd_q == weft_eng_pkg::RXC_STREAM_RESET[7:0] || cmd_q == weft_eng_pkg::RXC_STREAM_STOP[7:0];

	// ---- results ----
	assign d_ready = state == IDLE && !cmd_valid;
	assign dlv_valid = state == DELIVER;
	assign dlv_cell = d.first;
	assign dlv_off = head_off;
	assign dlv_len = {2'd0, d.plen};
	assign free_valid = state == RELEASE;
	assign free_cell = d.first;
	assign ev_valid = state == EVENT && !shed;
	assign ev_data = {
		d.tcp_us ? {2'd0, d.plen, head_off[7:0], 8'd34} : 32'd0,
		{2'd0, d.len, 6'd0, d.first},
		known ? {9'd0, conn} : 16'hffff, {6'd0, trap, d.tcp_us}, weft_eng_pkg::EVT_FRAME[7:0]
	};
	assign scmd_valid = state == C_SCMD;
	assign scmd = cmd_q;
	assign acc_valid = state == DELIVER && dlv_ready;
	assign ack_event = accept && t_fire;
	assign cnt_fast = accept;
	assign cnt_to_fw = ev_valid && ev_ready;
	assign cnt_evq = ev_valid && !ev_ready && wait_cnt == 4'd15;
	assign cnt_shed = shed || (state == JUDGE && good && !t_share);
	assign busy = state != IDLE;

	always_ff @(posedge clk) begin
		if (rst) state <= IDLE;
		else case (state)
			IDLE: begin
				if (cmd_valid) state <= C_READ;
				else if (d_valid) state <= d_in.drop ? RELEASE : d_in.tcp_us ? PROBE : EVENT;
			end
			PROBE: state <= ENTRY;
			ENTRY: state <= hash_rdata[31] ? TUPLE : probe == 2'd3 ? EVENT : PROBE;
			TUPLE: state <= MATCH;
			MATCH: state <= match ? WORDS : probe == 2'd3 ? EVENT : PROBE;
			WORDS: state <= TEST;
			TEST: state <= JUDGE;
			JUDGE: state <= !good ? EVENT : bare || !t_share ? RELEASE : DELIVER;
			DELIVER: if (dlv_ready) state <= IDLE;
			RELEASE: if (free_ready) state <= IDLE;
			EVENT: begin
				if (shed) state <= RELEASE;
				else if (ev_ready) state <= IDLE;
				else if (wait_cnt == 4'd15) state <= RELEASE;
			end
			C_READ: state <= C_LOAD;
			C_LOAD: state <= C_INIT;
			C_INIT: if (w_en) state <= needs_stream ? C_SCMD : IDLE;
			default: if (scmd_ready) state <= IDLE;
		endcase
	end

	always_ff @(posedge clk) begin
		case (state)
			IDLE: begin
				d <= d_in;
				probe <= 2'd0;
				known <= 1'b0;
				trap <= 1'b0;
				bare <= d_in.plen == 14'd0;
				hash_addr <= hash;
				wait_cnt <= '0;
				cmd_q <= cmd;
				if (cmd_valid) begin
					conn <= cmd_conn;
					ctxa_addr <= {cmd_conn, 3'd1};
				end
			end
			ENTRY: begin
				conn <= hash_rdata[6:0];
				ctxa_addr <= {hash_rdata[6:0], 3'd0};
				if (!hash_rdata[31]) begin
					probe <= probe + 2'd1;
					hash_addr <= hash_addr + 10'd1;
				end
			end
			TUPLE: ctxa_addr <= {conn, 3'd1};
			MATCH: begin
				known <= match;
				cflags <= ctxa_rdata[103:96];
				scale <= ctxa_rdata[107:104];
				if (!match) begin
					probe <= probe + 2'd1;
					hash_addr <= hash_addr + 10'd1;
				end
			end
			WORDS: begin
				row <= f_row;
				row.rcv_wnd <= ctxa_rdata[31:0];
				row.ack_bytes <= ctxa_rdata[63:48];
				notify <= ctxa_rdata[95:64];
				pending <= f_pending;
				held <= f_cells;
				snd_max <= f_snd_max;
				last_ack <= f_last_ack;
			end
			TEST: begin
				t_flags <= (d.flags | 12'h008) == 12'h018; // ACK, PSH or not
				t_seq <= d.seq == row.rcv_nxt;
				t_opt <= ts_on ? d.opt_ts : d.doff == 4'd5;
				t_paws <= !ts_on || !ts_age[31];
				t_ack <= !ack_adv[31] && !ack_room[31];
				t_room <= bare || (row.rcv_wnd > {8'd0, pending} && {18'd0, d.plen} <= space);
				t_share <= bare || {2'd0, held} + {5'd0, w_cells} <= share;
				t_dup <= bare && d.ack == row.snd_una && wnd == row.snd_wnd && row.snd_una != snd_max;
				t_fire <= !fire_diff[31] && !(row.fired_v && row.fired == notify);
				t_ts <= ts_on && (ts_seq[31] || ts_seq == 32'd0); // nothing since the last acknowledgement may set it
			end
			JUDGE: begin
				trap <= !good && row.fast;
				d.drop <= good && !t_share;
			end
			EVENT: begin
				wait_cnt <= wait_cnt + 4'd1;
				if (shed || wait_cnt == 4'd15) d.drop <= 1'b1;
			end
			C_LOAD: begin
				row <= f_row;
				mark <= f_fresh || f_row.rcv_nxt != cmd_rcv_nxt;
				if (resume) begin
					row.rcv_nxt <= cmd_rcv_nxt;
					row.snd_una <= cmd_snd_una;
					row.snd_wnd <= cmd_snd_wnd;
					row.ts_recent <= cmd_ts_recent;
					row.rcv_wnd <= ctxa_rdata[31:0];
					row.ack_bytes <= ctxa_rdata[63:48];
					// firmware knows what it resumes with
					row.fired_v <= !cmd_fire[31];
					row.fired <= ctxa_rdata[95:64];
				end
			end
			default: ;
		endcase
	end
	logic unused;
	assign unused = &{1'b0, d_end[8:0], cflags, hash_rdata, ctxa_rdata, mix, ts_age, ack_adv, ack_room, fire_diff, cmd_fire};
endmodule
