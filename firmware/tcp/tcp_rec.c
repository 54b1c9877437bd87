/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss recovery. Three phases: none, fast (after duplicates: RFC 6675 with SACK, RFC 6582 without),
 * loss (after a timeout). The scoreboard is a short sorted list of what the peer has beyond
 * snd_una. One that overflows forgets the highest range, which costs at worst a retransmission too
 * many. In the loss phase everything up to `recover` that was not reported counts as lost.
 */
#include <string.h>

#include "tcp/tcp_int.h"

static void merge(struct tcb *t, struct range n)
{
	uint32_t i = 0, j;

	while (i < t->n_sack && SEQ_LT(t->sack[i].end, n.start))
		i++;
	for (j = i; j < t->n_sack && SEQ_LEQ(t->sack[j].start, n.end); j++) {
		if (SEQ_LT(t->sack[j].start, n.start))
			n.start = t->sack[j].start;
		if (SEQ_GT(t->sack[j].end, n.end))
			n.end = t->sack[j].end;
	}
	if (j == i) {
		if (t->n_sack == N_SACK) {
			if (i == N_SACK)
				return;
			t->n_sack--;
		}
		memmove(&t->sack[i + 1], &t->sack[i], (t->n_sack - i) * sizeof(n));
		t->n_sack++;
	} else {
		memmove(&t->sack[i + 1], &t->sack[j], (t->n_sack - j) * sizeof(n));
		t->n_sack = (uint8_t)(t->n_sack - (j - i - 1));
	}
	t->sack[i] = n;
}

static uint32_t sacked_bytes(const struct tcb *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_sack; i++)
		n += t->sack[i].end - t->sack[i].start;
	return n;
}

/* True when the segment reports bytes that were not known to have arrived. */
bool tcp_sack_update(struct tcb *t, const struct seg *s)
{
	uint32_t before = sacked_bytes(t);
	uint32_t una = SEQ_GT(s->ack, t->snd_una) ? s->ack : t->snd_una;

	for (uint32_t i = 0; i < s->n_sack; i++) {
		struct range r = s->sack[i];

		if ((t->flags & F_FIN_SENT) && r.end == t->snd_end + 1)
			r.end--;
		/*
		 * Also drops reports of duplicates (RFC 2883), which lie below the acknowledgement.
		 */
		if (SEQ_GEQ(r.start, r.end) || SEQ_LT(r.start, una) || SEQ_GT(r.end, t->snd_nxt))
			continue;
		merge(t, r);
	}
	return sacked_bytes(t) != before;
}

/* snd_una has moved: what lies below it says nothing any more. */
void tcp_sack_prune(struct tcb *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_sack; i++) {
		struct range r = t->sack[i];

		if (SEQ_LEQ(r.end, t->snd_una))
			continue;
		if (SEQ_LT(r.start, t->snd_una))
			r.start = t->snd_una;
		t->sack[n++] = r;
	}
	t->n_sack = (uint8_t)n;
}

/*
 * IsLost of RFC 6675 for the hole below range i: three ranges, or more than two segments, reported
 * above it.
 */
static bool hole_lost(const struct tcb *t, uint32_t i)
{
	uint32_t above = 0;

	if (t->n_sack - i >= 3)
		return true;
	for (; i < t->n_sack; i++)
		above += t->sack[i].end - t->sack[i].start;
	return above > 2u * t->mss;
}

bool tcp_sack_lost(const struct tcb *t)
{
	return t->n_sack && hole_lost(t, 0);
}

/* Part of [a, b) below x. */
static uint32_t below(uint32_t a, uint32_t b, uint32_t x)
{
	if (SEQ_LEQ(x, a))
		return 0;
	return (SEQ_LT(x, b) ? x : b) - a;
}

/* Bytes of [a, b), not reported by the peer, that are thought to be on their way. */
static uint32_t hole_pipe(const struct tcb *t, uint32_t a, uint32_t b, bool lost)
{
	uint32_t again = below(a, b, t->high_rxt);

	if (t->rec == REC_LOSS)
		return (b - a) - below(a, b, t->recover) +
		       below(a, b, SEQ_LT(t->high_rxt, t->recover) ? t->high_rxt : t->recover);
	return (lost ? 0 : b - a) + again;
}

static uint32_t pipe_bytes(const struct tcb *t)
{
	uint32_t at = t->snd_una, n = 0;

	if (t->rec == REC_FAST && !(t->flags & F_SACK))
		return flight(t) > t->dup_bytes ? flight(t) - t->dup_bytes : 0;
	for (uint32_t i = 0; i < t->n_sack; i++) {
		n += hole_pipe(t, at, t->sack[i].start, hole_lost(t, i));
		at = t->sack[i].end;
	}
	return n + hole_pipe(t, at, t->snd_nxt, false);
}

/*
 * Sends bytes of the sent list again, at most len. Each PDU concerned costs an operation. Returns
 * the bytes.
 */
uint32_t tcp_retransmit(struct tcb *t, uint32_t seq, uint32_t len)
{
	struct tcp_pdu *p = t->head;
	uint32_t done = 0;

	len = MIN(len,
		  t->snd_nxt -
			  seq); /* nothing that was never sent, however long the caller's range */
	while (p && SEQ_LEQ(p->seq + p->len, seq))
		p = pdu_next(p);
	while (p && done < len && tx_room(t)) {
		uint32_t off = seq + done - p->seq;
		uint32_t n = MIN(len - done, p->len - off);
		uint8_t psh = off + n == p->len ? ENG_TXF_PSH : 0;

		hal_tx(t->conn, &p->rec, seq + done, off, n, ENG_TXF_RETX | ENG_TXF_DONE | psh);
		t->retx_busy++;
		t->retransmits++;
		t->segs_out++;
		done += n;
		p = pdu_next(p);
	}
	t->flags &= ~(uint32_t)F_RTT; /* Karn */
	return done;
}

