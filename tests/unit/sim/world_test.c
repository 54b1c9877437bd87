// SPDX-License-Identifier: BSD-2-Clause
/* Links and their faults, captures, worlds of adapters and peers, the in-process bus: over the stand-in design. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "weft_world.h"
#include "world/pcapng.h"

enum {
	SRC = 0x04,
	DST = 0x0c,
	LEN = 0x14,
	COPY = 0x18,
	MSIX = 0x1c,
	TIMER = 0x20,
	RX_FRAMES = 0x30,
	RX_BAD = 0x34
};

/* --- links ---------------------------------------------------------------------------------------------------------------- */

START_TEST(specs_are_read)
{
	struct weft_link_params p;
	const char *bad = NULL;

	ck_assert_int_eq(
		weft_link_parse(
			"loss=0.25,dup=0.5,reorder=1,corrupt=0.001,badfcs=0,delay=1.5ms,by=3us,seed=0x10",
			&p, &bad),
		0);
	ck_assert_double_eq(p.loss, 0.25);
	ck_assert_double_eq(p.dup, 0.5);
	ck_assert_double_eq(p.reorder, 1);
	ck_assert_uint_eq(p.delay_ns, 1500000);
	ck_assert_uint_eq(p.reorder_ns, 3000);
	ck_assert_uint_eq(p.seed, 16);
	ck_assert_int_eq(weft_link_parse("", &p, &bad), 0);
	ck_assert_double_eq(p.loss, 0);
}
END_TEST

START_TEST(bad_specs_are_named)
{
	static const struct {
		const char *spec, *bad;
	} cases[] = {
		{ "loss", "loss" },
		{ "loss=", "loss=" },
		{ "loss=1.5", "loss=1.5" },
		{ "loss=-1", "loss=-1" },
		{ "loss=nan", "loss=nan" },
		{ "delay=5", "delay=5" },
		{ "delay=-5us", "delay=-5us" },
		{ "seed=1,what=2", "what=2" },
		{ "loss=0.1x", "loss=0.1x" },
		{ "loss=0.1,", "loss=0.1," },
		{ "los=0.1", "los=0.1" },
	};
	struct weft_link_params p;
	const char *bad = NULL;

	ck_assert_int_eq(weft_link_parse(cases[_i].spec, &p, &bad), -EINVAL);
	ck_assert_str_eq(bad, cases[_i].bad);
}
END_TEST

static unsigned int drain(struct weft_link *link, uint64_t now, uint32_t *ids)
{
	struct weft_link_frame *f;
	unsigned int n = 0;

	while ((f = weft_link_take(link, now))) {
		memcpy(&ids[n++], f->bytes, 4);
		free(f);
	}
	return n;
}

START_TEST(a_clean_link_only_delays)
{
	struct weft_link_params p = { .delay_ns = 500 };
	struct weft_link link;
	uint32_t ids[100], i;
	uint8_t frame[60] = { 0 };

	weft_link_init(&link, &p);
	for (i = 0; i < 100; i++) {
		memcpy(frame, &i, 4);
		weft_link_send(&link, frame, sizeof(frame), 1000 + i / 2);
	}
	ck_assert_uint_eq(weft_link_next(&link), 1500);
	ck_assert_uint_eq(drain(&link, 1499, ids), 0);
	ck_assert_uint_eq(drain(&link, 1549, ids), 100);
	for (i = 0; i < 100; i++)
		ck_assert_uint_eq(ids[i], i);
	ck_assert_uint_eq(weft_link_next(&link), UINT64_MAX);
}
END_TEST

