// SPDX-License-Identifier: BSD-2-Clause
// weft_ring_unpack: takes the answers to the ring engine's reads (runs of up to four entries), checks each entry, takes its
// slot, copies it into shared SRAM and raises EVT_SQE. A run is looked at only when all of it came without an error.
// Latency: from the last beat of a run about 13 cycles per entry. Throughput: one entry per 13 cycles; the next run is
// received meanwhile. Back-pressure: event, SRAM and slot grants stop it, and it stops rd_rsp_ready when two runs wait.
module weft_ring_unpack (
	input  logic         clk,
	input  logic         rst,
	// the oldest run asked for
	input  logic         run_valid,
	input  logic [6:0]   run_qp,
	input  logic [2:0]   run_n,
	input  logic [9:0]   run_idx,
	input  logic [15:0]  run_base, // first slot of the pair
	input  logic [3:0]   run_log2,
	input  logic         run_dead, // its pair has failed already: forget it
	output logic         run_pop,
	// answers
	input  logic         rd_rsp_valid,
	output logic         rd_rsp_ready,
	input  logic [127:0] rd_rsp_data,
	input  logic         rd_rsp_last,
	input  logic         rd_rsp_err,
	// slots
	output logic         acq_req,
	output logic [10:0]  acq_slot,
	input  logic         acq_gnt,
	input  logic         acq_busy,
	output logic         inval_valid, // the slot gets a new entry
	output logic [15:0]  inval_slot,
	// shared SRAM
	output logic         x_req,
	output logic [15:0]  x_addr,
	output logic [127:0] x_wdata,
	input  logic         x_gnt,
	// ring position: entries before head_val are in their slots or refused
	output logic         head_valid,
	input  logic         head_ready,
	output logic [9:0]   head_val,
	// events and faults
	output logic         evt_valid,
	output logic [95:0]  evt_data,
	input  logic         evt_ready,
	output logic         fault_valid,
	input  logic         fault_ready,
	output logic         cnt_fetched,
	output logic [2:0]   cnt_bad,
	output logic         busy
);
	localparam logic [31:0] EVT_SQE = weft_eng_pkg::EVT_SQE;
	localparam logic [15:0] EINVAL = 16'd22;
	localparam logic [15:0] EBUSY = 16'd16;

	typedef enum logic [3:0] {
		U_WAIT, U_READ, U_CHECK, U_SLOT, U_COPY, U_HEAD, U_EVT, U_FAULT, U_END
	} state_t;
	state_t state;

	// ---- run buffer: two halves of 32 beats ----
	logic [127:0] mem [0:63];
	logic [127:0] q;
	logic in_half;
	logic [4:0] in_beat;
	logic [1:0] full;
	logic [1:0] failed;
	logic out_half;
	logic take;
	logic ren;
	logic [5:0] raddr;

	assign rd_rsp_ready = !full[in_half];
	assign take = rd_rsp_valid && rd_rsp_ready;
	always_ff @(posedge clk) begin
		if (take) mem[{in_half, in_beat}] <= rd_rsp_data;
		if (ren) q <= mem[raddr];
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			in_half <= 1'b0;
			in_beat <= 5'd0;
			full <= 2'd0;
			failed <= 2'd0;
		end else begin
			if (take) in_beat <= rd_rsp_last ? 5'd0 : in_beat + 5'd1;
			if (take && rd_rsp_last) begin
				in_half <= !in_half;
				full[in_half] <= 1'b1;
				failed[in_half] <= rd_rsp_err;
			end
			if (run_pop) full[out_half] <= 1'b0;
		end
	end

	// ---- entries ----
	logic [1:0] entry;
	logic [2:0] beat;
	logic [15:0] cid;
	logic [15:0] slot; // once checked, cid otherwise
	logic [15:0] errno;
	logic [16:0] sum;
	logic cid_bad;
	logic last_entry;

	assign sum = {1'b0, run_base} + {1'b0, q[31:16]};
	assign cid_bad = (q[31:16] >> run_log2) != 16'd0 || sum[16:11] != 6'd0;
	assign last_entry = {1'b0, entry} + 3'd1 == run_n;
	assign ren = state == U_READ || (state == U_COPY && x_gnt);
	assign raddr = {out_half, entry, state == U_READ ? 3'd0 : beat + 3'd1};

	assign acq_req = state == U_SLOT;
	assign acq_slot = slot[10:0];
	assign inval_valid = acq_req && acq_gnt && !acq_busy;
	assign inval_slot = slot;
	assign x_req = state == U_COPY;
	assign x_addr = {1'b0, slot[10:0], 1'b0, beat};
	assign x_wdata = q;
	assign head_valid = state == U_HEAD;
	assign head_val = run_idx + {8'd0, entry} + 10'd1;
	assign evt_valid = state == U_EVT;
	assign evt_data = {16'd0, errno, 16'd0, errno != 16'd0 ? cid : slot, 9'd0, run_qp,
			   errno != 16'd0 ? 8'd1 : 8'd0, EVT_SQE[7:0]};
	assign fault_valid = state == U_FAULT;
	assign run_pop = state == U_END;
	assign cnt_fetched = head_valid && head_ready;
	assign cnt_bad = fault_valid && fault_ready ? run_n : {2'd0, cnt_fetched && errno != 16'd0};
	assign busy = state != U_WAIT || full != 2'd0 || run_valid;

	always_ff @(posedge clk) begin
		if (rst) begin
			state <= U_WAIT;
			out_half <= 1'b0;
			entry <= 2'd0;
			beat <= 3'd0;
			cid <= 16'd0;
			slot <= 16'd0;
			errno <= 16'd0;
		end else begin
			case (state)
			U_WAIT: begin
				entry <= 2'd0;
				if (full[out_half] && run_valid)
					state <= run_dead ? U_END : failed[out_half] ? U_FAULT : U_READ;
			end
			U_READ: state <= U_CHECK;
			U_CHECK: begin
				beat <= 3'd0;
				cid <= q[31:16];
				slot <= sum[15:0];
				errno <= cid_bad ? EINVAL : 16'd0;
				state <= cid_bad ? U_HEAD : U_SLOT;
			end
			U_SLOT: if (acq_gnt) begin
				if (acq_busy) errno <= EBUSY;
				state <= acq_busy ? U_HEAD : U_COPY;
			end
			U_COPY: if (x_gnt) begin
				beat <= beat + 3'd1;
				if (beat == 3'd7) state <= U_HEAD;
			end
			U_HEAD: if (head_ready) state <= U_EVT;
			U_EVT: if (evt_ready) begin
				entry <= entry + 2'd1;
				state <= last_entry ? U_END : U_READ;
			end
			U_FAULT: if (fault_ready) state <= U_END;
			default: begin
				out_half <= !out_half;
				state <= U_WAIT;
			end
			endcase
		end
	end
endmodule
