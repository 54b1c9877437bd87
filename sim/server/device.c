// SPDX-License-Identifier: BSD-2-Clause
/*
 * What each message of a client does. Every handler checks the payload's length before it looks at
 * a field, answers exactly once (vfu_reply stays silent when no reply is wanted) and leaves the
 * message's file descriptors to vfu_free, except those it keeps, which it replaces by -1.
 */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server.h"
#include "weft_host.h"

#define REGIONS 9
#define REGION_BAR0 0
#define REGION_MSIX 4
#define REGION_CONFIG 7
#define REGION_READABLE 1u
#define REGION_WRITABLE 2u
#define IRQ_TYPES 5
#define IRQ_MSIX 2
#define IRQ_EVENTFD 1u
#define DATA_NONE 1u
#define DATA_BOOL 2u
#define DATA_EVENTFD 4u
#define ACTION_TRIGGER 0x20u
#define DEVICE_RESETS 1u
#define DEVICE_PCI 2u
#define UNMAP_ALL 2u

static void refuse(struct vfu *v, const struct vfu_msg *m, int err)
{
	vfu_reply(v, m, err, NULL, 0, NULL, 0);
}

static void done(struct vfu *v, const struct vfu_msg *m)
{
	vfu_reply(v, m, 0, NULL, 0, NULL, 0);
}

/* --- version ---------------------------------------------------------------------------------- */

/* What the client says it can take in one message; the default where it says nothing. */
static uint32_t client_limit(const char *text)
{
	struct json_object *root = json_tokener_parse(text), *caps, *max;
	int64_t value = VFU_XFER_MAX;

	if (json_object_object_get_ex(root, "capabilities", &caps) &&
	    json_object_object_get_ex(caps, "max_data_xfer_size", &max))
		value = json_object_get_int64(max);
	json_object_put(root);
	return value < 1 || value > VFU_XFER_MAX ? VFU_XFER_MAX : (uint32_t)value;
}

static void on_version(struct vfu *v, const struct vfu_msg *m)
{
	static const char caps[] =
		"{\"capabilities\":{\"max_msg_fds\":1,\"max_data_xfer_size\":1048576}}";
	uint16_t version[2];

	if (v->negotiated || m->len < sizeof(version)) {
		vfu_broken(v, "bad version message");
		return;
	}
	memcpy(version, m->payload, sizeof(version));
	if (version[0] != 0) {
		refuse(v, m, -EINVAL);
		vfu_broken(v, "protocol version unknown");
		return;
	}
	if (m->len > 4 && m->payload[m->len - 1] != '\0') {
		refuse(v, m, -EINVAL);
		vfu_broken(v, "version text has no end");
		return;
	}
	if (m->len > 4)
		v->client_xfer_max = client_limit((const char *)m->payload + 4);
	version[1] = 0;
	v->negotiated = true;
	vfu_reply(v, m, 0, version, sizeof(version), caps, sizeof(caps));
}

/* --- memory ----------------------------------------------------------------------------------- */

static void on_dma_map(struct vfu *v, const struct vfu_msg *m)
{
	struct {
		uint32_t argsz, flags;
		uint64_t offset, address, size;
	} a;
	int ret;

	if (m->len < sizeof(a) || m->n_fds > 1) {
		refuse(v, m, -EINVAL);
		return;
	}
	memcpy(&a, m->payload, sizeof(a));
	ret = a.argsz < sizeof(a) ? -EINVAL :
				    dma_map(&v->dma, a.address, a.size, a.offset, a.flags,
					    m->n_fds ? m->fds[0] : -1);
	refuse(v, m, ret);
}

