// SPDX-License-Identifier: BSD-2-Clause
// weft_tx_asm: assembler. Cuts the byte stream of each operation into segments of min(mss, rest), writes the payload into the frame
// buffer where it will stand in the frame (behind 54 or 66 bytes that weft_tx_hdr fills in), sums it for the checksum, and queues
// a job for the header. Between segments it serves acknowledgements first. Reports the end of operations as EVT_TXDONE.
// A segment exists only when its job is queued: on an error or a kill the one under construction is simply never queued, the rest
// of the operation is drained, and an error puts the connection into the kill state.
//
//   IDLE -> LOAD -> SEG -> RUN -> (FLUSH) -> SUM -> QUEUE -> SEG ... -> FIN -> IDLE;  SEG, RUN -> DRAIN -> FIN
//
// Latency: 3 cycles from an operation's first byte to its place in the buffer. Throughput: one beat per cycle; 4 cycles between two
// segments, 3 more between operations; a cycle in which the header builder writes is lost.
// Back-pressure: a segment starts only when buffer, frame queue and job queue have room for it.
module weft_tx_asm (
	input  logic         clk,
	input  logic         rst,
	// operations
	input  logic         d_valid,
	input  weft_tx_pkg::desc_t d_in,
	output logic         d_pop,
	input  logic [127:0] killed,
	output logic         kill_valid,
	output logic [6:0]   kill_conn,
	// acknowledgements asked for
	input  logic         ack_valid,
	input  logic [6:0]   ack_conn,
	input  logic         ack_hw,
	output logic         ack_pop,
	// byte source
	output logic         src_start,
	output weft_tx_pkg::desc_t d,
	output logic         src_drain,
	input  logic         src_idle,
	input  logic         src_dry,
	input  logic         src_fail,
	input  logic         src_stop,
	input  logic         b_valid,
	input  logic [127:0] b_data,
	input  logic [3:0]   b_skip,
	input  logic [4:0]   b_cnt,
	output logic [4:0]   b_use,
	// frame buffer
	input  logic         w_stall,
	output logic         w_en,
	output logic [weft_tx_pkg::RING_AW-1:0] w_addr,
	output logic [127:0] w_data,
	input  logic         freed,
	input  logic [9:0]   freed_beats,
	// header jobs
	output logic         job_wr,
	output weft_tx_pkg::job_t job,
	input  logic         job_full,
	input  logic         hdr_idle,
	// event
	output logic         ev_wr,
	output logic [95:0]  ev,
	input  logic         ev_full,
	output logic         op_end,
	output logic         busy
);
	localparam int unsigned AW = weft_tx_pkg::RING_AW;
	localparam logic [3:0] IDLE = 4'd0, LOAD = 4'd1, SEG = 4'd2, RUN = 4'd3, FLUSH = 4'd4, SUM = 4'd5, QUEUE = 4'd6, DRAIN = 4'd7, FIN = 4'd8;
	logic [3:0]    state;
	logic [24:0]   rest;
	logic [31:0]   seq;
	logic [13:0]   seg_next, seg_len, seg_left;
	logic [AW-1:0] wbase, waddr;
	logic [AW:0]   used;
	logic [6:0]    frames;
	logic [9:0]    need, alloc;
	logic          r_err, r_drop, kill_now, room_seg, room_ack, ack_go, err_now, fin_go;

	// room in ring and queues
	logic [14:0] frame_len;
	assign frame_len = {1'b0, seg_next} + (d.raw ? 15'd15 : d.ts ? 15'd81 : 15'd69);
	assign need = frame_len[13:4];
	assign room_seg = used + {2'b00, need} <= weft_tx_pkg::RING_BEATS[AW:0] && frames < 7'd60 && !job_full;
	assign room_ack = used + 12'd5 <= weft_tx_pkg::RING_BEATS[AW:0] && frames < 7'd60 && !job_full;
	assign ack_go = (state == IDLE || state == SEG) && ack_valid && room_ack;
	assign ack_pop = ack_go;
	assign kill_now = killed[d.conn[6:0]] && !d.raw;

	// the beat under construction: acc holds lanes below pos; byte j of the source beat goes to lane j - skip + pos, modulo 16
	logic [127:0] acc, rot, beat;
	logic [3:0]   pos, turn;
	logic [4:0]   n;
	logic [5:0]   total;
	logic         take, seg_end, put;
	assign n = {9'd0, b_cnt} < seg_left ? b_cnt : seg_left[4:0];
	assign take = state == RUN && b_valid && !src_fail && !w_stall;
	assign seg_end = {9'd0, n} == seg_left;
	assign total = state == FLUSH ? {2'b0, pos} : {2'b0, pos} + {1'b0, n};
	assign turn = pos - b_skip;
	assign rot = b_data << {turn, 3'b000} | b_data >> {5'd16 - {1'b0, turn}, 3'b000};
	assign put = take && (total >= 6'd16 || seg_end) || state == FLUSH && !w_stall;
	always_comb
		for (int i = 0; i < 16; i = i + 1)
			beat[i*8 +: 8] = 4'(i) < pos ? acc[i*8 +: 8] : 6'(i) < total ? rot[i*8 +: 8] : 8'd0;
	assign b_use = take ? n : 5'd0;
	assign w_en = put;
	assign w_addr = waddr;
	assign w_data = beat;

	// checksum of what is written, a cycle behind. RAW: of the frame's IPv4 header and TCP segment, without the checksums themselves
	logic [127:0] s_data;
	logic [2:0]   s_idx, idx;
	logic         s_valid;
	logic [7:0]   tcp_lanes, ip_lanes;
	logic [18:0]  tcp_add, ip_add;
	logic [31:0]  tcpsum;
	logic [23:0]  ipsum;
	always_comb begin
		tcp_lanes = 8'hff;
		ip_lanes = 8'h00;
		if (d.raw && s_idx == 3'd0) {tcp_lanes, ip_lanes} = {8'h00, 8'h80};
		if (d.raw && s_idx == 3'd1) {tcp_lanes, ip_lanes} = {8'he0, 8'hef};
		if (d.raw && s_idx == 3'd2) {tcp_lanes, ip_lanes} = {8'hff, 8'h01};
		if (d.raw && s_idx == 3'd3) tcp_lanes = 8'hfd;
		tcp_add = '0;
		ip_add = '0;
		for (int i = 0; i < 8; i = i + 1) begin
			tcp_add = tcp_add + {3'd0, s_data[i*16 +: 16] & {16{tcp_lanes[i]}}};
			ip_add = ip_add + {3'd0, s_data[i*16 +: 16] & {16{ip_lanes[i]}}};
		end
	end

	// jobs
	always_comb begin
		job = '0;
		job.base = wbase;
		if (state == QUEUE) begin
			job.kind = d.raw ? weft_tx_pkg::JOB_RAW : weft_tx_pkg::JOB_DATA;
			job.psh = d.psh && rest == 25'd0;
			job.retx = d.retx;
			job.ts = d.ts;
			job.ipcsum = d.ipcsum;
			job.tcpcsum = d.tcpcsum;
			job.conn = d.conn[6:0];
			job.seq = seq;
			job.len = seg_len;
			job.alloc = alloc;
			job.tcpsum = tcpsum;
			job.ipsum = ipsum;
		end else begin
			job.kind = weft_tx_pkg::JOB_ACK;
			job.hw = ack_hw;
			job.conn = ack_conn;
			job.alloc = 10'd5;
		end
	end
	assign job_wr = state == QUEUE || ack_go;

	assign d_pop = state == IDLE && d_valid && !ack_valid && (!d_in.fence || hdr_idle);
	assign src_start = state == LOAD;
	assign src_drain = state == DRAIN || state == FIN;
	// dry although bytes are missing cannot happen with sound DMA answers; it must not hang either
	assign err_now = (state == SEG && rest != 25'd0 || state == RUN) && (src_fail || src_dry && !src_stop);
	assign kill_valid = err_now && !d.raw || state == LOAD && d.err && !d.raw;
	assign kill_conn = d.conn[6:0];
	assign ev = {32'd0, 12'd0, d.rec, 4'd0, 8'd0, d.conn, 6'd0, r_drop, r_err, weft_eng_pkg::EVT_TXDONE[7:0]};
	assign fin_go = state == FIN && src_idle && !(ev_full && (d.done || r_err));
	assign ev_wr = fin_go && (d.done || r_err);
	assign op_end = fin_go && !d.fence && !r_drop;
	assign busy = state != IDLE;

	always_ff @(posedge clk) begin
		seg_next <= rest > {11'd0, d.mss} ? d.mss : rest[13:0];
		s_valid <= put;
		s_data <= beat;
		s_idx <= idx;
		if (s_valid) begin
			tcpsum <= tcpsum + {13'd0, tcp_add};
			ipsum <= ipsum + {5'd0, ip_add};
		end
		if (put) begin
			waddr <= waddr + 1'b1;
			if (idx != 3'd4) idx <= idx + 3'd1;
		end
		if (take) begin
			pos <= pos + n[3:0];
			seg_left <= seg_left - {9'd0, n};
			acc <= total >= 6'd16 ? rot : beat;
		end

		case (state)
		IDLE: if (d_pop) begin
			d <= d_in;
			rest <= d_in.total;
			seq <= d_in.seq;
			r_err <= 1'b0;
			r_drop <= 1'b0;
			state <= d_in.fence ? FIN : LOAD;
		end
		LOAD: begin
			r_err <= d.err;
			r_drop <= d.drop;
			state <= d.err || d.drop ? FIN : SEG;
		end
		SEG: begin
			waddr <= wbase + (d.raw ? 11'd0 : d.ts ? 11'd4 : 11'd3);
			pos <= d.raw ? 4'd0 : d.ts ? 4'd2 : 4'd6;
			acc <= '0;
			idx <= '0;
			tcpsum <= '0;
			ipsum <= '0;
			seg_len <= seg_next;
			seg_left <= seg_next;
			alloc <= need;
			if (rest == 25'd0) state <= FIN;
			else if (err_now) begin
				r_err <= 1'b1;
				state <= DRAIN;
			end else if (src_stop || kill_now) begin
				r_drop <= 1'b1;
				state <= DRAIN;
			end else if (!ack_valid && b_valid && room_seg) begin
				rest <= rest - {11'd0, seg_next};
				state <= RUN;
			end
		end
		RUN: begin
			if (take && seg_end) state <= total > 6'd16 ? FLUSH : SUM;
			else if (err_now) begin
				r_err <= 1'b1;
				state <= DRAIN;
			end else if (src_stop && src_dry) begin
				r_drop <= 1'b1;
				state <= DRAIN;
			end
		end
		FLUSH: if (!w_stall) state <= SUM;
		SUM: state <= QUEUE;
		QUEUE: begin
			seq <= seq + {18'd0, seg_len};
			state <= SEG;
		end
		DRAIN: if (src_idle) state <= FIN;
		default: if (fin_go) state <= IDLE; // FIN
		endcase

		if (job_wr) wbase <= wbase + {1'b0, job.alloc};
		used <= used + (job_wr ? {2'b00, job.alloc} : 12'd0) - (freed ? {2'b00, freed_beats} : 12'd0);
		frames <= frames + {6'd0, job_wr} - {6'd0, freed};
		if (rst) begin
			state <= IDLE;
			wbase <= '0;
			used <= '0;
			frames <= '0;
			s_valid <= 1'b0;
		end
	end

	logic unused;
	assign unused = &{1'b0, d, frame_len[14], frame_len[3:0]};
endmodule
