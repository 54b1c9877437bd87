/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON into struct target_config: a table for each object of the form, and the checks across. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "target_config.h"
#include "target_fields.h"

#define KIB 1024ull
#define NAMES_MAX 4096u
#define PORTS_MAX 64u
#define SUBSYS_MAX 1024u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- adapter ------------------------------------------------------------------------------------ */

/* A.B.C.D or A.B.C.D/BITS */
static int take_adapter_ip(struct reader *r, struct json_object *v, void *to)
{
	struct target_config *c = to;
	char copy[64], *slash, *end;
	unsigned long bits = 24;
	struct in_addr in;
	const char *s;
	int rc = reader_string(r, v, &s);

	if (rc)
		return rc;
	snprintf(copy, sizeof(copy), "%s", s);
	slash = strchr(copy, '/');
	if (slash) {
		*slash++ = '\0';
		bits = strtoul(slash, &end, 10);
		if (*end || end == slash || *slash == '-' || *slash == '+' || !bits || bits > 32)
			return reader_fail(r, "\"%.60s\": the network has 1 to 32 bits", s);
	}
	if (inet_pton(AF_INET, copy, &in) != 1 || !in.s_addr)
		return reader_fail(r, "\"%.60s\" is no ADDRESS or ADDRESS/BITS", s);
	c->adapter.ip = ntohl(in.s_addr);
	c->adapter.mask = ~0u << (32 - bits);
	return 0;
}

#define AT(type, f) .offset = offsetof(struct type, f), .size = sizeof(((struct type *)0)->f)

static const struct field adapter_fields[] = {
	{ .key = "device", .kind = FIELD_OTHER, AT(target_config, device), .take = take_path },
	{ .key = "ip", .kind = FIELD_OTHER, .take = take_adapter_ip },
	{ .key = "gateway",
	  .kind = FIELD_OTHER,
	  AT(target_config, adapter.gateway),
	  .take = take_ip },
	{ .key = "mtu",
	  .kind = FIELD_NUMBER,
	  AT(target_config, adapter.mtu),
	  .lo = 576,
	  .hi = 9000 },
	{ .key = "mac", .kind = FIELD_OTHER, AT(target_config, adapter.mac), .take = take_mac },
	{ .key = "fc", .kind = FIELD_OTHER, AT(target_config, fc_vn2vn), .take = take_fc_mode },
};

static int take_adapter(struct reader *r, struct json_object *v, void *to)
{
	return reader_object(r, v, adapter_fields, COUNT(adapter_fields), to);
}

/* --- hosts -------------------------------------------------------------------------------------- */

struct host {
	char nqn[NVME_NQN_MAX + 1];
};

static const struct field host_fields[] = {
	{ .key = "nqn", .kind = FIELD_OTHER, AT(host, nqn), .take = take_nqn, .required = true },
	{ .key = "attr", .kind = FIELD_IGNORED },
	{ .key = "dhchap_key", .kind = FIELD_UNSUPPORTED },
	{ .key = "dhchap_ctrl_key", .kind = FIELD_UNSUPPORTED },
};

static int take_hosts(struct reader *r, struct json_object *v, void *to)
{
	struct target_config *c = to;
	size_t i, n, mark;
	int rc = reader_array(r, v, &n);

	for (i = 0; !rc && i < n; i++) {
		struct host h = { "" };

		if (i == NAMES_MAX)
			return reader_fail(r, "more than %u hosts", NAMES_MAX);
		mark = reader_index(r, i);
		rc = reader_object(r, json_object_array_get_idx(v, i), host_fields,
				   COUNT(host_fields), &h);
		if (!rc && target_names_have(&c->hosts, h.nqn))
			rc = reader_fail(r, "%s is there twice", h.nqn);
		if (!rc && target_names_add(&c->hosts, h.nqn))
			rc = reader_no_memory(r);
		if (!rc)
			reader_back(r, mark);
	}
	return rc;
}

/* --- ports -------------------------------------------------------------------------------------- */

static const struct field addr_fields[] = {
	{ .key = "trtype", .kind = FIELD_OTHER, .take = take_trtype, .required = true },
	{ .key = "adrfam", .kind = FIELD_OTHER, AT(target_port, adrfam), .take = take_adrfam },
	{ .key = "traddr", .kind = FIELD_OTHER, .take = take_traddr },
	{ .key = "trsvcid", .kind = FIELD_OTHER, AT(target_port, trsvcid), .take = take_trsvcid },
	{ .key = "treq", .kind = FIELD_IGNORED },
	{ .key = "tsas", .kind = FIELD_IGNORED },
};

