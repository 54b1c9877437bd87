// SPDX-License-Identifier: BSD-2-Clause
/*
 * Scripted hosts that misbehave towards an adapter in the controller role, beside a good host on an
 * adapter of its own. The victim is the bad connection alone: the good host's data stays right, and
 * at the end everything that was taken is free again.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <weft/qp.h>

#include "pair_fixture.h"
#include "raw.h"
#include "some.h"

#define IC_TIMEOUT_MS 50
#define CONNECT_TIMEOUT_MS 100

static struct raw raw;
static struct host admin, io;
static uint16_t next_port;

static void le(uint8_t *p, uint64_t v, unsigned int n)
{
	for (; n--; v >>= 8)
		*p++ = (uint8_t)v;
}

static void open_hostile(uint8_t digests)
{
	struct pair_params params = { .cosim = { .spare = 1, .advance_ns = 10000 },
				      .digests = digests,
				      .kato_ms = 1,
				      .listen = { .ic_timeout_ms = IC_TIMEOUT_MS, .qsize = 32 },
				      .io_qsize = 16,
				      .target.connect_timeout_ms = CONNECT_TIMEOUT_MS };

	open_pair(&params);
	ck_assert_int_eq(raw_open(&raw, &pair.cosim), 0);
	raw_host(&raw, &admin, PAIR_NQN);
	raw_host(&raw, &io, PAIR_NQN);
	next_port = 20000;
}

static void good_host_works(uint32_t seed)
{
	round_trip(&pair.side[0], seed % 64, 16384, seed);
}

/* --- what is free ----------------------------------------------------------------------------- */

static void on_complete(void *arg, const struct weft_completion *c)
{
	(void)arg;
	(void)c;
}

/* Queue pairs of 64 entries that can be made: they take all slots. */
static unsigned int count_pairs(struct weft_dev *dev)
{
	const struct weft_qp_params params = { .complete_cb = on_complete, .sq_log2 = 6 };
	struct weft_qp *qp[128];
	unsigned int n = 0, i;

	while (n < 128 && !weft_qp_create(dev, &params, &qp[n]))
		n++;
	for (i = 0; i < n; i++)
		ck_assert_int_eq(weft_qp_delete(qp[i]), 0);
	return n;
}

/* Everything ends; the controller's adapter has as much as the other, which never was attacked. */
static void close_hostile(void)
{
	unsigned int n;

	good_host_works(99);
	pair_disconnect(&pair, 0);
	target_is_empty(5 * SECOND);
	n = count_pairs(pair.side[0].dev);
	pair.params.io_queues = 8;
	connect_host(0);
	crowd(&pair.side[0], 64, 4096, 0);
	pair_disconnect(&pair, 0);
	target_is_empty(SECOND);
	ck_assert_int_eq(pair_end_target(&pair, 1000), 0);
	ck_assert_uint_ge(n, 30);
	ck_assert_uint_eq(count_pairs(pair.side[PAIR_TARGET].dev), n);
	close_pair();
}

/* --- a host's first steps --------------------------------------------------------------------- */

static bool join(struct host *h)
{
	return host_connect(h, next_port++, PAIR_PORT);
}

static uint16_t simple(struct host *h, const uint8_t *sqe, uint32_t *dw0)
{
	uint16_t cid, status;

	host_capsule(h, sqe, NULL, 0);
	return host_response(h, &cid, &status, dw0) ? status : 0xffff;
}

/* CC.EN; 0: done. */
static uint16_t enable(struct host *h)
{
	uint8_t sqe[64];
	uint32_t dw0;

	host_sqe(sqe, 0x7f, 1, 0, 0x5a, 0);
	le(sqe + 44, 0x14, 4);
	le(sqe + 48, 0x00460001, 8);
	return simple(h, sqe, &dw0);
}

static void get_admin(uint8_t digests, uint16_t *cntlid)
{
	ck_assert_msg(join(&admin), "no SYN|ACK");
	ck_assert_msg(host_ic(&admin, digests, 1), "no ICResp");
	ck_assert_uint_eq(host_fabric_connect(&admin, 0, 16, cntlid, 0), 0);
	ck_assert_uint_eq(enable(&admin), 0);
}

