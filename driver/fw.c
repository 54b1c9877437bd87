/* SPDX-License-Identifier: BSD-2-Clause */
/* The adapter's flash over the admin pair. */
#include <errno.h>
#include <sys/random.h>

#include <weft/fw.h>

#include "internal.h"

#define WINDOW 8u /* pieces in flight: enough to hide the round trip behind the programming */

const char *weft_fw_error_text(unsigned int error)
{
	static const char *const text[] = {
		[WEFT_FWE_SOUND] = "sound",
		[WEFT_FWE_EMPTY] = "no image",
		[WEFT_FWE_HEADER] = "bad header",
		[WEFT_FWE_TLV] = "TLVs malformed, missing or twice",
		[WEFT_FWE_BOARD] = "for another board",
		[WEFT_FWE_KEY] = "signed with another key",
		[WEFT_FWE_DIGEST] = "wrong digest",
		[WEFT_FWE_SIGNATURE] = "wrong signature",
		[WEFT_FWE_COUNTER] = "older security counter than the adapter takes",
		[WEFT_FWE_READ] = "the flash does not answer",
		[WEFT_FWE_POWER] = "power went before it was confirmed",
		[WEFT_FWE_WATCHDOG] = "the watchdog ended it",
		[WEFT_FWE_GIVEN_UP] = "the host gave it up",
		[WEFT_FWE_TRAPPED] = "it stood still on a trap",
	};

	return error < sizeof(text) / sizeof(text[0]) && text[error] ? text[error] :
								       "unknown error";
}

/* What an error of the adapter means for a slot, in words. dw0: what it told with it. */
static int explain(struct weft_dev *dev, int err, unsigned int slot, uint32_t dw0)
{
	if (atomic_load(&dev->gone))
		return weft_set_error(-ENODEV, "the device is gone");
	switch (err) {
	case -EROFS:
		return weft_set_error(err, "slot %u is the golden image, which is read-only", slot);
	case -EPERM:
		return weft_set_error(err, "slot %u runs or was confirmed last: use the other one",
				      slot);
	case -EBUSY:
		return weft_set_error(err, "slot %u: another download is under way", slot);
	case -EILSEQ:
		return weft_set_error(err, "slot %u: image refused by the adapter: %s", slot,
				      weft_fw_error_text(dw0));
	case -EIO:
		return weft_set_error(err, "slot %u: the flash failed at 0x%06x", slot, dw0);
	case -ENODEV:
		return weft_set_error(err, "the adapter has no flash that answers");
	case -EOPNOTSUPP:
		return weft_set_error(err, "the adapter's firmware cannot do that with its flash");
	case -EINVAL:
		return weft_set_error(err, "slot %u: the adapter refused the request", slot);
	default:
		return err;
	}
}

static int fw_admin(struct weft_dev *dev, uint8_t opcode, const struct weft_arg_fw *a,
		    struct weft_admin_result *r)
{
	int rc;

	memset(r, 0, sizeof(*r));
	rc = weft_admin(dev, opcode, a, sizeof(*a), 0, r);
	return r->error ? explain(dev, rc, a->slot, r->dw[0]) : rc;
}

static int check_slot(unsigned int slot)
{
	return slot >= 1 && slot <= WEFT_FW_SLOTS ?
		       0 :
		       weft_set_error(-EINVAL, "slot %u: there are slots 1 to %u", slot,
				      WEFT_FW_SLOTS);
}

/* --- what is there ---------------------------------------------------------------------------------- */

static int log_slot(struct weft_dev *dev, uint8_t n, struct weft_fw_slot *s)
{
	struct weft_arg_fw a = { .slot = n };
	struct weft_admin_result r;
	int rc = fw_admin(dev, WEFT_OP_FW_LOG, &a, &r);

	if (rc)
		return rc;
	s->error = (uint8_t)r.dw[0];
	s->state = (uint8_t)(r.dw[0] >> 8);
	s->revision = (uint16_t)(r.dw[0] >> 16);
	s->minor = (uint8_t)r.dw[1];
	s->major = (uint8_t)(r.dw[1] >> 8);
	s->counter = r.dw[2];
	a.action = 1;
	rc = fw_admin(dev, WEFT_OP_FW_LOG, &a, &r);
	s->build = r.dw[0];
	s->size = r.dw[1];
	s->board = r.dw[2];
	return rc;
}

/* Nine words in three pages: the board, and the key hash. */
static int log_adapter(struct weft_dev *dev, struct weft_fw_info *info)
{
	struct weft_arg_fw a = { .slot = 0 };
	struct weft_admin_result r;
	uint32_t word[9];
	int rc = 0;

	for (uint8_t page = 0; page < 3 && !rc; page++) {
		a.action = (uint8_t)(page + 1);
		rc = fw_admin(dev, WEFT_OP_FW_LOG, &a, &r);
		memcpy(&word[3 * page], r.dw, sizeof(r.dw));
	}
	if (rc)
		return rc;
	info->board = word[0];
	memcpy(info->key_hash, &word[1], sizeof(info->key_hash));
	return 0;
}

