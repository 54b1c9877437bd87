/* SPDX-License-Identifier: BSD-2-Clause */
/* Subsystems: names, limits, the hosts that may use them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "tgt.h"

#define MAX_SUBSYSTEMS 1024u
#define MAX_HOSTS 4096u
#define VERSION "0.2"

/* nqn.yyyy-mm.name, where the name may be nearly anything. */
bool nvme_tgt_nqn_valid(const char *nqn)
{
	static const char form[] = "nqn.dddd-dd.";
	size_t i;

	for (i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)nqn[i]) : nqn[i] != form[i])
			return false;
	return nqn[i] && strlen(nqn) <= NVME_NQN_MAX;
}

/* An identity that is the same each time: SHA-256 of the name, the kind of identity and a number. */
void nvme_tgt_hash(const char *nqn, const char *what, uint32_t n, uint8_t out[32])
{
	uint8_t number[4] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16),
			      (uint8_t)(n >> 24) };
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(nqn) + 1, (const uint8_t *)nqn);
	sha256_update(&ctx, strlen(what) + 1, (const uint8_t *)what);
	sha256_update(&ctx, sizeof(number), number);
	sha256_digest(&ctx, 32, out);
}

static int set_text(char *dst, size_t size, const char *text, const char *name)
{
	size_t n = strlen(text), i;

	if (n > size)
		return weft_set_error(-EINVAL, "%s is longer than %zu characters", name, size);
	for (i = 0; i < n; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return weft_set_error(-EINVAL, "%s has a character that is not printable",
					      name);
	memset(dst, ' ', size);
	memcpy(dst, text, n);
	return 0;
}

static int set_texts(struct nvme_subsys *s)
{
	char serial[21] = "WEFT";
	uint8_t hash[32];
	int i, rc;

	nvme_tgt_hash(s->nqn, "serial", 0, hash);
	for (i = 0; i < 16; i++)
		serial[4 + i] = "0123456789ABCDEF"[hash[i / 2] >> (i % 2 ? 0 : 4) & 15];
	serial[20] = '\0';
	rc = set_text(s->serial, sizeof(s->serial), s->o.serial ? s->o.serial : serial, "serial");
	if (!rc)
		rc = set_text(s->model, sizeof(s->model), s->o.model ? s->o.model : "Weft",
			      "model");
	if (!rc)
		rc = set_text(s->firmware, sizeof(s->firmware),
			      s->o.firmware ? s->o.firmware : VERSION, "firmware");
	s->o.nqn = s->nqn;
	s->o.serial = s->o.model = s->o.firmware = NULL;
	return rc;
}

static void set_defaults(struct nvme_subsys_opts *o)
{
	if (!o->cntlid_min)
		o->cntlid_min = 1;
	if (!o->cntlid_max)
		o->cntlid_max = NVME_CNTLID_MAX;
	if (!o->max_io_queues)
		o->max_io_queues = 16;
	if (!o->max_controllers)
		o->max_controllers = 64;
	if (!o->max_xfer)
		o->max_xfer = TGT_MAX_XFER;
	if (!o->max_namespaces)
		o->max_namespaces = 256;
}

static int check_limits(const struct nvme_subsys_opts *o)
{
	if (o->cntlid_min > o->cntlid_max || o->cntlid_max > NVME_CNTLID_MAX)
		return weft_set_error(-EINVAL, "cntlid_min %u, cntlid_max %u: not a range in 1..%u",
				      o->cntlid_min, o->cntlid_max, NVME_CNTLID_MAX);
	if (o->max_io_queues > TGT_MAX_IO_QUEUES)
		return weft_set_error(-EINVAL, "max_io_queues %u is above %u", o->max_io_queues,
				      TGT_MAX_IO_QUEUES);
	if (o->max_controllers > TGT_MAX_CONTROLLERS)
		return weft_set_error(-EINVAL, "max_controllers %u is above %u", o->max_controllers,
				      TGT_MAX_CONTROLLERS);
	if (o->max_xfer < TGT_MIN_XFER || o->max_xfer > TGT_MAX_XFER ||
	    o->max_xfer & (o->max_xfer - 1))
		return weft_set_error(-EINVAL, "max_xfer %u is no power of two in %u..%u",
				      o->max_xfer, TGT_MIN_XFER, TGT_MAX_XFER);
	if (o->max_namespaces > TGT_MAX_NAMESPACES)
		return weft_set_error(-EINVAL, "max_namespaces %u is above %u", o->max_namespaces,
				      TGT_MAX_NAMESPACES);
	return 0;
}

static int check_name(struct nvme_target *t, const char *nqn)
{
	const struct nvme_subsys *s;
	unsigned int n = 0;

	if (!nqn || !nvme_tgt_nqn_valid(nqn) || !strcmp(nqn, NVME_DISCOVERY_NQN))
		return weft_set_error(-EINVAL, "nqn \"%.80s\" is no qualified name of a subsystem",
				      nqn ? nqn : "");
	if (nvme_target_subsys_find(t, nqn))
		return weft_set_error(-EEXIST, "nqn %.200s is taken", nqn);
	list_for_each(s, &t->subsystems, link)
		n++;
	return n < MAX_SUBSYSTEMS ? 0 : weft_set_error(-ENOSPC, "%u subsystems are there", n);
}

int nvme_target_subsys_add(struct nvme_target *t, const struct nvme_subsys_opts *opts,
			   struct nvme_subsys **out)
{
	struct nvme_subsys *s;
	int rc = check_name(t, opts->nqn);

	if (rc)
		return rc;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->t = t;
	s->refs = 1;
	s->o = *opts;
	strcpy(s->nqn, opts->nqn);
	TAILQ_INIT(&s->hosts);
	set_defaults(&s->o);
	rc = check_limits(&s->o);
	if (!rc)
		rc = set_texts(s);
	if (!rc) {
		s->ns = calloc(s->o.max_namespaces, sizeof(struct tgt_ns *));
		rc = s->ns ? 0 : -ENOMEM;
	}
	if (rc) {
		free(s);
		return rc;
	}
	s->next_cntlid = s->o.cntlid_min;
	TAILQ_INSERT_TAIL(&t->subsystems, s, link);
	*out = s;
	return 0;
}

struct nvme_subsys *nvme_target_subsys_find(struct nvme_target *t, const char *nqn)
{
	struct nvme_subsys *s;

	list_for_each(s, &t->subsystems, link)
		if (!strcmp(s->nqn, nqn))
			return s;
	return NULL;
}

/* Ends the subsystem's controllers of one host, or of all that are not allowed (hostnqn NULL). */
static void end_controllers(struct nvme_subsys *s, bool all)
{
	struct tgt_ctrl *c;

	list_for_each(c, &s->t->ctrls, link)
		if (c->subsys == s && (all || !nvme_tgt_host_allowed(s, c->hostnqn)))
			nvme_tgt_ctrl_end(c);
}

void nvme_tgt_subsys_put(struct nvme_subsys *s)
{
	struct tgt_host *h;

	if (--s->refs)
		return;
	while ((h = TAILQ_FIRST(&s->hosts))) {
		TAILQ_REMOVE(&s->hosts, h, link);
		free(h);
	}
	free(s->ns);
	free(s);
}

void nvme_target_subsys_remove(struct nvme_subsys *s)
{
	struct nvme_target *t = s->t;
	unsigned int i;

	s->removed = true;
	nvme_tgt_discovery_changed(t, s, NULL);
	TAILQ_REMOVE(&t->subsystems, s, link);
	nvme_tgt_port_forget(t, s);
	end_controllers(s, true);
	for (i = 0; i < s->o.max_namespaces; i++)
		if (s->ns[i])
			nvme_tgt_ns_take_away(s->ns[i]);
	nvme_tgt_subsys_put(s);
	nvme_tgt_settle(t);
}

/* --- hosts ----------------------------------------------------------------------------------------- */

static struct tgt_host *find_host(const struct nvme_subsys *s, const char *hostnqn)
{
	struct tgt_host *h;

	list_for_each(h, &s->hosts, link)
		if (!strcmp(h->nqn, hostnqn))
			return h;
	return NULL;
}

bool nvme_tgt_host_allowed(const struct nvme_subsys *s, const char *hostnqn)
{
	return s->o.allow_any_host || find_host(s, hostnqn);
}

int nvme_subsys_allow_host(struct nvme_subsys *s, const char *hostnqn)
{
	struct tgt_host *h;
	unsigned int n = 0;

	if (!nvme_tgt_nqn_valid(hostnqn))
		return weft_set_error(-EINVAL, "\"%.80s\" is no qualified name of a host", hostnqn);
	if (find_host(s, hostnqn))
		return weft_set_error(-EEXIST, "%s: host %s is allowed already", s->nqn, hostnqn);
	list_for_each(h, &s->hosts, link)
		n++;
	if (n >= MAX_HOSTS)
		return weft_set_error(-ENOSPC, "%s: %u hosts are allowed", s->nqn, n);
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	strcpy(h->nqn, hostnqn);
	TAILQ_INSERT_TAIL(&s->hosts, h, link);
	if (!s->o.allow_any_host)
		nvme_tgt_discovery_changed(s->t, NULL, hostnqn);
	return 0;
}

int nvme_subsys_disallow_host(struct nvme_subsys *s, const char *hostnqn)
{
	struct tgt_host *h = find_host(s, hostnqn);

	if (!h)
		return weft_set_error(-ENOENT, "%s: host %.200s is not in the list", s->nqn,
				      hostnqn);
	TAILQ_REMOVE(&s->hosts, h, link);
	if (!s->o.allow_any_host)
		nvme_tgt_discovery_changed(s->t, NULL, h->nqn);
	free(h);
	end_controllers(s, false);
	nvme_tgt_settle(s->t);
	return 0;
}

int nvme_subsys_set_any_host(struct nvme_subsys *s, bool allow)
{
	if (s->o.allow_any_host == allow)
		return 0;
	s->o.allow_any_host = allow;
	nvme_tgt_discovery_changed(s->t, NULL, NULL);
	end_controllers(s, false);
	nvme_tgt_settle(s->t);
	return 0;
}
