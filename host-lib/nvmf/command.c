/* SPDX-License-Identifier: BSD-2-Clause */
/* What a received command says about its data, and in-capsule data. */
#include <errno.h>
#include <string.h>

#include <nvme/spec.h>

#include "fc.h"

#define SQE_FLAGS 1
#define SQE_SGL_ADDR 24
#define PSDT_MASK 0xc0
#define PSDT_SGL 0x40
#define SC_SGL_LENGTH 0x0f
#define SC_SGL_TYPE 0x11
#define SC_SGL_OFFSET 0x16

static uint32_t sgl_len(const struct nvmf_capsule *nc)
{
	uint32_t len;

	memcpy(&len, &nc->entry[SQE_SGL_LEN], 4);
	return len;
}

bool nvmf__in_capsule(const struct nvmf_capsule *nc)
{
	return nc->entry[SQE_SGL_TYPE] == SGL_OFFSET;
}

uint8_t nvmf_validate_command_capsule(const struct nvmf_capsule *nc)
{
	const struct ctl_state *x = &nc->ctl;
	uint8_t type = nc->entry[SQE_SGL_TYPE];
	uint64_t addr;

	if (nc->kind != CAPSULE_RECEIVED)
		return NVME_SC_INVALID_FIELD;
	if (x->dma_error)
		return NVME_SC_INTERNAL_ERROR;
	if ((nc->entry[SQE_FLAGS] & PSDT_MASK) != PSDT_SGL)
		return NVME_SC_INVALID_FIELD;
	memcpy(&addr, &nc->entry[SQE_SGL_ADDR], 8);
	if (type != SGL_OFFSET && type != SGL_TRANSPORT && (type || sgl_len(nc)))
		return SC_SGL_TYPE;
	if (addr)
		return SC_SGL_OFFSET;
	if (!nc->qp->wqp && type == SGL_OFFSET)
		return SC_SGL_TYPE;
	if (!nc->qp->wqp && nvmf__sgl_len(nc) != nvmf__fc_cmd_len(nc))
		return SC_SGL_LENGTH;
	if (type == SGL_OFFSET && sgl_len(nc) != x->icd_len)
		return SC_SGL_LENGTH;
	if (type != SGL_OFFSET && x->icd_len)
		return NVME_SC_INVALID_FIELD;
	return x->bad_digest ? NVME_SC_TRANSIENT_TRANSPORT_ERROR : NVME_SC_SUCCESS;
}

size_t nvmf_capsule_data_len(const struct nvmf_capsule *nc)
{
	if (nc->kind != CAPSULE_RECEIVED)
		return nc->kind == CAPSULE_COMMAND ? nc->len : 0;
	return nvmf__sgl_len(nc);
}

void *nvmf_capsule_icd(const struct nvmf_capsule *nc, size_t *len)
{
	bool there = nc->kind == CAPSULE_RECEIVED && nc->ctl.icd && !nc->ctl.answered;

	*len = there ? nc->ctl.icd_len : 0;
	return there ? (void *)nc->ctl.icd : NULL;
}

int nvmf__receive_icd(struct nvmf_capsule *nc, uint32_t offset, const struct memdesc *mem,
		      size_t len, nvmf_io_complete_t *complete_cb, void *cb_arg)
{
	int error = nc->ctl.dma_error ? -EFAULT : nc->ctl.bad_digest ? -EBADMSG : 0;

	if (len > nc->ctl.icd_len || offset > nc->ctl.icd_len - len)
		return -EFBIG;
	if (!nvmf__copy_to_mem(mem, (const uint8_t *)nc->ctl.icd + offset, len))
		return -EINVAL;
	nc->ctl.rx_next = offset + (uint32_t)len;
	complete_cb(cb_arg, error ? 0 : len, error);
	return 0;
}
