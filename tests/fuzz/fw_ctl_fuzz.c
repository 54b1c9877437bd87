/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of the firmware's controller role: the whole firmware with one pair that accepts connections. The input is a program of
 * small steps of a host that sends PDUs near the rules or far from them, of a host program that replies to any buffer with
 * anything, of DISCONNECT, LISTEN, time. Besides the sanitizers: every entry ends in exactly one completion, a capsule comes only
 * while connected, nothing but ENOTCONN after a connection's end, what the adapter sends are whole PDUs of the controller, memory
 * that nobody named stays as it is, and with everything ended nothing is left anywhere.
 */
#include <stdlib.h>
#include <string.h>

#include "hal_fake.h"
#include "host/qp.h"
#include "lib/bytes.h"
#include "lib/csum.h"
#include "lib/err.h"
#include "lib/timer.h"
#include "main.h"
#include "net/arp.h"
#include "net/frame.h"
#include "nvme_tcp/nt_ctl.h"
#include "tcp/tcp_int.h"
#include "input.h"

#define OUR_IP 0x0a000001u
#define PEER_IP 0x0a000002u
#define PORT 4420u
#define QP 1u
#define ENTRIES 8u
#define ICD 4096u
#define DATA 0x10000u /* the program's buffers, 256 KiB */
#define DATA_END 0x50000u
#define RX_CMD 0x100000u
#define RX_ICD 0x140000u
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define R2TS 32u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __real_hal_complete(const struct hal_cpl *cpl);
void __wrap_hal_complete(const struct hal_cpl *cpl);

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 2 };

/* The host program */
static uint32_t open_entries[ENTRIES], admin_open[32];
static bool busy[ENTRIES], held[ENTRIES], told;
static uint16_t admin_next;

/* The peer */
static struct {
	uint32_t snd, rcv;
	uint16_t rport;
	bool up, synced, fin, hold_acks;
	uint8_t digests, align;
	uint8_t out[65536]; /* PDUs not sent yet */
	uint32_t out_len;
	uint8_t rx[8]; /* head of the PDU that is coming */
	uint8_t body[24];
	uint32_t rx_got, rx_left;
} peer;
static struct r2t {
	uint16_t cccid, ttag;
	uint32_t off, len;
} r2ts[R2TS];
static uint32_t n_r2ts;

#define must(cond)               \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

/* --- what the host program is told ---------------------------------------------------------------------------------------- */

static void check_command(const struct hal_cpl *cpl)
{
	must(cpl->cid < ENTRIES && open_entries[cpl->cid]);
	open_entries[cpl->cid]--;
	if (cpl->slot != ENG_NO_SLOT)
		busy[cpl->cid] = false;
	must(!cpl->status || !cpl->data_len);
	must(!told || cpl->status == ENOTCONN);
}

static void check_admin(const struct hal_cpl *cpl)
{
	must(cpl->slot < 32 && admin_open[cpl->slot]);
	admin_open[cpl->slot] = 0;
}

void __wrap_hal_complete(const struct hal_cpl *cpl)
{
	if (cpl->type == WEFT_CQT_ADMIN) {
		check_admin(cpl);
	} else if (cpl->type == WEFT_CQT_COMMAND) {
		must(cpl->qp == QP);
		check_command(cpl);
	} else if (cpl->type == WEFT_CQT_EVENT) {
		must(nt_conns[QP].was_ready && !told);
		told = true;
	} else {
		must(cpl->type == WEFT_CQT_CAPSULE && nt_conns[QP].state == NT_SERVING && !told);
		must(cpl->data_len <= ICD && cpl->cid < ENTRIES);
		busy[cpl->cid] = false;
		held[cpl->cid] = true;
	}
	__real_hal_complete(cpl);
	fake_cpl_count = 0;
}

/* --- frames ----------------------------------------------------------------------------------------------------------------- */

