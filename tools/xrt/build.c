/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes an xclbin container into memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "xclbin.h"

static size_t aligned(size_t n)
{
	return (n + XCLBIN_ALIGN - 1) & ~(size_t)(XCLBIN_ALIGN - 1);
}

static int say(char *fault, size_t len, const char *what)
{
	snprintf(fault, len, "%s", what);
	return -EINVAL;
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

/* Names that fit, and the size of it all. */
static int measure(const struct xclbin_params *p, size_t *size, char *fault, size_t len)
{
	size_t i, n = XCLBIN_HEADER_LEN + p->n_parts * XCLBIN_SECTION_LEN;

	if (!p->vbnv || !*p->vbnv)
		return say(fault, len, "platform: none is named");
	if (strlen(p->vbnv) >= XCLBIN_VBNV_LEN || !printable(p->vbnv))
		return say(fault, len, "platform: more than 63 characters, or not printable");
	if (!p->n_parts || p->n_parts > XCLBIN_SECTIONS_MAX)
		return say(fault, len, "sections: 1 to 65536 are needed");
	if (!xclbin_mode_name(p->mode))
		return say(fault, len, "mode: there is no such mode");
	for (i = 0; i < p->n_parts; i++) {
		const struct xclbin_part *s = &p->parts[i];

		if (s->name && (strlen(s->name) >= XCLBIN_NAME_LEN || !printable(s->name)))
			return say(fault, len,
				   "section's name: more than 15 characters, or not printable");
		if (!s->size)
			return say(fault, len, "section: its file is empty");
		if (s->size > XCLBIN_SIZE_MAX || aligned(n) + s->size > XCLBIN_SIZE_MAX)
			return say(fault, len, "sections: more than 2 GiB together");
		n = aligned(n) + s->size;
	}
	*size = aligned(n);
	return 0;
}

/*
 * The same content gets the same UUID: a board that has it need not load it again. Version 8 of RFC
 * 9562, from the SHA-256 of platform, mode and sections.
 */
static void make_uuid(const struct xclbin_params *p, uint8_t *uuid)
{
	struct sha256_ctx h;
	uint8_t digest[SHA256_DIGEST_SIZE], head[12];
	size_t i;

	sha256_init(&h);
	sha256_update(&h, strlen(p->vbnv) + 1, (const uint8_t *)p->vbnv);
	xput(head, p->mode, 2);
	sha256_update(&h, 2, head);
	for (i = 0; i < p->n_parts; i++) {
		const struct xclbin_part *s = &p->parts[i];
		const char *name = s->name ? s->name : "";

		xput(head, s->kind, 4);
		xput(head + 4, s->size, 8);
		sha256_update(&h, sizeof(head), head);
		sha256_update(&h, strlen(name) + 1, (const uint8_t *)name);
		sha256_update(&h, s->size, s->data);
	}
	sha256_digest(&h, sizeof(digest), digest);
	memcpy(uuid, digest, XCLBIN_UUID_LEN);
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

static void put_header(const struct xclbin_params *p, uint8_t *b, size_t size)
{
	memcpy(b, XCLBIN_MAGIC, XCLBIN_MAGIC_LEN);
	xput(b + XH_SIGNATURE_LENGTH, UINT32_MAX, 4);
	memset(b + XH_RESERVED, 0xff, XH_UNIQUE_ID - XH_RESERVED);
	xput(b + XH_UNIQUE_ID, p->timestamp, 8);
	xput(b + XH_LENGTH, size, 8);
	xput(b + XH_TIMESTAMP, p->timestamp, 8);
	b[XH_VERSION_MAJOR] = 2;
	b[XH_VERSION_MINOR] = 1;
	xput(b + XH_MODE, p->mode, 2);
	memcpy(b + XH_VBNV, p->vbnv, strlen(p->vbnv));
	if (p->have_uuid)
		memcpy(b + XH_UUID, p->uuid, XCLBIN_UUID_LEN);
	else
		make_uuid(p, b + XH_UUID);
	xput(b + XH_NUM_SECTIONS, p->n_parts, 4);
}

static void put_sections(const struct xclbin_params *p, uint8_t *b)
{
	size_t i, at = XCLBIN_HEADER_LEN + p->n_parts * XCLBIN_SECTION_LEN;

	for (i = 0; i < p->n_parts; i++) {
		const struct xclbin_part *s = &p->parts[i];
		uint8_t *h = b + XCLBIN_HEADER_LEN + i * XCLBIN_SECTION_LEN;

		at = aligned(at);
		xput(h + XS_KIND, s->kind, 4);
		if (s->name)
			memcpy(h + XS_NAME, s->name, strlen(s->name));
		xput(h + XS_OFFSET, at, 8);
		xput(h + XS_SIZE, s->size, 8);
		memcpy(b + at, s->data, s->size);
		at += s->size;
	}
}

int xclbin_build(const struct xclbin_params *p, uint8_t **out, size_t *size, char *fault,
		 size_t len)
{
	struct xclbin x;
	uint8_t *b;
	int rc = measure(p, size, fault, len);

	*out = NULL;
	if (rc)
		return rc;
	b = calloc(1, *size);
	if (!b) {
		snprintf(fault, len, "out of memory");
		return -ENOMEM;
	}
	put_header(p, b, *size);
	put_sections(p, b);
	/* what was given may be no such section, or there twice */
	rc = xclbin_open(&x, b, *size);
	xclbin_close(&x);
	if (rc) {
		snprintf(fault, len, "%s", x.fault);
		free(b);
		return rc == -EBADMSG ? -EINVAL : rc;
	}
	*out = b;
	return 0;
}
