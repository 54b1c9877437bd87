/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O commands: content, checks, errors of the backend, waiting for buffers. */
#include <errno.h>
#include <string.h>

#include "rig.h"

#define MIB (1u << 20)

static struct host h;
static uint8_t a[2 * MIB], b[2 * MIB];

static void up(void)
{
	rig_up();
	h = host_new(RIG_NQN, RIG_HOST);
	host_up(&h, 2);
}

static void down(void)
{
	host_down(&h);
	rig_down();
}

static void small_up(void)
{
	struct nvme_target_opts o = { .buffer_bytes = 4 * MIB };

	rig_up_with(&o);
	h = host_new(RIG_NQN, RIG_HOST);
	h.sqsize = 63;
	host_up(&h, 3);
}

/* --- reads and writes ----------------------------------------------------------------------------- */

static const uint32_t sizes[] = { 1, 3, 7, 8, 9, 31, 32, 33, 64, 128, 257, 1024, 2047, 2048 };

START_TEST(content_of_every_size)
{
	uint32_t n = sizes[_i], bytes = n * 512;

	pattern(a, bytes, n);
	pattern(disk->mem, RIG_BLOCKS * 512, 99);
	ck_assert_uint_eq(write_blocks(&h, 5, n, a), 0);
	ck_assert_uint_eq(last->r2ts, bytes > 16384);
	ck_assert_mem_eq(disk->mem + 5 * 512, a, bytes);
	pattern(b, 2 * MIB, 99);
	ck_assert_mem_eq(disk->mem, b, 5 * 512); /* and nothing else */
	ck_assert_mem_eq(disk->mem + 5 * 512 + bytes, b + 5 * 512 + bytes, 512);
	ck_assert_uint_eq(read_blocks(&h, 5, n, b), 0);
	ck_assert_mem_eq(a, b, bytes);
	h.r2t = true; /* small ones by R2T, too */
	pattern(a, bytes, n + 1);
	ck_assert_uint_eq(write_blocks(&h, 6, n, a), 0);
	ck_assert_uint_eq(last->r2ts, 1);
	disk->slow = true;
	ck_assert_uint_eq(read_blocks(&h, 6, n, b), 0);
	ck_assert_mem_eq(a, b, bytes);
}
END_TEST

START_TEST(last_block)
{
	pattern(a, 512, 1);
	ck_assert_uint_eq(write_blocks(&h, RIG_BLOCKS - 1, 1, a), 0);
	ck_assert_uint_eq(read_blocks(&h, RIG_BLOCKS - 1, 1, b), 0);
	ck_assert_mem_eq(a, b, 512);
}
END_TEST

START_TEST(blocks_of_4096)
{
	struct fake_backend *f = fake_backend_new(64 * 4096, 4096, NULL);
	struct nvme_sqe s = rw_sqe(NVME_OPC_WRITE, 2, 63, 1);
	uint32_t nsid;

	ck_assert_int_eq(nvme_subsys_ns_add(subsys, &f->b, NULL, &nsid), 0);
	ck_assert_uint_eq(nsid, 2);
	pattern(a, 4096, 3);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_ICD, a, 4096), 0);
	ck_assert_mem_eq(f->mem + 63 * 4096, a, 4096);
	s = rw_sqe(NVME_OPC_READ, 2, 63, 1);
	ck_assert_uint_eq(run(&h, 2, s, FAKE_IN, b, 4096), 0);
	ck_assert_mem_eq(a, b, 4096);
	s = rw_sqe(NVME_OPC_READ, 2, 64, 1);
	ck_assert_uint_eq(run(&h, 2, s, FAKE_IN, b, 4096), NVME_SC_LBA_OUT_OF_RANGE | DNR);
}
END_TEST

/* --- checks ----------------------------------------------------------------------------------------- */

