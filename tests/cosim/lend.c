// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "lend.h"
#include "weft_host.h"
#include "weft_world.h"

#define MAPS 512
#define ENTRIES 1024
#define RX_PROT WEFT_DMA_WRITE

struct piece {
	struct piece *next;
	void *addr;
	size_t len;
};

struct pair {
	bool on;
	uint8_t *sq, *cq, *rx_cmd, *rx_icd;
	uint32_t sq_n, cq_n, icd_size;
	uint32_t tail, head; /* next entry to be read along */
	uint8_t phase;
	struct piece *rings, *data[ENTRIES]; /* lent, by CID */
	bool rx_lent[ENTRIES];
	struct weft_admin_entry asked[64]; /* qp 0: by CID */
};

struct lender {
	struct weft_bus bus;
	struct weft_bus *inner;
	struct {
		uint64_t iova;
		size_t len;
		uint8_t *addr;
	} map[MAPS];
	unsigned int maps;
	uint32_t aq[5]; /* ASQ_LO .. AQ_SIZE */
	struct pair qp[WEFT_N_QP];
};

static struct lender *self(struct weft_bus *bus)
{
	return (struct lender *)bus;
}

/* --- lending ---------------------------------------------------------------------------------- */

/* Program memory of an IOVA, or NULL: then it is lent nothing, and the device's access is refused. */
static uint8_t *at(const struct lender *l, uint64_t iova, size_t len)
{
	unsigned int i;

	for (i = 0; i < l->maps; i++)
		if (iova >= l->map[i].iova && iova + len <= l->map[i].iova + l->map[i].len)
			return l->map[i].addr + (iova - l->map[i].iova);
	return NULL;
}

static void lend(struct lender *l, struct piece **list, void *addr, size_t len, unsigned int prot)
{
	struct piece *p;

	if (!addr || !len || weft_sim_bus_lend(l->inner, addr, len, prot))
		return;
	p = malloc(sizeof(*p));
	if (!p)
		abort();
	*p = (struct piece){ .next = *list, .addr = addr, .len = len };
	*list = p;
}

static void take_back(struct lender *l, struct piece **list)
{
	struct piece *p;

	while ((p = *list)) {
		*list = p->next;
		weft_sim_bus_return(l->inner, p->addr, p->len);
		free(p);
	}
}

static void lend_rx(struct lender *l, struct pair *q, unsigned int cid, bool on)
{
	uint8_t *cmd = q->rx_cmd + cid * WEFT_RX_CMD_SIZE, *icd = q->rx_icd + cid * q->icd_size;

	if (q->rx_lent[cid] == on)
		return;
	q->rx_lent[cid] = on;
	if (on) {
		weft_sim_bus_lend(l->inner, cmd, WEFT_RX_CMD_SIZE, RX_PROT);
		weft_sim_bus_lend(l->inner, icd, q->icd_size, RX_PROT);
	} else {
		weft_sim_bus_return(l->inner, cmd, WEFT_RX_CMD_SIZE);
		weft_sim_bus_return(l->inner, icd, q->icd_size);
	}
}

static void lend_all_rx(struct lender *l, struct pair *q, bool on)
{
	unsigned int cid;

	for (cid = 0; q->rx_cmd && cid < q->sq_n; cid++)
		lend_rx(l, q, cid, on);
}

static void end_pair(struct lender *l, struct pair *q)
{
	unsigned int cid;

	lend_all_rx(l, q, false);
	for (cid = 0; cid < ENTRIES; cid++)
		take_back(l, &q->data[cid]);
	take_back(l, &q->rings);
	memset(q, 0, sizeof(*q));
}

static void end_all(struct lender *l)
{
	unsigned int i;

	for (i = 0; i < WEFT_N_QP; i++)
		end_pair(l, &l->qp[i]);
}

static void start_pair(struct lender *l, struct pair *q, uint64_t sq, uint64_t cq,
		       unsigned int sq_log2, unsigned int cq_log2)
{
	q->on = true;
	q->sq_n = 1u << sq_log2;
	q->cq_n = 1u << cq_log2;
	q->sq = at(l, sq, q->sq_n * WEFT_SQ_ENTRY_SIZE);
	q->cq = at(l, cq, q->cq_n * WEFT_CQ_ENTRY_SIZE);
	q->phase = 1;
	lend(l, &q->rings, q->sq, q->sq_n * WEFT_SQ_ENTRY_SIZE, WEFT_DMA_READ);
	lend(l, &q->rings, q->cq, q->cq_n * WEFT_CQ_ENTRY_SIZE, WEFT_DMA_WRITE);
}

