/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe over Fabrics controller side: subsystems with namespaces, reached through ports, and a
 * discovery subsystem that tells of them. Over the transport of nvmf/nvmf_transport.h, storing in
 * backends of nvme/backend.h. NVM Express Base Specification 2.1, NVMe over Fabrics, NVM Command
 * Set 1.0.
 *
 * A struct nvme_target belongs to one thread, that of the adapters of its ports. Everything may be
 * changed while hosts are connected: they are told by asynchronous events as the specification
 * says. Functions return 0 or a negative errno; weft_last_error() names what was wrong and where.
 * They must not be called from inside backend callbacks, the log function, or an adapter's idle_cb;
 * the exception is nvme_target_poll in idle_cb, which then moves on the backends only.
 */
#ifndef NVME_TARGET_H
#define NVME_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvme/backend.h>
#include <nvme/spec.h>
#include <nvmf/nvmf_transport.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct nvme_target;
struct nvme_subsys;
struct nvme_port;

/* A message about something that happened, for a log: one line without its newline. */
typedef void nvme_target_log_fn(void *arg, const char *line);

struct nvme_target_opts {
	nvme_target_log_fn *log; /* or NULL */
	void *log_arg;
	/* longest a connection may stay without a Connect command; 0: 10000 */
	uint32_t connect_timeout_ms;
	/* discovery controllers without Keep Alive (KATO 0) end after this; 0: 120000 */
	uint32_t discovery_timeout_ms;
	/*
	 * data buffers of one adapter, a multiple of 1 MiB up to 1 GiB; 0: 32 MiB. Commands wait
	 * when they are all in use; a connection has a quarter at most
	 */
	size_t buffer_bytes;
	/*
	 * nvme_target_destroy and nvme_target_port_remove wait for backends that do not answer no
	 * longer than this, in the system's time, ms; 0: 60000
	 */
	uint32_t backend_timeout_ms;
};

/* opts NULL: defaults. -ENOMEM, -EINVAL. */
int nvme_target_create(const struct nvme_target_opts *opts, struct nvme_target **target);

/*
 * Ends everything in order: listeners first, then commands under way are finished and answered (for
 * at most timeout_ms of device time and backend_timeout_ms of the system's), writes that were
 * acknowledged are flushed, controllers and connections end. Backends are closed. Returns 0, or the
 * first error of a flush: then written data may not be stable. NULL is ignored.
 *
 * -ETIMEDOUT: a backend has not answered within backend_timeout_ms; weft_last_error() names the
 * namespace and the log all of them. Whatever could end and be flushed is, but the target still
 * exists, because such a backend may yet write to its memory: adapters must stay, and the call may
 * be repeated, which goes on waiting. A program that does not want to ends its process.
 */
int nvme_target_destroy(struct nvme_target *target, uint32_t timeout_ms);

/* --- subsystems ------------------------------------------------------------------------------- */

/* Start from all zero. Copied. */
struct nvme_subsys_opts {
	const char *nqn; /* must be given: nqn.yyyy-mm.reverse.domain:text, or a uuid NQN */
	const char *
		serial; /* up to 20 printable characters; NULL: made from the NQN, the same each time */
	const char *model;    /* up to 40; NULL: "Weft" */
	const char *firmware; /* up to 8; NULL: the library's version */
	bool allow_any_host;
	uint16_t cntlid_min;          /* dynamic controller ids lie in here; 0: 1 */
	uint16_t cntlid_max;          /* 0: 0xffef */
	unsigned int max_io_queues;   /* of one controller; 0: 16 */
	unsigned int max_controllers; /* 0: 64 */
	uint32_t max_xfer; /* MDTS: bytes of one command, a power of two 8192..1 MiB; 0: 1 MiB */
	unsigned int max_namespaces; /* highest NSID; 0: 256 */
};

/* -EEXIST: the NQN is taken; -EINVAL: which option, in the text. */
int nvme_target_subsys_add(struct nvme_target *target, const struct nvme_subsys_opts *opts,
			   struct nvme_subsys **subsys);
/* Its controllers end at once, its namespaces and their backends are closed when they are idle. */
void nvme_target_subsys_remove(struct nvme_subsys *subsys);
struct nvme_subsys *nvme_target_subsys_find(struct nvme_target *target, const char *nqn);

/* Hosts that may connect beside allow_any_host. Taking one away ends its controllers. */
int nvme_subsys_allow_host(struct nvme_subsys *subsys, const char *hostnqn);
int nvme_subsys_disallow_host(struct nvme_subsys *subsys, const char *hostnqn);
int nvme_subsys_set_any_host(struct nvme_subsys *subsys, bool allow);

