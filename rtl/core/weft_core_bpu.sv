// SPDX-License-Identifier: BSD-2-Clause
// weft_core_bpu: branch predictor. Direct-mapped target buffer looked up with the address of a fetch word,
// two-bit direction counters, and a return stack.
// Lookup is combinational and only a hint: every prediction is checked when the instruction executes, so
// short tags and stale entries cost time, never correctness. An entry stands for one taken control transfer
// whose LAST halfword lies in the word, so that a hit also tells where in the word to stop.
// Updates come from the execute stage and are applied one cycle later.
module weft_core_bpu #(
	parameter int BTB_LOG2 = 7, // entries of the target buffer
	parameter int PHT_LOG2 = 8 // direction counters
) (
	input  logic        clk,
	input  logic        rst,
	input  logic        flush, // forget all targets (instruction memory may have changed)
	// lookup
	input  logic [31:1] lk_addr, // first halfword wanted of a word
	output logic        lk_taken,
	output logic        lk_half, // the branch ends in the upper halfword
	output logic [31:1] lk_target,
	input  logic        lk_used, // the hit steers fetch
	// resolved control transfer
	input  logic        up_valid,
	input  logic [31:1] up_last, // last halfword of the instruction
	input  logic [1:0]  up_type,
	input  logic        up_taken,
	input  logic        up_wrong, // prediction was wrong: fetch is being redirected
	input  logic [31:1] up_target,
	// entry that turned out to belong to no branch
	input  logic        up_clear,
	// any redirect of fetch
	input  logic        redirect
);
	localparam int ENTRIES = 1 << BTB_LOG2;
	// Targets and tags reach over the low 2 MiB; farther jumps are not remembered.
	localparam int REACH = 21;
	localparam int TAG_W = REACH - 2 - BTB_LOG2;
	localparam int ENTRY_W = TAG_W + 3 + REACH - 1;

	// Small, and read in the cycle of the address: distributed RAM.
	(* ram_style = "distributed" *) logic [ENTRY_W-1:0] btb [ENTRIES];
	(* ram_style = "distributed" *) logic [1:0] pht [1 << PHT_LOG2];
	(* ram_style = "distributed" *) logic [31:1] stack [8];
	logic [ENTRIES-1:0] valid;

	initial begin
		for (int i = 0; i < ENTRIES; i = i + 1)
			btb[i] = '0;
		for (int i = 0; i < (1 << PHT_LOG2); i = i + 1)
			pht[i] = 2'd1;
		for (int i = 0; i < 8; i = i + 1)
			stack[i] = '0;
	end

	// Lookup.
	logic [BTB_LOG2-1:0] lk_idx;
	logic [TAG_W-1:0] lk_tag;
	logic [1:0] lk_type, lk_count;
	logic [REACH-1:1] lk_low;
	logic [2:0] sp, sp_done; // as fetched, as executed
	assign lk_idx = lk_addr[BTB_LOG2+1:2];
	assign {lk_tag, lk_half, lk_type, lk_low} = btb[lk_idx];
	assign lk_count = pht[lk_addr[PHT_LOG2+1:2]];
	assign lk_target = lk_type == weft_core_pkg::BR_RET ? stack[sp] : {lk_addr[31:REACH], lk_low};
	assign lk_taken = valid[lk_idx] && lk_tag == lk_addr[REACH-1:BTB_LOG2+2]
		&& (lk_half || !lk_addr[1])
		&& (lk_type != weft_core_pkg::BR_COND || lk_count[1]);

	// Update, from registers.
	logic u_valid, u_taken, u_wrong, u_clear, u_store;
	logic [31:1] u_last, u_target;
	logic [1:0] u_type, u_old, u_new;
	logic [BTB_LOG2-1:0] u_idx;
	always_ff @(posedge clk) begin
		u_valid <= up_valid && !rst;
		u_clear <= up_clear && !rst;
		u_taken <= up_taken;
		u_wrong <= up_wrong;
		u_type <= up_type;
		u_last <= up_last;
		u_target <= up_target;
	end
	assign u_idx = u_last[BTB_LOG2+1:2];
	assign u_store = u_valid && u_taken && u_wrong && u_target[31:REACH] == u_last[31:REACH];
	assign u_old = pht[u_last[PHT_LOG2+1:2]];
	always_comb begin
		u_new = u_old;
		if (u_taken && u_old != 2'd3)
			u_new = u_old + 2'd1;
		else if (!u_taken && u_old != 2'd0)
			u_new = u_old - 2'd1;
	end

	always_ff @(posedge clk) begin
		if (u_store)
			btb[u_idx] <= {u_last[REACH-1:BTB_LOG2+2], u_last[1], u_type,
				       u_target[REACH-1:1]};
	end

	always_ff @(posedge clk) begin
		if (u_valid && u_type == weft_core_pkg::BR_COND)
			pht[u_last[PHT_LOG2+1:2]] <= u_new;
	end

	always_ff @(posedge clk) begin
		if (u_store)
			valid[u_idx] <= 1'b1;
		if (u_clear)
			valid[u_idx] <= 1'b0;
		if (rst || flush)
			valid <= '0;
	end

	// Return stack. Fetch pushes and pops speculatively; a redirect restores the pointer as executed.
	logic [31:1] up_link, lk_link, push_data;
	logic [2:0] sp_done_next;
	logic push;
	logic unused_count;
	assign unused_count = &{1'b0, lk_count[0]}; // only the high bit predicts
	assign up_link = up_last + 31'd1;
	assign lk_link = {lk_addr[31:2], lk_half} + 31'd1;
	assign push = redirect ? up_valid && up_type == weft_core_pkg::BR_CALL
		: lk_used && lk_type == weft_core_pkg::BR_CALL;
	assign push_data = redirect ? up_link : lk_link;
	always_comb begin
		sp_done_next = sp_done;
		if (up_valid && up_type == weft_core_pkg::BR_CALL)
			sp_done_next = sp_done + 3'd1;
		else if (up_valid && up_type == weft_core_pkg::BR_RET)
			sp_done_next = sp_done - 3'd1;
	end

	always_ff @(posedge clk) begin
		if (push)
			stack[redirect ? sp_done + 3'd1 : sp + 3'd1] <= push_data;
	end

	always_ff @(posedge clk) begin
		sp_done <= sp_done_next;
		if (redirect)
			sp <= sp_done_next;
		else if (lk_used && lk_type == weft_core_pkg::BR_CALL)
			sp <= sp + 3'd1;
		else if (lk_used && lk_type == weft_core_pkg::BR_RET)
			sp <= sp - 3'd1;
		if (rst) begin
			sp <= '0;
			sp_done <= '0;
		end
	end

`ifndef SYNTHESIS
	initial if (BTB_LOG2 < 2 || BTB_LOG2 > 10 || PHT_LOG2 < 2 || PHT_LOG2 > 12)
		$fatal(1, "weft_core_bpu: table size out of range");
`endif
endmodule
