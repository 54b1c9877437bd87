/* SPDX-License-Identifier: BSD-2-Clause */
/* Log pages: content, windows, statuses. */
#include <errno.h>
#include <string.h>

#include "rig.h"

static struct host h;
static uint8_t data[16384], part[16384];

static void up(void)
{
	rig_up();
	h = host_new(RIG_NQN, RIG_HOST);
	host_up(&h, 1);
}

static void down(void)
{
	host_down(&h);
	rig_down();
}

static struct nvme_sqe log_sqe(uint8_t lid, uint32_t bytes)
{
	return (struct nvme_sqe){ .opc = NVME_OPC_GET_LOG_PAGE,
				  .cdw10 = lid | (bytes / 4 - 1) << 16 };
}

START_TEST(errors)
{
	struct nvme_error_entry *e = (void *)data;
	struct nvme_sqe s = rw_sqe(NVME_OPC_READ, 1, RIG_BLOCKS + 7, 1);
	uint16_t cid;
	int i;

	ck_assert_uint_eq(get_log(&h, NVME_LID_ERROR, false, 0, data, 1024), 0);
	ck_assert_uint_eq(e[0].count, 0);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_IN, part, 512), 0x4080);
	cid = h.cid;
	ck_assert_uint_eq(identify(&h, 0xff, 3, part), 0x4002);
	ck_assert_uint_eq(get_log(&h, NVME_LID_ERROR, false, 0, data, 1024), 0);
	ck_assert_uint_eq(e[0].count, 2); /* newest first */
	ck_assert_uint_eq(e[0].sqid, 0);
	ck_assert_uint_eq(e[0].nsid, 3);
	ck_assert_uint_eq(e[0].status, 0x4002 << 1);
	ck_assert_uint_eq(e[1].count, 1);
	ck_assert_uint_eq(e[1].sqid, 1);
	ck_assert_uint_eq(e[1].cid, cid);
	ck_assert_uint_eq(e[1].status, (uint16_t)(0x4080 << 1));
	ck_assert_uint_eq(e[1].lba, RIG_BLOCKS + 7);
	ck_assert_uint_eq(e[1].nsid, 1);
	ck_assert_uint_eq(e[1].trtype, 3);
	ck_assert_uint_eq(e[2].count, 0);
	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(run(&h, 1, s, FAKE_IN, part, 512), 0x4080);
	ck_assert_uint_eq(get_log(&h, NVME_LID_ERROR, false, 0, data, 1024), 0);
	for (i = 0; i < 16; i++)
		ck_assert_uint_eq(e[i].count, 22u - (unsigned int)i);
}
END_TEST

START_TEST(smart)
{
	struct nvme_smart_log *l = (void *)data;
	static uint8_t buf[1 << 20];
	int i;

	ck_assert_uint_eq(get_log(&h, NVME_LID_SMART, false, 0, data, 512), 0);
	ck_assert_uint_eq(l->critical_warning, 0);
	ck_assert_uint_eq(l->available_spare, 100);
	ck_assert_uint_eq(l->host_reads[0], 0);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(write_blocks(&h, 0, 2048, buf), 0);
	ck_assert_uint_eq(read_blocks(&h, 0, 1, buf), 0);
	disk->fail = -EIO;
	disk->fail_op = NVME_BACKEND_READ;
	ck_assert_uint_eq(read_blocks(&h, 0, 1, buf), 0x4281);
	ck_assert_uint_eq(get_log(&h, NVME_LID_SMART, false, 0, data, 512), 0);
	ck_assert_uint_eq(l->host_writes[0], 3);
	ck_assert_uint_eq(l->host_reads[0], 2);
	ck_assert_uint_eq(l->data_units_written[0], 7); /* 3 MiB in units of 512000 */
	ck_assert_uint_eq(l->data_units_read[0], 1);
	ck_assert_uint_eq(l->media_errors[0], 1);
	ck_assert_uint_eq(l->error_log_entries[0], 1);
}
END_TEST

START_TEST(firmware)
{
	ck_assert_uint_eq(get_log(&h, NVME_LID_FIRMWARE, false, 0, data, 512), 0);
	ck_assert_uint_eq(data[0], 1);
	ck_assert_mem_eq(data + 8, "0.2     ", 8);
	ck_assert_uint_eq(data[16], 0);
}
END_TEST

