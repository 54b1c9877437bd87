/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port of firmware/fc/ without engines: what it sends is kept in order, what it tells fc_nvme is
 * noted, time passes when a test says so. The other side is the test.
 */
#ifndef RIG_H
#define RIG_H

#include <check.h>

#include "fc/fc_int.h"

#define OUR_WWPN 0x2000000000000011ull
#define OUR_WWNN 0x2100000000000011ull
#define LOW_WWPN 0x1000000000000001ull
#define HIGH_WWPN 0x3000000000000001ull
#define PEER_WWNN 0x4100000000000001ull

#define HOST WEFT_FCR_INITIATOR
#define TARGET WEFT_FCR_TARGET

struct frame {
	struct fc_hdr h; /* of an Ethernet frame: zeroes */
	uint8_t p[600];
	uint32_t len;
	bool ether;
};

/* What the port told the engines and fc_nvme last. */
extern struct rig {
	uint32_t ctrl, status, credit, id, map, tx_free;
	uint32_t credits; /* how often it was set */
	uint8_t mac[6];
	uint32_t refuse; /* so many times fc_send finds no room */
	uint32_t link_changes;
	uint32_t ready[WEFT_N_RPORT], gone[WEFT_N_RPORT], rscn[WEFT_N_RPORT];
} rig;

void rig_reset(void);
void rig_start(uint8_t mode, uint8_t roles); /* fc_port_set with usual values */
struct weft_arg_fc_port rig_args(uint8_t mode, uint8_t roles);
void rig_advance(uint32_t ms);
bool rig_tick(
	uint64_t end_ns); /* to the next timer, which is run; false: none before the end, that is now */
void rig_prim(uint32_t prim); /* the other end sends it; light is there */
void rig_dark(void);
uint32_t rig_sends(void); /* primitive; asserts the native mode */
bool rig_drops(void);

struct frame *rig_take(void); /* the oldest frame that left and was not looked at */
struct frame *rig_peek(void); /* the same, but it stays */
struct frame *rig_take_els(uint8_t cmd, uint32_t s_id, uint32_t d_id);
struct frame *rig_take_reject(uint8_t reason, uint8_t explan);
struct frame *rig_take_accept(void);
void rig_quiet(void); /* nothing left unnoticed */
uint32_t rig_pending(void);
void rig_forget(void); /* what left is of no interest */

/* Frames of the other side. */
uint16_t rig_request(uint32_t s_id, uint32_t d_id, const uint8_t *p, uint32_t len); /* its OX_ID */
void rig_answer(const struct frame *to, const uint8_t *p, uint32_t len);
void rig_reject(const struct frame *to, uint8_t reason, uint8_t explan);
void rig_frame(const struct fc_hdr *h, const uint8_t *p, uint32_t len);

/* A login's payload of the other side: 116 bytes. */
void rig_login(uint8_t *p, uint8_t cmd, uint64_t wwpn, uint32_t features);
void rig_prli(uint8_t *p, uint8_t cmd, uint8_t response, uint8_t bits);

/* Way points: point-to-point with a peer that is logged in, ready. Its index. */
void rig_link_up(void);
uint16_t rig_ptp_high(uint8_t roles, uint8_t peer_bits); /* our name is the higher one */
uint16_t rig_ptp_low(uint8_t roles, uint8_t peer_bits);
struct frame rig_plogi_sent(uint8_t roles); /* ours, the higher name, is on its way */
struct frame rig_prli_sent(void);

/* "06 0102.." to bytes; spaces do not count. */
uint32_t hex(const char *s, uint8_t *out);
void expect_bytes(const uint8_t *p, uint32_t len, const char *want);

#endif
