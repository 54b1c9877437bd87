# SPDX-License-Identifier: BSD-2-Clause
# Tests of the tools behind `make interop`; none of these boots a guest.
TESTS += tests/interop/test_parts.py tests/interop/test_capture.py

.PHONY: interop-selftest

# Boots the Linux target and proves the guest without Weft, in about 20 s.
interop-selftest:
	tests/interop/selftest.py
