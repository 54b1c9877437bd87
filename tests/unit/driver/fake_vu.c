/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vfio-user server for one client, in a thread, with a fake adapter behind it. It follows the
 * protocol text, or breaks it in the one way asked for.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake.h"

struct hdr {
	uint16_t id, cmd;
	uint32_t size, flags, err;
};

struct fake_vu {
	struct fake *f;
	enum fake_vu_fault fault;
	int listen_fd, fd;
	int stop_fd[2];
	char path[108];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t done;
	uint8_t config[256];
	struct fake_map own[64]; /* what the server mapped from fds */
	uint64_t foreign[64];    /* IOVAs mapped without an fd */
	/* a DMA message to send */
	struct {
		bool want, ready;
		uint64_t iova;
		void *buf;
		uint32_t len;
		bool write;
		int result;
	} dma;
};

static bool read_all(int fd, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len) {
		ssize_t n = recv(fd, p, len, 0);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static void write_all(int fd, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

/* The header comes with the fd, if any. */
static bool read_header(int fd, struct hdr *h, int *got)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} ctl;
	struct iovec iov = { h, sizeof(*h) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = ctl.buf,
			    .msg_controllen = sizeof(ctl.buf) };
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;

	*got = -1;
	if (n <= 0)
		return false;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		memcpy(got, CMSG_DATA(c), sizeof(int));
	return read_all(fd, (uint8_t *)h + n, sizeof(*h) - (size_t)n);
}

static void reply(struct fake_vu *s, const struct hdr *h, int err, const void *data, size_t len)
{
	uint8_t out[8192];
	struct hdr r = { h->id, h->cmd, (uint32_t)(sizeof(r) + len), 1, 0 };

	if (h->flags & 0x10)
		return;
	if (err) {
		r.size = sizeof(r);
		r.flags |= 0x20;
		r.err = (uint32_t)err;
		len = 0;
	}
	if (h->cmd == 9) { /* faults show at the first read of a register */
		if (s->fault == VU_WRONG_ID)
			r.id++;
		if (s->fault == VU_WRONG_COMMAND)
			r.cmd = 10;
		if (s->fault == VU_TINY_SIZE)
			r.size = 8;
		if (s->fault == VU_HUGE_SIZE)
			r.size = 0x7fffffff;
		if (s->fault == VU_SHORT_READ)
			r.size -= 2;
		if (s->fault == VU_ERROR_WITH_DATA)
			r.flags |= 0x20;
		if (s->fault == VU_REPLY_TYPE)
			r.flags = 3;
		if (s->fault == VU_HANG_READ)
			return;
		if (s->fault == VU_UNASKED_REPLY) {
			struct hdr extra = { 999, 13, sizeof(extra), 1, 0 };

			write_all(s->fd, &extra, sizeof(extra));
		}
	}
	memcpy(out, &r, sizeof(r));
	memcpy(out + sizeof(r), data ? data : out, len);
	if (data && h->cmd == 9 && s->fault == VU_OTHER_OFFSET)
		out[sizeof(r)] ^= 4;
	write_all(s->fd, out, sizeof(r) + len);
}

static void do_version(struct fake_vu *s, const struct hdr *h)
{
	static const char good[] = "{\"capabilities\":{\"max_msg_fds\":1,"
				   "\"max_data_xfer_size\":1048576,\"max_dma_maps\":8}}";
	uint8_t out[256] = { 0 };
	size_t len = sizeof(good);

	memcpy(out + 4, good, sizeof(good));
	if (s->fault == VU_HANG_VERSION)
		return;
	if (s->fault == VU_BAD_MAJOR)
		out[0] = 1;
	if (s->fault == VU_BAD_JSON)
		out[4] = '}';
	if (s->fault == VU_UNTERMINATED_JSON)
		len--;
	reply(s, h, 0, out, s->fault == VU_SHORT_VERSION ? 2 : 4 + len);
}

static void do_map(struct fake_vu *s, const struct hdr *h, const uint8_t *in, int fd)
{
	uint64_t off, addr, len;
	unsigned int i;

	memcpy(&off, in + 8, 8);
	memcpy(&addr, in + 16, 8);
	memcpy(&len, in + 24, 8);
	for (i = 0; i < 64 && (s->own[i].va || s->foreign[i]); i++)
		;
	if (s->fault == VU_REFUSE_MAP || i == 64) {
		reply(s, h, ENOMEM, NULL, 0);
		return;
	}
	if (fd < 0) {
		s->foreign[i] = addr;
	} else {
		uint8_t *va = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)off);

		s->own[i] = (struct fake_map){ va, addr, len };
		s->f->map[s->f->n_maps++] = s->own[i];
	}
	reply(s, h, 0, NULL, 0);
}

