/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus over vfio-user: the device is another process behind a UNIX socket. Registers travel as
 * messages (writes are posted), interrupts come as eventfds, memory goes over as file descriptors
 * where it has one; other memory is served by message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <json-c/json.h>

#include "../internal.h"
#include "vu.h"

#define VENDOR_DEVICE (WEFT_PCI_DEVICE << 16 | WEFT_PCI_VENDOR)
#define REGION_BAR0 0u
#define REGION_CONFIG 7u
#define IRQ_MSIX 2u
#define CONFIG_COMMAND 0x04u
#define CONFIG_STATUS 0x06u
#define CONFIG_CAP_PTR 0x34u
#define COMMAND_MEM_MASTER 0x6u
#define CAP_MSIX 0x11u
#define MSIX_CONTROL 2u
#define MSIX_ENABLE 0x8000u
#define IOVA_FIRST 0x100000000ull
#define IOVA_END (1ull << 47)
#define VERSION_MAX 4096u
#define DEFAULT_TIMEOUT_MS 10000u
#define DEFAULT_MAX_MAPS 65535u

static struct vu_bus *vu_of(struct weft_bus *bus)
{
	return (struct vu_bus *)bus;
}

static int region_read(struct vu_bus *vu, uint32_t region, uint64_t off, void *buf, uint32_t len)
{
	struct vu_region_access acc = { off, region, len };
	uint8_t in[sizeof(acc) + 8] = { 0 };
	struct vu_request req = { .command = VU_REGION_READ,
				  .head = &acc,
				  .head_len = sizeof(acc),
				  .fd = -1,
				  .reply = in,
				  .reply_min = sizeof(acc) + len,
				  .reply_max = sizeof(acc) + len };
	int rc = vu_call(vu, &req);

	if (rc)
		return rc;
	if (memcmp(in, &acc, sizeof(acc))) {
		vu->broken = true;
		return weft_set_error(-EPROTO, "vfio-user: a read was answered with another place");
	}
	memcpy(buf, in + sizeof(acc), len);
	return 0;
}

static int region_write(struct vu_bus *vu, uint32_t region, uint64_t off, const void *buf,
			uint32_t len, bool posted)
{
	struct vu_region_access acc = { off, region, len }, in;
	struct vu_request req = { .command = VU_REGION_WRITE,
				  .head = &acc,
				  .head_len = sizeof(acc),
				  .tail = buf,
				  .tail_len = len,
				  .fd = -1,
				  .no_reply = posted,
				  .reply = &in,
				  .reply_min = sizeof(in),
				  .reply_max = sizeof(in) };

	return vu_call(vu, &req);
}

/* A server that breaks the protocol is as good as gone; the text still tells. */
static int gone(int rc)
{
	return rc == -EPROTO ? -ENODEV : rc;
}

static int vu_read32(struct weft_bus *bus, uint32_t off, uint32_t *val)
{
	int rc = gone(region_read(vu_of(bus), REGION_BAR0, off, val, 4));

	if (rc)
		*val = ~0u;
	return rc;
}

static int vu_write32(struct weft_bus *bus, uint32_t off, uint32_t val)
{
	return gone(region_write(vu_of(bus), REGION_BAR0, off, &val, 4, true));
}

/* Notes a mapping and gives it an address; NULL with *rc when there is no room. */
static struct vu_map *enter_map(struct vu_bus *vu, void *addr, size_t len, unsigned int prot,
				int *rc)
{
	struct vu_map *map = calloc(1, sizeof(*map));

	*rc = -ENOMEM;
	if (!map)
		return NULL;
	pthread_mutex_lock(&vu->lock);
	*rc = vu->n_maps >= vu->max_maps || len > IOVA_END - vu->next_iova ? -ENOSPC : 0;
	if (!*rc) {
		*map = (struct vu_map){ vu->maps, vu->next_iova, len, addr, prot };
		vu->next_iova += len;
		vu->n_maps++;
		vu->maps = map;
	}
	pthread_mutex_unlock(&vu->lock);
	if (!*rc)
		return map;
	free(map);
	return NULL;
}

/* Forgets the mapping of exactly this place. */
static bool leave_map(struct vu_bus *vu, uint64_t iova, size_t len)
{
	struct vu_map **at, *map;

	pthread_mutex_lock(&vu->lock);
	for (at = &vu->maps; *at && ((*at)->iova != iova || (*at)->len != len); at = &(*at)->next)
		;
	map = *at;
	if (map) {
		*at = map->next;
		vu->n_maps--;
	}
	pthread_mutex_unlock(&vu->lock);
	free(map);
	return map != NULL;
}

