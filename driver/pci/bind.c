/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding by driver_override, in the order bind() has it:
 *
 *   look       which driver, is it ours to take, who uses it, may we write
 *   override   driver_override = the wanted driver, and read back
 *   release    drivers/OLD/unbind, until the device has no driver
 *   probe      drivers_probe, until it has the wanted one
 *
 * A step that fails is undone by restore(): the old driver_override, and the old driver again. The
 * real kernel follows within the write; waiting is for a device that takes time to let go.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "local.h"

#define TIMEOUT_MS 5000u
#define STEP_NS 10000000 /* 10 ms */
#define NOBODY_MS 500u   /* until a device that no driver took counts as one that none wants */
#define NO_DRIVER ""

/* A change of driver under way. */
struct change {
	const struct weft_pci_bind_opts *opts;
	struct weft_pci_dev dev; /* as it was before */
	const char *driver;      /* VFIO's */
	int lock;
};

static void SYS_FORMAT(2) note(const struct change *c, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (!c->opts->note)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->opts->note(c->opts->arg, text);
}

static int write_dev(const struct change *c, const char *file, const char *text)
{
	char path[SYS_PATH];
	int rc = sys_path(path, IN_SYS, "bus/pci/devices/%s/%s", c->dev.name, file);

	return rc ? rc : sys_write(path, text);
}

/* driver: "": the bus itself. */
static int write_driver(const struct change *c, const char *driver, const char *file)
{
	char path[SYS_PATH];
	int rc = *driver ? sys_path(path, IN_SYS, "bus/pci/drivers/%s/%s", driver, file) :
			   sys_path(path, IN_SYS, "bus/pci/%s", file);

	return rc ? rc : sys_write(path, c->dev.name);
}

