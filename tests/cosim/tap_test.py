#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weft target behind a TAP device, and this kernel's TCP in front of it: the ill-behaved hosts of
the interop tests as a plain program, in a network namespace of its own. Everything in wall time.

Skipped, with the reason, where no namespace or TAP device can be made."""
import os
import subprocess
import sys
import unittest

from processes import LIMIT, ROOT, ProcessCase

GUEST = os.path.join(ROOT, 'tests', 'interop', 'guest')
sys.path.insert(0, os.path.join(ROOT, 'tests', 'interop'))
import capture                                                          # pylint: disable=C0413

NQN = 'nqn.2026-11.org.weft:disk'
OWN, ADDRESS = '10.0.0.1', '10.0.0.2/24'
INSIDE = 'WEFT_TAP_TEST'


def shell(*command, **how):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, encoding='utf-8', **how)


def namespace():
    """The command that runs another in a network namespace, and why there is none."""
    make = ['ip', 'tuntap', 'add', 'dev', 'weft9', 'mode', 'tap']
    why = ''
    for unshare in (['unshare', '--net'], ['unshare', '--net', '--map-root-user']):
        try:
            tried = shell(*unshare, '--', *make)
        except FileNotFoundError as e:
            return None, str(e)
        if not tried.returncode:
            return unshare, ''
        why = tried.stdout.strip()
    return None, why


class Tap(ProcessCase):
    def setUp(self):
        super().setUp()
        self.sim = self.simulator('a', 'tap:weft0')
        self.wait_for('a.sock')
        for command in (['addr', 'add', ADDRESS, 'dev', 'weft0'],
                        ['link', 'set', 'weft0', 'up']):
            done = shell('ip', *command)
            self.assertEqual(done.returncode, 0, done.stdout)
        self.export = self.target('a', OWN + '/24', '-n', NQN, '--ram', '1M')

    def end(self):
        self.assertEqual(self.stop(self.export), 0, self.logs())
        self.assertEqual(self.stop(self.sim), 0, self.logs())
        return capture.examine(self.path('a.pcapng'), hostile=OWN)

    def test_bad_hosts_are_sent_away_and_answered(self):
        done = shell(sys.executable, os.path.join(GUEST, 'hostile.py'), OWN, '4420', '15', 'fatal',
                     'wrong', timeout=3 * LIMIT)
        said = done.stdout.splitlines()
        self.assertEqual(done.returncode, 0, done.stdout + self.logs())
        self.assertGreater(len(said), 20)
        self.assertTrue(all(line.startswith('ok ') for line in said), done.stdout)
        self.assertEqual(self.end().problems, [])


if __name__ == '__main__':
    if INSIDE in os.environ:
        unittest.main()
    ENTER, WHY = namespace()
    if not ENTER:
        print('skipped: no TAP device in a network namespace: ' + WHY)
        sys.exit(77)
    os.execvpe(ENTER[0], ENTER + ['--', sys.executable, os.path.abspath(__file__)],
               dict(os.environ, **{INSIDE: '1'}))
