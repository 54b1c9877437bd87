// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_eng: the stream engine. Takes a runnable connection, works on its pieces until the stream waits for firmware, runs dry or
// has had 16 pieces, and puts its state back. PDU headers are collected, data is handed to place, digests are checked.
//
// state   does
// IDLE    takes the connection picked      LOAD   its state arrives
// NEXT    decides: stop, reset, command, header or data finished, next piece, next run of bytes
// PUT     header to place, for a command with HEADER: its job, then a beat per cycle
// TAKE    next piece from the list         GO     starts a run of bytes (and its job in place)
// XFER    bytes come                       POST   counts them
// FLAGS, FCHECK  header's first 8 bytes are here: context flags, length of the header
// GIVE    piece used up: cells back, window opens
// HEAD    event for a header               FIN, FINJOB  end of a DATA command: sticky flag if its digest is wrong, job
// PURGE   stopped: gives all pieces back   STOPPED  job for EVT_STOPPED
// SAVE    state back
//
// One stream's states (st): HDR -> [DIG] -> WAIT -> (RXS_NEXT) HDR or (RXS_DATA) [PAD] -> DATA -> [DIG] -> HDR; any -> STOP -> (reset) HDR.
// A command with HEADER: as soon as it is taken, place is given the header, then pad and data follow as without. The command's first job
// makes the walker read the slot's entry anew. A stop is seen when the header's beats are in place's queue.
// After a DATA command with EVENT the stream rests until EVT_PLACED is out, so that events keep the order of the stream.
// Latency: about nine cycles from a delivery to its first byte. Throughput: 16 bytes per cycle within a piece, about eleven cycles
// more per piece, nine per run of bytes, one per 16 bytes of a header that is placed. Back-pressure: place's queues (jobs, data) hold the
// engine; deliveries wait in their lists.
module weft_rx_eng (
	input  logic         clk,
	input  logic         rst,
	// scheduling
	input  logic         pick_v,
	input  logic [6:0]   pick,
	output logic         pick_take,
	output logic [127:0] runnable,
	// commands
	input  logic         scmd_valid,
	input  logic [6:0]   scmd_conn,
	input  logic [7:0]   scmd,
	input  logic         cmd_valid, // RXS_CMD, always taken; ignored where no answer is awaited
	input  logic [6:0]   cmd_conn,
	input  logic         cmd_data,
	input  logic [3:0]   cmd_flags,
	input  logic [7:0]   cmd_pad,
	input  logic [15:0]  cmd_slot,
	input  logic [31:0]  cmd_off,
	input  logic [31:0]  cmd_len,
	// lists
	input  logic [127:0] filled,
	output logic         take_valid,
	output logic [6:0]   conn,
	input  logic         take_done,
	input  logic [9:0]   take_cell,
	input  logic [15:0]  take_off,
	input  logic [15:0]  take_len,
	// bytes
	output logic         fe_start,
	output logic [9:0]   fe_cell,
	output logic [8:0]   fe_pos,
	output logic [6:0]   fe_hops,
	output logic [15:0]  fe_len,
	input  logic         ob_valid,
	input  logic [127:0] ob_data,
	input  logic [4:0]   ob_cnt,
	input  logic         ob_last,
	input  logic [9:0]   e_cell,
	input  logic [8:0]   e_pos,
	output logic         placing, // these bytes go to place
	// context flags
	output logic         flags_req,
	input  logic         flags_gnt,
	input  logic         hdgst,
	// headers
	output logic         hm_en,
	output logic [7:0]   hm_off,
	output logic         hp_en, // reads a beat of the header, to be placed
	output logic [2:0]   hp_beat,
	output logic         hp_valid, // here it is
	input  logic         dat_room,
	// give back
	output logic         free_valid,
	output logic [9:0]   free_cell,
	input  logic         free_ready,
	output logic         cons_valid,
	output logic [15:0]  cons_bytes,
	output logic [7:0]   cons_cells,
	// place
	output logic         job_valid,
	output weft_rx_pkg::job_t job,
	input  logic         job_ready,
	input  logic         placed_clr,
	input  logic [6:0]   placed_conn,
	output logic         bad_valid, // data digest wrong: sticky flag of job.slot
	input  logic         bad_ready,
	// state for CTXB
	input  logic [6:0]   q_conn,
	output logic [2:0]   q_st,
	output logic         busy,
	output logic         cnt_hdrs,
	output logic         cnt_hdgst,
	output logic         cnt_ddgst
);
	// Bits of a command's flags
	localparam int unsigned F_DDGST = $clog2(weft_eng_pkg::RXSF_DDGST);
	localparam int unsigned F_EVENT = $clog2(weft_eng_pkg::RXSF_EVENT);
	localparam int unsigned F_DISCARD = $clog2(weft_eng_pkg::RXSF_DISCARD);
	localparam int unsigned F_HEADER = $clog2(weft_eng_pkg::RXSF_HEADER);
	localparam logic [4:0] BUDGET = 5'd16;

	typedef enum logic [4:0] {
		IDLE, LOAD, NEXT, PUT, TAKE, GO, XFER, POST, FLAGS, FCHECK, GIVE, HEAD, FIN, FINJOB, PURGE, STOPPED, SAVE
	} state_e;
	state_e state;
	weft_rx_pkg::stream_t s;
	logic [4:0]  spent; // pieces in this turn
	logic [6:0]  hops; // cells to pass before the piece's first byte
	logic [15:0] n; // bytes of this run
	logic        ch_due; // a header's first 8 bytes are complete
	logic        head_due; // a header is to be announced
	logic        head_bad; // HLEN out of range
	logic        fin_due; // a DATA command ends
	logic        dg_bad;
	logic        purging;
	logic        marker; // EVT_STOPPED follows
	logic [2:0]  hbeat; // beat of the header that is placed

	// ---- streams at rest ----
	logic [weft_rx_pkg::STREAM_W-1:0] ctx [0:127];
	logic [weft_rx_pkg::STREAM_W-1:0] ctx_q;
	logic [127:0] used; // ctx holds something
	logic [2:0]   st_pub [0:127];
	logic [2:0]   st_q;
	logic         used_q;
	logic [6:0]   addr;
	assign addr = state == IDLE ? pick : conn;
	always_ff @(posedge clk) begin
		if (state == SAVE) ctx[conn] <= s;
		ctx_q <= ctx[addr];
	end
	always_ff @(posedge clk) begin
		if (state == SAVE) st_pub[conn] <= s.st;
		st_q <= st_pub[q_conn];
		used_q <= used[q_conn];
	end
	assign q_st = used_q ? st_q : weft_rx_pkg::ST_HDR;

	// ---- commands at rest ----
	logic [92:0]  cmds [0:127];
	logic [92:0]  cmd_q;
	logic         cmd_en;
	logic         cmd_en_q;
	logic [6:0]   cmd_conn_q;
	logic [127:0] cmd_v;
	logic [127:0] waiting; // EVT_HDR is out, RXS_CMD is awaited
	logic [127:0] stop_req;
	logic [127:0] reset_req;
	logic [127:0] part; // a piece is in ctx
	logic [127:0] placed; // EVT_PLACED is awaited
	logic         to_stop;
	logic         to_reset;

	assign cmd_en = cmd_valid && waiting[cmd_conn];
	assign to_stop = scmd_valid && scmd == weft_eng_pkg::RXC_STREAM_STOP[7:0];
	assign to_reset = scmd_valid && !to_stop;
	assign runnable = stop_req | reset_req | cmd_v | ((filled | part) & ~waiting & ~placed);
	always_ff @(posedge clk) begin
		if (cmd_en) cmds[cmd_conn] <= {cmd_data, cmd_flags, cmd_pad, cmd_slot, cmd_off, cmd_len};
		cmd_q <= cmds[addr];
		cmd_conn_q <= cmd_conn;
	end

	// cells up to a piece's last byte, as weft_rx_fast and weft_rx_stream count them
	logic [16:0] take_end;
	assign take_end = {1'b0, take_off} + {1'b0, take_len} + 17'd511;

	// ---- decisions in NEXT ----
	logic        dg_on;
	logic        hlen_bad;
	logic [6:0]  head_len; // what HEADER places: nothing of a header that was never collected
	logic [2:0]  head_beats; // less one
	assign dg_on = hdgst && s.ptype >= 8'd4;
	assign hlen_bad = s.hlen < 8'd8 || s.hlen > 8'd128;
	assign head_len = hlen_bad ? 7'd0 : 7'(s.hlen - 8'd8);
	assign head_beats = 3'((head_len - 7'd1) >> 4);

	logic        stop_now, reset_now, cmd_now, more, placing_now, ddgst, data_end, take_cmd, put_head, fresh_head;
	logic [31:0] need; // bytes the present state takes
	logic [7:0]  head_left;
	assign stop_now = stop_req[conn];
	assign reset_now = !stop_now && reset_req[conn];
	assign cmd_now = cmd_v[conn];
	assign more = filled[conn] && spent != BUDGET;
	assign ddgst = s.flags[F_DDGST];
	assign placing_now = s.st == weft_rx_pkg::ST_DATA && !s.flags[F_DISCARD];
	assign take_cmd = !stop_now && !reset_now && s.st == weft_rx_pkg::ST_WAIT && cmd_now;
	assign put_head = take_cmd && cmd_q[92] && cmd_q[88 + F_HEADER] && !cmd_q[88 + F_DISCARD] && head_len != 7'd0;
	assign fresh_head = (reset_now && s.left == 16'd0) || (take_cmd && !cmd_q[92]);
	assign data_end = !stop_now && !reset_now && !head_due && !fin_due && s.st == weft_rx_pkg::ST_DATA && s.dleft == 32'd0;
	assign head_left = (s.have < 8'd8 ? 8'd8 : s.hlen) - s.have;
	always_comb begin
		case (s.st)
			weft_rx_pkg::ST_HDR: need = {24'd0, head_left};
			weft_rx_pkg::ST_DATA: need = s.dleft;
			weft_rx_pkg::ST_PAD: need = {24'd0, s.pad};
			default: need = {29'd0, 3'd4 - s.dcnt};
		endcase
	end

	logic [31:0] crc_out;
	weft_crc32c crc (.crc_in(s.crc), .data(ob_data), .cnt(ob_cnt), .crc_out);

	// ---- outputs ----
	assign pick_take = state == IDLE && pick_v;
	assign take_valid = state == TAKE;
	assign fe_start = state == GO && (!placing_now || job_ready);
	assign fe_cell = s.cell_no;
	assign fe_pos = s.pos;
	assign fe_hops = hops;
	assign fe_len = n;
	assign placing = placing_now && state == XFER;
	assign flags_req = state == FLAGS;
	assign hm_en = state == XFER && ob_valid && (s.st == weft_rx_pkg::ST_HDR || (s.st == weft_rx_pkg::ST_DIG && !s.dg_data));
	assign hm_off = s.have;
	assign hp_en = state == PUT && dat_room && (hbeat != 3'd0 || job_ready);
	assign hp_beat = hbeat;
	assign free_valid = state == GIVE;
	assign free_cell = s.first;
	assign cons_valid = state == GIVE && free_ready;
	assign cons_bytes = s.piece;
	assign cons_cells = s.cells;
	assign bad_valid = state == FIN && dg_bad && !s.flags[F_DISCARD];
	assign job_valid = (state == GO && placing_now) || (state == PUT && dat_room && hbeat == 3'd0) || state == HEAD || state == FINJOB || state == STOPPED;
	always_comb begin
		job.kind = weft_rx_pkg::JOB_DATA;
		job.conn = conn;
		job.flags = {6'd0, s.flags[F_HEADER], 1'b0};
		job.slot = s.slot;
		job.a = s.off;
		job.b = state == PUT ? {25'd0, head_len} : {16'd0, n};
		if (state == HEAD) begin
			job.kind = weft_rx_pkg::JOB_HDR;
			job.flags = {6'd0, head_bad, dg_bad};
			job.a = head_bad ? 32'd8 : {24'd0, s.hlen};
			job.b = dg_bad ? s.dig : 32'd0;
		end else if (state == FINJOB) begin
			job.kind = weft_rx_pkg::JOB_FIN;
			job.flags = {s.flags[F_EVENT], 6'd0, dg_bad};
			job.a = s.dlen;
		end else if (state == STOPPED) job.kind = weft_rx_pkg::JOB_STOP;
	end
	assign busy = state != IDLE || runnable != '0 || cmd_en_q;
	assign cnt_hdrs = state == HEAD && job_ready;
	assign cnt_hdgst = state == HEAD && job_ready && dg_bad;
	assign cnt_ddgst = state == FINJOB && job_ready && dg_bad;

	// ---- bits per connection ----
	always_ff @(posedge clk) begin
		if (rst) begin
			cmd_v <= '0;
			waiting <= '0;
			stop_req <= '0;
			reset_req <= '0;
			part <= '0;
			placed <= '0;
			used <= '0;
			cmd_en_q <= 1'b0;
		end else begin
			cmd_en_q <= cmd_en;
			if (state == HEAD && job_ready) waiting[conn] <= 1'b1;
			if (cmd_en) waiting[cmd_conn] <= 1'b0;
			if (state == NEXT) begin
				if (cmd_now) cmd_v[conn] <= 1'b0; // taken, or out of place
				if (stop_now) stop_req[conn] <= 1'b0;
				if (reset_now && s.left == 16'd0) reset_req[conn] <= 1'b0;
				if (stop_now || reset_now) waiting[conn] <= 1'b0;
			end
			if (cmd_en_q) cmd_v[cmd_conn_q] <= 1'b1; // one cycle late, when the operands can be read
			if (state == SAVE) begin
				part[conn] <= s.left != 16'd0;
				used[conn] <= 1'b1;
			end
			if (placed_clr) placed[placed_conn] <= 1'b0;
			if (state == FINJOB && job_ready && s.flags[F_EVENT]) placed[conn] <= 1'b1;
			if (to_stop) begin
				stop_req[scmd_conn] <= 1'b1;
				reset_req[scmd_conn] <= 1'b0; // one given before; the other order leaves both
			end
			if (to_reset) reset_req[scmd_conn] <= 1'b1;
		end
	end

	// ---- the engine ----
	always_ff @(posedge clk) hp_valid <= hp_en && !rst;
	always_ff @(posedge clk) begin
		if (rst) state <= IDLE;
		else case (state)
			IDLE: if (pick_v && runnable[pick]) state <= LOAD;
			LOAD: state <= NEXT;
			NEXT: begin
				if (stop_now) state <= PURGE;
				else if (reset_now) state <= s.left != 16'd0 ? GIVE : NEXT;
				else if (s.st == weft_rx_pkg::ST_STOP) state <= filled[conn] || s.left != 16'd0 ? PURGE : SAVE;
				else if (head_due) state <= HEAD;
				else if (fin_due) state <= dg_bad ? FIN : FINJOB;
				else if (s.st == weft_rx_pkg::ST_WAIT) state <= put_head ? PUT : cmd_now ? NEXT : SAVE;
				else if (placed[conn]) state <= SAVE;
				else if (data_end) state <= ddgst ? NEXT : FINJOB;
				else if (s.left == 16'd0) state <= more ? TAKE : SAVE;
				else state <= GO;
			end
			PUT: if (hp_en && hbeat == head_beats) state <= NEXT;
			TAKE: if (take_done) state <= purging ? GIVE : NEXT;
			GO: if (fe_start) state <= XFER;
			XFER: if (ob_valid && ob_last) state <= POST;
			POST: state <= s.left == n ? GIVE : s.st == weft_rx_pkg::ST_HDR && s.have == 8'd8 ? FLAGS : NEXT;
			FLAGS: if (flags_gnt) state <= FCHECK;
			FCHECK: state <= NEXT;
			GIVE: if (free_ready) state <= purging ? PURGE : ch_due ? FLAGS : NEXT;
			HEAD: if (job_ready) state <= SAVE;
			FIN: if (!bad_valid || bad_ready) state <= FINJOB;
			FINJOB: if (job_ready) state <= NEXT;
			PURGE: state <= s.left != 16'd0 ? GIVE : filled[conn] ? TAKE : marker ? STOPPED : SAVE;
			STOPPED: if (job_ready) state <= SAVE;
			default: state <= IDLE;
		endcase
	end

	always_ff @(posedge clk) begin
		case (state)
			IDLE: begin
				conn <= pick;
				spent <= '0;
				hops <= '0;
				ch_due <= 1'b0;
				head_due <= 1'b0;
				fin_due <= 1'b0;
				purging <= 1'b0;
				marker <= 1'b0;
				hbeat <= '0;
			end
			LOAD: begin
				s <= ctx_q;
				if (!used[conn]) begin
					s <= '0;
					s.crc <= '1;
				end
			end
			NEXT: begin
				n <= {16'd0, s.left} < need ? s.left : need[15:0];
				if (stop_now || reset_now) begin
					head_due <= 1'b0;
					fin_due <= 1'b0;
				end
				if (stop_now) begin
					s.st <= weft_rx_pkg::ST_STOP;
					marker <= 1'b1;
				end
				purging <= stop_now || (!reset_now && s.st == weft_rx_pkg::ST_STOP);
				if (take_cmd) begin
					{s.flags, s.pad, s.slot, s.off, s.dleft} <= cmd_q[91:0];
					s.dlen <= cmd_q[31:0];
					s.crc <= '1;
					s.st <= cmd_q[87:80] != 8'd0 ? weft_rx_pkg::ST_PAD : weft_rx_pkg::ST_DATA;
				end
				if (data_end) begin
					s.dcnt <= '0;
					s.dig <= '0;
					s.dg_data <= 1'b1;
					dg_bad <= 1'b0;
					if (ddgst) s.st <= weft_rx_pkg::ST_DIG;
				end
				if (fresh_head) begin
					s.st <= weft_rx_pkg::ST_HDR;
					s.have <= '0;
					s.crc <= '1;
				end
			end
			TAKE: if (take_done) begin
				s.first <= take_cell;
				s.cell_no <= take_cell;
				s.pos <= take_off[8:0];
				hops <= take_off[15:9];
				s.left <= take_len;
				s.piece <= take_len;
				s.cells <= take_end[16:9];
				spent <= spent + 5'd1;
			end
			PUT: if (hp_en) begin
				hbeat <= hbeat + 3'd1;
				s.flags[F_HEADER] <= 1'b0;
				if (hbeat == head_beats) begin
					hbeat <= '0;
					s.off <= s.off + {25'd0, head_len};
				end
			end
			GO: begin
				if (fe_start && placing_now) s.flags[F_HEADER] <= 1'b0;
				head_bad <= 1'b0;
				dg_bad <= 1'b0;
			end
			XFER: if (ob_valid) begin
				hops <= '0;
				case (s.st)
					weft_rx_pkg::ST_HDR: begin
						s.crc <= crc_out;
						s.have <= s.have + {3'd0, ob_cnt};
						if (s.have == 8'd0) s.ptype <= ob_data[7:0];
						if (s.have <= 8'd2 && s.have + {3'd0, ob_cnt} > 8'd2) s.hlen <= ob_data[{2'd0, 2'd2 - s.have[1:0], 3'd0} +: 8];
					end
					weft_rx_pkg::ST_DATA: s.crc <= crc_out;
					weft_rx_pkg::ST_DIG: begin
						if (!s.dg_data) s.have <= s.have + {3'd0, ob_cnt};
						for (int i = 0; i < 4; i++)
							if (3'(i) >= s.dcnt) s.dig[8*i +: 8] <= ob_data[{2'd0, 2'(i) - s.dcnt[1:0], 3'd0} +: 8];
						s.dcnt <= s.dcnt + ob_cnt[2:0];
					end
					default: ;
				endcase
			end
			POST: begin
				s.left <= s.left - n;
				s.pos <= e_pos;
				s.cell_no <= e_cell;
				case (s.st)
					weft_rx_pkg::ST_HDR: begin
						if (s.have == 8'd8) ch_due <= 1'b1;
						else if (s.have > 8'd8 && s.have == s.hlen) begin
							if (s.dg_on) s.st <= weft_rx_pkg::ST_DIG;
							else head_due <= 1'b1;
						end
					end
					weft_rx_pkg::ST_DATA: begin
						s.off <= s.off + {16'd0, n};
						s.dleft <= s.dleft - {16'd0, n};
					end
					weft_rx_pkg::ST_PAD: begin
						s.pad <= s.pad - n[7:0];
						if (s.pad == n[7:0]) s.st <= weft_rx_pkg::ST_DATA;
					end
					default: if (s.dcnt == 3'd4) begin
						dg_bad <= s.dig != ~s.crc;
						if (s.dg_data) fin_due <= 1'b1;
						else head_due <= 1'b1;
					end
				endcase
			end
			FCHECK: begin
				ch_due <= 1'b0;
				s.dg_on <= dg_on;
				s.dg_data <= 1'b0;
				s.dcnt <= '0;
				s.dig <= '0;
				head_bad <= hlen_bad;
				if (hlen_bad || (s.hlen == 8'd8 && !dg_on)) head_due <= 1'b1;
				else if (s.hlen == 8'd8) s.st <= weft_rx_pkg::ST_DIG;
			end
			GIVE: if (free_ready) s.left <= '0;
			HEAD: if (job_ready) begin
				head_due <= 1'b0;
				s.st <= weft_rx_pkg::ST_WAIT;
			end
			FINJOB: if (job_ready) begin
				fin_due <= 1'b0;
				s.st <= weft_rx_pkg::ST_HDR;
				s.have <= '0;
				s.crc <= '1;
			end
			default: ;
		endcase
	end

	logic unused;
	assign unused = &{1'b0, take_end[8:0]};

`ifndef SYNTHESIS
	initial if ($bits(s) != weft_rx_pkg::STREAM_W) $fatal(1, "weft_rx_eng: width");
`endif
endmodule
