/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about adapters as PCI devices of this machine: list, bind, unbind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weft.h"

#if __has_include(<weft/fw.h>)
#include <weft/fw.h>
#define HAVE_FW 1
#endif

#define ASK_MS 5000u

int pci_id_option(struct config *cfg, const char *arg)
{
	struct pci_options *p = &cfg->pci;

	if (p->n_ids == PCI_IDS_MAX) {
		fprintf(stderr, "weft: --id: more than %u\n", PCI_IDS_MAX);
		return -EINVAL;
	}
	if (weft_pci_parse_id(arg, &p->id[p->n_ids]))
		return complain(-EINVAL, "--id");
	p->n_ids++;
	return 0;
}

int pci_argument(struct config *cfg, const char *arg)
{
	struct pci_options *p = &cfg->pci;

	if (strcmp(cfg->verb, "bind") && strcmp(cfg->verb, "unbind") &&
	    strcmp(cfg->verb, "doctor")) {
		fprintf(stderr, "weft: argument \"%s\" makes no sense\n", arg);
		return -EINVAL;
	}
	if (p->n_args == PCI_ARGS_MAX) {
		fprintf(stderr, "weft: more than %u adapters\n", PCI_ARGS_MAX);
		return -EINVAL;
	}
	if (weft_pci_parse(arg, &p->arg[p->n_args]))
		return complain(-EINVAL, cfg->verb);
	p->n_args++;
	return 0;
}

static void put_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void put_id(struct json_object *o, const char *key, const struct weft_pci_id *id)
{
	char text[16];

	snprintf(text, sizeof(text), "%04x:%04x", id->vendor, id->device);
	put_text(o, key, text);
}

static void put_link(struct json_object *o, const struct weft_pci_dev *d)
{
	char text[64];

	if (!d->link_width_max)
		strcpy(text, "-");
	else if (!d->link_width)
		strcpy(text, "down");
	else
		snprintf(text, sizeof(text), "x%u at %.1f GT/s (of x%u at %.1f GT/s)",
			 d->link_width, d->link_speed / 1000.0, d->link_width_max,
			 d->link_speed_max / 1000.0);
	put_text(o, "pcie_link", text);
}

/* The other members of its IOMMU group. */
static void put_siblings(struct json_object *o, const struct weft_pci_dev *d)
{
	struct json_object *a;
	struct weft_pci_member *list;
	size_t n, i;
	char text[256];
	int rc;

	if (d->group < 0)
		return;
	rc = weft_pci_viable(d, text, sizeof(text));
	if (rc >= 0)
		json_object_object_add(o, "viable", json_object_new_boolean(rc));
	if (rc < 0 || weft_pci_group(d->group, &list, &n)) {
		put_text(o, "group_trouble", weft_last_error());
		return;
	}
	a = json_object_new_array();
	for (i = 0; i < n; i++) {
		struct json_object *m;

		if (!strcmp(list[i].name, d->name))
			continue;
		m = json_object_new_object();
		put_text(m, "address", list[i].name);
		if (list[i].pci)
			put_id(m, "id", &list[i].id);
		put_text(m, "driver", *list[i].driver ? list[i].driver : "-");
		json_object_array_add(a, m);
	}
	free(list);
	json_object_object_add(o, "sibling", a);
}

static void put_device(struct json_object *o, const struct weft_pci_dev *d)
{
	put_text(o, "address", d->name);
	put_id(o, "id", &d->id);
	put_text(o, "driver", *d->driver ? d->driver : "-");
	if (d->group < 0)
		put_text(o, "iommu_group", "-");
	else
		put_u64(o, "iommu_group", (uint64_t)d->group);
	put_siblings(o, d);
	if (d->numa < 0)
		put_text(o, "numa_node", "-");
	else
		put_u64(o, "numa_node", (uint64_t)d->numa);
	put_link(o, d);
	if (*d->trouble)
		put_text(o, "trouble", d->trouble);
}

