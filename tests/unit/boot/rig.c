/* SPDX-License-Identifier: BSD-2-Clause */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "rig.h"

#define NS_PER_BYTE 400u

static const uint8_t spki_head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				     0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

struct keys {
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	uint8_t spki[IMAGE_PUBKEY_LEN];
	uint8_t hash[IMAGE_HASH_LEN];
};

static const struct keys *keys(bool other)
{
	static struct keys k[2];
	static bool made;
	uint8_t seed[crypto_sign_SEEDBYTES];
	uint32_t i;

	for (i = 0; i < 2 && !made; i++) {
		memset(seed, (int)i + 1, sizeof(seed));
		memcpy(k[i].spki, spki_head, sizeof(spki_head));
		crypto_sign_seed_keypair(k[i].spki + sizeof(spki_head), k[i].secret, seed);
		crypto_hash_sha256(k[i].hash, k[i].spki, sizeof(k[i].spki));
	}
	made = true;
	return &k[other];
}

const uint8_t *image_key_hash(void)
{
	return keys(false)->hash;
}

static void put(struct image *im, const void *p, uint32_t len)
{
	ck_assert_uint_le(im->len + len, sizeof(im->bytes));
	memcpy(im->bytes + im->len, p, len);
	im->len += len;
}

static void put_tlv(struct image *im, uint32_t type, const void *p, uint32_t len)
{
	uint8_t head[4];

	put_le16(head, type);
	put_le16(head + 2, len);
	put(im, head, sizeof(head));
	put(im, p, len);
}

/* What each TLV of an image holds. */
struct value {
	uint32_t type, len;
	uint8_t bytes[IMAGE_SIG_LEN];
};

static void put_spec(struct image *im, const struct image_spec *spec, const struct value *v,
		     uint32_t which)
{
	uint32_t len = v[which].len - (spec->cut >> which & 1 ? spec->short_by : 0);

	if (spec->skip >> which & 1)
		return;
	put_tlv(im, v[which].type, v[which].bytes, len);
	if (spec->twice >> which & 1)
		put_tlv(im, v[which].type, v[which].bytes, len);
}

static uint32_t open_area(struct image *im, uint32_t magic)
{
	uint8_t info[4] = { 0 };
	uint32_t at = im->len;

	put_le16(info, magic);
	put(im, info, sizeof(info));
	return at;
}

static void close_area(struct image *im, uint32_t at)
{
	put_le16(im->bytes + at + 2, im->len - at);
}

static void put_protected(struct image *im, const struct image_spec *spec, const struct value *v)
{
	uint32_t at = open_area(im, TLV_PROT_MAGIC), i;

	for (i = SPEC_COUNTER; i <= SPEC_SIG; i++)
		if ((i <= SPEC_BOARD) != (bool)(spec->elsewhere >> i & 1))
			put_spec(im, spec, v, i);
	if (spec->unknown_prot)
		put_tlv(im, 0x1234, "what?", 5);
	close_area(im, at);
	put_le16(im->bytes + 10, im->len - at);
}

static void put_unprotected(struct image *im, const struct image_spec *spec, const struct value *v)
{
	uint32_t at = open_area(im, TLV_INFO_MAGIC), i;

	for (i = SPEC_COUNTER; i <= SPEC_SIG; i++)
		if ((i > SPEC_BOARD) != (bool)(spec->elsewhere >> i & 1))
			put_spec(im, spec, v, i);
	if (spec->unknown_unprot)
		put_tlv(im, 0x1234, "what?", 5);
	close_area(im, at);
}

static void put_payload(struct image *im, const struct image_spec *spec)
{
	uint32_t header_len = spec->header_len ? spec->header_len : IMAGE_HEADER_SIZE;
	uint32_t payload_len = spec->payload_len ? spec->payload_len : 64, i;
	uint8_t h[IMAGE_HEADER_SIZE] = { 0 };

	put_le32(h, IMAGE_MAGIC);
	put_le32(h + 4, spec->load_addr);
	put_le16(h + 8, header_len);
	put_le32(h + 12, payload_len);
	put_le32(h + 16, spec->flags);
	put_le32(h + 24, spec->version);
	put(im, h, sizeof(h));
	for (i = sizeof(h); i < header_len; i++)
		put(im, "\x5a", 1);
	if (spec->payload) {
		put(im, spec->payload, payload_len);
		return;
	}
	for (i = 0; i < payload_len; i += 4) {
		put_le32(h, spec->version);
		put(im, h, payload_len - i < 4 ? payload_len - i : 4);
	}
}

