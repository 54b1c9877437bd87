/* SPDX-License-Identifier: BSD-2-Clause */
/* The NVMe-oF host against the fake adapter's controllers: command sequences, I/O with content, trouble and recovery. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/host.h>
#include <weft/mem.h>

#include "fake.h"

#define MS 1000000ull
#define BLOCK 512u

static struct fake *f;
static struct weft_dev *dev;
static struct nvme_host *h;
static struct nvme_host_opts opts;
static struct nvme_host_ns ns;

static struct {
	unsigned int lost, reconnected, dead, async;
	int error;
	uint32_t aer;
} ev;

static void on_event(void *arg, enum nvme_host_event event, int error, uint32_t aer)
{
	ck_assert_ptr_eq(arg, &ev);
	ev.lost += event == NVME_HOST_LOST;
	ev.reconnected += event == NVME_HOST_RECONNECTED;
	ev.dead += event == NVME_HOST_DEAD;
	ev.async += event == NVME_HOST_ASYNC;
	ev.error = error;
	ev.aer = aer;
}

static void open_dev(void)
{
	static const struct weft_dev_params p = { .timeout_ms = 500, .advance_ns = 100000 };

	memset(&ev, 0, sizeof(ev));
	f = fake_new();
	ck_assert_int_eq(weft_dev_open(&f->bus, &p, &dev), 0);
	nvme_host_opts_init(&opts);
	ck_assert_int_eq(nvme_host_addr_parse("trtype:tcp adrfam:IPv4 traddr:10.0.0.2 trsvcid:4420 subnqn:nqn.2014-08.org.demo:t1",
					      &opts.addr), 0);
	opts.event_cb = on_event;
	opts.event_arg = &ev;
}

static void close_dev(void)
{
	weft_dev_close(dev);
	ck_assert_uint_eq(f->maps_live + f->irqs_live, 0);
	ck_assert_uint_eq(f->violations, 0);
	fake_free(f);
}

static void connect_host(void)
{
	int rc = nvme_host_connect(dev, &opts, &h);

	ck_assert_msg(rc == 0, "connect: %d %s", rc, weft_last_error());
	if (opts.io_queues)
		ck_assert_int_eq(nvme_host_ns_open(h, 1, &ns), 0);
}

static void set_up(void)
{
	open_dev();
	connect_host();
}

static void tear_down(void)
{
	nvme_host_disconnect(h);
	h = NULL;
	close_dev();
}

/* Compares what the controllers saw from line first on. */
static void expect_log(unsigned int first, const char *const *want, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && first + i < f->n_log; i++)
		ck_assert_str_eq(f->log[first + i], want[i]);
	ck_assert_msg(f->n_log - first == n, "%u commands, not %u; next: %s", f->n_log - first, n,
		      f->n_log - first > n ? f->log[first + n] : "none");
}

/* The order in which a Linux 6.12 host connects (without the log pages and namespaces that its block layer wants). */
START_TEST(connects_as_linux_does)
{
	static const char *const want[] = {
		"tcp 10.0.0.2:4420 digests=3",
		"connect qid=0 sqsize=31 cattr=0 kato=5000 cntlid=ffff",
		"get 00/8",
		"set 14=460060",
		"get 00/8",
		"set 14=460061",
		"get 1c/4",
		"get 08/4",
		"identify cns=01 nsid=0",
		"set-feature fid=07 cdw11=10001",
		"tcp 10.0.0.2:4420 digests=3",
		"tcp 10.0.0.2:4420 digests=3",
		"connect qid=1 sqsize=127 cattr=0 kato=0 cntlid=0001",
		"connect qid=2 sqsize=127 cattr=0 kato=0 cntlid=0001",
		"set-feature fid=0b cdw11=900",
		"aer",
	};
	static const char *const bye[] = {
		"disconnect qid=1", "disconnect qid=2", "set 14=464061", "get 1c/4", "disconnect qid=0",
	};
	struct nvme_host_info info;
	unsigned int n;

	open_dev();
	opts.io_queues = 2;
	opts.header_digest = opts.data_digest = true;
	ck_assert_int_eq(nvme_host_connect(dev, &opts, &h), 0);
	nvme_host_poll(h);
	expect_log(0, want, sizeof(want) / sizeof(want[0]));
	nvme_host_info(h, &info);
	ck_assert_uint_eq(info.cntlid, 1);
	ck_assert_uint_eq(info.vs, 0x10300);
	ck_assert_uint_eq(info.io_queues, 2);
	ck_assert_uint_eq(info.io_qsize, 128);
	ck_assert_uint_eq(info.max_icd, 16384);
	ck_assert(info.live && info.header_digest && info.data_digest);
	ck_assert_int_eq(memcmp(info.identify->sn, "FAKE0001", 8), 0);
	n = f->n_log;
	nvme_host_disconnect(h);
	expect_log(n, bye, sizeof(bye) / sizeof(bye[0]));
	close_dev();
}
END_TEST

