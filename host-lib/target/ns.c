/* SPDX-License-Identifier: BSD-2-Clause */
/* Namespaces: added, changed, taken away, and closed when nothing uses them any more. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tgt.h"

static bool any(const uint8_t *p, size_t n)
{
	while (n)
		if (p[--n])
			return true;
	return false;
}

static bool same(const uint8_t *a, const uint8_t *b, size_t n)
{
	return any(a, n) && !memcmp(a, b, n);
}

/* Tells the hosts. Events of a subsystem that ends tell nobody. */
static void changed(struct nvme_subsys *s, uint32_t nsid)
{
	struct tgt_ctrl *c;

	list_for_each(c, &s->t->ctrls, link) {
		if (c->subsys != s || c->ended)
			continue;
		c->changed[(nsid - 1) / 8] |= (uint8_t)(1 << (nsid - 1) % 8);
		nvme_tgt_event(c, EVENT_NS);
	}
}

/* A UUID made from the names (version 8, RFC 9562: as the maker likes). */
static void make_uuid(const struct nvme_subsys *s, uint32_t nsid, uint8_t uuid[16])
{
	uint8_t hash[32];

	nvme_tgt_hash(s->nqn, "namespace", nsid, hash);
	memcpy(uuid, hash, 16);
	uuid[6] = (uint8_t)(0x80 | (uuid[6] & 0x0f));
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
}

static int choose_nsid(const struct nvme_subsys *s, uint32_t *nsid)
{
	if (!*nsid) {
		while (*nsid < s->o.max_namespaces && s->ns[*nsid])
			++*nsid;
		if (*nsid == s->o.max_namespaces)
			return weft_set_error(-ENOSPC, "%s: all %u namespaces are taken", s->nqn,
					      s->o.max_namespaces);
		++*nsid;
		return 0;
	}
	if (*nsid > s->o.max_namespaces)
		return weft_set_error(-EINVAL, "%s: NSID %u is above %u", s->nqn, *nsid,
				      s->o.max_namespaces);
	return s->ns[*nsid - 1] ? weft_set_error(-EEXIST, "%s: NSID %u is taken", s->nqn, *nsid) :
				  0;
}

static int check_identity(const struct nvme_subsys *s, const struct tgt_ns *ns)
{
	uint32_t i;

	for (i = 0; i < s->o.max_namespaces; i++) {
		const struct tgt_ns *o = s->ns[i];

		if (o && (same(o->uuid, ns->uuid, 16) || same(o->nguid, ns->nguid, 16) ||
			  same(o->eui64, ns->eui64, 8)))
			return weft_set_error(-EEXIST, "%s: NSID %u has the same identity", s->nqn,
					      o->nsid);
	}
	return 0;
}

static int check_backend(const struct nvme_backend *b)
{
	if (b->block_size != 512 && b->block_size != 4096)
		return weft_set_error(-EINVAL, "blocks of %u bytes", b->block_size);
	if (b->size < b->block_size)
		return weft_set_error(-EINVAL, "a backend of %llu bytes holds no block",
				      (unsigned long long)b->size);
	return 0;
}

static void set_identity(struct nvme_subsys *s, struct tgt_ns *ns, const struct nvme_ns_opts *o)
{
	memcpy(ns->uuid, o->uuid, 16);
	memcpy(ns->nguid, o->nguid, 16);
	memcpy(ns->eui64, o->eui64, 8);
	if (!any(ns->uuid, 16) && !any(ns->nguid, 16) && !any(ns->eui64, 8))
		make_uuid(s, ns->nsid, ns->uuid);
}