/* Start from all zero. Copied. */
struct nvme_ns_opts {
	uint32_t nsid; /* 0: the lowest free one */
	/* identities; all zero: UUID made from the NQN and the NSID, the same each time; others none */
	uint8_t uuid[16];
	uint8_t nguid[16];
	uint8_t eui64[8];
	bool read_only;
};

/*
 * Adds a namespace; backend belongs to it from success on. Connected hosts get an event (changed
 * namespace list). -EEXIST the NSID or an identity is taken, -ENOSPC, -EINVAL.
 */
int nvme_subsys_ns_add(struct nvme_subsys *subsys, struct nvme_backend *backend,
		       const struct nvme_ns_opts *opts, uint32_t *nsid);
/*
 * Takes it away: new commands end with Invalid Namespace or Format, those under way are finished,
 * then the backend is closed. -ENOENT.
 */
int nvme_subsys_ns_remove(struct nvme_subsys *subsys, uint32_t nsid);
/* Asks the backend for its size again; when it changed, hosts get an event. -ENOENT, -errno. */
int nvme_subsys_ns_refresh(struct nvme_subsys *subsys, uint32_t nsid);

/* --- ports ------------------------------------------------------------------------------------ */

struct nvme_port_opts {
	uint16_t portid;         /* 0: the lowest free one */
	enum nvmf_trtype trtype; /* 0: TCP */
	uint32_t traddr; /* TCP: IPv4 address of the adapter, host order: what discovery tells */
	/* TCP: dev and port must be given; FC: fc.target_port and dev or fc.pump */
	struct nvmf_listen_params listen;
};

/*
 * Listens. Hosts reach the discovery subsystem through every port, others as linked. Errors of
 * nvmf_listen; -EEXIST.
 */
int nvme_target_port_add(struct nvme_target *target, const struct nvme_port_opts *opts,
			 struct nvme_port **port);
/*
 * Controllers that came through it end: those backends have requests of when they are done. On
 * return nothing of the target uses the adapter for this port any more; or -ETIMEDOUT: the port is
 * removed, but a backend has not answered (weft_last_error() names the namespace), and the adapter
 * must stay until it does or nvme_target_destroy has returned 0 or the error of a flush.
 */
int nvme_target_port_remove(struct nvme_port *port);
/* -EEXIST, -ENOENT. Unlinking ends the controllers of the subsystem that came through the port. */
int nvme_port_link(struct nvme_port *port, struct nvme_subsys *subsys);
int nvme_port_unlink(struct nvme_port *port, struct nvme_subsys *subsys);

/* --- running ---------------------------------------------------------------------------------- */

/*
 * Moves everything on: backends, Keep Alive and other timers, and the adapters' completions
 * (nvmf_poll of each adapter once). Returns how many things happened, or -ENODEV when an adapter is
 * gone.
 */
int nvme_target_poll(struct nvme_target *target);
/*
 * Sleeps until nvme_target_poll has something to do, at most timeout_ms (-1: no limit). 1: poll now,
 * 0: time is up, -EINTR, or negative errno. Returns 0 now and then before the time is up, so a
 * program looks at its own reasons to stop at least ten times a second.
 */
int nvme_target_wait(struct nvme_target *target, int timeout_ms);

/* Facts for programs that show them. */
struct nvme_target_stats {
	unsigned int connections; /* all, with those that have not sent Connect yet */
	unsigned int controllers; /* with discovery controllers */
	unsigned int io_queues;
	uint64_t connects_refused;
	uint64_t commands;      /* completed, admin and I/O */
	uint64_t errors;        /* completed with a status other than 0 */
	uint64_t reads, writes; /* I/O commands */
	uint64_t read_bytes, write_bytes;
	uint64_t keep_alive_expired;
	uint64_t connections_lost;  /* ended by an error of the transport */
	unsigned int commands_held; /* received and not answered, AERs included */
	size_t memory_held;         /* bytes of data buffers in use */
};
void nvme_target_stats(struct nvme_target *target, struct nvme_target_stats *stats);

/* One call for each controller: who is connected. Texts are valid during the call. */
struct nvme_target_ctrl_info {
	uint16_t cntlid;
	const char *subnqn;
	const char *hostnqn;
	unsigned int io_queues;
	uint32_t remote_ip;
	uint32_t kato_ms;
	const char *address; /* of the host, for people: IPv4, or nn-0x...:pn-0x... */
};
void nvme_target_for_each_ctrl(struct nvme_target *target,
			       void (*fn)(void *arg, const struct nvme_target_ctrl_info *info),
			       void *arg);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
