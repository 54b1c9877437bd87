// SPDX-License-Identifier: BSD-2-Clause
/* The model of the FC-1 port, Fibre Channel cables and their captures: over the stand-in design, which loops all back. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weft_world.h"

enum { FC_FRAMES = 0x40, FC_RRDYS = 0x44, FC_LINK = 0x4c };

#define PRIM(code) ((const uint8_t[]){ 0xff, WEFT_FC_PRIM_##code, 0, 1 })
#define MAX_UNITS 400

/* What came out of a port. */
struct seen {
	struct weft_world_port *port;
	unsigned int frames, rrdys, prims, last_prim;
	uint8_t frame[MAX_UNITS][WEFT_FC_UNIT_MAX];
	size_t len[MAX_UNITS];
	uint64_t at_ns[MAX_UNITS];
};

static struct seen seen, peer;
static struct weft_sim *sim;

static void note(struct seen *s, const void *unit, size_t len, uint64_t at_ns)
{
	const uint8_t *b = unit;

	if (len != WEFT_FC_PRIM_LEN) {
		ck_assert_uint_lt(s->frames, MAX_UNITS);
		memcpy(s->frame[s->frames], unit, len);
		s->len[s->frames] = len;
		s->at_ns[s->frames++] = at_ns;
		return;
	}
	ck_assert_uint_eq(b[0], 0xff);
	if (b[1] == WEFT_FC_PRIM_R_RDY) {
		s->rrdys += (unsigned int)b[2] << 8 | b[3];
		return;
	}
	s->prims++;
	s->last_prim = b[1];
}

static void on_fc_tx(void *ctx, const void *unit, size_t len, uint64_t at_ns)
{
	note(ctx, unit, len, at_ns);
}

static int no_dma(void *ctx, uint64_t iova, void *buf, size_t len)
{
	(void)ctx;
	(void)iova;
	(void)buf;
	(void)len;
	return -EFAULT;
}

static int no_dma_write(void *ctx, uint64_t iova, const void *buf, size_t len)
{
	(void)buf;
	return no_dma(ctx, iova, NULL, len);
}

static void no_irq(void *ctx, unsigned int vector)
{
	(void)ctx;
	(void)vector;
}

static void no_frame(void *ctx, const void *frame, size_t len, uint64_t at_ns)
{
	(void)ctx;
	(void)frame;
	(void)len;
	(void)at_ns;
	ck_abort();
}

static void open_sim(uint32_t seed, uint32_t mbit)
{
	static const struct weft_sim_ops ops = { no_dma, no_dma_write, no_irq, no_frame, on_fc_tx };
	struct weft_sim_params params = { .firmware = "",
					  .backpressure_seed = seed,
					  .fc_mbit_per_s = mbit };

	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(weft_sim_create(&params, &ops, &seen, &sim), 0);
}

static uint32_t rd(uint64_t off)
{
	uint64_t val;

	ck_assert_int_eq(weft_sim_bar_read(sim, off, 4, &val), 0);
	return (uint32_t)val;
}

static void run_until_idle(void)
{
	unsigned int i;

	for (i = 0; i < 1000 && !weft_sim_idle(sim); i++)
		weft_sim_step(sim, 1000);
	ck_assert(weft_sim_idle(sim));
}

static void make_frame(uint8_t *frame, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		frame[i] = (uint8_t)rand();
	frame[0] = 0x2e;
	frame[len - 4] = 0x42;
}

static int push_prim(uint8_t code, unsigned int count)
{
	uint8_t unit[WEFT_FC_PRIM_LEN] = { 0xff, code, (uint8_t)(count >> 8), (uint8_t)count };

	return weft_sim_fc_rx(sim, unit, sizeof(unit));
}

/* --- the model -------------------------------------------------------------------------------- */

START_TEST(frames_come_back_whole)
{
	static uint8_t frames[200][WEFT_FC_UNIT_MAX];
	size_t len[200];
	unsigned int i;

	open_sim((uint32_t)_i, 0);
	srand((unsigned int)_i + 1);
	for (i = 0; i < 200; i++) {
		len[i] = 36 + (size_t)rand() % (i % 3 ? 20 : 529) * 4;
		make_frame(frames[i], len[i]);
		ck_assert_int_eq(i % 7 ? weft_sim_fc_rx(sim, frames[i], len[i]) :
					 weft_sim_fc_rx_bad(sim, frames[i], len[i]),
				 0);
		if (i % 20 == 19)
			run_until_idle();
	}
	ck_assert_uint_eq(rd(FC_FRAMES), 200 | 29 << 16);
	ck_assert_uint_eq(seen.frames, 200);
	for (i = 0; i < 200; i++) {
		ck_assert_uint_eq(seen.len[i], len[i]);
		ck_assert(!memcmp(seen.frame[i], frames[i], len[i]));
	}
	weft_sim_destroy(sim);
}
END_TEST

