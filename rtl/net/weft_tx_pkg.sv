// SPDX-License-Identifier: BSD-2-Clause
// weft_tx_pkg: what the stages of weft_tx hand each other.
package weft_tx_pkg;
	localparam int unsigned RING_BEATS = 2048; // frame buffer: 32 KiB, three frames of 9216 bytes and more
	localparam int unsigned RING_AW = 11;
	localparam int unsigned FRAME_MAX = 9216;
	localparam int unsigned RAW_MAX = 2048;

	localparam logic [1:0] JOB_DATA = 2'd0, JOB_ACK = 2'd1, JOB_RAW = 2'd2;

	// operation as the front end read it; literal bytes and DMA tokens follow in queues of their own
	typedef struct packed {
		logic        raw;
		logic        fence;
		logic        err;      // refused: nothing follows
		logic        drop;     // its connection is killed: nothing follows
		logic        psh;
		logic        done;
		logic        retx;
		logic        ts;       // template of 66 bytes
		logic        ipcsum;
		logic        tcpcsum;
		logic        has_lit;  // header, digest, pad
		logic        has_data;
		logic        dd;       // needs the record's crc
		logic        upd;      // advances it
		logic        fin;      // and reaches the end of the data
		logic [1:0]  dig_off;  // first byte of the data digest emitted
		logic [2:0]  dig_cnt;  // how many
		logic [7:0]  conn;
		logic [15:0] rec;      // XRAM beat of the record
		logic [31:0] seq;
		logic [24:0] total;    // bytes to emit
		logic [24:0] pos;      // data bytes in the crc afterwards
		logic [13:0] mss;
	} desc_t;

	typedef struct packed {
		logic         last;    // of the operation's literal bytes
		logic [3:0]   skip;
		logic [4:0]   cnt;
		logic [127:0] data;
	} lit_t;

	// one DMA read (or, with stop or err, the end without a read)
	typedef struct packed {
		logic last;
		logic stop;
		logic err;
	} tok_t;

	// segment whose payload stands in the frame buffer
	typedef struct packed {
		logic [1:0]         kind;
		logic               hw;     // acknowledgement asked for by the receive side
		logic               psh;
		logic               retx;
		logic               ts;
		logic               ipcsum;
		logic               tcpcsum;
		logic [6:0]         conn;
		logic [31:0]        seq;
		logic [13:0]        len;    // payload; RAW: frame
		logic [RING_AW-1:0] base;
		logic [9:0]         alloc;  // beats
		logic [31:0]        tcpsum;
		logic [23:0]        ipsum;
	} job_t;

	// whole frame, to be sent
	typedef struct packed {
		logic [RING_AW-1:0] base;
		logic [13:0]        len;
		logic [9:0]         alloc;
	} frame_t;
endpackage
