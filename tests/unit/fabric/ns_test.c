// SPDX-License-Identifier: BSD-2-Clause
/* Name server: registrations, queries, refusals, and that changes are told. */
#include <check.h>
#include <string.h>

#include "rig.h"

static void expect_reject(const struct rig_frame *a, unsigned int reason, unsigned int explanation)
{
	ck_assert_uint_eq(rig_get(a->payload + 8, 2), 0x8001);
	ck_assert_uint_eq(a->len, 16);
	ck_assert_uint_eq(a->payload[13], reason);
	ck_assert_uint_eq(a->payload[14], explanation);
}

static const uint8_t *accepted(const struct rig_frame *a, size_t len)
{
	ck_assert_uint_eq(rig_get(a->payload + 8, 2), 0x8002);
	ck_assert_uint_eq(a->len, 16 + len);
	return a->payload + 16;
}

static const uint8_t *of_id(uint8_t req[4], uint32_t id)
{
	rig_put(req, id, 4);
	return req;
}

/* RFT_ID: FC-4 type 28h, or none. */
static const struct rig_frame *register_type(unsigned int port, bool nvme)
{
	uint8_t req[36] = { 0 };

	rig_put(req, rig_port[port].id, 4);
	req[4 + 4 + 2] = nvme; /* word 1, bit 8 */
	return rig_ct(port, 0x0217, req, sizeof(req));
}

static const struct rig_frame *register_feature(unsigned int port, uint8_t bits, uint8_t type)
{
	uint8_t req[8] = { 0 };

	rig_put(req, rig_port[port].id, 4);
	req[6] = bits;
	req[7] = type;
	return rig_ct(port, 0x021f, req, sizeof(req));
}

static void three(void)
{
	unsigned int i;

	rig_open(3, NULL);
	for (i = 0; i < 3; i++)
		rig_join(i);
}

START_TEST(ports_with_a_type_are_listed)
{
	static const uint8_t nvme[4] = { 0, 0, 0, 0x28 }, fcp[4] = { 0, 0, 0, 8 };
	const uint8_t *a;

	three();
	expect_reject(rig_ct(0, 0x0171, nvme, 4), 9, 7);
	accepted(register_type(0, true), 0);
	accepted(register_type(2, true), 0);
	a = accepted(rig_ct(1, 0x0171, nvme, 4), 8);
	ck_assert_uint_eq(rig_get(a, 4), 0x00010100);
	ck_assert_uint_eq(rig_get(a + 4, 4), 0x80010300);
	a = accepted(rig_ct(1, 0x0172, nvme, 4), 32);
	ck_assert_uint_eq(rig_get(a + 16, 4), 0x80010300);
	ck_assert_uint_eq(rig_get(a + 24, 4), 0x20000000);
	ck_assert_uint_eq(rig_get(a + 28, 4), 3);
	a = accepted(rig_ct(1, 0x0173, nvme, 4), 32);
	ck_assert_uint_eq(rig_get(a + 8, 4), 0x10000000);
	ck_assert_uint_eq(rig_get(a + 12, 4), 1);
	expect_reject(rig_ct(1, 0x0171, fcp, 4), 9, 7);
	accepted(register_type(0, false), 0);
	a = accepted(rig_ct(1, 0x0171, nvme, 4), 4);
	ck_assert_uint_eq(rig_get(a, 4), 0x80010300);
	rig_close();
}
END_TEST

START_TEST(lists_are_of_a_domain_and_an_area)
{
	static const uint8_t here[4] = { 0, 1, 3, 0x28 }, domain[4] = { 0, 1, 0, 0x28 };
	static const uint8_t elsewhere[4] = { 0, 2, 0, 0x28 }, all[4] = { 0 };

	three();
	register_type(0, true);
	register_type(2, true);
	ck_assert_uint_eq(rig_get(accepted(rig_ct(0, 0x0171, here, 4), 4), 4), 0x80010300);
	accepted(rig_ct(0, 0x0171, domain, 4), 8);
	expect_reject(rig_ct(0, 0x0171, elsewhere, 4), 9, 7);
	accepted(rig_ct(0, 0x01a1, all, 4), 12);
	rig_close();
}
END_TEST

