// SPDX-License-Identifier: BSD-2-Clause
// weft_log_ram: the 4 KiB log ring: written and read by the core, read by the host.
// Latency: one cycle for both reads. Throughput: one access per cycle and port. No back-pressure.
module weft_log_ram (
	input  logic        clk,
	input  logic        we,
	input  logic [3:0]  be,
	input  logic [9:0]  addr,
	input  logic [31:0] wdata,
	output logic [31:0] rdata,
	input  logic [9:0]  host_addr,
	output logic [31:0] host_rdata
);
	logic [31:0] mem [0:1023];
	always_ff @(posedge clk) begin
		if (we && be[0]) mem[addr][7:0] <= wdata[7:0];
		if (we && be[1]) mem[addr][15:8] <= wdata[15:8];
		if (we && be[2]) mem[addr][23:16] <= wdata[23:16];
		if (we && be[3]) mem[addr][31:24] <= wdata[31:24];
		rdata <= mem[addr];
		host_rdata <= mem[host_addr];
	end
endmodule
