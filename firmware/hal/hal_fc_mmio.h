/* SPDX-License-Identifier: BSD-2-Clause */
/* hal_fc.h on the soft core. Included by hal_fc.h only. */
#ifndef HAL_FC_MMIO_H
#define HAL_FC_MMIO_H

static inline void hal_fc_ctrl(uint32_t ctrl)
{
	hal_wr(ENG_FC_CTRL, ctrl);
}

static inline uint32_t hal_fc_status(void)
{
	return hal_rd(ENG_FC_STATUS);
}

static inline void hal_fc_credit(uint32_t credit)
{
	hal_wr(ENG_FC_CREDIT, credit);
}

static inline void hal_fc_id(uint32_t port_id)
{
	hal_wr(ENG_FC_ID, port_id);
}

static inline void hal_fc_map(uint32_t fc_map)
{
	hal_wr(ENG_FC_MAP, fc_map);
}

static inline void hal_fc_mac(const uint8_t mac[6])
{
	hal_wr(ENG_FC_MAC_LO,
	       mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24);
	hal_wr(ENG_FC_MAC_HI, mac[4] | (uint32_t)mac[5] << 8);
}

static inline uint32_t hal_fc_tx_free(void)
{
	return hal_rd(ENG_FTX_FREE);
}

static inline void hal_fc_tx(const struct eng_fc_tx_rec *rec, uint32_t ftxf)
{
	HAL_BARRIER();
	hal_wr(ENG_FTX_REC, hal_xram_off(rec));
	hal_wr(ENG_FTX_PUSH, ftxf);
}

static inline void hal_fc_tx_kill(uint16_t slot, bool on)
{
	hal_wr(ENG_FTX_KILL, slot | (uint32_t)on << ENG_FTX_KILL_ON_LSB);
}

static inline volatile uint32_t *hal_fcx(uint16_t slot)
{
	return (volatile uint32_t *)(ENG_FCX_BASE + (uint32_t)slot * ENG_FCX_STRIDE);
}

static inline void hal_fcx_set(uint16_t slot, const struct eng_fcx *ctx)
{
	volatile uint32_t *x = hal_fcx(slot);
	uint32_t w[sizeof(*ctx) / 4];

	__builtin_memcpy(w, ctx, sizeof(w)); /* most of it never is in memory */
	x[1] = w[1];
	x[2] = w[2];
	x[3] = w[3];
	x[4] = w[4];
	x[5] = w[5];
	x[0] = w[0]; /* 6 and 7 mean nothing */
	HAL_BARRIER();
}

static inline uint32_t hal_fcx_word(uint16_t slot, uint32_t word)
{
	return hal_fcx(slot)[word];
}

static inline void hal_fcx_stop(uint16_t slot)
{
	HAL_BARRIER();
	hal_wr(ENG_FCX_STOP, slot);
}

static inline void hal_fc_buf_copy(uint8_t buf, uint32_t off, void *dst, uint32_t len)
{
	hal_copy_words(dst,
		       (const volatile uint32_t *)(ENG_FCBUF_BASE +
						   (uint32_t)buf * ENG_FCBUF_STRIDE + off),
		       len / 4);
	HAL_BARRIER();
}

static inline void hal_fc_buf_free(uint8_t buf)
{
	HAL_BARRIER();
	hal_wr(ENG_FRX_FREE, buf);
}

static inline void hal_fc_buf_place(uint8_t buf, uint16_t off, uint16_t len, uint64_t iova,
				    uint16_t slot, bool free)
{
	HAL_BARRIER();
	hal_wr(ENG_FRX_ADDR_LO, (uint32_t)iova);
	hal_wr(ENG_FRX_ADDR_HI, (uint32_t)(iova >> 32));
	hal_wr(ENG_FRX_RANGE, off | (uint32_t)len << ENG_FRX_RANGE_LEN_LSB);
	hal_wr(ENG_FRX_PLACE, buf | (uint32_t)free << ENG_FRX_PLACE_FREE_LSB |
				      (uint32_t)slot << ENG_FRX_PLACE_SLOT_LSB);
}

static inline uint32_t hal_fc_bufs_free(void)
{
	return hal_rd(ENG_FRX_BUFS);
}

#endif
