/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin.h"

#include "fc_nvme/fcn.h"
#include "flash/service.h"
#include "lib/err.h"
#include "net/net.h"
#include "nvme_tcp/nt_ctl.h"
#include "qp.h"

/* A handler's answer when another event will complete the entry. */
#define LATER 0xffffu

/* Handlers return 0 or a positive errno for a completion now, with dw as result, or LATER. */
typedef uint16_t admin_fn(const void *args, uint16_t slot, uint32_t dw[4]);

static uint16_t op_nop(const void *args, uint16_t slot, uint32_t dw[4])
{
	(void)slot;
	dw[0] = *(const uint32_t *)args;
	return 0;
}

static uint16_t op_port_set(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_port *a = args;
	struct net_port port = {
		.ip = a->ip, .mask = a->mask, .gateway = a->gateway, .mtu = a->mtu
	};

	(void)slot;
	(void)dw;
	for (int i = 0; i < 6; i++)
		port.mac[i] = a->mac[i];
	return (uint16_t)-net_configure(&port);
}

static uint16_t op_port_get(const void *args, uint16_t slot, uint32_t dw[4])
{
	const uint8_t *mac = net_port.mac;

	(void)args;
	(void)slot;
	dw[0] = net_port.ip;
	dw[1] = net_port.mtu | (uint32_t)mac[0] << 16 | (uint32_t)mac[1] << 24;
	dw[2] = mac[2] | (uint32_t)mac[3] << 8 | (uint32_t)mac[4] << 16 | (uint32_t)mac[5] << 24;
	return 0;
}

static uint16_t op_qp_create(const void *args, uint16_t slot, uint32_t dw[4])
{
	(void)slot;
	(void)dw;
	return qp_create(args);
}

static uint16_t op_qp_delete(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_qp *a = args;
	uint16_t err;

	(void)dw;
	if (!a->qp || !qp_get(a->qp))
		return ENXIO;
	if (qp_get(a->qp)->stopping)
		return EALREADY;
	if (nt_conns[a->qp].state != NT_IDLE || (qp_is_fc[a->qp] && fcn_qp_delete(a->qp)))
		return EBUSY;
	err = qp_delete(a->qp, slot);
	return err ? err : LATER;
}

static uint16_t op_connect(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_connect *a = args;
	const struct qp *q = a->qp ? qp_get(a->qp) : NULL;
	uint16_t err;

	(void)dw;
	if (!q)
		return ENXIO;
	if (q->stopping) /* its slots are about to go */
		return EBUSY;
	if (q->controller || q->fc)
		return EINVAL;
	err = nt_connect(a, slot, q->slot_base, q->entries);
	return err ? err : LATER;
}

static uint16_t op_listen(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_listen *a = args;

	(void)slot;
	(void)dw;
	return nt_listen(a->port);
}

static uint16_t op_unlisten(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_listen *a = args;

	(void)slot;
	(void)dw;
	return nt_unlisten(a->port);
}

static uint16_t op_accept(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_accept *a = args;
	const struct qp *q = a->qp ? qp_get(a->qp) : NULL;
	uint16_t err;

	(void)dw;
	if (!q)
		return ENXIO;
	if (q->stopping)
		return EBUSY;
	if (!q->controller || q->fc)
		return EINVAL;
	err = nt_accept(a, slot, q->slot_base, q->entries);
	return err ? err : LATER;
}

static uint16_t op_disconnect(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_disconnect *a = args;
	uint16_t err;

	(void)dw;
	if (!a->qp || !qp_get(a->qp))
		return ENXIO;
	if (qp_is_fc[a->qp])
		return EINVAL;
	err = nt_disconnect(a->qp, a->abort & 1, slot);
	return err ? err : LATER;
}

