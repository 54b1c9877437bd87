/* SPDX-License-Identifier: BSD-2-Clause */
/* The target as a whole: its life, its loop, what it tells of itself. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tgt.h"

#define DEFAULT_CONNECT_MS 10000u
#define DEFAULT_DISCOVERY_MS 120000u
#define DEFAULT_BUFFERS (32u << 20)
#define MAX_BUFFERS (1ull << 30)
#define DEFAULT_BACKEND_MS 60000u
#define SCAN_BYTES 65536u
#define WAIT_SLICE_MS 100
#define MAX_WAIT_FDS 64

void nvme_tgt_note(struct nvme_target *t, const char *fmt, ...)
{
	char line[600];
	va_list ap;

	if (!t->o.log)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	t->o.log(t->o.log_arg, line);
}

static int check_opts(struct nvme_target_opts *o)
{
	if (!o->connect_timeout_ms)
		o->connect_timeout_ms = DEFAULT_CONNECT_MS;
	if (!o->discovery_timeout_ms)
		o->discovery_timeout_ms = DEFAULT_DISCOVERY_MS;
	if (!o->buffer_bytes)
		o->buffer_bytes = DEFAULT_BUFFERS;
	if (!o->backend_timeout_ms)
		o->backend_timeout_ms = DEFAULT_BACKEND_MS;
	if (o->buffer_bytes % TGT_MAX_XFER || o->buffer_bytes > MAX_BUFFERS)
		return weft_set_error(-EINVAL, "buffer_bytes %zu is no multiple of %u up to %llu",
				      o->buffer_bytes, TGT_MAX_XFER, MAX_BUFFERS);
	return 0;
}

int nvme_target_create(const struct nvme_target_opts *opts, struct nvme_target **out)
{
	struct nvme_target *t = calloc(1, sizeof(*t));
	struct timespec now;
	int rc;

	if (!t)
		return -ENOMEM;
	if (opts)
		t->o = *opts;
	rc = check_opts(&t->o);
	t->scan_mem = rc ? NULL : aligned_alloc(TGT_PAGE, SCAN_BYTES);
	if (!t->scan_mem) {
		free(t);
		return rc ? rc : -ENOMEM;
	}
	TAILQ_INIT(&t->subsystems);
	TAILQ_INIT(&t->ports);
	TAILQ_INIT(&t->devs);
	TAILQ_INIT(&t->nss);
	TAILQ_INIT(&t->ctrls);
	TAILQ_INIT(&t->queues);
	TAILQ_INIT(&t->dying);
	TAILQ_INIT(&t->scans);
	t->next_discovery_cntlid = 1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	t->started = (uint64_t)now.tv_sec;
	*out = t;
	return 0;
}

/* --- the loop ---------------------------------------------------------------------------------------- */

int nvme_tgt_poll_backends(struct nvme_target *t)
{
	struct tgt_ns *ns;
	int n = 0;

	list_for_each(ns, &t->nss, link)
		if (ns->inflight)
			n += nvme_backend_poll(ns->backend);
	return n;
}

int nvme_tgt_settle(struct nvme_target *t)
{
	bool nested = t->polling;
	int n = nvme_tgt_poll_backends(t);

	if (nested)
		return n; /* whoever polls cleans up */
	t->polling = true;
	n += nvme_tgt_reap(t);
	n += nvme_tgt_ns_reap(t);
	t->polling = false;
	return n;
}

static void timers(struct tgt_dev *d)
{
	struct tgt_queue *q;
	struct tgt_ctrl *c;

	d->next_tick = d->now + TGT_TICK_MS * TGT_NSEC_PER_MSEC;
	list_for_each(q, &d->t->queues, link) {
		if (q->d != d || q->ended || (q->ctrl && !q->fetches && !q->leaving) ||
		    d->now < q->deadline)
			continue;
		nvme_tgt_note(d->t, "host %s, queue %u: no %s in time", q->peer.address, q->qid,
			      q->leaving ? "close" : (q->ctrl ? "data" : "Connect"));
		nvme_tgt_queue_end(q);
	}
	list_for_each(c, &d->t->ctrls, link)
		if (c->d == d)
			nvme_tgt_ctrl_timer(c, d->now);
}

