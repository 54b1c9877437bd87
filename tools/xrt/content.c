/* SPDX-License-Identifier: BSD-2-Clause */
/* Sections with structure, made from what people have: JSON of xclbinutil's form, images. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "xclbin.h"

#define IP_FIRST 8u
#define IP_ENTRY 80u
#define IP_NAME_LEN 64u
#define IP_MAX 1024u
#define SOFT_KERNEL_LEN 80u
#define MCS_FIRST 8u
#define MCS_ENTRY 24u

struct word {
	const char *name;
	uint64_t value;
};

static const struct word ip_types[] = {
	{ "IP_MB", 0 },
	{ "IP_KERNEL", 1 },
	{ "IP_DNASC", 2 },
	{ "IP_DDR4_CONTROLLER", 3 },
	{ "IP_MEM_DDR4", 4 },
	{ "IP_MEM_HBM", 5 },
	{ "IP_MEM_HBM_ECC", 6 },
	{ "IP_PS_KERNEL", 7 },
	{ NULL, 0 },
};

static const struct word no_address[] = {
	{ "not_used", UINT64_MAX },
	{ NULL, 0 },
};

static const struct word ip_controls[] = {
	{ "AP_CTRL_HS", 0 }, { "AP_CTRL_CHAIN", 1 }, { "AP_CTRL_NONE", 2 }, { "AP_CTRL_ME", 3 },
	{ NULL, 0 },
};

/* A value of one entry: a JSON number, or a text that is a number or one of these words. */
static bool value_of(struct json_object *v, const struct word *words, uint64_t hi, uint64_t *out)
{
	const char *text = json_object_get_string(v);
	char *end;

	for (; words && words->name; words++)
		if (text && !strcmp(text, words->name)) {
			*out = words->value;
			return true;
		}
	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return !errno && !*end && *out <= hi;
}

/* Keys of an entry, and where their bits go. */
static const struct key {
	const char *name;
	const struct word *words;
	uint64_t hi;
	uint8_t at, len, shift;
	bool needed;
} keys[] = {
	{ "m_type", ip_types, 7, 0, 4, 0, true },
	{ "m_int_enable", NULL, 1, 4, 4, 0, false },
	{ "m_interrupt_id", NULL, 127, 4, 4, 1, false },
	{ "m_ip_control", ip_controls, 3, 4, 4, 8, false },
	{ "m_base_address", no_address, UINT64_MAX, 8, 8, 0, true },
};

static int put_ip(struct json_object *o, size_t i, uint8_t *p, char *fault, size_t len)
{
	struct json_object *v;
	const char *name;
	uint64_t n;
	size_t k;

	for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		const struct key *key = &keys[k];

		if (!json_object_object_get_ex(o, key->name, &v) && !key->needed)
			continue;
		if (!json_object_object_get_ex(o, key->name, &v) ||
		    !value_of(v, key->words, key->hi, &n)) {
			snprintf(fault, len,
				 "ip_layout: m_ip_data[%zu].%s: missing, or not a "
				 "value it can have",
				 i, key->name);
			return -EINVAL;
		}
		if (key->len == 4)
			n = xle32(p + key->at) | n << key->shift;
		xput(p + key->at, n, key->len);
	}
	name = json_object_object_get_ex(o, "m_name", &v) ? json_object_get_string(v) : NULL;
	if (!name || !*name || strlen(name) >= IP_NAME_LEN) {
		snprintf(fault, len,
			 "ip_layout: m_ip_data[%zu].m_name: missing, or not of 1 to %u "
			 "characters",
			 i, IP_NAME_LEN - 1);
		return -EINVAL;
	}
	memcpy(p + 16, name, strlen(name));
	return 0;
}

static struct json_object *parse(const char *json, size_t len)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *o = NULL;

	if (t && len < XCLBIN_SIZE_MAX) {
		json_tokener_set_flags(t, JSON_TOKENER_STRICT);
		o = json_tokener_parse_ex(t, json, (int)len);
	}
	json_tokener_free(t);
	return o;
}

