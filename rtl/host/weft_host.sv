// SPDX-License-Identifier: BSD-2-Clause
// weft_host: the host's side of the adapter: registers, doorbells, submission rings, completion rings, interrupts,
// counters and the log ring. It holds no logic of its own: it joins
//   weft_axil + weft_host_regs   AXI4-Lite, global registers, doorbell decode, reset sequence
//   weft_host_cb                 the same for the soft core
//   weft_ring (weft_ring_unpack) submission entries into slots       weft_slots   busy bits and sticky flags
//   weft_cq                      completion entries                  weft_irq     when a vector fires
//   weft_host_evt                events for firmware                 weft_counters, weft_log_ram
// Latency and throughput: see the parts. Back-pressure: the host's register accesses are never held by anything inside.
// soft_rst resets all of it except the AXI4-Lite side, CTRL, SCRATCH, counters and log.
module weft_host (
	input  logic         clk,
	input  logic         rst,
	// registers
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
	// interrupts
	output logic         msix_req,
	output logic [10:0]  msix_vector,
	input  logic         msix_ack,
	// core bus
	input  logic         cb_req,
	input  logic         cb_we,
	input  logic [3:0]   cb_be,
	input  logic [31:0]  cb_addr,
	input  logic [31:0]  cb_wdata,
	output logic         cb_gnt,
	output logic         cb_rvalid,
	output logic [31:0]  cb_rdata,
	// events
	output logic         evt_valid,
	output logic [95:0]  evt_data,
	input  logic         evt_ready,
	// shared SRAM (writes only)
	output logic         x_req,
	output logic         x_we,
	output logic [15:0]  x_addr,
	output logic [127:0] x_wdata,
	output logic [15:0]  x_be,
	input  logic         x_gnt,
	input  logic         x_rvalid,
	input  logic [127:0] x_rdata,
	// DMA read client
	output logic         rd_req_valid,
	input  logic         rd_req_ready,
	output logic [63:0]  rd_req_addr,
	output logic [15:0]  rd_req_len,
	input  logic         rd_rsp_valid,
	output logic         rd_rsp_ready,
	input  logic [127:0] rd_rsp_data,
	input  logic [4:0]   rd_rsp_cnt,
	input  logic         rd_rsp_last,
	input  logic         rd_rsp_err,
	// DMA write client
	output logic         wr_cmd_valid,
	input  logic         wr_cmd_ready,
	output logic [63:0]  wr_cmd_addr,
	output logic [15:0]  wr_cmd_len,
	output logic [15:0]  wr_cmd_tag,
	output logic         wr_dat_valid,
	input  logic         wr_dat_ready,
	output logic [127:0] wr_dat_data,
	output logic         wr_dat_last,
	input  logic         wr_done_valid,
	input  logic [15:0]  wr_done_tag,
	input  logic         wr_done_err,
	input  logic [31:0]  wr_issued,
	input  logic [31:0]  wr_answered,
	// slots
	input  logic         slot_flag_valid,
	input  logic [15:0]  slot_flag_slot,
	input  logic [7:0]   slot_flag_bits,
	output logic         inval_valid, // the slot gets a new entry: SGL walkers forget it
	output logic [15:0]  inval_slot,
	// system
	input  logic [63:0]  time_ns,
	input  logic         wdt_reset,
	output logic         core_run,
	output logic         drain, // to both DMA engines
	input  logic         quiet, // both are quiet
	output logic         soft_rst,
	input  logic         idle_others,
	input  logic         link_up,
	input  logic         core_active,
	input  logic         core_retire,
	input  logic [63:0]  cnt_inc,
	input  logic [4:0]   cnt_rd_bytes,
	input  logic [4:0]   cnt_wr_bytes,
	input  logic [4:0]   cnt_tx_bytes,
	input  logic [4:0]   cnt_rx_bytes,
	input  logic [4:0]   cnt_placed_bytes,
	output logic         busy
);
	logic eng_rst;
	logic work; // under way inside, register accesses apart
	assign eng_rst = rst || soft_rst;

	// ---- host registers ----
	logic axil_busy;
	logic hw_valid;
	logic [19:0] hw_addr;
	logic [31:0] hw_data;
	logic hw_whole;
	logic hr_valid;
	logic [19:0] hr_addr;
	logic [31:0] hr_data;
	logic [9:0] hlog_addr;
	logic [31:0] hlog_rdata;
	logic [5:0] cnt_num;
	logic [31:0] cnt_value;
	logic db_sq;
	logic db_cq;
	logic [6:0] db_qp;
	logic [31:0] db_val;
	logic bad_wr;
	logic bad_rd;
	logic admin;
	logic regs_busy;
	logic fw_we;
	logic [31:0] fw_rdata;

	weft_axil axil (
		.clk, .rst,
		.s_axil_awaddr, .s_axil_awvalid, .s_axil_awready, .s_axil_wdata, .s_axil_wstrb, .s_axil_wvalid, .s_axil_wready,
		.s_axil_bresp, .s_axil_bvalid, .s_axil_bready, .s_axil_araddr, .s_axil_arvalid, .s_axil_arready,
		.s_axil_rdata, .s_axil_rresp, .s_axil_rvalid, .s_axil_rready,
		.wr_valid(hw_valid), .wr_addr(hw_addr), .wr_data(hw_data), .wr_whole(hw_whole),
		.rd_valid(hr_valid), .rd_addr(hr_addr), .rd_data(hr_data), .busy(axil_busy)
	);
	weft_host_regs regs (
		.clk, .rst,
		.wr_valid(hw_valid), .wr_addr(hw_addr), .wr_data(hw_data), .wr_whole(hw_whole),
		.rd_valid(hr_valid), .rd_addr(hr_addr), .rd_data(hr_data),
		.log_addr(hlog_addr), .log_rdata(hlog_rdata), .cnt_num, .cnt_value,
		.db_sq, .db_cq, .db_qp, .db_val, .bad_wr, .bad_rd, .admin,
		.fw_we, .fw_addr({cb_addr[11:2], 2'd0}), .fw_wdata(cb_wdata), .fw_rdata,
		.time_ns, .idle(idle_others && !work), .link_up, .wdt_reset, .core_run, .drain, .quiet, .soft_rst, .busy(regs_busy)
	);

	// ---- core bus ----
	logic cfg_we;
	logic [6:0] cfg_qp;
	logic [2:0] cfg_word;
	logic [31:0] cfg_data;
	logic start;
	logic start_hold;
	logic stop;
	logic [6:0] stop_qp;
	logic [6:0] qp;
	logic qp_en;
	logic [15:0] qp_head;
	logic [15:0] qp_tail;
	logic [15:0] qp_space;
	logic [15:0] qp_base;
	logic [3:0] qp_log2;
	logic swp_req;
	logic [10:0] swp_slot;
	logic swp_gnt;
	logic op_we;
	logic [2:0] op_idx;
	logic push_valid;
	logic push_ready;
	logic [5:0] push_room;
	logic log_we;
	logic [31:0] log_rdata;
	logic written_valid;

	assign start_hold = db_sq || db_cq || written_valid;
	weft_host_cb cb (
		.clk, .rst(eng_rst),
		.cb_req, .cb_we, .cb_be, .cb_addr, .cb_wdata, .cb_gnt, .cb_rvalid, .cb_rdata,
		.cfg_we, .cfg_qp, .cfg_word, .cfg_data, .start, .start_hold, .stop, .stop_qp,
		.qp, .qp_en, .qp_head, .qp_tail, .qp_space, .qp_base, .qp_log2, .swp_req, .swp_slot, .swp_gnt,
		.op_we, .op_idx, .push_valid, .push_ready, .push_room, .log_we, .log_rdata, .fw_we, .fw_rdata
	);
	weft_log_ram log_ram (
		.clk, .we(log_we), .be(cb_be), .addr(cb_addr[11:2]), .wdata(cb_wdata), .rdata(log_rdata),
		.host_addr(hlog_addr), .host_rdata(hlog_rdata)
	);

	// ---- slots ----
	logic slots_busy;
	logic rel_req;
	logic [10:0] rel_slot;
	logic rel_gnt;
	logic [7:0] rel_flags;
	logic acq_req;
	logic [10:0] acq_slot;
	logic acq_gnt;
	logic acq_busy;
	weft_slots slots (
		.clk, .rst(eng_rst), .busy(slots_busy),
		.flag_valid(slot_flag_valid), .flag_slot(slot_flag_slot), .flag_bits(slot_flag_bits),
		.rel_req, .rel_slot, .rel_gnt, .rel_flags, .acq_req, .acq_slot, .acq_gnt, .acq_busy, .swp_req, .swp_slot, .swp_gnt
	);

	// ---- submission rings ----
	logic sq_none;
	logic sq_bad;
	logic [6:0] cq_sq_qp;
	logic [15:0] cq_sq_head;
	logic [7:0] ring_issued;
	logic [7:0] ring_ended;
	logic sqe_valid;
	logic [95:0] sqe_data;
	logic sqe_ready;
	logic rfault_valid;
	logic [6:0] rfault_qp;
	logic rfault_ready;
	logic cfault_valid;
	logic [6:0] cfault_qp;
	logic cfault_ready;
	logic fetched;
	logic [2:0] sqe_bad;
	logic ring_busy;
	weft_ring ring (
		.clk, .rst(eng_rst),
		.cfg_we, .cfg_qp, .cfg_word, .cfg_data, .start, .stop, .stop_qp, .halt(cfault_valid), .halt_qp(cfault_qp),
		.db_valid(db_sq), .db_qp, .db_val, .db_none(sq_none), .db_bad(sq_bad),
		.cb_qp(qp), .cb_en(qp_en), .cb_head(qp_head), .cb_base(qp_base), .cb_log2(qp_log2),
		.cq_qp(cq_sq_qp), .cq_head(cq_sq_head), .issued(ring_issued), .ended(ring_ended),
		.rd_req_valid, .rd_req_ready, .rd_req_addr, .rd_req_len, .rd_rsp_valid, .rd_rsp_ready, .rd_rsp_data, .rd_rsp_last,
		.rd_rsp_err, .acq_req, .acq_slot, .acq_gnt, .acq_busy, .inval_valid, .inval_slot,
		.x_req, .x_addr, .x_wdata, .x_gnt,
		.evt_valid(sqe_valid), .evt_data(sqe_data), .evt_ready(sqe_ready),
		.fault_valid(rfault_valid), .fault_qp(rfault_qp), .fault_ready(rfault_ready),
		.cnt_fetched(fetched), .cnt_bad(sqe_bad), .busy(ring_busy)
	);
	assign x_we = 1'b1;
	assign x_be = 16'hffff;

	// ---- completion rings ----
	logic cq_none;
	logic cq_bad;
	logic arm_valid;
	logic [6:0] written_qp;
	logic written_ready;
	logic [6:0] irq_qp;
	logic [15:0] irq_head;
	logic over_valid;
	logic [6:0] over_qp;
	logic over_ready;
	logic [7:0] cq_pushed;
	logic [7:0] cq_popped;
	logic [7:0] cq_sent;
	logic [7:0] cq_done;
	logic cqe_written;
	logic cqe_lost;
	logic cq_busy;
	logic irq_sent;
	logic irq_busy;
	weft_cq cq (
		.clk, .rst(eng_rst),
		.cfg_we, .cfg_qp, .cfg_word, .cfg_data, .start,
		.op_we, .op_idx, .op_data(cb_wdata), .push_valid, .push_ready, .push_slot(cb_wdata), .room(push_room),
		.cb_qp(qp), .cb_space(qp_space), .cb_tail(qp_tail),
		.db_valid(db_cq), .db_qp, .db_val, .db_none(cq_none), .db_bad(cq_bad),
		.arm_valid, .written_valid, .written_qp, .written_ready, .irq_qp, .irq_head,
		.over_valid, .over_qp, .over_ready, .fault_valid(cfault_valid), .fault_qp(cfault_qp), .fault_ready(cfault_ready),
		.rel_req, .rel_slot, .rel_gnt, .rel_flags, .sq_qp(cq_sq_qp), .sq_head(cq_sq_head),
		.wr_cmd_valid, .wr_cmd_ready, .wr_cmd_addr, .wr_dat_valid, .wr_dat_ready, .wr_dat_data, .wr_dat_last,
		.wr_done_valid, .wr_done_err, .wr_issued, .wr_answered,
		.pushed(cq_pushed), .popped(cq_popped), .sent(cq_sent), .done(cq_done),
		.cnt_written(cqe_written), .cnt_lost(cqe_lost), .busy(cq_busy)
	);
	assign wr_cmd_len = 16'd32;
	assign wr_cmd_tag = 16'd0;
	weft_irq irq (
		.clk, .rst(eng_rst),
		.cfg_we, .cfg_qp, .cfg_word, .cfg_data, .start, .arm_valid, .arm_qp(db_qp), .written_valid, .written_ready, .written_qp,
		.look_qp(irq_qp), .look_head(irq_head), .time_ns, .msix_req, .msix_vector, .msix_ack, .cnt_sent(irq_sent),
		.busy(irq_busy)
	);

	// ---- events ----
	logic evt_busy;
	weft_host_evt events (
		.clk, .rst(eng_rst), .start, .start_qp(cfg_qp),
		.sqe_valid, .sqe_data, .sqe_ready, .db_bad(sq_bad || cq_bad), .db_qp,
		.rfault_valid, .rfault_qp, .rfault_ready, .cfault_valid, .cfault_qp, .cfault_ready, .over_valid, .over_qp, .over_ready,
		.stop, .stop_qp, .ring_issued, .ring_ended, .cq_pushed, .cq_popped, .cq_sent, .cq_done, .admin,
		.evt_valid, .evt_data, .evt_ready, .busy(evt_busy)
	);

	// ---- counters ----
	logic [63:0] own;
	always_comb begin
		own = 64'd0;
		own[weft_host_pkg::CNT_BAR_BAD] = bad_wr || bad_rd;
		own[weft_host_pkg::CNT_SQE_FETCHED] = fetched;
		own[weft_host_pkg::CNT_DB_BAD] = sq_none || sq_bad || cq_none || cq_bad;
		own[weft_host_pkg::CNT_CQE_WRITTEN] = cqe_written;
		own[weft_host_pkg::CNT_CQE_LOST] = cqe_lost;
		own[weft_host_pkg::CNT_MSIX_SENT] = irq_sent;
		own[weft_host_pkg::CNT_CORE_CYCLES] = core_active;
		own[weft_host_pkg::CNT_CORE_INSTRET] = core_retire;
		own[weft_host_pkg::CNT_CYCLES] = 1'b1;
	end
	weft_counters counters (
		.clk, .rst, .inc(own | cnt_inc), .sqe_bad,
		.rd_bytes(cnt_rd_bytes), .wr_bytes(cnt_wr_bytes), .tx_bytes(cnt_tx_bytes), .rx_bytes(cnt_rx_bytes),
		.placed_bytes(cnt_placed_bytes), .num(cnt_num), .value(cnt_value)
	);

	assign work = regs_busy || slots_busy || ring_busy || cq_busy || irq_busy || evt_busy;
	always_ff @(posedge clk) begin
		if (rst) busy <= 1'b1;
		else busy <= axil_busy || work || cb_req;
	end

	logic unused;
	assign unused = &{1'b0, x_rvalid, x_rdata, rd_rsp_cnt, wr_done_tag};
endmodule