/* --- what the driver submits ------------------------------------------------------------------ */

static void lend_sgl(struct lender *l, struct piece **list, const struct weft_sq_entry *e)
{
	unsigned int prot = e->flags & WEFT_SQF_DATA_OUT ? WEFT_DMA_READ : WEFT_DMA_WRITE, i;
	const struct weft_sgl_elem *s = e->sgl;
	uint32_t left = e->data_len, n;

	if (e->flags & WEFT_SQF_SGL_CHAIN) {
		s = (void *)at(l, e->sgl[0].addr, e->sgl_count * sizeof(*s));
		lend(l, list, (void *)s, e->sgl_count * sizeof(*s), WEFT_DMA_READ);
	}
	for (i = 0; s && i < e->sgl_count && left; i++) {
		n = s[i].len < left ? s[i].len : left;
		lend(l, list, at(l, s[i].addr, n), n, prot);
		left -= n;
	}
}

static void submitted(struct lender *l, struct pair *q, const struct weft_sq_entry *e)
{
	if (e->cid >= q->sq_n)
		return;
	lend_sgl(l, &q->data[e->cid], e);
	if (e->opcode == WEFT_OP_RESPOND ||
	    (e->opcode == WEFT_OP_SEND_DATA && e->flags & (WEFT_SQF_RESP | WEFT_SQF_SUCCESS)))
		lend_rx(l, q, e->cid, true);
}

static void created(struct lender *l, const struct weft_arg_qp_create *a)
{
	struct pair *q = &l->qp[a->qp % WEFT_N_QP];

	end_pair(l, q);
	start_pair(l, q, a->sq_base, a->cq_base, a->sq_log2, a->cq_log2);
	if (!(a->flags & WEFT_QPF_CONTROLLER))
		return;
	q->icd_size = a->icd_size;
	q->rx_cmd = at(l, a->rx_cmd, q->sq_n * WEFT_RX_CMD_SIZE);
	q->rx_icd = at(l, a->rx_icd, (size_t)q->sq_n * q->icd_size);
	if (!q->rx_icd)
		q->rx_cmd = NULL;
	lend_all_rx(l, q, true);
}

static void asked(struct lender *l, const struct weft_admin_entry *e)
{
	const uint16_t *qp = (const uint16_t *)e->args; /* the first field of those with a pair */

	l->qp[0].asked[e->cid % 64] = *e;
	if (e->opcode == WEFT_OP_QP_CREATE)
		created(l, (const void *)e->args);
	else if (e->opcode == WEFT_OP_ACCEPT)
		lend_all_rx(l, &l->qp[*qp % WEFT_N_QP], true);
}

static void doorbell(struct lender *l, unsigned int n, uint32_t tail)
{
	struct pair *q = &l->qp[n];
	const void *e;

	while (q->on && q->sq && q->tail != tail) {
		e = q->sq + q->tail * WEFT_SQ_ENTRY_SIZE;
		if (n)
			submitted(l, q, e);
		else
			asked(l, e);
		q->tail = (q->tail + 1) % q->sq_n;
	}
}

/* --- what the device completes ---------------------------------------------------------------- */

static void admin_ended(struct lender *l, const struct weft_cq_entry *c)
{
	const struct weft_admin_entry *e = &l->qp[0].asked[c->cid % 64];
	uint16_t qp;

	/* created: where the number stands in struct arg_qp_create */
	memcpy(&qp, e->args + (e->opcode == WEFT_OP_QP_CREATE ? 16 : 0), 2);
	if ((e->opcode == WEFT_OP_QP_CREATE && c->status) ||
	    (e->opcode == WEFT_OP_QP_DELETE && !c->status))
		end_pair(l, &l->qp[qp % WEFT_N_QP]);
}

static void completed(struct lender *l, unsigned int n, const struct weft_cq_entry *c)
{
	struct pair *q = &l->qp[n];

	if (c->cid >= q->sq_n)
		return;
	if (c->type == WEFT_CQT_CAPSULE && q->rx_cmd)
		lend_rx(l, q, c->cid, false);
	else if (c->type == WEFT_CQT_COMMAND)
		take_back(l, &q->data[c->cid]);
	else if (c->type == WEFT_CQT_ADMIN && !n)
		admin_ended(l, c);
}

