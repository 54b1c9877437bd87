/* SPDX-License-Identifier: BSD-2-Clause */
#include "pcap_make.h"

#include <check.h>
#include <string.h>

static bool big_endian(const struct capture *c)
{
	return c->format == PCAP_CLASSIC_BE || c->format == PCAP_NG_BE;
}

static bool next_generation(const struct capture *c)
{
	return c->format >= PCAP_NG_LE;
}

static void put(struct capture *c, const void *data, size_t len)
{
	ck_assert_uint_le(c->len + len, sizeof(c->data));
	memcpy(c->data + c->len, data, len);
	c->len += len;
}

static void put_number(struct capture *c, uint32_t value, size_t size)
{
	uint8_t bytes[4] = { 0 };

	for (size_t i = 0; i < size; i++)
		bytes[big_endian(c) ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
	put(c, bytes, size);
}

static void put32(struct capture *c, uint32_t value)
{
	put_number(c, value, 4);
}

static void put16(struct capture *c, uint16_t value)
{
	put_number(c, value, 2);
}

static void begin_classic(struct capture *c)
{
	put32(c, c->format == PCAP_CLASSIC_NANO ? 0xa1b23c4d : 0xa1b2c3d4);
	put16(c, 2);
	put16(c, 4);
	put32(c, 0);
	put32(c, 0);
	put32(c, 65535);
	put32(c, 1);
}

static void begin_next_generation(struct capture *c)
{
	put32(c, 0x0a0d0d0a);
	put32(c, 28);
	put32(c, 0x1a2b3c4d);
	put16(c, 1);
	put16(c, 0);
	put32(c, 0xffffffff);
	put32(c, 0xffffffff);
	put32(c, 28);
	put32(c, 1); /* an interface with nanoseconds */
	put32(c, 32);
	put16(c, 1);
	put16(c, 0);
	put32(c, 0);
	put16(c, 9);
	put16(c, 1);
	put(c, "\x09\0\0\0", 4);
	put32(c, 0);
	put32(c, 32);
}

void capture_begin(struct capture *c, enum pcap_format format)
{
	memset(c, 0, sizeof(*c));
	c->format = format;
	c->client_port = CLIENT_PORT;
	if (next_generation(c))
		begin_next_generation(c);
	else
		begin_classic(c);
}

static void put_block(struct capture *c, const void *frame, size_t len)
{
	uint32_t padded = (uint32_t)(len + 3) & ~3u;
	bool simple = c->format == PCAP_NG_SIMPLE;
	uint32_t total = padded + (simple ? 16 : 32);

	put32(c, simple ? 3 : 6);
	put32(c, total);
	if (!simple) {
		put32(c, 0);
		put32(c, 0);
		put32(c, 1000);
		put32(c, (uint32_t)len);
	}
	put32(c, (uint32_t)len);
	c->last = c->len;
	put(c, frame, len);
	put(c, "\0\0\0", padded - len);
	put32(c, total);
}

void capture_frame(struct capture *c, const void *frame, size_t len)
{
	c->last_len = len;
	if (next_generation(c)) {
		put_block(c, frame, len);
		return;
	}
	put32(c, 0);
	put32(c, 1);
	put32(c, (uint32_t)len);
	put32(c, (uint32_t)len);
	c->last = c->len;
	put(c, frame, len);
}

static uint16_t fold(uint32_t total, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		total += i & 1 ? data[i] : (uint32_t)data[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static void be16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void be32(uint8_t *at, uint32_t value)
{
	be16(at, (uint16_t)(value >> 16));
	be16(at + 2, (uint16_t)value);
}

void capture_segment(struct capture *c, bool from_server, uint32_t seq, unsigned flags,
		     const char *text)
{
	uint8_t frame[512] = { [12] = 0x08, [14] = 0x45 };
	uint8_t *ip = frame + 14, *tcp = ip + 20;
	size_t len = 20 + strlen(text);

	ck_assert_uint_le(34 + len, sizeof(frame));
	be16(ip + 2, (uint16_t)(20 + len));
	ip[8] = 64;
	ip[9] = 6;
	be32(ip + 12, from_server ? 0x0a000002 : 0x0a000001);
	be32(ip + 16, from_server ? 0x0a000001 : 0x0a000002);
	be16(ip + 10, fold(0, ip, 20));
	be16(tcp, from_server ? SERVER_PORT : c->client_port);
	be16(tcp + 2, from_server ? c->client_port : SERVER_PORT);
	be32(tcp + 4, seq);
	tcp[12] = 5 << 4;
	tcp[13] = (uint8_t)flags;
	memcpy(tcp + 20, text, strlen(text));
	be16(tcp + 16, fold((uint32_t)(6 + len) + 0x0a00 * 2 + 3, tcp, len));
	capture_frame(c, frame, 34 + len);
}

void capture_handshake(struct capture *c, uint32_t client_seq, uint32_t server_seq)
{
	capture_segment(c, false, client_seq - 1, TCP_SYN, "");
	capture_segment(c, true, server_seq - 1, TCP_SYN | TCP_ACK, "");
}
