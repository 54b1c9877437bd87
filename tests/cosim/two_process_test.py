#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two adapters in two processes, joined by UNIX datagrams: weft target on one exports a file, weft
run does its job through the other. Everything in wall time, as by hand."""
import hashlib
import os
import random
import subprocess
import sys
import unittest

from processes import LIMIT, ROOT, ProcessCase, build

sys.path.insert(0, os.path.join(ROOT, 'tests', 'interop'))
import capture                                                          # pylint: disable=C0413

SIZE = 256 << 10
NQN = 'nqn.2026-11.test.weft:two'


class TwoProcesses(ProcessCase):
    def test_run_against_target(self):
        data = random.Random(2).randbytes(SIZE)
        with open(self.path('written'), 'wb') as f:
            f.write(data)
        a, b = self.path('a.eth'), self.path('b.eth')
        sims = [self.simulator('a', 'dgram:%s:%s' % (a, b)),
                self.simulator('b', 'dgram:%s:%s' % (b, a))]
        for name in 'a', 'b':
            self.wait_for(name + '.sock')
        target = self.target('b', '10.0.0.2/24', '-n', NQN, '--file', self.path('export'),
                             '--create', str(1 << 20))
        done = subprocess.run([build('weft'), 'run', *self.device('a'), '--ip', '10.0.0.1/24', '-a',
                               '10.0.0.2', '-s', '4420', '-d', self.path('written'), '--timeout',
                               str(LIMIT)], cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode() + self.logs())
        self.assertIn(hashlib.sha256(data).hexdigest(), done.stdout.decode())
        self.assertEqual(self.stop(target), 0, self.logs())
        for sim in sims:
            self.assertEqual(self.stop(sim), 0, self.logs())
        with open(self.path('export'), 'rb') as f:
            self.assertEqual(f.read()[:SIZE], data, 'the exported file')
        for name in 'a', 'b':
            self.assertEqual(capture.check_capture(self.path(name + '.pcapng'), 20), [])


if __name__ == '__main__':
    unittest.main()
