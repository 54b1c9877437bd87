/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe-oF host and target in one program, joined by the FC loopback. Device time is the rig's: a
 * microsecond a poll, a millisecond a nap. rig_down checks that nothing is left and that nobody broke
 * the contract of nvme/fc_driver.h.
 */
#ifndef NVMF_FC_RIG_H
#define NVMF_FC_RIG_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <nvme/fc_loop.h>
#include <nvme/host.h>
#include <nvme/target.h>

#define RIG_NQN "nqn.2026-11.org.weft:fc"
#define RIG_OTHER "nqn.2026-11.org.weft:other"
#define RIG_BLOCK 512u
#define RIG_BLOCKS 16384u
#define MIB (1u << 20)

extern struct nvme_fc_loop *loop;
extern uint64_t now;
extern struct nvmf_pump host_pump;   /* moves everything */
extern struct nvmf_pump target_pump; /* moves the ports only */
extern struct nvme_target *target;
extern struct nvme_subsys *subsys;
extern struct nvme_port *port;
extern struct nvme_host *host;
extern struct nvme_host_ns ns;
extern struct nvme_host_opts opts; /* as rig_connect uses them */
extern char rig_log[65536];        /* what the target noted */

/* What the host told. */
extern struct rig_events {
	unsigned int lost, reconnected, dead, async;
	int error;
	uint32_t aer;
} ev;

void rig_loop_up(const struct nvme_fc_loop_opts *o);
/* Loop and target with a subsystem of one namespace. */
void rig_up_with(const struct nvme_fc_loop_opts *o);
void rig_up(void);
void rig_down(void);
void rig_loop_down(void);
/* The parts of it for tests that have ports of their own. */
void rig_target_up(struct nvme_port_opts *po);
void rig_target_down(void);
void rig_set_opts(uint64_t wwnn, uint64_t wwpn);
/* Must work. */
void rig_connect(unsigned int io_queues);
void spin(unsigned int n);
/* The host polls while time passes, ms milliseconds. */
void pass(unsigned int ms);
struct nvme_fc_loop_stats stats(void);
void pattern(uint8_t *p, size_t n, uint32_t seed);

/* A request of the host. */
struct job {
	bool done;
	struct nvme_result r;
};
void on_job(void *arg, const struct nvme_result *r);
/* Waits for it; one errno. */
int finish(struct job *j);
int run_rw(bool write, void *buf, uint64_t slba, uint32_t blocks);

Suite *host_suite(void);
Suite *trouble_suite(void);
Suite *qpair_suite(void);
Suite *adapter_suite(void);

#endif
