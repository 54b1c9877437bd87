// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_fetch: reads len bytes of a frame from byte pos of a cell on, through the chain of cells, after going hops cells along it.
// Out come beats packed from byte 0; all but the last have 16 bytes. Bytes past cnt are not defined.
// Latency: four cycles from start to the first beat, five for one that needs a single beat of the buffer; three per hop. Throughput:
// one beat per cycle. Back-pressure: room low stops reading; up to four beats still come out.
// When the last beat is out, e_cell and e_pos say where the next byte is (from the cycle after on).
module weft_rx_fetch (
	input  logic         clk,
	input  logic         rst,
	input  logic         start,
	input  logic [9:0]   s_cell,
	input  logic [8:0]   s_pos,
	input  logic [6:0]   s_hops,
	input  logic [15:0]  s_len, // 1 and up
	input  logic         room,
	output logic         pk_req,
	output logic [9:0]   pk_cell,
	output logic [4:0]   pk_beat,
	input  logic [127:0] pk_rdata,
	input  logic [9:0]   pk_next,
	output logic         ob_valid,
	output logic [127:0] ob_data,
	output logic [4:0]   ob_cnt,
	output logic         ob_last,
	output logic [9:0]   e_cell,
	output logic [8:0]   e_pos
);
	logic [6:0]  hops;
	logic        seek; // a read for the way along the chain is under way
	logic [9:0]  cell_no;
	logic [4:0]  beat;
	logic [12:0] left; // beats of the buffer to read
	logic [3:0]  sh;
	logic [15:0] bytes; // to come out
	logic        extra; // the last beat read gives two beats
	logic        turn; // the next cell is not known yet
	logic        next_v;
	logic [9:0]  next_cell;
	logic        epoch; // changes with the cell, so that late answers are told apart
	logic        first;
	logic        read;
	logic        wrap;
	logic        got;
	logic [16:0] s_end;
	logic [15:0] s_round;

	assign s_end = {13'd0, s_pos[3:0]} + {1'b0, s_len} + 17'd15;
	assign s_round = s_len + 16'd15;
	assign read = left != 13'd0 && hops == 7'd0 && !turn && room;
	assign wrap = read && beat == 5'd31 && (left != 13'd1 || e_pos == 9'd0);
	assign pk_req = read || (hops != 7'd0 && !seek);
	assign pk_cell = cell_no;
	assign pk_beat = beat;
	assign e_cell = cell_no;

	// ---- answers come two cycles later ----
	logic [1:0] r_valid, r_first, r_last, r_epoch, r_seek;
	logic [127:0] prev;
	logic         flush;
	logic [255:0] pair;
	logic [127:0] upper;
	logic [127:0] joined;
	logic         out;
	assign got = r_valid[1];
	assign pair = flush ? {128'd0, prev} : {pk_rdata, prev};
	assign {upper, joined} = pair >> {sh, 3'd0};
	assign out = (got && !r_first[1]) || flush;

	always_ff @(posedge clk) begin
		if (rst) begin
			hops <= '0;
			seek <= 1'b0;
			left <= '0;
			turn <= 1'b0;
			next_v <= 1'b0;
			r_valid <= '0;
			r_seek <= '0;
			flush <= 1'b0;
			ob_valid <= 1'b0;
		end else begin
			r_valid <= {r_valid[0], read};
			r_seek <= {r_seek[0], pk_req && !read};
			flush <= got && r_last[1] && extra;
			ob_valid <= out;
			if (start) begin
				hops <= s_hops;
				left <= s_end[16:4];
				next_v <= 1'b0;
			end else begin
				if (pk_req && !read) seek <= 1'b1;
				if (r_seek[1]) begin
					seek <= 1'b0;
					hops <= hops - 7'd1;
				end
				if (read) left <= left - 13'd1;
				if (wrap && !next_v) turn <= 1'b1;
				if ((wrap || turn) && next_v) begin
					turn <= 1'b0;
					next_v <= 1'b0;
				end else if (got && r_epoch[1] == epoch) next_v <= 1'b1;
			end
		end
		r_first <= {r_first[0], first};
		r_last <= {r_last[0], left == 13'd1};
		r_epoch <= {r_epoch[0], epoch};
		if (start) begin
			cell_no <= s_cell;
			beat <= s_pos[8:4];
			sh <= s_pos[3:0];
			e_pos <= s_pos + s_len[8:0];
			bytes <= s_len;
			extra <= s_end[16:4] == {1'b0, s_round[15:4]};
			first <= 1'b1;
			epoch <= !epoch;
		end else begin
			if (r_seek[1]) cell_no <= pk_next;
			if (read) begin
				first <= 1'b0;
				beat <= beat + 5'd1;
			end
			if ((wrap || turn) && next_v) begin
				cell_no <= next_cell;
				epoch <= !epoch;
			end
			if (out) bytes <= bytes - {11'd0, bytes < 16'd16 ? bytes[4:0] : 5'd16};
		end
		if (got) begin
			prev <= pk_rdata;
			next_cell <= pk_next;
		end
		ob_data <= joined;
		ob_cnt <= bytes < 16'd16 ? bytes[4:0] : 5'd16;
		ob_last <= bytes <= 16'd16;
	end
	logic unused;
	assign unused = &{1'b0, s_end, s_round, upper};
endmodule
