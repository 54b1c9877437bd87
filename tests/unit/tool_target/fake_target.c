/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_target.h"

#define NS_MAX 16

struct nvme_subsys {
	char nqn[256];
	char serial[32];
	bool any;
	char hosts[8][64]; /* empty: none */
	struct nvme_backend *ns[NS_MAX];
	struct nvme_subsys *next;
};

struct nvme_port {
	unsigned int portid;
	unsigned int trsvcid;
	struct nvme_subsys *linked[8];
	struct nvme_port *next;
};

static struct nvme_subsys *subsystems;
static struct nvme_port *ports;

struct store {
	struct nvme_backend base;
	char what[128];
	bool served; /* by a namespace */
};

char fake_log[1 << 16];
const char *fake_fail;
int fake_error, fake_open;
unsigned int fake_busy;

void fake_reset(void)
{
	fake_log[0] = '\0';
	fake_fail = NULL;
	fake_busy = 0;
}

/* Writes the line; the error when it is the call that is to fail. */
__attribute__((format(printf, 1, 2))) static int note(const char *fmt, ...)
{
	size_t at = strlen(fake_log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake_log + at, sizeof(fake_log) - at - 2, fmt, ap);
	va_end(ap);
	if (!fake_fail && getenv("FAKE_FAIL")) {
		fake_fail = getenv("FAKE_FAIL");
		fake_error = -ENOSPC;
	}
	if (fake_fail && !strncmp(fake_log + at, fake_fail, strlen(fake_fail))) {
		fake_fail = NULL;
		strcat(fake_log, " FAILS\n");
		return weft_set_error(fake_error, "made to fail");
	}
	strcat(fake_log, "\n");
	if (getenv("FAKE_LOG")) {
		FILE *f = fopen(getenv("FAKE_LOG"), "a");

		fputs(fake_log + at, f);
		fclose(f);
	}
	return 0;
}

/* --- backends ------------------------------------------------------------------------------------ */

static void store_close(struct nvme_backend *b)
{
	note("close %s", ((struct store *)b)->what);
	fake_open--;
	free(b);
}

static const struct nvme_backend_ops ops = { .name = "fake", .close = store_close };

static int store_new(const char *what, uint64_t size, uint32_t block, struct nvme_backend **out)
{
	struct store *s;
	int rc = note("open %s", what);

	if (rc)
		return rc;
	s = calloc(1, sizeof(*s));
	s->base = (struct nvme_backend){ .ops = &ops, .size = size, .block_size = block };
	snprintf(s->what, sizeof(s->what), "%s", what);
	fake_open++;
	*out = &s->base;
	return 0;
}

int nvme_backend_ram(uint64_t size, uint32_t block_size, struct nvme_backend **backend)
{
	char what[64];

	snprintf(what, sizeof(what), "ram %llu", (unsigned long long)size);
	return store_new(what, size, block_size, backend);
}

int nvme_backend_null(uint64_t size, uint32_t block_size, struct nvme_backend **backend)
{
	char what[64];

	snprintf(what, sizeof(what), "null %llu", (unsigned long long)size);
	return store_new(what, size, block_size, backend);
}

int nvme_backend_file(const char *path, const struct nvme_backend_file_opts *opts,
		      struct nvme_backend **backend)
{
	char what[128];

	if (fake_busy) {
		fake_busy--;
		return weft_set_error(-EBUSY, "%s: busy", path);
	}
	snprintf(what, sizeof(what), "%s%s%s%s", path, opts->read_only ? " ro" : "",
		 opts->create ? " create" : "", opts->synchronous ? " sync" : "");
	return store_new(what, 1 << 20, opts->block_size ? opts->block_size : 512, backend);
}

/* --- subsystems ---------------------------------------------------------------------------------- */

int nvme_target_subsys_add(struct nvme_target *target, const struct nvme_subsys_opts *o,
			   struct nvme_subsys **subsys)
{
	int rc = note("subsys %s serial=%s any=%d", o->nqn, o->serial ? o->serial : "-",
		      o->allow_any_host);