static const struct wrong {
	const char *what;
	struct nvme_sqe sqe;
	enum fake_data kind;
	uint32_t len;
	uint16_t status;
} wrongs[] = {
	{ "NSID 0", { .opc = 2, .nsid = 0 }, FAKE_IN, 512, 0x400b },
	{ "NSID 9", { .opc = 2, .nsid = 9 }, FAKE_IN, 512, 0x400b },
	{ "NSID 257", { .opc = 2, .nsid = 257 }, FAKE_IN, 512, 0x400b },
	{ "NSID all", { .opc = 2, .nsid = READ_ALL }, FAKE_IN, 512, 0x400b },
	{ "beyond", { .opc = 2, .nsid = 1, .cdw10 = RIG_BLOCKS }, FAKE_IN, 512, 0x4080 },
	{ "over the end",
	  { .opc = 2, .nsid = 1, .cdw10 = RIG_BLOCKS - 1, .cdw12 = 1 },
	  FAKE_IN,
	  1024,
	  0x4080 },
	{ "SLBA wraps",
	  { .opc = 1, .nsid = 1, .cdw10 = ~0u, .cdw11 = ~0u, .cdw12 = 1 },
	  FAKE_ICD,
	  1024,
	  0x4080 },
	{ "SLBA high", { .opc = 2, .nsid = 1, .cdw11 = 1 }, FAKE_IN, 512, 0x4080 },
	{ "above MDTS", { .opc = 2, .nsid = 1, .cdw12 = 2048 }, FAKE_IN, 2049 * 512, 0x4002 },
	{ "short SGL", { .opc = 2, .nsid = 1, .cdw12 = 1 }, FAKE_IN, 512, 0x400f },
	{ "long SGL", { .opc = 2, .nsid = 1 }, FAKE_IN, 1024, 0x400f },
	{ "short ICD", { .opc = 1, .nsid = 1, .cdw12 = 1 }, FAKE_ICD, 512, 0x400f },
	{ "long write", { .opc = 1, .nsid = 1 }, FAKE_R2T, 1024, 0x400f },
	{ "write, no data", { .opc = 1, .nsid = 1 }, FAKE_NONE, 0, 0x400f },
	{ "read with ICD", { .opc = 2, .nsid = 1 }, FAKE_ICD, 512, 0x4011 },
	{ "PRACT", { .opc = 2, .nsid = 1, .cdw12 = 1u << 29 }, FAKE_IN, 512, 0x4002 },
	{ "PRCHK", { .opc = 1, .nsid = 1, .cdw12 = 1u << 26 }, FAKE_ICD, 512, 0x4002 },
	{ "MPTR", { .opc = 2, .nsid = 1, .mptr = 64 }, FAKE_IN, 512, 0x4002 },
	{ "FUSE first", { .opc = 5, .flags = 0x41, .nsid = 1 }, FAKE_ICD, 512, 0x4002 },
	{ "FUSE second", { .opc = 1, .flags = 0x42, .nsid = 1 }, FAKE_ICD, 512, 0x4002 },
	{ "Flush, NSID 0", { .opc = 0, .nsid = 0 }, FAKE_NONE, 0, 0x400b },
	{ "Flush, data", { .opc = 0, .nsid = 1 }, FAKE_IN, 512, 0x400f },
	{ "Zeroes, data", { .opc = 8, .nsid = 1 }, FAKE_IN, 512, 0x400f },
	{ "Zeroes, range", { .opc = 8, .nsid = 1, .cdw12 = 0xffff }, FAKE_NONE, 0, 0x4080 },
	{ "Zeroes, NSID", { .opc = 8, .nsid = 2 }, FAKE_NONE, 0, 0x400b },
	{ "Verify, range", { .opc = 12, .nsid = 1, .cdw10 = RIG_BLOCKS }, FAKE_NONE, 0, 0x4080 },
	{ "Verify, VSL", { .opc = 12, .nsid = 1, .cdw12 = 2048 }, FAKE_NONE, 0, 0x4002 },
	{ "DSM, length", { .opc = 9, .nsid = 1, .cdw10 = 1, .cdw11 = 4 }, FAKE_ICD, 16, 0x400f },
	{ "DSM, 8 KiB", { .opc = 9, .nsid = 1, .cdw11 = 4 }, FAKE_ICD, 8192, 0x400f },
	{ "DSM, NSID", { .opc = 9, .nsid = 2, .cdw11 = 4 }, FAKE_ICD, 16, 0x400b },
	{ "Write Uncorrectable", { .opc = 4, .nsid = 1 }, FAKE_NONE, 0, 0x4001 },
	{ "Reservation Register", { .opc = 13, .nsid = 1 }, FAKE_ICD, 16, 0x4001 },
	{ "opcode FFh", { .opc = 0xff, .nsid = 1 }, FAKE_NONE, 0, 0x4001 },
};

