/* SPDX-License-Identifier: BSD-2-Clause */
#include "client.h"

#include <string.h>

#include "lib/bytes.h"

struct client client(const struct agree *a)
{
	return (struct client){
		.ip = PEER_IP,
		.port = PEER_PORT,
		.dport = PORT,
		.iss = PEER_ISS,
		.tsval = 50000,
		.mss = a->mss,
		.ts = a->ts,
		.sack = a->sack,
		.wscale = a->wscale,
	};
}

static uint32_t put_ts(const struct client *c, uint8_t *p, uint32_t tsecr)
{
	if (!c->ts)
		return 0;
	memcpy(p, "\x01\x01\x08\x0a", 4);
	put_be32(p + 4, c->tsval);
	put_be32(p + 8, tsecr);
	return 12;
}

static uint32_t syn_options(const struct client *c, uint8_t *p)
{
	uint32_t n = 0;

	if (c->mss) {
		memcpy(p, "\x02\x04", 2);
		put_be16(p + 2, c->mss);
		n = 4;
	}
	if (c->sack) {
		memcpy(p + n, "\x01\x01\x04\x02", 4);
		n += 4;
	}
	n += put_ts(c, p + n, 0);
	if (c->wscale >= 0) {
		memcpy(p + n, "\x01\x03\x03", 3);
		p[n + 3] = (uint8_t)c->wscale;
		n += 4;
	}
	return n;
}

static void bring_from(const struct client *c, struct in *s)
{
	uint8_t f[FAKE_FRAME_MAX];
	uint32_t len;

	s->src = c->ip;
	s->sport = c->port;
	s->mac = c->mac;
	s->raw_opt = true;
	len = build_frame(f, s, c->dport);
	if (!c->port) /* the helper reads 0 as its own port */
		put_be16(f + 34, 0), put_be16(f + 50, get_be16(f + 50) + PEER_PORT);
	fake_rx(f, len);
	pump();
}

void bring_syn(struct client *c)
{
	struct in s = { .flags = TH_SYN, .seq = c->iss };
	uint32_t before = outs();

	s.opt_len = syn_options(c, s.opt);
	bring_from(c, &s);
	if (outs() > before && out_last()->flags == (TH_SYN | TH_ACK)) {
		c->server = out_last()->seq;
		c->tsecr = out_last()->tsval;
	}
}

void bring_ack(struct client *c, const char *data, uint32_t len)
{
	uint32_t off = (uint32_t)c->third_off;
	uint8_t bytes[2000];
	struct in s = {
		.flags = c->third_flags ? c->third_flags : TH_ACK,
		.seq = c->iss + 1 + off,
		.ack = c->server + 1 + (uint32_t)c->ack_off,
		.data = data ? bytes : NULL,
		.len = len,
	};

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = pattern(off + i);
	s.opt_len = put_ts(c, s.opt, c->tsecr);
	bring_from(c, &s);
	iss = c->server;
	peer_nxt = c->iss + 1 + off + len;
	ts_agreed = c->ts;
	if ((int32_t)(peer_tsval - c->tsval) < 0 || peer_tsval < 50000)
		peer_tsval = c->tsval;
}

void bring_flags(const struct client *c, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct in s = { .flags = flags, .seq = seq, .ack = ack };

	s.opt_len = flags & TH_SYN ? 0 : put_ts(c, s.opt, c->tsecr);
	bring_from(c, &s);
}

void exchange_data_from(uint32_t from)
{
	uint8_t data[1000];
	uint32_t at = 0, first;

	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = pattern(from + i);
	bring(&(struct in){ .flags = TH_ACK,
			    .seq = PEERS(from),
			    .ack = OURS(0),
			    .data = data,
			    .len = sizeof(data) });
	peer_nxt = PEERS(from + sizeof(data));
	check_stream(from + sizeof(data));
	out_clear();
	first = outs();
	send_pdu(1, 700);
	pump();
	for (uint32_t i = first; i < outs(); i++) {
		check_data(out_at(i));
		at += out_at(i)->len;
	}
	ck_assert_uint_eq(at, expected_len);
	ck_assert_uint_eq(out_last()->ack, PEERS(from + sizeof(data)));
	ack_from_peer(expected_len);
	ck_assert_uint_eq(user[CONN].acked, 1);
}

void exchange_data(void)
{
	exchange_data_from(0);
}
