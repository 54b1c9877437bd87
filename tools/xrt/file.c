/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole files in and out for weft xclbin. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

int xclbin_say(int err, const char *fmt, ...)
{
	va_list ap;

	fputs("weft: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return err;
}

static int read_all(int fd, uint8_t *to, size_t size)
{
	while (size) {
		ssize_t n = read(fd, to, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ENODATA;
		to += n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_all(int fd, const uint8_t *from, size_t size)
{
	while (size) {
		ssize_t n = write(fd, from, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		from += n;
		size -= (size_t)n;
	}
	return 0;
}

int xclbin_read(const char *path, uint8_t **data, size_t *size)
{
	/* not blocked by a FIFO without a writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;

	*data = NULL;
	if (fd < 0)
		return xclbin_say(-errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st))
		rc = xclbin_say(-errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = xclbin_say(-EINVAL, "%s: not a regular file", path);
	else if (!st.st_size || (uint64_t)st.st_size > XCLBIN_SIZE_MAX)
		rc = xclbin_say(-EINVAL, "%s: %lld bytes; 1 byte to 2 GiB can be used", path,
				(long long)st.st_size);
	if (!rc) {
		*size = (size_t)st.st_size;
		*data = malloc(*size);
		rc = *data ? read_all(fd, *data, *size) : -ENOMEM;
		if (rc)
			xclbin_say(rc, "%s: %s", path,
				   rc == -ENODATA ? "became shorter while it was read" :
						    strerror(-rc));
	}
	close(fd);
	if (rc) {
		free(*data);
		*data = NULL;
	}
	return rc;
}

/* As open() would have made it; mkstemp() lets nobody else read. */
static int usual_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0666 & ~mask) ? -errno : 0;
}

int xclbin_write(const char *path, const uint8_t *data, size_t size)
{
	char *temp;
	int fd, rc;

	if (asprintf(&temp, "%s.XXXXXX", path) < 0)
		return xclbin_say(-ENOMEM, "%s: out of memory", path);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		rc = xclbin_say(-errno, "%s: %s", temp, strerror(errno));
		free(temp);
		return rc;
	}
	rc = usual_mode(fd);
	if (!rc)
		rc = write_all(fd, data, size);
	if (!rc && fsync(fd))
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && rename(temp, path))
		rc = -errno;
	if (rc) {
		unlink(temp);
		xclbin_say(rc, "%s: %s", path, strerror(-rc));
	}
	free(temp);
	return rc;
}

int xclbin_load_file(const char *path, struct xclbin *x, uint8_t **data)
{
	size_t size;
	int rc = xclbin_read(path, data, &size);

	if (rc)
		return rc;
	rc = xclbin_open(x, *data, size);
	if (rc) {
		xclbin_say(rc, "%s: %s", path, x->fault);
		xclbin_close(x);
		free(*data);
		*data = NULL;
	}
	return rc;
}
