// SPDX-License-Identifier: BSD-2-Clause
// weft_tx_src: byte source of the assembler: an operation's literal bytes, its data as the DMA answers arrive, its data digest,
// one beat after the other. Keeps the running CRC32C, which it takes from the record when the operation's turn has come (so after all
// earlier operations wrote theirs) and writes back with the last data byte.
// The user takes use_cnt bytes of the beat per cycle; use_skip tells where in the beat the remaining ones start.
// fail and stop rise when a read failed, the list was short, or the front end cut the operation off; the beats of a failed read's end are
// never offered. drain throws everything of the operation away, until idle.
// Latency: a beat is offered the cycle after it arrives; the record's crc costs one XRAM read before the first data byte.
// Throughput: one beat per cycle. Back-pressure: rd_rsp_ready is low while the beat offered is not used up.
module weft_tx_src (
	input  logic         clk,
	input  logic         rst,
	input  logic         start,
	input  weft_tx_pkg::desc_t d,  // stable from start to idle
	input  logic         drain,
	output logic         idle,
	output logic         dry,      // nothing more will be offered
	output logic         fail,
	output logic         stop,
	output logic         b_valid,
	output logic [127:0] b_data,
	output logic [3:0]   b_skip,
	output logic [4:0]   b_cnt,
	input  logic [4:0]   b_use,
	// literal bytes and tokens from the front end
	input  logic         l_valid,
	input  weft_tx_pkg::lit_t l,
	output logic         l_pop,
	input  logic         t_valid,
	input  weft_tx_pkg::tok_t t,
	output logic         t_pop,
	// DMA answers
	input  logic         rd_rsp_valid,
	input  logic [127:0] rd_rsp_data,
	input  logic [4:0]   rd_rsp_cnt,
	input  logic         rd_rsp_last,
	input  logic         rd_rsp_err,
	output logic         rd_rsp_ready,
	// XRAM: second beat of the record
	output logic         x_req,
	output logic         x_we,
	output logic [15:0]  x_addr,
	output logic [127:0] x_wdata,
	output logic [15:0]  x_be,
	input  logic         x_gnt,
	input  logic         x_rvalid,
	input  logic [127:0] x_rdata,
	output logic         stall_dma
);
	localparam logic [1:0] END = 2'd0, LIT = 2'd1, DATA = 2'd2, DIG = 2'd3;
	logic [1:0]  phase, after_lit, after_data;
	logic        crc_rd, crc_wait, crc_wr, crc_ok, room, cut, data_go;
	logic [31:0] crc, crc_next;

	assign after_data = d.dig_cnt != 3'd0 ? DIG : END;
	assign after_lit = d.has_data ? DATA : after_data;
	assign room = !b_valid || b_use == b_cnt || drain;
	assign cut = t.err || t.stop;
	assign l_pop = phase == LIT && l_valid && room;
	assign rd_rsp_ready = phase == DATA && crc_ok && t_valid && !cut && room;
	assign data_go = rd_rsp_ready && rd_rsp_valid;
	assign t_pop = phase == DATA && t_valid && cut || data_go && rd_rsp_last;
	assign dry = phase == END && !b_valid;
	assign idle = dry && !crc_rd && !crc_wait && !crc_wr;
	assign stall_dma = phase == DATA && crc_ok && t_valid && !cut && !rd_rsp_valid && !b_valid;

	weft_crc32c u_crc (.crc_in(crc), .data(rd_rsp_data), .cnt(rd_rsp_cnt), .crc_out(crc_next));

	assign x_req = crc_rd || crc_wr;
	assign x_we = !crc_rd;
	assign x_addr = d.rec + 16'd1;
	assign x_wdata = {32'd0, 7'd0, d.pos, d.fin ? ~crc : crc, 32'd0};
	assign x_be = 16'h0ff0;

	always_ff @(posedge clk) begin
		if (b_use != 5'd0) begin
			b_skip <= b_skip + b_use[3:0];
			b_cnt <= b_cnt - b_use;
			if (b_use == b_cnt) b_valid <= 1'b0;
		end
		if (x_gnt && crc_rd) begin
			crc_rd <= 1'b0;
			crc_wait <= 1'b1;
		end
		if (x_gnt && !crc_rd) crc_wr <= 1'b0;
		if (x_rvalid) begin
			crc_wait <= 1'b0;
			crc_ok <= 1'b1;
			crc <= x_rdata[63:32];
		end

		case (phase)
		LIT: if (l_pop) begin
			b_valid <= 1'b1;
			b_data <= l.data;
			b_skip <= l.skip;
			b_cnt <= l.cnt;
			if (l.last) phase <= after_lit;
		end
		DATA: begin
			if (data_go) begin
				b_valid <= !(rd_rsp_last && rd_rsp_err);
				b_data <= rd_rsp_data;
				b_skip <= '0;
				b_cnt <= rd_rsp_cnt;
				if (d.upd) crc <= crc_next;
				if (rd_rsp_last && rd_rsp_err) fail <= 1'b1;
			end
			if (t_pop) begin
				if (t.err) fail <= 1'b1;
				if (t.stop) stop <= 1'b1;
				if (t.last) begin
					phase <= cut ? END : after_data;
					crc_wr <= d.upd && !cut && !rd_rsp_err && !fail && !drain;
				end
			end
		end
		DIG: if (room && crc_ok) begin
			// what the record holds once its data is complete is the digest itself
			b_valid <= 1'b1;
			b_data <= {96'd0, d.upd ? ~crc : crc};
			b_skip <= {2'b00, d.dig_off};
			b_cnt <= {2'b00, d.dig_cnt};
			phase <= END;
		end
		default: ;
		endcase

		if (drain) b_valid <= 1'b0;
		if (start) begin
			phase <= d.has_lit ? LIT : after_lit;
			crc_rd <= d.dd;
			crc_ok <= !d.dd;
			fail <= 1'b0;
			stop <= 1'b0;
		end
		if (rst) begin
			phase <= END;
			b_valid <= 1'b0;
			b_cnt <= '0;
			crc_rd <= 1'b0;
			crc_wait <= 1'b0;
			crc_wr <= 1'b0;
			fail <= 1'b0;
			stop <= 1'b0;
		end
	end

	logic unused;
	assign unused = &{1'b0, d, x_rdata[127:64], x_rdata[31:0]};
endmodule
