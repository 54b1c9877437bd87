/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON objects by tables; texts, names and files. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target_fields.h"

/* --- messages ----------------------------------------------------------------------------------- */

static void say(struct reader *r, const char *place, const char *fmt, va_list ap)
{
	int n = snprintf(r->err, r->err_len, "%s: %s%s", r->file, place, *place ? ": " : "");

	if (n >= 0 && (size_t)n < r->err_len)
		vsnprintf(r->err + n, r->err_len - (size_t)n, fmt, ap);
}

int reader_fail(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(r, r->path, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int reader_fail_at(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(r, "", fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int reader_no_memory(struct reader *r)
{
	reader_fail_at(r, "no memory");
	return -ENOMEM;
}

static void note(struct reader *r, const char *what)
{
	char line[512];

	if (!r->note)
		return;
	snprintf(line, sizeof(line), "%s: %s: %s", r->file, r->path, what);
	r->note(r->arg, line);
}

/* --- where we are ------------------------------------------------------------------------------- */

static size_t step(struct reader *r, const char *text)
{
	size_t mark = r->at;
	int n = snprintf(r->path + mark, sizeof(r->path) - mark, "%s%s",
			 mark && *text != '[' ? "." : "", text);

	r->at = mark + (size_t)n;
	if (r->at >= sizeof(r->path))
		r->at = sizeof(r->path) - 1;
	return mark;
}

size_t reader_index(struct reader *r, size_t i)
{
	char text[32];

	snprintf(text, sizeof(text), "[%zu]", i);
	return step(r, text);
}

void reader_back(struct reader *r, size_t mark)
{
	r->at = mark;
	r->path[mark] = '\0';
}

/* --- values ------------------------------------------------------------------------------------- */

int reader_string(struct reader *r, struct json_object *v, const char **s)
{
	if (!json_object_is_type(v, json_type_string))
		return reader_fail(r, "must be a string");
	*s = json_object_get_string(v);
	if (strlen(*s) != (size_t)json_object_get_string_len(v))
		return reader_fail(r, "has a NUL character in it");
	return 0;
}

int reader_array(struct reader *r, struct json_object *v, size_t *n)
{
	*n = 0;
	if (!json_object_is_type(v, json_type_array))
		return reader_fail(r, "must be an array");
	*n = json_object_array_length(v);
	return 0;
}

/* The number in a text: decimal or 0x, with K, M, G or T behind it where a size may stand. */
static int from_text(const char *s, bool size, uint64_t *n)
{
	static const char units[] = "kmgtKMGT";
	const char *unit;
	uint64_t v;
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, s[0] == '0' && (s[1] | 32) == 'x' ? 16 : 10);
	if (errno || end == s)
		return -EINVAL;
	unit = size && *end ? strchr(units, *end) : NULL;
	if (unit) {
		unsigned int shift = 10 * (unsigned int)((unit - units) % 4 + 1);

		if (v > UINT64_MAX >> shift)
			return -EINVAL;
		v <<= shift;
		end++;
	}
	*n = v;
	return *end ? -EINVAL : 0;
}

static int number(struct reader *r, struct json_object *v, bool size, uint64_t lo, uint64_t hi,
		  uint64_t *n)
{
	uint64_t got = 0;
	bool ok = true;

	if (json_object_is_type(v, json_type_string)) {
		const char *s;
		int rc = reader_string(r, v, &s);

		if (rc)
			return rc;
		if (from_text(s, size, &got))
			return reader_fail(r, "\"%.60s\" is no %s", s, size ? "size" : "number");
	} else if (json_object_is_type(v, json_type_int)) {
		ok = json_object_get_int64(v) >= 0;
		got = json_object_get_uint64(v);
	} else {
		return reader_fail(r, "must be a %s", size ? "size" : "number");
	}
	if (!ok || got < lo || got > hi)
		return reader_fail(r, "%s is not in %llu to %llu", json_object_get_string(v),
				   (unsigned long long)lo, (unsigned long long)hi);
	*n = got;
	return 0;
}

int reader_number(struct reader *r, struct json_object *v, uint64_t lo, uint64_t hi, uint64_t *n)
{
	return number(r, v, false, lo, hi, n);
}

static int take_number(struct reader *r, struct json_object *v, const struct field *f, void *to)
{
	uint64_t n;
	int rc = number(r, v, f->kind == FIELD_SIZE, f->lo, f->hi, &n);

	if (rc)
		return rc;
	if (f->multiple && n % f->multiple)
		return reader_fail(r, "%llu is no multiple of %llu", (unsigned long long)n,
				   (unsigned long long)f->multiple);
	if (f->power && n & (n - 1))
		return reader_fail(r, "%llu is no power of two", (unsigned long long)n);
	/* Fields are unsigned and the machine is little-endian: the low bytes are the value. */
	memcpy((char *)to + f->offset, &n, f->size);
	return 0;
}

static int truth(struct reader *r, struct json_object *v, bool *yes)
{
	const char *s = json_object_is_type(v, json_type_boolean) ? NULL :
								    json_object_get_string(v);

	if (!s && v) {
		*yes = json_object_get_boolean(v);
		return 0;
	}
	if (!s || (strcmp(s, "0") && strcmp(s, "1")))
		return reader_fail(r, "must be true, false, 1 or 0");
	*yes = *s == '1';
	return 0;
}

static int take_zero(struct reader *r, struct json_object *v)
{
	bool on;
	int rc = truth(r, v, &on);

	return rc || !on ? rc : reader_fail(r, "is not supported; only 0 is possible");
}

static int take_field(struct reader *r, struct json_object *v, const struct field *f, void *to)
{
	switch (f->kind) {
	case FIELD_NUMBER:
	case FIELD_SIZE:
		return take_number(r, v, f, to);
	case FIELD_BOOL:
		return truth(r, v, (bool *)((char *)to + f->offset));
	case FIELD_OTHER:
		return f->take(r, v, f->size ? (char *)to + f->offset : to);
	case FIELD_IGNORED:
		note(r, "ignored: it has no meaning here");
		return 0;
	case FIELD_ZERO:
		return take_zero(r, v);
	case FIELD_UNSUPPORTED:
		break;
	}
	return reader_fail(r, "is not supported");
}

static const struct field *find(const struct field *fields, size_t n, const char *key)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(fields[i].key, key))
			return &fields[i];
	return NULL;
}

int reader_object(struct reader *r, struct json_object *v, const struct field *fields, size_t n,
		  void *to)
{
	struct json_object_iterator it, end;
	size_t i, mark;
	int rc;

	if (!json_object_is_type(v, json_type_object))
		return reader_fail(r, "must be an object");
	it = json_object_iter_begin(v);
	end = json_object_iter_end(v);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		const char *key = json_object_iter_peek_name(&it);
		const struct field *f = find(fields, n, key);

		if (!f)
			return reader_fail(r, "unknown key \"%.60s\"", key);
		mark = step(r, key);
		rc = take_field(r, json_object_iter_peek_value(&it), f, to);
		if (rc)
			return rc;
		reader_back(r, mark);
	}
	for (i = 0; i < n; i++)
		if (fields[i].required && !json_object_object_get_ex(v, fields[i].key, NULL))
			return reader_fail(r, "\"%s\" is missing", fields[i].key);
	return 0;
}

