/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fibre Channel queue pairs: the rings of ring.c with entries of their own, and receive buffers that
 * need no connection. A host pair has one exchange per cid. On a target pair a cid is a receive
 * buffer, which holds a command from its arrival until an entry that gives it back has completed; on
 * the link service pair the upper half of the cids are such buffers, the lower half own requests.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define LS_BUF_MIN 1088u

_Static_assert(sizeof(struct weft_fc_io_entry) == sizeof(struct weft_sq_entry) &&
		       sizeof(struct weft_fc_ls_entry) == sizeof(struct weft_sq_entry) &&
		       sizeof(struct weft_fc_tgt_entry) == sizeof(struct weft_sq_entry),
	       "one ring, four views");
_Static_assert(offsetof(struct weft_fc_ls_entry, sgl) == offsetof(struct weft_sq_entry, sgl) &&
		       offsetof(struct weft_fc_tgt_entry, sgl) ==
			       offsetof(struct weft_sq_entry, sgl) &&
		       offsetof(struct weft_fc_io_entry, sgl_count) ==
			       offsetof(struct weft_sq_entry, sgl_count),
	       "what the list builder fills in");

int weft__fc_check_params(const struct weft_qp_params *p)
{
	const uint32_t rx = p->flags & (WEFT_QP_CONTROLLER | WEFT_QP_LS);

	if (rx == (WEFT_QP_CONTROLLER | WEFT_QP_LS) || (rx && !p->fc_capsule_cb))
		return weft_set_error(-EINVAL, "a Fibre Channel pair has one role, and a callback "
					       "for what comes in");
	if (rx == WEFT_QP_LS ? p->icd_size % 64 || p->icd_size < LS_BUF_MIN : p->icd_size)
		return weft_set_error(-EINVAL,
				      "the buffers of a link service pair are a multiple of 64, "
				      "%u at least; other Fibre Channel pairs have none",
				      LS_BUF_MIN);
	return 0;
}

static bool is_ls(const struct weft_qp *qp)
{
	return qp->params.flags & WEFT_QP_LS;
}

static bool is_target(const struct weft_qp *qp)
{
	return qp->params.flags & WEFT_QP_CONTROLLER;
}

void weft__fc_rx_sizes(const struct weft_qp *qp, size_t *cmd, size_t *icd)
{
	*cmd = *icd = 0;
	if (is_ls(qp))
		*icd = (size_t)qp->entries / 2 * qp->params.icd_size;
	else
		*cmd = (size_t)qp->entries *
		       (is_target(qp) ? WEFT_FC_RX_CMD_SIZE : WEFT_FC_RSP_SIZE);
}

/* Receive buffer cid: its place and size; NULL: there is none of that number. */
static const uint8_t *rx_buffer(const struct weft_qp *qp, uint16_t cid, uint32_t *size)
{
	const unsigned int first = qp->entries / 2u;

	if (cid >= qp->entries)
		return NULL;
	if (is_target(qp)) {
		*size = WEFT_FC_RX_CMD_SIZE;
		return qp->rx_cmd + (size_t)cid * WEFT_FC_RX_CMD_SIZE;
	}
	if (!is_ls(qp) || cid < first)
		return NULL;
	*size = qp->params.icd_size;
	return qp->rx_icd + (size_t)(cid - first) * qp->params.icd_size;
}

void weft__fc_capsule(struct weft_qp *qp, const struct weft_cq_entry *e)
{
	uint32_t dw[3], size = 0;
	const uint8_t *buf = rx_buffer(qp, e->cid, &size);
	struct weft_fc_capsule c = { .cid = e->cid };
	struct cmd_slot *slot;

	if (!buf || e->data_len > size - sizeof(struct weft_fc_rx)) {
		qp->bad_cqe++;
		return;
	}
	slot = &qp->slot[e->cid];
	if (slot->held || slot->busy) {
		qp->bad_cqe++;
		return;
	}
	slot->held = true;
	memcpy(dw, e->cqe, sizeof(dw));
	c.head = buf;
	c.payload = buf + sizeof(struct weft_fc_rx);
	c.len = e->data_len;
	c.rport = (uint16_t)dw[0];
	c.s_id = dw[1] & 0xffffff;
	c.ox_id = (uint16_t)dw[2];
	c.rx_id = (uint16_t)(dw[2] >> 16);
	c.dma_error = e->flags & WEFT_CQF_DMA_ERR;
	qp->params.fc_capsule_cb(qp->params.arg, &c);
}

const void *weft_qp_fc_rsp(const struct weft_qp *qp, uint16_t cid)
{
	return qp->rx_cmd + (size_t)cid * WEFT_FC_RSP_SIZE;
}

/* Whether the entry answers what is in a receive buffer, and whether it gives that back. */
static bool on_buffer(const struct weft_sq_entry *e)
{
	return e->opcode != WEFT_OP_FC_IO && e->opcode != WEFT_OP_FC_LS;
}

static bool gives_back(const struct weft_sq_entry *e)
{
	return e->opcode == WEFT_OP_FC_RSP || e->opcode == WEFT_OP_FC_LS_RSP ||
	       e->opcode == WEFT_OP_FC_RELEASE ||
	       (e->opcode == WEFT_OP_FC_READ && (e->flags & WEFT_SQF_RESP));
}

static int check_entry(const struct weft_qp *qp, const struct weft_sq_entry *e)
{
	int rc = weft_qp_error(qp);

	if (rc)
		return weft_set_error(rc, "queue pair %u is of no use", qp->id);
	if (qp->state == QP_HIDDEN)
		return -EAGAIN;
	if (!(qp->params.flags & WEFT_QP_FC) || e->cid >= qp->entries ||
	    e->data_len > WEFT_DATA_MAX)
		return weft_set_error(-EINVAL, "cid %u, %u bytes on a pair of %u entries", e->cid,
				      e->data_len, qp->entries);
	if (qp->slot[e->cid].busy)
		return weft_set_error(-EEXIST, "cid %u is in flight", e->cid);
	if (on_buffer(e) && !qp->slot[e->cid].held)
		return weft_set_error(-ENOENT, "receive buffer %u holds nothing", e->cid);
	return 0;
}

int weft_qp_fc_submit(struct weft_qp *qp, const void *entry, const struct weft_sgl_elem *elem,
		      unsigned int count, void *cookie)
{
	const struct weft_sq_entry *in = entry;
	struct weft_sq_entry *e;
	struct cmd_slot *slot;
	int rc = check_entry(qp, in);

	if (rc)
		return rc;
	e = weft__ring_next(qp);
	if (!e)
		return -EAGAIN;
	memcpy(e, in, sizeof(*e));
	slot = &qp->slot[e->cid];
	if (e->opcode == WEFT_OP_FC_IO) {
		struct weft_sgl_elem *tail = &((struct weft_fc_io_entry *)e)->sgl;

		e->flags |= count ? WEFT_SQF_SGL_TAIL : 0;
		rc = weft__sgl_iova(qp, slot, elem, count, e, tail, 1);
	} else {
		rc = weft__sgl_iova(qp, slot, elem, count, e, e->sgl, WEFT_SGL_INLINE);
	}
	if (rc)
		return rc;
	slot->busy = true;
	slot->ends = gives_back(e);
	slot->cookie = cookie;
	weft__ring_push(qp);
	return 0;
}
