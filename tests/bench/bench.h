/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark's parts: load.c runs a workload, count.c counts host instructions, main.c makes table and JSON. */
#ifndef WEFT_BENCH_H
#define WEFT_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "pair.h"
#include "rig.h"

#define BENCH_CLOCK_HZ 250e6
#define BENCH_LINK_BPS 25e9

/* What the adapter that is measured is, and what it talks to. */
enum bench_role {
	BENCH_HOST, /* host; the scripted target, which takes no time */
	BENCH_CTL,  /* controller; an adapter in the host role */
	BENCH_PAIR, /* host; an adapter in the controller role */
};

struct bench_row {
	const char *name; /* wire.role.direction.size.depth or .mtu */
	enum bench_role role;
	bool write;
	uint32_t bytes; /* of a command */
	unsigned int depth;
	uint16_t mtu;
	unsigned int warm, commands; /* before and while measuring */
};

struct bench_result {
	double cycles_per_command;
	double iops;
	double share_of_wire; /* of the payload that the link can carry with this MTU */
	double latency_cycles;
	double firmware_instructions, firmware_cycles; /* per command; cycles: not asleep */
	double host_instructions; /* 0: not counted; only with the scripted target */
	double simulated_cycles, wall_seconds;
};

/* 0 or negative errno, said on stderr. Every byte moved is compared. */
int bench_run(const struct bench_row *row, struct bench_result *result);
/* Runs this program under callgrind for the row; instructions of driver and host library per command. */
int bench_count(const char *self, const struct bench_row *row, double *instructions);
/* What that run does. */
int bench_counted(const struct bench_row *row);

#endif
