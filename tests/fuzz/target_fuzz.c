/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of the target: hosts that send any command at any time, over the double of the transport.
 * The input is a program of small steps: connections, Connects that are right or nearly, commands
 * whose fields lie near the sensible ones, data that come or do not, time, and what an administrator
 * does meanwhile. Beside the sanitizers three things must hold: the doubles abort on misuse (answers
 * given twice, or while data are on the way; requests beyond the disk; backends closed in use); blocks
 * that no host may write are as they were; and after each input nothing is left of anything.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/target.h>

#include "fake_backend.h"
#include "fake_nvmf.h"
#include "input.h"

#define CONNS 6u
#define NQN "nqn.2024-01.test.weft:fuzz"
#define HOST "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555"
#define BLOCKS 64u

static struct weft_dev *dev;
static struct nvme_target *t;
static struct nvme_subsys *s;
static struct nvme_port *port;
static struct fake_backend *ro; /* NSID 2, read only */
static bool ro_gone;
static struct fake_conn *conn[CONNS];
static uint16_t qid_of[CONNS], cid;
static uint8_t data[1 << 20];

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* --- the administrator --------------------------------------------------------------------------------- */

static void add_disk(uint32_t nsid)
{
	struct fake_backend *f = fake_backend_new(BLOCKS * 512, 512, nsid == 2 ? &ro_gone : NULL);
	struct nvme_ns_opts o = { .nsid = nsid, .read_only = nsid == 2 };

	f->b.volatile_cache = nsid & 1;
	memset(f->mem, (int)nsid, BLOCKS * 512);
	if (nvme_subsys_ns_add(s, &f->b, &o, NULL))
		nvme_backend_close(&f->b);
	else if (nsid == 2)
		ro = f;
}

static void up(void)
{
	struct nvme_target_opts to = { .buffer_bytes = 1 << 20 };
	struct nvme_subsys_opts so = { .nqn = NQN,
				       .allow_any_host = true,
				       .max_io_queues = 4,
				       .max_namespaces = 4,
				       .max_xfer = 65536 };
	struct nvme_port_opts po = { .traddr = 1, .listen = { .port = 4420, .qsize = 16 } };

	dev = fake_dev_new();
	po.listen.dev = dev;
	if (nvme_target_create(&to, &t) || nvme_target_subsys_add(t, &so, &s) ||
	    nvme_target_port_add(t, &po, &port) || nvme_port_link(port, s))
		abort();
	ro_gone = true;
	add_disk(1);
	add_disk(2);
}

static void check_ro(void)
{
	size_t i;

	if (!ro_gone)
		for (i = 0; i < BLOCKS * 512; i++)
			if (ro->mem[i] != 2)
				abort();
}

static void drop_closed(void)
{
	unsigned int i;

	for (i = 0; i < CONNS; i++)
		if (conn[i] && fake_closed(conn[i])) {
			nvme_target_poll(t);
			nvme_target_poll(t);
			fake_conn_free(conn[i]);
			conn[i] = NULL;
		}
}

static void down(void)
{
	unsigned int i;

	check_ro();
	for (i = 0; i < CONNS; i++)
		if (conn[i])
			fake_hold_data(conn[i], false);
	fake_hold_buffers(dev, false);
	if (nvme_target_destroy(t, 1000))
		abort();
	for (i = 0; i < CONNS; i++)
		if (conn[i])
			fake_conn_free(conn[i]);
	memset(conn, 0, sizeof(conn));
	fake_dev_free(dev);
}

static void administer(uint8_t what)
{
	switch (what & 15) {
	case 0:
		nvme_subsys_ns_remove(s, u8() % 5);
		break;
	case 1:
		add_disk(u8() % 5);
		break;
	case 2:
		nvme_subsys_set_any_host(s, u8() & 1);
		break;
	case 3:
		nvme_subsys_allow_host(s, HOST);
		break;
	case 4:
		nvme_subsys_disallow_host(s, HOST);
		break;
	case 5:
		nvme_port_unlink(port, s);
		nvme_port_link(port, s);
		break;
	case 6:
		fake_hold_buffers(dev, u8() & 1);
		break;
	default:
		nvme_target_poll(t);
		break;
	}
}

