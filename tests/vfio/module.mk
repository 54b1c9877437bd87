# SPDX-License-Identifier: BSD-2-Clause
# Programs that run in the guest of `make test-vfio`: build/tests/vfio/edu, confined.
VFIO_TEST := build/tests/vfio

$(VFIO_TEST)/%.o: tests/vfio/%.c tests/vfio/check.h $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itests/vfio -MMD -MP -c -o $@ $<
-include $(wildcard $(VFIO_TEST)/*.d)
$(VFIO_TEST)/edu $(VFIO_TEST)/confined: %: %.o $(VFIO_TEST)/check.o build/driver/libweft.a
	$(CC) -o $@ $^ $(DRIVER_LIBS)

.PHONY: test-vfio
test-vfio: all $(VFIO_TEST)/edu $(VFIO_TEST)/confined
	tests/vfio/run.py $(CASES)
TESTS += tests/vfio/test_parts.py
