// SPDX-License-Identifier: BSD-2-Clause
// weft_boot, and two boot ROMs: one that a loader writes, one with contents of its own.
module tb_boot (
	input  logic         clk,
	input  logic         rst,
	input  logic         soft_rst,
	input  logic         hold,
	input  logic [63:0]  time_ns,
	input  logic         boot_rom,
	input  logic [31:0]  board_id,
	input  logic [255:0] key_hash,
	input  logic         cb_req,
	input  logic         cb_we,
	input  logic [31:0]  cb_addr,
	input  logic [31:0]  cb_wdata,
	output logic         cb_gnt,
	output logic         cb_rvalid,
	output logic [31:0]  cb_rdata,
	output logic         spi_sck,
	output logic         spi_cs_n,
	output logic         spi_mosi,
	input  logic         spi_miso,
	output logic         wdt_reset,
	output logic [63:0]  deadline_ns,
	output logic         busy,
	input  logic         i_en,
	input  logic         d_en,
	input  logic         load,
	input  logic [13:0]  i_addr,
	input  logic [13:0]  d_addr,
	input  logic [13:0]  load_addr,
	input  logic [31:0]  load_data,
	output logic [31:0]  i_rdata,
	output logic [31:0]  d_rdata,
	output logic [31:0]  file_i_rdata,
	output logic [31:0]  file_d_rdata
);
	weft_boot u_boot (.*);
	weft_rom u_rom (.*);
	weft_rom #(.ROM_FILE("tests/rtl/boot/rom.hex")) u_file (.i_rdata(file_i_rdata), .d_rdata(file_d_rdata), .*);
endmodule
