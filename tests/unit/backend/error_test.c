/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong: with files, with requests, underneath. And what order and depth promise. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft/dev.h>

#include "backend_helper.h"

#define SIZE (256u * KIB)

static uint8_t buf[SIZE] __attribute__((aligned(4096)));
static char name[128];

static void told(const char *word)
{
	ck_assert_msg(strstr(weft_last_error(), word) != NULL, "no \"%s\" in: %s", word,
		      weft_last_error());
}

static const char *fresh(uint64_t size)
{
	int fd;

	snprintf(name, sizeof(name), "build/tests/unit/backend/weft-error-%d", (int)getpid());
	unlink(name);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	close(fd);
	return name;
}

static void clean(void)
{
	rmdir(name);
	unlink(name);
}

/* --- opening -------------------------------------------------------------------------------------- */

START_TEST(what_cannot_be_served_is_refused)
{
	struct nvme_backend_file_opts o = { .block_size = 4096 };
	struct nvme_backend *b;

	ck_assert_int_eq(nvme_backend_file("/nonexistent/file", NULL, &b), -ENOENT);
	told("/nonexistent/file");
	ck_assert_int_eq(nvme_backend_file("/tmp", NULL, &b), -EINVAL);
	told("neither a file nor a block device");
	ck_assert_int_eq(nvme_backend_file("/dev/null", NULL, &b), -EINVAL);
	ck_assert_int_eq(nvme_backend_file(fresh(0), NULL, &b), -EINVAL);
	told("0 bytes");
	ck_assert_int_eq(nvme_backend_file(fresh(1000), NULL, &b), -EINVAL);
	told("1000 bytes");
	ck_assert_int_eq(nvme_backend_file(fresh(4096 + 512), &o, &b), -EINVAL);
	told("4608");
	o.block_size = 1024;
	ck_assert_int_eq(nvme_backend_file(fresh(8192), &o, &b), -EINVAL);
	told("1024");
	o.block_size = 512;
	o.depth = 5000;
	ck_assert_int_eq(nvme_backend_file(name, &o, &b), -EINVAL);
	told("5000");
	unlink(name);
	ck_assert_int_eq(mkfifo(name, 0600), 0);
	ck_assert_int_eq(nvme_backend_file(name, NULL, &b), -EINVAL);
	ck_assert_int_eq(nvme_backend_ram(1000, 512, &b), -EINVAL);
	ck_assert_int_eq(nvme_backend_ram(0, 512, &b), -EINVAL);
	ck_assert_int_eq(nvme_backend_ram(1 << 20, 513, &b), -EINVAL);
	ck_assert_int_eq(nvme_backend_ram(1ull << 60, 512, &b), -ENOMEM);
	ck_assert_int_eq(nvme_backend_null(1ull << 63, 512, &b), -EINVAL);
	clean();
}
END_TEST

START_TEST(files_are_made_on_request_only)
{
	struct nvme_backend_file_opts o = { .create = true, .create_size = 1000 };
	struct nvme_backend *b;
	struct stat st;

	unlink(fresh(512));
	ck_assert_int_eq(nvme_backend_file(name, &o, &b), -EINVAL);
	told("1000");
	ck_assert_int_eq(stat(name, &st), -1);
	o.create_size = 1 << 20;
	ck_assert_int_eq(nvme_backend_file(name, &o, &b), 0);
	nvme_backend_close(b);
	o.create_size = 2 << 20; /* is there: stays as it is */
	ck_assert_int_eq(nvme_backend_file(name, &o, &b), 0);
	ck_assert_uint_eq(b->size, 1 << 20);
	nvme_backend_close(b);
	clean();
}
END_TEST

