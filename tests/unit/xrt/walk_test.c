/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walker of xclbin containers: what is written reads back; every field that lies is named; cut off
 * anywhere, or with any bit wrong, nothing is read that is not there (the sanitizers look).
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xclbin.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Sections of the sample, in this order. */
enum { S_FIRMWARE, S_IP, S_MEM, S_CONN, S_CLOCK, S_SOFT, S_MCS, S_BMC, S_USER, S_COUNT };

static uint8_t *good;
static size_t good_len;
static struct xclbin x;
static volatile uint32_t sink; /* so that what is read is read */

static uint8_t *bytes(size_t size, unsigned int fill)
{
	uint8_t *p = malloc(size);

	memset(p, (int)fill, size);
	return p;
}

static uint8_t *topology(size_t *size)
{
	uint8_t *p = bytes(*size = 8 + 2 * 40, 0);

	xput(p, 2, 4);
	p[9] = p[49] = 1;
	memcpy(p + 8 + 24, "HBM[0]", 6);
	memcpy(p + 48 + 24, "HOST[0]", 7);
	return p;
}

static uint8_t *connectivity(size_t *size)
{
	uint8_t *p = bytes(*size = 4 + 2 * 12, 0);

	xput(p, 2, 4);
	xput(p + 4 + 12, 1, 4);
	xput(p + 4 + 12 + 8, 1, 4);
	return p;
}

static uint8_t *clocks(size_t *size)
{
	uint8_t *p = bytes(*size = 2 + 136, 0);

	p[0] = 1;
	xput(p + 2, 300, 2);
	memcpy(p + 10, "DATA_CLK", 8);
	return p;
}

static uint8_t *bmc(size_t *size)
{
	uint8_t *p = bytes(*size = 248 + 16, 0);

	xput(p, 248, 8);
	xput(p + 8, 16, 8);
	return p;
}

static const char ip_json[] =
	"{\"ip_layout\":{\"m_count\":\"1\",\"m_ip_data\":[{\"m_type\":\"IP_KERNEL\","
	"\"m_int_enable\":\"1\",\"m_interrupt_id\":\"5\",\"m_ip_control\":\"AP_CTRL_NONE\","
	"\"m_base_address\":\"0x1800000\",\"m_name\":\"weft_kernel:weft_kernel_1\"}]}}";

static struct xclbin_part part[S_COUNT] = {
	[S_FIRMWARE] = { .kind = XK_FIRMWARE, .name = "weft" },
	[S_IP] = { .kind = XK_IP_LAYOUT },
	[S_MEM] = { .kind = XK_MEM_TOPOLOGY },
	[S_CONN] = { .kind = XK_CONNECTIVITY },
	[S_CLOCK] = { .kind = XK_CLOCK_FREQ_TOPOLOGY },
	[S_SOFT] = { .kind = XK_SOFT_KERNEL },
	[S_MCS] = { .kind = XK_MCS },
	[S_BMC] = { .kind = XK_BMC },
	[S_USER] = { .kind = XK_USER_METADATA },
};

static void fill_parts(void)
{
	static const uint8_t *const images[] = { (const uint8_t *)":one", (const uint8_t *)":two" };
	static const size_t lens[] = { 4, 4 };
	char fault[256];

	part[S_FIRMWARE].data = bytes(part[S_FIRMWARE].size = 101, 0x5a);
	ck_assert_int_eq(xclbin_ip_layout(ip_json, strlen(ip_json), &part[S_IP].data,
					  &part[S_IP].size, fault, sizeof(fault)),
			 0);
	part[S_MEM].data = topology(&part[S_MEM].size);
	part[S_CONN].data = connectivity(&part[S_CONN].size);
	part[S_CLOCK].data = clocks(&part[S_CLOCK].size);
	ck_assert_int_eq(xclbin_soft_kernel("weft", (const uint8_t *)"image", 5, &part[S_SOFT].data,
					    &part[S_SOFT].size),
			 0);
	ck_assert_int_eq(xclbin_mcs(images, lens, 2, &part[S_MCS].data, &part[S_MCS].size), 0);
	part[S_BMC].data = bmc(&part[S_BMC].size);
	part[S_USER].data = bytes(part[S_USER].size = 2, '{');
}

