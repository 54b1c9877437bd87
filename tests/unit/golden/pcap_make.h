/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes small capture files in memory, sound or damaged, for the tests of the reader. */
#ifndef TESTS_PCAP_MAKE_H
#define TESTS_PCAP_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pcap_format {
	PCAP_CLASSIC_LE,
	PCAP_CLASSIC_BE,
	PCAP_CLASSIC_NANO,
	PCAP_NG_LE,
	PCAP_NG_BE,
	PCAP_NG_SIMPLE,
};

struct capture {
	enum pcap_format format;
	uint8_t data[16384];
	size_t len;
	size_t last;     /* where the last frame's bytes start */
	size_t last_len; /* and how many they are */
	uint16_t client_port;
};

#define CLIENT_PORT 40000
#define SERVER_PORT 4420

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* Empty capture of a format; its frames belong to CLIENT_PORT and SERVER_PORT. */
void capture_begin(struct capture *c, enum pcap_format format);

/* Adds any frame. */
void capture_frame(struct capture *c, const void *frame, size_t len);

/* Adds a TCP segment with right checksums and a text as its data. */
void capture_segment(struct capture *c, bool from_server, uint32_t seq, unsigned flags,
		     const char *text);

/* Adds SYN and SYN-ACK: the first bytes will have these sequence numbers. */
void capture_handshake(struct capture *c, uint32_t client_seq, uint32_t server_seq);

#endif
