/* SPDX-License-Identifier: BSD-2-Clause */
/* Information units: CMND, RSP, ERSP, XFER_RDY. */
#include <errno.h>
#include <string.h>

#include "wire.h"

#define SQE_FLAGS 1
#define SQE_FCTYPE 4
#define SQE_SGL_LEN 32
#define SQE_SGL_TYPE 39
#define PSDT_MASK 0xc0
#define PSDT_SGL 0x40
#define SGL_TRANSPORT 0x5a
#define DIR_MASK 0x03
#define DIR_WRITE 0x01
#define DIR_READ 0x02

/* A transport SGL of the command's length; also when there are no data. */
static void set_sgl(uint8_t *sqe, uint32_t len)
{
	sqe[SQE_FLAGS] = (uint8_t)((sqe[SQE_FLAGS] & ~PSDT_MASK) | PSDT_SGL);
	memset(&sqe[24], 0, 16);
	memcpy(&sqe[SQE_SGL_LEN], &len, 4);
	sqe[SQE_SGL_TYPE] = SGL_TRANSPORT;
}

void fc_cmnd_build(void *iu, const struct fc_cmnd *c)
{
	struct fcnvme_cmnd_iu *w = iu;

	*w = (struct fcnvme_cmnd_iu){
		.format_id = FCNVME_CMND_FORMAT_ID,
		.fc_id = FCNVME_CMND_FC_ID,
		.iu_len = put_be16(FCNVME_CMND_WORDS),
		.category = c->admin ? FCNVME_CATEGORY_ADMIN : FCNVME_CATEGORY_IO,
		.flags = c->flags,
		.connection_id = put_be64(c->connection_id),
		.csn = put_be32(c->csn),
		.data_len = put_be32(c->data_len),
	};
	memcpy(w->sqe, c->sqe, sizeof(w->sqe));
	set_sgl(w->sqe, c->data_len);
}

/* Bits 1:0 of the opcode, of a Fabrics command's type, tell the direction of its data. */
static bool direction_fits(const uint8_t *sqe, uint8_t flags)
{
	uint8_t dir = (sqe[0] == NVME_OPC_FABRICS ? sqe[SQE_FCTYPE] : sqe[0]) & DIR_MASK;

	return dir == (flags & FCNVME_FLAG_WRITE ? DIR_WRITE : DIR_READ);
}

int fc_cmnd_parse(const void *iu, size_t len, struct fc_cmnd *c)
{
	const struct fcnvme_cmnd_iu *w = iu;

	if (len != sizeof(*w) || w->format_id != FCNVME_CMND_FORMAT_ID ||
	    w->fc_id != FCNVME_CMND_FC_ID || get_be16(w->iu_len) != FCNVME_CMND_WORDS)
		return -EIO;
	c->connection_id = get_be64(w->connection_id);
	c->csn = get_be32(w->csn);
	c->data_len = get_be32(w->data_len);
	c->flags = w->flags & (FCNVME_FLAG_WRITE | FCNVME_FLAG_READ);
	c->admin = (w->category & 0xf) == FCNVME_CATEGORY_ADMIN;
	memcpy(c->sqe, w->sqe, sizeof(c->sqe));
	if (w->flags & FCNVME_FLAG_PICWP || c->flags == (FCNVME_FLAG_WRITE | FCNVME_FLAG_READ) ||
	    !c->flags != !c->data_len)
		return -EPROTO;
	return c->flags && !direction_fits(c->sqe, c->flags) ? -EPROTO : 0;
}

uint16_t fc_rsp_build(void *iu, const struct fc_rsp *rsp)
{
	struct fcnvme_ersp_iu *w = iu;

	memset(w, 0, sizeof(*w));
	if (!rsp->extended)
		return FCNVME_RSP_LEN;
	w->result = rsp->result;
	w->iu_len = put_be16(FCNVME_ERSP_WORDS);
	w->rsn = put_be32(rsp->rsn);
	w->xfrd_len = put_be32(rsp->xfrd_len);
	memcpy(w->cqe, &rsp->cqe, sizeof(w->cqe));
	return sizeof(*w);
}

int fc_rsp_parse(const void *iu, size_t len, struct fc_rsp *rsp)
{
	static const uint8_t zeroes[FCNVME_RSP_LEN];
	const struct fcnvme_ersp_iu *w = iu;

	memset(rsp, 0, sizeof(*rsp));
	if (!len || (len == FCNVME_RSP_LEN && !memcmp(iu, zeroes, FCNVME_RSP_LEN)))
		return 0;
	if (len != sizeof(*w) || get_be16(w->iu_len) != FCNVME_ERSP_WORDS)
		return -EBADMSG;
	rsp->extended = true;
	rsp->result = w->result;
	rsp->rsn = get_be32(w->rsn);
	rsp->xfrd_len = get_be32(w->xfrd_len);
	memcpy(&rsp->cqe, w->cqe, sizeof(rsp->cqe));
	return 0;
}

void fc_xfer_rdy_build(void *iu, uint32_t offset, uint32_t burst_len)
{
	*(struct fcnvme_xfer_rdy_iu *)iu =
		(struct fcnvme_xfer_rdy_iu){ .offset = put_be32(offset),
					     .burst_len = put_be32(burst_len) };
}

int fc_xfer_rdy_parse(const void *iu, size_t len, uint32_t *offset, uint32_t *burst_len)
{
	const struct fcnvme_xfer_rdy_iu *w = iu;

	if (len != sizeof(*w) || !get_be32(w->burst_len))
		return -EBADMSG;
	*offset = get_be32(w->offset);
	*burst_len = get_be32(w->burst_len);
	return 0;
}
