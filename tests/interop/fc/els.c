// SPDX-License-Identifier: GPL-2.0
/* Link services of FC-LS that we ask for: one at a time for each remote port. */
#include "peer.h"

#define ELS_MS (2 * R_A_TOV_MS)
#define HURRY_MS 1000
#define ORDER_LEN 8

void els_put_plogi(struct fc_els_flogi *p, u8 cmd)
{
	struct fc_els_cssp *class3 = p->fl_cssp + 2;

	memset(p, 0, sizeof(*p));
	p->fl_cmd = cmd;
	p->fl_csp.sp_hi_ver = p->fl_csp.sp_lo_ver = 0x20;
	p->fl_csp.sp_bb_cred = htons(10);
	p->fl_csp.sp_features = htons(FC_SP_FT_CIRO);
	p->fl_csp.sp_bb_data = htons(wire_max_data());
	p->fl_csp.sp_tot_seq = htons(255);
	p->fl_csp.sp_rel_off = htons(0x1f);
	p->fl_csp.sp_e_d_tov = htonl(E_D_TOV_MS);
	put_unaligned_be64(p_wwpn, &p->fl_wwpn);
	put_unaligned_be64(p_wwnn, &p->fl_wwnn);
	class3->cp_class = htons(FC_CPC_VALID | FC_CPC_SEQ);
	class3->cp_rdfs = htons(wire_max_data());
	class3->cp_con_seq = htons(255);
	class3->cp_open_seq = 1;
}

/* What PLOGI, or its LS_ACC, must say at least. */
bool els_plogi_ok(const struct fc_els_flogi *p, u32 len)
{
	u32 size = len == sizeof(*p) ? ntohs(p->fl_cssp[2].cp_rdfs) : 0;
	bool ok = len == sizeof(*p) && ntohs(p->fl_cssp[2].cp_class) & FC_CPC_VALID &&
		  size >= FC_MIN_MAX_PAYLOAD && size <= DATA_MAX && !(size & 3);

	if (!ok)
		violation("PLOGI of %u bytes, receive data field size %u", len, size);
	return ok;
}

void els_put_prli(struct nvme_spp *spp, u8 flags)
{
	u32 params = is_host ? PRLI_INITIATOR : PRLI_TARGET | PRLI_DISCOVERY;

	*spp = (struct nvme_spp){ .type = TYPE_NVME_LS, .flags = flags, .params = htonl(params) };
}

/* PRLI for NVMe or its LS_ACC: one page. */
bool els_prli_ok(const u8 *p, u32 len)
{
	bool ok = len == PRLI_NVME_LEN && p[1] == sizeof(struct nvme_spp) &&
		  get_unaligned_be16(p + 2) == PRLI_NVME_LEN && p[4] == TYPE_NVME_LS;

	if (!ok)
		violation("PRLI of %u bytes, page of %u, type %02x", len, p[1], p[4]);
	return ok;
}

void els_put_adisc(struct fc_els_adisc *p, u8 cmd)
{
	memset(p, 0, sizeof(*p));
	p->adisc_cmd = cmd;
	put_unaligned_be64(p_wwpn, &p->adisc_wwpn);
	put_unaligned_be64(p_wwnn, &p->adisc_wwnn);
	put_unaligned_be24(own_id, p->adisc_port_id);
}

/* The payload of a request; its length. */
static u32 build(u8 cmd, u8 *p)
{
	p[0] = cmd;
	switch (cmd) {
	case ELS_PLOGI:
		els_put_plogi((void *)p, cmd);
		return sizeof(struct fc_els_flogi);
	case ELS_PRLI:
		p[1] = sizeof(struct nvme_spp);
		put_unaligned_be16(PRLI_NVME_LEN, p + 2);
		els_put_prli((void *)(p + 4), 0);
		return PRLI_NVME_LEN;
	case ELS_PRLO:
		p[1] = 16;
		put_unaligned_be16(20, p + 2);
		p[4] = TYPE_NVME_LS;
		return 20;
	case ELS_LOGO:
		put_unaligned_be24(own_id, p + 5);
		put_unaligned_be64(p_wwpn, p + 8);
		return sizeof(struct fc_els_logo);
	case ELS_ADISC:
		els_put_adisc((void *)p, cmd);
		return sizeof(struct fc_els_adisc);
	case ELS_RSCN:
		p[1] = 4;
		put_unaligned_be16(8, p + 2);
		put_unaligned_be24(own_id, p + 5);
		return 8;
	case ELS_ECHO:
		memset(p + 4, 0xa5, 28);
		return 32;
	case ELS_RNID:
		p[4] = ELS_RNIDF_NONE;
		return 8;
	default:
		return 4;
	}
}

