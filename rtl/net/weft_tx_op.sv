// SPDX-License-Identifier: BSD-2-Clause
// weft_tx_op: front end of transmit operations. Takes them from the queue in order; reads the record and the connection's mss; works
// out which header, data and digest bytes the range [off, off + len) covers; hands on a descriptor, the literal bytes (header, header
// digest, pad; from XRAM) and DMA reads for the data with a token each. It runs ahead of the assembler as far as the queues
// behind it hold, so that many reads are under way, also of later operations.
// A read never crosses the end of a segment: the error answer of a read comes with its last byte, and with that rule the segment that
// holds bytes of a failed read is always still in the assembler's hands.
// Latency: 9 cycles from op_valid to the descriptor, then a header beat per cycle. Throughput: one operation in about 10 cycles + its
// header beats + two cycles per data piece. Back-pressure: waits while a queue behind it is full.
module weft_tx_op (
	input  logic         clk,
	input  logic         rst,
	input  logic         op_valid,
	output logic         op_pop,
	input  logic [7:0]   op_conn,
	input  logic [7:0]   op_flags,
	input  logic [15:0]  op_rec,
	input  logic [31:0]  op_seq,
	input  logic [31:0]  op_off,
	input  logic [31:0]  op_len,
	input  logic [127:0] killed,
	// XRAM reads
	output logic         x_req,
	output logic [15:0]  x_addr,
	input  logic         x_gnt,
	input  logic         x_rvalid,
	input  logic [127:0] x_rdata,
	// connection context; the answer comes the cycle after gnt
	output logic         c_req,
	output logic [9:0]   c_addr,
	input  logic         c_gnt,
	input  logic [127:0] c_rdata,
	// SGL walker
	output logic         st_valid,
	input  logic         st_ready,
	output logic [15:0]  st_slot,
	output logic [31:0]  st_off,
	output logic [31:0]  st_len,
	input  logic         pc_valid,
	output logic         pc_ready,
	input  logic [63:0]  pc_addr,
	input  logic [15:0]  pc_len,
	input  logic         pc_last,
	input  logic         pc_err,
	// DMA reads
	output logic         rd_req_valid,
	output logic [63:0]  rd_req_addr,
	output logic [15:0]  rd_req_len,
	input  logic         rd_req_ready,
	// to the assembler
	output logic         d_wr,
	output weft_tx_pkg::desc_t d,
	input  logic         d_full,
	output logic         l_wr,
	output weft_tx_pkg::lit_t l,
	input  logic [6:0]   l_count, // of 64
	output logic         t_wr,
	output weft_tx_pkg::tok_t t,
	input  logic         t_full,
	output logic         busy
);
	localparam logic [3:0] IDLE = 4'd0, READ = 4'd1, SUMS = 4'd2, CLIP = 4'd3, MORE = 4'd4, PUSH = 4'd5, HDR = 4'd6, DIGEST = 4'd7, PAD = 4'd8,
		PHASE = 4'd9, PIECES = 4'd10, SINK = 4'd11;
	logic [3:0] state;

	// the operation
	logic [7:0]  conn, flags;
	logic [15:0] rec;
	logic [31:0] seq, len;
	logic [32:0] off, op_end;
	logic        raw, kill_now;
	// its record and context
	logic [15:0] hdr_beat;
	logic [7:0]  hdr_len, rflags, pad_len;
	logic [31:0] data_len, data_off;
	logic [15:0] data_slot;
	logic [13:0] mss, mss_in;
	logic        ts;
	logic [1:0]  x_asked, x_got, c_asked;
	logic        c_now, c_word;
	assign raw = flags[3];
	assign kill_now = killed[conn[6:0]] && !raw;

	// [0, hdr_end) header, [.., dig_end) its digest, [.., lit_end) pad, then data, then its digest
	logic [11:0] hdr_end, dig_end, lit_end, lit_lo, lit_hi;
	logic [32:0] dat_end, all_end;
	logic        dd, bad, has_lit;
	logic [32:0] d_lo, d_hi, g_lo, g_hi;
	logic [24:0] ndata;
	assign dd = rflags[1] && data_len != 32'd0 && !raw;

	function automatic logic [32:0] clip(input logic [32:0] v, input logic [32:0] lo, input logic [32:0] hi);
		clip = (v < lo ? lo : v > hi ? hi : v) - lo;
	endfunction

	logic [32:0] d_lo_next, d_hi_next;
	assign d_lo_next = clip(off, {21'd0, lit_end}, dat_end);
	assign d_hi_next = clip(op_end, {21'd0, lit_end}, dat_end);

	localparam logic [13:0] MSS_MAX = 14'(weft_tx_pkg::FRAME_MAX - 66);
	assign mss_in = c_rdata[47:32] == 16'd0 ? 14'd536 : c_rdata[47:32] > {2'b00, MSS_MAX} ? MSS_MAX : c_rdata[45:32];

	// header words: asked for as long as the queue has room for all that are on their way
	logic [7:0]  w_asked, w_got, words;
	logic [3:0]  flying;
	logic        w_req;
	assign words = hdr_end[11:4] + {7'd0, hdr_end[3:0] != 4'd0};
	// (l_wr counts too, so that a request once made is not taken back while its answers move on)
	assign w_req = state == HDR && w_asked != words && flying < 4'd8 && l_count + {3'd0, flying} + {6'd0, l_wr} < 7'd62;
	assign x_req = state == READ && x_asked != 2'd2 || w_req;
	assign x_addr = state == READ ? rec + {15'd0, x_asked[0]} : hdr_beat + {8'd0, w_asked};
	assign c_req = state == READ && c_asked != 2'd2;
	assign c_addr = {conn[6:0], 2'b00, c_asked[0]};

	// literal beat: bytes [b_lo, b_hi) of the PDU, cut to the range
	logic [11:0]  b_lo, b_hi, e_lo, e_hi, pad_at;
	logic [127:0] b_data;
	logic         b_put;
	logic [31:0]  crc, crc_next;
	always_comb begin
		b_lo = {w_got, 4'd0};
		b_hi = b_lo + 12'd16 > hdr_end ? hdr_end : b_lo + 12'd16;
		b_data = x_rdata;
		b_put = state == HDR && x_rvalid;
		if (state == DIGEST) begin
			b_lo = hdr_end;
			b_hi = dig_end;
			b_data = {96'd0, ~crc};
			b_put = hdr_end != dig_end && l_count < 7'd62;
		end
		if (state == PAD) begin
			b_lo = pad_at;
			b_hi = pad_at + 12'd16 > lit_end ? lit_end : pad_at + 12'd16;
			b_data = '0;
			b_put = pad_at != lit_end && l_count < 7'd62;
		end
		e_lo = b_lo > lit_lo ? b_lo : lit_lo;
		e_hi = b_hi < lit_hi ? b_hi : lit_hi;
	end
	weft_crc32c u_crc (.crc_in(crc), .data(x_rdata), .cnt(5'(b_hi - b_lo)), .crc_out(crc_next));

	always_ff @(posedge clk) begin
		l_wr <= b_put && e_lo < e_hi && !rst;
		l.last <= e_hi == lit_hi;
		l.skip <= 4'(e_lo - b_lo);
		l.cnt <= 5'(e_hi - e_lo);
		l.data <= b_data;
	end

	// data: pieces of the walker, cut at the ends of segments
	logic [13:0] seg_left;
	logic [15:0] p_off, p_rest, p_len;
	logic        p_go, p_end;
	assign p_rest = pc_len - p_off;
	assign p_len = p_rest > {2'b00, seg_left} ? {2'b00, seg_left} : p_rest;
	assign p_end = p_len == p_rest;
	assign p_go = state == PIECES && pc_valid && !t_full && (!rd_req_valid || rd_req_ready);
	assign pc_ready = p_go && (pc_err || p_end && !kill_now) || state == SINK;
	assign t_wr = p_go;
	assign t.err = pc_err;
	assign t.stop = kill_now && !pc_err;
	assign t.last = pc_err || kill_now || pc_last && p_end;
	assign st_slot = data_slot;
	assign st_off = data_off + d_lo[31:0];
	assign st_len = {7'd0, ndata};

	assign d_wr = state == PUSH && !d_full || state == IDLE && op_valid && op_flags[4] && !d_full;
	assign op_pop = state == IDLE && op_valid && !d_full;
	assign busy = state != IDLE || op_valid || rd_req_valid || l_wr;
	logic refuse;
	assign refuse = bad && !kill_now;
	always_comb begin
		d = '0;
		d.conn = conn;
		d.rec = rec;
		d.raw = raw;
		d.err = refuse;
		d.drop = kill_now;
		d.done = flags[2];
		d.psh = flags[1];
		d.retx = flags[0];
		d.ts = ts;
		d.seq = seq;
		d.mss = raw ? 14'(weft_tx_pkg::RAW_MAX) : mss;
		d.ipcsum = rflags[2];
		d.tcpcsum = rflags[3];
		if (!refuse && !kill_now) begin
			d.total = raw ? {13'd0, lit_hi} : len[24:0];
			d.has_lit = has_lit;
			d.has_data = ndata != 25'd0;
			d.dd = dd && (ndata != 25'd0 || g_hi != g_lo);
			d.upd = dd && ndata != 25'd0 && !flags[0];
			d.fin = d_hi == {1'b0, data_len};
			d.pos = d_hi[24:0];
			d.dig_off = g_lo[1:0];
			d.dig_cnt = 3'(g_hi - g_lo);
		end
		if (state == IDLE) begin // fence
			d = '0;
			d.fence = 1'b1;
			d.conn = op_conn;
			d.rec = op_rec;
			d.done = op_flags[2];
		end
	end

	always_ff @(posedge clk) begin
		c_now <= c_req && c_gnt;
		c_word <= c_asked[0];
		if (c_now && !c_word) ts <= c_rdata[127:120] == 8'd66;
		if (c_now && c_word) mss <= mss_in;
		if (rd_req_ready) rd_req_valid <= 1'b0;
		flying <= flying + {3'd0, w_req && x_gnt} - {3'd0, state == HDR && x_rvalid};

		case (state)
		IDLE: begin
			x_asked <= '0;
			x_got <= '0;
			c_asked <= '0;
			w_asked <= '0;
			w_got <= '0;
			flying <= '0;
			st_valid <= 1'b0;
			crc <= 32'hffffffff;
			conn <= op_conn;
			flags <= op_flags;
			rec <= op_rec;
			seq <= op_seq;
			off <= {1'b0, op_off};
			len <= op_len;
			op_end <= {1'b0, op_off} + {1'b0, op_len};
			p_off <= '0;
			if (op_pop && !op_flags[4]) state <= READ;
		end
		READ: begin
			if (x_req && x_gnt) x_asked <= x_asked + 2'd1;
			if (c_req && c_gnt) c_asked <= c_asked + 2'd1;
			if (x_rvalid) x_got <= x_got + 2'd1;
			if (x_rvalid && x_got == 2'd0) begin
				hdr_beat <= x_rdata[19:4];
				hdr_len <= x_rdata[39:32];
				rflags <= x_rdata[47:40];
				pad_len <= x_rdata[55:48];
				data_len <= x_rdata[95:64];
				data_slot <= x_rdata[127:112] == 16'd0 ? x_rdata[111:96] : 16'hffff;
			end
			if (x_rvalid && x_got == 2'd1) data_off <= x_rdata[31:0];
			if (x_got == 2'd2 && c_asked == 2'd2 && !c_now) state <= SUMS;
		end
		SUMS: begin
			hdr_end <= {4'd0, hdr_len};
			dig_end <= {4'd0, hdr_len} + (rflags[0] ? 12'd4 : 12'd0);
			lit_end <= {4'd0, hdr_len} + (rflags[0] ? 12'd4 : 12'd0) + {4'd0, pad_len};
			bad <= hdr_len > 8'd160 || data_len > weft_host_pkg::DATA_MAX;
			if (raw) begin
				hdr_end <= data_len[11:0];
				dig_end <= data_len[11:0];
				lit_end <= data_len[11:0];
				bad <= data_len > weft_tx_pkg::RAW_MAX;
				off <= '0;
				op_end <= {21'd0, data_len[11:0]};
			end
			state <= CLIP;
		end
		CLIP: begin
			dat_end <= {21'd0, lit_end} + (raw ? 33'd0 : {1'b0, data_len});
			all_end <= {21'd0, lit_end} + (raw ? 33'd0 : {1'b0, data_len}) + (dd ? 33'd4 : 33'd0);
			lit_lo <= off > {21'd0, lit_end} ? lit_end : off[11:0];
			lit_hi <= op_end > {21'd0, lit_end} ? lit_end : op_end[11:0];
			state <= MORE;
		end
		MORE: begin
			d_lo <= d_lo_next;
			d_hi <= d_hi_next;
			g_lo <= clip(off, dat_end, all_end);
			g_hi <= clip(op_end, dat_end, all_end);
			ndata <= d_hi_next[24:0] - d_lo_next[24:0];
			has_lit <= lit_lo != lit_hi;
			pad_at <= dig_end;
			if (!raw && (op_end > all_end || data_off > weft_host_pkg::DATA_MAX)) bad <= 1'b1;
			state <= PUSH;
		end
		PUSH: begin
			seg_left <= mss;
			if (!d_full) begin
				st_valid <= ndata != 25'd0 && !bad && !kill_now;
				if (bad || kill_now) state <= IDLE;
				else if (has_lit) state <= HDR;
				else if (ndata != 25'd0) state <= PIECES;
				else state <= IDLE;
			end
		end
		HDR: begin
			if (w_req && x_gnt) w_asked <= w_asked + 8'd1;
			if (x_rvalid) begin
				w_got <= w_got + 8'd1;
				crc <= crc_next;
			end
			if (w_got == words) state <= DIGEST;
		end
		DIGEST: if (l_count < 7'd62) state <= PAD;
		PAD: begin
			lit_lo <= lit_hi - lit_lo; // from here on: literal bytes, modulo mss
			if (pad_at != lit_end) lit_lo <= lit_lo;
			if (pad_at != lit_end && l_count < 7'd62) pad_at <= b_hi;
			if (pad_at == lit_end) state <= ndata != 25'd0 ? PHASE : IDLE;
		end
		PHASE: begin // where in its segment the data starts
			if ({2'b00, lit_lo} >= mss) lit_lo <= 12'({2'b00, lit_lo} - mss);
			else begin
				seg_left <= mss - {2'b00, lit_lo};
				state <= PIECES;
			end
		end
		PIECES: if (p_go) begin
			rd_req_valid <= !pc_err && !kill_now;
			rd_req_addr <= pc_addr + {48'd0, p_off};
			rd_req_len <= p_len;
			p_off <= p_end ? '0 : p_off + p_len;
			seg_left <= p_len == {2'b00, seg_left} ? mss : seg_left - p_len[13:0];
			if (kill_now && !pc_err) state <= SINK;
			else if (pc_err || pc_last && p_end) state <= IDLE;
		end
		default: if (pc_valid && pc_last) state <= IDLE; // SINK
		endcase

		if (st_valid && st_ready) st_valid <= 1'b0;
		if (rst) begin
			state <= IDLE;
			rd_req_valid <= 1'b0;
			st_valid <= 1'b0;
		end
	end

	logic unused;
	assign unused = &{1'b0, c_rdata[119:48], c_rdata[31:0], op_flags[7:5], op_flags[3:0], flags[7:4], d_lo[32], len[31:25], rflags[7:4], g_lo[32:2]};
endmodule
