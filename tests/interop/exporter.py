# SPDX-License-Identifier: BSD-2-Clause
"""What exports the disks that host cases use: `weft target` on the co-simulated adapter, or, to
prove the cases themselves, the Linux kernel's target in a second guest. Both export the same
subsystems from files, which the case fills, reads and resizes from outside."""
import base64
import collections
import glob
import json
import os
import re
import signal
import subprocess
import time

from adapter import OWN_ADDRESS, CaseFailed, sha256_of
from guest import Guest
from host import FRIEND

MIB = 1 << 20
PORTS = (4420, 8009)
Subsystem = collections.namedtuple('Subsystem', 'nqn serial model hosts namespaces')
# hosts: those that may connect; None: any. namespaces: {NSID: bytes}.
DISK = Subsystem('nqn.2026-11.org.weft:disk', 'WEFTDISK0001', 'Weft interop', None, {1: 32 * MIB})
CLOSED = Subsystem('nqn.2026-11.org.weft:closed', 'WEFTCLOSED01', 'Weft closed', (FRIEND,),
                   {1: 8 * MIB})
SUBSYSTEMS = (DISK, CLOSED)
# Exported only when a case asks for it.
LATE = Subsystem('nqn.2026-11.org.weft:late', 'WEFTLATE0001', 'Weft late', None, {1: 8 * MIB})


def uuid_of(subsystem, nsid):
    number = (DISK, CLOSED, LATE).index(subsystem)
    return '7765f700-0000-4000-8%03x-%012x' % (number, nsid)


