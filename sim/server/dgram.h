/* SPDX-License-Identifier: BSD-2-Clause */
/* A UNIX datagram socket bound to one name that sends to another: a cable between two processes. */
#ifndef WEFT_SERVER_DGRAM_H
#define WEFT_SERVER_DGRAM_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct dgram {
	int fd; /* -1: none */
	struct sockaddr_un remote;
	char local[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* to be removed; "": none */
};

/*
 * names: "LOCAL:REMOTE". What LOCAL names is replaced. Negative errno, said on stderr as of what
 * ("weft-sim: Ethernet"); d may be closed then.
 */
int dgram_open(struct dgram *d, const char *what, const char *names);
void dgram_close(struct dgram *d);
/* 0; -EAGAIN: no room now (the socket cannot tell when there is); -ENOTCONN: nobody is there. */
int dgram_send(const struct dgram *d, const void *bytes, size_t len);

#endif