START_TEST(refused)
{
	const struct wrong *w = &wrongs[_i];
	struct nvme_smart_log smart;
	uint16_t status;

	pattern(a, MIB, 1);
	pattern(disk->mem, RIG_BLOCKS * 512, 2);
	status = run(&h, 1, w->sqe, w->kind, a, w->len);
	ck_assert_msg(status == w->status, "%s: %x", w->what, status);
	ck_assert_uint_eq(last->r2ts, 0);
	pattern(b, MIB, 2);
	ck_assert_mem_eq(disk->mem, b, MIB);
	ck_assert_uint_eq(disk->ops[0] + disk->ops[1] + disk->ops[3] + disk->ops[4], 0);
	ck_assert_uint_eq(get_log(&h, NVME_LID_SMART, false, 0, &smart, 512), 0);
	ck_assert_uint_eq(smart.error_log_entries[0], 1);
}
END_TEST

START_TEST(read_only_namespace)
{
	struct fake_backend *f = fake_backend_new(64 * 512, 512, NULL);
	struct nvme_ns_opts o = { .read_only = true };
	struct nvme_dsm_range r = { .blocks = 1 };
	struct nvme_sqe s = rw_sqe(NVME_OPC_WRITE, 2, 0, 1);
	struct nvme_identify_ns id;

	ck_assert_int_eq(nvme_subsys_ns_add(subsys, &f->b, &o, NULL), 0);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_ICD, a, 512), NVME_SC_NS_WRITE_PROTECTED | DNR);
	s.opc = NVME_OPC_WRITE_ZEROES;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_NONE, NULL, 0), NVME_SC_NS_WRITE_PROTECTED | DNR);
	s = (struct nvme_sqe){ .opc = NVME_OPC_DATASET_MANAGEMENT, .nsid = 2, .cdw11 = 4 };
	ck_assert_uint_eq(run(&h, 1, s, FAKE_ICD, &r, 16), NVME_SC_NS_WRITE_PROTECTED | DNR);
	ck_assert_uint_eq(identify(&h, NVME_CNS_NAMESPACE, 2, &id), 0);
	ck_assert_uint_eq(id.nsattr, 1);
	s = rw_sqe(NVME_OPC_READ, 2, 0, 1);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_IN, a, 512), 0);
}
END_TEST

static const struct failure {
	uint8_t opc;
	enum nvme_backend_op op;
	int error;
	uint16_t status;
} failures[] = {
	{ 2, NVME_BACKEND_READ, -EIO, 0x4281 },
	{ 2, NVME_BACKEND_READ, -ENODATA, 0x4281 }, /* what Linux calls a medium error */
	{ 2, NVME_BACKEND_READ, -EILSEQ, 0x4281 },
	{ 2, NVME_BACKEND_READ, -EBADMSG, 0x4281 },
	{ 2, NVME_BACKEND_READ, -EUCLEAN, 0x4281 },
	{ 2, NVME_BACKEND_READ, -EREMOTEIO, 0x4281 },
	{ 2, NVME_BACKEND_READ, -ENOMEM, 0x006 },
	{ 2, NVME_BACKEND_READ, -ERANGE, 0x4080 },
	{ 1, NVME_BACKEND_WRITE, -EIO, 0x4280 },
	{ 1, NVME_BACKEND_WRITE, -EREMOTEIO, 0x4280 },
	{ 1, NVME_BACKEND_WRITE, -ENOSPC, 0x4081 },
	{ 1, NVME_BACKEND_WRITE, -EROFS, 0x4020 },
	{ 1, NVME_BACKEND_WRITE, -EAGAIN, 0x006 },
	{ 8, NVME_BACKEND_WRITE_ZEROES, -EOPNOTSUPP, 0x4001 },
	{ 8, NVME_BACKEND_WRITE_ZEROES, -ENOSPC, 0x4081 },
	{ 5, NVME_BACKEND_READ, -EIO, 0x4281 },
	{ 12, NVME_BACKEND_READ, -EIO, 0x4281 },
	{ 0, NVME_BACKEND_FLUSH, -EIO, 0x4280 },
	{ 9, NVME_BACKEND_DISCARD, -EIO, 0x4280 },
	{ 9, NVME_BACKEND_DISCARD, -EOPNOTSUPP, 0 },
};

