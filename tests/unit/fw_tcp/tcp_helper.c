/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp_helper.h"

#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/log.h"
#include "net/arp.h"
#include "net/frame.h"
#include "net/net.h"

#define MAX_OUT 8192u

const uint8_t our_mac[6] = { 0x02, 0, 0, 0, 0, 1 }, peer_mac[6] = { 0x02, 0, 0, 0, 0, 2 };
const struct agree agree_all = { true, true, 7, 1460, PEER_WND },
		   agree_nothing = { false, false, -1, 1460, PEER_WND };
struct user_log user[ENG_N_CONN];
bool ts_agreed;
uint32_t peer_tsval, iss, peer_nxt;
uint8_t *expected;
uint32_t expected_len;

static struct {
	uint8_t *data;
	uint32_t len;
} frames[MAX_OUT];
static uint32_t n_frames;
static struct out segs[MAX_OUT];
static uint32_t n_segs;
struct welcome welcome;
static uint16_t listened[64];
static uint32_t n_listened;

/* --- what the user of TCP sees ---------------------------------------------------------------------------------------- */

static void on_connected(uint16_t conn)
{
	user[conn].connected++;
}

static void on_acked(uint16_t conn, struct tcp_pdu *pdu)
{
	struct user_log *u = &user[conn];

	ck_assert_uint_eq(u->closed, 0);
	if (u->last_acked)
		u->in_order &= (int32_t)(pdu->seq - u->last_acked->seq) > 0;
	u->last_acked = pdu;
	u->acked++;
}

static void on_remote_closed(uint16_t conn)
{
	user[conn].remote_closed++;
	if (user[conn].close_on_remote)
		ck_assert_int_eq(tcp_close(conn), 0);
}

static void on_closed(uint16_t conn, int err)
{
	ck_assert_uint_eq(user[conn].closed, 0);
	user[conn].closed++;
	user[conn].err = err;
}

static bool on_acceptable(uint16_t port)
{
	must(listen_on(port));
	welcome.asked_syn++;
	return !welcome.refuse_syn;
}

static uint16_t on_incoming(uint16_t port, uint32_t ip, uint16_t rport)
{
	uint16_t conn = 1;

	must(port && ip && rport);
	welcome.asked_conn++;
	if (welcome.on_incoming)
		welcome.on_incoming();
	while (welcome.conn < 0 && conn < ENG_N_CONN && tcp_state(conn) != TCP_CLOSED)
		conn++;
	welcome.last = welcome.conn < 0 ? conn % ENG_N_CONN : (uint16_t)welcome.conn;
	if (welcome.last && welcome.last < ENG_N_CONN && tcp_state(welcome.last) == TCP_CLOSED)
		user[welcome.last] = (struct user_log){ .in_order = true };
	return welcome.last;
}

static const struct tcp_user_ops ops = {
	.connected = on_connected,
	.acked = on_acked,
	.remote_closed = on_remote_closed,
	.closed = on_closed,
	.acceptable = on_acceptable,
	.incoming = on_incoming,
};

void listen_port(uint16_t port, const struct tcp_params *p)
{
	static const struct tcp_params none;

	ck_assert_int_eq(tcp_listen(port, p ? p : &none), 0);
	listened[n_listened++] = port;
}

/* --- frames that leave ------------------------------------------------------------------------------------------------ */

static void take_options(struct out *o)
{
	struct seg s = { .flags = TH_SYN };

	must(opt_parse(&s, o->opt, o->opt_len));
	o->have_ts = s.have_ts;
	o->tsval = s.tsval;
	o->tsecr = s.tsecr;
	o->mss = s.mss;
	o->wscale = s.wscale;
	o->have_sack_ok = s.sack_ok;
	o->n_sack = s.n_sack;
	memcpy(o->sack, s.sack, sizeof(s.sack));
}