static unsigned int patience(const struct change *c)
{
	return c->opts->timeout_ms ? c->opts->timeout_ms : TIMEOUT_MS;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/*
 * Waits until the device's driver is no longer from, and tells which it is then. -ETIMEDOUT: still
 * from.
 */
static int wait_change(const struct change *c, const char *from, char to[WEFT_PCI_TEXT],
		       unsigned int ms)
{
	const struct timespec step = { 0, STEP_NS };
	uint64_t limit = now_ms() + ms;
	int rc;

	while (!(rc = pci_driver(c->dev.name, to)) && !strcmp(to, from) && now_ms() < limit)
		nanosleep(&step, NULL);
	if (rc || strcmp(to, from))
		return rc;
	return *from ? weft_set_error(-ETIMEDOUT, "%s stays with %s", c->dev.name, from) :
		       weft_set_error(-ETIMEDOUT, "%s stays without a driver", c->dev.name);
}

/* driver_override = value ("": cleared), read back. */
static int set_override(const struct change *c, const char *value)
{
	char line[WEFT_PCI_TEXT + 1], path[SYS_PATH], back[WEFT_PCI_TEXT];
	int rc;

	snprintf(line, sizeof(line), "%s\n", value);
	rc = write_dev(c, "driver_override", line);
	if (!rc)
		rc = sys_path(path, IN_SYS, "bus/pci/devices/%s/driver_override", c->dev.name);
	if (!rc)
		rc = sys_line(back, sizeof(back), path);
	if (rc)
		return rc;
	if (!strcmp(back, "(null)"))
		back[0] = '\0';
	return strcmp(back, value) ? weft_set_error(-EIO, "%s: \"%s\" was written, it holds \"%s\"",
						    path, value, back) :
				     0;
}

/* Takes it from its driver. */
static int release(const struct change *c)
{
	const char *from = c->dev.driver;
	char is[WEFT_PCI_TEXT] = "";
	int rc;

	if (!*from)
		return 0;
	rc = write_driver(c, from, "unbind");
	if (rc == -ENODEV || rc == -ENOENT) /* it was no longer that driver's */
		return weft_set_error(-ESTALE, "%s is no longer with %s: somebody else is at it",
				      c->dev.name, from);
	if (!rc)
		rc = wait_change(c, from, is, patience(c));
	if (rc || !*is)
		return rc;
	return weft_set_error(-ESTALE, "%s is with %s now, not %s: somebody else is at it",
			      c->dev.name, is, from);
}

/* Has the kernel look for a driver; is: which one it became. */
static int probe(const struct change *c, char is[WEFT_PCI_TEXT], unsigned int ms)
{
	int rc = write_driver(c, NO_DRIVER, "drivers_probe");

	is[0] = '\0';
	return rc ? rc : wait_change(c, NO_DRIVER, is, ms);
}

/* What was before. The error that led here stays the call's; what restoring gave is added. */
static int restore(const struct change *c, int err)
{
	char why[160], is[WEFT_PCI_TEXT] = "";
	int rc;

	snprintf(why, sizeof(why), "%s", weft_last_error());
	rc = set_override(c, c->dev.override_);
	if (!rc)
		rc = pci_driver(c->dev.name, is);
	if (!rc && strcmp(is, c->dev.driver) && err != -ESTALE) {
		if (*is && !write_driver(c, is, "unbind"))
			wait_change(c, is, is, patience(c));
		if (*c->dev.driver) {
			rc = write_driver(c, c->dev.driver, "bind");
			if (!rc)
				rc = wait_change(c, NO_DRIVER, is, patience(c));
		}
	}
	if (rc)
		return weft_set_error(err, "%s; and %s could not be restored: %.90s", why,
				      *c->dev.driver ? c->dev.driver : "driver_override",
				      weft_last_error());
	if (err == -ESTALE)
		return weft_set_error(err, "%s", why);
	return weft_set_error(err, "%s; %s", why,
			      *is ? "its driver is restored" : "it has no driver, as before");
}

/* One of these at a time for each device; and the file is there, and ours to write. */
static int lock(struct change *c)
{
	static const char *const files[] = { "devices/%s/driver_override", "drivers_probe" };
	char path[SYS_PATH];
	int rc = sys_path(path, IN_SYS, "bus/pci/%s", files[1]);

	if (!rc && access(path, W_OK))
		rc = weft_set_error(-errno, "%s: %s", path, strerror(errno));
	if (!rc)
		rc = sys_path(path, IN_SYS, "bus/pci/devices/%s/driver_override", c->dev.name);
	if (!rc && access(path, W_OK))
		rc = weft_set_error(-errno, "%s: %s", path, strerror(errno));
	if (rc)
		return rc == -EACCES || rc == -EPERM || rc == -EROFS ?
			       weft_set_error(rc, "only root changes drivers: may not write %s",
					      path) :
			       rc;
	c->lock = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (c->lock < 0)
		return weft_set_error(-errno, "%s: %s", path, strerror(errno));
	if (!flock(c->lock, LOCK_EX | LOCK_NB))
		return 0;
	close(c->lock);
	return weft_set_error(-EBUSY, "another bind or unbind of %s is under way", c->dev.name);
}

static int unused(const struct change *c)
{
	struct weft_pci_use *list;
	unsigned int hidden;
	char text[WEFT_PCI_TEXT * 3 + 64];
	size_t n, i;
	int rc = weft_pci_uses(&c->dev, &list, &n, &hidden);

	if (rc)
		return rc;
	for (i = 1; i < n; i++)
		note(c, "%s: %s", c->dev.name, list[i].text);
	if (n)
		snprintf(text, sizeof(text), "%s", list[0].text);
	free(list);
	if (hidden)
		note(c, "%s: %u processes of others may have it open: root could tell", c->dev.name,
		     hidden);
	if (!n)
		return 0;
	if (c->opts->force) {
		note(c, "%s: forced although %s", c->dev.name, text);
		return 0;
	}
	return weft_set_error(-EBUSY, "%s is in use: %s", c->dev.name, text);
}

static int begin(struct change *c, const struct weft_pci_addr *addr,
		 const struct weft_pci_bind_opts *opts)
{
	static const struct weft_pci_bind_opts defaults;
	int rc;

	c->opts = opts ? opts : &defaults;
	c->driver = c->opts->driver ? c->opts->driver : WEFT_PCI_VFIO;
	c->lock = -1;
	if (!*c->driver || strlen(c->driver) >= WEFT_PCI_TEXT || strchr(c->driver, '/') ||
	    c->driver[0] == '.' || strcmp(sys_safe(c->driver).text, c->driver))
		return weft_set_error(-EINVAL, "\"%s\" is no driver's name",
				      sys_safe(c->driver).text);
	rc = weft_pci_get(addr, &c->dev);
	if (rc)
		return rc;
	if (c->dev.trouble[0])
		return weft_set_error(-EIO, "%s: %s", c->dev.name, c->dev.trouble);
	if (!weft_pci_is_adapter(&c->dev.id, c->opts->more, c->opts->n_more))
		return weft_set_error(-EPERM,
				      "%s is %04x:%04x, no Weft adapter (--id %04x:%04x to mean it "
				      "all the same)",
				      c->dev.name, c->dev.id.vendor, c->dev.id.device,
				      c->dev.id.vendor, c->dev.id.device);
	return 0;
}

static void end(struct change *c)
{
	if (c->lock >= 0)
		close(c->lock);
}

/* What only binding needs: the driver, and an IOMMU that VFIO can use. */
static int can_bind(const struct change *c)
{
	char path[SYS_PATH];
	int rc = sys_path(path, IN_SYS, "bus/pci/drivers/%s", c->driver);

	if (rc)
		return rc;
	if (!sys_exists(path))
		return weft_set_error(-ENOENT, "driver %s is not there: modprobe %s", c->driver,
				      c->driver);
	if (c->dev.group >= 0)
		return 0;
	if (!sys_param("vfio", "enable_unsafe_noiommu_mode"))
		return weft_set_error(-ENOTSUP,
				      "%s is in no IOMMU group, VFIO would refuse it (weft doctor "
				      "tells more)",
				      c->dev.name);
	note(c, "%s is in no IOMMU group: it can reach all memory (no-IOMMU mode)", c->dev.name);
	return 0;
}

static int take(const struct change *c)
{
	char is[WEFT_PCI_TEXT];
	int rc = set_override(c, c->driver);

	if (!rc)
		rc = release(c);
	if (!rc)
		rc = probe(c, is, patience(c));
	if (!rc && strcmp(is, c->driver))
		rc = weft_set_error(-EIO, "%s was taken by %s, not %s", c->dev.name, is, c->driver);
	return rc ? restore(c, rc) : 0;
}

int weft_pci_bind(const struct weft_pci_addr *addr, const struct weft_pci_bind_opts *opts)
{
	struct change c;
	int rc = begin(&c, addr, opts);

	if (rc)
		return rc;
	if (!strcmp(c.dev.driver, c.driver)) {
		note(&c, "%s is with %s already", c.dev.name, c.driver);
		return 0;
	}
	rc = can_bind(&c);
	if (!rc)
		rc = lock(&c);
	if (!rc)
		rc = unused(&c);
	if (!rc)
		rc = take(&c);
	if (!rc)
		note(&c, "%s is with %s now, before: %s", c.dev.name, c.driver,
		     *c.dev.driver ? c.dev.driver : "no driver");
	end(&c);
	return rc;
}

/* Clears the override first, so that the driver does not take it back. */
static int give_back(const struct change *c)
{
	char is[WEFT_PCI_TEXT];
	int rc = set_override(c, "");

	if (!rc)
		rc = release(c);
	if (rc)
		return restore(c, rc);
	rc = probe(c, is, NOBODY_MS);
	if (rc == -ETIMEDOUT || rc == -EINVAL || rc == -ENODEV) { /* none wants it */
		note(c, "%s has no driver now: none takes it", c->dev.name);
		return 0;
	}
	if (rc)
		return rc;
	if (!strcmp(is, c->driver))
		return weft_set_error(-EIO,
				      "%s was taken by %s again: its ids option or new_id names it",
				      c->dev.name, is);
	note(c, "%s is with %s now", c->dev.name, is);
	return 0;
}

int weft_pci_unbind(const struct weft_pci_addr *addr, const struct weft_pci_bind_opts *opts)
{
	struct change c;
	int rc = begin(&c, addr, opts);

	if (rc)
		return rc;
	if (*c.dev.driver && strcmp(c.dev.driver, c.driver) && !c.opts->force)
		return weft_set_error(-EPERM, "%s is with %s, not %s", c.dev.name, c.dev.driver,
				      c.driver);
	rc = lock(&c);
	if (!rc)
		rc = unused(&c);
	if (!rc)
		rc = give_back(&c);
	end(&c);
	return rc;
}