/* Why the adapter is not to be opened at all; "" when it may. */
static void why_not(const struct weft_pci_dev *dev, char *why, size_t len)
{
	struct weft_pci_use *list;
	size_t n;

	why[0] = '\0';
	if (!strstr(dev->driver, "vfio")) {
		snprintf(why, len, "not with %s", WEFT_PCI_VFIO);
		return;
	}
	if (weft_pci_uses(dev, &list, &n, NULL))
		snprintf(why, len, "%s", weft_last_error());
	else if (n)
		snprintf(why, len, "in use: %s", list[0].text);
	free(list);
}

struct weft_dev *ask_adapter(const struct weft_pci_dev *dev, char *why, size_t len, int *err)
{
	const struct weft_dev_params params = { .timeout_ms = ASK_MS };
	const char *spec = secure_getenv("WEFT_PCI_OPEN"); /* for tests: what stands for it */
	struct weft_dev *handle = NULL;
	struct weft_bus *bus;
	int rc;

	*err = 0;
	why_not(dev, why, len);
	if (*why)
		return NULL;
	rc = weft_bus_open(spec ? spec : dev->name, &bus);
	if (!rc) {
		rc = weft_dev_open(bus, &params, &handle);
		if (rc)
			bus->ops->close(bus);
	}
	if (rc)
		snprintf(why, len, "%s", *weft_last_error() ? weft_last_error() : strerror(-rc));
	*err = rc;
	return handle;
}

#ifdef HAVE_FW
static void put_stored(struct json_object *o, struct weft_dev *dev)
{
	struct json_object *a;
	struct weft_fw_info info;
	unsigned int i;
	int rc = weft_fw_log(dev, &info);

	put_text(o, "stored", "-");
	if (rc) {
		put_text(o, "stored_why", *weft_last_error() ? weft_last_error() : strerror(-rc));
		return;
	}
	a = json_object_new_array();
	for (i = 0; i < WEFT_FW_SLOTS; i++) {
		const struct weft_fw_slot *s = &info.slot[i];
		char text[128];

		if (s->error)
			snprintf(text, sizeof(text), "- (%s)", weft_fw_error_text(s->error));
		else
			snprintf(text, sizeof(text), "%u.%u.%u+%u%s%s%s", s->major, s->minor,
				 s->revision, s->build, info.running == i + 1 ? ", runs" : "",
				 info.active == i + 1 ? ", active" : "",
				 info.next == i + 1 ? ", next" : "");
		json_object_array_add(a, json_object_new_string(text));
	}
	json_object_object_add(o, "stored", a);
}
#else
static void put_stored(struct json_object *o, struct weft_dev *dev)
{
	(void)dev;
	put_text(o, "stored", "-");
	put_text(o, "stored_why", "this driver cannot ask for the flash");
}
#endif

static void put_firmware(const struct config *cfg, struct json_object *o,
			 const struct weft_pci_dev *d)
{
	struct json_object *f = json_object_new_object();
	struct weft_dev *dev = NULL;
	struct weft_dev_info info;
	char why[300] = "not asked (--no-open)", text[32];
	int err;

	if (!cfg->pci.no_open)
		dev = ask_adapter(d, why, sizeof(why), &err);
	if (dev && weft_dev_info(dev, &info)) {
		snprintf(why, sizeof(why), "%s", weft_last_error());
		weft_dev_close(dev);
		dev = NULL;
	}
	if (dev) {
		snprintf(text, sizeof(text), "%u.%u.%u", info.fw_version >> 16,
			 info.fw_version >> 8 & 255, info.fw_version & 255);
		put_text(f, "running", text);
		put_stored(f, dev);
		put_text(f, "network_link", info.link_up ? "up" : "down");
		weft_dev_close(dev);
	} else {
		put_text(f, "running", "-");
		put_text(f, "stored", "-");
		put_text(f, "why", why);
	}
	json_object_object_add(o, "firmware", f);
}

int do_list_adapters(const struct config *cfg)
{
	struct json_object *o, *a;
	struct weft_pci_dev *list;
	size_t n, i;
	int rc = weft_pci_scan(cfg->pci.id, cfg->pci.n_ids, &list, &n);

	if (rc)
		return complain(rc, "list");
	o = json_object_new_object();
	a = json_object_new_array();
	for (i = 0; i < n; i++) {
		struct json_object *d = json_object_new_object();

		put_device(d, &list[i]);
		put_firmware(cfg, d, &list[i]);
		json_object_array_add(a, d);
	}
	free(list);
	json_object_object_add(o, "adapter", a);
	if (!n && !cfg->quiet)
		fputs("weft: this machine has no adapter\n", stderr);
	show(cfg, o);
	return 0;
}

