// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_hdrmem: collected PDU headers, 256 bytes per connection, in 16 byte-wide lanes so that a beat lands at any offset.
// Latency: read one cycle. Throughput: one beat written and one word read per cycle. Back-pressure: none.
module weft_rx_hdrmem (
	input  logic         clk,
	input  logic         w_en,
	input  logic [6:0]   w_conn,
	input  logic [7:0]   w_off,
	input  logic [4:0]   w_cnt,
	input  logic [127:0] w_data,
	input  logic [6:0]   r_conn,
	input  logic [5:0]   r_word,
	output logic [31:0]  r_data
);
	logic [255:0] turned;
	logic [31:0]  hit; // bytes written, from the start of the first line on
	logic [127:0] lanes;
	logic [1:0]   lane_q;

	assign turned = {128'd0, w_data} << {w_off[3:0], 3'd0};
	assign hit = ((32'd1 << w_cnt) - 32'd1) << w_off[3:0];
	generate
		for (genvar i = 0; i < 16; i++) begin : g_lane
			logic [7:0] mem [0:2047];
			logic       upper; // this lane's byte is in the second line
			assign upper = 5'(i) < {1'b0, w_off[3:0]};
			always_ff @(posedge clk) begin
				if (w_en && (upper ? hit[16 + i] : hit[i]))
					mem[{w_conn, w_off[7:4] + {3'd0, upper}}] <= upper ? turned[128 + 8*i +: 8] : turned[8*i +: 8];
				lanes[8*i +: 8] <= mem[{r_conn, r_word[5:2]}];
			end
		end
	endgenerate
	always_ff @(posedge clk) lane_q <= r_word[1:0];
	assign r_data = lanes[{lane_q, 5'd0} +: 32];
endmodule
