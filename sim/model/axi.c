// SPDX-License-Identifier: BSD-2-Clause
/*
 * Host memory behind PCIe, as an AXI4 slave: several outstanding reads, latency and bandwidth each
 * way, one callback per burst. Data of one id come in order; with a back-pressure seed bursts of
 * different ids overtake each other and every handshake stalls at random. Bursts are never
 * interleaved. A callback's error becomes SLVERR on every beat.
 *
 * Reads are done when their first beat is delivered, writes when their last beat is taken: as late
 * and as early as a real host may do them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define RESP_OKAY 0
#define RESP_SLVERR 2
#define BURST_INCR 1

void sim_broken(const struct weft_sim *sim, const char *rule)
{
	fprintf(stderr, "weft_sim: cycle %llu: the adapter broke a bus rule: %s\n",
		(unsigned long long)sim->cycles, rule);
	abort();
}

void axi_reset(struct weft_sim *sim)
{
	struct axi_model *a = &sim->axi;
	const struct weft_pins *p = &sim->pin;

	a->n_reads = 0;
	a->burst_on = false;
	a->w_head = a->w_data = a->w_tail = 0;
	a->w_beat = 0;
	a->read_free_ps = a->write_free_ps = 0;
	a->ar_waits = a->aw_waits = a->w_waits = a->r_waits = a->b_waits = false;
	*p->m_axi_arready = *p->m_axi_awready = *p->m_axi_wready = 0;
	*p->m_axi_rvalid = *p->m_axi_bvalid = 0;
}

bool axi_busy(const struct weft_sim *sim)
{
	const struct axi_model *a = &sim->axi;

	return a->n_reads || a->burst_on || a->w_head != a->w_tail;
}

/* Bytes from addr to the end of the burst. */
static size_t burst_bytes(uint64_t addr, unsigned int beats, unsigned int size)
{
	size_t beat = (size_t)1 << size;

	return beats * beat - (size_t)(addr & (beat - 1));
}

