/* SPDX-License-Identifier: BSD-2-Clause */
#include "qp.h"

#include <string.h>

#include "fc_nvme/fcn.h"
#include "flash/service.h"
#include "lib/err.h"
#include "nvme_tcp/nt_ctl.h"

/* Bits of HOST_STATUS */
#define QP_STATUS_READY 1u
#define QP_STATUS_AQ_UP 4u

uint8_t qp_is_fc[WEFT_N_QP];
static struct qp qps[WEFT_N_QP];
static uint32_t slot_map[WEFT_N_SLOTS / 32]; /* 1: taken */

static bool run_free(uint32_t base, uint32_t n)
{
	for (uint32_t s = base; s < base + n; s++)
		if (slot_map[s / 32] & 1u << s % 32)
			return false;
	return true;
}

static void run_mark(uint32_t base, uint32_t n, bool taken)
{
	for (uint32_t s = base; s < base + n; s++) {
		if (taken)
			slot_map[s / 32] |= 1u << s % 32;
		else
			slot_map[s / 32] &= ~(1u << s % 32);
	}
}

/* First run of n slots (a power of two) at a multiple of n; WEFT_N_SLOTS when there is none. */
static uint32_t run_find(uint32_t n)
{
	uint32_t base = 0;

	while (base < WEFT_N_SLOTS && !run_free(base, n))
		base += n;
	return base;
}

void qp_init(void)
{
	memset(qps, 0, sizeof(qps));
	memset(slot_map, 0, sizeof(slot_map));
	memset(qp_is_fc, 0, sizeof(qp_is_fc));
	for (uint32_t i = 0; i < WEFT_N_QP; i++)
		qps[i].delete_slot = ENG_NO_SLOT;
	run_mark(0, QP_ADMIN_SLOTS, true);
}

const struct qp *qp_get(uint16_t qp)
{
	return qp < WEFT_N_QP && qps[qp].used ? &qps[qp] : NULL;
}

static bool args_ok(const struct weft_arg_qp_create *a)
{
	return a->qp > 0 && a->qp < WEFT_N_QP && a->vector < WEFT_N_VECTORS && a->sq_log2 >= 1 &&
	       a->sq_log2 <= 10 && a->cq_log2 > a->sq_log2 && a->cq_log2 <= 12 &&
	       !(a->sq_base & 63) && !(a->cq_base & 63);
}

/* The longest link service that every port takes: Create Association, behind struct fc_rx. */
#define LS_SIZE_MIN 1088u

static bool fc_args_ok(const struct weft_arg_qp_create *a)
{
	uint32_t role = a->flags & ~WEFT_QPF_FC;

	if ((a->rx_cmd & 63) || (a->rx_icd & 63))
		return false;
	if (role == WEFT_QPF_LS)
		return !a->rx_cmd && a->icd_size >= LS_SIZE_MIN && !(a->icd_size & 63) &&
		       a->icd_size <= WEFT_PDU_DATA_MAX;
	return !a->rx_icd && !a->icd_size &&
	       (!role || (role == WEFT_QPF_CONTROLLER && a->cq_log2 >= a->sq_log2 + 2));
}

/* What only some roles have. */
static bool role_args_ok(const struct weft_arg_qp_create *a)
{
	if (a->flags & WEFT_QPF_FC)
		return fc_args_ok(a);
	if (!a->flags)
		return !a->rx_cmd && !a->rx_icd && !a->icd_size;
	return a->flags == WEFT_QPF_CONTROLLER && a->cq_log2 >= a->sq_log2 + 2 &&
	       !(a->rx_cmd & 63) && !(a->rx_icd & 63) && !(a->icd_size & 63) &&
	       a->icd_size <= WEFT_PDU_DATA_MAX;
}

static uint16_t create_role(const struct weft_arg_qp_create *a)
{
	if (a->flags & WEFT_QPF_FC)
		return fcn_qp_create(a->qp, a);
	nt_ctl_create(a);
	return 0;
}

