/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake adapter's rings: fetching, completing, interrupts, and the admin opcodes. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_fc.h"
#include "fake_fw.h"

void fake_violation(struct fake *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "fake adapter: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	f->violations++;
}

void fake_log(struct fake *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f->n_log < FAKE_LOG)
		vsnprintf(f->log[f->n_log++], sizeof(f->log[0]), fmt, ap);
	va_end(ap);
}

void fake_fwlog(struct fake *f, const char *text)
{
	for (; *text; text++)
		f->fwlog[f->log_tail++ % WEFT_LOG_SIZE] = *text;
}

void *fake_mem(struct fake *f, uint64_t iova, size_t len)
{
	unsigned int i;

	for (i = 0; i < f->n_maps; i++)
		if (f->map[i].va && iova - f->map[i].iova < f->map[i].len &&
		    len <= f->map[i].len - (iova - f->map[i].iova))
			return f->map[i].va + (iova - f->map[i].iova);
	return f->flat_iova && iova >> 48 == f->flat_iova >> 48 ?
		       (void *)(uintptr_t)(iova ^ f->flat_iova) :
		       NULL;
}

/* Element i of a command's list. */
static bool element(struct fake *f, const struct weft_sq_entry *e, unsigned int i,
		    struct weft_sgl_elem *out)
{
	const struct weft_sgl_elem *array = e->sgl;

	if (e->flags & WEFT_SQF_SGL_TAIL)
		array = &((const struct weft_fc_io_entry *)e)->sgl;
	if (e->flags & WEFT_SQF_SGL_CHAIN)
		array = fake_mem(f, array->addr, e->sgl_count * sizeof(*array));
	if (!array || i >= e->sgl_count)
		return false;
	*out = array[i];
	return true;
}

static bool copy(struct fake *f, const struct weft_sq_entry *e, uint32_t off, void *buf,
		 uint32_t len, bool gather)
{
	struct weft_sgl_elem el;
	unsigned int i;
	uint8_t *p = buf;

	for (i = 0; len; i++) {
		uint32_t n;
		uint8_t *mem;

		if (!element(f, e, i, &el))
			return false;
		if (off >= el.len) {
			off -= el.len;
			continue;
		}
		n = el.len - off < len ? el.len - off : len;
		mem = fake_mem(f, el.addr + off, n);
		if (!mem)
			return false;
		memcpy(gather ? p : mem, gather ? mem : p, n);
		p += n;
		len -= n;
		off = 0;
	}
	return true;
}

bool fake_gather(struct fake *f, const struct weft_sq_entry *e, uint32_t off, void *buf,
		 uint32_t len)
{
	return copy(f, e, off, buf, len, true);
}

bool fake_scatter(struct fake *f, const struct weft_sq_entry *e, uint32_t off, const void *buf,
		  uint32_t len)
{
	return copy(f, e, off, (void *)buf, len, false);
}

void fake_interrupt(struct fake *f, struct fake_qp *q)
{
	uint64_t one = 1;

	if (!q->armed || q->cq_tail == q->cq_head)
		return;
	q->armed = false;
	f->irqs_sent++;
	if (f->irq_fd[q->vector] >= 0 && write(f->irq_fd[q->vector], &one, 8) != 8)
		fake_violation(f, "eventfd of vector %u", q->vector);
}

void fake_post(struct fake *f, uint16_t id, struct weft_cq_entry *e)
{
	struct fake_qp *q = &f->qp[id];
	struct weft_cq_entry *at =
		fake_mem(f, q->cq + (uint64_t)q->cq_tail * sizeof(*e), sizeof(*e));

	if (!q->live)
		return;
	if (!at || ((q->cq_tail + 1u) & (q->cq_entries - 1u)) == q->cq_head) {
		fake_violation(f, "completion ring %u is full or not mapped", id);
		return;
	}
	e->qp = id;
	e->sq_head = q->sq_head;
	e->phase = q->phase;
	*at = *e;
	q->cq_tail = (q->cq_tail + 1u) & (q->cq_entries - 1u);
	if (!q->cq_tail)
		q->phase ^= 1;
	f->counter[WEFT_CNT_CQE_WRITTEN]++;
	fake_interrupt(f, q);
}

