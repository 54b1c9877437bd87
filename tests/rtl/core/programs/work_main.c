// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>

#include "work.h"

#define CSR(name)                                                                      \
	__extension__({                                                                \
		uint32_t value;                                                        \
		__asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, " #name \
				 "\n.option pop"                                       \
				 : "=r"(value));                                       \
		value;                                                                 \
	})

/* Prints the result, then cycles, instructions and the four event counters of the work alone. */
int main(void)
{
	uint32_t e3 = CSR(mhpmcounter3), e4 = CSR(mhpmcounter4);
	uint32_t e5 = CSR(mhpmcounter5), e6 = CSR(mhpmcounter6);
	uint32_t insns = CSR(minstret), cycles = CSR(mcycle);
	uint32_t result = work(0x1234567, 30);

	cycles = CSR(mcycle) - cycles;
	insns = CSR(minstret) - insns;
	printf("result %08lx cycles %lu instructions %lu\n", (unsigned long)result,
	       (unsigned long)cycles, (unsigned long)insns);
	printf("waits: use %lu mispredict %lu data %lu fetch %lu\n",
	       (unsigned long)(CSR(mhpmcounter3) - e3), (unsigned long)(CSR(mhpmcounter4) - e4),
	       (unsigned long)(CSR(mhpmcounter5) - e5), (unsigned long)(CSR(mhpmcounter6) - e6));
	return 0;
}
