// SPDX-License-Identifier: BSD-2-Clause
/* Name server: common transport, and what may be asked. */
#include "internal.h"

#define CT_HEADER 16
#define CT_REVISION 1
#define CT_DIRECTORY 0xfc
#define CT_NAME_SERVER 2
#define CT_REJECT 0x8001
#define CT_ACCEPT 0x8002
#define REGISTER_FIRST 0x0200

#define INVALID_COMMAND REJECT(0x01, 0)
#define INVALID_VERSION REJECT(0x02, 0)
#define INVALID_SIZE REJECT(0x04, 0)
#define UNSUPPORTED REJECT(0x0b, 0)
#define NO_PORT_ID REJECT(0x09, 0x01)
#define NO_PORT_NAME REJECT(0x09, 0x02)
#define NO_NODE_NAME REJECT(0x09, 0x03)
#define NO_TYPES REJECT(0x09, 0x07)
#define LAST_ENTRY 0x80
#define CLASS_3 (1u << 3)
#define N_PORT 0x01

#define ELS_LOGO 0x05

uint8_t *fabric_ct_append(struct fabric_reply *reply, size_t len)
{
	uint8_t *at = reply->bytes + reply->len;

	memset(at, 0, len);
	reply->len += len;
	return at;
}

/* --- lists ------------------------------------------------------------------------------------ */

/* Which N_Ports: in a domain, an area (0: any), with an FC-4 type. */
static bool chosen(const struct fabric_nport *np, const uint8_t *req, bool by_type)
{
	return (!req[1] || req[1] == np->id >> 16) && (!req[2] || req[2] == (np->id >> 8 & 0xff)) &&
	       (!by_type || fabric_ns_has_type(np, req[3]));
}

/* Entries of 4 bytes, or 16 with a name. */
static unsigned int list(struct fabric *f, const uint8_t *req, struct fabric_reply *reply,
			 bool by_type, char name)
{
	const struct fabric_nport *np = fabric_next(f, 0);
	uint8_t *last = NULL;

	for (; np; np = fabric_next(f, np->id)) {
		if (!chosen(np, req, by_type))
			continue;
		last = fabric_ct_append(reply, name ? 16 : 4);
		put24(last + 1, np->id);
		if (name)
			put64(last + 8, name == 'p' ? np->wwpn : np->wwnn);
	}
	if (!last)
		return by_type ? NO_TYPES : NO_PORT_ID;
	last[0] = LAST_ENTRY;
	return 0;
}

static unsigned int gid_ft(struct fabric *f, const uint8_t *req, struct fabric_reply *reply)
{
	return list(f, req, reply, true, 0);
}

static unsigned int gpn_ft(struct fabric *f, const uint8_t *req, struct fabric_reply *reply)
{
	return list(f, req, reply, true, 'p');
}

static unsigned int gnn_ft(struct fabric *f, const uint8_t *req, struct fabric_reply *reply)
{
	return list(f, req, reply, true, 'n');
}

static unsigned int gid_pt(struct fabric *f, const uint8_t *req, struct fabric_reply *reply)
{
	return list(f, req, reply, false, 0);
}

/* --- by name ---------------------------------------------------------------------------------- */

static unsigned int gid_pn(struct fabric *f, const uint8_t *req, struct fabric_reply *reply)
{
	const struct fabric_nport *np = fabric_next(f, 0);

	while (np && np->wwpn != get64(req))
		np = fabric_next(f, np->id);
	if (!np)
		return NO_PORT_NAME;
	put24(fabric_ct_append(reply, 4) + 1, np->id);
	return 0;
}

static unsigned int gid_nn(struct fabric *f, const uint8_t *req, struct fabric_reply *reply)
{
	const struct fabric_nport *np = fabric_next(f, 0);
	uint8_t *last = NULL;

	for (; np; np = fabric_next(f, np->id)) {
		if (np->wwnn != get64(req))
			continue;
		last = fabric_ct_append(reply, 4);
		put24(last + 1, np->id);
	}
	if (!last)
		return NO_NODE_NAME;
	last[0] = LAST_ENTRY;
	return 0;
}

/* --- by address ------------------------------------------------------------------------------- */

static void append_name(struct fabric_reply *reply, const struct fabric_name *name)
{
	uint8_t *at = fabric_ct_append(reply, 256);

	at[0] = name->len;
	memcpy(at + 1, name->text, name->len);
}

static void gpn_id(const struct fabric_nport *np, struct fabric_reply *reply)
{
	put64(fabric_ct_append(reply, 8), np->wwpn);
}

static void gnn_id(const struct fabric_nport *np, struct fabric_reply *reply)
{
	put64(fabric_ct_append(reply, 8), np->wwnn);
}

static void gft_id(const struct fabric_nport *np, struct fabric_reply *reply)
{
	memcpy(fabric_ct_append(reply, sizeof(np->types)), np->types, sizeof(np->types));
}

static void gff_id(const struct fabric_nport *np, struct fabric_reply *reply)
{
	memcpy(fabric_ct_append(reply, sizeof(np->features)), np->features, sizeof(np->features));
}

static void gspn_id(const struct fabric_nport *np, struct fabric_reply *reply)
{
	append_name(reply, &np->port_name);
}

