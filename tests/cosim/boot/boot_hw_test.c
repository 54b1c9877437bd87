/* SPDX-License-Identifier: BSD-2-Clause */
/* A boot ROM of a few lines on the whole adapter: every start goes through it, the watchdog's included. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft/dev.h>

#include "board.h"
#include "weft_engine.h"
#include "weft_world.h"

#define DIR "build/tests/cosim/boot/"
#define READY WEFT_STATUS_FW_READY_MASK
#define MS 1000000ull

static struct board b;
static struct weft_sim_params params = { .rom = DIR "rom.elf", .board_id = 0x00112233 };

static void setup(void)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		params.key_hash[i] = (uint8_t)(0x80 + i);
	ck_assert_int_eq(weft_flash_open(&b.flash, NULL), 0);
}

static void teardown(void)
{
	board_off(&b);
	weft_flash_close(b.flash);
}

/* The program runs, and this is its n-th start since the power came. */
static void started(unsigned int n, uint32_t boot_status)
{
	ck_assert(board_until(&b, READY, READY));
	ck_assert_uint_eq(board_read(&b, WEFT_FW_VERSION), n);
	ck_assert_uint_eq(board_read(&b, WEFT_FW_STATUS), boot_status);
	/* each start had its store into the ROM refused */
	ck_assert_uint_eq(board_read(&b, WEFT_LOG_TAIL), 0x00112233 ^ 0x9f9e9d9c ^ n);
}

START_TEST(every_start_goes_through_the_rom)
{
	const uint32_t rom = ENG_BOOT_STATUS_ROM_MASK;

	board_program(b.flash, DIR "program.bin", 0);
	ck_assert_int_eq(board_on(&b, &params), 0);
	started(1, rom);
	weft_sim_reset(b.sim);
	started(2, rom);
	board_write(&b, WEFT_CTRL, WEFT_CTRL_RUN_MASK | WEFT_CTRL_RESET_MASK);
	ck_assert(board_until(&b, READY, 0));
	started(3, rom);
	board_write(&b, WEFT_CTRL, 0);
	board_write(&b, WEFT_CTRL, WEFT_CTRL_RUN_MASK);
	while (board_read(&b, WEFT_FW_VERSION) == 3)
		board_pass(&b, UINT64_MAX);
	started(4, rom);
	ck_assert(weft_sim_next_timer(b.sim) == UINT64_MAX);
	board_off(&b);
	ck_assert_int_eq(board_on(&b, &params), 0); /* power came anew */
	started(1, rom);
}
END_TEST

START_TEST(what_is_in_the_flash_is_what_runs)
{
	board_program(b.flash, DIR "program.bin", 0);
	ck_assert_int_eq(board_on(&b, &params), 0);
	started(1, ENG_BOOT_STATUS_ROM_MASK);
	weft_flash_data(b.flash)[SLOT_A + 2] =
		0xff; /* longer than instruction memory: the ROM stands still */
	weft_sim_reset(b.sim);
	b.patience = 10 * MS;
	ck_assert(!board_until(&b, READY, READY));
	board_pass(&b, 0);
	ck_assert(weft_sim_idle(b.sim));
	board_program(b.flash, DIR "program.bin", 0);
	weft_sim_reset(b.sim);
	started(3, ENG_BOOT_STATUS_ROM_MASK);
}
END_TEST

START_TEST(the_watchdog_starts_the_adapter_anew)
{
	uint64_t up, down;
	unsigned int n;

	board_program(b.flash, DIR "program.bin", 40);
	ck_assert_int_eq(board_on(&b, &params), 0);
	started(1, ENG_BOOT_STATUS_ROM_MASK);
	for (n = 2; n < 4; n++) {
		up = weft_sim_now(b.sim);
		ck_assert_uint_eq(board_read(&b, WEFT_STATUS) & READY, READY);
		ck_assert_uint_lt(weft_sim_next_timer(b.sim), up + 40 * MS);
		board_write(&b, WEFT_ASQ_LO, 0x1000);
		ck_assert(board_until(&b, READY, 0)); /* the host sees it go */
		down = weft_sim_now(b.sim);
		ck_assert_uint_gt(down, up + 39 * MS);
		ck_assert_uint_lt(down, up + 41 * MS);
		started(n, ENG_BOOT_STATUS_ROM_MASK | ENG_BOOT_STATUS_WDT_FIRED_MASK);
		ck_assert_uint_eq(board_read(&b, WEFT_CTRL), WEFT_CTRL_RUN_MASK);
		ck_assert_uint_eq(board_read(&b, WEFT_ASQ_LO), 0);
	}
	weft_sim_reset(b.sim);
	started(4, ENG_BOOT_STATUS_ROM_MASK);
}
END_TEST

START_TEST(a_host_that_holds_the_core_holds_the_watchdog)
{
	board_program(b.flash, DIR "program.bin", 5);
	ck_assert_int_eq(board_on(&b, &params), 0);
	started(1, ENG_BOOT_STATUS_ROM_MASK);
	board_write(&b, WEFT_CTRL, 0);
	b.patience = 20 * MS;
	ck_assert(!board_until(&b, READY, 0));
	ck_assert_uint_eq(board_read(&b, WEFT_FW_VERSION), 1);
}
END_TEST

