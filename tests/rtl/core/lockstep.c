// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lockstep.h"

#define SILENCE_LIMIT 1000 /* cycles without a retirement that no bus delay explains */
#define OVERDUE_LIMIT 6

static bool __attribute__((format(printf, 2, 3))) wrong(struct lockstep *l, const char *fmt, ...)
{
	int n = snprintf(l->err, sizeof(l->err), "cycle %" PRIu64 ", instruction %" PRIu64 ": ",
			 l->cycles, l->retired);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->err + n, sizeof(l->err) - n, fmt, ap);
	va_end(ap);
	return false;
}

int lockstep_init(struct lockstep *l)
{
	memset(l, 0, sizeof(*l));
	l->core = core_model_new();
	return l->core ? 0 : -ENOMEM;
}

void lockstep_fini(struct lockstep *l)
{
	core_model_free(l->core);
	l->core = NULL;
}

void lockstep_start(struct lockstep *l, const struct lockstep_mode *mode, uint32_t seed)
{
	rng_seed(&l->rng, seed);
	l->mode = *mode;
	l->ref = l->dut;
	iss_reset(&l->iss, &l->ref);
	memset(&l->in, 0, sizeof(l->in));
	l->in.rst = rng_percent(&l->rng, 50);
	l->in.fetch_enable = l->in.rst; /* either alone must hold the core in reset */
	core_model_cycle(l->core, &l->in, &l->out);
	l->in.rst = false;
	l->in.fetch_enable = true;
	memset(&l->last, 0, sizeof(l->last));
	l->i_pending = false;
	l->d_pending = false;
	l->overdue = 0;
	l->silent = 0;
	l->stuck = false;
}

static uint32_t lines(const struct lockstep *l)
{
	return l->in.irq_software << 3 | l->in.irq_timer << 7 | l->in.irq_external << 11;
}

static bool *line(struct lockstep *l, uint32_t n)
{
	return n == 3 ? &l->in.irq_software : n == 7 ? &l->in.irq_timer : &l->in.irq_external;
}

static void drive_interrupts(struct lockstep *l)
{
	static const uint32_t numbers[] = { 3, 7, 11 };
	uint32_t chance = l->last.sleep ? 200 : l->mode.irq_permille;

	if (rng_below(&l->rng, 1000) < chance)
		*line(l, numbers[rng_below(&l->rng, 3)]) = true;
	if (l->last.trap && l->last.trap_cause >> 31 && rng_percent(&l->rng, 90))
		*line(l, l->last.trap_cause & 31) = false;
}

static void drive_bus(struct lockstep *l)
{
	struct core_in *in = &l->in;

	in->i_gnt = rng_percent(&l->rng, l->mode.i_gnt);
	in->d_gnt = rng_percent(&l->rng, l->mode.d_gnt);
	in->i_rdata = l->i_pending ? l->i_data : rng_next(&l->rng);
	in->i_err = l->i_pending ? l->i_err : rng_percent(&l->rng, 50);
	in->d_rvalid = l->d_pending && !l->d_wait;
	in->d_rdata = in->d_rvalid ? l->d_data : rng_next(&l->rng);
	in->d_err = in->d_rvalid ? l->d_err : rng_percent(&l->rng, 50);
}

static bool check_protocol(struct lockstep *l)
{
	const struct core_out *o = &l->out, *p = &l->last;

	if (p->d_req && (!o->d_req || o->d_addr != p->d_addr || o->d_we != p->d_we ||
			 o->d_be != p->d_be || (o->d_we && o->d_wdata != p->d_wdata)))
		return wrong(l, "data request for 0x%08x changed before it was granted", p->d_addr);
	if ((o->i_addr & 3) || (o->d_req && (o->d_addr & 3)))
		return wrong(l, "unaligned address on the bus");
	if (o->d_req && l->in.d_gnt && l->d_pending && !l->in.d_rvalid)
		return wrong(l, "second data access while one is outstanding");
	if (o->sleep && (o->i_req || o->d_req || o->rvfi.valid))
		return wrong(l, "activity during sleep");
	if (o->sleep && (lines(l) & l->iss.csr_mie))
		return wrong(l, "asleep with interrupt pending");
	return true;
}

static void accept_requests(struct lockstep *l)
{
	const struct core_out *o = &l->out;

	l->i_pending = o->i_req && l->in.i_gnt;
	if (l->i_pending)
		l->i_err = !world_fetch(&l->dut, o->i_addr, &l->i_data);
	if (l->in.d_rvalid)
		l->d_pending = false;
	else if (l->d_wait)
		l->d_wait--;
	if (!o->d_req || !l->in.d_gnt)
		return;
	l->d_pending = true;
	l->d_wait = rng_percent(&l->rng, l->mode.late) ? rng_below(&l->rng, l->mode.late_max + 1) :
							 0;
	l->d_data = rng_next(&l->rng);
	if (o->d_we)
		l->d_err = !world_store(&l->dut, o->d_addr, o->d_be, o->d_wdata);
	else
		l->d_err = !world_load(&l->dut, o->d_addr, &l->d_data);
}

static uint32_t lane_bits(uint8_t lanes)
{
	uint32_t bits = 0;
	int i;

	for (i = 0; i < 4; i++)
		if (lanes & 1 << i)
			bits |= 0xffu << (8 * i);
	return bits;
}

