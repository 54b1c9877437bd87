/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot ROM's start: stack and data in DMEM, .data from its copy in the ROM, .bss, then rom_main. When that returns 1
 * the image in instruction memory starts as after a reset, but for what DMEM holds, which it does not rely on.
 */
	.section .init, "ax"
	.globl _start
_start:
	.option push
	.option norelax
	la gp, __global_pointer$
	.option pop
	la sp, __stack_top
	la t0, trap_entry
	csrw mtvec, t0
	csrw mstatus, zero
	csrw mie, zero

	la a0, __data_start
	la a1, __data_end
	la a2, __data_load
1:	bgeu a0, a1, 2f
	lw t0, 0(a2)
	sw t0, 0(a0)
	addi a0, a0, 4
	addi a2, a2, 4
	j 1b
2:	la a0, __bss_start
	la a1, __bss_end
3:	bgeu a0, a1, 4f		/* both are multiples of 4 */
	sw zero, 0(a0)
	addi a0, a0, 4
	j 3b
4:	call rom_main
	beqz a0, 6f
	fence.i			/* instruction memory was written as data */
	jr zero

	/* Nothing can be started: what was left for the host to see stays, and so does the core. */
	.align 2
trap_entry:
	la sp, __stack_top
	csrr a0, mcause
	csrr a1, mepc
	call rom_trap
6:	wfi
	j 6b
