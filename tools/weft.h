/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the weft command share. */
#ifndef TOOLS_WEFT_H
#define TOOLS_WEFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include <nvme/host.h>
#include <weft/mem.h>
#include <weft/pci.h>

#define MIB (1024ull << 10)

#define ALLOWED_HOSTS_MAX 32u

struct weft_fc;

#define PCI_ARGS_MAX 64u
#define PCI_IDS_MAX 8u

/* list, bind, unbind, doctor: adapters as PCI devices. */
struct pci_options {
	struct weft_pci_addr arg[PCI_ARGS_MAX];
	unsigned int n_args;
	struct weft_pci_id id[PCI_IDS_MAX]; /* that count as adapters, too */
	unsigned int n_ids;
	bool force;
	bool no_open; /* no adapter is asked itself */
};

/* weft target: what is its own. */
struct target_options {
	const char *config; /* file; then most of the rest must not be given */
	const char *file;
	const char *serial;
	const char *model;
	const char *ready_file;
	const char *allowed[ALLOWED_HOSTS_MAX];
	unsigned int n_allowed; /* 0: any host */
	uint64_t ram;
	uint64_t null;
	uint64_t create;
	uint32_t block_size; /* 0: the backend's */
	uint32_t icd_size;   /* 0: the library's */
	bool read_only;
	bool buffered;
	bool synchronous;
	unsigned int stats_every; /* seconds */
};

#define XRT_MCS_MAX 2u

/* What is to be flashed on a board with a Xilinx shell: one of them. */
struct xrt_options {
	const char *mcs[XRT_MCS_MAX]; /* flash images of our own */
	unsigned int n_mcs;
	const char *base; /* a vendor's shell: a file, or "" for the installed one */
	const char *shell;
	const char *user; /* an xclbin */
	bool golden;
	bool yes; /* do not ask */
};

/* Everything the command line says. */
struct config {
	const char *verb;
	const char *device;
	bool json;
	bool quiet;
	struct pci_options pci;
	struct weft_port port; /* ip 0: not given */
	uint64_t fc_wwnn;      /* our FC port; 0: from the MAC address */
	uint64_t fc_wwpn;
	bool fc_vn2vn; /* FCoE on the Ethernet port, else the FC port */
	bool fc_given, trtype_given;
	bool no_trsvcid; /* "none" was given, as FC has it */
	struct nvme_host_opts opts;
	bool have_address;
	uint32_t nsid;
	uint64_t start_block;
	bool have_blocks;
	uint32_t block_count; /* number of blocks, not 0's based */
	uint64_t data_size;
	const char *data;
	uint8_t log_id;
	uint32_t log_len;
	uint8_t feature_id;
	/* perf, run */
	unsigned int depth;
	uint32_t io_size;
	const char *pattern;
	unsigned int read_percent;
	double seconds;
	uint64_t count;
	uint64_t range;
	uint64_t seed;
	bool verify;
	bool no_digest;
	struct target_options target;
	struct xrt_options xrt;
};

/* A device, and on request an association; closed by session_end. */
struct session {
	const struct config *cfg;
	struct weft_dev *dev;
	struct weft_fc *fc; /* or NULL */
	struct nvme_host *host;
};

/* session.c. They print what went wrong. */
int session_begin(struct session *s, const struct config *cfg);
/* The port as the command line wants it, Ethernet or FC; FC: and the way to the target's port. */
int session_port(struct session *s);
/* Address, mask and MTU of the Ethernet port. */
int session_ethernet(struct session *s);
int session_connect(struct session *s);
void session_disconnect(struct session *s);
/* The command has no answer; a wrong digest (-EBADMSG) is only its own. */
bool connection_failed(const struct nvme_result *r);
void session_end(struct session *s);
int complain(int err, const char *what);
/* fc.c. The FC port in these roles (WEFT_FCR_*), if it is not there yet. state_cb: or NULL. */
struct weft_fc_info;
typedef void fc_state_fn(void *arg, struct weft_fc *fc, const struct weft_fc_info *info);
int session_fc(struct session *s, uint8_t roles, fc_state_fn *state_cb, void *arg);
/*
 * Options may come in any order; in the end all must be of one transport. Where none is chosen, as
 * with a configuration file, the adapter may have a name of each. -EINVAL: said why.
 */
