// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_tx_out: frame buffer (a ring of beats) and the way out to the wires. A frame is queued when its last beat stands in the ring or is
// being written in the same cycle, and leaves in the form of the mode in which it starts:
//   native  SOF word, header, payload, CRC, EOF word; takes a credit
//   FCoE    destination and source MAC, 8906h, FCoE header with SOF, FC header, payload, CRC, EOF, three zero bytes
//   raw     the bytes in the buffer (FCoE mode only)
// The payload stands in the ring from lane 0 on; CRC and EOF are put behind it, then all is turned to its place behind the header.
// toss: waiting frames are thrown away, one per cycle; so are raw ones in native mode. The one on the wire is finished.
// Latency: 3 cycles from fr_wr to tvalid. Throughput: one beat per cycle within a frame, one cycle lost between two frames.
// Back-pressure: tready stalls the reading; the writer counts what is free again (freed, freed_beats).
module weft_fc_tx_out (
	input  logic         clk,
	input  logic         rst,
	input  logic         native,    // the modes; neither: toss
	input  logic         fcoe,
	input  logic         toss,
	input  logic         may,       // native frames may start
	input  logic         credit_ok,
	output logic         credit_use,
	input  logic [23:0]  map,
	input  logic         fcf,
	input  logic [47:0]  fcf_mac,
	input  logic         w_en,
	input  logic [weft_fc_tx_pkg::RING_AW-1:0] w_addr,
	input  logic [127:0] w_data,
	input  logic         fr_wr,
	input  weft_fc_tx_pkg::frame_t fr,
	output logic         freed,     // pulse: a frame's beats are free again
	output logic [7:0]   freed_beats,
	output logic         none_waits,
	output logic [127:0] fc_tx_tdata,
	output logic [15:0]  fc_tx_tkeep,
	output logic         fc_tx_tvalid,
	output logic         fc_tx_tlast,
	input  logic         fc_tx_tready,
	output logic [127:0] fcoe_tx_tdata,
	output logic [15:0]  fcoe_tx_tkeep,
	output logic         fcoe_tx_tvalid,
	output logic         fcoe_tx_tlast,
	input  logic         fcoe_tx_tready,
	output logic         cnt_frames,
	output logic         cnt_stall_credit,
	output logic         busy
);
	localparam int unsigned AW = weft_fc_tx_pkg::RING_AW;
	localparam logic [1:0] RAW = 2'd0, NATIVE = 2'd1, FCOE = 2'd3; // also: whole beats before the first with payload

	weft_fc_tx_pkg::frame_t head, cur;
	logic       head_valid, head_pop, q_full;
	logic [4:0] q_count;
	weft_tx_fifo #(.W($bits(fr)), .AW(weft_fc_tx_pkg::FRAME_AW)) u_frames (
		.clk, .rst, .wr(fr_wr), .wdata(fr), .full(q_full), .valid(head_valid), .rdata(head), .rd(head_pop), .count(q_count)
	);
	assign none_waits = !head_valid;

	// who goes
	logic       act, en1, en2, v1, v2, form2_native, toss_head, toss_go, ready_head, go, done;
	logic [1:0] form, head_form;
	assign head_form = head.raw ? RAW : native ? NATIVE : FCOE;
	assign toss_head = head_valid && (toss || head.raw && !fcoe);
	assign ready_head = head_valid && !toss_head && (fcoe || may);
	assign go = ready_head && !act && (!v1 || en2) && (fcoe || credit_ok);
	assign credit_use = go && native;
	assign cnt_stall_credit = ready_head && native && !act && !credit_ok;
	assign toss_go = toss_head && !done;
	assign head_pop = go || toss_go;

	// stage 0 reads, stage 1 puts the beat together, stage 2 is the output register
	logic [1:0]    pre, pre1;
	logic [11:0]   left;
	logic [AW-1:0] ra;
	logic [9:0]    wi, wi1; // word of the payload in lane 0
	logic          rd_last, last1;
	logic [15:0]   keep, keep1;
	logic [127:0]  q1;
	assign en2 = !v2 || (form2_native ? fc_tx_tready : fcoe_tx_tready);
	assign en1 = !v1 || en2;
	assign rd_last = left <= 12'd16;
	always_comb
		for (int i = 0; i < 16; i = i + 1)
			keep[i] = 12'(i) < left;

	logic [127:0] ring [weft_fc_tx_pkg::RING_BEATS];
	always_ff @(posedge clk) begin
		if (w_en) ring[w_addr] <= w_data;
		if (act && en1) q1 <= ring[ra];
	end
	logic [11:0] free_len;
	assign done = act && en1 && rd_last;
	assign free_len = done ? cur.len : head.len;
	assign freed = done || toss_go;
	assign freed_beats = free_len[11:4] + {7'd0, free_len[3:0] != 4'd0};

	// what stands before the payload
	logic [47:0]  dst, src;
	logic [7:0]   sof;
	logic [415:0] intro;
	assign sof = cur.first ? weft_fc_tx_pkg::SOFI3 : weft_fc_tx_pkg::SOFN3;
	assign dst = fcf ? fcf_mac : {cur.hdr[31:8], map[7:0], map[15:8], map[23:16]};
	assign src = {cur.hdr[63:40], map[7:0], map[15:8], map[23:16]};
	assign intro = form == NATIVE ? {192'd0, cur.hdr, 24'd0, sof} : {cur.hdr, sof, 104'd0, 16'h0689, src, dst};

	// payload, CRC, EOF from lane 0 on; then behind the header's last words
	logic [127:0] flat, beat;
	logic [95:0]  carry, carry_next;
	logic [9:0]   pw;
	assign pw = cur.len[11:2];
	always_comb begin
		flat = q1;
		for (int i = 0; i < 4; i = i + 1)
			if (form != RAW) begin
				if (wi1 + 10'(i) == pw) flat[i*32 +: 32] = cur.crc;
				if (wi1 + 10'(i) > pw) flat[i*32 +: 32] = {24'd0, cur.last ? weft_fc_tx_pkg::EOFT : weft_fc_tx_pkg::EOFN};
			end
		beat = flat;
		carry_next = flat[127:32];
		if (form == NATIVE) beat = {flat[31:0], carry};
		if (form == FCOE) begin
			beat = {flat[95:0], carry[31:0]};
			carry_next = {64'd0, flat[127:96]};
		end
		if (pre1 != 2'd0) begin
			beat = intro[127:0];
			if (pre1 == 2'd2) beat = intro[255:128];
			if (pre1 == 2'd1 && form == FCOE) beat = intro[383:256];
			carry_next = form == NATIVE ? intro[223:128] : {64'd0, intro[415:384]};
		end
	end

	logic         last2;
	logic [127:0] data2;
	logic [15:0]  keep2;
	always_ff @(posedge clk) begin
		if (go) begin
			act <= 1'b1;
			cur <= head;
			form <= head_form;
			pre <= head_form;
			ra <= head.base;
			wi <= '0;
			left <= head.len + (head_form == RAW ? 12'd0 : head_form == NATIVE ? 12'd36 : 12'd60);
		end else if (act && en1) begin
			left <= left - 12'd16;
			if (pre != 2'd0) pre <= pre - 2'd1;
			else begin
				ra <= ra + 1'b1;
				wi <= wi + 10'd4;
			end
			if (rd_last) act <= 1'b0;
		end
		if (en1) begin
			v1 <= act;
			last1 <= rd_last;
			keep1 <= keep;
			pre1 <= pre;
			wi1 <= wi;
		end
		if (en2) begin
			v2 <= v1;
			form2_native <= form == NATIVE;
			data2 <= beat;
			keep2 <= keep1;
			last2 <= last1;
			carry <= carry_next;
		end
		if (rst) begin
			act <= 1'b0;
			v1 <= 1'b0;
			v2 <= 1'b0;
			form2_native <= 1'b0;
		end
	end
	assign {fc_tx_tdata, fc_tx_tkeep, fc_tx_tlast} = {data2, keep2, last2};
	assign {fcoe_tx_tdata, fcoe_tx_tkeep, fcoe_tx_tlast} = {data2, keep2, last2};
	assign fc_tx_tvalid = v2 && form2_native;
	assign fcoe_tx_tvalid = v2 && !form2_native;
	assign cnt_frames = v2 && en2 && last2;
	assign busy = act || v1 || v2 || head_valid;

	logic unused;
	assign unused = &{1'b0, q_full, q_count, cur.raw, cur.base};
endmodule
