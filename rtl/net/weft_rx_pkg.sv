// SPDX-License-Identifier: BSD-2-Clause
// weft_rx_pkg: types shared by the blocks of weft_rx.
/* verilator lint_off UNUSEDPARAM */
package weft_rx_pkg;
	// What the parser knows of a frame at its end. drop: nothing but the cells to give back.
	typedef struct packed {
		logic        drop;
		logic        tcp_us; // TCP to our address, checksums good, no IPv4 options, no fragment
		logic [9:0]  first; // first cell
		logic [13:0] len;
		logic [31:0] rip;
		logic [15:0] rport;
		logic [15:0] lport;
		logic [31:0] seq;
		logic [31:0] ack;
		logic [11:0] flags; // with the reserved bits
		logic [3:0]  doff;
		logic [15:0] wnd;
		logic        opt_ts; // options are exactly NOP NOP TS
		logic [31:0] tsval;
		logic [13:0] plen;
	} desc_t;
	localparam int unsigned DESC_W = 233;

	// Receive state of a connection that only the fast path writes.
	typedef struct packed {
		logic        fast;
		logic        fired_v; // fired: notify_seq for which EVT_ACK was raised last
		logic [31:0] fired;
		logic [31:0] rcv_nxt;
		logic [31:0] snd_una;
		logic [31:0] snd_wnd;
		logic [31:0] ts_recent;
		logic [31:0] rcv_wnd; // as last read from the context
		logic [15:0] ack_bytes;
	} conn_t;
	localparam int unsigned CONN_W = 210;

	// State of a connection's stream.
	typedef struct packed {
		logic [2:0]  st; // ST_*
		logic        dg_data; // the digest awaited is the data's
		logic [9:0]  first; // piece in work: first cell of its frame
		logic [9:0]  cell_no; // cell of the next byte
		logic [8:0]  pos; // next byte within that cell
		logic [15:0] left; // bytes of the piece not consumed; 0: no piece
		logic [15:0] piece; // length of the piece
		logic [7:0]  cells; // of its frame, up to its last byte
		logic [7:0]  have; // header bytes collected, digest included
		logic [7:0]  hlen;
		logic [7:0]  ptype;
		logic        dg_on; // a digest follows the header
		logic [31:0] crc;
		logic [31:0] dig;
		logic [2:0]  dcnt; // digest bytes in dig
		logic [15:0] slot;
		logic [31:0] off; // buffer offset of the next data byte
		logic [31:0] dleft; // data bytes to come
		logic [31:0] dlen; // data bytes of the command
		logic [3:0]  flags; // RXSF_*; HEADER until the slot's entry was read anew
		logic [7:0]  pad;
	} stream_t;
	localparam int unsigned STREAM_W = 289;

	// Stream states, as CTXB shows them
	localparam logic [2:0] ST_HDR = 3'd0;
	localparam logic [2:0] ST_WAIT = 3'd1;
	localparam logic [2:0] ST_DATA = 3'd2;
	localparam logic [2:0] ST_DIG = 3'd3;
	localparam logic [2:0] ST_STOP = 3'd4;
	localparam logic [2:0] ST_PAD = 3'd5;

	// Jobs from the stream engine to place, done in order
	localparam logic [1:0] JOB_DATA = 2'd0; // a: buffer offset, b: bytes; flags bit 1: the slot's entry is read anew
	localparam logic [1:0] JOB_HDR = 2'd1; // an event, a: w1, b: w2
	localparam logic [1:0] JOB_FIN = 2'd2; // end of a DATA command; a: bytes; flags bit 7: with event
	localparam logic [1:0] JOB_STOP = 2'd3;
	typedef struct packed {
		logic [1:0]  kind;
		logic [6:0]  conn;
		logic [7:0]  flags;
		logic [15:0] slot;
		logic [31:0] a;
		logic [31:0] b;
	} job_t;
	localparam int unsigned JOB_W = 97;
endpackage
/* verilator lint_on UNUSEDPARAM */
