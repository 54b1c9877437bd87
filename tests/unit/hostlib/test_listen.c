/* SPDX-License-Identifier: BSD-2-Clause */
/* Listeners and the end of connections in the controller role: every moment, everything in flight. */
#include "ctl_fixture.h"

static unsigned int waiting(void)
{
	unsigned int i, n = 0;

	for (i = 1; i < 128; i++)
		n += f->ctl[i] && f->ctl[i]->waiting;
	return n;
}

static unsigned int pairs(void)
{
	unsigned int i, n = 0;

	for (i = 1; i < 128; i++)
		n += f->qp[i].live;
	return n;
}

static int listen_error(const struct nvmf_listen_params *p, enum nvmf_trtype type,
			nvmf_accept_t *cb)
{
	errno = 0;
	ck_assert_ptr_null(nvmf_listen(type, p, cb, &seen));
	ck_assert_uint_eq(pairs(), 0);
	return errno;
}

START_TEST(listen_refuses)
{
	struct nvmf_listen_params ok, p;
	struct nvmf_listener *other;

	open_dev();
	ok = listen_params();
#define BAD(field, value) (p = ok, p.field = (value), listen_error(&p, NVMF_TRTYPE_TCP, on_accept))
	ck_assert_int_eq(listen_error(&ok, NVMF_TRTYPE_RDMA, on_accept), EINVAL);
	ck_assert_int_eq(listen_error(&ok, NVMF_TRTYPE_TCP, NULL), EINVAL);
	ck_assert_int_eq(BAD(dev, NULL), EINVAL);
	ck_assert_int_eq(BAD(port, 0), EINVAL);
	ck_assert_int_eq(BAD(qsize, 1), EINVAL);
	ck_assert_int_eq(BAD(qsize, 48), EINVAL);
	ck_assert_int_eq(BAD(qsize, 2048), EINVAL);
	ck_assert_int_eq(BAD(max_icd, 4096), EINVAL);
	ck_assert_int_eq(BAD(max_icd, 8200), EINVAL);
	ck_assert_int_eq(BAD(max_icd, (1 << 20) + 64), EINVAL);
	ck_assert_int_eq(BAD(maxh2cdata, 4095), EINVAL);
	ck_assert_int_eq(BAD(maxh2cdata, 4098), EINVAL);
	ck_assert_int_eq(BAD(maxh2cdata, (1 << 20) + 4), EINVAL);
	ck_assert_int_eq(BAD(cpda, 32), EINVAL);
	ck_assert_int_eq(BAD(vector, 200), ERANGE);
#undef BAD
	f->create_errno = ENOSPC;
	ck_assert_int_eq(listen_error(&ok, NVMF_TRTYPE_TCP, on_accept), ENOSPC);
	f->creates_to_allow = 1; /* one is enough */
	lis = nvmf_listen(NVMF_TRTYPE_TCP, &ok, on_accept, &seen);
	ck_assert_ptr_nonnull(lis);
	turn(2);
	ck_assert_uint_eq(waiting(), 1);
	f->create_errno = 0;
	other = nvmf_listen(NVMF_TRTYPE_TCP, &ok, on_accept, &seen);
	ck_assert_ptr_null(other);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_uint_eq(pairs(), 1);
	nvmf_unlisten(NULL);
	nvmf_unlisten(lis);
	ck_assert_uint_eq(pairs(), 0);
	ck_assert_uint_eq(seen.accepts, 0);
	close_dev();
}
END_TEST

START_TEST(defaults)
{
	struct nvmf_listen_params p = { 0 };
	struct nvmf_qpair_info info;

	open_dev();
	p.dev = dev;
	p.port = PORT;
	lis = nvmf_listen(NVMF_TRTYPE_TCP, &p, on_accept, &seen);
	ck_assert_ptr_nonnull(lis);
	turn(2);
	ck_assert_uint_eq(waiting(), 4);
	ck_assert_uint_ne(fake_host_connect(f, PORT, 3), 0);
	turn(2);
	nvmf_qpair_info(qp, &info);
	ck_assert_uint_eq(info.entries, 64);
	ck_assert_uint_eq(info.max_icd, 8192);
	ck_assert_uint_eq(info.maxh2cdata, 131072);
	ck_assert(!info.header_digests && !info.data_digests);
	tear_down();
}
END_TEST

