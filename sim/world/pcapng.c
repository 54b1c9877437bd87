// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../weft_sim.h"
#include "pcapng.h"

#define SECTION_HEADER 0x0a0d0d0au
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define INTERFACE_DESCRIPTION 1u
#define ENHANCED_PACKET 6u
#define LINKTYPE_ETHERNET 1u
#define LINKTYPE_FC_2_WITH_FRAME_DELIMS 225u
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

static bool put_header(FILE *f, const char *name, uint32_t link_type)
{
	static const uint8_t resolution = 9; /* ten to the minus ninth seconds */
	size_t name_len = strlen(name);
	uint32_t section[7] = {
		SECTION_HEADER, 28, BYTE_ORDER_MAGIC, 1 /* version 1.0 */, ~0u, ~0u, 28
	};
	uint32_t idb_len = 16 + 4 + round4(name_len) + 8 + 4 + 4;
	uint32_t idb[4] = { INTERFACE_DESCRIPTION, idb_len, link_type, 0 };
	uint32_t end = 0;

	return put(f, section, sizeof(section)) && put(f, idb, sizeof(idb)) &&
	       put_option(f, OPT_IF_NAME, name, name_len) &&
	       put_option(f, OPT_IF_TSRESOL, &resolution, 1) && put(f, &end, 4) &&
	       put(f, &idb_len, 4);
}

int weft_pcapng_open(const char *path, const char *name, bool fc, uint64_t base_ns,
		     struct weft_pcapng **out)
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
	if (!put_header(cap->file, name,
			fc ? LINKTYPE_FC_2_WITH_FRAME_DELIMS : LINKTYPE_ETHERNET)) {
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

/*
 * A delimiter word (code of RFC 3643 first) as the ordered set it is on an 8b/10b wire, K28.5 written
 * as BCh. Codes without one are written as they are, which no program takes for a delimiter.
 */
static void ordered_set(uint8_t word[4])
{
	static const uint8_t sets[][3] = {
		{ 0x28, 0xb5, 0x58 }, /* SOFf */
		{ 0x2d, 0xb5, 0x55 }, /* SOFi2 */
		{ 0x2e, 0xb5, 0x56 }, /* SOFi3 */
		{ 0x35, 0xb5, 0x35 }, /* SOFn2 */
		{ 0x36, 0xb5, 0x36 }, /* SOFn3 */
		{ 0x41, 0x95, 0xd5 }, /* EOFn */
		{ 0x42, 0x95, 0x75 }, /* EOFt */
		{ 0x46, 0x95, 0x95 }, /* EOFdt */
		{ 0x49, 0x8a, 0xd5 }, /* EOFni */
		{ 0x4e, 0x8a, 0x95 }, /* EOFdti */
		{ 0x50, 0x95, 0xf5 }, /* EOFa */
	};
	size_t i;

	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if (sets[i][0] == word[0]) {
			word[0] = 0xbc;
			word[1] = sets[i][1];
			word[2] = word[3] = sets[i][2];
			return;
		}
}

int weft_pcapng_write_fc(struct weft_pcapng *cap, const void *unit, size_t len, uint64_t ns,
			 bool out)
{
	uint8_t frame[WEFT_FC_UNIT_MAX];

	if (len <= WEFT_FC_PRIM_LEN || len > sizeof(frame))
		return 0;
	memcpy(frame, unit, len);
	ordered_set(frame);
	ordered_set(frame + len - 4);
	return weft_pcapng_write(cap, frame, len, ns, out);
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
