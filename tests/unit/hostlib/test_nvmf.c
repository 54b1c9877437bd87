/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport over the fake adapter: capsules, data buffers, SGL kinds, errors, and freeing at
 * awkward moments.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/spec.h>
#include <nvmf/nvmf_transport.h>
#include <weft/mem.h>
#include <weft/qp.h>

#include "fake.h"

static struct fake *f;
static struct weft_dev *dev;
static struct nvmf_qpair *qp;
static uint8_t *mem;

static struct {
	unsigned int data, responses, errors;
	size_t xfered;
	int data_error, conn_error, capsule_error;
	struct nvme_cqe cqe;
	bool sqhd_valid;
	bool free_in_data, free_in_response, free_in_error;
} seen;

static void free_it(void)
{
	struct nvmf_qpair *q = qp;

	qp = NULL;
	nvmf_free_qpair(q);
}

static void on_error(void *arg, int error)
{
	ck_assert_ptr_eq(arg, &seen);
	seen.errors++;
	seen.conn_error = error;
	if (seen.free_in_error)
		free_it();
}

static void on_response(void *arg, struct nvmf_capsule *nc)
{
	ck_assert_ptr_eq(arg, &seen);
	seen.responses++;
	memcpy(&seen.cqe, nvmf_capsule_cqe(nc), 16);
	ck_assert_ptr_null(nvmf_capsule_sqe(nc));
	seen.sqhd_valid = nvmf_sqhd_valid(nc);
	seen.capsule_error = nvmf_capsule_error(nc);
	if (seen.free_in_response)
		free_it();
	nvmf_free_capsule(nc); /* after its pair, when that was freed */
}

static void on_data(void *arg, size_t xfered, int error)
{
	ck_assert_ptr_eq(arg, &seen);
	seen.data++;
	seen.xfered = xfered;
	seen.data_error = error;
	if (seen.free_in_data)
		free_it();
}

static struct nvmf_handoff_qpair_params params(void)
{
	return (struct nvmf_handoff_qpair_params){ .dev = dev,
						   .sq_flow_control = true,
						   .qsize = 16,
						   .remote_ip = 0x0a000002,
						   .remote_port = 4420,
						   .header_digests = true,
						   .data_digests = true,
						   .max_icd = 16384 };
}

static void set_up(void)
{
	struct nvmf_handoff_qpair_params p;
	unsigned int i;

	memset(&seen, 0, sizeof(seen));
	f = fake_new();
	ck_assert_int_eq(
		weft_dev_open(&f->bus, &(struct weft_dev_params){ .timeout_ms = 200 }, &dev), 0);
	p = params();
	qp = nvmf_allocate_qpair(NVMF_TRTYPE_TCP, false, &p, on_error, &seen, on_response, &seen);
	ck_assert_ptr_nonnull(qp);
	mem = weft_mem_alloc(dev, 1 << 20);
	for (i = 0; i < 1 << 20; i++)
		mem[i] = (uint8_t)(i * 11 + i / 256);
}

static void tear_down(void)
{
	nvmf_free_qpair(qp);
	weft_mem_free(dev, mem);
	weft_dev_close(dev);
	ck_assert_uint_eq(f->maps_live + f->irqs_live, 0);
	ck_assert_uint_eq(f->violations, 0);
	fake_free(f);
}

static struct nvmf_capsule *command(uint8_t opc, uint16_t cid)
{
	struct nvme_sqe sqe = { .opc = opc, .cid = cid, .nsid = 1, .flags = 0xc0 };
	struct nvmf_capsule *nc = nvmf_allocate_command(qp, &sqe, NVMF_WAITOK);

	ck_assert_ptr_nonnull(nc);
	return nc;
}

static int send_one(struct nvmf_capsule *nc)
{
	int rc = nvmf_transmit_capsule(nc);

	nvmf_free_capsule(nc);
	return rc;
}

static void poll_until(const unsigned int *counter, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < 1000 && *counter < n; i++)
		nvmf_poll(dev);
	ck_assert_uint_eq(*counter, n);
}

static const struct weft_sq_entry *held(uint16_t cid)
{
	return &f->qp[1].held[cid];
}

