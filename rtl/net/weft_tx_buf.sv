// SPDX-License-Identifier: BSD-2-Clause
// weft_tx_buf: frame buffer (a ring of beats) and the way out to the MAC. A frame leaves only when it is whole.
// The writers allocate beats themselves (used says how many are taken) and queue the frame when its last byte stands in the ring
// or is being written in the same cycle; beats and queue entry are free again when the last beat has been read. A frame of length 0 only
// gives its beats back.
// Latency: 4 cycles from fr_valid to tvalid. Throughput: one beat per cycle within a frame, one cycle lost between two frames.
// Back-pressure: tready stalls the reading; fr_valid must be given only while the writer counts fewer than 64 frames.
module weft_tx_buf (
	input  logic         clk,
	input  logic         rst,
	input  logic         w_en,
	input  logic [weft_tx_pkg::RING_AW-1:0] w_addr,
	input  logic [127:0] w_data,
	input  logic [15:0]  w_be,
	input  logic         fr_valid,
	input  weft_tx_pkg::frame_t fr,
	output logic         freed,        // pulse: a frame's beats are free again
	output logic [9:0]   freed_beats,
	output logic         eth_tx_tvalid,
	input  logic         eth_tx_tready,
	output logic [127:0] eth_tx_tdata,
	output logic [15:0]  eth_tx_tkeep,
	output logic         eth_tx_tlast,
	output logic         busy
);
	localparam int unsigned AW = weft_tx_pkg::RING_AW;

	logic         we_q;
	logic [AW-1:0] wa_q;
	logic [127:0] wd_q;
	logic [15:0]  wb_q;
	always_ff @(posedge clk) begin
		we_q <= w_en && !rst;
		wa_q <= w_addr;
		wd_q <= w_data;
		wb_q <= w_be;
	end

	weft_tx_pkg::frame_t head;
	logic       head_valid, head_pop, q_full;
	logic [6:0] q_count;
	weft_tx_fifo #(.W($bits(fr)), .AW(6)) u_frames (
		.clk, .rst, .wr(fr_valid), .wdata(fr), .full(q_full), .valid(head_valid), .rdata(head), .rd(head_pop), .count(q_count)
	);

	// stage 0 reads, stage 1 holds what was read, stage 2 is the output register
	logic          act, en1, en2, rd_last, v1, last1;
	logic [AW-1:0] ra;
	logic [13:0]   left;
	logic [9:0]    alloc;
	logic [15:0]   keep, keep1;
	logic [127:0]  q1;
	assign en2 = !eth_tx_tvalid || eth_tx_tready;
	assign en1 = !v1 || en2;
	assign rd_last = left <= 14'd16;
	assign head_pop = !act && head_valid;
	always_comb
		for (int i = 0; i < 16; i = i + 1)
			keep[i] = 14'(i) < left;

	logic [127:0] ring [weft_tx_pkg::RING_BEATS];
	always_ff @(posedge clk) begin
		for (int i = 0; i < 16; i = i + 1)
			if (we_q && wb_q[i]) ring[wa_q][i*8 +: 8] <= wd_q[i*8 +: 8];
		if (act && en1) q1 <= ring[ra];
	end

	logic none;
	assign none = head_pop && head.len == 14'd0;
	assign freed = act && en1 && rd_last || none;
	assign freed_beats = none ? head.alloc : alloc;
	always_ff @(posedge clk) begin
		if (head_pop && !none) begin
			act <= 1'b1;
			ra <= head.base;
			left <= head.len;
			alloc <= head.alloc;
		end else if (act && en1) begin
			ra <= ra + 1'b1;
			left <= left - 14'd16;
			if (rd_last) act <= 1'b0;
		end
		if (en1) begin
			v1 <= act;
			last1 <= rd_last;
			keep1 <= keep;
		end
		if (en2) begin
			eth_tx_tvalid <= v1;
			eth_tx_tdata <= q1;
			eth_tx_tkeep <= keep1;
			eth_tx_tlast <= last1;
		end
		if (rst) begin
			act <= 1'b0;
			v1 <= 1'b0;
			eth_tx_tvalid <= 1'b0;
		end
	end

	assign busy = act || v1 || eth_tx_tvalid || head_valid;
	logic unused;
	assign unused = &{1'b0, q_full, q_count};
endmodule
