// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_tx: the transmit side of the Fibre Channel port. Operations on transmit records become sequences of frames, native or FCoE; and the
// link: credit, R_RDY, the primitive sent, what firmware hears of it.
//
//   regs (queue of 32) -> op (record, literal bytes, SGL walk, DMA reads) -> src (payload in order, packed)
//     -> frame (cuts frames, header, CRC, payload into the frame buffer) -> out (ring of 16 KiB; SOF, header, CRC, EOF) -> FC-1 port or Ethernet
//
// op runs ahead of frame by up to 32 operations, 64 literal beats and 128 DMA reads, so that the wire stays full at any read latency the
// gather client's answer buffer covers. Only whole frames reach out's reader. Frames in the buffer belong to no operation any more: a kill does
// not touch them, FC_CTRL.DROP and mode OFF throw them away.
// RAW answers to no kill, but is dropped when the mode is not FCoE. FENCE ends when all earlier operations have; with DROP only when no frame
// waits any more, so that after it nothing old can leave.
// Latency: about 25 cycles from FTX_PUSH to the first beat of a 96-byte unit. Throughput: a frame of 2,112 bytes in 136 cycles, an operation
// of 96 literal bytes in 16. Back-pressure: tready, credit or PRIM hold out, then frame, then the queues one after the other.
module weft_fc_tx (
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

	input  logic         inval_valid,
	input  logic [15:0]  inval_slot,

	// FC-1 port
	input  logic         fc_signal,
	input  logic [2:0]   fc_rx_prim,
	input  logic         fc_rx_rrdy,
	output logic [127:0] fc_tx_tdata,
	output logic [15:0]  fc_tx_tkeep,
	output logic         fc_tx_tvalid,
	output logic         fc_tx_tlast,
	input  logic         fc_tx_tready,
	output logic         fc_tx_rrdy_valid,
	input  logic         fc_tx_rrdy_ready,
	output logic [2:0]   fc_tx_prim,
	input  logic         rrdy_valid,

	output logic [127:0] fcoe_tx_tdata,
	output logic [15:0]  fcoe_tx_tkeep,
	output logic         fcoe_tx_tvalid,
	output logic         fcoe_tx_tlast,
	input  logic         fcoe_tx_tready,
	output logic [1:0]   mode,

	output logic         cnt_frames,
	output logic         cnt_stall_credit,
	output logic         cnt_stall_dma,
	output logic         busy
);
	// registers, operation queue, kill state
	logic         op_waits, op_valid, op_pop, ka_hit, kb_hit, drop, raw_drop, native, fcoe, credit_wr, fcf, status_rd;
	logic [7:0]   op_flags;
	logic [15:0]  op_rec, ka_slot, kb_slot, credit_val;
	logic [2:0]   prim;
	logic [23:0]  map;
	logic [47:0]  fcf_mac;
	logic [31:0]  status;
	weft_fc_tx_regs u_regs (
		.clk, .rst, .cb_req, .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt, .cb_rvalid, .cb_rdata,
		.op_waits, .op_valid, .op_pop, .op_flags, .op_rec, .ka_slot, .ka_hit, .kb_slot, .kb_hit,
		.mode, .prim, .drop, .credit_wr, .credit_val, .map, .fcf, .fcf_mac, .status, .status_rd
	);
	assign native = mode == weft_eng_pkg::FCM_NATIVE[1:0];
	assign fcoe = mode == weft_eng_pkg::FCM_FCOE[1:0];
	assign raw_drop = drop || !fcoe;

	// XRAM: the framer's note before op; whoever waits for its grant keeps the port. Only op reads
	logic         ox_req, nx_req, pick_n, held, held_n;
	logic [15:0]  ox_addr, nx_addr;
	assign pick_n = held ? held_n : nx_req;
	assign x_req = ox_req || nx_req;
	assign x_we = pick_n;
	assign x_addr = pick_n ? nx_addr : ox_addr;
	always_ff @(posedge clk) begin
		held <= x_req && !x_gnt && !rst;
		held_n <= pick_n;
	end

	// front end
	logic         st_valid, st_ready, pc_valid, pc_ready, pc_last, pc_err, op_busy;
	logic [15:0]  st_slot, pc_len;
	logic [31:0]  st_off, st_len;
	logic [63:0]  pc_addr;
	logic         d_wr, d_full, d_valid, d_pop, l_wr, l_full, l_valid, l_pop, t_wr, t_full, t_valid, t_pop;
	weft_fc_tx_pkg::desc_t d_in, d_out;
	weft_fc_tx_pkg::lit_t  l_in, l_out;
	weft_fc_tx_pkg::tok_t  t_in, t_out;
	logic [5:0]   d_count;
	logic [6:0]   l_count;
	logic [7:0]   t_count;
	weft_fc_tx_op u_op (
		.clk, .rst, .op_valid, .op_pop, .op_flags, .op_rec, .k_slot(ka_slot), .k_hit(ka_hit), .drop, .raw_drop,
		.x_req(ox_req), .x_addr(ox_addr), .x_gnt(x_gnt && !pick_n), .x_rvalid, .x_rdata,
		.st_valid, .st_ready, .st_slot, .st_off, .st_len, .pc_valid, .pc_ready, .pc_addr, .pc_len, .pc_last, .pc_err,
		.rd_req_valid, .rd_req_addr, .rd_req_len, .rd_req_ready,
		.d_wr, .d(d_in), .d_full, .l_wr, .l(l_in), .l_count, .t_wr, .t(t_in), .t_full, .busy(op_busy)
	);
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

	// framer
	logic         src_start, src_lit, src_data, src_drain, src_idle, src_fail, src_stop, src_frame, b_valid, b_ready, b_last;
	logic [11:0]  src_size;
	logic [127:0] b_data;
	logic [4:0]   b_cnt;
	weft_fc_tx_src u_src (
		.clk, .rst, .start(src_start), .has_lit(src_lit), .has_data(src_data), .drain(src_drain), .idle(src_idle), .fail(src_fail), .stop(src_stop),
		.frame(src_frame), .size(src_size), .b_valid, .b_ready, .b_data, .b_cnt, .b_last, .l_valid, .l(l_out), .l_pop, .t_valid, .t(t_out), .t_pop,
		.rd_rsp_valid, .rd_rsp_data, .rd_rsp_cnt, .rd_rsp_last, .rd_rsp_err, .rd_rsp_ready, .stall_dma(cnt_stall_dma)
	);
	logic         w_en, fr_wr, freed, none_waits, ev_wr, ev_full, frame_busy;
	logic [weft_fc_tx_pkg::RING_AW-1:0] w_addr;
	logic [127:0] w_data;
	logic [7:0]   freed_beats;
	logic [95:0]  ev;
	weft_fc_tx_pkg::frame_t fr;
	weft_fc_tx_frame u_frame (
		.clk, .rst, .d_valid, .d_in(d_out), .d_pop, .k_slot(kb_slot), .k_hit(kb_hit), .drop, .raw_drop,
		.src_start, .src_lit, .src_data, .src_drain, .src_idle, .src_fail, .src_stop, .src_frame, .src_size, .b_valid, .b_ready, .b_data, .b_cnt, .b_last,
		.w_en, .w_addr, .w_data, .fr_wr, .fr, .freed, .freed_beats, .none_waits,
		.x_req(nx_req), .x_addr(nx_addr), .x_wdata, .x_be, .x_gnt(x_gnt && pick_n), .ev_wr, .ev, .ev_full, .busy(frame_busy)
	);

	// the wires and the link
	logic         may, credit_ok, credit_use, link_valid, out_busy;
	logic [95:0]  link_ev;
	weft_fc_tx_out u_out (
		.clk, .rst, .native, .fcoe, .toss(drop), .may, .credit_ok, .credit_use, .map, .fcf, .fcf_mac,
		.w_en, .w_addr, .w_data, .fr_wr, .fr, .freed, .freed_beats, .none_waits,
		.fc_tx_tdata, .fc_tx_tkeep, .fc_tx_tvalid, .fc_tx_tlast, .fc_tx_tready,
		.fcoe_tx_tdata, .fcoe_tx_tkeep, .fcoe_tx_tvalid, .fcoe_tx_tlast, .fcoe_tx_tready,
		.cnt_frames, .cnt_stall_credit, .busy(out_busy)
	);
	weft_fc_tx_link u_link (
		.clk, .rst, .native, .prim, .may, .credit_wr, .credit_val, .credit_ok, .credit_use, .status, .status_rd,
		.fc_signal, .fc_rx_prim, .fc_rx_rrdy, .fc_tx_rrdy_valid, .fc_tx_rrdy_ready, .fc_tx_prim, .rrdy_valid,
		.ev_valid(link_valid), .ev(link_ev), .ev_ready(!ev_wr && !ev_full)
	);
	logic [4:0]   ev_count;
	weft_tx_fifo #(.W(96), .AW(4)) u_events (
		.clk, .rst, .wr(ev_wr || link_valid), .wdata(ev_wr ? ev : link_ev), .full(ev_full), .valid(evt_valid), .rdata(evt_data), .rd(evt_ready),
		.count(ev_count)
	);
	assign busy = op_waits || op_busy || d_valid || frame_busy || out_busy || evt_valid || fc_tx_rrdy_valid;

	logic unused;
	assign unused = &{1'b0, d_count, l_full, t_count, ev_count};

`ifndef SYNTHESIS
	// what cannot happen with sound neighbours
	always_ff @(posedge clk) begin
		if (!rst && l_wr && l_full) $fatal(1, "weft_fc_tx: literal queue overrun");
	end
`endif
endmodule
