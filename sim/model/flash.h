/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An adapter's SPI NOR flash: docs/boot.md names the commands. Plain C, knows nothing of the rest of the simulator. What is
 * in it lives in memory, or in a file that keeps it from one run to the next.
 *
 * Programming and erasing go by steps: each byte of a page is one, and each of WEFT_FLASH_ERASE_STEPS parts of a sector. A
 * power cut can be asked for at any step; that step is then done in part: of a byte any subset of the bits that were to
 * fall, of a part of a sector any content. What is undefined comes from a seed.
 *
 * Calls of one flash come from one thread at a time. now_ns is any clock that does not go back.
 */
#ifndef WEFT_SIM_FLASH_H
#define WEFT_SIM_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#define WEFT_FLASH_PAGE 256u
#define WEFT_FLASH_SECTOR 4096u
#define WEFT_FLASH_ERASE_STEPS 16u /* of a sector */
#define WEFT_FLASH_WORN_MAX 16u

struct weft_flash;

struct weft_flash_config {
	const char *path; /* file, made (erased) when it is not there; NULL: in memory, erased */
	uint32_t size; /* bytes, a power of two from 1 MiB to 16 MiB; 0: that of the file, or 1 MiB */
	uint32_t protect_size; /* bytes from 0 on that no command changes; a multiple of a sector */
	bool at_once;          /* no time passes; else the two below, 0: 0.7 ms and 45 ms */
	uint64_t program_ns;   /* of a page, whatever part of it is programmed */
	uint64_t erase_ns;     /* of a sector */
};

/*
 * NULL config: all as above. *out is the caller's, to be closed. -EINVAL: size or protect_size is not one, or the file has
 * another size; else what open, ftruncate and mmap say.
 */
int weft_flash_open(struct weft_flash **out, const struct weft_flash_config *config);
void weft_flash_close(struct weft_flash *f); /* NULL is fine */

/* The chip select line. What was programmed or erased by a command starts when it is let go. */
void weft_flash_select(struct weft_flash *f, bool on, uint64_t now_ns);
/*
 * Eight clocks have passed while selected; `in` is what was shifted into the flash. Returns the byte that the flash shifts
 * out in the NEXT eight clocks: in mode 0 its first bit is at the pin before the first of those edges. In the first eight
 * clocks after select the flash drives nothing: take 0xff.
 */
uint8_t weft_flash_byte(struct weft_flash *f, uint8_t in, uint64_t now_ns);

/* For who knows no bit times: a whole exchange, a byte out and one in. */
uint8_t weft_flash_exchange(struct weft_flash *f, uint8_t in, uint64_t now_ns);

/* The content, size bytes, as if read; may be written while nothing is under way, to prepare a test. */
uint8_t *weft_flash_data(struct weft_flash *f);
uint32_t weft_flash_size(const struct weft_flash *f);

/* --- power ---------------------------------------------------------------------------------------------------------- */

/* Steps done since open, or since the count was set back. */
uint64_t weft_flash_steps(const struct weft_flash *f);
void weft_flash_steps_reset(struct weft_flash *f);
/*
 * Power fails in step n from now on (1: the next one), which is done in part as seed says. n 0: never. From then on the
 * flash hears nothing and answers 0xff, until weft_flash_power_on().
 */
void weft_flash_cut_at(struct weft_flash *f, uint64_t n, uint64_t seed);
/* Power fails now: what is under way is done as far as its time went, its present step in part. */
void weft_flash_power_off(struct weft_flash *f, uint64_t now_ns, uint64_t seed);
bool weft_flash_is_off(const struct weft_flash *f);
/* Power is back: idle, deselected, not write enabled; a cut that was asked for and did not come is forgotten. */
void weft_flash_power_on(struct weft_flash *f);

/* --- faults; all stay until taken back ------------------------------------------------------------------------------ */

/* The bits of mask in the byte at addr read as value, whatever is written. mask 0 heals it. -ENOSPC: too many places. */
int weft_flash_wear(struct weft_flash *f, uint32_t addr, uint8_t mask, uint8_t value);
/* Erasing takes its time and changes nothing; so for programming. */
void weft_flash_fail_erase(struct weft_flash *f, bool on);
void weft_flash_fail_program(struct weft_flash *f, bool on);
/* Answers nothing (0xff), does nothing. */
void weft_flash_dead(struct weft_flash *f, bool on);

#endif
