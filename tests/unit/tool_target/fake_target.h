/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for the target library and the backends: writes down what it is asked to do. */
#ifndef FAKE_TARGET_H
#define FAKE_TARGET_H

#include <nvme/target.h>
#include <weft/dev.h>

/* A line for each call that changes something, since the last fake_reset. */
extern char fake_log[1 << 16];
/* The next call whose line begins so fails with fake_error; then no other. */
extern const char *fake_fail;
extern int fake_error;
/* So many opens of a file that was taken away end with -EBUSY. */
extern unsigned int fake_busy;
/* Backends that are open. */
extern int fake_open;

void fake_reset(void);
/* What there is, as text: the subsystems of these names, with the hosts of these names, and ports. */
void fake_state(char *to, size_t len, const char *const *nqns, const char *const *hosts);

#endif