int weft_fw_log(struct weft_dev *dev, struct weft_fw_info *info)
{
	const struct weft_arg_fw a = { .slot = 0 };
	struct weft_admin_result r;
	uint8_t flags;
	int rc = fw_admin(dev, WEFT_OP_FW_LOG, &a, &r);

	memset(info, 0, sizeof(*info));
	if (rc)
		return rc;
	info->running = (uint8_t)r.dw[0];
	info->active = (uint8_t)(r.dw[0] >> 8);
	info->previous = (uint8_t)(r.dw[0] >> 16);
	info->next = (uint8_t)(r.dw[0] >> 24);
	info->failed = (uint8_t)(r.dw[1] >> 8);
	info->why = (uint8_t)(r.dw[1] >> 16);
	flags = (uint8_t)(r.dw[1] >> 24);
	info->on_trial = flags & WEFT_FWF_TRIAL;
	info->watchdog = flags & WEFT_FWF_WATCHDOG;
	info->no_record = flags & WEFT_FWF_NO_RECORD;
	info->rom = flags & WEFT_FWF_ROM;
	info->counter = r.dw[2];
	rc = log_adapter(dev, info);
	for (unsigned int i = 0; i < WEFT_FW_SLOTS && !rc; i++)
		rc = log_slot(dev, (uint8_t)(i + 1), &info->slot[i]);
	return rc;
}

int weft_fw_read(struct weft_dev *dev, unsigned int slot, uint32_t offset, void *buf, size_t len)
{
	uint8_t *to = buf;
	int rc = check_slot(slot);

	if (!rc && (offset > WEFT_FW_SLOT_SIZE || len > WEFT_FW_SLOT_SIZE - offset))
		rc = weft_set_error(-EINVAL, "slot %u has %u bytes", slot, WEFT_FW_SLOT_SIZE);
	while (!rc && len) {
		/* the last twelve bytes of a slot may be read from before what is wanted */
		uint32_t at = offset <= WEFT_FW_SLOT_SIZE - 12u ? offset : WEFT_FW_SLOT_SIZE - 12u;
		const struct weft_arg_fw a = { .slot = (uint8_t)slot, .offset = at };
		size_t n = 12u - (offset - at);
		struct weft_admin_result r;

		n = n < len ? n : len;
		rc = fw_admin(dev, WEFT_OP_FW_READ, &a, &r);
		if (rc)
			break;
		memcpy(to, (const uint8_t *)r.dw + (offset - at), n);
		to += n;
		offset += (uint32_t)n;
		len -= n;
	}
	return rc;
}

/* --- writing ---------------------------------------------------------------------------------------- */

struct download {
	struct weft_dev *dev;
	const uint8_t *image;
	uint32_t len, sent, done;
	uint32_t session;
	uint8_t slot;
	unsigned int inflight;
	unsigned int ended; /* pieces that completed since the last look */
	int error;          /* of the first piece that failed */
	uint32_t dw0;
};

static uint32_t piece_at(const struct download *d, uint32_t at)
{
	return d->len - at < WEFT_FW_CHUNK ? d->len - at : WEFT_FW_CHUNK;
}

/* Pieces complete in the order in which they were sent. */
static void piece_done(void *arg, const struct weft_admin_result *r)
{
	struct download *d = arg;

	d->inflight--;
	d->ended++;
	if (d->error)
		return;
	d->error = r->error;
	d->dw0 = r->dw[0];
	if (!r->error)
		d->done += piece_at(d, d->done);
}

static bool piece_ended(void *arg)
{
	const struct download *d = arg;

	return d->ended || !d->inflight;
}

static int send_piece(struct download *d)
{
	struct weft_arg_fw_download a = { .slot = d->slot,
					  .offset = d->sent,
					  .session = d->session };
	uint32_t n = piece_at(d, d->sent);
	int rc;

	a.len = (uint8_t)n;
	a.flags = d->sent + n == d->len ? WEFT_FWF_LAST : 0;
	memcpy(a.data, d->image + d->sent, n);
	rc = weft_admin_submit(d->dev, WEFT_OP_FW_DOWNLOAD, &a, sizeof(a), piece_done, d);
	if (rc)
		return rc;
	d->sent += n;
	d->inflight++;
	return 0;
}

/* Until all of it has been answered, or one piece failed and those behind it have, too. */
static int pump(struct download *d, weft_fw_progress_fn *progress, void *arg)
{
	int rc = 0;

	while (d->inflight || (d->sent < d->len && !d->error)) {
		while (!d->error && d->sent < d->len && d->inflight < WINDOW && !rc)
			rc = send_piece(d);
		if (rc == -EAGAIN && d->inflight)
			rc = 0; /* the ring is small, or others use it, too */
		if (!rc)
			rc = weft_dev_run(d->dev, piece_ended, d, 0);
		if (rc)
			return rc;
		d->ended = 0;
		if (progress)
			progress(arg, d->done, d->len);
	}
	return 0;
}

