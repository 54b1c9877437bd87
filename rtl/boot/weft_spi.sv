// SPDX-License-Identifier: BSD-2-Clause
// SPI master of mode 0, most significant bit first: shifts one byte, or four zero bytes, out while as many come in.
// The clock is clk / (2 * (div + 1)) and stands low between bytes. mosi changes with its falling edge, miso is taken with its rising edge.
// Latency: 16 * (div + 1) cycles a byte. Throughput: one byte, then two cycles. Back-pressure: start only while !busy.
module weft_spi (
	input  logic        clk,
	input  logic        rst,
	input  logic [7:0]  div,
	input  logic        start,
	input  logic        four, // with start: 32 zero bits in place of tx
	input  logic [7:0]  tx,
	output logic        busy,
	output logic [31:0] rx, // what came in, the last byte in bits 7:0
	output logic        spi_sck,
	output logic        spi_mosi,
	input  logic        spi_miso
);
	logic [5:0] left; // bits whose falling edge is to come
	logic [7:0] out, half;

	assign busy = left != 6'd0;
	assign spi_mosi = out[7];

	always_ff @(posedge clk) begin
		if (rst) begin
			left <= 6'd0;
			half <= 8'd0;
			out <= 8'd0;
			spi_sck <= 1'b0;
		end else if (!busy) begin
			if (start) begin
				left <= four ? 6'd32 : 6'd8;
				half <= div;
				out <= four ? 8'd0 : tx;
			end
		end else if (half != 8'd0) begin
			half <= half - 8'd1;
		end else begin
			half <= div;
			spi_sck <= !spi_sck;
			if (spi_sck) begin
				out <= {out[6:0], 1'b0};
				left <= left - 6'd1;
			end else begin
				rx <= {rx[30:0], spi_miso};
			end
		end
	end
endmodule
