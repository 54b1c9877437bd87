/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens without being asked for: Keep Alive, asynchronous events, timeouts, recovery and
 * reconnecting.
 *
 * CONNECTING -> LIVE     nvme__associate succeeded
 * LIVE -> DOWN           a queue died, a command timed out twice: all queues closed, all commands
 * ended DOWN -> LIVE           reconnected
 * DOWN -> DEAD           no reconnecting wanted, or its time is over
 */
#include <errno.h>
#include <string.h>

#include "../nvmf/fc.h"
#include "host.h"

#define BACKOFF_MAX 8u
#define BUSY_POLLS 64u /* busy polls after which the timers have their turn all the same */

static void tell(struct nvme_host *h, enum nvme_host_event event, int error, uint32_t aer)
{
	if (h->opts.event_cb)
		h->opts.event_cb(h->opts.event_arg, event, error, aer);
}

/* Closes every queue first, so that no buffer is in use when its owner is told. */
void nvme__down(struct nvme_host *h, int error)
{
	uint16_t i;

	h->state = HOST_DOWN;
	h->keepalive_at = UINT64_MAX;
	for (i = MAX_IO_QUEUES + 1; i-- > 0;)
		nvme__queue_close(h, i);
	for (i = 0; i <= MAX_IO_QUEUES; i++)
		nvme__queue_free(h, i, error);
	h->io_queues = h->n_open = 0;
	h->aer_open = h->keepalive_open = false;
	h->failed = 0;
	nvme__io_continue(h); /* those that waited for a free command end now */
}

static void on_aer(void *arg, const struct nvme_result *r)
{
	struct nvme_host *h = arg;

	h->aer_open = false;
	if (r->error || r->status)
		return; /* the association ends, or the controller has no events for us */
	nvme__start_aer(h);
	tell(h, NVME_HOST_ASYNC, 0, (uint32_t)r->value);
}

void nvme__start_aer(struct nvme_host *h)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_ASYNC_EVENT_REQUEST };

	if (!h->aer_open && !nvme__submit(h->queue[0], &sqe, NULL, 0, false, on_aer, h, NULL))
		h->aer_open = true;
}

static void on_keepalive(void *arg, const struct nvme_result *r)
{
	struct nvme_host *h = arg;

	h->keepalive_open = false;
	if (!r->error && r->status && !h->failed)
		h->failed = -ECONNRESET; /* the controller has forgotten us */
}

static void keepalive(struct nvme_host *h, uint64_t now)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_KEEP_ALIVE };

	if (now < h->keepalive_at || h->keepalive_open)
		return;
	if (nvme__submit(h->queue[0], &sqe, NULL, 0, false, on_keepalive, h, NULL))
		return; /* no free command; next time */
	h->keepalive_open = true;
	h->stats.keepalives++;
	h->keepalive_at = now + h->opts.kato_ms / 2 * NSEC_PER_MSEC;
}

/*
 * Asks the controller to give the command up. Its answer does not matter: either the command ends,
 * or its second deadline comes.
 */
static void abort_req(struct nvme_host *h, struct host_req *r, uint64_t now)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_ABORT };
	uint16_t cid = (uint16_t)(r - r->q->req);

	sqe.cdw10 = r->q->qid | (uint32_t)cid << 16;
	r->aborting = true;
	nvme__req_unage(r);
	nvme__req_age(r, now + r->q->timeout_ns);
	h->stats.aborts++;
	nvme__submit(h->queue[0], &sqe, NULL, 0, false, NULL, NULL, NULL);
}

static void check_queue(struct nvme_host *h, struct host_queue *q, uint64_t now)
{
	nvme__queue_stamp(q, now);
	while (q->age.next != &q->age && q->age.next->deadline <= now && !h->failed) {
		struct host_req *r = q->age.next;

		if (q->qid && !r->aborting)
			abort_req(h, r, now);
		else
			h->failed = -ETIMEDOUT;
	}
}

static void check_timeouts(struct nvme_host *h, uint64_t now)
{
	unsigned int i;

	for (i = 0; i < h->n_open; i++)
		if (h->queue[i])
			check_queue(h, h->queue[i], now);
}

