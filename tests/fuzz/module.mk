# SPDX-License-Identifier: BSD-2-Clause
# Fuzzers, one .mk file each.
include $(filter-out tests/fuzz/module.mk,$(wildcard tests/fuzz/*.mk))
