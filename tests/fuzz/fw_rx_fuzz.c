/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of everything that firmware reads from the wire below NVMe/TCP: Ethernet, ARP, IPv4, ICMP, TCP. The input is a
 * program of small steps: frames as they are, segments with good checksums whose fields lie near the connection's own numbers,
 * the user's calls, hosts that open connections (SYN queue and cookies), time. Besides the sanitizers three things must hold: the model of the engines aborts on misuse (cells
 * freed twice, bytes left out, records read after they were given back); what the peer could see of our data is right; and
 * after each input, with everything aborted, no cell, frame, timer or connection is left.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/event.h"
#include "hal_fake.h"
#include "lib/bytes.h"
#include "lib/csum.h"
#include "lib/err.h"
#include "lib/log.h"
#include "net/arp.h"
#include "net/frame.h"
#include "net/net.h"
#include "tcp/tcp.h"
#include "tcp/tcp_int.h"
#include "input.h"

#define OUR_IP 0x0a000001u
#define PEER_IP 0x0a000002u
#define CONNS 3u
#define PDUS 64u
#define LISTEN_PORT 4420
#define HOSTS 4u

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 2 };

static uint16_t free_pdu[PDUS];
static uint32_t n_free;
static uint16_t owner[PDUS + 1]; /* connection that holds the PDU */
static bool closed[CONNS + 1];
static struct {
	uint32_t iss, server, tsval;
} hosts[HOSTS]; /* PEER_IP, ports 6000.. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- the user --------------------------------------------------------------------------------------------------------- */

static void on_connected(uint16_t conn)
{
	if (closed[conn])
		abort();
}

static void give_back(struct tcp_pdu *pdu)
{
	owner[pdu->user] = 0;
	free_pdu[n_free++] = (uint16_t)pdu->user;
	memset(pdu, 0xee, sizeof(*pdu)); /* nobody reads it again */
}

static void on_acked(uint16_t conn, struct tcp_pdu *pdu)
{
	if (closed[conn] || owner[pdu->user] != conn)
		abort();
	give_back(pdu);
}

static void on_remote_closed(uint16_t conn)
{
	if (closed[conn])
		abort();
}

static void on_closed(uint16_t conn, int err)
{
	(void)err;
	if (closed[conn])
		abort();
	closed[conn] = true;
	for (uint16_t i = 1; i <= PDUS; i++)
		if (owner[i] == conn)
			give_back(hal_slot_fw(i));
}

static bool on_acceptable(uint16_t port)
{
	if (!listen_on(port))
		abort();
	return u8() < 250;
}

static uint16_t on_incoming(uint16_t port, uint32_t ip, uint16_t rport)
{
	if (!port || !ip || !rport)
		abort();
	if (u8() > 250)
		return u8() & 1 ? ENG_N_CONN + u8() :
				  tcp_state(1) != TCP_CLOSED; /* user's mistakes */
	for (uint16_t i = 1; i <= CONNS; i++) {
		if (tcp_state(i) == TCP_CLOSED) {
			closed[i] = false;
			return i;
		}
	}
	return 0;
}

static const struct tcp_user_ops ops = {
	.connected = on_connected,
	.acked = on_acked,
	.remote_closed = on_remote_closed,
	.closed = on_closed,
	.acceptable = on_acceptable,
	.incoming = on_incoming,
};

static void user_send(uint16_t conn, uint32_t len)
{
	struct tcp_pdu *p;
	struct weft_sq_entry *e;
	uint16_t n;

	if (!n_free)
		return;
	n = free_pdu[n_free - 1];
	p = hal_slot_fw(n);
	e = hal_slot_entry(n);
	memset(e, 0, sizeof(*e));
	e->data_len = len;
	e->sgl_count = 1;
	e->sgl[0].addr = 16;
	e->sgl[0].len = len;
	p->rec = (struct eng_tx_rec){
		.hdr_addr = hal_xram_off(p + 1),
		.hdr_len = 8,
		.data_len = len,
		.data_slot = n,
		.flags = len & 3,
	};
	p->user = n;
	memset(p + 1, 0x5a, 8);
	if (tcp_send(conn, p) == 0) {
		n_free--;
		owner[n] = conn;
	}
}

static void user_connect(uint16_t conn, uint8_t how)
{
	const struct tcp_params p = {
		.remote_ip = PEER_IP,
		.remote_port = (uint16_t)(4420 + conn),
		.local_port = (uint16_t)(how & 1 ? 0 : 5000 + conn),
		.rcv_wnd = how & 2 ? 8192 : 0,
		.keepalive_ms = how & 4 ? 500 : 0,
		.mss_limit = how & 8 ? 300 : 0,
	};

	if (tcp_connect(conn, &p) == 0)
		closed[conn] = false;
}

