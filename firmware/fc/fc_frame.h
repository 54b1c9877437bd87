/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames in and out of the FC engines: single frames that are copied leave by fc_send and
 * fc_send_ether (fc.h); what comes is told apart here and goes to the port or to fc_nvme/.
 */
#ifndef FC_FRAME_H
#define FC_FRAME_H

#include "fc/fc.h"
#include "lib/aux_map.h"
#include "lib/bytes.h"

#define FC_SEND_MAX 512u /* bytes of payload that fc_send copies */
/* Operations of the queue that fc_nvme/ leaves to these frames and to fences. */
#define FC_TX_KEEP 4u

/* The first bytes of the area are fc_nvme/'s: the record of its fences. */
#define FC_FENCE_OFF AUX_FC_OFF
#define FC_FRAMES_OFF (AUX_FC_OFF + sizeof(struct eng_fc_tx_rec))

/* Fields of EVT_FC_FRAME. */
static inline uint32_t fc_ev_r_ctl(const struct hal_event *ev)
{
	return ev->w1 >> 8 & 0xff;
}

static inline uint32_t fc_ev_len(const struct hal_event *ev)
{
	return ev->w1 >> 16;
}

static inline uint8_t fc_ev_buf(const struct hal_event *ev)
{
	return (uint8_t)ev->w1;
}

static inline uint32_t fc_ev_type(const struct hal_event *ev)
{
	return ev->w2 >> 24;
}

#define FC_EV_MATCHED 1u
#define FC_EV_BROKE 2u
#define FC_EV_FIRST 4u
#define FC_EV_LAST 8u
#define FC_EV_SINGLE (FC_EV_FIRST | FC_EV_LAST)
#define FC_EV_ETHER 16u

/* Bits of F_CTL */
#define FC_F_EX_CTX 0x800000u
#define FC_F_LAST_SEQ 0x100000u
#define FC_F_END_SEQ 0x080000u
#define FC_F_SEQ_INIT 0x010000u
#define FC_F_FIRST_SEQ 0x200000u
#define FC_F_REL_OFF 0x000008u

#define FC_TYPE_BLS 0x00u
#define FC_TYPE_ELS 0x01u
#define FC_TYPE_FCP 0x08u /* commands of NVMe, too */
#define FC_TYPE_CT 0x20u
#define FC_TYPE_NVME 0x28u /* its link services */

/* Of a buffer: where the header's words and the payload stand. */
#define FC_BUF_HDR offsetof(struct eng_fc_buf, hdr)
#define FC_BUF_PAYLOAD (uint32_t)sizeof(struct eng_fc_buf)

void fc_frame_init(void);
uint32_t fc_frames_used(void); /* copies that have not left */

#endif
