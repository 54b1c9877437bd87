/* SPDX-License-Identifier: BSD-2-Clause */
/* Files in and out. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"

/* Reads to the file's end; *len: bytes read, at most room. -errno. */
static int read_all(int fd, uint8_t *to, size_t room, size_t *len)
{
	ssize_t n;

	for (*len = 0; *len < room; *len += (size_t)n) {
		n = read(fd, to + *len, room - *len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -errno;
		else if (!n)
			break;
	}
	return 0;
}

/* What there is room for: a regular file's size, else the most that is allowed. One byte more. */
static size_t room_for(int fd, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		return max + 1;
	return (size_t)st.st_size + 1;
}

int image_read(const char *path, size_t max, uint8_t **data, size_t *len)
{
	int rc, fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *to;
	size_t room;

	if (fd < 0)
		return image_fail("%s: %s", path, strerror(errno));
	room = room_for(fd, max);
	to = malloc(room);
	if (!to) {
		close(fd);
		return image_fail("%s: no memory for %zu bytes", path, room);
	}
	rc = read_all(fd, to, room, len);
	close(fd);
	if (!rc && *len <= max && *len < room) {
		*data = to;
		return 0;
	}
	free(to);
	if (rc)
		return image_fail("%s: %s", path, strerror(-rc));
	if (room <= max)
		return image_fail("%s: grew while it was read", path);
	return image_fail("%s: larger than %zu bytes", path, max);
}

int image_taken(const char *path, bool force)
{
	struct stat st;

	if (lstat(path, &st))
		return 0;
	if (!force)
		return image_fail("%s: is there already (--force replaces it)", path);
	if (!S_ISREG(st.st_mode)) /* a new file in place of a device is not what was wanted */
		return image_fail("%s: no regular file", path);
	return 0;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

/* A new file beside path, open for writing; its name goes to tmp. -errno. */
static int open_beside(const char *path, mode_t mode, char *tmp, size_t size)
{
	unsigned int try;
	int fd = -1;

	for (try = 0; try < 100; try++) {
		if ((size_t)snprintf(tmp, size, "%s.tmp-%d-%u", path, (int)getpid(), try) >= size)
			return -ENAMETOOLONG;
		fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* To its name; without force only when nothing is there, also when it came only now. -errno. */
static int move(const char *tmp, const char *path, bool force)
{
	if (force)
		return rename(tmp, path) ? -errno : 0;
	if (!renameat2(AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(tmp, path)) /* a file system without that flag */
		return -errno;
	unlink(tmp);
	return 0;
}

int image_write(const char *path, const void *data, size_t len, mode_t mode, bool force)
{
	char tmp[4096];
	int rc, fd;

	if (image_taken(path, force))
		return 1;
	fd = open_beside(path, mode, tmp, sizeof(tmp));
	if (fd < 0)
		return image_fail("%s: %s", path, strerror(-fd));
	rc = write_all(fd, data, len);
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc)
		rc = move(tmp, path, force);
	if (!rc)
		return 0;
	unlink(tmp);
	return image_fail("%s: %s", path, strerror(-rc));
}