static struct xclbin_params params = {
	.vbnv = "xilinx:u50:gen3x16-xdma:201920.3",
	.timestamp = 1700000000,
	.parts = part,
	.n_parts = S_COUNT,
};

static void setup(void)
{
	char fault[256] = "";

	fill_parts();
	ck_assert_msg(!xclbin_build(&params, &good, &good_len, fault, sizeof(fault)), "%s", fault);
}

static void teardown(void)
{
	int i;

	for (i = 0; i < S_COUNT; i++)
		free(part[i].data);
	free(good);
}

/* In memory that ends where the container ends. */
static int open_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	uint32_t i, k, sum = 0;
	uint64_t j;
	int rc;

	memcpy(copy, data, size);
	rc = xclbin_open(&x, copy, size);
	for (i = 0; !rc && i < x.n_sections; i++) {
		const struct xclbin_section *s = &x.sections[i];

		for (j = 0; j < s->size; j++)
			sum += xclbin_data(&x, s)[j];
		for (k = 0; k < xclbin_list_count(&x, s); k++)
			sum += xclbin_list_entry(&x, s, k)[0];
	}
	sink = sum;
	if (rc) {
		ck_assert_int_eq(rc, -EBADMSG);
		ck_assert_msg(!strncmp(x.fault, "header: ", 8) ||
				      !strncmp(x.fault, "section ", 8) ||
				      !strncmp(x.fault, "file: ", 6),
			      "%s", x.fault);
	} else {
		ck_assert_str_eq(x.fault, "");
	}
	xclbin_close(&x);
	free(copy);
	return rc;
}

static uint8_t *section_header(uint8_t *c, int i)
{
	return c + XCLBIN_HEADER_LEN + i * XCLBIN_SECTION_LEN;
}

static size_t at(int i)
{
	return xle64(section_header(good, i) + XS_OFFSET);
}

START_TEST(what_is_written_reads_back)
{
	const struct xclbin_section *s;
	uint32_t i;

	ck_assert_int_eq(xclbin_open(&x, good, good_len), 0);
	ck_assert_str_eq(x.vbnv, params.vbnv);
	ck_assert_uint_eq(x.timestamp, params.timestamp);
	ck_assert_int_eq(x.signature_length, -1);
	ck_assert_uint_eq(x.n_sections, S_COUNT);
	for (i = 0; i < S_COUNT; i++) {
		ck_assert_uint_eq(x.sections[i].kind, part[i].kind);
		ck_assert_uint_eq(x.sections[i].size, part[i].size);
		ck_assert_uint_eq(x.sections[i].offset % XCLBIN_ALIGN, 0);
		ck_assert(!memcmp(xclbin_data(&x, &x.sections[i]), part[i].data, part[i].size));
	}
	ck_assert_str_eq(x.sections[S_FIRMWARE].name, "weft");
	s = xclbin_find(&x, XK_IP_LAYOUT);
	ck_assert_uint_eq(xclbin_list_count(&x, s), 1);
	ck_assert_str_eq((const char *)xclbin_list_entry(&x, s, 0) + 16,
			 "weft_kernel:weft_kernel_1");
	ck_assert_uint_eq(xle32(xclbin_list_entry(&x, s, 0) + 4), 0x200 | 5 << 1 | 1);
	ck_assert_uint_eq(xle64(xclbin_list_entry(&x, s, 0) + 8), 0x1800000);
	ck_assert_ptr_null(xclbin_find(&x, XK_BITSTREAM));
	xclbin_close(&x);
}
END_TEST

/* The bytes as the format's description has them, written down by hand. */
START_TEST(bytes_are_where_the_format_has_them)
{
	static const uint8_t none[4] = { 0xff, 0xff, 0xff, 0xff };

	ck_assert(!memcmp(good, "xclbin2\0", 8));
	ck_assert(!memcmp(good + 8, none, 4));
	ck_assert_uint_eq(xle64(good + 304), good_len);
	ck_assert_uint_eq(xle64(good + 312), 1700000000);
	ck_assert_str_eq((char *)good + 352, params.vbnv);
	ck_assert_uint_eq(good[416 + 6] >> 4, 8);
	ck_assert_uint_eq(xle32(good + 448), S_COUNT);
	ck_assert_uint_eq(xle32(good + 456), XK_FIRMWARE);
	ck_assert_str_eq((char *)good + 460, "weft");
	ck_assert_uint_eq(xle64(good + 480), 456 + 40 * S_COUNT);
	ck_assert_uint_eq(xle64(good + 488), 101);
}
END_TEST

