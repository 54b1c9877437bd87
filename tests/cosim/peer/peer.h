/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scripted NVMe/TCP target for tests and benchmarks: Ethernet, ARP, IPv4, ICMP echo, TCP, NVMe/TCP and an NVMe controller
 * over a RAM namespace, in plain C, without threads or sockets. Time comes from the caller: same frames at the same times,
 * same answers.
 *
 * It is the judge: every header, checksum, digest, offset and sequence number that comes in is checked against the
 * standards, and each breach is a complaint with a text (peer_complaints). It answers breaches of NVMe/TCP with the TermReq
 * that the standard names. Told to (peer_misbehave), it breaks the rules itself, one at a time.
 *
 * It shares no code with the firmware on purpose.
 */
#ifndef WEFT_TEST_PEER_H
#define WEFT_TEST_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;

/* All zero: the default in brackets. */
struct peer_params {
	uint32_t ip;                   /* host order [10.0.0.2] */
	uint8_t mac[6];                /* [02:00:00:00:00:02] */
	uint16_t mtu;                  /* [1500] */
	uint16_t port, discovery_port; /* [4420, 8009] */
	const char *subnqn;            /* [PEER_SUBNQN] */
	uint64_t ns_bytes;             /* size of namespace 1 [16 MiB] */
	uint32_t block;                /* bytes of a block [512] */
	uint32_t icd_max;    /* in-capsule bytes of an I/O command, multiple of 16 [16384] */
	uint32_t maxh2cdata; /* [131072] */
	uint32_t r2t_bytes;  /* most that one R2T asks for [all] */
	uint32_t c2h_bytes;  /* most data in one C2HData [all] */
	uint8_t cpda;        /* [0] */
	uint8_t digests;     /* digests it grants: bit 0 header, bit 1 data [both]; 0x80: none */
	uint16_t io_queues;  /* most that it grants [64] */
	uint16_t mdts;       /* Identify's MDTS [0] */
	uint64_t command_ns; /* time a command takes [0] */
	bool shuffle; /* I/O commands end in random order: each takes 0 to 2 command_ns (1 us when that is 0) */
	bool no_kato;                   /* do not mind a host that stays silent */
	uint32_t window;                /* TCP receive buffer [1 MiB] */
	bool no_ts, no_sack, no_wscale; /* TCP options it does not offer */
	uint64_t rto_min_ns;            /* [5 ms] */
	uint64_t ack_delay_ns;          /* [100 us] */
	uint64_t seed;
};

#define PEER_SUBNQN "nqn.2026-01.test.weft:peer"
#define PEER_DISCOVERY_NQN "nqn.2014-08.org.nvmexpress.discovery"

/* What it does wrong. Each happens once, at the chosen occasion, on a connection of the chosen queue. */
enum peer_fault {
	PEER_GOOD,
	/* instead of a good ICResp */
	PEER_IC_PFV,
	PEER_IC_CPDA,
	PEER_IC_MAXH2C,
	PEER_IC_PLEN,
	PEER_IC_HLEN,
	PEER_IC_DIGEST,
	PEER_IC_NONE,
	PEER_IC_TERM,
	/* in a C2HData */
	PEER_C2H_HDGST,
	PEER_C2H_DDGST,
	PEER_C2H_DATAO,
	PEER_C2H_BEYOND,
	PEER_C2H_CID,
	PEER_C2H_NO_LAST,
	PEER_C2H_SUCCESS_NO_LAST,
	PEER_C2H_PDO,
	PEER_C2H_PLEN,
	PEER_C2H_HLEN,
	PEER_C2H_HDGSTF,
	PEER_C2H_SHORT,
	/* in a CapsuleResp */
	PEER_RESP_HDGST,
	PEER_RESP_CID,
	PEER_RESP_TWICE,
	PEER_RESP_NONE,
	PEER_RESP_STATUS,
	PEER_RESP_PLEN,
	/* in an R2T */
	PEER_R2T_HDGST,
	PEER_R2T_CID,
	PEER_R2T_ZERO,
	PEER_R2T_BEYOND,
	PEER_R2T_OFFSET,
	PEER_R2T_MANY,
	PEER_R2T_NONE,
	PEER_R2T_FOR_READ,
	/* when a command has come, in its place */
	PEER_CMD_TERM,
	PEER_CMD_TYPE,
	PEER_CMD_DIRECTION,
	PEER_CMD_HUGE,
	PEER_CMD_FIN,
	PEER_CMD_RST,
	PEER_CMD_SILENT,
	PEER_CMD_STOP_READING,
	/* amid data going out or coming in */
	PEER_DATA_RST,
	PEER_DATA_FIN,
	PEER_DATA_SILENT,
	PEER_FAULTS
};

#define PEER_ANY_QUEUE 0xffffu

struct peer_stats {
	uint64_t frames_in, frames_out, bytes_in, bytes_out;
	uint64_t bad_checksums; /* frames dropped for it: corruption on the way */
	uint64_t not_for_us;
	uint64_t segments_in, segments_out, retransmitted, rto, fast_retransmits, duplicates_in,
		out_of_order_in;
	uint64_t zero_windows;   /* window advertised as 0 by the adapter */
	uint64_t windows_shrunk; /* right edge moved back */
	uint64_t connections, resets_in, fins_in, term_reqs_in, term_reqs_out;
	uint64_t pdus_in, pdus_out, commands, reads, writes, read_bytes, write_bytes;
	uint64_t header_digests_bad, data_digests_bad;
	uint64_t keep_alives;
	unsigned int open; /* connections now */
	uint16_t last_fes; /* of the last TermReq that came */
	uint32_t last_fei;
};

/* NULL: no memory. send: gives a frame to the wire. */
struct peer *peer_new(const struct peer_params *params,
		      void (*send)(void *ctx, const void *frame, size_t len), void *ctx);
void peer_free(struct peer *p);

/* A frame came, at a time; peer_poll must follow. */
void peer_rx(struct peer *p, const void *frame, size_t len, uint64_t now_ns);
/* Does what is due; returns when to call again, UINT64_MAX: not before a frame. */
uint64_t peer_poll(struct peer *p, uint64_t now_ns);

/* Breaches seen so far. text (may be NULL): the first one. */
unsigned int peer_complaints(const struct peer *p, const char **text);
const struct peer_stats *peer_stats(const struct peer *p);
/* The namespace's bytes. */
uint8_t *peer_ram(struct peer *p, size_t *len);
/* Commands under way in all connections: 0 at the end of a test. */
unsigned int peer_commands(const struct peer *p);

/* Arms a fault: the occasion-th (from 1) on a connection of queue qid. arg: NVMe status, or FES. */
void peer_misbehave(struct peer *p, enum peer_fault fault, uint16_t qid, unsigned int occasion,
		    uint32_t arg);
/* True once the armed fault has happened. */
bool peer_misbehaved(const struct peer *p);
/* The name of a fault, for messages of tests. */
const char *peer_fault_name(enum peer_fault fault);

/* Completes a pending asynchronous event request of each controller; false: none had one. */
bool peer_event(struct peer *p, uint8_t type, uint8_t info, uint8_t log_page);
/* Reads on after PEER_CMD_STOP_READING. */
void peer_resume(struct peer *p);
/* Closes (FIN) or resets all connections. */
void peer_close_all(struct peer *p, bool reset);

#endif
