// SPDX-License-Identifier: BSD-2-Clause
// weft_host_evt: events of the host side for firmware: fetched entries, queue pair errors, stopped pairs, admin writes.
// An error is raised once per pair and cause until the pair is started again: a host that repeats itself can't flood the
// event queue. A stop is answered when every run and every completion begun before it is through.
// Latency: two cycles. Throughput: one event per cycle. Back-pressure: evt_ready holds all sources; doorbell errors and
// stop requests are kept meanwhile.
module weft_host_evt (
	input  logic        clk,
	input  logic        rst,
	input  logic        start, // of start_qp
	input  logic [6:0]  start_qp,
	// fetched entries
	input  logic        sqe_valid,
	input  logic [95:0] sqe_data,
	output logic        sqe_ready,
	// errors
	input  logic        db_bad,
	input  logic [6:0]  db_qp,
	input  logic        rfault_valid, // submission ring unreadable
	input  logic [6:0]  rfault_qp,
	output logic        rfault_ready,
	input  logic        cfault_valid, // completion ring can't be written
	input  logic [6:0]  cfault_qp,
	output logic        cfault_ready,
	input  logic        over_valid, // completion ring full
	input  logic [6:0]  over_qp,
	output logic        over_ready,
	// stops
	input  logic        stop,
	input  logic [6:0]  stop_qp,
	input  logic [7:0]  ring_issued,
	input  logic [7:0]  ring_ended,
	input  logic [7:0]  cq_pushed,
	input  logic [7:0]  cq_popped,
	input  logic [7:0]  cq_sent,
	input  logic [7:0]  cq_done,
	input  logic        admin, // AQ_CTRL was written
	output logic        evt_valid,
	output logic [95:0] evt_data,
	input  logic        evt_ready,
	output logic        busy
);
	localparam logic [31:0] EVT_QP_ERROR = weft_eng_pkg::EVT_QP_ERROR;
	localparam logic [31:0] EVT_QP_STOPPED = weft_eng_pkg::EVT_QP_STOPPED;
	localparam logic [31:0] EVT_ADMIN = weft_eng_pkg::EVT_ADMIN;
	localparam logic [31:0] NO_SLOT = weft_eng_pkg::NO_SLOT;
	localparam logic [1:0] INVAL = 2'd0;
	localparam logic [1:0] FAULT = 2'd1;
	localparam logic [1:0] OVER = 2'd2;

	// ---- errors: one queue, each pair and cause at most once ----
	logic [127:0] seen_inval;
	logic [127:0] seen_fault;
	logic [127:0] seen_over;
	logic er_push;
	logic er_pop;
	logic er_empty;
	logic er_full;
	logic [9:0] er_count_unused;
	logic [8:0] er_din;
	logic [8:0] er_out;
	logic [31:0] errno;

	assign rfault_ready = !db_bad;
	assign cfault_ready = !db_bad && !rfault_valid;
	assign over_ready = !db_bad && !rfault_valid && !cfault_valid;
	always_comb begin
		er_push = 1'b0;
		er_din = 9'd0;
		if (db_bad) begin
			er_din = {INVAL, db_qp};
			er_push = !seen_inval[db_qp];
		end else if (rfault_valid) begin
			er_din = {FAULT, rfault_qp};
			er_push = !seen_fault[rfault_qp];
		end else if (cfault_valid) begin
			er_din = {FAULT, cfault_qp};
			er_push = !seen_fault[cfault_qp];
		end else if (over_valid) begin
			er_din = {OVER, over_qp};
			er_push = !seen_over[over_qp];
		end
	end
	// 384 errors at most are not yet seen; only pairs started anew before theirs were taken could fill the queue.
	weft_dma_fifo #(.W(9), .DEPTH(512)) errors (
		.clk, .rst, .push(er_push && !er_full), .din(er_din), .pop(er_pop), .dout(er_out), .empty(er_empty), .full(er_full),
		.count(er_count_unused)
	);
	always_ff @(posedge clk) begin
		if (rst) begin
			seen_inval <= '0;
			seen_fault <= '0;
			seen_over <= '0;
		end else begin
			if (er_push && er_din[8:7] == INVAL) seen_inval[er_din[6:0]] <= 1'b1;
			if (er_push && er_din[8:7] == FAULT) seen_fault[er_din[6:0]] <= 1'b1;
			if (er_push && er_din[8:7] == OVER) seen_over[er_din[6:0]] <= 1'b1;
			if (start) begin
				seen_inval[start_qp] <= 1'b0;
				seen_fault[start_qp] <= 1'b0;
				seen_over[start_qp] <= 1'b0;
			end
		end
	end
	assign errno = er_out[8:7] == INVAL ? 32'd22 : er_out[8:7] == FAULT ? 32'd14 : 32'd75; // EINVAL, EFAULT, EOVERFLOW

	// ---- stops ----
	typedef enum logic [1:0] {S_IDLE, S_FETCHED, S_WRITTEN, S_EVENT} state_t;
	state_t state;
	logic [127:0] stopping;
	logic sq_push;
	logic sq_pop;
	logic sq_empty;
	logic sq_full_unused;
	logic [7:0] sq_count_unused;
	logic [6:0] sq_out;
	logic [6:0] qp;
	logic [7:0] runs;
	logic [7:0] cpls;
	logic [7:0] runs_left;
	logic [7:0] cpls_left;
	logic st_ready;

	assign sq_push = stop && !stopping[stop_qp];
	assign sq_pop = state == S_IDLE && !sq_empty;
	weft_dma_fifo #(.W(7), .DEPTH(128)) stops (
		.clk, .rst, .push(sq_push), .din(stop_qp), .pop(sq_pop), .dout(sq_out), .empty(sq_empty), .full(sq_full_unused),
		.count(sq_count_unused)
	);
	assign runs_left = runs - ring_ended;
	assign cpls_left = cpls - (state == S_WRITTEN ? cq_done : cq_popped);
	always_ff @(posedge clk) begin
		if (rst) begin
			state <= S_IDLE;
			stopping <= '0;
			qp <= 7'd0;
			runs <= 8'd0;
			cpls <= 8'd0;
		end else begin
			if (sq_pop) stopping[sq_out] <= 1'b0;
			if (sq_push) stopping[stop_qp] <= 1'b1;
			case (state)
			S_IDLE: if (!sq_empty) begin
				qp <= sq_out;
				runs <= ring_issued;
				cpls <= cq_pushed;
				state <= S_FETCHED;
			end
			// Fewer than 128 of either are ever under way: a difference in the upper half is "passed".
			S_FETCHED: if ((runs_left == 8'd0 || runs_left[7]) && (cpls_left == 8'd0 || cpls_left[7])) begin
				cpls <= cq_sent;
				state <= S_WRITTEN;
			end
			S_WRITTEN: if (cpls_left == 8'd0 || cpls_left[7]) state <= S_EVENT;
			default: if (st_ready) state <= S_IDLE;
			endcase
		end
	end

	// ---- out ----
	logic room;
	logic admin_wait;
	logic ad_ready;
	assign room = !evt_valid || evt_ready;
	assign sqe_ready = room;
	assign er_pop = room && !sqe_valid && !er_empty;
	assign st_ready = room && !sqe_valid && er_empty;
	assign ad_ready = st_ready && state != S_EVENT;
	always_ff @(posedge clk) begin
		if (rst) begin
			evt_valid <= 1'b0;
			admin_wait <= 1'b0;
		end else begin
			if (room) evt_valid <= sqe_valid || !er_empty || state == S_EVENT || admin_wait;
			admin_wait <= admin || (admin_wait && !ad_ready);
		end
		if (room) begin
			if (sqe_valid) evt_data <= sqe_data;
			else if (!er_empty) evt_data <= {32'd0, errno, 9'd0, er_out[6:0], 8'd0, EVT_QP_ERROR[7:0]};
			else if (state == S_EVENT) evt_data <= {64'd0, 9'd0, qp, 8'd0, EVT_QP_STOPPED[7:0]};
			else evt_data <= {64'd0, NO_SLOT[15:0], 8'd0, EVT_ADMIN[7:0]};
		end
	end
	assign busy = evt_valid || !er_empty || !sq_empty || state != S_IDLE || admin_wait;
endmodule
