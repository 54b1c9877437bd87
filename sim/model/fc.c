// SPDX-License-Identifier: BSD-2-Clause
/*
 * The FC-1 port and its wire, both ways: frames with SOF, CRC and EOF as words, the primitive that
 * fills the time between them as a level, R_RDYs as pulses. Wire time of a frame: its bytes and the
 * six idle words that must follow it; R_RDYs take the place of idles and cost nothing.
 *
 * To the wire: as the Ethernet MAC. From the wire: a beat is shown when its last byte has come; what
 * is handed in keeps its order. A frame during which the light goes out ends there, marked bad.
 */
#include <errno.h>
#include <string.h>

#include "../fc_unit.h"
#include "sim.h"

#define TX_SLACK 256
#define PRIM_NONE 0xff /* none sent yet */

static void send_primitive(struct weft_sim *sim, uint8_t code, unsigned int count)
{
	struct fc_model *f = &sim->fc;
	uint64_t at = f->tx_ps > sim->ps ? f->tx_ps : sim->ps;
	uint8_t unit[WEFT_FC_PRIM_LEN];

	fc_prim_put(unit, code, count);
	if (sim->ops.fc_tx)
		sim->ops.fc_tx(sim->ctx, unit, sizeof(unit), sim_device_ns(sim, at));
}

static void rx_light(struct weft_sim *sim, uint8_t prim)
{
	*sim->pin.fc_signal = prim != WEFT_FC_PRIM_LOS;
	*sim->pin.fc_rx_prim = prim == WEFT_FC_PRIM_LOS ? WEFT_FC_PRIM_IDLE : prim;
}

/* Frames and R_RDYs that wait are lost; light and primitive are levels, the last one counts. */
static void drop_waiting(struct weft_sim *sim)
{
	struct fc_model *f = &sim->fc;
	const struct fc_unit *u;

	for (; f->rx_head != f->rx_tail; f->rx_head++) {
		u = &f->rx[f->rx_head % SIM_RX_FRAMES];
		if (u->len == WEFT_FC_PRIM_LEN && fc_prim_code(u->bytes) != WEFT_FC_PRIM_R_RDY)
			rx_light(sim, fc_prim_code(u->bytes));
	}
}

/* The laser is off during reset: the other side sees that the adapter went away. */
void fc_reset(struct weft_sim *sim)
{
	struct fc_model *f = &sim->fc;
	const struct weft_pins *p = &sim->pin;

	if (f->tx_prim != PRIM_NONE && sim->clocks)
		send_primitive(sim, WEFT_FC_PRIM_LOS, 1);
	f->tx_prim = PRIM_NONE;
	f->tx_ps = f->rx_free_ps = sim->ps;
	f->tx_len = f->tx_rrdy = 0;
	f->tx_waits = f->rrdy_waits = false;
	drop_waiting(sim);
	f->rx_on = false;
	*p->fc_tx_tready = *p->fc_tx_rrdy_ready = 0;
	*p->fc_rx_tvalid = *p->fc_rx_tlast = *p->fc_rx_tuser = *p->fc_rx_rrdy = 0;
}

bool fc_busy(const struct weft_sim *sim)
{
	const struct fc_model *f = &sim->fc;

	return f->rx_head != f->rx_tail || f->tx_len || f->tx_rrdy ||
	       f->tx_prim != *sim->pin.fc_tx_prim;
}

/* --- to the wire ------------------------------------------------------------------------------ */

static void tx_end(struct weft_sim *sim)
{
	struct fc_model *f = &sim->fc;

	if (f->tx_len < FC_FRAME_MIN || f->tx_len % 4)
		sim_broken(sim, "FC frame shorter than its header or no whole words");
	if (sim->ops.fc_tx)
		sim->ops.fc_tx(sim->ctx, f->tx, f->tx_len, sim_device_ns(sim, f->tx_ps));
	f->tx_ps += FC_IDLES * f->byte_ps;
	f->tx_len = 0;
}

static void sample_frame(struct weft_sim *sim)
{
	struct fc_model *f = &sim->fc;
	const struct weft_pins *p = &sim->pin;
	uint16_t keep = *p->fc_tx_tkeep;
	unsigned int n;

	if (!*p->fc_tx_tvalid) {
		if (f->tx_waits)
			sim_broken(sim, "fc_tx_tvalid fell before the beat was taken");
		return;
	}
	f->tx_waits = !*p->fc_tx_tready;
	if (f->tx_waits)
		return;
	n = (unsigned int)__builtin_popcount(keep);
	if (!keep || (keep & (keep + 1u)) || (n != SIM_BEAT && !*p->fc_tx_tlast))
		sim_broken(sim, "fc_tx_tkeep has holes or a short beat inside the frame");
	if (f->tx_len + n > WEFT_FC_UNIT_MAX)
		sim_broken(sim, "FC frame longer than WEFT_FC_UNIT_MAX");
	memcpy(f->tx + f->tx_len, p->fc_tx_tdata, SIM_BEAT);
	f->tx_len += n;
	if (f->tx_ps < sim->ps)
		f->tx_ps = sim->ps;
	f->tx_ps += n * f->byte_ps;
	if (*p->fc_tx_tlast)
		tx_end(sim);
}

