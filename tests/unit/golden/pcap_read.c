/* SPDX-License-Identifier: BSD-2-Clause */
#include "pcap_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap_file.h"

#define ETH_HEADER 14u
#define ETH_IPV4 0x0800u
#define IP_HEADER 20u
#define IP_TCP 6u
#define IP_FRAGMENT 0x3fffu
#define TCP_HEADER 20u
#define TCP_FIN 0x01u
#define TCP_SYN 0x02u
#define TCP_RST 0x04u
#define TCP_ACK 0x10u

/* Nothing real is further ahead than the largest window that can be scaled. */
#define WINDOW_MAX (1 << 30)

struct early {
	struct early *next; /* sorted by offset */
	uint64_t offset;
	size_t len;
	uint8_t data[];
};

/* One direction: all its bytes so far, and what waits behind a gap. */
struct direction {
	struct pcap_stream stream;
	bool synced;
	uint32_t first; /* sequence number of the stream's first byte */
	uint8_t *data;
	size_t len;
	size_t room;
	struct early *early;
	bool fin;
	uint64_t fin_offset;
};

struct connection {
	struct connection *older;
	struct direction side[2]; /* [from_server] */
};

struct segment {
	uint32_t source_ip, target_ip;
	uint16_t source_port, target_port;
	uint32_t seq;
	unsigned flags;
	const uint8_t *data;
	size_t len;
};

struct reader {
	const struct pcap_ops *ops;
	void *context;
	struct pcap_result *result;
	struct connection *newest;
	unsigned frame;
};

static int bad(struct reader *reader, const char *format, ...)
{
	char text[96];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(reader->result->error, sizeof(reader->result->error), "frame %u: %s",
		 reader->frame, text);
	return -EBADMSG;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static uint32_t sum(uint32_t total, const uint8_t *data, size_t len)
{
	for (; len > 1; data += 2, len -= 2)
		total += be16(data);
	if (len)
		total += (uint32_t)data[0] << 8;
	return total;
}

static bool checksum_good(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total == 0xffff;
}

/* --- one direction ------------------------------------------------------- */

static int append(struct reader *reader, struct direction *d, const uint8_t *data, size_t len)
{
	size_t at = d->len;

	if (d->room - d->len < len) {
		size_t room = 2 * d->room + len;
		uint8_t *bigger = realloc(d->data, room);

		if (!bigger)
			return -ENOMEM;
		d->data = bigger;
		d->room = room;
	}
	memcpy(d->data + at, data, len);
	d->len += len;
	d->stream.frame = reader->frame;
	d->stream.offset = at;
	return reader->ops->data(reader->context, &d->stream, d->data + at, len);
}

/* Takes bytes that start at or before the expected offset; what is old must be equal. */
static int accept_bytes(struct reader *reader, struct direction *d, uint64_t offset,
			const uint8_t *data, size_t len)
{
	size_t old = d->len - offset < len ? d->len - offset : len;

	if (old && memcmp(d->data + offset, data, old))
		return bad(reader, "retransmission differs from what was sent before");
	return len > old ? append(reader, d, data + old, len - old) : 0;
}

static int keep_early(struct direction *d, uint64_t offset, const uint8_t *data, size_t len)
{
	struct early **link = &d->early;
	struct early *e = malloc(sizeof(*e) + len);

	if (!e)
		return -ENOMEM;
	e->offset = offset;
	e->len = len;
	memcpy(e->data, data, len);
	while (*link && (*link)->offset <= offset)
		link = &(*link)->next;
	e->next = *link;
	*link = e;
	return 0;
}

/* Takes what a closed gap has made ready. */
static int accept_early(struct reader *reader, struct direction *d)
{
	int rc = 0;

	while (!rc && d->early && d->early->offset <= d->len) {
		struct early *e = d->early;

		d->early = e->next;
		rc = accept_bytes(reader, d, e->offset, e->data, e->len);
		free(e);
	}
	return rc;
}

static int take_payload(struct reader *reader, struct direction *d, const struct segment *s,
			int32_t ahead)
{
	int rc;

	if (ahead > 0) {
		reader->result->out_of_order++;
		return keep_early(d, d->len + ahead, s->data, s->len);
	}
	if (ahead < 0)
		reader->result->repeated++;
	rc = accept_bytes(reader, d, d->len + ahead, s->data, s->len);
	return rc ? rc : accept_early(reader, d);
}

/* Takes a segment of an established direction. */
static int take_segment(struct reader *reader, struct direction *d, const struct segment *s)
{
	int32_t ahead = (int32_t)(s->seq - (d->first + (uint32_t)d->len));
	int64_t end = (int64_t)d->len + ahead + (int64_t)s->len;

	/* A keep-alive probe names the byte before the next one and may carry none. */
	if (!s->len && !(s->flags & TCP_FIN))
		return 0;
	if (ahead > WINDOW_MAX || (int64_t)d->len + ahead < 0)
		return bad(reader, "sequence number %u is far from any window", s->seq);
	if (d->fin && (uint64_t)end > d->fin_offset)
		return bad(reader, "data beyond the FIN");
	if (s->flags & TCP_FIN) {
		if (d->fin && d->fin_offset != (uint64_t)end)
			return bad(reader, "a second FIN elsewhere");
		d->fin = true;
		d->fin_offset = (uint64_t)end;
	}
	return s->len ? take_payload(reader, d, s, ahead) : 0;
}

/* --- connections --------------------------------------------------------- */

static bool sent_by(const struct direction *d, const struct segment *s)
{
	return d->stream.source_ip == s->source_ip && d->stream.target_ip == s->target_ip &&
	       d->stream.source_port == s->source_port && d->stream.target_port == s->target_port;
}

/* The newest connection of this segment's addresses; *from_server says whose it is. */
static struct connection *find(struct reader *reader, const struct segment *s, bool *from_server)
{
	struct connection *c;

	for (c = reader->newest; c; c = c->older) {
		*from_server = sent_by(&c->side[1], s);
		if (*from_server || sent_by(&c->side[0], s))
			break;
	}
	return c;
}

static void name_side(struct direction *d, unsigned connection, bool from_server,
		      const struct segment *s)
{
	d->stream.connection = connection;
	d->stream.from_server = from_server;
	d->stream.source_ip = from_server ? s->target_ip : s->source_ip;
	d->stream.target_ip = from_server ? s->source_ip : s->target_ip;
	d->stream.source_port = from_server ? s->target_port : s->source_port;
	d->stream.target_port = from_server ? s->source_port : s->target_port;
}

static void sync_side(struct direction *d, const struct segment *s)
{
	d->synced = true;
	d->first = s->seq + 1;
}

static int start_connection(struct reader *reader, const struct segment *s)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	name_side(&c->side[0], reader->result->connections, false, s);
	name_side(&c->side[1], reader->result->connections, true, s);
	sync_side(&c->side[0], s);
	c->older = reader->newest;
	reader->newest = c;
	reader->result->connections++;
	return 0;
}

