// SPDX-License-Identifier: BSD-2-Clause
/* N_Ports that say anything: the fabric keeps its books, and serves the next one that behaves. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static unsigned int draw(unsigned int n)
{
	return (unsigned int)rand() % n;
}

/* A request that is nearly right. */
static void make(unsigned int port, struct rig_frame *r)
{
	static const uint8_t els[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x0e, 0x20, 0x51, 0x61, 0x62 };
	static const uint16_t ct[] = { 0x0100, 0x0112, 0x0113, 0x0117, 0x0118, 0x011f, 0x0121,
				       0x0131, 0x0171, 0x0172, 0x0173, 0x01a1, 0x0212, 0x0213,
				       0x0217, 0x0218, 0x021f, 0x0239, 0x0300, 0x7777 };
	static const uint32_t to[] = { 0xfffffe, 0xfffffd, 0xfffffc, 0x010100, 0x010200, 0xffffff };
	unsigned int i, spoilt = draw(4);

	memset(r, 0, sizeof(*r));
	r->d_id = to[draw(6)];
	r->s_id = draw(8) ? rig_port[port].id : draw(0x20000);
	if (draw(2)) {
		r->r_ctl = draw(8) ? 0x22 : 0x23;
		r->type = 1;
		rig_login_payload(r->payload, els[draw(sizeof(els))], draw(6) + 1);
		r->len = draw(4) ? 116 : draw(117);
	} else {
		r->r_ctl = draw(8) ? 2 : 0x81;
		r->type = draw(8) ? 0x20 : 0;
		r->payload[0] = 1;
		r->payload[4] = 0xfc;
		r->payload[5] = 2;
		rig_put(r->payload + 8, ct[draw(20)], 2);
		rig_put(r->payload + 10, draw(8) ? 0 : draw(600), 2);
		rig_put(r->payload + 16, rig_port[port].id, 4);
		r->len = draw(4) ? 300 : draw(60);
	}
	for (i = 0; i < spoilt && r->len; i++)
		r->payload[draw((unsigned int)r->len)] = (uint8_t)rand();
	if (!draw(20))
		r->sof = (uint8_t)rand();
	if (!draw(20))
		r->eof = (uint8_t)rand();
	if (!draw(20))
		r->f_ctl = draw(0x1000000) & ~3u;
	r->ox_id = (uint16_t)draw(5);
}

static void disturb(unsigned int port)
{
	static const uint8_t bytes[WEFT_FC_UNIT_MAX + 4];

	switch (draw(4)) {
	case 0:
		rig_primitive(port, (uint8_t)draw(9), draw(4));
		break;
	case 1:
		fabric_rx(rig, port, bytes, draw(sizeof(bytes)), rig_now);
		break;
	case 2:
		rig_port[port].keep_credit = !rig_port[port].keep_credit;
		break;
	default:
		rig_wait(draw(3000) * MS);
	}
}

START_TEST(noise_breaks_nothing)
{
	const struct fabric_counters *c;
	struct rig_frame r;
	unsigned int i, port, j;
	uint32_t ids[FABRIC_NPORTS_MAX];

	srand((unsigned int)_i);
	rig_open(3, NULL);
	c = fabric_counters(rig);
	for (i = 0; i < 3000; i++) {
		port = draw(3);
		if (!fabric_port_active(rig, port)) {
			rig_port[port].n = 0;
			rig_primitive(port, WEFT_FC_PRIM_LOS, 1);
			rig_up(port);
			rig_port[port].id = 0;
		}
		if (fabric_port_ids(rig, port, ids, FABRIC_NPORTS_MAX))
			rig_port[port].id = ids[0];
		for (j = 0; j < 3; j++)
			if (rig_port[j].n > RIG_FRAMES / 2)
				rig_port[j].n = 0;
		make(port, &r);
		rig_send(port, &r);
		if (!draw(30))
			disturb(port);
	}
	ck_assert_uint_gt(c->served, 300);
	ck_assert_uint_gt(c->logins, 3);
	for (port = 0; port < 3; port++) {
		rig_port[port].mute = true;
		rig_port[port].keep_credit = false;
		rig_port[port].owed = 0;
		rig_primitive(port, WEFT_FC_PRIM_LOS, 1);
	}
	for (port = 0; port < 3; port++) {
		rig_port[port].n = rig_port[port].rrdys = 0;
		rig_join(port);
		ck_assert_uint_eq(rig_port[port].rrdys, 2);
	}
	rig_close();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fabric noise");
	TCase *t = tcase_create("noise");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, noise_breaks_nothing, 0, 8);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
