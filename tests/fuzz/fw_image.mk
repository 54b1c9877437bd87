# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/fw_image_fuzz: libFuzzer, ASan and UBSan over what the boot ROM reads from the flash: images and the record log.
FW_IMAGE_FUZZ_SRC := firmware/flash/image.c firmware/flash/nor.c firmware/flash/record.c firmware/boot/rom/boot.c
FW_IMAGE_FUZZ_SIM := sim/model/flash.c sim/model/flash_array.c
FW_IMAGE_FUZZ_OBJ := $(FW_IMAGE_FUZZ_SRC:firmware/%.c=build/fuzz/fw/%.o) $(FW_IMAGE_FUZZ_SIM:sim/%.c=build/fuzz/fw/sim/%.o) build/fuzz/fw/fw_image_fuzz.o

build/fuzz/fw/sim/%.o: sim/%.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) $(FUZZ_SAN) -MMD -c $< -o $@
build/fuzz/fw/fw_image_fuzz.o: tests/fuzz/fw_image_fuzz.c $(ABI_C)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FUZZ_SAN) -Isim -MMD -c $< -o $@
build/fuzz/fw_image_fuzz: $(FW_IMAGE_FUZZ_OBJ)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $^ -o $@
build/fuzz/fw_image_fuzz.seeds: tests/fuzz/fw_image_seeds.py
	$(PYTHON) $< $@
	@touch $@
build/tests/fw_image_fuzz: build/fuzz/fw_image_fuzz.seeds
$(eval $(call fuzz_test,fw_image_fuzz,8000,build/fuzz/fw_image_fuzz.seeds))
-include $(FW_IMAGE_FUZZ_OBJ:.o=.d)
