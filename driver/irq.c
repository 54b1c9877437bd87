/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt vectors as eventfds, opened when the first pair asks for one, all watched by the
 * handle's epoll fd.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

#define ERROR_TOKEN UINT32_MAX

static int watch(struct weft_dev *dev, int fd, uint32_t token)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = token };

	return epoll_ctl(dev->epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int weft__irq_init(struct weft_dev *dev)
{
	const struct weft_bus_ops *ops = dev->bus->ops;
	int i, fd, rc = 0, n = ops->irq_count(dev->bus);

	if (n < 1)
		return weft_set_error(n < 0 ? n : -EPROTO,
				      "%s bus: the device has no interrupt vectors", ops->name);
	dev->n_vectors = (uint16_t)(n < (int)WEFT_N_VECTORS ? n : (int)WEFT_N_VECTORS);
	dev->vec_fd = malloc(dev->n_vectors * sizeof(dev->vec_fd[0]));
	dev->vec_users = calloc(dev->n_vectors, sizeof(dev->vec_users[0]));
	dev->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (!dev->vec_fd || !dev->vec_users || dev->epfd < 0) {
		rc = dev->epfd < 0 ? -errno : -ENOMEM;
		goto fail;
	}
	for (i = 0; i < dev->n_vectors; i++)
		dev->vec_fd[i] = -1;
	fd = ops->error_fd ? ops->error_fd(dev->bus) : -1;
	if (fd >= 0)
		rc = watch(dev, fd, ERROR_TOKEN);
	if (!rc)
		return 0;
fail:
	if (dev->epfd >= 0)
		close(dev->epfd);
	free(dev->vec_fd);
	free(dev->vec_users);
	dev->epfd = -1;
	dev->vec_fd = NULL;
	dev->vec_users = NULL;
	return rc;
}

/* One more user of vector. */
int weft__irq_get(struct weft_dev *dev, uint16_t vector)
{
	unsigned int before = weft__sentences();
	int fd, rc;

	if (vector >= dev->n_vectors)
		return weft_set_error(-ERANGE, "vector %u: the device has %u", vector,
				      dev->n_vectors);
	if (dev->vec_users[vector]) {
		dev->vec_users[vector]++;
		return 0;
	}
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return weft_set_error(-errno, "eventfd: %s", strerror(errno));
	rc = dev->bus->ops->irq_set(dev->bus, vector, fd);
	if (rc) {
		weft__bus_failed(before, rc, "vector %u: %s", vector, strerror(-rc));
		goto close_fd;
	}
	rc = watch(dev, fd, vector);
	if (rc)
		goto unset;
	dev->vec_fd[vector] = fd;
	dev->vec_users[vector] = 1;
	return 0;
unset:
	dev->bus->ops->irq_set(dev->bus, vector, -1);
close_fd:
	close(fd);
	return rc;
}

void weft__irq_put(struct weft_dev *dev, uint16_t vector)
{
	if (--dev->vec_users[vector])
		return;
	dev->bus->ops->irq_set(dev->bus, vector, -1);
	close(dev->vec_fd[vector]); /* leaves the epoll set by itself */
	dev->vec_fd[vector] = -1;
}

/* All users have left. */
void weft__irq_fini(struct weft_dev *dev)
{
	close(dev->epfd);
	free(dev->vec_fd);
	free(dev->vec_users);
}
