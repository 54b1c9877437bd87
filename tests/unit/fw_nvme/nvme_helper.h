/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arrange, act and look, for the tests of firmware/nvme_tcp, firmware/host and firmware/main.c on the native model. The whole
 * firmware runs (10.0.0.1), driven through fw_turn; the host is the submissions and completions of the model; the peer
 * (10.0.0.2, port 4420) is a TCP endpoint per connection and sends the PDUs that the test names, right or wrong.
 *
 * Every completion is checked as it is made: its slot was in use, and a command that fails because its connection ended
 * completes only when no engine works for the connection any more. Every test ends with teardown(): nothing is left anywhere.
 */
#ifndef NVME_HELPER_H
#define NVME_HELPER_H

#include "tcp_helper.h"

#include "host/qp.h"
#include "main.h"
#include "nvme_tcp/nt.h"

#define QP 1
#define SQ_LOG2 4
#define ENTRIES (1u << SQ_LOG2)
#define BUF 0x10000u /* where the tests' data buffers start in host memory */

#define DGST_H 1
#define DGST_D 2

#define WIRE_SIZE (1u << 20)
extern uint8_t wire[WIRE_SIZE]; /* what the controller sends: not what stands in host memory */
void fill_patterns(void);       /* once, before the first test */

/* --- the host ----------------------------------------------------------------------------------------------------------- */

void fw_start(void); /* firmware up, admin pair enabled, port configured */
void fw_start_mtu(uint16_t mtu);
void fw_teardown(void);
void run(void); /* until nothing happens any more */
void run_ms(uint32_t ms);

extern uint32_t status_seen, fw_status_seen; /* last hal_host_status */
extern uint32_t qp_starts[WEFT_N_QP], qp_stops[WEFT_N_QP];
extern bool hold_qp_stopped; /* EVT_QP_STOPPED stays away until qp_stopped_now */
void qp_stopped_now(uint16_t qp);
extern bool early_reply;     /* the program submits for buffers that it has not been given */
void host_aq(uint32_t ctrl); /* writes AQ_CTRL, the other registers are good ones */
void host_aq_regs(const uint32_t regs[6]);

uint16_t admin_start(uint8_t opcode, const void *args, uint32_t len); /* returns the CID; runs */
void admin_lost(uint8_t opcode);                                      /* must not complete */
void forget_admin_slots(void);                        /* of a life of the admin pair that is over */
bool admin_result(uint16_t cid, struct hal_cpl *out); /* completed? */
uint16_t admin(uint8_t opcode, const void *args, uint32_t len,
	       uint32_t dw[4]); /* completed at once: status */
void create_qp(uint16_t qp, uint8_t sq_log2);
uint16_t delete_qp(uint16_t qp);
uint16_t disconnect_start(uint16_t qp, bool abort);

struct conn_opts {
	uint8_t digests, hpda, cpda, maxr2t;
	uint32_t maxh2cdata; /* 0: 0x400000 */
	uint8_t icresp_dgst; /* digests that the controller agrees to, complemented: 0 = all that is asked */
	uint32_t timeout_ms;
};
uint16_t
connect_start(uint16_t qp,
	      const struct conn_opts *o); /* the CID of CONNECT; TCP handshake, ICReq are done */
void connect_qp(uint16_t qp,
		const struct conn_opts *o); /* QP_CREATE if need be, CONNECT to READY */

/* A command: flags WEFT_SQF_*, its buffer starts at addr. */
struct cmd {
	uint8_t opcode; /* 0: WEFT_OP_CAPSULE */
	uint8_t flags;
	uint32_t len, addr;
};
struct weft_sq_entry entry_of(uint16_t cid, const struct cmd *c);
void submit_quiet(uint16_t qp, uint16_t cid, const struct weft_sq_entry *e);
void submit_entry(uint16_t qp, uint16_t cid, const struct weft_sq_entry *e); /* runs */
void submit(uint16_t qp, uint16_t cid, const struct cmd *c);
uint32_t completions(uint16_t qp, uint16_t cid); /* of commands, since the start */
const struct hal_cpl *completion(uint16_t qp,
				 uint16_t cid); /* exactly one since the last completion() of it */
uint32_t events_of(uint16_t qp);
const struct hal_cpl *last_event(uint16_t qp);
uint16_t slot_of(uint16_t qp, uint16_t cid);

