/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs that run in the guest share: a step that must hold, and memory to aim at. */
#ifndef TEST_VFIO_CHECK_H
#define TEST_VFIO_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096u

/* Ends the program, naming the step, unless ok. Prints it otherwise. Formats as printf does. */
void check(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* n pages of this process that stay where they are, filled with a byte. Never fails. */
uint8_t *page_new(unsigned int n, uint8_t fill);
/* Whether each of len bytes is fill. */
bool page_is(const uint8_t *page, uint8_t fill, size_t len);
/*
 * Where the page lies in the machine's memory: what a device without an IOMMU in front of it would
 * be told. Never fails; asks for root.
 */
uint64_t page_physical(const void *page);

/* Sleeps for some milliseconds. */
void nap(unsigned int ms);

#endif
