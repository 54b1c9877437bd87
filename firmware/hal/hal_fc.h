/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Fibre Channel side of hal.h: the link, sequences that leave, frames that come, the exchange
 * contexts that received frames are held against (docs/engine.md). Same two implementations.
 */
#ifndef HAL_FC_H
#define HAL_FC_H

#include "hal.h"

/* Link. ctrl, status: FC_CTRL, FC_STATUS. credit: ENG_FC_CREDIT_OFF in FCoE mode. */
HAL_FN void hal_fc_ctrl(uint32_t ctrl);
HAL_FN uint32_t hal_fc_status(void);
HAL_FN void hal_fc_credit(uint32_t credit);
HAL_FN void hal_fc_id(uint32_t port_id);
HAL_FN void hal_fc_map(uint32_t fc_map); /* FC_MAP; destinations are FC-MAP and D_ID */
HAL_FN void hal_fc_mac(const uint8_t mac[6]);

/* Transmit. rec: in XRAM, 32-byte aligned; the engine's until FC_TXDONE. Ask for room first. */
HAL_FN uint32_t hal_fc_tx_free(void);
HAL_FN void hal_fc_tx(const struct eng_fc_tx_rec *rec, uint32_t ftxf);
HAL_FN void hal_fc_tx_kill(uint16_t slot, bool on);

/* Exchange contexts, by whole words; words: of struct eng_fcx, 0..7. set writes word 0 (flags) last. */
HAL_FN void hal_fcx_set(uint16_t slot, const struct eng_fcx *ctx);
HAL_FN uint32_t hal_fcx_word(uint16_t slot, uint32_t word);
HAL_FN void hal_fcx_stop(uint16_t slot); /* EVT_FC_STOPPED follows */

/* Received frames: bytes of the buffer, struct eng_fc_buf first. off and len: multiples of 4. */
HAL_FN void hal_fc_buf_copy(uint8_t buf, uint32_t off, void *dst, uint32_t len);
HAL_FN void hal_fc_buf_free(uint8_t buf);
/*
 * Bytes of the buffer go to host memory, before every completion that is posted later; then the
 * buffer is freed if so asked. slot: whose sticky flag tells of an error.
 */
HAL_FN void hal_fc_buf_place(uint8_t buf, uint16_t off, uint16_t len, uint64_t iova, uint16_t slot,
			     bool free);
HAL_FN uint32_t hal_fc_bufs_free(void);

#ifndef HAL_NATIVE
#include "hal_fc_mmio.h"
#endif

#endif
