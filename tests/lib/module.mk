# SPDX-License-Identifier: BSD-2-Clause
# CHECK_FEW, CHECK_FEW_O: for programs that assert in loops, see mark.c.
CHECK_FEW_O := build/tests/lib/mark.o
CHECK_FEW   := -Wl,--wrap=_mark_point
$(CHECK_FEW_O): tests/lib/mark.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

# The test runner, tested by itself.
TESTS += tests/lib/test_run_tests.py
