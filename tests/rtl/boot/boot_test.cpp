// SPDX-License-Identifier: BSD-2-Clause
// Boot block: what goes over the flash's pins, bit by bit; who waits for what; the watchdog; what outlives which reset; the ROM's memory.
#include <check.h>
#include <cstdint>
#include <vector>
#include "Vtb_boot.h"
#include "verilated.h"
#include "weft_engine.h"

static const unsigned MS = 1000000;

// A slave of mode 0: keeps what came in, gives out what it was told; watches the clock.
struct Slave {
	std::vector<uint8_t> in, out;
	unsigned bits = 0, selected = 0, highs = 0, lows = 0;
	unsigned shortest = ~0u, longest = 0; // halves of the clock, in cycles
	uint8_t byte = 0;
	bool sck = false, cs = false;
	uint64_t deselected_at = 0, gap = 0;

	uint8_t current() const
	{
		return in.size() < out.size() ? out[in.size()] : 0xff;
	}
	bool miso() const
	{
		return current() >> (7 - bits % 8) & 1;
	}
	void half(unsigned cycles)
	{
		shortest = cycles < shortest ? cycles : shortest;
		longest = cycles > longest ? cycles : longest;
	}
};

struct Bench {
	VerilatedContext ctx;
	Vtb_boot d{ &ctx };
	Slave s;
	uint64_t cycle = 0, last_edge = 0;
	unsigned fires = 0;
	bool whole = false; // eight rising edges were seen, the falling one is to come

	Bench()
	{
		d.rst = 1;
		d.boot_rom = 1;
		d.board_id = 0x12345678;
		for (unsigned i = 0; i < 32; i++)
			d.key_hash[i / 4] |= (0xa0u + i) << i % 4 * 8;
		step(3);
		d.rst = 0;
		step(40);
	}
	~Bench()
	{
		d.final();
	}
	void rise()
	{
		ck_assert_msg(s.cs, "clock without select");
		s.byte = s.byte << 1 | d.spi_mosi;
		whole = ++s.bits == 8;
	}
	void fall()
	{
		if (whole) {
			s.in.push_back(s.byte);
			s.bits = 0;
			whole = false;
		}
	}
	void pins()
	{
		bool cs = !d.spi_cs_n;

		if (cs != s.cs) {
			ck_assert_msg(!d.spi_sck, "select moved while the clock is high");
			s.bits = 0;
			s.selected += cs;
			if (cs)
				s.gap = cycle - s.deselected_at;
			else
				s.deselected_at = cycle;
			s.cs = cs;
		}
		if (d.spi_sck != s.sck) {
			s.sck = d.spi_sck;
			if (s.sck || s.bits)
				s.half((unsigned)(cycle - last_edge));
			last_edge = cycle;
			if (s.sck)
				rise();
			else
				fall();
		}
		d.spi_miso = s.miso();
	}
	void tick()
	{
		d.clk = 0;
		d.eval();
		d.clk = 1;
		d.eval();
		cycle++;
		d.time_ns += 4;
		fires += d.wdt_reset;
		pins();
		d.eval();
	}
	void step(unsigned n)
	{
		while (n--)
			tick();
	}
	// Cycles until the grant.
	unsigned access(uint32_t off, bool we, uint32_t data, uint32_t *read)
	{
		unsigned waited = 0;

		d.cb_req = 1;
		d.cb_we = we;
		d.cb_addr = ENG_MMIO_BASE + off;
		d.cb_wdata = data;
		d.clk = 0;
		d.eval();
		while (!d.cb_gnt) {
			ck_assert_uint_lt(waited++, 100000);
			tick();
			d.clk = 0;
			d.eval();
		}
		tick();
		d.cb_req = 0;
		ck_assert(d.cb_rvalid);
		*read = d.cb_rdata;
		return waited;
	}
	unsigned wr(uint32_t off, uint32_t data)
	{
		uint32_t ignored;

		return access(off, true, data, &ignored);
	}
	uint32_t rd(uint32_t off)
	{
		uint32_t v;

		access(off, false, 0, &v);
		return v;
	}
	void reset(uint8_t *line, unsigned n)
	{
		d.hold = line == &d.soft_rst; // the sequence holds the core first
		step(2);
		*line = 1;
		step(n);
		*line = 0;
		d.hold = 0;
		step(2);
	}
};

