// SPDX-License-Identifier: BSD-2-Clause
#include "rig.h"

#include <check.h>
#include <string.h>
#include <zlib.h>

struct fabric *rig;
struct rig_port rig_port[RIG_PORTS];
uint64_t rig_now;

static bool moved;

uint32_t rig_get(const uint8_t *at, unsigned int bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | *at++;
	return v;
}

void rig_put(uint8_t *at, uint64_t value, unsigned int bytes)
{
	while (bytes--)
		*at++ = (uint8_t)(value >> 8 * bytes);
}

/* --- what comes ------------------------------------------------------------------------------- */

static void keep_frame(struct rig_port *p, const uint8_t *unit, size_t len)
{
	const uint8_t *h = unit + 4;
	struct rig_frame *r = &p->rx[p->n];

	ck_assert_uint_lt(p->n, RIG_FRAMES);
	ck_assert_uint_eq(unit[len - 8] | unit[len - 7] << 8 | unit[len - 6] << 16 |
				  (uint32_t)unit[len - 5] << 24,
			  crc32(0, h, (uInt)len - 12));
	r->sof = unit[0];
	r->eof = unit[len - 4];
	r->r_ctl = h[0];
	r->d_id = rig_get(h + 1, 3);
	r->s_id = rig_get(h + 5, 3);
	r->type = h[8];
	r->f_ctl = rig_get(h + 9, 3);
	r->seq_id = h[12];
	r->seq_cnt = (uint16_t)rig_get(h + 14, 2);
	r->ox_id = (uint16_t)rig_get(h + 16, 2);
	r->rx_id = (uint16_t)rig_get(h + 18, 2);
	r->len = len - 36 - (r->f_ctl & 3);
	memcpy(r->payload, h + 24, r->len);
	p->n++;
	p->owed++;
}

static void on_send(void *ctx, unsigned int port, const void *unit, size_t len)
{
	struct rig_port *p = &rig_port[port];

	(void)ctx;
	moved = true;
	if (len != WEFT_FC_PRIM_LEN) {
		keep_frame(p, unit, len);
	} else if (fc_prim_code(unit) == WEFT_FC_PRIM_R_RDY) {
		p->rrdys += fc_prim_count(unit);
	} else {
		p->prim = fc_prim_code(unit);
		if (p->n_history < sizeof(p->history))
			p->history[p->n_history++] = p->prim;
	}
}

/* --- what goes -------------------------------------------------------------------------------- */

void rig_primitive(unsigned int port, uint8_t code, unsigned int count)
{
	uint8_t unit[WEFT_FC_PRIM_LEN];

	fc_prim_put(unit, code, count);
	fabric_rx(rig, port, unit, sizeof(unit), rig_now);
}

/* What an N_Port sends when these come. */
static void answer(unsigned int port)
{
	static const uint8_t to[] = {
		[WEFT_FC_PRIM_IDLE] = WEFT_FC_PRIM_IDLE, [WEFT_FC_PRIM_NOS] = WEFT_FC_PRIM_OLS,
		[WEFT_FC_PRIM_OLS] = WEFT_FC_PRIM_LR,    [WEFT_FC_PRIM_LR] = WEFT_FC_PRIM_LRR,
		[WEFT_FC_PRIM_LRR] = WEFT_FC_PRIM_IDLE,
	};
	struct rig_port *p = &rig_port[port];

	if (p->mute)
		return;
	if (p->sent != to[p->prim]) {
		p->sent = to[p->prim];
		rig_primitive(port, p->sent, 1);
	}
	if (p->owed && !p->keep_credit) {
		rig_primitive(port, WEFT_FC_PRIM_R_RDY, p->owed);
		p->owed = 0;
	}
}

void rig_run(void)
{
	unsigned int i;

	do {
		moved = false;
		for (i = 0; i < RIG_PORTS; i++)
			answer(i);
		fabric_poll(rig, rig_now);
	} while (moved);
}

void rig_wait(uint64_t ns)
{
	uint64_t end = rig_now + ns, next;

	rig_run();
	while ((next = fabric_poll(rig, rig_now)) < end) {
		rig_now = next > rig_now ? next : rig_now + 1;
		rig_run();
	}
	rig_now = end;
	rig_run();
}

void rig_open(unsigned int n, const struct fabric_params *params)
{
	struct fabric_params p = { 0 };
	unsigned int i;

	if (params)
		p = *params;
	p.n = n;
	rig_now = 1;
	memset(rig_port, 0, sizeof(rig_port));
	for (i = 0; i < RIG_PORTS; i++) {
		rig_port[i].mute = true;
		rig_port[i].wwpn = 0x2000000000000001ull + i;
	}
	ck_assert_int_eq(fabric_create(&p, on_send, NULL, &rig), 0);
}

void rig_close(void)
{
	fabric_destroy(rig);
	rig = NULL;
}

void rig_up(unsigned int port)
{
	rig_port[port].mute = false;
	rig_port[port].sent = WEFT_FC_PRIM_OLS;
	rig_primitive(port, WEFT_FC_PRIM_OLS, 1);
	rig_run();
	ck_assert(fabric_port_active(rig, port));
}

