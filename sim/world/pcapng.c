// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcapng.h"

#define SECTION_HEADER 0x0a0d0d0au
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define INTERFACE_DESCRIPTION 1u
#define ENHANCED_PACKET 6u
#define LINKTYPE_ETHERNET 1u
#define OPT_IF_NAME 2u
#define OPT_IF_TSRESOL 9u
#define OPT_EPB_FLAGS 2u
#define INBOUND 1u
#define OUTBOUND 2u

struct weft_pcapng {
	FILE *file;
	uint64_t base_ns;
};

static uint32_t round4(size_t n)
{
	return (uint32_t)(n + 3) & ~3u;
}

static bool put(FILE *f, const void *bytes, size_t len)
{
	static const uint8_t zero[4];
	size_t pad = round4(len) - len;

	return fwrite(bytes, 1, len, f) == len && fwrite(zero, 1, pad, f) == pad;
}

static bool put_option(FILE *f, uint32_t code, const void *bytes, size_t len)
{
	uint32_t head = code | (uint32_t)len << 16;

	return put(f, &head, 4) && put(f, bytes, len);
}

static bool put_header(FILE *f, const char *name)
{
	static const uint8_t resolution = 9; /* ten to the minus ninth seconds */
	size_t name_len = strlen(name);
	uint32_t section[7] = {
		SECTION_HEADER, 28, BYTE_ORDER_MAGIC, 1 /* version 1.0 */, ~0u, ~0u, 28
	};
	uint32_t idb_len = 16 + 4 + round4(name_len) + 8 + 4 + 4;
	uint32_t idb[4] = { INTERFACE_DESCRIPTION, idb_len, LINKTYPE_ETHERNET, 0 };
	uint32_t end = 0;

	return put(f, section, sizeof(section)) && put(f, idb, sizeof(idb)) &&
	       put_option(f, OPT_IF_NAME, name, name_len) &&
	       put_option(f, OPT_IF_TSRESOL, &resolution, 1) && put(f, &end, 4) &&
	       put(f, &idb_len, 4);
}

int weft_pcapng_open(const char *path, const char *name, uint64_t base_ns, struct weft_pcapng **out)
{
	struct weft_pcapng *cap = calloc(1, sizeof(*cap));
	int ret;

	*out = NULL;
	if (!cap)
		return -ENOMEM;
	cap->base_ns = base_ns;
	cap->file = fopen(path, "wb");
	if (!cap->file) {
		ret = -errno;
		free(cap);
		return ret;
	}
	if (!put_header(cap->file, name)) {
		weft_pcapng_close(cap);
		return -EIO;
	}
	*out = cap;
	return 0;
}

int weft_pcapng_write(struct weft_pcapng *cap, const void *frame, size_t len, uint64_t ns, bool out)
{
	uint64_t t = ns + cap->base_ns;
	uint32_t flags = out ? OUTBOUND : INBOUND;
	uint32_t total = 28 + round4(len) + 8 + 4 + 4;
	uint32_t head[7] = { ENHANCED_PACKET, total,        0, (uint32_t)(t >> 32), (uint32_t)t,
			     (uint32_t)len,   (uint32_t)len };
	uint32_t end = 0;

	if (put(cap->file, head, sizeof(head)) && put(cap->file, frame, len) &&
	    put_option(cap->file, OPT_EPB_FLAGS, &flags, 4) && put(cap->file, &end, 4) &&
	    put(cap->file, &total, 4))
		return 0;
	return -EIO;
}

int weft_pcapng_flush(struct weft_pcapng *cap)
{
	return fflush(cap->file) ? -EIO : 0;
}

int weft_pcapng_close(struct weft_pcapng *cap)
{
	int ret;

	if (!cap)
		return 0;
	ret = fclose(cap->file) ? -EIO : 0;
	free(cap);
	return ret;
}
