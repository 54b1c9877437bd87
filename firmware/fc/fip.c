/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FIP in VN2VN mode (FC-BB-5): ports on one Ethernet choose their addresses among themselves and
 * find each other. No login server: the address is probed for, claimed, and from then on beaconed.
 *
 *	WAIT -- random --> PROBE1 -- 100 ms --> PROBE2 -- 400 ms --> CLAIM -- 400 ms --> UP
 *
 * Another port with the same address: who has claimed it stays; of two that probe, or two that have
 * claimed, the one with the higher name. The other starts again with a random address, after ten
 * times only each 10 s.
 *
 * A neighbour is who claimed an address, or answered our claim. A host logs in to it when it beacons,
 * as it answers from then on, or at once when it answered a claim. Who is silent for two beacons and
 * a half is gone.
 */
#include "fc/fc_int.h"

#include <string.h>

#include "lib/log.h"

#define ETH_TYPE_FIP 0x8914u
#define FIP_OP_LS 2u
#define FIP_OP_VN2VN 5u
#define FLAGS_OUT 0u     /* our address is never a recorded one (REC) */
#define FLAG_REC 0x0008u /* also: point-to-point */
#define FRAME_MAX 256u

#define PROBE_MS 100u
#define CLAIM_MS 400u
#define BEACON_MS 8000u
#define AGE_MS (BEACON_MS / 2 * 5)
#define FUZZ_MS 100u
#define QUICK_TRIES 10u
#define SLOW_MS 10000u
#define RELOGIN_MS 120000u /* to a neighbour that refuses: twice the time the tries take */

enum vn_code { VN_PROBE = 1, VN_PROBE_REPLY, VN_CLAIM, VN_CLAIM_REPLY, VN_BEACON };
enum { D_MAC = 2, D_NAME = 4, D_SIZE = 6, D_VN = 11, D_FC4 = 15 };
enum fip_state { FS_OFF, FS_WAIT, FS_PROBE1, FS_PROBE2, FS_CLAIM, FS_UP };

struct neighbour {
	uint64_t wwpn;
	uint32_t id;       /* 0: free */
	uint32_t seen;     /* tick */
	uint32_t login_at; /* tick of the last attempt */
	bool tried, alive; /* alive: it would answer a login */
	bool nvme;
};

/* What a frame says. */
struct vn {
	uint64_t wwpn, wwnn;
	uint32_t id, have; /* bit n: descriptor n was there */
	uint16_t flags;
	uint8_t code, enode[6];
	bool nvme;
};

static struct {
	struct timer timer;
	uint8_t state;
	uint32_t id, tries;
	uint32_t beacon_at, claimed_at; /* ticks */
} fip;
static struct neighbour neighbours[WEFT_N_RPORT];
static const uint8_t all_vn2vn[6] = { 0x01, 0x10, 0x18, 0x01, 0x00, 0x04 };

static void after(uint32_t ms)
{
	timer_set(&fip.timer, clk_now() + clk_ms(ms));
}

/* --- frames that leave --------------------------------------------------------------------------- */

static void vn_mac(uint8_t mac[6], uint32_t id)
{
	put_be24(mac, FC_MAP);
	put_be24(mac + 3, id);
}

static uint8_t *descriptor(uint8_t *p, uint8_t type, uint8_t words)
{
	p[0] = type;
	p[1] = words;
	return p + 4u * words;
}

/* What a claim tells besides: FC-4 types and features (FC-GS), longest FCoE payload. */
static uint8_t *put_abilities(uint8_t *p)
{
	uint32_t features = (fc_port.roles & WEFT_FCR_TARGET ? 1u : 0) |
			    (fc_port.roles & WEFT_FCR_INITIATOR ? 2u : 0);
	uint8_t *types = p + 4, *feature = p + 36;

	put_be32(types + TYPE_NVME / 32 * 4, 1u << TYPE_NVME % 32);
	put_be32(feature + TYPE_NVME / 8 * 4, features << TYPE_NVME % 8 * 4);
	p = descriptor(p, D_FC4, 41);
	put_be16(p + 2, 14u + 24u + fc_port.max_data + 8u);
	return descriptor(p, D_SIZE, 1);
}

