/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "boot/rom/boot.h"
#include "lib/err.h"

/* One start. */
struct start {
	struct boot_env *env;
	struct boot_choice *out;
	struct record_log log;
	struct image_info info;                /* of the image looked at last */
	enum image_error error[SLOT_LAST + 1]; /* of those looked at */
	bool looked_at[SLOT_LAST + 1];
};

/* The TLV areas, as long as they say they are; image_tlvs() judges that. In two pieces, no byte twice. */
static enum image_error load_tlvs(struct boot_env *env, uint32_t slot, struct image_info *info)
{
	uint32_t at = slot_offset(slot) + info->tlv_offset, max = SLOT_SIZE - info->tlv_offset;
	uint32_t n = info->prot_len + IMAGE_AREA_HEAD, all;

	if (max > IMAGE_TLVS_MAX)
		max = IMAGE_TLVS_MAX;
	if (n > max)
		return IMAGE_TLV;
	if (nor_read(env->spi, at, env->tlvs, n))
		return IMAGE_READ;
	all = info->prot_len + image_area_len(env->tlvs + info->prot_len);
	if (all < n || all > max)
		return IMAGE_TLV;
	if (nor_read(env->spi, at + n, env->tlvs + n, all - n))
		return IMAGE_READ;
	return image_tlvs(env->tlvs, all, info);
}

/*
 * Copies slot's image: header and TLVs each to its place, the payload to imem. Nothing is read twice: what is checked is
 * what runs.
 */
static enum image_error load(struct boot_env *env, uint32_t slot, struct image_info *info)
{
	const struct nor_spi *spi = env->spi;
	uint32_t at = slot_offset(slot);
	enum image_error error;

	if (nor_read(spi, at, env->header, IMAGE_HEADER_SIZE))
		return IMAGE_READ;
	error = image_header(env->header, IMAGE_HEADER_SIZE, env->imem_len, SLOT_SIZE, info);
	if (error)
		return error;
	error = load_tlvs(env, slot, info);
	if (error)
		return error;
	if (nor_read(spi, at + IMAGE_HEADER_SIZE, env->header + IMAGE_HEADER_SIZE,
		     info->header_len - IMAGE_HEADER_SIZE) ||
	    nor_read(spi, at + info->header_len, env->imem, info->payload_len))
		return IMAGE_READ;
	/* Of an image that was looked at before nothing stays behind this one. */
	memset(env->imem + info->payload_len, 0, env->imem_len - info->payload_len);
	return IMAGE_SOUND;
}

static enum image_error look_at(struct start *s, uint32_t slot)
{
	struct image_rules rules = {
		.board = s->env->board,
		.counter = slot == SLOT_GOLDEN ? 0 : s->log.rec.counter,
	};
	enum image_error error = load(s->env, slot, &s->info);

	memcpy(rules.key_hash, s->env->key_hash, sizeof(rules.key_hash));
	if (!error)
		error = image_check(&s->info, &rules, s->env->crypto(s->env));
	s->error[slot] = error;
	s->looked_at[slot] = true;
	if (error)
		s->out->arg[0] |= BOOT_ARG0_PASSED(slot);
	return error;
}

/* Is it written? Otherwise firmware hears of it. */
static bool write(struct start *s, const struct boot_record *rec)
{
	if (!record_write(s->env->spi, &s->log, rec))
		return true;
	s->out->arg[0] |= BOOT_ARG0_NO_RECORD;
	return false;
}

static void fail_trial(struct start *s, uint32_t why)
{
	struct boot_record rec = s->log.rec;

	record_failed(&rec, why);
	write(s, &rec);
}

static void start_slot(struct start *s, uint32_t slot, bool trial)
{
	s->out->slot = slot;
	s->out->trial = trial;
	s->out->arg[0] |= slot | (trial ? BOOT_ARG0_TRIAL : 0);
	s->out->arg[2] = s->info.counter;
}

/*
 * Was this very trial running until now, and power there all the time? Then the host reset the adapter, which a driver does
 * when it opens and closes it: no fault of the image's. Power-up clears the arguments.
 */
static bool goes_on(const struct boot_env *env, uint32_t slot)
{
	const uint32_t mask = BOOT_ARG0_SLOT_MASK | BOOT_ARG0_TRIAL;

	return !env->watchdog_fired && env->arg[3] == BOOT_ARG3_MAGIC &&
	       (env->arg[0] & mask) == (slot | BOOT_ARG0_TRIAL);
}

static uint32_t why_over(const struct boot_env *env)
{
	if (env->watchdog_fired)
		return TRIAL_WATCHDOG;
	return env->arg[3] == BOOT_ARG3_TRAPPED ? TRIAL_TRAPPED : TRIAL_POWER;
}

/* Before the record says that it was tried: a reset that comes in between is none that ends the trial. */
static void announce_trial(struct start *s, uint32_t slot)
{
	const uint32_t arg[4] = { slot | BOOT_ARG0_TRIAL, s->log.rec.counter, 0, BOOT_ARG3_MAGIC };

	s->env->announce(s->env, arg);
}

/* Starts the slot on trial, if there is one and it may be. */
static bool try_trial(struct start *s)
{
	struct boot_record rec = s->log.rec;
	enum image_error error;

	if (!rec.trial)
		return false;
	if (rec.tried && !goes_on(s->env, rec.trial)) {
		fail_trial(s, why_over(s->env));
		return false;
	}
	if (!rec.tried) {
		announce_trial(s, rec.trial);
		record_tried(&rec);
		if (!write(s, &rec))
			return false;
	}
	error = look_at(s, rec.trial);
	if (error) {
		fail_trial(s, error);
		return false;
	}
	start_slot(s, rec.trial, true);
	return true;
}

/*
 * A slot whose trial failed is not started again without one; nor is one that waits for its trial. The golden image is
 * looked at once more by nobody.
 */
static bool try_slot(struct start *s, uint32_t slot)
{
	const struct boot_record *rec = &s->log.rec;

	if (!slot_valid(slot) || s->looked_at[slot])
		return false;
	if (slot != rec->active && (slot == rec->failed || slot == rec->trial))
		return false;
	if (look_at(s, slot))
		return false;
	start_slot(s, slot, false);
	return true;
}

static void choose(struct start *s)
{
	if (try_trial(s) || try_slot(s, s->log.rec.active) || try_slot(s, s->log.rec.previous) ||
	    try_slot(s, SLOT_A) || try_slot(s, SLOT_B) || try_slot(s, SLOT_GOLDEN))
		return;
	s->out->error = s->error[SLOT_GOLDEN];
}

void boot_choose(struct boot_env *env, struct boot_choice *out)
{
	struct start s = { .env = env, .out = out };

	memset(out, 0, sizeof(*out));
	out->arg[3] = BOOT_ARG3_MAGIC;
	if (env->watchdog_fired)
		out->arg[0] |= BOOT_ARG0_WATCHDOG;
	/* A reset does not stop the flash: what firmware had begun goes on. */
	if (nor_settle(env->spi) || nor_probe(env->spi, NULL) || record_read(env->spi, &s.log)) {
		out->error = IMAGE_READ;
		return;
	}
	choose(&s);
	out->arg[1] = s.log.rec.counter;
}
