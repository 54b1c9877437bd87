/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot ROM on the adapter: its registers in, boot_choose(), its registers out, jump. */
#include <string.h>

#include "boot/rom/boot.h"
#include "flash/spi_mmio.h"

#define BOOT_WATCHDOG_FIRED 2u

/* In DMEM, which the firmware that is started clears for itself. */
static uint8_t header[IMAGE_HEADER_MAX] __attribute__((aligned(4)));
static uint8_t tlvs[IMAGE_TLVS_MAX] __attribute__((aligned(4)));

uint32_t rom_main(void);
void rom_trap(uint32_t cause, uint32_t pc);

static void read_hardware(struct boot_env *env)
{
	uint32_t i, word;

	env->board = hal_rd(ENG_BOARD_ID);
	for (i = 0; i < IMAGE_HASH_LEN / 4; i++) {
		word = hal_rd(ENG_KEY_HASH0 + 4 * i);
		memcpy(env->key_hash + 4 * i, &word, 4);
	}
	env->watchdog_fired = hal_rd(ENG_BOOT_STATUS) & BOOT_WATCHDOG_FIRED;
	for (i = 0; i < 4; i++)
		env->arg[i] = hal_rd(ENG_BOOT_ARG0 + 4 * i);
}

static void announce(struct boot_env *env, const uint32_t arg[4])
{
	uint32_t i;

	(void)env;
	for (i = 0; i < 4; i++)
		hal_wr(ENG_BOOT_ARG0 + 4 * i, arg[i]);
}

/* Returns when there is an image to be started, at ENG_IMEM_BASE; 0: there is none. */
uint32_t rom_main(void)
{
	static struct boot_env env = {
		.spi = &spi_mmio,
		.crypto = boot_crypto,
		.announce = announce,
		.imem = (uint8_t *)ENG_IMEM_BASE,
		.imem_len = ENG_IMEM_SIZE,
		.header = header,
		.tlvs = tlvs,
	};
	struct boot_choice choice;

	read_hardware(&env);
	boot_choose(&env, &choice);
	if (env.watchdog_fired)
		hal_wr(ENG_BOOT_STATUS, BOOT_WATCHDOG_FIRED);
	announce(&env, choice.arg);
	if (!choice.slot) {
		hal_host_status(2, (uint32_t)WEFT_DEAD_ROM << 24 | choice.error);
		return 0;
	}
	if (choice.trial)
		hal_wr(ENG_WDT, BOOT_TRIAL_MS);
	return 1;
}

/*
 * A fault in the ROM itself, a flash port that is not there, or an image that comes to no trap vector of its own. A trial is
 * over with it: the host, which sees dead firmware, resets before the watchdog would end it.
 */
void rom_trap(uint32_t cause, uint32_t pc)
{
	hal_wr(ENG_BOOT_ARG0 + 12, BOOT_ARG3_TRAPPED);
	hal_host_status(2, (uint32_t)WEFT_DEAD_ROM << 24 | (cause & 0xff) << 16 | (pc & 0xffff));
}