/* An admin queue on admin, an I/O queue on io. */
static void get_queues(uint8_t digests)
{
	uint16_t cntlid;

	get_admin(digests, &cntlid);
	ck_assert(join(&io));
	ck_assert(host_ic(&io, digests, 4));
	ck_assert_uint_eq(host_fabric_connect(&io, 1, 16, &cntlid, 0), 0);
}

static void hang_up(struct host *h)
{
	host_segment(h, h->seq, 4, NULL, 0);
}

/* Read or write of a scripted host. */
static void rw_sqe(uint8_t *sqe, uint8_t opcode, uint16_t cid, uint8_t kind, uint32_t len)
{
	host_sqe(sqe, opcode, cid, 1, kind, len);
	le(sqe + 40, 4096, 8);
	le(sqe + 48, len / 512 - 1, 4);
}

/* The scripted host itself, as it should be: writes in the capsule and asked for, and reads. */
static void scripted_io(void)
{
	static uint8_t data[32768], back[1 << 17];
	uint8_t sqe[64], head[128], h2c[24] = { 6, 4, 24 };
	uint16_t cid, status;
	uint32_t dw0, got = 0;
	size_t len;

	fill(data, sizeof(data), 5);
	rw_sqe(sqe, 1, 0x7777, 0x01, 4096);
	host_capsule(&io, sqe, data, 4096);
	ck_assert(host_response(&io, &cid, &status, &dw0));
	ck_assert_uint_eq(cid, 0x7777);
	ck_assert_uint_eq(status, 0);
	rw_sqe(sqe, 1, 0xfffe, 0x5a, sizeof(data));
	host_capsule(&io, sqe, NULL, 0);
	ck_assert(host_next(&io, head, back, &len));
	ck_assert_uint_eq(head[0], 9);
	ck_assert(head[8] == 0xfe && head[9] == 0xff);
	memcpy(h2c + 8, head + 8, 12);
	host_pdu(&io, h2c, data, sizeof(data));
	ck_assert(host_response(&io, &cid, &status, &dw0));
	ck_assert_uint_eq(status, 0);
	ck_assert(!memcmp(pair.store.ram + 4096 * 512, data, sizeof(data)));
	rw_sqe(sqe, 2, 3, 0x5a, sizeof(data));
	host_capsule(&io, sqe, NULL, 0);
	while (got < sizeof(data)) {
		ck_assert(host_next(&io, head, back + got, &len));
		ck_assert_uint_eq(head[0], 7);
		got += (uint32_t)len;
	}
	ck_assert(!memcmp(back, data, sizeof(data)));
	ck_assert(host_response(&io, &cid, &status, &dw0));
	ck_assert(cid == 3 && status == 0);
}

START_TEST(a_scripted_host_that_behaves)
{
	open_hostile(3);
	get_queues((uint8_t)_i);
	scripted_io();
	good_host_works(1);
	hang_up(&io);
	hang_up(&admin);
	close_hostile();
}
END_TEST

/* --- floods ----------------------------------------------------------------------------------- */

/* From everywhere, so that each answer would need an ARP request; and from a few addresses. */
START_TEST(a_flood_of_syns)
{
	unsigned int i;

	open_hostile(3);
	for (i = 0; i < 600; i++) {
		raw_segment(&raw, RAW_IP + 100 + (_i ? i % 4 : i), (uint16_t)(1024 + i), PAIR_PORT,
			    i * 77777, 0, 2, NULL, 0);
		pair_run(&pair,
			 8000); /* as fast as firmware takes them; more would be dropped unseen */
		if (i == 300) { /* amid it all */
			get_queues(3);
			scripted_io();
			good_host_works(2);
		}
	}
	pair_run(&pair, 10 * MS);
	if (_i)
		ck_assert_uint_ge(raw.syn_acks, 500); /* cookies, where the queue was full */
	good_host_works(3);
	scripted_io();
	hang_up(&io);
	hang_up(&admin);
	close_hostile();
}
END_TEST

