/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power cut at every step of an adapter's life: each sequence below is run once undisturbed, and the records that come to
 * hold are noted with the flash's steps; then again and again, cut at each step, with several ways in which the step is
 * done in part. After each cut: the record is the one that held or the one that was under way; the adapter starts; what it
 * starts is one of the images that were ever signed, whole; the counter has not fallen; and the sequence can be gone
 * through again to its end.
 */
#include <string.h>

#include "rig.h"

enum { GOLDEN = 1, OLD = 10, NEW = 11 };

struct sequence {
	const char *name;
	uint32_t fill; /* records in the log before */
	int (*run)(struct rig *r, const struct image *im);
	uint32_t ends_with; /* the version that runs when all went well */
	bool ends_with_old; /* or, when it was disturbed, the old one */
};

#define must(what)                               \
	do {                                     \
		if (what)                        \
			return -1;               \
		if (weft_flash_is_off(r->flash)) \
			return -1;               \
	} while (0)

/* Download, commit, start as a trial, confirm, start. */
static int update(struct rig *r, const struct image *im)
{
	struct boot_record rec;
	uint32_t slot;

	must(!rig_power_up(r) && !weft_flash_is_off(r->flash));
	rig_record(r, &rec);
	if (rig_running(r) == NEW) {
		if (r->choice.trial)
			must(rig_confirm(r));
		return 0;
	}
	slot = rec.active == SLOT_A ? SLOT_B : SLOT_A;
	must(rig_download(r, slot, im));
	must(rig_commit(r, slot));
	rig_reset(r, false);
	must(rig_running(r) != NEW);
	must(rig_confirm(r));
	rig_reset(r, false);
	return 0;
}

/* The trial is not confirmed: the watchdog, then the old image again. */
static int fall_back(struct rig *r, const struct image *im)
{
	struct boot_record rec;
	uint32_t slot;

	must(!rig_power_up(r) && !weft_flash_is_off(r->flash));
	rig_record(r, &rec);
	slot = rec.active == SLOT_A ? SLOT_B : SLOT_A;
	must(rig_download(r, slot, im));
	must(rig_commit(r, slot));
	rig_reset(r, false);
	must(rig_running(r) != NEW);
	rig_reset(r, true);
	return 0;
}

/* An image that is not sound is committed. */
static int refused(struct rig *r, const struct image *im)
{
	struct image bad = *im;

	must(!rig_power_up(r) && !weft_flash_is_off(r->flash));
	bad.bytes[50] ^= 4;
	must(rig_download(r, SLOT_B, &bad));
	must(rig_commit(r, SLOT_B));
	rig_reset(r, false);
	return 0;
}

static const struct sequence sequences[] = {
	{ "update", 1, update, NEW, false },
	{ "update, log nearly full", 126, update, NEW, false },
	{ "update, log at its second sector's end", 255, update, NEW, false },
	{ "trial that fails", 1, fall_back, OLD, true },
	{ "trial that fails, log nearly full", 126, fall_back, OLD, true },
	{ "image refused", 127, refused, OLD, true },
};

/* Golden, an image in A that was confirmed, a half of something in B; that many records. */
static void begin(struct rig *r, uint32_t fill)
{
	struct boot_record rec = { .active = SLOT_A, .previous = SLOT_B, .counter = 5 };
	struct record_log log;
	struct image im;
	uint32_t i;

	rig_init(r);
	image_good(&im, GOLDEN, 0);
	rig_put(r, SLOT_GOLDEN, &im);
	image_good(&im, OLD, 5);
	rig_put(r, SLOT_A, &im);
	memset(weft_flash_data(r->flash) + slot_offset(SLOT_B), 0x11, 2 * FLASH_SECTOR);
	ck_assert_int_eq(record_read(&r->spi, &log), 0);
	for (i = 0; i < fill; i++)
		ck_assert_int_eq(record_write(&r->spi, &log, &rec), 0);
	weft_flash_steps_reset(r->flash);
}

static void trace(struct rig *r, const struct sequence *seq, const struct image *im)
{
	begin(r, seq->fill);
	rig_record(r, &r->history[0].rec);
	r->n_history = 1;
	r->tracing = true;
	ck_assert_int_eq(seq->run(r, im), 0);
	ck_assert_uint_eq(rig_running(r), seq->ends_with);
	r->tracing = false;
}

/* The record after a cut at that step: the last one that was whole before, or the next. */
static void check_record(const struct rig *t, struct rig *r, uint64_t cut)
{
	struct boot_record rec;
	uint32_t k = 0;

	while (k + 1 < t->n_history && t->history[k + 1].steps < cut)
		k++;
	rig_record(r, &rec);
	if (!memcmp(&rec, &t->history[k].rec, sizeof(rec)))
		return;
	ck_assert_uint_lt(k + 1, t->n_history);
	ck_assert_mem_eq(&rec, &t->history[k + 1].rec, sizeof(rec));
}

static void check_start(struct rig *r, uint32_t counter)
{
	struct boot_record rec;
	uint32_t version;

	ck_assert_uint_ne(rig_power_up(r), 0);
	version = rig_running(r);
	ck_assert(version == OLD || version == NEW);
	rig_record(r, &rec);
	ck_assert_uint_ge(rec.counter, counter);
}

static void check_recovery(struct rig *r, const struct sequence *seq, const struct image *im)
{
	struct boot_record rec;

	ck_assert_int_eq(seq->run(r, im), 0);
	ck_assert(rig_running(r) == seq->ends_with ||
		  (seq->ends_with_old && rig_running(r) == OLD));
	rig_record(r, &rec);
	ck_assert_uint_eq(rec.counter, seq->ends_with == NEW ? 6 : 5);
	ck_assert_uint_eq(rec.trial, 0);
}

