/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both ends over a low-level driver: a host with one controller, and a user of the target port that
 * stores blocks in memory. rig_down checks that nothing is left and that the contract was kept. The
 * driver is the loopback, or the adapter's with two fake adapters on a cable (tests/unit/driver).
 */
#ifndef FC_RIG_H
#define FC_RIG_H

#include <check.h>
#include <stdbool.h>
#include <string.h>

#include <nvme/fc_loop.h>

#include "../../../host-lib/fc/fc.h"
#include "../../../host-lib/fc/wire.h"

#define RIG_SUBNQN "nqn.2026-11.org.weft:fc"
#define RIG_HOSTNQN "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555"
#define RIG_DISK (2u << 20)
#define RIG_ENTRIES 32
#define NSEC 1000000000ull

/* What the tests need of a driver, in the words of the loopback. */
struct rig_driver {
	const char *name;
	bool (*takes)(const struct nvme_fc_loop_opts *opts); /* it has such options */
	/* Ports registered, link up */
	void (*create)(const struct nvme_fc_loop_opts *opts);
	int (*destroy)(void);
	void (*poll)(void);     /* at the time now */
	uint64_t (*next)(void); /* polls; when it wants to be called again */
	int (*link)(bool up);
	bool (*can)(enum nvme_fc_loop_fault fault); /* it has such a fault */
	void (*fault)(enum nvme_fc_loop_fault fault, unsigned int skip, unsigned int count);
	void (*stats)(struct nvme_fc_loop_stats *stats);
	struct nvme_fc_local_port *(*local)(void);
	struct nvme_fc_remote_port *(*remote)(void);
	struct nvmet_fc_target_port *(*tport)(void);
	uint64_t (*iova)(const void *addr);
	/* ls_req of either template, for the port at the other end */
	int (*host_ls)(struct nvmefc_ls_req *req);
	int (*target_ls)(struct nvmefc_ls_req *req);
};
extern const struct rig_driver rig_loop, rig_adapter;
/*
 * Of this run; set before the suites are made. What the driver cannot do is no test of it: suites leave
 * it out, so that it does not count as passed.
 */
extern const struct rig_driver *rig;
extern struct nvme_fc_loop *loop; /* NULL: another driver */
extern struct nvme_fc_ctrl *ctrl;
extern uint64_t now;
extern uint8_t disk[RIG_DISK];

/* What the host was told. */
struct rig_host {
	unsigned int queues, refused, ended, back, lost;
	int error;      /* of the latest QUEUE or ENDED */
	bool reconnect; /* when the association ended or the port is back */
};
extern struct rig_host host;

/* What the user of the target port does and saw. */
struct rig_target {
	bool refuse;    /* connections */
	bool hold;      /* commands are kept */
	bool two_steps; /* reads: send, then respond */
	uint32_t chunk; /* bytes of a transfer, 0: all at once */
	uint16_t status;
	uint32_t dw0, dw1; /* of responses */
	int xfer_error;    /* of the latest transfer */
	unsigned int conns, held, commands, ended;
	uint16_t entries;
	uint64_t association;
	char hostnqn[224];
	struct nvmet_fc_conn *last; /* connection */
};
extern struct rig_target target;

/* opts NULL: defaults; else the driver must take them. */
void rig_up(const struct nvme_fc_loop_opts *opts);
void rig_down(void);
static inline int rig_destroy(void)
{
	return rig->destroy();
}

static inline int rig_link(bool up)
{
	return rig->link(up);
}

static inline bool rig_takes(const struct nvme_fc_loop_opts *opts)
{
	return rig->takes(opts);
}

static inline bool rig_can(enum nvme_fc_loop_fault fault)
{
	return rig->can(fault);
}

static inline void rig_fault(enum nvme_fc_loop_fault fault, unsigned int skip, unsigned int count)
{
	ck_assert(rig->can(fault));
	rig->fault(fault, skip, count);
}

static inline uint64_t rig_next(void)
{
	return rig->next();
}

static inline struct nvme_fc_local_port *rig_local(void)
{
	return rig->local();
}

static inline struct nvme_fc_remote_port *rig_remote(void)
{
	return rig->remote();
}

static inline struct nvmet_fc_target_port *rig_tport(void)
{
	return rig->tport();
}

static inline uint64_t rig_iova(const void *addr)
{
	return rig->iova(addr);
}

static inline int rig_host_ls(struct nvmefc_ls_req *req)
{
	return rig->host_ls(req);
}

static inline int rig_target_ls(struct nvmefc_ls_req *req)
{
	return rig->target_ls(req);
}
/* Polls so many times, a microsecond each. */
void spin(unsigned int n);
/* Lets time pass, in steps of 100 ms. */
void pass(unsigned int seconds);
struct nvme_fc_loop_stats stats(void);

/* Makes the controller; then with an association and I/O queues 1..n. */
void rig_ctrl(void);
void rig_connect(unsigned int io_queues);
/* Answers all that is held. */
void target_resume(void);
/* Closes the connection of a queue, alone. */
void target_close(uint16_t qid);

/* A command with memory of its own, up to three pieces. */
struct job {
	struct nvme_fc_io io;
	struct nvmefc_sg sg[256];
	unsigned int done;
	uint8_t *data;
};
/* slba * 512 is the place on the disk. Returns what nvme_fc_submit returned. */
int job_start(struct job *j, uint16_t qid, uint8_t opc, uint64_t slba, uint32_t len);
int job_start_sg(struct job *j, uint16_t qid, uint8_t opc, uint64_t slba, uint32_t len,
		 uint32_t piece);
/* Starts it, waits, checks that it was done once; returns its error. */
int job_run(struct job *j, uint16_t qid, uint8_t opc, uint64_t slba, uint32_t len);
void job_free(struct job *j);
void pattern(uint8_t *p, size_t n, uint32_t seed);

#endif
