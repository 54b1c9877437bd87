/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest boot ROM: copies what stands in slot A of the flash into instruction memory and starts it. There, at 0x40000: length in
 * bytes, milliseconds for the watchdog, then the program. It checks nothing but what the hardware owes it:
 *	BOOT_ARG0	BOOT_STATUS as found, which it clears
 *	BOOT_ARG1	one more with each start
 *	BOOT_ARG2	stores into the ROM that were refused, one a start
 */
#define MMIO 0x50000000
#define SPI_CTRL 0x300
#define SPI_TX 0x304
#define SPI_RX4 0x30c
#define BOOT_STATUS 0x310
#define WDT 0x314
#define BOOT_ARG0 0x340
#define BOOT_ARG1 0x344
#define BOOT_ARG2 0x348

	.section .init, "ax"
	.globl _start
_start:
	li s0, MMIO
	lw t0, BOOT_STATUS(s0)
	sw t0, BOOT_ARG0(s0)
	sw t0, BOOT_STATUS(s0)
	lw t0, BOOT_ARG1(s0)
	addi t0, t0, 1
	sw t0, BOOT_ARG1(s0)

	la t0, refused
	csrw mtvec, t0
	la t0, word
	lw t1, 0(t0)
	sw zero, 0(t0)			/* refused ends here, and takes it from there */
dead:	wfi
	j dead

	.align 2
refused:
	lw t2, 0(t0)
	bne t1, t2, dead
	csrr t1, mcause
	li t2, 7			/* store access fault */
	bne t1, t2, dead
	lw t1, BOOT_ARG2(s0)
	addi t1, t1, 1
	sw t1, BOOT_ARG2(s0)

	li t0, 1			/* select, clock / 2 */
	sw t0, SPI_CTRL(s0)
	li t0, 0x03			/* read from 0x040000 */
	sw t0, SPI_TX(s0)
	li t0, 0x04
	sw t0, SPI_TX(s0)
	sw zero, SPI_TX(s0)
	sw zero, SPI_TX(s0)
	lw s1, SPI_RX4(s0)
	lw s2, SPI_RX4(s0)
	li t0, 0x20000
	bgtu s1, t0, dead
	li a0, 0
1:	bgeu a0, s1, 2f
	lw t0, SPI_RX4(s0)
	sw t0, 0(a0)
	addi a0, a0, 4
	j 1b
2:	sw zero, SPI_CTRL(s0)
	sw s2, WDT(s0)
	fence.i
	jr zero
word:	.word 0x12345678