START_TEST(each_r_rdy_counts)
{
	uint8_t frame[400];

	open_sim((uint32_t)_i, 0);
	make_frame(frame, sizeof(frame));
	ck_assert_int_eq(push_prim(WEFT_FC_PRIM_R_RDY, 3), 0);
	ck_assert_int_eq(weft_sim_fc_rx(sim, frame, sizeof(frame)), 0);
	ck_assert_int_eq(push_prim(WEFT_FC_PRIM_R_RDY, 300), 0);
	ck_assert_int_eq(push_prim(WEFT_FC_PRIM_R_RDY, 0), 0);
	run_until_idle();
	ck_assert_uint_eq(rd(FC_RRDYS), 303);
	ck_assert_uint_eq(seen.rrdys, 303);
	ck_assert_uint_eq(seen.frames, 1);
	ck_assert_uint_eq(rd(FC_LINK) & 0x71, 1); /* both are light, and idle */
	weft_sim_destroy(sim);
}
END_TEST

START_TEST(light_and_primitives_are_levels)
{
	static const uint8_t codes[] = { WEFT_FC_PRIM_IDLE, WEFT_FC_PRIM_NOS, WEFT_FC_PRIM_OLS,
					 WEFT_FC_PRIM_LR, WEFT_FC_PRIM_LRR };
	uint8_t frame[36];
	unsigned int i;

	open_sim((uint32_t)_i, 0);
	run_until_idle();
	ck_assert_uint_eq(rd(FC_LINK), 0);
	for (i = 0; i < sizeof(codes); i++) {
		ck_assert_int_eq(push_prim(codes[i], 1), 0);
		run_until_idle();
		ck_assert_uint_eq(rd(FC_LINK) & 0xffff, 1u | (unsigned int)codes[i] << 4);
	}
	ck_assert_uint_eq(rd(FC_LINK) >> 16, 5);
	push_prim(WEFT_FC_PRIM_LRR, 1); /* the same again is no change */
	run_until_idle();
	ck_assert_uint_eq(rd(FC_LINK) >> 16, 5);
	ck_assert_int_eq(push_prim(WEFT_FC_PRIM_LOS, 1), 0);
	run_until_idle();
	ck_assert_uint_eq(rd(FC_LINK), 6 << 16);
	make_frame(frame, sizeof(frame));
	ck_assert_int_eq(weft_sim_fc_rx(sim, frame, sizeof(frame)), 0);
	run_until_idle();
	ck_assert_uint_eq(rd(FC_LINK), 1 | 7 << 16);
	weft_sim_destroy(sim);
}
END_TEST

START_TEST(a_primitive_is_sent_once)
{
	open_sim((uint32_t)_i, 0);
	run_until_idle();
	ck_assert_uint_eq(seen.prims, 1);
	ck_assert_uint_eq(seen.last_prim, WEFT_FC_PRIM_IDLE);
	ck_assert_int_eq(weft_sim_bar_write(sim, FC_LINK, 4, WEFT_FC_PRIM_OLS), 0);
	run_until_idle();
	ck_assert_int_eq(weft_sim_bar_write(sim, FC_LINK, 4, WEFT_FC_PRIM_OLS), 0);
	run_until_idle();
	ck_assert_uint_eq(seen.prims, 2);
	ck_assert_uint_eq(seen.last_prim, WEFT_FC_PRIM_OLS);
	weft_sim_destroy(sim);
}
END_TEST

