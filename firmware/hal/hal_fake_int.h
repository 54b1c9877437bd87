/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of the native model only. */
#ifndef HAL_FAKE_INT_H
#define HAL_FAKE_INT_H

#include "hal_fake.h"

#define FAKE_STREAM_STOPPED 4u

struct fake_conn {
	struct eng_conn_state st;
	bool fresh;      /* since STREAM_RESET: the next RESUME sets snd_max and last_ack */
	bool ack_queued; /* EVT_ACK in the queue */
	bool fired;
	uint32_t fired_at; /* notify_seq that was reported last */
	bool killed, ack_wanted;
	uint32_t last_edge;
};

extern uint64_t fake_now;
extern uint8_t fake_xram[ENG_XRAM_SIZE];
extern struct eng_conn_ctx fake_ctx[ENG_N_CONN];
extern struct fake_conn fake_conn[ENG_N_CONN];
extern uint32_t fake_hash[ENG_HASH_SIZE];
extern uint32_t fake_port_ip;
extern uint16_t fake_port_mtu;
extern uint8_t fake_port_mac[6];
extern uint8_t fake_slot_sticky[WEFT_N_SLOTS];
extern uint8_t fake_rxh[ENG_N_CONN][ENG_RXH_STRIDE];

void fake_event(uint8_t type, uint8_t flags, uint16_t id, uint32_t w1, uint32_t w2);
bool fake_event_room(void);
void fake_acked_popped(uint16_t conn);

/*
 * Copies between host memory, described by a slot, and dst or src; one of them is NULL. False:
 * address or length is bad.
 */
bool fake_sgl(uint16_t slot, uint32_t off, uint32_t len, uint8_t *dst, const uint8_t *src);

uint16_t fake_cell_alloc(uint32_t bytes);
void fake_cell_write(uint16_t cell, const uint8_t *p, uint32_t len);
void fake_cells_reset(void);

extern uint32_t fake_fc_id;
void fake_fc_reset(void);
void fake_fcrx_reset(void);

void fake_want_ack(uint16_t conn);
void fake_tx_reset(void);
void fake_stream_reset(void);
void fake_stream_cmd(uint16_t conn, uint8_t rxc);
void fake_stream_append(uint16_t conn, uint16_t cell, uint16_t off, uint16_t len);
/* pending goes down; a window that opened is told */
void fake_consumed(uint16_t conn, uint32_t bytes);
uint32_t fake_piece_cells(uint16_t off, uint16_t len); /* of its frame, up to its last byte */
uint32_t fake_edge(uint16_t conn);
void fake_ack_scan(void);

#endif