/* What the page says is supported is, and nothing else. */
START_TEST(effects)
{
	uint32_t *e = (void *)data, i;
	struct nvme_sqe s = { .nsid = 1 };
	uint16_t status;

	ck_assert_uint_eq(get_log(&h, NVME_LID_EFFECTS, false, 0, data, 4096), 0);
	for (i = 0; i < 256; i++) {
		if (i == NVME_OPC_FABRICS || i == NVME_OPC_ASYNC_EVENT_REQUEST)
			continue;
		s.opc = (uint8_t)i;
		status = run(&h, 0, s, FAKE_NONE, NULL, 0);
		ck_assert_msg((e[i] & 1) == (status != 0x4001), "admin %02x: %x", i, status);
		status = run(&h, 1, s, FAKE_NONE, NULL, 0);
		ck_assert_msg((e[256 + i] & 1) == (status != 0x4001), "I/O %02x: %x", i, status);
	}
	ck_assert_uint_eq(e[256 + NVME_OPC_WRITE], 3);
	ck_assert_uint_eq(e[256 + NVME_OPC_READ], 1);
}
END_TEST

START_TEST(windows)
{
	static const uint8_t lids[] = { 1, 2, 5 };
	uint32_t size = lids[_i] == 5 ? 4096 : lids[_i] == 1 ? 1024 : 512, off;
	static const uint8_t zero[64];

	for (off = 0; off < 5; off++) /* something to see */
		identify(&h, 0xff, off, part);
	ck_assert_uint_eq(get_log(&h, lids[_i], true, 0, data, size), 0);
	for (off = 0; off <= size - 60; off += 4) {
		ck_assert_uint_eq(get_log(&h, lids[_i], true, off, part, 60), 0);
		ck_assert_mem_eq(part, data + off, 60);
	}
	ck_assert_uint_eq(get_log(&h, lids[_i], true, size - 4, part, 64), 0);
	ck_assert_mem_eq(part, data + size - 4, 4);
	ck_assert_mem_eq(part + 4, zero, 60);
	ck_assert_uint_eq(get_log(&h, lids[_i], true, size, part, 64), 0);
	ck_assert_mem_eq(part, zero, 64);
	ck_assert_uint_eq(get_log(&h, lids[_i], true, 0, part, 16384), 0);
	ck_assert_mem_eq(part, data, size);
	ck_assert_uint_eq(get_log(&h, lids[_i], true, size + 4, part, 64), 0x4002);
	ck_assert_uint_eq(get_log(&h, lids[_i], true, 1ull << 40, part, 64), 0x4002);
	ck_assert_uint_eq(get_log(&h, lids[_i], true, 2, part, 64), 0x4002);
}
END_TEST

START_TEST(refused)
{
	static const uint8_t unknown[] = { 0, 6, 7, 8, 0x0c, 0x0d, 0x70, 0x80, 0x81, 0xc0, 0xff };
	struct nvme_sqe s = log_sqe(NVME_LID_SMART, 512);
	size_t i;

	for (i = 0; i < sizeof(unknown); i++)
		ck_assert_uint_eq(get_log(&h, unknown[i], false, 0, data, 512),
				  NVME_SC_INVALID_LOG_PAGE | DNR);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 512), 0); /* NSID 0 */
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 508), NVME_SC_SGL_LENGTH_INVALID | DNR);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 516), NVME_SC_SGL_LENGTH_INVALID | DNR);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), NVME_SC_SGL_LENGTH_INVALID | DNR);
	s.nsid = 1; /* pages are not kept for namespaces */
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 512), NVME_SC_INVALID_FIELD | DNR);
	s = log_sqe(NVME_LID_SMART, 512);
	s.cdw14 = 1u << 23;
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 512), NVME_SC_INVALID_FIELD | DNR);
	s.cdw14 = 0;
	s.cdw11 = 0xffff; /* 16 GiB */
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 512), NVME_SC_INVALID_FIELD | DNR);
}
END_TEST

Suite *log_suite(void)
{
	Suite *s = suite_create("log");
	TCase *c = tcase_create("log");

	tcase_add_checked_fixture(c, up, down);
	tcase_add_test(c, errors);
	tcase_add_test(c, smart);
	tcase_add_test(c, firmware);
	tcase_add_test(c, effects);
	tcase_add_loop_test(c, windows, 0, 3);
	tcase_add_test(c, refused);
	suite_add_tcase(s, c);
	return s;
}