class LinuxExporter(Guest):
    """nvmet in a guest, its namespaces files in memory."""
    NVMET = '/sys/kernel/config/nvmet'
    name = 'linux'
    role = 'target'

    def __init__(self, rig, eth=None, **kw):
        super().__init__(self.role, memory=320, eth=eth or (rig.words['eth'], rig.words['peer']),
                         mac='02:00:00:00:00:01', mtu=rig.mtu, **kw)
        self.rig, self.subsystems, self.numbers = rig, list(SUBSYSTEMS), []

    def launch(self):
        self.boot()
        self.numbers = self.listen()
        for subsystem in self.subsystems:
            self._export(subsystem)
        self._link('ln -s')

    def listen(self):
        """Makes the ports; returns their numbers."""
        self.up(OWN_ADDRESS + '/24')
        for number, port in enumerate(PORTS, 1):
            self.must('''p={0}/ports/{1}; mkdir $p; echo tcp >$p/addr_trtype
                echo ipv4 >$p/addr_adrfam; echo {2} >$p/addr_traddr; echo {3} >$p/addr_trsvcid
                '''.format(self.NVMET, number, OWN_ADDRESS, port))
        return list(range(1, len(PORTS) + 1))

    def _export(self, subsystem):
        self.must('''s={0}/subsystems/{1.nqn}; mkdir $s; echo {1.serial} >$s/attr_serial
            echo -n "{1.model}" >$s/attr_model; echo {2} >$s/attr_allow_any_host'''.format(
                self.NVMET, subsystem, int(subsystem.hosts is None)))
        for host in subsystem.hosts or ():
            self.must('mkdir -p {0}/hosts/{1}; ln -s {0}/hosts/{1} {0}/subsystems/{2}/'
                      'allowed_hosts/'.format(self.NVMET, host, subsystem.nqn))
        for nsid, size in subsystem.namespaces.items():
            self.add(nsid, size, subsystem)

    def _link(self, command, subsystems=None):
        for number in self.numbers:
            for subsystem in subsystems or self.subsystems:
                path = '%s/ports/%d/subsystems/%s' % (self.NVMET, number, subsystem.nqn)
                source = '%s/subsystems/%s' % (self.NVMET, subsystem.nqn)
                self.must('rm ' + path if command == 'rm' else 'ln -s %s %s' % (source, path))

    def publish(self, subsystem):
        self.subsystems.append(subsystem)
        self._export(subsystem)
        self._link('ln -s', [subsystem])

    def withdraw(self, subsystem):
        self.subsystems.remove(subsystem)
        self._link('rm', [subsystem])

    @staticmethod
    def path(nsid, subsystem):
        return '/tmp/%s.%d' % (subsystem.serial, nsid)

    def _folder(self, nsid, subsystem):
        return '%s/subsystems/%s/namespaces/%d' % (self.NVMET, subsystem.nqn, nsid)

    def add(self, nsid, size, subsystem=DISK):
        self.must('''truncate -s {size} {path}; mkdir {n}; echo -n {path} >{n}/device_path
            echo {uuid} >{n}/device_uuid; echo 1 >{n}/enable'''.format(
                size=size, path=self.path(nsid, subsystem), uuid=uuid_of(subsystem, nsid),
                n=self._folder(nsid, subsystem)))

    def remove(self, nsid, subsystem=DISK):
        self.must('echo 0 >{0}/enable; rmdir {0}'.format(self._folder(nsid, subsystem)))

    def resize(self, nsid, size, subsystem=DISK):
        self.must('truncate -s %d %s; echo 1 >%s/revalidate_size' % (
            size, self.path(nsid, subsystem), self._folder(nsid, subsystem)))

    def shut_down(self):
        """In order. For Linux: the ports end their controllers."""
        self._link('rm')

    kill = shut_down

    def relaunch(self):
        self._link('ln -s')

    def fill(self, nsid=1, subsystem=DISK):
        """Random bytes in the namespace, behind the controller's back."""
        self.must('dd if=/dev/urandom of=%s bs=1M count=%d conv=notrunc 2>/dev/null' % (
            self.path(nsid, subsystem), subsystem.namespaces[nsid] // MIB))

    def sha256(self, offset=0, length=None, nsid=1, subsystem=DISK):
        count = '' if length is None else 'count=%d' % (length >> 12)
        return self.must('dd if=%s bs=4096 skip=%d %s 2>/dev/null | sha256sum' % (
            self.path(nsid, subsystem), offset >> 12, count)).split()[0]


    def content(self, offset, length, nsid=1, subsystem=DISK):
        return base64.b64decode(self.must(
            'dd if=%s bs=4096 skip=%d count=%d 2>/dev/null | base64' % (
                self.path(nsid, subsystem), offset >> 12, length >> 12)))

    def freeze(self):
        """Stands still until thaw()."""
        self.pause()

    def thaw(self):
        self.resume()

    def log(self):
        return '\n'.join(text for _, _, text in self.dmesg())

    def errors(self):
        """What its own log says of errors."""
        return self.kernel_errors()

    def end(self):
        self.stop()


TARGET = '{build}/weft target --device vfio-user:{device} --config {config} --ready-file {ready}'


class WeftExporter:
    """`weft target` on the simulated adapter, its namespaces files of this machine."""
    name = 'weft target'

    def __init__(self, rig):
        self.rig, self.process = rig, None
        self.config, self.ready, self.said = (os.path.join(rig.folder, name) for name in (
            'target.json', 'target.ready', 'target.log'))
        self.subsystems = list(SUBSYSTEMS)
        self.namespaces = {s.nqn: dict(s.namespaces) for s in (*SUBSYSTEMS, LATE)}

    def launch(self):
        for subsystem in self.subsystems:
            self._make(subsystem)
        self._write_config()
        self.relaunch()

    def _make(self, subsystem):
        for nsid, size in self.namespaces[subsystem.nqn].items():
            self._size(nsid, subsystem, size)

    def path(self, nsid=1, subsystem=DISK):
        return os.path.join(self.rig.folder, '%s.%d' % (subsystem.serial, nsid))

    def _size(self, nsid, subsystem, size):
        with open(self.path(nsid, subsystem), 'ab') as f:
            f.truncate(size)

    def _subsystem(self, subsystem):
        return {
            'nqn': subsystem.nqn,
            'attr': {'allow_any_host': subsystem.hosts is None, 'serial': subsystem.serial,
                     'model': subsystem.model},
            'allowed_hosts': list(subsystem.hosts or ()),
            'namespaces': [{'nsid': nsid, 'device': {
                'path': self.path(nsid, subsystem), 'uuid': uuid_of(subsystem, nsid)}}
                           for nsid in self.namespaces[subsystem.nqn]]}

    def adapter(self):
        """What the configuration says of the adapter."""
        return {'ip': OWN_ADDRESS + '/24', 'mtu': self.rig.mtu}

    def addresses(self):
        """Where it listens."""
        return [{'trtype': 'tcp', 'adrfam': 'ipv4', 'traddr': OWN_ADDRESS, 'trsvcid': port}
                for port in PORTS]

    def _write_config(self):
        """Whole or not at all, since the target may be told to read it at any time."""
        config = {
            'adapter': self.adapter(),
            'hosts': [{'nqn': nqn} for s in self.subsystems for nqn in s.hosts or ()],
            'ports': [{'portid': number, 'addr': address,
                       'subsystems': [s.nqn for s in self.subsystems]}
                      for number, address in enumerate(self.addresses(), 1)],
            'subsystems': [self._subsystem(s) for s in self.subsystems]}
        with open(self.config + '.new', 'w') as f:
            json.dump(config, f, indent=1)
        os.rename(self.config + '.new', self.config)

    def _reload(self):
        """The new configuration, taken without a complaint."""
        seen = self.log().count('configuration applied\n')
        self._write_config()
        self.process.send_signal(signal.SIGHUP)
        self._until(lambda: self.log().count('configuration applied\n') > seen,
                    'apply its configuration')

    def log(self):
        with open(self.said, errors='replace') as f:
            return f.read()

    def _until(self, true, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not true():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise CaseFailed('weft target does not %s:\n%s' % (what, self.log()[-4000:]))
            time.sleep(0.05)

    def relaunch(self):
        if os.path.exists(self.ready):
            os.unlink(self.ready)
        line = TARGET.format(config=self.config, ready=self.ready, **self.rig.words)
        with open(self.said, 'ab') as log:
            self.process = self.rig.start_process(line, log)
        self._until(lambda: os.path.exists(self.ready), 'listen')

    def add(self, nsid, size, subsystem=DISK):
        self._size(nsid, subsystem, 0)
        self._size(nsid, subsystem, size)
        self.namespaces[subsystem.nqn][nsid] = size
        self._reload()

    def remove(self, nsid, subsystem=DISK):
        del self.namespaces[subsystem.nqn][nsid]
        self._reload()

    def resize(self, nsid, size, subsystem=DISK):
        self._size(nsid, subsystem, size)
        self._reload()

    def publish(self, subsystem):
        self._make(subsystem)
        self.subsystems.append(subsystem)
        self._reload()

    def withdraw(self, subsystem):
        self.subsystems.remove(subsystem)
        self._reload()

    def _end(self, how, expected):
        """Ends the process with a signal; it must have lived until now."""
        process, self.process = self.process, None
        died = process.poll()
        if died is not None:
            raise CaseFailed('weft target ended with %d:\n%s' % (died, self.log()[-4000:]))
        process.send_signal(how)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise CaseFailed('weft target does not end:\n' + self.log()[-4000:]) from None
        if process.returncode != expected:
            raise CaseFailed('weft target ended with %d, not %d:\n%s' % (
                process.returncode, expected, self.log()[-4000:]))

    def shut_down(self):
        self._end(signal.SIGTERM, 0)

    def kill(self):
        self._end(signal.SIGKILL, -signal.SIGKILL)

    def freeze(self):
        """Stands still until thaw()."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def fill(self, nsid=1, subsystem=DISK):
        """Random bytes in the namespace, behind the controller's back."""
        with open(self.path(nsid, subsystem), 'r+b') as f:
            f.write(os.urandom(subsystem.namespaces[nsid]))

    def sha256(self, offset=0, length=None, nsid=1, subsystem=DISK):
        return sha256_of(self.path(nsid, subsystem), offset, length)

    def content(self, offset, length, nsid=1, subsystem=DISK):
        with open(self.path(nsid, subsystem), 'rb') as f:
            f.seek(offset)
            return f.read(length)

    def errors(self):
        """What its own log says of errors."""
        return re.findall(r'^weft: target: (.*)$', self.log(), re.M)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def end(self):
        """After a case that went well: its disks are of no more use."""
        if self.process:
            self.shut_down()
        for path in glob.glob(os.path.join(self.rig.folder, 'WEFT*.[0-9]')):
            os.unlink(path)
