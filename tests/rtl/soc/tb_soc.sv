// SPDX-License-Identifier: BSD-2-Clause
// Small instances of three blocks side by side: a queue of 8, an SRAM of 40 beats, the timer.
module tb_soc (
	input  logic         clk,
	input  logic         rst,
	input  logic [2:0]   in_valid,
	input  logic [287:0] in_data,
	output logic [2:0]   in_ready,
	output logic         head_valid,
	output logic [95:0]  head,
	input  logic         pop,
	output logic         any,
	output logic         taken,
	input  logic         c_en,
	input  logic [3:0]   c_we,
	input  logic [19:0]  c_addr,
	input  logic [31:0]  c_wdata,
	output logic [31:0]  c_rdata,
	input  logic [3:0]   x_req,
	input  logic [3:0]   x_we,
	input  logic [63:0]  x_addr,
	input  logic [511:0] x_wdata,
	input  logic [63:0]  x_be,
	output logic [3:0]   x_gnt,
	output logic [3:0]   x_rvalid,
	output logic [127:0] x_rdata,
	input  logic         t_req,
	input  logic         t_we,
	input  logic [11:0]  t_addr,
	input  logic [31:0]  t_wdata,
	output logic [31:0]  t_rdata,
	input  logic [63:0]  time_ns,
	output logic [63:0]  timer_ns,
	output logic         timer_due
);
	logic ev_pop;
	weft_evq #(.N(3), .DEPTH(8)) u_evq (.clk, .rst, .in_valid, .in_data, .in_ready, .head_valid, .head, .pop, .any, .taken);
	weft_xram #(.N(4), .BEATS(40)) u_xram (.clk, .rst, .c_en, .c_we, .c_addr, .c_wdata, .c_rdata, .x_req, .x_we, .x_addr, .x_wdata, .x_be, .x_gnt, .x_rvalid, .x_rdata);
	weft_timer u_timer (.clk, .rst, .req(t_req), .we(t_we), .addr(t_addr), .wdata(t_wdata), .rdata(t_rdata), .time_ns, .timer_ns, .timer_due,
		.ev_valid(1'b0), .ev_head('0), .ev_pop);
	logic unused;
	assign unused = &{1'b0, ev_pop};
endmodule
