// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a Linux host sent, in captures of Linux against Linux, sent to the scripted peer PDU by PDU: the judge must find
 * nothing wrong with it, and answer each command with the status that the Linux target gave.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/golden/pcap_read.h"
#include "peer_fixture.h"

#define CONNECTIONS 4
#define STREAM_MAX (1 << 20)

struct stream {
	uint8_t *bytes;
	size_t len;
};

static struct stream sent[CONNECTIONS], answered[CONNECTIONS]; /* by host, by target */

static int on_data(void *context, const struct pcap_stream *s, const uint8_t *data, size_t len)
{
	struct stream *to;

	(void)context;
	if (s->connection >= CONNECTIONS)
		return 0;
	to = s->from_server ? &answered[s->connection] : &sent[s->connection];
	if (!to->bytes)
		to->bytes = malloc(STREAM_MAX);
	ck_assert_uint_le(to->len + len, STREAM_MAX);
	memcpy(to->bytes + to->len, data, len);
	to->len += len;
	return 0;
}

static size_t pdu_length(const uint8_t *b)
{
	return (size_t)b[4] | (size_t)b[5] << 8 | (size_t)b[6] << 16;
}

/* The status of the target's answer to the which-th command with this CID; -1: there was none. */
static int status_in_capture(const struct stream *s, uint16_t cid, unsigned int which)
{
	const uint8_t *b;
	size_t at;
	uint16_t id, status;

	for (at = 0; at + 24 <= s->len; at += pdu_length(b)) {
		b = s->bytes + at;
		memcpy(&id, b + 20, 2);
		memcpy(&status, b + 22, 2);
		if (b[0] == 5 && id == cid && !which--)
			return status >> 1;
	}
	return -1;
}

/* Takes PDUs until the CapsuleResp for cid. -1: none. */
static int status_of_peer(uint16_t cid)
{
	static uint8_t data[70000];
	uint8_t head[128];
	uint16_t id, status;
	size_t len;

	while (host_next(h, head, data, &len)) {
		memcpy(&id, head + 20, 2);
		memcpy(&status, head + 22, 2);
		if (head[0] == 5 && id == cid)
			return status >> 1;
		if (head[0] == 9)
			return -2; /* R2T */
	}
	return -1;
}

/* Sends what the host sent on a connection, up to the first H2CData; returns the commands answered. */
static unsigned int replay(unsigned int connection)
{
	const struct stream *s = &sent[connection];
	static unsigned int seen[65536];
	unsigned int n = 0;
	uint8_t head[128], data[16];
	const uint8_t *b;
	size_t at, len;
	uint16_t cid;
	int want, got;

	memset(seen, 0, sizeof(seen));
	ck_assert(host_connect(h, (uint16_t)(6000 + connection), 4420));
	for (at = 0; at + 8 <= s->len; at += len) {
		b = s->bytes + at;
		len = pdu_length(b);
		ck_assert_uint_le(at + len, s->len);
		if (b[0] == 6)
			break;
		host_send(h, b, len);
		if (b[0] == 0) {
			ck_assert(host_next(h, head, data, &len));
			ck_assert_uint_eq(head[0], 1);
			ck_assert_uint_eq(head[11], b[11]);
			h->hdgst = b[11] & 1;
			h->ddgst = b[11] & 2;
			len = 128;
			continue;
		}
		memcpy(&cid, b + 10, 2);
		want = status_in_capture(&answered[connection], cid, seen[cid]++);
		if (want < 0 || b[8] == 0x0c)
			continue; /* asynchronous event request */
		got = status_of_peer(cid);
		if (got == -2)
			break;
		ck_assert_msg(got == want,
			      "connection %u, opcode %02x, cdw10 %02x%02x: %04x, Linux says %04x",
			      connection, b[8], b[49], b[48], got, want);
		n++;
	}
	no_complaints();
	return n;
}

START_TEST(what_linux_sends_is_right)
{
	static const struct {
		const char *file;
		unsigned int connections, commands;
	} cases[] = {
		{ "tests/data/discover.pcap", 1, 10 },
		{ "tests/data/connect-nodigest.pcap", 2, 25 },
		{ "tests/data/connect-digests.pcap", 2, 25 },
		{ "tests/data/sqflow-off.pcap", 2, 10 },
	};
	static const struct pcap_ops ops = { .data = on_data };
	struct peer_params params = { .subnqn = "nqn.2014-08.org.demo:t1",
				      .ns_bytes = 64 << 20,
				      .no_kato = true };
	struct pcap_result result;
	unsigned int i, n = 0;

	ck_assert_msg(!pcap_read(cases[_i].file, &ops, NULL, &result), "%s", result.error);
	open_peer(&params);
	for (i = 0; i < cases[_i].connections; i++) {
		h->got = h->used = 0;
		n += replay(i);
	}
	ck_assert_msg(n >= cases[_i].commands, "%s: only %u commands", cases[_i].file, n);
	close_peer();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("peer-golden");
	TCase *t = tcase_create("peer-golden");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 20);
	tcase_add_loop_test(t, what_linux_sends_is_right, 0, 4);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
