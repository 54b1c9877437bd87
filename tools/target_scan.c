/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys that occur twice in an object: JSON readers keep the last one and say nothing, and a second
 * "allowed_hosts" is no small matter. One pass over text that json-c has accepted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target_config.h"

struct key {
	const char *text;
	size_t len;
};

struct scan {
	const char *text;
	const char *at;
	const char *end;
	struct key *keys; /* of all open objects, the innermost last */
	size_t count;
	size_t room;
	size_t first[TARGET_DEPTH_MAX + 2]; /* where an open object's begin; SIZE_MAX: an array */
	unsigned int depth;
	struct key bad;
};

static int by_text(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	int rc = memcmp(x->text, y->text, n);

	if (rc)
		return rc;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->text < y->text ? -1 : 1;
}

static int open_level(struct scan *s, bool object)
{
	if (s->depth > TARGET_DEPTH_MAX)
		return -EINVAL;
	s->first[s->depth++] = object ? s->count : SIZE_MAX;
	return 0;
}

static int close_level(struct scan *s)
{
	size_t first, i;

	if (!s->depth)
		return -EINVAL;
	first = s->first[--s->depth];
	if (first == SIZE_MAX || s->count == first)
		return 0;
	qsort(s->keys + first, s->count - first, sizeof(*s->keys), by_text);
	for (i = first + 1; i < s->count; i++) {
		const struct key *a = &s->keys[i - 1], *b = &s->keys[i];

		if (a->len == b->len && !memcmp(a->text, b->text, a->len)) {
			s->bad = *b;
			return -EINVAL;
		}
	}
	s->count = first;
	return 0;
}

static int add_key(struct scan *s, struct key key)
{
	if (memchr(key.text, '\\', key.len)) {
		s->bad = key;
		return -EINVAL;
	}
	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		struct key *more = realloc(s->keys, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->keys = more;
		s->room = room;
	}
	s->keys[s->count++] = key;
	return 0;
}

/* A string, whose opening quote has been passed; a key when a colon follows. */
static int string(struct scan *s)
{
	struct key key = { .text = s->at };

	while (s->at < s->end && *s->at != '"')
		s->at += *s->at == '\\' ? 2 : 1;
	if (s->at >= s->end)
		return -EINVAL;
	key.len = (size_t)(s->at++ - key.text);
	while (s->at < s->end && strchr(" \t\r\n", *s->at) && *s->at)
		s->at++;
	return s->at < s->end && *s->at == ':' ? add_key(s, key) : 0;
}

static int walk(struct scan *s)
{
	int rc = 0;

	while (!rc && s->at < s->end) {
		char c = *s->at++;

		if (c == '"') {
			rc = string(s);
		} else if (c == '\'') { /* some versions of json-c take it as a quote */
			s->bad = (struct key){ s->at - 1, 1 };
			rc = -EINVAL;
		} else if (c == '{' || c == '[') {
			rc = open_level(s, c == '{');
		} else if (c == '}' || c == ']') {
			rc = close_level(s);
		}
	}
	return rc;
}

int target_scan_keys(const char *text, size_t len, char *key, size_t key_len, unsigned int *line)
{
	struct scan s = { .text = text, .at = text, .end = text + len };
	const char *p;
	int rc = walk(&s);

	*line = 1;
	if (rc) {
		snprintf(key, key_len, "%.*s", (int)(s.bad.len < key_len ? s.bad.len : key_len),
			 s.bad.text ? s.bad.text : "");
		for (p = text; s.bad.text && p < s.bad.text; p++)
			*line += *p == '\n';
	}
	free(s.keys);
	return rc;
}
