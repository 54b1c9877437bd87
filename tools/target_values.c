/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of the configuration that are more than numbers. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "target_fields.h"

#define NAMES_MAX 4096u

int take_nqn(struct reader *r, struct json_object *v, void *to)
{
	const char *s, *fault;
	int rc = reader_string(r, v, &s);

	if (rc)
		return rc;
	fault = target_nqn_fault(s);
	if (fault)
		return reader_fail(r, "\"%.300s\" is no NQN: %s", s, fault);
	strcpy(to, s);
	return 0;
}

/* An array of NQNs, each once. */
int take_nqns(struct reader *r, struct json_object *v, void *to)
{
	struct target_names *names = to;
	size_t i, n, mark;
	int rc = reader_array(r, v, &n);

	for (i = 0; !rc && i < n; i++) {
		char nqn[NVME_NQN_MAX + 1];

		if (i == NAMES_MAX)
			return reader_fail(r, "more than %u names", NAMES_MAX);
		mark = reader_index(r, i);
		rc = take_nqn(r, json_object_array_get_idx(v, i), nqn);
		if (!rc && target_names_have(names, nqn))
			rc = reader_fail(r, "%s is there twice", nqn);
		if (!rc && target_names_add(names, nqn))
			rc = reader_no_memory(r);
		if (!rc)
			reader_back(r, mark);
	}
	return rc;
}

/* Printable ASCII without blanks at the ends, as Identify shows it. */
static int take_text(struct reader *r, struct json_object *v, char *to, size_t max)
{
	const char *s, *p;
	int rc = reader_string(r, v, &s);

	if (rc)
		return rc;
	if (!*s || strlen(s) > max)
		return reader_fail(r, "must have 1 to %zu characters", max);
	for (p = s; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return reader_fail(r, "must be printable ASCII");
	strcpy(to, s);
	return 0;
}

int take_serial(struct reader *r, struct json_object *v, void *to)
{
	return take_text(r, v, to, 20);
}

int take_model(struct reader *r, struct json_object *v, void *to)
{
	return take_text(r, v, to, 40);
}

int take_firmware(struct reader *r, struct json_object *v, void *to)
{
	return take_text(r, v, to, 8);
}

int take_path(struct reader *r, struct json_object *v, void *to)
{
	const char *s;
	int rc = reader_string(r, v, &s);

	if (rc)
		return rc;
	if (!*s)
		return reader_fail(r, "is empty");
	*(char **)to = strdup(s);
	return *(char **)to ? 0 : reader_no_memory(r);
}

/* n bytes in hexadecimal, with dashes where people put them. */
static int take_hex(struct reader *r, struct json_object *v, uint8_t *to, unsigned int n,
		    const char *what)
{
	unsigned int digits = 0;
	const char *s, *p;
	int rc = reader_string(r, v, &s);

	if (rc)
		return rc;
	memset(to, 0, n);
	for (p = s; *p; p++) {
		static const char hex[] = "0123456789abcdef0123456789ABCDEF";
		const char *at = strchr(hex, *p);

		if (*p == '-')
			continue;
		if (!at || digits == 2 * n)
			break;
		to[digits / 2] = (uint8_t)(to[digits / 2] << 4 | (at - hex) % 16);
		digits++;
	}
	return *p || digits != 2 * n ? reader_fail(r, "\"%.60s\" is no %s", s, what) : 0;
}

int take_uuid(struct reader *r, struct json_object *v, void *to)
{
	return take_hex(r, v, to, 16, "UUID");
}

int take_nguid(struct reader *r, struct json_object *v, void *to)
{
	return take_hex(r, v, to, 16, "NGUID (32 hexadecimal digits)");
}

int take_eui64(struct reader *r, struct json_object *v, void *to)
{
	return take_hex(r, v, to, 8, "EUI-64 (16 hexadecimal digits)");
}

int take_ip(struct reader *r, struct json_object *v, void *to)
{
	struct in_addr in;
	const char *s;
	int rc = reader_string(r, v, &s);

	if (rc)
		return rc;
	if (inet_pton(AF_INET, s, &in) != 1)
		return reader_fail(r, "\"%.60s\" is no IPv4 address", s);
	*(uint32_t *)to = ntohl(in.s_addr);
	return 0;
}

int take_block_size(struct reader *r, struct json_object *v, void *to)
{
	uint64_t n;
	int rc = reader_number(r, v, 512, 4096, &n);

	if (!rc && n != 512 && n != 4096)
		rc = reader_fail(r, "%llu: 512 and 4096 are possible", (unsigned long long)n);
	*(uint32_t *)to = rc ? 0 : (uint32_t)n;
	return rc;
}

/* A value that can only be the one that we do; what stands in for it in the table is data. */
static int take_only(struct reader *r, struct json_object *v, const char *only)
{
	const char *s;
	int rc = reader_string(r, v, &s);

	if (!rc && strcasecmp(s, only))
		rc = reader_fail(r, "\"%.60s\" is not supported, only \"%s\"", s, only);
	return rc;
}

int take_tcp(struct reader *r, struct json_object *v, void *to)
{
	(void)to;
	return take_only(r, v, "tcp");
}

int take_ipv4(struct reader *r, struct json_object *v, void *to)
{
	(void)to;
	return take_only(r, v, "ipv4");
}

int take_no_referrals(struct reader *r, struct json_object *v, void *to)
{
	size_t n;
	int rc = reader_array(r, v, &n);

	(void)to;
	return rc || !n ? rc : reader_fail(r, "referrals are not supported");
}

int take_mac(struct reader *r, struct json_object *v, void *to)
{
	unsigned int m[6], i;
	const char *s;
	char more;
	int rc = reader_string(r, v, &s);

	if (rc)
		return rc;
	if (strlen(s) != 17 ||
	    sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%c", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5],
		   &more) != 6 ||
	    m[0] & 1)
		return reader_fail(r, "\"%.60s\" is no MAC address of a station", s);
	for (i = 0; i < 6; i++)
		((uint8_t *)to)[i] = (uint8_t)m[i];
	return 0;
}
