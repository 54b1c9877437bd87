/* SPDX-License-Identifier: BSD-2-Clause */
/* From a configuration, and the one before it, to calls of the target library. */
#ifndef TOOLS_TARGET_APPLY_H
#define TOOLS_TARGET_APPLY_H

#include <nvme/target.h>

#include "target_config.h"

struct target_run {
	struct nvme_target *target;
	struct weft_dev *dev;
	uint32_t ip;                          /* the adapter's */
	struct nvmet_fc_target_port *fc_port; /* the adapter's, or NULL */
	struct target_config now;             /* what is in effect; all zero at first */
	target_note_fn *log;                  /* what was done */
	target_note_fn *error;                /* what could not be done */
	void *log_arg;
};

/*
 * Makes the target what next says; hosts stay connected where what they use stays. next belongs to
 * run from then on and is left empty. 0; a positive number of things that could not be done, each of
 * which was logged (the next call tries them again); or negative errno, with the reason in
 * weft_last_error(): nothing was changed, next is as it was. Polls the target while it waits for
 * files that are still in use.
 */
int target_apply(struct target_run *run, struct target_config *next);

#endif
