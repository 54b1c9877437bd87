/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport's own interface over FC: queue pairs and capsules of both roles, without host and target above. */
#include <stdlib.h>

#include "rig.h"

#define LEN 20000u

static struct nvmf_listener *lis;
static struct nvmf_qpair *ctl[2]; /* of queue 0 and 1 */
static struct nvmf_qpair *hq[2];
static const uint8_t hostid[16] = { 1, 2, 3 };
static uint8_t out[LEN], in[LEN];

static struct {
	unsigned int accepts, commands, responses, ctl_data, host_data, done;
	unsigned int ctl_errors, host_errors;
	unsigned int without_data; /* commands */
	int ctl_error, host_error, data_error, data_of_ctl;
	size_t xfered;
	struct nvmf_capsule *cmd; /* the latest */
	struct nvme_cqe cqe;
	int rsp_error;
	bool refuse, free_in_accept, free_in_error, free_in_receive;
	int free_in_response; /* which of hq, 1's based */
} seen;

/* --- callbacks ---------------------------------------------------------------------------------- */

static void on_ctl_error(void *arg, int error)
{
	seen.ctl_errors++;
	seen.ctl_error = error;
	if (seen.free_in_error) {
		struct nvmf_qpair **q = arg, *qp = *q;

		*q = NULL;
		nvmf_free_qpair(qp);
	}
}

static void on_command(void *arg, struct nvmf_capsule *nc)
{
	struct nvmf_qpair **q = arg, *qp = *q;

	seen.commands++;
	seen.cmd = nc;
	if (!seen.free_in_receive)
		return;
	*q = NULL;
	nvmf_free_qpair(qp);
}

static void on_accept(void *arg, struct nvmf_connection *conn,
		      const struct nvmf_connection_info *info)
{
	struct nvmf_handoff_qpair_params p = { .connection = conn, .sq_flow_control = true };
	unsigned int q = info->fc.qid ? 1 : 0;

	ck_assert_ptr_eq(arg, &seen);
	seen.accepts++;
	if (seen.refuse)
		return;
	ck_assert_str_eq(info->fc.subnqn, RIG_NQN);
	ck_assert_mem_eq(info->fc.hostid, hostid, 16);
	ck_assert_uint_ne(info->fc.association_id, 0);
	ctl[q] = nvmf_allocate_qpair(NVMF_TRTYPE_FC, true, &p, on_ctl_error, &ctl[q], on_command,
				     &ctl[q]);
	ck_assert_ptr_nonnull(ctl[q]);
	if (seen.free_in_accept) {
		nvmf_free_qpair(ctl[q]);
		ctl[q] = NULL;
	}
}

static void on_host_error(void *arg, int error)
{
	(void)arg;
	seen.host_errors++;
	seen.host_error = error;
}

static void on_response(void *arg, struct nvmf_capsule *nc)
{
	(void)arg;
	seen.responses++;
	memcpy(&seen.cqe, nvmf_capsule_cqe(nc), 16);
	seen.rsp_error = nvmf_capsule_error(nc);
	nvmf_free_capsule(nc);
	if (seen.free_in_response) {
		int i = seen.free_in_response - 1;
		struct nvmf_qpair *qp = hq[i];

		seen.free_in_response = 0;
		hq[i] = NULL;
		nvmf_free_qpair(qp);
	}
}

static void on_host_data(void *arg, size_t xfered, int error)
{
	(void)arg;
	ck_assert_uint_le(seen.responses, seen.without_data); /* before its own */
	seen.host_data++;
	seen.xfered = xfered;
	seen.data_error = error;
}

static void on_ctl_data(void *arg, size_t xfered, int error)
{
	(void)arg;
	seen.ctl_data++;
	seen.xfered = xfered;
	seen.data_error = seen.data_of_ctl = error;
}

static void on_done(struct nvmf_buf *b)
{
	ck_assert_ptr_nonnull(b->arg);
	b->arg = NULL;
	seen.done++;
}

/* --- rig ---------------------------------------------------------------------------------------- */

