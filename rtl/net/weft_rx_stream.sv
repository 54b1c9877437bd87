// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_stream: the second half of the receiver: lists of delivered pieces, scheduling, stream engine, collected headers, place.
// Deliveries come from the fast path (dlv_*) and from firmware (rxd_*); both append in the order in which they are taken. An empty delivery from
// firmware, or one to no connection, gives its cells back at once.
// Latency, throughput: see weft_rx_eng and weft_rx_place. Back-pressure: dlv_ready within a few cycles, whatever the rest does.
module weft_rx_stream (
	input  logic         clk,
	input  logic         rst,
	input  logic         dlv_valid,
	input  logic [6:0]   dlv_conn,
	input  logic [9:0]   dlv_cell,
	input  logic [15:0]  dlv_off,
	input  logic [15:0]  dlv_len,
	output logic         dlv_ready,
	input  logic         rxd_valid,
	input  logic [7:0]   rxd_conn,
	input  logic [9:0]   rxd_cell,
	input  logic [15:0]  rxd_off,
	input  logic [15:0]  rxd_len,
	output logic         rxd_ready,
	output logic         pend_valid,
	output logic [6:0]   pend_conn,
	output logic [15:0]  pend_bytes,
	output logic [7:0]   pend_cells,
	output logic         cons_valid,
	output logic [6:0]   cons_conn,
	output logic [15:0]  cons_bytes,
	output logic [7:0]   cons_cells,
	input  logic         scmd_valid,
	input  logic [6:0]   scmd_conn,
	input  logic [7:0]   scmd,
	output logic         scmd_ready,
	input  logic         rxs_valid,
	input  logic [6:0]   rxs_conn,
	input  logic         rxs_data, // RXS_DATA, else RXS_NEXT
	input  logic [3:0]   rxs_flags,
	input  logic [7:0]   rxs_pad,
	input  logic [15:0]  rxs_slot,
	input  logic [31:0]  rxs_off,
	input  logic [31:0]  rxs_len,
	// packet buffer
	output logic         pk_req,
	output logic [9:0]   pk_cell,
	output logic [4:0]   pk_beat,
	input  logic [127:0] pk_rdata,
	input  logic [9:0]   pk_next,
	output logic         free_valid,
	output logic [9:0]   free_cell,
	input  logic         free_ready,
	// first word of the context
	output logic         flags_req,
	output logic [6:0]   flags_conn,
	input  logic         flags_gnt,
	input  logic         hdgst,
	// core
	input  logic [6:0]   rxh_conn,
	input  logic [5:0]   rxh_word,
	output logic         rxh_gnt,
	output logic [31:0]  rxh_data,
	input  logic [6:0]   q_conn,
	output logic [2:0]   q_st,
	// SGL walker's memories
	input  logic         inval_valid,
	input  logic [15:0]  inval_slot,
	output logic         sx_req,
	output logic         sx_we,
	output logic [15:0]  sx_addr,
	output logic [127:0] sx_wdata,
	output logic [15:0]  sx_be,
	input  logic         sx_gnt,
	input  logic         sx_rvalid,
	input  logic [127:0] sx_rdata,
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
	// host memory
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
	output logic         busy,
	output logic         cnt_hdrs,
	output logic         cnt_hdgst,
	output logic         cnt_ddgst,
	output logic [4:0]   cnt_placed,
	output logic         cnt_stall
);
	// ---- deliveries ----
	logic app_valid, app_ready, app_fw, app_fw_q, rxd_empty;
	logic [6:0] app_conn;
	logic [9:0] app_cell;
	logic [15:0] app_off, app_len;
	logic [16:0] app_end;
	logic take_valid, take_done;
	logic [9:0] take_cell;
	logic [15:0] take_off, take_len;
	logic [127:0] filled;
	logic [6:0] conn;
	logic eng_free_valid, eng_free_ready;
	logic [9:0] eng_free_cell;

	// The choice between the two stands while an append is under way.
	assign rxd_empty = rxd_len == 16'd0 || rxd_conn[7];
	assign app_fw = app_fw_q || !dlv_valid;
	assign app_valid = app_fw ? rxd_valid && !rxd_empty : dlv_valid;
	assign app_conn = app_fw ? rxd_conn[6:0] : dlv_conn;
	assign app_cell = app_fw ? rxd_cell : dlv_cell;
	assign app_off = app_fw ? rxd_off : dlv_off;
	assign app_len = app_fw ? rxd_len : dlv_len;
	assign dlv_ready = app_ready && !app_fw;
	assign rxd_ready = rxd_empty ? rxd_valid && !eng_free_valid && free_ready : app_ready && app_fw;
	assign pend_valid = app_ready && app_fw;
	assign pend_conn = app_conn;
	assign pend_bytes = app_len;
	assign app_end = {1'b0, app_off} + {1'b0, app_len} + 17'd511;
	assign pend_cells = app_end[16:9];
	always_ff @(posedge clk) begin
		if (rst) app_fw_q <= 1'b0;
		else app_fw_q <= app_fw && app_valid && !app_ready;
	end
	weft_rx_list list (
		.clk, .rst, .app_valid, .app_ready, .app_conn, .app_cell, .app_off, .app_len,
		.take_valid, .take_conn(conn), .take_done, .take_cell, .take_off, .take_len, .filled
	);
	assign free_valid = eng_free_valid || (rxd_valid && rxd_empty);
	assign free_cell = eng_free_valid ? eng_free_cell : rxd_cell;
	assign eng_free_ready = free_ready;

	// ---- engine ----
	logic pick_v, pick_take;
	logic [6:0] pick;
	logic [127:0] runnable;
	logic fe_start, ob_valid, ob_last, placing, dat_room, hm_en, hp_en, hp_valid;
	logic [9:0] fe_cell, e_cell;
	logic [8:0] fe_pos, e_pos;
	logic [6:0] fe_hops;
	logic [15:0] fe_len;
	logic [127:0] ob_data;
	logic [4:0] ob_cnt;
	logic [7:0] hm_off;
	logic [2:0] hp_beat;
	logic [127:0] hp_data;
	logic job_valid, job_ready, placed_clr, bad_valid, bad_ready, eng_busy, place_busy;
	logic [6:0] placed_conn;
	weft_rx_pkg::job_t job;

	weft_rx_pick picker (.clk, .rst, .bits(runnable), .valid(pick_v), .index(pick), .take(pick_take));
	assign scmd_ready = 1'b1;
	assign flags_conn = conn;
	assign cons_conn = conn;
	weft_rx_eng eng (
		.clk, .rst, .pick_v, .pick, .pick_take, .runnable, .scmd_valid, .scmd_conn, .scmd,
		.cmd_valid(rxs_valid), .cmd_conn(rxs_conn), .cmd_data(rxs_data), .cmd_flags(rxs_flags), .cmd_pad(rxs_pad), .cmd_slot(rxs_slot),
		.cmd_off(rxs_off), .cmd_len(rxs_len),
		.filled, .take_valid, .conn, .take_done, .take_cell, .take_off, .take_len,
		.fe_start, .fe_cell, .fe_pos, .fe_hops, .fe_len, .ob_valid, .ob_data, .ob_cnt, .ob_last, .e_cell, .e_pos, .placing,
		.flags_req, .flags_gnt, .hdgst, .hm_en, .hm_off, .hp_en, .hp_beat, .hp_valid, .dat_room,
		.free_valid(eng_free_valid), .free_cell(eng_free_cell), .free_ready(eng_free_ready), .cons_valid, .cons_bytes, .cons_cells,
		.job_valid, .job, .job_ready, .placed_clr, .placed_conn, .bad_valid, .bad_ready,
		.q_conn, .q_st, .busy(eng_busy), .cnt_hdrs, .cnt_hdgst, .cnt_ddgst
	);
	weft_rx_fetch fetch (
		.clk, .rst, .start(fe_start), .s_cell(fe_cell), .s_pos(fe_pos), .s_hops(fe_hops), .s_len(fe_len), .room(!placing || dat_room),
		.pk_req, .pk_cell, .pk_beat, .pk_rdata, .pk_next, .ob_valid, .ob_data, .ob_cnt, .ob_last, .e_cell, .e_pos
	);
	weft_rx_hdrmem headers (
		.clk, .w_en(hm_en), .w_conn(conn), .w_off(hm_off), .w_cnt(ob_cnt), .w_data(ob_data),
		.r_conn(rxh_conn), .r_word(rxh_word), .r_gnt(rxh_gnt), .r_data(rxh_data),
		.p_en(hp_en), .p_conn(conn), .p_beat(hp_beat), .p_data(hp_data)
	);

	// ---- place ----
	logic st_valid, st_ready, st_fresh, pc_valid, pc_ready, pc_last, pc_err;
	logic [15:0] st_slot, pc_len;
	logic [31:0] st_off, st_len;
	logic [63:0] pc_addr;

	weft_rx_place place (
		.clk, .rst, .job_valid, .job, .job_ready, .dat_valid(hp_valid || (ob_valid && placing)),
		.dat(hp_valid ? hp_data : ob_data), .dat_room,
		.bad_valid, .bad_slot(job.slot), .bad_ready,
		.st_valid, .st_ready, .st_slot, .st_off, .st_len, .st_fresh, .pc_valid, .pc_ready, .pc_addr, .pc_len, .pc_last, .pc_err,
		.wr_cmd_valid, .wr_cmd_addr, .wr_cmd_len, .wr_cmd_tag, .wr_cmd_ready, .wr_dat_valid, .wr_dat_data, .wr_dat_last, .wr_dat_ready,
		.wr_done_valid, .wr_done_tag, .wr_done_err, .slot_flag_valid, .slot_flag_slot, .slot_flag_bits,
		.hev_valid, .hev_data, .hev_ready, .fev_valid, .fev_data, .fev_ready, .placed_clr, .placed_conn,
		.busy(place_busy), .cnt_bytes(cnt_placed), .cnt_stall
	);
	weft_sgl_walk walker (
		.clk, .rst, .st_valid, .st_ready, .st_slot, .st_off, .st_len, .st_fresh, .pc_valid, .pc_ready, .pc_addr, .pc_len, .pc_last, .pc_err,
		.inval_valid, .inval_slot,
		.x_req(sx_req), .x_we(sx_we), .x_addr(sx_addr), .x_wdata(sx_wdata), .x_be(sx_be), .x_gnt(sx_gnt), .x_rvalid(sx_rvalid), .x_rdata(sx_rdata),
		.rd_req_valid(srd_req_valid), .rd_req_addr(srd_req_addr), .rd_req_len(srd_req_len), .rd_req_ready(srd_req_ready),
		.rd_rsp_valid(srd_rsp_valid), .rd_rsp_data(srd_rsp_data), .rd_rsp_cnt(srd_rsp_cnt), .rd_rsp_last(srd_rsp_last),
		.rd_rsp_err(srd_rsp_err), .rd_rsp_ready(srd_rsp_ready)
	);
	assign busy = eng_busy || place_busy;
	logic unused;
	assign unused = &{1'b0, app_end[8:0]};
endmodule
