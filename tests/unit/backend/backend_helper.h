/* SPDX-License-Identifier: BSD-2-Clause */
/* Places to store in, requests, and a stand-in for the system calls, for the tests of backends. */
#ifndef BACKEND_HELPER_H
#define BACKEND_HELPER_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include <nvme/backend.h>

#define KIB 1024u
#define MIB (1024u << 10)

/* Where and how: each test that loops over them runs on all. */
enum place { ON_DISK, ON_TMPFS, ON_LOOP, IN_MEMORY };
struct variant {
	const char *name;
	enum place place;
	struct nvme_backend_file_opts opts;
};
extern const struct variant variants[];
extern const int n_variants;

/* A store of so many bytes, zeroed; NULL: cannot be had here (said why). */
struct nvme_backend *store_open(const struct variant *v, uint64_t size);
/* Its file; the file, loop device and all go with store_close. */
const char *store_path(void);
void store_close(struct nvme_backend *b);

/* A request; wait: sleeps on the backend's fd only, so a fd that says nothing fails the test. */
struct job {
	struct nvme_backend_io io;
	struct iovec iov[64];
	bool done;
	int error;
	unsigned int calls;
	void (*then)(struct job *job);
};
void job_submit(struct nvme_backend *b, struct job *j, enum nvme_backend_op op, uint64_t offset,
		void *data, uint64_t len, uint32_t flags);
void job_wait(struct nvme_backend *b, struct job *j);
/* Both; returns the error. */
int job_run(struct nvme_backend *b, enum nvme_backend_op op, uint64_t offset, void *data,
	    uint64_t len, uint32_t flags);
/* Sleeps until the backend has something and polls once. */
void backend_turn(struct nvme_backend *b);

/* Numbers that look random, the same each time. */
uint64_t rnd(uint64_t below);
void rnd_seed(uint64_t seed);
void rnd_fill(uint8_t *p, uint64_t n);

/* What the stand-ins do, and what they saw. All zero: nothing, count only. */
struct faults {
	bool no_uring;          /* io_uring_queue_init fails with -EPERM */
	unsigned int submits;   /* so many io_uring_submits fail with -EAGAIN */
	size_t shorten;         /* reads and writes move at most so many bytes */
	unsigned int interrupt; /* so many system calls fail with EINTR */
	int read_error;         /* errno of reads, */
	int write_error;        /* of writes, */
	int fsync_error;        /* of fsync, */
	int sync_error;         /* of fdatasync; with io_uring any but 0 is EBADF */
	bool no_zero_range;     /* EOPNOTSUPP of fallocate's modes */
	bool no_punch;
	bool no_dsync; /* EOPNOTSUPP of writes with RWF_DSYNC */
	/* seen; reads and allocates: of system calls only */
	unsigned int reads, writes, dsync_writes, syncs, allocates;
	char order[64]; /* w: write, s: fdatasync, f: fsync of a file, d: of a folder */
};
extern struct faults faults;

#endif
