# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/target_fuzz: libFuzzer, ASan and UBSan over the target; build/tests/target_fuzz runs it for FUZZ_SECONDS (60).
TGTF_SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
TGTF_SRC := $(wildcard host-lib/target/*.c tests/unit/target/fake_*.c) tests/fuzz/target_fuzz.c
TGTF_OBJ := $(TGTF_SRC:%.c=build/fuzz/target/%.o)

build/fuzz/target/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) $(TGTF_SAN) -Itests/unit/target -MMD -MP -c $< -o $@
build/fuzz/target_fuzz: $(TGTF_OBJ)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $^ -lnettle -o $@
build/tests/target_fuzz: build/fuzz/target_fuzz tests/fuzz/run-fuzz
	@mkdir -p $(@D)
	printf '#!/bin/sh\nexec tests/fuzz/run-fuzz build/fuzz/target_fuzz\n' >$@
	chmod +x $@
-include $(TGTF_OBJ:.o=.d)
TESTS += build/tests/target_fuzz
