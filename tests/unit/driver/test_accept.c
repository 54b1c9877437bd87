/* SPDX-License-Identifier: BSD-2-Clause */
/* The controller role of queue pairs over the fake adapter: waiting, capsules, replies, ends. */
#include "pairs.h"

#define PORT 4420
#define ICD 8192u

/* What the controller's callbacks saw. */
static struct {
	unsigned int accepts, capsules, completions, events, ends, idles;
	int accept_error, end_error, error;
	struct weft_accepted got;
	struct weft_capsule capsule;
	struct weft_completion done;
	struct weft_event event;
	uint16_t cid[4096];
	bool delete_in_accept, accept_again;
} c;

static void on_capsule(void *arg, const struct weft_capsule *capsule)
{
	ck_assert_ptr_eq(arg, &c);
	ck_assert_uint_gt(c.accepts, 0);
	c.cid[c.capsules++ % 4096] = capsule->cid;
	c.capsule = *capsule;
}

static void on_reply(void *arg, const struct weft_completion *done)
{
	ck_assert_ptr_eq(arg, &c);
	ck_assert_ptr_null(done->cqe);
	ck_assert_uint_eq((uintptr_t)done->cookie, done->cid + 100u);
	c.completions++;
	c.done = *done;
}

static void on_ctl_event(void *arg, const struct weft_event *ev)
{
	ck_assert_ptr_eq(arg, &c);
	c.events++;
	c.event = *ev;
}

static const struct weft_accept any = { .port = PORT, .header_digest = true };
static void on_accept(void *arg, struct weft_qp *qp, int error, const struct weft_accepted *got)
{
	ck_assert_ptr_eq(arg, &c);
	ck_assert((got == NULL) == (error != 0));
	c.accepts++;
	c.accept_error = error;
	if (got)
		c.got = *got;
	if (c.accept_again) {
		int rc = weft_qp_accept(qp, &any, on_accept, &c);

		ck_assert(rc == -EISCONN || rc == -ENOTCONN);
	}
	if (c.delete_in_accept)
		drop_qp(qp);
}

static void on_end(void *arg, struct weft_qp *qp, int error)
{
	ck_assert_ptr_eq(arg, &c);
	ck_assert_ptr_nonnull(qp);
	c.ends++;
	c.end_error = error;
}

static struct weft_qp *make_ctl(unsigned int log2)
{
	struct weft_qp_params p = { .complete_cb = on_reply,
				    .event_cb = on_ctl_event,
				    .capsule_cb = on_capsule,
				    .arg = &c,
				    .flags = WEFT_QP_CONTROLLER,
				    .sq_log2 = (uint8_t)log2,
				    .icd_size = ICD };
	struct weft_qp *qp;

	memset(&c, 0, sizeof(c));
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp), 0);
	return qp;
}

static void turn(unsigned int n)
{
	while (n--)
		ck_assert_int_ge(weft_dev_poll(dev), 0);
}

static struct weft_qp *connected(unsigned int log2)
{
	struct weft_qp *qp = make_ctl(log2);

	ck_assert_int_eq(weft_listen(dev, PORT), 0);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), 0);
	turn(2);
	ck_assert_uint_eq(fake_host_connect(f, PORT, 3), weft_qp_id(qp));
	turn(1);
	ck_assert_uint_eq(c.accepts, 1);
	ck_assert_int_eq(c.accept_error, 0);
	return qp;
}

static int command(struct weft_qp *qp, bool icd, const void *data, uint32_t len)
{
	uint8_t sqe[64];
	int slot;

	fake_host_sqe(sqe, 1, 0x777, icd, len);
	slot = fake_host_send(f, weft_qp_id(qp), sqe, icd, data, len, 0);
	ck_assert_int_ge(slot, 0);
	turn(1);
	return slot;
}

