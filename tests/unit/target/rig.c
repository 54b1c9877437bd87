/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

struct weft_dev *dev;
struct nvme_target *target;
struct nvme_subsys *subsys;
struct nvme_port *port;
struct fake_backend *disk;
bool disk_closed;
char rig_log[65536];
struct fake_cmd *last;

static void on_log(void *arg, const char *line)
{
	size_t n = strlen(rig_log);

	ck_assert_ptr_eq(arg, rig_log);
	ck_assert_ptr_null(strchr(line, '\n'));
	snprintf(rig_log + n, sizeof(rig_log) - n, "%s\n", line);
}

static void make(const struct nvme_target_opts *opts)
{
	struct nvme_target_opts o = opts ? *opts : (struct nvme_target_opts){ 0 };

	rig_log[0] = '\0';
	o.log = on_log;
	o.log_arg = rig_log;
	dev = fake_dev_new();
	ck_assert_int_eq(nvme_target_create(&o, &target), 0);
}

void rig_bare(void)
{
	make(NULL);
}

struct fake_backend *rig_add_disk(struct nvme_subsys *s, uint64_t blocks, uint32_t *nsid,
				  bool *closed)
{
	struct fake_backend *f = fake_backend_new(blocks * 512, 512, closed);
	struct nvme_ns_opts o = { .nsid = nsid ? *nsid : 0 };

	ck_assert_int_eq(nvme_subsys_ns_add(s, &f->b, &o, nsid), 0);
	return f;
}

void rig_up_with(const struct nvme_target_opts *opts)
{
	struct nvme_subsys_opts so = { .nqn = RIG_NQN, .allow_any_host = true };
	struct nvme_port_opts po = { .traddr = 0x0a000001,
				     .listen = { .port = RIG_PORT, .max_icd = 16384 } };

	make(opts);
	po.listen.dev = dev;
	ck_assert_int_eq(nvme_target_subsys_add(target, &so, &subsys), 0);
	disk = rig_add_disk(subsys, RIG_BLOCKS, NULL, &disk_closed);
	ck_assert_int_eq(nvme_target_port_add(target, &po, &port), 0);
	ck_assert_int_eq(nvme_port_link(port, subsys), 0);
}

void rig_up(void)
{
	rig_up_with(NULL);
}

void rig_down(void)
{
	struct nvme_target_stats s;

	if (target) {
		polls(10);
		nvme_target_stats(target, &s);
		ck_assert_uint_eq(s.connections, 0);
		ck_assert_uint_eq(s.commands_held, 0);
		ck_assert_uint_eq(s.memory_held, 0);
		ck_assert_int_eq(nvme_target_destroy(target, 1000), 0);
	}
	target = NULL;
	fake_dev_free(dev);
}

void polls(unsigned int n)
{
	while (n--)
		nvme_target_poll(target);
}

void pass(uint64_t ms)
{
	while (ms) {
		uint64_t step = ms < 20 ? ms : 20;

		fake_advance(dev, step);
		ms -= step;
		polls(1);
	}
}

void pattern(void *p, size_t n, unsigned int seed)
{
	uint8_t *b = p;
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		b[i] = (uint8_t)(x >> 24);
	}
}

/* --- commands ------------------------------------------------------------------------------------- */

uint16_t status_of(const struct fake_cmd *cmd)
{
	return cmd->responded ? cmd->cqe.status >> 1 : NO_ANSWER;
}

uint32_t last_dw0(void)
{
	return last->cqe.dw0;
}

struct fake_cmd *post(struct host *h, uint16_t qid, struct nvme_sqe sqe, enum fake_data kind,
		      const void *data, size_t len)
{
	sqe.flags |= sqe.flags & 0xc0 ? 0 : 0x40;
	sqe.cid = ++h->cid;
	return fake_send(h->q[qid], &sqe, kind, data, len);
}

