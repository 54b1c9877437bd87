/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "host/qp.h"
#include "lib/bytes.h"
#include "main.h"

#define TURN_NS 5000u

struct weft_flash *chip;
static uint16_t next_cid;
static uint32_t looked_from; /* completions before this one are of an earlier life */

static void chip_select(void *ctx, bool on, uint64_t now_ns)
{
	weft_flash_select(ctx, on, now_ns);
}

static uint8_t chip_exchange(void *ctx, uint8_t out, uint64_t now_ns)
{
	return weft_flash_exchange(ctx, out, now_ns);
}

void rig_new(void)
{
	const struct weft_flash_config cfg = { .protect_size = SLOT_SIZE,
					       .program_ns = 30000,
					       .erase_ns = 200000 };
	struct fake_flash f = { .select = chip_select, .exchange = chip_exchange };

	ck_assert_int_eq(weft_flash_open(&chip, &cfg), 0);
	f.ctx = chip;
	fake_flash_attach(&f);
	memset(&fake_boot, 0, sizeof(fake_boot));
	fake_boot.board = BOARD;
	for (int i = 0; i < 32; i++)
		fake_boot.key_hash[i] = (uint8_t)(i * 7 + 1);
}

void rig_end(void)
{
	fake_flash_attach(NULL);
	weft_flash_close(chip);
	chip = NULL;
}

static void run_some(uint32_t n)
{
	while (n--) {
		while (fw_turn())
			;
		fake_advance(TURN_NS);
	}
}

void power_up(uint32_t slot, uint32_t flags, uint32_t counter)
{
	/* base addresses of the rings do not matter to the model; 64 and 128 entries */
	const uint32_t regs[6] = { 0x1000, 0, 0x8000, 0, 6 | 7 << 8, 1 };
	uint64_t now = hal_now_ns();

	fake_reset();
	fake_advance(now); /* the flash's clock does not go back */
	fake_boot.status = slot ? ENG_BOOT_STATUS_ROM_MASK : 0;
	fake_boot.arg[0] = slot | flags;
	fake_boot.arg[2] = counter;
	fake_boot.arg[3] = slot ? BOOT_ARG3_MAGIC : 0;
	ck_assert(fw_init());
	fake_admin_enable(regs);
	run_some(3);
	next_cid = 0;
	looked_from = fake_cpl_count;
}

/* --- images ------------------------------------------------------------------------------------------------------------- */

static uint8_t *tlv(uint8_t *p, uint16_t type, const void *value, uint16_t len)
{
	put_le16(p, type);
	put_le16(p + 2, len);
	memcpy(p + 4, value, len);
	return p + 4 + len;
}

static uint8_t *unprotected(uint8_t *p, const struct maker *m)
{
	static const uint8_t spki[12] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
					  0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
	uint8_t value[64] = { 0 }, *info = p;

	p = tlv(p + 4, TLV_SHA256, value, 32);
	memcpy(value, fake_boot.key_hash, 32);
	value[0] ^= m->key;
	p = tlv(p, TLV_KEYHASH, value, 32);
	memcpy(value, spki, sizeof(spki));
	p = tlv(p, TLV_PUBKEY, value, 44);
	if (!m->no_signature)
		p = tlv(p, TLV_ED25519, value, 64);
	put_le16(info, TLV_INFO_MAGIC);
	put_le16(info + 2, (uint32_t)(p - info));
	return p;
}

uint32_t make_image(uint8_t *to, const struct maker *m)
{
	uint32_t payload = m->payload ? m->payload : 5000, v;
	uint8_t *p = to + 32;

	memset(to, 0, 32);
	put_le32(to, IMAGE_MAGIC);
	put_le16(to + 8, 32);
	put_le16(to + 10, 4 + 8 + 8);
	put_le32(to + 12, payload);
	put_le32(to + 16, IMAGE_F_RAM_LOAD);
	to[20] = 1;
	to[21] = m->minor;
	put_le16(to + 22, 0x304);
	put_le32(to + 24, 99);
	for (uint32_t i = 0; i < payload; i++)
		*p++ = (uint8_t)(i * 13 + (i >> 8) + m->minor);
	put_le16(p, TLV_PROT_MAGIC);
	put_le16(p + 2, 4 + 8 + 8);
	v = m->counter ? m->counter : 1;
	p = tlv(p + 4, TLV_COUNTER, &v, 4);
	v = m->board ? m->board : BOARD;
	p = tlv(p, TLV_BOARD, &v, 4);
	return (uint32_t)(unprotected(p, m) - to);
}

