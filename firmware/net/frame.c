/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/frame.h"

#include "lib/pool.h"

#define N_SMALL 64u
#define N_LARGE 2u
#define SMALL_SIZE (sizeof(struct frame) + FRAME_SMALL_DATA)
#define LARGE_SIZE (sizeof(struct frame) + FRAME_LARGE_DATA)
#define SMALL_OFF (FRAME_AREA_OFF + 64u)
#define LARGE_OFF (SMALL_OFF + N_SMALL * SMALL_SIZE)
#define END_OFF (LARGE_OFF + N_LARGE * LARGE_SIZE)
#define TX_KEEP 2u /* operations left for fences */

_Static_assert(SMALL_SIZE % 32 == 0 && LARGE_SIZE % 32 == 0, "records are 32-byte aligned");
_Static_assert(END_OFF <= FRAME_AREA_OFF + FRAME_AREA_SIZE, "frame area");

static struct pool small, large;

void frame_init(void)
{
	pool_init(&small, hal_xram(SMALL_OFF), SMALL_SIZE, N_SMALL);
	pool_init(&large, hal_xram(LARGE_OFF), LARGE_SIZE, N_LARGE);
}

struct frame *frame_alloc(uint32_t len)
{
	if (len <= FRAME_SMALL_DATA)
		return pool_get(&small);
	if (len <= FRAME_LARGE_DATA)
		return pool_get(&large);
	return NULL;
}

void frame_free(struct frame *f)
{
	pool_put(hal_xram_off(f) < LARGE_OFF ? &small : &large, f);
}

void frame_send(struct frame *f, uint32_t len, uint8_t recflags)
{
	if (hal_tx_free() <= TX_KEEP) {
		frame_free(f);
		return;
	}
	f->rec = (struct eng_tx_rec){
		.hdr_addr = hal_xram_off(f->data),
		.flags = recflags,
		.data_len = len,
	};
	/* Connection 0 never carries TCP: killing a connection's operations leaves frames alone. */
	hal_tx(0, &f->rec, 0, 0, 0, ENG_TXF_RAW | ENG_TXF_DONE);
}

bool frame_txdone(uint32_t rec_off)
{
	uint32_t size = rec_off < LARGE_OFF ? SMALL_SIZE : LARGE_SIZE;
	uint32_t base = rec_off < LARGE_OFF ? SMALL_OFF : LARGE_OFF;

	if (rec_off < SMALL_OFF || rec_off >= END_OFF || (rec_off - base) % size)
		return false;
	frame_free(hal_xram(rec_off));
	return true;
}

uint32_t frame_used(void)
{
	return small.used + large.used;
}
