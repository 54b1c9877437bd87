/* SPDX-License-Identifier: BSD-2-Clause */
/* libxrt, found and loaded when it is needed. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

#define VENDOR_HOME "/opt/xilinx/xrt"
#define CORE_LIBRARY "lib/libxrt_core.so.2"

static const struct symbol {
	const char *name;
	size_t offset;
} symbols[] = {
	{ "xrtDeviceOpen", offsetof(struct xrt_lib, device_open) },
	{ "xrtDeviceOpenByBDF", offsetof(struct xrt_lib, device_open_bdf) },
	{ "xrtDeviceClose", offsetof(struct xrt_lib, device_close) },
	{ "xrtDeviceLoadXclbinHandle", offsetof(struct xrt_lib, device_load) },
	{ "xrtDeviceGetXclbinUUID", offsetof(struct xrt_lib, device_uuid) },
	{ "xrtXclbinAllocRawData", offsetof(struct xrt_lib, xclbin_alloc) },
	{ "xrtXclbinFreeHandle", offsetof(struct xrt_lib, xclbin_free) },
	{ "xrtXclbinGetUUID", offsetof(struct xrt_lib, xclbin_uuid) },
};

static bool has_core(const char *home)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", home, CORE_LIBRARY) < (int)sizeof(path) &&
	       !access(path, R_OK);
}

/*
 * A folder whose lib is the one that libxrt came from: distributions put the libraries where others
 * are, and XILINX_XRT cannot name that.
 */
static int make_home(struct xrt_lib *lib, const char *origin)
{
	const char *tmp = getenv("TMPDIR");
	char link[PATH_MAX];

	if (asprintf(&lib->home, "%s/weft-xrt.XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0) {
		lib->home = NULL;
		return -ENOMEM;
	}
	if (!mkdtemp(lib->home)) {
		int err = -errno;

		free(lib->home);
		lib->home = NULL;
		return err;
	}
	if (snprintf(link, sizeof(link), "%s/lib", lib->home) >= (int)sizeof(link))
		return -ENAMETOOLONG;
	return symlink(origin, link) ? -errno : 0;
}

/* The vendor's package has such a folder: origin is its lib, and becomes the folder's name. */
static bool own_home(char *origin)
{
	size_t n = strlen(origin);

	if (n < 5 || strcmp(origin + n - 4, "/lib"))
		return false;
	origin[n - 4] = '\0';
	if (has_core(origin))
		return true;
	origin[n - 4] = '/';
	return false;
}

static int set_home(struct xrt_lib *lib)
{
	const char *home = getenv("XILINX_XRT");
	char origin[PATH_MAX];
	int rc;

	if (home && has_core(home))
		return 0;
	if (dlinfo(lib->so, RTLD_DI_ORIGIN, origin))
		return xclbin_say(-EINVAL, "%s: %s", XRT_LIBRARY, dlerror());
	rc = own_home(origin) ? 0 : make_home(lib, origin);
	if (rc)
		return xclbin_say(rc, "a folder for XILINX_XRT: %s", strerror(-rc));
	home = lib->home ? lib->home : origin;
	return setenv("XILINX_XRT", home, 1) ?
		       xclbin_say(-errno, "XILINX_XRT: %s", strerror(errno)) :
		       0;
}

static int open_so(struct xrt_lib *lib)
{
	const char *path = getenv("WEFT_XRT_LIBRARY");
	char why[512];

	lib->so = dlopen(path ? path : XRT_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (lib->so)
		return 0;
	snprintf(why, sizeof(why), "%s", dlerror());
	if (path)
		return xclbin_say(-ENOENT, "WEFT_XRT_LIBRARY: %s", why);
	lib->so = dlopen(VENDOR_HOME "/lib/" XRT_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (lib->so)
		return 0;
	return xclbin_say(-ENOENT,
			  XRT_LIBRARY " is not installed (%s). It comes with XRT: Debian's package "
				      "libxrt1 or libxrt2, or the vendor's in " VENDOR_HOME,
			  why);
}

int xrt_lib_open(struct xrt_lib *lib)
{
	size_t i;
	int rc;

	memset(lib, 0, sizeof(*lib));
	rc = open_so(lib);
	for (i = 0; !rc && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *at = dlsym(lib->so, symbols[i].name);

		if (!at)
			rc = xclbin_say(-ENOSYS, "libxrt has no %s: %s", symbols[i].name,
					dlerror());
		memcpy((char *)lib + symbols[i].offset, &at, sizeof(at));
	}
	if (!rc)
		rc = set_home(lib);
	if (rc)
		xrt_lib_close(lib);
	return rc;
}

/* libxrt has threads and handlers of the process's end: once loaded it stays. */
void xrt_lib_close(struct xrt_lib *lib)
{
	char link[PATH_MAX];

	if (lib->home) {
		snprintf(link, sizeof(link), "%s/lib", lib->home);
		unlink(link);
		rmdir(lib->home);
		free(lib->home);
		lib->home = NULL;
	}
}
