// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_rx_pkg: types and codes shared by the blocks of weft_fc_rx.
/* verilator lint_off UNUSEDPARAM */
package weft_fc_rx_pkg;
	// SOF and EOF codes of class 3 (RFC 3643)
	localparam logic [7:0] SOF_I3 = 8'h2e; // first frame of a sequence
	localparam logic [7:0] SOF_N3 = 8'h36;
	localparam logic [7:0] EOF_N = 8'h41;
	localparam logic [7:0] EOF_T = 8'h42; // last frame of a sequence

	// TYPE and R_CTL
	localparam logic [7:0] TYPE_BLS = 8'h00;
	localparam logic [7:0] TYPE_FCP = 8'h08; // FCP and the information units of FC-NVMe
	localparam logic [7:0] TYPE_NVME = 8'h28; // FC-NVMe link services
	localparam logic [7:0] RCTL_DATA = 8'h01; // solicited data

	// Bits of F_CTL
	localparam int unsigned F_EX_CTX = 23; // sent by the responder of the exchange
	localparam int unsigned F_END_SEQ = 19;
	localparam int unsigned F_REL_OFF = 3;

	// Yosys takes no constant of one package in another: weft_fc_rx_buf checks these two against FCBUF_SIZE.
	localparam int unsigned BEATS = 144; // of a buffer
	localparam logic [12:0] ETH_MAX = 13'd2296; // bytes of an Ethernet frame that fit

	// A frame that passed all checks and stands in its buffer.
	typedef struct packed {
		logic        eth; // FIP: of all the rest only bufno and len count
		logic        first; // SOFi3
		logic        last; // EOFt
		logic [6:0]  bufno;
		logic [11:0] len; // bytes of payload without fill; FIP: of the frame
		logic [7:0]  r_ctl;
		logic [23:0] s_id;
		logic [7:0]  ftype;
		logic [23:0] f_ctl;
		logic [7:0]  seq_id;
		logic [7:0]  df_ctl;
		logic [15:0] seq_cnt;
		logic [15:0] ox_id;
		logic [15:0] rx_id;
		logic [31:0] param;
	} desc_t;
	localparam int unsigned DESC_W = 182;

	// Jobs from the engine to place, done in order
	localparam logic [1:0] JOB_DATA = 2'd0; // w0: bytes, slot (31:16); w1: offset in the slot's data
	localparam logic [1:0] JOB_FRAME = 2'd1; // the words of EVT_FC_FRAME
	localparam logic [1:0] JOB_PLACED = 2'd2; // the words of EVT_FC_PLACED, flags to be filled in
	localparam logic [1:0] JOB_STOP = 2'd3; // the words of EVT_FC_STOPPED, which waits for the writes before it
	typedef struct packed {
		logic [1:0]  kind;
		logic [6:0]  bufno;
		logic [31:0] w0;
		logic [31:0] w1;
		logic [31:0] w2;
	} job_t;
	localparam int unsigned JOB_W = 105;
endpackage
/* verilator lint_on UNUSEDPARAM */