START_TEST(backlog_is_kept)
{
	struct nvmf_listen_params p;
	struct nvmf_qpair *q[8];
	unsigned int i;

	open_dev();
	p = listen_params();
	p.max_qpairs = 4;
	lis = nvmf_listen(NVMF_TRTYPE_TCP, &p, on_accept, &seen);
	turn(2);
	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(waiting(), i < 3 ? 2 : 1);
		ck_assert_uint_ne(fake_host_connect(f, PORT, 3), 0);
		turn(2);
		q[i] = qp;
	}
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_uint_eq(pairs(), 4);
	ck_assert_uint_eq(fake_host_connect(f, PORT, 3), 0);
	for (i = 0; i < 4; i++) { /* two wait again, the others are deleted */
		nvmf_free_qpair(q[i]);
		turn(3);
		ck_assert_uint_eq(waiting(), i < 2 ? i + 1 : 2);
		ck_assert_uint_eq(pairs(), i < 2 ? 4 : 5 - i);
	}
	ck_assert_uint_eq(f->aborts_sent, 4);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_ne(fake_host_connect(f, PORT, 3), 0);
		turn(3);
		q[i] = qp;
		ck_assert_uint_eq(waiting(), 2 - (i > 1));
	}
	ck_assert_uint_eq(seen.accepts, 7);
	nvmf_unlisten(lis);
	lis = NULL;
	ck_assert_uint_eq(pairs(), 3); /* queue pairs stay */
	ck_assert_int_eq(f->listening[0], 0);
	for (i = 0; i < 3; i++) {
		nvmf_free_qpair(q[i]);
		ck_assert_uint_eq(pairs(), 2 - i);
	}
	qp = NULL;
	tear_down();
}
END_TEST

START_TEST(refused_connections_are_aborted)
{
	unsigned int i;

	open_dev();
	listen_on(16);
	seen.refuse = true;
	for (i = 1; i < 20; i++) {
		ck_assert_uint_ne(host_connects(), 0);
		turn(2);
		ck_assert_uint_eq(f->aborts_sent, i);
		ck_assert_uint_eq(waiting(), 2);
		ck_assert_uint_le(pairs(), 3);
	}
	seen.refuse = false;
	seen.free_in_accept = true;
	for (i = 1; i < 20; i++) {
		ck_assert_uint_ne(host_connects(), 0);
		turn(2);
		ck_assert_ptr_null(qp);
		ck_assert_uint_eq(waiting(), 2);
	}
	tear_down();
}
END_TEST

static struct nvmf_connection *kept;
static void keep_it(void *arg, struct nvmf_connection *conn,
		    const struct nvmf_connection_info *info)
{
	(void)arg;
	(void)info;
	kept = conn;
}

START_TEST(a_connection_is_taken_in_its_callback)
{
	struct nvmf_handoff_qpair_params p = { .sq_flow_control = true };
	struct nvmf_listen_params lp;

	open_dev();
	lp = listen_params();
	lis = nvmf_listen(NVMF_TRTYPE_TCP, &lp, keep_it, NULL);
	turn(2);
	f->keep_disconnect = true;
	ck_assert_uint_ne(host_connects(), 0);
	p.connection = kept;
	ck_assert_ptr_null(
		nvmf_allocate_qpair(NVMF_TRTYPE_TCP, true, &p, on_error, &seen, on_command, &seen));
	ck_assert_int_eq(errno, EINVAL);
	f->keep_disconnect = false;
	fake_disconnects(f);
	turn(2);
	tear_down();
}
END_TEST

/* The connection's news come while the accept callback polls: it is refused, nothing is lost. */
static void poll_first(void *arg, struct nvmf_connection *conn,
		       const struct nvmf_connection_info *info)
{
	struct nvmf_handoff_qpair_params p = { .connection = conn };
	uint8_t sqe[64];

	(void)arg;
	(void)info;
	seen.accepts++;
	fake_host_sqe(sqe, 1, 1, false, 0);
	if (seen.accepts == 1)
		fake_host_send(f, 2, sqe, false, NULL, 0, 0);
	else
		fake_kill_conn(f, 1, ECONNRESET);
	nvmf_poll(dev);
	ck_assert_ptr_null(
		nvmf_allocate_qpair(NVMF_TRTYPE_TCP, true, &p, on_error, &seen, on_command, &seen));
	ck_assert_int_eq(errno, ECONNRESET);
}

