/* SPDX-License-Identifier: BSD-2-Clause */
/* N_Port on a fabric: login, name server, search, state changes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"

Suite *fabric_suite(void);

#define US 0x010203u

static uint8_t p[1024];

static void accept_ct(const struct frame *to, const char *body)
{
	uint32_t n = hex("01000000 fc020000 80020000 00000000", p);

	n += hex(body, p + n);
	rig_answer(to, p, n);
}

static struct frame *take_ct(uint16_t cmd)
{
	struct frame *f = rig_take();

	ck_assert_uint_eq(f->h.r_ctl, RCTL_CT_REQ);
	ck_assert_uint_eq(f->h.type, TYPE_CT);
	ck_assert_uint_eq(f->h.d_id, FC_ID_NAMES);
	ck_assert_uint_eq(f->h.s_id, US);
	ck_assert_uint_eq(get_be16(f->p + 8), cmd);
	return f;
}

static void flogi_answer(struct frame *f)
{
	struct fc_hdr h = { .r_ctl = RCTL_ELS_RSP,
			    .type = TYPE_ELS,
			    .ox_id = f->h.ox_id,
			    .d_id = US,
			    .s_id = FC_ID_FABRIC,
			    .f_ctl = 0x990000 };

	rig_login(p, ELS_LS_ACC, 0x1122334455667788ull, LOGIN_F_PORT);
	put_be32(p + 12, 7000);
	put_be32(p + 16, 1000);
	rig_frame(&h, p, LOGIN_LEN);
}

static void accept_login(const struct frame *f)
{
	rig_login(p, ELS_LS_ACC, 0x99, 0);
	rig_answer(f, p, LOGIN_LEN);
}

static void accept_els(const struct frame *f)
{
	rig_answer(f, (const uint8_t *)"\x02\0\0\0", 4);
}

/* Registered; a host's search is under way. */
static void registered(uint8_t roles)
{
	rig_start(WEFT_FCM_NATIVE, roles);
	rig_link_up();
	flogi_answer(rig_take());
	accept_login(rig_take_els(ELS_PLOGI, US, FC_ID_NAMES));
	accept_ct(take_ct(0x0213), "");
	accept_ct(take_ct(0x0217), "");
	accept_ct(take_ct(0x021f), "");
	accept_els(rig_take_els(ELS_SCR, US, FC_ID_CONTROLLER));
}

/* The port of an entry of the list is found, named and logged in to. */
static void port_found(uint32_t id, uint64_t wwpn)
{
	char name[20];
	struct frame *f = take_ct(0x0112);

	ck_assert_uint_eq(get_be32(f->p + 16), id);
	snprintf(name, sizeof(name), "%016llx", (unsigned long long)wwpn);
	accept_ct(f, name);
	f = rig_take_els(ELS_PLOGI, US, id);
	rig_login(p, ELS_LS_ACC, wwpn, 0);
	rig_answer(f, p, LOGIN_LEN);
	f = rig_take_els(ELS_PRLI, US, id);
	rig_prli(p, ELS_LS_ACC, 1, 0x10);
	rig_answer(f, p, PRLI_LEN);
	ck_assert_ptr_nonnull(fc_rport(fc_rport_by_id(id)));
}

static void one_target(void)
{
	registered(HOST);
	accept_ct(take_ct(0x0171), "80010301");
	port_found(0x010301, LOW_WWPN);
	rig_quiet();
}

static void rscn(const char *pages)
{
	uint32_t n = hex(pages, p + 4);

	p[0] = ELS_RSCN;
	p[1] = 4;
	put_be16(p + 2, n + 4);
	rig_request(FC_ID_CONTROLLER, US, p, n + 4);
	rig_take_accept();
}

/* --- login and registration -------------------------------------------------------------------------- */

