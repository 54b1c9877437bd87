/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of weft fw, on one adapter. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/image.h>

#include "fw.h"
#include "weft_host.h"

static struct weft_fw_slot *slot_of(struct fw_adapter *a)
{
	return &a->info.slot[a->slot - 1];
}

/* --- download, verify --------------------------------------------------------------------------------- */

/* The slot that may be written; of two the one without a sound image, then the one that is not the way back. */
static unsigned int free_slot(const struct weft_fw_info *info)
{
	unsigned int best = 0;

	for (unsigned int n = 2; n <= WEFT_FW_SLOTS; n++) {
		const struct weft_fw_slot *s = &info->slot[n - 1];

		if (!(s->state & WEFT_FWS_WRITABLE))
			continue;
		if (!best || (s->error && !info->slot[best - 1].error) ||
		    (info->slot[best - 1].state & WEFT_FWS_PREVIOUS))
			best = n;
	}
	return best;
}

static int check_image(struct fw_adapter *a)
{
	const struct weft_image_rules rules = { .key_hash = a->info.key_hash,
						.have_board = true,
						.board = a->info.board,
						.have_counter = true,
						.counter = a->info.counter };
	struct weft_image *image = malloc(sizeof(*image));
	int rc;

	if (!image)
		return fw_say(a, -ENOMEM, "no memory");
	rc = weft_image_check(a->args->image, a->args->image_len, &rules, image);
	free(image);
	if (rc > 0)
		return fw_say(a, -EILSEQ, "%s refused (%s): %s", a->args->fw,
			      weft_image_error_name(rc), weft_last_error());
	return rc ? fw_say(a, rc, "%s: %s", a->args->fw, weft_last_error()) : 0;
}

static int check_download(struct fw_adapter *a)
{
	if (!a->slot)
		a->slot = free_slot(&a->info);
	if (!a->slot)
		return fw_say(a, -EPERM, "no slot is free: confirm or roll back what runs first");
	if (a->slot == 1)
		return fw_say(a, -EROFS, "slot 1 is the golden image, which is read-only");
	if (!(slot_of(a)->state & WEFT_FWS_WRITABLE))
		return fw_say(a, -EPERM, "slot %u %s", a->slot,
			      slot_of(a)->state & WEFT_FWS_RUNNING ? "runs" : "was confirmed last");
	return check_image(a);
}

static void progress(void *arg, uint32_t done, uint32_t total)
{
	(void)total;
	progress_show(arg, done);
}

static int compare(struct fw_adapter *a)
{
	struct progress p;
	int rc;

	progress_begin(&p, &a->cfg, "verify", a->args->image_len);
	rc = weft_fw_verify(a->s.dev, a->slot, a->args->image, a->args->image_len, progress, &p);
	progress_end(&p);
	return rc ? fw_say(a, rc, "%s", weft_last_error()) : 0;
}

static int run_download(struct fw_adapter *a)
{
	struct progress p;
	int rc;

	progress_begin(&p, &a->cfg, "download", a->args->image_len);
	rc = weft_fw_download(a->s.dev, a->slot, a->args->image, a->args->image_len, progress, &p);
	progress_end(&p);
	if (rc)
		return fw_say(a, rc, "%s", weft_last_error());
	rc = compare(a);
	if (!rc)
		fw_say(a, 0, "%zu bytes in slot %u, read back and compared; weft fw commit is next",
		       a->args->image_len, a->slot);
	return rc;
}

static int run_verify(struct fw_adapter *a)
{
	int rc = compare(a);

	if (!rc)
		fw_say(a, 0, "slot %u holds %s", a->slot, a->args->fw);
	return rc;
}

/* --- the boot record ---------------------------------------------------------------------------------- */

static unsigned int action_of(const struct fw_adapter *a)
{
	return a->args->action == FW_NO_ACTION ? WEFT_FWA_REPLACE_ACTIVATE : a->args->action;
}

static int check_commit(struct fw_adapter *a)
{
	unsigned int action = action_of(a);

	if (action > WEFT_FWA_NOW)
		return fw_say(a, -EINVAL, "action %u: there are 0 to 3", action);
	if (action == WEFT_FWA_NOW)
		return fw_say(a, -EOPNOTSUPP, "action 3: an image is activated by a reset");
	if (a->slot == 1)
		return fw_say(a, -EROFS, "slot 1 is the golden image: it needs no commit");
	if (slot_of(a)->error)
		return fw_say(a, -EILSEQ, "slot %u: %s", a->slot,
			      weft_fw_error_text(slot_of(a)->error));
	return 0;
}

static int run_commit(struct fw_adapter *a)
{
	uint8_t next;
	int rc = weft_fw_commit(a->s.dev, a->slot, action_of(a), &next);

	if (rc)
		return fw_say(a, rc, "%s", weft_last_error());
	if (action_of(a) == WEFT_FWA_REPLACE)
		return fw_say(a, 0, "slot %u may be activated", a->slot);
	return fw_say(a, 0,
		      next == a->info.active ?
			      "the next reset starts slot %u" :
			      "the next reset tries slot %u; weft fw confirm keeps it",
		      next);
}

static int run_confirm(struct fw_adapter *a)
{
	bool changed;
	int rc = weft_fw_confirm(a->s.dev, &changed);

	if (rc)
		return fw_say(a, rc, "%s", weft_last_error());
	if (!changed &&
	    a->info.next) /* a confirm that came too early must not look like one that worked */
		return fw_say(a, -EAGAIN, "slot %u was not started yet: weft reset, then confirm",
			      a->info.next);
	if (!changed && a->info.failed)
		return fw_say(a, -ENOENT,
			      "nothing is on trial; the last trial, of slot %u, failed: %s",
			      a->info.failed, weft_fw_error_text(a->info.why));
	return changed ? fw_say(a, 0, "slot %u is the active one now", a->info.running) :
			 fw_say(a, 0, "nothing was on trial: nothing changed");
}

static int check_rollback(struct fw_adapter *a)
{
	if (a->info.on_trial || a->info.previous)
		return 0;
	return fw_say(a, -ENOENT, "there is no previous image to go back to");
}

static int run_rollback(struct fw_adapter *a)
{
	uint8_t next;
	int rc = weft_fw_rollback(a->s.dev, &next);

	return rc ? fw_say(a, rc, "%s", weft_last_error()) :
	       a->info.on_trial ?
		    fw_say(a, 0, "the trial is given up; the next reset starts slot %u", next) :
		    fw_say(a, 0, "the next reset tries slot %u; weft fw confirm keeps it", next);
}

const struct fw_verb fw_verbs[] = {
	{ "log", "what the adapter runs, and what its flash holds", NULL, NULL, .writes = false },
	{ "download", "write an image into a slot, read it back, compare", check_download,
	  run_download, .needs_file = true, .writes = true },
	{ "commit", "have the next reset try what a slot holds", check_commit, run_commit,
	  .needs_slot = true, .writes = true },
	{ "confirm", "keep the image that is on trial", NULL, run_confirm, .writes = true },
	{ "verify", "compare a slot with an image", NULL, run_verify, .needs_file = true,
	  .needs_slot = true },
	{ "rollback", "go back to the previous image, or give up the one on trial", check_rollback,
	  run_rollback, .writes = true },
};
const unsigned int fw_n_verbs = sizeof(fw_verbs) / sizeof(fw_verbs[0]);
