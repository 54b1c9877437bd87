# SPDX-License-Identifier: BSD-2-Clause
# Fuzzers, one .mk file each, here or in a folder of its own. build/tests/NAME is a test of a fixed number of inputs; `make fuzz` looks further.
FUZZERS :=

# $(call fuzz_test,NAME,RUNS,OPTIONS): runs build/fuzz/NAME; RUNS such that it takes less than a minute.
define fuzz_test
FUZZERS += $(1)
TESTS += build/tests/$(1)
build/tests/$(1): build/fuzz/$(1) tests/fuzz/run-fuzz tests/fuzz/module.mk
	@mkdir -p $$(@D)
	printf '#!/bin/sh\nexec tests/fuzz/run-fuzz build/fuzz/$(1) $(2) $(3)\n' >$$@
	chmod +x $$@
endef

include $(filter-out tests/fuzz/module.mk,$(wildcard tests/fuzz/*.mk tests/fuzz/*/*.mk))

.PHONY: fuzz
fuzz: $(FUZZERS:%=build/tests/%)
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} tests/lib/run-tests --jobs 2 --timeout 86400 $^
