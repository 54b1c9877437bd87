/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is inside the sections of an xclbin that have structure: lists with a count, and images that
 * are pointed to. libxrt follows all of it without a look at the section's size.
 */
#include <inttypes.h>
#include <string.h>

#include "xclbin.h"

/* A count, then entries of one size that may hold a name. */
static const struct list {
	uint32_t kind;
	uint8_t count_len; /* of a signed number at offset 0 */
	uint8_t first;     /* where the entries begin */
	uint16_t entry;
	uint16_t name; /* within an entry; name_len 0: none */
	uint16_t name_len;
	const char *name_field;
} lists[] = {
	{ XK_MEM_TOPOLOGY, 4, 8, 40, 24, 16, "m_tag" },
	{ XK_ASK_GROUP_TOPOLOGY, 4, 8, 40, 24, 16, "m_tag" },
	{ XK_CONNECTIVITY, 4, 4, 12, 0, 0, NULL },
	{ XK_ASK_GROUP_CONNECTIVITY, 4, 4, 12, 0, 0, NULL },
	{ XK_IP_LAYOUT, 4, 8, 80, 16, 64, "m_name" },
	{ XK_DEBUG_IP_LAYOUT, 2, 8, 144, 16, 128, "m_name" },
	{ XK_CLOCK_FREQ_TOPOLOGY, 2, 2, 136, 8, 128, "m_name" },
	{ XK_MCS, 1, 8, 24, 0, 0, NULL },
};

/* A fixed head that points to an image and to texts within the section, or holds texts. */
static const struct head {
	uint32_t kind;
	uint16_t len;
	uint16_t offset; /* of the image; its size follows */
	uint8_t width;   /* of both */
	struct {
		uint16_t at;
		uint16_t len; /* 0: a u32, where in the section the text is */
		const char *field;
	} text[5];
} heads[] = {
	{ XK_BMC,
	  248,
	  0,
	  8,
	  { { 16, 64, "m_image_name" },
	    { 80, 64, "m_device_name" },
	    { 144, 64, "m_version" },
	    { 208, 33, "m_md5value" } } },
	{ XK_SOFT_KERNEL,
	  80,
	  4,
	  4,
	  { { 0, 0, "mpo_name" },
	    { 12, 0, "mpo_version" },
	    { 16, 0, "mpo_md5_value" },
	    { 20, 0, "mpo_symbol_name" } } },
	{ XK_ASK_FLASH,
	  72,
	  4,
	  4,
	  { { 12, 0, "mpo_name" }, { 16, 0, "mpo_version" }, { 20, 0, "mpo_md5_value" } } },
	{ XK_VENDER_METADATA, 48, 4, 4, { { 0, 0, "mpo_name" } } },
};

static const struct list *find_list(uint32_t kind)
{
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (lists[i].kind == kind)
			return &lists[i];
	return NULL;
}

static const struct head *find_head(uint32_t kind)
{
	size_t i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (heads[i].kind == kind)
			return &heads[i];
	return NULL;
}

/* The counts of the format are signed but for one, where the sign bit makes no sense either. */
static int64_t read_count(const struct list *l, const uint8_t *p)
{
	return l->count_len == 1 ? (int8_t)p[0] :
	       l->count_len == 2 ? (int16_t)xle16(p) :
				   (int32_t)xle32(p);
}

uint32_t xclbin_list_count(const struct xclbin *x, const struct xclbin_section *s)
{
	const struct list *l = find_list(s->kind);

	return l && s->size ? (uint32_t)read_count(l, xclbin_data(x, s)) : 0;
}

const uint8_t *xclbin_list_entry(const struct xclbin *x, const struct xclbin_section *s,
				 uint32_t index)
{
	const struct list *l = find_list(s->kind);

	return xclbin_data(x, s) + l->first + (size_t)index * l->entry;
}

/* offset..offset + size of an image or a chunk, within the section. */
static int check_range(struct xclbin *x, uint32_t index, const char *what, uint64_t offset,
		       uint64_t size)
{
	uint64_t len = x->sections[index].size;

	if (offset > len || size > len - offset)
		return xclbin_section_fault(x, index,
					    "%s: 0x%" PRIx64 " bytes at 0x%" PRIx64
					    " are not within its 0x%" PRIx64 " bytes",
					    what, size, offset, len);
	return 0;
}

/* Entries of the other sections that a connection points into. */
struct limits {
	uint32_t kind[2];
	int64_t n[2];
};

