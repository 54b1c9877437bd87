/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NVMe-oF controllers behind the fake adapter: discovery and I/O controllers modelled on what a
 * Linux 6.12 target answers, with one RAM namespace. Every Fabrics and admin command is logged as a
 * line of text, so that tests can compare sequences.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define DISCOVERY_NQN "nqn.2014-08.org.nvmexpress.discovery"
#define SUBNQN "nqn.2014-08.org.demo:t1"
#define DNR 0x4000u
#define SC_INVALID_OPCODE 0x01u
#define SC_INVALID_FIELD 0x02u
#define SC_INVALID_NS 0x0bu
#define SC_SEQUENCE 0x0cu
#define SC_LBA_RANGE 0x80u
#define SC_CONNECT_PARAM 0x182u
#define SC_AER_LIMIT 0x105u
#define SC_COMPARE 0x285u

struct fake_ctrl {
	struct fake_ctrl *next;
	uint16_t cntlid;
	bool discovery;
	uint32_t cc, csts;
	uint16_t admin_qp;
	uint16_t aer_cid;
	bool aer_open;
	char hostnqn[256];
	uint32_t aen_config;
	uint32_t kato;
};

/* One command being answered. */
struct cmd {
	struct fake *f;
	struct fake_qp *q;
	struct fake_ctrl *c;
	const struct weft_sq_entry *e;
	struct weft_cq_entry *out;
	uint16_t qp;
	uint64_t result; /* DW0, DW1 */
};

static uint32_t dw(const struct cmd *c, unsigned int n)
{
	uint32_t v;

	memcpy(&v, c->e->sqe + 4 * n, 4);
	return v;
}

static void put(uint8_t *p, uint64_t v, unsigned int len)
{
	memcpy(p, &v, len);
}

/* Sends data to the host, as much as its buffer takes. */
static uint16_t reply(struct cmd *c, const void *data, uint32_t len)
{
	uint32_t n = len < c->e->data_len ? len : c->e->data_len;

	if (!(c->e->flags & WEFT_SQF_DATA_IN) || !fake_scatter(c->f, c->e, 0, data, n))
		return 0x04; /* data transfer error */
	c->out->data_len = n;
	return 0;
}

static uint16_t do_connect(struct cmd *c)
{
	uint8_t data[1024];
	uint16_t qid = (uint16_t)(dw(c, 10) >> 16), sqsize = (uint16_t)dw(c, 11), cntlid;
	struct fake_ctrl *ctrl;
	const char *subnqn = (char *)data + 256, *hostnqn = (char *)data + 512;

	if (c->q->fabrics_done)
		return SC_INVALID_OPCODE | DNR;
	if (c->e->data_len != 1024 || !(c->e->flags & WEFT_SQF_ICD) ||
	    !fake_gather(c->f, c->e, 0, data, 1024))
		return SC_INVALID_FIELD | DNR;
	memcpy(&cntlid, data + 16, 2);
	fake_log(c->f, "connect qid=%u sqsize=%u cattr=%u kato=%u cntlid=%04x", qid, sqsize,
		 dw(c, 11) >> 16 & 255, dw(c, 12), cntlid);
	c->out->data_len = 1024;
	if (!sqsize || (c->e->sqe[46] & 4 && !c->f->success_flag)) {
		c->result = 44;
		return SC_CONNECT_PARAM | DNR;
	}
	if (!qid) {
		if (strcmp(subnqn, DISCOVERY_NQN) && strcmp(subnqn, SUBNQN)) {
			c->result = 1u << 16 | 256;
			return SC_CONNECT_PARAM | DNR;
		}
		ctrl = calloc(1, sizeof(*ctrl));
		ctrl->next = c->f->ctrls;
		c->f->ctrls = ctrl;
		ctrl->cntlid = c->f->next_cntlid++;
		ctrl->discovery = !strcmp(subnqn, DISCOVERY_NQN);
		ctrl->admin_qp = c->qp;
		ctrl->kato = c->f->kato_seen = dw(c, 12);
		memcpy(ctrl->hostnqn, hostnqn, 256);
	} else {
		for (ctrl = c->f->ctrls; ctrl && ctrl->cntlid != cntlid; ctrl = ctrl->next)
			;
		if (!ctrl || ctrl->discovery || !(ctrl->cc & 1) || strcmp(ctrl->hostnqn, hostnqn)) {
			c->result = 1u << 16 | 16;
			return SC_CONNECT_PARAM | DNR;
		}
	}
	c->q->ctrl = ctrl;
	c->q->fabrics_done = true;
	c->q->qid = qid;
	c->q->sqsize = sqsize;
	c->q->sqflow_off = c->e->sqe[46] & 4;
	c->result = ctrl->cntlid | (c->f->auth_required ? 2u << 16 : 0);
	return 0;
}

