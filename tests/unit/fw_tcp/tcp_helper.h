/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arrange, act and look, for the tests of firmware/tcp and firmware/net on the native model. One adapter (10.0.0.1) and a
 * neighbour (10.0.0.2, port 4420) that does only what the test says.
 */
#ifndef TCP_HELPER_H
#define TCP_HELPER_H

#include <check.h>

#include "lib/event.h"
#include "hal_fake.h"
#include "tcp/tcp.h"
#include "tcp/tcp_int.h"

#define OUR_IP 0x0a000001u
#define PEER_IP 0x0a000002u
#define PEER_PORT 4420
#define PEER_ISS 0x11223344u
#define CONN 1
#define PEER_WND 0xffff

extern const uint8_t our_mac[6], peer_mac[6];

/* A segment that left, taken apart. */
struct out {
	uint32_t seq, ack, src, dst;
	uint16_t sport, dport, wnd, len;
	uint8_t flags;
	bool have_ts, have_sack_ok;
	uint32_t tsval, tsecr;
	uint16_t mss;
	int wscale;
	uint32_t n_sack;
	struct range sack[4];
	uint8_t opt[40];
	uint32_t opt_len;
	const uint8_t *data;
	uint32_t frame_len;
	const uint8_t *frame;
};

/* A segment to bring. */
struct in {
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t wnd; /* 0 stands for PEER_WND; NO_WND for 0 */
	const void *data;
	uint32_t len;
	uint32_t tsval; /* 0: a growing one, when timestamps are agreed */
	uint32_t tsecr; /* 0: of the last segment that left */
	bool no_ts, raw_opt;
	uint32_t n_sack;
	struct range sack[4];
	uint8_t opt[40];
	uint32_t opt_len;
	uint16_t sport;
	uint32_t src;       /* 0: PEER_IP */
	const uint8_t *mac; /* NULL: peer_mac */
	bool bad_csum;
};
/* An assertion for what runs a million times: Check writes a note to disk for each of its own. */
#define must(cond)                                 \
	do {                                       \
		if (!(cond))                       \
			ck_abort_msg("%s", #cond); \
	} while (0)

#define NO_WND 1 /* with scale 7 in the tests: rounds to nothing that matters */

/* What a connection of the tests agrees on. */
struct agree {
	bool ts, sack;
	int wscale; /* -1: none */
	uint16_t mss;
	uint16_t wnd;
};
extern const struct agree agree_all, agree_nothing;

struct user_log {
	uint32_t connected, remote_closed, closed;
	int err;
	uint32_t acked;
	struct tcp_pdu *last_acked;
	bool close_on_remote;
	bool in_order;
};
extern struct user_log user[ENG_N_CONN];

/* What the user says to passive opens. Reset by setup: everything is welcome. */
struct welcome {
	bool refuse_syn;
	int32_t conn; /* incoming: -1 the first free connection, else this number */
	uint32_t asked_syn, asked_conn;
	uint16_t last; /* what incoming answered */
	void (*on_incoming)(void);
};
extern struct welcome welcome;
void listen_port(uint16_t port, const struct tcp_params *p); /* teardown stops it */
extern bool ts_agreed;
extern uint32_t peer_tsval;

void fill_host(void); /* host memory with the pattern; once per program */
void setup(void);
void setup_mtu(uint16_t mtu);
void setup_config(const struct tcp_config *cfg);
void teardown(void); /* closes what is open and checks that nothing is left */
void pump(void);
void advance_ms(uint32_t ms);

uint32_t outs(void); /* segments that left since the last clear */
const struct out *out_at(uint32_t i);
const struct out *out_last(void);
const struct out *out_find(uint8_t flags); /* first with exactly these flags but PSH */
void out_clear(void);
void capture(void *arg, const uint8_t *frame, uint32_t len);
uint32_t frames_out(void);
const uint8_t *frame_at(uint32_t i, uint32_t *len);

bool take_apart(const uint8_t *frame, uint32_t len, struct out *o); /* false: not TCP */
uint32_t build_frame(uint8_t *f, const struct in *s, uint16_t dport);
void bring(const struct in *s);      /* to CONN's port; pumps */
void bring_more(const struct in *s); /* the same without pumping */
void bring_arp_reply(uint32_t ip, const uint8_t mac[6]);

/* Sequence numbers of the peer and of us, as offsets from the first data byte */
extern uint32_t iss, peer_nxt;
#define OURS(off) (iss + 1 + (uint32_t)(off))
#define PEERS(off) (PEER_ISS + 1 + (uint32_t)(off))

void start_connect(const struct tcp_params *p); /* ARP done, SYN out and checked */
void open_conn(const struct agree *a);          /* to ESTABLISHED */
void open_params(const struct agree *a, const struct tcp_params *p);
void ack_from_peer(uint32_t off); /* pure ACK of our bytes up to off */

/* PDUs: a header of 24 bytes and len bytes of a pattern in host memory. Number n uses slot n. */
struct tcp_pdu *make_pdu(uint16_t n, uint32_t data_len, uint8_t recf);
struct tcp_pdu *pdu_to_send(uint16_t n, uint32_t data_len); /* the next to send, by whatever call */
uint32_t send_pdu(uint16_t n, uint32_t data_len); /* to CONN; returns its bytes on the wire */
extern uint8_t *expected; /* all bytes given to tcp_send on CONN, in order */
extern uint32_t expected_len;
void check_data(const struct out *o); /* the segment's bytes stand at its place in `expected` */
uint8_t pattern(uint32_t i);
void check_stream(uint32_t len); /* CONN's received stream is pattern(0..len-1) */

#endif
