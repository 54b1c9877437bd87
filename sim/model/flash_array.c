// SPDX-License-Identifier: BSD-2-Clause
/* The flash's content: file or memory, programming and erasing step by step, power, faults. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flash_int.h"

#define SIZE_MIN 0x100000u
#define SIZE_MAX_ 0x1000000u
#define PROGRAM_NS 700000u
#define ERASE_NS 45000000u
#define ERASE_PART (WEFT_FLASH_SECTOR / WEFT_FLASH_ERASE_STEPS)

static bool size_ok(uint64_t size)
{
	return size >= SIZE_MIN && size <= SIZE_MAX_ && !(size & (size - 1));
}

/* The file, made as an erased flash when it is new. */
static int open_file(struct weft_flash *f, const char *path, uint32_t size)
{
	struct stat st;
	bool fresh;

	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (f->fd < 0 || fstat(f->fd, &st))
		return -errno;
	fresh = !st.st_size;
	f->size = size ? size : fresh ? SIZE_MIN : size_ok(st.st_size) ? st.st_size : 0;
	if (!f->size || (!fresh && st.st_size != f->size))
		return -EINVAL;
	if (fresh && ftruncate(f->fd, f->size))
		return -errno;
	f->data = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (f->data == MAP_FAILED) {
		f->data = NULL;
		return -errno;
	}
	if (fresh)
		memset(f->data, 0xff, f->size);
	return 0;
}

static int open_memory(struct weft_flash *f, uint32_t size)
{
	f->size = size ? size : SIZE_MIN;
	f->data = malloc(f->size);
	if (!f->data)
		return -ENOMEM;
	memset(f->data, 0xff, f->size);
	return 0;
}

int weft_flash_open(struct weft_flash **out, const struct weft_flash_config *config)
{
	static const struct weft_flash_config normal;
	struct weft_flash *f;
	int rc;

	if (!config)
		config = &normal;
	if (config->size && !size_ok(config->size))
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->fd = -1;
	rc = config->path ? open_file(f, config->path, config->size) : open_memory(f, config->size);
	if (!rc && (config->protect_size > f->size || config->protect_size % WEFT_FLASH_SECTOR))
		rc = -EINVAL;
	if (rc) {
		weft_flash_close(f);
		return rc;
	}
	f->protect_size = config->protect_size;
	if (!config->at_once) {
		f->program_ns = config->program_ns ? config->program_ns : PROGRAM_NS;
		f->erase_ns = config->erase_ns ? config->erase_ns : ERASE_NS;
	}
	f->next = 0xff;
	*out = f;
	return 0;
}

