// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_rx_eng: takes frames in the order of their arrival, looks each one's exchange context up, and decides:
//
//    matched data frame in good order, ARMED     place it, the context moves on; at the end with EVENT: EVT_FC_PLACED, ARMED off
//    other matched data frame, ARMED             ARMED off, to firmware with the trap flag
//    everything else                             to firmware
//
// FCX_STOP's slots wait in a queue as long as there are slots and come before the next frame: the core never waits for them as long as
// firmware does not stop a slot twice before it was told that it is stopped.
// Latency: five cycles from a descriptor to its job. Throughput: five cycles a frame, six with EVT_FC_PLACED, two a stop.
// Back-pressure: job_ready; frames wait in the queue of descriptors, which is as long as there are buffers.
module weft_fc_rx_eng (
	input  logic         clk,
	input  logic         rst,
	input  logic         d_valid,
	input  weft_fc_rx_pkg::desc_t d,
	input  logic         stop_valid,
	input  logic [10:0]  stop_slot,
	output logic         stop_ready,
	// contexts
	output logic         e_en,
	output logic [15:0]  e_we,
	output logic [11:0]  e_addr,
	output logic [127:0] e_wdata,
	input  logic [127:0] e_rdata,
	// place
	output logic         job_valid,
	output weft_fc_rx_pkg::job_t job,
	input  logic         job_ready,
	output logic         busy,
	output logic         cnt_placed,
	output logic         cnt_to_fw,
	output logic         cnt_trap
);
	localparam int unsigned MATCH = $clog2(weft_eng_pkg::FCX_MATCH);
	localparam int unsigned ARMED = $clog2(weft_eng_pkg::FCX_ARMED);
	localparam int unsigned RESPONDER = $clog2(weft_eng_pkg::FCX_RESPONDER);
	localparam int unsigned EVENT = $clog2(weft_eng_pkg::FCX_EVENT);
	localparam int unsigned PEER = $clog2(weft_eng_pkg::FCX_PEER);
	localparam int unsigned OPEN = $clog2(weft_eng_pkg::FCX_OPEN);

	// ---- descriptors ----
	logic q_empty, q_full, q_pop;
	logic [7:0] q_count;
	weft_fc_rx_pkg::desc_t f; // the frame in work
	logic [weft_fc_rx_pkg::DESC_W-1:0] f_bits;

	weft_dma_fifo #(.W(weft_fc_rx_pkg::DESC_W), .DEPTH(weft_eng_pkg::N_FCBUF)) queue (
		.clk, .rst, .push(d_valid), .din(d), .pop(q_pop), .dout(f_bits), .empty(q_empty), .full(q_full), .count(q_count)
	);
	assign f = f_bits;

	// ---- stops ----
	localparam int unsigned SLOTS = weft_host_pkg::N_SLOTS;
	logic [10:0] stops [0:SLOTS-1];
	logic [11:0] s_wp, s_rp;
	logic        s_load, s_valid, s_pop;
	logic [10:0] s_slot;

	assign stop_ready = s_wp != (s_rp ^ 12'h800);
	assign s_load = s_wp != s_rp && (!s_valid || s_pop);
	always_ff @(posedge clk) begin
		if (stop_valid && stop_ready) stops[s_wp[10:0]] <= stop_slot;
		if (s_load) s_slot <= stops[s_rp[10:0]];
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			s_wp <= '0;
			s_rp <= '0;
			s_valid <= 1'b0;
		end else begin
			if (stop_valid && stop_ready) s_wp <= s_wp + 12'd1;
			if (s_load) s_rp <= s_rp + 12'd1;
			s_valid <= s_load || (s_valid && !s_pop);
		end
	end

	// ---- the frame against its context ----
	typedef enum logic [2:0] { IDLE, READ, CTX, DECIDE, ACT, ENDED, STOP } state_e;
	state_e       state;
	logic         lookup; // frames of this kind have contexts
	logic [15:0]  own_id, peer_id;
	logic [127:0] c; // first row
	logic [31:0]  c_end, c_base;
	logic [7:0]   flags, flags_n;
	logic [15:0]  c_peer, c_cnt;
	logic [31:0]  c_next, next_n;
	logic [32:0]  reach;
	logic         match, data, order, room, good;
	logic         m, place, trap; // the decision
	logic         at_end;
	logic [7:0]   a_flags;

	assign lookup = !f.eth && (f.ftype == weft_fc_rx_pkg::TYPE_FCP || f.ftype == weft_fc_rx_pkg::TYPE_NVME || f.ftype == weft_fc_rx_pkg::TYPE_BLS);
	assign own_id = f.f_ctl[weft_fc_rx_pkg::F_EX_CTX] ? f.ox_id : f.rx_id;
	assign peer_id = f.f_ctl[weft_fc_rx_pkg::F_EX_CTX] ? f.rx_id : f.ox_id;
	assign flags = c[7:0];
	assign c_peer = c[79:64];
	assign c_cnt = c[95:80];
	assign c_next = c[127:96];
	assign match = lookup && flags[MATCH] && flags[RESPONDER] != f.f_ctl[weft_fc_rx_pkg::F_EX_CTX] && c[31:16] == own_id
		&& own_id != 16'hffff && c[55:32] == f.s_id && (!flags[PEER] || peer_id == c_peer || peer_id == 16'hffff);
	assign data = f.r_ctl == weft_fc_rx_pkg::RCTL_DATA && f.ftype == weft_fc_rx_pkg::TYPE_FCP;
	assign order = f.first ? !flags[OPEN] && (f.seq_cnt == c_cnt || f.seq_cnt == 16'd0)
		: flags[OPEN] && f.seq_id == c[15:8] && f.seq_cnt == c_cnt;
	assign reach = {1'b0, c_next} + {21'd0, f.len};
	assign room = f.len != 12'd0 && f.param == c_next && reach <= {1'b0, c_end};
	// A frame that is not the last has no fill and so a multiple of four bytes.
	assign good = order && room && f.df_ctl == 8'd0 && f.f_ctl[weft_fc_rx_pkg::F_REL_OFF] && f.last == f.f_ctl[weft_fc_rx_pkg::F_END_SEQ];

	// What the context becomes: m, place, trap, next_n are registered in DECIDE.
	assign at_end = f.last && next_n == c_end && flags[EVENT];
	always_comb begin
		flags_n = flags;
		if (place) begin
			flags_n[OPEN] = !f.last;
			if (peer_id != 16'hffff) flags_n[PEER] = 1'b1;
			if (at_end) flags_n[ARMED] = 1'b0;
		end
		if (trap) flags_n[ARMED] = 1'b0;
		if (state == STOP) begin
			flags_n = e_rdata[7:0];
			flags_n[MATCH] = 1'b0;
			flags_n[ARMED] = 1'b0;
		end
	end

	logic stop_first, go;
	logic [10:0] slot;
	assign stop_first = s_valid;
	assign go = state == IDLE && !stop_first && !q_empty;
	assign slot = own_id[10:0];
	always_comb begin
		e_en = 1'b1;
		e_we = '0;
		e_addr = {slot, 1'b0};
		e_wdata = {next_n, f.seq_cnt + 16'd1, flags[PEER] ? c_peer : peer_id, c[63:16], f.seq_id, flags_n};
		case (state)
			IDLE: if (stop_first) e_addr = {s_slot, 1'b0};
			READ: e_addr = {slot, 1'b1};
			ACT: if (job_ready && place) e_we = 16'hff03; // flags, seq_id, peer_xid, seq_cnt, next
				else if (job_ready && trap) e_we = 16'h0001;
				else e_en = 1'b0;
			STOP: begin
				e_addr = {s_slot, 1'b0};
				if (job_ready) e_we = 16'h0001;
				else e_en = 1'b0; // the row read stays
			end
			default: e_en = 1'b0;
		endcase
	end

	always_ff @(posedge clk) begin
		if (rst) state <= IDLE;
		else case (state)
			IDLE: if (stop_first) state <= STOP;
				else if (go) state <= READ;
			READ: state <= CTX;
			CTX: state <= DECIDE;
			DECIDE: state <= ACT;
			ACT: if (job_ready) state <= place && at_end ? ENDED : IDLE;
			default: if (job_ready) state <= IDLE; // ENDED, STOP
		endcase
		if (state == READ) c <= e_rdata;
		if (state == CTX) {c_base, c_end} <= e_rdata[63:0];
		if (state == DECIDE) begin
			m <= match;
			place <= match && flags[ARMED] && data && good;
			trap <= match && flags[ARMED] && data && !good;
			next_n <= reach[31:0];
		end
	end
	assign q_pop = job_ready && ((state == ACT && !(place && at_end)) || state == ENDED);
	assign s_pop = job_ready && state == STOP;

	// ---- jobs ----
	assign a_flags = f.eth ? 8'h10 : {4'd0, f.last, f.first, trap, m};
	always_comb begin
		job_valid = state == ACT || state == ENDED || state == STOP;
		job.kind = weft_fc_rx_pkg::JOB_FRAME;
		job.bufno = f.bufno;
		job.w0 = {m ? {5'd0, slot} : weft_eng_pkg::NO_SLOT[15:0], a_flags, weft_eng_pkg::EVT_FC_FRAME[7:0]};
		job.w1 = {4'd0, f.len, f.eth ? 8'd0 : f.r_ctl, 1'b0, f.bufno};
		job.w2 = f.eth ? 32'd0 : {f.ftype, f.f_ctl};
		if (state == STOP) begin
			job.kind = weft_fc_rx_pkg::JOB_STOP;
			job.w0[31:16] = {5'd0, s_slot};
		end else if (state == ENDED) begin
			job.kind = weft_fc_rx_pkg::JOB_PLACED;
			job.w0 = {5'd0, slot, 8'd0, weft_eng_pkg::EVT_FC_PLACED[7:0]};
			job.w1 = next_n - c_base;
			job.w2 = 32'd0;
		end else if (place) begin
			job.kind = weft_fc_rx_pkg::JOB_DATA;
			job.w0 = {5'd0, slot, 4'd0, f.len};
			job.w1 = c_next - c_base;
		end
	end
	assign cnt_placed = state == ACT && job_ready && place;
	assign cnt_to_fw = state == ACT && job_ready && !place;
	assign cnt_trap = state == ACT && job_ready && trap;
	assign busy = state != IDLE || !q_empty || s_valid || s_wp != s_rp;

	logic unused;
	assign unused = &{1'b0, q_full, q_count, reach[32]};
`ifndef SYNTHESIS
	initial if ($bits(f) != weft_fc_rx_pkg::DESC_W) $fatal(1, "weft_fc_rx_eng: width");
`endif
endmodule
