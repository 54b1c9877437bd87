// SPDX-License-Identifier: GPL-2.0
/*
 * FIP in VN2VN mode: an address of our own, and who else is there.
 *
 *	OFF -- link up, random --> PROBE1 -- 100 ms --> PROBE2 -- 400 ms --> CLAIM -- 400 ms --> UP
 *
 * A neighbour is who claims, or answers a claim; one that beacons, or answered us, may be logged in
 * to. With fip=0 the addresses are given, and the state goes from OFF to UP.
 */
#include "peer.h"
#include <linux/random.h>

#define START_MS 100
#define PROBE_MS 100
#define WAIT_MS 400
#define BEACON_MS 8000
#define AGE_MS (BEACON_MS * 5 / 2)
#define FEAT_TARGET 1 /* FC-GS: FC-4 features */
#define FEAT_INITIATOR 2

static enum { F_OFF, F_START, F_PROBE1, F_PROBE2, F_CLAIM, F_UP } state;
static u32 probed; /* the address that is tried; own_id once it is ours */
static unsigned long next, claimed;
u32 own_id;
static const u8 all_vn2vn[] = FIP_ALL_VN2VN_MACS;

struct vn { /* what a frame says */
	u64 wwpn, wwnn;
	u32 id, have; /* have: bit n: descriptor n was there */
	u16 size;
	u8 code, enode[ETH_ALEN];
};

struct vn_frame {
	struct ethhdr eth;
	struct fip_header fip;
	struct fip_mac_desc mac;
	struct fip_wwn_desc wwnn;
	struct fip_vn_desc vn;
	struct fip_fc4_feat fc4; /* these two in claims and their answers */
	struct fip_size_desc size;
	u8 pad[DATA_MAX];
} __packed;

static void set_next(unsigned int ms)
{
	next = jiffies + msecs_to_jiffies(ms);
}

/* --- what is sent ------------------------------------------------------------------------------------ */

static void put_abilities(struct vn_frame *f)
{
	u32 role = is_host ? FEAT_INITIATOR : FEAT_TARGET;

	f->fc4.fd_desc.fip_dtype = FIP_DT_FC4F;
	f->fc4.fd_desc.fip_dlen = sizeof(f->fc4) / FIP_BPW;
	f->fc4.fd_fts.ff_type_map[TYPE_NVME_LS / 32] = htonl(1 << TYPE_NVME_LS % 32);
	f->fc4.fd_ff.fd_feat[TYPE_NVME_LS / 8] = htonl(role << TYPE_NVME_LS % 8 * 4);
	f->size.fd_desc.fip_dtype = FIP_DT_FCOE_SIZE;
	f->size.fd_desc.fip_dlen = sizeof(f->size) / FIP_BPW;
	f->size.fd_size = htons(FRAME_OVERHEAD + wire_max_data());
}

/* least: an answer to a claim is as long as an FCoE frame may be, to see whether that gets through. */
static void send(u8 code, const u8 *to, u32 least)
{
	static struct vn_frame f;
	bool able = code == FIP_SC_VN_CLAIM_NOTIFY || code == FIP_SC_VN_CLAIM_REP;
	u32 len = able ? offsetof(struct vn_frame, pad) : offsetof(struct vn_frame, fc4);

	memset(&f, 0, sizeof(f));
	ether_addr_copy(f.eth.h_dest, to);
	ether_addr_copy(f.eth.h_source, code == FIP_SC_VN_BEACON ? wire_mac : wire_enode);
	f.eth.h_proto = htons(ETH_P_FIP);
	f.fip.fip_ver = FIP_VER_ENCAPS(FIP_VER);
	f.fip.fip_op = htons(FIP_OP_VN2VN);
	f.fip.fip_subcode = code;
	f.fip.fip_dl_len = htons((len - offsetof(struct vn_frame, mac)) / FIP_BPW);
	f.mac.fd_desc = (struct fip_desc){ FIP_DT_MAC, sizeof(f.mac) / FIP_BPW };
	ether_addr_copy(f.mac.fd_mac, wire_enode);
	f.wwnn.fd_desc = (struct fip_desc){ FIP_DT_NAME, sizeof(f.wwnn) / FIP_BPW };
	put_unaligned_be64(p_wwnn, &f.wwnn.fd_wwn);
	f.vn.fd_desc = (struct fip_desc){ FIP_DT_VN_ID, sizeof(f.vn) / FIP_BPW };
	vn_mac(f.vn.fd_mac, probed);
	put_unaligned_be24(probed, f.vn.fd_fc_id);
	put_unaligned_be64(p_wwpn, &f.vn.fd_wwpn);
	if (able)
		put_abilities(&f);
	len = clamp_t(u32, ETH_HLEN + least, max_t(u32, len, ETH_ZLEN), sizeof(f));
	wire_send_raw(&f, len);
}

