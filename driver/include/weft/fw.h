/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The adapter's flash: what firmware it holds, writing another image, having it tried at the next
 * reset, confirming it. What the words mean is in docs/boot.md; slots are numbered as NVMe numbers
 * them: 1 the golden image (read-only), 2 and 3.
 *
 * All calls are synchronous: they poll the handle while they wait, so its other callbacks run and
 * its I/O goes on. They belong to the thread that owns the handle. Errors common to all, besides
 * those of weft/dev.h:
 *   -ENODEV      also: the adapter has no flash that answers (a simulated one without --flash)
 *   -EOPNOTSUPP  its firmware knows no flash
 *   -EIO         also: the flash failed; weft_last_error() has the offset
 *   -ETIMEDOUT   no answer within the handle's timeout
 * weft_last_error() names the slot and the reason in words.
 */
#ifndef WEFT_FW_H
#define WEFT_FW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/dev.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define WEFT_FW_SLOTS 3u

/* One slot, as the adapter's firmware sees it: it looks at header and TLVs, not at the signature. */
struct weft_fw_slot {
	uint8_t error;        /* WEFT_FWE_*: what is wrong with what it holds; 0: nothing */
	uint8_t state;        /* WEFT_FWS_* bits */
	uint8_t major, minor; /* version; these and the rest are 0 with error 1, 2, 3 and 9 */
	uint16_t revision;
	uint32_t build;
	uint32_t counter; /* security counter */
	uint32_t size;    /* bytes of the image, header and TLVs included */
	uint32_t board;   /* board it is for */
};

struct weft_fw_info {
	uint8_t running;      /* slot that the firmware came from; 0: not from the flash */
	uint8_t active;       /* confirmed last; 1: none yet */
	uint8_t previous;     /* confirmed before that, or 0 */
	uint8_t next;         /* to be tried at the next reset, or 0 */
	bool on_trial;        /* what runs waits for weft_fw_confirm */
	bool watchdog;        /* the watchdog caused the last reset */
	bool no_record;       /* the boot record cannot be written: no trial is started */
	bool rom;             /* the boot ROM started the firmware, not a loader */
	uint8_t failed;       /* slot whose trial failed last, or 0 */
	uint8_t why;          /* WEFT_FWE_* */
	uint32_t counter;     /* the least security counter that is taken */
	uint32_t board;       /* what the adapter is */
	uint8_t key_hash[32]; /* SHA-256 of the key that images must be signed with */
	struct weft_fw_slot slot[WEFT_FW_SLOTS]; /* slot 1 first */
};

int weft_fw_log(struct weft_dev *dev, struct weft_fw_info *info);

/* done of total bytes; from inside the call, on its thread. Must not close the handle. */
typedef void weft_fw_progress_fn(void *arg, uint32_t done, uint32_t total);

/*
 * Writes an image of len bytes (1..WEFT_FW_SLOT_SIZE) into slot 2 or 3. What was there is void from
 * the first byte on; the new one is valid only when the call returned 0, and is not started before
 * weft_fw_commit. image: borrowed until the call returns. progress: or NULL.
 * -EROFS: slot 1; -EPERM: the slot runs, or was confirmed last; -EBUSY: another download is under
 * way; -EILSEQ: not an image for this adapter (the adapter looks at header, TLVs, board, key and
 * counter; the slot is left without one); -EINVAL: slot or len.
 */
int weft_fw_download(struct weft_dev *dev, unsigned int slot, const void *image, size_t len,
		     weft_fw_progress_fn *progress, void *arg);

/*
 * Compares what stands in slot 1..3 with the caller's bytes, by a CRC of each 4 KiB. -EBADMSG: they
 * differ; weft_last_error() says where first.
 */
int weft_fw_verify(struct weft_dev *dev, unsigned int slot, const void *image, size_t len,
		   weft_fw_progress_fn *progress, void *arg);

/* Reads len bytes from offset on of slot 1..3. Twelve bytes a round trip: for headers. */
int weft_fw_read(struct weft_dev *dev, unsigned int slot, uint32_t offset, void *buf, size_t len);

/*
 * action: WEFT_FWA_*. REPLACE looks at the image only; REPLACE_ACTIVATE and ACTIVATE have the next
 * reset try it; NOW is -EOPNOTSUPP. *next (or NULL): slot that the next reset starts, 0: what the
 * ROM finds. Errors as weft_fw_download.
 */
int weft_fw_commit(struct weft_dev *dev, unsigned int slot, unsigned int action, uint8_t *next);

/*
 * The image on trial is good: it becomes the active one, and its security counter the least that is
 * taken from now on. *changed (or NULL): false when nothing was on trial.
 */
int weft_fw_confirm(struct weft_dev *dev, bool *changed);

/*
 * The next reset tries the previous image; while one is on trial: gives that up, the next reset
 * starts the active one. *next (or NULL): which slot that is. -ENOENT: there is no previous one;
 * -EILSEQ: it cannot be started any more, e.g. its counter is below the least taken.
 */
int weft_fw_rollback(struct weft_dev *dev, uint8_t *next);

/* A WEFT_FWE_* in words. Static; never NULL. */
const char *weft_fw_error_text(unsigned int error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
