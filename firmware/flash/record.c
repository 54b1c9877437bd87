/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "flash/record.h"
#include "lib/err.h"

#define SEQ_NONE UINT32_MAX

/* IEEE 802.3, reflected. By bits: a record is 28 bytes, and a table would be larger than this. */
static uint32_t crc32_ieee(const uint8_t *p, uint32_t len)
{
	uint32_t crc = UINT32_MAX, i;

	while (len--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static uint32_t record_crc(const struct boot_record *rec)
{
	return crc32_ieee((const uint8_t *)rec, __builtin_offsetof(struct boot_record, crc));
}

static bool a_or_b_or_none(uint8_t slot)
{
	return !slot || slot == SLOT_A || slot == SLOT_B;
}

bool record_valid(const struct boot_record *rec)
{
	return rec->magic == RECORD_MAGIC && rec->seq != SEQ_NONE && slot_valid(rec->active) &&
	       a_or_b_or_none(rec->previous) && a_or_b_or_none(rec->trial) &&
	       a_or_b_or_none(rec->failed) && rec->tried <= 1 && rec->crc == record_crc(rec);
}

void record_seal(struct boot_record *rec)
{
	rec->magic = RECORD_MAGIC;
	rec->crc = record_crc(rec);
}

static uint32_t place_addr(uint32_t sector, uint32_t place)
{
	return RECORD_OFFSET + sector * FLASH_SECTOR + place * RECORD_SIZE;
}

/* Before the first record. As if sector 1 was full: the first record goes to the start of sector 0, which is erased. */
static void none_yet(struct record_log *log)
{
	memset(log, 0, sizeof(*log));
	log->rec.active = SLOT_GOLDEN;
	log->sector = RECORD_SECTORS - 1;
	log->place = RECORD_PLACES - 1;
}

/* Most places are erased: the first word tells. */
static int read_place(const struct nor_spi *spi, uint32_t i, struct boot_record *rec)
{
	int err = nor_read(spi, place_addr(0, i), &rec->magic, sizeof(rec->magic));

	if (err || rec->magic != RECORD_MAGIC)
		return err;
	return nor_read(spi, place_addr(0, i), rec, sizeof(*rec));
}

int record_read(const struct nor_spi *spi, struct record_log *log)
{
	struct boot_record rec;
	uint32_t i;
	int err;

	none_yet(log);
	for (i = 0; i < RECORD_SECTORS * RECORD_PLACES; i++) {
		err = read_place(spi, i, &rec);
		if (err) {
			none_yet(log);
			return err;
		}
		if (!record_valid(&rec) || (log->valid && rec.seq <= log->rec.seq))
			continue;
		log->rec = rec;
		log->valid = true;
		log->sector = i / RECORD_PLACES;
		log->place = i % RECORD_PLACES;
	}
	return 0;
}

void record_write_start(struct record_write *w, struct record_log *log,
			const struct boot_record *rec)
{
	memset(w, 0, sizeof(*w));
	w->log = log;
	w->rec = *rec;
	w->rec.seq = log->valid ? log->rec.seq + 1 : 1;
	record_seal(&w->rec);
	w->sector = log->sector;
	w->place = log->place + 1;
	w->state = RECORD_FIND;
}

static bool is_erased(const struct boot_record *rec)
{
	const uint8_t *p = (const uint8_t *)rec;
	uint32_t i;

	for (i = 0; i < sizeof(*rec); i++)
		if (p[i] != 0xff)
			return false;
	return true;
}

/* The sector is used up: the other one, which does not hold the present record, is erased; once. */
static int next_sector(const struct nor_spi *spi, struct record_write *w)
{
	int err;

	if (w->erased)
		return EIO;
	w->erased = true;
	w->sector = (w->sector + 1) % RECORD_SECTORS;
	w->place = 0;
	err = nor_erase(spi, &w->op, place_addr(w->sector, 0));
	if (err)
		return err == EBUSY ? EIO : err;
	w->state = RECORD_ERASING;
	return EBUSY;
}

/* Programs the next place that is erased; one place is looked at in a step. */
static int find(const struct nor_spi *spi, struct record_write *w)
{
	uint32_t addr = place_addr(w->sector, w->place);
	struct boot_record old;
	int err;

	if (w->rec.seq == SEQ_NONE)
		return EIO;
	if (w->place >= RECORD_PLACES)
		return next_sector(spi, w);
	err = nor_read(spi, addr, &old, sizeof(old));
	if (!err && !is_erased(&old)) {
		w->place++;
		return EBUSY;
	}
	if (!err)
		err = nor_program(spi, &w->op, addr, &w->rec, sizeof(w->rec));
	if (err)
		return err == EBUSY ? EIO : err;
	w->state = RECORD_PROGRAMMING;
	return EBUSY;
}

static int read_back(const struct nor_spi *spi, struct record_write *w)
{
	struct boot_record now;
	int err = nor_read(spi, place_addr(w->sector, w->place), &now, sizeof(now));

	if (err)
		return err == EBUSY ? EIO : err;
	if (memcmp(&now, &w->rec, sizeof(now))) {
		w->place++;
		w->state = RECORD_FIND;
		return EBUSY;
	}
	w->log->rec = w->rec;
	w->log->valid = true;
	w->log->sector = w->sector;
	w->log->place = w->place;
	return 0;
}

int record_write_step(const struct nor_spi *spi, struct record_write *w)
{
	int err;

	if (w->state == RECORD_FIND)
		return find(spi, w);
	err = nor_poll(spi, &w->op);
	if (err)
		return err;
	if (w->state == RECORD_PROGRAMMING)
		return read_back(spi, w);
	w->state = RECORD_FIND;
	return EBUSY;
}

int record_write(const struct nor_spi *spi, struct record_log *log, const struct boot_record *rec)
{
	struct record_write w;
	int err;

	record_write_start(&w, log, rec);
	do
		err = record_write_step(spi, &w);
	while (err == EBUSY);
	return err;
}

void record_commit(struct boot_record *rec, uint32_t slot)
{
	rec->trial = (uint8_t)slot;
	rec->tried = 0;
	rec->failed = 0;
	rec->why = 0;
}

void record_tried(struct boot_record *rec)
{
	rec->tried = 1;
}

void record_failed(struct boot_record *rec, uint32_t why)
{
	rec->failed = rec->trial;
	rec->why = (uint8_t)why;
	rec->trial = 0;
	rec->tried = 0;
}

/* Of an image that was confirmed before, only the trial of another one ends. */
void record_confirm(struct boot_record *rec, uint32_t slot, uint32_t counter)
{
	if (rec->active != slot) {
		rec->previous = rec->active == SLOT_GOLDEN ? 0 : rec->active;
		rec->active = (uint8_t)slot;
	}
	rec->trial = 0;
	rec->tried = 0;
	if (rec->failed == slot) {
		rec->failed = 0;
		rec->why = 0;
	}
	if (rec->counter < counter)
		rec->counter = counter;
}

void record_spoilt(struct boot_record *rec, uint32_t slot)
{
	if (rec->previous == slot)
		rec->previous = 0;
	if (rec->trial == slot) {
		rec->trial = 0;
		rec->tried = 0;
	}
	if (rec->failed == slot) {
		rec->failed = 0;
		rec->why = 0;
	}
}
