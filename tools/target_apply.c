/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Differences between the configuration in effect and the next one. In four steps: everything that
 * may fail without harm (files are opened); what stays is paired; what goes is removed; what is new is
 * added.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nvme/fc_driver.h>

#include "target_apply.h"

/* A file that was taken from a namespace is free when its last command has ended. */
#define BUSY_TRIES 5000u
#define BUSY_NS 1000000
#define QUEUES_MAX 126u /* of the library */

__attribute__((format(printf, 2, 3))) static void say(struct target_run *run, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!run->log)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	run->log(run->log_arg, line);
}

/* --- what is the same --------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_ns(const struct target_ns *a, const struct target_ns *b)
{
	return same_text(a->path, b->path) && a->ram == b->ram && a->null == b->null &&
	       a->buffered == b->buffered && a->synchronous == b->synchronous &&
	       a->read_only == b->read_only && a->block_size == b->block_size &&
	       !memcmp(a->uuid, b->uuid, 16) && !memcmp(a->nguid, b->nguid, 16) &&
	       !memcmp(a->eui64, b->eui64, 8);
}

/* What the library takes only when a subsystem is made. */
static bool same_subsys(const struct target_subsys *a, const struct target_subsys *b)
{
	return !strcmp(a->nqn, b->nqn) && !strcmp(a->serial, b->serial) &&
	       !strcmp(a->model, b->model) && !strcmp(a->firmware, b->firmware) &&
	       a->cntlid_min == b->cntlid_min && a->cntlid_max == b->cntlid_max &&
	       a->max_queues == b->max_queues && a->max_controllers == b->max_controllers &&
	       a->max_transfer == b->max_transfer;
}

static bool same_port(const struct target_port *a, const struct target_port *b)
{
	if (a->fc != b->fc || a->wwnn != b->wwnn || a->wwpn != b->wwpn)
		return false;
	return a->portid == b->portid && a->trsvcid == b->trsvcid && a->traddr == b->traddr &&
	       a->qsize == b->qsize && a->icd_size == b->icd_size &&
	       a->max_h2cdata == b->max_h2cdata && a->max_connections == b->max_connections &&
	       a->no_header_digest == b->no_header_digest && a->no_data_digest == b->no_data_digest;
}

static struct target_subsys *find_subsys(struct target_config *c, const char *nqn)
{
	return (struct target_subsys *)target_config_subsys(c, nqn);
}

static struct target_port *find_port(struct target_config *c, uint16_t portid)
{
	size_t i;

	for (i = 0; i < c->n_ports; i++)
		if (c->ports[i].portid == portid)
			return &c->ports[i];
	return NULL;
}

static struct target_ns *find_ns(struct target_subsys *s, uint32_t nsid)
{
	size_t i;

	for (i = 0; s && i < s->n_ns; i++)
		if (s->ns[i].nsid == nsid)
			return &s->ns[i];
	return NULL;
}

/* --- step one: what may fail -------------------------------------------------------------------- */

static int open_backend(struct target_ns *ns)
{
	uint32_t block = ns->block_size ? ns->block_size : 512;
	struct nvme_backend_file_opts o = {
		.block_size = ns->block_size,
		.read_only = ns->read_only,
		.create = ns->create != 0,
		.create_size = ns->create,
		.buffered = ns->buffered,
		.synchronous = ns->synchronous,
	};
	struct nvme_backend *b = NULL;
	int rc = ns->path ? nvme_backend_file(ns->path, &o, &b) :
		 ns->ram  ? nvme_backend_ram(ns->ram, block, &b) :
			    nvme_backend_null(ns->null, block, &b);

	ns->backend = b;
	return rc;
}

static void close_backends(struct target_config *c)
{
	size_t i, j;

	for (i = 0; i < c->n_subsys; i++)
		for (j = 0; j < c->subsys[i].n_ns; j++) {
			nvme_backend_close(c->subsys[i].ns[j].backend);
			c->subsys[i].ns[j].backend = NULL;
		}
}

/* A namespace that is there now has the file open. */
static bool held(const struct target_config *now, const char *path)
{
	size_t i, j;

	for (i = 0; path && i < now->n_subsys; i++)
		for (j = 0; j < now->subsys[i].n_ns; j++)
			if (now->subsys[i].ns[j].live && same_text(now->subsys[i].ns[j].path, path))
				return true;
	return false;
}

