// SPDX-License-Identifier: BSD-2-Clause
// weft_axil: AXI4-Lite slave: turns the bus into one write pulse or one read at a time. All responses are OKAY.
// Latency: write three cycles, read four. Throughput: one write per three cycles and one read per four, side by side.
// Back-pressure: awready, wready and arready are low while an access is under way. It is never waited for inside.
module weft_axil (
	input  logic        clk,
	input  logic        rst,
	input  logic [19:0] s_axil_awaddr,
	input  logic        s_axil_awvalid,
	output logic        s_axil_awready,
	input  logic [31:0] s_axil_wdata,
	input  logic [3:0]  s_axil_wstrb,
	input  logic        s_axil_wvalid,
	output logic        s_axil_wready,
	output logic [1:0]  s_axil_bresp,
	output logic        s_axil_bvalid,
	input  logic        s_axil_bready,
	input  logic [19:0] s_axil_araddr,
	input  logic        s_axil_arvalid,
	output logic        s_axil_arready,
	output logic [31:0] s_axil_rdata,
	output logic [1:0]  s_axil_rresp,
	output logic        s_axil_rvalid,
	input  logic        s_axil_rready,
	output logic        wr_valid, // for one cycle
	output logic [19:0] wr_addr,
	output logic [31:0] wr_data,
	output logic        wr_whole, // all four bytes
	output logic        rd_valid, // for one cycle; rd_data in the next
	output logic [19:0] rd_addr,
	input  logic [31:0] rd_data,
	output logic        busy
);
	logic have_a;
	logic have_d;
	logic [1:0] rstate; // 0 idle, 1 look up, 2 take the data, 3 answer

	assign s_axil_bresp = 2'd0;
	assign s_axil_rresp = 2'd0;
	assign s_axil_awready = !have_a;
	assign s_axil_wready = !have_d;
	assign wr_valid = have_a && have_d && !s_axil_bvalid;
	assign s_axil_arready = rstate == 2'd0;
	assign rd_valid = rstate == 2'd1;
	assign s_axil_rvalid = rstate == 2'd3;
	assign busy = have_a || have_d || s_axil_bvalid || rstate != 2'd0;

	always_ff @(posedge clk) begin
		if (s_axil_awvalid && s_axil_awready) wr_addr <= s_axil_awaddr;
		if (s_axil_wvalid && s_axil_wready) begin
			wr_data <= s_axil_wdata;
			wr_whole <= s_axil_wstrb == 4'hf;
		end
		if (s_axil_arvalid && s_axil_arready) rd_addr <= s_axil_araddr;
		if (rstate == 2'd2) s_axil_rdata <= rd_data;
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			have_a <= 1'b0;
			have_d <= 1'b0;
			s_axil_bvalid <= 1'b0;
			rstate <= 2'd0;
		end else begin
			have_a <= have_a ? !wr_valid : s_axil_awvalid;
			have_d <= have_d ? !wr_valid : s_axil_wvalid;
			s_axil_bvalid <= wr_valid || (s_axil_bvalid && !s_axil_bready);
			if (rstate == 2'd0) rstate <= {1'b0, s_axil_arvalid};
			else if (rstate != 2'd3) rstate <= rstate + 2'd1;
			else if (s_axil_rready) rstate <= 2'd0;
		end
	end
endmodule
