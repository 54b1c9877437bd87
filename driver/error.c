/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sentence behind weft_last_error: one buffer for each thread, so that handles on different
 * threads share nothing.
 */
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

static _Thread_local char text[256];

const char *weft_last_error(void)
{
	return text;
}

/* Notes the sentence and returns err, so that a function can end with it. */
int weft_set_error(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err;
}
