// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_rx_buf: the frame buffers (128 of 144 beats) with their free list.
// Writer: takes a buffer (a_*), writes beats 1.. (w_*) and, at the end, beat 0 (h_*), which has a memory of its own. Readers: place (pk_*),
// and the core (c_*) in the cycles that place leaves, or after eight cycles of waiting.
// Buffers come back from the writer (back_*: a frame was dropped), from place, and from the core. One that firmware gives back counts
// only if it was given to it (own_*) and not given back since: a buffer cannot get on the list twice.
// When a buffer that a native frame had taken comes back, one rrdy pulse leaves; lost asks for one more.
// Latency: two cycles from a granted read to its data. Throughput: one beat written and one read per cycle, one buffer back.
// Back-pressure: none for the writer; the others wait for their turn.
module weft_fc_rx_buf (
	input  logic         clk,
	input  logic         rst,
	// writer
	output logic         a_valid,
	output logic [6:0]   a_buf,
	input  logic         a_take,
	input  logic         a_native,
	input  logic         w_en,
	input  logic [6:0]   w_buf,
	input  logic [7:0]   w_beat,
	input  logic [127:0] w_data,
	input  logic         h_en,
	input  logic [6:0]   h_buf,
	input  logic [127:0] h_data,
	input  logic         back_valid,
	input  logic [6:0]   back_buf,
	input  logic         lost,
	// place
	input  logic         pk_req,
	input  logic [6:0]   pk_buf,
	input  logic [7:0]   pk_beat,
	output logic         pk_gnt,
	output logic         pk_rvalid,
	input  logic         p_free_valid,
	input  logic         p_free_fw, // in the name of firmware
	input  logic [6:0]   p_free_buf,
	output logic         p_free_ready,
	input  logic         own_valid, // firmware owns this buffer from now on
	input  logic [6:0]   own_buf,
	// core
	input  logic         c_req,
	input  logic [6:0]   c_buf,
	input  logic [7:0]   c_beat,
	output logic         c_gnt,
	output logic         c_rvalid,
	input  logic         c_free_valid,
	input  logic [6:0]   c_free_buf,
	output logic         c_free_ready,
	output logic [127:0] rdata,
	output logic [7:0]   bufs, // free ones
	output logic         rrdy
);
	localparam int unsigned N = weft_eng_pkg::N_FCBUF;
	localparam int unsigned ROWS = N * weft_fc_rx_pkg::BEATS;

	// ---- memory ----
	(* ram_style = "ultra" *) logic [127:0] mem [0:ROWS-1];
	logic [127:0] head [0:N-1];
	logic [127:0] q1, h1;
	logic         ren, head1, pk1, c1;
	logic [6:0]   rbuf;
	logic [7:0]   rbeat;
	logic [14:0]  w_row, r_row;
	logic [3:0]   waited;

	function automatic logic [14:0] row(input logic [6:0] nr, input logic [7:0] beat);
		row = {1'b0, nr, 7'd0} + {4'd0, nr, 4'd0} + {7'd0, beat};
	endfunction
	assign c_gnt = c_req && (!pk_req || waited[3]);
	assign pk_gnt = pk_req && !c_gnt;
	assign ren = pk_req || c_req;
	assign rbuf = c_gnt ? c_buf : pk_buf;
	assign rbeat = c_gnt ? c_beat : pk_beat;
	assign r_row = row(rbuf, rbeat);
	assign w_row = row(w_buf, w_beat); // not in the index itself: Verilator 5.032 gives up on that

	always_ff @(posedge clk) begin
		if (w_en) mem[w_row] <= w_data;
		if (ren) q1 <= mem[r_row];
	end
	always_ff @(posedge clk) begin
		if (h_en) head[h_buf] <= h_data;
		if (ren) h1 <= head[rbuf];
	end
	always_ff @(posedge clk) begin
		head1 <= rbeat == 8'd0;
		rdata <= head1 ? h1 : q1;
		if (rst || !c_req || c_gnt) waited <= '0;
		else if (!waited[3]) waited <= waited + 4'd1;
		pk1 <= pk_gnt && !rst;
		pk_rvalid <= pk1 && !rst;
		c1 <= c_gnt && !rst;
		c_rvalid <= c1 && !rst;
	end

	// ---- free list: buffers never used yet come from a counter, the others from a queue ----
	logic [7:0]   fresh;
	logic         l_empty, l_full, push;
	logic [6:0]   l_buf, push_buf;
	logic [7:0]   l_count;
	logic [N-1:0] owned; // by firmware
	logic [N-1:0] nat; // taken by a native frame
	logic         p_ok, c_ok, rrdy_now;
	logic [7:0]   owed; // pulses

	assign a_valid = !fresh[7] || !l_empty;
	assign a_buf = fresh[7] ? l_buf : fresh[6:0];
	assign p_free_ready = !back_valid;
	assign c_free_ready = !back_valid && !p_free_valid;
	assign p_ok = p_free_valid && (!p_free_fw || owned[p_free_buf]);
	assign c_ok = c_free_valid && owned[c_free_buf];
	assign push = back_valid || (p_free_valid ? p_ok : c_ok);
	assign push_buf = back_valid ? back_buf : p_free_valid ? p_free_buf : c_free_buf;
	weft_dma_fifo #(.W(7), .DEPTH(N)) list (
		.clk, .rst, .push(push && !rst), .din(push_buf), .pop(a_take && fresh[7]), .dout(l_buf), .empty(l_empty), .full(l_full), .count(l_count)
	);
	assign bufs = 8'(N) - fresh + l_count;
	assign rrdy_now = owed != 8'd0;

	always_ff @(posedge clk) begin
		if (rst) begin
			fresh <= '0;
			owned <= '0;
			owed <= '0;
			rrdy <= 1'b0;
		end else begin
			if (a_take && !fresh[7]) fresh <= fresh + 8'd1;
			if (push) owned[push_buf] <= 1'b0;
			if (own_valid) owned[own_buf] <= 1'b1;
			owed <= owed + {7'd0, push && nat[push_buf]} + {7'd0, lost} - {7'd0, rrdy_now};
			rrdy <= rrdy_now;
		end
		if (a_take) nat[a_buf] <= a_native;
	end
	logic unused;
	assign unused = &{1'b0, l_full};
`ifndef SYNTHESIS
	initial if (weft_fc_rx_pkg::BEATS * 16 != weft_eng_pkg::FCBUF_SIZE || 32'(weft_fc_rx_pkg::ETH_MAX) + 8 != weft_eng_pkg::FCBUF_SIZE)
		$fatal(1, "weft_fc_rx_buf: size of a buffer");
`endif
endmodule
