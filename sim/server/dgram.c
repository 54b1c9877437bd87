// SPDX-License-Identifier: BSD-2-Clause
#include "dgram.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_BUFFER (4 << 20)

static int failed(const char *what, const char *name, int err)
{
	fprintf(stderr, "%s socket %s: %s\n", what, name, strerror(err));
	return -err;
}

static int address(const char *path, size_t len, struct sockaddr_un *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (!len || len >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(addr->sun_path, path, len);
	return 0;
}

static int open_socket(void)
{
	int size = SOCKET_BUFFER;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

int dgram_open(struct dgram *d, const char *what, const char *names)
{
	const char *colon = strchr(names, ':');
	struct sockaddr_un local;

	memset(d, 0, sizeof(*d));
	d->fd = -1;
	if (!colon)
		return failed(what, names, EINVAL);
	if (address(names, (size_t)(colon - names), &local) ||
	    address(colon + 1, strlen(colon + 1), &d->remote))
		return failed(what, names, ENAMETOOLONG);
	d->fd = open_socket();
	if (d->fd < 0)
		return failed(what, names, -d->fd);
	unlink(local.sun_path);
	if (bind(d->fd, (struct sockaddr *)&local, sizeof(local)))
		return failed(what, local.sun_path, errno);
	strcpy(d->local, local.sun_path);
	return 0;
}

void dgram_close(struct dgram *d)
{
	if (d->fd >= 0)
		close(d->fd);
	if (*d->local)
		unlink(d->local);
	d->fd = -1;
	*d->local = '\0';
}

int dgram_send(const struct dgram *d, const void *bytes, size_t len)
{
	if (sendto(d->fd, bytes, len, 0, (const struct sockaddr *)&d->remote, sizeof(d->remote)) >=
	    0)
		return 0;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR)
		return -EAGAIN;
	return -ENOTCONN;
}
