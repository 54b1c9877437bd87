/* SPDX-License-Identifier: BSD-2-Clause */
/* Fabrics commands: Connect, Property Get, Property Set (NVMe over Fabrics, clause 3). */
#include <errno.h>
#include <string.h>

#include "host.h"

#define CATTR_NO_SQFLOW 0x4u
#define PROP_POLL_MS 10

/* A Connect that failed, in words and as an errno. dw0: IATTR (16), IPO (15:0). */
static int connect_error(uint16_t qid, uint16_t status, uint32_t dw0)
{
	int err = -EPROTO;

	if ((status & NVME_STATUS_MASK) == NVME_SC_CONNECT_INVALID_PARAMETERS &&
	    dw0 == (1u << 16 | 256))
		return weft_set_error(-ENOENT, "Connect: the target has no such subsystem");
	if ((status & NVME_STATUS_MASK) == NVME_SC_CONNECT_INVALID_HOST)
		err = -EPERM;
	return weft_set_error(
		err, "Connect of queue %u failed: %s (%xh/%02xh, parameter at byte %u of the %s)",
		qid, nvme_status_text(status), status >> 8 & 7, status & 0xff, dw0 & 0xffff,
		dw0 >> 16 & 1 ? "data" : "command");
}

int nvme__fabrics_connect(struct nvme_host *h, uint16_t qid, uint16_t qsize)
{
	struct nvme_connect_data data = { .cntlid = qid ? h->cntlid : NVME_CNTLID_DYNAMIC };
	struct nvme_sqe sqe = { .opc = NVME_OPC_FABRICS, .nsid = NVME_FCTYPE_CONNECT };
	struct nvme_result r;
	int rc;

	memcpy(data.hostid, h->opts.hostid, 16);
	strcpy(data.subnqn, h->opts.addr.subnqn);
	strcpy(data.hostnqn, h->opts.addr.hostnqn);
	sqe.cdw10 = (uint32_t)qid << 16;
	sqe.cdw11 = (qsize - 1u) | (h->opts.disable_sqflow ? CATTR_NO_SQFLOW << 16 : 0);
	sqe.cdw12 = qid ? 0 : h->opts.kato_ms;
	rc = nvme__sync(h, h->queue[qid], &sqe, &data, sizeof(data), true, &r);
	if (rc)
		return rc;
	if (r.status)
		return connect_error(qid, r.status, (uint32_t)r.value);
	if (r.value & 0x60000)
		return weft_set_error(
			-EACCES, "the controller wants authentication, which is not supported");
	if (!qid)
		h->cntlid = (uint16_t)r.value;
	return 0;
}

static int property(struct nvme_host *h, const struct nvme_sqe *sqe, uint64_t *value)
{
	struct nvme_result r;
	int rc = nvme__sync(h, h->queue[0], sqe, NULL, 0, false, &r);

	if (rc)
		return rc;
	if (r.status)
		return weft_set_error(-EPROTO, "property at %02xh: %s", sqe->cdw11,
				      nvme_status_text(r.status));
	if (value)
		*value = r.value;
	return 0;
}

int nvme__prop_get(struct nvme_host *h, uint32_t offset, bool eight, uint64_t *value)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_FABRICS,
				.nsid = NVME_FCTYPE_PROPERTY_GET,
				.cdw10 = eight,
				.cdw11 = offset };
	int rc = property(h, &sqe, value);

	if (!rc && !eight)
		*value = (uint32_t)*value;
	return rc;
}

int nvme__prop_set(struct nvme_host *h, uint32_t offset, uint32_t value)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_FABRICS,
				.nsid = NVME_FCTYPE_PROPERTY_SET,
				.cdw11 = offset,
				.cdw12 = value };

	return property(h, &sqe, NULL);
}

/* Lets time pass, in device time. */
static void nap(struct nvme_host *h, unsigned int ms)
{
	uint64_t end = nvmf__env_now(&h->env) + ms * NSEC_PER_MSEC;

	while (nvmf__env_now(&h->env) < end && nvmf__env_poll(&h->env) >= 0)
		if (nvmf__env_wait(&h->env, 1) < 0)
			break;
}

/*
 * Polls CSTS until the bits under mask have value. -EIO when the controller reports a fatal status.
 */
int nvme__wait_csts(struct nvme_host *h, uint32_t mask, uint32_t value, uint64_t timeout_ms)
{
	uint64_t end = nvmf__env_now(&h->env) + timeout_ms * NSEC_PER_MSEC, csts = 0;

	for (;;) {
		int rc = nvme__prop_get(h, NVME_PROP_CSTS, false, &csts);

		if (rc)
			return rc;
		if (csts & NVME_CSTS_CFS)
			return weft_set_error(-EIO, "the controller reports a fatal status");
		if ((csts & mask) == value)
			return 0;
		if (nvmf__env_now(&h->env) > end)
			return weft_set_error(-ETIMEDOUT, "the controller's status stays %xh",
					      (unsigned int)csts);
		nap(h, PROP_POLL_MS);
	}
}
