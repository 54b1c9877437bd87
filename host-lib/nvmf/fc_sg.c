/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of commands as pieces for the FC transport, and names of ports. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fc.h"
#include "weft_host.h"

static bool grow(struct fc_pieces *p)
{
	unsigned int room = p->room ? 2 * p->room : 4 * FC_PIECES;
	struct nvmefc_sg *more = realloc(p->more, room * sizeof(*more));

	if (!more)
		return false;
	if (!p->more)
		memcpy(more, p->own, sizeof(p->own));
	p->more = more;
	p->room = room;
	return true;
}

/* One stretch of memory, cut where the driver needs it. */
static int add(struct fc_pieces *p, void *addr, uint64_t iova, uint32_t len, uint64_t boundary,
	       unsigned int max)
{
	while (len) {
		uint64_t room = boundary - (iova & boundary);
		uint32_t n = len - 1 > room ? (uint32_t)room + 1 : len;

		if (p->n == max)
			return -E2BIG;
		if (p->n == (p->more ? p->room : FC_PIECES) && !grow(p))
			return -ENOMEM;
		(p->more ? p->more : p->own)[p->n++] =
			(struct nvmefc_sg){ .addr = addr, .iova = iova, .len = n };
		addr = addr ? (uint8_t *)addr + n : NULL;
		iova += n;
		len -= n;
	}
	return 0;
}

int nvmf__fc_pieces(struct fc_pieces *p, const struct nvmf_env *env, const struct fc_source *src,
		    uint32_t len, uint64_t boundary, unsigned int max)
{
	unsigned int i;
	int rc = 0;

	p->n = 0;
	if (src->elem && !env->dev)
		return -EINVAL;
	for (i = 0; i < src->count && len && !rc; i++) {
		uint64_t have = src->elem ? src->elem[i].len : src->iov[i].iov_len, iova = 0;
		void *addr = src->elem ? NULL : src->iov[i].iov_base;
		uint32_t n = have < len ? (uint32_t)have : len;

		if (!n)
			continue;
		if (src->elem)
			iova = src->elem[i].addr;
		else
			rc = nvmf__env_iova(env, addr, n, &iova);
		if (!rc)
			rc = add(p, addr, iova, n, boundary, max);
		len -= n;
	}
	return rc ? rc : len ? -EINVAL : 0;
}

void nvmf__fc_name(char name[FC_NAME_LEN], uint64_t wwnn, uint64_t wwpn)
{
	snprintf(name, FC_NAME_LEN, "nn-0x%016llx:pn-0x%016llx", (unsigned long long)wwnn,
		 (unsigned long long)wwpn);
}
