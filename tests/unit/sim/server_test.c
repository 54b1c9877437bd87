// SPDX-License-Identifier: BSD-2-Clause
/*
 * weft-sim seen from its sockets, over the stand-in design: what a vfio-user client may do, what a hostile one gets, the
 * Ethernet port, and how it sleeps and ends. Messages are built by hand here on purpose: the server's own structures would
 * agree with the server's own mistakes.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER "build/tests/unit/sim/weft-sim"
#define IOVA 0x7f0000000000ull

static char dir[64], sock_path[80];
static pid_t server;
static int fd; /* the client's socket */
static uint16_t next_id;

struct reply {
	uint16_t command;
	uint32_t flags, error;
	size_t len;
	uint8_t data[70000];
};

static struct reply r;

/* --- the server process ------------------------------------------------------------------------------------------------ */

static void start(const char *const *more)
{
	const char *argv[24] = { SERVER, "--socket", sock_path, "--firmware", "" };
	unsigned int i;

	for (i = 0; more && more[i]; i++)
		argv[5 + i] = more[i];
	server = fork();
	ck_assert_int_ge(server, 0);
	if (!server) {
		execv(SERVER, (char **)argv);
		_exit(127);
	}
	for (i = 0; i < 500 && access(sock_path, F_OK); i++)
		usleep(10000);
}

static void setup(void)
{
	strcpy(dir, "/tmp/weft-server-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sock_path, sizeof(sock_path), "%s/s", dir);
	fd = -1;
	next_id = 100;
}

static int stop(void)
{
	int status;

	kill(server, SIGTERM);
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	server = 0;
	return status;
}

static void teardown(void)
{
	char command[100];

	if (fd >= 0)
		close(fd);
	if (server)
		ck_assert_int_eq(stop(), 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	unsigned int i;

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(addr.sun_path, sock_path);
	for (i = 0; i < 500 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)); i++)
		usleep(10000);
	ck_assert_uint_lt(i, 500);
}

/* --- messages ------------------------------------------------------------------------------------------------------------ */

static void put(uint8_t *at, uint64_t v, unsigned int n)
{
	memcpy(at, &v, n);
}

static uint64_t get(const uint8_t *at, unsigned int n)
{
	uint64_t v = 0;

	memcpy(&v, at, n);
	return v;
}