/* --- text --------------------------------------------------------------------------------------- */

static void line_column(const char *text, size_t at, unsigned int *line, unsigned int *column)
{
	size_t i;

	*line = *column = 1;
	for (i = 0; i < at; i++) {
		(*column)++;
		if (text[i] == '\n') {
			(*line)++;
			*column = 1;
		}
	}
}

static int syntax(struct reader *r, const char *text, size_t at, const char *what)
{
	unsigned int line, column;

	line_column(text, at, &line, &column);
	return reader_fail_at(r, "line %u, column %u: %s", line, column, what);
}

static int check_keys(struct reader *r, const char *text, size_t len)
{
	unsigned int line;
	char key[64];
	int rc = target_scan_keys(text, len, key, sizeof(key), &line);

	if (rc == -ENOMEM)
		return reader_no_memory(r);
	if (rc && *key == '\'')
		return reader_fail_at(r, "line %u: strings stand in double quotes", line);
	if (rc && strchr(key, '\\'))
		return reader_fail_at(r, "line %u: the key \"%s\": no escapes in keys, please",
				      line, key);
	return rc ? reader_fail_at(r, "line %u: the key \"%s\" is there twice in one object", line,
				   key) :
		    0;
}

int reader_text(struct reader *r, const char *text, size_t len, struct json_object **root)
{
	struct json_tokener *t;
	enum json_tokener_error e;
	size_t at;
	int rc = 0;

	if (len > TARGET_FILE_MAX)
		return reader_fail_at(r, "is greater than %u MiB", TARGET_FILE_MAX >> 20);
	t = json_tokener_new_ex(TARGET_DEPTH_MAX);
	if (!t)
		return reader_no_memory(r);
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	*root = json_tokener_parse_ex(t, text, (int)len);
	e = json_tokener_get_error(t);
	at = json_tokener_get_parse_end(t);
	if (e == json_tokener_continue)
		rc = syntax(r, text, len, "the file ends in the middle");
	else if (e == json_tokener_error_depth)
		rc = syntax(r, text, at, "nested too deeply");
	else if (e != json_tokener_success)
		rc = syntax(r, text, at, json_tokener_error_desc(e));
	for (; !rc && at < len; at++)
		if (!text[at] || !strchr(" \t\r\n", text[at]))
			rc = syntax(r, text, at, "more behind the end");
	json_tokener_free(t);
	if (!rc)
		rc = check_keys(r, text, len);
	if (rc)
		json_object_put(*root);
	return rc;
}

