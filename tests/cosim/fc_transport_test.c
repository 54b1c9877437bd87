// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two whole adapters with their FC ports joined, and nothing but the FC-NVMe transport on them: one has
 * a host's association, the other a user of the target port that keeps blocks in memory. The lowest
 * test that has RTL, firmware, low-level driver and transport of both roles together.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <weft/fc.h>
#include <weft/mem.h>
#include <weft_host.h>

#include "../../host-lib/fc/fc.h"
#include "weft_world.h"

#define MS 1000000ull
#define SECOND (1000 * MS)
#define DISK (4u << 20)
#define SUBNQN "nqn.2026-11.test.weft:fc"
#define HOSTNQN "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555"
#define ENTRIES 32
#define WWN 0x20000025b5000000ull
#define COMMANDS 24

enum { HOST, TARGET };
enum wire { POINT_TO_POINT, FABRIC, FCOE, WIRES };

struct end {
	struct weft_world_port *port;
	struct weft_bus *bus;
	struct weft_dev *dev;
	struct weft_fc *fc;
};

static struct weft_world *world;
static struct end end[2];
static uint8_t *disk; /* of the target */
static struct nvme_fc_remote_port *rport;
static struct nvme_fc_ctrl *ctrl;
static unsigned int queues, ended, conns;
static int last_error;

/* --- the target's user ------------------------------------------------------------------------------ */

struct tcmd {
	struct nvmet_fc_cmd *cmd;
	struct nvmefc_sg sg;
};

struct tconn {
	struct nvmet_fc_conn *conn;
	unsigned int busy;
	bool gone;
};

static uint8_t *connect_data;

static void leave(struct tconn *tc)
{
	if (!tc->gone || tc->busy)
		return;
	nvmet_fc_conn_free(tc->conn);
	conns--;
	free(tc);
}

static struct nvme_cqe cqe_of(const struct nvmet_fc_cmd *cmd, uint16_t status)
{
	return (struct nvme_cqe){ .cid = nvmet_fc_cmd_sqe(cmd)->cid,
				  .status = (uint16_t)(status << 1) };
}

static void on_received(void *arg, int error)
{
	struct tcmd *t = arg;
	struct nvme_cqe cqe = cqe_of(t->cmd, error ? NVME_SC_INTERNAL_ERROR : 0);

	ck_assert_int_eq(nvmet_fc_respond(t->cmd, &cqe), 0);
	free(t);
}

static void on_sent(void *arg, int error)
{
	(void)error;
	free(arg);
}

static int on_connect(void *arg, struct nvmet_fc_conn *conn, const struct nvmet_fc_conn_info *info,
		      void **conn_arg)
{
	struct tconn *tc = calloc(1, sizeof(*tc));

	(void)arg;
	ck_assert_str_eq(info->subnqn, SUBNQN);
	tc->conn = conn;
	*conn_arg = tc;
	conns++;
	return 0;
}

static void on_command(void *conn_arg, struct nvmet_fc_cmd *cmd)
{
	const struct nvme_sqe *sqe = nvmet_fc_cmd_sqe(cmd);
	struct tcmd *t = calloc(1, sizeof(*t));
	uint32_t len = nvmet_fc_cmd_len(cmd);
	struct nvme_cqe cqe = cqe_of(cmd, 0);
	int rc;

	(void)conn_arg;
	t->cmd = cmd;
	t->sg.addr = sqe->opc == NVME_OPC_FABRICS ? connect_data : disk + sqe->cdw10 * 512u;
	t->sg.len = len;
	if (len)
		ck_assert_int_eq(weft_mem_iova(end[TARGET].dev, t->sg.addr, len, &t->sg.iova), 0);
	if (!len)
		rc = nvmet_fc_respond(cmd, &cqe), free(t);
	else if (nvmet_fc_cmd_writes(cmd))
		rc = nvmet_fc_receive(cmd, 0, &t->sg, len, on_received, t);
	else
		rc = nvmet_fc_send_respond(cmd, 0, &t->sg, len, &cqe, on_sent, t);
	ck_assert_int_eq(rc, 0);
}

static void on_ended(void *conn_arg, int error)
{
	struct tconn *tc = conn_arg;

	(void)error;
	tc->gone = true;
	leave(tc);
}

static const struct nvmet_fc_user user = { on_connect, on_command, on_ended };

/* --- the world ------------------------------------------------------------------------------------ */

static void poll_both(void)
{
	ck_assert_int_ge(weft_dev_poll(end[HOST].dev), 0);
	ck_assert_int_ge(weft_dev_poll(end[TARGET].dev), 0);
}

