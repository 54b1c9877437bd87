// SPDX-License-Identifier: BSD-2-Clause
/* A fabric as a peer of a world: on cables, with light, pulled and joined again, the same each time. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "fc_unit.h"
#include "weft_world.h"

/* An N_Port that brings its link up and logs in. */
struct nport {
	struct weft_world_port *port;
	uint8_t prim;
	uint64_t wwpn;
	uint32_t id;
	uint64_t at_ns;
	unsigned int frames;
};

static struct weft_world *world;
static struct weft_world_port *ports[3];
static struct nport nport[2];

static void primitive(struct nport *n, uint8_t code)
{
	uint8_t unit[WEFT_FC_PRIM_LEN];

	fc_prim_put(unit, code, 1);
	weft_world_port_send(n->port, unit, sizeof(unit));
}

static void flogi(struct nport *n)
{
	uint8_t u[36 + 116] = { 0x2e, 0, 0, 0, 0x22, 0xff, 0xff, 0xfe, 0, 0, 0, 0, 1, 0x29 };
	uint8_t *p = u + 28;
	uint32_t crc;

	u[20] = u[21] = 0x12;
	u[22] = u[23] = 0xff;
	p[0] = 4;
	p[7] = 8;                   /* credit */
	p[10] = 0x08, p[11] = 0x40; /* 2112 */
	memcpy(p + 20, &n->wwpn, 8);
	p[68] = 0x88;
	p[74] = 0x08, p[75] = 0x40;
	crc = (uint32_t)crc32(0, u + 4, sizeof(u) - 12);
	memcpy(u + sizeof(u) - 8, &crc, 4);
	u[sizeof(u) - 4] = 0x42;
	weft_world_port_send(n->port, u, sizeof(u));
}

static void on_unit(void *ctx, const void *unit, size_t len, uint64_t now_ns)
{
	static const uint8_t answers[] = { WEFT_FC_PRIM_IDLE, WEFT_FC_PRIM_OLS, WEFT_FC_PRIM_LR,
					   WEFT_FC_PRIM_LRR, WEFT_FC_PRIM_IDLE };
	const uint8_t *b = unit;
	struct nport *n = ctx;
	bool up;

	n->at_ns = now_ns;
	if (len != WEFT_FC_PRIM_LEN) {
		n->frames++;
		n->id = (uint32_t)b[5] << 16 | (uint32_t)b[6] << 8 | b[7];
		primitive(n, WEFT_FC_PRIM_R_RDY);
	} else if (fc_prim_code(unit) == WEFT_FC_PRIM_LOS) {
		n->prim = WEFT_FC_PRIM_LOS;
		n->id = 0;
	} else if (fc_prim_code(unit) <= WEFT_FC_PRIM_LRR) {
		up = fc_prim_code(unit) == WEFT_FC_PRIM_IDLE && n->prim == WEFT_FC_PRIM_LRR;
		n->prim = answers[fc_prim_code(unit)];
		primitive(n, n->prim);
		if (up)
			flogi(n);
	}
}

static uint64_t on_poll(void *ctx, uint64_t now_ns)
{
	(void)ctx;
	(void)now_ns;
	return UINT64_MAX;
}

static void setup(void)
{
	static const struct weft_peer_ops ops = { on_unit, on_poll };
	struct weft_link_params cable = { .delay_ns = 500 };
	unsigned int i;

	memset(nport, 0, sizeof(nport));
	ck_assert_int_eq(weft_world_create(&world), 0);
	ck_assert_int_eq(weft_world_add_fabric(world, 3, ports), 0);
	for (i = 0; i < 2; i++) {
		nport[i].wwpn = 0x55 + i;
		ck_assert_int_eq(weft_world_add_fc_peer(world, &ops, &nport[i], &nport[i].port), 0);
		ck_assert_int_eq(weft_world_link(nport[i].port, ports[i], &cable, &cable, 0), 0);
		primitive(&nport[i], WEFT_FC_PRIM_OLS);
	}
}

static void teardown(void)
{
	weft_world_destroy(world);
}

START_TEST(ports_come_up_and_log_in)
{
	struct fabric *f = weft_world_fabric(ports[0]);

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_null(weft_world_fabric(nport[0].port));
	weft_world_run(world, 1000000);
	ck_assert(fabric_port_active(f, 0) && fabric_port_active(f, 1));
	ck_assert(!fabric_port_active(f, 2));
	ck_assert_uint_eq(nport[0].id, 0x010100);
	ck_assert_uint_eq(nport[1].id, 0x010200);
}
END_TEST

START_TEST(a_pulled_cable_ends_the_login)
{
	struct fabric *f = weft_world_fabric(ports[0]);
	uint32_t id;

	weft_world_run(world, 1000000);
	ck_assert_int_eq(weft_world_link_pull(ports[0], true), 0);
	weft_world_run(world, 1000000);
	ck_assert(!fabric_port_active(f, 0));
	ck_assert_uint_eq(nport[0].prim, WEFT_FC_PRIM_LOS);
	ck_assert_uint_eq(fabric_port_ids(f, 0, &id, 1), 0);
	ck_assert_uint_eq(fabric_port_ids(f, 1, &id, 1), 1);
	ck_assert_int_eq(weft_world_link_pull(ports[0], false), 0);
	weft_world_run(world, 1000000);
	ck_assert(fabric_port_active(f, 0));
	ck_assert_uint_eq(nport[0].id, 0x010100);
}
END_TEST

START_TEST(counts_are_checked)
{
	struct weft_world_port *more[32];

	ck_assert_int_eq(weft_world_add_fabric(world, 28, more), -ENOSPC);
	ck_assert_int_eq(weft_world_add_fabric(world, 0, more), -EINVAL);
	ck_assert_int_eq(weft_world_link(ports[2], ports[0], NULL, NULL, 0), -EBUSY);
}
END_TEST

START_TEST(the_same_story_twice)
{
	uint64_t at[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		weft_world_run(world, 1000000);
		at[i] = nport[0].at_ns * 31 + nport[1].at_ns;
		teardown();
		setup();
	}
	ck_assert_uint_eq(at[0], at[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fabric in a world");
	TCase *t = tcase_create("world");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, ports_come_up_and_log_in);
	tcase_add_test(t, a_pulled_cable_ends_the_login);
	tcase_add_test(t, counts_are_checked);
	tcase_add_test(t, the_same_story_twice);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