START_TEST(faults_come_as_often_as_asked_and_the_same_each_time)
{
	struct weft_link_params p = { .loss = 0.1,
				      .dup = 0.05,
				      .reorder = 0.2,
				      .corrupt = 0.02,
				      .badfcs = 0.03,
				      .seed = (uint64_t)_i };
	static uint32_t ids[2][20000];
	struct weft_link link;
	unsigned int n[2], round;
	uint8_t frame[60] = { 0 };
	uint32_t i, inversions = 0;

	for (round = 0; round < 2; round++) {
		weft_link_init(&link, &p);
		for (i = 0; i < 10000; i++) {
			memcpy(frame, &i, 4);
			weft_link_send(&link, frame, sizeof(frame), i * 100);
		}
		n[round] = drain(&link, UINT64_MAX, ids[round]);
	}
	ck_assert_uint_eq(n[0], n[1]);
	ck_assert(!memcmp(ids[0], ids[1], sizeof(ids[0])));
	ck_assert_uint_eq(n[0], 10000 - link.counters.lost + link.counters.duplicated);
	ck_assert_uint_ge(link.counters.lost, 900);
	ck_assert_uint_le(link.counters.lost, 1100);
	ck_assert_uint_ge(link.counters.duplicated, 380);
	ck_assert_uint_le(link.counters.duplicated, 520);
	ck_assert_uint_ge(link.counters.corrupted, 130);
	ck_assert_uint_le(link.counters.corrupted, 240);
	ck_assert_uint_ge(link.counters.bad_fcs, 220);
	ck_assert_uint_le(link.counters.bad_fcs, 360);
	for (i = 1; i < n[0]; i++)
		inversions += ids[0][i] < ids[0][i - 1] && ids[0][i - 1] < 10000;
	ck_assert_uint_ge(inversions, 500);
}
END_TEST

/* A capture of one frame each way, byte by byte. */
START_TEST(captures_are_pcapng)
{
	char path[] = "/tmp/weft-pcapng-XXXXXX";
	struct weft_pcapng *cap;
	uint32_t w[100] = { 0 };
	size_t n;
	FILE *f;

	close(mkstemp(path));
	ck_assert_int_eq(weft_pcapng_open(path, "weft", false, 1ull << 32, &cap), 0);
	ck_assert_int_eq(weft_pcapng_write(cap, "0123456789abcde", 15, 5, true), 0);
	ck_assert_int_eq(weft_pcapng_write(cap, "0123456789abcdef", 16, 6, false), 0);
	ck_assert_int_eq(weft_pcapng_close(cap), 0);
	f = fopen(path, "rb");
	n = fread(w, 1, sizeof(w), f);
	fclose(f);
	unlink(path);
	ck_assert_uint_eq(w[0], 0x0a0d0d0a);
	ck_assert_uint_eq(w[2], 0x1a2b3c4d);
	ck_assert_uint_eq(w[7], 1); /* interface */
	ck_assert_uint_eq(w[8] % 4, 0);
	ck_assert_uint_eq(w[9], 1); /* Ethernet */
	w[0] = 7 + w[8] / 4;        /* first packet */
	ck_assert_uint_eq(w[w[0]], 6);
	ck_assert_uint_eq(w[w[0] + 3], 1); /* time, high */
	ck_assert_uint_eq(w[w[0] + 4], 5);
	ck_assert_uint_eq(w[w[0] + 5], 15);
	ck_assert(!memcmp(&w[w[0] + 7], "0123456789abcde\0", 16));
	ck_assert_uint_eq(w[w[0] + 12], 2); /* outbound */
	w[0] += w[w[0] + 1] / 4;
	ck_assert_uint_eq(w[w[0] + 5], 16);
	ck_assert_uint_eq(w[w[0] + 12], 1);
	ck_assert_uint_eq(w[0] * 4 + w[w[0] + 1], n);
	ck_assert_int_eq(weft_pcapng_open("/nonexistent/x", "weft", false, 0, &cap), -ENOENT);
}
END_TEST

/* --- worlds ---------------------------------------------------------------------------------------------------------------- */

struct peer {
	struct weft_world_port *port;
	unsigned int got;
	uint8_t last[2048];
	size_t last_len;
	uint64_t last_ns, wake, woken;
};

