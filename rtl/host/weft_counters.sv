// SPDX-License-Identifier: BSD-2-Clause
// weft_counters: free-running 32-bit counters, numbered as in the host interface.
// Each adds its step every cycle. Reading is combinational; numbers without a counter read as zero.
module weft_counters (
	input  logic        clk,
	input  logic        rst,
	input  logic [63:0] inc, // one bit per counter: adds one
	input  logic [2:0]  sqe_bad,
	input  logic [4:0]  rd_bytes,
	input  logic [4:0]  wr_bytes,
	input  logic [4:0]  tx_bytes,
	input  logic [4:0]  rx_bytes,
	input  logic [4:0]  placed_bytes,
	input  logic [5:0]  num,
	output logic [31:0] value
);
	localparam int unsigned N = int'(weft_host_pkg::CNT_FC_RX_TRAP) + 1; // it is the last
	logic [N*5-1:0] extra;
	logic [63:0] inc_unused;
	logic [32*64-1:0] all;

	assign inc_unused = inc;
	always_comb begin
		extra = '0;
		extra[weft_host_pkg::CNT_SQE_BAD * 5 +: 5] = {2'd0, sqe_bad};
		extra[weft_host_pkg::CNT_DMA_RD_BYTES * 5 +: 5] = rd_bytes;
		extra[weft_host_pkg::CNT_DMA_WR_BYTES * 5 +: 5] = wr_bytes;
		extra[weft_host_pkg::CNT_TX_BYTES * 5 +: 5] = tx_bytes;
		extra[weft_host_pkg::CNT_RX_BYTES * 5 +: 5] = rx_bytes;
		extra[weft_host_pkg::CNT_RX_PLACED_BYTES * 5 +: 5] = placed_bytes;
	end

	generate
		for (genvar i = 0; i < 64; i++) begin : g_cnt
			if (i < N) begin : g_real
				logic [31:0] count;
				logic [4:0] step;
				assign step = extra[i*5 +: 5] + {4'd0, inc[i]};
				always_ff @(posedge clk) begin
					if (rst) count <= 32'd0;
					else if (step != 5'd0) count <= count + {27'd0, step};
				end
				assign all[i*32 +: 32] = count;
			end else begin : g_none
				assign all[i*32 +: 32] = 32'd0;
			end
		end
	endgenerate
	assign value = all[{num, 5'd0} +: 32];
endmodule
