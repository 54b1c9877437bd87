/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build/firmware/rom.bin on the Verilated core, with memories, the boot registers and the flash model around it: a signed
 * image is copied, verified and started, and says so with a letter; one that was changed is not. Prints the cycles it took.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core_model.h"
#include "lib/bytes.h"
#include "rig.h"
#include "weft_engine.h"
#include "weft_host.h"

#define CYCLES_MAX 60000000u
#define NS_PER_CYCLE 4u

uint64_t cases;
bool full_run;

struct board {
	struct core_model *core;
	struct core_in in;
	struct core_out out;
	struct weft_flash *flash;
	uint8_t imem[ENG_IMEM_SIZE], dmem[ENG_DMEM_SIZE], rom[ENG_ROM_SIZE];
	uint32_t regs[1024];
	uint8_t rx;
	bool in_rom;
	uint64_t cycle;
	char said; /* by the image that was started */
};

static uint64_t now_ns(const struct board *b)
{
	return b->cycle * NS_PER_CYCLE;
}

static uint8_t *memory(struct board *b, uint32_t addr, bool write)
{
	if (addr < ENG_IMEM_SIZE)
		return b->imem + addr;
	if (addr - ENG_DMEM_BASE < ENG_DMEM_SIZE)
		return b->dmem + (addr - ENG_DMEM_BASE);
	if (addr - ENG_ROM_BASE < ENG_ROM_SIZE && !write)
		return b->rom + (addr - ENG_ROM_BASE);
	return NULL;
}

static uint32_t spi_four(struct board *b)
{
	uint32_t v = 0, i;

	for (i = 0; i < 4; i++)
		v |= (uint32_t)weft_flash_exchange(b->flash, 0, now_ns(b)) << (8 * i);
	return v;
}

static bool load(struct board *b, uint32_t addr, uint32_t *data)
{
	const uint8_t *p = memory(b, addr, false);
	uint32_t reg = addr - ENG_MMIO_BASE;

	*data = 0;
	if (p)
		*data = get_le32(p);
	else if (reg == ENG_SPI_RX4)
		*data = spi_four(b);
	else if (reg == ENG_SPI_RX)
		*data = b->rx;
	else if (reg == ENG_TIME_LO)
		*data = (uint32_t)now_ns(b);
	else if (reg < sizeof(b->regs))
		*data = b->regs[reg / 4];
	else
		return false;
	return true;
}

static bool store(struct board *b, uint32_t addr, uint8_t be, uint32_t data)
{
	uint8_t *p = memory(b, addr, true);
	uint32_t reg = addr - ENG_MMIO_BASE, i;

	if (p) {
		for (i = 0; i < 4; i++)
			if (be >> i & 1)
				p[i] = (uint8_t)(data >> (8 * i));
		return true;
	}
	if (reg >= sizeof(b->regs) || be != 0xf)
		return false;
	if (reg == ENG_SPI_CTRL)
		weft_flash_select(b->flash, data & 1, now_ns(b));
	else if (reg == ENG_SPI_TX)
		b->rx = weft_flash_exchange(b->flash, (uint8_t)data, now_ns(b));
	else if (reg == ENG_SIM_PUTC)
		b->said = (char)data;
	b->regs[reg / 4] = data;
	return true;
}

/* The core of this model starts in the middle of instruction memory: two instructions there, until it is in the ROM. */
static bool fetch(struct board *b, uint32_t addr, uint32_t *data)
{
	const uint8_t *p = memory(b, addr, false);

	b->in_rom |= addr - ENG_ROM_BASE < ENG_ROM_SIZE;
	if (!b->in_rom)
		*data = addr == CORE_MODEL_RESET_PC ? 0x001002b7u :
						      0x00028067u; /* lui t0, 0x100; jr t0 */
	else if (p)
		*data = get_le32(p);
	return !b->in_rom || p;
}

static void cycle(struct board *b)
{
	core_model_cycle(b->core, &b->in, &b->out);
	if (b->out.i_req)
		b->in.i_err = !fetch(b, b->out.i_addr, &b->in.i_rdata);
	b->in.d_rvalid = b->out.d_req;
	if (b->out.d_req && b->out.d_we)
		b->in.d_err = !store(b, b->out.d_addr, b->out.d_be, b->out.d_wdata);
	else if (b->out.d_req)
		b->in.d_err = !load(b, b->out.d_addr, &b->in.d_rdata);
	b->cycle++;
}

static void load_rom(struct board *b)
{
	FILE *f = fopen("build/firmware/rom.bin", "rb");

	ck_assert_msg(f, "build/firmware/rom.bin is not there");
	ck_assert_uint_eq(fread(b->rom, 1, sizeof(b->rom), f), sizeof(b->rom));
	fclose(f);
}

static struct board *power_up(struct rig *r)
{
	struct board *b = calloc(1, sizeof(*b));
	uint32_t i;

	ck_assert_ptr_nonnull(b);
	load_rom(b);
	b->core = core_model_new();
	ck_assert_ptr_nonnull(b->core);
	b->flash = r->flash;
	b->in.fetch_enable = b->in.i_gnt = b->in.d_gnt = true;
	memset(b->imem, 0xee, sizeof(b->imem));
	memset(b->dmem, 0xee, sizeof(b->dmem));
	b->regs[ENG_BOARD_ID / 4] = RIG_BOARD;
	for (i = 0; i < 8; i++)
		b->regs[ENG_KEY_HASH0 / 4 + i] = get_le32(image_key_hash() + 4 * i);
	return b;
}

