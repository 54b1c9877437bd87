/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link services inside FIP frames. In VN2VN mode Linux's libfc asks each neighbour for a FLOGI this
 * way before it sends PLOGI, and waits; the answer says that there is no fabric. Its LOGO comes so,
 * too. We ask neither.
 *
 *	FIP header, encapsulation descriptor (type, words, 0) with the FC frame without SOF, CRC and
 *	EOF, MAC descriptor
 */
#include "fc/fc_int.h"

#include <string.h>

#include "lib/log.h"

#define FC_HEAD 24u
#define DESC_OFF (ETH_HEAD + FIP_HEAD)
#define FC_OFF (DESC_OFF + 4u)
#define PAYLOAD_OFF (FC_OFF + FC_HEAD)
#define LOGO_LEN 16u
#define MAC_DESC 8u
#define SUB_REQUEST 1u
#define SUB_REPLY 2u

enum { D_MAC = 2, D_FLOGI = 7, D_LOGO = 9 };

static uint32_t sender(const uint8_t *f)
{
	return get_be24(f + FC_OFF + 5);
}

/* The header of the FC frame inside: an answer to the request's. */
static void put_head(uint8_t *h, const uint8_t *request)
{
	put_be32(h, (uint32_t)RCTL_ELS_RSP << 24 | sender(request));
	put_be32(h + 4, fc_port.port_id);
	put_be32(h + 8, (uint32_t)TYPE_ELS << 24 | FCTL_REPLY);
	memcpy(h + 16, request + FC_OFF + 16, 2); /* OX_ID */
	put_be16(h + 18, FC_XID_NONE);
}

static void reply(const uint8_t *request, const uint8_t *p, uint32_t len)
{
	uint8_t f[PAYLOAD_OFF + LOGIN_LEN + MAC_DESC] = { 0 };
	uint8_t *mac = f + PAYLOAD_OFF + len;

	memcpy(f, request + 6, 6);
	memcpy(f + 6, fc_port.mac, 6);
	memcpy(f + 12, request + 12, 6); /* Ethertype, version, operation */
	f[19] = SUB_REPLY;
	put_be16(f + 20, (4 + FC_HEAD + len + MAC_DESC) / 4);
	f[DESC_OFF] = request[DESC_OFF];
	f[DESC_OFF + 1] = (uint8_t)((4 + FC_HEAD + len) / 4);
	put_head(f + FC_OFF, request);
	memcpy(f + PAYLOAD_OFF, p, len);
	mac[0] = D_MAC;
	mac[1] = MAC_DESC / 4;
	put_be24(mac + 2, FC_MAP);
	put_be24(mac + 5, sender(request));
	/* A lost one is asked for again. */
	(void)fc_send_ether(f, PAYLOAD_OFF + len + MAC_DESC);
}

static void on_flogi(const uint8_t *f)
{
	uint8_t acc[LOGIN_LEN];

	param_put_login(acc, ELS_LS_ACC, ELS_FLOGI);
	reply(f, acc, sizeof(acc));
}

static void on_logo(const uint8_t *f)
{
	static const uint8_t acc[4] = { ELS_LS_ACC };
	struct rport *rp = rport_by_id(sender(f));

	reply(f, acc, sizeof(acc));
	if (rp && rport_logged_in(rp) && rp->pub.wwpn == get_be64(f + PAYLOAD_OFF + 8))
		session_again(rp);
}

/* A frame whose FIP header and length have been looked at; its descriptors have left bytes. */
void fip_ls_input(const uint8_t *f, uint32_t left)
{
	uint8_t type = f[DESC_OFF], cmd = f[PAYLOAD_OFF];
	uint32_t words = f[DESC_OFF + 1], s_id = sender(f);

	if (f[19] != SUB_REQUEST || left < words * 4 || (f[6] & 1))
		return;
	if (!fc_port.port_id || get_be24(f + FC_OFF + 1) != fc_port.port_id || !fc_id_ok(s_id) ||
	    s_id == fc_port.port_id || f[FC_OFF] != RCTL_ELS_REQ || f[FC_OFF + 8] != TYPE_ELS)
		return;
	if (type == D_FLOGI && cmd == ELS_FLOGI && words * 4 == 4 + FC_HEAD + LOGIN_LEN)
		on_flogi(f);
	else if (type == D_LOGO && cmd == ELS_LOGO && words * 4 == 4 + FC_HEAD + LOGO_LEN)
		on_logo(f);
	else
		log_limited("fc: link service %x in FIP from %06x", cmd, s_id);
}
