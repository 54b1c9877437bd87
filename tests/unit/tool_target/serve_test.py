#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weft target with everything below it: two simulated adapters, joined by UNIX datagrams, weft target
on one, the other verbs of weft on the other. Changes and ends while a host works."""
import json
import os
import random
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))
LIMIT = 60
NQN = 'nqn.2026-11.test.weft:serve'
HOST = 'nqn.2026-11.test.weft:host'
KIB = 1 << 10


def build(name):
    return os.path.join(ROOT, 'build', name)


class Serve(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='weft.')
        self.addCleanup(folder.cleanup)
        self.dir, self.children = folder.name, []
        self.sims = {name: self.start(build('weft-sim'), '--socket', self.path(name), '--eth',
                                      'dgram:%s:%s' % (self.path(name + '.eth'), self.path(other + '.eth')))
                     for name, other in (('a', 'b'), ('b', 'a'))}
        for name in self.sims:
            self.until(lambda n=name: os.path.exists(self.path(n)), 'socket ' + name)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, *command):
        with open(self.path('log%d' % len(self.children)), 'wb') as log:
            child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=subprocess.STDOUT)
        child.log = log.name
        self.children.append(child)
        self.addCleanup(self.end, child, signal.SIGKILL)
        return child

    @staticmethod
    def end(child, sig=signal.SIGTERM):
        if child.poll() is None:
            child.send_signal(sig)
        return child.wait(LIMIT)

    @staticmethod
    def text(child):
        with open(child.log, encoding='utf-8', errors='replace') as f:
            return f.read()

    def until(self, true, what):
        limit = time.monotonic() + LIMIT
        while not true():
            self.assertLess(time.monotonic(), limit,
                            what + '\n' + '\n'.join(self.text(c)[-2000:] for c in self.children))
            time.sleep(0.02)

    def said(self, child, words, times=1):
        self.until(lambda: self.text(child).count(words) >= times, 'no "%s"' % words)

    # --- the two sides ---------------------------------------------------------------------------

    def configure(self, namespaces, hosts=(HOST,)):
        """Files of these sizes in KiB, by namespace."""
        config = {
            'adapter': {'device': 'vfio-user:' + self.path('b'), 'ip': '10.0.0.2/24'},
            'hosts': [{'nqn': HOST}],
            'ports': [{'portid': 1, 'addr': {'trtype': 'tcp', 'traddr': '10.0.0.2'},
                       'subsystems': [NQN]}],
            'subsystems': [{'nqn': NQN, 'allowed_hosts': list(hosts), 'namespaces': [
                {'nsid': n, 'device': {'path': self.path('disk%d' % n), 'create': size * KIB}}
                for n, size in namespaces.items()]}]}
        with open(self.path('config'), 'w', encoding='utf-8') as f:
            json.dump(config, f)

    def serve(self):
        target = self.start(build('weft'), 'target', '--config', self.path('config'),
                            '--ready-file', self.path('ready'))
        self.until(lambda: os.path.exists(self.path('ready')), 'not ready')
        return target

    def reload(self, target):
        before = self.text(target).count('configuration applied')
        target.send_signal(signal.SIGHUP)
        self.said(target, 'configuration applied', before + 1)

    def host(self, verb, *options):
        return (build('weft'), verb, '--device', 'vfio-user:' + self.path('a'), '--ip',
                '10.0.0.1/24', '-a', '10.0.0.2', '-n', NQN, '--hostnqn', HOST, *options)

    def run_host(self, verb, *options, fails=False):
        done = subprocess.run(self.host(verb, *options), cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode != 0, fails, done.stdout.decode())
        return done.stdout.decode()

    def write(self, nsid, data, block):
        with open(self.path('data'), 'wb') as f:
            f.write(data)
        self.run_host('write', '--nsid', str(nsid), '--start-block', str(block), '-d', self.path('data'))

    def disk(self, nsid):
        with open(self.path('disk%d' % nsid), 'rb') as f:
            return f.read()

    # --- tests -----------------------------------------------------------------------------------

    def test_changes_while_a_host_works(self):
        self.configure({1: 256})
        target = self.serve()
        load = self.start(*self.host('perf', '--depth', '4', '-w', 'randrw', '--count', '250', '--range',
                                     '128K', '--verify', '-G', '--output-format', 'json'))
        time.sleep(0.3)
        for namespaces in ({1: 256, 2: 64}, {1: 256}, {1: 256, 3: 64}):
            self.assertIsNone(load.poll(), self.text(load))
            self.configure(namespaces)
            self.reload(target)
        self.assertEqual(load.wait(LIMIT), 0, self.text(load))
        self.assertIn('"mismatches": 0', self.text(load))
        self.assertEqual(json.loads(self.run_host('list-ns', '-o', 'json')).popitem()[1], [1, 3])
        os.truncate(self.path('disk3'), 128 * KIB)
        self.reload(target)
        self.assertIn('"nsze": 256', self.run_host('id-ns', '--nsid', '3', '-o', 'json'))
        self.configure({1: 256}, hosts=())
        self.reload(target)
        self.run_host('list-ns', fails=True)
        self.assertEqual(self.end(target), 0, self.text(target))

    def test_a_host_that_is_not_allowed_any_more_is_cut_off(self):
        self.configure({1: 256})
        target = self.serve()
        load = self.start(*self.host('perf', '-w', 'randread', '--time', '30', '--range', '128K'))
        time.sleep(0.5)
        self.configure({1: 256}, hosts=())
        self.reload(target)
        self.assertNotEqual(load.wait(LIMIT), 0, self.text(load))
        self.assertEqual(self.end(target), 0, self.text(target))

    def test_nothing_acknowledged_is_lost(self):
        data = random.Random(3).randbytes(64 * KIB)
        self.configure({1: 256, 2: 256})
        target = self.serve()
        self.write(1, data, 16)
        load = self.start(*self.host('perf', '-w', 'randwrite', '--nsid', '2', '--time', '30', '--range',
                                     '128K'))
        time.sleep(0.5)
        self.assertEqual(self.end(target), 0, self.text(target))
        self.assertEqual(self.disk(1)[16 * 512:][:len(data)], data)
        self.assertNotEqual(load.wait(LIMIT), 0, self.text(load))

    def test_the_adapter_goes_away(self):
        data = random.Random(4).randbytes(64 * KIB)
        self.configure({1: 256})
        target = self.serve()
        self.write(1, data, 0)
        self.end(self.sims['b'], signal.SIGKILL)
        self.assertEqual(target.wait(LIMIT), 1, self.text(target))
        self.assertIn('the adapter is gone', self.text(target))
        self.assertEqual(self.disk(1)[:len(data)], data)
        self.assertFalse(os.path.exists(self.path('ready')))


if __name__ == '__main__':
    unittest.main()
