// SPDX-License-Identifier: BSD-2-Clause
// tb_move: the small blocks of rtl/move side by side, so that one Verilated model serves their bench.
module tb_move (
	input  logic         clk,
	input  logic         rst,
	input  logic [31:0]  crc_in,
	input  logic [127:0] crc_data,
	input  logic [4:0]   crc_cnt,
	output logic [31:0]  crc_out,
	output logic [31:0]  crc32_out, // the polynomial of Ethernet

	input  logic         in_valid,
	output logic         in_ready,
	input  logic [127:0] in_data,
	input  logic [4:0]   in_cnt,
	input  logic         in_last,
	output logic         out_valid,
	input  logic         out_ready,
	output logic [127:0] out_data,
	output logic [4:0]   out_cnt,
	output logic         out_last,

	input  logic         st_valid,
	output logic         st_ready,
	input  logic [15:0]  st_slot,
	input  logic [31:0]  st_off,
	input  logic [31:0]  st_len,
	input  logic         st_fresh,
	output logic         pc_valid,
	input  logic         pc_ready,
	output logic [63:0]  pc_addr,
	output logic [15:0]  pc_len,
	output logic         pc_last,
	output logic         pc_err,
	input  logic         inval_valid,
	input  logic [15:0]  inval_slot,
	output logic         x_req,
	output logic         x_we,
	output logic [15:0]  x_addr,
	output logic [127:0] x_wdata,
	output logic [15:0]  x_be,
	input  logic         x_gnt,
	input  logic         x_rvalid,
	input  logic [127:0] x_rdata,
	output logic         rd_req_valid,
	output logic [63:0]  rd_req_addr,
	output logic [15:0]  rd_req_len,
	input  logic         rd_req_ready,
	input  logic         rd_rsp_valid,
	input  logic [127:0] rd_rsp_data,
	input  logic [4:0]   rd_rsp_cnt,
	input  logic         rd_rsp_last,
	input  logic         rd_rsp_err,
	output logic         rd_rsp_ready
);
	weft_crc32c u_crc (.crc_in, .data(crc_data), .cnt(crc_cnt), .crc_out);
	weft_crc32c #(.POLY(32'hedb88320)) u_crc32 (.crc_in, .data(crc_data), .cnt(crc_cnt), .crc_out(crc32_out));
	weft_pack u_pack (.clk, .rst, .in_valid, .in_ready, .in_data, .in_cnt, .in_last, .out_valid, .out_ready, .out_data, .out_cnt, .out_last);
	weft_sgl_walk u_walk (.*);
endmodule
