/* SPDX-License-Identifier: BSD-2-Clause */
/* The simple case of weft target: one subsystem with one namespace, from the command line. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "target_line.h"

#define DEFAULT_NQN "nqn.2026-11.org.weft:target"
#define DISCOVERY_PORT 8009

static int wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int wrong(const char *fmt, ...)
{
	va_list ap;

	fputs("weft: target: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -EINVAL;
}

/* Texts that Identify shows: printable ASCII of at most max characters. */
static int text(const char *what, const char *from, char *to, size_t max)
{
	const char *p;

	if (!from)
		return 0;
	for (p = from; *p >= 0x20 && *p <= 0x7e; p++)
		;
	if (*p || p == from || (size_t)(p - from) > max)
		return wrong("%s \"%s\": 1 to %zu printable characters are possible", what, from,
			     max);
	strcpy(to, from);
	return 0;
}

static int check(const struct config *cfg)
{
	const struct target_options *t = &cfg->target;
	uint64_t size = t->ram | t->null | t->create;
	uint32_t block = t->block_size ? t->block_size : 512, q = cfg->opts.io_qsize;

	if ((t->file != NULL) + (t->ram != 0) + (t->null != 0) != 1)
		return wrong("what is to be exported? one of --file PATH, --ram SIZE, --null SIZE "
			     "and --config FILE");
	if (!t->file && (t->create || t->buffered || t->synchronous))
		return wrong("--create, --buffered and --synchronous go with --file only");
	if (t->create && t->read_only)
		return wrong("--create and --read-only do not go together");
	if (block != 512 && block != 4096)
		return wrong("--block-size %u: 512 and 4096 are possible", block);
	if (size % block)
		return wrong("a size of %llu is no multiple of the block size, %u",
			     (unsigned long long)size, block);
	if (q & (q - 1))
		return wrong("--queue-size %u is no power of two", q);
	if (q && q < TARGET_QSIZE_MIN)
		return wrong("--queue-size %u: at least %u", q, TARGET_QSIZE_MIN);
	if (t->icd_size % 64)
		return wrong("--icd-size %u is no multiple of 64", t->icd_size);
	if (cfg->nsid > TARGET_NSID_MAX)
		return wrong("--nsid %u: at most %u", cfg->nsid, TARGET_NSID_MAX);
	return 0;
}

static int fill_ns(const struct config *cfg, struct target_subsys *s)
{
	const struct target_options *t = &cfg->target;

	s->ns = calloc(1, sizeof(*s->ns));
	if (!s->ns)
		return -ENOMEM;
	s->n_ns = 1;
	*s->ns = (struct target_ns){
		.nsid = cfg->nsid,
		.enable = true,
		.path = t->file ? strdup(t->file) : NULL,
		.ram = t->ram,
		.null = t->null,
		.create = t->create,
		.buffered = t->buffered,
		.synchronous = t->synchronous,
		.read_only = t->read_only,
		.block_size = t->block_size,
	};
	return t->file && !s->ns->path ? -ENOMEM : 0;
}

static int fill_subsys(const struct config *cfg, struct target_config *c)
{
	const struct target_options *t = &cfg->target;
	const char *nqn = cfg->opts.addr.subnqn[0] ? cfg->opts.addr.subnqn : DEFAULT_NQN;
	const char *fault = target_nqn_fault(nqn);
	struct target_subsys *s;
	unsigned int i;

	if (fault || !strcmp(nqn, NVME_DISCOVERY_NQN))
		return wrong("subsystem NQN \"%s\": %s", nqn,
			     fault ? fault : "is the discovery subsystem's");
	s = c->subsys = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	c->n_subsys = 1;
	strcpy(s->nqn, nqn);
	s->any_host = !t->n_allowed;
	s->max_queues = cfg->opts.io_queues;
	if (text("--serial", t->serial, s->serial, 20) || text("--model", t->model, s->model, 40))
		return -EINVAL;
	for (i = 0; i < t->n_allowed; i++) {
		fault = target_nqn_fault(t->allowed[i]);
		if (fault)
			return wrong("--allow-host \"%s\": %s", t->allowed[i], fault);
		if (!target_names_have(&s->allowed, t->allowed[i]) &&
		    target_names_add(&s->allowed, t->allowed[i]))
			return -ENOMEM;
	}
	return fill_ns(cfg, s);
}

static int fill_ports(const struct config *cfg, struct target_config *c)
{
	uint16_t main_port = (uint16_t)cfg->opts.addr.port;
	bool fc = cfg->opts.addr.trtype == NVMF_TRTYPE_FC;
	size_t i;

	c->ports = calloc(2, sizeof(*c->ports));
	if (!c->ports)
		return -ENOMEM;
	c->n_ports = fc || main_port == DISCOVERY_PORT ? 1 : 2;
	for (i = 0; i < c->n_ports; i++)
		c->ports[i] = (struct target_port){
			.portid = (uint16_t)(i + 1),
			.fc = fc,
			.trsvcid = i ? DISCOVERY_PORT : main_port,
			.qsize = cfg->opts.io_qsize,
			.icd_size = cfg->target.icd_size,
			.no_header_digest = cfg->no_digest,
			.no_data_digest = cfg->no_digest,
		};
	return target_names_add(&c->ports[0].subsys, c->subsys[0].nqn);
}

int target_from_line(const struct config *cfg, struct target_config *c)
{
	int rc;

	memset(c, 0, sizeof(*c));
	rc = check(cfg);
	if (!rc)
		rc = fill_subsys(cfg, c);
	if (!rc)
		rc = fill_ports(cfg, c);
	if (rc == -ENOMEM)
		wrong("no memory");
	if (rc)
		target_config_free(c);
	return rc;
}

int target_only_config(const struct config *cfg)
{
	const struct target_options *t = &cfg->target;

	if (t->file || t->ram || t->null || t->create || t->n_allowed || t->serial || t->model ||
	    t->block_size || t->icd_size || t->read_only || t->buffered || t->synchronous ||
	    cfg->opts.io_qsize || cfg->opts.io_queues || cfg->no_digest || cfg->trtype_given ||
	    cfg->no_trsvcid || cfg->opts.addr.subnqn[0])
		return wrong(
			"with --config the file says what is exported; on the command line only "
			"the adapter can be named");
	return 0;
}