/* The object that follows in order of address, round the end. */
static unsigned int ga_nxt(struct fabric *f, const uint8_t *req, struct fabric_reply *reply)
{
	const struct fabric_nport *np = fabric_next(f, get24(req + 1));
	uint8_t *at;

	if (!np)
		np = fabric_next(f, 0);
	if (!np)
		return NO_PORT_ID;
	at = fabric_ct_append(reply, 12);
	at[0] = N_PORT;
	put24(at + 1, np->id);
	put64(at + 4, np->wwpn);
	append_name(reply, &np->port_name);
	put64(fabric_ct_append(reply, 8), np->wwnn);
	append_name(reply, &np->node_name);
	fabric_ct_append(reply, 8 + 16); /* process associator, node's IP address */
	put32(fabric_ct_append(reply, 4), CLASS_3);
	gft_id(np, reply);
	fabric_ct_append(reply, 16 + 8 + 4); /* port's IP address, F_Port's name, hard address */
	return 0;
}

/* --- the protocol ----------------------------------------------------------------------------- */

static const struct {
	uint16_t command;
	uint8_t len;
	unsigned int (*ask)(struct fabric *f, const uint8_t *req, struct fabric_reply *reply);
	void (*of)(const struct fabric_nport *np, struct fabric_reply *reply); /* an address */
} queries[] = {
	{ 0x0100, 4, ga_nxt, NULL }, { 0x0112, 4, NULL, gpn_id },  { 0x0113, 4, NULL, gnn_id },
	{ 0x0117, 4, NULL, gft_id }, { 0x0118, 4, NULL, gspn_id }, { 0x011f, 4, NULL, gff_id },
	{ 0x0121, 8, gid_pn, NULL }, { 0x0131, 8, gid_nn, NULL },  { 0x0171, 4, gid_ft, NULL },
	{ 0x0172, 4, gpn_ft, NULL }, { 0x0173, 4, gnn_ft, NULL },  { 0x01a1, 4, gid_pt, NULL },
};

static unsigned int query(struct fabric *f, unsigned int command, const uint8_t *req, size_t len,
			  struct fabric_reply *reply)
{
	const struct fabric_nport *np;
	size_t i;

	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		if (queries[i].command != command)
			continue;
		if (len < queries[i].len)
			return INVALID_SIZE;
		if (queries[i].ask)
			return queries[i].ask(f, req, reply);
		np = fabric_nport(f, get24(req + 1));
		if (!np)
			return NO_PORT_ID;
		queries[i].of(np, reply);
		return 0;
	}
	return INVALID_COMMAND;
}

static unsigned int handle(struct fabric *f, struct fabric_nport *np, const uint8_t *ct, size_t len,
			   struct fabric_reply *reply)
{
	unsigned int command = get16(ct + 8);

	if (ct[0] != CT_REVISION)
		return INVALID_VERSION;
	if (ct[4] != CT_DIRECTORY || ct[5] != CT_NAME_SERVER)
		return UNSUPPORTED;
	if (command >= REGISTER_FIRST)
		return fabric_ns_register(f, np, command, ct + CT_HEADER, len - CT_HEADER);
	return query(f, command, ct + CT_HEADER, len - CT_HEADER, reply);
}

static void answer(struct fabric *f, struct fabric_nport *np, const struct fabric_hdr *h,
		   const uint8_t *ct, size_t len)
{
	struct fabric_reply reply = { 0 };
	uint8_t *head = fabric_ct_append(&reply, CT_HEADER);
	unsigned int why, most = get16(ct + 10) * 4;

	memcpy(head, ct, 8);
	why = handle(f, np, ct, len, &reply);
	if (why)
		reply.len = CT_HEADER;
	if (most && reply.len - CT_HEADER > most) {
		put16(head + 10, (uint32_t)(reply.len - CT_HEADER - most) / 4);
		reply.len = CT_HEADER + most;
	}
	put16(head + 8, why ? CT_REJECT : CT_ACCEPT);
	put16(head + 13, why);
	fabric_frame_reply(f, np, h, R_CTL_CT_REPLY, reply.bytes, reply.len);
}

/* Who is not logged in is told so. */
static void refuse(struct fabric *f, struct fabric_nport *np)
{
	struct fabric_hdr h = { .r_ctl = R_CTL_ELS_REQUEST,
				.type = TYPE_ELS,
				.ox_id = f->next_xid++,
				.rx_id = XID_NONE,
				.d_id = np->id,
				.s_id = ID_DIRECTORY,
				.f_ctl = F_CTL_REQUEST };
	uint8_t logo[16] = { ELS_LOGO };

	if (f->next_xid == XID_NONE)
		f->next_xid = 0;
	put24(logo + 5, ID_DIRECTORY);
	fabric_frame_sequence(f, &f->ports[np->port], &h, logo, sizeof(logo), np->max_data & ~3u);
}

void fabric_ct_input(struct fabric *f, struct fabric_nport *np, const struct fabric_hdr *h,
		     const uint8_t *payload, size_t len)
{
	if (h->d_id != ID_DIRECTORY || h->r_ctl != R_CTL_CT_REQUEST || len < CT_HEADER)
		f->counters.bad_frame++;
	else if (!np->directory)
		refuse(f, np);
	else
		answer(f, np, h, payload, len);
}
