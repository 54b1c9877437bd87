// SPDX-License-Identifier: BSD-2-Clause
// weft_cq: completion writer. Firmware queues completions; each gets its place in the ring when queued, waits until all
// data writes accepted before it are answered, takes the sticky flags of its slot, frees the slot, and is written as one
// burst of two beats. weft_irq hears of it when the write is answered.
// Latency: 7 cycles from the answer to the last data write to the command (FLAG_LAG of them so that the receive side can
// still raise a flag for an answer it just saw). Throughput: one completion per six cycles, 16 unanswered writes.
// Back-pressure: push_ready falls when 32 completions wait. Completions leave in the order they came.
// wr_issued has to count a command in the cycle after its acceptance: that tells own commands from those of others.
module weft_cq #(
	parameter int unsigned FLAG_LAG = 8 // cycles the receive side may take from wr_done to slot_flag
) (
	input  logic         clk,
	input  logic         rst,
	// configuration, word as in struct qp_ctx
	input  logic         cfg_we,
	input  logic [6:0]   cfg_qp,
	input  logic [2:0]   cfg_word,
	input  logic [31:0]  cfg_data,
	input  logic         start, // cfg_qp starts with an empty ring; never with db_valid or written_valid
	// firmware
	input  logic         op_we,
	input  logic [2:0]   op_idx,
	input  logic [31:0]  op_data,
	input  logic         push_valid,
	output logic         push_ready,
	input  logic [31:0]  push_slot,
	output logic [5:0]   room, // completions the queue still takes
	input  logic [6:0]   cb_qp,
	output logic [15:0]  cb_space,
	output logic [15:0]  cb_tail,
	// doorbell
	input  logic         db_valid,
	input  logic [6:0]   db_qp,
	input  logic [31:0]  db_val,
	output logic         db_none, // the pair was never started
	output logic         db_bad,
	// interrupts
	output logic         arm_valid,
	output logic         written_valid,
	output logic [6:0]   written_qp,
	input  logic         written_ready,
	input  logic [6:0]   irq_qp,
	output logic [15:0]  irq_head, // count of entries consumed since the start
	// faults
	output logic         over_valid, // ring overrun
	output logic [6:0]   over_qp,
	input  logic         over_ready,
	output logic         fault_valid, // ring can't be written
	output logic [6:0]   fault_qp,
	input  logic         fault_ready,
	// slots
	output logic         rel_req,
	output logic [10:0]  rel_slot,
	input  logic         rel_gnt,
	input  logic [7:0]   rel_flags,
	// submission ring position
	output logic [6:0]   sq_qp,
	input  logic [15:0]  sq_head,
	// DMA write client
	output logic         wr_cmd_valid,
	input  logic         wr_cmd_ready,
	output logic [63:0]  wr_cmd_addr,
	output logic         wr_dat_valid,
	input  logic         wr_dat_ready,
	output logic [127:0] wr_dat_data,
	output logic         wr_dat_last,
	input  logic         wr_done_valid,
	input  logic         wr_done_err,
	input  logic [31:0]  wr_issued,
	input  logic [31:0]  wr_answered,
	// progress, modulo 256
	output logic [7:0]   pushed,
	output logic [7:0]   popped,
	output logic [7:0]   sent,
	output logic [7:0]   done,
	output logic         cnt_written,
	output logic         cnt_lost,
	output logic         busy
);
	function automatic logic [15:0] mask_of(input logic [3:0] n);
		mask_of = ~(16'hffff << n);
	endfunction

	// ---- tables, one line per pair; head and tail count entries, the low bits are the index ----
	logic [31:0] base_lo [0:127];
	logic [31:0] base_hi [0:127];
	(* ram_style = "distributed" *) logic [3:0] log2 [0:127];
	(* ram_style = "distributed" *) logic [15:0] tail [0:127];
	(* ram_style = "distributed" *) logic [15:0] head [0:127];
	logic [127:0] started;

	always_ff @(posedge clk)
		if (cfg_we && cfg_word == 3'd4) log2[cfg_qp] <= cfg_data[11:8] > 4'd12 ? 4'd12 : cfg_data[11:8];
	always_ff @(posedge clk) begin
		if (rst) started <= '0;
		else if (start) started[cfg_qp] <= 1'b1;
	end

	// ---- doorbell: the host can have seen no more than was given a place ----
	logic [15:0] db_head;
	logic [15:0] db_delta;
	logic db_ok;
	assign db_head = head[db_qp];
	assign db_delta = (db_val[15:0] - db_head) & mask_of(log2[db_qp]);
	assign db_none = db_valid && !started[db_qp];
	assign db_ok = db_valid && started[db_qp] && (db_val[15:0] >> log2[db_qp]) == 16'd0 && db_delta <= tail[db_qp] - db_head;
	assign db_bad = db_valid && !db_none && !db_ok;
	assign arm_valid = db_ok && db_val[31];
	assign irq_head = head[irq_qp];
	always_ff @(posedge clk)
		if (start || db_ok) head[start ? cfg_qp : db_qp] <= start ? 16'd0 : db_head + db_delta;

	// ---- firmware's side: place in the ring, queue ----
	logic [223:0] op;
	logic [6:0] p_qp;
	logic [3:0] p_log2;
	logic [15:0] p_tail;
	logic [15:0] p_used;
	logic [15:0] p_mask;
	logic [15:0] p_pass; // bit 0: which pass over the ring
	logic p_exists;
	logic p_full;
	logic p_lost;
	logic [31:0] noted;
	logic push;
	logic cf_full;
	logic cf_empty;
	logic cf_pop;
	logic [5:0] cf_count;

	assign p_qp = push_valid ? op[6:0] : cb_qp;
	assign p_log2 = log2[p_qp];
	assign p_tail = tail[p_qp];
	assign p_mask = mask_of(p_log2);
	assign p_pass = p_tail >> p_log2;
	assign p_used = p_tail - head[p_qp];
	assign p_exists = op[15:7] == 9'd0 && started[p_qp];
	assign p_full = p_used >= p_mask;
	assign p_lost = !p_exists || p_full;
	assign cb_space = p_mask - p_used;
	assign cb_tail = p_tail & p_mask;
	assign room = 6'd32 - cf_count;
	assign push_ready = !cf_full && !over_valid;
	assign push = push_valid && push_ready;
	assign cnt_lost = push && p_lost;

	always_ff @(posedge clk) begin
		for (int i = 0; i < 7; i++) if (op_we && op_idx == i[2:0]) op[i*32 +: 32] <= op_data;
		if (start || (push && !p_lost)) tail[start ? cfg_qp : p_qp] <= start ? 16'd0 : p_tail + 16'd1;
	end
	always_ff @(posedge clk) begin
		if (rst) over_valid <= 1'b0;
		else if (push && p_exists && p_full) over_valid <= 1'b1;
		else if (over_ready) over_valid <= 1'b0;
		if (push) over_qp <= p_qp;
	end

	logic c_lost;
	logic c_slotted;
	logic [10:0] c_slot;
	logic [31:0] c_noted;
	logic [11:0] c_idx;
	logic c_phase;
	logic [223:0] c_op;
	weft_dma_fifo #(.W(282), .DEPTH(32)) queue (
		.clk, .rst, .push,
		.din({p_lost, push_slot[31:11] == 21'd0, push_slot[10:0], noted, p_tail[11:0] & p_mask[11:0], !p_pass[0], op}),
		.pop(cf_pop), .dout({c_lost, c_slotted, c_slot, c_noted, c_idx, c_phase, c_op}),
		.empty(cf_empty), .full(cf_full), .count(cf_count)
	);

	// ---- writer ----
	typedef enum logic [2:0] {C_WAIT, C_SLOT, C_ADDR, C_CMD, C_DAT0, C_DAT1} state_t;
	state_t state;
	logic [FLAG_LAG*32-1:0] lag;
	logic [31:0] ahead;
	logic [63:0] base;
	logic [7:0] flags;
	logic [15:0] c_sq_head;
	logic if_full;
	logic if_empty;
	logic if_pop;
	logic [6:0] if_qp;
	logic [4:0] if_count_unused;

	// What a completion waits for: the last command accepted that was not a completion itself. When all those are answered
	// the mark follows the answers, so that it never falls behind by half the number range.
	logic [31:0] mark;
	logic [31:0] issued_q;
	logic own_q;
	logic [31:0] mark_ahead;
	assign noted = wr_issued != issued_q && !own_q ? wr_issued : mark;
	assign mark_ahead = lag[31:0] - noted;
	always_ff @(posedge clk) begin
		if (rst) begin
			mark <= 32'd0;
			issued_q <= 32'd0;
			own_q <= 1'b0;
		end else begin
			mark <= mark_ahead[31] ? noted : lag[31:0];
			issued_q <= wr_issued;
			own_q <= wr_cmd_valid && wr_cmd_ready;
		end
	end

	assign ahead = lag[31:0] - c_noted;
	assign sq_qp = c_op[6:0];
	assign rel_req = state == C_SLOT;
	assign rel_slot = c_slot;
	assign wr_cmd_valid = state == C_CMD;
	assign wr_dat_valid = state == C_DAT0 || state == C_DAT1;
	assign wr_dat_last = state == C_DAT1;
	// Byte 31 holds the phase: it comes last in the burst.
	assign wr_dat_data = state == C_DAT0 ? c_op[223:96] :
			     {7'd0, c_phase, 8'd0, c_sq_head, 9'd0, c_op[6:0], c_op[47:32],
			      c_op[31:24] | flags, c_op[23:16], c_op[63:48], c_op[95:64]};
	assign cf_pop = (state == C_ADDR && c_lost) || (state == C_DAT1 && wr_dat_ready);

	always_ff @(posedge clk) begin
		if (cfg_we && cfg_word == 3'd2) base_lo[cfg_qp] <= cfg_data;
		if (cfg_we && cfg_word == 3'd3) base_hi[cfg_qp] <= cfg_data;
		base <= {base_hi[sq_qp], base_lo[sq_qp]};
	end
	always_ff @(posedge clk) begin
		if (state == C_WAIT) flags <= 8'd0;
		else if (rel_req && rel_gnt) flags <= rel_flags;
		if (state == C_ADDR) begin
			wr_cmd_addr <= base + {47'd0, c_idx, 5'd0};
			c_sq_head <= sq_head;
		end
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			state <= C_WAIT;
			lag <= '0;
			pushed <= 8'd0;
			popped <= 8'd0;
			sent <= 8'd0;
		end else begin
			lag <= {wr_answered, lag[FLAG_LAG*32-1:32]};
			if (push) pushed <= pushed + 8'd1;
			if (cf_pop) popped <= popped + 8'd1;
			case (state)
			C_WAIT: if (!cf_empty && !ahead[31]) state <= c_slotted ? C_SLOT : C_ADDR;
			C_SLOT: if (rel_gnt) state <= C_ADDR;
			C_ADDR: if (c_lost) state <= C_WAIT;
				else if (!if_full) state <= C_CMD;
			C_CMD: if (wr_cmd_ready) begin
				sent <= sent + 8'd1;
				state <= C_DAT0;
			end
			C_DAT0: if (wr_dat_ready) state <= C_DAT1;
			default: if (wr_dat_ready) state <= C_WAIT;
			endcase
		end
	end

	// ---- answers: done pulses wait until weft_irq takes them ----
	logic dn_empty;
	logic dn_err;
	logic dn_full_unused;
	logic [4:0] dn_count_unused;
	weft_dma_fifo #(.W(7), .DEPTH(16)) inflight (
		.clk, .rst, .push(wr_cmd_valid && wr_cmd_ready), .din(sq_qp), .pop(if_pop), .dout(if_qp), .empty(if_empty),
		.full(if_full), .count(if_count_unused)
	);
	weft_dma_fifo #(.W(1), .DEPTH(16)) answers (
		.clk, .rst, .push(wr_done_valid), .din(wr_done_err), .pop(if_pop), .dout(dn_err), .empty(dn_empty),
		.full(dn_full_unused), .count(dn_count_unused)
	);
	logic told; // the fault of the answer at the head was reported
	assign fault_valid = !dn_empty && dn_err && !told;
	assign fault_qp = if_qp;
	assign written_valid = !dn_empty && (!dn_err || told);
	assign written_qp = if_qp;
	assign if_pop = written_valid && written_ready;
	assign cnt_written = if_pop && !dn_err;
	always_ff @(posedge clk) begin
		if (rst) begin
			told <= 1'b0;
			done <= 8'd0;
		end else begin
			if (if_pop) told <= 1'b0;
			else if (fault_valid && fault_ready) told <= 1'b1;
			if (if_pop) done <= done + 8'd1;
		end
	end

	assign busy = !cf_empty || !if_empty || over_valid || wr_cmd_valid;

	logic unused;
	assign unused = &{1'b0, c_op[15:7], p_pass[15:1], ahead[30:0], mark_ahead[30:0], db_val[30:16]};
endmodule
