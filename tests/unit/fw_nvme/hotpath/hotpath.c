/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hotpath.c - runs on weft-core-run: how many instructions NVMe/TCP itself needs for a 4 KiB read and write, in both roles. TCP
 * is replaced by stubs (one call each way), the engines' registers and memories by plain RAM. Prints one line per command;
 * hotpath_test.c reads it.
 */
#include <stdio.h>
#include <string.h>

#include "nvme_tcp/nt_ctl.h"

#define CONN 1
#define BASE 64
#define SLOT (BASE + 3)

static uint32_t sent;
static struct tcp_pdu *last;
static void (*acked)(uint16_t conn, struct tcp_pdu *pdu);

/* --- what stands in for TCP, the network and the timers ------------------------------------------------------------------- */

struct net_port;
extern struct {
	uint32_t ip;
	uint8_t rest[28];
} net_port_stub __asm__("net_port");
__typeof__(net_port_stub) net_port_stub;

void tcp_send_ready(uint16_t conn, struct tcp_pdu *pdu)
{
	(void)conn;
	last = pdu;
	sent++;
}

void tcp_send_two(uint16_t conn, struct tcp_pdu *first, struct tcp_pdu *second)
{
	(void)conn;
	(void)first;
	last = second;
	sent += 2;
}

void tcp_poll(uint16_t conn)
{
	acked(conn, last);
}

int tcp_connect(uint16_t conn, const struct tcp_params *p)
{
	(void)conn;
	(void)p;
	return 0;
}

int tcp_close(uint16_t conn)
{
	(void)conn;
	return 0;
}

void tcp_abort(uint16_t conn, int err)
{
	(void)conn;
	(void)err;
}

void tcp_stream_flags(uint16_t conn, uint8_t cf)
{
	(void)conn;
	(void)cf;
}

uint16_t tcp_local_port(uint16_t conn)
{
	return conn;
}

uint16_t tcp_remote_port(uint16_t conn)
{
	return conn;
}

uint32_t tcp_remote_ip(uint16_t conn)
{
	return conn;
}

void tcp_set_keepalive(uint16_t conn, uint32_t ms)
{
	(void)conn;
	(void)ms;
}

int tcp_listen(uint16_t port, const struct tcp_params *p)
{
	(void)port;
	(void)p;
	return 0;
}

int tcp_unlisten(uint16_t port)
{
	(void)port;
	return 0;
}

void log_limited(const char *fmt, ...);
void log_limited(const char *fmt, ...)
{
	(void)fmt;
}

/* --- counting ----------------------------------------------------------------------------------------------------------------- */

static inline uint32_t instret(void)
{
	uint32_t n;

	__asm__ volatile("csrr %0, minstret" : "=r"(n)::"memory");
	return n;
}

#define COUNT(call)                          \
	({                                   \
		uint32_t start_ = instret(); \
		call;                        \
		instret() - start_ - 1;      \
	})

static void header(const uint32_t *w, uint32_t n)
{
	memcpy((void *)(uintptr_t)hal_rx_header(CONN), w, n * 4);
}

static uint32_t header_event(const uint32_t *w, uint32_t n)
{
	struct nt_conn *c = &nt_conns[CONN];

	header(w, n);
	if (c->state == NT_READY)
		return COUNT(nt_host_header(CONN, c));
	return COUNT(nt_header(CONN, 0, 0));
}

static void connect(void)
{
	const struct weft_arg_connect a = { .qp = CONN,
					    .remote_ip = 0x0a000002,
					    .remote_port = 4420 };
	uint32_t icresp[32] = { 1 | 128 << 16, 128, 0, 0x400000 };

	acked = nt_tcp_ops()->acked;
	nt_connect(&a, 0, BASE, 64);
	nt_tcp_ops()->connected(CONN);
	acked(CONN, last);
	header_event(icresp, 32);
}

/* And the acknowledgement of the capsule, which mostly comes before the response. */
static uint32_t submit(uint8_t flags)
{
	struct weft_sq_entry *e = hal_slot_entry(SLOT);
	uint32_t n;

	memset(e, 0, sizeof(*e));
	e->opcode = WEFT_OP_CAPSULE;
	e->flags = flags;
	e->cid = SLOT - BASE;
	e->data_len = 4096;
	e->sgl_count = 1;
	e->sgl[0].addr = 0x10000;
	e->sgl[0].len = 4096;
	e->sqe[2] = SLOT - BASE;
	n = COUNT(nt_host_submit(CONN, &nt_conns[CONN], SLOT));
	return n + COUNT(acked(CONN, last));
}

/* --- controller role ------------------------------------------------------------------------------------------------------------ */

#define CTL_CONN 2
#define CTL_BASE 1024

static uint32_t ctl_event(const uint32_t *w, uint32_t n)
{
	struct nt_conn *c = &nt_conns[CTL_CONN];

	memcpy((void *)(uintptr_t)hal_rx_header(CTL_CONN), w, n * 4);
	if (c->state == NT_SERVING)
		return COUNT(nt_ctl_header(CTL_CONN, c));
	return COUNT(nt_header(CTL_CONN, 0, 0));
}

