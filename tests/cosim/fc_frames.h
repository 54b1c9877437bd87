/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of a port that the adapters hear of, in the names of one of them or of a stranger. */
#ifndef WEFT_TEST_FC_FRAMES_H
#define WEFT_TEST_FC_FRAMES_H

#include "fc_wire.h"

enum fc_frame_kind {
	FK_PLOGI,
	FK_PRLI,
	FK_LOGO,
	FK_PRLO,
	FK_ADISC,
	FK_RSCN,
	FK_RRQ,
	FK_ELS_UNKNOWN,
	FK_ELS_EMPTY,
	FK_LS_CREATE, /* Create Association */
	FK_LS_CONNECTION,
	FK_LS_DISCONNECT,
	FK_LS_DESCRIPTOR, /* a descriptor longer than the payload */
	FK_LS_LIST,       /* a list longer than the payload */
	FK_LS_TAG,
	FK_LS_UNKNOWN,
	FK_LS_SHORT,
	FK_LS_CUT, /* the first of two frames */
	FK_LS_ANSWER,
	FK_CMND,
	FK_CMND_SHORT,
	FK_CMND_BENT,
	FK_XFER_RDY,
	FK_DATA,
	FK_RSP,
	FK_ERSP,
	FK_ABTS,
	FK_BA_ACC,
	FK_BA_RJT,
	/* recovery that was not agreed on */
	FK_CONF,
	FK_SR,
	FK_SR_RSP,
	FK_FLUSH,
	FK_FLUSH_RSP,
	FK_RED,
	FK_R_CTL, /* of no use */
	FK_TYPE,
	FK_HEADERS, /* optional headers */
	FK_KINDS
};

/* Whose exchange it names, and as whom. */
struct fc_frame_of {
	uint32_t s_id, d_id;
	uint64_t wwnn, wwpn; /* of the sender */
	uint16_t ox_id, rx_id;
	bool responder;
	uint64_t connection; /* FC_NVMe connection of CMND, association of LS */
	const char *subnqn;
};

extern const char *const fc_frame_names[FK_KINDS];

/* The payload stays until the next call. */
struct fc_wire_frame fc_frame(enum fc_frame_kind kind, const struct fc_frame_of *of);

#endif
