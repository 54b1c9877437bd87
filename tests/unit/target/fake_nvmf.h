/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands for the transport (controller half of nvmf/nvmf_transport.h) and for what the target uses of
 * the driver. The other end is a scripted host: a test opens connections and sends command capsules,
 * which go straight to the target's callbacks; answers are kept for the test to look at.
 *
 * Everything that the contract leaves to a later poll happens in a later nvmf_poll: data from the
 * host, the return of buffers. In-capsule data stand in memory of their exact size that is gone when
 * the response is sent. Misuse (a second answer, an answer while data are on the way, a leak) aborts.
 */
#ifndef FAKE_NVMF_H
#define FAKE_NVMF_H

#include <nvme/spec.h>
#include <nvmf/nvmf_transport.h>

struct fake_conn;

struct weft_dev *fake_dev_new(void);
/* Aborts when memory, listeners or connections are left. */
void fake_dev_free(struct weft_dev *dev);
void fake_advance(struct weft_dev *dev, uint64_t ms);
/* From now on polls return -ENODEV; connections end. */
void fake_dev_kill(struct weft_dev *dev);
/* Buffers that were sent come back only after this is false again. */
void fake_hold_buffers(struct weft_dev *dev, bool hold);
/* Bytes of weft_mem_alloc. */
size_t fake_mem(const struct weft_dev *dev);

/* A command, and its answer. */
struct fake_cmd {
	struct fake_cmd *next;
	struct fake_conn *conn;
	struct nvmf_capsule *nc; /* while the target may have it */
	struct nvme_sqe sqe;
	struct nvme_cqe cqe;
	bool sent, responded; /* responded: by capsule or by SUCCESS flag */
	bool by_success;
	uint8_t *out; /* data to the controller */
	size_t out_len;
	uint8_t *in; /* data from the controller */
	size_t in_len, got;
	unsigned int r2ts;
};

/* A host connects. NULL: nobody listens there, or the target took no queue pair. */
struct fake_conn *fake_connect(struct weft_dev *dev, uint16_t port, uint32_t ip);
/* The host's end of a connection and all commands of it; closes it first. */
void fake_conn_free(struct fake_conn *c);
/* The connection ends from the host's side: error 0 FIN, else negative errno. */
void fake_close(struct fake_conn *c, int error);
/* The target freed the queue pair. */
bool fake_closed(const struct fake_conn *c);
/* The host does not send data that it is asked for. */
void fake_hold_data(struct fake_conn *c, bool hold);
/* The next data that the target fetches, in capsule or not, ends with error. */
void fake_fail_data(struct fake_conn *c, int error);
bool fake_flow_control(const struct fake_conn *c);

/* How the data of a command travel. */
enum fake_data {
	FAKE_NONE,    /* no data, descriptor 5Ah of length 0 */
	FAKE_ICD,     /* out, in the capsule */
	FAKE_R2T,     /* out, fetched */
	FAKE_IN,      /* in */
	FAKE_BAD_ICD, /* out, in the capsule, with a wrong digest */
};

/*
 * Sends a command. data: copied. The SGL is made here, unless sqe->sgl1[15] is set. The command
 * belongs to the connection.
 */
struct fake_cmd *fake_send(struct fake_conn *c, const struct nvme_sqe *sqe, enum fake_data kind,
			   const void *data, size_t len);
/* Forgets an answered command. */
void fake_forget(struct fake_cmd *cmd);

#endif
