/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory the adapter may reach: allocated here, or the program's own after registration. Only such
 * memory may be given to commands by address. All functions may be called from any thread.
 */
#ifndef WEFT_MEM_H
#define WEFT_MEM_H

#include <stddef.h>
#include <stdint.h>

#include <weft/dev.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * Allocates size bytes (1..1 GiB), page-aligned (4096), zeroed, reachable for reading and writing
 * by the device. Comes from a pool that grows by mappings of 2 MiB or more. NULL: errno says why
 * (ENOMEM, ENOSPC or the bus's error). Belongs to the handle: weft_dev_close frees what is left.
 */
void *weft_mem_alloc(struct weft_dev *dev, size_t size);

/*
 * Gives it back; ptr: as returned, or NULL. The device must be done with it (all commands that used
 * it completed).
 */
void weft_mem_free(struct weft_dev *dev, void *ptr);

/*
 * Lets the device reach len bytes of the program's own memory at addr (any alignment; whole pages
 * around it become reachable). The memory must stay mapped until weft_mem_unregister. The range
 * must not overlap a registered one (-EEXIST).
 * -ENOTSUP: the bus cannot reach memory of this kind; -ENOSPC: no mapping left; -EINVAL: empty, or
 * wraps around.
 */
int weft_mem_register(struct weft_dev *dev, void *addr, size_t len);

/*
 * The same for a shared mapping of a file (memfd, /dev/shm): addr, a multiple of 4096, shows fd
 * from byte offset on. A device in another process then maps the memory itself, which is much
 * faster. fd may be closed after the call.
 */
int weft_mem_register_fd(struct weft_dev *dev, void *addr, size_t len, int fd, uint64_t offset);

/*
 * Ends a registration; addr as registered. -ENOENT: not registered; -EBUSY: a command in flight
 * uses it.
 */
int weft_mem_unregister(struct weft_dev *dev, void *addr);

/*
 * IOVA of len bytes at addr, which must lie in one allocation or registration (-EFAULT). It is
 * valid as long as that is.
 */
int weft_mem_iova(struct weft_dev *dev, const void *addr, size_t len, uint64_t *iova);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
