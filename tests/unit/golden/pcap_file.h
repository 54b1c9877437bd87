/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames of a capture file, one after the other: classic pcap and pcapng,
 * either byte order, Ethernet only. Strict: whatever is cut short, contradicts
 * itself or is not Ethernet ends the reading with -EBADMSG and a sentence in
 * `error`. The data stays in the caller's memory; nothing is copied.
 */
#ifndef TESTS_PCAP_FILE_H
#define TESTS_PCAP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCAP_MAX_INTERFACES 16

struct pcap_frame {
	const uint8_t *data;
	size_t len;
	uint64_t time_ns;
	unsigned number; /* 1, 2, ... as other tools count */
};

struct pcap_file {
	const uint8_t *data;
	size_t len;
	size_t at;
	bool next_generation;
	bool big_endian;
	unsigned frames;
	unsigned interfaces;
	uint64_t ticks[PCAP_MAX_INTERFACES]; /* timestamp units per second */
	char error[96];
};

/* Starts on len bytes at data. 0, or -EBADMSG when this is no capture file. */
int pcap_file_open(struct pcap_file *file, const void *data, size_t len);

/* Gives the next frame. 1, 0 at the end of the file, or -EBADMSG. */
int pcap_file_next(struct pcap_file *file, struct pcap_frame *frame);

#endif
