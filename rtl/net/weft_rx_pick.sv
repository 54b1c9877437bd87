// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_pick: picks a set bit of 128, in turn among eight groups of 16 and in turn within each group: a bit that stays set is picked
// after at most 128 others.
// Latency: two cycles from a bit to its number. Throughput: one pick in two cycles.
// Back-pressure: a pick stands until take. It may be stale by then: the taker looks at the bit again.
module weft_rx_pick (
	input  logic         clk,
	input  logic         rst,
	input  logic [127:0] bits,
	output logic         valid,
	output logic [6:0]   index,
	input  logic         take
);
	logic [7:0]  any;
	logic [2:0]  last; // group of the last pick
	logic [2:0]  group;
	logic        found;
	logic [15:0] word;
	logic [15:0] above; // those behind the group's last pick
	logic [3:0]  low;
	logic [31:0] past; // per group: its last pick
	logic        stage;
	logic [2:0]  stage_group;

	always_comb begin
		for (int i = 0; i < 8; i++) any[i] = bits[i*16 +: 16] != 16'd0;
		group = last;
		found = 1'b0;
		for (int i = 8; i > 0; i--)
			if (any[3'(last + 3'(i))]) begin
				group = last + 3'(i);
				found = 1'b1;
			end
		word = bits[{stage_group, 4'd0} +: 16];
		above = word & (16'hfffe << past[{stage_group, 2'd0} +: 4]);
		low = 4'd0;
		for (int i = 15; i >= 0; i--) if (above == 16'd0 ? word[i] : above[i]) low = 4'(i);
	end

	always_ff @(posedge clk) begin
		if (rst) begin
			valid <= 1'b0;
			stage <= 1'b0;
			last <= 3'd0;
			past <= '0;
		end else begin
			if (valid) begin
				valid <= !take;
				stage <= 1'b0;
			end else if (stage) begin
				valid <= word != 16'd0;
				stage <= 1'b0;
			end else stage <= found;
			if (!stage) stage_group <= group;
			if (stage && !valid) last <= stage_group;
			if (stage && !valid && word != 16'd0) past[{stage_group, 2'd0} +: 4] <= low;
			if (stage) index <= {stage_group, low};
		end
	end
endmodule
