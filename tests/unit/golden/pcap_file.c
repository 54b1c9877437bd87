/* SPDX-License-Identifier: BSD-2-Clause */
#include "pcap_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du
#define LINKTYPE_ETHERNET 1u
#define CLASSIC_HEADER 24u
#define CLASSIC_RECORD 16u

#define NG_SECTION 0x0a0d0d0au
#define NG_BYTE_ORDER 0x1a2b3c4du
#define NG_INTERFACE 1u
#define NG_SIMPLE_PACKET 3u
#define NG_PACKET 6u
#define NG_OPTION_END 0u
#define NG_OPTION_TSRESOL 9u
#define NG_BLOCK_MIN 12u

#define NS_PER_S 1000000000ull

static int bad(struct pcap_file *file, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(file->error, sizeof(file->error), format, args);
	va_end(args);
	return -EBADMSG;
}

static uint32_t get32(const struct pcap_file *file, size_t at)
{
	const uint8_t *p = file->data + at;

	if (file->big_endian)
		return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint16_t get16(const struct pcap_file *file, size_t at)
{
	const uint8_t *p = file->data + at;

	return file->big_endian ? (uint16_t)(p[0] << 8 | p[1]) : (uint16_t)(p[1] << 8 | p[0]);
}

static int open_classic(struct pcap_file *file, bool nano)
{
	if (file->len < CLASSIC_HEADER)
		return bad(file, "file header cut short");
	if (get16(file, 4) != 2 || get16(file, 6) != 4)
		return bad(file, "pcap version %u.%u, not 2.4", get16(file, 4), get16(file, 6));
	if ((get32(file, 20) & 0xffff) != LINKTYPE_ETHERNET)
		return bad(file, "link type %u is not Ethernet", get32(file, 20) & 0xffff);
	file->interfaces = 1;
	file->ticks[0] = nano ? NS_PER_S : 1000000;
	file->at = CLASSIC_HEADER;
	return 0;
}

int pcap_file_open(struct pcap_file *file, const void *data, size_t len)
{
	memset(file, 0, sizeof(*file));
	file->data = data;
	file->len = len;
	if (len < 4)
		return bad(file, "too short for a capture file");
	for (int order = 0; order < 2; order++) {
		uint32_t magic;

		file->big_endian = order;
		magic = get32(file, 0);
		if (magic == MAGIC_MICRO || magic == MAGIC_NANO)
			return open_classic(file, magic == MAGIC_NANO);
	}
	file->next_generation = get32(file, 0) == NG_SECTION;
	return file->next_generation ? 0 : bad(file, "neither pcap nor pcapng");
}

/* Fills in a frame whose captured bytes start at `at`; end is where they must end by. */
static int take(struct pcap_file *file, struct pcap_frame *frame, size_t at, size_t end,
		uint32_t captured, uint32_t original)
{
	file->frames++;
	if (captured > end - at)
		return bad(file, "frame %u: %u bytes, only %zu there", file->frames, captured,
			   end - at);
	if (captured != original)
		return bad(file, "frame %u: %u of %u bytes captured", file->frames, captured,
			   original);
	frame->data = file->data + at;
	frame->len = captured;
	frame->number = file->frames;
	return 1;
}

static uint64_t to_ns(uint64_t count, uint64_t ticks)
{
	return count / ticks * NS_PER_S + count % ticks * NS_PER_S / ticks;
}

static int next_classic(struct pcap_file *file, struct pcap_frame *frame)
{
	size_t at = file->at;
	int rc;

	if (at == file->len)
		return 0;
	if (file->len - at < CLASSIC_RECORD)
		return bad(file, "frame %u: header cut short", file->frames + 1);
	rc = take(file, frame, at + CLASSIC_RECORD, file->len, get32(file, at + 8),
		  get32(file, at + 12));
	if (rc < 0)
		return rc;
	frame->time_ns = get32(file, at) * NS_PER_S + to_ns(get32(file, at + 4), file->ticks[0]);
	file->at = at + CLASSIC_RECORD + frame->len;
	return 1;
}

/* The if_tsresol option: a power of ten, or of two when the top bit is set. */
static int set_ticks(struct pcap_file *file, uint8_t resolution)
{
	uint64_t ticks = 1;
	unsigned power = resolution & 0x7f;

	if (power > ((resolution & 0x80) ? 30 : 9))
		return bad(file, "interface %u: timestamps too fine", file->interfaces);
	while (power--)
		ticks *= (resolution & 0x80) ? 2 : 10;
	file->ticks[file->interfaces] = ticks;
	return 0;
}

static int read_interface(struct pcap_file *file, size_t at, size_t end)
{
	int rc = 0;

	if (end - at < 8)
		return bad(file, "interface block cut short");
	if (get16(file, at) != LINKTYPE_ETHERNET)
		return bad(file, "link type %u is not Ethernet", get16(file, at));
	if (file->interfaces == PCAP_MAX_INTERFACES)
		return bad(file, "more than %u interfaces", PCAP_MAX_INTERFACES);
	file->ticks[file->interfaces] = 1000000;
	for (at += 8; end - at >= 4 && get16(file, at) != NG_OPTION_END && !rc;) {
		unsigned code = get16(file, at), len = get16(file, at + 2);

		if (((len + 3) & ~3u) > end - at - 4)
			return bad(file, "interface option longer than its block");
		if (code == NG_OPTION_TSRESOL && len == 1)
			rc = set_ticks(file, file->data[at + 4]);
		at += 4 + ((len + 3) & ~3u);
	}
	file->interfaces++;
	return rc;
}

static int read_packet(struct pcap_file *file, struct pcap_frame *frame, size_t at, size_t end)
{
	uint64_t count;
	uint32_t interface;

	if (end - at < 20)
		return bad(file, "packet block cut short");
	interface = get32(file, at);
	if (interface >= file->interfaces)
		return bad(file, "frame %u: interface %u unknown", file->frames + 1, interface);
	count = (uint64_t)get32(file, at + 4) << 32 | get32(file, at + 8);
	frame->time_ns = to_ns(count, file->ticks[interface]);
	return take(file, frame, at + 20, end, get32(file, at + 12), get32(file, at + 16));
}

static int read_simple(struct pcap_file *file, struct pcap_frame *frame, size_t at, size_t end)
{
	uint32_t len;

	if (end - at < 4 || !file->interfaces)
		return bad(file, "simple packet block cut short or before its interface");
	len = get32(file, at);
	frame->time_ns = 0;
	return take(file, frame, at + 4, end, len, len);
}

/* A section header says in which byte order it, and what follows, is written. */
static int read_section(struct pcap_file *file)
{
	if (file->len - file->at < 28)
		return bad(file, "section header cut short");
	file->big_endian = false;
	if (get32(file, file->at + 8) != NG_BYTE_ORDER)
		file->big_endian = true;
	if (get32(file, file->at + 8) != NG_BYTE_ORDER)
		return bad(file, "section header without its byte order");
	if (get16(file, file->at + 12) != 1)
		return bad(file, "pcapng version %u, not 1", get16(file, file->at + 12));
	file->interfaces = 0;
	return 0;
}

/* Takes one block: 1 when it was a frame, 0 when it was anything else. */
static int next_block(struct pcap_file *file, struct pcap_frame *frame)
{
	size_t at = file->at, end;
	uint32_t type, len;

	if (file->len - at < NG_BLOCK_MIN)
		return bad(file, "block at %zu cut short", at);
	type = get32(file, at);
	if (type == NG_SECTION) {
		int rc = read_section(file);

		if (rc)
			return rc;
	}
	len = get32(file, at + 4);
	if (len < NG_BLOCK_MIN || len % 4 || len > file->len - at)
		return bad(file, "block at %zu: length %u", at, len);
	if (get32(file, at + len - 4) != len)
		return bad(file, "block at %zu: its two lengths differ", at);
	file->at = at + len;
	end = at + len - 4;
	at += 8;
	if (type == NG_INTERFACE)
		return read_interface(file, at, end);
	if (type == NG_PACKET)
		return read_packet(file, frame, at, end);
	if (type == NG_SIMPLE_PACKET)
		return read_simple(file, frame, at, end);
	return 0;
}

int pcap_file_next(struct pcap_file *file, struct pcap_frame *frame)
{
	int rc = 0;

	if (!file->next_generation)
		return next_classic(file, frame);
	while (!rc && file->at < file->len)
		rc = next_block(file, frame);
	return rc;
}