void fake_event(struct fake *f, uint16_t qp, uint32_t code, uint32_t dw1, uint32_t dw2)
{
	struct weft_cq_entry e = { .type = WEFT_CQT_EVENT };

	memcpy(e.cqe, &code, 4);
	memcpy(e.cqe + 4, &dw1, 4);
	memcpy(e.cqe + 8, &dw2, 4);
	fake_post(f, qp, &e);
}

void fake_finish(struct fake *f, uint16_t qp, uint16_t cid, struct weft_cq_entry *e)
{
	f->qp[qp].busy[cid] = f->qp[qp].is_held[cid] = false;
	e->cid = cid;
	e->type = qp ? WEFT_CQT_COMMAND : WEFT_CQT_ADMIN;
	fake_post(f, qp, e);
}

void fake_release(struct fake *f, uint16_t qp, uint16_t cid, uint16_t err)
{
	struct weft_cq_entry e = { .status = err };

	if (!f->qp[qp].is_held[cid]) {
		fake_violation(f, "qp %u cid %u is not held", qp, cid);
		return;
	}
	if (f->ctl[qp] && !err)
		fake_peer_reply(f, qp, (const void *)&f->qp[qp].held[cid], &e);
	if (err || f->ctl[qp] || fake_ctrl_command(f, qp, &f->qp[qp].held[cid], &e))
		fake_finish(f, qp, cid, &e);
}

static void fail_commands(struct fake *f, uint16_t qp, uint16_t err)
{
	unsigned int cid;

	for (cid = 0; cid < f->qp[qp].entries; cid++) {
		struct weft_cq_entry e = { .status = err };

		if (f->qp[qp].busy[cid])
			fake_finish(f, qp, (uint16_t)cid, &e);
	}
}

void fake_kill_conn(struct fake *f, uint16_t qp, uint16_t err)
{
	fail_commands(f, qp, err ? err : ECONNRESET);
	f->qp[qp].connected = false;
	fake_peer_disconnected(f, qp);
	fake_ctrl_disconnected(f, qp);
	fake_event(f, qp, err ? WEFT_EV_CONN_ERROR : WEFT_EV_CONN_CLOSED, err, 0);
}

void fake_start_qp(struct fake_qp *q, uint64_t sq, uint64_t cq, unsigned int sq_log2,
		   unsigned int cq_log2, uint16_t vector)
{
	memset(q, 0, sizeof(*q));
	*q = (struct fake_qp){ .live = true,
			       .sq = sq,
			       .cq = cq,
			       .entries = (uint16_t)(1u << sq_log2),
			       .cq_entries = (uint16_t)(1u << cq_log2),
			       .vector = vector,
			       .phase = 1 };
}

static uint16_t do_connect(struct fake *f, const struct weft_arg_connect *a, uint32_t *dw)
{
	struct fake_qp *q = &f->qp[a->qp & 127];

	if (!q->live || !a->qp)
		return ENOENT;
	if (q->connected)
		return EISCONN;
	if (f->connect_errno) {
		int err = f->connect_errno;

		if (f->connects_to_fail && !--f->connects_to_fail)
			f->connect_errno = 0;
		return (uint16_t)err;
	}
	q->connected = true;
	q->ctrl = NULL;
	q->fabrics_done = false;
	q->digest = a->digests & 2 & f->digests_granted;
	dw[0] = f->maxh2cdata;
	dw[1] = a->digests & f->digests_granted;
	dw[2] = 0xc000u + a->qp;
	fake_log(f, "tcp %u.%u.%u.%u:%u digests=%u", a->remote_ip >> 24, a->remote_ip >> 16 & 255,
		 a->remote_ip >> 8 & 255, a->remote_ip & 255, a->remote_port, a->digests);
	return 0;
}

static uint16_t do_disconnect(struct fake *f, const struct weft_arg_disconnect *a)
{
	struct fake_qp *q = &f->qp[a->qp & 127];

	if (!q->live)
		return ENOENT;
	if (fake_peer_cancel(f, a->qp))
		return 0;
	fail_commands(f, a->qp, ECANCELED);
	if (!q->connected)
		return ENOTCONN;
	q->connected = false;
	f->aborts_sent += a->abort;
	fake_peer_disconnected(f, a->qp);
	fake_log(f, "disconnect qid=%u%s", q->qid, a->abort ? " abort" : "");
	fake_ctrl_disconnected(f, a->qp);
	return 0;
}

