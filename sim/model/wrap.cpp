// SPDX-License-Identifier: BSD-2-Clause
//
// The only C++ of the simulator: makes the Verilated model and hands out pointers to its ports.
#include <cerrno>
#include <memory>
#include <new>

#include "Vweft_top.h"
#include "verilated.h"
#ifdef WEFT_SIM_TRACE
#include "verilated_fst_c.h"
#endif

#include "pins.h"

struct weft_model {
	VerilatedContext context;
	std::unique_ptr<Vweft_top> top;
#ifdef WEFT_SIM_TRACE
	std::unique_ptr<VerilatedFstC> fst;
#endif
};

static void connect_system(weft_pins *p, Vweft_top *t)
{
	p->clk = &t->clk;
	p->rst = &t->rst;
	p->idle = &t->idle;
	p->boot_hold = &t->boot_hold;
	p->boot_we = &t->boot_we;
	p->boot_addr = &t->boot_addr;
	p->boot_data = &t->boot_data;
	p->time_ns = &t->time_ns;
	p->next_timer_ns = &t->next_timer_ns;
	p->msix_req = &t->msix_req;
	p->msix_ack = &t->msix_ack;
	p->msix_vector = &t->msix_vector;
}

static void connect_boot(weft_pins *p, Vweft_top *t)
{
	p->boot_rom = &t->boot_rom;
	p->board_id = &t->board_id;
	p->key_hash = t->key_hash.data();
	p->spi_sck = &t->spi_sck;
	p->spi_cs_n = &t->spi_cs_n;
	p->spi_mosi = &t->spi_mosi;
	p->spi_miso = &t->spi_miso;
}

static void connect_axil(weft_pins *p, Vweft_top *t)
{
	p->s_axil_awaddr = &t->s_axil_awaddr;
	p->s_axil_awvalid = &t->s_axil_awvalid;
	p->s_axil_awready = &t->s_axil_awready;
	p->s_axil_wdata = &t->s_axil_wdata;
	p->s_axil_wstrb = &t->s_axil_wstrb;
	p->s_axil_wvalid = &t->s_axil_wvalid;
	p->s_axil_wready = &t->s_axil_wready;
	p->s_axil_bresp = &t->s_axil_bresp;
	p->s_axil_bvalid = &t->s_axil_bvalid;
	p->s_axil_bready = &t->s_axil_bready;
	p->s_axil_araddr = &t->s_axil_araddr;
	p->s_axil_arvalid = &t->s_axil_arvalid;
	p->s_axil_arready = &t->s_axil_arready;
	p->s_axil_rdata = &t->s_axil_rdata;
	p->s_axil_rresp = &t->s_axil_rresp;
	p->s_axil_rvalid = &t->s_axil_rvalid;
	p->s_axil_rready = &t->s_axil_rready;
}

static void connect_axi_read(weft_pins *p, Vweft_top *t)
{
	p->m_axi_araddr = &t->m_axi_araddr;
	p->m_axi_arlen = &t->m_axi_arlen;
	p->m_axi_arsize = &t->m_axi_arsize;
	p->m_axi_arburst = &t->m_axi_arburst;
	p->m_axi_arid = &t->m_axi_arid;
	p->m_axi_arvalid = &t->m_axi_arvalid;
	p->m_axi_arready = &t->m_axi_arready;
	p->m_axi_rdata = t->m_axi_rdata.data();
	p->m_axi_rresp = &t->m_axi_rresp;
	p->m_axi_rid = &t->m_axi_rid;
	p->m_axi_rlast = &t->m_axi_rlast;
	p->m_axi_rvalid = &t->m_axi_rvalid;
	p->m_axi_rready = &t->m_axi_rready;
}

static void connect_axi_write(weft_pins *p, Vweft_top *t)
{
	p->m_axi_awaddr = &t->m_axi_awaddr;
	p->m_axi_awlen = &t->m_axi_awlen;
	p->m_axi_awsize = &t->m_axi_awsize;
	p->m_axi_awburst = &t->m_axi_awburst;
	p->m_axi_awid = &t->m_axi_awid;
	p->m_axi_awvalid = &t->m_axi_awvalid;
	p->m_axi_awready = &t->m_axi_awready;
	p->m_axi_wdata = t->m_axi_wdata.data();
	p->m_axi_wstrb = &t->m_axi_wstrb;
	p->m_axi_wlast = &t->m_axi_wlast;
	p->m_axi_wvalid = &t->m_axi_wvalid;
	p->m_axi_wready = &t->m_axi_wready;
	p->m_axi_bresp = &t->m_axi_bresp;
	p->m_axi_bid = &t->m_axi_bid;
	p->m_axi_bvalid = &t->m_axi_bvalid;
	p->m_axi_bready = &t->m_axi_bready;
}