static int reply(struct weft_qp *qp, enum weft_reply_op op, int slot, void *mem, uint32_t off,
		 uint32_t len, uint8_t flags)
{
	struct iovec iov = { mem, len };
	uint8_t cqe[16] = { 1, 2, 3, 4, [12] = 0x77, [13] = 7 };
	struct weft_reply r = { .op = op,
				.cid = (uint16_t)slot,
				.cccid = 0x777,
				.flags = flags,
				.offset = off,
				.data_len = len,
				.iov = len ? &iov : NULL,
				.count = len ? 1 : 0,
				.cqe = cqe,
				.cookie = (void *)(uintptr_t)(slot + 100) };
	int rc = weft_qp_reply(qp, &r);

	weft_qp_doorbell(qp);
	return rc;
}

START_TEST(listens)
{
	uint16_t i;

	open_dev();
	ck_assert_int_eq(weft_listen(dev, 0), -EINVAL);
	for (i = 0; i < WEFT_N_LISTEN; i++)
		ck_assert_int_eq(weft_listen(dev, (uint16_t)(PORT + i)), 0);
	ck_assert_int_eq(weft_listen(dev, PORT), -EADDRINUSE);
	ck_assert_int_eq(weft_listen(dev, 80), -ENOSPC);
	ck_assert_int_eq(weft_unlisten(dev, PORT), 0);
	ck_assert_int_eq(weft_unlisten(dev, PORT), -ENOENT);
	close_dev();
}
END_TEST

START_TEST(checks_parameters)
{
	struct weft_qp_params p = {
		.complete_cb = on_reply, .arg = &c, .flags = WEFT_QP_CONTROLLER, .icd_size = ICD
	};
	struct weft_accept bad = any;
	struct weft_qp *qp;
	uint8_t sqe[64] = { 0 };
	struct weft_cmd cmd = { .sqe = sqe };

	open_dev();
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp), -EINVAL); /* no capsule_cb */
	p.capsule_cb = on_capsule;
	p.icd_size = 100;
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp), -EINVAL);
	p.icd_size = WEFT_PDU_DATA_MAX + 64;
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp), -EINVAL);
	qp = make_ctl(4);
	ck_assert_uint_eq(weft_qp_entries(qp), 16);
	bad.cpda = 32;
	ck_assert_int_eq(weft_qp_accept(qp, &bad, on_accept, &c), -EINVAL);
	bad.cpda = 0;
	bad.maxh2cdata = 4094;
	ck_assert_int_eq(weft_qp_accept(qp, &bad, on_accept, &c), -EINVAL);
	bad.maxh2cdata = WEFT_PDU_DATA_MAX + 4;
	ck_assert_int_eq(weft_qp_accept(qp, &bad, on_accept, &c), -EINVAL);
	ck_assert_int_eq(weft_qp_accept(qp, &any, NULL, &c), -EINVAL);
	ck_assert_int_eq(weft_qp_submit(qp, &cmd), -EINVAL); /* of the host role */
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, 0, NULL, 0, 0, 0), -ENOTCONN);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	qp = make_qp(4, false);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), -EINVAL);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	close_dev();
}
END_TEST

START_TEST(accepts_and_tells_who_came)
{
	struct weft_qp *qp;

	open_dev();
	qp = connected(4);
	ck_assert_uint_eq(c.got.remote_ip, 0x0a000063);
	ck_assert_uint_eq(c.got.remote_port, 40000);
	ck_assert_uint_eq(c.got.local_port, PORT);
	ck_assert(c.got.header_digest && !c.got.data_digest);
	ck_assert_uint_eq(c.got.hpda, 3);
	ck_assert_uint_eq(c.got.maxr2t, 5);
	ck_assert_uint_eq(f->ctl[1]->accept.maxh2cdata, 131072);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), -EISCONN);
	ck_assert_int_eq(weft_qp_delete(qp), -EBUSY);
	ck_assert_int_eq(weft_qp_disconnect(qp, true), 0);
	ck_assert_uint_eq(f->aborts_sent, 1);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), 0);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), -EISCONN);
	turn(2);
	ck_assert_uint_eq(fake_host_connect(f, PORT, 0), 1);
	turn(1);
	ck_assert_uint_eq(c.accepts, 2);
	drop_qp(qp);
	close_dev();
}
END_TEST

