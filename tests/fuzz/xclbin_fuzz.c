/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of the walker of xclbin containers. Some inputs are bytes as a file; the others are a container
 * put together by the fuzzer's choice, whose header and lengths are nearly right, which get further in.
 * What is found sound must keep the format's rules, and can be read to the last byte.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "xclbin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECTIONS_MAX 8u
#define CONTENT_MAX 512u

#define REQUIRE(x)                                                        \
	do {                                                              \
		if (!(x)) {                                               \
			fprintf(stderr, "xclbin_fuzz: not so: %s\n", #x); \
			abort();                                          \
		}                                                         \
	} while (0)

static volatile uint8_t sink;

static void touch(const uint8_t *p, uint64_t n)
{
	while (n--)
		sink ^= *p++;
}

static void check_section(const struct xclbin *x, uint32_t i)
{
	const struct xclbin_section *s = &x->sections[i];
	uint32_t k;

	REQUIRE(memchr(s->name, 0, sizeof(s->name)));
	if (!s->size)
		return;
	REQUIRE(s->offset % 8 == 0 && s->offset >= 456 + 40ull * x->n_sections);
	REQUIRE(s->offset <= x->size && s->size <= x->size - s->offset);
	touch(xclbin_data(x, s), s->size);
	for (k = 0; k < xclbin_list_count(x, s); k++)
		touch(xclbin_list_entry(x, s, k), 1);
	for (k = 0; k < i; k++)
		REQUIRE(!x->sections[k].size ||
			x->sections[k].offset + x->sections[k].size <= s->offset ||
			s->offset + s->size <= x->sections[k].offset);
}

/* A copy that ends where it ends, so that reading on is seen. */
static void one(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct xclbin x;
	uint32_t i;
	int rc;

	memcpy(copy, data, size);
	rc = xclbin_open(&x, copy, size);
	REQUIRE(rc == 0 || rc == -EBADMSG);
	REQUIRE(!rc == !x.fault[0]);
	for (i = 0; !rc && i < x.n_sections; i++)
		check_section(&x, i);
	xclbin_close(&x);
	free(copy);
}

/* The content of a section of this kind: a count or offsets that are small, then anything. */
static size_t content(uint32_t kind, uint8_t *p)
{
	size_t i, n = u16() % CONTENT_MAX + 1;

	for (i = 0; i < n; i++)
		p[i] = left ? u8() : 0;
	switch (kind) {
	case XK_CLOCK_FREQ_TOPOLOGY:
	case XK_DEBUG_IP_LAYOUT:
		xput(p, u8() % 8, n < 2 ? 1 : 2);
		break;
	case XK_BMC:
		for (i = 1; i < 8 && i < n; i++)
			p[i] = 0;
		break;
	case XK_SOFT_KERNEL:
	case XK_ASK_FLASH:
	case XK_VENDER_METADATA:
		for (i = 1; i < 28 && i < n; i++)
			if (i % 4)
				p[i] = 0;
		break;
	default:
		if (n >= 4)
			xput(p, u8() % 8, 4);
	}
	return n;
}

static void made(void)
{
	static const uint32_t kinds[] = { 0, 2, 3, 6, 7, 8, 9, 11, 12, 13, 16, 23, 24, 26, 27, 31 };
	static uint8_t bytes[CONTENT_MAX];
	uint8_t file[456 + SECTIONS_MAX * (40 + CONTENT_MAX + 8)];
	size_t i, n = u8() % SECTIONS_MAX + 1, at = 456 + 40 * n;

	memset(file, 0, sizeof(file));
	memcpy(file, XCLBIN_MAGIC, 8);
	xput(file + XH_SIGNATURE_LENGTH, UINT32_MAX, 4);
	file[XH_UUID] = 1;
	xput(file + XH_NUM_SECTIONS, n, 4);
	for (i = 0; i < n; i++) {
		uint8_t *h = file + 456 + 40 * i;
		uint32_t kind = kinds[u8() % (sizeof(kinds) / sizeof(kinds[0]))];
		size_t len = content(kind, bytes);

		xput(h, kind, 4);
		xput(h + XS_OFFSET, at, 8);
		xput(h + XS_SIZE, len, 8);
		memcpy(file + at, bytes, len);
		at = (at + len + 7) & ~(size_t)7;
	}
	xput(file + XH_LENGTH, at, 8);
	/* then a few bytes are wrong, mostly in the headers */
	for (i = u8() % 4; i; i--) {
		size_t range = u8() & 1 ? 456 + 40 * n : at;

		file[u16() % range] = u8();
	}
	one(file, at);
}

/* The writer: it says what is wrong or writes what the walker takes. */
static void layout(const uint8_t *data, size_t size)
{
	char fault[256] = "";
	uint8_t *out;
	size_t len, i;
	int rc = xclbin_ip_layout((const char *)data, size, &out, &len, fault, sizeof(fault));

	REQUIRE(rc == 0 || rc == -EINVAL);
	REQUIRE(!rc == (out != NULL));
	if (rc) {
		REQUIRE(fault[0]);
		return;
	}
	REQUIRE(len == 8 + 80 * (size_t)xle32(out));
	for (i = 0; i < xle32(out); i++)
		REQUIRE(memchr(out + 8 + 80 * i + 16, 0, 64));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	in = data + 1;
	left = size - 1;
	if (data[0] < 32)
		one(data + 1, size - 1);
	else if (data[0] < 64)
		layout(data + 1, size - 1);
	else
		made();
	return 0;
}