static void frame(uint8_t flags, const uint8_t *data, uint32_t len)
{
	static const uint8_t opt[8] = { 2, 4, 5, 0xb4, 1, 3, 3, 7 };
	uint8_t f[1600] = { 0 }, *tcp = f + 34;
	uint32_t hlen = flags & TH_SYN ? 28 : 20, total = 34 + hlen + len, s;

	memcpy(f, our_mac, 6);
	memcpy(f + 6, peer_mac, 6);
	put_be16(f + 12, 0x0800);
	f[14] = 0x45;
	put_be16(f + 16, total - 14);
	f[22] = 64;
	f[23] = 6;
	put_be32(f + 26, PEER_IP);
	put_be32(f + 30, OUR_IP);
	put_be16(tcp, peer.rport);
	put_be16(tcp + 2, PORT);
	put_be32(tcp + 4, peer.snd);
	put_be32(tcp + 8, flags & TH_ACK ? peer.rcv : 0);
	tcp[12] = (uint8_t)(hlen << 2);
	tcp[13] = flags;
	put_be16(tcp + 14, 0xffff);
	if (flags & TH_SYN)
		memcpy(tcp + 20, opt, 8);
	if (len)
		memcpy(tcp + hlen, data, len);
	put_be16(f + 24, csum_fold(csum_add(0, f + 14, 20)));
	s = csum_add(6 + total - 34, f + 26, 8);
	put_be16(tcp + 16, csum_fold(csum_add(s, tcp, total - 34)));
	fake_rx(f, total);
}

/* What the adapter sends are PDUs of a controller; requests are remembered. */
static void pdu_seen(void)
{
	const uint8_t *h = peer.rx;

	must(h[0] == PDU_ICRESP || h[0] == PDU_C2H_TERM_REQ || h[0] == PDU_CAPSULE_RESP ||
	     h[0] == PDU_C2H_DATA || h[0] == PDU_R2T);
	must(h[2] == (h[0] == PDU_ICRESP ? 128 : 24));
	if (h[0] == PDU_ICRESP)
		peer.digests = peer.body[3];
	if (h[0] != PDU_R2T)
		return;
	must(get_le32(peer.body + 8));
	r2ts[n_r2ts++ % R2TS] = (struct r2t){ get_le16(peer.body), get_le16(peer.body + 2),
					      get_le32(peer.body + 4), get_le32(peer.body + 8) };
}

static void take(const uint8_t *d, uint32_t n)
{
	while (n--) {
		if (peer.rx_got < 8) {
			peer.rx[peer.rx_got++] = *d++;
			if (peer.rx_got == 8) {
				must(get_le32(peer.rx + 4) >= 24 &&
				     get_le32(peer.rx + 4) <= WEFT_PDU_DATA_MAX + 300);
				peer.rx_left = get_le32(peer.rx + 4) - 8;
			}
			continue;
		}
		if (peer.rx_got < 32)
			peer.body[peer.rx_got - 8] = *d;
		peer.rx_got++;
		d++;
		if (!--peer.rx_left) {
			pdu_seen();
			peer.rx_got = 0;
		}
	}
}

static bool ack_due;