static void on_dma_unmap(struct vfu *v, const struct vfu_msg *m)
{
	struct {
		uint32_t argsz, flags;
		uint64_t address, size;
	} a;
	int ret = 0;

	if (m->len < sizeof(a)) {
		refuse(v, m, -EINVAL);
		return;
	}
	memcpy(&a, m->payload, sizeof(a));
	if (a.argsz < sizeof(a) || (a.flags & ~UNMAP_ALL))
		ret = -EINVAL;
	else if (a.flags & UNMAP_ALL)
		ret = a.address || a.size ? -EINVAL : (v->dma.n = 0, 0);
	else
		ret = dma_unmap(&v->dma, a.address, a.size);
	vfu_reply(v, m, ret, &a, sizeof(a), NULL, 0);
}

/* --- information ------------------------------------------------------------------------------ */

static void on_get_info(struct vfu *v, const struct vfu_msg *m)
{
	uint32_t info[4] = { sizeof(info), DEVICE_RESETS | DEVICE_PCI, REGIONS, IRQ_TYPES };
	uint32_t argsz = 0;

	if (m->len >= 4)
		memcpy(&argsz, m->payload, 4);
	vfu_reply(v, m, argsz < sizeof(info) ? -EINVAL : 0, info, sizeof(info), NULL, 0);
}

static uint32_t region_size(uint32_t index)
{
	switch (index) {
	case REGION_BAR0:
		return WEFT_BAR_SIZE;
	case REGION_MSIX:
		return PCI_MSIX_BAR_SIZE;
	case REGION_CONFIG:
		return PCI_CONFIG_SIZE;
	default:
		return 0;
	}
}

static void on_get_region_info(struct vfu *v, const struct vfu_msg *m)
{
	struct {
		uint32_t argsz, flags, index, cap;
		uint64_t size, offset;
	} info = { 0 };
	int ret = -EINVAL;

	if (m->len >= 12) {
		memcpy(&info, m->payload, 12);
		if (info.argsz >= sizeof(info) && info.index < REGIONS)
			ret = 0;
	}
	if (!ret) {
		info.argsz = sizeof(info);
		info.size = region_size(info.index);
		info.flags = info.size ? REGION_READABLE | REGION_WRITABLE : 0;
		info.cap = 0;
		info.offset = 0;
	}
	vfu_reply(v, m, ret, &info, sizeof(info), NULL, 0);
}

static void on_get_irq_info(struct vfu *v, const struct vfu_msg *m)
{
	uint32_t info[4] = { 0 };
	int ret = -EINVAL;

	if (m->len >= 12) {
		memcpy(info, m->payload, 12);
		if (info[0] >= sizeof(info) && info[2] < IRQ_TYPES)
			ret = 0;
	}
	info[0] = sizeof(info);
	info[1] = info[2] == IRQ_MSIX ? IRQ_EVENTFD : 0;
	info[3] = info[2] == IRQ_MSIX ? VFU_VECTORS : 0;
	vfu_reply(v, m, ret, info, sizeof(info), NULL, 0);
}

/* --- interrupts ------------------------------------------------------------------------------- */

static void set_irq(struct vfu *v, unsigned int vector, int fd)
{
	if (v->irq[vector] >= 0)
		close(v->irq[vector]);
	v->irq[vector] = fd;
}

void vfu_drop_irqs(struct vfu *v)
{
	unsigned int i;

	for (i = 0; i < VFU_VECTORS; i++)
		set_irq(v, i, -1);
}

