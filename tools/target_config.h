/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What weft target is to export, as plain structures: read from a JSON file in the form of
 * nvmetcli's saved configuration, or made from the command line. Reading has no side effects.
 */
#ifndef TOOLS_TARGET_CONFIG_H
#define TOOLS_TARGET_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvme/spec.h>
#include <weft/dev.h>

#define TARGET_FILE_MAX (16u << 20)
#define TARGET_DEPTH_MAX 16
#define TARGET_NSID_MAX 1024u
#define ADRFAM_IPV4 1
#define ADRFAM_FC 4
#define TARGET_QSIZE_MIN 32u /* ASQSZ of discovery, what hosts take for the admin queue */

/* Names: NQNs of at most NVME_NQN_MAX bytes, each malloc'ed. */
struct target_names {
	char **name;
	size_t count;
};

struct target_ns {
	uint32_t nsid;
	bool enable;
	/* exactly one of the three */
	char *path;
	uint64_t ram;
	uint64_t null;
	uint64_t create; /* path: made with so many bytes when missing; 0: not */
	bool buffered;
	bool synchronous;
	bool read_only;
	uint32_t block_size; /* 0: the backend's default */
	uint8_t uuid[16];
	uint8_t nguid[16];
	uint8_t eui64[8];
	/* target_apply.c */
	void *backend; /* open, and not yet the target's */
	bool live;     /* the target has it */
};

struct target_subsys {
	char nqn[NVME_NQN_MAX + 1];
	char serial[21]; /* texts: empty: the default */
	char model[41];
	char firmware[9];
	bool any_host;
	uint16_t cntlid_min; /* 0: default, in what follows, too */
	uint16_t cntlid_max;
	uint32_t max_queues;
	uint32_t max_controllers;
	uint64_t max_transfer;
	struct target_names allowed;
	struct target_ns *ns;
	size_t n_ns;
	void *handle; /* target_apply.c: struct nvme_subsys */
};

struct target_port {
	uint16_t portid;
	bool fc;
	uint8_t adrfam; /* ADRFAM_*; 0: not said */
	uint64_t wwnn;  /* FC: 0: the adapter's own; so is the next */
	uint64_t wwpn;
	uint32_t traddr; /* 0: the adapter's own */
	uint16_t trsvcid;
	uint32_t qsize; /* 0: default, in what follows, too */
	uint32_t icd_size;
	uint32_t max_h2cdata;
	uint32_t max_connections;
	bool no_header_digest;
	bool no_data_digest;
	struct target_names subsys;
	void *handle; /* target_apply.c: struct nvme_port */
};

struct target_config {
	char *device; /* NULL: not said */
	struct weft_port adapter;
	bool fc_vn2vn;
	struct target_names hosts;
	struct target_port *ports;
	size_t n_ports;
	struct target_subsys *subsys;
	size_t n_subsys;
};

/* Something worth telling that is no error: a sentence that names file and place. */
typedef void target_note_fn(void *arg, const char *line);

/*
 * Reads the JSON text. file: its name, for messages. 0, or -EINVAL or -ENOMEM with a sentence in
 * err (FILE: PLACE: what is wrong); then nothing is in config.
 */
int target_config_parse(const char *file, const char *text, size_t len,
			struct target_config *config, target_note_fn *note, void *arg, char *err,
			size_t err_len);
/* The same for a file; also negative errno of opening and reading it, -EFBIG. */
int target_config_read(const char *file, struct target_config *config, target_note_fn *note,
		       void *arg, char *err, size_t err_len);
/* Leaves config empty. */
void target_config_free(struct target_config *config);

/* 0, -ENOMEM. */
int target_names_add(struct target_names *names, const char *name);
bool target_names_have(const struct target_names *names, const char *name);
const struct target_subsys *target_config_subsys(const struct target_config *config,
						 const char *nqn);

/* What is wrong with an NQN, or NULL. */
const char *target_nqn_fault(const char *nqn);

/*
 * target_scan.c: looks for a key that occurs twice in one object of JSON text that is otherwise in
 * order, and for keys with escapes, which could hide one, and single quotes. 0, or -EINVAL with the
 * key or quote (at most key_len bytes) and its line. -ENOMEM.
 */
int target_scan_keys(const char *text, size_t len, char *key, size_t key_len, unsigned int *line);

#endif
