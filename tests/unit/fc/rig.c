/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <sys/queue.h>

#include "rig.h"

#define OPC_AER 0x0c

const struct rig_driver *rig = &rig_loop;
struct nvme_fc_ctrl *ctrl;
uint64_t now;
uint8_t disk[RIG_DISK];
struct rig_host host;
struct rig_target target;
static uint16_t next_cid;

/* --- the target port's user ------------------------------------------------------------------------------ */

struct tconn {
	struct nvmet_fc_conn *conn;
	unsigned int busy;
	bool ended;
};

struct tcmd {
	TAILQ_ENTRY(tcmd) link;
	struct tconn *tc;
	struct nvmet_fc_cmd *cmd;
	struct nvmefc_sg sg;
	uint8_t *at; /* on the disk */
	uint32_t done;
	uint32_t chunk;
};
static TAILQ_HEAD(tcmd_list, tcmd) held = TAILQ_HEAD_INITIALIZER(held);
static struct tconn *latest[FC_QUEUES_MAX];
static uint8_t connect_data[1024];

static void maybe_free(struct tconn *tc)
{
	if (!tc->ended || tc->busy)
		return;
	nvmet_fc_conn_free(tc->conn);
	target.conns--;
	free(tc);
}

static void forget(struct tcmd *t)
{
	struct tconn *tc = t->tc;

	free(t);
	tc->busy--;
	maybe_free(tc);
}

static struct nvme_cqe cqe_of(const struct nvmet_fc_cmd *cmd, uint16_t status)
{
	struct nvme_cqe cqe = { .dw0 = target.dw0,
				.dw1 = target.dw1,
				.status = (uint16_t)(status << 1) };

	cqe.cid = nvmet_fc_cmd_sqe(cmd)->cid;
	if (nvmet_fc_cmd_sqe(cmd)->opc == NVME_OPC_FABRICS)
		cqe.dw0 = 1;
	return cqe;
}

static void answer(struct tcmd *t, uint16_t status)
{
	struct nvme_cqe cqe = cqe_of(t->cmd, status);

	ck_assert_int_eq(nvmet_fc_respond(t->cmd, &cqe), 0);
	forget(t);
}

static void next(struct tcmd *t);

static void on_xfer(void *arg, int error)
{
	struct tcmd *t = arg;

	target.xfer_error = error;
	t->done += t->chunk;
	if (error)
		answer(t, NVME_SC_INTERNAL_ERROR);
	else if (t->done < nvmet_fc_cmd_len(t->cmd))
		next(t);
	else
		answer(t, target.status);
}

static void on_last(void *arg, int error)
{
	target.xfer_error = error;
	forget(arg);
}

/* The next chunk, or all of it. */
static void next(struct tcmd *t)
{
	uint32_t left = nvmet_fc_cmd_len(t->cmd) - t->done;
	struct nvme_cqe cqe = cqe_of(t->cmd, target.status);
	int rc;

	t->chunk = target.chunk && target.chunk < left ? target.chunk : left;
	t->sg.addr = t->at + t->done;
	t->sg.iova = rig_iova(t->sg.addr);
	t->sg.len = t->chunk;
	if (nvmet_fc_cmd_writes(t->cmd))
		rc = nvmet_fc_receive(t->cmd, t->done, &t->sg, t->chunk, on_xfer, t);
	else if (target.two_steps || t->chunk < left)
		rc = nvmet_fc_send(t->cmd, t->done, &t->sg, t->chunk, on_xfer, t);
	else
		rc = nvmet_fc_send_respond(t->cmd, t->done, &t->sg, t->chunk, &cqe, on_last, t);
	if (rc) {
		target.xfer_error = rc;
		answer(t, NVME_SC_INTERNAL_ERROR);
	}
}

static void execute(struct tcmd *t)
{
	const struct nvme_sqe *sqe = nvmet_fc_cmd_sqe(t->cmd);
	uint64_t slba = sqe->cdw10 | (uint64_t)sqe->cdw11 << 32;

	t->at = sqe->opc == NVME_OPC_FABRICS ? connect_data : &disk[slba * 512 % RIG_DISK];
	if (nvmet_fc_cmd_len(t->cmd) && !(target.status && !nvmet_fc_cmd_writes(t->cmd)))
		next(t);
	else
		answer(t, target.status);
}

