// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_tx_src: byte source of the framer: an operation's literal bytes, then its data as the DMA answers arrive, as the packed beats
// of one frame after the other. start begins an operation; frame begins a frame of size bytes (not 0), whose last beat has b_last.
// fail and stop rise when a read failed or the list was short, or the front end cut the operation off; the frame under way gets no last
// beat then, or at most in the cycle in which fail rises. drain throws everything of the operation away, until idle.
// Latency: two cycles from the arrival of bytes to the beat. Throughput: one beat per cycle, one more per read that does not fill its last
// beat. Back-pressure: b_ready stalls rd_rsp_ready.
module weft_fc_tx_src (
	input  logic         clk,
	input  logic         rst,
	input  logic         start,
	input  logic         has_lit,
	input  logic         has_data,
	input  logic         drain,
	output logic         idle,
	output logic         fail,
	output logic         stop,
	input  logic         frame,
	input  logic [11:0]  size,
	output logic         b_valid,
	input  logic         b_ready,
	output logic [127:0] b_data,
	output logic [4:0]   b_cnt,
	output logic         b_last,
	// literal bytes and tokens from the front end
	input  logic         l_valid,
	input  weft_fc_tx_pkg::lit_t l,
	output logic         l_pop,
	input  logic         t_valid,
	input  weft_fc_tx_pkg::tok_t t,
	output logic         t_pop,
	// DMA answers
	input  logic         rd_rsp_valid,
	input  logic [127:0] rd_rsp_data,
	input  logic [4:0]   rd_rsp_cnt,
	input  logic         rd_rsp_last,
	input  logic         rd_rsp_err,
	output logic         rd_rsp_ready,
	output logic         stall_dma
);
	localparam logic [1:0] END = 2'd0, LIT = 2'd1, DATA = 2'd2;
	logic [1:0]   phase, after_lit;
	logic [11:0]  left;    // bytes the frame still takes
	logic [1:0]   skip;    // words of the literal beat that went into the frame before
	logic         on, cut, room, go, pk_ready;
	logic [4:0]   cnt, n;
	logic [127:0] data;

	// offered to the frame: n of cnt bytes. Only a literal beat may reach beyond its end
	always_comb begin
		cnt = rd_rsp_cnt;
		data = rd_rsp_data;
		if (phase == LIT) begin
			cnt = l.cnt - {1'b0, skip, 2'b00};
			data = l.data >> {skip, 5'd0};
		end
		n = {7'd0, cnt} > left ? left[4:0] : cnt;
	end
	assign after_lit = has_data ? DATA : END;
	assign cut = t.err || t.stop;
	assign on = left != 12'd0 && !fail && !stop;
	assign room = on && pk_ready;
	assign go = room && (phase == LIT && l_valid || phase == DATA && t_valid && !cut && rd_rsp_valid);
	assign l_pop = phase == LIT && l_valid && (drain || room && n == cnt);
	assign rd_rsp_ready = phase == DATA && t_valid && !cut && (drain || room);
	assign t_pop = phase == DATA && t_valid && (cut ? drain || on : rd_rsp_valid && rd_rsp_ready && rd_rsp_last);
	assign idle = phase == END;
	assign stall_dma = on && phase == DATA && t_valid && !cut && !rd_rsp_valid;

	weft_pack u_pack (
		.clk, .rst(rst || drain), .in_valid(go), .in_ready(pk_ready), .in_data(data), .in_cnt(n), .in_last({7'd0, n} == left),
		.out_valid(b_valid), .out_ready(b_ready), .out_data(b_data), .out_cnt(b_cnt), .out_last(b_last)
	);

	always_ff @(posedge clk) begin
		if (go) begin
			left <= left - {7'd0, n};
			skip <= phase == LIT && n != cnt ? skip + n[3:2] : 2'd0;
		end
		if (frame) left <= size;
		if (l_pop && l.last) phase <= after_lit;
		if (t_pop) begin
			if (cut ? t.err : rd_rsp_err) fail <= 1'b1;
			if (cut && t.stop) stop <= 1'b1;
			if (t.last) phase <= END;
		end
		if (start) begin
			phase <= has_lit ? LIT : after_lit;
			skip <= '0;
			fail <= 1'b0;
			stop <= 1'b0;
		end
		if (start || drain) left <= '0;
		if (rst) begin
			phase <= END;
			left <= '0;
			fail <= 1'b0;
			stop <= 1'b0;
		end
	end
endmodule