START_TEST(discovers)
{
	static const char *const want[] = {
		"tcp 10.0.0.2:4420 digests=0",
		"connect qid=0 sqsize=31 cattr=0 kato=0 cntlid=ffff",
		"get 00/8",
		"set 14=460060",
		"get 00/8",
		"set 14=460061",
		"get 1c/4",
		"get 08/4",
		"identify cns=01 nsid=0",
		"log lid=70 len=1024 off=0 rae=1",
		"log lid=70 len=2048 off=1024 rae=0",
		"log lid=70 len=1024 off=0 rae=1",
		"set 14=464061",
		"get 1c/4",
		"disconnect qid=0",
	};
	struct nvme_discovery_entry *list;
	uint64_t genctr;
	size_t n;

	open_dev();
	opts.addr.subnqn[0] = '\0';
	ck_assert_int_eq(nvme_host_discover(dev, &opts, &list, &n, &genctr), 0);
	expect_log(0, want, sizeof(want) / sizeof(want[0]));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(genctr, 7);
	ck_assert_uint_eq(list[0].subtype, 3);
	ck_assert_str_eq(list[0].subnqn, NVME_DISCOVERY_NQN);
	ck_assert_str_eq(list[1].subnqn, "nqn.2014-08.org.demo:t1");
	ck_assert_int_eq(strncmp(list[1].traddr, "10.0.0.2 ", 9), 0);
	ck_assert_int_eq(strncmp(list[1].trsvcid, "4420 ", 5), 0);
	free(list);
	close_dev();
}
END_TEST

START_TEST(discovery_log_that_changes_is_read_again)
{
	struct nvme_discovery_entry *list;
	uint64_t genctr;
	size_t n;

	open_dev();
	opts.addr.subnqn[0] = '\0';
	f->genctr_moves = 3;
	f->n_records = 150; /* more than one chunk */
	ck_assert_int_eq(nvme_host_discover(dev, &opts, &list, &n, &genctr), 0);
	ck_assert_uint_eq(n, 153);
	ck_assert_uint_eq(genctr, 10);
	ck_assert_str_eq(list[152].subnqn, "nqn.2014-08.org.demo:t1152");
	free(list);
	f->genctr_moves = 1000;
	ck_assert_int_eq(nvme_host_discover(dev, &opts, &list, &n, &genctr), -EAGAIN);
	close_dev();
}
END_TEST

static void refused(int want, const char *text)
{
	int rc = nvme_host_connect(dev, &opts, &h);

	ck_assert_msg(rc == want, "%d, not %d: %s", rc, want, weft_last_error());
	ck_assert_ptr_nonnull(strstr(weft_last_error(), text));
	ck_assert_int_eq(weft_nop(dev, 1), 0); /* the adapter is as good as before */
	for (rc = 1; rc < 128; rc++)
		ck_assert(!f->qp[rc].live);
	close_dev();
}

START_TEST(connect_failures_are_named)
{
	open_dev();
	switch (_i) {
	case 0:
		strcpy(opts.addr.subnqn, "nqn.2014-08.org.demo:other");
		refused(-ENOENT, "no such subsystem");
		break;
	case 1:
		f->connect_errno = ECONNREFUSED;
		refused(-ECONNREFUSED, "10.0.0.2:4420");
		break;
	case 2:
		f->auth_required = true;
		refused(-EACCES, "authentication");
		break;
	case 3:
		f->never_ready = true;
		refused(-ETIMEDOUT, "status");
		break;
	case 4:
		opts.io_qsize = 1;
		refused(-EINVAL, "queues");
		break;
	case 5:
		opts.disable_sqflow = true; /* this controller refuses it */
		refused(-EPROTO, "Connect Invalid Parameters");
		break;
	case 6:
		opts.addr.ip = 0;
		refused(-EINVAL, "address");
		break;
	default:
		f->mute_opcode = 0x7f; /* no answer to an I/O queue's Connect */
		opts.admin_timeout_ms = opts.io_timeout_ms = 100;
		refused(-ETIMEDOUT, "command 7f");
	}
}
END_TEST

