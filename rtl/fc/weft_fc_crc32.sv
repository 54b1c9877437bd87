// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_crc32: the CRC-32 of IEEE 802.3 and Fibre Channel (reflected, EDB88320h) of 1..4 words in one step.
// Start with 32'hffffffff; the CRC on the wire is the inverse of the last crc_out, low byte first. Words at and above cnt are ignored.
// Latency: combinational. Throughput: one beat per cycle. Back-pressure: none, it holds no state.
//
// A CRC that starts at zero does not see leading zero bytes. So the running crc is added to the first word, the words are moved to
// the end of a 16-byte window, and the window goes through one constant XOR matrix, whatever cnt is.
module weft_fc_crc32 (
	input  logic [31:0]  crc_in,
	input  logic [127:0] data,
	input  logic [2:0]   cnt,
	output logic [31:0]  crc_out
);
	// rows(): bit i of row b says whether bit i of the window (byte 0 first, low bit first) toggles bit b of the crc.
	function automatic logic [4095:0] rows(input logic unused_in);
		logic [31:0] col;
		rows = {4096{unused_in}};
		col = 32'hedb88320;
		for (int i = 127; i >= 0; i = i - 1) begin
			for (int b = 0; b < 32; b = b + 1)
				rows[b * 128 + i] = col[b];
			col = {1'b0, col[31:1]} ^ (col[0] ? 32'hedb88320 : 32'h0);
		end
	endfunction
	localparam logic [4095:0] ROWS = rows(1'b0);

	logic [127:0] start, window;
	always_comb begin
		start = data ^ {96'd0, crc_in};
		case (cnt)
		3'd1: window = {start[31:0], 96'd0};
		3'd2: window = {start[63:0], 64'd0};
		3'd3: window = {start[95:0], 32'd0};
		default: window = start;
		endcase
		for (int b = 0; b < 32; b = b + 1)
			crc_out[b] = ^(window & ROWS[b*128 +: 128]);
	end
endmodule