static void send_raw(const void *bytes, size_t len, const int *fds, unsigned int n_fds)
{
	char control[CMSG_SPACE(sizeof(int) * 32)] = { 0 };
	struct iovec iov = { (void *)bytes, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (n_fds) {
		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	ck_assert_int_eq(sendmsg(fd, &mh, MSG_NOSIGNAL), (ssize_t)len);
}

static void post(uint16_t command, uint32_t flags, const void *payload, size_t len, const int *fds, unsigned int n)
{
	static uint8_t m[70016];

	put(m, ++next_id, 2);
	put(m + 2, command, 2);
	put(m + 4, 16 + len, 4);
	put(m + 8, flags, 4);
	put(m + 12, 0, 4);
	if (len)
		memcpy(m + 16, payload, len);
	send_raw(m, 16 + len, fds, n);
}

/* False: the server closed the connection. */
static bool take(void *buf, size_t len)
{
	struct pollfd pfd = { fd, POLLIN, 0 };
	size_t have = 0;
	ssize_t n;

	while (have < len) {
		ck_assert_msg(poll(&pfd, 1, 8000) == 1, "no answer");
		n = recv(fd, (uint8_t *)buf + have, len - have, 0);
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

static bool receive(uint16_t *id)
{
	uint8_t h[16];

	if (!take(h, 16))
		return false;
	*id = (uint16_t)get(h, 2);
	r.command = (uint16_t)get(h + 2, 2);
	r.flags = (uint32_t)get(h + 8, 4);
	r.error = (uint32_t)get(h + 12, 4);
	r.len = get(h + 4, 4) - 16;
	ck_assert_uint_le(r.len, sizeof(r.data));
	return take(r.data, r.len);
}

/* Serves DMA requests of the server from this memory while it waits for an answer. */
static uint8_t *served;
static unsigned int served_requests;

static void serve_dma(uint16_t id)
{
	uint64_t addr = get(r.data, 8), count = get(r.data + 8, 8);
	uint8_t m[16 + 16 + 4096] = { 0 };
	size_t len = 32;

	served_requests++;
	ck_assert_uint_le(count, 4096);
	put(m, id, 2);
	put(m + 2, r.command, 2);
	put(m + 8, 1, 4);
	memcpy(m + 16, r.data, 16);
	if (r.command == 11) {
		memcpy(m + 32, served + (addr - IOVA), count);
		len += count;
	} else {
		memcpy(served + (addr - IOVA), r.data + 16, count);
	}
	put(m + 4, len, 4);
	send_raw(m, len, NULL, 0);
}

static uint32_t ask_fds(uint16_t command, const void *payload, size_t len, const int *fds, unsigned int n)
{
	uint16_t id;

	post(command, 0, payload, len, fds, n);
	for (;;) {
		ck_assert_msg(receive(&id), "connection closed");
		if ((r.flags & 15) == 1)
			break;
		serve_dma(id);
	}
	ck_assert_uint_eq(id, next_id);
	ck_assert_uint_eq(r.command, command);
	return r.flags & 0x20 ? r.error : 0;
}

static uint32_t ask(uint16_t command, const void *payload, size_t len)
{
	return ask_fds(command, payload, len, NULL, 0);
}

static void hello(void)
{
	static const char v[] = "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":4096}}";

	dial();
	ck_assert_uint_eq(ask(1, v, sizeof(v)), 0);
	ck_assert_uint_eq(get(r.data, 2), 0);
	ck_assert_ptr_nonnull(strstr((char *)r.data + 4, "max_data_xfer_size"));
}

static uint32_t region_read(uint32_t region, uint64_t off, uint32_t count)
{
	uint8_t m[16];

	put(m, off, 8);
	put(m + 8, region, 4);
	put(m + 12, count, 4);
	return ask(9, m, 16);
}

static uint32_t region_write(uint32_t region, uint64_t off, const void *data, uint32_t count)
{
	uint8_t m[16 + 4096];

	put(m, off, 8);
	put(m + 8, region, 4);
	put(m + 12, count, 4);
	memcpy(m + 16, data, count);
	return ask(10, m, 16 + count);
}

static uint32_t rd(uint64_t off)
{
	ck_assert_uint_eq(region_read(0, off, 4), 0);
	ck_assert_uint_eq(r.len, 20);
	return (uint32_t)get(r.data + 16, 4);
}

static void wr(uint64_t off, uint32_t val)
{
	ck_assert_uint_eq(region_write(0, off, &val, 4), 0);
}

static void bus_master(void)
{
	uint16_t command = 6;

	ck_assert_uint_eq(region_write(7, 4, &command, 2), 0);
}

static uint32_t map(uint64_t iova, uint64_t len, uint64_t offset, uint32_t prot, int mem)
{
	uint8_t m[32];

	put(m, 32, 4);
	put(m + 4, prot, 4);
	put(m + 8, offset, 8);
	put(m + 16, iova, 8);
	put(m + 24, len, 8);
	return ask_fds(2, m, 32, &mem, mem >= 0);
}

static uint32_t unmap(uint64_t iova, uint64_t len)
{
	uint8_t m[24];

	put(m, 24, 4);
	put(m + 4, 0, 4);
	put(m + 8, iova, 8);
	put(m + 16, len, 8);
	return ask(3, m, 24);
}

static uint32_t set_irqs(uint32_t flags, uint32_t index, uint32_t start_at, uint32_t count, const int *fds, unsigned int n)
{
	uint8_t m[20];

	put(m, 20, 4);
	put(m + 4, flags, 4);
	put(m + 8, index, 4);
	put(m + 12, start_at, 4);
	put(m + 16, count, 4);
	return ask_fds(8, m, 20, fds, n);
}

/* The stand-in's copy engine: 0, or 2 read error, 4 write error. */
static uint32_t copy(uint64_t src, uint64_t dst, uint32_t len)
{
	uint32_t busy;

	wr(0x04, (uint32_t)src);
	wr(0x08, (uint32_t)(src >> 32));
	wr(0x0c, (uint32_t)dst);
	wr(0x10, (uint32_t)(dst >> 32));
	wr(0x14, len);
	wr(0x18, 1);
	do
		busy = rd(0x18);
	while (busy & 1);
	return busy;
}

static uint8_t *memory(size_t len, int *mem)
{
	uint8_t *p;
	size_t i;

	*mem = memfd_create("test", 0);
	ck_assert_int_ge(*mem, 0);
	ck_assert_int_eq(ftruncate(*mem, (off_t)len), 0);
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, *mem, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	for (i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + (i >> 8));
	return p;
}

/* --- tests ------------------------------------------------------------------------------------------------------------------ */

START_TEST(it_looks_like_the_pci_device)
{
	uint8_t m[32] = { 0 };
	uint32_t i, cap, sizes[9] = { [0] = 0x100000, [4] = 0x1000, [7] = 0x1000 };
	bool seen[256] = { false };

	start(NULL);
	hello();
	put(m, 16, 4);
	ck_assert_uint_eq(ask(4, m, 16), 0);
	ck_assert_uint_eq(get(r.data + 4, 4), 3);
	ck_assert_uint_eq(get(r.data + 8, 4), 9);
	for (i = 0; i < 9; i++) {
		put(m, 32, 4);
		put(m + 8, i, 4);
		ck_assert_uint_eq(ask(5, m, 32), 0);
		ck_assert_uint_eq(get(r.data + 16, 8), sizes[i]);
		ck_assert_uint_eq(get(r.data + 4, 4), sizes[i] ? 3 : 0);
	}
	for (i = 0; i < 5; i++) {
		put(m, 16, 4);
		put(m + 8, i, 4);
		ck_assert_uint_eq(ask(7, m, 16), 0);
		ck_assert_uint_eq(get(r.data + 12, 4), i == 2 ? 128 : 0);
	}
	ck_assert_uint_eq(region_read(7, 0, 64), 0);
	ck_assert_uint_eq(get(r.data + 16, 4), 0x0f0e1b36);
	ck_assert_uint_eq(get(r.data + 16 + 9, 3), 0x020000);
	for (cap = r.data[16 + 0x34]; cap; cap = r.data[17]) {
		ck_assert_uint_eq(region_read(7, cap, 12), 0);
		seen[r.data[16]] = true;
	}
	ck_assert(seen[0x01] && seen[0x10] && seen[0x11]);
}
END_TEST

START_TEST(bars_and_rom_are_sized_as_pci_says)
{
	uint32_t ones = ~0u, off[] = { 0x10, 0x14, 0x20, 0x30 }, expect[] = { 0xfff00000, 0, 0xfffff000, 0 };
	unsigned int i;

	start(NULL);
	hello();
	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(region_write(7, off[i], &ones, 4), 0);
		ck_assert_uint_eq(region_read(7, off[i], 4), 0);
		ck_assert_uint_eq(get(r.data + 16, 4), expect[i]);
	}
	ck_assert_uint_eq(region_write(7, 0, &ones, 4), 0);
	ck_assert_uint_eq(region_read(7, 0, 4), 0);
	ck_assert_uint_eq(get(r.data + 16, 4), 0x0f0e1b36);
}
END_TEST

START_TEST(registers_of_every_width)
{
	static const uint8_t bytes[7] = { 1, 2, 3, 4, 5, 6, 7 };

	start(NULL);
	hello();
	wr(0, 0xdeadbeef);
	ck_assert_uint_eq(rd(0), 0xdeadbeef);
	ck_assert_uint_eq(region_write(0, 1, bytes, 1), 0);
	ck_assert_uint_eq(rd(0), 0xdead01ef);
	ck_assert_uint_eq(region_write(0, 0, bytes, 7), 0);
	ck_assert_uint_eq(rd(0), 0x04030201);
	ck_assert_uint_eq(region_read(0, 0x1000, 11), 0);
	ck_assert(!memcmp(r.data + 16, "hello, log\n", 11));
	ck_assert_uint_eq(region_read(0, 0xffffe, 4), EINVAL);
	ck_assert_uint_eq(region_read(0, 0x100000, 4), EINVAL);
	ck_assert_uint_eq(region_read(0, ~0ull, 4), EINVAL);
	ck_assert_uint_eq(region_read(0, 0, 0), EINVAL);
	ck_assert_uint_eq(region_read(0, 0, ~0u), EINVAL);
	ck_assert_uint_eq(region_read(6, 0, 4), EINVAL);
	ck_assert_uint_eq(region_read(99, 0, 4), EINVAL);
	ck_assert_uint_eq(region_write(7, 0xfff, bytes, 2), EINVAL);
}
END_TEST

START_TEST(dma_to_shared_memory)
{
	int mem;
	uint8_t *p = memory(0x40000, &mem);

	start(NULL);
	hello();
	bus_master();
	ck_assert_uint_eq(map(IOVA, 0x20000, 0x10000, 3, mem), 0);
	ck_assert_uint_eq(copy(IOVA + 5, IOVA + 0x10005, 20000), 0);
	ck_assert(!memcmp(p + 0x10005, p + 0x20005, 20000));
	ck_assert_uint_eq(p[0x20004], (uint8_t)(0x20004 * 7 + (0x20004 >> 8)));
	ck_assert_uint_eq(copy(IOVA + 0x1f000, IOVA, 0x2000), 2);
	ck_assert_uint_eq(map(IOVA + 0x100000, 0x1000, 0, 1, mem), 0);
	ck_assert_uint_eq(copy(IOVA + 0x100000, IOVA, 64), 0);
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x100000, 64), 4);
}
END_TEST