static int take_syn(struct reader *reader, const struct segment *s)
{
	bool from_server;
	struct connection *c = find(reader, s, &from_server);
	struct direction *d = c ? &c->side[from_server] : NULL;

	if (s->len)
		return bad(reader, "SYN with data");
	if (!(s->flags & TCP_ACK)) {
		bool again = d && !from_server && d->first == s->seq + 1;

		return again ? 0 : start_connection(reader, s);
	}
	if (!d || !from_server)
		reader->result->passed_over++;
	else if (d->synced && d->first != s->seq + 1)
		return bad(reader, "second SYN-ACK with another sequence number");
	else
		sync_side(d, s);
	return 0;
}

static int take_tcp(struct reader *reader, const struct segment *s)
{
	bool from_server;
	struct connection *c;

	if (s->flags & TCP_SYN)
		return take_syn(reader, s);
	c = find(reader, s, &from_server);
	if (!c || !c->side[from_server].synced) {
		reader->result->passed_over++;
		return 0;
	}
	/* Data of a reset is an explanation at most, never part of the stream. */
	if (s->flags & TCP_RST)
		return 0;
	return take_segment(reader, &c->side[from_server], s);
}

/* --- frames -------------------------------------------------------------- */

static int parse_tcp(struct reader *reader, const uint8_t *ip, const uint8_t *tcp, size_t len)
{
	struct segment s;
	size_t header;

	if (len < TCP_HEADER)
		return bad(reader, "TCP header cut short");
	if (!checksum_good(sum(sum((uint32_t)(IP_TCP + len), ip + 12, 8), tcp, len))) {
		reader->result->bad_checksums++;
		return 0;
	}
	header = (size_t)(tcp[12] >> 4) * 4;
	if (header < TCP_HEADER || header > len)
		return bad(reader, "TCP header of %zu bytes in a segment of %zu", header, len);
	s = (struct segment){
		.source_ip = be32(ip + 12),
		.target_ip = be32(ip + 16),
		.source_port = be16(tcp),
		.target_port = be16(tcp + 2),
		.seq = be32(tcp + 4),
		.flags = tcp[13],
		.data = tcp + header,
		.len = len - header,
	};
	reader->result->segments++;
	return take_tcp(reader, &s);
}