void weft_flash_close(struct weft_flash *f)
{
	if (!f)
		return;
	if (f->fd < 0)
		free(f->data);
	else if (f->data)
		munmap(f->data, f->size);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

uint8_t *weft_flash_data(struct weft_flash *f)
{
	return f->data;
}

uint32_t weft_flash_size(const struct weft_flash *f)
{
	return f->size;
}

uint8_t flash_get(const struct weft_flash *f, uint32_t addr)
{
	uint8_t byte = f->data[addr];
	uint32_t i;

	for (i = 0; i < f->n_worn; i++)
		if (f->worn[i].addr == addr)
			byte = (byte & ~f->worn[i].mask) | (f->worn[i].value & f->worn[i].mask);
	return byte;
}

/* splitmix64 */
static uint64_t next_random(struct weft_flash *f)
{
	uint64_t z = f->rng += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/*
 * A part of a sector that was being erased, from the seed: untouched, clear already, bits of the old content that have
 * risen at random, or anything at all.
 */
static void erase_in_part(struct weft_flash *f, uint8_t *p)
{
	uint64_t kind = next_random(f) & 3;
	uint32_t i;

	for (i = 0; i < ERASE_PART; i++) {
		if (kind == 1)
			p[i] = 0xff;
		else if (kind == 2)
			p[i] |= (uint8_t)next_random(f);
		else if (kind == 3)
			p[i] = (uint8_t)next_random(f);
	}
}

static void program_step(struct weft_flash *f, bool whole)
{
	uint8_t *p, bits;

	while (!f->page_used[f->op.at])
		f->op.at++;
	p = &f->data[f->op.addr + f->op.at];
	bits = *p & ~f->page[f->op.at]; /* to fall */
	if (!whole)
		bits &= (uint8_t)next_random(f);
	if (!f->fail_program)
		*p &= ~bits;
	f->op.at++;
}

static void erase_step(struct weft_flash *f, bool whole)
{
	uint8_t *p = &f->data[f->op.addr + f->op.at++ * ERASE_PART];

	if (f->fail_erase)
		return;
	if (whole)
		memset(p, 0xff, ERASE_PART);
	else
		erase_in_part(f, p);
}

static void step(struct weft_flash *f, bool whole)
{
	if (f->op.kind == FLASH_PROGRAM)
		program_step(f, whole);
	else
		erase_step(f, whole);
	f->op.done++;
}

static void power_lost(struct weft_flash *f)
{
	f->off = true;
	f->op.kind = FLASH_IDLE;
	f->write_enabled = false;
	f->cut_at = 0;
}

void flash_advance(struct weft_flash *f, uint64_t now_ns)
{
	uint64_t passed = now_ns - f->op.start_ns;
	uint32_t due = f->op.n;

	if (!f->op.kind)
		return;
	if (passed < f->op.total_ns)
		due = (uint32_t)(passed * f->op.n / f->op.total_ns);
	while (f->op.done < due) {
		bool cut = ++f->steps == f->cut_at;

		step(f, !cut);
		if (cut) {
			power_lost(f);
			return;
		}
	}
	if (f->op.done == f->op.n) {
		f->op.kind = FLASH_IDLE;
		f->write_enabled = false;
	}
}

void flash_start(struct weft_flash *f, enum flash_op_kind kind, uint64_t now_ns)
{
	uint32_t unit = kind == FLASH_PROGRAM ? WEFT_FLASH_PAGE : WEFT_FLASH_SECTOR, i;

	if (!f->write_enabled || f->op.kind)
		return;
	f->op.addr = f->addr & ~(unit - 1);
	if (f->op.addr < f->protect_size) {
		f->write_enabled = false;
		return;
	}
	f->op.n = WEFT_FLASH_ERASE_STEPS;
	if (kind == FLASH_PROGRAM)
		for (i = f->op.n = 0; i < WEFT_FLASH_PAGE; i++)
			f->op.n += f->page_used[i];
	f->op.kind = kind;
	f->op.at = f->op.done = 0;
	f->op.start_ns = now_ns;
	f->op.total_ns = kind == FLASH_PROGRAM ? f->program_ns : f->erase_ns;
	flash_advance(f, now_ns);
}

uint64_t weft_flash_steps(const struct weft_flash *f)
{
	return f->steps;
}

void weft_flash_steps_reset(struct weft_flash *f)
{
	if (f->cut_at)
		f->cut_at -= f->steps;
	f->steps = 0;
}

void weft_flash_cut_at(struct weft_flash *f, uint64_t n, uint64_t seed)
{
	f->cut_at = n ? f->steps + n : 0;
	f->rng = seed;
}

void weft_flash_power_off(struct weft_flash *f, uint64_t now_ns, uint64_t seed)
{
	flash_advance(f, now_ns);
	f->rng = seed;
	if (f->op.kind) {
		f->steps++;
		step(f, false);
	}
	power_lost(f);
}

bool weft_flash_is_off(const struct weft_flash *f)
{
	return f->off;
}

void weft_flash_power_on(struct weft_flash *f)
{
	f->off = false;
	f->selected = false;
	f->phase = PHASE_OPCODE;
	f->cmd = 0;
	f->next = 0xff;
	f->op.kind = FLASH_IDLE;
	f->write_enabled = false;
	f->cut_at = 0;
}

int weft_flash_wear(struct weft_flash *f, uint32_t addr, uint8_t mask, uint8_t value)
{
	uint32_t i = 0;

	while (i < f->n_worn && f->worn[i].addr != addr)
		i++;
	if (!mask) {
		if (i < f->n_worn)
			f->worn[i] = f->worn[--f->n_worn];
		return 0;
	}
	if (i == WEFT_FLASH_WORN_MAX)
		return -ENOSPC;
	if (i == f->n_worn)
		f->n_worn++;
	f->worn[i].addr = addr;
	f->worn[i].mask = mask;
	f->worn[i].value = value;
	return 0;
}

void weft_flash_fail_erase(struct weft_flash *f, bool on)
{
	f->fail_erase = on;
}

void weft_flash_fail_program(struct weft_flash *f, bool on)
{
	f->fail_program = on;
}

void weft_flash_dead(struct weft_flash *f, bool on)
{
	f->dead = on;
}
