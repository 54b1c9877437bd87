/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP, ICMP, and frames nobody wants. */
#include <errno.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/csum.h"
#include "net/arp.h"
#include "net/frame.h"
#include "net/net.h"
#include "tcp_helper.h"

Suite *net_suite(void);

static uint8_t f[2048];

static uint32_t arp_request(uint32_t sender, uint32_t target)
{
	memset(f, 0, 60);
	memset(f, 0xff, 6);
	memcpy(f + 6, peer_mac, 6);
	put_be16(f + 12, ETH_TYPE_ARP);
	put_be16(f + 14, 1);
	put_be16(f + 16, ETH_TYPE_IP);
	f[18] = 6;
	f[19] = 4;
	put_be16(f + 20, 1);
	memcpy(f + 22, peer_mac, 6);
	put_be32(f + 28, sender);
	put_be32(f + 38, target);
	return 60;
}

static void bring_frame(uint32_t len)
{
	fake_rx(f, len);
	pump();
}

START_TEST(arp_requests_are_answered)
{
	const uint8_t *r;
	uint8_t mac[6];
	uint32_t len;

	bring_frame(arp_request(PEER_IP, OUR_IP));
	ck_assert_uint_eq(frames_out(), 1);
	r = frame_at(0, &len);
	ck_assert_uint_eq(len, 60);
	ck_assert_mem_eq(r, peer_mac, 6);
	ck_assert_uint_eq(get_be16(r + 20), 2);
	ck_assert_mem_eq(r + 22, our_mac, 6);
	ck_assert_uint_eq(get_be32(r + 28), OUR_IP);
	ck_assert_uint_eq(get_be32(r + 38), PEER_IP);
	ck_assert_int_eq(arp_resolve(PEER_IP, mac), 0); /* learned on the way */
	ck_assert_mem_eq(mac, peer_mac, 6);
}
END_TEST

START_TEST(arp_for_others_is_not_ours)
{
	uint8_t mac[6];

	bring_frame(arp_request(PEER_IP, 0x0a000055));
	ck_assert_uint_eq(frames_out(), 0);
	ck_assert_int_eq(arp_resolve(PEER_IP, mac), -EAGAIN);
}
END_TEST

START_TEST(arp_probe_is_answered_not_learned)
{
	bring_frame(arp_request(0, OUR_IP));
	ck_assert_uint_eq(frames_out(), 1);
	ck_assert_int_eq(arp_resolve(0, f), -EAGAIN);
}
END_TEST

START_TEST(arp_asks_again_and_ages)
{
	uint8_t mac[6];

	ck_assert_int_eq(arp_resolve(PEER_IP, mac), -EAGAIN);
	ck_assert_int_eq(arp_resolve(PEER_IP, mac), -EAGAIN);
	pump();
	ck_assert_uint_eq(frames_out(), 1);
	advance_ms(1200);
	ck_assert_uint_eq(frames_out(), 3);
	bring_arp_reply(PEER_IP, peer_mac);
	ck_assert_int_eq(arp_resolve(PEER_IP, mac), 0);
	advance_ms(61000);
	ck_assert_int_eq(arp_resolve(PEER_IP, mac), -EAGAIN);
}
END_TEST

START_TEST(arp_cache_is_bounded)
{
	uint8_t mac[6];
	uint32_t n;

	for (n = 0; arp_resolve(0x0a000010 + n, mac) == -EAGAIN; n++)
		ck_assert_uint_lt(n, 100);
	ck_assert_uint_eq(n, 32);
	ck_assert_int_eq(arp_resolve(0x0a000010 + n, mac), -ENOBUFS);
	bring_arp_reply(0x0a000010, peer_mac);
	ck_assert_int_eq(arp_resolve(0x0a000080, mac), -EAGAIN); /* the known one made room */
}
END_TEST

/* --- ICMP ------------------------------------------------------------------------------------------------------------- */

