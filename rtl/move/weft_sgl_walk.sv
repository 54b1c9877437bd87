// SPDX-License-Identifier: BSD-2-Clause
// weft_sgl_walk: turns bytes [off, off + len) of a slot's data buffer into pieces of contiguous host memory.
// It reads the submission entry of the slot from XRAM (the x port), and chain elements from host memory in batches of 16 (the rd port).
// With SQF_SGL_TAIL the last 16 bytes of the entry stand for those of the list form: one element, or with SGL_CHAIN the array's address.
// Entry, cursor and batch are kept for the next call with the same slot until inval says that the slot was refilled, or an error, or a
// call with st_fresh: somebody else wrote the entry.
// One piece with pc_err and pc_last (len 0, address 0) when: len is 0, off + len > data_len, sgl_count is 0 or more than the list form
// allows, the elements end too early, a used element wraps around the address space, or host memory answers with an error. Pieces
// given before that are good in themselves.
// Latency: 2 cycles with everything cached, +7 for the entry (+8 with SGL_TAIL), + one host read per batch not held. Throughput: a piece in 2 cycles
// within an element, 4 with the step to the next one; an element that is passed over costs 2 cycles.
// Back-pressure: pc_* stand until pc_ready; a call must be walked to pc_last. st_ready is high only between calls.
module weft_sgl_walk (
	input  logic         clk,
	input  logic         rst,
	// call
	input  logic         st_valid,
	output logic         st_ready,
	input  logic [15:0]  st_slot,
	input  logic [31:0]  st_off,
	input  logic [31:0]  st_len,
	input  logic         st_fresh,
	// pieces
	output logic         pc_valid,
	input  logic         pc_ready,
	output logic [63:0]  pc_addr,
	output logic [15:0]  pc_len,
	output logic         pc_last,
	output logic         pc_err,
	// a slot was refilled
	input  logic         inval_valid,
	input  logic [15:0]  inval_slot,
	// XRAM client
	output logic         x_req,
	output logic         x_we,
	output logic [15:0]  x_addr,
	output logic [127:0] x_wdata,
	output logic [15:0]  x_be,
	input  logic         x_gnt,
	input  logic         x_rvalid,
	input  logic [127:0] x_rdata,
	// DMA read client
	output logic         rd_req_valid,
	output logic [63:0]  rd_req_addr,
	output logic [15:0]  rd_req_len,
	input  logic         rd_req_ready,
	input  logic         rd_rsp_valid,
	input  logic [127:0] rd_rsp_data,
	input  logic [4:0]   rd_rsp_cnt,
	input  logic         rd_rsp_last,
	input  logic         rd_rsp_err,
	output logic         rd_rsp_ready
);
	localparam logic [2:0] IDLE = 3'd0, ENTRY = 3'd1, CHECK = 3'd2, SEEK = 3'd3, TEST = 3'd4, EMIT = 3'd5, FETCH = 3'd6, FILL = 3'd7;
	localparam int unsigned SLOTS = weft_host_pkg::N_SLOTS;
	localparam int unsigned CHAIN_BIT = $clog2(weft_host_pkg::SQF_SGL_CHAIN);
	localparam int unsigned TAIL_BIT = $clog2(weft_host_pkg::SQF_SGL_TAIL);

	logic [2:0]  state;
	// the call
	logic [31:0] off, left;
	// what is known of the slot
	logic        known;
	logic [15:0] slot;
	logic        chain;
	logic        tail;
	logic [31:0] data_len;
	logic [15:0] count;
	logic [63:0] list;
	logic [10:0] idx;       // cursor: element, and where in the buffer it starts
	logic [31:0] base;
	logic        batch_ok;  // elem[] holds elements 16 * batch and following
	logic [5:0]  batch;
	logic [95:0] elem [16];
	logic [95:0] el;
	logic        elem_we;
	logic [3:0]  elem_wa;
	logic [95:0] elem_wd;
	logic [2:0]  asked, got; // words of the entry: 0..3, with SGL_TAIL then the eighth
	logic [4:0]  fill, want; // elements of a batch
	logic        fill_bad;

	logic        hit;
	assign hit = known && !st_fresh && slot == st_slot && !(inval_valid && inval_slot == st_slot);
	assign st_ready = state == IDLE;

	assign x_req = state == ENTRY && (!asked[2] || (tail && got != 3'd0 && asked == 3'd4));
	assign x_we = 1'b0;
	assign x_be = 16'd0;
	assign x_wdata = 128'd0;
	assign x_addr = {slot[11:0], asked[2] ? 4'd7 : {2'b00, asked[1:0]}};

	logic [15:0] rest;
	assign rest = count - {5'd0, idx[10:4], 4'd0};
	assign rd_req_valid = state == FETCH;
	assign rd_req_addr = list + {50'd0, idx[9:4], 8'd0};
	assign rd_req_len = {7'd0, want, 4'd0};
	assign want = rest >= 16'd16 ? 5'd16 : rest[4:0];
	assign rd_rsp_ready = state == FILL;

	// elements come from the entry (words 1..3 hold the inline ones, 7 the one at the tail) or from a batch
	assign elem_we = state == ENTRY ? x_rvalid && got != 3'd0 : state == FILL && rd_rsp_valid;
	assign elem_wa = state == ENTRY ? {2'b00, got[2] ? 2'd0 : got[1:0] - 2'd1} : fill[3:0];
	assign elem_wd = state == ENTRY ? x_rdata[95:0] : rd_rsp_data[95:0];
	always_ff @(posedge clk) begin
		if (elem_we) elem[elem_wa] <= elem_wd;
		if (state == SEEK) el <= elem[idx[3:0]];
	end

	logic [32:0] call_end, el_end, avail;
	logic [64:0] el_top;
	logic [31:0] piece;
	logic [15:0] most;
	logic        call_bad, list_bad;
	assign call_end = {1'b0, off} + {1'b0, left};
	assign most = chain ? weft_host_pkg::SGL_MAX[15:0] : tail ? 16'd1 : weft_host_pkg::SGL_INLINE[15:0];
	assign list_bad = count == 16'd0 || count > most;
	assign call_bad = left == 32'd0 || call_end > {1'b0, data_len} || list_bad || slot >= SLOTS[15:0];
	assign el_end = {1'b0, base} + {1'b0, el[95:64]};
	assign el_top = {1'b0, el[63:0]} + {33'd0, el[95:64]};
	assign avail = el_end - {1'b0, off};
	always_comb begin
		piece = avail > {1'b0, left} ? left : avail[31:0];
		if (piece > 32'd4096) piece = 32'd4096;
	end

	logic fail; // ends the call with the error piece
	assign fail = state == CHECK && call_bad
		|| state == SEEK && {5'd0, idx} >= count
		|| state == TEST && el_end > {1'b0, off} && el_top[64]
		|| state == FILL && rd_rsp_valid && rd_rsp_last && (rd_rsp_err || rd_rsp_cnt != 5'd16 || fill_bad || fill + 5'd1 != want);

	always_ff @(posedge clk) begin
		case (state)
		IDLE: if (st_valid) begin
			off <= st_off;
			left <= st_len;
			slot <= st_slot;
			asked <= '0;
			got <= '0;
			state <= hit ? CHECK : ENTRY;
			if (!hit) begin
				idx <= '0;
				base <= '0;
				batch_ok <= 1'b0;
			end
		end
		ENTRY: begin
			if (x_gnt && x_req) asked <= asked + 3'd1;
			if (x_rvalid) begin
				got <= got + 3'd1;
				if (got == 3'd0) begin
					chain <= x_rdata[8 + CHAIN_BIT];
					tail <= x_rdata[8 + TAIL_BIT];
					data_len <= x_rdata[63:32];
					count <= x_rdata[79:64];
				end
				if (got == 3'd1 || got == 3'd4) list <= x_rdata[63:0];
				if (got == (tail ? 3'd4 : 3'd3)) begin
					batch_ok <= !chain;
					batch <= '0;
					state <= CHECK;
				end
			end
		end
		CHECK: begin
			if (off < base) begin // behind the cursor: from the start
				idx <= '0;
				base <= '0;
			end
			state <= SEEK;
		end
		SEEK: begin
			fill <= '0;
			fill_bad <= 1'b0;
			state <= batch_ok && batch == idx[9:4] ? TEST : FETCH;
		end
		TEST: begin
			pc_addr <= el[63:0] + {32'd0, off - base};
			pc_len <= piece[15:0];
			pc_last <= piece == left;
			pc_err <= 1'b0;
			if (el_end <= {1'b0, off}) begin
				idx <= idx + 11'd1;
				base <= el_end[31:0];
				state <= SEEK;
			end else begin
				pc_valid <= 1'b1;
				state <= EMIT;
			end
		end
		EMIT: if (pc_ready) begin
			pc_valid <= 1'b0;
			off <= off + {16'd0, pc_len};
			left <= left - {16'd0, pc_len};
			state <= pc_last ? IDLE : TEST;
		end
		FETCH: begin
			batch_ok <= 1'b0;
			if (rd_req_ready) state <= FILL;
		end
		default: if (rd_rsp_valid) begin // FILL
			fill <= fill + 5'd1;
			if (!rd_rsp_last && fill == 5'd15) fill_bad <= 1'b1;
			batch_ok <= rd_rsp_last;
			batch <= idx[9:4];
			if (rd_rsp_last) state <= SEEK;
		end
		endcase

		if (state == IDLE && st_valid) known <= 1'b1;
		else if (inval_valid && inval_slot == slot) known <= 1'b0;
		if (fail) begin
			known <= 1'b0;
			pc_valid <= 1'b1;
			pc_addr <= '0;
			pc_len <= '0;
			pc_last <= 1'b1;
			pc_err <= 1'b1;
			state <= EMIT;
		end
		if (rst) begin
			state <= IDLE;
			known <= 1'b0;
			pc_valid <= 1'b0;
			batch_ok <= 1'b0;
		end
	end

	logic unused;
	assign unused = &{1'b0, el_top[63:0], x_rdata[127:96], rd_rsp_data[127:96], piece[31:16], slot[15:12], count[15:11]};
endmodule
