# SPDX-License-Identifier: BSD-2-Clause
"""A Linux guest under QEMU (TCG: no /dev/kvm, no root) that plays an NVMe-oF peer.

Its Ethernet port is a UNIX datagram socket, one frame per datagram without FCS;
commands run in it over a serial line, so that nothing but the test's own traffic
is on the wire."""
import base64
import collections
import ctypes
import glob
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import fcmodule
import initramfs
import kernel
from kernel import Unavailable

HERE = os.path.dirname(os.path.abspath(__file__))
QEMU = 'qemu-system-x86_64'
SOCKET_PATH_MAX = 107
PR_SET_PDEATHSIG = 1
ERROR_LEVEL = 3

# What a role needs: modules loaded at boot, modules loaded on demand, programs packed into its
# initramfs, programs of this machine's /usr, which the guest then sees, read-only; own: whether
# the module of fc/ is there, to be loaded on demand.
Role = collections.namedtuple('Role', 'modules spare programs usr own', defaults=(False,))
CRC = ('crc32c_generic', 'crc32c_intel')
ROLES = {
    'target': Role(('virtio_net', 'nvmet-tcp', 'sch_netem'), ('brd',), ('tc',), ()),
    'host': Role(('virtio_net', 'nvme-tcp', 'sch_netem', '9p', '9pnet_virtio', 'ext4'), (),
                 ('tc',), ('nvme', 'fio', 'mkfs.ext4', 'e2fsck')),
    'fc-target': Role(('virtio_net', 'nvmet-fc', 'nvme-fc', 'sch_netem'), ('brd',), ('tc',), (),
                      True),
    'fc-host': Role(('virtio_net', 'nvme-fc', 'nvmet-fc', 'sch_netem', '9p', '9pnet_virtio'), (),
                    ('tc',), ('nvme', 'fio'), True),
    'libfc': Role(('virtio_net', 'fcoe', 'sch_netem'), (), ('tc',), ()),
    # What it boots is its own: tests/vfio.
    'vfio': Role((), (), (), ()),
}

# Kernel messages that mean trouble, whatever level they were logged at.
TROUBLE = re.compile(r'BUG:|WARNING:|Oops|general protection|Call Trace|blocked for more than|'
                     r'Out of memory|guest: cannot|fatal error occurred')


class GuestError(Exception):
    """The guest did not do what was asked of it."""


