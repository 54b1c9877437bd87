/* SPDX-License-Identifier: BSD-2-Clause */
/* weft xclbin load: the bytes that were checked go to the board, and its UUID is read back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

struct loading {
	struct xrt_lib lib;
	struct xrt_name name;
	void *dev;
	void *xclbin;
};

/* What libxrt's calls leave behind: a negative errno of their own, errno, or nothing. */
static int reason(int rc)
{
	int err = rc < 0 && rc > -4096 ? rc : rc > 0 && rc < 4096 ? -rc : 0;

	/* -1 is what most of them say, the reason is in errno then */
	if ((!err || err == -1) && errno)
		err = -errno;
	return err ? err : -EIO;
}

static int failed(const char *call, int rc)
{
	int err = reason(rc);

	return xclbin_say(err, "%s: %s", call, strerror(-err));
}

static int open_device(struct loading *l)
{
	const struct xrt_name *n = &l->name;

	errno = 0;
	l->dev = n->by_index ? l->lib.device_open(n->index) : l->lib.device_open_bdf(n->bdf);
	if (l->dev)
		return 0;
	/* by BDF it leaves no reason in errno */
	return xclbin_say(errno && n->by_index ? -errno : -ENODEV,
			  "xrt:%s: %s: no such board, or its driver xocl is not loaded%s%s",
			  n->text, n->by_index ? "xrtDeviceOpen" : "xrtDeviceOpenByBDF",
			  n->by_index ? ": " : "", n->by_index ? strerror(errno) : "");
}

static int same_uuid(const char *call, const uint8_t *want, const uint8_t *got)
{
	char w[XCLBIN_UUID_TEXT], g[XCLBIN_UUID_TEXT];

	if (!memcmp(want, got, XCLBIN_UUID_LEN))
		return 0;
	xclbin_uuid_text(w, want);
	xclbin_uuid_text(g, got);
	return xclbin_say(-EIO, "%s: uuid %s instead of the file's %s", call, g, w);
}

static int load(struct loading *l, const struct xclbin *x)
{
	uint8_t uuid[XCLBIN_UUID_LEN] = { 0 };
	int rc;

	errno = 0;
	l->xclbin = l->lib.xclbin_alloc((const char *)x->data, (int)x->size);
	if (!l->xclbin)
		return failed("xrtXclbinAllocRawData", 0);
	rc = l->lib.xclbin_uuid(l->xclbin, uuid);
	if (rc)
		return failed("xrtXclbinGetUUID", rc);
	rc = same_uuid("xrtXclbinGetUUID", x->uuid, uuid);
	if (rc)
		return rc;
	errno = 0;
	rc = l->lib.device_load(l->dev, l->xclbin);
	if (rc)
		return failed("xrtDeviceLoadXclbinHandle", rc);
	errno = 0;
	memset(uuid, 0, sizeof(uuid));
	rc = l->lib.device_uuid(l->dev, uuid);
	return rc ? failed("xrtDeviceGetXclbinUUID", rc) :
		    same_uuid("xrtDeviceGetXclbinUUID", x->uuid, uuid);
}

/* What was opened is closed whatever happened; the first error counts. */
static int unload(struct loading *l, int rc)
{
	int err = 0;

	errno = 0;
	if (l->xclbin)
		err = l->lib.xclbin_free(l->xclbin);
	if (err)
		err = failed("xrtXclbinFreeHandle", err);
	rc = rc ? rc : err;
	err = 0;
	errno = 0;
	if (l->dev)
		err = l->lib.device_close(l->dev);
	if (err)
		err = failed("xrtDeviceClose", err);
	xrt_lib_close(&l->lib);
	return rc ? rc : err;
}

static void tell(const struct xclbin_args *a, const struct loading *l, const struct xclbin *x)
{
	struct json_object *o;
	char uuid[XCLBIN_UUID_TEXT], device[80];

	if (a->cfg.quiet)
		return;
	o = json_object_new_object();
	xclbin_uuid_text(uuid, x->uuid);
	snprintf(device, sizeof(device), "xrt:%s", l->name.text);
	json_object_object_add(o, "device", json_object_new_string(device));
	json_object_object_add(o, "loaded", json_object_new_string(a->file));
	json_object_object_add(o, "uuid", json_object_new_string(uuid));
	show(&a->cfg, o);
}

int xclbin_load(const struct xclbin_args *a)
{
	struct loading l = { 0 };
	struct xclbin x;
	uint8_t *data;
	int rc = xrt_name_parse(a->cfg.device, &l.name);

	if (!rc)
		rc = xclbin_load_file(a->file, &x, &data);
	if (rc)
		return rc;
	rc = xrt_lib_open(&l.lib);
	if (!rc) {
		rc = open_device(&l);
		if (!rc)
			rc = load(&l, &x);
		rc = unload(&l, rc);
	}
	if (!rc)
		tell(a, &l, &x);
	xclbin_close(&x);
	free(data);
	return rc;
}
