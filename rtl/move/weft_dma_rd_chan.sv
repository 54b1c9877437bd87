// SPDX-License-Identifier: BSD-2-Clause
// weft_dma_rd_chan: one client of the DMA read engine: cuts its requests into bursts, counts the room of its answer
// buffer, holds the answers. A burst is offered only when the buffer has room for all of it.
// Latency: two cycles from request to offer, two from push to answer. Throughput: one beat per cycle.
// Back-pressure: rd_rsp_ready fills the buffer, which stops this client's offers and nobody else's.
module weft_dma_rd_chan #(
	parameter int unsigned DEPTH = 64 // beats, power of two, at least 32
) (
	input  logic         clk,
	input  logic         rst,
	input  logic         rd_req_valid,
	output logic         rd_req_ready,
	input  logic [63:0]  rd_req_addr,
	input  logic [15:0]  rd_req_len,
	output logic         rd_rsp_valid,
	input  logic         rd_rsp_ready,
	output logic [127:0] rd_rsp_data,
	output logic [4:0]   rd_rsp_cnt,
	output logic         rd_rsp_last,
	output logic         rd_rsp_err,
	// bursts
	output logic         bu_valid, // with room in the buffer
	input  logic         bu_take,
	output logic [63:0]  bu_addr,
	output logic [15:0]  bu_info, // 0, beats - 1, first, last, off, end
	output logic         bu_idle,
	// packed answers
	input  logic         push,
	input  logic [127:0] push_data,
	input  logic [4:0]   push_cnt,
	input  logic         push_last,
	input  logic         push_err,
	input  logic         surplus // a reserved beat turned out not to be needed
);
	localparam int unsigned CW = $clog2(DEPTH) + 1;

`ifndef SYNTHESIS
	initial if (DEPTH < 32) $fatal(1, "weft_dma_rd_chan: DEPTH must be 32 or more");
`endif

	logic cut_valid;
	logic [3:0] more;
	logic first;
	logic last;
	logic [3:0] off;
	logic [3:0] fin;
	logic side_unused;
	logic popped;
	logic [CW-1:0] credit;

	weft_dma_cut #(.SIDE(1)) cut (
		.clk, .rst,
		.rq_valid(rd_req_valid), .rq_ready(rd_req_ready), .rq_addr(rd_req_addr), .rq_len(rd_req_len), .rq_side(1'b0),
		.bu_valid(cut_valid), .bu_ready(bu_take), .bu_addr, .bu_more(more), .bu_first(first), .bu_last(last),
		.bu_off(off), .bu_end(fin), .bu_side(side_unused)
	);
	assign bu_info = {2'd0, more, first, last, off, fin};
	assign bu_valid = cut_valid && credit > {{(CW - 4){1'b0}}, more};
	assign bu_idle = !cut_valid;

	// A request never yields more packed beats than it takes bus beats, so bus beats are what is reserved.
	logic [CW-1:0] give;
	logic [CW-1:0] take;
	assign give = {{(CW - 1){1'b0}}, popped} + {{(CW - 1){1'b0}}, surplus};
	assign take = bu_take ? {{(CW - 4){1'b0}}, more} + {{(CW - 1){1'b0}}, 1'b1} : '0;
	always_ff @(posedge clk) begin
		if (rst) credit <= DEPTH[CW-1:0];
		else credit <= credit + give - take;
	end

	weft_dma_buf #(.W(135), .DEPTH(DEPTH)) answers (
		.clk, .rst,
		.push, .din({push_err, push_last, push_cnt, push_data}),
		.out_valid(rd_rsp_valid), .out_ready(rd_rsp_ready),
		.out({rd_rsp_err, rd_rsp_last, rd_rsp_cnt, rd_rsp_data}),
		.popped
	);
endmodule
