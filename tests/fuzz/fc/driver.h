/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A target driver whose peer is the fuzzer: any bytes as link services and CMND IUs, any end of an
 * operation. It dies when the transport breaks the contract.
 */
#ifndef FC_FUZZ_DRIVER_H
#define FC_FUZZ_DRIVER_H

#include <stdbool.h>

#include "../../../host-lib/fc/fc.h"
#include "../../../host-lib/fc/wire.h"

#define MUST(cond) ((cond) ? (void)0 : __builtin_trap())

/* Registers the port; features: see below. */
enum { DRV_READDATA_RSP = 1, DRV_DEFER = 2, DRV_LS = 4 };
void drv_up(unsigned int features);
/* The same user for another driver's port. */
void drv_serve(struct nvmet_fc_target_port *tport);
/* Unregisters it, ends everything, and checks that nothing is left. */
void drv_down(void);
void drv_poll(void);
/* From one of two hosts. */
void drv_ls(unsigned int from, const void *buf, uint32_t len);
void drv_cmnd(const void *iu, uint32_t len);
/* Ends the operation of slot i, if it has one: 0 good, 1 failed, 2 short. */
void drv_end_op(unsigned int i, unsigned int how);
void drv_abort(unsigned int i);
void drv_invalidate(unsigned int from);
/* The next fcp_op fails. */
void drv_refuse_op(void);
/* Of the latest accepted Create Association. */
extern uint64_t drv_association;
extern struct nvmet_fc_target_port *drv_port;

#endif