START_TEST(refuses_what_is_not_there)
{
	struct nvmf_handoff_qpair_params p = params();

	ck_assert_ptr_null(
		nvmf_allocate_qpair(NVMF_TRTYPE_TCP, true, &p, on_error, NULL, on_response, NULL));
	ck_assert_int_eq(errno, EINVAL); /* no connection */
	ck_assert_ptr_null(nvmf_allocate_qpair(NVMF_TRTYPE_RDMA, false, &p, on_error, NULL,
					       on_response, NULL));
	ck_assert_int_eq(errno, EOPNOTSUPP);
	ck_assert_ptr_null(nvmf_allocate_response(qp, mem, NVMF_WAITOK));
	ck_assert_int_eq(errno, EINVAL);
	p.qsize = 1;
	ck_assert_ptr_null(
		nvmf_allocate_qpair(NVMF_TRTYPE_TCP, false, &p, on_error, NULL, on_response, NULL));
	ck_assert_int_eq(errno, EINVAL);
	p.qsize = 2;
	f->connect_errno = ECONNREFUSED;
	ck_assert_ptr_null(
		nvmf_allocate_qpair(NVMF_TRTYPE_TCP, false, &p, on_error, NULL, on_response, NULL));
	ck_assert_int_eq(errno, ECONNREFUSED);
	f->connect_errno = 0;
}
END_TEST

START_TEST(tells_what_was_agreed)
{
	struct nvmf_qpair_info info;

	nvmf_qpair_info(qp, &info);
	ck_assert(info.header_digests && info.data_digests);
	ck_assert_uint_eq(info.maxh2cdata, 0x400000);
	ck_assert_uint_eq(info.max_icd, 16384);
	ck_assert_uint_eq(info.entries, 16);
	ck_assert_uint_eq(nvmf_max_xfer_size(qp), 16u << 20);
}
END_TEST

/*
 * Data goes in the capsule up to max_icd; the descriptor and the flags must agree (the fake adapter
 * checks that, too).
 */
static const struct {
	size_t len;
	bool send, data;
	uint8_t type, flags;
} kinds[] = {
	{ 0, true, false, 0x5a, 0 },
	{ 0, true, true, 0x5a, 0 },
	{ 0, false, true, 0x5a, 0 },
	{ 1, true, true, 0x01, WEFT_SQF_DATA_OUT | WEFT_SQF_ICD },
	{ 16384, true, true, 0x01, WEFT_SQF_DATA_OUT | WEFT_SQF_ICD },
	{ 16385, true, true, 0x5a, WEFT_SQF_DATA_OUT },
	{ 1 << 20, true, true, 0x5a, WEFT_SQF_DATA_OUT },
	{ 512, false, true, 0x5a, WEFT_SQF_DATA_IN },
	{ 1 << 20, false, true, 0x5a, WEFT_SQF_DATA_IN },
};

START_TEST(descriptor_fits_the_data)
{
	struct nvmf_capsule *nc = command(NVME_OPC_WRITE, 3);
	struct memdesc m = memdesc_vaddr(mem);
	uint32_t len;

	f->hold = true;
	if (kinds[_i].data)
		ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, kinds[_i].len, kinds[_i].send,
							  on_data, &seen),
				 0);
	ck_assert_int_eq(send_one(nc), 0);
	nvmf_poll(dev);
	memcpy(&len, &held(3)->sqe[32], 4);
	ck_assert_uint_eq(len, kinds[_i].len);
	ck_assert_uint_eq(held(3)->sqe[39], kinds[_i].type);
	ck_assert_uint_eq(held(3)->sqe[1], 0x40); /* PSDT, whatever the caller had there */
	ck_assert_uint_eq(held(3)->flags, kinds[_i].flags);
	ck_assert_uint_eq(held(3)->data_len, kinds[_i].len);
	fake_release(f, 1, 3, EIO);
	poll_until(&seen.responses, 1);
	ck_assert_uint_eq(seen.data, kinds[_i].data);
}
END_TEST

