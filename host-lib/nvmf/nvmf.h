/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the transport: queue pairs and capsules. */
#ifndef NVMF_H
#define NVMF_H

#include <nvmf/nvmf_transport.h>
#include <weft/qp.h>

enum capsule_kind { CAPSULE_COMMAND, CAPSULE_RESPONSE };

struct nvmf_capsule {
	struct nvmf_qpair *qp;
	struct nvmf_capsule *next; /* in the pair's free list */
	struct nvmf_capsule *
		/*
		 * command: the response to come, got beforehand so that none is lost for want of
		 * memory
		 */
		rsp;
	unsigned int refs;
	enum capsule_kind kind;
	bool transmitted;
	bool sqhd_valid;
	int error; /* response: why it was made up */
	/* command: given to the data callback in place of the transfer's own result */
	int abort_error;
	/* data buffer; complete_cb NULL: none, or ended */
	struct memdesc mem;
	size_t len;
	bool send;
	nvmf_io_complete_t *complete_cb;
	void *cb_arg;
	uint8_t entry[64]; /* SQE or CQE */
};

struct nvmf_qpair {
	struct nvmf_handoff_qpair_params params;
	struct nvmf_qpair_info info;
	struct weft_qp *wqp;
	nvmf_qpair_error_t *error_cb;
	void *error_arg;
	nvmf_capsule_receive_t *receive_cb;
	void *receive_arg;
	struct nvmf_capsule *free_list;
	unsigned int refs; /* the owner's and one for each capsule in use */
	bool ended;        /* connection gone */
	bool freed;
};

/* qpair.c */
void nvmf__qpair_put(struct nvmf_qpair *qp);

/* capsule.c */
struct nvmf_capsule *nvmf__capsule_get(struct nvmf_qpair *qp, enum capsule_kind kind);
void nvmf__data_done(struct nvmf_capsule *nc, size_t xfered, int error);
void nvmf__completed(struct nvmf_qpair *qp, const struct weft_completion *c);

#endif