static struct nvmf_handoff_qpair_params params(unsigned int qid)
{
	struct nvmf_handoff_qpair_params p = {
		.admin = !qid,
		.sq_flow_control = true,
		.qsize = 16,
		.timeout_ms = 1000,
		.fc = { .local_port = nvme_fc_loop_local(loop),
			.pump = &target_pump,
			.remote_wwnn = nvme_fc_loop_target(loop)->node_name,
			.remote_wwpn = nvme_fc_loop_target(loop)->port_name,
			.hostnqn = "nqn.2014-08.org.nvmexpress:uuid:1",
			.subnqn = RIG_NQN,
			.hostid = hostid,
			.admin = qid ? hq[0] : NULL,
			.qid = (uint16_t)qid },
	};

	return p;
}

static struct nvmf_qpair *try_pair(struct nvmf_handoff_qpair_params p)
{
	return nvmf_allocate_qpair(NVMF_TRTYPE_FC, false, &p, on_host_error, NULL, on_response,
				   NULL);
}

static void up(void)
{
	struct nvmf_listen_params lp = { .qsize = 16 };

	rig_loop_up(NULL);
	memset(&seen, 0, sizeof(seen));
	lp.fc.target_port = nvme_fc_loop_target(loop);
	lp.fc.pump = &target_pump;
	lis = nvmf_listen(NVMF_TRTYPE_FC, &lp, on_accept, &seen);
	ck_assert_ptr_nonnull(lis);
	for (unsigned int i = 0; i < 2; i++) {
		hq[i] = try_pair(params(i));
		ck_assert_ptr_nonnull(hq[i]);
		ck_assert_ptr_nonnull(ctl[i]);
	}
	pattern(out, LEN, 1);
	memset(in, 0, LEN);
}

static void free_pairs(void)
{
	for (int i = 1; i >= 0; i--) {
		nvmf_free_qpair(hq[i]);
		nvmf_free_qpair(ctl[i]);
		hq[i] = ctl[i] = NULL;
	}
}

static void down(void)
{
	seen.free_in_error = seen.free_in_receive = false;
	free_pairs();
	spin(50);
	nvmf_unlisten(lis);
	spin(50);
	rig_loop_down();
}

static struct nvmf_capsule *command(unsigned int q, uint8_t opc, uint16_t cid)
{
	struct nvme_sqe sqe = { .opc = opc, .cid = cid, .nsid = 1 };

	return nvmf_allocate_command(hq[q], &sqe, NVMF_WAITOK);
}

/* Sends one with data; it arrives. */
static void send(unsigned int q, uint8_t opc, uint16_t cid, void *buf, size_t len)
{
	struct nvmf_capsule *nc = command(q, opc, cid);

	seen.without_data += !len;
	if (len)
		ck_assert_int_eq(
			nvmf_capsule_append_data(nc, &(struct memdesc){ MEMDESC_VADDR, 1, { buf } },
						 len, opc == NVME_OPC_WRITE, on_host_data, NULL),
			0);
	ck_assert_int_eq(nvmf_transmit_capsule(nc), 0);
	nvmf_free_capsule(nc);
	spin(4);
}

static int respond(unsigned int q, uint16_t cid, uint16_t status)
{
	struct nvme_cqe cqe = { .cid = cid, .status = (uint16_t)(status << 1), .sqhd = 1 };
	struct nvmf_capsule *rsp = nvmf_allocate_response(ctl[q], &cqe, NVMF_WAITOK);
	int rc = rsp ? nvmf_transmit_capsule(rsp) : -errno;

	nvmf_free_capsule(rsp);
	nvmf_free_capsule(seen.cmd);
	seen.cmd = NULL;
	return rc;
}

/* --- commands ----------------------------------------------------------------------------------- */

