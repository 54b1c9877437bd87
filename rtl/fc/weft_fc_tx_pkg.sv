// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_tx_pkg: what the stages of weft_fc_tx hand each other.
package weft_fc_tx_pkg;
	localparam int unsigned RING_BEATS = 1024; // frame buffer: 16 KiB, seven frames of 2112 bytes
	localparam int unsigned RING_AW = 10;
	localparam int unsigned FRAME_AW = 4;      // frames that wait, 16

	// codes of RFC 3643
	localparam logic [7:0] SOFI3 = 8'h2e, SOFN3 = 8'h36, EOFN = 8'h41, EOFT = 8'h42;

	// operation as the front end read it; literal bytes and DMA tokens follow in queues of their own
	typedef struct packed {
		logic         raw;
		logic         fence;
		logic         err;      // refused: nothing follows
		logic         drop;     // killed: nothing follows
		logic         done;
		logic         has_lit;
		logic         has_data;
		logic [15:0]  slot;
		logic [15:0]  rec;      // XRAM beat of the record
		logic [24:0]  total;    // bytes of payload
		logic [11:0]  max;      // in a frame
		logic [191:0] hdr;      // byte 0 in bits 7:0
	} desc_t;

	typedef struct packed {
		logic         last;     // of the operation's literal bytes
		logic [4:0]   cnt;
		logic [127:0] data;
	} lit_t;

	// one DMA read (or, with stop or err, the end without a read)
	typedef struct packed {
		logic last;
		logic stop;
		logic err;
	} tok_t;

	// frame whose payload stands in the frame buffer
	typedef struct packed {
		logic               raw;   // an Ethernet frame: no header, no CRC
		logic               first;
		logic               last;
		logic [RING_AW-1:0] base;
		logic [11:0]        len;   // bytes in the buffer, fill included
		logic [31:0]        crc;
		logic [191:0]       hdr;
	} frame_t;
endpackage
