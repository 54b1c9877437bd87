// SPDX-License-Identifier: BSD-2-Clause
// weft_dma_rd: AXI4 read master for N clients, up to 8 (0 ring; 1, 2, 4 and 5 SGL walkers; 3 and 6 gather).
// Requests of 1 byte and up at any address become bursts that end at 256-byte boundaries; answers come packed, in
// order per client. One AXI id, up to 64 bursts outstanding.
// Latency: four cycles from request to address, four from data to answer. Throughput: one beat per cycle.
// Back-pressure: a burst leaves only when its client's answer buffer has room for it, so rready never waits for a client.
// Bursts of the clients alternate. An error answer on any beat of a request shows as err with its last packed beat.
// drain: no new bursts, answers are swallowed; quiet when none is outstanding. A reset has to follow.
module weft_dma_rd #(
	parameter int unsigned N = 7,
	parameter int unsigned BEATS_RING = 64,
	parameter int unsigned BEATS_SGL = 32,
	parameter int unsigned BEATS_GATHER = 2048,
	parameter int unsigned BURSTS = 64
) (
	input  logic         clk,
	input  logic         rst,
	input  logic         drain,
	output logic         quiet,
	output logic         busy,
	input  logic [N-1:0] rd_req_valid,
	output logic [N-1:0] rd_req_ready,
	input  logic [N*64-1:0] rd_req_addr,
	input  logic [N*16-1:0] rd_req_len,
	output logic [N-1:0] rd_rsp_valid,
	input  logic [N-1:0] rd_rsp_ready,
	output logic [N*128-1:0] rd_rsp_data,
	output logic [N*5-1:0] rd_rsp_cnt,
	output logic [N-1:0] rd_rsp_last,
	output logic [N-1:0] rd_rsp_err,
	output logic [63:0]  m_axi_araddr,
	output logic [7:0]   m_axi_arlen,
	output logic [2:0]   m_axi_arsize,
	output logic [1:0]   m_axi_arburst,
	output logic         m_axi_arvalid,
	input  logic         m_axi_arready,
	input  logic [127:0] m_axi_rdata,
	input  logic [1:0]   m_axi_rresp,
	input  logic         m_axi_rlast,
	input  logic         m_axi_rvalid,
	output logic         m_axi_rready,
	output logic [4:0]   cnt_bytes, // bytes that came in this cycle
	output logic         cnt_err // a burst was answered with an error
);
	// ---- clients ----
	logic [N-1:0] bu_valid;
	logic [N-1:0] bu_take;
	logic [N*64-1:0] bu_addr;
	logic [N*16-1:0] bu_info; // 14 bits used of each 16
	logic [N-1:0] bu_idle;
	logic [N-1:0] al_push;
	logic [127:0] al_data;
	logic [4:0] al_cnt;
	logic al_last;
	logic al_err;
	logic [N-1:0] al_surplus;

	generate
		for (genvar i = 0; i < N; i++) begin : g_chan
			weft_dma_rd_chan #(
				.DEPTH(i == 0 ? BEATS_RING : i == 3 || i == 6 ? BEATS_GATHER : BEATS_SGL)
			) chan (
				.clk, .rst,
				.rd_req_valid(rd_req_valid[i]), .rd_req_ready(rd_req_ready[i]),
				.rd_req_addr(rd_req_addr[i*64 +: 64]), .rd_req_len(rd_req_len[i*16 +: 16]),
				.rd_rsp_valid(rd_rsp_valid[i]), .rd_rsp_ready(rd_rsp_ready[i]),
				.rd_rsp_data(rd_rsp_data[i*128 +: 128]), .rd_rsp_cnt(rd_rsp_cnt[i*5 +: 5]),
				.rd_rsp_last(rd_rsp_last[i]), .rd_rsp_err(rd_rsp_err[i]),
				.bu_valid(bu_valid[i]), .bu_take(bu_take[i]), .bu_addr(bu_addr[i*64 +: 64]),
				.bu_info(bu_info[i*16 +: 16]), .bu_idle(bu_idle[i]),
				.push(al_push[i] && !drain), .push_data(al_data), .push_cnt(al_cnt), .push_last(al_last), .push_err(al_err),
				.surplus(al_surplus[i])
			);
		end
	endgenerate

	// ---- burst issue: round robin among the clients ----
	logic [2:0] turn; // client served last
	logic [2:0] pick;
	logic [2:0] cand;
	logic found;
	logic issue;
	logic of_full;
