/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl_helper.h"

#include <string.h>

#include "lib/bytes.h"

static uint32_t icd_sizes[WEFT_N_QP];
static uint32_t capsules_seen[WEFT_N_QP];
static uint16_t next_rport = 50000;

static const struct hal_cpl *next_capsule(uint16_t qp)
{
	uint32_t n = capsules_seen[qp];

	for (uint32_t i = 0; i < fake_cpl_count; i++)
		if (fake_cpl[i].qp == qp && fake_cpl[i].type == WEFT_CQT_CAPSULE && !n--)
			return &fake_cpl[i];
	return NULL;
}

/* --- admin -------------------------------------------------------------------------------------------------------------------- */

uint16_t listen_on_port(uint16_t port)
{
	struct weft_arg_listen a = { .port = port };

	return admin(WEFT_OP_LISTEN, &a, sizeof(a), NULL);
}

uint16_t unlisten(uint16_t port)
{
	struct weft_arg_listen a = { .port = port };

	return admin(WEFT_OP_UNLISTEN, &a, sizeof(a), NULL);
}

void create_ctl(uint16_t qp, const struct acc_opts *o)
{
	uint8_t log2 = o->sq_log2 ? o->sq_log2 : SQ_LOG2;
	struct weft_arg_qp_create a = {
		.sq_base = 0x4000,
		.cq_base = 0x8000,
		.qp = qp,
		.sq_log2 = log2,
		.cq_log2 = log2 + 2,
		.rx_cmd = RX_CMD + (qp - 1) * RX_STEP,
		.rx_icd = RX_ICD + (qp - 1) * RX_STEP,
		.icd_size = o->icd_size ? o->icd_size : ICD_SIZE,
		.flags = WEFT_QPF_CONTROLLER,
	};

	icd_sizes[qp] = a.icd_size;
	capsules_seen[qp] = 0; /* those of an earlier pair of this number do not count */
	while (next_capsule(qp))
		capsules_seen[qp]++;
	ck_assert_uint_eq(admin(WEFT_OP_QP_CREATE, &a, sizeof(a), NULL), 0);
}

struct weft_arg_accept accept_args(uint16_t qp, const struct acc_opts *o)
{
	return (struct weft_arg_accept){
		.qp = qp,
		.port = o->port,
		.digests = o->digests,
		.cpda = o->cpda,
		.maxh2cdata = o->maxh2cdata ? o->maxh2cdata : 65536,
		.ic_timeout_ms = o->ic_timeout_ms,
	};
}

uint16_t accept_start(uint16_t qp, const struct acc_opts *o)
{
	struct weft_arg_accept a = accept_args(qp, o);

	if (!qp_get(qp))
		create_ctl(qp, o);
	return admin_start(WEFT_OP_ACCEPT, &a, sizeof(a));
}

struct send icreq(const struct acc_opts *o)
{
	struct send s = make_header(PDU_ICREQ, 0, 128, 0, 128);

	s.hdr[10] = o->hpda;
	s.hdr[11] = o->digests & (uint8_t)~o->asked_less;
	put32(s.hdr + 12, o->maxr2t);
	return s;
}

static void check_icresp(struct peer *p, const struct acc_opts *o, uint8_t digests)
{
	struct pdu d = expect_pdu(p, PDU_ICRESP);

	ck_assert_uint_eq(d.flags, 0);
	ck_assert_uint_eq(d.hlen, 128);
	ck_assert_uint_eq(d.plen, 128);
	ck_assert_uint_eq(get32(d.b + 8), (uint32_t)o->cpda << 16 | (uint32_t)digests << 24);
	ck_assert_uint_eq(get32(d.b + 12), o->maxh2cdata ? o->maxh2cdata : 65536);
	for (uint32_t i = 16; i < 128; i++)
		ck_assert_uint_eq(d.b[i], 0);
	expect_no_pdu(p);
}

void open_ctl(uint16_t qp, const struct acc_opts *o)
{
	uint8_t digests = o->digests & (uint8_t)~o->asked_less;
	struct peer *p = &peers[qp];
	struct send s = icreq(o);
	struct hal_cpl c;
	uint16_t cid;

	listen_on_port(PORT); /* may be there already */
	cid = accept_start(qp, o);
	peer_open(p, PORT, ++next_rport);
	ck_assert(p->got_syn_ack && !p->got_rst);
	ck_assert(!admin_result(cid, &c));
	ctrl_send(p, &s);
	ck_assert(admin_result(cid, &c));
	ck_assert_uint_eq(c.status, 0);
	ck_assert_uint_eq(c.dw[0], PEER_IP);
	ck_assert_uint_eq(c.dw[1], p->rport | (uint32_t)PORT << 16);
	ck_assert_uint_eq(c.dw[2], digests | (uint32_t)o->hpda << 8 |
					   (o->maxr2t < 65535 ? o->maxr2t : 65535) << 16);
	check_icresp(p, o, digests);
	p->digests = digests;
	p->cpda = o->hpda;
	p->hpda = o->cpda;
}