static const struct field param_fields[] = {
	{ .key = "inline_data_size",
	  .kind = FIELD_NUMBER,
	  AT(target_port, icd_size),
	  .lo = 8192,
	  .hi = 65536,
	  .multiple = 64 },
	{ .key = "queue_size",
	  .kind = FIELD_NUMBER,
	  AT(target_port, qsize),
	  .lo = TARGET_QSIZE_MIN,
	  .hi = 1024,
	  .power = true },
	{ .key = "max_queue_size",
	  .kind = FIELD_NUMBER,
	  AT(target_port, qsize),
	  .lo = TARGET_QSIZE_MIN,
	  .hi = 1024,
	  .power = true },
	{ .key = "max_h2c_data",
	  .kind = FIELD_NUMBER,
	  AT(target_port, max_h2cdata),
	  .lo = 4096,
	  .hi = 1u << 20,
	  .multiple = 4 },
	{ .key = "max_connections",
	  .kind = FIELD_NUMBER,
	  AT(target_port, max_connections),
	  .lo = 1,
	  .hi = 4096 },
	{ .key = "no_header_digest", .kind = FIELD_BOOL, AT(target_port, no_header_digest) },
	{ .key = "no_data_digest", .kind = FIELD_BOOL, AT(target_port, no_data_digest) },
	{ .key = "pi_enable", .kind = FIELD_ZERO },
};

static int take_addr(struct reader *r, struct json_object *v, void *to)
{
	const struct target_port *p = to;
	int rc = reader_object(r, v, addr_fields, COUNT(addr_fields), to);

	if (rc)
		return rc;
	if (p->fc ? p->traddr || p->adrfam == ADRFAM_IPV4 : p->wwpn || p->adrfam == ADRFAM_FC)
		return reader_fail(r, "traddr and adrfam are not those of \"%s\"",
				   p->fc ? "fc" : "tcp");
	if (!p->fc && !p->trsvcid)
		return reader_fail(r, "\"tcp\" needs a number as trsvcid");
	return 0;
}

static int take_param(struct reader *r, struct json_object *v, void *to)
{
	return reader_object(r, v, param_fields, COUNT(param_fields), to);
}

static const struct field port_fields[] = {
	{ .key = "portid",
	  .kind = FIELD_NUMBER,
	  AT(target_port, portid),
	  .lo = 1,
	  .hi = 65535,
	  .required = true },
	{ .key = "addr", .kind = FIELD_OTHER, .take = take_addr, .required = true },
	{ .key = "param", .kind = FIELD_OTHER, .take = take_param },
	{ .key = "subsystems", .kind = FIELD_OTHER, AT(target_port, subsys), .take = take_nqns },
	{ .key = "referrals", .kind = FIELD_OTHER, .take = take_no_referrals },
	{ .key = "ana_groups", .kind = FIELD_IGNORED },
};

static int check_port(struct reader *r, const struct target_config *c, const struct target_port *p)
{
	size_t i;

	for (i = 0; i < c->n_ports; i++) {
		const struct target_port *o = &c->ports[i];

		if (o == p)
			continue;
		if (o->portid == p->portid)
			return reader_fail(r, "portid %u is that of ports[%zu], too", p->portid, i);
		if (o->fc && p->fc)
			return reader_fail(r, "the adapter's FC port is that of ports[%zu], too",
					   i);
		if (!o->fc && !p->fc && o->trsvcid == p->trsvcid)
			return reader_fail(r, "trsvcid %u is that of ports[%zu], too", p->trsvcid,
					   i);
	}
	return 0;
}

static int take_ports(struct reader *r, struct json_object *v, void *to)
{
	struct target_config *c = to;
	size_t i, n, mark;
	int rc = reader_array(r, v, &n);

	if (rc)
		return rc;
	if (n > PORTS_MAX)
		return reader_fail(r, "%zu ports; at most %u are possible", n, PORTS_MAX);
	c->ports = calloc(n ? n : 1, sizeof(*c->ports));
	if (!c->ports)
		return reader_no_memory(r);
	for (i = 0; !rc && i < n; i++) {
		struct target_port *p = &c->ports[c->n_ports++];

		p->trsvcid = 4420;
		mark = reader_index(r, i);
		rc = reader_object(r, json_object_array_get_idx(v, i), port_fields,
				   COUNT(port_fields), p);
		if (!rc)
			rc = check_port(r, c, p);
		if (!rc)
			reader_back(r, mark);
	}
	return rc;
}

