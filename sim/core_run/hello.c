// SPDX-License-Identifier: BSD-2-Clause
/* hello.c - the smallest program for weft-core-run: says hello and how long that took. */
#include <stdint.h>
#include <stdio.h>

static uint32_t cycles(void)
{
	uint32_t n;

	__asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, mcycle\n.option pop"
			 : "=r"(n));
	return n;
}

int main(void)
{
	uint32_t start = cycles();

	printf("Hello from Weft, %d + %d = %d\n", 40, 2, 40 + 2);
	printf("That line took %lu cycles\n", (unsigned long)(cycles() - start));
	return 0;
}
