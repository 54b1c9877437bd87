// SPDX-License-Identifier: BSD-2-Clause
// Event queue: merges the blocks' events, round robin, into one queue that firmware reads.
// Latency: an event shows at the head two cycles after it was taken when the queue is empty. Throughput: one event in and one out per two cycles.
// Back-pressure: in_ready is low while the queue is full; nothing is dropped here.
module weft_evq #(
	parameter int unsigned N = 3,
	parameter int unsigned DEPTH = 512
) (
	input  logic            clk,
	input  logic            rst,
	input  logic [N-1:0]    in_valid,
	input  logic [N*96-1:0] in_data,
	output logic [N-1:0]    in_ready,
	output logic            head_valid,
	output logic [95:0]     head,
	input  logic            pop,
	output logic            any,     // something is queued, perhaps not at the head yet
	output logic            taken    // an event was queued in this cycle
);
	localparam int unsigned AW = $clog2(DEPTH);
	localparam int unsigned SW = (N > 1) ? $clog2(N) : 1;

	logic [95:0] mem[DEPTH];
	logic [95:0] mem_q;
	logic [AW:0] wr_ptr, rd_ptr;
	logic        mem_q_valid;
	logic        full, empty;

	assign full = (wr_ptr[AW-1:0] == rd_ptr[AW-1:0]) && (wr_ptr[AW] != rd_ptr[AW]);
	assign empty = wr_ptr == rd_ptr;

	// --- choose a source: the first after the last one served ---
	logic [SW-1:0] last, pick;
	logic          pick_valid;
	always_comb begin
		pick = '0;
		pick_valid = 1'b0;
		for (int unsigned i = 0; i < N; i++)
			if (!pick_valid && in_valid[i] && SW'(i) > last) begin
				pick = SW'(i);
				pick_valid = 1'b1;
			end
		for (int unsigned i = 0; i < N; i++)
			if (!pick_valid && in_valid[i]) begin
				pick = SW'(i);
				pick_valid = 1'b1;
			end
	end
	assign taken = pick_valid && !full;
	always_comb begin
		in_ready = '0;
		if (taken) in_ready[pick] = 1'b1;
	end

	logic [95:0] pick_data;
	always_comb begin
		pick_data = '0;
		for (int unsigned i = 0; i < N; i++)
			if (pick == SW'(i)) pick_data = in_data[i*96 +: 96];
	end

	// --- memory, then a head register ---
	logic rd_en;
	assign rd_en = !empty && !mem_q_valid && (!head_valid || pop);
	always_ff @(posedge clk) begin
		if (taken) mem[wr_ptr[AW-1:0]] <= pick_data;
		if (rd_en) mem_q <= mem[rd_ptr[AW-1:0]];
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			wr_ptr <= '0;
			rd_ptr <= '0;
			last <= '0;
			mem_q_valid <= 1'b0;
			head_valid <= 1'b0;
			head <= '0;
		end else begin
			if (taken) begin
				wr_ptr <= wr_ptr + 1'b1;
				last <= pick;
			end
			if (pop) head_valid <= 1'b0;
			if (rd_en) begin
				rd_ptr <= rd_ptr + 1'b1;
				mem_q_valid <= 1'b1;
			end
			if (mem_q_valid && (!head_valid || pop)) begin
				head <= mem_q;
				head_valid <= 1'b1;
				mem_q_valid <= 1'b0;
			end
		end
	end
	assign any = head_valid || mem_q_valid || !empty;

`ifndef SYNTHESIS
	initial if ((1 << AW) != DEPTH) $fatal(1, "weft_evq: DEPTH %0d is no power of two", DEPTH);
`endif
endmodule
