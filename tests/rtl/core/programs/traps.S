/* SPDX-License-Identifier: BSD-2-Clause */
/* Every exception: mcause, mepc, mtval and mstatus as the specification wants them. */
#include "test.inc"

	/* Run one instruction at label 9 that must trap; the handler returns behind label 8. */
	.macro trap_check n, cause, tval_reg
	check \n
	li t6, \cause
	bne s0, t6, fail
	la t6, 9b
	bne s1, t6, fail
	bne s2, \tval_reg, fail
	.endm

	begin
	la t0, handler
	csrw mtvec, t0
	csrsi mstatus, 8

	la s3, 8f
	.word 0xffffffff
8:	check 1
	expect s0, 2
	expect s2, 0xffffffff

	la s3, 8f
	.balign 4
9:	.word 0x0000707f
8:	li a0, 0x0000707f
	trap_check 2, 2, a0

	la s3, 8f
9:	.half 0x0000		/* compressed and all zero: defined to be illegal */
8:	trap_check 3, 2, zero

	la s3, 8f
9:	.half 0x9c41		/* c.addw is not RV32 */
8:	li a0, 0x9c41
	trap_check 4, 2, a0

	la s3, 8f
9:	ecall
8:	trap_check 5, 11, zero

	la s3, 8f
	.option push
	.option norvc
9:	ebreak
	.option pop
8:	la a0, 9b
	trap_check 6, 3, a0

	la s3, 8f
9:	c.ebreak
8:	la a0, 9b
	trap_check 7, 3, a0

	la a1, data
	la s3, 8f
9:	lw a2, 2(a1)
8:	addi a0, a1, 2
	trap_check 8, 4, a0

	la s3, 8f
9:	lhu a2, 1(a1)
8:	addi a0, a1, 1
	trap_check 9, 4, a0

	la s3, 8f
9:	sw a2, 3(a1)
8:	addi a0, a1, 3
	trap_check 10, 6, a0

	la s3, 8f
9:	sh a2, 1(a1)
8:	addi a0, a1, 1
	trap_check 11, 6, a0

	li a1, UNMAPPED
	li a2, 77
	la s3, 8f
9:	lb a2, 3(a1)
	li a2, 78		/* must not happen: the trap is precise */
8:	addi a0, a1, 3
	trap_check 12, 5, a0
	expect a2, 77

	la s3, 8f
9:	sh a2, 6(a1)
	li a2, 78
8:	addi a0, a1, 6
	trap_check 13, 7, a0
	expect a2, 77

	/* A store behind a failing load must not reach memory. */
	la a3, data
	la s3, 8f
9:	lw a2, 0(a1)
	sw zero, 0(a3)
8:	trap_check 14, 5, a1
	lw a0, 0(a3)
	expect a0, 0x11223344

	/* Fetch from nowhere; the cause is the target, not the jump. */
	la s3, 8f
	li a0, UNMAPPED + 0x10
	jr a0
8:	check 15
	expect s0, 1
	expect_reg s1, a0
	expect_reg s2, a0

	/* An instruction of which only the first half is in memory: mtval names the other. */
	li a1, 0x800ffffe
	li a0, 0x0013
	sh a0, 0(a1)
	fence.i
	la s3, 8f
	jr a1
8:	check 16
	expect s0, 1
	expect_reg s1, a1
	addi a0, a1, 2
	expect_reg s2, a0

	/* The same place with a 16-bit instruction is fine: c.jr a2. */
	li a0, 0x8602
	sh a0, 0(a1)
	fence.i
	la a2, 8f
	li s0, 99
	jr a1
	j fail
8:	check 17
	expect s0, 99

	/* Unknown and read-only CSRs. */
	la s3, 8f
9:	csrr a2, 0x7a0
8:	li a0, 0x7a002673
	trap_check 18, 2, a0
	la s3, 8f
9:	csrw mvendorid, zero
8:	li a0, 0xf1101073
	trap_check 19, 2, a0
	check 20		/* reading it, or setting no bit, is no write */
	li s0, 99
	csrr a2, mvendorid
	csrrs a2, mhartid, zero
	csrrci a2, mimpid, 0
	expect s0, 99

	/* The trap moved MIE to MPIE, and mret brings it back. */
	check 21
	csrr a0, mstatus
	expect a0, 0x1888
	csrci mstatus, 8
	la s3, 8f
9:	ecall
8:	csrr a0, mstatus
	expect a0, 0x1880	/* mret: MIE = MPIE = 0, MPIE = 1 */

	/* mepc, mtvec and mcause keep what they can hold. */
	check 22
	li a0, -1
	csrw mepc, a0
	csrr a0, mepc
	expect a0, -2
	li a0, 0x80001003
	csrw mtvec, a0
	csrr a0, mtvec
	expect a0, 0x80001000
	csrwi mip, 31
	csrr a0, mip
	expect a0, 0
	csrr a0, misa
	expect a0, 0x40001104
	finish

	/* s0 cause, s1 pc, s2 value; returns to s3 */
	.text
	.balign 4
handler:
	csrr s0, mcause
	csrr s1, mepc
	csrr s2, mtval
	csrw mepc, s3
	mret

	.data
	.balign 4
data:	.word 0x11223344, 0x55667788
