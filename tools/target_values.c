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

/* One of two words; *second: which. */
static int take_word(struct reader *r, struct json_object *v, const char *a, const char *b,
		     bool *second)
{
	const char *s;
	int rc = reader_string(r, v, &s);

	if (!rc && strcasecmp(s, a) && strcasecmp(s, b))
		rc = reader_fail(r, "\"%.60s\" is not supported, only \"%s\" and \"%s\"", s, a, b);
	*second = !rc && !strcasecmp(s, b);
	return rc;
}

int take_trtype(struct reader *r, struct json_object *v, void *to)
{
	return take_word(r, v, "tcp", "fc", &((struct target_port *)to)->fc);
}

int take_adrfam(struct reader *r, struct json_object *v, void *to)
{
	bool fc;
	int rc = take_word(r, v, "ipv4", "fc", &fc);

	*(uint8_t *)to = fc ? ADRFAM_FC : ADRFAM_IPV4;
	return rc;
}

int take_fc_mode(struct reader *r, struct json_object *v, void *to)
{
	return take_word(r, v, "native", "vn2vn", to);
}

#define FC_ADDRESS_LEN 43

/* nn-0x<16 digits>:pn-0x<16 digits> */
static bool fc_address(const char *s, uint64_t *wwnn, uint64_t *wwpn)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	unsigned long long nn, pn;

	if (strlen(s) != FC_ADDRESS_LEN || strncasecmp(s, "nn-0x", 5) ||
	    strncasecmp(s + 21, ":pn-0x", 6) || strspn(s + 5, hex) != 16 ||
	    strspn(s + 27, hex) != 16)
		return false;
	nn = strtoull(s + 5, NULL, 16);
	pn = strtoull(s + 27, NULL, 16);
	*wwnn = nn;
	*wwpn = pn;
	return nn && pn;
}

/* The form tells what it is; whether it fits the transport is looked at when all is there. */
int take_traddr(struct reader *r, struct json_object *v, void *to)
{
	struct target_port *p = to;
	const char *s;
	int rc = reader_string(r, v, &s);

	if (rc || strncasecmp(s, "nn-", 3))
		return rc ? rc : take_ip(r, v, &p->traddr);
	return fc_address(s, &p->wwnn, &p->wwpn) ?
		       0 :
		       reader_fail(r, "\"%.60s\" is no nn-0x<16 digits>:pn-0x<16 digits>", s);
}

/* FC has none, for which nvmetcli writes "none". */
int take_trsvcid(struct reader *r, struct json_object *v, void *to)
{
	uint64_t n = 0;
	int rc = 0;

	if (!json_object_is_type(v, json_type_string) || strcmp(json_object_get_string(v), "none"))
		rc = reader_number(r, v, 1, 65535, &n);
	*(uint16_t *)to = (uint16_t)n;
	return rc;
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
