// SPDX-License-Identifier: BSD-2-Clause
// weft_core_csr: machine-mode control and status registers, interrupt selection, counters.
// Reads are combinational; a write, a trap or a return changes state at the clock edge of the cycle in which
// it is signalled. Counters 3..6 count the event (1..7 of weft_core_pkg::events_t, 0 = none) that their
// mhpmevent selects, in 40 bits. mcycle does not count while the core sleeps.
module weft_core_csr #(
	parameter logic [31:0] HART_ID = 32'h0
) (
	input  logic        clk,
	input  logic        rst,
	// access by a CSR instruction
	input  logic [11:0] addr,
	input  logic [1:0]  op, // funct3[1:0]: 1 write, 2 set, 3 clear
	input  logic        writes, // the instruction writes, whatever the value
	input  logic [31:0] wdata,
	input  logic        commit, // it takes effect now
	output logic [31:0] rdata,
	output logic        illegal,
	// traps
	input  logic        trap,
	input  logic        trap_irq,
	input  logic [4:0]  trap_cause,
	input  logic [31:1] trap_pc,
	input  logic [31:0] trap_val,
	input  logic        mret,
	output logic [31:1] trap_target,
	output logic [31:1] mepc,
	// interrupts
	input  logic        irq_software,
	input  logic        irq_timer,
	input  logic        irq_external,
	output logic        irq_line, // an interrupt is pending, enabled or not
	output logic        irq_take, // an enabled interrupt is pending and MIE is set
	output logic [4:0]  irq_cause,
	output logic        wake, // an enabled interrupt is pending
	output logic        rising, // it will be, its line is high
	// counters
	input  logic        asleep,
	input  logic        retire, // one instruction completes ...
	input  logic        unretire, // ... or one counted in the cycle before failed after all
	input  weft_core_pkg::events_t events
);
	localparam logic [31:0] MISA = 32'h4000_1104; // RV32, I M C
	localparam logic [31:0] MIMPID = 32'h0000_0001;

	// Interrupt lines are registered once.
	logic [2:0] lines, mip, mie; // {external, timer, software}
	logic mstatus_mie, mstatus_mpie;
	assign lines = {irq_external, irq_timer, irq_software};
	assign irq_line = mip != '0;
	assign irq_take = mstatus_mie && (mip & mie) != '0;
	assign wake = (mip & mie) != '0;
	assign rising = (lines & mie) != '0;
	always_comb begin
		if (mip[2] && mie[2])
			irq_cause = weft_core_pkg::IRQ_EXTERNAL;
		else if (mip[0] && mie[0])
			irq_cause = weft_core_pkg::IRQ_SOFTWARE;
		else
			irq_cause = weft_core_pkg::IRQ_TIMER;
	end

	logic [31:2] mtvec_base;
	logic mtvec_vectored;
	logic [31:0] mscratch, mtval;
	logic mcause_irq;
	logic [4:0] mcause_code;
	assign trap_target = {mtvec_base + (mtvec_vectored && trap_irq ? {25'd0, trap_cause} : '0),
			      1'b0};

	logic [63:0] mcycle, minstret;
	logic [4*40-1:0] hpm; // at the place of the low two bits of their number: 4, 5, 6, 3
	logic [4*3-1:0] hpm_event;
	logic [6:0] inhibit; // bit 1 is hardwired to zero

	function automatic logic [31:0] irq_bits(input logic [2:0] x);
		irq_bits = {20'b0, x[2], 3'b0, x[1], 3'b0, x[0], 3'b0};
	endfunction

	// Read, and with it what exists. The unprivileged counter names are read-only shadows.
	logic exists;
	always_comb begin
		exists = 1'b1;
		rdata = '0;
		case (addr)
		12'h300: rdata = {19'b0, 2'b11, 3'b0, mstatus_mpie, 3'b0, mstatus_mie, 3'b0};
		12'h310: rdata = '0; // mstatush
		12'h301: rdata = MISA;
		12'h304: rdata = irq_bits(mie);
		12'h305: rdata = {mtvec_base, 1'b0, mtvec_vectored};
		12'h320: rdata = {25'b0, inhibit};
		12'h323, 12'h324, 12'h325, 12'h326: rdata = {29'b0, hpm_event[3*addr[1:0] +: 3]};
		12'h340: rdata = mscratch;
		12'h341: rdata = {mepc, 1'b0};
		12'h342: rdata = {mcause_irq, 26'b0, mcause_code};
		12'h343: rdata = mtval;
		12'h344: rdata = irq_bits(mip);
		12'hb00, 12'hc00: rdata = mcycle[31:0];
		12'hb80, 12'hc80: rdata = mcycle[63:32];
		12'hb02, 12'hc02: rdata = minstret[31:0];
		12'hb82, 12'hc82: rdata = minstret[63:32];
		12'hb03, 12'hb04, 12'hb05, 12'hb06,
		12'hc03, 12'hc04, 12'hc05, 12'hc06: rdata = hpm[40*addr[1:0] +: 32];
		12'hb83, 12'hb84, 12'hb85, 12'hb86,
		12'hc83, 12'hc84, 12'hc85, 12'hc86: rdata = {24'b0, hpm[40*addr[1:0]+32 +: 8]};
		12'hf11, 12'hf12, 12'hf15: rdata = '0; // mvendorid, marchid, mconfigptr
		12'hf13: rdata = MIMPID;
		12'hf14: rdata = HART_ID;
		default: // counters and events 7..31 exist and are zero
			exists = (addr[11:5] == 7'h19 || addr[11:5] == 7'h58 || addr[11:5] == 7'h5c
				  || addr[11:5] == 7'h60 || addr[11:5] == 7'h64)
				&& addr[4:0] > 5'd6;
		endcase
	end
	assign illegal = !exists || (writes && addr[11:10] == 2'b11);

	logic [31:0] value;
	logic write;
	assign write = commit && writes;
	always_comb begin
		case (op)
		2'd1: value = wdata;
		2'd2: value = rdata | wdata;
		default: value = rdata & ~wdata;
		endcase
	end

	// Trap state.
	always_ff @(posedge clk) begin
		mip <= lines;
		if (write) begin
			case (addr)
			12'h300: {mstatus_mpie, mstatus_mie} <= {value[7], value[3]};
			12'h304: mie <= {value[11], value[7], value[3]};
			12'h305: {mtvec_base, mtvec_vectored} <= {value[31:2], value[0] && !value[1]};
			12'h340: mscratch <= value;
			12'h341: mepc <= value[31:1];
			12'h342: {mcause_irq, mcause_code} <= {value[31], value[4:0]};
			12'h343: mtval <= value;
			default: ;
			endcase
		end
		if (mret)
			{mstatus_mpie, mstatus_mie} <= {1'b1, mstatus_mpie};
		if (trap) begin
			{mstatus_mpie, mstatus_mie} <= {mstatus_mie, 1'b0};
			mepc <= trap_pc;
			mtval <= trap_val;
			{mcause_irq, mcause_code} <= {trap_irq, trap_cause};
		end
		if (rst) begin
			mip <= '0;
			mie <= '0;
			{mstatus_mpie, mstatus_mie} <= '0;
			{mtvec_base, mtvec_vectored} <= '0;
			{mcause_irq, mcause_code} <= '0;
			mepc <= '0;
			mtval <= '0;
			mscratch <= '0;
		end
	end

	// Cycle and instruction counters. A write replaces the count of that cycle.
	logic [63:0] step;
	assign step = unretire && !inhibit[2] ? '1 : {63'b0, retire && !inhibit[2]};
	always_ff @(posedge clk) begin
		if (!asleep && !inhibit[0])
			mcycle <= mcycle + 64'd1;
		minstret <= minstret + step;
		if (write) begin
			case (addr)
			12'hb00: mcycle <= {mcycle[63:32], value};
			12'hb80: mcycle <= {value, mcycle[31:0]};
			12'hb02: minstret <= {minstret[63:32], value};
			12'hb82: minstret <= {value, minstret[31:0]};
			12'h320: inhibit <= {value[6:2], 1'b0, value[0]};
			default: ;
			endcase
		end
		if (rst) begin
			mcycle <= '0;
			minstret <= '0;
			inhibit <= '0;
		end
	end

	// Event counters.
	logic [7:0] happened;
	assign happened = {events, 1'b0};
	for (genvar g = 3; g < 7; g = g + 1) begin : gen_hpm
		localparam int C = 40 * (g % 4);
		localparam int E = 3 * (g % 4);
		always_ff @(posedge clk) begin
			if (happened[hpm_event[E +: 3]] && !inhibit[g])
				hpm[C +: 40] <= hpm[C +: 40] + 40'd1;
			if (write && addr == 12'hb00 + 12'(g))
				hpm[C +: 40] <= {hpm[C+32 +: 8], value};
			if (write && addr == 12'hb80 + 12'(g))
				hpm[C +: 40] <= {value[7:0], hpm[C +: 32]};
			if (write && addr == 12'h320 + 12'(g))
				hpm_event[E +: 3] <= value[2:0];
			if (rst) begin
				hpm[C +: 40] <= '0;
				hpm_event[E +: 3] <= 3'(g - 2);
			end
		end
	end
endmodule
