/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the ROM told, the boot record from here on, and an image on trial: FW_COMMIT, FW_CONFIRM, FW_ROLLBACK.
 *
 * The watchdog that the ROM armed is fed from the main loop, by a timer, for TRIAL_MS at most: an image that hangs, and one
 * that nobody confirms, ends by itself.
 */
#include <string.h>

#include "flash/service_int.h"
#include "lib/log.h"
#include "lib/timer.h"

#define TRIAL_MS 600000u
#define FEED_MS 5000u

enum stage { START, LOOKING, WRITING };

struct flash_boot boot;

static struct record_write writing;
static struct timer feed;
static uint32_t give_up; /* tick from which on it is not fed */

static void feed_due(struct timer *t)
{
	if (!boot.trial)
		return;
	if ((int32_t)(clk_now() - give_up) >= 0) {
		log_line("firmware in slot %u: not confirmed in time", boot.running);
		return; /* the watchdog does the rest */
	}
	hal_wdt_set(BOOT_TRIAL_MS);
	timer_set(t, clk_now() + clk_ms(FEED_MS));
}

void trial_init(void)
{
	uint32_t arg0 = hal_boot_arg(0);

	timer_setup(&feed, feed_due);
	boot.rom = hal_boot_status() & ENG_BOOT_STATUS_ROM_MASK;
	if (!boot.rom || hal_boot_arg(3) != BOOT_ARG3_MAGIC)
		return;
	boot.running = (uint8_t)(arg0 & BOOT_ARG0_SLOT_MASK);
	boot.trial = arg0 & BOOT_ARG0_TRIAL;
	boot.watchdog = arg0 & BOOT_ARG0_WATCHDOG;
	boot.no_record = arg0 & BOOT_ARG0_NO_RECORD;
	boot.counter = hal_boot_arg(2);
	for (uint32_t s = SLOT_FIRST; s <= SLOT_LAST; s++)
		if (arg0 & BOOT_ARG0_PASSED(s))
			boot.passed |= (uint8_t)(1u << s);
	if (!boot.trial)
		return;
	log_line("firmware in slot %u is on trial", boot.running);
	give_up = clk_now() + clk_ms(TRIAL_MS);
	feed_due(&feed);
}

/* The trial is over, well or not: nothing resets the adapter any more. */
static void trial_over(void)
{
	boot.trial = false;
	timer_cancel(&feed);
	hal_wdt_set(0);
}

bool slot_writable(uint32_t slot)
{
	bool passed = boot.passed & 1u << slot;

	return (slot == SLOT_A || slot == SLOT_B) && slot != boot.running &&
	       (slot != boot.log.rec.active || passed);
}

uint8_t slot_next(void)
{
	const struct boot_record *r = &boot.log.rec;

	return r->trial ? r->trial : r->active;
}

void trial_write(const struct boot_record *rec)
{
	record_write_start(&writing, &boot.log, rec);
}

uint16_t trial_write_step(void)
{
	int err = record_write_step(&flash_spi, &writing);

	if (err == EBUSY)
		return flash_later(writing.state == RECORD_FIND ? 0 : FLASH_POLL_NS);
	if (err)
		job.dw[0] = RECORD_OFFSET;
	return err ? EIO : 0;
}

static uint16_t write_record(const struct boot_record *rec)
{
	trial_write(rec);
	job.stage = WRITING;
	return flash_later(0);
}

/* Is the image in the slot one that may be tried? AGAIN, 0, EILSEQ. */
static uint16_t look_at(uint32_t slot)
{
	if (job.stage == START) {
		look_start(slot);
		job.stage = LOOKING;
	}
	if (look_step() == AGAIN)
		return AGAIN;
	job.dw[0] = (uint32_t)look_error;
	return look_error ? EILSEQ : 0;
}

static uint16_t check_commit(const struct weft_arg_fw *a)
{
	if (a->action > WEFT_FWA_NOW || a->len || a->offset)
		return EINVAL;
	if (a->action == WEFT_FWA_NOW)
		return EOPNOTSUPP;
	if (a->slot == SLOT_GOLDEN)
		return EROFS;
	if (session.id && session.slot == a->slot)
		return EBUSY;
	if (a->action == WEFT_FWA_REPLACE)
		return 0;
	/* On trial the image that runs is confirmed, not tried again; the active one needs no trial. */
	if (boot.trial && a->slot == boot.running)
		return EPERM;
	return a->action == WEFT_FWA_REPLACE_ACTIVATE && a->slot == boot.log.rec.active ? EPERM : 0;
}

uint16_t commit_step(void)
{
	const struct weft_arg_fw *a = &job.a.fw;
	struct boot_record rec = boot.log.rec;
	uint16_t err;

	if (job.stage == WRITING) {
		err = trial_write_step();
		job.dw[0] = err ? job.dw[0] : slot_next();
		return err;
	}
	err = job.stage == START ? check_commit(a) : 0;
	if (!err)
		err = look_at(a->slot);
	if (err)
		return err;
	job.dw[0] = slot_next();
	if (a->action == WEFT_FWA_REPLACE)
		return 0;
	if (a->slot != rec.active) {
		record_commit(&rec, a->slot);
	} else { /* the active image again: whatever else was to be tried is not */
		if (!rec.trial)
			return 0;
		record_failed(&rec, WEFT_FWE_GIVEN_UP);
	}
	return write_record(&rec);
}

uint16_t confirm_step(void)
{
	struct boot_record rec = boot.log.rec;
	uint16_t err;

	job.dw[0] = boot.running;
	if (!boot.trial)
		return 0;
	if (job.stage != WRITING) {
		record_confirm(&rec, boot.running, boot.counter);
		return write_record(&rec);
	}
	err = trial_write_step();
	if (err)
		return err;
	trial_over();
	job.dw[1] = 1;
	return 0;
}

/* On trial it is given up; else the previous image is tried. */
uint16_t rollback_step(void)
{
	struct boot_record rec = boot.log.rec;
	uint16_t err;

	if (job.stage == WRITING) {
		err = trial_write_step();
		if (err)
			return err;
		if (boot.trial)
			trial_over();
		job.dw[0] = slot_next();
		return 0;
	}
	if (boot.trial) {
		record_failed(&rec, WEFT_FWE_GIVEN_UP);
		return write_record(&rec);
	}
	if (!rec.previous)
		return ENOENT;
	if (session.id && session.slot == rec.previous)
		return EBUSY;
	err = look_at(rec.previous);
	if (err)
		return err;
	record_commit(&rec, rec.previous);
	return write_record(&rec);
}
