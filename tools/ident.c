/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that ask: discovery, identify, logs, features. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weft.h"

static int begin(struct session *s, const struct config *cfg)
{
	int rc = session_begin(s, cfg);

	if (rc)
		return rc;
	rc = session_connect(s);
	if (rc)
		session_end(s);
	return rc;
}

static struct json_object *record(const struct nvme_discovery_entry *e)
{
	static const char *const subtype[] = { "reserved", "referral", "nvme subsystem",
					       "current discovery subsystem" };
	static const char *const trtype[] = { "reserved", "rdma", "fc", "tcp" };
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "trtype",
			       json_object_new_string(e->trtype < 4 ? trtype[e->trtype] : "other"));
	json_object_object_add(o, "adrfam",
			       json_object_new_string(e->adrfam == 1 ? "ipv4" :
						      e->adrfam == 2 ? "ipv6" :
						      e->adrfam == 4 ? "fc" :
								       "other"));
	json_object_object_add(o, "subtype", json_object_new_string(subtype[e->subtype & 3]));
	put_u64(o, "treq", e->treq);
	put_u64(o, "portid", e->portid);
	json_object_object_add(o, "trsvcid", json_text(e->trsvcid, sizeof(e->trsvcid)));
	json_object_object_add(o, "subnqn", json_text(e->subnqn, sizeof(e->subnqn)));
	json_object_object_add(o, "traddr", json_text(e->traddr, sizeof(e->traddr)));
	put_u64(o, "cntlid", e->cntlid);
	put_u64(o, "asqsz", e->asqsz);
	put_u64(o, "eflags", e->eflags);
	return o;
}

int do_discover(const struct config *cfg)
{
	struct nvme_host_opts opts = cfg->opts;
	struct nvme_discovery_entry *list = NULL;
	struct json_object *o, *a;
	struct session s;
	uint64_t genctr = 0;
	size_t n = 0, i;
	int rc;

	if (!cfg->have_address)
		return fputs("weft: which target? (-a ADDRESS -s PORT, or "
			     "-t fc -a nn-0x...:pn-0x...)\n",
			     stderr),
		       -EINVAL;
	rc = session_begin(&s, cfg);
	if (rc)
		return rc;
	rc = session_port(&s);
	if (!rc) {
		session_opts(&s, &opts);
		rc = nvme_host_discover(s.dev, &opts, &list, &n, &genctr);
		if (rc)
			complain(rc, "discover");
	}
	session_end(&s);
	if (rc)
		return rc;
	o = json_object_new_object();
	a = json_object_new_array();
	put_u64(o, "genctr", genctr);
	for (i = 0; i < n; i++)
		json_object_array_add(a, record(&list[i]));
	json_object_object_add(o, "records", a);
	free(list);
	show(cfg, o);
	return 0;
}

static struct json_object *host_object(struct session *s)
{
	struct json_object *o = json_object_new_object();
	struct nvme_host_info i;

	nvme_host_info(s->host, &i);
	json_object_object_add(o, "subnqn",
			       json_text(i.identify->subnqn, sizeof(i.identify->subnqn)));
	json_object_object_add(o, "model", json_text(i.identify->mn, sizeof(i.identify->mn)));
	json_object_object_add(o, "serial", json_text(i.identify->sn, sizeof(i.identify->sn)));
	put_u64(o, "cntlid", i.cntlid);
	put_u64(o, "version", i.vs);
	put_u64(o, "io_queues", i.io_queues);
	put_u64(o, "queue_size", i.io_qsize);
	put_u64(o, "max_transfer", i.max_xfer);
	put_u64(o, "in_capsule", i.max_icd);
	json_object_object_add(o, "header_digest", json_object_new_boolean(i.header_digest));
	json_object_object_add(o, "data_digest", json_object_new_boolean(i.data_digest));
	return o;
}

int do_connect_test(const struct config *cfg)
{
	struct session s;
	int rc = begin(&s, cfg);

	if (rc)
		return rc;
	show(cfg, host_object(&s));
	session_end(&s);
	return 0;
}

/* The active namespaces; NULL after a complaint. */
static struct json_object *namespaces(struct session *s, bool sizes, int *rc)
{
	struct json_object *a = json_object_new_array();
	uint32_t list[1024];
	unsigned int n = 0, i;

