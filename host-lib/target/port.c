/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports: where hosts come in, and which subsystems they find there. */
#include <errno.h>
#include <stdlib.h>

#include <nvme/fc_driver.h>

#include "tgt.h"

#define DEFAULT_QSIZE 64u
#define DEFAULT_ICD 8192u

static struct nvme_port *find(struct nvme_target *t, uint16_t portid)
{
	struct nvme_port *p;

	list_for_each(p, &t->ports, link)
		if (p->portid == portid)
			return p;
	return NULL;
}

static bool same_place(const struct nvme_port *p, const struct nvme_port_opts *o)
{
	if (o->trtype == NVMF_TRTYPE_FC)
		return p->fc == o->listen.fc.target_port;
	return !p->fc && p->d->env.dev == o->listen.dev && p->trsvcid == o->listen.port;
}

static int choose_id(struct nvme_target *t, const struct nvme_port_opts *o, uint16_t *id)
{
	struct nvme_port *p;

	if (o->trtype == NVMF_TRTYPE_FC) {
		if (!o->listen.fc.target_port)
			return weft_set_error(-EINVAL, "an FC port needs listen.fc.target_port");
	} else if (o->trtype && o->trtype != NVMF_TRTYPE_TCP) {
		return weft_set_error(-EOPNOTSUPP, "transport type %d", o->trtype);
	} else if (!o->traddr || !o->listen.dev || !o->listen.port) {
		return weft_set_error(-EINVAL, "a port needs traddr, listen.dev and listen.port");
	}
	list_for_each(p, &t->ports, link)
		if (same_place(p, o))
			return weft_set_error(-EEXIST, "port %u listens there already", p->portid);
	*id = o->portid;
	if (*id)
		return find(t, *id) ? weft_set_error(-EEXIST, "port %u is there already", *id) : 0;
	for (*id = 1; *id; ++*id)
		if (!find(t, *id))
			return 0;
	return weft_set_error(-ENOSPC, "no port number is free");
}

static void fill(struct nvme_port *p, const struct nvme_port_opts *o)
{
	p->trtype = o->trtype ? o->trtype : NVMF_TRTYPE_TCP;
	p->refs = 1;
	p->qsize = o->listen.qsize ? o->listen.qsize : DEFAULT_QSIZE;
	if (p->trtype == NVMF_TRTYPE_FC) {
		p->fc = o->listen.fc.target_port;
		p->wwnn = p->fc->node_name;
		p->wwpn = p->fc->port_name;
	} else {
		p->traddr = o->traddr;
		p->trsvcid = o->listen.port;
		p->max_icd = o->listen.max_icd ? o->listen.max_icd : DEFAULT_ICD;
	}
	TAILQ_INIT(&p->links);
}

int nvme_target_port_add(struct nvme_target *t, const struct nvme_port_opts *o,
			 struct nvme_port **out)
{
	struct nvmf_env env = { .dev = o->listen.dev, .pump = o->listen.fc.pump };
	struct nvme_port *p;
	uint16_t id = 0;
	int rc = choose_id(t, o, &id);

	if (rc)
		return rc;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->t = t;
	p->portid = id;
	fill(p, o);
	if (!env.dev && (!env.pump || !env.pump->poll)) {
		rc = weft_set_error(-EINVAL, "an FC port needs an adapter or a pump");
		goto no_dev;
	}
	rc = nvme_tgt_dev_get(t, &env, &p->d);
	if (rc)
		goto no_dev;
	p->listener = nvmf_listen(p->trtype, &o->listen, nvme_tgt_accept, p);
	if (!p->listener) {
		rc = -errno;
		goto no_listener;
	}
	TAILQ_INSERT_TAIL(&t->ports, p, link);
	nvme_tgt_discovery_changed(t, NULL, NULL);
	if (out)
		*out = p;
	return 0;
no_listener:
	nvme_tgt_dev_put(p->d);
no_dev:
	free(p);
	return rc;
}

static void end_queues(struct nvme_port *p)
{
	struct tgt_queue *q;

	list_for_each(q, &p->t->queues, link)
		if (q->port == p)
			nvme_tgt_queue_end(q);
}

void nvme_tgt_port_put(struct nvme_port *p)
{
	if (--p->refs)
		return;
	nvme_tgt_dev_put(p->d);
	free(p);
}

void nvme_tgt_port_close(struct nvme_port *p)
{
	struct tgt_portlink *l;

	p->removed = true;
	nvmf_unlisten(p->listener);
	p->listener = NULL;
	TAILQ_REMOVE(&p->t->ports, p, link);
	nvme_tgt_discovery_changed(p->t, NULL, NULL);
	end_queues(p);
	while ((l = TAILQ_FIRST(&p->links))) {
		TAILQ_REMOVE(&p->links, l, link);
		free(l);
	}
	nvme_tgt_port_put(p);
}

static bool has_queues(const void *what)
{
	return ((const struct nvme_port *)what)->refs > 1;
}

/*
 * The adapter may go right after this call, so it returns when the last connection has gone: at
 * once, or when the backends have finished what they have.
 */
int nvme_target_port_remove(struct nvme_port *p)
{
	struct nvme_target *t = p->t;
	int rc;

	p->refs++; /* ours */
	nvme_tgt_port_close(p);
	rc = nvme_tgt_await(t, has_queues, p);
	nvme_tgt_port_put(p);
	return rc;
}

/* --- links ------------------------------------------------------------------------------------------ */

static struct tgt_portlink *find_link(const struct nvme_port *p, const struct nvme_subsys *s)
{
	struct tgt_portlink *l;

	list_for_each(l, &p->links, link)
		if (l->subsys == s)
			return l;
	return NULL;
}

bool nvme_tgt_port_linked(const struct nvme_port *p, const struct nvme_subsys *s)
{
	return find_link(p, s);
}

int nvme_port_link(struct nvme_port *p, struct nvme_subsys *s)
{
	struct tgt_portlink *l;

	if (find_link(p, s))
		return weft_set_error(-EEXIST, "%s is linked to port %u already", s->nqn,
				      p->portid);
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->subsys = s;
	TAILQ_INSERT_TAIL(&p->links, l, link);
	nvme_tgt_discovery_changed(p->t, s, NULL);
	return 0;
}

int nvme_port_unlink(struct nvme_port *p, struct nvme_subsys *s)
{
	struct tgt_portlink *l = find_link(p, s);
	struct tgt_ctrl *c;

	if (!l)
		return weft_set_error(-ENOENT, "%s is not linked to port %u", s->nqn, p->portid);
	TAILQ_REMOVE(&p->links, l, link);
	free(l);
	nvme_tgt_discovery_changed(p->t, s, NULL);
	list_for_each(c, &p->t->ctrls, link)
		if (c->subsys == s && c->port == p)
			nvme_tgt_ctrl_end(c);
	nvme_tgt_settle(p->t);
	return 0;
}

void nvme_tgt_port_forget(struct nvme_target *t, struct nvme_subsys *s)
{
	struct nvme_port *p;
	struct tgt_portlink *l;

	list_for_each(p, &t->ports, link) {
		l = find_link(p, s);
		if (!l)
			continue;
		TAILQ_REMOVE(&p->links, l, link);
		free(l);
	}
}
