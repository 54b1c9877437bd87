// SPDX-License-Identifier: BSD-2-Clause
/*
 * The client's socket. Input is taken as it comes, a message at a time; output waits up to
 * VFU_TIMEOUT_MS for a client that does not read.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

#define SERVE_MAX 64 /* messages served in one go: the adapter must run too */

void vfu_broken(struct vfu *v, const char *why)
{
	if (!v->broken)
		fprintf(stderr, "weft-sim: client dropped: %s\n", why);
	v->broken = true;
}

void vfu_free(struct vfu_msg *m)
{
	unsigned int i;

	if (!m)
		return;
	for (i = 0; i < m->n_fds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	free(m);
}

void vfu_init(struct vfu *v, struct weft_sim *sim)
{
	memset(v, 0, sizeof(*v));
	v->sim = sim;
	v->fd = -1;
	memset(v->irq, 0xff, sizeof(v->irq));
	pci_reset(&v->pci);
	dma_init();
}

void vfu_attach(struct vfu *v, int fd)
{
	struct timeval tv = { .tv_sec = VFU_TIMEOUT_MS / 1000 };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	v->fd = fd;
	v->negotiated = v->broken = false;
	v->client_xfer_max = VFU_XFER_MAX;
	v->in_have = 0;
	v->in_n_fds = 0;
	v->stats.clients++;
}

static void drop_input(struct vfu *v)
{
	struct vfu_msg *m;

	while (v->in_n_fds)
		close(v->in_fds[--v->in_n_fds]);
	free(v->msg);
	v->msg = NULL;
	v->in_have = 0;
	while (v->queue) {
		m = v->queue;
		v->queue = m->next;
		vfu_free(m);
	}
	v->queued = 0;
}

void vfu_detach(struct vfu *v)
{
	drop_input(v);
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
	vfu_drop_irqs(v);
	dma_clear(&v->dma);
	pci_reset(&v->pci);
	weft_sim_reset(v->sim);
	v->broken = false;
}

/* --- input ------------------------------------------------------------------------------------ */

static void keep_fds(struct vfu *v, struct msghdr *mh)
{
	struct cmsghdr *c;
	size_t i, n;
	int fd;

	for (c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (v->in_n_fds < VFU_FDS_MAX) {
				v->in_fds[v->in_n_fds++] = fd;
			} else {
				close(fd);
				vfu_broken(v, "too many file descriptors with one message");
			}
		}
	}
	if (mh->msg_flags & MSG_CTRUNC)
		vfu_broken(v, "too many file descriptors with one message");
}

/* Bytes read, 0: nothing there now, -1: the connection is over. */
static ssize_t take(struct vfu *v, void *buf, size_t len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * VFU_FDS_MAX)];
	} control;
	struct iovec iov = { buf, len };
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control) };
	ssize_t n;

	do
		n = recvmsg(v->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	keep_fds(v, &mh);
	return n ? n : -1;
}

static int check_header(struct vfu *v)
{
	const struct vfu_header *h = &v->in;

	if (h->size < sizeof(*h) || h->size > VFU_MSG_MAX) {
		vfu_broken(v, "message size out of range");
		return -EPROTO;
	}
	v->msg = malloc(sizeof(*v->msg) + h->size - sizeof(*h));
	if (!v->msg) {
		vfu_broken(v, "out of memory");
		return -ENOMEM;
	}
	v->msg->len = h->size - sizeof(*h);
	return 0;
}

static struct vfu_msg *finish(struct vfu *v)
{
	struct vfu_msg *m = v->msg;

	m->next = NULL;
	m->h = v->in;
	m->n_fds = v->in_n_fds;
	memcpy(m->fds, v->in_fds, sizeof(m->fds));
	v->msg = NULL;
	v->in_have = 0;
	v->in_n_fds = 0;
	v->stats.messages++;
	return m;
}

/* The next whole message, or NULL: not yet, or the connection is over (v->broken). */
static struct vfu_msg *receive(struct vfu *v)
{
	size_t head = sizeof(v->in);
	ssize_t n = 1;

	while (!v->broken) {
		if (v->in_have >= head && v->in_have == v->in.size)
			return finish(v);
		if (v->in_have < head)
			n = take(v, (uint8_t *)&v->in + v->in_have, head - v->in_have);
		else
			n = take(v, v->msg->payload + (v->in_have - head), v->in.size - v->in_have);
		if (n < 0)
			v->broken = true; /* gone: nothing to say about it */
		if (n <= 0)
			return NULL;
		v->in_have += (size_t)n;
		if (v->in_have == head && check_header(v))
			return NULL;
	}
	return NULL;
}

/* --- output ----------------------------------------------------------------------------------- */

