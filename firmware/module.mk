# SPDX-License-Identifier: BSD-2-Clause
# The firmware's native side: libraries of its state machines and of the HAL model, for unit tests and fuzzing.
#   FW_NATIVE_LIB   lib/, net/, tcp/ and hal_fake* (with sanitizers), to link tests against
#   FW_NATIVE_FLAGS what a test needs to compile
# The image for the soft core is built by firmware/boot/module.mk.
FW_NATIVE_FLAGS := -DHAL_NATIVE -Ibuild/abi -Ifirmware -Ifirmware/hal
FW_NATIVE_SAN   := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FW_NATIVE_SRC   := $(filter-out firmware/lib/mem.c,$(wildcard firmware/lib/*.c firmware/net/*.c firmware/tcp/*.c firmware/flash/*.c firmware/hal/*.c))
FW_NATIVE_OBJ   := $(FW_NATIVE_SRC:firmware/%.c=build/firmware/native/%.o)
FW_NATIVE_LIB   := build/firmware/libfw-native.a

build/firmware/native/%.o: firmware/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
$(FW_NATIVE_LIB): $(FW_NATIVE_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^
-include $(FW_NATIVE_OBJ:.o=.d)

