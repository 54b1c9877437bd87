// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reader of callgrind's output (its manual, "Callgrind Format Specification"): instructions by the source file they come
 * from. Those of a shared library count for who called it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define NAMES 4096 /* numbers that callgrind gives to files and objects */

enum part { UNKNOWN, TRANSPORT, PROGRAM, NOT_COUNTED, PARTS };

struct profile {
	char root[512]; /* of the sources, with a slash */
	char self[512]; /* this program */
	enum part file[NAMES];
	bool ours[NAMES];
	bool in_ours, call_ours;  /* the function's object, the called function's */
	enum part function, line; /* parts of the function's file and of the lines read now */
	bool call;                /* the next line is what a call cost */
	double sum[PARTS];
};

static enum part part_of(const struct profile *p, const char *path)
{
	static const struct {
		const char *folder;
		enum part part;
	} known[] = {
		{ "driver/", TRANSPORT },
		{ "host-lib/nvmf/", TRANSPORT },
		{ "host-lib/include/nvmf/", TRANSPORT },
		{ "host-lib/", PROGRAM },
		{ "tests/", NOT_COUNTED },
		{ "sim/", NOT_COUNTED },
	};
	size_t i, n = strlen(p->root);

	if (!strncmp(path, p->root, n))
		path += n;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncmp(path, known[i].folder, strlen(known[i].folder)))
			return known[i].part;
	return UNKNOWN;
}

/* "(number) name" or "(number)": the number, and the name where there is one. */
static unsigned int number_of(const char *text, const char **name)
{
	char *end;
	unsigned long n = strtoul(text + 1, &end, 10);

	*name = !strncmp(end, ") ", 2) ? end + 2 : NULL;
	return n < NAMES ? (unsigned int)n : 0;
}

static enum part file_of(struct profile *p, const char *text)
{
	const char *name;
	unsigned int n = number_of(text, &name);

	if (name)
		p->file[n] = part_of(p, name);
	return p->file[n];
}

static bool object_of(struct profile *p, const char *text)
{
	const char *name;
	unsigned int n = number_of(text, &name);

	if (name)
		p->ours[n] = !strcmp(name, p->self);
	return p->ours[n];
}

/* A line of cost: position, instructions. */
static void cost(struct profile *p, const char *line)
{
	const char *space = strchr(line, ' ');
	enum part part = p->line != UNKNOWN ? p->line : p->function;

	if (p->in_ours && space && !(p->call && p->call_ours))
		p->sum[part] += strtod(space, NULL);
	p->call = false;
	p->call_ours = p->in_ours;
}

static void take_line(struct profile *p, const char *line)
{
	if (!strncmp(line, "ob=", 3))
		p->in_ours = p->call_ours = object_of(p, line + 3);
	else if (!strncmp(line, "fl=", 3))
		p->function = p->line = file_of(p, line + 3);
	else if (!strncmp(line, "fi=", 3) || !strncmp(line, "fe=", 3))
		p->line = file_of(p, line + 3);
	else if (!strncmp(line, "fn=", 3))
		p->line = p->function;
	else if (!strncmp(line, "cob=", 4))
		p->call_ours = object_of(p, line + 4);
	else if (!strncmp(line, "cfi=", 4) || !strncmp(line, "cfl=", 4))
		file_of(p, line + 4);
	else if (!strncmp(line, "calls=", 6))
		p->call = true;
	else if (strchr("+-*0123456789", line[0]) && line[0])
		cost(p, line);
}

static int set_paths(struct profile *p)
{
	ssize_t n = readlink("/proc/self/exe", p->self, sizeof(p->self) - 1);

	if (n < 0 || !getcwd(p->root, sizeof(p->root) - 1))
		return -errno;
	p->self[n] = '\0';
	strcat(p->root, "/");
	return 0;
}

int bench_profile(const char *path, struct bench_host *host)
{
	struct profile *p = calloc(1, sizeof(*p));
	char line[1024];
	FILE *f = fopen(path, "r");
	int ret = !p ? -ENOMEM : !f ? -errno : set_paths(p);

	while (!ret && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		take_line(p, line);
	}
	if (f)
		fclose(f);
	if (!ret)
		*host = (struct bench_host){ p->sum[TRANSPORT] + p->sum[UNKNOWN], p->sum[PROGRAM] };
	if (!ret && p->sum[TRANSPORT] <= 0)
		ret = -ENODATA;
	free(p);
	return ret;
}
