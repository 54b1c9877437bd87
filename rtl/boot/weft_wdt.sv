// SPDX-License-Identifier: BSD-2-Clause
// Watchdog on device time: fire rises when ms milliseconds have passed since the last set. set with 0 turns it off.
// Latency: armed two cycles after set, fire the cycle after the deadline. busy meanwhile, so that nobody believes there is no timer.
module weft_wdt (
	input  logic        clk,
	input  logic        rst, // off
	input  logic [63:0] time_ns,
	input  logic        set,
	input  logic [31:0] ms,
	output logic [31:0] value, // as set; 0: off
	output logic [63:0] deadline_ns, // all ones: none
	output logic        fire,
	output logic        busy
);
	localparam logic [51:0] NS_PER_MS = 52'd1_000_000;
	logic        product, load;
	logic [51:0] len;

	assign busy = product || load;

	always_ff @(posedge clk) begin
		len <= {20'd0, value} * NS_PER_MS;
		if (rst) begin
			value <= 32'd0;
			product <= 1'b0;
			load <= 1'b0;
			deadline_ns <= '1;
			fire <= 1'b0;
		end else begin
			product <= set;
			load <= product;
			if (load && value != 32'd0) deadline_ns <= time_ns + {12'd0, len};
			if (set) begin
				value <= ms;
				deadline_ns <= '1;
			end
			fire <= !set && time_ns >= deadline_ns;
		end
	end
endmodule
