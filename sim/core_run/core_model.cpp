// SPDX-License-Identifier: BSD-2-Clause
// core_model.cpp: C face of the Verilated core. Copies pins, nothing else.
#include <new>

#include "Vweft_core.h"
#include "verilated.h"

#include "core_model.h"

double sc_time_stamp()
{
	return 0;
}

struct core_model {
	VerilatedContext context;
	Vweft_core core{ &context };
};

static void read_rvfi(const Vweft_core &c, struct core_rvfi *r)
{
	r->valid = c.rvfi_valid;
	if (!r->valid)
		return;
	r->trap = c.rvfi_trap;
	r->intr = c.rvfi_intr;
	r->order = c.rvfi_order;
	r->insn = c.rvfi_insn;
	r->rs1_addr = c.rvfi_rs1_addr;
	r->rs2_addr = c.rvfi_rs2_addr;
	r->rd_addr = c.rvfi_rd_addr;
	r->mem_rmask = c.rvfi_mem_rmask;
	r->mem_wmask = c.rvfi_mem_wmask;
	r->rs1_rdata = c.rvfi_rs1_rdata;
	r->rs2_rdata = c.rvfi_rs2_rdata;
	r->rd_wdata = c.rvfi_rd_wdata;
	r->pc_rdata = c.rvfi_pc_rdata;
	r->pc_wdata = c.rvfi_pc_wdata;
	r->mem_addr = c.rvfi_mem_addr;
	r->mem_rdata = c.rvfi_mem_rdata;
	r->mem_wdata = c.rvfi_mem_wdata;
}

extern "C" void core_model_cycle(struct core_model *m, const struct core_in *in,
				 struct core_out *out)
{
	Vweft_core &c = m->core;

	c.clk = 0;
	c.rst = in->rst;
	c.fetch_enable = in->fetch_enable;
	c.i_gnt = in->i_gnt;
	c.i_err = in->i_err;
	c.i_rdata = in->i_rdata;
	c.d_gnt = in->d_gnt;
	c.d_rvalid = in->d_rvalid;
	c.d_err = in->d_err;
	c.d_rdata = in->d_rdata;
	c.irq_software = in->irq_software;
	c.irq_timer = in->irq_timer;
	c.irq_external = in->irq_external;
	c.eval();
	out->i_req = c.i_req;
	out->i_addr = c.i_addr;
	out->d_req = c.d_req;
	out->d_we = c.d_we;
	out->d_be = c.d_be;
	out->d_addr = c.d_addr;
	out->d_wdata = c.d_wdata;
	out->sleep = c.core_sleep;
	out->trap = c.trap_valid;
	out->trap_cause = c.trap_cause;
	out->pc = c.dbg_pc;
	read_rvfi(c, &out->rvfi);
	c.clk = 1;
	c.eval();
}

extern "C" struct core_model *core_model_new(void)
{
	struct core_model *m = new (std::nothrow) core_model;
	struct core_in in = {};
	struct core_out out;

	if (!m)
		return nullptr;
	in.rst = true;
	core_model_cycle(m, &in, &out);
	core_model_cycle(m, &in, &out);
	return m;
}

extern "C" void core_model_free(struct core_model *m)
{
	delete m;
}
