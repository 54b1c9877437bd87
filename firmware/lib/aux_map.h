/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns what of the auxiliary area of XRAM: one place, so that two modules cannot take the same
 * bytes. Offsets from XRAM's start.
 */
#ifndef AUX_MAP_H
#define AUX_MAP_H

#include "weft_engine.h"

/* net/: raw frames */
#define AUX_NET_OFF ENG_AUX_OFF
#define AUX_NET_SIZE 0x18000u
/* nvme_tcp/: PDU records that stand in no slot */
#define AUX_NT_OFF (AUX_NET_OFF + AUX_NET_SIZE)
#define AUX_NT_SIZE 0x20000u
/* fc/ and fc_nvme/: frames that are copied, and the record of fences */
#define AUX_FC_OFF (AUX_NT_OFF + AUX_NT_SIZE)
#define AUX_FC_SIZE 0x8000u

_Static_assert(AUX_FC_OFF + AUX_FC_SIZE <= ENG_XRAM_SIZE, "the auxiliary area ends with XRAM");

#endif
