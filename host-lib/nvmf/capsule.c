/* SPDX-License-Identifier: BSD-2-Clause */
/* Capsules: their life, their data buffer, transmission and completion. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fc.h"
#include "weft_host.h"

#define SQE_FLAGS 1
#define SQE_CID 2
#define SQE_SGL 24
#define PSDT_MASK 0xc0
#define PSDT_SGL 0x40
#define CQE_SQHD 8
#define CQE_CID 12
#define CQE_STATUS 14
#define STATUS_DNR_MASK 0xc001u /* phase, More, DNR stay as they are */
#define SC_TRANSIENT_TRANSPORT (0x022u << 1)
#define SC_DATA_TRANSFER (0x004u << 1)
#define SC_HOST_PATH (0x370u << 1)
#define SC_ABORTED_BY_HOST (0x371u << 1)

_Static_assert(sizeof(struct memdesc_iova) == sizeof(struct weft_sgl_elem) &&
		       offsetof(struct memdesc_iova, len) == offsetof(struct weft_sgl_elem, len),
	       "IOVA lists go down as they are");

/* Memory for the response to nc: the spare of another, or another itself, or new. */
static bool need_rsp(struct nvmf_capsule *nc)
{
	struct nvmf_qpair *qp = nc->qp;
	struct nvmf_capsule *other = qp->free_list;

	if (other && other->rsp) {
		nc->rsp = other->rsp;
		other->rsp = NULL;
		return true;
	}
	if (other)
		qp->free_list = other->next;
	else
		other = malloc(sizeof(*other));
	if (!other)
		return false;
	other->rsp = NULL;
	nc->rsp = other;
	return true;
}

void nvmf__capsule_release(struct nvmf_capsule *nc)
{
	struct nvmf_qpair *qp = nc->qp;

	if (nc->kind == CAPSULE_RECEIVED) {
		if (nc->ctl.hashed)
			nvmf__ctl_unhash(nc);
		if (nc->ctl.fc)
			nvmf__fc_unbind(nc);
	}
	if (nc->cmd) {
		nc->cmd->ctl.claims--;
		nvmf__capsule_put(nc->cmd);
	}
	nc->next = qp->free_list;
	qp->free_list = nc;
	nvmf__qpair_put(qp);
}

void nvmf_free_capsule(struct nvmf_capsule *nc)
{
	if (nc)
		nvmf__capsule_put(nc);
}

struct nvmf_capsule *nvmf_allocate_command(struct nvmf_qpair *qp, const void *sqe, int how)
{
	struct nvmf_capsule *nc = qp->conn ? NULL : nvmf__capsule_get(qp, CAPSULE_COMMAND);

	(void)how;
	if (qp->conn) {
		errno = EINVAL;
		return NULL;
	}
	if (!nc) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(nc->entry, sqe, 64);
	return nc;
}

int nvmf_capsule_append_data(struct nvmf_capsule *nc, struct memdesc *mem, size_t len, bool send,
			     nvmf_io_complete_t *complete_cb, void *cb_arg)
{
	if (nc->kind != CAPSULE_COMMAND || !nvmf__known_kind(mem) || !complete_cb ||
	    len > nvmf_max_xfer_size(nc->qp))
		return -EINVAL;
	if (nc->transmitted || nc->complete_cb)
		return -EBUSY;
	nc->mem = *mem;
	nc->len = len;
	nc->send = send;
	nc->complete_cb = complete_cb;
	nc->cb_arg = cb_arg;
	return 0;
}

void nvmf_abort_capsule_data(struct nvmf_capsule *nc, int error)
{
	if (nc->kind == CAPSULE_RECEIVED) {
		nvmf__ctl_abort(nc, error);
		return;
	}
	if (nc->transmitted) {
		nc->abort_error = error;
		return;
	}
	nc->len = 0;
	nvmf__data_done(nc, 0, error);
}

void *nvmf_capsule_sqe(struct nvmf_capsule *nc)
{
	return nc->kind != CAPSULE_RESPONSE ? nc->entry : NULL;
}

void *nvmf_capsule_cqe(struct nvmf_capsule *nc)
{
	return nc->kind == CAPSULE_RESPONSE ? nc->entry : NULL;
}

