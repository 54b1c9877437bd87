/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "device.h"

/* Exactly as many hexadecimal digits, then the character that must follow; NULL: not so. */
static const char *digits(const char *p, unsigned int n, char then)
{
	while (n--)
		if (!isxdigit((unsigned char)*p++))
			return NULL;
	return *p == then ? p + 1 : NULL;
}

static bool is_bdf(const char *text)
{
	const char *p = digits(text, 4, ':');

	p = digits(p ? p : text, 2, ':');
	if (p)
		p = digits(p, 2, '.');
	return p && *p >= '0' && *p <= '7' && !p[1];
}

int xrt_name_parse(const char *device, struct xrt_name *name)
{
	unsigned long v;
	char *end;

	memset(name, 0, sizeof(*name));
	if (!device || strncmp(device, "xrt:", 4))
		return xclbin_say(-EINVAL, "--device xrt:BDF is needed%s%s", device ? ", not " : "",
				  device ? device : "");
	name->text = device + 4;
	if (is_bdf(name->text)) {
		snprintf(name->bdf, sizeof(name->bdf), "%s%s",
			 strlen(name->text) > 7 ? "" : "0000:", name->text);
		return 0;
	}
	errno = 0;
	v = strtoul(name->text, &end, 10);
	if (!isdigit((unsigned char)*name->text) || *end || errno || v > 255)
		return xclbin_say(-EINVAL,
				  "device \"%s\": neither xrt:[DDDD:]BB:DD.F nor xrt:0 to xrt:255",
				  device);
	name->by_index = true;
	name->index = (unsigned int)v;
	return 0;
}
