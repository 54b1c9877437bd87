# SPDX-License-Identifier: BSD-2-Clause
# Tests of the tools behind `make interop`; none of these boots a guest.
TESTS += tests/interop/test_parts.py tests/interop/test_capture.py tests/interop/test_fcjudge.py

.PHONY: interop-selftest interop-reference

# Boots the Linux target and proves the guest without Weft, in about 20 s.
interop-selftest:
	tests/interop/selftest.py

# The cases of Linux as the host, with Linux's own target in Weft's place: proves the cases.
interop-reference:
	tests/interop/run.py --peer linux $(CASES)