START_TEST(dma_needs_bus_master)
{
	int mem;

	memory(0x10000, &mem);
	start(NULL);
	hello();
	ck_assert_uint_eq(map(IOVA, 0x10000, 0, 3, mem), 0);
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x8000, 64), 2);
	bus_master();
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x8000, 64), 0);
}
END_TEST

START_TEST(dma_by_messages_to_the_client)
{
	static uint8_t mine[0x10000];
	size_t i;

	for (i = 0; i < sizeof(mine); i++)
		mine[i] = (uint8_t)(i * 3);
	served = mine;
	served_requests = 0;
	start(NULL);
	hello();
	bus_master();
	ck_assert_uint_eq(map(IOVA, sizeof(mine), 0, 3, -1), 0);
	ck_assert_uint_eq(copy(IOVA + 1, IOVA + 0x8001, 9999), 0);
	ck_assert(!memcmp(mine + 1, mine + 0x8001, 9999));
	ck_assert_uint_ge(served_requests, 6);
}
END_TEST

START_TEST(unmapping_is_by_range)
{
	int mem;

	memory(0x40000, &mem);
	start(NULL);
	hello();
	bus_master();
	ck_assert_uint_eq(unmap(IOVA, 0x100000), 0);
	ck_assert_uint_eq(map(IOVA, 0x1000, 0, 3, mem), 0);
	ck_assert_uint_eq(map(IOVA + 0x1000, 0x1000, 0x1000, 3, mem), 0);
	ck_assert_uint_eq(map(IOVA + 0x8000, 0x8000, 0x8000, 3, mem), 0);
	ck_assert_uint_eq(map(IOVA + 0x9000, 0x1000, 0, 3, mem), EEXIST);
	ck_assert_uint_eq(unmap(IOVA, 0x2000), 0);
	ck_assert_uint_eq(r.len, 24);
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x8000, 16), 2);
	ck_assert_uint_eq(copy(IOVA + 0x1000, IOVA + 0x8000, 16), 2);
	ck_assert_uint_eq(copy(IOVA + 0x8000, IOVA + 0x9000, 16), 0);
	ck_assert_uint_eq(unmap(IOVA + 0x9000, 0x1000), 0); /* the middle of a mapping */
	ck_assert_uint_eq(copy(IOVA + 0x8000, IOVA + 0x9000, 16), 4);
	ck_assert_uint_eq(copy(IOVA + 0x8000, IOVA + 0xf000, 16), 0);
	ck_assert_uint_eq(map(IOVA + 0x9000, 0x1000, 0, 3, mem), 0);
	ck_assert_uint_eq(unmap(0, ~0xfffull), 0);
	ck_assert_uint_eq(copy(IOVA + 0x8000, IOVA + 0xf000, 16), 2);
}
END_TEST

