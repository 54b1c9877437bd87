// SPDX-License-Identifier: BSD-2-Clause
// Time registers, compare timer and the event queue's registers: MMIO 0x000..0x00f, 0x03c, 0x040..0x04f of the core.
// Latency: read data the cycle after the request. Throughput: one access per cycle. Back-pressure: none.
module weft_timer (
	input  logic        clk,
	input  logic        rst,
	input  logic        req,
	input  logic        we,
	input  logic [11:0] addr,
	input  logic [31:0] wdata,
	output logic [31:0] rdata,
	input  logic [63:0] time_ns,
	output logic [63:0] timer_ns,
	output logic        timer_due,
	input  logic        ev_valid,
	input  logic [95:0] ev_head,
	output logic        ev_pop
);
	logic [31:0] time_hi_q, timer_lo_q;

	assign ev_pop = req && we && addr == weft_eng_pkg::EVQ_POP[11:0] && ev_valid;

	always_ff @(posedge clk) begin
		if (req && !we) begin
			case (addr)
				weft_eng_pkg::TIME_LO[11:0]:  rdata <= time_ns[31:0];
				weft_eng_pkg::TIME_HI[11:0]:  rdata <= time_hi_q;
				weft_eng_pkg::TIMER_LO[11:0]: rdata <= timer_ns[31:0];
				weft_eng_pkg::TIMER_HI[11:0]: rdata <= timer_ns[63:32];
				weft_eng_pkg::EVQ_W0[11:0]:   rdata <= ev_valid ? ev_head[31:0] : 32'd0;
				weft_eng_pkg::EVQ_W1[11:0]:   rdata <= ev_head[63:32];
				weft_eng_pkg::EVQ_W2[11:0]:   rdata <= ev_head[95:64];
				default:                      rdata <= 32'd0;
			endcase
		end
	end

	always_ff @(posedge clk) begin
		if (rst) begin
			time_hi_q <= '0;
			timer_lo_q <= '1;
			timer_ns <= '1;
			timer_due <= 1'b0;
		end else begin
			if (req && !we && addr == weft_eng_pkg::TIME_LO[11:0]) time_hi_q <= time_ns[63:32];
			if (req && we && addr == weft_eng_pkg::TIMER_LO[11:0]) timer_lo_q <= wdata;
			if (req && we && addr == weft_eng_pkg::TIMER_HI[11:0]) timer_ns <= {wdata, timer_lo_q};
			timer_due <= time_ns >= timer_ns;
		end
	end

`ifndef SYNTHESIS
	always_ff @(posedge clk)
		if (!rst && req && we && addr == weft_eng_pkg::SIM_PUTC[11:0]) $write("%c", wdata[7:0]);
`endif
endmodule
