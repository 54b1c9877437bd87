/* SPDX-License-Identifier: BSD-2-Clause */
/* weft target's command line as a configuration. */
#ifndef TOOLS_TARGET_LINE_H
#define TOOLS_TARGET_LINE_H

#include "target_config.h"
#include "weft.h"

/* 0, or negative errno, said why. */
int target_from_line(const struct config *cfg, struct target_config *config);
/* With --config: that nothing else is said about what is exported. */
int target_only_config(const struct config *cfg);

#endif