/* The one in effect that the namespace goes on as, or NULL. */
static struct target_ns *stays(struct target_config *now, const struct target_subsys *s,
			       const struct target_ns *ns)
{
	struct target_subsys *old = find_subsys(now, s->nqn);
	struct target_ns *o;

	if (!old || !old->handle || !same_subsys(old, s) || !ns->enable)
		return NULL;
	o = find_ns(old, ns->nsid);
	return o && o->live && same_ns(o, ns) ? o : NULL;
}

static int check_ip(const struct target_run *run, const struct target_port *p, size_t i)
{
	if (!p->traddr || p->traddr == run->ip)
		return 0;
	return weft_set_error(-EADDRNOTAVAIL,
			      "ports[%zu].addr.traddr: %u.%u.%u.%u is not the "
			      "adapter's address, %u.%u.%u.%u",
			      i, p->traddr >> 24, p->traddr >> 16 & 255, p->traddr >> 8 & 255,
			      p->traddr & 255, run->ip >> 24, run->ip >> 16 & 255,
			      run->ip >> 8 & 255, run->ip & 255);
}

static int check_fc(const struct target_run *run, const struct target_port *p, size_t i)
{
	const struct nvmet_fc_target_port *own = run->fc_port;

	if (!own)
		return weft_set_error(-EADDRNOTAVAIL,
				      "ports[%zu]: the adapter's FC port is started with the "
				      "target only",
				      i);
	if (!p->wwpn || (p->wwnn == own->node_name && p->wwpn == own->port_name))
		return 0;
	return weft_set_error(-EADDRNOTAVAIL,
			      "ports[%zu].addr.traddr: nn-0x%016llx:pn-0x%016llx is not the "
			      "adapter's port, nn-0x%016llx:pn-0x%016llx",
			      i, (unsigned long long)p->wwnn, (unsigned long long)p->wwpn,
			      (unsigned long long)own->node_name,
			      (unsigned long long)own->port_name);
}

static int prepare(struct target_run *run, struct target_config *next)
{
	size_t i, j;
	int rc = 0;

	for (i = 0; !rc && i < next->n_ports; i++)
		rc = next->ports[i].fc ? check_fc(run, &next->ports[i], i) :
					 check_ip(run, &next->ports[i], i);
	if (rc)
		return rc;
	for (i = 0; !rc && i < next->n_subsys; i++)
		for (j = 0; !rc && j < next->subsys[i].n_ns; j++) {
			struct target_ns *ns = &next->subsys[i].ns[j];

			if (ns->enable && !stays(&run->now, &next->subsys[i], ns) &&
			    !held(&run->now, ns->path))
				rc = open_backend(ns);
		}
	if (rc)
		close_backends(next);
	return rc;
}

/* --- steps two and three: what stays, what goes ------------------------------------------------- */

static void pair(struct target_config *now, struct target_config *next)
{
	size_t i, j;

	for (i = 0; i < next->n_subsys; i++) {
		struct target_subsys *s = &next->subsys[i], *old = find_subsys(now, s->nqn);

		for (j = 0; j < s->n_ns; j++)
			s->ns[j].live = stays(now, s, &s->ns[j]) != NULL;
		if (old && same_subsys(old, s))
			s->handle = old->handle;
	}
	for (i = 0; i < next->n_ports; i++) {
		struct target_port *old = find_port(now, next->ports[i].portid);

		if (old && same_port(old, &next->ports[i]))
			next->ports[i].handle = old->handle;
	}
}

/* These return how many things could not be done. */

static int failed(struct target_run *run, const char *what, int rc)
{
	const char *why = weft_last_error();
	char line[1024];

	snprintf(line, sizeof(line), "%s: %s", what, *why ? why : strerror(-rc));
	if (run->error)
		run->error(run->log_arg, line);
	return 1;
}

static int remove_ports(struct target_run *run, struct target_config *next)
{
	int errors = 0, rc;
	size_t i, j;

	for (i = 0; i < run->now.n_ports; i++) {
		struct target_port *old = &run->now.ports[i];
		struct target_port *p = find_port(next, old->portid);

		if (!old->handle)
			continue;
		if (!p || !p->handle) {
			say(run, "port %u: removed", old->portid);
			rc = nvme_target_port_remove(old->handle);
			errors += rc ? failed(run, "its connections have not all ended", rc) : 0;
			continue;
		}
		for (j = 0; j < old->subsys.count; j++) {
			struct target_subsys *was = find_subsys(&run->now, old->subsys.name[j]);
			struct target_subsys *s = find_subsys(next, old->subsys.name[j]);

			if (!was || !was->handle)
				continue;
			if (s && s->handle && target_names_have(&p->subsys, s->nqn))
				continue;
			nvme_port_unlink(old->handle, was->handle);
		}
	}
	return errors;
}

