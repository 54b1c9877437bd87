/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading JSON objects by tables of their fields, with errors that say where. A reader remembers
 * the path to the element it is at; an error leaves it there.
 */
#ifndef TOOLS_TARGET_FIELDS_H
#define TOOLS_TARGET_FIELDS_H

#include <json-c/json.h>

#include "target_config.h"

struct reader {
	const char *file;
	char path[256]; /* of the element: subsystems[1].namespaces[0].nsid */
	size_t at;      /* its length */
	target_note_fn *note;
	void *arg;
	char *err;
	size_t err_len;
};

enum field_kind {
	FIELD_NUMBER,      /* a number, or a string with one, as nvmetcli writes them */
	FIELD_SIZE,        /* the same, with K, M, G or T behind it on request */
	FIELD_BOOL,        /* true, false, 1, 0, "1", "0" */
	FIELD_OTHER,       /* take() */
	FIELD_IGNORED,     /* nvmetcli's, of no meaning here: a note */
	FIELD_ZERO,        /* nvmetcli's, for something we do not have: must be off */
	FIELD_UNSUPPORTED, /* nvmetcli's, for something that must not be passed over */
};

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset; /* of the structure's field; OTHER without a size: take() gets the whole */
	size_t size;
	uint64_t lo;
	uint64_t hi;
	uint64_t multiple; /* 0: any */
	bool power;        /* a power of two */
	bool required;
	int (*take)(struct reader *r, struct json_object *v, void *to);
};

/* All return 0, -EINVAL or -ENOMEM, after the first of which err is set. */
int reader_fail(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for another place, which the text begins with. */
int reader_fail_at(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int reader_no_memory(struct reader *r);

int reader_string(struct reader *r, struct json_object *v, const char **s);
int reader_array(struct reader *r, struct json_object *v, size_t *n);
int reader_number(struct reader *r, struct json_object *v, uint64_t lo, uint64_t hi, uint64_t *n);
int reader_object(struct reader *r, struct json_object *v, const struct field *fields, size_t n,
		  void *to);
/* The text as JSON; root: the caller's. */
int reader_text(struct reader *r, const char *text, size_t len, struct json_object **root);

/* Steps to element i of an array; the mark leads back. */
size_t reader_index(struct reader *r, size_t i);
void reader_back(struct reader *r, size_t mark);

/* target_values.c: for field.take. What each stores is in the name; to: see field.offset. */
int take_nqn(struct reader *r, struct json_object *v, void *to);
int take_nqns(struct reader *r, struct json_object *v, void *to);
int take_serial(struct reader *r, struct json_object *v, void *to);
int take_model(struct reader *r, struct json_object *v, void *to);
int take_firmware(struct reader *r, struct json_object *v, void *to);
int take_path(struct reader *r, struct json_object *v, void *to);
int take_uuid(struct reader *r, struct json_object *v, void *to);
int take_nguid(struct reader *r, struct json_object *v, void *to);
int take_eui64(struct reader *r, struct json_object *v, void *to);
int take_ip(struct reader *r, struct json_object *v, void *to);
int take_block_size(struct reader *r, struct json_object *v, void *to);
int take_trtype(struct reader *r, struct json_object *v, void *to);
int take_adrfam(struct reader *r, struct json_object *v, void *to);
int take_traddr(struct reader *r, struct json_object *v, void *to);
int take_trsvcid(struct reader *r, struct json_object *v, void *to);
int take_fc_mode(struct reader *r, struct json_object *v, void *to);
int take_no_referrals(struct reader *r, struct json_object *v, void *to);
int take_mac(struct reader *r, struct json_object *v, void *to);

#endif
