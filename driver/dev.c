/* SPDX-License-Identifier: BSD-2-Clause */
/* The adapter handle: identity check, start, reset, end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define DEFAULT_TIMEOUT_MS 30000u
#define DEFAULT_ADVANCE_NS 1000u
#define DEFAULT_ADMIN_LOG2 6u
#define FW_POLL_NS 1000000 /* between two looks at STATUS */
#define EMPTY_POLLS 65536u /* between two looks at a device that is polled in vain */

/* One register. All ones could be a counter; the magic number tells whether the device is there. */
int weft__read32(struct weft_dev *dev, uint32_t off, uint32_t *val)
{
	unsigned int before = weft__sentences();
	uint32_t magic = 0;
	int rc;

	*val = ~0u;
	if (atomic_load(&dev->gone))
		return -ENODEV;
	rc = dev->bus->ops->read32(dev->bus, off, val);
	if (!rc && *val == ~0u)
		rc = dev->bus->ops->read32(dev->bus, WEFT_MAGIC, &magic);
	if (rc == -ENODEV || magic == ~0u) {
		atomic_store(&dev->gone, true);
		return weft__bus_failed(before, -ENODEV, "%s bus: the device is gone",
					dev->bus->ops->name);
	}
	return rc ? weft__bus_failed(before, rc, "%s bus: reading register 0x%x: %s",
				     dev->bus->ops->name, off, strerror(-rc)) :
		    0;
}

int weft__write32(struct weft_dev *dev, uint32_t off, uint32_t val)
{
	unsigned int before = weft__sentences();
	int rc;

	if (atomic_load(&dev->gone))
		return -ENODEV;
	rc = dev->bus->ops->write32(dev->bus, off, val);
	if (rc == -ENODEV)
		atomic_store(&dev->gone, true);
	return rc ? weft__bus_failed(before, rc, "%s bus: writing register 0x%x: %s",
				     dev->bus->ops->name, off, strerror(-rc)) :
		    0;
}

static bool bar_offset(uint32_t off)
{
	return off % 4 == 0 && off < WEFT_BAR_SIZE;
}

int weft_dev_read32(struct weft_dev *dev, uint32_t off, uint32_t *val)
{
	return bar_offset(off) ? weft__read32(dev, off, val) : -EINVAL;
}

int weft_dev_write32(struct weft_dev *dev, uint32_t off, uint32_t val)
{
	return bar_offset(off) ? weft__write32(dev, off, val) : -EINVAL;
}

static int check_identity(struct weft_dev *dev)
{
	uint32_t magic, version, caps;
	int rc = weft__read32(dev, WEFT_MAGIC, &magic);

	if (rc)
		return rc;
	if (magic != WEFT_MAGIC_VALUE)
		return weft_set_error(-EPROTO, "no Weft adapter: magic number 0x%08x, not 0x%08x",
				      magic, WEFT_MAGIC_VALUE);
	rc = weft__read32(dev, WEFT_VERSION, &version);
	if (rc)
		return rc;
	/* A newer minor version has all that an older one has. */
	if (version >> WEFT_VERSION_MAJOR_LSB != WEFT_VERSION_MAJOR ||
	    (version & WEFT_VERSION_MINOR_MASK) < WEFT_VERSION_MINOR)
		return weft_set_error(
			-EPROTONOSUPPORT,
			"the adapter speaks interface version %u.%u, this driver %u.%u",
			version >> 16, version & 0xffff, WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR);
	dev->abi_minor = (uint16_t)version;
	rc = weft__read32(dev, WEFT_CAPS0, &caps);
	dev->n_qp = (uint16_t)caps < WEFT_N_QP ? (uint16_t)caps : (uint16_t)WEFT_N_QP;
	if (!rc && dev->n_qp < 2)
		rc = weft_set_error(-EPROTO, "the adapter claims %u queue pairs", dev->n_qp);
	return rc;
}

/* A step of waiting outside any ring. */
static void pause_for(struct weft_dev *dev, long ns)
{
	struct timespec ts = { .tv_nsec = ns };

	if (dev->bus->ops->advance && dev->bus->ops->advance(dev->bus, (uint64_t)ns) < 0)
		atomic_store(&dev->gone, true);
	if (!dev->bus->ops->now)
		nanosleep(&ts, NULL);
}