START_TEST(what_is_no_unit_is_refused)
{
	static uint8_t bytes[WEFT_FC_UNIT_MAX + 4];
	unsigned int i;

	open_sim(0, 0);
	ck_assert_int_eq(weft_sim_fc_rx(sim, bytes, sizeof(bytes)), -EMSGSIZE);
	ck_assert_int_eq(weft_sim_fc_rx(sim, bytes, 32), -EINVAL);
	ck_assert_int_eq(weft_sim_fc_rx(sim, bytes, 38), -EINVAL);
	ck_assert_int_eq(weft_sim_fc_rx(sim, bytes, 0), -EINVAL);
	ck_assert_int_eq(weft_sim_fc_rx(sim, bytes, 4), -EINVAL);
	ck_assert_int_eq(push_prim(7, 1), -EINVAL);
	for (i = 0; i < 256; i++)
		ck_assert_int_eq(weft_sim_fc_rx(sim, bytes, 36), 0);
	ck_assert_int_eq(weft_sim_fc_rx(sim, bytes, 36), -EAGAIN);
	ck_assert_int_eq(push_prim(WEFT_FC_PRIM_R_RDY, 1), -EAGAIN);
	run_until_idle();
	ck_assert_int_eq(weft_sim_fc_rx(sim, bytes, WEFT_FC_UNIT_MAX), 0);
	run_until_idle();
	ck_assert_uint_eq(seen.frames, 257);
	weft_sim_destroy(sim);
}
END_TEST

static double gap_ns(uint32_t mbit)
{
	static uint8_t frame[WEFT_FC_UNIT_MAX];
	double gap;
	unsigned int i;

	open_sim(0, mbit);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(weft_sim_fc_rx(sim, frame, sizeof(frame)), 0);
	run_until_idle();
	ck_assert_uint_eq(seen.frames, 100);
	gap = (double)(seen.at_ns[99] - seen.at_ns[9]) / 90;
	weft_sim_destroy(sim);
	return gap;
}

/* A frame and six idle words, in and out. */
START_TEST(the_wire_runs_at_line_rate)
{
	ck_assert_double_le(gap_ns(0), 2172 * 8 / 27.2 + 1);
	ck_assert_double_ge(gap_ns(0), 2172 * 8 / 27.2 - 1);
	ck_assert_double_le(gap_ns(6800), 2172 * 8 / 6.8 + 3);
	ck_assert_double_ge(gap_ns(6800), 2172 * 8 / 6.8 - 3);
}
END_TEST

START_TEST(a_frame_that_loses_its_light_is_bad)
{
	static uint8_t frame[WEFT_FC_UNIT_MAX];

	open_sim((uint32_t)_i, 0);
	ck_assert_int_eq(weft_sim_fc_rx(sim, frame, sizeof(frame)), 0);
	ck_assert_int_eq(weft_sim_fc_rx(sim, frame, sizeof(frame)), 0);
	weft_sim_step(sim, 60);
	ck_assert_int_eq(push_prim(WEFT_FC_PRIM_LOS, 1), 0);
	run_until_idle();
	ck_assert_uint_eq(rd(FC_FRAMES), 1 | 1 << 16);
	ck_assert_uint_eq(rd(FC_LINK) & 1, 0);
	ck_assert_uint_eq(seen.frames, 1);
	ck_assert_uint_lt(seen.len[0], sizeof(frame) - 200);
	weft_sim_destroy(sim);
}
END_TEST

START_TEST(reset_turns_the_light_off_and_on)
{
	static uint8_t frame[WEFT_FC_UNIT_MAX];

	open_sim(0, 0);
	push_prim(WEFT_FC_PRIM_LR, 1);
	run_until_idle();
	weft_sim_fc_rx(sim, frame, sizeof(frame));
	push_prim(WEFT_FC_PRIM_LRR, 1);
	weft_sim_reset(sim);
	ck_assert_uint_eq(seen.prims, 2);
	ck_assert_uint_eq(seen.last_prim, WEFT_FC_PRIM_LOS);
	run_until_idle();
	ck_assert_uint_eq(seen.prims, 3);
	ck_assert_uint_eq(seen.last_prim, WEFT_FC_PRIM_IDLE);
	ck_assert_uint_eq(seen.frames, 0);
	/* the other side's light has stayed, the last primitive counts */
	ck_assert_uint_eq(rd(FC_LINK) & 0xffff, 1 | WEFT_FC_PRIM_LRR << 4);
	weft_sim_destroy(sim);
}
END_TEST

/* --- cables ----------------------------------------------------------------------------------- */

static struct weft_world *world;
static struct weft_world_port *adapter[2], *fc[2];

static void peer_rx(void *ctx, const void *unit, size_t len, uint64_t now)
{
	note(ctx, unit, len, now);
}

