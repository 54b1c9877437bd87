/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link services. Every payload is a word, the length of the list, and descriptors of a tag, a length
 * and a body; each kind has exactly one list it may come with, checked to the byte.
 */
#include <errno.h>
#include <string.h>

#include "wire.h"

struct ls_head {
	uint8_t cmd;
	uint8_t rsvd[3];
	be32_t list_len;
};
struct ls_desc {
	be32_t tag;
	be32_t len; /* of what follows */
};
struct ls_id {
	struct ls_desc d;
	be64_t id;
};
struct ls_request {
	struct ls_desc d;
	uint8_t w0[4];
	uint8_t rsvd[4];
};
struct ls_reject {
	struct ls_desc d;
	uint8_t rsvd;
	uint8_t reason;
	uint8_t explan;
	uint8_t vendor;
	uint8_t rsvd2[4];
};
struct ls_disconnect {
	struct ls_desc d;
	uint8_t rsvd[16];
};

struct ls_create_assoc {
	struct ls_head h;
	struct ls_desc d;
	be16_t ersp_ratio;
	uint8_t rsvd18[38];
	be16_t cntlid;
	be16_t sqsize;
	uint8_t rsvd60[4];
	uint8_t hostid[16];
	char hostnqn[256];
	char subnqn[256];
	uint8_t rsvd592[432];
};
struct ls_create_conn {
	struct ls_head h;
	struct ls_id assoc;
	struct ls_desc d;
	be16_t ersp_ratio;
	uint8_t rsvd34[38];
	be16_t qid;
	be16_t sqsize;
	uint8_t rsvd76[4];
};
struct ls_disc_assoc {
	struct ls_head h;
	struct ls_id assoc;
	struct ls_disconnect cmd;
};
struct ls_disc_conn {
	struct ls_head h;
	struct ls_id assoc;
	struct ls_id conn;
};
struct ls_rjt {
	struct ls_head h;
	struct ls_request rqst;
	struct ls_reject rjt;
};
struct ls_acc {
	struct ls_head h;
	struct ls_request rqst;
	struct ls_id id[2];
};

#define CREATE_ASSOC_MIN offsetof(struct ls_create_assoc, rsvd592)
#define ACC_LEN(ids) (offsetof(struct ls_acc, id) + (ids) * sizeof(struct ls_id))

_Static_assert(sizeof(struct ls_create_assoc) == 1024 && CREATE_ASSOC_MIN == 592 &&
		       offsetof(struct ls_create_assoc, hostid) == 64 &&
		       offsetof(struct ls_create_assoc, subnqn) == 336,
	       "Create Association");
_Static_assert(sizeof(struct ls_create_conn) == 80 && offsetof(struct ls_create_conn, qid) == 72,
	       "Create I/O Connection");
_Static_assert(sizeof(struct ls_disc_assoc) == 48 && sizeof(struct ls_disc_conn) == 40,
	       "Disconnect");
_Static_assert(sizeof(struct ls_rjt) == 40 && offsetof(struct ls_rjt, rjt.reason) == 33, "LS_RJT");
_Static_assert(sizeof(struct ls_acc) == FC_LS_RSP_MAX && ACC_LEN(0) == 24, "LS_ACC");

static struct ls_head head(uint8_t cmd, size_t len)
{
	return (struct ls_head){ .cmd = cmd,
				 .list_len = put_be32((uint32_t)(len - sizeof(struct ls_head))) };
}

/* The header of a descriptor of len bytes in all. */
static struct ls_desc desc(enum fc_ls_tag tag, size_t len)
{
	return (struct ls_desc){ put_be32(tag),
				 put_be32((uint32_t)(len - sizeof(struct ls_desc))) };
}

static struct ls_id id_desc(enum fc_ls_tag tag, uint64_t id)
{
	return (struct ls_id){ desc(tag, sizeof(struct ls_id)), put_be64(id) };
}

static bool head_is(const struct ls_head *h, size_t len)
{
	return get_be32(h->list_len) == len - sizeof(*h);
}

static bool desc_is(const struct ls_desc *d, enum fc_ls_tag tag, size_t len)
{
	return get_be32(d->tag) == tag && get_be32(d->len) == len - sizeof(*d);
}

