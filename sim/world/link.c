// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"

#define REORDER_NS 20000

static uint64_t draw(struct weft_link *link)
{
	link->rng ^= link->rng << 13;
	link->rng ^= link->rng >> 7;
	link->rng ^= link->rng << 17;
	return link->rng;
}

static bool chance(struct weft_link *link, double probability)
{
	return probability > 0 && (double)(draw(link) >> 11) * 0x1p-53 < probability;
}

void weft_link_init(struct weft_link *link, const struct weft_link_params *params)
{
	memset(link, 0, sizeof(*link));
	if (params)
		link->params = *params;
	if (!link->params.reorder_ns)
		link->params.reorder_ns = REORDER_NS;
	link->rng = (link->params.seed + 1) * 0x9e3779b97f4a7c15ull;
	link->rng |= !link->rng;
	draw(link);
}

void weft_link_clear(struct weft_link *link)
{
	struct weft_link_frame *f;

	while (link->head) {
		f = link->head;
		link->head = f->next;
		free(f);
	}
}

static void insert(struct weft_link *link, struct weft_link_frame *f)
{
	struct weft_link_frame **at = &link->head;

	while (*at && (*at)->due_ns <= f->due_ns)
		at = &(*at)->next;
	f->next = *at;
	*at = f;
}

static void damage(struct weft_link *link, struct weft_link_frame *f)
{
	uint64_t bit;

	f->bad_fcs = chance(link, link->params.badfcs);
	if (f->bad_fcs)
		link->counters.bad_fcs++;
	if (!f->bad_fcs && !chance(link, link->params.corrupt))
		return;
	bit = draw(link) % (f->len * 8);
	f->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	link->counters.corrupted += !f->bad_fcs;
}

static struct weft_link_frame *make(const void *frame, size_t len, uint64_t due_ns)
{
	struct weft_link_frame *f = malloc(sizeof(*f) + len);

	if (!f)
		return NULL;
	f->len = len;
	f->bad_fcs = false;
	f->due_ns = due_ns;
	memcpy(f->bytes, frame, len);
	return f;
}

static int enqueue(struct weft_link *link, const void *frame, size_t len, uint64_t due_ns)
{
	struct weft_link_frame *f = make(frame, len, due_ns);

	if (!f) {
		link->counters.lost++;
		return -ENOMEM;
	}
	if (chance(link, link->params.reorder)) {
		f->due_ns += 1 + draw(link) % link->params.reorder_ns;
		link->counters.reordered++;
	}
	damage(link, f);
	insert(link, f);
	return 0;
}

int weft_link_send(struct weft_link *link, const void *frame, size_t len, uint64_t now_ns)
{
	uint64_t due = now_ns + link->params.delay_ns;
	int ret = 0;

	link->counters.frames++;
	link->counters.bytes += len;
	link->lost = chance(link, link->params.loss);
	if (link->lost) {
		link->counters.lost++;
		return 0;
	}
	if (chance(link, link->params.dup)) {
		link->counters.duplicated++;
		ret = enqueue(link, frame, len, due);
	}
	return ret ? ret : enqueue(link, frame, len, due);
}

int weft_link_send_primitive(struct weft_link *link, const void *unit, size_t len, uint64_t now_ns)
{
	struct weft_link_frame *f = make(unit, len, now_ns + link->params.delay_ns);

	if (!f)
		return -ENOMEM;
	insert(link, f);
	return 0;
}

uint64_t weft_link_next(const struct weft_link *link)
{
	return link->head ? link->head->due_ns : UINT64_MAX;
}

struct weft_link_frame *weft_link_take(struct weft_link *link, uint64_t now_ns)
{
	struct weft_link_frame *f = link->head;

	if (!f || f->due_ns > now_ns)
		return NULL;
	link->head = f->next;
	return f;
}

static int read_time(const char *text, const char **end, uint64_t *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1e3 },
		{ "ms", 1e6 },
		{ "s", 1e9 },
	};
	char *after;
	double value = strtod(text, &after);
	size_t i;

	if (after == text || !(value >= 0) || value > 1e9)
		return -EINVAL;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strncmp(after, units[i].name, strlen(units[i].name)))
			break;
	if (i == sizeof(units) / sizeof(units[0]))
		return -EINVAL;
	*end = after + strlen(units[i].name);
	*ns = (uint64_t)(value * units[i].ns);
	return 0;
}

static int read_chance(const char *text, const char **end, double *value)
{
	char *after;

	*value = strtod(text, &after);
	*end = after;
	return after == text || !(*value >= 0 && *value <= 1) ? -EINVAL : 0;
}

static int read_seed(const char *text, const char **end, uint64_t *seed)
{
	char *after;

	*seed = strtoull(text, &after, 0);
	*end = after;
	return after == text ? -EINVAL : 0;
}

static int read_word(const char *word, const char *value, const char **end,
		     struct weft_link_params *p)
{
	size_t n = (size_t)(value - word);
	const struct {
		const char *name;
		double *chance;
		uint64_t *time;
	} keys[] = {
		{ "loss=", &p->loss, NULL },       { "dup=", &p->dup, NULL },
		{ "reorder=", &p->reorder, NULL }, { "corrupt=", &p->corrupt, NULL },
		{ "badfcs=", &p->badfcs, NULL },   { "delay=", NULL, &p->delay_ns },
		{ "by=", NULL, &p->reorder_ns },
	};
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strlen(keys[i].name) != n || strncmp(word, keys[i].name, n))
			continue;
		return keys[i].chance ? read_chance(value, end, keys[i].chance) :
					read_time(value, end, keys[i].time);
	}
	if (n == 5 && !strncmp(word, "seed=", n))
		return read_seed(value, end, &p->seed);
	return -EINVAL;
}

int weft_link_parse(const char *spec, struct weft_link_params *params, const char **bad)
{
	const char *word = spec, *equals, *end;

	memset(params, 0, sizeof(*params));
	while (*word) {
		*bad = word;
		equals = strchr(word, '=');
		if (!equals || read_word(word, equals + 1, &end, params))
			return -EINVAL;
		if (*end == ',' && end[1])
			end++;
		else if (*end)
			return -EINVAL;
		word = end;
	}
	return 0;
}
