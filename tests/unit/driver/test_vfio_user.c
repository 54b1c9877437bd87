/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vfio-user bus against a server thread: the good case with a whole device behind it, and every
 * bad reply.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weft/mem.h>
#include <weft/qp.h>

#include "fake.h"

static char path[64];
static struct fake *f;
static struct fake_vu *srv;
static struct weft_bus *bus;
static struct weft_dev *dev;

static unsigned int open_fds(void)
{
	unsigned int n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void start(enum fake_vu_fault fault)
{
	snprintf(path, sizeof(path), "/tmp/weft-test-%d.sock", (int)getpid());
	f = fake_new_eager();
	srv = fake_vu_start(f, path, fault);
}

static void stop(void)
{
	fake_vu_stop(srv);
	fake_free(f);
}

static unsigned int completed;
static int last_error;

static void on_complete(void *arg, const struct weft_completion *c)
{
	(void)arg;
	completed++;
	last_error = c->error;
}

START_TEST(whole_device_works)
{
	struct weft_qp_params p = { .complete_cb = on_complete, .sq_log2 = 4, .vector = 2 };
	struct weft_connect c = { .remote_ip = 0x0a000002, .remote_port = 4420 };
	uint8_t sqe[64] = { 0, 0x40, 5 }, *mem, back[3000];
	struct weft_cmd cmd = { .sqe = sqe, .cid = 5, .data_len = 3000 };
	struct iovec iov;
	struct weft_qp *qp;
	unsigned int i;

	start(VU_OK);
	ck_assert_int_eq(weft_bus_open_vfio_user(path, &bus), 0);
	ck_assert_int_eq(weft_dev_open(bus, NULL, &dev), 0);
	for (i = 0; i < 50; i++)
		ck_assert_int_eq(weft_nop(dev, i), 0);
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp), 0);
	ck_assert_int_eq(weft_qp_connect(qp, &c, NULL), 0);
	mem = weft_mem_alloc(dev, 8192);
	for (i = 0; i < 8192; i++)
		mem[i] = (uint8_t)(i * 13);
	cmd.flags = WEFT_SQF_DATA_OUT;
	iov = (struct iovec){ mem + 1234, 3000 };
	cmd.iov = &iov;
	cmd.count = 1;
	memcpy(sqe + 32, &cmd.data_len, 4);
	sqe[39] = 0x5a;
	f->hold = true;
	ck_assert_int_eq(weft_qp_submit(qp, &cmd), 0);
	ck_assert_int_eq(weft_qp_doorbell(qp), 0);
	ck_assert_int_eq(weft_nop(dev, 1),
			 0); /* behind it on the same socket: the capsule has been fetched */
	ck_assert(fake_gather(f, &f->qp[weft_qp_id(qp)].held[5], 0, back,
			      3000)); /* through the server's own mapping */
	ck_assert_mem_eq(back, mem + 1234, 3000);
	completed = 0;
	ck_assert_int_eq(weft_qp_disconnect(qp, true), 0);
	weft_dev_poll(dev);
	ck_assert_uint_eq(completed, 1);
	ck_assert_int_eq(last_error, -ECANCELED);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	ck_assert_uint_gt(f->irqs_sent, 0);
	ck_assert_int_eq(weft_dev_reset(dev), 0);
	ck_assert_int_eq(weft_nop(dev, 7), 0);
	ck_assert_uint_eq(f->resets, 1);
	weft_dev_close(dev);
	ck_assert_uint_eq(f->violations, 0);
	stop();
}
END_TEST

struct dma_job {
	uint64_t iova;
	uint8_t buf[1000];
	bool write;
	int result;
	_Atomic bool done;
};

static void *dma_thread(void *arg)
{
	struct dma_job *j = arg;

	j->result = fake_vu_dma(srv, j->iova, j->buf, sizeof(j->buf), j->write);
	j->done = true;
	return NULL;
}