bool nvmf_sqhd_valid(const struct nvmf_capsule *nc)
{
	return nc->sqhd_valid;
}

int nvmf_capsule_error(const struct nvmf_capsule *nc)
{
	return nc->error;
}

/*
 * PSDT and SGL1 as NVMe/TCP wants them: in the capsule while it fits, else a block the transport
 * moves; length 0 without data.
 */
static inline uint8_t set_sgl(const struct nvmf_qpair *qp, uint8_t *sqe, uint32_t len, bool send)
{
	bool icd = send && len && len <= qp->info.max_icd;
	uint64_t sgl[2] = { 0, len | (uint64_t)(icd ? SGL_OFFSET : SGL_TRANSPORT) << 56 };

	sqe[SQE_FLAGS] = (uint8_t)((sqe[SQE_FLAGS] & ~PSDT_MASK) | PSDT_SGL);
	memcpy(&sqe[SQE_SGL], sgl, 16);
	if (!len)
		return 0;
	return (uint8_t)(send ? WEFT_SQF_DATA_OUT | (icd ? WEFT_SQF_ICD : 0) : WEFT_SQF_DATA_IN);
}

/*
 * Hands the buffer's description down in the form the driver takes; one and elem hold the single
 * piece. false: a kind of memory that is not known.
 */
static bool set_data(const struct memdesc *mem, struct weft_cmd *cmd, struct iovec *one,
		     struct weft_sgl_elem *elem)
{
	cmd->count = mem->md_count;
	switch (mem->md_type) {
	case MEMDESC_VADDR:
		*one = (struct iovec){ mem->u.md_vaddr, cmd->data_len };
		cmd->iov = one;
		return true;
	case MEMDESC_VLIST:
		cmd->iov = mem->u.md_vlist;
		return true;
	case MEMDESC_IOVA:
		*elem = (struct weft_sgl_elem){ .addr = mem->u.md_iova, .len = cmd->data_len };
		cmd->elem = elem;
		return true;
	case MEMDESC_IOVA_LIST:
		cmd->elem = (const struct weft_sgl_elem *)mem->u.md_iova_list;
		return true;
	}
	return false;
}

/* Submits sqe, whose PSDT and SGL1 are filled in here. mem: NULL without data, len is 0 then. */
static inline int transmit(struct nvmf_qpair *qp, uint8_t *sqe, const struct memdesc *mem,
			   uint32_t len, bool send, void *cookie)
{
	struct weft_cmd cmd = { .sqe = sqe, .data_len = len, .cookie = cookie };
	struct weft_sgl_elem elem;
	struct iovec one;
	int rc;

	if (qp->ended || qp->freed)
		return -ENOTCONN;
	if (__builtin_expect(!qp->wqp, 0))
		return nvmf__fc_transmit(qp, sqe, mem, len, send, cookie);
	memcpy(&cmd.cid, &sqe[SQE_CID], 2);
	cmd.flags = set_sgl(qp, sqe, len, send);
	if (mem && !set_data(mem, &cmd, &one, &elem))
		return -EINVAL;
	rc = weft_qp_submit(qp->wqp, &cmd);
	if (!rc && !qp->params.lazy_doorbell)
		weft_qp_doorbell(
			qp->wqp); /* a device that is gone ends the command at the next poll */
	return rc;
}

int nvmf_transmit_capsule(struct nvmf_capsule *nc)
{
	int rc;

	if (nc->cmd)
		return nvmf__ctl_respond(nc);
	if (nc->kind != CAPSULE_COMMAND)
		return -EOPNOTSUPP;
	if (nc->transmitted)
		return -EBUSY;
	if (!nc->rsp && !need_rsp(nc))
		return -ENOMEM;
	rc = transmit(nc->qp, nc->entry, nc->complete_cb ? &nc->mem : NULL, (uint32_t)nc->len,
		      nc->send, nc);
	if (rc)
		return rc;
	nc->transmitted = true;
	nc->refs++;
	return 0;
}

