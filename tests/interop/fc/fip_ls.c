// SPDX-License-Identifier: GPL-2.0
/*
 * FLOGI and LOGO inside FIP. libfc in VN2VN mode asks each neighbour for a FLOGI before PLOGI, and
 * waits; the answer says that there is no fabric. Its LOGO comes the same way. We ask neither.
 */
#include "peer.h"

struct fip_ls_head {
	struct ethhdr eth;
	struct fip_header fip;
	struct fip_encaps encaps;
	struct fc_frame_header fc;
} __packed;

/* The answer to q: its payload, then the MAC that the other side's address gives. */
static void reply(const struct fip_ls_head *q, const void *payload, u32 len)
{
	static u8 frame[sizeof(*q) + sizeof(struct fc_els_flogi) + sizeof(struct fip_mac_desc)];
	struct fip_ls_head *a = (void *)frame;
	struct fip_mac_desc *mac = (void *)(a + 1) + len;
	u32 words = (sizeof(a->encaps) + sizeof(a->fc) + len) / FIP_BPW;

	memset(frame, 0, sizeof(frame));
	ether_addr_copy(a->eth.h_dest, q->eth.h_source);
	ether_addr_copy(a->eth.h_source, wire_enode);
	a->eth.h_proto = htons(ETH_P_FIP);
	a->fip.fip_ver = FIP_VER_ENCAPS(FIP_VER);
	a->fip.fip_op = htons(FIP_OP_LS);
	a->fip.fip_subcode = FIP_SC_REP;
	a->fip.fip_dl_len = htons(words + sizeof(*mac) / FIP_BPW);
	a->encaps.fd_desc = (struct fip_desc){ q->encaps.fd_desc.fip_dtype, words };
	a->fc.fh_r_ctl = FC_RCTL_ELS_REP;
	a->fc.fh_type = FC_TYPE_ELS;
	memcpy(a->fc.fh_d_id, q->fc.fh_s_id, sizeof(a->fc.fh_d_id));
	put_unaligned_be24(own_id, a->fc.fh_s_id);
	put_unaligned_be24(FC_FC_EX_CTX | FC_FC_LAST_SEQ | FC_FC_END_SEQ | FC_FC_SEQ_INIT,
			   a->fc.fh_f_ctl);
	a->fc.fh_ox_id = q->fc.fh_ox_id;
	a->fc.fh_rx_id = htons(XID_NONE);
	memcpy(a + 1, payload, len);
	mac->fd_desc = (struct fip_desc){ FIP_DT_MAC, sizeof(*mac) / FIP_BPW };
	vn_mac(mac->fd_mac, get_unaligned_be24(q->fc.fh_s_id));
	wire_send_raw(frame, sizeof(*a) + len + sizeof(*mac));
}

static void on_flogi(const struct fip_ls_head *q)
{
	struct fc_els_flogi acc;

	els_put_plogi(&acc, ELS_LS_ACC);
	put_unaligned_be32(R_A_TOV_MS, &acc.fl_csp.sp_u); /* overlays what PLOGI says here */
	reply(q, &acc, sizeof(acc));
}

static void on_logo(const struct fip_ls_head *q)
{
	struct rport *rp = port_by_id(get_unaligned_be24(q->fc.fh_s_id));
	static const u8 acc[4] = { ELS_LS_ACC };

	reply(q, acc, sizeof(acc));
	if (rp)
		port_gone(rp, "LOGO", 1000);
}

void fip_ls_input(const u8 *frame, u32 len)
{
	const struct fip_ls_head *q = (const void *)frame;
	u32 words = len < sizeof(*q) ? 0 : q->encaps.fd_desc.fip_dlen;
	u8 cmd, type = q->encaps.fd_desc.fip_dtype;
	u32 payload = words * FIP_BPW - sizeof(q->encaps) - sizeof(q->fc);

	if (words * FIP_BPW <= sizeof(q->encaps) + sizeof(q->fc) ||
	    q->fip.fip_subcode != FIP_SC_REQ || len < sizeof(*q) + payload || payload < 4) {
		violation("FIP link service of %u bytes", len);
		return;
	}
	if (!own_id || get_unaligned_be24(q->fc.fh_d_id) != own_id)
		return;
	cmd = *(const u8 *)(q + 1);
	pr_info("ELS %02x in FIP from %06x\n", cmd, get_unaligned_be24(q->fc.fh_s_id));
	if (type == FIP_DT_FLOGI && cmd == ELS_FLOGI && payload == sizeof(struct fc_els_flogi))
		on_flogi(q);
	else if (type == FIP_DT_LOGO && cmd == ELS_LOGO && payload == sizeof(struct fc_els_logo))
		on_logo(q);
	else
		violation("FIP link service %02x of %u bytes, descriptor %u", cmd, payload, type);
}
