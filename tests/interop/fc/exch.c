// SPDX-License-Identifier: GPL-2.0
/*
 * Exchanges: their identifiers, what belongs to which, aborts.
 *
 * We give OX_IDs from OX_FIRST on to what we begin, RX_IDs from RX_FIRST on to what others begin.
 * An OX_ID whose exchange was aborted rests for R_A_TOV.
 */
#include "peer.h"

#define N_XCHG 2048
#define OX_FIRST 0x1000
#define RX_FIRST 0x8000
#define ABTS_MS 4000 /* we wait so long for the answer, twice */
#define ABTS_TRIES 2
#define HURRY_MS 1000

static struct slot {
	struct xchg *x;
	unsigned long rests; /* until then, jiffies; 0: it does not */
} originated[N_XCHG], answered[N_XCHG];
static unsigned int next_ox, next_rx;

static int take(struct slot *slots, unsigned int *next, struct xchg *x)
{
	unsigned int n, i;

	for (n = 0; n < N_XCHG; n++) {
		i = (*next + n) % N_XCHG;
		if (slots[i].rests && time_after(jiffies, slots[i].rests))
			slots[i].rests = 0;
		if (slots[i].x || slots[i].rests)
			continue;
		slots[i].x = x;
		*next = i + 1;
		return i;
	}
	return -EBUSY;
}

static struct slot *slot_of(const struct xchg *x)
{
	return x->ours ? originated + (x->ox - OX_FIRST) : answered + (x->rx - RX_FIRST);
}

/* An exchange of ours; x is all zero. */
int xchg_open(struct xchg *x, struct rport *rp, const struct xchg_ops *ops)
{
	int i = take(originated, &next_ox, x);

	if (i < 0)
		return i;
	x->ops = ops;
	x->rp = rp;
	x->ours = x->initiative = true;
	x->ox = OX_FIRST + i;
	x->rx = XID_NONE;
	return 0;
}

/* One that f begins, which is taken as its first frame. */
int xchg_answer(struct xchg *x, struct rport *rp, const struct xchg_ops *ops, const struct rx *f)
{
	int i = take(answered, &next_rx, x);

	if (i < 0)
		return i;
	x->ops = ops;
	x->rp = rp;
	x->ox = f->ox;
	x->rx = RX_FIRST + i;
	if (f->rx != XID_NONE)
		violation("OX %04x: begins with RX_ID %04x", f->ox, f->rx);
	seq_check(x, f);
	return 0;
}

/* Of no effect on one that was not opened. */
void xchg_close(struct xchg *x)
{
	struct slot *s;

	if (!x->ops)
		return;
	s = slot_of(x);
	if (s->x != x)
		return;
	s->x = NULL;
	if (x->ours && x->aborting)
		s->rests = (jiffies + msecs_to_jiffies(R_A_TOV_MS)) | 1;
}

void xchg_deadline(struct xchg *x, unsigned int ms)
{
	x->deadline = ms ? (jiffies + msecs_to_jiffies(ms)) | 1 : 0;
}

static struct xchg *find_answered(u32 s_id, u16 ox)
{
	unsigned int i;

	for (i = 0; i < N_XCHG; i++) {
		struct xchg *x = answered[i].x;

		if (x && x->ox == ox && x->rp->id == s_id)
			return x;
	}
	return NULL;
}

/* The exchange that a frame names; NULL: none, or one of another port. */
static struct xchg *find(const struct rx *f)
{
	unsigned int i = f->f_ctl & FC_FC_EX_CTX ? f->ox - OX_FIRST : f->rx - RX_FIRST;
	struct xchg *x;

	if (f->f_ctl & FC_FC_EX_CTX)
		x = i < N_XCHG ? originated[i].x : NULL;
	else if (f->rx == XID_NONE)
		return find_answered(f->s_id, f->ox);
	else
		x = i < N_XCHG ? answered[i].x : NULL;
	return x && x->ox == f->ox && x->rp->id == f->s_id ? x : NULL;
}

/* --- aborts --------------------------------------------------------------------------------------- */

/* The whole exchange is aborted; ops->answered follows, or the session ends. */
void xchg_abort(struct xchg *x)
{
	struct tx t = {
		.mac = x->rp->mac,
		.d_id = x->rp->id,
		.r_ctl = FC_RCTL_BA_ABTS,
		.f_ctl = (x->ours ? 0 : FC_FC_EX_CTX) | FC_FC_END_SEQ | FC_FC_SEQ_INIT,
		.seq_id = x->seq_id++,
		.cnt = x->streaming ? x->cnt : 0,
		.ox = x->ox,
		.rx = x->rx,
		.sof = FC_SOF_I3,
		.eof = FC_EOF_T,
	};

	x->dead = true;
	x->aborting++;
	stats[ST_ABTS_TX]++;
	wire_send(&t);
	xchg_deadline(x, ABTS_MS);
}

/* rjt: NULL for BA_ACC, or the two bytes of a reason. */
static void answer_abts(const struct rx *f, const u8 *rjt)
{
	u8 b[12] = { 0 };
	struct tx t = {
		.mac = f->mac,
		.d_id = f->s_id,
		.r_ctl = rjt ? FC_RCTL_BA_RJT : FC_RCTL_BA_ACC,
		.f_ctl = (~f->f_ctl & FC_FC_EX_CTX) | FC_FC_LAST_SEQ | FC_FC_END_SEQ |
			 FC_FC_SEQ_INIT,
		.seq_id = f->seq_id,
		.ox = f->ox,
		.rx = f->rx,
		.sof = FC_SOF_I3,
		.eof = FC_EOF_T,
		.buf = b,
		.len = rjt ? 4 : 12,
	};

	if (rjt) {
		b[1] = rjt[0];
		b[2] = rjt[1];
	} else {
		put_unaligned_be16(f->ox, b + 4);
		put_unaligned_be16(f->rx, b + 6);
		put_unaligned_be16(0xffff, b + 10);
	}
	wire_send(&t);
}