START_TEST(lists_and_iovas_reach_the_adapter)
{
	struct iovec v[3] = { { mem, 100 }, { mem + 1000, 0 }, { mem + 5000, 400 } };
	struct memdesc_iova io[2];
	struct memdesc m[4];
	uint8_t got[500], want[500];
	uint16_t i;

	ck_assert_int_eq(weft_mem_iova(dev, mem, 100, &io[0].addr), 0);
	ck_assert_int_eq(weft_mem_iova(dev, mem + 5000, 400, &io[1].addr), 0);
	io[0].len = 100;
	io[1].len = 400;
	io[0].rsvd = io[1].rsvd = 0;
	m[0] = memdesc_vlist(v, 3);
	m[1] = memdesc_iova_list(io, 2);
	m[2] = memdesc_vaddr(mem);
	m[3] = memdesc_iova(io[0].addr);
	f->hold = true;
	for (i = 0; i < 4; i++) {
		struct nvmf_capsule *nc = command(NVME_OPC_WRITE, i);

		ck_assert_int_eq(nvmf_capsule_append_data(nc, &m[i], 500, true, on_data, &seen), 0);
		ck_assert_int_eq(send_one(nc), 0);
	}
	nvmf_poll(dev);
	memcpy(want, mem, 100);
	memcpy(want + 100, mem + 5000, 400);
	for (i = 0; i < 4; i++) {
		ck_assert(fake_gather(f, held(i), 0, got, 500));
		ck_assert_mem_eq(got, i < 2 ? want : mem, 500);
		fake_release(f, 1, i, EIO);
	}
	poll_until(&seen.responses, 4);
}
END_TEST

START_TEST(append_rules)
{
	struct nvmf_capsule *nc = command(NVME_OPC_WRITE, 0);
	struct memdesc m = memdesc_vaddr(mem), bad = m;

	bad.md_type = (enum memdesc_type)2;
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &bad, 512, true, on_data, &seen), -EINVAL);
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, (16u << 20) + 1, true, on_data, &seen),
			 -EINVAL);
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 512, true, NULL, &seen), -EINVAL);
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 512, true, on_data, &seen), 0);
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 512, true, on_data, &seen), -EBUSY);
	nvmf_abort_capsule_data(nc, -EINTR);
	ck_assert_uint_eq(seen.data, 1);
	ck_assert_int_eq(seen.data_error, -EINTR);
	ck_assert_uint_eq(seen.xfered, 0);
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 512, true, on_data, &seen), 0);
	f->hold = true;
	ck_assert_int_eq(nvmf_transmit_capsule(nc), 0);
	ck_assert_int_eq(nvmf_transmit_capsule(nc), -EBUSY);
	nvmf_abort_capsule_data(nc, -EINTR); /* lent: nothing happens yet */
	ck_assert_uint_eq(seen.data, 1);
	nvmf_poll(dev);
	fake_release(f, 1, 0, EIO);
	poll_until(&seen.responses, 1);
	ck_assert_uint_eq(seen.data, 2);
	ck_assert_int_eq(seen.data_error, -EINTR);
	ck_assert_uint_eq(seen.xfered, 0);
	nvmf_free_capsule(nc);
}
END_TEST

/* The response may not take the place of a command that its owner still looks at. */
START_TEST(held_command_survives_its_response)
{
	struct memdesc m = memdesc_vaddr(mem);
	struct nvmf_capsule *nc;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		nc = command(NVME_OPC_WRITE, (uint16_t)(i % 15));
		((struct nvme_sqe *)nvmf_capsule_sqe(nc))->cdw13 = 0x1234 + i;
		ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 512, true, on_data, &seen), 0);
		if (i % 3 == 2) { /* let go at once, between those that are held */
			ck_assert_int_eq(send_one(nc), 0);
			poll_until(&seen.responses, i + 1);
			continue;
		}
		ck_assert_int_eq(nvmf_transmit_capsule(nc), 0);
		poll_until(&seen.responses, i + 1);
		ck_assert_uint_eq(seen.cqe.cid, i % 15);
		ck_assert_ptr_null(nvmf_capsule_cqe(nc));
		ck_assert_ptr_nonnull(nvmf_capsule_sqe(nc));
		ck_assert_uint_eq(((struct nvme_sqe *)nvmf_capsule_sqe(nc))->cdw13, 0x1234 + i);
		ck_assert_int_eq(nvmf_transmit_capsule(nc), -EBUSY);
		nvmf_free_capsule(nc);
	}
	ck_assert_uint_eq(seen.data, 20);
	ck_assert_uint_eq(seen.errors, 0);
}
END_TEST

START_TEST(refused_transmission_leaves_the_capsule)
{
	struct nvmf_capsule *nc = command(NVME_OPC_WRITE, 16);
	struct memdesc m = memdesc_vaddr(&seen);

	ck_assert_int_eq(nvmf_transmit_capsule(nc), -EINVAL);
	((struct nvme_sqe *)nvmf_capsule_sqe(nc))->cid = 1;
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 100, true, on_data, &seen), 0);
	ck_assert_int_eq(nvmf_transmit_capsule(nc), -EFAULT);
	ck_assert_uint_eq(seen.data, 0);
	nvmf_abort_capsule_data(nc, -ECANCELED);
	ck_assert_uint_eq(seen.data, 1);
	f->hold = true;
	ck_assert_int_eq(send_one(nc), 0);
	ck_assert_int_eq(send_one(command(NVME_OPC_FLUSH, 1)), -EEXIST);
	nvmf_poll(dev);
	fake_release(f, 1, 1, EIO);
	poll_until(&seen.responses, 1);
}
END_TEST