START_TEST(accept_callback_that_polls)
{
	struct nvmf_listen_params lp;

	open_dev();
	lp = listen_params();
	lis = nvmf_listen(NVMF_TRTYPE_TCP, &lp, poll_first, NULL);
	turn(2);
	ck_assert_uint_eq(host_connects(), 2);
	ck_assert_uint_eq(host_connects(), 1);
	turn(3);
	ck_assert_uint_eq(seen.accepts, 2);
	ck_assert_uint_eq(seen.commands, 0);
	ck_assert_uint_eq(waiting(), 2);
	tear_down();
}
END_TEST

/* --- a pair with everything in flight ---------------------------------------------------------- */

static struct nvmf_buf bufs[6];

/*
 * Commands 0: GET at the adapter, one behind it, response behind that. 1: SEND at the adapter, one
 * behind it. 2: SEND that waits for its response. 3: response at the adapter. 4: nothing. 5, 6:
 * responses that found the ring full. In sum 2 data callbacks, 3 done callbacks.
 */
static void everything_in_flight(void)
{
	struct memdesc m = memdesc_vaddr(mem);
	unsigned int i;

	for (i = 0; i < 7; i++)
		command(1, (uint16_t)i, false, 8192);
	f->hold = true;
	nvmf_receive_controller_data(seen.held[0], 0, &m, 4096, on_data, &seen);
	nvmf_receive_controller_data(seen.held[0], 4096, &m, 4096, on_data, &seen);
	nvmf_send_controller_data(seen.held[1], 0, fill_buf(&bufs[0], 0, 4096, NULL), 4096);
	nvmf_send_controller_data(seen.held[1], 4096, fill_buf(&bufs[1], 0, 4096, NULL), 4096);
	nvmf_send_controller_data(seen.held[2], 0, fill_buf(&bufs[2], 0, 8192, NULL), 8192);
	ck_assert_int_eq(respond(0, 0), 0);
	ck_assert_int_eq(respond(3, 0), 0);
	turn(2);
	f->frozen = true;
	for (i = 7; i < 16; i++)
		command(1, (uint16_t)i, false, 0);
	for (i = 7; i < 16; i++)
		ck_assert_int_eq(respond((uint16_t)i, 0), 0);
	ck_assert_int_eq(respond(5, 0), 0);
	ck_assert_int_eq(respond(6, 0), 0);
	ck_assert_uint_eq(seen.data + seen.done, 0);
}

static void check_all_ended(int error)
{
	ck_assert_uint_eq(seen.data, 2);
	ck_assert_uint_eq(seen.done, 3);
	ck_assert_int_eq(seen.data_error, error);
}

START_TEST(peer_closes_with_everything_in_flight)
{
	struct nvmf_capsule *rsp;
	size_t len;

	everything_in_flight();
	rsp = response(4, 0);
	f->frozen = false;
	fake_run(f);
	fake_kill_conn(f, 2, _i ? ECONNRESET : 0);
	turn(3);
	ck_assert_uint_eq(seen.errors, 1);
	ck_assert_int_eq(seen.error, _i ? -ECONNRESET : 0);
	/* the part that was submitted after that had no connection any more */
	check_all_ended(-ENOTCONN);
	ck_assert_int_eq(nvmf_transmit_capsule(rsp), -ENOTCONN);
	nvmf_free_capsule(rsp);
	ck_assert_int_eq(respond(2, 0), -ENOTCONN);
	ck_assert_ptr_nonnull(nvmf_capsule_sqe(seen.held[4]));
	ck_assert_ptr_null(nvmf_capsule_icd(seen.held[4], &len));
	fake_kill_conn(f, 2, EPIPE); /* the device repeats itself */
	turn(2);
	ck_assert_uint_eq(seen.errors, 1);
	ck_assert_uint_eq(f->aborts_sent, 0);
}
END_TEST

START_TEST(freed_with_everything_in_flight)
{
	uint8_t *sqe;

	everything_in_flight();
	f->keep_disconnect = true;
	free_it();
	/* what is not at the adapter ends at once, the rest when the adapter has let go */
	ck_assert_uint_eq(seen.done, 2);
	ck_assert_uint_eq(seen.data, 1);
	ck_assert_int_eq(seen.data_error, -ECONNABORTED);
	f->frozen = false;
	turn(3);
	ck_assert_uint_eq(seen.done, 2);
	ck_assert_uint_eq(seen.data, 1);
	f->keep_disconnect = false;
	fake_disconnects(f);
	turn(3);
	check_all_ended(-ECONNABORTED);
	ck_assert_uint_eq(seen.errors, 0);
	ck_assert_uint_eq(f->aborts_sent, 1);
	sqe = nvmf_capsule_sqe(seen.held[4]);
	ck_assert_uint_eq(sqe[2], 4);
	ck_assert_uint_eq(pairs(), 3); /* the held commands keep it */
	while (seen.commands)
		nvmf_free_capsule(seen.held[--seen.commands]);
	turn(3);
	ck_assert_uint_eq(pairs(), 2); /* two wait already */
	ck_assert_uint_eq(waiting(), 2);
}
END_TEST

