/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of queue pairs share: an open adapter, a connected pair, and what its callbacks
 * saw.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weft/mem.h>
#include <weft/qp.h>

#include "fake.h"

static struct fake *f;
static struct weft_dev *dev;

static const struct weft_dev_params hasty = {
	.timeout_ms = 50
}; /* of device time, for tests that wait for nothing */

static inline void open_dev(void)
{
	f = fake_new();
	ck_assert_int_eq(weft_dev_open(&f->bus, &hasty, &dev), 0);
}

static inline void open_eager(void)
{
	f = fake_new_eager();
	ck_assert_int_eq(weft_dev_open(&f->bus, NULL, &dev), 0);
}

/*
 * Every test ends here: nothing is left mapped or wired, and the adapter saw no breach of the
 * contract.
 */
static inline void close_dev(void)
{
	weft_dev_close(dev);
	dev = NULL;
	ck_assert_uint_eq(f->closed, 1);
	ck_assert_uint_eq(f->maps_live, 0);
	ck_assert_uint_eq(f->irqs_live, 0);
	ck_assert_uint_eq(f->violations, 0);
	fake_free(f);
}

/* What a queue pair's callbacks saw. */
static struct seen {
	unsigned int n, events, errors;
	int last_error;
	uint16_t order[4096];
	uint32_t data_len;
	uint8_t flags;
	struct weft_event event;
	struct weft_qp *resubmit_on;
	unsigned int resubmits;
	bool delete_it;
} seen;

static inline void nop_sqe(uint8_t *sqe, uint16_t cid, uint32_t len, bool icd)
{
	memset(sqe, 0, 64);
	sqe[1] = 0x40;
	memcpy(sqe + 2, &cid, 2);
	memcpy(sqe + 32, &len, 4);
	sqe[39] = icd ? 0x01 : 0x5a;
}

static inline int submit(struct weft_qp *qp, uint16_t cid)
{
	uint8_t sqe[64];
	struct weft_cmd c = { .sqe = sqe, .cid = cid, .cookie = (void *)(uintptr_t)(cid + 1u) };

	nop_sqe(sqe, cid, 0, false);
	return weft_qp_submit(qp, &c);
}

static inline void on_complete(void *arg, const struct weft_completion *c)
{
	ck_assert_ptr_eq(arg, &seen);
	ck_assert_uint_eq((uintptr_t)c->cookie, c->cid + 1u);
	seen.order[seen.n++ % 4096] = c->cid;
	seen.errors += c->error != 0;
	seen.last_error = c->error;
	seen.data_len = c->data_len;
	seen.flags = c->flags;
	ck_assert((c->cqe == NULL) == (c->error != 0));
	if (seen.resubmit_on && seen.resubmits) {
		seen.resubmits--;
		ck_assert_int_eq(submit(seen.resubmit_on, c->cid), 0);
	}
	if (seen.delete_it) {
		struct weft_qp *qp = seen.resubmit_on;

		seen.resubmit_on = NULL;
		seen.delete_it = false;
		ck_assert_int_eq(weft_qp_disconnect(qp, true), 0);
		ck_assert_int_eq(weft_qp_delete(qp), 0);
	}
}

static inline void on_event(void *arg, const struct weft_event *ev)
{
	ck_assert_ptr_eq(arg, &seen);
	seen.events++;
	seen.event = *ev;
}

static inline struct weft_qp *make_qp(unsigned int log2, bool connect)
{
	struct weft_qp_params p = { .complete_cb = on_complete,
				    .event_cb = on_event,
				    .arg = &seen,
				    .sq_log2 = (uint8_t)log2,
				    .vector = 1 };
	struct weft_connect c = { .remote_ip = 0x0a000002,
				  .remote_port = 4420,
				  .header_digest = true };
	struct weft_connection got;
	struct weft_qp *qp;

	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp), 0);
	if (connect) {
		ck_assert_int_eq(weft_qp_connect(qp, &c, &got), 0);
		ck_assert_uint_eq(got.maxh2cdata, 0x400000);
		ck_assert(got.header_digest && !got.data_digest);
		ck_assert_uint_eq(got.local_port, 0xc000 + weft_qp_id(qp));
	}
	return qp;
}

static inline void drop_qp(struct weft_qp *qp)
{
	ck_assert_int_eq(weft_qp_disconnect(qp, false), 0);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
}

static inline void poll_until(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < 100000 && seen.n < n; i++)
		ck_assert_int_ge(weft_dev_poll(dev), 0);
	ck_assert_uint_eq(seen.n, n);
}

#endif