def die_with_parent():
    """Runs in the child: no guest outlives the test that started it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def check_socket_path(path):
    if len(os.fsencode(path)) > SOCKET_PATH_MAX:
        raise Unavailable('socket path longer than %d bytes: %s' % (SOCKET_PATH_MAX, path))
    return path


def pack_initramfs(image, role):
    """Modules that a kernel may have built in or dropped are asked for softly."""
    need = ROLES[role]
    with open(os.path.join(HERE, 'guest-init.sh'), 'rb') as f:
        files = {'init': (f.read(), 0o755)}
    for path in need.usr and sorted(glob.glob(os.path.join(HERE, 'guest', '*.py'))):
        with open(path, 'rb') as f:
            files['guest/' + os.path.basename(path)] = (f.read(), 0o755)
    if need.own:
        with open(fcmodule.get(image), 'rb') as f:
            files['lib/modules/fcpeer.ko'] = (f.read(), 0o644)
    for name in need.usr:
        if not shutil.which(name, path='/usr/sbin:/usr/bin'):
            raise Unavailable('%s is needed for the guest: run ./setup' % name)
    return initramfs.build(image, need.modules, CRC, need.spare, need.programs, files)


def require(role, qemu=QEMU):
    """Raises Unavailable, with the reason, when no guest of this role can run here."""
    if not shutil.which(qemu):
        raise Unavailable('%s is not installed: run ./setup' % qemu)
    pack_initramfs(kernel.get(), role)


class Guest:
    """One guest. Use as a context manager, or call stop()."""
    append = ''                 # to the kernel's command line
    processor = 'max,cx16=off'  # with cx16 QEMU 7.2 loses now and then what was written

    def __init__(self, role, *, eth=None, mac='02:00:00:00:00:02', mtu=1500, memory=192,
                 cpus=1, pcap=None, qemu=QEMU):
        """eth: (socket of the guest, socket of its peer); mtu up to 65535; memory in MiB;
        cpus: one is fastest; pcap: file that takes every frame of the port."""
        self.role, self.eth, self.mac, self.mtu = role, eth, mac, mtu
        self.memory, self.cpus, self.pcap, self.qemu = memory, cpus, pcap, qemu
        self.folder = tempfile.mkdtemp(prefix='guest.')
        self.console_log = os.path.join(self.folder, 'console')
        self.process = self.line = None
        self.pending = b''
        self.last_id = 0
        self.booted = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    # -- life

    def image(self):
        """What it boots: the path of a kernel that QEMU takes, and an initramfs."""
        image = kernel.get()
        return image.vmlinux, pack_initramfs(image, self.role)

    def command(self, image, ramfs):
        """QEMU's command line."""
        args = [self.qemu, '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
                '-machine', 'q35,accel=tcg', '-cpu', self.processor, '-smp', str(self.cpus),
                '-m', str(self.memory), '-kernel', image, '-initrd', ramfs,
                # A loaded machine may not give the guest the ticks it checks its timer by.
                '-append', 'console=ttyS0 quiet panic=-1 oops=panic no_timer_check' + self.append,
                '-serial', 'file:' + self.console_log,
                '-chardev', 'socket,id=line,path=%s/line,server=off' % self.folder,
                '-serial', 'chardev:line',
                '-qmp', 'unix:%s,server=on,wait=off' % check_socket_path(self._monitor())]
        if ROLES[self.role].usr:
            args += ['-fsdev', 'local,id=usr,path=/usr,security_model=none,readonly=on,'
                     'multidevs=remap', '-device', 'virtio-9p-pci,fsdev=usr,mount_tag=usr']
        if self.eth:
            own, peer = map(check_socket_path, self.eth)
            args += ['-netdev', 'dgram,id=n0,local.type=unix,local.path=%s,'
                     'remote.type=unix,remote.path=%s' % (own, peer),
                     '-device', 'virtio-net-pci,romfile=,netdev=n0,mac=%s,host_mtu=%d'
                     % (self.mac, self.mtu)]
        if self.eth and self.pcap:
            args += ['-object', 'filter-dump,id=f0,netdev=n0,file=' + self.pcap]
        return args

    def boot(self, timeout=120):
        """Starts QEMU and returns when the guest takes commands."""
        if not shutil.which(self.qemu):
            raise Unavailable('%s is not installed: run ./setup' % self.qemu)
        image, files = self.image()
        ramfs = os.path.join(self.folder, 'initramfs')
        with open(ramfs, 'wb') as f:
            f.write(files)
        if self.eth and os.path.exists(self.eth[0]):
            os.unlink(self.eth[0])
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(check_socket_path(os.path.join(self.folder, 'line')))
            listener.listen(1)
            listener.settimeout(timeout)
            with open(os.path.join(self.folder, 'qemu'), 'wb') as log:
                self.process = subprocess.Popen(self.command(image, ramfs),
                                                stdin=subprocess.DEVNULL, stdout=log,
                                                stderr=log, preexec_fn=die_with_parent)
            self.line = self._accept(listener)
        deadline = time.monotonic() + timeout
        while self._read_line(deadline) != 'up':
            pass
        self.booted = self.dmesg()[-1][1]

    def _accept(self, listener):
        while not select.select([listener], [], [], 0.2)[0]:
            if self.process.poll() is not None:
                raise GuestError('QEMU ended at once:\n' + self._tail('qemu'))
        return listener.accept()[0]

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Ends QEMU (our own child, by its pid) and removes the working folder."""
        if self.line:
            self.line.close()
            self.line = None
        if self.process:
            if self.running():
                self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _monitor(self):
        return os.path.join(self.folder, 'qmp')

    def _tell_qemu(self, command):
        """One command of QEMU's machine protocol, which takes no commands before the first."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(30)
            s.connect(self._monitor())
            answers = s.makefile()
            answers.readline()
            for name in 'qmp_capabilities', command:
                s.sendall(json.dumps({'execute': name}).encode())
                answer = json.loads(answers.readline())
                while 'event' in answer:
                    answer = json.loads(answers.readline())
                if 'return' not in answer:
                    raise GuestError('QEMU refuses %s: %s' % (name, answer))

    def pause(self):
        """Stops the guest and its clock, as a hypervisor does, until resume()."""
        self._tell_qemu('stop')

    def resume(self):
        self._tell_qemu('cont')

    # -- commands

    def run(self, script, timeout=60):
        """Runs a shell script in the guest; returns (exit code, output)."""
        if not self.line:
            raise GuestError('the guest is not running')
        self.last_id += 1
        mark = str(self.last_id)
        packed = base64.b64encode(script.encode()).decode()
        self.line.sendall(('%s %s\n' % (mark, packed)).encode())
        deadline = time.monotonic() + timeout
        head = self._read_line(deadline).split(' ')
        while head[:2] != ['begin', mark]:
            head = self._read_line(deadline).split(' ')
        body = []
        line = self._read_line(deadline)
        while line != 'end ' + mark:
            body.append(line)
            line = self._read_line(deadline)
        output = base64.b64decode(''.join(body)).decode(errors='replace')
        return int(head[2]), output

    def must(self, script, timeout=60):
        """As run(), but a non-zero exit code raises. Returns the output."""
        code, output = self.run('set -e\n' + script, timeout)
        if code:
            raise GuestError('exit %d in the guest:\n%s\n%s' % (code, script.strip(), output))
        return output

    def _read_line(self, deadline):
        while b'\n' not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestError('no answer from the guest in time\n' + self._tail('console'))
            if select.select([self.line], [], [], min(left, 1.0))[0]:
                data = self.line.recv(65536)
                if not data:
                    raise GuestError('the guest died\n%s%s' % (self._tail('qemu'),
                                                               self._tail('console')))
                self.pending += data
        line, _, self.pending = self.pending.partition(b'\n')
        return line.decode(errors='replace').strip('\r')

    # -- logs

    def _tail(self, name, size=4000):
        try:
            with open(os.path.join(self.folder, name), errors='replace') as f:
                return f.read()[-size:]
        except FileNotFoundError:
            return ''

    def console(self):
        return self._tail('console', 1 << 20)

    def dmesg(self):
        """The kernel's messages as (level, seconds since its start, text)."""
        found = re.findall(r'^<(\d+)>\[ *([\d.]+)\] (.*)$', self.must('dmesg -r'), re.M)
        return [(int(prefix) & 7, float(when), text) for prefix, when, text in found]

    def kernel_errors(self):
        """Messages since boot() that speak of an error."""
        return [text for level, when, text in self.dmesg()
                if when > self.booted and (level <= ERROR_LEVEL or TROUBLE.search(text))]

    # -- network

    def up(self, address):
        """Brings the port up with an address like 10.0.0.2/24 and the guest's MTU."""
        self.must('ip link set eth0 mtu %d up\nip addr add %s dev eth0' % (self.mtu, address))

    def netem(self, rules):
        """Impairs what the guest sends: rules in the words of tc-netem; '' ends it.
        The full path matters: the shell would prefer busybox's own tc, which has no netem."""
        self.must('/bin/tc qdisc del dev eth0 root 2>/dev/null || true')
        if rules:
            self.must('/bin/tc qdisc add dev eth0 root netem limit 10000 ' + rules)
