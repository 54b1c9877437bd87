// SPDX-License-Identifier: BSD-2-Clause
// weft_pktbuf: packet buffer of 1024 cells of 512 bytes, with the free list and the chains of cells that hold frames.
// Writer: takes cells (a_*), writes beats (w_*), links cells (n_*: the successor, or last). Reader: pk_*, always granted;
// the core reads in the cycles the reader leaves (c_*). free_*: three sources, each gives back a whole chain by its first cell.
// Latency: data and successor two cycles after a read is granted. Throughput: one beat written and one read per cycle; a cell is
// freed in two cycles, plus one per chain. Back-pressure: free_ready is high for one source while no chain is under way;
// a_valid falls when no cell is free.
// cells: number of cells nobody holds; a cell counts as held from a_take until it is back on the list.
module weft_pktbuf (
	input  logic         clk,
	input  logic         rst,
	// writer
	output logic         a_valid,
	output logic [9:0]   a_cell,
	input  logic         a_take,
	input  logic         w_en,
	input  logic [9:0]   w_cell,
	input  logic [4:0]   w_beat,
	input  logic [127:0] w_data,
	input  logic         n_en,
	input  logic [9:0]   n_cell,
	input  logic [9:0]   n_next,
	input  logic         n_last,
	// reader
	input  logic         pk_req,
	input  logic [9:0]   pk_cell,
	input  logic [4:0]   pk_beat,
	output logic [127:0] pk_rdata,
	output logic [9:0]   pk_next,
	// core
	input  logic         c_req,
	input  logic [9:0]   c_cell,
	input  logic [4:0]   c_beat,
	output logic         c_gnt,
	output logic         c_rvalid,
	// give back: 0 fast path, 1 firmware, 2 stream engine
	input  logic [2:0]   free_valid,
	input  logic [29:0]  free_cell,
	output logic [2:0]   free_ready,
	output logic [10:0]  cells,
	output logic         busy
);
	// ---- data and successors ----
	(* ram_style = "ultra" *) logic [127:0] mem [0:32767];
	logic [127:0] q1;
	logic [14:0]  raddr;
	logic         ren;
	logic [10:0]  succ [0:1023];
	logic [9:0]   s1;
	logic [9:0]   s2;
	logic         c1;

	assign ren = pk_req || c_req;
	assign raddr = pk_req ? {pk_cell, pk_beat} : {c_cell, c_beat};
	assign c_gnt = c_req && !pk_req;
	assign pk_next = s2;

	always_ff @(posedge clk) begin
		if (w_en) mem[{w_cell, w_beat}] <= w_data;
		if (ren) q1 <= mem[raddr];
		pk_rdata <= q1;
	end
	always_ff @(posedge clk) begin
		if (n_en) succ[n_cell] <= {n_last, n_next};
		if (ren) s1 <= succ[raddr[14:5]][9:0];
		s2 <= s1;
	end
	always_ff @(posedge clk) begin
		c1 <= c_gnt && !rst;
		c_rvalid <= c1 && !rst;
	end

	// ---- chains coming back ----
	typedef enum logic [1:0] { IDLE, READ, PUSH } free_e;
	free_e       state;
	logic [10:0] chain [0:1023]; // a copy of succ with a read port of its own
	logic [10:0] after;
	logic [9:0]  cur;
	logic        back;

	always_comb begin
		free_ready = 3'b000;
		if (state == IDLE) begin
			if (free_valid[0]) free_ready[0] = 1'b1;
			else if (free_valid[2]) free_ready[2] = 1'b1;
			else free_ready[1] = free_valid[1];
		end
	end
	assign back = state == PUSH;

	always_ff @(posedge clk) begin
		if (n_en) chain[n_cell] <= {n_last, n_next};
		if (state == READ) after <= chain[cur];
	end
	always_ff @(posedge clk) begin
		if (rst) state <= IDLE;
		else case (state)
			IDLE: if (free_valid != 3'd0) state <= READ;
			READ: state <= PUSH;
			default: state <= after[10] ? IDLE : READ;
		endcase
		if (state == IDLE) begin
			if (free_ready[0]) cur <= free_cell[9:0];
			else if (free_ready[2]) cur <= free_cell[29:20];
			else cur <= free_cell[19:10];
		end else if (state == PUSH) cur <= after[9:0];
	end

	// ---- free list: cells never used yet come from a counter, the others from a queue; two wait at the output ----
	logic [9:0]  list [0:1023];
	logic [9:0]  list_q;
	logic [10:0] fresh;
	logic [10:0] wp;
	logic [10:0] rp;
	logic        fetched; // list_q is to be stored
	logic        spare_v;
	logic [9:0]  spare;
	logic        pull; // read the list
	logic        draw; // take from the counter
	logic        in_v;
	logic [9:0]  in_cell;
	logic        out_free;

	assign out_free = !a_valid || a_take;
	assign draw = !fresh[10] && !spare_v && !fetched;
	assign pull = fresh[10] && wp != rp && !fetched && (!spare_v || out_free);
	assign in_v = fetched || draw;
	assign in_cell = fetched ? list_q : fresh[9:0];

	always_ff @(posedge clk) begin
		if (back) list[wp[9:0]] <= cur;
		if (pull) list_q <= list[rp[9:0]];
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			fresh <= '0;
			wp <= '0;
			rp <= '0;
			fetched <= 1'b0;
			spare_v <= 1'b0;
			a_valid <= 1'b0;
			cells <= 11'd1024;
		end else begin
			if (back) wp <= wp + 11'd1;
			if (pull) rp <= rp + 11'd1;
			if (draw) fresh <= fresh + 11'd1;
			fetched <= pull;
			if (out_free) begin
				a_valid <= spare_v || in_v;
				spare_v <= spare_v && in_v;
			end else spare_v <= spare_v || in_v;
			cells <= cells + {10'd0, back} - {10'd0, a_take};
		end
		if (out_free) a_cell <= spare_v ? spare : in_cell;
		if (in_v) spare <= in_cell;
	end
	assign busy = state != IDLE;

`ifndef SYNTHESIS
	always_ff @(posedge clk) if (!rst) begin
		if (a_take && !a_valid) $fatal(1, "weft_pktbuf: no cell to take");
		if (cells == 11'd1024 && back && !a_take) $fatal(1, "weft_pktbuf: a cell came back twice");
	end
`endif
endmodule
