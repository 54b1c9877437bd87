/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libsodium wants of a system, and the ROM has not. Verifying draws no random bytes, and one thread needs no lock:
 * who calls these made a mistake, and the core's trap says so.
 */
#include <stddef.h>
#include <stdint.h>

#include <sodium/core.h>
#include <sodium/randombytes.h>

int sodium_crit_enter(void);
int sodium_crit_leave(void);

void sodium_misuse(void)
{
	__builtin_trap();
}

void randombytes_buf(void *const buf, const size_t size)
{
	(void)buf;
	(void)size;
	__builtin_trap();
}

uint32_t randombytes_uniform(const uint32_t upper_bound)
{
	(void)upper_bound;
	__builtin_trap();
}

int sodium_crit_enter(void)
{
	return 0;
}

int sodium_crit_leave(void)
{
	return 0;
}
