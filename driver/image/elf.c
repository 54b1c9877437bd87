/* SPDX-License-Identifier: BSD-2-Clause */
/* What a firmware file loads into instruction memory. libelf checks its own offsets itself. */
#include <errno.h>
#include <stdlib.h>

#include <gelf.h>
#include <libelf.h>

#include "image.h"

#define SEGMENTS_MAX 64u

struct layout {
	const uint8_t *file;
	size_t len;
	uint8_t *to;   /* WEFT_IMAGE_PAYLOAD_MAX bytes */
	uint32_t size; /* end of the highest segment */
	size_t n;      /* segments placed */
	struct {
		uint32_t from;
		uint32_t end;
	} placed[SEGMENTS_MAX];
};

static int check_ehdr(const GElf_Ehdr *eh)
{
	if (eh->e_ident[EI_CLASS] != ELFCLASS32 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return weft_set_error(
			-EINVAL,
			"ELF class %u, byte order %u: firmware has 32 bits (1), little-endian (1)",
			eh->e_ident[EI_CLASS], eh->e_ident[EI_DATA]);
	if (eh->e_machine != EM_RISCV)
		return weft_set_error(-EINVAL, "ELF machine %u: firmware is for RISC-V (%u)",
				      eh->e_machine, EM_RISCV);
	if (eh->e_type != ET_EXEC)
		return weft_set_error(-EINVAL, "ELF type %u: no executable (%u): not linked?",
				      eh->e_type, ET_EXEC);
	if (eh->e_entry)
		return weft_set_error(-EINVAL, "ELF entry point 0x%llx: the core starts at 0",
				      (unsigned long long)eh->e_entry);
	return 0;
}

/* Segment i into its place. All its numbers are the file's own: compared before they are added. */
static int place(struct layout *l, size_t i, const GElf_Phdr *ph)
{
	uint64_t from = ph->p_paddr, size = ph->p_filesz;
	size_t k;

	if (ph->p_type != PT_LOAD || !size)
		return 0; /* zeroed memory is the firmware's own business */
	if (size > ph->p_memsz)
		return weft_set_error(-EINVAL,
				      "ELF segment %zu: 0x%llx bytes in the file, 0x%llx in memory",
				      i, (unsigned long long)size, (unsigned long long)ph->p_memsz);
	if (ph->p_offset > l->len || size > l->len - ph->p_offset)
		return weft_set_error(-EINVAL,
				      "ELF segment %zu: 0x%llx bytes at 0x%llx, the file has 0x%zx",
				      i, (unsigned long long)size, (unsigned long long)ph->p_offset,
				      l->len);
	if (from >= WEFT_IMAGE_PAYLOAD_MAX || size > WEFT_IMAGE_PAYLOAD_MAX - from)
		return weft_set_error(
			-EFBIG,
			"ELF segment %zu: 0x%llx bytes at address 0x%llx, instruction memory ends at 0x%x",
			i, (unsigned long long)size, (unsigned long long)from,
			WEFT_IMAGE_PAYLOAD_MAX);
	for (k = 0; k < l->n; k++)
		if (from < l->placed[k].end && from + size > l->placed[k].from)
			return weft_set_error(-EINVAL,
					      "ELF segment %zu: overlaps the one at address 0x%x",
					      i, l->placed[k].from);
	memcpy(l->to + from, l->file + ph->p_offset, size);
	l->placed[l->n].from = (uint32_t)from;
	l->placed[l->n++].end = (uint32_t)(from + size);
	if (from + size > l->size)
		l->size = (uint32_t)(from + size);
	return 0;
}

static int place_all(Elf *elf, struct layout *l)
{
	size_t i, n;
	int rc;

	if (elf_getphdrnum(elf, &n))
		return weft_set_error(-EINVAL, "ELF program headers: %s", elf_errmsg(-1));
	if (n > SEGMENTS_MAX)
		return weft_set_error(-EINVAL, "ELF file of %zu segments; at most %u", n,
				      SEGMENTS_MAX);
	for (i = 0; i < n; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph))
			return weft_set_error(-EINVAL, "ELF program header %zu: %s", i,
					      elf_errmsg(-1));
		rc = place(l, i, &ph);
		if (rc)
			return rc;
	}
	if (!l->size)
		return weft_set_error(-EINVAL, "ELF file without anything to load");
	return 0;
}

int64_t image_elf_payload(const void *file, size_t len, uint8_t *to)
{
	struct layout l = { .file = file, .len = len, .to = to };
	GElf_Ehdr eh;
	Elf *elf;
	int rc;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return weft_set_error(-EINVAL, "libelf: %s", elf_errmsg(-1));
	memset(to, 0, WEFT_IMAGE_PAYLOAD_MAX);
	/* libelf does not write to a file it was told to read; its type has no const. */
	elf = elf_memory((char *)(uintptr_t)file, len);
	if (!elf)
		return weft_set_error(-EINVAL, "ELF file: %s", elf_errmsg(-1));
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &eh))
		rc = weft_set_error(-EINVAL, "ELF header: %s", elf_errmsg(-1));
	else
		rc = check_ehdr(&eh);
	if (!rc)
		rc = place_all(elf, &l);
	elf_end(elf);
	return rc ? rc : (int64_t)l.size;
}

int weft_image_payload(const void *file, size_t len, uint8_t **payload, size_t *size)
{
	const uint8_t *bytes = file;
	int64_t n = (int64_t)len;
	uint8_t *to;

	if (len >= 4 && get32(bytes) == IMAGE_MAGIC)
		return weft_set_error(-EINVAL, "an image already, no bare firmware");
	to = malloc(WEFT_IMAGE_PAYLOAD_MAX);
	if (!to)
		return weft_set_error(-ENOMEM, "no memory for a payload");
	if (len >= SELFMAG && !memcmp(bytes, ELFMAG, SELFMAG))
		n = image_elf_payload(file, len, to);
	else if (!len || len > WEFT_IMAGE_PAYLOAD_MAX)
		n = weft_set_error(-EFBIG, "firmware of %zu bytes; 1 to %u fit the adapter", len,
				   WEFT_IMAGE_PAYLOAD_MAX);
	else
		memcpy(to, file, len);
	if (n < 0) {
		free(to);
		return (int)n;
	}
	*payload = to;
	*size = (size_t)n;
	return 0;
}
