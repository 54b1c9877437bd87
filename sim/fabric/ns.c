// SPDX-License-Identifier: BSD-2-Clause
/*
 * Name server: what N_Ports register of themselves. An object lives from FLOGI to the end of the
 * login. A change of FC-4 types or features is told to those that asked for state changes.
 */
#include "internal.h"

#define RPN_ID 0x0212
#define RNN_ID 0x0213
#define RFT_ID 0x0217
#define RSPN_ID 0x0218
#define RFF_ID 0x021f
#define RSNN_NN 0x0239
#define DA_ID 0x0300

#define INVALID_COMMAND REJECT(0x01, 0)
#define INVALID_SIZE REJECT(0x04, 0)
#define NOT_YOURS REJECT(0x09, 0x10) /* access denied */

bool fabric_ns_has_type(const struct fabric_nport *np, uint8_t type)
{
	/* word type / 32, the bit of weight type % 32 */
	return np->types[type / 32 * 4 + 3 - type % 32 / 8] >> (type % 8) & 1;
}

static void changed(struct fabric *f, const struct fabric_nport *np)
{
	fabric_rscn_tell(f, fabric_rscn_page(RSCN_NAMES, np->id), SCR_FABRIC, np->id);
}

static unsigned int register_types(struct fabric *f, struct fabric_nport *np, const uint8_t *types)
{
	if (memcmp(np->types, types, sizeof(np->types))) {
		memcpy(np->types, types, sizeof(np->types));
		changed(f, np);
	}
	return 0;
}

static unsigned int register_features(struct fabric *f, struct fabric_nport *np, uint8_t bits,
				      uint8_t type)
{
	uint8_t *at = &np->features[type / 8 * 4 + 3 - type % 8 / 2], shift = type % 2 * 4,
		was = *at;

	*at = (uint8_t)((was & ~(0xf << shift)) | (bits & 0xf) << shift);
	if (*at != was)
		changed(f, np);
	return 0;
}

static unsigned int register_name(struct fabric_name *name, const uint8_t *at, size_t len)
{
	if (!len || at[0] > len - 1)
		return INVALID_SIZE;
	name->len = at[0];
	memcpy(name->text, at + 1, at[0]);
	return 0;
}

static unsigned int deregister(struct fabric *f, struct fabric_nport *np)
{
	memset(np->types, 0, sizeof(np->types));
	memset(np->features, 0, sizeof(np->features));
	np->port_name.len = np->node_name.len = 0;
	changed(f, np);
	return 0;
}

/* Shortest request; 0: no such command. */
static size_t least(unsigned int command)
{
	switch (command) {
	case RPN_ID:
	case RNN_ID:
		return 12;
	case RFT_ID:
		return 36;
	case RSPN_ID:
		return 5;
	case RFF_ID:
		return 8;
	case RSNN_NN:
		return 9;
	case DA_ID:
		return 4;
	default:
		return 0;
	}
}

unsigned int fabric_ns_register(struct fabric *f, struct fabric_nport *np, unsigned int command,
				const uint8_t *req, size_t len)
{
	if (!least(command))
		return INVALID_COMMAND;
	if (len < least(command))
		return INVALID_SIZE;
	if (command == RSNN_NN) {
		if (get64(req) != np->wwnn)
			return NOT_YOURS;
		return register_name(&np->node_name, req + 8, len - 8);
	}
	if (get24(req + 1) != np->id)
		return NOT_YOURS;
	switch (command) {
	case RPN_ID: /* that of the login; another one would be another port */
		return get64(req + 4) == np->wwpn ? 0 : NOT_YOURS;
	case RNN_ID:
		np->wwnn = get64(req + 4);
		return 0;
	case RFT_ID:
		return register_types(f, np, req + 4);
	case RSPN_ID:
		return register_name(&np->port_name, req + 4, len - 4);
	case RFF_ID:
		return register_features(f, np, req[6], req[7]);
	default:
		return deregister(f, np);
	}
}