static uint64_t peer_poll(void *ctx, uint64_t now)
{
	(void)ctx;
	(void)now;
	return UINT64_MAX;
}

static const struct weft_peer_ops peer_ops = { peer_rx, peer_poll };

static void setup(void)
{
	static const struct weft_sim_params params = { .firmware = "" };
	unsigned int i;

	memset(&peer, 0, sizeof(peer));
	peer.last_prim = ~0u;
	ck_assert_int_eq(weft_world_create(&world), 0);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(weft_world_add_adapter(world, &params, &adapter[i]), 0);
		fc[i] = weft_world_fc_port(adapter[i]);
	}
	ck_assert_int_eq(weft_world_add_fc_peer(world, &peer_ops, &peer, &peer.port), 0);
	sim = weft_world_port_sim(fc[0]);
	ck_assert_ptr_eq(sim, weft_world_port_sim(adapter[0]));
}

static void teardown(void)
{
	weft_world_destroy(world);
}

/* Until the cable and the adapter are quiet. */
static void settle(void)
{
	while (weft_world_run(world, 20000))
		;
}

START_TEST(a_unit_goes_round_in_wire_and_cable_time)
{
	struct weft_link_params cable = { .delay_ns = 5000 };
	uint8_t frame[1024];

	make_frame(frame, sizeof(frame));
	ck_assert_int_eq(weft_world_port_send(peer.port, frame, sizeof(frame)), -ENOTCONN);
	ck_assert_int_eq(weft_world_link(peer.port, adapter[0], NULL, NULL, 0), -EINVAL);
	ck_assert_int_eq(weft_world_link(fc[0], adapter[1], NULL, NULL, 0), -EINVAL);
	ck_assert_int_eq(weft_world_link(peer.port, fc[0], &cable, &cable, 0), 0);
	ck_assert_int_eq(weft_world_link(peer.port, fc[1], NULL, NULL, 0), -EBUSY);
	ck_assert_int_eq(weft_world_port_send(peer.port, frame, 38), -EINVAL);
	ck_assert_int_eq(weft_world_port_send(peer.port, frame, 4), -EINVAL);
	ck_assert_int_eq(weft_world_port_send(peer.port, frame, WEFT_FC_UNIT_MAX + 4), -EMSGSIZE);
	ck_assert_int_eq(weft_world_port_send(peer.port, frame, sizeof(frame)), 0);
	settle();
	ck_assert_uint_eq(peer.frames, 1);
	ck_assert_uint_eq(peer.len[0], sizeof(frame));
	ck_assert(!memcmp(peer.frame[0], frame, sizeof(frame)));
	/* two cables, two times 1,024 bytes at 3.4 GB/s, a few cycles in the design */
	ck_assert_uint_ge(peer.at_ns[0], 10000 + 2 * 301);
	ck_assert_uint_le(peer.at_ns[0], 10000 + 2 * 301 + 300);
	ck_assert_uint_eq(weft_world_port_counters(peer.port)->frames, 1);
	ck_assert_uint_eq(weft_world_port_counters(fc[0])->frames, 1);
	ck_assert_uint_eq(weft_world_port_counters(adapter[0])->frames, 0);
}
END_TEST

START_TEST(both_ports_see_light_when_they_are_joined)
{
	ck_assert_uint_eq(rd(FC_LINK) & 1, 0);
	ck_assert_int_eq(weft_world_link(peer.port, fc[0], NULL, NULL, 0), 0);
	settle();
	ck_assert_uint_eq(rd(FC_LINK) & 0x71, 1);
	ck_assert_uint_eq(peer.last_prim, WEFT_FC_PRIM_IDLE);
	weft_world_port_send(peer.port, PRIM(OLS), 4);
	weft_sim_bar_write(sim, FC_LINK, 4, WEFT_FC_PRIM_LR);
	settle();
	ck_assert_uint_eq(rd(FC_LINK) & 0x71, 1 | WEFT_FC_PRIM_OLS << 4);
	ck_assert_uint_eq(peer.last_prim, WEFT_FC_PRIM_LR);
}
END_TEST

