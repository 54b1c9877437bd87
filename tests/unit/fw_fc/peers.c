/* SPDX-License-Identifier: BSD-2-Clause */
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vn vn;
uint8_t vn_frame[2300];
static uint8_t p[1024];

/* --- a fabric ------------------------------------------------------------------------------------ */

void fab_accept_ct(const struct frame *to, const char *body)
{
	uint32_t n = hex("01000000 fc020000 80020000 00000000", p);

	n += hex(body, p + n);
	rig_answer(to, p, n);
}

struct frame *fab_take_ct(uint16_t cmd)
{
	struct frame *f = rig_take();

	ck_assert_uint_eq(f->h.r_ctl, RCTL_CT_REQ);
	ck_assert_uint_eq(f->h.type, TYPE_CT);
	ck_assert_uint_eq(f->h.d_id, FC_ID_NAMES);
	ck_assert_uint_eq(f->h.s_id, FAB_US);
	ck_assert_uint_eq(get_be16(f->p + 8), cmd);
	return f;
}

void fab_flogi_answer(struct frame *f)
{
	struct fc_hdr h = { .r_ctl = RCTL_ELS_RSP,
			    .type = TYPE_ELS,
			    .ox_id = f->h.ox_id,
			    .d_id = FAB_US,
			    .s_id = FC_ID_FABRIC,
			    .f_ctl = 0x990000 };

	rig_login(p, ELS_LS_ACC, 0x1122334455667788ull, LOGIN_F_PORT);
	put_be32(p + 12, 7000);
	put_be32(p + 16, 1000);
	rig_frame(&h, p, LOGIN_LEN);
}

void fab_accept_login(const struct frame *f)
{
	rig_login(p, ELS_LS_ACC, 0x99, 0);
	rig_answer(f, p, LOGIN_LEN);
}

void fab_accept_els(const struct frame *f)
{
	rig_answer(f, (const uint8_t *)"\x02\0\0\0", 4);
}

/* Registered; a host's search is under way. */
void fab_registered(uint8_t roles)
{
	rig_start(WEFT_FCM_NATIVE, roles);
	rig_link_up();
	fab_flogi_answer(rig_take());
	fab_accept_login(rig_take_els(ELS_PLOGI, FAB_US, FC_ID_NAMES));
	fab_accept_ct(fab_take_ct(0x0213), "");
	fab_accept_ct(fab_take_ct(0x0217), "");
	fab_accept_ct(fab_take_ct(0x021f), "");
	fab_accept_els(rig_take_els(ELS_SCR, FAB_US, FC_ID_CONTROLLER));
}

/* The port of an entry of the list is found, named and logged in to. */
void fab_port_found(uint32_t id, uint64_t wwpn)
{
	char name[20];
	struct frame *f = fab_take_ct(0x0112);

	ck_assert_uint_eq(get_be32(f->p + 16), id);
	snprintf(name, sizeof(name), "%016llx", (unsigned long long)wwpn);
	fab_accept_ct(f, name);
	f = rig_take_els(ELS_PLOGI, FAB_US, id);
	rig_login(p, ELS_LS_ACC, wwpn, 0);
	rig_answer(f, p, LOGIN_LEN);
	f = rig_take_els(ELS_PRLI, FAB_US, id);
	rig_prli(p, ELS_LS_ACC, 1, 0x10);
	rig_answer(f, p, PRLI_LEN);
	ck_assert_ptr_nonnull(fc_rport(fc_rport_by_id(id)));
}

void fab_one_target(void)
{
	fab_registered(HOST);
	fab_accept_ct(fab_take_ct(0x0171), "80010301");
	fab_port_found(0x010301, LOW_WWPN);
	rig_quiet();
}

void fab_rscn(const char *pages)
{
	uint32_t n = hex(pages, p + 4);

	p[0] = ELS_RSCN;
	p[1] = 4;
	put_be16(p + 2, n + 4);
	rig_request(FC_ID_CONTROLLER, FAB_US, p, n + 4);
	rig_take_accept();
}

/* --- a neighbour --------------------------------------------------------------------------------- */

uint32_t vn_build(void)
{
	uint32_t n = hex("011018010004 0257000000aa 8914 1000 0005 00 00 0000 0000"
			 "0202 0257000000aa 0403 0000 4100000000000001 0b05 0efd00000000 00 000000",
			 vn_frame);

	vn_frame[19] = vn.code;
	put_be16(vn_frame + 22, vn.flags);
	put_be24(vn_frame + 49, vn.id);
	put_be24(vn_frame + 53, vn.id);
	put_be64(vn_frame + n, vn.wwpn);
	n += 8;
	if (vn.types && vn.code >= CLAIM) {
		memset(vn_frame + n, 0, 168);
		vn_frame[n] = 15;
		vn_frame[n + 1] = 41;
		if (vn.types == 1)
			put_be32(vn_frame + n + 8, 0x100);
		else
			put_be32(vn_frame + n + 4, 0x100);
		vn_frame[n + 164] = 6;
		vn_frame[n + 165] = 1;
		put_be16(vn_frame + n + 166, 2158);
		n += 168;
	}
	put_be16(vn_frame + 20, (n - 24) / 4);
	memset(vn_frame + n, 0, vn.pad);
	return n + vn.pad;
}

void vn_input(uint32_t len)
{
	uint8_t *lent = malloc(len ? len : 1);

	memcpy(lent, vn_frame, len);
	fip_input(lent, len);
	free(lent);
}

void vn_comes(uint8_t code, uint32_t id, uint64_t wwpn)
{
	vn.code = code;
	vn.id = id;
	vn.wwpn = wwpn;
	vn_input(vn_build());
}

struct frame *vn_take(uint8_t code)
{
	struct frame *e = rig_take();

	ck_assert(e->ether);
	ck_assert_uint_eq(get_be16(e->p + 12), 0x8914);
	ck_assert_uint_eq(e->p[19], code);
	return e;
}

uint32_t vn_id_of(const struct frame *e)
{
	return get_be24(e->p + 53);
}

void vn_start(uint8_t roles)
{
	memset(&vn, 0, sizeof(vn));
	rig_start(WEFT_FCM_VN2VN, roles);
}

/* Up to our claim, or to the first beacon. */
void vn_probing(uint8_t roles)
{
	vn_start(roles);
	rig_advance(101);
	vn_take(PROBE);
}

void vn_claiming(uint8_t roles)
{
	vn_probing(roles);
	rig_advance(102);
	vn_take(PROBE);
	rig_advance(403);
	vn_take(CLAIM);
	rig_quiet();
}

void vn_up(uint8_t roles)
{
	vn_claiming(roles);
	rig_advance(403);
	vn_take(BEACON);
	rig_quiet();
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
}

/* A target is there and ready. */
void vn_ready(void)
{
	uint8_t p[LOGIN_LEN];

	vn_up(HOST);
	vn.types = 1;
	vn_comes(CLAIM_REPLY, VN_PEER, LOW_WWPN);
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(rig_take_els(ELS_PLOGI, VN_US, VN_PEER), p, sizeof(p));
	rig_prli(p, ELS_LS_ACC, 1, 0x10);
	rig_answer(rig_take_els(ELS_PRLI, VN_US, VN_PEER), p, PRLI_LEN);
	ck_assert_uint_eq(rig.ready[0], 1);
	ck_assert_uint_eq(rig.credit, ENG_FC_CREDIT_OFF); /* logins tell nothing of it here */
}