static uint16_t prop_get(struct cmd *c)
{
	uint32_t off = dw(c, 11);
	unsigned int size = dw(c, 10) & 7 ? 8 : 4;

	fake_log(c->f, "get %02x/%u", off, size);
	if (off == 0x00 && size == 8)
		c->result = c->f->cap;
	else if (off == 0x08 && size == 4)
		c->result = 0x10300;
	else if (off == 0x14 && size == 4)
		c->result = c->c->cc;
	else if (off == 0x1c && size == 4)
		c->result = c->c->csts;
	else
		return SC_INVALID_FIELD | DNR;
	return 0;
}

static uint16_t prop_set(struct cmd *c)
{
	uint32_t val = dw(c, 12);

	fake_log(c->f, "set %02x=%x", dw(c, 11), val);
	if (dw(c, 11) != 0x14 || dw(c, 10) & 7)
		return SC_INVALID_FIELD | DNR;
	if (!c->f->never_ready)
		c->c->csts = val & 1;
	if (val & 0xc000)
		c->c->csts = 8; /* as a Linux target: shutdown complete, not ready */
	c->c->cc = val;
	return 0;
}

static uint16_t fabrics(struct cmd *c)
{
	uint8_t type = c->e->sqe[4];

	if (type == 1)
		return do_connect(c);
	if (!c->c || c->q->qid)
		return SC_INVALID_OPCODE | DNR;
	return type == 4 ? prop_get(c) : type == 0 ? prop_set(c) : SC_INVALID_OPCODE | DNR;
}

static uint16_t identify(struct cmd *c)
{
	uint8_t d[4096] = { 0 }, cns = (uint8_t)dw(c, 10);
	uint32_t nsid = dw(c, 1);

	fake_log(c->f, "identify cns=%02x nsid=%u", cns, nsid);
	if (cns == 1) {
		memset(d + 4, ' ', 68);
		memcpy(d + 4, "FAKE0001", 8);
		memcpy(d + 24, "Fake", 4);
		d[76] = 0x0b;
		d[77] = c->f->mdts;
		put(d + 78, c->c->cntlid, 2);
		put(d + 80, 0x10300, 4);
		put(d + 92, c->c->discovery ? 0x80000000u : 0x900, 4);
		put(d + 96, c->c->discovery ? 0 : 0x41, 4);
		d[111] = c->c->discovery ? 2 : 1;
		d[258] = d[259] = 3;
		d[261] = 7;
		put(d + 320, 10, 2);
		d[512] = 0x66;
		d[513] = 0x44;
		put(d + 514, 1024, 2);
		put(d + 516, c->c->discovery ? 0 : 1024, 4);
		put(d + 520, 0x0d, 2);
		put(d + 536, 0x100001, 4);
		strcpy((char *)d + 768, c->c->discovery ? DISCOVERY_NQN : SUBNQN);
		put(d + 1792, c->c->discovery ? 0 : c->f->ioccsz, 4);
		put(d + 1796, 1, 4);
		d[1803] = 1;
	} else if (cns == 0 && nsid == 1) {
		put(d, FAKE_NS_BYTES / FAKE_BLOCK, 8);
		put(d + 8, FAKE_NS_BYTES / FAKE_BLOCK, 8);
		d[130] = 9;
	} else if (cns == 2) {
		if (!nsid)
			put(d, 1, 4);
	} else if (cns == 3 && nsid == 1) {
		d[0] = 3;
		d[1] = 16;
		memset(d + 4, 0xaa, 16);
		d[20] = 4;
		d[21] = 1;
	} else if (cns != 6) {
		return (cns == 0 || cns == 3 ? SC_INVALID_NS : SC_INVALID_FIELD) | DNR;
	}
	return reply(c, d, sizeof(d));
}