	(void)target;
	if (rc)
		return rc;
	*subsys = calloc(1, sizeof(**subsys));
	(*subsys)->any = o->allow_any_host;
	snprintf((*subsys)->serial, sizeof((*subsys)->serial), "%s", o->serial ? o->serial : "-");
	(*subsys)->next = subsystems;
	subsystems = *subsys;
	snprintf((*subsys)->nqn, sizeof((*subsys)->nqn), "%s", o->nqn);
	return 0;
}

void nvme_target_subsys_remove(struct nvme_subsys *s)
{
	struct nvme_subsys **at;
	unsigned int i;

	note("-subsys %s", s->nqn);
	for (at = &subsystems; *at != s; at = &(*at)->next)
		;
	*at = s->next;
	for (i = 0; i < NS_MAX; i++)
		nvme_backend_close(s->ns[i]);
	memset(s, 0xee, sizeof(*s)); /* a use after this shows */
	free(s);
}

int nvme_subsys_allow_host(struct nvme_subsys *s, const char *hostnqn)
{
	unsigned int i = 0;
	int rc = note("%s: allow %s", s->nqn, hostnqn);

	if (rc)
		return rc;
	while (s->hosts[i][0])
		i++;
	snprintf(s->hosts[i], sizeof(s->hosts[i]), "%s", hostnqn);
	return 0;
}

int nvme_subsys_disallow_host(struct nvme_subsys *s, const char *hostnqn)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (!strcmp(s->hosts[i], hostnqn))
			s->hosts[i][0] = '\0';
	return note("%s: disallow %s", s->nqn, hostnqn);
}

int nvme_subsys_set_any_host(struct nvme_subsys *s, bool allow)
{
	int rc = note("%s: any %d", s->nqn, allow);

	if (!rc)
		s->any = allow;
	return rc;
}

int nvme_subsys_ns_add(struct nvme_subsys *s, struct nvme_backend *b,
		       const struct nvme_ns_opts *opts, uint32_t *nsid)
{
	int rc = note("%s: ns %u %s%s", s->nqn, opts->nsid, ((struct store *)b)->what,
		      opts->read_only ? " ro" : "");

	if (rc)
		return rc;
	if (s->ns[opts->nsid])
		return note("%s: ns %u IS THERE", s->nqn, opts->nsid), -EEXIST;
	s->ns[opts->nsid] = b;
	*nsid = opts->nsid;
	return 0;
}

int nvme_subsys_ns_remove(struct nvme_subsys *s, uint32_t nsid)
{
	note("%s: -ns %u", s->nqn, nsid);
	if (!s->ns[nsid])
		return note("%s: ns %u IS NOT THERE", s->nqn, nsid), -ENOENT;
	nvme_backend_close(s->ns[nsid]);
	s->ns[nsid] = NULL;
	return 0;
}

int nvme_subsys_ns_refresh(struct nvme_subsys *s, uint32_t nsid)
{
	return note("%s: refresh %u", s->nqn, nsid);
}

/* The adapter of the last port: polled and waited for in earnest. */
static struct weft_dev *dev;

/* --- ports --------------------------------------------------------------------------------------- */

int nvme_target_port_add(struct nvme_target *target, const struct nvme_port_opts *o,
			 struct nvme_port **port)
{
	int rc = o->trtype == NVMF_TRTYPE_FC ?
			 note("port %u fc q=%u", o->portid, o->listen.qsize) :
			 note("port %u %08x:%u q=%u icd=%u digests=%d%d", o->portid, o->traddr,
			      o->listen.port, o->listen.qsize, o->listen.max_icd,
			      o->listen.header_digests, o->listen.data_digests);

	(void)target;
	if (rc)
		return rc;
	*port = calloc(1, sizeof(**port));
	(*port)->portid = o->portid;
	(*port)->trsvcid = o->listen.port;
	(*port)->next = ports;
	ports = *port;
	dev = o->listen.dev;
	return 0;
}

int nvme_target_port_remove(struct nvme_port *port)
{
	struct nvme_port **at;
	int rc = note("-port %u", port->portid);

	for (at = &ports; *at != port; at = &(*at)->next)
		;
	*at = port->next;
	memset(port, 0xee, sizeof(*port));
	free(port);
	return rc;
}