int xclbin_ip_layout(const char *json, size_t json_len, uint8_t **out, size_t *size, char *fault,
		     size_t len)
{
	struct json_object *o = parse(json, json_len), *list = NULL, *data = NULL;
	size_t i, n = 0;
	int rc = -EINVAL;

	*out = NULL;
	snprintf(fault, len,
		 "ip_layout: not {\"ip_layout\": {\"m_ip_data\": [...]}} with 1 to %u "
		 "entries",
		 IP_MAX);
	if (json_object_is_type(o, json_type_object) &&
	    json_object_object_get_ex(o, "ip_layout", &list) &&
	    json_object_is_type(list, json_type_object) &&
	    json_object_object_get_ex(list, "m_ip_data", &data) &&
	    json_object_is_type(data, json_type_array))
		n = json_object_array_length(data);
	if (n >= 1 && n <= IP_MAX) {
		*size = IP_FIRST + n * IP_ENTRY;
		*out = calloc(1, *size);
		rc = *out ? 0 : -ENOMEM;
	}
	for (i = 0; !rc && i < n; i++)
		rc = put_ip(json_object_array_get_idx(data, i), i, *out + IP_FIRST + i * IP_ENTRY,
			    fault, len);
	if (!rc) {
		xput(*out, n, 4);
	} else {
		free(*out);
		*out = NULL;
	}
	json_object_put(o);
	return rc;
}

int xclbin_soft_kernel(const char *name, const uint8_t *image, size_t image_len, uint8_t **out,
		       size_t *size)
{
	size_t name_len = strlen(name) + 1, text = name_len + 1; /* and an empty one */
	uint8_t *b;

	if (image_len > XCLBIN_SIZE_MAX || name_len > XCLBIN_NAME_LEN)
		return -EINVAL;
	*size = SOFT_KERNEL_LEN + text + image_len;
	b = calloc(1, *size);
	if (!b)
		return -ENOMEM;
	memcpy(b + SOFT_KERNEL_LEN, name, name_len);
	xput(b, SOFT_KERNEL_LEN, 4);                          /* mpo_name */
	xput(b + 4, SOFT_KERNEL_LEN + text, 4);               /* m_image_offset */
	xput(b + 8, image_len, 4);                            /* m_image_size */
	xput(b + 12, SOFT_KERNEL_LEN + name_len, 4);          /* mpo_version: none */
	xput(b + 16, SOFT_KERNEL_LEN + name_len, 4);          /* mpo_md5_value: none */
	xput(b + 20, SOFT_KERNEL_LEN, 4);                     /* mpo_symbol_name */
	xput(b + 24, 1, 4);                                   /* m_num_instances */
	memcpy(b + SOFT_KERNEL_LEN + text, image, image_len); /* behind the texts */
	*out = b;
	return 0;
}

int xclbin_mcs(const uint8_t *const *image, const size_t *image_len, unsigned int n, uint8_t **out,
	       size_t *size)
{
	size_t at = MCS_FIRST + (size_t)n * MCS_ENTRY;
	unsigned int i;
	uint8_t *b;

	*size = at;
	for (i = 0; i < n; i++) {
		if (image_len[i] > XCLBIN_SIZE_MAX)
			return -EINVAL;
		*size += image_len[i];
	}
	b = calloc(1, *size);
	if (!b)
		return -ENOMEM;
	b[0] = (uint8_t)n;
	for (i = 0; i < n; i++) {
		uint8_t *p = b + MCS_FIRST + i * MCS_ENTRY;

		p[0] = (uint8_t)(i + 1); /* primary, secondary */
		xput(p + 8, at, 8);
		xput(p + 16, image_len[i], 8);
		memcpy(b + at, image[i], image_len[i]);
		at += image_len[i];
	}
	*out = b;
	return 0;
}
