#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two adapters in two processes, joined by UNIX datagrams: weft target on one exports a file, weft
run does its job through the other. Everything in wall time, as by hand."""
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'interop'))
import capture                                                          # pylint: disable=C0413

SIZE = 256 << 10
LIMIT = 90
NQN = 'nqn.2026-11.test.weft:two'


def build(name):
    return os.path.join(ROOT, 'build', name)


class TwoProcesses(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='weft.')
        self.addCleanup(folder.cleanup)
        self.dir, self.children = folder.name, []

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, *command):
        with open(self.path('log%d' % len(self.children)), 'wb') as log:
            child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=subprocess.STDOUT)
        self.children.append(child)
        self.addCleanup(self.stop, child, signal.SIGKILL)
        return child

    @staticmethod
    def stop(child, sig=signal.SIGTERM):
        if child.poll() is None:
            child.send_signal(sig)
        return child.wait(LIMIT)

    def wait_for(self, name):
        end = time.monotonic() + LIMIT
        while not os.path.exists(self.path(name)):
            dead = [c.args for c in self.children if c.poll() is not None]
            self.assertFalse(dead, self.logs())
            self.assertLess(time.monotonic(), end, name + ' does not appear\n' + self.logs())
            time.sleep(0.05)

    def logs(self):
        text = []
        for i, child in enumerate(self.children):
            with open(self.path('log%d' % i), encoding='utf-8', errors='replace') as f:
                text.append('%s: %s\n%s' % (child.args[0], child.poll(), f.read()[-2000:]))
        return '\n'.join(text)

    def adapter(self, name, other):
        return self.start(build('weft-sim'), '--socket', self.path(name + '.sock'), '--eth',
                          'dgram:%s:%s' % (self.path(name + '.eth'), self.path(other + '.eth')),
                          '--pcap', self.path(name + '.pcapng'), '--log')

    def device(self, name):
        return ['--device', 'vfio-user:' + self.path(name + '.sock')]

    def test_run_against_target(self):
        data = random.Random(2).randbytes(SIZE)
        with open(self.path('written'), 'wb') as f:
            f.write(data)
        sims = [self.adapter('a', 'b'), self.adapter('b', 'a')]
        for name in 'a', 'b':
            self.wait_for(name + '.sock')
        target = self.start(build('weft'), 'target', *self.device('b'), '--ip', '10.0.0.2/24',
                            '-n', NQN, '--file', self.path('export'), '--create', str(1 << 20),
                            '--ready-file', self.path('ready'))
        self.wait_for('ready')
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