/* A wait outlasts every timeout, and each way to end it is told once. */
START_TEST(wait_ends_once)
{
	struct weft_qp *qp;
	unsigned int way;

	for (way = 0; way < 4; way++) {
		open_dev();
		qp = make_ctl(4);
		c.accept_again = way == 2;
		ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), 0);
		turn(200000); /* 200 ms of device time, the limit of calls is 50 */
		ck_assert_uint_eq(c.accepts, 0);
		if (way == 0) {
			ck_assert_int_eq(weft_qp_disconnect(qp, false), 0);
			ck_assert_uint_eq(c.accepts, 1);
			ck_assert_int_eq(weft_qp_delete(qp), 0);
		} else if (way == 1) {
			ck_assert_int_eq(weft_qp_delete(qp), 0);
		} else if (way == 2) {
			ck_assert_int_eq(weft_dev_reset(dev), 0);
			turn(3);
			ck_assert_uint_eq(c.accepts, 1);
			ck_assert_int_eq(weft_qp_delete(qp), 0);
		}
		close_dev();
		ck_assert_uint_eq(c.accepts, 1);
		ck_assert_int_eq(c.accept_error, -ECANCELED);
	}
}
END_TEST

START_TEST(pair_deleted_in_its_accept_callback)
{
	struct weft_qp *qp;

	open_dev();
	qp = make_ctl(4);
	c.delete_in_accept = true;
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), 0);
	turn(2);
	ck_assert_uint_eq(fake_host_connect(f, PORT, 3), 1);
	turn(2);
	ck_assert_uint_eq(c.accepts, 1);
	ck_assert_int_eq(weft_nop(dev, 5), 0);
	close_dev();
}
END_TEST

/* Pairs that wait leave room for synchronous commands. */
START_TEST(waiting_pairs_do_not_starve_admin)
{
	struct weft_qp *qp[70];
	unsigned int n, i;
	int rc = 0;

	open_dev();
	for (n = 0; n < 70 && !rc; n++) {
		qp[n] = make_ctl(2);
		rc = weft_qp_accept(qp[n], &any, on_accept, &c);
		turn(1);
	}
	ck_assert_int_eq(rc, -EAGAIN);
	ck_assert_uint_eq(n - 1, 63 - 4);
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(weft_nop(dev, i), 0);
	for (i = 0; i < n; i++)
		ck_assert_int_eq(weft_qp_delete(qp[i]), 0);
	ck_assert_uint_eq(c.accepts, 59);
	ck_assert_int_eq(c.accept_error, -ECANCELED);
	close_dev();
}
END_TEST

