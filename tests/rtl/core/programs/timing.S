/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pipeline's promises in cycles, and the counters that tell of them. Each piece of code runs twice;
 * the second time, when the branch predictor knows it, its length in cycles is compared.
 */
#include "test.inc"

	.macro measure_begin
	li s9, 2
7:	csrr s8, mcycle
	.endm

	/* Cycles from the first csrr to the second are those of the code between, plus one. */
	.macro measure_end cycles
	csrr t6, mcycle
	addi s9, s9, -1
	bnez s9, 7b
	sub s8, t6, s8
	addi s8, s8, -1
	expect s8, \cycles
	.endm

	begin
	la a0, data
	.balign 4

	check 1			/* one instruction per cycle, 16 or 32 bits */
	measure_begin
	.rept 16
	addi a1, a1, 1
	xor a2, a1, a2
	.endr
	measure_end 32

	check 2			/* loads and stores back to back */
	measure_begin
	.rept 4
	lw a1, 0(a0)
	lw a2, 4(a0)
	sw a1, 8(a0)
	lw a3, 8(a0)
	sw a2, 12(a0)
	sb a3, 8(a0)
	.endr
	measure_end 24

	check 3			/* a load used at once costs one cycle, one instruction later none */
	measure_begin
	lw a1, 0(a0)
	addi a1, a1, 1
	lw a2, 0(a0)
	nop
	addi a2, a2, 1
	measure_end 6

	check 4			/* products flow; used at once they cost one cycle */
	measure_begin
	mul a1, a2, a3
	mulhu a4, a2, a3
	mulh a5, a2, a3
	add a1, a1, a4
	mul a1, a1, a1
	add a1, a1, a1
	measure_end 7

	check 5			/* a predicted loop: no cycle lost but for the last, mispredicted turn */
	li a1, 1
	measure_begin
	li a2, 20
1:	addi a3, a3, 1
	addi a4, a4, 1
	addi a2, a2, -1
	bnez a2, 1b
	measure_end 81 + 2

	check 6			/* predicted calls and returns are free, from wherever they come */
	.balign 4
	.option push
	.option norvc
	measure_begin
	jal leaf
	jal leaf
	measure_end 6
	.option pop

	check 7			/* short division: 8 bits of dividend */
	li a1, 200
	li a2, 7
	measure_begin
	divu a3, a1, a2
	measure_end 14
	expect a3, 28

	check 8			/* counters 3..6 as reset: use, mispredict, data, fetch */
	csrr a1, mhpmevent3
	expect a1, 1
	csrr a1, mhpmevent6
	expect a1, 4
	csrr a1, mhpmcounter3
	lw a2, 0(a0)
	addi a2, a2, 1
	lw a2, 0(a0)
	addi a2, a2, 1
	csrr a3, mhpmcounter3
	sub a3, a3, a1
	expect a3, 2

	check 9			/* taken transfers, event 7; inhibited it stands */
	li a1, 7
	csrw mhpmevent4, a1
	csrw mhpmcounter4, zero
	j 1f
1:	j 2f
2:	csrr a1, mhpmcounter4
	expect a1, 2
	csrsi mcountinhibit, 16
	j 3f
3:	csrr a1, mhpmcounter4
	expect a1, 2

	check 10		/* minstret counts itself in, a written value is what is read next */
	csrr a1, minstret
	nop
	nop
	csrr a2, minstret
	sub a2, a2, a1
	expect a2, 3
	li a1, 1000
	csrw minstret, a1
	csrr a2, minstret
	expect a2, 1000
	li a1, -1
	csrw minstret, a1
	nop
	csrr a2, minstreth
	expect a2, 1

	check 11		/* 40-bit event counters, both halves writable, carry between them */
	csrci mcountinhibit, 16
	li a1, -1
	csrw mhpmcounter4h, a1
	csrw mhpmcounter4, a1
	csrr a2, mhpmcounter4h
	expect a2, 0xff
	j 4f
4:	csrr a2, mhpmcounter4
	expect a2, 0
	csrr a2, mhpmcounter4h
	expect a2, 0

	check 12		/* a mispredicted branch inside leaves the return stack in order */
	.balign 4
	.option push
	.option norvc
	measure_begin
	jal nested
	measure_end 9 + 2
	.option pop
	finish

	.text
	.balign 4
leaf:	nop
	ret

	.balign 4
	.option push
	.option norvc
nested:	mv t3, ra
	jal 1f
	addi t4, s9, -2
	beqz t4, 2f		/* taken in the first turn, not in the second */
	nop
2:	mv ra, t3
	ret
1:	ret
	.option pop

	.data
	.balign 8
data:	.word 1, 2, 3, 4
