/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader on the golden captures: streams and PDUs as counted when they were made. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap_read.h"

#define CONNECTIONS_MAX 128
#define PDU_TYPES 16

/* All bytes of the streams, and the PDUs that their own lengths cut them into. */
struct totals {
	struct {
		uint8_t *data;
		size_t len;
	} side[CONNECTIONS_MAX][2];
	size_t bytes[2];
	size_t unreachable;
	unsigned pdus[PDU_TYPES];
};

static int totals_data(void *context, const struct pcap_stream *stream, const uint8_t *data,
		       size_t len)
{
	struct totals *t = context;
	uint8_t **all = &t->side[stream->connection][stream->from_server].data;
	size_t *have = &t->side[stream->connection][stream->from_server].len;
	uint8_t *more = realloc(*all, *have + len);

	ck_assert_uint_lt(stream->connection, CONNECTIONS_MAX);
	ck_assert_uint_eq(stream->offset, *have);
	ck_assert_ptr_nonnull(more);
	*all = more;
	memcpy(*all + *have, data, len);
	*have += len;
	t->bytes[stream->from_server] += len;
	return 0;
}

static int totals_end(void *context, const struct pcap_stream *stream)
{
	((struct totals *)context)->unreachable += stream->unreachable;
	return 0;
}

static const struct pcap_ops totals_ops = { totals_data, totals_end };

/* FNV-1a over connection 0 client, 0 server, 1 client, ... */
static uint64_t hash_streams(const struct totals *t, unsigned connections)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (unsigned i = 0; i < 2 * connections; i++) {
		const uint8_t *data = t->side[i / 2][i % 2].data;

		for (size_t at = 0; at < t->side[i / 2][i % 2].len; at++)
			hash = (hash ^ data[at]) * 0x100000001b3ull;
	}
	return hash;
}

/* Cuts one stream into PDUs by PLEN; every byte must belong to one. */
static void cut_pdus(struct totals *t, const uint8_t *data, size_t len)
{
	size_t at = 0;

	while (at < len) {
		uint32_t plen;

		ck_assert_uint_ge(len - at, 8);
		plen = (uint32_t)data[at + 4] | (uint32_t)data[at + 5] << 8 |
		       (uint32_t)data[at + 6] << 16 | (uint32_t)data[at + 7] << 24;
		ck_assert_uint_ge(plen, 8);
		ck_assert_uint_le(plen, len - at);
		ck_assert_uint_lt(data[at], PDU_TYPES);
		t->pdus[data[at]]++;
		at += plen;
	}
}

static void free_totals(struct totals *t)
{
	for (unsigned i = 0; i < 2 * CONNECTIONS_MAX; i++)
		free(t->side[i / 2][i % 2].data);
}

/* Counted independently of this reader when the captures were made; see tests/data/README.md. */
static const struct golden {
	const char *name;
	unsigned frames, connections, repeated, out_of_order;
	size_t bytes[2]; /* from all clients, from all servers */
	uint64_t hash;
	unsigned pdus[PDU_TYPES]; /* by type; none: errors, whose streams are no whole PDUs */
} goldens[] = {
	{ .name = "connect-nodigest",
	  .frames = 256,
	  .connections = 2,
	  .bytes = { 78576, 137240 },
	  .hash = 0x1d782324f771837d,
	  .pdus = { 2, 2, 0, 0, 35, 35, 1, 17, 0, 1 } },
	{ .name = "connect-digests",
	  .frames = 278,
	  .connections = 2,
	  .bytes = { 78740, 137520 },
	  .hash = 0x80d1ff1fd0e25acd,
	  .pdus = { 2, 2, 0, 0, 35, 35, 1, 17, 0, 1 } },
	{ .name = "discover",
	  .frames = 49,
	  .connections = 1,
	  .bytes = { 2232, 12872 },
	  .hash = 0xe570812d46abce1f,
	  .pdus = { 1, 1, 0, 0, 15, 15, 0, 4, 0, 0 } },
	{ .name = "mtu9000",
	  .frames = 146,
	  .connections = 2,
	  .bytes = { 135696, 198788 },
	  .hash = 0x407c3ce06b713fdf,
	  .pdus = { 2, 2, 0, 0, 30, 30, 1, 16, 0, 1 } },
	{ .name = "loss",
	  .frames = 761,
	  .connections = 2,
	  .repeated = 20,
	  .out_of_order = 84,
	  .bytes = { 266768, 329860 },
	  .hash = 0x336d03466744b0b1,
	  .pdus = { 2, 2, 0, 0, 30, 30, 1, 16, 0, 1 } },
	{ .name = "sqflow-off",
	  .frames = 243,
	  .connections = 2,
	  .bytes = { 74264, 136760 },
	  .hash = 0x3ecc3b9178fcc2ea,
	  .pdus = { 2, 2, 0, 0, 32, 15, 1, 17, 0, 1 } },
	{ .name = "multi-queue",
	  .frames = 269,
	  .connections = 3,
	  .bytes = { 104808, 100768 },
	  .hash = 0x12a1e31fcd91eaba,
	  .pdus = { 3, 3, 0, 0, 41, 41, 4, 19, 0, 4 } },
	{ .name = "errors",
	  .frames = 1506,
	  .connections = 91,
	  .bytes = { 358668, 19116 },
	  .hash = 0x0e7110af65aec252 },
};

START_TEST(golden_captures_give_their_known_streams)
{
	const struct golden *g = &goldens[_i];
	static struct totals totals;
	struct pcap_result result;
	char path[128];
	int rc;

	memset(&totals, 0, sizeof(totals));
	snprintf(path, sizeof(path), "%s/%s.pcap", TESTS_DATA, g->name);
	rc = pcap_read(path, &totals_ops, &totals, &result);
	ck_assert_msg(rc == 0, "%s: %d %s", g->name, rc, result.error);
	ck_assert_uint_eq(result.frames, g->frames);
	ck_assert_uint_eq(result.segments, g->frames);
	ck_assert_uint_eq(result.bad_checksums, 0);
	ck_assert_uint_eq(result.passed_over, 0);
	ck_assert_uint_eq(result.connections, g->connections);
	ck_assert_uint_eq(result.repeated, g->repeated);
	ck_assert_uint_eq(result.out_of_order, g->out_of_order);
	ck_assert_uint_eq(totals.unreachable, 0);
	ck_assert_uint_eq(totals.bytes[0], g->bytes[0]);
	ck_assert_uint_eq(totals.bytes[1], g->bytes[1]);
	ck_assert_uint_eq(hash_streams(&totals, g->connections), g->hash);
	for (unsigned i = 0; g->pdus[0] && i < 2 * g->connections; i++)
		cut_pdus(&totals, totals.side[i / 2][i % 2].data, totals.side[i / 2][i % 2].len);
	for (unsigned type = 0; type < PDU_TYPES; type++)
		ck_assert_msg(totals.pdus[type] == g->pdus[type], "%s: %u PDUs of type %u, not %u",
			      g->name, totals.pdus[type], type, g->pdus[type]);
	free_totals(&totals);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("golden captures");
	TCase *tc = tcase_create("streams");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, golden_captures_give_their_known_streams, 0, COUNT(goldens));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
