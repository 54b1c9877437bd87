// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>
#include <zlib.h>

#include "fc_unit.h"
#include "fc_wire.h"

#define HDR 24u
#define SOF_I3 0x2e
#define SOF_N3 0x36
#define EOF_N 0x41
#define EOF_T 0x42
#define END_SEQ 0x080000u
#define ROOM 90u      /* of the adapter's BB_Credit of 96 */
#define WHOLE_NS 2000 /* then a frame of full length is there */
#define MIDST_NS 550  /* then it is not */
#define LOOK_NS 100000

static uint32_t be24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static void put_be24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static void parse(const uint8_t *unit, size_t len, struct fc_wire_frame *f)
{
	const uint8_t *h = unit + 4;

	*f = (struct fc_wire_frame){ .r_ctl = h[0],
				     .d_id = be24(h + 1),
				     .s_id = be24(h + 5),
				     .type = h[8],
				     .f_ctl = be24(h + 9),
				     .seq_id = h[12],
				     .df_ctl = h[13],
				     .seq_cnt = (uint16_t)(h[14] << 8 | h[15]),
				     .ox_id = (uint16_t)(h[16] << 8 | h[17]),
				     .rx_id = (uint16_t)(h[18] << 8 | h[19]),
				     .param = (uint32_t)h[20] << 24 | be24(h + 21),
				     .payload = h + HDR,
				     .len = (uint32_t)len - HDR - 12 };
}

static size_t build(uint8_t *unit, const struct fc_wire_frame *f)
{
	uint32_t fill = -f->len & 3, crc;
	uint8_t *h = unit + 4;
	size_t n = HDR + f->len + fill;

	memset(unit, 0, n + 12);
	unit[0] = f->seq_cnt ? SOF_N3 : SOF_I3;
	h[0] = f->r_ctl;
	put_be24(h + 1, f->d_id);
	put_be24(h + 5, f->s_id);
	h[8] = f->type;
	put_be24(h + 9, f->f_ctl | fill);
	h[12] = f->seq_id;
	h[13] = f->df_ctl;
	put_be24(h + 14, (uint32_t)f->seq_cnt << 8);
	put_be24(h + 16, (uint32_t)f->ox_id << 8);
	put_be24(h + 18, (uint32_t)f->rx_id << 8);
	h[20] = (uint8_t)(f->param >> 24);
	put_be24(h + 21, f->param);
	if (f->len)
		memcpy(h + HDR, f->payload, f->len);
	crc = (uint32_t)crc32(0, h, (uInt)n);
	for (unsigned int i = 0; i < 4; i++)
		h[n + i] = (uint8_t)(crc >> 8 * i);
	h[n + 4] = f->f_ctl & END_SEQ ? EOF_T : EOF_N;
	return n + 12;
}

/* --- what leaves ------------------------------------------------------------------------------- */

static void primitive(struct fc_wire *w, unsigned int to, uint8_t code, unsigned int count)
{
	uint8_t unit[WEFT_FC_PRIM_LEN];

	fc_prim_put(unit, code, count);
	weft_world_port_send(w->side[to].port, unit, sizeof(unit));
}

static void give(struct fc_wire *w, unsigned int to, const void *unit, size_t len, bool ours)
{
	w->side[to].owes++;
	w->side[to].ours += ours;
	if (w->side[to].owes > w->side[to].most)
		w->side[to].most = w->side[to].owes;
	weft_world_port_send(w->side[to].port, unit, len);
}

bool fc_wire_send_bent(struct fc_wire *w, unsigned int to, const struct fc_wire_frame *f, int at,
		       uint8_t byte, size_t len)
{
	uint8_t unit[WEFT_FC_UNIT_MAX];
	size_t whole = build(unit, f);

	if (w->pulled || w->dark || w->side[to].owes >= ROOM)
		return false;
	unit[at < 0 ? whole - (size_t)-at : (size_t)at] = byte;
	give(w, to, unit, len ? len : whole, true);
	return true;
}

bool fc_wire_send(struct fc_wire *w, unsigned int to, const struct fc_wire_frame *f)
{
	return fc_wire_send_bent(w, to, f, 1, 0, 0);
}

void fc_wire_r_rdys(struct fc_wire *w, unsigned int to, unsigned int n)
{
	primitive(w, to, WEFT_FC_PRIM_R_RDY, n);
}

void fc_wire_release(struct fc_wire *w)
{
	for (unsigned int i = 0; i < w->n_held; i++)
		give(w, !w->held[i].from, w->held[i].unit, w->held[i].len, true);
	w->n_held = 0;
}

/* --- what comes -------------------------------------------------------------------------------- */

static void hold(struct fc_wire *w, unsigned int from, const uint8_t *unit, size_t len)
{
	primitive(w, from, WEFT_FC_PRIM_R_RDY, 1);
	if (w->n_held == FC_WIRE_HELD)
		return;
	w->held[w->n_held].from = from;
	w->held[w->n_held].len = len;
	memcpy(w->held[w->n_held++].unit, unit, len);
}

static void carry(struct fc_wire *w, unsigned int from, uint8_t *unit, size_t len)
{
	struct fc_wire_frame f;
	enum fc_wire_do what = FC_WIRE_PASS;

	parse(unit, len, &f);
	if (w->rule)
		what = w->rule(w->arg, from, &f);
	switch (what) {
	case FC_WIRE_LOSE:
		primitive(w, from, WEFT_FC_PRIM_R_RDY, 1);
		return;
	case FC_WIRE_HOLD:
		hold(w, from, unit, len);
		return;
	case FC_WIRE_DOUBLE:
		give(w, !from, unit, len, true);
		break;
	case FC_WIRE_DAMAGE:
		unit[len / 2] ^= 0x10;
		break;
	default:
		break;
	}
	give(w, !from, unit, len, false);
}