static void ctl_accept(void)
{
	const struct weft_arg_qp_create q = { .qp = CTL_CONN,
					      .rx_cmd = 0x100000,
					      .rx_icd = 0x200000,
					      .icd_size = 8192,
					      .flags = WEFT_QPF_CONTROLLER };
	const struct weft_arg_accept a = { .qp = CTL_CONN, .maxh2cdata = 65536 };
	uint32_t icreq[32] = { 0 | 128 << 16, 128 };

	nt_ctl_create(&q);
	nt_accept(&a, 0, CTL_BASE, 128);
	nt_tcp_ops()->incoming(4420, 0x0a000002, 50000);
	nt_tcp_ops()->connected(CTL_CONN);
	ctl_event(icreq, 32);
	acked(CTL_CONN, last);
}

static uint32_t ctl_placed(uint16_t slot)
{
	return COUNT(nt_placed(CTL_CONN, slot, 0));
}

static uint32_t ctl_reply(uint16_t slot, uint8_t op, uint8_t flags, uint32_t len)
{
	struct weft_ctl_entry *e = (void *)hal_slot_entry(slot);

	memset(e, 0, sizeof(*e));
	e->opcode = op;
	e->flags = flags;
	e->data_len = len;
	e->sgl_count = !!len;
	e->sgl[0].addr = 0x10000;
	e->sgl[0].len = len;
	return COUNT(nt_ctl_submit(CTL_CONN, &nt_conns[CTL_CONN], slot));
}

/* A read: capsule, data with the response behind, both acknowledged. */
static void ctl_read(uint16_t slot)
{
	const uint32_t cmd[18] = { 4 | 72 << 16, 72 };
	uint32_t capsule = ctl_event(cmd, 18), placed = ctl_placed(slot);
	uint32_t reply = ctl_reply(slot, WEFT_OP_SEND_DATA,
				   WEFT_SQF_DATA_OUT | WEFT_SQF_LAST | WEFT_SQF_RESP, 4096);
	uint32_t ack = COUNT(acked(CTL_CONN, last)); /* the data's record is a quiet one */

	printf("controller read: capsule %u placed %u send %u acked %u total %u\n",
	       (unsigned)capsule, (unsigned)placed, (unsigned)reply, (unsigned)ack,
	       (unsigned)(capsule + placed + reply + ack));
}

/* A write with its data in the capsule. */
static void ctl_write(uint16_t slot)
{
	const uint32_t cmd[18] = { 4 | 72 << 16 | 72u << 24, 72 + 4096 };
	uint32_t capsule = ctl_event(cmd, 18), placed = ctl_placed(slot);
	uint32_t reply = ctl_reply(slot, WEFT_OP_RESPOND, 0, 0);
	uint32_t ack = COUNT(acked(CTL_CONN, last));

	printf("controller write: capsule %u placed %u respond %u acked %u total %u\n",
	       (unsigned)capsule, (unsigned)placed, (unsigned)reply, (unsigned)ack,
	       (unsigned)(capsule + placed + reply + ack));
}

/* A write fetched by one R2T, to which one PDU answers. */
static void ctl_get(uint16_t slot)
{
	const uint32_t cmd[18] = { 4 | 72 << 16, 72 };
	uint32_t h2c[6] = { 6 | 4 << 8 | 24 << 16 | 24u << 24, 24 + 4096, 0, 0, 4096, 0 };
	uint32_t capsule = ctl_event(cmd, 18) + ctl_placed(slot);
	uint32_t get = ctl_reply(slot, WEFT_OP_GET_DATA, WEFT_SQF_DATA_IN, 4096), data;

	get += COUNT(acked(CTL_CONN, last));
	h2c[2] = nt_pdu_header(last)[2];
	data = ctl_event(h2c, 6) + ctl_placed(slot);
	data += ctl_reply(slot, WEFT_OP_RESPOND, 0, 0);
	data += COUNT(acked(CTL_CONN, last));
	printf("controller fetch: capsule %u get %u data %u total %u\n", (unsigned)capsule,
	       (unsigned)get, (unsigned)data, (unsigned)(capsule + get + data));
}

static bool controller(void)
{
	uint32_t before = sent;

	ctl_accept();
	ctl_read(CTL_BASE); /* the first free slot comes first, and again */
	ctl_write(CTL_BASE);
	ctl_get(CTL_BASE);
	return sent - before == 6 && nt_cmds[CTL_BASE].flags == CTL_FREE &&
	       hal_rd(ENG_CPL_PUSH) == CTL_BASE && nt_ctls[CTL_CONN].free_first == CTL_BASE;
}

int main(void)
{
	const uint32_t data[6] = {
		7 | 4 << 8 | 24 << 16 | 24u << 24, 24 + 4096, SLOT - BASE, 0, 4096, 0
	};
	const uint32_t resp[6] = { 5 | 24 << 16, 24, 0, 0, 1, SLOT - BASE };
	uint32_t n[3], total;

	timer_init();
	nt_init();
	connect();
	n[0] = submit(WEFT_SQF_DATA_IN);
	n[1] = header_event(data, 6);
	n[2] = header_event(resp, 6);
	total = n[0] + n[1] + n[2];
	printf("read: submit %u data %u response %u total %u\n", (unsigned)n[0], (unsigned)n[1],
	       (unsigned)n[2], (unsigned)total);
	n[0] = submit(WEFT_SQF_DATA_OUT | WEFT_SQF_ICD);
	n[2] = header_event(resp, 6);
	total = n[0] + n[2];
	printf("write: submit %u response %u total %u\n", (unsigned)n[0], (unsigned)n[2],
	       (unsigned)total);
	if (sent != 3 || nt_cmds[SLOT].flags || hal_rd(ENG_CPL_PUSH) != SLOT)
		return 1;
	return controller() ? 0 : 2;
}
