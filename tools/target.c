/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weft target: exports files, devices and memory to NVMe/TCP and FC-NVMe hosts until a signal ends it. SIGTERM,
 * SIGINT: in order; a second one: at once. SIGHUP: the configuration again. SIGUSR1: statistics.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <nvme/fc_driver.h>
#include <weft/fc.h>

#include "target_apply.h"
#include "target_line.h"
#include "weft_host.h"

#define STOP_MS 10000u
#define WAIT_MS 200 /* a signal that comes between looking and sleeping waits as long */

struct server {
	const struct config *cfg;
	struct config own; /* with the configuration's adapter */
	struct session s;
	struct target_run run;
	struct target_config adapter; /* of the first configuration: only the adapter */
	time_t next_stats;
	bool tcp, fc; /* ports that the first configuration has */
	uint8_t fc_state;
};

static volatile sig_atomic_t stop, reload, stats;

/* --- output ------------------------------------------------------------------------------------- */

static void event(const char *kind, const char *key, const char *text)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "event", json_object_new_string(kind));
	json_object_object_add(o, key, json_object_new_string(text));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(o);
}

/* Lines may hold names that hosts chose: nothing in them is to work on a terminal. */
static void put_line(const struct config *cfg, const char *kind, const char *head, const char *line)
{
	char copy[1024];
	size_t i;

	for (i = 0; i < sizeof(copy) - 1 && line[i]; i++)
		copy[i] = line[i] >= 0x20 && line[i] < 0x7f ? line[i] : '?';
	copy[i] = '\0';
	if (cfg->json)
		event(kind, "message", copy);
	else
		fprintf(stderr, "%s%s\n", head, copy);
}

static void say(void *arg, const char *line)
{
	const struct config *cfg = arg;

	if (!cfg->quiet)
		put_line(cfg, "log", "weft: ", line);
}

static void say_error(void *arg, const char *line)
{
	put_line(arg, "error", "weft: target: ", line);
}

static void fail(struct server *sv, const char *what, int rc)
{
	const char *why = weft_last_error();
	char line[512];

	snprintf(line, sizeof(line), "%s: %s", what, *why ? why : strerror(-rc));
	say_error((void *)sv->cfg, line);
}

