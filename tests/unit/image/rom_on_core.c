/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot ROM on the RTL of the soft core, with a flash: memories, the SPI port and the registers of
 * the hardware configuration as the engine interface has them, each answering in the next cycle. For
 * each flash a line: "slot N passed P counter C cycles T" when an image was started, "dead STATUS
 * cycles T" when the ROM stands still.
 *
 *   rom_on_core ROM.bin BOARD KEYHASH FLASH...
 * A flash shorter than 1 MiB is erased in the rest: an image is one with nothing but a golden image.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "core_model.h"
#include "weft_engine.h"

#define FLASH_SIZE (1u << 20)
#define MMIO_SIZE 0x400u
#define CYCLES_MAX 200000000u
#define NS_PER_CYCLE 4u

/* A flash that is only read: the bytes of the command under way. */
struct spi {
	uint8_t flash[FLASH_SIZE];
	bool selected;
	uint32_t count; /* bytes since it was selected */
	uint8_t command;
	uint32_t address;
	uint8_t in; /* came in last */
};

static struct world {
	struct core_model *core;
	struct core_in in;
	struct core_out out;
	struct spi spi;
	uint8_t rom[ENG_ROM_SIZE], imem[ENG_IMEM_SIZE], dmem[ENG_DMEM_SIZE];
	uint32_t board, key_hash[8], arg[4];
	uint32_t fw_status, status;
	uint64_t cycle;
} w;

static uint8_t flash_answer(struct spi *s)
{
	static const uint8_t id[3] = { 0xef, 0x40, 20 };

	if (s->command == 0x9f && s->count < 4)
		return id[s->count - 1];
	if (s->command == 0x05)
		return 0; /* never busy, never enabled for writing */
	if (s->command == 0x03 && s->count > 3)
		return s->flash[s->address++ % FLASH_SIZE];
	return 0xff;
}

static void spi_byte(struct spi *s, uint8_t out)
{
	s->in = 0xff;
	if (!s->selected)
		return;
	if (!s->count)
		s->command = out;
	else
		s->in = flash_answer(s);
	if (s->count && s->count < 4)
		s->address = (s->address << 8 | out) & 0xffffff;
	s->count++;
}

static uint32_t spi_four(struct spi *s)
{
	uint32_t i, v = 0;

	for (i = 0; i < 4; i++) {
		spi_byte(s, 0);
		v |= (uint32_t)s->in << 8 * i;
	}
	return v;
}

static uint32_t read_register(uint32_t at)
{
	if (at >= ENG_KEY_HASH0 && at <= ENG_KEY_HASH7)
		return w.key_hash[(at - ENG_KEY_HASH0) / 4];
	if (at >= ENG_BOOT_ARG0 && at <= ENG_BOOT_ARG3)
		return w.arg[(at - ENG_BOOT_ARG0) / 4];
	switch (at) {
	case ENG_TIME_LO:
		return (uint32_t)(w.cycle * NS_PER_CYCLE);
	case ENG_SPI_RX:
		return w.spi.in;
	case ENG_SPI_RX4:
		return spi_four(&w.spi);
	case ENG_BOOT_STATUS:
		return ENG_BOOT_STATUS_ROM_MASK;
	case ENG_BOARD_ID:
		return w.board;
	default:
		return 0;
	}
}

static void write_register(uint32_t at, uint32_t v)
{
	if (at >= ENG_BOOT_ARG0 && at <= ENG_BOOT_ARG3)
		w.arg[(at - ENG_BOOT_ARG0) / 4] = v;
	switch (at) {
	case ENG_SPI_CTRL:
		w.spi.selected = v & ENG_SPI_CTRL_CS_MASK;
		w.spi.count = 0;
		break;
	case ENG_SPI_TX:
		spi_byte(&w.spi, (uint8_t)v);
		break;
	case ENG_HOST_FW_STATUS:
		w.fw_status = v;
		break;
	case ENG_HOST_STATUS:
		w.status = v;
		break;
	}
}

/* The word of a memory, or NULL. */
static uint8_t *memory(uint32_t at, bool write)
{
	at &= ~3u;
	if (at - ENG_IMEM_BASE < ENG_IMEM_SIZE)
		return w.imem + (at - ENG_IMEM_BASE);
	if (at - ENG_DMEM_BASE < ENG_DMEM_SIZE)
		return w.dmem + (at - ENG_DMEM_BASE);
	if (at - ENG_ROM_BASE < ENG_ROM_SIZE && !write)
		return w.rom + (at - ENG_ROM_BASE);
	return NULL;
}

