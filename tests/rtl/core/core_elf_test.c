// SPDX-License-Identifier: BSD-2-Clause
/*
 * core_elf_test - the ELF reader against files that lie. Built with AddressSanitizer and UBSan: a read or
 * write outside a buffer ends the test.
 */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf32.h"
#include "rng.h"

#define BASE 0x80000000u
#define MEM 0x4000u

/* A small program: 64 bytes at BASE + 0x100, 32 more of zeros, symbols tohost and other. */
struct image {
	Elf32_Ehdr eh;
	Elf32_Phdr ph;
	uint8_t code[64];
	Elf32_Shdr sh[3];
	Elf32_Sym sym[3];
	char str[16];
};

static struct image good;
static uint8_t memory[MEM];
static struct elf32 e;

static void make_image(void)
{
	memset(&good, 0, sizeof(good));
	memcpy(good.eh.e_ident, ELFMAG, SELFMAG);
	good.eh.e_ident[EI_CLASS] = ELFCLASS32;
	good.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	good.eh.e_type = ET_EXEC;
	good.eh.e_machine = EM_RISCV;
	good.eh.e_entry = BASE + 0x100;
	good.eh.e_phoff = offsetof(struct image, ph);
	good.eh.e_phentsize = sizeof(Elf32_Phdr);
	good.eh.e_phnum = 1;
	good.eh.e_shoff = offsetof(struct image, sh);
	good.eh.e_shentsize = sizeof(Elf32_Shdr);
	good.eh.e_shnum = 3;
	good.ph.p_type = PT_LOAD;
	good.ph.p_offset = offsetof(struct image, code);
	good.ph.p_paddr = BASE + 0x100;
	good.ph.p_filesz = sizeof(good.code);
	good.ph.p_memsz = sizeof(good.code) + 32;
	memset(good.code, 0x5a, sizeof(good.code));
	good.sh[1].sh_type = SHT_SYMTAB;
	good.sh[1].sh_offset = offsetof(struct image, sym);
	good.sh[1].sh_size = sizeof(good.sym);
	good.sh[1].sh_link = 2;
	good.sh[2].sh_type = SHT_STRTAB;
	good.sh[2].sh_offset = offsetof(struct image, str);
	good.sh[2].sh_size = sizeof(good.str);
	memcpy(good.str, "\0other\0tohost", 14);
	good.sym[1].st_name = 1;
	good.sym[1].st_shndx = 1;
	good.sym[2].st_name = 7;
	good.sym[2].st_shndx = 1;
	good.sym[2].st_value = BASE + 0x120;
}

static int load(const void *data, size_t size)
{
	int rc = elf32_open_memory(&e, data, size);

	memset(memory, 0xee, sizeof(memory));
	return rc ? rc : elf32_load(&e, memory, BASE, MEM);
}

static void setup(void)
{
	make_image();
}

START_TEST(good_image_loads)
{
	uint32_t value;

	ck_assert_int_eq(load(&good, sizeof(good)), 0);
	ck_assert_uint_eq(e.entry, BASE + 0x100);
	ck_assert_uint_eq(memory[0xff], 0xee);
	ck_assert_uint_eq(memory[0x100], 0x5a);
	ck_assert_uint_eq(memory[0x13f], 0x5a);
	ck_assert_uint_eq(memory[0x140], 0);
	ck_assert_uint_eq(memory[0x15f], 0);
	ck_assert_uint_eq(memory[0x160], 0xee);
	ck_assert(elf32_symbol(&e, "tohost", &value));
	ck_assert_uint_eq(value, BASE + 0x120);
	ck_assert(!elf32_symbol(&e, "tohos", &value));
	ck_assert(!elf32_symbol(&e, "tohostess", &value));
	elf32_close(&e);
}
END_TEST

