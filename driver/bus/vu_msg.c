/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exchange of vfio-user messages. The stream is trusted only as far as it keeps step: a reply with
 * another id, command or size than asked for, or one that comes late, ends the connection, because
 * nothing behind it could be believed.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../internal.h"
#include "vu.h"

#define MAX_FDS 8 /* that a server may send with one message; we want none and close them */

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int give_up(struct vu_bus *vu, int err, const char *why)
{
	vu->broken = true;
	return weft_set_error(err, "vfio-user: %s", why);
}

/* Waits for the socket. deadline in ms of clock_ms. */
static int wait_fd(struct vu_bus *vu, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = vu->fd, .events = events };

	for (;;) {
		uint64_t now = clock_ms();
		int n = poll(&p, 1, now < deadline ? (int)(deadline - now) : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return give_up(vu, -ENODEV, "the server does not answer");
		if (errno != EINTR)
			return give_up(vu, -ENODEV, strerror(errno));
	}
}

/* Sends all of iov, the fd with the first byte. */
static int send_all(struct vu_bus *vu, struct iovec *iov, size_t n, int fd, uint64_t deadline)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} ctl = { .buf = { 0 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = ctl.buf;
		msg.msg_controllen = sizeof(ctl.buf);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	while (msg.msg_iovlen) {
		ssize_t done = sendmsg(vu->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno != EAGAIN)
			return give_up(vu, -ENODEV, "the server has left");
		if (done < 0) {
			int rc = wait_fd(vu, POLLOUT, deadline);

			if (rc)
				return rc;
			continue;
		}
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
		while (msg.msg_iovlen && (size_t)done >= msg.msg_iov->iov_len) {
			done -= (ssize_t)msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (msg.msg_iovlen) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + done;
			msg.msg_iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

/* We asked for no fds: whatever came is closed. */
static void drop_fds(struct msghdr *msg)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t i, n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			close(fd);
		}
	}
}

static int recv_all(struct vu_bus *vu, void *buf, size_t len, uint64_t deadline)
{
	uint8_t *p = buf;

	while (len) {
		union {
			char buf[CMSG_SPACE(MAX_FDS * sizeof(int))];
			struct cmsghdr align;
		} ctl;
		struct iovec iov = { p, len };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = ctl.buf,
				      .msg_controllen = sizeof(ctl.buf) };
		ssize_t n = recvmsg(vu->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n > 0) {
			drop_fds(&msg);
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (n == 0)
			return give_up(vu, -ENODEV, "the server has left");
		if (errno == EAGAIN) {
			int rc = wait_fd(vu, POLLIN, deadline);

			if (rc)
				return rc;
		} else if (errno != EINTR) {
			return give_up(vu, -ENODEV, strerror(errno));
		}
	}
	return 0;
}

/* Memory [addr, addr + count) that the server may use in this way; NULL otherwise. */
static uint8_t *mapped(struct vu_bus *vu, uint64_t addr, uint64_t count, unsigned int prot)
{
	struct vu_map *m;

	for (m = vu->maps; m; m = m->next)
		if (addr - m->iova < m->len && count <= m->len - (addr - m->iova) &&
		    (m->prot & prot))
			return m->va + (addr - m->iova);
	return NULL;
}

static int answer(struct vu_bus *vu, const struct vu_header *cmd, int err,
		  const struct vu_dma_access *acc, void *data, size_t len, uint64_t deadline)
{
	struct vu_header h = { .id = cmd->id, .command = cmd->command, .flags = VU_FLAG_REPLY };
	struct iovec iov[3] = { { &h, sizeof(h) }, { (void *)acc, sizeof(*acc) }, { data, len } };

	if (cmd->flags & VU_FLAG_NO_REPLY)
		return 0;
	h.size = sizeof(h);
	if (err) {
		h.flags |= VU_FLAG_ERROR;
		h.error = (uint32_t)err;
		return send_all(vu, iov, 1, -1, deadline);
	}
	h.size += (uint32_t)(sizeof(*acc) + len);
	return send_all(vu, iov, len ? 3 : 2, -1, deadline);
}

/* A command of the server whose header has been read. */
static int serve(struct vu_bus *vu, const struct vu_header *h, uint64_t deadline)
{
	size_t len = h->size - sizeof(*h);
	struct vu_dma_access acc;
	uint8_t *mem;
	int rc;

	if (len < sizeof(acc) || len > sizeof(acc) + VU_DATA_MAX)
		return give_up(vu, -EPROTO, "a command of the server has an impossible size");
	rc = recv_all(vu, &acc, sizeof(acc), deadline);
	if (!rc && len > sizeof(acc))
		rc = recv_all(vu, vu->bounce, len - sizeof(acc), deadline);
	if (rc)
		return rc;
	len -= sizeof(acc);
	switch (h->command) {
	case VU_DMA_READ:
		mem = mapped(vu, acc.address, acc.count, WEFT_DMA_READ);
		if (len || acc.count > VU_DATA_MAX)
			return answer(vu, h, EINVAL, NULL, NULL, 0, deadline);
		return answer(vu, h, mem ? 0 : EFAULT, &acc, mem, acc.count, deadline);
	case VU_DMA_WRITE:
		if (len != acc.count)
			return answer(vu, h, EINVAL, NULL, NULL, 0, deadline);
		mem = mapped(vu, acc.address, acc.count, WEFT_DMA_WRITE);
		if (mem)
			memcpy(mem, vu->bounce, len);
		return answer(vu, h, mem ? 0 : EFAULT, &acc, NULL, 0, deadline);
	default:
		return answer(vu, h, ENOTSUP, NULL, NULL, 0, deadline);
	}
}

static int recv_header(struct vu_bus *vu, struct vu_header *h, uint64_t deadline)
{
	int rc = recv_all(vu, h, sizeof(*h), deadline);

	if (rc)
		return rc;
	if (h->size < sizeof(*h) || (h->flags & VU_FLAG_TYPE) > VU_FLAG_REPLY)
		return give_up(vu, -EPROTO, "the server sent a malformed header");
	return 0;
}

static int recv_reply(struct vu_bus *vu, struct vu_request *req, uint16_t id, uint64_t deadline)
{
	struct vu_header h;
	size_t len;
	int rc;

	for (;;) {
		rc = recv_header(vu, &h, deadline);
		if (rc)
			return rc;
		if ((h.flags & VU_FLAG_TYPE) == VU_FLAG_REPLY)
			break;
		rc = serve(vu, &h, deadline);
		if (rc)
			return rc;
	}
	len = h.size - sizeof(h);
	if (h.id != id || h.command != req->command)
		return give_up(vu, -EPROTO, "the server answered another command than asked");
	if (h.flags & VU_FLAG_ERROR) {
		if (len)
			return give_up(vu, -EPROTO, "an error reply carries data");
		return weft_set_error(h.error && h.error < 4096 ? -(int)h.error : -EIO,
				      "vfio-user: the server refused command %u", req->command);
	}
	if (len < req->reply_min || len > req->reply_max)
		return give_up(vu, -EPROTO, "a reply has an impossible size");
	req->reply_len = len;
	return len ? recv_all(vu, req->reply, len, deadline) : 0;
}

int vu_call(struct vu_bus *vu, struct vu_request *req)
{
	struct vu_header h = { .command = (uint16_t)req->command,
			       .size = (uint32_t)(sizeof(h) + req->head_len + req->tail_len),
			       .flags = req->no_reply ? VU_FLAG_NO_REPLY : 0 };
	struct iovec iov[3] = { { &h, sizeof(h) },
				{ (void *)req->head, req->head_len },
				{ (void *)req->tail, req->tail_len } };
	uint64_t deadline = clock_ms() + vu->timeout_ms;
	int rc = -ENODEV;

	pthread_mutex_lock(&vu->lock);
	if (!vu->broken) {
		h.id = vu->next_id++;
		rc = send_all(vu, iov, 3, req->fd, deadline);
		if (!rc && !req->no_reply)
			rc = recv_reply(vu, req, h.id, deadline);
	}
	pthread_mutex_unlock(&vu->lock);
	return rc;
}

int vu_serve(struct vu_bus *vu)
{
	int rc = 0;

	if (pthread_mutex_trylock(&vu->lock))
		return 0;
	while (!rc && !vu->broken) {
		struct vu_header h;
		ssize_t n = recv(vu->fd, &h, sizeof(h), MSG_PEEK | MSG_DONTWAIT);
		uint64_t deadline;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		deadline = clock_ms() + vu->timeout_ms;
		rc = recv_header(vu, &h, deadline);
		if (!rc && (h.flags & VU_FLAG_TYPE) == VU_FLAG_REPLY)
			rc = give_up(vu, -EPROTO, "the server answered without being asked");
		if (!rc)
			rc = serve(vu, &h, deadline);
	}
	if (vu->broken)
		rc = -ENODEV;
	pthread_mutex_unlock(&vu->lock);
	return rc;
}