static uint16_t ones(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sum += (uint32_t)p[i] << (i & 1 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

bool take_apart(const uint8_t *f, uint32_t len, struct out *o)
{
	const uint8_t *tcp = f + 34;
	uint32_t hlen;

	if (len < 54 || get_be16(f + 12) != 0x0800 || f[23] != 6)
		return false;
	hlen = (tcp[12] >> 4) * 4u;
	must(get_be16(f + 16) + 14u == len);
	must(ones(0, f + 14, 20) == 0xffff);
	must(ones(6 + len - 34, f + 26, 8 + len - 34) == 0xffff);
	*o = (struct out){
		.src = get_be32(f + 26),
		.dst = get_be32(f + 30),
		.sport = get_be16(tcp),
		.dport = get_be16(tcp + 2),
		.seq = get_be32(tcp + 4),
		.ack = get_be32(tcp + 8),
		.flags = tcp[13],
		.wnd = get_be16(tcp + 14),
		.len = (uint16_t)(len - 34 - hlen),
		.data = tcp + hlen,
		.frame = f,
		.frame_len = len,
		.opt_len = hlen - 20,
	};
	memcpy(o->opt, tcp + 20, hlen - 20);
	take_options(o);
	return true;
}

void capture(void *arg, const uint8_t *frame, uint32_t len)
{
	(void)arg;
	must(n_frames < MAX_OUT);
	must(len <= net_port.mtu + 14u);
	frames[n_frames].data = malloc(len);
	memcpy(frames[n_frames].data, frame, len);
	frames[n_frames].len = len;
	if (take_apart(frames[n_frames].data, len, &segs[n_segs]))
		n_segs++;
	n_frames++;
}

void out_clear(void)
{
	while (n_frames)
		free(frames[--n_frames].data);
	n_segs = 0;
}

uint32_t outs(void)
{
	return n_segs;
}

uint32_t frames_out(void)
{
	return n_frames;
}

const uint8_t *frame_at(uint32_t i, uint32_t *len)
{
	ck_assert_uint_lt(i, n_frames);
	*len = frames[i].len;
	return frames[i].data;
}

const struct out *out_at(uint32_t i)
{
	ck_assert_uint_lt(i, n_segs);
	return &segs[i];
}

const struct out *out_last(void)
{
	ck_assert_uint_gt(n_segs, 0);
	return &segs[n_segs - 1];
}

const struct out *out_find(uint8_t flags)
{
	for (uint32_t i = 0; i < n_segs; i++)
		if ((segs[i].flags & ~TH_PSH) == flags)
			return &segs[i];
	return NULL;
}

/* --- frames that arrive ----------------------------------------------------------------------------------------------- */

static uint32_t put_options(uint8_t *p, const struct in *s)
{
	uint32_t n = 0;

	if (s->raw_opt) {
		memcpy(p, s->opt, s->opt_len);
		return s->opt_len;
	}
	if (ts_agreed && !s->no_ts) {
		p[0] = p[1] = 1;
		p[2] = 8;
		p[3] = 10;
		put_be32(p + 4, s->tsval ? s->tsval : ++peer_tsval);
		put_be32(p + 8, s->tsecr ? s->tsecr : n_segs ? segs[n_segs - 1].tsval : clk_now());
		n = 12;
	}
	if (s->n_sack)
		n += opt_sack(p + n, s->sack, s->n_sack);
	return n;
}

uint32_t build_frame(uint8_t *f, const struct in *s, uint16_t dport)
{
	uint8_t *tcp = f + 34;
	uint32_t hlen, len;

	memset(f, 0, 34 + 60);
	hlen = 20 + put_options(tcp + 20, s);
	len = 34 + hlen + s->len;
	memcpy(f, our_mac, 6);
	memcpy(f + 6, s->mac ? s->mac : peer_mac, 6);
	put_be16(f + 12, 0x0800);
	f[14] = 0x45;
	put_be16(f + 16, len - 14);
	f[22] = 64;
	f[23] = 6;
	put_be32(f + 26, s->src ? s->src : PEER_IP);
	put_be32(f + 30, OUR_IP);
	put_be16(tcp, s->sport ? s->sport : PEER_PORT);
	put_be16(tcp + 2, dport);
	put_be32(tcp + 4, s->seq);
	put_be32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)(hlen << 2);
	tcp[13] = s->flags;
	put_be16(tcp + 14, s->wnd ? s->wnd - (s->wnd == NO_WND) : PEER_WND);
	if (s->len)
		memcpy(tcp + hlen, s->data, s->len);
	put_be16(f + 24, ~ones(0, f + 14, 20));
	put_be16(tcp + 16, ~ones(6 + len - 34, f + 26, 8 + len - 34) ^ s->bad_csum);
	return len;
}

void bring_more(const struct in *s)
{
	uint8_t f[FAKE_FRAME_MAX];

	fake_rx(f, build_frame(f, s, tcp_local_port(CONN)));
}

void bring(const struct in *s)
{
	bring_more(s);
	pump();
}

void bring_arp_reply(uint32_t ip, const uint8_t mac[6])
{
	uint8_t f[60] = { 0 };

	memcpy(f, our_mac, 6);
	memcpy(f + 6, mac, 6);
	put_be16(f + 12, 0x0806);
	put_be16(f + 14, 1);
	put_be16(f + 16, 0x0800);
	f[18] = 6;
	f[19] = 4;
	put_be16(f + 20, 2);
	memcpy(f + 22, mac, 6);
	put_be32(f + 28, ip);
	memcpy(f + 32, our_mac, 6);
	put_be32(f + 38, OUR_IP);
	fake_rx(f, sizeof(f));
	pump();
}

/* --- time and events -------------------------------------------------------------------------------------------------- */

static void dispatch(const struct hal_event *ev)
{
	switch (ev->type) {
	case ENG_EVT_FRAME:
		net_input(ev);
		break;
	case ENG_EVT_ACK:
		tcp_ack_event(ev->id);
		break;
	case ENG_EVT_TXDONE:
		net_txdone(ev);
		break;
	case ENG_EVT_STOPPED:
		tcp_stopped(ev->id);
		break;
	default:
		ck_abort_msg("event %u", ev->type);
	}
}

void pump(void)
{
	struct hal_event ev;

	do {
		timer_run(clk_now());
		fake_run();
		while (event_next(&ev)) {
			dispatch(&ev);
		}
	} while (fake_tx_queued() > fake_opt.tx_stop || fake_events());
	fake_run();
}

void advance_ms(uint32_t ms)
{
	uint64_t end = hal_now_ns() + ms * 1000000ull;

	while (hal_now_ns() < end) {
		uint64_t next = timer_next_ns();
		uint64_t step = end - hal_now_ns();

		if (next > hal_now_ns() && next < end)
			step = next - hal_now_ns();
		fake_advance(step < 1000000                                  ? step :
			     step > 5000000 && next > hal_now_ns() + 5000000 ? 5000000 :
									       1000000);
		pump();
	}
}

/* --- setting up ------------------------------------------------------------------------------------------------------- */

static void start(uint16_t mtu, const struct tcp_config *cfg)
{
	struct net_port port = {
		.ip = OUR_IP, .mask = 0xffffff00, .gateway = 0x0a0000fe, .mtu = mtu
	};

	fake_reset();
	fake_opt.raw_stream = true;
	fake_set_out(capture, NULL);
	log_init();
	timer_init();
	net_init();
	memcpy(port.mac, our_mac, 6);
	ck_assert_int_eq(net_configure(&port), 0);
	tcp_init(&ops, cfg);
	memset(user, 0, sizeof(user));
	welcome = (struct welcome){ .conn = -1 };
	n_listened = 0;
	for (uint32_t i = 0; i < ENG_N_CONN; i++)
		user[i].in_order = true;
	out_clear();
	free(expected);
	expected = NULL;
	expected_len = 0;
	ts_agreed = false;
	peer_tsval = 1000;
}

void fill_host(void)
{
	for (uint32_t i = 0; i < FAKE_HOST_SIZE; i++)
		fake_host[i] = pattern(i);
}

void setup(void)
{
	start(1500, NULL);
}

void setup_mtu(uint16_t mtu)
{
	start(mtu, NULL);
}

void setup_config(const struct tcp_config *cfg)
{
	start(1500, cfg);
}

void teardown(void)
{
	fake_opt.tx_stop = 0;
	while (n_listened)
		tcp_unlisten(listened[--n_listened]);
	for (uint16_t i = 1; i < ENG_N_CONN; i++)
		tcp_abort(i, 0);
	pump();
	for (uint16_t i = 1; i < ENG_N_CONN; i++)
		ck_assert_int_eq(tcp_state(i), TCP_CLOSED);
	advance_ms(3000); /* TIME_WAIT */
	arp_flush();
	ck_assert(tcp_idle());
	ck_assert_uint_eq(timer_count(), 0);
	ck_assert_uint_eq(fake_cells_used(), 0);
	ck_assert_uint_eq(frame_used(), 0);
	ck_assert_uint_eq(fake_events(), 0);
	ck_assert_uint_eq(fake_tx_queued(), 0);
	for (uint16_t i = 0; i < ENG_N_CONN; i++)
		ck_assert(!fake_killed(i));
	out_clear();
	free(expected);
	expected = NULL;
	fake_reset();
}

void start_connect(const struct tcp_params *p)
{
	ck_assert_int_eq(tcp_connect(CONN, p), 0);
	pump();
	if (!outs())
		bring_arp_reply(PEER_IP, peer_mac);
	ck_assert_uint_eq(out_last()->flags, TH_SYN);
	iss = out_last()->seq;
}

void open_params(const struct agree *a, const struct tcp_params *p)
{
	struct in s = { .flags = TH_SYN | TH_ACK, .seq = PEER_ISS, .raw_opt = true, .wnd = a->wnd };
	uint32_t n = 0;

	start_connect(p);
	if (a->mss) {
		memcpy(s.opt, (uint8_t[]){ 2, 4, (uint8_t)(a->mss >> 8), (uint8_t)a->mss }, 4);
		n = 4;
	}
	if (a->sack) {
		memcpy(s.opt + n, (uint8_t[]){ 1, 1, 4, 2 }, 4);
		n += 4;
	}
	if (a->ts) {
		memcpy(s.opt + n, (uint8_t[]){ 1, 1, 8, 10 }, 4);
		put_be32(s.opt + n + 4, peer_tsval);
		put_be32(s.opt + n + 8, out_last()->tsval);
		n += 12;
	}
	if (a->wscale >= 0) {
		memcpy(s.opt + n, (uint8_t[]){ 1, 3, 3, (uint8_t)a->wscale }, 4);
		n += 4;
	}
	s.opt_len = n;
	s.ack = iss + 1;
	ts_agreed = a->ts;
	bring(&s);
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(out_last()->flags, TH_ACK);
	ck_assert_uint_eq(out_last()->ack, PEER_ISS + 1);
	peer_nxt = PEER_ISS + 1;
	out_clear();
}

void open_conn(const struct agree *a)
{
	const struct tcp_params p = { .remote_ip = PEER_IP, .remote_port = PEER_PORT };

	open_params(a, &p);
}

void ack_from_peer(uint32_t off)
{
	const struct in s = { .flags = TH_ACK, .seq = peer_nxt, .ack = OURS(off) };

	bring(&s);
}

/* --- PDUs ------------------------------------------------------------------------------------------------------------- */

uint8_t pattern(uint32_t i)
{
	i *= 2654435761u;
	return (uint8_t)(i >> 24 ^ i >> 13);
}

static void expect(const void *p, uint32_t len)
{
	expected = realloc(expected, expected_len + len + 1);
	memcpy(expected + expected_len, p, len);
	expected_len += len;
}

struct tcp_pdu *make_pdu(uint16_t n, uint32_t data_len, uint8_t recf)
{
	struct tcp_pdu *p = hal_slot_fw(n);
	struct weft_sq_entry *e = hal_slot_entry(n);
	uint8_t *hdr = (uint8_t *)(p + 1);
	uint32_t at = n * 4099u % (FAKE_HOST_SIZE - data_len - 64), cut = data_len / 3;

	memset(e, 0, sizeof(*e));
	memset(p, 0xa5, sizeof(*p)); /* what TCP needs it must set itself */
	p->user = n;
	e->data_len = data_len;
	e->sgl_count = 2;
	e->sgl[0].addr = at;
	e->sgl[0].len = cut;
	e->sgl[1].addr = at + cut + 7;
	e->sgl[1].len = data_len - cut;
	for (uint32_t i = 0; i < 24; i++)
		hdr[i] = (uint8_t)(n + i * 3);
	p->rec = (struct eng_tx_rec){ .hdr_addr = hal_xram_off(hdr),
				      .hdr_len = 24,
				      .flags = recf,
				      .data_len = data_len,
				      .data_slot = n };
	return p;
}

struct tcp_pdu *pdu_to_send(uint16_t n, uint32_t data_len)
{
	struct tcp_pdu *p = make_pdu(n, data_len, 0);
	const struct weft_sq_entry *e = hal_slot_entry(n);

	expect(p + 1, 24);
	expect(fake_host + e->sgl[0].addr, e->sgl[0].len);
	expect(fake_host + e->sgl[1].addr, e->sgl[1].len);
	return p;
}

uint32_t send_pdu(uint16_t n, uint32_t data_len)
{
	struct tcp_pdu *p = pdu_to_send(n, data_len);

	ck_assert_int_eq(tcp_send(CONN, p), 0);
	return p->len;
}

void check_data(const struct out *o)
{
	uint32_t off = o->seq - OURS(0);

	must(off + o->len <= expected_len);
	must(!memcmp(o->data, expected + off, o->len));
}

void check_stream(uint32_t len)
{
	uint32_t got;
	const uint8_t *s = fake_stream(CONN, &got);

	ck_assert_uint_eq(got, len);
	for (uint32_t i = 0; i < len; i++)
		must(s[i] == pattern(i));
}
