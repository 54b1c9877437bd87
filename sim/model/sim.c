// SPDX-License-Identifier: BSD-2-Clause
/*
 * One adapter: clock, time, reset, firmware, idleness, waves. The models of the buses are in axi.c,
 * axil.c, eth.c and fc.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "weft_host.h"
#include "sim.h"

#define RESET_CYCLES 16
#define WALL_CYCLES 32 /* wall time is read once in so many cycles */

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

void sim_refresh_time(struct weft_sim *sim)
{
	if (sim->params.wall_time)
		sim->now_ns = wall_ns();
}

static void msix(struct weft_sim *sim)
{
	const struct weft_pins *p = &sim->pin;

	if (*p->msix_req && *p->msix_ack)
		sim->ops.irq(sim->ctx, *p->msix_vector);
}

static void dump_waves(struct weft_sim *sim, uint64_t half)
{
	if (sim->cycles < sim->waves_from)
		return;
	if (sim->waves_to && sim->cycles >= sim->waves_to) {
		weft_model_waves_close(sim->model);
		sim->waves = false;
		return;
	}
	weft_model_waves_dump(sim->model, sim->cycles * SIM_CLK_PS + half);
}

static void tick(struct weft_sim *sim)
{
	sim->cycles++;
	sim->clocks++;
	sim->ps += SIM_CLK_PS;
	if (!sim->params.wall_time)
		sim->now_ns += WEFT_SIM_CLK_NS;
	else if (sim->cycles % WALL_CYCLES == 0)
		sim->now_ns = wall_ns();
}

void sim_cycle(struct weft_sim *sim)
{
	const struct weft_pins *p = &sim->pin;
	bool ack;

	*p->time_ns = sim->now_ns;
	*p->clk = 0;
	weft_model_eval(sim->model);
	if (sim->waves)
		dump_waves(sim, 0);
	axi_sample(sim);
	eth_sample(sim);
	fc_sample(sim);
	if (sim->axil.active)
		axil_sample(sim);
	ack = *p->msix_req && !*p->msix_ack && !sim_stall(sim, 3);
	if (*p->msix_req)
		msix(sim);
	if (!*p->idle || *p->msix_req || *p->next_timer_ns <= sim->now_ns || axi_busy(sim) ||
	    eth_busy(sim) || fc_busy(sim))
		sim->quiet = 0;
	else
		sim->quiet++;
	*p->clk = 1;
	weft_model_eval(sim->model);
	if (sim->waves)
		dump_waves(sim, SIM_CLK_PS / 2);
	tick(sim);
	axi_drive(sim);
	eth_drive(sim);
	fc_drive(sim);
	spi_drive(sim);
	if (sim->axil.active)
		axil_drive(sim);
	*p->msix_ack = ack;
}

/* The core is held: the loader port may write its memories, one word per cycle. */
static void load_firmware(struct weft_sim *sim)
{
	const struct weft_pins *p = &sim->pin;
	size_t i;

	for (i = 0; i < sim->image->n; i++) {
		*p->boot_we = 1;
		*p->boot_addr = sim->image->words[i].addr;
		*p->boot_data = sim->image->words[i].data;
		sim_cycle(sim);
	}
	*p->boot_we = 0;
	sim_cycle(sim);
	*p->boot_hold = 0;
}

void weft_sim_reset(struct weft_sim *sim)
{
	const struct weft_pins *p = &sim->pin;
	unsigned int i;

	*p->rst = 1;
	*p->boot_hold = 1;
	*p->boot_we = 0;
	*p->msix_ack = 0;
	axi_reset(sim);
	eth_reset(sim);
	fc_reset(sim);
	spi_reset(sim);
	axil_reset(sim);
	for (i = 0; i < RESET_CYCLES; i++) {
		*p->clk = 0;
		weft_model_eval(sim->model);
		*p->clk = 1;
		weft_model_eval(sim->model);
		tick(sim);
	}
	*p->rst = 0;
	sim->quiet = 0;
	sim->log_pos = 0;
	if (sim->image)
		load_firmware(sim);
}

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

static void set_params(struct weft_sim *sim, const struct weft_sim_params *params)
{
	struct weft_sim_params *p = &sim->params;

	if (params)
		*p = *params;
	sim->read_ps = or_default(p->pcie_read_ns, 800) * 1000ull;
	sim->write_ps = or_default(p->pcie_write_ns, 200) * 1000ull;
	if (p->pcie_read_ns == 1)
		sim->read_ps = 0;
	if (p->pcie_write_ns == 1)
		sim->write_ps = 0;
	sim->pcie_byte_fs = 1000000000ull / or_default(p->pcie_mbytes_per_s, 7000);
	sim->eth.byte_ps = 8000000ull / or_default(p->link_mbit_per_s, 25000);
	sim->fc.byte_ps = 8000000ull / or_default(p->fc_mbit_per_s, 27200);
	sim->rng = p->backpressure_seed * 0x9e3779b97f4a7c15ull + 1;
}

/*
 * What the core starts with: what the caller names, the environment, or the first of these that is
 * there. "": none.
 */
static const struct {
	const char *env, *built, *beside[2];
} images[] = {
	[SIM_FIRMWARE] = { "WEFT_FIRMWARE",
			   "build/firmware/weft.elf",
			   { "/firmware/weft.elf", "/../share/weft/weft.elf" } },
	[SIM_ROM] = { "WEFT_ROM",
		      "build/firmware/rom.elf",
		      { "/firmware/rom.elf", "/../share/weft/rom.elf" } },
};