/* One lie per row: where, how many bytes, what, and the words that name it. */
static const struct {
	size_t at, len;
	uint32_t value;
	const char *message;
} lies[] = {
#define LIE(field, value, message)                                                                \
	{                                                                                         \
		offsetof(struct image, field), sizeof(((struct image *)0)->field), value, message \
	}
	LIE(eh.e_ident[0], 0, "not an ELF file"),
	LIE(eh.e_ident[EI_CLASS], ELFCLASS64, "not a 32-bit ELF file"),
	LIE(eh.e_ident[EI_DATA], ELFDATA2MSB, "not little-endian"),
	LIE(eh.e_machine, EM_ARM, "machine 40"),
	LIE(eh.e_type, ET_REL, "type 1"),
	LIE(eh.e_phnum, 0, "no program headers"),
	LIE(eh.e_phnum, 0xffff, "program headers at 0x34 reach beyond the file"),
	LIE(eh.e_phoff, 0xfffffff0, "program headers at 0xfffffff0"),
	LIE(eh.e_phentsize, 1, "program header size 1"),
	LIE(eh.e_shoff, 0xffffffff, "section headers at 0xffffffff"),
	LIE(eh.e_shentsize, 0, "section header size 0"),
	LIE(eh.e_entry, BASE + 0x101, "entry 0x80000101"),
	LIE(eh.e_entry, 0, "entry 0x00000000"),
	LIE(eh.e_entry, BASE + MEM, "entry 0x80004000"),
	LIE(ph.p_type, PT_NOTE, "nothing to load"),
	LIE(ph.p_filesz, 0x61, "segment 0: file size 0x61 above memory size 0x60"),
	LIE(ph.p_offset, 0xfffffff0, "segment 0: data at 0xfffffff0"),
	LIE(ph.p_paddr, BASE - 1, "segment 0: 0x60 bytes at 0x7fffffff"),
	LIE(ph.p_paddr, BASE + MEM - 0x5f, "segment 0: 0x60 bytes at 0x80003fa1"),
	LIE(ph.p_memsz, 0xffffffff, "segment 0: 0xffffffff bytes"),
};

START_TEST(lie_is_named)
{
	struct image bad = good;

	memcpy((uint8_t *)&bad + lies[_i].at, &lies[_i].value, lies[_i].len);
	ck_assert_int_eq(load(&bad, sizeof(bad)), -ENOEXEC);
	ck_assert_msg(strstr(e.err, lies[_i].message), "\"%s\" instead of \"%s\"", e.err,
		      lies[_i].message);
	elf32_close(&e);
}
END_TEST

START_TEST(lies_about_symbols_hide_them)
{
	struct image bad = good;
	uint32_t value;

	bad.sh[1].sh_link = 7;
	ck_assert_int_eq(load(&bad, sizeof(bad)), 0);
	ck_assert(!elf32_symbol(&e, "tohost", &value));
	elf32_close(&e);
	bad = good;
	bad.sym[2].st_name = 0xfffffff0;
	ck_assert_int_eq(load(&bad, sizeof(bad)), 0);
	ck_assert(!elf32_symbol(&e, "tohost", &value));
	elf32_close(&e);
	bad = good;
	bad.sh[2].sh_size = 12; /* cuts the name short */
	ck_assert_int_eq(load(&bad, sizeof(bad)), 0);
	ck_assert(!elf32_symbol(&e, "tohost", &value));
	elf32_close(&e);
}
END_TEST

START_TEST(truncation_anywhere_is_survived)
{
	uint32_t value;
	size_t n;

	for (n = 0; n < sizeof(good); n++) {
		if (!load(&good, n))
			elf32_symbol(&e, "tohost", &value);
		elf32_close(&e);
	}
}
END_TEST

START_TEST(random_damage_is_survived)
{
	struct image bad;
	struct rng rng;
	uint32_t value, n, i;

	rng_seed(&rng, 1);
	for (n = 0; n < 30000; n++) {
		bad = good;
		for (i = rng_below(&rng, 4); i < 5; i++)
			((uint8_t *)&bad)[rng_below(&rng, sizeof(bad))] = rng_next(&rng);
		if (!load(&bad, sizeof(bad)))
			elf32_symbol(&e, "tohost", &value);
		elf32_close(&e);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("core ELF reader");
	TCase *tc = tcase_create("files");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, good_image_loads);
	tcase_add_loop_test(tc, lie_is_named, 0, sizeof(lies) / sizeof(lies[0]));
	tcase_add_test(tc, lies_about_symbols_hide_them);
	tcase_add_test(tc, truncation_anywhere_is_survived);
	tcase_add_test(tc, random_damage_is_survived);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
