/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of a cable, Ethernet or Fibre Channel: delay, and faults drawn from a seed. Frames leave in the
 * order of their due times; frames of the same due time in the order they came.
 */
#ifndef WEFT_SIM_LINK_H
#define WEFT_SIM_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Probabilities are 0..1 per frame. */
struct weft_link_params {
	double loss, dup, reorder, corrupt, badfcs;
	uint64_t delay_ns;
	uint64_t reorder_ns; /* how much later a reordered frame comes; 0: 20 us */
	uint64_t seed;
};

struct weft_link_counters {
	uint64_t frames, bytes; /* that came in */
	uint64_t lost, duplicated, reordered, corrupted, bad_fcs;
};

struct weft_link_frame {
	struct weft_link_frame *next;
	uint64_t due_ns;
	bool bad_fcs; /* to be handed over with the MAC's mark */
	size_t len;
	uint8_t bytes[];
};

struct weft_link {
	struct weft_link_params params;
	struct weft_link_counters counters;
	struct weft_link_frame *head;
	uint64_t rng;
	bool lost; /* the frame that was sent last */
};

void weft_link_init(struct weft_link *link, const struct weft_link_params *params);
/* Drops what is under way. */
void weft_link_clear(struct weft_link *link);
/* A frame enters at now_ns. -ENOMEM: it is lost and counted so. */
int weft_link_send(struct weft_link *link, const void *frame, size_t len, uint64_t now_ns);
/*
 * The same without faults and counters, for FC primitives; each leaves behind those before it. A link
 * that loses a frame loses it as if behind the next port, which still gives its credit back: lost says
 * so of the frame sent last.
 */
int weft_link_send_primitive(struct weft_link *link, const void *unit, size_t len, uint64_t now_ns);
/* When the next frame is due; UINT64_MAX: none. */
uint64_t weft_link_next(const struct weft_link *link);
/* Takes the first frame if it is due; the caller frees it. NULL: none. */
struct weft_link_frame *weft_link_take(struct weft_link *link, uint64_t now_ns);

/*
 * Reads "loss=0.01,dup=0.01,reorder=0.02,corrupt=0.001,badfcs=0.001,delay=1ms,by=50us,seed=7" (ns,
 * us, ms, s). -EINVAL: *bad names the first word that is wrong.
 */
int weft_link_parse(const char *spec, struct weft_link_params *params, const char **bad);

#endif
