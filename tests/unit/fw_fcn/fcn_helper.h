/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arrange, act and look, for the tests of firmware/fc_nvme and fc/fc_frame.c on the native model. The
 * whole firmware runs, but for the port: logins are what the test says (ports[]). The host is the
 * model's submissions and completions, the other side the frames that the test sends and looks at.
 *
 * Every completion is checked as it is made: its slot was in use, and no engine can touch its buffer
 * any more. Every test ends with teardown(): nothing is left anywhere.
 */
#ifndef FCN_HELPER_H
#define FCN_HELPER_H

#include <check.h>

#include "fc_nvme/fcn_int.h"
#include "hal_fake_fc.h"
#include "lib/bytes.h"
#include "main.h"
#include "port_double.h"

#define HOST_QP 1
#define LS_QP 2
#define TGT_QP 3
#define TGT_QP2 4
#define ENTRIES 8u /* of each pair */
#define LS_HALF (ENTRIES / 2)

#define OWN_ID 0x0a0b0cu
#define PEER_ID 0x010203u
#define PEER2_ID 0x040506u
#define PEER 0 /* remote ports */
#define PEER2 5
#define PEER_MAX 1024u /* bytes in a frame */
#define R_A_TOV_MS 10000u
#define E_D_TOV_MS 2000u

#define RSP_AREA 0x1000u /* host memory: ERSP, commands, link services, data */
#define CMD_AREA 0x2000u
#define LS_AREA 0x10000u
#define LS_SIZE 4096u
#define BUF 0x40000u
#define LIST 0x30000u

/* --- the port's double --- */
struct fake_port {
	bool there;
	struct fc_rport rp;
};
extern struct fake_port ports[WEFT_N_RPORT];
extern uint32_t strangers, els_seen, fip_seen, link_seen, els_total;
extern struct fc_hdr els_hdr;
extern uint8_t els_payload[FC_LS_MAX];
extern uint32_t els_len;
extern uint32_t rrqs, rrq_port, rrq_ids; /* and what the last was told */

void start(void); /* PEER and PEER2 are ready; no pair */
void teardown(void);
void run(void);
void run_ms(uint32_t ms);

extern uint32_t cq_room; /* what hal_cq_space says */

/* --- the host --- */
uint16_t create(uint16_t qp, uint32_t flags); /* status */
void host_pair(void);
void ls_pair(void); /* its first events are taken */
void tgt_pair(uint16_t qp);
uint16_t admin_start(uint8_t opcode, const void *args, uint32_t len);
bool admin_result(uint16_t cid, struct hal_cpl *out);
uint16_t admin(uint8_t opcode, const void *args, uint32_t len);
void forget_admin(void); /* its slots, of a life that is over */
uint16_t abort_start(uint16_t qp, uint16_t cid);
uint16_t delete_pair(uint16_t qp);

struct io {
	uint8_t dir; /* WEFT_SQF_DATA_OUT, DATA_IN or 0 */
	uint32_t len;
	uint16_t rport;
	uint32_t addr; /* 0: BUF */
	bool chain;    /* in pieces of 512 bytes */
};
struct weft_fc_io_entry io_entry(uint16_t cid, const struct io *io);
void submit(uint16_t qp, const void *entry); /* runs */
void submit_quiet(uint16_t qp, const void *entry);
void io(uint16_t cid, const struct io *io); /* submits it and takes its CMND */
struct weft_fc_tgt_entry tgt_entry(uint8_t op, uint8_t flags, uint16_t cid, uint32_t off,
				   uint32_t len, uint16_t rsp_len);
void tgt(uint8_t op, uint8_t flags, uint16_t cid, uint32_t off, uint32_t len, uint16_t rsp_len);
void release(uint16_t qp, uint16_t cid);
uint16_t slot_of(uint16_t qp, uint16_t cid);

/* The next completion of the pair that was not taken yet; it is there. */
struct hal_cpl next_cpl(uint16_t qp);
void no_cpl(uint16_t qp);
struct hal_cpl expect_cpl(uint16_t qp, uint16_t cid, uint16_t status, uint32_t len);
void expect_event(uint16_t qp, uint32_t code, uint32_t dw1, uint32_t dw2);

/* --- frames --- */
struct seen { /* a frame that left */
	struct fc_hdr h;
	uint8_t sof, eof;
	uint32_t len; /* of the payload without fill */
	uint8_t payload[2112];
};
struct seen next_frame(void);
struct seen expect_frame(uint8_t r_ctl, uint32_t f_ctl, uint32_t len);
void no_frame(void);

struct fc_hdr to_us(uint8_t r_ctl, uint32_t f_ctl, uint32_t ids); /* from PEER; TYPE from R_CTL */
void send_part(const struct fc_hdr *h, const void *payload, uint32_t len, bool first, bool last);
void send_frame(const struct fc_hdr *h, const void *payload, uint32_t len); /* single; runs */
/* A data sequence of frames of PEER_MAX bytes: content pattern(off + i). */
void send_data(uint32_t f_ctl, uint32_t ids, uint32_t off, uint32_t len);
uint8_t pattern(uint32_t i);
void expect_data(uint32_t f_ctl, uint32_t ids, uint32_t off, uint32_t len, uint16_t seq_cnt);
void expect_memory(uint32_t addr, uint32_t off, uint32_t len);

/* The target's and the host's side of things. ids: OX_ID << 16 | RX_ID. */
#define F_T_DATA 0x880008u
#define F_H_DATA 0x090008u
void send_rsp(uint32_t ids, uint32_t len); /* 0, 12, 32 */
void send_rdy(uint32_t ids, uint32_t off, uint32_t burst);
uint32_t send_cmnd(uint16_t ox_id); /* returns OX_ID << 16 | RX_ID of the capsule, runs */
void send_cmnd_quiet(uint16_t ox_id);
void send_bls(uint8_t r_ctl, bool from_responder, uint32_t ids);
uint16_t ox_id_of(uint16_t qp, uint16_t cid);  /* ours */
uint32_t io_ids(uint16_t cid, uint16_t rx_id); /* of the host pair's entry */
uint16_t tgt_cid(uint32_t ids);
void expect_answer(uint16_t cid, uint32_t data_len, uint32_t rsp_len, uint32_t ids);
void expect_abts(uint32_t ids, bool by_responder);
void expect_done(uint16_t admin_cid); /* with status 0 */
void wire_reset(void);

void tests_io(Suite *s);
void tests_io_fault(Suite *s);
void tests_ls(Suite *s);
void tests_ls_in(Suite *s);
void tests_tgt(Suite *s);
void tests_abort(Suite *s);
void tests_bls(Suite *s);
void tests_lost(Suite *s);
void tests_frame(Suite *s);

#endif
