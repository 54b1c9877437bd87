// SPDX-License-Identifier: BSD-2-Clause
// A small design with the ports of weft_top, to prove the models around the adapter without the adapter (simulation only).
//
// BAR 0 (byte offset): 00 scratch RW; 04/08 DMA source; 0c/10 DMA destination (same alignment modulo 16); 14 bytes;
// 18 write: start copy, read: busy | read error << 1 | write error << 2; 1c write: MSI-X vector to send; 20 write: timer in
// so many ns, fires MSI-X 5; 24 words loaded; 28 their sum; 2c boot_hold; 30 frames received; 34 of them bad; 38 time low;
// 3c exclusive or of the loader's addresses; 48 LOG_TAIL (fixed 11), 1000.. log text "hello, log\n".
// 40 FC frames received, of them bad in 31:16; 44 R_RDYs received; 4c read: light, primitive received << 4, changes of
// either << 16; write: primitive to send.
// Frames received go back out of the Ethernet port when they are whole, FC frames and R_RDYs out of the FC port.
//
// Copy: up to four chunks under way, each its own AXI id; a chunk is one burst that crosses 4 KiB on neither side.
// Throughput about one beat in two cycles. Back-pressure: none needed, every port may stall for ever.
module weft_sim_test_top (
	input  logic         clk,
	input  logic         rst,
	input  logic [63:0]  time_ns,
	output logic         idle,
	output logic [63:0]  next_timer_ns,
	input  logic         boot_hold,
	input  logic         boot_we,
	input  logic [31:0]  boot_addr,
	input  logic [31:0]  boot_data,
	input  logic         boot_rom,
	input  logic [31:0]  board_id,
	input  logic [255:0] key_hash,
	output logic         spi_sck,
	output logic         spi_cs_n,
	output logic         spi_mosi,
	input  logic         spi_miso,
	input  logic [19:0]  s_axil_awaddr,
	input  logic         s_axil_awvalid,
	output logic         s_axil_awready,
	input  logic [31:0]  s_axil_wdata,
	input  logic [3:0]   s_axil_wstrb,
	input  logic         s_axil_wvalid,
	output logic         s_axil_wready,
	output logic [1:0]   s_axil_bresp,
	output logic         s_axil_bvalid,
	input  logic         s_axil_bready,
	input  logic [19:0]  s_axil_araddr,
	input  logic         s_axil_arvalid,
	output logic         s_axil_arready,
	output logic [31:0]  s_axil_rdata,
	output logic [1:0]   s_axil_rresp,
	output logic         s_axil_rvalid,
	input  logic         s_axil_rready,
	output logic [63:0]  m_axi_araddr,
	output logic [7:0]   m_axi_arlen,
	output logic [2:0]   m_axi_arsize,
	output logic [1:0]   m_axi_arburst,
	output logic [3:0]   m_axi_arid,
	output logic         m_axi_arvalid,
	input  logic         m_axi_arready,
	input  logic [127:0] m_axi_rdata,
	input  logic [1:0]   m_axi_rresp,
	input  logic [3:0]   m_axi_rid,
	input  logic         m_axi_rlast,
	input  logic         m_axi_rvalid,
	output logic         m_axi_rready,
	output logic [63:0]  m_axi_awaddr,
	output logic [7:0]   m_axi_awlen,
	output logic [2:0]   m_axi_awsize,
	output logic [1:0]   m_axi_awburst,
	output logic [3:0]   m_axi_awid,
	output logic         m_axi_awvalid,
	input  logic         m_axi_awready,
	output logic [127:0] m_axi_wdata,
	output logic [15:0]  m_axi_wstrb,
	output logic         m_axi_wlast,
	output logic         m_axi_wvalid,
	input  logic         m_axi_wready,
	input  logic [1:0]   m_axi_bresp,
	input  logic [3:0]   m_axi_bid,
	input  logic         m_axi_bvalid,
	output logic         m_axi_bready,
	output logic         msix_req,
	output logic [10:0]  msix_vector,
	input  logic         msix_ack,
	output logic [127:0] eth_tx_tdata,
	output logic [15:0]  eth_tx_tkeep,
	output logic         eth_tx_tvalid,
	input  logic         eth_tx_tready,
	output logic         eth_tx_tlast,
	input  logic [127:0] eth_rx_tdata,
	input  logic [15:0]  eth_rx_tkeep,
	input  logic         eth_rx_tvalid,
	input  logic         eth_rx_tlast,
	input  logic         eth_rx_tuser,
	output logic [127:0] fc_tx_tdata,
	output logic [15:0]  fc_tx_tkeep,
	output logic         fc_tx_tvalid,
	input  logic         fc_tx_tready,
	output logic         fc_tx_tlast,
	output logic         fc_tx_rrdy_valid,
	input  logic         fc_tx_rrdy_ready,
	output logic [2:0]   fc_tx_prim,
	input  logic [127:0] fc_rx_tdata,
	input  logic [15:0]  fc_rx_tkeep,
	input  logic         fc_rx_tvalid,
	input  logic         fc_rx_tlast,
	input  logic         fc_rx_tuser,
	input  logic         fc_rx_rrdy,
	input  logic [2:0]   fc_rx_prim,
	input  logic         fc_signal
);
	// ---- registers
	logic [31:0] scratch, boot_count, boot_sum, boot_xor, rx_frames, rx_bad;
	logic [63:0] src, dst;
	logic [31:0] len;
	logic        start, read_err, write_err, copying;
	logic        reg_we;
	logic        timer_on;
	logic [15:0] fc_frames, fc_bad, fc_changes;
	logic [31:0] fc_rrdys;

	assign reg_we = s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid;
	assign s_axil_awready = reg_we;
	assign s_axil_wready = reg_we;
	assign s_axil_bresp = 2'b00;
	assign s_axil_rresp = 2'b00;
	assign s_axil_arready = !s_axil_rvalid;

	function logic [31:0] log_word(input logic [19:0] addr);
		case (addr)
			20'h01000: log_word = "lleh";
			20'h01004: log_word = "l ,o";
			20'h01008: log_word = 32'h000a676f;
			default: log_word = 32'h0;
		endcase
	endfunction

	always_ff @(posedge clk) begin
		start <= 1'b0;
		if (s_axil_bready)
			s_axil_bvalid <= 1'b0;
		if (s_axil_rready)
			s_axil_rvalid <= 1'b0;
		if (msix_ack)
			msix_req <= 1'b0;
		if (timer_on && time_ns >= next_timer_ns) begin
			timer_on <= 1'b0;
			next_timer_ns <= 64'hffffffffffffffff;
			msix_req <= 1'b1;
			msix_vector <= 11'd5;
		end
		if (boot_we) begin
			boot_count <= boot_count + 32'd1;
			boot_sum <= boot_sum + boot_data;
			boot_xor <= boot_xor ^ boot_addr;
		end
		if (reg_we) begin
			s_axil_bvalid <= 1'b1;
			case (s_axil_awaddr)
				20'h00: begin
					if (s_axil_wstrb[0]) scratch[7:0] <= s_axil_wdata[7:0];
					if (s_axil_wstrb[1]) scratch[15:8] <= s_axil_wdata[15:8];
					if (s_axil_wstrb[2]) scratch[23:16] <= s_axil_wdata[23:16];
					if (s_axil_wstrb[3]) scratch[31:24] <= s_axil_wdata[31:24];
				end
				20'h04: src[31:0] <= s_axil_wdata;
				20'h08: src[63:32] <= s_axil_wdata;
				20'h0c: dst[31:0] <= s_axil_wdata;
				20'h10: dst[63:32] <= s_axil_wdata;
				20'h14: len <= s_axil_wdata;
				20'h18: start <= 1'b1;
				20'h1c: begin
					msix_req <= 1'b1;
					msix_vector <= s_axil_wdata[10:0];
				end
				20'h4c: fc_tx_prim <= s_axil_wdata[2:0];
				20'h20: begin
					timer_on <= 1'b1;
					next_timer_ns <= time_ns + {32'h0, s_axil_wdata};
				end
				default: ;
			endcase
		end
		if (s_axil_arvalid && s_axil_arready) begin
			s_axil_rvalid <= 1'b1;
			case (s_axil_araddr)
				20'h00: s_axil_rdata <= scratch;
				20'h18: s_axil_rdata <= {29'h0, write_err, read_err, copying | start};
				20'h24: s_axil_rdata <= boot_count;
				20'h28: s_axil_rdata <= boot_sum;
				20'h2c: s_axil_rdata <= {31'h0, boot_hold};
				20'h30: s_axil_rdata <= rx_frames;
				20'h34: s_axil_rdata <= rx_bad;
				20'h38: s_axil_rdata <= time_ns[31:0];
				20'h3c: s_axil_rdata <= boot_xor;
				20'h40: s_axil_rdata <= {fc_bad, fc_frames};
				20'h44: s_axil_rdata <= fc_rrdys;
				20'h4c: s_axil_rdata <= {fc_changes, 9'h0, fc_rx_prim, 3'h0, fc_signal};
				20'h48: s_axil_rdata <= 32'd11;
				default: s_axil_rdata <= log_word(s_axil_araddr);
			endcase
		end
		if (rst) begin
			scratch <= 32'h0;
			fc_tx_prim <= 3'd0;
			boot_count <= 32'h0;
			boot_sum <= 32'h0;
			boot_xor <= 32'h0;
			s_axil_bvalid <= 1'b0;
			s_axil_rvalid <= 1'b0;
			msix_req <= 1'b0;
			timer_on <= 1'b0;
			next_timer_ns <= 64'hffffffffffffffff;
		end
	end

	// ---- copy
	localparam logic [1:0] FREE = 2'd0, READ = 2'd1, FULL = 2'd2, WRITE = 2'd3;
	logic [1:0]   state [4];
	logic [63:0]  chunk_dst [4];
	logic [12:0]  chunk_len [4];
	logic [7:0]   got [4];
	logic         chunk_err [4];
	logic [127:0] buffer [1024];
	logic [63:0]  src_at, dst_at;
	logic [31:0]  left;
	logic [1:0]   issue;
	logic [12:0]  room, chunk, beats;
	logic         all_free;

	always_comb begin
		room = 13'd4096 - {1'b0, src_at[11:0]};
		if (13'd4096 - {1'b0, dst_at[11:0]} < room)
			room = 13'd4096 - {1'b0, dst_at[11:0]};
		chunk = left < {19'h0, room} ? left[12:0] : room;
		beats = (chunk + {9'h0, src_at[3:0]} + 13'd15) >> 4;
		all_free = state[0] == FREE && state[1] == FREE && state[2] == FREE && state[3] == FREE;
	end
	assign copying = left != 0 || !all_free || m_axi_arvalid;
	assign m_axi_arsize = 3'd4;
	assign m_axi_arburst = 2'b01;
	assign m_axi_awsize = 3'd4;
	assign m_axi_awburst = 2'b01;
	assign m_axi_rready = 1'b1;
	assign m_axi_bready = 1'b1;

	// writer
	logic        writing, more;
	logic [1:0]  wid;
	logic [7:0]  wbeat, wbeats;
	logic [12:0] wend;

	assign wend = {9'h0, chunk_dst[wid][3:0]} + chunk_len[wid];
	assign wbeats = 8'((wend + 13'd15) >> 4) - 8'd1;

	function logic [15:0] strobes(input logic [7:0] beat, input logic [3:0] first, input logic [12:0] last);
		for (int i = 0; i < 16; i++)
			strobes[i] = {1'b0, beat, 4'(i)} >= {9'h0, first} && {1'b0, beat, 4'(i)} < last;
	endfunction

	always_ff @(posedge clk) begin
		if (start) begin
			src_at <= src;
			dst_at <= dst;
			left <= len;
			read_err <= 1'b0;
			write_err <= 1'b0;
		end
		if (m_axi_arready)
			m_axi_arvalid <= 1'b0;
		if (left != 0 && state[issue] == FREE && (!m_axi_arvalid || m_axi_arready)) begin
			m_axi_arvalid <= 1'b1;
			m_axi_araddr <= src_at;
			m_axi_arlen <= 8'(beats - 13'd1);
			m_axi_arid <= {2'b00, issue};
			state[issue] <= READ;
			chunk_dst[issue] <= dst_at;
			chunk_len[issue] <= chunk;
			chunk_err[issue] <= 1'b0;
			got[issue] <= 8'd0;
			issue <= issue + 2'd1;
			src_at <= src_at + {51'h0, chunk};
			dst_at <= dst_at + {51'h0, chunk};
			left <= left - {19'h0, chunk};
		end
		if (m_axi_rvalid) begin
			buffer[{m_axi_rid[1:0], got[m_axi_rid[1:0]]}] <= m_axi_rdata;
			got[m_axi_rid[1:0]] <= got[m_axi_rid[1:0]] + 8'd1;
			if (m_axi_rresp != 2'b00) begin
				read_err <= 1'b1;
				chunk_err[m_axi_rid[1:0]] <= 1'b1;
			end
			if (m_axi_rlast)
				state[m_axi_rid[1:0]] <= m_axi_rresp == 2'b00 && !chunk_err[m_axi_rid[1:0]] ? FULL : FREE;
		end
		if (m_axi_bvalid) begin
			state[m_axi_bid[1:0]] <= FREE;
			if (m_axi_bresp != 2'b00)
				write_err <= 1'b1;
		end
		// take a full chunk, address first, then a beat at a time
		if (m_axi_awready)
			m_axi_awvalid <= 1'b0;
		if (m_axi_wready)
			m_axi_wvalid <= 1'b0;
		if (!writing && !m_axi_awvalid && !m_axi_wvalid) begin
			if (state[wid] == FULL) begin
				writing <= 1'b1;
				more <= 1'b1;
				wbeat <= 8'd0;
				m_axi_awvalid <= 1'b1;
				m_axi_awaddr <= chunk_dst[wid];
				m_axi_awlen <= wbeats;
				m_axi_awid <= {2'b00, wid};
				state[wid] <= WRITE;
			end else begin
				wid <= wid + 2'd1;
			end
		end
		if (writing && more && (!m_axi_wvalid || m_axi_wready)) begin
			m_axi_wvalid <= 1'b1;
			m_axi_wdata <= buffer[{wid, wbeat}];
			m_axi_wstrb <= strobes(wbeat, chunk_dst[wid][3:0], wend);
			m_axi_wlast <= wbeat == wbeats;
			wbeat <= wbeat + 8'd1;
			more <= wbeat != wbeats;
		end
		if (writing && !more && m_axi_wvalid && m_axi_wready)
			writing <= 1'b0;
		if (rst) begin
			left <= 32'h0;
			issue <= 2'd0;
			wid <= 2'd0;
			writing <= 1'b0;
			more <= 1'b0;
			read_err <= 1'b0;
			write_err <= 1'b0;
			m_axi_arvalid <= 1'b0;
			m_axi_awvalid <= 1'b0;
			m_axi_wvalid <= 1'b0;
			for (int i = 0; i < 4; i++) begin
				state[i] <= FREE;
				got[i] <= 8'd0;
				chunk_err[i] <= 1'b0;
			end
		end
	end

	// ---- Ethernet loopback
	logic [144:0] fifo [4096];
	logic [12:0]  wr, rd, whole;
	logic [12:0]  rd_next;

	assign rd_next = rd + 13'(eth_tx_tvalid && eth_tx_tready);
	always_ff @(posedge clk) begin
		if (eth_rx_tvalid) begin
			fifo[wr[11:0]] <= {eth_rx_tlast, eth_rx_tkeep, eth_rx_tdata};
			wr <= wr + 13'd1;
			if (eth_rx_tlast) begin
				whole <= wr + 13'd1;
				rx_frames <= rx_frames + 32'd1;
				if (eth_rx_tuser)
					rx_bad <= rx_bad + 32'd1;
			end
		end
		rd <= rd_next;
		eth_tx_tvalid <= rd_next != whole;
		{eth_tx_tlast, eth_tx_tkeep, eth_tx_tdata} <= fifo[rd_next[11:0]];
		if (rst) begin
			wr <= 13'd0;
			rd <= 13'd0;
			whole <= 13'd0;
			rx_frames <= 32'd0;
			rx_bad <= 32'd0;
			eth_tx_tvalid <= 1'b0;
		end
	end

	// ---- Fibre Channel loopback
	logic [144:0] fc_fifo [4096];
	logic [12:0]  fc_wr, fc_rd, fc_whole;
	logic [12:0]  fc_rd_next;
	logic [31:0]  fc_rrdy_owed;
	logic [3:0]   fc_was;

	assign fc_rd_next = fc_rd + 13'(fc_tx_tvalid && fc_tx_tready);
	assign fc_tx_rrdy_valid = fc_rrdy_owed != 32'd0;
	always_ff @(posedge clk) begin
		fc_was <= {fc_signal, fc_rx_prim};
		if (fc_was != {fc_signal, fc_rx_prim})
			fc_changes <= fc_changes + 16'd1;
		fc_rrdys <= fc_rrdys + 32'(fc_rx_rrdy);
		fc_rrdy_owed <= fc_rrdy_owed + 32'(fc_rx_rrdy) - 32'(fc_tx_rrdy_valid && fc_tx_rrdy_ready);
		if (fc_rx_tvalid) begin
			fc_fifo[fc_wr[11:0]] <= {fc_rx_tlast, fc_rx_tkeep, fc_rx_tdata};
			fc_wr <= fc_wr + 13'd1;
			if (fc_rx_tlast) begin
				fc_whole <= fc_wr + 13'd1;
				fc_frames <= fc_frames + 16'd1;
				if (fc_rx_tuser)
					fc_bad <= fc_bad + 16'd1;
			end
		end
		fc_rd <= fc_rd_next;
		fc_tx_tvalid <= fc_rd_next != fc_whole;
		{fc_tx_tlast, fc_tx_tkeep, fc_tx_tdata} <= fc_fifo[fc_rd_next[11:0]];
		if (rst) begin
			fc_wr <= 13'd0;
			fc_rd <= 13'd0;
			fc_whole <= 13'd0;
			fc_frames <= 16'd0;
			fc_bad <= 16'd0;
			fc_changes <= 16'd0;
			fc_rrdys <= 32'd0;
			fc_rrdy_owed <= 32'd0;
			fc_was <= {fc_signal, fc_rx_prim};
			fc_tx_tvalid <= 1'b0;
		end
	end

	assign spi_sck = 1'b0; // no flash port
	assign spi_cs_n = 1'b1;
	assign spi_mosi = 1'b0;
	assign idle = !start && !copying && !msix_req && rd == whole && !eth_tx_tvalid && fc_rd == fc_whole && !fc_tx_tvalid &&
		!fc_tx_rrdy_valid;
endmodule
