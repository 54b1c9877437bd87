/* SPDX-License-Identifier: BSD-2-Clause */
/* What left and what completed, looked at one by one; what the other side sends. */
#include "fcn_helper.h"

#include <string.h>

#define SEEN_MAX 1024u

static uint32_t taken[WEFT_N_QP]; /* completions looked at */
static struct seen frames[SEEN_MAX];
static uint32_t n_frames, at_frame;

static void out(void *arg, const struct fake_fc_frame *f)
{
	struct seen *s = &frames[n_frames];

	(void)arg;
	ck_assert_uint_lt(n_frames++, SEEN_MAX);
	s->sof = f->sof;
	s->eof = f->eof;
	fc_hdr_get(f->bytes, &s->h);
	s->len = f->len - 24 - (s->h.f_ctl & 3);
	s->h.f_ctl &= ~3u;
	memcpy(s->payload, f->bytes + 24, f->len - 24);
}

void wire_reset(void)
{
	memset(taken, 0, sizeof(taken));
	n_frames = at_frame = 0;
	fake_fc_set_out(out, NULL);
}

/* --- completions -------------------------------------------------------------------------------------------- */

static const struct hal_cpl *peek_cpl(uint16_t qp)
{
	uint32_t n = taken[qp];

	for (uint32_t i = 0; i < fake_cpl_count; i++)
		if (fake_cpl[i].qp == qp && fake_cpl[i].type != WEFT_CQT_ADMIN && !n--)
			return &fake_cpl[i];
	return NULL;
}

struct hal_cpl next_cpl(uint16_t qp)
{
	const struct hal_cpl *c = peek_cpl(qp);

	ck_assert_msg(c, "pair %u has no completion", qp);
	taken[qp]++;
	return *c;
}

void no_cpl(uint16_t qp)
{
	const struct hal_cpl *c = peek_cpl(qp);

	ck_assert_msg(!c, "completion of type %u, cid %u, status %u", c ? c->type : 0,
		      c ? c->cid : 0, c ? c->status : 0);
}

struct hal_cpl expect_cpl(uint16_t qp, uint16_t cid, uint16_t status, uint32_t len)
{
	struct hal_cpl c = next_cpl(qp);

	ck_assert_uint_eq(c.type, WEFT_CQT_COMMAND);
	ck_assert_uint_eq(c.cid, cid);
	ck_assert_uint_eq(c.status, status);
	ck_assert_uint_eq(c.data_len, len);
	return c;
}

void expect_event(uint16_t qp, uint32_t code, uint32_t dw1, uint32_t dw2)
{
	struct hal_cpl c = next_cpl(qp);

	ck_assert_uint_eq(c.type, WEFT_CQT_EVENT);
	ck_assert_uint_eq(c.dw[0], code);
	ck_assert_uint_eq(c.dw[1], dw1);
	ck_assert_uint_eq(c.dw[2], dw2);
}

/* --- frames --------------------------------------------------------------------------------------------------- */

struct seen next_frame(void)
{
	ck_assert_msg(at_frame < n_frames, "no frame left");
	return frames[at_frame++];
}

struct seen expect_frame(uint8_t r_ctl, uint32_t f_ctl, uint32_t len)
{
	struct seen f = next_frame();

	ck_assert_msg(f.h.r_ctl == r_ctl, "R_CTL %02x, not %02x", f.h.r_ctl, r_ctl);
	ck_assert_uint_eq(f.h.f_ctl, f_ctl);
	ck_assert_uint_eq(f.len, len);
	ck_assert_uint_eq(f.h.s_id, OWN_ID);
	ck_assert_uint_eq(f.h.cs_ctl, 0);
	ck_assert_uint_eq(f.h.df_ctl, 0);
	return f;
}

void no_frame(void)
{
	ck_assert_msg(at_frame == n_frames, "a frame of R_CTL %02x", frames[at_frame].h.r_ctl);
}

struct fc_hdr to_us(uint8_t r_ctl, uint32_t f_ctl, uint32_t ids)
{
	return (struct fc_hdr){
		.r_ctl = r_ctl,
		.type = r_ctl >= 0x80 ? 0 :
			r_ctl >= 0x30 ? 0x28 :
					0x08,
		.d_id = OWN_ID,
		.s_id = PEER_ID,
		.f_ctl = f_ctl,
		.ox_id = (uint16_t)(ids >> 16),
		.rx_id = (uint16_t)ids,
	};
}

void send_part(const struct fc_hdr *h, const void *payload, uint32_t len, bool first, bool last)
{
	struct fake_fc_frame f = { .sof = first ? FAKE_SOF_I3 : FAKE_SOF_N3,
				   .eof = last ? FAKE_EOF_T : FAKE_EOF_N,
				   .len = 24 + ((len + 3) & ~3u) };
	struct fc_hdr w = *h;

	w.f_ctl |= -len & 3;
	fc_hdr_put(f.bytes, &w);
	if (len)
		memcpy(f.bytes + 24, payload, len);
	fake_fc_rx(&f);
}

void send_frame(const struct fc_hdr *h, const void *payload, uint32_t len)
{
	send_part(h, payload, len, true, true);
	run();
}

void send_data(uint32_t f_ctl, uint32_t ids, uint32_t off, uint32_t len)
{
	struct fc_hdr h = to_us(0x01, f_ctl, ids);
	uint8_t b[PEER_MAX];

	h.param = off;
	for (uint32_t at = 0; at < len; at += PEER_MAX) {
		uint32_t n = len - at < PEER_MAX ? len - at : PEER_MAX;
		bool last = at + n == len;

		h.f_ctl = last ? f_ctl : f_ctl & ~0x190000u;
		h.param = off + at;
		for (uint32_t i = 0; i < n; i++)
			b[i] = pattern(off + at + i) ^ 0xff;
		send_part(&h, b, n, !at, last);
		h.seq_cnt++;
	}
	run();
}

