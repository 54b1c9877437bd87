// SPDX-License-Identifier: GPL-2.0
/* Loading and unloading. */
#include "peer.h"
#include <linux/delay.h>

#define LOGOUT_MS 1500

static bool sensible(void)
{
	return p_wwpn && p_wwnn && p_queues && p_sg && p_max_data >= FC_MIN_MAX_PAYLOAD &&
	       p_max_data <= DATA_MAX && !(p_max_data & 3) &&
	       (p_fip || (p_fcid && p_peer_fcid && p_peer_wwpn && p_peer_wwnn)) &&
	       (is_host || !strcmp(p_role, "target"));
}

static int __init fcpeer_init(void)
{
	int ret;

	is_host = !strcmp(p_role, "host");
	if (!sensible())
		return -EINVAL;
	ret = actor_start();
	if (ret)
		return ret;
	ret = is_host ? host_start() : target_start();
	if (ret)
		goto end_actor;
	ret = wire_start();
	if (ret)
		goto end_port;
	pr_info("%s %016llx on %s %pM\n", p_role, p_wwpn, p_netdev, wire_enode);
	return 0;

end_port:
	if (is_host)
		host_stop();
	else
		target_stop();
end_actor:
	actor_stop();
	return ret;
}

static void send_logouts(void)
{
	struct rport *rp;

	for (rp = rports; rp < rports + N_RPORT; rp++)
		if (rp->state >= RP_PRLI && !is_host)
			els_send(rp, ELS_LOGO);
}

static void end_sessions(void)
{
	port_all_gone("unloaded");
}

static void host_logout(void)
{
	struct rport *rp;

	for (rp = rports; rp < rports + N_RPORT; rp++) {
		bool in = rp->state >= RP_PRLI;

		port_gone(rp, "unloaded", 0);
		if (in)
			els_send(rp, ELS_LOGO);
	}
}

/* A target takes leave of its hosts with link services, a host has no more to say but LOGO. */
static void __exit fcpeer_exit(void)
{
	WRITE_ONCE(closing, true);
	actor_do(xchg_hurry);
	if (is_host) {
		actor_do(host_logout);
		host_stop();
	} else {
		target_stop();
		actor_do(send_logouts);
	}
	msleep(LOGOUT_MS);
	wire_stop();
	actor_do(end_sessions);
	actor_stop();
	wire_release();
	pr_info("unloaded, %u exchanges open\n", xchg_count());
}

module_init(fcpeer_init);
module_exit(fcpeer_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("FC-NVMe over FCoE for tests, below nvme-fc and nvmet-fc");
