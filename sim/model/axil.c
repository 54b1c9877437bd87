// SPDX-License-Identifier: BSD-2-Clause
/*
 * BAR 0 accesses as an AXI4-Lite master. An access of any size and alignment becomes one 32-bit
 * access per word touched, as a PCIe bridge makes them: writes with byte strobes, reads of the
 * whole word.
 */
#include <errno.h>

#include "weft_host.h"
#include "sim.h"

#define ANSWER_CYCLES 10000

void axil_reset(struct weft_sim *sim)
{
	const struct weft_pins *p = &sim->pin;

	sim->axil = (struct axil_model){ 0 };
	*p->s_axil_awvalid = *p->s_axil_wvalid = *p->s_axil_arvalid = 0;
	*p->s_axil_bready = *p->s_axil_rready = 0;
}

void axil_sample(struct weft_sim *sim)
{
	struct axil_model *a = &sim->axil;
	const struct weft_pins *p = &sim->pin;

	if (*p->s_axil_awvalid && *p->s_axil_awready)
		a->aw = false;
	if (*p->s_axil_wvalid && *p->s_axil_wready)
		a->w = false;
	if (*p->s_axil_arvalid && *p->s_axil_arready)
		a->ar = false;
	if (*p->s_axil_bvalid && *p->s_axil_bready) {
		a->resp = *p->s_axil_bresp;
		a->done = true;
	}
	if (*p->s_axil_rvalid && *p->s_axil_rready) {
		a->resp = *p->s_axil_rresp;
		a->rdata = *p->s_axil_rdata;
		a->done = true;
	}
}

/* VALIDs rise at random and then stay; READYs come and go. */
void axil_drive(struct weft_sim *sim)
{
	struct axil_model *a = &sim->axil;
	const struct weft_pins *p = &sim->pin;

	*p->s_axil_awvalid = a->aw && (*p->s_axil_awvalid || !sim_stall(sim, 3));
	*p->s_axil_wvalid = a->w && (*p->s_axil_wvalid || !sim_stall(sim, 3));
	*p->s_axil_arvalid = a->ar && (*p->s_axil_arvalid || !sim_stall(sim, 3));
	*p->s_axil_bready = !a->done && !sim_stall(sim, 3);
	*p->s_axil_rready = !a->done && !sim_stall(sim, 3);
}

static int run_access(struct weft_sim *sim)
{
	struct axil_model *a = &sim->axil;
	const struct weft_pins *p = &sim->pin;
	unsigned int i;

	sim_refresh_time(sim);
	a->active = true;
	a->done = false;
	axil_drive(sim);
	for (i = 0; i < ANSWER_CYCLES && !a->done; i++)
		sim_cycle(sim);
	a->active = false;
	sim->quiet = 0;
	if (a->done) {
		*p->s_axil_bready = *p->s_axil_rready = 0;
		return 0;
	}
	axil_reset(sim);
	return -EIO;
}

static int write_word(struct weft_sim *sim, uint32_t addr, uint32_t data, uint8_t strb)
{
	*sim->pin.s_axil_awaddr = addr;
	*sim->pin.s_axil_wdata = data;
	*sim->pin.s_axil_wstrb = strb;
	sim->axil.aw = sim->axil.w = true;
	return run_access(sim);
}

static int read_word(struct weft_sim *sim, uint32_t addr, uint32_t *data)
{
	int ret;

	*sim->pin.s_axil_araddr = addr;
	sim->axil.ar = true;
	ret = run_access(sim);
	*data = ret ? ~0u : sim->axil.rdata;
	return ret;
}

static bool bad_access(uint64_t off, unsigned int size)
{
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return true;
	return off >= WEFT_BAR_SIZE || size > WEFT_BAR_SIZE - off;
}

int weft_sim_bar_read(struct weft_sim *sim, uint64_t off, unsigned int size, uint64_t *val)
{
	unsigned int i;
	uint32_t word = 0;
	int ret;

	*val = 0;
	if (bad_access(off, size))
		return -EINVAL;
	for (i = 0; i < size; i++) {
		if (i == 0 || (off + i) % 4 == 0) {
			ret = read_word(sim, (uint32_t)(off + i) & ~3u, &word);
			if (ret)
				return ret;
		}
		*val |= (uint64_t)(uint8_t)(word >> ((off + i) % 4 * 8)) << (i * 8);
	}
	return 0;
}

int weft_sim_bar_write(struct weft_sim *sim, uint64_t off, unsigned int size, uint64_t val)
{
	uint32_t word = 0;
	uint8_t strb = 0;
	unsigned int i, lane;
	int ret;

	if (bad_access(off, size))
		return -EINVAL;
	for (i = 0; i < size; i++) {
		lane = (unsigned int)((off + i) % 4);
		word |= (uint32_t)(uint8_t)(val >> (i * 8)) << (lane * 8);
		strb |= (uint8_t)(1u << lane);
		if (lane != 3 && i + 1 != size)
			continue;
		ret = write_word(sim, (uint32_t)(off + i) & ~3u, word, strb);
		if (ret)
			return ret;
		word = 0;
		strb = 0;
	}
	return 0;
}