START_TEST(capsules_arrive_with_their_data)
{
	uint8_t data[ICD];
	struct weft_qp *qp;
	int slot;

	open_dev();
	qp = connected(4);
	memset(data, 0x5a, sizeof(data));
	data[4095] = 1;
	slot = command(qp, true, data, 4096);
	ck_assert_uint_eq(c.capsules, 1);
	ck_assert_uint_eq(c.capsule.cid, (unsigned int)slot);
	ck_assert_mem_eq(c.capsule.sqe, fake_cmd(f, 1, slot)->sqe, 64);
	ck_assert_uint_eq(c.capsule.icd_len, 4096);
	ck_assert_mem_eq(c.capsule.icd, data, 4096);
	ck_assert_uint_eq((uintptr_t)c.capsule.icd % 4096, 0);
	ck_assert(!c.capsule.bad_digest && !c.capsule.dma_error);
	slot = command(qp, false, NULL, 512);
	ck_assert_ptr_null(c.capsule.icd);
	ck_assert_uint_eq(c.capsule.icd_len, 0);
	fake_host_send(f, 1, fake_cmd(f, 1, slot)->sqe, true, data, 64, WEFT_CQF_DDGST_ERR);
	turn(1);
	ck_assert(c.capsule.bad_digest && !c.capsule.dma_error);
	fake_host_send(f, 1, fake_cmd(f, 1, slot)->sqe, true, data, 64, WEFT_CQF_DMA_ERR);
	turn(1);
	ck_assert(!c.capsule.bad_digest && c.capsule.dma_error);
	ck_assert_uint_eq(c.capsules, 4);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(hostile_capsules_are_ignored)
{
	struct weft_cq_entry e[] = {
		{ .type = WEFT_CQT_CAPSULE, .cid = 16 },
		{ .type = WEFT_CQT_CAPSULE, .cid = 65535 },
		{ .type = WEFT_CQT_CAPSULE, .cid = 1, .data_len = ICD + 1 },
		{ .type = WEFT_CQT_CAPSULE, .cid = 1, .data_len = 0xffffffff },
		{ .type = WEFT_CQT_CAPSULE, .cid = 0 }, /* held */
		{ .type = WEFT_CQT_COMMAND, .cid = 0 }, /* no reply in flight */
		{ .type = WEFT_CQT_ADMIN, .cid = 0 },
	};
	struct weft_qp *qp, *host;
	unsigned int i;

	open_dev();
	qp = connected(4);
	ck_assert_int_eq(command(qp, false, NULL, 512), 0);
	for (i = 0; i < sizeof(e) / sizeof(e[0]); i++)
		fake_post(f, 1, &e[i]);
	turn(1);
	ck_assert_uint_eq(c.capsules, 1);
	ck_assert_uint_eq(c.completions, 0);
	f->hold = true;
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, 0, NULL, 0, 0, 0), 0);
	turn(1);
	fake_post(f, 1, &e[4]); /* its response is in flight */
	turn(1);
	ck_assert_uint_eq(c.capsules, 1);
	fake_release(f, 1, 0, 0);
	turn(1);
	ck_assert_uint_eq(c.completions, 1);
	host = make_qp(4, false); /* a pair without receive buffers */
	e[4].cid = 3;
	fake_post(f, weft_qp_id(host), &e[4]);
	turn(1);
	ck_assert_uint_eq(seen.n, 0);
	ck_assert_int_eq(weft_qp_delete(host), 0);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(states_of_a_command)
{
	uint8_t *mem;
	struct weft_qp *qp;
	int s;

	open_dev();
	qp = connected(4);
	mem = weft_mem_alloc(dev, 8192);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, 0, NULL, 0, 0, 0), -ENOENT);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, 16, NULL, 0, 0, 0), -EINVAL);
	s = command(qp, false, NULL, 8192);
	f->hold = true;
	ck_assert_int_eq(reply(qp, WEFT_REPLY_GET, s, mem, 0, 4096, 0), 0);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_GET, s, mem, 4096, 4096, 0), -EEXIST);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, s, NULL, 0, 0, 0), -EEXIST);
	ck_assert_uint_eq(weft_qp_inflight(qp), 1);
	turn(1);
	fake_release(f, 1, (uint16_t)s, 0);
	turn(1);
	ck_assert_uint_eq(c.completions, 1);
	ck_assert_uint_eq(c.done.data_len, 4096);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, s, NULL, 0, 0, 0), 0);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, s, NULL, 0, 0, 0), -ENOENT);
	turn(1);
	fake_release(f, 1, (uint16_t)s, 0);
	turn(1);
	ck_assert_uint_eq(c.completions, 2);
	ck_assert_uint_eq(fake_cmd(f, 1, s)->cqe[1], 2);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, s, NULL, 0, 0, 0), -ENOENT);
	f->hold = false;
	ck_assert_int_eq(command(qp, false, NULL, 64), s); /* the buffer is in use again */
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, s, NULL, 0, 0, 0), 0);
	turn(2);
	drop_qp(qp);
	weft_mem_free(dev, mem);
	close_dev();
}
END_TEST