/* A flush makes the blocks stable; the name they are found by must be so before. */
START_TEST(the_name_of_a_new_file_is_stable)
{
	struct nvme_backend_file_opts o = { .create = true, .create_size = 1 << 20 };
	struct nvme_backend *b;
	struct stat st;

	unlink(fresh(512));
	memset(&faults, 0, sizeof(faults));
	ck_assert_int_eq(nvme_backend_file(name, &o, &b), 0);
	ck_assert_str_eq(faults.order, "fd");
	nvme_backend_close(b);
	ck_assert_int_eq(nvme_backend_file(name, &o, &b), 0);
	ck_assert_str_eq(faults.order, "fd"); /* only when it is new */
	nvme_backend_close(b);
	unlink(name);
	faults.fsync_error = EIO;
	ck_assert_int_eq(nvme_backend_file(name, &o, &b), -EIO);
	told("create");
	ck_assert_int_eq(stat(name, &st), -1);
	clean();
}
END_TEST

/* A child that serves the file until it is killed. */
static pid_t serve_elsewhere(bool read_only)
{
	struct nvme_backend_file_opts o = { .read_only = read_only };
	struct nvme_backend *b;
	int ready[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (nvme_backend_file(name, &o, &b) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(two_servers_do_not_share_a_file)
{
	struct nvme_backend_file_opts ro = { .read_only = true };
	struct nvme_backend *b, *c;
	pid_t pid;

	fresh(SIZE);
	pid = serve_elsewhere(false);
	ck_assert_int_eq(nvme_backend_file(name, NULL, &b), -EBUSY);
	told("serves it already");
	ck_assert_int_eq(nvme_backend_file(name, &ro, &b), -EBUSY);
	stop(pid);
	ck_assert_int_eq(nvme_backend_file(name, NULL, &b), 0);
	ck_assert_int_eq(nvme_backend_file(name, NULL, &c), -EBUSY); /* nor does one */
	nvme_backend_close(b);
	pid = serve_elsewhere(true);
	ck_assert_int_eq(nvme_backend_file(name, &ro, &b), 0);
	ck_assert_int_eq(nvme_backend_file(name, NULL, &c), -EBUSY);
	nvme_backend_close(b);
	stop(pid);
	clean();
}
END_TEST

START_TEST(without_io_uring_there_are_system_calls)
{
	struct nvme_backend *b;

	faults.no_uring = true;
	ck_assert_int_eq(nvme_backend_file(fresh(SIZE), NULL, &b), 0);
	ck_assert_str_eq(b->ops->name, "file, system calls");
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, buf, SIZE, 0), 0);
	ck_assert_uint_gt(faults.reads, 0);
	nvme_backend_close(b);
	clean();
}
END_TEST

static unsigned int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* No fd stays behind, neither after success nor after a refusal. */
START_TEST(nothing_is_left_open)
{
	struct nvme_backend_file_opts o = { .block_size = 1024 };
	struct nvme_backend *b;
	unsigned int before, i;

	fresh(SIZE);
	before = open_fds();
	for (i = 0; i < 50; i++) {
		ck_assert_int_eq(nvme_backend_file(name, NULL, &b), 0);
		nvme_backend_close(b);
		ck_assert_int_eq(nvme_backend_file(name, &o, &b), -EINVAL);
	}
	ck_assert_uint_eq(open_fds(), before);
	clean();
}
END_TEST

/* --- requests -------------------------------------------------------------------------------------- */

START_TEST(bad_requests_are_refused)
{
	struct nvme_backend *b = store_open(&variants[_i], SIZE);
	uint32_t bs;
	struct job j = { .done = false };

	if (!b)
		return;
	bs = b->block_size;
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, SIZE, buf, bs, 0), -ERANGE);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, SIZE - bs, buf, 2 * bs, 0), -ERANGE);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE_ZEROES, UINT64_MAX - bs + 1, NULL, bs, 0),
			 -ERANGE);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_DISCARD, bs, NULL, UINT64_MAX - bs + 1, 0),
			 -ERANGE);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 1, buf, bs, 0), -EINVAL);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, buf, bs - 1, 0), -EINVAL);
	ck_assert_int_eq(job_run(b, (enum nvme_backend_op)99, 0, buf, bs, 0), -EOPNOTSUPP);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, NULL, 0, 0), 0);
	/* a list that is not as long as the request: shorter, longer, wrapping around */
	j.iov[0] = (struct iovec){ buf, bs };
	j.io.iov = j.iov;
	j.io.iov_count = 1;
	job_submit(b, &j, NVME_BACKEND_WRITE, 0, NULL, 2 * bs, 0);
	job_wait(b, &j);
	ck_assert_int_eq(j.error, -EINVAL);
	j.iov[0].iov_len = SIZE_MAX;
	j.iov[1] = (struct iovec){ buf, bs + 1 };
	j.io.iov_count = 2;
	job_submit(b, &j, NVME_BACKEND_WRITE, 0, NULL, bs, 0);
	job_wait(b, &j);
	ck_assert_int_eq(j.error, -EINVAL);
	store_close(b);
}
END_TEST

