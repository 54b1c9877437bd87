// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_parse: takes frames from the MAC, stores them in packet buffer cells while checking them, and describes each at its end.
// Filter: own MAC and broadcast only. Frames with a wrong FCS, length or checksum, and those for which cells or descriptors ran out,
// are counted once, in this order: FCS, length, not to us, length fields, IPv4 checksum, TCP checksum, no buffer. What a dropped
// frame has stored is described with drop set, so that its cells come back the same way as all others.
// Fast path material (tcp_us) is TCP over IPv4 without options or fragments, to our address. IPv4 fragments and options, other
// protocols, VLAN tags and other ether types are described without it.
// Latency: three cycles from the last beat to the descriptor. Throughput: one beat per cycle with no gap between frames.
// Back-pressure: none towards the MAC. d_room must be low while fewer than four more descriptors fit.
module weft_rx_parse (
	input  logic         clk,
	input  logic         rst,
	input  logic [127:0] eth_rx_tdata,
	input  logic [15:0]  eth_rx_tkeep,
	input  logic         eth_rx_tvalid,
	input  logic         eth_rx_tlast,
	input  logic         eth_rx_tuser, // with tlast: FCS wrong
	input  logic [47:0]  mac,
	input  logic [15:0]  mtu,
	input  logic [31:0]  ip,
	// packet buffer
	input  logic         a_valid,
	input  logic [9:0]   a_cell,
	output logic         a_take,
	output logic         w_en,
	output logic [9:0]   w_cell,
	output logic [4:0]   w_beat,
	output logic [127:0] w_data,
	output logic         n_en,
	output logic         n_last,
	// descriptor, of every frame that has cells
	output logic         d_valid,
	output weft_rx_pkg::desc_t d,
	input  logic         d_room,
	output logic         busy,
	output logic         cnt_frames,
	output logic [4:0]   cnt_bytes,
	output logic         cnt_fcs,
	output logic         cnt_len,
	output logic         cnt_notus,
	output logic         cnt_ipcsum,
	output logic         cnt_tcpcsum,
	output logic         cnt_nobuf
);
	localparam logic [14:0] LEN_MAX = 15'd16383;

	// ---- input register ----
	logic         v0;
	logic [127:0] data0;
	logic [4:0]   cnt0;
	logic         last0;
	logic         bad0; // FCS wrong, or bytes missing inside the frame
	logic [4:0]   keep_cnt;
	logic         keep_odd;
	logic         bad_seen;

	always_comb begin
		keep_cnt = '0;
		for (int i = 0; i < 16; i++) if (eth_rx_tkeep[i]) keep_cnt = 5'(i + 1);
		keep_odd = (eth_rx_tkeep & (eth_rx_tkeep + 16'd1)) != 16'd0 || (!eth_rx_tlast && eth_rx_tkeep != 16'hffff);
	end
	always_ff @(posedge clk) begin
		if (rst) v0 <= 1'b0;
		else v0 <= eth_rx_tvalid;
		data0 <= eth_rx_tdata;
		cnt0 <= keep_cnt;
		last0 <= eth_rx_tlast;
		bad0 <= (eth_rx_tlast && eth_rx_tuser) || keep_odd;
	end
	assign cnt_bytes = v0 ? cnt0 : 5'd0;

	// ---- storing ----
	logic        sof; // the next beat starts a frame
	logic [14:0] flen; // bytes before this beat
	logic [14:0] flen_n;
	logic [15:0] limit;
	logic        over;
	logic [1:0]  beat;
	logic        mac_ok;
	logic        short0; // less than an Ethernet header
	logic        storing;
	logic        store; // this beat is stored
	logic        nobuf;
	logic        nobuf_n;
	logic        macok_q;
	logic        has; // the frame has at least one cell
	logic        has_n;
	logic [4:0]  wpos;
	logic [9:0]  wcell;
	logic [9:0]  first;
	logic        stop_here; // the chain ends with this cell

	assign limit = {1'b0, LEN_MAX} < mtu ? {1'b0, LEN_MAX} : mtu + 16'd14;
	assign flen_n = flen >= LEN_MAX - 15'd16 ? flen : flen + {10'd0, cnt0};
	assign over = {1'b0, flen_n} > limit || flen >= LEN_MAX - 15'd16;
	assign mac_ok = sof ? (data0[47:0] == mac || data0[47:0] == 48'hffffffffffff) && cnt0 >= 5'd6 : macok_q;
	assign short0 = sof && last0 && cnt0 < 5'd14;
	assign store = sof ? mac_ok && !short0 && a_valid && d_room : storing;
	assign w_en = v0 && store;
	assign w_cell = sof ? a_cell : wcell;
	assign w_beat = sof ? 5'd0 : wpos;
	assign w_data = data0;
	assign stop_here = last0 || over || (wpos == 5'd31 && !sof && !a_valid);
	assign n_en = w_en && (stop_here || (wpos == 5'd31 && !sof));
	assign n_last = stop_here;
	assign a_take = w_en && (sof || (wpos == 5'd31 && !stop_here));
	assign has_n = sof ? store : has;
	always_comb begin
		nobuf_n = sof ? mac_ok && !short0 && !store : nobuf;
		if (store && !sof && wpos == 5'd31 && !last0 && !over && !a_valid) nobuf_n = 1'b1;
	end

	always_ff @(posedge clk) begin
		if (rst) begin
			sof <= 1'b1;
			flen <= '0;
			beat <= '0;
			storing <= 1'b0;
			bad_seen <= 1'b0;
		end else if (v0) begin
			sof <= last0;
			flen <= last0 ? 15'd0 : flen_n;
			beat <= last0 ? 2'd0 : beat == 2'd3 ? 2'd3 : beat + 2'd1;
			storing <= store && !stop_here;
			bad_seen <= !last0 && (bad_seen || bad0);
		end
		if (v0) begin
			macok_q <= mac_ok;
			nobuf <= nobuf_n;
			has <= has_n;
			wpos <= w_beat + 5'd1;
			if (a_take) wcell <= a_cell;
			if (sof) first <= a_cell;
		end
	end

	// ---- fields ----
	logic [15:0] f_type, f_totlen, f_sport, f_dport, f_wnd;
	logic [3:0]  f_ver, f_ihl;
	logic        f_frag;
	logic [7:0]  f_proto;
	logic [31:0] f_src, f_dst, f_seq, f_ack, f_tsval;
	logic [15:0] f_off; // data offset, reserved bits, flags
	logic        f_opt;
	logic        four; // this is beat 3
	logic [127:0] b; // beat with byte 0 on top

	always_comb for (int i = 0; i < 16; i++) b[127 - 8*i -: 8] = data0[8*i +: 8];
	always_ff @(posedge clk) if (v0) begin
		four <= beat == 2'd2;
		if (beat == 2'd0) begin
			f_type <= b[31:16];
			{f_ver, f_ihl} <= b[15:8];
		end
		if (beat == 2'd1) begin
			f_totlen <= b[127:112];
			f_frag <= b[93:80] != 14'd0; // more fragments, or an offset
			f_proto <= b[71:64];
			f_src <= b[47:16];
			f_dst[31:16] <= b[15:0];
		end
		if (beat == 2'd2) begin
			f_dst[15:0] <= b[127:112];
			f_sport <= b[111:96];
			f_dport <= b[95:80];
			f_seq <= b[79:48];
			f_ack <= b[47:16];
			f_off <= b[15:0];
		end
		if (beat == 2'd3 && four) begin
			f_wnd <= b[127:112];
			f_opt <= b[79:48] == 32'h0101080a;
			f_tsval <= b[47:16];
		end
	end

	// ---- end of frame: one cycle later the fields are complete, two cycles later the sums ----
	logic        e1, e1_bad, e1_len_bad, e1_notus, e1_nobuf, e1_has;
	logic [14:0] e1_len;
	logic [9:0]  e1_first;
	logic        e2, e2_bad, e2_len_bad, e2_notus, e2_nobuf, e2_has;
	logic        e2_ip, e2_iplen_bad, e2_tcp, e2_us;
	logic [16:0] e2_pseudo;
	weft_rx_pkg::desc_t e2_d;
	logic [20:0] ip_sum;
	logic [28:0] tcp_sum;

	weft_rx_sum sum (.clk, .valid(v0), .data(data0), .beat, .ip_sum, .tcp_sum);

	logic        is_ip, is_tcp, iplen_bad, tcplen_bad;
	logic [15:0] tcp_len; // header and payload
	assign is_ip = f_type == 16'h0800;
	assign tcp_len = f_totlen - 16'd20;
	assign iplen_bad = e1_len < 15'd34 || f_ver != 4'd4 || f_ihl < 4'd5 || f_totlen < {10'd0, f_ihl, 2'b00}
		|| {1'b0, f_totlen} + 17'd14 > {2'd0, e1_len};
	assign is_tcp = is_ip && f_proto == 8'd6 && !f_frag && f_ihl == 4'd5;
	assign tcplen_bad = f_totlen < 16'd40 || f_off[15:12] < 4'd5 || {10'd0, f_off[15:12], 2'b00} > tcp_len;

	always_ff @(posedge clk) begin
		e1 <= v0 && last0 && !rst;
		e1_bad <= bad0 || bad_seen;
		e1_len_bad <= over || flen_n < 15'd14;
		e1_notus <= !mac_ok;
		e1_nobuf <= nobuf_n;
		e1_has <= has_n;
		e1_len <= flen_n;
		e1_first <= sof ? a_cell : first;

		e2 <= e1 && !rst;
		e2_bad <= e1_bad;
		e2_len_bad <= e1_len_bad;
		e2_notus <= e1_notus;
		e2_nobuf <= e1_nobuf;
		e2_has <= e1_has;
		e2_ip <= is_ip;
		e2_iplen_bad <= is_ip && (iplen_bad || (is_tcp && tcplen_bad));
		e2_tcp <= is_tcp;
		e2_us <= f_dst == ip;
		e2_pseudo <= {1'b0, tcp_len} + 17'd6;
		e2_d.drop <= 1'b0;
		e2_d.tcp_us <= 1'b0;
		e2_d.first <= e1_first;
		e2_d.len <= e1_len[13:0];
		e2_d.rip <= f_src;
		e2_d.rport <= f_sport;
		e2_d.lport <= f_dport;
		e2_d.seq <= f_seq;
		e2_d.ack <= f_ack;
		e2_d.flags <= f_off[11:0];
		e2_d.doff <= f_off[15:12];
		e2_d.wnd <= f_wnd;
		e2_d.opt_ts <= f_opt && f_off[15:12] == 4'd8;
		e2_d.tsval <= f_tsval;
		e2_d.plen <= tcp_len[13:0] - {8'd0, f_off[15:12], 2'b00};
	end

	// ---- verdict ----
	logic [17:0] ip_fold;
	logic [17:0] tcp_fold;
	logic        ip_bad;
	logic        tcp_bad;
	logic [5:0]  why; // one bit at most

	// Two folds leave a value that is all ones, once or twice over, only when the sum was a multiple of 65535 (it is never zero).
	assign ip_fold = {2'd0, ip_sum[15:0]} + {13'd0, ip_sum[20:16]};
	assign tcp_fold = {2'd0, tcp_sum[15:0]} + {5'd0, tcp_sum[28:16]} + {1'b0, e2_pseudo};
	assign ip_bad = ip_fold != 18'h0ffff && ip_fold != 18'h1fffe;
	assign tcp_bad = tcp_fold != 18'h0ffff && tcp_fold != 18'h1fffe;
	always_comb begin
		why = '0;
		if (e2_bad) why[0] = 1'b1;
		else if (e2_len_bad) why[1] = 1'b1;
		else if (e2_notus) why[2] = 1'b1;
		else if (e2_iplen_bad) why[1] = 1'b1;
		else if (e2_ip && ip_bad) why[3] = 1'b1;
		else if (e2_tcp && tcp_bad) why[4] = 1'b1;
		else if (e2_nobuf) why[5] = 1'b1;
	end
	always_ff @(posedge clk) begin
		d_valid <= e2 && e2_has && !rst;
		d <= e2_d;
		d.drop <= why != '0;
		d.tcp_us <= e2_tcp && e2_us;
		{cnt_nobuf, cnt_tcpcsum, cnt_ipcsum, cnt_notus, cnt_len, cnt_fcs} <= e2 && !rst ? why : 6'd0;
		cnt_frames <= e2 && !e2_bad && !rst;
	end
	assign busy = v0 || !sof || e1 || e2 || d_valid;
endmodule
