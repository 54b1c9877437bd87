/* SPDX-License-Identifier: BSD-2-Clause */
/* weft xclbin show. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"

static void put_text(struct json_object *o, const char *key, const void *text, size_t max)
{
	json_object_object_add(o, key, json_text(text, max));
}

static void put_hex(struct json_object *o, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, v);
	json_object_object_add(o, key, json_object_new_string(text));
}

static struct json_object *entry(uint32_t kind, const uint8_t *p)
{
	static const char *const control[] = { "AP_CTRL_HS", "AP_CTRL_CHAIN", "AP_CTRL_NONE",
					       "AP_CTRL_ME" };
	struct json_object *o = json_object_new_object();

	switch (kind) {
	case XK_IP_LAYOUT:
		put_text(o, "name", p + 16, 64);
		put_u64(o, "type", xle32(p));
		put_hex(o, "base_address", xle64(p + 8));
		if (xle32(p) == 1) { /* a kernel */
			put_u64(o, "interrupt", p[4] & 1);
			put_u64(o, "interrupt_id", p[4] >> 1);
			put_text(o, "control", p[5] < 4 ? control[p[5]] : "unknown", 16);
		}
		break;
	case XK_MEM_TOPOLOGY:
	case XK_ASK_GROUP_TOPOLOGY:
		put_text(o, "tag", p + 24, 16);
		put_u64(o, "type", p[0]);
		put_u64(o, "used", p[1]);
		put_u64(o, "size_kib", xle64(p + 8));
		put_hex(o, "base_address", xle64(p + 16));
		break;
	case XK_CLOCK_FREQ_TOPOLOGY:
		put_text(o, "name", p + 8, 128);
		put_u64(o, "mhz", xle16(p));
		break;
	case XK_CONNECTIVITY:
	case XK_ASK_GROUP_CONNECTIVITY:
		put_u64(o, "argument", xle32(p));
		put_u64(o, "ip", xle32(p + 4));
		put_u64(o, "memory", xle32(p + 8));
		break;
	case XK_DEBUG_IP_LAYOUT:
		put_text(o, "name", p + 16, 128);
		put_hex(o, "base_address", xle64(p + 8));
		break;
	default: /* MCS */
		put_u64(o, "type", p[0]);
		put_u64(o, "size", xle64(p + 16));
	}
	return o;
}

static struct json_object *section(const struct xclbin *x, const struct xclbin_section *s)
{
	struct json_object *o = json_object_new_object(), *list;
	const char *kind = xclbin_kind_name(s->kind);
	uint32_t i, n = xclbin_list_count(x, s);

	put_text(o, "kind", kind ? kind : "unknown", 64);
	put_u64(o, "kind_number", s->kind);
	put_text(o, "name", s->name, XCLBIN_NAME_LEN);
	put_u64(o, "offset", s->offset);
	put_u64(o, "size", s->size);
	if (n) {
		list = json_object_new_array();
		for (i = 0; i < n; i++)
			json_object_array_add(list, entry(s->kind, xclbin_list_entry(x, s, i)));
		json_object_object_add(o, "entries", list);
	}
	return o;
}

static void put_header(struct json_object *o, const struct xclbin_args *a, const struct xclbin *x)
{
	char text[XCLBIN_UUID_TEXT], version[24];

	json_object_object_add(o, "file", json_object_new_string(a->file));
	put_u64(o, "size", x->size);
	xclbin_uuid_text(text, x->uuid);
	json_object_object_add(o, "uuid", json_object_new_string(text));
	put_text(o, "platform", x->vbnv, XCLBIN_VBNV_LEN);
	put_u64(o, "timestamp", x->timestamp);
	put_text(o, "mode", xclbin_mode_name(x->mode), 32);
	snprintf(version, sizeof(version), "%u.%u.%u", x->version_major, x->version_minor,
		 x->version_patch);
	put_text(o, "version", version, sizeof(version));
	put_u64(o, "signature_bytes", x->signature_length > 0 ? (uint64_t)x->signature_length : 0);
}

static void show_json(const struct xclbin_args *a, const struct xclbin *x)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	uint32_t i;

	put_header(o, a, x);
	for (i = 0; i < x->n_sections; i++)
		json_object_array_add(list, section(x, &x->sections[i]));
	json_object_object_add(o, "sections", list);
	json_print(o);
	json_object_put(o);
}

/* An entry as one line: key value, key value. */
static void show_entry(uint32_t kind, const uint8_t *p)
{
	struct json_object *o = entry(kind, p);
	const char *comma = "       ";

	json_object_object_foreach(o, key, val)
	{
		printf("%s%s %s", comma, key, json_object_get_string(val));
		comma = ", ";
	}
	putchar('\n');
	json_object_put(o);
}

static void show_lines(const struct xclbin_args *a, const struct xclbin *x)
{
	struct json_object *o = json_object_new_object();
	uint32_t i, k;

	put_header(o, a, x);
	show(&a->cfg, o);
	printf("%4s  %-22s %-15s %10s %10s\n", "", "section", "name", "offset", "bytes");
	for (i = 0; i < x->n_sections; i++) {
		const struct xclbin_section *s = &x->sections[i];
		const char *kind = xclbin_kind_name(s->kind);
		struct json_object *name = json_text(s->name, XCLBIN_NAME_LEN);
		char number[24];

		snprintf(number, sizeof(number), "kind %" PRIu32, s->kind);
		printf("%4" PRIu32 "  %-22s %-15s %#10" PRIx64 " %10" PRIu64 "\n", i,
		       kind ? kind : number, json_object_get_string(name), s->offset, s->size);
		json_object_put(name);
		for (k = 0; k < xclbin_list_count(x, s); k++)
			show_entry(s->kind, xclbin_list_entry(x, s, k));
	}
}

/* One section's bytes into a file. */
static int extract(const struct xclbin_args *a, const struct xclbin *x)
{
	char name[XCLBIN_NAME_LEN];
	uint32_t kind, i;
	int rc = xclbin_section_option(a->extract, strlen(a->extract), &kind, name);

	for (i = 0; !rc && i < x->n_sections; i++) {
		const struct xclbin_section *s = &x->sections[i];

		if (s->kind == kind && s->size && (!name[0] || !strcmp(name, s->name)))
			return xclbin_write(a->output, xclbin_data(x, s), (size_t)s->size);
	}
	return rc ? rc : xclbin_say(-ENOENT, "%s: has no section %s", a->file, a->extract);
}

int xclbin_show(const struct xclbin_args *a)
{
	struct xclbin x;
	uint8_t *data;
	int rc;

	if (!a->extract != !a->output)
		return xclbin_say(-EINVAL, "--extract and --output go together");
	rc = xclbin_load_file(a->file, &x, &data);
	if (rc)
		return rc;
	if (a->extract)
		rc = extract(a, &x);
	else if (a->cfg.json)
		show_json(a, &x);
	else
		show_lines(a, &x);
	xclbin_close(&x);
	free(data);
	return rc;
}
