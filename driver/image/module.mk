# SPDX-License-Identifier: BSD-2-Clause
# build/driver/libweft_image.a: firmware images on the host. A library of its own, so that programs that only do I/O need neither
# libsodium nor libelf. Only what weft/image.h declares is visible outside.
IMAGE_SRC := $(wildcard driver/image/*.c)
IMAGE_OBJ := $(IMAGE_SRC:%.c=build/%.o)
IMAGE_LIB := build/driver/libweft_image.a
IMAGE_LIBS := -lsodium -lelf

$(IMAGE_OBJ): build/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -D_GNU_SOURCE -fPIC -fvisibility=hidden -Idriver/include -MMD -MP -c $< -o $@
-include $(IMAGE_OBJ:.o=.d)

build/driver/libweft_image.o: $(IMAGE_OBJ)
	ld -r -o $@ $^
	objcopy --localize-hidden $@
$(IMAGE_LIB): build/driver/libweft_image.o
	rm -f $@
	ar rcs $@ $<
ALL += $(IMAGE_LIB)
INSTALL += $(IMAGE_LIB):lib:644