/* --- requests ----------------------------------------------------------------------------------------- */

static uint32_t build_create_assoc(struct ls_create_assoc *w, const struct fc_ls_rqst *r)
{
	w->h = head(r->cmd, sizeof(*w));
	w->d = desc(FCNVME_LSDESC_CREATE_ASSOC_CMD, sizeof(*w) - sizeof(w->h));
	w->ersp_ratio = put_be16(r->ersp_ratio);
	w->cntlid = put_be16(r->cntlid);
	w->sqsize = put_be16(r->sqsize);
	memcpy(w->hostid, r->hostid, sizeof(w->hostid));
	memcpy(w->hostnqn, r->hostnqn, sizeof(r->hostnqn));
	memcpy(w->subnqn, r->subnqn, sizeof(r->subnqn));
	return sizeof(*w);
}

static uint32_t build_create_conn(struct ls_create_conn *w, const struct fc_ls_rqst *r)
{
	w->h = head(r->cmd, sizeof(*w));
	w->assoc = id_desc(FCNVME_LSDESC_ASSOC_ID, r->association_id);
	w->d = desc(FCNVME_LSDESC_CREATE_CONN_CMD, sizeof(*w) - offsetof(struct ls_create_conn, d));
	w->ersp_ratio = put_be16(r->ersp_ratio);
	w->qid = put_be16(r->qid);
	w->sqsize = put_be16(r->sqsize);
	return sizeof(*w);
}

static uint32_t build_disc_assoc(struct ls_disc_assoc *w, const struct fc_ls_rqst *r)
{
	w->h = head(r->cmd, sizeof(*w));
	w->assoc = id_desc(FCNVME_LSDESC_ASSOC_ID, r->association_id);
	w->cmd.d = desc(FCNVME_LSDESC_DISCONN_CMD, sizeof(w->cmd));
	return sizeof(*w);
}

static uint32_t build_disc_conn(struct ls_disc_conn *w, const struct fc_ls_rqst *r)
{
	w->h = head(r->cmd, sizeof(*w));
	w->assoc = id_desc(FCNVME_LSDESC_ASSOC_ID, r->association_id);
	w->conn = id_desc(FCNVME_LSDESC_CONN_ID, r->connection_id);
	return sizeof(*w);
}

uint32_t fc_ls_rqst_build(void *buf, const struct fc_ls_rqst *r)
{
	memset(buf, 0, FC_LS_RQST_MAX);
	switch (r->cmd) {
	case FCNVME_LS_CREATE_ASSOCIATION:
		return build_create_assoc(buf, r);
	case FCNVME_LS_CREATE_CONNECTION:
		return build_create_conn(buf, r);
	case FCNVME_LS_DISCONNECT_ASSOC:
		return build_disc_assoc(buf, r);
	default:
		return build_disc_conn(buf, r);
	}
}

static int reject(struct fc_ls_rjt *rjt, enum fc_ls_reason reason, enum fc_ls_explan explan)
{
	*rjt = (struct fc_ls_rjt){ .reason = (uint8_t)reason, .explan = (uint8_t)explan };
	return -EPROTO;
}

/* A name of 1..223 bytes, ended by a NUL, in a field of 256. */
static bool take_nqn(char *to, const char *field)
{
	size_t n = strnlen(field, 256);

	if (!n || n > NVME_NQN_MAX)
		return false;
	memcpy(to, field, n + 1);
	return true;
}

static int check_queue(const struct fc_ls_rqst *r, struct fc_ls_rjt *rjt)
{
	if (!r->sqsize)
		return reject(rjt, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_SQSIZE);
	if (!r->ersp_ratio || r->ersp_ratio >= r->sqsize)
		return reject(rjt, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_ERSP_RATIO);
	return 0;
}

