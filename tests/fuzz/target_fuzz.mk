# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/target_fuzz: libFuzzer, ASan and UBSan over the target.
TGTF_SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
TGTF_SRC := $(wildcard host-lib/target/*.c tests/unit/target/fake_*.c) tests/fuzz/target_fuzz.c
TGTF_OBJ := $(TGTF_SRC:%.c=build/fuzz/target/%.o)

build/fuzz/target/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) $(TGTF_SAN) -Itests/unit/target -MMD -MP -c $< -o $@
build/fuzz/target_fuzz: $(TGTF_OBJ)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $^ -lnettle -o $@
$(eval $(call fuzz_test,target_fuzz,8000))
-include $(TGTF_OBJ:.o=.d)