START_TEST(forms_of_replies)
{
	const uint8_t last = WEFT_SQF_LAST, ok = WEFT_SQF_SUCCESS, rsp = WEFT_SQF_RESP;
	struct weft_reply r = { .op = WEFT_REPLY_RESPOND };
	uint8_t *mem, stack[64];
	struct weft_qp *qp;
	int s;

	open_dev();
	qp = connected(4);
	mem = weft_mem_alloc(dev, 2 << 20);
	s = command(qp, false, NULL, 8192);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_GET, s, mem, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_GET, s, mem, 2, 4, 0), -EINVAL);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_GET, s, mem, 0, 4, last), -EINVAL);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_GET, s, mem, 0, WEFT_DATA_MAX + 4, 0), -EINVAL);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_GET, s, stack, 0, 64, 0), -EFAULT);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_SEND, s, mem, 0, WEFT_PDU_DATA_MAX + 4, 0), -EINVAL);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_SEND, s, mem, 0, 8, ok), -EINVAL);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_SEND, s, mem, 0, 8, rsp), -EINVAL);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_SEND, s, mem, 0, 8, last | ok | rsp), -EINVAL);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_SEND, s, mem, 0, 8, last | WEFT_SQF_ICD), -EINVAL);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_SEND, s, stack, 0, 8, last), -EFAULT);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, s, mem, 0, 8, 0), -EINVAL);
	ck_assert_int_eq(reply(qp, (enum weft_reply_op)7, s, mem, 0, 8, 0), -EINVAL);
	r.cid = (uint16_t)s;
	ck_assert_int_eq(weft_qp_reply(qp, &r), -EINVAL); /* no CQE */
	ck_assert_uint_eq(weft_qp_inflight(qp), 0);
	ck_assert_int_eq(weft_qp_reachable(qp, mem, 2 << 20), 0);
	ck_assert_int_eq(weft_qp_reachable(qp, stack, 1), -EFAULT);
	drop_qp(qp);
	weft_mem_free(dev, mem);
	close_dev();
}
END_TEST

START_TEST(data_goes_both_ways)
{
	uint8_t *mem, host[8192];
	struct fake_cmd *cmd;
	struct weft_qp *qp;
	unsigned int i;
	int s;

	open_dev();
	qp = connected(4);
	mem = weft_mem_alloc(dev, 16384);
	for (i = 0; i < 8192; i++)
		host[i] = (uint8_t)(i * 7 + i / 256);
	s = command(qp, false, host, 8192);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_GET, s, mem, 4096, 4096, 0), 0);
	turn(2);
	ck_assert_mem_eq(mem, host + 4096, 4096);
	f->reply_flags = WEFT_CQF_DDGST_ERR;
	ck_assert_int_eq(reply(qp, WEFT_REPLY_GET, s, mem, 0, 8192, 0), 0);
	turn(2);
	ck_assert_uint_eq(c.done.flags, WEFT_CQF_DDGST_ERR);
	f->reply_errno = EPIPE;
	ck_assert_int_eq(reply(qp, WEFT_REPLY_GET, s, mem, 0, 8192, 0), 0);
	turn(2);
	ck_assert_int_eq(c.done.error, -EPIPE);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, s, NULL, 0, 0, 0), 0);
	turn(2);
	s = command(qp, false, NULL, 8192);
	cmd = fake_cmd(f, 1, s);
	memcpy(mem, host, 8192);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_SEND, s, mem, 0, 4096, 0), 0);
	turn(2);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_SEND, s, mem + 4096, 4096, 4096,
			       WEFT_SQF_LAST | WEFT_SQF_RESP),
			 0);
	turn(2);
	ck_assert_mem_eq(cmd->data, host, 8192);
	ck_assert_uint_eq(cmd->responses, 1);
	s = command(qp, false, NULL, 512);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_SEND, s, mem + 512, 0, 512,
			       WEFT_SQF_LAST | WEFT_SQF_SUCCESS),
			 0);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, s, NULL, 0, 0, 0), -ENOENT);
	turn(2);
	ck_assert_mem_eq(fake_cmd(f, 1, s)->data, host + 512, 512);
	ck_assert(fake_cmd(f, 1, s)->success);
	ck_assert_uint_eq(fake_cmd(f, 1, s)->responses, 0);
	drop_qp(qp);
	weft_mem_free(dev, mem);
	close_dev();
}
END_TEST

