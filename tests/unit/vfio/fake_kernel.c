/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and fds of the fake kernel, and its table of system calls. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_kernel.h"

#define BAR_OFF (0ull << 40)
#define CONFIG_OFF (7ull << 40)

struct fk *fk;
static const struct vk_sys *real;

int fk_errno(int err)
{
	errno = err;
	return -1;
}

void fk_broken(const char *what)
{
	if (!fk->faults++)
		snprintf(fk->fault, sizeof(fk->fault), "%s", what);
}

bool fk_fails(void)
{
	if (++fk->calls != fk->fail_at)
		return false;
	fk->failed = true;
	errno = fk->fail_with;
	return true;
}

int fk_new_fd(enum fk_kind kind, const char *text)
{
	unsigned int i;

	for (i = 0; i < FK_MAX_FDS; i++)
		if (fk->fd[i].kind == FK_FREE) {
			fk->fd[i] = (struct fk_fd){ kind, text };
			return FK_FD + (int)i;
		}
	return fk_errno(EMFILE);
}

unsigned int fk_open_fds(void)
{
	unsigned int i, n = fk->n_real_fds;

	for (i = 0; i < FK_MAX_FDS; i++)
		n += fk->fd[i].kind != FK_FREE;
	return n;
}

static bool is_open(enum fk_kind kind)
{
	unsigned int i;

	for (i = 0; i < FK_MAX_FDS; i++)
		if (fk->fd[i].kind == kind)
			return true;
	return false;
}

static struct fk_fd *fd_of(int fd)
{
	static struct fk_fd none;

	if (fd < FK_FD || fd >= FK_FD + (int)FK_MAX_FDS || fk->fd[fd - FK_FD].kind == FK_FREE) {
		fk_broken("a call for an fd that is not open");
		return &none;
	}
	return &fk->fd[fd - FK_FD];
}

/* --- files ------------------------------------------------------------------------------------------ */

static int open_node(bool there, enum fk_kind kind)
{
	if (!there)
		return fk_errno(ENOENT);
	if (fk->open_error && kind != FK_CONTAINER && kind != FK_IOMMUFD)
		return fk_errno(fk->open_error);
	if ((kind == FK_GROUP && fk->others) ||
	    ((kind == FK_GROUP || kind == FK_DEVICE) && is_open(kind)))
		return fk_errno(EBUSY);
	if (kind == FK_DEVICE)
		fk->device_open = true;
	return fk_new_fd(kind, NULL);
}

static int f_open(const char *path, int flags)
{
	(void)flags;
	if (fk_fails())
		return -1;
	if (!strcmp(path, "/dev/vfio/vfio"))
		return open_node(fk->group, FK_CONTAINER);
	if (!strcmp(path, fk->no_iommu ? "/dev/vfio/noiommu-7" : "/dev/vfio/7"))
		return open_node(fk->group && fk->group_node, FK_GROUP);
	if (!strcmp(path, "/dev/vfio/devices/vfio3"))
		return open_node(fk->node, FK_DEVICE);
	if (!strcmp(path, "/dev/iommu"))
		return open_node(fk->iommufd, FK_IOMMUFD);
	if (!strcmp(path, "/sys/kernel/iommu_groups/7/name"))
		return fk->no_iommu ? fk_new_fd(FK_FILE, "vfio-noiommu\n") : fk_errno(ENOENT);
	if (!strcmp(path, "/proc/self/pagemap"))
		return fk_new_fd(FK_FILE, "pagemap");
	return fk_errno(ENOENT);
}

static int f_close(int fd)
{
	struct fk_fd *f;

	if (fd >= 0 && fd < FK_FD) {
		fk->n_real_fds--;
		return close(fd);
	}
	f = fd_of(fd);
	if (f->kind == FK_DEVICE)
		fk_device_closed();
	if ((f->kind == FK_CONTAINER || f->kind == FK_IOMMUFD) && fk->n_map)
		fk_broken("a container is closed with maps in it");
	if ((f->kind == FK_CONTAINER || f->kind == FK_IOMMUFD) && fk->device_open &&
	    (fk->bound || fk->iommu_set))
		fk_broken("a container is closed before its device");
	if (f->kind == FK_GROUP)
		fk->container_set = fk->iommu_set = false;
	if (f->kind == FK_IOMMUFD)
		fk->has_ioas = fk->bound = fk->attached = false;
	f->kind = FK_FREE;
	return 0;
}