static void send_claim(void)
{
	send(FIP_SC_VN_CLAIM_NOTIFY, all_vn2vn, 0);
	claimed = jiffies;
}

static void begin(bool again)
{
	if (again || !probed)
		do
			probed = get_random_u16();
		while (!probed || probed == 0xffff);
	if (again) {
		port_all_gone("address conflict");
		own_id = 0;
		wire_set_id(0);
	}
	state = F_START;
	set_next(get_random_u32_below(START_MS));
}

static void settle(void)
{
	own_id = probed;
	state = F_UP;
	pr_info("address %06x\n", own_id);
}

/* --- what comes --------------------------------------------------------------------------------------- */

static bool take(struct vn *v, const struct fip_desc *d, u32 len)
{
	const struct fip_mac_desc *mac = (const void *)d;
	const struct fip_wwn_desc *name = (const void *)d;
	const struct fip_vn_desc *vn = (const void *)d;
	const struct fip_size_desc *size = (const void *)d;
	static const u8 lengths[FIP_DT_LIMIT] = {
		[FIP_DT_MAC] = sizeof(*mac),
		[FIP_DT_NAME] = sizeof(*name),
		[FIP_DT_VN_ID] = sizeof(*vn),
		[FIP_DT_FCOE_SIZE] = sizeof(*size),
		[FIP_DT_FC4F] = sizeof(struct fip_fc4_feat),
	};

	if (d->fip_dtype >= FIP_DT_NON_CRITICAL)
		return true;
	if (d->fip_dtype >= FIP_DT_LIMIT || lengths[d->fip_dtype] != len)
		return false;
	v->have |= BIT(d->fip_dtype);
	if (d->fip_dtype == FIP_DT_MAC) {
		ether_addr_copy(v->enode, mac->fd_mac);
	} else if (d->fip_dtype == FIP_DT_NAME) {
		v->wwnn = get_unaligned_be64(&name->fd_wwn);
	} else if (d->fip_dtype == FIP_DT_VN_ID) {
		v->id = get_unaligned_be24(vn->fd_fc_id);
		v->wwpn = get_unaligned_be64(&vn->fd_wwpn);
	} else if (d->fip_dtype == FIP_DT_FCOE_SIZE) {
		v->size = ntohs(size->fd_size);
	}
	return true;
}

static bool parse(const u8 *frame, u32 len, struct vn *v)
{
	const struct fip_header *h = (const void *)(frame + ETH_HLEN);
	const u8 *p = (const u8 *)(h + 1), *end = p + ntohs(h->fip_dl_len) * FIP_BPW;
	u32 need = BIT(FIP_DT_MAC) | BIT(FIP_DT_NAME) | BIT(FIP_DT_VN_ID);

	if (end > frame + len)
		return false;
	*v = (struct vn){ .code = h->fip_subcode & 15 };
	while (p < end) {
		const struct fip_desc *d = (const void *)p;
		u32 n = d->fip_dlen * FIP_BPW;

		if (!n || n > end - p || !take(v, d, n))
			return false;
		p += n;
	}
	if (v->code == FIP_SC_VN_CLAIM_NOTIFY || v->code == FIP_SC_VN_CLAIM_REP)
		need |= BIT(FIP_DT_FC4F) | BIT(FIP_DT_FCOE_SIZE);
	return (v->have & need) == need && v->id && v->id < 0xffff && v->wwpn;
}

/* Another port has, or wants, the address that we have or want. */
static void rival(const struct vn *v)
{
	if (state < F_PROBE1)
		return;
	if (v->code == FIP_SC_VN_PROBE_REQ) {
		if (state >= F_CLAIM || p_wwpn > v->wwpn)
			send(FIP_SC_VN_PROBE_REP, v->enode, 0);
		else
			begin(true);
	} else if (state < F_CLAIM || v->wwpn > p_wwpn) {
		begin(true);
	} else {
		send_claim();
	}
}

static struct rport *neighbour(const struct vn *v)
{
	u8 mac[ETH_ALEN];
	struct rport *rp;