/* The discovery log as it is now. */
static uint8_t *build_log(struct fake *f, uint32_t *len)
{
	uint8_t *d = calloc(1 + f->n_records, 1024);
	unsigned int i;

	*len = 1024 * (1 + f->n_records);
	put(d, f->genctr, 8);
	put(d + 8, f->n_records, 8);
	for (i = 0; i < f->n_records; i++) {
		uint8_t *r = d + 1024 * (i + 1);

		r[0] = 3;
		r[1] = 1;
		r[2] = i ? 2 : 3;
		r[3] = 4;
		put(r + 4, 1, 2);
		put(r + 6, 0xffff, 2);
		put(r + 8, 32, 2);
		memset(r + 32, ' ', 32);
		memcpy(r + 32, "4420", 4);
		if (i < 2)
			strcpy((char *)r + 256, i ? SUBNQN : DISCOVERY_NQN);
		else
			sprintf((char *)r + 256, "%s%u", SUBNQN, i);
		memset(r + 512, ' ', 256);
		memcpy(r + 512, "10.0.0.2", 8);
	}
	return d;
}

static uint16_t discovery_log(struct cmd *c, uint64_t off, uint32_t len)
{
	uint32_t total;
	uint8_t *d;
	uint16_t sc = SC_INVALID_FIELD | DNR;

	if (off == 1024 && c->f->genctr_moves) { /* the log changes under the reader */
		c->f->genctr_moves--;
		c->f->genctr++;
		c->f->n_records += c->f->genctr_moves > 0; /* the last change keeps the count */
	}
	d = build_log(c->f, &total);
	if (off < total) {
		uint8_t *page = calloc(1, len);

		memcpy(page, d + off, total - off < len ? total - off : len);
		sc = reply(c, page, len);
		free(page);
	}
	free(d);
	return sc;
}

static uint16_t get_log(struct cmd *c)
{
	uint8_t lid = (uint8_t)dw(c, 10), zero[4096] = { 0 };
	uint32_t numd = dw(c, 10) >> 16 | (dw(c, 11) & 0xffff) << 16, len = (numd + 1) * 4;
	uint64_t off = dw(c, 12) | (uint64_t)dw(c, 13) << 32;

	fake_log(c->f, "log lid=%02x len=%u off=%llu rae=%u", lid, len, (unsigned long long)off,
		 dw(c, 10) >> 15 & 1);
	if (len != c->e->data_len)
		fake_violation(c->f, "log page of %u bytes with a buffer of %u", len,
			       c->e->data_len);
	if (lid == 0x70)
		return c->c->discovery ? discovery_log(c, off, len) : 0x109;
	if (lid == 2) {
		put(zero + 1, 300, 2); /* kelvin */
		zero[3] = 100;
	}
	return lid == 1 || lid == 2 || lid == 3 || lid == 4 || lid == 5 ? reply(c, zero, len) :
									  0x109 | DNR;
}

static uint16_t features(struct cmd *c, bool set)
{
	uint8_t fid = (uint8_t)dw(c, 10);
	uint32_t v = dw(c, 11), granted = c->f->queues_granted;

	fake_log(c->f, "%s-feature fid=%02x cdw11=%x", set ? "set" : "get", fid, v);
	if (fid == 7)
		c->result = granted << 16 | granted;
	else if (fid == 0x0b)
		c->result = set ? (c->c->aen_config = v) : c->c->aen_config;
	else if (fid == 0x0f)
		c->result = set ? (c->c->kato = v) / 1000 : c->c->kato;
	else
		return SC_INVALID_FIELD | DNR;
	return 0;
}

