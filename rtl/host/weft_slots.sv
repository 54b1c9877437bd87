// SPDX-License-Identifier: BSD-2-Clause
// weft_slots: busy bit and sticky error flags of every command slot.
// One operation per cycle, answered in the cycle of its grant. Order: flags (never wait), release, acquire, sweep.
// After reset it clears itself, one slot per cycle, and grants nothing until then.
module weft_slots (
	input  logic        clk,
	input  logic        rst,
	output logic        busy, // still clears itself
	// sticky flags from the receive side; slots out of range are ignored
	input  logic        flag_valid,
	input  logic [15:0] flag_slot,
	input  logic [7:0]  flag_bits,
	// completion: read the flags, free the slot
	input  logic        rel_req,
	input  logic [10:0] rel_slot,
	output logic        rel_gnt,
	output logic [7:0]  rel_flags,
	// fetch: take the slot when it is free, with flags cleared
	input  logic        acq_req,
	input  logic [10:0] acq_slot,
	output logic        acq_gnt,
	output logic        acq_busy,
	// sweep: free whatever it was
	input  logic        swp_req,
	input  logic [10:0] swp_slot,
	output logic        swp_gnt
);
	localparam logic [31:0] DDGST = weft_host_pkg::CQF_DDGST_ERR;
	localparam logic [31:0] DMA = weft_host_pkg::CQF_DMA_ERR;

	(* ram_style = "distributed" *) logic [2:0] mem [0:2047]; // dma error, digest error, busy
	logic [11:0] init;
	logic flag;
	logic [10:0] addr;
	logic [2:0] was;
	logic [2:0] now;
	logic we;
	logic we_q;
	logic [10:0] addr_q;
	logic [2:0] now_q;

`ifndef SYNTHESIS
	initial if (weft_host_pkg::N_SLOTS != 2048) $fatal(1, "weft_slots: made for 2048 slots");
`endif

	assign busy = !init[11];
	assign flag = flag_valid && flag_slot[15:11] == 5'd0;
	assign rel_gnt = rel_req && !busy && !flag;
	assign acq_gnt = acq_req && !busy && !flag && !rel_req;
	assign swp_gnt = swp_req && !busy && !flag && !rel_req && !acq_req;
	assign was = we_q && addr_q == addr ? now_q : mem[addr];
	assign acq_busy = was[0];
	assign rel_flags = (was[1] ? DDGST[7:0] : 8'd0) | (was[2] ? DMA[7:0] : 8'd0);

	always_comb begin
		we = 1'b1;
		now = 3'b000;
		if (busy) addr = init[10:0];
		else if (flag) begin
			addr = flag_slot[10:0];
			now = {was[2] || (flag_bits & DMA[7:0]) != 8'd0, was[1] || (flag_bits & DDGST[7:0]) != 8'd0, was[0]};
		end else if (rel_req) addr = rel_slot;
		else if (acq_req) begin
			addr = acq_slot;
			now = 3'b001;
			we = !was[0];
		end else begin
			addr = swp_slot;
			we = swp_req;
		end
	end

	// Written a cycle later, which halves the path; an operation on the same slot in between takes the value on its way.
	always_ff @(posedge clk) if (we_q) mem[addr_q] <= now_q;
	always_ff @(posedge clk) begin
		we_q <= we && !rst;
		addr_q <= addr;
		now_q <= now;
	end
	always_ff @(posedge clk) begin
		if (rst) init <= 12'd0;
		else if (busy) init <= init + 12'd1;
	end
endmodule
