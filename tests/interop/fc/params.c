// SPDX-License-Identifier: GPL-2.0
/*
 * Parameters, counters, faults and orders, all in /sys/module/fcpeer/parameters:
 *
 *	stats	read: one counter a line
 *	ports	read: one remote port a line: name, address, state, roles
 *	fault	write "KIND R_CTL NTH": what happens to the NTH next frame with this R_CTL (hex):
 *		drop, crc (damaged), dup (sent twice), late (after the next one), off (relative
 *		offset 4 too high), cnt (SEQ_CNT 1 too high), cut (payload 4 bytes shorter)
 *	order	write "adisc", "rtv", "logo", "prlo", "plogi", "echo" or "rscn": the link service is
 *		sent to the port that is logged in; the answer is in the kernel's log
 */
#include "peer.h"

unsigned int stats[N_STAT];
static const char *const stat_names[N_STAT] = {
	"tx",      "rx",    "bad",    "crc",          "gap",     "stale", "violation", "abts_tx",
	"abts_rx", "login", "logout", "host_release", "refused", "fault", "lost",
};

char *p_netdev = "eth0", *p_role = "host";
bool p_fip = true, p_login = true, p_read_rsp;
unsigned int p_fcid, p_peer_fcid, p_max_data = DATA_MAX, p_queues = 2, p_sg = 256;
unsigned long long p_wwpn, p_wwnn, p_peer_wwpn, p_peer_wwnn;
module_param_named(netdev, p_netdev, charp, 0444);
module_param_named(role, p_role, charp, 0444);
module_param_named(wwpn, p_wwpn, ullong, 0444);
module_param_named(wwnn, p_wwnn, ullong, 0444);
module_param_named(max_data, p_max_data, uint, 0444);
MODULE_PARM_DESC(max_data,
		 "of a frame; link services of FC-NVMe, of up to 1024 bytes, are one frame");
module_param_named(queues, p_queues, uint, 0444);
module_param_named(sg, p_sg, uint, 0444);
MODULE_PARM_DESC(sg, "max_sgl_segments: few make many sequences of a command");
module_param_named(read_rsp, p_read_rsp, bool, 0444);
MODULE_PARM_DESC(read_rsp, "target: offer READDATA_RSP");
module_param_named(fip, p_fip, bool, 0444);
MODULE_PARM_DESC(fip, "VN2VN; 0: the addresses below");
module_param_named(fcid, p_fcid, uint, 0444);
module_param_named(peer_fcid, p_peer_fcid, uint, 0444);
module_param_named(peer_wwpn, p_peer_wwpn, ullong, 0444);
module_param_named(peer_wwnn, p_peer_wwnn, ullong, 0444);
module_param_named(login, p_login, bool, 0444);
MODULE_PARM_DESC(login, "0 (with fip=0): no PLOGI, no PRLI, the peer is there");

static int get_stats(char *buf, const struct kernel_param *kp)
{
	int i, n = 0;

	for (i = 0; i < N_STAT; i++)
		n += sysfs_emit_at(buf, n, "%s %u\n", stat_names[i], stats[i]);
	return n + sysfs_emit_at(buf, n, "open %u\n", xchg_count());
}

static int get_ports(char *buf, const struct kernel_param *kp)
{
	static const char *const names[] = { "none", "found", "plogi", "prli", "ready" };
	struct rport *rp;
	int n = 0;

	for (rp = rports; rp < rports + N_RPORT; rp++)
		if (rp->wwpn)
			n += sysfs_emit_at(buf, n, "%016llx %06x %s %02x\n", rp->wwpn, rp->id,
					   names[rp->state], rp->roles);
	return n;
}

static DEFINE_SPINLOCK(fault_lock);
static struct fault fault;

static int set_fault(const char *val, const struct kernel_param *kp)
{
	struct fault f = { 0 };

	if (sscanf(val, "%7s %x %u", f.kind, &f.r_ctl, &f.nth) != 3 || !f.nth)
		return -EINVAL;
	spin_lock(&fault_lock);
	fault = f;
	spin_unlock(&fault_lock);
	return 0;
}

/* True for the frame that is to be damaged; f says how. */
bool fault_strikes(u8 r_ctl, struct fault *f)
{
	bool now;

	spin_lock(&fault_lock);
	now = fault.nth && fault.r_ctl == r_ctl && !--fault.nth;
	*f = fault;
	spin_unlock(&fault_lock);
	if (now) {
		stats[ST_FAULT]++;
		pr_info("fault: %s R_CTL %02x\n", f->kind, r_ctl);
	}
	return now;
}

static int set_order(const char *val, const struct kernel_param *kp)
{
	return els_order(val);
}

static const struct kernel_param_ops stats_ops = { .get = get_stats };
static const struct kernel_param_ops ports_ops = { .get = get_ports };
static const struct kernel_param_ops fault_ops = { .set = set_fault };
static const struct kernel_param_ops order_ops = { .set = set_order };
module_param_cb(stats, &stats_ops, NULL, 0444);
module_param_cb(ports, &ports_ops, NULL, 0444);
module_param_cb(fault, &fault_ops, NULL, 0200);
module_param_cb(order, &order_ops, NULL, 0200);
