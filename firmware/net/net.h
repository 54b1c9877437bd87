/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Ethernet port: frames that no connection's fast path took. net_input looks at the Ethernet
 * type and hands on to ARP, ICMP or TCP; every other frame is dropped and counted. Every cell that
 * comes in goes out again: freed here, or kept by TCP until its stream has used it up.
 *
 * Seams: VLAN tags end at net_input (the header length is in one place, ETH_HLEN); IPv6 would be
 * another case of the Ethernet type with its own input, and a wider address in struct tcp_params.
 */
#ifndef NET_H
#define NET_H

#include "hal.h"

#define ETH_HLEN 14u
#define ETH_TYPE_IP 0x0800u
#define ETH_TYPE_ARP 0x0806u
#define IP_HLEN 20u
#define IP_PROTO_ICMP 1u
#define IP_PROTO_TCP 6u

struct net_port {
	uint32_t ip, mask, gateway;
	uint16_t mtu;
	uint8_t mac[6];
};

/* What firmware itself dropped; the engines count theirs. */
struct net_drops {
	uint32_t eth_type, short_frame, ip_header, ip_fragment, ip_address, ip_proto, icmp, arp,
		no_buffer, tcp_header, tcp_no_conn;
};

extern struct net_port net_port;
extern struct net_drops net_drops;

void net_init(void); /* frames, ARP; before tcp_init */

/*
 * Sets address, MTU (576..9000) and MAC (all zero: keep). -EINVAL: address that is no unicast host
 * address, mask with holes, gateway outside of the net, MTU out of range, or MAC a group address.
 */
int net_configure(const struct net_port *p);

uint32_t net_next_hop(uint32_t dst);
bool net_unicast(uint32_t ip);               /* an address that may stand as a source */
void net_input(const struct hal_event *ev);  /* EVT_FRAME */
void net_txdone(const struct hal_event *ev); /* EVT_TXDONE, any record */

/*
 * Ethernet and IPv4 headers of a frame that firmware builds; the IPv4 checksum is left to the
 * engine (RECF_IPCSUM).
 */
void net_build(uint8_t *frame, const uint8_t dst_mac[6], uint32_t dst_ip, uint8_t proto,
	       uint32_t ip_payload);
void net_build_eth(uint8_t *frame, const uint8_t dst_mac[6], uint16_t type);

struct ip_info {
	uint32_t src, dst;
	uint16_t hlen, total; /* of the datagram that starts at frame byte ETH_HLEN */
	uint8_t proto;
	uint16_t cell;
	uint8_t src_mac[6];
};
void icmp_input(const struct ip_info *ip);

#endif