/* A connection that breaks at any step of connecting: an error, and nothing stays behind. */
START_TEST(no_answer_while_connecting)
{
	open_dev();
	opts.admin_timeout_ms = 100;
	f->frozen = false;
	f->hold = true;
	refused(-ETIMEDOUT, "command 7f");
}
END_TEST

START_TEST(fewer_queues_are_fine)
{
	struct nvme_host_info info;

	open_dev();
	f->queues_granted = 2;
	opts.io_queues = 8;
	connect_host();
	nvme_host_info(h, &info);
	ck_assert_uint_eq(info.io_queues, 3);
	nvme_host_disconnect(h);
	close_dev();
}
END_TEST

START_TEST(adapter_short_of_pairs)
{
	static const struct weft_dev_params p = { .timeout_ms = 500, .advance_ns = 100000 };
	struct nvme_host_info info;

	open_dev();
	weft_dev_close(dev);
	f->n_qp = 5;
	f->closed = 0;
	ck_assert_int_eq(weft_dev_open(&f->bus, &p, &dev), 0);
	opts.io_queues = 8;
	connect_host();
	nvme_host_info(h, &info);
	ck_assert_uint_eq(info.io_queues, 3);
	tear_down();
}
END_TEST

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
	size_t i;

	for (i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

/* Sizes from one block to more than max_xfer, in the capsule and by R2T: what is written is on the disk, and is read back. */
static const uint32_t sizes[] = { 1, 8, 32, 33, 128, 2048, 2049, 5000, 16383 };

START_TEST(writes_and_reads_back)
{
	uint32_t nlb = sizes[_i];
	size_t len = (size_t)nlb * BLOCK;
	uint8_t *a = weft_mem_alloc(dev, len), *b = weft_mem_alloc(dev, len);

	fill(a, len, 1 + nlb);
	fill(b, len, 2);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 1, nlb), 0);
	ck_assert_mem_eq(f->disk + BLOCK, a, len);
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 1, nlb), 0);
	ck_assert_mem_eq(a, b, len);
	ck_assert_int_eq(nvme_host_flush_sync(&ns), 0);
	weft_mem_free(dev, a);
	weft_mem_free(dev, b);
}
END_TEST

struct done {
	struct nvme_result r;
	unsigned int n;
};

static void on_done(void *arg, const struct nvme_result *r)
{
	struct done *d = arg;

	d->r = *r;
	d->n++;
}

static void poll_until(const unsigned int *n, unsigned int want)
{
	unsigned int i;

	for (i = 0; i < 100000 && *n < want; i++)
		nvme_host_poll(h);
	ck_assert_uint_eq(*n, want);
}

/* A list of odd pieces, split into commands at places that do not match it. */
START_TEST(lists_are_split_right)
{
	uint32_t nlb = 6000, n = 0, i;
	size_t len = (size_t)nlb * BLOCK, at = 0, used = 0;
	uint8_t *mem = weft_mem_alloc(dev, 2 * len), *flat = malloc(len), *p = flat;
	struct iovec *v = calloc(4000, sizeof(*v));
	struct memdesc m;
	struct done d = { .n = 0 };

	fill(mem, 2 * len, 99);
	while (used < len) { /* pieces of 1..2000 bytes with gaps */
		size_t piece = 1 + n * 37 % 2000;

		if (piece > len - used)
			piece = len - used;
		v[n++] = (struct iovec){ mem + at, piece };
		at += piece + 8;
		used += piece;
	}
	ck_assert_uint_gt(n, 2048);
	for (i = 0; i < n; p += v[i++].iov_len)
		memcpy(p, v[i].iov_base, v[i].iov_len);
	m = memdesc_vlist(v, n);
	ck_assert_int_eq(nvme_host_write(&ns, &m, 100, nlb, 0, on_done, &d), 0);
	poll_until(&d.n, 1);
	ck_assert_int_eq(d.r.error, 0);
	ck_assert_uint_eq(d.r.status, 0);
	ck_assert_uint_eq(d.r.bytes, len);
	ck_assert_mem_eq(f->disk + 100 * BLOCK, flat, len);
	memset(mem, 0, 2 * len);
	ck_assert_int_eq(nvme_host_read(&ns, &m, 100, nlb, 0, on_done, &d), 0);
	poll_until(&d.n, 2);
	for (i = 0, p = flat; i < n; p += v[i++].iov_len)
		ck_assert_mem_eq(v[i].iov_base, p, v[i].iov_len);
	weft_mem_free(dev, mem);
	free(v);
	free(flat);
}
END_TEST