static uint16_t op_conn_stats(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_conn_stats *a = args;
	struct tcp_stats st;

	(void)slot;
	if (!a->qp || !qp_get(a->qp))
		return ENXIO;
	if (qp_is_fc[a->qp])
		return EINVAL;
	tcp_get_stats(a->qp, &st);
	switch (a->page) {
	case 0:
		dw[0] = st.segs_out;
		dw[1] = st.segs_in;
		dw[2] = st.retransmits;
		return 0;
	case 1:
		dw[0] = st.dup_acks;
		dw[1] = st.rtos;
		dw[2] = st.fast_retransmits;
		return 0;
	case 2:
		dw[0] = (uint32_t)st.state;
		dw[1] = st.srtt_us;
		dw[2] = st.cwnd;
		return 0;
	case 3:
		dw[0] = nt_conns[a->qp].stats.pdus_sent;
		dw[1] = nt_conns[a->qp].stats.pdus_received;
		dw[2] = nt_conns[a->qp].stats.ddgst_errors;
		return 0;
	default:
		return EINVAL;
	}
}

static uint16_t op_fc_port_set(const void *args, uint16_t slot, uint32_t dw[4])
{
	(void)slot;
	(void)dw;
	return fc_port_set(args);
}

static uint16_t op_fc_port_get(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_fc_page *a = args;

	(void)slot;
	return fc_port_get(a->page, dw);
}

static uint16_t op_fc_rport_get(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_fc_page *a = args;

	(void)slot;
	return fc_rport_get(a->index, a->page, dw);
}

static uint16_t op_fc_abort(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_fc_abort *a = args;
	uint16_t err;

	(void)dw;
	if (!a->qp || !qp_get(a->qp))
		return ENXIO;
	err = fcn_abort(a->qp, a->cid, slot);
	return err ? err : LATER;
}

static uint16_t op_fc_rscn(const void *args, uint16_t slot, uint32_t dw[4])
{
	(void)args;
	(void)slot;
	(void)dw;
	return fc_rscn();
}

static uint16_t op_fc_logout(const void *args, uint16_t slot, uint32_t dw[4])
{
	const struct weft_arg_fc_page *a = args;

	(void)slot;
	(void)dw;
	return fc_logout(a->index);
}

static admin_fn *const handlers[] = {
	[WEFT_OP_NOP] = op_nop,
	[WEFT_OP_PORT_SET] = op_port_set,
	[WEFT_OP_PORT_GET] = op_port_get,
	[WEFT_OP_QP_CREATE] = op_qp_create,
	[WEFT_OP_QP_DELETE] = op_qp_delete,
	[WEFT_OP_CONNECT] = op_connect,
	[WEFT_OP_DISCONNECT] = op_disconnect,
	[WEFT_OP_CONN_STATS] = op_conn_stats,
	[WEFT_OP_LISTEN] = op_listen,
	[WEFT_OP_UNLISTEN] = op_unlisten,
	[WEFT_OP_ACCEPT] = op_accept,
	[WEFT_OP_FC_PORT_SET] = op_fc_port_set,
	[WEFT_OP_FC_PORT_GET] = op_fc_port_get,
	[WEFT_OP_FC_RPORT_GET] = op_fc_rport_get,
	[WEFT_OP_FC_ABORT] = op_fc_abort,
	[WEFT_OP_FC_RSCN] = op_fc_rscn,
	[WEFT_OP_FC_LOGOUT] = op_fc_logout,
};

void admin_submit(uint16_t slot)
{
	const struct weft_admin_entry *e = (const void *)hal_slot_entry(slot);
	struct hal_cpl cpl = { .type = WEFT_CQT_ADMIN, .cid = slot, .slot = slot };
	const struct qp *q = qp_get(0);

	if (!q ||
	    q->stopping) /* no completion may follow when the host sees that the pair is down */
		return;
	if (flash_takes(e->opcode))
		cpl.status = flash_submit(slot);
	else if (e->opcode >= sizeof(handlers) / sizeof(handlers[0]) || !handlers[e->opcode])
		cpl.status = EOPNOTSUPP;
	else
		cpl.status = handlers[e->opcode](
			e->args, slot, cpl.dw); /* the host cannot change a slot that is in use */
	if (cpl.status != LATER)
		hal_complete(&cpl);
}
