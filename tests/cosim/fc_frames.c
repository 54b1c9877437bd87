// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "fc_frames.h"

const char *const fc_frame_names[FK_KINDS] = { "PLOGI",
					       "PRLI",
					       "LOGO",
					       "PRLO",
					       "ADISC",
					       "RSCN",
					       "RRQ",
					       "unknown ELS",
					       "empty ELS",
					       "Create Association",
					       "Create I/O Connection",
					       "Disconnect Association",
					       "LS descriptor",
					       "LS list",
					       "LS tag",
					       "unknown LS",
					       "short LS",
					       "cut LS",
					       "LS answer",
					       "CMND",
					       "short CMND",
					       "bent CMND",
					       "XFER_RDY",
					       "DATA",
					       "RSP",
					       "ERSP",
					       "ABTS",
					       "BA_ACC",
					       "BA_RJT",
					       "CONF",
					       "NVMe_SR",
					       "NVMe_SR_RSP",
					       "FLUSH",
					       "FLUSH_RSP",
					       "RED",
					       "R_CTL",
					       "TYPE",
					       "optional headers" };

/* What a kind's header says; its payload without what is filled in below. */
static const struct {
	uint8_t r_ctl, type;
	uint32_t f_ctl;
	uint16_t len;
	uint8_t head[8];
} kinds[FK_KINDS] = {
	[FK_PLOGI] = { 0x22, 1, 0x290000, 116, { 3 } },
	[FK_PRLI] = { 0x22, 1, 0x290000, 24, { 0x20, 20, 0, 24, 0x28 } },
	[FK_LOGO] = { 0x22, 1, 0x290000, 16, { 5 } },
	[FK_PRLO] = { 0x22, 1, 0x290000, 20, { 0x21, 16, 0, 20, 0x28 } },
	[FK_ADISC] = { 0x22, 1, 0x290000, 28, { 0x52 } },
	[FK_RSCN] = { 0x22, 1, 0x290000, 8, { 0x61, 4, 0, 8 } },
	[FK_RRQ] = { 0x22, 1, 0x290000, 12, { 0x12 } },
	[FK_ELS_UNKNOWN] = { 0x22, 1, 0x290000, 16, { 0x77 } },
	[FK_ELS_EMPTY] = { 0x22, 1, 0x290000, 0, { 0 } },
	[FK_LS_CREATE] = { 0x32, 0x28, 0x290000, 1024, { 3, 0, 0, 0, 0, 0, 3, 0xf8 } },
	[FK_LS_CONNECTION] = { 0x32, 0x28, 0x290000, 80, { 4, 0, 0, 0, 0, 0, 0, 72 } },
	[FK_LS_DISCONNECT] = { 0x32, 0x28, 0x290000, 48, { 5, 0, 0, 0, 0, 0, 0, 40 } },
	[FK_LS_DESCRIPTOR] = { 0x32, 0x28, 0x290000, 48, { 5, 0, 0, 0, 0, 0, 0, 40 } },
	[FK_LS_LIST] = { 0x32, 0x28, 0x290000, 48, { 5, 0, 0, 0, 0xff, 0xff, 0xff, 0xf8 } },
	[FK_LS_TAG] = { 0x32, 0x28, 0x290000, 48, { 5, 0, 0, 0, 0, 0, 0, 40 } },
	[FK_LS_UNKNOWN] = { 0x32, 0x28, 0x290000, 48, { 9, 0, 0, 0, 0, 0, 0, 40 } },
	[FK_LS_SHORT] = { 0x32, 0x28, 0x290000, 4, { 5 } },
	[FK_LS_CUT] = { 0x32, 0x28, 0x200000, 512, { 3, 0, 0, 0, 0, 0, 3, 0xf8 } },
	[FK_LS_ANSWER] = { 0x33, 0x28, 0x990000, 24, { 2, 0, 0, 0, 0, 0, 0, 16 } },
	[FK_CMND] = { 6, 8, 0x290000, 96, { 0xfd, 0x28, 0, 24, 0, 0, 8, 2 } },
	[FK_CMND_SHORT] = { 6, 8, 0x290000, 92, { 0xfd, 0x28, 0, 24, 0, 0, 8, 2 } },
	[FK_CMND_BENT] = { 6, 8, 0x290000, 96, { 0xfd, 0x27, 0, 24, 0, 0, 8, 3 } },
	[FK_XFER_RDY] = { 5, 8, 0x890000, 12, { 0, 0, 0, 0, 0, 0, 2, 0 } },
	[FK_DATA] = { 1, 8, 0x090008, 512, { 0xde, 0xad } },
	[FK_RSP] = { 7, 8, 0x990000, 12, { 0 } },
	[FK_ERSP] = { 8, 8, 0x990000, 32, { 0, 0, 0, 8 } },
	[FK_ABTS] = { 0x81, 0, 0x090000, 0, { 0 } },
	[FK_BA_ACC] = { 0x84, 0, 0x990000, 12, { 0 } },
	[FK_BA_RJT] = { 0x85, 0, 0x990000, 4, { 0, 9, 3 } },
	[FK_CONF] = { 3, 8, 0x090000, 0, { 0 } },
	[FK_SR] = { 9, 8, 0x090000, 8, { 0x28, 1, 0, 1 } },
	[FK_SR_RSP] = { 0x0a, 8, 0x990000, 8, { 0x28, 2, 0, 0 } },
	[FK_FLUSH] = { 0x87, 0, 0x090000, 4, { 0x80 } },
	[FK_FLUSH_RSP] = { 0x88, 0, 0x990000, 4, { 0 } },
	[FK_RED] = { 0x89, 0, 0x090000, 4, { 0 } },
	[FK_R_CTL] = { 0x5f, 8, 0x290000, 64, { 1 } },
	[FK_TYPE] = { 6, 0x99, 0x290000, 96, { 0xfd, 0x28, 0, 24 } },
	[FK_HEADERS] = { 6, 8, 0x290000, 96, { 0xfd, 0x28, 0, 24, 0, 0, 8, 2 } },
};

