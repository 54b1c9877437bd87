/* SPDX-License-Identifier: BSD-2-Clause */
/* Backends without a device: memory, and nothing. Every request ends inside submit. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weft/dev.h>

#include "check.h"

struct memory {
	struct nvme_backend base;
	uint8_t *bytes; /* NULL: the null backend */
};

static void copy(const struct memory *m, const struct nvme_backend_io *io)
{
	uint8_t *at = m->bytes ? m->bytes + io->offset : NULL;
	unsigned int i;

	for (i = 0; i < io->iov_count; i++) {
		size_t n = io->iov[i].iov_len;

		if (!n)
			continue;
		if (io->op == NVME_BACKEND_WRITE) {
			if (at)
				memcpy(at, io->iov[i].iov_base, n);
		} else if (at) {
			memcpy(io->iov[i].iov_base, at, n);
		} else {
			memset(io->iov[i].iov_base, 0, n);
		}
		if (at)
			at += n;
	}
}

/* Gives whole pages back to the system, which reads as zeroes; the ends are cleared. */
static void clear(struct memory *m, uint64_t offset, uint64_t len)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t first = (offset + page - 1) & ~(page - 1), last = (offset + len) & ~(page - 1);

	if (!m->bytes)
		return;
	if (first >= last || madvise(m->bytes + first, last - first, MADV_DONTNEED)) {
		memset(m->bytes + offset, 0, len);
		return;
	}
	memset(m->bytes + offset, 0, first - offset);
	memset(m->bytes + last, 0, offset + len - last);
}

static void memory_submit(struct nvme_backend *backend, struct nvme_backend_io *io)
{
	struct memory *m = (struct memory *)backend;
	int rc = backend_check(backend, io);

	if (!rc && (io->op == NVME_BACKEND_READ || io->op == NVME_BACKEND_WRITE))
		copy(m, io);
	else if (!rc && io->op != NVME_BACKEND_FLUSH)
		clear(m, io->offset, io->len);
	io->done(io, rc);
}

static void memory_close(struct nvme_backend *backend)
{
	struct memory *m = (struct memory *)backend;

	if (m->bytes)
		munmap(m->bytes, m->base.size);
	free(m);
}

static const struct nvme_backend_ops ram_ops = {
	.name = "ram",
	.submit = memory_submit,
	.close = memory_close,
};

static const struct nvme_backend_ops null_ops = {
	.name = "null",
	.submit = memory_submit,
	.close = memory_close,
};

static int memory_new(uint64_t size, uint32_t block_size, const struct nvme_backend_ops *ops,
		      struct memory **out)
{
	struct memory *m;

	if (backend_check_geometry(size, block_size))
		return weft_set_error(-EINVAL,
				      "%s backend: %llu bytes in blocks of %u: the block size is "
				      "512 or 4096, the size a multiple of it and not 0",
				      ops->name, (unsigned long long)size, block_size);
	m = calloc(1, sizeof(*m));
	if (!m)
		return weft_set_error(-ENOMEM, "%s backend: no memory", ops->name);
	m->base = (struct nvme_backend){ .ops = ops,
					 .size = size,
					 .block_size = block_size,
					 .align = 1,
					 .zero_by_discard = true };
	*out = m;
	return 0;
}

int nvme_backend_ram(uint64_t size, uint32_t block_size, struct nvme_backend **backend)
{
	struct memory *m;
	void *bytes;
	int rc = memory_new(size, block_size, &ram_ops, &m);

	if (rc)
		return rc;
	bytes = size > SIZE_MAX ? MAP_FAILED :
				  mmap(NULL, size, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED) {
		free(m);
		return weft_set_error(-ENOMEM, "ram backend: no memory for %llu bytes",
				      (unsigned long long)size);
	}
	m->bytes = bytes;
	*backend = &m->base;
	return 0;
}

int nvme_backend_null(uint64_t size, uint32_t block_size, struct nvme_backend **backend)
{
	struct memory *m;
	int rc = memory_new(size, block_size, &null_ops, &m);

	if (!rc)
		*backend = &m->base;
	return rc;
}
