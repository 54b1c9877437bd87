/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hotpath.c - runs on weft-core-run: how many instructions NVMe/TCP itself needs for a 4 KiB read and write. TCP is replaced by
 * stubs (one call each way), the engines' registers and memories by plain RAM. Prints one line per step; hotpath_test.c reads it.
 */
#include <stdio.h>
#include <string.h>

#include "nvme_tcp/nt.h"

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

int tcp_send(uint16_t conn, struct tcp_pdu *pdu)
{
	(void)conn;
	last = pdu;
	sent++;
	return 0;
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
	const struct hal_event ev = { .type = ENG_EVT_HDR, .id = CONN, .w1 = n * 4 };

	header(w, n);
	return COUNT(nt_header(CONN, &ev));
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

static uint32_t submit(uint8_t flags)
{
	struct weft_sq_entry *e = hal_slot_entry(SLOT);

	memset(e, 0, sizeof(*e));
	e->opcode = WEFT_OP_CAPSULE;
	e->flags = flags;
	e->cid = SLOT - BASE;
	e->data_len = 4096;
	e->sgl_count = 1;
	e->sgl[0].addr = 0x10000;
	e->sgl[0].len = 4096;
	e->sqe[2] = SLOT - BASE;
	return COUNT(nt_submit(CONN, SLOT));
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
	return sent == 3 && !nt_cmds[SLOT].flags && hal_rd(ENG_CPL_PUSH) == SLOT ? 0 : 1;
}
