// SPDX-License-Identifier: BSD-2-Clause
/* The scripted peer below NVMe, against a host made of bytes: is the judge itself right? */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "peer_fixture.h"

/* --- below TCP ---------------------------------------------------------------------------------------------------------------- */

START_TEST(crc32c_vectors)
{
	uint8_t b[32];
	int i;

	ck_assert_uint_eq(host_crc("123456789", 9), 0xe3069283);
	memset(b, 0, 32);
	ck_assert_uint_eq(host_crc(b, 32), 0x8a9136aa);
	for (i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	ck_assert_uint_eq(host_crc(b, 32), 0x46dd794e);
}
END_TEST

START_TEST(arp_and_ping)
{
	uint8_t arp[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,  1, 8, 6,
			    0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,  0, 0, 1,
			    10,   0,    0,    1,    0,    0,    0, 0, 0, 0, 10, 0, 0, 2 };
	uint8_t ping[42 + 4] = { 2,    0,    0,    0, 0, 2,  2,    0,    0,    0,   0,  1,
				 8,    0,    0x45, 0, 0, 32, 0,    0,    0,    0,   64, 1,
				 0x66, 0xdb, 10,   0, 0, 1,  10,   0,    0,    2,   8,  0,
				 0x2f, 0x9b, 0,    7, 0, 1,  0x61, 0x62, 0x5f, 0xf9 };

	open_peer(NULL);
	host_frame(h, arp, sizeof(arp));
	ck_assert_uint_eq(h->frame_len, 42);
	ck_assert_uint_eq(h->frame[21], 2);
	ck_assert(!memcmp(h->frame + 22, "\2\0\0\0\0\2\12\0\0\2", 10));
	h->frame_len = 0;
	arp[41] = 9;
	host_frame(h, arp, sizeof(arp));
	ck_assert_uint_eq(h->frame_len, 0);
	ping[36] = ping[37] = 0;
	{
		uint32_t s = 0, i;

		for (i = 34; i < 46; i += 2)
			s += (uint32_t)(ping[i] << 8 | ping[i + 1]);
		s = (s & 0xffff) + (s >> 16);
		ping[36] = (uint8_t)(~s >> 8);
		ping[37] = (uint8_t)~s;
		for (s = 0, i = 14; i < 34; i += 2)
			s += i == 24 ? 0 : (uint32_t)(ping[i] << 8 | ping[i + 1]);
		s = (s & 0xffff) + (s >> 16);
		ping[24] = (uint8_t)(~s >> 8);
		ping[25] = (uint8_t)~s;
	}
	host_frame(h, ping, sizeof(ping));
	ck_assert_uint_eq(h->frame_len, sizeof(ping));
	ck_assert_uint_eq(h->frame[34], 0);
	ck_assert(!memcmp(h->frame + 38, ping + 38, 8));
	h->frame_len = 0;
	ping[40] ^= 1;
	host_frame(h, ping, sizeof(ping));
	ck_assert_uint_eq(h->frame_len, 0);
	ck_assert_uint_eq(peer_stats(p)->bad_checksums, 1);
	no_complaints();
	close_peer();
}
END_TEST

/* --- TCP --------------------------------------------------------------------------------------------------------------------------- */

START_TEST(a_port_nobody_listens_on)
{
	open_peer(NULL);
	ck_assert(!host_connect(h, 5000, 4421));
	ck_assert(h->rst);
	ck_assert(host_connect(h, 5000, 8009));
	close_peer();
}
END_TEST

START_TEST(lost_segments_are_sent_again)
{
	static uint8_t want[131072];
	uint8_t sqe[64], head[128], *data = malloc(131072);
	size_t len;

	no_sack = !(_i & 1);
	no_ts = !(_i & 2);
	open_peer(NULL);
	io(0, 0, 1);
	pattern(want, sizeof(want), 5);
	memcpy(peer_ram(p, NULL), want, sizeof(want));
	rw(sqe, 2, 1, 0x5a, 0, 131072);
	h->drop = 5;
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_next(h, head, data, &len));
	ck_assert_uint_eq(len, 131072);
	ck_assert(!memcmp(data, want, len));
	ck_assert_uint_ge(peer_stats(p)->retransmitted, 1);
	ck_assert_uint_eq(peer_stats(p)->fast_retransmits, 1);
	if (_i & 1)
		ck_assert_uint_eq(peer_stats(p)->retransmitted, 1);
	ck_assert_uint_eq(peer_stats(p)->rto, 0);
	no_complaints();
	free(data);
	close_peer();
}
END_TEST

START_TEST(the_last_segment_lost_waits_for_the_timer)
{
	uint8_t sqe[64], head[128], data[4096];
	size_t len;

	open_peer(NULL);
	io(0, 0, 1);
	rw(sqe, 2, 1, 0x5a, 0, 512);
	h->drop = 1;
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_next(h, head, data, &len));
	ck_assert_uint_eq(len, 512);
	ck_assert_uint_eq(peer_stats(p)->rto, 1);
	close_peer();
}
END_TEST

