/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ports of weft_top as C sees them, and the few calls of the Verilated model.
 *
 * Each member points at the port's storage inside the model: outputs are read, inputs written, and
 * weft_model_eval lets the design settle. The types are those Verilator gives a port of that width,
 * so a port that changes its width does not compile.
 */
#ifndef WEFT_SIM_PINS_H
#define WEFT_SIM_PINS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_pins {
	/* clock, reset, time */
	uint8_t *clk, *rst, *idle, *boot_hold, *boot_we;
	uint32_t *boot_addr, *boot_data;
	uint64_t *time_ns, *next_timer_ns;
	/* hardware configuration, flash */
	uint8_t *boot_rom;
	uint32_t *board_id, *key_hash;
	uint8_t *spi_sck, *spi_cs_n, *spi_mosi, *spi_miso;
	/* AXI4-Lite slave: BAR 0 */
	uint32_t *s_axil_awaddr, *s_axil_wdata, *s_axil_araddr, *s_axil_rdata;
	uint8_t *s_axil_awvalid, *s_axil_awready, *s_axil_wstrb, *s_axil_wvalid, *s_axil_wready;
	uint8_t *s_axil_bresp, *s_axil_bvalid, *s_axil_bready;
	uint8_t *s_axil_arvalid, *s_axil_arready, *s_axil_rresp, *s_axil_rvalid, *s_axil_rready;
	/* AXI4 master: host memory */
	uint64_t *m_axi_araddr, *m_axi_awaddr;
	uint8_t *m_axi_arlen, *m_axi_arsize, *m_axi_arburst, *m_axi_arid, *m_axi_arvalid,
		*m_axi_arready;
	uint32_t *m_axi_rdata;
	uint8_t *m_axi_rresp, *m_axi_rid, *m_axi_rlast, *m_axi_rvalid, *m_axi_rready;
	uint8_t *m_axi_awlen, *m_axi_awsize, *m_axi_awburst, *m_axi_awid, *m_axi_awvalid,
		*m_axi_awready;
	uint32_t *m_axi_wdata;
	uint16_t *m_axi_wstrb;
	uint8_t *m_axi_wlast, *m_axi_wvalid, *m_axi_wready;
	uint8_t *m_axi_bresp, *m_axi_bid, *m_axi_bvalid, *m_axi_bready;
	/* MSI-X */
	uint8_t *msix_req, *msix_ack;
	uint16_t *msix_vector;
	/* Ethernet MAC */
	uint32_t *eth_tx_tdata, *eth_rx_tdata;
	uint16_t *eth_tx_tkeep, *eth_rx_tkeep;
	uint8_t *eth_tx_tvalid, *eth_tx_tready, *eth_tx_tlast;
	uint8_t *eth_rx_tvalid, *eth_rx_tlast, *eth_rx_tuser;
	/* FC-1 port */
	uint32_t *fc_tx_tdata, *fc_rx_tdata;
	uint16_t *fc_tx_tkeep, *fc_rx_tkeep;
	uint8_t *fc_tx_tvalid, *fc_tx_tready, *fc_tx_tlast;
	uint8_t *fc_tx_rrdy_valid, *fc_tx_rrdy_ready, *fc_tx_prim;
	uint8_t *fc_rx_tvalid, *fc_rx_tlast, *fc_rx_tuser, *fc_rx_rrdy, *fc_rx_prim, *fc_signal;
};

struct weft_model;

/* NULL: no memory. Fills in pins; they stay valid until weft_model_free. */
struct weft_model *weft_model_new(struct weft_pins *pins);
void weft_model_free(struct weft_model *model);
void weft_model_eval(struct weft_model *model);

/*
 * Waves. -ENOTSUP in a build without, -EIO when the file cannot be made. dump: one sample at time
 * ps.
 */
int weft_model_waves_open(struct weft_model *model, const char *path);
void weft_model_waves_dump(struct weft_model *model, uint64_t ps);
void weft_model_waves_close(struct weft_model *model);

#ifdef __cplusplus
}
#endif
#endif