static void peer_rx(void *ctx, const void *frame, size_t len, uint64_t now)
{
	struct peer *p = ctx;

	p->got++;
	p->last_len = len;
	p->last_ns = now;
	memcpy(p->last, frame, len);
}

static uint64_t peer_poll(void *ctx, uint64_t now)
{
	struct peer *p = ctx;

	if (p->wake && now >= p->wake) {
		p->woken = now;
		p->wake = 0;
	}
	return p->wake ? p->wake : UINT64_MAX;
}

static const struct weft_peer_ops peer_ops = { peer_rx, peer_poll };
static const struct weft_sim_params no_firmware = { .firmware = "" };

static struct weft_world *world;
static struct weft_world_port *adapter[2];
static struct weft_bus *bus[2];
static struct peer peer;

static void setup(void)
{
	unsigned int i;

	ck_assert_int_eq(weft_world_create(&world), 0);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(weft_world_add_adapter(world, &no_firmware, &adapter[i]), 0);
		ck_assert_int_eq(weft_bus_open_port(adapter[i], &bus[i]), 0);
	}
	memset(&peer, 0, sizeof(peer));
	ck_assert_int_eq(weft_world_add_peer(world, &peer_ops, &peer, &peer.port), 0);
}

static void teardown(void)
{
	bus[0]->ops->close(bus[0]);
	bus[1]->ops->close(bus[1]);
	weft_world_destroy(world);
}

static void wr(struct weft_bus *b, uint32_t off, uint32_t val)
{
	ck_assert_int_eq(b->ops->write32(b, off, val), 0);
}

static uint32_t rd(struct weft_bus *b, uint32_t off)
{
	uint32_t val;

	ck_assert_int_eq(b->ops->read32(b, off, &val), 0);
	return val;
}

static uint32_t copy(struct weft_bus *b, uint64_t src, uint64_t dst, uint32_t len)
{
	unsigned int i;

	wr(b, SRC, (uint32_t)src);
	wr(b, SRC + 4, (uint32_t)(src >> 32));
	wr(b, DST, (uint32_t)dst);
	wr(b, DST + 4, (uint32_t)(dst >> 32));
	wr(b, LEN, len);
	wr(b, COPY, 1);
	for (i = 0; i < 1000 && rd(b, COPY) & 1; i++)
		b->ops->advance(b, 10000);
	return rd(b, COPY);
}

START_TEST(a_frame_goes_round_in_wire_and_cable_time)
{
	struct weft_link_params cable = { .delay_ns = 5000 };
	uint8_t frame[1000];

	memset(frame, 0x77, sizeof(frame));
	ck_assert_int_eq(weft_world_port_send(peer.port, frame, sizeof(frame)), -ENOTCONN);
	ck_assert_int_eq(weft_world_link(peer.port, adapter[0], &cable, &cable, 0), 0);
	ck_assert_int_eq(weft_world_link(peer.port, adapter[1], NULL, NULL, 0), -EBUSY);
	ck_assert_int_eq(weft_world_port_send(peer.port, frame, 13), -EMSGSIZE);
	ck_assert_int_eq(weft_world_port_send(peer.port, frame, sizeof(frame)), 0);
	while (!peer.got)
		weft_world_run(world, 100000);
	ck_assert_uint_eq(peer.last_len, 1000);
	ck_assert(!memcmp(peer.last, frame, 1000));
	/* two cables, two times 1,024 bytes of wire at 0.32 ns, a few cycles in the design */
	ck_assert_uint_ge(peer.last_ns, 10000 + 2 * 327);
	ck_assert_uint_le(peer.last_ns, 10000 + 2 * 327 + 300);
	ck_assert_uint_eq(weft_world_port_counters(peer.port)->frames, 1);
	ck_assert_uint_eq(weft_world_port_counters(adapter[0])->frames, 1);
}
END_TEST