/* Connections that are made and then say nothing: more than there are pairs. */
START_TEST(idle_connections_by_the_hundred)
{
	unsigned int i;
	uint16_t cntlid;

	open_hostile(0);
	for (i = 0; i < 200; i++) {
		host_init(&admin, NULL);
		raw.n = 0; /* forgets the one before, which stays open at the adapter */
		raw_host(&raw, &admin, PAIR_NQN);
		admin.ip += 2;
		join(&admin);
		if (_i && admin.syn_ack) { /* half of an ICReq */
			static const uint8_t req[128] = { 0, 0, 128, 0, 128 };

			host_send(&admin, req, 64);
		}
		if (i % 50 == 49)
			good_host_works(i);
	}
	raw_host(&raw, &io, PAIR_NQN);
	pair_run(&pair, 2 * IC_TIMEOUT_MS * MS);
	good_host_works(4);
	get_admin(0, &cntlid);
	hang_up(&admin);
	close_hostile();
}
END_TEST

/* ICReq, and then no Connect. */
START_TEST(connections_that_never_say_connect)
{
	struct nvme_target_stats st;
	uint16_t cntlid;
	unsigned int i;

	open_hostile(0);
	for (i = 0; i < 40; i++) {
		raw.n = 0;
		raw_host(&raw, &admin, PAIR_NQN);
		admin.ip += 2;
		ck_assert_msg(join(&admin) && host_ic(&admin, 0, 1), "connection %u", i);
	}
	raw_host(&raw, &io, PAIR_NQN);
	good_host_works(5);
	pair_run(&pair, 3 * CONNECT_TIMEOUT_MS * MS);
	nvme_target_stats(pair.target, &st);
	ck_assert_uint_eq(st.connections, 2);
	get_admin(0, &cntlid);
	hang_up(&admin);
	close_hostile();
}
END_TEST

/* --- resets ----------------------------------------------------------------------------------- */

enum step {
	AT_SYN,
	AT_HANDSHAKE,
	AT_HALF_ICREQ,
	AT_ICREQ,
	AT_ICRESP,
	AT_HALF_CONNECT,
	AT_CONNECT,
	AT_CONNECTED,
	AT_READ,
	AT_R2T,
	AT_HALF_H2CDATA,
	AT_H2CDATA,
	STEPS
};

/* Goes as far as step says. */
static void go(enum step step)
{
	static const uint8_t icreq[128] = { 0, 0, 128, 0, 128 };
	static uint8_t data[65536], head[128];
	uint8_t sqe[64], h2c[24] = { 6, 4, 24 };
	size_t len;

	if (step == AT_SYN) {
		io.port = next_port++;
		io.remote = PAIR_PORT;
		io.seq = 1000;
		host_segment(&io, io.seq++, 2, NULL, 0);
		return;
	}
	if (step < AT_CONNECTED)
		ck_assert(join(&io));
	if (step == AT_HALF_ICREQ || step == AT_ICREQ)
		host_send(&io, icreq, step == AT_ICREQ ? 128 : 50);
	if (step >= AT_ICRESP && step < AT_CONNECTED)
		ck_assert(host_ic(&io, 0, 1));
	if (step == AT_HALF_CONNECT || step == AT_CONNECT) {
		host_sqe(sqe, 0x7f, 0, 1, 0x01, 1024);
		memset(head, 0, sizeof(head));
		memcpy(head, (uint8_t[]){ 4, 0, 72, 72, 0x48, 4 }, 6);
		memcpy(head + 8, sqe, 64);
		host_send(&io, head, 72);
		host_send(&io, data, step == AT_CONNECT ? 1024 : 200);
	}
	if (step < AT_CONNECTED)
		return;
	get_queues(0);
	if (step == AT_CONNECTED)
		return;
	rw_sqe(sqe, step == AT_READ ? 2 : 1, 9, 0x5a, sizeof(data));
	host_capsule(&io, sqe, NULL, 0);
	if (step == AT_READ)
		return;
	ck_assert(host_next(&io, head, data, &len));
	ck_assert_uint_eq(head[0], 9);
	if (step == AT_R2T)
		return;
	memcpy(h2c + 8, head + 8, 12);
	le(h2c + 4, 24 + sizeof(data), 4);
	h2c[3] = 24;
	host_send(&io, h2c, 24);
	host_send(&io, data, step == AT_H2CDATA ? sizeof(data) : 3000);
}