static uint16_t do_abort(struct cmd *c)
{
	uint16_t sqid = (uint16_t)dw(c, 10), cid = (uint16_t)(dw(c, 10) >> 16);
	unsigned int i;

	c->f->aborts++;
	fake_log(c->f, "abort sqid=%u cid=%u", sqid, cid);
	c->result = 1;
	for (i = 1; i < 128; i++) {
		struct fake_qp *q = &c->f->qp[i];
		struct weft_cq_entry e = { .type = WEFT_CQT_COMMAND, .cid = cid };

		if (!q->live || q->ctrl != c->c || q->qid != sqid || cid >= q->entries ||
		    !q->is_held[cid] || c->f->hold)
			continue;
		put(e.cqe + 12, cid, 2);
		put(e.cqe + 14, 0x07 << 1, 2);
		q->busy[cid] = q->is_held[cid] = false;
		fake_post(c->f, (uint16_t)i, &e);
		c->result = 0;
	}
	return 0;
}

static uint16_t admin(struct cmd *c, bool *answer)
{
	uint8_t op = c->e->sqe[0];

	if (!(c->c->cc & 1))
		return SC_SEQUENCE | DNR;
	switch (op) {
	case 0x02:
		return get_log(c);
	case 0x06:
		return identify(c);
	case 0x08:
		return do_abort(c);
	case 0x09:
	case 0x0a:
		return features(c, op == 0x09);
	case 0x0c:
		fake_log(c->f, "aer");
		if (c->c->aer_open)
			return SC_AER_LIMIT | DNR;
		c->c->aer_open = true;
		c->c->aer_cid = c->e->cid;
		*answer = false;
		return 0;
	case 0x18:
		c->f->keepalives++;
		return 0;
	default:
		return SC_INVALID_OPCODE | DNR;
	}
}

static uint16_t dsm(struct cmd *c)
{
	uint32_t n = (dw(c, 10) & 0xff) + 1, i;

	for (i = 0; i < n; i++) {
		uint8_t r[16];
		uint32_t len;
		uint64_t lba;

		if (!fake_gather(c->f, c->e, 16 * i, r, 16))
			return 0x04;
		memcpy(&len, r + 4, 4);
		memcpy(&lba, r + 8, 8);
		if (lba > FAKE_NS_BYTES / FAKE_BLOCK || len > FAKE_NS_BYTES / FAKE_BLOCK - lba)
			return SC_LBA_RANGE | DNR;
		if (dw(c, 11) & 4)
			memset(c->f->disk + lba * FAKE_BLOCK, 0, (size_t)len * FAKE_BLOCK);
	}
	return 0;
}

static uint16_t read_write(struct cmd *c, uint8_t op)
{
	uint64_t lba = dw(c, 10) | (uint64_t)dw(c, 11) << 32;
	uint32_t len = ((dw(c, 12) & 0xffff) + 1) * FAKE_BLOCK, i;
	uint8_t *at = c->f->disk + lba * FAKE_BLOCK, buf[512];

	if (lba >= FAKE_NS_BYTES / FAKE_BLOCK || len > FAKE_NS_BYTES - lba * FAKE_BLOCK)
		return SC_LBA_RANGE | DNR;
	if (op == 8) {
		memset(at, 0, len);
		return 0;
	}
	if (len != c->e->data_len)
		return 0x0f | DNR;
	if (op != 2 && len <= (c->f->ioccsz - 4) * 16 && !(c->e->flags & WEFT_SQF_ICD))
		fake_violation(
			c->f,
			"a write of %u bytes not in its capsule gets no R2T from a Linux target",
			len);
	if (op != 2 && len > (c->f->ioccsz - 4) * 16 && (c->e->flags & WEFT_SQF_ICD))
		fake_violation(c->f, "%u bytes in a capsule", len);
	c->out->data_len = len;
	if (op == 2) {
		if (c->q->digest && c->f->ddgst_errors) {
			c->f->ddgst_errors--;
			c->out->flags |= WEFT_CQF_DDGST_ERR;
			memset(buf, 0x5c, sizeof(buf));
			return fake_scatter(c->f, c->e, 0, buf, sizeof(buf)) ? 0 : 0x04;
		}
		if (!fake_scatter(c->f, c->e, 0, at, len))
			return 0x04;
		if (c->f->flipped_reads) {
			c->f->flipped_reads--;
			buf[0] = at[len - 1] ^ 0x10;
			fake_scatter(c->f, c->e, len - 1, buf, 1);
		}
		return 0;
	}
	for (i = 0; i < len; i += FAKE_BLOCK) {
		if (!fake_gather(c->f, c->e, i, op == 1 ? at + i : buf, FAKE_BLOCK))
			return 0x04;
		if (op == 5 && memcmp(buf, at + i, FAKE_BLOCK))
			return SC_COMPARE | DNR;
	}
	return 0;
}

