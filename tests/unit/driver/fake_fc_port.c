/* SPDX-License-Identifier: BSD-2-Clause */
/* The Fibre Channel port of a fake adapter: pairs, link, names, the admin pair's opcodes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_fc.h"

static struct {
	unsigned int skip, count;
} faults[FAKE_FC_FAULTS];

void fake_fc_fault(enum fake_fc_fault fault, unsigned int skip, unsigned int count)
{
	faults[fault].skip = skip;
	faults[fault].count = count;
}

bool fake_fc_hit(enum fake_fc_fault fault)
{
	if (!faults[fault].count)
		return false;
	if (faults[fault].skip) {
		faults[fault].skip--;
		return false;
	}
	faults[fault].count--;
	return true;
}

void fake_fc_join(struct fake *a, struct fake *b)
{
	struct fake *f[2] = { a, b };

	for (int i = 0; i < 2; i++) {
		f[i]->fc = calloc(1, sizeof(struct fake_fc));
		f[i]->fc->f = f[i];
		f[i]->fc->peer = f[!i];
		f[i]->fc->index = (uint16_t)(3 + 2 * i);
		f[i]->fc->id = 0x010201u + (uint32_t)i;
	}
}

void fake_fc_free(struct fake *f)
{
	for (int i = 0; f->fc && i < 128; i++)
		free(f->fc->pair[i]);
	free(f->fc);
	f->fc = NULL;
}

/* --- link ------------------------------------------------------------------------------------------- */

static void tell_link(struct fake_fc *fc)
{
	uint32_t state = fc->up        ? WEFT_FCS_UP | WEFT_FCT_PTP << 8 :
			 fc->port.mode ? WEFT_FCS_DOWN :
					 WEFT_FCS_OFF;

	if (fc->ls_qp)
		fake_event(fc->f, fc->ls_qp, WEFT_EV_FC_LINK, state, fc->up ? fc->id : 0);
}

static void tell_rport(struct fake_fc *fc, bool there)
{
	const struct fake_fc *p = fc->peer->fc;

	if (fc->ls_qp)
		fake_event(fc->f, fc->ls_qp, WEFT_EV_FC_RPORT, fc->index | (uint32_t)there << 16,
			   p->id | (uint32_t)p->port.roles << 24);
}

/* What the cable and the two ports' settings make of it. */
static void update(struct fake_fc *a)
{
	struct fake_fc *fc[2] = { a, a->peer->fc };
	bool up = a->cable && fc[0]->port.mode && fc[1]->port.mode;

	if (a->up == up)
		return;
	fc[0]->up = fc[1]->up = up;
	for (int i = 0; i < 2; i++) {
		if (!up) {
			fake_fc_lose_all(fc[i]);
			tell_rport(fc[i], false);
		}
		tell_link(fc[i]);
		if (up)
			tell_rport(fc[i], true);
	}
}

void fake_fc_cable(struct fake *f, bool in)
{
	f->fc->cable = f->fc->peer->fc->cable = in;
	update(f->fc);
}

void fake_fc_rscn(struct fake *f)
{
	fake_event(f, f->fc->ls_qp, WEFT_EV_FC_RSCN, f->fc->index, 0);
}

void fake_fc_reset(struct fake *f)
{
	struct fake_fc *fc = f->fc;

	if (!fc)
		return;
	for (int i = 0; i < 128; i++) {
		free(fc->pair[i]);
		fc->pair[i] = NULL;
	}
	fc->ls_qp = fc->target_qp = 0;
	fc->port.mode = 0;
	update(fc);
	fc->n_late = fc->n_kept = 0;
}

/* --- pairs ------------------------------------------------------------------------------------------ */

static bool memory_ok(struct fake *f, const struct weft_arg_qp_create *a)
{
	size_t n = (size_t)1 << a->sq_log2;

	if (a->flags & WEFT_QPF_LS)
		return !a->rx_cmd && a->icd_size >= 1088 && a->icd_size % 64 == 0 &&
		       fake_mem(f, a->rx_icd, n / 2 * a->icd_size);
	if (a->rx_icd || a->icd_size)
		return false;
	if (a->flags & WEFT_QPF_CONTROLLER)
		return a->cq_log2 >= a->sq_log2 + 2 &&
		       fake_mem(f, a->rx_cmd, n * WEFT_FC_RX_CMD_SIZE);
	return fake_mem(f, a->rx_cmd, n * WEFT_FC_RSP_SIZE);
}

uint16_t fake_fc_create(struct fake *f, const struct weft_arg_qp_create *a)
{
	struct fake_fc *fc = f->fc;
	struct fake_fc_pair *p;

	if (!fc || !memory_ok(f, a) || a->rx_cmd % 64 || a->rx_icd % 64) {
		fake_violation(f, "QP_CREATE of an FC pair, flags %x", a->flags);
		return EINVAL;
	}
	if ((a->flags & WEFT_QPF_LS) && fc->ls_qp)
		return EEXIST;
	if (a->flags == WEFT_QPF_FC && fake_fc_hit(FAKE_QP_FAIL))
		return ENOSPC;
	p = calloc(1, sizeof(*p));
	p->flags = a->flags;
	p->entries = 1u << a->sq_log2;
	p->rx_cmd = a->rx_cmd;
	p->rx_icd = a->rx_icd;
	p->icd_size = a->icd_size;
	p->first_rx = a->flags & WEFT_QPF_CONTROLLER ? 0 :
		      a->flags & WEFT_QPF_LS         ? p->entries / 2 :
						       p->entries;
	fc->pair[a->qp] = p;
	if (a->flags & WEFT_QPF_LS)
		fc->ls_qp = a->qp;
	if (a->flags & WEFT_QPF_CONTROLLER)
		fc->target_qp = a->qp;
	if (a->flags & WEFT_QPF_LS)
		tell_link(fc);
	return 0;
}

