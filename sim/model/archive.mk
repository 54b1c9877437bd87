# SPDX-License-Identifier: BSD-2-Clause
# Run inside Verilator's output folder: one archive of the model and Verilator's runtime.
include Vweft_top.mk

model.a: $(VK_OBJS) $(VK_GLOBAL_OBJS)
	rm -f $@
	$(AR) rcs $@ $^
