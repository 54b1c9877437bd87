// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_rx_ctx: the exchange contexts (struct fcx, two rows of 16 bytes a slot): one port for the engine, one for the core.
// The flags DMA_ERR and SHORT have a memory of their own, since they change when no frame is under way: set_* sets them, firmware's
// write of the flags sets both to what it wrote, its reads show them, and place asks for them with q_slot.
// The engine writes a context only while it is ARMED (and for FCX_STOP), firmware only while it is not, so that the two need no lock;
// firmware writes the flags last, the engine reads them first.
// Latency: a row the cycle after its address; q_* in the same cycle. Throughput: one access per port and cycle.
// Back-pressure: a write of the flags waits while set_* is under way (c_ready).
module weft_fc_rx_ctx (
	input  logic         clk,
	input  logic         e_en,
	input  logic [15:0]  e_we,
	input  logic [11:0]  e_addr,
	input  logic [127:0] e_wdata,
	output logic [127:0] e_rdata,
	input  logic         c_en,
	input  logic         c_we,
	input  logic [3:0]   c_be,
	input  logic [13:0]  c_addr, // word
	input  logic [31:0]  c_wdata,
	output logic         c_ready,
	output logic [31:0]  c_rdata,
	input  logic         set_dma,
	input  logic [10:0]  set_dma_slot,
	input  logic         set_short,
	input  logic [10:0]  set_short_slot,
	input  logic [10:0]  q_slot,
	output logic         q_dma,
	output logic         q_short
);
	localparam int unsigned DMA_BIT = $clog2(weft_eng_pkg::FCX_DMA_ERR);
	localparam int unsigned SHORT_BIT = $clog2(weft_eng_pkg::FCX_SHORT);
	localparam int unsigned SLOTS = weft_host_pkg::N_SLOTS;

	logic         flags_we, is_flags, is_flags_q;
	logic [1:0]   word_q;
	logic         dma_q, short_q;
	logic [127:0] row;
	logic [15:0]  lanes;

	assign is_flags = c_addr[2:0] == 3'd0;
	assign c_ready = !(c_we && is_flags && c_be[0] && (set_dma || set_short));
	assign flags_we = c_en && c_we && is_flags && c_be[0];
	assign lanes = c_we ? {12'd0, c_be} << {c_addr[1:0], 2'b00} : 16'd0;

	weft_ram_tdp #(.WIDTH(128), .DEPTH(2 * SLOTS)) rows (
		.clk, .a_en(e_en), .a_we(e_we), .a_addr(e_addr), .a_wdata(e_wdata), .a_rdata(e_rdata),
		.b_en(c_en), .b_we(lanes), .b_addr(c_addr[13:2]), .b_wdata({4{c_wdata}}), .b_rdata(row)
	);

	(* ram_style = "distributed" *) logic dma [0:SLOTS-1];
	(* ram_style = "distributed" *) logic brief [0:SLOTS-1];
	logic        dma_we, short_we;
	logic [10:0] dma_wa, short_wa;
	assign dma_we = set_dma || flags_we;
	assign dma_wa = set_dma ? set_dma_slot : c_addr[13:3];
	assign short_we = set_short || flags_we;
	assign short_wa = set_short ? set_short_slot : c_addr[13:3];
	assign q_dma = dma[q_slot];
	assign q_short = brief[q_slot];
	always_ff @(posedge clk) if (dma_we) dma[dma_wa] <= set_dma || c_wdata[DMA_BIT];
	always_ff @(posedge clk) if (short_we) brief[short_wa] <= set_short || c_wdata[SHORT_BIT];

	always_ff @(posedge clk) if (c_en) begin
		word_q <= c_addr[1:0];
		is_flags_q <= is_flags;
		dma_q <= dma[c_addr[13:3]];
		short_q <= brief[c_addr[13:3]];
	end
	always_comb begin
		c_rdata = row[{word_q, 5'd0} +: 32];
		if (is_flags_q) begin
			c_rdata[DMA_BIT] = dma_q;
			c_rdata[SHORT_BIT] = short_q;
		end
	end
endmodule