static void check_burst(const struct weft_sim *sim, uint64_t addr, unsigned int beats,
			unsigned int size, unsigned int burst)
{
	if (burst != BURST_INCR)
		sim_broken(sim, "AXI burst type is not INCR");
	if (size > 4 || (size < 4 && beats != 1))
		sim_broken(sim, "AXI size is not a full beat");
	if ((addr & 4095) + burst_bytes(addr, beats, size) > 4096)
		sim_broken(sim, "AXI burst crosses 4 KiB");
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void take_read(struct weft_sim *sim)
{
	struct axi_model *a = &sim->axi;
	const struct weft_pins *p = &sim->pin;
	struct axi_read *r = &a->reads[a->n_reads++];
	uint64_t extra = sim->params.backpressure_seed ? sim_random(sim, 400) * 1000 : 0;

	r->addr = *p->m_axi_araddr;
	r->beats = (uint16_t)(*p->m_axi_arlen + 1);
	r->id = *p->m_axi_arid;
	r->size = *p->m_axi_arsize;
	check_burst(sim, r->addr, r->beats, r->size, *p->m_axi_arburst);
	r->due_ps = later(sim->ps + sim->read_ps + extra, a->read_free_ps);
	a->read_free_ps =
		r->due_ps + burst_bytes(r->addr, r->beats, r->size) * sim->pcie_byte_fs / 1000;
}

static void take_write(struct weft_sim *sim)
{
	struct axi_model *a = &sim->axi;
	const struct weft_pins *p = &sim->pin;
	struct axi_write *w = &a->writes[a->w_tail++ % SIM_WRITES_MAX];

	w->addr = *p->m_axi_awaddr;
	w->beats = (uint16_t)(*p->m_axi_awlen + 1);
	w->id = *p->m_axi_awid;
	w->size = *p->m_axi_awsize;
	w->resp = RESP_OKAY;
	check_burst(sim, w->addr, w->beats, w->size, *p->m_axi_awburst);
}

/* Hands runs of enabled bytes to the host; normally one run. */
static void write_burst(struct weft_sim *sim, struct axi_write *w)
{
	struct axi_model *a = &sim->axi;
	uint64_t base = w->addr & ~(uint64_t)(SIM_BEAT - 1);
	size_t n = (size_t)w->beats * SIM_BEAT, from, i = 0;

	while (i < n) {
		if (!(a->w_strb[i / SIM_BEAT] >> (i % SIM_BEAT) & 1)) {
			i++;
			continue;
		}
		from = i;
		while (i < n && (a->w_strb[i / SIM_BEAT] >> (i % SIM_BEAT) & 1))
			i += a->w_strb[i / SIM_BEAT] == 0xffff && i % SIM_BEAT == 0 ? SIM_BEAT : 1;
		if (base + from < w->addr)
			sim_broken(sim, "AXI write strobe below the address");
		if (sim->ops.dma_write(sim->ctx, base + from, a->w_bytes + from, i - from) < 0)
			w->resp = RESP_SLVERR;
	}
}

static void take_write_data(struct weft_sim *sim)
{
	struct axi_model *a = &sim->axi;
	const struct weft_pins *p = &sim->pin;
	struct axi_write *w = &a->writes[a->w_data % SIM_WRITES_MAX];
	bool last = a->w_beat + 1 == w->beats;

	if (!a->w_beat) /* the link is busy from the burst's first beat on */
		a->write_free_ps =
			later(a->write_free_ps, sim->ps) +
			burst_bytes(w->addr, w->beats, w->size) * sim->pcie_byte_fs / 1000;
	memcpy(a->w_bytes + (size_t)a->w_beat * SIM_BEAT, p->m_axi_wdata, SIM_BEAT);
	a->w_strb[a->w_beat++] = *p->m_axi_wstrb;
	if (last != !!*p->m_axi_wlast)
		sim_broken(sim, "AXI WLAST is not on the last beat");
	if (!last)
		return;
	write_burst(sim, w);
	w->due_ps = sim->ps + sim->write_ps;
	a->w_beat = 0;
	a->w_data++;
}

static void check_waiting(struct weft_sim *sim)
{
	struct axi_model *a = &sim->axi;
	const struct weft_pins *p = &sim->pin;

	if (a->ar_waits && (!*p->m_axi_arvalid || *p->m_axi_araddr != a->last_araddr))
		sim_broken(sim, "AXI AR changed before it was taken");
	if (a->aw_waits && (!*p->m_axi_awvalid || *p->m_axi_awaddr != a->last_awaddr))
		sim_broken(sim, "AXI AW changed before it was taken");
	if (a->w_waits && !*p->m_axi_wvalid)
		sim_broken(sim, "AXI WVALID fell before the beat was taken");
}

void axi_sample(struct weft_sim *sim)
{
	struct axi_model *a = &sim->axi;
	const struct weft_pins *p = &sim->pin;

	if (a->ar_waits || a->aw_waits || a->w_waits)
		check_waiting(sim);
	a->ar_waits = a->aw_waits = a->w_waits = false;
	a->r_waits = *p->m_axi_rvalid && !*p->m_axi_rready;
	a->b_waits = *p->m_axi_bvalid && !*p->m_axi_bready;
	if (*p->m_axi_rvalid && !a->r_waits && ++a->burst_beat == a->burst.beats)
		a->burst_on = false;
	if (*p->m_axi_bvalid && !a->b_waits)
		a->w_head++;
	if (*p->m_axi_arvalid) {
		if (*p->m_axi_arready) {
			take_read(sim);
		} else {
			a->ar_waits = true;
			a->last_araddr = *p->m_axi_araddr;
		}
	}
	if (*p->m_axi_wvalid) {
		if (*p->m_axi_wready)
			take_write_data(sim);
		else
			a->w_waits = true;
	}
	if (*p->m_axi_awvalid) {
		if (*p->m_axi_awready) {
			take_write(sim);
		} else {
			a->aw_waits = true;
			a->last_awaddr = *p->m_axi_awaddr;
		}
	}
}

/* Index of a burst that may be delivered now, or -1. */
static int pick_read(struct weft_sim *sim)
{
	struct axi_model *a = &sim->axi;
	unsigned int i, candidates = 0, choice = 0;
	uint32_t seen = 0;

	if (!sim->params.backpressure_seed)
		return a->n_reads && a->reads[0].due_ps <= sim->ps ? 0 : -1;
	for (i = 0; i < a->n_reads; i++) {
		if (seen >> a->reads[i].id & 1)
			continue;
		seen |= 1u << a->reads[i].id;
		if (a->reads[i].due_ps <= sim->ps && sim_random(sim, ++candidates) == 0)
			choice = i;
	}
	return candidates ? (int)choice : -1;
}

static void start_read(struct weft_sim *sim, unsigned int i)
{
	struct axi_model *a = &sim->axi;
	size_t off, len;

	a->burst = a->reads[i];
	memmove(&a->reads[i], &a->reads[i + 1], (--a->n_reads - i) * sizeof(a->reads[0]));
	off = (size_t)(a->burst.addr & (SIM_BEAT - 1));
	len = burst_bytes(a->burst.addr, a->burst.beats, a->burst.size);
	a->burst_on = true;
	a->burst_beat = 0;
	a->burst_resp = RESP_OKAY;
	if (sim->ops.dma_read(sim->ctx, a->burst.addr, a->burst_data + off, len) < 0) {
		a->burst_resp = RESP_SLVERR;
		memset(a->burst_data, 0xff, off + len);
	}
}

static void drive_read(struct weft_sim *sim)
{
	struct axi_model *a = &sim->axi;
	const struct weft_pins *p = &sim->pin;
	int i;

	if (a->r_waits)
		return; /* stands still until it is taken */
	if (!a->burst_on) {
		i = pick_read(sim);
		if (i >= 0)
			start_read(sim, (unsigned int)i);
	}
	*p->m_axi_rvalid = a->burst_on && !sim_stall(sim, 4);
	if (!*p->m_axi_rvalid)
		return;
	memcpy(p->m_axi_rdata, a->burst_data + (size_t)a->burst_beat * SIM_BEAT, SIM_BEAT);
	*p->m_axi_rresp = a->burst_resp;
	*p->m_axi_rid = a->burst.id;
	*p->m_axi_rlast = a->burst_beat + 1 == a->burst.beats;
}

static void drive_response(struct weft_sim *sim)
{
	struct axi_model *a = &sim->axi;
	const struct weft_pins *p = &sim->pin;
	struct axi_write *w = &a->writes[a->w_head % SIM_WRITES_MAX];

	*p->m_axi_bvalid = a->w_head != a->w_data && w->due_ps <= sim->ps && !sim_stall(sim, 4);
	*p->m_axi_bresp = w->resp;
	*p->m_axi_bid = w->id;
}

void axi_drive(struct weft_sim *sim)
{
	struct axi_model *a = &sim->axi;
	const struct weft_pins *p = &sim->pin;

	*p->m_axi_arready = a->n_reads < SIM_READS_MAX && !sim_stall(sim, 3);
	*p->m_axi_awready = a->w_tail - a->w_head < SIM_WRITES_MAX && !sim_stall(sim, 3);
	*p->m_axi_wready = a->w_data != a->w_tail &&
			   (a->w_beat || a->write_free_ps <= sim->ps + SIM_CLK_PS) &&
			   !sim_stall(sim, 4);
	if (a->n_reads || a->burst_on || *p->m_axi_rvalid)
		drive_read(sim);
	if (!a->b_waits)
		drive_response(sim);
}
