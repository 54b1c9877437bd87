/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the target share: a target with one port, one subsystem and one namespace, and
 * hosts that speak to it.
 */
#ifndef RIG_H
#define RIG_H

#include <check.h>

#include <nvme/target.h>
#include <weft/dev.h>

#include "fake_backend.h"
#include "fake_nvmf.h"

#define RIG_PORT 4420
#define RIG_NQN "nqn.2024-01.test.weft:one"
#define RIG_HOST "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555"
#define RIG_HOST2 "nqn.2014-08.org.nvmexpress:uuid:22222222-2222-3333-4444-555555555555"
#define RIG_BLOCKS 8192u
#define NO_ANSWER 0xffffu
#define DNR NVME_STATUS_DNR
#define READ_ALL NVME_NSID_ALL

extern struct weft_dev *dev;
extern struct nvme_target *target;
extern struct nvme_subsys *subsys;
extern struct nvme_port *port;
extern struct fake_backend *disk; /* of namespace 1, 512-byte blocks */
extern bool disk_closed;
extern char rig_log[65536]; /* what the target noted */

/* A target; with everything above. For checked fixtures. */
void rig_bare(void);
void rig_up(void);
/* The same with so many bytes of buffers. */
void rig_up_with(const struct nvme_target_opts *opts);
/* Destroys the target if it is still there; nothing may be left. */
void rig_down(void);
struct fake_backend *rig_add_disk(struct nvme_subsys *s, uint64_t blocks, uint32_t *nsid,
				  bool *closed);

/* A host with an association. */
struct host {
	struct fake_conn *q[20]; /* by QID */
	const char *subnqn, *hostnqn;
	uint8_t hostid[16];
	uint16_t cntlid, cid;
	uint32_t kato;
	uint16_t sqsize; /* 0's based */
	uint8_t cattr;
	bool r2t; /* Connect data and writes by R2T */
};

struct host host_new(const char *subnqn, const char *hostnqn);
struct nvme_sqe host_connect_sqe(struct host *h, uint16_t qid);
struct nvme_connect_data host_connect_data(const struct host *h, uint16_t qid);
/* Connect on a connection of its own, left in q[qid]; status. */
uint16_t host_connect(struct host *h, uint16_t qid);
/* Connection, Connect, enable: must work. */
void host_up(struct host *h, unsigned int io_queues);
void host_enable(struct host *h);
/* Closes all its connections and waits until the target has let go of them. */
void host_down(struct host *h);
void host_gone(struct host *h, uint16_t qid);

/* Result of the last command. */
extern struct fake_cmd *last;
uint32_t last_dw0(void);

/* Sends and waits; status, or NO_ANSWER. IN: data is filled. Else data is sent. */
uint16_t run(struct host *h, uint16_t qid, struct nvme_sqe sqe, enum fake_data kind, void *data,
	     size_t len);
/* Sends without waiting. */
struct fake_cmd *post(struct host *h, uint16_t qid, struct nvme_sqe sqe, enum fake_data kind,
		      const void *data, size_t len);
uint16_t status_of(const struct fake_cmd *cmd);
void polls(unsigned int n);
/* Time passes, the target looks at it often. */
void pass(uint64_t ms);

uint16_t prop_set(struct host *h, uint32_t offset, uint32_t value);
uint16_t prop_get(struct host *h, uint32_t offset, bool eight, uint64_t *value);
uint16_t identify(struct host *h, uint8_t cns, uint32_t nsid, void *data);
uint16_t get_log(struct host *h, uint8_t lid, bool rae, uint64_t off, void *data, uint32_t len);
uint16_t set_feature(struct host *h, uint8_t fid, uint32_t value);
uint16_t get_feature(struct host *h, uint8_t fid, unsigned int sel, uint32_t *value);
struct fake_cmd *post_aer(struct host *h);
struct nvme_sqe rw_sqe(uint8_t opc, uint32_t nsid, uint64_t slba, uint32_t blocks);
uint16_t read_blocks(struct host *h, uint64_t slba, uint32_t blocks, void *data);
uint16_t write_blocks(struct host *h, uint64_t slba, uint32_t blocks, const void *data);
void pattern(void *p, size_t n, unsigned int seed);

Suite *connect_suite(void);
Suite *ctrl_suite(void);
Suite *identify_suite(void);
Suite *log_suite(void);
Suite *event_suite(void);
Suite *io_suite(void);
Suite *life_suite(void);

#endif