static void look(struct lender *l)
{
	const struct weft_cq_entry *c;
	struct pair *q;
	unsigned int n;

	for (n = 0; n < WEFT_N_QP; n++) {
		q = &l->qp[n];
		while (q->on && q->cq) {
			c = (const void *)(q->cq + q->head * WEFT_CQ_ENTRY_SIZE);
			if ((c->phase & 1) != q->phase)
				break;
			completed(l, n, c);
			q->head++;
			if (q->head == q->cq_n) {
				q->head = 0;
				q->phase ^= 1;
			}
		}
	}
}

/* --- operations ------------------------------------------------------------------------------- */

static int l_read32(struct weft_bus *bus, uint32_t off, uint32_t *val)
{
	struct lender *l = self(bus);
	int ret = l->inner->ops->read32(l->inner, off, val);

	look(l);
	return ret;
}

static void see_write(struct lender *l, uint32_t off, uint32_t val)
{
	const uint32_t *a = l->aq;

	if (off >= WEFT_ASQ_LO && off <= WEFT_AQ_SIZE)
		l->aq[(off - WEFT_ASQ_LO) / 4] = val;
	else if (off == WEFT_AQ_CTRL && val & 1)
		start_pair(l, &l->qp[0], a[0] | (uint64_t)a[1] << 32, a[2] | (uint64_t)a[3] << 32,
			   a[4] & 15, a[4] >> 8 & 15);
	else if (off >= WEFT_DB_PAGE && (off - WEFT_DB_PAGE) % WEFT_DB_STRIDE == 0)
		doorbell(l, (off - WEFT_DB_PAGE) / WEFT_DB_STRIDE % WEFT_N_QP, val);
	else if (off == WEFT_CTRL && val & WEFT_CTRL_RESET_MASK)
		end_all(l);
}

static int l_write32(struct weft_bus *bus, uint32_t off, uint32_t val)
{
	struct lender *l = self(bus);
	int ret;

	look(l);
	see_write(l, off, val);
	ret = l->inner->ops->write32(l->inner, off, val);
	look(l);
	return ret;
}

static int l_dma_map(struct weft_bus *bus, void *addr, size_t len, unsigned int prot,
		     uint64_t *iova)
{
	struct lender *l = self(bus);
	int ret = l->inner->ops->dma_map(l->inner, addr, len, prot, iova);

	if (ret)
		return ret;
	if (l->maps == MAPS)
		abort();
	l->map[l->maps].iova = *iova;
	l->map[l->maps].len = len;
	l->map[l->maps++].addr = addr;
	return 0;
}

static int l_dma_unmap(struct weft_bus *bus, uint64_t iova, size_t len)
{
	struct lender *l = self(bus);
	unsigned int i;

	for (i = 0; i < l->maps; i++)
		if (l->map[i].iova == iova) {
			l->map[i] = l->map[--l->maps];
			break;
		}
	return l->inner->ops->dma_unmap(l->inner, iova, len);
}

static int l_irq_count(struct weft_bus *bus)
{
	return self(bus)->inner->ops->irq_count(self(bus)->inner);
}

static int l_irq_set(struct weft_bus *bus, unsigned int vector, int fd)
{
	return self(bus)->inner->ops->irq_set(self(bus)->inner, vector, fd);
}

static int l_reset(struct weft_bus *bus)
{
	int ret = self(bus)->inner->ops->reset(self(bus)->inner);

	end_all(self(bus));
	return ret;
}

static int l_advance(struct weft_bus *bus, uint64_t max_ns)
{
	struct lender *l = self(bus);
	int ret;

	look(l);
	ret = l->inner->ops->advance(l->inner, max_ns);
	look(l);
	return ret;
}

static uint64_t l_now(struct weft_bus *bus)
{
	return self(bus)->inner->ops->now(self(bus)->inner);
}

static int l_error_fd(struct weft_bus *bus)
{
	return self(bus)->inner->ops->error_fd(self(bus)->inner);
}

static void l_close(struct weft_bus *bus)
{
	struct lender *l = self(bus);

	end_all(l);
	l->inner->ops->close(l->inner);
	free(l);
}

struct weft_bus *lend_bus(struct weft_bus *inner)
{
	static const struct weft_bus_ops ops = {
		.name = "inproc",
		.read32 = l_read32,
		.write32 = l_write32,
		.dma_map = l_dma_map,
		.dma_unmap = l_dma_unmap,
		.irq_count = l_irq_count,
		.irq_set = l_irq_set,
		.reset = l_reset,
		.advance = l_advance,
		.now = l_now,
		.error_fd = l_error_fd,
		.close = l_close,
	};
	struct lender *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->bus.ops = &ops;
	l->inner = inner;
	return &l->bus;
}
