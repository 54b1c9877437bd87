/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Polling and sleeping. A device with a time of its own (simulation in this process) never sleeps:
 * waiting means letting it work. Any other device is waited for on the epoll fd, in slices, so that
 * a device that vanished without a word, or reset itself, is noticed.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define SLICE_MS 100      /* longest sleep between two looks at the device */
#define SPINS 64          /* empty polls before the first sleep */
#define STUCK_STEPS 10000 /* idle steps of a simulated device whose time stands still */

uint64_t weft_dev_now(struct weft_dev *dev)
{
	struct timespec ts;

	if (dev->bus->ops->now)
		return dev->bus->ops->now(dev->bus);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static bool shared(const struct weft_qp *qp)
{
	return qp && !(qp->params.flags & WEFT_QP_THREAD);
}

static int poll_pairs(struct weft_dev *dev)
{
	unsigned int i;
	int n = 0;

	for (i = 0; i <= dev->top; i++) {
		struct weft_qp *qp = dev->qp[i];
		int got;

		if (!shared(qp) || (weft__ring_quiet(qp) && !atomic_load(&dev->gone)))
			continue;
		got = weft__ring_poll(qp, 0);
		if (got > 0)
			n += got;
	}
	return n;
}

/* Gives the device up to ns of its time. 1: it has more to do, 0: idle. */
static int advance(struct weft_dev *dev, uint64_t ns)
{
	int rc;

	if (!dev->bus->ops->advance || atomic_load(&dev->gone))
		return 0;
	rc = dev->bus->ops->advance(dev->bus, ns);
	if (rc < 0)
		atomic_store(&dev->gone, true);
	return rc;
}

/* --- layers that live in the polls ------------------------------------------------------------------- */

int weft_dev_add_poller(struct weft_dev *dev, weft_poller_fn *fn, void *arg)
{
	unsigned int i;

	for (i = 0; i < MAX_POLLERS; i++)
		if (!dev->poller[i].fn) {
			dev->poller[i] = (struct poller){ .fn = fn, .arg = arg };
			dev->n_pollers++;
			return 0;
		}
	return weft_set_error(-ENOSPC, "%u pollers are there", MAX_POLLERS);
}

void weft_dev_remove_poller(struct weft_dev *dev, weft_poller_fn *fn, const void *arg)
{
	unsigned int i;

	for (i = 0; i < MAX_POLLERS; i++)
		if (dev->poller[i].fn == fn && dev->poller[i].arg == arg) {
			dev->poller[i].fn = NULL;
			dev->n_pollers--;
		}
}

static bool own_time(const struct weft_dev *dev)
{
	return dev->n_pollers || dev->n_life;
}

/* Runs them. 1: one of them had asked for it, so that something may have come of it. */
static int run_pollers(struct weft_dev *dev)
{
	uint64_t now;
	unsigned int i;
	int due = 0;

	if (!own_time(dev))
		return 0;
	now = weft_dev_now(dev);
	dev->life_wake = weft__life_poll(dev, now);
	for (i = 0; i < MAX_POLLERS; i++) {
		struct poller *p = &dev->poller[i];
		uint64_t wake;

		if (!p->fn || p->running)
			continue;
		due |= p->wake <= now;
		p->running = true;
		wake = p->fn(p->arg, now);
		p->running = false;
		p->wake = wake;
	}
	return due;
}

uint64_t weft_dev_next(struct weft_dev *dev)
{
	uint64_t next = UINT64_MAX;
	unsigned int i;

	if (!own_time(dev))
		return next;
	if (dev->n_life)
		next = dev->life_wake;
	for (i = 0; i < MAX_POLLERS; i++)
		if (dev->poller[i].fn && dev->poller[i].wake < next)
			next = dev->poller[i].wake;
	return next;
}

int weft_dev_poll(struct weft_dev *dev)
{
	int n = poll_pairs(dev), due;

	if (!n && !atomic_load(&dev->gone) && dev->bus->ops->advance) {
		advance(dev, dev->params.advance_ns);
		n = poll_pairs(dev);
	}
	due = run_pollers(dev);
	if (!n)
		n = due;
	if (n)
		dev->empty = 0;
	else if (!atomic_load(&dev->gone) && weft__look_at_times(dev))
		n = poll_pairs(dev); /* everything in flight ends */
	return !n && atomic_load(&dev->gone) ? -ENODEV : n;
}

/* --- sleeping --------------------------------------------------------------------------------------- */

static bool pending(const struct weft_dev *dev)
{
	unsigned int i;

	for (i = 0; i <= dev->top; i++)
		if (shared(dev->qp[i]) && weft__ring_pending(dev->qp[i]))
			return true;
	return false;
}

int weft_dev_arm(struct weft_dev *dev)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i <= dev->top && !rc; i++)
		if (shared(dev->qp[i]))
			rc = weft__ring_arm(dev->qp[i]);
	return rc;
}

