/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's core over the fake adapter: opening, memory, admin commands, rings, scatter/gather lists, loss of the device. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weft/mem.h>
#include <weft/qp.h>

#include "fake.h"

static struct fake *f;
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

static const struct weft_dev_params hasty = { .timeout_ms = 50 }; /* of device time, for tests that wait for nothing */

static void open_dev(void)
{
	f = fake_new();
	ck_assert_int_eq(weft_dev_open(&f->bus, &hasty, &dev), 0);
}

static void open_eager(void)
{
	f = fake_new_eager();
	ck_assert_int_eq(weft_dev_open(&f->bus, NULL, &dev), 0);
}

/* Every test ends here: nothing is left mapped or wired, and the adapter saw no breach of the contract. */
static void close_dev(void)
{
	weft_dev_close(dev);
	dev = NULL;
	ck_assert_uint_eq(f->closed, 1);
	ck_assert_uint_eq(f->maps_live, 0);
	ck_assert_uint_eq(f->irqs_live, 0);
	ck_assert_uint_eq(f->violations, 0);
	fake_free(f);
}

static void refused(int want, const char *text)
{
	ck_assert_int_eq(weft_dev_open(&f->bus, NULL, &dev), want);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), text));
	ck_assert_uint_eq(f->maps_live + f->irqs_live + f->closed, 0);
	fake_free(f);
}

START_TEST(refuses_other_device)
{
	f = fake_new();
	f->magic = 0x12345678;
	refused(-EPROTO, "magic");
}
END_TEST

START_TEST(refuses_other_major_version)
{
	f = fake_new();
	f->version = (WEFT_VERSION_MAJOR + 1) << 16;
	refused(-EPROTONOSUPPORT, "version");
}
END_TEST

START_TEST(accepts_newer_minor_version)
{
	struct weft_dev_info info;

	f = fake_new();
	f->version += 5;
	ck_assert_int_eq(weft_dev_open(&f->bus, NULL, &dev), 0);
	ck_assert_int_eq(weft_dev_info(dev, &info), 0);
	ck_assert_uint_eq(info.abi_minor, WEFT_VERSION_MINOR + 5);
	ck_assert_uint_eq(info.fw_version, 0x010203);
	ck_assert_uint_eq(info.n_qp, WEFT_N_QP);
	ck_assert(info.link_up);
	close_dev();
}
END_TEST

START_TEST(refuses_dead_firmware)
{
	f = fake_new();
	f->fw_dead = true;
	refused(-EIO, "bad0cafe");
}
END_TEST

START_TEST(gives_up_on_firmware_that_is_never_ready)
{
	f = fake_new();
	f->ready_after = ~0u;
	refused(-ETIMEDOUT, "not ready");
}
END_TEST

START_TEST(waits_for_firmware_and_resets_a_running_device)
{
	f = fake_new();
	f->ready_after = 25;
	f->aq_ctrl = 1;
	ck_assert_int_eq(weft_dev_open(&f->bus, NULL, &dev), 0);
	ck_assert_uint_eq(f->resets, 1);
	ck_assert_uint_gt(f->status_reads, 25);
	close_dev();
}
END_TEST

START_TEST(refuses_absent_device)
{
	f = fake_new();
	f->gone = true;
	refused(-ENODEV, "gone");
}
END_TEST

