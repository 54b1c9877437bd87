/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xclbin containers: the format, how one is checked and walked, how one is written. Nothing here
 * needs XRT. All numbers of the format are little-endian.
 *
 *   0     magic "xclbin2", NUL
 *   8     i32 m_signature_length: -1, or the bytes of signature at the end of the file
 *   12    28 bytes of 0xff, 256 bytes of key block, u64 m_uniqueId
 *   304   header of 152 bytes: length, times, versions, mode, platform, UUID, number of sections
 *   456   one header of 40 bytes for each section
 *         the sections, each at a multiple of 8
 */
#ifndef TOOLS_XCLBIN_H
#define TOOLS_XCLBIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XCLBIN_MAGIC "xclbin2" /* with its NUL 8 bytes */
#define XCLBIN_MAGIC_LEN 8u
#define XCLBIN_HEADER_LEN 456u
#define XCLBIN_SECTION_LEN 40u
#define XCLBIN_ALIGN 8u
#define XCLBIN_SECTIONS_MAX 0x10000u
/* libxrt takes the size of a container as an int. */
#define XCLBIN_SIZE_MAX 0x7fffffffu
#define XCLBIN_NAME_LEN 16u
#define XCLBIN_VBNV_LEN 64u
#define XCLBIN_UUID_LEN 16u
#define XCLBIN_UUID_TEXT 37u

/* Where the fields of the header are. */
enum {
	XH_SIGNATURE_LENGTH = 8,
	XH_RESERVED = 12,
	XH_UNIQUE_ID = 296,
	XH_LENGTH = 304,
	XH_TIMESTAMP = 312,
	XH_VERSION_PATCH = 328,
	XH_VERSION_MAJOR = 330,
	XH_VERSION_MINOR = 331,
	XH_MODE = 332,
	XH_ACTION_MASK = 334,
	XH_ROM_UUID = 336,
	XH_VBNV = 352,
	XH_UUID = 416,
	XH_DEBUG_BIN = 432,
	XH_NUM_SECTIONS = 448,
};

/* Where those of a section's header are. */
enum {
	XS_KIND = 0,
	XS_NAME = 4,
	XS_OFFSET = 24,
	XS_SIZE = 32,
};

/* Kinds of sections that are named in code; xclbin_kind_name() knows the others. */
enum {
	XK_BITSTREAM = 0,
	XK_EMBEDDED_METADATA = 2,
	XK_FIRMWARE = 3,
	XK_MEM_TOPOLOGY = 6,
	XK_CONNECTIVITY = 7,
	XK_IP_LAYOUT = 8,
	XK_DEBUG_IP_LAYOUT = 9,
	XK_CLOCK_FREQ_TOPOLOGY = 11,
	XK_MCS = 12,
	XK_BMC = 13,
	XK_BUILD_METADATA = 14,
	XK_KEYVALUE_METADATA = 15,
	XK_USER_METADATA = 16,
	XK_DNA_CERTIFICATE = 17,
	XK_PDI = 18,
	XK_SOFT_KERNEL = 23,
	XK_ASK_FLASH = 24,
	XK_ASK_GROUP_TOPOLOGY = 26,
	XK_ASK_GROUP_CONNECTIVITY = 27,
	XK_VENDER_METADATA = 31,
};

struct xclbin_section {
	uint32_t kind;
	char name[XCLBIN_NAME_LEN];
	uint64_t offset;
	uint64_t size;
};

/* A container that was found sound, or why it is not. */
struct xclbin {
	const uint8_t *data; /* the caller's */
	size_t size;
	int32_t signature_length;
	uint64_t timestamp;
	uint16_t mode;
	uint8_t version_major;
	uint8_t version_minor;
	uint16_t version_patch;
	uint8_t uuid[XCLBIN_UUID_LEN];
	char vbnv[XCLBIN_VBNV_LEN];
	uint32_t n_sections;
	struct xclbin_section *sections; /* ours */
	char fault[256];
};