/* Until the image has said something, or the ROM gave up. */
static void run(struct board *b)
{
	while (!b->said && !b->regs[ENG_HOST_STATUS / 4] && b->cycle < CYCLES_MAX)
		cycle(b);
	printf("%u cycles to %s, BOOT_ARG0 %08x\n", (uint32_t)b->cycle,
	       b->said ? "the image" : "the end", b->regs[ENG_BOOT_ARG0 / 4]);
}

static void power_down(struct board *b)
{
	core_model_free(b->core);
	free(b);
}

/* lui t0, 0x50000; li t1, letter; sw t1, SIM_PUTC(t0); wfi; j back to it; then filler of that many bytes in all. */
static void put_program(struct rig *r, uint32_t slot, char letter, uint32_t len)
{
	static uint8_t code[RIG_IMEM];
	static struct image im;
	struct image_spec spec = { .counter = 5,
				   .board = RIG_BOARD,
				   .payload = code,
				   .payload_len = len,
				   .flags = IMAGE_F_RAM_LOAD };

	memset(code, 0x5a, sizeof(code));
	put_le32(code, 0x500002b7u);
	put_le32(code + 4, (uint32_t)letter << 20 | 0x313u);
	put_le32(code + 8, ENG_SIM_PUTC >> 5 << 25 | 6u << 20 | 5u << 15 | 2u << 12 |
				   (ENG_SIM_PUTC & 31) << 7 | 0x23u);
	put_le32(code + 12, 0x10500073u);
	put_le32(code + 16, 0xffdff06fu);
	image_make(&im, &spec);
	rig_put(r, slot, &im);
}

static struct rig r;

START_TEST(a_signed_image_is_started_and_the_trial_recorded)
{
	struct boot_record rec = { .active = SLOT_A, .trial = SLOT_B, .counter = 5 };
	struct board *b;
	uint32_t i;

	rig_init(&r);
	put_program(&r, SLOT_A, 'A', 64);
	put_program(&r, SLOT_B, 'B', 4001);
	ck_assert_int_eq(rig_set_record(&r, &rec), 0);
	b = power_up(&r);
	run(b);
	ck_assert_int_eq(b->said, 'B');
	ck_assert_uint_eq(b->regs[ENG_BOOT_ARG0 / 4], SLOT_B | BOOT_ARG0_TRIAL);
	ck_assert_uint_eq(b->regs[ENG_BOOT_ARG0 / 4 + 1], 5);
	ck_assert_uint_eq(b->regs[ENG_BOOT_ARG0 / 4 + 2], 5);
	ck_assert_uint_eq(b->regs[ENG_BOOT_ARG0 / 4 + 3], BOOT_ARG3_MAGIC);
	ck_assert_uint_eq(b->regs[ENG_WDT / 4], BOOT_TRIAL_MS);
	for (i = 4001; i < sizeof(b->imem); i++)
		if (b->imem[i])
			ck_abort_msg("byte %u of instruction memory is left over", i);
	rig_record(&r, &rec);
	ck_assert_uint_eq(rec.tried, 1);
	power_down(b);
	rig_free(&r);
}
END_TEST

/* One bit of the payload in A, of the signature in B: golden; then one of golden: nothing, and the host is told. */
START_TEST(changed_images_are_not_started)
{
	struct boot_record rec = { .active = SLOT_A, .previous = SLOT_B, .counter = 5 };
	struct board *b;
	uint8_t *p;

	rig_init(&r);
	p = weft_flash_data(r.flash);
	put_program(&r, SLOT_GOLDEN, 'G', 64);
	put_program(&r, SLOT_A, 'A', 64);
	put_program(&r, SLOT_B, 'B', 64);
	p[slot_offset(SLOT_A) + 40] ^= 0x10;
	p[slot_offset(SLOT_B) + 96 + 20 + 4 + 36 + 36 + 48 + 4 + 10] ^= 1;
	ck_assert_int_eq(rig_set_record(&r, &rec), 0);
	b = power_up(&r);
	run(b);
	ck_assert_int_eq(b->said, 'G');
	ck_assert_uint_eq(b->regs[ENG_BOOT_ARG0 / 4], SLOT_GOLDEN | 6u << 16);
	ck_assert_uint_eq(b->regs[ENG_WDT / 4], 0);
	power_down(b);
	p[33] ^= 1;
	p[slot_offset(SLOT_B)] ^= 1;
	b = power_up(&r);
	run(b);
	ck_assert_int_eq(b->said, 0);
	ck_assert_uint_eq(b->regs[ENG_HOST_STATUS / 4], 2);
	ck_assert_uint_eq(b->regs[ENG_HOST_FW_STATUS / 4],
			  (uint32_t)WEFT_DEAD_ROM << 24 | IMAGE_DIGEST);
	power_down(b);
	rig_free(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("boot ROM on the core");
	TCase *tc = tcase_create("rom");
	SRunner *sr;
	int failed;

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, a_signed_image_is_started_and_the_trial_recorded);
	tcase_add_test(tc, changed_images_are_not_started);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	rig_end();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