int nvme_subsys_ns_add(struct nvme_subsys *s, struct nvme_backend *backend,
		       const struct nvme_ns_opts *opts, uint32_t *nsid)
{
	static const struct nvme_ns_opts none;
	const struct nvme_ns_opts *o = opts ? opts : &none;
	uint32_t id = o->nsid;
	struct tgt_ns *ns;
	int rc = choose_nsid(s, &id);

	if (!rc)
		rc = check_backend(backend);
	if (rc)
		return rc;
	ns = calloc(1, sizeof(*ns));
	if (!ns)
		return -ENOMEM;
	ns->t = s->t;
	ns->subsys = ns->home = s;
	ns->id = ++s->t->next_ns_id;
	ns->nsid = id;
	ns->backend = backend;
	ns->shift = backend->block_size == 4096 ? 12 : 9;
	ns->blocks = backend->size >> ns->shift;
	ns->read_only = o->read_only || backend->read_only;
	set_identity(s, ns, o);
	rc = check_identity(s, ns);
	if (rc) {
		free(ns);
		return rc;
	}
	s->refs++;
	s->ns[id - 1] = ns;
	s->n_ns++;
	TAILQ_INSERT_TAIL(&s->t->nss, ns, link);
	changed(s, id);
	if (nsid)
		*nsid = id;
	return 0;
}

void nvme_tgt_ns_take_away(struct tgt_ns *ns)
{
	struct nvme_subsys *s = ns->subsys;

	s->ns[ns->nsid - 1] = NULL;
	s->n_ns--;
	ns->subsys = NULL;
	changed(s, ns->nsid);
}

static struct tgt_ns *find(struct nvme_subsys *s, uint32_t nsid)
{
	struct tgt_ns *ns = nvme_tgt_ns(s, nsid);

	if (!ns)
		weft_set_error(-ENOENT, "%s: there is no namespace %u", s->nqn, nsid);
	return ns;
}

int nvme_subsys_ns_remove(struct nvme_subsys *s, uint32_t nsid)
{
	struct tgt_ns *ns = find(s, nsid);

	if (!ns)
		return -ENOENT;
	nvme_tgt_ns_take_away(ns);
	nvme_tgt_settle(s->t);
	return 0;
}

int nvme_subsys_ns_refresh(struct nvme_subsys *s, uint32_t nsid)
{
	struct tgt_ns *ns = find(s, nsid);
	uint64_t blocks;
	int rc;

	if (!ns)
		return -ENOENT;
	if (!ns->backend->ops->refresh)
		return 0;
	rc = ns->backend->ops->refresh(ns->backend);
	if (rc)
		return rc;
	blocks = ns->backend->size >> ns->shift;
	if (blocks == ns->blocks)
		return 0;
	ns->blocks = blocks;
	changed(s, nsid);
	return 0;
}

/* --- end -------------------------------------------------------------------------------------------- */

static void flushed(struct nvme_backend_io *io, int error)
{
	struct tgt_ns *ns = io->arg;

	ns->inflight--;
	if (error && !ns->t->flush_error)
		ns->t->flush_error = error;
	if (error)
		nvme_tgt_note(ns->t, "%s: namespace %u: flush before its end: %s", ns->home->nqn,
			      ns->nsid, strerror(-error));
}

static void flush(struct tgt_ns *ns)
{
	ns->dirty = false;
	ns->inflight++;
	ns->flush.op = NVME_BACKEND_FLUSH;
	ns->flush.done = flushed;
	ns->flush.arg = ns;
	nvme_backend_submit(ns->backend, &ns->flush);
}

int nvme_tgt_ns_reap(struct nvme_target *t)
{
	struct tgt_ns *ns, *next;
	int n = 0;

	for (ns = TAILQ_FIRST(&t->nss); ns; ns = next) {
		next = TAILQ_NEXT(ns, link);
		if (ns->subsys || ns->inflight)
			continue;
		n++;
		if (ns->dirty && ns->backend->volatile_cache) {
			flush(ns);
			if (ns->inflight)
				continue;
		}
		TAILQ_REMOVE(&t->nss, ns, link);
		nvme_backend_close(ns->backend);
		nvme_tgt_subsys_put(ns->home);
		free(ns);
	}
	return n;
}
