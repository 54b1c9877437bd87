// SPDX-License-Identifier: BSD-2-Clause
// weft_kernel_regs: what a kernel has besides the adapter: interrupt, image loader.
//   0x00  reserved to XRT, reads 0
//   0x04  interrupt enable, bit 0; 0x08  the same for this source, bit 0
//   0x0c  interrupt status, bit 0: a vector was asked for; writing 1 clears it
//   0x10  host memory: a pointer (64 bits) that names the bank to the linker, and is not used
//   0x20  reads 0x54464557
//   0x24  LOAD, bit 0: the core is held, and LOAD_DATA writes its memories. 1 after reset
//   0x28  LOAD_ADDR: address of the core; 4 more after each LOAD_DATA
//   0x2c  LOAD_DATA: written whole
//   0x30  STATUS: bit 0 core trap, 1 idle, 2 link up
//   0x40  vectors asked for, 4 words of 32; writing 1 clears a bit
// Latency: write three cycles, read four. Back-pressure: as weft_axil.
module weft_kernel_regs (
	input  wire        clk,
	input  wire        rst,
	output wire        interrupt,
	input  wire [19:0] awaddr,
	input  wire        awvalid,
	output wire        awready,
	input  wire [31:0] wdata,
	input  wire [3:0]  wstrb,
	input  wire        wvalid,
	output wire        wready,
	output wire [1:0]  bresp,
	output wire        bvalid,
	input  wire        bready,
	input  wire [19:0] araddr,
	input  wire        arvalid,
	output wire        arready,
	output wire [31:0] rdata,
	output wire [1:0]  rresp,
	output wire        rvalid,
	input  wire        rready,
	output reg         boot_hold,
	output reg         boot_we,
	output reg  [31:0] boot_addr,
	output reg  [31:0] boot_data,
	input  wire        core_trap,
	input  wire        idle,
	input  wire        link_up,
	input  wire        msix_req, // for one cycle
	input  wire [10:0] msix_vector
);
	localparam [31:0] MAGIC = 32'h54464557; // "WEFT"

	wire        wr_valid, wr_whole, rd_valid, busy_unused;
	wire [19:0] wr_addr, rd_addr;
	wire [31:0] wr_data;
	reg  [31:0] rd_data;

	weft_axil u_axil (
		.clk(clk), .rst(rst),
		.s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
		.s_axil_wdata(wdata), .s_axil_wstrb(wstrb), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
		.s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(bready),
		.s_axil_araddr(araddr), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
		.s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(rready),
		.wr_valid(wr_valid), .wr_addr(wr_addr), .wr_data(wr_data), .wr_whole(wr_whole), .rd_valid(rd_valid), .rd_addr(rd_addr), .rd_data(rd_data),
		.busy(busy_unused)
	);

	reg         global_enable, source_enable, status;
	reg [63:0]  host_memory;
	reg [31:0]  load_addr;
	reg [127:0] vectors;
	// only whole words are written
	wire        we = wr_valid && wr_whole;
	wire        in_first = wr_addr[19:7] == 13'd0;
	wire [4:0]  word = wr_addr[6:2];
	// 128 vectors have a bit each
	wire [127:0] asked = msix_req ? 128'd1 << msix_vector[6:0] : 128'd0;
	wire         clears = we && in_first && word[4:2] == 3'd4;
	wire [127:0] cleared = clears ? {96'd0, wr_data} << {word[1:0], 5'd0} : 128'd0;

	assign interrupt = global_enable && source_enable && status;

	always @(posedge clk) begin
		vectors <= rst ? 128'd0 : (vectors & ~cleared) | asked;
		boot_we <= !rst && we && in_first && word == 5'd11;
		if (we && in_first && word == 5'd11) begin
			boot_addr <= load_addr;
			boot_data <= wr_data;
			load_addr <= load_addr + 32'd4;
		end
		if (we && in_first && word == 5'd10) load_addr <= wr_data;
		if (we && in_first && word == 5'd4) host_memory[31:0] <= wr_data;
		if (we && in_first && word == 5'd5) host_memory[63:32] <= wr_data;
	end

	always @(posedge clk) begin
		if (rst) begin
			global_enable <= 1'b0;
			source_enable <= 1'b0;
			status <= 1'b0;
			boot_hold <= 1'b1;
		end else begin
			if (we && in_first && word == 5'd1) global_enable <= wr_data[0];
			if (we && in_first && word == 5'd2) source_enable <= wr_data[0];
			// one that comes with the clearing is not lost
			if (msix_req) status <= 1'b1;
			else if (we && in_first && word == 5'd3 && wr_data[0]) status <= 1'b0;
			if (we && in_first && word == 5'd9) boot_hold <= wr_data[0];
		end
	end

	always @(posedge clk) begin
		if (rd_valid) begin
			case (rd_addr[6:2])
			5'd1: rd_data <= {31'd0, global_enable};
			5'd2: rd_data <= {31'd0, source_enable};
			5'd3: rd_data <= {31'd0, status};
			5'd4: rd_data <= host_memory[31:0];
			5'd5: rd_data <= host_memory[63:32];
			5'd8: rd_data <= MAGIC;
			5'd9: rd_data <= {31'd0, boot_hold};
			5'd10: rd_data <= load_addr;
			5'd12: rd_data <= {29'd0, link_up, idle, core_trap};
			5'd16: rd_data <= vectors[31:0];
			5'd17: rd_data <= vectors[63:32];
			5'd18: rd_data <= vectors[95:64];
			5'd19: rd_data <= vectors[127:96];
			default: rd_data <= 32'd0;
			endcase
			if (rd_addr[19:7] != 13'd0) rd_data <= 32'd0;
		end
	end

	wire unused = &{1'b0, wr_addr[1:0], rd_addr[1:0], msix_vector[10:7]};
endmodule