int nvmf__send_command(struct nvmf_qpair *qp, void *sqe, const struct memdesc *mem, size_t len,
		       bool send, void *cookie)
{
	if (len > WEFT_DATA_MAX)
		return -EINVAL;
	return transmit(qp, sqe, mem, mem ? (uint32_t)len : 0, send, cookie);
}

/* The response that the consumer gets for a command the adapter ended. */
static void make_up(uint8_t *cqe, uint16_t cid, int error)
{
	uint16_t status = error == -ECANCELED ? SC_ABORTED_BY_HOST : SC_HOST_PATH;

	memset(cqe, 0, 16);
	memcpy(&cqe[CQE_CID], &cid, 2);
	memcpy(&cqe[CQE_STATUS], &status, 2);
}

/* The controller said all is well; we know better. */
static void replace_status(uint8_t *cqe, uint16_t sc)
{
	uint16_t status;

	memcpy(&status, &cqe[CQE_STATUS], 2);
	if (status & ~STATUS_DNR_MASK)
		return;
	status = (uint16_t)((status & 1) | sc);
	memcpy(&cqe[CQE_STATUS], &status, 2);
}

/* The response's entry, and whether its SQHD counts. */
static inline bool fill_cqe(const struct nvmf_qpair *qp, const struct weft_completion *c,
			    uint8_t *cqe)
{
	bool sqhd_valid = qp->params.sq_flow_control && !(c->flags & WEFT_CQF_SYNTH);

	if (c->error) {
		make_up(cqe, c->cid, c->error);
		return false;
	}
	memcpy(cqe, c->cqe, 16);
	memcpy(&cqe[CQE_CID], &c->cid, 2);
	if (!sqhd_valid)
		memset(&cqe[CQE_SQHD], 0, 2);
	if (c->flags & WEFT_CQF_DDGST_ERR)
		replace_status(cqe, SC_TRANSIENT_TRANSPORT);
	else if (c->flags & WEFT_CQF_DMA_ERR)
		replace_status(cqe, SC_DATA_TRANSFER);
	return sqhd_valid;
}

static inline int data_error(const struct nvmf_qpair *qp, const struct weft_completion *c)
{
	if (c->error)
		return qp->freed ? -ECONNABORTED : c->error;
	if (c->flags & WEFT_CQF_DDGST_ERR)
		return -EBADMSG;
	return c->flags & WEFT_CQF_DMA_ERR ? -EFAULT : 0;
}

/*
 * The capsule for the response to a command that has ended: the command's own when nobody holds that
 * any more. Takes over our hold on the command.
 */
static struct nvmf_capsule *become_response(struct nvmf_capsule *nc)
{
	struct nvmf_qpair *qp = nc->qp;
	struct nvmf_capsule *rsp;

	if (nc->refs == 1) {
		nc->kind = CAPSULE_RESPONSE; /* what else it says holds for a response, too */
		return nc;
	}
	rsp = nc->rsp;
	nc->rsp = NULL;
	nc->refs--;
	qp->refs++;
	nvmf__capsule_init(rsp, qp, CAPSULE_RESPONSE);
	return rsp;
}

/*
 * A command ended: buffer back, response up. The pair may be freed in either callback; the response
 * holds it.
 */
void nvmf__completed(struct nvmf_qpair *qp, const struct weft_completion *c)
{
	struct nvmf_capsule *nc = c->cookie, *rsp;

	nvmf__data_done(nc, nc->abort_error ? 0 : c->data_len,
			nc->abort_error ? nc->abort_error : data_error(qp, c));
	rsp = become_response(nc);
	rsp->error = c->error;
	rsp->sqhd_valid = fill_cqe(qp, c, rsp->entry);
	if (!qp->freed)
		qp->receive_cb(qp->receive_arg, rsp);
	else
		nvmf_free_capsule(rsp);
}

/* The pair may be freed in the callback. */
void nvmf__direct_completed(struct nvmf_qpair *qp, const struct weft_completion *c)
{
	struct nvmf_direct d = { .cookie = c->cookie,
				 .error = data_error(qp, c),
				 .bytes = c->data_len };

	if (qp->freed)
		return;
	fill_cqe(qp, c, d.cqe);
	qp->response_cb(qp->receive_arg, &d);
}
