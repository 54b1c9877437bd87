/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake adapter's bus: registers, doorbells, DMA map, interrupts, reset; making and freeing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_fc.h"

/* Counts a bus operation; true when it is the one that fails. */
static bool fails(struct fake *f)
{
	return ++f->ops == f->fail_at;
}

static int f_read32(struct weft_bus *bus, uint32_t off, uint32_t *val)
{
	struct fake *f = (struct fake *)bus;

	*val = ~0u;
	if (fails(f))
		return f->fail_err;
	if (f->gone)
		return 0;
	*val = 0;
	if (off == WEFT_MAGIC)
		*val = f->magic;
	else if (off == WEFT_VERSION)
		*val = f->version;
	else if (off == WEFT_CAPS0)
		*val = f->n_qp | WEFT_N_SLOTS << 16;
	else if (off == WEFT_CAPS1)
		*val = (uint32_t)f->n_vectors | 64u << 16;
	else if (off == WEFT_CTRL)
		*val = f->ctrl_run;
	else if (off == WEFT_STATUS)
		*val = (f->status_reads++ >= f->ready_after ? WEFT_STATUS_FW_READY_MASK : 0) |
		       WEFT_STATUS_LINK_UP_MASK | (f->aq_ctrl & 1 ? WEFT_STATUS_AQ_UP_MASK : 0) |
		       (f->fw_dead ? WEFT_STATUS_FW_DEAD_MASK : 0);
	else if (off == WEFT_FW_VERSION)
		*val = 0x010203;
	else if (off == WEFT_FW_STATUS)
		*val = f->fw_status;
	else if (off == WEFT_AQ_CTRL)
		*val = f->aq_ctrl;
	else if (off == WEFT_LOG_TAIL)
		*val = f->log_tail;
	else if (off == WEFT_SCRATCH)
		*val = f->scratch;
	else if (off >= WEFT_CNT_BASE && off < WEFT_CNT_BASE + 256)
		*val = f->counter[(off - WEFT_CNT_BASE) / 4];
	else if (off >= WEFT_LOG_WINDOW && off < WEFT_LOG_WINDOW + WEFT_LOG_SIZE)
		memcpy(val, &f->fwlog[off - WEFT_LOG_WINDOW], 4);
	return 0;
}

static void doorbell(struct fake *f, uint32_t off, uint32_t val)
{
	struct fake_qp *q = &f->qp[(off - WEFT_DB_PAGE) / WEFT_DB_STRIDE & 127];

	if (!q->live) {
		fake_violation(f, "doorbell 0x%x of a pair that is not there", off);
		return;
	}
	if (off % WEFT_DB_STRIDE == WEFT_DB_SQ_TAIL) {
		f->sq_doorbells++;
		if (val >= q->entries)
			fake_violation(f, "tail %u of %u", val, q->entries);
		else
			q->sq_tail = (uint16_t)val;
		if (f->eager)
			fake_run(f);
		return;
	}
	if ((val & 0xffff) >= q->cq_entries)
		fake_violation(f, "head %u of %u", val & 0xffff, q->cq_entries);
	q->cq_head = (uint16_t)val;
	q->armed = val & WEFT_DB_CQ_HEAD_ARM_MASK;
	fake_interrupt(f, q);
}

static int f_write32(struct weft_bus *bus, uint32_t off, uint32_t val)
{
	struct fake *f = (struct fake *)bus;

	if (fails(f))
		return f->fail_err;
	if (f->gone)
		return f->write_enodev ? -ENODEV : 0;
	if (off >= WEFT_DB_PAGE)
		doorbell(f, off, val);
	else if (off >= WEFT_ASQ_LO && off <= WEFT_ACQ_HI)
		f->aq[(off - WEFT_ASQ_LO) / 4] = val;
	else if (off == WEFT_AQ_SIZE)
		f->aq_size = val;
	else if (off == WEFT_CTRL)
		f->ctrl_run = val & 1;
	else if (off == WEFT_SCRATCH)
		f->scratch = val;
	else if (off == WEFT_AQ_CTRL) {
		f->aq_ctrl = val & 1;
		f->qp[0].live = false;
		if (f->aq_ctrl)
			fake_start_qp(&f->qp[0], f->aq[0] | (uint64_t)f->aq[1] << 32,
				      f->aq[2] | (uint64_t)f->aq[3] << 32, f->aq_size & 15,
				      f->aq_size >> 8 & 15, 0);
	} else {
		fake_violation(f, "write of 0x%x to 0x%x", val, off);
	}
	return 0;
}

