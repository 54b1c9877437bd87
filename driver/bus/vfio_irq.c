/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts as eventfds: MSI-X, or MSI where the device has no MSI-X; and the two events of the
 * device itself, error and removal.
 *
 * NORESIZE: the kernel enables an index with a fixed number of vectors. So all are enabled at the
 * start, without an eventfd, and eventfds come and go one by one. Where the kernel takes that amiss,
 * the index is switched off and set anew as a whole; an interrupt that came between is lost, so
 * each eventfd is signalled then: one wake-up too many harms nobody.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfio.h"
#include "vfio_abi.h"

#define MAX_VECTORS 2048u

/* Eventfds for vectors [start, start + n); n = 0 switches the whole index off. */
static int set_irqs(struct vk_bus *vk, uint32_t index, uint32_t start, uint32_t n,
		    const int32_t *fds)
{
	size_t bytes = n * sizeof(int32_t), size = sizeof(struct vfio_irq_set) + bytes;
	struct vfio_irq_set *set = calloc(1, size);
	int rc;

	if (!set)
		return -ENOMEM;
	set->argsz = (uint32_t)size;
	set->flags = VFIO_IRQ_SET_ACTION_TRIGGER |
		     (n ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	set->index = index;
	set->start = start;
	set->count = n;
	if (n)
		memcpy(set->data, fds, bytes);
	rc = vk_ioctl(vk->device, VFIO_DEVICE_SET_IRQS, set);
	free(set);
	return rc;
}

/* How many interrupts an index has, 0 when it has none that eventfds can serve. */
static uint32_t irq_info(struct vk_bus *vk, uint32_t index, uint32_t *flags)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	if (vk_ioctl(vk->device, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 ||
	    !(info.flags & VFIO_IRQ_INFO_EVENTFD))
		return 0;
	*flags = info.flags;
	return info.count;
}

/*
 * Enables all vectors, or as many as the kernel has: it answers with that number then.
 */
static int enable_all(struct vk_bus *vk)
{
	uint32_t n = vk->n_vectors;
	int rc = 0;

	do {
		n = rc ? (uint32_t)rc : n;
		rc = set_irqs(vk, vk->irq_index, 0, n, vk->vec_fd);
	} while (rc > 0 && (uint32_t)rc < n);
	if (rc)
		return rc < 0 ? rc : -EPROTO;
	vk->n_vectors = n;
	vk->irq_on = true;
	return 0;
}

static int init_vectors(struct vk_bus *vk)
{
	uint32_t flags = 0, i;
	int rc;

	vk->irq_index = VFIO_PCI_MSIX_IRQ_INDEX;
	vk->n_vectors = irq_info(vk, vk->irq_index, &flags);
	if (!vk->n_vectors) {
		vk->irq_index = VFIO_PCI_MSI_IRQ_INDEX;
		vk->n_vectors = irq_info(vk, vk->irq_index, &flags);
	}
	if (!vk->n_vectors || vk->n_vectors > MAX_VECTORS)
		return vk_fail(vk, -EPROTO, "%u MSI-X or MSI vectors, says the kernel",
			       vk->n_vectors);
	vk->noresize = flags & VFIO_IRQ_INFO_NORESIZE;
	vk->vec_fd = malloc(vk->n_vectors * sizeof(vk->vec_fd[0]));
	if (!vk->vec_fd)
		return -ENOMEM;
	for (i = 0; i < vk->n_vectors; i++)
		vk->vec_fd[i] = -1;
	if (!vk->noresize)
		return 0; /* one by one, as they are asked for */
	rc = enable_all(vk);
	return rc ? vk_fail(vk, rc, "%u interrupt vectors: %s", vk->n_vectors, strerror(-rc)) : 0;
}

/* An eventfd for an event that a kernel or a device may not have. */
static int init_event(struct vk_bus *vk, uint32_t index, int *fd)
{
	uint32_t flags = 0;
	int rc;

	if (!irq_info(vk, index, &flags))
		return 0;
	*fd = vk_sys->eventfd();
	if (*fd < 0)
		return vk_fail(vk, -errno, "eventfd: %s", strerror(errno));
	rc = set_irqs(vk, index, 0, 1, fd);
	return rc < 0 ? vk_fail(vk, rc, "event %u: %s", index, strerror(-rc)) : 0;
}

int vk_irq_init(struct vk_bus *vk)
{
	int fds[2];
	int rc = init_event(vk, VFIO_PCI_ERR_IRQ_INDEX, &vk->err_fd);

	if (!rc)
		rc = init_event(vk, VFIO_PCI_REQ_IRQ_INDEX, &vk->req_fd);
	if (rc)
		return rc;
	fds[0] = vk->err_fd;
	fds[1] = vk->req_fd;
	vk->event_fd = vk_sys->epoll(fds, 2);
	if (vk->event_fd < 0)
		return vk_fail(vk, -errno, "epoll: %s", strerror(errno));
	return init_vectors(vk);
}

void vk_irq_fini(struct vk_bus *vk)
{
	static const int32_t none = -1;

	if (vk->irq_on)
		set_irqs(vk, vk->irq_index, 0, 0, NULL);
	vk->irq_on = false;
	if (vk->err_fd >= 0)
		set_irqs(vk, VFIO_PCI_ERR_IRQ_INDEX, 0, 1, &none);
	if (vk->req_fd >= 0)
		set_irqs(vk, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &none);
	vk_close_fd(&vk->event_fd);
	vk_close_fd(&vk->err_fd);
	vk_close_fd(&vk->req_fd);
	free(vk->vec_fd);
	vk->vec_fd = NULL;
}

/* The eventfd stays signalled, for whoever waits for error_fd. */
static bool signalled(int fd)
{
	return fd >= 0 && vk_sys->readable(fd);
}

int vk_irq_check(struct vk_bus *vk)
{
	bool error, removal;

	if (atomic_load(&vk->gone))
		return -ENODEV;
	error = signalled(vk->err_fd);
	removal = signalled(vk->req_fd);
	if (!error && !removal)
		return 0;
	atomic_store(&vk->gone, true);
	return vk_fail(vk, -ENODEV,
		       removal ? "the kernel wants the device back (removal or unbind)" :
				 "the kernel reports a fatal PCI error of the device");
}

/* All of the index anew: see the top of this file. */
static int set_anew(struct vk_bus *vk)
{
	static const uint64_t one = 1;
	uint32_t i;
	int rc;

	rc = set_irqs(vk, vk->irq_index, 0, 0, NULL);
	if (rc)
		return rc < 0 ? rc : -EPROTO;
	vk->irq_on = false;
	rc = set_irqs(vk, vk->irq_index, 0, vk->n_vectors, vk->vec_fd);
	if (rc)
		return rc < 0 ? rc : -ENOSPC;
	vk->irq_on = true;
	for (i = 0; i < vk->n_vectors; i++)
		if (vk->vec_fd[i] >= 0 && vk_sys->write(vk->vec_fd[i], &one, sizeof(one)) < 0 &&
		    errno != EAGAIN)
			rc = -errno; /* a full eventfd is readable already */
	return rc;
}

/* Gives vector an eventfd, or takes it away, in the kernel alone or with the whole index. */
static int change(struct vk_bus *vk, unsigned int vector, int32_t now)
{
	int32_t before = vk->vec_fd[vector];
	int rc = set_irqs(vk, vk->irq_index, vector, 1, &now);

	if (!rc) {
		vk->irq_on = true;
		vk->vec_fd[vector] = now;
		return 0;
	}
	if (now < 0) {
		vk->vec_fd[vector] = now; /* its owner closes it all the same */
		return rc;
	}
	if (rc != -EINVAL || !vk->noresize)
		return rc;
	vk->vec_fd[vector] = now;
	rc = set_anew(vk);
	if (!rc)
		return 0;
	vk->vec_fd[vector] = before;
	set_anew(vk); /* the others keep theirs */
	return rc;
}

int vk_irq_set(struct weft_bus *bus, unsigned int vector, int fd)
{
	struct vk_bus *vk = (struct vk_bus *)bus;
	int rc;

	if (vector >= vk->n_vectors)
		return -ERANGE;
	if (fd < 0 && vk->vec_fd[vector] < 0)
		return 0;
	rc = change(vk, vector, fd < 0 ? -1 : fd);
	if (rc && atomic_load(&vk->gone))
		return -ENODEV;
	if (rc > 0)
		rc = -ENOSPC; /* the kernel says how many vectors it has */
	return rc ? vk_fail(vk, rc, "interrupt vector %u: %s", vector, strerror(-rc)) : 0;
}