START_TEST(adapters_reach_each_other)
{
	uint8_t frame[64] = { 1 };

	ck_assert_int_eq(weft_world_link(adapter[0], adapter[1], NULL, NULL, 0), 0);
	ck_assert_int_eq(weft_sim_eth_rx(weft_world_port_sim(adapter[0]), frame, sizeof(frame)), 0);
	weft_world_run(world, 20000);
	/* both loop frames back: it goes to and fro for ever */
	ck_assert_uint_ge(rd(bus[0], RX_FRAMES), 5);
	ck_assert_uint_ge(rd(bus[1], RX_FRAMES), 5);
	ck_assert_uint_le(rd(bus[0], RX_FRAMES) - rd(bus[1], RX_FRAMES) + 1, 2);
}
END_TEST

START_TEST(many_frames_at_once_wait_on_the_cable)
{
	static uint8_t frame[1500];
	unsigned int i;

	ck_assert_int_eq(weft_world_link(peer.port, adapter[0], NULL, NULL, 0), 0);
	for (i = 0; i < 2000; i++)
		ck_assert_int_eq(weft_world_port_send(peer.port, frame, sizeof(frame)), 0);
	ck_assert_uint_ge(weft_world_port_backlog(peer.port), 2000 * 487);
	weft_world_run(world, 3000000);
	ck_assert_uint_eq(peer.got, 2000);
	ck_assert_uint_eq(weft_world_port_backlog(peer.port), 0);
}
END_TEST

START_TEST(bad_frames_are_marked)
{
	struct weft_link_params p = { .badfcs = 1 };
	static uint8_t frame[60];

	ck_assert_int_eq(weft_world_link(peer.port, adapter[0], &p, NULL, 0), 0);
	weft_world_port_send(peer.port, frame, sizeof(frame));
	weft_world_run(world, 10000);
	ck_assert_uint_eq(rd(bus[0], RX_BAD), 1);
	weft_world_port_set_faults(peer.port, NULL);
	weft_world_port_send(peer.port, frame, sizeof(frame));
	weft_world_run(world, 10000);
	ck_assert_uint_eq(rd(bus[0], RX_FRAMES), 2);
	ck_assert_uint_eq(rd(bus[0], RX_BAD), 1);
}
END_TEST

static void address(uint8_t *frame, unsigned int to, unsigned int from)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const uint8_t mac[3][6] = { { 2, 0, 0, 0, 0, 1 },
				    { 2, 0, 0, 0, 0, 2 },
				    { 2, 0, 0, 0, 0, 3 } };

	memcpy(frame, to < 3 ? mac[to] : all, 6);
	memcpy(frame + 6, mac[from], 6);
}

START_TEST(a_switch_learns_where_addresses_are)
{
	static struct peer at[3];
	struct weft_world_port *ports[3];
	uint8_t frame[100] = { 0 };
	unsigned int i;

	memset(at, 0, sizeof(at));
	ck_assert_int_eq(weft_world_add_switch(world, 1, ports), -EINVAL);
	ck_assert_int_eq(weft_world_add_switch(world, 28, ports), -ENOSPC);
	ck_assert_int_eq(weft_world_add_switch(world, 3, ports), 0);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(weft_world_add_peer(world, &peer_ops, &at[i], &at[i].port), 0);
		ck_assert_int_eq(weft_world_link(at[i].port, ports[i], NULL, NULL, 0), 0);
	}
	address(frame, 1, 0); /* nobody has heard of 1: everywhere, but not back */
	weft_world_port_send(at[0].port, frame, sizeof(frame));
	weft_world_run(world, 5000);
	ck_assert(at[0].got == 0 && at[1].got == 1 && at[2].got == 1);
	ck_assert_uint_eq(at[1].last_len, sizeof(frame));
	address(frame, 0, 1); /* where 0 is it knows */
	weft_world_port_send(at[1].port, frame, sizeof(frame));
	weft_world_run(world, 5000);
	ck_assert(at[0].got == 1 && at[1].got == 1 && at[2].got == 1);
	address(frame, 3, 2); /* broadcast */
	weft_world_port_send(at[2].port, frame, sizeof(frame));
	weft_world_run(world, 5000);
	ck_assert(at[0].got == 2 && at[1].got == 2 && at[2].got == 1);
	address(frame, 0, 0); /* to itself: nowhere */
	weft_world_port_send(at[0].port, frame, sizeof(frame));
	weft_world_run(world, 5000);
	ck_assert(at[0].got == 2 && at[1].got == 2 && at[2].got == 1);
	address(frame, 3, 0); /* it has moved to the third port */
	weft_world_port_send(at[2].port, frame, sizeof(frame));
	weft_world_run(world, 5000);
	address(frame, 0, 1);
	weft_world_port_send(at[1].port, frame, sizeof(frame));
	weft_world_run(world, 5000);
	ck_assert(at[0].got == 3 && at[1].got == 3 && at[2].got == 2);
}
END_TEST

