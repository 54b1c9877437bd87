// SPDX-License-Identifier: BSD-2-Clause
// weft_core_fetch: instruction fetch with branch prediction and a queue of eight halfwords.
// A word is requested in one cycle and enters the queue in the next; the head of the queue is the
// instruction that decode sees, the cycle after that. One 32-bit instruction per cycle when memory grants
// every request. A redirect empties the queue and requests the new address in the same cycle.
// Back-pressure: no request without room for its answer; decode takes with take, one instruction at a time.
module weft_core_fetch #(
	parameter logic [31:0] RESET_PC = 32'h0,
	parameter logic [31:0] RESET_ALT = 32'h0
) (
	input  logic        clk,
	input  logic        rst,
	input  logic        reset_alt, // start at RESET_ALT
	input  logic        hold, // start no new request (core asleep)
	// memory
	output logic        i_req,
	output logic [31:0] i_addr,
	input  logic        i_gnt,
	input  logic [31:0] i_rdata,
	input  logic        i_err,
	// redirect, from execute
	input  logic        redirect,
	input  logic [31:1] redirect_pc,
	// predictor
	output logic [31:1] lk_addr,
	input  logic        lk_taken,
	input  logic        lk_half,
	input  logic [31:1] lk_target,
	output logic        lk_used,
	// head of the queue
	output logic        valid,
	output logic        is32,
	output logic [31:0] insn, // 16-bit instructions in the low half, upper half not significant
	output logic        err_first, // bus error on the first or
	output logic        err_second, // on the second half of the instruction
	output logic        pred_taken, // predicted to jump to pred_target
	output logic        pred_broken, // prediction splits this instruction: it must be fetched again
	output logic [31:1] pc, // of the head, also while the queue is empty
	output logic [31:1] next_pc, // pc plus length
	output logic [31:1] pred_target,
	input  logic        take
);
	localparam int DEPTH = 8;

	// Next address. at was requested last cycle if sent, else it is still to be requested.
	logic [31:1] at, addr;
	logic sent, jump;
	assign jump = sent && lk_taken;
	assign lk_addr = at;
	always_comb begin
		if (redirect)
			addr = redirect_pc;
		else if (jump)
			addr = lk_target;
		else if (sent)
			addr = {at[31:2] + 30'd1, 1'b0};
		else
			addr = at;
	end
	assign lk_used = jump && !redirect;
	assign i_addr = {addr[31:2], 2'b00};

	always_ff @(posedge clk) begin
		at <= addr;
		sent <= i_req && i_gnt;
		if (rst) begin
			at <= reset_alt ? RESET_ALT[31:1] : RESET_PC[31:1];
			sent <= 1'b0;
		end
	end

	// Queue of {error, branch predicted taken ends here, halfword}.
	logic [DEPTH*18-1:0] q, q_next;
	logic [3:0] count, base;
	logic [1:0] taken_n, in_n;
	logic [17:0] in_a, in_b, lo, hi;
	logic pred_first, pred_second;
	assign lo = {i_err, jump && !lk_half, i_rdata[15:0]};
	assign hi = {i_err, jump && lk_half, i_rdata[31:16]};
	assign in_a = at[1] ? hi : lo;
	assign in_b = hi;
	always_comb begin
		if (!sent)
			in_n = 2'd0;
		else if (at[1] || (jump && !lk_half))
			in_n = 2'd1;
		else
			in_n = 2'd2;
	end
	assign taken_n = !take ? 2'd0 : is32 && !err_first && !pred_first ? 2'd2 : 2'd1;
	assign base = count - {2'd0, taken_n};

	logic [(DEPTH+2)*18-1:0] q_wide;
	assign q_wide = {36'b0, q};
	always_comb begin
		for (int i = 0; i < DEPTH; i = i + 1) begin
			if (base == 4'(i))
				q_next[18*i +: 18] = in_a;
			else if (base + 4'd1 == 4'(i))
				q_next[18*i +: 18] = in_b;
			else if (taken_n[1])
				q_next[18*i +: 18] = q_wide[18*(i+2) +: 18];
			else if (taken_n[0])
				q_next[18*i +: 18] = q_wide[18*(i+1) +: 18];
			else
				q_next[18*i +: 18] = q_wide[18*i +: 18];
		end
	end

	always_ff @(posedge clk) begin
		q <= q_next;
		count <= base + {2'd0, in_n};
		if (rst || redirect)
			count <= '0;
	end

	// Targets of the predictions in the queue, oldest first.
	logic [4*31-1:0] t, t_next;
	logic [2:0] t_count, t_base;
	logic t_pop;
	assign t_pop = take && pred_taken;
	assign t_base = t_count - {2'd0, t_pop};
	assign pred_target = t[30:0];
	always_comb begin
		t_next = t;
		if (t_pop)
			t_next = {31'b0, t[4*31-1:31]};
		for (int i = 0; i < 4; i = i + 1) begin
			if (t_base == 3'(i))
				t_next[31*i +: 31] = lk_target;
		end
	end
	always_ff @(posedge clk) begin
		t <= t_next;
		t_count <= t_base + {2'd0, jump};
		if (rst || redirect)
			t_count <= '0;
	end

	// Room for this answer and one more, counted without what decode takes now.
	logic room;
	assign room = count + (sent ? 4'd4 : 4'd2) <= 4'(DEPTH) && t_count <= 3'd2;
	assign i_req = !rst && !hold && (room || redirect);

	// Head.
	assign is32 = q[1:0] == 2'b11;
	assign insn = {q[33:18], q[15:0]};
	assign err_first = q[17];
	assign err_second = is32 && q[35];
	assign pred_first = q[16];
	assign pred_second = is32 && q[34];
	assign pred_broken = is32 && pred_first;
	assign pred_taken = pred_first || pred_second;
	assign valid = count >= 4'd2 || (count == 4'd1 && (!is32 || err_first || pred_first));

	assign next_pc = pc + (is32 ? 31'd2 : 31'd1);
	always_ff @(posedge clk) begin
		if (take)
			pc <= pred_taken ? pred_target : next_pc;
		if (redirect)
			pc <= redirect_pc;
		if (rst)
			pc <= reset_alt ? RESET_ALT[31:1] : RESET_PC[31:1];
	end
endmodule