static int parse_create_assoc(const struct ls_create_assoc *w, size_t len, struct fc_ls_rqst *r,
			      struct fc_ls_rjt *rjt)
{
	if (len < CREATE_ASSOC_MIN || len > sizeof(*w) || !head_is(&w->h, len) ||
	    !desc_is(&w->d, FCNVME_LSDESC_CREATE_ASSOC_CMD, len - sizeof(w->h)))
		return reject(rjt, FCNVME_RJT_RC_LOGIC, FCNVME_RJT_EXP_PYLD_LEN);
	r->ersp_ratio = get_be16(w->ersp_ratio);
	r->cntlid = get_be16(w->cntlid);
	r->sqsize = get_be16(w->sqsize);
	memcpy(r->hostid, w->hostid, sizeof(r->hostid));
	if (r->cntlid > NVME_CNTLID_MAX && r->cntlid < FC_CNTLID_STATIC)
		return reject(rjt, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_CNTLID);
	if (!take_nqn(r->hostnqn, w->hostnqn))
		return reject(rjt, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_HOSTNQN);
	if (!take_nqn(r->subnqn, w->subnqn))
		return reject(rjt, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_SUBNQN);
	return check_queue(r, rjt);
}

static int parse_create_conn(const struct ls_create_conn *w, size_t len, struct fc_ls_rqst *r,
			     struct fc_ls_rjt *rjt)
{
	size_t cmd = offsetof(struct ls_create_conn, d);

	if (len != sizeof(*w) || !head_is(&w->h, len) ||
	    !desc_is(&w->assoc.d, FCNVME_LSDESC_ASSOC_ID, sizeof(w->assoc)) ||
	    !desc_is(&w->d, FCNVME_LSDESC_CREATE_CONN_CMD, len - cmd))
		return reject(rjt, FCNVME_RJT_RC_LOGIC, FCNVME_RJT_EXP_PYLD_LEN);
	r->association_id = get_be64(w->assoc.id);
	r->ersp_ratio = get_be16(w->ersp_ratio);
	r->qid = get_be16(w->qid);
	r->sqsize = get_be16(w->sqsize);
	if (!r->qid || r->qid == 0xffff)
		return reject(rjt, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_QUEUE_ID);
	return check_queue(r, rjt);
}

static int parse_disc_assoc(const struct ls_disc_assoc *w, size_t len, struct fc_ls_rqst *r,
			    struct fc_ls_rjt *rjt)
{
	if (len != sizeof(*w) || !head_is(&w->h, len) ||
	    !desc_is(&w->assoc.d, FCNVME_LSDESC_ASSOC_ID, sizeof(w->assoc)) ||
	    !desc_is(&w->cmd.d, FCNVME_LSDESC_DISCONN_CMD, sizeof(w->cmd)))
		return reject(rjt, FCNVME_RJT_RC_LOGIC, FCNVME_RJT_EXP_PYLD_LEN);
	r->association_id = get_be64(w->assoc.id);
	return 0;
}

static int parse_disc_conn(const struct ls_disc_conn *w, size_t len, struct fc_ls_rqst *r,
			   struct fc_ls_rjt *rjt)
{
	if (len != sizeof(*w) || !head_is(&w->h, len) ||
	    !desc_is(&w->assoc.d, FCNVME_LSDESC_ASSOC_ID, sizeof(w->assoc)) ||
	    !desc_is(&w->conn.d, FCNVME_LSDESC_CONN_ID, sizeof(w->conn)))
		return reject(rjt, FCNVME_RJT_RC_LOGIC, FCNVME_RJT_EXP_PYLD_LEN);
	r->association_id = get_be64(w->assoc.id);
	r->connection_id = get_be64(w->conn.id);
	return 0;
}

int fc_ls_rqst_parse(const void *buf, size_t len, struct fc_ls_rqst *r, struct fc_ls_rjt *rjt)
{
	const struct ls_head *h = buf;

	memset(r, 0, sizeof(*r));
	if (len >= 4)
		r->cmd = h->cmd;
	if (len < sizeof(*h))
		return reject(rjt, FCNVME_RJT_RC_LOGIC, FCNVME_RJT_EXP_PYLD_LEN);
	switch (r->cmd) {
	case FCNVME_LS_CREATE_ASSOCIATION:
		return parse_create_assoc(buf, len, r, rjt);
	case FCNVME_LS_CREATE_CONNECTION:
		return parse_create_conn(buf, len, r, rjt);
	case FCNVME_LS_DISCONNECT_ASSOC:
		return parse_disc_assoc(buf, len, r, rjt);
	case FCNVME_LS_DISCONNECT_CONN:
		return parse_disc_conn(buf, len, r, rjt);
	}
	return reject(rjt, FCNVME_RJT_RC_INVAL, FCNVME_RJT_EXP_NONE);
}

