// SPDX-License-Identifier: BSD-2-Clause
/* console.c - standard output of a program on weft-core-run, for picolibc's stdio. */
#include <stdio.h>

#define PUTC (*(volatile unsigned char *)0x10000000)

static int console_putc(char c, FILE *file)
{
	(void)file;
	PUTC = c;
	return (unsigned char)c;
}

static FILE console = FDEV_SETUP_STREAM(console_putc, NULL, NULL, _FDEV_SETUP_WRITE);

FILE *const stdin = &console;
FILE *const stdout = &console;
FILE *const stderr = &console;