static void send(uint8_t code, const uint8_t dst[6])
{
	uint8_t f[FRAME_MAX] = { 0 }, *h = f + ETH_HEAD, *p = h + FIP_HEAD;

	memcpy(f, dst, 6);
	if (code == VN_BEACON)
		vn_mac(f + 6, fip.id);
	else
		memcpy(f + 6, fc_port.mac, 6);
	put_be16(f + 12, ETH_TYPE_FIP);
	h[0] = 1 << 4; /* version */
	put_be16(h + 2, FIP_OP_VN2VN);
	h[5] = code;
	put_be16(h + 8, FLAGS_OUT);
	memcpy(p + 2, fc_port.mac, 6);
	p = descriptor(p, D_MAC, 2);
	put_be64(p + 4, fc_port.wwnn);
	p = descriptor(p, D_NAME, 3);
	vn_mac(p + 2, fip.id);
	put_be24(p + 9, fip.id);
	put_be64(p + 12, fc_port.wwpn);
	p = descriptor(p, D_VN, 5);
	if (code == VN_CLAIM || code == VN_CLAIM_REPLY)
		p = put_abilities(p);
	put_be16(h + 6, (uint32_t)(p - h - FIP_HEAD) / 4);
	/* Lost ones are covered: a probe by its second, a claim by the beacons. */
	(void)fc_send_ether(f, p - f < 60 ? 60 : (uint32_t)(p - f));
}

static void send_claim(void)
{
	send(VN_CLAIM, all_vn2vn);
	fip.claimed_at = clk_now();
}

/* --- neighbours ---------------------------------------------------------------------------------- */

static struct neighbour *by_name(uint64_t wwpn)
{
	for (struct neighbour *n = neighbours; n < neighbours + WEFT_N_RPORT; n++)
		if (n->id && n->wwpn == wwpn)
			return n;
	return NULL;
}

static struct neighbour *by_id(uint32_t id)
{
	for (struct neighbour *n = neighbours; n < neighbours + WEFT_N_RPORT; n++)
		if (n->id == id)
			return n;
	return NULL;
}

static void forget(struct neighbour *n)
{
	struct rport *rp = rport_by_id(n->id);

	if (rp && rport_logged_in(rp))
		session_logout(rp);
	else if (rp)
		rport_free(rp);
	n->id = 0;
}

/* A host logs in to whom has NVMe, unless a session is there, under way, or failed a short while ago. */
static void login_to(struct neighbour *n)
{
	uint32_t now = clk_now();
	struct rport *rp = rport_by_id(n->id);

	if (fip.state != FS_UP || !n->alive || !n->nvme || !(fc_port.roles & WEFT_FCR_INITIATOR))
		return;
	if (rp) {
		rp->listed = true;
		return;
	}
	if (n->tried && now - n->login_at < clk_ms(RELOGIN_MS))
		return;
	rp = rport_new(n->id);
	if (!rp)
		return;
	n->tried = true;
	n->login_at = now;
	rp->pub.wwpn = n->wwpn;
	rp->listed = true;
	session_login(rp);
}

static void learn(const struct vn *v, bool alive)
{
	struct neighbour *n = by_name(v->wwpn), *same = by_id(v->id);
	struct rport *rp;

	if (same && same != n)
		forget(same);
	if (n && n->id != v->id)
		forget(n);
	if (!n || !n->id) {
		n = by_id(0);
		if (!n) {
			log_limited("fip: no room for neighbour %06x", v->id);
			return;
		}
		memset(n, 0, sizeof(*n));
		n->wwpn = v->wwpn;
		n->id = v->id;
	}
	/* Who tells no FC-4 types may have any. */
	n->nvme = v->nvme;
	n->alive |= alive;
	n->tried = false; /* a claim is a new start */
	n->seen = clk_now();
	rp = rport_by_id(n->id);
	if (rp && !alive) /* so it may not know of our login any more */
		session_verify(rp);
	login_to(n);
}

static void age(void)
{
	uint32_t now = clk_now();

	for (struct neighbour *n = neighbours; n < neighbours + WEFT_N_RPORT; n++)
		if (n->id && now - n->seen > clk_ms(AGE_MS)) {
			log_limited("fip: neighbour %06x is silent", n->id);
			forget(n);
		}
}

/* --- our address --------------------------------------------------------------------------------- */