/* --- subsystems --------------------------------------------------------------------------------- */

static const struct field device_fields[] = {
	{ .key = "path", .kind = FIELD_OTHER, AT(target_ns, path), .take = take_path },
	{ .key = "ram", .kind = FIELD_SIZE, AT(target_ns, ram), .lo = 512, .hi = INT64_MAX },
	{ .key = "null", .kind = FIELD_SIZE, AT(target_ns, null), .lo = 512, .hi = INT64_MAX },
	{ .key = "create", .kind = FIELD_SIZE, AT(target_ns, create), .lo = 512, .hi = INT64_MAX },
	{ .key = "buffered", .kind = FIELD_BOOL, AT(target_ns, buffered) },
	{ .key = "synchronous", .kind = FIELD_BOOL, AT(target_ns, synchronous) },
	{ .key = "uuid", .kind = FIELD_OTHER, AT(target_ns, uuid), .take = take_uuid },
	{ .key = "nguid", .kind = FIELD_OTHER, AT(target_ns, nguid), .take = take_nguid },
	{ .key = "eui64", .kind = FIELD_OTHER, AT(target_ns, eui64), .take = take_eui64 },
};

static int take_device(struct reader *r, struct json_object *v, void *to)
{
	struct target_ns *ns = to;
	int rc = reader_object(r, v, device_fields, COUNT(device_fields), to);

	if (rc)
		return rc;
	if ((ns->path != NULL) + (ns->ram != 0) + (ns->null != 0) != 1)
		return reader_fail(r, "one of \"path\", \"ram\" and \"null\" must be given");
	if (!ns->path && (ns->create || ns->buffered || ns->synchronous))
		return reader_fail(r, "\"create\", \"buffered\" and \"synchronous\" go with "
				      "\"path\" only");
	return 0;
}

static const struct field ns_fields[] = {
	{ .key = "nsid",
	  .kind = FIELD_NUMBER,
	  AT(target_ns, nsid),
	  .lo = 1,
	  .hi = TARGET_NSID_MAX,
	  .required = true },
	{ .key = "enable", .kind = FIELD_BOOL, AT(target_ns, enable) },
	{ .key = "device", .kind = FIELD_OTHER, .take = take_device, .required = true },
	{ .key = "block_size",
	  .kind = FIELD_OTHER,
	  AT(target_ns, block_size),
	  .take = take_block_size },
	{ .key = "read_only", .kind = FIELD_BOOL, AT(target_ns, read_only) },
	{ .key = "buffered_io", .kind = FIELD_BOOL, AT(target_ns, buffered) },
	{ .key = "ana", .kind = FIELD_IGNORED },
	{ .key = "ana_grpid", .kind = FIELD_IGNORED },
	{ .key = "p2pmem", .kind = FIELD_IGNORED },
	{ .key = "resv_enable", .kind = FIELD_ZERO },
};

static bool same_id(const uint8_t *a, const uint8_t *b, size_t n)
{
	static const uint8_t none[16];

	return memcmp(a, none, n) && !memcmp(a, b, n);
}

/* Against the namespaces of the same subsystem that came before. */
static int check_ns(struct reader *r, const struct target_subsys *s, const struct target_ns *ns)
{
	uint64_t size = ns->ram | ns->null | ns->create;
	uint32_t block = ns->block_size ? ns->block_size : 512;
	size_t i;

	if (size % block)
		return reader_fail(r, "a size of %llu is no multiple of the block size, %u",
				   (unsigned long long)size, block);
	if (ns->create && ns->read_only)
		return reader_fail(r, "\"create\" and \"read_only\" do not go together");
	for (i = 0; i < s->n_ns; i++) {
		const struct target_ns *o = &s->ns[i];

		if (o == ns)
			continue;
		if (o->nsid == ns->nsid)
			return reader_fail(r, "nsid %u is that of namespaces[%zu], too", ns->nsid,
					   i);
		if (same_id(ns->uuid, o->uuid, 16) || same_id(ns->nguid, o->nguid, 16) ||
		    same_id(ns->eui64, o->eui64, 8))
			return reader_fail(
				r, "uuid, nguid or eui64 is that of namespaces[%zu], too", i);
	}
	return 0;
}

