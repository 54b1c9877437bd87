/* SPDX-License-Identifier: BSD-2-Clause */
#include "hal_fake.h"

#include <stdlib.h>
#include <string.h>

#include "hal_fake_int.h"

#define EVENTS 512u

struct fake_options fake_opt;
struct fake_counters fake_cnt;
uint8_t fake_host[FAKE_HOST_SIZE];
struct hal_cpl fake_cpl[FAKE_CPL_MAX];
uint32_t fake_cpl_count;
char fake_log[WEFT_LOG_SIZE + 1];

uint64_t fake_now;
uint8_t fake_xram[ENG_XRAM_SIZE] __attribute__((aligned(32)));
struct eng_conn_ctx fake_ctx[ENG_N_CONN];
uint32_t fake_hash[ENG_HASH_SIZE];
uint32_t fake_port_ip;
uint16_t fake_port_mtu;
uint8_t fake_port_mac[6];
uint8_t fake_slot_sticky[WEFT_N_SLOTS];
uint8_t fake_rxh[ENG_N_CONN][ENG_RXH_STRIDE];

static struct hal_event events[EVENTS];
static uint32_t ev_head, ev_count;
static uint64_t timer_ns;
static uint32_t admin_regs[6];
static struct eng_qp_ctx qp_ctx[WEFT_N_QP];

void fake_reset(void)
{
	memset(&fake_opt, 0, sizeof(fake_opt));
	memset(&fake_cnt, 0, sizeof(fake_cnt));
	memset(fake_xram, 0, sizeof(fake_xram));
	memset(fake_ctx, 0, sizeof(fake_ctx));
	memset(fake_hash, 0, sizeof(fake_hash));
	memset(fake_slot_sticky, 0, sizeof(fake_slot_sticky));
	memset(fake_log, 0, sizeof(fake_log));
	memset(admin_regs, 0, sizeof(admin_regs));
	memset(qp_ctx, 0, sizeof(qp_ctx));
	fake_cpl_count = 0;
	fake_now = 1000000000;
	ev_head = ev_count = 0;
	timer_ns = UINT64_MAX;
	fake_cells_reset();
	fake_tx_reset();
	fake_stream_reset();
	fake_fc_reset();
}

/* --- events ----------------------------------------------------------------------------------- */

bool fake_event_room(void)
{
	return ev_count < EVENTS;
}

void fake_push_event(const struct hal_event *ev)
{
	if (!fake_event_room())
		abort(); /* who can lose an event asks for room first */
	events[(ev_head + ev_count++) % EVENTS] = *ev;
}

void fake_event(uint8_t type, uint8_t flags, uint16_t id, uint32_t w1, uint32_t w2)
{
	struct hal_event ev = { .type = type, .flags = flags, .id = id, .w1 = w1, .w2 = w2 };

	fake_push_event(&ev);
}

uint32_t fake_events(void)
{
	return ev_count;
}

bool hal_event_peek(struct hal_event *ev)
{
	if (!ev_count)
		return false;
	*ev = events[ev_head];
	return true;
}

void hal_event_pop(void)
{
	if (!ev_count)
		return;
	if (events[ev_head].type == ENG_EVT_ACK)
		fake_acked_popped(events[ev_head].id);
	ev_head = (ev_head + 1) % EVENTS;
	ev_count--;
}

/* --- time ------------------------------------------------------------------------------------- */

uint64_t hal_now_ns(void)
{
	return fake_now;
}

void hal_timer_set(uint64_t ns)
{
	timer_ns = ns;
}

uint64_t fake_timer(void)
{
	return timer_ns;
}

void hal_wait(void)
{
}

void fake_advance(uint64_t ns)
{
	uint64_t end = fake_now + ns;

	/* Nothing else moves meanwhile: one delayed-acknowledgement scan finds all there is. */
	if (fake_now / 1000000 != end / 1000000)
		fake_ack_scan();
	fake_now = end;
}

/* --- memories --------------------------------------------------------------------------------- */

void *hal_xram(uint32_t off)
{
	if (off >= ENG_XRAM_SIZE)
		abort();
	return fake_xram + off;
}

uint32_t hal_xram_off(const void *p)
{
	return (uint32_t)((const uint8_t *)p - fake_xram);
}

struct weft_sq_entry *hal_slot_entry(uint16_t slot)
{
	return hal_xram((uint32_t)slot * ENG_SLOT_SIZE);
}

void *hal_slot_fw(uint16_t slot)
{
	return hal_xram((uint32_t)slot * ENG_SLOT_SIZE + 128);
}

const uint8_t *hal_rx_header(uint16_t conn)
{
	return fake_rxh[conn % ENG_N_CONN];
}

struct eng_conn_ctx *hal_conn_ctx(uint16_t conn)
{
	return &fake_ctx[conn % ENG_N_CONN];
}