START_TEST(a_command_without_data)
{
	send(1, NVME_OPC_FLUSH, 7, NULL, 0);
	ck_assert_uint_eq(seen.commands, 1);
	ck_assert_uint_eq(nvmf_validate_command_capsule(seen.cmd), 0);
	ck_assert_uint_eq(nvmf_capsule_data_len(seen.cmd), 0);
	ck_assert_uint_eq(nvmf_qpair_inflight(hq[1]), 1);
	ck_assert_int_eq(respond(1, 7, 0x80), 0);
	ck_assert_uint_eq(nvmf_qpair_inflight(ctl[1]), 1);
	spin(4);
	ck_assert_uint_eq(seen.responses, 1);
	ck_assert_uint_eq(seen.cqe.cid, 7);
	ck_assert_uint_eq(seen.cqe.status >> 1, 0x80);
	ck_assert_uint_eq(seen.cqe.sqhd, 1);
	ck_assert_uint_eq(nvmf_qpair_inflight(ctl[1]) + nvmf_qpair_inflight(hq[1]), 0);
}
END_TEST

START_TEST(data_of_the_host_in_parts)
{
	struct iovec v[2] = { { in, 5000 }, { in + 5000, 3192 } };
	struct memdesc a = memdesc_vlist(v, 2), b = memdesc_vaddr(in + 8192);

	send(1, NVME_OPC_WRITE, 3, out, LEN);
	ck_assert_uint_eq(nvmf_capsule_data_len(seen.cmd), LEN);
	ck_assert_int_eq(nvmf_receive_controller_data(seen.cmd, 0, &a, 8192, on_ctl_data, NULL), 0);
	ck_assert_int_eq(nvmf_receive_controller_data(seen.cmd, 8192, &b, LEN, on_ctl_data, NULL),
			 -EFBIG);
	ck_assert_int_eq(
		nvmf_receive_controller_data(seen.cmd, 8192, &b, LEN - 8192, on_ctl_data, NULL), 0);
	spin(8);
	ck_assert_uint_eq(seen.ctl_data, 2);
	ck_assert_int_eq(seen.data_error, 0);
	ck_assert_mem_eq(in, out, LEN);
	ck_assert_int_eq(respond(1, 3, 0), 0);
	spin(4);
	ck_assert_uint_eq(seen.host_data, 1);
	ck_assert_uint_eq(seen.xfered, LEN);
	ck_assert_uint_eq(seen.responses, 1);
}
END_TEST

START_TEST(data_for_the_host_in_parts)
{
	struct nvmf_buf b[3] = { { &b[1], out, 8000, on_done, &seen },
				 { NULL, out + 8000, 4000, on_done, &seen },
				 { NULL, out + 12000, LEN - 12000, on_done, &seen } };

	nvmf_qpair_set_sq_flow_control(ctl[1], _i == 0);
	send(1, NVME_OPC_READ, 3, in, LEN);
	ck_assert_uint_eq(nvmf_send_controller_data(seen.cmd, 0, &b[0], 12000), NVMF_MORE);
	ck_assert_uint_eq(nvmf_send_controller_data(seen.cmd, 12000, &b[2], LEN - 12000),
			  _i ? NVMF_SUCCESS_SENT : NVME_SC_SUCCESS);
	if (_i) {
		nvmf_free_capsule(seen.cmd);
		seen.cmd = NULL;
	} else {
		ck_assert_int_eq(respond(1, 3, 0), 0);
	}
	spin(8);
	ck_assert_uint_eq(seen.done, 3);
	ck_assert_uint_eq(seen.responses, 1);
	ck_assert_uint_eq(seen.cqe.status, 0);
	ck_assert_uint_eq(seen.xfered, LEN);
	ck_assert_mem_eq(in, out, LEN);
}
END_TEST

START_TEST(data_in_the_wrong_direction)
{
	struct nvmf_buf b = { NULL, out, LEN, on_done, &seen };
	struct memdesc m = memdesc_vaddr(in);

	send(1, NVME_OPC_READ, 3, in, LEN);
	ck_assert_int_eq(nvmf_receive_controller_data(seen.cmd, 0, &m, LEN, on_ctl_data, NULL),
			 -EINVAL);
	ck_assert_int_eq(respond(1, 3, 4), 0);
	spin(4);
	memset(&seen, 0, sizeof(seen));
	send(1, NVME_OPC_WRITE, 4, out, LEN);
	ck_assert_uint_eq(nvmf_send_controller_data(seen.cmd, 0, &b, LEN), NVME_SC_SUCCESS);
	ck_assert_int_eq(respond(1, 4, 0), 0);
	spin(4);
	ck_assert_uint_eq(seen.done, 1);
	ck_assert_uint_eq(seen.cqe.status >> 1, NVME_SC_DATA_TRANSFER_ERROR);
}
END_TEST