/* Whatever call fails during open: the error comes back and nothing stays behind. */
START_TEST(failed_open_leaves_nothing)
{
	long n = 1;
	int rc;

	for (;; n++) {
		unsigned int fds = open_fds();

		f = fake_new();
		f->fail_at = n;
		f->aq_ctrl = n % 2; /* with and without the reset */
		rc = weft_dev_open(&f->bus, NULL, &dev);
		if (f->ops < n)
			break; /* open makes fewer calls than that: all were tried */
		ck_assert_msg(rc == -EIO, "call %ld failed, open returned %d", n, rc);
		ck_assert_msg(!f->maps_live && !f->irqs_live && !f->closed, "call %ld left something", n);
		ck_assert_uint_eq(open_fds(), fds);
		fake_free(f);
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_gt(n, 15);
	close_dev();
}
END_TEST

START_TEST(admin_commands_work)
{
	struct weft_port p = { .ip = 0x0a000001, .mask = 0xffffff00, .mtu = 9000, .mac = { 2, 0, 0, 0, 0, 7 } }, q;
	unsigned int i;

	open_dev();
	for (i = 0; i < 100; i++) /* several times around the ring */
		ck_assert_int_eq(weft_nop(dev, i * 0x01010101), 0);
	ck_assert_int_eq(weft_port_set(dev, &p), 0);
	ck_assert_int_eq(weft_port_get(dev, &q), 0);
	ck_assert_uint_eq(q.ip, p.ip);
	ck_assert_uint_eq(q.mtu, 9000);
	ck_assert_mem_eq(q.mac, p.mac, 6);
	p.mtu = 9001;
	ck_assert_int_eq(weft_port_set(dev, &p), -EINVAL);
	close_dev();
}
END_TEST

static void count_admin(void *arg, const struct weft_admin_result *r)
{
	if (!r->error)
		++*(int *)arg;
}

START_TEST(admin_ring_full_then_drained)
{
	uint32_t echo = 5;
	int n = 0, done = 0;

	open_dev();
	f->frozen = true;
	while (!weft_admin_submit(dev, WEFT_OP_NOP, &echo, 4, count_admin, &done))
		n++;
	ck_assert_int_eq(n, 31); /* entries - 1 */
	ck_assert_int_eq(weft_admin_submit(dev, WEFT_OP_NOP, &echo, 4, count_admin, &done), -EAGAIN);
	f->frozen = false;
	while (done < n)
		ck_assert_int_ge(weft_dev_poll(dev), 0);
	ck_assert_int_eq(weft_nop(dev, 1), 0);
	close_dev();
}
END_TEST

START_TEST(late_admin_completion_is_dropped)
{
	open_dev();
	f->keep_admin = true;
	ck_assert_int_eq(weft_nop(dev, 1), -ETIMEDOUT);
	f->keep_admin = false;
	ck_assert_int_eq(weft_nop(dev, 2), 0);
	close_dev();
}
END_TEST

START_TEST(unknown_admin_opcode_is_an_errno)
{
	open_dev();
	ck_assert_int_eq(weft_admin(dev, 0x0f, NULL, 0, 0, NULL), -EINVAL);
	close_dev();
}
END_TEST

START_TEST(allocates_and_finds_memory)
{
	uint64_t iova, iova2;
	uint8_t *a, *b, *big;

	open_dev();
	a = weft_mem_alloc(dev, 1);
	b = weft_mem_alloc(dev, 10000);
	big = weft_mem_alloc(dev, 5 << 20);
	ck_assert(a && b && big);
	ck_assert_uint_eq((uintptr_t)a % 4096 + (uintptr_t)b % 4096, 0);
	ck_assert_int_eq(weft_mem_iova(dev, b + 9999, 1, &iova), 0);
	ck_assert_ptr_eq(fake_mem(f, iova, 1), b + 9999);
	ck_assert_int_eq(weft_mem_iova(dev, big, 5 << 20, &iova2), 0);
	ck_assert_ptr_eq(fake_mem(f, iova2, 5 << 20), big);
	ck_assert_int_eq(weft_mem_iova(dev, big + 1, 6 << 20, &iova2), -EFAULT);
	ck_assert_int_eq(weft_mem_iova(dev, &iova, 1, &iova2), -EFAULT);
	memset(b, 0xff, 10000);
	weft_mem_free(dev, b);
	ck_assert_ptr_eq(weft_mem_alloc(dev, 3 * 4096), b); /* first fit, and zeroed again */
	ck_assert_uint_eq(b[9999] | b[0], 0);
	weft_mem_free(dev, big);
	weft_mem_free(dev, NULL);
	ck_assert_ptr_null(weft_mem_alloc(dev, 0));
	close_dev();
}
END_TEST

START_TEST(registers_program_buffers)
{
	char *mem = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t iova;
	int i;

	open_dev();
	ck_assert_int_eq(weft_mem_register(dev, mem + 100, 5000), 0);
	ck_assert_int_eq(weft_mem_register(dev, mem + 5100, 100), 0); /* same page, next byte */
	ck_assert_int_eq(weft_mem_register(dev, mem + 5000, 10), -EEXIST);
	ck_assert_int_eq(weft_mem_register(dev, mem + 99, 2), -EEXIST);
	ck_assert_int_eq(weft_mem_register(dev, mem, 0), -EINVAL);
	ck_assert_int_eq(weft_mem_register(dev, (void *)(UINTPTR_MAX - 10), 100), -EINVAL);
	ck_assert_int_eq(weft_mem_iova(dev, mem + 5199, 1, &iova), 0);
	ck_assert_ptr_eq(fake_mem(f, iova, 1), mem + 5199);
	ck_assert_int_eq(weft_mem_iova(dev, mem + 5200, 1, &iova), -EFAULT);
	ck_assert_int_eq(weft_mem_unregister(dev, mem + 101), -ENOENT);
	for (i = 7; i >= 0; i--) /* more than the array's first size, in falling order */
		ck_assert_int_eq(weft_mem_register(dev, mem + 8192 + 4096 * i, 4096), 0);
	for (i = 0; i < 8; i++) {
		ck_assert_int_eq(weft_mem_iova(dev, mem + 8192 + 4096 * i, 4096, &iova), 0);
		ck_assert_ptr_eq(fake_mem(f, iova, 4096), mem + 8192 + 4096 * i);
	}
	ck_assert_int_eq(weft_mem_unregister(dev, mem + 100), 0);
	ck_assert_int_eq(weft_mem_iova(dev, mem + 100, 1, &iova), -EFAULT);
	f->fail_at = f->ops + 1;
	ck_assert_int_eq(weft_mem_register(dev, mem + 100, 10), -EIO);
	ck_assert_int_eq(weft_mem_register(dev, mem + 100, 10), 0);
	close_dev();
	munmap(mem, 16 * 4096);
}
END_TEST

/* What a queue pair's callbacks saw. */
static struct seen {
	unsigned int n, events, errors;
	int last_error;
	uint16_t order[4096];
	uint32_t data_len;
	uint8_t flags;
	struct weft_event event;
	struct weft_qp *resubmit_on;
	unsigned int resubmits;
	bool delete_it;
} seen;

static void nop_sqe(uint8_t *sqe, uint16_t cid, uint32_t len, bool icd)
{
	memset(sqe, 0, 64);
	sqe[1] = 0x40;
	memcpy(sqe + 2, &cid, 2);
	memcpy(sqe + 32, &len, 4);
	sqe[39] = icd ? 0x01 : 0x5a;
}

static int submit(struct weft_qp *qp, uint16_t cid)
{
	uint8_t sqe[64];
	struct weft_cmd c = { .sqe = sqe, .cid = cid, .cookie = (void *)(uintptr_t)(cid + 1u) };

	nop_sqe(sqe, cid, 0, false);
	return weft_qp_submit(qp, &c);
}

static void on_complete(void *arg, const struct weft_completion *c)
{
	ck_assert_ptr_eq(arg, &seen);
	ck_assert_uint_eq((uintptr_t)c->cookie, c->cid + 1u);
	seen.order[seen.n++ % 4096] = c->cid;
	seen.errors += c->error != 0;
	seen.last_error = c->error;
	seen.data_len = c->data_len;
	seen.flags = c->flags;
	ck_assert((c->cqe == NULL) == (c->error != 0));
	if (seen.resubmit_on && seen.resubmits) {
		seen.resubmits--;
		ck_assert_int_eq(submit(seen.resubmit_on, c->cid), 0);
	}
	if (seen.delete_it) {
		struct weft_qp *qp = seen.resubmit_on;

		seen.resubmit_on = NULL;
		seen.delete_it = false;
		ck_assert_int_eq(weft_qp_disconnect(qp, true), 0);
		ck_assert_int_eq(weft_qp_delete(qp), 0);
	}
}

static void on_event(void *arg, const struct weft_event *ev)
{
	ck_assert_ptr_eq(arg, &seen);
	seen.events++;
	seen.event = *ev;
}

static struct weft_qp *make_qp(unsigned int log2, bool connect)
{
	struct weft_qp_params p = { .complete_cb = on_complete, .event_cb = on_event, .arg = &seen, .sq_log2 = (uint8_t)log2,
				    .vector = 1 };
	struct weft_connect c = { .remote_ip = 0x0a000002, .remote_port = 4420, .header_digest = true };
	struct weft_connection got;
	struct weft_qp *qp;

	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp), 0);
	if (connect) {
		ck_assert_int_eq(weft_qp_connect(qp, &c, &got), 0);
		ck_assert_uint_eq(got.maxh2cdata, 0x400000);
		ck_assert(got.header_digest && !got.data_digest);
		ck_assert_uint_eq(got.local_port, 0xc000 + weft_qp_id(qp));
	}
	return qp;
}