START_TEST(an_address_has_names_types_and_features)
{
	static const uint8_t name[] = "\0\1\1\0\5Loom!", node[] = "\x10\0\0\0\0\0\0\1\3cat";
	const uint8_t *a;
	uint8_t req[4];

	three();
	register_type(0, true);
	accepted(register_feature(0, 0x5, 0x28), 0);
	accepted(register_feature(0, 0x2, 0x08), 0);
	accepted(rig_ct(0, 0x0218, name, 10), 0);
	accepted(rig_ct(0, 0x0239, node, 12), 0);
	of_id(req, 0x010100);
	a = accepted(rig_ct(1, 0x0112, req, 4), 8);
	ck_assert_uint_eq(rig_get(a, 4), 0x20000000);
	ck_assert_uint_eq(rig_get(a + 4, 4), 1);
	a = accepted(rig_ct(1, 0x0113, req, 4), 8);
	ck_assert_uint_eq(rig_get(a, 4), 0x10000000);
	a = accepted(rig_ct(1, 0x0117, req, 4), 32);
	ck_assert_uint_eq(rig_get(a + 4, 4), 0x100);
	a = accepted(rig_ct(1, 0x0118, req, 4), 256);
	ck_assert(!memcmp(a, "\5Loom!", 7));
	a = accepted(rig_ct(1, 0x011f, req, 4), 128);
	ck_assert_uint_eq(rig_get(a + 4, 4), 2);     /* types 8 to 15: 8 is the low nibble */
	ck_assert_uint_eq(rig_get(a + 5 * 4, 4), 5); /* 28h to 2Fh */
	of_id(req, 0x010400);
	expect_reject(rig_ct(1, 0x0112, req, 4), 9, 1);
	rig_close();
}
END_TEST

START_TEST(names_lead_to_addresses)
{
	uint8_t name[8];

	three();
	rig_put(name, rig_port[1].wwpn, 8);
	ck_assert_uint_eq(rig_get(accepted(rig_ct(0, 0x0121, name, 8), 4), 4), 0x010200);
	expect_reject(rig_ct(0, 0x0131, name, 8), 9, 3);
	rig_put(name, rig_port[1].wwpn ^ 0x3000000000000000, 8);
	ck_assert_uint_eq(rig_get(accepted(rig_ct(0, 0x0131, name, 8), 4), 4), 0x80010200);
	expect_reject(rig_ct(0, 0x0121, name, 8), 9, 2);
	rig_close();
}
END_TEST

START_TEST(objects_follow_each_other)
{
	static const uint8_t name[] = "\0\1\2\0\4Weft";
	const uint8_t *a;
	uint8_t req[4];

	three();
	register_type(1, true);
	rig_ct(1, 0x0218, name, 9);
	a = accepted(rig_ct(0, 0x0100, of_id(req, 0x010100), 4), 620);
	ck_assert_uint_eq(rig_get(a, 4), 0x01010200);
	ck_assert_uint_eq(rig_get(a + 8, 4), 2);
	ck_assert(!memcmp(a + 12, "\4Weft", 6));
	ck_assert_uint_eq(rig_get(a + 12 + 256, 4), 0x10000000);
	ck_assert_uint_eq(rig_get(a + 12 + 256 + 8 + 256 + 24, 4), 8);
	ck_assert_uint_eq(rig_get(a + 12 + 256 + 8 + 256 + 28 + 4, 4), 0x100);
	a = accepted(rig_ct(0, 0x0100, of_id(req, 0x010300), 4), 620);
	ck_assert_uint_eq(rig_get(a, 4), 0x01010100);
	rig_close();
}
END_TEST

