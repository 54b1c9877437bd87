// SPDX-License-Identifier: BSD-2-Clause
// weft_core_lsu: data port. Puts an access on the bus and aligns what comes back.
// The request goes out combinationally with req and stays until accepted; one access is outstanding, and
// the next may be requested in the cycle of its answer, so single-cycle memory takes one access per cycle.
// An unaligned access is reported, not requested.
module weft_core_lsu (
	input  logic        clk,
	input  logic        rst,
	// request side; req must wait for !busy and must not fall before accepted
	input  logic        req,
	input  logic        we,
	input  logic [2:0]  funct3,
	input  logic [31:0] addr,
	input  logic [31:0] wdata,
	output logic        misaligned,
	output logic        accepted,
	// answer side
	output logic        busy, // an answer is awaited and not here yet
	output logic        fault, // the answer is here and is a bus error
	output logic [31:0] rdata,
	// bus
	output logic        d_req,
	output logic        d_we,
	output logic [3:0]  d_be,
	output logic [31:0] d_addr,
	output logic [31:0] d_wdata,
	input  logic        d_gnt,
	input  logic        d_rvalid,
	input  logic [31:0] d_rdata,
	input  logic        d_err
);
	always_comb begin
		case (funct3[1:0])
		2'd0: begin
			misaligned = 1'b0;
			d_be = 4'b0001 << addr[1:0];
			d_wdata = {4{wdata[7:0]}};
		end
		2'd1: begin
			misaligned = addr[0];
			d_be = addr[1] ? 4'b1100 : 4'b0011;
			d_wdata = {2{wdata[15:0]}};
		end
		default: begin
			misaligned = addr[1:0] != 2'd0;
			d_be = 4'b1111;
			d_wdata = wdata;
		end
		endcase
	end

	assign d_req = req && !misaligned;
	assign d_we = we;
	assign d_addr = {addr[31:2], 2'b00};
	assign accepted = d_req && d_gnt;

	logic pending;
	logic [1:0] offset;
	logic [2:0] kind;
	always_ff @(posedge clk) begin
		if (accepted) begin
			pending <= 1'b1;
			offset <= addr[1:0];
			kind <= funct3;
		end else if (d_rvalid) begin
			pending <= 1'b0;
		end
		if (rst)
			pending <= 1'b0;
	end

	assign busy = pending && !d_rvalid;
	assign fault = pending && d_rvalid && d_err;

	logic [15:0] half;
	logic [7:0] lane;
	assign half = offset[1] ? d_rdata[31:16] : d_rdata[15:0];
	assign lane = offset[0] ? half[15:8] : half[7:0];
	always_comb begin
		case (kind[1:0])
		2'd0: rdata = {{24{!kind[2] && lane[7]}}, lane};
		2'd1: rdata = {{16{!kind[2] && half[15]}}, half};
		default: rdata = d_rdata;
		endcase
	end
endmodule