void put_image(uint32_t slot, const struct maker *m)
{
	uint8_t *at = weft_flash_data(chip) + slot_offset(slot);

	memset(at, 0xff, SLOT_SIZE);
	make_image(at, m);
}

void put_record(const struct boot_record *rec)
{
	struct boot_record r = *rec;

	r.seq = r.seq ? r.seq : 1;
	record_seal(&r);
	memset(weft_flash_data(chip) + RECORD_OFFSET, 0xff, RECORD_SECTORS * FLASH_SECTOR);
	memcpy(weft_flash_data(chip) + RECORD_OFFSET, &r, sizeof(r));
}

struct boot_record present_record(void)
{
	const uint8_t *p = weft_flash_data(chip) + RECORD_OFFSET;
	struct boot_record best = { 0 }, r;

	for (uint32_t i = 0; i < RECORD_SECTORS * RECORD_PLACES; i++) {
		memcpy(&r, p + i * RECORD_SIZE, sizeof(r));
		if (record_valid(&r) && r.seq > best.seq)
			best = r;
	}
	return best;
}

/* --- admin entries -------------------------------------------------------------------------------------------------------- */

uint16_t begin(uint8_t opcode, const void *args, uint32_t len)
{
	struct weft_sq_entry entry = { .opcode = opcode };
	struct weft_admin_entry *e = (void *)&entry;
	uint16_t cid = next_cid++ % QP_ADMIN_SLOTS;

	e->cid = cid;
	memcpy(e->args, args, len);
	looked_from = fake_cpl_count > FAKE_CPL_MAX - 200 ? (fake_cpl_count = 0) : looked_from;
	for (uint32_t i = looked_from; i < fake_cpl_count; i++)
		if (fake_cpl[i].cid == cid)
			fake_cpl[i].cid = 0xffff; /* of an earlier entry */
	fake_submit(0, cid, &entry);
	return cid;
}

const struct hal_cpl *result(uint16_t cid)
{
	for (uint32_t i = looked_from; i < fake_cpl_count; i++)
		if (fake_cpl[i].type == WEFT_CQT_ADMIN && fake_cpl[i].cid == cid)
			return &fake_cpl[i];
	return NULL;
}

void turns(uint32_t n)
{
	run_some(n);
}

const struct hal_cpl *finish(uint16_t cid)
{
	for (uint32_t i = 0; i < 1000000 && !result(cid); i++)
		run_some(1);
	ck_assert_ptr_nonnull(result(cid));
	return result(cid);
}

const struct hal_cpl *fw_op(uint8_t opcode, uint8_t slot, uint8_t action, uint32_t offset,
			    uint16_t len)
{
	const struct weft_arg_fw a = {
		.slot = slot, .action = action, .offset = offset, .len = len
	};

	return finish(begin(opcode, &a, sizeof(a)));
}

uint16_t piece(uint8_t slot, uint32_t id, const uint8_t *image, uint32_t offset, uint32_t len,
	       bool last)
{
	struct weft_arg_fw_download a = { .slot = slot,
					  .len = (uint8_t)len,
					  .offset = offset,
					  .session = id,
					  .flags = last ? WEFT_FWF_LAST : 0 };

	if (len <= sizeof(a.data))
		memcpy(a.data, image + offset, len);
	return begin(WEFT_OP_FW_DOWNLOAD, &a, sizeof(a));
}

const struct hal_cpl *download(uint8_t slot, uint32_t id, const uint8_t *image, uint32_t len)
{
	const struct hal_cpl *c = NULL;
	uint32_t n;

	for (uint32_t at = 0; at < len; at += n) {
		n = len - at < WEFT_FW_CHUNK ? len - at : WEFT_FW_CHUNK;
		c = finish(piece(slot, id, image, at, n, at + n == len));
		if (c->status)
			break;
	}
	return c;
}