START_TEST(a_file_that_is_no_rom_is_refused)
{
	params.rom = "build/firmware/weft.elf";
	ck_assert_int_eq(board_on(&b, &params), -ENOEXEC);
	params.rom = "/nonexistent/rom.elf";
	ck_assert_int_eq(board_on(&b, &params), -ENOENT);
}
END_TEST

START_TEST(a_rom_is_no_firmware)
{
	struct weft_sim_params p = { .firmware = DIR "rom.elf" };
	struct weft_flash *flash = b.flash;

	b.flash = NULL;
	ck_assert_int_eq(board_on(&b, &p), -ENOEXEC);
	b.flash = flash;
}
END_TEST

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fwrite(text, 1, len, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_uint_eq(n, len);
}

START_TEST(keys_and_boards_have_many_names)
{
	static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
				  "MCowBQYDK2VwAyEAAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
				  "-----END PUBLIC KEY-----\n";
	static const char hex[] =
		"9408457aefd071cec127c1f98539930861ad1ba94c940db975c972c09fc68b68";
	const char *path = DIR "key.pem";
	uint8_t from_hex[32], from_pem[32];
	uint32_t board;

	ck_assert_int_eq(weft_sim_key(hex, from_hex), 0);
	ck_assert_uint_eq(from_hex[0], 0x94);
	write_file(path, pem, strlen(pem));
	ck_assert_int_eq(weft_sim_key(path, from_pem), 0);
	ck_assert_mem_eq(from_hex, from_pem, 32);
	write_file(path, pem, 60);
	ck_assert_int_eq(weft_sim_key(path, from_pem), -EINVAL);
	ck_assert_int_eq(weft_sim_key(hex + 1, from_pem), -ENOENT);
	ck_assert_int_eq(weft_sim_board("0xffffffff", &board), 0);
	ck_assert_uint_eq(board, 0xffffffff);
	ck_assert_int_eq(weft_sim_board("0x100000000", &board), -EINVAL);
	ck_assert_int_eq(weft_sim_board("-1", &board), -EINVAL);
	ck_assert_int_eq(weft_sim_board("7x", &board), -EINVAL);
	ck_assert_int_eq(weft_sim_board("", &board), -EINVAL);
}
END_TEST

START_TEST(a_bus_opened_by_name_has_a_flash)
{
	static const char file[] = DIR "flash.bin";
	struct weft_flash *flash;
	struct weft_bus *bus;
	uint32_t v = 0;

	remove(file);
	ck_assert_int_eq(weft_sim_flash_file(file, &flash), 0);
	board_program(flash, DIR "program.bin", 0);
	weft_flash_close(flash);
	ck_assert_int_eq(
		weft_bus_open("inproc:flash=" DIR "flash.bin,rom=" DIR "rom.elf,board=3", &bus), 0);
	while (!(v & READY)) {
		bus->ops->advance(bus, 10000);
		ck_assert_int_eq(bus->ops->read32(bus, WEFT_STATUS, &v), 0);
	}
	ck_assert_int_eq(bus->ops->read32(bus, WEFT_LOG_TAIL, &v), 0);
	ck_assert_uint_eq(v, 3 ^ 1);
	bus->ops->close(bus);
	ck_assert_int_eq(weft_bus_open("inproc:flask=x", &bus), -EINVAL);
	ck_assert_int_eq(weft_bus_open("inproc:flash=/nonexistent/x", &bus), -ENOENT);
}
END_TEST

/* --- the driver ------------------------------------------------------------------------------- */

static bool never(void *arg)
{
	(void)arg;
	return false;
}

/* The firmware is the real one. It knows nothing of the watchdog that the ROM has armed. */
START_TEST(a_driver_learns_that_the_adapter_has_reset_itself)
{
	const struct weft_dev_params long_steps = { .advance_ns = 100000 };
	struct weft_bus *bus;
	struct weft_dev *dev;

	board_program(b.flash, DIR "weft.bin", 90);
	params.flash = b.flash;
	ck_assert_int_eq(weft_bus_open_sim(&params, &bus), 0);
	ck_assert_int_eq(weft_dev_open(bus, &long_steps, &dev), 0);
	ck_assert_int_eq(weft_nop(dev, 0x1234), 0);
	memset(weft_flash_data(b.flash) + SLOT_A, 0xff,
	       4); /* the ROM does not start it again: saves time */
	ck_assert_int_eq(weft_dev_run(dev, never, NULL, 2000), -ENODEV);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "reset itself"));
	ck_assert_int_eq(weft_nop(dev, 0x1234), -ENODEV);
	weft_dev_close(dev);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("boot hardware");
	TCase *t = tcase_create("boot");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 600);
	tcase_add_test(t, every_start_goes_through_the_rom);
	tcase_add_test(t, what_is_in_the_flash_is_what_runs);
	tcase_add_test(t, the_watchdog_starts_the_adapter_anew);
	tcase_add_test(t, a_host_that_holds_the_core_holds_the_watchdog);
	tcase_add_test(t, a_file_that_is_no_rom_is_refused);
	tcase_add_test(t, a_rom_is_no_firmware);
	tcase_add_test(t, keys_and_boards_have_many_names);
	tcase_add_test(t, a_bus_opened_by_name_has_a_flash);
	tcase_add_test(t, a_driver_learns_that_the_adapter_has_reset_itself);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
