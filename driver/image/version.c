/* SPDX-License-Identifier: BSD-2-Clause */
/* Version numbers as MCUboot writes them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "image.h"

/* A decimal number of at most max from *text on, which it moves; false: there is none. */
static bool part(const char **text, uint64_t max, uint64_t *v)
{
	const char *p = *text;

	for (*v = 0; *p >= '0' && *p <= '9'; p++) {
		*v = *v * 10 + (uint64_t)(*p - '0');
		if (*v > max)
			return false;
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

int weft_image_version_parse(const char *text, struct weft_image_version *version)
{
	static const uint64_t max[4] = { UINT8_MAX, UINT8_MAX, UINT16_MAX, UINT32_MAX };
	uint64_t v[4] = { 0 };
	const char *p = text;
	unsigned int i = 0;
	bool good = part(&p, max[0], &v[0]);

	while (good && *p == '.' && ++i < 3) {
		p++;
		good = part(&p, max[i], &v[i]);
	}
	if (good && *p == '+') {
		p++;
		good = part(&p, max[3], &v[3]);
	}
	if (!good || *p)
		return weft_set_error(
			-EINVAL,
			"version \"%.40s\": must be MAJOR[.MINOR[.REVISION]][+BUILD], at most 255.255.65535+4294967295",
			text);
	version->major_no = (uint8_t)v[0];
	version->minor_no = (uint8_t)v[1];
	version->revision = (uint16_t)v[2];
	version->build = (uint32_t)v[3];
	return 0;
}

void weft_image_version_text(const struct weft_image_version *version, char *text, size_t size)
{
	snprintf(text, size, "%u.%u.%u+%u", version->major_no, version->minor_no, version->revision,
		 version->build);
}