/* The mapping is noted before the server knows it, so that its first access finds it. */
static int map_any(struct weft_bus *bus, void *addr, size_t len, unsigned int prot, int fd,
		   uint64_t offset, uint64_t *iova)
{
	struct vu_bus *vu = vu_of(bus);
	struct vu_dma_map m = { .argsz = sizeof(m), .flags = prot, .offset = offset, .size = len };
	struct vu_request req = {
		.command = VU_DMA_MAP, .head = &m, .head_len = sizeof(m), .fd = fd
	};
	struct vu_map *map;
	int rc;

	if (!len || len % PAGE || (uintptr_t)addr % PAGE)
		return -EINVAL;
	map = enter_map(vu, addr, len, prot, &rc);
	if (!map)
		return rc;
	m.address = *iova = map->iova;
	rc = gone(vu_call(vu, &req));
	if (rc)
		leave_map(vu, *iova, len);
	return rc;
}

static int vu_dma_map(struct weft_bus *bus, void *addr, size_t len, unsigned int prot,
		      uint64_t *iova)
{
	return map_any(bus, addr, len, prot, -1, 0, iova);
}

static int vu_dma_map_fd(struct weft_bus *bus, void *addr, size_t len, unsigned int prot, int fd,
			 uint64_t offset, uint64_t *iova)
{
	return map_any(bus, addr, len, prot, fd, offset, iova);
}

static int vu_dma_unmap(struct weft_bus *bus, uint64_t iova, size_t len)
{
	struct vu_bus *vu = vu_of(bus);
	struct vu_dma_unmap m = { .argsz = sizeof(m), .address = iova, .size = len }, in;
	struct vu_request req = { .command = VU_DMA_UNMAP,
				  .head = &m,
				  .head_len = sizeof(m),
				  .fd = -1,
				  .reply = &in,
				  .reply_max = sizeof(in) };

	return leave_map(vu, iova, len) ? gone(vu_call(vu, &req)) : -EINVAL;
}

static int vu_irq_count(struct weft_bus *bus)
{
	return (int)vu_of(bus)->n_vectors;
}

/* Guests write the MSI-X enable bit themselves; we are the guest here. */
static int enable_msix(struct vu_bus *vu)
{
	uint16_t control;
	int rc;

	if (!vu->msix_cap)
		return 0;
	rc = region_read(vu, REGION_CONFIG, vu->msix_cap + MSIX_CONTROL, &control, 2);
	if (rc || (control & MSIX_ENABLE))
		return gone(rc);
	control |= MSIX_ENABLE;
	return gone(
		region_write(vu, REGION_CONFIG, vu->msix_cap + MSIX_CONTROL, &control, 2, false));
}

static int vu_irq_set(struct weft_bus *bus, unsigned int vector, int fd)
{
	struct vu_bus *vu = vu_of(bus);
	struct vu_irq_set set = { .argsz = sizeof(set),
				  .flags = 0x24 /* eventfd, trigger */,
				  .index = IRQ_MSIX,
				  .start = vector,
				  .count = 1 };
	struct vu_request req = {
		.command = VU_SET_IRQS, .head = &set, .head_len = sizeof(set), .fd = fd
	};
	int rc;

	if (vector >= vu->n_vectors)
		return -ERANGE;
	rc = gone(vu_call(vu, &req));
	return rc || fd < 0 ? rc : enable_msix(vu);
}

static int bus_master(struct vu_bus *vu)
{
	uint16_t command = 0;
	int rc = region_read(vu, REGION_CONFIG, CONFIG_COMMAND, &command, 2);

	if (rc)
		return rc;
	command |= COMMAND_MEM_MASTER;
	rc = region_write(vu, REGION_CONFIG, CONFIG_COMMAND, &command, 2, false);
	if (!rc)
		rc = region_read(vu, REGION_CONFIG, CONFIG_COMMAND, &command, 2);
	if (!rc && (command & COMMAND_MEM_MASTER) != COMMAND_MEM_MASTER)
		rc = weft_set_error(-EPROTO, "vfio-user: the device cannot be made bus master");
	return rc;
}

static int vu_reset(struct weft_bus *bus)
{
	struct vu_bus *vu = vu_of(bus);
	struct vu_request req = { .command = VU_DEVICE_RESET, .fd = -1 };
	int rc;

	if (!vu->can_reset)
		return -EOPNOTSUPP;
	rc = vu_call(vu, &req);
	if (!rc)
		rc = bus_master(vu);
	return gone(rc ? rc : enable_msix(vu));
}

/*
 * Serves DMA messages. Called at each empty poll: the system call is made only now and then, and
 * when the socket woke us (0 ns).
 */
static int vu_advance(struct weft_bus *bus, uint64_t max_ns)
{
	struct vu_bus *vu = vu_of(bus);

	if (max_ns && ++vu->idle_polls % 16)
		return 0;
	return vu_serve(vu);
}

