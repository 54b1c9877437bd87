/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark's parts: load.c runs a workload, count.c runs it for its host instructions, profile.c reads those, main.c
 * makes table and JSON.
 */
#ifndef WEFT_BENCH_H
#define WEFT_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "pair.h"
#include "rig.h"

#define BENCH_CLOCK_HZ 250e6
#define BENCH_LINK_BPS 25e9
#define BENCH_FC_BPS (28.05e9 * 64 / 66) /* 32GFC after line coding */

/* What the adapter that is measured is, and what it talks to. */
enum bench_role {
	BENCH_HOST, /* host; the scripted target, which takes no time */
	BENCH_CTL,  /* controller; an adapter in the host role */
	BENCH_PAIR, /* host; an adapter in the controller role */
};

struct bench_row {
	const char *name; /* wire.role.direction.size, then depth or MTU if they matter */
	enum bench_role role;
	bool write;
	uint32_t bytes; /* of a command */
	unsigned int depth;
	uint16_t mtu;
	unsigned int warm, commands; /* before and while measuring */
	enum cosim_wire wire;
};

/* Host instructions; what the test's own backend, load and bus do is in neither. */
struct bench_host {
	double transport; /* driver and host-lib/nvmf */
	double program;   /* host-lib/host or host-lib/target */
};

struct bench_result {
	double cycles_per_command;
	double iops;
	double share_of_wire; /* of the payload that the link can carry with this MTU */
	double latency_cycles;
	double firmware_instructions, firmware_cycles; /* per command; cycles: not asleep */
	struct bench_host host;                        /* per command; 0: not counted */
	double simulated_cycles, wall_seconds;
};

/* What lies outside the adapters: as it is modelled by default, or next to nothing. */
struct bench_outside {
	bool no_pcie; /* host memory answers at once, at any bandwidth */
	bool no_wire; /* the cable takes 1 ns, frames take no time */
};

/* 0 or negative errno, said on stderr. Every byte moved is compared. */
int bench_run(const struct bench_row *row, const struct bench_outside *outside,
	      struct bench_result *result);
/* Runs this program under callgrind for the row; instructions per command of the measured end. */
int bench_count(const char *self, const struct bench_row *row, struct bench_host *host);
/* What that run does. */
int bench_counted(const struct bench_row *row);
/* Adds up a callgrind file of this program, run from the same folder. -errno of the file. */
int bench_profile(const char *path, struct bench_host *host);

/* --- load.c, for count.c ----------------------------------------------------------------------- */

struct load_slot {
	struct load *load;
	uint8_t *buf;
	uint64_t lba, started;
};

struct load {
	const struct bench_row *row;
	struct rig rig;   /* BENCH_HOST */
	struct pair pair; /* the others */
	/* of either */
	struct weft_sim_params models;
	struct weft_link_params cable;
	struct weft_world *world;
	struct nvme_host_ns *ns;
	struct weft_dev *dev;      /* the host's */
	struct weft_dev *measured; /* whose counters are read */
	struct weft_sim *sim;
	uint8_t *ram; /* of the namespace */
	struct load_slot *slots;
	uint64_t rng, latency;
	unsigned int submitted, done, total;
	int error;
	bool stopped; /* what is still under way may fail */
};

typedef struct weft_bus *bench_wrap_fn(struct weft_bus *inner);

/* Up to an open namespace with known data. wrap: put between driver and simulator, or NULL. load_close undoes it. */
int load_open(struct load *l, const struct bench_row *row, const struct bench_outside *outside,
	      bench_wrap_fn *wrap);
/* The row's depth of commands; each is followed by the next when it ends. */
int load_start(struct load *l);
/* ret, or what went wrong unseen. */
int load_close(struct load *l, int ret);

#endif
