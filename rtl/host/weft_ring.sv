// SPDX-License-Identifier: BSD-2-Clause
// weft_ring: submission rings. Takes tail doorbells, reads entries in runs of up to four (never over the end of the ring),
// hands the answers to weft_ring_unpack. Pairs with work stand in a queue, each at most once, so that every pair gets one
// run in turn; up to eight runs are under way.
// Latency: six cycles from doorbell to read request. Throughput: a run per seven cycles.
// Back-pressure: whatever holds weft_ring_unpack; doorbells are never held.
// A pair whose ring can't be read is stopped; what of it is under way is forgotten.
module weft_ring (
	input  logic         clk,
	input  logic         rst,
	// configuration, word as in struct qp_ctx
	input  logic         cfg_we,
	input  logic [6:0]   cfg_qp,
	input  logic [2:0]   cfg_word,
	input  logic [31:0]  cfg_data,
	input  logic         start, // cfg_qp starts with an empty ring; never in a cycle with db_valid
	input  logic         stop,
	input  logic [6:0]   stop_qp,
	input  logic         halt, // the completion ring of the pair failed
	input  logic [6:0]   halt_qp,
	// doorbell
	input  logic         db_valid,
	input  logic [6:0]   db_qp,
	input  logic [31:0]  db_val,
	output logic         db_none, // the pair is not running
	output logic         db_bad, // out of range
	// read ports
	input  logic [6:0]   cb_qp,
	output logic         cb_en,
	output logic [15:0]  cb_head,
	output logic [15:0]  cb_base,
	output logic [3:0]   cb_log2,
	input  logic [6:0]   cq_qp,
	output logic [15:0]  cq_head,
	// runs asked for and ended, modulo 256
	output logic [7:0]   issued,
	output logic [7:0]   ended,
	// DMA read client
	output logic         rd_req_valid,
	input  logic         rd_req_ready,
	output logic [63:0]  rd_req_addr,
	output logic [15:0]  rd_req_len,
	input  logic         rd_rsp_valid,
	output logic         rd_rsp_ready,
	input  logic [127:0] rd_rsp_data,
	input  logic         rd_rsp_last,
	input  logic         rd_rsp_err,
	// slots
	output logic         acq_req,
	output logic [10:0]  acq_slot,
	input  logic         acq_gnt,
	input  logic         acq_busy,
	output logic         inval_valid,
	output logic [15:0]  inval_slot,
	// shared SRAM
	output logic         x_req,
	output logic [15:0]  x_addr,
	output logic [127:0] x_wdata,
	input  logic         x_gnt,
	// events
	output logic         evt_valid,
	output logic [95:0]  evt_data,
	input  logic         evt_ready,
	output logic         fault_valid, // ring unreadable
	output logic [6:0]   fault_qp,
	input  logic         fault_ready,
	output logic         cnt_fetched,
	output logic [2:0]   cnt_bad,
	output logic         busy
);
	function automatic logic [9:0] mask_of(input logic [3:0] n);
		mask_of = ~(10'h3ff << n);
	endfunction

	// ---- tables, one line per pair ----
	logic [31:0] base_lo [0:127];
	logic [31:0] base_hi [0:127];
	(* ram_style = "distributed" *) logic [3:0] log2 [0:127];
	(* ram_style = "distributed" *) logic [15:0] base [0:127]; // first slot
	(* ram_style = "distributed" *) logic [9:0] tail [0:127];
	(* ram_style = "distributed" *) logic [9:0] next [0:127]; // first entry not asked for
	(* ram_style = "distributed" *) logic [9:0] head [0:127]; // first entry not dealt with
	logic [127:0] en;
	logic [127:0] dead; // failed since its start

	logic next_we;
	logic [9:0] next_val;
	logic head_valid;
	logic [9:0] head_val;
	logic [6:0] run_qp;
	logic [3:0] run_log2;
	logic db_ok;
	logic unpack_busy;

	assign db_none = db_valid && !en[db_qp];
	assign db_bad = db_valid && en[db_qp] && (db_val >> log2[db_qp]) != 32'd0;
	assign db_ok = db_valid && !db_none && !db_bad;
	assign cb_en = en[cb_qp];
	assign cb_head = {6'd0, head[cb_qp]};
	assign cb_base = base[cb_qp];
	assign cb_log2 = log2[cb_qp];
	assign cq_head = {6'd0, head[cq_qp]};

	logic [6:0] q; // pair being looked at
	logic [63:0] addr;
	always_ff @(posedge clk) begin
		if (cfg_we && cfg_word == 3'd0) base_lo[cfg_qp] <= cfg_data;
		if (cfg_we && cfg_word == 3'd1) base_hi[cfg_qp] <= cfg_data;
		addr <= {base_hi[q], base_lo[q]};
	end
	always_ff @(posedge clk) begin
		if (cfg_we && cfg_word == 3'd4) log2[cfg_qp] <= cfg_data[3:0] > 4'd10 ? 4'd10 : cfg_data[3:0];
		if (cfg_we && cfg_word == 3'd5) base[cfg_qp] <= cfg_data[15:0];
	end
	always_ff @(posedge clk) begin
		if (start || db_ok) tail[start ? cfg_qp : db_qp] <= start ? 10'd0 : db_val[9:0];
		if (start || next_we) next[start ? cfg_qp : q] <= start ? 10'd0 : next_val;
		if (start || head_valid) head[start ? cfg_qp : run_qp] <= start ? 10'd0 : head_val & mask_of(run_log2);
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			en <= '0;
			dead <= '0;
		end else begin
			if (stop) en[stop_qp] <= 1'b0;
			if (halt) en[halt_qp] <= 1'b0;
			if (fault_valid) en[fault_qp] <= 1'b0;
			if (fault_valid) dead[fault_qp] <= 1'b1;
			if (start) en[cfg_qp] <= 1'b1;
			if (start) dead[cfg_qp] <= 1'b0;
		end
	end

	// ---- queue of pairs with work ----
	typedef enum logic [2:0] {F_POP, F_READ, F_LOAD, F_CALC, F_ISSUE, F_REQ, F_AGAIN} state_t;
	state_t state;
	logic [127:0] queued;
	logic wq_push;
	logic wq_pop;
	logic wq_empty;
	logic wq_full_unused;
	logic [7:0] wq_count_unused;
	logic [6:0] wq_din;
	logic [6:0] wq_out;
	logic db_push;
	logic again_push;

	assign db_push = db_ok && !queued[db_qp];
	assign again_push = state == F_AGAIN && !db_valid && !queued[q];
	assign wq_push = db_push || again_push;
	assign wq_din = db_push ? db_qp : q;
	assign wq_pop = state == F_POP && !wq_empty;
	weft_dma_fifo #(.W(7), .DEPTH(128)) work (
		.clk, .rst, .push(wq_push), .din(wq_din), .pop(wq_pop), .dout(wq_out), .empty(wq_empty), .full(wq_full_unused),
		.count(wq_count_unused)
	);
	always_ff @(posedge clk) begin
		if (rst) queued <= '0;
		else begin
			if (wq_pop) queued[wq_out] <= 1'b0;
			// A doorbell in the cycle of the pop found the bit set; the tail is read later, so it is not lost.
			if (wq_push) queued[wq_din] <= 1'b1;
		end
	end

	// ---- runs ----
	logic [9:0] r_tail;
	logic [9:0] r_next;
	logic [3:0] r_log2;
	logic [15:0] r_base;
	logic [9:0] avail;
	logic [10:0] to_end;
	logic [2:0] n;
	logic [2:0] r_n;
	logic issue;
	logic rf_full;
	logic rf_empty;
	logic [3:0] rf_count_unused;
	logic run_pop;
	logic [2:0] run_n;
	logic [9:0] run_idx;
	logic [15:0] run_base;

	assign avail = (r_tail - r_next) & mask_of(r_log2);
	assign to_end = {1'b0, mask_of(r_log2)} - {1'b0, r_next} + 11'd1;
	always_comb begin
		n = 3'd4;
		if (avail < 10'd4) n = avail[2:0];
		if (to_end < {8'd0, n}) n = to_end[2:0];
	end
	assign issue = state == F_ISSUE && !rf_full && en[q] && !start;
	assign next_we = issue;
	assign next_val = (r_next + {7'd0, r_n}) & mask_of(r_log2);

	weft_dma_fifo #(.W(40), .DEPTH(8)) runs (
		.clk, .rst, .push(issue), .din({q, r_n, r_next, r_base, r_log2}), .pop(run_pop),
		.dout({run_qp, run_n, run_idx, run_base, run_log2}), .empty(rf_empty), .full(rf_full), .count(rf_count_unused)
	);

	always_ff @(posedge clk) begin
		r_tail <= state == F_READ ? tail[q] : r_tail;
		r_next <= state == F_READ ? next[q] : r_next;
		r_log2 <= state == F_READ ? log2[q] : r_log2;
		r_base <= state == F_READ ? base[q] : r_base;
		r_n <= n;
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			state <= F_POP;
			q <= 7'd0;
			rd_req_valid <= 1'b0;
			issued <= 8'd0;
			ended <= 8'd0;
		end else begin
			if (run_pop) ended <= ended + 8'd1;
			if (rd_req_ready) rd_req_valid <= 1'b0;
			case (state)
			F_POP: if (!wq_empty) begin
				q <= wq_out;
				state <= F_READ;
			end
			F_READ: state <= F_LOAD;
			F_LOAD: state <= F_CALC; // avail and n settle, r_n follows
			F_CALC: state <= !en[q] || r_n == 3'd0 ? F_POP : F_ISSUE;
			F_ISSUE: begin
				if (issue) begin
					rd_req_valid <= 1'b1;
					issued <= issued + 8'd1;
					state <= F_REQ;
				end else if (!en[q]) state <= F_POP;
			end
			F_REQ: if (rd_req_ready) state <= F_AGAIN;
			// Back into the queue; when nothing is left the next look ends at F_CALC.
			default: if (again_push || queued[q]) state <= F_POP;
			endcase
		end
	end
	always_ff @(posedge clk) begin
		if (issue) begin
			rd_req_addr <= addr + {47'd0, r_next, 7'd0};
			rd_req_len <= {6'd0, r_n, 7'd0};
		end
	end

	weft_ring_unpack unpack (
		.clk, .rst,
		.run_valid(!rf_empty), .run_qp, .run_n, .run_idx, .run_base, .run_log2, .run_dead(dead[run_qp]), .run_pop,
		.rd_rsp_valid, .rd_rsp_ready, .rd_rsp_data, .rd_rsp_last, .rd_rsp_err,
		.acq_req, .acq_slot, .acq_gnt, .acq_busy, .inval_valid, .inval_slot,
		.x_req, .x_addr, .x_wdata, .x_gnt,
		.head_valid, .head_ready(!start), .head_val,
		.evt_valid, .evt_data, .evt_ready,
		.fault_valid, .fault_ready, .cnt_fetched, .cnt_bad, .busy(unpack_busy)
	);
	assign fault_qp = run_qp;
	assign busy = unpack_busy || !wq_empty || state != F_POP || rd_req_valid;
endmodule