/* --- frames ----------------------------------------------------------------------------------------------------------- */

static void check_out(void *arg, const uint8_t *f, uint32_t len)
{
	(void)arg;
	if (len > net_port.mtu + 14u || len < 42)
		abort();
	if (get_be16(f + 12) == 0x0800 &&
	    (f[14] != 0x45 || get_be16(f + 16) + 14u != len || csum_fold(csum_add(0, f + 14, 20))))
		abort();
	if (get_be16(f + 12) == 0x0800 && f[23] == 6 && f[47] == (TH_SYN | TH_ACK) &&
	    get_be16(f + 34) == LISTEN_PORT && get_be16(f + 36) - 6000u < HOSTS) {
		hosts[get_be16(f + 36) - 6000u].server = get_be32(f + 38);
		hosts[get_be16(f + 36) - 6000u].tsval = len >= 74 ? get_be32(f + 62) : 0;
	}
}

/* Ethernet and IPv4 headers of a TCP segment to us. */
static void head(uint8_t *f, uint32_t ip, uint32_t total)
{
	memcpy(f, our_mac, 6);
	memcpy(f + 6, peer_mac, 6);
	put_be16(f + 12, 0x0800);
	f[14] = 0x45;
	put_be16(f + 16, total);
	f[22] = 64;
	f[23] = 6;
	put_be32(f + 26, ip);
	put_be32(f + 30, OUR_IP);
}

static void sums(uint8_t *f, uint32_t len)
{
	uint32_t s = csum_add(6 + len - 34, f + 26, 8);

	put_be16(f + 24, 0);
	put_be16(f + 24, csum_fold(csum_add(0, f + 14, 20)));
	put_be16(f + 50, 0);
	put_be16(f + 50, csum_fold(csum_add(s, f + 34, len - 34)));
}

static uint32_t near(uint32_t base)
{
	uint8_t how = u8();

	if (how < 128)
		return base;
	if (how < 230)
		return base + (uint32_t)(int32_t)(int16_t)u16();
	return base + u32();
}

static uint32_t options(uint8_t *p, const struct tcb *t, uint8_t how)
{
	uint32_t n = 0;

	if ((how & 3) == 3) { /* anything */
		for (n = 0; n < (how >> 2 & 7) * 4u; n++)
			p[n] = u8();
		return n;
	}
	if (how & 4) {
		p[0] = p[1] = 1;
		p[2] = 8;
		p[3] = 10;
		put_be32(p + 4, near(t->ts_recent + 1));
		put_be32(p + 8, near(clk_now()));
		n = 12;
	}
	if (how & 8) {
		struct range r[3];
		uint32_t k = 1 + (how >> 4 & 1);

		for (uint32_t i = 0; i < k; i++) {
			r[i].start = near(t->snd_una + u8() * 100u);
			r[i].end = near(r[i].start + u8() * 50u);
		}
		n += opt_sack(p + n, r, k);
	}
	if (how & 32) {
		memcpy(p + n, "\x02\x04\x05\xb4\x04\x02\x03\x03", 8);
		p[n + 7] = how >> 6;
		p[n + 8] = 7;
		memcpy(p + n + 8, "\x01\x01\x01\x01", 4);
		n += 12;
	}
	return n;
}

static void segment(uint16_t conn)
{
	static const uint8_t flags[] = { TH_ACK,          TH_ACK | TH_PSH, TH_ACK, TH_SYN | TH_ACK,
					 TH_FIN | TH_ACK, TH_RST,          TH_SYN, TH_RST | TH_ACK };
	const struct tcb *t = tcb_of(conn);
	struct eng_conn_state st;
	uint8_t f[2000] = { 0 }, *tcp = f + 34;
	uint8_t what = u8();
	uint32_t hlen, len, rcv = t->rcv_nxt;

	hal_conn_state(conn, &st);
	if (t->flags & F_FAST)
		rcv = st.rcv_nxt;
	hlen = 20 + options(tcp + 20, t, u8());
	len = what & 32 ? u16() % 1400 : 0;
	head(f, PEER_IP, 20 + hlen + len);
	put_be16(tcp, t->remote_port);
	put_be16(tcp + 2, t->local_port);
	put_be32(tcp + 4, near(rcv));
	put_be32(tcp + 8, near(what & 16 ? t->snd_nxt + !!(t->flags & F_FIN_SENT) : t->snd_una));
	tcp[12] = (uint8_t)(hlen << 2);
	tcp[13] = what & 128 ? u8() : flags[what & 7];
	put_be16(tcp + 14, what & 64 ? u16() : 0xffff);
	sums(f, 34 + hlen + len);
	fake_rx(f, 34 + hlen + len);
}