static void do_unmap(struct fake_vu *s, const struct hdr *h, const uint8_t *in)
{
	uint64_t addr;
	unsigned int i, k;

	memcpy(&addr, in + 8, 8);
	for (i = 0; i < 64; i++) {
		if (s->foreign[i] == addr)
			s->foreign[i] = 0;
		if (!s->own[i].va || s->own[i].iova != addr)
			continue;
		for (k = 0; k < s->f->n_maps; k++)
			if (s->f->map[k].iova == addr)
				s->f->map[k].va = NULL;
		munmap(s->own[i].va, s->own[i].len);
		s->own[i].va = NULL;
	}
	reply(s, h, 0, in, 24);
}

static void do_region(struct fake_vu *s, const struct hdr *h, uint8_t *in, bool write)
{
	uint64_t off;
	uint32_t region, len, v;

	memcpy(&off, in, 8);
	memcpy(&region, in + 8, 4);
	memcpy(&len, in + 12, 4);
	if (region == 7 && off + len <= sizeof(s->config)) {
		memcpy(write ? s->config + off : in + 16, write ? in + 16 : s->config + off, len);
	} else if (region == 0 && len == 4) {
		memcpy(&v, in + 16, 4);
		if (write)
			s->f->bus.ops->write32(&s->f->bus, (uint32_t)off, v);
		else
			s->f->bus.ops->read32(&s->f->bus, (uint32_t)off, &v);
		memcpy(in + 16, &v, 4);
	} else {
		reply(s, h, EINVAL, NULL, 0);
		return;
	}
	reply(s, h, 0, in, write ? 16 : 16 + len);
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

static void do_info(struct fake_vu *s, const struct hdr *h, uint8_t *in)
{
	uint32_t index;

	memcpy(&index, in + 8, 4);
	if (h->cmd == 4) {
		put32(in + 4, s->fault == VU_NOT_PCI ? 1 : 3);
		put32(in + 8, 9);
		put32(in + 12, 5);
		reply(s, h, 0, in, 16);
	} else if (h->cmd == 5) {
		uint64_t size = index ? 256 : s->fault == VU_SMALL_BAR ? 4096 : WEFT_BAR_SIZE;

		put32(in + 4, 3);
		put32(in + 8, s->fault == VU_BAD_REGION_INDEX ? 5 : index);
		memcpy(in + 16, &size, 8);
		reply(s, h, 0, in, 32);
	} else {
		put32(in + 4, 1);
		put32(in + 12, s->fault == VU_NO_MSIX ? 0 : 128);
		reply(s, h, 0, in, 16);
	}
}

static void do_irqs(struct fake_vu *s, const struct hdr *h, const uint8_t *in, int fd)
{
	uint32_t start;

	memcpy(&start, in + 12, 4);
	if (s->f->irq_fd[start & 127] >= 0)
		close(s->f->irq_fd[start & 127]);
	s->f->irq_fd[start & 127] = fd >= 0 ? dup(fd) : -1;
	reply(s, h, 0, NULL, 0);
}

/* A command whose header has been read. */
static bool handle(struct fake_vu *s, struct hdr h, int fd)
{
	uint8_t in[4096] = { 0 };

	if (h.size < sizeof(h) || h.size - sizeof(h) > sizeof(in) ||
	    !read_all(s->fd, in, h.size - sizeof(h)))
		return false;
	if (s->fault == VU_CLOSE_EARLY && h.cmd == 9)
		return false;
	switch (h.cmd) {
	case 1:
		do_version(s, &h);
		break;
	case 2:
		do_map(s, &h, in, fd);
		break;
	case 3:
		do_unmap(s, &h, in);
		break;
	case 4:
	case 5:
	case 7:
		do_info(s, &h, in);
		break;
	case 8:
		do_irqs(s, &h, in, fd);
		break;
	case 9:
	case 10:
		do_region(s, &h, in, h.cmd == 10);
		break;
	case 13:
		s->f->bus.ops->reset(&s->f->bus);
		s->config[4] = 0;
		reply(s, &h, 0, NULL, 0);
		break;
	default:
		reply(s, &h, ENOTSUP, NULL, 0);
	}
	if (fd >= 0)
		close(fd);
	return true;
}

/*
 * Asks the client for memory and waits for the answer; commands of the client that were on their
 * way come first.
 */
static void do_dma(struct fake_vu *s)
{
	uint8_t out[32 + 4096];
	struct hdr h = { 77, s->dma.write ? 12 : 11, 32, 0, 0 };
	uint64_t len = s->dma.len;
	int fd;

	h.size += s->dma.write ? s->dma.len : 0;
	memcpy(out, &h, 16);
	memcpy(out + 16, &s->dma.iova, 8);
	memcpy(out + 24, &len, 8);
	if (s->dma.write)
		memcpy(out + 32, s->dma.buf, s->dma.len);
	write_all(s->fd, out, h.size);
	s->dma.result = -EPROTO;
	do {
		if (!read_header(s->fd, &h, &fd))
			return;
		if (!(h.flags & 1) && !handle(s, h, fd))
			return;
	} while (!(h.flags & 1));
	if (h.id != 77 || h.size > sizeof(out) || !read_all(s->fd, out, h.size - 16))
		return;
	s->dma.result = h.flags & 0x20 ? -(int)h.err : 0;
	if (!s->dma.result && !s->dma.write)
		memcpy(s->dma.buf, out + 16, s->dma.len);
}

static void serve_client(struct fake_vu *s)
{
	struct hdr h;
	int fd;

	for (;;) {
		struct pollfd p[2] = { { s->fd, POLLIN, 0 }, { s->stop_fd[0], POLLIN, 0 } };

		poll(p, 2, -1);
		if (p[1].revents) {
			char c;

			if (read(s->stop_fd[0], &c, 1) != 1 || c == 's')
				return;
			pthread_mutex_lock(&s->lock);
			do_dma(s);
			s->dma.ready = true;
			pthread_cond_signal(&s->done);
			pthread_mutex_unlock(&s->lock);
		} else if (!read_header(s->fd, &h, &fd) || !handle(s, h, fd)) {
			return;
		}
	}
}

static void *server(void *arg)
{
	struct fake_vu *s = arg;
	struct pollfd p[2] = { { s->listen_fd, POLLIN, 0 }, { s->stop_fd[0], POLLIN, 0 } };

	poll(p, 2, -1);
	if (!p[0].revents)
		return NULL;
	s->fd = accept(s->listen_fd, NULL, NULL);
	if (s->fd < 0)
		return NULL;
	serve_client(s);
	close(s->fd);
	return NULL;
}

struct fake_vu *fake_vu_start(struct fake *f, const char *path, enum fake_vu_fault fault)
{
	static const uint8_t config[] = { 0x36, 0x1b, 0x0e, 0x0f, 0, 0, 0x10, 0 };
	struct fake_vu *s = calloc(1, sizeof(*s));
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	s->f = f;
	s->fault = fault;
	snprintf(s->path, sizeof(s->path), "%s", path);
	memcpy(sa.sun_path, s->path, sizeof(sa.sun_path));
	memcpy(s->config, config, sizeof(config));
	s->config[0x34] = 0x40;
	s->config[0x40] = 0x10; /* PCI Express, then MSI-X */
	s->config[0x41] = 0x80;
	s->config[0x80] = 0x11;
	if (fault == VU_WRONG_DEVICE)
		s->config[2] = 0x10;
	unlink(path);
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->listen_fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(s->listen_fd, 1) ||
	    pipe(s->stop_fd))
		abort();
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->done, NULL);
	pthread_create(&s->thread, NULL, server, s);
	return s;
}

void fake_vu_stop(struct fake_vu *s)
{
	unsigned int i;

	if (write(s->stop_fd[1], "s", 1) != 1)
		abort();
	pthread_join(s->thread, NULL);
	for (i = 0; i < 64; i++)
		if (s->own[i].va)
			munmap(s->own[i].va, s->own[i].len);
	for (i = 0; i < 128; i++) {
		if (s->f->irq_fd[i] >= 0)
			close(s->f->irq_fd[i]);
		s->f->irq_fd[i] = -1;
	}
	close(s->listen_fd);
	close(s->stop_fd[0]);
	close(s->stop_fd[1]);
	unlink(s->path);
	free(s);
}

int fake_vu_dma(struct fake_vu *s, uint64_t iova, void *buf, uint32_t len, bool write_it)
{
	pthread_mutex_lock(&s->lock);
	s->dma.iova = iova;
	s->dma.buf = buf;
	s->dma.len = len;
	s->dma.write = write_it;
	s->dma.ready = false;
	if (write(s->stop_fd[1], "d", 1) != 1)
		abort();
	while (!s->dma.ready)
		pthread_cond_wait(&s->done, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return s->dma.result;
}
