/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole adapter and its target in one process: Verilated adapter with the real firmware, driver and host library on one
 * side, a cable, the scripted peer on the other. Deterministic.
 */
#ifndef WEFT_TEST_RIG_H
#define WEFT_TEST_RIG_H

#include <nvme/host.h>
#include <weft/mem.h>

#include "peer/world_peer.h"
#include "weft_sim.h"
#include "weft_world.h"

struct rig_params {
	struct weft_sim_params sim;
	struct peer_params peer;
	struct weft_link_params cable[2]; /* adapter to peer, peer to adapter */
	uint16_t mtu;                     /* of both sides [1500] */
	uint8_t digests;                  /* asked for: bit 0 header, bit 1 data */
	unsigned int io_queues;           /* [1] */
	uint16_t io_qsize;                /* [128] */
	bool disable_sqflow;
	uint16_t maxr2t;
	uint32_t max_xfer;
	uint32_t io_timeout_ms;
	uint32_t reconnect_delay_ms;
	nvme_host_event_fn *event_cb;
	void *event_arg;
	struct weft_bus *(*wrap)(
		struct weft_bus *inner); /* puts something between driver and simulator, or NULL */
	const char *capture;             /* pcapng of the adapter's port, or NULL */
};

struct rig {
	struct rig_params params;
	struct weft_world *world;
	struct weft_world_port *port; /* the adapter's */
	struct world_peer wp;
	struct peer *peer;
	struct weft_bus *inproc, *bus; /* the simulator's; what the driver sees */
	struct weft_dev *dev;
	struct nvme_host *host;
	struct nvme_host_ns ns;
};

/* Up to a configured port: 0 or negative errno, said on stderr. rig_close undoes whatever there is. */
int rig_open(struct rig *rig, const struct rig_params *params);
/* An association and its namespace. */
int rig_connect(struct rig *rig);
void rig_close(struct rig *rig);

/* Polls the host for so much device time. */
void rig_run(struct rig *rig, uint64_t ns);
/* What went wrong below: complaints of the peer, DMA outside mapped memory. NULL: nothing. */
const char *rig_trouble(struct rig *rig);

/* One command at a time over buffers of weft_mem_alloc; *done counts completions, *error keeps the first one. */
struct rig_io {
	unsigned int done;
	int error;
	uint16_t status;
};

int rig_read(struct rig *rig, void *buf, uint64_t lba, uint32_t blocks, struct rig_io *io);
int rig_write(struct rig *rig, void *buf, uint64_t lba, uint32_t blocks, struct rig_io *io);
/* Polls until io->done reaches want or limit_ns of device time are over. True: it did. */
bool rig_wait(struct rig *rig, const struct rig_io *io, unsigned int want, uint64_t limit_ns);

#endif