static void any_frame(void)
{
	uint8_t f[400] = { 0 };
	uint32_t len = 14 + u8();

	memcpy(f, our_mac, 6);
	memcpy(f + 6, peer_mac, 6);
	for (uint32_t i = 12; i < len; i++)
		f[i] = u8();
	if (f[12] & 1) { /* rather IPv4 with a good header */
		put_be16(f + 12, 0x0800);
		f[14] = 0x45;
		put_be16(f + 16, len - 14);
		put_be32(f + 30, OUR_IP);
		if (len >= 34) {
			put_be16(f + 24, 0);
			put_be16(f + 24, csum_fold(csum_add(0, f + 14, 20)));
		}
		if (len >= 42 && f[23] == 1) {
			put_be16(f + 36, 0);
			put_be16(f + 36, csum_fold(csum_add(0, f + 34, len - 34)));
		}
	} else if (f[12] & 2) {
		put_be16(f + 12, 0x0806);
	}
	fake_rx(f, len);
}

/* A TCP segment to the listening port. */
static void to_listener(uint32_t ip, uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack,
			const uint8_t *opt, uint32_t opt_len, uint32_t len)
{
	uint8_t f[400] = { 0 }, *tcp = f + 34;

	head(f, ip, 40 + opt_len + len);
	put_be16(tcp, port);
	put_be16(tcp + 2, LISTEN_PORT);
	put_be32(tcp + 4, seq);
	put_be32(tcp + 8, ack);
	tcp[12] = (uint8_t)((20 + opt_len) << 2);
	tcp[13] = flags;
	put_be16(tcp + 14, 0xffff);
	memcpy(tcp + 20, opt, opt_len);
	sums(f, 54 + opt_len + len);
	fake_rx(f, 54 + opt_len + len);
}

static void pump(void);

/* A host at our door: SYN, third segment, anything; or a crowd that fills the queue. */
static void knock(void)
{
	static const struct tcp_params p;
	uint8_t how = u8(),
		opt[20] = "\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\x05\0\0\0\0\x01\x03\x03";
	uint8_t ts[12] = "\x01\x01\x08\x0a\0\0\0\x05";
	uint32_t i = how % HOSTS;
	uint16_t port = (uint16_t)(6000 + i);

	opt[19] = 7;
	put_be32(ts + 8, hosts[i].tsval);
	switch (how >> 2 & 15) {
	case 0:
		for (uint16_t k = 0; k < 70; k++) {
			to_listener(0x0b000000u + k, k + 1, TH_SYN, k, 0, opt, how & 64 ? 20 : 4,
				    0);
			if (k % 16 == 0)
				pump();
		}
		break;
	case 1:
		if (tcp_unlisten(LISTEN_PORT))
			tcp_listen(LISTEN_PORT, &p);
		break;
	case 2:
		to_listener(PEER_IP, port, u8(), near(hosts[i].iss), near(hosts[i].server), opt,
			    how & 64 ? 20 : 0, u8());
		break;
	case 3 ... 7:
		hosts[i].iss = near(hosts[i].iss);
		to_listener(PEER_IP, port, TH_SYN, hosts[i].iss, 0, opt, how & 64 ? 20 : 4, 0);
		break;
	default:
		to_listener(PEER_IP, port, how & 128 ? TH_ACK : TH_ACK | TH_FIN,
			    near(hosts[i].iss + 1), near(hosts[i].server + 1), ts,
			    how & 64 ? 12 : 0, u8());
		break;
	}
}

/* What only a broken engine would say: an event whose numbers do not fit the frame. */
static void odd_event(void)
{
	uint8_t f[80];
	struct hal_event ev = { .type = ENG_EVT_FRAME, .flags = 1, .id = u8() };
	uint16_t cell;

	memset(f, 0, sizeof(f));
	f[46] = u8();
	cell = fake_raw_frame(f, sizeof(f));
	if (cell == ENG_NO_SLOT || fake_events() > 400)
		return;
	ev.w1 = cell | (uint32_t)sizeof(f) << 16;
	ev.w2 = u32();
	fake_push_event(&ev);
}

static void arp_reply(void)
{
	uint8_t f[60] = { 0 };

	memcpy(f, our_mac, 6);
	memcpy(f + 6, peer_mac, 6);
	memcpy(f + 12, "\x08\x06\0\x01\x08\0\x06\x04\0\x02", 10);
	memcpy(f + 22, peer_mac, 6);
	put_be32(f + 28, PEER_IP);
	memcpy(f + 32, our_mac, 6);
	put_be32(f + 38, OUR_IP);
	fake_rx(f, sizeof(f));
}

/* --- the loop --------------------------------------------------------------------------------------------------------- */