int weft_fw_download(struct weft_dev *dev, unsigned int slot, const void *image, size_t len,
		     weft_fw_progress_fn *progress, void *arg)
{
	struct download d = { .dev = dev, .image = image, .slot = (uint8_t)slot };
	int rc = check_slot(slot);

	if (rc)
		return rc;
	if (!len || len > WEFT_FW_SLOT_SIZE)
		return weft_set_error(-EINVAL, "an image of %zu bytes: a slot takes 1 to %u", len,
				      WEFT_FW_SLOT_SIZE);
	if (getrandom(&d.session, sizeof(d.session), 0) != (ssize_t)sizeof(d.session))
		return weft_set_error(-EIO, "no random number for the session");
	d.session |= 1; /* not 0 */
	d.len = (uint32_t)len;
	rc = pump(&d, progress, arg);
	weft_admin_forget(dev, piece_done, &d);
	if (rc == -ETIMEDOUT)
		return weft_set_error(rc, "slot %u: no answer to the piece at byte %u", slot,
				      d.done);
	if (!rc && d.error)
		rc = explain(dev, d.error, slot, d.dw0);
	return rc;
}

/* --- comparing ------------------------------------------------------------------------------------------ */

static uint32_t crc32(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
	}
	return ~crc;
}

int weft_fw_verify(struct weft_dev *dev, unsigned int slot, const void *image, size_t len,
		   weft_fw_progress_fn *progress, void *arg)
{
	const uint8_t *p = image;
	int rc = check_slot(slot);
	uint32_t at, n;

	if (!rc && (!len || len > WEFT_FW_SLOT_SIZE))
		rc = weft_set_error(-EINVAL, "an image of %zu bytes: a slot takes 1 to %u", len,
				    WEFT_FW_SLOT_SIZE);
	for (at = 0; !rc && at < len; at += n) {
		struct weft_arg_fw a = { .slot = (uint8_t)slot, .offset = at };
		struct weft_admin_result r;

		n = len - at < WEFT_FW_DIGEST_MAX ? (uint32_t)len - at : WEFT_FW_DIGEST_MAX;
		a.len = (uint16_t)n;
		rc = fw_admin(dev, WEFT_OP_FW_DIGEST, &a, &r);
		if (!rc && r.dw[0] != crc32(p + at, n))
			rc = weft_set_error(-EBADMSG,
					    "slot %u: bytes 0x%x to 0x%x are not the image's", slot,
					    at, at + n - 1);
		if (!rc && progress)
			progress(arg, at + n, (uint32_t)len);
	}
	return rc;
}

/* --- the boot record -------------------------------------------------------------------------------------- */

int weft_fw_commit(struct weft_dev *dev, unsigned int slot, unsigned int action, uint8_t *next)
{
	const struct weft_arg_fw a = { .slot = (uint8_t)slot, .action = (uint8_t)action };
	struct weft_admin_result r;
	int rc = check_slot(slot);

	if (rc)
		return rc;
	if (action > WEFT_FWA_NOW)
		return weft_set_error(-EINVAL, "action %u: there are 0 to %u", action,
				      WEFT_FWA_NOW);
	if (action == WEFT_FWA_NOW)
		return weft_set_error(-EOPNOTSUPP, "action %u: an image is activated by a reset",
				      action);
	rc = fw_admin(dev, WEFT_OP_FW_COMMIT, &a, &r);
	if (!rc && next)
		*next = (uint8_t)r.dw[0];
	return rc;
}

int weft_fw_confirm(struct weft_dev *dev, bool *changed)
{
	const struct weft_arg_fw a = { .slot = 0 };
	struct weft_admin_result r;
	int rc = fw_admin(dev, WEFT_OP_FW_CONFIRM, &a, &r);

	if (rc == -EIO)
		return weft_set_error(rc, "the boot record cannot be written (flash, 0x%06x)",
				      r.dw[0]);
	if (!rc && changed)
		*changed = r.dw[1] & 1;
	return rc;
}

int weft_fw_rollback(struct weft_dev *dev, uint8_t *next)
{
	const struct weft_arg_fw a = { .slot = 0 };
	struct weft_admin_result r;
	int rc = fw_admin(dev, WEFT_OP_FW_ROLLBACK, &a, &r);

	if (rc == -ENOENT)
		return weft_set_error(rc, "there is no previous image to go back to");
	if (rc == -EBUSY)
		return weft_set_error(rc, "the previous image's slot is being written");
	if (rc == -EILSEQ)
		return weft_set_error(rc, "the previous image cannot be started: %s",
				      weft_fw_error_text(r.dw[0]));
	if (rc == -EIO)
		return weft_set_error(rc, "the boot record cannot be written (flash, 0x%06x)",
				      r.dw[0]);
	if (!rc && next)
		*next = (uint8_t)r.dw[0];
	return rc;
}