START_TEST(freed_without_listener)
{
	everything_in_flight();
	f->frozen = false;
	nvmf_unlisten(lis);
	lis = NULL;
	ck_assert_uint_eq(pairs(), 1);
	ck_assert_uint_eq(seen.errors, 0);
	free_it();
	check_all_ended(-ECONNABORTED);
	ck_assert_uint_eq(f->aborts_sent, 1);
	ck_assert_uint_eq(pairs(), 1);
	while (seen.commands)
		nvmf_free_capsule(seen.held[--seen.commands]);
	ck_assert_uint_eq(pairs(), 0);
}
END_TEST

START_TEST(unlisten_waits_for_ends)
{
	everything_in_flight();
	f->frozen = false;
	free_it();
	nvmf_unlisten(lis);
	lis = NULL;
	check_all_ended(-ECONNABORTED);
	ck_assert_uint_eq(f->resets, 0);
	ck_assert_uint_eq(pairs(), 1);
}
END_TEST

/* An adapter that never answers DISCONNECT is reset. */
START_TEST(adapter_that_does_not_let_go)
{
	everything_in_flight();
	f->frozen = false;
	f->keep_disconnect = true;
	if (_i) {
		free_it();
		nvmf_unlisten(lis);
	} else {
		nvmf_unlisten(lis);
		free_it();
	}
	lis = NULL;
	ck_assert_uint_eq(f->resets, 1);
	check_all_ended(-ECONNABORTED);
	f->keep_disconnect = false;
}
END_TEST

START_TEST(reset_with_everything_in_flight)
{
	everything_in_flight();
	ck_assert_int_eq(weft_dev_reset(dev), 0);
	f->frozen = f->hold = false;
	turn(3);
	ck_assert_uint_eq(seen.errors, 1);
	ck_assert_int_eq(seen.error, -ECANCELED);
	check_all_ended(-ECANCELED);
	ck_assert_int_eq(respond(4, 0), -ENOTCONN);
	turn(3);
	free_it();
	nvmf_unlisten(lis);
	listen_on(16); /* the adapter serves again */
	ck_assert_uint_ne(host_connects(), 0);
	ck_assert_uint_eq(seen.accepts, 2);
}
END_TEST

START_TEST(device_gone_with_everything_in_flight)
{
	uint32_t val;

	everything_in_flight();
	f->gone = true;
	ck_assert_int_eq(weft_dev_read32(dev, WEFT_SCRATCH, &val), -ENODEV);
	ck_assert_int_eq(respond(4, 0), 0); /* accepted, and ended by what follows */
	ck_assert_int_eq(nvmf_poll(dev), -ENODEV);
	ck_assert_uint_eq(seen.errors, 1);
	ck_assert_int_eq(seen.error, -ENODEV);
	check_all_ended(-ENODEV);
}
END_TEST

/* --- freed from its callbacks ------------------------------------------------------------------ */

START_TEST(freed_in_callbacks)
{
	everything_in_flight();
	f->frozen = false;
	seen.free_in_data = _i == 0;
	seen.free_in_done = _i == 1;
	seen.free_in_error = _i == 2;
	seen.free_in_receive = _i == 3;
	fake_run(f);
	if (_i == 0)
		fake_release(f, 2, 0, 0);
	else if (_i == 1)
		fake_release(f, 2, 1, 0);
	else if (_i == 2)
		fake_kill_conn(f, 2, ECONNRESET);
	else {
		f->hold = false;
		fake_release(f, 2, 3, 0);
		command(1, 99, true, 64);
	}
	turn(4);
	seen.free_in_data = seen.free_in_done = seen.free_in_receive = false;
	ck_assert_ptr_null(qp);
	ck_assert_uint_eq(seen.data, 2);
	ck_assert_uint_eq(seen.done, 3);
	ck_assert_uint_eq(seen.errors, _i == 2);
}
END_TEST