static void drop_qp(struct weft_qp *qp)
{
	ck_assert_int_eq(weft_qp_disconnect(qp, false), 0);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
}

static void poll_until(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < 100000 && seen.n < n; i++)
		ck_assert_int_ge(weft_dev_poll(dev), 0);
	ck_assert_uint_eq(seen.n, n);
}

START_TEST(ring_wraps_many_times)
{
	unsigned int i, total = 0;
	struct weft_qp *qp;

	open_dev();
	qp = make_qp(2, true);
	for (i = 0; i < 1000; i++) { /* odd numbers per round meet every index and both phases */
		uint16_t k, n = (uint16_t)(1 + i % 3);

		for (k = 0; k < n; k++)
			ck_assert_int_eq(submit(qp, k), 0);
		ck_assert_int_eq(weft_qp_doorbell(qp), 0);
		poll_until(total += n);
		ck_assert_uint_eq(weft_qp_inflight(qp), 0);
	}
	ck_assert_uint_eq(seen.errors, 0);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(ring_full_and_cid_rules)
{
	struct weft_qp *qp;
	uint16_t i;

	open_dev();
	qp = make_qp(3, true);
	f->frozen = true;
	ck_assert_int_eq(submit(qp, 8), -EINVAL);
	for (i = 0; i < 7; i++)
		ck_assert_int_eq(submit(qp, (uint16_t)(7 - i)), 0);
	ck_assert_int_eq(submit(qp, 3), -EEXIST);
	ck_assert_int_eq(submit(qp, 0), -EAGAIN);
	f->frozen = false;
	weft_qp_doorbell(qp);
	poll_until(7);
	ck_assert_int_eq(submit(qp, 3), 0);
	weft_qp_doorbell(qp);
	poll_until(8);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(one_doorbell_for_many_commands)
{
	unsigned int before;
	struct weft_qp *qp;
	uint16_t i;

	open_dev();
	qp = make_qp(6, true);
	before = f->sq_doorbells;
	for (i = 0; i < 40; i++)
		ck_assert_int_eq(submit(qp, i), 0);
	ck_assert_uint_eq(f->sq_doorbells, before);
	ck_assert_int_eq(weft_qp_doorbell(qp), 0);
	ck_assert_int_eq(weft_qp_doorbell(qp), 0);
	ck_assert_uint_eq(f->sq_doorbells, before + 1);
	seen.resubmit_on = qp;
	seen.resubmits = 40;
	poll_until(80);
	ck_assert_uint_eq(f->sq_doorbells, before + 2); /* all 40 from callbacks: one at the end of the poll */
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(completions_out_of_order)
{
	static const uint16_t order[] = { 5, 0, 7, 1, 6, 2 };
	struct weft_qp *qp;
	unsigned int i;
	uint16_t k;

	open_dev();
	qp = make_qp(3, true);
	f->hold = true;
	for (k = 0; k < 3; k++) {
		ck_assert_int_eq(submit(qp, k), 0);
		ck_assert_int_eq(submit(qp, (uint16_t)(k + 5)), 0);
	}
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	for (i = 0; i < 6; i++)
		fake_release(f, weft_qp_id(qp), order[i], i % 2 ? EFAULT : 0);
	poll_until(6);
	ck_assert_mem_eq(seen.order, order, sizeof(order));
	ck_assert_uint_eq(seen.errors, 3);
	ck_assert_int_eq(seen.last_error, -EFAULT);
	drop_qp(qp);
	close_dev();
}
END_TEST

/* Sends a buffer of pieces scattered over registered memory through the fake disk of the pair's controller-less capsule. */
static void scattered(unsigned int pieces, unsigned int gap, unsigned int want_elements)
{
	size_t len = (size_t)pieces * 64, span = (size_t)pieces * (64 + gap) + 64;
	uint8_t *mem = weft_mem_alloc(dev, span), *copy = malloc(len), sqe[64];
	struct iovec *iov = calloc(pieces, sizeof(*iov));
	struct weft_qp *qp = make_qp(4, true);
	struct weft_cmd c = { .sqe = sqe, .iov = iov, .count = pieces, .data_len = (uint32_t)len, .cid = 9,
			      .flags = WEFT_SQF_DATA_OUT | WEFT_SQF_ICD, .cookie = (void *)10 };
	unsigned int i;
	size_t k;

	for (i = 0; i < pieces; i++)
		iov[i] = (struct iovec){ mem + i * (64 + gap), 64 };
	for (k = 0; k < span; k++)
		mem[k] = (uint8_t)(k * 7 + k / 251);
	nop_sqe(sqe, 9, (uint32_t)len, true);
	f->hold = true;
	ck_assert_int_eq(weft_qp_submit(qp, &c), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	ck_assert_uint_eq(f->qp[weft_qp_id(qp)].sgl_max, want_elements);
	ck_assert(fake_gather(f, &f->qp[weft_qp_id(qp)].held[9], 0, copy, (uint32_t)len));
	for (i = 0; i < pieces; i++)
		ck_assert_mem_eq(copy + 64 * i, mem + i * (64 + gap), 64);
	fake_release(f, weft_qp_id(qp), 9, EIO);
	poll_until(1);
	f->hold = false;
	drop_qp(qp);
	weft_mem_free(dev, mem);
	free(iov);
	free(copy);
}

START_TEST(scatter_gather_lists)
{
	open_dev();
	scattered(1, 0, 1);
	scattered(100, 0, 1); /* adjacent pieces are joined */
	scattered(3, 16, 3);
	scattered(4, 16, 4);
	scattered(256, 16, 256);
	scattered(1000, 32, 1000);
	scattered(1024, 32, 1024);
	close_dev();
}
END_TEST

START_TEST(scatter_gather_refusals)
{
	uint8_t *mem, *other = malloc(100), sqe[64];
	struct iovec iov[1025];
	struct weft_cmd c = { .sqe = sqe, .iov = iov, .cid = 0, .flags = WEFT_SQF_DATA_IN, .cookie = (void *)1 };
	struct weft_qp *qp;
	unsigned int i;

	open_dev();
	mem = weft_mem_alloc(dev, 1025 * 32);
	qp = make_qp(4, true);
	for (i = 0; i < 1025; i++)
		iov[i] = (struct iovec){ mem + 32 * i, 16 };
	c.count = 1025;
	c.data_len = 1025 * 16;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -E2BIG);
	c.count = 1;
	c.data_len = 17;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EINVAL); /* shorter than data_len */
	iov[0] = (struct iovec){ other, 100 };
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EFAULT);
	iov[0] = (struct iovec){ mem, 100 };
	c.flags = WEFT_SQF_DATA_IN | WEFT_SQF_DATA_OUT;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EINVAL);
	c.flags = WEFT_SQF_DATA_IN | WEFT_SQF_ICD;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EINVAL);
	c.flags = WEFT_SQF_DATA_OUT;
	c.data_len = WEFT_DATA_MAX + 1;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EINVAL);
	ck_assert_uint_eq(weft_qp_inflight(qp), 0);
	drop_qp(qp);
	close_dev();
	free(other);
}
END_TEST