START_TEST(what_is_wrong_is_refused)
{
	static const struct {
		uint16_t command;
		uint8_t len, reason, explanation;
	} cases[] = {
		{ 0x0171, 3, 4, 0 },   { 0x0121, 7, 4, 0 },   { 0x0100, 0, 4, 0 },
		{ 0x0112, 3, 4, 0 },   { 0x0217, 35, 4, 0 },  { 0x021f, 7, 4, 0 },
		{ 0x0218, 4, 4, 0 },   { 0x0239, 8, 4, 0 },   { 0x0212, 11, 4, 0 },
		{ 0x0199, 40, 1, 0 },  { 0x0299, 40, 1, 0 },  { 0x0000, 40, 1, 0 },
		{ 0xffff, 40, 1, 0 },  { 0x0217, 36, 9, 16 }, /* another's address */
		{ 0x0239, 12, 9, 16 },
	};
	static const uint8_t zero[40];

	three();
	expect_reject(rig_ct(0, cases[_i].command, zero, cases[_i].len), cases[_i].reason,
		      cases[_i].explanation);
	rig_close();
}
END_TEST

START_TEST(names_are_not_longer_than_the_request)
{
	uint8_t req[32] = { 0, 1, 1, 0, 28 };

	three();
	expect_reject(rig_ct(0, 0x0218, req, sizeof(req)), 4, 0);
	req[4] = 27;
	accepted(rig_ct(0, 0x0218, req, sizeof(req)), 0);
	rig_close();
}
END_TEST

START_TEST(a_port_name_cannot_be_another)
{
	uint8_t req[12] = { 0, 1, 1, 0 };

	three();
	rig_put(req + 4, rig_port[0].wwpn, 8);
	accepted(rig_ct(0, 0x0212, req, sizeof(req)), 0);
	rig_put(req + 4, rig_port[1].wwpn, 8);
	expect_reject(rig_ct(0, 0x0212, req, sizeof(req)), 9, 16);
	accepted(rig_ct(0, 0x0213, req, sizeof(req)), 0); /* the node's may */
	rig_close();
}
END_TEST

static struct rig_frame ct_frame(unsigned int command, size_t len)
{
	struct rig_frame r = { .r_ctl = 2,
			       .type = 0x20,
			       .d_id = 0xfffffc,
			       .s_id = rig_port[0].id,
			       .len = 16 + len,
			       .payload = { 1, 0, 0, 0, 0xfc, 2 } };

	rig_put(r.payload + 8, command, 2);
	return r;
}

START_TEST(the_header_is_checked)
{
	struct rig_frame r;

	three();
	r = ct_frame(0x0171, 4);
	r.payload[0] = 2;
	rig_send(0, &r);
	ck_assert_uint_eq(rig_last(0)->payload[13], 2);
	r = ct_frame(0x0171, 4);
	r.payload[4] = 0xfa;
	rig_send(0, &r);
	ck_assert_uint_eq(rig_last(0)->payload[13], 0x0b);
	rig_port[0].n = 0;
	r = ct_frame(0x0171, 0);
	r.len = 15;
	rig_send(0, &r);
	r = ct_frame(0x0171, 4);
	r.d_id = 0xfffffd;
	rig_send(0, &r);
	r = ct_frame(0x0171, 4);
	r.r_ctl = 3;
	rig_send(0, &r);
	ck_assert_uint_eq(rig_port[0].n, 0);
	ck_assert_uint_eq(fabric_counters(rig)->bad_frame, 3);
	rig_close();
}
END_TEST

START_TEST(who_is_not_logged_in_is_told_so)
{
	struct rig_frame r;

	rig_open(1, NULL);
	rig_up(0);
	rig_login(0);
	r = ct_frame(0x0171, 4);
	rig_send(0, &r);
	ck_assert_uint_eq(rig_last(0)->r_ctl, 0x22);
	ck_assert_uint_eq(rig_last(0)->s_id, 0xfffffc);
	ck_assert_uint_eq(rig_last(0)->payload[0], 5);
	ck_assert_uint_eq(rig_get(rig_last(0)->payload + 5, 3), 0xfffffc);
	rig_close();
}
END_TEST

