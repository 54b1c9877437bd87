# SPDX-License-Identifier: BSD-2-Clause
# build/weft: the command.
TOOL_SRC := $(wildcard tools/*.c tools/image/*.c)
TOOL_OBJ := $(TOOL_SRC:%.c=build/%.o)
TOOL_INC := -Ihost-lib/include -Idriver/include -Ibuild/abi
TOOL_LIBS := build/host-lib/libnvmf.a $(IMAGE_LIB) build/driver/libweft.a
TOOL_LDLIBS := $(DRIVER_LIBS) $(IMAGE_LIBS)

$(TOOL_OBJ): build/%.o: %.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -D_GNU_SOURCE $(TOOL_INC) -MMD -MP -c $< -o $@
-include $(TOOL_OBJ:.o=.d)

build/weft: $(TOOL_OBJ) $(TOOL_LIBS)
	$(CC) -o $@ $(TOOL_OBJ) $(TOOL_LIBS) $(TOOL_LDLIBS)

.PHONY: tools
tools: build/weft
ALL += build/weft build/driver/libweft.so
INSTALL += build/weft:bin:755 tools/fc_nvme.lua:share/weft:644

include tools/xrt/xrt.mk
