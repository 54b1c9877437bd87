# SPDX-License-Identifier: BSD-2-Clause
# build/driver/libweft.a, libweft.so: the driver (and in the .so the host library too). Only functions declared in public headers
# are visible outside: objects are compiled with hidden visibility, joined into one, and its hidden symbols made local.
DRIVER_SRC := $(wildcard driver/*.c driver/bus/*.c)
DRIVER_OBJ := $(DRIVER_SRC:%.c=build/%.o)
DRIVER_INC := -Idriver/include -Ibuild/abi
DRIVER_LIBS := -ljson-c -lpthread

$(DRIVER_OBJ): build/%.o: %.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -D_GNU_SOURCE -fPIC -fvisibility=hidden $(DRIVER_INC) -MMD -MP -c $< -o $@
-include $(DRIVER_OBJ:.o=.d)

build/driver/libweft.o: $(DRIVER_OBJ)
	ld -r -o $@ $^
	objcopy --localize-hidden $@
build/driver/libweft.a: build/driver/libweft.o
	rm -f $@
	ar rcs $@ $<
build/driver/libweft.so: build/driver/libweft.o build/host-lib/libnvmf.o driver/libweft.map
	$(CC) -shared -Wl,-soname,libweft.so.0 -Wl,--version-script=driver/libweft.map -o $@ $(filter %.o,$^) $(DRIVER_LIBS)

.PHONY: driver
driver: build/driver/libweft.a build/driver/libweft.so

include driver/pci/module.mk

# Unit tests: the fake adapter stands for the device.
FAKE_SRC := $(wildcard tests/unit/driver/fake_*.c)
FAKE_OBJ := $(FAKE_SRC:%.c=build/%.o)
DRIVER_TEST_SRC := $(wildcard tests/unit/driver/test_*.c)
DRIVER_TEST := $(DRIVER_TEST_SRC:%.c=build/%)
CHECK_LIBS := -lcheck -lsubunit -lm -lrt -lpthread

$(FAKE_OBJ) $(DRIVER_TEST:%=%.o): build/%.o: %.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -D_GNU_SOURCE $(DRIVER_INC) -Ihost-lib/include -MMD -MP -c $< -o $@
-include $(FAKE_OBJ:.o=.d) $(DRIVER_TEST:%=%.d)
$(DRIVER_TEST): %: %.o $(FAKE_OBJ) build/driver/libweft.a
	$(CC) -o $@ $< $(FAKE_OBJ) build/driver/libweft.a $(DRIVER_LIBS) $(CHECK_LIBS)
TESTS += $(DRIVER_TEST)

# Each public header alone, as C and as C++; the test is that this builds (and fails by name when it does not).
PUBLIC_H := $(wildcard driver/include/weft/*.h host-lib/include/*/*.h)
build/tests/unit/driver/headers: tests/unit/driver/headers.sh $(PUBLIC_H) build/abi/weft_host.h
	@mkdir -p $(@D)
	cp $< $@
	chmod +x $@
TESTS += build/tests/unit/driver/headers

include driver/image/module.mk