START_TEST(other_commands)
{
	uint8_t *a = weft_mem_alloc(dev, 64 * BLOCK), page[4096];
	struct nvme_dsm_range range = { 0, 8, 20 };
	uint32_t list[4], v;
	unsigned int n;

	memset(a, 0x33, 64 * BLOCK);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 64), 0);
	ck_assert_int_eq(nvme_host_compare_sync(&ns, a, 0, 64), 0);
	a[100] ^= 1;
	ck_assert_int_eq(nvme_host_compare_sync(&ns, a, 0, 64), -EILSEQ);
	ck_assert_int_eq(nvme_host_write_zeroes_sync(&ns, 10, 3), 0);
	ck_assert_uint_eq(f->disk[10 * BLOCK] | f->disk[13 * BLOCK - 1], 0);
	ck_assert_uint_eq(f->disk[13 * BLOCK], 0x33);
	ck_assert_int_eq(nvme_host_dsm_sync(&ns, &range, 1, NVME_DSM_DEALLOCATE), 0);
	ck_assert_uint_eq(f->disk[20 * BLOCK] | f->disk[28 * BLOCK - 1], 0);
	ck_assert_uint_eq(f->disk[28 * BLOCK], 0x33);
	ck_assert_int_eq(nvme_host_dsm_sync(&ns, &range, 0, 0), -EINVAL);
	ck_assert_int_eq(nvme_host_list_ns_sync(h, 0, list, 4, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(list[0], 1);
	ck_assert_int_eq(nvme_host_get_log_sync(h, NVME_LID_SMART, NVME_NSID_ALL, 0, false, page, 512), 0);
	ck_assert_uint_eq(page[1] | page[2] << 8, 300);
	ck_assert_int_eq(nvme_host_get_feature_sync(h, NVME_FID_KEEP_ALIVE_TIMER, 0, &v), 0);
	ck_assert_uint_eq(v, 5000);
	ck_assert_int_eq(nvme_host_get_feature_sync(h, 0x55, 0, &v), -EINVAL);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "Invalid Field"));
	ck_assert_int_eq(nvme_host_identify_sync(h, NVME_CNS_NAMESPACE, 7, page), -ENOENT);
	weft_mem_free(dev, a);
}
END_TEST

START_TEST(bad_requests_are_refused)
{
	uint8_t *a = weft_mem_alloc(dev, 4096), stack[512];
	struct memdesc m = memdesc_vaddr(stack);
	struct done d = { .n = 0 };

	ck_assert_int_eq(nvme_host_read_sync(&ns, a, ns.blocks, 1), -EINVAL);
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, ns.blocks - 1, 2), -EINVAL);
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, UINT64_MAX, 2), -EINVAL);
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, 0, 0), -EINVAL);
	ck_assert_int_eq(nvme_host_read(&ns, &m, 0, 1, 0, on_done, &d), -EFAULT);
	ck_assert_uint_eq(d.n, 0);
	f->fail_opcode = NVME_OPC_READ;
	f->fail_sct_sc = 0x4281;
	f->fail_times = 1;
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, 0, 1), -EIO);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "Unrecovered Read"));
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, 0, 1), 0);
	weft_mem_free(dev, a);
}
END_TEST

/* More requests than there are commands: some are refused with -EAGAIN only when not even a first piece can go. */
START_TEST(deep_queues)
{
	uint8_t *a = weft_mem_alloc(dev, 1 << 20);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };
	unsigned int n = 0, i;

	opts.max_xfer = 0;
	f->frozen = true;
	while (!nvme_host_write(&ns, &m, n * 8, 8, 0, on_done, &d))
		n++;
	ck_assert_uint_eq(n, 127); /* SQSIZE of Linux: 128 entries */
	f->frozen = false;
	poll_until(&d.n, n);
	for (i = 0; i < 2000; i++) { /* callbacks keep coming, CIDs are used again and again */
		m = memdesc_vaddr(a + i % 200 * 4096);
		fill(a + i % 200 * 4096, 4096, i);
		while (nvme_host_write(&ns, &m, i % 2000 * 8, 8, 0, on_done, &d) == -EAGAIN)
			nvme_host_poll(h);
		if (i % 200 == 199)
			poll_until(&d.n, n + i + 1);
	}
	poll_until(&d.n, n + 2000);
	for (i = 0; i < 2000; i++) {
		fill(a, 4096, i);
		ck_assert_mem_eq(f->disk + i * 4096, a, 4096);
	}
	weft_mem_free(dev, a);
}
END_TEST

