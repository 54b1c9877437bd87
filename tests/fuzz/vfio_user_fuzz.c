// SPDX-License-Identifier: BSD-2-Clause
/*
 * Fuzzes the vfio-user server's messages: client.c, device.c, dma.c and pci.c with an adapter that does nothing but DMA.
 *
 * Input: a byte of which bit 0 says that a proper version message goes first, then chunks, each
 *   byte 0    bits 1:0 file descriptor sent along: 0 none, 1 memory, 2 eventfd, 3 pipe
 *             bits 7:4 not 0: a fitting header for this command goes before the bytes
 *   bytes 1-2 length (little-endian)
 *   bytes     sent as they are
 * After the last chunk the client hangs up, so that nothing ever waits. Answers are thrown away (sendmsg is replaced).
 * A write of v to register 0x10 makes the adapter read 64 bytes at v << 12, to 0x14 write there, to 0x18 raise vector v.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../sim/server/server.h"

static struct vfu server;

/* --- the adapter --------------------------------------------------------------------------------------------------------- */

int weft_sim_bar_read(struct weft_sim *sim, uint64_t off, unsigned int size, uint64_t *val)
{
	(void)sim;
	*val = off * size;
	return 0;
}

int weft_sim_bar_write(struct weft_sim *sim, uint64_t off, unsigned int size, uint64_t val)
{
	uint8_t buf[64] = { 0 };

	(void)sim;
	if (size > 8 || off > 0x100000 - size)
		abort();
	if (off == 0x10)
		vfu_dma_read(&server, val << 12, buf, sizeof(buf));
	else if (off == 0x14)
		vfu_dma_write(&server, (val << 12) + 4096 - sizeof(buf), buf, sizeof(buf));
	else if (off == 0x18)
		vfu_irq(&server, (unsigned int)val);
	return 0;
}

void weft_sim_reset(struct weft_sim *sim)
{
	(void)sim;
}

ssize_t fuzz_sendmsg(int fd, const struct msghdr *mh, int flags)
{
	size_t i, n = 0;

	(void)fd;
	(void)flags;
	for (i = 0; i < mh->msg_iovlen; i++)
		n += mh->msg_iov[i].iov_len;
	return (ssize_t)n;
}

/* --- the client ----------------------------------------------------------------------------------------------------------- */

static int make_fd(unsigned int kind)
{
	int fds[2];

	switch (kind) {
	case 1:
		fds[0] = memfd_create("fuzz", 0);
		if (ftruncate(fds[0], 0x10000))
			abort();
		return fds[0];
	case 2:
		return eventfd(0, EFD_NONBLOCK);
	case 3:
		if (pipe(fds))
			abort();
		close(fds[1]);
		return fds[0];
	default:
		return -1;
	}
}

static void send_chunk(int sock, unsigned int kind, const uint8_t *bytes, size_t len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { (void *)bytes, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	int fd = make_fd(kind);

	if (fd >= 0) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		len = 0; /* full: the rest of the input is lost, which is an input too */
	if (fd >= 0)
		close(fd);
}

static void send_input(int sock, const uint8_t *data, size_t size)
{
	static const uint8_t version[] = { 1, 0, 1, 0, 20, 0, 0, 0, 0, 0,
					   0, 0, 0, 0, 0,  0, 0, 0, 0, 0 };
	uint8_t message[16 + 4096] = { 0 };
	size_t len;

	if (size && *data & 1)
		send_chunk(sock, 0, version, sizeof(version));
	for (data += !!size, size -= !!size; size > 3; data += len, size -= len) {
		len = data[1] | (size_t)data[2] << 8;
		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		if (data[-3] >> 4 && len <= 4096) {
			message[2] = data[-3] >> 4;
			message[4] = (uint8_t)(16 + len);
			message[5] = (uint8_t)((16 + len) >> 8);
			memcpy(message + 16, data, len);
			send_chunk(sock, data[-3] & 3, message, 16 + len);
		} else if (len) {
			send_chunk(sock, data[-3] & 3, data, len);
		}
	}
	shutdown(sock, SHUT_WR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pair[2];
	unsigned int i;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		abort();
	vfu_init(&server, NULL);
	vfu_attach(&server, pair[0]);
	send_input(pair[1], data, size);
	for (i = 0; i < 100000 && server.fd >= 0; i++)
		vfu_serve(&server);
	if (server.fd >= 0 || server.dma.r || server.queue || server.msg)
		abort(); /* it never ended, or left something behind */
	close(pair[1]);
	return 0;
}