static uint16_t do_op(uint8_t opc)
{
	struct nvme_sqe s = rw_sqe(opc, 1, 8, 4);
	struct nvme_dsm_range r = { .slba = 8, .blocks = 4 };

	switch (opc) {
	case 2:
		return run(&h, 1, s, FAKE_IN, b, 2048);
	case 1:
	case 5:
		return run(&h, 1, s, FAKE_ICD, a, 2048);
	case 9:
		s = (struct nvme_sqe){ .opc = 9, .nsid = 1, .cdw11 = 4 };
		return run(&h, 1, s, FAKE_ICD, &r, 16);
	default:
		return run(&h, 1, s, FAKE_NONE, NULL, 0);
	}
}

START_TEST(backend_errors)
{
	const struct failure *f = &failures[_i];

	disk->b.volatile_cache = true;
	disk->slow = _i % 2;
	disk->fail = f->error;
	disk->fail_op = f->op;
	ck_assert_uint_eq(do_op(f->opc), f->status);
	ck_assert_int_eq(disk->fail, 0);
	ck_assert_uint_eq(do_op(f->opc), 0); /* once only */
}
END_TEST

START_TEST(wrong_digest_is_never_written)
{
	/* an adapter that will not fetch: the connection lives on, so the host must be answered */
	static const int refusals[] = { -EINVAL, -EIO, -ENOMEM };
	struct nvme_sqe s = rw_sqe(NVME_OPC_WRITE, 1, 0, 8);
	size_t i;

	pattern(a, 4096, 1);
	memset(b, 0, 4096);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_BAD_ICD, a, 4096), NVME_SC_TRANSIENT_TRANSPORT_ERROR);
	ck_assert_mem_eq(disk->mem, b, 4096);
	fake_fail_data(h.q[1], -EBADMSG);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_R2T, a, 4096), NVME_SC_TRANSIENT_TRANSPORT_ERROR);
	ck_assert_mem_eq(disk->mem, b, 4096);
	fake_fail_data(h.q[1], -EFAULT);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_R2T, a, 4096), NVME_SC_DATA_TRANSFER_ERROR);
	for (i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		fake_fail_data(h.q[1], refusals[i]);
		ck_assert_uint_eq(run(&h, 1, s, FAKE_R2T, a, 4096), NVME_SC_DATA_TRANSFER_ERROR);
	}
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_WRITE], 0);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_R2T, a, 4096), 0);
	ck_assert_mem_eq(disk->mem, a, 4096);
}
END_TEST

/* --- the other commands ------------------------------------------------------------------------------ */

START_TEST(flush_and_fua)
{
	struct nvme_sqe s = { .opc = NVME_OPC_FLUSH, .nsid = 1 };
	struct nvme_sqe w = rw_sqe(NVME_OPC_WRITE, 1, 0, 1);
	struct fake_backend *two = rig_add_disk(subsys, 64, NULL, NULL);

	ck_assert_uint_eq(run(&h, 1, s, FAKE_NONE, NULL, 0), 0);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_FLUSH], 0); /* nothing volatile */
	disk->b.volatile_cache = two->b.volatile_cache = true;
	disk->slow = true;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_NONE, NULL, 0), 0);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_FLUSH], 1);
	s.nsid = NVME_NSID_ALL;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_NONE, NULL, 0), 0);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_FLUSH], 2);
	ck_assert_uint_eq(two->ops[NVME_BACKEND_FLUSH], 1);
	ck_assert_uint_eq(run(&h, 1, w, FAKE_ICD, a, 512), 0);
	ck_assert_uint_eq(disk->fua, 0);
	w.cdw12 |= 1u << 30;
	ck_assert_uint_eq(run(&h, 1, w, FAKE_ICD, a, 512), 0);
	ck_assert_uint_eq(disk->fua, 1);
	w.cdw12 = 1u << 31; /* LR */
	ck_assert_uint_eq(run(&h, 1, w, FAKE_ICD, a, 512), 0);
	ck_assert_uint_eq(disk->fua, 1);
	ck_assert_uint_eq(set_feature(&h, NVME_FID_VOLATILE_WRITE_CACHE, 0), 0);
	ck_assert_uint_eq(run(&h, 1, w, FAKE_ICD, a, 512), 0);
	ck_assert_uint_eq(disk->fua, 2); /* the host wants no cache */
}
END_TEST