static int on_connect(void *arg, struct nvmet_fc_conn *conn, const struct nvmet_fc_conn_info *info,
		      void **conn_arg)
{
	struct tconn *tc;

	ck_assert_ptr_eq(arg, &target);
	if (target.refuse)
		return -1;
	tc = calloc(1, sizeof(*tc));
	tc->conn = conn;
	*conn_arg = tc;
	target.conns++;
	target.last = conn;
	latest[info->qid] = tc;
	target.entries = info->entries;
	target.association = info->association_id;
	ck_assert_str_eq(info->subnqn, RIG_SUBNQN);
	memcpy(target.hostnqn, info->hostnqn, sizeof(target.hostnqn));
	return 0;
}

static void on_command(void *conn_arg, struct nvmet_fc_cmd *cmd)
{
	struct tcmd *t = calloc(1, sizeof(*t));

	t->tc = conn_arg;
	t->cmd = cmd;
	t->tc->busy++;
	target.commands++;
	if (target.hold || nvmet_fc_cmd_sqe(cmd)->opc == OPC_AER) {
		target.held++;
		TAILQ_INSERT_TAIL(&held, t, link);
	} else {
		execute(t);
	}
}

static struct tcmd *first_held(const struct tconn *tc)
{
	struct tcmd *t;

	TAILQ_FOREACH(t, &held, link)
	if (!tc || t->tc == tc)
		break;
	if (t) {
		TAILQ_REMOVE(&held, t, link);
		target.held--;
	}
	return t;
}

static void on_ended(void *conn_arg, int error)
{
	struct tconn *tc = conn_arg;
	struct tcmd *t;

	(void)error;
	target.ended++;
	tc->ended = true;
	tc->busy++;
	while ((t = first_held(tc)))
		answer(t, NVME_SC_ABORTED_SQ_DELETION);
	tc->busy--;
	maybe_free(tc);
}

static const struct nvmet_fc_user user = { on_connect, on_command, on_ended };

void target_close(uint16_t qid)
{
	struct tconn *tc = latest[qid];
	struct tcmd *t;

	nvmet_fc_conn_close(tc->conn);
	tc->ended = true;
	tc->busy++;
	while ((t = first_held(tc))) {
		nvmet_fc_respond_deleted(t->cmd);
		forget(t);
	}
	tc->busy--;
	maybe_free(tc);
}

void target_resume(void)
{
	struct tcmd *t;

	target.hold = false;
	while ((t = first_held(NULL)))
		execute(t);
}

/* --- the host ----------------------------------------------------------------------------------------------- */

static void on_event(void *arg, enum nvme_fc_event event, uint16_t qid, int error)
{
	ck_assert_ptr_eq(arg, &host);
	(void)qid;
	if (event == NVME_FC_QUEUE || event == NVME_FC_ENDED)
		host.error = error;
	host.queues += event == NVME_FC_QUEUE && !error;
	host.refused += event == NVME_FC_QUEUE && error;
	host.ended += event == NVME_FC_ENDED;
	host.back += event == NVME_FC_BACK;
	if (event == NVME_FC_LOST) {
		host.lost++;
		ctrl = NULL;
	}
	if (host.reconnect && (event == NVME_FC_ENDED || event == NVME_FC_BACK))
		nvme_fc_ctrl_connect(ctrl);
}

void rig_ctrl(void)
{
	struct nvme_fc_ctrl_params p = { .event = on_event,
					 .arg = &host,
					 .cntlid = NVME_CNTLID_DYNAMIC,
					 .entries = RIG_ENTRIES,
					 .no_sqflow = true,
					 .hostid = { 1 },
					 .hostnqn = RIG_HOSTNQN,
					 .subnqn = RIG_SUBNQN };

	ck_assert_int_eq(nvme_fc_ctrl_create(rig_remote(), &p, &ctrl), 0);
}