/* --- the host's PDUs ---------------------------------------------------------------------------------------------------------- */

static void put_sqe(uint8_t *sqe, uint16_t cid)
{
	for (uint32_t i = 0; i < 64; i++)
		sqe[i] = (uint8_t)(cid * 7 + i * 5 + 1);
	sqe[2] = (uint8_t)cid;
	sqe[3] = (uint8_t)(cid >> 8);
}

static struct send with_data(const struct peer *p, uint8_t type, uint8_t flags, uint8_t hlen,
			     const void *data, uint32_t len)
{
	bool hd = p->digests & DGST_H, dd = p->digests & DGST_D;
	uint32_t head = hlen + (hd ? 4u : 0), align = (p->hpda + 1u) * 4;
	uint32_t pdo = (head + align - 1) / align * align;
	struct send s = make_header(type, flags | (hd ? PDU_F_HDGST : 0) | (dd ? PDU_F_DDGST : 0),
				    hlen, (uint8_t)pdo, pdo + len + (dd ? 4 : 0));

	s.data = data;
	s.len = len;
	s.pad = pdo - head;
	return s;
}

struct send cmd_pdu(const struct peer *p, uint16_t cid, const void *icd, uint32_t len)
{
	bool hd = p->digests & DGST_H;
	struct send s = len ? with_data(p, PDU_CAPSULE_CMD, 0, 72, icd, len) :
			      make_header(PDU_CAPSULE_CMD, hd, 72, 0, hd ? 76 : 72);

	put_sqe(s.hdr + 8, cid);
	return s;
}

struct send h2c(const struct peer *p, uint16_t cid, uint16_t ttag, uint32_t off, const void *data,
		uint32_t len, bool last)
{
	struct send s = with_data(p, PDU_H2C_DATA, last ? PDU_F_LAST : 0, 24, data, len);

	put32(s.hdr + 8, cid | (uint32_t)ttag << 16);
	put32(s.hdr + 12, off);
	put32(s.hdr + 16, len);
	return s;
}

void host_sends(uint16_t qp, struct send s)
{
	ctrl_send(&peers[qp], &s);
}

void host_sends_cmd(uint16_t qp, uint16_t cid, const void *icd, uint32_t len)
{
	host_sends(qp, cmd_pdu(&peers[qp], cid, icd, len));
}

/* --- capsules ------------------------------------------------------------------------------------------------------------------- */

uint16_t expect_capsule_flags(uint16_t qp, uint16_t cid, const void *icd, uint32_t len,
			      uint8_t flags)
{
	const struct hal_cpl *c = next_capsule(qp);
	uint8_t sqe[64];

	ck_assert_msg(c, "no capsule, but that of command %u is expected", cid);
	capsules_seen[qp]++;
	put_sqe(sqe, cid);
	ck_assert_uint_eq(c->flags, flags);
	ck_assert_uint_eq(c->data_len, len);
	ck_assert_uint_lt(c->cid, qp_get(qp)->entries);
	if (!(flags & WEFT_CQF_DMA_ERR)) {
		ck_assert_mem_eq(fake_host + RX_CMD + (qp - 1) * RX_STEP + c->cid * 64, sqe, 64);
		if (len && icd && !flags)
			ck_assert_mem_eq(fake_host + RX_ICD + (qp - 1) * RX_STEP +
						 c->cid * icd_sizes[qp],
					 icd, len);
	}
	return c->cid;
}

uint16_t expect_capsule(uint16_t qp, uint16_t cid, const void *icd, uint32_t len)
{
	return expect_capsule_flags(qp, cid, icd, len, 0);
}

void expect_no_capsule(uint16_t qp)
{
	ck_assert_ptr_null(next_capsule(qp));
}

/* --- replies -------------------------------------------------------------------------------------------------------------------- */

static void put_cqe(uint8_t *cqe, uint16_t cccid)
{
	for (uint32_t i = 0; i < 16; i++)
		cqe[i] = (uint8_t)(cccid * 3 + i * 11 + 2);
	cqe[12] = (uint8_t)cccid;
	cqe[13] = (uint8_t)(cccid >> 8);
}