static bool fetch(uint32_t at, uint32_t *data)
{
	/* Where this core model leaves reset: a jump to where the adapter's does (lui t0; jr t0). */
	static const uint32_t jump[2] = { ENG_ROM_BASE | 0x2b7, 0x00028067 };
	uint8_t *p = memory(at, false);

	if (w.cycle < 32 && at - CORE_MODEL_RESET_PC < sizeof(jump))
		p = (uint8_t *)(uintptr_t)jump + (at - CORE_MODEL_RESET_PC);
	if (p)
		memcpy(data, p, 4);
	return p;
}

static bool store(uint32_t at, uint8_t lanes, uint32_t data)
{
	uint8_t *p = memory(at, true);
	int i;

	if (p) {
		for (i = 0; i < 4; i++)
			if (lanes & 1 << i)
				p[i] = (uint8_t)(data >> 8 * i);
		return true;
	}
	if (at - ENG_MMIO_BASE >= MMIO_SIZE)
		return false;
	write_register(at - ENG_MMIO_BASE, data);
	return true;
}

static bool load(uint32_t at, uint32_t *data)
{
	uint8_t *p = memory(at, false);

	if (p)
		memcpy(data, p, 4);
	else if (at - ENG_MMIO_BASE < MMIO_SIZE)
		*data = read_register(at - ENG_MMIO_BASE);
	else
		return false;
	return true;
}

static void clock_core(void)
{
	core_model_cycle(w.core, &w.in, &w.out);
	if (w.out.i_req)
		w.in.i_err = !fetch(w.out.i_addr, &w.in.i_rdata);
	w.in.d_rvalid = w.out.d_req;
	if (w.out.d_req && w.out.d_we)
		w.in.d_err = !store(w.out.d_addr, w.out.d_be, w.out.d_wdata);
	else if (w.out.d_req)
		w.in.d_err = !load(w.out.d_addr, &w.in.d_rdata);
	w.cycle++;
}

/* From power-up until the first instruction of an image is done, or the ROM gives up. */
static void boot(void)
{
	int i;

	memset(w.imem, 0xa5, sizeof(w.imem));
	memset(w.dmem, 0xa5, sizeof(w.dmem));
	memset(w.arg, 0, sizeof(w.arg));
	memset(&w.in, 0, sizeof(w.in));
	w.fw_status = w.status = 0;
	w.spi.selected = false;
	w.cycle = 0;
	w.in.rst = true;
	for (i = 0; i < 4; i++)
		core_model_cycle(w.core, &w.in, &w.out);
	w.in.rst = false;
	w.in.fetch_enable = w.in.i_gnt = w.in.d_gnt = true;
	while (w.cycle < CYCLES_MAX && !w.status &&
	       !(w.out.rvfi.valid && w.out.rvfi.pc_rdata == ENG_IMEM_BASE))
		clock_core();
	if (w.status)
		printf("dead 0x%08" PRIx32 " cycles %" PRIu64 "\n", w.fw_status, w.cycle);
	else if (w.cycle < CYCLES_MAX)
		printf("slot %" PRIu32 " passed %" PRIu32 " counter %" PRIu32 " cycles %" PRIu64
		       "\n",
		       w.arg[0] & 0xff, w.arg[0] >> 16 & 7, w.arg[2], w.cycle);
	else
		printf("no end\n");
	memset(&w.out, 0, sizeof(w.out));
}

/* A whole file of at most size bytes; what it leaves is filled. */
static void read_file(const char *path, void *to, size_t size, int fill)
{
	FILE *f = fopen(path, "rb");

	memset(to, fill, size);
	if (!f || (!fread(to, 1, size, f) && ferror(f)) || fgetc(f) != EOF) {
		fprintf(stderr, "rom_on_core: %s: no file of at most %zu bytes\n", path, size);
		exit(EXIT_FAILURE);
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 5 || strlen(argv[3]) != 64 ||
	    sodium_hex2bin((uint8_t *)w.key_hash, sizeof(w.key_hash), argv[3], 64, NULL, NULL,
			   NULL)) {
		fputs("usage: rom_on_core ROM.bin BOARD KEYHASH FLASH...\n", stderr);
		return 2;
	}
	read_file(argv[1], w.rom, sizeof(w.rom), 0);
	w.board = (uint32_t)strtoul(argv[2], NULL, 0);
	w.core = core_model_new();
	if (!w.core)
		return EXIT_FAILURE;
	for (i = 4; i < argc; i++) {
		read_file(argv[i], w.spi.flash, FLASH_SIZE, 0xff);
		boot();
	}
	core_model_free(w.core);
	return 0;
}