static uint32_t echo_request(uint32_t payload)
{
	uint8_t *icmp = f + 34;

	memset(f, 0, sizeof(f));
	memcpy(f, our_mac, 6);
	memcpy(f + 6, peer_mac, 6);
	put_be16(f + 12, ETH_TYPE_IP);
	f[14] = 0x45;
	put_be16(f + 16, 28 + payload);
	f[22] = 64;
	f[23] = IP_PROTO_ICMP;
	put_be32(f + 26, PEER_IP);
	put_be32(f + 30, OUR_IP);
	icmp[0] = 8;
	put_be32(icmp + 4, 0x12340001);
	for (uint32_t i = 0; i < payload; i++)
		icmp[8 + i] = (uint8_t)i;
	put_be16(icmp + 2, csum_fold(csum_add(0, icmp, 8 + payload)));
	put_be16(f + 24, csum_fold(csum_add(0, f + 14, 20)));
	return 42 + payload;
}

static const uint32_t echo_sizes[] = { 0, 1, 56, 57, 500, 1472 };

START_TEST(echo_is_answered)
{
	uint32_t n = echo_sizes[_i], len;
	const uint8_t *r;

	bring_frame(echo_request(n));
	ck_assert_uint_eq(frames_out(), 1);
	r = frame_at(0, &len);
	ck_assert_uint_eq(len, 42 + n);
	ck_assert_uint_eq(r[34], 0);
	ck_assert_uint_eq(csum_fold(csum_add(0, r + 14, 20)), 0);
	ck_assert_uint_eq(csum_fold(csum_add(0, r + 34, 8 + n)), 0);
	ck_assert_uint_eq(get_be32(r + 26), OUR_IP);
	ck_assert_uint_eq(get_be32(r + 30), PEER_IP);
	ck_assert_mem_eq(r + 38, f + 38, n + 4);
}
END_TEST

START_TEST(echo_flood_is_bounded)
{
	fake_opt.tx_stop = 32;
	for (int i = 0; i < 10; i++) {
		struct hal_event ev;

		fake_rx(f, echo_request(56));
		while (event_next(&ev)) {
			net_input(&ev);
		}
	}
	ck_assert_uint_eq(frame_used(), 2);
	ck_assert_uint_eq(net_drops.no_buffer, 8);
	fake_opt.tx_stop = 0;
	pump();
}
END_TEST

/* One byte changed in a good echo request of 56 bytes. */
static const struct {
	const char *what;
	uint16_t at;
	uint8_t val;
	bool fix; /* put the IPv4 checksum right again */
} bent[] = {
	{ "version", 14, 0x65, true },         { "header length", 14, 0x44, true },
	{ "total length", 17, 200, true },     { "total length 0", 17, 0, true },
	{ "more fragments", 20, 0x20, true },  { "fragment offset", 21, 1, true },
	{ "IPv4 checksum", 25, 0xee, false },  { "other host", 33, 9, true },
	{ "source broadcast", 29, 255, true }, { "source ourselves", 29, 1, true },
	{ "source multicast", 26, 224, true }, { "protocol", 23, 17, true },
	{ "ICMP checksum", 37, 0xee, true },   { "ICMP type", 34, 13, true },
	{ "ICMP code", 35, 1, true },          { "Ethernet type", 13, 0x01, true },
	{ "payload", 60, 0xee, true },
};

START_TEST(bent_datagrams_are_dropped)
{
	uint32_t len = echo_request(56);

	f[bent[_i].at] = bent[_i].val;
	if (bent[_i].fix) {
		put_be16(f + 24, 0);
		put_be16(f + 24, csum_fold(csum_add(0, f + 14, 20)));
	}
	bring_frame(len);
	ck_assert_msg(frames_out() == 0, "%s was answered", bent[_i].what);
	ck_assert_uint_eq(fake_cells_used(), 0);
}
END_TEST

START_TEST(truncated_datagrams_are_dropped)
{
	for (uint32_t len = 14; len < 98; len++) {
		echo_request(56);
		bring_frame(len);
	}
	ck_assert_uint_eq(frames_out(), 0);
}
END_TEST

START_TEST(ip_options_are_skipped)
{
	uint32_t len = echo_request(56), n;

	memmove(f + 42, f + 34, len - 34);
	memset(f + 34, 1, 8);
	f[14] = 0x47;
	put_be16(f + 16, len + 8 - 14);
	put_be16(f + 24, 0);
	put_be16(f + 24, csum_fold(csum_add(0, f + 14, 28)));
	bring_frame(len + 8);
	ck_assert_uint_eq(frames_out(), 1);
	frame_at(0, &n);
	ck_assert_uint_eq(n, len);
}
END_TEST

