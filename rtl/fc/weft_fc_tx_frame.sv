// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_tx_frame: framer. Cuts the payload of each operation into frames of min(max_data, rest), writes it into the frame buffer, makes
// each frame's header, runs the CRC over header, payload and fill bytes, and queues the frame. Reports the end of operations as
// EVT_FC_TXDONE, after the number of frames stands in the record.
// A frame exists only when it is queued: on an error the one under construction is simply never queued, and the rest of the operation is
// drained. A kill ends the operation between two frames.
//
//   IDLE -> LOAD -> START -> HDR0 -> HDR1 -> BODY -> QUEUE -> START ... -> NOTE -> FIN -> IDLE;  START, BODY -> DRAIN -> NOTE;
//   a fence: IDLE -> LOAD -> FIN, where it waits, while frames are dropped, until none is left; what nothing follows: LOAD -> NOTE
//
// Header of the record: F_CTL as in the last frame, SEQ_CNT and Parameter of the first. Not in the others: END_SEQ, SEQ_INIT, LAST_SEQ.
// Latency: 4 cycles from an operation's first byte to its place in the buffer. Throughput: one beat per cycle, 4 cycles between two
// frames, 4 more between operations. Back-pressure: a frame starts only when buffer and frame queue have room for it.
module weft_fc_tx_frame (
	input  logic         clk,
	input  logic         rst,
	// operations
	input  logic         d_valid,
	input  weft_fc_tx_pkg::desc_t d_in,
	output logic         d_pop,
	// kill state; raw operations answer to raw_drop alone
	output logic [15:0]  k_slot,
	input  logic         k_hit,
	input  logic         drop,
	input  logic         raw_drop,
	// byte source
	output logic         src_start,
	output logic         src_lit,
	output logic         src_data,
	output logic         src_drain,
	input  logic         src_idle,
	input  logic         src_fail,
	input  logic         src_stop,
	output logic         src_frame,
	output logic [11:0]  src_size,
	input  logic         b_valid,
	output logic         b_ready,
	input  logic [127:0] b_data,
	input  logic [4:0]   b_cnt,
	input  logic         b_last,
	// frame buffer
	output logic         w_en,
	output logic [weft_fc_tx_pkg::RING_AW-1:0] w_addr,
	output logic [127:0] w_data,
	output logic         fr_wr,
	output weft_fc_tx_pkg::frame_t fr,
	input  logic         freed,
	input  logic [7:0]   freed_beats,
	input  logic         none_waits,
	// XRAM: the record's frame count
	output logic         x_req,
	output logic [15:0]  x_addr,
	output logic [127:0] x_wdata,
	output logic [15:0]  x_be,
	input  logic         x_gnt,
	// event
	output logic         ev_wr,
	output logic [95:0]  ev,
	input  logic         ev_full,
	output logic         busy
);
	localparam int unsigned AW = weft_fc_tx_pkg::RING_AW;
	localparam int unsigned FW = weft_fc_tx_pkg::FRAME_AW;
	localparam logic [3:0] IDLE = 4'd0, LOAD = 4'd1, START = 4'd2, HDR0 = 4'd3, HDR1 = 4'd4, BODY = 4'd5, QUEUE = 4'd6, DRAIN = 4'd7,
		NOTE = 4'd8, FIN = 4'd9;
	logic [3:0]    state;
	weft_fc_tx_pkg::desc_t d;
	logic [24:0]   rest;
	logic [11:0]   size_next, size;
	logic          last_next, first, last, r_err, r_drop, kill_now, room, ev_due, fin_go, hold;
	logic [AW-1:0] wbase, waddr;
	logic [AW:0]   used;
	logic [FW:0]   frames;
	logic [7:0]    need, beats;
	logic [15:0]   seq_cnt, count;
	logic [31:0]   parm;
	logic [31:0]   crc, crc_next;
	logic [1:0]    fill;

	assign k_slot = d.slot;
	assign kill_now = d.raw ? raw_drop : k_hit || drop;
	assign need = size_next[11:4] + {7'd0, size_next[3:0] != 4'd0};
	assign room = used + {3'd0, need} <= weft_fc_tx_pkg::RING_BEATS[AW:0] && !frames[FW];

	// header of the frame at hand; byte i of the wire in bits i*8 +: 8
	logic [191:0] hdr;
	assign fill = last ? 2'd0 - size[1:0] : 2'd0;
	always_comb begin
		hdr = d.hdr;
		if (!last) hdr[79:72] = d.hdr[79:72] & 8'he6;
		hdr[89:88] = fill;
		hdr[127:112] = {seq_cnt[7:0], seq_cnt[15:8]};
		hdr[191:160] = {parm[7:0], parm[15:8], parm[23:16], parm[31:24]};
	end

	// CRC: header in two steps, then the beats as they are written. Bytes behind the last one are zero, so they are the fill
	logic [127:0] c_data;
	logic [2:0]   c_cnt;
	always_comb begin
		c_data = b_data;
		c_cnt = b_cnt[4:2] + {2'd0, b_cnt[1:0] != 2'd0};
		if (state == HDR0) {c_cnt, c_data} = {3'd4, hdr[127:0]};
		if (state == HDR1) {c_cnt, c_data} = {3'd2, 64'd0, hdr[191:128]};
	end
	weft_crc32c #(.POLY(32'hedb88320)) u_crc (.crc_in(crc), .data(c_data), .cnt({c_cnt, 2'b00}), .crc_out(crc_next));

	assign b_ready = state == BODY && !src_fail && !src_stop;
	assign w_en = b_ready && b_valid;
	assign w_addr = waddr;
	assign w_data = b_data;
	assign fr_wr = state == QUEUE;
	always_comb begin
		fr = '0;
		fr.raw = d.raw;
		fr.first = first;
		fr.last = last;
		fr.base = wbase;
		fr.len = size + {10'd0, d.raw ? 2'd0 : fill};
		fr.crc = ~crc;
		fr.hdr = hdr;
	end

	assign d_pop = state == IDLE && d_valid;
	assign src_start = state == LOAD;
	assign src_lit = d.has_lit;
	assign src_data = d.has_data;
	assign src_frame = state == START && room;
	assign src_size = size_next;
	assign src_drain = state == DRAIN;
	assign x_req = state == NOTE && !d.raw;
	assign x_addr = d.rec + 16'd2;
	assign x_wdata = {16'd0, count, 96'd0};
	assign x_be = 16'h3000;
	assign ev_due = d.done || r_err;
	assign hold = d.fence && drop && !none_waits;
	assign fin_go = state == FIN && !(ev_due && ev_full) && !hold;
	assign ev_wr = fin_go && ev_due;
	assign ev = {32'd0, 12'd0, d.rec, 4'd0, d.slot, 6'd0, r_drop, r_err, weft_eng_pkg::EVT_FC_TXDONE[7:0]};
	assign busy = state != IDLE;

	always_ff @(posedge clk) begin
		size_next <= rest > {13'd0, d.max} ? d.max : rest[11:0];
		last_next <= rest <= {13'd0, d.max};
		if (state == HDR0 || state == HDR1 || w_en) crc <= crc_next;
		if (w_en) waddr <= waddr + 1'b1;

		case (state)
		IDLE: begin
			d <= d_in;
			rest <= d_in.total;
			first <= 1'b1;
			count <= '0;
			seq_cnt <= {d_in.hdr[119:112], d_in.hdr[127:120]};
			parm <= {d_in.hdr[167:160], d_in.hdr[175:168], d_in.hdr[183:176], d_in.hdr[191:184]};
			r_err <= d_in.err;
			r_drop <= d_in.drop;
			if (d_pop) state <= LOAD;
		end
		LOAD: state <= d.fence ? FIN : d.err || d.drop ? NOTE : START;
		START: begin
			waddr <= wbase;
			size <= size_next;
			last <= last_next;
			beats <= need;
			crc <= '1;
			if (kill_now) begin
				r_drop <= 1'b1;
				state <= DRAIN;
			end else if (room) state <= HDR0;
		end
		HDR0: begin
			rest <= rest - {13'd0, size};
			state <= HDR1;
		end
		HDR1: state <= size != 12'd0 ? BODY : QUEUE;
		BODY: begin
			if (src_fail || src_stop) begin
				r_err <= src_fail;
				r_drop <= !src_fail;
				state <= DRAIN;
			end else if (w_en && b_last) state <= QUEUE;
		end
		QUEUE: begin
			first <= 1'b0;
			count <= count + 16'd1;
			seq_cnt <= seq_cnt + 16'd1;
			if (d.hdr[91]) parm <= parm + {20'd0, size};
			state <= last ? NOTE : START;
		end
		DRAIN: if (src_idle) state <= NOTE;
		NOTE: if (x_gnt || d.raw) state <= FIN;
		default: if (fin_go) state <= IDLE; // FIN
		endcase

		if (fr_wr) wbase <= wbase + {2'b00, beats};
		used <= used + (fr_wr ? {3'd0, beats} : 11'd0) - (freed ? {3'd0, freed_beats} : 11'd0);
		frames <= frames + {4'd0, fr_wr} - {4'd0, freed};
		if (rst) begin
			state <= IDLE;
			wbase <= '0;
			used <= '0;
			frames <= '0;
		end
	end

	logic unused;
	assign unused = &{1'b0, d};
endmodule
