/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Discovery (NVMe over Fabrics, discovery service): the log page is read until it did not change
 * while it was read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define TRIES 10
#define RECORDS_MAX 16384u /* 16 MiB of log: more is not believed */
#define CHUNK 65536u

static int read_header(struct nvme_host *h, struct nvme_discovery_header *hdr)
{
	int rc = nvme_host_get_log_sync(h, NVME_LID_DISCOVERY, 0, 0, true, hdr, sizeof(*hdr));

	if (rc)
		return rc;
	if (hdr->recfmt)
		return weft_set_error(-EPROTO, "discovery log of format %u", hdr->recfmt);
	if (hdr->numrec > RECORDS_MAX)
		return weft_set_error(-EPROTO, "discovery log of %llu records",
				      (unsigned long long)hdr->numrec);
	return 0;
}

static int read_records(struct nvme_host *h, struct nvme_discovery_entry *list, size_t n)
{
	size_t len = n * sizeof(*list), at = 0;

	while (at < len) {
		uint32_t step = (uint32_t)(len - at < CHUNK ? len - at : CHUNK);
		bool last = at + step ==
			    len; /* only the last read lets the controller report the next change */
		int rc = nvme_host_get_log_sync(h, NVME_LID_DISCOVERY, 0,
						sizeof(struct nvme_discovery_header) + at, !last,
						(char *)list + at, step);

		if (rc)
			return rc;
		at += step;
	}
	return 0;
}

static int read_log(struct nvme_host *h, struct nvme_discovery_entry **list, size_t *n,
		    uint64_t *genctr)
{
	struct nvme_discovery_header hdr, again;
	int tries, rc;

	for (tries = 0; tries < TRIES; tries++) {
		rc = read_header(h, &hdr);
		if (rc)
			return rc;
		*list = calloc(hdr.numrec ? hdr.numrec : 1, sizeof(**list));
		if (!*list)
			return -ENOMEM;
		rc = read_records(h, *list, hdr.numrec);
		if (!rc)
			rc = read_header(h, &again);
		if (!rc && again.genctr == hdr.genctr && again.numrec == hdr.numrec) {
			*n = hdr.numrec;
			if (genctr)
				*genctr = hdr.genctr;
			return 0;
		}
		free(*list);
		*list = NULL;
		if (rc)
			return rc;
	}
	return weft_set_error(-EAGAIN, "the discovery log changed %d times while it was read",
			      TRIES);
}

int nvme_host_discover(struct weft_dev *dev, const struct nvme_host_opts *opts,
		       struct nvme_discovery_entry **list, size_t *n, uint64_t *genctr)
{
	struct nvme_host_opts o = *opts;
	struct nvme_host *h;
	int rc;

	if (!o.addr.subnqn[0])
		strcpy(o.addr.subnqn, NVME_DISCOVERY_NQN);
	o.io_queues = 0;
	o.kato_ms = 0;
	o.no_async_events = true;
	o.reconnect_delay_ms = 0;
	o.event_cb = NULL;
	rc = nvme_host_connect(dev, &o, &h);
	if (rc)
		return rc;
	rc = read_log(h, list, n, genctr);
	nvme_host_disconnect(h);
	return rc;
}
