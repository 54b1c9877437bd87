// SPDX-License-Identifier: BSD-2-Clause
#include <check.h>
#include <string.h>

#include "cosim_fixture.h"

struct rig rig;

void open_rig(const struct rig_params *params)
{
	ck_assert_int_eq(rig_open(&rig, params), 0);
	ck_assert_msg(!rig_connect(&rig), "connect: %s", weft_last_error());
}

void nothing_is_left(void)
{
	nvme_host_disconnect(rig.host);
	rig.host = NULL;
	rig_run(&rig, 50 * MS);
	ck_assert_uint_eq(peer_stats(rig.peer)->open, 0);
	ck_assert_uint_eq(peer_commands(rig.peer), 0);
}

void close_rig(void)
{
	const char *trouble = rig_trouble(&rig);

	ck_assert_msg(!trouble, "%s", trouble);
	nothing_is_left();
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

/* Writes len bytes, checks them in the peer's RAM, and reads them back into another buffer. */
void round_trip(uint64_t lba, uint32_t len, uint32_t seed)
{
	uint8_t *out = weft_mem_alloc(rig.dev, len), *in = weft_mem_alloc(rig.dev, len),
		*ram = peer_ram(rig.peer, NULL);
	struct rig_io io = { 0 };

	ck_assert(out && in);
	fill(out, len, seed);
	ck_assert_int_eq(rig_write(&rig, out, lba, len / 512, &io), 0);
	ck_assert_msg(rig_wait(&rig, &io, 1, 5 * SECOND), "write of %u bytes does not end", len);
	ck_assert_msg(!io.error, "write of %u bytes: %d, status %x, %s", len, io.error, io.status,
		      rig_trouble(&rig));
	ck_assert_msg(!memcmp(ram + lba * 512, out, len), "write of %u bytes: wrong in the target",
		      len);
	ck_assert_int_eq(rig_read(&rig, in, lba, len / 512, &io), 0);
	ck_assert_msg(rig_wait(&rig, &io, 2, 5 * SECOND), "read of %u bytes does not end", len);
	ck_assert_msg(!io.error, "read of %u bytes: %d, status %x, %s", len, io.error, io.status,
		      rig_trouble(&rig));
	ck_assert_msg(!memcmp(in, out, len), "read of %u bytes: wrong in the host", len);
	weft_mem_free(rig.dev, out);
	weft_mem_free(rig.dev, in);
}

/* n commands at once, half of them reads of what the other half does not touch. */
void crowd(unsigned int n, uint32_t len)
{
	uint8_t *buf = weft_mem_alloc(rig.dev, (size_t)n * len), *ram = peer_ram(rig.peer, NULL);
	struct rig_io io = { 0 };
	unsigned int i;
	int ret;

	ck_assert_ptr_nonnull(buf);
	fill(buf, (size_t)n * len, 3);
	fill(ram, (size_t)n * len, 4);
	for (i = 0; i < n; i++) {
		ret = i % 2 ? rig_read(&rig, buf + i * len, i * len / 512, len / 512, &io) :
			      rig_write(&rig, buf + i * len, i * len / 512, len / 512, &io);
		ck_assert_int_eq(ret, 0);
	}
	ck_assert_msg(rig_wait(&rig, &io, n, 10 * SECOND), "%u of %u commands end", io.done, n);
	ck_assert_msg(!io.error, "error %d, status %x", io.error, io.status);
	for (i = 0; i < n; i++)
		ck_assert_msg(!memcmp(buf + i * len, ram + i * len, len), "command %u: wrong data",
			      i);
	weft_mem_free(rig.dev, buf);
}

void target_breaks_the_rules(enum peer_fault fault)
{
	struct rig_params params = { .digests = 3, .io_timeout_ms = 200, .peer.no_kato = true };
	struct rig_io io = { 0 };
	struct weft_dma_stats dma;
	bool write = fault >= PEER_R2T_HDGST && fault <= PEER_R2T_NONE;
	uint32_t len = 65536, i;
	uint8_t *buf;

	open_rig(&params);
	buf = weft_mem_alloc(rig.dev, 3 * len);
	ck_assert_ptr_nonnull(buf);
	memset(buf, 0xa5, 3 * len);
	peer_misbehave(rig.peer, fault, 1, 1, fault == PEER_RESP_STATUS ? 0x4006 : 2);
	ck_assert_int_eq(write ? rig_write(&rig, buf + len, 0, len / 512, &io) :
				 rig_read(&rig, buf + len, 0, len / 512, &io),
			 0);
	ck_assert_msg(rig_wait(&rig, &io, 1, 3 * SECOND), "%s: the command does not end",
		      peer_fault_name(fault));
	ck_assert_msg(peer_misbehaved(rig.peer), "%s did not happen", peer_fault_name(fault));
	for (i = 0; i < len; i++) {
		ck_assert_msg(buf[i] == 0xa5, "%s: byte %u before the buffer",
			      peer_fault_name(fault), i);
		ck_assert_msg(buf[2 * len + i] == 0xa5, "%s: byte %u behind the buffer",
			      peer_fault_name(fault), i);
	}
	weft_sim_bus_stats(rig.inproc, &dma);
	ck_assert_uint_eq(dma.refused, 0);
	nvme_host_disconnect(rig.host);
	rig.host = NULL;
	peer_close_all(rig.peer, true);
	rig_run(&rig, 10 * MS);
	ck_assert_msg(!rig_connect(&rig), "%s: no new association: %s", peer_fault_name(fault),
		      weft_last_error());
	round_trip(0, 8192, 1);
	nothing_is_left();
	rig_close(&rig);
}
