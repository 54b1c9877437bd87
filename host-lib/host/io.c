/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads, writes and the like. A request is cut into pieces of at most max_xfer bytes; pieces are
 * sent while commands are free, the rest when some end. Requests that wait for a free command stand
 * in one line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define NLB_MAX 65536u
#define CDW12_FUA (1u << 30)
#define PIECES_MAX 1024u

static void on_piece(void *arg, const struct nvme_result *r);

static struct host_io *io_get(struct nvme_host *h)
{
	struct host_io *io = h->free_io;

	if (io)
		h->free_io = io->next;
	else
		io = malloc(sizeof(*io));
	return io;
}

static void io_put(struct nvme_host *h, struct host_io *io)
{
	io->next = h->free_io;
	h->free_io = io;
}

void nvme__io_fini(struct nvme_host *h)
{
	while (h->free_io) {
		struct host_io *io = h->free_io;

		h->free_io = io->next;
		free(io);
	}
}

/* The next queue in turn that has a free command. */
static struct host_queue *pick(struct nvme_host *h)
{
	unsigned int i;

	for (i = 0; i < h->io_queues; i++) {
		struct host_queue *q;

		h->next_queue = h->next_queue >= h->io_queues ? 1 : h->next_queue + 1;
		q = h->queue[h->next_queue];
		if (q && q->free)
			return q;
	}
	return NULL;
}

/* Bytes [off, off + len) of a list. */
struct cut {
	union {
		struct iovec va[PIECES_MAX];
		struct memdesc_iova iova[PIECES_MAX];
	} u;
	unsigned int n;
};

static uint64_t list_len(const struct memdesc *m, unsigned int i)
{
	return m->md_type == MEMDESC_VLIST ? m->u.md_vlist[i].iov_len : m->u.md_iova_list[i].len;
}

static int cut_list(const struct memdesc *m, uint64_t off, uint64_t len, struct cut *c)
{
	unsigned int i;

	c->n = 0;
	for (i = 0; i < m->md_count && len; i++) {
		uint64_t have = list_len(m, i), take;

		if (off >= have) {
			off -= have;
			continue;
		}
		take = have - off < len ? have - off : len;
		if (c->n == PIECES_MAX)
			return -E2BIG;
		if (m->md_type == MEMDESC_VLIST)
			c->u.va[c->n++] =
				(struct iovec){ (char *)m->u.md_vlist[i].iov_base + off, take };
		else
			c->u.iova[c->n++] = (struct memdesc_iova){ m->u.md_iova_list[i].addr + off,
								   (uint32_t)take, 0 };
		len -= take;
		off = 0;
	}
	return len ? -EINVAL : 0;
}

static __attribute__((noinline)) int submit_list(struct host_io *io, struct host_queue *q,
						 struct nvme_sqe *sqe, uint64_t off, uint64_t len,
						 struct host_req **r)
{
	struct memdesc mem;
	struct cut c;
	int rc = cut_list(&io->mem, off, len, &c);

	if (rc)
		return rc;
	mem = io->mem.md_type == MEMDESC_VLIST ? memdesc_vlist(c.u.va, c.n) :
						 memdesc_iova_list(c.u.iova, c.n);
	return nvme__send(q, sqe, &mem, len, io->send, on_piece, NULL, r);
}

/* Submits a command for the bytes from off on. */
static int submit_part(struct host_io *io, struct host_queue *q, struct nvme_sqe *sqe, uint64_t off,
		       uint64_t len, struct host_req **r)
{
	struct memdesc mem = { 0 };

	if (!io->has_data)
		len = 0;
	else if (io->mem.md_type == MEMDESC_VADDR)
		mem = memdesc_vaddr((char *)io->mem.u.md_vaddr + off);
	else if (io->mem.md_type == MEMDESC_IOVA)
		mem = memdesc_iova(io->mem.u.md_iova + off);
	else
		return submit_list(io, q, sqe, off, len, r);
	return nvme__send(q, sqe, io->has_data ? &mem : NULL, len, io->send, on_piece, NULL, r);
}

