/* SPDX-License-Identifier: BSD-2-Clause */
/* weft doctor: what stands between this user and an adapter, line by line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weft.h"
#include "weft_host.h"

static const char *const levels[] = { "ok", "warn", "fail" };

struct doctor {
	const struct config *cfg;
	struct json_object *checks;
	unsigned int count[3]; /* by level */
};

static void on_check(void *arg, const struct weft_pci_check *c)
{
	struct doctor *d = arg;
	struct json_object *o = json_object_new_object();
	const char *device = c->device ? c->device : "";

	d->count[c->level]++;
	json_object_object_add(o, "level", json_object_new_string(levels[c->level]));
	json_object_object_add(o, "name", json_object_new_string(c->name));
	json_object_object_add(o, "device", json_object_new_string(device));
	json_object_object_add(o, "text", json_object_new_string(c->text));
	json_object_object_add(o, "mend", json_object_new_string(c->mend));
	json_object_array_add(d->checks, o);
	if (d->cfg->json || (d->cfg->quiet && c->level == WEFT_PCI_OK))
		return;
	printf("%-4s  %s%s%-10s  %s\n", levels[c->level], device, *device ? " " : "", c->name,
	       c->text);
	if (*c->mend)
		printf("      mend: %s\n", c->mend);
}

/* The adapter itself: its firmware, and whether it speaks our version of the interface. */
static void check_firmware(struct doctor *d, const struct weft_pci_dev *dev)
{
	struct weft_pci_check c = { .level = WEFT_PCI_OK, .name = "firmware", .device = dev->name };
	struct weft_dev_info info;
	struct weft_dev *handle;
	int err;

	if (d->cfg->pci.no_open || !strstr(dev->driver, "vfio"))
		return;
	handle = ask_adapter(dev, c.text, sizeof(c.text), &err);
	if (handle && !weft_dev_info(handle, &info)) {
		snprintf(c.text, sizeof(c.text), "%u.%u.%u, interface %u.%u, ours %u.%u",
			 info.fw_version >> 16, info.fw_version >> 8 & 255, info.fw_version & 255,
			 info.abi_major, info.abi_minor, WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR);
		if (info.abi_minor != WEFT_VERSION_MINOR) {
			c.level = WEFT_PCI_WARN;
			strcpy(c.mend, "works; what the newer one added does not");
		}
	} else if (handle) {
		c.level = WEFT_PCI_FAIL;
		snprintf(c.text, sizeof(c.text), "%s", weft_last_error());
	} else if (err) {
		c.level = WEFT_PCI_FAIL;
		if (err == -EPROTONOSUPPORT)
			strcpy(c.mend, "driver and firmware of one version: update either");
	} else {
		char why[sizeof(c.text)];

		memcpy(why, c.text, sizeof(why));
		snprintf(c.text, sizeof(c.text), "not asked: %.300s", why);
	}
	if (handle)
		weft_dev_close(handle);
	on_check(d, &c);
}

static void check_one(struct doctor *d, const struct weft_pci_dev *dev)
{
	weft_pci_check_dev(dev, on_check, d);
	check_firmware(d, dev);
}

static void told(struct doctor *d, enum weft_pci_level level, const char *device)
{
	struct weft_pci_check c = { .level = level, .name = "adapter", .device = device };

	snprintf(c.text, sizeof(c.text), "%s", weft_last_error());
	on_check(d, &c);
}

static void check_given(struct doctor *d)
{
	const struct pci_options *p = &d->cfg->pci;
	unsigned int i;

	for (i = 0; i < p->n_args; i++) {
		struct weft_pci_dev dev;
		char name[WEFT_PCI_NAME];

		weft_pci_format(&p->arg[i], name);
		if (weft_pci_get(&p->arg[i], &dev)) {
			told(d, WEFT_PCI_FAIL, name);
			continue;
		}
		if (!weft_pci_is_adapter(&dev.id, p->id, p->n_ids)) {
			weft_set_error(0, "%04x:%04x is no Weft adapter (--id to mean it)",
				       dev.id.vendor, dev.id.device);
			told(d, WEFT_PCI_FAIL, name);
		}
		check_one(d, &dev);
	}
}

static void check_all(struct doctor *d)
{
	struct weft_pci_dev *list;
	size_t n, i;

	if (weft_pci_scan(d->cfg->pci.id, d->cfg->pci.n_ids, &list, &n)) {
		told(d, WEFT_PCI_FAIL, NULL);
		return;
	}
	if (!n) {
		weft_set_error(0, "this machine has none (--id VVVV:DDDD for one of another id)");
		told(d, WEFT_PCI_WARN, NULL);
	}
	for (i = 0; i < n; i++)
		check_one(d, &list[i]);
	free(list);
}

int do_doctor(const struct config *cfg)
{
	struct doctor d = { .cfg = cfg, .checks = json_object_new_array() };
	struct json_object *o = json_object_new_object();

	weft_pci_check_machine(on_check, &d);
	if (cfg->pci.n_args)
		check_given(&d);
	else
		check_all(&d);
	json_object_object_add(o, "check", d.checks);
	put_u64(o, "warnings", d.count[WEFT_PCI_WARN]);
	put_u64(o, "failures", d.count[WEFT_PCI_FAIL]);
	if (cfg->json)
		json_print(o);
	else
		printf("%u warnings, %u failures\n", d.count[WEFT_PCI_WARN],
		       d.count[WEFT_PCI_FAIL]);
	json_object_put(o);
	return d.count[WEFT_PCI_FAIL] ? -EIO : 0;
}
