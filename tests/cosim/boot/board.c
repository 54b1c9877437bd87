/* SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "board.h"

#define STEP 1000u

static int no_read(void *ctx, uint64_t iova, void *buf, size_t len)
{
	(void)ctx, (void)iova, (void)buf, (void)len;
	return -EFAULT;
}

static int no_write(void *ctx, uint64_t iova, const void *buf, size_t len)
{
	(void)ctx, (void)iova, (void)buf, (void)len;
	return -EFAULT;
}

static void no_irq(void *ctx, unsigned int vector)
{
	(void)ctx, (void)vector;
}

static void no_frame(void *ctx, const void *frame, size_t len, uint64_t at_ns)
{
	(void)ctx, (void)frame, (void)len, (void)at_ns;
}

int board_on(struct board *b, const struct weft_sim_params *params)
{
	static const struct weft_sim_ops ops = { no_read, no_write, no_irq, no_frame, NULL };
	struct weft_sim_params p = *params;

	p.flash = b->flash;
	if (!b->patience)
		b->patience = 1000000000;
	return weft_sim_create(&p, &ops, b, &b->sim);
}

void board_off(struct board *b)
{
	weft_sim_destroy(b->sim);
	b->sim = NULL;
}

uint32_t board_read(struct board *b, uint32_t off)
{
	uint64_t v = 0;

	ck_assert_int_eq(weft_sim_bar_read(b->sim, off, 4, &v), 0);
	return (uint32_t)v;
}

void board_write(struct board *b, uint32_t off, uint32_t value)
{
	ck_assert_int_eq(weft_sim_bar_write(b->sim, off, 4, value), 0);
}

void board_pass(struct board *b, uint64_t ns)
{
	uint64_t next;

	if (weft_sim_step(b->sim, STEP) == STEP)
		return;
	next = weft_sim_next_timer(b->sim);
	weft_sim_skip_to(b->sim, next < ns ? next : ns);
}

bool board_until(struct board *b, uint32_t mask, uint32_t want)
{
	uint64_t end = weft_sim_now(b->sim) + b->patience;

	for (;;) {
		bool sleeps = weft_sim_step(b->sim, STEP) < STEP;

		/* what it did before it slept is seen before its next timer comes */
		if ((board_read(b, WEFT_STATUS) & mask) == want)
			return true;
		if (weft_sim_now(b->sim) >= end)
			return false;
		if (sleeps)
			board_pass(b, end);
	}
}

void board_program(struct weft_flash *flash, const char *path, uint32_t wdt_ms)
{
	uint8_t *at = weft_flash_data(flash) + SLOT_A;
	FILE *f = fopen(path, "rb");
	uint32_t len;

	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	len = (uint32_t)fread(at + 8, 1, 0x20000, f);
	fclose(f);
	ck_assert_uint_gt(len, 0);
	len = (len + 3) & ~3u;
	memcpy(at, &len, 4);
	memcpy(at + 4, &wdt_ms, 4);
}