static void dispatch(const struct hal_event *ev)
{
	if (ev->type == ENG_EVT_FRAME)
		net_input(ev);
	else if (ev->type == ENG_EVT_ACK)
		tcp_ack_event(ev->id);
	else if (ev->type == ENG_EVT_TXDONE)
		net_txdone(ev);
	else if (ev->type == ENG_EVT_STOPPED)
		tcp_stopped(ev->id);
	else
		abort();
}

static void pump(void)
{
	struct hal_event ev;

	for (int i = 0; i < 1000; i++) {
		timer_run(clk_now());
		fake_run();
		if (!fake_events())
			return;
		while (event_next(&ev)) {
			dispatch(&ev);
		}
	}
	abort(); /* talks to itself */
}

static void handshake(uint16_t conn)
{
	static const uint8_t opt[] = { 2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1 };
	const struct tcb *t = tcb_of(conn);
	uint8_t f[100] = { 0 }, *tcp = f + 34;

	if (t->state != TCP_SYN_SENT) {
		knock();
		return;
	}
	head(f, PEER_IP, 20 + 44);
	put_be16(tcp, t->remote_port);
	put_be16(tcp + 2, t->local_port);
	put_be32(tcp + 4, 0x80000000u - 3000);
	put_be32(tcp + 8, t->iss + 1);
	tcp[12] = 44 << 2;
	tcp[13] = TH_SYN | TH_ACK;
	put_be16(tcp + 14, 0xffff);
	memcpy(tcp + 20, opt, 12);
	memcpy(tcp + 32, "\x01\x01\x08\x0a\0\0\x10\0\0\0\0\0", 12);
	sums(f, 34 + 44);
	fake_rx(f, 34 + 44);
}

static void step(void)
{
	uint8_t op = u8();
	uint16_t conn = (uint16_t)(1 + (op >> 4) % CONNS);

	switch (op & 15) {
	case 0:
	case 1:
	case 2:
	case 3:
		segment(conn);
		break;
	case 4:
		any_frame();
		break;
	case 5:
		user_send(conn, u16() & 0x3fff);
		break;
	case 6:
		user_send(conn, u8());
		break;
	case 7:
		tcp_close(conn);
		break;
	case 8:
		tcp_abort(conn, -ECONNABORTED);
		break;
	case 9:
		fake_advance(u16() * 100000ull);
		break;
	case 10:
		fake_opt.tx_stop = u8() & 31;
		break;
	case 11:
		fake_opt.hold_stream = u8() & 1;
		fake_opt.cells_hidden = u8() * 4u;
		if (!fake_opt.hold_stream)
			fake_stream_release(conn);
		break;
	case 12:
		user_connect(conn, u8());
		break;
	case 13:
		handshake(conn);
		break;
	case 14:
		odd_event();
		break;
	default:
		arp_reply();
		fake_opt.slow_only = op & 16;
		break;
	}
	if (!(op & 128))
		pump();
}

static void begin(void)
{
	struct net_port port = {
		.ip = OUR_IP, .mask = 0xffffff00, .gateway = 0x0a0000fe, .mtu = 1500
	};

	fake_reset();
	fake_opt.raw_stream = true;
	fake_set_out(check_out, NULL);
	log_init();
	timer_init();
	net_init();
	memcpy(port.mac, our_mac, 6);
	if (net_configure(&port))
		abort();
	tcp_init(&ops, NULL);
	n_free = 0;
	memset(owner, 0, sizeof(owner));
	for (uint16_t i = 0; i < PDUS; i++)
		free_pdu[n_free++] = (uint16_t)(i + 1);
	memset(closed, 1, sizeof(closed));
	memset(hosts, 0, sizeof(hosts));
	if (tcp_listen(LISTEN_PORT, &(struct tcp_params){ 0 }))
		abort();
	user_connect(1, 0);
	pump();
	arp_reply();
	pump();
	handshake(1);
	pump();
}

static void end(void)
{
	fake_opt.tx_stop = 0;
	fake_opt.cells_hidden = 0;
	fake_opt.hold_stream = false;
	tcp_unlisten(LISTEN_PORT);
	for (uint16_t i = 1; i <= CONNS; i++) {
		tcp_abort(i, 0);
		fake_stream_release(i);
	}
	pump();
	arp_flush();
	for (int i = 0; i < 100 && timer_count(); i++) { /* TIME_WAIT */
		fake_advance(timer_next_ns() - hal_now_ns());
		pump();
	}
	for (uint16_t i = 1; i <= CONNS; i++)
		if (!closed[i] || fake_killed(i))
			abort();
	if (!tcp_idle() || timer_count() || fake_cells_used() || frame_used() || fake_events() ||
	    fake_tx_queued())
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	in = data;
	left = size;
	begin();
	for (int i = 0; left && i < 300; i++)
		step();
	end();
	return 0;
}