/* PDU records that somebody else seems to hold */
uint32_t take_all_records(void); /* how many that were */
void give_back_records(uint32_t n);

/* --- the peer's TCP ------------------------------------------------------------------------------------------------------ */

struct peer {
	bool known;
	uint16_t port;  /* ours */
	uint16_t rport; /* 0: PEER_PORT; else the peer opened */
	uint32_t snd_nxt, rcv_nxt, acked;
	uint8_t *rx;
	uint32_t rx_size, rx_len, rx_at; /* collected, looked at by next_pdu */
	bool got_fin, got_rst, sent_fin, got_syn_ack;
	/* what the test wants */
	bool hold_acks; /* data is taken, but not acknowledged */
	uint8_t digests;
	uint8_t hpda,
		cpda; /* alignment of data sent to the adapter, and by it: in the controller role the names are crossed */
};
extern struct peer peers[WEFT_N_QP];

enum syn_answer { SYN_ACCEPT, SYN_REFUSE, SYN_IGNORE };
extern enum syn_answer syn_answer;
extern bool no_arp;
extern bool fin_answered; /* the peer answers FIN with FIN; default */

/* The peer opens to our port. With SYN_IGNORE it does not answer our SYN|ACK. */
void peer_syn(struct peer *p, uint16_t port, uint16_t rport);
void peer_open(struct peer *p, uint16_t port, uint16_t rport); /* runs */

void peer_send(struct peer *p, const void *data, uint32_t len); /* runs */
void peer_send_quiet(struct peer *p, const void *data, uint32_t len);
void peer_ack(struct peer *p); /* everything received; runs */
void peer_ack_to(struct peer *p, uint32_t bytes_from_start);
void peer_fin(struct peer *p);
void peer_rst(struct peer *p);

/* --- the controller's PDUs ----------------------------------------------------------------------------------------------- */

struct pdu {
	const uint8_t *b;
	uint8_t type, flags, hlen, pdo;
	uint32_t plen, len; /* len: data bytes */
	const uint8_t *data;
};
/* The next PDU that arrived, with all its rules checked (padding zero, digests right). False: none is complete. */
bool next_pdu(struct peer *p, struct pdu *pdu);
struct pdu expect_pdu(struct peer *p, uint8_t type);
void expect_no_pdu(struct peer *p);
void expect_term(struct peer *p, uint16_t fes, uint32_t fei, const void *hdr, uint32_t hdr_len);

/* A PDU to send. The digests follow the connection's agreement unless bent. */
struct send {
	uint8_t hdr[128];
	uint8_t hlen; /* bytes of hdr that leave */
	const void *data;
	uint32_t len, pad;
	uint32_t bend_hdgst, bend_ddgst; /* xored into the digest */
};
void ctrl_send(struct peer *p, const struct send *s);
void ctrl_send_quiet(struct peer *p, const struct send *s);
struct send icresp(const struct conn_opts *o, uint8_t asked);
struct send resp(const struct peer *p, uint16_t cid, uint32_t dw0, uint16_t status);
struct send c2h(const struct peer *p, uint16_t cid, uint32_t off, const void *data, uint32_t len,
		uint8_t flags);
struct send r2t(const struct peer *p, uint16_t cid, uint16_t ttag, uint32_t off, uint32_t len);
struct send make_header(uint8_t type, uint8_t flags, uint8_t hlen, uint8_t pdo, uint32_t plen);
struct send term(uint16_t fes, uint32_t fei);
void put32(uint8_t *p, uint32_t v);
uint32_t get32(const uint8_t *p);
uint32_t crc32c(const uint8_t *p, uint32_t len);

/* Short forms on QP with one CID */
void send_resp(uint16_t qp, uint16_t cid);
void expect_h2c(struct peer *p, uint16_t cid, uint16_t ttag, uint32_t off, uint32_t len, bool last,
		const uint8_t *content);
void expect_ok(uint16_t qp, uint16_t cid, uint32_t data_len);

void tests_connect(Suite *s);
void tests_command(Suite *s);
void tests_read(Suite *s);
void tests_data(Suite *s);
void tests_fault(Suite *s);
void tests_starve(Suite *s);
void tests_admin(Suite *s);
void tests_ctl_accept(Suite *s);
void tests_ctl_data(Suite *s);
void tests_ctl_fault(Suite *s);
void tests_ctl_reply(Suite *s);
void tests_ctl_close(Suite *s);

#endif
