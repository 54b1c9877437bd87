// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_place: does the stream engine's jobs in order: data to host memory through the SGL walker and the DMA write client,
// header events, ends of DATA commands, stops.
// A header event leaves when the write commands of all earlier data are accepted; ends and stops leave when those writes are answered.
// So a completion that firmware sends because of a header comes after the data before that header.
// DMA errors and short SGLs set the slot's sticky flag DMA_ERR at once; EVT_PLACED tells which it was.
// Latency: data leaves about eight cycles after its first beat, or after the walker's first piece. Throughput: one beat per cycle; the walker
// works on the next job while this job's data moves. Back-pressure: full queues hold the engine; up to 64 writes may be unanswered.
module weft_rx_place (
	input  logic         clk,
	input  logic         rst,
	input  logic         job_valid,
	input  weft_rx_pkg::job_t job,
	output logic         job_ready,
	input  logic         dat_valid, // bytes of the DATA job pushed last, packed from byte 0
	input  logic [127:0] dat,
	output logic         dat_room,
	input  logic         bad_valid, // data digest of a slot is wrong
	input  logic [15:0]  bad_slot,
	output logic         bad_ready,
	// SGL walker
	output logic         st_valid,
	input  logic         st_ready,
	output logic [15:0]  st_slot,
	output logic [31:0]  st_off,
	output logic [31:0]  st_len,
	output logic         st_fresh,
	input  logic         pc_valid,
	output logic         pc_ready,
	input  logic [63:0]  pc_addr,
	input  logic [15:0]  pc_len,
	input  logic         pc_last,
	input  logic         pc_err,
	// DMA write client
	output logic         wr_cmd_valid,
	output logic [63:0]  wr_cmd_addr,
	output logic [15:0]  wr_cmd_len,
	output logic [15:0]  wr_cmd_tag,
	input  logic         wr_cmd_ready,
	output logic         wr_dat_valid,
	output logic [127:0] wr_dat_data,
	output logic         wr_dat_last,
	input  logic         wr_dat_ready,
	input  logic         wr_done_valid,
	input  logic [15:0]  wr_done_tag,
	input  logic         wr_done_err,
	output logic         slot_flag_valid,
	output logic [15:0]  slot_flag_slot,
	output logic [7:0]   slot_flag_bits,
	// events: headers, and ends
	output logic         hev_valid,
	output logic [95:0]  hev_data,
	input  logic         hev_ready,
	output logic         fev_valid,
	output logic [95:0]  fev_data,
	input  logic         fev_ready,
	output logic         placed_clr,
	output logic [6:0]   placed_conn,
	output logic         busy,
	output logic [4:0]   cnt_bytes,
	output logic         cnt_stall
);
	// ---- queues from the engine ----
	logic j_valid, j_pop;
	weft_rx_pkg::job_t j;
	logic [weft_rx_pkg::JOB_W-1:0] j_bits;
	logic [3:0] j_count;
	logic q_valid, q_pop, q_in_ready;
	logic [127:0] q_data;
	logic [6:0] q_count;

	weft_rx_fifo #(.W(weft_rx_pkg::JOB_W), .AW(3)) jobs (
		.clk, .rst, .in_valid(job_valid), .in_ready(job_ready), .in_data(job),
		.out_valid(j_valid), .out_ready(j_pop), .out_data(j_bits), .count(j_count)
	);
	assign j = j_bits;
	weft_rx_fifo #(.W(128), .AW(6)) beats (
		.clk, .rst, .in_valid(dat_valid), .in_ready(q_in_ready), .in_data(dat),
		.out_valid(q_valid), .out_ready(q_pop), .out_data(q_data), .count(q_count)
	);
	assign dat_room = q_count <= 7'd58;

	// ---- commands: job -> walker -> write command and cut ----
	typedef enum logic [1:0] { IDLE, WALK, REST, ERROR } state_e;
	state_e state;
	logic [15:0] left; // bytes of the job without a piece yet
	logic [15:0] take;
	logic        cut_valid, cut_ready, c_valid, c_pop;
	logic [17:0] cut; // drop, last of job, bytes
	logic [17:0] c;
	logic [3:0]  c_count;
	logic        r_in, r_in_ready;
	logic [1:0]  r_kind;
	logic        is_data, is_mark, go, piece, flag_done;

	assign is_data = j.kind == weft_rx_pkg::JOB_DATA;
	assign is_mark = j.kind == weft_rx_pkg::JOB_FIN || j.kind == weft_rx_pkg::JOB_STOP;
	assign st_valid = state == IDLE && j_valid && is_data;
	assign st_slot = j.slot;
	assign st_off = j.a;
	assign st_len = j.b;
	assign st_fresh = j.flags[1];
	assign take = pc_len < left ? pc_len : left;
	assign go = state == WALK && pc_valid && cut_ready && r_in_ready;
	assign piece = go && !pc_err && take != 16'd0;
	assign wr_cmd_valid = state == WALK && pc_valid && !pc_err && cut_ready && r_in_ready && take != 16'd0;
	assign wr_cmd_addr = pc_addr;
	assign wr_cmd_len = take;
	assign wr_cmd_tag = j.slot;
	assign pc_ready = go && (wr_cmd_ready || pc_err || take == 16'd0);
	// What the pieces do not cover (an error, or a walker that ends early) is dropped.
	assign cut_valid = (piece && wr_cmd_ready) || (state == REST && r_in_ready && left != 16'd0);
	assign cut = state == REST ? {1'b1, 1'b1, left} : {1'b0, take == left, take};
	assign r_in = (piece && wr_cmd_ready) || (state == REST && cut_ready) || (state == IDLE && j_valid && is_mark);
	assign r_kind = state == REST ? 2'd1 : state == WALK ? 2'd0 : j.kind == weft_rx_pkg::JOB_FIN ? 2'd2 : 2'd3;
	assign hev_valid = state == IDLE && j_valid && j.kind == weft_rx_pkg::JOB_HDR;
	assign hev_data = {j.b, j.a, 9'd0, j.conn, j.flags, weft_eng_pkg::EVT_HDR[7:0]};
	always_comb begin
		j_pop = 1'b0;
		case (state)
			IDLE: j_pop = (hev_valid && hev_ready) || (j_valid && is_mark && r_in_ready);
			WALK: j_pop = pc_ready && pc_last && !pc_err && take == left;
			REST: j_pop = 1'b0;
			default: j_pop = flag_done;
		endcase
	end

	always_ff @(posedge clk) begin
		if (rst) state <= IDLE;
		else case (state)
			IDLE: if (st_valid && st_ready) state <= WALK;
			WALK: if (pc_ready && pc_last) state <= !pc_err && take == left ? IDLE : REST;
			REST: if (r_in_ready && cut_ready) state <= ERROR;
			default: if (flag_done) state <= IDLE;
		endcase
		if (state == IDLE) left <= j.b[15:0];
		else if (pc_ready && !pc_err) left <= left - take;
	end
	weft_rx_fifo #(.W(18), .AW(3)) cuts (
		.clk, .rst, .in_valid(cut_valid), .in_ready(cut_ready), .in_data(cut),
		.out_valid(c_valid), .out_ready(c_pop), .out_data(c), .count(c_count)
	);

	// ---- data: each cut starts at byte 0 of a beat; bytes of a job follow each other without gap ----
	logic         cur_v;
	logic [127:0] cur; // beat in work, its first bo bytes are gone
	logic [3:0]   bo;
	logic [15:0]  done_bytes; // of the cut
	logic [15:0]  rest;
	logic [4:0]   t; // bytes of this beat out
	logic [5:0]   upto;
	logic         both; // needs bytes of the next beat as well
	logic         cur_end; // cur is used up by this step
	logic         over_cut, over_job, step, out_free, drop;
	logic [255:0] pair;
	logic [127:0] upper, joined;

	assign drop = c[17];
	assign rest = c[15:0] - done_bytes;
	assign t = rest < 16'd16 ? rest[4:0] : 5'd16;
	assign upto = {2'd0, bo} + {1'b0, t};
	assign both = upto > 6'd16;
	assign over_cut = rest <= 16'd16;
	assign over_job = over_cut && c[16];
	assign out_free = !wr_dat_valid || wr_dat_ready;
	assign step = c_valid && cur_v && (!both || q_valid) && (drop || out_free);
	assign pair = {q_data, cur};
	assign {upper, joined} = pair >> {bo, 3'd0};
	assign c_pop = step && over_cut;
	// The next beat is loaded when there is none, when this one is used up, or when both were needed; what is left of a job is dropped.
	assign cur_end = upto >= 6'd16 || over_job;
	assign q_pop = q_valid && (!cur_v || (step && cur_end));

	always_ff @(posedge clk) begin
		if (rst) begin
			cur_v <= 1'b0;
			bo <= '0;
			done_bytes <= '0;
			wr_dat_valid <= 1'b0;
		end else begin
			if (!cur_v) cur_v <= q_valid;
			else if (step && cur_end) cur_v <= q_valid && !(both && over_job);
			if (step) begin
				bo <= over_job ? 4'd0 : upto[3:0];
				done_bytes <= over_cut ? 16'd0 : done_bytes + 16'd16;
			end
			if (out_free) wr_dat_valid <= step && !drop;
		end
		if (q_pop) cur <= q_data;
		if (out_free) begin
			wr_dat_data <= joined;
			wr_dat_last <= over_cut;
		end
	end
	assign cnt_bytes = step && !drop ? t : 5'd0;
	assign cnt_stall = (wr_cmd_valid && !wr_cmd_ready) || (wr_dat_valid && !wr_dat_ready);

	// ---- answers, in the order of commands and marks ----
	logic r_valid, r_pop, w_valid, w_pop, w_err, w_in_ready;
	logic [1:0] r_what; // 0 write, 1 SGL too short, 2 end of a DATA command, 3 stop
	logic [6:0] r_conn;
	logic r_event, r_bad;
	logic [15:0] r_slot;
	logic [31:0] r_bytes;
	logic [127:0] err_dma; // of the connection's present DATA command
	logic [127:0] err_sgl;
	logic [6:0] r_count, w_count;
	logic [7:0] r_flags;
	logic mark_out;

	weft_rx_fifo #(.W(59), .AW(6)) order (
		.clk, .rst, .in_valid(r_in), .in_ready(r_in_ready), .in_data({r_kind, j.conn, j.flags[7], j.flags[0], j.slot, j.a}),
		.out_valid(r_valid), .out_ready(r_pop), .out_data({r_what, r_conn, r_event, r_bad, r_slot, r_bytes}), .count(r_count)
	);
	weft_rx_fifo #(.W(1), .AW(6)) answers (
		.clk, .rst, .in_valid(wr_done_valid), .in_ready(w_in_ready), .in_data(wr_done_err),
		.out_valid(w_valid), .out_ready(w_pop), .out_data(w_err), .count(w_count)
	);
	assign w_pop = r_valid && r_what == 2'd0;
	assign fev_valid = r_valid && (r_what == 2'd3 || (r_what == 2'd2 && r_event));
	assign r_flags = r_what == 2'd3 ? 8'd0 : {5'd0, err_sgl[r_conn], err_dma[r_conn], r_bad};
	assign fev_data = r_what == 2'd3 ? {64'd0, 9'd0, r_conn, 8'd0, weft_eng_pkg::EVT_STOPPED[7:0]}
		: {16'd0, r_slot, r_bytes, 9'd0, r_conn, r_flags, weft_eng_pkg::EVT_PLACED[7:0]};
	assign mark_out = r_valid && r_what[1] && (!fev_valid || fev_ready);
	assign r_pop = mark_out || (r_valid && (r_what == 2'd1 || (r_what == 2'd0 && w_valid)));
	assign placed_clr = mark_out && r_what == 2'd2 && r_event;
	assign placed_conn = r_conn;

	always_ff @(posedge clk) begin
		if (rst) begin
			err_dma <= '0;
			err_sgl <= '0;
		end else if (mark_out) begin
			err_dma[r_conn] <= 1'b0;
			err_sgl[r_conn] <= 1'b0;
		end else if (r_valid && r_what == 2'd1) err_sgl[r_conn] <= 1'b1;
		else if (r_pop && w_err) err_dma[r_conn] <= 1'b1;
	end

	// ---- sticky flags: write errors cannot wait, the others do ----
	logic wr_bad;
	assign wr_bad = wr_done_valid && wr_done_err;
	assign flag_done = state == ERROR && !wr_bad;
	assign bad_ready = state != ERROR && !wr_bad;
	assign slot_flag_valid = wr_bad || state == ERROR || bad_valid;
	assign slot_flag_slot = wr_bad ? wr_done_tag : state == ERROR ? j.slot : bad_slot;
	assign slot_flag_bits = wr_bad || state == ERROR ? weft_host_pkg::CQF_DMA_ERR[7:0] : weft_host_pkg::CQF_DDGST_ERR[7:0];

	assign busy = j_valid || q_valid || c_valid || cur_v || r_valid || wr_dat_valid || state != IDLE;
	logic unused;
	assign unused = &{1'b0, upper, j_count, c_count, r_count, w_count, q_in_ready, w_in_ready};

`ifndef SYNTHESIS
	initial if ($bits(j) != weft_rx_pkg::JOB_W) $fatal(1, "weft_rx_place: width");
	always_ff @(posedge clk) if (!rst) begin
		if (dat_valid && !q_in_ready) $fatal(1, "weft_rx_place: data lost");
		if (wr_done_valid && !w_in_ready) $fatal(1, "weft_rx_place: answer lost");
	end
`endif
endmodule
