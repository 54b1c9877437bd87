// SPDX-License-Identifier: GPL-2.0
/* Sequences of class 3: cut into frames on the way out, checked for order on the way in. */
#include "peer.h"

/*
 * Sends one sequence: len bytes of src from its off on. how: SEQ_*. offset: the relative offset of
 * the first byte with SEQ_DATA. Sequences in a row, with the initiative kept, go on counting.
 */
void seq_send(struct xchg *x, u8 r_ctl, u8 type, int how, const struct tx *src, u32 offset)
{
	u32 max = min_t(u32, x->rp->max_data, wire_max_data()), sent = 0;
	struct tx t = *src;
	bool end;

	if (!x->streaming)
		x->cnt = 0;
	t.mac = x->rp->mac;
	t.d_id = x->rp->id;
	t.r_ctl = r_ctl;
	t.type = type;
	t.seq_id = x->seq_id;
	t.ox = x->ox;
	t.rx = x->rx;
	do {
		t.off = src->off + sent;
		t.len = min(src->len - sent, max);
		end = sent + t.len == src->len;
		t.f_ctl = x->ours ? 0 : FC_FC_EX_CTX;
		t.f_ctl |= x->ours && !x->begun ? FC_FC_FIRST_SEQ : 0;
		t.f_ctl |= how & SEQ_DATA ? FC_FC_REL_OFF : 0;
		t.f_ctl |= end ? FC_FC_END_SEQ : 0;
		t.f_ctl |= end && how & SEQ_PASS ? FC_FC_SEQ_INIT : 0;
		t.f_ctl |= how & SEQ_LAST ? FC_FC_LAST_SEQ : 0;
		t.parm = how & SEQ_DATA ? offset + sent : 0;
		t.cnt = x->cnt++;
		t.sof = sent ? FC_SOF_N3 : FC_SOF_I3;
		t.eof = end ? FC_EOF_T : FC_EOF_N;
		wire_send(&t);
		sent += t.len;
	} while (!end);
	x->begun = true;
	x->seq_id++;
	x->streaming = x->initiative = !(how & SEQ_PASS);
}

void seq_send_buf(struct xchg *x, u8 r_ctl, u8 type, int how, const void *buf, u32 len)
{
	struct tx src = { .buf = buf, .len = len };

	seq_send(x, r_ctl, type, how, &src, 0);
}

static bool first_frame(struct xchg *x, const struct rx *f)
{
	if (x->in.open) {
		pr_info_ratelimited("OX %04x: sequence %02x begins inside %02x\n", x->ox, f->seq_id,
				    x->in.seq_id);
		return false;
	}
	if (x->in.any && !x->in.passed && f->cnt != x->in.cnt) {
		pr_info_ratelimited("OX %04x: SEQ_CNT %u, not %u\n", x->ox, f->cnt, x->in.cnt);
		return false;
	}
	if (x->in.any && x->in.passed && f->cnt && f->cnt != x->in.cnt)
		violation("OX %04x: SEQ_CNT %u begins a sequence, not 0 or %u", x->ox, f->cnt,
			  x->in.cnt);
	if (x->in.any && !x->in.passed && f->seq_id == x->in.seq_id)
		violation("OX %04x: SEQ_ID %02x used again", x->ox, f->seq_id);
	if (!x->in.any && f->cnt)
		violation("OX %04x: the first SEQ_CNT is %u", x->ox, f->cnt);
	return true;
}

static bool next_frame(struct xchg *x, const struct rx *f)
{
	if (!x->in.open || f->seq_id != x->in.seq_id || f->cnt != x->in.cnt) {
		pr_info_ratelimited("OX %04x: SEQ_ID %02x SEQ_CNT %u, not %02x %u%s\n", x->ox,
				    f->seq_id, f->cnt, x->in.seq_id, x->in.cnt,
				    x->in.open ? "" : " and nothing begun");
		return false;
	}
	if (f->r_ctl != x->in.r_ctl)
		violation("OX %04x: R_CTL %02x inside a sequence of %02x", x->ox, f->r_ctl,
			  x->in.r_ctl);
	return true;
}

/* What F_CTL must say of a frame of this exchange. */
static void look_at_f_ctl(struct xchg *x, const struct rx *f)
{
	bool first = !x->ours && !x->in.any;

	if (!!(f->f_ctl & FC_FC_FIRST_SEQ) != first)
		violation("OX %04x: R_CTL %02x with F_CTL %06x", x->ox, f->r_ctl, f->f_ctl);
	if (x->initiative)
		violation("OX %04x: R_CTL %02x without the initiative", x->ox, f->r_ctl);
	if (f->f_ctl & FC_FC_SEQ_INIT && !(f->f_ctl & FC_FC_END_SEQ))
		violation("OX %04x: initiative passed inside a sequence", x->ox);
	if (!!(f->f_ctl & FC_FC_REL_OFF) != (f->r_ctl == R_DATA))
		violation("OX %04x: R_CTL %02x with F_CTL %06x", x->ox, f->r_ctl, f->f_ctl);
	if (f->r_ctl != R_DATA && f->parm)
		violation("OX %04x: R_CTL %02x with Parameter %08x", x->ox, f->r_ctl, f->parm);
	if (x->rx != XID_NONE && f->rx != x->rx && f->rx != XID_NONE)
		violation("OX %04x: RX_ID %04x, not %04x", x->ox, f->rx, x->rx);
}

/* Takes a frame into the order of its exchange. False: a frame before it is missing. */
bool seq_check(struct xchg *x, const struct rx *f)
{
	bool first = f->sof == FC_SOF_I3, end = f->f_ctl & FC_FC_END_SEQ;

	if (first ? !first_frame(x, f) : !next_frame(x, f)) {
		stats[ST_GAP]++;
		return false;
	}
	look_at_f_ctl(x, f);
	x->in.any = true;
	x->in.open = !end;
	x->in.r_ctl = f->r_ctl;
	x->in.seq_id = f->seq_id;
	x->in.cnt = f->cnt + 1;
	if (end) {
		x->in.passed = f->f_ctl & FC_FC_SEQ_INIT;
		x->initiative = x->in.passed;
		x->streaming = false;
	}
	if (x->ours && x->rx == XID_NONE)
		x->rx = f->rx;
	return true;
}
