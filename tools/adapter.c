/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about the adapter itself. */
#include <string.h>

#include "weft.h"

int do_info(const struct config *cfg)
{
	struct json_object *o;
	struct weft_dev_info i;
	struct weft_port p;
	struct session s;
	char text[64];
	int rc = session_begin(&s, cfg);

	if (rc)
		return rc;
	rc = weft_dev_info(s.dev, &i);
	if (!rc)
		rc = weft_port_get(s.dev, &p);
	if (rc)
		complain(rc, "info");
	session_end(&s);
	if (rc)
		return rc;
	o = json_object_new_object();
	json_object_object_add(o, "bus", json_object_new_string(i.bus));
	snprintf(text, sizeof(text), "%u.%u", i.abi_major, i.abi_minor);
	json_object_object_add(o, "interface", json_object_new_string(text));
	snprintf(text, sizeof(text), "%u.%u.%u", i.fw_version >> 16, i.fw_version >> 8 & 255,
		 i.fw_version & 255);
	json_object_object_add(o, "firmware", json_object_new_string(text));
	put_u64(o, "queue_pairs", i.n_qp);
	put_u64(o, "command_slots", i.n_slots);
	put_u64(o, "vectors", i.n_vectors);
	put_u64(o, "connections", i.n_conn);
	json_object_object_add(o, "link", json_object_new_string(i.link_up ? "up" : "down"));
	snprintf(text, sizeof(text), "%u.%u.%u.%u", p.ip >> 24, p.ip >> 16 & 255, p.ip >> 8 & 255,
		 p.ip & 255);
	json_object_object_add(o, "ip", json_object_new_string(text));
	put_u64(o, "mtu", p.mtu);
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", p.mac[0], p.mac[1], p.mac[2],
		 p.mac[3], p.mac[4], p.mac[5]);
	json_object_object_add(o, "mac", json_object_new_string(text));
	info_pci(o, cfg->device);
	show(cfg, o);
	return 0;
}

int do_stats(const struct config *cfg)
{
	struct json_object *o;
	struct session s;
	unsigned int i;
	int rc = session_begin(&s, cfg);

	if (rc)
		return rc;
	o = json_object_new_object();
	for (i = 0; i < 64 && !rc; i++) {
		uint32_t v;

		if (!weft_counter_name(i))
			continue;
		rc = weft_dev_counter(s.dev, i, &v);
		if (!rc)
			put_u64(o, weft_counter_name(i), v);
	}
	if (rc) {
		complain(rc, "counters");
		json_object_put(o);
	} else {
		show(cfg, o);
	}
	session_end(&s);
	return rc;
}

int do_log(const struct config *cfg)
{
	char buf[1024];
	uint32_t pos = 0;
	struct session s;
	int n, rc = session_begin(&s, cfg);

	if (rc)
		return rc;
	while ((n = weft_dev_log(s.dev, &pos, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	if (n < 0)
		complain(n, "log");
	session_end(&s);
	return n < 0 ? n : 0;
}

int do_reset(const struct config *cfg)
{
	struct session s;
	int rc = session_begin(&s, cfg);

	if (rc)
		return rc;
	rc = weft_dev_reset(s.dev);
	if (rc)
		complain(rc, "reset");
	session_end(&s);
	return rc;
}
