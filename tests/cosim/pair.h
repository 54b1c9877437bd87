/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adapters against each other in one process: end 1 is the controller with a subsystem of one
 * namespace, end 0 (and end 2, 3 at a switch) a host. Deterministic.
 */
#ifndef WEFT_TEST_PAIR_H
#define WEFT_TEST_PAIR_H

#include <nvme/host.h>
#include <nvme/target.h>
#include <weft/mem.h>

#include "cosim/cosim.h"
#include "store.h"

#define PAIR_NQN "nqn.2026-11.test.weft:pair"
#define PAIR_PORT 4420
#define PAIR_TARGET 1u /* the end that is the controller */

/* All zero: the default in brackets. */
struct pair_params {
	struct cosim_params cosim;
	/* the controller */
	uint64_t ns_bytes; /* [4 MiB] */
	uint64_t delay_ns; /* of the backend [0] */
	bool shuffle;
	bool ram;        /* the library's own memory backend in place of the store */
	bool no_digests; /* it grants none */
	struct nvmf_listen_params listen; /* dev, port and digests are filled in */
	struct nvme_subsys_opts subsys;   /* nqn and allow_any_host are filled in */
	struct nvme_target_opts target;
	/* the hosts */
	uint8_t digests;        /* asked for: bit 0 header, bit 1 data */
	unsigned int io_queues; /* [1] */
	uint16_t io_qsize;      /* [32] */
	bool disable_sqflow;
	uint16_t maxr2t;
	uint32_t max_xfer;
	uint32_t kato_ms; /* 1: none */
	uint32_t io_timeout_ms;
	uint32_t reconnect_delay_ms;
	nvme_host_event_fn *event_cb;
	void *event_arg;
};

struct pair_side {
	struct pair *pair;
	struct cosim_end *end;
	struct weft_dev *dev;
	struct nvme_host *host;
	struct nvme_host_ns ns;
	bool asleep; /* the host's program stands still, its adapter does not */
};

struct pair {
	struct pair_params params;
	struct cosim cosim;
	struct nvme_target *target;
	struct nvme_subsys *subsys;
	struct nvme_port *port;
	struct store store;
	struct pair_side side[COSIM_MAX]; /* hosts; [PAIR_TARGET] has none */
};

/* Up to a target that listens: 0 or negative errno, said on stderr. pair_close undoes whatever there is. */
int pair_open(struct pair *p, const struct pair_params *params);
/* An association of the host on end i, and its namespace. */
int pair_connect(struct pair *p, unsigned int i);
void pair_disconnect(struct pair *p, unsigned int i);
/* Ends the target. Errors of nvme_target_destroy. */
int pair_end_target(struct pair *p, uint32_t timeout_ms);
void pair_close(struct pair *p);

/* Lets so much device time pass, all programs running. */
void pair_run(struct pair *p, uint64_t ns);
/* What went wrong below: DMA outside mapped memory, misuse of the backend. NULL: nothing. */
const char *pair_trouble(struct pair *p);

/* Commands under way; done counts completions, error keeps the first one. */
struct pair_io {
	unsigned int done;
	int error;
	uint16_t status;
};

int pair_read(struct pair_side *s, void *buf, uint64_t lba, uint32_t blocks, struct pair_io *io);
int pair_write(struct pair_side *s, void *buf, uint64_t lba, uint32_t blocks, struct pair_io *io);
/* The callback of both, for other commands; arg: struct pair_io. */
void pair_done(void *arg, const struct nvme_result *r);
/* Until io->done reaches want or limit_ns of device time are over. True: it did. */
bool pair_wait(struct pair *p, const struct pair_io *io, unsigned int want, uint64_t limit_ns);

#endif
