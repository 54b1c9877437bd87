/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of a weft_sim: the Verilated model and the models around it.
 *
 * One clock cycle is: let the inputs settle (clk 0), every model looks at the outputs and takes the
 * transfers that this edge will complete (xxx_sample), the edge (clk 1), every model drives the
 * inputs of the next cycle (xxx_drive). The models count time in picoseconds of adapter clock, so
 * that a slow simulation in wall time still sees a fast wire.
 */
#ifndef WEFT_SIM_MODEL_H
#define WEFT_SIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "../weft_sim.h"
#include "flash.h"
#include "pins.h"

#define SIM_CLK_PS (WEFT_SIM_CLK_NS * 1000ull)
#define SIM_READS_MAX 64  /* outstanding read bursts that the host takes */
#define SIM_WRITES_MAX 32 /* write bursts whose address came and whose response is not out yet */
#define SIM_RX_FRAMES 256 /* frames waiting to be received */
#define SIM_BEAT 16       /* bytes of a beat, DATA_W / 8 */
/*
 * Cycles of idle output before we believe it: covers every pipeline between a port and the output.
 */
#define SIM_QUIET 16

/* A read burst between its address and its data. */
struct axi_read {
	uint64_t addr;
	uint64_t due_ps;
	uint16_t beats;
	uint8_t id;
	uint8_t size;
};

/* A write burst: address taken, data perhaps under way. */
struct axi_write {
	uint64_t addr;
	uint64_t due_ps; /* of the response */
	uint16_t beats;
	uint8_t id;
	uint8_t size;
	uint8_t resp;
};

struct axi_model {
	struct axi_read reads[SIM_READS_MAX];
	unsigned int n_reads;
	uint64_t read_free_ps;   /* when the read direction of the link is free */
	struct axi_read burst;   /* being delivered */
	unsigned int burst_beat; /* beat that stands on the R channel or comes next */
	bool burst_on;
	uint8_t burst_resp;
	uint8_t burst_data[4096 + SIM_BEAT];

	/* ring: [w_head, w_data) wait for B, [w_data, w_tail) for data */
	struct axi_write writes[SIM_WRITES_MAX];
	unsigned int w_head, w_data, w_tail; /* free-running */
	unsigned int w_beat;
	uint64_t write_free_ps;
	uint8_t w_bytes[4096 + SIM_BEAT];
	uint16_t w_strb[257];

	/* of a request that was not taken yet: it may not change */
	uint64_t last_araddr, last_awaddr;
	bool ar_waits, aw_waits, w_waits; /* the adapter's, not taken at this edge */
	bool r_waits, b_waits;            /* ours */
};

struct eth_frame {
	uint32_t len;
	bool bad;
	uint64_t from_ps; /* when it was handed in */
	uint8_t bytes[WEFT_SIM_FRAME_MAX];
};

struct eth_model {
	uint64_t byte_ps; /* one byte on the wire */
	uint64_t tx_ps;   /* when all that was taken has left */
	uint32_t tx_len;
	bool tx_waits;
	bool hold;
	uint8_t tx[WEFT_SIM_FRAME_MAX + SIM_BEAT];

	struct eth_frame *rx; /* ring of SIM_RX_FRAMES */
	unsigned int rx_head, rx_tail;
	uint32_t rx_off;      /* bytes of the first frame already given */
	uint64_t rx_start_ps; /* first payload bit of the first frame; valid while rx_on */
	uint64_t rx_free_ps;  /* when the wire is free again */
	bool rx_on;
};

struct fc_unit {
	uint32_t len;
	bool bad;
	uint64_t from_ps;
	uint8_t bytes[WEFT_FC_UNIT_MAX];
};

struct fc_model {
	uint64_t byte_ps;
	uint64_t tx_ps; /* when all that was taken has left */
	uint32_t tx_len, tx_rrdy;
	bool tx_waits, rrdy_waits;
	uint8_t tx_prim; /* that was sent last */
	uint8_t tx[WEFT_FC_UNIT_MAX + SIM_BEAT];