int nvme_port_link(struct nvme_port *port, struct nvme_subsys *s)
{
	unsigned int i;
	int rc;

	for (i = 0; i < 8; i++)
		if (port->linked[i] == s)
			return -EEXIST;
	rc = note("port %u: link %s", port->portid, s->nqn);
	for (i = 0; port->linked[i]; i++)
		;
	if (!rc)
		port->linked[i] = s;
	return rc;
}

int nvme_port_unlink(struct nvme_port *port, struct nvme_subsys *s)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (port->linked[i] == s) {
			port->linked[i] = NULL;
			return note("port %u: unlink %s", port->portid, s->nqn);
		}
	return -ENOENT;
}

/* --- all there is -------------------------------------------------------------------------------- */

static void add(char *to, size_t len, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void add(char *to, size_t len, const char *fmt, ...)
{
	size_t at = strlen(to);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to + at, len - at, fmt, ap);
	va_end(ap);
}

static void add_subsys(char *to, size_t len, const struct nvme_subsys *s, const char *const *hosts)
{
	unsigned int i;

	add(to, len, "%s %s %d", s->nqn, s->serial, s->any);
	for (; *hosts; hosts++)
		for (i = 0; i < 8; i++)
			if (!strcmp(s->hosts[i], *hosts))
				add(to, len, " %s", *hosts);
	for (i = 0; i < NS_MAX; i++)
		if (s->ns[i])
			add(to, len, " %u=%s", i, ((struct store *)s->ns[i])->what);
	add(to, len, "\n");
}

void fake_state(char *to, size_t len, const char *const *nqns, const char *const *hosts)
{
	const struct nvme_subsys *s;
	const struct nvme_port *p;
	const char *const *n;
	unsigned int id, i;

	*to = '\0';
	for (n = nqns; *n; n++)
		for (s = subsystems; s; s = s->next)
			if (!strcmp(s->nqn, *n))
				add_subsys(to, len, s, hosts);
	for (id = 1; id < 10; id++)
		for (p = ports; p; p = p->next) {
			if (p->portid != id)
				continue;
			add(to, len, "port %u:%u", id, p->trsvcid);
			for (n = nqns; *n; n++)
				for (i = 0; i < 8; i++)
					if (p->linked[i] && !strcmp(p->linked[i]->nqn, *n))
						add(to, len, " %s", *n);
			add(to, len, "\n");
		}
}

/* --- running ------------------------------------------------------------------------------------- */

struct nvme_target {
	struct nvme_target_opts opts;
};

int nvme_target_create(const struct nvme_target_opts *opts, struct nvme_target **target)
{
	*target = calloc(1, sizeof(**target));
	(*target)->opts = *opts;
	return 0;
}

int nvme_target_destroy(struct nvme_target *target, uint32_t timeout_ms)
{
	const char *error = getenv("FAKE_FLUSH_ERROR");

	note("destroy %u", timeout_ms);
	while (getenv("FAKE_SLOW_END"))
		sleep(1);
	if (!error || atoi(error) != ETIMEDOUT)
		free(target);
	return error ? weft_set_error(-atoi(error), "flush: made to fail") : 0;
}

int nvme_target_poll(struct nvme_target *target)
{
	(void)target;
	return dev ? weft_dev_poll(dev) : 0;
}

int nvme_target_wait(struct nvme_target *target, int timeout_ms)
{
	(void)target;
	return weft_dev_wait(dev, timeout_ms);
}

void nvme_target_stats(struct nvme_target *target, struct nvme_target_stats *stats)
{
	target->opts.log(target->opts.log_arg, "asked for\x1b[31m statistics");
	*stats = (struct nvme_target_stats){ .connections = 3, .controllers = 1, .reads = 7 };
}

void nvme_target_for_each_ctrl(struct nvme_target *target,
			       void (*fn)(void *arg, const struct nvme_target_ctrl_info *info),
			       void *arg)
{
	struct nvme_target_ctrl_info info = { .cntlid = 5,
					      .subnqn = "nqn.2026-11.s",
					      .hostnqn = "nqn.2026-11.\"h\"",
					      .remote_ip = 0x0a000009 };

	(void)target;
	fn(arg, &info);
}
