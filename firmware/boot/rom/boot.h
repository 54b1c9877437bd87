/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot ROM decides: which image is started, and what the boot record says afterwards. docs/boot.md is the
 * contract. Knows no register: rom_main.c brings the hardware, the tests a model of the flash.
 */
#ifndef ROM_BOOT_H
#define ROM_BOOT_H

#include "flash/image.h"
#include "flash/nor.h"
#include "flash/record.h"

struct boot_env {
	const struct nor_spi *spi;
	const struct image_crypto *(*crypto)(struct boot_env *env); /* over this env's memory */
	/* Sets BOOT_ARG0..3 now; the host may reset the adapter before this start has come to its end. */
	void (*announce)(struct boot_env *env, const uint32_t arg[4]);
	uint8_t *imem; /* where the payload goes, and is looked at */
	uint32_t imem_len;
	uint8_t *header; /* IMAGE_HEADER_MAX */
	uint8_t *tlvs;   /* IMAGE_TLVS_MAX */
	uint32_t board;
	uint8_t key_hash[IMAGE_HASH_LEN];
	bool watchdog_fired;
	uint32_t arg[4]; /* BOOT_ARG0..3 as this start found them: all 0 after power-up */
};

struct boot_choice {
	uint32_t slot;          /* to be started: its payload is in imem; 0: none, stand still */
	enum image_error error; /* slot 0: of the golden image */
	bool trial;             /* arm the watchdog */
	uint32_t arg[4];        /* BOOT_ARG0..3 to leave */
};

void boot_choose(struct boot_env *env, struct boot_choice *out);

/* libsodium's, over env->imem, header and tlvs. */
const struct image_crypto *boot_crypto(struct boot_env *env);

#endif
