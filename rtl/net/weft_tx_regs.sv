// SPDX-License-Identifier: BSD-2-Clause
// weft_tx_regs: transmit registers on the core bus, the queue of 32 operations, the acknowledgements asked for, the kill state.
// An acknowledgement asked for again before it is served is one acknowledgement: each connection stands in the queue at most once,
// so that the queue of N_CONN entries cannot overflow.
// Latency: rvalid the cycle after gnt. Throughput: an access in two cycles. Back-pressure: TX_PUSH gets no gnt while the queue is full;
// ackrq_ready is low only in the cycle of a TX_ACK write.
module weft_tx_regs (
	input  logic         clk,
	input  logic         rst,
	input  logic         cb_req,
	input  logic         cb_we,
	input  logic [3:0]   cb_be,
	input  logic [31:0]  cb_addr,
	input  logic [31:0]  cb_wdata,
	output logic         cb_gnt,
	output logic         cb_rvalid,
	output logic [31:0]  cb_rdata,
	// operations
	output logic         op_valid,
	input  logic         op_pop,
	output logic [7:0]   op_conn,
	output logic [7:0]   op_flags,
	output logic [15:0]  op_rec,   // XRAM beat
	output logic [31:0]  op_seq,
	output logic [31:0]  op_off,
	output logic [31:0]  op_len,
	// acknowledgements
	input  logic         ackrq_valid,
	input  logic [6:0]   ackrq_conn,
	output logic         ackrq_ready,
	output logic         ack_valid,
	output logic [6:0]   ack_conn,
	output logic         ack_hw,
	input  logic         ack_pop,
	// kill state
	output logic [127:0] killed,
	input  logic         kill_valid,
	input  logic [6:0]   kill_conn,
	output logic         allow_valid,
	output logic [6:0]   allow_conn
);
	logic [11:0] off;
	logic        wr, sel_push, sel_ack, sel_kill, full;
	logic [31:0] rec, seq, offs, len;
	logic [5:0]  count;
	assign off = {cb_addr[11:2], 2'b00};
	assign sel_push = off == weft_eng_pkg::TX_PUSH[11:0];
	assign sel_ack = off == weft_eng_pkg::TX_ACK[11:0];
	assign sel_kill = off == weft_eng_pkg::TX_KILL[11:0];
	assign cb_gnt = cb_req && !cb_rvalid && !(cb_we && sel_push && full);
	assign wr = cb_gnt && cb_we;

	always_ff @(posedge clk) begin
		cb_rvalid <= cb_gnt && !rst;
		cb_rdata <= off == weft_eng_pkg::TX_FREE[11:0] ? 32'd32 - {26'd0, count} : 32'd0;
		if (wr) begin
			if (off == weft_eng_pkg::TX_REC[11:0]) rec <= cb_wdata;
			if (off == weft_eng_pkg::TX_SEQ[11:0]) seq <= cb_wdata;
			if (off == weft_eng_pkg::TX_OFF[11:0]) offs <= cb_wdata;
			if (off == weft_eng_pkg::TX_LEN[11:0]) len <= cb_wdata;
		end
	end

	weft_tx_fifo #(.W(128), .AW(5)) u_ops (
		.clk, .rst, .wr(wr && sel_push), .wdata({cb_wdata[15:0], rec[19:4], seq, offs, len}), .full,
		.valid(op_valid), .rdata({op_flags, op_conn, op_rec, op_seq, op_off, op_len}), .rd(op_pop), .count
	);

	logic         fw_ack, ack_in, ack_full;
	logic [6:0]   ack_in_conn;
	logic [7:0]   ack_count;
	logic [127:0] pending;
	logic [127:0] insist; // firmware asked, too
	logic         first_hw;
	assign fw_ack = wr && sel_ack && cb_wdata[31:7] == '0;
	assign ackrq_ready = !fw_ack;
	assign ack_in = fw_ack || ackrq_valid;
	assign ack_in_conn = fw_ack ? cb_wdata[6:0] : ackrq_conn;

	weft_tx_fifo #(.W(8), .AW(7)) u_acks (
		.clk, .rst, .wr(ack_in && !pending[ack_in_conn]), .wdata({!fw_ack, ack_in_conn}), .full(ack_full),
		.valid(ack_valid), .rdata({first_hw, ack_conn}), .rd(ack_pop), .count(ack_count)
	);

	assign ack_hw = first_hw && !insist[ack_conn] && !(fw_ack && ack_in_conn == ack_conn);

	assign allow_valid = wr && sel_kill && !cb_wdata[8] && !cb_wdata[7];
	assign allow_conn = cb_wdata[6:0];

	always_ff @(posedge clk) begin
		// one popped in the cycle in which it is asked for again is built later, so it answers both
		if (ack_in) pending[ack_in_conn] <= 1'b1;
		if (fw_ack) insist[ack_in_conn] <= 1'b1;
		if (ack_pop) pending[ack_conn] <= 1'b0;
		if (ack_pop) insist[ack_conn] <= 1'b0;
		if (wr && sel_kill && !cb_wdata[7]) killed[cb_wdata[6:0]] <= cb_wdata[8];
		if (kill_valid) killed[kill_conn] <= 1'b1;
		if (rst) begin
			pending <= '0;
			insist <= '0;
			killed <= '0;
		end
	end

	logic unused;
	assign unused = &{1'b0, cb_be, cb_addr[31:12], cb_addr[1:0], rec[31:20], rec[3:0], ack_full, ack_count};
endmodule
