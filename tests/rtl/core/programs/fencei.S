/* SPDX-License-Identifier: BSD-2-Clause */
/* Code that changes under a trained branch predictor: with fence.i, and (on this core) with a jump alone. */
#include "test.inc"

	/* Store the halves at pattern over those at spot, n of them. */
	.macro patch pattern, n
	la a1, \pattern
	la a2, spot
	.rept \n
	lhu a3, 0(a1)
	sh a3, 0(a2)
	addi a1, a1, 2
	addi a2, a2, 2
	.endr
	.endm

	.macro train
	li s1, 6
6:	li s0, 0
	jal ra, spot
	addi s1, s1, -1
	bnez s1, 6b
	.endm

	begin
	.option norelax

	check 1			/* as assembled: jumps over the marker */
	train
	expect s0, 16

	check 2			/* jump becomes an addition, fence.i */
	patch add32, 2
	fence.i
	li s0, 0
	jal ra, spot
	expect s0, 16 + 4 + 1

	check 3			/* and a jump again, trained, then two short additions without fence.i */
	patch jump32, 2
	fence.i
	train
	expect s0, 16
	patch add16, 2
	li s0, 0
	jal ra, spot
	expect s0, 16 + 4 + 2 + 2

	check 4			/* a short jump, trained, becomes the first half of a long addition */
	patch jump16, 2
	fence.i
	train
	expect s0, 16
	patch add32, 2
	li s0, 0
	jal ra, spot
	expect s0, 16 + 4 + 1

	check 5			/* the target of a trained jump moves */
	patch jump32, 2
	fence.i
	train
	patch near32, 2
	li s0, 0
	jal ra, spot
	expect s0, 16 + 4
	finish

	.text
	.balign 4
	.option norvc
add32:	addi s0, s0, 1
jump32:	.word 0x0080006f	/* j .+8 */
near32:	.word 0x0040006f	/* j .+4 */
	.option rvc
add16:	c.addi s0, 2
	c.addi s0, 2
jump16:	.half 0xa021		/* c.j .+8 */
	c.nop
	.balign 4
	.option norvc
spot:	.word 0x0080006f
	addi s0, s0, 4
	addi s0, s0, 16
	ret
