/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Fibre Channel cable that a test has in its hand: it sees each frame and decides what becomes of it, sends
 * frames of its own, keeps R_RDYs back, and pulls the cable when so many frames have passed. Each side is
 * served as by a port of good manners: whatever happens to a frame its sender has its credit back, once; and
 * each frame that a side was given is to be answered by one R_RDY, so that a buffer that leaks shows.
 */
#ifndef WEFT_TEST_FC_WIRE_H
#define WEFT_TEST_FC_WIRE_H

#include "weft_world.h"

enum { FC_WIRE_HELD = 8, FC_WIRE_PAYLOAD = 2112 };

enum fc_wire_do {
	FC_WIRE_PASS,
	FC_WIRE_LOSE,
	FC_WIRE_DAMAGE, /* a bit is wrong */
	FC_WIRE_DOUBLE,
	FC_WIRE_HOLD, /* until fc_wire_release */
};

struct fc_wire_frame {
	uint8_t r_ctl, type, seq_id, df_ctl;
	uint32_t d_id, s_id, f_ctl, param;
	uint16_t seq_cnt, ox_id, rx_id;
	const uint8_t *payload;
	uint32_t len;
};

/* from: the side that sent it, 0 or 1. */
typedef enum fc_wire_do fc_wire_rule(void *arg, unsigned int from, const struct fc_wire_frame *f);

struct fc_wire_side {
	struct fc_wire *wire;
	struct weft_world_port *port; /* ours, that faces it */
	uint8_t prim;                 /* what it sends */
	unsigned int frames;          /* that it sent */
	unsigned int owes;            /* R_RDYs for what it was given */
	unsigned int most;            /* of those, ever */
	unsigned int ours; /* of these, for frames that the other side did not send: not passed on */
	bool mute;         /* its R_RDYs are kept back */
	unsigned int kept;
	unsigned int resets; /* times that it began to send LR */
};

struct fc_wire {
	struct fc_wire_side side[2];
	fc_wire_rule *rule; /* NULL: all pass */
	void *arg;
	bool pulled;
	unsigned int pulls;
	/* see fc_wire_pull_after */
	unsigned int pull_after;
	bool dark; /* the frames are over, the light goes out at pull_ns */
	uint64_t cut_ns, dark_ns, pull_ns, plug_ns;
	struct {
		unsigned int from;
		size_t len;
		uint8_t unit[WEFT_FC_UNIT_MAX];
	} held[FC_WIRE_HELD];
	unsigned int n_held;
};

/* For cosim_params.join: the first cable is this one, others are as ever. arg: the wire, all zero. */
int fc_wire_join(void *arg, struct weft_world *world, struct weft_world_port *a,
		 struct weft_world_port *b);

/*
 * The cable is pulled when n frames (both ways, from now on) were let through, and plugged in again dark_ns
 * later. cut: the last of them is cut off in its midst, else it gets there. n 0: never.
 */
void fc_wire_pull_after(struct fc_wire *w, unsigned int n, bool cut, uint64_t dark_ns);
/* The same at once. */
void fc_wire_pull(struct fc_wire *w, uint64_t dark_ns);
/* The program turns: what is held goes on its way, in the order it came. */
void fc_wire_release(struct fc_wire *w);
/* A frame of the test's own to a side. False: that side has no buffer for it now. */
bool fc_wire_send(struct fc_wire *w, unsigned int to, const struct fc_wire_frame *f);
/* The same with something in its unit set: at offset at (SOF: 0, the end: negative) this byte; len: 0, or as cut. */
bool fc_wire_send_bent(struct fc_wire *w, unsigned int to, const struct fc_wire_frame *f, int at,
		       uint8_t byte, size_t len);
/* R_RDYs to a side that are for none of its frames. */
void fc_wire_r_rdys(struct fc_wire *w, unsigned int to, unsigned int n);
/* The R_RDYs of a side are kept back from now on; or no more, and those kept are lost or go on. */
void fc_wire_mute(struct fc_wire *w, unsigned int side);
void fc_wire_unmute(struct fc_wire *w, unsigned int side, bool lost);
/* Each frame was answered by an R_RDY. */
bool fc_wire_quiet(const struct fc_wire *w);

#endif
