// SPDX-License-Identifier: BSD-2-Clause
// weft_crc32c: CRC32C (Castagnoli, reflected) of 0..16 bytes in one step; with another POLY (reflected) the CRC of that polynomial.
// Start with 32'hffffffff; the digest on the wire is the inverse of the last crc_out, low byte first. Bytes at and above cnt are ignored.
// Latency: combinational. Throughput: one beat per cycle. Back-pressure: none, it holds no state.
//
// A CRC that starts at zero does not see leading zero bytes. So the beat is moved to the end of a 16-byte window, the running crc is
// added to its first four bytes (what hangs out of the window passes straight to the result), and the window goes through one
// constant XOR matrix, whatever cnt is.
module weft_crc32c #(
	parameter logic [31:0] POLY = 32'h82f63b78 // CRC32C; edb88320 is that of Ethernet and Fibre Channel
) (
	input  logic [31:0]  crc_in,
	input  logic [127:0] data,
	input  logic [4:0]   cnt,
	output logic [31:0]  crc_out
);
	// rows(): bit i of row b says whether bit i of the window (byte 0 first, low bit first) toggles bit b of the crc.
	function automatic logic [4095:0] rows(input logic unused_in);
		logic [31:0] col;
		rows = {4096{unused_in}};
		col = POLY;
		for (int i = 127; i >= 0; i = i - 1) begin
			for (int b = 0; b < 32; b = b + 1)
				rows[b * 128 + i] = col[b];
			col = {1'b0, col[31:1]} ^ (col[0] ? POLY : 32'h0);
		end
	endfunction
	localparam logic [4095:0] ROWS = rows(1'b0);

	logic [127:0] masked;
	logic [159:0] window;
	logic [4:0]   gap;
	assign gap = 5'd16 - cnt;

	always_comb begin
		for (int i = 0; i < 16; i = i + 1)
			masked[i*8 +: 8] = 5'(i) < cnt ? data[i*8 +: 8] : 8'd0;
		window = {32'd0, masked ^ {96'd0, crc_in}};
		// with fewer than four bytes the crc reaches beyond the data, which the mask above does not touch
		window = window << {gap, 3'b000};
		for (int b = 0; b < 32; b = b + 1)
			crc_out[b] = ^(window[127:0] & ROWS[b*128 +: 128]) ^ window[128 + b];
	end
endmodule
