/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARP (RFC 826) for IPv4 over Ethernet: a small cache whose entries age, and the answers for our
 * own address.
 */
#ifndef ARP_H
#define ARP_H

#include "hal.h"

void arp_init(void);
void arp_flush(void); /* address changed */

/*
 * 0 and the MAC, or -EAGAIN: asked for; tcp_neighbour follows. -ENOBUFS: cache full of open
 * questions.
 */
int arp_resolve(uint32_t ip, uint8_t mac[6]);
void arp_confirm(uint32_t ip); /* the neighbour seems dead: ask again, keep what is known */
void arp_input(uint16_t cell, uint32_t len);

#endif
