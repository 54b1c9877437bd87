/* SPDX-License-Identifier: BSD-2-Clause */
/* Between nvme_helper.c and peer.c. */
#ifndef PEER_H
#define PEER_H

#include "nvme_helper.h"

void peer_reset(void);
bool peer_work(void); /* takes the frames that left; true: there were some */

#endif
