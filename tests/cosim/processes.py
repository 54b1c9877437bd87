# SPDX-License-Identifier: BSD-2-Clause
"""What tests of several processes stand on: weft-sim and weft, started and ended in order."""
import os
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 90


def build(name):
    return os.path.join(ROOT, 'build', name)


class ProcessCase(unittest.TestCase):
    """A folder for files and sockets, and processes that end with the test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='weft.')
        self.addCleanup(folder.cleanup)
        self.dir, self.children, self.ended = folder.name, [], []

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, *command):
        with open(self.path('log%d' % len(self.children)), 'wb') as log:
            child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=subprocess.STDOUT)
        self.children.append(child)
        self.addCleanup(self.stop, child, signal.SIGKILL)
        return child

    def stop(self, child, sig=signal.SIGTERM):
        """Its exit status. That it ended is nothing that wait_for minds."""
        self.ended.append(child)
        if child.poll() is None:
            child.send_signal(sig)
        return child.wait(LIMIT)

    def wait_for(self, name):
        end = time.monotonic() + LIMIT
        while not os.path.exists(self.path(name)):
            dead = [c.args for c in self.children
                    if c.poll() is not None and c not in self.ended]
            self.assertFalse(dead, self.logs())
            self.assertLess(time.monotonic(), end, name + ' does not appear\n' + self.logs())
            time.sleep(0.05)

    def logs(self):
        text = []
        for i, child in enumerate(self.children):
            with open(self.path('log%d' % i), encoding='utf-8', errors='replace') as f:
                text.append('%s: %s\n%s' % (child.args[0], child.poll(), f.read()[-2000:]))
        return '\n'.join(text)

    def simulator(self, name, eth):
        """weft-sim NAME with this Ethernet port; its socket and its capture have the name, too."""
        return self.start(build('weft-sim'), '--socket', self.path(name + '.sock'), '--eth', eth,
                          '--pcap', self.path(name + '.pcapng'), '--log')

    def target(self, name, address, *arguments):
        """weft target on that adapter, ready to be connected to."""
        if os.path.exists(self.path('ready')):     # of one that was killed
            os.remove(self.path('ready'))
        target = self.start(build('weft'), 'target', *self.device(name), '--ip', address,
                            '--ready-file', self.path('ready'), *arguments)
        self.wait_for('ready')
        return target

    def device(self, name):
        return ['--device', 'vfio-user:' + self.path(name + '.sock')]