START_TEST(the_same_parameters_give_the_same_bytes)
{
	struct xclbin_params p = params;
	char fault[256];
	uint8_t *again;
	size_t len;

	ck_assert_int_eq(xclbin_build(&p, &again, &len, fault, sizeof(fault)), 0);
	ck_assert_uint_eq(len, good_len);
	ck_assert(!memcmp(again, good, len));
	free(again);
	/* another time: other bytes, the same UUID; other content: another UUID */
	p.timestamp++;
	ck_assert_int_eq(xclbin_build(&p, &again, &len, fault, sizeof(fault)), 0);
	ck_assert(memcmp(again, good, len));
	ck_assert(!memcmp(again + XH_UUID, good + XH_UUID, 16));
	free(again);
	part[S_FIRMWARE].data[100] ^= 1;
	ck_assert_int_eq(xclbin_build(&p, &again, &len, fault, sizeof(fault)), 0);
	ck_assert(memcmp(again + XH_UUID, good + XH_UUID, 16));
	free(again);
}
END_TEST

/* What a section number of the tables below stands for. */
static size_t place(int section)
{
	return section < 0   ? 0 :
	       section < 100 ? XCLBIN_HEADER_LEN + (size_t)section * XCLBIN_SECTION_LEN :
			       at(section - 100);
}

static void expect(const char *fault)
{
	ck_assert_int_eq(open_copy(good, good_len), -EBADMSG);
	ck_assert_msg(!strncmp(x.fault, fault, strlen(fault)), "\"%s\", not \"%s...\"", x.fault,
		      fault);
}