/* Sends one piece on any queue. -EAGAIN: no command free. */
static int send_piece(struct host_io *io, uint32_t first, uint32_t blocks, uint8_t tries)
{
	struct nvme_host *h = io->ns.host;
	struct nvme_sqe sqe = { .opc = io->opc, .nsid = io->ns.nsid };
	uint64_t slba = io->slba + first;
	struct host_queue *q = pick(h);
	struct host_req *r;
	int rc;

	if (!q)
		return h->state == HOST_LIVE && !h->failed ? -EAGAIN : -ENOTCONN;
	sqe.cdw10 = (uint32_t)slba;
	sqe.cdw11 = (uint32_t)(slba >> 32);
	sqe.cdw12 = (blocks - 1) | io->cdw12;
	rc = submit_part(io, q, &sqe, (uint64_t)first << io->ns.lba_shift,
			 (uint64_t)blocks << io->ns.lba_shift, &r);
	if (rc)
		return rc;
	r->arg = r; /* the callback wants the request itself */
	r->io = io;
	r->first = first;
	r->blocks = blocks;
	r->tries = tries;
	io->open++;
	return 0;
}

static uint32_t piece_blocks(const struct host_io *io)
{
	const struct nvme_host *h = io->ns.host;
	uint32_t max = io->has_data ? h->max_xfer >> io->ns.lba_shift : NLB_MAX,
		 left = io->nlb - io->issued;

	if (max > NLB_MAX)
		max = NLB_MAX;
	return left < max ? left : max;
}

/* Sends what is left while commands are free. */
static int send_rest(struct host_io *io)
{
	int rc = 0;

	while (io->issued < io->nlb && !rc) {
		uint32_t n = piece_blocks(io);

		rc = send_piece(io, io->issued, n, 0);
		while (rc == -E2BIG &&
		       n > 1) { /* a list of very small pieces: fewer of them in one command */
			n /= 2;
			rc = send_piece(io, io->issued, n, 0);
		}
		if (!rc)
			io->issued += n;
	}
	return rc;
}

static void note_error(struct host_io *io, int error, uint16_t status)
{
	if (io->result.error || io->result.status)
		return; /* the first one counts */
	io->result.error = error;
	io->result.status = status;
}

static void stand_in_line(struct nvme_host *h, struct host_io *io)
{
	if (io->waiting)
		return;
	io->waiting = true;
	io->next = NULL;
	*h->wait_tail = io;
	h->wait_tail = &io->next;
}

static void end(struct nvme_host *h, struct host_io *io)
{
	struct nvme_result result = io->result;
	nvme_host_fn *cb = io->cb;
	void *arg = io->arg;

	io_put(h, io); /* the callback may well start the next one */
	cb(arg, &result);
}

/*
 * Goes on with a request after something ended: more pieces, or its own end. true: it waits again, a
 * transport may be full before all commands are taken.
 */
static bool go_on(struct host_io *io)
{
	struct nvme_host *h = io->ns.host;
	bool failed = io->result.error || io->result.status;

	if (io->issued < io->nlb && !failed && !io->waiting) {
		int rc = send_rest(io);

		if (rc == -EAGAIN)
			stand_in_line(h, io);
		else if (rc)
			note_error(io, rc, NVME_SC_HOST_PATH_ERROR);
		failed = io->result.error;
	}
	if (io->open || io->waiting || (io->issued < io->nlb && !failed))
		return io->waiting;
	end(h, io);
	return false;
}

void nvme__io_continue(struct nvme_host *h)
{
	while (h->wait_head) {
		struct host_io *io = h->wait_head;

		if (h->state == HOST_LIVE && !h->failed && !pick(h))
			return;
		h->wait_head = io->next;
		if (!h->wait_head)
			h->wait_tail = &h->wait_head;
		io->waiting = false;
		if (go_on(io))
			return;
	}
}

static bool worth_retry(const struct nvme_host *h, const struct host_req *r,
			const struct nvme_result *res)
{
	return (res->error == -EBADMSG || !res->error) &&
	       (res->status & NVME_STATUS_MASK) == NVME_SC_TRANSIENT_TRANSPORT_ERROR &&
	       !(res->status & NVME_STATUS_DNR) && r->tries < h->opts.digest_retries;
}

static void on_piece(void *arg, const struct nvme_result *res)
{
	struct host_req *r = arg;
	struct host_io *io = r->io;
	struct nvme_host *h = io->ns.host;

	io->open--;
	if (!res->error && !res->status) {
		io->result.bytes += res->bytes;
	} else if (worth_retry(h, r, res) &&
		   !send_piece(io, r->first, r->blocks, (uint8_t)(r->tries + 1))) {
		h->stats.retries++;
		return;
	} else {
		note_error(io, res->error, res->status);
	}
	if (io->open || io->issued < io->nlb || io->waiting)
		go_on(io);
	else
		end(h, io);
	if (h->wait_head && h->state == HOST_LIVE)
		nvme__io_continue(h);
}