START_TEST(one_big_request_waits_for_commands)
{
	size_t len = 4 << 20;
	uint8_t *a = weft_mem_alloc(dev, len);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };
	struct nvme_host_info info;

	nvme_host_disconnect(h);
	f->mdts = 0;
	opts.max_xfer = 4096;
	opts.io_qsize = 4;
	opts.io_queues = 2;
	connect_host();
	nvme_host_info(h, &info);
	ck_assert_uint_eq(info.max_xfer, 4096);
	fill(a, len, 5);
	ck_assert_int_eq(nvme_host_write(&ns, &m, 0, (uint32_t)(len / BLOCK), 0, on_done, &d), 0); /* 1024 commands, 6 at a time */
	poll_until(&d.n, 1);
	ck_assert_uint_eq(d.r.bytes, len);
	ck_assert_mem_eq(f->disk, a, len);
	weft_mem_free(dev, a);
}
END_TEST

START_TEST(mdts_is_respected)
{
	struct nvme_host_info info;
	uint8_t *a;

	nvme_host_disconnect(h);
	f->mdts = 3; /* 32 KiB */
	connect_host();
	nvme_host_info(h, &info);
	ck_assert_uint_eq(info.max_xfer, 32768);
	a = weft_mem_alloc(dev, 1 << 20);
	fill(a, 1 << 20, 3);
	f->counter[WEFT_CNT_SQE_FETCHED] = 0;
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 2048), 0);
	ck_assert_uint_eq(f->counter[WEFT_CNT_SQE_FETCHED], 32);
	ck_assert_mem_eq(f->disk, a, 1 << 20);
	weft_mem_free(dev, a);
}
END_TEST

START_TEST(digest_errors_are_retried)
{
	uint8_t *a = weft_mem_alloc(dev, 8192), *b = weft_mem_alloc(dev, 8192);
	struct nvme_host_stats s;

	nvme_host_disconnect(h);
	opts.data_digest = true;
	connect_host();
	fill(a, 8192, 4);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 16), 0);
	f->ddgst_errors = 3;
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), 0);
	ck_assert_mem_eq(a, b, 8192);
	nvme_host_stats(h, &s);
	ck_assert_uint_eq(s.retries, 3);
	f->ddgst_errors = 100;
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), -EBADMSG);
	ck_assert_uint_eq(f->ddgst_errors, 94);
	f->ddgst_errors = 0;
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), 0); /* the association lives */
	ck_assert_uint_eq(ev.lost, 0);
	weft_mem_free(dev, a);
	weft_mem_free(dev, b);
}
END_TEST

START_TEST(without_sq_flow_control)
{
	uint8_t *a = weft_mem_alloc(dev, 8192), *b = weft_mem_alloc(dev, 8192);

	nvme_host_disconnect(h);
	opts.disable_sqflow = true;
	f->success_flag = true;
	connect_host();
	fill(a, 8192, 4);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 16), 0);
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), 0);
	ck_assert_mem_eq(a, b, 8192);
	weft_mem_free(dev, a);
	weft_mem_free(dev, b);
}
END_TEST

/* Lets ms of device time pass. */
static void pass(uint64_t ms)
{
	uint64_t end = f->time_ns + ms * MS;

	while (f->time_ns < end) {
		nvme_host_poll(h);
		nvme_host_wait(h, 10);
	}
}

START_TEST(keep_alives_go_out_at_half_of_kato)
{
	ck_assert_uint_eq(f->keepalives, 0);
	pass(20100);
	ck_assert_uint_ge(f->keepalives, 7);
	ck_assert_uint_le(f->keepalives, 8);
	ck_assert_uint_eq(ev.lost, 0);
}
END_TEST

START_TEST(async_events_are_told_and_armed_again)
{
	unsigned int i;

	for (i = 1; i <= 3; i++) {
		fake_aen(f, 0x00040002);
		poll_until(&ev.async, i);
		ck_assert_uint_eq(ev.aer, 0x00040002);
		pass(1);
	}
	ck_assert_uint_eq(ev.lost, 0);
}
END_TEST