static uint16_t io(struct cmd *c)
{
	uint8_t op = c->e->sqe[0];

	if (op == c->f->fail_opcode && c->f->fail_times) {
		c->f->fail_times--;
		return c->f->fail_sct_sc;
	}
	if (dw(c, 1) != 1)
		return SC_INVALID_NS | DNR;
	switch (op) {
	case 0:
		fake_log(c->f, "flush");
		return 0;
	case 1:
	case 2:
	case 5:
	case 8:
		return read_write(c, op);
	case 9:
		return dsm(c);
	default:
		return SC_INVALID_OPCODE | DNR;
	}
}

static void fill_cqe(struct cmd *c, uint16_t status)
{
	struct fake_qp *q = c->q;
	uint8_t *cqe = c->out->cqe;
	bool read = c->e->flags & WEFT_SQF_DATA_IN;

	if (!q->sqflow_off && q->fabrics_done)
		q->sqhd = (uint16_t)((q->sqhd + 1) % (q->sqsize + 1u));
	put(cqe, c->result, 8);
	put(cqe + 8, q->sqflow_off ? 0 : q->sqhd, 2);
	put(cqe + 10, q->qid, 2); /* as Linux does */
	put(cqe + 12, c->e->cid, 2);
	put(cqe + 14, (uint16_t)(status << 1), 2);
	if (c->f->success_flag && q->sqflow_off && read && !status) {
		c->out->flags |= WEFT_CQF_SYNTH;
		put(cqe + 8, 0xdead, 2);
	}
}

bool fake_ctrl_command(struct fake *f, uint16_t qp, const struct weft_sq_entry *e,
		       struct weft_cq_entry *out)
{
	struct cmd c = { f, &f->qp[qp], f->qp[qp].ctrl, e, out, qp, 0 };
	bool answer = true;
	uint16_t status;

	if (e->sqe[0] == 0x7f)
		status = fabrics(&c);
	else if (!c.c || !c.q->fabrics_done)
		status = SC_INVALID_OPCODE | DNR;
	else if (!c.q->qid)
		status = admin(&c, &answer);
	else
		status = io(&c);
	if (answer)
		fill_cqe(&c, status);
	return answer;
}

void fake_aen(struct fake *f, uint32_t dw0)
{
	struct fake_ctrl *c;

	for (c = f->ctrls; c; c = c->next) {
		struct fake_qp *q = &f->qp[c->admin_qp];
		struct weft_cq_entry e = { .type = WEFT_CQT_COMMAND, .cid = c->aer_cid };

		if (!c->aer_open || !q->live || !q->connected || q->ctrl != c)
			continue;
		c->aer_open = false;
		put(e.cqe, dw0, 4);
		put(e.cqe + 12, c->aer_cid, 2);
		q->busy[c->aer_cid] = q->is_held[c->aer_cid] = false;
		fake_post(f, c->admin_qp, &e);
	}
}

/* The pair's connection ended; with its admin connection a controller goes. */
void fake_ctrl_disconnected(struct fake *f, uint16_t qp)
{
	struct fake_ctrl **at, *c = f->qp[qp].ctrl;
	unsigned int i;

	f->qp[qp].ctrl = NULL;
	if (!c || f->qp[qp].qid)
		return;
	for (i = 0; i < 128; i++)
		if (f->qp[i].ctrl == c)
			f->qp[i].ctrl = NULL;
	for (at = &f->ctrls; *at != c; at = &(*at)->next)
		;
	*at = c->next;
	free(c);
}

void fake_ctrl_free(struct fake *f)
{
	while (f->ctrls) {
		struct fake_ctrl *c = f->ctrls;

		f->ctrls = c->next;
		free(c);
	}
}
