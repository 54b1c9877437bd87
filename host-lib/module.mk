# SPDX-License-Identifier: BSD-2-Clause
# build/host-lib/libnvmf.a: NVMe-oF transport, host, target and its backends over the driver; link it before libweft.a. Same visibility
# rules as there.
# driver/fc is here because it calls the FC-NVMe transport; it uses only public functions of the driver.
HOSTLIB_SRC := $(wildcard host-lib/nvmf/*.c host-lib/fc/*.c host-lib/fcloop/*.c host-lib/host/*.c host-lib/target/*.c host-lib/backend/*.c driver/fc/*.c)
# What these need: every program that links libnvmf.a takes DRIVER_LIBS.
DRIVER_LIBS += -luring -lnettle
HOSTLIB_OBJ := $(HOSTLIB_SRC:%.c=build/%.o)
HOSTLIB_INC := -Ihost-lib/include -Idriver/include -Ibuild/abi

$(HOSTLIB_OBJ): build/%.o: %.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -D_GNU_SOURCE -fPIC -fvisibility=hidden $(HOSTLIB_INC) -MMD -MP -c $< -o $@
-include $(HOSTLIB_OBJ:.o=.d)

build/host-lib/libnvmf.o: $(HOSTLIB_OBJ)
	ld -r -o $@ $^
	objcopy --localize-hidden $@
build/host-lib/libnvmf.a: build/host-lib/libnvmf.o
	rm -f $@
	ar rcs $@ $<

.PHONY: host-lib
host-lib: build/host-lib/libnvmf.a

# Unit tests, over the driver's fake adapter.
HOSTLIB_TEST_SRC := $(wildcard tests/unit/hostlib/test_*.c)
HOSTLIB_TEST := $(HOSTLIB_TEST_SRC:%.c=build/%)

$(HOSTLIB_TEST:%=%.o): build/%.o: %.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -D_GNU_SOURCE $(HOSTLIB_INC) -Itests/unit/driver -MMD -MP -c $< -o $@
-include $(HOSTLIB_TEST:%=%.d)
$(HOSTLIB_TEST): %: %.o $(FAKE_OBJ) build/host-lib/libnvmf.a build/driver/libweft.a
	$(CC) -o $@ $< $(FAKE_OBJ) build/host-lib/libnvmf.a build/driver/libweft.a $(DRIVER_LIBS) $(CHECK_LIBS) $(HOSTLIB_LINK)
# Allocations go by way of the test.
build/tests/unit/hostlib/test_nomem: HOSTLIB_LINK = -Wl,--wrap=malloc,--wrap=calloc
TESTS += $(HOSTLIB_TEST)
# Runs the command itself.
build/tests/unit/hostlib/test_tool: | build/weft