START_TEST(answers_are_as_long_as_the_port_takes)
{
	struct rig_frame r;
	uint8_t plogi[116];
	unsigned int i;

	three();
	rig_login_payload(plogi, 3, rig_port[0].wwpn);
	rig_put(plogi + 74, 256, 2);
	rig_els(0, 0xfffffc, plogi, sizeof(plogi));
	rig_port[0].n = 0;
	r = ct_frame(0x0100, 4); /* 636 bytes: three frames */
	rig_send(0, &r);
	ck_assert_uint_eq(rig_port[0].n, 3);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_eq(rig_port[0].rx[i].seq_cnt, i);
		ck_assert_uint_eq(rig_port[0].rx[i].len, i < 2 ? 256 : 124);
		ck_assert_uint_eq(rig_port[0].rx[i].sof, i ? 0x36 : 0x2e);
		ck_assert_uint_eq(rig_port[0].rx[i].eof, i < 2 ? 0x41 : 0x42);
		ck_assert_uint_eq(rig_port[0].rx[i].f_ctl, i < 2 ? 0x800000 : 0x990000);
	}
	rig_put(r.payload + 10, 10, 2); /* no more than ten words */
	rig_send(0, &r);
	ck_assert_uint_eq(rig_last(0)->len, 16 + 40);
	ck_assert_uint_eq(rig_get(rig_last(0)->payload + 10, 2), (620 - 40) / 4);
	rig_close();
}
END_TEST

static unsigned int notices(unsigned int port)
{
	unsigned int i, n = 0;

	for (i = 0; i < rig_port[port].n; i++)
		n += rig_port[port].rx[i].r_ctl == 0x22 && rig_port[port].rx[i].payload[0] == 0x61;
	return n;
}

START_TEST(changes_are_told_when_they_are_changes)
{
	uint8_t scr[8] = { 0x62, 0, 0, 0, 0, 0, 0, 3 }, req[4];
	struct rig_frame acc = { .r_ctl = 0x23,
				 .type = 1,
				 .d_id = 0xfffffd,
				 .f_ctl = 0x990000,
				 .len = 4,
				 .payload = { 2 } };

	three();
	rig_els(0, 0xfffffd, scr, sizeof(scr));
	rig_els(1, 0xfffffd, scr, sizeof(scr));
	register_type(1, true);
	ck_assert_uint_eq(notices(0), 1);
	ck_assert_uint_eq(notices(1), 0); /* who it is about knows */
	ck_assert_uint_eq(rig_get(rig_last(0)->payload + 4, 4), 0x04010200);
	acc.s_id = rig_port[0].id;
	acc.ox_id = rig_last(0)->ox_id;
	rig_send(0, &acc);
	register_type(1, true);
	ck_assert_uint_eq(notices(0), 1);
	register_feature(1, 1, 0x28);
	ck_assert_uint_eq(notices(0), 2);
	acc.ox_id = rig_last(0)->ox_id;
	rig_send(0, &acc);
	register_feature(1, 1, 0x28);
	ck_assert_uint_eq(notices(0), 2);
	accepted(rig_ct(1, 0x0300, of_id(req, rig_port[1].id), 4), 0); /* DA_ID */
	ck_assert_uint_eq(notices(0), 3);
	rig_close();
}
END_TEST

START_TEST(an_object_ends_with_its_login)
{
	static const uint8_t nvme[4] = { 0, 0, 0, 0x28 };

	three();
	register_type(1, true);
	accepted(rig_ct(0, 0x0171, nvme, 4), 4);
	rig_login(1);
	expect_reject(rig_ct(0, 0x0171, nvme, 4), 9, 7);
	rig_close();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fabric names");
	TCase *t = tcase_create("names");
	SRunner *sr;
	int failed;

	tcase_add_test(t, ports_with_a_type_are_listed);
	tcase_add_test(t, lists_are_of_a_domain_and_an_area);
	tcase_add_test(t, an_address_has_names_types_and_features);
	tcase_add_test(t, names_lead_to_addresses);
	tcase_add_test(t, objects_follow_each_other);
	tcase_add_loop_test(t, what_is_wrong_is_refused, 0, 15);
	tcase_add_test(t, names_are_not_longer_than_the_request);
	tcase_add_test(t, a_port_name_cannot_be_another);
	tcase_add_test(t, the_header_is_checked);
	tcase_add_test(t, who_is_not_logged_in_is_told_so);
	tcase_add_test(t, answers_are_as_long_as_the_port_takes);
	tcase_add_test(t, changes_are_told_when_they_are_changes);
	tcase_add_test(t, an_object_ends_with_its_login);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