static uint8_t payload[FC_WIRE_PAYLOAD];

static void put(uint32_t at, uint64_t v, unsigned int bytes)
{
	while (bytes--) {
		payload[at + bytes] = (uint8_t)v;
		v >>= 8;
	}
}

static void put_login(const struct fc_frame_of *of)
{
	put(4, 0x20200008, 4);
	put(8, 0x80000840, 4);
	put(12, 0x00ff001f, 4);
	put(20, of->wwpn, 8);
	put(28, of->wwnn, 8);
	put(68, 0x8800, 2);
	put(74, 0x084000ff, 4);
	put(80, 0x0001, 2);
}

static void put_els(enum fc_frame_kind kind, const struct fc_frame_of *of)
{
	if (kind == FK_PLOGI)
		put_login(of);
	if (kind == FK_PRLI)
		put(16, 0x20, 4); /* initiator */
	if (kind == FK_LOGO || kind == FK_ADISC) {
		put(5, of->s_id, 3);
		put(8, of->wwpn, 8);
	}
	if (kind == FK_LOGO)
		put(4, of->s_id, 4);
	if (kind == FK_ADISC) {
		put(16, of->wwnn, 8);
		put(24, of->s_id, 4);
	}
	if (kind == FK_RSCN)
		put(4, of->s_id, 4);
	if (kind == FK_RRQ) {
		put(4, of->s_id, 4);
		put(8, of->ox_id, 2);
		put(10, of->rx_id, 2);
	}
}

static void put_ls(enum fc_frame_kind kind, const struct fc_frame_of *of)
{
	if (kind == FK_LS_CREATE || kind == FK_LS_CUT) {
		put(8, 3ull << 32 | 1008, 8);
		put(16, 4, 2);
		put(56, 0xffff001f, 4);
		memset(payload + 64, 0x77, 16);
		memcpy(payload + 80, "nqn.2026-11.test.weft:flood", 27);
		memcpy(payload + 336, of->subnqn, strlen(of->subnqn));
		return;
	}
	put(8, 7ull << 32 | 8, 8);
	put(16, of->connection, 8);
	if (kind == FK_LS_CONNECTION) {
		put(24, 4ull << 32 | 48, 8);
		put(32, 4, 2);
		put(72, 1 << 16 | 31, 4);
	} else {
		put(24, 5ull << 32 | 16, 8);
	}
	if (kind == FK_LS_DESCRIPTOR)
		put(12, 0xfffffff8, 4);
	if (kind == FK_LS_TAG)
		put(8, 0x55, 4);
	if (kind == FK_LS_ANSWER)
		put(8, 1ull << 32 | 8, 8);
}

static void put_iu(enum fc_frame_kind kind, const struct fc_frame_of *of)
{
	if (kind == FK_CMND || kind == FK_CMND_SHORT || kind == FK_CMND_BENT ||
	    kind == FK_HEADERS) {
		put(8, of->connection, 8);
		put(16, 77, 4);
		put(20, 4096, 4);
		payload[24] = 2; /* Read */
		payload[25] = 0x40;
		payload[26] = 0xf0; /* CID 7ff0h, little-endian: no command of the host has it */
		payload[27] = 0x7f;
		payload[28] = 1;
		payload[24 + 37] = 0x10; /* 4096, little-endian */
		payload[24 + 39] = 0x5a;
		payload[24 + 48] = 7;
	}
	if (kind == FK_BA_ACC) {
		put(4, of->ox_id, 2);
		put(6, of->rx_id, 2);
		put(10, 0xffff, 2);
	}
}

struct fc_wire_frame fc_frame(enum fc_frame_kind kind, const struct fc_frame_of *of)
{
	struct fc_wire_frame f = { .r_ctl = kinds[kind].r_ctl,
				   .type = kinds[kind].type,
				   .f_ctl = kinds[kind].f_ctl,
				   .d_id = of->d_id,
				   .s_id = of->s_id,
				   .seq_id = 0x7d,
				   .ox_id = of->ox_id,
				   .rx_id = of->rx_id,
				   .payload = payload,
				   .len = kinds[kind].len };

	memset(payload, 0, sizeof(payload));
	memcpy(payload, kinds[kind].head, sizeof(kinds[kind].head));
	if (f.type == 1)
		put_els(kind, of);
	else if (f.type == 0x28 && f.len > 8)
		put_ls(kind, of);
	else
		put_iu(kind, of);
	f.f_ctl = of->responder ? f.f_ctl | 0x800000 : f.f_ctl & ~0x800000u;
	if (kind == FK_HEADERS)
		f.df_ctl = 0x23;
	return f;
}
