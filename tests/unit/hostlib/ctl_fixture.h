/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the transport's controller role share: a listener on a fake adapter, one queue
 * pair at a time, and what its callbacks saw. One test program includes it once.
 */
#ifndef CTL_FIXTURE_H
#define CTL_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/spec.h>
#include <nvmf/nvmf_transport.h>
#include <weft/mem.h>
#include <weft/qp.h>

#include "fake.h"

#define PORT 4420
#define MEM_LEN (8u << 20)
#define MAX_HELD 64

static struct fake *f;
static struct weft_dev *dev;
static struct nvmf_listener *lis;
static struct nvmf_qpair *qp;
static uint8_t *mem;  /* DMA memory of the consumer */
static uint8_t *host; /* a host's data */

static struct {
	unsigned int accepts, commands, errors, data, done;
	int error, data_error;
	size_t xfered;
	struct nvmf_connection_info info;
	struct nvmf_capsule *held[MAX_HELD]; /* commands, in order of arrival */
	uint64_t sent_at_data; /* replies the device had fetched when the data callback ran */
	bool refuse, no_flow, lazy;
	bool free_in_accept, free_in_receive, free_in_data, free_in_done, free_in_error;
} seen;

static inline void free_it(void)
{
	struct nvmf_qpair *q = qp;

	qp = NULL;
	nvmf_free_qpair(q);
}

static inline void on_error(void *arg, int error)
{
	ck_assert_ptr_eq(arg, &seen);
	seen.errors++;
	seen.error = error;
	if (seen.free_in_error)
		free_it();
}

static inline void on_command(void *arg, struct nvmf_capsule *nc)
{
	ck_assert_ptr_eq(arg, &seen);
	ck_assert_uint_lt(seen.commands, MAX_HELD);
	seen.held[seen.commands++] = nc;
	ck_assert_ptr_null(nvmf_capsule_cqe(nc));
	if (seen.free_in_receive)
		free_it();
}

static inline void on_accept(void *arg, struct nvmf_connection *conn,
			     const struct nvmf_connection_info *info)
{
	struct nvmf_handoff_qpair_params p = { .connection = conn,
					       .dev = dev,
					       .sq_flow_control = !seen.no_flow,
					       .lazy_doorbell = seen.lazy };

	ck_assert_ptr_eq(arg, &seen);
	seen.accepts++;
	seen.info = *info;
	if (seen.refuse)
		return;
	qp = nvmf_allocate_qpair(NVMF_TRTYPE_TCP, true, &p, on_error, &seen, on_command, &seen);
	ck_assert_ptr_nonnull(qp);
	if (seen.free_in_accept)
		free_it();
}

static inline void on_data(void *arg, size_t xfered, int error)
{
	ck_assert_ptr_eq(arg, &seen);
	seen.data++;
	seen.xfered = xfered;
	seen.data_error = error;
	seen.sent_at_data = f->counter[WEFT_CNT_SQE_FETCHED];
	if (seen.free_in_data)
		free_it();
}

static inline void on_done(struct nvmf_buf *b)
{
	ck_assert_ptr_eq(b->arg, &seen);
	b->arg = NULL; /* only once */
	seen.done++;
	if (seen.free_in_done)
		free_it();
}

static inline void turn(unsigned int n)
{
	while (n--)
		nvmf_poll(dev);
}

static inline struct nvmf_listen_params listen_params(void)
{
	return (struct nvmf_listen_params){ .dev = dev,
					    .port = PORT,
					    .qsize = 16,
					    .max_icd = 8192,
					    .header_digests = true,
					    .backlog = 2,
					    .vector = 1 };
}

static inline void open_dev(void)
{
	unsigned int i;

	memset(&seen, 0, sizeof(seen));
	f = fake_new();
	ck_assert_int_eq(
		weft_dev_open(&f->bus, &(struct weft_dev_params){ .timeout_ms = 50 }, &dev), 0);
	mem = weft_mem_alloc(dev, MEM_LEN);
	host = malloc(MEM_LEN);
	for (i = 0; i < MEM_LEN; i++)
		host[i] = (uint8_t)(i * 13 + i / 256 + i / 65536);
}

static inline void listen_on(uint32_t qsize)
{
	struct nvmf_listen_params p = listen_params();

	p.qsize = qsize;
	lis = nvmf_listen(NVMF_TRTYPE_TCP, &p, on_accept, &seen);
	ck_assert_msg(lis != NULL, "%s", weft_last_error());
	turn(2);
}

/* The pair of the device that got it. */
static inline uint16_t host_connects(void)
{
	uint16_t id = fake_host_connect(f, PORT, 3);

	turn(2);
	return id;
}

static inline void set_up(void)
{
	open_dev();
	listen_on(16);
	ck_assert_uint_eq(host_connects(), 2);
	ck_assert_uint_eq(seen.accepts, 1);
	ck_assert_ptr_nonnull(qp);
}

static inline void close_dev(void)
{
	weft_mem_free(dev, mem);
	weft_dev_close(dev);
	ck_assert_uint_eq(f->maps_live + f->irqs_live, 0);
	ck_assert_uint_eq(f->violations, 0);
	fake_free(f);
	free(host);
}

static inline void tear_down(void)
{
	unsigned int i;

	nvmf_free_qpair(qp);
	qp = NULL;
	turn(3);
	for (i = 0; i < seen.commands; i++)
		nvmf_free_capsule(seen.held[i]);
	nvmf_unlisten(lis);
	lis = NULL;
	close_dev();
}

/* A host's command on the pair of set_up; the capsule is seen.held[seen.commands - 1]. */
static inline int command(uint8_t opcode, uint16_t cid, bool icd, uint32_t len)
{
	uint8_t sqe[64];
	int slot;

	fake_host_sqe(sqe, opcode, cid, icd, len);
	slot = fake_host_send(f, 2, sqe, icd, host, len, 0);
	ck_assert_int_ge(slot, 0);
	turn(1);
	return slot;
}

static inline struct nvmf_capsule *last(void)
{
	return seen.held[seen.commands - 1];
}

static inline struct nvmf_capsule *response(uint16_t cid, uint16_t status)
{
	uint8_t cqe[16] = { 0xaa, 0xbb, 0xcc, 0xdd, [8] = 0x34, [9] = 0x12 };

	memcpy(cqe + 12, &cid, 2);
	status = (uint16_t)(status << 1);
	memcpy(cqe + 14, &status, 2);
	return nvmf_allocate_response(qp, cqe, NVMF_WAITOK);
}

static inline int respond(uint16_t cid, uint16_t status)
{
	struct nvmf_capsule *rsp = response(cid, status);
	int rc;

	ck_assert_ptr_nonnull(rsp);
	rc = nvmf_transmit_capsule(rsp);
	nvmf_free_capsule(rsp);
	return rc;
}

/* Status that the host got for the command in that receive buffer. */
static inline uint16_t got_status(int slot)
{
	uint16_t status;

	memcpy(&status, fake_cmd(f, 2, slot)->cqe + 14, 2);
	return status >> 1;
}

static inline struct nvmf_buf *fill_buf(struct nvmf_buf *b, uint32_t off, size_t len,
					struct nvmf_buf *next)
{
	*b = (struct nvmf_buf){
		.next = next, .data = mem + off, .len = len, .done = on_done, .arg = &seen
	};
	return b;
}

#endif