static uint32_t random_id(void)
{
	uint32_t id;

	do
		id = port_random() & 0xffff;
	while (!id || id == 0xffff || by_id(id));
	return id;
}

static void probe_anew(void)
{
	uint32_t wait = fip.tries < QUICK_TRIES ? port_random() % PROBE_MS : SLOW_MS;

	fip.tries++;
	fip.state = FS_WAIT;
	after(wait);
}

/* Somebody else has our address. */
static void restart(void)
{
	log_limited("fip: address %06x is taken", fip.id);
	if (fip.state >= FS_CLAIM) {
		login_stop();
		port_state(WEFT_FCS_LOGIN, WEFT_FCT_NONE);
	}
	fip.id = random_id();
	probe_anew();
}

static void went_up(void)
{
	fip.state = FS_UP;
	fip.tries = 0;
	port_state(WEFT_FCS_UP, WEFT_FCT_VN2VN);
	send(VN_BEACON, all_vn2vn);
	fip.beacon_at = clk_now() + clk_ms(CLAIM_MS);
	for (struct neighbour *n = neighbours; n < neighbours + WEFT_N_RPORT; n++)
		if (n->id) {
			n->tried = false;
			login_to(n);
		}
}

static void beacon(void)
{
	uint32_t now = clk_now();

	age();
	if ((int32_t)(now - fip.beacon_at) >= 0) {
		send(VN_BEACON, all_vn2vn);
		fip.beacon_at = now + clk_ms(BEACON_MS + port_random() % FUZZ_MS);
	}
}

static void due(struct timer *t)
{
	switch (fip.state) {
	case FS_WAIT:
	case FS_PROBE1:
		fip.state++;
		send(VN_PROBE, all_vn2vn);
		after(fip.state == FS_PROBE1 ? PROBE_MS : CLAIM_MS);
		break;
	case FS_PROBE2:
		fip.state = FS_CLAIM;
		port_id_set(fip.id);
		send_claim();
		after(CLAIM_MS);
		break;
	case FS_CLAIM:
		went_up();
		timer_set(t, fip.beacon_at);
		break;
	case FS_UP:
		beacon();
		timer_set(t, fip.beacon_at);
		break;
	default:
		break;
	}
}

/* --- frames that come ---------------------------------------------------------------------------- */

static bool read_descriptor(struct vn *v, const uint8_t *p, uint32_t len)
{
	static const uint8_t words[16] = {
		[D_MAC] = 2, [D_NAME] = 3, [D_SIZE] = 1, [D_VN] = 5, [D_FC4] = 41
	};
	uint8_t type = p[0];

	if (type >= 128) /* not critical */
		return true;
	if (type >= sizeof(words) || !words[type] || len != 4u * words[type] ||
	    (v->have & 1u << type))
		return false;
	v->have |= 1u << type;
	if (type == D_MAC)
		memcpy(v->enode, p + 2, 6);
	else if (type == D_NAME)
		v->wwnn = get_be64(p + 4);
	else if (type == D_FC4)
		v->nvme = get_be32(p + 4 + TYPE_NVME / 32 * 4) & 1u << TYPE_NVME % 32;
	if (type == D_VN) {
		v->id = get_be24(p + 9);
		v->wwpn = get_be64(p + 12);
	}
	return true;
}

static bool parse(struct vn *v, const uint8_t *f, uint32_t len)
{
	const uint32_t need = 1u << D_MAC | 1u << D_NAME | 1u << D_VN;
	const uint8_t *h = f + ETH_HEAD, *p = h + FIP_HEAD;
	uint32_t left;

	memset(v, 0, sizeof(*v));
	if (len < ETH_HEAD + FIP_HEAD || get_be16(f + 12) != ETH_TYPE_FIP || h[0] >> 4 != 1 ||
	    get_be16(h + 2) != FIP_OP_VN2VN)
		return false;
	v->code = h[5];
	v->flags = get_be16(h + 8);
	left = get_be16(h + 6) * 4u;
	if (left > len - ETH_HEAD - FIP_HEAD)
		return false;
	while (left) {
		uint32_t n = p[1] * 4u;

		if (!n || n > left || !read_descriptor(v, p, n))
			return false;
		p += n;
		left -= n;
	}
	if (!(v->have & 1u << D_FC4))
		v->nvme = true;
	return (v->have & need) == need && v->id && v->id < 0xffff && v->wwpn && !(v->enode[0] & 1);
}

