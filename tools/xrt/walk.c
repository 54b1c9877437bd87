/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walker of xclbin containers. libxrt 2.13 believes every offset, size and count of a file, so
 * that each is looked at here before libxrt gets it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xclbin.h"

int xclbin_fault(struct xclbin *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->fault, sizeof(x->fault), fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

int xclbin_section_fault(struct xclbin *x, uint32_t index, const char *fmt, ...)
{
	uint32_t kind = x->sections[index].kind;
	const char *name = xclbin_kind_name(kind);
	char number[24];
	va_list ap;
	int n;

	snprintf(number, sizeof(number), "kind %" PRIu32, kind);
	n = snprintf(x->fault, sizeof(x->fault), "section %" PRIu32 " (%s): ", index,
		     name ? name : number);
	va_start(ap, fmt);
	vsnprintf(x->fault + n, sizeof(x->fault) - (size_t)n, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

static int check_length(struct xclbin *x)
{
	if (x->size > XCLBIN_SIZE_MAX)
		return xclbin_fault(x, "file: %zu bytes, libxrt takes at most %u", x->size,
				    XCLBIN_SIZE_MAX);
	if (x->size < XCLBIN_MAGIC_LEN || memcmp(x->data, XCLBIN_MAGIC, XCLBIN_MAGIC_LEN))
		return xclbin_fault(x, "header: m_magic: not \"%s\", this is no xclbin",
				    XCLBIN_MAGIC);
	if (x->size < XCLBIN_HEADER_LEN)
		return xclbin_fault(x, "header: truncated: the file has %zu bytes of %u", x->size,
				    XCLBIN_HEADER_LEN);
	if (xle64(x->data + XH_LENGTH) != x->size)
		return xclbin_fault(
			x, "header: m_length: %" PRIu64 ", but the file has %zu bytes%s",
			xle64(x->data + XH_LENGTH), x->size,
			xle64(x->data + XH_LENGTH) > x->size ? ", it is truncated" : "");
	return 0;
}

static int check_text(struct xclbin *x, const char *field, const uint8_t *text, size_t len)
{
	return memchr(text, 0, len) ?
		       0 :
		       xclbin_fault(x, "header: %s: no NUL in its %zu bytes", field, len);
}

static int check_counts(struct xclbin *x)
{
	uint64_t room = x->size - XCLBIN_HEADER_LEN;

	x->n_sections = xle32(x->data + XH_NUM_SECTIONS);
	if (!x->n_sections)
		return xclbin_fault(x, "header: m_numSections: 0, one section at least");
	if (x->n_sections > XCLBIN_SECTIONS_MAX)
		return xclbin_fault(x, "header: m_numSections: %" PRIu32 ", at most %u",
				    x->n_sections, XCLBIN_SECTIONS_MAX);
	if ((uint64_t)x->n_sections * XCLBIN_SECTION_LEN > room)
		return xclbin_fault(x,
				    "header: m_numSections: %" PRIu32
				    " headers do not fit a file of %zu bytes",
				    x->n_sections, x->size);
	room -= (uint64_t)x->n_sections * XCLBIN_SECTION_LEN;
	x->signature_length = (int32_t)xle32(x->data + XH_SIGNATURE_LENGTH);
	if (x->signature_length != -1 &&
	    (x->signature_length <= 0 || (uint64_t)x->signature_length > room))
		return xclbin_fault(x,
				    "header: m_signature_length: %" PRId32
				    ", neither -1 nor a length within the file",
				    x->signature_length);
	return 0;
}

static int check_header(struct xclbin *x)
{
	static const uint8_t none[XCLBIN_UUID_LEN];
	int rc = check_length(x);

	if (!rc)
		rc = check_counts(x);
	if (!rc)
		rc = check_text(x, "m_platformVBNV", x->data + XH_VBNV, XCLBIN_VBNV_LEN);
	if (!rc)
		rc = check_text(x, "m_debug_bin", x->data + XH_DEBUG_BIN, XCLBIN_NAME_LEN);
	if (rc)
		return rc;
	x->timestamp = xle64(x->data + XH_TIMESTAMP);
	x->version_patch = xle16(x->data + XH_VERSION_PATCH);
	x->version_major = x->data[XH_VERSION_MAJOR];
	x->version_minor = x->data[XH_VERSION_MINOR];
	x->mode = xle16(x->data + XH_MODE);
	memcpy(x->uuid, x->data + XH_UUID, sizeof(x->uuid));
	memcpy(x->vbnv, x->data + XH_VBNV, sizeof(x->vbnv));
	if (!xclbin_mode_name(x->mode))
		return xclbin_fault(x, "header: m_mode: %u is no mode", x->mode);
	if (!memcmp(x->uuid, none, sizeof(none)))
		return xclbin_fault(x, "header: uuid: all zero, a loaded container could not be "
				       "told from none");
	return 0;
}

/* Where the sections end: the signature is behind them. */
static uint64_t sections_end(const struct xclbin *x)
{
	return x->size - (x->signature_length > 0 ? (uint64_t)x->signature_length : 0);
}

static int check_place(struct xclbin *x, uint32_t i)
{
	const struct xclbin_section *s = &x->sections[i];
	uint64_t begin = XCLBIN_HEADER_LEN + (uint64_t)x->n_sections * XCLBIN_SECTION_LEN;
	uint64_t end = sections_end(x);

	if (!s->size && !s->offset)
		return 0; /* the format's way to say that there is none */
	if (s->offset % XCLBIN_ALIGN)
		return xclbin_section_fault(x, i,
					    "m_sectionOffset: 0x%" PRIx64
					    " is not a multiple of %u",
					    s->offset, XCLBIN_ALIGN);
	if (s->offset < begin)
		return xclbin_section_fault(x, i,
					    "m_sectionOffset: 0x%" PRIx64
					    " is within the headers, which end at 0x%" PRIx64,
					    s->offset, begin);
	if (s->offset > end)
		return xclbin_section_fault(x, i,
					    "m_sectionOffset: 0x%" PRIx64
					    " is behind the end of the sections, 0x%" PRIx64,
					    s->offset, end);
	if (s->size > end - s->offset)
		return xclbin_section_fault(x, i,
					    "m_sectionSize: 0x%" PRIx64 " bytes at 0x%" PRIx64
					    " reach behind the end of the sections, 0x%" PRIx64,
					    s->size, s->offset, end);
	return 0;
}

static int read_sections(struct xclbin *x)
{
	uint32_t i;
	int rc;

	x->sections = calloc(x->n_sections, sizeof(*x->sections));
	if (!x->sections)
		return -ENOMEM;
	for (i = 0; i < x->n_sections; i++) {
		const uint8_t *h = x->data + XCLBIN_HEADER_LEN + (size_t)i * XCLBIN_SECTION_LEN;
		struct xclbin_section *s = &x->sections[i];

		s->kind = xle32(h + XS_KIND);
		s->offset = xle64(h + XS_OFFSET);
		s->size = xle64(h + XS_SIZE);
		if (!memchr(h + XS_NAME, 0, XCLBIN_NAME_LEN))
			return xclbin_section_fault(x, i, "m_sectionName: no NUL in its %u bytes",
						    XCLBIN_NAME_LEN);
		memcpy(s->name, h + XS_NAME, XCLBIN_NAME_LEN);
		rc = check_place(x, i);
		if (rc)
			return rc;
	}
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct xclbin_section *l = *(const struct xclbin_section *const *)a;
	const struct xclbin_section *r = *(const struct xclbin_section *const *)b;

	if (l->offset != r->offset)
		return l->offset < r->offset ? -1 : 1;
	return l < r ? -1 : l > r;
}

static int by_kind(const void *a, const void *b)
{
	const struct xclbin_section *l = *(const struct xclbin_section *const *)a;
	const struct xclbin_section *r = *(const struct xclbin_section *const *)b;

	if (l->kind != r->kind)
		return l->kind < r->kind ? -1 : 1;
	return l < r ? -1 : l > r;
}

static int check_overlap(struct xclbin *x, const struct xclbin_section **order, size_t n)
{
	size_t i;

	qsort(order, n, sizeof(*order), by_offset);
	for (i = 1; i < n; i++)
		if (order[i - 1]->offset + order[i - 1]->size > order[i]->offset)
			return xclbin_section_fault(x, (uint32_t)(order[i] - x->sections),
						    "m_sectionOffset: 0x%" PRIx64
						    " overlaps section %zu, 0x%" PRIx64
						    " bytes at 0x%" PRIx64,
						    order[i]->offset,
						    (size_t)(order[i - 1] - x->sections),
						    order[i - 1]->size, order[i - 1]->offset);
	return 0;
}

static int check_twice(struct xclbin *x, const struct xclbin_section **order, size_t n)
{
	size_t i;

	qsort(order, n, sizeof(*order), by_kind);
	for (i = 1; i < n; i++)
		if (order[i - 1]->kind == order[i]->kind && xclbin_kind_single(order[i]->kind))
			return xclbin_section_fault(
				x, (uint32_t)(order[i] - x->sections),
				"m_sectionKind: section %zu is of this kind, too",
				(size_t)(order[i - 1] - x->sections));
	return 0;
}

/* Sections against each other. Sorted, so that 65,536 of them take no time. */
static int check_all(struct xclbin *x)
{
	const struct xclbin_section **order = calloc(x->n_sections, sizeof(*order));
	size_t n = 0;
	uint32_t i;
	int rc;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < x->n_sections; i++)
		if (x->sections[i].size)
			order[n++] = &x->sections[i];
	rc = check_overlap(x, order, n);
	if (!rc)
		rc = check_twice(x, order, n);
	free(order);
	return rc;
}

int xclbin_open(struct xclbin *x, const uint8_t *data, size_t size)
{
	uint32_t i;
	int rc;

	memset(x, 0, sizeof(*x));
	x->data = data;
	x->size = size;
	rc = check_header(x);
	if (!rc)
		rc = read_sections(x);
	if (!rc)
		rc = check_all(x);
	for (i = 0; !rc && i < x->n_sections; i++)
		rc = xclbin_check_content(x, i);
	if (rc == -ENOMEM)
		snprintf(x->fault, sizeof(x->fault), "out of memory");
	return rc;
}

void xclbin_close(struct xclbin *x)
{
	free(x->sections);
	x->sections = NULL;
	x->n_sections = 0;
}

const struct xclbin_section *xclbin_find(const struct xclbin *x, uint32_t kind)
{
	uint32_t i;

	for (i = 0; i < x->n_sections; i++)
		if (x->sections[i].kind == kind && x->sections[i].size)
			return &x->sections[i];
	return NULL;
}

const uint8_t *xclbin_data(const struct xclbin *x, const struct xclbin_section *s)
{
	return x->data + s->offset;
}
