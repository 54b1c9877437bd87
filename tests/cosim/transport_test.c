// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two whole adapters with nothing but the transport on them: queue pairs of both roles, capsules and
 * data. What the target library and the host library do not do (bytes at odd addresses, pieces of
 * data in several calls, chains of scattered buffers) is done here.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/spec.h>
#include <nvmf/nvmf_transport.h>
#include <weft/mem.h>

#include "cosim/cosim.h"
#include "lend.h"
#include "some.h"

#define MS 1000000ull
#define SECOND (1000 * MS)
#define DISK (2u << 20)
#define PORT 4420
#define QSIZE 32
#define COMMANDS 30
#define STRETCH 65536u /* of the disk, one for each command */

enum { WRITE = 1, READ = 2 };

struct params {
	struct cosim_params cosim;
	uint8_t digests;
	bool sq_flow_control;
	uint16_t maxr2t;
	uint32_t part; /* bytes moved by one call of the controller; 0: all */
	uint32_t maxh2cdata;
	unsigned int odd; /* data starts at an address with this remainder */
};

/* A command at the controller. */
struct served {
	struct nvmf_capsule *nc;
	uint32_t done, len, at;
};

/* One of the host. */
struct command {
	uint8_t *buf;
	uint32_t len;
	bool data_done, done;
	size_t xfered;
	int error;
	uint16_t status;
};

static struct params params;
static struct cosim cosim;
static struct nvmf_listener *listener;
static struct nvmf_qpair *ctl, *host;
static uint8_t *disk; /* of the controller */
static struct command command[COMMANDS];
static unsigned int held, ctl_ended, host_ended, bufs_out;
static int ctl_error, host_error;

/* --- the controller --------------------------------------------------------------------------- */

static void finish(struct served *s)
{
	nvmf_free_capsule(s->nc);
	free(s);
	held--;
}

static void respond(struct served *s, uint8_t status)
{
	const struct nvme_sqe *sqe = nvmf_capsule_sqe(s->nc);
	struct nvme_cqe cqe = { .dw0 = 0x1234, .cid = sqe->cid, .status = (uint16_t)(status << 1) };
	struct nvmf_capsule *r = nvmf_allocate_response(ctl, &cqe, NVMF_WAITOK);

	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(nvmf_transmit_capsule(r), 0);
	nvmf_free_capsule(r);
	finish(s);
}

static void on_received(void *arg, size_t n, int error)
{
	struct served *s = arg;

	if (error) {
		ck_assert(ctl_ended || host_ended);
		s->done = s->len + 1; /* no response any more */
		finish(s);
		return;
	}
	s->done += (uint32_t)n;
	if (s->done == s->len)
		respond(s, 0);
}

/* All parts are asked for at once; they are fetched in order. */
static void serve_write(struct served *s)
{
	uint32_t len = s->len, from = s->at, n, at; /* the last call may end s */

	for (at = 0; at < len; at += n) {
		struct memdesc m = memdesc_vaddr(disk + from + at);

		n = params.part && params.part < len - at ? params.part : len - at;
		ck_assert_int_eq(nvmf_receive_controller_data(s->nc, at, &m, n, on_received, s), 0);
	}
}

static void on_buf(struct nvmf_buf *buf)
{
	(void)buf;
	bufs_out--;
}

/* Chains of three unequal pieces. */
static unsigned int send_part(struct served *s, uint32_t at, uint32_t n)
{
	const uint32_t cut[] = { 0, n / 3 | 1, n / 3 * 2, n };
	static struct nvmf_buf pool[4096];
	static unsigned int next;
	struct nvmf_buf *b = &pool[next];
	unsigned int i;

	next = (next + 3) % 4095;
	for (i = 0; i < 3; i++)
		b[i] = (struct nvmf_buf){ .next = i < 2 ? &b[i + 1] : NULL,
					  .data = disk + s->at + at + cut[i],
					  .len = cut[i + 1] - cut[i],
					  .done = on_buf };
	bufs_out += 3;
	return nvmf_send_controller_data(s->nc, at, b, n);
}

