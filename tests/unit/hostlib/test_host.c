/* SPDX-License-Identifier: BSD-2-Clause */
/* The NVMe-oF host connects and discovers: command sequences, refusals, addresses. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/host.h>
#include <weft/mem.h>

#include "host_fixture.h"

/* Compares what the controllers saw from line first on. */
static void expect_log(unsigned int first, const char *const *want, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && first + i < f->n_log; i++)
		ck_assert_str_eq(f->log[first + i], want[i]);
	ck_assert_msg(f->n_log - first == n, "%u commands, not %u; next: %s", f->n_log - first, n,
		      f->n_log - first > n ? f->log[first + n] : "none");
}

/*
 * The order in which a Linux 6.12 host connects (without the log pages and namespaces that its
 * block layer wants).
 */
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
		"disconnect qid=1", "disconnect qid=2", "set 14=464061",
		"get 1c/4",         "disconnect qid=0",
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
	ck_assert_uint_eq(n, 152);
	ck_assert_uint_eq(genctr, 10);
	ck_assert_str_eq(list[151].subnqn, "nqn.2014-08.org.demo:t1151");
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

/*
 * Registers and bus calls failing at any moment of a whole session: no crash, no hang, nothing
 * left.
 */
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
	{ "trtype:TCP adrfam:ipv4 traddr:1.2.3.4 trsvcid:65535 hostnqn:nqn.2014-08.org.h:1", 0,
	  "" },
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
	static const uint8_t want[16] = { 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33,
					  0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0xab, 0xcd };
	struct nvme_host_opts o;

	nvme_host_opts_init(&o);
	ck_assert_int_eq(nvme_host_set_uuid(&o, "11111111-2222-3333-4444-55555555abCD"), 0);
	ck_assert_mem_eq(o.hostid, want, 16);
	ck_assert_str_eq(o.addr.hostnqn,
			 "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-55555555abCD");
	ck_assert_int_eq(nvme_host_set_uuid(&o, "11111111-2222-3333-4444-55555555abC"), -EINVAL);
	ck_assert_int_eq(nvme_host_set_uuid(&o, "11111111-2222-3333-4444-55555555abCDE"), -EINVAL);
	ck_assert_int_eq(nvme_host_set_uuid(&o, "11111111x2222-3333-4444-55555555abCD"), -EINVAL);
	ck_assert_int_eq(nvme_host_set_uuid(&o, "g1111111-2222-3333-4444-55555555abCD"), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host");
	TCase *t = tcase_create("connect");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 40);
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
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