static void on_idle(void *arg)
{
	(*(unsigned int *)arg)++;
}

START_TEST(idle_programs_are_told)
{
	unsigned int told = 0;

	weft_sim_bus_on_idle(bus[0], on_idle, &told);
	bus[0]->ops->advance(bus[0], 1000);
	bus[1]->ops->advance(bus[1], 1000);
	ck_assert_uint_eq(told, 1);
	weft_sim_bus_on_idle(bus[0], NULL, NULL);
	bus[0]->ops->advance(bus[0], 1000);
	ck_assert_uint_eq(told, 1);
}
END_TEST

START_TEST(time_passes_even_when_nothing_happens)
{
	uint64_t now = weft_world_now(world),
		 cycles = weft_sim_cycles(weft_world_port_sim(adapter[0]));

	ck_assert(!weft_world_run(world, 5000000000ull));
	ck_assert_uint_ge(weft_world_now(world), now + 5000000000ull);
	ck_assert_uint_lt(weft_sim_cycles(weft_world_port_sim(adapter[0])), cycles + 100);
	peer.wake = weft_world_now(world) + 1000000;
	weft_world_port_send(peer.port, "", 0);
	ck_assert_int_eq(weft_world_link(peer.port, adapter[0], NULL, NULL, 0), 0);
	weft_sim_eth_rx(weft_world_port_sim(adapter[0]), peer.last,
			60); /* comes back to the peer, which is polled then */
	weft_world_run(world, 3000000);
	ck_assert_uint_ge(peer.woken, now + 5001000000ull);
	ck_assert_uint_le(peer.woken, now + 5001010000ull);
}
END_TEST

START_TEST(timers_of_an_idle_adapter_fire_in_time)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t now, n;

	ck_assert_int_eq(bus[0]->ops->irq_set(bus[0], 5, fd), 0);
	now = bus[0]->ops->now(bus[0]);
	wr(bus[0], TIMER, 2000000);
	ck_assert_int_eq(bus[0]->ops->advance(bus[0], 1000000), 0);
	ck_assert_int_eq(read(fd, &n, 8), -1);
	ck_assert_int_eq(bus[0]->ops->advance(bus[0], 10000000), 1); /* stops at the interrupt */
	ck_assert_int_eq(read(fd, &n, 8), 8);
	ck_assert_uint_ge(bus[0]->ops->now(bus[0]), now + 2000000);
	ck_assert_uint_le(bus[0]->ops->now(bus[0]), now + 2001000);
	ck_assert_int_eq(bus[0]->ops->irq_set(bus[0], 5, -1), 0);
	ck_assert_int_eq(bus[0]->ops->irq_set(bus[0], 128, fd), -EINVAL);
	wr(bus[0], MSIX, 5);
	bus[0]->ops->advance(bus[0], 1000);
	ck_assert_int_eq(read(fd, &n, 8), -1);
	close(fd);
}
END_TEST

