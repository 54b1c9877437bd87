/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices by name. */
#include <errno.h>
#include <string.h>

#include "vfio.h"

/* The simulator is in few programs: there this is its function, elsewhere NULL. */
#pragma weak weft_bus_open_inproc

static const char *after(const char *spec, const char *kind)
{
	size_t n = strlen(kind);

	if (strncmp(spec, kind, n))
		return NULL;
	return spec[n] == ':' ? spec + n + 1 : spec[n] == '\0' ? spec + n : NULL;
}

int weft_bus_open(const char *spec, struct weft_bus **bus)
{
	const char *rest = after(spec, "vfio-user");

	if (rest)
		return *rest ? weft_bus_open_vfio_user(rest, bus) :
			       weft_set_error(-EINVAL, "vfio-user: which socket? (vfio-user:PATH)");
	rest = after(spec, "vfio");
	if (rest)
		return *rest ? vk_open_named(rest, bus) :
			       weft_set_error(-EINVAL, "vfio: which device? (vfio:0000:05:00.0)");
	if (vk_is_bdf(spec))
		return vk_open_named(spec, bus);
	rest = after(spec, "inproc");
	if (!rest)
		rest = after(spec, "sim");
	if (!rest)
		return weft_set_error(
			-EINVAL,
			"unknown device \"%s\": 0000:05:00.0 (VFIO), vfio-user:PATH, or inproc "
			"where it is built in",
			spec);
	if (!weft_bus_open_inproc)
		return weft_set_error(-EOPNOTSUPP,
				      "this program was built without the in-process simulator");
	return weft_bus_open_inproc(rest, bus);
}
