/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of sysfs, proc and /dev. A tree may lie: by missing files, other kinds of files (a pipe would
 * block, a device node never end), numbers that are none, links to nowhere.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local.h"

#define NAMES_MAX 65536u

const char *sys_root(enum sys_root root)
{
	static const struct {
		const char *variable;
		const char *place;
	} roots[] = {
		[IN_SYS] = { "WEFT_SYSFS", "/sys" },
		[IN_PROC] = { "WEFT_PROC", "/proc" },
		[IN_DEV] = { "WEFT_DEV", "/dev" },
		[IN_ROOT] = { "WEFT_ROOT", "" },
	};
	const char *other = secure_getenv(roots[root].variable);

	return other && *other ? other : roots[root].place;
}

struct sys_safe sys_safe(const char *text)
{
	struct sys_safe s;
	size_t i;

	for (i = 0; i < 48 && text[i]; i++)
		s.text[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	strcpy(s.text + i, text[i] ? "..." : "");
	return s;
}

int sys_path(char to[SYS_PATH], enum sys_root root, const char *fmt, ...)
{
	int n = snprintf(to, SYS_PATH, "%s/", sys_root(root)), m;
	va_list ap;

	if (n < 0 || n >= SYS_PATH)
		return weft_set_error(-ENAMETOOLONG, "%s: path too long", sys_root(root));
	va_start(ap, fmt);
	m = vsnprintf(to + n, (size_t)(SYS_PATH - n), fmt, ap);
	va_end(ap);
	if (m < 0 || m >= SYS_PATH - n)
		return weft_set_error(-ENAMETOOLONG, "%s: path too long", to);
	return 0;
}

static int failed(const char *path)
{
	int err = errno;

	return weft_set_error(-err, "%s: %s", path, strerror(err));
}

int sys_read(char *to, size_t len, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = 0;
	size_t n = 0;
	struct stat st;
	ssize_t got = 0;

	if (fd < 0)
		return failed(path);
	if (fstat(fd, &st))
		rc = failed(path);
	else if (!S_ISREG(st.st_mode))
		rc = weft_set_error(-EIO, "%s is no regular file", path);
	while (!rc && n < len && (got = read(fd, to + n, len - n)) > 0)
		n += (size_t)got;
	if (!rc && got < 0)
		rc = failed(path);
	else if (!rc && n == len)
		rc = weft_set_error(-EFBIG, "%s holds more than %zu bytes", path, len - 1);
	close(fd);
	if (rc)
		return rc;
	to[n] = '\0';
	return (int)n;
}

int sys_line(char *to, size_t len, const char *path)
{
	char text[4097];
	int n = sys_read(text, sizeof(text), path), i;

	if (n < 0)
		return n;
	while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	for (i = 0; i < n; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return weft_set_error(-EIO, "%s: byte %d is no text", path, i);
	if ((size_t)n >= len)
		return weft_set_error(-EFBIG, "%s holds more than %zu characters", path, len - 1);
	memcpy(to, text, (size_t)n);
	to[n] = '\0';
	return 0;
}

int sys_number(int64_t *to, int base, int64_t lo, int64_t hi, const char *path)
{
	char text[WEFT_PCI_TEXT], *end;
	int rc = sys_line(text, sizeof(text), path);

	if (rc)
		return rc;
	errno = 0;
	*to = strtoll(text, &end, base);
	if (errno || end == text || *end || *to < lo || *to > hi)
		return weft_set_error(-EIO, "%s: \"%s\" is no number in %lld..%lld", path,
				      sys_safe(text).text, (long long)lo, (long long)hi);
	return 0;
}

int sys_link(char *to, size_t len, const char *path)
{
	char target[SYS_PATH], *name;
	ssize_t n = readlink(path, target, sizeof(target));
	struct stat st;

	if (n < 0)
		return errno == EINVAL ? weft_set_error(-EIO, "%s is no link", path) : failed(path);
	if ((size_t)n == sizeof(target))
		return weft_set_error(-EIO, "%s: its target is too long", path);
	target[n] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (stat(path, &st)) /* gone between the two: as if it had not been */
		return lstat(path, &st) ?
			       failed(path) :
			       weft_set_error(-EIO, "%s points to %s, which is not there", path,
					      sys_safe(target).text);
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || strlen(name) >= len ||
	    strcmp(sys_safe(name).text, name))
		return weft_set_error(-EIO, "%s: \"%s\" is no name", path, sys_safe(name).text);
	strcpy(to, name);
	return 0;
}

int sys_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_TRUNC), rc = 0;
	size_t n = strlen(text);
	ssize_t put;

	if (fd < 0)
		return failed(path);
	put = write(fd, text, n);
	if (put < 0)
		rc = failed(path);
	else if ((size_t)put != n)
		rc = weft_set_error(-EIO, "%s took %zd of %zu bytes", path, put, n);
	close(fd);
	return rc;
}

bool sys_exists(const char *path)
{
	struct stat st;

	return !stat(path, &st);
}

bool sys_param(const char *module, const char *name)
{
	char path[SYS_PATH], text[WEFT_PCI_TEXT];

	return !sys_path(path, IN_SYS, "module/%s/parameters/%s", module, name) &&
	       !sys_line(text, sizeof(text), path) && (text[0] == 'Y' || text[0] == '1');
}

int sys_each(const char *dir, sys_name_fn *fn, void *arg)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;
	struct dirent *e;
	int rc = 0;

	if (!d)
		return failed(dir);
	while (!rc && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		rc = ++n > NAMES_MAX ?
			     weft_set_error(-EFBIG, "%s: more than %u entries", dir, NAMES_MAX) :
			     fn(arg, e->d_name);
	}
	closedir(d);
	return rc;
}
