/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/net.h"

#include <string.h>

#include "net/arp.h"
#include "lib/event.h"
#include "lib/bytes.h"
#include "lib/csum.h"
#include "lib/err.h"
#include "net/frame.h"
#include "tcp/tcp.h"

struct net_port net_port;
struct net_drops net_drops;
static uint16_t ip_id;

void net_init(void)
{
	/*
	 * locally administered; a host with several adapters on one link gives each its own
	 * (PORT_SET)
	 */
	static const uint8_t mac[6] = { 0x02, 'W', 'e', 'f', 't', 0x01 };
	memset(&net_port, 0, sizeof(net_port));
	memset(&net_drops, 0, sizeof(net_drops));
	net_port.mask = 0xffffffff;
	net_port.mtu = 1500;
	event_init();
	frame_init();
	arp_init();
	memcpy(net_port.mac, mac, sizeof(mac));
}

bool net_unicast(uint32_t ip)
{
	uint32_t host = ip & ~net_port.mask;

	if (!ip || ip >> 28 >= 14 || ip >> 24 == 127 || ip == 0xffffffff)
		return false;
	/* In our own net neither the net's address nor its broadcast; /31 and /32 have none. */
	if (!((ip ^ net_port.ip) & net_port.mask) && net_port.mask < 0xfffffffe &&
	    (!host || host == ~net_port.mask))
		return false;
	return true;
}

int net_configure(const struct net_port *p)
{
	static const uint8_t none[6];
	struct net_port old = net_port;

	if (p->mtu < 576 || p->mtu > 9000 || (p->mac[0] & 1) || (~p->mask & (~p->mask + 1)))
		return -EINVAL;
	net_port.ip = p->ip;
	net_port.mask = p->mask;
	if (!net_unicast(p->ip) ||
	    (p->gateway && (!net_unicast(p->gateway) || ((p->gateway ^ p->ip) & p->mask)))) {
		net_port = old;
		return -EINVAL;
	}
	net_port.gateway = p->gateway;
	net_port.mtu = p->mtu;
	if (memcmp(p->mac, none, 6))
		memcpy(net_port.mac, p->mac, 6);
	arp_flush();
	hal_port_set(net_port.mac, net_port.ip, net_port.mtu);
	return 0;
}

/* 0: no way there. */
uint32_t net_next_hop(uint32_t dst)
{
	if (!((dst ^ net_port.ip) & net_port.mask))
		return dst;
	return net_port.gateway;
}

void net_build_eth(uint8_t *frame, const uint8_t dst_mac[6], uint16_t type)
{
	memcpy(frame, dst_mac, 6);
	memcpy(frame + 6, net_port.mac, 6);
	put_be16(frame + 12, type);
}

void net_build(uint8_t *frame, const uint8_t dst_mac[6], uint32_t dst_ip, uint8_t proto,
	       uint32_t ip_payload)
{
	uint8_t *ip = frame + ETH_HLEN;

	net_build_eth(frame, dst_mac, ETH_TYPE_IP);
	ip[0] = 0x45;
	ip[1] = 0;
	put_be16(ip + 2, IP_HLEN + ip_payload);
	put_be16(ip + 4, ip_id++);
	put_be16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = proto;
	put_be16(ip + 10, 0);
	put_be32(ip + 12, net_port.ip);
	put_be32(ip + 16, dst_ip);
}

static bool ip_header_ok(const uint8_t *h, uint32_t room, struct ip_info *ip)
{
	ip->hlen = (uint16_t)((h[0] & 15) * 4);
	ip->total = get_be16(h + 2);
	ip->proto = h[9];
	ip->src = get_be32(h + 12);
	ip->dst = get_be32(h + 16);
	return h[0] >> 4 == 4 && ip->hlen >= IP_HLEN && ip->total >= ip->hlen && ip->total <= room;
}

static void ip_input(uint16_t cell, uint32_t len, const uint8_t src_mac[6])
{
	uint32_t room = len - ETH_HLEN;
	struct ip_info ip = { .cell = cell };
	uint8_t h[60];

	if (room < IP_HLEN) {
		net_drops.short_frame++;
		return;
	}
	hal_pkt_copy(cell, ETH_HLEN, h, room < sizeof(h) ? room : sizeof(h));
	memcpy(ip.src_mac, src_mac, 6);
	if (!ip_header_ok(h, room, &ip) || csum_fold(csum_add(0, h, ip.hlen)) != 0)
		net_drops.ip_header++;
	else if (get_be16(h + 6) & 0x3fff)
		net_drops.ip_fragment++;
	else if (!net_port.ip || ip.dst != net_port.ip || !net_unicast(ip.src) ||
		 ip.src == net_port.ip)
		net_drops.ip_address++;
	else if (ip.proto == IP_PROTO_ICMP)
		icmp_input(&ip);
	else
		net_drops.ip_proto++; /* TCP too: the engine did not vouch for its checksum */
}

void net_input(const struct hal_event *ev)
{
	uint16_t cell = (uint16_t)ev->w1;
	uint32_t len = ev->w1 >> 16;
	uint8_t eth[ETH_HLEN];
	uint16_t type;

	if (ev->flags & 1) {
		tcp_input(ev);
		return;
	}
	if (len >= ETH_HLEN) {
		hal_pkt_copy(cell, 0, eth, ETH_HLEN);
		type = get_be16(eth + 12);
		if (type == ETH_TYPE_ARP)
			arp_input(cell, len);
		else if (type == ETH_TYPE_IP)
			ip_input(cell, len, eth + 6);
		else
			net_drops.eth_type++;
	} else {
		net_drops.short_frame++;
	}
	hal_pkt_free(cell);
}

void net_txdone(const struct hal_event *ev)
{
	if (!frame_txdone(ev->w1))
		tcp_txdone(ev);
}