START_TEST(misuse_is_refused)
{
	struct memdesc iova = memdesc_iova(4096);
	struct nvmf_capsule *nc;

	send(1, NVME_OPC_FLUSH, 5, NULL, 0);
	nc = command(1, NVME_OPC_FLUSH, 5);
	ck_assert_int_eq(nvmf_transmit_capsule(nc), -EEXIST);
	nvmf_free_capsule(nc);
	nc = command(1, NVME_OPC_FLUSH, 16);
	ck_assert_int_eq(nvmf_transmit_capsule(nc), -EINVAL);
	nvmf_free_capsule(nc);
	nc = command(1, NVME_OPC_READ, 6);
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &iova, 512, false, on_host_data, NULL), 0);
	ck_assert_int_eq(nvmf_transmit_capsule(nc), -EINVAL);
	nvmf_abort_capsule_data(nc, -EINTR);
	ck_assert_int_eq(seen.data_error, -EINTR);
	nvmf_free_capsule(nc);
	ck_assert_int_eq(respond(1, 5, 0), 0);
	spin(4);
	ck_assert_ptr_null(nvmf_qpair_weft(hq[1]));
	ck_assert_int_eq(nvmf_qpair_kick(hq[1]), 0);
}
END_TEST

START_TEST(a_queue_takes_one_command_less_than_it_has_entries)
{
	struct nvmf_capsule *nc, *held[15];

	for (uint16_t i = 0; i < 15; i++) {
		send(1, NVME_OPC_FLUSH, i, NULL, 0);
		held[i] = seen.cmd;
	}
	ck_assert_uint_eq(seen.commands, 15);
	nc = command(1, NVME_OPC_FLUSH, 15);
	ck_assert_int_eq(nvmf_transmit_capsule(nc), -EAGAIN);
	for (uint16_t i = 0; i < 15; i++) {
		seen.cmd = held[i];
		ck_assert_int_eq(respond(1, i, 0x80), 0);
	}
	spin(8);
	ck_assert_uint_eq(seen.responses, 15);
	nvmf_free_capsule(nc);
}
END_TEST

/* --- pairs -------------------------------------------------------------------------------------- */

START_TEST(pairs_that_cannot_be)
{
	struct nvmf_handoff_qpair_params p = params(1);

	ck_assert_ptr_null(try_pair(p));
	ck_assert_int_eq(errno, EEXIST);
	p.fc.qid = 0;
	ck_assert_ptr_null(try_pair(p));
	ck_assert_int_eq(errno, EINVAL);
	p.fc.qid = 65;
	ck_assert_ptr_null(try_pair(p));
	ck_assert_int_eq(errno, EINVAL);
	p = params(2);
	p.fc.admin = NULL;
	ck_assert_ptr_null(try_pair(p));
	ck_assert_int_eq(errno, EINVAL);
	p = params(0);
	p.fc.pump = NULL;
	ck_assert_ptr_null(try_pair(p));
	ck_assert_int_eq(errno, EINVAL);
	p = params(0);
	p.fc.remote_wwpn = 1;
	ck_assert_ptr_null(try_pair(p));
	ck_assert_int_eq(errno, EHOSTUNREACH);
	seen.refuse = true;
	ck_assert_ptr_null(try_pair(params(0)));
	ck_assert_int_eq(errno, ECONNREFUSED);
}
END_TEST

/* What the listener says of queue sizes is about CAP.MQES. */
START_TEST(a_pair_has_the_entries_that_its_host_asks_for)
{
	struct nvmf_handoff_qpair_params p = params(0);
	struct nvmf_qpair_info i;

	free_pairs();
	p.qsize = _i ? 1024 : 17;
	hq[0] = try_pair(p);
	ck_assert_ptr_nonnull(hq[0]);
	nvmf_qpair_info(ctl[0], &i);
	ck_assert_uint_eq(i.entries, p.qsize);
}
END_TEST

