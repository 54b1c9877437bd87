/* SPDX-License-Identifier: BSD-2-Clause */
/* Received frames by R_CTL. Each handler frees the frame's buffer, or keeps it. */
#include "fcn_int.h"

static void drop(const struct hal_event *ev)
{
	fcn_stats.dropped++;
	hal_fc_buf_free(fc_ev_buf(ev));
}

/*
 * Data that hardware did not place: they broke a rule of their exchange, or it expects none now.
 * (First bursts are not agreed at PRLI.)
 */
static __attribute__((noinline)) void data(const struct hal_event *ev)
{
	uint8_t buf = fc_ev_buf(ev);
	uint16_t slot = fcn_find(ev, fcn_hdr_word(buf, FCN_W_IDS), fcn_hdr_word(buf, FCN_W_S_ID));
	uint8_t state;

	drop(ev);
	if (slot == ENG_NO_SLOT)
		return;
	state = fcn_xs[slot].state;
	if (state == FCN_ABORT || state == FCN_DEAD)
		return; /* they were under way */
	fcn_stats.seq_errors++;
	fcn_kill(slot, EIO, true);
}

static __attribute__((noinline)) void other(const struct hal_event *ev)
{
	uint32_t r_ctl = fc_ev_r_ctl(ev), type = fc_ev_type(ev);

	if (type == FC_TYPE_NVME && r_ctl == FCN_R_LS_RQST)
		fcn_ls_request(ev);
	else if (type == FC_TYPE_NVME && r_ctl == FCN_R_LS_RSP)
		fcn_ls_response(ev);
	else if (type == FC_TYPE_BLS)
		fcn_bls(ev);
	else /* CONF, NVMe_SR and its answer are not agreed at PRLI; the rest is not NVMe's */
		drop(ev);
}

void fcn_event_frame(const struct hal_event *ev)
{
	uint32_t r_ctl = fc_ev_r_ctl(ev);

	if (__builtin_expect(fc_ev_type(ev) != FC_TYPE_FCP, 0))
		other(ev);
	else if (r_ctl == FCN_R_RSP || r_ctl == FCN_R_ERSP)
		fcn_io_response(ev);
	else if (r_ctl == FCN_R_CMND)
		fcn_tgt_command(ev);
	else if (r_ctl == FCN_R_XFER_RDY)
		fcn_io_xfer_rdy(ev);
	else if (r_ctl == FCN_R_DATA)
		data(ev);
	else
		other(ev);
}
