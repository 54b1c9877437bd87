# SPDX-License-Identifier: BSD-2-Clause
# Backends of namespaces. The objects themselves are linked, so that the tests can stand in for the system calls below them.
BACKEND_DIR  := build/tests/unit/backend
BACKEND_OBJ  := $(patsubst %.c,build/%.o,$(wildcard host-lib/backend/*.c))
BACKEND_TEST := $(patsubst tests/unit/backend/%_test.c,$(BACKEND_DIR)/%_test,$(wildcard tests/unit/backend/*_test.c))

$(BACKEND_DIR)/%.o: tests/unit/backend/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(wildcard $(BACKEND_DIR)/*.d)
$(BACKEND_TEST): %: %.o $(BACKEND_DIR)/backend_helper.o $(BACKEND_OBJ) build/driver/libweft.a
	$(CC) -o $@ $^ $(DRIVER_LIBS) $(CHECK_LIBS)
TESTS += $(BACKEND_TEST)
