// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_hdrmem: collected PDU headers, 256 bytes per connection, in 16 byte-wide lanes so that a beat lands at any offset.
// Two read it through one port: the core word by word, and the engine, which places a header: 16 bytes from byte 8 + 16 * p_beat on.
// Latency: read one cycle. Throughput: one beat written and one word or one beat read per cycle. Back-pressure: r_gnt is low while the
// engine reads.
module weft_rx_hdrmem (
	input  logic         clk,
	input  logic         w_en,
	input  logic [6:0]   w_conn,
	input  logic [7:0]   w_off,
	input  logic [4:0]   w_cnt,
	input  logic [127:0] w_data,
	input  logic [6:0]   r_conn,
	input  logic [5:0]   r_word,
	output logic         r_gnt,
	output logic [31:0]  r_data,
	input  logic         p_en,
	input  logic [6:0]   p_conn,
	input  logic [2:0]   p_beat,
	output logic [127:0] p_data
);
	logic [255:0] turned;
	logic [31:0]  hit; // bytes written, from the start of the first line on
	logic [127:0] lanes;
	logic [1:0]   lane_q;
	logic [10:0]  line, line_up; // read in lanes 15..8, in lanes 7..0

	assign turned = {128'd0, w_data} << {w_off[3:0], 3'd0};
	assign hit = ((32'd1 << w_cnt) - 32'd1) << w_off[3:0];
	assign r_gnt = !p_en;
	assign line = p_en ? {p_conn, 1'b0, p_beat} : {r_conn, r_word[5:2]};
	assign line_up = p_en ? {p_conn, {1'b0, p_beat} + 4'd1} : {r_conn, r_word[5:2]};
	generate
		for (genvar i = 0; i < 16; i++) begin : g_lane
			logic [7:0] mem [0:2047];
			logic       upper; // this lane's byte is in the second line
			assign upper = 5'(i) < {1'b0, w_off[3:0]};
			always_ff @(posedge clk) begin
				if (w_en && (upper ? hit[16 + i] : hit[i]))
					mem[{w_conn, w_off[7:4] + {3'd0, upper}}] <= upper ? turned[128 + 8*i +: 8] : turned[8*i +: 8];
				lanes[8*i +: 8] <= mem[i < 8 ? line_up : line];
			end
		end
	endgenerate
	always_ff @(posedge clk) lane_q <= r_word[1:0];
	assign r_data = lanes[{lane_q, 5'd0} +: 32];
	assign p_data = {lanes[63:0], lanes[127:64]};
endmodule
