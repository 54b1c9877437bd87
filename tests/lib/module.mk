# SPDX-License-Identifier: BSD-2-Clause
# The test runner, tested by itself.
TESTS += tests/lib/test_run_tests.py