START_TEST(write_zeroes)
{
	struct nvme_sqe s = rw_sqe(NVME_OPC_WRITE_ZEROES, 1, 3, 4096);

	pattern(disk->mem, RIG_BLOCKS * 512, 4);
	pattern(a, 2 * MIB, 4);
	memset(a + 3 * 512, 0, 2 * MIB - 3 * 512);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_NONE, NULL, 0), 0); /* 2 MiB: MDTS is about data */
	ck_assert_mem_eq(disk->mem, a, 2 * MIB);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_WRITE_ZEROES], 1);
	pattern(b, 16, 4);
	ck_assert_mem_ne(disk->mem + (3 + 4096) * 512, a + 3 * 512, 512);
	s = rw_sqe(NVME_OPC_WRITE_ZEROES, 1, 0, 1);
	s.cdw12 |= 1u << 25; /* DEAC */
	ck_assert_uint_eq(run(&h, 1, s, FAKE_NONE, NULL, 0), 0);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_DISCARD], 1);
	disk->b.zero_by_discard = false;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_NONE, NULL, 0), 0);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_WRITE_ZEROES], 2);
}
END_TEST

START_TEST(dataset_management)
{
	struct nvme_dsm_range r[256] = { { .slba = 2, .blocks = 3 }, { .slba = 10, .blocks = 1 } };
	struct nvme_sqe s = { .opc = NVME_OPC_DATASET_MANAGEMENT,
			      .nsid = 1,
			      .cdw10 = 1,
			      .cdw11 = NVME_DSM_DEALLOCATE };
	uint32_t i;

	disk->slow = _i;
	pattern(disk->mem, RIG_BLOCKS * 512, 5);
	memcpy(a, disk->mem, 16 * 512);
	memset(a + 2 * 512, 0, 3 * 512);
	memset(a + 10 * 512, 0, 512);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_ICD, r, sizeof(r)), 0); /* as Linux does */
	ck_assert_mem_eq(disk->mem, a, 16 * 512);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_DISCARD], 2);
	s.cdw11 = 0; /* only a hint about use */
	ck_assert_uint_eq(run(&h, 1, s, FAKE_R2T, r, 32), 0);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_DISCARD], 2);
	for (i = 0; i < 256; i++)
		r[i] = (struct nvme_dsm_range){ .slba = i * 4, .blocks = 2 };
	s.cdw11 = NVME_DSM_DEALLOCATE;
	s.cdw10 = 255;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_R2T, r, sizeof(r)), _i ? NO_ANSWER : 0);
	polls(300);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_DISCARD], 258);
	r[255].slba = RIG_BLOCKS - 1; /* one bad range: nothing is done */
	ck_assert_uint_eq(run(&h, 1, s, FAKE_ICD, r, sizeof(r)), NVME_SC_LBA_OUT_OF_RANGE | DNR);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_DISCARD], 258);
}
END_TEST

START_TEST(compare_and_verify)
{
	struct nvme_sqe s = rw_sqe(NVME_OPC_COMPARE, 1, 1, 2048);

	disk->slow = _i;
	pattern(disk->mem, RIG_BLOCKS * 512, 6);
	memcpy(a, disk->mem + 512, MIB);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_R2T, a, MIB), 0);
	ck_assert_uint_eq(last->cqe.dw1, 0);
	a[MIB - 1] ^= 1;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_R2T, a, MIB), NVME_SC_COMPARE_FAILURE | DNR);
	ck_assert_uint_eq(last->cqe.dw1, 0);
	s = rw_sqe(NVME_OPC_COMPARE, 1, 1, 1);
	ck_assert_uint_eq(run(&h, 1, s, FAKE_ICD, a, 512), 0);
	a[0] ^= 1;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_ICD, a, 512), NVME_SC_COMPARE_FAILURE | DNR);
	s = rw_sqe(NVME_OPC_VERIFY, 1, 0, 2048);
	disk->ops[NVME_BACKEND_READ] = 0;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_NONE, NULL, 0), 0);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_READ], 16);
}
END_TEST

