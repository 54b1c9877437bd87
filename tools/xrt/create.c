/* SPDX-License-Identifier: BSD-2-Clause */
/* weft xclbin create. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"

#define PARTS_MAX (XCLBIN_MORE_MAX + 8u)

/* Sections as they come together. */
struct making {
	struct xclbin_part part[PARTS_MAX];
	char name[PARTS_MAX][XCLBIN_NAME_LEN];
	size_t n;
};

/* Takes data. name: or NULL. */
static void add(struct making *m, uint32_t kind, const char *name, uint8_t *data, size_t size)
{
	struct xclbin_part *p = &m->part[m->n];

	snprintf(m->name[m->n], XCLBIN_NAME_LEN, "%s", name ? name : "");
	p->kind = kind;
	p->name = m->name[m->n];
	p->data = data;
	p->size = size;
	m->n++;
}

/* A file as it is; path NULL: nothing. */
static int add_file(struct making *m, uint32_t kind, const char *name, const char *path)
{
	uint8_t *data;
	size_t size;
	int rc = path ? xclbin_read(path, &data, &size) : 0;

	if (path && !rc)
		add(m, kind, name, data, size);
	return rc;
}

/* Text of a JSON object: a typing error is found now, not by who reads it on the board. */
static int add_json(struct making *m, uint32_t kind, const char *path)
{
	enum json_tokener_error err = json_tokener_success;
	struct json_tokener *t;
	struct json_object *o = NULL;
	size_t at = 0;
	int rc = add_file(m, kind, NULL, path);

	if (!path || rc)
		return rc;
	t = json_tokener_new();
	if (t) {
		const struct xclbin_part *p = &m->part[m->n - 1];

		json_tokener_set_flags(t, JSON_TOKENER_STRICT);
		o = json_tokener_parse_ex(t, (const char *)p->data, (int)p->size);
		err = json_tokener_get_error(t);
		at = json_tokener_get_parse_end(t);
		json_tokener_free(t);
	}
	if (!json_object_is_type(o, json_type_object))
		rc = xclbin_say(-EINVAL, "%s: no JSON object: %s at byte %zu", path,
				err ? json_tokener_error_desc(err) : "another type", at);
	json_object_put(o);
	return rc;
}

static int add_ip_layout(struct making *m, const char *path)
{
	char fault[256];
	uint8_t *json, *data;
	size_t json_len, size;
	int rc = path ? xclbin_read(path, &json, &json_len) : 0;

	if (!path || rc)
		return rc;
	rc = xclbin_ip_layout((const char *)json, json_len, &data, &size, fault, sizeof(fault));
	free(json);
	if (rc)
		return xclbin_say(rc, "%s: %s", path, fault);
	add(m, XK_IP_LAYOUT, NULL, data, size);
	return 0;
}

static int add_soft_kernel(struct making *m, const char *path)
{
	uint8_t *image, *data;
	size_t image_len, size;
	int rc = path ? xclbin_read(path, &image, &image_len) : 0;

	if (!path || rc)
		return rc;
	rc = xclbin_soft_kernel("weft", image, image_len, &data, &size);
	free(image);
	if (rc)
		return xclbin_say(rc, "%s: %s", path, strerror(-rc));
	add(m, XK_SOFT_KERNEL, "weft", data, size);
	return 0;
}

static int add_mcs(struct making *m, const struct xrt_options *x)
{
	uint8_t *image[XRT_MCS_MAX] = { NULL }, *data;
	size_t len[XRT_MCS_MAX], size;
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < x->n_mcs; i++)
		rc = xclbin_read(x->mcs[i], &image[i], &len[i]);
	if (!rc && x->n_mcs) {
		rc = xclbin_mcs((const uint8_t *const *)image, len, x->n_mcs, &data, &size);
		if (rc)
			xclbin_say(rc, "--mcs: %s", strerror(-rc));
		else
			add(m, XK_MCS, NULL, data, size);
	}
	for (i = 0; i < x->n_mcs; i++)
		free(image[i]);
	return rc;
}