static void dotted(char *to, size_t len, uint32_t ip)
{
	snprintf(to, len, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

static void add_ctrl(void *arg, const struct nvme_target_ctrl_info *info)
{
	struct json_object *o = json_object_new_object();
	char ip[16];

	dotted(ip, sizeof(ip), info->remote_ip); /* of TCP */
	put_u64(o, "cntlid", info->cntlid);
	json_object_object_add(o, "subnqn", json_text(info->subnqn, NVME_NQN_MAX));
	json_object_object_add(o, "hostnqn", json_text(info->hostnqn, NVME_NQN_MAX));
	json_object_object_add(o, "address",
			       json_object_new_string(info->remote_ip ? ip : info->address));
	put_u64(o, "io_queues", info->io_queues);
	put_u64(o, "keep_alive_ms", info->kato_ms);
	json_object_array_add(arg, o);
}

static void print_stats(struct server *sv)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	struct nvme_target_stats st;

	nvme_target_stats(sv->run.target, &st);
	json_object_object_add(o, "event", json_object_new_string("stats"));
	put_u64(o, "connections", st.connections);
	put_u64(o, "controllers", st.controllers);
	put_u64(o, "io_queues", st.io_queues);
	put_u64(o, "connects_refused", st.connects_refused);
	put_u64(o, "commands", st.commands);
	put_u64(o, "errors", st.errors);
	put_u64(o, "reads", st.reads);
	put_u64(o, "writes", st.writes);
	put_u64(o, "read_bytes", st.read_bytes);
	put_u64(o, "write_bytes", st.write_bytes);
	put_u64(o, "keep_alive_expired", st.keep_alive_expired);
	put_u64(o, "connections_lost", st.connections_lost);
	put_u64(o, "commands_held", st.commands_held);
	put_u64(o, "memory_held", st.memory_held);
	nvme_target_for_each_ctrl(sv->run.target, add_ctrl, list);
	json_object_object_add(o, "hosts", list);
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(o);
}

/* --- signals ------------------------------------------------------------------------------------ */

static void on_signal(int sig)
{
	if (sig == SIGHUP)
		reload = 1;
	else if (sig == SIGUSR1)
		stats = 1;
	else if (stop)
		_exit(1);
	else
		stop = 1;
}

static void catch_signals(void)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	struct sigaction sa = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaction(caught[i], &sa, NULL);
	/* A file at its size limit is an error of a write, a closed pipe one of the output. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

/* --- configuration ------------------------------------------------------------------------------ */

static int read_config(struct server *sv, struct target_config *c)
{
	const char *file = sv->cfg->target.config;
	char why[512];
	int rc;

	if (!file)
		return target_from_line(sv->cfg, c);
	rc = target_config_read(file, c, say, (void *)sv->cfg, why, sizeof(why));
	if (rc)
		say_error((void *)sv->cfg, why);
	return rc;
}

/* The command line's word about the adapter comes before the file's. */
static void choose_adapter(struct server *sv, const struct target_config *c)
{
	static const uint8_t no_mac[6];
	struct weft_port *p = &sv->own.port;
	size_t i;

	sv->own = *sv->cfg;
	if (c->device && (!sv->own.device || sv->own.device == getenv("WEFT_DEVICE")))
		sv->own.device = c->device;
	if (!p->ip) {
		p->ip = c->adapter.ip;
		p->mask = c->adapter.mask;
	}
	if (!p->ip && c->n_ports && c->ports[0].traddr) {
		p->ip = c->ports[0].traddr;
		p->mask = 0xffffff00;
	}
	if (!p->gateway)
		p->gateway = c->adapter.gateway;
	if (!p->mtu)
		p->mtu = c->adapter.mtu;
	if (!memcmp(p->mac, no_mac, 6))
		memcpy(p->mac, c->adapter.mac, 6);
	if (!sv->own.fc_given)
		sv->own.fc_vn2vn = c->fc_vn2vn;
	for (i = 0; i < c->n_ports; i++) {
		const struct target_port *t = &c->ports[i];

		*(t->fc ? &sv->fc : &sv->tcp) = true;
		if (t->fc && !sv->own.fc_wwpn) {
			sv->own.fc_wwnn = t->wwnn;
			sv->own.fc_wwpn = t->wwpn;
		}
	}
}

static bool same_adapter(const struct target_config *a, const struct target_config *b)
{
	return a->adapter.ip == b->adapter.ip && a->adapter.mask == b->adapter.mask &&
	       a->adapter.gateway == b->adapter.gateway && a->adapter.mtu == b->adapter.mtu &&
	       a->fc_vn2vn == b->fc_vn2vn && !memcmp(a->adapter.mac, b->adapter.mac, 6) &&
	       !a->device == !b->device && (!a->device || !strcmp(a->device, b->device));
}

static void do_reload(struct server *sv)
{
	void *arg = (void *)sv->cfg;
	struct target_config c;
	int rc = read_config(sv, &c);

	if (rc) {
		say_error(arg, "nothing was changed");
		return;
	}
	if (!same_adapter(&sv->adapter, &c))
		say(arg, "the adapter's settings take effect at the next start only");
	rc = target_apply(&sv->run, &c);
	if (rc < 0) {
		fail(sv, "configuration", rc);
		say_error(arg, "nothing was changed");
	} else {
		say(arg, rc ? "configuration applied in part" : "configuration applied");
	}
	target_config_free(&c);
}

/* --- the run ------------------------------------------------------------------------------------ */

static void list_ports(struct server *sv, FILE *f)
{
	const struct nvmet_fc_target_port *own = sv->run.fc_port;
	char ip[16], line[64];
	size_t i;

	dotted(ip, sizeof(ip), sv->run.ip);
	for (i = 0; i < sv->run.now.n_ports; i++) {
		if (sv->run.now.ports[i].fc)
			fc_name(line, own->node_name, own->port_name);
		else
			snprintf(line, sizeof(line), "%s:%u", ip, sv->run.now.ports[i].trsvcid);
		if (f)
			fprintf(f, "%s\n", line);
		else if (sv->cfg->json)
			event("listening", "address", line);
		else
			printf("listening on %s\n", line);
	}
}

/* The file that scripts wait for: it appears when it is complete. */
static int write_ready(struct server *sv, const char *file)
{
	char fresh[4096];
	FILE *f;

	if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", file) >= sizeof(fresh))
		return -ENAMETOOLONG;
	f = fopen(fresh, "w");
	if (!f)
		return -errno;
	list_ports(sv, f);
	if (fclose(f) || rename(fresh, file)) {
		int rc = -errno;

		unlink(fresh);
		return rc;
	}
	return 0;
}

/* Tells that hosts can connect: a line for each port. */
static int tell_ready(struct server *sv)
{
	const char *file = sv->cfg->target.ready_file;
	int rc = file ? write_ready(sv, file) : 0;

	if (rc) {
		weft_set_error(rc, "%s", strerror(-rc));
		fail(sv, file, rc);
		return rc;
	}
	list_ports(sv, NULL);
	fflush(stdout);
	return 0;
}

static void timed_stats(struct server *sv)
{
	unsigned int every = sv->cfg->target.stats_every;
	struct timespec now;

	if (!every)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!sv->next_stats)
		sv->next_stats = now.tv_sec + every;
	if (now.tv_sec < sv->next_stats)
		return;
	sv->next_stats = now.tv_sec + every;
	stats = 1;
}