/* The boot ROM's numbers for what is wrong with an image: docs/boot.md. */
static int rom_dead(uint32_t detail)
{
	static const char *const why[] = {
		"sound",
		"empty",
		"wrong in its header",
		"wrong in its TLVs",
		"for another board",
		"signed with another key",
		"changed (digest)",
		"not signed with its key",
		"too old",
		"not to be read: the flash does not answer",
	};

	if (detail >= sizeof(why) / sizeof(why[0]))
		return weft_set_error(
			-EIO, "the adapter's boot ROM stopped, FW_STATUS detail 0x%06x", detail);
	return weft_set_error(
		-EIO, "the adapter's boot ROM found no image to start; the golden one is %s",
		why[detail]);
}

static int firmware_dead(struct weft_dev *dev)
{
	uint32_t cause = 0;

	weft__read32(dev, WEFT_FW_STATUS, &cause);
	if (cause >> WEFT_FW_STATUS_CAUSE_LSB == WEFT_DEAD_ENGINES)
		return weft_set_error(
			-EPROTONOSUPPORT,
			"the adapter's firmware was made for other hardware: its engine interface has version %u.%u",
			cause >> 8 & 0xff, cause & 0xff);
	if (cause >> WEFT_FW_STATUS_CAUSE_LSB == WEFT_DEAD_ROM)
		return rom_dead(cause & WEFT_FW_STATUS_DETAIL_MASK);
	return weft_set_error(-EIO, "the adapter's firmware is dead, FW_STATUS 0x%08x", cause);
}

int weft__look(struct weft_dev *dev)
{
	uint32_t status;
	int rc = weft__read32(dev, WEFT_STATUS, &status);

	dev->empty = 0;
	if (rc || !dev->up || (status & WEFT_STATUS_AQ_UP_MASK))
		return rc;
	if (status & WEFT_STATUS_FW_DEAD_MASK)
		firmware_dead(dev); /* for its text */
	else
		weft_set_error(-ENODEV, "the adapter has reset itself, its queue pairs are gone");
	dev->lost = true;
	atomic_store(&dev->gone, true);
	return -ENODEV;
}

int weft__look_at_times(struct weft_dev *dev)
{
	return ++dev->empty < EMPTY_POLLS ? 0 : weft__look(dev);
}

int weft__wait_status(struct weft_dev *dev, uint32_t mask, uint32_t want, const char *what)
{
	uint64_t start = weft_dev_now(dev), limit = dev->params.timeout_ms * NSEC_PER_MSEC;
	uint32_t steps = 0, status;

	for (;;) {
		int rc = weft__read32(dev, WEFT_STATUS, &status);

		if (rc)
			return rc;
		if (status & WEFT_STATUS_FW_DEAD_MASK)
			return firmware_dead(dev);
		if ((status & mask) == want)
			return 0;
		if (weft_dev_now(dev) - start > limit || steps++ > 2 * dev->params.timeout_ms)
			return weft_set_error(-ETIMEDOUT, "the adapter's %s after %u ms", what,
					      dev->params.timeout_ms);
		if (dev->params.idle_cb)
			dev->params.idle_cb(dev->params.idle_arg);
		pause_for(dev, FW_POLL_NS);
	}
}

/* Waits until the firmware serves the admin pair. */
static int wait_firmware(struct weft_dev *dev)
{
	return weft__wait_status(dev, WEFT_STATUS_FW_READY_MASK, WEFT_STATUS_FW_READY_MASK,
				 "firmware was not ready");
}

static int reset_bus(struct weft_dev *dev)
{
	unsigned int before = weft__sentences();
	int rc = dev->bus->ops->reset(dev->bus);

	return rc ? weft__bus_failed(before, rc, "%s bus: reset: %s", dev->bus->ops->name,
				     strerror(-rc)) :
		    0;
}

/* From any state to a firmware that waits for the admin pair. */
static int start_core(struct weft_dev *dev, bool reset)
{
	uint32_t val;
	int rc = weft__read32(dev, WEFT_AQ_CTRL, &val);

	if (rc)
		return rc;
	if (reset || (val & WEFT_AQ_CTRL_ENABLE_MASK)) {
		rc = reset_bus(dev);
		if (rc)
			return rc;
	}
	rc = weft__read32(dev, WEFT_CTRL, &val);
	if (!rc && !(val & WEFT_CTRL_RUN_MASK))
		rc = weft__write32(dev, WEFT_CTRL, WEFT_CTRL_RUN_MASK);
	return rc ? rc : wait_firmware(dev);
}

