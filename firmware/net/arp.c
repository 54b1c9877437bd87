/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/arp.h"

#include <string.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "net/frame.h"
#include "net/net.h"
#include "tcp/tcp.h"
#include "lib/timer.h"

#define ARP_LEN 28u
#define ENTRIES 32
#define TRIES 5
#define RETRY_MS 500
#define LIFE_MS 60000
#define OP_REQUEST 1
#define OP_REPLY 2

enum arp_state { FREE, ASKING, KNOWN };

struct entry {
	struct timer timer; /* ASKING: next try; KNOWN: end of life */
	uint32_t ip;
	uint8_t state, tries;
	uint8_t mac[6];
};

static struct entry cache[ENTRIES];
static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static struct entry *find(uint32_t ip)
{
	for (struct entry *e = cache; e < cache + ENTRIES; e++)
		if (e->state != FREE && e->ip == ip)
			return e;
	return NULL;
}

/* A free entry, or the known one that will age out first. */
static struct entry *take(void)
{
	struct entry *oldest = NULL;

	for (struct entry *e = cache; e < cache + ENTRIES; e++) {
		if (e->state == FREE)
			return e;
		if (e->state == KNOWN &&
		    (!oldest || (int32_t)(e->timer.expiry - oldest->timer.expiry) < 0))
			oldest = e;
	}
	if (oldest)
		timer_cancel(&oldest->timer);
	return oldest;
}

static void send(uint16_t op, const uint8_t eth_dst[6], const uint8_t target_mac[6],
		 uint32_t target_ip)
{
	struct frame *f = frame_alloc(60);
	uint8_t *p;

	if (!f) {
		net_drops.no_buffer++;
		return;
	}
	memset(f->data, 0, 60);
	net_build_eth(f->data, eth_dst, ETH_TYPE_ARP);
	p = f->data + ETH_HLEN;
	put_be16(p, 1);
	put_be16(p + 2, ETH_TYPE_IP);
	p[4] = 6;
	p[5] = 4;
	put_be16(p + 6, op);
	memcpy(p + 8, net_port.mac, 6);
	put_be32(p + 14, net_port.ip);
	memcpy(p + 18, target_mac, 6);
	put_be32(p + 24, target_ip);
	frame_send(f, 60, 0);
}

static void ask(uint32_t ip)
{
	static const uint8_t nobody[6];

	send(OP_REQUEST, broadcast, nobody, ip);
}

static void expired(struct timer *timer)
{
	struct entry *e = list_entry(&timer->node, struct entry, timer.node);

	if (e->state == KNOWN) {
		e->state = FREE;
		return;
	}
	if (e->tries++ < TRIES) {
		ask(e->ip);
		timer_set(timer, clk_now() + clk_ms(RETRY_MS));
		return;
	}
	e->state = FREE;
	tcp_neighbour(e->ip, NULL);
}

void arp_init(void)
{
	for (struct entry *e = cache; e < cache + ENTRIES; e++) {
		timer_setup(&e->timer, expired);
		e->state = FREE;
	}
}

void arp_flush(void)
{
	for (struct entry *e = cache; e < cache + ENTRIES; e++) {
		timer_cancel(&e->timer);
		e->state = FREE;
	}
}

int arp_resolve(uint32_t ip, uint8_t mac[6])
{
	struct entry *e = find(ip);

	if (e && e->state == KNOWN) {
		memcpy(mac, e->mac, 6);
		return 0;
	}
	if (e)
		return -EAGAIN;
	e = take();
	if (!e)
		return -ENOBUFS;
	e->state = ASKING;
	e->ip = ip;
	e->tries = 1;
	timer_set(&e->timer, clk_now() + clk_ms(RETRY_MS));
	ask(ip);
	return -EAGAIN;
}

void arp_confirm(uint32_t ip)
{
	struct entry *e = find(ip);

	if (!e || e->state == KNOWN)
		ask(ip);
}

static void learn(uint32_t ip, const uint8_t mac[6], bool create)
{
	struct entry *e = find(ip);

	if (!e) {
		e = create ? take() : NULL;
		if (!e)
			return;
		e->ip = ip;
	}
	e->state = KNOWN;
	memcpy(e->mac, mac, 6);
	timer_set(&e->timer, clk_now() + clk_ms(LIFE_MS));
	tcp_neighbour(ip, mac);
}

void arp_input(uint16_t cell, uint32_t len)
{
	uint8_t p[ARP_LEN];
	uint32_t sender, target;
	uint16_t op;

	if (len < ETH_HLEN + ARP_LEN)
		goto drop;
	hal_pkt_copy(cell, ETH_HLEN, p, ARP_LEN);
	op = get_be16(p + 6);
	sender = get_be32(p + 14);
	target = get_be32(p + 24);
	if (get_be16(p) != 1 || get_be16(p + 2) != ETH_TYPE_IP || p[4] != 6 || p[5] != 4 ||
	    (op != OP_REQUEST && op != OP_REPLY))
		goto drop;
	if (!net_port.ip || (p[8] & 1) || sender == net_port.ip)
		goto drop;
	/* Sender 0 is a probe for a duplicate address: answered, not remembered. */
	if (net_unicast(sender) && !((sender ^ net_port.ip) & net_port.mask))
		learn(sender, p + 8, target == net_port.ip);
	if (op == OP_REQUEST && target == net_port.ip)
		send(OP_REPLY, p + 8, p + 8, sender);
	return;
drop:
	net_drops.arp++;
}
