/* SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcoe_file.h"

#define PCAP_HEADER 24
#define RECORD_HEADER 16
#define FC_HEADER_AT 28 /* behind Ethernet and FCoE headers */
#define PAYLOAD_AT (FC_HEADER_AT + 24)
#define TRAILER 8 /* CRC, EOF, padding */

static uint8_t file[1 << 19];

static void frame(const uint8_t *p, size_t len, void (*each)(const struct fc_frame *f))
{
	const uint8_t *h = p + FC_HEADER_AT;
	struct fc_frame f = { .r_ctl = h[0] };

	if (p[12] != 0x89 || p[13] != 0x06)
		return;
	ck_assert_uint_ge(len, PAYLOAD_AT + TRAILER);
	f.d_id = (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
	f.s_id = (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
	f.ox_id = (uint16_t)(h[16] << 8 | h[17]);
	f.payload = p + PAYLOAD_AT;
	f.len = len - PAYLOAD_AT - TRAILER;
	each(&f);
}

void fcoe_read(const char *path, void (*each)(const struct fc_frame *f))
{
	FILE *in = fopen(path, "rb");
	size_t at = PCAP_HEADER, n;

	ck_assert_ptr_nonnull(in);
	n = fread(file, 1, sizeof(file), in);
	fclose(in);
	ck_assert_uint_lt(n, sizeof(file));
	while (at < n) {
		uint32_t len;

		memcpy(&len, &file[at + 8], 4);
		at += RECORD_HEADER;
		ck_assert_uint_le(at + len, n);
		frame(&file[at], len, each);
		at += len;
	}
}
