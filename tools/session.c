/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening and closing what a verb needs; progress; counters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "weft.h"
#include "weft_host.h"

#define DEFAULT_IP 0x0a000001u /* 10.0.0.1 */
#define DEFAULT_MASK 0xffffff00u
#define DEFAULT_MTU 1500
#define REDRAW_NS 100000000ull

int complain(int err, const char *what)
{
	const char *why = weft_last_error();

	fprintf(stderr, "weft: %s: %s\n", what, *why ? why : strerror(-err));
	return err;
}

/*
 * Sets the port as asked; what was not said stays as it is, or gets a default when there is nothing
 * yet.
 */
int session_ethernet(struct session *s)
{
	const struct weft_port *want = &s->cfg->port;
	struct weft_port port;
	int rc = weft_port_get(s->dev, &port);

	if (rc)
		return complain(rc, "port");
	if (port.ip && !want->ip && !want->mtu && !want->gateway)
		return 0;
	if (want->ip || !port.ip) {
		port.ip = want->ip ? want->ip : DEFAULT_IP;
		port.mask = want->ip ? want->mask : DEFAULT_MASK;
	} else {
		port.mask = DEFAULT_MASK;
	}
	port.gateway = want->gateway;
	port.mtu = want->mtu ? want->mtu : port.mtu >= 576 ? port.mtu : DEFAULT_MTU;
	memcpy(port.mac, want->mac, sizeof(port.mac));
	rc = weft_port_set(s->dev, &port);
	return rc ? complain(rc, "port") : 0;
}

int session_port(struct session *s)
{
	return s->cfg->opts.addr.trtype == NVMF_TRTYPE_FC ? session_fc_host(s) :
							    session_ethernet(s);
}

/* How long the adapter may take to start, and to answer: a simulated one checks its image for minutes. */
static int timeout_ms(uint32_t *ms)
{
	const char *text = getenv("WEFT_TIMEOUT");
	unsigned long s;
	char *end;

	*ms = 0;
	if (!text || !*text)
		return 0;
	s = strtoul(text, &end, 10);
	if (*end || *text == '-' || !s || s > 86400) {
		fprintf(stderr, "weft: WEFT_TIMEOUT=%s: seconds, 1 to 86400\n", text);
		return -EINVAL;
	}
	*ms = (uint32_t)s * 1000;
	return 0;
}

int session_begin(struct session *s, const struct config *cfg)
{
	struct weft_dev_params params = { 0 };
	struct weft_bus *bus;
	int rc;

	memset(s, 0, sizeof(*s));
	s->cfg = cfg;
	if (!cfg->device) {
		fputs("weft: which device? (--device 0000:01:00.0 or vfio-user:PATH, or WEFT_DEVICE)\n",
		      stderr);
		return -EINVAL;
	}
	rc = timeout_ms(&params.timeout_ms);
	if (rc)
		return rc;
	rc = weft_bus_open(cfg->device, &bus);
	if (rc)
		return complain(rc, cfg->device);
	rc = weft_dev_open(bus, &params, &s->dev);
	if (rc) {
		complain(rc, cfg->device);
		bus->ops->close(bus);
	}
	return rc;
}

bool connection_failed(const struct nvme_result *r)
{
	return r->error && r->error != -EBADMSG;
}

static void on_event(void *arg, enum nvme_host_event event, int error, uint32_t aer)
{
	(void)arg;
	if (event == NVME_HOST_LOST)
		fprintf(stderr, "weft: connection lost: %s\n", strerror(-error));
	else if (event == NVME_HOST_ASYNC)
		fprintf(stderr, "weft: asynchronous event %08x\n", aer);
}

int session_connect(struct session *s)
{
	struct nvme_host_opts o = s->cfg->opts;
	int rc;

	if (s->cfg->have_address && !o.addr.subnqn[0]) {
		fputs("weft: which subsystem? (-n NQN; weft discover lists them)\n", stderr);
		return -EINVAL;
	}
	if (!s->cfg->have_address) {
		fputs("weft: which target? (-a ADDRESS -s PORT -n NQN, "
		      "or -t fc -a nn-0x...:pn-0x... -n NQN)\n",
		      stderr);
		return -EINVAL;
	}
	rc = session_port(s);
	if (rc)
		return rc;
	o.event_cb = on_event;
	session_opts(s, &o);
	rc = nvme_host_connect(s->dev, &o, &s->host);
	return rc ? complain(rc, "connect") : 0;
}

void session_disconnect(struct session *s)
{
	if (s->host)
		nvme_host_poll(s->host); /* if it is lost, on_event says why */
	nvme_host_disconnect(s->host);
	s->host = NULL;
}

void session_end(struct session *s)
{
	session_disconnect(s);
	session_fc_end(s);
	weft_dev_close(s->dev);
}

int64_t file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -errno : (int64_t)st.st_size;
}

uint64_t device_time(struct weft_dev *dev)
{
	uint32_t lo = 0, hi = 0;

	weft_dev_read32(dev, WEFT_TIME_LO, &lo);
	weft_dev_read32(dev, WEFT_TIME_HI, &hi);
	return lo | (uint64_t)hi << 32;
}

static uint64_t wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

void progress_begin(struct progress *p, const struct config *cfg, const char *what, uint64_t total)
{
	*p = (struct progress){ .what = what, .total = total, .started_at = wall() };
	p->on = !cfg->quiet && isatty(STDERR_FILENO);
}

void progress_show(struct progress *p, uint64_t done)
{
	static const char bar[] = "##############################";
	uint64_t now;
	double rate;
	int n;

	if (!p->on)
		return;
	now = wall();
	if (done < p->total && now - p->shown_at < REDRAW_NS)
		return;
	p->shown_at = now;
	n = (int)(p->total ? done * 30 / p->total : 30);
	rate = (double)done / (double)MIB / ((double)(now - p->started_at) / 1e9 + 1e-9);
	fprintf(stderr, "\r%-8s [%-30.*s] %3d%% %.1f of %.1f MiB, %.2f MiB/s ", p->what, n, bar,
		(int)(p->total ? done * 100 / p->total : 100), (double)done / (double)MIB,
		(double)p->total / (double)MIB, rate);
}

void progress_end(struct progress *p)
{
	if (p->on)
		fputc('\n', stderr);
}

void counters_begin(struct counters *c, struct weft_dev *dev)
{
	unsigned int i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < 64; i++)
		if (weft_counter_name(i))
			weft_dev_counter(dev, i, &c->last[i]);
}

void counters_sample(struct counters *c, struct weft_dev *dev)
{
	unsigned int i;

	for (i = 0; i < 64; i++) {
		uint32_t v = c->last[i];

		if (!weft_counter_name(i) || weft_dev_counter(dev, i, &v))
			continue;
		c->sum[i] += v - c->last[i];
		c->last[i] = v;
	}
}
