# SPDX-License-Identifier: BSD-2-Clause
"""The rigs of Fibre Channel cases. The wire is FCoE in VN2VN mode on the adapter's Ethernet port.

    FcRig       weft (host) --- weft-sim --- Linux nvmet-fc in a guest
    FcHostRig   Linux nvme-fc in a guest --- weft-sim --- weft target
    LibfcRig    Linux libfc in a guest --- weft-sim --- weft target

With peer='linux' FcHostRig and LibfcRig have nvmet-fc in a second guest in Weft's place: the same
frames, the same cases, to prove the cases."""
import json
import os
import re

from adapter import CaseFailed
from exporter import WeftExporter
from fcguest import ADAPTER, MTU, PARAMETERS, FcHost, FcPort, FcTarget, Libfc, Names
from guest import Guest, GuestError
from hostrig import HostRig
from rig import Rig
from target import DEVICE as DISK_DEVICE
from target import NQN, SERIAL, SUBSYSTEM, UUID, Target

# Every command line of the cases of Weft as the host, in one place.
DEVICE = '{build}/weft {verb} --device vfio-user:{device} --output-format {format} {more}'
PORT = DEVICE + ' --transport fc --fc vn2vn --host-traddr {own} --traddr {target} {patience}'
IO = PORT + ' --nqn {nqn} --nsid 1'
COMMANDS = {
    'discover': PORT, 'run': PORT,
    'id-ctrl': IO, 'id-ns': IO, 'connect-test': IO, 'write': IO, 'read': IO, 'flush': IO,
    'write-zeroes': IO, 'perf': IO,
    'stats': DEVICE, 'log': DEVICE, 'reset': DEVICE,
}
TARGET_NAMES = Names(2)


class FcRamTarget(FcPort, Target):
    """nvmet-fc with a RAM disk."""
    role = 'fc-target'

    def __init__(self, size, options='', names=TARGET_NAMES, **kw):
        super().__init__(size, mtu=MTU, **kw)
        self.options, self.names = options, names

    def boot(self, timeout=120):
        Guest.boot(self, timeout)
        self.must(SUBSYSTEM.format(kib=self.size >> 10, nqn=NQN, serial=SERIAL, device=DISK_DEVICE,
                                   uuid=UUID))
        self.load('target', self.names, self.options)
        self.must('p=/sys/kernel/config/nvmet/ports/1; mkdir $p; echo fc >$p/addr_trtype\n'
                  'echo fc >$p/addr_adrfam; echo %s >$p/addr_traddr\n'
                  'ln -s /sys/kernel/config/nvmet/subsystems/%s $p/subsystems/' % (self.names, NQN))


def judge_port(guest, violates=''):
    """What a guest of the module has seen of the other side; and that its own frames left."""
    lost = guest.stats()['lost']
    if lost:
        raise CaseFailed('%d frames of %s did not leave its interface' % (lost, guest.names))
    found = guest.violations(violates)
    if found:
        raise CaseFailed('the other side of %s breaks rules:\n%s' % (guest.names,
                                                                    '\n'.join(found[:20])))


def keep_log(rig, name, guest):
    """Its kernel's log and counters stay, if it still tells them."""
    try:
        text = guest.run('dmesg; cat %s/stats %s/ports; grep eth0 /proc/net/dev'
                         % (PARAMETERS, PARAMETERS))[1]
    except GuestError as e:
        text = str(e)
    with open(os.path.join(rig.folder, name), 'w') as f:
        f.write(text)


class FcRig(Rig):
    """Weft as the host."""
    commands = COMMANDS

    def __init__(self, folder, *, options='', violates='', **kw):
        """options: of the target's module; violates: pattern of what may be said of Weft."""
        super().__init__(folder, mtu=MTU, **kw)
        self.options, self.violates = options, violates

    def start(self):
        super().start()
        self.words.update(own=ADAPTER, target=TARGET_NAMES)

    def make_target(self, **kw):
        return FcRamTarget(options=self.options, **kw)

    def check_target(self, allowed=None):
        super().check_target(allowed)
        judge_port(self.target, self.violates)

    def keep_logs(self):
        keep_log(self, 'target.log', self.target)


class FcWeftExporter(WeftExporter):
    """`weft target` on an FC port."""

    def adapter(self):
        return {'fc': 'vn2vn'}

    def addresses(self):
        return [{'trtype': 'fc', 'adrfam': 'fc', 'traddr': str(ADAPTER)}]


class FcHostRig(HostRig):
    """Weft as the controller, or Linux in its place."""
    switch_options = ('--lossless',)

    def __init__(self, folder, *, options='', violates='', **kw):
        """options: of the host's module; violates: pattern of what may be said of the target."""
        super().__init__(folder, mtu=MTU, **kw)
        self.options, self.violates = options, violates

    def make_exporter(self):
        return (FcWeftExporter if self.peer == 'weft' else FcTarget)(self)

    def make_host(self, number, **kw):
        return FcHost(number, options=self.options, **kw)

    def start(self):
        super().start()
        for host in self.hosts:
            host.await_port(ADAPTER.wwpn)

    def check_peers(self, allowed=None):
        super().check_peers(allowed)
        for host in self.hosts:
            judge_port(host, self.violates)
        if self.peer == 'linux':
            judge_port(self.export, self.violates)

    def keep_logs(self):
        for number, host in enumerate(self.hosts, 1):
            keep_log(self, 'host%d.log' % number, host)
        if self.peer == 'linux':
            keep_log(self, 'target.log', self.export)

    def end(self):
        self.export.end()
        self.stop_adapter()


class LibfcRig(FcHostRig):
    """libfc as the other port. check_peers(): as everywhere."""

    def make_host(self, number, **kw):
        kw.pop('cpus')
        return Libfc(number, **kw)

    def start(self):
        HostRig.start(self)
        self.host.create()

    def check_peers(self, allowed=None):
        try:
            errors = [text for text in self.host.kernel_errors()
                      if not (allowed and re.search(allowed, text))]
        except GuestError as e:
            raise CaseFailed(str(e)) from None
        if errors:
            raise CaseFailed('libfc\'s kernel says:\n' + '\n'.join(errors))
        if self.peer == 'linux':
            judge_port(self.export, self.violates)

    def keep_logs(self):
        with open(os.path.join(self.folder, 'libfc.log'), 'w') as f:
            f.write('\n'.join(self.host.said()))
        if self.peer == 'linux':
            keep_log(self, 'target.log', self.export)


def record_of(records, nqn, traddr):
    """The record of a discovery log for this subsystem at this port, or CaseFailed."""
    for record in records:
        if record['subnqn'] == nqn and record['trtype'] == 'fc' and \
                record['traddr'].lower() == str(traddr).lower():
            return record
    raise CaseFailed('%s at %s is not in the log: %s' % (nqn, traddr, json.dumps(records)))