void rig_connect(unsigned int io_queues)
{
	rig_ctrl();
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), 0);
	spin(10);
	ck_assert_uint_eq(host.queues, 1);
	for (unsigned int i = 1; i <= io_queues; i++)
		ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, (uint16_t)i, RIG_ENTRIES), 0);
	spin(10 * io_queues);
	ck_assert_uint_eq(host.queues, 1 + io_queues);
}

/* --- the rig ------------------------------------------------------------------------------------------------ */

void spin(unsigned int n)
{
	while (n--) {
		now += 1000;
		rig->poll();
	}
}

void pass(unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds * 10; i++) {
		now += NSEC / 10;
		spin(4);
	}
}

struct nvme_fc_loop_stats stats(void)
{
	struct nvme_fc_loop_stats s = { 0 };

	rig->stats(&s);
	return s;
}

void rig_up(const struct nvme_fc_loop_opts *opts)
{
	static const struct nvme_fc_loop_opts none;

	now = NSEC;
	memset(&host, 0, sizeof(host));
	memset(&target, 0, sizeof(target));
	ctrl = NULL;
	ck_assert(!opts || rig->takes(opts));
	rig->create(opts ? opts : &none);
	nvmet_fc_attach(rig_tport(), &user, &target);
	spin(1);
}

void rig_down(void)
{
	struct nvme_fc_loop_stats s;

	host.reconnect = false;
	target_resume();
	if (ctrl)
		nvme_fc_ctrl_destroy(ctrl);
	spin(100);
	s = stats();
	ck_assert_msg(!s.breaches, "%u breaches of the contract: %s", s.breaches, s.breach);
	ck_assert_uint_eq(s.exchanges, 0);
	ck_assert_uint_eq(s.ls, 0);
	ck_assert_uint_eq(s.queues, 0);
	ck_assert_uint_eq(s.memory, 0);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_int_eq(rig_destroy(), 0);
}

/* --- commands ------------------------------------------------------------------------------------------------ */

static void on_job(struct nvme_fc_io *io)
{
	((struct job *)io->arg)->done++;
}

int job_start_sg(struct job *j, uint16_t qid, uint8_t opc, uint64_t slba, uint32_t len,
		 uint32_t piece)
{
	struct nvme_sqe sqe = { .opc = opc,
				.cid = next_cid++,
				.cdw10 = (uint32_t)slba,
				.cdw11 = (uint32_t)(slba >> 32) };
	uint32_t done = 0;

	if (opc == NVME_OPC_FABRICS)
		sqe.nsid = NVME_FCTYPE_CONNECT;
	memset(&j->io, 0, sizeof(j->io));
	memcpy(j->io.sqe, &sqe, sizeof(sqe));
	if (!j->data && len)
		j->data = calloc(1, len);
	for (; done < len; done += j->sg[j->io.sg_cnt++].len) {
		uint32_t n = len - done < piece ? len - done : piece;

		j->sg[j->io.sg_cnt] = (struct nvmefc_sg){ .addr = j->data + done,
							  .iova = rig_iova(j->data + done),
							  .len = n };
	}
	j->io.sg = j->sg;
	j->io.len = len;
	if (len)
		j->io.dir = opc == NVME_OPC_READ || opc == NVME_OPC_IDENTIFY ? NVMEFC_FCP_READ :
									       NVMEFC_FCP_WRITE;
	j->io.done = on_job;
	j->io.arg = j;
	j->done = 0;
	return nvme_fc_submit(ctrl, qid, &j->io);
}

int job_start(struct job *j, uint16_t qid, uint8_t opc, uint64_t slba, uint32_t len)
{
	return job_start_sg(j, qid, opc, slba, len, len ? len : 1);
}

int job_run(struct job *j, uint16_t qid, uint8_t opc, uint64_t slba, uint32_t len)
{
	ck_assert_int_eq(job_start(j, qid, opc, slba, len), 0);
	for (int i = 0; i < 100 && !j->done; i++)
		spin(1);
	spin(4);
	ck_assert_uint_eq(j->done, 1);
	return j->io.error;
}

void job_free(struct job *j)
{
	free(j->data);
	j->data = NULL;
}

void pattern(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}