/* What the file says instead: len bytes of value at place + offset. */
static const struct lie {
	int section; /* -1: the header; n: header of section n; 100 + n: content of section n */
	unsigned int offset, len;
	uint64_t value;
	const char *fault;
} lies[] = {
	{ -1, 0, 1, 'X', "header: m_magic: " },
	{ -1, 7, 1, '1', "header: m_magic: " },
	{ -1, XH_LENGTH, 8, 1u << 20, "header: m_length: 1048576, but the file has " },
	{ -1, XH_LENGTH, 8, 0, "header: m_length: 0, but the file has " },
	{ -1, XH_LENGTH, 8, UINT64_MAX, "header: m_length: 18446744073709551615, but " },
	{ -1, XH_SIGNATURE_LENGTH, 4, 0, "header: m_signature_length: 0, " },
	{ -1, XH_SIGNATURE_LENGTH, 4, 0xfffffffe, "header: m_signature_length: -2, " },
	{ -1, XH_SIGNATURE_LENGTH, 4, 0x7fffffff, "header: m_signature_length: 2147483647, " },
	{ -1, XH_SIGNATURE_LENGTH, 4, 64, "section 7 (BMC): m_sectionSize: 0x108 bytes" },
	{ -1, XH_MODE, 2, 7, "header: m_mode: 7 " },
	{ -1, XH_MODE, 2, 0xffff, "header: m_mode: 65535 " },
	{ -1, XH_NUM_SECTIONS, 4, 0, "header: m_numSections: 0, " },
	{ -1, XH_NUM_SECTIONS, 4, 0x10000, "header: m_numSections: 65536 headers do not fit" },
	{ -1, XH_NUM_SECTIONS, 4, 0x10001, "header: m_numSections: 65537, at most 65536" },
	{ -1, XH_NUM_SECTIONS, 4, UINT32_MAX, "header: m_numSections: 4294967295, at most" },
	{ -1, XH_NUM_SECTIONS, 4, S_COUNT + 1, "section 0 (FIRMWARE): m_sectionOffset: " },
	{ 0, XS_OFFSET, 8, 1ull << 40, "section 0 (FIRMWARE): m_sectionOffset: 0x10000000000 is " },
	{ 0, XS_OFFSET, 8, UINT64_MAX - 7, "section 0 (FIRMWARE): m_sectionOffset: 0xff" },
	{ 0, XS_OFFSET, 8, 0, "section 0 (FIRMWARE): m_sectionOffset: 0x0 is within the headers" },
	{ 0, XS_OFFSET, 8, 456, "section 0 (FIRMWARE): m_sectionOffset: 0x1c8 is within the " },
	{ 0, XS_OFFSET, 8, 819, "section 0 (FIRMWARE): m_sectionOffset: 0x333 is not a multiple" },
	{ 0, XS_SIZE, 8, 1ull << 40, "section 0 (FIRMWARE): m_sectionSize: 0x10000000000 bytes" },
	{ 0, XS_SIZE, 8, UINT64_MAX, "section 0 (FIRMWARE): m_sectionSize: 0xffffffffffffffff" },
	{ 0, XS_SIZE, 8, 200, "section 1 (IP_LAYOUT): m_sectionOffset: 0x398 overlaps section 0," },
	{ 8, XS_SIZE, 8, 64, "section 8 (USER_METADATA): m_sectionSize: 0x40 bytes at " },
	{ 0, XS_KIND, 4, XK_USER_METADATA, "section 8 (USER_METADATA): m_sectionKind: section 0 " },
	{ 100 + S_IP, 0, 4, 2, "section 1 (IP_LAYOUT): m_count: 2 entries" },
	{ 100 + S_IP, 0, 4, UINT32_MAX, "section 1 (IP_LAYOUT): m_count: -1 entries" },
	{ 100 + S_IP, 0, 4, INT32_MAX, "section 1 (IP_LAYOUT): m_count: 2147483647 entries" },
	{ 100 + S_MEM, 0, 4, 0x40000000, "section 2 (MEM_TOPOLOGY): m_count: 1073741824 " },
	{ 100 + S_CONN, 0, 4, 3, "section 3 (CONNECTIVITY): m_count: 3 entries" },
	{ 100 + S_CONN, 8, 4, 1,
	  "section 3 (CONNECTIVITY): m_connection[0].m_ip_layout_index: 1, " },
	{ 100 + S_CONN, 24, 4, 2, "section 3 (CONNECTIVITY): m_connection[1].mem_data_index: 2, " },
	{ 100 + S_CONN, 12, 4, UINT32_MAX, "section 3 (CONNECTIVITY): m_connection[0].mem_" },
	{ 100 + S_CLOCK, 0, 2, 2, "section 4 (CLOCK_FREQ_TOPOLOGY): m_count: 2 entries" },
	{ 100 + S_CLOCK, 0, 2, 0x8000, "section 4 (CLOCK_FREQ_TOPOLOGY): m_count: -32768 " },
	{ 100 + S_SOFT, 0, 4, 200, "section 5 (SOFT_KERNEL): mpo_name: 0xc8 is not within" },
	{ 100 + S_SOFT, 0, 4, 86, "section 5 (SOFT_KERNEL): mpo_name: no NUL in the 5 bytes" },
	{ 100 + S_SOFT, 4, 4, 87, "section 5 (SOFT_KERNEL): m_image_offset: 0x5 bytes at 0x57" },
	{ 100 + S_SOFT, 8, 4, UINT32_MAX, "section 5 (SOFT_KERNEL): m_image_offset: 0xffffffff" },
	{ 100 + S_SOFT, 12, 4, UINT32_MAX, "section 5 (SOFT_KERNEL): mpo_version: 0xffffffff" },
	{ 100 + S_SOFT, 16, 4, 91, "section 5 (SOFT_KERNEL): mpo_md5_value: 0x5b" },
	{ 100 + S_SOFT, 20, 4, 1u << 31, "section 5 (SOFT_KERNEL): mpo_symbol_name: 0x80000000" },
	{ 100 + S_MCS, 0, 1, 3, "section 6 (MCS): m_count: 3 entries" },
	{ 100 + S_MCS, 0, 1, 0xff, "section 6 (MCS): m_count: -1 entries" },
	{ 100 + S_MCS, 16, 8, 1ull << 40, "section 6 (MCS): m_chunk: m_offset: 0x4 bytes at 0x1" },
	{ 100 + S_MCS, 24, 8, UINT64_MAX, "section 6 (MCS): m_chunk: m_offset: 0xffffffffffff" },
	{ 100 + S_BMC, 0, 8, 249, "section 7 (BMC): m_offset: 0x10 bytes at 0xf9" },
	{ 100 + S_BMC, 8, 8, UINT64_MAX, "section 7 (BMC): m_offset: 0xffffffffffffffff bytes" },
};