START_TEST(fabric_gives_address_credit_and_timeouts)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	flogi_answer(rig_take());
	ck_assert_uint_eq(fc_port.port_id, US);
	ck_assert_uint_eq(rig.id, US);
	ck_assert_uint_eq(rig.credit, 16);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
	ck_assert_uint_eq(fc_port.topology, WEFT_FCT_FABRIC);
	ck_assert_uint_eq(fc_port.r_a_tov_ms, 7000);
	ck_assert_uint_eq(fc_port.e_d_tov_ms, 1000);
	ck_assert_uint_eq(fc_port.max_data, 2048);
	rig_prim(ENG_FCP_OLS); /* another place: what this fabric said is forgotten */
	rig_prim(ENG_FCP_LRR);
	rig_prim(ENG_FCP_IDLE);
	ck_assert_uint_eq(fc_port.e_d_tov_ms, 2000);
	ck_assert_uint_eq(fc_port.r_a_tov_ms, 10000);
	ck_assert_uint_eq(fc_port.max_data, 2112);
}
END_TEST

START_TEST(odd_timeouts_of_a_fabric_are_not_taken)
{
	static const struct {
		uint32_t r_a, e_d;
		uint16_t features;
		uint32_t want_r_a, want_e_d;
	} t[] = {
		{ 0, 0, 0x1000, 10000, 2000 },
		{ 0xffffffff, 5, 0x1000, 10000, 2000 },
		{ 5000, 500000000, 0x1400, 5000, 500 },
	};
	for (int i = 0; i < 3; i++) {
		struct fc_hdr h = { .r_ctl = RCTL_ELS_RSP,
				    .type = TYPE_ELS,
				    .d_id = US,
				    .s_id = FC_ID_FABRIC,
				    .f_ctl = 0x990000 };

		rig_start(WEFT_FCM_NATIVE, HOST);
		rig_link_up();
		h.ox_id = rig_take()->h.ox_id;
		rig_login(p, ELS_LS_ACC, 1, t[i].features);
		put_be32(p + 12, t[i].r_a);
		put_be32(p + 16, t[i].e_d);
		rig_frame(&h, p, LOGIN_LEN);
		ck_assert_uint_eq(fc_port.r_a_tov_ms, t[i].want_r_a);
		ck_assert_uint_eq(fc_port.e_d_tov_ms, t[i].want_e_d);
	}
}
END_TEST

START_TEST(fabric_without_an_address_for_us_is_no_login)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	rig_login(p, ELS_LS_ACC, 1, LOGIN_F_PORT);
	rig_answer(rig_take(), p, LOGIN_LEN); /* D_ID 0 */
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
	rig_quiet();
	rig_advance(2010);
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
}
END_TEST

START_TEST(registration_byte_by_byte)
{
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, HOST | WEFT_FCR_DISCOVERY);
	rig_link_up();
	flogi_answer(rig_take());
	f = rig_take_els(ELS_PLOGI, US, FC_ID_NAMES);
	ck_assert_uint_eq(f->len, LOGIN_LEN);
	accept_login(f);
	f = take_ct(0x0213);
	expect_bytes(f->p, f->len, "01000000 fc020000 02130000 00000000 00010203 2100000000000011");
	ck_assert_uint_eq(f->h.f_ctl, 0x290000);
	accept_ct(f, "");
	f = take_ct(0x0217);
	expect_bytes(f->p, f->len,
		     "01000000 fc020000 02170000 00000000 00010203 00000000 00000100 00000000"
		     "00000000 00000000 00000000 00000000 00000000");
	accept_ct(f, "");
	f = take_ct(0x021f);
	expect_bytes(f->p, f->len, "01000000 fc020000 021f0000 00000000 00010203 00000628");
	accept_ct(f, "");
	f = rig_take_els(ELS_SCR, US, FC_ID_CONTROLLER);
	expect_bytes(f->p, f->len, "62000000 00000003");
	accept_els(f);
	f = take_ct(0x0171);
	expect_bytes(f->p, f->len, "01000000 fc020000 0171003c 00000000 00000028");
	accept_ct(f, "80010301");
	f = take_ct(0x0112);
	expect_bytes(f->p, f->len, "01000000 fc020000 01120002 00000000 00010301");
	rig_quiet();
}
END_TEST

