/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf32.h - reads a 32-bit little-endian RISC-V executable from a file nobody vouches for.
 *
 * The whole file is in memory and every offset and length in it is checked against its size.
 * Functions that fail write what is wrong into err (without a file name).
 */
#ifndef WEFT_ELF32_H
#define WEFT_ELF32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF32_ERR_LEN 160

struct elf32 {
	uint8_t *data;
	size_t size;
	uint32_t entry;
	uint32_t phoff, phnum;
	uint32_t shoff, shnum;
	char err[ELF32_ERR_LEN];
};

/*
 * Read and check the headers of path. 0, or a negative errno with e->err set; close in either case.
 */
int elf32_open(struct elf32 *e, const char *path);

/* The same for an image already in memory, which is copied. */
int elf32_open_memory(struct elf32 *e, const void *data, size_t size);

/* Copy every loadable segment, at its physical address, into mem, which stands at base. */
int elf32_load(struct elf32 *e, uint8_t *mem, uint32_t base, uint32_t size);

/* Value of a global or local symbol: true if there is one of this name. */
bool elf32_symbol(const struct elf32 *e, const char *name, uint32_t *value);

void elf32_close(struct elf32 *e);

#endif