/* Lets the server access memory while the client sleeps in the driver. */
static int dma(struct dma_job *j)
{
	pthread_t t;

	j->done = false;
	pthread_create(&t, NULL, dma_thread, j);
	while (!j->done)
		weft_dev_wait(dev, 20);
	pthread_join(t, NULL);
	return j->result;
}

START_TEST(plain_memory_is_served_by_message)
{
	uint8_t *mem = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct dma_job j = { .write = false };
	unsigned int i;

	start(VU_OK);
	ck_assert_int_eq(weft_bus_open_vfio_user(path, &bus), 0);
	ck_assert_int_eq(weft_dev_open(bus, NULL, &dev), 0);
	ck_assert_int_eq(weft_mem_register(dev, mem + 100, 6000), 0);
	ck_assert_int_eq(weft_mem_iova(dev, mem + 5000, 1000, &j.iova), 0);
	for (i = 0; i < 8192; i++)
		mem[i] = (uint8_t)(i * 31);
	ck_assert_int_eq(dma(&j), 0);
	ck_assert_mem_eq(j.buf, mem + 5000, 1000);
	memset(j.buf, 0x42, sizeof(j.buf));
	j.write = true;
	ck_assert_int_eq(dma(&j), 0);
	ck_assert_uint_eq(mem[4999], (uint8_t)(4999 * 31));
	ck_assert_uint_eq(mem[5000], 0x42);
	ck_assert_uint_eq(mem[5999], 0x42);
	ck_assert_uint_eq(mem[6000], (uint8_t)(6000 * 31));
	j.iova += 8192; /* beyond */
	ck_assert_int_eq(dma(&j), -EFAULT);
	ck_assert_int_eq(weft_nop(dev, 3), 0);
	weft_dev_close(dev);
	stop();
	munmap(mem, 8192);
}
END_TEST

START_TEST(memfd_buffers_are_handed_over)
{
	int fd = memfd_create("test", 0);
	uint64_t iova;
	uint8_t *mem;

	start(VU_OK);
	ck_assert_int_eq(ftruncate(fd, 16384), 0);
	mem = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	ck_assert_int_eq(weft_bus_open_vfio_user(path, &bus), 0);
	ck_assert_int_eq(weft_dev_open(bus, NULL, &dev), 0);
	ck_assert_int_eq(weft_mem_register_fd(dev, mem + 1, 10, fd, 0), -EINVAL);
	ck_assert_int_eq(weft_mem_register_fd(dev, mem, 8192, fd, 4096), 0);
	close(fd);
	ck_assert_int_eq(weft_mem_iova(dev, mem + 5000, 1, &iova), 0);
	mem[5000] = 0x77;
	ck_assert_uint_eq(*(uint8_t *)fake_mem(f, iova, 1), 0x77);
	ck_assert_ptr_ne(fake_mem(f, iova, 1), mem + 5000);
	weft_dev_close(dev);
	stop();
	munmap(mem, 8192);
}
END_TEST

START_TEST(mappings_are_bounded)
{
	uint8_t *mem =
		mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	start(VU_OK);
	ck_assert_int_eq(weft_bus_open_vfio_user(path, &bus), 0);
	ck_assert_int_eq(weft_dev_open(bus, NULL, &dev), 0);
	for (i = 0; i < 7; i++) /* the server said 8, the pool has one */
		ck_assert_int_eq(weft_mem_register(dev, mem + 4096 * i, 4096), 0);
	ck_assert_int_eq(weft_mem_register(dev, mem + 4096 * i, 4096), -ENOSPC);
	ck_assert_int_eq(weft_mem_unregister(dev, mem), 0);
	ck_assert_int_eq(weft_mem_register(dev, mem + 4096 * i, 4096), 0);
	weft_dev_close(dev);
	stop();
	munmap(mem, 16 * 4096);
}
END_TEST