size_t rig_bytes(const struct rig_frame *r, uint8_t *unit)
{
	size_t fill = -r->len & 3, len = 36 + r->len + fill;
	uint32_t crc;

	memset(unit, 0, len);
	unit[0] = r->sof ? r->sof : 0x2e;
	unit[4] = r->r_ctl;
	rig_put(unit + 5, r->d_id, 3);
	rig_put(unit + 9, r->s_id, 3);
	unit[12] = r->type;
	rig_put(unit + 13, (r->f_ctl ? r->f_ctl : 0x290000) | fill, 3);
	unit[16] = r->seq_id;
	rig_put(unit + 18, r->seq_cnt, 2);
	rig_put(unit + 20, r->ox_id, 2);
	rig_put(unit + 22, r->rx_id ? r->rx_id : 0xffff, 2);
	memcpy(unit + 28, r->payload, r->len);
	crc = (uint32_t)crc32(0, unit + 4, (uInt)len - 12);
	unit[len - 8] = (uint8_t)crc;
	unit[len - 7] = (uint8_t)(crc >> 8);
	unit[len - 6] = (uint8_t)(crc >> 16);
	unit[len - 5] = (uint8_t)(crc >> 24);
	unit[len - 4] = r->eof ? r->eof : 0x42;
	return len;
}

void rig_send(unsigned int port, const struct rig_frame *frame)
{
	uint8_t unit[WEFT_FC_UNIT_MAX];

	fabric_rx(rig, port, unit, rig_bytes(frame, unit), rig_now);
	rig_run();
}

const struct rig_frame *rig_last(unsigned int port)
{
	ck_assert_uint_ne(rig_port[port].n, 0);
	return &rig_port[port].rx[rig_port[port].n - 1];
}

/* --- services --------------------------------------------------------------------------------- */

const struct rig_frame *rig_els(unsigned int port, uint32_t to, const uint8_t *payload, size_t len)
{
	struct rig_port *p = &rig_port[port];
	struct rig_frame r = { .r_ctl = 0x22, .type = 1, .d_id = to, .s_id = p->id, .len = len };
	const struct rig_frame *a;
	unsigned int i, n = p->n;

	r.ox_id = p->next_ox++;
	memcpy(r.payload, payload, len);
	rig_send(port, &r);
	for (i = n; i < p->n; i++) {
		a = &p->rx[i];
		if (a->r_ctl == 0x23 && a->ox_id == r.ox_id && a->s_id == to) {
			ck_assert_uint_eq(a->type, 1);
			ck_assert_uint_eq(a->f_ctl & ~3u, 0x990000);
			ck_assert_uint_eq(a->sof, 0x2e);
			ck_assert_uint_eq(a->eof, 0x42);
			return a;
		}
	}
	ck_abort_msg("no answer");
	return NULL;
}

void rig_login_payload(uint8_t payload[116], uint8_t command, uint64_t wwpn)
{
	memset(payload, 0, 116);
	payload[0] = command;
	rig_put(payload + 4, 0x2020, 2);
	rig_put(payload + 6, 8, 2);
	rig_put(payload + 10, 2112, 2);
	rig_put(payload + 20, wwpn, 8);
	rig_put(payload + 28, wwpn ^ 0x3000000000000000ull, 8);
	rig_put(payload + 68, 0x8800, 2);
	rig_put(payload + 74, 2112, 2);
}

uint32_t rig_login(unsigned int port)
{
	struct rig_port *p = &rig_port[port];
	const struct rig_frame *a;
	uint8_t flogi[116];

	rig_login_payload(flogi, 0x04, p->wwpn);
	p->id = 0;
	a = rig_els(port, 0xfffffe, flogi, sizeof(flogi));
	ck_assert_uint_eq(a->payload[0], 2);
	p->id = a->d_id;
	return p->id;
}

void rig_join(unsigned int port)
{
	uint8_t plogi[116];

	rig_up(port);
	rig_login(port);
	rig_login_payload(plogi, 0x03, rig_port[port].wwpn);
	ck_assert_uint_eq(rig_els(port, 0xfffffc, plogi, sizeof(plogi))->payload[0], 2);
}

const struct rig_frame *rig_ct(unsigned int port, unsigned int command, const uint8_t *req,
			       size_t len)
{
	struct rig_port *p = &rig_port[port];
	struct rig_frame r = {
		.r_ctl = 0x02, .type = 0x20, .d_id = 0xfffffc, .s_id = p->id, .len = 16 + len
	};
	const struct rig_frame *a;
	unsigned int n = p->n;

	r.ox_id = p->next_ox++;
	r.payload[0] = 1;
	r.payload[4] = 0xfc;
	r.payload[5] = 2;
	rig_put(r.payload + 8, command, 2);
	memcpy(r.payload + 16, req, len);
	rig_send(port, &r);
	ck_assert_uint_gt(p->n, n);
	a = &p->rx[n];
	ck_assert_uint_eq(a->r_ctl, 0x03);
	ck_assert_uint_eq(a->type, 0x20);
	ck_assert_uint_eq(a->ox_id, r.ox_id);
	ck_assert_uint_eq(a->s_id, 0xfffffc);
	ck_assert_uint_eq(rig_get(a->payload, 4), 0x01000000);
	ck_assert_uint_eq(rig_get(a->payload + 4, 2), 0xfc02);
	return a;
}
