# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/config_fuzz: libFuzzer, ASan and UBSan over weft target's configuration, from the documentation's example and one with every key on.
CONFIG_FUZZ_SRC := $(addprefix tools/target_,config.c fields.c values.c scan.c) tests/fuzz/config_fuzz.c

build/fuzz/config_fuzz: $(CONFIG_FUZZ_SRC) tools/target_config.h tools/target_fields.h
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) -Itools -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $(CONFIG_FUZZ_SRC) -ljson-c
build/fuzz/config_fuzz.seeds: docs/target.json tests/fuzz/config_seed.json
	@mkdir -p $@
	{ printf 1; cat docs/target.json; } >$@/example
	{ printf 1; cat tests/fuzz/config_seed.json; } >$@/every-key
	@touch $@
build/tests/config_fuzz: build/fuzz/config_fuzz.seeds
$(eval $(call fuzz_test,config_fuzz,400000,build/fuzz/config_fuzz.seeds))
