/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bench of weft_rx: the Verilated block with models of everything around it. One tick is one clock
 * cycle; all choices come from a seeded generator. The models check their ports' rules as they go;
 * host memory is compared with an expected image.
 */
#ifndef RX_BENCH_H
#define RX_BENCH_H

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "Vweft_rx.h"
#include "weft_engine.h"
#include "weft_host.h"

typedef std::vector<uint8_t> Bytes;

struct Rng {
	uint64_t s;
	explicit Rng(uint64_t seed) : s(seed * 0x9e3779b97f4a7c15ull + 88172645463325252ull)
	{
	}
	uint32_t next();
	uint32_t below(uint32_t n)
	{
		return n ? next() % n : 0;
	}
	uint32_t range(uint32_t lo, uint32_t hi)
	{
		return lo + below(hi - lo + 1);
	}
	bool pct(unsigned p)
	{
		return below(100) < p;
	}
};

uint32_t crc32c(const uint8_t *p, size_t n);
static inline void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* What a TCP frame is made of. The fields marked "break" make it wrong on purpose. */
struct Seg {
	uint32_t rip = 0x0a000002, lip = 0x0a000001;
	uint16_t rport = 4420, lport = 40000;
	uint32_t seq = 0, ack = 0;
	uint16_t flags = 0x10, wnd = 1000;
	bool ts = false;
	uint32_t tsval = 0, tsecr = 0;
	Bytes payload, options;               /* options: instead of the timestamp, padded to 4 */
	unsigned trailer = 0;                 /* padding after the datagram */
	bool bad_ip = false, bad_tcp = false; /* break */
	int totlen_add = 0, doff_add = 0;     /* break */
	uint16_t frag = 0;
	unsigned ip_options = 0; /* words */
	uint8_t proto = 6, version = 4;
	uint64_t dmac = 0x020000000001ull;
};
Bytes make_frame(const Seg &s);

struct Event {
	uint8_t type, flags;
	uint16_t id;
	uint32_t w1, w2;
};

enum { /* counters, bench numbering */
       C_FRAMES,
       C_FCS,
       C_LEN,
       C_IPCSUM,
       C_TCPCSUM,
       C_NOBUF,
       C_NOTUS,
       C_FAST,
       C_TO_FW,
       C_EVQ,
       C_HDRS,
       C_HDGST,
       C_DDGST,
       C_N
};

struct Slot {
	uint32_t len = 0;
	std::vector<std::pair<uint64_t, uint32_t>> map; /* elements */
	uint64_t addr(uint32_t off) const;
};

class Bench
{
public:
	static const uint64_t MEM_BASE = 0x123400000000ull;
	static const size_t MEM_SIZE = 4 << 20;
	static const uint64_t OWN_MAC = 0x020000000001ull;
	static const uint32_t OWN_IP = 0x0a000001;

	explicit Bench(uint64_t seed);
	~Bench();
	void tick();
	void ticks(unsigned n);
	/* core bus */
	uint32_t read(uint32_t addr);
	void write(uint32_t addr, uint32_t v);
	void reg(uint32_t off, uint32_t v)
	{
		write(ENG_MMIO_BASE + off, v);
	}
	uint32_t reg(uint32_t off)
	{
		return read(ENG_MMIO_BASE + off);
	}
	Bytes packet(unsigned cell, unsigned off, unsigned len); /* follows the chain */
	/* frames */
	void send(const Bytes &frame, bool bad = false)
	{
		eth.push_back({ frame, bad });
	}
	bool eth_idle() const
	{
		return eth.empty();
	}
	void settle(unsigned limit = 20000); /* until frames are in and the block is not busy */
	bool next_event(Event &e);
	/* memory */
	uint64_t alloc(uint32_t len);
	/* quiet: firmware writes the entry, no one tells the walker */
	void make_slot(unsigned slot, uint32_t len, unsigned elements, bool quiet = false);
	void make_slot_of(unsigned slot, uint32_t len, const std::vector<uint32_t> &elements,
			  bool quiet = false);
	void expect(uint64_t addr, uint8_t v)
	{
		image[addr - MEM_BASE] = v;
	}
	void check_memory();
	unsigned unanswered(unsigned slot) const; /* data writes of a slot not answered yet */
	/* of its write commands */
	uint64_t ordered_bytes(unsigned slot) const
	{
		return ordered[slot];
	}
	/* contexts */
	void set_ctxa(unsigned conn, unsigned off, uint32_t v);
	uint32_t get_ctxa(unsigned conn, unsigned off) const;
	bool add_hash(unsigned conn, unsigned displace);
	struct eng_conn_state state(unsigned conn);
	void sent(unsigned conn, uint32_t ack, uint32_t edge, uint32_t end, bool data);

	Rng rng;
	Vweft_rx *dut;
	uint64_t cycle = 0;
	uint64_t time_ns = 1000000000ull;
	uint64_t cnt[C_N] = {};
	uint64_t rx_bytes = 0, placed_bytes = 0, stall = 0;
	std::vector<Slot> slots;
	std::deque<Event> events;
	Bytes mem, image;
	/* how the surroundings behave, percent of cycles */
	unsigned evt_pct = 100, wr_pct = 100, x_pct = 100, rd_pct = 100, ack_pct = 100;
	unsigned event_max = 512; /* events that the queue takes */
	unsigned wr_latency = 100, wr_jitter = 0, rd_latency = 80;
	/* bytes per cycle * 100 with 24 bytes per frame on top; 0: 16 a cycle, no gap */
	unsigned rate100 = 0;
	unsigned gap = 0; /* at most so many cycles between frames */
	unsigned ack_latency = 20;
	/* ranges that answer with an error */
	std::vector<std::pair<uint64_t, uint64_t>> bad_writes;
	std::function<void(unsigned conn, uint32_t ack, uint32_t edge)> on_ack; /* a segment left */
	/* in the cycle it is queued */
	std::function<void(const Event &)> on_event;
	std::vector<unsigned> acks_asked;
	std::vector<std::pair<unsigned, unsigned>> flags; /* sticky flags: slot, bits */
	uint64_t eth_done = 0;                            /* cycle of the last beat sent */

private:
	struct Frame {
		Bytes data;
		bool bad;
	};
	struct Write {
		uint64_t addr;
		uint32_t len, pos;
		uint16_t tag;
	};
	struct Done {
		uint64_t at;
		uint16_t tag;
		bool err;
	};
	void drive_eth();
	void drive_ports();
	void sample_write();
	void sample_reads();
	void sample_rest();
	void drive_ack();

	std::deque<Frame> eth;
	size_t eth_pos = 0;
	uint64_t credit = 0;
	unsigned wait_gap = 0;
	std::vector<uint32_t> ctxa, hash;
	uint16_t ctxa_addr = 0, hash_addr = 0;
	Bytes xram;
	std::vector<uint64_t> ordered;
	std::deque<std::pair<uint64_t, uint32_t>> x_answers;
	struct ReadJob {
		uint64_t at, addr;
		uint32_t left;
	};
	std::deque<ReadJob> reads;
	std::deque<Write> writes;
	std::deque<Done> dones;
	std::deque<std::pair<uint64_t, unsigned>> ack_jobs;
	int ack_phase = 0;
	struct Sent {
		unsigned conn;
		uint32_t ack, edge, end;
		bool data;
	};
	std::deque<Sent> sent_jobs;
	uint64_t brk = MEM_BASE + 64;
};

#endif