START_TEST(lent_memory_stays_registered)
{
	uint8_t *mem = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), sqe[64];
	struct iovec iov = { mem + 1000, 5000 };
	struct weft_cmd c = { .sqe = sqe, .iov = &iov, .count = 1, .data_len = 5000, .cid = 0, .flags = WEFT_SQF_DATA_OUT,
			      .cookie = (void *)1 };
	struct weft_qp *qp;

	open_dev();
	ck_assert_int_eq(weft_mem_register(dev, mem, 4096), 0);
	ck_assert_int_eq(weft_mem_register(dev, mem + 4096, 4096), 0);
	qp = make_qp(1, true);
	f->hold = true;
	nop_sqe(sqe, 0, 5000, false);
	ck_assert_int_eq(weft_qp_submit(qp, &c), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	ck_assert_uint_eq(f->qp[weft_qp_id(qp)].sgl_max, 2); /* one for each registration */
	ck_assert_int_eq(weft_mem_unregister(dev, mem), -EBUSY);
	ck_assert_int_eq(weft_mem_unregister(dev, mem + 4096), -EBUSY);
	fake_release(f, weft_qp_id(qp), 0, EIO);
	poll_until(1);
	ck_assert_int_eq(weft_mem_unregister(dev, mem), 0);
	ck_assert_int_eq(weft_mem_unregister(dev, mem + 4096), 0);
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EFAULT); /* the cached lookup is void */
	drop_qp(qp);
	close_dev();
	munmap(mem, 8192);
}
END_TEST

