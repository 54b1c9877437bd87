/* SPDX-License-Identifier: BSD-2-Clause */
/* Firmware files: the bytes an ELF file loads, and ELF files that lie. */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"

#define SEGMENTS 3
#define DATA 0x200u
#define FILE_SIZE 0x400u

/* A file of three segments, each with its contents at DATA + 64 * i; others are its forms. */
static struct elf_file {
	Elf32_Ehdr eh;
	Elf32_Phdr ph[80];
	uint8_t room[FILE_SIZE];
} f;

_Static_assert(sizeof(f.eh) + SEGMENTS * sizeof(Elf32_Phdr) <= DATA, "headers before contents");

static uint8_t *bytes(void)
{
	return (uint8_t *)&f;
}

/* Code at 0 and 0x40, and constants' load image at 0x48; the last one's memory is elsewhere. */
static void build_elf(void)
{
	unsigned int i;

	memset(&f, 0, sizeof(f));
	memcpy(f.eh.e_ident, ELFMAG, SELFMAG);
	f.eh.e_ident[EI_CLASS] = ELFCLASS32;
	f.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	f.eh.e_ident[EI_VERSION] = EV_CURRENT;
	f.eh.e_type = ET_EXEC;
	f.eh.e_machine = EM_RISCV;
	f.eh.e_version = EV_CURRENT;
	f.eh.e_phoff = sizeof(f.eh);
	f.eh.e_ehsize = sizeof(f.eh);
	f.eh.e_phentsize = sizeof(Elf32_Phdr);
	f.eh.e_phnum = SEGMENTS;
	for (i = 0; i < SEGMENTS; i++) {
		f.ph[i].p_type = PT_LOAD;
		f.ph[i].p_offset = DATA + 64 * i;
		f.ph[i].p_paddr = f.ph[i].p_vaddr = i ? 0x38 + 8 * i : 0;
		f.ph[i].p_filesz = f.ph[i].p_memsz = 8;
		memset(bytes() + DATA + 64 * i, 'a' + (int)i, 8);
	}
	f.ph[2].p_vaddr = 0x10000000;
	f.ph[2].p_memsz = 0x1000;
}

static int payload(size_t len, uint8_t **to, size_t *size)
{
	uint8_t *copy = malloc(len ? len : 1); /* so that valgrind sees a look beyond */
	int rc;

	memcpy(copy, bytes(), len);
	rc = weft_image_payload(copy, len, to, size);
	free(copy);
	return rc;
}

START_TEST(segments_go_to_their_load_addresses)
{
	uint8_t *p, want[0x50] = { 0 };
	size_t size;

	build_elf();
	memset(want, 'a', 8);
	memset(want + 0x40, 'b', 8);
	memset(want + 0x48, 'c', 8);
	ck_assert_msg(!payload(FILE_SIZE, &p, &size), "%s", weft_last_error());
	ck_assert_uint_eq(size, sizeof(want));
	ck_assert_mem_eq(p, want, sizeof(want));
	free(p);
}
END_TEST

START_TEST(what_is_not_loaded_is_left_out)
{
	uint8_t *p;
	size_t size;

	build_elf();
	f.ph[1].p_type = PT_NOTE;
	f.ph[1].p_offset = 0xffffffff;
	f.ph[2].p_filesz = 0; /* .bss */
	f.ph[2].p_paddr = 0x10000000;
	ck_assert_msg(!payload(FILE_SIZE, &p, &size), "%s", weft_last_error());
	ck_assert_uint_eq(size, 8);
	free(p);
}
END_TEST

static void wrong_class(void)
{
	Elf64_Ehdr *eh = (Elf64_Ehdr *)&f;

	memset((uint8_t *)&f + EI_NIDENT, 0, sizeof(f) - EI_NIDENT);
	eh->e_ident[EI_CLASS] = ELFCLASS64;
	eh->e_type = ET_EXEC;
	eh->e_machine = EM_RISCV;
	eh->e_version = EV_CURRENT;
	eh->e_phoff = 1ull << 40;
	eh->e_phentsize = sizeof(Elf64_Phdr);
	eh->e_phnum = 1;
}

static void wrong_order(void)
{
	f.eh.e_ident[EI_DATA] = ELFDATA2MSB;
}

static void wrong_machine(void)
{
	f.eh.e_machine = EM_X86_64;
}

static void not_linked(void)
{
	f.eh.e_type = ET_REL;
}

static void wrong_entry(void)
{
	f.eh.e_entry = 0x80;
}

static void headers_beyond(void)
{
	f.eh.e_phoff = 0xffffff00;
}

static void headers_at_the_end(void)
{
	f.eh.e_phoff = FILE_SIZE - sizeof(Elf32_Phdr);
}

static void too_many(void)
{
	f.eh.e_phoff = sizeof(f.eh);
	f.eh.e_phnum = 65;
}

static void number_elsewhere(void)
{
	f.eh.e_phnum = 0xffff; /* "see section 0", which there is not */
}

static void no_segments(void)
{
	f.eh.e_phnum = 0;
}

static void only_zeroes(void)
{
	f.ph[0].p_filesz = f.ph[1].p_filesz = f.ph[2].p_filesz = 0;
}

static void contents_beyond(void)
{
	f.ph[1].p_offset = 0xfffffffc;
}

