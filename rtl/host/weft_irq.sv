// SPDX-License-Identifier: BSD-2-Clause
// weft_irq: decides when a queue pair's vector fires. A pair fires when it is armed and the host has not consumed
// coal_count entries or more (0 counts as 1), or has not consumed some coal_us after that was first seen (at once when
// coal_us is 0). Firing disarms. Only entries whose write was answered count.
// Pairs to look at stand in a queue, each at most once; between, pairs with a running timer are looked at in turn.
// Latency: three cycles from the answer to the request; a timer is seen within 128 looks. Throughput: a look per three cycles.
// Back-pressure: msix_req holds until msix_ack and nothing is looked at meanwhile; written_ready falls when a doorbell
// is served in the same cycle.
module weft_irq (
	input  logic        clk,
	input  logic        rst,
	input  logic        cfg_we,
	input  logic [6:0]  cfg_qp,
	input  logic [2:0]  cfg_word,
	input  logic [31:0] cfg_data,
	input  logic        start, // never with written_valid
	input  logic        arm_valid,
	input  logic [6:0]  arm_qp,
	input  logic        written_valid,
	output logic        written_ready,
	input  logic [6:0]  written_qp,
	output logic [6:0]  look_qp,
	input  logic [15:0] look_head, // entries consumed by look_qp's host
	input  logic [63:0] time_ns,
	output logic        msix_req,
	output logic [10:0] msix_vector,
	input  logic        msix_ack,
	output logic        cnt_sent,
	output logic        busy
);
	(* ram_style = "distributed" *) logic [10:0] vector [0:127];
	(* ram_style = "distributed" *) logic [15:0] coal [0:127]; // us, count
	(* ram_style = "distributed" *) logic [15:0] written [0:127]; // entries written since the start
	(* ram_style = "distributed" *) logic [39:0] deadline [0:127];
	logic [127:0] armed;
	logic [127:0] timing;
	logic [127:0] queued;
	logic [7:0] n_timing;

	always_ff @(posedge clk) begin
		if (cfg_we && cfg_word == 3'd4) vector[cfg_qp] <= cfg_data[26:16];
		if (cfg_we && cfg_word == 3'd5) coal[cfg_qp] <= cfg_data[31:16];
	end

	// ---- queue of pairs to look at ----
	logic wq_push;
	logic wq_pop;
	logic wq_empty;
	logic wq_full_unused;
	logic [7:0] wq_count_unused;
	logic [6:0] wq_din;
	logic [6:0] wq_out;
	logic take;

	assign written_ready = !arm_valid;
	assign take = written_valid && written_ready;
	assign wq_din = arm_valid ? arm_qp : written_qp;
	assign wq_push = (arm_valid || take) && !queued[wq_din];
	weft_dma_fifo #(.W(7), .DEPTH(128)) work (
		.clk, .rst, .push(wq_push), .din(wq_din), .pop(wq_pop), .dout(wq_out), .empty(wq_empty), .full(wq_full_unused),
		.count(wq_count_unused)
	);
	always_ff @(posedge clk) begin
		if (start || take) written[start ? cfg_qp : written_qp] <= start ? 16'd0 : written[written_qp] + 16'd1;
	end

	// ---- looks ----
	typedef enum logic [1:0] {I_IDLE, I_READ, I_ACT, I_SEND} state_t;
	state_t state;
	logic [6:0] scan;
	logic [15:0] left; // entries not consumed; negative when the host saw an entry before its answer came
	logic [15:0] r_left;
	logic [7:0] r_count;
	logic [7:0] r_us;
	logic [39:0] r_deadline;
	logic [39:0] over;
	logic some;
	logic fire;
	logic tick; // start the timer
	logic calm; // stop it

	assign wq_pop = state == I_IDLE && !wq_empty;
	assign left = written[look_qp] - look_head;
	assign over = time_ns[39:0] - r_deadline;
	assign some = armed[look_qp] && !r_left[15] && r_left != 16'd0;
	assign fire = state == I_ACT && some &&
		      (r_left >= {8'd0, r_count} || r_us == 8'd0 || (timing[look_qp] && !over[39]));
	assign tick = state == I_ACT && some && !fire && !timing[look_qp];
	assign calm = state == I_ACT && (!some || fire) && timing[look_qp];
	assign cnt_sent = msix_req && msix_ack;
	assign busy = !wq_empty || state != I_IDLE || n_timing != 8'd0;

	always_ff @(posedge clk) begin
		if (tick) deadline[look_qp] <= time_ns[39:0] + {22'd0, r_us, 10'd0} - {28'd0, r_us, 4'd0} - {29'd0, r_us, 3'd0};
		if (state == I_READ) begin
			r_left <= left;
			r_count <= coal[look_qp][7:0];
			r_us <= coal[look_qp][15:8];
			r_deadline <= deadline[look_qp];
			msix_vector <= vector[look_qp];
		end
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			state <= I_IDLE;
			scan <= 7'd0;
			look_qp <= 7'd0;
			armed <= '0;
			timing <= '0;
			queued <= '0;
			n_timing <= 8'd0;
			msix_req <= 1'b0;
		end else begin
			if (wq_pop) queued[wq_out] <= 1'b0;
			if (wq_push) queued[wq_din] <= 1'b1;
			if (start) armed[cfg_qp] <= 1'b0;
			if (fire) armed[look_qp] <= 1'b0;
			if (arm_valid) armed[arm_qp] <= 1'b1; // after fire: a new wish is not lost
			if (tick) timing[look_qp] <= 1'b1;
			if (calm) timing[look_qp] <= 1'b0;
			n_timing <= n_timing + {7'd0, tick} - {7'd0, calm};
			case (state)
			I_IDLE: if (!wq_empty) begin
				look_qp <= wq_out;
				state <= I_READ;
			end else if (n_timing != 8'd0) begin
				scan <= scan + 7'd1;
				look_qp <= scan;
				if (timing[scan]) state <= I_READ;
			end
			I_READ: state <= I_ACT;
			I_ACT: begin
				msix_req <= fire;
				state <= fire ? I_SEND : I_IDLE;
			end
			default: if (msix_ack) begin
				msix_req <= 1'b0;
				state <= I_IDLE;
			end
			endcase
		end
	end

	logic unused;
	assign unused = &{1'b0, cfg_data[15:0], time_ns[63:40], over[38:0]};
endmodule