uint16_t run(struct host *h, uint16_t qid, struct nvme_sqe sqe, enum fake_data kind, void *data,
	     size_t len)
{
	static struct fake_cmd copy;
	struct fake_cmd *cmd = post(h, qid, sqe, kind, data, len);
	uint16_t status;
	int i;

	for (i = 0; i < 100 && !cmd->responded; i++)
		polls(1);
	last = cmd;
	status = status_of(cmd);
	if (status == NO_ANSWER)
		return status;
	ck_assert_uint_eq(cmd->cqe.cid, cmd->sqe.cid);
	ck_assert_uint_eq(cmd->cqe.status & 1, 0);
	if (kind == FAKE_IN && !status) {
		ck_assert_uint_eq(cmd->got, len);
		memcpy(data, cmd->in, len);
	}
	if (status)
		ck_assert_uint_eq(cmd->got, 0);
	copy = *cmd;
	last = &copy;
	fake_forget(cmd);
	return status;
}

uint16_t prop_set(struct host *h, uint32_t offset, uint32_t value)
{
	struct nvme_sqe s = { .opc = NVME_OPC_FABRICS,
			      .nsid = NVME_FCTYPE_PROPERTY_SET,
			      .cdw11 = offset,
			      .cdw12 = value };

	return run(h, 0, s, FAKE_NONE, NULL, 0);
}

uint16_t prop_get(struct host *h, uint32_t offset, bool eight, uint64_t *value)
{
	struct nvme_sqe s = { .opc = NVME_OPC_FABRICS,
			      .nsid = NVME_FCTYPE_PROPERTY_GET,
			      .cdw10 = eight,
			      .cdw11 = offset };
	uint16_t status = run(h, 0, s, FAKE_NONE, NULL, 0);

	*value = (uint64_t)last->cqe.dw1 << 32 | last->cqe.dw0;
	return status;
}

uint16_t identify(struct host *h, uint8_t cns, uint32_t nsid, void *data)
{
	struct nvme_sqe s = { .opc = NVME_OPC_IDENTIFY, .nsid = nsid, .cdw10 = cns };

	return run(h, 0, s, FAKE_IN, data, 4096);
}

uint16_t get_log(struct host *h, uint8_t lid, bool rae, uint64_t off, void *data, uint32_t len)
{
	uint32_t numd = len / 4 - 1;
	struct nvme_sqe s = { .opc = NVME_OPC_GET_LOG_PAGE,
			      .nsid = NVME_NSID_ALL,
			      .cdw10 = lid | (uint32_t)rae << 15 | numd << 16,
			      .cdw11 = numd >> 16,
			      .cdw12 = (uint32_t)off,
			      .cdw13 = (uint32_t)(off >> 32) };

	return run(h, 0, s, FAKE_IN, data, len);
}

uint16_t set_feature(struct host *h, uint8_t fid, uint32_t value)
{
	struct nvme_sqe s = { .opc = NVME_OPC_SET_FEATURES, .cdw10 = fid, .cdw11 = value };

	return run(h, 0, s, FAKE_NONE, NULL, 0);
}

uint16_t get_feature(struct host *h, uint8_t fid, unsigned int sel, uint32_t *value)
{
	struct nvme_sqe s = { .opc = NVME_OPC_GET_FEATURES, .cdw10 = fid | sel << 8 };
	uint16_t status = run(h, 0, s, FAKE_NONE, NULL, 0);

	*value = last->cqe.dw0;
	return status;
}

struct fake_cmd *post_aer(struct host *h)
{
	struct nvme_sqe s = { .opc = NVME_OPC_ASYNC_EVENT_REQUEST };

	return post(h, 0, s, FAKE_NONE, NULL, 0);
}

struct nvme_sqe rw_sqe(uint8_t opc, uint32_t nsid, uint64_t slba, uint32_t blocks)
{
	return (struct nvme_sqe){ .opc = opc,
				  .nsid = nsid,
				  .cdw10 = (uint32_t)slba,
				  .cdw11 = (uint32_t)(slba >> 32),
				  .cdw12 = blocks - 1 };
}