`ifndef SYNTHESIS
	initial if (N < 5 || N > 8) $fatal(1, "weft_dma_rd: N must be 5..8");
`endif
	always_comb begin
		found = 1'b0;
		pick = turn;
		cand = turn; // the last of the round
		for (int i = 0; i < int'(N); i++) begin
			if (bu_valid[cand]) begin
				found = 1'b1;
				pick = cand;
			end
			cand = cand == 3'd0 ? 3'(N - 1) : cand - 3'd1;
		end
	end
	assign issue = found && !of_full && !drain && (!m_axi_arvalid || m_axi_arready);
	assign bu_take = issue ? N'(1) << pick : '0;

	logic [15:0] pick_info;
	assign pick_info = bu_info[{pick, 4'd0} +: 16];
	assign m_axi_arsize = 3'd4;
	assign m_axi_arburst = 2'd1;
	always_ff @(posedge clk) begin
		if (rst) begin
			m_axi_arvalid <= 1'b0;
			turn <= 3'd0;
		end else begin
			if (issue) turn <= pick;
			m_axi_arvalid <= issue || (m_axi_arvalid && !m_axi_arready);
		end
	end
	always_ff @(posedge clk) begin
		if (issue) begin
			m_axi_araddr <= bu_addr[{pick, 6'd0} +: 64];
			m_axi_arlen <= {4'd0, pick_info[13:10]};
		end
	end

	// ---- answers: the order of the bursts tells whose they are ----
	logic of_empty;
	logic of_pop;
	logic [6:0] of_count_unused;
	logic [2:0] oc;
	logic [3:0] o_beats; // less one
	logic o_first;
	logic o_last;
	logic [3:0] o_off;
	logic [3:0] o_end;
	logic [3:0] beat;
	logic take;
	logic burst_end;
	logic burst_err;

	weft_dma_fifo #(.W(17), .DEPTH(BURSTS)) order (
		.clk, .rst, .push(issue), .din({pick, pick_info[13:0]}), .pop(of_pop),
		.dout({oc, o_beats, o_first, o_last, o_off, o_end}), .empty(of_empty), .full(of_full), .count(of_count_unused)
	);
	// A beat nobody asked for is accepted and dropped: it must not stop the bus.
	assign take = m_axi_rvalid && m_axi_rready && !of_empty;
	assign burst_end = beat == o_beats;
	assign of_pop = take && burst_end;

	weft_dma_align #(.N(N)) align (
		.clk, .rst,
		.in_valid(take), .in_ready(m_axi_rready), .in_data(m_axi_rdata), .in_err(m_axi_rresp[1]), .in_client(oc),
		.in_first(o_first && beat == 4'd0), .in_last(o_last && burst_end), .in_off(o_off), .in_end(o_end),
		.out_push(al_push), .out_data(al_data), .out_cnt(al_cnt), .out_last(al_last), .out_err(al_err),
		.out_surplus(al_surplus)
	);

	always_ff @(posedge clk) begin
		if (rst) begin
			beat <= 4'd0;
			burst_err <= 1'b0;
			quiet <= 1'b0;
			cnt_err <= 1'b0;
			cnt_bytes <= 5'd0;
			busy <= 1'b0;
		end else begin
			if (take) begin
				beat <= burst_end ? 4'd0 : beat + 4'd1;
				burst_err <= !burst_end && (burst_err || m_axi_rresp[1]);
			end
			cnt_err <= of_pop && (burst_err || m_axi_rresp[1]);
			cnt_bytes <= al_push != '0 ? al_cnt : 5'd0;
			quiet <= drain && of_empty && !m_axi_arvalid;
			busy <= !of_empty || bu_idle != '1 || rd_rsp_valid != '0 || al_push != '0;
		end
	end

	// Bursts are counted by their own length; a slave that disagrees must not shift the data of the next one.
	logic unused;
	assign unused = &{1'b0, m_axi_rlast, m_axi_rresp[0], pick_info[15:14]};
endmodule