START_TEST(late_command_is_aborted)
{
	uint8_t *a = weft_mem_alloc(dev, 512);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };

	f->mute_opcode = NVME_OPC_READ;
	ck_assert_int_eq(nvme_host_read(&ns, &m, 0, 1, 0, on_done, &d), 0);
	pass(29000);
	ck_assert_uint_eq(d.n + f->aborts, 0);
	pass(2000);
	ck_assert_uint_eq(f->aborts, 1);
	ck_assert_uint_eq(d.n, 1);
	ck_assert_int_eq(d.r.error, 0);
	ck_assert_uint_eq(d.r.status & NVME_STATUS_MASK, NVME_SC_ABORTED_BY_REQUEST);
	ck_assert_uint_eq(ev.lost, 0);
	weft_mem_free(dev, a);
}
END_TEST

START_TEST(deaf_controller_costs_the_association)
{
	uint8_t *a = weft_mem_alloc(dev, 512);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };

	f->hold = true;
	ck_assert_int_eq(nvme_host_read(&ns, &m, 0, 1, 0, on_done, &d), 0);
	pass(61000);
	ck_assert_uint_eq(d.n, 1);
	ck_assert_int_ne(d.r.error, 0);
	ck_assert_uint_eq(ev.lost, 1);
	ck_assert_uint_eq(ev.dead, 1);
	ck_assert_int_eq(nvme_host_read(&ns, &m, 0, 1, 0, on_done, &d), -ENOTCONN);
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, 0, 1), -ENOTCONN);
	ck_assert_int_eq(nvme_host_identify_sync(h, 1, 0, a), -ENOTCONN);
	f->hold = false;
	weft_mem_free(dev, a);
}
END_TEST

/* Number of the pair that serves queue qid of the newest association. */
static uint16_t pair_of(uint16_t qid)
{
	uint16_t i;

	for (i = 1; i < 128; i++)
		if (f->qp[i].live && f->qp[i].connected && f->qp[i].qid == qid)
			return i;
	ck_abort_msg("no pair for queue %u", qid);
	return 0;
}

static void lose(uint16_t qid, uint16_t err)
{
	uint8_t *a = weft_mem_alloc(dev, 1 << 20);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };
	unsigned int i;

	f->hold = true;
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(nvme_host_write(&ns, &m, 0, 16, 0, on_done, &d), 0);
	nvme_host_poll(h);
	fake_kill_conn(f, pair_of(qid), err);
	f->hold = false;
	poll_until(&ev.lost, 1);
	ck_assert_uint_eq(d.n, 5);
	ck_assert_int_ne(d.r.error, 0);
	ck_assert_int_eq(ev.error, err ? -(int)err : -ECONNRESET);
	weft_mem_free(dev, a);
}

START_TEST(lost_queue_without_reconnect)
{
	lose(_i ? 1 : 0, _i ? ECONNRESET : 0);
	ck_assert_uint_eq(ev.dead, 1);
	for (_i = 1; _i < 128; _i++)
		ck_assert(!f->qp[_i].live);
}
END_TEST

START_TEST(lost_queue_is_reconnected_with_back_off)
{
	uint8_t *a = weft_mem_alloc(dev, 8192), *b = weft_mem_alloc(dev, 8192);
	struct nvme_host_info info;
	uint64_t t0;

	nvme_host_disconnect(h);
	opts.reconnect_delay_ms = 1000;
	opts.ctrl_loss_tmo_ms = 60000;
	opts.io_queues = 2;
	connect_host();
	fill(a, 8192, 1);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 16), 0);
	opts.event_cb = NULL;
	f->connect_errno = ECONNREFUSED;
	f->connects_to_fail = 2;
	memset(&ev, 0, sizeof(ev));
	fake_kill_conn(f, pair_of(2), ETIMEDOUT);
	poll_until(&ev.lost, 1);
	t0 = f->time_ns;
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), -ENOTCONN);
	while (!ev.reconnected && f->time_ns - t0 < 60000 * MS)
		nvme_host_poll(h);
	ck_assert_uint_eq(ev.reconnected, 1);
	ck_assert_uint_ge(f->time_ns - t0, 7000 * MS); /* 1 + 2 + 4 seconds */
	ck_assert_uint_le(f->time_ns - t0, 8000 * MS);
	nvme_host_info(h, &info);
	ck_assert(info.live);
	ck_assert_uint_eq(info.cntlid, 3);
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), 0);
	ck_assert_mem_eq(a, b, 8192);
	weft_mem_free(dev, a);
	weft_mem_free(dev, b);
}
END_TEST