	vn_mac(mac, v->id);
	rp = port_get(v->wwpn, v->wwnn, v->id, mac);
	if (!rp)
		return NULL;
	ether_addr_copy(rp->enode, v->enode);
	rp->size = v->size;
	rp->seen = jiffies;
	return rp;
}

/* Who claims anew may have begun anew: is the session still there? */
static void on_claim(const struct vn *v)
{
	struct rport *rp = neighbour(v);

	if (!rp)
		return;
	send(FIP_SC_VN_CLAIM_REP, v->enode, min_t(u32, v->size, FRAME_OVERHEAD + wire_max_data()));
	if (rp->state >= RP_PRLI)
		rp->check_at = (jiffies + msecs_to_jiffies(2 * WAIT_MS)) | 1; /* it is up by then */
}

static void on_beacon(const struct vn *v)
{
	struct rport *rp = port_by_id(v->id);

	if (rp && rp->wwpn == v->wwpn) {
		rp->seen = jiffies;
		rp->beacons = true;
	} else if (time_after(jiffies, claimed + msecs_to_jiffies(WAIT_MS))) {
		send_claim();
	}
}

void fip_input(const u8 *frame, u32 len)
{
	const struct fip_header *h = (const void *)(frame + ETH_HLEN);
	struct rport *rp;
	struct vn v;

	if (!p_fip || len < ETH_HLEN + sizeof(*h))
		return;
	if (ntohs(h->fip_op) == FIP_OP_LS) {
		fip_ls_input(frame, len);
		return;
	}
	if (ntohs(h->fip_op) != FIP_OP_VN2VN)
		return;
	if (FIP_VER_DECAPS(h->fip_ver) != FIP_VER || !parse(frame, len, &v)) {
		violation("FIP frame of %u bytes, subcode %02x", len, h->fip_subcode);
		return;
	}
	if (v.wwpn == p_wwpn)
		violation("our name from %pM", v.enode);
	else if (v.id == probed)
		rival(&v);
	else if (state < F_CLAIM)
		return;
	else if (v.code == FIP_SC_VN_CLAIM_NOTIFY)
		on_claim(&v);
	else if (v.code == FIP_SC_VN_CLAIM_REP && (rp = neighbour(&v)))
		rp->beacons = true;
	else if (v.code == FIP_SC_VN_BEACON && state == F_UP)
		on_beacon(&v);
}

/* --- time ---------------------------------------------------------------------------------------------- */

static void static_addresses(void)
{
	u8 mac[ETH_ALEN];
	struct rport *rp;

	probed = p_fcid;
	wire_set_id(probed);
	settle();
	vn_mac(mac, p_peer_fcid);
	rp = port_get(p_peer_wwpn, p_peer_wwnn, p_peer_fcid, mac);
	if (!rp)
		return;
	rp->beacons = true;
	if (p_login)
		return;
	rp->max_data = p_max_data;
	rp->state = RP_PRLI;
	port_prli(rp, is_host ? PRLI_TARGET | PRLI_DISCOVERY : PRLI_INITIATOR);
}

void fip_link(bool is_up)
{
	if (!is_up) {
		state = F_OFF;
		own_id = 0;
		wire_set_id(0);
	} else if (p_fip) {
		probed = probed ?: p_fcid ?: p_wwpn & 0xffff;
		if (probed == 0xffff)
			probed = 0;
		begin(false);
	} else {
		static_addresses();
	}
}

static void age(void)
{
	struct rport *rp;

	for (rp = rports; rp < rports + N_RPORT; rp++)
		if (rp->state && time_after(jiffies, rp->seen + msecs_to_jiffies(AGE_MS)))
			port_forget(rp, "no beacon");
}

void fip_tick(void)
{
	if (!p_fip || state == F_OFF)
		return;
	if (state == F_UP)
		age();
	if (time_before(jiffies, next))
		return;
	switch (state) {
	case F_START:
	case F_PROBE1:
		send(FIP_SC_VN_PROBE_REQ, all_vn2vn, 0);
		set_next(state == F_START ? PROBE_MS : WAIT_MS);
		state++;
		break;
	case F_PROBE2:
		wire_set_id(probed);
		send_claim();
		set_next(WAIT_MS);
		state = F_CLAIM;
		break;
	case F_CLAIM:
		settle();
		fallthrough;
	default:
		send(FIP_SC_VN_BEACON, all_vn2vn, 0);
		set_next(BEACON_MS + get_random_u32_below(START_MS));
	}
}