static int poll_dev(struct tgt_dev *d)
{
	int n = d->env.dev ? nvmf_poll(d->env.dev) : nvmf__env_poll(&d->env);

	d->gone = n < 0;
	d->now = nvmf__env_now(&d->env);
	if (d->now >= d->next_tick)
		timers(d);
	return d->gone ? 0 : n;
}

int nvme_target_poll(struct nvme_target *t)
{
	struct tgt_dev *d;
	bool gone = false;
	int n = nvme_tgt_poll_backends(t);

	if (t->polling)
		return n;
	t->polling = true;
	list_for_each(d, &t->devs, link) {
		n += poll_dev(d);
		gone |= d->gone;
	}
	n += nvme_tgt_reap(t);
	n += nvme_tgt_ns_reap(t);
	t->polling = false;
	return gone ? -ENODEV : n;
}

/* --- sleep -------------------------------------------------------------------------------------------- */

/* Backends that have something to do; -1: one of them has no descriptor. */
static int backend_fds(const struct nvme_target *t, struct pollfd *fd, int max)
{
	const struct tgt_ns *ns;
	int n = 0;

	list_for_each(ns, &t->nss, link) {
		if (!ns->inflight)
			continue;
		if (n == max || nvme_backend_fd(ns->backend) < 0)
			return -1;
		fd[n].fd = nvme_backend_fd(ns->backend);
		fd[n++].events = POLLIN;
	}
	return n;
}

static bool reapable(const struct nvme_target *t)
{
	const struct tgt_queue *q;
	const struct tgt_ns *ns;

	list_for_each(q, &t->dying, dying)
		if (nvme_tgt_reapable(q))
			return true;
	list_for_each(ns, &t->nss, link)
		if (!ns->subsys && !ns->inflight)
			return true;
	return false;
}

/* Sleeps on everything at once. An adapter that only works when asked to works without time passing. */
static int sleep_on_all(struct nvme_target *t, int n_backends, struct pollfd *fd, int ms)
{
	struct tgt_dev *d;
	int n = n_backends, rc;

	list_for_each(d, &t->devs, link) {
		if (!d->env.dev) /* has no descriptor */
			return nvmf__env_wait(&d->env, ms < 1 ? ms : 1);
		rc = weft_dev_wait(d->env.dev, 0);
		if (!rc)
			rc = weft_dev_arm(d->env.dev);
		if (rc)
			return rc;
		if (n == MAX_WAIT_FDS)
			return 1;
		fd[n].fd = weft_dev_fd(d->env.dev);
		fd[n++].events = POLLIN;
	}
	rc = poll(fd, (nfds_t)n, ms);
	return rc < 0 ? -errno : rc > 0;
}

int nvme_target_wait(struct nvme_target *t, int timeout_ms)
{
	struct pollfd fd[MAX_WAIT_FDS];
	struct tgt_dev *d = TAILQ_FIRST(&t->devs);
	int n, ms = timeout_ms < 0 || timeout_ms > WAIT_SLICE_MS ? WAIT_SLICE_MS : timeout_ms;

	if (reapable(t))
		return 1;
	n = backend_fds(t, fd, MAX_WAIT_FDS);
	if (n < 0)
		return 1;
	if (!n && d && !TAILQ_NEXT(d, link))
		return nvmf__env_wait(&d->env, ms);
	if (ms > 1)
		ms = n ? 1 : 10;
	return sleep_on_all(t, n, fd, ms);
}

/* --- end ------------------------------------------------------------------------------------------------ */

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool time_is_up(const struct nvme_target *t, uint32_t timeout_ms, uint64_t *end)
{
	const struct tgt_dev *d = TAILQ_FIRST(&t->devs);
	uint64_t now;

	if (!d || d->gone)
		return true;
	now = nvmf__env_now(&d->env);
	if (!*end)
		*end = now + timeout_ms * TGT_NSEC_PER_MSEC;
	return now >= *end;
}

static void finish_commands(struct nvme_target *t, uint32_t timeout_ms)
{
	uint64_t limit = clock_ms() + t->o.backend_timeout_ms, end = 0;

	while (nvme_tgt_under_way(t) && !time_is_up(t, timeout_ms, &end) && clock_ms() < limit) {
		int rc = nvme_target_poll(t);

		if (rc == -ENODEV)
			break;
		if (!rc)
			nvme_target_wait(t, 1);
	}
}