START_TEST(bytes_go_out_and_come_in_from_the_most_significant_bit)
{
	static const unsigned divs[] = { 0, 1, 7, 255 };
	Bench b;
	unsigned div = divs[_i];

	b.s.out = { 0x01, 0xfe, 0x5a };
	b.wr(ENG_SPI_CTRL, div << ENG_SPI_CTRL_DIV_LSB | 1);
	b.wr(ENG_SPI_TX, 0xffffff9f);
	ck_assert_uint_eq(b.rd(ENG_SPI_RX), 0x01);
	b.wr(ENG_SPI_TX, 0x03);
	ck_assert_uint_eq(b.rd(ENG_SPI_RX), 0xfe);
	b.wr(ENG_SPI_TX, 0x80);
	ck_assert_uint_eq(b.rd(ENG_SPI_RX), 0x5a);
	ck_assert_uint_eq(b.rd(ENG_SPI_RX), 0x5a);
	ck_assert_uint_eq(b.rd(ENG_SPI_CTRL), div << ENG_SPI_CTRL_DIV_LSB | 1);
	b.wr(ENG_SPI_CTRL, div << ENG_SPI_CTRL_DIV_LSB);
	ck_assert(b.d.spi_cs_n);
	ck_assert_uint_eq(b.s.in.size(), 3);
	ck_assert_uint_eq(b.s.in[0], 0x9f);
	ck_assert_uint_eq(b.s.in[1], 0x03);
	ck_assert_uint_eq(b.s.in[2], 0x80);
	ck_assert_uint_eq(b.s.selected, 1);
	ck_assert_uint_eq(b.s.shortest, div + 1);
}
END_TEST

START_TEST(four_bytes_come_first_one_lowest)
{
	Bench b;

	b.s.out = { 0xff, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99 };
	b.wr(ENG_SPI_CTRL, 1);
	b.wr(ENG_SPI_TX, 0x03);
	ck_assert_uint_eq(b.rd(ENG_SPI_RX4), 0x44332211); // waits for the byte before by itself
	ck_assert_uint_eq(b.rd(ENG_SPI_RX4), 0x88776655);
	ck_assert_uint_eq(b.rd(ENG_SPI_RX), 0x88);
	b.wr(ENG_SPI_TX, 0xa5);
	ck_assert_uint_eq(b.rd(ENG_SPI_RX), 0x99);
	ck_assert_uint_eq(b.s.in.size(), 10);
	ck_assert_uint_eq(b.s.in[0], 0x03);
	for (unsigned i = 1; i < 9; i++)
		ck_assert_uint_eq(b.s.in[i], 0);
	ck_assert_uint_eq(b.s.in[9], 0xa5);
	ck_assert_uint_eq(b.s.shortest, 1);
	ck_assert_uint_eq(b.wr(ENG_SPI_RX4, 1), 0); // a write is none of it
	b.step(100);
	ck_assert_uint_eq(b.s.in.size(), 10);
}
END_TEST

START_TEST(who_comes_too_early_waits)
{
	Bench b;
	uint32_t v;

	b.wr(ENG_SPI_CTRL, 3 << 8 | 1);
	ck_assert_uint_eq(b.wr(ENG_SPI_TX, 0x11), 0);
	ck_assert(b.d.busy);
	ck_assert_uint_ge(b.wr(ENG_SPI_TX, 0x22), 60); // 8 bits of 8 cycles
	ck_assert_uint_ge(b.access(ENG_SPI_CTRL, false, 0, &v), 60);
	ck_assert(!b.d.busy);
	b.wr(ENG_SPI_TX, 0x33);
	ck_assert_uint_eq(b.access(ENG_BOARD_ID, false, 0, &v), 0); // others do not
	ck_assert_uint_ge(b.wr(ENG_SPI_CTRL, 3 << 8), 55);
	ck_assert_uint_eq(b.s.in.size(), 3);
	ck_assert_uint_eq(b.s.in[2], 0x33);
	b.wr(ENG_SPI_CTRL, 1); // a flash wants to be left alone for a while
	ck_assert_uint_ge(b.s.gap, 13);
	ck_assert_uint_eq(b.s.selected, 2);
	ck_assert_uint_eq(b.wr(ENG_SPI_CTRL, 7 << 8 | 1), 0); // but not while selected
}
END_TEST

