/* SPDX-License-Identifier: BSD-2-Clause */
/* The adapter's Fibre Channel port for the verbs: opened with our names, waited for, told about. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <weft/fc.h>

#include "weft.h"
#include "weft_host.h"

#define DEFAULT_LOGIN_MS 30000u
#define NAME_LEN 44
/* Names made from a MAC address: IEEE 48-bit address, and the extended form of it */
#define NAA_IEEE 0x1000000000000000ull
#define NAA_EXTENDED 0x2000000000000000ull

void fc_name(char *to, uint64_t wwnn, uint64_t wwpn)
{
	snprintf(to, NAME_LEN, "nn-0x%016llx:pn-0x%016llx", (unsigned long long)wwnn,
		 (unsigned long long)wwpn);
}

bool fc_is_name(const char *text)
{
	return !strncasecmp(text, "nn-", 3);
}

int fc_address(const char *what, const char *text, uint64_t *wwnn, uint64_t *wwpn)
{
	if (!nvme_host_fc_parse(text, wwnn, wwpn))
		return 0;
	fprintf(stderr, "weft: %s: %s\n", what, weft_last_error());
	return -EINVAL;
}

int check_transport(const struct config *c, bool chosen)
{
	const struct nvme_host_addr *a = &c->opts.addr;
	bool fc = a->trtype == NVMF_TRTYPE_FC;
	const char *what = NULL;

	if (c->have_address && !(fc ? a->wwpn != 0 : a->ip != 0))
		what = "an address";
	else if (chosen && (fc ? c->port.ip && !c->fc_wwpn : c->fc_wwpn && !c->port.ip))
		what = "our own address (--host-traddr)";
	if (what) {
		fprintf(stderr,
			fc ? "weft: %s over FC is nn-0x<16 digits>:pn-0x<16 digits>\n" :
			     "weft: %s over TCP is IPv4; --transport fc for Fibre Channel\n",
			what);
		return -EINVAL;
	}
	if (!chosen || fc || !(c->fc_given || c->no_trsvcid))
		return 0;
	fprintf(stderr, "weft: %s is for Fibre Channel; --transport fc\n",
		c->fc_given ? "--fc" : "--trsvcid none");
	return -EINVAL;
}

static const char *state_text(uint8_t state)
{
	static const char *const text[] = { "off", "without link", "logging in", "up" };

	return state < sizeof(text) / sizeof(text[0]) ? text[state] : "in an unknown state";
}

static const char *topology_text(uint8_t topology)
{
	static const char *const text[] = { "no topology yet", "point-to-point", "fabric",
					    "VN2VN" };

	return topology < sizeof(text) / sizeof(text[0]) ? text[topology] : "unknown topology";
}

void fc_port_text(char *to, size_t len, const struct weft_fc_info *info)
{
	if (info->state == WEFT_FCS_UP)
		snprintf(to, len, "up, port id %06x, %s, %u remote ports", info->port_id,
			 topology_text(info->topology), info->rports);
	else
		snprintf(to, len, "%s", state_text(info->state));
}

/* Ours, as the command line says or from the adapter's MAC address. */
static int own_names(struct session *s, struct weft_fc_params *p)
{
	struct weft_port port;
	uint64_t mac = 0;
	unsigned int i;
	int rc;

	p->wwnn = s->cfg->fc_wwnn;
	p->wwpn = s->cfg->fc_wwpn;
	if (p->wwpn)
		return 0;
	rc = weft_port_get(s->dev, &port);
	if (rc)
		return rc;
	for (i = 0; i < 6; i++)
		mac = mac << 8 | port.mac[i];
	if (!mac)
		return weft_set_error(-EINVAL,
				      "the adapter has no MAC address to make names of the "
				      "FC port from; --host-traddr nn-0x...:pn-0x...");
	p->wwnn = NAA_IEEE | mac;
	p->wwpn = NAA_EXTENDED | mac;
	return 0;
}

/* A name that both ends have, made from equal MAC addresses perhaps, would only ever be waited for. */
static int check_other(const struct weft_fc_params *own, const struct nvme_host_addr *a)
{
	char name[NAME_LEN];

	if (a->wwpn != own->wwpn)
		return 0;
	fc_name(name, a->wwnn, a->wwpn);
	return weft_set_error(-EINVAL,
			      "port %s: our own has the same name; give it another by "
			      "--host-traddr nn-0x...:pn-0x...",
			      name);
}

int session_fc(struct session *s, uint8_t roles, fc_state_fn *state_cb, void *arg)
{
	struct weft_fc_params p = { .roles = roles, .state_cb = state_cb, .arg = arg };
	int rc;

	if (s->fc)
		return 0;
	rc = own_names(s, &p);
	p.mode = s->cfg->fc_vn2vn ? WEFT_FCM_VN2VN : WEFT_FCM_NATIVE;
	memcpy(p.mac, s->cfg->port.mac, sizeof(p.mac));
	if (roles & WEFT_FCR_TARGET)
		p.roles |= WEFT_FCR_DISCOVERY;
	if (!rc && !(roles & WEFT_FCR_TARGET))
		rc = check_other(&p, &s->cfg->opts.addr);
	if (!rc)
		rc = weft_fc_open(s->dev, &p, &s->fc);
	return rc ? complain(rc, "FC port") : 0;
}

static bool is_there(void *arg)
{
	const struct session *s = arg;
	const struct nvme_host_addr *a = &s->cfg->opts.addr;

	return nvme_host_fc_reachable(weft_fc_localport(s->fc), a->wwnn, a->wwpn);
}

static int not_there(struct session *s, int rc, uint32_t ms)
{
	const struct nvme_host_addr *a = &s->cfg->opts.addr;
	struct weft_fc_info info;
	char name[NAME_LEN], state[96];

	if (rc != -ETIMEDOUT)
		return rc;
	fc_name(name, a->wwnn, a->wwpn);
	if (weft_fc_info(s->fc, &info))
		memset(&info, 0, sizeof(info));
	fc_port_text(state, sizeof(state), &info);
	return weft_set_error(-EHOSTUNREACH,
			      "port %s: not logged in to within %u s; our port is %s", name,
			      ms / 1000, state);
}

int session_fc_host(struct session *s)
{
	uint32_t ms = s->cfg->opts.connect_ms ? s->cfg->opts.connect_ms : DEFAULT_LOGIN_MS;
	int rc = session_fc(s, WEFT_FCR_INITIATOR, NULL, NULL);

	if (rc || is_there(s))
		return rc;
	rc = weft_dev_run(s->dev, is_there, s, ms);
	return rc ? complain(not_there(s, rc, ms), "FC port") : 0;
}

void session_fc_end(struct session *s)
{
	weft_fc_close(s->fc);
	s->fc = NULL;
}

void session_opts(const struct session *s, struct nvme_host_opts *o)
{
	o->fc_port = s->fc ? weft_fc_localport(s->fc) : NULL;
}
