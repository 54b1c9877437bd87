/* SPDX-License-Identifier: BSD-2-Clause */
#include "pair.h"

#include <stdlib.h>
#include <string.h>

#include "fc_nvme/fcn.h"
#include "rig.h"

#define QUEUE 256u

/* The two copies of the port: module.mk renames their symbols. */
#define COPY(x)                                                                                    \
	void x##_fc_init(void);                                                                    \
	uint16_t x##_fc_port_set(const struct weft_arg_fc_port *arg);                              \
	const struct fc_rport *x##_fc_rport(uint16_t index);                                       \
	uint16_t x##_fc_logout(uint16_t index);                                                    \
	uint16_t x##_fc_rscn(void);                                                                \
	void x##_fc_els_input(const struct fc_hdr *h, const uint8_t *p, uint32_t n, uint32_t all); \
	void x##_fip_input(const uint8_t *frame, uint32_t len);                                    \
	void x##_fc_link_changed(uint32_t status);                                                 \
	uint32_t x##_els_in_use(void);                                                             \
	extern struct fc_port x##_fc_port;                                                         \
	extern struct port_counters x##_port_counters;                                             \
	void x##_hal_fc_ctrl(uint32_t ctrl);                                                       \
	uint32_t x##_hal_fc_status(void);                                                          \
	void x##_hal_fc_credit(uint32_t credit);                                                   \
	void x##_hal_fc_id(uint32_t port_id);                                                      \
	void x##_hal_fc_map(uint32_t fc_map);                                                      \
	void x##_hal_fc_mac(const uint8_t mac[6]);                                                 \
	uint32_t x##_hal_fc_tx_free(void);                                                         \
	bool x##_fc_send(const struct fc_hdr *h, const void *payload, uint32_t len);               \
	bool x##_fc_send_ether(const void *frame, uint32_t len);                                   \
	void x##_fcn_link_changed(void);                                                           \
	void x##_fcn_rport_changed(uint16_t index, bool ready);                                    \
	void x##_fcn_rport_rscn(uint16_t index);                                                   \
	uint32_t x##_fcn_in_use(void);                                                             \
	extern struct fcn_stats x##_fcn_stats;

COPY(a)
COPY(b)

struct pair pair;
static uint32_t chance_state;

static struct queue {
	struct frame f[QUEUE];
	uint32_t in, out;
} queues[2]; /* what port i sent */

uint32_t chance(uint32_t of)
{
	chance_state = chance_state * 1664525u + 1013904223u;
	return (chance_state >> 8) % of;
}

/* --- engines ------------------------------------------------------------------------------------- */

static uint32_t prim(int i)
{
	return (pair.port[i].ctrl & ENG_FC_CTRL_PRIM_MASK) >> ENG_FC_CTRL_PRIM_LSB;
}

static bool native(int i)
{
	return (pair.port[i].ctrl & ENG_FC_CTRL_MODE_MASK) == ENG_FCM_NATIVE;
}

static uint32_t status(int i)
{
	uint32_t s = pair.port[i].credit << ENG_FC_STATUS_CREDIT_LSB;

	if (pair.pulled)
		return s;
	return s | ENG_FC_STATUS_SIGNAL_MASK |
	       (native(!i) ? prim(!i) : ENG_FCP_IDLE) << ENG_FC_STATUS_RX_PRIM_LSB;
}

static struct frame *leave(int i, const void *payload, uint32_t len)
{
	struct queue *q = &queues[i];
	struct frame *f = &q->f[q->in % QUEUE];

	if (pair.busy && !chance(pair.busy))
		return NULL;
	ck_assert_uint_lt(q->in - q->out, QUEUE);
	q->in++;
	memset(f, 0, sizeof(*f));
	f->len = len;
	if (len)
		memcpy(f->p, payload, len);
	return f;
}