START_TEST(freed_in_callbacks_of_the_end)
{
	everything_in_flight();
	f->frozen = false;
	fake_run(f);
	seen.free_in_data = _i == 0;
	seen.free_in_done = _i == 1;
	fake_kill_conn(f, 2, ECONNRESET);
	turn(4);
	ck_assert_ptr_null(qp);
	ck_assert_uint_eq(seen.data, 2);
	ck_assert_uint_eq(seen.done, 3);
	ck_assert_uint_eq(seen.errors, 0); /* freed before it was told */
}
END_TEST

static bool two_frees;
static void free_capsule_in_done(struct nvmf_buf *b)
{
	b->arg = NULL;
	seen.done++;
	nvmf_free_capsule(seen.held[--seen.commands]);
	if (two_frees)
		free_it();
}

/* The consumer gives the command back before its data have left. */
START_TEST(command_freed_early)
{
	struct nvmf_buf b;
	int slot;

	two_frees = _i;
	nvmf_qpair_set_sq_flow_control(qp, false);
	slot = command(2, 7, false, 4096);
	fill_buf(&b, 0, 4096, NULL);
	b.done = free_capsule_in_done;
	memcpy(mem, host + 77, 4096);
	ck_assert_uint_eq(nvmf_send_controller_data(last(), 0, &b, 4096), NVMF_SUCCESS_SENT);
	turn(3);
	ck_assert_uint_eq(seen.done, 1);
	ck_assert_mem_eq(fake_cmd(f, 2, slot)->data, host + 77, 4096);
	if (two_frees)
		return;
	nvmf_qpair_set_sq_flow_control(qp, true);
	slot = command(1, 8, true, 512);
	nvmf_free_capsule(seen.held[--seen.commands]); /* answered after its capsule was freed */
	ck_assert_int_eq(respond(8, 3), 0);
	turn(2);
	ck_assert_uint_eq(got_status(slot), 3);
}
END_TEST

/* --- adapters that misbehave ------------------------------------------------------------------- */

/* A response or data that the adapter refuses: no other response may follow on that connection. */
START_TEST(failed_replies_end_the_connection)
{
	struct nvmf_buf b;

	command(2, 7, false, 8192);
	f->reply_errno = _i < 2 ? EINVAL : 0;
	f->reply_flags = _i == 2 ? WEFT_CQF_DMA_ERR : 0;
	if (_i == 0)
		ck_assert_int_eq(respond(7, 0), 0);
	else
		nvmf_send_controller_data(last(), 0, fill_buf(&b, 0, 4096, NULL), 4096);
	turn(2);
	ck_assert_uint_eq(seen.errors, 1);
	ck_assert_int_eq(seen.error, _i < 2 ? -EINVAL : -EFAULT);
	ck_assert_uint_eq(seen.done, _i > 0);
	fake_kill_conn(f, 2, ECONNRESET);
	turn(2);
	ck_assert_uint_eq(seen.errors, 1);
	if (_i)
		ck_assert_int_eq(respond(7, 0), -ENOTCONN);
}
END_TEST

START_TEST(nonsense_from_the_device)
{
	struct weft_cq_entry e[] = { { .type = WEFT_CQT_CAPSULE, .cid = 16 },
				     { .type = WEFT_CQT_CAPSULE, .cid = 0 },
				     { .type = WEFT_CQT_COMMAND, .cid = 0 },
				     { .type = WEFT_CQT_COMMAND, .cid = 9 },
				     { .type = WEFT_CQT_CAPSULE, .cid = 1, .data_len = 8193 },
				     { .type = 99, .cid = 1 } };
	unsigned int i;

	command(1, 7, false, 0);
	for (i = 0; i < sizeof(e) / sizeof(e[0]); i++)
		fake_post(f, 2, &e[i]);
	fake_event(f, 2, 77, 1, 2);
	turn(2);
	ck_assert_uint_eq(seen.commands, 1);
	ck_assert_uint_eq(seen.errors, 0);
	ck_assert_int_eq(respond(7, 0), 0);
	turn(2);
	fake_event(f, 2, WEFT_EV_QP_ERROR, 0xffffffff, 0);
	turn(1);
	ck_assert_int_eq(seen.error, -EIO);
	ck_assert_uint_eq(seen.errors, 1);
	free_it();
	turn(3);
	ck_assert_uint_eq(f->aborts_sent, 1);
}
END_TEST

