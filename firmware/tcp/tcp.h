/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP (RFC 9293) for the adapter's connections. Connection number = queue pair number = engine
 * connection, 1..127.
 *
 * The user (NVMe/TCP) hands over PDUs as transmit records; TCP gives them sequence numbers, sends
 * them as far as the windows allow, and keeps them until the peer acknowledged every byte: a
 * retransmission gathers the same bytes again. Received payload goes from the packet buffer to the
 * stream engine without touching the core; the user sees it as EVT_HDR and EVT_PLACED. While
 * nothing unusual happens the engines acknowledge, move rcv_nxt and take ACKs alone (fast mode).
 *
 *   state of a connection as its user sees it
 *   free --tcp_connect--> opening --connected()--> open --tcp_close--> closing --closed(0)--> free
 *   free --incoming() gave the number--------connected()--> open
 *                            any but free --tcp_abort, error--> closing --closed(err)--> free
 *
 * Passive open: a SYN to a port of tcp_listen costs no connection. It stands in a bounded queue, or,
 * when that is full, only in the sequence number of our SYN|ACK (a SYN cookie), so that a flood of
 * SYNs keeps nobody out. The third segment of the handshake makes a connection of the number that
 * the user's incoming() names.
 *
 * closed() is the last word: from then on no engine reads or writes anything for the connection,
 * and every PDU not given back by acked() belongs to the user again (TCP forgot it). Errors are
 * negative errno (values of Linux, see lib/err.h).
 *
 * Callbacks run inside net_input, tcp_ack_event, tcp_poll, net_txdone, tcp_stopped and timer_run,
 * never inside tcp_connect, tcp_send, tcp_close or tcp_abort. Any of the latter may be called from
 * a callback.
 *
 * What the main loop has to hand on (see also net/net.h):
 *	EVT_FRAME   net_input(ev)          EVT_TXDONE  net_txdone(ev)
 *	EVT_ACK     tcp_ack_event(ev->id)  EVT_STOPPED tcp_stopped(ev->id)
 *	before waiting: timer_run(clk_now()), then hal_timer_set(timer_next_ns()) (lib/timer.h)
 */
#ifndef TCP_H
#define TCP_H

#include "hal.h"

/*
 * One PDU in XRAM, 32-byte aligned. The user fills rec.hdr_addr, hdr_len, flags, pad_len, data_len,
 * data_slot, data_off (rsvd 0) and user; tcp_send does the rest. 48 bytes; the header bytes usually
 * follow. Links are XRAM offsets so that the layout is the same natively.
 */
struct tcp_pdu {
	struct eng_tx_rec rec;
	uint32_t next; /* TCP's while it holds the PDU */
	uint32_t seq;  /* first byte */
	uint32_t len;  /* bytes on the wire, digests and padding included */
	uint32_t user; /* the user's own, but for TCP_PDU_QUIET */
};
#define TCP_PDU_QUIET \
	(1u << 31) /* in user: acked() is not called for it; that of a later PDU says it too */
_Static_assert(sizeof(struct tcp_pdu) == 48, "tcp_pdu: header area starts at 48");

struct tcp_user_ops {
	/* The handshake is done: tcp_send may be called, headers may arrive. */
	void (*connected)(uint16_t conn);
	/* The peer has the whole PDU and no engine will touch it any more. In order of tcp_send. */
	void (*acked)(uint16_t conn, struct tcp_pdu *pdu);
	/* The peer closed its direction, and the stream engine has used up all that came before. */
	void (*remote_closed)(uint16_t conn);
	/*
	 * Final. 0: both directions closed in order. -ECONNREFUSED, -ECONNRESET, -ETIMEDOUT,
	 * -EHOSTUNREACH (no ARP answer), -EFAULT (host memory failed while sending), or what
	 * tcp_abort was given.
	 */
	void (*closed)(uint16_t conn, int err);
	/*
	 * A SYN came for a port of tcp_listen: false, and it is refused with RST. May be NULL when
	 * nothing listens. Never called for a port that is not listened on.
	 */
	bool (*acceptable)(uint16_t local_port);
	/*
	 * A handshake is complete: the number of a free connection for it, or 0 (refused with RST).
	 * connected() of that number follows at once.
	 */
	uint16_t (*incoming)(uint16_t local_port, uint32_t remote_ip, uint16_t remote_port);
};

struct tcp_config {
	uint32_t rto_min_ms;   /* 0: 200 */
	uint32_t msl2_ms;      /* TIME_WAIT; 0: 1000 */
	uint32_t fin_wait2_ms; /* 0: 10000 */
	uint32_t max_retries;  /* retransmissions of one byte before -ETIMEDOUT; 0: 12 */
	uint32_t syn_retries;  /* 0: 6 */
	/* for initial sequence numbers and ports, from the host if it gave one */
	uint32_t secret[4];
};

struct tcp_params {
	uint32_t remote_ip, local_ip;
	uint16_t remote_port;
	uint16_t local_port;   /* 0: TCP chooses */
	uint16_t mss_limit;    /* largest MSS sent and offered; 0: what the MTU allows */
	uint8_t stream_flags;  /* ENG_CF_HDGST may be set later too: tcp_stream_flags */
	uint32_t rcv_wnd;      /* 0: 128 KiB */
	uint32_t keepalive_ms; /* idle time before a probe and between probes; 0: off */
};