static void on_out(void *arg, const uint8_t *f, uint32_t len)
{
	const uint8_t *tcp = f + 34;
	uint32_t hlen, n;

	(void)arg;
	if (get_be16(f + 12) != 0x0800 || f[23] != 6 || get_be16(tcp + 2) != peer.rport)
		return;
	hlen = (uint32_t)tcp[12] >> 4 << 2;
	must(len >= 34 + hlen);
	n = get_be16(f + 16) - 20 - hlen;
	if (tcp[13] & TH_RST) {
		peer.up = false;
		return;
	}
	if (tcp[13] & TH_SYN) {
		peer.rcv = get_be32(tcp + 4) + 1;
		peer.synced = true;
		ack_due = true;
		return;
	}
	if (get_be32(tcp + 4) != peer.rcv)
		return;
	take(tcp + hlen, n);
	peer.rcv += n + !!(tcp[13] & TH_FIN);
	ack_due |= n || (tcp[13] & TH_FIN);
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

static void pump(void)
{
	for (int i = 0; i < 3000; i++) {
		bool more = fw_turn();

		fake_run();
		if (ack_due && !peer.hold_acks && peer.synced) {
			ack_due = false;
			frame(TH_ACK, NULL, 0);
			more = true;
		}
		if (!more && !fake_events() && fake_tx_queued() <= fake_opt.tx_stop)
			return;
	}
	abort(); /* talks to itself */
}

static void flush(uint32_t n)
{
	uint32_t done = 0;

	n = n < peer.out_len ? n : peer.out_len;
	while (done < n && peer.synced && !peer.fin) {
		uint32_t k = n - done < 1400 ? n - done : 1400;

		frame(TH_ACK | TH_PSH, peer.out + done, k);
		peer.snd += k;
		done += k;
		if (done % 28000 == 0)
			pump();
	}
	memmove(peer.out, peer.out + n, peer.out_len - n);
	peer.out_len -= n;
}

/* --- the host's PDUs ------------------------------------------------------------------------------------------------------- */

static void add(const void *d, uint32_t n)
{
	if (n > sizeof(peer.out) - peer.out_len)
		flush(peer.out_len);
	n = n < sizeof(peer.out) ? n : sizeof(peer.out);
	if (d)
		memcpy(peer.out + peer.out_len, d, n);
	else
		memset(peer.out + peer.out_len, 0x77, n);
	peer.out_len += n;
}

/* A header with its data, digests as agreed; then how bends it. */
static void pdu(uint8_t *h, uint8_t hlen, uint32_t len, uint8_t how)
{
	bool hd = (peer.digests & 1) && h[0] >= 4, dd = (peer.digests & 2) && h[0] >= 4 && len;
	uint32_t head = hlen + (hd ? 4u : 0),
		 pdo = len ? (head + peer.align - 1) / peer.align * peer.align : 0;
	static uint8_t data[16384];
	uint32_t crc;

	h[1] = (uint8_t)(h[1] | hd | dd << 1);
	h[2] = hlen;
	h[3] = (uint8_t)pdo;
	put_le32(h + 4, (len ? pdo + len : head) + (dd ? 4 : 0));
	for (; how; how >>= 4) { /* low bits: how many fields are hit */
		uint8_t at = u8() % hlen;

		if ((how & 15) < 3)
			h[at] = u8();
		else if ((how & 15) < 5)
			h[at] = (uint8_t)(h[at] + 1);
	}
	add(h, hlen);
	crc = ~fake_crc32c(0xffffffff, h, hlen);
	if (hd)
		add(&crc, 4);
	if (len) {
		add(NULL, pdo - head);
		memset(data, 0x42, sizeof(data));
		add(data, len);
		crc = ~fake_crc32c(0xffffffff, data, len) ^ (how == 0xf);
	}
	if (dd)
		add(&crc, 4);
}

static void send_capsule(void)
{
	uint8_t h[72] = { PDU_CAPSULE_CMD }, kind = u8();
	uint32_t len = kind & 1 ? 0 : kind & 2 ? u16() % 5000 : 512;

	for (int i = 8; i < 16; i++)
		h[i] = u8();
	pdu(h, 72, len, kind & 0x80 ? kind : 0);
}

static void send_h2c(void)
{
	uint8_t h[24] = { PDU_H2C_DATA }, kind = u8();
	struct r2t *r = &r2ts[(n_r2ts - 1 - u8() % 3) % R2TS];
	uint32_t len = kind & 1 ? r->len : kind & 2 ? u16() : r->len / 2;

	len = len < 16384 ? len : 16384;
	if (len && len == r->len)
		h[1] = PDU_F_LAST;
	put_le16(h + 8, r->cccid);
	put_le16(h + 10, r->ttag);
	put_le32(h + 12, r->off);
	put_le32(h + 16, len);
	r->off += len;
	r->len -= len < r->len ? len : r->len;
	pdu(h, 24, len, kind & 0x80 ? kind : 0);
}

static void send_any(void)
{
	uint8_t h[160];
	uint32_t n = 8 + u8() % 150;

	for (uint32_t i = 0; i < n; i++)
		h[i] = i < 32 ? u8() : (uint8_t)i;
	add(h, n);
}

static void send_icreq(uint8_t how)
{
	uint8_t h[128] = { 0 };

	h[2] = 128;
	h[4] = 128;
	h[10] = how >> 2 & 31;
	h[11] = how & 3;
	h[12] = u8() & 7;
	if (how & 0x80)
		h[u8() & 15] = u8();
	add(h, 128);
}

static void connect_peer(void)
{
	uint16_t rport = (uint16_t)(peer.rport + 1);
	uint8_t how = u8();

	memset(&peer, 0, sizeof(peer));
	n_r2ts = 0;
	memset(r2ts, 0, sizeof(r2ts));
	peer.rport = MAX(rport, 1024);
	peer.up = true;
	peer.align = nt_ctls[QP].cpda * 4u + 4;
	peer.snd = 0x7fff0000;
	frame(TH_SYN, NULL, 0);
	peer.snd++;
	pump();
	if (how & 0x40)
		return;
	send_icreq(how & 0x20 ? how : how & 3);
	flush(128);
	pump();
}

/* --- the host program -------------------------------------------------------------------------------------------------------- */

static uint16_t admin(uint8_t opcode, const void *args, uint32_t len)
{
	union {
		struct weft_sq_entry s;
		struct weft_admin_entry a;
	} e;
	uint16_t cid = admin_next % 32;

	for (int i = 0; i < 32 && admin_open[cid]; i++)
		cid = (uint16_t)((cid + 1) % 32);
	must(!admin_open[cid]);
	admin_next = (uint16_t)(cid + 1);
	memset(&e, 0, sizeof(e));
	e.a.opcode = opcode;
	e.a.cid = cid;
	memcpy(e.a.args, args, len);
	admin_open[cid] = 1;
	fake_submit(0, cid, &e.s);
	pump();
	return cid;
}

static void accept_conn(uint8_t how)
{
	struct weft_arg_accept a = { .qp = QP,
				     .digests = how & 3,
				     .cpda = how >> 2 & 31,
				     .maxh2cdata = how & 0x80 ? 4096 : 65536,
				     .ic_timeout_ms = 500 };

	if (nt_conns[QP].state == NT_IDLE)
		told = false;
	admin(WEFT_OP_ACCEPT, &a, sizeof(a));
}

static void listen_port(uint8_t op)
{
	struct weft_arg_listen a = { .port = PORT };

	admin(op, &a, sizeof(a));
}

static void disconnect(uint8_t how)
{
	struct weft_arg_disconnect a = { .qp = QP, .abort = how & 1 };

	admin(WEFT_OP_DISCONNECT, &a, sizeof(a));
}

static void reply(void)
{
	static const uint8_t ops[] = { WEFT_OP_GET_DATA, WEFT_OP_SEND_DATA, WEFT_OP_RESPOND,
				       WEFT_OP_SEND_DATA };
	static const uint8_t flags[] = { 1, 0x11, 0x31, 0x51, 0x41, 2, 2, 0 };
	union {
		struct weft_sq_entry s;
		struct weft_ctl_entry c;
	} u;
	uint8_t kind = u8(), cid = u8() % ENTRIES;

	for (int i = 0; i < 8 && u8() < 240 && (busy[cid] || !held[cid]); i++)
		cid = (uint8_t)((cid + 1) % ENTRIES); /* rather one that may be replied to */
	if (busy[cid])                                /* the ring engine refuses it */
		return;
	memset(&u, 0, sizeof(u));
	u.c.opcode = ops[kind & 3];
	u.c.flags = u.c.opcode == WEFT_OP_GET_DATA ? 2 :
		    u.c.opcode == WEFT_OP_RESPOND  ? 0 :
						     flags[kind >> 2 & 3];
	u.c.cid = cid;
	u.c.cccid = cid;
	u.c.data_len = u.c.opcode == WEFT_OP_RESPOND ? 0 : kind & 32 ? u16() * 2u : 512;
	u.c.sgl_count = 1;
	u.c.sgl[0].addr = DATA + (u16() & 0xfff0u);
	u.c.sgl[0].len = u.c.data_len;
	if (kind & 128) { /* anything, but for where the data lie */
		u.c.flags ^= u8() & (uint8_t)~WEFT_SQF_SGL_CHAIN;
		u.c.offset = u32();
		u.c.data_len ^= u16();
		u.c.opcode ^= u8() & 3;
	}
	open_entries[cid]++;
	busy[cid] = true;
	fake_submit(QP, (uint16_t)(qp_get(QP)->slot_base + cid), &u.s);
}

/* --- the loop ----------------------------------------------------------------------------------------------------------------- */

static void step(void)
{
	uint8_t op = u8();

	switch (op & 15) {
	case 0:
	case 1:
	case 2:
		send_capsule();
		break;
	case 3:
	case 4:
		send_h2c();
		break;
	case 5:
		send_any();
		break;
	case 6:
	case 7:
	case 8:
		reply();
		break;
	case 9:
		fake_advance(u16() * 100000ull);
		break;
	case 10:
		peer.hold_acks = op & 16;
		break;
	case 11:
		fake_opt.tx_stop = op & 16 ? u8() & 31 : 0;
		break;
	case 12:
		if (op & 16)
			disconnect(op >> 5);
		else
			listen_port(op & 32 ? WEFT_OP_LISTEN : WEFT_OP_UNLISTEN);
		break;
	case 13:
		if (peer.synced && !peer.fin) {
			frame(op & 16 ? TH_RST | TH_ACK : TH_FIN | TH_ACK, NULL, 0);
			peer.snd++;
			peer.fin = true;
		}
		break;
	case 14:
		accept_conn(u8());
		break;
	default:
		connect_peer();
		break;
	}
	if (op & 64)
		flush(u16());
	else
		flush(peer.out_len);
	if (!(op & 128))
		pump();
}

static void begin(void)
{
	const uint32_t regs[6] = { 0x1000, 0, 0x2000, 0, 5 | 6 << 8, 1 };
	struct weft_arg_port port = { .ip = OUR_IP, .mask = 0xffffff00, .mtu = 1500 };
	struct weft_arg_qp_create q = { .sq_base = 0x4000,
					.cq_base = 0x8000,
					.qp = QP,
					.sq_log2 = 3,
					.cq_log2 = 5,
					.rx_cmd = RX_CMD,
					.rx_icd = RX_ICD,
					.icd_size = ICD,
					.flags = WEFT_QPF_CONTROLLER };

	fake_reset();
	memset(open_entries, 0, sizeof(open_entries));
	memset(admin_open, 0, sizeof(admin_open));
	memset(busy, 0, sizeof(busy));
	memset(held, 0, sizeof(held));
	memset(&peer, 0, sizeof(peer));
	memset(fake_host + DATA_END, 0xa5, RX_CMD - DATA_END);
	memset(fake_host + RX_CMD + ENTRIES * 64, 0xa5, 4096);
	memset(fake_host + RX_ICD + ENTRIES * ICD, 0xa5, 4096);
	told = ack_due = false;
	fake_set_out(on_out, NULL);
	must(fw_init());
	fake_admin_enable(regs);
	pump();
	memcpy(port.mac, our_mac, 6);
	admin(WEFT_OP_PORT_SET, &port, sizeof(port));
	arp_reply();
	admin(WEFT_OP_QP_CREATE, &q, sizeof(q));
	listen_port(WEFT_OP_LISTEN);
	accept_conn(u8());
	connect_peer();
}

static void check_guard(const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += 64)
		must(p[i] == 0xa5 && p[i + 63] == 0xa5);
}

static void end(void)
{
	peer.hold_acks = false;
	fake_opt.tx_stop = 0;
	pump();
	for (int i = 0; i < 2; i++) {
		nt_fail(QP, ECANCELED);
		pump();
	}
	nt_accept_forget();
	arp_flush();
	for (int i = 0; i < 100 && timer_count(); i++) {
		fake_advance(timer_next_ns() - hal_now_ns());
		pump();
	}
	must(nt_conns[QP].state == NT_IDLE && tcp_idle() && !timer_count() && !fake_cells_used() &&
	     !frame_used() && !fake_events() && !fake_tx_queued());
	must(nt_pdus_free() == 512);
	for (uint32_t i = 0; i < WEFT_N_SLOTS; i++)
		must(nt_cmds[i].flags == CTL_FREE && !nt_cmds[i].refs);
	for (uint32_t i = 0; i < ENTRIES; i++)
		must(!open_entries[i]);
	for (uint32_t i = 0; i < 32; i++)
		must(!admin_open[i]);
	check_guard(fake_host + DATA_END, RX_CMD - DATA_END);
	check_guard(fake_host + RX_CMD + ENTRIES * 64, 4096);
	check_guard(fake_host + RX_ICD + ENTRIES * ICD, 4096);
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