/* A write whose second segment comes last: SACK names what came early; then all of it once more: D-SACK, and compared. */
START_TEST(out_of_order_input_is_sacked_and_kept)
{
	static uint8_t pdu[72 + 8192];
	uint32_t start;
	uint16_t cid, status;
	uint32_t dw0;

	open_peer(NULL);
	io(0, 0, 1);
	start = h->seq;
	memset(pdu, 0, sizeof(pdu));
	pdu[0] = 4;
	pdu[2] = pdu[3] = 72;
	pdu[4] = (uint8_t)sizeof(pdu);
	pdu[5] = (uint8_t)(sizeof(pdu) >> 8);
	rw(pdu + 8, 1, 9, 0x01, 16, 8192);
	pattern(pdu + 72, 8192, 1);
	host_segment(h, start, 16, pdu, 1400);
	host_segment(h, start + 2800, 16, pdu + 2800, 1400);
	ck_assert_uint_eq(h->acked, start + 1400);
	ck_assert_uint_eq(h->sacked_from, start + 2800);
	ck_assert_uint_eq(h->sacked_to, start + 4200);
	host_segment(h, start + 5600, 16, pdu + 5600, 1400);
	ck_assert_uint_eq(h->sacked_from, start + 5600);
	host_segment(h, start + 1400, 16, pdu + 1400, 1400);
	ck_assert_uint_eq(h->acked, start + 4200);
	host_segment(h, start + 4200, 16, pdu + 4200, 1400);
	ck_assert_uint_eq(h->acked, start + 7000);
	host_segment(h, start + 2800, 16, pdu + 2800, 1400); /* once more */
	ck_assert_uint_eq(h->sacked_from, start + 2800);
	ck_assert_uint_eq(h->sacked_to, start + 4200);
	host_segment(h, start + 7000, 24, pdu + 7000, sizeof(pdu) - 7000);
	h->seq += sizeof(pdu);
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(status, 0);
	ck_assert(!memcmp(peer_ram(p, NULL) + 8192, pdu + 72, 8192));
	no_complaints();
	pdu[3000]++;
	host_segment(h, start + 2800, 16, pdu + 2800, 1400); /* and changed */
	ck_assert_uint_eq(peer_complaints(p, NULL), 1);
	close_peer();
}
END_TEST

START_TEST(breaches_of_tcp_are_complaints)
{
	static const uint8_t zero[2000];

	open_peer(NULL);
	io(0, 0, 1);
	no_complaints();
	switch (_i) {
	case 0: /* acknowledges the future */
		h->ack += 1000;
		host_ack(h);
		break;
	case 1: /* over the window */
		host_segment(h, h->seq + (2 << 20), 16, zero, 1000);
		break;
	case 2: /* over the MSS */
		host_segment(h, h->seq + 5000, 16, zero, 1449);
		break;
	case 3: /* without timestamps */
		h->ts = false;
		host_ack(h);
		break;
	case 4: /* window shrinks */
		h->wnd = 100;
		host_ack(h);
		break;
	}
	ck_assert_uint_ge(peer_complaints(p, NULL) + peer_stats(p)->windows_shrunk, 1);
	ck_assert_uint_eq(peer_stats(p)->windows_shrunk, _i == 4);
	close_peer();
}
END_TEST

START_TEST(a_closed_window_is_probed)
{
	uint8_t sqe[64], head[128], data[4096];
	unsigned int before;
	size_t len;

	open_peer(NULL);
	io(0, 0, 1);
	h->quiet = true;
	rw(sqe, 2, 1, 0x5a, 0, 4096);
	h->wnd = 1000;
	h->seq += 0;
	host_capsule(h, sqe, NULL, 0);
	host_wait(h, 1000000, 1 << 20);
	before = h->segments;
	h->wnd = 0;
	host_ack(h);
	host_wait(h, 200000000, 1 << 20);
	ck_assert_uint_ge(h->segments, before);
	h->wnd = 60000;
	h->quiet = false;
	ck_assert(host_next(h, head, data, &len));
	ck_assert_uint_eq(len, 4096);
	close_peer();
}
END_TEST

START_TEST(connections_end)
{
	open_peer(NULL);
	io(0, 0, 1);
	ck_assert_uint_eq(peer_stats(p)->open, 2);
	switch (_i) {
	case 0: /* we close */
		host_segment(h, h->seq++, 17, NULL, 0);
		host_wait(h, 1000000, 1);
		ck_assert(h->fin);
		host_ack(h);
		break;
	case 1: /* we reset */
		host_segment(h, h->seq, 20, NULL, 0);
		break;
	case 2: /* it closes */
		peer_close_all(p, false);
		ck_assert(h->fin);
		host_segment(h, h->seq++, 17, NULL, 0);
		break;
	case 3: /* it resets */
		peer_close_all(p, true);
		peer_poll(p, h->now);
		ck_assert(h->rst);
		ck_assert_uint_eq(peer_stats(p)->open, 0);
		close_peer();
		return;
	case 4: /* a reset that does not fit gets a challenge */
		host_segment(h, h->seq + 100, 20, NULL, 0);
		ck_assert_uint_eq(peer_stats(p)->open, 2);
		close_peer();
		return;
	}
	ck_assert_uint_eq(peer_stats(p)->open, 1);
	ck_assert_uint_eq(peer_commands(p), 0);
	close_peer();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("peer-tcp");
	TCase *t = tcase_create("peer-tcp");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 20);
	tcase_add_test(t, crc32c_vectors);
	tcase_add_test(t, arp_and_ping);
	tcase_add_test(t, a_port_nobody_listens_on);
	tcase_add_loop_test(t, lost_segments_are_sent_again, 0, 4);
	tcase_add_test(t, the_last_segment_lost_waits_for_the_timer);
	tcase_add_test(t, out_of_order_input_is_sacked_and_kept);
	tcase_add_loop_test(t, breaches_of_tcp_are_complaints, 0, 5);
	tcase_add_test(t, a_closed_window_is_probed);
	tcase_add_loop_test(t, connections_end, 0, 5);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
