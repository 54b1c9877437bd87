# SPDX-License-Identifier: BSD-2-Clause
# weft xclbin: a part of build/weft. libxrt is looked for at run time.
XRT_SRC := $(wildcard tools/xrt/*.c) tools/xrt_flash.c
XRT_OBJ := $(XRT_SRC:%.c=build/%.o)

$(filter build/tools/xrt/%,$(XRT_OBJ)): build/%.o: %.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TOOL_INC) -Itools -MMD -MP -c $< -o $@
-include $(XRT_OBJ:.o=.d)

TOOL_OBJ += $(filter build/tools/xrt/%,$(XRT_OBJ))
build/weft: $(filter build/tools/xrt/%,$(XRT_OBJ))