/* --- the hosts ------------------------------------------------------------------------------------------- */

static void put(unsigned int i, struct nvme_sqe *sqe, enum fake_data kind, size_t len)
{
	if (!(u8() & 0x80))
		sqe->cid = ++cid;
	if (!(sqe->flags & 0xc0))
		sqe->flags |= 0x40;
	fake_send(conn[i], sqe, kind, data, len);
}

static void do_connect(unsigned int i)
{
	struct nvme_connect_data *d = (void *)data;
	struct nvme_sqe sqe = { .opc = NVME_OPC_FABRICS, .nsid = NVME_FCTYPE_CONNECT };
	uint8_t how = u8(), twist = u8();

	if (!conn[i])
		conn[i] = fake_connect(dev, 4420, i);
	if (!conn[i])
		return;
	qid_of[i] = how % 6;
	memset(d, 0, sizeof(*d));
	memset(d->hostid, 1, 16);
	d->cntlid = qid_of[i] ? 1 + (how >> 3) % 4 : 0xffff;
	strcpy(d->subnqn, how & 0x80 ? NVME_DISCOVERY_NQN : NQN);
	strcpy(d->hostnqn, HOST);
	sqe.cdw10 = (uint32_t)qid_of[i] << 16;
	sqe.cdw11 = 15 | (twist & 1 ? 4u << 16 : 0);
	sqe.cdw12 = twist & 2 ? 1000 : 0;
	if (twist & 0x40)
		data[u16() % 1024] ^= u8();
	if (twist & 0x20)
		((uint8_t *)&sqe)[40 + u8() % 24] ^= u8();
	put(i, &sqe, twist & 4 ? FAKE_R2T : FAKE_ICD, twist & 0x10 ? u16() : 1024);
}

static void enable(unsigned int i)
{
	static const uint32_t cc[] = { 0x460061, 0x460060, 0x464061, 0x460001 };
	struct nvme_sqe sqe = { .opc = NVME_OPC_FABRICS, .cdw11 = NVME_PROP_CC };
	uint8_t b = u8();

	sqe.cdw12 = b & 0x80 ? u32() : cc[b & 3];
	put(i, &sqe, FAKE_NONE, 0);
}

/* Fields of one command, most of them in range. */
static void io_command(unsigned int i)
{
	static const uint8_t ops[] = { 0, 1, 2, 5, 8, 9, 12, 2 };
	uint8_t b = u8(), n = u8();
	struct nvme_sqe sqe = { .opc = ops[b & 7],
				.nsid = 1 + (b >> 3) % 3,
				.cdw10 = u8() % (BLOCKS + 1),
				.cdw12 = n % BLOCKS };
	size_t len = (n % BLOCKS + 1u) * 512;
	enum fake_data kind = FAKE_NONE;

	if (sqe.opc == 1 || sqe.opc == 5)
		kind = b & 0x40 || len > 8192 ? FAKE_R2T : FAKE_ICD;
	if (sqe.opc == 2)
		kind = FAKE_IN;
	if (sqe.opc == 9) {
		struct nvme_dsm_range *r = (void *)data;
		unsigned int k;

		for (k = 0; k <= n % 8u; k++)
			r[k] = (struct nvme_dsm_range){ .slba = u8() % BLOCKS, .blocks = u8() % 8 };
		sqe.cdw10 = n % 8;
		sqe.cdw11 = 4;
		sqe.cdw12 = 0;
		len = 4096;
		kind = b & 0x40 ? FAKE_R2T : FAKE_ICD;
	}
	if (b & 0x80) {
		((uint8_t *)&sqe)[u8() % 64] ^= u8();
		sqe.sgl1[15] = 0;
	}
	put(i, &sqe, kind, kind == FAKE_NONE ? 0 : len);
}

