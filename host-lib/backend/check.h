/* SPDX-License-Identifier: BSD-2-Clause */
/* What every backend asks of a request before it does anything with it. */
#ifndef BACKEND_CHECK_H
#define BACKEND_CHECK_H

#include <errno.h>

#include <nvme/backend.h>

static inline int backend_check_geometry(uint64_t size, uint32_t block_size)
{
	if (block_size != 512 && block_size != 4096)
		return -EINVAL;
	return !size || size % block_size || size > INT64_MAX ? -EINVAL : 0;
}

/* 0, -EINVAL, -ERANGE or -EROFS. */
static inline int backend_check(const struct nvme_backend *b, const struct nvme_backend_io *io)
{
	uint64_t sum = 0;
	unsigned int i;

	if (io->op == NVME_BACKEND_FLUSH)
		return 0;
	if (io->op > NVME_BACKEND_DISCARD)
		return -EOPNOTSUPP;
	if (io->offset % b->block_size || io->len % b->block_size)
		return -EINVAL;
	if (io->offset > b->size || io->len > b->size - io->offset)
		return -ERANGE;
	if (b->read_only && io->op != NVME_BACKEND_READ)
		return -EROFS;
	if (io->op != NVME_BACKEND_READ && io->op != NVME_BACKEND_WRITE)
		return 0;
	for (i = 0; i < io->iov_count; i++) {
		if (io->iov[i].iov_len > io->len - sum)
			return -EINVAL;
		sum += io->iov[i].iov_len;
	}
	return sum == io->len ? 0 : -EINVAL;
}

#endif
