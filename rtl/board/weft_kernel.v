// SPDX-License-Identifier: BSD-2-Clause
// The adapter as an RTL kernel of a Vitis platform: user managed, that is, XRT loads it and maps its registers, and does not start it.
//   s_axi_control  AXI4-Lite slave, 2 MiB: lower half weft_kernel_regs, upper half BAR 0 of weft_top
//   m_axi          AXI4 master to host memory (connect it to the platform's HOST bank)
//   axis_eth_tx    Ethernet frames to a MAC kernel, axis_eth_rx from one; without FCS. The receive side is always ready: weft_top cannot hold it
//   interrupt      high while a vector was asked for that the host has not cleared
// There is no Fibre Channel port: a platform has no FC-1 port to connect it to. It is tied off, without signal; FCoE works.
// LINK_UP: what weft_top sees of the link; a MAC kernel has no wire for it.
// CLK_KHZ: ap_clk, for the device time.
// Verilog 2001, as Vivado wants it at the top of a kernel.
module weft_kernel #(
	parameter CLK_KHZ = 250000,
	parameter LINK_UP = 1
) (
	input  wire         ap_clk,
	input  wire         ap_rst_n,
	output wire         interrupt,
	// AXI4-Lite slave
	input  wire [20:0]  s_axi_control_awaddr,
	input  wire         s_axi_control_awvalid,
	output wire         s_axi_control_awready,
	input  wire [31:0]  s_axi_control_wdata,
	input  wire [3:0]   s_axi_control_wstrb,
	input  wire         s_axi_control_wvalid,
	output wire         s_axi_control_wready,
	output wire [1:0]   s_axi_control_bresp,
	output wire         s_axi_control_bvalid,
	input  wire         s_axi_control_bready,
	input  wire [20:0]  s_axi_control_araddr,
	input  wire         s_axi_control_arvalid,
	output wire         s_axi_control_arready,
	output wire [31:0]  s_axi_control_rdata,
	output wire [1:0]   s_axi_control_rresp,
	output wire         s_axi_control_rvalid,
	input  wire         s_axi_control_rready,
	// AXI4 master; one ID, so that there is no signal for it
	output wire [63:0]  m_axi_araddr,
	output wire [7:0]   m_axi_arlen,
	output wire [2:0]   m_axi_arsize,
	output wire [1:0]   m_axi_arburst,
	output wire [1:0]   m_axi_arlock,
	output wire [3:0]   m_axi_arcache,
	output wire [2:0]   m_axi_arprot,
	output wire [3:0]   m_axi_arqos,
	output wire         m_axi_arvalid,
	input  wire         m_axi_arready,
	input  wire [127:0] m_axi_rdata,
	input  wire [1:0]   m_axi_rresp,
	input  wire         m_axi_rlast,
	input  wire         m_axi_rvalid,
	output wire         m_axi_rready,
	output wire [63:0]  m_axi_awaddr,
	output wire [7:0]   m_axi_awlen,
	output wire [2:0]   m_axi_awsize,
	output wire [1:0]   m_axi_awburst,
	output wire [1:0]   m_axi_awlock,
	output wire [3:0]   m_axi_awcache,
	output wire [2:0]   m_axi_awprot,
	output wire [3:0]   m_axi_awqos,
	output wire         m_axi_awvalid,
	input  wire         m_axi_awready,
	output wire [127:0] m_axi_wdata,
	output wire [15:0]  m_axi_wstrb,
	output wire         m_axi_wlast,
	output wire         m_axi_wvalid,
	input  wire         m_axi_wready,
	input  wire [1:0]   m_axi_bresp,
	input  wire         m_axi_bvalid,
	output wire         m_axi_bready,
	// Ethernet
	output wire [127:0] axis_eth_tx_tdata,
	output wire [15:0]  axis_eth_tx_tkeep,
	output wire         axis_eth_tx_tvalid,
	input  wire         axis_eth_tx_tready,
	output wire         axis_eth_tx_tlast,
	input  wire [127:0] axis_eth_rx_tdata,
	input  wire [15:0]  axis_eth_rx_tkeep,
	input  wire         axis_eth_rx_tvalid,
	output wire         axis_eth_rx_tready,
	input  wire         axis_eth_rx_tlast,
	input  wire         axis_eth_rx_tuser
);
	reg rst;
	always @(posedge ap_clk) rst <= !ap_rst_n;

	// Device time, ns with 32 bits of fraction: it drifts by less than a part in 10^9.
	localparam [63:0] TICK = (64'd1000000 << 32) / CLK_KHZ;
	reg [95:0] elapsed;
	always @(posedge ap_clk) elapsed <= rst ? 96'd0 : elapsed + {32'd0, TICK};

	// Normal, modifiable, bufferable; no lock, no protection, no priority
	assign m_axi_arlock = 2'd0;
	assign m_axi_arcache = 4'd3;
	assign m_axi_arprot = 3'd0;
	assign m_axi_arqos = 4'd0;
	assign m_axi_awlock = 2'd0;
	assign m_axi_awcache = 4'd3;
	assign m_axi_awprot = 3'd0;
	assign m_axi_awqos = 4'd0;
	assign axis_eth_rx_tready = 1'b1;

	// --- the two halves of the control space ---
	wire [19:0] addr_w, addr_r;
	wire [31:0] data_w;
	wire [3:0]  strb_w;
	wire [1:0]  awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready;
	wire [3:0]  bresp, rresp;
	wire [63:0] rdata;

	weft_kernel_split u_split (
		.clk(ap_clk), .rst(rst),
		.s_awaddr(s_axi_control_awaddr), .s_awvalid(s_axi_control_awvalid), .s_awready(s_axi_control_awready),
		.s_wdata(s_axi_control_wdata), .s_wstrb(s_axi_control_wstrb), .s_wvalid(s_axi_control_wvalid), .s_wready(s_axi_control_wready),
		.s_bresp(s_axi_control_bresp), .s_bvalid(s_axi_control_bvalid), .s_bready(s_axi_control_bready),
		.s_araddr(s_axi_control_araddr), .s_arvalid(s_axi_control_arvalid), .s_arready(s_axi_control_arready),
		.s_rdata(s_axi_control_rdata), .s_rresp(s_axi_control_rresp), .s_rvalid(s_axi_control_rvalid), .s_rready(s_axi_control_rready),
		.m_awaddr(addr_w), .m_awvalid(awvalid), .m_awready(awready), .m_wdata(data_w), .m_wstrb(strb_w), .m_wvalid(wvalid), .m_wready(wready),
		.m_bresp(bresp), .m_bvalid(bvalid), .m_bready(bready),
		.m_araddr(addr_r), .m_arvalid(arvalid), .m_arready(arready), .m_rdata(rdata), .m_rresp(rresp), .m_rvalid(rvalid), .m_rready(rready)
	);

	wire        boot_hold, boot_we, core_trap, idle, msix_req;
	wire [31:0] boot_addr, boot_data;
	wire [10:0] msix_vector;
	wire        link_up = LINK_UP != 0;

	weft_kernel_regs u_regs (
		.clk(ap_clk), .rst(rst), .interrupt(interrupt),
		.awaddr(addr_w), .awvalid(awvalid[0]), .awready(awready[0]), .wdata(data_w), .wstrb(strb_w), .wvalid(wvalid[0]), .wready(wready[0]),
		.bresp(bresp[1:0]), .bvalid(bvalid[0]), .bready(bready[0]),
		.araddr(addr_r), .arvalid(arvalid[0]), .arready(arready[0]), .rdata(rdata[31:0]), .rresp(rresp[1:0]), .rvalid(rvalid[0]), .rready(rready[0]),
		.boot_hold(boot_hold), .boot_we(boot_we), .boot_addr(boot_addr), .boot_data(boot_data),
		.core_trap(core_trap), .idle(idle), .link_up(link_up), .msix_req(msix_req), .msix_vector(msix_vector)
	);

	// Every port of weft_top stands here, one a line: tests/unit/xrt/ports_test.py looks that none is forgotten.
	wire [63:0]  next_timer_ns_unused;
	wire [3:0]   m_axi_arid_unused, m_axi_awid_unused;
	wire [127:0] fc_tx_tdata_unused;
	wire [15:0]  fc_tx_tkeep_unused;
	wire         fc_tx_tvalid_unused, fc_tx_tlast_unused, fc_tx_rrdy_valid_unused;
	wire [2:0]   fc_tx_prim_unused;
	wire         spi_sck_unused, spi_cs_n_unused, spi_mosi_unused;

	weft_top u_top (
		.clk(ap_clk),
		.rst(rst),
		.time_ns(elapsed[95:32]),
		.idle(idle),
		.next_timer_ns(next_timer_ns_unused),
		.link_up(link_up),
		.boot_hold(boot_hold),
		.boot_we(boot_we),
		.boot_addr(boot_addr),
		.boot_data(boot_data),
		// a platform's kernel has no pins, and the flash is the shell's: the firmware comes through the loader
		.boot_rom(1'b0),
		.board_id(32'd0),
		.key_hash(256'd0),
		.spi_sck(spi_sck_unused),
		.spi_cs_n(spi_cs_n_unused),
		.spi_mosi(spi_mosi_unused),
		.spi_miso(1'b1),
		.core_trap(core_trap),
		.s_axil_awaddr(addr_w),
		.s_axil_awvalid(awvalid[1]),
		.s_axil_awready(awready[1]),
		.s_axil_wdata(data_w),
		.s_axil_wstrb(strb_w),
		.s_axil_wvalid(wvalid[1]),
		.s_axil_wready(wready[1]),
		.s_axil_bresp(bresp[3:2]),
		.s_axil_bvalid(bvalid[1]),
		.s_axil_bready(bready[1]),
		.s_axil_araddr(addr_r),
		.s_axil_arvalid(arvalid[1]),
		.s_axil_arready(arready[1]),
		.s_axil_rdata(rdata[63:32]),
		.s_axil_rresp(rresp[3:2]),
		.s_axil_rvalid(rvalid[1]),
		.s_axil_rready(rready[1]),
		.m_axi_araddr(m_axi_araddr),
		.m_axi_arlen(m_axi_arlen),
		.m_axi_arsize(m_axi_arsize),
		.m_axi_arburst(m_axi_arburst),
		.m_axi_arid(m_axi_arid_unused),
		.m_axi_arvalid(m_axi_arvalid),
		.m_axi_arready(m_axi_arready),
		.m_axi_rdata(m_axi_rdata),
		.m_axi_rresp(m_axi_rresp),
		.m_axi_rid(4'd0),
		.m_axi_rlast(m_axi_rlast),
		.m_axi_rvalid(m_axi_rvalid),
		.m_axi_rready(m_axi_rready),
		.m_axi_awaddr(m_axi_awaddr),
		.m_axi_awlen(m_axi_awlen),
		.m_axi_awsize(m_axi_awsize),
		.m_axi_awburst(m_axi_awburst),
		.m_axi_awid(m_axi_awid_unused),
		.m_axi_awvalid(m_axi_awvalid),
		.m_axi_awready(m_axi_awready),
		.m_axi_wdata(m_axi_wdata),
		.m_axi_wstrb(m_axi_wstrb),
		.m_axi_wlast(m_axi_wlast),
		.m_axi_wvalid(m_axi_wvalid),
		.m_axi_wready(m_axi_wready),
		.m_axi_bresp(m_axi_bresp),
		.m_axi_bid(4'd0),
		.m_axi_bvalid(m_axi_bvalid),
		.m_axi_bready(m_axi_bready),
		.msix_req(msix_req),
		.msix_vector(msix_vector),
		.msix_ack(1'b1),
		.eth_tx_tdata(axis_eth_tx_tdata),
		.eth_tx_tkeep(axis_eth_tx_tkeep),
		.eth_tx_tvalid(axis_eth_tx_tvalid),
		.eth_tx_tready(axis_eth_tx_tready),
		.eth_tx_tlast(axis_eth_tx_tlast),
		.eth_rx_tdata(axis_eth_rx_tdata),
		.eth_rx_tkeep(axis_eth_rx_tkeep),
		.eth_rx_tvalid(axis_eth_rx_tvalid),
		.eth_rx_tlast(axis_eth_rx_tlast),
		.eth_rx_tuser(axis_eth_rx_tuser),
		.fc_tx_tdata(fc_tx_tdata_unused),
		.fc_tx_tkeep(fc_tx_tkeep_unused),
		.fc_tx_tvalid(fc_tx_tvalid_unused),
		.fc_tx_tready(1'b1),
		.fc_tx_tlast(fc_tx_tlast_unused),
		.fc_tx_rrdy_valid(fc_tx_rrdy_valid_unused),
		.fc_tx_rrdy_ready(1'b1),
		.fc_tx_prim(fc_tx_prim_unused),
		.fc_rx_tdata(128'd0),
		.fc_rx_tkeep(16'd0),
		.fc_rx_tvalid(1'b0),
		.fc_rx_tlast(1'b0),
		.fc_rx_tuser(1'b0),
		.fc_rx_rrdy(1'b0),
		.fc_rx_prim(3'd0),
		.fc_signal(1'b0)
	);
endmodule