/* A reset, or silence for good, at each step; several times over. */
START_TEST(resets_at_each_step)
{
	unsigned int round;

	open_hostile(3);
	for (round = 0; round < 2; round++) {
		go((enum step)_i);
		if (round == 1)
			pair_run(&pair, 50000);
		hang_up(&io);
		if (_i >= AT_CONNECTED)
			hang_up(&admin);
		pair_run(&pair, 500000);
		good_host_works(round + 1);
	}
	close_hostile();
}
END_TEST

/* --- bad PDUs --------------------------------------------------------------------------------- */

enum bad {
	BAD_TYPE,
	BAD_DIRECTION,
	BAD_HLEN,
	BAD_PLEN_SHORT,
	BAD_PLEN_HUGE,
	BAD_PDO,
	BAD_CAPSULE_PDO,
	BAD_ICD_TOO_LONG,
	BAD_SECOND_ICREQ,
	BAD_HDGST,
	BAD_H2CDATA_UNASKED,
	BAD_TTAG,
	BAD_CCCID,
	BAD_OFFSET,
	BAD_TOO_MUCH,
	BAD_NO_LAST,
	BAD_LAST_EARLY,
	BAD_TWICE,
	BAD_TERM,
	BAD_GARBAGE,
	BADS
};

static const char *const bad_names[BADS] = {
	"type",    "direction",     "HLEN",  "PLEN too small", "PLEN too great",
	"PDO",     "capsule's PDO", "ICD",   "second ICReq",   "header digest",
	"unasked", "TTAG",          "CCCID", "offset",         "too much data",
	"no LAST", "LAST early",    "twice", "a H2CTermReq",   "garbage",
};

/* Header and some data, exactly as given. */
static void send_raw(const uint8_t *head, size_t head_len, size_t data_len)
{
	static uint8_t out[70000];
	size_t digest = io.hdgst ? 4 : 0;
	uint32_t crc = host_crc(head, head_len);

	memcpy(out, head, head_len);
	memcpy(out + head_len, &crc, digest);
	memset(out + head_len + digest, 0x5a, data_len);
	host_send(&io, out, head_len + digest + data_len);
}

/* Needs no command under way. */
static void send_bad(enum bad bad)
{
	uint8_t head[128] = { 4, io.hdgst, 72, 0, (uint8_t)(72 + (io.hdgst ? 4 : 0)) };

	rw_sqe(head + 8, 1, 5, 0x01, 512);
	switch (bad) {
	case BAD_TYPE:
		head[0] = 0x55;
		break;
	case BAD_DIRECTION:
		memcpy(head, (uint8_t[]){ 5, io.hdgst, 24, 0, (uint8_t)(24 + 4 * io.hdgst) }, 5);
		send_raw(head, 24, 0);
		return;
	case BAD_HLEN:
		head[2] = 64;
		break;
	case BAD_PLEN_SHORT:
		head[4] = 8;
		break;
	case BAD_PLEN_HUGE:
		le(head + 4, 0x7fffffff, 4);
		break;
	case BAD_PDO: /* inside the header; behind the end */
	case BAD_CAPSULE_PDO:
		head[3] = bad == BAD_PDO ? 8 : 200;
		le(head + 4, 72 + 4 * io.hdgst + 40, 4);
		send_raw(head, 72, 40);
		return;
	case BAD_ICD_TOO_LONG:
		head[3] = (uint8_t)(72 + 4 * io.hdgst);
		le(head + 4, head[3] + 65536, 4);
		rw_sqe(head + 8, 1, 5, 0x01, 65536);
		send_raw(head, 72, 65536);
		return;
	case BAD_SECOND_ICREQ:
		memset(head, 0, sizeof(head));
		head[2] = head[4] = 128;
		host_send(&io, head, 128);
		return;
	case BAD_HDGST:
		head[1] = 1;
		head[4] = 76;
		host_send(&io, head, 76); /* the digest is zero */
		return;
	case BAD_H2CDATA_UNASKED:
		memcpy(head, (uint8_t[]){ 6, 4 | io.hdgst, 24, (uint8_t)(24 + 4 * io.hdgst) }, 4);
		le(head + 4, head[3] + 512, 4);
		memset(head + 8, 0, 16);
		le(head + 16, 512, 4);
		send_raw(head, 24, 512);
		return;
	case BAD_TERM:
		memset(head, 0, sizeof(head));
		memcpy(head, (uint8_t[]){ 2, 0, 24, 0, 24, 0, 0, 0, 1 }, 9);
		host_send(&io, head, 24);
		return;
	default:
		memset(head, 0xa7, sizeof(head));
		host_send(&io, head, sizeof(head));
		return;
	}
	send_raw(head, 72, 0);
}