START_TEST(reconnecting_is_given_up_in_time)
{
	nvme_host_disconnect(h);
	opts.reconnect_delay_ms = 1000;
	opts.ctrl_loss_tmo_ms = 20000;
	connect_host();
	f->connect_errno = EHOSTUNREACH;
	fake_kill_conn(f, pair_of(0), ECONNRESET);
	pass(40000);
	ck_assert_uint_eq(ev.dead, 1);
	ck_assert_int_eq(ev.error, -EHOSTUNREACH);
}
END_TEST

START_TEST(controller_reset)
{
	uint8_t *a = weft_mem_alloc(dev, 8192), *b = weft_mem_alloc(dev, 8192);
	struct done d = { .n = 0 };
	struct nvme_host_info info;
	unsigned int n;

	fill(a, 8192, 1);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 16), 0);
	f->mute_opcode = NVME_OPC_FLUSH;
	ck_assert_int_eq(nvme_host_flush(&ns, on_done, &d), 0);
	n = f->n_log;
	ck_assert_int_eq(nvme_host_reset(h), 0);
	ck_assert_str_eq(f->log[n], "disconnect qid=1");
	ck_assert_str_eq(f->log[n + 1], "set 14=460060");
	ck_assert_uint_eq(d.n, 1);
	ck_assert_int_eq(d.r.error, -ECANCELED);
	nvme_host_info(h, &info);
	ck_assert_uint_eq(info.cntlid, 2);
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), 0);
	ck_assert_mem_eq(a, b, 8192);
	weft_mem_free(dev, a);
	weft_mem_free(dev, b);
}
END_TEST

START_TEST(adapter_vanishes)
{
	uint8_t *a = weft_mem_alloc(dev, 8192);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };

	f->hold = true;
	ck_assert_int_eq(nvme_host_read(&ns, &m, 0, 16, 0, on_done, &d), 0);
	nvme_host_poll(h);
	f->gone = f->write_enodev = f->frozen = true;
	ck_assert_int_lt(nvme_host_read_sync(&ns, a, 0, 16), 0);
	poll_until(&ev.dead, 1);
	ck_assert_uint_eq(d.n, 1);
	ck_assert_int_eq(d.r.error, -ENODEV);
	weft_mem_free(dev, a);
}
END_TEST

/* Registers and bus calls failing at any moment of a whole session: no crash, no hang, nothing left. */
START_TEST(any_bus_call_may_fail)
{
	static const struct weft_dev_params p = { .timeout_ms = 100, .advance_ns = 1000000 };
	long n;

	for (n = 1;; n++) {
		uint8_t *a = NULL;
		bool opened = false;

		f = fake_new();
		nvme_host_opts_init(&opts);
		opts.addr.ip = 0x0a000002;
		strcpy(opts.addr.subnqn, "nqn.2014-08.org.demo:t1");
		opts.admin_timeout_ms = opts.io_timeout_ms = 50;
		f->fail_at = n;
		if (weft_dev_open(&f->bus, &p, &dev)) {
			fake_free(f);
			continue;
		}
		h = NULL;
		opened = !nvme_host_connect(dev, &opts, &h);
		a = weft_mem_alloc(dev, 4096);
		if (opened && a && !nvme_host_ns_open(h, 1, &ns)) {
			memset(a, 0x42, 4096);
			if (!nvme_host_write_sync(&ns, a, 0, 8))
				ck_assert_mem_eq(f->disk, a, 4096);
		}
		if (opened)
			nvme_host_disconnect(h);
		weft_mem_free(dev, a);
		weft_dev_close(dev);
		ck_assert_uint_eq(f->closed, 1);
		ck_assert_uint_eq(f->maps_live + f->irqs_live, 0);
		if (f->ops < n) {
			fake_free(f);
			break;
		}
		fake_free(f);
	}
	ck_assert_int_gt(n, 80);
}
END_TEST