START_TEST(target_registers_and_waits)
{
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, TARGET);
	rig_link_up();
	flogi_answer(rig_take());
	accept_login(rig_take());
	accept_ct(rig_take(), "");
	accept_ct(rig_take(), "");
	f = take_ct(0x021f);
	ck_assert_uint_eq(f->p[22], 1);
	accept_ct(f, "");
	accept_els(rig_take_els(ELS_SCR, US, FC_ID_CONTROLLER));
	rig_quiet();
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(refused_registration_does_not_stop_us)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	flogi_answer(rig_take());
	accept_login(rig_take());
	rig_reject(take_ct(0x0213), RJT_UNABLE, 0);
	rig_reject(take_ct(0x0217), RJT_UNSUPPORTED, 0);
	rig_reject(take_ct(0x021f), RJT_UNSUPPORTED, 0);
	rig_reject(rig_take_els(ELS_SCR, US, FC_ID_CONTROLLER), RJT_UNSUPPORTED, EXP_UNSUPPORTED);
	rig_reject(take_ct(0x0171), RJT_UNABLE, 7); /* nobody there */
	rig_quiet();
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
}
END_TEST

START_TEST(silent_name_server_is_asked_again)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	flogi_answer(rig_take());
	accept_login(rig_take());
	take_ct(0x0213);
	for (int i = 0; i < 4; i++) {
		rig_advance(3020);
		ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
		take_ct(0x0213);
	}
	rig_advance(3020);
	ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
	rig_take_els(ELS_PLOGI, US, FC_ID_NAMES); /* all anew */
}
END_TEST

START_TEST(name_server_that_forgot_us_is_logged_in_to)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	flogi_answer(rig_take());
	accept_login(rig_take());
	rig_reject(take_ct(0x0213), RJT_UNABLE, EXP_LOGIN);
	rig_advance(1010);
	rig_take_els(ELS_PLOGI, US, FC_ID_NAMES);
	rig_quiet();
}
END_TEST

START_TEST(logo_of_the_name_server_registers_anew)
{
	one_target();
	memset(p, 0, 16);
	p[0] = ELS_LOGO;
	rig_request(FC_ID_NAMES, US, p, 16);
	rig_take_accept();
	rig_take_els(ELS_PLOGI, US, FC_ID_NAMES);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(logo_of_the_fabric_logs_in_anew)
{
	one_target();
	memset(p, 0, 16);
	p[0] = ELS_LOGO;
	rig_request(FC_ID_FABRIC, US, p, 16);
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[0], 1);
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
	rig_quiet();
}
END_TEST

