/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's core over the fake adapter: opening, memory, admin commands, diagnosis. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
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

static const struct weft_dev_params hasty = {
	.timeout_ms = 50
}; /* of device time, for tests that wait for nothing */

static void open_dev(void)
{
	f = fake_new();
	ck_assert_int_eq(weft_dev_open(&f->bus, &hasty, &dev), 0);
}

/*
 * Every test ends here: nothing is left mapped or wired, and the adapter saw no breach of the
 * contract.
 */
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

START_TEST(refuses_older_minor_version)
{
	f = fake_new();
	f->version--;
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

START_TEST(names_firmware_of_other_hardware)
{
	f = fake_new();
	f->fw_dead = true;
	f->fw_status = WEFT_DEAD_ENGINES << WEFT_FW_STATUS_CAUSE_LSB | 3 << 8 | 7;
	refused(-EPROTONOSUPPORT, "version 3.7");
}
END_TEST

START_TEST(says_what_the_boot_rom_found)
{
	f = fake_new();
	f->fw_dead = true;
	f->fw_status = (uint32_t)WEFT_DEAD_ROM << WEFT_FW_STATUS_CAUSE_LSB | 7;
	refused(-EIO, "not signed with its key");
	f = fake_new();
	f->fw_dead = true;
	f->fw_status = (uint32_t)WEFT_DEAD_ROM << WEFT_FW_STATUS_CAUSE_LSB | 0x20004;
	refused(-EIO, "boot ROM stopped, FW_STATUS detail 0x020004");
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
		ck_assert_msg(!f->maps_live && !f->irqs_live && !f->closed,
			      "call %ld left something", n);
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
	struct weft_port p = { .ip = 0x0a000001,
			       .mask = 0xffffff00,
			       .mtu = 9000,
			       .mac = { 2, 0, 0, 0, 0, 7 } },
			 q;
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
	ck_assert_int_eq(n, 63); /* entries - 1 */
	ck_assert_int_eq(weft_admin_submit(dev, WEFT_OP_NOP, &echo, 4, count_admin, &done),
			 -EAGAIN);
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
	char *mem =
		mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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
	ck_assert_int_eq(weft_dev_log(dev, &pos, buf, sizeof(buf)),
			 WEFT_LOG_SIZE); /* the oldest part is lost */
	ck_assert_str_eq(buf, text + 5000 - WEFT_LOG_SIZE);
	fake_fwlog(f, "0123456789");
	ck_assert_int_eq(weft_dev_log(dev, &pos, buf, 8), 7);
	ck_assert_str_eq(buf, "0123456");
	ck_assert_int_eq(weft_dev_log(dev, &pos, buf, 8), 3);
	ck_assert_str_eq(buf, "789");
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
	tcase_add_test(t, refuses_older_minor_version);
	tcase_add_test(t, accepts_newer_minor_version);
	tcase_add_test(t, refuses_dead_firmware);
	tcase_add_test(t, names_firmware_of_other_hardware);
	tcase_add_test(t, says_what_the_boot_rom_found);
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
	tcase_add_test(t, reads_counters_and_log);
	tcase_add_test(t, devices_by_name);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