static int set_params(struct weft_dev *dev, const struct weft_dev_params *params)
{
	if (params)
		dev->params = *params;
	if (!dev->params.timeout_ms)
		dev->params.timeout_ms = DEFAULT_TIMEOUT_MS;
	if (!dev->params.advance_ns)
		dev->params.advance_ns = DEFAULT_ADVANCE_NS;
	if (!dev->params.admin_sq_log2)
		dev->params.admin_sq_log2 = DEFAULT_ADMIN_LOG2;
	if (dev->params.admin_sq_log2 < 2 || dev->params.admin_sq_log2 > 6)
		return weft_set_error(-EINVAL, "admin ring of 2^%u entries; 2..6 is possible",
				      dev->params.admin_sq_log2);
	return 0;
}

int weft_dev_open(struct weft_bus *bus, const struct weft_dev_params *params, struct weft_dev **out)
{
	struct weft_dev *dev = calloc(1, sizeof(*dev));
	int rc;

	if (!dev)
		return -ENOMEM;
	dev->bus = bus;
	dev->epfd = -1;
	rc = set_params(dev, params);
	if (!rc)
		rc = check_identity(dev);
	if (rc)
		goto free_dev;
	rc = weft__mem_init(&dev->mem);
	if (rc)
		goto free_dev;
	rc = weft__irq_init(dev);
	if (rc)
		goto fini_mem;
	rc = start_core(dev, false);
	if (!rc)
		rc = weft__admin_start(dev);
	if (rc)
		goto fini_irq;
	*out = dev;
	return 0;
fini_irq:
	weft__irq_fini(dev);
fini_mem:
	weft__mem_fini(dev);
free_dev:
	free(dev);
	return rc;
}

void weft_dev_close(struct weft_dev *dev)
{
	bool dirty = false;
	unsigned int i;

	if (!dev)
		return;
	for (i = 1; i < WEFT_N_QP; i++)
		dirty |= dev->qp[i] != NULL;
	dirty |= dev->qp[0]->inflight != 0;
	if (dirty && (!atomic_load(&dev->gone) || dev->lost))
		dev->bus->ops->reset(
			dev->bus); /* nothing may touch the memory that goes away now */
	for (i = 1; i < WEFT_N_QP; i++) {
		if (!dev->qp[i])
			continue;
		dev->qp[i]->state = QP_DEAD;
		weft_qp_delete(dev->qp[i]);
	}
	weft__admin_stop(dev);
	weft__irq_fini(dev);
	weft__mem_fini(dev);
	dev->bus->ops->close(dev->bus);
	free(dev);
}

int weft_dev_reset(struct weft_dev *dev)
{
	unsigned int i;
	int rc;

	if (atomic_load(&dev->gone) && !dev->lost)
		return -ENODEV;
	dev->up = false;
	rc = reset_bus(dev);
	if (!rc) {
		dev->lost = false;
		atomic_store(&dev->gone, false);
	}
	for (i = 0; i < WEFT_N_QP; i++)
		if (dev->qp[i])
			dev->qp[i]->state = QP_DEAD;
	weft__ring_poll(dev->qp[0], 0); /* its slots are needed again */
	if (!rc)
		rc = start_core(dev, false);
	return rc ? rc : weft__admin_start(dev);
}

int weft_dev_info(struct weft_dev *dev, struct weft_dev_info *info)
{
	uint32_t caps0, caps1, status;
	int rc;

	memset(info, 0, sizeof(*info));
	rc = weft__read32(dev, WEFT_CAPS0, &caps0);
	if (!rc)
		rc = weft__read32(dev, WEFT_CAPS1, &caps1);
	if (!rc)
		rc = weft__read32(dev, WEFT_STATUS, &status);
	if (!rc)
		rc = weft__read32(dev, WEFT_FW_VERSION, &info->fw_version);
	if (rc)
		return rc;
	info->bus = dev->bus->ops->name;
	info->abi_major = WEFT_VERSION_MAJOR;
	info->abi_minor = dev->abi_minor;
	info->n_qp = dev->n_qp;
	info->n_slots = (uint16_t)(caps0 >> 16);
	info->n_vectors = dev->n_vectors;
	info->n_conn = (uint16_t)(caps1 >> 16);
	info->link_up = status & WEFT_STATUS_LINK_UP_MASK;
	return 0;
}