static int f_dma_map(struct weft_bus *bus, void *addr, size_t len, unsigned int prot,
		     uint64_t *iova)
{
	struct fake *f = (struct fake *)bus;

	if (fails(f))
		return f->fail_err;
	if ((uintptr_t)addr % 4096 || len % 4096 || !len ||
	    prot != (WEFT_DMA_READ | WEFT_DMA_WRITE))
		return -EINVAL;
	if (f->n_maps == FAKE_MAPS)
		return -ENOSPC;
	*iova = f->next_iova;
	f->map[f->n_maps++] = (struct fake_map){ addr, *iova, len };
	f->next_iova += len + 0x10000; /* holes, so that nothing is contiguous by accident */
	f->maps_live++;
	f->map_calls++;
	return 0;
}

static int f_dma_unmap(struct weft_bus *bus, uint64_t iova, size_t len)
{
	struct fake *f = (struct fake *)bus;
	unsigned int i;

	for (i = 0; i < f->n_maps; i++) {
		if (!f->map[i].va || f->map[i].iova != iova || f->map[i].len != len)
			continue;
		f->map[i].va = NULL;
		f->maps_live--;
		return 0;
	}
	fake_violation(f, "unmap of 0x%llx, which is not mapped", (unsigned long long)iova);
	return -EINVAL;
}

static int f_irq_count(struct weft_bus *bus)
{
	struct fake *f = (struct fake *)bus;

	return fails(f) ? f->fail_err : f->n_vectors;
}

static int f_irq_set(struct weft_bus *bus, unsigned int vector, int fd)
{
	struct fake *f = (struct fake *)bus;

	if (fd >= 0 && fails(f))
		return f->fail_err;
	f->irqs_live += (fd >= 0) - (f->irq_fd[vector] >= 0);
	f->irq_fd[vector] = fd;
	return 0;
}

static int f_reset(struct weft_bus *bus)
{
	struct fake *f = (struct fake *)bus;

	if (fails(f))
		return f->fail_err;
	f->resets++;
	f->aq_ctrl = f->status_reads = 0;
	f->ctrl_run = 1;
	fake_ctrl_free(f);
	fake_peer_free(f);
	fake_fc_reset(f);
	memset(f->qp, 0, sizeof(f->qp));
	return 0;
}

static int f_advance(struct weft_bus *bus, uint64_t max_ns)
{
	struct fake *f = (struct fake *)bus;

	f->time_ns += max_ns;
	return fake_run(f) > 0;
}

static uint64_t f_now(struct weft_bus *bus)
{
	return ((struct fake *)bus)->time_ns;
}

static void f_close(struct weft_bus *bus)
{
	((struct fake *)bus)->closed++;
}

static const struct weft_bus_ops ops_time = {
	.name = "fake",
	.read32 = f_read32,
	.write32 = f_write32,
	.dma_map = f_dma_map,
	.dma_unmap = f_dma_unmap,
	.irq_count = f_irq_count,
	.irq_set = f_irq_set,
	.reset = f_reset,
	.advance = f_advance,
	.now = f_now,
	.close = f_close,
};

static const struct weft_bus_ops ops_eager = {
	.name = "fake",
	.read32 = f_read32,
	.write32 = f_write32,
	.dma_map = f_dma_map,
	.dma_unmap = f_dma_unmap,
	.irq_count = f_irq_count,
	.irq_set = f_irq_set,
	.reset = f_reset,
	.close = f_close,
};

static struct fake *make(const struct weft_bus_ops *ops)
{
	struct fake *f = calloc(1, sizeof(*f));

	f->bus.ops = ops;
	f->eager = ops == &ops_eager;
	f->magic = WEFT_MAGIC_VALUE;
	f->fw_status = 0xbad0cafe;
	f->version = WEFT_VERSION_MAJOR << 16 | WEFT_VERSION_MINOR;
	f->n_qp = WEFT_N_QP;
	f->n_vectors = 128;
	f->fail_err = -EIO;
	f->ctrl_run = 1;
	f->next_iova = 0x7ff000000000ull;
	f->maxh2cdata = 0x400000;
	f->digests_granted = 3;
	f->mute_opcode = FAKE_NO_OPCODE;
	f->next_cntlid = 1;
	f->cap = 0x000008200f0003ffull;
	f->queues_granted = 127;
	f->genctr = 7;
	f->n_records = 2;
	f->ioccsz = 1028;
	f->disk = calloc(1, FAKE_NS_BYTES);
	memset(f->irq_fd, 0xff, sizeof(f->irq_fd));
	return f;
}

struct fake *fake_new(void)
{
	return make(&ops_time);
}

struct fake *fake_new_eager(void)
{
	return make(&ops_eager);
}

void fake_free(struct fake *f)
{
	fake_ctrl_free(f);
	fake_peer_free(f);
	fake_fc_free(f);
	free(f->disk);
	free(f);
}
