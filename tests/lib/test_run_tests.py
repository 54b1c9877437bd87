#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of run-tests: each case is a small program with a known end."""
import os
import re
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

RUNNER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'run-tests')
CHECK_OK = "print('Running suite(s): x\\n100%: Checks: 5, Failures: 0, Errors: 0')\n"
CHECK_BAD = "print('60%: Checks: 5, Failures: 1, Errors: 1\\nx.c:3:F: wrong answer')\n"


class RunTests(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.addCleanup(self.tmp.cleanup)

    def program(self, body, name='prog', mode=0o755):
        path = os.path.join(self.tmp.name, name)
        with open(path, 'w') as f:
            f.write('#!%s\nimport os, sys, time, signal\n%s' % (sys.executable,
                                                            textwrap.dedent(body)))
        os.chmod(path, mode)
        return path

    def run_all(self, *args):
        done = subprocess.run([sys.executable, RUNNER, *args], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        return done.returncode, done.stdout.splitlines()

    def expect(self, body, last, code, *args):
        rc, lines = self.run_all(self.program(body), *args)
        self.assertEqual((lines[-1], rc), (last, code), '\n'.join(lines))
        return '\n'.join(lines)

    def test_check_summary_is_counted(self):
        self.expect(CHECK_OK, '5 passed, 0 failed, 0 skipped', 0)

    def test_several_suites_are_summed(self):
        self.expect(CHECK_OK + CHECK_OK, '10 passed, 0 failed, 0 skipped', 0)

    def test_tap_file_is_counted_when_check_is_silent(self):
        self.expect('''
            with open(os.environ['CK_TAP_LOG_FILE_NAME'], 'w') as f:
                f.write('1..3\\nok 1 - a.c:s:one: Passed\\nok 2 - a.c:s:two: Passed\\n'
                        'not ok 3 - a.c:s:three: Assertion failed\\n')
            sys.exit(1)''', '2 passed, 1 failed, 0 skipped', 1)

    def test_unittest_summary_is_counted(self):
        self.expect('''
            sys.stderr.write('Ran 4 tests in 0.001s\\n\\nOK (skipped=1)\\n')
            ''', '3 passed, 0 failed, 1 skipped', 0)

    def test_unittest_failures_are_counted(self):
        self.expect('''
            sys.stderr.write('Ran 6 tests in 0.1s\\n\\nFAILED (failures=1, errors=2)\\n')
            sys.exit(1)''', '3 passed, 3 failed, 0 skipped', 1)

    def test_tap_output_is_counted_with_skips(self):
        self.expect("print('1..3\\nok 1 - a\\nok 2 # SKIP no card\\nok 3')",
                    '2 passed, 0 failed, 1 skipped', 0)

    def test_reported_failure_shows_the_whole_output(self):
        text = self.expect(CHECK_BAD + 'sys.exit(1)', '3 passed, 2 failed, 0 skipped', 1)
        self.assertIn('wrong answer', text)

    def test_reported_failure_counts_even_with_exit_0(self):
        self.expect(CHECK_BAD, '3 passed, 2 failed, 0 skipped', 1)

    def test_output_of_what_passed_is_not_shown(self):
        text = self.expect(CHECK_OK + "print('chatter')", '5 passed, 0 failed, 0 skipped', 0)
        self.assertNotIn('chatter', text)

    def test_exit_code_alone_is_a_failure(self):
        text = self.expect(CHECK_OK + 'sys.exit(3)', '5 passed, 1 failed, 0 skipped', 1)
        self.assertIn('exit 3', text)

    def test_crash_is_a_failure(self):
        text = self.expect(CHECK_OK + 'sys.stdout.flush()\nos.kill(os.getpid(), signal.SIGSEGV)',
                           '5 passed, 1 failed, 0 skipped', 1)
        self.assertIn('SIGSEGV', text)

    def test_zero_checks_is_a_failure(self):
        self.expect("print('100%: Checks: 0, Failures: 0, Errors: 0')",
                    '0 passed, 1 failed, 0 skipped', 1)
        self.expect('pass', '0 passed, 1 failed, 0 skipped', 1)

    def test_timeout_is_a_failure_and_ends_all_children(self):
        mark = os.path.join(self.tmp.name, 'pid')
        start = time.monotonic()
        text = self.expect('''
            child = os.fork()
            if child: open(%r, 'w').write(str(child))
            time.sleep(60)''' % mark, '0 passed, 1 failed, 0 skipped', 1, '--timeout', '1.5')
        self.assertLess(time.monotonic() - start, 30)
        self.assertIn('timed out', text)
        self.assert_gone(int(open(mark).read()))

    def assert_gone(self, pid):
        for _ in range(50):
            try:
                state = open('/proc/%d/stat' % pid).read().rpartition(')')[2].split()[0]
            except FileNotFoundError:
                return
            if state == 'Z':
                return
            time.sleep(0.1)
        self.fail('process %d still runs' % pid)

    def test_limit_of_one_program(self):
        quick, slow = self.program(CHECK_OK, 'quick'), self.program('time.sleep(60)', 'slow')
        rc, lines = self.run_all(quick, slow, '--limit', slow + '=0.5')
        self.assertEqual((rc, lines[-1]), (1, '5 passed, 1 failed, 0 skipped'))

    def test_limit_of_unknown_program_is_refused(self):
        rc, _ = self.run_all(self.program(CHECK_OK), '--limit', 'other=3')
        self.assertEqual(rc, 2)

    def test_skip_has_a_reason_and_never_passes(self):
        text = self.expect(CHECK_OK + "print('no tap device here')\nsys.exit(77)",
                           '0 passed, 0 failed, 1 skipped', 0)
        self.assertIn('no tap device here', text)

    def test_skip_without_reason_is_a_failure(self):
        self.expect('sys.exit(77)', '0 passed, 1 failed, 0 skipped', 1)

    def test_skip_does_not_hide_a_failure(self):
        self.expect(CHECK_BAD + 'sys.exit(77)', '3 passed, 2 failed, 0 skipped', 1)

    def test_missing_or_unrunnable_program_is_a_failure(self):
        rc, lines = self.run_all(os.path.join(self.tmp.name, 'absent'))
        self.assertEqual((rc, lines[-1]), (1, '0 passed, 1 failed, 0 skipped'))
        rc, lines = self.run_all(self.program(CHECK_OK, mode=stat.S_IRUSR))
        self.assertEqual((rc, lines[-1]), (1, '0 passed, 1 failed, 0 skipped'))

    def test_no_program_is_a_failure(self):
        self.assertEqual(self.run_all()[0], 1)

    def test_one_line_each_and_the_sum(self):
        names = [self.program(CHECK_OK, 'p%d' % i) for i in range(3)]
        for jobs in '1', '2':
            rc, lines = self.run_all('--jobs', jobs, *names)
            self.assertEqual((rc, len(lines), lines[-1]), (0, 4, '15 passed, 0 failed, 0 skipped'))
            for name, line in zip(names, lines):
                self.assertRegex(line, r'^ok +%s +5 passed +0 failed +0 skipped +[\d.]+ s$'
                                 % re.escape(name))


if __name__ == '__main__':
    unittest.main()
