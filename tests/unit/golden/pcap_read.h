/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TCP byte streams of a capture file, for tests that feed parsers with what
 * real peers have sent. Each direction of each connection is put in order:
 * retransmitted bytes are dropped (and must equal the first copy), segments that
 * came early wait for the gap to close. IPv4 over Ethernet; frames of anything
 * else, fragments, and segments of connections whose SYN is not in the capture
 * are counted and passed over. Segments with a wrong checksum are counted and
 * dropped, as a receiver would.
 */
#ifndef TESTS_PCAP_READ_H
#define TESTS_PCAP_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One direction of one connection. */
struct pcap_stream {
	unsigned connection; /* 0, 1, ... in the order of their SYNs */
	bool from_server;    /* sent by the side that did not send the first SYN */
	uint32_t source_ip;  /* host byte order, as the ports */
	uint32_t target_ip;
	uint16_t source_port;
	uint16_t target_port;
	unsigned frame;     /* number of the frame that made this data ready */
	uint64_t offset;    /* bytes of this direction handed out before */
	bool finished;      /* FIN seen and every byte before it handed out */
	size_t unreachable; /* bytes that came but wait behind a gap */
};

/*
 * What the reader calls, from inside pcap_read(), in the order of the capture.
 * A callback that returns non-zero ends the reading with that value. The user
 * finds a place for its own state by connection and from_server.
 */
struct pcap_ops {
	/* len >= 1 bytes that follow those given before; valid during the call. */
	int (*data)(void *context, const struct pcap_stream *stream, const uint8_t *data,
		    size_t len);
	/* Optional; once for each direction, when the whole capture has been read. */
	int (*end)(void *context, const struct pcap_stream *stream);
};

struct pcap_result {
	unsigned frames;
	unsigned segments; /* TCP segments with sound checksums */
	unsigned connections;
	unsigned bad_checksums;
	unsigned repeated;     /* segments that start before what is expected */
	unsigned out_of_order; /* segments that start after it */
	unsigned passed_over;  /* not IPv4 TCP, fragments, no SYN seen */
	char error[128];       /* what is wrong, when the reading fails */
};

/*
 * Reads a whole file. 0; the value of a callback; -EBADMSG when the file, a
 * header or a retransmission contradicts itself; -ENOMEM; or the error of
 * opening or reading the file. result is always filled in.
 */
int pcap_read(const char *path, const struct pcap_ops *ops, void *context,
	      struct pcap_result *result);

/* The same for a file in memory. */
int pcap_read_memory(const void *data, size_t len, const struct pcap_ops *ops, void *context,
		     struct pcap_result *result);

#endif
