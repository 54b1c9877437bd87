// SPDX-License-Identifier: BSD-2-Clause
// Surroundings of weft_tx in its bench: XRAM, connection contexts, receive state, host memory behind two DMA clients, event queue and
// MAC, all with random or ideal timing; and the model that says which frames must leave.
#ifndef TX_BENCH_H
#define TX_BENCH_H
#include <check.h>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <vector>
#include "Vweft_tx.h"
#include "weft_engine.h"

/* Check notes the place of each ck_assert with a system call: too slow for what is looked at every cycle. */
#define must(cond)                                                   \
	do {                                                         \
		if (!(cond))                                         \
			ck_abort_msg("cycle %ld: %s", cycle, #cond); \
	} while (0)

typedef std::vector<uint8_t> bytes;

struct elem {
	uint64_t addr;
	uint32_t len;
};

/* What firmware keeps of a PDU, and the bytes it must become on the wire. */
struct pdu {
	uint32_t rec, seq;
	int conn;
	uint8_t flags;
	uint32_t data_len;
	uint32_t lit_len; /* header, digest, pad */
	uint32_t sent;    /* bytes emitted by operations so far */
	bytes wire;
	std::vector<bool> bad; /* bytes that cannot be read */
};

struct segment {
	uint32_t seq;
	bytes payload;
	bool psh;
};

struct op {
	int conn;
	uint32_t rec;
	uint8_t flags;
	bool raw, err; /* err: ends with an error after the segments listed */
	bool cut;      /* nothing more of it comes */
	bytes frame;   /* raw */
	std::deque<segment> seg;
};

struct event {
	uint32_t w0, w1, w2;
};

/* EVT_TXDONE to come. */
struct due_event {
	uint32_t rec;
	int conn;
	unsigned flags;
};

struct rx_state {
	uint32_t rcv_nxt, ts_recent, edge;
};

struct sent_rec {
	int conn;
	uint32_t ack, edge, end, ts_lo, ts_hi;
	bool data;
};

struct dma_req {
	uint64_t addr;
	uint32_t len, pos;
	long due;
	bool err;
};

struct dma_client {
	std::deque<dma_req> q;
	uint32_t outstanding = 0, peak = 0;
	long reqs = 0;
};

struct bench {
	Vweft_tx *top = new Vweft_tx; /* lives as long as its test process */
	std::mt19937_64 rng;
	bool slow = false;
	int dma_latency = 200, mac_duty = 100;
	bool mac_hold = false;
	long cycle = 0;

	bytes xram = bytes(ENG_XRAM_SIZE);
	uint8_t ctxa[128 * 128] = {};
	std::vector<rx_state> state[128]; /* history; the last one is current */
	size_t state_used[128] = {};
	int churn = 0;                     /* receive state moves once in so many cycles */
	std::map<uint64_t, uint8_t> lists; /* chain elements in host memory */
	std::set<uint64_t> bad_pages;
	dma_client gather, chain;

	/* model */
	std::deque<op> ops; /* not yet finished on the wire, in order */
	std::deque<due_event> due;
	long events = 0, dropped = 0, failed = 0;
	std::deque<sent_rec> sent;
	uint16_t ident = 0;
	uint32_t snd_end[128];
	bool snd_known[128] = {};
	bool conn_err[128] = {};    /* an error put it into the kill state */
	bool conn_killed[128] = {}; /* kill written by hand: its operations may be cut anywhere */
	long acks_asked[128] = {}, acks_seen[128] = {};
	size_t ack_floor[128] = {}; /* state in force when last asked for */
	size_t reg_floor[128] = {}; /* the same, by firmware */
	bool ack_owed[128] = {};
	bool reg_owed[128] = {}; /* asked for by firmware: sent whatever was said */
	long reg_acks[128] = {}, repeats[128] = {}; /* so asked for; that said nothing new */
	struct {
		bool valid;
		uint32_t ack, window;
	} said[128] = {}; /* by the last segment */
	int ack_rate = 0; /* ask once in so many cycles */
	int ack_conns = 0;
	long frames = 0, frame_bytes = 0, first_beat = -1, last_beat = 0, pure_acks = 0;
	long cnt_frames = 0, cnt_bytes = 0, cnt_ops = 0, cnt_acks = 0, cnt_stall_mac = 0;

	bench(unsigned seed);
	uint64_t rnd(uint64_t n)
	{
		return rng() % n;
	}
	void step();
	void idle(); /* until busy falls and everything expected is there */
	void reg_write(uint32_t off, uint32_t v);
	uint32_t reg_read(uint32_t off);
	void push(uint32_t rec, uint32_t seq, uint32_t off, uint32_t len, int conn, int flags);
	void kill(int conn, bool on);
	void ask_ack_reg(int conn);
	uint32_t window_shown(int conn, uint32_t ack, uint32_t edge) const;
	bool said_already(int conn) const;
	void fence();

	void conn_init(int conn, bool ts, unsigned mss, unsigned scale);
	uint8_t host_byte(uint64_t addr) const;
	void slot_init(unsigned slot, const std::vector<elem> &el, uint32_t data_len,
		       bool is_chain);
	pdu pdu_make(int conn, uint32_t rec, uint32_t hdr, unsigned hdr_len, unsigned flags,
		     unsigned pad, uint32_t data_len, unsigned slot, const std::vector<elem> &el,
		     uint32_t data_off);
	void pdu_push(pdu &p, uint32_t off, uint32_t len, int flags);
	bytes raw_push(uint32_t rec, uint32_t hdr, bytes frame, unsigned recflags, int flags,
		       int conn);
	uint32_t xram32(uint32_t off) const;
	void xram_put32(uint32_t off, uint32_t v);

private:
	std::deque<std::pair<long, bytes>> x_ans, sx_ans;
	std::vector<uint64_t> held[5];
	bool x_due = false, sx_due = false;
	unsigned ctxa_q = 0, txq_1 = 0;
	rx_state txq_2 = {};
	bytes rx_frame;
	bool ack_req = false;
	int ack_req_conn = 0;

	void drive();
	void held_check();
	void xram_take();
	void conn_take();
	void dma_drive(dma_client &c, bool is_chain);
	void dma_take(dma_client &c, bool is_chain);
	void mac_take();
	void frame_check(const bytes &f);
	void template_check(const bytes &f);
	bytes frame_build(int conn, uint32_t seq, bool psh, const bytes &payload, const sent_rec &s,
			  const rx_state &st, uint32_t tsval);
	void ops_retire();
	void event_check(const event &e);
};

uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t n);
uint16_t csum(const uint8_t *p, size_t n, uint32_t start);
#endif