START_TEST(the_admin_pair_takes_the_others_along)
{
	struct nvmf_capsule *nc;

	send(1, NVME_OPC_WRITE, 1, out, LEN);
	nvmf_free_qpair(hq[0]);
	hq[0] = NULL;
	ck_assert_uint_eq(seen.host_errors, 1);
	ck_assert_uint_eq(seen.host_data, 1);
	ck_assert_uint_eq(seen.responses, 1);
	ck_assert_int_lt(seen.rsp_error, 0);
	nc = command(1, NVME_OPC_FLUSH, 2);
	ck_assert_int_eq(nvmf_transmit_capsule(nc), -ENOTCONN);
	nvmf_free_capsule(nc);
	spin(10);
	ck_assert_uint_eq(seen.ctl_errors, 2);
	nvmf_free_capsule(seen.cmd);
}
END_TEST

START_TEST(a_pair_that_is_freed_waits_for_its_commands_or_aborts_them)
{
	send(1, NVME_OPC_WRITE, 1, out, LEN);
	nvmf_free_qpair(hq[1]); /* nobody answers: the association ends */
	hq[1] = NULL;
	ck_assert_uint_eq(seen.host_data, 1);
	ck_assert_int_eq(seen.data_error, -ECONNABORTED);
	ck_assert_uint_eq(seen.responses, 0);
	spin(20);
	ck_assert_uint_eq(seen.host_errors, 1); /* of the admin pair */
	nvmf_free_capsule(seen.cmd);
}
END_TEST

START_TEST(an_idle_pair_is_freed_alone)
{
	nvmf_free_qpair(hq[1]);
	hq[1] = NULL;
	spin(20);
	ck_assert_uint_eq(seen.host_errors + seen.ctl_errors, 0);
	send(0, NVME_OPC_FLUSH, 1, NULL, 0);
	ck_assert_int_eq(respond(0, 1, 0), 0);
	spin(4);
	ck_assert_uint_eq(seen.responses, 1);
}
END_TEST

START_TEST(the_controller_frees_a_pair)
{
	struct memdesc m = memdesc_vaddr(in);
	struct nvmf_capsule *nc;

	send(1, NVME_OPC_WRITE, 1, out, LEN);
	nc = seen.cmd;
	if (_i & 1)
		ck_assert_int_eq(nvmf_receive_controller_data(nc, 0, &m, LEN, on_ctl_data, NULL),
				 0);
	if (_i & 2) {
		nvmf_unlisten(lis);
		lis = NULL;
	}
	nvmf_free_qpair(ctl[1]);
	ctl[1] = NULL;
	spin(20);
	ck_assert_uint_eq(seen.ctl_data, _i & 1);
	if (_i & 1)
		ck_assert_int_eq(seen.data_of_ctl, -ECONNABORTED);
	ck_assert_uint_eq(seen.responses, 1);
	if (_i & 2) { /* nobody is there for what the host still sends: the association ends */
		ck_assert_uint_eq(seen.host_errors, 2);
		ck_assert_uint_eq(seen.ctl_errors, 1); /* the other pair of the association */
		ck_assert_int_lt(seen.rsp_error, 0);
	} else {
		ck_assert_uint_eq(seen.host_errors + seen.ctl_errors, 0);
		ck_assert_int_eq(seen.rsp_error, 0);
		ck_assert_uint_eq(seen.cqe.status >> 1, NVME_SC_ABORTED_SQ_DELETION);
	}
	nvmf_free_capsule(nc);
}
END_TEST