/* Faults that show while the bus is opened. */
static const struct {
	enum fake_vu_fault fault;
	int err;
} open_faults[] = {
	{ VU_HANG_VERSION, -ENODEV },    { VU_BAD_MAJOR, -EPROTO },
	{ VU_BAD_JSON, -EPROTO },        { VU_UNTERMINATED_JSON, -EPROTO },
	{ VU_SHORT_VERSION, -EPROTO },   { VU_NOT_PCI, -EPROTO },
	{ VU_SMALL_BAR, -EPROTO },       { VU_BAD_REGION_INDEX, -EPROTO },
	{ VU_NO_MSIX, -EPROTO },         { VU_WRONG_DEVICE, -ENODEV },
	{ VU_WRONG_ID, -EPROTO },        { VU_WRONG_COMMAND, -EPROTO },
	{ VU_TINY_SIZE, -EPROTO },       { VU_HUGE_SIZE, -EPROTO },
	{ VU_SHORT_READ, -EPROTO },      { VU_OTHER_OFFSET, -EPROTO },
	{ VU_ERROR_WITH_DATA, -EPROTO }, { VU_REPLY_TYPE, -EPROTO },
	{ VU_CLOSE_EARLY, -ENODEV },     { VU_HANG_READ, -ENODEV },
	{ VU_UNASKED_REPLY, -EPROTO },
};

START_TEST(bad_server_is_refused)
{
	enum fake_vu_fault fault = open_faults[_i].fault;
	unsigned int before = open_fds(),
		     ms = fault == VU_HANG_VERSION || fault == VU_HANG_READ ? 200 : 20000;

	start(fault);
	ck_assert_int_eq(weft_bus_open_vfio_user_timeout(path, ms, &bus), open_faults[_i].err);
	ck_assert_uint_gt(strlen(weft_last_error()), 10);
	stop();
	ck_assert_uint_eq(open_fds(), before);
}
END_TEST

START_TEST(refused_map_fails_the_open)
{
	start(VU_REFUSE_MAP);
	ck_assert_int_eq(weft_bus_open_vfio_user(path, &bus), 0);
	ck_assert_int_eq(weft_dev_open(bus, NULL, &dev), -ENOMEM);
	bus->ops->close(bus);
	stop();
}
END_TEST

START_TEST(server_dies_in_use)
{
	struct weft_qp_params p = { .complete_cb = on_complete, .sq_log2 = 4 };
	struct weft_qp *qp;
	uint32_t v = 0;

	start(VU_OK);
	ck_assert_int_eq(weft_bus_open_vfio_user(path, &bus), 0);
	ck_assert_int_eq(weft_dev_open(bus, NULL, &dev), 0);
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp), 0);
	stop();
	ck_assert_int_eq(weft_dev_wait(dev, 5000), -ENODEV); /* the hang-up wakes the sleeper */
	ck_assert_int_eq(weft_nop(dev, 1), -ENODEV);
	ck_assert_int_eq(weft_dev_read32(dev, WEFT_SCRATCH, &v), -ENODEV);
	ck_assert_uint_eq(v, ~0u);
	ck_assert_int_eq(weft_dev_poll(dev), -ENODEV);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	weft_dev_close(dev);
}
END_TEST

START_TEST(no_server)
{
	char longpath[200];

	memset(longpath, 'x', sizeof(longpath));
	longpath[199] = '\0';
	ck_assert_int_eq(weft_bus_open_vfio_user("/nonexistent/socket", &bus), -ENOENT);
	ck_assert_int_eq(weft_bus_open_vfio_user(longpath, &bus), -ENAMETOOLONG);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vfio-user");
	TCase *t = tcase_create("client");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, whole_device_works);
	tcase_add_test(t, plain_memory_is_served_by_message);
	tcase_add_test(t, memfd_buffers_are_handed_over);
	tcase_add_test(t, mappings_are_bounded);
	tcase_add_loop_test(t, bad_server_is_refused, 0,
			    sizeof(open_faults) / sizeof(open_faults[0]));
	tcase_add_test(t, refused_map_fails_the_open);
	tcase_add_test(t, server_dies_in_use);
	tcase_add_test(t, no_server);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