static uint16_t do_create(struct fake *f, const struct weft_arg_qp_create *a)
{
	if (!a->qp || a->qp >= f->n_qp || f->qp[a->qp].live || a->sq_base % 64 || a->cq_base % 64 ||
	    !a->sq_log2 || a->sq_log2 > 10 || a->cq_log2 <= a->sq_log2 || a->cq_log2 > 12 ||
	    a->vector >= f->n_vectors)
		return EINVAL;
	if (f->create_errno && !f->creates_to_allow)
		return f->create_errno;
	f->creates_to_allow -= f->creates_to_allow > 0;
	fake_start_qp(&f->qp[a->qp], a->sq_base, a->cq_base, a->sq_log2, a->cq_log2, a->vector);
	if (a->flags & WEFT_QPF_FC) {
		uint16_t err = fake_fc_create(f, a);

		f->qp[a->qp].live = !err;
		return err;
	}
	return fake_peer_create(f, a);
}

static uint16_t do_admin(struct fake *f, const struct weft_admin_entry *e, uint32_t *dw)
{
	const struct weft_arg_conn_stats *stats = (const void *)e->args;

	f->last_opcode_admin = e->opcode;
	switch (e->opcode) {
	case WEFT_OP_NOP:
		memcpy(dw, e->args, 4);
		return 0;
	case WEFT_OP_PORT_SET:
		memcpy(&f->port, e->args, sizeof(f->port));
		return 0;
	case WEFT_OP_PORT_GET:
		dw[0] = f->port.ip;
		dw[1] = f->port.mtu | (uint32_t)f->port.mac[0] << 16 |
			(uint32_t)f->port.mac[1] << 24;
		memcpy(&dw[2], &f->port.mac[2], 4);
		return 0;
	case WEFT_OP_QP_CREATE:
		return do_create(f, (const void *)e->args);
	case WEFT_OP_QP_DELETE:
		if (f->qp[stats->qp & 127].connected ||
		    (f->ctl[stats->qp & 127] && f->ctl[stats->qp & 127]->waiting))
			return EBUSY;
		if (fake_fc_delete(f, stats->qp & 127))
			return EBUSY;
		f->qp[stats->qp & 127].live = false;
		return 0;
	case WEFT_OP_CONNECT:
		return do_connect(f, (const void *)e->args, dw);
	case WEFT_OP_DISCONNECT:
		return do_disconnect(f, (const void *)e->args);
	case WEFT_OP_LISTEN:
	case WEFT_OP_UNLISTEN:
		return fake_peer_listen(f, stats->qp, e->opcode == WEFT_OP_LISTEN);
	case WEFT_OP_CONN_STATS:
		dw[0] = 100u * stats->page + 1;
		dw[1] = 100u * stats->page + 2;
		dw[2] = 100u * stats->page + 3;
		return f->qp[stats->qp & 127].live ? 0 : ENOENT;
	default:
		return e->opcode >= WEFT_OP_FW_LOG ? fake_fw_admin(e, dw) : EINVAL;
	}
}

/* What the contract says about a capsule entry. */
static void check_capsule(struct fake *f, const struct weft_sq_entry *e)
{
	uint16_t cid = (uint16_t)(e->sqe[2] | e->sqe[3] << 8);
	uint8_t type = e->sqe[39];
	uint32_t len;
	uint64_t sum = 0;
	struct weft_sgl_elem el;
	unsigned int i;

	memcpy(&len, &e->sqe[32], 4);
	if (e->opcode != WEFT_OP_CAPSULE || cid != e->cid)
		fake_violation(f, "opcode %u, cid %u with %u in the SQE", e->opcode, e->cid, cid);
	if (e->sqe[1] >> 6 != 1)
		fake_violation(f, "PSDT is %u", e->sqe[1] >> 6);
	if (type != ((e->flags & WEFT_SQF_ICD) ? 0x01 : 0x5a) || len != e->data_len)
		fake_violation(f, "SGL type %02x length %u for flags %02x and %u bytes", type, len,
			       e->flags, e->data_len);
	for (i = 0; element(f, e, i, &el); i++)
		sum += el.len;
	if (sum < e->data_len ||
	    (!(e->flags & WEFT_SQF_SGL_CHAIN) && e->sgl_count > WEFT_SGL_INLINE))
		fake_violation(f, "%u elements cover %llu of %u bytes", e->sgl_count,
			       (unsigned long long)sum, e->data_len);
}