/* Where the data lie: n pieces, one after the other in memory. */
static void put_pieces(struct weft_ctl_entry *e, const struct reply *r)
{
	uint32_t n = r->pieces == 9 ? 10 : r->pieces ? r->pieces : 2, at = 0;
	struct weft_sgl_elem *list = e->sgl;

	e->sgl_count = (uint16_t)n;
	if (r->pieces == 9) {
		e->flags |= WEFT_SQF_SGL_CHAIN;
		e->sgl[0].addr = 0x1000;
		list = (struct weft_sgl_elem *)(void *)(fake_host + 0x1000);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = i + 1 < n ? r->len / n : r->len - at;

		list[i] = (struct weft_sgl_elem){ .addr = r->addr + at, .len = len };
		at += len;
	}
}

struct weft_sq_entry reply_entry(uint16_t buf, const struct reply *r)
{
	union {
		struct weft_sq_entry s;
		struct weft_ctl_entry c;
	} u;

	memset(&u, 0, sizeof(u));
	u.c.opcode = r->op;
	u.c.flags = r->flags;
	u.c.cid = buf;
	u.c.data_len = r->len;
	u.c.cccid = r->cccid;
	u.c.offset = r->offset;
	if (r->len)
		put_pieces(&u.c, r);
	put_cqe(u.c.cqe, r->cccid);
	return u.s;
}

void reply_start(uint16_t qp, uint16_t buf, const struct reply *r)
{
	struct weft_sq_entry e = reply_entry(buf, r);

	submit_entry(qp, buf, &e);
}

void expect_resp(struct peer *p, uint16_t cccid)
{
	struct pdu d = expect_pdu(p, PDU_CAPSULE_RESP);
	uint8_t cqe[16];

	put_cqe(cqe, cccid);
	ck_assert_uint_eq(d.flags & ~1u, 0);
	ck_assert_uint_eq(d.hlen, 24);
	ck_assert_mem_eq(d.b + 8, cqe, 16);
}

void expect_c2h(struct peer *p, uint16_t cccid, uint32_t off, uint32_t len, uint8_t flags,
		const uint8_t *content)
{
	struct pdu d = expect_pdu(p, PDU_C2H_DATA);

	ck_assert_uint_eq(d.hlen, 24);
	ck_assert_uint_eq(d.flags & ~3u, flags);
	ck_assert_uint_eq(get32(d.b + 8), cccid);
	ck_assert_uint_eq(get32(d.b + 12), off);
	ck_assert_uint_eq(get32(d.b + 16), len);
	ck_assert_uint_eq(get32(d.b + 20), 0);
	ck_assert_uint_eq(d.len, len);
	ck_assert_mem_eq(d.data, content, len);
}

struct pdu expect_r2t(struct peer *p, uint16_t cccid, uint32_t off, uint32_t len)
{
	struct pdu d = expect_pdu(p, PDU_R2T);

	ck_assert_uint_eq(d.hlen, 24);
	ck_assert_uint_eq(d.pdo, 0);
	ck_assert_uint_eq(d.flags & ~1u, 0);
	ck_assert_uint_eq(get_le16(d.b + 8), cccid);
	ck_assert_uint_eq(get32(d.b + 12), off);
	ck_assert_uint_eq(get32(d.b + 16), len);
	ck_assert_uint_eq(get32(d.b + 20), 0);
	return d;
}

uint16_t ttag_of(const struct pdu *r2t)
{
	return get_le16(r2t->b + 10);
}

void expect_reply(uint16_t qp, uint16_t buf, uint16_t status, uint32_t data_len)
{
	const struct hal_cpl *c = completion(qp, buf);

	ck_assert_uint_eq(c->type, WEFT_CQT_COMMAND);
	ck_assert_uint_eq(c->status, status);
	ck_assert_uint_eq(c->flags, 0);
	ck_assert_uint_eq(c->data_len, data_len);
	ck_assert_uint_eq(c->dw[0] | c->dw[1] | c->dw[2] | c->dw[3], 0);
}

void respond(uint16_t qp, uint16_t buf, uint16_t cccid)
{
	reply_start(qp, buf, &(struct reply){ .op = WEFT_OP_RESPOND, .cccid = cccid });
	expect_resp(&peers[qp], cccid);
	expect_reply(qp, buf, 0, 0);
}

uint32_t slots_free_of(uint16_t qp)
{
	const struct nt_conn *c = &nt_conns[qp];
	uint32_t n = 0, in_list = 0;

	for (uint16_t i = 0; i < c->entries; i++)
		n += nt_cmds[c->slot_base + i].flags == CTL_FREE;
	for (uint16_t s = nt_ctls[qp].free_first; s != ENG_NO_SLOT && in_list <= n;
	     s = (uint16_t)nt_cmds[s].len)
		in_list++;
	ck_assert_uint_eq(in_list, n);
	return n;
}
