// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define CLINT_MSIP 0x02000000u
#define CLINT_MTIMECMP 0x02004000u
#define CLINT_MTIME 0x0200bff8u

#define HTIF_SYS_WRITE 64
#define HTIF_SYS_EXIT 93
#define HTIF_ENOSYS 38

bool machine_ram(struct machine *m, uint32_t addr, uint32_t len, uint8_t **p)
{
	uint32_t off = addr - MACHINE_RAM_BASE;

	if (off > MACHINE_RAM_SIZE || len > MACHINE_RAM_SIZE - off)
		return false;
	*p = m->ram + off;
	return true;
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
	p[2] = v >> 16;
	p[3] = v >> 24;
}

static void end_program(struct machine *m, uint32_t code)
{
	if (m->ended)
		return;
	m->ended = true;
	m->exit_code = code;
	m->end = m->tohost_since >= 0 ? (uint64_t)m->tohost_since : m->cycle;
	m->end_retired = m->retired;
}

/* Eight 64-bit words: number, three arguments. The answer replaces the number. */
static void serve_syscall(struct machine *m, uint32_t addr)
{
	uint8_t *block, *text, *from;
	uint32_t answer = -HTIF_ENOSYS;

	if (!machine_ram(m, addr, 64, &block)) {
		fprintf(stderr, "weft-core-run: tohost value 0x%x is no call block in memory\n",
			addr);
		end_program(m, UINT32_MAX);
		return;
	}
	if (get32(block) == HTIF_SYS_EXIT) {
		end_program(m, get32(block + 8));
		return;
	}
	if (get32(block) == HTIF_SYS_WRITE &&
	    machine_ram(m, get32(block + 16), get32(block + 24), &text)) {
		answer = get32(block + 24);
		fwrite(text, 1, answer, m->console);
	}
	put32(block, answer);
	put32(block + 4, (int32_t)answer < 0 ? UINT32_MAX : 0);
	if (m->has_fromhost && machine_ram(m, m->fromhost, 8, &from))
		put32(from, 1);
}

static void serve_tohost(struct machine *m)
{
	uint8_t *p = m->ram + (m->tohost - MACHINE_RAM_BASE);
	uint32_t low = get32(p), high = get32(p + 4);

	if (high == 0 && (low & 1))
		end_program(m, low >> 1);
	else if (high == 0x01010000u)
		fputc(low & 0xff, m->console);
	else if (high == 0 && low)
		serve_syscall(m, low);
	memset(p, 0, 8);
	m->tohost_since = -1;
}

static void store_tohost(struct machine *m, uint32_t addr)
{
	const uint8_t *p = m->ram + (m->tohost - MACHINE_RAM_BASE);
	bool high_set = get32(p + 4) != 0;

	if (addr == m->tohost) {
		m->tohost_since = m->cycle;
		if (high_set)
			serve_tohost(m);
	} else if (m->tohost_since >= 0) {
		serve_tohost(m);
	}
}

/* The interrupt controller's registers as 32-bit words, or NULL. */
static uint32_t *clint_word(struct machine *m, uint32_t addr, uint32_t *scratch)
{
	switch (addr) {
	case CLINT_MSIP:
		*scratch = m->msip;
		return scratch;
	case CLINT_MTIMECMP:
	case CLINT_MTIMECMP + 4:
		return (uint32_t *)&m->mtimecmp + ((addr >> 2) & 1);
	case CLINT_MTIME:
	case CLINT_MTIME + 4:
		return (uint32_t *)&m->mtime + ((addr >> 2) & 1);
	default:
		return NULL;
	}
}

static bool load(struct machine *m, uint32_t addr, uint32_t *data)
{
	uint32_t scratch, *reg = clint_word(m, addr, &scratch);
	uint8_t *p;

	*data = 0;
	if (machine_ram(m, addr, 4, &p))
		*data = get32(p);
	else if (addr - CORE_MODEL_RESET_PC < sizeof(m->rom))
		*data = m->rom[(addr - CORE_MODEL_RESET_PC) / 4];
	else if (reg)
		*data = *reg;
	else
		return addr == MACHINE_PUTC || addr == MACHINE_PUTC + 4;
	return true;
}

static bool store(struct machine *m, uint32_t addr, uint8_t be, uint32_t data)
{
	uint32_t scratch, *reg = clint_word(m, addr, &scratch);
	uint8_t *p;
	int i;

	if (machine_ram(m, addr, 4, &p)) {
		for (i = 0; i < 4; i++)
			if (be & 1 << i)
				p[i] = data >> (8 * i);
		if (m->has_tohost && (addr & ~4u) == (m->tohost & ~4u))
			store_tohost(m, addr);
		return true;
	}
	if (addr == MACHINE_PUTC) {
		if (be & 1)
			fputc(data & 0xff, m->console);
		return true;
	}
	if (!reg || be != 0xf)
		return false;
	*reg = data;
	if (addr == CLINT_MSIP)
		m->msip = data & 1;
	return true;
}

void machine_cycle(struct machine *m)
{
	struct core_in *in = &m->in;
	struct core_out *out = &m->out;

	in->irq_software = m->msip;
	in->irq_timer = m->mtime >= m->mtimecmp;
	core_model_cycle(m->core, in, out);
	if (out->rvfi.valid && !out->rvfi.trap && out->rvfi.pc_rdata >= MACHINE_RAM_BASE)
		m->retired++;
	if (out->i_req)
		in->i_err = !load(m, out->i_addr, &in->i_rdata);
	in->d_rvalid = out->d_req;
	if (out->d_req && out->d_we)
		in->d_err = !store(m, out->d_addr, out->d_be, out->d_wdata);
	else if (out->d_req)
		in->d_err = !load(m, out->d_addr, &in->d_rdata);
	if (m->tohost_since >= 0 && m->cycle - m->tohost_since > TOHOST_WAIT)
		serve_tohost(m);
	if (!m->retired)
		m->start = m->cycle;
	m->mtime++;
	m->cycle++;
}

int machine_init(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	m->ram = calloc(1, MACHINE_RAM_SIZE);
	m->core = core_model_new();
	if (!m->ram || !m->core) {
		machine_fini(m);
		return -ENOMEM;
	}
	m->console = stdout;
	m->tohost_since = -1;
	m->mtimecmp = UINT64_MAX;
	m->in.fetch_enable = true;
	m->in.i_gnt = true;
	m->in.d_gnt = true;
	return 0;
}

void machine_boot(struct machine *m, uint32_t entry)
{
	uint32_t upper = entry + 0x800;

	m->rom[0] = (upper & 0xfffff000u) | 0x2b7;   /* lui t0, upper */
	m->rom[1] = (entry & 0xfff) << 20 | 0x28067; /* jalr zero, lower(t0) */
}

void machine_fini(struct machine *m)
{
	core_model_free(m->core);
	free(m->ram);
	m->core = NULL;
	m->ram = NULL;
}