static void capsule(struct fake *f, uint16_t id, const struct weft_sq_entry *e)
{
	struct fake_qp *q = &f->qp[id];
	struct weft_cq_entry out = { .status = 0 };

	if (f->ctl[id])
		fake_peer_check(f, id, (const void *)e);
	else
		check_capsule(f, e);
	if (e->sgl_count > q->sgl_max)
		q->sgl_max = e->sgl_count;
	q->held[e->cid] = *e;
	q->is_held[e->cid] = true;
	q->order[e->cid] = ++f->arrivals;
	if (f->hold && (q->connected || !f->ctl[id]))
		return;
	if (!q->connected)
		out.status = ENOTCONN;
	else if (f->ctl[id])
		fake_peer_reply(f, id, (const void *)e, &out);
	else if (f->mute_opcode != FAKE_NO_OPCODE && id > 1 && e->sqe[0] == f->mute_opcode)
		return;
	else if (!fake_ctrl_command(f, id, e, &out))
		return;
	fake_finish(f, id, e->cid, &out);
}

static void fetch(struct fake *f, uint16_t id)
{
	struct fake_qp *q = &f->qp[id];
	struct weft_sq_entry *at = fake_mem(f, q->sq + (uint64_t)q->sq_head * sizeof(*at),
					    sizeof(*at)),
			     e;
	struct weft_cq_entry out = { .status = 0 };
	uint32_t dw[3] = { 0 };

	if (!at) {
		fake_violation(f, "submission ring %u is not mapped", id);
		q->sq_head = q->sq_tail;
		return;
	}
	e = *at;
	memset(at, 0xee, sizeof(*at)); /* the host may use it again, and must not count on it */
	q->sq_head = (q->sq_head + 1u) & (q->entries - 1u);
	f->counter[WEFT_CNT_SQE_FETCHED]++;
	if (e.cid >= q->entries || q->busy[e.cid]) {
		fake_violation(f, "cid %u is out of range or busy on pair %u", e.cid, id);
		return;
	}
	q->busy[e.cid] = true;
	if (id && f->fc && f->fc->pair[id]) {
		fake_fc_entry(f, id, &e);
		return;
	}
	if (id) {
		capsule(f, id, &e);
		return;
	}
	if (f->keep_admin)
		return;
	if (e.opcode == WEFT_OP_DISCONNECT && f->keep_disconnect) {
		f->kept[f->n_kept++ % 64] = e.cid;
		q->held[e.cid] = e;
		return;
	}
	if (e.opcode == WEFT_OP_ACCEPT) {
		out.status = fake_peer_accept(
			f, (const void *)((const struct weft_admin_entry *)&e)->args, e.cid);
		if (!out.status)
			return;
		fake_finish(f, 0, e.cid, &out);
		return;
	}
	if (f->fc && e.opcode >= WEFT_OP_FC_PORT_SET) {
		if (fake_fc_admin(f, (const void *)&e, &out))
			fake_finish(f, 0, e.cid, &out);
		return;
	}
	out.status = do_admin(f, (const void *)&e, dw);
	memcpy(out.cqe, dw, sizeof(dw));
	fake_finish(f, 0, e.cid, &out);
}

unsigned int fake_run(struct fake *f)
{
	unsigned int id, n = 0;

	for (id = 0; id < (f->frozen_io ? 1 : 128) && !f->frozen; id++)
		for (; f->qp[id].live && f->qp[id].sq_head != f->qp[id].sq_tail; n++)
			fetch(f, (uint16_t)id);
	return n;
}

void fake_disconnects(struct fake *f)
{
	while (f->n_kept) {
		uint16_t cid = f->kept[--f->n_kept];
		const struct weft_admin_entry *e = (const void *)&f->qp[0].held[cid];
		struct weft_cq_entry out = { .status = 0 };
		uint32_t dw[3];

		out.status = do_admin(f, e, dw);
		fake_finish(f, 0, cid, &out);
	}
}