static void serve_read(struct served *s)
{
	unsigned int ret = NVMF_MORE;
	uint32_t n, at;

	for (at = 0; at < s->len; at += n) {
		n = params.part && params.part < s->len - at ? params.part : s->len - at;
		ck_assert_uint_eq(ret, NVMF_MORE);
		ret = send_part(s, at, n);
	}
	if (ret == NVMF_SUCCESS_SENT) {
		ck_assert(!params.sq_flow_control);
		finish(s);
		return;
	}
	ck_assert(params.sq_flow_control);
	respond(s, (uint8_t)ret);
}

static void on_command(void *arg, struct nvmf_capsule *nc)
{
	const struct nvme_sqe *sqe = nvmf_capsule_sqe(nc);
	struct served *s = calloc(1, sizeof(*s));

	(void)arg;
	ck_assert_ptr_nonnull(s);
	held++;
	s->nc = nc;
	ck_assert_uint_eq(nvmf_validate_command_capsule(nc), 0);
	s->len = (uint32_t)nvmf_capsule_data_len(nc);
	s->at = sqe->cdw10;
	ck_assert_uint_le(s->at + s->len, DISK);
	if (sqe->opc == WRITE)
		serve_write(s);
	else if (sqe->opc == READ)
		serve_read(s);
	else
		respond(s, 1);
}

static void on_ctl_end(void *arg, int error)
{
	(void)arg;
	ctl_ended++;
	ctl_error = error;
}

static void on_accept(void *arg, struct nvmf_connection *conn, const struct nvmf_connection_info *i)
{
	struct nvmf_handoff_qpair_params q = { .connection = conn,
					       .dev = cosim.end[1].dev,
					       .sq_flow_control = params.sq_flow_control };

	(void)arg;
	ck_assert_uint_eq(i->remote_ip, COSIM_IP);
	ck_assert_int_eq(i->header_digests, params.digests & 1);
	ck_assert_int_eq(i->data_digests, params.digests >> 1);
	ctl = nvmf_allocate_qpair(NVMF_TRTYPE_TCP, true, &q, on_ctl_end, NULL, on_command, NULL);
	ck_assert_ptr_nonnull(ctl);
}

/* --- the host --------------------------------------------------------------------------------- */

static void on_host_end(void *arg, int error)
{
	(void)arg;
	host_ended++;
	host_error = error;
}

static void on_response(void *arg, struct nvmf_capsule *nc)
{
	const struct nvme_cqe *cqe = nvmf_capsule_cqe(nc);
	struct command *c = &command[cqe->cid];

	(void)arg;
	ck_assert_uint_lt(cqe->cid, COMMANDS);
	ck_assert(!c->done);
	c->done = true;
	c->error = nvmf_capsule_error(nc);
	c->status = cqe->status >> 1;
	nvmf_free_capsule(nc);
}

static void on_data(void *arg, size_t n, int error)
{
	struct command *c = arg;

	ck_assert(!c->data_done && !c->done);
	c->data_done = true;
	c->xfered = n;
	if (error && !c->error)
		c->error = error;
}

static void submit(unsigned int cid, uint8_t opcode, uint32_t len)
{
	struct nvme_sqe sqe = {
		.opc = opcode, .cid = (uint16_t)cid, .nsid = 1, .cdw10 = cid * STRETCH
	};
	struct command *c = &command[cid];
	struct memdesc m = memdesc_vaddr(c->buf);
	struct nvmf_capsule *nc = nvmf_allocate_command(host, &sqe, NVMF_WAITOK);

	ck_assert_ptr_nonnull(nc);
	c->len = len;
	c->done = c->data_done = false;
	c->error = 0;
	c->xfered = 0;
	if (len)
		ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, len, opcode == WRITE, on_data, c),
				 0);
	ck_assert_int_eq(nvmf_transmit_capsule(nc), 0);
	nvmf_free_capsule(nc);
}

/* --- fixture ---------------------------------------------------------------------------------- */

static int poll_end(void *arg)
{
	return nvmf_poll(arg);
}

