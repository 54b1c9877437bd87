// SPDX-License-Identifier: BSD-2-Clause
/*
 * The Ethernet MAC and its wire, both ways. Wire time of a frame: preamble 8, at least 60 bytes,
 * FCS 4, gap 12.
 *
 * To the wire: a cut-through MAC with a buffer of TX_SLACK bytes; tready falls while it is full.
 * From the wire: a beat is shown when its last byte has come. A back-pressure seed delays beats at
 * random; the late ones then follow one per cycle, which is what a clock crossing in a board does.
 */
#include <errno.h>
#include <string.h>

#include "sim.h"

#define PREAMBLE 8
#define FCS_AND_GAP 16
#define FRAME_MIN 60
#define TX_SLACK 256

void eth_reset(struct weft_sim *sim)
{
	struct eth_model *e = &sim->eth;
	const struct weft_pins *p = &sim->pin;

	e->tx_ps = e->rx_free_ps = sim->ps;
	e->tx_len = 0;
	e->tx_waits = false;
	e->rx_head = e->rx_tail = 0;
	e->rx_on = false;
	*p->eth_tx_tready = 0;
	*p->eth_rx_tvalid = *p->eth_rx_tlast = *p->eth_rx_tuser = 0;
}

bool eth_busy(const struct weft_sim *sim)
{
	return sim->eth.rx_head != sim->eth.rx_tail || sim->eth.tx_len;
}

static void tx_end(struct weft_sim *sim)
{
	struct eth_model *e = &sim->eth;
	uint32_t pad = e->tx_len < FRAME_MIN ? FRAME_MIN - e->tx_len : 0;

	e->tx_ps += (PREAMBLE + pad + 4) * e->byte_ps;
	sim->ops.eth_tx(sim->ctx, e->tx, e->tx_len, sim_device_ns(sim, e->tx_ps));
	e->tx_ps += (FCS_AND_GAP - 4) * e->byte_ps;
	e->tx_len = 0;
}

void eth_sample(struct weft_sim *sim)
{
	struct eth_model *e = &sim->eth;
	const struct weft_pins *p = &sim->pin;
	uint16_t keep = *p->eth_tx_tkeep;
	unsigned int n;

	if (!*p->eth_tx_tvalid) {
		if (e->tx_waits)
			sim_broken(sim, "eth_tx_tvalid fell before the beat was taken");
		return;
	}
	e->tx_waits = !*p->eth_tx_tready;
	if (e->tx_waits)
		return;
	n = (unsigned int)__builtin_popcount(keep);
	if (!keep || (keep & (keep + 1u)) || (n != SIM_BEAT && !*p->eth_tx_tlast))
		sim_broken(sim, "eth_tx_tkeep has holes or a short beat inside the frame");
	if (e->tx_len + n > WEFT_SIM_FRAME_MAX)
		sim_broken(sim, "frame longer than WEFT_SIM_FRAME_MAX");
	memcpy(e->tx + e->tx_len, p->eth_tx_tdata, SIM_BEAT);
	e->tx_len += n;
	if (e->tx_ps < sim->ps)
		e->tx_ps = sim->ps;
	e->tx_ps += n * e->byte_ps;
	if (*p->eth_tx_tlast)
		tx_end(sim);
}

static void rx_start(struct weft_sim *sim, const struct eth_frame *f)
{
	struct eth_model *e = &sim->eth;
	uint32_t len = f->len < FRAME_MIN ? FRAME_MIN : f->len;

	e->rx_start_ps =
		(e->rx_free_ps > f->from_ps ? e->rx_free_ps : f->from_ps) + PREAMBLE * e->byte_ps;
	e->rx_free_ps = e->rx_start_ps + (len + FCS_AND_GAP) * e->byte_ps;
	e->rx_off = 0;
	e->rx_on = true;
}

static void rx_beat(struct weft_sim *sim, const struct eth_frame *f)
{
	struct eth_model *e = &sim->eth;
	const struct weft_pins *p = &sim->pin;
	uint32_t n = f->len - e->rx_off;
	bool last = n <= SIM_BEAT;

	if (!last)
		n = SIM_BEAT;
	if (e->rx_start_ps + (e->rx_off + n) * e->byte_ps > sim->ps || sim_stall(sim, 5))
		return;
	memcpy(p->eth_rx_tdata, f->bytes + e->rx_off, n);
	*p->eth_rx_tkeep = (uint16_t)(0xffffu >> (SIM_BEAT - n));
	*p->eth_rx_tlast = last;
	*p->eth_rx_tuser = last && f->bad;
	*p->eth_rx_tvalid = 1;
	e->rx_off += n;
	if (last) {
		e->rx_head++;
		e->rx_on = false;
	}
}

void eth_drive(struct weft_sim *sim)
{
	struct eth_model *e = &sim->eth;
	const struct weft_pins *p = &sim->pin;
	const struct eth_frame *f;

	*p->eth_tx_tready = e->tx_ps <= sim->ps + TX_SLACK * e->byte_ps && !e->hold &&
			    !sim_stall(sim, 4);
	*p->eth_rx_tvalid = 0;
	if (e->rx_head == e->rx_tail)
		return;
	f = &e->rx[e->rx_head % SIM_RX_FRAMES];
	if (!e->rx_on)
		rx_start(sim, f);
	rx_beat(sim, f);
}

static int rx_push(struct weft_sim *sim, const void *frame, size_t len, bool bad)
{
	struct eth_model *e = &sim->eth;
	struct eth_frame *f = &e->rx[e->rx_tail % SIM_RX_FRAMES];

	if (len < 14 || len > WEFT_SIM_FRAME_MAX)
		return -EMSGSIZE;
	if (e->rx_tail - e->rx_head == SIM_RX_FRAMES)
		return -EAGAIN;
	f->len = (uint32_t)len;
	f->bad = bad;
	f->from_ps = sim->ps;
	memcpy(f->bytes, frame, len);
	e->rx_tail++;
	sim->quiet = 0;
	return 0;
}

int weft_sim_eth_rx(struct weft_sim *sim, const void *frame, size_t len)
{
	return rx_push(sim, frame, len, false);
}

int weft_sim_eth_rx_bad(struct weft_sim *sim, const void *frame, size_t len)
{
	return rx_push(sim, frame, len, true);
}

void weft_sim_eth_hold(struct weft_sim *sim, bool hold)
{
	sim->eth.hold = hold;
}
