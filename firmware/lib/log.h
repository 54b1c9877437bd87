/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log ring that the host reads. One line per call, a newline is added. Formats: %u %d %x (with a
 * field of zeros: %08x) %s %c %% and %I, an IPv4 address as a number. Not for the normal path: one
 * line costs a few hundred instructions. log_limited lets at most a few lines a second through, for
 * what a peer can provoke.
 */
#ifndef FW_LOG_H
#define FW_LOG_H

#include <stdarg.h>
#include <stdint.h>

void log_init(void);
void log_line(const char *fmt, ...);
void log_limited(const char *fmt, ...);
/* bytes written, no terminator */
uint32_t fmt_line(char *buf, uint32_t size, const char *fmt, va_list ap);

#endif