static void open_transport(const struct params *p)
{
	struct nvmf_listen_params lp = { .port = PORT,
					 .qsize = QSIZE,
					 .maxh2cdata = p->maxh2cdata,
					 .header_digests = true,
					 .data_digests = true };
	struct nvmf_handoff_qpair_params hp = { .qsize = QSIZE,
						.remote_ip = COSIM_IP + 1,
						.remote_port = PORT,
						.header_digests = p->digests & 1,
						.data_digests = p->digests >> 1,
						.maxr2t = p->maxr2t,
						.max_icd = 8192,
						.sq_flow_control = p->sq_flow_control };
	unsigned int i;

	params = *p;
	ctl_ended = host_ended = held = bufs_out = 0;
	ck_assert_int_eq(cosim_open(&cosim, &p->cosim), 0);
	for (i = 0; i < 2; i++)
		cosim_program(&cosim.end[i], poll_end, cosim.end[i].dev);
	disk = (uint8_t *)weft_mem_alloc(cosim.end[1].dev, DISK + 16) + p->odd;
	for (i = 0; i < DISK; i++)
		disk[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16));
	for (i = 0; i < COMMANDS; i++)
		command[i].buf = (uint8_t *)weft_mem_alloc(cosim.end[0].dev, STRETCH + 16) + p->odd;
	lp.dev = cosim.end[1].dev;
	hp.dev = cosim.end[0].dev;
	listener = nvmf_listen(NVMF_TRTYPE_TCP, &lp, on_accept, NULL);
	ck_assert_msg(listener, "listen: %s", weft_last_error());
	host = nvmf_allocate_qpair(NVMF_TRTYPE_TCP, false, &hp, on_host_end, NULL, on_response,
				   NULL);
	ck_assert_msg(host, "connect: %s", weft_last_error());
	for (i = 0; i < 1000 && !ctl; i++)
		cosim_poll(&cosim);
	ck_assert_ptr_nonnull(ctl);
}

static void no_bad_dma(void)
{
	struct weft_dma_stats dma;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		weft_sim_bus_stats(cosim.end[i].bus, &dma);
		ck_assert_msg(!dma.refused && !dma.not_lent,
			      "end %u: %llu refused, %llu not lent, first at %llx", i,
			      (unsigned long long)dma.refused, (unsigned long long)dma.not_lent,
			      (unsigned long long)dma.first_bad);
	}
}

/* The host leaves first; the controller hears of it in good order. */
static void close_transport(void)
{
	uint64_t end = cosim_now(&cosim) + SECOND;

	nvmf_free_qpair(host);
	while (!ctl_ended && cosim_now(&cosim) < end)
		cosim_poll(&cosim);
	ck_assert_uint_eq(ctl_ended, 1);
	ck_assert_int_eq(ctl_error, 0);
	nvmf_free_qpair(ctl);
	ck_assert_uint_eq(held, 0);
	ck_assert_uint_eq(bufs_out, 0);
	nvmf_unlisten(listener);
	no_bad_dma();
	cosim_close(&cosim);
	ctl = NULL;
}

static void wait_all(unsigned int n)
{
	uint64_t end = cosim_now(&cosim) + 2 * SECOND;
	unsigned int i, left = n;

	while (left && cosim_now(&cosim) < end) {
		cosim_poll(&cosim);
		for (left = n, i = 0; i < n; i++)
			left -= command[i].done;
	}
	ck_assert_msg(!left, "%u of %u commands do not end", left, n);
}

static void check_command(unsigned int i, bool same)
{
	const struct command *c = &command[i];

	ck_assert_msg(!c->error && !c->status, "command %u: error %d, status %x", i, c->error,
		      c->status);
	ck_assert_uint_eq(c->xfered, c->len);
	ck_assert_msg(memcmp(c->buf, disk + i * STRETCH, c->len) == 0 || !same, "command %u: data",
		      i);
}