static void admin_command(unsigned int i)
{
	static const uint8_t ops[] = { 2, 6, 8, 9, 10, 12, 24, 127 };
	static const uint8_t pages[] = { 1, 2, 3, 4, 5, 0x70, 0x0b, 0x0f };
	uint8_t b = u8();
	struct nvme_sqe sqe = { .opc = ops[b & 7], .nsid = u8() % 4, .cdw10 = u8() };
	enum fake_data kind = FAKE_NONE;
	size_t len = 0;

	if (sqe.opc == 2 || sqe.opc == 6) {
		kind = FAKE_IN;
		len = 4096;
		if (sqe.opc == 2) {
			len = (u8() + 1u) * 4;
			sqe.nsid = 0;
			sqe.cdw10 = pages[b >> 3 & 7] | (uint32_t)(len / 4 - 1) << 16;
			sqe.cdw12 = u8() * 4u;
		}
	} else if (sqe.opc == 8) {
		sqe.cdw10 = (uint32_t)(cid - u8() % 16u) << 16 | u8() % 5u;
	} else if (sqe.opc == 9 || sqe.opc == 10) {
		sqe.nsid = 0;
		sqe.cdw11 = u32();
	}
	if (b & 0x80)
		((uint8_t *)&sqe)[40 + u8() % 24] ^= u8();
	if (b & 0x40 && kind != FAKE_NONE)
		len = u16();
	put(i, &sqe, kind, len);
}

static void raw_command(unsigned int i)
{
	static const enum fake_data kinds[] = { FAKE_NONE, FAKE_ICD, FAKE_R2T, FAKE_IN,
						FAKE_BAD_ICD };
	struct nvme_sqe sqe = { 0 };
	unsigned int k;

	for (k = 0; k < sizeof(sqe); k++)
		((uint8_t *)&sqe)[k] = u8();
	if (sqe.nsid & 1)
		memset(sqe.sgl1, 0, sizeof(sqe.sgl1));
	else if (sqe.sgl1[15] == 0x5a)
		sqe.sgl1[15] = 0; /* a length of gigabytes is a matter of the transport */
	k = sqe.cdw10 % 5;
	put(i, &sqe, kinds[k], k ? u16() : 0);
}

/* An association with two I/O queues, which few inputs would make by chance. */
static void associate(void)
{
	struct nvme_sqe cc = { .opc = NVME_OPC_FABRICS, .cdw11 = NVME_PROP_CC, .cdw12 = 0x460061 };
	static const uint8_t admin[] = { 0, 0, 0 }, one[] = { 1, 0, 0 }, two[] = { 2, 1, 0 };
	static const uint8_t *const how[] = { admin, one, two };
	const uint8_t *rest = in;
	size_t rest_left = left;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		in = how[i];
		left = 3;
		do_connect(i);
		if (!i)
			put(0, &cc, FAKE_NONE, 0);
	}
	in = rest;
	left = rest_left;
}

static void step(void)
{
	uint8_t op = u8();
	unsigned int i = (op >> 4) % CONNS;

	drop_closed();
	if ((op & 15) == 0 || !conn[i]) {
		do_connect(i);
		return;
	}
	switch (op & 15) {
	case 1:
		enable(i);
		break;
	case 2:
	case 3:
	case 4:
		io_command(i);
		break;
	case 5:
	case 6:
		admin_command(i);
		break;
	case 7:
		raw_command(i);
		break;
	case 8:
		fake_close(conn[i], u8() & 1 ? -ECONNRESET : 0);
		break;
	case 9:
		fake_hold_data(conn[i], u8() & 1);
		break;
	case 10:
		fake_fail_data(conn[i], u8() & 1 ? -EBADMSG : -EFAULT);
		break;
	case 11:
		fake_advance(dev, u8() * 50u);
		nvme_target_poll(t);
		break;
	case 12:
		administer(u8());
		break;
	default:
		nvme_target_poll(t);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	in = bytes;
	left = size;
	cid = 0;
	up();
	if (u8() & 1)
		associate();
	while (left)
		step();
	down();
	return 0;
}
