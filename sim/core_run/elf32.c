// SPDX-License-Identifier: BSD-2-Clause
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf32.h"

#define MAX_FILE (64u << 20)

static int __attribute__((format(printf, 2, 3))) bad(struct elf32 *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->err, sizeof(e->err), fmt, ap);
	va_end(ap);
	return -ENOEXEC;
}

static bool inside(const struct elf32 *e, uint64_t off, uint64_t len)
{
	return off <= e->size && len <= e->size - off;
}

static int check_ident(struct elf32 *e, const Elf32_Ehdr *h)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG))
		return bad(e, "not an ELF file");
	if (h->e_ident[EI_CLASS] != ELFCLASS32)
		return bad(e, "not a 32-bit ELF file");
	if (h->e_ident[EI_DATA] != ELFDATA2LSB)
		return bad(e, "not little-endian");
	if (h->e_machine != EM_RISCV)
		return bad(e, "for machine %u, not RISC-V", h->e_machine);
	if (h->e_type != ET_EXEC)
		return bad(e, "type %u is not an executable", h->e_type);
	return 0;
}

static int check_headers(struct elf32 *e)
{
	Elf32_Ehdr h;
	int rc;

	if (e->size < sizeof(h))
		return bad(e, "%zu bytes are too short for an ELF header", e->size);
	memcpy(&h, e->data, sizeof(h));
	rc = check_ident(e, &h);
	if (rc)
		return rc;
	if (!h.e_phnum)
		return bad(e, "no program headers");
	if (h.e_phentsize != sizeof(Elf32_Phdr))
		return bad(e, "program header size %u", h.e_phentsize);
	if (!inside(e, h.e_phoff, (uint64_t)h.e_phnum * sizeof(Elf32_Phdr)))
		return bad(e, "program headers at 0x%x reach beyond the file", h.e_phoff);
	if (h.e_shnum && h.e_shentsize != sizeof(Elf32_Shdr))
		return bad(e, "section header size %u", h.e_shentsize);
	if (!inside(e, h.e_shoff, (uint64_t)h.e_shnum * sizeof(Elf32_Shdr)))
		return bad(e, "section headers at 0x%x reach beyond the file", h.e_shoff);
	e->entry = h.e_entry;
	e->phoff = h.e_phoff;
	e->phnum = h.e_phnum;
	e->shoff = h.e_shoff;
	e->shnum = h.e_shnum;
	return 0;
}

static int read_all(struct elf32 *e, FILE *f)
{
	long size;

	if (fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET)) {
		bad(e, "cannot be read: %s", strerror(errno));
		return -EIO;
	}
	if ((unsigned long)size > MAX_FILE)
		return bad(e, "%ld bytes are too many (limit %u)", size, MAX_FILE);
	e->data = malloc(size ? size : 1);
	if (!e->data)
		return -ENOMEM;
	e->size = fread(e->data, 1, size, f);
	if (e->size != (size_t)size) {
		bad(e, "read stopped after %zu of %ld bytes", e->size, size);
		return -EIO;
	}
	return 0;
}

int elf32_open(struct elf32 *e, const char *path)
{
	FILE *f;
	int rc;

	memset(e, 0, sizeof(*e));
	f = fopen(path, "rb");
	if (!f) {
		rc = -errno;
		bad(e, "%s", strerror(-rc));
		return rc;
	}
	rc = read_all(e, f);
	fclose(f);
	return rc ? rc : check_headers(e);
}

int elf32_open_memory(struct elf32 *e, const void *data, size_t size)
{
	memset(e, 0, sizeof(*e));
	e->data = malloc(size ? size : 1);
	if (!e->data)
		return -ENOMEM;
	memcpy(e->data, data, size);
	e->size = size;
	return check_headers(e);
}

static int load_segment(struct elf32 *e, const Elf32_Phdr *p, uint32_t n, uint8_t *mem,
			uint32_t base, uint32_t size)
{
	uint64_t off = (uint64_t)p->p_paddr - base;

	if (p->p_filesz > p->p_memsz)
		return bad(e, "segment %u: file size 0x%x above memory size 0x%x", n, p->p_filesz,
			   p->p_memsz);
	if (!inside(e, p->p_offset, p->p_filesz))
		return bad(e, "segment %u: data at 0x%x reach beyond the file", n, p->p_offset);
	if (p->p_paddr < base || off > size || p->p_memsz > size - off)
		return bad(e,
			   "segment %u: 0x%x bytes at 0x%08x do not fit the memory 0x%08x..0x%08x",
			   n, p->p_memsz, p->p_paddr, base, base + size - 1);
	memcpy(mem + off, e->data + p->p_offset, p->p_filesz);
	memset(mem + off + p->p_filesz, 0, p->p_memsz - p->p_filesz);
	return 0;
}

int elf32_load(struct elf32 *e, uint8_t *mem, uint32_t base, uint32_t size)
{
	uint32_t n, loaded = 0;
	Elf32_Phdr p;
	int rc;

	for (n = 0; n < e->phnum; n++) {
		memcpy(&p, e->data + e->phoff + n * sizeof(p), sizeof(p));
		if (p.p_type != PT_LOAD || !p.p_memsz)
			continue;
		rc = load_segment(e, &p, n, mem, base, size);
		if (rc)
			return rc;
		loaded++;
	}
	if (!loaded)
		return bad(e, "nothing to load");
	if (e->entry < base || e->entry - base >= size || (e->entry & 1))
		return bad(e, "entry 0x%08x is not in the memory 0x%08x..0x%08x", e->entry, base,
			   base + size - 1);
	return 0;
}

static bool section(const struct elf32 *e, uint32_t n, Elf32_Shdr *s)
{
	if (n >= e->shnum)
		return false;
	memcpy(s, e->data + e->shoff + n * sizeof(*s), sizeof(*s));
	return s->sh_type == SHT_NOBITS || inside(e, s->sh_offset, s->sh_size);
}

static bool search_table(const struct elf32 *e, const Elf32_Shdr *tab, const Elf32_Shdr *str,
			 const char *name, uint32_t *value)
{
	size_t len = strlen(name) + 1;
	Elf32_Sym sym;
	uint32_t n;

	for (n = 0; n < tab->sh_size / sizeof(sym); n++) {
		memcpy(&sym, e->data + tab->sh_offset + n * sizeof(sym), sizeof(sym));
		if (sym.st_shndx == SHN_UNDEF || sym.st_name >= str->sh_size ||
		    len > str->sh_size - sym.st_name)
			continue;
		if (memcmp(e->data + str->sh_offset + sym.st_name, name, len))
			continue;
		*value = sym.st_value;
		return true;
	}
	return false;
}

bool elf32_symbol(const struct elf32 *e, const char *name, uint32_t *value)
{
	Elf32_Shdr tab, str;
	uint32_t n;

	for (n = 0; n < e->shnum; n++) {
		if (!section(e, n, &tab) || tab.sh_type != SHT_SYMTAB)
			continue;
		if (!section(e, tab.sh_link, &str) || str.sh_type != SHT_STRTAB)
			continue;
		if (search_table(e, &tab, &str, name, value))
			return true;
	}
	return false;
}

void elf32_close(struct elf32 *e)
{
	free(e->data);
	e->data = NULL;
}
