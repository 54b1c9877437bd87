/* SPDX-License-Identifier: BSD-2-Clause */
/* Namespaces, and I/O that waits. */
#include <errno.h>
#include <string.h>

#include "host.h"

int nvme_host_ns_open(struct nvme_host *h, uint32_t nsid, struct nvme_host_ns *ns)
{
	struct nvme_identify_ns id;
	const struct nvme_lbaf *f;
	int rc = nvme_host_identify_sync(h, NVME_CNS_NAMESPACE, nsid, &id);

	if (rc)
		return rc;
	f = &id.lbaf[id.flbas & 15];
	if (!id.nsze)
		return weft_set_error(-ENOENT, "namespace %u is not active", nsid);
	if (f->ms || f->lbads < 9 || f->lbads > 16)
		return weft_set_error(-EOPNOTSUPP,
				      "namespace %u: blocks of 2^%u bytes with %u of metadata",
				      nsid, f->lbads, f->ms);
	*ns = (struct nvme_host_ns){
		.host = h, .nsid = nsid, .lba_shift = f->lbads, .blocks = id.nsze
	};
	return 0;
}

struct waiter {
	struct nvme_result result;
	bool done;
};

static void wake(void *arg, const struct nvme_result *r)
{
	struct waiter *w = arg;

	w->result = *r;
	w->done = true;
}

/* rc: of the call that started the command. */
static int finish(const struct nvme_host_ns *ns, struct waiter *w, int rc, const char *what)
{
	if (rc)
		return rc;
	nvme__wait(ns->host, &w->done);
	rc = nvme_result_errno(&w->result);
	if (rc && w->result.error)
		return weft_set_error(rc, "%s: %s", what, strerror(-rc));
	if (rc)
		return weft_set_error(rc, "%s: %s (%xh/%02xh)", what,
				      nvme_status_text(w->result.status), w->result.status >> 8 & 7,
				      w->result.status & 0xff);
	return 0;
}

int nvme_host_read_sync(const struct nvme_host_ns *ns, void *buf, uint64_t slba, uint32_t nlb)
{
	struct memdesc mem = memdesc_vaddr(buf);
	struct waiter w = { .done = false };

	return finish(ns, &w, nvme_host_read(ns, &mem, slba, nlb, 0, wake, &w), "read");
}

int nvme_host_write_sync(const struct nvme_host_ns *ns, const void *buf, uint64_t slba,
			 uint32_t nlb)
{
	struct memdesc mem = memdesc_vaddr((void *)buf);
	struct waiter w = { .done = false };

	return finish(ns, &w, nvme_host_write(ns, &mem, slba, nlb, 0, wake, &w), "write");
}

int nvme_host_compare_sync(const struct nvme_host_ns *ns, const void *buf, uint64_t slba,
			   uint32_t nlb)
{
	struct memdesc mem = memdesc_vaddr((void *)buf);
	struct waiter w = { .done = false };

	return finish(ns, &w, nvme_host_compare(ns, &mem, slba, nlb, wake, &w), "compare");
}

int nvme_host_write_zeroes_sync(const struct nvme_host_ns *ns, uint64_t slba, uint32_t nlb)
{
	struct waiter w = { .done = false };

	return finish(ns, &w, nvme_host_write_zeroes(ns, slba, nlb, 0, wake, &w), "write zeroes");
}

int nvme_host_flush_sync(const struct nvme_host_ns *ns)
{
	struct waiter w = { .done = false };

	return finish(ns, &w, nvme_host_flush(ns, wake, &w), "flush");
}

int nvme_host_dsm_sync(const struct nvme_host_ns *ns, const struct nvme_dsm_range *ranges,
		       unsigned int n, uint32_t attr)
{
	const struct nvmf_env *env = &ns->host->env;
	struct waiter w = { .done = false };
	struct memdesc mem;
	void *dma;
	int rc;

	if (!n || n > 256)
		return -EINVAL;
	dma = nvmf__env_alloc(env, n * sizeof(*ranges));
	if (!dma)
		return -errno;
	memcpy(dma, ranges, n * sizeof(*ranges));
	mem = memdesc_vaddr(dma);
	rc = finish(ns, &w, nvme_host_dsm(ns, &mem, n, attr, wake, &w), "dataset management");
	nvmf__env_free(env, dma);
	return rc;
}