/* What the cases start from, and go back to. */
struct content {
	uint8_t slot_b[FLASH_SECTOR], records[2 * FLASH_SECTOR];
};

static void save(struct rig *r, struct content *c)
{
	memcpy(c->slot_b, weft_flash_data(r->flash) + slot_offset(SLOT_B), sizeof(c->slot_b));
	memcpy(c->records, weft_flash_data(r->flash) + RECORD_OFFSET, sizeof(c->records));
}

static void restore(struct rig *r, const struct content *c)
{
	memcpy(weft_flash_data(r->flash) + slot_offset(SLOT_B), c->slot_b, sizeof(c->slot_b));
	memcpy(weft_flash_data(r->flash) + RECORD_OFFSET, c->records, sizeof(c->records));
	weft_flash_power_on(r->flash);
	memset(r->env.arg, 0, sizeof(r->env.arg));
}

/* Power fails at step cut. False: the sequence has no such step. */
static bool one_case(struct rig *t, struct rig *r, const struct sequence *seq, uint64_t cut,
		     uint64_t seed)
{
	struct boot_record rec;
	struct image im;

	image_good(&im, NEW, 6);
	weft_flash_cut_at(r->flash, cut, seed);
	seq->run(r, &im);
	if (!weft_flash_is_off(r->flash))
		return false;
	weft_flash_power_on(r->flash);
	check_record(t, r, cut);
	rig_record(r, &rec);
	check_start(r, rec.counter);
	check_recovery(r, seq, &im);
	cases++;
	return true;
}

START_TEST(power_may_fail_at_any_step)
{
	const struct sequence *seq = &sequences[_i];
	uint64_t cut, seed, seeds = full_run ? 12 : _i < 3 ? 2 : 1;
	static struct rig t, r;
	static struct content c;
	struct image im;

	image_good(&im, NEW, 6);
	trace(&t, seq, &im);
	begin(&r, seq->fill);
	save(&r, &c);
	for (cut = 1;; cut++) {
		for (seed = 0; seed < seeds; seed++) {
			restore(&r, &c);
			if (!one_case(&t, &r, seq, cut, seed * 1000 + cut))
				goto end;
		}
	}
end:
	ck_assert_uint_eq(cut, weft_flash_steps(t.flash) + 1);
	rig_free(&t);
	rig_free(&r);
}
END_TEST

/* Power fails, comes back, and fails again while the ROM or the second attempt writes. */
START_TEST(power_may_fail_twice)
{
	const struct sequence *seq = &sequences[_i];
	uint64_t cut, again, step = full_run ? 7 : 53;
	static struct rig r;
	static struct content c;
	struct boot_record rec;
	struct image im;
	bool twice;

	image_good(&im, NEW, 6);
	begin(&r, seq->fill);
	save(&r, &c);
	for (cut = 1;; cut += step) {
		for (again = 1, twice = true; twice; again += step) {
			restore(&r, &c);
			weft_flash_cut_at(r.flash, cut, cut);
			seq->run(&r, &im);
			if (!weft_flash_is_off(r.flash))
				goto end;
			weft_flash_power_on(r.flash);
			rig_record(&r, &rec);
			memset(r.env.arg, 0, sizeof(r.env.arg));
			weft_flash_cut_at(r.flash, again, again);
			rig_reset(&r, false);
			if (!weft_flash_is_off(r.flash))
				seq->run(&r, &im);
			twice = weft_flash_is_off(r.flash);
			weft_flash_cut_at(r.flash, 0, 0); /* that did not come */
			check_start(&r, rec.counter);
			check_recovery(&r, seq, &im);
			cases++;
		}
	}
end:
	rig_free(&r);
}
END_TEST

/*
 * No power cut, but the host resets the adapter whenever the flash is about to be spoken to, by the ROM or by firmware. The
 * record is what it was, or the next; and a trial that was asked for is not lost by it.
 */
START_TEST(a_reset_may_come_at_any_time)
{
	static struct rig r;
	static struct content c;
	struct boot_record before, rec;
	static volatile uint64_t at;
	struct image im;

	begin(&r, 1);
	save(&r, &c);
	image_good(&im, NEW, 6);
	for (at = 1;; at += full_run ? 1 : 5) {
		restore(&r, &c);
		r.selects = 0;
		r.reset_at = at;
		if (!setjmp(r.reset_to)) {
			update(&r, &im);
			break;
		}
		rig_record(&r, &before);
		rig_reset(&r, false);
		rig_record(&r, &rec);
		ck_assert_msg(!rec.failed, "reset %u: trial failed, %u", (uint32_t)at, rec.why);
		ck_assert(before.trial ? r.choice.trial && rig_running(&r) == NEW :
					 !r.choice.trial && r.choice.slot);
		check_recovery(&r, &sequences[0], &im);
		cases++;
	}
	r.reset_at = 0;
	ck_assert_uint_gt(at, 1000);
	rig_free(&r);
}
END_TEST

Suite *power_suite(void)
{
	const int n = sizeof(sequences) / sizeof(sequences[0]);
	Suite *s = suite_create("power");
	TCase *tc = tcase_create("power");

	tcase_set_timeout(tc, 3600);
	tcase_add_loop_test(tc, power_may_fail_at_any_step, 0, n);
	tcase_add_loop_test(tc, power_may_fail_twice, 0, full_run ? n : 2);
	tcase_add_test(tc, a_reset_may_come_at_any_time);
	suite_add_tcase(s, tc);
	return s;
}
