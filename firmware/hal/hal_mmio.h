/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal.h on the soft core: registers and memories at fixed addresses (weft_engine.h). Included by
 * hal.h only. Writes of a group of registers go out in program order; a barrier keeps the compiler
 * from moving ordinary memory accesses across the one that starts an engine.
 */
#ifndef HAL_MMIO_H
#define HAL_MMIO_H

#define HAL_BARRIER() __asm__ volatile("" ::: "memory")
#define HAL_MIE_TIMER (1u << 7)
#define HAL_MIE_EXTERNAL (1u << 11)

static inline uint32_t hal_word(uint32_t addr)
{
	return *(const volatile uint32_t *)addr;
}

static inline uint32_t hal_rd(uint32_t reg)
{
	return hal_word(ENG_MMIO_BASE + reg);
}

static inline void hal_wr(uint32_t reg, uint32_t val)
{
	*(volatile uint32_t *)(ENG_MMIO_BASE + reg) = val;
}

static inline void hal_copy_words(volatile uint32_t *dst, const volatile uint32_t *src, uint32_t n)
{
	while (n--)
		*dst++ = *src++;
}

static inline uint64_t hal_now_ns(void)
{
	uint32_t lo = hal_rd(ENG_TIME_LO);

	return (uint64_t)hal_rd(ENG_TIME_HI) << 32 | lo;
}

static inline void hal_timer_set(uint64_t ns)
{
	hal_wr(ENG_TIMER_LO, (uint32_t)ns);
	hal_wr(ENG_TIMER_HI, (uint32_t)(ns >> 32));
}

static inline void hal_wait(void)
{
	/* Interrupts stay globally off: an enabled one that pends only ends wfi. */
	__asm__ volatile("csrs mie, %0\n\twfi" ::"r"(HAL_MIE_TIMER | HAL_MIE_EXTERNAL) : "memory");
}

static inline bool hal_event_peek(struct hal_event *ev)
{
	/* All three before the first is looked at: a value costs a cycle when the next instruction wants it. */
	ev->w0 = hal_rd(ENG_EVQ_W0);
	ev->w1 = hal_rd(ENG_EVQ_W1);
	ev->w2 = hal_rd(ENG_EVQ_W2);
	if (!ev->w0) /* none has type 0 */
		return false;
	HAL_BARRIER();
	return true;
}

static inline void hal_event_pop(void)
{
	hal_wr(ENG_EVQ_POP, 0);
}

static inline void *hal_xram(uint32_t off)
{
	return (void *)(ENG_XRAM_BASE + off);
}

static inline struct weft_sq_entry *hal_slot_entry(uint16_t slot)
{
	return hal_xram((uint32_t)slot * ENG_SLOT_SIZE);
}

static inline void *hal_slot_fw(uint16_t slot)
{
	return hal_xram((uint32_t)slot * ENG_SLOT_SIZE + sizeof(struct weft_sq_entry));
}

static inline uint32_t hal_xram_off(const void *p)
{
	return (uint32_t)p - ENG_XRAM_BASE;
}

static inline const uint8_t *hal_rx_header(uint16_t conn)
{
	return (const uint8_t *)(ENG_RXH_BASE + (uint32_t)conn * ENG_RXH_STRIDE);
}

/*
 * Word accesses only; an unaligned start or a short end costs one more word read, never one outside
 * the cell.
 */
static inline void hal_pkt_copy(uint16_t cell, uint32_t off, void *dst, uint32_t len)
{
	uint8_t *d = dst;

	for (; off >= ENG_PKT_CELL; off -= ENG_PKT_CELL)
		cell = (uint16_t)hal_word(ENG_PKTNEXT_BASE + 4u * cell);
	while (len) {
		uint32_t word = hal_word(ENG_PKT_BASE + ENG_PKT_CELL * cell + (off & ~3u));

		word >>= (off & 3) * 8;
		do {
			*d++ = (uint8_t)word;
			word >>= 8;
			len--;
		} while ((++off & 3) && len);
		if (off == ENG_PKT_CELL && len) {
			cell = (uint16_t)hal_word(ENG_PKTNEXT_BASE + 4u * cell);
			off = 0;
		}
	}
}

static inline void hal_pkt_free(uint16_t cell)
{
	hal_wr(ENG_RX_FREE, cell);
}