static int vu_error_fd(struct weft_bus *bus)
{
	return vu_of(bus)->fd;
}

static void vu_close(struct weft_bus *bus)
{
	struct vu_bus *vu = vu_of(bus);

	close(vu->fd);
	while (vu->maps) {
		struct vu_map *m = vu->maps;

		vu->maps = m->next;
		free(m);
	}
	pthread_mutex_destroy(&vu->lock);
	free(vu->bounce);
	free(vu);
}

static const struct weft_bus_ops vu_ops = {
	.name = "vfio-user",
	.read32 = vu_read32,
	.write32 = vu_write32,
	.dma_map = vu_dma_map,
	.dma_unmap = vu_dma_unmap,
	.dma_map_fd = vu_dma_map_fd,
	.irq_count = vu_irq_count,
	.irq_set = vu_irq_set,
	.reset = vu_reset,
	.advance = vu_advance,
	.error_fd = vu_error_fd,
	.close = vu_close,
};

/*
 * A number of the server's capabilities; def when absent. -1: present, but no number that makes
 * sense.
 */
static int64_t capability(struct json_object *caps, const char *name, int64_t def)
{
	struct json_object *v;

	if (!json_object_object_get_ex(caps, name, &v))
		return def;
	return json_object_is_type(v, json_type_int) && json_object_get_int64(v) > 0 ?
		       json_object_get_int64(v) :
		       -1;
}

/* The text after the version numbers: optional, but whole and sound when there. */
static int parse_capabilities(struct vu_bus *vu, const char *text, size_t len)
{
	struct json_object *top, *caps;
	int64_t maps = DEFAULT_MAX_MAPS, xfer = VU_DATA_MAX;
	int rc = -EPROTO;

	vu->max_maps = DEFAULT_MAX_MAPS;
	if (!len)
		return 0;
	if (text[len - 1])
		return weft_set_error(rc,
				      "vfio-user: the server's capabilities are not terminated");
	top = json_tokener_parse(text);
	if (!top)
		return weft_set_error(rc, "vfio-user: the server's capabilities are not JSON");
	if (json_object_object_get_ex(top, "capabilities", &caps)) {
		if (!json_object_is_type(caps, json_type_object))
			goto out;
		maps = capability(caps, "max_dma_maps", maps);
		xfer = capability(caps, "max_data_xfer_size", xfer);
	}
	if (!json_object_is_type(top, json_type_object) || maps < 1 || xfer < 8)
		goto out;
	if (maps < DEFAULT_MAX_MAPS)
		vu->max_maps = (uint32_t)maps;
	rc = 0;
out:
	json_object_put(top);
	return rc ? weft_set_error(rc, "vfio-user: the server's capabilities make no sense") : 0;
}

static int negotiate(struct vu_bus *vu)
{
	static const char ours[] =
		"\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}";
	char in[VERSION_MAX] = { 0 };
	struct vu_request req = { .command = VU_VERSION,
				  .head = ours,
				  .head_len = sizeof(ours),
				  .fd = -1,
				  .reply = in,
				  .reply_min = 4,
				  .reply_max = sizeof(in) };
	uint16_t version[2];
	int rc = vu_call(vu, &req);

	if (rc)
		return rc;
	memcpy(version, in, 4);
	if (version[0] || version[1])
		return weft_set_error(-EPROTO,
				      "vfio-user: the server speaks version %u.%u, not 0.0",
				      version[0], version[1]);
	return parse_capabilities(vu, in + 4, req.reply_len - 4);
}

static int check_device(struct vu_bus *vu)
{
	struct vu_device_info info = { .argsz = sizeof(info) };
	struct vu_request req = { .command = VU_GET_INFO,
				  .head = &info,
				  .head_len = sizeof(info),
				  .fd = -1,
				  .reply = &info,
				  .reply_min = sizeof(info),
				  .reply_max = sizeof(info) };
	int rc = vu_call(vu, &req);

	if (rc)
		return rc;
	if (!(info.flags & VU_DEVICE_FLAG_PCI) || info.num_regions <= REGION_CONFIG ||
	    info.num_irqs <= IRQ_MSIX)
		return weft_set_error(-EPROTO, "vfio-user: no PCI device with BARs and MSI-X");
	vu->can_reset = info.flags & VU_DEVICE_FLAG_RESET;
	return 0;
}

