/* SPDX-License-Identifier: BSD-2-Clause */
#include "fc/fc_frame.h"

#include "fc_nvme/fcn.h"
#include "lib/pool.h"

/* A copied frame: its record and the bytes behind it. */
struct copy {
	struct eng_fc_tx_rec rec;
	uint8_t data[FC_SEND_MAX];
};

#define N_COPIES ((AUX_FC_SIZE - sizeof(struct eng_fc_tx_rec)) / sizeof(struct copy))
#define COPIES_END (FC_FRAMES_OFF + N_COPIES * sizeof(struct copy))

_Static_assert(FC_FRAMES_OFF % 32 == 0 && sizeof(struct copy) % 32 == 0, "records are aligned");
_Static_assert(COPIES_END <= AUX_FC_OFF + AUX_FC_SIZE, "the area holds them");
_Static_assert(FC_LS_MAX <= FC_SEND_MAX, "an answer is as long as a question");

static struct pool copies;

void fc_frame_init(void)
{
	pool_init(&copies, hal_xram(FC_FRAMES_OFF), sizeof(struct copy), N_COPIES);
}

uint32_t fc_frames_used(void)
{
	return copies.used;
}

/* --- headers ----------------------------------------------------------------------------------- */

static uint32_t get_be24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static void put_be24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	put_be16(p + 1, v);
}

void fc_hdr_get(const uint8_t wire[24], struct fc_hdr *h)
{
	h->r_ctl = wire[0];
	h->d_id = get_be24(wire + 1);
	h->cs_ctl = wire[4];
	h->s_id = get_be24(wire + 5);
	h->type = wire[8];
	h->f_ctl = get_be24(wire + 9);
	h->seq_id = wire[12];
	h->df_ctl = wire[13];
	h->seq_cnt = get_be16(wire + 14);
	h->ox_id = get_be16(wire + 16);
	h->rx_id = get_be16(wire + 18);
	h->param = get_be32(wire + 20);
}

void fc_hdr_put(uint8_t wire[24], const struct fc_hdr *h)
{
	wire[0] = h->r_ctl;
	put_be24(wire + 1, h->d_id);
	wire[4] = h->cs_ctl;
	put_be24(wire + 5, h->s_id);
	wire[8] = h->type;
	put_be24(wire + 9, h->f_ctl);
	wire[12] = h->seq_id;
	wire[13] = h->df_ctl;
	put_be16(wire + 14, h->seq_cnt);
	put_be16(wire + 16, h->ox_id);
	put_be16(wire + 18, h->rx_id);
	put_be32(wire + 20, h->param);
}

/* --- out --------------------------------------------------------------------------------------- */

/* NULL: too long, or all are under way, or the engine has no room to spare. */
static struct copy *copy_get(const void *payload, uint32_t len)
{
	struct copy *c;

	if (len > FC_SEND_MAX || hal_fc_tx_free() < 2) /* one is left for a fence */
		return NULL;
	c = pool_get(&copies);
	if (!c)
		return NULL;
	c->rec = (struct eng_fc_tx_rec){
		.max_data = ENG_FC_DATA_MAX,
		.slot = ENG_NO_SLOT,
		.lit_addr = hal_xram_off(c->data),
		.lit_len = (uint16_t)len,
		.data_slot = ENG_NO_SLOT,
	};
	for (uint32_t i = 0; i < len; i++)
		c->data[i] = ((const uint8_t *)payload)[i];
	return c;
}

bool fc_send(const struct fc_hdr *h, const void *payload, uint32_t len)
{
	struct copy *c = copy_get(payload, len);

	if (!c)
		return false;
	fc_hdr_put(c->rec.hdr, h);
	hal_fc_tx(&c->rec, ENG_FTXF_DONE);
	return true;
}

bool fc_send_ether(const void *frame, uint32_t len)
{
	struct copy *c = copy_get(frame, len);

	if (!c)
		return false;
	hal_fc_tx(&c->rec, ENG_FTXF_DONE | ENG_FTXF_RAW);
	return true;
}

void fc_event_txdone(const struct hal_event *ev)
{
	fc_tx_moved++;
	if (ev->w1 < FC_FRAMES_OFF || ev->w1 >= COPIES_END)
		fcn_event_txdone(ev);
	else
		pool_put(&copies, hal_xram(ev->w1));
}

/* --- in ---------------------------------------------------------------------------------------- */

static void ether(const struct hal_event *ev)
{
	uint32_t words[FC_SEND_MAX / 4], len = fc_ev_len(ev);

	/* FIP's descriptors fit; what is longer is cut, and its lengths then contradict. */
	if (len > sizeof(words))
		len = sizeof(words);
	hal_fc_buf_copy(fc_ev_buf(ev), FC_BUF_HDR, words, (len + 3) & ~3u);
	hal_fc_buf_free(fc_ev_buf(ev));
	fip_input((const uint8_t *)words, len);
}

/* A frame of the port's own: link services, the fabric's services, basic link services of those. */
static void own(const struct hal_event *ev, const struct fc_hdr *h)
{
	uint32_t words[FC_LS_MAX / 4], total = fc_ev_len(ev);
	uint32_t len = total < FC_LS_MAX ? total : FC_LS_MAX;

	hal_fc_buf_copy(fc_ev_buf(ev), FC_BUF_PAYLOAD, words, (len + 3) & ~3u);
	hal_fc_buf_free(fc_ev_buf(ev));
	fc_els_input(h, (const uint8_t *)words, len, total);
}

/* Generation 31, but for the id that is none. */
static bool own_exchange(const struct fc_hdr *h)
{
	uint32_t xid = h->f_ctl & FC_F_EX_CTX ? h->ox_id : h->rx_id;

	return xid >= FC_XID_OWN && xid != FC_XID_NONE;
}

static __attribute__((noinline)) void rare(const struct hal_event *ev)
{
	uint32_t wire[6], r_ctl = fc_ev_r_ctl(ev), type = fc_ev_type(ev);
	struct fc_hdr h;

	if (ev->flags & FC_EV_ETHER) {
		ether(ev);
		return;
	}
	hal_fc_buf_copy(fc_ev_buf(ev), FC_BUF_HDR, wire, sizeof(wire));
	fc_hdr_get((const uint8_t *)wire, &h);
	if ((type == FC_TYPE_ELS && r_ctl >> 1 == 0x22 >> 1) ||
	    (type == FC_TYPE_CT && r_ctl >> 1 == 0x02 >> 1) ||
	    (type == FC_TYPE_BLS && r_ctl >> 4 == 8 && own_exchange(&h)))
		own(ev, &h);
	else
		fcn_event_frame(ev);
}

void fc_event_frame(const struct hal_event *ev)
{
	uint32_t type = fc_ev_type(ev);

	if (type == FC_TYPE_FCP || type == FC_TYPE_NVME)
		fcn_event_frame(ev);
	else
		rare(ev);
}

void fc_event_link(const struct hal_event *ev)
{
	fc_link_changed(ev->w1);
}