START_TEST(read_only_stays_as_it_is)
{
	const struct variant *v = &variants[_i];
	struct nvme_backend_file_opts o = v->opts;
	struct nvme_backend *b;

	if (v->place != ON_DISK)
		return;
	o.read_only = true;
	ck_assert_int_eq(nvme_backend_file(fresh(SIZE), &o, &b), 0);
	ck_assert(b->read_only && !b->volatile_cache && !b->zero_by_discard);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 0, buf, 4096, 0), -EROFS);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE_ZEROES, 0, NULL, 4096, 0), -EROFS);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_DISCARD, 0, NULL, 4096, 0), -EROFS);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, buf, 4096, 0), 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_FLUSH, 0, NULL, 0, 0), 0);
	nvme_backend_close(b);
	clean();
}
END_TEST

static unsigned int order_next;
static unsigned int chained;
static struct nvme_backend *chain_on;

static void count_down(struct job *j)
{
	if (--chained)
		job_submit(chain_on, j, NVME_BACKEND_READ, 0, buf, 512 * 8, 0);
	else
		order_next = 1;
	j->done = chained == 0;
}

/* Callbacks that submit the next request: as deep as one, however many there are. */
START_TEST(callbacks_may_submit)
{
	struct nvme_backend *b;
	struct job j = { .then = count_down };

	if (variants[_i].place == IN_MEMORY)
		return;
	b = store_open(&variants[_i], SIZE);
	if (!b)
		return;
	chain_on = b;
	chained = 20000;
	if (variants[_i].place != ON_TMPFS)
		chained = 500;
	job_submit(b, &j, NVME_BACKEND_READ, 0, buf, 512 * 8, 0);
	while (!order_next)
		backend_turn(b);
	ck_assert_uint_eq(chained, 0);
	store_close(b);
}
END_TEST

static struct job inner[8];

static void poll_inside(struct job *j)
{
	unsigned int i;

	(void)j;
	for (i = 1; i < 8; i++)
		job_wait(chain_on, &inner[i]);
	order_next++;
}

/* A callback that polls itself: nothing that has ended is kept from it. */
START_TEST(callbacks_may_poll)
{
	struct nvme_backend *b;
	unsigned int i;

	if (variants[_i].place == IN_MEMORY)
		return;
	b = chain_on = store_open(&variants[_i], SIZE);
	if (!b)
		return;
	memset(inner, 0, sizeof(inner));
	inner[0].then = poll_inside;
	for (i = 0; i < 8; i++)
		job_submit(b, &inner[i], NVME_BACKEND_READ, 4096 * i, buf + 4096 * i, 4096, 0);
	usleep(20000); /* so that all have ended, where they end by themselves */
	while (!order_next)
		backend_turn(b);
	ck_assert_uint_eq(order_next, 1);
	store_close(b);
}
END_TEST

/* Many more requests than the kernel is given at a time: all end, each once. */
START_TEST(any_number_may_wait)
{
	enum { MANY = 5000 };
	static struct job jobs[MANY];
	static uint8_t out[64][4096] __attribute__((aligned(4096)));
	struct nvme_backend *b = store_open(&variants[_i], SIZE);
	unsigned int i;

	if (!b)
		return;
	rnd_fill(buf, SIZE);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 0, buf, SIZE, 0), 0);
	for (i = 0; i < MANY; i++)
		job_submit(b, &jobs[i], NVME_BACKEND_READ, i % 64 * 4096, out[i % 64], 4096, 0);
	for (i = 0; i < MANY; i++) {
		job_wait(b, &jobs[i]);
		ck_assert_int_eq(jobs[i].error, 0);
		ck_assert_uint_eq(jobs[i].calls, 1);
	}
	ck_assert_mem_eq(out, buf, SIZE);
	ck_assert_int_eq(nvme_backend_poll(b), 0);
	/* and then the fd is silent: who waits on it sleeps */
	for (i = 0; i < 50 && variants[_i].place != IN_MEMORY; i++) {
		struct pollfd p = { .fd = nvme_backend_fd(b), .events = POLLIN };

		if (!poll(&p, 1, 0))
			break;
		ck_assert_int_eq(nvme_backend_poll(b), 0);
	}
	ck_assert_uint_lt(i, 50);
	store_close(b);
}
END_TEST