#define wait_for(cond)                                                                 \
	do {                                                                           \
		uint64_t limit = weft_world_now(world) + 10 * SECOND;                  \
		while (!(cond)) {                                                      \
			ck_assert_msg(weft_world_now(world) < limit, "never: " #cond); \
			poll_both();                                                   \
		}                                                                      \
	} while (0)

static void on_port(void *arg, enum nvme_fc_port_event event, struct nvme_fc_remote_port *rp,
		    const void *data, uint32_t len)
{
	(void)arg;
	(void)data;
	(void)len;
	if (event == NVME_FC_PORT_FOUND)
		rport = rp;
}

static void other_turn(void *arg)
{
	struct end *e = arg;
	static bool in;

	if (in || !e->dev)
		return;
	in = true;
	weft_dev_poll(e->dev);
	in = false;
}

static void check_topology(enum wire wire)
{
	static const uint8_t topology[WIRES] = { WEFT_FCT_PTP, WEFT_FCT_FABRIC, WEFT_FCT_VN2VN };
	struct weft_fc_info info;

	ck_assert_int_eq(weft_fc_info(end[HOST].fc, &info), 0);
	ck_assert_uint_eq(info.topology, topology[wire]);
	ck_assert_uint_eq(info.rports, 1);
}

static void open_end(unsigned int i, enum wire wire)
{
	struct weft_dev_params params = { .timeout_ms = 2000,
					  .idle_cb = other_turn,
					  .idle_arg = &end[!i] };
	struct weft_port eth = { .ip = 0x0a000001 + i,
				 .mask = 0xffffff00,
				 .mtu = 2500,
				 .mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } };
	struct weft_fc_params fc = { .wwnn = WWN + i,
				     .wwpn = WWN + 0x0001000000000000ull + i + 1,
				     .mode = wire == FCOE ? WEFT_FCM_VN2VN : WEFT_FCM_NATIVE,
				     .roles = i == TARGET ? WEFT_FCR_TARGET : WEFT_FCR_INITIATOR };

	ck_assert_int_eq(weft_bus_open_port(end[i].port, &end[i].bus), 0);
	ck_assert_int_eq(weft_dev_open(end[i].bus, &params, &end[i].dev), 0);
	ck_assert_int_eq(weft_port_set(end[i].dev, &eth), 0);
	ck_assert_int_eq(weft_fc_open(end[i].dev, &fc, &end[i].fc), 0);
}

static void cables(enum wire wire)
{
	struct weft_link_params cable = { .delay_ns = 500 };
	struct weft_world_port *a = end[HOST].port, *b = end[TARGET].port, *fabric[2];
	const char *pcap = getenv("FC_PCAP"); /* for whoever wants to look */

	if (wire != FCOE) {
		a = weft_world_fc_port(a);
		b = weft_world_fc_port(b);
	}
	if (pcap)
		ck_assert_int_eq(weft_world_port_capture(a, pcap), 0);
	if (wire != FABRIC) {
		ck_assert_int_eq(weft_world_link(a, b, &cable, &cable, 0), 0);
		return;
	}
	ck_assert_int_eq(weft_world_add_fabric(world, 2, fabric), 0);
	ck_assert_int_eq(weft_world_link(a, fabric[0], &cable, &cable, 0), 0);
	ck_assert_int_eq(weft_world_link(b, fabric[1], &cable, &cable, 0), 0);
}

static void up(enum wire wire)
{
	ck_assert_int_eq(weft_world_create(&world), 0);
	for (unsigned int i = 0; i < 2; i++)
		ck_assert_int_eq(weft_world_add_adapter(world, NULL, &end[i].port), 0);
	cables(wire);
	open_end(HOST, wire);
	open_end(TARGET, wire);
	disk = weft_mem_alloc(end[TARGET].dev, DISK);
	connect_data = weft_mem_alloc(end[TARGET].dev, 4096);
	nvmet_fc_attach(weft_fc_targetport(end[TARGET].fc), &user, NULL);
	wait_for(weft_fc_localport(end[HOST].fc));
	nvme_fc_watch_ports(weft_fc_localport(end[HOST].fc), on_port, NULL);
	wait_for(rport);
	check_topology(wire);
}

static void on_event(void *arg, enum nvme_fc_event event, uint16_t qid, int error)
{
	(void)arg;
	(void)qid;
	last_error = error;
	queues += event == NVME_FC_QUEUE && !error;
	ended += event == NVME_FC_ENDED;
}

static void associate(void)
{
	struct nvme_fc_ctrl_params p = { .event = on_event,
					 .cntlid = NVME_CNTLID_DYNAMIC,
					 .entries = ENTRIES,
					 .no_sqflow = true,
					 .hostnqn = HOSTNQN,
					 .subnqn = SUBNQN };

	ck_assert_int_eq(nvme_fc_ctrl_create(rport, &p, &ctrl), 0);
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), 0);
	wait_for(queues == 1);
	ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, 1, ENTRIES), 0);
	wait_for(queues == 2);
}

