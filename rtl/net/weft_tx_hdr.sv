// SPDX-License-Identifier: BSD-2-Clause
// weft_tx_hdr: header builder. Takes jobs in order; makes the 54 or 66 header bytes from the connection's template (lengths, identification,
// checksums, seq, ack, PSH, window, timestamps), writes them before the payload and queues the frame. RAW jobs get the checksums asked for,
// where the frame is long enough to hold them. Ack, edge and ts_recent are read when the header is built, all three at once.
// A pure acknowledgement carries the end of the newest data sent on its connection (not of retransmissions), or the template's own seq
// as long as no data went out since TX_KILL 0. One that hardware asked for and that would only repeat what the last segment of its
// connection said (a data segment went out meanwhile) would look like a duplicate to the peer: its frame has length 0, nothing leaves.
// Latency: 17 cycles from job to frame (RAW 8). Throughput: one job in that time. Back-pressure: job_pop; the writes have priority
// over the assembler's, which must stand still in a cycle with w_en.
module weft_tx_hdr (
	input  logic         clk,
	input  logic         rst,
	input  logic [63:0]  time_ns,
	input  logic         job_valid,
	input  weft_tx_pkg::job_t job,
	output logic         job_pop,
	output logic         idle,
	input  logic         allow_valid,
	input  logic [6:0]   allow_conn,
	// connection context, answer the cycle after; c_use: the port is taken in this cycle
	output logic         c_use,
	output logic [9:0]   c_addr,
	input  logic [127:0] c_rdata,
	output logic [6:0]   txq_conn,
	input  logic [31:0]  txq_rcv_nxt,
	input  logic [31:0]  txq_ts_recent,
	input  logic [31:0]  txq_edge,
	// frame buffer
	output logic         w_en,
	output logic [weft_tx_pkg::RING_AW-1:0] w_addr,
	output logic [127:0] w_data,
	output logic [15:0]  w_be,
	output logic         fr_valid,
	output weft_tx_pkg::frame_t fr,
	// what left
	output logic         sent_valid,
	output logic [6:0]   sent_conn,
	output logic [31:0]  sent_ack,
	output logic [31:0]  sent_edge,
	output logic [31:0]  sent_end,
	output logic         sent_data,
	output logic         cnt_acks
);
	localparam logic [4:0] IDLE = 5'd0, CTX = 5'd1, FLAGS = 5'd2, PSEUDO = 5'd3, T0 = 5'd4, T1 = 5'd5, T2 = 5'd6, T3 = 5'd7, T4 = 5'd8, ADD = 5'd9,
		FOLD1 = 5'd10, FOLD2 = 5'd11, WR0 = 5'd12, WR1 = 5'd13, WR3 = 5'd15, WR4 = 5'd16;
	logic [4:0]  step;
	weft_tx_pkg::job_t j;
	logic        raw, is_ack, ts;
	logic [3:0]  scale;
	logic [31:0] ack, edge_q, ts_recent, ts_val, diff, shifted, seq, seq_used;
	logic [15:0] window, ident, ip_len, tcp_len;

	function automatic logic [15:0] swap16(input logic [15:0] v);
		swap16 = {v[7:0], v[15:8]};
	endfunction
	function automatic logic [31:0] swap32(input logic [31:0] v);
		swap32 = {v[7:0], v[15:8], v[23:16], v[31:24]};
	endfunction
	function automatic logic [16:0] fold(input logic [32:0] v);
		fold = {1'b0, v[15:0]} + {1'b0, v[31:16]} + {16'd0, v[32]};
	endfunction

	// newest sequence number per connection
	logic [31:0]  ends [128];
	logic [127:0] known;
	logic [31:0]  known_end;
	logic         learn;
	assign learn = fr_valid && j.kind == weft_tx_pkg::JOB_DATA && !j.retx;
	always_ff @(posedge clk) begin
		if (learn) ends[j.conn] <= sent_end;
		known_end <= ends[j.conn];
	end
	always_ff @(posedge clk) begin
		if (allow_valid) known[allow_conn] <= 1'b0;
		if (learn) known[j.conn] <= 1'b1;
		if (rst) known <= '0;
	end

	// what the last segment of a connection acknowledged and advertised
	logic [47:0]  said [128];
	logic [127:0] has_said;
	logic [47:0]  said_q;
	logic         again;
	always_ff @(posedge clk) begin
		if (sent_valid) said[j.conn] <= {ack, window};
		said_q <= said[j.conn];
		if (step == ADD) again <= is_ack && j.hw && has_said[j.conn] && said_q == {ack, window};
		if (step == IDLE) again <= 1'b0;
	end
	always_ff @(posedge clk) begin
		if (allow_valid) has_said[allow_conn] <= 1'b0;
		if (sent_valid) has_said[j.conn] <= 1'b1;
		if (rst) has_said <= '0;
	end

	assign raw = j.kind == weft_tx_pkg::JOB_RAW;
	assign is_ack = j.kind == weft_tx_pkg::JOB_ACK;
	assign job_pop = step == IDLE && job_valid;
	assign idle = step == IDLE && !job_valid;
	assign c_use = step >= CTX && step <= T3;
	assign c_addr = {j.conn, step == CTX ? 3'd0 : step[2:0] - 3'd1}; // template: beats 2..6, asked for in steps 3..7
	assign txq_conn = j.conn;
	assign shifted = diff >> scale;
	assign tcp_len = {2'b00, j.len} + (ts ? 16'd32 : 16'd20);
	assign ip_len = tcp_len + 16'd20;
	// the template's seq serves an acknowledgement before any data
	assign seq_used = is_ack ? (known[j.conn] ? known_end : swap32(c_rdata[79:48])) : j.seq;

	// template beat with its fields filled in, checksums zero; add_*: its lanes that count
	logic [127:0] beat, hold;
	logic [127:0] h [5];
	logic [7:0]   tcp_lanes, ip_lanes, add_tcp, add_ip;
	logic [18:0]  tcp_add, ip_add;
	always_comb begin
		beat = c_rdata;
		tcp_lanes = 8'h00;
		ip_lanes = 8'h00;
		case (step)
		T0: ip_lanes = 8'h80;
		T1: begin
			beat[15:0] = swap16(ip_len);
			beat[31:16] = swap16(ident);
			beat[79:64] = 16'd0;
			tcp_lanes = 8'he0;
			ip_lanes = 8'hff;
		end
		T2: begin
			beat[79:48] = swap32(seq_used);
			beat[111:80] = swap32(ack);
			beat[123] = c_rdata[123] | j.psh;
			tcp_lanes = 8'hff;
			ip_lanes = 8'h01;
		end
		T3: begin
			beat[15:0] = swap16(window);
			beat[31:16] = 16'd0;
			tcp_lanes = ts ? 8'hff : 8'h07;
			if (ts) beat[111:80] = swap32(ts_val);
			if (ts) beat[127:112] = {ts_recent[23:16], ts_recent[31:24]};
		end
		T4: begin
			beat[15:0] = {ts_recent[7:0], ts_recent[15:8]};
			tcp_lanes = {7'd0, ts};
		end
		default: ;
		endcase
		tcp_add = '0;
		ip_add = '0;
		for (int i = 0; i < 8; i = i + 1) begin
			tcp_add = tcp_add + {3'd0, hold[i*16 +: 16] & {16{add_tcp[i]}}};
			ip_add = ip_add + {3'd0, hold[i*16 +: 16] & {16{add_ip[i]}}};
		end
	end

	logic [32:0] tcp_sum, ip_sum;
	logic [16:0] tcp_fold, ip_fold;
	logic [15:0] tcp_csum, ip_csum;

	// writes: beats 0..3 whole, or up to byte 54, or 66; RAW only the checksums in beats 1 and 3
	logic [1:0]  wr;
	logic        hdr_end;
	assign wr = 2'(step - WR0);
	assign w_en = raw ? (step == WR1 && j.ipcsum && j.len >= 14'd34 || step == WR3 && j.tcpcsum && j.len >= 14'd54)
		: (step >= WR0 && step <= WR3 || step == WR4);
	assign w_addr = j.base + (step == WR4 ? 11'd4 : {9'd0, wr});
	always_comb begin
		w_data = step == WR4 ? h[4] : h[{1'b0, wr}];
		w_be = 16'hffff;
		if (step == WR1) w_data[79:64] = ip_csum;
		if (step == WR3) w_data[31:16] = tcp_csum;
		if (raw) w_be = step == WR1 ? 16'h0300 : 16'h000c;
		else if (step == WR4) w_be = 16'h0003;
		else if (step == WR3 && !ts) w_be = 16'h003f;
		if (is_ack) begin // nothing stands behind the header yet
			w_be = 16'hffff;
			if (step == WR3 && !ts) w_data[127:48] = '0;
			if (step == WR4) w_data[127:16] = '0;
		end
	end
	assign hdr_end = step == (ts && !raw ? WR4 : WR3);
	assign fr_valid = hdr_end;
	assign fr.base = j.base;
	assign fr.len = again ? 14'd0 : j.len + (raw ? 14'd0 : ts ? 14'd66 : 14'd54);
	assign fr.alloc = j.alloc;
	assign sent_valid = hdr_end && !raw && !again;
	assign sent_conn = j.conn;
	assign sent_ack = ack;
	assign sent_edge = edge_q;
	assign sent_end = seq + {18'd0, j.len};
	assign sent_data = !is_ack;
	assign cnt_acks = hdr_end && is_ack && j.hw && !again;

	always_ff @(posedge clk) begin
		hold <= beat;
		add_tcp <= tcp_lanes;
		add_ip <= ip_lanes;
		if (step >= T0 && step <= T4) h[3'(step - T0)] <= beat;
		tcp_sum <= tcp_sum + {14'd0, tcp_add};
		ip_sum <= ip_sum + {14'd0, ip_add};
		if (step != IDLE) step <= step + 5'd1;

		case (step)
		IDLE: if (job_valid) begin
			j <= job;
			ts <= job.ts;
			tcp_sum <= {1'b0, job.tcpsum};
			ip_sum <= {9'd0, job.ipsum};
			step <= job.kind == weft_tx_pkg::JOB_RAW ? ADD : CTX;
		end
		FLAGS: begin // first beat of the context
			scale <= c_rdata[115:112] > 4'd14 ? 4'd14 : c_rdata[115:112];
			if (is_ack) ts <= c_rdata[127:120] == 8'd66;
		end
		PSEUDO: begin
			ts_val <= time_ns[51:20];
			tcp_sum <= {1'b0, j.tcpsum} + {17'd0, swap16(tcp_len)} + 33'h600;
		end
		T0: begin // four cycles after txq_conn: settled
			ack <= txq_rcv_nxt;
			edge_q <= txq_edge;
			ts_recent <= txq_ts_recent;
		end
		T1: diff <= edge_q - ack;
		T2: begin
			window <= diff[31] ? 16'd0 : shifted > 32'hffff ? 16'hffff : shifted[15:0];
			seq <= seq_used;
		end
		ADD: if (raw) tcp_sum <= tcp_sum + {17'd0, swap16({2'b00, j.len} - 16'd34)} + 33'h600;
		FOLD1: begin
			tcp_fold <= fold(tcp_sum);
			ip_fold <= fold(ip_sum);
		end
		FOLD2: begin
			tcp_csum <= ~(tcp_fold[15:0] + {15'd0, tcp_fold[16]});
			ip_csum <= ~(ip_fold[15:0] + {15'd0, ip_fold[16]});
		end
		default: ;
		endcase
		if (hdr_end) begin
			step <= IDLE;
			if (!raw && !again) ident <= ident + 16'd1;
		end
		if (rst) begin
			step <= IDLE;
			ident <= '0;
			add_tcp <= '0;
			add_ip <= '0;
		end
	end

	logic unused;
	assign unused = &{1'b0, j, time_ns[63:52], time_ns[19:0]};
endmodule