/* Many ends at once do not fit the admin ring; all of them come through. */
START_TEST(admin_ring_full_of_ends)
{
	struct weft_dev_params wp = { .timeout_ms = 50, .admin_sq_log2 = 4 };
	struct nvmf_listen_params p;
	struct nvmf_qpair *q[60];
	unsigned int i, n = 60;

	memset(&seen, 0, sizeof(seen));
	f = fake_new();
	ck_assert_int_eq(weft_dev_open(&f->bus, &wp, &dev), 0);
	mem = weft_mem_alloc(dev, MEM_LEN);
	host = malloc(MEM_LEN);
	p = listen_params();
	p.backlog = 40; /* more than the admin ring takes */
	lis = nvmf_listen(NVMF_TRTYPE_TCP, &p, on_accept, &seen);
	ck_assert_msg(lis != NULL, "%s", weft_last_error());
	turn(2);
	ck_assert_uint_eq(waiting(), 11);
	for (i = 0; i < n; i++) {
		ck_assert_uint_ne(host_connects(), 0);
		q[i] = qp;
	}
	for (i = 0; i < n; i++)
		nvmf_free_qpair(q[i]);
	qp = NULL;
	turn(100);
	ck_assert_uint_eq(f->aborts_sent, n);
	ck_assert_uint_eq(waiting(), 11);
	tear_down();
}
END_TEST

/* --- everything at random ---------------------------------------------------------------------- */

#define SOAK_QPAIRS 3
#define SOAK_CMDS 128

static uint32_t seed;
static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* A command of the soak: what the consumer has under way. */
static struct soak_cmd {
	struct soak_qp *q;
	struct nvmf_capsule *nc;
	uint16_t cid;
	int slot;
	unsigned int round; /* of the pair */
	bool write, icd;
	uint32_t len, next, lent; /* parts under way */
	bool failed, answered;
	uint8_t *at; /* its data in DMA memory */
	struct nvmf_buf buf[16];
	unsigned int n_buf;
} soak[SOAK_QPAIRS][SOAK_CMDS];

static struct soak_qp {
	struct nvmf_qpair *qp;
	unsigned int round, errors;
	uint16_t id;
} soak_qp[SOAK_QPAIRS];

static struct {
	uint64_t commands, answered, data, done, lost, read;
} total;

static void soak_error(void *arg, int error)
{
	struct soak_qp *q = arg;

	(void)error;
	ck_assert_uint_eq(q->errors++, 0);
}

static void soak_receive(void *arg, struct nvmf_capsule *nc)
{
	struct soak_qp *q = arg;
	struct soak_cmd *c = soak[q - soak_qp];
	const uint8_t *sqe = nvmf_capsule_sqe(nc);

	while (c->nc || c->lent) {
		ck_assert(c < &soak[q - soak_qp][SOAK_CMDS - 1]);
		c++;
	}
	c->q = q;
	c->round = q->round;
	c->nc = nc;
	c->cid = (uint16_t)(sqe[2] | sqe[3] << 8);
	c->slot = sqe[48] | sqe[49] << 8;
	c->write = sqe[0] == 1;
	c->icd = sqe[39] == 1;
	c->len = (uint32_t)nvmf_capsule_data_len(nc);
	c->next = c->lent = c->n_buf = 0;
	c->failed = c->answered = false;
	ck_assert_uint_eq(nvmf_validate_command_capsule(nc), 0);
	total.commands++;
}

static void soak_accept(void *arg, struct nvmf_connection *conn,
			const struct nvmf_connection_info *info)
{
	struct nvmf_handoff_qpair_params p = { .connection = conn, .sq_flow_control = rnd(2) };
	struct soak_qp *q = soak_qp;

	(void)arg;
	(void)info;
	while (q < soak_qp + SOAK_QPAIRS && q->qp)
		q++;
	if (q == soak_qp + SOAK_QPAIRS)
		return;
	q->qp = nvmf_allocate_qpair(NVMF_TRTYPE_TCP, true, &p, soak_error, q, soak_receive, q);
	ck_assert_ptr_nonnull(q->qp);
	q->round++;
	q->errors = 0;
	q->id = weft_qp_id(nvmf_qpair_weft(q->qp));
}

static void soak_data(void *arg, size_t xfered, int error)
{
	struct soak_cmd *c = arg;

	ck_assert_uint_gt(c->lent, 0);
	c->lent--;
	ck_assert((xfered != 0) == (error == 0));
	c->failed |= error != 0;
	total.data++;
}

static void soak_done(struct nvmf_buf *b)
{
	struct soak_cmd *c = b->arg;

	ck_assert_uint_gt(c->lent, 0);
	b->arg = NULL;
	c->lent--;
	total.done++;
}