void info_pci(struct json_object *o, const char *spec)
{
	struct json_object *p;
	struct weft_pci_addr addr;
	struct weft_pci_dev d;
	char name[WEFT_PCI_NAME];

	if (!strncmp(spec, "vfio:", 5))
		spec += 5;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(spec, ","), spec);
	if (weft_pci_parse(name, &addr))
		return; /* vfio-user, the simulator */
	p = json_object_new_object();
	if (weft_pci_get(&addr, &d))
		put_text(p, "trouble", weft_last_error());
	else
		put_device(p, &d);
	json_object_object_add(o, "pci", p);
}

/* What a call tells while it works: at once, or in the JSON object of its adapter. */
struct teller {
	const struct config *cfg;
	struct json_object *notes;
};

static void on_note(void *arg, const char *text)
{
	const struct teller *t = arg;

	if (t->cfg->json)
		json_object_array_add(t->notes, json_object_new_string(text));
	else if (!t->cfg->quiet)
		puts(text);
}

typedef int change_fn(const struct weft_pci_addr *addr, const struct weft_pci_bind_opts *opts);

static int change_one(const struct config *cfg, change_fn *fn, const struct weft_pci_addr *addr,
		      struct json_object *a)
{
	struct teller t = { cfg, json_object_new_array() };
	const struct weft_pci_bind_opts opts = {
		.more = cfg->pci.id,
		.n_more = cfg->pci.n_ids,
		.force = cfg->pci.force,
		.timeout_ms = cfg->opts.connect_ms, /* --timeout */
		.note = on_note,
		.arg = &t,
	};
	struct json_object *o = json_object_new_object();
	char name[WEFT_PCI_NAME];
	int rc = fn(addr, &opts);

	weft_pci_format(addr, name);
	if (rc)
		complain(rc, cfg->verb);
	put_text(o, "address", name);
	put_text(o, "error", rc ? weft_last_error() : "");
	json_object_object_add(o, "note", t.notes);
	json_object_array_add(a, o);
	return rc;
}

/* Said when all are bound: they may sit in one group. */
static void tell_group(const struct weft_pci_addr *addr)
{
	struct weft_pci_dev d;
	char text[400];
	int rc = weft_pci_get(addr, &d);

	if (rc || d.group < 0)
		return;
	rc = weft_pci_viable(&d, text, sizeof(text));
	if (rc < 0)
		fprintf(stderr, "weft: %s: %s\n", d.name, weft_last_error());
	else if (!rc)
		fprintf(stderr,
			"weft: %s cannot be opened yet: its IOMMU group %d is not viable: %s; bind "
			"or unbind that, too\n",
			d.name, d.group, text);
}

static int change(const struct config *cfg, change_fn *fn)
{
	struct json_object *o, *a;
	unsigned int i;
	int rc = 0;

	if (!cfg->pci.n_args) {
		fprintf(stderr, "weft: which adapter? (weft %s 0000:01:00.0; weft list)\n",
			cfg->verb);
		return -EINVAL;
	}
	a = json_object_new_array();
	for (i = 0; i < cfg->pci.n_args; i++) {
		int one = change_one(cfg, fn, &cfg->pci.arg[i], a);

		rc = rc ? rc : one;
	}
	for (i = 0; i < cfg->pci.n_args && fn == weft_pci_bind; i++)
		tell_group(&cfg->pci.arg[i]);
	o = json_object_new_object();
	json_object_object_add(o, "adapter", a);
	if (cfg->json)
		json_print(o);
	json_object_put(o);
	return rc;
}

int do_bind(const struct config *cfg)
{
	return change(cfg, weft_pci_bind);
}

int do_unbind(const struct config *cfg)
{
	return change(cfg, weft_pci_unbind);
}