START_TEST(reply_ring_full)
{
	struct weft_qp *qp;
	int i;

	open_dev();
	qp = connected(3);
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(command(qp, false, NULL, 64), i);
	f->frozen = true;
	for (i = 0; i < 7; i++)
		ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, i, NULL, 0, 0, 0), 0);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, 7, NULL, 0, 0, 0), -EAGAIN);
	f->frozen = false;
	turn(2);
	ck_assert_uint_eq(c.completions, 7);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, 7, NULL, 0, 0, 0), 0);
	turn(2);
	ck_assert_uint_eq(c.completions, 8);
	drop_qp(qp);
	close_dev();
}
END_TEST

/* The other ring has the news of the connection: capsules and its end never come before it. */
START_TEST(capsule_overtakes_accept)
{
	uint8_t sqe[64];
	struct weft_qp *qp;

	open_dev();
	qp = make_ctl(4);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), 0);
	turn(2);
	ck_assert_uint_eq(fake_host_connect(f, PORT, 3), 1);
	fake_host_sqe(sqe, 1, 0x777, false, 0);
	fake_host_send(f, 1, sqe, false, NULL, 0, 0);
	fake_kill_conn(f, 1, 0);
	ck_assert_int_ge(weft_qp_poll(qp, 0), 2); /* only this ring */
	ck_assert_uint_eq(c.accepts, 1);
	ck_assert_uint_eq(c.capsules, 1); /* on_capsule looks for the accept */
	ck_assert_uint_eq(c.events, 1);
	ck_assert_uint_eq(c.event.code, WEFT_EV_CONN_CLOSED);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, 0, NULL, 0, 0, 0), -ENOTCONN);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), 0);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	close_dev();
}
END_TEST