/* What a host has of a read that ended well. */
static void soak_check(const struct fake_cmd *cmd, unsigned int slot)
{
	uint16_t status;

	memcpy(&status, cmd->cqe + 14, 2);
	if (!cmd->acked || cmd->sqe[0] != 2 || status || !cmd->len)
		return;
	ck_assert_uint_eq(cmd->sent, cmd->len);
	ck_assert_uint_eq(cmd->responses + cmd->success, 1);
	ck_assert_mem_eq(cmd->data, host + slot * 32, cmd->len);
	total.read++;
}

/* A host sends a command; data derived from its number. */
static void soak_send(struct soak_qp *q)
{
	uint32_t len = rnd(4) ? 4 * (1 + rnd(4096)) : rnd(8) ? 0 : 4 * (1 + rnd(400000));
	bool write = rnd(2), icd = write && len <= 8192 && len && rnd(2);
	uint8_t sqe[64];
	uint16_t slot;

	for (slot = 0; slot < 16 && fake_cmd(f, q->id, slot)->held; slot++)
		;
	if (slot == 16 || !f->qp[q->id].connected)
		return;
	soak_check(fake_cmd(f, q->id, slot), slot);
	fake_host_sqe(sqe, write ? 1 : 2, (uint16_t)(rnd(4096) << 4 | slot), icd, len);
	memcpy(sqe + 48, &slot, 2);
	ck_assert_int_eq(fake_host_send(f, q->id, sqe, icd, host + slot * 64, len, 0), slot);
}

static int soak_respond(struct soak_cmd *c, uint16_t status)
{
	uint8_t cqe[16] = { 0 };
	struct nvmf_capsule *rsp;
	int rc;

	memcpy(cqe + 12, &c->cid, 2);
	status = (uint16_t)(status << 1);
	memcpy(cqe + 14, &status, 2);
	rsp = nvmf_allocate_response(c->q->qp, cqe, NVMF_NOWAIT);
	if (!rsp)
		return -ENOENT;
	rc = nvmf_transmit_capsule(rsp);
	nvmf_free_capsule(rsp);
	return rc;
}

static void soak_part(struct soak_cmd *c)
{
	uint32_t left = c->len - c->next, n = rnd(2) ? left : 4 * (1 + rnd(left / 4));
	struct memdesc m = memdesc_vaddr(c->at + c->next);
	struct nvmf_buf *b = &c->buf[c->n_buf];
	int rc;

	if (n > left || c->n_buf == 14)
		n = left;
	if (c->write) {
		c->lent++;
		rc = nvmf_receive_controller_data(c->nc, c->next, &m, n, soak_data, c);
		if (rc) {
			ck_assert_int_eq(rc, -ENOTCONN);
			c->lent--;
			c->failed = true;
		}
		c->next += n;
		return;
	}
	memcpy(c->at + c->next, host + c->slot * 32 + c->next, n);
	*b = (struct nvmf_buf){ NULL, c->at + c->next, n, soak_done, c };
	c->n_buf++;
	c->lent++;
	c->next += n;
	rc = (int)nvmf_send_controller_data(c->nc, c->next - n, b, n);
	c->answered |= rc == NVMF_SUCCESS_SENT;
	c->failed |= rc == NVME_SC_DATA_TRANSFER_ERROR;
	ck_assert(rc == NVME_SC_SUCCESS || rc == NVMF_SUCCESS_SENT || rc == NVMF_MORE || c->failed);
}

/* Moves one command of the consumer on. Content is looked at before the write's response. */
static void soak_step(struct soak_cmd *c)
{
	bool alive = c->q && c->q->qp && c->round == c->q->round;

	if (!c->nc)
		return;
	if (!alive || c->answered) {
		total.lost += !c->answered;
		nvmf_free_capsule(c->nc);
		c->nc = NULL;
		return;
	}
	if (c->next < c->len && !c->failed) {
		if (c->next == 0 && c->write)
			memset(c->at, 0xee, c->len);
		soak_part(c);
		return;
	}
	if (c->write && c->lent && rnd(2))
		return;
	if (c->write && !c->lent && !c->failed)
		ck_assert_mem_eq(c->at, host + c->slot * 64, c->len);
	if (soak_respond(c, 0) == 0)
		total.answered++;
	c->answered = true;
}