START_TEST(a_core_that_stops_lets_the_flash_go)
{
	Bench b;

	b.s.out = { 0xff, 1, 2, 3, 4, 5, 6, 7, 8 };
	b.wr(ENG_SPI_CTRL, 3 << 8 | 1);
	b.d.cb_req = 1; // four bytes, and the core is gone in the middle
	b.d.cb_we = 0;
	b.d.cb_addr = ENG_MMIO_BASE + ENG_SPI_RX4;
	b.step(50);
	b.d.cb_req = 0;
	b.d.hold = 1;
	b.step(2);
	ck_assert(b.d.spi_cs_n && !b.d.busy);
	b.d.hold = 0;
	b.step(20);
	b.s = Slave();
	b.s.out = { 9, 8, 7, 6 };
	b.wr(ENG_SPI_CTRL, 1);
	ck_assert_uint_eq(b.rd(ENG_SPI_RX4), 0x06070809);
}
END_TEST

START_TEST(the_watchdog_fires_when_nobody_feeds_it)
{
	Bench b;
	uint64_t start;

	ck_assert_uint_eq(b.rd(ENG_WDT), 0);
	ck_assert(b.d.deadline_ns == UINT64_MAX);
	start = b.d.time_ns;
	b.wr(ENG_WDT, 3);
	ck_assert(b.d.busy); // nobody may believe that there is no timer
	b.step(3);
	ck_assert(!b.d.busy);
	ck_assert_uint_eq(b.rd(ENG_WDT), 3);
	ck_assert(b.d.deadline_ns >= start + 3 * MS && b.d.deadline_ns <= start + 3 * MS + 20);
	b.d.time_ns = start + 2 * MS;
	b.step(10);
	ck_assert_uint_eq(b.fires, 0);
	b.wr(ENG_WDT, 2); // fed
	b.step(3);
	b.d.time_ns = start + 3 * MS + MS / 2;
	b.step(10);
	ck_assert_uint_eq(b.fires, 0);
	ck_assert(b.d.deadline_ns >= start + 4 * MS && b.d.deadline_ns <= start + 4 * MS + 100);
	b.d.time_ns = b.d.deadline_ns - 4;
	b.step(1);
	ck_assert_uint_eq(b.fires, 0);
	b.step(2);
	ck_assert_uint_ge(b.fires, 1);
	ck_assert(b.d.busy);
}
END_TEST

START_TEST(the_watchdog_is_off_after_zero_and_while_the_core_is_held)
{
	Bench b;

	b.wr(ENG_WDT, 1);
	b.step(3);
	b.wr(ENG_WDT, 0);
	b.step(3);
	ck_assert(b.d.deadline_ns == UINT64_MAX);
	b.d.time_ns += 10 * MS;
	b.step(10);
	b.wr(ENG_WDT, ~0u); // 49 days
	b.step(3);
	ck_assert(b.d.deadline_ns - b.d.time_ns > 4294967290ull * MS);
	b.wr(ENG_WDT, 1);
	b.d.hold = 1;
	b.step(3);
	b.d.time_ns += 10 * MS;
	b.step(10);
	b.d.hold = 0;
	b.step(10);
	ck_assert_uint_eq(b.rd(ENG_WDT), 0);
	ck_assert_uint_eq(b.fires, 0);
	ck_assert_uint_eq(b.rd(ENG_BOOT_STATUS), ENG_BOOT_STATUS_ROM_MASK);
}
END_TEST

// As the top does: the sequence starts, the core is held, the engines are reset.
static void let_it_fire(Bench &b)
{
	b.wr(ENG_WDT, 1);
	b.step(3);
	b.d.time_ns += MS;
	while (!b.d.wdt_reset)
		b.tick();
	b.tick();
	b.d.hold = 1;
	b.step(30);
	ck_assert(!b.d.wdt_reset);
	b.reset(&b.d.soft_rst, 16);
}