static inline uint32_t hal_pkt_cells_free(void)
{
	return hal_rd(ENG_RX_CELLS);
}

static inline struct eng_conn_ctx *hal_conn_ctx(uint16_t conn)
{
	return (struct eng_conn_ctx *)(ENG_CTXA_BASE + (uint32_t)conn * ENG_CTXA_STRIDE);
}

static inline uint32_t hal_ctxb(uint16_t conn, uint32_t off)
{
	return *(const volatile uint32_t *)(ENG_CTXB_BASE + (uint32_t)conn * ENG_CTXB_STRIDE + off);
}

static inline void hal_conn_state(uint16_t conn, struct eng_conn_state *st)
{
	const volatile uint32_t *b =
		(const volatile uint32_t *)(ENG_CTXB_BASE + (uint32_t)conn * ENG_CTXB_STRIDE);

	hal_copy_words((volatile uint32_t *)(void *)st, b, sizeof(*st) / 4);
}

static inline uint32_t hal_conn_snd_una(uint16_t conn)
{
	return hal_ctxb(conn, offsetof(struct eng_conn_state, snd_una));
}

static inline uint32_t hal_conn_snd_wnd(uint16_t conn)
{
	return hal_ctxb(conn, offsetof(struct eng_conn_state, snd_wnd));
}

static inline uint32_t hal_conn_cells(uint16_t conn)
{
	return hal_ctxb(conn, offsetof(struct eng_conn_state, mode)) >> 16;
}

static inline uint32_t hal_hash_get(uint32_t index)
{
	return ((const volatile uint32_t *)ENG_HASH_BASE)[index];
}

static inline void hal_hash_set(uint32_t index, uint32_t val)
{
	((volatile uint32_t *)ENG_HASH_BASE)[index] = val;
}

static inline void hal_rx_cmd(uint16_t conn, uint8_t rxc)
{
	HAL_BARRIER();
	hal_wr(ENG_RXC_CMD, conn | (uint32_t)rxc << ENG_RXC_CMD_CMD_LSB);
	HAL_BARRIER();
}

static inline void hal_rx_resume(uint16_t conn, uint32_t rcv_nxt, uint32_t snd_una,
				 uint32_t snd_wnd, uint32_t ts_recent)
{
	hal_wr(ENG_RXC_RCV_NXT, rcv_nxt);
	hal_wr(ENG_RXC_SND_UNA, snd_una);
	hal_wr(ENG_RXC_SND_WND, snd_wnd);
	hal_wr(ENG_RXC_TS_RECENT, ts_recent);
	hal_rx_cmd(conn, ENG_RXC_RESUME);
}

static inline void hal_rx_deliver(uint16_t conn, uint16_t cell, uint16_t off, uint16_t len)
{
	hal_wr(ENG_RXD_CELL, cell | (uint32_t)conn << ENG_RXD_CELL_CONN_LSB);
	hal_wr(ENG_RXD_PUSH, off | (uint32_t)len << ENG_RXD_PUSH_LEN_LSB);
}

static inline void hal_stream_next(uint16_t conn)
{
	HAL_BARRIER(); /* the answer lets the engine overwrite RXH: no read of a header may move behind it */
	hal_wr(ENG_RXS_CMD, conn | (uint32_t)ENG_RXS_NEXT << ENG_RXS_CMD_CMD_LSB);
}

static inline void hal_stream_data(uint16_t conn, uint16_t slot, uint32_t off, uint32_t len,
				   uint8_t pad, uint8_t rxsf)
{
	HAL_BARRIER(); /* as in hal_stream_next */
	hal_wr(ENG_RXS_SLOT, slot);
	hal_wr(ENG_RXS_OFF, off);
	hal_wr(ENG_RXS_LEN, len);
	hal_wr(ENG_RXS_CMD, conn | (uint32_t)rxsf << ENG_RXS_CMD_FLAGS_LSB |
				    (uint32_t)pad << ENG_RXS_CMD_PAD_LSB |
				    (uint32_t)ENG_RXS_DATA << ENG_RXS_CMD_CMD_LSB);
}

static inline uint32_t hal_tx_free(void)
{
	return hal_rd(ENG_TX_FREE);
}

