// SPDX-License-Identifier: BSD-2-Clause
// Two-port RAM with byte enables, for block RAM or UltraRAM.
// Latency: read data the cycle after the request, held until the next read of that port. Throughput: one access per port and cycle.
// Back-pressure: none. A port's own write leaves its read data as it was (no-change mode). The same word written by one port
// while the other reads it gives the old word.
module weft_ram_tdp #(
	parameter int unsigned WIDTH = 128,
	parameter int unsigned DEPTH = 1024,
	localparam int unsigned AW = $clog2(DEPTH),
	localparam int unsigned BW = WIDTH / 8
) (
	input  logic             clk,
	input  logic             a_en,
	input  logic [BW-1:0]    a_we,
	input  logic [AW-1:0]    a_addr,
	input  logic [WIDTH-1:0] a_wdata,
	output logic [WIDTH-1:0] a_rdata,
	input  logic             b_en,
	input  logic [BW-1:0]    b_we,
	input  logic [AW-1:0]    b_addr,
	input  logic [WIDTH-1:0] b_wdata,
	output logic [WIDTH-1:0] b_rdata
);
	logic [WIDTH-1:0] mem[DEPTH];

	always_ff @(posedge clk) begin
		if (a_en) begin
			if (a_we == '0) a_rdata <= mem[a_addr];
			for (int unsigned i = 0; i < BW; i++)
				if (a_we[i]) mem[a_addr][i*8 +: 8] <= a_wdata[i*8 +: 8];
		end
	end

	always_ff @(posedge clk) begin
		if (b_en) begin
			if (b_we == '0) b_rdata <= mem[b_addr];
			for (int unsigned i = 0; i < BW; i++)
				if (b_we[i]) mem[b_addr][i*8 +: 8] <= b_wdata[i*8 +: 8];
		end
	end

`ifndef SYNTHESIS
	initial if (WIDTH % 8 != 0 || (1 << AW) < DEPTH) $fatal(1, "weft_ram_tdp: WIDTH %0d, DEPTH %0d", WIDTH, DEPTH);
`endif
endmodule