static void on_abts(const struct rx *f, struct xchg *x)
{
	static const u8 unknown[] = { FC_BA_RJT_LOG_ERR, FC_BA_RJT_INV_XID };

	stats[ST_ABTS_RX]++;
	if (f->len || f->parm || !(f->f_ctl & FC_FC_END_SEQ) || !(f->f_ctl & FC_FC_SEQ_INIT))
		violation("ABTS of %u bytes, F_CTL %06x, Parameter %08x", f->len, f->f_ctl,
			  f->parm);
	answer_abts(f, x ? NULL : unknown);
	if (!x)
		return;
	x->dead = true;
	x->ops->aborted(x);
}

static void on_ba(const struct rx *f, struct xchg *x)
{
	u32 len = f->r_ctl == FC_RCTL_BA_ACC ? 12 : 4;

	if (f->len != len || !(f->f_ctl & FC_FC_LAST_SEQ) || !(f->f_ctl & FC_FC_END_SEQ))
		violation("R_CTL %02x of %u bytes, F_CTL %06x", f->r_ctl, f->len, f->f_ctl);
	else if (len == 12 && (get_unaligned_be16(f->payload + 4) != f->ox))
		violation("BA_ACC for OX %04x, of %04x", get_unaligned_be16(f->payload + 4), f->ox);
	if (!x || !x->aborting) {
		stats[ST_STALE]++;
		return;
	}
	xchg_deadline(x, 0);
	x->ops->answered(x);
}

/* --- what comes ------------------------------------------------------------------------------------ */

/* The first frame of an exchange that another port begins. */
static void begin(const struct rx *f)
{
	struct rport *rp = port_by_id(f->s_id);

	if (f->type == FC_TYPE_ELS) {
		els_request(f);
		return;
	}
	if (!rp || !port_ready(rp)) {
		pr_info_ratelimited("R_CTL %02x from %06x, which is not logged in\n", f->r_ctl,
				    f->s_id);
		stats[ST_REFUSED]++;
		if (rp && rp->state != RP_PLOGI) /* it has not noticed yet */
			els_send(rp, rp->state == RP_FOUND ? ELS_LOGO : ELS_PRLO);
		return;
	}
	if (find_answered(f->s_id, f->ox)) {
		violation("OX %04x begins again", f->ox);
		return;
	}
	if (f->sof != FC_SOF_I3 || !(f->f_ctl & FC_FC_END_SEQ) || !(f->f_ctl & FC_FC_SEQ_INIT)) {
		violation("R_CTL %02x with SOF %02x, F_CTL %06x", f->r_ctl, f->sof, f->f_ctl);
		return;
	}
	if (f->type == TYPE_NVME_LS)
		ls_request(rp, f);
	else
		target_cmnd(rp, f);
}

static bool begins(const struct rx *f)
{
	return !(f->f_ctl & FC_FC_EX_CTX) &&
	       ((f->r_ctl == FC_RCTL_ELS_REQ && f->type == FC_TYPE_ELS) ||
		(f->r_ctl == R_LS_RQST && f->type == TYPE_NVME_LS) ||
		(f->r_ctl == R_CMND && f->type == TYPE_NVME_IU));
}

void exch_input(const struct rx *f)
{
	struct xchg *x;

	if (begins(f)) {
		begin(f);
		return;
	}
	x = find(f);
	if (f->type == FC_TYPE_BLS && f->r_ctl == FC_RCTL_BA_ABTS)
		on_abts(f, x);
	else if (f->type == FC_TYPE_BLS)
		on_ba(f, x);
	else if (!x || x->dead)
		stats[ST_STALE]++;
	else if (seq_check(x, f))
		x->ops->frame(x, f);
	else
		x->ops->gap(x, f);
}

/* --- all of them ------------------------------------------------------------------------------------ */

static void each(struct slot *slots, void (*what)(struct xchg *x, struct rport *rp),
		 struct rport *rp)
{
	unsigned int i;

	for (i = 0; i < N_XCHG; i++)
		if (slots[i].x)
			what(slots[i].x, rp);
}

static void lose(struct xchg *x, struct rport *rp)
{
	if (x->rp != rp)
		return;
	x->dead = true;
	x->deadline = 0;
	x->ops->lost(x);
}

/* The session with this port is over, and with it all that was going on. */
void xchg_lost(struct rport *rp)
{
	each(originated, lose, rp);
	each(answered, lose, rp);
}

static void look_at_deadline(struct xchg *x, struct rport *rp)
{
	if (!x->deadline || !time_after(jiffies, x->deadline))
		return;
	x->deadline = 0;
	if (!x->aborting)
		x->ops->late(x);
	else if (x->aborting < ABTS_TRIES)
		xchg_abort(x);
	else
		port_gone(x->rp, "ABTS is not answered", 2000);
}

void xchg_tick(void)
{
	each(originated, look_at_deadline, NULL);
	each(answered, look_at_deadline, NULL);
}

static void hurry(struct xchg *x, struct rport *rp)
{
	if (x->deadline)
		xchg_deadline(x, HURRY_MS);
}

/* The module is to go: what waits for an answer does not wait long. */
void xchg_hurry(void)
{
	each(originated, hurry, NULL);
}

unsigned int xchg_count(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < N_XCHG; i++)
		n += !!READ_ONCE(originated[i].x) + !!READ_ONCE(answered[i].x);
	return n;
}
