/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between driver and simulator: reads along what the driver asks of the device, and lends it exactly
 * the memory that the host interface gives it, for exactly as long. Rings from QP_CREATE to QP_DELETE,
 * data buffers from the doorbell to their completion, receive buffers of a controller pair until a
 * capsule came in them and again from the reply that ends it. Any other access shows as not_lent in
 * weft_sim_bus_stats.
 */
#ifndef WEFT_TEST_LEND_H
#define WEFT_TEST_LEND_H

#include <weft/bus.h>

/* inner: a bus of the simulator; closed with the result. NULL: no memory. */
struct weft_bus *lend_bus(struct weft_bus *inner);

#endif
