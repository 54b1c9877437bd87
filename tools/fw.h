/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of weft fw share. */
#ifndef TOOLS_FW_H
#define TOOLS_FW_H

#include <weft/fw.h>

#include "weft.h"

#define FW_ADAPTERS_MAX 32u
#define FW_NO_ACTION 255u

struct fw_args {
	const char *verb;
	const char *devices[FW_ADAPTERS_MAX];
	unsigned int n_devices;
	const char *fw; /* file */
	uint8_t *image; /* its content, or NULL */
	size_t image_len;
	unsigned int slot;   /* 0: not given */
	unsigned int action; /* FW_NO_ACTION: not given */
	bool yes, json, quiet;
};

/* One adapter on the way through a command. */
struct fw_adapter {
	const struct fw_args *args;
	struct config cfg;
	struct session s;
	bool open;
	struct weft_fw_info info;
	unsigned int slot; /* that the command is about; 0: none */
	int error;         /* 0 or negative errno: what became of it */
	char said[192];    /* the same in words */
};

/* A command. check: is it possible? Nothing is written before all adapters said yes. NULL: always. */
struct fw_verb {
	const char *name;
	const char *help;
	int (*check)(struct fw_adapter *a);
	int (*run)(struct fw_adapter *a);
	bool needs_file;
	bool needs_slot;
	bool writes; /* asks first */
};
extern const struct fw_verb fw_verbs[];
extern const unsigned int fw_n_verbs;

/* Notes what became of an adapter, printf format, and returns err. */
int fw_say(struct fw_adapter *a, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* fw_show.c */
void fw_version(const struct weft_fw_slot *s, char *to, size_t len); /* 48 bytes are enough */
/* "running 1.2.3+4 (slot 2); slot 3 holds 1.2.2+1": one line for people. */
void fw_summary(const struct weft_fw_info *info, char *to, size_t len);
struct json_object *fw_json(const struct weft_fw_info *info);
void fw_print(const struct weft_fw_info *info);

#endif
