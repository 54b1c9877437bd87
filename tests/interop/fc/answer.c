// SPDX-License-Identifier: GPL-2.0
/* Link services of FC-LS that are asked of us. Each is answered at once. */
#include "peer.h"

#define ELS_SIZE 128

static void reply(const struct rx *f, const void *buf, u32 len)
{
	struct tx t = {
		.mac = f->mac,
		.d_id = f->s_id,
		.r_ctl = FC_RCTL_ELS_REP,
		.type = FC_TYPE_ELS,
		.f_ctl = FC_FC_EX_CTX | FC_FC_LAST_SEQ | FC_FC_END_SEQ | FC_FC_SEQ_INIT,
		.ox = f->ox,
		.rx = XID_NONE,
		.sof = FC_SOF_I3,
		.eof = FC_EOF_T,
		.buf = buf,
		.len = len,
	};

	wire_send(&t);
}

static void refuse(const struct rx *f, u8 reason, u8 explan)
{
	struct fc_els_ls_rjt p = { .er_cmd = ELS_LS_RJT, .er_reason = reason, .er_explan = explan };

	stats[ST_REFUSED]++;
	pr_info("ELS %02x from %06x refused: %02x, %02x\n", f->payload[0], f->s_id, reason, explan);
	reply(f, &p, sizeof(p));
}

static void accept(const struct rx *f)
{
	static const u8 acc[4] = { ELS_LS_ACC };

	reply(f, acc, sizeof(acc));
}

static void on_plogi(const struct rx *f)
{
	const struct fc_els_flogi *p = (const void *)f->payload;
	struct fc_els_flogi acc;
	struct rport *rp;
	u64 wwpn;

	if (!els_plogi_ok(p, f->len)) {
		refuse(f, ELS_RJT_PROT, ELS_EXPL_INV_LEN);
		return;
	}
	wwpn = get_unaligned_be64(&p->fl_wwpn);
	rp = port_get(wwpn, get_unaligned_be64(&p->fl_wwnn), f->s_id, f->mac);
	if (!rp || closing) {
		refuse(f, ELS_RJT_UNAB, ELS_EXPL_INSUF_RES);
	} else if (rp->state == RP_PLOGI && wwpn < p_wwpn) {
		refuse(f, ELS_RJT_INPROG, ELS_EXPL_NONE);
	} else {
		port_logged_in(rp, p);
		els_put_plogi(&acc, ELS_LS_ACC);
		reply(f, &acc, sizeof(acc));
	}
}

static void on_prli(const struct rx *f, struct rport *rp)
{
	u8 acc[PRLI_NVME_LEN] = { ELS_LS_ACC, sizeof(struct nvme_spp), 0, PRLI_NVME_LEN };

	if (f->len >= 5 && f->payload[4] != TYPE_NVME_LS) {
		refuse(f, ELS_RJT_UNAB, ELS_EXPL_UNSUPR);
		return;
	}
	if (!els_prli_ok(f->payload, f->len)) {
		refuse(f, ELS_RJT_PROT, ELS_EXPL_INV_LEN);
		return;
	}
	els_put_prli((void *)(acc + 4), FC_SPP_RESP_ACK);
	reply(f, acc, sizeof(acc));
	port_prli(rp, get_unaligned_be32(f->payload + 16));
}

static void on_adisc(const struct rx *f, struct rport *rp)
{
	const struct fc_els_adisc *p = (const void *)f->payload;
	struct fc_els_adisc acc;

	if (f->len != sizeof(*p) || get_unaligned_be64(&p->adisc_wwpn) != rp->wwpn ||
	    get_unaligned_be24(p->adisc_port_id) != rp->id)
		violation("ADISC of %u bytes, %016llx %06x", f->len,
			  f->len == sizeof(*p) ? get_unaligned_be64(&p->adisc_wwpn) : 0, rp->id);
	els_put_adisc(&acc, ELS_LS_ACC);
	reply(f, &acc, sizeof(acc));
}

static void on_rtv(const struct rx *f)
{
	struct fc_els_rtv_acc acc = {
		.rtv_cmd = ELS_LS_ACC,
		.rtv_r_a_tov = htonl(R_A_TOV_MS),
		.rtv_e_d_tov = htonl(E_D_TOV_MS),
	};

	reply(f, &acc, sizeof(acc));
}

static void on_logo(const struct rx *f, struct rport *rp)
{
	accept(f);
	if (f->payload[0] == ELS_LOGO && f->len != sizeof(struct fc_els_logo))
		violation("LOGO of %u bytes", f->len);
	port_gone(rp, f->payload[0] == ELS_LOGO ? "LOGO" : "PRLO", 1000);
}

/* What needs a login. */
static void with_login(const struct rx *f, struct rport *rp)
{
	switch (f->payload[0]) {
	case ELS_PRLI:
		on_prli(f, rp);
		break;
	case ELS_ADISC:
	case ELS_PDISC:
		on_adisc(f, rp);
		break;
	case ELS_LOGO:
	case ELS_PRLO:
		on_logo(f, rp);
		break;
	case ELS_RRQ:
		accept(f);
		break;
	case ELS_RSCN:
		accept(f);
		if (rp->nvme && port_ready(rp))
			nvme_fc_rescan_remoteport(rp->nvme);
		break;
	default:
		refuse(f, ELS_RJT_UNSUP, ELS_EXPL_NONE);
	}
}

void els_request(const struct rx *f)
{
	struct rport *rp = port_by_id(f->s_id);
	static u8 echo[ELS_SIZE];

	if (f->len < 4 || f->sof != FC_SOF_I3 || !(f->f_ctl & FC_FC_END_SEQ)) {
		violation("ELS of %u bytes, SOF %02x", f->len, f->sof);
		return;
	}
	pr_info("ELS %02x from %06x\n", f->payload[0], f->s_id);
	if (f->payload[0] == ELS_PLOGI) {
		on_plogi(f);
	} else if (f->payload[0] == ELS_RTV) {
		on_rtv(f);
	} else if (f->payload[0] == ELS_ECHO && f->len <= sizeof(echo)) {
		memcpy(echo, f->payload, f->len);
		echo[0] = ELS_LS_ACC;
		reply(f, echo, f->len);
	} else if (!rp || rp->state < RP_PRLI) {
		refuse(f, ELS_RJT_UNAB, ELS_EXPL_PLOGI_REQD);
	} else {
		with_login(f, rp);
	}
}