static bool compare_sources(struct lockstep *l, const struct iss *before)
{
	const struct core_rvfi *r = &l->out.rvfi;

	if (r->rs1_rdata != before->x[r->rs1_addr])
		return wrong(l, "0x%08x: rs1 x%u read as 0x%08x, is 0x%08x", r->pc_rdata,
			     r->rs1_addr, r->rs1_rdata, before->x[r->rs1_addr]);
	if (r->rs2_rdata != before->x[r->rs2_addr])
		return wrong(l, "0x%08x: rs2 x%u read as 0x%08x, is 0x%08x", r->pc_rdata,
			     r->rs2_addr, r->rs2_rdata, before->x[r->rs2_addr]);
	return true;
}

static bool compare_memory(struct lockstep *l, const struct iss_effect *e)
{
	const struct core_rvfi *r = &l->out.rvfi;

	if (r->mem_rmask != e->rmask || r->mem_wmask != e->wmask)
		return wrong(l, "0x%08x %08x: memory masks %x %x, expected %x %x", e->pc, e->insn,
			     r->mem_rmask, r->mem_wmask, e->rmask, e->wmask);
	if ((e->rmask | e->wmask) && r->mem_addr != e->mem_addr)
		return wrong(l, "0x%08x %08x: memory address 0x%08x, expected 0x%08x", e->pc,
			     e->insn, r->mem_addr, e->mem_addr);
	if ((r->mem_wdata & lane_bits(e->wmask)) != e->wdata)
		return wrong(l, "0x%08x %08x: stored 0x%08x, expected 0x%08x", e->pc, e->insn,
			     r->mem_wdata & lane_bits(e->wmask), e->wdata);
	return true;
}

static bool compare(struct lockstep *l, const struct iss_effect *e)
{
	const struct core_rvfi *r = &l->out.rvfi;

	if (r->pc_rdata != e->pc)
		return wrong(l, "at 0x%08x, expected 0x%08x", r->pc_rdata, e->pc);
	if (!e->fetch_failed && r->insn != e->insn)
		return wrong(l, "0x%08x: instruction %08x, expected %08x", e->pc, r->insn, e->insn);
	if (r->trap != e->trap)
		return wrong(l, "0x%08x %08x: trap %u, expected %u (cause %u)", e->pc, e->insn,
			     r->trap, e->trap, l->iss.mcause);
	if (r->trap && l->trap_cause != l->iss.mcause)
		return wrong(l, "0x%08x %08x: trap cause %u, expected %u", e->pc, e->insn,
			     l->trap_cause, l->iss.mcause);
	if (r->rd_addr != e->rd || r->rd_wdata != e->value)
		return wrong(l, "0x%08x %08x: x%u = 0x%08x, expected x%u = 0x%08x", e->pc, e->insn,
			     r->rd_addr, r->rd_wdata, e->rd, e->value);
	if (r->pc_wdata != e->next)
		return wrong(l, "0x%08x %08x: next 0x%08x, expected 0x%08x", e->pc, e->insn,
			     r->pc_wdata, e->next);
	return compare_memory(l, e);
}

/* Enabled, pending and yet not taken for several instructions? The lines fall only after a trap. */
static bool check_overdue(struct lockstep *l)
{
	if (!l->iss.mie || !(lines(l) & l->iss.csr_mie))
		l->overdue = 0;
	else if (++l->overdue > OVERDUE_LIMIT)
		return wrong(l, "interrupt lines 0x%x enabled, none taken", lines(l));
	return true;
}

static bool check_retired(struct lockstep *l)
{
	const struct core_rvfi *r = &l->out.rvfi;
	struct iss_effect e;
	struct iss before;
	int n;

	if (r->order != l->retired)
		return wrong(l, "order %" PRIu64, r->order);
	if (r->intr && !iss_interrupt(&l->iss, l->irq_cause & 31))
		return wrong(l, "interrupt %u taken, which is disabled", l->irq_cause & 31);
	before = l->iss;
	l->iss.hint = r->rd_wdata;
	iss_step(&l->iss, &e);
	if (!compare(l, &e) || !compare_sources(l, &before))
		return false;
	n = e.fetch_failed ? -1 : isa_find(e.insn);
	if (n >= 0)
		l->seen[n]++;
	l->retired++;
	l->silent = 0;
	return check_overdue(l);
}

static bool check_trap(struct lockstep *l)
{
	uint32_t cause = l->out.trap_cause;

	l->causes[cause >> 31][cause & 15]++;
	if (!(cause >> 31)) {
		l->trap_cause = cause;
		return true;
	}
	l->irq_cause = cause;
	l->overdue = 0;
	if (!(lines(l) & 1u << (cause & 31)))
		return wrong(l, "interrupt %u taken, its line is low", cause & 31);
	return true;
}

bool lockstep_cycle(struct lockstep *l)
{
	drive_interrupts(l);
	drive_bus(l);
	core_model_cycle(l->core, &l->in, &l->out);
	l->cycles++;
	if (l->out.sleep && !l->last.sleep)
		l->sleeps++;
	l->stuck = l->out.sleep && !l->iss.csr_mie;
	/* A bus error shows with its instruction; all other traps before theirs retires. */
	if (l->out.rvfi.valid && l->out.rvfi.trap && l->out.trap)
		l->trap_cause = l->out.trap_cause;
	if (!check_protocol(l) || (l->out.rvfi.valid && !check_retired(l)))
		return false;
	if (l->out.trap && !check_trap(l))
		return false;
	if (!l->out.sleep && ++l->silent > SILENCE_LIMIT)
		return wrong(l, "nothing retired for %u cycles, pc 0x%08x", l->silent, l->out.pc);
	accept_requests(l);
	l->last = l->out;
	l->last.d_req = l->out.d_req && !l->in.d_gnt;
	return true;
}
