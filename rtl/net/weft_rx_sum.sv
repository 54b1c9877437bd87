// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_sum: one's complement sums of a frame's IPv4 header and of its TCP segment with the addresses of the pseudo header.
// beat is the number of the beat in its frame, 3 for all later ones; the header length comes from beat 0, the total length
// from beat 1. Bytes past the total length (padding) do not count. Protocol and length of the pseudo header are not in tcp_sum.
// Latency: the sums stand in the second cycle after the last beat, for one cycle at least. Throughput: one beat per cycle, also
// from frame to frame. Back-pressure: none.
module weft_rx_sum (
	input  logic         clk,
	input  logic         valid,
	input  logic [127:0] data,
	input  logic [1:0]   beat,
	output logic [20:0]  ip_sum,
	output logic [28:0]  tcp_sum
);
	logic [16:0] ip_left; // header bytes from the start of this beat on
	logic [16:0] all_left; // datagram bytes from the start of this beat on; bit 16: none
	logic [15:0] ip_en;
	logic [15:0] tcp_en;
	logic [18:0] ip_part;
	logic [18:0] tcp_part;
	logic [18:0] s_ip;
	logic [18:0] s_tcp;
	logic        s_valid;
	logic        s_first;

	always_comb begin
		for (int i = 0; i < 16; i++) begin
			ip_en[i] = beat == 2'd0 ? i >= 14 : !ip_left[16] && 17'(i) < ip_left;
			if (beat == 2'd0) tcp_en[i] = 1'b0;
			else if (beat == 2'd1) tcp_en[i] = i >= 10; // source address, first half of destination
			else tcp_en[i] = (beat == 2'd2 && i < 2) || (!ip_en[i] && !all_left[16] && 17'(i) < all_left); // its second half
		end
		ip_part = '0;
		tcp_part = '0;
		for (int i = 0; i < 8; i++) begin
			ip_part = ip_part + {3'd0, ip_en[2*i] ? data[16*i +: 8] : 8'd0, ip_en[2*i+1] ? data[16*i+8 +: 8] : 8'd0};
			tcp_part = tcp_part + {3'd0, tcp_en[2*i] ? data[16*i +: 8] : 8'd0, tcp_en[2*i+1] ? data[16*i+8 +: 8] : 8'd0};
		end
	end

	always_ff @(posedge clk) begin
		s_valid <= valid;
		if (valid) begin
			s_first <= beat == 2'd0;
			s_ip <= ip_part;
			s_tcp <= tcp_part;
			if (beat == 2'd0) ip_left <= {11'd0, data[115:112], 2'b00} - 17'd2;
			else ip_left <= ip_left[16] ? ip_left : ip_left - 17'd16;
			if (beat == 2'd1) all_left <= {1'b0, data[7:0], data[15:8]} - 17'd18;
			else all_left <= all_left[16] ? all_left : all_left - 17'd16;
		end
		if (s_valid) begin
			ip_sum <= (s_first ? 21'd0 : ip_sum) + {2'd0, s_ip};
			tcp_sum <= (s_first ? 29'd0 : tcp_sum) + {10'd0, s_tcp};
		end
	end
endmodule