void image_make(struct image *im, const struct image_spec *spec)
{
	const struct keys *k = keys(spec->other_key);
	struct value v[] = {
		{ TLV_COUNTER, 4, { 0 } },
		{ TLV_BOARD, 4, { 0 } },
		{ TLV_SHA256, 32, { 0 } },
		{ TLV_KEYHASH, 32, { 0 } },
		{ TLV_PUBKEY, IMAGE_PUBKEY_LEN, { 0 } },
		{ TLV_ED25519, 64, { 0 } },
	};

	im->len = 0;
	put_le32(v[SPEC_COUNTER].bytes, spec->counter);
	put_le32(v[SPEC_BOARD].bytes, spec->board);
	memcpy(v[SPEC_KEYHASH].bytes, k->hash, 32);
	memcpy(v[SPEC_PUBKEY].bytes, k->spki, IMAGE_PUBKEY_LEN);
	if (spec->bad_spki)
		v[SPEC_PUBKEY].bytes[8] ^= 1;
	put_payload(im, spec);
	put_protected(im, spec, v);
	crypto_hash_sha256(v[SPEC_SHA].bytes, im->bytes, im->len);
	crypto_sign_detached(v[SPEC_SIG].bytes, NULL, v[SPEC_SHA].bytes, 32, k->secret);
	put_unprotected(im, spec, v);
}

void image_good(struct image *im, uint32_t version, uint32_t counter)
{
	struct image_spec spec = { .version = version,
				   .counter = counter,
				   .board = RIG_BOARD,
				   .flags = IMAGE_F_RAM_LOAD };

	image_make(im, &spec);
}

/* The ROM's cryptography works on an env: one whose memories are parts of the image. */
enum image_error image_look(const uint8_t *p, uint32_t len, uint32_t counter)
{
	struct image_rules rules = { .board = RIG_BOARD, .counter = counter };
	struct boot_env env = { .header = (uint8_t *)p };
	struct image_info info;
	enum image_error error = image_header(p, len, RIG_IMEM, SLOT_SIZE, &info);

	if (error)
		return error;
	if (info.tlv_offset > len)
		return IMAGE_TLV;
	error = image_tlvs(p + info.tlv_offset, len - info.tlv_offset, &info);
	if (error)
		return error;
	env.imem = env.header + info.header_len;
	env.tlvs = env.header + info.tlv_offset;
	memcpy(rules.key_hash, keys(false)->hash, sizeof(rules.key_hash));
	return image_check(&info, &rules, boot_crypto(&env));
}

static void rig_select(void *ctx, bool on)
{
	struct rig *r = ctx;
	uint64_t steps = weft_flash_steps(r->flash);
	struct boot_record rec;

	if (on && ++r->selects == r->reset_at) {
		r->reset_at = 0;
		longjmp(r->reset_to, 1);
	}
	weft_flash_select(r->flash, on, r->now += NS_PER_BYTE);
	if (!r->tracing || weft_flash_steps(r->flash) == steps)
		return;
	rig_record(r, &rec);
	if (rec.seq == r->history[r->n_history - 1].rec.seq)
		return;
	ck_assert_uint_lt(r->n_history, RIG_HISTORY);
	r->history[r->n_history].steps = weft_flash_steps(r->flash);
	r->history[r->n_history++].rec = rec;
}

static uint8_t rig_byte(void *ctx, uint8_t out)
{
	struct rig *r = ctx;

	return weft_flash_exchange(r->flash, out, r->now += NS_PER_BYTE);
}

static void rig_fill(void *ctx, uint8_t *to, uint32_t n)
{
	struct rig *r = ctx;

	while (n--)
		*to++ = weft_flash_exchange(r->flash, 0, r->now += NS_PER_BYTE);
}

static uint32_t rig_time(void *ctx)
{
	return (uint32_t)((struct rig *)ctx)->now;
}

/* A megabyte anew for each case would be most of the time: the flash goes from rig to rig. */
static struct weft_flash *spare;

static void as_new(struct weft_flash *f)
{
	uint8_t *p = weft_flash_data(f);
	uint32_t slot;

	for (slot = SLOT_FIRST; slot <= SLOT_LAST; slot++)
		memset(p + slot_offset(slot), 0xff, RIG_IMAGE_MAX);
	memset(p + RECORD_OFFSET, 0xff, RECORD_SECTORS * FLASH_SECTOR);
	weft_flash_power_on(f);
	weft_flash_steps_reset(f);
	weft_flash_dead(f, false);
	weft_flash_fail_erase(f, false);
	weft_flash_fail_program(f, false);
}

static void announce(struct boot_env *env, const uint32_t arg[4])
{
	memcpy(env->arg, arg, sizeof(env->arg));
}

void rig_init(struct rig *r)
{
	struct weft_flash_config config = { .protect_size = SLOT_SIZE, .at_once = true };

	memset(r, 0, sizeof(*r));
	if (spare) {
		r->flash = spare;
		spare = NULL;
		as_new(r->flash);
	} else {
		ck_assert_int_eq(weft_flash_open(&r->flash, &config), 0);
	}
	r->spi.ctx = r;
	r->spi.select = rig_select;
	r->spi.byte = rig_byte;
	r->spi.fill = rig_fill;
	r->spi.time_ns = rig_time;
	r->env.spi = &r->spi;
	r->env.crypto = boot_crypto;
	r->env.announce = announce;
	r->env.imem = r->imem;
	r->env.imem_len = sizeof(r->imem);
	r->env.header = r->header;
	r->env.tlvs = r->tlvs;
	r->env.board = RIG_BOARD;
	memcpy(r->env.key_hash, keys(false)->hash, sizeof(r->env.key_hash));
}