static void find_limits(const struct xclbin *x, uint32_t kind, struct limits *lim)
{
	unsigned int i;

	memset(lim, 0, sizeof(*lim));
	lim->kind[0] = XK_IP_LAYOUT;
	lim->kind[1] = kind == XK_CONNECTIVITY ? XK_MEM_TOPOLOGY : XK_ASK_GROUP_TOPOLOGY;
	for (i = 0; i < 2; i++) {
		const struct xclbin_section *other = xclbin_find(x, lim->kind[i]);

		/* it may not have been looked at yet */
		if (other && other->size >= 4)
			lim->n[i] = (int32_t)xle32(xclbin_data(x, other));
	}
}

static int check_connection(struct xclbin *x, uint32_t index, uint32_t entry, const uint8_t *p,
			    const struct limits *lim)
{
	static const char *const field[] = { "m_ip_layout_index", "mem_data_index" };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		int32_t value = (int32_t)xle32(p + 4 + 4 * i);

		if (value < 0 || value >= lim->n[i])
			return xclbin_section_fault(x, index,
						    "m_connection[%" PRIu32 "].%s: %" PRId32
						    ", %s has %" PRId64 " entries",
						    entry, field[i], value,
						    xclbin_kind_name(lim->kind[i]), lim->n[i]);
	}
	return 0;
}

static int check_entry(struct xclbin *x, uint32_t index, const struct list *l, uint32_t i,
		       const struct limits *lim)
{
	const uint8_t *p = xclbin_list_entry(x, &x->sections[index], i);

	if (l->name_len && !memchr(p + l->name, 0, l->name_len))
		return xclbin_section_fault(x, index,
					    "entry %" PRIu32 ": %s: no NUL in its %u bytes", i,
					    l->name_field, l->name_len);
	if (l->kind == XK_MCS)
		return check_range(x, index, "m_chunk: m_offset", xle64(p + 8), xle64(p + 16));
	if (l->kind == XK_CONNECTIVITY || l->kind == XK_ASK_GROUP_CONNECTIVITY)
		return check_connection(x, index, i, p, lim);
	return 0;
}

static int check_list(struct xclbin *x, uint32_t index, const struct list *l)
{
	const struct xclbin_section *s = &x->sections[index];
	struct limits lim;
	int64_t n, i;
	int rc = 0;

	if (s->size < l->first)
		return xclbin_section_fault(x, index,
					    "m_sectionSize: %" PRIu64 ", its count alone takes %u",
					    s->size, l->first);
	n = read_count(l, xclbin_data(x, s));
	if (n < 0 || (uint64_t)n * l->entry > s->size - l->first)
		return xclbin_section_fault(x, index,
					    "m_count: %" PRId64
					    " entries of %u bytes are not within its %" PRIu64
					    " bytes",
					    n, l->entry, s->size);
	find_limits(x, s->kind, &lim);
	for (i = 0; !rc && i < n; i++)
		rc = check_entry(x, index, l, (uint32_t)i, &lim);
	return rc;
}

/* Text k of the head: in it, or somewhere in the section. */
static int check_head_text(struct xclbin *x, uint32_t index, const struct head *h, unsigned int k)
{
	const struct xclbin_section *s = &x->sections[index];
	const uint8_t *p = xclbin_data(x, s) + h->text[k].at;
	uint64_t len = h->text[k].len;
	uint32_t at;

	if (!len) {
		at = xle32(p);
		if (at >= s->size)
			return xclbin_section_fault(x, index,
						    "%s: 0x%" PRIx32 " is not within its 0x%" PRIx64
						    " bytes",
						    h->text[k].field, at, s->size);
		p = xclbin_data(x, s) + at;
		len = s->size - at;
	}
	if (!memchr(p, 0, (size_t)len))
		return xclbin_section_fault(x, index, "%s: no NUL in the %" PRIu64 " bytes it has",
					    h->text[k].field, len);
	return 0;
}

static int check_head(struct xclbin *x, uint32_t index, const struct head *h)
{
	const struct xclbin_section *s = &x->sections[index];
	const uint8_t *p = xclbin_data(x, s);
	unsigned int k;
	int rc;

	if (s->size < h->len)
		return xclbin_section_fault(x, index,
					    "m_sectionSize: %" PRIu64 ", its head alone takes %u",
					    s->size, h->len);
	p += h->offset;
	rc = h->width == 8 ? check_range(x, index, "m_offset", xle64(p), xle64(p + 8)) :
			     check_range(x, index, "m_image_offset", xle32(p), xle32(p + 4));
	for (k = 0; !rc && k < 5 && h->text[k].field; k++)
		rc = check_head_text(x, index, h, k);
	return rc;
}

int xclbin_check_content(struct xclbin *x, uint32_t index)
{
	const struct xclbin_section *s = &x->sections[index];
	const struct list *l = find_list(s->kind);
	const struct head *h = find_head(s->kind);

	if (!s->size)
		return 0;
	return l ? check_list(x, index, l) : h ? check_head(x, index, h) : 0;
}
