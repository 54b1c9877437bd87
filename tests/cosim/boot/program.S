/* SPDX-License-Identifier: BSD-2-Clause */
/* What a ROM starts: shows the host what it finds, then sleeps. */
#define MMIO 0x50000000

	.section .init, "ax"
	.globl _start
_start:
	li s0, MMIO
	lw t0, 0x344(s0)		/* BOOT_ARG1 */
	sw t0, 0x010(s0)		/* HOST_FW_VERSION */
	lw t0, 0x340(s0)		/* BOOT_ARG0 */
	sw t0, 0x014(s0)		/* HOST_FW_STATUS */
	lw t0, 0x318(s0)		/* BOARD_ID */
	lw t1, 0x33c(s0)		/* KEY_HASH7 */
	xor t0, t0, t1
	lw t1, 0x348(s0)		/* BOOT_ARG2 */
	xor t0, t0, t1
	sw t0, 0x01c(s0)		/* HOST_LOG_TAIL */
	li t0, 1			/* FW_READY */
	sw t0, 0x018(s0)		/* HOST_STATUS */
1:	wfi
	j 1b