void expect_data(uint32_t f_ctl, uint32_t ids, uint32_t off, uint32_t len, uint16_t seq_cnt)
{
	for (uint32_t at = 0; at < len; at += PEER_MAX, seq_cnt++) {
		uint32_t n = len - at < PEER_MAX ? len - at : PEER_MAX;
		bool last = at + n == len;
		struct seen f = expect_frame(0x01, last ? f_ctl : f_ctl & ~0x190000u, n);

		ck_assert_uint_eq(f.sof, at ? FAKE_SOF_N3 : FAKE_SOF_I3);
		ck_assert_uint_eq(f.eof, last ? FAKE_EOF_T : FAKE_EOF_N);
		ck_assert_uint_eq((uint32_t)f.h.ox_id << 16 | f.h.rx_id, ids);
		ck_assert_uint_eq(f.h.param, off + at);
		ck_assert_uint_eq(f.h.seq_cnt, seq_cnt);
		for (uint32_t i = 0; i < n; i++)
			ck_assert_uint_eq(f.payload[i], pattern(off + at + i));
	}
}

void expect_memory(uint32_t addr, uint32_t off, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		ck_assert_msg((fake_host[addr + i] ^ pattern(off + i)) == 0xff, "byte %u", i);
}

uint16_t ox_id_of(uint16_t qp, uint16_t cid)
{
	uint16_t slot = slot_of(qp, cid);

	return (uint16_t)fcn_xid(slot, &fcn_xs[slot]);
}

void send_rsp(uint32_t ids, uint32_t len)
{
	struct fc_hdr h = to_us(len == 32 ? 0x08 : 0x07, 0x990000, ids);
	uint8_t b[32] = { 0 };

	for (uint32_t i = 0; len == 32 && i < 32; i++)
		b[i] = (uint8_t)(0xc0 + i);
	send_frame(&h, b, len);
}

void send_rdy(uint32_t ids, uint32_t off, uint32_t burst)
{
	struct fc_hdr h = to_us(0x05, 0x890000, ids);
	uint8_t b[12] = { 0 };

	put_be32(b, off);
	put_be32(b + 4, burst);
	send_frame(&h, b, 12);
}

void send_cmnd_quiet(uint16_t ox_id)
{
	struct fc_hdr h = to_us(0x06, 0x290000, (uint32_t)ox_id << 16 | 0xffff);
	uint8_t b[96];

	for (uint32_t i = 0; i < 96; i++)
		b[i] = (uint8_t)(ox_id + i);
	send_part(&h, b, 96, true, true);
}

uint32_t send_cmnd(uint16_t ox_id)
{
	struct hal_cpl c;
	const uint8_t *m;

	send_cmnd_quiet(ox_id);
	run();
	c = next_cpl(TGT_QP);
	m = fake_host + CMD_AREA + TGT_QP * 0x400 + c.cid * 128u;
	ck_assert_uint_eq(c.type, WEFT_CQT_CAPSULE);
	ck_assert_uint_eq(c.data_len, 96);
	ck_assert_uint_eq(c.dw[0], PEER);
	ck_assert_uint_eq(c.dw[1], PEER_ID);
	ck_assert_uint_eq(c.dw[2] & 0xffff, ox_id);
	ck_assert_uint_eq(get_le16(m), 120);
	ck_assert_uint_eq(m[2], FAKE_SOF_I3);
	ck_assert_uint_eq(m[8], 0x06);
	for (uint32_t i = 0; i < 96; i++)
		ck_assert_uint_eq(m[32 + i], (uint8_t)(ox_id + i));
	ck_assert_uint_eq(c.dw[2] >> 16 & FCN_SLOT_MASK, slot_of(TGT_QP, c.cid));
	return (uint32_t)ox_id << 16 | c.dw[2] >> 16;
}

void send_bls(uint8_t r_ctl, bool from_responder, uint32_t ids)
{
	struct fc_hdr h = to_us(r_ctl, 0x090000 | (from_responder ? 0x800000 : 0), ids);
	uint8_t b[12] = { 0 };

	h.seq_id = 0x77;
	send_frame(&h, b, r_ctl == 0x81 ? 0 : r_ctl == 0x84 ? 12 : 4);
}

uint32_t io_ids(uint16_t cid, uint16_t rx_id)
{
	return (uint32_t)ox_id_of(HOST_QP, cid) << 16 | rx_id;
}

void expect_answer(uint16_t cid, uint32_t data_len, uint32_t rsp_len, uint32_t x)
{
	struct hal_cpl c = expect_cpl(HOST_QP, cid, 0, data_len);

	ck_assert_uint_eq(c.dw[0], rsp_len);
	ck_assert_uint_eq(c.dw[1], x >> 16 | x << 16);
}

uint16_t tgt_cid(uint32_t x)
{
	return (uint16_t)((x & FCN_SLOT_MASK) - slot_of(TGT_QP, 0));
}

void expect_abts(uint32_t x, bool by_responder)
{
	struct seen f = expect_frame(0x81, by_responder ? 0x890000 : 0x090000, 0);

	ck_assert_uint_eq(f.h.type, 0);
	ck_assert_uint_eq(f.h.d_id, PEER_ID);
	ck_assert_uint_eq((uint32_t)f.h.ox_id << 16 | f.h.rx_id, x);
	ck_assert_uint_eq(f.h.param, 0);
}

void expect_done(uint16_t admin_cid)
{
	struct hal_cpl c;

	ck_assert(admin_result(admin_cid, &c));
	ck_assert_uint_eq(c.status, 0);
}
