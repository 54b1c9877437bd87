/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP: echo (up to what one large frame buffer holds; the reply is the only thing besides headers
 * that firmware copies) and "destination unreachable" for TCP. Two buffers are also the rate limit:
 * a flood finds none free.
 */
#include <string.h>

#include "lib/bytes.h"
#include "lib/csum.h"
#include "net/frame.h"
#include "net/net.h"
#include "tcp/tcp.h"

#define ICMP_OFF (ETH_HLEN + IP_HLEN)
#define ICMP_HLEN 8u
#define ECHO_REPLY 0
#define UNREACHABLE 3
#define ECHO 8

static void echo(struct frame *f, const struct ip_info *ip, uint32_t len)
{
	uint8_t *icmp = f->data + ICMP_OFF;

	net_build(f->data, ip->src_mac, ip->src, IP_PROTO_ICMP, len);
	icmp[0] = ECHO_REPLY;
	put_be16(icmp + 2, 0);
	put_be16(icmp + 2, csum_fold(csum_add(0, icmp, len)));
	frame_send(f, ICMP_OFF + len, ENG_RECF_IPCSUM);
}

/*
 * The quoted datagram must be one that we could have sent: from our address, TCP, not a later
 * fragment.
 */
static void unreachable(const uint8_t *icmp, uint32_t len)
{
	const uint8_t *quoted = icmp + ICMP_HLEN;
	uint32_t hlen = (quoted[0] & 15) * 4u;
	struct tcp_unreach u;

	if (len < ICMP_HLEN + IP_HLEN + 8 || quoted[0] >> 4 != 4 || hlen < IP_HLEN ||
	    len < ICMP_HLEN + hlen + 8 || quoted[9] != IP_PROTO_TCP ||
	    get_be32(quoted + 12) != net_port.ip || (get_be16(quoted + 6) & 0x1fff)) {
		net_drops.icmp++;
		return;
	}
	u.remote_ip = get_be32(quoted + 16);
	u.local_port = get_be16(quoted + hlen);
	u.remote_port = get_be16(quoted + hlen + 2);
	u.seq = get_be32(quoted + hlen + 4);
	u.code = icmp[1];
	u.mtu = get_be16(icmp + 6);
	tcp_unreachable(&u);
}

void icmp_input(const struct ip_info *ip)
{
	uint32_t len = ip->total - (uint32_t)ip->hlen;
	struct frame *f;
	uint8_t *icmp;

	if (len < ICMP_HLEN || ICMP_OFF + len > FRAME_LARGE_DATA) {
		net_drops.icmp++;
		return;
	}
	f = frame_alloc(FRAME_LARGE_DATA);
	if (!f) {
		net_drops.no_buffer++;
		return;
	}
	icmp = f->data + ICMP_OFF;
	hal_pkt_copy(ip->cell, ETH_HLEN + ip->hlen, icmp, len);
	if (csum_fold(csum_add(0, icmp, len)) == 0 && icmp[0] == ECHO && icmp[1] == 0) {
		echo(f, ip, len);
		return;
	}
	if (csum_fold(csum_add(0, icmp, len)) == 0 && icmp[0] == UNREACHABLE)
		unreachable(icmp, len);
	else
		net_drops.icmp++;
	frame_free(f);
}
