/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes an Ethernet or Fibre Channel capture that Wireshark reads: pcapng, one interface, nanoseconds,
 * direction of each frame.
 */
#ifndef WEFT_SIM_PCAPNG_H
#define WEFT_SIM_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weft_pcapng;

/*
 * -errno of the file. name: of the interface; base_ns is added to each time (wall clock less device
 * time).
 */
int weft_pcapng_open(const char *path, const char *name, bool fc, uint64_t base_ns,
		     struct weft_pcapng **cap);
/* out: the frame left the adapter. -EIO. */
int weft_pcapng_write(struct weft_pcapng *cap, const void *frame, size_t len, uint64_t ns,
		      bool out);
/* A unit of an FC port (weft_sim.h). Primitives are not kept. */
int weft_pcapng_write_fc(struct weft_pcapng *cap, const void *unit, size_t len, uint64_t ns,
			 bool out);
int weft_pcapng_flush(struct weft_pcapng *cap);
/* -EIO when something did not reach the file. NULL is allowed. */
int weft_pcapng_close(struct weft_pcapng *cap);

#endif