static void shrink_subsys(struct target_run *run, struct target_subsys *old,
			  struct target_subsys *s)
{
	size_t i;

	if (old->any_host && !s->any_host)
		nvme_subsys_set_any_host(s->handle, false);
	for (i = 0; i < old->allowed.count; i++)
		if (!target_names_have(&s->allowed, old->allowed.name[i])) {
			say(run, "%s: host %s may not connect any more", s->nqn,
			    old->allowed.name[i]);
			nvme_subsys_disallow_host(s->handle, old->allowed.name[i]);
		}
	for (i = 0; i < old->n_ns; i++) {
		struct target_ns *ns = find_ns(s, old->ns[i].nsid);

		if (!old->ns[i].live || (ns && ns->live))
			continue;
		say(run, "%s: namespace %u removed", s->nqn, old->ns[i].nsid);
		nvme_subsys_ns_remove(s->handle, old->ns[i].nsid);
	}
}

static int shrink(struct target_run *run, struct target_config *next)
{
	int errors = remove_ports(run, next);
	size_t i;

	for (i = 0; i < run->now.n_subsys; i++) {
		struct target_subsys *old = &run->now.subsys[i], *s = find_subsys(next, old->nqn);

		if (!old->handle)
			continue;
		if (s && s->handle) {
			shrink_subsys(run, old, s);
			continue;
		}
		say(run, "%s: %s", old->nqn, s ? "other attributes, is made anew" : "removed");
		nvme_target_subsys_remove(old->handle);
	}
	return errors;
}

/* --- step four: what is new --------------------------------------------------------------------- */

static int open_busy(struct target_run *run, struct target_ns *ns)
{
	struct timespec pause = { .tv_nsec = BUSY_NS };
	unsigned int i;
	int rc = -EBUSY;

	for (i = 0; rc == -EBUSY && i < BUSY_TRIES; i++) {
		rc = open_backend(ns);
		if (rc == -EBUSY) {
			if (nvme_target_poll(run->target) < 0)
				break;
			nanosleep(&pause, NULL);
		}
	}
	return rc;
}

static int add_ns(struct target_run *run, struct target_subsys *s, struct target_ns *ns)
{
	struct nvme_ns_opts o = { .nsid = ns->nsid, .read_only = ns->read_only };
	const struct nvme_backend *b;
	uint32_t nsid = ns->nsid;
	char what[320];
	int rc = ns->backend ? 0 : open_busy(run, ns);

	snprintf(what, sizeof(what), "%s: namespace %u", s->nqn, ns->nsid);
	if (rc)
		return failed(run, what, rc);
	memcpy(o.uuid, ns->uuid, sizeof(o.uuid));
	memcpy(o.nguid, ns->nguid, sizeof(o.nguid));
	memcpy(o.eui64, ns->eui64, sizeof(o.eui64));
	b = ns->backend;
	rc = nvme_subsys_ns_add(s->handle, ns->backend, &o, &nsid);
	if (rc) {
		rc = failed(run, what, rc);
		nvme_backend_close(ns->backend);
		ns->backend = NULL;
		return rc;
	}
	ns->backend = NULL;
	ns->live = true;
	say(run, "%s: %s%s%s, %llu blocks of %u bytes%s", what, b->ops->name, ns->path ? ", " : "",
	    ns->path ? ns->path : "", (unsigned long long)(b->size / b->block_size), b->block_size,
	    ns->read_only ? ", read only" : "");
	return 0;
}

static int make_subsys(struct target_run *run, struct target_subsys *s)
{
	struct nvme_subsys_opts o = {
		.nqn = s->nqn,
		.serial = *s->serial ? s->serial : NULL,
		.model = *s->model ? s->model : NULL,
		.firmware = *s->firmware ? s->firmware : NULL,
		.allow_any_host = s->any_host,
		.cntlid_min = s->cntlid_min,
		.cntlid_max = s->cntlid_max,
		/* nvmetcli saves Linux's own limit */
		.max_io_queues = s->max_queues < QUEUES_MAX ? s->max_queues : QUEUES_MAX,
		.max_controllers = s->max_controllers,
		.max_xfer = (uint32_t)s->max_transfer,
		.max_namespaces = TARGET_NSID_MAX,
	};
	struct nvme_subsys *handle;
	int rc = nvme_target_subsys_add(run->target, &o, &handle);

	if (rc)
		return failed(run, s->nqn, rc);
	s->handle = handle;
	return 0;
}

