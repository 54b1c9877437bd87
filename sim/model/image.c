// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reads the soft core's firmware, or its boot ROM: a static 32-bit RISC-V ELF file. What its program
 * headers hold goes to their physical addresses in instruction and data memory, or in the ROM, word
 * by word. The file is not trusted: each offset and size is checked.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft_engine.h"
#include "sim.h"

#define FILE_MAX (16u << 20)

/* The file that is read: its name is for messages. */
struct source {
	const char *name;
	enum sim_image_kind kind;
};

static void complain(const struct source *src, const char *why)
{
	fprintf(stderr, "weft_sim: %s %s: %s\n", src->kind == SIM_ROM ? "boot ROM" : "firmware",
		src->name, why);
}

static int unfit(const struct source *src, const char *why)
{
	complain(src, why);
	return -ENOEXEC;
}

static bool inside(uint64_t addr, uint64_t len, uint64_t base, uint64_t size)
{
	return addr >= base && addr - base <= size && len <= size - (addr - base);
}

/* Where a segment may lie in the file's view, and in the program's: the ROM keeps its data in data memory. */
static bool fits(const struct source *src, uint64_t addr, uint64_t len, bool runs)
{
	if (src->kind == SIM_ROM)
		return inside(addr, len, ENG_ROM_BASE, ENG_ROM_SIZE) ||
		       (runs && inside(addr, len, ENG_DMEM_BASE, ENG_DMEM_SIZE));
	return inside(addr, len, ENG_IMEM_BASE, ENG_IMEM_SIZE) ||
	       inside(addr, len, ENG_DMEM_BASE, ENG_DMEM_SIZE);
}

static int check_header(const Elf32_Ehdr *h, size_t len, const struct source *src)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS32 ||
	    h->e_ident[EI_DATA] != ELFDATA2LSB)
		return unfit(src, "not a 32-bit little-endian ELF file");
	if (h->e_machine != EM_RISCV || h->e_type != ET_EXEC)
		return unfit(src, "not a static RISC-V program");
	if (h->e_phentsize != sizeof(Elf32_Phdr) ||
	    !inside(h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf32_Phdr), 0, len))
		return unfit(src, "program headers outside the file");
	return 0;
}

static int check_segment(const Elf32_Phdr *ph, size_t len, const struct source *src)
{
	if (ph->p_type != PT_LOAD || !ph->p_memsz)
		return 0;
	if (ph->p_filesz > ph->p_memsz || !inside(ph->p_offset, ph->p_filesz, 0, len))
		return unfit(src, "segment outside the file");
	if (!fits(src, ph->p_paddr, ph->p_filesz, false) ||
	    !fits(src, ph->p_vaddr, ph->p_memsz, true))
		return unfit(src, src->kind == SIM_ROM ?
					  "segment outside the ROM" :
					  "segment outside instruction and data memory");
	if (ph->p_paddr % 4)
		return unfit(src, "segment not on a word boundary");
	return 0;
}

static size_t add_segment(struct sim_word *words, const uint8_t *elf, const Elf32_Phdr *ph)
{
	size_t i, n = ph->p_type == PT_LOAD ? (ph->p_filesz + 3) / 4 : 0, left;

	for (i = 0; i < n; i++) {
		left = ph->p_filesz - i * 4;
		words[i].addr = ph->p_paddr + (uint32_t)i * 4;
		words[i].data = 0;
		memcpy(&words[i].data, elf + ph->p_offset + i * 4, left < 4 ? left : 4);
	}
	return n;
}

static int parse(const uint8_t *elf, size_t len, const struct source *src, struct sim_image **image)
{
	Elf32_Ehdr h;
	Elf32_Phdr ph;
	size_t words = 0;
	unsigned int i;
	int ret;

	if (len < sizeof(h))
		return unfit(src, "too short");
	memcpy(&h, elf, sizeof(h));
	ret = check_header(&h, len, src);
	for (i = 0; i < h.e_phnum && !ret; i++) {
		memcpy(&ph, elf + h.e_phoff + i * sizeof(ph), sizeof(ph));
		ret = check_segment(&ph, len, src);
		words += ph.p_type == PT_LOAD ? (ph.p_filesz + 3) / 4 : 0;
		if (!ret && words > (ENG_IMEM_SIZE + ENG_DMEM_SIZE) / 4)
			ret = unfit(src, "segments overlap");
	}
	if (!ret && !words)
		ret = unfit(src, "nothing to load");
	if (ret)
		return ret;
	*image = malloc(sizeof(**image) + words * sizeof(struct sim_word));
	if (!*image)
		return -ENOMEM;
	(*image)->n = 0;
	for (i = 0; i < h.e_phnum; i++) {
		memcpy(&ph, elf + h.e_phoff + i * sizeof(ph), sizeof(ph));
		(*image)->n += add_segment((*image)->words + (*image)->n, elf, &ph);
	}
	return 0;
}

int sim_image_load(const char *path, enum sim_image_kind kind, struct sim_image **image)
{
	const struct source src = { path, kind };
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL;
	long len;
	int ret;

	if (!f) {
		ret = -errno;
		complain(&src, strerror(-ret));
		return ret;
	}
	ret = -EIO;
	if (fseek(f, 0, SEEK_END) || (len = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		goto out;
	if (len == 0 || (unsigned long)len > FILE_MAX) {
		ret = unfit(&src, "empty or longer than 16 MiB");
		goto out;
	}
	ret = -ENOMEM;
	bytes = malloc((size_t)len);
	if (!bytes)
		goto out;
	ret = -EIO;
	if (fread(bytes, 1, (size_t)len, f) == (size_t)len)
		ret = parse(bytes, (size_t)len, &src, image);
out:
	free(bytes);
	fclose(f);
	return ret;
}