static int check_region(struct vu_bus *vu, uint32_t index, uint64_t min_size)
{
	union {
		struct vu_region_info info;
		uint8_t room[4096]; /* capabilities may follow */
	} u = { .info = { .argsz = sizeof(u), .index = index } };
	struct vu_request req = { .command = VU_GET_REGION_INFO,
				  .head = &u,
				  .head_len = sizeof(u.info),
				  .fd = -1,
				  .reply = &u,
				  .reply_min = sizeof(u.info),
				  .reply_max = sizeof(u) };
	int rc = vu_call(vu, &req);

	if (rc)
		return rc;
	if (u.info.index != index || u.info.size < min_size || (u.info.flags & 3) != 3)
		return weft_set_error(
			-EPROTO,
			"vfio-user: region %u is too small (%llu bytes wanted) or read-only", index,
			(unsigned long long)min_size);
	return 0;
}

static int check_irqs(struct vu_bus *vu)
{
	struct vu_irq_info info = { .argsz = sizeof(info), .index = IRQ_MSIX };
	struct vu_request req = { .command = VU_GET_IRQ_INFO,
				  .head = &info,
				  .head_len = sizeof(info),
				  .fd = -1,
				  .reply = &info,
				  .reply_min = sizeof(info),
				  .reply_max = sizeof(info) };
	int rc = vu_call(vu, &req);

	if (rc)
		return rc;
	if (info.index != IRQ_MSIX || !(info.flags & VU_IRQ_FLAG_EVENTFD) || !info.count ||
	    info.count > 2048)
		return weft_set_error(-EPROTO, "vfio-user: no MSI-X vectors over eventfds");
	vu->n_vectors = info.count;
	return 0;
}

/* Finds the MSI-X capability; a list that does not end is cut off. */
static int find_msix(struct vu_bus *vu)
{
	uint16_t status = 0;
	uint8_t at = 0, cap[2];
	unsigned int hops;
	int rc = region_read(vu, REGION_CONFIG, CONFIG_STATUS, &status, 2);

	if (rc || !(status & 0x10))
		return rc;
	rc = region_read(vu, REGION_CONFIG, CONFIG_CAP_PTR, &at, 1);
	for (hops = 0; !rc && at >= 0x40 && hops < 48; hops++) {
		rc = region_read(vu, REGION_CONFIG, at & 0xfcu, cap, 2);
		if (!rc && cap[0] == CAP_MSIX) {
			vu->msix_cap = at & 0xfcu;
			break;
		}
		at = cap[1];
	}
	return rc;
}

static int check_id(struct vu_bus *vu)
{
	uint32_t id = 0;
	int rc = region_read(vu, REGION_CONFIG, 0, &id, 4);

	if (rc)
		return rc;
	if (id != VENDOR_DEVICE)
		return weft_set_error(
			-ENODEV, "vfio-user: PCI device %04x:%04x is no Weft adapter (%04x:%04x)",
			id & 0xffff, id >> 16, VENDOR_DEVICE & 0xffff, VENDOR_DEVICE >> 16);
	return 0;
}

static int set_up(struct vu_bus *vu)
{
	int rc = negotiate(vu);

	if (!rc)
		rc = check_device(vu);
	if (!rc)
		rc = check_region(vu, REGION_BAR0, WEFT_BAR_SIZE);
	if (!rc)
		rc = check_region(vu, REGION_CONFIG, 256);
	if (!rc)
		rc = check_id(vu);
	if (!rc)
		rc = check_irqs(vu);
	if (!rc)
		rc = find_msix(vu);
	return rc ? rc : bus_master(vu);
}

static int connect_socket(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(sa.sun_path))
		return weft_set_error(-ENAMETOOLONG, "vfio-user: socket path %s is too long", path);
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return weft_set_error(-errno, "socket: %s", strerror(errno));
	if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	rc = weft_set_error(-errno, "vfio-user: %s: %s", path, strerror(errno));
	close(fd);
	return rc;
}

int weft_bus_open_vfio_user_timeout(const char *path, unsigned int timeout_ms,
				    struct weft_bus **bus)
{
	struct vu_bus *vu = calloc(1, sizeof(*vu));
	int rc = -ENOMEM;

	if (!vu)
		return rc;
	vu->bounce = malloc(VU_DATA_MAX);
	if (!vu->bounce)
		goto free_vu;
	vu->bus.ops = &vu_ops;
	vu->next_iova = IOVA_FIRST;
	vu->timeout_ms = timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS;
	pthread_mutex_init(&vu->lock, NULL);
	vu->fd = connect_socket(path);
	if (vu->fd < 0) {
		rc = vu->fd;
		goto free_lock;
	}
	rc = set_up(vu);
	if (rc) {
		vu_close(&vu->bus);
		return rc;
	}
	*bus = &vu->bus;
	return 0;
free_lock:
	pthread_mutex_destroy(&vu->lock);
	free(vu->bounce);
free_vu:
	free(vu);
	return rc;
}

int weft_bus_open_vfio_user(const char *path, struct weft_bus **bus)
{
	return weft_bus_open_vfio_user_timeout(path, 0, bus);
}
