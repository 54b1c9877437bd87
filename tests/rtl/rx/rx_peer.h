/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other side of the wire and the firmware, for benches of weft_rx: each connection sends a
 * stream of PDUs in segments, over a link with faults; the firmware model answers headers,
 * reassembles what was trapped, and checks every event against what was sent.
 */
#ifndef RX_PEER_H
#define RX_PEER_H

#include <deque>
#include <map>

#include "rx_bench.h"

struct Pdu {
	Bytes hdr; /* without digest */
	bool dg = false, dg_bad = false;
	bool has_data = false;
	unsigned pad = 0;
	Bytes data;
	bool dd = false, dd_bad = false;
	unsigned slot = 0, off = 0, rxsf = 0;
	uint32_t dg_flip = 0, dd_flip = 0; /* what is wrong in the digests */
	unsigned placed_flags = 0;         /* expected in EVT_PLACED */
	unsigned fits = ~0u;               /* so many bytes reach memory (SGL error) */
	bool keep_slot = false;            /* the case has made the slot */
	/* or firmware makes it like this before it answers */
	uint32_t slot_len = 0;
	std::vector<uint32_t> elements;

	/* what HEADER places, header first */
	Bytes placed() const;
};

struct Setup {
	unsigned conns = 1;
	unsigned mss = 1448, min_seg = 1; /* segment sizes */
	bool ts = true;
	unsigned hdgst = 50, ddgst = 50; /* percent of connections */
	unsigned bad_digest = 5;         /* percent of PDUs */
	unsigned pdus = 20, max_data = 6000;
	unsigned event = 50, discard = 5; /* percent of DATA commands */
	unsigned max_pad = 60;
	unsigned odd_headers = 20; /* percent of PDUs with another header length */
	unsigned capsules = 20;    /* percent of PDUs that are placed with their header */
	unsigned slots = 16;       /* of a connection, at most 16 */
	unsigned wnd = 60000;
	/* link, of 1000 frames */
	unsigned lose = 0, dup = 0, corrupt = 0, fcs = 0, reorder = 0;
	unsigned fw_delay = 30; /* at most so many cycles before an event is handled */
	unsigned own_data = 20; /* percent of acknowledgements that move on data of ours */
	unsigned elements = 6;
};

class World;

class Peer
{
public:
	Peer(World &w, unsigned conn);
	void add_pdu(const Pdu &p);
	void random_pdu();
	bool pump(); /* sends a segment if there is one to send */
	void on_ack(uint32_t ack, uint32_t edge);
	void on_header(const Event &e);
	void answer(const Pdu &p);
	void on_placed(const Event &e);
	void on_frame(const Event &e);
	void resume();
	void trap();
	bool done() const;
	Seg segment(uint32_t off, uint32_t len) const;
	void emit(const Seg &s);
	uint32_t seq(uint32_t off) const
	{
		return iss + 1 + off;
	}

	World &w;
	Bench &b;
	unsigned conn;
	bool hdgst, ddgst;
	uint32_t iss, own_iss;
	Bytes stream;
	uint32_t una = 0, nxt = 0, edge = 0; /* offsets in stream */
	uint32_t own_max, own_acked;         /* our data, sequence numbers */
	uint32_t tsval = 1000;
	uint64_t moved = 0;    /* cycle of the last progress */
	std::deque<Pdu> pdus;  /* sent, header not seen yet */
	std::deque<Pdu> armed; /* EVT_PLACED expected */
	uint64_t ordered = 0;  /* bytes of DATA commands given */
	unsigned slot_base, next_slot = 0;
	bool stopped = false;
	bool rests = false; /* EVT_PLACED has to come next */
	/* slow path */
	bool slow = true;
	uint32_t rcv_nxt = 0; /* offset */
	uint32_t fw_una, fw_wnd = 1000, fw_ts = 0;
	struct Piece {
		unsigned cell, off, len;
	};
	std::multimap<uint32_t, Piece> ooo;
	std::vector<Bytes> held; /* frames to come later */
	unsigned traps = 0;
};

class World
{
public:
	World(Bench &b, const Setup &s);
	~World();
	void run(unsigned limit); /* until every connection is through */
	void step();
	void handle(const Event &e);
	void finish(); /* all quiet, all cells back, memory as expected, sticky flags as expected */
	Bench &b;
	Setup set;
	std::vector<Peer *> peers;
	std::vector<Event> strays; /* frames of no connection, and stops */
	std::multimap<unsigned, unsigned> sticky;
	unsigned wait = 0;
};

#endif
