/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The adapter's admin queue pair: start and stop, asynchronous and synchronous commands, the simple
 * ones of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Gives the rings to the device. */
static int enable(struct weft_dev *dev, const struct weft_qp *qp)
{
	const uint32_t set[][2] = {
		{ WEFT_ASQ_LO, (uint32_t)qp->sq_iova },
		{ WEFT_ASQ_HI, (uint32_t)(qp->sq_iova >> 32) },
		{ WEFT_ACQ_LO, (uint32_t)qp->cq_iova },
		{ WEFT_ACQ_HI, (uint32_t)(qp->cq_iova >> 32) },
		{ WEFT_AQ_SIZE, dev->params.admin_sq_log2 | (dev->params.admin_sq_log2 + 1u)
								    << WEFT_AQ_SIZE_CQ_LOG2_LSB },
		{ WEFT_AQ_CTRL, WEFT_AQ_CTRL_ENABLE_MASK },
	};
	unsigned int i;
	int rc = 0;

	for (i = 0; i < sizeof(set) / sizeof(set[0]) && !rc; i++)
		rc = weft__write32(dev, set[i][0], set[i][1]);
	if (!rc)
		rc = weft__wait_status(dev, WEFT_STATUS_AQ_UP_MASK, WEFT_STATUS_AQ_UP_MASK,
				       "admin pair did not start");
	dev->up = !rc;
	return rc;
}

/* Makes the pair, or after a reset starts the one there is. */
int weft__admin_start(struct weft_dev *dev)
{
	struct weft_qp *qp = dev->qp[0];
	int rc;

	if (qp) {
		weft__ring_reset(qp);
		qp->state = QP_LIVE;
		return enable(dev, qp);
	}
	qp = calloc(1, sizeof(*qp));
	if (!qp)
		return -ENOMEM;
	qp->dev = dev;
	qp->params.event_cb = dev->params.event_cb;
	qp->params.arg = dev->params.event_arg;
	rc = weft__ring_alloc(qp, dev->params.admin_sq_log2, dev->params.admin_sq_log2 + 1u);
	if (rc)
		goto free_qp;
	rc = weft__irq_get(dev, 0);
	if (rc)
		goto free_ring;
	rc = enable(dev, qp);
	if (rc)
		goto put_irq;
	qp->state = QP_LIVE;
	dev->qp[0] = qp;
	return 0;
put_irq:
	dev->bus->ops->write32(dev->bus, WEFT_AQ_CTRL, 0);
	weft__irq_put(dev, 0);
free_ring:
	weft__ring_free(qp);
free_qp:
	free(qp);
	return rc;
}

void weft__admin_stop(struct weft_dev *dev)
{
	struct weft_qp *qp = dev->qp[0];

	dev->up = false;
	weft__write32(dev, WEFT_AQ_CTRL, 0);
	/*
	 * the rings' memory may go only when nothing reads or writes them; a device that does not
	 * say so is about to be reset
	 */
	weft__wait_status(dev, WEFT_STATUS_AQ_UP_MASK, 0, "admin pair did not stop");
	weft__irq_put(dev, 0);
	weft__ring_free(qp);
	free(qp);
	dev->qp[0] = NULL;
}

void weft__admin_complete(struct weft_qp *qp, const struct weft_cq_entry *cqe,
			  struct cmd_slot *slot, int err)
{
	struct weft_admin_result r = { .error = err };

	(void)qp;
	if (cqe) /* with an error, too: some opcodes tell more about it */
		memcpy(r.dw, cqe->cqe, sizeof(r.dw));
	if (slot->admin_cb)
		slot->admin_cb(slot->cookie, &r);
}

/*
 * A free cid; they are used in turn, so that a late completion of an old command does not meet a
 * new one at once.
 */
static int free_cid(struct weft_dev *dev)
{
	struct weft_qp *qp = dev->qp[0];
	uint32_t i;

	for (i = 0; i < qp->entries; i++) {
		uint32_t cid = (dev->admin_next + i) % qp->entries;

		if (!qp->slot[cid].busy) {
			dev->admin_next = cid + 1;
			return (int)cid;
		}
	}
	return -EAGAIN;
}