START_TEST(bad_mappings_are_refused)
{
	int mem, pipefd[2];

	memory(0x10000, &mem);
	ck_assert_int_eq(pipe(pipefd), 0);
	start(NULL);
	hello();
	ck_assert_uint_eq(map(IOVA + 1, 0x1000, 0, 3, mem), EINVAL);
	ck_assert_uint_eq(map(IOVA, 0x1001, 0, 3, mem), EINVAL);
	ck_assert_uint_eq(map(IOVA, 0, 0, 3, mem), EINVAL);
	ck_assert_uint_eq(map(IOVA, 0x1000, 0, 0, mem), EINVAL);
	ck_assert_uint_eq(map(IOVA, 0x1000, 0, 7, mem), EINVAL);
	ck_assert_uint_eq(map(~0xfffull, 0x2000, 0, 3, mem), EINVAL);
	ck_assert_uint_eq(map(IOVA, 0x11000, 0, 3, mem), EINVAL);
	ck_assert_uint_eq(map(IOVA, 0x1000, ~0xfffull, 3, mem), EINVAL);
	ck_assert_uint_eq(map(IOVA, 0x1000, 0, 3, pipefd[0]), EINVAL);
	ck_assert_uint_eq(map(IOVA, 0x10000, 0, 3, mem), 0);
}
END_TEST