	struct fc_unit *rx; /* ring of SIM_RX_FRAMES */
	unsigned int rx_head, rx_tail;
	uint32_t rx_off; /* as in eth_model */
	uint64_t rx_start_ps, rx_free_ps;
	bool rx_on;
};

/* The flash's pins. */
struct spi_model {
	bool selected, sck;
	unsigned int bits;     /* of in */
	uint8_t in, out, next; /* out: bit 7 is on the pin */
};

struct axil_model {
	bool active;
	bool aw, w, ar; /* still to be taken */
	bool done;
	uint8_t resp;
	uint32_t rdata;
};

struct weft_sim {
	struct weft_pins pin;
	struct weft_model *model;
	struct weft_sim_ops ops;
	void *ctx;
	struct weft_sim_params params;
	uint64_t read_ps, write_ps; /* latencies */
	uint64_t pcie_byte_fs;      /* femtoseconds per byte */

	uint64_t now_ns; /* device time */
	uint64_t cycles, clocks;
	uint64_t ps; /* clocks * SIM_CLK_PS */
	uint64_t rng;
	unsigned int quiet;

	struct axi_model axi;
	struct eth_model eth;
	struct fc_model fc;
	struct axil_model axil;
	struct spi_model spi;

	struct sim_image *image;
	uint32_t log_pos;
	bool waves;
	uint64_t waves_from, waves_to;
};

/* A firmware image, or the boot ROM's: words to put at core addresses. */
struct sim_word {
	uint32_t addr, data;
};

struct sim_image {
	size_t n;
	struct sim_word words[];
};

enum sim_image_kind { SIM_FIRMWARE, SIM_ROM };

/*
 * What goes to instruction and data memory, or to the ROM. -ENOENT, -ENOEXEC, -ENOMEM, -EIO; says on
 * stderr what is wrong with which file.
 */
int sim_image_load(const char *path, enum sim_image_kind kind, struct sim_image **image);

void sim_cycle(struct weft_sim *sim);
/* Wall time: device time becomes now. Called wherever the clock starts to run again. */
void sim_refresh_time(struct weft_sim *sim);

void axi_reset(struct weft_sim *sim);
void axi_sample(struct weft_sim *sim);
void axi_drive(struct weft_sim *sim);
bool axi_busy(const struct weft_sim *sim);

void eth_reset(struct weft_sim *sim);
void eth_sample(struct weft_sim *sim);
void eth_drive(struct weft_sim *sim);
bool eth_busy(const struct weft_sim *sim);

void fc_reset(struct weft_sim *sim);
void fc_sample(struct weft_sim *sim);
void fc_drive(struct weft_sim *sim);
bool fc_busy(const struct weft_sim *sim);

void spi_reset(struct weft_sim *sim);
void spi_drive(struct weft_sim *sim);

void axil_reset(struct weft_sim *sim);
void axil_sample(struct weft_sim *sim);
void axil_drive(struct weft_sim *sim);

/* The adapter broke a rule of a bus: a bug in RTL. Says which one and when, then aborts. */
void sim_broken(const struct weft_sim *sim, const char *rule) __attribute__((noreturn));

/* Device time of a moment of the models' clock. */
static inline uint64_t sim_device_ns(const struct weft_sim *sim, uint64_t ps)
{
	if (sim->params.wall_time || ps < sim->ps)
		return sim->now_ns;
	return sim->now_ns + (ps - sim->ps) / 1000;
}

/* True one time in n, only with a back-pressure seed. */
static inline bool sim_stall(struct weft_sim *sim, unsigned int n)
{
	if (!sim->params.backpressure_seed)
		return false;
	sim->rng ^= sim->rng << 13;
	sim->rng ^= sim->rng >> 7;
	sim->rng ^= sim->rng << 17;
	return (sim->rng >> 32) % n == 0;
}

static inline unsigned int sim_random(struct weft_sim *sim, unsigned int n)
{
	sim->rng ^= sim->rng << 13;
	sim->rng ^= sim->rng >> 7;
	sim->rng ^= sim->rng << 17;
	return (unsigned int)((sim->rng >> 32) % n);
}

#endif
