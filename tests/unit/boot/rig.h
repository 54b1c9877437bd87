/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flash (the simulator's model), the boot ROM's logic on it, images signed here with libsodium, and the firmware's part of
 * an update as a reference. Time goes on with each byte on the wire.
 */
#ifndef BOOT_RIG_H
#define BOOT_RIG_H

#include <check.h>
#include <setjmp.h>

#include "boot/rom/boot.h"
#include "model/flash.h"

#define RIG_BOARD 7u
#define RIG_IMEM 4096u
#define RIG_IMAGE_MAX 8192u
#define RIG_HISTORY 16u

struct image_spec {
	uint32_t counter, board, version;
	uint32_t header_len;  /* 0: 32 */
	uint32_t payload_len; /* 0: 64 */
	uint32_t flags;
	uint32_t load_addr;
	uint32_t skip, twice, elsewhere; /* TLVs by bit, as in enum spec_tlv */
	uint32_t short_by;               /* bytes by which each TLV of `cut` is too short */
	uint32_t cut;
	bool unknown_prot, unknown_unprot;
	bool other_key, bad_spki;
	const uint8_t *payload; /* payload_len bytes; NULL: full of the version */
};
enum spec_tlv { SPEC_COUNTER, SPEC_BOARD, SPEC_SHA, SPEC_KEYHASH, SPEC_PUBKEY, SPEC_SIG };

struct image {
	uint8_t bytes[RIG_IMAGE_MAX];
	uint32_t len;
};

struct rig {
	struct weft_flash *flash;
	bool own_flash;
	uint64_t now;
	struct nor_spi spi;
	struct boot_env env;
	struct boot_choice choice;
	uint8_t imem[RIG_IMEM], header[IMAGE_HEADER_MAX], tlvs[IMAGE_TLVS_MAX];
	/* The host's reset: when the flash is selected for the reset_at-th time, to where reset_to was set. 0: never */
	uint64_t selects, reset_at;
	jmp_buf reset_to;
	/* The records that came to hold, each with the flash's steps then; kept when tracing. */
	bool tracing;
	uint32_t n_history;
	struct {
		uint64_t steps;
		struct boot_record rec;
	} history[RIG_HISTORY];
};

/* Cases run, for the line that the program prints at its end. */
extern uint64_t cases;
extern bool full_run;

void image_make(struct image *im, const struct image_spec *spec);
/* A good one: its payload is full of the version. */
void image_good(struct image *im, uint32_t version, uint32_t counter);
/* As the ROM looks at one, but in memory: p has exactly len bytes. */
enum image_error image_look(const uint8_t *p, uint32_t len, uint32_t counter);

/* SHA-256 of the key that image_make signs with. */
const uint8_t *image_key_hash(void);

void rig_init(struct rig *r);
void rig_open(struct rig *r, const struct weft_flash_config *config); /* another flash */
void rig_free(struct rig *r);
void rig_end(void); /* of the program */
/* Straight into the flash's memory. */
void rig_put(struct rig *r, uint32_t slot, const struct image *im);
void rig_erase_slot(struct rig *r, uint32_t slot);
/* The record that holds, by looking at the memory. */
void rig_record(const struct rig *r, struct boot_record *rec);
/* Appends one through record.c; 0 or what that says. */
int rig_set_record(struct rig *r, const struct boot_record *rec);

/* One start; power-up clears the arguments first. The slot that was started, 0: none. */
uint32_t rig_power_up(struct rig *r);
uint32_t rig_reset(struct rig *r, bool watchdog);
/* The version of the image that runs. */
uint32_t rig_running(const struct rig *r);

/* The firmware's part: 0 or EIO. */
int rig_download(struct rig *r, uint32_t slot, const struct image *im);
int rig_commit(struct rig *r, uint32_t slot);
int rig_confirm(struct rig *r);

Suite *flash_suite(void);
Suite *image_suite(void);
Suite *record_suite(void);
Suite *rom_suite(void);
Suite *power_suite(void);

#endif