/* A client that takes its file's pages away must not take the server down. */
START_TEST(a_truncated_file_is_a_dma_error)
{
	int mem;

	memory(0x20000, &mem);
	start(NULL);
	hello();
	bus_master();
	ck_assert_uint_eq(map(IOVA, 0x20000, 0, 3, mem), 0);
	ck_assert_int_eq(ftruncate(mem, 0), 0);
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x8000, 4096), 2);
	ck_assert_int_eq(ftruncate(mem, 0x8000), 0);
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x8000, 4096), 4);
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x4000, 4096), 0);
}
END_TEST

START_TEST(interrupts_reach_their_eventfd)
{
	int a = eventfd(0, EFD_NONBLOCK), b = eventfd(0, EFD_NONBLOCK), both[2] = { a, b }, pipefd[2];
	uint64_t n;

	ck_assert_int_eq(pipe(pipefd), 0);
	start(NULL);
	hello();
	bus_master();
	ck_assert_uint_eq(set_irqs(0x24, 2, 7, 1, &a, 1), 0);
	ck_assert_uint_eq(set_irqs(0x24, 2, 127, 1, &b, 1), 0);
	wr(0x1c, 7);
	rd(0);
	ck_assert_int_eq(read(a, &n, 8), 8);
	ck_assert_int_eq(read(b, &n, 8), -1);
	wr(0x1c, 127);
	rd(0);
	ck_assert_int_eq(read(b, &n, 8), 8);
	ck_assert_uint_eq(set_irqs(0x21, 2, 7, 1, NULL, 0), 0); /* by hand */
	ck_assert_int_eq(read(a, &n, 8), 8);
	ck_assert_uint_eq(set_irqs(0x24, 2, 7, 1, NULL, 0), 0); /* taken away */
	wr(0x1c, 7);
	rd(0);
	ck_assert_int_eq(read(a, &n, 8), -1);
	ck_assert_uint_eq(set_irqs(0x24, 2, 10, 2, both, 2), 0);
	ck_assert_uint_eq(set_irqs(0x21, 2, 0, 0, NULL, 0), 0); /* all off */
	wr(0x1c, 10);
	rd(0);
	ck_assert_int_eq(read(a, &n, 8), -1);
	ck_assert_uint_eq(set_irqs(0x24, 2, 127, 2, both, 2), EINVAL);
	ck_assert_uint_eq(set_irqs(0x24, 2, ~0u, 2, both, 2), EINVAL);
	ck_assert_uint_eq(set_irqs(0x24, 2, 0, 2, both, 1), EINVAL);
	ck_assert_uint_eq(set_irqs(0x24, 9, 0, 1, both, 1), EINVAL);
	ck_assert_uint_eq(set_irqs(0x24, 2, 0, 1, pipefd, 1), EINVAL);
	ck_assert_uint_eq(set_irqs(0x3f, 2, 0, 1, NULL, 0), EINVAL);
	ck_assert_uint_eq(set_irqs(0x21, 1, 0, 0, NULL, 0), 0);
}
END_TEST

START_TEST(reset_by_message_and_by_flr)
{
	uint8_t flr = 0x80;

	start(NULL);
	hello();
	wr(0, 77);
	ck_assert_uint_eq(ask(13, NULL, 0), 0);
	ck_assert_uint_eq(rd(0), 0);
	wr(0, 78);
	bus_master();
	ck_assert_uint_eq(region_write(7, 0x59, &flr, 1), 0);
	ck_assert_uint_eq(rd(0), 0);
	ck_assert_uint_eq(region_read(7, 4, 2), 0);
	ck_assert_uint_eq(get(r.data + 16, 2), 0);
}
END_TEST

