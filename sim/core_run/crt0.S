/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crt0.S - start of a C program on weft-core-run: stack, bss, trap vector, main; its result ends the
 * program (0 = pass). A trap nobody handles ends it with failure code 1000 + mcause.
 */
	.option arch, +zicsr
	.section .text.start, "ax"
	.globl _start
_start:
	.option push
	.option norelax
	la gp, __global_pointer$
	.option pop
	la sp, __stack_top
	la tp, __tls_base
	la t0, _trap
	csrw mtvec, t0
	la t0, __bss_start
	la t1, __bss_end
1:	bgeu t0, t1, 2f
	sw zero, 0(t0)
	addi t0, t0, 4
	j 1b
2:	li a0, 0
	li a1, 0
	call main
	.globl _exit
_exit:
	slli a0, a0, 1
	ori a0, a0, 1
	la t0, tohost
	sw a0, 0(t0)
	sw zero, 4(t0)
1:	j 1b

	.align 2
	.weak _trap
_trap:
	csrr a0, mcause
	addi a0, a0, 1000
	j _exit

	.section .tohost, "aw", @nobits
	.balign 64
	.globl tohost
tohost:	.space 8
	.balign 64
	.globl fromhost
fromhost: .space 8