/* --- stable storage --------------------------------------------------------------------------------- */

START_TEST(flush_and_fua_reach_the_disk)
{
	const struct variant *v = &variants[_i];
	int broken = v->opts.synchronous ? -EIO : -EBADF;
	struct nvme_backend *b;

	if (v->place != ON_DISK)
		return;
	b = store_open(v, SIZE);
	if (!b)
		return;
	memset(&faults, 0, sizeof(faults));
	ck_assert(b->volatile_cache);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 0, buf, 4096, 0), 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_FLUSH, 0, NULL, 0, 0), 0);
	ck_assert_str_eq(faults.order, "ws");
	ck_assert_uint_eq(faults.dsync_writes, 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 0, buf, 4096, NVME_BACKEND_FUA), 0);
	ck_assert_uint_eq(faults.dsync_writes, 1);
	ck_assert_str_eq(faults.order, "wsw");
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE_ZEROES, 0, NULL, 4096, NVME_BACKEND_FUA), 0);
	ck_assert_str_eq(faults.order, "wsws");
	faults.no_dsync = true; /* then by a flush behind the write */
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 0, buf, 4096, NVME_BACKEND_FUA), 0);
	ck_assert_str_eq(faults.order, "wswsws");
	faults.sync_error = EIO;
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 0, buf, 4096, NVME_BACKEND_FUA), broken);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_FLUSH, 0, NULL, 0, 0), broken);
	store_close(b);
}
END_TEST

/* --- trouble underneath ----------------------------------------------------------------------------- */

START_TEST(errors_of_the_disk_are_told)
{
	struct variant v = { "system calls", ON_DISK, { .synchronous = true } };
	struct nvme_backend *b = store_open(&v, SIZE);

	faults.read_error = EIO;
	faults.write_error = ENOSPC;
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, buf, 4096, 0), -EIO);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 0, buf, 4096, 0), -ENOSPC);
	faults.write_error = EDQUOT;
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 0, buf, 4096, 0), -ENOSPC);
	/* O_DIRECT that refuses our memory all the same: once more with a copy, then it is told */
	faults.read_error = EINVAL;
	faults.reads = 0;
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, buf, 4096, 0), -EINVAL);
	ck_assert_uint_eq(faults.reads, b->align > 1 ? 2 : 1);
	faults.read_error = 0;
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, buf, 4096, 0), 0);
	store_close(b);
}
END_TEST

static bool cuttable(const struct variant *v)
{
	return v->place == ON_DISK || v->place == ON_TMPFS;
}

START_TEST(a_file_cut_short_reads_with_errors)
{
	const struct variant *v = &variants[_i];
	struct nvme_backend *b;
	uint64_t cut = 64 * KIB + 700;

	if (!cuttable(v))
		return;
	b = store_open(v, SIZE);
	if (!b)
		return;
	rnd_fill(buf, SIZE);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 0, buf, SIZE, 0), 0);
	ck_assert_int_eq(truncate(store_path(), (off_t)cut), 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 128 * KIB, buf, 4096, 0), -EIO);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, buf, SIZE, 0), -EIO);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 64 * KIB, buf, 4096, 0), -EIO);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, buf, 64 * KIB, 0), 0);
	/* the new size, once it is one */
	ck_assert_int_eq(b->ops->refresh(b), -EINVAL);
	ck_assert_uint_eq(b->size, SIZE);
	ck_assert_int_eq(truncate(store_path(), 64 * KIB), 0);
	ck_assert_int_eq(b->ops->refresh(b), 0);
	ck_assert_uint_eq(b->size, 64 * KIB);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 64 * KIB, buf, 4096, 0), -ERANGE);
	ck_assert_int_eq(truncate(store_path(), 2 * SIZE), 0);
	ck_assert_int_eq(b->ops->refresh(b), 0);
	ck_assert_uint_eq(b->size, 2 * SIZE);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, SIZE + 4096, buf, 8192, 0), 0);
	ck_assert_int_eq(truncate(store_path(), 0), 0);
	ck_assert_int_eq(b->ops->refresh(b), -EINVAL);
	ck_assert_uint_eq(b->size, 2 * SIZE);
	store_close(b);
}
END_TEST

