/* SPDX-License-Identifier: BSD-2-Clause */
/* Diagnosis: counters and the firmware's log ring. */
#include <errno.h>
#include <string.h>

#include "internal.h"

static const char *const counter_name[] = {
	[WEFT_CNT_BAR_BAD] = "bar_bad",
	[WEFT_CNT_SQE_FETCHED] = "sqe_fetched",
	[WEFT_CNT_SQE_BAD] = "sqe_bad",
	[WEFT_CNT_DB_BAD] = "db_bad",
	[WEFT_CNT_CQE_WRITTEN] = "cqe_written",
	[WEFT_CNT_CQE_LOST] = "cqe_lost",
	[WEFT_CNT_MSIX_SENT] = "msix_sent",
	[WEFT_CNT_DMA_RD_BYTES] = "dma_rd_bytes",
	[WEFT_CNT_DMA_WR_BYTES] = "dma_wr_bytes",
	[WEFT_CNT_DMA_RD_ERR] = "dma_rd_err",
	[WEFT_CNT_DMA_WR_ERR] = "dma_wr_err",
	[WEFT_CNT_TX_FRAMES] = "tx_frames",
	[WEFT_CNT_TX_BYTES] = "tx_bytes",
	[WEFT_CNT_TX_OPS] = "tx_ops",
	[WEFT_CNT_TX_ACKS] = "tx_acks",
	[WEFT_CNT_TX_STALL_DMA] = "tx_stall_dma",
	[WEFT_CNT_TX_STALL_MAC] = "tx_stall_mac",
	[WEFT_CNT_RX_FRAMES] = "rx_frames",
	[WEFT_CNT_RX_BYTES] = "rx_bytes",
	[WEFT_CNT_RX_DROP_FCS] = "rx_drop_fcs",
	[WEFT_CNT_RX_DROP_LEN] = "rx_drop_len",
	[WEFT_CNT_RX_DROP_IPCSUM] = "rx_drop_ipcsum",
	[WEFT_CNT_RX_DROP_TCPCSUM] = "rx_drop_tcpcsum",
	[WEFT_CNT_RX_DROP_NOBUF] = "rx_drop_nobuf",
	[WEFT_CNT_RX_DROP_NOTUS] = "rx_drop_notus",
	[WEFT_CNT_RX_FAST] = "rx_fast",
	[WEFT_CNT_RX_TO_FW] = "rx_to_fw",
	[WEFT_CNT_RX_DROP_EVQ] = "rx_drop_evq",
	[WEFT_CNT_RX_HDRS] = "rx_hdrs",
	[WEFT_CNT_RX_PLACED_BYTES] = "rx_placed_bytes",
	[WEFT_CNT_RX_HDGST_BAD] = "rx_hdgst_bad",
	[WEFT_CNT_RX_DDGST_BAD] = "rx_ddgst_bad",
	[WEFT_CNT_RX_STALL_DMA] = "rx_stall_dma",
	[WEFT_CNT_CORE_CYCLES] = "core_cycles",
	[WEFT_CNT_CORE_INSTRET] = "core_instret",
	[WEFT_CNT_EVENTS] = "events",
	[WEFT_CNT_CYCLES] = "cycles",
	[WEFT_CNT_FC_TX_FRAMES] = "fc_tx_frames",
	[WEFT_CNT_FC_TX_STALL_CREDIT] = "fc_tx_stall_credit",
	[WEFT_CNT_FC_TX_STALL_DMA] = "fc_tx_stall_dma",
	[WEFT_CNT_FC_RX_FRAMES] = "fc_rx_frames",
	[WEFT_CNT_FC_RX_DROP_CRC] = "fc_rx_drop_crc",
	[WEFT_CNT_FC_RX_DROP_FORM] = "fc_rx_drop_form",
	[WEFT_CNT_FC_RX_DROP_NOBUF] = "fc_rx_drop_nobuf",
	[WEFT_CNT_FC_RX_DROP_NOTUS] = "fc_rx_drop_notus",
	[WEFT_CNT_FC_RX_PLACED] = "fc_rx_placed",
	[WEFT_CNT_FC_RX_TO_FW] = "fc_rx_to_fw",
	[WEFT_CNT_FC_RX_TRAP] = "fc_rx_trap",
};

#define N_COUNTERS 64u

const char *weft_counter_name(unsigned int n)
{
	return n < sizeof(counter_name) / sizeof(counter_name[0]) ? counter_name[n] : NULL;
}

int weft_dev_counter(struct weft_dev *dev, unsigned int n, uint32_t *val)
{
	return n < N_COUNTERS ? weft__read32(dev, WEFT_CNT_BASE + 4 * n, val) : -EINVAL;
}

/* Copies log bytes [pos, pos + len), word by word. */
static int copy_log(struct weft_dev *dev, uint32_t pos, char *buf, uint32_t len)
{
	uint32_t i, word = 0, have = ~0u;

	for (i = 0; i < len; i++) {
		uint32_t at = (pos + i) % WEFT_LOG_SIZE;

		if (at / 4 != have) {
			int rc = weft__read32(dev, WEFT_LOG_WINDOW + at / 4 * 4, &word);

			if (rc)
				return rc;
			have = at / 4;
		}
		buf[i] = (char)(word >> 8 * (at % 4));
	}
	return 0;
}

int weft_dev_log(struct weft_dev *dev, uint32_t *pos, char *buf, size_t len)
{
	uint32_t tail, after, n, lost;
	int rc;

	if (len < 8)
		return -EINVAL;
	rc = weft__read32(dev, WEFT_LOG_TAIL, &tail);
	if (rc)
		return rc;
	if (tail - *pos > WEFT_LOG_SIZE)
		*pos = tail - WEFT_LOG_SIZE;
	n = tail - *pos;
	if (n > len - 1)
		n = (uint32_t)(len - 1);
	rc = copy_log(dev, *pos, buf, n);
	if (!rc)
		rc = weft__read32(dev, WEFT_LOG_TAIL, &after);
	if (rc)
		return rc;
	lost = after - *pos > WEFT_LOG_SIZE ? after - *pos - WEFT_LOG_SIZE :
					      0; /* overwritten while we read */
	if (lost > n)
		lost = n;
	memmove(buf, buf + lost, n - lost);
	*pos += n;
	buf[n - lost] = '\0';
	return (int)(n - lost);
}