START_TEST(a_field_that_lies_is_named)
{
	uint8_t *sound = malloc(good_len);
	size_t i;

	memcpy(sound, good, good_len);
	for (i = 0; i < COUNT(lies); i++) {
		const struct lie *l = &lies[i];

		xput(good + place(l->section) + l->offset, l->value, l->len);
		expect(l->fault);
		memcpy(good, sound, good_len);
	}
	free(sound);
}
END_TEST

/* A text of len bytes without its NUL. */
static const struct text {
	int section; /* as above */
	unsigned int offset, len;
	const char *fault;
} texts[] = {
	{ -1, XH_VBNV, 64, "header: m_platformVBNV: no NUL in its 64 bytes" },
	{ -1, XH_DEBUG_BIN, 16, "header: m_debug_bin: no NUL in its 16 bytes" },
	{ 3, XS_NAME, 16, "section 3 (CONNECTIVITY): m_sectionName: no NUL in its 16 bytes" },
	{ 100 + S_IP, 24, 64, "section 1 (IP_LAYOUT): entry 0: m_name: no NUL in its 64 bytes" },
	{ 100 + S_MEM, 72, 16, "section 2 (MEM_TOPOLOGY): entry 1: m_tag: no NUL in its 16 " },
	{ 100 + S_CLOCK, 10, 128, "section 4 (CLOCK_FREQ_TOPOLOGY): entry 0: m_name: no NUL" },
	{ 100 + S_BMC, 16, 64, "section 7 (BMC): m_image_name: no NUL in the 64 bytes" },
	{ 100 + S_BMC, 208, 33, "section 7 (BMC): m_md5value: no NUL in the 33 bytes" },
};

START_TEST(a_text_without_an_end_is_named)
{
	uint8_t *sound = malloc(good_len);
	size_t i;

	memcpy(sound, good, good_len);
	for (i = 0; i < COUNT(texts); i++) {
		const struct text *t = &texts[i];

		memset(good + place(t->section) + t->offset, 'n', t->len);
		expect(t->fault);
		memcpy(good, sound, good_len);
	}
	free(sound);
}
END_TEST

START_TEST(no_uuid_is_refused)
{
	memset(good + XH_UUID, 0, XCLBIN_UUID_LEN);
	ck_assert_int_eq(open_copy(good, good_len), -EBADMSG);
	ck_assert(!strncmp(x.fault, "header: uuid: ", 14));
}
END_TEST

/* A list's section that is too short for its count. */
START_TEST(a_section_too_short_for_its_head_is_named)
{
	static const int which[] = { S_IP, S_MEM, S_CONN, S_CLOCK, S_SOFT, S_MCS, S_BMC };
	unsigned int i;

	for (i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		xput(section_header(good, which[i]) + XS_SIZE, 1, 8);
		ck_assert_int_eq(open_copy(good, good_len), -EBADMSG);
		ck_assert_msg(strstr(x.fault, "m_sectionSize: 1, its ") != NULL, "%s", x.fault);
		xput(section_header(good, which[i]) + XS_SIZE, part[which[i]].size, 8);
	}
	ck_assert_int_eq(open_copy(good, good_len), 0);
}
END_TEST

START_TEST(a_signature_lies_behind_the_sections)
{
	uint8_t *file = calloc(1, good_len + 64);

	memcpy(file, good, good_len);
	xput(file + XH_LENGTH, good_len + 64, 8);
	xput(file + XH_SIGNATURE_LENGTH, 64, 4);
	ck_assert_int_eq(open_copy(file, good_len + 64), 0);
	xput(file + XH_SIGNATURE_LENGTH, 80, 4);
	ck_assert_int_eq(open_copy(file, good_len + 64), -EBADMSG);
	free(file);
}
END_TEST

