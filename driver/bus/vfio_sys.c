/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls of the Linux VFIO bus. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "vfio.h"

static int sys_open(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC);
}

static int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg);
}

static void *sys_mmap(size_t len, int fd, uint64_t offset)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
}

static ssize_t sys_pread(int fd, void *buf, size_t len, uint64_t offset)
{
	return pread(fd, buf, len, (off_t)offset);
}

static ssize_t sys_pwrite(int fd, const void *buf, size_t len, uint64_t offset)
{
	return pwrite(fd, buf, len, (off_t)offset);
}

static int sys_eventfd(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static int sys_epoll(const int *fds, unsigned int n)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), saved;
	unsigned int i;

	for (i = 0; ep >= 0 && i < n; i++) {
		struct epoll_event ev = { .events = EPOLLIN };

		if (fds[i] < 0 || !epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev))
			continue;
		saved = errno;
		close(ep);
		errno = saved;
		return -1;
	}
	return ep;
}

static bool sys_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

static int sys_list(const char *path, void (*each)(void *arg, const char *name), void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	if (!dir)
		return -1;
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.')
			each(arg, d->d_name);
	closedir(dir);
	return 0;
}

static int sys_memlock(uint64_t *bytes)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_MEMLOCK, &lim))
		return -1;
	*bytes = lim.rlim_cur == RLIM_INFINITY ? UINT64_MAX : lim.rlim_cur;
	return 0;
}

static void sys_nap(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static const struct vk_sys real_sys = {
	.open = sys_open,
	.close = close,
	.ioctl = sys_ioctl,
	.mmap = sys_mmap,
	.munmap = munmap,
	.pread = sys_pread,
	.pwrite = sys_pwrite,
	.read = read,
	.write = write,
	.readable = sys_readable,
	.eventfd = sys_eventfd,
	.epoll = sys_epoll,
	.readlink = readlink,
	.list = sys_list,
	.memlock = sys_memlock,
	.mlock = mlock,
	.munlock = munlock,
	.nap = sys_nap,
};

const struct vk_sys *vk_sys = &real_sys;

int vk_ioctl(int fd, unsigned long request, void *arg)
{
	int rc;

	do
		rc = vk_sys->ioctl(fd, request, arg);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

void vk_close_fd(int *fd)
{
	if (*fd >= 0)
		vk_sys->close(*fd);
	*fd = -1;
}

int vk_link_name(const char *path, char *name, size_t room)
{
	char target[512];
	ssize_t n = vk_sys->readlink(path, target, sizeof(target) - 1);
	const char *last;

	if (n < 0)
		return -errno;
	target[n] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (!*last || strlen(last) >= room)
		return -ENAMETOOLONG;
	strcpy(name, last);
	return 0;
}