static int f_ioctl(int fd, unsigned long request, void *arg)
{
	enum fk_kind kind = fd_of(fd)->kind;

	if (fk_fails())
		return -1;
	switch (kind) {
	case FK_CONTAINER:
		return fk_container_ioctl(request, arg);
	case FK_GROUP:
		return fk_group_ioctl(request, arg);
	case FK_IOMMUFD:
		return fk_iommufd_ioctl(request, arg);
	case FK_DEVICE:
		return fk_device_ioctl(request, arg);
	default:
		return fk_errno(ENOTTY);
	}
}

/* --- the device's fd --------------------------------------------------------------------------------- */

static bool mappable(uint64_t off, uint64_t len)
{
	unsigned int i;

	if (!fk->n_sparse)
		return off + len <= fk->bar_size;
	for (i = 0; i < fk->n_sparse; i++)
		if (off == fk->sparse[i].off && len == fk->sparse[i].len)
			return true;
	return false;
}

static void *f_mmap(size_t len, int fd, uint64_t offset)
{
	if (fk_fails())
		return MAP_FAILED;
	if (fd_of(fd)->kind != FK_DEVICE || !fk->bar_mmap || !mappable(offset - BAR_OFF, len)) {
		fk_broken("mmap of what cannot be mapped");
		errno = EINVAL;
		return MAP_FAILED;
	}
	fk->n_mmaps++;
	return fk->bar + (offset - BAR_OFF);
}

static int f_munmap(void *addr, size_t len)
{
	(void)len;
	if ((uint8_t *)addr < fk->bar || (uint8_t *)addr >= fk->bar + fk->bar_size ||
	    !fk->n_mmaps--)
		fk_broken("munmap of what is not mapped");
	return 0;
}

/* A page's number is its address, less a hole in the middle of each 16 pages. */
static ssize_t pagemap(void *buf, size_t len, uint64_t offset)
{
	uint64_t page = offset / 8,
		 entry = (1ull << 63) | ((page & ((1ull << 50) - 1)) + page / 16);

	memcpy(buf, &entry, len);
	return (ssize_t)len;
}

static ssize_t f_pread(int fd, void *buf, size_t len, uint64_t offset)
{
	const struct fk_fd *f = fd_of(fd);

	if (fk_fails())
		return -1;
	if (f->kind == FK_FILE)
		return pagemap(buf, len, offset);
	if (f->kind != FK_DEVICE)
		return fk_errno(EBADF);
	if (fk->removed)
		memset(buf, 0xff, len);
	else if (offset >= CONFIG_OFF && offset - CONFIG_OFF + len <= sizeof(fk->config))
		memcpy(buf, fk->config + (offset - CONFIG_OFF), len);
	else if (offset + len <= fk->bar_size)
		memcpy(buf, fk->bar + offset, len);
	else
		return fk_errno(EINVAL);
	return (ssize_t)len;
}

static ssize_t f_pwrite(int fd, const void *buf, size_t len, uint64_t offset)
{
	if (fk_fails())
		return -1;
	if (fd_of(fd)->kind != FK_DEVICE)
		return fk_errno(EBADF);
	if (fk->removed)
		return fk_errno(EIO);
	if (offset >= CONFIG_OFF && offset - CONFIG_OFF + len <= sizeof(fk->config))
		memcpy(fk->config + (offset - CONFIG_OFF), buf, len);
	else if (offset + len <= fk->bar_size)
		memcpy(fk->bar + offset, buf, len);
	else
		return fk_errno(EINVAL);
	return (ssize_t)len;
}

static ssize_t f_read(int fd, void *buf, size_t len)
{
	const struct fk_fd *f;
	size_t n;

	if (fk_fails())
		return -1;
	if (fd < FK_FD)
		return read(fd, buf, len);
	f = fd_of(fd);
	n = f->text ? strlen(f->text) : 0;
	n = n < len ? n : len;
	memcpy(buf, f->text ? f->text : "", n);
	return (ssize_t)n;
}

/* --- the rest ----------------------------------------------------------------------------------------- */

static int f_eventfd(void)
{
	int fd = fk_fails() ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	fk->n_real_fds += fd >= 0;
	return fd;
}

static int f_epoll(const int *fds, unsigned int n)
{
	int fd = fk_fails() ? -1 : real->epoll(fds, n);

	fk->n_real_fds += fd >= 0;
	return fd;
}