uint32_t hal_hash_get(uint32_t index)
{
	return fake_hash[index % ENG_HASH_SIZE];
}

void hal_hash_set(uint32_t index, uint32_t val)
{
	fake_hash[index % ENG_HASH_SIZE] = val;
}

static bool host_copy(uint64_t addr, uint32_t len, uint8_t *dst, const uint8_t *src)
{
	if (addr > FAKE_HOST_SIZE || len > FAKE_HOST_SIZE - addr)
		return false;
	if (dst)
		memcpy(dst, fake_host + addr, len);
	else
		memcpy(fake_host + addr, src, len);
	return true;
}

static bool sgl_elem(const struct weft_sq_entry *e, uint32_t i, struct weft_sgl_elem *out)
{
	bool tail = e->flags & WEFT_SQF_SGL_TAIL;
	const struct weft_sgl_elem *sgl =
		tail ? &((const struct weft_fc_io_entry *)(const void *)e)->sgl : e->sgl;

	if (!(e->flags & WEFT_SQF_SGL_CHAIN)) {
		if (i >= (tail ? 1 : WEFT_SGL_INLINE))
			return false;
		*out = sgl[i];
		return true;
	}
	return host_copy(sgl->addr + 16ull * i, 16, (uint8_t *)out, NULL);
}

bool fake_sgl(uint16_t slot, uint32_t off, uint32_t len, uint8_t *dst, const uint8_t *src)
{
	const struct weft_sq_entry *e = hal_slot_entry(slot);
	uint32_t count = e->sgl_count;

	if (!count || count > WEFT_SGL_MAX || off > e->data_len || len > e->data_len - off)
		return false;
	for (uint32_t i = 0; len; i++) {
		struct weft_sgl_elem s;
		uint32_t n;

		if (i >= count || !sgl_elem(e, i, &s))
			return false;
		if (off >= s.len) {
			off -= s.len;
			continue;
		}
		n = len < s.len - off ? len : s.len - off;
		if (!host_copy(s.addr + off, n, dst, src))
			return false;
		dst = dst ? dst + n : NULL;
		src = src ? src + n : NULL;
		len -= n;
		off = 0;
	}
	return true;
}

/* --- rings and host --------------------------------------------------------------------------- */

void fake_submit(uint16_t qp, uint16_t slot, const struct weft_sq_entry *e)
{
	memcpy(hal_slot_entry(slot), e, sizeof(*e));
	fake_slot_sticky[slot] = 0;
	fake_event(ENG_EVT_SQE, 0, qp, slot, 0);
}

void fake_admin_enable(const uint32_t regs[6])
{
	memcpy(admin_regs, regs, sizeof(admin_regs));
	fake_event(ENG_EVT_ADMIN, 0, 0, 0, 0);
}

void hal_complete(const struct hal_cpl *cpl)
{
	struct hal_cpl *c;

	if (fake_cpl_count == FAKE_CPL_MAX)
		abort();
	c = &fake_cpl[fake_cpl_count++];
	*c = *cpl;
	if (cpl->slot < WEFT_N_SLOTS) {
		c->flags |= fake_slot_sticky[cpl->slot];
		fake_slot_sticky[cpl->slot] = 0;
	}
}

void hal_qp_start(uint16_t qp, const struct eng_qp_ctx *ctx)
{
	qp_ctx[qp % WEFT_N_QP] = *ctx;
}

void hal_qp_stop(uint16_t qp)
{
	fake_event(ENG_EVT_QP_STOPPED, 0, qp, 0, 0);
}

void hal_qp_free_slots(uint16_t qp)
{
	const struct eng_qp_ctx *c = &qp_ctx[qp % WEFT_N_QP];
	uint32_t base = c->slots & 0xffff;

	for (uint32_t i = 0; i < 1u << (c->sizes & 15); i++)
		fake_slot_sticky[(base + i) % WEFT_N_SLOTS] = 0;
}

uint32_t hal_cq_space(uint16_t qp)
{
	(void)qp;
	return 1024;
}

void hal_admin_rings(uint32_t regs[6])
{
	memcpy(regs, admin_regs, sizeof(admin_regs));
}

void hal_port_set(const uint8_t mac[6], uint32_t ip, uint16_t mtu)
{
	memcpy(fake_port_mac, mac, 6);
	fake_port_ip = ip;
	fake_port_mtu = mtu;
}

void hal_host_status(uint32_t status, uint32_t fw_status)
{
	(void)status;
	(void)fw_status;
}

void hal_host_version(uint32_t version)
{
	(void)version;
}

uint32_t hal_engine_version(void)
{
	return (ENG_VERSION_MAJOR << 16 | ENG_VERSION_MINOR) + fake_opt.engines_newer;
}

void hal_log_write(uint32_t pos, const char *text, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		fake_log[(pos + i) % WEFT_LOG_SIZE] = text[i];
}

void hal_log_tail(uint32_t pos)
{
	(void)pos;
}