/*
 * Looks at all of the container: header, section headers, and the lists in the sections that libxrt
 * walks without looking. data must stay as long as x is used. 0, -ENOMEM, or -EBADMSG with the
 * section and the field in x->fault. xclbin_close() in every case.
 */
int xclbin_open(struct xclbin *x, const uint8_t *data, size_t size);
void xclbin_close(struct xclbin *x);
/* The first section of this kind, or NULL. */
const struct xclbin_section *xclbin_find(const struct xclbin *x, uint32_t kind);
const uint8_t *xclbin_data(const struct xclbin *x, const struct xclbin_section *s);
/* Writes x->fault; returns -EBADMSG. */
int xclbin_fault(struct xclbin *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, of a section: "section 3 (IP_LAYOUT): ...". */
int xclbin_section_fault(struct xclbin *x, uint32_t index, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* lists.c: what is inside a section of a kind that has structure; others are sound. */
int xclbin_check_content(struct xclbin *x, uint32_t index);
/* Number of entries of a sound section's list, and the entry; 0: a kind without a list. */
uint32_t xclbin_list_count(const struct xclbin *x, const struct xclbin_section *s);
const uint8_t *xclbin_list_entry(const struct xclbin *x, const struct xclbin_section *s,
				 uint32_t index);

/* kinds.c. NULL, or false: not known. */
const char *xclbin_kind_name(uint32_t kind);
bool xclbin_kind_number(const char *name, uint32_t *kind);
/* At most one section of this kind makes sense. */
bool xclbin_kind_single(uint32_t kind);
const char *xclbin_mode_name(uint16_t mode);
bool xclbin_mode_number(const char *name, uint16_t *mode);

/* A section to be written. */
struct xclbin_part {
	uint32_t kind;
	const char *name; /* up to 15 characters, or NULL */
	uint8_t *data;
	size_t size;
};

struct xclbin_params {
	const char *vbnv; /* up to 63 characters */
	bool have_uuid;   /* else it is made from the content */
	uint8_t uuid[XCLBIN_UUID_LEN];
	uint64_t timestamp; /* seconds since 1970 */
	uint16_t mode;
	const struct xclbin_part *parts;
	size_t n_parts;
};

/*
 * build.c. The container in memory, checked as xclbin_open() does; *out is the caller's to free. The
 * same parameters give the same bytes. 0 or negative errno with the reason in fault[len].
 */
int xclbin_build(const struct xclbin_params *p, uint8_t **out, size_t *size, char *fault,
		 size_t len);
/*
 * Sections with structure from what people have. *out is the caller's to free.
 * ip_layout: JSON as xclbinutil has it, {"ip_layout": {"m_ip_data": [...]}}.
 * soft_kernel: an image with its name and one instance. mcs: one or two flash images.
 */
int xclbin_ip_layout(const char *json, size_t json_len, uint8_t **out, size_t *size, char *fault,
		     size_t len);
int xclbin_soft_kernel(const char *name, const uint8_t *image, size_t image_len, uint8_t **out,
		       size_t *size);
int xclbin_mcs(const uint8_t *const *image, const size_t *image_len, unsigned int n, uint8_t **out,
	       size_t *size);

void xclbin_uuid_text(char *to, const uint8_t *uuid); /* 37 bytes */
bool xclbin_uuid_parse(const char *text, uint8_t *uuid);

static inline uint16_t xle16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t xle32(const uint8_t *p)
{
	return xle16(p) | (uint32_t)xle16(p + 2) << 16;
}

static inline uint64_t xle64(const uint8_t *p)
{
	return xle32(p) | (uint64_t)xle32(p + 4) << 32;
}

/* n bytes of v. */
static inline void xput(uint8_t *p, uint64_t v, unsigned int n)
{
	while (n--) {
		*p++ = (uint8_t)v;
		v >>= 8;
	}
}

#endif
