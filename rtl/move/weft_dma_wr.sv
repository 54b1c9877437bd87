// SPDX-License-Identifier: BSD-2-Clause
// weft_dma_wr: AXI4 write master for three clients (0 place, 1 completion writer, 2 place of Fibre Channel).
// Commands of 1 byte and up at any address become bursts that end at 256-byte boundaries, with strobes at the edges.
// All commands are served strictly in the order of their acceptance, on one AXI id; the data of the clients follow in that
// order. wr_done comes after the last write response of a command, in command order.
// Latency: three cycles from command to address. Throughput: one beat per cycle, a burst start costs none.
// Back-pressure: wready holds wr_dat_ready; up to 16 commands and 64 unanswered bursts wait inside. bready is always high.
// drain: no new bursts; those under way end with beats without strobes, answers are swallowed; quiet when none is left.
// A reset has to follow.
module weft_dma_wr #(
	parameter int unsigned BURSTS = 64
) (
	input  logic         clk,
	input  logic         rst,
	input  logic         drain,
	output logic         quiet,
	output logic         busy,
	input  logic [2:0]   wr_cmd_valid,
	output logic [2:0]   wr_cmd_ready,
	input  logic [191:0] wr_cmd_addr,
	input  logic [47:0]  wr_cmd_len,
	input  logic [47:0]  wr_cmd_tag,
	input  logic [2:0]   wr_dat_valid,
	output logic [2:0]   wr_dat_ready,
	input  logic [383:0] wr_dat_data,
	input  logic [2:0]   wr_dat_last,
	output logic [2:0]   wr_done_valid,
	output logic [47:0]  wr_done_tag,
	output logic [2:0]   wr_done_err,
	output logic [31:0]  wr_issued,
	output logic [31:0]  wr_answered,
	output logic [63:0]  m_axi_awaddr,
	output logic [7:0]   m_axi_awlen,
	output logic [2:0]   m_axi_awsize,
	output logic [1:0]   m_axi_awburst,
	output logic         m_axi_awvalid,
	input  logic         m_axi_awready,
	output logic [127:0] m_axi_wdata,
	output logic [15:0]  m_axi_wstrb,
	output logic         m_axi_wlast,
	output logic         m_axi_wvalid,
	input  logic         m_axi_wready,
	input  logic [1:0]   m_axi_bresp,
	input  logic         m_axi_bvalid,
	output logic         m_axi_bready,
	output logic [4:0]   cnt_bytes, // bytes that left in this cycle
	output logic         cnt_err // an error response
);
	// ---- commands ----
	logic [1:0] turn; // client served last
	logic [1:0] pick;
	logic accept;
	logic cf_full;
	logic cf_empty;
	logic [4:0] cf_count_unused;
	logic [97:0] cf_out;
	logic cut_ready;

	always_comb begin
		case (turn)
			2'd0: pick = wr_cmd_valid[1] ? 2'd1 : wr_cmd_valid[2] ? 2'd2 : 2'd0;
			2'd1: pick = wr_cmd_valid[2] ? 2'd2 : wr_cmd_valid[0] ? 2'd0 : 2'd1;
			default: pick = wr_cmd_valid[0] ? 2'd0 : wr_cmd_valid[1] ? 2'd1 : 2'd2;
		endcase
	end
	assign accept = wr_cmd_valid != 3'd0 && !cf_full;
	assign wr_cmd_ready = accept ? 3'd1 << pick : 3'd0;
	weft_dma_fifo #(.W(98), .DEPTH(16)) commands (
		.clk, .rst, .push(accept),
		.din({pick, wr_cmd_tag[{pick, 4'd0} +: 16], wr_cmd_len[{pick, 4'd0} +: 16], wr_cmd_addr[{pick, 6'd0} +: 64]}),
		.pop(!cf_empty && cut_ready), .dout(cf_out), .empty(cf_empty), .full(cf_full), .count(cf_count_unused)
	);

	// ---- addresses ----
	logic bu_valid;
	logic [63:0] bu_addr;
	logic [3:0] bu_more;
	logic bu_first;
	logic bu_last;
	logic [3:0] bu_off;
	logic [3:0] bu_end;
	logic [1:0] bu_client;
	logic [15:0] bu_tag;
	logic issue;
	logic wf_full;
	logic bf_full;

	weft_dma_cut #(.SIDE(18)) cut (
		.clk, .rst,
		.rq_valid(!cf_empty), .rq_ready(cut_ready), .rq_addr(cf_out[63:0]), .rq_len(cf_out[79:64]), .rq_side(cf_out[97:80]),
		.bu_valid, .bu_ready(issue), .bu_addr, .bu_more, .bu_first, .bu_last, .bu_off, .bu_end,
		.bu_side({bu_client, bu_tag})
	);
	assign issue = bu_valid && !wf_full && !bf_full && !drain && (!m_axi_awvalid || m_axi_awready);
	assign m_axi_awsize = 3'd4;
	assign m_axi_awburst = 2'd1;
	always_ff @(posedge clk) begin
		if (rst) m_axi_awvalid <= 1'b0;
		else m_axi_awvalid <= issue || (m_axi_awvalid && !m_axi_awready);
	end
	always_ff @(posedge clk) begin
		if (issue) begin
			m_axi_awaddr <= bu_addr;
			m_axi_awlen <= {4'd0, bu_more};
		end
	end

	// ---- data ----
	logic wf_empty;
	logic wf_pop;
	logic [4:0] wf_count_unused;
	logic [1:0] wc;
	logic [3:0] w_beats; // less one
	logic w_first;
	logic w_last;
	logic [3:0] w_off;
	logic [3:0] w_end;
	logic [3:0] beat;
	logic cmd_first; // first beat of a command
	logic cmd_last;
	logic burst_end;
	logic flush; // the last beat needs only what is kept
	logic go;
	logic [127:0] dat;
	logic [127:0] rest;
	logic [127:0] shifted;
	logic [127:0] shifted_out_unused;
	logic [4:0] shift; // bytes
	logic [15:0] strb;
	logic [4:0] bytes;

	weft_dma_fifo #(.W(16), .DEPTH(16)) bursts (
		.clk, .rst, .push(issue), .din({bu_client, bu_more, bu_first, bu_last, bu_off, bu_end}), .pop(wf_pop),
		.dout({wc, w_beats, w_first, w_last, w_off, w_end}), .empty(wf_empty), .full(wf_full), .count(wf_count_unused)
	);
	assign burst_end = beat == w_beats;
	assign cmd_first = w_first && beat == 4'd0;
	assign cmd_last = w_last && burst_end;
	assign flush = cmd_last && !cmd_first && w_end < w_off;
	assign go = !wf_empty && (!m_axi_wvalid || m_axi_wready) && (drain || flush || wr_dat_valid[wc]);
	assign wf_pop = go && burst_end;
	assign wr_dat_ready = go && !flush && !drain ? 3'd1 << wc : 3'd0;

	assign dat = wr_dat_data[{wc, 7'd0} +: 128];
	assign shift = 5'd16 - {1'b0, w_off};
	assign {shifted_out_unused, shifted} = {dat, rest} >> {shift, 3'd0};
	assign strb = (cmd_first ? 16'hffff << w_off : 16'hffff) & (cmd_last ? 16'hffff >> (4'd15 - w_end) : 16'hffff);
	assign bytes = (cmd_last ? {1'b0, w_end} + 5'd1 : 5'd16) - (cmd_first ? {1'b0, w_off} : 5'd0);

	always_ff @(posedge clk) begin
		if (go) begin
			rest <= dat;
			m_axi_wdata <= shifted;
			m_axi_wstrb <= drain ? 16'd0 : strb;
			m_axi_wlast <= burst_end;
		end
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			m_axi_wvalid <= 1'b0;
			beat <= 4'd0;
			cnt_bytes <= 5'd0;
		end else begin
			m_axi_wvalid <= go || (m_axi_wvalid && !m_axi_wready);
			if (go) beat <= burst_end ? 4'd0 : beat + 4'd1;
			cnt_bytes <= go && !drain ? bytes : 5'd0;
		end
	end

	// ---- responses ----
	logic bf_empty;
	logic bf_pop;
	logic [6:0] bf_count_unused;
	logic [1:0] bc;
	logic [15:0] b_tag;
	logic b_last;
	logic err;
	logic err_now;
	logic done;
	logic [15:0] done_tag;
	logic done_err;

	weft_dma_fifo #(.W(19), .DEPTH(BURSTS)) responses (
		.clk, .rst, .push(issue), .din({bu_client, bu_tag, bu_last}), .pop(bf_pop),
		.dout({bc, b_tag, b_last}), .empty(bf_empty), .full(bf_full), .count(bf_count_unused)
	);
	assign m_axi_bready = 1'b1;
	assign bf_pop = m_axi_bvalid && !bf_empty;
	assign err_now = err || m_axi_bresp[1];
	assign done = bf_pop && b_last;
	assign wr_done_tag = {3{done_tag}};
	assign wr_done_err = {3{done_err}};

	always_ff @(posedge clk) begin
		done_tag <= b_tag;
		done_err <= err_now;
	end
	always_ff @(posedge clk) begin
		if (rst) begin
			turn <= 2'd0;
			err <= 1'b0;
			wr_done_valid <= 3'd0;
			wr_issued <= 32'd0;
			wr_answered <= 32'd0;
			cnt_err <= 1'b0;
			quiet <= 1'b0;
			busy <= 1'b0;
		end else begin
			if (accept) turn <= pick;
			if (accept) wr_issued <= wr_issued + 32'd1;
			if (bf_pop) err <= !b_last && err_now;
			if (done) wr_answered <= wr_answered + 32'd1;
			wr_done_valid <= done && !drain ? 3'd1 << bc : 3'd0;
			cnt_err <= bf_pop && m_axi_bresp[1];
			quiet <= drain && wf_empty && bf_empty && !m_axi_awvalid && !m_axi_wvalid;
			busy <= !cf_empty || bu_valid || !bf_empty || wr_done_valid != 3'd0 || wr_cmd_valid != 3'd0;
		end
	end

	logic unused;
	assign unused = &{1'b0, m_axi_bresp[0], wr_dat_last};

`ifndef SYNTHESIS
	// The clients' own idea of where a command ends must agree with its length.
	logic had_last;
	always_ff @(posedge clk) begin
		if (go && !flush) had_last <= wr_dat_last[wc];
		if (!rst && go && !drain && cmd_last && !(flush ? had_last : wr_dat_last[wc]))
			$fatal(1, "weft_dma_wr: command ends without wr_dat_last");
		if (!rst && go && !drain && !flush && !cmd_first && had_last)
			$fatal(1, "weft_dma_wr: data after wr_dat_last");
	end
`endif
endmodule
