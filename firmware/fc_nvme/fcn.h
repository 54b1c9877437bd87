/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FC-NVMe in the firmware: exchanges of commands and of FC-4 link services, both roles (FC-NVMe-2).
 * An exchange is a slot, as a command is; its exchange id is the slot and a generation.
 */
#ifndef FCN_H
#define FCN_H

#include "fc/fc.h"

void fcn_init(void);

/* Queue pairs with QPF_FC. 0 or a positive errno. Its rings must run before fcn_qp_started. */
uint16_t fcn_qp_create(uint16_t qp, const struct weft_arg_qp_create *arg);
void fcn_qp_started(uint16_t qp);
/* 0: nothing is in flight on it any more, it may go; EBUSY. From the first call on nothing comes in. */
uint16_t fcn_qp_delete(uint16_t qp);
/* Its rings are of no use any more: every exchange of it is aborted. */
void fcn_qp_fail(uint16_t qp, uint16_t err);
/* The admin pair stopped: no FC_ABORT completes any more. */
void fcn_forget_admin(void);

void fcn_submit(uint16_t qp, uint16_t slot);
/* FC_ABORT: completes admin_slot, at once or when the abort is over. 0, or the errno to end it with. */
uint16_t fcn_abort(uint16_t qp, uint16_t cid, uint16_t admin_slot);

/* Events of the engines. */
void fcn_event_frame(
	const struct hal_event *ev); /* R_CTL 0xh with TYPE 08h, 32h, 33h, 81h.. of slots */
void fcn_event_placed(const struct hal_event *ev);
void fcn_event_txdone(const struct hal_event *ev);
void fcn_event_stopped(const struct hal_event *ev);

/* What the port tells. A port that is gone: its exchanges are ended. */
void fcn_link_changed(void); /* fc_port.state */
void fcn_rport_changed(uint16_t index, bool ready);
void fcn_rport_rscn(uint16_t index);

/* What FC_PORT_GET shows. */
extern struct fcn_stats {
	uint32_t exchanges; /* begun or received */
	uint32_t aborts_sent, aborts_received;
	uint32_t seq_errors; /* sequences that broke a rule */
	uint32_t dropped;    /* frames of no use */
} fcn_stats;
uint32_t fcn_in_use(void); /* exchanges now */

#endif