/* Backends tell by their descriptors; adapters, and backends that have none, are looked at again. */
static void sleep_on_backends(struct nvme_target *t)
{
	struct pollfd fd[MAX_WAIT_FDS];
	int n = backend_fds(t, fd, MAX_WAIT_FDS);

	poll(fd, n > 0 ? (nfds_t)n : 0, n > 0 ? 10 : 1);
}

static int name_stuck(struct nvme_target *t)
{
	int rc = weft_set_error(-ETIMEDOUT, "connections have not ended");
	const struct tgt_ns *ns;

	list_for_each(ns, &t->nss, link) {
		if (!ns->inflight)
			continue;
		rc = weft_set_error(-ETIMEDOUT,
				    "%s: namespace %u (%s): %u requests not answered within %u ms",
				    ns->home->nqn, ns->nsid, ns->backend->ops->name, ns->inflight,
				    t->o.backend_timeout_ms);
		nvme_tgt_note(t, "%s", weft_last_error());
	}
	return rc;
}

int nvme_tgt_await(struct nvme_target *t, bool (*busy)(const void *what), const void *what)
{
	uint64_t end = clock_ms() + t->o.backend_timeout_ms;

	while (busy(what)) {
		if (nvme_target_poll(t) > 0)
			continue;
		if (clock_ms() >= end)
			return name_stuck(t);
		sleep_on_backends(t);
	}
	return 0;
}

static void stop_listening(struct nvme_target *t)
{
	struct nvme_port *p;

	list_for_each(p, &t->ports, link) {
		nvmf_unlisten(p->listener);
		p->listener = NULL;
	}
}

static bool something_left(const void *what)
{
	const struct nvme_target *t = what;

	return !TAILQ_EMPTY(&t->queues) || !TAILQ_EMPTY(&t->nss);
}

int nvme_target_destroy(struct nvme_target *t, uint32_t timeout_ms)
{
	struct nvme_subsys *s;
	struct nvme_port *p;
	int rc;

	if (!t)
		return 0;
	if (!t->stopping)
		t->flush_error = 0; /* those of namespaces taken away before are not of this call */
	stop_listening(t);
	t->stopping = true;
	finish_commands(t, timeout_ms);
	while ((p = TAILQ_FIRST(&t->ports)))
		nvme_tgt_port_close(p);
	while ((s = TAILQ_FIRST(&t->subsystems)))
		nvme_target_subsys_remove(s);
	rc = nvme_tgt_await(t, something_left, t);
	if (rc)
		return rc;
	rc = t->flush_error;
	free(t->scan_mem);
	free(t);
	return rc;
}

/* --- facts ----------------------------------------------------------------------------------------------- */

void nvme_target_stats(struct nvme_target *t, struct nvme_target_stats *stats)
{
	const struct tgt_queue *q;
	const struct tgt_cmd *cmd;
	const struct tgt_ctrl *c;
	const struct tgt_dev *d;

	*stats = t->stats;
	list_for_each(q, &t->queues, link) {
		stats->io_queues += q->ctrl && q->qid && !q->ended;
		list_for_each(cmd, &q->out, link)
			stats->commands_held++;
	}
	list_for_each(c, &t->ctrls, link)
		stats->controllers += !c->ended;
	list_for_each(d, &t->devs, link)
		stats->memory_held += d->used;
}

static unsigned int io_queues(const struct tgt_ctrl *c)
{
	unsigned int i, n = 0;

	if (c->subsys)
		for (i = 0; i < c->subsys->o.max_io_queues; i++)
			n += c->ioq[i] && !c->ioq[i]->ended;
	return n;
}

void nvme_target_for_each_ctrl(struct nvme_target *t,
			       void (*fn)(void *arg, const struct nvme_target_ctrl_info *info),
			       void *arg)
{
	const struct tgt_ctrl *c;

	list_for_each(c, &t->ctrls, link) {
		struct nvme_target_ctrl_info info = {
			.cntlid = c->cntlid,
			.subnqn = c->subsys ? c->subsys->nqn : NVME_DISCOVERY_NQN,
			.hostnqn = c->hostnqn,
			.io_queues = io_queues(c),
			.remote_ip = c->peer.ip,
			.address = c->peer.address,
			.kato_ms = c->kato_ms,
		};

		if (!c->ended)
			fn(arg, &info);
	}
}
