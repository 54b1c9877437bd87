/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers in XRAM for whole frames that firmware builds: ARP, ICMP, TCP control segments. They own
 * the first 16 KiB of the auxiliary area; the rest belongs to other users. A buffer goes back to
 * its pool when the engine reports the frame as sent.
 */
#ifndef FRAME_H
#define FRAME_H

#include "hal.h"

#define FRAME_AREA_OFF ENG_AUX_OFF
#define FRAME_AREA_SIZE 0x4000u
#define FRAME_SMALL_DATA 160u
#define FRAME_LARGE_DATA 1536u

/*
 * Two records that describe nothing, for FENCE operations: EVT_TXDONE tells them apart by address.
 */
#define FRAME_FENCE_ROOM FRAME_AREA_OFF
#define FRAME_FENCE_KILL (FRAME_AREA_OFF + 32u)

struct frame {
	struct eng_tx_rec rec;
	uint8_t data[];
};

void frame_init(void);
struct frame *frame_alloc(uint32_t len); /* NULL: none free, or longer than any */
void frame_free(struct frame *f);        /* only one that was not sent */
/* dropped when the transmit queue is full */
void frame_send(struct frame *f, uint32_t len, uint8_t recflags);
bool frame_txdone(uint32_t rec_off); /* false: not a frame's record */
uint32_t frame_used(void);

#endif