START_TEST(a_kind_of_later_days_is_let_through)
{
	xput(section_header(good, S_USER) + XS_KIND, 4711, 4);
	ck_assert_int_eq(open_copy(good, good_len), 0);
	xput(section_header(good, S_USER) + XS_OFFSET, 1, 8);
	ck_assert_int_eq(open_copy(good, good_len), -EBADMSG);
	ck_assert(!strncmp(x.fault, "section 8 (kind 4711): ", 23));
}
END_TEST

START_TEST(cut_off_anywhere_it_is_refused)
{
	size_t len;

	for (len = 0; len < good_len; len++) {
		ck_assert_int_eq(open_copy(good, len), -EBADMSG);
		ck_assert_msg(!strncmp(x.fault, "header: ", 8), "%zu: %s", len, x.fault);
	}
	/* and where the header agrees with the shorter file */
	for (len = XCLBIN_HEADER_LEN; len < good_len - 6; len++) {
		xput(good + XH_LENGTH, len, 8);
		ck_assert_int_eq(open_copy(good, len), -EBADMSG);
	}
}
END_TEST

START_TEST(any_byte_wrong_reads_nothing_that_is_not_there)
{
	static const uint8_t flip[] = { 0x01, 0x80, 0xff };
	size_t i, k, refused = 0;

	for (i = 0; i < good_len; i++)
		for (k = 0; k < sizeof(flip); k++) {
			good[i] ^= flip[k];
			refused += open_copy(good, good_len) != 0;
			good[i] ^= flip[k];
		}
	ck_assert_uint_gt(refused, 500);
	ck_assert_int_eq(open_copy(good, good_len), 0);
}
END_TEST

/* Sorting keeps the largest number of sections cheap; the last two overlap. */
START_TEST(the_greatest_number_of_sections)
{
	size_t len = XCLBIN_HEADER_LEN + (size_t)XCLBIN_SECTIONS_MAX * (XCLBIN_SECTION_LEN + 8);
	uint8_t *file = calloc(1, len);
	uint32_t i;

	memcpy(file, good, XCLBIN_HEADER_LEN);
	xput(file + XH_LENGTH, len, 8);
	xput(file + XH_NUM_SECTIONS, XCLBIN_SECTIONS_MAX, 4);
	for (i = 0; i < XCLBIN_SECTIONS_MAX; i++) {
		uint8_t *h = section_header(file, (int)i);

		xput(h + XS_KIND, XK_FIRMWARE, 4);
		xput(h + XS_OFFSET, len - 8 * (uint64_t)(i + 1), 8);
		xput(h + XS_SIZE, 8, 8);
	}
	ck_assert_int_eq(open_copy(file, len), 0);
	xput(section_header(file, XCLBIN_SECTIONS_MAX - 1) + XS_SIZE, 9, 8);
	ck_assert_int_eq(open_copy(file, len), -EBADMSG);
	ck_assert(!strncmp(x.fault, "section 65534 (FIRMWARE): m_sectionOffset: ", 43));
	free(file);
}
END_TEST

static int build_fault(struct xclbin_params *p, char *fault)
{
	uint8_t *out;
	size_t len;
	int rc = xclbin_build(p, &out, &len, fault, 256);

	ck_assert_ptr_null(out);
	return rc;
}

START_TEST(what_cannot_be_written_is_refused)
{
	struct xclbin_params p = params;
	char fault[256], name[65];

	memset(name, 'n', 64);
	name[64] = '\0';
	p.vbnv = name;
	ck_assert_int_eq(build_fault(&p, fault), -EINVAL);
	ck_assert(!strncmp(fault, "platform: ", 10));
	p.vbnv = "a\nb";
	ck_assert_int_eq(build_fault(&p, fault), -EINVAL);
	p = params;
	p.n_parts = 0;
	ck_assert_int_eq(build_fault(&p, fault), -EINVAL);
	p = params;
	p.mode = 7;
	ck_assert_int_eq(build_fault(&p, fault), -EINVAL);
	p = params;
	part[S_USER].name = "sixteen letters!";
	ck_assert_int_eq(build_fault(&p, fault), -EINVAL);
	part[S_USER].name = NULL;
	part[S_USER].kind = XK_IP_LAYOUT; /* not of its form */
	ck_assert_int_eq(build_fault(&p, fault), -EINVAL);
	ck_assert(!strncmp(fault, "section 8 (IP_LAYOUT): m_sectionKind: ", 30));
	part[S_USER].kind = XK_USER_METADATA;
}
END_TEST