/* A completion with these flags and NVMe status: what the two callbacks get. */
static const struct {
	uint8_t flags;
	uint16_t status, err;
	int data_error, capsule_error;
	uint16_t want;
} ends[] = {
	{ 0, 0, 0, 0, 0, 0 },
	{ 0, 0x4080, 0, 0, 0, 0x4080 },
	{ WEFT_CQF_DDGST_ERR, 0, 0, -EBADMSG, 0, 0x22 },
	{ WEFT_CQF_DDGST_ERR, 0x4006, 0, -EBADMSG, 0, 0x4006 },
	{ WEFT_CQF_DMA_ERR, 0, 0, -EFAULT, 0, 0x04 },
	{ 0, 0, ECONNRESET, -ECONNRESET, -ECONNRESET, 0x370 },
	{ 0, 0, EFAULT, -EFAULT, -EFAULT, 0x370 },
	{ 0, 0, ECANCELED, -ECANCELED, -ECANCELED, 0x371 },
};

START_TEST(every_end_is_told)
{
	struct nvmf_capsule *nc = command(NVME_OPC_READ, 5);
	struct memdesc m = memdesc_vaddr(mem);
	struct weft_cq_entry e = { .type = WEFT_CQT_COMMAND,
				   .cid = 5,
				   .data_len = 4096,
				   .flags = ends[_i].flags,
				   .status = ends[_i].err };
	uint16_t sqhd = 9, status = (uint16_t)(ends[_i].status << 1);

	f->hold = true;
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 4096, false, on_data, &seen), 0);
	ck_assert_int_eq(send_one(nc), 0);
	nvmf_poll(dev);
	memcpy(e.cqe + 8, &sqhd, 2);
	e.cqe[12] = 5;
	memcpy(e.cqe + 14, &status, 2);
	f->qp[1].busy[5] = f->qp[1].is_held[5] = false;
	fake_post(f, 1, &e);
	poll_until(&seen.responses, 1);
	ck_assert_uint_eq(seen.data, 1);
	ck_assert_int_eq(seen.data_error, ends[_i].data_error);
	ck_assert_uint_eq(seen.xfered, 4096);
	ck_assert_int_eq(seen.capsule_error, ends[_i].capsule_error);
	ck_assert_uint_eq(seen.cqe.status >> 1, ends[_i].want);
	ck_assert_uint_eq(seen.cqe.cid, 5);
	ck_assert(seen.sqhd_valid == !ends[_i].err);
	ck_assert_uint_eq(seen.cqe.sqhd, ends[_i].err ? 0 : 9);
}
END_TEST

START_TEST(synthesized_response_has_no_sqhd)
{
	struct weft_cq_entry e = { .type = WEFT_CQT_COMMAND, .cid = 0, .flags = WEFT_CQF_SYNTH };

	f->hold = true;
	ck_assert_int_eq(send_one(command(NVME_OPC_FLUSH, 0)), 0);
	nvmf_poll(dev);
	memset(e.cqe + 8, 0xff, 2);
	f->qp[1].busy[0] = f->qp[1].is_held[0] = false;
	fake_post(f, 1, &e);
	poll_until(&seen.responses, 1);
	ck_assert(!seen.sqhd_valid);
	ck_assert_uint_eq(seen.cqe.sqhd, 0);
}
END_TEST

START_TEST(connection_ends)
{
	struct nvmf_capsule *nc = command(NVME_OPC_READ, 5);
	struct memdesc m = memdesc_vaddr(mem);
	uint16_t err = _i ? ETIMEDOUT : 0;

	f->hold = true;
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 4096, false, on_data, &seen), 0);
	ck_assert_int_eq(send_one(nc), 0);
	nvmf_poll(dev);
	fake_kill_conn(f, 1, err);
	fake_event(f, 1, WEFT_EV_CONN_ERROR, EIO, 0); /* told once */
	poll_until(&seen.responses, 1);
	nvmf_poll(dev);
	ck_assert_uint_eq(seen.errors, 1);
	ck_assert_int_eq(seen.conn_error, -(int)err);
	ck_assert_uint_eq(seen.data, 1);
	ck_assert_int_eq(seen.data_error, err ? -ETIMEDOUT : -ECONNRESET);
	ck_assert_int_eq(send_one(command(NVME_OPC_FLUSH, 1)), -ENOTCONN);
}
END_TEST