/* What an ended connection left in the ring is not taken for the next one's. */
START_TEST(stale_entries_do_not_reach_the_next_connection)
{
	uint8_t sqe[64];
	struct weft_qp *qp;

	open_dev();
	qp = connected(4);
	ck_assert_int_eq(command(qp, false, NULL, 0), 0);
	f->hold = true;
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, 0, NULL, 0, 0, 0), 0);
	fake_run(f);
	fake_host_sqe(sqe, 1, 0x777, false, 0);
	fake_host_send(f, 1, sqe, false, NULL, 0, 0);
	fake_kill_conn(f, 1, ECONNRESET); /* completion and event behind the capsule */
	f->hold = false;
	ck_assert_int_eq(weft_qp_disconnect_async(qp, true, on_end, &c), 0);
	ck_assert_int_eq(weft_qp_disconnect_async(qp, true, on_end, &c), -EALREADY);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), -EISCONN);
	while (!c.ends)
		weft_dev_poll(dev);
	ck_assert_int_eq(c.end_error, 0);
	ck_assert_int_eq(c.done.error, -ECONNRESET);
	ck_assert_uint_eq(c.capsules, 1); /* the second came after we gave up */
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), 0);
	fake_event(f, 1, WEFT_EV_CONN_CLOSED, 0, 0); /* before the accept is answered: nonsense */
	fake_run(f);
	turn(2);
	ck_assert_uint_eq(fake_host_connect(f, PORT, 0), 1);
	turn(2);
	ck_assert_uint_eq(c.accepts, 2);
	ck_assert_int_eq(command(qp, false, NULL, 0), 0);
	ck_assert_uint_eq(c.capsules, 2);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(unread_ring_at_accept)
{
	uint8_t sqe[64];
	struct weft_cq_entry e = { .type = WEFT_CQT_CAPSULE, .cid = 3 };
	struct weft_qp *qp;

	open_dev();
	qp = connected(4);
	fake_kill_conn(f, 1, ECONNRESET);
	turn(1);
	ck_assert_uint_eq(c.events, 1);
	fake_post(f, 1, &e); /* late entries, unread when the pair waits again */
	fake_event(f, 1, WEFT_EV_CONN_CLOSED, 0, 0);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), 0);
	fake_run(f);
	ck_assert_uint_eq(fake_host_connect(f, PORT, 0), 1);
	fake_host_sqe(sqe, 1, 0x777, false, 0);
	ck_assert_int_eq(fake_host_send(f, 1, sqe, false, NULL, 0, 0), 0);
	ck_assert_int_ge(weft_qp_poll(qp, 0), 0);
	ck_assert_uint_eq(c.events, 1);
	ck_assert_uint_eq(c.accepts, 2);
	ck_assert_uint_eq(c.capsules, 1);
	ck_assert_uint_eq(c.cid[0], 0);
	ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, 0, NULL, 0, 0, 0), 0);
	turn(2);
	ck_assert_uint_eq(c.completions, 1);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(reset_and_loss_with_everything_in_flight)
{
	struct weft_qp *qp;
	unsigned int way;
	uint32_t val;
	int i;

	for (way = 0; way < 2; way++) {
		open_dev();
		qp = connected(3);
		f->hold = true;
		for (i = 0; i < 8; i++)
			command(qp, false, NULL, 64);
		for (i = 0; i < 5; i++)
			ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, i, NULL, 0, 0, 0), 0);
		turn(1);
		f->keep_disconnect = true;
		if (way == 0) {
			ck_assert_int_eq(weft_dev_reset(dev), 0);
			turn(2);
		} else {
			f->gone = true;
			ck_assert_int_eq(weft_dev_read32(dev, WEFT_SCRATCH, &val), -ENODEV);
			weft_dev_poll(dev);
		}
		ck_assert_uint_eq(c.completions, 5);
		ck_assert_int_eq(c.done.error, way ? -ENODEV : -ECANCELED);
		ck_assert_uint_eq(c.events, 1);
		ck_assert_uint_eq(c.event.code, WEFT_EV_CONN_ERROR);
		ck_assert_uint_eq(c.event.dw1, way ? ENODEV : ECANCELED);
		ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, 6, NULL, 0, 0, 0),
				 way ? -ENODEV : -ENOTCONN);
		ck_assert_int_eq(weft_qp_delete(qp), 0);
		close_dev();
	}
}
END_TEST

START_TEST(async_disconnect_outlives_its_pair)
{
	struct weft_qp *qp;
	unsigned int way;

	for (way = 0; way < 3; way++) {
		open_dev();
		qp = connected(3);
		f->keep_disconnect = true;
		ck_assert_int_eq(weft_qp_disconnect_async(qp, true, on_end, &c), 0);
		turn(3);
		ck_assert_uint_eq(c.ends, 0);
		if (way == 0) {
			weft_dev_reset(dev);
			ck_assert_uint_eq(c.ends, 1);
			ck_assert_int_eq(weft_qp_disconnect_async(qp, true, on_end, &c), -ENOTCONN);
			weft_qp_delete(qp);
		} else if (way == 1) {
			f->qp[1].connected = false; /* so that the pair can be deleted */
			ck_assert_int_eq(weft_qp_delete(qp), 0);
			fake_disconnects(f);
			turn(3);
		}
		close_dev();
		ck_assert_uint_eq(c.ends, 1);
		ck_assert_int_eq(c.end_error, -ECANCELED);
	}
}
END_TEST

/* A connection that comes while the wait is being ended does not leave the pair connected. */
START_TEST(connection_meets_disconnect)
{
	struct weft_qp *qp;

	open_dev();
	qp = make_ctl(4);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), 0);
	turn(2);
	f->keep_disconnect = true;
	ck_assert_int_eq(weft_qp_disconnect_async(qp, true, on_end, &c), 0);
	turn(1);
	ck_assert_uint_eq(fake_host_connect(f, PORT, 0), 1);
	turn(1);
	ck_assert_uint_eq(c.accepts, 1);
	f->keep_disconnect = false;
	fake_disconnects(f);
	turn(1);
	ck_assert_uint_eq(c.ends, 1);
	ck_assert_int_eq(c.end_error, 0);
	ck_assert_int_eq(weft_qp_accept(qp, &any, on_accept, &c), 0);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	close_dev();
}
END_TEST

