// SPDX-License-Identifier: BSD-2-Clause
// weft_kernel_split: one AXI4-Lite slave of 2 MiB for two of 1 MiB: address bit 20 says which. Bit 0 of each two-bit port is the lower one.
// Latency: one cycle for the address. Throughput: one write and one read at a time, side by side.
// Back-pressure: awready, wready and arready are low while an access is under way; data waits for its address.
module weft_kernel_split (
	input  wire        clk,
	input  wire        rst,
	input  wire [20:0] s_awaddr,
	input  wire        s_awvalid,
	output wire        s_awready,
	input  wire [31:0] s_wdata,
	input  wire [3:0]  s_wstrb,
	input  wire        s_wvalid,
	output wire        s_wready,
	output wire [1:0]  s_bresp,
	output wire        s_bvalid,
	input  wire        s_bready,
	input  wire [20:0] s_araddr,
	input  wire        s_arvalid,
	output wire        s_arready,
	output wire [31:0] s_rdata,
	output wire [1:0]  s_rresp,
	output wire        s_rvalid,
	input  wire        s_rready,
	output wire [19:0] m_awaddr,
	output wire [1:0]  m_awvalid,
	input  wire [1:0]  m_awready,
	output wire [31:0] m_wdata,
	output wire [3:0]  m_wstrb,
	output wire [1:0]  m_wvalid,
	input  wire [1:0]  m_wready,
	input  wire [3:0]  m_bresp,
	input  wire [1:0]  m_bvalid,
	output wire [1:0]  m_bready,
	output wire [19:0] m_araddr,
	output wire [1:0]  m_arvalid,
	input  wire [1:0]  m_arready,
	input  wire [63:0] m_rdata,
	input  wire [3:0]  m_rresp,
	input  wire [1:0]  m_rvalid,
	output wire [1:0]  m_rready
);
	// --- writes: w_busy from the address to the answer; what is still to be handed on: w_addr, w_data ---
	reg        w_busy, w_addr, w_data;
	reg [20:0] awaddr;
	wire       w_hi = awaddr[20];

	assign s_awready = !w_busy;
	assign m_awaddr = awaddr[19:0];
	assign m_awvalid = {w_addr && w_hi, w_addr && !w_hi};
	assign m_wdata = s_wdata;
	assign m_wstrb = s_wstrb;
	assign m_wvalid = {w_data && s_wvalid && w_hi, w_data && s_wvalid && !w_hi};
	assign s_wready = w_data && (w_hi ? m_wready[1] : m_wready[0]);
	assign s_bvalid = w_busy && (w_hi ? m_bvalid[1] : m_bvalid[0]);
	assign s_bresp = w_hi ? m_bresp[3:2] : m_bresp[1:0];
	assign m_bready = {w_busy && w_hi && s_bready, w_busy && !w_hi && s_bready};

	always @(posedge clk) begin
		if (s_awvalid && s_awready) awaddr <= s_awaddr;
		if (rst) begin
			w_busy <= 1'b0;
			w_addr <= 1'b0;
			w_data <= 1'b0;
		end else if (s_awvalid && s_awready) begin
			w_busy <= 1'b1;
			w_addr <= 1'b1;
			w_data <= 1'b1;
		end else begin
			if (w_hi ? m_awready[1] : m_awready[0]) w_addr <= 1'b0;
			if (s_wvalid && s_wready) w_data <= 1'b0;
			if (s_bvalid && s_bready) w_busy <= 1'b0;
		end
	end

	// --- reads ---
	reg        r_busy, r_addr;
	reg [20:0] araddr;
	wire       r_hi = araddr[20];

	assign s_arready = !r_busy;
	assign m_araddr = araddr[19:0];
	assign m_arvalid = {r_addr && r_hi, r_addr && !r_hi};
	assign s_rvalid = r_busy && (r_hi ? m_rvalid[1] : m_rvalid[0]);
	assign s_rdata = r_hi ? m_rdata[63:32] : m_rdata[31:0];
	assign s_rresp = r_hi ? m_rresp[3:2] : m_rresp[1:0];
	assign m_rready = {r_busy && r_hi && s_rready, r_busy && !r_hi && s_rready};

	always @(posedge clk) begin
		if (s_arvalid && s_arready) araddr <= s_araddr;
		if (rst) begin
			r_busy <= 1'b0;
			r_addr <= 1'b0;
		end else if (s_arvalid && s_arready) begin
			r_busy <= 1'b1;
			r_addr <= 1'b1;
		end else begin
			if (r_hi ? m_arready[1] : m_arready[0]) r_addr <= 1'b0;
			if (s_rvalid && s_rready) r_busy <= 1'b0;
		end
	end
endmodule
