# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/image_fuzz: libFuzzer, ASan and UBSan over the image library.
IMAGE_FUZZ_SRC := $(IMAGE_SRC) driver/error.c tests/unit/image/helper.c tests/fuzz/image_fuzz.c

build/fuzz/image_fuzz: $(IMAGE_FUZZ_SRC) driver/image/image.h driver/include/weft/image.h tests/unit/image/helper.h tests/fuzz/input.h
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $(IMAGE_FUZZ_SRC) $(IMAGE_LIBS)
$(eval $(call fuzz_test,image_fuzz,40000))