	*rc = nvme_host_list_ns_sync(s->host, 0, list, 1024, &n);
	for (i = 0; i < n && !*rc; i++) {
		struct json_object *o;
		struct nvme_host_ns ns;

		if (!sizes) {
			json_object_array_add(a, json_object_new_uint64(list[i]));
			continue;
		}
		*rc = nvme_host_ns_open(s->host, list[i], &ns);
		if (*rc == -EOPNOTSUPP) {
			*rc = 0; /* another format: not ours to use, but not an error of listing */
			continue;
		}
		o = json_object_new_object();
		put_u64(o, "nsid", list[i]);
		put_u64(o, "blocks", *rc ? 0 : ns.blocks);
		put_u64(o, "block_size", *rc ? 0 : 1ull << ns.lba_shift);
		json_object_array_add(a, o);
	}
	if (!*rc)
		return a;
	complain(*rc, "namespaces");
	json_object_put(a);
	return NULL;
}

int do_list(const struct config *cfg)
{
	struct json_object *o, *a;
	struct session s;
	int rc;

	if (!cfg->have_address && !cfg->trtype_given && !cfg->opts.addr.subnqn[0])
		return do_list_adapters(cfg);
	rc = begin(&s, cfg);
	if (rc)
		return rc;
	a = namespaces(&s, true, &rc);
	if (a) {
		o = host_object(&s);
		json_object_object_add(o, "namespace", a);
		show(cfg, o);
	}
	session_end(&s);
	return rc;
}

int do_list_ns(const struct config *cfg)
{
	struct json_object *o, *a;
	struct session s;
	int rc = begin(&s, cfg);

	if (rc)
		return rc;
	a = namespaces(&s, false, &rc);
	if (a) {
		o = json_object_new_object();
		json_object_object_add(o, "nsid", a);
		show(cfg, o);
	}
	session_end(&s);
	return rc;
}

static void show_ctrl(const struct config *cfg, const struct nvme_identify_ctrl *id)
{
	struct json_object *o = json_object_new_object();

	put_u64(o, "vid", id->vid);
	put_u64(o, "ssvid", id->ssvid);
	json_object_object_add(o, "sn", json_text(id->sn, sizeof(id->sn)));
	json_object_object_add(o, "mn", json_text(id->mn, sizeof(id->mn)));
	json_object_object_add(o, "fr", json_text(id->fr, sizeof(id->fr)));
	put_u64(o, "cmic", id->cmic);
	put_u64(o, "mdts", id->mdts);
	put_u64(o, "cntlid", id->cntlid);
	put_u64(o, "ver", id->ver);
	put_u64(o, "oaes", id->oaes);
	put_u64(o, "ctratt", id->ctratt);
	put_u64(o, "cntrltype", id->cntrltype);
	put_u64(o, "oacs", id->oacs);
	put_u64(o, "acl", id->acl);
	put_u64(o, "aerl", id->aerl);
	put_u64(o, "lpa", id->lpa);
	put_u64(o, "kas", id->kas);
	put_u64(o, "sqes", id->sqes);
	put_u64(o, "cqes", id->cqes);
	put_u64(o, "maxcmd", id->maxcmd);
	put_u64(o, "nn", id->nn);
	put_u64(o, "oncs", id->oncs);
	put_u64(o, "vwc", id->vwc);
	put_u64(o, "sgls", id->sgls);
	json_object_object_add(o, "subnqn", json_text(id->subnqn, sizeof(id->subnqn)));
	put_u64(o, "ioccsz", id->ioccsz);
	put_u64(o, "iorcsz", id->iorcsz);
	put_u64(o, "icdoff", id->icdoff);
	put_u64(o, "msdbd", id->msdbd);
	put_u64(o, "ofcs", id->ofcs);
	show(cfg, o);
}

int do_id_ctrl(const struct config *cfg)
{
	struct nvme_identify_ctrl id;
	struct session s;
	int rc = begin(&s, cfg);

	if (rc)
		return rc;
	rc = nvme_host_identify_sync(s.host, NVME_CNS_CONTROLLER, 0, &id);
	if (rc)
		complain(rc, "identify");
	else
		show_ctrl(cfg, &id);
	session_end(&s);
	return rc;
}

