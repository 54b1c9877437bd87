/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue pairs as the firmware sees them: which exist, and which command slots are theirs (docs/abi.md: QP_CREATE).
 * The rings themselves are the ring engine's.
 */
#ifndef QP_H
#define QP_H

#include "hal.h"

struct qp {
	bool used;
	bool stopping; /* until EVT_QP_STOPPED */
	bool controller;
	bool fc;
	uint16_t slot_base, entries;
	uint16_t delete_slot; /* admin slot that waits for it, or ENG_NO_SLOT */
};

#define QP_ADMIN_SLOTS 64u

extern uint8_t qp_is_fc[WEFT_N_QP]; /* as struct qp says; one byte for the normal path */

void qp_init(void);
const struct qp *qp_get(uint16_t qp); /* NULL: not created */
/* 0 or a positive errno: EINVAL arguments, EEXIST, ENOSPC no run of slots left. */
uint16_t qp_create(const struct weft_arg_qp_create *arg);
/* 0: EVT_QP_STOPPED ends it and completes admin_slot. ENXIO, EALREADY. */
uint16_t qp_delete(uint16_t qp, uint16_t admin_slot);
void qp_stopped(uint16_t qp);
uint32_t qp_slots_free(void);
/* The admin pair follows the host's AQ_* registers. When it has stopped, nothing that waits for its slots will complete. */
void qp_admin_changed(void);

#endif