/* The association goes on without: what is still sent on the connection has an answer. */
START_TEST(a_pair_for_io_that_the_controller_frees_goes_alone)
{
	struct nvmf_capsule *nc;

	send(1, NVME_OPC_READ, 1, in, LEN);
	nc = seen.cmd;
	seen.free_in_receive = _i; /* from inside the command's arrival, or not */
	if (_i) {
		send(1, NVME_OPC_FLUSH, 2, NULL, 0);
		nvmf_free_capsule(seen.cmd);
	} else {
		nvmf_free_qpair(ctl[1]);
		ctl[1] = NULL;
	}
	seen.free_in_receive = false;
	ck_assert_ptr_null(ctl[1]);
	spin(10);
	ck_assert_uint_eq(seen.responses, _i ? 2 : 1);
	ck_assert_uint_eq(seen.host_data, 1);
	nvmf_free_capsule(nc);
	seen.commands = seen.responses = 0;
	send(1, NVME_OPC_FLUSH, 3, NULL, 0);
	ck_assert_uint_eq(seen.commands, 0);
	ck_assert_uint_eq(seen.responses, 1);
	ck_assert_uint_eq(seen.cqe.status >> 1, NVME_SC_ABORTED_SQ_DELETION);
	send(0, NVME_OPC_FLUSH, 1, NULL, 0);
	ck_assert_int_eq(respond(0, 1, 0), 0);
	spin(4);
	ck_assert_uint_eq(seen.responses, 2);
	ck_assert_uint_eq(seen.cqe.status, 0);
	ck_assert_uint_eq(seen.host_errors + seen.ctl_errors, 0);
}
END_TEST

START_TEST(a_controller_frees_a_pair_when_it_gets_it)
{
	free_pairs();
	spin(20);
	memset(&seen, 0, sizeof(seen));
	seen.free_in_accept = !_i; /* the admin pair, or that for I/O */
	hq[0] = try_pair(params(0));
	ck_assert_ptr_nonnull(hq[0]);
	seen.free_in_accept = true;
	hq[1] = try_pair(params(1));
	if (!_i) {
		ck_assert_ptr_null(hq[1]);
		spin(20);
		ck_assert_uint_eq(seen.host_errors, 1);
		return;
	}
	ck_assert_ptr_nonnull(hq[1]);
	send(1, NVME_OPC_FLUSH, 3, NULL, 0);
	ck_assert_uint_eq(seen.commands, 0);
	ck_assert_uint_eq(seen.cqe.status >> 1, NVME_SC_ABORTED_SQ_DELETION);
	ck_assert_uint_eq(seen.host_errors, 0);
}
END_TEST

/* The host's data do not come, so a pair that goes alone cannot: the listener's end is its own. */
START_TEST(a_pair_that_waits_for_data_ends_with_the_listener)
{
	struct memdesc m = memdesc_vaddr(in);
	struct nvmf_capsule *nc;
	uint64_t before = now;

	send(1, NVME_OPC_WRITE, 1, out, LEN);
	nc = seen.cmd;
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_OP_DROP, 0, 1);
	ck_assert_int_eq(nvmf_receive_controller_data(nc, 0, &m, LEN, on_ctl_data, NULL), 0);
	nvmf_free_qpair(ctl[1]);
	ctl[1] = NULL;
	spin(20);
	ck_assert_uint_eq(seen.ctl_data + seen.host_errors, 0);
	nvmf_unlisten(lis);
	lis = NULL;
	ck_assert_uint_eq(seen.ctl_data, 1);
	ck_assert_int_eq(seen.data_of_ctl, -ECONNABORTED);
	ck_assert_uint_lt(now - before, 2000000000);
	spin(20);
	ck_assert_uint_eq(seen.host_errors, 2);
	nvmf_free_capsule(nc);
}
END_TEST

/* In a response callback, with another command in flight: no waiting, and an end for each. */
START_TEST(a_host_frees_a_pair_from_a_callback)
{
	struct nvmf_capsule *nc;
	uint64_t before;

	send(1, NVME_OPC_WRITE, 1, out, LEN);
	nc = seen.cmd;
	send(1, NVME_OPC_FLUSH, 2, NULL, 0);
	ck_assert_int_eq(respond(1, 2, 0), 0);
	seen.free_in_response = 1 + _i; /* admin pair, or its own */
	before = now;
	spin(4);
	ck_assert_ptr_null(hq[_i]);
	ck_assert_uint_lt(now - before, 1000000);
	spin(20);
	ck_assert_uint_eq(seen.host_data, 1);
	ck_assert_int_eq(seen.data_error, _i ? -ECONNABORTED : seen.rsp_error);
	ck_assert_int_lt(seen.data_error, 0);
	ck_assert_uint_eq(seen.responses, _i ? 1 : 2);
	ck_assert_uint_eq(seen.host_errors, 1); /* of the other */
	ck_assert_uint_eq(seen.ctl_errors, 2);
	nvmf_free_capsule(nc);
}
END_TEST