static int loop(struct server *sv)
{
	int rc;

	while (!stop) {
		rc = nvme_target_poll(sv->run.target);
		if (rc < 0)
			return rc;
		timed_stats(sv);
		if (reload) {
			reload = 0;
			do_reload(sv);
		}
		if (stats) {
			stats = 0;
			print_stats(sv);
		}
		if (!rc && !stop)
			rc = nvme_target_wait(sv->run.target, WAIT_MS);
		if (rc < 0 && rc != -EINTR)
			return rc;
	}
	return 0;
}

static int serve(struct server *sv, struct target_config *c)
{
	int rc = target_apply(&sv->run, c);

	if (rc < 0)
		fail(sv, "configuration", rc);
	if (!rc)
		rc = tell_ready(sv);
	if (rc)
		return rc;
	rc = loop(sv);
	if (rc)
		fail(sv, rc == -ENODEV ? "the adapter is gone" : "adapter", rc);
	else
		say((void *)sv->cfg, "stopping");
	if (sv->cfg->target.ready_file)
		unlink(sv->cfg->target.ready_file);
	return rc;
}

static void on_fc_state(void *arg, struct weft_fc *fc, const struct weft_fc_info *info)
{
	struct server *sv = arg;
	char state[96], line[128];

	(void)fc;
	if (info->state == sv->fc_state)
		return;
	sv->fc_state = info->state;
	fc_port_text(state, sizeof(state), info);
	snprintf(line, sizeof(line), "FC port: %s", state);
	say((void *)sv->cfg, line);
}

static int start_ports(struct server *sv)
{
	int rc = sv->tcp || !sv->fc ? session_ethernet(&sv->s) : 0;

	if (!rc && sv->fc)
		rc = session_fc(&sv->s, WEFT_FCR_TARGET, on_fc_state, sv);
	if (!rc && sv->fc)
		sv->run.fc_port = weft_fc_targetport(sv->s.fc);
	return rc;
}

static int start_target(struct server *sv)
{
	struct nvme_target_opts o = { .log = say, .log_arg = (void *)sv->cfg };
	struct weft_port port;
	int rc = start_ports(sv);

	if (rc)
		return rc;
	rc = weft_port_get(sv->s.dev, &port);
	if (!rc)
		rc = nvme_target_create(&o, &sv->run.target);
	if (rc)
		fail(sv, "start", rc);
	sv->run.dev = sv->s.dev;
	sv->run.ip = port.ip;
	sv->run.log = say;
	sv->run.error = say_error;
	sv->run.log_arg = (void *)sv->cfg;
	return rc;
}

static int with_device(struct server *sv, struct target_config *c)
{
	int rc = session_begin(&sv->s, &sv->own), end;

	if (rc)
		return rc;
	rc = start_target(sv);
	if (!rc) {
		rc = serve(sv, c);
		/* also when the adapter is gone: what was acknowledged goes to the disk */
		end = nvme_target_destroy(sv->run.target, STOP_MS);
		if (end == -ETIMEDOUT) {
			fail(sv, "not ended in order: written data may be lost", end);
			return end; /* what has not answered may write to the session's memory */
		}
		if (end)
			fail(sv, "flush at the end: written data may be lost", end);
		rc = rc ? rc : end;
	}
	session_end(&sv->s);
	return rc;
}

int do_target(const struct config *cfg)
{
	struct server *sv = calloc(1, sizeof(*sv));
	struct target_config c;
	int rc;

	if (!sv)
		return complain(-ENOMEM, "target");
	catch_signals();
	sv->cfg = cfg;
	rc = cfg->target.config ? target_only_config(cfg) : 0;
	if (!rc)
		rc = read_config(sv, &c);
	if (!rc) {
		choose_adapter(sv, &c);
		sv->adapter.device = c.device; /* c goes; this part of it stays */
		sv->adapter.adapter = c.adapter;
		sv->adapter.fc_vn2vn = c.fc_vn2vn;
		c.device = NULL;
		rc = with_device(sv, &c);
		target_config_free(&c);
		target_config_free(&sv->run.now);
		target_config_free(&sv->adapter);
	}
	free(sv);
	return rc;
}
