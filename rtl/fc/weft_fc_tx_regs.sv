// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_tx_regs: registers of FC transmit and of the link on the core bus, the queue of 32 operations, the kill state of every slot.
// Kill state: a bit per slot, in RAM that clears itself after reset; until then (2,048 cycles) FTX_KILL waits and no operation is shown.
// Slots out of range are never killed. A lookup answers the cycle after the slot is given, and follows later writes.
// Latency: rvalid the cycle after gnt. Throughput: an access in two cycles. Back-pressure: FTX_PUSH gets no gnt while the queue is full.
module weft_fc_tx_regs (
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
	output logic         op_waits, // one is queued
	output logic         op_valid,
	input  logic         op_pop,
	output logic [7:0]   op_flags,
	output logic [15:0]  op_rec,   // XRAM beat
	// kill state: two lookups
	input  logic [15:0]  ka_slot,
	output logic         ka_hit,
	input  logic [15:0]  kb_slot,
	output logic         kb_hit,
	// port
	output logic [1:0]   mode,
	output logic [2:0]   prim,
	output logic         drop,     // FC_CTRL.DROP, or the mode is neither wire
	output logic         credit_wr,
	output logic [15:0]  credit_val,
	output logic [23:0]  map,
	output logic         fcf,
	output logic [47:0]  fcf_mac,
	input  logic [31:0]  status,
	output logic         status_rd // pulse: firmware read FC_STATUS
);
	localparam logic [31:0] N_SLOTS = weft_host_pkg::N_SLOTS;
`ifndef SYNTHESIS
	initial if (N_SLOTS != 2048) $fatal(1, "weft_fc_tx_regs: made for 2048 slots");
`endif
	logic [11:0] off;
	logic        wr, sel_push, sel_kill, full, drop_bit, sweep;
	logic [31:0] rec;
	logic [5:0]  count;
	logic [11:0] init;
	assign off = {cb_addr[11:2], 2'b00};
	assign sel_push = off == weft_eng_pkg::FTX_PUSH[11:0];
	assign sel_kill = off == weft_eng_pkg::FTX_KILL[11:0];
	assign cb_gnt = cb_req && !cb_rvalid && !(cb_we && (sel_push && full || sel_kill && sweep));
	assign wr = cb_gnt && cb_we;
	assign status_rd = cb_gnt && !cb_we && off == weft_eng_pkg::FC_STATUS[11:0];
	assign credit_wr = wr && off == weft_eng_pkg::FC_CREDIT[11:0];
	assign credit_val = cb_wdata[15:0];

	always_ff @(posedge clk) begin
		cb_rvalid <= cb_gnt && !rst;
		case (off)
		weft_eng_pkg::FTX_FREE[11:0]:  cb_rdata <= 32'd32 - {26'd0, count};
		weft_eng_pkg::FC_CTRL[11:0]:   cb_rdata <= {23'd0, drop_bit, 1'b0, prim, 2'b00, mode};
		weft_eng_pkg::FC_STATUS[11:0]: cb_rdata <= status;
		weft_eng_pkg::FC_MAP[11:0]:    cb_rdata <= {7'd0, fcf, map};
		weft_eng_pkg::FC_FCF_LO[11:0]: cb_rdata <= fcf_mac[31:0];
		weft_eng_pkg::FC_FCF_HI[11:0]: cb_rdata <= {16'd0, fcf_mac[47:32]};
		default:                       cb_rdata <= 32'd0;
		endcase
		drop <= drop_bit || !(mode == weft_eng_pkg::FCM_NATIVE[1:0] || mode == weft_eng_pkg::FCM_FCOE[1:0]);
		if (wr) begin
			case (off)
			weft_eng_pkg::FTX_REC[11:0]:   rec <= cb_wdata;
			weft_eng_pkg::FC_CTRL[11:0]:   {drop_bit, prim, mode} <= {cb_wdata[8], cb_wdata[6:4], cb_wdata[1:0]};
			weft_eng_pkg::FC_MAP[11:0]:    {fcf, map} <= cb_wdata[24:0];
			weft_eng_pkg::FC_FCF_LO[11:0]: fcf_mac[31:0] <= cb_wdata;
			weft_eng_pkg::FC_FCF_HI[11:0]: fcf_mac[47:32] <= cb_wdata[15:0];
			default: ;
			endcase
		end
		if (rst) begin
			rec <= '0;
			drop_bit <= 1'b0;
			drop <= 1'b1;
			prim <= weft_eng_pkg::FCP_IDLE[2:0];
			mode <= weft_eng_pkg::FCM_OFF[1:0];
			{fcf, map, fcf_mac} <= '0;
		end
	end

	weft_tx_fifo #(.W(24), .AW(5)) u_ops (
		.clk, .rst, .wr(wr && sel_push), .wdata({cb_wdata[7:0], rec[19:4]}), .full, .valid(op_waits), .rdata({op_flags, op_rec}), .rd(op_pop), .count
	);
	assign op_valid = op_waits && !sweep;

	(* ram_style = "distributed" *) logic kill [0:2047];
	logic        k_we, k_val;
	logic [10:0] k_addr;
	assign sweep = !init[11];
	assign k_we = sweep || wr && sel_kill && cb_wdata[15:11] == '0;
	assign k_val = !sweep && cb_wdata[16];
	assign k_addr = sweep ? init[10:0] : cb_wdata[10:0];
	always_ff @(posedge clk) if (k_we) kill[k_addr] <= k_val;
	always_ff @(posedge clk) begin
		ka_hit <= kill[ka_slot[10:0]] && ka_slot[15:11] == '0;
		kb_hit <= kill[kb_slot[10:0]] && kb_slot[15:11] == '0;
		if (rst) init <= '0;
		else if (sweep) init <= init + 12'd1;
	end

	logic unused;
	assign unused = &{1'b0, cb_be, cb_addr[31:12], cb_addr[1:0], rec[31:20], rec[3:0]};
endmodule