int check_transport(const struct config *c, bool chosen);
/* The same as a host, and waits until the target's port is logged in to. */
int session_fc_host(struct session *s);
void session_fc_end(struct session *s);
/* What the session has to say to the options of an association. */
void session_opts(const struct session *s, struct nvme_host_opts *o);
/* nn-0x...:pn-0x..., 44 bytes. */
void fc_name(char *to, uint64_t wwnn, uint64_t wwpn);
/* The way back: whether a text is meant as one; 0 or -EINVAL (said why). */
bool fc_is_name(const char *text);
int fc_address(const char *what, const char *text, uint64_t *wwnn, uint64_t *wwpn);
void fc_port_text(char *to, size_t len, const struct weft_fc_info *info);
/* The size of a file or -errno. */
int64_t file_size(const char *path);
/* The device's own clock, ns. */
uint64_t device_time(struct weft_dev *dev);

/* A bar on a terminal, nothing elsewhere. */
struct progress {
	const char *what;
	uint64_t total;
	uint64_t shown_at;
	uint64_t started_at;
	bool on;
};
void progress_begin(struct progress *p, const struct config *cfg, const char *what, uint64_t total);
void progress_show(struct progress *p, uint64_t done);
void progress_end(struct progress *p);

/* Counters of the adapter as 64-bit sums, to be sampled before one wraps. */
struct counters {
	uint32_t last[64];
	uint64_t sum[64];
};
void counters_begin(struct counters *c, struct weft_dev *dev);
void counters_sample(struct counters *c, struct weft_dev *dev);

/*
 * move.c: many blocks with several requests in flight. buf: DMA memory; -errno, with the reason in
 * weft_last_error().
 */
int move_blocks(const struct nvme_host_ns *ns, bool write, uint8_t *buf, uint64_t slba,
		uint64_t bytes, uint32_t io_size, unsigned int depth, struct progress *p);

/* out.c */
void json_print(struct json_object *o);
struct json_object *json_text(const char *s, size_t max);
void put_u64(struct json_object *o, const char *key, uint64_t v);
/* The object as JSON, or as lines "key : value". */
void show(const struct config *cfg, struct json_object *o);

/* pci.c. For options.c: an --id, and what stands behind a verb. 0 or -EINVAL (said why). */
int pci_id_option(struct config *cfg, const char *arg);
int pci_argument(struct config *cfg, const char *arg);
int do_list_adapters(const struct config *cfg);
int do_bind(const struct config *cfg);
int do_unbind(const struct config *cfg);
/* What the machine says of the device that was opened, if that is a PCI device. */
void info_pci(struct json_object *o, const char *spec);
/*
 * Opens an adapter to ask it. NULL: why not, as text; err: of the opening, 0 when it was not tried
 * (it has another driver, or somebody uses it). Opening resets it.
 */
struct weft_dev *ask_adapter(const struct weft_pci_dev *dev, char *why, size_t len, int *err);
/* doctor.c */
int do_doctor(const struct config *cfg);

/* Verbs. They return 0 or a negative errno that was reported. */
int do_discover(const struct config *cfg);
int do_connect_test(const struct config *cfg);
int do_list(const struct config *cfg);
int do_list_ns(const struct config *cfg);
int do_id_ctrl(const struct config *cfg);
int do_id_ns(const struct config *cfg);
int do_get_log(const struct config *cfg);
int do_smart_log(const struct config *cfg);
int do_get_feature(const struct config *cfg);
int do_read(const struct config *cfg);
int do_write(const struct config *cfg);
int do_write_zeroes(const struct config *cfg);
int do_flush(const struct config *cfg);
int do_info(const struct config *cfg);
int do_stats(const struct config *cfg);
int do_log(const struct config *cfg);
int do_reset(const struct config *cfg);
int do_perf(const struct config *cfg);
int do_run(const struct config *cfg);
int do_target(const struct config *cfg);
/* fw.c. Exit status; argv[0] is "fw". */
int do_fw(int argc, char **argv);
/* image/main.c. Exit status; argv[0] is "image". */
int do_image(int argc, char **argv);

/*
 * xrt_flash.c: the board's own tools write its flash. As verbs do, or positive: the exit status of the
 * tool that failed.
 */
int do_xrt_flash(const struct config *cfg);
/* xrt/cmd.c: weft xclbin, with a command line of its own. The exit status. */
int xclbin_main(int argc, char **argv);

/* options.c. 0, 1 (help was wanted and printed), or -EINVAL (said why). */
int parse_options(int argc, char **argv, struct config *cfg);
void usage(FILE *to);

#endif
