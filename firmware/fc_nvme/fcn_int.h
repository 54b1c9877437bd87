/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of this folder.
 *
 *   fcn.c        pairs, exchanges and their ids, what waits for the transmit engine, time
 *   fcn_frame.c  received frames: to which exchange they belong
 *   fcn_io.c     host role: FC_IO                     fcn_tgt.c    target role
 *   fcn_ls.c     link services, both directions       fcn_abort.c  aborts, lost ports
 *   fcn_bls.c    ABTS and its answers                 fcn_event.c  what the link service pair is told
 *
 * State of a slot. "entry": an entry of the host program is in flight on it, and ends with the state.
 *
 *   state  entry  what                                 event                        next
 *   FREE   no     no exchange                          FC_IO, FC_LS                 IO, LS (START)
 *                                                      CMND or link service came    HELD (RECV)
 *   START  yes    FC_IO waits until the slot's context STOPPED                      IO
 *                 is quiet
 *   IO     yes    CMND sent                            XFER_RDY                     IO, data leave
 *                                                      RSP, ERSP                    FREE (DONE)
 *   DONE   yes    answered, engines still at it        quiet                        FREE
 *   LS     yes    request sent                         last frame of the response   FREE
 *   RECV   no     a link service of several frames     last frame                   HELD
 *   HELD   no     the host program has it              FC_READ, FC_WRITE            READ, WRITE
 *                                                      FC_RSP, FC_LS_RSP            RSP
 *   READ   yes    data leave                           TXDONE                       HELD
 *   WRITE  yes    XFER_RDY sent, or waits as START     PLACED                       HELD
 *   RSP    yes    response leaves                      TXDONE                       FREE
 *   ABORT  both   see fcn_abort.c                      quiet, and answered          FREE, DEAD
 *   DEAD   no     received, aborted                    FC_RELEASE                   FREE
 *
 * Only data that are to be placed by hardware have a context in the receive engine (FCX): those of a
 * read, and of a FC_WRITE. All other frames are found by the id they bear, here.
 */
#ifndef FCN_INT_H
#define FCN_INT_H

#include "fc/fc_frame.h"
#include "fcn.h"
#include "host/qp.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/sgl.h"
#include "lib/timer.h"

enum fcn_state {
	FCN_FREE,
	FCN_HELD,
	FCN_DEAD,
	FCN_RECV,
	FCN_START,
	FCN_IO,
	FCN_LS,
	FCN_READ,
	FCN_WRITE,
	FCN_RSP,
	FCN_DONE,
	FCN_ABORT,
};

/* Engines at work for a slot */
#define FCNF_LIVE 0x0001u  /* its context may be ARMED */
#define FCNF_STOP 0x0002u  /* FCX_STOP given, STOPPED not seen: the context must not be written */
#define FCNF_TX_A 0x0004u  /* an operation with DONE of the first record */
#define FCNF_TX_B 0x0008u  /* and of the second */
#define FCNF_FENCE 0x0010u /* waits for a fence */
#define FCNF_QUIET (FCNF_STOP | FCNF_TX_A | FCNF_TX_B | FCNF_FENCE) /* all clear: nobody is */
/* In the queue for the transmit engine */
#define FCNF_WAITS 0x0020u
#define FCNF_PAIR 0x0040u  /* both records */
#define FCNF_QUICK 0x0080u /* no DONE is needed */
/* Of an abort */
#define FCNF_ABTS 0x0100u    /* ABTS is not answered */
#define FCNF_ENTRY 0x0200u   /* an entry ends with it */
#define FCNF_RELEASE 0x0400u /* so does FC_RELEASE */
#define FCNF_KNOWN 0x0800u   /* the host program has the receive buffer */