/* A host that could not be allowed leaves the list: the next time it is new again. */
static int allow_hosts(struct target_run *run, const struct target_subsys *old,
		       struct target_subsys *s)
{
	struct target_names *names = &s->allowed;
	int errors = 0, rc;
	size_t i, kept = 0;

	for (i = 0; i < names->count; i++) {
		char *name = names->name[i];

		rc = old && target_names_have(&old->allowed, name) ?
			     0 :
			     nvme_subsys_allow_host(s->handle, name);
		if (!rc) {
			names->name[kept++] = name;
			continue;
		}
		errors += failed(run, name, rc);
		free(name);
	}
	names->count = kept;
	return errors;
}

static int grow_subsys(struct target_run *run, struct target_subsys *old, struct target_subsys *s)
{
	int errors = 0, rc;
	size_t i;

	if (!s->handle) {
		if (make_subsys(run, s))
			return 1;
		old = NULL;
	}
	if (old && !old->any_host && s->any_host) {
		rc = nvme_subsys_set_any_host(s->handle, true);
		s->any_host = !rc;
		errors += rc ? failed(run, s->nqn, rc) : 0;
	}
	errors += allow_hosts(run, old, s);
	for (i = 0; i < s->n_ns; i++) {
		struct target_ns *ns = &s->ns[i];

		if (ns->enable && !ns->live) {
			errors += add_ns(run, s, ns);
		} else if (ns->live && ns->path) {
			rc = nvme_subsys_ns_refresh(s->handle, ns->nsid);
			if (rc)
				errors += failed(run, ns->path, rc);
		}
	}
	return errors;
}

static int make_port(struct target_run *run, struct target_port *p)
{
	struct nvme_port_opts o = {
		.portid = p->portid,
		.trtype = p->fc ? NVMF_TRTYPE_FC : NVMF_TRTYPE_TCP,
		.traddr = p->traddr ? p->traddr : run->ip,
		.listen = {
			.dev = run->dev,
			.port = p->trsvcid,
			.qsize = p->qsize,
			.max_icd = p->icd_size,
			.maxh2cdata = p->max_h2cdata,
			.header_digests = !p->no_header_digest,
			.data_digests = !p->no_data_digest,
			.max_qpairs = p->max_connections,
			.fc.target_port = p->fc ? run->fc_port : NULL,
		},
	};
	struct nvme_port *handle;
	char what[32];
	int rc = nvme_target_port_add(run->target, &o, &handle);

	snprintf(what, sizeof(what), "port %u", p->portid);
	if (rc)
		return failed(run, what, rc);
	p->handle = handle;
	return 0;
}

static int grow_port(struct target_run *run, struct target_config *next, struct target_port *p)
{
	int errors = 0;
	size_t i;

	if (!p->handle && make_port(run, p))
		return 1;
	for (i = 0; i < p->subsys.count; i++) {
		struct target_subsys *s = find_subsys(next, p->subsys.name[i]);
		int rc = s && s->handle ? nvme_port_link(p->handle, s->handle) : -EEXIST;

		if (rc && rc != -EEXIST)
			errors += failed(run, p->subsys.name[i], rc);
	}
	return errors;
}

static int grow(struct target_run *run, struct target_config *next)
{
	int errors = 0;
	size_t i;

	for (i = 0; i < next->n_subsys; i++)
		errors += grow_subsys(run, find_subsys(&run->now, next->subsys[i].nqn),
				      &next->subsys[i]);
	for (i = 0; i < next->n_ports; i++)
		errors += grow_port(run, next, &next->ports[i]);
	return errors;
}

int target_apply(struct target_run *run, struct target_config *next)
{
	int rc = prepare(run, next);

	if (rc)
		return rc;
	pair(&run->now, next);
	rc = shrink(run, next);
	rc += grow(run, next);
	close_backends(next); /* of subsystems that could not be made */
	target_config_free(&run->now);
	run->now = *next;
	memset(next, 0, sizeof(*next));
	return rc;
}