static int take_namespaces(struct reader *r, struct json_object *v, void *to)
{
	struct target_subsys *s = to;
	size_t i, n, mark;
	int rc = reader_array(r, v, &n);

	if (rc)
		return rc;
	if (n > TARGET_NSID_MAX)
		return reader_fail(r, "%zu namespaces; at most %u are possible", n,
				   TARGET_NSID_MAX);
	s->ns = calloc(n ? n : 1, sizeof(*s->ns));
	if (!s->ns)
		return reader_no_memory(r);
	for (i = 0; !rc && i < n; i++) {
		struct target_ns *ns = &s->ns[s->n_ns++];

		ns->enable = true;
		mark = reader_index(r, i);
		rc = reader_object(r, json_object_array_get_idx(v, i), ns_fields, COUNT(ns_fields),
				   ns);
		if (!rc)
			rc = check_ns(r, s, ns);
		if (!rc)
			reader_back(r, mark);
	}
	return rc;
}

static const struct field attr_fields[] = {
	{ .key = "allow_any_host", .kind = FIELD_BOOL, AT(target_subsys, any_host) },
	{ .key = "serial", .kind = FIELD_OTHER, AT(target_subsys, serial), .take = take_serial },
	{ .key = "model", .kind = FIELD_OTHER, AT(target_subsys, model), .take = take_model },
	{ .key = "firmware",
	  .kind = FIELD_OTHER,
	  AT(target_subsys, firmware),
	  .take = take_firmware },
	{ .key = "cntlid_min",
	  .kind = FIELD_NUMBER,
	  AT(target_subsys, cntlid_min),
	  .lo = 1,
	  .hi = 0xffef },
	{ .key = "cntlid_max",
	  .kind = FIELD_NUMBER,
	  AT(target_subsys, cntlid_max),
	  .lo = 1,
	  .hi = 0xffef },
	{ .key = "qid_max",
	  .kind = FIELD_NUMBER,
	  AT(target_subsys, max_queues),
	  .lo = 1,
	  .hi = 1024 },
	{ .key = "max_controllers",
	  .kind = FIELD_NUMBER,
	  AT(target_subsys, max_controllers),
	  .lo = 1,
	  .hi = 4096 },
	{ .key = "max_transfer",
	  .kind = FIELD_SIZE,
	  AT(target_subsys, max_transfer),
	  .lo = 8192,
	  .hi = KIB * KIB,
	  .power = true },
	{ .key = "version", .kind = FIELD_IGNORED },
	{ .key = "ieee_oui", .kind = FIELD_IGNORED },
	{ .key = "pi_enable", .kind = FIELD_ZERO },
};

static int take_attr(struct reader *r, struct json_object *v, void *to)
{
	const struct target_subsys *s = to;
	int rc = reader_object(r, v, attr_fields, COUNT(attr_fields), to);
	unsigned int max = s->cntlid_max ? s->cntlid_max : 0xffef;

	if (!rc && s->cntlid_min > max)
		rc = reader_fail(r, "cntlid_min %u is greater than cntlid_max %u", s->cntlid_min,
				 max);
	return rc;
}

static const struct field subsys_fields[] = {
	{ .key = "nqn",
	  .kind = FIELD_OTHER,
	  AT(target_subsys, nqn),
	  .take = take_nqn,
	  .required = true },
	{ .key = "attr", .kind = FIELD_OTHER, .take = take_attr },
	{ .key = "allowed_hosts",
	  .kind = FIELD_OTHER,
	  AT(target_subsys, allowed),
	  .take = take_nqns },
	{ .key = "namespaces", .kind = FIELD_OTHER, .take = take_namespaces },
	{ .key = "offload", .kind = FIELD_IGNORED },
};

static int check_subsys(struct reader *r, const struct target_config *c,
			const struct target_subsys *s)
{
	const struct target_subsys *o = target_config_subsys(c, s->nqn);

	if (!strcmp(s->nqn, NVME_DISCOVERY_NQN))
		return reader_fail(r, "%s is the discovery subsystem, which is always there",
				   s->nqn);
	return o == s ? 0 :
			reader_fail(r, "%s is that of subsystems[%zu], too", s->nqn,
				    (size_t)(o - c->subsys));
}