static int parse_frame(struct reader *reader, const struct pcap_frame *frame)
{
	const uint8_t *ip = frame->data + ETH_HEADER;
	size_t left, header, total;

	if (frame->len < ETH_HEADER)
		return bad(reader, "%zu bytes are no Ethernet frame", frame->len);
	left = frame->len - ETH_HEADER;
	if (be16(frame->data + 12) != ETH_IPV4) {
		reader->result->passed_over++;
		return 0;
	}
	if (left < IP_HEADER || ip[0] >> 4 != 4)
		return bad(reader, "IPv4 header cut short or of another version");
	header = (size_t)(ip[0] & 15) * 4;
	total = be16(ip + 2);
	if (header < IP_HEADER || header > total || total > left)
		return bad(reader, "IPv4 header %zu, total %zu, there %zu", header, total, left);
	if (!checksum_good(sum(0, ip, header))) {
		reader->result->bad_checksums++;
		return 0;
	}
	if (ip[9] != IP_TCP || (be16(ip + 6) & IP_FRAGMENT)) {
		reader->result->passed_over++;
		return 0;
	}
	return parse_tcp(reader, ip, ip + header, total - header);
}

static int end_side(struct reader *reader, struct direction *d)
{
	for (struct early *e = d->early; e; e = e->next)
		d->stream.unreachable += e->len;
	d->stream.frame = reader->frame;
	d->stream.offset = d->len;
	d->stream.finished = d->fin && d->fin_offset == d->len;
	return reader->ops->end ? reader->ops->end(reader->context, &d->stream) : 0;
}

/* Oldest first; there are few enough connections to recurse over. */
static int end_connections(struct reader *reader, struct connection *c)
{
	int rc = 0;

	if (c)
		rc = end_connections(reader, c->older);
	for (int i = 0; i < 2 && c && !rc; i++)
		rc = end_side(reader, &c->side[i]);
	return rc;
}

static void free_connections(struct connection *c)
{
	while (c) {
		struct connection *older = c->older;

		for (int i = 0; i < 2; i++) {
			while (c->side[i].early) {
				struct early *e = c->side[i].early;

				c->side[i].early = e->next;
				free(e);
			}
			free(c->side[i].data);
		}
		free(c);
		c = older;
	}
}

int pcap_read_memory(const void *data, size_t len, const struct pcap_ops *ops, void *context,
		     struct pcap_result *result)
{
	struct reader reader = { .ops = ops, .context = context, .result = result };
	struct pcap_frame frame;
	struct pcap_file file;
	int rc;

	memset(result, 0, sizeof(*result));
	rc = pcap_file_open(&file, data, len);
	while (!rc) {
		rc = pcap_file_next(&file, &frame);
		if (rc <= 0)
			break;
		result->frames++;
		reader.frame = frame.number;
		rc = parse_frame(&reader, &frame);
	}
	if (file.error[0])
		snprintf(result->error, sizeof(result->error), "%s", file.error);
	if (!rc)
		rc = end_connections(&reader, reader.newest);
	free_connections(reader.newest);
	return rc;
}

/* Reads a whole file into memory of its own; NULL and *rc when that fails. */
static uint8_t *load(const char *path, size_t *len, int *rc)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	long size = -1;

	*rc = f ? -EIO : -errno;
	if (!f)
		return NULL;
	if (!fseek(f, 0, SEEK_END))
		size = ftell(f);
	if (size >= 0 && !fseek(f, 0, SEEK_SET))
		data = malloc((size_t)size + 1);
	*len = (size_t)size;
	if (data && fread(data, 1, *len, f) != *len) {
		free(data);
		data = NULL;
	}
	fclose(f);
	return data;
}

int pcap_read(const char *path, const struct pcap_ops *ops, void *context,
	      struct pcap_result *result)
{
	size_t len;
	int rc;
	uint8_t *data = load(path, &len, &rc);

	memset(result, 0, sizeof(*result));
	if (!data) {
		snprintf(result->error, sizeof(result->error), "%s: %s", path, strerror(-rc));
		return rc;
	}
	rc = pcap_read_memory(data, len, ops, context, result);
	free(data);
	return rc;
}
