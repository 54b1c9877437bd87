/* SPDX-License-Identifier: BSD-2-Clause */
/* weft image show and check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <weft/dev.h>

#include "../weft.h"
#include "image.h"

static void put_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void put_hex(struct json_object *o, const char *key, const uint8_t *bytes, size_t len)
{
	char hex[2 * WEFT_IMAGE_SIGNATURE_SIZE + 1];

	put_text(o, key, sodium_bin2hex(hex, sizeof(hex), bytes, len));
}

static void put_hex32(struct json_object *o, const char *key, uint32_t v)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%x", v);
	put_text(o, key, text);
}

static void put_version(struct json_object *o, const struct weft_image *im)
{
	char text[32];

	weft_image_version_text(&im->version, text, sizeof(text));
	put_text(o, "version", text);
}

/* What the adapter would answer. */
static void put_verdict(struct json_object *o, int rc)
{
	json_object_object_add(o, "sound", json_object_new_boolean(!rc));
	put_text(o, "error", weft_image_error_name(rc));
	put_u64(o, "error_number", (uint64_t)rc);
	if (rc)
		put_text(o, "why", weft_last_error());
}

static const char *tlv_name(uint16_t type)
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = {
		{ 0x01, "key hash" },   { 0x02, "public key" },  { 0x10, "SHA-256" },
		{ 0x24, "Ed25519" },    { 0x40, "dependency" },  { 0x50, "security counter" },
		{ 0xa0, "board id" },   { 0x60, "boot record" }, { 0x74, "vendor UUID" },
		{ 0x75, "class UUID" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	return "other";
}

static struct json_object *tlv_list(const struct weft_image *im)
{
	struct json_object *list = json_object_new_array();
	unsigned int i;

	for (i = 0; i < im->n_tlvs; i++) {
		const struct weft_image_tlv *t = &im->tlvs[i];
		struct json_object *o = json_object_new_object();

		put_hex32(o, "type", t->type);
		put_text(o, "name", tlv_name(t->type));
		put_text(o, "area", t->covered ? "protected" : "unprotected");
		put_u64(o, "offset", t->offset);
		put_u64(o, "bytes", t->len);
		json_object_array_add(list, o);
	}
	return list;
}

/* Header and values, as far as they could be read. */
static void put_image(struct json_object *o, const struct weft_image *im)
{
	put_version(o, im);
	if (im->have_board)
		put_hex32(o, "board", im->board);
	if (im->have_counter)
		put_u64(o, "counter", im->counter);
	put_u64(o, "header_bytes", im->header_size);
	put_u64(o, "payload_bytes", im->payload_size);
	put_u64(o, "image_bytes", im->size);
	put_hex32(o, "flags", im->flags);
	put_hex32(o, "load_address", im->load_address);
	if (im->have_digest)
		put_hex(o, "digest", im->digest, sizeof(im->digest));
	if (im->have_key) {
		put_hex(o, "public_key", im->key, sizeof(im->key));
		put_hex(o, "key_hash", im->key_hash, sizeof(im->key_hash));
	}
	if (im->have_signature)
		put_hex(o, "signature", im->signature, sizeof(im->signature));
	json_object_object_add(o, "tlvs", tlv_list(im));
}

int image_show(const struct image_args *a)
{
	const struct config cfg = { .json = a->json };
	struct weft_image *im;
	struct json_object *o;
	uint8_t *data;
	size_t len;
	int rc;

	if (image_read(a->files[0], WEFT_IMAGE_SLOT_SIZE, &data, &len))
		return 1;
	im = calloc(1, sizeof(*im));
	if (!im) {
		free(data);
		return image_fail("%s: no memory", a->files[0]);
	}
	rc = weft_image_check(data, len, NULL, im);
	o = json_object_new_object();
	put_text(o, "file", a->files[0]);
	put_u64(o, "file_bytes", len);
	if (im->header_size) /* there is a header to show */
		put_image(o, im);
	put_verdict(o, rc);
	show(&cfg, o);
	free(im);
	free(data);
	/* an image that only lacks its signature is none the worse for being looked at */
	return rc == WEFT_IMAGE_EMPTY || rc == WEFT_IMAGE_HEADER;
}

static void print_verdict(const char *path, int rc, const struct weft_image *im, bool key_given)
{
	char version[32], key[17];

	if (rc) {
		printf("%s: refused: %s (%d): %s\n", path, weft_image_error_name(rc), rc,
		       weft_last_error());
		return;
	}
	weft_image_version_text(&im->version, version, sizeof(version));
	sodium_bin2hex(key, sizeof(key), im->key_hash, 8);
	printf("%s: sound: version %s, board 0x%x, counter %u, key %s...%s\n", path, version,
	       im->board, im->counter, key, key_given ? "" : " (of whom, was not asked)");
}

/* One file: the verdict is printed, or put into the list. 0: sound. */
static int check_one(const char *path, const struct weft_image_rules *rules, struct weft_image *im,
		     struct json_object *list)
{
	struct json_object *o;
	uint8_t *data;
	size_t len;
	int rc;

	if (image_read(path, WEFT_IMAGE_SLOT_SIZE, &data, &len))
		return 1;
	rc = weft_image_check(data, len, rules, im);
	free(data);
	if (!list) {
		print_verdict(path, rc, im, rules->key_hash);
		return rc != 0;
	}
	o = json_object_new_object();
	put_text(o, "file", path);
	put_verdict(o, rc);
	if (!rc) {
		put_version(o, im);
		put_hex32(o, "board", im->board);
		put_u64(o, "counter", im->counter);
		put_hex(o, "key_hash", im->key_hash, sizeof(im->key_hash));
	}
	json_object_array_add(list, o);
	return rc != 0;
}

int image_check(const struct image_args *a)
{
	struct weft_image_rules rules = {
		.have_board = a->have_board,
		.board = a->board,
		.have_counter = a->have_counter,
		.counter = a->counter,
	};
	uint8_t hash[WEFT_IMAGE_HASH_SIZE];
	struct json_object *list = NULL;
	struct weft_image *im;
	bool given;
	int i, rc = 0;

	if (image_wanted_key(a, hash, &given))
		return 1;
	rules.key_hash = given ? hash : NULL;
	im = calloc(1, sizeof(*im));
	if (!im)
		return image_fail("no memory");
	if (a->json)
		list = json_object_new_array();
	for (i = 0; i < a->n_files; i++)
		rc |= check_one(a->files[i], &rules, im, list);
	if (list) {
		json_print(list);
		json_object_put(list);
	}
	free(im);
	return rc;
}
