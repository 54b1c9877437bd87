/* SPDX-License-Identifier: BSD-2-Clause */
/* Admin commands by name. */
#include <errno.h>
#include <string.h>

#include "host.h"

int nvme_host_admin(struct nvme_host *h, const struct nvme_sqe *sqe, const struct memdesc *mem,
		    size_t len, bool send, nvme_host_fn *cb, void *arg)
{
	return nvme__submit(h->queue[0], sqe, mem, len, send, cb, arg, NULL);
}

int nvme_host_admin_sync(struct nvme_host *h, const struct nvme_sqe *sqe, void *buf, size_t len,
			 bool send, struct nvme_result *result)
{
	struct nvme_result r;
	int rc = nvme__sync(h, h->queue[0], sqe, buf, len, send, &r);

	if (rc)
		return rc;
	if (result)
		*result = r;
	rc = nvme_result_errno(&r);
	return rc ? weft_set_error(rc, "admin command %02xh: %s (%xh/%02xh)", sqe->opc,
				   nvme_status_text(r.status), r.status >> 8 & 7, r.status & 0xff) :
		    0;
}

int nvme_host_identify_sync(struct nvme_host *h, uint8_t cns, uint32_t nsid, void *buf4096)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_IDENTIFY, .nsid = nsid, .cdw10 = cns };

	return nvme_host_admin_sync(h, &sqe, buf4096, 4096, false, NULL);
}

int nvme_host_list_ns_sync(struct nvme_host *h, uint32_t nsid, uint32_t *list, unsigned int max,
			   unsigned int *n)
{
	uint32_t page[1024];
	unsigned int i;
	int rc;

	*n = 0;
	do {
		rc = nvme_host_identify_sync(h, NVME_CNS_ACTIVE_LIST, nsid, page);
		if (rc)
			return rc;
		for (i = 0; i < 1024 && page[i] && *n < max; i++) {
			if (page[i] <= nsid)
				return weft_set_error(-EPROTO,
						      "the list of namespaces is not in order");
			nsid = list[(*n)++] = page[i];
		}
	} while (i == 1024 && *n < max);
	return 0;
}

int nvme_host_get_log_sync(struct nvme_host *h, uint8_t lid, uint32_t nsid, uint64_t offset,
			   bool rae, void *buf, uint32_t len)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_GET_LOG_PAGE, .nsid = nsid };
	uint32_t numd = len / 4 - 1;

	if (!len || len % 4 || offset % 4)
		return -EINVAL;
	sqe.cdw10 = lid | (uint32_t)rae << 15 | numd << 16;
	sqe.cdw11 = numd >> 16;
	sqe.cdw12 = (uint32_t)offset;
	sqe.cdw13 = (uint32_t)(offset >> 32);
	return nvme_host_admin_sync(h, &sqe, buf, len, false, NULL);
}

static int feature(struct nvme_host *h, const struct nvme_sqe *sqe, uint32_t *value)
{
	struct nvme_result r;
	int rc = nvme_host_admin_sync(h, sqe, NULL, 0, false, &r);

	if (!rc && value)
		*value = (uint32_t)r.value;
	return rc;
}

int nvme_host_get_feature_sync(struct nvme_host *h, uint8_t fid, uint32_t nsid, uint32_t *value)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_GET_FEATURES, .nsid = nsid, .cdw10 = fid };

	return feature(h, &sqe, value);
}

int nvme_host_set_feature_sync(struct nvme_host *h, uint8_t fid, uint32_t nsid, uint32_t cdw11,
			       uint32_t *value)
{
	struct nvme_sqe sqe = {
		.opc = NVME_OPC_SET_FEATURES, .nsid = nsid, .cdw10 = fid, .cdw11 = cdw11
	};

	return feature(h, &sqe, value);
}
