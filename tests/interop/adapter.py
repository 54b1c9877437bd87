# SPDX-License-Identifier: BSD-2-Clause
"""What every interop case stands on, whichever role Weft plays: a folder for what stays, and
the co-simulated adapter as a process."""
import contextlib
import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from guest import die_with_parent
from kernel import ROOT, Unavailable

OWN_ADDRESS = '10.0.0.1'
BUILD = os.environ.get('WEFT_BUILD', os.path.join(ROOT, 'build'))
ADAPTER = ('{build}/weft-sim --socket {device} --eth dgram:{eth}:{peer} --pcap {pcap}'
           ' --time wall --log {faults}')
TRAP = re.compile(r'trap: cause|assert', re.I)     # what firmware says when it is lost


def guest_address(number):
    """Of the guest with this number, counted from 1."""
    return '10.0.0.%d' % (number + 1)


class CaseFailed(Exception):
    """A step of a case did not give what it must."""


def sha256_of(path, offset=0, length=None):
    digest = hashlib.sha256()
    with open(path, 'rb') as f:
        f.seek(offset)
        left = os.path.getsize(path) - offset if length is None else length
        while left:
            block = f.read(min(left, 1 << 20))
            if not block:
                raise CaseFailed('%s is %d bytes too short' % (path, left))
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


class AdapterRig(contextlib.ExitStack):
    """Everything a case needs, ended in order whatever happens."""

    def __init__(self, folder, *, size, mtu=1500, digests='', faults='', timeout=600):
        """folder: takes logs, files and the capture, which stay; size: bytes that cases move;
        digests: options of the host; faults: of weft-sim's own link; timeout: seconds for one
        command."""
        super().__init__()
        self.folder, self.size, self.mtu = folder, size, mtu
        self.digests, self.faults, self.timeout = digests, faults, timeout
        self.capture = os.path.join(folder, 'capture.pcapng')
        self.adapter = None

    def prepare(self):
        """An empty folder, a place for sockets, and the words of all command lines."""
        for program in 'weft', 'weft-sim':
            if not os.access(os.path.join(BUILD, program), os.X_OK):
                raise Unavailable('%s/%s is not there: run make' % (BUILD, program))
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        sockets = self.enter_context(tempfile.TemporaryDirectory(prefix='weft.'))
        self.words = {
            'build': BUILD, 'device': os.path.join(sockets, 'device'),
            'eth': os.path.join(sockets, 'adapter'), 'peer': os.path.join(sockets, 'peer'),
            'pcap': self.capture, 'own': OWN_ADDRESS, 'mtu': self.mtu,
            'digests': self.digests, 'size': self.size,
            'faults': self.faults and '--faults ' + self.faults,
        }

    def start_process(self, line, log):
        return subprocess.Popen(shlex.split(line), stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT if log else None,
                                preexec_fn=die_with_parent)

    def start_adapter(self):
        log = self.enter_context(open(os.path.join(self.folder, 'weft-sim.log'), 'wb'))
        self.adapter = self.start_process(ADAPTER.format(**self.words), log)
        self.callback(self.stop_adapter)
        self.await_ready('weft-sim', self.adapter, lambda: os.path.exists(self.words['device']))

    def await_ready(self, name, process, ready):
        """Returns when ready() is true of a process that was just started with NAME.log."""
        deadline = time.monotonic() + 120
        while not ready():
            if process.poll() is not None:
                raise CaseFailed('%s ended at once:\n%s' % (name, self.log(name + '.log')))
            if time.monotonic() > deadline:
                raise CaseFailed('%s is not ready:\n%s' % (name, self.log(name + '.log')))
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

    # -- content

    def random_file(self, name, size=None):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as f:
            f.write(os.urandom(size or self.size))
        return path

    @staticmethod
    def same(what, ours, theirs):
        if ours != theirs:
            raise CaseFailed('%s differ: %s and %s' % (what, ours, theirs))

    # -- logs

    def log(self, name, size=4000):
        with open(os.path.join(self.folder, name), errors='replace') as f:
            return f.read()[-size:]

    def check_firmware(self):
        said = self.log('weft-sim.log', 1 << 20)
        if TRAP.search(said):
            raise CaseFailed('firmware says:\n' + said[-4000:])
