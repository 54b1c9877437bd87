/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive side of the native model's Fibre Channel port. */
#include <stdlib.h>
#include <string.h>

#include "hal_fake_fc.h"
#include "hal_fake_int.h"

#define TYPE_FCP 0x08u
#define TYPE_NVME 0x28u
#define R_DATA 0x01u
#define F_EX_CTX 0x800000u
#define F_END_SEQ 0x080000u
#define F_REL_OFF 0x000008u
#define EV_MATCHED 1u
#define EV_BROKE 2u

static struct eng_fcx contexts[WEFT_N_SLOTS];
static struct fake_fc_frame bufs[ENG_N_FCBUF];
static bool used[ENG_N_FCBUF];
static uint32_t n_used;
static uint16_t stops[512];
static uint32_t n_stops;

void fake_fcrx_reset(void)
{
	memset(contexts, 0, sizeof(contexts));
	memset(used, 0, sizeof(used));
	n_used = n_stops = 0;
}

/* --- buffers ----------------------------------------------------------------------------------------- */

uint32_t fake_fc_bufs_used(void)
{
	return n_used;
}

uint32_t hal_fc_bufs_free(void)
{
	return ENG_N_FCBUF - n_used;
}

static void check_buf(uint8_t buf)
{
	if (buf >= ENG_N_FCBUF || !used[buf])
		abort();
}

void hal_fc_buf_free(uint8_t buf)
{
	check_buf(buf);
	used[buf] = false;
	n_used--;
}

/* The buffer as the core sees it. */
static void image(uint8_t buf, uint8_t dst[ENG_FCBUF_SIZE])
{
	const struct fake_fc_frame *f = &bufs[buf];
	const uint16_t len = (uint16_t)f->len;

	memset(dst, 0xee, ENG_FCBUF_SIZE);
	memset(dst, 0, 8);
	memcpy(dst, &len, sizeof(len));
	dst[2] = f->sof;
	dst[3] = f->eof;
	memcpy(dst + 8, f->bytes, f->len < ENG_FCBUF_SIZE - 8 ? f->len : ENG_FCBUF_SIZE - 8);
}

void hal_fc_buf_copy(uint8_t buf, uint32_t off, void *dst, uint32_t len)
{
	uint8_t b[ENG_FCBUF_SIZE];

	check_buf(buf);
	if ((off | len) & 3 || off > sizeof(b) || len > sizeof(b) - off)
		abort();
	image(buf, b);
	memcpy(dst, b + off, len);
}

static bool host_write(uint64_t iova, const uint8_t *src, uint32_t len)
{
	if (iova > FAKE_HOST_SIZE || len > FAKE_HOST_SIZE - iova)
		return false;
	memcpy(fake_host + iova, src, len);
	return true;
}

void hal_fc_buf_place(uint8_t buf, uint16_t off, uint16_t len, uint64_t iova, uint16_t slot,
		      bool free)
{
	uint8_t b[ENG_FCBUF_SIZE];

	check_buf(buf);
	if (!len || off > sizeof(b) || len > sizeof(b) - off)
		abort();
	image(buf, b);
	if (!host_write(iova, b + off, len) && slot < WEFT_N_SLOTS)
		fake_slot_sticky[slot] |= WEFT_CQF_DMA_ERR;
	if (free)
		hal_fc_buf_free(buf);
}

/* --- contexts ------------------------------------------------------------------------------------------ */

void fake_fcx(uint16_t slot, struct eng_fcx *ctx)
{
	*ctx = contexts[slot];
}

void hal_fcx_set(uint16_t slot, const struct eng_fcx *ctx)
{
	if (slot >= WEFT_N_SLOTS || (contexts[slot].flags & ENG_FCX_ARMED))
		abort(); /* the engine's */
	for (uint32_t i = 0; i < n_stops; i++)
		if (stops[i] == slot)
			abort(); /* a stop is under way */
	contexts[slot] = *ctx;
}

uint32_t hal_fcx_word(uint16_t slot, uint32_t word)
{
	uint32_t w;

	if (slot >= WEFT_N_SLOTS || word > 7)
		abort();
	memcpy(&w, (const uint8_t *)&contexts[slot] + 4 * word, 4);
	return w;
}

void hal_fcx_stop(uint16_t slot)
{
	if (slot >= WEFT_N_SLOTS || n_stops == sizeof(stops) / sizeof(stops[0]))
		abort();
	contexts[slot].flags &= (uint8_t) ~(ENG_FCX_MATCH | ENG_FCX_ARMED);
	stops[n_stops++] = slot;
	if (!fake_fc_opt.hold_stopped)
		fake_fc_stopped();
}

void fake_fc_stopped(void)
{
	for (uint32_t i = 0; i < n_stops; i++)
		fake_event(ENG_EVT_FC_STOPPED, 0, stops[i], 0, 0);
	n_stops = 0;
}

/* --- received frames --------------------------------------------------------------------------------------- */

struct desc {
	uint32_t r_ctl, s_id, d_id, type, f_ctl, seq_id, df_ctl, seq_cnt, ox_id, rx_id, param;
	uint32_t len; /* of the payload */
	bool first, last;
};