static ssize_t f_readlink(const char *path, char *buf, size_t len)
{
	static const char dev[] = "/sys/bus/pci/devices/";
	const char *target = NULL;
	char own[64], other[64];

	if (fk_fails())
		return -1;
	snprintf(own, sizeof(own), "%s" FK_BDF "/", dev);
	snprintf(other, sizeof(other), "%s%s/driver", dev, fk->sibling ? fk->sibling : "-");
	if (!strncmp(path, own, strlen(own))) {
		path += strlen(own);
		if (!strcmp(path, "subsystem"))
			target = "../../../bus/pci";
		else if (!strcmp(path, "iommu_group") && fk->group_node)
			target = fk->group_link;
		else if (!strcmp(path, "driver"))
			target = fk->driver;
	} else if (!strcmp(path, other)) {
		target = fk->sibling_driver;
	}
	if (!target)
		return fk_errno(ENOENT);
	if (strlen(target) < len)
		len = strlen(target);
	memcpy(buf, target, len);
	return (ssize_t)len;
}

static int f_list(const char *path, void (*each)(void *arg, const char *name), void *arg)
{
	if (fk_fails())
		return -1;
	if (!strcmp(path, "/sys/bus/pci/devices/" FK_BDF "/vfio-dev") && fk->node) {
		each(arg, fk->node_name);
		return 0;
	}
	if (strcmp(path, "/sys/kernel/iommu_groups/7/devices"))
		return fk_errno(ENOENT);
	each(arg, FK_BDF);
	if (fk->sibling)
		each(arg, fk->sibling);
	return 0;
}

static int f_memlock(uint64_t *bytes)
{
	*bytes = fk->memlock;
	return 0;
}

static int f_mlock(const void *addr, size_t len)
{
	(void)addr;
	if (fk_fails())
		return -1;
	fk->pinned += len;
	return 0;
}

static int f_munlock(const void *addr, size_t len)
{
	(void)addr;
	fk->pinned -= len;
	return 0;
}

static void f_nap(unsigned int ms)
{
	(void)ms;
}

static ssize_t f_write(int fd, const void *buf, size_t len)
{
	return write(fd, buf, len);
}

static bool f_readable(int fd)
{
	return real->readable(fd);
}

static const struct vk_sys fake = {
	.open = f_open,
	.close = f_close,
	.ioctl = f_ioctl,
	.mmap = f_mmap,
	.munmap = f_munmap,
	.pread = f_pread,
	.pwrite = f_pwrite,
	.read = f_read,
	.write = f_write,
	.readable = f_readable,
	.eventfd = f_eventfd,
	.epoll = f_epoll,
	.readlink = f_readlink,
	.list = f_list,
	.memlock = f_memlock,
	.mlock = f_mlock,
	.munlock = f_munlock,
	.nap = f_nap,
};

void fk_new(void)
{
	fk = calloc(1, sizeof(*fk));
	fk->driver = "../../../bus/pci/drivers/vfio-pci";
	fk->group_link = "../../../kernel/iommu_groups/7";
	fk->node_name = "vfio3";
	fk->node = fk->iommufd = fk->group = fk->group_node = true;
	fk->pcie = fk->flr = fk->bar_mmap = fk->noresize = fk->caps = true;
	fk->bar_size = FK_BAR_SIZE;
	fk->bar =
		mmap(NULL, FK_BAR_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(fk->bar, MAP_FAILED);
	fk->n_msix = fk->vectors_left = 128;
	/* An IOMMU of 39 bits, with the interrupts' window out of it. */
	fk->range[0] = (struct vk_range){ 0, 0xfedfffff };
	fk->range[1] = (struct vk_range){ 0xfef00000, (1ull << 39) - 1 };
	fk->n_range = 2;
	fk->pgsizes = 0x40201000;
	fk->dma_avail = 65535;
	fk->memlock = 64ull << 20;
	fk->map = calloc(FK_MAX_MAPS, sizeof(*fk->map));
	memcpy(fk->config, "\x36\x1b\x0e\x0f", 4);
	memset(fk->irq, 0xff, sizeof(fk->irq));
	if (!real)
		real = vk_sys;
	vk_sys = &fake;
}

void fk_free(void)
{
	vk_sys = real;
	munmap(fk->bar, FK_BAR_SIZE);
	free(fk->map);
	free(fk);
}

void fk_check_clean(void)
{
	ck_assert_msg(!fk->faults, "%u rules broken, the first: %s", fk->faults, fk->fault);
	ck_assert_msg(!fk_open_fds(), "%u fds are left open", fk_open_fds());
	ck_assert_msg(!fk->n_mmaps, "%u mappings of the BAR are left", fk->n_mmaps);
	ck_assert_msg(!fk->n_map && !fk->pinned, "%u DMA maps, %llu pinned bytes are left",
		      fk->n_map, (unsigned long long)fk->pinned);
}
