# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/fc_fuzz: libFuzzer, ASan and UBSan over the FC-NVMe transport, both roles.
FCF_SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FCF_SRC := $(wildcard host-lib/fc/*.c host-lib/fcloop/*.c) tests/fuzz/fc/driver.c tests/fuzz/fc/fc_fuzz.c
FCF_OBJ := $(FCF_SRC:%.c=build/fuzz/fc/%.o)

build/fuzz/fc/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) $(FCF_SAN) -MMD -MP -c $< -o $@
build/fuzz/fc_fuzz: $(FCF_OBJ)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $^ -o $@
$(eval $(call fuzz_test,fc_fuzz,40000,-max_len=4096))
-include $(FCF_OBJ:.o=.d)
