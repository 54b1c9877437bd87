/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for libxrt: one board that takes any container. Writes each call into the file
 * FAKE_XRT_LOG; FAKE_XRT_FAIL is the call that fails, FAKE_XRT_LIE the one that gives a wrong UUID,
 * FAKE_XRT_ERRNO what failing leaves in errno (EIO).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	char uuid[16];
	int open, loaded, allocated;
} board;

static void note(const char *fmt, ...)
{
	const char *path = getenv("FAKE_XRT_LOG");
	FILE *f = path ? fopen(path, "a") : NULL;
	va_list ap;

	if (!f)
		return;
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static int is(const char *variable, const char *call)
{
	const char *v = getenv(variable);

	return v && !strcmp(v, call);
}

static int fails(const char *call)
{
	const char *err = getenv("FAKE_XRT_ERRNO");

	if (!is("FAKE_XRT_FAIL", call))
		return 0;
	errno = err ? atoi(err) : EIO;
	return 1;
}

static void give(const char *call, unsigned char *to, const char *uuid)
{
	memcpy(to, uuid, 16);
	if (is("FAKE_XRT_LIE", call))
		to[15] ^= 1;
}

static void *opened(const char *call)
{
	const char *home = getenv("XILINX_XRT");
	char path[4096], *real;

	snprintf(path, sizeof(path), "%s/lib", home ? home : "");
	real = realpath(path, NULL);
	note("XILINX_XRT %s\nhome %s\n", home ? home : "none", real ? real : "none");
	free(real);
	if (fails(call))
		return NULL;
	board.open++;
	return &board;
}

void *xrtDeviceOpen(unsigned int index);
void *xrtDeviceOpen(unsigned int index)
{
	note("xrtDeviceOpen %u\n", index);
	return opened("xrtDeviceOpen");
}

void *xrtDeviceOpenByBDF(const char *bdf);
void *xrtDeviceOpenByBDF(const char *bdf)
{
	note("xrtDeviceOpenByBDF %s\n", bdf);
	return opened("xrtDeviceOpenByBDF");
}

int xrtDeviceClose(void *dev);
int xrtDeviceClose(void *dev)
{
	note("xrtDeviceClose %d\n", dev == &board && board.open-- == 1);
	return fails("xrtDeviceClose") ? -1 : 0;
}

void *xrtXclbinAllocRawData(const char *data, int size);
void *xrtXclbinAllocRawData(const char *data, int size)
{
	note("xrtXclbinAllocRawData %d\n", size);
	if (fails("xrtXclbinAllocRawData"))
		return NULL;
	memcpy(board.uuid, data + 416, sizeof(board.uuid));
	board.allocated++;
	return board.uuid;
}

int xrtXclbinFreeHandle(void *xclbin);
int xrtXclbinFreeHandle(void *xclbin)
{
	note("xrtXclbinFreeHandle %d\n", xclbin == board.uuid && board.allocated-- == 1);
	return fails("xrtXclbinFreeHandle") ? -1 : 0;
}

#ifndef WITHOUT_UUID
int xrtXclbinGetUUID(void *xclbin, unsigned char *uuid);
int xrtXclbinGetUUID(void *xclbin, unsigned char *uuid)
{
	note("xrtXclbinGetUUID\n");
	if (fails("xrtXclbinGetUUID"))
		return -1;
	give("xrtXclbinGetUUID", uuid, xclbin);
	return 0;
}
#endif

int xrtDeviceLoadXclbinHandle(void *dev, void *xclbin);
int xrtDeviceLoadXclbinHandle(void *dev, void *xclbin)
{
	note("xrtDeviceLoadXclbinHandle %d\n", dev == &board && xclbin == board.uuid);
	if (fails("xrtDeviceLoadXclbinHandle"))
		return -errno;
	board.loaded = 1;
	return 0;
}

int xrtDeviceGetXclbinUUID(void *dev, unsigned char *uuid);
int xrtDeviceGetXclbinUUID(void *dev, unsigned char *uuid)
{
	note("xrtDeviceGetXclbinUUID %d\n", dev == &board && board.loaded);
	if (fails("xrtDeviceGetXclbinUUID"))
		return -1;
	give("xrtDeviceGetXclbinUUID", uuid, board.uuid);
	return 0;
}