static int add_more(struct making *m, const char *text)
{
	const char *equal = strchr(text, '=');
	char name[XCLBIN_NAME_LEN];
	uint32_t kind;
	int rc;

	if (!equal)
		return xclbin_say(-EINVAL, "--section \"%s\": KIND[:NAME]=FILE is wanted", text);
	rc = xclbin_section_option(text, (size_t)(equal - text), &kind, name);
	return rc ? rc : add_file(m, kind, name, equal + 1);
}

static int gather(struct making *m, const struct xclbin_args *a)
{
	unsigned int i;
	int rc = add_file(m, XK_BITSTREAM, NULL, a->bitstream);

	if (!rc)
		rc = add_file(m, XK_FIRMWARE, "weft", a->firmware);
	if (!rc)
		rc = add_soft_kernel(m, a->soft_kernel);
	if (!rc)
		rc = add_ip_layout(m, a->ip_layout);
	if (!rc)
		rc = add_file(m, XK_EMBEDDED_METADATA, NULL, a->embedded);
	if (!rc)
		rc = add_json(m, XK_USER_METADATA, a->metadata);
	if (!rc)
		rc = add_mcs(m, &a->cfg.xrt);
	for (i = 0; !rc && i < a->n_more; i++)
		rc = add_more(m, a->more[i]);
	return rc;
}

/* The time of making, or what SOURCE_DATE_EPOCH says: then a build can be repeated to the byte. */
static int timestamp(uint64_t *out)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;

	*out = (uint64_t)time(NULL);
	if (!text)
		return 0;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno)
		return 0;
	return xclbin_say(-EINVAL, "SOURCE_DATE_EPOCH \"%s\" is no number of seconds", text);
}

static int params(const struct xclbin_args *a, struct xclbin_params *p)
{
	if (!a->platform)
		return xclbin_say(-EINVAL, "xclbin create: --platform VBNV is needed, such as "
					   "xilinx:u50:gen3x16-xdma:201920.3");
	p->vbnv = a->platform;
	if (a->mode && !xclbin_mode_number(a->mode, &p->mode))
		return xclbin_say(-EINVAL, "mode \"%s\" makes no sense", a->mode);
	p->have_uuid = a->uuid != NULL;
	if (a->uuid && !xclbin_uuid_parse(a->uuid, p->uuid))
		return xclbin_say(-EINVAL, "UUID \"%s\" makes no sense", a->uuid);
	return timestamp(&p->timestamp);
}

static void tell(const struct xclbin_args *a, const uint8_t *out, size_t size, size_t sections)
{
	struct json_object *o = json_object_new_object();
	char uuid[XCLBIN_UUID_TEXT];

	xclbin_uuid_text(uuid, out + XH_UUID);
	json_object_object_add(o, "file", json_object_new_string(a->file));
	put_u64(o, "size", size);
	put_u64(o, "sections", sections);
	json_object_object_add(o, "uuid", json_object_new_string(uuid));
	show(&a->cfg, o);
}

int xclbin_create(const struct xclbin_args *a)
{
	struct making *m = calloc(1, sizeof(*m));
	struct xclbin_params p = { 0 };
	char fault[256];
	uint8_t *out = NULL;
	size_t size, i;
	int rc;

	if (!m)
		return xclbin_say(-ENOMEM, "out of memory");
	rc = params(a, &p);
	if (!rc)
		rc = gather(m, a);
	p.parts = m->part;
	p.n_parts = m->n;
	if (!rc) {
		rc = xclbin_build(&p, &out, &size, fault, sizeof(fault));
		if (rc)
			xclbin_say(rc, "%s: %s", a->file, fault);
	}
	if (!rc)
		rc = xclbin_write(a->file, out, size);
	if (!rc && !a->cfg.quiet)
		tell(a, out, size, m->n);
	free(out);
	for (i = 0; i < m->n; i++)
		free(m->part[i].data);
	free(m);
	return rc;
}