int weft_dev_fd(struct weft_dev *dev)
{
	return dev->epfd;
}

/* Clears what the epoll fd reported; pairs of a vector that fired are no longer armed. */
static void clear(struct weft_dev *dev, const struct epoll_event *ev)
{
	uint64_t count;
	unsigned int i;

	if (ev->data.u32 >= dev->n_vectors) {
		advance(dev, 0); /* the bus itself: a message, or its end */
		return;
	}
	if (read(dev->vec_fd[ev->data.u32], &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	for (i = 0; i < WEFT_N_QP; i++)
		if (shared(dev->qp[i]) && dev->qp[i]->params.vector == ev->data.u32)
			dev->qp[i]->armed = false;
}

static int sleep_slice(struct weft_dev *dev, int ms)
{
	struct epoll_event ev[8];
	int i, n, rc = weft_dev_arm(dev);

	if (rc)
		return rc;
	n = epoll_wait(dev->epfd, ev, 8, ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < n; i++)
		clear(dev, &ev[i]);
	if (atomic_load(&dev->gone))
		return -ENODEV;
	return n ? 1 : weft__look(dev);
}

/* Lets a simulated device work until something is there or until ns of its time have passed. */
static int step_until(struct weft_dev *dev, uint64_t ns)
{
	uint64_t now = weft_dev_now(dev), start = now, before;
	unsigned int stuck = 0;

	while (now - start < ns) {
		int more = advance(dev, dev->params.advance_ns);

		if (more < 0)
			return -ENODEV;
		if (pending(dev))
			return 1;
		before = now;
		now = weft_dev_now(dev);
		stuck = more || now != before ? 0 : stuck + 1;
		if (stuck == STUCK_STEPS)
			return weft_set_error(
				-ETIMEDOUT,
				"the simulated device is idle and its time stands still");
	}
	return weft__look(dev);
}

/* Sleeps until end. */
static int sleep_until(struct weft_dev *dev, uint64_t end)
{
	int rc = 0;

	while (!rc) {
		uint64_t now = weft_dev_now(dev);
		uint64_t ms = now < end ? (end - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC : 0;

		if (!ms)
			return pending(dev);
		rc = sleep_slice(dev, ms < SLICE_MS ? (int)ms : SLICE_MS);
		if (!rc && pending(dev))
			rc = 1;
	}
	return rc;
}

int weft_dev_wait(struct weft_dev *dev, int timeout_ms)
{
	uint64_t left = timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms * NSEC_PER_MSEC;
	uint64_t now, wake;
	bool due = false;
	int rc;

	if (atomic_load(&dev->gone) || pending(dev))
		return 1; /* a poll has something to deliver */
	now = weft_dev_now(dev);
	wake = weft_dev_next(dev);
	if (wake <= now)
		return 1;
	if (wake - now < left) {
		left = wake - now;
		due = true;
	}
	if (dev->bus->ops->now)
		rc = step_until(dev, left);
	else
		rc = sleep_until(dev, now + left < now ? UINT64_MAX : now + left);
	return rc ? rc : due;
}

int weft_dev_run(struct weft_dev *dev, bool (*done)(void *arg), void *arg, uint32_t timeout_ms)
{
	uint64_t ms = timeout_ms ? timeout_ms : dev->params.timeout_ms;

	return weft__wait(dev, done, arg, ms * NSEC_PER_MSEC);
}

int weft__wait(struct weft_dev *dev, bool (*done)(void *arg), void *arg, uint64_t timeout_ns)
{
	uint64_t end = weft_dev_now(dev) + timeout_ns, nap;
	void (*idle_cb)(void *) = dev->params.idle_cb;
	unsigned int idle = 0;

	while (!done(arg)) {
		uint64_t now;
		int rc = weft_dev_poll(dev);

		if (rc < 0)
			return done(arg) ? 0 : rc;
		idle = rc ? 0 : idle + 1;
		if (!idle)
			continue;
		now = weft_dev_now(dev);
		if (now >= end)
			return -ETIMEDOUT;
		if (idle_cb)
			idle_cb(dev->params.idle_arg);
		/* a simulated device only waits for what the idle callback does: no long steps */
		if (idle < SPINS || (idle_cb && dev->bus->ops->now))
			continue;
		nap = !idle_cb && end - now > SLICE_MS * NSEC_PER_MSEC ? SLICE_MS : 1;
		rc = weft_dev_wait(dev, (int)nap);
		if (rc < 0 && rc != -ENODEV)
			return rc;
	}
	return 0;
}