uint16_t fake_fc_delete(struct fake *f, uint16_t qp)
{
	struct fake_fc *fc = f->fc;
	struct fake_fc_pair *p = fc ? fc->pair[qp] : NULL;

	for (unsigned int i = 0; p && i < p->entries; i++)
		if (p->x[i].state != X_FREE)
			return EBUSY;
	if (!p)
		return 0;
	if (fc->busy_deletes) {
		fc->busy_deletes--;
		return EBUSY;
	}
	if (fc->ls_qp == qp)
		fc->ls_qp = 0;
	if (fc->target_qp == qp)
		fc->target_qp = 0;
	fc->pair[qp] = NULL;
	free(p);
	return 0;
}

unsigned int fake_fc_in_use(const struct fake *f, bool ls)
{
	unsigned int n = 0;

	for (int qp = 1; qp < 128; qp++) {
		const struct fake_fc_pair *p = f->fc->pair[qp];

		for (unsigned int i = 0; p && i < p->entries; i++)
			n += p->x[i].state != X_FREE && !(p->flags & WEFT_QPF_LS) == !ls;
	}
	return n;
}

/* --- admin ------------------------------------------------------------------------------------------ */

static uint16_t port_set(struct fake_fc *fc, const struct weft_arg_fc_port *a)
{
	if (a->mode && (!a->wwpn || !a->wwnn || a->mode > WEFT_FCM_VN2VN || !a->roles))
		return EINVAL;
	if (!a->mode && fc->before_off)
		fc->before_off();
	fc->port.mode = 0;
	update(fc);
	fc->port = *a;
	if (a->mode && !fc->cable)
		tell_link(fc);
	update(fc);
	return 0;
}

static uint16_t rport_get(struct fake_fc *fc, const struct weft_arg_fc_page *a, uint32_t *dw)
{
	const struct fake_fc *p = fc->peer->fc;
	uint64_t name = a->page ? p->port.wwnn : p->port.wwpn;

	if (a->index != fc->index || !fc->up)
		return ENOENT;
	if (fake_fc_hit(FAKE_NO_NAMES))
		return EIO;
	dw[0] = (uint32_t)name;
	dw[1] = (uint32_t)(name >> 32);
	dw[2] = a->page ? 2112 : p->id | (uint32_t)p->port.roles << 24;
	return 0;
}

static uint16_t rscn(struct fake_fc *fc)
{
	fc->ops[OPS_RSCN]++;
	if (!fc->up)
		return ENETDOWN;
	fake_fc_rscn(fc->peer);
	return 0;
}

static uint16_t logout(struct fake_fc *fc, const struct weft_arg_fc_page *a)
{
	fc->ops[OPS_LOGOUT]++;
	if (a->index != fc->index || !fc->up)
		return ENOENT;
	fake_fc_cable(fc->f, false);
	return 0;
}

static uint16_t do_admin(struct fake_fc *fc, const struct weft_admin_entry *e, uint32_t *dw)
{
	const struct weft_arg_fc_page *page = (const void *)e->args;

	switch (e->opcode) {
	case WEFT_OP_FC_PORT_SET:
		return port_set(fc, (const void *)e->args);
	case WEFT_OP_FC_PORT_GET:
		dw[0] = fc->id | (uint32_t)page->page << 24;
		dw[1] = dw[2] = 7;
		return 0;
	case WEFT_OP_FC_RPORT_GET:
		return rport_get(fc, page, dw);
	case WEFT_OP_FC_RSCN:
		return rscn(fc);
	case WEFT_OP_FC_LOGOUT:
		return logout(fc, page);
	}
	fake_violation(fc->f, "admin opcode %02x", e->opcode);
	return EINVAL;
}

bool fake_fc_admin(struct fake *f, const struct weft_admin_entry *e, struct weft_cq_entry *out)
{
	const struct weft_arg_fc_abort *abort_arg = (const void *)e->args;
	struct fake_fc *fc = f->fc;
	uint32_t dw[3] = { 0 };

	if (e->opcode == WEFT_OP_FC_ABORT) {
		if (fc->hold_aborts) {
			f->qp[0].held[e->cid] = *(const struct weft_sq_entry *)e;
			fc->kept_abort[fc->n_kept++ % 64] = e->cid;
		} else {
			fake_fc_abort(fc, abort_arg->qp & 127, abort_arg->cid, e->cid);
		}
		return false;
	}
	out->status = do_admin(fc, e, dw);
	memcpy(out->cqe, dw, sizeof(dw));
	return true;
}

void fake_fc_answer_aborts(struct fake *f)
{
	struct fake_fc *fc = f->fc;

	fc->hold_aborts = false;
	while (fc->n_kept) {
		uint16_t cid = fc->kept_abort[--fc->n_kept];
		const struct weft_admin_entry *e = (const void *)&f->qp[0].held[cid];
		const struct weft_arg_fc_abort *a = (const void *)e->args;

		fake_fc_abort(fc, a->qp & 127, a->cid, cid);
	}
}