START_TEST(the_last_reset_tells_its_cause)
{
	const uint32_t fired = ENG_BOOT_STATUS_WDT_FIRED_MASK, rom = ENG_BOOT_STATUS_ROM_MASK;
	Bench b;

	let_it_fire(b);
	ck_assert_uint_eq(b.rd(ENG_BOOT_STATUS), fired | rom);
	ck_assert_uint_eq(b.rd(ENG_WDT), 0);
	b.wr(ENG_BOOT_STATUS, rom); // not this bit
	ck_assert_uint_eq(b.rd(ENG_BOOT_STATUS), fired | rom);
	b.wr(ENG_BOOT_STATUS, fired);
	ck_assert_uint_eq(b.rd(ENG_BOOT_STATUS), rom);
	let_it_fire(b);
	ck_assert_uint_eq(b.rd(ENG_BOOT_STATUS), fired | rom);
	b.reset(&b.d.soft_rst, 16); // the host's
	ck_assert_uint_eq(b.rd(ENG_BOOT_STATUS), rom);
	let_it_fire(b);
	b.reset(&b.d.rst, 16);
	ck_assert_uint_eq(b.rd(ENG_BOOT_STATUS), rom);
	b.d.boot_rom = 0;
	ck_assert_uint_eq(b.rd(ENG_BOOT_STATUS), 0);
}
END_TEST

START_TEST(arguments_outlive_every_reset)
{
	Bench b;

	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(b.rd(ENG_BOOT_ARG0 + 4 * i), 0);
		b.wr(ENG_BOOT_ARG0 + 4 * i, 0x11111111 * (i + 1));
	}
	let_it_fire(b);
	b.reset(&b.d.soft_rst, 16);
	b.reset(&b.d.rst, 16);
	b.d.hold = 1;
	b.step(3);
	b.d.hold = 0;
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(b.rd(ENG_BOOT_ARG0 + 4 * i), 0x11111111 * (i + 1));
}
END_TEST

START_TEST(configuration_is_shown_and_stays)
{
	Bench b;

	for (uint32_t off = ENG_BOARD_ID; off <= ENG_KEY_HASH7; off += 4)
		b.wr(off, 0);
	ck_assert_uint_eq(b.rd(ENG_BOARD_ID), 0x12345678);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(b.rd(ENG_KEY_HASH0 + 4 * i), 0xa3a2a1a0 + i * 0x04040404);
	ck_assert_uint_eq(b.rd(0x31c), 0);
	ck_assert_uint_eq(b.rd(0x350), 0);
	ck_assert_uint_eq(b.rd(0x37c), 0);
}
END_TEST

static void read_rom(Bench &b, unsigned at)
{
	b.d.i_en = b.d.d_en = 1;
	b.d.i_addr = b.d.d_addr = at;
	b.tick();
	b.d.i_en = b.d.d_en = 0;
	b.tick();
}

START_TEST(the_rom_keeps_what_it_was_given)
{
	Bench b;

	for (unsigned i = 0; i < ENG_ROM_SIZE / 4; i++) {
		b.d.load = 1;
		b.d.load_addr = i;
		b.d.load_data = i * 0x9e3779b9;
		b.tick();
	}
	b.d.load = 0;
	for (unsigned i = 0; i < ENG_ROM_SIZE / 4; i += 97) {
		read_rom(b, i);
		ck_assert_uint_eq(b.d.i_rdata, i * 0x9e3779b9);
		ck_assert_uint_eq(b.d.d_rdata, i * 0x9e3779b9);
	}
	read_rom(b, 1); // that with a file took no notice of the loader
	ck_assert_uint_eq(b.d.file_i_rdata, 0x33334444);
	ck_assert_uint_eq(b.d.file_d_rdata, 0x33334444);
}
END_TEST

int main()
{
	Suite *s = suite_create("boot");
	TCase *t = tcase_create("boot");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, bytes_go_out_and_come_in_from_the_most_significant_bit, 0, 4);
	tcase_add_test(t, four_bytes_come_first_one_lowest);
	tcase_add_test(t, who_comes_too_early_waits);
	tcase_add_test(t, a_core_that_stops_lets_the_flash_go);
	tcase_add_test(t, the_watchdog_fires_when_nobody_feeds_it);
	tcase_add_test(t, the_watchdog_is_off_after_zero_and_while_the_core_is_held);
	tcase_add_test(t, the_last_reset_tells_its_cause);
	tcase_add_test(t, arguments_outlive_every_reset);
	tcase_add_test(t, configuration_is_shown_and_stays);
	tcase_add_test(t, the_rom_keeps_what_it_was_given);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