START_TEST(many_compares_take_turns)
{
	struct nvme_sqe s = rw_sqe(NVME_OPC_COMPARE, 1, 0, 256);
	struct fake_cmd *c[20];
	int i;

	disk->slow = true;
	pattern(disk->mem, RIG_BLOCKS * 512, 7);
	memcpy(a, disk->mem, 131072);
	for (i = 0; i < 20; i++) {
		a[131071] ^= i & 1;
		c[i] = post(&h, (uint16_t)(1 + i % 2), s, FAKE_R2T, a, 131072);
		a[131071] ^= i & 1;
	}
	polls(50);
	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(status_of(c[i]), i & 1 ? NVME_SC_COMPARE_FAILURE | DNR : 0);
}
END_TEST

/* --- buffers ----------------------------------------------------------------------------------------- */

START_TEST(commands_wait_for_buffers)
{
	struct fake_cmd *c[60];
	struct nvme_target_stats st;
	int i, left;

	for (i = 0; i < 60; i++)
		pattern(disk->mem + i * 131072 % (RIG_BLOCKS * 512), 131072, (unsigned int)i);
	disk->slow = disk->stuck = true;
	for (i = 0; i < 60; i++)
		c[i] = post(&h, (uint16_t)(1 + i % 3),
			    rw_sqe(NVME_OPC_READ, 1, (uint64_t)i * 256 % RIG_BLOCKS, 256), FAKE_IN,
			    NULL, 131072);
	polls(2);
	/* three queues, a quarter of 4 MiB each: 8 reads of 128 KiB */
	ck_assert_uint_eq(disk->inflight, 24);
	nvme_target_stats(target, &st);
	ck_assert_uint_eq(st.memory_held, 24 * 131072);
	ck_assert_uint_eq(st.commands_held, 60);
	disk->stuck = false;
	polls(20);
	for (i = 0; i < 60; i++) {
		ck_assert_uint_eq(status_of(c[i]), 0);
		memcpy(a, disk->mem + i * 131072 % (RIG_BLOCKS * 512), 131072);
		ck_assert_mem_eq(c[i]->in, a, 131072);
	}
	for (left = 0; left < 3; left++)
		polls(1);
	nvme_target_stats(target, &st);
	ck_assert_uint_eq(st.memory_held, 0);
	ck_assert_uint_eq(st.read_bytes, 60 * 131072);
}
END_TEST

START_TEST(sizes_mix_without_deadlock)
{
	static const uint32_t blocks[] = { 2048, 1, 8, 256, 2048, 1024, 33, 2048, 2, 512 };
	struct fake_cmd *c[90];
	int i;

	disk->slow = true;
	fake_hold_buffers(dev, true);
	for (i = 0; i < 90; i++)
		c[i] = post(&h, (uint16_t)(1 + i % 3), rw_sqe(NVME_OPC_READ, 1, 0, blocks[i % 10]),
			    FAKE_IN, NULL, blocks[i % 10] * 512);
	polls(10);
	ck_assert_uint_eq(status_of(c[89]), NO_ANSWER); /* no buffer came back yet */
	fake_hold_buffers(dev, false);
	polls(200);
	for (i = 0; i < 90; i++)
		ck_assert_msg(status_of(c[i]) == 0, "command %d: %x", i, status_of(c[i]));
}
END_TEST