static void r_rdys(struct fc_wire *w, unsigned int from, unsigned int n)
{
	struct fc_wire_side *s = &w->side[from];

	for (; n; n--) {
		s->owes -= s->owes != 0;
		if (s->ours)
			s->ours--;
		else if (s->mute)
			s->kept++;
		else
			primitive(w, !from, WEFT_FC_PRIM_R_RDY, 1);
	}
}

/* A link reset is for both sides: all credit is back. */
static void level(struct fc_wire *w, unsigned int from, uint8_t code)
{
	w->side[from].prim = code;
	w->side[from].resets += code == WEFT_FC_PRIM_LR;
	if (code != WEFT_FC_PRIM_IDLE)
		for (unsigned int i = 0; i < 2; i++)
			w->side[i].owes = w->side[i].ours = w->side[i].kept = 0;
	primitive(w, !from, code, 1);
}

static void count(struct fc_wire *w, uint64_t now_ns)
{
	if (!w->pull_after || --w->pull_after)
		return;
	w->dark = true;
	w->pull_ns = now_ns + w->cut_ns;
}

static void on_unit(void *ctx, const void *unit, size_t len, uint64_t now_ns)
{
	struct fc_wire_side *s = ctx;
	struct fc_wire *w = s->wire;
	unsigned int from = (unsigned int)(s - w->side);
	uint8_t copy[WEFT_FC_UNIT_MAX];

	if (fc_is_primitive(unit, len)) {
		if (fc_prim_code(unit) != WEFT_FC_PRIM_R_RDY)
			level(w, from, fc_prim_code(unit));
		else if (!w->pulled)
			r_rdys(w, from, fc_prim_count(unit));
		return;
	}
	s->frames++;
	if (w->pulled || w->dark)
		return;
	memcpy(copy, unit, len);
	carry(w, from, copy, len);
	count(w, now_ns);
}

/* --- the cable --------------------------------------------------------------------------------- */

static void unplug(struct fc_wire *w, uint64_t now_ns)
{
	w->dark = false;
	w->pulled = true;
	w->pulls++;
	w->plug_ns = now_ns + w->dark_ns;
	for (unsigned int i = 0; i < 2; i++) {
		w->side[i].owes = w->side[i].ours = w->side[i].kept = 0;
		primitive(w, i, WEFT_FC_PRIM_LOS, 1); /* and then what the other side sends */
		weft_world_link_pull(w->side[i].port, true);
	}
}

static void plug(struct fc_wire *w)
{
	w->pulled = false;
	for (unsigned int i = 0; i < 2; i++)
		weft_world_link_pull(w->side[i].port, false);
}

static uint64_t on_poll(void *ctx, uint64_t now_ns)
{
	struct fc_wire *w = ((struct fc_wire_side *)ctx)->wire;
	uint64_t next = now_ns + LOOK_NS;

	if (w->dark && w->pull_ns <= now_ns)
		unplug(w, now_ns);
	if (w->pulled && w->plug_ns <= now_ns)
		plug(w);
	if (w->dark && w->pull_ns < next)
		next = w->pull_ns;
	return next;
}

void fc_wire_pull_after(struct fc_wire *w, unsigned int n, bool cut, uint64_t dark_ns)
{
	w->pull_after = n;
	w->cut_ns = cut ? MIDST_NS : WHOLE_NS;
	w->dark_ns = dark_ns;
}

void fc_wire_pull(struct fc_wire *w, uint64_t dark_ns)
{
	w->pull_after = 0;
	w->dark_ns = dark_ns;
	w->dark = true;
	w->pull_ns = 0;
}

void fc_wire_mute(struct fc_wire *w, unsigned int side)
{
	w->side[side].mute = true;
}

void fc_wire_unmute(struct fc_wire *w, unsigned int side, bool lost)
{
	struct fc_wire_side *s = &w->side[side];

	s->mute = false;
	if (s->kept && !lost)
		primitive(w, !side, WEFT_FC_PRIM_R_RDY, s->kept);
	s->kept = 0;
}

bool fc_wire_quiet(const struct fc_wire *w)
{
	return !w->pulled && !w->dark && !w->side[0].owes && !w->side[1].owes;
}

static const struct weft_peer_ops ops = { on_unit, on_poll };

int fc_wire_join(void *arg, struct weft_world *world, struct weft_world_port *a,
		 struct weft_world_port *b)
{
	struct fc_wire *w = arg;
	struct weft_link_params cable = { .delay_ns = 250 };
	struct weft_world_port *ends[2] = { a, b };
	int ret = 0;

	if (w->side[0].wire)
		return weft_world_link(a, b, &cable, &cable, 0);
	for (unsigned int i = 0; i < 2 && !ret; i++) {
		w->side[i].wire = w;
		w->side[i].prim = WEFT_FC_PRIM_LOS;
		ret = weft_world_add_fc_peer(world, &ops, &w->side[i], &w->side[i].port);
		if (!ret)
			ret = weft_world_link(ends[i], w->side[i].port, &cable, &cable, 0);
	}
	return ret;
}