static void down(void)
{
	struct weft_dma_stats dma;

	if (ctrl)
		nvme_fc_ctrl_destroy(ctrl);
	wait_for(!conns);
	for (unsigned int i = 0; i < 2; i++) {
		weft_sim_bus_stats(end[i].bus, &dma);
		ck_assert_uint_eq(dma.refused, 0);
	}
	nvmet_fc_attach(weft_fc_targetport(end[TARGET].fc), NULL, NULL);
	for (unsigned int i = 0; i < 2; i++)
		weft_fc_close(end[i].fc);
	weft_mem_free(end[TARGET].dev, disk);
	weft_mem_free(end[TARGET].dev, connect_data);
	for (unsigned int i = 0; i < 2; i++) {
		weft_dev_close(end[i].dev);
		end[i].dev = NULL;
	}
	weft_world_destroy(world);
}

/* --- commands -------------------------------------------------------------------------------------- */

struct job {
	struct nvme_fc_io io;
	struct nvmefc_sg sg[64];
	uint8_t *buf;
	bool done;
};

static void on_job(struct nvme_fc_io *io)
{
	((struct job *)io->arg)->done = true;
}

static void start(struct job *j, uint16_t cid, uint8_t opc, uint32_t block, uint32_t len,
		  uint32_t piece)
{
	struct nvme_sqe sqe = { .opc = opc, .cid = cid, .cdw10 = block };
	uint64_t iova;

	memset(&j->io, 0, sizeof(j->io));
	memcpy(j->io.sqe, &sqe, sizeof(sqe));
	j->done = false;
	ck_assert_int_eq(weft_mem_iova(end[HOST].dev, j->buf, len, &iova), 0);
	for (uint32_t at = 0; at < len; at += piece, j->io.sg_cnt++)
		j->sg[j->io.sg_cnt] = (struct nvmefc_sg){ j->buf + at, iova + at,
							  len - at < piece ? len - at : piece };
	j->io.sg = j->sg;
	j->io.len = len;
	j->io.dir = opc & 1 ? NVMEFC_FCP_WRITE : NVMEFC_FCP_READ;
	j->io.done = on_job;
	j->io.arg = j;
	ck_assert_int_eq(nvme_fc_submit(ctrl, 1, &j->io), 0);
}

static void finish(struct job *j, uint32_t len)
{
	wait_for(j->done);
	ck_assert_int_eq(j->io.error, 0);
	ck_assert_uint_eq(j->io.transferred, len);
	ck_assert_uint_eq(j->io.cqe.status >> 1, 0);
}

static void fill(uint8_t *p, uint32_t len, uint32_t seed)
{
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
}

START_TEST(write_and_read_back)
{
	static const uint32_t size[] = { 512, 1536, 2048, 4096, 65536, 131072 };
	struct job j = { 0 };
	uint8_t *want = malloc(131072);

	up((enum wire)_i);
	associate();
	j.buf = weft_mem_alloc(end[HOST].dev, 131072);
	for (unsigned int i = 0; i < sizeof(size) / 4; i++) {
		fill(want, size[i], i + 1);
		memcpy(j.buf, want, size[i]);
		start(&j, (uint16_t)i, 1, 8 * i, size[i], 4096);
		finish(&j, size[i]);
		ck_assert_mem_eq(disk + 8 * i * 512, want, size[i]);
		memset(j.buf, 0xee, size[i]);
		start(&j, (uint16_t)(i + 100), 2, 8 * i, size[i], 3000);
		finish(&j, size[i]);
		ck_assert_mem_eq(j.buf, want, size[i]);
	}
	weft_mem_free(end[HOST].dev, j.buf);
	free(want);
	down();
}
END_TEST

START_TEST(many_at_once)
{
	struct job j[COMMANDS] = { 0 };
	uint8_t *want = malloc(16384);

	up((enum wire)_i);
	associate();
	for (unsigned int i = 0; i < COMMANDS; i++) {
		j[i].buf = weft_mem_alloc(end[HOST].dev, 16384);
		fill(j[i].buf, 16384, i);
		start(&j[i], (uint16_t)i, 1, 32 * i, 16384, 16384);
	}
	for (unsigned int i = 0; i < COMMANDS; i++)
		finish(&j[i], 16384);
	for (unsigned int i = 0; i < COMMANDS; i++)
		start(&j[i], (uint16_t)i, 2, 32 * (COMMANDS - 1 - i), 16384, 4096);
	for (unsigned int i = 0; i < COMMANDS; i++) {
		finish(&j[i], 16384);
		fill(want, 16384, COMMANDS - 1 - i);
		ck_assert_mem_eq(j[i].buf, want, 16384);
		weft_mem_free(end[HOST].dev, j[i].buf);
	}
	free(want);
	down();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fc_transport");
	TCase *tc = tcase_create("pair");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, write_and_read_back, 0, WIRES);
	tcase_add_loop_test(tc, many_at_once, 0, WIRES);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
