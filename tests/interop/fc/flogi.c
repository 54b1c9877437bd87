// SPDX-License-Identifier: GPL-2.0
/*
 * FLOGI inside FIP. libfc in VN2VN mode asks each neighbour for it before PLOGI, and waits; the
 * answer says that there is no fabric. We never ask.
 */
#include "peer.h"

struct fip_ls_frame {
	struct ethhdr eth;
	struct fip_header fip;
	struct fip_encaps encaps;
	struct fc_frame_header fc;
	struct fc_els_flogi flogi;
	struct fip_mac_desc mac;
} __packed;

static void put_answer(struct fip_ls_frame *a, const struct fip_ls_frame *q)
{
	memset(a, 0, sizeof(*a));
	ether_addr_copy(a->eth.h_dest, q->eth.h_source);
	ether_addr_copy(a->eth.h_source, wire_enode);
	a->eth.h_proto = htons(ETH_P_FIP);
	a->fip.fip_ver = FIP_VER_ENCAPS(FIP_VER);
	a->fip.fip_op = htons(FIP_OP_LS);
	a->fip.fip_subcode = FIP_SC_REP;
	a->fip.fip_dl_len = q->fip.fip_dl_len;
	a->encaps = q->encaps;
	a->fc.fh_r_ctl = FC_RCTL_ELS_REP;
	memcpy(a->fc.fh_d_id, q->fc.fh_s_id, sizeof(a->fc.fh_d_id));
	put_unaligned_be24(own_id, a->fc.fh_s_id);
	a->fc.fh_type = FC_TYPE_ELS;
	put_unaligned_be24(FC_FC_EX_CTX | FC_FC_LAST_SEQ | FC_FC_END_SEQ | FC_FC_SEQ_INIT,
			   a->fc.fh_f_ctl);
	a->fc.fh_ox_id = q->fc.fh_ox_id;
	a->fc.fh_rx_id = htons(XID_NONE);
	els_put_plogi(&a->flogi, ELS_LS_ACC);
	put_unaligned_be32(R_A_TOV_MS, &a->flogi.fl_csp.sp_u); /* overlays what PLOGI says here */
	a->mac.fd_desc = (struct fip_desc){ FIP_DT_MAC, sizeof(a->mac) / FIP_BPW };
	vn_mac(a->mac.fd_mac, get_unaligned_be24(q->fc.fh_s_id));
}

void flogi_input(const u8 *frame, u32 len)
{
	const struct fip_ls_frame *q = (const void *)frame;
	static struct fip_ls_frame answer;

	if (len < sizeof(*q) || q->fip.fip_subcode != FIP_SC_REQ || !own_id ||
	    q->encaps.fd_desc.fip_dtype != FIP_DT_FLOGI ||
	    get_unaligned_be24(q->fc.fh_d_id) != own_id || q->flogi.fl_cmd != ELS_FLOGI) {
		violation("FIP link service of %u bytes", len);
		return;
	}
	pr_info("FLOGI from %06x\n", get_unaligned_be24(q->fc.fh_s_id));
	put_answer(&answer, q);
	wire_send_raw(&answer, sizeof(answer));
}