/* All commands at once; lengths around everything that matters. */
static void write_and_read(void)
{
	static const uint32_t lengths[] = { 4,    8,     512,   1448,  1460,  4096,  8188,  8192,
					    8196, 12288, 16384, 20000, 32768, 49152, 65532, 65536 };
	const unsigned int n = sizeof(lengths) / sizeof(lengths[0]);
	unsigned int i;
	uint32_t k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < lengths[i]; k++)
			command[i].buf[k] = (uint8_t)(k * 31 + i + (k >> 8));
		submit(i, WRITE, lengths[i]);
	}
	wait_all(n);
	for (i = 0; i < n; i++)
		check_command(i, true);
	for (i = 0; i < n; i++) {
		memset(command[i].buf, 0, STRETCH);
		submit(i, READ, lengths[i]);
	}
	wait_all(n);
	for (i = 0; i < n; i++) {
		check_command(i, true);
		for (k = lengths[i]; k < STRETCH; k++)
			ck_assert_msg(!command[i].buf[k], "command %u: byte %u behind its end", i,
				      k);
	}
}

START_TEST(data_goes_both_ways)
{
	const struct params p = { .digests = (uint8_t)(_i & 3),
				  .sq_flow_control = !(_i & 4),
				  .maxr2t = _i & 1 ? 3 : 0,
				  .cosim.mtu = _i & 2 ? 9000 : 1500 };

	open_transport(&p);
	write_and_read();
	close_transport();
}
END_TEST

/* In several calls, and R2Ts smaller than those. */
START_TEST(data_goes_in_parts)
{
	static const uint32_t part[] = { 4096, 20000, 8192, 16384 };
	const struct params p = { .digests = 3,
				  .sq_flow_control = !(_i & 1),
				  .part = part[_i],
				  .maxh2cdata = _i & 2 ? 4096 : 0,
				  .maxr2t = (uint16_t)_i,
				  .cosim.wrap = lend_bus };

	open_transport(&p);
	write_and_read();
	close_transport();
}
END_TEST

START_TEST(data_at_any_address)
{
	const struct params p = { .digests = 3,
				  .sq_flow_control = true,
				  .odd = (unsigned int)_i * 2 + 1 };

	open_transport(&p);
	write_and_read();
	close_transport();
}
END_TEST

START_TEST(commands_without_data)
{
	const struct params p = { .digests = (uint8_t)_i, .sq_flow_control = true };
	unsigned int i, round;

	open_transport(&p);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < COMMANDS; i++)
			submit(i, 0x10, 0);
		wait_all(COMMANDS);
		for (i = 0; i < COMMANDS; i++)
			ck_assert(!command[i].error && command[i].status == 1);
	}
	close_transport();
}
END_TEST

/* The controller goes while the host waits for it. */
START_TEST(the_controller_leaves)
{
	const struct params p = { .digests = 3, .sq_flow_control = true };
	unsigned int i;
	uint64_t end;

	open_transport(&p);
	for (i = 0; i < COMMANDS; i++)
		submit(i, i & 1 ? READ : WRITE, STRETCH);
	end = cosim_now(&cosim) + (uint64_t)_i * 20000;
	while (cosim_now(&cosim) < end)
		cosim_poll(&cosim);
	ctl_ended = 1;
	nvmf_free_qpair(ctl);
	wait_all(COMMANDS);
	for (i = 0; i < COMMANDS; i++)
		ck_assert(command[i].data_done);
	end = cosim_now(&cosim) + 6 * SECOND;
	while (!host_ended && cosim_now(&cosim) < end)
		cosim_poll(&cosim);
	ck_assert_uint_eq(host_ended, 1);
	nvmf_free_qpair(host);
	ck_assert_uint_eq(held, 0);
	ck_assert_uint_eq(bufs_out, 0);
	nvmf_unlisten(listener);
	no_bad_dma();
	cosim_close(&cosim);
	ctl = NULL;
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transport");
	TCase *t = tcase_create("transport");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 100);
	add_some(t, data_goes_both_ways, 0, 8);
	tcase_add_loop_test(t, data_goes_in_parts, 0, 4);
	tcase_add_loop_test(t, data_at_any_address, 0, 4);
	tcase_add_loop_test(t, commands_without_data, 0, 4);
	add_some(t, the_controller_leaves, 0, 6);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
