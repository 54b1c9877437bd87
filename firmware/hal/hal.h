/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the firmware's state machines may ask of the adapter. Two implementations of the primitives
 * at the end:
 *   hal_mmio.h  the soft core's registers, all static inline (build for RV32)
 *   hal_fake.c  a native model for unit tests and fuzzing
 * The registers, records and events themselves are in weft_engine.h (made from abi/engine.toml);
 * this file gives them names and types. No function blocks for longer than an engine takes to make
 * room in its queue. Single threaded.
 */
#ifndef HAL_H
#define HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weft_engine.h"
#include "weft_host.h"

struct hal_event {
	union {
		struct {
			uint8_t type; /* ENG_EVT_* */
			uint8_t flags;
			uint16_t id;
		};
		uint32_t w0; /* the three as the queue has them */
	};
	uint32_t w1, w2;
};

struct hal_cpl {
	uint16_t qp;
	uint8_t type;  /* WEFT_CQT_* */
	uint8_t flags; /* WEFT_CQF_* */
	uint16_t cid;
	uint16_t status; /* positive errno */
	uint32_t data_len;
	uint32_t dw[4];
	uint16_t slot; /* given back; ENG_NO_SLOT */
};

#ifdef HAL_NATIVE
#define HAL_FN
#else
#define HAL_FN static inline
#endif

/* Time and idling */
HAL_FN uint64_t hal_now_ns(void);
HAL_FN void hal_timer_set(uint64_t ns); /* wakes hal_wait; UINT64_MAX: off */
HAL_FN void hal_wait(void);             /* returns when an event is queued or the timer is due */

/* Events: peek fills *ev and returns true when there is one; pop removes it. */
HAL_FN bool hal_event_peek(struct hal_event *ev);
HAL_FN void hal_event_pop(void);

/* Shared memory. Offsets are bytes in XRAM. */
HAL_FN void *hal_xram(uint32_t off);
HAL_FN struct weft_sq_entry *hal_slot_entry(uint16_t slot);
HAL_FN void *hal_slot_fw(uint16_t slot);            /* the slot's 128 bytes for firmware */
HAL_FN uint32_t hal_xram_off(const void *p);        /* inverse of hal_xram */
HAL_FN const uint8_t *hal_rx_header(uint16_t conn); /* PDU header of EVT_HDR */
/*
 * Copies len bytes of a received frame, from byte off, following the cells. Firmware asks for
 * headers, not for payload.
 */
HAL_FN void hal_pkt_copy(uint16_t cell, uint32_t off, void *dst, uint32_t len);
HAL_FN void hal_pkt_free(uint16_t cell);
HAL_FN uint32_t hal_pkt_cells_free(void);

/* Connections */
HAL_FN struct eng_conn_ctx *hal_conn_ctx(uint16_t conn);
HAL_FN void hal_conn_state(uint16_t conn, struct eng_conn_state *st);
HAL_FN uint32_t hal_conn_snd_una(uint16_t conn); /* one word of it, for the normal path */
HAL_FN uint32_t hal_conn_snd_wnd(uint16_t conn);
HAL_FN uint32_t hal_conn_cells(uint16_t conn); /* held by what its stream has not used up */
HAL_FN uint32_t hal_hash_get(uint32_t index);
HAL_FN void hal_hash_set(uint32_t index, uint32_t val);
HAL_FN void hal_rx_resume(uint16_t conn, uint32_t rcv_nxt, uint32_t snd_una, uint32_t snd_wnd,
			  uint32_t ts_recent);
HAL_FN void hal_rx_cmd(uint16_t conn, uint8_t rxc); /* TRAP, STREAM_RESET, STREAM_STOP */
HAL_FN void hal_rx_deliver(uint16_t conn, uint16_t cell, uint16_t off, uint16_t len);

/* Stream engine: the answer to EVT_HDR */
HAL_FN void hal_stream_next(uint16_t conn);
HAL_FN void hal_stream_data(uint16_t conn, uint16_t slot, uint32_t off, uint32_t len, uint8_t pad,
			    uint8_t rxsf);

/* Transmit. rec: record in XRAM. Ask hal_tx_free for room first. */
HAL_FN uint32_t hal_tx_free(void);
HAL_FN void hal_tx(uint16_t conn, const struct eng_tx_rec *rec, uint32_t seq, uint32_t off,
		   uint32_t len, uint8_t txf);
HAL_FN void hal_tx_ack(uint16_t conn);
HAL_FN void hal_tx_kill(uint16_t conn, bool on);

/* Queue pairs */
HAL_FN void hal_complete(const struct hal_cpl *cpl);
HAL_FN void hal_qp_start(uint16_t qp, const struct eng_qp_ctx *ctx);
HAL_FN void hal_qp_stop(uint16_t qp);       /* EVT_QP_STOPPED follows */
HAL_FN void hal_qp_free_slots(uint16_t qp); /* after it stopped */
HAL_FN uint32_t hal_cq_space(uint16_t qp);
HAL_FN void hal_admin_rings(uint32_t regs[6]); /* ASQ_LO .. AQ_CTRL */

/* Port and host-visible state */
HAL_FN void hal_port_set(const uint8_t mac[6], uint32_t ip, uint16_t mtu);
HAL_FN void hal_host_status(uint32_t status, uint32_t fw_status);
HAL_FN void hal_host_version(uint32_t version);
HAL_FN uint32_t hal_engine_version(void); /* major << 16 | minor */
/* into the ring at pos % WEFT_LOG_SIZE */
HAL_FN void hal_log_write(uint32_t pos, const char *text, uint32_t len);
HAL_FN void hal_log_tail(uint32_t pos);

#ifndef HAL_NATIVE
#include "hal_mmio.h"
#endif

#endif