static int take_subsystems(struct reader *r, struct json_object *v, void *to)
{
	struct target_config *c = to;
	size_t i, n, mark;
	int rc = reader_array(r, v, &n);

	if (rc)
		return rc;
	if (n > SUBSYS_MAX)
		return reader_fail(r, "%zu subsystems; at most %u are possible", n, SUBSYS_MAX);
	c->subsys = calloc(n ? n : 1, sizeof(*c->subsys));
	if (!c->subsys)
		return reader_no_memory(r);
	for (i = 0; !rc && i < n; i++) {
		struct target_subsys *s = &c->subsys[c->n_subsys++];

		mark = reader_index(r, i);
		rc = reader_object(r, json_object_array_get_idx(v, i), subsys_fields,
				   COUNT(subsys_fields), s);
		if (!rc)
			rc = check_subsys(r, c, s);
		if (!rc)
			reader_back(r, mark);
	}
	return rc;
}

/* --- the whole ---------------------------------------------------------------------------------- */

static const struct field top_fields[] = {
	{ .key = "adapter", .kind = FIELD_OTHER, .take = take_adapter },
	{ .key = "hosts", .kind = FIELD_OTHER, .take = take_hosts },
	{ .key = "ports", .kind = FIELD_OTHER, .take = take_ports, .required = true },
	{ .key = "subsystems", .kind = FIELD_OTHER, .take = take_subsystems, .required = true },
};

static int check_links(struct reader *r, const struct target_config *c)
{
	size_t i, j;

	for (i = 0; i < c->n_subsys; i++)
		for (j = 0; j < c->subsys[i].allowed.count; j++)
			if (!target_names_have(&c->hosts, c->subsys[i].allowed.name[j]))
				return reader_fail_at(
					r,
					"subsystems[%zu].allowed_hosts[%zu]: %s is not in "
					"hosts",
					i, j, c->subsys[i].allowed.name[j]);
	for (i = 0; i < c->n_ports; i++)
		for (j = 0; j < c->ports[i].subsys.count; j++)
			if (!target_config_subsys(c, c->ports[i].subsys.name[j]))
				return reader_fail_at(
					r, "ports[%zu].subsystems[%zu]: %s is not in subsystems", i,
					j, c->ports[i].subsys.name[j]);
	return 0;
}

struct place {
	const struct target_ns *ns;
	size_t subsys;
};

static int by_path(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int rc = strcmp(x->ns->path, y->ns->path);

	return rc ? rc : x->ns < y->ns ? -1 : 1;
}

/* One file in two namespaces, of whatever subsystems: they would write over each other. */
static int check_paths(struct reader *r, const struct target_config *c)
{
	struct place *all;
	size_t i, j, n = 0;
	int rc = 0;

	for (i = 0; i < c->n_subsys; i++)
		n += c->subsys[i].n_ns;
	all = calloc(n ? n : 1, sizeof(*all));
	if (!all)
		return reader_no_memory(r);
	for (i = n = 0; i < c->n_subsys; i++)
		for (j = 0; j < c->subsys[i].n_ns; j++)
			if (c->subsys[i].ns[j].path)
				all[n++] = (struct place){ &c->subsys[i].ns[j], i };
	qsort(all, n, sizeof(*all), by_path);
	for (i = 1; !rc && i < n; i++) {
		const struct place *a = &all[i - 1], *b = &all[i];

		if (!strcmp(a->ns->path, b->ns->path) && !(a->ns->read_only && b->ns->read_only))
			rc = reader_fail_at(
				r,
				"subsystems[%zu].namespaces[%zu].device.path: %.200s is "
				"that of subsystems[%zu].namespaces[%zu], too",
				b->subsys, (size_t)(b->ns - c->subsys[b->subsys].ns), b->ns->path,
				a->subsys, (size_t)(a->ns - c->subsys[a->subsys].ns));
	}
	free(all);
	return rc;
}

int target_config_parse(const char *file, const char *text, size_t len,
			struct target_config *config, target_note_fn *note, void *arg, char *err,
			size_t err_len)
{
	struct reader r = { .file = file, .note = note, .arg = arg, .err = err, .err_len = err_len };
	struct json_object *root;
	int rc;

	memset(config, 0, sizeof(*config));
	rc = reader_text(&r, text, len, &root);
	if (rc)
		return rc;
	rc = reader_object(&r, root, top_fields, COUNT(top_fields), config);
	if (!rc)
		rc = check_links(&r, config);
	if (!rc)
		rc = check_paths(&r, config);
	json_object_put(root);
	if (rc)
		target_config_free(config);
	return rc;
}
