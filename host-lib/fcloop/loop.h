/* SPDX-License-Identifier: BSD-2-Clause */
/* The software loopback inside. */
#ifndef FCLOOP_LOOP_H
#define FCLOOP_LOOP_H

#include <sys/queue.h>

#include <nvme/fc_loop.h>

/* Something to do in the next poll. */
struct loop_event {
	TAILQ_ENTRY(loop_event) link;
	void (*run)(void *obj);
	void *obj;
	bool queued;
};

struct loop_queue {
	TAILQ_ENTRY(loop_queue) link;
	unsigned int qidx;
	unsigned int exchanges;
	uint32_t csn; /* of the latest command */
};

/* What the target knows the host by; a new one each time the link comes up. */
struct loop_host {
	struct nvme_fc_loop *loop;
};

struct nvme_fc_loop {
	struct nvme_fc_device dev; /* first */
	struct nvme_fc_loop_opts opts;
	struct nvme_fc_port_template host_tmpl;
	struct nvmet_fc_target_template target_tmpl;
	struct nvme_fc_local_port *lport;
	struct nvme_fc_remote_port *rport;
	struct nvmet_fc_target_port *tport;
	struct loop_host *host; /* NULL: link down */
	bool up;
	uint64_t now;
	TAILQ_HEAD(loop_event_list, loop_event) events;
	TAILQ_HEAD(loop_queue_list, loop_queue) queues;
	TAILQ_HEAD(loop_ls_list, loop_ls) ls;
	struct {
		unsigned int skip, count;
	} fault[NVME_FC_LOOP_FAULTS];
	struct nvme_fc_loop_stats stats;
};

/* What the transport owes the driver. */
#define LOOP_CHECK(loop, cond) loop_check(loop, cond, #cond)
void loop_check(struct nvme_fc_loop *loop, bool ok, const char *what);
bool loop_hit(struct nvme_fc_loop *loop, enum nvme_fc_loop_fault fault);
void loop_post(struct nvme_fc_loop *loop, struct loop_event *ev, void (*run)(void *obj), void *obj);
void loop_unpost(struct nvme_fc_loop *loop, struct loop_event *ev);
struct nvme_fc_loop *loop_of(const struct nvme_fc_local_port *lport);
struct nvme_fc_loop *loop_of_target(const struct nvmet_fc_target_port *tport);

/* io.c, ls.c: the templates' callbacks. */
extern const uint32_t loop_io_priv, loop_ls_priv;
void loop_io_templates(struct nvme_fc_loop *loop);
void loop_ls_templates(struct nvme_fc_loop *loop);
/* Times out what is due; returns when the next is. */
uint64_t loop_ls_timeouts(struct nvme_fc_loop *loop);

#endif
