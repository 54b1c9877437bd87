// SPDX-License-Identifier: BSD-2-Clause
// The control space of the kernel: its own registers in the lower half; 16 words of memory stand in for the adapter in the upper.
module tb_board (
	input  logic        clk,
	input  logic        rst,
	input  logic [20:0] awaddr,
	input  logic        awvalid,
	output logic        awready,
	input  logic [31:0] wdata,
	input  logic [3:0]  wstrb,
	input  logic        wvalid,
	output logic        wready,
	output logic [1:0]  bresp,
	output logic        bvalid,
	input  logic        bready,
	input  logic [20:0] araddr,
	input  logic        arvalid,
	output logic        arready,
	output logic [31:0] rdata,
	output logic [1:0]  rresp,
	output logic        rvalid,
	input  logic        rready,
	output logic        irq,
	output logic        boot_hold,
	output logic        boot_we,
	output logic [31:0] boot_addr,
	output logic [31:0] boot_data,
	input  logic        core_trap,
	input  logic        idle,
	input  logic        link_up,
	input  logic        msix_req,
	input  logic [10:0] msix_vector
);
	logic [19:0] m_awaddr, m_araddr;
	logic [31:0] m_wdata;
	logic [3:0]  m_wstrb, m_bresp, m_rresp;
	logic [1:0]  m_awvalid, m_awready, m_wvalid, m_wready, m_bvalid, m_bready, m_arvalid, m_arready, m_rvalid, m_rready;
	logic [63:0] m_rdata;

	weft_kernel_split u_split (
		.clk, .rst, .s_awaddr(awaddr), .s_awvalid(awvalid), .s_awready(awready), .s_wdata(wdata), .s_wstrb(wstrb), .s_wvalid(wvalid), .s_wready(wready),
		.s_bresp(bresp), .s_bvalid(bvalid), .s_bready(bready), .s_araddr(araddr), .s_arvalid(arvalid), .s_arready(arready),
		.s_rdata(rdata), .s_rresp(rresp), .s_rvalid(rvalid), .s_rready(rready),
		.m_awaddr, .m_awvalid, .m_awready, .m_wdata, .m_wstrb, .m_wvalid, .m_wready, .m_bresp, .m_bvalid, .m_bready,
		.m_araddr, .m_arvalid, .m_arready, .m_rdata, .m_rresp, .m_rvalid, .m_rready
	);
	weft_kernel_regs u_regs (
		.clk, .rst, .interrupt(irq),
		.awaddr(m_awaddr), .awvalid(m_awvalid[0]), .awready(m_awready[0]), .wdata(m_wdata), .wstrb(m_wstrb), .wvalid(m_wvalid[0]), .wready(m_wready[0]),
		.bresp(m_bresp[1:0]), .bvalid(m_bvalid[0]), .bready(m_bready[0]),
		.araddr(m_araddr), .arvalid(m_arvalid[0]), .arready(m_arready[0]), .rdata(m_rdata[31:0]), .rresp(m_rresp[1:0]), .rvalid(m_rvalid[0]),
		.rready(m_rready[0]), .boot_hold, .boot_we, .boot_addr, .boot_data, .core_trap, .idle, .link_up, .msix_req, .msix_vector
	);

	// the adapter: words by address bits 5:2
	logic        wr_valid, wr_whole, rd_valid, busy;
	logic [19:0] wr_addr, rd_addr;
	logic [31:0] wr_data, rd_data;
	logic [31:0] mem [0:15];
	weft_axil u_top (
		.clk, .rst,
		.s_axil_awaddr(m_awaddr), .s_axil_awvalid(m_awvalid[1]), .s_axil_awready(m_awready[1]), .s_axil_wdata(m_wdata), .s_axil_wstrb(m_wstrb),
		.s_axil_wvalid(m_wvalid[1]), .s_axil_wready(m_wready[1]), .s_axil_bresp(m_bresp[3:2]), .s_axil_bvalid(m_bvalid[1]), .s_axil_bready(m_bready[1]),
		.s_axil_araddr(m_araddr), .s_axil_arvalid(m_arvalid[1]), .s_axil_arready(m_arready[1]), .s_axil_rdata(m_rdata[63:32]),
		.s_axil_rresp(m_rresp[3:2]), .s_axil_rvalid(m_rvalid[1]), .s_axil_rready(m_rready[1]),
		.wr_valid, .wr_addr, .wr_data, .wr_whole, .rd_valid, .rd_addr, .rd_data, .busy
	);
	always_ff @(posedge clk) begin
		if (wr_valid && wr_whole && wr_addr[19:6] == 14'd0) mem[wr_addr[5:2]] <= wr_data;
		if (rd_valid) rd_data <= rd_addr[19:6] == 14'd0 ? mem[rd_addr[5:2]] : 32'hdeadbeef;
	end
	logic unused;
	assign unused = &{1'b0, busy, wr_addr[1:0], rd_addr[1:0]};
endmodule