START_TEST(quoted_segments_are_checked)
{
	uint8_t *icmp = f + 34;

	open_conn(&agree_all);
	for (uint32_t cut = 0; cut <= 28; cut++) {
		uint32_t len = echo_request(cut);

		icmp[0] = 3;
		icmp[1] = 4;
		put_be16(icmp + 6, 600);
		if (cut == 28) {
			memset(icmp + 8, 0, 28);
			icmp[8] = 0x45;
			icmp[17] = 6;
			put_be32(icmp + 20, OUR_IP);
			put_be32(icmp + 24, PEER_IP);
			put_be16(icmp + 28, tcp_local_port(CONN));
			put_be16(icmp + 30, PEER_PORT);
			put_be32(icmp + 32, OURS(0));
		}
		put_be16(icmp + 2, 0);
		put_be16(icmp + 2, csum_fold(csum_add(0, icmp, 8 + cut)));
		if (cut == 28) {
			send_pdu(1, 100);
			pump();
		}
		bring_frame(len);
	}
	ck_assert_uint_eq(hal_conn_ctx(CONN)->mss, 600 - 52);
	ck_assert_uint_eq(net_drops.icmp, 28);
}
END_TEST

static const struct {
	struct net_port p;
	int ret;
} configs[] = {
	{ { .ip = 0x0a000001, .mask = 0xffffff00, .mtu = 9000 }, 0 },
	{ { .ip = 0x0a000001, .mask = 0xffffffff, .mtu = 576 }, 0 },
	{ { .ip = 0x0a000001, .mask = 0xfffffffe, .gateway = 0x0a000000, .mtu = 1500 }, 0 },
	{ { .ip = 0x0a000001, .mask = 0xff00ff00, .mtu = 1500 }, -EINVAL },
	{ { .ip = 0x0a000001, .mask = 0xffffff00, .mtu = 575 }, -EINVAL },
	{ { .ip = 0x0a000001, .mask = 0xffffff00, .mtu = 9001 }, -EINVAL },
	{ { .ip = 0x0a0000ff, .mask = 0xffffff00, .mtu = 1500 }, -EINVAL },
	{ { .ip = 0x0a000000, .mask = 0xffffff00, .mtu = 1500 }, -EINVAL },
	{ { .ip = 0x7f000001, .mask = 0xff000000, .mtu = 1500 }, -EINVAL },
	{ { .ip = 0xe0000001, .mask = 0xffffff00, .mtu = 1500 }, -EINVAL },
	{ { .ip = 0, .mask = 0xffffff00, .mtu = 1500 }, -EINVAL },
	{ { .ip = 0x0a000001, .mask = 0xffffff00, .gateway = 0x0b000001, .mtu = 1500 }, -EINVAL },
	{ { .ip = 0x0a000001, .mask = 0xffffff00, .mtu = 1500, .mac = { 1, 2, 3, 4, 5, 6 } },
	  -EINVAL },
};

START_TEST(port_configuration)
{
	struct net_port before = net_port;

	ck_assert_int_eq(net_configure(&configs[_i].p), configs[_i].ret);
	if (configs[_i].ret)
		ck_assert_mem_eq(&before, &net_port, sizeof(before));
	else
		ck_assert_mem_eq(net_port.mac, our_mac, 6);
}
END_TEST

Suite *net_suite(void)
{
	Suite *s = suite_create("net");
	TCase *t = tcase_create("net");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, arp_requests_are_answered);
	tcase_add_test(t, arp_for_others_is_not_ours);
	tcase_add_test(t, arp_probe_is_answered_not_learned);
	tcase_add_test(t, arp_asks_again_and_ages);
	tcase_add_test(t, arp_cache_is_bounded);
	tcase_add_loop_test(t, echo_is_answered, 0, sizeof(echo_sizes) / sizeof(echo_sizes[0]));
	tcase_add_test(t, echo_flood_is_bounded);
	tcase_add_loop_test(t, bent_datagrams_are_dropped, 0, sizeof(bent) / sizeof(bent[0]));
	tcase_add_test(t, truncated_datagrams_are_dropped);
	tcase_add_test(t, ip_options_are_skipped);
	tcase_add_test(t, quoted_segments_are_checked);
	tcase_add_loop_test(t, port_configuration, 0, sizeof(configs) / sizeof(configs[0]));
	suite_add_tcase(s, t);
	return s;
}
