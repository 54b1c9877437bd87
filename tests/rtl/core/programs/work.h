/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * work.h - a mixed integer workload: linked lists, small matrices, a state machine that scans text, and
 * checksums over all of it. The same source runs on the core and on the host, and must give one result.
 */
#ifndef WEFT_TEST_WORK_H
#define WEFT_TEST_WORK_H

#include <stdint.h>

uint32_t work(uint32_t seed, uint32_t rounds);

#endif
