// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_tx_op: front end of FC transmit operations. Takes them from the queue in order, reads and checks the record; hands on a descriptor,
// the literal bytes (from XRAM) and DMA reads for the data with a token each. It runs ahead of the framer as far as the queues
// behind it hold, so that many reads are under way, also of later operations.
// A read never crosses the end of a frame: the error answer of a read comes with its last byte, and with that rule the frame that
// holds bytes of a failed read is always still in the framer's hands.
// Refused (the descriptor says err): max_data not a multiple of 4 in 128..FC_DATA_MAX; lit_len beyond FC_DATA_MAX or the end of XRAM; data_off or
// data_len beyond DATA_MAX; RAW with fewer than 14 bytes.
// Latency: 7 cycles from op_valid to the descriptor, then a literal beat per cycle. Throughput: one operation in about 10 cycles + its
// literal beats + two cycles per data piece. Back-pressure: waits while a queue behind it is full.
module weft_fc_tx_op (
	input  logic         clk,
	input  logic         rst,
	input  logic         op_valid,
	output logic         op_pop,
	input  logic [7:0]   op_flags,
	input  logic [15:0]  op_rec,
	// kill state; raw operations answer to raw_drop alone
	output logic [15:0]  k_slot,
	input  logic         k_hit,
	input  logic         drop,
	input  logic         raw_drop,
	// XRAM reads
	output logic         x_req,
	output logic [15:0]  x_addr,
	input  logic         x_gnt,
	input  logic         x_rvalid,
	input  logic [127:0] x_rdata,
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
	// to the framer
	output logic         d_wr,
	output weft_fc_tx_pkg::desc_t d,
	input  logic         d_full,
	output logic         l_wr,
	output weft_fc_tx_pkg::lit_t l,
	input  logic [6:0]   l_count, // of 64
	output logic         t_wr,
	output weft_fc_tx_pkg::tok_t t,
	input  logic         t_full,
	output logic         busy
);
	localparam logic [2:0] IDLE = 3'd0, READ = 3'd1, CHECK = 3'd2, PUSH = 3'd3, LIT = 3'd4, PIECES = 3'd5, SINK = 3'd6;
	localparam logic [11:0] FRAME_MAX = weft_eng_pkg::FC_DATA_MAX[11:0];
	logic [2:0] state;

	// the operation and its record
	logic [7:0]   flags;
	logic [15:0]  rec, slot, lit_len, data_slot, max;
	logic [31:0]  lit_addr, data_off, data_len;
	logic [191:0] hdr;
	logic [1:0]   x_asked, x_got;
	logic         raw, fence, kill_now, bad, go;
	logic [24:0]  total;
	assign raw = flags[3];
	assign fence = flags[4];
	assign k_slot = slot;
	assign kill_now = raw ? raw_drop : k_hit || drop;
	assign go = !fence && !bad && !kill_now;

	logic bad_max, bad_lit, bad_data;
	assign bad_max = max[1:0] != 2'd0 || max < 16'd128 || max > {4'd0, FRAME_MAX};
	assign bad_lit = lit_len > {4'd0, FRAME_MAX} || lit_len != 16'd0 && (lit_addr >= weft_eng_pkg::XRAM_SIZE
		|| lit_addr + {16'd0, lit_len} > weft_eng_pkg::XRAM_SIZE);
	assign bad_data = data_len > weft_host_pkg::DATA_MAX || data_off > weft_host_pkg::DATA_MAX;

	// literal words: asked for as long as the queue has room for all that are on their way
	logic [7:0] w_asked, w_got, words;
	logic [3:0] flying;
	logic       w_req, l_end;
	assign words = lit_len[11:4] + {7'd0, lit_len[3:0] != 4'd0};
	assign w_req = state == LIT && w_asked != words && flying < 4'd8 && l_count + {3'd0, flying} < 7'd62;
	assign x_req = state == READ && x_asked != 2'd3 || w_req;
	assign x_addr = state == READ ? rec + {14'd0, x_asked} : lit_addr[19:4] + {8'd0, w_asked};
	assign l_wr = state == LIT && x_rvalid;
	assign l_end = w_got + 8'd1 == words;
	assign l.last = l_end;
	assign l.cnt = l_end && lit_len[3:0] != 4'd0 ? {1'b0, lit_len[3:0]} : 5'd16;
	assign l.data = x_rdata;

	// data: pieces of the walker, cut at the ends of frames. left: what the frame still takes; while the literal bytes are read it
	// is their number modulo max
	logic [11:0] left;
	logic [15:0] p_off, p_rest, p_len;
	logic        p_go, p_end, has_data;
	assign has_data = !raw && data_len != 32'd0;
	assign p_rest = pc_len - p_off;
	assign p_len = p_rest > {4'd0, left} ? {4'd0, left} : p_rest;
	assign p_end = p_len == p_rest;
	assign p_go = state == PIECES && pc_valid && !t_full && (!rd_req_valid || rd_req_ready);
	assign pc_ready = p_go && (pc_err || p_end && !kill_now) || state == SINK;
	assign t_wr = p_go;
	assign t.err = pc_err;
	assign t.stop = kill_now && !pc_err;
	assign t.last = pc_err || kill_now || pc_last && p_end;
	assign st_slot = data_slot;
	assign st_off = data_off;
	assign st_len = data_len;

	assign op_pop = state == IDLE && op_valid;
	assign d_wr = state == PUSH && !d_full;
	assign busy = state != IDLE || rd_req_valid;
	always_comb begin
		d = '0;
		d.raw = raw;
		d.fence = fence;
		d.err = !fence && !kill_now && bad;
		d.drop = !fence && kill_now;
		d.done = flags[2];
		d.has_lit = go && lit_len != 16'd0;
		d.has_data = go && has_data;
		d.slot = slot;
		d.rec = rec;
		d.total = total;
		d.max = raw ? FRAME_MAX : max[11:0];
		d.hdr = hdr;
	end

	always_ff @(posedge clk) begin
		if (rd_req_ready) rd_req_valid <= 1'b0;
		flying <= flying + {3'd0, w_req && x_gnt} - {3'd0, l_wr};

		case (state)
		IDLE: begin
			x_asked <= '0;
			x_got <= '0;
			w_asked <= '0;
			w_got <= '0;
			flying <= '0;
			p_off <= '0;
			flags <= op_flags;
			rec <= op_rec;
			if (op_pop) state <= READ;
		end
		READ: begin
			if (x_req && x_gnt) x_asked <= x_asked + 2'd1;
			if (x_rvalid) x_got <= x_got + 2'd1;
			if (x_rvalid && x_got == 2'd0) hdr[127:0] <= x_rdata;
			if (x_rvalid && x_got == 2'd1) {lit_addr, slot, max, hdr[191:128]} <= x_rdata;
			if (x_rvalid && x_got == 2'd2) {data_len, data_off, data_slot, lit_len} <= x_rdata[95:0];
			if (x_got == 2'd3) state <= CHECK;
		end
		CHECK: begin
			total <= {13'd0, lit_len[11:0]} + (raw ? 25'd0 : data_len[24:0]);
			bad <= bad_lit || (raw ? lit_len < 16'd14 : bad_max || bad_data);
			left <= lit_len[11:0];
			state <= PUSH;
		end
		PUSH: if (!d_full) begin
			st_valid <= go && has_data;
			state <= !go ? IDLE : lit_len != 16'd0 || has_data ? LIT : IDLE;
		end
		LIT: begin
			if (w_req && x_gnt) w_asked <= w_asked + 8'd1;
			if (l_wr) w_got <= w_got + 8'd1;
			if (left >= max[11:0] && !raw) left <= left - max[11:0];
			else if (w_got == words) begin
				left <= max[11:0] - left;
				state <= has_data ? PIECES : IDLE;
			end
		end
		PIECES: if (p_go) begin
			rd_req_valid <= !pc_err && !kill_now;
			rd_req_addr <= pc_addr + {48'd0, p_off};
			rd_req_len <= p_len;
			p_off <= p_end ? '0 : p_off + p_len;
			left <= p_len == {4'd0, left} ? max[11:0] : left - p_len[11:0];
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
			flying <= '0;
		end
	end

	logic unused;
	assign unused = &{1'b0, flags[7:5], flags[1:0], max[15:12]};
endmodule