static void connect_eth(weft_pins *p, Vweft_top *t)
{
	p->eth_tx_tdata = t->eth_tx_tdata.data();
	p->eth_tx_tkeep = &t->eth_tx_tkeep;
	p->eth_tx_tvalid = &t->eth_tx_tvalid;
	p->eth_tx_tready = &t->eth_tx_tready;
	p->eth_tx_tlast = &t->eth_tx_tlast;
	p->eth_rx_tdata = t->eth_rx_tdata.data();
	p->eth_rx_tkeep = &t->eth_rx_tkeep;
	p->eth_rx_tvalid = &t->eth_rx_tvalid;
	p->eth_rx_tlast = &t->eth_rx_tlast;
	p->eth_rx_tuser = &t->eth_rx_tuser;
}

static void connect_fc(weft_pins *p, Vweft_top *t)
{
	p->fc_tx_tdata = t->fc_tx_tdata.data();
	p->fc_tx_tkeep = &t->fc_tx_tkeep;
	p->fc_tx_tvalid = &t->fc_tx_tvalid;
	p->fc_tx_tready = &t->fc_tx_tready;
	p->fc_tx_tlast = &t->fc_tx_tlast;
	p->fc_tx_rrdy_valid = &t->fc_tx_rrdy_valid;
	p->fc_tx_rrdy_ready = &t->fc_tx_rrdy_ready;
	p->fc_tx_prim = &t->fc_tx_prim;
	p->fc_rx_tdata = t->fc_rx_tdata.data();
	p->fc_rx_tkeep = &t->fc_rx_tkeep;
	p->fc_rx_tvalid = &t->fc_rx_tvalid;
	p->fc_rx_tlast = &t->fc_rx_tlast;
	p->fc_rx_tuser = &t->fc_rx_tuser;
	p->fc_rx_rrdy = &t->fc_rx_rrdy;
	p->fc_rx_prim = &t->fc_rx_prim;
	p->fc_signal = &t->fc_signal;
}

extern "C" struct weft_model *weft_model_new(struct weft_pins *pins)
{
	weft_model *m = new (std::nothrow) weft_model;

	if (!m)
		return nullptr;
#ifdef WEFT_SIM_TRACE
	m->context.traceEverOn(true);
#endif
	m->context.randReset(0);
	m->top.reset(new (std::nothrow) Vweft_top(&m->context, "weft"));
	if (!m->top) {
		delete m;
		return nullptr;
	}
	connect_system(pins, m->top.get());
	connect_boot(pins, m->top.get());
	connect_axil(pins, m->top.get());
	connect_axi_read(pins, m->top.get());
	connect_axi_write(pins, m->top.get());
	connect_eth(pins, m->top.get());
	connect_fc(pins, m->top.get());
	return m;
}

extern "C" void weft_model_free(struct weft_model *m)
{
	if (!m)
		return;
	weft_model_waves_close(m);
	m->top->final();
	delete m;
}

extern "C" void weft_model_eval(struct weft_model *m)
{
	m->top->eval();
}

#ifdef WEFT_SIM_TRACE
extern "C" int weft_model_waves_open(struct weft_model *m, const char *path)
{
	m->fst.reset(new (std::nothrow) VerilatedFstC);
	if (!m->fst)
		return -ENOMEM;
	m->top->trace(m->fst.get(), 99);
	m->fst->open(path);
	if (m->fst->isOpen())
		return 0;
	m->fst.reset();
	return -EIO;
}

extern "C" void weft_model_waves_dump(struct weft_model *m, uint64_t ps)
{
	m->fst->dump(ps);
}

extern "C" void weft_model_waves_close(struct weft_model *m)
{
	if (!m->fst)
		return;
	m->fst->close();
	m->fst.reset();
}
#else
extern "C" int weft_model_waves_open(struct weft_model *, const char *)
{
	return -ENOTSUP;
}

extern "C" void weft_model_waves_dump(struct weft_model *, uint64_t)
{
}

extern "C" void weft_model_waves_close(struct weft_model *)
{
}
#endif