static void show_ns(const struct config *cfg, const struct nvme_identify_ns *id)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();
	unsigned int i;

	put_u64(o, "nsze", id->nsze);
	put_u64(o, "ncap", id->ncap);
	put_u64(o, "nuse", id->nuse);
	put_u64(o, "nsfeat", id->nsfeat);
	put_u64(o, "nlbaf", id->nlbaf);
	put_u64(o, "flbas", id->flbas);
	put_u64(o, "nmic", id->nmic);
	put_u64(o, "rescap", id->rescap);
	for (i = 0; i <= id->nlbaf && i < 64; i++) {
		struct json_object *f = json_object_new_object();

		put_u64(f, "ms", id->lbaf[i].ms);
		put_u64(f, "lbads", id->lbaf[i].lbads);
		put_u64(f, "rp", id->lbaf[i].rp & 3);
		json_object_object_add(f, "in_use", json_object_new_boolean((id->flbas & 15) == i));
		json_object_array_add(a, f);
	}
	json_object_object_add(o, "lbaf", a);
	show(cfg, o);
}

int do_id_ns(const struct config *cfg)
{
	struct nvme_identify_ns id;
	struct session s;
	int rc = begin(&s, cfg);

	if (rc)
		return rc;
	rc = nvme_host_identify_sync(s.host, NVME_CNS_NAMESPACE, cfg->nsid, &id);
	if (rc)
		complain(rc, "identify");
	else
		show_ns(cfg, &id);
	session_end(&s);
	return rc;
}

static int dump(const struct config *cfg, const uint8_t *p, uint32_t len)
{
	FILE *f = cfg->data ? fopen(cfg->data, "wb") : NULL;
	uint32_t i;

	if (cfg->data) {
		if (!f || fwrite(p, 1, len, f) != len || fclose(f)) {
			perror(cfg->data);
			return -EIO;
		}
		return 0;
	}
	for (i = 0; i < len; i++)
		printf(i % 16 == 0 ? "%s%04x: %02x" : "%.0s%.0x %02x", i ? "\n" : "",
		       i % 16 ? 0 : i, p[i]);
	putchar('\n');
	return 0;
}

int do_get_log(const struct config *cfg)
{
	struct session s;
	uint8_t *page;
	int rc = begin(&s, cfg);

	if (rc)
		return rc;
	page = calloc(1, cfg->log_len);
	rc = page ? nvme_host_get_log_sync(s.host, cfg->log_id, NVME_NSID_ALL, 0, true, page,
					   cfg->log_len) :
		    -ENOMEM;
	if (rc)
		complain(rc, "log page");
	session_end(&s);
	if (!rc)
		rc = dump(cfg, page, cfg->log_len);
	free(page);
	return rc;
}

int do_smart_log(const struct config *cfg)
{
	struct nvme_smart_log l;
	struct json_object *o;
	struct session s;
	int rc = begin(&s, cfg);

	if (rc)
		return rc;
	rc = nvme_host_get_log_sync(s.host, NVME_LID_SMART, NVME_NSID_ALL, 0, false, &l, sizeof(l));
	session_end(&s);
	if (rc)
		return complain(rc, "SMART log");
	o = json_object_new_object();
	put_u64(o, "critical_warning", l.critical_warning);
	put_u64(o, "temperature", l.temperature[0] | l.temperature[1] << 8);
	put_u64(o, "avail_spare", l.available_spare);
	put_u64(o, "spare_thresh", l.spare_threshold);
	put_u64(o, "percent_used", l.percentage_used);
	put_u64(o, "data_units_read", l.data_units_read[0]);
	put_u64(o, "data_units_written", l.data_units_written[0]);
	put_u64(o, "host_read_commands", l.host_reads[0]);
	put_u64(o, "host_write_commands", l.host_writes[0]);
	put_u64(o, "power_cycles", l.power_cycles[0]);
	put_u64(o, "power_on_hours", l.power_on_hours[0]);
	put_u64(o, "unsafe_shutdowns", l.unsafe_shutdowns[0]);
	put_u64(o, "media_errors", l.media_errors[0]);
	put_u64(o, "num_err_log_entries", l.error_log_entries[0]);
	show(cfg, o);
	return 0;
}

int do_get_feature(const struct config *cfg)
{
	struct json_object *o;
	struct session s;
	uint32_t v;
	int rc = begin(&s, cfg);

	if (rc)
		return rc;
	rc = nvme_host_get_feature_sync(s.host, cfg->feature_id, 0, &v);
	session_end(&s);
	if (rc)
		return complain(rc, "feature");
	o = json_object_new_object();
	put_u64(o, "feature_id", cfg->feature_id);
	put_u64(o, "value", v);
	show(cfg, o);
	return 0;
}
