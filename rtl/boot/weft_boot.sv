// SPDX-License-Identifier: BSD-2-Clause
// weft_boot: what boot needs beside the ROM: SPI flash port, watchdog, the hardware configuration's words, arguments from ROM to firmware.
// MMIO 0x300..0x37f of the core.
// Latency: grant at once, answer in the next cycle. Back-pressure: the flash port's registers wait for the end of the shift, SPI_RX4 for its
// own; selecting the flash anew waits until it was deselected for SELECT_GAP cycles.
// hold (the core stands still) gives flash and watchdog up: what they were used for is over. WDT_FIRED and BOOT_ARG outlive it.
module weft_boot #(
	parameter int unsigned SPI_DIV = 3 // DIV at reset
) (
	input  logic         clk,
	input  logic         rst, // power-up, or the shell's reset
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
	output logic         wdt_reset, // wants the reset sequence
	output logic [63:0]  deadline_ns,
	output logic         busy
);
	localparam logic [3:0] SELECT_GAP = 4'd15; // 60 ns at 250 MHz; flashes ask for 50

	logic off;
	assign off = rst || soft_rst || hold;

	// --- decode ---
	logic [31:0] a;
	logic at_ctrl, at_tx, at_rx, at_rx4, wr;
	assign a = {20'd0, cb_addr[11:2], 2'd0};
	assign at_ctrl = a == weft_eng_pkg::SPI_CTRL;
	assign at_tx = a == weft_eng_pkg::SPI_TX;
	assign at_rx = a == weft_eng_pkg::SPI_RX;
	assign at_rx4 = a == weft_eng_pkg::SPI_RX4 && !cb_we;
	assign wr = cb_gnt && cb_we;

	// --- flash port ---
	logic        cs, spi_busy, start, fetched, blocked;
	logic [7:0]  div;
	logic [3:0]  gap;
	logic [31:0] rx;
	weft_spi u_spi (.clk, .rst(off), .div, .start, .four(at_rx4), .tx(cb_wdata[7:0]), .busy(spi_busy), .rx, .spi_sck, .spi_mosi, .spi_miso);
	assign spi_cs_n = !cs;
	assign start = cb_req && !spi_busy && ((at_tx && cb_we) || (at_rx4 && !fetched));
	assign blocked = ((at_ctrl || at_tx || at_rx || at_rx4) && spi_busy) || (at_rx4 && !fetched) ||
			 (at_ctrl && cb_we && cb_wdata[0] && !cs && gap != 4'd0);
	assign cb_gnt = cb_req && !blocked;
	always_ff @(posedge clk) begin
		if (off) begin
			cs <= 1'b0;
			div <= SPI_DIV[7:0];
			fetched <= 1'b0;
			gap <= SELECT_GAP;
		end else begin
			if (cs) gap <= SELECT_GAP;
			else if (gap != 4'd0) gap <= gap - 4'd1;
			if (wr && at_ctrl) begin
				cs <= cb_wdata[0];
				div <= cb_wdata[15:8];
			end
			// the four bytes of this access are under way or here
			if (at_rx4) fetched <= cb_req && !cb_gnt && (start || fetched);
		end
	end

	// --- watchdog ---
	logic [31:0] wdt_ms;
	logic        wdt_busy, fired, ours;
	weft_wdt u_wdt (
		.clk, .rst(off), .time_ns, .set(wr && a == weft_eng_pkg::WDT), .ms(cb_wdata),
		.value(wdt_ms), .deadline_ns, .fire(wdt_reset), .busy(wdt_busy)
	);
	// ours: the reset that is under way is the watchdog's
	always_ff @(posedge clk) begin
		if (rst) begin
			fired <= 1'b0;
			ours <= 1'b0;
		end else begin
			if (soft_rst) fired <= ours;
			else if (wr && a == weft_eng_pkg::BOOT_STATUS && cb_wdata[1]) fired <= 1'b0;
			if (wdt_reset) ours <= 1'b1;
			else if (!hold) ours <= 1'b0;
		end
	end
	assign busy = spi_busy || wdt_busy || wdt_reset;

	// --- arguments: no reset, they start with the configuration's zeroes ---
	logic [127:0] arg;
	logic         at_arg, at_key;
	initial arg = '0;
	assign at_arg = a >= weft_eng_pkg::BOOT_ARG0 && a <= weft_eng_pkg::BOOT_ARG3;
	assign at_key = a >= weft_eng_pkg::KEY_HASH0 && a <= weft_eng_pkg::KEY_HASH7;
	always_ff @(posedge clk) if (wr && at_arg) arg[{cb_addr[3:2], 5'd0} +: 32] <= cb_wdata;

	// --- reads ---
	logic [31:0] value;
	always_comb begin
		case (a)
		weft_eng_pkg::SPI_CTRL:    value = {16'd0, div, 7'd0, cs};
		weft_eng_pkg::SPI_RX:      value = {24'd0, rx[7:0]};
		weft_eng_pkg::SPI_RX4:     value = {rx[7:0], rx[15:8], rx[23:16], rx[31:24]};
		weft_eng_pkg::BOOT_STATUS: value = {30'd0, fired, boot_rom};
		weft_eng_pkg::WDT:         value = wdt_ms;
		weft_eng_pkg::BOARD_ID:    value = board_id;
		default:                   value = at_arg ? arg[{cb_addr[3:2], 5'd0} +: 32] : at_key ? key_hash[{cb_addr[4:2], 5'd0} +: 32] : 32'd0;
		endcase
	end
	always_ff @(posedge clk) begin
		cb_rvalid <= cb_gnt && !rst && !soft_rst;
		if (cb_gnt) cb_rdata <= value;
	end

	logic unused;
	assign unused = &{1'b0, cb_addr[31:12], cb_addr[1:0]};
endmodule