START_TEST(dma_goes_where_it_is_mapped)
{
	uint8_t *mem = aligned_alloc(4096, 0x10000);
	struct weft_dma_stats stats;
	uint64_t iova, ro;
	unsigned int i;

	for (i = 0; i < 0x10000; i++)
		mem[i] = (uint8_t)(i * 13);
	ck_assert_int_eq(bus[0]->ops->dma_map(bus[0], mem, 0x8000, WEFT_DMA_READ | WEFT_DMA_WRITE,
					      &iova),
			 0);
	ck_assert_int_eq(bus[0]->ops->dma_map(bus[0], mem + 0x8000, 0x8000, WEFT_DMA_READ, &ro), 0);
	ck_assert_uint_ne(iova, (uintptr_t)mem);
	ck_assert_uint_eq(copy(bus[0], iova + 3, iova + 0x4003, 5000), 0);
	ck_assert(!memcmp(mem + 3, mem + 0x4003, 5000));
	ck_assert_uint_eq(copy(bus[0], ro, iova, 64), 0);
	weft_sim_bus_stats(bus[0], &stats);
	ck_assert_uint_eq(stats.write_bytes, 5064);
	ck_assert_uint_eq(stats.refused, 0);
	ck_assert_uint_eq(copy(bus[0], iova, ro, 64), 4);
	ck_assert_uint_eq(copy(bus[0], iova + 0x7ff0, iova, 32), 2);
	ck_assert_uint_eq(copy(bus[1], iova, iova, 16), 2);
	weft_sim_bus_stats(bus[0], &stats);
	ck_assert_uint_ge(stats.refused, 2);
	ck_assert_uint_eq(stats.first_bad, ro);
	ck_assert_uint_eq(weft_sim_bus_mappings(bus[0]), 2);
	ck_assert_int_eq(bus[0]->ops->dma_unmap(bus[0], iova, 0x4000), -EINVAL);
	ck_assert_int_eq(bus[0]->ops->dma_unmap(bus[0], iova, 0x8000), 0);
	ck_assert_uint_eq(copy(bus[0], iova, iova, 16), 2);
	ck_assert_int_eq(bus[0]->ops->dma_unmap(bus[0], ro, 0x8000), 0);
	ck_assert_uint_eq(weft_sim_bus_mappings(bus[0]), 0);
	ck_assert_int_eq(bus[0]->ops->dma_map(bus[0], mem + 1, 4096, 3, &iova), -EINVAL);
	ck_assert_int_eq(bus[0]->ops->dma_map(bus[0], mem, 100, 3, &iova), -EINVAL);
	ck_assert_int_eq(bus[0]->ops->dma_map(bus[0], mem, 4096, 4, &iova), -EINVAL);
	free(mem);
}
END_TEST

START_TEST(dma_to_what_is_not_lent_is_caught)
{
	uint8_t *mem = aligned_alloc(4096, 0x4000);
	struct weft_dma_stats stats;
	uint64_t iova;

	memset(mem, 1, 0x4000);
	ck_assert_int_eq(bus[0]->ops->dma_map(bus[0], mem, 0x4000, WEFT_DMA_READ | WEFT_DMA_WRITE,
					      &iova),
			 0);
	ck_assert_int_eq(weft_sim_bus_lend(bus[0], mem, 100, WEFT_DMA_READ), 0);
	ck_assert_int_eq(weft_sim_bus_lend(bus[0], mem + 0x1000, 0x800, WEFT_DMA_WRITE), 0);
	ck_assert_int_eq(weft_sim_bus_lend(bus[0], mem + 0x1800, 0x800, WEFT_DMA_WRITE), 0);
	ck_assert_int_eq(weft_sim_bus_lend(bus[0], mem + 0x4000, 1, WEFT_DMA_WRITE), -EINVAL);
	ck_assert_uint_eq(copy(bus[0], iova, iova + 0x1000, 100), 0);
	ck_assert_uint_eq(copy(bus[0], iova, iova + 0x1000, 128), 2);
	ck_assert_uint_eq(copy(bus[0], iova, iova + 0x17e0, 64), 0);
	ck_assert_uint_eq(copy(bus[0], iova, iova + 0x1fd0, 64), 4);
	ck_assert_uint_eq(copy(bus[0], iova + 0x1000, iova + 0x1000, 16), 2);
	weft_sim_bus_stats(bus[0], &stats);
	ck_assert_uint_eq(stats.not_lent, 3);
	ck_assert_int_eq(weft_sim_bus_return(bus[0], mem + 0x1000, 0x400), -ENOENT);
	ck_assert_int_eq(weft_sim_bus_return(bus[0], mem + 0x1000, 0x800), 0);
	ck_assert_uint_eq(copy(bus[0], iova, iova + 0x1000, 64), 4);
	free(mem);
}
END_TEST