static void give_up(struct nvme_host *h, int error)
{
	h->state = HOST_DEAD;
	tell(h, NVME_HOST_DEAD, error, 0);
}

static void plan_reconnect(struct nvme_host *h, uint64_t now)
{
	unsigned int factor = h->attempts < 3 ? 1u << h->attempts : BACKOFF_MAX;

	h->attempts++;
	h->reconnect_at = now + (uint64_t)h->opts.reconnect_delay_ms * factor * NSEC_PER_MSEC;
}

static void recover(struct nvme_host *h)
{
	enum host_state before = h->state;
	int error = h->failed;

	nvme__down(h, error);
	if (before == HOST_CONNECTING)
		return; /* nvme__associate sees its command fail and reports that */
	h->lost_at = nvmf__env_now(&h->env);
	plan_reconnect(h, h->lost_at);
	tell(h, NVME_HOST_LOST, error, 0);
	if (!h->opts.reconnect_delay_ms || error == -ENODEV)
		give_up(h, error);
}

static void reconnect(struct nvme_host *h, uint64_t now)
{
	int rc;

	if (now < h->reconnect_at)
		return;
	rc = nvme__associate(h);
	if (!rc) {
		tell(h, NVME_HOST_RECONNECTED, 0, 0);
		return;
	}
	now = nvmf__env_now(&h->env);
	if (now - h->lost_at > h->opts.ctrl_loss_tmo_ms * NSEC_PER_MSEC || rc == -ENODEV)
		give_up(h, rc);
	else
		plan_reconnect(h, now);
}

/* Timers and recovery, but no reconnecting. */
void nvme__service(struct nvme_host *h)
{
	uint64_t now;

	if (h->state != HOST_LIVE && h->state != HOST_CONNECTING)
		return;
	now = nvmf__env_now(&h->env);
	keepalive(h, now);
	check_timeouts(h, now);
	if (h->failed)
		recover(h);
	else if (h->wait_head)
		nvme__io_continue(h);
}

/* In a callback of the FC poll: recovery would wait for what only that poll can bring. */
static bool nested(const struct nvme_host *h)
{
	return h->opts.addr.trtype == NVMF_TRTYPE_FC && nvmf__fc_inside;
}

int nvme_host_poll(struct nvme_host *h)
{
	int n = nvmf__env_poll(&h->env);

	if (h->servicing || nested(h))
		return n;
	h->servicing = true;
	if (n == -ENODEV && !h->failed && h->state == HOST_LIVE)
		h->failed = -ENODEV;
	if (n <= 0 || h->failed || ++h->busy_polls % BUSY_POLLS == 0)
		nvme__service(h);
	if (h->state == HOST_DOWN)
		reconnect(h, nvmf__env_now(&h->env));
	h->servicing = false;
	return n;
}

/* Device time of the next thing to do without being asked. */
uint64_t nvme__next_timer(struct nvme_host *h, uint64_t now)
{
	uint64_t t = h->state == HOST_DOWN ? h->reconnect_at : h->keepalive_at;
	unsigned int i;

	for (i = 0; i < h->n_open; i++) {
		struct host_queue *q = h->queue[i];

		if (q)
			nvme__queue_stamp(q, now);
		if (q && q->age.next != &q->age && q->age.next->deadline < t)
			t = q->age.next->deadline;
	}
	return t;
}

int nvme_host_wait(struct nvme_host *h, int timeout_ms)
{
	uint64_t now = nvmf__env_now(&h->env), t = nvme__next_timer(h, now),
		 ms = (uint64_t)timeout_ms;
	int rc;

	if (h->failed || h->wait_head || t <= now)
		return 1;
	if (t != UINT64_MAX && (timeout_ms < 0 || (t - now) / NSEC_PER_MSEC < ms))
		ms = (t - now) / NSEC_PER_MSEC + 1;
	else if (timeout_ms < 0)
		return nvmf__env_wait(&h->env, -1);
	rc = nvmf__env_wait(&h->env, ms > 0x7fffffff ? 0x7fffffff : (int)ms);
	return rc == 0 && nvmf__env_now(&h->env) >= t ? 1 : rc;
}
