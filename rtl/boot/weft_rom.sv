// SPDX-License-Identifier: BSD-2-Clause
// Boot ROM in block RAM: one port for instructions, one for data. Its contents are ROM_FILE ($readmemh, 32-bit words), and then nothing can
// change them; without a file a loader writes them, as simulators do.
// Latency: read data the cycle after the request, held until the next of that port. Throughput: one access per port and cycle.
module weft_rom #(
	parameter ROM_FILE = "",
	localparam int unsigned WORDS = weft_eng_pkg::ROM_SIZE / 4,
	localparam int unsigned AW = $clog2(WORDS)
) (
	input  logic          clk,
	input  logic          i_en,
	input  logic [AW-1:0] i_addr,
	output logic [31:0]   i_rdata,
	input  logic          d_en,
	input  logic [AW-1:0] d_addr,
	output logic [31:0]   d_rdata,
	input  logic          load,
	input  logic [AW-1:0] load_addr,
	input  logic [31:0]   load_data
);
	(* ram_style = "block" *) logic [31:0] mem[WORDS];

	always_ff @(posedge clk) if (d_en) d_rdata <= mem[d_addr];

	if (ROM_FILE != "") begin : g_file
		initial $readmemh(ROM_FILE, mem);
		always_ff @(posedge clk) if (i_en) i_rdata <= mem[i_addr];

		logic unused;
		assign unused = &{1'b0, load, load_addr, load_data};
	end else begin : g_load
		logic [AW-1:0] addr;
		assign addr = load ? load_addr : i_addr;
		always_ff @(posedge clk) begin
			if (load) mem[addr] <= load_data;
			else if (i_en) i_rdata <= mem[addr];
		end
	end
endmodule
