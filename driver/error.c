/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sentence behind weft_last_error: one buffer for each thread, so that handles on different
 * threads share nothing.
 */
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

static _Thread_local char text[256];
static _Thread_local unsigned int count; /* of sentences */

const char *weft_last_error(void)
{
	return text;
}

/* Notes the sentence and returns err, so that a function can end with it. */
int weft_set_error(int err, const char *fmt, ...)
{
	va_list ap;

	count++;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err;
}

unsigned int weft__sentences(void)
{
	return count;
}

int weft__bus_failed(unsigned int before, int err, const char *fmt, ...)
{
	va_list ap;

	if (count != before)
		return err;
	count++;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err;
}