/* Wrong answers to an R2T. */
static void answer_badly(enum bad bad)
{
	uint8_t sqe[64], head[128], h2c[24] = { 6, (uint8_t)(4 | io.hdgst), 24 };
	static uint8_t data[65536];
	uint32_t datal = 32768;
	size_t len;

	rw_sqe(sqe, 1, 9, 0x5a, 32768);
	host_capsule(&io, sqe, NULL, 0);
	ck_assert(host_next(&io, head, data, &len));
	ck_assert_uint_eq(head[0], 9);
	memcpy(h2c + 8, head + 8, 12);
	if (bad == BAD_TTAG)
		h2c[10] ^= 0x55;
	else if (bad == BAD_CCCID)
		h2c[8] ^= 1;
	else if (bad == BAD_OFFSET)
		h2c[12] = 4;
	else if (bad == BAD_TOO_MUCH)
		datal += 512;
	else if (bad == BAD_LAST_EARLY)
		datal -= 512;
	else if (bad == BAD_NO_LAST)
		h2c[1] &= (uint8_t)~4;
	h2c[3] = (uint8_t)(24 + 4 * io.hdgst);
	le(h2c + 4, h2c[3] + datal, 4);
	le(h2c + 16, datal, 4);
	send_raw(h2c, 24, datal);
	if (bad == BAD_TWICE)
		send_raw(h2c, 24, datal);
}

/* A C2HTermReq, a FIN or a RST: the connection is over. */
static bool is_over(struct host *h)
{
	uint8_t head[128];
	static uint8_t data[1 << 17];
	unsigned int i;
	size_t len;

	h->hdgst = h->ddgst = false;
	for (i = 0; i < 10 && !h->rst && !h->fin; i++)
		if (host_next(h, head, data, &len) && head[0] == 3)
			return true;
	return h->rst || h->fin;
}

static void bad_pdu(enum bad bad, uint8_t digests)
{
	get_queues(digests);
	if (bad >= BAD_TTAG && bad <= BAD_TWICE)
		answer_badly(bad);
	else
		send_bad(bad);
	ck_assert_msg(is_over(&io), "%s: the connection goes on", bad_names[bad]);
	good_host_works(bad);
	hang_up(&io);
	hang_up(&admin);
	pair_run(&pair, 2 * MS);
}

START_TEST(bad_pdus_cost_their_connection_only)
{
	unsigned int bad;

	open_hostile(3);
	for (bad = (unsigned int)_i; bad < BADS; bad += 4) {
		bad_pdu((enum bad)bad, 1);
		if (bad != BAD_HDGST)
			bad_pdu((enum bad)bad, 0);
	}
	close_hostile();
}
END_TEST

/* One program for each part, so that none takes long; see module.mk. */
static void add(void *t)
{
	if (!strcmp(HOSTILE_PART, "flood")) {
		tcase_add_loop_test(t, a_flood_of_syns, 0, 2);
		add_some(t, idle_connections_by_the_hundred, 0, 2);
		tcase_add_test(t, connections_that_never_say_connect);
	} else if (!strcmp(HOSTILE_PART, "reset")) {
		add_some(t, resets_at_each_step, 0, STEPS);
	} else {
		tcase_add_loop_test(t, a_scripted_host_that_behaves, 0, 4);
		tcase_add_loop_test(t, bad_pdus_cost_their_connection_only, 0, 4);
	}
}

int main(void)
{
	return run_suite("pair-hostile-" HOSTILE_PART, add);
}
