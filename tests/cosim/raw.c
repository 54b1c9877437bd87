// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "raw.h"

#define PATIENCE_NS 20000000

static const uint8_t raw_mac[6] = { 2, 0, 0, 0, 0, 0x40 };

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A request for one of our addresses becomes its answer. */
static void on_arp(struct raw *raw, const uint8_t *f, size_t len)
{
	uint8_t answer[60] = { 0 };

	if (len < 42 || f[21] != 1 || get32(f + 38) < RAW_IP || get32(f + 38) > RAW_IP + 0x1000000)
		return;
	memcpy(answer, f + 6, 6);
	memcpy(answer + 6, raw_mac, 6);
	memcpy(answer + 12, f + 12, 8);
	answer[21] = 2;
	memcpy(answer + 22, raw_mac, 6);
	memcpy(answer + 28, f + 38, 4);
	memcpy(answer + 32, f + 22, 10);
	weft_world_port_send(raw->port, answer, sizeof(answer));
}

static void on_frame(void *ctx, const void *frame, size_t len, uint64_t now_ns)
{
	struct raw *raw = ctx;
	const uint8_t *f = frame;
	unsigned int i;

	(void)now_ns;
	if (f[12] == 8 && f[13] == 6) {
		on_arp(raw, f, len);
		return;
	}
	if (len < 54 || f[12] != 8 || f[13] || f[23] != 6 || memcmp(f, raw_mac, 6))
		return;
	for (i = 0; i < raw->n; i++)
		if (raw->host[i]->ip == get32(f + 30) &&
		    raw->host[i]->port == (f[36] << 8 | f[37])) {
			host_take(raw->host[i], frame, len);
			return;
		}
	if (f[47] & 4)
		raw->resets++;
	else if (f[47] & 2)
		raw->syn_acks++;
	else
		raw->others++;
}

static uint64_t on_poll(void *ctx, uint64_t now_ns)
{
	(void)ctx;
	(void)now_ns;
	return UINT64_MAX;
}

int raw_open(struct raw *raw, struct cosim *cosim)
{
	static const struct weft_peer_ops ops = { on_frame, on_poll };
	int ret;

	memset(raw, 0, sizeof(*raw));
	raw->cosim = cosim;
	ret = weft_world_add_peer(cosim->world, &ops, raw, &raw->port);
	return ret ? ret : weft_world_link(raw->port, cosim->spare[0], NULL, NULL, 0);
}

static void on_send(struct host *h, const void *frame, size_t len)
{
	weft_world_port_send(((struct raw *)h->ctx)->port, frame, len);
}

static void on_pass(struct host *h, uint64_t ns)
{
	struct cosim *cosim = ((struct raw *)h->ctx)->cosim;
	uint64_t end = cosim_now(cosim) + ns;

	while (cosim_now(cosim) < end)
		cosim_poll(cosim);
	h->now = cosim_now(cosim);
}

void raw_host(struct raw *raw, struct host *h, const char *subnqn)
{
	host_init(h, NULL);
	memcpy(h->mac, raw_mac, 6);
	h->send = on_send;
	h->pass = on_pass;
	h->ctx = raw;
	h->subnqn = subnqn;
	h->patience = PATIENCE_NS;
	h->now = cosim_now(raw->cosim);
	if (raw->n == RAW_HOSTS)
		abort();
	h->ip = RAW_IP + raw->n;
	raw->host[raw->n++] = h;
}

void raw_segment(struct raw *raw, uint32_t ip, uint16_t from, uint16_t to, uint32_t seq,
		 uint32_t ack, uint8_t flags, const void *bytes, size_t len)
{
	static struct host h;

	host_init(&h, NULL);
	memcpy(h.mac, raw_mac, 6);
	h.send = on_send;
	h.ctx = raw;
	h.ts = h.sack = false;
	h.ip = ip;
	h.port = from;
	h.remote = to;
	h.ack = ack;
	h.now = cosim_now(raw->cosim);
	host_segment(&h, seq, flags, bytes, len);
}