int weft_admin_submit(struct weft_dev *dev, uint8_t opcode, const void *args, size_t len,
		      weft_admin_fn *cb, void *arg)
{
	struct weft_qp *qp = dev->qp[0];
	struct weft_admin_entry *e;
	int cid;

	_Static_assert(sizeof(struct weft_admin_entry) == sizeof(struct weft_sq_entry),
		       "one ring, two views");
	if (len > sizeof(e->args))
		return -EINVAL;
	if (atomic_load(&dev->gone))
		return weft_set_error(-ENODEV, "the device is gone");
	if (qp->state != QP_LIVE)
		return weft_set_error(-ENOTCONN, "the device is being reset");
	cid = free_cid(dev);
	e = (void *)weft__ring_next(qp);
	if (cid < 0 || !e)
		return weft_set_error(-EAGAIN, "the admin ring is full");
	memset(e, 0, sizeof(*e));
	e->opcode = opcode;
	e->cid = (uint16_t)cid;
	if (len)
		memcpy(e->args, args, len);
	qp->slot[cid] = (struct cmd_slot){ .busy = true, .cookie = arg, .admin_cb = cb };
	weft__ring_push(qp);
	weft_qp_doorbell(
		qp); /* a device that is gone shows at the next poll, which ends the command */
	return 0;
}

struct sync {
	struct weft_admin_result result;
	bool done;
};

static void sync_done(void *arg, const struct weft_admin_result *result)
{
	struct sync *s = arg;

	s->result = *result;
	s->done = true;
}

static bool sync_is_done(void *arg)
{
	return ((struct sync *)arg)->done;
}

void weft_admin_forget(struct weft_dev *dev, weft_admin_fn *cb, const void *arg)
{
	struct weft_qp *qp = dev->qp[0];
	unsigned int cid;

	for (cid = 0; cid < qp->entries; cid++)
		if (qp->slot[cid].busy && qp->slot[cid].admin_cb == cb &&
		    qp->slot[cid].cookie == arg)
			qp->slot[cid].admin_cb = NULL;
}

unsigned int weft__admin_room(const struct weft_dev *dev)
{
	return dev->qp[0]->entries - 1u - dev->qp[0]->inflight;
}

int weft_admin(struct weft_dev *dev, uint8_t opcode, const void *args, size_t len,
	       uint32_t timeout_ms, struct weft_admin_result *result)
{
	uint64_t limit = (timeout_ms ? timeout_ms : dev->params.timeout_ms) * NSEC_PER_MSEC;
	struct sync s = { .done = false };
	int rc = weft_admin_submit(dev, opcode, args, len, sync_done, &s);

	if (rc)
		return rc;
	rc = weft__wait(dev, sync_is_done, &s, limit);
	if (!s.done) {
		weft_admin_forget(dev, sync_done, &s);
		if (rc == -ETIMEDOUT)
			weft_set_error(rc, "admin command 0x%02x did not complete in time", opcode);
		return rc;
	}
	if (result)
		*result = s.result;
	if (s.result.error)
		return weft_set_error(s.result.error, "admin command 0x%02x: %s", opcode,
				      strerror(-s.result.error));
	return 0;
}

int weft_nop(struct weft_dev *dev, uint32_t echo)
{
	struct weft_admin_result r;
	int rc = weft_admin(dev, WEFT_OP_NOP, &echo, sizeof(echo), 0, &r);

	if (!rc && r.dw[0] != echo)
		rc = weft_set_error(-EIO, "NOP came back with 0x%08x, not 0x%08x", r.dw[0], echo);
	return rc;
}

int weft_port_set(struct weft_dev *dev, const struct weft_port *port)
{
	struct weft_arg_port a = {
		.ip = port->ip, .mask = port->mask, .gateway = port->gateway, .mtu = port->mtu
	};

	if (port->mtu < 576 || port->mtu > 9000)
		return weft_set_error(-EINVAL, "MTU %u is not in 576..9000", port->mtu);
	memcpy(a.mac, port->mac, sizeof(a.mac));
	return weft_admin(dev, WEFT_OP_PORT_SET, &a, sizeof(a), 0, NULL);
}

int weft_port_get(struct weft_dev *dev, struct weft_port *port)
{
	struct weft_admin_result r;
	int rc = weft_admin(dev, WEFT_OP_PORT_GET, NULL, 0, 0, &r);

	if (rc)
		return rc;
	memset(port, 0, sizeof(*port));
	port->ip = r.dw[0];
	port->mtu = (uint16_t)r.dw[1];
	port->mac[0] = (uint8_t)(r.dw[1] >> 16);
	port->mac[1] = (uint8_t)(r.dw[1] >> 24);
	memcpy(&port->mac[2], &r.dw[2], 4);
	return 0;
}
