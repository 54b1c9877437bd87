# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/vfio_user_fuzz: libFuzzer, ASan and UBSan over the messages of the vfio-user server.
VFU_FUZZ_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE -Ibuild/abi -fsanitize=fuzzer,address,undefined \
  -fno-sanitize-recover=undefined
VFU_FUZZ_SRC := $(addprefix sim/server/,client.c device.c dma.c pci.c)
build/fuzz/vfio_user_fuzz: tests/fuzz/vfio_user_fuzz.c $(VFU_FUZZ_SRC) $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(VFU_FUZZ_CFLAGS) -c -o $@.o $<
	$(FUZZ_CC) $(VFU_FUZZ_CFLAGS) -Dsendmsg=fuzz_sendmsg -o $@ $@.o $(VFU_FUZZ_SRC) -ljson-c
$(eval $(call fuzz_test,vfio_user_fuzz,400000,-max_len=4096))
