/* SPDX-License-Identifier: BSD-2-Clause */
/* What weft-core-run is told: characters both ways, a signature, and a failure code. */
#include "test.inc"

	begin
	li a1, 0x10000000
	li a0, 'W'
	sb a0, 0(a1)
	la a1, tohost		/* host interface: device 1, command 1, lower word first */
	li a0, 'e'
	sw a0, 0(a1)
	li a2, 0x01010000
	sw a2, 4(a1)
	li a0, 'f'
	sw a2, 4(a1)		/* and upper word first */
	sw a0, 0(a1)
	la a3, block		/* write system call */
	sw a3, 0(a1)
	sw zero, 4(a1)
	la a2, fromhost
1:	lw a0, 0(a2)
	beqz a0, 1b
	sw zero, 0(a2)
	la a1, begin_signature
	li a0, 0xcafef00d
	sw a0, 4(a1)
	li s11, 42
	j fail
	finish

	.section .tohost, "aw", @nobits
	.balign 64
	.globl fromhost
fromhost: .space 8
	.data
	.balign 8
block:	.word 64, 0, 1, 0, text, 0, 2, 0
text:	.ascii "t\n"
	.balign 4
	.globl begin_signature
	.globl end_signature
begin_signature:
	.word 0x00000001, 0, 0x01020304
end_signature:
	.word 0xffffffff