enum tcp_state {
	TCP_CLOSED,   /* free */
	TCP_SYN_SENT, /* also while ARP looks for the next hop */
	TCP_SYN_RCVD, /* simultaneous open; a passive one passes through */
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSING,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_DRAIN,    /* both directions closed, the stream engine still has bytes to use up */
	TCP_STOPPING, /* waits for the engines to be quiet, then closed() */
};

struct tcp_stats {
	enum tcp_state state;
	/* segs_in: those that firmware saw, plus the bytes the engines took in units of the MSS */
	uint32_t segs_out, segs_in;
	uint32_t retransmits, dup_acks, rtos, fast_retransmits;
	uint32_t srtt_us, cwnd, ssthresh, mss;
	uint32_t challenge_acks, ooo_segs, paws_drops;
};

#define TCP_LISTENERS 8u

/* Of all listeners together. */
struct tcp_listen_stats {
	uint32_t syns, cookies_sent, cookies_good, accepted;
	uint32_t refused;   /* RST: the user had no connection */
	uint32_t forgotten; /* entries of the SYN queue that made room, timed out or were reset */
	uint32_t queued;    /* entries now */
};
void tcp_get_listen_stats(struct tcp_listen_stats *st);

void tcp_init(const struct tcp_user_ops *ops, const struct tcp_config *cfg);

/*
 * Starts a connection; connected() or closed() follows. -EINVAL bad number or address, -EISCONN not
 * free, -EADDRINUSE the local port is taken, -EAGAIN no room in the lookup table for this tuple,
 * -ENETDOWN the port has no address.
 */
int tcp_connect(uint16_t conn, const struct tcp_params *p);

/*
 * Takes connections on a port. Of p count mss_limit, rcv_wnd and keepalive_ms; it is copied.
 * -EADDRINUSE listened on already, -ENOSPC TCP_LISTENERS ports, -EINVAL port 0 or a user without
 * acceptable() and incoming().
 */
int tcp_listen(uint16_t port, const struct tcp_params *p);
/* Handshakes under way on the port are forgotten; connections stay. -ENOENT. */
int tcp_unlisten(uint16_t port);
/* Of a connection that is not free. Changes the keepalive interval; 0: off. */
void tcp_set_keepalive(uint16_t conn, uint32_t ms);
uint32_t tcp_remote_ip(uint16_t conn);
uint16_t tcp_remote_port(uint16_t conn);

/*
 * Appends a PDU and sends what the windows allow now, the rest as acknowledgements come. -ENOTCONN
 * unless open and tcp_close not called (the PDU stays the user's); -EINVAL a record TCP cannot send
 * (empty, or above 16 MiB). Never calls back.
 */
int tcp_send(uint16_t conn, struct tcp_pdu *pdu);

/*
 * The same for a PDU, or two, whose len the user has filled in, too: what rec says, up to 16 MiB. The connection is open, and
 * tcp_close was not called.
 */
void tcp_send_ready(uint16_t conn, struct tcp_pdu *pdu);
void tcp_send_two(uint16_t conn, struct tcp_pdu *first, struct tcp_pdu *second);

/*
 * FIN after all that is queued. Received data still goes to the stream engine. -ENOTCONN when there
 * is nothing to close.
 */
int tcp_close(uint16_t conn);

/*
 * RST, and drops what is queued. closed(conn, err) follows when the engines are quiet. A second
 * call changes nothing.
 */
void tcp_abort(uint16_t conn, int err);

/*
 * Takes over what the engines acknowledged and gives PDUs back. Called by a user that needs a PDU
 * back now (a response has come for it) and does not want to wait for EVT_ACK.
 */
void tcp_poll(uint16_t conn);

void tcp_ack_event(uint16_t conn);
void tcp_stopped(uint16_t conn);
void tcp_stream_flags(uint16_t conn, uint8_t cf); /* ENG_CF_HDGST once ICResp agreed to it */
uint16_t tcp_local_port(uint16_t conn);
enum tcp_state tcp_state(uint16_t conn);
void tcp_get_stats(uint16_t conn, struct tcp_stats *st);
/* Nothing held: no TCB, no reassembly entry, no half-open handshake, no timer (end of every test). */
bool tcp_idle(void);

/* Between net/ and tcp/ */
void tcp_input(const struct hal_event *ev);  /* EVT_FRAME with flag bit 0; takes the cells */
void tcp_txdone(const struct hal_event *ev); /* record is not one of net/frame.h */
/* answer or change; mac NULL: nobody answered */
void tcp_neighbour(uint32_t next_hop, const uint8_t mac[6]);

/* An ICMP "destination unreachable" about a segment that is said to be ours. */
struct tcp_unreach {
	uint32_t remote_ip;
	uint16_t local_port, remote_port;
	uint32_t seq;
	uint8_t code;
	uint16_t mtu;
};
void tcp_unreachable(const struct tcp_unreach *u);

#endif