static void set_ctrl(int i, uint32_t ctrl)
{
	uint32_t was = status(!i);

	pair.port[i].ctrl = ctrl;
	if (status(!i) != was)
		pair.port[!i].changed = true;
	if (ctrl & ENG_FC_CTRL_DROP_MASK)
		queues[i].out = queues[i].in;
}

static void set_mac(int i, const uint8_t mac[6])
{
	memcpy(pair.port[i].mac, mac, 6);
}

static bool send_fc(int i, const struct fc_hdr *h, const void *payload, uint32_t len)
{
	struct frame *f = leave(i, payload, len);

	if (f)
		f->h = *h;
	return f;
}

static bool send_ether(int i, const void *frame, uint32_t len)
{
	struct frame *f = leave(i, frame, len);

	if (f)
		f->ether = true;
	return f;
}

static void changed(int i, uint16_t index, bool ready)
{
	struct pair_port *p = &pair.port[i];

	ck_assert_uint_lt(index, WEFT_N_RPORT);
	ck_assert(p->ready[index] != ready); /* never twice the same */
	p->ready[index] = ready;
	p->readies += ready;
	p->goings += !ready;
}

#define ENGINES(x, i)                                                               \
	struct fcn_stats x##_fcn_stats;                                             \
	void x##_hal_fc_ctrl(uint32_t ctrl)                                         \
	{                                                                           \
		set_ctrl(i, ctrl);                                                  \
	}                                                                           \
	uint32_t x##_hal_fc_status(void)                                            \
	{                                                                           \
		return status(i);                                                   \
	}                                                                           \
	void x##_hal_fc_credit(uint32_t credit)                                     \
	{                                                                           \
		pair.port[i].credit = pair.port[i].credit_max = credit;             \
	}                                                                           \
	void x##_hal_fc_id(uint32_t id)                                             \
	{                                                                           \
		pair.port[i].id = id;                                               \
	}                                                                           \
	void x##_hal_fc_map(uint32_t fc_map)                                        \
	{                                                                           \
		ck_assert_uint_eq(fc_map, 0x0efd00);                                \
	}                                                                           \
	void x##_hal_fc_mac(const uint8_t mac[6])                                   \
	{                                                                           \
		set_mac(i, mac);                                                    \
	}                                                                           \
	uint32_t x##_hal_fc_tx_free(void)                                           \
	{                                                                           \
		return 32 - (queues[i].in - queues[i].out) % 32;                    \
	}                                                                           \
	bool x##_fc_send(const struct fc_hdr *h, const void *payload, uint32_t len) \
	{                                                                           \
		return send_fc(i, h, payload, len);                                 \
	}                                                                           \
	bool x##_fc_send_ether(const void *frame, uint32_t len)                     \
	{                                                                           \
		return send_ether(i, frame, len);                                   \
	}                                                                           \
	void x##_fcn_link_changed(void)                                             \
	{                                                                           \
	}                                                                           \
	void x##_fcn_rport_changed(uint16_t index, bool ready)                      \
	{                                                                           \
		ck_assert(!ready == !x##_fc_rport(index));                          \
		changed(i, index, ready);                                           \
	}                                                                           \
	void x##_fcn_rport_rscn(uint16_t index)                                     \
	{                                                                           \
		ck_assert(pair.port[i].ready[index]);                               \
		pair.port[i].rscns++;                                               \
	}                                                                           \
	uint32_t x##_fcn_in_use(void)                                               \
	{                                                                           \
		return 0;                                                           \
	}

ENGINES(a, 0)
ENGINES(b, 1)

/* --- the wire -------------------------------------------------------------------------------------- */

static bool tell_link(int i)
{
	struct pair_port *p = &pair.port[i];

	if (!p->changed)
		return false;
	p->changed = false;
	(i ? b_fc_link_changed : a_fc_link_changed)(status(i));
	return true;
}

static bool for_us(int i, const uint8_t *dst)
{
	return (dst[0] & 1) || !memcmp(dst, pair.port[i].mac, 6);
}

static void arrive(int i, const struct frame *f)
{
	uint32_t n = f->len < FC_LS_MAX ? f->len : FC_LS_MAX;

	if (f->ether && for_us(i, f->p))
		(i ? b_fip_input : a_fip_input)(f->p, f->len);
	else if (!f->ether && (native(i) || f->h.d_id == pair.port[i].id))
		(i ? b_fc_els_input : a_fc_els_input)(&f->h, f->p, n, f->len);
}

/* The oldest frame of port i, if it may leave now. */
static bool carry(int i)
{
	struct queue *q = &queues[i];
	struct pair_port *p = &pair.port[i];
	struct frame f;

	if (q->in == q->out || (native(i) && (prim(i) != ENG_FCP_IDLE || !p->credit)))
		return false;
	f = q->f[q->out++ % QUEUE];
	if (native(i))
		p->credit--;
	pair.frames++;
	if (pair.pulled || (pair.lose && !chance(pair.lose)))
		return true; /* the R_RDY does not come, either */
	if (native(i) && p->credit < p->credit_max && !(pair.lose_rrdy && !chance(pair.lose_rrdy)))
		p->credit++;
	arrive(!i, &f);
	return true;
}

/* All that is under way gets there; what happens first is left to chance. */
static void settle(void)
{
	for (uint32_t n = 0;; n++) {
		uint32_t first = chance(4), i;

		ck_assert_msg(n < 100000, "they talk for ever");
		for (i = 0; i < 4; i++) {
			uint32_t what = (first + i) % 4;

			if (what < 2 ? tell_link((int)what) : carry((int)what - 2))
				break;
		}
		if (i == 4)
			return;
	}
}

void pair_run(uint32_t ms)
{
	uint64_t end = hal_now_ns() + ms * 1000000ull;

	do
		settle();
	while (rig_tick(end));
}

void pair_pull(bool out)
{
	pair.pulled = out;
	pair.port[0].changed = pair.port[1].changed = true;
	settle();
}

void pair_reset(uint32_t seed)
{
	rig_reset();
	memset(&pair, 0, sizeof(pair));
	memset(queues, 0, sizeof(queues));
	chance_state = seed;
	a_fc_init();
	b_fc_init();
}

void pair_start(int i, uint8_t mode, uint8_t roles, uint64_t wwpn)
{
	struct weft_arg_fc_port arg = rig_args(mode, roles);

	arg.wwpn = wwpn;
	arg.wwnn = wwpn + 0x100000000ull;
	memcpy(arg.mac, "\x02\x57\0\0\0", 5);
	arg.mac[5] = (uint8_t)(0x10 + i);
	ck_assert_uint_eq((i ? b_fc_port_set : a_fc_port_set)(&arg), 0);
	settle();
}

void pair_stop(int i)
{
	struct weft_arg_fc_port arg = { .mode = WEFT_FCM_OFF };

	ck_assert_uint_eq((i ? b_fc_port_set : a_fc_port_set)(&arg), 0);
	settle();
}

const struct fc_port *pair_port(int i)
{
	return i ? &b_fc_port : &a_fc_port;
}

const struct fc_rport *pair_sees(int i)
{
	const struct fc_rport *found = NULL;

	for (uint16_t n = 0; n < WEFT_N_RPORT; n++) {
		const struct fc_rport *r = i ? b_fc_rport(n) : a_fc_rport(n);

		ck_assert(!r || !found); /* there is only one */
		found = r ? r : found;
	}
	return found;
}

uint32_t pair_failures(int i)
{
	return (i ? &b_port_counters : &a_port_counters)->link_failures;
}

uint16_t pair_logout(int i)
{
	for (uint16_t n = 0; n < WEFT_N_RPORT; n++)
		if (i ? b_fc_rport(n) : a_fc_rport(n))
			return i ? b_fc_logout(n) : a_fc_logout(n);
	return 1;
}

uint16_t pair_rscn(int i)
{
	return i ? b_fc_rscn() : a_fc_rscn();
}

uint32_t pair_open(void)
{
	return a_els_in_use() + b_els_in_use();
}