START_TEST(flogi_of_others_is_refused)
{
	one_target();
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(0, FC_ID_FABRIC, p, LOGIN_LEN);
	rig_take_reject(RJT_UNABLE, EXP_NONE);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

/* --- the search ---------------------------------------------------------------------------------------- */

START_TEST(every_port_of_the_list_is_logged_in_to)
{
	struct frame f[3];

	registered(HOST);
	/* Ours, one that cannot be, three others. */
	accept_ct(take_ct(0x0171), "00010203 00fffffc 00010301 00010302 80010303 00010304");
	for (int i = 0; i < 3; i++)
		f[i] = *take_ct(0x0112);
	rig_quiet();
	for (int i = 0; i < 3; i++) {
		char name[20];

		snprintf(name, sizeof(name), "50000000000000%02x", i);
		accept_ct(&f[i], name);
		rig_take_els(ELS_PLOGI, US, 0x010301u + (uint32_t)i);
	}
	rig_quiet();
}
END_TEST

START_TEST(long_list_is_read_as_far_as_it_is_seen)
{
	registered(HOST);
	memset(p, 0, sizeof(p));
	hex("01000000 fc020000 80020000 00000000", p);
	for (uint32_t i = 0; i < 200; i++)
		put_be32(p + 16 + 4 * i, 0x020000 + i);
	p[16 + 4 * 199] = 0x80;
	rig_answer(take_ct(0x0171), p, 816);
	ck_assert_uint_eq(rig_pending(), 60);
}
END_TEST

START_TEST(port_that_the_name_server_does_not_know_is_left)
{
	registered(HOST);
	accept_ct(take_ct(0x0171), "80010301");
	rig_reject(take_ct(0x0112), RJT_UNABLE, 1);
	rig_quiet();
	ck_assert_ptr_null(rport_by_id(0x010301));
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(port_that_is_us_is_left)
{
	registered(HOST);
	accept_ct(take_ct(0x0171), "80010301");
	accept_ct(take_ct(0x0112), "2000000000000011");
	rig_quiet();
	ck_assert_ptr_null(rport_by_id(0x010301));
}
END_TEST

START_TEST(cut_answers_are_no_answers)
{
	registered(HOST);
	accept_ct(take_ct(0x0171), "8001");
	rig_quiet();
	registered(HOST);
	accept_ct(take_ct(0x0171), "80010301");
	accept_ct(take_ct(0x0112), "20000000");
	rig_quiet();
	rig_advance(1010);
	take_ct(0x0112);
	registered(HOST);
	rig_answer(take_ct(0x0171), p, 15);
	rig_quiet();
}
END_TEST

START_TEST(name_server_silent_about_a_name_is_asked_again)
{
	registered(HOST);
	accept_ct(take_ct(0x0171), "80010301");
	take_ct(0x0112);
	rig_advance(2010);
	ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
	rig_advance(510);
	port_found(0x010301, LOW_WWPN);
}
END_TEST

/* --- state changes -------------------------------------------------------------------------------------- */

START_TEST(rscn_leads_to_a_new_search_once)
{
	one_target();
	rscn("00010301");
	rscn("00010302");
	rscn("00010301");
	rig_quiet();
	rig_advance(30);
	accept_ct(take_ct(0x0171), "00010301 80010302");
	take_ct(0x0112); /* the new one */
	take_ct(0x0112); /* the one we have */
	rig_quiet();
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

/* An RSCN named the port; it is still in the list. */
static struct frame *doubted(void)
{
	one_target();
	rscn("00010301");
	rig_advance(30);
	accept_ct(take_ct(0x0171), "80010301");
	return take_ct(0x0112);
}

START_TEST(named_port_that_is_still_there_stays)
{
	struct frame *f = doubted();

	accept_ct(f, "1000000000000001");
	f = rig_take_els(ELS_ADISC, US, 0x010301);
	expect_bytes(f->p, f->len, "52000000 00000000 2000000000000011 2100000000000011 00010203");
	rig_answer(f, p, hex("02000000 00000000 1000000000000001 4100000000000001 00010301", p));
	ck_assert_uint_eq(rig.gone[0], 0);
	ck_assert_uint_eq(rig.rscn[0], 1); /* it may have something new to tell */
	rig_quiet();
}
END_TEST

START_TEST(named_port_that_forgot_us_is_logged_in_to_again)
{
	accept_ct(doubted(), "1000000000000001");
	rig_reject(rig_take_els(ELS_ADISC, US, 0x010301), RJT_UNABLE, EXP_LOGIN);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rig.rscn[0], 0);
	port_found(0x010301, LOW_WWPN);
	ck_assert_uint_eq(rig.ready[0], 2);
}
END_TEST

START_TEST(another_port_in_its_place_is_logged_in_to)
{
	accept_ct(doubted(), "1000000000000002");
	ck_assert_uint_eq(rig.gone[0], 1);
	port_found(0x010301, 0x1000000000000002ull);
}
END_TEST

START_TEST(adisc_of_another_name_is_no_login)
{
	accept_ct(doubted(), "1000000000000001");
	rig_answer(rig_take_els(ELS_ADISC, US, 0x010301), p,
		   hex("02000000 00000000 1000000000000009 4100000000000001 00010301", p));
	ck_assert_uint_eq(rig.gone[0], 1);
	take_ct(0x0112);
}
END_TEST

START_TEST(port_that_left_the_list_is_logged_out)
{
	one_target();
	rscn("00010301");
	rig_advance(30);
	accept_ct(take_ct(0x0171), "80010305");
	ck_assert_uint_eq(rig.gone[0], 1);
	take_ct(0x0112);
	rig_take_els(ELS_LOGO, US, 0x010301);
	rig_quiet();
}
END_TEST

START_TEST(empty_list_logs_all_out)
{
	one_target();
	rscn("03000000");
	rig_advance(30);
	rig_reject(take_ct(0x0171), RJT_UNABLE, 7);
	ck_assert_uint_eq(rig.gone[0], 1);
	rig_take_els(ELS_LOGO, US, 0x010301);
	rig_quiet();
}
END_TEST

START_TEST(cut_list_logs_nobody_out)
{
	one_target();
	rscn("00010305");
	rig_advance(30);
	accept_ct(take_ct(0x0171), "00010305");
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(rscn_during_a_search_leads_to_another)
{
	struct frame *f;

	one_target();
	rscn("00010305");
	rig_advance(30);
	f = take_ct(0x0171);
	rscn("00010306");
	accept_ct(f, "80010301");
	rig_quiet();
	rig_advance(30);
	take_ct(0x0171);
	rig_quiet();
}
END_TEST

/* Page, and whether it means 010301. */
static const struct {
	const char *page;
	bool hits;
} pages[] = {
	{ "00010301", true }, { "00010302", false }, { "01010300", true }, { "01010400", false },
	{ "02010000", true }, { "02020000", false }, { "03000000", true }, { "3c010301", true },
};

START_TEST(pages_name_ports_areas_domains)
{
	one_target();
	rscn(pages[_i].page);
	ck_assert_uint_eq(rport_by_id(0x010301)->check, pages[_i].hits);
}
END_TEST

START_TEST(list_of_changes_that_is_too_long_means_all)
{
	one_target();
	memset(p, 0, sizeof(p));
	p[0] = ELS_RSCN;
	p[1] = 4;
	put_be16(p + 2, 804);
	rig_request(FC_ID_CONTROLLER, US, p, 804);
	rig_take_accept();
	ck_assert(rport_by_id(0x010301)->check);
}
END_TEST

/* A host that is logged in to us, a target. */
static void one_host(void)
{
	registered(TARGET);
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(0x010301, US, p, LOGIN_LEN);
	rig_take_accept();
	rig_prli(p, ELS_PRLI, 0, 0x20);
	rig_request(0x010301, US, p, PRLI_LEN);
	rig_take_accept();
	rig_quiet();
	ck_assert_uint_eq(rig.ready[0], 1);
}

START_TEST(target_learns_that_a_host_left)
{
	one_host();
	rscn("00010301");
	rig_advance(30);
	rig_reject(take_ct(0x0112), RJT_UNABLE, 1);
	ck_assert_uint_eq(rig.gone[0], 1);
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(target_forgets_a_host_that_does_not_answer)
{
	one_host();
	rscn("00010301");
	rig_advance(30);
	accept_ct(take_ct(0x0112), "3000000000000001");
	rig_take_els(ELS_ADISC, US, 0x010301);
	rig_advance(2010);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(silent_name_server_does_not_end_a_login)
{
	one_host();
	rscn("00010301");
	rig_advance(30);
	take_ct(0x0112);
	rig_advance(2010);
	ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
	ck_assert_uint_eq(rig.gone[0], 0);
	rig_answer(rig_take_els(ELS_ADISC, US, 0x010301), p,
		   hex("02000000 00000000 3000000000000001 4100000000000001 00010301", p));
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(target_tells_the_fabric_of_a_change)
{
	struct frame *f;

	one_host();
	ck_assert_uint_eq(fc_rscn(), 0);
	f = rig_take_els(ELS_RSCN, US, FC_ID_CONTROLLER);
	expect_bytes(f->p, f->len, "61040008 00010203");
}
END_TEST

START_TEST(link_loss_during_each_step_leaves_nothing)
{
	for (int steps = 0; steps < 9; steps++) {
		rig_start(WEFT_FCM_NATIVE, HOST);
		rig_link_up();
		for (int i = 0; i < steps; i++) {
			struct frame *f = rig_take();

			if (i == 0)
				flogi_answer(f);
			else if (i == 6)
				accept_ct(f, "80010301");
			else if (i == 7)
				accept_ct(f, "1000000000000001");
			else if (f->h.type == TYPE_CT)
				accept_ct(f, "");
			else
				accept_login(f);
		}
		rig_dark();
		rig_forget();
		ck_assert_uint_eq(els_in_use(), 0);
		ck_assert_uint_eq(timer_count(), 0);
		rig_advance(30000);
		rig_quiet();
	}
}
END_TEST

Suite *fabric_suite(void)
{
	Suite *s = suite_create("fabric");
	TCase *t = tcase_create("fabric");

	tcase_add_test(t, fabric_gives_address_credit_and_timeouts);
	tcase_add_test(t, odd_timeouts_of_a_fabric_are_not_taken);
	tcase_add_test(t, fabric_without_an_address_for_us_is_no_login);
	tcase_add_test(t, registration_byte_by_byte);
	tcase_add_test(t, target_registers_and_waits);
	tcase_add_test(t, refused_registration_does_not_stop_us);
	tcase_add_test(t, silent_name_server_is_asked_again);
	tcase_add_test(t, name_server_that_forgot_us_is_logged_in_to);
	tcase_add_test(t, logo_of_the_name_server_registers_anew);
	tcase_add_test(t, logo_of_the_fabric_logs_in_anew);
	tcase_add_test(t, flogi_of_others_is_refused);
	tcase_add_test(t, every_port_of_the_list_is_logged_in_to);
	tcase_add_test(t, long_list_is_read_as_far_as_it_is_seen);
	tcase_add_test(t, port_that_the_name_server_does_not_know_is_left);
	tcase_add_test(t, port_that_is_us_is_left);
	tcase_add_test(t, cut_answers_are_no_answers);
	tcase_add_test(t, name_server_silent_about_a_name_is_asked_again);
	tcase_add_test(t, rscn_leads_to_a_new_search_once);
	tcase_add_test(t, named_port_that_is_still_there_stays);
	tcase_add_test(t, named_port_that_forgot_us_is_logged_in_to_again);
	tcase_add_test(t, another_port_in_its_place_is_logged_in_to);
	tcase_add_test(t, adisc_of_another_name_is_no_login);
	tcase_add_test(t, port_that_left_the_list_is_logged_out);
	tcase_add_test(t, empty_list_logs_all_out);
	tcase_add_test(t, cut_list_logs_nobody_out);
	tcase_add_test(t, rscn_during_a_search_leads_to_another);
	tcase_add_loop_test(t, pages_name_ports_areas_domains, 0, sizeof(pages) / sizeof(pages[0]));
	tcase_add_test(t, list_of_changes_that_is_too_long_means_all);
	tcase_add_test(t, target_learns_that_a_host_left);
	tcase_add_test(t, target_forgets_a_host_that_does_not_answer);
	tcase_add_test(t, silent_name_server_does_not_end_a_login);
	tcase_add_test(t, target_tells_the_fabric_of_a_change);
	tcase_add_test(t, link_loss_during_each_step_leaves_nothing);
	suite_add_tcase(s, t);
	return s;
}