/* --- responses ---------------------------------------------------------------------------------------- */

/* Identifiers that an accept of cmd carries. */
static unsigned int ids_of(uint8_t cmd)
{
	return cmd == FCNVME_LS_CREATE_ASSOCIATION ? 2 : cmd == FCNVME_LS_CREATE_CONNECTION ? 1 : 0;
}

static struct ls_request request_desc(uint8_t cmd)
{
	return (struct ls_request){ desc(FCNVME_LSDESC_RQST, sizeof(struct ls_request)),
				    { cmd },
				    { 0 } };
}

static uint16_t build_rjt(struct ls_rjt *w, uint8_t cmd, const struct fc_ls_rjt *rjt)
{
	*w = (struct ls_rjt){ .h = head(FCNVME_LS_RJT, sizeof(*w)), .rqst = request_desc(cmd) };
	w->rjt = (struct ls_reject){ .d = desc(FCNVME_LSDESC_RJT, sizeof(w->rjt)),
				     .reason = rjt->reason,
				     .explan = rjt->explan,
				     .vendor = rjt->vendor };
	return sizeof(*w);
}

uint16_t fc_ls_resp_build(void *buf, uint8_t cmd, const struct fc_ls_resp *resp)
{
	struct ls_acc *w = buf;
	unsigned int ids = ids_of(cmd);

	memset(buf, 0, FC_LS_RSP_MAX);
	if (resp->rejected)
		return build_rjt(buf, cmd, &resp->rjt);
	w->h = head(FCNVME_LS_ACC, ACC_LEN(ids));
	w->rqst = request_desc(cmd);
	if (ids == 2)
		w->id[0] = id_desc(FCNVME_LSDESC_ASSOC_ID, resp->association_id);
	if (ids)
		w->id[ids - 1] = id_desc(FCNVME_LSDESC_CONN_ID, resp->connection_id);
	return (uint16_t)ACC_LEN(ids);
}

static int parse_rjt(const struct ls_rjt *w, size_t len, struct fc_ls_resp *resp)
{
	if (len < sizeof(*w) || !head_is(&w->h, sizeof(*w)) ||
	    !desc_is(&w->rjt.d, FCNVME_LSDESC_RJT, sizeof(w->rjt)))
		return -EBADMSG;
	resp->rejected = true;
	resp->rjt = (struct fc_ls_rjt){ w->rjt.reason, w->rjt.explan, w->rjt.vendor };
	return 0;
}

static int parse_acc(const struct ls_acc *w, size_t len, unsigned int ids, struct fc_ls_resp *resp)
{
	if (len < ACC_LEN(ids) || !head_is(&w->h, ACC_LEN(ids)))
		return -EBADMSG;
	if (ids == 2) {
		if (!desc_is(&w->id[0].d, FCNVME_LSDESC_ASSOC_ID, sizeof(w->id[0])))
			return -EBADMSG;
		resp->association_id = get_be64(w->id[0].id);
	}
	if (ids) {
		if (!desc_is(&w->id[ids - 1].d, FCNVME_LSDESC_CONN_ID, sizeof(w->id[0])))
			return -EBADMSG;
		resp->connection_id = get_be64(w->id[ids - 1].id);
	}
	return 0;
}

int fc_ls_resp_parse(const void *buf, size_t len, uint8_t cmd, struct fc_ls_resp *resp)
{
	const struct ls_acc *w = buf;

	memset(resp, 0, sizeof(*resp));
	if (len < ACC_LEN(0) || !desc_is(&w->rqst.d, FCNVME_LSDESC_RQST, sizeof(w->rqst)) ||
	    w->rqst.w0[0] != cmd)
		return -EBADMSG;
	if (w->h.cmd == FCNVME_LS_RJT)
		return parse_rjt(buf, len, resp);
	return w->h.cmd == FCNVME_LS_ACC ? parse_acc(buf, len, ids_of(cmd), resp) : -EBADMSG;
}
