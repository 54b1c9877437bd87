/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the flash service share. */
#ifndef FLASH_SERVICE_INT_H
#define FLASH_SERVICE_INT_H

#include "flash/image.h"
#include "flash/record.h"
#include "hal_flash.h"
#include "lib/err.h"

/* A step's answer when there is more to do. */
#define AGAIN 0xffffu
#define FLASH_POLL_NS 50000u   /* between two looks at a flash that programs a page, */
#define FLASH_ERASE_NS 500000u /* and at one that erases a sector */
#define FLASH_PIECE 256u       /* bytes read in a step */

extern const struct nor_spi flash_spi;

/* The entry being worked on. */
struct flash_job {
	uint16_t slot; /* ENG_NO_SLOT: nobody waits for it any more */
	uint8_t opcode;
	uint8_t stage;    /* of the opcode's step function */
	uint32_t wait_ns; /* before the next step makes sense */
	uint32_t dw[3];   /* of the completion */
	union {
		struct weft_arg_fw fw;
		struct weft_arg_fw_download piece;
	} a;
};
extern struct flash_job job;

/* What is known of the adapter's boot. */
struct flash_boot {
	struct record_log log;
	uint8_t running; /* slot, 0: not from the flash */
	uint8_t passed;  /* bit n: the ROM passed over slot n as unsound */
	bool trial;      /* what runs waits to be confirmed */
	bool watchdog;
	bool no_record;
	bool rom;
	uint32_t counter; /* of the image that runs */
};
extern struct flash_boot boot;

/* Who writes, and how far it is. */
struct flash_session {
	uint32_t id; /* 0: nobody */
	uint8_t slot;
	bool orphan;  /* its host is gone: anybody may begin anew */
	bool flushed; /* what did not fill a page is in the flash */
	uint32_t pos; /* bytes taken */
	uint32_t first_len;
	uint8_t first[FLASH_PAGE]; /* goes into the flash last: the header makes an image valid */
	uint8_t page[FLASH_PAGE];  /* the one that is being filled */
};
extern struct flash_session session;

/* service.c: result of a step that waits for the flash. */
static inline uint16_t flash_later(uint32_t ns)
{
	job.wait_ns = ns;
	return AGAIN;
}

/* look.c: header and TLVs of what stands in a slot, piece by piece. Its first bytes come from the session when it writes there. */
void look_start(uint32_t slot);
uint16_t look_step(void); /* AGAIN, or 0: look_info and look_error are there */
extern struct image_info look_info;
extern enum image_error look_error;

/* trial.c */
void trial_init(void);
void trial_write(const struct boot_record *rec); /* starts; then */
uint16_t trial_write_step(void);                 /* AGAIN, 0, or EIO with dw0 */
bool slot_writable(uint32_t slot);
uint8_t slot_next(void); /* that the next reset starts */
uint16_t commit_step(void);
uint16_t confirm_step(void);
uint16_t rollback_step(void);

/* update.c */
void update_init(void);
void update_forget(void); /* its host is gone */
uint16_t download_step(void);

/* tell.c */
uint16_t log_step(void);
uint16_t digest_step(void);
uint16_t read_step(void);

#endif