/*
 * Freed with commands in flight, from outside and from each callback: each buffer comes back once,
 * nothing is touched after.
 */
START_TEST(freed_at_awkward_moments)
{
	struct memdesc m = memdesc_vaddr(mem);
	uint16_t i;

	f->hold = true;
	for (i = 0; i < 10; i++) {
		struct nvmf_capsule *nc = command(NVME_OPC_READ, i);

		ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 4096, false, on_data, &seen), 0);
		ck_assert_int_eq(send_one(nc), 0);
	}
	nvmf_poll(dev);
	seen.free_in_data = _i == 1;
	seen.free_in_response = _i == 2;
	seen.free_in_error = _i == 3;
	if (_i == 0) {
		free_it();
	} else if (_i < 3) {
		fake_release(f, 1, 4, EIO);
		fake_release(f, 1, 5, EIO);
		nvmf_poll(dev);
	} else {
		fake_event(f, 1, WEFT_EV_CONN_ERROR, ECONNRESET, 0);
		nvmf_poll(dev);
	}
	ck_assert_ptr_null(qp);
	ck_assert_uint_eq(seen.data, 10);
	ck_assert_int_eq(seen.data_error, -ECONNABORTED);
	ck_assert_uint_eq(seen.responses, _i == 2);
	ck_assert_uint_eq(seen.errors, _i == 3);
	nvmf_poll(dev);
}
END_TEST

START_TEST(adapter_that_does_not_let_go_is_reset)
{
	struct nvmf_capsule *nc = command(NVME_OPC_READ, 0);
	struct memdesc m = memdesc_vaddr(mem);

	f->hold = true;
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 4096, false, on_data, &seen), 0);
	ck_assert_int_eq(send_one(nc), 0);
	nvmf_poll(dev);
	f->keep_admin = true; /* DISCONNECT gets no answer */
	free_it();
	ck_assert_uint_eq(f->resets, 1);
	ck_assert_uint_eq(seen.data, 1);
	f->keep_admin = false;
	ck_assert_int_eq(weft_nop(dev, 1), 0);
}
END_TEST

START_TEST(doorbells_are_lazy_on_request)
{
	struct nvmf_handoff_qpair_params p = params();
	unsigned int before;
	uint16_t i;

	nvmf_free_qpair(qp);
	p.lazy_doorbell = true;
	qp = nvmf_allocate_qpair(NVMF_TRTYPE_TCP, false, &p, on_error, &seen, on_response, &seen);
	ck_assert_ptr_nonnull(qp);
	before = f->sq_doorbells;
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(send_one(command(NVME_OPC_FLUSH, i)), 0);
	ck_assert_uint_eq(f->sq_doorbells, before);
	ck_assert_int_eq(nvmf_qpair_kick(qp), 0);
	ck_assert_uint_eq(f->sq_doorbells, before + 1);
	poll_until(&seen.responses, 8);
	ck_assert_int_eq(send_one(command(NVME_OPC_FLUSH, 0)), 0);
	for (i = 0; i < 10 && seen.responses < 9; i++)
		nvmf_qpair_poll(qp);
	ck_assert_uint_eq(seen.responses, 9);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nvmf");
	TCase *t = tcase_create("transport");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, refuses_what_is_not_there);
	tcase_add_test(t, tells_what_was_agreed);
	tcase_add_loop_test(t, descriptor_fits_the_data, 0, sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(t, lists_and_iovas_reach_the_adapter);
	tcase_add_test(t, append_rules);
	tcase_add_test(t, held_command_survives_its_response);
	tcase_add_test(t, refused_transmission_leaves_the_capsule);
	tcase_add_loop_test(t, every_end_is_told, 0, sizeof(ends) / sizeof(ends[0]));
	tcase_add_test(t, synthesized_response_has_no_sqhd);
	tcase_add_loop_test(t, connection_ends, 0, 2);
	tcase_add_loop_test(t, freed_at_awkward_moments, 0, 4);
	tcase_add_test(t, adapter_that_does_not_let_go_is_reset);
	tcase_add_test(t, doorbells_are_lazy_on_request);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