START_TEST(a_limit_of_file_sizes_is_no_room)
{
	const struct variant *v = &variants[_i];
	struct rlimit limit = { 128 * KIB, 128 * KIB };
	struct nvme_backend *b;

	if (!cuttable(v))
		return;
	b = store_open(v, SIZE);
	if (!b)
		return;
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(truncate(store_path(), 128 * KIB), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 128 * KIB, buf, 4096, 0), -ENOSPC);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 124 * KIB, buf, 8192, 0), -ENOSPC);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 124 * KIB, buf, 4096, 0), 0);
	store_close(b);
}
END_TEST

/* A sparse file that is greater than its file system. */
START_TEST(a_full_file_system_is_no_room)
{
	struct nvme_backend_file_opts o = { .create = true,
					    .create_size = 4 * MIB,
					    .synchronous = _i };
	static uint8_t data[MIB];
	struct nvme_backend *b;
	unsigned int i;
	int rc = 0;

	fresh(0);
	unlink(name);
	ck_assert_int_eq(mkdir(name, 0700), 0);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", name, "tmpfs", 0, "size=1m")) {
		printf("# a full file system: skipped, no right to mount one\n");
		clean();
		return;
	}
	strcat(name, "/f");
	ck_assert_int_eq(nvme_backend_file(name, &o, &b), 0);
	rnd_fill(data, sizeof(data));
	for (i = 0; !rc && i < 4; i++)
		rc = job_run(b, NVME_BACKEND_WRITE, i * (uint64_t)MIB, data, MIB, 0);
	ck_assert_int_eq(rc, -ENOSPC);
	ck_assert_uint_le(i, 2);
	/* what is there is not hurt, and there is room again when something goes */
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, buf, 4096, 0), 0);
	ck_assert_mem_eq(buf, data, 4096);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_DISCARD, 0, NULL, 512 * KIB, 0), 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 3 * MIB, data, 256 * KIB, 0), 0);
	nvme_backend_close(b);
	unlink(name);
	*strrchr(name, '/') = '\0';
	umount(name);
	clean();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("backend errors");
	TCase *t = tcase_create("errors");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 50);
	tcase_add_test(t, what_cannot_be_served_is_refused);
	tcase_add_test(t, files_are_made_on_request_only);
	tcase_add_test(t, the_name_of_a_new_file_is_stable);
	tcase_add_test(t, two_servers_do_not_share_a_file);
	tcase_add_test(t, without_io_uring_there_are_system_calls);
	tcase_add_test(t, nothing_is_left_open);
	tcase_add_loop_test(t, bad_requests_are_refused, 0, n_variants);
	tcase_add_loop_test(t, read_only_stays_as_it_is, 0, n_variants);
	tcase_add_loop_test(t, callbacks_may_submit, 0, n_variants);
	tcase_add_loop_test(t, callbacks_may_poll, 0, n_variants);
	tcase_add_loop_test(t, any_number_may_wait, 0, n_variants);
	tcase_add_loop_test(t, flush_and_fua_reach_the_disk, 0, n_variants);
	tcase_add_test(t, errors_of_the_disk_are_told);
	tcase_add_loop_test(t, a_file_cut_short_reads_with_errors, 0, n_variants);
	tcase_add_loop_test(t, a_limit_of_file_sizes_is_no_room, 0, n_variants);
	tcase_add_loop_test(t, a_full_file_system_is_no_room, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