/* Between two frames: R_RDYs that came meanwhile as one unit, and the primitive if it is another. */
static void sample_primitives(struct weft_sim *sim)
{
	struct fc_model *f = &sim->fc;
	const struct weft_pins *p = &sim->pin;

	if (*p->fc_tx_rrdy_valid && *p->fc_tx_rrdy_ready)
		f->tx_rrdy++;
	if (!*p->fc_tx_rrdy_valid && f->rrdy_waits)
		sim_broken(sim, "fc_tx_rrdy_valid fell before the R_RDY was taken");
	f->rrdy_waits = *p->fc_tx_rrdy_valid && !*p->fc_tx_rrdy_ready;
	if (f->tx_len)
		return;
	if (f->tx_rrdy) {
		send_primitive(sim, WEFT_FC_PRIM_R_RDY, f->tx_rrdy);
		f->tx_rrdy = 0;
	}
	if (f->tx_prim != *p->fc_tx_prim) {
		f->tx_prim = *p->fc_tx_prim;
		send_primitive(sim, f->tx_prim, 1);
	}
}

void fc_sample(struct weft_sim *sim)
{
	sample_frame(sim);
	sample_primitives(sim);
}

/* --- from the wire ---------------------------------------------------------------------------- */

static void rx_start(struct weft_sim *sim, const struct fc_unit *u)
{
	struct fc_model *f = &sim->fc;

	f->rx_start_ps = f->rx_free_ps > u->from_ps ? f->rx_free_ps : u->from_ps;
	f->rx_free_ps = f->rx_start_ps + (u->len + FC_IDLES) * f->byte_ps;
	f->rx_off = 0;
	f->rx_on = true;
}

static void rx_beat(struct weft_sim *sim, const struct fc_unit *u)
{
	struct fc_model *f = &sim->fc;
	const struct weft_pins *p = &sim->pin;
	uint32_t n = u->len - f->rx_off;
	bool last = n <= SIM_BEAT;

	if (!last)
		n = SIM_BEAT;
	if (f->rx_start_ps + (f->rx_off + n) * f->byte_ps > sim->ps || sim_stall(sim, 5))
		return;
	if (!*p->fc_signal)
		rx_light(sim, WEFT_FC_PRIM_IDLE);
	memcpy(p->fc_rx_tdata, u->bytes + f->rx_off, n);
	*p->fc_rx_tkeep = (uint16_t)(0xffffu >> (SIM_BEAT - n));
	*p->fc_rx_tlast = last;
	*p->fc_rx_tuser = last && u->bad;
	*p->fc_rx_tvalid = 1;
	f->rx_off += n;
	if (last) {
		f->rx_head++;
		f->rx_on = false;
	}
}

static void rx_primitive(struct weft_sim *sim, struct fc_unit *u)
{
	struct fc_model *f = &sim->fc;
	unsigned int left = fc_prim_count(u->bytes);

	if (sim_stall(sim, 5))
		return;
	if (fc_prim_code(u->bytes) == WEFT_FC_PRIM_R_RDY) {
		if (!*sim->pin.fc_signal)
			rx_light(sim, WEFT_FC_PRIM_IDLE);
		*sim->pin.fc_rx_rrdy = left != 0;
		left -= left != 0;
		fc_prim_put(u->bytes, WEFT_FC_PRIM_R_RDY, left);
		f->rx_head += left == 0;
		return;
	}
	rx_light(sim, fc_prim_code(u->bytes));
	f->rx_head++;
}

void fc_drive(struct weft_sim *sim)
{
	struct fc_model *f = &sim->fc;
	const struct weft_pins *p = &sim->pin;
	struct fc_unit *u;

	*p->fc_tx_tready = f->tx_ps <= sim->ps + TX_SLACK * f->byte_ps &&
			   !(f->tx_waits && sim_stall(sim, 4));
	*p->fc_tx_rrdy_ready = !(f->rrdy_waits && sim_stall(sim, 4)) && f->tx_rrdy < UINT16_MAX;
	*p->fc_rx_tvalid = *p->fc_rx_rrdy = 0;
	if (f->rx_head == f->rx_tail)
		return;
	u = &f->rx[f->rx_head % SIM_RX_FRAMES];
	if (u->len == WEFT_FC_PRIM_LEN) {
		rx_primitive(sim, u);
		return;
	}
	if (!f->rx_on)
		rx_start(sim, u);
	rx_beat(sim, u);
}

/* All that waits is lost; of a frame that is on its way in one more beat comes. */
static void darken(struct weft_sim *sim)
{
	struct fc_model *f = &sim->fc;
	struct fc_unit *u;

	f->rx_tail = f->rx_head;
	if (!f->rx_on)
		return;
	u = &f->rx[f->rx_tail++ % SIM_RX_FRAMES];
	if (u->len > f->rx_off + SIM_BEAT)
		u->len = f->rx_off + SIM_BEAT;
	u->bad = true;
}

static int rx_push(struct weft_sim *sim, const void *unit, size_t len, bool bad)
{
	struct fc_model *f = &sim->fc;
	struct fc_unit *u;

	if (len > WEFT_FC_UNIT_MAX)
		return -EMSGSIZE;
	if (!fc_is_unit(unit, len))
		return -EINVAL;
	if (fc_is_primitive(unit, len) && fc_prim_code(unit) == WEFT_FC_PRIM_LOS)
		darken(sim);
	if (f->rx_tail - f->rx_head == SIM_RX_FRAMES)
		return -EAGAIN;
	u = &f->rx[f->rx_tail++ % SIM_RX_FRAMES];
	u->len = (uint32_t)len;
	u->bad = bad;
	u->from_ps = sim->ps;
	memcpy(u->bytes, unit, len);
	sim->quiet = 0;
	return 0;
}

int weft_sim_fc_rx(struct weft_sim *sim, const void *unit, size_t len)
{
	return rx_push(sim, unit, len, false);
}

int weft_sim_fc_rx_bad(struct weft_sim *sim, const void *unit, size_t len)
{
	return rx_push(sim, unit, len, true);
}