static void contents_across_the_end(void)
{
	f.ph[1].p_offset = FILE_SIZE - 7;
}

static void size_wraps(void)
{
	f.ph[1].p_filesz = f.ph[1].p_memsz = 0xffffffff;
}

static void more_than_memory(void)
{
	f.ph[1].p_memsz = 7;
}

static void beyond_memory(void)
{
	f.ph[1].p_paddr = 0x20000 - 7;
}

static void far_beyond_memory(void)
{
	f.ph[2].p_paddr = 0x10000000;
}

static void wraps_in_memory(void)
{
	f.ph[2].p_paddr = 0xfffffffc;
}

static void overlap_by_one(void)
{
	f.ph[2].p_paddr = 0x47;
}

static void overlap_before(void)
{
	f.ph[2].p_paddr = 0x39;
}

static void same_place(void)
{
	f.ph[1].p_paddr = 0;
}

static const struct {
	void (*spoil)(void);
	int rc;
	const char *why;
} lies[] = {
	{ wrong_class, -EINVAL, "ELF class 2, byte order 1" },
	{ wrong_order, -EINVAL, "ELF class 1, byte order 2" },
	{ wrong_machine, -EINVAL, "ELF machine 62: firmware is for RISC-V" },
	{ not_linked, -EINVAL, "ELF type 1: no executable" },
	{ wrong_entry, -EINVAL, "ELF entry point 0x80" },
	{ headers_beyond, -EINVAL, "ELF program header" },
	{ headers_at_the_end, -EINVAL, "ELF program header" },
	{ too_many, -EINVAL, "of 65 segments; at most 64" },
	{ number_elsewhere, -EINVAL, "ELF" },
	{ no_segments, -EINVAL, "without anything to load" },
	{ only_zeroes, -EINVAL, "without anything to load" },
	{ contents_beyond, -EINVAL, "ELF segment 1: 0x8 bytes at 0xfffffffc, the file has" },
	{ contents_across_the_end, -EINVAL, "ELF segment 1: 0x8 bytes at 0x3f9" },
	{ size_wraps, -EINVAL, "ELF segment 1: 0xffffffff bytes at 0x240" },
	{ more_than_memory, -EINVAL, "ELF segment 1: 0x8 bytes in the file, 0x7 in memory" },
	{ beyond_memory, -EFBIG, "ELF segment 1: 0x8 bytes at address 0x1fff9" },
	{ far_beyond_memory, -EFBIG, "ELF segment 2: 0x8 bytes at address 0x10000000" },
	{ wraps_in_memory, -EFBIG, "ELF segment 2: 0x8 bytes at address 0xfffffffc" },
	{ overlap_by_one, -EINVAL, "ELF segment 2: overlaps the one at address 0x40" },
	{ overlap_before, -EINVAL, "ELF segment 2: overlaps the one at address 0x40" },
	{ same_place, -EINVAL, "ELF segment 1: overlaps the one at address 0x0" },
};

START_TEST(lies_are_named)
{
	size_t len = lies[_i].spoil == too_many ? sizeof(f) : FILE_SIZE, size;
	uint8_t *p;
	int rc;

	build_elf();
	lies[_i].spoil();
	rc = payload(len, &p, &size);
	ck_assert_msg(rc == lies[_i].rc, "%d: %s", rc, weft_last_error());
	ck_assert_msg(strstr(weft_last_error(), lies[_i].why), "\"%s\" not in \"%s\"", lies[_i].why,
		      weft_last_error());
}
END_TEST

START_TEST(a_cut_file_is_refused)
{
	size_t i, size;
	uint8_t *p;

	build_elf();
	for (i = 4; i < DATA + 64 * (SEGMENTS - 1) + 8; i++)
		ck_assert_msg(payload(i, &p, &size) < 0, "cut to %zu bytes", i);
	ck_assert_int_eq(payload(i, &p, &size), 0);
	free(p);
}
END_TEST

START_TEST(other_files_are_taken_as_they_are)
{
	static uint8_t raw[WEFT_IMAGE_PAYLOAD_MAX + 1] = "\177EL";
	uint8_t *p;
	size_t size;

	ck_assert_int_eq(weft_image_payload(raw, 3, &p, &size), 0);
	ck_assert_uint_eq(size, 3);
	ck_assert_mem_eq(p, raw, 3);
	free(p);
	ck_assert_int_eq(weft_image_payload(raw, 0, &p, &size), -EFBIG);
	ck_assert_int_eq(weft_image_payload(raw, sizeof(raw), &p, &size), -EFBIG);
	ck_assert_int_eq(weft_image_payload(raw, sizeof(raw) - 1, &p, &size), 0);
	free(p);
	poke32(raw, 0x96f3b83d);
	ck_assert_int_eq(weft_image_payload(raw, 4, &p, &size), -EINVAL);
	ck_assert(strstr(weft_last_error(), "an image already"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("image firmware files");
	TCase *t = tcase_create("elf");
	SRunner *r;
	int bad;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, segments_go_to_their_load_addresses);
	tcase_add_test(t, what_is_not_loaded_is_left_out);
	tcase_add_loop_test(t, lies_are_named, 0, sizeof(lies) / sizeof(lies[0]));
	tcase_add_test(t, a_cut_file_is_refused);
	tcase_add_test(t, other_files_are_taken_as_they_are);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