static int find_image(const struct weft_sim_params *p, struct sim_image **image)
{
	const enum sim_image_kind kind = p->flash ? SIM_ROM : SIM_FIRMWARE;
	const char *path = p->flash ? p->rom : p->firmware;
	char self[4096];
	unsigned int i;
	ssize_t n;

	if (!path)
		path = getenv(images[kind].env);
	if (path)
		return *path ? sim_image_load(path, kind, image) : 0;
	path = images[kind].built;
	n = readlink("/proc/self/exe", self, sizeof(self) - 32);
	while (n > 0 && self[n - 1] != '/') /* the program's directory */
		n--;
	for (i = 0; access(path, R_OK) && n > 0 && i < 2; i++) {
		strcpy(self + n - 1, images[kind].beside[i]);
		path = self;
	}
	return sim_image_load(path, kind, image);
}

/* The pins that never move. */
static void configure(struct weft_sim *sim)
{
	const struct weft_sim_params *p = &sim->params;
	unsigned int i;

	*sim->pin.boot_rom = p->flash != NULL;
	*sim->pin.board_id = p->board_id;
	for (i = 0; i < sizeof(p->key_hash); i++)
		sim->pin.key_hash[i / 4] |= (uint32_t)p->key_hash[i] << i % 4 * 8;
}

int weft_sim_create(const struct weft_sim_params *params, const struct weft_sim_ops *ops, void *ctx,
		    struct weft_sim **out)
{
	struct weft_sim *sim = calloc(1, sizeof(*sim));
	int ret = -ENOMEM;

	*out = NULL;
	if (!sim)
		return ret;
	sim->ops = *ops;
	sim->ctx = ctx;
	set_params(sim, params);
	sim->eth.rx = calloc(SIM_RX_FRAMES, sizeof(*sim->eth.rx));
	sim->fc.rx = calloc(SIM_RX_FRAMES, sizeof(*sim->fc.rx));
	if (!sim->eth.rx || !sim->fc.rx)
		goto fail;
	ret = find_image(&sim->params, &sim->image);
	if (ret)
		goto fail;
	ret = -ENOMEM;
	sim->model = weft_model_new(&sim->pin);
	if (!sim->model)
		goto fail;
	configure(sim);
	sim_refresh_time(sim);
	weft_sim_reset(sim);
	*out = sim;
	return 0;
fail:
	weft_sim_destroy(sim);
	return ret;
}

void weft_sim_destroy(struct weft_sim *sim)
{
	if (!sim)
		return;
	weft_model_free(sim->model);
	free(sim->image);
	free(sim->eth.rx);
	free(sim->fc.rx);
	free(sim);
}

bool weft_sim_idle(const struct weft_sim *sim)
{
	return sim->quiet >= SIM_QUIET && *sim->pin.next_timer_ns > sim->now_ns;
}

uint64_t weft_sim_step(struct weft_sim *sim, uint64_t cycles)
{
	uint64_t n;

	sim_refresh_time(sim);
	for (n = 0; n < cycles && !weft_sim_idle(sim); n++)
		sim_cycle(sim);
	return n;
}

uint64_t weft_sim_next_timer(const struct weft_sim *sim)
{
	return *sim->pin.next_timer_ns;
}

/* Time stands on a clock edge: a timer between two edges fires at the later one. */
void weft_sim_skip_to(struct weft_sim *sim, uint64_t ns)
{
	uint64_t timer = *sim->pin.next_timer_ns, n;

	if (sim->params.wall_time || !weft_sim_idle(sim))
		return;
	if (ns > timer)
		ns = timer;
	if (ns <= sim->now_ns)
		return;
	n = (ns - sim->now_ns + WEFT_SIM_CLK_NS - 1) / WEFT_SIM_CLK_NS;
	sim->clocks += n;
	sim->ps += n * SIM_CLK_PS;
	sim->now_ns += n * WEFT_SIM_CLK_NS;
}

uint64_t weft_sim_now(const struct weft_sim *sim)
{
	return sim->params.wall_time ? wall_ns() : sim->now_ns;
}

uint64_t weft_sim_cycles(const struct weft_sim *sim)
{
	return sim->cycles;
}

uint64_t weft_sim_clocks(const struct weft_sim *sim)
{
	return sim->clocks;
}

int weft_sim_waves(struct weft_sim *sim, const char *path, uint64_t from, uint64_t to)
{
	int ret;

	if (sim->waves)
		return -EBUSY;
	ret = weft_model_waves_open(sim->model, path);
	if (ret)
		return ret;
	sim->waves = true;
	sim->waves_from = from;
	sim->waves_to = to;
	return 0;
}

size_t weft_sim_log(struct weft_sim *sim, char *buf, size_t len)
{
	uint64_t tail, word = 0;
	size_t n = 0;

	if (!len)
		return 0;
	if (weft_sim_bar_read(sim, WEFT_LOG_TAIL, 4, &tail))
		tail = sim->log_pos;
	if ((uint32_t)tail - sim->log_pos > WEFT_LOG_SIZE)
		sim->log_pos = (uint32_t)tail - WEFT_LOG_SIZE; /* overrun: the oldest is lost */
	while (sim->log_pos != (uint32_t)tail && n + 1 < len) {
		uint32_t off = sim->log_pos % WEFT_LOG_SIZE;

		if ((n == 0 || off % 4 == 0) &&
		    weft_sim_bar_read(sim, WEFT_LOG_WINDOW + (off & ~3u), 4, &word))
			break;
		buf[n++] = (char)(word >> (off % 4 * 8));
		sim->log_pos++;
	}
	buf[n] = '\0';
	return n;
}
