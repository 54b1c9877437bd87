// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_rx_place: does the engine's jobs in order (data to host memory through the SGL walker, events, stops), and between them what the
// core asks for with FRX_PLACE (frx_*). The core waits in that register until the write command was accepted, so frx_* must not wait for
// anything that the core has to do: it overtakes events that the queue does not take.
// An event leaves when the write commands of all earlier data are accepted, EVT_FC_STOPPED when these writes are answered.
// A write error sets DMA_ERR of its slot's context and the slot's sticky flag; so does an SGL that is too short with SHORT and that flag.
// Latency: about seven cycles from a job to its first write command, with the walker's cache warm. Throughput: one beat per cycle; the
// walker works on the next job while this job's data moves. Back-pressure: full queues hold the engine; up to 64 writes may be unanswered.
module weft_fc_rx_place (
	input  logic         clk,
	input  logic         rst,
	input  logic         job_valid,
	input  weft_fc_rx_pkg::job_t job,
	output logic         job_ready,
	// FRX_PLACE
	input  logic         frx_valid,
	input  logic [63:0]  frx_addr,
	input  logic [15:0]  frx_off,
	input  logic [15:0]  frx_len,
	input  logic [7:0]   frx_buf,
	input  logic         frx_free,
	input  logic [15:0]  frx_slot,
	output logic         frx_done,
	input  logic         fw_valid, // firmware wrote this slot's context
	input  logic [10:0]  fw_slot,
	// contexts
	output logic         set_dma,
	output logic [10:0]  set_dma_slot,
	output logic         set_short,
	output logic [10:0]  set_short_slot,
	output logic [10:0]  q_slot,
	input  logic         q_dma,
	input  logic         q_short,
	// frame buffers
	output logic         pk_req,
	output logic [6:0]   pk_buf,
	output logic [7:0]   pk_beat,
	input  logic         pk_gnt,
	input  logic         pk_rvalid,
	input  logic [127:0] pk_rdata,
	output logic         free_valid,
	output logic         free_fw,
	output logic [6:0]   free_buf,
	input  logic         free_ready,
	output logic         own_valid,
	output logic [6:0]   own_buf,
	// SGL walker
	output logic         st_valid,
	input  logic         st_ready,
	output logic [15:0]  st_slot,
	output logic [31:0]  st_off,
	output logic [31:0]  st_len,
	output logic         st_fresh,
	input  logic         pc_valid,
	output logic         pc_ready,
	input  logic [63:0]  pc_addr,
	input  logic [15:0]  pc_len,
	input  logic         pc_last,
	input  logic         pc_err,
	// DMA write client
	output logic         wr_cmd_valid,
	output logic [63:0]  wr_cmd_addr,
	output logic [15:0]  wr_cmd_len,
	output logic [15:0]  wr_cmd_tag,
	input  logic         wr_cmd_ready,
	output logic         wr_dat_valid,
	output logic [127:0] wr_dat_data,
	output logic         wr_dat_last,
	input  logic         wr_dat_ready,
	input  logic         wr_done_valid,
	input  logic [15:0]  wr_done_tag,
	input  logic         wr_done_err,
	output logic         slot_flag_valid,
	output logic [15:0]  slot_flag_slot,
	output logic [7:0]   slot_flag_bits,
	input  logic         slot_flag_ready,
	output logic         evt_valid,
	output logic [95:0]  evt_data,
	input  logic         evt_ready,
	output logic         busy
);
	localparam logic [6:0] OPEN_MAX = 7'd64;

	// ---- jobs ----
	logic j_empty, j_full, j_pop;
	logic [3:0] j_count;
	weft_fc_rx_pkg::job_t j;
	logic [weft_fc_rx_pkg::JOB_W-1:0] j_bits;

	assign job_ready = !j_full;
	assign j = j_bits;
	weft_dma_fifo #(.W(weft_fc_rx_pkg::JOB_W), .DEPTH(8)) jobs (
		.clk, .rst, .push(job_valid && job_ready), .din(job), .pop(j_pop), .dout(j_bits), .empty(j_empty), .full(j_full), .count(j_count)
	);

	// ---- what is done now ----
	typedef enum logic [1:0] { IDLE, WALK, FRX, FLAG } state_e;
	state_e      state;
	logic        ready, is_data, is_event, is_stop; // of the job at the head, when its turn is
	logic        load_j, flag_ok;
	logic        f_valid, f_ready, c_valid, c_ready, cut_busy;
	logic        m_full;
	logic [15:0] slot, left;
	logic        stale; // firmware wrote the context of slot since the walker read its entry
	logic        room; // for a command
	logic        cmd; // accepted
	logic        frx_bad;
	logic [16:0] frx_end;
	logic [7:0]  frx_beats;

	assign ready = state == IDLE && !frx_valid && !j_empty;
	assign is_data = ready && j.kind == weft_fc_rx_pkg::JOB_DATA;
	assign is_event = ready && (j.kind == weft_fc_rx_pkg::JOB_FRAME || j.kind == weft_fc_rx_pkg::JOB_PLACED);
	assign is_stop = ready && j.kind == weft_fc_rx_pkg::JOB_STOP;
	assign j_pop = (st_valid && st_ready) || load_j || (is_stop && !m_full);

	assign st_valid = is_data && f_ready;
	assign st_slot = j.w0[31:16];
	assign st_off = j.w1;
	assign st_len = {16'd0, j.w0[15:0]};
	assign st_fresh = stale && j.w0[31:16] == slot;

	assign frx_end = {1'b0, frx_off} + {1'b0, frx_len};
	assign frx_bad = frx_buf[7] || frx_len == 16'd0 || frx_end > weft_eng_pkg::FCBUF_SIZE[16:0];
	assign frx_beats = frx_bad ? 8'd0 : 8'((frx_end - 17'd1) >> 4) - frx_off[11:4] + 8'd1;
	assign frx_done = state == FRX && f_ready && (frx_bad || cmd);

	assign wr_cmd_valid = room && c_ready && (state == FRX ? !frx_bad && f_ready : state == WALK && pc_valid && !pc_err);
	assign wr_cmd_addr = state == FRX ? frx_addr : pc_addr;
	assign wr_cmd_len = state == FRX ? frx_len : pc_len;
	assign wr_cmd_tag = state == FRX ? frx_slot : slot;
	assign cmd = wr_cmd_valid && wr_cmd_ready;
	assign pc_ready = state == WALK && (pc_err ? c_ready : room && c_ready && wr_cmd_ready);

	assign f_valid = frx_done || (st_valid && st_ready);
	assign c_valid = cmd || (state == WALK && pc_valid && pc_err);

	always_ff @(posedge clk) begin
		if (rst) begin
			state <= IDLE;
			stale <= 1'b0;
			slot <= '0;
		end else begin
			case (state)
				IDLE: if (frx_valid) state <= FRX;
					else if (st_valid && st_ready) state <= WALK;
				WALK: if (pc_valid && pc_ready && pc_last) state <= pc_err ? FLAG : IDLE;
				FRX: if (frx_done) state <= IDLE;
				default: if (flag_ok) state <= IDLE;
			endcase
			if (st_valid && st_ready) begin
				slot <= j.w0[31:16];
				stale <= 1'b0;
			end
			if (fw_valid && fw_slot == slot[10:0]) stale <= 1'b1;
		end
		if (st_valid && st_ready) left <= j.w0[15:0];
		else if (state == WALK && cmd) left <= left - pc_len;
	end

	weft_fc_rx_cut cut (
		.clk, .rst, .f_valid, .f_ready, .f_buf(state == FRX ? frx_buf[6:0] : j.bufno), .f_first(state == FRX ? frx_off[11:4] : 8'd2),
		.f_beats(state == FRX ? frx_beats : 8'((j.w0[15:0] + 16'd15) >> 4)), .f_free(state == FRX ? frx_free && !frx_buf[7] : 1'b1), .f_fw(state == FRX),
		.c_valid, .c_ready, .c_drop(state == WALK && pc_err), .c_last(state == FRX || pc_last), .c_off(state == FRX ? frx_off[3:0] : 4'd0),
		.c_len(state == FRX ? frx_len[12:0] : pc_err ? left[12:0] : pc_len[12:0]),
		.pk_req, .pk_buf, .pk_beat, .pk_gnt, .pk_rvalid, .pk_rdata, .free_valid, .free_fw, .free_buf, .free_ready,
		.wr_dat_valid, .wr_dat_data, .wr_dat_last, .wr_dat_ready, .busy(cut_busy)
	);

	// ---- answers and sticky flags ----
	logic [6:0]  open; // commands not answered, and errors among them whose flag is still here
	logic [7:0]  issued, answered;
	logic        err, q_empty, q_full, q_push, q_pop;
	logic [7:0]  q_count;

	assign err = wr_done_valid && wr_done_err;
	assign room = open < OPEN_MAX;
	assign set_dma = err && wr_done_tag[15:11] == 5'd0;
	assign set_dma_slot = wr_done_tag[10:0];
	assign flag_ok = state == FLAG && !err && q_count < 8'd32; // leaves place for the errors
	assign set_short = flag_ok;
	assign set_short_slot = slot[10:0];
	assign q_push = err || flag_ok;
	assign q_pop = slot_flag_valid && slot_flag_ready;
	assign slot_flag_valid = !q_empty;
	assign slot_flag_bits = weft_host_pkg::CQF_DMA_ERR[7:0];
	logic from_short; // this flag is not of a command
	weft_dma_fifo #(.W(17), .DEPTH(128)) flags (
		.clk, .rst, .push(q_push), .din({!err, err ? wr_done_tag : slot}), .pop(q_pop), .dout({from_short, slot_flag_slot}),
		.empty(q_empty), .full(q_full), .count(q_count)
	);
	always_ff @(posedge clk) begin
		if (rst) begin
			open <= '0;
			issued <= '0;
			answered <= '0;
		end else begin
			open <= open + {6'd0, cmd} - {6'd0, wr_done_valid && !wr_done_err} - {6'd0, q_pop && !from_short};
			if (cmd) issued <= issued + 8'd1;
			if (wr_done_valid) answered <= answered + 8'd1;
		end
	end

	// ---- events: a register that jobs and ripe stops fill in turns; a stop never overtakes an event before it ----
	logic        m_empty, m_pop, m_ripe, ev_free, turn_m;
	logic [4:0]  m_count;
	logic [7:0]  m_upto;
	logic [15:0] m_slot;

	weft_dma_fifo #(.W(24), .DEPTH(16)) stops (
		.clk, .rst, .push(is_stop && !m_full), .din({issued, j.w0[31:16]}), .pop(m_pop), .dout({m_upto, m_slot}),
		.empty(m_empty), .full(m_full), .count(m_count)
	);
	assign m_ripe = !m_empty && 8'(answered - m_upto) < 8'd128; // at most 64 apart
	assign ev_free = !evt_valid || evt_ready;
	assign m_pop = ev_free && m_ripe && (turn_m || !is_event);
	assign load_j = ev_free && is_event && !(m_ripe && turn_m);
	assign own_valid = load_j && j.kind == weft_fc_rx_pkg::JOB_FRAME;
	assign own_buf = j.bufno;
	assign q_slot = j.w0[26:16];

	always_ff @(posedge clk) begin
		if (rst) begin
			evt_valid <= 1'b0;
			turn_m <= 1'b0;
		end else if (ev_free) begin
			evt_valid <= m_pop || load_j;
			if (m_pop) turn_m <= 1'b0;
			else if (load_j) turn_m <= 1'b1;
		end
		if (ev_free) begin
			evt_data <= {j.w2, j.w1, j.w0};
			if (m_pop) evt_data <= {64'd0, m_slot, 8'd0, weft_eng_pkg::EVT_FC_STOPPED[7:0]};
			else if (j.kind == weft_fc_rx_pkg::JOB_PLACED) evt_data[15:8] <= {5'd0, q_short, q_dma, 1'b0};
		end
	end
	assign busy = state != IDLE || !j_empty || cut_busy || open != '0 || !m_empty || !q_empty || evt_valid;
	logic unused;
	assign unused = &{1'b0, j_count, m_count, q_full, left[15:13]};

`ifndef SYNTHESIS
	initial if ($bits(j) != weft_fc_rx_pkg::JOB_W) $fatal(1, "weft_fc_rx_place: width");
	always_ff @(posedge clk) if (!rst && state == WALK && pc_valid && !pc_err && pc_last != (pc_len == left))
		$fatal(1, "weft_fc_rx_place: pieces and payload differ");
`endif
endmodule