START_TEST(pairs_are_freed_from_callbacks)
{
	seen.free_in_error = true;
	seen.free_in_receive = _i;
	send(1, NVME_OPC_WRITE, 1, out, LEN);
	nvmf_free_qpair(hq[0]);
	hq[0] = NULL;
	spin(20);
	ck_assert_ptr_null(ctl[0]);
	ck_assert_ptr_null(ctl[1]);
	nvmf_free_capsule(seen.cmd);
}
END_TEST

START_TEST(link_lost_ends_all_four)
{
	struct nvmf_buf b = { NULL, out, LEN, on_done, &seen };

	send(1, NVME_OPC_READ, 1, in, LEN);
	ck_assert_uint_eq(nvmf_send_controller_data(seen.cmd, 0, &b, LEN), NVME_SC_SUCCESS);
	nvme_fc_loop_link(loop, false);
	spin(50);
	ck_assert_uint_eq(seen.host_errors, 2);
	ck_assert_uint_eq(seen.ctl_errors, 2);
	ck_assert_uint_eq(seen.done, 1);
	ck_assert_uint_eq(seen.host_data, 1);
	ck_assert_int_eq(seen.data_error, -ENETDOWN);
	ck_assert_uint_eq(seen.responses, 1);
	ck_assert_int_eq(seen.rsp_error, -ENETDOWN);
	ck_assert_uint_eq(seen.cqe.status >> 1, NVME_SC_HOST_PATH_ERROR);
	nvmf_free_capsule(seen.cmd);
}
END_TEST

/* --- Connect against a target ------------------------------------------------------------------- */

static const struct connect_case {
	const char *what;
	uint16_t qid;
	uint8_t hostid;
	const char *subnqn, *hostnqn;
	uint16_t status;
	uint32_t dw0;
} connects[] = {
	{ "as the association", 0, 1, RIG_NQN, "nqn.2014-08.org.nvmexpress:uuid:1", 0, 1 },
	{ "another queue", 1, 1, RIG_NQN, "nqn.2014-08.org.nvmexpress:uuid:1", 0x182, 42 },
	{ "another host id", 0, 9, RIG_NQN, "nqn.2014-08.org.nvmexpress:uuid:1", 0x182, 1u << 16 },
	{ "another subsystem", 0, 1, NVME_DISCOVERY_NQN, "nqn.2014-08.org.nvmexpress:uuid:1", 0x182,
	  1u << 16 | 256 },
	{ "another host", 0, 1, RIG_NQN, "nqn.2014-08.org.nvmexpress:uuid:2", 0x182,
	  1u << 16 | 512 },
};

static void send_connect(struct nvmf_qpair *qp, const struct connect_case *t, uint16_t sqsize)
{
	static struct nvme_connect_data data;
	struct nvme_sqe sqe = { .opc = NVME_OPC_FABRICS,
				.nsid = NVME_FCTYPE_CONNECT,
				.cdw10 = (uint32_t)t->qid << 16,
				.cdw11 = sqsize };
	struct memdesc m = memdesc_vaddr(&data);
	struct nvmf_capsule *nc;

	memset(&seen, 0, sizeof(seen));
	memcpy(data.hostid, hostid, 16);
	data.hostid[0] = t->hostid;
	data.cntlid = 0xffff;
	strcpy(data.subnqn, t->subnqn);
	strcpy(data.hostnqn, t->hostnqn);
	nc = nvmf_allocate_command(qp, &sqe, NVMF_WAITOK);
	ck_assert_int_eq(nvmf_capsule_append_data(nc, &m, 1024, true, on_host_data, NULL), 0);
	ck_assert_int_eq(nvmf_transmit_capsule(nc), 0);
	nvmf_free_capsule(nc);
	spin(20);
	ck_assert_uint_eq(seen.responses, 1);
}