static uint32_t be(const uint8_t *p, uint32_t n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static bool parse(const struct fake_fc_frame *f, struct desc *d)
{
	const uint8_t *h = f->bytes;

	if (f->len < 24 || f->len > 24 + ENG_FC_DATA_MAX || (f->len & 3) ||
	    (f->sof != FAKE_SOF_I3 && f->sof != FAKE_SOF_N3) ||
	    (f->eof != FAKE_EOF_T && f->eof != FAKE_EOF_N))
		return false;
	*d = (struct desc){ h[0],
			    be(h + 5, 3),
			    be(h + 1, 3),
			    h[8],
			    be(h + 9, 3),
			    h[12],
			    h[13],
			    be(h + 14, 2),
			    be(h + 16, 2),
			    be(h + 18, 2),
			    be(h + 20, 4),
			    f->len - 24,
			    f->sof == FAKE_SOF_I3,
			    f->eof == FAKE_EOF_T };
	if ((d->f_ctl & 3) && (!(d->f_ctl & F_END_SEQ) || (d->f_ctl & 3) > d->len))
		return false;
	d->len -= d->f_ctl & 3;
	return true;
}

static struct eng_fcx *match(const struct desc *d, uint16_t *slot)
{
	bool ours_ox = d->f_ctl & F_EX_CTX;
	uint32_t own = ours_ox ? d->ox_id : d->rx_id, peer = ours_ox ? d->rx_id : d->ox_id;
	struct eng_fcx *c = &contexts[own % WEFT_N_SLOTS];

	*slot = (uint16_t)(own % WEFT_N_SLOTS);
	if (!(c->flags & ENG_FCX_MATCH) || !!(c->flags & ENG_FCX_RESPONDER) == ours_ox ||
	    c->xid != own || (c->s_id & 0xffffff) != d->s_id ||
	    ((c->flags & ENG_FCX_PEER) && peer != c->peer_xid && peer != 0xffff))
		return NULL;
	return c;
}

static bool in_order(const struct eng_fcx *c, const struct desc *d)
{
	bool open = c->flags & ENG_FCX_OPEN;

	if (d->df_ctl || !(d->f_ctl & F_REL_OFF) || d->param != c->next || !d->len ||
	    d->len > c->end - c->next || d->last != !!(d->f_ctl & F_END_SEQ) ||
	    (!d->last && (d->len & 3)))
		return false;
	if (d->first)
		return !open && (d->seq_cnt == c->seq_cnt || !d->seq_cnt);
	return open && d->seq_id == c->seq_id && d->seq_cnt == c->seq_cnt;
}

static void place(struct eng_fcx *c, uint16_t slot, const struct desc *d, const uint8_t *bytes)
{
	if (!fake_sgl(slot, c->next - c->base, d->len, NULL, bytes)) {
		c->flags |= ENG_FCX_DMA_ERR;
		fake_slot_sticky[slot] |= WEFT_CQF_DMA_ERR;
	}
	fake_fc_cnt.rx_placed++;
	if (!(c->flags & ENG_FCX_PEER)) {
		uint32_t peer = d->f_ctl & F_EX_CTX ? d->rx_id : d->ox_id;

		if (peer != 0xffff) {
			c->peer_xid = (uint16_t)peer;
			c->flags |= ENG_FCX_PEER;
		}
	}
	c->next += d->len;
	c->seq_cnt = (uint16_t)(d->seq_cnt + 1);
	c->seq_id = (uint8_t)d->seq_id;
	c->flags = (uint8_t)(d->last ? c->flags & ~ENG_FCX_OPEN : c->flags | ENG_FCX_OPEN);
	if (d->last && c->next == c->end && (c->flags & ENG_FCX_EVENT)) {
		c->flags &= (uint8_t)~ENG_FCX_ARMED;
		fake_event(ENG_EVT_FC_PLACED, c->flags & ENG_FCX_DMA_ERR ? 2 : 0, slot,
			   c->next - c->base, 0);
	}
}

static void to_firmware(const struct fake_fc_frame *f, uint8_t flags, uint16_t slot, uint32_t w1,
			uint32_t w2)
{
	uint8_t buf = 0;

	if (n_used + fake_fc_opt.bufs_hidden >= ENG_N_FCBUF || fake_events() > 400) {
		fake_fc_cnt.drop_nobuf++;
		return;
	}
	while (used[buf])
		buf++;
	used[buf] = true;
	n_used++;
	bufs[buf] = *f;
	fake_fc_cnt.rx_to_fw++;
	fake_event(ENG_EVT_FC_FRAME, flags, slot, w1 | buf, w2);
}

void fake_fc_rx(const struct fake_fc_frame *f)
{
	uint8_t flags = 0;
	uint16_t slot;
	struct eng_fcx *c;
	struct desc d;

	if (!f->sof) {
		to_firmware(f, 16, ENG_NO_SLOT, f->len << 16, 0);
		return;
	}
	if (!parse(f, &d)) {
		fake_fc_cnt.drop_form++;
		return;
	}
	if ((d.type == TYPE_FCP || d.type == TYPE_NVME) && d.d_id != fake_fc_id) {
		fake_fc_cnt.drop_notus++;
		return;
	}
	c = d.type == TYPE_FCP || d.type == TYPE_NVME || !d.type ? match(&d, &slot) : NULL;
	if (c && (c->flags & ENG_FCX_ARMED) && d.r_ctl == R_DATA && d.type == TYPE_FCP) {
		if (in_order(c, &d)) {
			place(c, slot, &d, f->bytes + 24);
			return;
		}
		c->flags &= (uint8_t)~ENG_FCX_ARMED;
		fake_fc_cnt.rx_trap++;
		flags |= EV_BROKE;
	}
	flags = (uint8_t)(flags | (c ? EV_MATCHED : 0) | (d.first ? 4 : 0) | (d.last ? 8 : 0));
	to_firmware(f, flags, c ? slot : ENG_NO_SLOT, d.r_ctl << 8 | d.len << 16,
		    d.type << 24 | d.f_ctl);
}