static void on_accept(struct rport *rp, u8 cmd, const struct rx *f)
{
	const struct fc_els_flogi *login = (const void *)f->payload;

	if (cmd == ELS_PLOGI) {
		if (!els_plogi_ok(login, f->len))
			return;
		if (get_unaligned_be64(&login->fl_wwpn) != rp->wwpn)
			violation("PLOGI is answered by %016llx",
				  get_unaligned_be64(&login->fl_wwpn));
		else
			port_logged_in(rp, login);
	} else if (cmd == ELS_PRLI) {
		if (!els_prli_ok(f->payload, f->len) || rp->state < RP_PRLI)
			return;
		if ((f->payload[6] & 15) == FC_SPP_RESP_ACK)
			port_prli(rp, get_unaligned_be32(f->payload + 16));
		else
			pr_info("PRLI: response code %u\n", f->payload[6] & 15);
	} else if (cmd == ELS_LOGO || cmd == ELS_PRLO) {
		port_gone(rp, "we logged out", 1000);
	}
}

/* A PLOGI or PRLI that came to nothing is tried again, see port_tick(). */
static void ended(struct xchg *x)
{
	struct els *e = container_of(x, struct els, x);

	xchg_close(x);
	e->busy = false;
	if (e->cmd == ELS_PLOGI && x->rp->state == RP_PLOGI)
		x->rp->state = RP_FOUND;
}

static void on_frame(struct xchg *x, const struct rx *f)
{
	struct els *e = container_of(x, struct els, x);
	u8 cmd = e->cmd;

	if (f->r_ctl != FC_RCTL_ELS_REP || f->type != FC_TYPE_ELS || f->len < 4 ||
	    !(f->f_ctl & FC_FC_LAST_SEQ)) {
		violation("ELS %02x: R_CTL %02x, %u bytes, F_CTL %06x", cmd, f->r_ctl, f->len,
			  f->f_ctl);
	} else if (f->payload[0] == ELS_LS_ACC) {
		pr_info("ELS %02x accepted: %*ph\n", cmd, min_t(int, f->len, 64), f->payload);
		on_accept(x->rp, cmd, f);
	} else if (f->payload[0] == ELS_LS_RJT && f->len == sizeof(struct fc_els_ls_rjt)) {
		pr_info("ELS %02x refused: reason %02x, %02x\n", cmd, f->payload[5], f->payload[6]);
		if (cmd == ELS_ADISC)
			port_gone(x->rp, "it does not know us", 0);
	} else {
		violation("ELS %02x answered by %02x, %u bytes", cmd, f->payload[0], f->len);
	}
	if (e->busy && e->cmd == cmd)
		ended(x);
}

static void on_gap(struct xchg *x, const struct rx *f)
{
	violation("ELS %02x: the answer is out of order", container_of(x, struct els, x)->cmd);
	ended(x);
}

static void on_late(struct xchg *x)
{
	struct els *e = container_of(x, struct els, x);

	pr_info("ELS %02x is not answered\n", e->cmd);
	if (e->cmd == ELS_PLOGI || e->cmd == ELS_LOGO)
		ended(x);
	else
		xchg_abort(x);
}

static const struct xchg_ops els_ops = {
	.frame = on_frame,
	.gap = on_gap,
	.aborted = ended,
	.answered = ended,
	.late = on_late,
	.lost = ended,
};

int els_send(struct rport *rp, u8 cmd)
{
	static u8 p[sizeof(struct fc_els_flogi)];
	struct els *e = &rp->els;
	int ret;
	u32 len;

	if (e->busy)
		return -EBUSY;
	memset(e, 0, sizeof(*e));
	ret = xchg_open(&e->x, rp, &els_ops);
	if (ret)
		return ret;
	e->busy = true;
	e->cmd = cmd;
	memset(p, 0, sizeof(p));
	len = build(cmd, p);
	if (rp->state < RP_PRLI)
		rp->max_data = FC_MIN_MAX_PAYLOAD;
	seq_send_buf(&e->x, FC_RCTL_ELS_REQ, FC_TYPE_ELS, SEQ_PASS, p, len);
	xchg_deadline(&e->x, closing ? HURRY_MS : ELS_MS);
	return 0;
}

/* --- orders from outside ----------------------------------------------------------------------------- */

static u8 ordered;
static int order_result;

static void carry_out(void)
{
	struct rport *rp;

	order_result = -ENOTCONN;
	for (rp = rports; rp < rports + N_RPORT; rp++)
		if (rp->state >= RP_PRLI)
			order_result = els_send(rp, ordered);
}

int els_order(const char *what)
{
	static const struct {
		char name[ORDER_LEN];
		u8 cmd;
	} orders[] = {
		{ "plogi", ELS_PLOGI }, { "prli", ELS_PRLI },   { "logo", ELS_LOGO },
		{ "prlo", ELS_PRLO },   { "adisc", ELS_ADISC }, { "rtv", ELS_RTV },
		{ "echo", ELS_ECHO },   { "rscn", ELS_RSCN },   { "rnid", ELS_RNID },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++)
		if (sysfs_streq(what, orders[i].name)) {
			ordered = orders[i].cmd;
			actor_do(carry_out);
			return order_result;
		}
	return -EINVAL;
}
