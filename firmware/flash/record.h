/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot record: what ROM and firmware have to remember from one start to the next, a log of records of 32 bytes in two
 * sectors of the flash (docs/boot.md). The valid record with the highest sequence number holds. Power may fail at any
 * step of a write: the old record holds, or the new one.
 *
 * Errors are positive errno, as in nor.h.
 */
#ifndef FLASH_RECORD_H
#define FLASH_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "flash/layout.h"
#include "flash/nor.h"

#define RECORD_MAGIC 0x54454257u

/* As it stands in the flash; little-endian, as are both processors that read it. */
struct boot_record {
	uint32_t magic;
	uint32_t seq;     /* one more with each record; 0xffffffff is none */
	uint8_t active;   /* slot that was confirmed last; SLOT_GOLDEN: none yet */
	uint8_t previous; /* slot confirmed before that, or 0 */
	uint8_t trial;    /* slot to be tried, or 0 */
	uint8_t tried;    /* 1: the ROM has started it */
	uint8_t failed;   /* slot of the last trial that failed, or 0 */
	uint8_t why;      /* enum image_error or TRIAL_ */
	uint16_t rsvd0;
	uint32_t counter; /* images in A and B need at least this one */
	uint32_t rsvd1[2];
	uint32_t crc; /* CRC-32 of the bytes before */
};
_Static_assert(sizeof(struct boot_record) == RECORD_SIZE, "boot record");
_Static_assert(__builtin_offsetof(struct boot_record, counter) == 16, "boot record");
_Static_assert(__builtin_offsetof(struct boot_record, crc) == 28, "boot record");

/* The record that holds, and where it stands. */
struct record_log {
	struct boot_record rec; /* without one in the flash: active SLOT_GOLDEN, all else 0 */
	bool valid;             /* there is one in the flash */
	uint32_t sector;        /* 0, 1 */
	uint32_t place;         /* in the sector */
};

/* Is it one that record_write could have written? */
bool record_valid(const struct boot_record *rec);
/* Sets magic and crc. */
void record_seal(struct boot_record *rec);

/* Finds the record that holds. EIO, EBUSY: *log is as if there was none. */
int record_read(const struct nor_spi *spi, struct record_log *log);

/*
 * Writing a record, in steps that do not wait for the flash:
 *
 *	record_write_start(&w, &log, &rec);
 *	do
 *		err = record_write_step(spi, &w);	// between two calls: whatever else there is to do
 *	while (err == EBUSY);
 *
 * When err is 0 the new record was read back and holds, and *log has it; else the old one holds. Nobody else may use the
 * flash meanwhile. Sequence number, magic and crc are set here; rec is copied.
 */
struct record_write {
	struct record_log *log;
	struct boot_record rec;
	struct nor_op op;
	uint32_t sector, place; /* the next place to look at */
	enum { RECORD_FIND, RECORD_ERASING, RECORD_PROGRAMMING } state;
	bool erased; /* the other sector was: there is no third */
};
void record_write_start(struct record_write *w, struct record_log *log,
			const struct boot_record *rec);
int record_write_step(const struct nor_spi *spi, struct record_write *w);
/* Both at once, for who may wait. */
int record_write(const struct nor_spi *spi, struct record_log *log, const struct boot_record *rec);

/*
 * What happens to a record; each changes *rec alone, for record_write.
 *   commit   slot is to be tried at the next start
 *   tried    its trial is started
 *   failed   the trial is over: why is an enum image_error or TRIAL_
 *   confirm  the image in slot, whose security counter this is, is good
 *   spoilt   the content of slot is about to be overwritten
 */
void record_commit(struct boot_record *rec, uint32_t slot);
void record_tried(struct boot_record *rec);
void record_failed(struct boot_record *rec, uint32_t why);
void record_confirm(struct boot_record *rec, uint32_t slot, uint32_t counter);
void record_spoilt(struct boot_record *rec, uint32_t slot);

#endif