/* For tests that want another flash. */
void rig_open(struct rig *r, const struct weft_flash_config *config)
{
	rig_free(r);
	ck_assert_int_eq(weft_flash_open(&r->flash, config), 0);
	r->own_flash = true;
}

void rig_free(struct rig *r)
{
	if (!r->own_flash && !spare)
		spare = r->flash;
	else
		weft_flash_close(r->flash);
}

void rig_end(void)
{
	weft_flash_close(spare);
}

void rig_put(struct rig *r, uint32_t slot, const struct image *im)
{
	rig_erase_slot(r, slot);
	memcpy(weft_flash_data(r->flash) + slot_offset(slot), im->bytes, im->len);
}

void rig_erase_slot(struct rig *r, uint32_t slot)
{
	memset(weft_flash_data(r->flash) + slot_offset(slot), 0xff, RIG_IMAGE_MAX);
}

void rig_record(const struct rig *r, struct boot_record *rec)
{
	const uint8_t *p = weft_flash_data(r->flash) + RECORD_OFFSET;
	struct boot_record one;
	bool any = false;
	uint32_t i;

	memset(rec, 0, sizeof(*rec));
	rec->active = SLOT_GOLDEN;
	for (i = 0; i < RECORD_SECTORS * RECORD_PLACES; i++) {
		if (get_le32(p + i * RECORD_SIZE) != RECORD_MAGIC)
			continue;
		memcpy(&one, p + i * RECORD_SIZE, sizeof(one));
		if (!record_valid(&one) || (any && one.seq < rec->seq))
			continue;
		*rec = one;
		any = true;
	}
}

int rig_set_record(struct rig *r, const struct boot_record *rec)
{
	struct record_log log;
	int err = record_read(&r->spi, &log);

	return err ? err : record_write(&r->spi, &log, rec);
}

static uint32_t start(struct rig *r, bool watchdog)
{
	r->env.watchdog_fired = watchdog;
	memset(r->imem, 0xee, sizeof(r->imem));
	boot_choose(&r->env, &r->choice);
	memcpy(r->env.arg, r->choice.arg, sizeof(r->env.arg));
	return r->choice.slot;
}

uint32_t rig_power_up(struct rig *r)
{
	if (weft_flash_is_off(r->flash))
		weft_flash_power_on(r->flash);
	memset(r->env.arg, 0, sizeof(r->env.arg));
	return start(r, false);
}

uint32_t rig_reset(struct rig *r, bool watchdog)
{
	return start(r, watchdog);
}

uint32_t rig_running(const struct rig *r)
{
	bool whole = true;
	uint32_t i;

	if (!r->choice.slot)
		return 0;
	/* One assertion, as each costs a system call. */
	for (i = 0; whole && i < sizeof(r->imem); i += 4)
		whole = get_le32(r->imem + i) == (i < 64 ? get_le32(r->imem) : 0);
	ck_assert_msg(whole, "what was started is no whole image from byte %u on", i - 4);
	return get_le32(r->imem);
}

static int erase_write(struct rig *r, uint32_t addr, const struct image *im)
{
	struct nor_op op;
	uint32_t pos, n;

	for (pos = 0; pos < im->len; pos += FLASH_SECTOR)
		if (nor_erase(&r->spi, &op, addr + pos) || nor_wait(&r->spi, &op))
			return EIO;
	for (pos = 0; pos < im->len; pos += n) {
		n = im->len - pos < FLASH_PAGE ? im->len - pos : FLASH_PAGE;
		if (nor_program(&r->spi, &op, addr + pos, im->bytes + pos, n) ||
		    nor_wait(&r->spi, &op))
			return EIO;
	}
	return 0;
}

int rig_download(struct rig *r, uint32_t slot, const struct image *im)
{
	struct record_log log;
	struct boot_record rec;

	if (record_read(&r->spi, &log))
		return EIO;
	rec = log.rec;
	record_spoilt(&rec, slot);
	if (memcmp(&rec, &log.rec, sizeof(rec)) && record_write(&r->spi, &log, &rec))
		return EIO;
	return erase_write(r, slot_offset(slot), im);
}

int rig_commit(struct rig *r, uint32_t slot)
{
	struct record_log log;
	struct boot_record rec;

	if (record_read(&r->spi, &log))
		return EIO;
	rec = log.rec;
	record_commit(&rec, slot);
	return record_write(&r->spi, &log, &rec) ? EIO : 0;
}

int rig_confirm(struct rig *r)
{
	struct record_log log;
	struct boot_record rec;

	if (!(r->env.arg[0] & BOOT_ARG0_TRIAL) || record_read(&r->spi, &log))
		return EIO;
	rec = log.rec;
	record_confirm(&rec, r->env.arg[0] & BOOT_ARG0_SLOT_MASK, r->env.arg[2]);
	return record_write(&r->spi, &log, &rec) ? EIO : 0;
}
