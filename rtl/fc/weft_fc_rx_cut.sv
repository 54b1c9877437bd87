// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_rx_cut: the data side of place. Fetches runs of beats from frame buffers (f_*) and cuts their bytes into the data of write
// commands (c_*), each packed from byte 0. A run may start anywhere in its first beat (c_off, which counts in the first cut of the run);
// its cuts follow each other without a gap, the last one has c_last. A cut with c_drop is passed over.
// After the last beat of a run was read its buffer is given back, if f_free. A run of no beats only does that.
// Latency: six cycles from a run to its first data. Throughput: one beat per cycle, one cycle lost between runs.
// Back-pressure: wr_dat_ready; f_ready and c_ready are low when the queues (4 runs, 8 cuts) are full.
module weft_fc_rx_cut (
	input  logic         clk,
	input  logic         rst,
	// runs
	input  logic         f_valid,
	output logic         f_ready,
	input  logic [6:0]   f_buf,
	input  logic [7:0]   f_first,
	input  logic [7:0]   f_beats,
	input  logic         f_free,
	input  logic         f_fw,
	// cuts
	input  logic         c_valid,
	output logic         c_ready,
	input  logic         c_drop,
	input  logic         c_last,
	input  logic [3:0]   c_off,
	input  logic [12:0]  c_len,
	// frame buffers
	output logic         pk_req,
	output logic [6:0]   pk_buf,
	output logic [7:0]   pk_beat,
	input  logic         pk_gnt,
	input  logic         pk_rvalid,
	input  logic [127:0] pk_rdata,
	output logic         free_valid,
	output logic         free_fw,
	output logic [6:0]   free_buf,
	input  logic         free_ready,
	// DMA write client
	output logic         wr_dat_valid,
	output logic [127:0] wr_dat_data,
	output logic         wr_dat_last,
	input  logic         wr_dat_ready,
	output logic         busy
);
	// ---- fetch ----
	logic        fq_empty, fq_full, fq_pop, r_free, r_fw;
	logic [2:0]  fq_count;
	logic [6:0]  r_buf;
	logic [7:0]  r_first, r_beats, pos;
	logic        dq_empty, dq_full, dq_pop, room;
	logic [5:0]  dq_count;
	logic [127:0] dq;

	assign f_ready = !fq_full;
	weft_dma_fifo #(.W(25), .DEPTH(4)) runs (
		.clk, .rst, .push(f_valid && f_ready), .din({f_buf, f_first, f_beats, f_free, f_fw}), .pop(fq_pop),
		.dout({r_buf, r_first, r_beats, r_free, r_fw}), .empty(fq_empty), .full(fq_full), .count(fq_count)
	);
	weft_dma_fifo #(.W(128), .DEPTH(32)) beats (
		.clk, .rst, .push(pk_rvalid), .din(pk_rdata), .pop(dq_pop), .dout(dq), .empty(dq_empty), .full(dq_full), .count(dq_count)
	);
	assign room = dq_count <= 6'd28; // three may be on their way
	assign pk_req = !fq_empty && pos != r_beats && room;
	assign pk_buf = r_buf;
	assign pk_beat = r_first + pos;
	assign free_valid = !fq_empty && pos == r_beats && r_free;
	assign free_fw = r_fw;
	assign free_buf = r_buf;
	assign fq_pop = !fq_empty && pos == r_beats && (!r_free || free_ready);
	always_ff @(posedge clk) begin
		if (rst || fq_pop) pos <= '0;
		else if (pk_gnt) pos <= pos + 8'd1;
	end

	// ---- cuts ----
	logic        cq_empty, cq_full, cq_pop, drop, last;
	logic [3:0]  cq_count, off;
	logic [12:0] len;
	logic         cur_v;
	logic [127:0] cur; // beat in work
	logic [3:0]   kept; // where in it the next byte stands, but for off
	logic [3:0]   bo;
	logic [12:0]  gone, rest; // bytes of the cut
	logic [4:0]   t; // bytes out in this step
	logic [5:0]   upto;
	logic         both; // bytes of the next beat are needed as well
	logic         over, over_run, cur_end, step, out_free;
	logic [127:0] upper, joined;

	assign c_ready = !cq_full;
	weft_dma_fifo #(.W(19), .DEPTH(8)) cuts (
		.clk, .rst, .push(c_valid && c_ready), .din({c_drop, c_last, c_off, c_len}), .pop(cq_pop),
		.dout({drop, last, off, len}), .empty(cq_empty), .full(cq_full), .count(cq_count)
	);
	assign bo = gone == 13'd0 ? kept | off : kept; // one of them is zero
	assign rest = len - gone;
	assign t = rest < 13'd16 ? rest[4:0] : 5'd16;
	assign upto = {2'd0, bo} + {1'b0, t};
	assign both = upto > 6'd16;
	assign over = rest <= 13'd16;
	assign over_run = over && last;
	assign cur_end = upto >= 6'd16 || over_run;
	assign out_free = !wr_dat_valid || wr_dat_ready;
	assign step = !cq_empty && cur_v && (!both || !dq_empty) && (drop || out_free);
	assign {upper, joined} = {dq, cur} >> {bo, 3'd0};
	assign cq_pop = step && over;
	assign dq_pop = !dq_empty && (!cur_v || (step && cur_end));

	always_ff @(posedge clk) begin
		if (rst) begin
			cur_v <= 1'b0;
			kept <= '0;
			gone <= '0;
			wr_dat_valid <= 1'b0;
		end else begin
			// A beat that was only needed for its first bytes goes with the run.
			if (!cur_v) cur_v <= !dq_empty;
			else if (step && cur_end) cur_v <= !dq_empty && !(both && over_run);
			if (step) begin
				kept <= over_run ? 4'd0 : upto[3:0];
				gone <= over ? 13'd0 : gone + 13'd16;
			end
			if (out_free) wr_dat_valid <= step && !drop;
		end
		if (dq_pop) cur <= dq;
		if (out_free) begin
			wr_dat_data <= joined;
			wr_dat_last <= over;
		end
	end
	assign busy = !fq_empty || !cq_empty || !dq_empty || cur_v || wr_dat_valid;
	logic unused;
	assign unused = &{1'b0, upper, fq_count, cq_count, dq_full};
endmodule