struct fcn_x {
	union {
		struct {
			uint8_t state;
			uint8_t gen;    /* last used: our id is the slot and this */
			uint8_t seq_id; /* of the next sequence sent; ABORT: ABTS sent */
			uint8_t err;    /* positive errno it ends with */
		};
		uint32_t w0; /* the four at once */
	};
	union {
		struct {
			uint8_t rport, qp;
			uint16_t flags;
		};
		uint32_t w1;
	};
	uint32_t peer;     /* its N_Port_ID */
	uint32_t done;     /* bytes placed or sent; ABORT: when it is given up */
	uint32_t deadline; /* tick, 0: none */
	uint16_t peer_xid;
	uint16_t next;    /* in a list */
	uint16_t admin;   /* slot of an FC_ABORT that waits, or ENG_NO_SLOT */
	uint16_t seq_cnt; /* of the next sequence sent; DONE: length of the response */
	union {
		struct {
			uint16_t recv_cnt; /* SEQ_CNT expected next */
			uint16_t max_data;
		};
		uint32_t w7;
	};
} __attribute__((aligned(32)));
_Static_assert(sizeof(struct fcn_x) == 32, "a shift finds it");

enum fcn_kind { FCN_NONE, FCN_HOST, FCN_LSP, FCN_TGT };

struct fcn_pair {
	uint8_t kind;
	bool closing; /* takes no more from the wire */
	uint16_t base, entries;
	uint16_t first_rx; /* first slot that is a receive buffer; base + entries: none */
	uint16_t free_first, free_last; /* receive buffers; ENG_NO_SLOT */
	uint32_t icd_size;
	uint64_t rx_cmd, rx_icd;
};

struct fcn_list { /* of slots, by next */
	uint16_t first, last;
};

extern struct fcn_x fcn_xs[WEFT_N_SLOTS];
extern struct fcn_pair fcn_pairs[WEFT_N_QP];
extern uint16_t fcn_ls_pair; /* 0: none */
extern struct fcn_list fcn_tx_queue;
extern uint32_t fcn_tx_waiting;                /* slots in it */
extern uint32_t fcn_quarantined[WEFT_N_SLOTS]; /* a bit for each generation */

#define FCN_GENS 31u
#define FCN_SLOT_MASK (WEFT_N_SLOTS - 1)
#define FCN_GEN_SHIFT 11
/* With fewer entries than this free in the engine's queue every operation tells its end, so that what waits is woken. */
#define FCN_TX_LOW 16u
#define FCN_TX_NEED (FC_TX_KEEP + 2)

/* R_CTL */
#define FCN_R_DATA 0x01u
#define FCN_R_XFER_RDY 0x05u
#define FCN_R_CMND 0x06u
#define FCN_R_RSP 0x07u
#define FCN_R_ERSP 0x08u
#define FCN_R_LS_RQST 0x32u
#define FCN_R_LS_RSP 0x33u
#define FCN_R_ABTS 0x81u
#define FCN_R_BA_ACC 0x84u
#define FCN_R_BA_RJT 0x85u

#define FCN_CMND_LEN 96u
#define FCN_XFER_RDY_LEN 12u
#define FCN_RSP_LEN 12u
#define FCN_ERSP_LEN 32u

/* --- fcn.c --- */
uint16_t fcn_xid_search(uint16_t slot, struct fcn_x *x); /* the next that is not in quarantine */
void fcn_quarantine(uint16_t slot, const struct fcn_x *x);
void fcn_refuse(uint16_t slot, uint16_t err); /* the entry; the exchange, if any, goes on */
void fcn_entry_done(uint16_t slot, uint16_t err, uint32_t data_len);
void fcn_admin_done(uint16_t *slot, uint16_t err);
void fcn_event(uint16_t qp, uint32_t code, uint32_t dw1, uint32_t dw2);
void fcn_tx_slow(uint16_t slot, uint16_t what);
void fcn_tx_pump(void);
void fcn_tx_forget(uint16_t slot);
void fcn_list_put(struct fcn_list *l, uint16_t slot);
bool fcn_list_take_out(struct fcn_list *l, uint16_t slot);
void fcn_rx_free(uint16_t slot); /* the receive buffer is the adapter's again */
uint32_t fcn_after(uint32_t ms); /* a deadline; time is looked at from now on */

