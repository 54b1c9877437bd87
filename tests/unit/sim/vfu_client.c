// SPDX-License-Identifier: BSD-2-Clause
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

#include "vfu_client.h"

char dir[64];
static char sock_path[80];
pid_t server;
int fd;
uint16_t next_id;

struct reply r;

/* --- the server process ------------------------------------------------------------------------------------------------ */

void vfu_start(const char *const *more)
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

void vfu_setup(void)
{
	strcpy(dir, "/tmp/weft-server-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sock_path, sizeof(sock_path), "%s/s", dir);
	fd = -1;
	next_id = 100;
}

int vfu_stop(void)
{
	int status;

	kill(server, SIGTERM);
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	server = 0;
	return status;
}

void vfu_teardown(void)
{
	char command[100];

	if (fd >= 0)
		close(fd);
	if (server)
		ck_assert_int_eq(vfu_stop(), 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

void vfu_dial(void)
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

void put_le(uint8_t *at, uint64_t v, unsigned int n)
{
	memcpy(at, &v, n);
}

uint64_t get_le(const uint8_t *at, unsigned int n)
{
	uint64_t v = 0;

	memcpy(&v, at, n);
	return v;
}

void vfu_send_raw(const void *bytes, size_t len, const int *fds, unsigned int n_fds)
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

void vfu_post(uint16_t command, uint32_t flags, const void *payload, size_t len, const int *fds,
	      unsigned int n)
{
	static uint8_t m[70016];

	put_le(m, ++next_id, 2);
	put_le(m + 2, command, 2);
	put_le(m + 4, 16 + len, 4);
	put_le(m + 8, flags, 4);
	put_le(m + 12, 0, 4);
	if (len)
		memcpy(m + 16, payload, len);
	vfu_send_raw(m, 16 + len, fds, n);
}

/* False: the server closed the connection. */
bool vfu_take(void *buf, size_t len)
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

bool vfu_receive(uint16_t *id)
{
	uint8_t h[16];

	if (!vfu_take(h, 16))
		return false;
	*id = (uint16_t)get_le(h, 2);
	r.command = (uint16_t)get_le(h + 2, 2);
	r.flags = (uint32_t)get_le(h + 8, 4);
	r.error = (uint32_t)get_le(h + 12, 4);
	r.len = get_le(h + 4, 4) - 16;
	ck_assert_uint_le(r.len, sizeof(r.data));
	return vfu_take(r.data, r.len);
}

uint8_t *served;
unsigned int served_requests;

static void serve_dma(uint16_t id)
{
	uint64_t addr = get_le(r.data, 8), count = get_le(r.data + 8, 8);
	uint8_t m[16 + 16 + 4096] = { 0 };
	size_t len = 32;

	served_requests++;
	ck_assert_uint_le(count, 4096);
	put_le(m, id, 2);
	put_le(m + 2, r.command, 2);
	put_le(m + 8, 1, 4);
	memcpy(m + 16, r.data, 16);
	if (r.command == 11) {
		memcpy(m + 32, served + (addr - IOVA), count);
		len += count;
	} else {
		memcpy(served + (addr - IOVA), r.data + 16, count);
	}
	put_le(m + 4, len, 4);
	vfu_send_raw(m, len, NULL, 0);
}

uint32_t vfu_ask_fds(uint16_t command, const void *payload, size_t len, const int *fds,
		     unsigned int n)
{
	uint16_t id;

	vfu_post(command, 0, payload, len, fds, n);
	for (;;) {
		ck_assert_msg(vfu_receive(&id), "connection closed");
		if ((r.flags & 15) == 1)
			break;
		serve_dma(id);
	}
	ck_assert_uint_eq(id, next_id);
	ck_assert_uint_eq(r.command, command);
	return r.flags & 0x20 ? r.error : 0;
}

uint32_t vfu_ask(uint16_t command, const void *payload, size_t len)
{
	return vfu_ask_fds(command, payload, len, NULL, 0);
}

void vfu_hello(void)
{
	static const char v[] =
		"\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":4096}}";

	vfu_dial();
	ck_assert_uint_eq(vfu_ask(1, v, sizeof(v)), 0);
	ck_assert_uint_eq(get_le(r.data, 2), 0);
	ck_assert_ptr_nonnull(strstr((char *)r.data + 4, "max_data_xfer_size"));
}

uint32_t vfu_region_read(uint32_t region, uint64_t off, uint32_t count)
{
	uint8_t m[16];

	put_le(m, off, 8);
	put_le(m + 8, region, 4);
	put_le(m + 12, count, 4);
	return vfu_ask(9, m, 16);
}

uint32_t vfu_region_write(uint32_t region, uint64_t off, const void *data, uint32_t count)
{
	uint8_t m[16 + 4096];

	put_le(m, off, 8);
	put_le(m + 8, region, 4);
	put_le(m + 12, count, 4);
	memcpy(m + 16, data, count);
	return vfu_ask(10, m, 16 + count);
}

uint32_t vfu_rd(uint64_t off)
{
	ck_assert_uint_eq(vfu_region_read(0, off, 4), 0);
	ck_assert_uint_eq(r.len, 20);
	return (uint32_t)get_le(r.data + 16, 4);
}

void vfu_wr(uint64_t off, uint32_t val)
{
	ck_assert_uint_eq(vfu_region_write(0, off, &val, 4), 0);
}

void vfu_bus_master(void)
{
	uint16_t command = 6;

	ck_assert_uint_eq(vfu_region_write(7, 4, &command, 2), 0);
}

uint32_t vfu_map(uint64_t iova, uint64_t len, uint64_t offset, uint32_t prot, int mem)
{
	uint8_t m[32];

	put_le(m, 32, 4);
	put_le(m + 4, prot, 4);
	put_le(m + 8, offset, 8);
	put_le(m + 16, iova, 8);
	put_le(m + 24, len, 8);
	return vfu_ask_fds(2, m, 32, &mem, mem >= 0);
}

uint32_t vfu_unmap(uint64_t iova, uint64_t len)
{
	uint8_t m[24];

	put_le(m, 24, 4);
	put_le(m + 4, 0, 4);
	put_le(m + 8, iova, 8);
	put_le(m + 16, len, 8);
	return vfu_ask(3, m, 24);
}

uint32_t vfu_set_irqs(uint32_t flags, uint32_t index, uint32_t start_at, uint32_t count,
		      const int *fds, unsigned int n)
{
	uint8_t m[20];

	put_le(m, 20, 4);
	put_le(m + 4, flags, 4);
	put_le(m + 8, index, 4);
	put_le(m + 12, start_at, 4);
	put_le(m + 16, count, 4);
	return vfu_ask_fds(8, m, 20, fds, n);
}

/* The stand-in's copy engine: 0, or 2 read error, 4 write error. */
uint32_t vfu_copy(uint64_t src, uint64_t dst, uint32_t len)
{
	uint32_t busy;

	vfu_wr(0x04, (uint32_t)src);
	vfu_wr(0x08, (uint32_t)(src >> 32));
	vfu_wr(0x0c, (uint32_t)dst);
	vfu_wr(0x10, (uint32_t)(dst >> 32));
	vfu_wr(0x14, len);
	vfu_wr(0x18, 1);
	do
		busy = vfu_rd(0x18);
	while (busy & 1);
	return busy;
}

uint8_t *vfu_memory(size_t len, int *mem)
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