static int start(const struct nvme_host_ns *ns, uint8_t opc, const struct memdesc *mem, bool send,
		 uint64_t slba, uint32_t nlb, uint32_t cdw12, nvme_host_fn *cb, void *arg)
{
	struct nvme_host *h = ns->host;
	struct host_io *io;
	int rc;

	if (!nlb || slba >= ns->blocks || nlb > ns->blocks - slba)
		return weft_set_error(-EINVAL, "blocks %llu+%u lie outside a namespace of %llu",
				      (unsigned long long)slba, nlb,
				      (unsigned long long)ns->blocks);
	io = io_get(h);
	if (!io)
		return -ENOMEM;
	io->ns = *ns;
	io->has_data = mem != NULL;
	if (mem)
		io->mem = *mem;
	io->send = send;
	io->waiting = false;
	io->opc = opc;
	io->cdw12 = cdw12;
	io->slba = slba;
	io->nlb = nlb;
	io->issued = 0;
	io->open = 0;
	io->result = (struct nvme_result){ 0 };
	io->cb = cb;
	io->arg = arg;
	if (piece_blocks(io) == nlb && (rc = send_piece(io, 0, nlb, 0)) != -E2BIG)
		io->issued = rc ? 0 : nlb; /* the usual one */
	else
		rc = send_rest(io);
	if (rc && !io->open) { /* nothing was sent: refused */
		io_put(h, io);
		return rc;
	}
	if (rc == -EAGAIN)
		stand_in_line(h, io);
	else if (rc)
		note_error(io, rc, NVME_SC_HOST_PATH_ERROR);
	return 0;
}

int nvme_host_read(const struct nvme_host_ns *ns, const struct memdesc *mem, uint64_t slba,
		   uint32_t nlb, unsigned int flags, nvme_host_fn *cb, void *arg)
{
	return start(ns, NVME_OPC_READ, mem, false, slba, nlb, flags & NVME_IO_FUA ? CDW12_FUA : 0,
		     cb, arg);
}

int nvme_host_write(const struct nvme_host_ns *ns, const struct memdesc *mem, uint64_t slba,
		    uint32_t nlb, unsigned int flags, nvme_host_fn *cb, void *arg)
{
	return start(ns, NVME_OPC_WRITE, mem, true, slba, nlb, flags & NVME_IO_FUA ? CDW12_FUA : 0,
		     cb, arg);
}

int nvme_host_compare(const struct nvme_host_ns *ns, const struct memdesc *mem, uint64_t slba,
		      uint32_t nlb, nvme_host_fn *cb, void *arg)
{
	return start(ns, NVME_OPC_COMPARE, mem, true, slba, nlb, 0, cb, arg);
}

int nvme_host_write_zeroes(const struct nvme_host_ns *ns, uint64_t slba, uint32_t nlb,
			   unsigned int flags, nvme_host_fn *cb, void *arg)
{
	return start(ns, NVME_OPC_WRITE_ZEROES, NULL, false, slba, nlb,
		     flags & NVME_IO_FUA ? CDW12_FUA : 0, cb, arg);
}

int nvme_host_io(struct nvme_host *h, const struct nvme_sqe *sqe, const struct memdesc *mem,
		 size_t len, bool send, nvme_host_fn *cb, void *arg)
{
	struct host_queue *q = pick(h);

	if (!q)
		return h->state == HOST_LIVE && h->io_queues ? -EAGAIN : -ENOTCONN;
	return nvme__submit(q, sqe, mem, len, send, cb, arg, NULL);
}

int nvme_host_flush(const struct nvme_host_ns *ns, nvme_host_fn *cb, void *arg)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_FLUSH, .nsid = ns->nsid };

	return nvme_host_io(ns->host, &sqe, NULL, 0, false, cb, arg);
}

int nvme_host_dsm(const struct nvme_host_ns *ns, const struct memdesc *ranges, unsigned int n,
		  uint32_t attr, nvme_host_fn *cb, void *arg)
{
	struct nvme_sqe sqe = {
		.opc = NVME_OPC_DATASET_MANAGEMENT, .nsid = ns->nsid, .cdw10 = n - 1, .cdw11 = attr
	};

	if (!n || n > 256)
		return -EINVAL;
	return nvme_host_io(ns->host, &sqe, ranges, n * sizeof(struct nvme_dsm_range), true, cb,
			    arg);
}