/* --- fcn_io.c, fcn_ls.c, fcn_tgt.c --- */
void fcn_io_submit(uint16_t slot);
void fcn_io_start(uint16_t slot);
void fcn_io_response(const struct hal_event *ev);
void fcn_io_xfer_rdy(const struct hal_event *ev);
void fcn_io_quiet(uint16_t slot);
void fcn_ls_submit(uint16_t slot);
void fcn_ls_request(const struct hal_event *ev);
void fcn_ls_response(const struct hal_event *ev);
void fcn_ls_abandon(uint16_t slot); /* RECV */
void fcn_tgt_init(void);
void fcn_tgt_add(uint16_t qp, bool add);
void fcn_tgt_submit(uint16_t slot);
void fcn_tgt_start(uint16_t slot);
void fcn_tgt_command(const struct hal_event *ev);
void fcn_tgt_sent(uint16_t slot);
void fcn_tgt_pump(void); /* a receive buffer is free */
void fcn_tgt_release(uint16_t slot);
/* Commands that wait in their buffers: of this port, or of all. FC_XID_NONE: whatever their id. */
#define FCN_ALL_PORTS 0u
bool fcn_tgt_forget(uint32_t s_id, uint16_t ox_id);
void fcn_rport_cache_drop(void);
uint16_t fcn_rport_of(uint32_t s_id); /* WEFT_N_RPORT: none */

/* --- fcn_abort.c, fcn_bls.c, fcn_event.c --- */
void fcn_abort_init(void);
void fcn_kill(uint16_t slot, uint16_t err, bool abts);
void fcn_lose(uint16_t slot); /* its port is gone */
void fcn_abort_poll(uint16_t slot);
void fcn_abort_late(uint16_t slot); /* deadline */
void fcn_fence(uint16_t slot);      /* clears FCNF_FENCE when all that is queued now is through */
void fcn_fence_done(void);
void fcn_fence_kick(void);
bool fcn_abts_send(uint16_t slot);
void fcn_bls(const struct hal_event *ev);
void fcn_event_init(void);
void fcn_event_start(void); /* the link service pair is there */
void fcn_event_pump(void);

/* --- small things of the normal path ------------------------------------------------------------ */

static inline uint32_t fcn_xid(uint16_t slot, const struct fcn_x *x)
{
	return slot | (uint32_t)x->gen << FCN_GEN_SHIFT;
}

/* The next id of the slot; FC_XID_NONE: all are in quarantine. */
static inline uint32_t fcn_xid_new(uint16_t slot, struct fcn_x *x)
{
	uint32_t gen = x->gen + 1u;

	if (__builtin_expect(fcn_quarantined[slot], 0))
		return fcn_xid_search(slot, x);
	gen = gen < FCN_GENS ? gen : 0;
	x->gen = (uint8_t)gen;
	return slot | gen << FCN_GEN_SHIFT;
}

/* An exchange begins or comes in, with this id: all but its counters. */
static inline void fcn_begin(struct fcn_x *x, uint32_t state, uint32_t xid, uint32_t rport,
			     uint32_t flags)
{
	x->w0 = state | xid >> FCN_GEN_SHIFT << 8;
	x->w1 = rport | (uint32_t)x->qp << 8 | flags << 16;
	x->peer_xid = FC_XID_NONE;
	x->seq_cnt = 0;
	x->done = 0;
	fcn_stats.exchanges++;
}

static inline bool fcn_is_rx(uint16_t slot)
{
	return slot >= fcn_pairs[fcn_xs[slot].qp].first_rx;
}

static inline struct eng_fc_tx_rec *fcn_rec(uint16_t slot, uint32_t n)
{
	return (struct eng_fc_tx_rec *)hal_slot_fw(slot) + n;
}

/* A word of a received frame's header, as on the wire. */
static inline uint32_t fcn_hdr_word(uint8_t buf, uint32_t n)
{
	uint32_t w;

	hal_fc_buf_copy(buf, FC_BUF_HDR + 4 * n, &w, 4);
	return swap32(w);
}