static inline void hal_tx(uint16_t conn, const struct eng_tx_rec *rec, uint32_t seq, uint32_t off,
			  uint32_t len, uint8_t txf)
{
	HAL_BARRIER();
	hal_wr(ENG_TX_REC, hal_xram_off(rec));
	hal_wr(ENG_TX_SEQ, seq);
	hal_wr(ENG_TX_OFF, off);
	hal_wr(ENG_TX_LEN, len);
	hal_wr(ENG_TX_PUSH, conn | (uint32_t)txf << ENG_TX_PUSH_FLAGS_LSB);
}

static inline void hal_tx_ack(uint16_t conn)
{
	hal_wr(ENG_TX_ACK, conn);
}

static inline void hal_tx_kill(uint16_t conn, bool on)
{
	hal_wr(ENG_TX_KILL, conn | (uint32_t)on << 8);
}

static inline void hal_complete(const struct hal_cpl *cpl)
{
	HAL_BARRIER();
	hal_wr(ENG_CPL_QP, cpl->qp | (uint32_t)cpl->type << ENG_CPL_QP_TYPE_LSB |
				   (uint32_t)cpl->flags << ENG_CPL_QP_FLAGS_LSB);
	hal_wr(ENG_CPL_CID, cpl->cid | (uint32_t)cpl->status << ENG_CPL_CID_STATUS_LSB);
	hal_wr(ENG_CPL_LEN, cpl->data_len);
	hal_wr(ENG_CPL_DW0, cpl->dw[0]);
	hal_wr(ENG_CPL_DW1, cpl->dw[1]);
	hal_wr(ENG_CPL_DW2, cpl->dw[2]);
	hal_wr(ENG_CPL_DW3, cpl->dw[3]);
	hal_wr(ENG_CPL_PUSH, cpl->slot);
}

static inline volatile uint32_t *hal_qpctx(uint16_t qp)
{
	return (volatile uint32_t *)(ENG_QPCTX_BASE + (uint32_t)qp * ENG_QPCTX_STRIDE);
}

static inline void hal_qp_start(uint16_t qp, const struct eng_qp_ctx *ctx)
{
	volatile uint32_t *q = hal_qpctx(qp);

	hal_copy_words(q, (const volatile uint32_t *)(const void *)ctx,
		       offsetof(struct eng_qp_ctx, ctrl) / 4);
	q[offsetof(struct eng_qp_ctx, ctrl) / 4] = 1;
}

static inline void hal_qp_stop(uint16_t qp)
{
	hal_wr(ENG_QP_STOP, qp);
}

static inline void hal_qp_free_slots(uint16_t qp)
{
	hal_qpctx(qp)[offsetof(struct eng_qp_ctx, ctrl) / 4] = 2;
}

static inline uint32_t hal_cq_space(uint16_t qp)
{
	hal_wr(ENG_CQ_SPACE, qp);
	return hal_rd(ENG_CQ_SPACE);
}

static inline void hal_admin_rings(uint32_t regs[6])
{
	for (uint32_t i = 0; i < 6; i++)
		regs[i] = hal_rd(ENG_AQ_BASE + 4 * i);
}

static inline void hal_port_set(const uint8_t mac[6], uint32_t ip, uint16_t mtu)
{
	hal_wr(ENG_PORT_MAC_LO,
	       mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24);
	hal_wr(ENG_PORT_MAC_HI, mac[4] | (uint32_t)mac[5] << 8);
	hal_wr(ENG_PORT_MTU, mtu);
	hal_wr(ENG_PORT_IP, ip);
}

static inline void hal_host_status(uint32_t status, uint32_t fw_status)
{
	hal_wr(ENG_HOST_FW_STATUS, fw_status);
	hal_wr(ENG_HOST_STATUS, status);
}

static inline void hal_host_version(uint32_t version)
{
	hal_wr(ENG_HOST_FW_VERSION, version);
}

static inline uint32_t hal_engine_version(void)
{
	return hal_rd(ENG_VERSION);
}

static inline void hal_log_write(uint32_t pos, const char *text, uint32_t len)
{
	volatile uint8_t *ring = (volatile uint8_t *)ENG_LOG_BASE;

	for (uint32_t i = 0; i < len; i++)
		ring[(pos + i) & (WEFT_LOG_SIZE - 1)] = (uint8_t)text[i];
}

static inline void hal_log_tail(uint32_t pos)
{
	hal_wr(ENG_HOST_LOG_TAIL, pos);
}

#endif