START_TEST(no_reply_means_none)
{
	uint8_t m[20];

	start(NULL);
	hello();
	put(m, 0, 8);
	put(m + 8, 0, 4);
	put(m + 12, 4, 4);
	put(m + 16, 0x1234, 4);
	post(10, 0x10, m, 20, NULL, 0);
	ck_assert_uint_eq(rd(0), 0x1234);
}
END_TEST

START_TEST(unknown_and_short_messages_are_refused)
{
	uint16_t command;
	uint8_t zero[64] = { 0 };

	start(NULL);
	hello();
	ck_assert_uint_eq(ask(99, NULL, 0), EOPNOTSUPP);
	ck_assert_uint_eq(ask(6, zero, 16), EOPNOTSUPP);
	ck_assert_uint_eq(ask(15, zero, 64), EOPNOTSUPP);
	ck_assert_uint_eq(ask(11, zero, 16), EOPNOTSUPP);
	for (command = 2; command <= 10; command++)
		if (command != 6)
			ck_assert_uint_eq(ask(command, zero, 3), EINVAL);
	for (command = 2; command <= 10; command++)
		if (command != 6)
			ck_assert_uint_ne(ask(command, zero, 20), 0);
}
END_TEST

/* Each of these ends the connection, and the next client finds a fresh adapter. */
START_TEST(nonsense_ends_the_connection_and_the_next_one_is_served)
{
	uint8_t m[64] = { 0 };
	int fds[30], i;
	uint16_t id;

	start(NULL);
	hello();
	wr(0, 55);
	close(fd);
	dial();
	put(m, 1, 2);
	put(m + 2, 1, 2);
	switch (_i) {
	case 0: /* shorter than its header */
		put(m + 4, 15, 4);
		send_raw(m, 16, NULL, 0);
		break;
	case 1: /* enormous */
		put(m + 4, 0xffffffff, 4);
		send_raw(m, 16, NULL, 0);
		break;
	case 2: /* not the version first */
		post(4, 0, m, 16, NULL, 0);
		break;
	case 3: /* half a header, then gone */
		send_raw(m, 7, NULL, 0);
		shutdown(fd, SHUT_WR);
		break;
	case 4: /* half a payload, then gone */
		put(m + 4, 60, 4);
		send_raw(m, 30, NULL, 0);
		shutdown(fd, SHUT_WR);
		break;
	case 5: /* protocol of tomorrow */
		m[0] = 1;
		post(1, 0, m, 4, NULL, 0);
		receive(&id);
		ck_assert_uint_eq(r.flags & 0x20, 0x20);
		break;
	case 6: /* text without an end */
		post(1, 0, "\0\0\0\0{\"capabil", 13, NULL, 0);
		receive(&id);
		ck_assert_uint_eq(r.flags & 0x20, 0x20);
		break;
	case 7: /* file descriptors galore */
		for (i = 0; i < 30; i++)
			fds[i] = 0;
		post(1, 0, "\0\0\0\0{}", 7, fds, 30);
		break;
	case 8: /* version twice */
		post(1, 0, "\0\0\0\0{}", 7, NULL, 0);
		ck_assert(receive(&id));
		post(1, 0, "\0\0\0\0{}", 7, NULL, 0);
		break;
	}
	ck_assert(!receive(&id));
	close(fd);
	hello();
	ck_assert_uint_eq(rd(0), 0);
}
END_TEST

/* The client dies while the adapter works for it. */
START_TEST(a_client_that_dies_in_mid_dma)
{
	int mem, i;

	memory(0x100000, &mem);
	start(NULL);
	for (i = 0; i < 5; i++) {
		hello();
		bus_master();
		ck_assert_uint_eq(map(IOVA, 0x100000, 0, 3, i % 2 ? mem : -1), 0);
		wr(0x04, 0);
		wr(0x08, (uint32_t)(IOVA >> 32));
		wr(0x0c, 0x80000);
		wr(0x10, (uint32_t)(IOVA >> 32));
		wr(0x14, 0x80000);
		wr(0x18, 1);
		close(fd);
	}
	hello();
	ck_assert_uint_eq(rd(0x18), 0);
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x1000, 64), 2); /* nothing of theirs is mapped */
}
END_TEST