#define FCN_W_S_ID 1
#define FCN_W_SEQ 3 /* SEQ_ID, DF_CTL, SEQ_CNT */
#define FCN_W_IDS 4

/*
 * The exchange a frame belongs to: ours is the OX_ID or the RX_ID, as EX_CTX says. ids: of its
 * header. ENG_NO_SLOT: none.
 */
static inline uint16_t fcn_find(const struct hal_event *ev, uint32_t ids, uint32_t s_id)
{
	bool ours_ox = ev->w2 & FC_F_EX_CTX;
	uint32_t xid = ours_ox ? ids >> 16 : ids & 0xffff;
	uint16_t slot = (uint16_t)(xid & FCN_SLOT_MASK);
	const struct fcn_x *x = &fcn_xs[slot];

	if (__builtin_expect(x->state < FCN_HELD || x->gen != xid >> FCN_GEN_SHIFT ||
				     x->peer != (s_id & 0xffffff) || x->state == FCN_START,
			     0))
		return ENG_NO_SLOT;
	return slot;
}

/* Fields of a record, by words. seq: SEQ_ID. */
static inline void fcn_rec_hdr(struct eng_fc_tx_rec *rec, const struct fcn_x *x, uint32_t r_ctl,
			       uint32_t type_fctl, uint32_t ids, uint32_t param)
{
	uint32_t *restrict w = (uint32_t *)(void *)rec;

	w[0] = swap32(r_ctl << 24 | x->peer);
	w[1] = swap32(fc_port.port_id);
	w[2] = swap32(type_fctl);
	w[3] = swap32((uint32_t)x->seq_id << 24 | x->seq_cnt);
	w[4] = swap32(ids);
	w[5] = swap32(param);
}

static inline void fcn_rec_lit(struct eng_fc_tx_rec *rec, const struct fcn_x *x, uint16_t slot,
			       uint32_t lit, uint32_t lit_len)
{
	uint32_t *restrict w = (uint32_t *)(void *)rec;

	w[6] = x->max_data | (uint32_t)slot << 16;
	w[7] = lit;
	w[8] = lit_len | (uint32_t)slot << 16;
	w[9] = 0;
	w[10] = 0;
	w[11] = 0;
}

static inline void fcn_rec_data(struct eng_fc_tx_rec *rec, const struct fcn_x *x, uint16_t slot,
				uint32_t off, uint32_t len)
{
	uint32_t *restrict w = (uint32_t *)(void *)rec;

	w[6] = x->max_data | (uint32_t)slot << 16;
	w[7] = 0;
	w[8] = (uint32_t)slot << 16;
	w[9] = off;
	w[10] = len;
	w[11] = 0;
}

/*
 * Gives the slot's record to the engine, with FCNF_PAIR both. What finds no room waits its turn: the
 * core must never stand still at a full queue. FCNF_QUICK: nobody waits for the operation's end.
 */
static inline void fcn_tx(uint16_t slot, struct fcn_x *x, uint16_t what)
{
	struct eng_fc_tx_rec *rec = fcn_rec(slot, 0);

	if (__builtin_expect(hal_fc_tx_free() <= FCN_TX_LOW || fcn_tx_waiting, 0)) {
		fcn_tx_slow(slot, what);
	} else if (what & FCNF_PAIR) {
		x->flags |= FCNF_TX_B;
		hal_fc_tx(rec, 0);
		hal_fc_tx(rec + 1, ENG_FTXF_DONE);
	} else if (what & FCNF_QUICK) {
		hal_fc_tx(rec, 0);
	} else {
		x->flags |= FCNF_TX_A;
		hal_fc_tx(rec, ENG_FTXF_DONE);
	}
}

/* The slot's context is to be quiet; FCNF_STOP until it is. */
static inline void fcn_stop(uint16_t slot, struct fcn_x *x)
{
	x->flags = (uint16_t)((x->flags & ~FCNF_LIVE) | FCNF_STOP);
	hal_fcx_stop(slot);
}

#endif
