/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reinstate Recovery Qualifier (FC-LS). Who accepts our ABTS keeps the ids of that exchange blocked until
 * it hears RRQ, R_A_TOV later, when no frame of it can be on its way any more. Ours come free E_D_TOV
 * after that (fcn_quarantine), behind the RRQ.
 */
#include "fc/fc_int.h"

#include <string.h>

#include "lib/log.h"

#define N_WAITING 256u
#define N_OPEN 8u /* at once, so that logins find exchanges */
#define RETRY_MS 50u
#define RRQ_LEN 12u

struct qualifier {
	uint32_t due;
	uint32_t d_id, s_id; /* s_id: 0 in asked[]: none */
	uint16_t ox_id, rx_id;
};

/* In the order of their coming, which is that of their time but for those that could not leave. */
static struct {
	struct qualifier waiting[N_WAITING], asked[N_OPEN];
	uint32_t first, count;
	struct timer timer;
} rrq;

static void wake(uint32_t at)
{
	if (!timer_pending(&rrq.timer))
		timer_set(&rrq.timer, at);
}

static bool put(const struct qualifier *q)
{
	if (rrq.count == N_WAITING)
		return false;
	rrq.waiting[(rrq.first + rrq.count++) % N_WAITING] = *q;
	return true;
}

static void done(uint32_t arg, const struct els_answer *a)
{
	struct qualifier *q = &rrq.asked[arg];

	/* Refused: it has forgotten the exchange, which is as good. */
	if (a->result == ELS_TIMEOUT)
		log_limited("fc: %06x does not answer RRQ", q->d_id);
	else if (a->result == ELS_UNSENT && !put(q))
		log_limited("fc: RRQ of %04x at %06x did not leave", q->ox_id, q->d_id);
	q->s_id = 0;
	if (rrq.count)
		wake(clk_now() + clk_ms(a->result == ELS_UNSENT ? RETRY_MS : 0));
}

/* The login under which the exchange ran is still there: its end ends qualifiers as well. */
static bool current(const struct qualifier *q)
{
	return q->s_id == fc_port.port_id && fc_rport_by_id(q->d_id) != WEFT_N_RPORT;
}

static uint32_t place(void)
{
	uint32_t i = 0;

	while (i < N_OPEN && rrq.asked[i].s_id)
		i++;
	return i;
}

static bool send(const struct qualifier *q, uint32_t i)
{
	uint8_t p[RRQ_LEN] = { ELS_RRQ };
	const struct els_request r = { .d_id = q->d_id,
				       .payload = p,
				       .len = sizeof(p),
				       .timeout_ms = 2 * fc_port.r_a_tov_ms,
				       .done = done,
				       .arg = i };

	put_be24(p + 5, q->s_id);
	put_be16(p + 8, q->ox_id);
	put_be16(p + 10, q->rx_id);
	if (els_send(&r) == FC_XID_NONE)
		return false;
	rrq.asked[i] = *q;
	return true;
}

static void run(struct timer *t)
{
	uint32_t now = clk_now(), i;

	while (rrq.count && (i = place()) < N_OPEN) {
		const struct qualifier *q = &rrq.waiting[rrq.first];

		if ((int32_t)(q->due - now) > 0) {
			timer_set(t, q->due);
			return;
		}
		if (current(q) && !send(q, i)) {
			timer_set(t, now + clk_ms(RETRY_MS));
			return;
		}
		rrq.first = (rrq.first + 1) % N_WAITING;
		rrq.count--;
	}
}

void rrq_init(void)
{
	memset(&rrq, 0, sizeof(rrq));
	timer_setup(&rrq.timer, run);
}

void rrq_reset(void)
{
	timer_cancel(&rrq.timer);
	rrq_init();
}

void fc_rrq(uint32_t port_id, uint16_t ox_id, uint16_t rx_id)
{
	const struct qualifier q = { .due = clk_now() + clk_ms(fc_port.r_a_tov_ms),
				     .d_id = port_id,
				     .s_id = fc_port.port_id,
				     .ox_id = ox_id,
				     .rx_id = rx_id };

	if (put(&q))
		wake(q.due);
	else
		log_limited("fc: no room for RRQ of %04x at %06x", ox_id, port_id);
}