/* Any other kind of file could block us. */
static bool is_eventfd(int fd)
{
	char path[32], name[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	if (n < 0)
		return false;
	name[n] = '\0';
	return !strcmp(name, "anon_inode:[eventfd]");
}

static void signal_irq(const struct vfu *v, unsigned int vector)
{
	static const uint64_t one = 1;
	struct pollfd pfd = { v->irq[vector], POLLOUT, 0 };
	ssize_t n;

	if (v->irq[vector] < 0 || poll(&pfd, 1, 0) != 1)
		return; /* a full eventfd is readable already */
	n = write(v->irq[vector], &one, sizeof(one));
	(void)n;
}

struct set_irqs {
	uint32_t argsz, flags, index, start, count;
};

static int give_eventfds(struct vfu *v, struct vfu_msg *m, const struct set_irqs *a)
{
	unsigned int i;

	if (m->n_fds && m->n_fds != a->count)
		return -EINVAL;
	for (i = 0; i < m->n_fds; i++)
		if (!is_eventfd(m->fds[i]))
			return -EINVAL;
	for (i = 0; i < a->count; i++) {
		set_irq(v, a->start + i, m->n_fds ? m->fds[i] : -1);
		if (m->n_fds)
			m->fds[i] = -1;
	}
	return 0;
}

static int trigger(struct vfu *v, const struct vfu_msg *m, const struct set_irqs *a)
{
	const uint8_t *wanted = m->payload + sizeof(*a);
	unsigned int i;

	if (a->flags & DATA_BOOL && m->len < sizeof(*a) + a->count)
		return -EINVAL;
	if (a->flags & DATA_NONE && !a->count && !a->start)
		vfu_drop_irqs(v);
	for (i = 0; i < a->count; i++)
		if (a->flags & DATA_NONE || wanted[i])
			signal_irq(v, a->start + i);
	return 0;
}

static int set_irqs(struct vfu *v, struct vfu_msg *m)
{
	struct set_irqs a;

	if (m->len < sizeof(a))
		return -EINVAL;
	memcpy(&a, m->payload, sizeof(a));
	if (a.argsz < sizeof(a) || a.index >= IRQ_TYPES)
		return -EINVAL;
	if (a.index != IRQ_MSIX) /* there are none: only taking them all away makes sense */
		return a.count || a.start ? -EINVAL : 0;
	if (a.start > VFU_VECTORS || a.count > VFU_VECTORS - a.start)
		return -EINVAL;
	switch (a.flags) {
	case DATA_EVENTFD | ACTION_TRIGGER:
		return give_eventfds(v, m, &a);
	case DATA_NONE | ACTION_TRIGGER:
	case DATA_BOOL | ACTION_TRIGGER:
		return trigger(v, m, &a);
	default:
		return -EINVAL;
	}
}

/* --- regions ---------------------------------------------------------------------------------- */

static void reset_device(struct vfu *v)
{
	pci_reset(&v->pci);
	weft_sim_reset(v->sim);
}

/* An access of another width than a register's becomes one access per word. */
static void bar_read(struct vfu *v, uint32_t off, uint8_t *buf, uint32_t len)
{
	uint64_t val;
	uint32_t n, i;

	for (; len; off += n, buf += n, len -= n) {
		n = len == 1 || len == 2 || len == 4 || len == 8 ? len : 4 - off % 4;
		if (n > len || n == 3)
			n = 1;
		if (weft_sim_bar_read(v->sim, off, n, &val))
			val = UINT64_MAX;
		for (i = 0; i < n; i++)
			buf[i] = (uint8_t)(val >> (i * 8));
	}
}

static void bar_write(struct vfu *v, uint32_t off, const uint8_t *buf, uint32_t len)
{
	uint64_t val;
	uint32_t n, i;

	for (; len; off += n, buf += n, len -= n) {
		n = len == 1 || len == 2 || len == 4 || len == 8 ? len : 4 - off % 4;
		if (n > len || n == 3)
			n = 1;
		for (val = 0, i = 0; i < n; i++)
			val |= (uint64_t)buf[i] << (i * 8);
		weft_sim_bar_write(v->sim, off, n, val);
	}
}

struct region_access {
	uint64_t offset;
	uint32_t region, count;
};

static int check_access(const struct vfu_msg *m, struct region_access *a, bool write)
{
	uint32_t size;

	if (m->len < sizeof(*a))
		return -EINVAL;
	memcpy(a, m->payload, sizeof(*a));
	size = region_size(a->region);
	if (!a->count || a->count > VFU_XFER_MAX || a->offset >= size ||
	    a->count > size - a->offset)
		return -EINVAL;
	return write && m->len < sizeof(*a) + a->count ? -EINVAL : 0;
}

static void on_region_read(struct vfu *v, const struct vfu_msg *m)
{
	static uint8_t data[VFU_XFER_MAX];
	struct region_access a = { 0 };
	int ret = check_access(m, &a, false);
	uint32_t off = (uint32_t)a.offset;

	if (ret) {
		refuse(v, m, ret);
		return;
	}
	if (a.region == REGION_BAR0)
		bar_read(v, off, data, a.count);
	else if (a.region == REGION_MSIX)
		pci_msix_read(&v->pci, off, data, a.count);
	else
		pci_read(&v->pci, off, data, a.count);
	vfu_reply(v, m, 0, &a, sizeof(a), data, a.count);
}

static void on_region_write(struct vfu *v, const struct vfu_msg *m)
{
	struct region_access a = { 0 };
	int ret = check_access(m, &a, true);
	const uint8_t *data = m->payload + sizeof(a);
	uint32_t off = (uint32_t)a.offset;

	if (ret) {
		refuse(v, m, ret);
		return;
	}
	if (a.region == REGION_BAR0)
		bar_write(v, off, data, a.count);
	else if (a.region == REGION_MSIX)
		pci_msix_write(&v->pci, off, data, a.count);
	else if (pci_write(&v->pci, off, data, a.count))
		reset_device(v);
	vfu_reply(v, m, 0, &a, sizeof(a), NULL, 0);
}

/* --- all -------------------------------------------------------------------------------------- */

void vfu_handle(struct vfu *v, struct vfu_msg *m)
{
	if ((m->h.flags & VFU_TYPE_MASK) != 0)
		return; /* an answer to a question given up */
	if (!v->negotiated && m->h.command != VFU_VERSION) {
		vfu_broken(v, "first message is not the version");
		return;
	}
	switch (m->h.command) {
	case VFU_VERSION:
		on_version(v, m);
		break;
	case VFU_DMA_MAP:
		on_dma_map(v, m);
		break;
	case VFU_DMA_UNMAP:
		on_dma_unmap(v, m);
		break;
	case VFU_GET_INFO:
		on_get_info(v, m);
		break;
	case VFU_GET_REGION_INFO:
		on_get_region_info(v, m);
		break;
	case VFU_GET_IRQ_INFO:
		on_get_irq_info(v, m);
		break;
	case VFU_SET_IRQS:
		refuse(v, m, set_irqs(v, m));
		break;
	case VFU_REGION_READ:
		on_region_read(v, m);
		break;
	case VFU_REGION_WRITE:
		on_region_write(v, m);
		break;
	case VFU_DEVICE_RESET:
		reset_device(v);
		done(v, m);
		break;
	default:
		refuse(v, m, -EOPNOTSUPP);
	}
}

/* --- the adapter's side ----------------------------------------------------------------------- */

static const struct dma_range *dma_target(struct vfu *v, uint64_t iova, size_t len,
					  unsigned int prot)
{
	const struct dma_range *r = NULL;

	if (v->fd >= 0 && pci_bus_master(&v->pci))
		r = dma_find(&v->dma, iova, len, prot);
	v->stats.dma_refused += !r;
	return r;
}

int vfu_dma_read(struct vfu *v, uint64_t iova, void *buf, size_t len)
{
	const struct dma_range *r = dma_target(v, iova, len, DMA_R);

	if (!r)
		return -EFAULT;
	if (!r->addr)
		return vfu_client_dma(v, VFU_DMA_READ, iova, buf, len);
	return dma_copy(buf, r->addr + (iova - r->iova), len);
}

int vfu_dma_write(struct vfu *v, uint64_t iova, const void *buf, size_t len)
{
	const struct dma_range *r = dma_target(v, iova, len, DMA_W);

	if (!r)
		return -EFAULT;
	if (!r->addr)
		return vfu_client_dma(v, VFU_DMA_WRITE, iova, (void *)buf, len);
	return dma_copy(r->addr + (iova - r->iova), buf, len);
}

void vfu_irq(struct vfu *v, unsigned int vector)
{
	if (vector < VFU_VECTORS && pci_bus_master(&v->pci))
		signal_irq(v, vector);
}