START_TEST(slow_hosts_do_not_stop_others)
{
	struct host o = host_new(RIG_NQN, RIG_HOST2);
	struct fake_cmd *c[10];
	int i;

	host_up(&o, 1);
	fake_hold_data(h.q[1], true); /* asked for data it does not send */
	for (i = 0; i < 10; i++)
		c[i] = post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 2048), FAKE_R2T, a, MIB);
	polls(5);
	for (i = 0; i < 50; i++)
		ck_assert_uint_eq(read_blocks(&o, 0, 2048, b), 0);
	ck_assert_uint_eq(status_of(c[0]), NO_ANSWER);
	fake_hold_data(h.q[1], false);
	polls(20);
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(status_of(c[i]), 0);
	/* one that never sends it loses its connection */
	fake_hold_data(h.q[1], true);
	post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 2048), FAKE_R2T, a, MIB);
	pass(59000);
	ck_assert(!fake_closed(h.q[1]));
	pass(2000);
	ck_assert(fake_closed(h.q[1]));
	ck_assert(!fake_closed(h.q[0]));
	host_down(&o);
}
END_TEST

START_TEST(queue_ends_while_commands_wait)
{
	int i;

	disk->slow = disk->stuck = true;
	for (i = 0; i < 40; i++)
		post(&h, (uint16_t)(1 + i % 2), rw_sqe(NVME_OPC_READ, 1, 0, 512), FAKE_IN, NULL,
		     262144);
	for (i = 0; i < 5; i++)
		post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 512), FAKE_R2T, a, 262144);
	fake_close(h.q[1], -ECONNRESET);
	polls(5);
	ck_assert(!fake_closed(h.q[1])); /* the backend has requests of it */
	disk->stuck = false;
	polls(50);
	ck_assert(fake_closed(h.q[1]));
	ck_assert_uint_eq(run(&h, 2, rw_sqe(NVME_OPC_READ, 1, 0, 1), FAKE_IN, b, 512), 0);
}
END_TEST

static void one_up(void)
{
	struct nvme_target_opts opts = { .buffer_bytes = MIB };

	rig_up_with(&opts);
	h = host_new(RIG_NQN, RIG_HOST);
	host_up(&h, 2);
}

START_TEST(queue_in_line_ends)
{
	struct fake_cmd *c;
	int i;

	disk->slow = disk->stuck = true;
	c = post(&h, 1, rw_sqe(NVME_OPC_READ, 1, 0, 2048), FAKE_IN, NULL, MIB);
	for (i = 0; i < 5; i++)
		post(&h, 2, rw_sqe(NVME_OPC_READ, 1, 0, 2048), FAKE_IN, NULL, MIB);
	ck_assert_uint_eq(disk->inflight, 1); /* one has all the memory */
	fake_close(h.q[2], -ECONNRESET);
	host_gone(&h, 2);
	disk->stuck = false;
	polls(3);
	ck_assert_uint_eq(status_of(c), 0);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_READ], 1);
	ck_assert_uint_eq(read_blocks(&h, 0, 2048, b), 0);
}
END_TEST

Suite *io_suite(void)
{
	Suite *s = suite_create("io");
	TCase *c = tcase_create("io"), *d = tcase_create("buffers"), *e = tcase_create("memory");

	tcase_add_checked_fixture(c, up, down);
	tcase_add_loop_test(c, content_of_every_size, 0, sizeof(sizes) / sizeof(*sizes));
	tcase_add_test(c, last_block);
	tcase_add_test(c, blocks_of_4096);
	tcase_add_loop_test(c, refused, 0, sizeof(wrongs) / sizeof(*wrongs));
	tcase_add_test(c, read_only_namespace);
	tcase_add_loop_test(c, backend_errors, 0, sizeof(failures) / sizeof(*failures));
	tcase_add_test(c, wrong_digest_is_never_written);
	tcase_add_test(c, flush_and_fua);
	tcase_add_test(c, write_zeroes);
	tcase_add_loop_test(c, dataset_management, 0, 2);
	tcase_add_loop_test(c, compare_and_verify, 0, 2);
	tcase_add_test(c, many_compares_take_turns);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(d, small_up, down);
	tcase_add_test(d, commands_wait_for_buffers);
	tcase_add_test(d, sizes_mix_without_deadlock);
	tcase_add_test(d, slow_hosts_do_not_stop_others);
	tcase_add_test(d, queue_ends_while_commands_wait);
	suite_add_tcase(s, d);
	tcase_add_checked_fixture(e, one_up, down);
	tcase_add_test(e, queue_in_line_ends);
	suite_add_tcase(s, e);
	return s;
}
