// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_rx_in: takes frames from the wire that mode selects, stores them in frame buffers while checking them, and describes each
// good one at its end. In the buffer the FC header begins at byte 8 and the payload at byte 32, whichever the wire:
//
//    native   SOF word, header, data field, CRC, EOF word           wire byte 4 is buffer byte 8
//    FCoE     Ethernet 14, FCoE 14 with SOF last, header, ...       wire byte 28 is buffer byte 8
//    FIP      whole Ethernet frame                                  wire byte 0 is buffer byte 8
//
// so that a buffer beat is made of two wire beats. Beat 0 goes last, through a port of its own, with status and length before the header.
// A frame is counted once, in this order: no buffer was free; marked bad by the port, cut off or CRC wrong; form (SOF, EOF, length,
// fill, FCoE version, Ethertype; a native frame that is not of whole words comes here at once, as its CRC cannot be told); not to us.
// The end of an FCoE frame is its last word that is not zero, which is the EOF: padding behind it is cut.
// A frame takes its buffer with its second beat; of one beat none is good. A buffer of a frame that was dropped goes back by back_*.
// A change of mode ends the frame under way as a bad one. A frame whose beginning was not seen is ignored.
// Latency: four cycles from the last beat to the descriptor. Throughput: one beat per cycle with no gap between frames.
// Back-pressure: none. Descriptors must always be taken: there are no more of them than buffers.
module weft_fc_rx_in (
	input  logic         clk,
	input  logic         rst,
	input  logic [1:0]   mode,
	input  logic [127:0] fc_rx_tdata,
	input  logic [15:0]  fc_rx_tkeep,
	input  logic         fc_rx_tvalid,
	input  logic         fc_rx_tlast,
	input  logic         fc_rx_tuser,
	input  logic [127:0] fcoe_rx_tdata,
	input  logic [15:0]  fcoe_rx_tkeep,
	input  logic         fcoe_rx_tvalid,
	input  logic         fcoe_rx_tlast,
	input  logic         fcoe_rx_tuser,
	input  logic [23:0]  fc_id,
	input  logic [47:0]  mac,
	// buffers
	input  logic         a_valid,
	input  logic [6:0]   a_buf,
	output logic         a_take,
	output logic         a_native,
	output logic         w_en,
	output logic [6:0]   w_buf,
	output logic [7:0]   w_beat,
	output logic [127:0] w_data,
	output logic         h_en, // beat 0
	output logic [6:0]   h_buf,
	output logic [127:0] h_data,
	output logic         back_valid,
	output logic [6:0]   back_buf,
	output logic         lost, // a native frame of one beat: it had no buffer, but costs the sender a credit
	output logic         d_valid,
	output weft_fc_rx_pkg::desc_t d,
	output logic         busy,
	output logic         cnt_frames,
	output logic         cnt_crc,
	output logic         cnt_form,
	output logic         cnt_nobuf,
	output logic         cnt_notus
);
	localparam logic [31:0] CRC_GOOD = 32'hdebb20e3; // what a frame and its own CRC leave
	localparam logic [15:0] ET_FCOE = 16'h0689; // as the bytes stand in a beat
	localparam logic [15:0] ET_FIP = 16'h1489;
	localparam logic [47:0] MAC_ALL = 48'hffffffffffff;
	localparam logic [11:0] DATA_MAX = weft_eng_pkg::FC_DATA_MAX[11:0] + 12'd24; // header and data field

	// ---- the wire, and an input register ----
	logic         native, fcoe, s_valid, s_last, s_user, s_mid;
	logic [127:0] s_data;
	logic [15:0]  s_keep;
	logic [4:0]   keep_cnt;
	logic         keep_odd;
	logic         n_mid, e_mid; // that wire is inside a frame
	logic         open; // a frame is being taken
	logic         open_native;
	logic [1:0]   mode_q;
	logic         cut, take;
	logic         v0, last0, bad0, nat0;
	logic [127:0] d0; // zero beyond the frame's end
	logic [4:0]   cnt0;

	assign native = mode == weft_eng_pkg::FCM_NATIVE[1:0];
	assign fcoe = mode == weft_eng_pkg::FCM_FCOE[1:0];
	assign s_valid = native ? fc_rx_tvalid : fcoe && fcoe_rx_tvalid;
	assign s_data = native ? fc_rx_tdata : fcoe_rx_tdata;
	assign s_keep = native ? fc_rx_tkeep : fcoe_rx_tkeep;
	assign s_last = native ? fc_rx_tlast : fcoe_rx_tlast;
	assign s_user = native ? fc_rx_tuser : fcoe_rx_tuser;
	assign s_mid = native ? n_mid : e_mid;
	assign cut = open && mode != mode_q;
	assign take = s_valid && !cut && (open || !s_mid);

	always_comb begin
		keep_cnt = '0;
		for (int i = 0; i < 16; i++) if (s_keep[i]) keep_cnt = 5'(i + 1);
		keep_odd = (s_keep & (s_keep + 16'd1)) != 16'd0 || s_keep == 16'd0 || (!s_last && s_keep != 16'hffff);
	end
	always_ff @(posedge clk) begin
		mode_q <= mode;
		if (rst) begin
			n_mid <= 1'b0;
			e_mid <= 1'b0;
			open <= 1'b0;
			v0 <= 1'b0;
		end else begin
			if (fc_rx_tvalid) n_mid <= !fc_rx_tlast;
			if (fcoe_rx_tvalid) e_mid <= !fcoe_rx_tlast;
			if (cut) open <= 1'b0;
			else if (take) open <= !s_last;
			v0 <= take || cut;
		end
		if (take && !open) open_native <= native;
		for (int i = 0; i < 16; i++) d0[8*i +: 8] <= s_keep[i] && !cut ? s_data[8*i +: 8] : 8'd0;
		cnt0 <= cut ? 5'd0 : keep_cnt;
		last0 <= cut || s_last;
		bad0 <= cut || (s_last && s_user) || keep_odd;
		nat0 <= open ? open_native : native;
	end

	// ---- which frame this is, and where in it we are ----
	logic [7:0]   n; // wire beat, stands at 255
	logic         k_nat, k_fip, k_fcoe; // kind of the frame, known from its second beat on
	logic         first0;
	logic         bad_seen, odd; // odd: not of whole words
	logic [47:0]  dmac;
	logic [3:0]   ver;
	logic [7:0]   sof;
	logic [95:0]  prev; // bytes 4..15 of the beat before

	assign first0 = n == 8'd0;
	always_ff @(posedge clk) begin
		if (rst) n <= '0;
		else if (v0) n <= last0 ? 8'd0 : n == 8'd255 ? n : n + 8'd1;
		if (v0) begin
			prev <= d0[127:32];
			bad_seen <= bad0 || (bad_seen && !first0);
			odd <= nat0 && (cnt0[1:0] != 2'd0 || cnt0 == 5'd0);
			if (first0) begin
				k_nat <= nat0;
				k_fip <= !nat0 && d0[111:96] == ET_FIP;
				k_fcoe <= !nat0 && d0[111:96] == ET_FCOE;
				dmac <= d0[47:0];
				ver <= d0[119:116];
				sof <= d0[7:0];
			end else if (n == 8'd1 && !nat0) sof <= d0[95:88];
		end
	end

	// ---- storing: wire beats, turned, become buffer beats; one more is left in prev after the last ----
	logic         has, has_n; // the frame has a buffer
	logic [6:0]   wbuf;
	logic         flush;
	logic [7:0]   flush_beat, idx;
	logic         idx_neg;
	logic [95:0]  fill_d;
	logic [127:0] turned;
	logic [63:0]  hold0; // first eight bytes of the header, or of the Ethernet frame
	logic [127:0] hold1; // the others

	assign idx = k_fcoe ? n - 8'd2 : n;
	assign idx_neg = k_fcoe && n < 8'd2;
	assign fill_d = flush ? 96'd0 : d0[95:0];
	assign turned = k_nat ? {fill_d, prev[95:64]} : k_fip ? {fill_d[63:0], prev[95:32]} : {fill_d[31:0], prev};
	assign a_take = v0 && n == 8'd1 && a_valid && !rst;
	assign a_native = nat0;
	assign has_n = !first0 && (n == 8'd1 ? a_valid : has);
	assign w_beat = flush ? flush_beat : idx;
	assign w_buf = !flush && n == 8'd1 ? a_buf : wbuf;
	assign w_data = turned;
	// The beat after a frame's last one is the first of the next, of which nothing is written.
	assign w_en = (flush || (v0 && !first0 && has_n && !idx_neg)) && w_beat != 8'd0 && w_beat < 8'(weft_fc_rx_pkg::BEATS);

	always_ff @(posedge clk) begin
		if (rst) flush <= 1'b0;
		else flush <= v0 && last0 && has_n;
		flush_beat <= idx + 8'd1;
		if (v0) begin
			has <= has_n;
			if (n == 8'd1) wbuf <= a_buf;
			if (first0) hold0 <= nat0 ? d0[95:32] : d0[63:0];
			else if (k_fcoe && n == 8'd2) hold0 <= {d0[31:0], prev[95:64]};
			if (!first0 && idx == 8'd1) hold1 <= turned;
		end
	end

	// ---- CRC: over all whole beats, and in each beat up to the word that may be the EOF ----
	logic [3:0]   nz;
	logic [1:0]   w; // the word in this beat that may be the EOF
	logic         w_ok;
	logic [127:0] cd;
	logic [4:0]   cn_all, cn_eof;
	logic [31:0]  crc_in, crc_all, crc_eof;
	logic [31:0]  crc, crc_end;
	logic         seen; // of an EOF word
	logic [9:0]   eofw; // its number on the wire
	logic [7:0]   eof;

	always_comb begin
		for (int i = 0; i < 4; i++) nz[i] = d0[32*i +: 32] != 32'd0;
		w = nat0 ? cnt0[3:2] - 2'd1 : nz[3] ? 2'd3 : nz[2] ? 2'd2 : {1'b0, nz[1]};
		w_ok = nat0 ? last0 && cnt0 >= 5'd4 : n == 8'd1 ? nz[3] : !first0 && nz != 4'd0;
		cd = d0;
		cn_all = 5'd16;
		cn_eof = {1'b0, w, 2'b00};
		if (nat0 && first0) begin // behind the SOF
			cd = d0 >> 32;
			cn_all = 5'd12;
			cn_eof = w == 2'd0 ? 5'd0 : {1'b0, w - 2'd1, 2'b00};
		end else if (!nat0 && first0) cn_all = 5'd0;
		else if (!nat0 && n == 8'd1) begin
			cd = d0 >> 96;
			cn_all = 5'd4;
			cn_eof = 5'd0;
		end
		crc_in = first0 ? 32'hffffffff : crc;
	end
	weft_crc32c #(.POLY(32'hedb88320)) all (.crc_in, .data(cd), .cnt(cn_all), .crc_out(crc_all));
	weft_crc32c #(.POLY(32'hedb88320)) upto (.crc_in, .data(cd), .cnt(cn_eof), .crc_out(crc_eof));
	always_ff @(posedge clk) if (v0) begin
		crc <= crc_all;
		seen <= w_ok || (seen && !first0);
		if (w_ok) begin
			crc_end <= crc_eof;
			eofw <= {n, w};
			eof <= d0[{w, 5'd0} +: 8];
		end
	end

	// ---- end of frame: the registers above hold it for this one cycle ----
	logic        e1, e1_over, e1_many;
	logic [12:0] e1_eth; // bytes on the wire
	logic [12:0] len; // header and data field
	logic        short1, fill_bad, code_bad, eth_bad;
	logic [23:0] d_id;
	logic [7:0]  ftype;
	logic [23:0] f_ctl;
	logic        e2, e2_has, e2_nobuf, e2_crc, e2_form, e2_notus, e2_nat;
	logic [11:0] e2_len;
	logic [7:0]  e2_sof, e2_eof;
	logic [63:0] e2_h0;
	weft_fc_rx_pkg::desc_t e2_d;

	assign len = {1'b0, eofw, 2'b00} - (k_nat ? 13'd8 : 13'd32);
	assign short1 = {1'b0, eofw, 2'b00} < (k_nat ? 13'd32 : 13'd56);
	assign d_id = {hold0[15:8], hold0[23:16], hold0[31:24]};
	assign ftype = hold1[7:0];
	assign f_ctl = {hold1[15:8], hold1[23:16], hold1[31:24]};
	assign fill_bad = f_ctl[1:0] != 2'd0 && (!f_ctl[weft_fc_rx_pkg::F_END_SEQ] || len == 13'd24);
	assign code_bad = (sof != weft_fc_rx_pkg::SOF_I3 && sof != weft_fc_rx_pkg::SOF_N3) || (eof != weft_fc_rx_pkg::EOF_N && eof != weft_fc_rx_pkg::EOF_T)
		|| (k_fcoe && ver != 4'd0);
	assign eth_bad = e1_eth < 13'd14 || e1_eth > weft_fc_rx_pkg::ETH_MAX;

	always_ff @(posedge clk) begin
		e1 <= v0 && last0 && !rst;
		e1_over <= n == 8'd255;
		e1_many <= !first0;
		e1_eth <= {1'b0, n, 4'd0} + {8'd0, cnt0};

		e2 <= e1 && !rst;
		e2_has <= has;
		e2_nat <= k_nat;
		e2_nobuf <= e1_many && !has;
		e2_crc <= bad_seen || ((k_fcoe || (k_nat && !odd)) && !(seen && crc_end == CRC_GOOD));
		e2_form <= e1_over || !e1_many || (k_fip ? eth_bad : !(k_nat || k_fcoe) || odd || !seen || short1 || len > {1'b0, DATA_MAX} || fill_bad || code_bad);
		e2_notus <= k_fip ? dmac != mac && dmac != MAC_ALL && dmac != fip_mac(8'h01) && dmac != fip_mac(8'h04)
			: ((ftype == weft_fc_rx_pkg::TYPE_FCP || ftype == weft_fc_rx_pkg::TYPE_NVME) && d_id != fc_id)
			|| (k_fcoe && dmac != MAC_ALL && dmac[47:24] != hold0[31:8]);
		e2_len <= k_fip ? e1_eth[11:0] : len[11:0];
		e2_sof <= k_fip ? 8'd0 : sof;
		e2_eof <= k_fip ? 8'd0 : eof;
		e2_h0 <= hold0;
		e2_d.eth <= k_fip;
		e2_d.first <= sof == weft_fc_rx_pkg::SOF_I3;
		e2_d.last <= eof == weft_fc_rx_pkg::EOF_T;
		e2_d.bufno <= wbuf;
		e2_d.len <= k_fip ? e1_eth[11:0] : len[11:0] - 12'd24 - {10'd0, f_ctl[1:0]};
		e2_d.r_ctl <= hold0[7:0];
		e2_d.s_id <= {hold0[47:40], hold0[55:48], hold0[63:56]};
		e2_d.ftype <= ftype;
		e2_d.f_ctl <= f_ctl;
		e2_d.seq_id <= hold1[39:32];
		e2_d.df_ctl <= hold1[47:40];
		e2_d.seq_cnt <= {hold1[55:48], hold1[63:56]};
		e2_d.ox_id <= {hold1[71:64], hold1[79:72]};
		e2_d.rx_id <= {hold1[87:80], hold1[95:88]};
		e2_d.param <= {hold1[103:96], hold1[111:104], hold1[119:112], hold1[127:120]};
	end
	function automatic logic [47:0] fip_mac(input logic [7:0] low); // 01:10:18:01:00:low
		fip_mac = {low, 40'h0001181001};
	endfunction

	// ---- verdict ----
	logic [3:0] why; // one bit at most
	always_comb begin
		why = '0;
		if (e2_nobuf) why[0] = 1'b1;
		else if (e2_crc) why[1] = 1'b1;
		else if (e2_form) why[2] = 1'b1;
		else if (e2_notus) why[3] = 1'b1;
	end
	always_ff @(posedge clk) begin
		d_valid <= e2 && why == '0 && !rst;
		d <= e2_d;
		h_en <= e2 && why == '0 && !rst;
		h_buf <= e2_d.bufno;
		h_data <= {e2_h0, 32'd0, e2_eof, e2_sof, 4'd0, e2_len};
		back_valid <= e2 && why != '0 && e2_has && !rst;
		back_buf <= e2_d.bufno;
		lost <= e2 && e2_nat && !e2_has && !e2_nobuf && !rst;
		{cnt_notus, cnt_form, cnt_crc, cnt_nobuf} <= e2 && !rst ? why : 4'd0;
		cnt_frames <= e2 && !e2_crc && !rst;
	end
	assign busy = open || v0 || n != 8'd0 || e1 || e2 || d_valid;
endmodule
