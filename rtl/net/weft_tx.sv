// SPDX-License-Identifier: BSD-2-Clause
// weft_tx: the transmit side. Operations on transmit records become TCP segments; acknowledgements and raw frames go in between.
//
//   regs (queue of 32) -> op (record, header bytes, SGL walk, DMA reads) -> src (bytes in order, data digest)
//     -> asm (cuts segments, payload into the frame buffer, sums) -> hdr (header, checksums) -> buf (ring of 32 KiB) -> MAC
//
// op runs ahead of asm by up to 32 operations, 64 literal beats and 128 DMA reads, so that the wire stays full at any read latency the
// gather client's answer buffer covers. Only whole frames with their checksums in place reach buf's reader.
// RAW and FENCE operations are not subject to TX_KILL. FENCE ends when all earlier headers are built.
// inval tells that a slot was refilled: the SGL walker forgets what it knows of it.
// Latency: about 45 cycles from TX_PUSH to the first beat of a 72-byte PDU. Throughput: 15 bytes per cycle in full segments of MTU 1500, an
// operation of a small PDU in 20 cycles. Back-pressure: the MAC's tready stalls buf, then asm, then the queues one after the other.
module weft_tx (
	input  logic         clk,
	input  logic         rst,
	input  logic         cb_req,
	input  logic         cb_we,
	input  logic [3:0]   cb_be,
	input  logic [31:0]  cb_addr,
	input  logic [31:0]  cb_wdata,
	output logic         cb_gnt,
	output logic         cb_rvalid,
	output logic [31:0]  cb_rdata,

	output logic         evt_valid,
	output logic [95:0]  evt_data,
	input  logic         evt_ready,

	output logic         x_req,
	output logic         x_we,
	output logic [15:0]  x_addr,
	output logic [127:0] x_wdata,
	output logic [15:0]  x_be,
	input  logic         x_gnt,
	input  logic         x_rvalid,
	input  logic [127:0] x_rdata,

	output logic         sx_req,
	output logic         sx_we,
	output logic [15:0]  sx_addr,
	output logic [127:0] sx_wdata,
	output logic [15:0]  sx_be,
	input  logic         sx_gnt,
	input  logic         sx_rvalid,
	input  logic [127:0] sx_rdata,

	output logic         rd_req_valid,
	output logic [63:0]  rd_req_addr,
	output logic [15:0]  rd_req_len,
	input  logic         rd_req_ready,
	input  logic         rd_rsp_valid,
	input  logic [127:0] rd_rsp_data,
	input  logic [4:0]   rd_rsp_cnt,
	input  logic         rd_rsp_last,
	input  logic         rd_rsp_err,
	output logic         rd_rsp_ready,

	output logic         srd_req_valid,
	output logic [63:0]  srd_req_addr,
	output logic [15:0]  srd_req_len,
	input  logic         srd_req_ready,
	input  logic         srd_rsp_valid,
	input  logic [127:0] srd_rsp_data,
	input  logic [4:0]   srd_rsp_cnt,
	input  logic         srd_rsp_last,
	input  logic         srd_rsp_err,
	output logic         srd_rsp_ready,

	output logic [9:0]   ctxa_addr,
	input  logic [127:0] ctxa_rdata,

	output logic [6:0]   txq_conn,
	input  logic [31:0]  txq_rcv_nxt,
	input  logic [31:0]  txq_ts_recent,
	input  logic [31:0]  txq_edge,

	output logic         sent_valid,
	output logic [6:0]   sent_conn,
	output logic [31:0]  sent_ack,
	output logic [31:0]  sent_edge,
	output logic [31:0]  sent_end,
	output logic         sent_data,

	input  logic         ackrq_valid,
	input  logic [6:0]   ackrq_conn,
	output logic         ackrq_ready,

	input  logic         inval_valid,
	input  logic [15:0]  inval_slot,
	input  logic [63:0]  time_ns,

	output logic         eth_tx_tvalid,
	input  logic         eth_tx_tready,
	output logic [127:0] eth_tx_tdata,
	output logic [15:0]  eth_tx_tkeep,
	output logic         eth_tx_tlast,

	output logic         cnt_frames,
	output logic [4:0]   cnt_bytes,
	output logic         cnt_ops,
	output logic         cnt_acks,
	output logic         cnt_stall_dma,
	output logic         cnt_stall_mac,
	output logic         busy
);
	// registers and operation queue
	logic         op_valid, op_pop, ack_valid, ack_hw, ack_pop, kill_valid, allow_valid;
	logic [7:0]   op_conn, op_flags;
	logic [15:0]  op_rec;
	logic [31:0]  op_seq, op_off, op_len;
	logic [6:0]   ack_conn, kill_conn, allow_conn;
	logic [127:0] killed;
	weft_tx_regs u_regs (
		.clk, .rst, .cb_req, .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt, .cb_rvalid, .cb_rdata,
		.op_valid, .op_pop, .op_conn, .op_flags, .op_rec, .op_seq, .op_off, .op_len,
		.ackrq_valid, .ackrq_conn, .ackrq_ready, .ack_valid, .ack_conn, .ack_hw, .ack_pop,
		.killed, .kill_valid, .kill_conn, .allow_valid, .allow_conn
	);

	// XRAM: src (crc of records) before op; whoever waits for its grant keeps the port
	logic         ox_req, ox_gnt, ox_rvalid, cx_req, cx_we, cx_gnt, cx_rvalid, pick_c, held, held_c, who, who_valid, who_full;
	logic [15:0]  ox_addr, cx_addr, cx_be;
	logic [127:0] cx_wdata;
	logic [4:0]   who_count;
	assign pick_c = held ? held_c : cx_req;
	assign x_req = (cx_req || ox_req) && !who_full;
	assign x_we = pick_c && cx_we;
	assign x_addr = pick_c ? cx_addr : ox_addr;
	assign x_wdata = cx_wdata;
	assign x_be = cx_be;
	assign cx_gnt = x_gnt && x_req && pick_c;
	assign ox_gnt = x_gnt && x_req && !pick_c;
	assign cx_rvalid = x_rvalid && who;
	assign ox_rvalid = x_rvalid && !who;
	always_ff @(posedge clk) begin
		held <= x_req && !x_gnt && !rst;
		held_c <= pick_c;
	end
	weft_tx_fifo #(.W(1), .AW(4)) u_who (
		.clk, .rst, .wr(x_req && x_gnt && !x_we), .wdata(pick_c), .full(who_full), .valid(who_valid), .rdata(who), .rd(x_rvalid),
		.count(who_count)
	);

	// front end
	logic         st_valid, st_ready, pc_valid, pc_ready, pc_last, pc_err, oc_req, hc_use, op_busy;
	logic [15:0]  st_slot, pc_len;
	logic [31:0]  st_off, st_len;
	logic [63:0]  pc_addr;
	logic [9:0]   oc_addr, hc_addr;
	logic         d_wr, d_full, d_valid, d_pop, l_wr, l_full, l_valid, l_pop, t_wr, t_full, t_valid, t_pop;
	weft_tx_pkg::desc_t d_in, d_out, d;
	weft_tx_pkg::lit_t  l_in, l_out;
	weft_tx_pkg::tok_t  t_in, t_out;
	logic [5:0]   d_count;
	logic [6:0]   l_count;
	logic [7:0]   t_count;
	weft_tx_op u_op (
		.clk, .rst, .op_valid, .op_pop, .op_conn, .op_flags, .op_rec, .op_seq, .op_off, .op_len, .killed,
		.x_req(ox_req), .x_addr(ox_addr), .x_gnt(ox_gnt), .x_rvalid(ox_rvalid), .x_rdata,
		.c_req(oc_req), .c_addr(oc_addr), .c_gnt(!hc_use), .c_rdata(ctxa_rdata),
		.st_valid, .st_ready, .st_slot, .st_off, .st_len, .pc_valid, .pc_ready, .pc_addr, .pc_len, .pc_last, .pc_err,
		.rd_req_valid, .rd_req_addr, .rd_req_len, .rd_req_ready,
		.d_wr, .d(d_in), .d_full, .l_wr, .l(l_in), .l_count, .t_wr, .t(t_in), .t_full, .busy(op_busy)
	);
	assign ctxa_addr = hc_use ? hc_addr : oc_addr;
	weft_sgl_walk u_walk (
		.clk, .rst, .st_valid, .st_ready, .st_slot, .st_off, .st_len, .st_fresh(1'b0), .pc_valid, .pc_ready, .pc_addr, .pc_len, .pc_last, .pc_err,
		.inval_valid, .inval_slot,
		.x_req(sx_req), .x_we(sx_we), .x_addr(sx_addr), .x_wdata(sx_wdata), .x_be(sx_be), .x_gnt(sx_gnt), .x_rvalid(sx_rvalid), .x_rdata(sx_rdata),
		.rd_req_valid(srd_req_valid), .rd_req_addr(srd_req_addr), .rd_req_len(srd_req_len), .rd_req_ready(srd_req_ready),
		.rd_rsp_valid(srd_rsp_valid), .rd_rsp_data(srd_rsp_data), .rd_rsp_cnt(srd_rsp_cnt), .rd_rsp_last(srd_rsp_last), .rd_rsp_err(srd_rsp_err),
		.rd_rsp_ready(srd_rsp_ready)
	);
	weft_tx_fifo #(.W($bits(d_in)), .AW(5)) u_descs (
		.clk, .rst, .wr(d_wr), .wdata(d_in), .full(d_full), .valid(d_valid), .rdata(d_out), .rd(d_pop), .count(d_count)
	);
	weft_tx_fifo #(.W($bits(l_in)), .AW(6)) u_lits (
		.clk, .rst, .wr(l_wr), .wdata(l_in), .full(l_full), .valid(l_valid), .rdata(l_out), .rd(l_pop), .count(l_count)
	);
	weft_tx_fifo #(.W($bits(t_in)), .AW(7)) u_toks (
		.clk, .rst, .wr(t_wr), .wdata(t_in), .full(t_full), .valid(t_valid), .rdata(t_out), .rd(t_pop), .count(t_count)
	);

	// assembler
	logic         src_start, src_drain, src_idle, src_dry, src_fail, src_stop, b_valid;
	logic [127:0] b_data;
	logic [3:0]   b_skip;
	logic [4:0]   b_cnt, b_use;
	weft_tx_src u_src (
		.clk, .rst, .start(src_start), .d, .drain(src_drain), .idle(src_idle), .dry(src_dry), .fail(src_fail), .stop(src_stop),
		.b_valid, .b_data, .b_skip, .b_cnt, .b_use, .l_valid, .l(l_out), .l_pop, .t_valid, .t(t_out), .t_pop,
		.rd_rsp_valid, .rd_rsp_data, .rd_rsp_cnt, .rd_rsp_last, .rd_rsp_err, .rd_rsp_ready,
		.x_req(cx_req), .x_we(cx_we), .x_addr(cx_addr), .x_wdata(cx_wdata), .x_be(cx_be), .x_gnt(cx_gnt), .x_rvalid(cx_rvalid), .x_rdata,
		.stall_dma(cnt_stall_dma)
	);
	logic         aw_en, hw_en, job_wr, job_full, job_valid, job_pop, hdr_idle, ev_wr, ev_full, asm_busy, freed, fr_valid, buf_busy;
	logic [10:0]  aw_addr, hw_addr;
	logic [127:0] aw_data, hw_data;
	logic [15:0]  hw_be;
	logic [9:0]   freed_beats;
	logic [95:0]  ev;
	logic [2:0]   job_count;
	logic [4:0]   ev_count;
	weft_tx_pkg::job_t   job_in, job_out;
	weft_tx_pkg::frame_t fr;
	weft_tx_asm u_asm (
		.clk, .rst, .d_valid, .d_in(d_out), .d_pop, .killed, .kill_valid, .kill_conn, .ack_valid, .ack_conn, .ack_hw, .ack_pop,
		.src_start, .d, .src_drain, .src_idle, .src_dry, .src_fail, .src_stop, .b_valid, .b_data, .b_skip, .b_cnt, .b_use,
		.w_stall(hw_en), .w_en(aw_en), .w_addr(aw_addr), .w_data(aw_data), .freed, .freed_beats,
		.job_wr, .job(job_in), .job_full, .hdr_idle, .ev_wr, .ev, .ev_full, .op_end(cnt_ops), .busy(asm_busy)
	);
	weft_tx_fifo #(.W($bits(job_in)), .AW(2)) u_jobs (
		.clk, .rst, .wr(job_wr), .wdata(job_in), .full(job_full), .valid(job_valid), .rdata(job_out), .rd(job_pop), .count(job_count)
	);
	weft_tx_fifo #(.W(96), .AW(4)) u_events (
		.clk, .rst, .wr(ev_wr), .wdata(ev), .full(ev_full), .valid(evt_valid), .rdata(evt_data), .rd(evt_ready), .count(ev_count)
	);

	// header builder and frame buffer
	weft_tx_hdr u_hdr (
		.clk, .rst, .time_ns, .job_valid, .job(job_out), .job_pop, .idle(hdr_idle), .allow_valid, .allow_conn,
		.c_use(hc_use), .c_addr(hc_addr), .c_rdata(ctxa_rdata), .txq_conn, .txq_rcv_nxt, .txq_ts_recent, .txq_edge,
		.w_en(hw_en), .w_addr(hw_addr), .w_data(hw_data), .w_be(hw_be), .fr_valid, .fr,
		.sent_valid, .sent_conn, .sent_ack, .sent_edge, .sent_end, .sent_data, .cnt_acks
	);
	weft_tx_buf u_buf (
		.clk, .rst, .w_en(aw_en || hw_en), .w_addr(hw_en ? hw_addr : aw_addr), .w_data(hw_en ? hw_data : aw_data), .w_be(hw_en ? hw_be : 16'hffff),
		.fr_valid, .fr, .freed, .freed_beats,
		.eth_tx_tvalid, .eth_tx_tready, .eth_tx_tdata, .eth_tx_tkeep, .eth_tx_tlast, .busy(buf_busy)
	);

	always_comb begin
		cnt_bytes = '0;
		for (int i = 0; i < 16; i = i + 1)
			cnt_bytes = cnt_bytes + {4'd0, eth_tx_tkeep[i] && eth_tx_tvalid && eth_tx_tready};
	end
	assign cnt_frames = eth_tx_tvalid && eth_tx_tready && eth_tx_tlast;
	assign cnt_stall_mac = eth_tx_tvalid && !eth_tx_tready;
	assign busy = op_busy || d_valid || asm_busy || ack_valid || !hdr_idle || buf_busy || evt_valid;

	logic unused;
	assign unused = &{1'b0, oc_req, who_valid, who_count, d_count, l_full, t_count, job_count, ev_count};

`ifndef SYNTHESIS
	// what cannot happen with sound neighbours
	always_ff @(posedge clk) begin
		if (!rst && l_wr && l_full) $fatal(1, "weft_tx: literal queue overrun");
		if (!rst && job_wr && job_full) $fatal(1, "weft_tx: job queue overrun");
		if (!rst && x_rvalid && !who_valid) $fatal(1, "weft_tx: XRAM answer to nobody");
	end
`endif
endmodule