/* --- names -------------------------------------------------------------------------------------- */

int target_names_add(struct target_names *names, const char *name)
{
	char **more;

	/* room for 1, 2, 4, 8, ... */
	if (!(names->count & (names->count - 1))) {
		size_t room = names->count ? 2 * names->count : 1;

		more = realloc(names->name, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		names->name = more;
	}
	names->name[names->count] = strdup(name);
	if (!names->name[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

bool target_names_have(const struct target_names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		if (!strcmp(names->name[i], name))
			return true;
	return false;
}

static void names_free(struct target_names *names)
{
	while (names->count)
		free(names->name[--names->count]);
	free(names->name);
}

const struct target_subsys *target_config_subsys(const struct target_config *config,
						 const char *nqn)
{
	size_t i;

	for (i = 0; i < config->n_subsys; i++)
		if (!strcmp(config->subsys[i].nqn, nqn))
			return &config->subsys[i];
	return NULL;
}

static bool digits(const char *s, unsigned int n)
{
	for (; n; n--, s++)
		if (*s < '0' || *s > '9')
			return false;
	return true;
}

const char *target_nqn_fault(const char *nqn)
{
	const char *p;

	if (strlen(nqn) > NVME_NQN_MAX)
		return "longer than 223 bytes";
	/* stops at the NUL, wherever that comes */
	if (strncmp(nqn, "nqn.", 4) || !digits(nqn + 4, 4) || nqn[8] != '-' ||
	    !digits(nqn + 9, 2) || nqn[11] != '.' || !nqn[12])
		return "must begin with nqn.yyyy-mm. and go on with a name";
	for (p = nqn; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return "has blanks or control characters in it";
	return NULL;
}

/* --- files -------------------------------------------------------------------------------------- */

void target_config_free(struct target_config *config)
{
	size_t i, j;

	for (i = 0; i < config->n_ports; i++)
		names_free(&config->ports[i].subsys);
	for (i = 0; i < config->n_subsys; i++) {
		struct target_subsys *s = &config->subsys[i];

		for (j = 0; j < s->n_ns; j++)
			free(s->ns[j].path);
		free(s->ns);
		names_free(&s->allowed);
	}
	names_free(&config->hosts);
	free(config->ports);
	free(config->subsys);
	free(config->device);
	memset(config, 0, sizeof(*config));
}

/* Up to one byte more than is allowed, so that a file that is too long is seen. */
static int read_all(int fd, char **text, size_t *len)
{
	size_t room = 64 << 10;
	ssize_t n = 1;

	*len = 0;
	*text = malloc(room);
	while (*text && n > 0 && *len <= TARGET_FILE_MAX) {
		if (*len == room) {
			char *more = realloc(*text, room *= 2);

			if (!more)
				free(*text);
			*text = more;
			continue;
		}
		n = read(fd, *text + *len, room - *len);
		if (n > 0)
			*len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (!*text)
		return -ENOMEM;
	return n < 0 ? -errno : *len > TARGET_FILE_MAX ? -EFBIG : 0;
}

int target_config_read(const char *file, struct target_config *config, target_note_fn *note,
		       void *arg, char *err, size_t err_len)
{
	char *text = NULL;
	size_t len = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;

	memset(config, 0, sizeof(*config));
	rc = fd < 0 ? -errno : read_all(fd, &text, &len);
	if (fd >= 0)
		close(fd);
	if (rc == -EFBIG)
		snprintf(err, err_len, "%s: is greater than %u MiB", file, TARGET_FILE_MAX >> 20);
	else if (rc)
		snprintf(err, err_len, "%s: %s", file, strerror(-rc));
	else
		rc = target_config_parse(file, text, len, config, note, arg, err, err_len);
	free(text);
	return rc;
}