START_TEST(one_client_at_a_time)
{
	int first;
	struct pollfd pfd;

	start(NULL);
	hello();
	first = fd;
	dial();
	post(1, 0, "\0\0\0\0{}", 7, NULL, 0);
	pfd = (struct pollfd){ fd, POLLIN, 0 };
	ck_assert_int_eq(poll(&pfd, 1, 200), 0);
	close(first);
	ck_assert_int_eq(poll(&pfd, 1, 5000), 1);
}
END_TEST

static int dgram(const char *local, const char *remote)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), i;

	strcpy(addr.sun_path, local);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&addr, sizeof(addr)), 0);
	strcpy(addr.sun_path, remote);
	for (i = 0; i < 500 && connect(s, (struct sockaddr *)&addr, sizeof(addr)); i++)
		usleep(10000);
	return s;
}

static ssize_t frame_back(int s, uint8_t *buf, size_t len, int ms)
{
	struct pollfd pfd = { s, POLLIN, 0 };

	return poll(&pfd, 1, ms) == 1 ? recv(s, buf, len, 0) : -1;
}

/* 300 frames at once: far more than the socket of either side holds. None may be lost. */
START_TEST(frames_by_datagram_none_lost)
{
	char local[100], remote[100], eth[220], pcap[100];
	const char *more[] = { "--eth", eth, "--pcap", pcap, "--time", _i ? "cycle" : "wall", NULL };
	uint8_t frame[1514], back[2000];
	int s, sent = 0, got = 0, i;
	struct pollfd pfd;
	struct stat st;

	snprintf(local, sizeof(local), "%s/adapter", dir);
	snprintf(remote, sizeof(remote), "%s/peer", dir);
	snprintf(eth, sizeof(eth), "dgram:%s:%s", local, remote);
	snprintf(pcap, sizeof(pcap), "%s/cap.pcapng", dir);
	start(more);
	s = dgram(remote, local);
	memset(frame, 0x5a, sizeof(frame));
	while (sent < 300) {
		memcpy(frame, &sent, sizeof(sent));
		if (send(s, frame, 60 + (size_t)sent, 0) > 0)
			sent++;
		else
			usleep(1000);
	}
	usleep(200000); /* the answers fill our queue and wait */
	for (got = 0; got < 300; got++) {
		ck_assert_int_eq(frame_back(s, back, sizeof(back), 5000), 60 + got);
		memcpy(&i, back, sizeof(i));
		ck_assert_int_eq(i, got);
	}
	pfd = (struct pollfd){ s, POLLIN, 0 };
	ck_assert_int_eq(poll(&pfd, 1, 50), 0);
	ck_assert_int_eq(stop(), 0);
	ck_assert_int_eq(stat(pcap, &st), 0);
	ck_assert_int_gt(st.st_size, 300 * 2 * 100);
	ck_assert_int_ne(access(local, F_OK), 0);
}
END_TEST

START_TEST(faults_of_the_link)
{
	char local[100], remote[100], eth[220];
	const char *more[] = { "--eth", eth, "--faults", "loss=0.5,seed=3", NULL };
	uint8_t frame[64] = { 0 }, back[2000];
	int s, i, got = 0;

	snprintf(local, sizeof(local), "%s/adapter", dir);
	snprintf(remote, sizeof(remote), "%s/peer", dir);
	snprintf(eth, sizeof(eth), "dgram:%s:%s", local, remote);
	start(more);
	s = dgram(remote, local);
	for (i = 0; i < 200; i++) {
		while (send(s, frame, sizeof(frame), 0) < 0)
			usleep(1000);
		while (frame_back(s, back, sizeof(back), 0) > 0)
			got++;
	}
	while (frame_back(s, back, sizeof(back), 300) > 0)
		got++;
	ck_assert_int_gt(got, 25); /* half of a half of 200 */
	ck_assert_int_lt(got, 75);
}
END_TEST

static unsigned long cpu_ticks(pid_t pid)
{
	char path[64], text[1000], *p;
	unsigned long user, sys;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	p = strrchr(text, ')');
	ck_assert_int_eq(sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys), 2);
	return user + sys;
}

