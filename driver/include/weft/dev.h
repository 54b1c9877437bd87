/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An adapter handle: open, close, reset, poll, wait; port settings, counters, firmware log.
 *
 * Errors: every function that returns int returns 0 (or a count, where stated) or a negative errno.
 * Common to all:
 * -ENODEV  the device is gone (its registers read as all ones, or its server left); only
 * weft_dev_close helps;
 * -EIO     the device answered with nonsense, or its firmware is dead;
 * -EINVAL  an argument is out of its range; -ENOMEM no memory.
 * weft_last_error() gives a sentence for the last failure on the calling thread.
 *
 * Threads: a handle belongs to one thread at a time. Exceptions: the functions of weft/mem.h may be
 * called from any thread, and a queue pair created with WEFT_QP_THREAD is polled and submitted to
 * by a thread of its own.
 *
 * Callbacks run on the thread that polls, from inside weft_dev_poll, weft_qp_poll or a synchronous
 * call that polls while it waits (those say so). Submitting, polling and deleting from callbacks is
 * allowed.
 */
#ifndef WEFT_DEV_H
#define WEFT_DEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/bus.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct weft_dev;

/*
 * Text about the last failed call of this thread, for people; never NULL. Valid until the next call
 * into the library.
 */
const char *weft_last_error(void);
/* For layers above: notes the sentence (printf format, cut at 255 characters) and returns err. */
int weft_set_error(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An asynchronous event. code: WEFT_EV_* of the host interface; dw1, dw2: its arguments. */
struct weft_event {
	uint16_t qp; /* queue pair it concerns, 0: the adapter itself */
	uint32_t code;
	uint32_t dw1;
	uint32_t dw2;
};

typedef void weft_event_fn(void *arg, const struct weft_event *event);

/* Parameters of weft_dev_open; all zero is a good start. */
struct weft_dev_params {
	uint32_t timeout_ms;   /* limit of every synchronous call, in device time; 0: 30000 */
	uint32_t advance_ns;   /* device time one empty poll gives to a simulated device; 0: 1000 */
	uint8_t admin_sq_log2; /* admin ring: 1 << n entries, 2..6; 0: 6 */
	weft_event_fn *event_cb; /* events of the adapter itself (queue pair 0), or NULL */
	void *event_arg;
	/*
	 * Runs in each turn of the loops in which synchronous calls wait, so that a program can serve
	 * another adapter from the same thread meanwhile (two adapters that talk to each other), or
	 * NULL. Must not wait for this handle itself.
	 */
	void (*idle_cb)(void *arg);
	void *idle_arg;
};

/*
 * Starts the device behind bus: checks that it is a Weft adapter of our interface version, waits
 * for its firmware, sets up the admin queue pair on vector 0. A device that an earlier owner left
 * running is reset first. bus: belongs to the handle from success on (weft_dev_close closes it);
 * after a failure it is still the caller's. params: NULL for the defaults; copied.
 * -EPROTO: no Weft adapter; -EPROTONOSUPPORT: other major version of the interface; -EIO: firmware
 * dead (the text has its cause); -ETIMEDOUT: firmware not ready in time. Nothing stays mapped or
 * open after a failure.
 */
int weft_dev_open(struct weft_bus *bus, const struct weft_dev_params *params,
		  struct weft_dev **dev);

/*
 * Ends the handle: stops the admin pair, resets the device if queue pairs are still there (they are
 * freed; commands still in flight end without callback), takes back every mapping and closes the
 * bus. All pointers got from the handle become invalid. NULL is ignored. Not from inside a
 * callback.
 */
void weft_dev_close(struct weft_dev *dev);

/*
 * Function-level reset, then a new start. Every queue pair becomes dead: its commands end with
 * -ECANCELED at its next poll, it takes no further ones, and only weft_qp_delete is of use. DMA
 * memory and registrations stay. Errors as weft_dev_open. Also the way back from -ENODEV when the
 * adapter has only reset itself or its firmware died (the polls notice it, weft_last_error() tells).
 */
int weft_dev_reset(struct weft_dev *dev);

/* Facts about the adapter. */
struct weft_dev_info {
	const char *bus;    /* name of the bus implementation */
	uint16_t abi_major; /* interface version */
	uint16_t abi_minor;
	uint32_t fw_version; /* major << 16 | minor << 8 | patch */
	uint16_t n_qp;       /* queue pairs, the admin one included */
	uint16_t n_slots;    /* commands in flight, all queue pairs together */
	uint16_t n_vectors;  /* interrupts the device has and the bus can deliver */
	uint16_t n_conn;     /* connections */
	bool link_up;        /* Ethernet link, at the time of the call */
};

int weft_dev_info(struct weft_dev *dev, struct weft_dev_info *info);

/*
 * Device time in ns where the bus has one (simulation), else CLOCK_MONOTONIC. Only differences mean
 * something.
 */
uint64_t weft_dev_now(struct weft_dev *dev);

/*
 * Takes what completed: admin commands, events, and every queue pair without a thread of its own.
 * Gives a simulated device time to work when there is nothing. Never sleeps. Returns the number of
 * completions, 0, or -ENODEV (all commands in flight have then been ended with that error).
 */
int weft_dev_poll(struct weft_dev *dev);

/*
 * When a poller (see below) is to run again: device time, UINT64_MAX when there is no need. A program
 * that sleeps by itself, on weft_dev_fd, wakes up then.
 */
uint64_t weft_dev_next(struct weft_dev *dev);

/*
 * Sleeps until there may be something to poll, or timeout_ms of device time passed (-1: no limit).
 * Arms the interrupts itself. Returns 1 (poll now), 0 (time is up), or a negative errno. A
 * simulated device works meanwhile. Runs no callbacks.
 */
int weft_dev_wait(struct weft_dev *dev, int timeout_ms);

/*
 * Polls and sleeps until done(arg) is true, as synchronous calls do: callbacks run, idle_cb too. 0;
 * -ETIMEDOUT after timeout_ms of device time (0: the handle's); or the errors of weft_dev_poll.
 */
int weft_dev_run(struct weft_dev *dev, bool (*done)(void *arg), void *arg, uint32_t timeout_ms);

/*
 * For layers that live in the handle's polls: fn runs at the end of each weft_dev_poll, with the
 * device's time, and returns the time from which on it wants to run again, UINT64_MAX for only after
 * something else happened. weft_dev_wait does not sleep beyond that. Never from inside itself.
 */
typedef uint64_t weft_poller_fn(void *arg, uint64_t now);
/* -ENOSPC: four are there. */
int weft_dev_add_poller(struct weft_dev *dev, weft_poller_fn *fn, void *arg);
void weft_dev_remove_poller(struct weft_dev *dev, weft_poller_fn *fn, const void *arg);

/*
 * For programs with an event loop of their own: an fd that becomes readable when an armed queue
 * pair has completions, or the device reports an error. Belongs to the handle. Use: weft_dev_arm,
 * wait for the fd, weft_dev_poll until it returns 0, again.
 */
int weft_dev_fd(struct weft_dev *dev);

/*
 * Asks for an interrupt for each queue pair without a thread of its own, also when completions are
 * there already.
 */
int weft_dev_arm(struct weft_dev *dev);

/*
 * One 32-bit register of BAR 0; off in bytes, a multiple of 4 below WEFT_BAR_SIZE. For diagnosis.
 */
int weft_dev_read32(struct weft_dev *dev, uint32_t off, uint32_t *val);
int weft_dev_write32(struct weft_dev *dev, uint32_t off, uint32_t val);

/* Counter number n (WEFT_CNT_*, 0..63): free running, 32 bits. */
int weft_dev_counter(struct weft_dev *dev, unsigned int n, uint32_t *val);
/* Its name in lower case, or NULL when there is no such counter. */
const char *weft_counter_name(unsigned int n);

/*
 * Firmware log: copies text written since *pos (start with 0) into buf (len bytes, at least 8) and
 * moves *pos. Text that was overwritten meanwhile is skipped. Returns the bytes copied, without the
 * NUL that ends them; 0 when there is nothing new.
 */
int weft_dev_log(struct weft_dev *dev, uint32_t *pos, char *buf, size_t len);

/* Ethernet port. Addresses in host order (10.0.0.1 = 0x0a000001). */
struct weft_port {
	uint32_t ip;
	uint32_t mask;    /* netmask; not told by weft_port_get */
	uint32_t gateway; /* 0: none; not told by weft_port_get */
	uint16_t mtu;     /* bytes, 576..9000 */
	uint8_t mac[6];   /* all zero in weft_port_set: keep the present one */
};

/* Synchronous; they poll the admin pair while they wait. -ETIMEDOUT after the handle's timeout. */
int weft_port_set(struct weft_dev *dev, const struct weft_port *port);
int weft_port_get(struct weft_dev *dev, struct weft_port *port);

/* Round trip through the firmware: fails with -EIO unless echo comes back. */
int weft_nop(struct weft_dev *dev, uint32_t echo);

/* Result of an admin command. */
struct weft_admin_result {
	int error;      /* 0 or negative errno */
	uint32_t dw[3]; /* as the opcode defines; where it says nothing, not valid with an error */
};

typedef void weft_admin_fn(void *arg, const struct weft_admin_result *result);

/*
 * Any admin opcode (WEFT_OP_*), asynchronous. args: the opcode's struct weft_arg_*, len bytes, at
 * most 112; copied. cb runs once, from a poll, unless the handle is closed first. -EAGAIN: the
 * admin ring is full.
 */
int weft_admin_submit(struct weft_dev *dev, uint8_t opcode, const void *args, size_t len,
		      weft_admin_fn *cb, void *arg);

/* Admin commands of this callback and argument end without telling anybody. */
void weft_admin_forget(struct weft_dev *dev, weft_admin_fn *cb, const void *arg);

/*
 * The same, synchronous: polls and sleeps until the command ends; other callbacks run meanwhile.
 * timeout_ms 0: the handle's. Returns the command's error; -ETIMEDOUT: it may still take effect
 * later. result: filled in when the command ended, also with an error; may be NULL.
 */
int weft_admin(struct weft_dev *dev, uint8_t opcode, const void *args, size_t len,
	       uint32_t timeout_ms, struct weft_admin_result *result);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
