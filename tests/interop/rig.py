# SPDX-License-Identifier: BSD-2-Clause
"""The rig an interop case runs on: a Linux target in a guest, the co-simulated adapter as a
process, and the weft command that drives it, joined by sockets.

    weft --(vfio-user)-- weft-sim --(one Ethernet frame per datagram)-- target's guest"""
import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from guest import GuestError, die_with_parent
from kernel import ROOT, Unavailable
from target import ADDRESS, NQN, Target

OWN_ADDRESS = '10.0.0.1'
BUILD = os.path.join(ROOT, 'build')

# Every command line of the cases, in one place. The words in braces are filled in by Rig.
ADAPTER = '{build}/weft-sim --socket {device} --eth dgram:{eth}:{peer} --pcap {pcap} --time wall'
WEFT = '{build}/weft {verb} --device vfio-user:{device} -t tcp -a {target} -w {own} --mtu {mtu}'
COMMANDS = {
    'discover': WEFT + ' -s 8009',
    'id-ctrl': WEFT + ' -s 4420 -n {nqn} {digests}',
    'id-ns': WEFT + ' -s 4420 -n {nqn} {digests} --nsid 1',
    'write': WEFT + ' -s 4420 -n {nqn} {digests} --nsid 1 --start-block 0 --data {file}',
    'read': WEFT + ' -s 4420 -n {nqn} {digests} --nsid 1 --start-block 0 --data-size {size}'
                   ' --data {file}',
    'stats': WEFT,
}


class CaseFailed(Exception):
    """A step of a case did not give what it must."""


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as f:
        for block in iter(lambda: f.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


class Rig(contextlib.ExitStack):
    """Everything a case needs, ended in order whatever happens."""

    def __init__(self, folder, *, size, mtu=1500, digests='', live=False, timeout=600):
        """folder: takes logs, files and the capture, which stay; size: bytes that cases move;
        digests: options of weft; live: its output goes to the terminal, too."""
        super().__init__()
        self.folder, self.size, self.mtu = folder, size, mtu
        self.digests, self.live, self.timeout = digests, live, timeout
        self.capture = os.path.join(folder, 'capture.pcapng')
        self.target = self.adapter = None

    def start(self):
        for program in 'weft', 'weft-sim':
            if not os.access(os.path.join(BUILD, program), os.X_OK):
                raise Unavailable('build/%s is not there: run make' % program)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        sockets = self.enter_context(tempfile.TemporaryDirectory(prefix='weft.'))
        self.words = {
            'build': BUILD, 'device': os.path.join(sockets, 'device'),
            'eth': os.path.join(sockets, 'adapter'), 'peer': os.path.join(sockets, 'target'),
            'pcap': self.capture, 'target': ADDRESS, 'own': OWN_ADDRESS, 'nqn': NQN,
            'mtu': self.mtu, 'digests': self.digests, 'size': self.size,
        }
        self.target = Target(2 * self.size, eth=(self.words['peer'], self.words['eth']),
                             mtu=self.mtu)
        self.callback(self.target.stop)
        self._start_adapter()
        self.target.boot()

    def _start_adapter(self):
        log = self.enter_context(open(os.path.join(self.folder, 'weft-sim.log'), 'wb'))
        self.adapter = subprocess.Popen(shlex.split(ADAPTER.format(**self.words)),
                                        stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        self.callback(self.stop_adapter)
        deadline = time.monotonic() + 60
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
            adapter.wait(30)
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

    # -- steps

    def weft(self, verb, **words):
        """Runs one weft command; returns its output. Its exit status must be 0."""
        line = COMMANDS[verb].format(verb=verb, **dict(self.words, **words))
        name = verb + '.log'
        with open(os.path.join(self.folder, name), 'wb') as log:
            try:
                done = subprocess.run(shlex.split(line), stdin=subprocess.DEVNULL,
                                      stdout=None if self.live else log,
                                      stderr=None if self.live else subprocess.STDOUT,
                                      timeout=self.timeout, check=False,
                                      preexec_fn=die_with_parent)
            except subprocess.TimeoutExpired:
                raise CaseFailed('no end after %d s: %s\n%s%s' % (
                    self.timeout, line, self.log(name), self.log('weft-sim.log'))) from None
        if done.returncode:
            raise CaseFailed('exit %d: %s\n%s%s' % (done.returncode, line, self.log(name),
                                                    self.log('weft-sim.log')))
        return self.log(name, 1 << 20)

    def discover(self):
        found = self.weft('discover')
        if not self.live and NQN not in found:
            raise CaseFailed('discover does not name %s:\n%s' % (NQN, found))

    def write(self):
        """Writes random bytes through Weft; the target itself says whether they are there."""
        path = os.path.join(self.folder, 'written')
        with open(path, 'wb') as f:
            f.write(os.urandom(self.size))
        self.weft('write', file=path)
        self._same('written', sha256_of(path), self.target.sha256(0, self.size))

    def read(self):
        """Reads through Weft what the target itself says is on its disk."""
        path = os.path.join(self.folder, 'read')
        self.weft('read', file=path)
        if os.path.getsize(path) != self.size:
            raise CaseFailed('%d bytes read, not %d' % (os.path.getsize(path), self.size))
        self._same('read', sha256_of(path), self.target.sha256(0, self.size))

    def fill(self):
        """Puts random bytes on the target's disk that Weft has never seen."""
        self.target.must('dd if=/dev/urandom of=/dev/ram0 bs=65536 count=%d oflag=direct'
                         % (self.size >> 16), timeout=300)

    @staticmethod
    def _same(what, ours, theirs):
        if ours != theirs:
            raise CaseFailed('%s data differ: SHA-256 here %s, on the target %s'
                             % (what, ours, theirs))

    def check_target(self):
        try:
            errors = self.target.kernel_errors()
        except GuestError as e:
            raise CaseFailed(str(e)) from None
        if errors:
            raise CaseFailed("the target's kernel says:\n" + '\n'.join(errors))