static void on_idle(void *arg)
{
	ck_assert_ptr_eq(arg, &c);
	c.idles++;
}

START_TEST(idle_callback_runs_while_calls_wait)
{
	struct weft_dev_params p = { .timeout_ms = 50, .idle_cb = on_idle, .idle_arg = &c };

	memset(&c, 0, sizeof(c));
	f = fake_new();
	f->ready_after = 5;
	ck_assert_int_eq(weft_dev_open(&f->bus, &p, &dev), 0);
	ck_assert_uint_ge(c.idles, 4);
	c.idles = 0;
	f->keep_admin = true;
	ck_assert_int_eq(weft_nop(dev, 1), -ETIMEDOUT);
	ck_assert_uint_ge(c.idles, 50000 - 100); /* 50 ms in turns of 1 us */
	f->keep_admin = false;
	close_dev();
	f = fake_new_eager();
	ck_assert_int_eq(weft_dev_open(&f->bus, &p, &dev), 0);
	f->keep_admin = true;
	c.idles = 0;
	ck_assert_int_eq(weft_nop(dev, 1), -ETIMEDOUT);
	ck_assert_uint_ge(c.idles, 20); /* sleeps of 1 ms */
	f->keep_admin = false;
	close_dev();
}
END_TEST

START_TEST(many_commands_through_all_buffers)
{
	unsigned int i, n = 0;
	uint8_t data[64];
	struct weft_qp *qp;

	open_dev();
	qp = connected(2);
	for (i = 0; i < 1000; i++) {
		int k, m = 1 + (int)(i % 4);

		for (k = 0; k < m; k++) {
			memset(data, (int)(i + (unsigned int)k), sizeof(data));
			ck_assert_int_eq(command(qp, true, data, 64), k);
			ck_assert_mem_eq(c.capsule.icd, data, 64);
		}
		for (k = 0; k < m; k++)
			if (reply(qp, WEFT_REPLY_RESPOND, k, NULL, 0, 0, 0) == -EAGAIN) {
				turn(2);
				ck_assert_int_eq(reply(qp, WEFT_REPLY_RESPOND, k, NULL, 0, 0, 0),
						 0);
			}
		turn(2);
		ck_assert_uint_eq(c.completions, n += (unsigned int)m);
	}
	drop_qp(qp);
	close_dev();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("accept");
	TCase *t = tcase_create("controller");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, listens);
	tcase_add_test(t, checks_parameters);
	tcase_add_test(t, accepts_and_tells_who_came);
	tcase_add_test(t, wait_ends_once);
	tcase_add_test(t, pair_deleted_in_its_accept_callback);
	tcase_add_test(t, waiting_pairs_do_not_starve_admin);
	tcase_add_test(t, capsules_arrive_with_their_data);
	tcase_add_test(t, hostile_capsules_are_ignored);
	tcase_add_test(t, states_of_a_command);
	tcase_add_test(t, forms_of_replies);
	tcase_add_test(t, data_goes_both_ways);
	tcase_add_test(t, reply_ring_full);
	tcase_add_test(t, capsule_overtakes_accept);
	tcase_add_test(t, stale_entries_do_not_reach_the_next_connection);
	tcase_add_test(t, unread_ring_at_accept);
	tcase_add_test(t, reset_and_loss_with_everything_in_flight);
	tcase_add_test(t, async_disconnect_outlives_its_pair);
	tcase_add_test(t, connection_meets_disconnect);
	tcase_add_test(t, idle_callback_runs_while_calls_wait);
	tcase_add_test(t, many_commands_through_all_buffers);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