static const char *const bad_layouts[] = {
	"",
	"{}",
	"[]",
	"{\"ip_layout\":1}",
	"{\"ip_layout\":{\"m_ip_data\":[]}}",
	"{\"ip_layout\":{\"m_ip_data\":[1]}}",
	"{\"ip_layout\":{\"m_ip_data\":[{\"m_type\":\"IP_KERNEL\",\"m_name\":\"a\"}]}}",
	"{\"ip_layout\":{\"m_ip_data\":[{\"m_type\":\"IP_WHAT\",\"m_base_address\":0,"
	"\"m_name\":\"a\"}]}}",
	"{\"ip_layout\":{\"m_ip_data\":[{\"m_type\":1,\"m_base_address\":\"-1\",\"m_name\":\"a\"}]}}",
	"{\"ip_layout\":{\"m_ip_data\":[{\"m_type\":1,\"m_base_address\":0,\"m_name\":\"\"}]}}",
	"{\"ip_layout\":{\"m_ip_data\":[{\"m_type\":1,\"m_base_address\":0,\"m_interrupt_id\":128,"
	"\"m_name\":\"a\"}]}}",
	"{\"ip_layout\":{\"m_ip_data\":[{\"m_type\":1,\"m_base_address\":0,\"m_name\":\"0123456789"
	"012345678901234567890123456789012345678901234567890123\"}]}}",
};

START_TEST(a_layout_of_another_form_is_refused)
{
	uint8_t *out;
	size_t size, i;

	for (i = 0; i < COUNT(bad_layouts); i++) {
		const char *json = bad_layouts[i];
		char fault[256] = "";

		ck_assert_int_eq(xclbin_ip_layout(json, strlen(json), &out, &size, fault,
						  sizeof(fault)),
				 -EINVAL);
		ck_assert_ptr_null(out);
		ck_assert(!strncmp(fault, "ip_layout: ", 11));
	}
}
END_TEST

START_TEST(uuids_as_text)
{
	static const char text[] = "00112233-4455-6677-8899-aabbccddeeff";
	char back[XCLBIN_UUID_TEXT];
	uint8_t uuid[XCLBIN_UUID_LEN];

	ck_assert(xclbin_uuid_parse(text, uuid));
	ck_assert_uint_eq(uuid[0], 0);
	ck_assert_uint_eq(uuid[15], 0xff);
	xclbin_uuid_text(back, uuid);
	ck_assert_str_eq(back, text);
	ck_assert(!xclbin_uuid_parse("", uuid));
	ck_assert(!xclbin_uuid_parse("00112233-4455-6677-8899-aabbccddeef", uuid));
	ck_assert(!xclbin_uuid_parse("00112233-4455-6677-8899-aabbccddeeff0", uuid));
	ck_assert(!xclbin_uuid_parse("00112233+4455-6677-8899-aabbccddeeff", uuid));
	ck_assert(!xclbin_uuid_parse("0011223g-4455-6677-8899-aabbccddeeff", uuid));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("xclbin");
	TCase *t = tcase_create("walk");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_is_written_reads_back);
	tcase_add_test(t, bytes_are_where_the_format_has_them);
	tcase_add_test(t, the_same_parameters_give_the_same_bytes);
	tcase_add_test(t, a_field_that_lies_is_named);
	tcase_add_test(t, a_text_without_an_end_is_named);
	tcase_add_test(t, no_uuid_is_refused);
	tcase_add_test(t, a_section_too_short_for_its_head_is_named);
	tcase_add_test(t, a_signature_lies_behind_the_sections);
	tcase_add_test(t, a_kind_of_later_days_is_let_through);
	tcase_add_test(t, cut_off_anywhere_it_is_refused);
	tcase_add_test(t, any_byte_wrong_reads_nothing_that_is_not_there);
	tcase_add_test(t, the_greatest_number_of_sections);
	tcase_add_test(t, what_cannot_be_written_is_refused);
	tcase_add_test(t, a_layout_of_another_form_is_refused);
	tcase_add_test(t, uuids_as_text);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
