/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start: stack, trap vector, .data from its copy in instruction memory, .bss, then weft_main. The image lives in instruction
 * memory alone, so that a reset without a reload starts from the same state.
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
	/* mie: timer and external may end a wfi; mstatus.MIE stays 0, so nothing is taken */
	li t0, 0x880
	csrw mie, t0

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
3:	bgeu a0, a1, 4f		/* start and end are multiples of 16 */
	sw zero, 0(a0)
	sw zero, 4(a0)
	sw zero, 8(a0)
	sw zero, 12(a0)
	addi a0, a0, 16
	j 3b
4:	call weft_main
	j 6f

	/* Any trap is a bug of ours: leave what happened where the host can see it, and stand still. */
	.align 2
trap_entry:
	la sp, __stack_top
	csrr a0, mcause
	csrr a1, mepc
	csrr a2, mtval
	call trap_dead
6:	wfi
	j 6b
