// SPDX-License-Identifier: BSD-2-Clause
// Surroundings of weft_fc_tx in its bench: XRAM, host memory behind two DMA clients, event queue, FC-1 port and Ethernet, all with random or
// ideal timing; and the model that says which frames must leave.
#ifndef FC_TX_BENCH_H
#define FC_TX_BENCH_H
#include <check.h>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>
#include "Vweft_fc_tx.h"
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

/* What firmware writes into a record; el and buf_len describe the data slot's buffer. */
struct record {
	uint32_t rec, lit_addr;
	bytes hdr, lit;
	unsigned max, slot, data_slot;
	uint32_t data_off, data_len, buf_len;
	std::vector<elem> el;
};

/* A frame to come: header and data field with fill, or a whole Ethernet frame. */
struct frame {
	bytes body;
	bool first, last;
};

struct op {
	record r;
	bool raw, err;
	bool killed; /* may be cut between any two frames */
	bool loose;  /* frames of it may be missing */
	unsigned total, seen;
	std::deque<frame> frames;
};

typedef std::shared_ptr<op> op_p;

/* EVT_FC_TXDONE to come. */
struct due_event {
	uint32_t rec;
	unsigned slot, flags;
	op_p o;
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

struct wire {
	bytes now, before;
	long begun = 0; /* cycle in which the present frame showed */
	bool hold = false;
	int duty = 100;
	long frames = 0, first_beat = -1, last_beat = 0;
};

struct bench {
	Vweft_fc_tx *top = new Vweft_fc_tx; /* lives as long as its test process */
	std::mt19937_64 rng;
	bool slow = false;
	int dma_latency = 200;
	long cycle = 0;

	bytes xram = bytes(ENG_XRAM_SIZE);
	std::map<uint64_t, uint8_t> lists; /* chain elements in host memory */
	std::set<uint64_t> bad_pages;
	dma_client gather, chain;
	wire fc, eth;

	/* model */
	unsigned mode = 0, prim = 0, drop = 0;
	long ctrl_at = 0; /* cycle of the last write of FC_CTRL */
	uint32_t map = 0;
	bytes fcf; /* empty: none */
	int credit = 0, granted = 0;
	int rrdy_rate = 0; /* an R_RDY comes for a frame that left, once in so many cycles */
	int rrdy_due = 0;  /* frames that were not answered with R_RDY yet */
	long freed = 0, rrdys = 0; /* buffers freed, R_RDY sent */
	int free_rate = 0;
	std::deque<op_p> ops;   /* not yet finished on the wire, in order */
	std::deque<op_p> stale; /* a frame of these may be on its way out */
	long stale_at = -1;
	std::deque<due_event> due;
	std::vector<uint32_t> links; /* w1 of EVT_FC_LINK */
	long events = 0, dropped = 0, failed = 0;
	long cnt_frames = 0, cnt_stall_credit = 0, cnt_stall_dma = 0;

	bench(unsigned seed, unsigned start_mode);
	uint64_t rnd(uint64_t n)
	{
		return rng() % n;
	}
	void step();
	void steps(long n);
	void idle(); /* until busy falls and everything expected is there */
	void reg_write(uint32_t off, uint32_t v);
	uint32_t reg_read(uint32_t off);
	void ctrl(unsigned new_mode, unsigned new_prim, unsigned new_drop);
	void credit_set(int n);
	void fcoe_set(uint32_t fc_map, const bytes &mac);
	void kill(unsigned slot, bool on);
	void fence(unsigned slot = 0x7fe);

	uint8_t host_byte(uint64_t addr) const;
	void slot_init(unsigned slot, const std::vector<elem> &el, uint32_t data_len,
		       bool is_chain);
	void rec_write(const record &r);
	op_p push(const record &r, int flags);
	uint32_t xram32(uint32_t off) const;
	void xram_put(uint32_t off, uint64_t v, int n);

private:
	std::deque<std::pair<long, bytes>> x_ans, sx_ans;
	std::vector<uint64_t> held[6];
	bool x_due = false, sx_due = false;

	void drive();
	void held_check();
	void xram_take();
	void dma_drive(dma_client &c, bool is_chain);
	void dma_take(dma_client &c, bool is_chain);
	void link_take();
	void fc_take();
	void eth_take();
	void beat_take(wire &w, const uint32_t *data, unsigned keep, bool last);
	void frame_begin(wire &w);
	bool frame_fits(const frame &f, bool raw, bool native, const bytes &got) const;
	bool frame_next(std::deque<op_p> &list, bool native, const bytes &got);
	void frame_check(wire &w);
	void ops_retire();
	void event_check(uint32_t w0, uint32_t w1, uint32_t w2);
};

uint32_t crc32(const uint8_t *p, size_t n);
std::deque<frame> frames_make(const bench &b, const record &r, bool *err);

/* Short names for what the tests use all the time. */
enum { NATIVE = ENG_FCM_NATIVE, FCOE = ENG_FCM_FCOE, DONE = ENG_FTXF_DONE, RAW = ENG_FTXF_RAW };

/* Record i: a random header, no payload. i also is its slot and data slot. */
record rec_blank(bench &b, int i);
bytes bytes_random(bench &b, size_t n);
/* Gives r data of len bytes at off of its data slot's buffer. */
void data_random(bench &b, record &r, uint32_t len, uint32_t off);
record rec_random(bench &b, int i, uint32_t data_max);
record raw_random(bench &b, int i);
/* n random operations, until all is done. */
void batch(bench &b, int n, uint32_t data_max);

void tests_link(TCase *tc);
#endif
