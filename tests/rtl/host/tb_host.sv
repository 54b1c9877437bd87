// SPDX-License-Identifier: BSD-2-Clause
// tb_host: weft_host with the real DMA engines; client 0 of the write engine (place) is driven by the bench.
module tb_host (
	input  logic         clk,
	input  logic         rst,
	input  logic [19:0]  s_axil_awaddr,
	input  logic         s_axil_awvalid,
	output logic         s_axil_awready,
	input  logic [31:0]  s_axil_wdata,
	input  logic [3:0]   s_axil_wstrb,
	input  logic         s_axil_wvalid,
	output logic         s_axil_wready,
	output logic [1:0]   s_axil_bresp,
	output logic         s_axil_bvalid,
	input  logic         s_axil_bready,
	input  logic [19:0]  s_axil_araddr,
	input  logic         s_axil_arvalid,
	output logic         s_axil_arready,
	output logic [31:0]  s_axil_rdata,
	output logic [1:0]   s_axil_rresp,
	output logic         s_axil_rvalid,
	input  logic         s_axil_rready,
	output logic         msix_req,
	output logic [10:0]  msix_vector,
	input  logic         msix_ack,
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
	input  logic         pl_cmd_valid,
	output logic         pl_cmd_ready,
	input  logic [63:0]  pl_cmd_addr,
	input  logic [15:0]  pl_cmd_len,
	input  logic         pl_dat_valid,
	output logic         pl_dat_ready,
	input  logic [127:0] pl_dat_data,
	input  logic         pl_dat_last,
	output logic         pl_done_valid,
	output logic         pl_done_err,
	input  logic         slot_flag_valid,
	input  logic [15:0]  slot_flag_slot,
	input  logic [7:0]   slot_flag_bits,
	output logic         inval_valid,
	output logic [15:0]  inval_slot,
	input  logic [63:0]  time_ns,
	input  logic         wdt_reset,
	output logic         core_run,
	output logic         soft_rst,
	input  logic         idle_others,
	input  logic         link_up,
	input  logic         core_active,
	input  logic         core_retire,
	input  logic [63:0]  cnt_inc,
	output logic         busy,
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
	output logic [63:0]  m_axi_awaddr,
	output logic [7:0]   m_axi_awlen,
	output logic [2:0]   m_axi_awsize,
	output logic [1:0]   m_axi_awburst,
	output logic         m_axi_awvalid,
	input  logic         m_axi_awready,
	output logic [127:0] m_axi_wdata,
	output logic [15:0]  m_axi_wstrb,
	output logic         m_axi_wlast,
	output logic         m_axi_wvalid,
	input  logic         m_axi_wready,
	input  logic [1:0]   m_axi_bresp,
	input  logic         m_axi_bvalid,
	output logic         m_axi_bready
);
	logic drain, quiet_rd, quiet_wr, busy_host, busy_rd, busy_wr, rd_err, wr_err;
	logic rq_valid, rq_ready, rs_valid, rs_ready, rs_last, rs_err, wc_valid, wc_ready, wd_valid, wd_ready, wd_last;
	logic [63:0] rq_addr, wc_addr;
	logic [15:0] rq_len, wc_len, wc_tag;
	logic [127:0] rs_data, wd_data;
	logic [4:0] rs_cnt, rd_bytes, wr_bytes;
	logic [1:0] done_valid, done_err;
	logic [31:0] done_tag, issued, answered;
	logic [5:0] no_ready, no_valid, no_last, no_err;
	logic [767:0] no_data;
	logic [29:0] no_cnt;
	logic [3:0] no_wr;
	logic [15:0] no_tag;
	logic unused;

	assign pl_done_valid = done_valid[0];
	assign pl_done_err = done_err[0];
	assign busy = busy_host || busy_rd || busy_wr;
	assign unused = &{1'b0, no_ready, no_valid, no_last, no_err, no_data, no_cnt, no_wr, no_tag, done_tag[15:0]};

	weft_host host (
		.rd_req_valid(rq_valid), .rd_req_ready(rq_ready), .rd_req_addr(rq_addr), .rd_req_len(rq_len), .rd_rsp_valid(rs_valid),
		.rd_rsp_ready(rs_ready), .rd_rsp_data(rs_data), .rd_rsp_cnt(rs_cnt), .rd_rsp_last(rs_last), .rd_rsp_err(rs_err),
		.wr_cmd_valid(wc_valid), .wr_cmd_ready(wc_ready), .wr_cmd_addr(wc_addr), .wr_cmd_len(wc_len), .wr_cmd_tag(wc_tag),
		.wr_dat_valid(wd_valid), .wr_dat_ready(wd_ready), .wr_dat_data(wd_data), .wr_dat_last(wd_last),
		.wr_done_valid(done_valid[1]), .wr_done_tag(done_tag[31:16]), .wr_done_err(done_err[1]),
		.wr_issued(issued), .wr_answered(answered), .x_rvalid(1'b0), .x_rdata(128'd0),
		.drain, .quiet(quiet_rd && quiet_wr),
		.cnt_inc(cnt_inc | {53'd0, wr_err, rd_err, 9'd0}), .cnt_rd_bytes(rd_bytes), .cnt_wr_bytes(wr_bytes), .cnt_tx_bytes(5'd3),
		.cnt_rx_bytes(5'd16), .cnt_placed_bytes(5'd0), .busy(busy_host), .*
	);
	weft_dma_rd dma_rd (
		.clk, .rst(rst || soft_rst), .drain, .quiet(quiet_rd), .busy(busy_rd),
		.rd_req_valid({6'd0, rq_valid}), .rd_req_ready({no_ready, rq_ready}), .rd_req_addr({384'd0, rq_addr}),
		.rd_req_len({96'd0, rq_len}), .rd_rsp_valid({no_valid, rs_valid}), .rd_rsp_ready({6'd0, rs_ready}),
		.rd_rsp_data({no_data, rs_data}), .rd_rsp_cnt({no_cnt, rs_cnt}), .rd_rsp_last({no_last, rs_last}),
		.rd_rsp_err({no_err, rs_err}), .cnt_bytes(rd_bytes), .cnt_err(rd_err), .*
	);
	weft_dma_wr dma_wr (
		.clk, .rst(rst || soft_rst), .drain, .quiet(quiet_wr), .busy(busy_wr),
		.wr_cmd_valid({1'b0, wc_valid, pl_cmd_valid}), .wr_cmd_ready({no_wr[0], wc_ready, pl_cmd_ready}),
		.wr_cmd_addr({64'd0, wc_addr, pl_cmd_addr}), .wr_cmd_len({16'd0, wc_len, pl_cmd_len}), .wr_cmd_tag({16'd0, wc_tag, 16'd0}),
		.wr_dat_valid({1'b0, wd_valid, pl_dat_valid}), .wr_dat_ready({no_wr[1], wd_ready, pl_dat_ready}),
		.wr_dat_data({128'd0, wd_data, pl_dat_data}), .wr_dat_last({1'b0, wd_last, pl_dat_last}),
		.wr_done_valid({no_wr[2], done_valid}), .wr_done_tag({no_tag, done_tag}), .wr_done_err({no_wr[3], done_err}),
		.wr_issued(issued), .wr_answered(answered), .cnt_bytes(wr_bytes), .cnt_err(wr_err), .*
	);
endmodule