static uint32_t half_flight(const struct tcb *t)
{
	return MAX(flight(t) >> 1, 2u * t->mss);
}

void tcp_enter_fast(struct tcb *t)
{
	t->rec = REC_FAST;
	t->recover = t->snd_nxt;
	t->ssthresh = half_flight(t);
	t->cwnd = t->ssthresh;
	t->acked_bytes = 0;
	t->dup_bytes = t->dupacks * (uint32_t)t->mss;
	t->flags &= ~(uint32_t)F_RESCUED;
	t->flags |= F_RETX_NOW;
	t->high_rxt = t->snd_una;
	t->fast_retx++;
	tcp_rto_restart(t);
}

/* After a timeout. The scoreboard goes: the peer may have discarded what it reported (RFC 2018). */
void tcp_enter_loss(struct tcb *t)
{
	if (t->rec != REC_LOSS)
		t->ssthresh = half_flight(t);
	t->rec = REC_LOSS;
	t->cwnd = t->mss;
	t->acked_bytes = 0;
	t->recover = t->snd_nxt;
	t->high_rxt = t->snd_una;
	t->n_sack = 0;
	t->dupacks = 0;
}

static void leave(struct tcb *t)
{
	if (t->rec == REC_FAST && !(t->flags & F_SACK))
		t->cwnd = MIN(t->ssthresh, MAX(flight(t), t->mss) + t->mss);
	t->rec = REC_NONE;
	t->n_sack = 0;
	t->dupacks = 0;
	t->flags &= ~(uint32_t)F_RETX_NOW;
}

/* snd_una has moved by acked bytes. */
void tcp_recovery_ack(struct tcb *t, uint32_t acked)
{
	if (SEQ_GEQ(t->snd_una, t->recover)) {
		leave(t);
		return;
	}
	if (SEQ_LT(t->high_rxt, t->snd_una))
		t->high_rxt = t->snd_una;
	if (t->rec == REC_LOSS) {
		t->cwnd += t->cwnd < t->ssthresh ? MIN(acked, t->mss) : 0;
		return;
	}
	/* Partial: the next hole begins here. */
	t->flags |= F_RETX_NOW;
	t->dup_bytes = t->dup_bytes > acked ? t->dup_bytes - acked : 0;
}

/*
 * First byte at or above high_rxt that the peer lacks and that may go again; lost: only what counts
 * as lost.
 */
static bool next_hole(const struct tcb *t, bool lost, struct range *r)
{
	uint32_t at = t->snd_una;

	for (uint32_t i = 0; i <= t->n_sack; i++) {
		bool last = i == t->n_sack;
		uint32_t end = last ? t->recover : t->sack[i].start;

		if (last && t->rec != REC_LOSS)
			return false;
		if (SEQ_LT(at, t->high_rxt))
			at = t->high_rxt;
		if (SEQ_LT(at, end) && (t->rec == REC_LOSS || !lost || hole_lost(t, i))) {
			r->start = at;
			r->end = MIN(end - at, t->mss) + at;
			return true;
		}
		if (!last && SEQ_LT(at, t->sack[i].end))
			at = t->sack[i].end;
	}
	return false;
}

static uint32_t again(struct tcb *t, const struct range *r)
{
	uint32_t n = tcp_retransmit(t, r->start, r->end - r->start);

	if (SEQ_GT(r->start + n, t->high_rxt))
		t->high_rxt = r->start + n;
	return n;
}

static uint32_t send_more(struct tcb *t, uint32_t room)
{
	uint32_t wnd = t->snd_wnd > flight(t) ? t->snd_wnd - flight(t) : 0;

	if (!t->unsent || !wnd)
		return 0;
	return tcp_emit_new(t, MIN(MIN(room, wnd), MAX(t->mss, wnd < t->mss ? wnd : t->mss)));
}

/* NextSeg of RFC 6675: lost holes, new data, other holes, and once the last segment of all. */
static uint32_t next_seg(struct tcb *t, uint32_t room)
{
	struct range r;
	uint32_t n;

	if (next_hole(t, true, &r))
		return again(t, &r);
	n = send_more(t, room);
	if (n || t->rec == REC_LOSS || !(t->flags & F_SACK))
		return n;
	if (next_hole(t, false, &r))
		return again(t, &r);
	if ((t->flags & F_RESCUED) || t->unsent)
		return 0;
	t->flags |= F_RESCUED;
	r.end = t->recover;
	r.start = t->recover - MIN(t->mss, t->recover - t->snd_una);
	if (t->n_sack && SEQ_LT(r.start, t->sack[t->n_sack - 1].end))
		return 0;
	return tcp_retransmit(t, r.start, r.end - r.start);
}

void tcp_recovery_output(struct tcb *t)
{
	uint32_t out;

	/*
	 * The segment at snd_una does not wait for the window. With SACK, only if it was not sent
	 * again already.
	 */
	if ((t->flags & F_RETX_NOW) && t->rec == REC_FAST) {
		struct range r = { t->snd_una, t->snd_una + MIN(t->mss, flight(t)) };

		if (t->n_sack && SEQ_LT(t->sack[0].start, r.end))
			r.end = t->sack[0].start;
		t->flags &= ~(uint32_t)F_RETX_NOW;
		if (SEQ_LEQ(t->high_rxt, t->snd_una) && !again(t, &r)) {
			t->flags |= F_RETX_NOW;
			return;
		}
	}
	for (;;) {
		out = pipe_bytes(t);
		if (t->cwnd < out + t->mss && !(t->rec == REC_LOSS && out < t->cwnd))
			return;
		if (!next_seg(t, t->cwnd - out))
			return;
	}
}
