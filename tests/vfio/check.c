/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <weft/dev.h>

#include "check.h"

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_FRAME ((1ull << 55) - 1)

void check(bool ok, const char *fmt, ...)
{
	char said[256];
	va_list ap;

	/* The library's sentence is gone with the next call into it. */
	snprintf(said, sizeof(said), "%s", weft_last_error());
	fputs(ok ? "ok: " : "FAILED: ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	if (!ok && *said)
		printf(" (%s)", said);
	puts("");
	fflush(stdout);
	if (!ok)
		exit(1);
}

uint8_t *page_new(unsigned int n, uint8_t fill)
{
	uint8_t *page = mmap(NULL, (size_t)n * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || mlock(page, (size_t)n * PAGE)) {
		printf("FAILED: %u pages of memory: %s\n", n, strerror(errno));
		exit(1);
	}
	memset(page, fill, (size_t)n * PAGE);
	return page;
}

bool page_is(const uint8_t *page, uint8_t fill, size_t len)
{
	const volatile uint8_t *byte = page;
	size_t i;

	for (i = 0; i < len; i++)
		if (byte[i] != fill)
			return false;
	return true;
}

uint64_t page_physical(const void *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;
	off_t at = (off_t)((uintptr_t)page / PAGE * sizeof(entry));

	if (fd < 0 || pread(fd, &entry, sizeof(entry), at) != (ssize_t)sizeof(entry) ||
	    !(entry & PAGEMAP_PRESENT) || !(entry & PAGEMAP_FRAME)) {
		puts("FAILED: /proc/self/pagemap does not tell where a page lies");
		exit(1);
	}
	close(fd);
	return (entry & PAGEMAP_FRAME) * PAGE;
}

void nap(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}