START_TEST(events_reach_their_pair)
{
	struct weft_qp *qp;

	open_dev();
	qp = make_qp(4, true);
	ck_assert_int_eq(submit(qp, 3), 0);
	f->hold = true;
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	fake_kill_conn(f, weft_qp_id(qp), ECONNRESET);
	weft_dev_poll(dev);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_int_eq(seen.last_error, -ECONNRESET);
	ck_assert_uint_eq(seen.events, 1);
	ck_assert_uint_eq(seen.event.qp, weft_qp_id(qp));
	ck_assert_uint_eq(seen.event.code, WEFT_EV_CONN_ERROR);
	ck_assert_uint_eq(seen.event.dw1, ECONNRESET);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(nonsense_completions_are_ignored)
{
	struct weft_cq_entry e[] = {
		{ .type = WEFT_CQT_COMMAND, .cid = 4 },     /* not in flight */
		{ .type = WEFT_CQT_COMMAND, .cid = 65535 }, /* out of range */
		{ .type = WEFT_CQT_ADMIN, .cid = 3 },       /* wrong pair */
		{ .type = 77, .cid = 3 },
	};
	struct weft_qp *qp;
	unsigned int i;

	open_dev();
	qp = make_qp(4, true);
	f->hold = true;
	ck_assert_int_eq(submit(qp, 3), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	for (i = 0; i < 4; i++)
		fake_post(f, weft_qp_id(qp), &e[i]);
	weft_dev_poll(dev);
	ck_assert_uint_eq(seen.n, 0);
	fake_release(f, weft_qp_id(qp), 3, EIO);
	poll_until(1);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(pair_deleted_from_its_own_callback)
{
	struct weft_qp *qp;
	uint16_t i;

	open_dev();
	qp = make_qp(4, true);
	f->hold = true;
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(submit(qp, i), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	fake_release(f, weft_qp_id(qp), 2, EIO);
	fake_release(f, weft_qp_id(qp), 3, EIO);
	seen.resubmit_on = qp;
	seen.delete_it = true;
	weft_dev_poll(dev);
	ck_assert_uint_ge(seen.n, 1);
	ck_assert_int_eq(weft_nop(dev, 1), 0);
	close_dev();
}
END_TEST

START_TEST(pairs_run_out_and_come_back)
{
	struct weft_qp_params p = { .complete_cb = on_complete, .arg = &seen, .sq_log2 = 1 };
	struct weft_qp *qp[127], *one;
	unsigned int i;

	open_dev();
	for (i = 0; i < 127; i++)
		ck_assert_int_eq(weft_qp_create(dev, &p, &qp[i]), 0);
	ck_assert_int_eq(weft_qp_create(dev, &p, &one), -ENOSPC);
	ck_assert_int_eq(weft_qp_delete(qp[50]), 0);
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp[50]), 0);
	ck_assert_uint_eq(weft_qp_id(qp[50]), 51);
	p.vector = 128;
	ck_assert_int_eq(weft_qp_delete(qp[50]), 0);
	ck_assert_int_eq(weft_qp_create(dev, &p, &one), -ERANGE);
	close_dev(); /* with 126 pairs left: they are the handle's to free */
}
END_TEST

START_TEST(connected_pair_is_not_deleted)
{
	struct weft_qp *qp;
	uint32_t v[3];

	open_dev();
	qp = make_qp(4, true);
	ck_assert_int_eq(weft_qp_delete(qp), -EBUSY);
	ck_assert_int_eq(weft_qp_stats(qp, 3, v), 0);
	ck_assert_uint_eq(v[0], 301);
	ck_assert_uint_eq(v[2], 303);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(connect_errors_come_back)
{
	struct weft_connect c = { .remote_ip = 0x0a000002, .remote_port = 4420 };
	struct weft_qp *qp;

	open_dev();
	qp = make_qp(4, false);
	f->connect_errno = ECONNREFUSED;
	ck_assert_int_eq(weft_qp_connect(qp, &c, NULL), -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "10.0.0.2:4420"));
	c.hpda = 32;
	ck_assert_int_eq(weft_qp_connect(qp, &c, NULL), -EINVAL);
	drop_qp(qp);
	close_dev();
}
END_TEST

static void vanish(bool silent)
{
	struct weft_qp *qp;

	open_dev();
	qp = make_qp(4, true);
	f->hold = true;
	ck_assert_int_eq(submit(qp, 1), 0);
	ck_assert_int_eq(submit(qp, 2), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	f->gone = true;
	f->write_enodev = !silent;
	f->frozen = true;
	ck_assert_int_eq(weft_nop(dev, 1), silent ? -ETIMEDOUT : -ENODEV);
	ck_assert_int_eq(weft_dev_read32(dev, WEFT_SCRATCH, &(uint32_t){ 0 }), -ENODEV);
	weft_dev_poll(dev);
	ck_assert_uint_eq(seen.n, 2);
	ck_assert_int_eq(seen.last_error, -ENODEV);
	ck_assert_int_eq(submit(qp, 1), -ENODEV);
	ck_assert_int_eq(weft_dev_poll(dev), -ENODEV);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	close_dev();
}

START_TEST(device_vanishes_silently)
{
	vanish(true);
}
END_TEST

START_TEST(device_vanishes_with_an_error)
{
	vanish(false);
}
END_TEST

START_TEST(reset_ends_commands_and_starts_anew)
{
	struct weft_qp *qp, *again;

	open_dev();
	qp = make_qp(4, true);
	f->hold = true;
	ck_assert_int_eq(submit(qp, 1), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	ck_assert_int_eq(weft_dev_reset(dev), 0);
	ck_assert_uint_eq(f->resets, 1);
	weft_dev_poll(dev);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_int_eq(seen.last_error, -ECANCELED);
	ck_assert_int_eq(submit(qp, 1), -ENOTCONN);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	f->hold = false;
	again = make_qp(4, true);
	ck_assert_int_eq(submit(again, 1), 0);
	weft_qp_doorbell(again);
	poll_until(1);
	drop_qp(again);
	close_dev();
}
END_TEST

START_TEST(reads_counters_and_log)
{
	char buf[6000], text[5001];
	uint32_t pos = 0, v;
	int n;

	open_dev();
	f->counter[WEFT_CNT_TX_FRAMES] = ~0u; /* a legal value, not a missing device */
	ck_assert_int_eq(weft_dev_counter(dev, WEFT_CNT_TX_FRAMES, &v), 0);
	ck_assert_uint_eq(v, ~0u);
	ck_assert_int_eq(weft_dev_counter(dev, 64, &v), -EINVAL);
	ck_assert_str_eq(weft_counter_name(WEFT_CNT_CYCLES), "cycles");
	ck_assert_ptr_null(weft_counter_name(63));
	fake_fwlog(f, "boot ok\n");
	ck_assert_int_eq(weft_dev_log(dev, &pos, buf, sizeof(buf)), 8);
	ck_assert_str_eq(buf, "boot ok\n");
	ck_assert_int_eq(weft_dev_log(dev, &pos, buf, sizeof(buf)), 0);
	for (n = 0; n < 5000; n++)
		text[n] = (char)('a' + n % 26);
	text[5000] = '\0';
	fake_fwlog(f, text);
	ck_assert_int_eq(weft_dev_log(dev, &pos, buf, sizeof(buf)), WEFT_LOG_SIZE); /* the oldest part is lost */
	ck_assert_str_eq(buf, text + 5000 - WEFT_LOG_SIZE);
	fake_fwlog(f, "0123456789");
	ck_assert_int_eq(weft_dev_log(dev, &pos, buf, 8), 7);
	ck_assert_str_eq(buf, "0123456");
	ck_assert_int_eq(weft_dev_log(dev, &pos, buf, 8), 3);
	ck_assert_str_eq(buf, "789");
	close_dev();
}
END_TEST

START_TEST(interrupts_wake_a_sleeper)
{
	struct pollfd p = { .events = POLLIN };
	struct weft_qp *qp;
	unsigned int i;

	open_eager();
	qp = make_qp(4, true);
	ck_assert_uint_gt(f->irqs_live, 1);
	f->hold = true;
	ck_assert_int_eq(submit(qp, 1), 0);
	weft_qp_doorbell(qp);
	p.fd = weft_dev_fd(dev);
	ck_assert_int_eq(weft_dev_arm(dev), 0);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_int_eq(weft_dev_wait(dev, 5), 0);
	fake_release(f, weft_qp_id(qp), 1, EIO);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_int_eq(weft_dev_wait(dev, 1000), 1);
	poll_until(1);
	f->hold = false;
	for (i = 0; i < 20; i++) { /* armed again each time, also when the answer is there before we sleep */
		ck_assert_int_eq(submit(qp, 1), 0);
		weft_qp_doorbell(qp);
		ck_assert_int_eq(weft_dev_wait(dev, 1000), 1);
		poll_until(2 + i);
	}
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(sleeper_notices_a_dead_device)
{
	struct weft_qp *qp;

	open_eager();
	qp = make_qp(4, true);
	f->gone = true;
	ck_assert_int_eq(weft_dev_wait(dev, -1), -ENODEV);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	close_dev();
}
END_TEST

START_TEST(thread_pair_is_polled_alone)
{
	struct weft_qp_params p = { .complete_cb = on_complete, .arg = &seen, .sq_log2 = 4, .vector = 3, .flags = WEFT_QP_THREAD };
	struct weft_connect c = { .remote_ip = 0x0a000002, .remote_port = 4420 };
	struct weft_qp *qp;
	uint64_t count;

	open_eager();
	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp), 0);
	ck_assert_int_eq(weft_qp_connect(qp, &c, NULL), 0);
	ck_assert_int_eq(submit(qp, 1), 0);
	weft_qp_doorbell(qp);
	ck_assert_int_eq(weft_dev_poll(dev), 0);
	ck_assert_uint_eq(seen.n, 0);
	ck_assert_int_eq(weft_qp_arm(qp), 0);
	ck_assert_int_eq(read(weft_qp_fd(qp), &count, 8), 8);
	ck_assert_int_eq(weft_qp_poll(qp, 0), 1);
	ck_assert_uint_eq(seen.n, 1);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(devices_by_name)
{
	struct weft_bus *bus;

	ck_assert_int_eq(weft_bus_open("pci", &bus), -EINVAL);
	ck_assert_int_eq(weft_bus_open("vfio-user:", &bus), -EINVAL);
	ck_assert_int_eq(weft_bus_open("vfio-userx:/tmp/x", &bus), -EINVAL);
	ck_assert_int_eq(weft_bus_open("vfio-user:/nonexistent/socket", &bus), -ENOENT);
	ck_assert_int_eq(weft_bus_open("inproc", &bus), -EOPNOTSUPP);
	ck_assert_int_eq(weft_bus_open("sim:", &bus), -EOPNOTSUPP);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("driver");
	TCase *t = tcase_create("core");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, refuses_other_device);
	tcase_add_test(t, refuses_other_major_version);
	tcase_add_test(t, accepts_newer_minor_version);
	tcase_add_test(t, refuses_dead_firmware);
	tcase_add_test(t, gives_up_on_firmware_that_is_never_ready);
	tcase_add_test(t, waits_for_firmware_and_resets_a_running_device);
	tcase_add_test(t, refuses_absent_device);
	tcase_add_test(t, failed_open_leaves_nothing);
	tcase_add_test(t, admin_commands_work);
	tcase_add_test(t, admin_ring_full_then_drained);
	tcase_add_test(t, late_admin_completion_is_dropped);
	tcase_add_test(t, unknown_admin_opcode_is_an_errno);
	tcase_add_test(t, allocates_and_finds_memory);
	tcase_add_test(t, registers_program_buffers);
	tcase_add_test(t, ring_wraps_many_times);
	tcase_add_test(t, ring_full_and_cid_rules);
	tcase_add_test(t, one_doorbell_for_many_commands);
	tcase_add_test(t, completions_out_of_order);
	tcase_add_test(t, scatter_gather_lists);
	tcase_add_test(t, scatter_gather_refusals);
	tcase_add_test(t, lent_memory_stays_registered);
	tcase_add_test(t, events_reach_their_pair);
	tcase_add_test(t, nonsense_completions_are_ignored);
	tcase_add_test(t, pair_deleted_from_its_own_callback);
	tcase_add_test(t, pairs_run_out_and_come_back);
	tcase_add_test(t, connected_pair_is_not_deleted);
	tcase_add_test(t, connect_errors_come_back);
	tcase_add_test(t, device_vanishes_silently);
	tcase_add_test(t, device_vanishes_with_an_error);
	tcase_add_test(t, reset_ends_commands_and_starts_anew);
	tcase_add_test(t, reads_counters_and_log);
	tcase_add_test(t, interrupts_wake_a_sleeper);
	tcase_add_test(t, sleeper_notices_a_dead_device);
	tcase_add_test(t, thread_pair_is_polled_alone);
	tcase_add_test(t, devices_by_name);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
