/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bench of weft_fc_rx: the Verilated block with models of everything around it. One tick is one
 * clock cycle; all choices come from a seeded generator. The models check their ports' rules as they
 * go; host memory is compared with an expected image.
 */
#ifndef FC_BENCH_H
#define FC_BENCH_H

#include <deque>
#include <functional>

#include "Vweft_fc_rx.h"
#include "fc_frame.h"
#include "weft_engine.h"
#include "weft_host.h"

struct Event {
	uint8_t type, flags;
	uint16_t id;
	uint32_t w1, w2;
	uint64_t accepted; /* bytes of write commands for data frames accepted before it was queued */
};

enum { /* counters, bench numbering */
       C_FRAMES,
       C_CRC,
       C_FORM,
       C_NOBUF,
       C_NOTUS,
       C_PLACED,
       C_TO_FW,
       C_TRAP,
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
	static const uint32_t OWN_ID = 0x010203;

	explicit Bench(uint64_t seed, unsigned mode = ENG_FCM_NATIVE);
	~Bench();
	void tick();
	void ticks(unsigned n);
	/* core bus */
	uint32_t read(uint32_t addr);
	void write(uint32_t addr, uint32_t v, unsigned limit = 20000);
	void reg(uint32_t off, uint32_t v)
	{
		write(ENG_MMIO_BASE + off, v);
	}
	uint32_t reg(uint32_t off)
	{
		return read(ENG_MMIO_BASE + off);
	}
	Bytes buffer(unsigned buf, unsigned off, unsigned len);
	void frx_place(unsigned buf, unsigned off, unsigned len, uint64_t addr, unsigned slot,
		       bool free);
	/* frames on the wire of the present mode */
	void send(const Frame &f)
	{
		wire(mode == ENG_FCM_NATIVE ? f.native() : f.fcoe());
	}
	void wire(const Bytes &bytes, bool bad = false)
	{
		frames.push_back({ bytes, bad });
	}
	size_t wire_left() const
	{
		return frames.size();
	}
	void sent(); /* runs until all frames are in */
	void settle(unsigned limit = 100000);
	bool next_event(Event &e);
	Event event(); /* there must be one, now or soon */
	/* memory */
	uint64_t alloc(uint32_t len);
	/* quiet: firmware writes the entry, no one tells the walker; claim: its data_len, if not len */
	void make_slot(unsigned slot, uint32_t len, unsigned elements, bool quiet = false,
		       bool tail = true, uint32_t claim = 0);
	void expect(uint64_t addr, const uint8_t *p, size_t n);
	/* payload of a data frame at off of the slot's buffer */
	void expect_data(unsigned slot, uint32_t off, const Bytes &payload);
	void check_memory();
	unsigned unanswered(unsigned slot) const;
	/* contexts */
	void set_fcx(unsigned slot, const struct eng_fcx &x);
	struct eng_fcx fcx(unsigned slot);

	Rng rng;
	Vweft_fc_rx *dut;
	unsigned mode;
	uint64_t cycle = 0;
	uint64_t cnt[C_N] = {};
	uint64_t rrdy = 0, accepted = 0, placed_bytes = 0;
	std::vector<Slot> slots;
	std::deque<Event> events;
	Bytes mem, image;
	/* how the surroundings behave, percent of cycles */
	unsigned evt_pct = 100, wr_pct = 100, x_pct = 100, rd_pct = 100, flag_pct = 100;
	unsigned event_max = 512;
	unsigned wr_latency = 100, wr_jitter = 0, rd_latency = 80;
	unsigned gap = 0;      /* at most so many cycles between frames */
	unsigned hole_pct = 0; /* cycles without a beat inside frames */
	std::vector<std::pair<uint64_t, uint64_t>> bad_writes; /* ranges that answer with an error */
	std::function<void(const Event &)> on_event;           /* in the cycle it is queued */
	std::vector<std::pair<unsigned, unsigned>> flags;      /* sticky flags: slot, bits */
	uint64_t first_beat = 0, last_write = 0;               /* cycles */

private:
	struct Wire {
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
	struct ReadJob {
		uint64_t at, addr;
		uint32_t left;
	};
	void drive_wire();
	void drive_ports();
	void drive_reads();
	void sample_write();
	void sample_reads();
	void sample_rest();
	void hold_rules();

	std::deque<Wire> frames;
	size_t pos = 0;
	bool native = true; /* the wire of the frame under way */
	unsigned wait_gap = 0;
	Bytes xram;
	std::deque<std::pair<uint64_t, uint32_t>> x_answers;
	std::deque<ReadJob> reads;
	std::deque<Write> writes;
	std::deque<Done> dones;
	/* what stood on the outputs without ready, and must still stand */
	bool held_evt = false, held_cmd = false, held_dat = false, held_flag = false;
	uint32_t held_w0 = 0;
	uint64_t held_addr = 0;
	uint64_t brk = MEM_BASE + 64;
};

#endif
