/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vfio-user client for the tests of weft-sim, and the server process it talks to. Messages are built by hand here on
 * purpose: the server's own structures would agree with the server's own mistakes.
 */
#ifndef WEFT_TEST_VFU_CLIENT_H
#define WEFT_TEST_VFU_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER "build/tests/unit/sim/weft-sim"
#define IOVA 0x7f0000000000ull

struct reply {
	uint16_t command;
	uint32_t flags, error;
	size_t len;
	uint8_t data[70000];
};

extern char dir[64];     /* a folder of the test's own */
extern pid_t server;     /* 0: not running */
extern int fd;           /* the client's socket */
extern uint16_t next_id; /* of the last message sent */
extern struct reply r;   /* the last answer */
/* DMA requests of the server are served from this memory while the client waits for an answer. */
extern uint8_t *served;
extern unsigned int served_requests;

void vfu_start(const char *const *more);
void vfu_setup(void);
int vfu_stop(void);
void vfu_teardown(void);
void vfu_dial(void);
void put_le(uint8_t *at, uint64_t v, unsigned int n);
uint64_t get_le(const uint8_t *at, unsigned int n);
void vfu_send_raw(const void *bytes, size_t len, const int *fds, unsigned int n_fds);
void vfu_post(uint16_t command, uint32_t flags, const void *payload, size_t len, const int *fds,
	      unsigned int n);
bool vfu_take(void *buf, size_t len);
bool vfu_receive(uint16_t *id);
uint32_t vfu_ask_fds(uint16_t command, const void *payload, size_t len, const int *fds,
		     unsigned int n);
uint32_t vfu_ask(uint16_t command, const void *payload, size_t len);
void vfu_hello(void);
uint32_t vfu_region_read(uint32_t region, uint64_t off, uint32_t count);
uint32_t vfu_region_write(uint32_t region, uint64_t off, const void *data, uint32_t count);
uint32_t vfu_rd(uint64_t off);
void vfu_wr(uint64_t off, uint32_t val);
void vfu_bus_master(void);
uint32_t vfu_map(uint64_t iova, uint64_t len, uint64_t offset, uint32_t prot, int mem);
uint32_t vfu_unmap(uint64_t iova, uint64_t len);
uint32_t vfu_set_irqs(uint32_t flags, uint32_t index, uint32_t start_at, uint32_t count,
		      const int *fds, unsigned int n);
uint32_t vfu_copy(uint64_t src, uint64_t dst, uint32_t len);
uint8_t *vfu_memory(size_t len, int *mem);

#endif
