/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Fibre Channel engines of the native model. As in hal_fake.h nothing moves by itself: hal_fc_tx
 * queues, fake_fc_run carries out, fake_fc_rx brings a frame. What the contract forbids (a context
 * written while it matches, a record that is not aligned, a buffer freed twice, an operation into a
 * full queue) aborts the program.
 *
 *	hal_fake_fc.c     link, transmit
 *	hal_fake_fcrx.c   received frames, exchange contexts, placement
 */
#ifndef HAL_FAKE_FC_H
#define HAL_FAKE_FC_H

#include "hal_fake.h"
#include "hal_fc.h"

#define FAKE_SOF_I3 0x2eu
#define FAKE_SOF_N3 0x36u
#define FAKE_EOF_N 0x41u
#define FAKE_EOF_T 0x42u

struct fake_fc_frame {
	uint8_t sof, eof; /* both 0: an Ethernet frame */
	uint32_t len;     /* header and data field, fill included */
	uint8_t bytes[ENG_FCBUF_SIZE];
};

typedef void (*fake_fc_out_fn)(void *arg, const struct fake_fc_frame *f);

struct fake_fc_options {
	uint32_t tx_stop;  /* operations that fake_fc_run leaves in the queue */
	bool hold_stopped; /* EVT_FC_STOPPED stays away until fake_fc_stopped */
	bool no_frames;    /* the record's count of frames is not written */
	uint32_t bufs_hidden;
};

struct fake_fc_counters {
	uint32_t tx_ops, tx_frames, tx_killed, tx_dma_err;
	uint32_t rx_placed, rx_to_fw, rx_trap, drop_form, drop_notus, drop_nobuf, drop_evq;
};

extern struct fake_fc_options fake_fc_opt;
extern struct fake_fc_counters fake_fc_cnt;

void fake_fc_set_out(fake_fc_out_fn fn, void *arg);
void fake_fc_run(void);
uint32_t fake_fc_queued(void);
bool fake_fc_killed(uint16_t slot);
uint32_t fake_fc_ctrl(void);        /* FC_CTRL as written last */
uint32_t fake_fc_credit(void);      /* FC_CREDIT as written last */
void fake_fc_link(uint32_t status); /* FC_STATUS changes: EVT_FC_LINK */

void fake_fc_rx(const struct fake_fc_frame *f);
uint32_t fake_fc_bufs_used(void);
void fake_fcx(uint16_t slot, struct eng_fcx *ctx);
void fake_fc_stopped(void); /* those that were held back */

#endif
