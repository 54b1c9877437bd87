/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue pairs over Fibre Channel, as the rest of the transport calls them: whatever a struct
 * nvmf_qpair without a driver's pair (wqp) does.
 */
#ifndef NVMF_FC_H
#define NVMF_FC_H

#include "../fc/fc.h"
#include "nvmf.h"

#define FC_PIECES 4u /* of a command's memory that need no more room */

/* Memory of a command as the FC transport takes it. All zero at first. */
struct fc_pieces {
	struct nvmefc_sg own[FC_PIECES];
	struct nvmefc_sg *more; /* when own is not enough; kept */
	unsigned int room;      /* of more */
	unsigned int n;
};

/* Memory as callers describe it: one of the two lists. */
struct fc_source {
	const struct iovec *iov;
	const struct weft_sgl_elem *elem;
	unsigned int count;
};

/*
 * The first len bytes of src in at most max pieces, none of which crosses a multiple of boundary + 1.
 * -EFAULT (not reachable), -E2BIG, -EINVAL (fewer bytes; IOVAs without an adapter), -ENOMEM.
 */
int nvmf__fc_pieces(struct fc_pieces *p, const struct nvmf_env *env, const struct fc_source *src,
		    uint32_t len, uint64_t boundary, unsigned int max);
static inline const struct nvmefc_sg *nvmf__fc_sg(const struct fc_pieces *p)
{
	return p->more ? p->more : p->own;
}

/* The name of a port for people: nn-0x...:pn-0x... */
#define FC_NAME_LEN 44
void nvmf__fc_name(char name[FC_NAME_LEN], uint64_t wwnn, uint64_t wwpn);

/* Callbacks of FC pairs on the stack, either role: their caller's poll goes on when they return. */
extern _Thread_local unsigned int nvmf__fc_inside;

/* --- fc_host.c ---------------------------------------------------------------------------------- */

/* Positive errno. */
int nvmf__fc_check(const struct nvmf_handoff_qpair_params *p);
int nvmf__fc_connect(struct nvmf_qpair *qp);
/* Ends the connection; takes the owner's reference over. */
void nvmf__fc_free(struct nvmf_qpair *qp);
int nvmf__fc_transmit(struct nvmf_qpair *qp, const uint8_t *sqe, const struct memdesc *mem,
		      uint32_t len, bool send, void *cookie);
unsigned int nvmf__fc_inflight(const struct nvmf_qpair *qp);

/* --- fc_target.c -------------------------------------------------------------------------------- */

struct fc_listener;
struct fc_slot;

int nvmf__fc_listen(const struct nvmf_listen_params *params, nvmf_accept_t *accept_cb, void *arg,
		    struct fc_listener **out);
void nvmf__fc_unlisten(struct fc_listener *l);
void nvmf__fc_changed(struct fc_listener *l);
int nvmf__fc_take(struct nvmf_qpair *qp);
void nvmf__fc_controller_free(struct nvmf_qpair *qp);
void nvmf__fc_released(struct nvmf_connection *conn);
unsigned int nvmf__fc_replies(const struct nvmf_qpair *qp);
/* weft_qp_reply. NVMF_GONE: the command has been aborted and its response is not sent. */
#define NVMF_GONE 2
int nvmf__fc_reply(struct nvmf_capsule *nc, const struct weft_reply *r);
/* weft_qp_reachable */
int nvmf__fc_reachable(const struct nvmf_qpair *qp, const void *addr, size_t len);
/* The transport has no more use for the connection. */
void nvmf__fc_end(struct nvmf_qpair *qp, int error);
/* A command has got its capsule; the capsule goes while the command is still there. */
void nvmf__fc_bind(struct fc_slot *s, struct nvmf_capsule *nc);
void nvmf__fc_unbind(struct nvmf_capsule *nc);
/* Bytes of payload that the command came with. */
uint32_t nvmf__fc_cmd_len(const struct nvmf_capsule *nc);

#endif