uint16_t qp_create(const struct weft_arg_qp_create *a)
{
	struct eng_qp_ctx ctx = { 0 };
	uint32_t base, n;
	uint16_t err;

	if (!args_ok(a) || !role_args_ok(a))
		return EINVAL;
	if (qps[a->qp].used)
		return EEXIST;
	n = 1u << a->sq_log2;
	base = run_find(n);
	if (base >= WEFT_N_SLOTS)
		return ENOSPC;
	run_mark(base, n, true);
	qps[a->qp].used = true;
	qps[a->qp].slot_base = (uint16_t)base;
	qps[a->qp].entries = (uint16_t)n;
	qps[a->qp].controller = a->flags & WEFT_QPF_CONTROLLER;
	qps[a->qp].fc = a->flags & WEFT_QPF_FC;
	qp_is_fc[a->qp] = qps[a->qp].fc;
	err = create_role(a);
	if (err) {
		run_mark(base, n, false);
		qps[a->qp].used = false;
		qp_is_fc[a->qp] = false;
		return err;
	}
	ctx.sq_base_lo = (uint32_t)a->sq_base;
	ctx.sq_base_hi = (uint32_t)(a->sq_base >> 32);
	ctx.cq_base_lo = (uint32_t)a->cq_base;
	ctx.cq_base_hi = (uint32_t)(a->cq_base >> 32);
	ctx.sizes = a->sq_log2 | (uint32_t)a->cq_log2 << 8 | (uint32_t)a->vector << 16;
	ctx.slots = base | (uint32_t)a->coal_count << 16 | (uint32_t)a->coal_us << 24;
	hal_qp_start(a->qp, &ctx);
	if (qps[a->qp].fc)
		fcn_qp_started(a->qp);
	return 0;
}

uint16_t qp_delete(uint16_t qp, uint16_t admin_slot)
{
	if (!qp || !qp_get(qp))
		return ENXIO;
	if (qps[qp].stopping)
		return EALREADY;
	qps[qp].stopping = true;
	qps[qp].delete_slot = admin_slot;
	hal_qp_stop(qp);
	return 0;
}

uint32_t qp_slots_free(void)
{
	uint32_t n = 0;

	for (uint32_t s = 0; s < WEFT_N_SLOTS; s++)
		n += !(slot_map[s / 32] & 1u << s % 32);
	return n;
}

static void delete_done(struct qp *q)
{
	const struct hal_cpl cpl = { .type = WEFT_CQT_ADMIN,
				     .cid = q->delete_slot,
				     .slot = q->delete_slot };

	run_mark(q->slot_base, q->entries, false);
	if (q->delete_slot != ENG_NO_SLOT)
		hal_complete(&cpl);
	q->delete_slot = ENG_NO_SLOT;
}

/* Its slots stay its own. The host may have enabled it again meanwhile. */
static void admin_down(void)
{
	nt_forget_admin();
	fcn_forget_admin();
	flash_forget_admin();
	for (uint32_t i = 0; i < WEFT_N_QP; i++)
		qps[i].delete_slot = ENG_NO_SLOT;
	hal_host_status(QP_STATUS_READY, 0);
	qp_admin_changed();
}

void qp_stopped(uint16_t qp)
{
	struct qp *q;

	if (qp >= WEFT_N_QP || !qps[qp].stopping)
		return;
	q = &qps[qp];
	hal_qp_free_slots(qp);
	q->used = false;
	q->stopping = false;
	q->fc = false;
	qp_is_fc[qp] = false;
	if (qp)
		delete_done(q);
	else
		admin_down();
}

static void admin_up(const uint32_t r[6])
{
	uint32_t sq = r[4] & 15, cq = r[4] >> 8 & 15;
	const struct eng_qp_ctx ctx = {
		.sq_base_lo = r[0],
		.sq_base_hi = r[1],
		.cq_base_lo = r[2],
		.cq_base_hi = r[3],
		.sizes = sq | cq << 8,
	};

	if (sq < 2 || sq > 6 || cq <= sq || cq > 10 || (r[0] & 63) || (r[2] & 63)) {
		hal_host_status(QP_STATUS_READY, EINVAL); /* what the host sees instead of AQ_UP */
		return;
	}
	hal_qp_start(0, &ctx);
	qps[0].used = true;
	qps[0].entries = (uint16_t)(1u << sq);
	hal_host_status(QP_STATUS_READY | QP_STATUS_AQ_UP, 0);
}

void qp_admin_changed(void)
{
	uint32_t r[6];

	hal_admin_rings(r);
	if ((r[5] & 1) && !qps[0].used) { /* a second write of 1 must not restart rings under way */
		admin_up(r);
	} else if (!(r[5] & 1) && qps[0].used && !qps[0].stopping) {
		qps[0].stopping = true;
		hal_qp_stop(0);
	}
}