START_TEST(a_bus_of_its_own)
{
	struct weft_sim_params wall = { .firmware = "", .wall_time = true };
	struct weft_bus *b;

	ck_assert_int_eq(weft_bus_open_sim(&no_firmware, &b), 0);
	wr(b, 0, 5);
	ck_assert_uint_eq(rd(b, 0), 5);
	ck_assert_int_eq(b->ops->reset(b), 0);
	ck_assert_uint_eq(rd(b, 0), 0);
	ck_assert_int_eq(b->ops->irq_count(b), 128);
	ck_assert_int_eq(b->ops->error_fd(b), -1);
	ck_assert_str_eq(b->ops->name, "inproc");
	b->ops->close(b);
	ck_assert_int_eq(weft_bus_open_sim(&wall, &b), -EINVAL);
	ck_assert_int_eq(weft_bus_open_port(peer.port, &b), -EINVAL);
	ck_assert_int_eq(weft_bus_open_port(adapter[0], &b), -EBUSY);
}
END_TEST

static uint64_t story(void)
{
	struct weft_link_params faults = { .loss = 0.1, .reorder = 0.2, .delay_ns = 700, .seed = 5 };
	static uint8_t frame[900];
	uint64_t sum;
	unsigned int i;

	setup();
	weft_world_link(peer.port, adapter[0], &faults, &faults, 0);
	for (i = 0; i < 100; i++) {
		weft_world_port_send(peer.port, frame, 60 + i * 8);
		weft_world_run(world, 300);
	}
	weft_world_run(world, 1000000);
	sum = peer.got * 1000003 + peer.last_ns +
	      weft_sim_cycles(weft_world_port_sim(adapter[0])) * 31;
	teardown();
	return sum;
}

START_TEST(the_same_story_twice)
{
	ck_assert_uint_eq(story(), story());
	setup(); /* for the fixture */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("world");
	TCase *links = tcase_create("links"), *worlds = tcase_create("worlds");
	SRunner *sr;
	int failed;

	tcase_add_test(links, specs_are_read);
	tcase_add_loop_test(links, bad_specs_are_named, 0, 11);
	tcase_add_test(links, a_clean_link_only_delays);
	tcase_add_loop_test(links, faults_come_as_often_as_asked_and_the_same_each_time, 0, 5);
	tcase_add_test(links, captures_are_pcapng);
	tcase_set_timeout(worlds, 30);
	tcase_add_checked_fixture(worlds, setup, teardown);
	tcase_add_test(worlds, a_frame_goes_round_in_wire_and_cable_time);
	tcase_add_test(worlds, adapters_reach_each_other);
	tcase_add_test(worlds, many_frames_at_once_wait_on_the_cable);
	tcase_add_test(worlds, bad_frames_are_marked);
	tcase_add_test(worlds, a_switch_learns_where_addresses_are);
	tcase_add_test(worlds, idle_programs_are_told);
	tcase_add_test(worlds, time_passes_even_when_nothing_happens);
	tcase_add_test(worlds, timers_of_an_idle_adapter_fire_in_time);
	tcase_add_test(worlds, dma_goes_where_it_is_mapped);
	tcase_add_test(worlds, dma_to_what_is_not_lent_is_caught);
	tcase_add_test(worlds, a_bus_of_its_own);
	tcase_add_test(worlds, the_same_story_twice);
	suite_add_tcase(s, links);
	suite_add_tcase(s, worlds);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
