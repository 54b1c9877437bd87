/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native model behind hal.h for unit tests and fuzzing: what the engines do, as far as firmware
 * can tell, in plain C. Nothing moves by itself: hal_tx queues, fake_run carries out, fake_rx
 * brings a frame, fake_advance lets time pass. One instance; fake_reset brings it to the state
 * after power-up.
 *
 *	hal_fake.c         time, events, memories, rings, completions
 *	hal_fake_tx.c      transmit operations to frames
 *	hal_fake_rx.c      frames to fast path or events
 *	hal_fake_stream.c  received stream to headers and host memory
 *
 * The Fibre Channel engines are in hal_fake_fc.h.
 */
#ifndef HAL_FAKE_H
#define HAL_FAKE_H

#include "hal.h"

#define FAKE_HOST_SIZE (4u << 20)
#define FAKE_CPL_MAX 4096u
#define FAKE_FRAME_MAX 9216u

struct fake_options {
	/* no fast path: every frame to firmware although the connection is in fast mode */
	bool slow_only;
	/* the stream engine keeps the bytes (fake_stream) and looks for no header */
	bool raw_stream;
	/* raw: consumes nothing, so that pending grows and the window closes */
	bool hold_stream;
	bool keep_crc_broken;   /* a digest comes out wrong: to prove that a test can fail */
	uint32_t tx_stop;       /* operations that fake_run leaves in the queue */
	uint32_t cells_hidden;  /* cells that somebody else holds */
	uint32_t engines_newer; /* minor versions ahead of the firmware */
};

struct fake_counters {
	uint32_t tx_frames, tx_ops, tx_killed, tx_acks, tx_dma_err, retx_ops;
	uint32_t rx_fast, rx_to_fw, drop_nobuf, drop_csum, drop_len, drop_notus, drop_evq;
};

extern struct fake_options fake_opt;
extern struct fake_counters fake_cnt;
extern uint8_t fake_host[FAKE_HOST_SIZE]; /* an IOVA is an offset in it */
extern struct hal_cpl fake_cpl[FAKE_CPL_MAX];
extern uint32_t fake_cpl_count;
extern char fake_log[WEFT_LOG_SIZE + 1];

/* Called for each frame that leaves. */
typedef void (*fake_out_fn)(void *arg, const uint8_t *frame, uint32_t len);

void fake_reset(void);
void fake_set_out(fake_out_fn fn, void *arg);
void fake_run(void); /* transmit queue and acknowledgements */
void fake_rx(const uint8_t *frame, uint32_t len);
void fake_advance(uint64_t ns); /* time, and the delayed-acknowledgement scans on the way */
void fake_push_event(const struct hal_event *ev);
/* into cells only; ENG_NO_SLOT: none */
uint16_t fake_raw_frame(const uint8_t *frame, uint32_t len);
uint32_t fake_events(void);
uint64_t fake_timer(void); /* what hal_timer_set was given */
uint32_t fake_cells_used(void);
uint32_t fake_tx_queued(void);
bool fake_killed(uint16_t conn);

/* Bytes the raw stream has used up, in order. */
const uint8_t *fake_stream(uint16_t conn, uint32_t *len);
void fake_stream_release(uint16_t conn); /* raw and held: consume what is queued now */

/* A submission entry in a slot, as the ring engine would leave it, with EVT_SQE. */
void fake_submit(uint16_t qp, uint16_t slot, const struct weft_sq_entry *e);
void fake_admin_enable(const uint32_t regs[6]);

/* running value, start 0xffffffff, not inverted */
uint32_t fake_crc32c(uint32_t crc, const uint8_t *p, uint32_t len);

#endif
