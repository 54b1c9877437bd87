// SPDX-License-Identifier: BSD-2-Clause
// The adapter: one clock domain, AXI at the edges, so that any FPGA shell can carry it.
//   AXI4-Lite slave   BAR 0 (1 MiB)
//   AXI4 master       host memory, through the shell's PCIe bridge; bursts within 4 KiB, any byte alignment
//   MSI-X             request with vector, acknowledged by the shell
//   AXI-Stream        Ethernet frames without FCS; the receive side cannot be held. In FCoE mode Fibre Channel shares it
//   fc_*              an FC-1 port: frames with SOF and EOF words and CRC, R_RDY, the primitive sent and received between frames; the
//                     receive side cannot be held
//   boot_*            image loader: writes instruction and data memory, and a boot ROM without ROM_FILE, while boot_hold is 1
//   boot_rom          the core starts in the boot ROM, which loads firmware from the flash; with board_id and key_hash (byte i in bits 8i + 7:8i)
//                     the hardware configuration, to be held still
//   spi_*             NOR flash, mode 0
//   time_ns           device time; next_timer_ns and idle let a simulator sleep
module weft_top #(
	parameter ROM_FILE = "",
	parameter int unsigned SPI_DIV = 3 // of the flash's clock, clk / (2 * (SPI_DIV + 1)): 31 MHz at 250
) (
	input  logic         clk,
	input  logic         rst,
	input  logic [63:0]  time_ns,
	output logic         idle,
	output logic [63:0]  next_timer_ns,
	input  logic         link_up,
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
	output logic         core_trap,
	// AXI4-Lite slave
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
	// AXI4 master
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
	// MSI-X
	output logic         msix_req,
	output logic [10:0]  msix_vector,
	input  logic         msix_ack,
	// Ethernet
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
	// Fibre Channel
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
	// --- resets: the host block drains the DMA engines first, then resets everything but itself ---
	logic soft_rst, blk_rst, drain, rd_quiet, wr_quiet;
	assign blk_rst = rst || soft_rst;

	// --- core bus, events, shared memory ---
	logic [5:0]   cb_req, cb_gnt, cb_rvalid;
	logic [4:0]   evt_valid, evt_ready;
	logic         cb_we, evt_taken;
	logic [3:0]   cb_be;
	logic [31:0]  cb_addr, cb_wdata;
	logic [191:0] cb_rdata;
	logic [479:0] evt_data;
	logic [6:0]   x_req, x_we, x_gnt, x_rvalid;
	logic [111:0] x_addr, x_be;
	logic [895:0] x_wdata;
	logic [127:0] x_rdata;
	logic [9:0]   tx_ctxa_addr, rx_ctxa_addr, rx_hash_addr;
	logic [127:0] tx_ctxa_rdata, rx_ctxa_rdata;
	logic [31:0]  rx_hash_rdata;
	logic         core_run, core_active, core_retire, soc_idle, boot_busy, wdt_reset;
	logic [63:0]  timer_ns, wdt_ns;

	weft_soc #(.ROM_FILE(ROM_FILE)) u_soc (
		.clk, .rst(blk_rst), .core_run, .boot_rom, .boot_hold, .boot_we, .boot_addr, .boot_data, .time_ns, .timer_ns,
		.core_active, .core_retire, .core_trap, .idle(soc_idle),
		.cb_req, .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt, .cb_rvalid, .cb_rdata,
		.evt_valid, .evt_data, .evt_ready, .evt_taken,
		.x_req, .x_we, .x_addr, .x_wdata, .x_be, .x_gnt, .x_rvalid, .x_rdata,
		.tx_ctxa_addr, .tx_ctxa_rdata, .rx_ctxa_addr, .rx_ctxa_rdata, .rx_hash_addr, .rx_hash_rdata
	);

	weft_boot #(.SPI_DIV(SPI_DIV)) u_boot (
		.clk, .rst, .soft_rst, .hold(boot_hold || !core_run), .time_ns, .boot_rom, .board_id, .key_hash,
		.cb_req(cb_req[5]), .cb_we, .cb_addr, .cb_wdata, .cb_gnt(cb_gnt[5]), .cb_rvalid(cb_rvalid[5]), .cb_rdata(cb_rdata[191:160]),
		.spi_sck, .spi_cs_n, .spi_mosi, .spi_miso, .wdt_reset, .deadline_ns(wdt_ns), .busy(boot_busy)
	);
	assign next_timer_ns = timer_ns < wdt_ns ? timer_ns : wdt_ns;

	// --- host memory ---
	logic [6:0]   rd_req_valid, rd_req_ready, rd_rsp_valid, rd_rsp_ready, rd_rsp_last, rd_rsp_err;
	logic [447:0] rd_req_addr;
	logic [111:0] rd_req_len;
	logic [895:0] rd_rsp_data;
	logic [34:0]  rd_rsp_cnt;
	logic [2:0]   wr_cmd_valid, wr_cmd_ready, wr_dat_valid, wr_dat_ready, wr_dat_last, wr_done_valid, wr_done_err;
	logic [191:0] wr_cmd_addr;
	logic [47:0]  wr_cmd_len, wr_cmd_tag, wr_done_tag;
	logic [31:0]  wr_issued, wr_answered;
	logic [383:0] wr_dat_data;
	logic         rd_busy, wr_busy, cnt_rd_err, cnt_wr_err;
	logic [4:0]   cnt_rd_bytes, cnt_wr_bytes;

	weft_dma_rd u_dma_rd (
		.clk, .rst, .drain, .quiet(rd_quiet), .busy(rd_busy),
		.rd_req_valid, .rd_req_ready, .rd_req_addr, .rd_req_len, .rd_rsp_valid, .rd_rsp_ready, .rd_rsp_data, .rd_rsp_cnt, .rd_rsp_last, .rd_rsp_err,
		.m_axi_araddr, .m_axi_arlen, .m_axi_arsize, .m_axi_arburst, .m_axi_arvalid, .m_axi_arready,
		.m_axi_rdata, .m_axi_rresp, .m_axi_rlast, .m_axi_rvalid, .m_axi_rready, .cnt_bytes(cnt_rd_bytes), .cnt_err(cnt_rd_err)
	);
	weft_dma_wr u_dma_wr (
		.clk, .rst, .drain, .quiet(wr_quiet), .busy(wr_busy),
		.wr_cmd_valid, .wr_cmd_ready, .wr_cmd_addr, .wr_cmd_len, .wr_cmd_tag, .wr_dat_valid, .wr_dat_ready, .wr_dat_data, .wr_dat_last,
		.wr_done_valid, .wr_done_tag, .wr_done_err, .wr_issued, .wr_answered,
		.m_axi_awaddr, .m_axi_awlen, .m_axi_awsize, .m_axi_awburst, .m_axi_awvalid, .m_axi_awready,
		.m_axi_wdata, .m_axi_wstrb, .m_axi_wlast, .m_axi_wvalid, .m_axi_wready, .m_axi_bresp, .m_axi_bvalid, .m_axi_bready,
		.cnt_bytes(cnt_wr_bytes), .cnt_err(cnt_wr_err)
	);
	assign m_axi_arid = '0;
	assign m_axi_awid = '0;

	// --- host side ---
	logic         slot_flag_valid, rx_flag_valid, frx_flag_valid, inval_valid, host_busy, tx_busy, rx_busy, ftx_busy, frx_busy, others_idle;
	logic [15:0]  slot_flag_slot, rx_flag_slot, frx_flag_slot, inval_slot;
	logic [7:0]   slot_flag_bits, rx_flag_bits, frx_flag_bits;
	// weft_rx is never held; weft_fc_rx waits a cycle
	assign slot_flag_valid = rx_flag_valid || frx_flag_valid;
	assign slot_flag_slot = rx_flag_valid ? rx_flag_slot : frx_flag_slot;
	assign slot_flag_bits = rx_flag_valid ? rx_flag_bits : frx_flag_bits;
	logic [63:0]  cnt_inc;
	logic [4:0]   cnt_tx_bytes, cnt_rx_bytes, cnt_placed_bytes;

	weft_host u_host (
		.clk, .rst,
		.s_axil_awaddr, .s_axil_awvalid, .s_axil_awready, .s_axil_wdata, .s_axil_wstrb, .s_axil_wvalid, .s_axil_wready, .s_axil_bresp, .s_axil_bvalid, .s_axil_bready,
		.s_axil_araddr, .s_axil_arvalid, .s_axil_arready, .s_axil_rdata, .s_axil_rresp, .s_axil_rvalid, .s_axil_rready,
		.msix_req, .msix_vector, .msix_ack,
		.cb_req(cb_req[0]), .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt(cb_gnt[0]), .cb_rvalid(cb_rvalid[0]), .cb_rdata(cb_rdata[31:0]),
		.evt_valid(evt_valid[0]), .evt_data(evt_data[95:0]), .evt_ready(evt_ready[0]),
		.x_req(x_req[3]), .x_we(x_we[3]), .x_addr(x_addr[63:48]), .x_wdata(x_wdata[511:384]), .x_be(x_be[63:48]), .x_gnt(x_gnt[3]), .x_rvalid(x_rvalid[3]), .x_rdata,
		.rd_req_valid(rd_req_valid[0]), .rd_req_ready(rd_req_ready[0]), .rd_req_addr(rd_req_addr[63:0]), .rd_req_len(rd_req_len[15:0]),
		.rd_rsp_valid(rd_rsp_valid[0]), .rd_rsp_ready(rd_rsp_ready[0]), .rd_rsp_data(rd_rsp_data[127:0]), .rd_rsp_cnt(rd_rsp_cnt[4:0]), .rd_rsp_last(rd_rsp_last[0]), .rd_rsp_err(rd_rsp_err[0]),
		.wr_cmd_valid(wr_cmd_valid[1]), .wr_cmd_ready(wr_cmd_ready[1]), .wr_cmd_addr(wr_cmd_addr[127:64]), .wr_cmd_len(wr_cmd_len[31:16]), .wr_cmd_tag(wr_cmd_tag[31:16]),
		.wr_dat_valid(wr_dat_valid[1]), .wr_dat_ready(wr_dat_ready[1]), .wr_dat_data(wr_dat_data[255:128]), .wr_dat_last(wr_dat_last[1]),
		.wr_done_valid(wr_done_valid[1]), .wr_done_tag(wr_done_tag[31:16]), .wr_done_err(wr_done_err[1]), .wr_issued, .wr_answered,
		.slot_flag_valid, .slot_flag_slot, .slot_flag_bits, .inval_valid, .inval_slot,
		.time_ns, .wdt_reset, .core_run, .drain, .quiet(rd_quiet && wr_quiet), .soft_rst, .idle_others(others_idle), .link_up,
		.core_active, .core_retire, .cnt_inc, .cnt_rd_bytes, .cnt_wr_bytes, .cnt_tx_bytes, .cnt_rx_bytes, .cnt_placed_bytes, .busy(host_busy)
	);

	// --- the Ethernet port and who shares it ---
	logic [1:0]   fc_mode;
	logic [127:0] t_tx_tdata, t_rx_tdata, fcoe_tx_tdata, fcoe_rx_tdata;
	logic [15:0]  t_tx_tkeep, t_rx_tkeep, fcoe_tx_tkeep, fcoe_rx_tkeep;
	logic         t_tx_tvalid, t_tx_tready, t_tx_tlast, t_rx_tvalid, t_rx_tlast, t_rx_tuser;
	logic         fcoe_tx_tvalid, fcoe_tx_tready, fcoe_tx_tlast, fcoe_rx_tvalid, fcoe_rx_tlast, fcoe_rx_tuser;

	weft_fc_eth u_eth (
		.clk, .rst(blk_rst), .mode(fc_mode),
		.eth_tx_tdata, .eth_tx_tkeep, .eth_tx_tvalid, .eth_tx_tready, .eth_tx_tlast,
		.eth_rx_tdata, .eth_rx_tkeep, .eth_rx_tvalid, .eth_rx_tlast, .eth_rx_tuser,
		.t_tx_tdata, .t_tx_tkeep, .t_tx_tvalid, .t_tx_tready, .t_tx_tlast, .t_rx_tdata, .t_rx_tkeep, .t_rx_tvalid, .t_rx_tlast, .t_rx_tuser,
		.fcoe_tx_tdata, .fcoe_tx_tkeep, .fcoe_tx_tvalid, .fcoe_tx_tready, .fcoe_tx_tlast,
		.fcoe_rx_tdata, .fcoe_rx_tkeep, .fcoe_rx_tvalid, .fcoe_rx_tlast, .fcoe_rx_tuser
	);

	// --- transmit ---
	logic [6:0]  txq_conn, sent_conn, ackrq_conn;
	logic [31:0] txq_rcv_nxt, txq_ts_recent, txq_edge, sent_ack, sent_edge, sent_end;
	logic        sent_valid, sent_data, ackrq_valid, ackrq_ready;
	logic        cnt_tx_frames, cnt_tx_ops, cnt_tx_acks, cnt_tx_stall_dma, cnt_tx_stall_mac;

	weft_tx u_tx (
		.clk, .rst(blk_rst),
		.cb_req(cb_req[1]), .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt(cb_gnt[1]), .cb_rvalid(cb_rvalid[1]), .cb_rdata(cb_rdata[63:32]),
		.evt_valid(evt_valid[1]), .evt_data(evt_data[191:96]), .evt_ready(evt_ready[1]),
		.x_req(x_req[2]), .x_we(x_we[2]), .x_addr(x_addr[47:32]), .x_wdata(x_wdata[383:256]), .x_be(x_be[47:32]), .x_gnt(x_gnt[2]), .x_rvalid(x_rvalid[2]), .x_rdata,
		.sx_req(x_req[1]), .sx_we(x_we[1]), .sx_addr(x_addr[31:16]), .sx_wdata(x_wdata[255:128]), .sx_be(x_be[31:16]), .sx_gnt(x_gnt[1]), .sx_rvalid(x_rvalid[1]), .sx_rdata(x_rdata),
		.rd_req_valid(rd_req_valid[3]), .rd_req_ready(rd_req_ready[3]), .rd_req_addr(rd_req_addr[255:192]), .rd_req_len(rd_req_len[63:48]),
		.rd_rsp_valid(rd_rsp_valid[3]), .rd_rsp_ready(rd_rsp_ready[3]), .rd_rsp_data(rd_rsp_data[511:384]), .rd_rsp_cnt(rd_rsp_cnt[19:15]), .rd_rsp_last(rd_rsp_last[3]), .rd_rsp_err(rd_rsp_err[3]),
		.srd_req_valid(rd_req_valid[1]), .srd_req_ready(rd_req_ready[1]), .srd_req_addr(rd_req_addr[127:64]), .srd_req_len(rd_req_len[31:16]),
		.srd_rsp_valid(rd_rsp_valid[1]), .srd_rsp_ready(rd_rsp_ready[1]), .srd_rsp_data(rd_rsp_data[255:128]), .srd_rsp_cnt(rd_rsp_cnt[9:5]), .srd_rsp_last(rd_rsp_last[1]), .srd_rsp_err(rd_rsp_err[1]),
		.ctxa_addr(tx_ctxa_addr), .ctxa_rdata(tx_ctxa_rdata), .txq_conn, .txq_rcv_nxt, .txq_ts_recent, .txq_edge,
		.sent_valid, .sent_conn, .sent_ack, .sent_edge, .sent_end, .sent_data, .ackrq_valid, .ackrq_conn, .ackrq_ready, .inval_valid, .inval_slot, .time_ns,
		.eth_tx_tdata(t_tx_tdata), .eth_tx_tkeep(t_tx_tkeep), .eth_tx_tvalid(t_tx_tvalid), .eth_tx_tready(t_tx_tready), .eth_tx_tlast(t_tx_tlast),
		.cnt_frames(cnt_tx_frames), .cnt_bytes(cnt_tx_bytes), .cnt_ops(cnt_tx_ops), .cnt_acks(cnt_tx_acks), .cnt_stall_dma(cnt_tx_stall_dma), .cnt_stall_mac(cnt_tx_stall_mac),
		.busy(tx_busy)
	);

	// --- receive ---
	logic cnt_rx_frames, cnt_rx_fcs, cnt_rx_len, cnt_rx_ipcsum, cnt_rx_tcpcsum, cnt_rx_nobuf, cnt_rx_notus, cnt_rx_fast, cnt_rx_to_fw, cnt_rx_evq,
	      cnt_rx_hdrs, cnt_rx_hdgst, cnt_rx_ddgst, cnt_rx_stall_dma;

	weft_rx u_rx (
		.clk, .rst(blk_rst), .eth_rx_tdata(t_rx_tdata), .eth_rx_tkeep(t_rx_tkeep), .eth_rx_tvalid(t_rx_tvalid), .eth_rx_tlast(t_rx_tlast), .eth_rx_tuser(t_rx_tuser),
		.cb_req(cb_req[2]), .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt(cb_gnt[2]), .cb_rvalid(cb_rvalid[2]), .cb_rdata(cb_rdata[95:64]),
		.evt_valid(evt_valid[2]), .evt_data(evt_data[287:192]), .evt_ready(evt_ready[2]),
		.sx_req(x_req[0]), .sx_we(x_we[0]), .sx_addr(x_addr[15:0]), .sx_wdata(x_wdata[127:0]), .sx_be(x_be[15:0]), .sx_gnt(x_gnt[0]), .sx_rvalid(x_rvalid[0]), .sx_rdata(x_rdata),
		.srd_req_valid(rd_req_valid[2]), .srd_req_ready(rd_req_ready[2]), .srd_req_addr(rd_req_addr[191:128]), .srd_req_len(rd_req_len[47:32]),
		.srd_rsp_valid(rd_rsp_valid[2]), .srd_rsp_ready(rd_rsp_ready[2]), .srd_rsp_data(rd_rsp_data[383:256]), .srd_rsp_cnt(rd_rsp_cnt[14:10]), .srd_rsp_last(rd_rsp_last[2]), .srd_rsp_err(rd_rsp_err[2]),
		.wr_cmd_valid(wr_cmd_valid[0]), .wr_cmd_ready(wr_cmd_ready[0]), .wr_cmd_addr(wr_cmd_addr[63:0]), .wr_cmd_len(wr_cmd_len[15:0]), .wr_cmd_tag(wr_cmd_tag[15:0]),
		.wr_dat_valid(wr_dat_valid[0]), .wr_dat_ready(wr_dat_ready[0]), .wr_dat_data(wr_dat_data[127:0]), .wr_dat_last(wr_dat_last[0]),
		.wr_done_valid(wr_done_valid[0]), .wr_done_tag(wr_done_tag[15:0]), .wr_done_err(wr_done_err[0]),
		.ctxa_addr(rx_ctxa_addr), .ctxa_rdata(rx_ctxa_rdata), .hash_addr(rx_hash_addr), .hash_rdata(rx_hash_rdata),
		.txq_conn, .txq_rcv_nxt, .txq_ts_recent, .txq_edge, .sent_valid, .sent_conn, .sent_ack, .sent_edge, .sent_end, .sent_data,
		.ackrq_valid, .ackrq_conn, .ackrq_ready, .slot_flag_valid(rx_flag_valid), .slot_flag_slot(rx_flag_slot), .slot_flag_bits(rx_flag_bits), .inval_valid, .inval_slot, .time_ns,
		.cnt_frames(cnt_rx_frames), .cnt_rx_bytes, .cnt_drop_fcs(cnt_rx_fcs), .cnt_drop_len(cnt_rx_len), .cnt_drop_ipcsum(cnt_rx_ipcsum), .cnt_drop_tcpcsum(cnt_rx_tcpcsum),
		.cnt_drop_nobuf(cnt_rx_nobuf), .cnt_drop_notus(cnt_rx_notus), .cnt_fast(cnt_rx_fast), .cnt_to_fw(cnt_rx_to_fw), .cnt_drop_evq(cnt_rx_evq), .cnt_hdrs(cnt_rx_hdrs),
		.cnt_placed_bytes, .cnt_hdgst_bad(cnt_rx_hdgst), .cnt_ddgst_bad(cnt_rx_ddgst), .cnt_stall_dma(cnt_rx_stall_dma), .busy(rx_busy)
	);

	// --- Fibre Channel ---
	logic rrdy_valid, cnt_ftx_frames, cnt_ftx_credit, cnt_ftx_dma, cnt_frx_frames, cnt_frx_crc, cnt_frx_form, cnt_frx_nobuf, cnt_frx_notus, cnt_frx_placed,
	      cnt_frx_to_fw, cnt_frx_trap;

	weft_fc_tx u_fc_tx (
		.clk, .rst(blk_rst),
		.cb_req(cb_req[3]), .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt(cb_gnt[3]), .cb_rvalid(cb_rvalid[3]), .cb_rdata(cb_rdata[127:96]),
		.evt_valid(evt_valid[3]), .evt_data(evt_data[383:288]), .evt_ready(evt_ready[3]),
		.x_req(x_req[6]), .x_we(x_we[6]), .x_addr(x_addr[111:96]), .x_wdata(x_wdata[895:768]), .x_be(x_be[111:96]), .x_gnt(x_gnt[6]), .x_rvalid(x_rvalid[6]), .x_rdata,
		.sx_req(x_req[5]), .sx_we(x_we[5]), .sx_addr(x_addr[95:80]), .sx_wdata(x_wdata[767:640]), .sx_be(x_be[95:80]), .sx_gnt(x_gnt[5]), .sx_rvalid(x_rvalid[5]), .sx_rdata(x_rdata),
		.rd_req_valid(rd_req_valid[6]), .rd_req_ready(rd_req_ready[6]), .rd_req_addr(rd_req_addr[447:384]), .rd_req_len(rd_req_len[111:96]),
		.rd_rsp_valid(rd_rsp_valid[6]), .rd_rsp_ready(rd_rsp_ready[6]), .rd_rsp_data(rd_rsp_data[895:768]), .rd_rsp_cnt(rd_rsp_cnt[34:30]), .rd_rsp_last(rd_rsp_last[6]), .rd_rsp_err(rd_rsp_err[6]),
		.srd_req_valid(rd_req_valid[4]), .srd_req_ready(rd_req_ready[4]), .srd_req_addr(rd_req_addr[319:256]), .srd_req_len(rd_req_len[79:64]),
		.srd_rsp_valid(rd_rsp_valid[4]), .srd_rsp_ready(rd_rsp_ready[4]), .srd_rsp_data(rd_rsp_data[639:512]), .srd_rsp_cnt(rd_rsp_cnt[24:20]), .srd_rsp_last(rd_rsp_last[4]), .srd_rsp_err(rd_rsp_err[4]),
		.inval_valid, .inval_slot, .fc_signal, .fc_rx_prim, .fc_rx_rrdy, .rrdy_valid, .mode(fc_mode),
		.fc_tx_tdata, .fc_tx_tkeep, .fc_tx_tvalid, .fc_tx_tready, .fc_tx_tlast, .fc_tx_rrdy_valid, .fc_tx_rrdy_ready, .fc_tx_prim,
		.fcoe_tx_tdata, .fcoe_tx_tkeep, .fcoe_tx_tvalid, .fcoe_tx_tready, .fcoe_tx_tlast,
		.cnt_frames(cnt_ftx_frames), .cnt_stall_credit(cnt_ftx_credit), .cnt_stall_dma(cnt_ftx_dma), .busy(ftx_busy)
	);
	weft_fc_rx u_fc_rx (
		.clk, .rst(blk_rst), .mode(fc_mode),
		.fc_rx_tdata, .fc_rx_tkeep, .fc_rx_tvalid, .fc_rx_tlast, .fc_rx_tuser, .fcoe_rx_tdata, .fcoe_rx_tkeep, .fcoe_rx_tvalid, .fcoe_rx_tlast, .fcoe_rx_tuser,
		.cb_req(cb_req[4]), .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt(cb_gnt[4]), .cb_rvalid(cb_rvalid[4]), .cb_rdata(cb_rdata[159:128]),
		.evt_valid(evt_valid[4]), .evt_data(evt_data[479:384]), .evt_ready(evt_ready[4]),
		.sx_req(x_req[4]), .sx_we(x_we[4]), .sx_addr(x_addr[79:64]), .sx_wdata(x_wdata[639:512]), .sx_be(x_be[79:64]), .sx_gnt(x_gnt[4]), .sx_rvalid(x_rvalid[4]), .sx_rdata(x_rdata),
		.srd_req_valid(rd_req_valid[5]), .srd_req_ready(rd_req_ready[5]), .srd_req_addr(rd_req_addr[383:320]), .srd_req_len(rd_req_len[95:80]),
		.srd_rsp_valid(rd_rsp_valid[5]), .srd_rsp_ready(rd_rsp_ready[5]), .srd_rsp_data(rd_rsp_data[767:640]), .srd_rsp_cnt(rd_rsp_cnt[29:25]), .srd_rsp_last(rd_rsp_last[5]), .srd_rsp_err(rd_rsp_err[5]),
		.wr_cmd_valid(wr_cmd_valid[2]), .wr_cmd_ready(wr_cmd_ready[2]), .wr_cmd_addr(wr_cmd_addr[191:128]), .wr_cmd_len(wr_cmd_len[47:32]), .wr_cmd_tag(wr_cmd_tag[47:32]),
		.wr_dat_valid(wr_dat_valid[2]), .wr_dat_ready(wr_dat_ready[2]), .wr_dat_data(wr_dat_data[383:256]), .wr_dat_last(wr_dat_last[2]),
		.wr_done_valid(wr_done_valid[2]), .wr_done_tag(wr_done_tag[47:32]), .wr_done_err(wr_done_err[2]),
		.inval_valid, .inval_slot, .slot_flag_valid(frx_flag_valid), .slot_flag_slot(frx_flag_slot), .slot_flag_bits(frx_flag_bits), .slot_flag_ready(!rx_flag_valid), .rrdy_valid,
		.cnt_frames(cnt_frx_frames), .cnt_crc(cnt_frx_crc), .cnt_form(cnt_frx_form), .cnt_nobuf(cnt_frx_nobuf), .cnt_notus(cnt_frx_notus), .cnt_placed(cnt_frx_placed),
		.cnt_to_fw(cnt_frx_to_fw), .cnt_trap(cnt_frx_trap), .busy(frx_busy)
	);

	// --- counters and sleep ---
	always_comb begin
		cnt_inc = '0;
		cnt_inc[weft_host_pkg::CNT_DMA_RD_ERR[5:0]] = cnt_rd_err;
		cnt_inc[weft_host_pkg::CNT_DMA_WR_ERR[5:0]] = cnt_wr_err;
		cnt_inc[weft_host_pkg::CNT_TX_FRAMES[5:0]] = cnt_tx_frames;
		cnt_inc[weft_host_pkg::CNT_TX_OPS[5:0]] = cnt_tx_ops;
		cnt_inc[weft_host_pkg::CNT_TX_ACKS[5:0]] = cnt_tx_acks;
		cnt_inc[weft_host_pkg::CNT_TX_STALL_DMA[5:0]] = cnt_tx_stall_dma;
		cnt_inc[weft_host_pkg::CNT_TX_STALL_MAC[5:0]] = cnt_tx_stall_mac;
		cnt_inc[weft_host_pkg::CNT_RX_FRAMES[5:0]] = cnt_rx_frames;
		cnt_inc[weft_host_pkg::CNT_RX_DROP_FCS[5:0]] = cnt_rx_fcs;
		cnt_inc[weft_host_pkg::CNT_RX_DROP_LEN[5:0]] = cnt_rx_len;
		cnt_inc[weft_host_pkg::CNT_RX_DROP_IPCSUM[5:0]] = cnt_rx_ipcsum;
		cnt_inc[weft_host_pkg::CNT_RX_DROP_TCPCSUM[5:0]] = cnt_rx_tcpcsum;
		cnt_inc[weft_host_pkg::CNT_RX_DROP_NOBUF[5:0]] = cnt_rx_nobuf;
		cnt_inc[weft_host_pkg::CNT_RX_DROP_NOTUS[5:0]] = cnt_rx_notus;
		cnt_inc[weft_host_pkg::CNT_RX_FAST[5:0]] = cnt_rx_fast;
		cnt_inc[weft_host_pkg::CNT_RX_TO_FW[5:0]] = cnt_rx_to_fw;
		cnt_inc[weft_host_pkg::CNT_RX_DROP_EVQ[5:0]] = cnt_rx_evq;
		cnt_inc[weft_host_pkg::CNT_RX_HDRS[5:0]] = cnt_rx_hdrs;
		cnt_inc[weft_host_pkg::CNT_RX_HDGST_BAD[5:0]] = cnt_rx_hdgst;
		cnt_inc[weft_host_pkg::CNT_RX_DDGST_BAD[5:0]] = cnt_rx_ddgst;
		cnt_inc[weft_host_pkg::CNT_RX_STALL_DMA[5:0]] = cnt_rx_stall_dma;
		cnt_inc[weft_host_pkg::CNT_EVENTS[5:0]] = evt_taken;
		cnt_inc[weft_host_pkg::CNT_CYCLES[5:0]] = 1'b1;
		cnt_inc[weft_host_pkg::CNT_FC_TX_FRAMES[5:0]] = cnt_ftx_frames;
		cnt_inc[weft_host_pkg::CNT_FC_TX_STALL_CREDIT[5:0]] = cnt_ftx_credit;
		cnt_inc[weft_host_pkg::CNT_FC_TX_STALL_DMA[5:0]] = cnt_ftx_dma;
		cnt_inc[weft_host_pkg::CNT_FC_RX_FRAMES[5:0]] = cnt_frx_frames;
		cnt_inc[weft_host_pkg::CNT_FC_RX_DROP_CRC[5:0]] = cnt_frx_crc;
		cnt_inc[weft_host_pkg::CNT_FC_RX_DROP_FORM[5:0]] = cnt_frx_form;
		cnt_inc[weft_host_pkg::CNT_FC_RX_DROP_NOBUF[5:0]] = cnt_frx_nobuf;
		cnt_inc[weft_host_pkg::CNT_FC_RX_DROP_NOTUS[5:0]] = cnt_frx_notus;
		cnt_inc[weft_host_pkg::CNT_FC_RX_PLACED[5:0]] = cnt_frx_placed;
		cnt_inc[weft_host_pkg::CNT_FC_RX_TO_FW[5:0]] = cnt_frx_to_fw;
		cnt_inc[weft_host_pkg::CNT_FC_RX_TRAP[5:0]] = cnt_frx_trap;
	end
	assign others_idle = soc_idle && !tx_busy && !rx_busy && !ftx_busy && !frx_busy && !rd_busy && !wr_busy;
	assign idle = others_idle && !boot_busy && !host_busy && !drain && !(|evt_valid);

	logic unused;
	assign unused = &{1'b0, m_axi_rid, m_axi_bid};
endmodule
