# SPDX-License-Identifier: BSD-2-Clause
"""The rig an interop case runs on: a Linux target in a guest, the co-simulated adapter as a
process, and the weft command that drives it, joined by sockets.

    weft --(vfio-user)-- weft-sim --(one Ethernet frame per datagram)-- target's guest"""
import hashlib
import json
import os
import re
import subprocess
import time

from adapter import OWN_ADDRESS, AdapterRig, CaseFailed, sha256_of
from guest import GuestError
from target import ADDRESS, BLOCK, NQN, Target

# Every command line of the cases, in one place. The words in braces are filled in by Rig.
DEVICE = '{build}/weft {verb} --device vfio-user:{device} --output-format {format} {more}'
PORT = DEVICE + ' --ip {own}/24 --mtu {mtu} --traddr {target} {patience}'
IO = PORT + ' --trsvcid 4420 --nqn {nqn} --nsid 1 {digests}'
COMMANDS = {
    'discover': PORT,
    'run': PORT + ' --trsvcid 4420 {digests}',
    'id-ctrl': IO, 'id-ns': IO, 'connect-test': IO, 'write': IO, 'read': IO, 'flush': IO,
    'write-zeroes': IO, 'perf': IO,
    'stats': DEVICE, 'log': DEVICE, 'reset': DEVICE,
}


def sha256_of_zeroes(size):
    return hashlib.sha256(bytes(size)).hexdigest()


class Rig(AdapterRig):
    """An adapter as the host, a Linux target as its peer."""
    commands = COMMANDS

    def __init__(self, folder, *, live=False, **kw):
        """live: output of weft goes to the terminal, too."""
        super().__init__(folder, **kw)
        self.live, self.target = live, None
        self.lba = self.steps = 0

    def start(self):
        self.prepare()
        self.words.update(target=ADDRESS, nqn=NQN, patience='')
        self.callback(self._stop_target)
        self.boot_target()
        self.start_adapter()

    def boot_target(self):
        """A fresh target, in place of one that was stopped."""
        self.target = self.make_target(size=2 * self.size,
                                       eth=(self.words['peer'], self.words['eth']))
        self.target.boot()
        self.lba = int(self.target.must('cat /sys/block/ram0/queue/logical_block_size'))

    def make_target(self, **kw):
        return Target(mtu=self.mtu, **kw)

    def _stop_target(self):
        if self.target:
            self.target.stop()

    # -- commands

    def line(self, verb, more='', **words):
        words = dict(self.words, verb=verb, more=more, **words)
        words.setdefault('format', 'normal' if self.live else 'json')
        return self.commands[verb].format(**words)

    def spawn(self, verb, more='', **words):
        """Starts a weft command; returns (process, name of its log, its command line)."""
        self.steps += 1
        name, line = '%02d-%s.log' % (self.steps, verb), self.line(verb, more, **words)
        if self.live:
            return self.start_process(line, None), None, line
        with open(os.path.join(self.folder, name), 'wb') as log:
            return self.start_process(line, log), name, line

    def finish(self, command, timeout=None):
        """Waits for it; returns (exit status, output)."""
        process, name, line = command
        try:
            process.wait(timeout or self.timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise CaseFailed('no end after %d s: %s\n%s%s' % (
                timeout or self.timeout, line, name and self.log(name),
                self.log('weft-sim.log'))) from None
        return process.returncode, self.log(name, 1 << 20) if name else ''

    def weft(self, verb, more='', **words):
        """Runs one weft command, which must succeed; returns its output."""
        command = self.spawn(verb, more, **words)
        status, output = self.finish(command)
        if status:
            raise CaseFailed('exit %d: %s\n%s%s' % (status, command[2], output,
                                                    self.log('weft-sim.log')))
        return output

    def ask(self, verb, more='', **words):
        """As weft(); returns the JSON object that it prints."""
        output = self.weft(verb, more, format='json', **words)
        try:
            return json.loads(output[output.index('{'):])
        except ValueError:
            raise CaseFailed('%s prints no JSON:\n%s' % (verb, output)) from None

    def wait_for_capture(self, size, command):
        """Returns when the capture has this many bytes, with the command still running."""
        deadline = time.monotonic() + self.timeout
        while os.path.getsize(self.capture) < size:
            if command[0].poll() is not None:
                raise CaseFailed('over too early: %s\n%s' % (command[2], self.log(command[1])))
            if time.monotonic() > deadline:
                raise CaseFailed('nothing moves: ' + command[2])
            time.sleep(0.02)

    # -- content

    def write(self, at=0):
        """Writes random bytes through Weft at a byte offset; the target itself says whether
        they are there and whether the bytes around them are what they were."""
        path = self.random_file('written')
        before = self.outside(at, self.size)
        self.weft('write', '--start-block %d --data %s' % (at // self.lba, path))
        self.expect_disk(path, at)
        self.same('bytes that were not written', before, self.outside(at, self.size))

    def expect_disk(self, path, at=0):
        self.same('written bytes', sha256_of(path), self.target.sha256(at, os.path.getsize(path)))

    def outside(self, at, size):
        """Digests of the disk before and after a part of it."""
        after = self.target.size - at - size
        return (at and self.target.sha256(0, at), after and self.target.sha256(at + size, after))

    def read(self, at=0):
        """Reads through Weft what the target itself says is on its disk."""
        path = os.path.join(self.folder, 'read')
        self.weft('read', '--start-block %d --data-size %d --data %s' % (at // self.lba,
                                                                       self.size, path))
        if os.path.getsize(path) != self.size:
            raise CaseFailed('%d bytes read, not %d' % (os.path.getsize(path), self.size))
        self.same('read bytes', sha256_of(path), self.target.sha256(at, self.size))

    def fill(self, at=0):
        """Puts random bytes on the target's disk that Weft has never seen."""
        self.target.must('dd if=/dev/urandom of=/dev/ram0 bs=4096 seek=%d count=%d oflag=direct'
                         % (at // BLOCK, self.size // BLOCK), timeout=300)

    # -- logs

    def check_target(self, allowed=None):
        """allowed: pattern of kernel messages that the case provokes."""
        try:
            errors = self.target.kernel_errors()
        except GuestError as e:
            raise CaseFailed(str(e)) from None
        errors = [text for text in errors if not (allowed and re.search(allowed, text))]
        if errors:
            raise CaseFailed("the target's kernel says:\n" + '\n'.join(errors))
