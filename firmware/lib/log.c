/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/log.h"

#include "lib/timer.h"

#define LINE 120
#define BURST 8

struct out {
	char *p, *end;
};

static uint32_t log_pos;
static uint32_t limit_tick, limit_left;

static void put(struct out *o, char c)
{
	if (o->p < o->end)
		*o->p++ = c;
}

static void put_num(struct out *o, uint32_t v, uint32_t base, unsigned width, char pad)
{
	char tmp[10];
	unsigned n = 0;

	do {
		tmp[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	for (; width > n; width--)
		put(o, pad);
	while (n)
		put(o, tmp[--n]);
}

static void put_ip(struct out *o, uint32_t ip)
{
	for (int s = 24; s >= 0; s -= 8) {
		put_num(o, ip >> s & 255, 10, 0, ' ');
		if (s)
			put(o, '.');
	}
}

static void put_int(struct out *o, int v)
{
	if (v < 0)
		put(o, '-');
	put_num(o, v < 0 ? 0u - (uint32_t)v : (uint32_t)v, 10, 0, ' ');
}

static void put_str(struct out *o, const char *s)
{
	while (*s)
		put(o, *s++);
}

uint32_t fmt_line(char *buf, uint32_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, buf + size };

	for (; *fmt; fmt++) {
		char pad = ' ';
		unsigned width = 0;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		if (*++fmt == '0')
			pad = '0';
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + (unsigned)(*fmt - '0');
		switch (*fmt) {
		case 'u':
			put_num(&o, va_arg(ap, unsigned), 10, width, pad);
			break;
		case 'x':
			put_num(&o, va_arg(ap, unsigned), 16, width, pad);
			break;
		case 'd':
			put_int(&o, va_arg(ap, int));
			break;
		case 's':
			put_str(&o, va_arg(ap, const char *));
			break;
		case 'c':
			put(&o, (char)va_arg(ap, int));
			break;
		case 'I':
			put_ip(&o, va_arg(ap, unsigned));
			break;
		case '\0':
			return (uint32_t)(o.p - buf);
		default:
			put(&o, *fmt);
		}
	}
	return (uint32_t)(o.p - buf);
}

static void log_va(const char *fmt, va_list ap)
{
	char line[LINE];
	uint32_t n = fmt_line(line, LINE - 1, fmt, ap);

	line[n++] = '\n';
	hal_log_write(log_pos, line, n);
	log_pos += n;
	hal_log_tail(log_pos);
}

void log_init(void)
{
	log_pos = 0;
	limit_left = BURST;
	limit_tick = clk_now();
}

void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_va(fmt, ap);
	va_end(ap);
}

void log_limited(const char *fmt, ...)
{
	uint32_t now = clk_now();
	va_list ap;

	if (now - limit_tick > 1000) {
		limit_tick = now;
		limit_left = BURST;
	}
	if (!limit_left)
		return;
	limit_left--;
	va_start(ap, fmt);
	log_va(fmt, ap);
	va_end(ap);
}
