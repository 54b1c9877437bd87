/* SPDX-License-Identifier: BSD-2-Clause */
/* The Fibre Channel frames of an FCoE capture (classic pcap), for tests of parsers. */
#ifndef FCOE_FILE_H
#define FCOE_FILE_H

#include <stddef.h>
#include <stdint.h>

enum { FC_RCTL_DATA = 0x01, FC_RCTL_XFER_RDY = 0x05, FC_RCTL_CMND = 0x06, FC_RCTL_RSP = 0x07 };
enum { FC_RCTL_ERSP = 0x08, FC_RCTL_LS_RQST = 0x32, FC_RCTL_LS_RESP = 0x33 };

struct fc_frame {
	uint8_t r_ctl;
	uint32_t s_id;
	uint32_t d_id;
	uint16_t ox_id;
	const uint8_t *payload;
	size_t len;
};

/* Calls each with every FC frame of the file; fails the test when the file is not as it should be. */
void fcoe_read(const char *path, void (*each)(const struct fc_frame *f));

#endif