static const struct {
	const char *text;
	int rc;
	const char *word;
} addrs[] = {
	{ "traddr:1.2.3.4", 0, "" },
	{ "traddr=1.2.3.4 trsvcid=8009", 0, "" },
	{ "trtype:TCP adrfam:ipv4 traddr:1.2.3.4 trsvcid:65535 hostnqn:nqn.2014-08.org.h:1", 0, "" },
	{ "", -EINVAL, "traddr" },
	{ "trtype:rdma traddr:1.2.3.4", -EINVAL, "rdma" },
	{ "adrfam:ipv6 traddr:1.2.3.4", -EINVAL, "ipv6" },
	{ "traddr:1.2.3", -EINVAL, "1.2.3" },
	{ "traddr:1.2.3.4 trsvcid:0", -EINVAL, "TCP port" },
	{ "traddr:1.2.3.4 trsvcid:65536", -EINVAL, "TCP port" },
	{ "traddr:1.2.3.4 trsvcid:44x", -EINVAL, "TCP port" },
	{ "traddr:1.2.3.4 subnqn:iqn.x", -EINVAL, "iqn.x" },
	{ "traddr:1.2.3.4 what", -EINVAL, "what" },
	{ "traddr:1.2.3.4 colour:red", -EINVAL, "colour" },
	{ "traddr:", -EINVAL, "traddr" },
};

START_TEST(address_strings)
{
	struct nvme_host_addr a = { .port = 7 };

	ck_assert_int_eq(nvme_host_addr_parse(addrs[_i].text, &a), addrs[_i].rc);
	if (addrs[_i].rc) {
		ck_assert_ptr_nonnull(strstr(weft_last_error(), addrs[_i].word));
		ck_assert_uint_eq(a.port, 7);
		return;
	}
	ck_assert_uint_eq(a.ip, 0x01020304);
	ck_assert_int_eq(a.trtype, NVMF_TRTYPE_TCP);
}
END_TEST

START_TEST(uuids)
{
	static const uint8_t want[16] = { 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0xab, 0xcd };
	struct nvme_host_opts o;

	nvme_host_opts_init(&o);
	ck_assert_int_eq(nvme_host_set_uuid(&o, "11111111-2222-3333-4444-55555555abCD"), 0);
	ck_assert_mem_eq(o.hostid, want, 16);
	ck_assert_str_eq(o.addr.hostnqn, "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-55555555abCD");
	ck_assert_int_eq(nvme_host_set_uuid(&o, "11111111-2222-3333-4444-55555555abC"), -EINVAL);
	ck_assert_int_eq(nvme_host_set_uuid(&o, "11111111-2222-3333-4444-55555555abCDE"), -EINVAL);
	ck_assert_int_eq(nvme_host_set_uuid(&o, "11111111x2222-3333-4444-55555555abCD"), -EINVAL);
	ck_assert_int_eq(nvme_host_set_uuid(&o, "g1111111-2222-3333-4444-55555555abCD"), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host");
	TCase *t = tcase_create("connect"), *u = tcase_create("connected");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 40);
	tcase_set_timeout(u, 40);
	tcase_add_test(t, connects_as_linux_does);
	tcase_add_test(t, discovers);
	tcase_add_test(t, discovery_log_that_changes_is_read_again);
	tcase_add_loop_test(t, connect_failures_are_named, 0, 8);
	tcase_add_test(t, no_answer_while_connecting);
	tcase_add_test(t, fewer_queues_are_fine);
	tcase_add_test(t, adapter_short_of_pairs);
	tcase_add_test(t, any_bus_call_may_fail);
	tcase_add_loop_test(t, address_strings, 0, sizeof(addrs) / sizeof(addrs[0]));
	tcase_add_test(t, uuids);
	tcase_add_checked_fixture(u, set_up, tear_down);
	tcase_add_loop_test(u, writes_and_reads_back, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(u, lists_are_split_right);
	tcase_add_test(u, other_commands);
	tcase_add_test(u, bad_requests_are_refused);
	tcase_add_test(u, deep_queues);
	tcase_add_test(u, one_big_request_waits_for_commands);
	tcase_add_test(u, mdts_is_respected);
	tcase_add_test(u, digest_errors_are_retried);
	tcase_add_test(u, without_sq_flow_control);
	tcase_add_test(u, keep_alives_go_out_at_half_of_kato);
	tcase_add_test(u, async_events_are_told_and_armed_again);
	tcase_add_test(u, late_command_is_aborted);
	tcase_add_test(u, deaf_controller_costs_the_association);
	tcase_add_loop_test(u, lost_queue_without_reconnect, 0, 2);
	tcase_add_test(u, lost_queue_is_reconnected_with_back_off);
	tcase_add_test(u, reconnecting_is_given_up_in_time);
	tcase_add_test(u, controller_reset);
	tcase_add_test(u, adapter_vanishes);
	suite_add_tcase(s, t);
	suite_add_tcase(s, u);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