START_TEST(connect_must_say_what_the_association_said)
{
	const struct connect_case *t = &connects[_i];

	hq[0] = try_pair(params(0));
	ck_assert_ptr_nonnull(hq[0]);
	send_connect(hq[0], t, 15);
	ck_assert_uint_eq(seen.cqe.status >> 1 & NVME_STATUS_MASK, t->status);
	ck_assert_uint_eq(seen.cqe.dw0 & 0x1ffff, t->dw0);
	nvmf_free_qpair(hq[0]);
	hq[0] = NULL;
}
END_TEST

/* The target's port has 64: for I/O queues. */
static const struct {
	uint16_t qid;
	uint32_t entries; /* of the connection */
	uint16_t sqsize;
	uint16_t status;
} sizes[] = {
	{ 0, 32, 31, 0 },     { 0, 128, 127, 0 },    { 0, 128, 128, 0x182 }, { 0, 1024, 1023, 0 },
	{ 0, 16, 31, 0x182 }, { 1, 128, 64, 0x182 }, { 1, 16, 16, 0x182 },
};

START_TEST(connect_has_a_size_that_connection_and_controller_can_hold)
{
	struct nvmf_handoff_qpair_params p;
	struct connect_case c = connects[0];
	uint16_t qid = sizes[_i].qid;

	for (unsigned int i = 0; i <= qid; i++) {
		p = params(i);
		p.qsize = sizes[_i].entries;
		hq[i] = try_pair(p);
		ck_assert_ptr_nonnull(hq[i]);
	}
	c.qid = qid;
	send_connect(hq[qid], &c, sizes[_i].sqsize);
	ck_assert_uint_eq(seen.cqe.status >> 1 & NVME_STATUS_MASK, sizes[_i].status);
	if (sizes[_i].status)
		ck_assert_uint_eq(seen.cqe.dw0, 44);
	for (int i = qid; i >= 0; i--) {
		nvmf_free_qpair(hq[i]);
		hq[i] = NULL;
	}
}
END_TEST

Suite *qpair_suite(void)
{
	Suite *s = suite_create("queue pairs");
	TCase *t = tcase_create("commands");

	tcase_add_checked_fixture(t, up, down);
	tcase_add_test(t, a_command_without_data);
	tcase_add_test(t, data_of_the_host_in_parts);
	tcase_add_loop_test(t, data_for_the_host_in_parts, 0, 2);
	tcase_add_test(t, data_in_the_wrong_direction);
	tcase_add_test(t, misuse_is_refused);
	tcase_add_test(t, a_queue_takes_one_command_less_than_it_has_entries);
	suite_add_tcase(s, t);
	t = tcase_create("pairs");
	tcase_add_checked_fixture(t, up, down);
	tcase_add_test(t, pairs_that_cannot_be);
	tcase_add_loop_test(t, a_pair_has_the_entries_that_its_host_asks_for, 0, 2);
	tcase_add_test(t, the_admin_pair_takes_the_others_along);
	tcase_add_test(t, a_pair_that_is_freed_waits_for_its_commands_or_aborts_them);
	tcase_add_test(t, an_idle_pair_is_freed_alone);
	tcase_add_loop_test(t, the_controller_frees_a_pair, 0, 4);
	tcase_add_loop_test(t, a_pair_for_io_that_the_controller_frees_goes_alone, 0, 2);
	tcase_add_loop_test(t, a_controller_frees_a_pair_when_it_gets_it, 0, 2);
	tcase_add_test(t, a_pair_that_waits_for_data_ends_with_the_listener);
	tcase_add_loop_test(t, a_host_frees_a_pair_from_a_callback, 0, 2);
	tcase_add_loop_test(t, pairs_are_freed_from_callbacks, 0, 2);
	tcase_add_test(t, link_lost_ends_all_four);
	suite_add_tcase(s, t);
	t = tcase_create("Connect");
	tcase_add_checked_fixture(t, rig_up, rig_down);
	tcase_add_loop_test(t, connect_must_say_what_the_association_said, 0,
			    sizeof(connects) / sizeof(connects[0]));
	tcase_add_loop_test(t, connect_has_a_size_that_connection_and_controller_can_hold, 0,
			    sizeof(sizes) / sizeof(sizes[0]));
	suite_add_tcase(s, t);
	return s;
}