static int send_all(struct vfu *v, struct iovec *iov, int n)
{
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	ssize_t sent;

	while (mh.msg_iovlen) {
		sent = sendmsg(v->fd, &mh, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			v->broken = true;
			return -EIO;
		}
		while (mh.msg_iovlen && (size_t)sent >= mh.msg_iov->iov_len) {
			sent -= (ssize_t)mh.msg_iov->iov_len;
			mh.msg_iov++;
			mh.msg_iovlen--;
		}
		if (mh.msg_iovlen) {
			mh.msg_iov->iov_base = (uint8_t *)mh.msg_iov->iov_base + sent;
			mh.msg_iov->iov_len -= (size_t)sent;
		}
	}
	return 0;
}

void vfu_reply(struct vfu *v, const struct vfu_msg *m, int err, const void *head, size_t head_len,
	       const void *data, size_t data_len)
{
	struct vfu_header h = { m->h.id, m->h.command, sizeof(h), VFU_REPLY, 0 };
	struct iovec iov[3] = { { &h, sizeof(h) },
				{ (void *)head, head_len },
				{ (void *)data, data_len } };

	v->stats.refused += err != 0;
	if (m->h.flags & VFU_NO_REPLY || v->broken)
		return;
	if (err) {
		h.flags |= VFU_ERROR;
		h.error = (uint32_t)-err;
		send_all(v, iov, 1);
		return;
	}
	h.size += (uint32_t)(head_len + data_len);
	send_all(v, iov, 3);
}

/* --- requests of ours ------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void keep_for_later(struct vfu *v, struct vfu_msg *m)
{
	struct vfu_msg **at = &v->queue;

	if (v->queued == VFU_QUEUE_MAX) {
		vfu_broken(v, "sends on and on and does not answer");
		vfu_free(m);
		return;
	}
	while (*at)
		at = &(*at)->next;
	*at = m;
	v->queued++;
}

/* The answer to id; commands that come meanwhile are served afterwards. */
static struct vfu_msg *await_reply(struct vfu *v, uint16_t id)
{
	uint64_t deadline = now_ms() + VFU_TIMEOUT_MS, now;
	struct pollfd pfd = { v->fd, POLLIN, 0 };
	struct vfu_msg *m;

	while (!v->broken) {
		m = receive(v);
		if (m && (m->h.flags & VFU_TYPE_MASK) == VFU_REPLY) {
			if (m->h.id == id)
				return m;
			vfu_free(m); /* the answer to a question given up */
		} else if (m) {
			keep_for_later(v, m);
		} else if (!v->broken) {
			now = now_ms();
			if (now >= deadline)
				vfu_broken(v, "no answer to a DMA request");
			else
				poll(&pfd, 1, (int)(deadline - now));
		}
	}
	return NULL;
}

static int client_dma_part(struct vfu *v, enum vfu_command command, uint64_t iova, void *buf,
			   size_t len)
{
	struct vfu_header h = { v->next_id++, (uint16_t)command, sizeof(h) + 16, 0, 0 };
	uint64_t args[2] = { iova, len };
	struct iovec iov[3] = { { &h, sizeof(h) }, { args, sizeof(args) }, { buf, len } };
	size_t expect = command == VFU_DMA_READ ? 16 + len : 0;
	struct vfu_msg *m;
	int ret = -EIO;

	if (command == VFU_DMA_WRITE)
		h.size += (uint32_t)len;
	if (send_all(v, iov, command == VFU_DMA_WRITE ? 3 : 2))
		return -EIO;
	m = await_reply(v, h.id);
	if (!m)
		return -EIO;
	if (m->h.command != command || (!(m->h.flags & VFU_ERROR) && m->len < expect))
		vfu_broken(v, "wrong answer to a DMA request");
	else if (!(m->h.flags & VFU_ERROR))
		ret = 0;
	if (!ret && command == VFU_DMA_READ)
		memcpy(buf, m->payload + 16, len);
	vfu_free(m);
	return ret;
}

int vfu_client_dma(struct vfu *v, enum vfu_command command, uint64_t iova, void *buf, size_t len)
{
	size_t done = 0, n;
	int ret = 0;

	while (done < len && !ret) {
		n = len - done < v->client_xfer_max ? len - done : v->client_xfer_max;
		ret = v->fd < 0 || v->broken ?
			      -EIO :
			      client_dma_part(v, command, iova + done, (uint8_t *)buf + done, n);
		done += n;
	}
	return ret;
}

/* --- serving ---------------------------------------------------------------------------------- */

void vfu_serve(struct vfu *v)
{
	struct vfu_msg *m;
	unsigned int i;

	for (i = 0; i < SERVE_MAX && v->fd >= 0 && !v->broken; i++) {
		m = v->queue;
		if (m) {
			v->queue = m->next;
			v->queued--;
		} else {
			m = receive(v);
		}
		if (!m)
			break;
		vfu_handle(v, m);
		vfu_free(m);
	}
	if (v->fd >= 0 && v->broken)
		vfu_detach(v);
}