START_TEST(adapters_reach_each_other)
{
	uint8_t frame[64];

	make_frame(frame, sizeof(frame));
	ck_assert_int_eq(weft_world_link(fc[0], fc[1], NULL, NULL, 0), 0);
	ck_assert_int_eq(weft_sim_fc_rx(sim, frame, sizeof(frame)), 0);
	push_prim(WEFT_FC_PRIM_R_RDY, 2);
	weft_world_run(world, 20000);
	/* both loop all back: it goes to and fro for ever */
	ck_assert_uint_ge(rd(FC_FRAMES), 5);
	ck_assert_uint_ge(rd(FC_RRDYS), 10);
	ck_assert_uint_eq(rd(FC_LINK) & 0x71, 1);
	sim = weft_world_port_sim(fc[1]);
	ck_assert_uint_ge(rd(FC_FRAMES), 5);
	ck_assert_uint_lt(rd(FC_FRAMES), 400);
	ck_assert_uint_eq(rd(FC_LINK) & 0x71, 1);
}
END_TEST

START_TEST(a_pulled_cable_is_dark_on_both_sides)
{
	struct weft_link_params cable = { .delay_ns = 5000 };
	uint8_t frame[64];

	make_frame(frame, sizeof(frame));
	ck_assert_int_eq(weft_world_link_pull(peer.port, true), -ENOTCONN);
	ck_assert_int_eq(weft_world_link_pull(adapter[0], true), -EINVAL);
	ck_assert_int_eq(weft_world_link(peer.port, fc[0], &cable, &cable, 0), 0);
	weft_world_port_send(peer.port, PRIM(LR), 4);
	settle();
	weft_world_port_send(peer.port, frame, sizeof(frame));
	ck_assert_int_eq(weft_world_link_pull(_i ? fc[0] : peer.port, true), 0);
	ck_assert_int_eq(weft_world_link_pull(fc[0], true), 0);
	ck_assert_int_eq(weft_world_port_send(peer.port, frame, sizeof(frame)), 0);
	ck_assert_int_eq(weft_world_port_send(peer.port, PRIM(LRR), 4), 0);
	settle();
	ck_assert_uint_eq(rd(FC_LINK) & 1, 0);
	ck_assert_uint_eq(rd(FC_FRAMES), 0);
	ck_assert_uint_eq(peer.last_prim, WEFT_FC_PRIM_LOS);
	weft_sim_bar_write(sim, FC_LINK, 4, WEFT_FC_PRIM_NOS);
	ck_assert_int_eq(weft_world_link_pull(_i ? peer.port : fc[0], false), 0);
	settle();
	ck_assert_uint_eq(rd(FC_LINK) & 0x71, 1 | WEFT_FC_PRIM_LRR << 4);
	ck_assert_uint_eq(peer.last_prim, WEFT_FC_PRIM_NOS);
	weft_world_port_send(peer.port, frame, sizeof(frame));
	settle();
	ck_assert_uint_eq(peer.frames, 1);
}
END_TEST

START_TEST(faults_are_of_frames_and_give_their_credit_back)
{
	struct weft_link_params all = { .loss = 1 };
	uint8_t frame[64];
	unsigned int i;

	make_frame(frame, sizeof(frame));
	ck_assert_int_eq(weft_world_link(peer.port, fc[0], &all, NULL, 0), 0);
	for (i = 0; i < 10; i++) {
		weft_world_port_send(peer.port, frame, sizeof(frame));
		weft_world_port_send(peer.port, PRIM(LR), 4);
		weft_world_port_send(peer.port, PRIM(IDLE), 4);
	}
	settle();
	ck_assert_uint_eq(rd(FC_FRAMES), 0);
	ck_assert_uint_eq(rd(FC_LINK) >> 16, 21);
	ck_assert_uint_eq(peer.rrdys, 10);
	ck_assert_uint_eq(weft_world_port_counters(peer.port)->lost, 10);
	all = (struct weft_link_params){ .badfcs = 1 };
	weft_world_port_set_faults(peer.port, &all);
	weft_world_port_send(peer.port, frame, sizeof(frame));
	settle();
	ck_assert_uint_eq(rd(FC_FRAMES), 1 | 1 << 16);
	ck_assert_uint_eq(peer.frames, 1);
	all = (struct weft_link_params){ .corrupt = 1, .dup = 1 };
	weft_world_port_set_faults(peer.port, &all);
	weft_world_port_send(peer.port, frame, sizeof(frame));
	settle();
	ck_assert_uint_eq(peer.frames, 3);
	ck_assert(memcmp(peer.frame[1], frame, sizeof(frame)));
	ck_assert(memcmp(peer.frame[2], frame, sizeof(frame)));
	ck_assert_uint_eq(peer.rrdys, 10);
}
END_TEST

