/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of an xclbin's kinds of sections and modes, and its UUID as text. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "xclbin.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const kinds[] = {
	"BITSTREAM",
	"CLEARING_BITSTREAM",
	"EMBEDDED_METADATA",
	"FIRMWARE",
	"DEBUG_DATA",
	"SCHED_FIRMWARE",
	"MEM_TOPOLOGY",
	"CONNECTIVITY",
	"IP_LAYOUT",
	"DEBUG_IP_LAYOUT",
	"DESIGN_CHECK_POINT",
	"CLOCK_FREQ_TOPOLOGY",
	"MCS",
	"BMC",
	"BUILD_METADATA",
	"KEYVALUE_METADATA",
	"USER_METADATA",
	"DNA_CERTIFICATE",
	"PDI",
	"BITSTREAM_PARTIAL_PDI",
	"PARTITION_METADATA",
	"EMULATION_DATA",
	"SYSTEM_METADATA",
	"SOFT_KERNEL",
	"ASK_FLASH",
	"AIE_METADATA",
	"ASK_GROUP_TOPOLOGY",
	"ASK_GROUP_CONNECTIVITY",
	"SMARTNIC",
	"AIE_RESOURCES",
	"OVERLAY",
	"VENDER_METADATA",
	"AIE_PARTITION",
	"IP_METADATA",
	"AIE_RESOURCES_BIN",
	"AIE_TRACE_METADATA",
};

static const char *const modes[] = {
	"flat", "pr", "tandem-stage2", "tandem-stage2-pr", "hw-emu", "sw-emu", "hw-emu-pr",
};

const char *xclbin_kind_name(uint32_t kind)
{
	return kind < COUNT(kinds) ? kinds[kind] : NULL;
}

bool xclbin_kind_number(const char *name, uint32_t *kind)
{
	uint32_t i;

	for (i = 0; i < COUNT(kinds); i++)
		if (!strcasecmp(name, kinds[i])) {
			*kind = i;
			return true;
		}
	return false;
}

bool xclbin_kind_single(uint32_t kind)
{
	switch (kind) {
	case XK_BITSTREAM:
	case XK_EMBEDDED_METADATA:
	case XK_MEM_TOPOLOGY:
	case XK_CONNECTIVITY:
	case XK_IP_LAYOUT:
	case XK_DEBUG_IP_LAYOUT:
	case XK_CLOCK_FREQ_TOPOLOGY:
	case XK_MCS:
	case XK_BMC:
	case XK_BUILD_METADATA:
	case XK_KEYVALUE_METADATA:
	case XK_USER_METADATA:
	case XK_DNA_CERTIFICATE:
	case XK_PDI:
	case XK_ASK_GROUP_TOPOLOGY:
	case XK_ASK_GROUP_CONNECTIVITY:
		return true;
	default:
		return false;
	}
}

const char *xclbin_mode_name(uint16_t mode)
{
	return mode < COUNT(modes) ? modes[mode] : NULL;
}

bool xclbin_mode_number(const char *name, uint16_t *mode)
{
	uint16_t i;

	for (i = 0; i < COUNT(modes); i++)
		if (!strcasecmp(name, modes[i])) {
			*mode = i;
			return true;
		}
	return false;
}

/* A dash comes after the bytes 3, 5, 7 and 9. */
static bool dash_after(unsigned int i)
{
	return i >= 3 && i <= 9 && i % 2;
}

void xclbin_uuid_text(char *to, const uint8_t *uuid)
{
	unsigned int i;

	for (i = 0; i < XCLBIN_UUID_LEN; i++)
		to += sprintf(to, "%02x%s", uuid[i], dash_after(i) ? "-" : "");
}

bool xclbin_uuid_parse(const char *text, uint8_t *uuid)
{
	unsigned int i, v;

	for (i = 0; i < XCLBIN_UUID_LEN; i++) {
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
		    sscanf(text, "%2x", &v) != 1)
			return false;
		uuid[i] = (uint8_t)v;
		text += 2;
		if (dash_after(i) && *text++ != '-')
			return false;
	}
	return !*text;
}
