/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of what the boot ROM reads: the input is the flash. Its first byte says how the rest is spread: as an image in
 * memory; as images in slots and a record log, started by the ROM's logic with a signature that is always right, so that
 * the way behind it is looked at too. Checked besides the sanitizers: what the checker says of an image lies within it, and
 * what the ROM starts is in the flash it was given.
 */
#include <stdlib.h>
#include <string.h>

#include "boot/rom/boot.h"
#include "lib/bytes.h"
#include "model/flash.h"

#define IMEM 2048u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(cond)               \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static struct weft_flash *flash;
static uint64_t now;

static void spi_select(void *ctx, bool on)
{
	(void)ctx;
	weft_flash_select(flash, on, now += 400);
}

static uint8_t spi_byte(void *ctx, uint8_t out)
{
	(void)ctx;
	return weft_flash_exchange(flash, out, now += 400);
}

static uint32_t spi_time(void *ctx)
{
	(void)ctx;
	return (uint32_t)now;
}

static const struct nor_spi spi = { .select = spi_select, .byte = spi_byte, .time_ns = spi_time };

/* The key hash is of a key with these bytes; anything hashes to the digest that the image has. */
static const struct image_info *looked_at;

static void any_hash(void *ctx, const uint8_t *p, size_t len, uint8_t out[IMAGE_HASH_LEN])
{
	(void)ctx;
	must(len == IMAGE_PUBKEY_LEN);
	memset(out, p[0] == 0x30 ? 0 : 1, IMAGE_HASH_LEN);
}

static void any_digest(void *ctx, const struct image_info *info, uint8_t out[IMAGE_HASH_LEN])
{
	(void)ctx;
	looked_at = info;
	memcpy(out, info->sha256, IMAGE_HASH_LEN);
}

static bool any_signature(void *ctx, const uint8_t sig[IMAGE_SIG_LEN],
			  const uint8_t digest[IMAGE_HASH_LEN], const uint8_t key[IMAGE_KEY_LEN])
{
	(void)ctx;
	return sig[0] != digest[0] || key[0] != 1;
}

static const struct image_crypto crypto = { .hash = any_hash,
					    .digest = any_digest,
					    .verify = any_signature };

static const struct image_crypto *any_crypto(struct boot_env *env)
{
	(void)env;
	return &crypto;
}

static void announce(struct boot_env *env, const uint32_t arg[4])
{
	memcpy(env->arg, arg, sizeof(env->arg));
}

static bool within(const uint8_t *p, uint32_t n, const uint8_t *area, uint32_t len)
{
	return p >= area && n <= len && p + n <= area + len;
}

static void image_in_memory(const uint8_t *p, size_t len)
{
	struct image_rules rules = { .board = 7, .counter = 1 };
	struct image_info info;
	const uint8_t *tlvs;

	if (image_header(p, len, IMEM, SLOT_SIZE, &info) || info.tlv_offset > len)
		return;
	tlvs = p + info.tlv_offset;
	if (image_tlvs(tlvs, len - info.tlv_offset, &info))
		return;
	must(info.total_len <= len && info.tlv_len <= IMAGE_TLVS_MAX);
	must(within(info.sha256, IMAGE_HASH_LEN, tlvs, info.tlv_len));
	must(within(info.pubkey, IMAGE_PUBKEY_LEN, tlvs, info.tlv_len));
	must(within(info.sig, IMAGE_SIG_LEN, tlvs, info.tlv_len));
	must(!info.keyhash || within(info.keyhash, IMAGE_HASH_LEN, tlvs, info.tlv_len));
	must(info.sha256 >= tlvs + info.prot_len && info.sig >= tlvs + info.prot_len);
	must(image_check(&info, &rules, NULL) < IMAGE_ERRORS);
	if (!image_check(&info, &rules, &crypto))
		must(info.board == 7 && info.counter >= 1);
}

/* Wherever a record stands that has the magic, its checksum is made right, so that its fields are looked at. */
static void put_records(const uint8_t *p, size_t len)
{
	uint8_t *to = weft_flash_data(flash) + RECORD_OFFSET;
	struct boot_record rec;
	size_t i;

	memcpy(to, p, len);
	for (i = 0; i + RECORD_SIZE <= len; i += RECORD_SIZE) {
		memcpy(&rec, to + i, sizeof(rec));
		if (rec.magic == RECORD_MAGIC && !rec.rsvd0) {
			record_seal(&rec);
			memcpy(to + i, &rec, sizeof(rec));
		}
	}
}

static void started_is_from_the_flash(const struct boot_choice *c, const uint8_t *imem)
{
	const uint8_t *at;
	uint32_t header, len;

	if (!c->slot) {
		must(c->error && c->error < IMAGE_ERRORS);
		return;
	}
	must(slot_valid(c->slot) && looked_at);
	at = weft_flash_data(flash) + slot_offset(c->slot);
	header = get_le16(at + 8);
	len = get_le32(at + 12);
	must(len && len <= IMEM && !memcmp(imem, at + header, len));
	must(!c->trial || c->slot != SLOT_GOLDEN);
}

static void start(const uint8_t *p, size_t len)
{
	static uint8_t imem[IMEM], header[IMAGE_HEADER_MAX], tlvs[IMAGE_TLVS_MAX];
	struct boot_env env = { .spi = &spi,
				.crypto = any_crypto,
				.announce = announce,
				.imem = imem,
				.imem_len = sizeof(imem),
				.header = header,
				.tlvs = tlvs,
				.board = 7 };
	uint8_t *to = weft_flash_data(flash);
	size_t records = len < 256 ? len : 256, image;
	struct boot_choice choice;
	struct record_log log;
	uint32_t slot;

	memset(to + RECORD_OFFSET, 0xff, RECORD_SECTORS * FLASH_SECTOR);
	put_records(p, records);
	image = (len - records) / 3;
	for (slot = SLOT_FIRST; slot <= SLOT_LAST; slot++) {
		memset(to + slot_offset(slot), 0xff, FLASH_SECTOR);
		memcpy(to + slot_offset(slot), p + records + (slot - 1) * image, image);
	}
	env.watchdog_fired = len & 1;
	looked_at = NULL;
	boot_choose(&env, &choice);
	started_is_from_the_flash(&choice, imem);
	/* What the ROM leaves can be read again, and no trial waits that was started. */
	must(!record_read(&spi, &log));
	must(!log.rec.trial || choice.trial || (choice.arg[0] & BOOT_ARG0_NO_RECORD));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct weft_flash_config config = { .at_once = true };

	if (!flash)
		must(!weft_flash_open(&flash, &config));
	if (!size)
		return 0;
	if (data[0] & 1)
		start(data + 1, size - 1);
	else
		image_in_memory(data + 1, size - 1);
	return 0;
}
