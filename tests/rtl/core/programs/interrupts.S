/* SPDX-License-Identifier: BSD-2-Clause */
/* Software and timer interrupts, direct and vectored, priority, wfi with and without MIE. */
#include "test.inc"

	begin
	li s4, CLINT_MSIP
	li s5, CLINT_MTIMECMP
	li s6, CLINT_MTIME
	la t0, direct
	csrw mtvec, t0

	check 1			/* pending, but not enabled: nothing happens */
	li s0, 0
	li a0, 1
	sw a0, 0(s4)
	csrsi mstatus, 8
	nop
	nop
	expect s0, 0
	csrr a0, mip
	expect a0, 8

	check 2			/* enabled in mie: taken before the next instruction */
	li a0, 8
	csrw mie, a0
9:	nop
	expect s0, 1
	expect s1, 0x80000003
	la a0, 9b
	expect_reg s2, a0
	csrr a0, mip
	expect a0, 0

	check 3			/* the instruction behind csrci of MIE is never interrupted */
	li a0, 1
	csrci mstatus, 8
	sw a0, 0(s4)
	nop
	nop
	nop
	csrsi mstatus, 8
	csrci mstatus, 8	/* but between the two it may be */
	nop
	nop
	sw zero, 0(s4)
	csrsi mstatus, 8
	csrr a0, mstatus
	andi a0, a0, 8
	expect a0, 8

	check 4			/* vectored: software interrupts at base + 12, exceptions at base */
	la t0, vectors
	ori t0, t0, 1
	csrw mtvec, t0
	li s0, 0
	li a0, 1
	sw a0, 0(s4)
	nop
	nop
	nop
	nop
	expect s0, 3
	la s3, 8f
	ecall
8:	expect s0, 100

	check 5			/* both pending: software before timer */
	csrci mstatus, 8
	li a0, 0x88
	csrw mie, a0
	sw zero, 0(s5)
	sw zero, 4(s5)
	li a0, 1
	sw a0, 0(s4)
	li s0, 0
	li s7, 0
	nop
	nop
	csrsi mstatus, 8
	nop
	nop
	nop
	expect s7, 0x37		/* order in which the handlers ran */

	check 6			/* wfi sleeps until the timer; the pc saved is that behind it */
	lw a0, 0(s6)
	addi a0, a0, 200
	sw a0, 0(s5)
	sw zero, 4(s5)
	li s0, 0
	csrr a2, mcycle
	wfi
9:	nop
	csrr a3, mcycle
	lw a1, 0(s6)
	bltu a1, a0, fail
	expect s0, 7
	la a0, 9b
	expect_reg s2, a0
	sub a3, a3, a2		/* mcycle stood still meanwhile */
	li a0, 100
	bgeu a3, a0, fail

	check 7			/* with MIE clear wfi still ends, without a trap */
	csrci mstatus, 8
	lw a0, 0(s6)
	addi a0, a0, 100
	sw a0, 0(s5)
	sw zero, 4(s5)
	li s0, 0
	wfi
	lw a1, 0(s6)
	bltu a1, a0, fail
	expect s0, 0
	csrr a0, mip
	expect a0, 0x80
	finish

	.text
	.balign 64
direct:
	csrr s1, mcause
	csrr s2, mepc
	addi s0, s0, 1
	sw zero, 0(s4)
	lw zero, 0(s4)
	nop
	mret

	.balign 64
vectors:
	.option push
	.option norvc
	j exception
	j fail
	j fail
	j software
	j fail
	j fail
	j fail
	j timer
	.option pop
exception:
	li s0, 100
	csrw mepc, s3
	mret
software:
	li s0, 3
	slli s7, s7, 4
	ori s7, s7, 3
	sw zero, 0(s4)
	lw zero, 0(s4)
	nop
	mret
timer:
	li s0, 7
	csrr s2, mepc
	slli s7, s7, 4
	ori s7, s7, 7
	li t0, -1
	sw t0, 4(s5)
	lw zero, 0(s4)
	nop
	mret
