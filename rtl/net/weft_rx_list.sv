// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_list: for each of 128 connections a list of delivered pieces, in order: byte range [off, off + len) of the frame whose
// first cell is the key. A cell is in one list at most, so there is always room.
// Latency: append two cycles, take three. Throughput: one operation at a time, takes first.
// Back-pressure: app_ready and take_done end the operation; the operands stand until then. take only while filled.
module weft_rx_list (
	input  logic         clk,
	input  logic         rst,
	input  logic         app_valid,
	output logic         app_ready,
	input  logic [6:0]   app_conn,
	input  logic [9:0]   app_cell,
	input  logic [15:0]  app_off,
	input  logic [15:0]  app_len,
	input  logic         take_valid,
	input  logic [6:0]   take_conn,
	output logic         take_done,
	output logic [9:0]   take_cell,
	output logic [15:0]  take_off,
	output logic [15:0]  take_len,
	output logic [127:0] filled
);
	typedef enum logic [1:0] { IDLE, APPEND, FIND, TAKE } state_e;
	state_e state;
	logic [19:0] ends [0:127]; // head, tail
	logic [9:0]  succ [0:1023];
	logic [31:0] range [0:1023];
	logic [9:0]  head;
	logic [9:0]  tail;
	logic [9:0]  after;
	logic [6:0]  conn;

	assign conn = take_valid && state != APPEND ? take_conn : app_conn;
	assign app_ready = state == APPEND;
	assign take_done = state == TAKE;
	assign take_cell = head;

	always_ff @(posedge clk) begin
		if (state == IDLE) {head, tail} <= ends[conn];
		if (state == APPEND) ends[app_conn] <= {filled[app_conn] ? head : app_cell, app_cell};
		else if (state == TAKE) ends[take_conn] <= {after, tail};
	end
	always_ff @(posedge clk) begin
		if (state == APPEND && filled[app_conn]) succ[tail] <= app_cell;
		after <= succ[head];
	end
	always_ff @(posedge clk) begin
		if (state == APPEND) range[app_cell] <= {app_off, app_len};
		{take_off, take_len} <= range[head];
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			state <= IDLE;
			filled <= '0;
		end else case (state)
			IDLE: if (take_valid) state <= FIND; else if (app_valid) state <= APPEND;
			APPEND: begin
				filled[app_conn] <= 1'b1;
				state <= IDLE;
			end
			FIND: state <= TAKE;
			default: begin
				if (head == tail) filled[take_conn] <= 1'b0;
				state <= IDLE;
			end
		endcase
	end
endmodule