START_TEST(captures_have_frames_with_delimiters)
{
	char path[] = "/tmp/weft-fc-pcapng-XXXXXX";
	uint8_t frame[64];
	uint32_t w[200] = { 0 }, at;
	size_t n;
	FILE *f;

	close(mkstemp(path));
	make_frame(frame, sizeof(frame));
	ck_assert_int_eq(weft_world_port_capture(peer.port, path), 0);
	ck_assert_int_eq(weft_world_link(peer.port, fc[0], NULL, NULL, 0), 0);
	weft_world_port_send(peer.port, PRIM(R_RDY), 4);
	weft_world_port_send(peer.port, frame, sizeof(frame));
	settle();
	teardown();
	f = fopen(path, "rb");
	n = fread(w, 1, sizeof(w), f);
	fclose(f);
	unlink(path);
	ck_assert_uint_eq(w[9], 225);
	at = 7 + w[8] / 4;
	ck_assert_uint_eq(w[at + 5], 64);
	ck_assert(!memcmp(&w[at + 7], "\xbc\xb5\x56\x56", 4));
	ck_assert(!memcmp((uint8_t *)&w[at + 7] + 4, frame + 4, 56));
	ck_assert(!memcmp((uint8_t *)&w[at + 7] + 60, "\xbc\x95\x75\x75", 4));
	ck_assert_uint_eq(w[at + 24], 2); /* outbound */
	at += w[at + 1] / 4;
	ck_assert_uint_eq(w[at + 24], 1);
	ck_assert_uint_eq(at * 4 + w[at + 1], n); /* no primitives */
	setup();
}
END_TEST

static uint64_t story(void)
{
	struct weft_link_params faults = {
		.loss = 0.1, .dup = 0.1, .reorder = 0.2, .corrupt = 0.1, .delay_ns = 700, .seed = 5
	};
	uint8_t frame[900];
	uint64_t sum;
	unsigned int i;

	setup();
	srand(1);
	make_frame(frame, sizeof(frame));
	weft_world_link(peer.port, fc[0], &faults, &faults, 0);
	for (i = 0; i < 100; i++) {
		weft_world_port_send(peer.port, frame, 60 + i * 8);
		weft_world_port_send(peer.port, PRIM(R_RDY), 4);
		weft_world_run(world, 300);
	}
	settle();
	sum = peer.frames * 1000003 + peer.at_ns[peer.frames - 1] + peer.rrdys * 7 +
	      weft_sim_cycles(sim) * 31;
	ck_assert_uint_ge(peer.rrdys, 100);
	teardown();
	return sum;
}

START_TEST(the_same_story_twice)
{
	teardown();
	ck_assert_uint_eq(story(), story());
	setup();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fc");
	TCase *models = tcase_create("model"), *cables = tcase_create("cables");
	SRunner *sr;
	int failed;

	tcase_set_timeout(models, 30);
	tcase_add_loop_test(models, frames_come_back_whole, 0, 4);
	tcase_add_loop_test(models, each_r_rdy_counts, 0, 3);
	tcase_add_loop_test(models, light_and_primitives_are_levels, 0, 3);
	tcase_add_loop_test(models, a_primitive_is_sent_once, 0, 2);
	tcase_add_test(models, what_is_no_unit_is_refused);
	tcase_add_test(models, the_wire_runs_at_line_rate);
	tcase_add_loop_test(models, a_frame_that_loses_its_light_is_bad, 0, 3);
	tcase_add_test(models, reset_turns_the_light_off_and_on);
	tcase_set_timeout(cables, 30);
	tcase_add_checked_fixture(cables, setup, teardown);
	tcase_add_test(cables, a_unit_goes_round_in_wire_and_cable_time);
	tcase_add_test(cables, both_ports_see_light_when_they_are_joined);
	tcase_add_test(cables, adapters_reach_each_other);
	tcase_add_loop_test(cables, a_pulled_cable_is_dark_on_both_sides, 0, 2);
	tcase_add_test(cables, faults_are_of_frames_and_give_their_credit_back);
	tcase_add_test(cables, captures_have_frames_with_delimiters);
	tcase_add_test(cables, the_same_story_twice);
	suite_add_tcase(s, models);
	suite_add_tcase(s, cables);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