uint16_t read_blocks(struct host *h, uint64_t slba, uint32_t blocks, void *data)
{
	return run(h, 1, rw_sqe(NVME_OPC_READ, 1, slba, blocks), FAKE_IN, data, blocks * 512);
}

uint16_t write_blocks(struct host *h, uint64_t slba, uint32_t blocks, const void *data)
{
	enum fake_data kind = blocks * 512 > 16384 || h->r2t ? FAKE_R2T : FAKE_ICD;

	return run(h, 1, rw_sqe(NVME_OPC_WRITE, 1, slba, blocks), kind, (void *)data, blocks * 512);
}

/* --- hosts ------------------------------------------------------------------------------------------ */

struct host host_new(const char *subnqn, const char *hostnqn)
{
	struct host h = { .subnqn = subnqn, .hostnqn = hostnqn, .sqsize = 31 };

	memset(h.hostid, 0x77, sizeof(h.hostid));
	h.hostid[0] = (uint8_t)hostnqn[strlen("nqn.2014-08.org.nvmexpress:uuid:")];
	h.cntlid = NVME_CNTLID_DYNAMIC;
	return h;
}

struct nvme_sqe host_connect_sqe(struct host *h, uint16_t qid)
{
	return (struct nvme_sqe){ .opc = NVME_OPC_FABRICS,
				  .nsid = NVME_FCTYPE_CONNECT,
				  .cdw10 = (uint32_t)qid << 16,
				  .cdw11 = (uint32_t)h->cattr << 16 | h->sqsize,
				  .cdw12 = qid ? 0 : h->kato };
}

struct nvme_connect_data host_connect_data(const struct host *h, uint16_t qid)
{
	struct nvme_connect_data d = { .cntlid = qid ? h->cntlid : NVME_CNTLID_DYNAMIC };

	memcpy(d.hostid, h->hostid, sizeof(d.hostid));
	snprintf(d.subnqn, sizeof(d.subnqn), "%s", h->subnqn);
	snprintf(d.hostnqn, sizeof(d.hostnqn), "%s", h->hostnqn);
	return d;
}

uint16_t host_connect(struct host *h, uint16_t qid)
{
	struct nvme_connect_data d = host_connect_data(h, qid);
	uint16_t status;

	h->q[qid] = fake_connect(dev, RIG_PORT, 0x0a000002);
	ck_assert_ptr_nonnull(h->q[qid]);
	status = run(h, qid, host_connect_sqe(h, qid), h->r2t ? FAKE_R2T : FAKE_ICD, &d, sizeof(d));
	if (!status && !qid)
		h->cntlid = (uint16_t)last_dw0();
	return status;
}

void host_enable(struct host *h)
{
	uint64_t v;

	ck_assert_uint_eq(prop_set(h, NVME_PROP_CC, 0x460060), 0);
	ck_assert_uint_eq(prop_set(h, NVME_PROP_CC, 0x460061), 0);
	ck_assert_uint_eq(prop_get(h, NVME_PROP_CSTS, false, &v), 0);
	ck_assert_uint_eq(v, 1);
}

void host_up(struct host *h, unsigned int io_queues)
{
	unsigned int i;

	ck_assert_uint_eq(host_connect(h, 0), 0);
	host_enable(h);
	for (i = 1; i <= io_queues; i++)
		ck_assert_uint_eq(host_connect(h, (uint16_t)i), 0);
}

void host_gone(struct host *h, uint16_t qid)
{
	int i;

	fake_hold_data(h->q[qid], false);
	for (i = 0; i < 100 && !fake_closed(h->q[qid]); i++)
		polls(1);
	polls(3);
	fake_conn_free(h->q[qid]);
	h->q[qid] = NULL;
}

void host_down(struct host *h)
{
	uint16_t i;

	for (i = 0; i < 20; i++)
		if (h->q[i]) {
			fake_close(h->q[i], 0);
			host_gone(h, i);
		}
}
