/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the peer: byte order, checksums, and what the layers know of each other. */
#ifndef WEFT_TEST_PEER_NET_H
#define WEFT_TEST_PEER_NET_H

#include <string.h>

#include "peer.h"

#define PEER_CONNS 192
#define PEER_ARP 8
#define PEER_CTRLS 64
#define RX_HISTORY (1u << 18) /* bytes of the stream kept, to compare what is sent again */
#define OOO_MAX 512           /* segments kept out of order */
#define SACK_MAX 64

static inline uint16_t be16(const void *p)
{
	const uint8_t *b = p;

	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t be32(const void *p)
{
	return (uint32_t)be16(p) << 16 | be16((const uint8_t *)p + 2);
}

static inline void put_be16(void *p, uint32_t v)
{
	uint8_t *b = p;

	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static inline void put_be32(void *p, uint32_t v)
{
	put_be16(p, v >> 16);
	put_be16((uint8_t *)p + 2, v);
}

static inline uint64_t le(const void *p, unsigned int bytes)
{
	const uint8_t *b = p;
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | b[bytes];
	return v;
}

static inline void put_le(void *p, uint64_t v, unsigned int bytes)
{
	uint8_t *b = p;

	while (bytes--) {
		*b++ = (uint8_t)v;
		v >>= 8;
	}
}

/* Sum of 16-bit words, not folded, not inverted; add parts by calling again with the sum so far. Even lengths before the last. */
uint64_t net_sum(const void *bytes, size_t len, uint64_t sum);
uint16_t net_fold(uint64_t sum);

/* CRC32C: start with CRC_START, end with crc_end. */
#define CRC_START 0xffffffffu
uint32_t crc_add(uint32_t crc, const void *bytes, size_t len);
static inline uint32_t crc_end(uint32_t crc)
{
	return ~crc;
}

/* --- TCP ------------------------------------------------------------------------------------------------------------- */

enum tcp_state {
	TCP_FREE,
	TCP_SYN_RCVD,
	TCP_ESTABLISHED,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSING
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10

struct seq_range {
	uint32_t from, to;
};

struct ooo_segment {
	struct ooo_segment *next;
	uint32_t seq, len;
	uint8_t bytes[];
};

struct nvme_conn;

/* One connection; the peer always is the passive side. */
struct conn {
	struct peer *p;
	enum tcp_state state;
	uint32_t ip;
	uint16_t port, local_port;
	uint8_t mac[6];
	bool ts, sack, scaling;
	uint8_t snd_scale, rcv_scale;
	uint16_t mss; /* payload of a full segment we send */
	uint32_t ts_recent;

	/* send: bytes [una, tail) stand in ring */
	uint8_t *ring;
	uint32_t ring_size; /* power of two */
	uint32_t iss, una, nxt, max, tail, wnd;
	uint32_t wl1, wl2;
	bool fin_queued, fin_sent;
	unsigned int dup_acks;
	bool recovering;
	uint32_t recover, rexmit; /* holes below recover are sent again from rexmit on */
	struct seq_range sacked[SACK_MAX];
	unsigned int n_sacked;
	uint64_t srtt, rttvar, rto, rto_at, probe_at;
	unsigned int backoff;
	bool timing;
	uint32_t timed_seq;
	uint64_t timed_at;

	/* receive */
	uint32_t irs, rcv_nxt, adv_right; /* right edge of the window we advertised */
	uint32_t unacked;                 /* bytes not yet acknowledged */
	bool ack_now;
	uint64_t ack_at;
	bool fin_in;
	uint32_t fin_seq;
	struct ooo_segment *ooo;
	unsigned int n_ooo;
	uint32_t ooo_last; /* where the newest of them starts: the first SACK block */
	struct seq_range dsack;
	bool dsack_on;
	uint8_t *history;
	uint8_t *unread; /* bytes taken while not reading */
	uint32_t n_unread;
	bool stopped, silent;
	uint32_t expect_digest;

	struct nvme_conn *nvme;
};

struct fault {
	enum peer_fault kind;
	uint16_t qid;
	unsigned int countdown;
	uint32_t arg;
	bool happened;
};

struct arp_entry {
	uint32_t ip;
	uint8_t mac[6];
};

struct ctrl;
struct command;

struct peer {
	struct peer_params params;
	void (*send)(void *ctx, const void *frame, size_t len);
	void *ctx;
	uint64_t now;
	uint64_t rng;
	struct peer_stats stats;
	struct fault fault;
	unsigned int complaints;
	char complaint[160];
	struct arp_entry arp[PEER_ARP];
	unsigned int n_arp;
	uint16_t ip_id;
	struct conn *conns[PEER_CONNS];
	unsigned int n_conns, last_conn;
	struct ctrl *ctrls[PEER_CTRLS];
	uint16_t next_cntlid;
	uint8_t *ram;
	struct command *delayed; /* by due time */
	uint8_t frame[9300];
};

void complain(struct peer *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
uint64_t peer_random(struct peer *p);

/* ip.c: fills in Ethernet and IPv4 of p->frame, whose payload of len bytes starts at 34, and sends it. */
void ip_send(struct peer *p, const uint8_t *mac, uint32_t to, uint8_t protocol, size_t len);

/* tcp_in.c */
void tcp_rx(struct peer *p, const uint8_t *mac, uint32_t from, const uint8_t *seg, size_t len);
void tcp_sack_in(struct conn *c, uint32_t from, uint32_t to);
/* tcp_out.c */
void tcp_output(struct conn *c);
void tcp_send_ack(struct conn *c);
void tcp_send_rst(struct peer *p, const uint8_t *mac, uint32_t ip, uint16_t from, uint16_t to,
		  uint32_t seq, uint32_t ack, bool with_ack);
void tcp_send_syn_ack(struct conn *c);
void tcp_retransmit(struct conn *c, unsigned int most);
void tcp_abort(struct conn *c);
void tcp_close(struct conn *c);
void tcp_drop(struct conn *c);
/* Free room in the ring; appends bytes (the caller checked the room). */
uint32_t tcp_room(const struct conn *c);
void tcp_append(struct conn *c, const void *bytes, uint32_t len);
uint64_t tcp_timers(struct conn *c);
void tcp_deliver(struct conn *c, const uint8_t *bytes, uint32_t len);

/* nvme.c and below */
int nvme_open(struct conn *c);
void nvme_free(struct conn *c);
/* In-order bytes of the stream. */
void nvme_input(struct conn *c, const uint8_t *bytes, size_t len);
/* Puts answers into the ring while there is room. */
void nvme_output(struct conn *c);
uint64_t nvme_timers(struct peer *p);
void nvme_gone(struct conn *c);
void nvme_peer_free(struct peer *p);
unsigned int nvme_commands(const struct conn *c);

/* PEER_GOOD, or the armed fault if it lies in [first, last] and its occasion has come on this queue. */
enum peer_fault fault_now(struct peer *p, uint16_t qid, enum peer_fault first,
			  enum peer_fault last);

#endif
