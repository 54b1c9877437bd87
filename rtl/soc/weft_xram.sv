// SPDX-License-Identifier: BSD-2-Clause
// SRAM shared by the soft core (port A, 32 bits) and the engines (port B, whole beats, fixed priority by client number).
// Latency: core read data the next cycle; an engine's x_rvalid the cycle after its grant. Throughput: one access per port and cycle.
// Back-pressure: x_gnt goes to the lowest-numbered client that asks.
module weft_xram #(
	parameter int unsigned N = 4,
	parameter int unsigned BEATS = 49152
) (
	input  logic             clk,
	input  logic             rst,
	input  logic             c_en,
	input  logic [3:0]       c_we,
	input  logic [19:0]      c_addr,  // bytes
	input  logic [31:0]      c_wdata,
	output logic [31:0]      c_rdata,
	input  logic [N-1:0]     x_req,
	input  logic [N-1:0]     x_we,
	input  logic [N*16-1:0]  x_addr,
	input  logic [N*128-1:0] x_wdata,
	input  logic [N*16-1:0]  x_be,
	output logic [N-1:0]     x_gnt,
	output logic [N-1:0]     x_rvalid,
	output logic [127:0]     x_rdata
);
	logic         b_en, found;
	logic [15:0]  b_we, b_addr;
	logic [127:0] b_wdata, a_rdata;
	logic [1:0]   lane_q;

	always_comb begin
		x_gnt = '0;
		found = 1'b0;
		b_we = '0;
		b_addr = '0;
		b_wdata = '0;
		for (int unsigned i = 0; i < N; i++)
			if (x_req[i] && !found) begin
				found = 1'b1;
				x_gnt[i] = 1'b1;
				b_we = x_we[i] ? x_be[i*16 +: 16] : '0;
				b_addr = x_addr[i*16 +: 16];
				b_wdata = x_wdata[i*128 +: 128];
			end
	end
	// beyond the end nothing is written and reads give old data: a wild address must not alias into a slot
	assign b_en = found && 32'(b_addr) < BEATS;

	always_ff @(posedge clk) begin
		if (rst) x_rvalid <= '0;
		else x_rvalid <= x_gnt & ~x_we;
		if (c_en) lane_q <= c_addr[3:2];
	end

	logic a_ok;
	assign a_ok = 32'(c_addr[19:4]) < BEATS;
	weft_ram_tdp #(.WIDTH(128), .DEPTH(BEATS)) u_ram (
		.clk,
		.a_en(c_en && a_ok), .a_we({12'd0, c_we} << {c_addr[3:2], 2'b00}), .a_addr(c_addr[$clog2(BEATS)+3:4]), .a_wdata({4{c_wdata}}), .a_rdata,
		.b_en, .b_we, .b_addr(b_addr[$clog2(BEATS)-1:0]), .b_wdata, .b_rdata(x_rdata)
	);
	assign c_rdata = a_rdata[{lane_q, 5'd0} +: 32];
	logic unused;
	assign unused = &{1'b0, c_addr[1:0]};
endmodule
