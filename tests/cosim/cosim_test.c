// SPDX-License-Identifier: BSD-2-Clause
/* The whole adapter against the scripted peer, in process and in cycle time: data both ways, always compared. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define MS 1000000ull

static struct rig rig;

static void open_rig(const struct rig_params *params)
{
	ck_assert_int_eq(rig_open(&rig, params), 0);
	ck_assert_msg(!rig_connect(&rig), "connect: %s", weft_last_error());
}

/* No complaint, no stray DMA, nothing left open. */
static void close_rig(void)
{
	const char *trouble = rig_trouble(&rig);

	ck_assert_msg(!trouble, "%s", trouble);
	nvme_host_disconnect(rig.host);
	rig.host = NULL;
	rig_run(&rig, 50 * MS);
	ck_assert_uint_eq(peer_stats(rig.peer)->open, 0);
	ck_assert_uint_eq(peer_commands(rig.peer), 0);
	rig_close(&rig);
}

static void fill(uint8_t *b, size_t len, uint32_t seed)
{
	uint32_t *w = (uint32_t *)b, x = seed * 2654435761u + 1;
	size_t i;

	for (i = 0; i < len / 4; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		w[i] = x;
	}
}

/* Writes len bytes, checks them in the peer's RAM, spoils nothing beside them, reads them back into another buffer. */
static void round_trip(uint64_t lba, uint32_t len, uint32_t seed)
{
	uint8_t *out = weft_mem_alloc(rig.dev, len), *in = weft_mem_alloc(rig.dev, len), *ram = peer_ram(rig.peer, NULL);
	struct rig_io io = { 0 };

	ck_assert(out && in);
	fill(out, len, seed);
	ck_assert_int_eq(rig_write(&rig, out, lba, len / 512, &io), 0);
	ck_assert_msg(rig_wait(&rig, &io, 1, 2000 * MS), "write of %u bytes does not end", len);
	ck_assert_msg(!io.error, "write of %u bytes: %d, status %x", len, io.error, io.status);
	ck_assert_msg(!memcmp(ram + lba * 512, out, len), "write of %u bytes: wrong in the target", len);
	ck_assert_int_eq(rig_read(&rig, in, lba, len / 512, &io), 0);
	ck_assert_msg(rig_wait(&rig, &io, 2, 2000 * MS), "read of %u bytes does not end", len);
	ck_assert_msg(!io.error, "read of %u bytes: %d, status %x", len, io.error, io.status);
	ck_assert_msg(!memcmp(in, out, len), "read of %u bytes: wrong in the host", len);
	weft_mem_free(rig.dev, out);
	weft_mem_free(rig.dev, in);
}

START_TEST(data_of_every_size_comes_back)
{
	static const uint32_t sizes[] = { 512, 1024, 4096, 8192, 16384, 16896, 65536, 131072 };
	struct rig_params params = { .digests = (uint8_t)(_i & 3), .mtu = _i & 4 ? 9000 : 1500 };
	unsigned int i;

	open_rig(&params);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		round_trip(i * 1000 + 3, sizes[i], i + 1);
	close_rig();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cosim");
	TCase *t = tcase_create("data");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 50);
	tcase_add_loop_test(t, data_of_every_size_comes_back, 0, 8);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