START_TEST(it_sleeps_when_idle_and_wakes_for_its_timer)
{
	const char *more[] = { "--time", _i ? "cycle" : "wall", NULL };
	int a = eventfd(0, EFD_NONBLOCK);
	struct pollfd pfd = { a, POLLIN, 0 };
	unsigned long before;

	start(more);
	hello();
	bus_master();
	ck_assert_uint_eq(set_irqs(0x24, 2, 5, 1, &a, 1), 0);
	before = cpu_ticks(server);
	usleep(500000);
	ck_assert_uint_le(cpu_ticks(server) - before, 1);
	wr(0x20, 300000000); /* 0.3 s */
	before = cpu_ticks(server);
	ck_assert_int_eq(poll(&pfd, 1, 100), 0);
	ck_assert_int_eq(poll(&pfd, 1, 2000), 1);
	ck_assert_uint_le(cpu_ticks(server) - before, 1);
}
END_TEST

START_TEST(waves_of_a_run)
{
	char fst[100], spec[120];
	const char *more[] = { "--fst", spec, NULL };
	struct stat st;

	snprintf(fst, sizeof(fst), "%s/w.fst", dir);
	snprintf(spec, sizeof(spec), "%s:20:60", fst);
	start(more);
	hello();
	wr(0, 1);
	wr(0, 2);
	wr(0, 3);
	rd(0);
	usleep(50000);
	rd(0);
	ck_assert_int_eq(stop(), 0);
	ck_assert_int_eq(stat(fst, &st), 0);
	ck_assert_int_gt(st.st_size, 200);
}
END_TEST

START_TEST(bad_options_say_so)
{
	static const char *const lines[] = {
		SERVER " 2>/dev/null",
		SERVER " --socket /tmp/x --time never 2>/dev/null",
		SERVER " --socket /tmp/x --faults loss=2 2>/dev/null",
		SERVER " --socket /tmp/x --faults loss 2>/dev/null",
		SERVER " --socket /tmp/x --faults delay=1 2>/dev/null",
		SERVER " --socket /tmp/x --faults loss=0.1, 2>/dev/null",
		SERVER " --socket /tmp/x --fst a:5 2>/dev/null",
		SERVER " --socket /tmp/x --fst a:9:5 2>/dev/null",
		SERVER " --socket /nonexistent/x --firmware '' 2>/dev/null",
		SERVER " --socket /tmp/x --firmware /nonexistent 2>/dev/null",
		SERVER " --socket /tmp/x --firmware '' --eth wire 2>/dev/null",
		SERVER " --socket /tmp/x --firmware '' --pcap /nonexistent/x 2>/dev/null",
		SERVER " --bogus 2>/dev/null",
	};

	ck_assert_int_ne(system(lines[_i]), 0);
	ck_assert_int_eq(system(SERVER " --help | grep -q -- --faults"), 0);
	ck_assert_int_eq(system(SERVER " --version | grep -q '^weft-sim '"), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("server");
	TCase *t = tcase_create("vfio-user");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, it_looks_like_the_pci_device);
	tcase_add_test(t, bars_and_rom_are_sized_as_pci_says);
	tcase_add_test(t, registers_of_every_width);
	tcase_add_test(t, dma_to_shared_memory);
	tcase_add_test(t, dma_needs_bus_master);
	tcase_add_test(t, dma_by_messages_to_the_client);
	tcase_add_test(t, unmapping_is_by_range);
	tcase_add_test(t, bad_mappings_are_refused);
	tcase_add_test(t, a_truncated_file_is_a_dma_error);
	tcase_add_test(t, interrupts_reach_their_eventfd);
	tcase_add_test(t, reset_by_message_and_by_flr);
	tcase_add_test(t, no_reply_means_none);
	tcase_add_test(t, unknown_and_short_messages_are_refused);
	tcase_add_loop_test(t, nonsense_ends_the_connection_and_the_next_one_is_served, 0, 9);
	tcase_add_test(t, a_client_that_dies_in_mid_dma);
	tcase_add_test(t, one_client_at_a_time);
	tcase_add_loop_test(t, frames_by_datagram_none_lost, 0, 2);
	tcase_add_test(t, faults_of_the_link);
	tcase_add_loop_test(t, it_sleeps_when_idle_and_wakes_for_its_timer, 0, 2);
	tcase_add_test(t, waves_of_a_run);
	tcase_add_loop_test(t, bad_options_say_so, 0, 13);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