static void soak_turn(void)
{
	static unsigned int n;
	struct soak_qp *q = &soak_qp[rnd(SOAK_QPAIRS)];

	switch (rnd(400)) {
	case 0:
		if (q->qp) {
			struct nvmf_qpair *old = q->qp;

			q->qp = NULL;
			nvmf_free_qpair(old);
		}
		break;
	case 1:
		if (q->qp && f->qp[q->id].connected)
			fake_kill_conn(f, q->id, (uint16_t)(rnd(2) ? ECONNRESET : 0));
		break;
	case 2:
		f->frozen_io = !f->frozen_io;
		break;
	case 3:
	case 4:
	case 5:
		fake_host_connect(f, PORT, 3);
		break;
	default:
		if (q->qp && !q->errors)
			soak_send(q);
	}
	if (q->qp && q->errors && !rnd(3)) {
		struct nvmf_qpair *old = q->qp;

		q->qp = NULL;
		nvmf_free_qpair(old);
	}
	if (!f->frozen_io || !rnd(10))
		turn(1);
	soak_step(&soak[0][n++ % SOAK_CMDS]);
	soak_step(&soak[1][n % SOAK_CMDS]);
	soak_step(&soak[2][n % SOAK_CMDS]);
	soak_step(&soak[rnd(SOAK_QPAIRS)][rnd(16)]);
	soak_step(&soak[rnd(SOAK_QPAIRS)][rnd(4)]);
}

START_TEST(soak_at_random)
{
	struct nvmf_listen_params p;
	unsigned int i, j;

	seed = 0x1234u + (uint32_t)_i;
	open_dev();
	for (i = 0; i < SOAK_QPAIRS; i++)
		for (j = 0; j < SOAK_CMDS; j++)
			soak[i][j].at = weft_mem_alloc(dev, 1600004);
	p = listen_params();
	lis = nvmf_listen(NVMF_TRTYPE_TCP, &p, soak_accept, NULL);
	for (i = 0; i < 60000; i++)
		soak_turn();
	f->frozen_io = false;
	turn(2); /* connections that came last */
	for (i = 0; i < SOAK_QPAIRS; i++) {
		nvmf_free_qpair(soak_qp[i].qp);
		soak_qp[i].qp = NULL;
	}
	turn(20);
	for (i = 0; i < SOAK_QPAIRS; i++)
		for (j = 0; j < SOAK_CMDS; j++) {
			soak_step(&soak[i][j]);
			ck_assert_ptr_null(soak[i][j].nc);
			ck_assert_uint_eq(soak[i][j].lent, 0); /* every buffer came back */
		}
	nvmf_unlisten(lis);
	ck_assert_uint_eq(pairs(), 0);
	ck_assert_uint_gt(total.answered, 2000);
	ck_assert_uint_gt(total.data, 1000);
	ck_assert_uint_gt(total.done, 1000);
	ck_assert_uint_gt(total.lost, 10);
	ck_assert_uint_gt(total.read, 500);
	for (i = 0; i < SOAK_QPAIRS; i++)
		for (j = 0; j < SOAK_CMDS; j++)
			weft_mem_free(dev, soak[i][j].at);
	close_dev();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("listen");
	TCase *t = tcase_create("listeners"), *e = tcase_create("ends");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, listen_refuses);
	tcase_add_test(t, defaults);
	tcase_add_test(t, backlog_is_kept);
	tcase_add_test(t, refused_connections_are_aborted);
	tcase_add_test(t, a_connection_is_taken_in_its_callback);
	tcase_add_test(t, accept_callback_that_polls);
	tcase_add_test(t, admin_ring_full_of_ends);
	tcase_add_loop_test(t, soak_at_random, 0, 4);
	tcase_set_timeout(e, 30);
	tcase_add_checked_fixture(e, set_up, tear_down);
	tcase_add_loop_test(e, peer_closes_with_everything_in_flight, 0, 2);
	tcase_add_test(e, freed_with_everything_in_flight);
	tcase_add_test(e, freed_without_listener);
	tcase_add_test(e, unlisten_waits_for_ends);
	tcase_add_loop_test(e, adapter_that_does_not_let_go, 0, 2);
	tcase_add_test(e, reset_with_everything_in_flight);
	tcase_add_test(e, device_gone_with_everything_in_flight);
	tcase_add_loop_test(e, freed_in_callbacks, 0, 4);
	tcase_add_loop_test(e, freed_in_callbacks_of_the_end, 0, 2);
	tcase_add_loop_test(e, command_freed_early, 0, 2);
	tcase_add_loop_test(e, failed_replies_end_the_connection, 0, 3);
	tcase_add_test(e, nonsense_from_the_device);
	suite_add_tcase(s, t);
	suite_add_tcase(s, e);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
