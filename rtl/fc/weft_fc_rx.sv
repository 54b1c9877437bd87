// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_rx: the Fibre Channel receiver. Frames from the FC-1 port or out of FCoE are checked into frame buffers (weft_fc_rx_in,
// weft_fc_rx_buf); data frames in good order of an exchange that is armed (weft_fc_rx_ctx, weft_fc_rx_eng) are written to host memory
// without firmware (weft_fc_rx_place), everything else goes to firmware as an event, in the order of arrival.
// Latency: about ten cycles from a frame's last beat to its event, 20 to its data's first write command.
// Throughput: one beat per cycle from either wire; placing 2112-byte frames takes as long as the wire does (135 cycles); short frames five cycles
// (a queue of 128 takes bursts). Back-pressure: none towards the wires, a frame for which no buffer is free is dropped and counted; in
// native mode the other side's credit (one R_RDY per buffer given back) keeps it from that. Events that wait hold frames and stops
// back, not the core.
module weft_fc_rx (
	input  logic         clk,
	input  logic         rst,
	input  logic [1:0]   mode,
	// FC-1 port
	input  logic [127:0] fc_rx_tdata,
	input  logic [15:0]  fc_rx_tkeep,
	input  logic         fc_rx_tvalid,
	input  logic         fc_rx_tlast,
	input  logic         fc_rx_tuser,
	// FCoE and FIP
	input  logic [127:0] fcoe_rx_tdata,
	input  logic [15:0]  fcoe_rx_tkeep,
	input  logic         fcoe_rx_tvalid,
	input  logic         fcoe_rx_tlast,
	input  logic         fcoe_rx_tuser,
	// core bus
	input  logic         cb_req,
	input  logic         cb_we,
	input  logic [3:0]   cb_be,
	input  logic [31:0]  cb_addr,
	input  logic [31:0]  cb_wdata,
	output logic         cb_gnt,
	output logic         cb_rvalid,
	output logic [31:0]  cb_rdata,
	// events
	output logic         evt_valid,
	output logic [95:0]  evt_data,
	input  logic         evt_ready,
	// SGL walker: XRAM and DMA read
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
	input  logic         inval_valid, // a slot was refilled
	input  logic [15:0]  inval_slot,
	// DMA write
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
	input  logic         slot_flag_ready,
	output logic         rrdy_valid,
	// counters
	output logic         cnt_frames,
	output logic         cnt_crc,
	output logic         cnt_form,
	output logic         cnt_nobuf,
	output logic         cnt_notus,
	output logic         cnt_placed,
	output logic         cnt_to_fw,
	output logic         cnt_trap,
	output logic         busy
);
	logic [23:0] fc_id;
	logic [47:0] mac;
	logic in_busy, eng_busy, place_busy;

	// ---- frame buffers ----
	logic a_valid, a_take, a_native, w_en, h_en, back_valid, lost;
	logic [6:0] a_buf, w_buf, h_buf, back_buf;
	logic [7:0] w_beat;
	logic [127:0] w_data, h_data, rdata;
	logic pk_req, pk_gnt, pk_rvalid, p_free_valid, p_free_fw, p_free_ready, own_valid;
	logic [6:0] pk_buf, p_free_buf, own_buf;
	logic [7:0] pk_beat;
	logic c_req, c_gnt, c_rvalid, c_free_valid, c_free_ready;
	logic [6:0] c_buf, c_free_buf;
	logic [7:0] c_beat, bufs;

	weft_fc_rx_buf buffers (
		.clk, .rst, .a_valid, .a_buf, .a_take, .a_native, .w_en, .w_buf, .w_beat, .w_data, .h_en, .h_buf, .h_data, .back_valid, .back_buf, .lost,
		.pk_req, .pk_buf, .pk_beat, .pk_gnt, .pk_rvalid, .p_free_valid, .p_free_fw, .p_free_buf, .p_free_ready, .own_valid, .own_buf,
		.c_req, .c_buf, .c_beat, .c_gnt, .c_rvalid, .c_free_valid, .c_free_buf, .c_free_ready, .rdata, .bufs, .rrdy(rrdy_valid)
	);

	// ---- wires ----
	logic d_valid;
	weft_fc_rx_pkg::desc_t d;

	weft_fc_rx_in front (
		.clk, .rst, .mode, .fc_rx_tdata, .fc_rx_tkeep, .fc_rx_tvalid, .fc_rx_tlast, .fc_rx_tuser,
		.fcoe_rx_tdata, .fcoe_rx_tkeep, .fcoe_rx_tvalid, .fcoe_rx_tlast, .fcoe_rx_tuser, .fc_id, .mac,
		.a_valid, .a_buf, .a_take, .a_native, .w_en, .w_buf, .w_beat, .w_data, .h_en, .h_buf, .h_data, .back_valid, .back_buf, .lost,
		.d_valid, .d, .busy(in_busy), .cnt_frames, .cnt_crc, .cnt_form, .cnt_nobuf, .cnt_notus
	);

	// ---- contexts ----
	logic e_en, x_en, x_we, x_ready, set_dma, set_short, q_dma, q_short;
	logic [15:0] e_we;
	logic [11:0] e_addr;
	logic [127:0] e_wdata, e_rdata;
	logic [3:0] x_be;
	logic [13:0] x_addr;
	logic [31:0] x_wdata, x_rdata;
	logic [10:0] set_dma_slot, set_short_slot, q_slot;

	weft_fc_rx_ctx contexts (
		.clk, .e_en, .e_we, .e_addr, .e_wdata, .e_rdata,
		.c_en(x_en), .c_we(x_we), .c_be(x_be), .c_addr(x_addr), .c_wdata(x_wdata), .c_ready(x_ready), .c_rdata(x_rdata),
		.set_dma, .set_dma_slot, .set_short, .set_short_slot, .q_slot, .q_dma, .q_short
	);

	// ---- core bus ----
	logic stop_valid, stop_ready, frx_valid, frx_free, frx_done;
	logic [10:0] stop_slot;
	logic [63:0] frx_addr;
	logic [15:0] frx_off, frx_len, frx_slot;
	logic [7:0] frx_buf;

	weft_fc_rx_cb cb (
		.clk, .rst, .cb_req, .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt, .cb_rvalid, .cb_rdata, .fc_id, .mac,
		.c_req, .c_buf, .c_beat, .c_gnt, .c_rvalid, .c_rdata(rdata), .bufs,
		.free_valid(c_free_valid), .free_buf(c_free_buf), .free_ready(c_free_ready),
		.x_en, .x_we, .x_be, .x_addr, .x_wdata, .x_ready, .x_rdata, .stop_valid, .stop_slot, .stop_ready,
		.frx_valid, .frx_addr, .frx_off, .frx_len, .frx_buf, .frx_free, .frx_slot, .frx_done
	);

	// ---- engine and place ----
	logic job_valid, job_ready;
	weft_fc_rx_pkg::job_t job;
	logic st_valid, st_ready, st_fresh, pc_valid, pc_ready, pc_last, pc_err;
	logic [15:0] st_slot, pc_len;
	logic [31:0] st_off, st_len;
	logic [63:0] pc_addr;

	weft_fc_rx_eng engine (
		.clk, .rst, .d_valid, .d, .stop_valid, .stop_slot, .stop_ready, .e_en, .e_we, .e_addr, .e_wdata, .e_rdata,
		.job_valid, .job, .job_ready, .busy(eng_busy), .cnt_placed, .cnt_to_fw, .cnt_trap
	);
	weft_fc_rx_place place (
		.clk, .rst, .job_valid, .job, .job_ready, .frx_valid, .frx_addr, .frx_off, .frx_len, .frx_buf, .frx_free, .frx_slot, .frx_done,
		.fw_valid(x_en && x_we), .fw_slot(x_addr[13:3]), .set_dma, .set_dma_slot, .set_short, .set_short_slot, .q_slot, .q_dma, .q_short,
		.pk_req, .pk_buf, .pk_beat, .pk_gnt, .pk_rvalid, .pk_rdata(rdata),
		.free_valid(p_free_valid), .free_fw(p_free_fw), .free_buf(p_free_buf), .free_ready(p_free_ready), .own_valid, .own_buf,
		.st_valid, .st_ready, .st_slot, .st_off, .st_len, .st_fresh, .pc_valid, .pc_ready, .pc_addr, .pc_len, .pc_last, .pc_err,
		.wr_cmd_valid, .wr_cmd_addr, .wr_cmd_len, .wr_cmd_tag, .wr_cmd_ready, .wr_dat_valid, .wr_dat_data, .wr_dat_last, .wr_dat_ready,
		.wr_done_valid, .wr_done_tag, .wr_done_err, .slot_flag_valid, .slot_flag_slot, .slot_flag_bits, .slot_flag_ready,
		.evt_valid, .evt_data, .evt_ready, .busy(place_busy)
	);
	weft_sgl_walk walker (
		.clk, .rst, .st_valid, .st_ready, .st_slot, .st_off, .st_len, .st_fresh, .pc_valid, .pc_ready, .pc_addr, .pc_len, .pc_last, .pc_err,
		.inval_valid, .inval_slot,
		.x_req(sx_req), .x_we(sx_we), .x_addr(sx_addr), .x_wdata(sx_wdata), .x_be(sx_be), .x_gnt(sx_gnt), .x_rvalid(sx_rvalid), .x_rdata(sx_rdata),
		.rd_req_valid(srd_req_valid), .rd_req_addr(srd_req_addr), .rd_req_len(srd_req_len), .rd_req_ready(srd_req_ready),
		.rd_rsp_valid(srd_rsp_valid), .rd_rsp_data(srd_rsp_data), .rd_rsp_cnt(srd_rsp_cnt), .rd_rsp_last(srd_rsp_last),
		.rd_rsp_err(srd_rsp_err), .rd_rsp_ready(srd_rsp_ready)
	);
	assign busy = in_busy || eng_busy || place_busy;
endmodule