static void on_probe(const struct vn *v)
{
	bool higher = fc_port.wwpn > v->wwpn;

	if (v->id != fip.id)
		return;
	if (fip.state >= FS_CLAIM || (fip.state >= FS_PROBE1 && higher && !(v->flags & FLAG_REC)))
		send(VN_PROBE_REPLY, v->enode);
	else
		restart();
}

static void on_probe_reply(const struct vn *v)
{
	if (v->id != fip.id)
		return;
	if (fip.state == FS_UP)
		send_claim();
	else
		restart();
}

static void on_claim(const struct vn *v)
{
	if (v->id == fip.id) {
		if (fip.state < FS_CLAIM || v->wwpn > fc_port.wwpn)
			restart();
		else
			send_claim();
	} else if (fip.state >= FS_CLAIM) {
		send(VN_CLAIM_REPLY, v->enode);
		learn(v, false);
	}
}

static void on_claim_reply(const struct vn *v)
{
	if (v->id == fip.id)
		on_claim(v);
	else if (fip.state >= FS_CLAIM)
		learn(v, true);
}

static void on_beacon(const struct vn *v)
{
	struct neighbour *n = by_name(v->wwpn);

	if (v->id == fip.id) {
		on_claim(v);
	} else if (n && n->id == v->id) {
		n->seen = clk_now();
		n->alive = true;
		login_to(n);
	} else if (fip.state == FS_UP && clk_now() - fip.claimed_at > clk_ms(CLAIM_MS)) {
		send_claim(); /* its answer tells what it can do */
	}
}

/* A link service in a FIP frame: enough for the FC header and the first word behind it. */
static bool link_service(const uint8_t *f, uint32_t len)
{
	uint32_t left;

	if (len < ETH_HEAD + FIP_HEAD || get_be16(f + 12) != ETH_TYPE_FIP ||
	    f[ETH_HEAD] >> 4 != 1 || get_be16(f + ETH_HEAD + 2) != FIP_OP_LS)
		return false;
	left = get_be16(f + ETH_HEAD + 6) * 4u;
	if (left >= FIP_LS_MIN && left <= len - ETH_HEAD - FIP_HEAD)
		fip_ls_input(f, left);
	return true;
}

void fip_input(const uint8_t *frame, uint32_t len)
{
	struct vn v;

	if (fip.state != FS_OFF && link_service(frame, len))
		return;
	if (fip.state == FS_OFF || !parse(&v, frame, len) || v.wwpn == fc_port.wwpn)
		return;
	if (v.code >= VN_CLAIM &&
	    (v.flags & FLAG_REC)) { /* not sure of its address: it is asked for */
		send(VN_PROBE, all_vn2vn);
		return;
	}
	switch (v.code) {
	case VN_PROBE:
		on_probe(&v);
		break;
	case VN_PROBE_REPLY:
		on_probe_reply(&v);
		break;
	case VN_CLAIM:
		on_claim(&v);
		break;
	case VN_CLAIM_REPLY:
		on_claim_reply(&v);
		break;
	case VN_BEACON:
		on_beacon(&v);
		break;
	default:
		break;
	}
}

/* --- start and end ------------------------------------------------------------------------------- */

void fip_init(void)
{
	memset(&fip, 0, sizeof(fip));
	memset(neighbours, 0, sizeof(neighbours));
	timer_setup(&fip.timer, due);
}

void fip_start(uint32_t port_id)
{
	uint32_t id = port_id ? port_id : (uint32_t)fc_port.wwpn & 0xffff;

	memset(neighbours, 0, sizeof(neighbours));
	hal_fc_mac(fc_port.mac);
	hal_fc_map(FC_MAP);
	hal_fc_credit(ENG_FC_CREDIT_OFF);
	hal_fc_ctrl(ENG_FCM_FCOE << ENG_FC_CTRL_MODE_LSB);
	fip.tries = 0;
	fip.id = id && id != 0xffff ? id : random_id();
	port_state(WEFT_FCS_LOGIN, WEFT_FCT_NONE);
	probe_anew();
}

void fip_stop(void)
{
	timer_cancel(&fip.timer);
	fip.state = FS_OFF;
}
