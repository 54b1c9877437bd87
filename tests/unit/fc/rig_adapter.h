/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the rig over the adapter's driver, for the tests of that. */
#ifndef FC_RIG_ADAPTER_H
#define FC_RIG_ADAPTER_H

#include "../../../driver/fc/fc.h"
#include "../driver/fake_fc.h"

/* 0: the host, 1: the target. */
struct side {
	struct fake *fake;
	struct weft_dev *dev;
	struct weft_fc *fc;
};
extern struct side side[2];

/* For the next rig. */
extern uint8_t weft_admin_log2;
extern uint16_t weft_target_entries;
extern bool weft_both_roles;

#define HOST_WWNN 0x10000090fa000001ull
#define TARGET_WWNN 0x10000090fa000002ull
#define WWPN_BITS 0x1000000000000000ull

/* Before weft_fc_open: two devices on a cable. */
void weft_devices(void);
void weft_devices_close(void);
struct weft_fc_params weft_params(int i);

#endif
