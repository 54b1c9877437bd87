/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The adapter's Fibre Channel port for FC-NVMe: a low-level driver (nvme/fc_driver.h) in both roles.
 * It is part of the library that has the FC-NVMe transport, and uses the adapter through the public
 * functions of this one: link libnvmf.a before libweft.a.
 *
 * The constants named here are those of weft_host.h.
 *
 * Everything moves in the polls of the device's handle (weft_dev_poll), with the device's time
 * (weft_dev_now); all belongs to the thread of that. A program that calls the transport from outside
 * of a callback polls once before it waits. Not after weft_dev_reset, nor when the device is gone:
 * then the remote ports are lost, and closing is what is left.
 */
#ifndef WEFT_FC_H
#define WEFT_FC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/dev.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct weft_fc;
struct nvme_fc_local_port;
struct nvmet_fc_target_port;

/* State of the port. */
struct weft_fc_info {
	uint8_t state;       /* WEFT_FCS_*: up when it has a port id */
	uint8_t topology;    /* WEFT_FCT_* */
	uint32_t port_id;    /* N_Port_ID, 0: none */
	unsigned int rports; /* remote ports that are logged in to, with NVMe */
};

/* Zero: the default in brackets. */
struct weft_fc_params {
	uint64_t wwnn;
	uint64_t wwpn;
	uint8_t mode;   /* WEFT_FCM_NATIVE or WEFT_FCM_VN2VN */
	uint8_t roles;  /* WEFT_FCR_* bits: INITIATOR, TARGET (with DISCOVERY), or both */
	uint8_t mac[6]; /* VN2VN: ENode MAC; all zero: that of the Ethernet port */
	/* target: commands of all hosts in hand, a power of two from 4 to 1024 [256] */
	uint16_t target_entries;
	uint16_t max_queues;   /* host: queues of an association, admin included, up to 120 [65] */
	uint16_t max_data;     /* receive data field offered, bytes [2112] */
	uint16_t vector;       /* interrupt of all its queue pairs */
	uint32_t first_burst;  /* bytes of first burst offered [none] */
	uint32_t e_d_tov_ms;   /* [2000] */
	uint32_t r_a_tov_ms;   /* [10000] */
	uint32_t port_id;      /* VN2VN: N_Port_ID tried first [from the WWPN] */
	uint32_t dev_loss_tmo; /* seconds a lost remote port is waited for [60] */
	/* state, topology or port id changed, or a remote port came or went; from a poll; or NULL */
	void (*state_cb)(void *arg, struct weft_fc *fc, const struct weft_fc_info *info);
	void *arg;
};

/*
 * Starts the port and, in the target role, registers the target port. The local port is registered
 * when the port is up for the first time, and stays; remote ports as they log in. Synchronous, but
 * does not wait for the link. -EINVAL; -EEXIST: the adapter's port is in use; -ENOSPC: no queue pair
 * or command slots; or what the adapter says.
 */
int weft_fc_open(struct weft_dev *dev, const struct weft_fc_params *params, struct weft_fc **fc);
/*
 * Ends it: the remote ports are lost for good, the ports are unregistered, which their users hear
 * of, and polled until they are deleted, then the port is stopped. Synchronous. What is still in use
 * after the device's timeout stays with the transports (a user that does not let go): the handle's
 * memory is then not freed. NULL is ignored. Not from inside a callback.
 */
void weft_fc_close(struct weft_fc *fc);

/* The ports for the transport's users; NULL when they are not there (yet). */
struct nvme_fc_local_port *weft_fc_localport(struct weft_fc *fc);
struct nvmet_fc_target_port *weft_fc_targetport(struct weft_fc *fc);

/* As the adapter told last. */
int weft_fc_info(struct weft_fc *fc, struct weft_fc_info *info);

/* A remote port that is logged in to. */
struct weft_fc_rport_info {
	uint64_t wwnn;
	uint64_t wwpn;
	uint32_t port_id;
	uint8_t roles; /* WEFT_FCR_* */
};
/* index: 0..WEFT_N_RPORT-1. -ENOENT: none there, or its names are not known yet. */
int weft_fc_rport(struct weft_fc *fc, unsigned int index, struct weft_fc_rport_info *info);
/* Logs out of it (LOGO). Synchronous. -ENOENT. */
int weft_fc_logout(struct weft_fc *fc, unsigned int index);
/*
 * Counters: page 1 exchanges, aborts sent, aborts received; 2 sequences in error, logins, link
 * failures. Synchronous.
 */
int weft_fc_stats(struct weft_fc *fc, uint16_t page, uint32_t val[3]);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
