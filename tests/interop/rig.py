# SPDX-License-Identifier: BSD-2-Clause
"""The rig an interop case runs on: a Linux target in a guest, the co-simulated adapter as a
process, and the weft command that drives it, joined by sockets.

    weft --(vfio-user)-- weft-sim --(one Ethernet frame per datagram)-- target's guest"""
import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from guest import GuestError, die_with_parent
from kernel import ROOT, Unavailable
from target import ADDRESS, BLOCK, NQN, Target

OWN_ADDRESS = '10.0.0.1'
BUILD = os.environ.get('WEFT_BUILD', os.path.join(ROOT, 'build'))

# Every command line of the cases, in one place. The words in braces are filled in by Rig.
ADAPTER = ('{build}/weft-sim --socket {device} --eth dgram:{eth}:{peer} --pcap {pcap}'
           ' --time wall --log {faults}')
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
TRAP = re.compile(r'trap: cause|assert', re.I)     # what firmware says when it is lost


class CaseFailed(Exception):
    """A step of a case did not give what it must."""


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as f:
        for block in iter(lambda: f.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_zeroes(size):
    return hashlib.sha256(bytes(size)).hexdigest()


class Rig(contextlib.ExitStack):
    """Everything a case needs, ended in order whatever happens."""

    def __init__(self, folder, *, size, mtu=1500, digests='', faults='', live=False, timeout=600):
        """folder: takes logs, files and the capture, which stay; size: bytes that cases move;
        digests: options of weft; faults: of weft-sim's own link; live: output of weft goes
        to the terminal, too; timeout: seconds for one command."""
        super().__init__()
        self.folder, self.size, self.mtu = folder, size, mtu
        self.digests, self.faults, self.live, self.timeout = digests, faults, live, timeout
        self.capture = os.path.join(folder, 'capture.pcapng')
        self.target = self.adapter = None
        self.lba = self.steps = 0

    def start(self):
        for program in 'weft', 'weft-sim':
            if not os.access(os.path.join(BUILD, program), os.X_OK):
                raise Unavailable('%s/%s is not there: run make' % (BUILD, program))
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        sockets = self.enter_context(tempfile.TemporaryDirectory(prefix='weft.'))
        self.words = {
            'build': BUILD, 'device': os.path.join(sockets, 'device'),
            'eth': os.path.join(sockets, 'adapter'), 'peer': os.path.join(sockets, 'target'),
            'pcap': self.capture, 'target': ADDRESS, 'own': OWN_ADDRESS, 'nqn': NQN,
            'mtu': self.mtu, 'digests': self.digests, 'size': self.size, 'patience': '',
            'faults': self.faults and '--faults ' + self.faults,
        }
        self.callback(self._stop_target)
        self.boot_target()
        self._start_adapter()

    def boot_target(self):
        """A fresh target, in place of one that was stopped."""
        self.target = Target(2 * self.size, eth=(self.words['peer'], self.words['eth']),
                             mtu=self.mtu)
        self.target.boot()
        self.lba = int(self.target.must('cat /sys/block/ram0/queue/logical_block_size'))

    def _stop_target(self):
        if self.target:
            self.target.stop()

    def _spawn(self, line, log):
        return subprocess.Popen(shlex.split(line), stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT if log else None,
                                preexec_fn=die_with_parent)

    def _start_adapter(self):
        log = self.enter_context(open(os.path.join(self.folder, 'weft-sim.log'), 'wb'))
        self.adapter = self._spawn(ADAPTER.format(**self.words), log)
        self.callback(self.stop_adapter)
        deadline = time.monotonic() + 120
        while not os.path.exists(self.words['device']):
            if self.adapter.poll() is not None:
                raise CaseFailed('weft-sim ended at once:\n' + self.log('weft-sim.log'))
            if time.monotonic() > deadline:
                raise CaseFailed('weft-sim does not listen:\n' + self.log('weft-sim.log'))
            time.sleep(0.05)

    def stop_adapter(self):
        """Ends weft-sim; it must have lived until now and must end in order."""
        if not self.adapter:
            return
        adapter, self.adapter = self.adapter, None
        died = adapter.poll()
        adapter.terminate()
        try:
            adapter.wait(60)
        except subprocess.TimeoutExpired:
            adapter.kill()
            adapter.wait()
            raise CaseFailed('weft-sim does not end on SIGTERM') from None
        if died is not None or adapter.returncode not in (0, -signal.SIGTERM):
            raise CaseFailed('weft-sim ended with %d:\n%s' % (adapter.returncode,
                                                            self.log('weft-sim.log')))

    def log(self, name, size=4000):
        with open(os.path.join(self.folder, name), errors='replace') as f:
            return f.read()[-size:]

    # -- commands

    def line(self, verb, more='', **words):
        words = dict(self.words, verb=verb, more=more, **words)
        words.setdefault('format', 'normal' if self.live else 'json')
        return COMMANDS[verb].format(**words)

    def spawn(self, verb, more='', **words):
        """Starts a weft command; returns (process, name of its log, its command line)."""
        self.steps += 1
        name, line = '%02d-%s.log' % (self.steps, verb), self.line(verb, more, **words)
        if self.live:
            return self._spawn(line, None), None, line
        with open(os.path.join(self.folder, name), 'wb') as log:
            return self._spawn(line, log), name, line

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

    def random_file(self, name, size=None):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as f:
            f.write(os.urandom(size or self.size))
        return path

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

    @staticmethod
    def same(what, ours, theirs):
        if ours != theirs:
            raise CaseFailed('%s differ: %s and %s' % (what, ours, theirs))

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

    def check_firmware(self):
        said = self.log('weft-sim.log', 1 << 20)
        if TRAP.search(said):
            raise CaseFailed('firmware says:\n' + said[-4000:])
