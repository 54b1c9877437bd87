# SPDX-License-Identifier: BSD-2-Clause
"""Guests with a Fibre Channel port: the kernel's own nvme-fc or nvmet-fc over the module of fc/,
or the kernel's libfc, which knows SCSI only. All are VN2VN ports on one Ethernet."""
import re
import time

from adapter import CaseFailed
from exporter import LinuxExporter
from guest import Guest, GuestError
from host import HOSTID, HOSTNQN, Controller, Host, records_of

MTU = 2500                  # an FCoE frame needs 2,158 bytes
PARAMETERS = '/sys/module/fcpeer/parameters'
CONNECT = ('nvme connect -t fc -a {traddr} -w {host_traddr} -n {nqn} -q {hostnqn} -I {hostid}'
           ' -i {queues} -k {kato} -c 2 -l 600 {options}')
DISCOVER = 'nvme discover -t fc -a {traddr} -w {host_traddr} -q {hostnqn} -I {hostid} -o json'


class Names:
    """World wide names of the port with this number; 1 is the adapter."""

    def __init__(self, number):
        self.wwnn, self.wwpn = 0x2000020000000000 + number, 0x1000020000000000 + number
        self.number = number

    def __str__(self):
        return 'nn-0x%016x:pn-0x%016x' % (self.wwnn, self.wwpn)


ADAPTER = Names(1)


class FcPort:
    """What guests of the module have in common. The guest comes first among the bases."""

    def load(self, role, names, options=''):
        self.must('ip link set eth0 mtu %d up\n'
                  'insmod /lib/modules/fcpeer.ko role=%s wwnn=0x%x wwpn=0x%x %s'
                  % (MTU, role, names.wwnn, names.wwpn, options))

    def unload(self):
        self.must('rmmod fcpeer', 120)

    def stats(self):
        return {name: int(value) for name, value in
                (line.split() for line in self.must('cat %s/stats' % PARAMETERS).splitlines())}

    def ports(self):
        """{port name: (address, state, roles)} of the remote ports that it knows."""
        lines = self.must('cat %s/ports' % PARAMETERS).splitlines()
        return {int(name, 16): (int(address, 16), state, int(roles, 16))
                for name, address, state, roles in map(str.split, lines)}

    def fault(self, kind, r_ctl, nth=1):
        """The nth next frame of this R_CTL that the guest sends is damaged, see fc/params.c."""
        self.must('echo %s %x %d >%s/fault' % (kind, r_ctl, nth, PARAMETERS))

    def order(self, what, answer='accepted', timeout=30):
        """Sends a link service of FC-LS to the port that is logged in; returns its answer."""
        before = len(self.answers())
        self.must('echo %s >%s/order' % (what, PARAMETERS))
        deadline = time.monotonic() + timeout
        while len(self.answers()) == before:
            if time.monotonic() > deadline:
                raise CaseFailed('%s is not answered:\n%s' % (what, self.fc_log()))
            time.sleep(0.2)
        said = self.answers()[before]
        if answer not in said:
            raise CaseFailed('%s: %s' % (what, said))
        return said

    def answers(self):
        return re.findall(r'fcpeer: (ELS \S+ (?:accepted|refused|is not).*)', self.fc_log())

    def fc_log(self):
        return '\n'.join(text for _, _, text in self.dmesg() if 'fcpeer' in text)

    def await_port(self, wwpn, state='ready', timeout=60):
        deadline = time.monotonic() + timeout
        while self.ports().get(wwpn, (0, 'none', 0))[1] != state:
            if time.monotonic() > deadline:
                raise CaseFailed('%016x is not %s:\n%s' % (wwpn, state, self.fc_log()))
            time.sleep(0.2)

    def violations(self, allowed=''):
        """What the other side did that it must not, in words."""
        found = re.findall(r'fcpeer: (violation: .*)', self.fc_log())
        return [text for text in found if not (allowed and re.search(allowed, text))]


class FcHost(FcPort, Host):
    """nvme-fc."""
    role = 'fc-host'

    def __init__(self, number=1, target=ADAPTER, options='', **kw):
        super().__init__(number, mtu=MTU, **kw)
        self.names, self.target, self.options = Names(number + 1), target, options

    def boot(self, timeout=120):
        Guest.boot(self, timeout)
        self.load('host', self.names, self.options)

    def words(self, **more):
        return dict(more, traddr=self.target, host_traddr=self.names)

    def try_connect(self, nqn, *, queues=1, options='', kato=30, hostnqn=HOSTNQN, hostid=HOSTID):
        return self.run(CONNECT.format(**self.words(
            nqn=nqn, queues=queues, kato=kato, options=options, hostnqn=hostnqn, hostid=hostid)),
                        180)

    def discover(self, hostnqn=HOSTNQN, hostid=HOSTID):
        code, out = self.run(DISCOVER.format(**self.words(hostnqn=hostnqn, hostid=hostid)), 120)
        if code:
            raise CaseFailed('nvme discover: exit %d\n%s\n%s' % (code, out, self.said()))
        return records_of(out)


class FcTarget(FcPort, LinuxExporter):
    """nvmet-fc."""
    role = 'fc-target'

    def __init__(self, rig, names=ADAPTER, options='', **kw):
        super().__init__(rig, **kw)
        self.names, self.options = names, options

    def listen(self):
        """The module comes first: the target's port looks for its own by name."""
        self.load('target', self.names, self.options)
        self.must('p={0}/ports/1; mkdir $p; echo fc >$p/addr_trtype; echo fc >$p/addr_adrfam\n'
                  'echo {1} >$p/addr_traddr'.format(self.NVMET, self.names))
        return [1]

    def shut_down(self):
        """The FC port goes away, with the sessions of its hosts. (A subsystem that is merely taken
        off the port would be refused for good, and the host would give up.)"""
        self.unload()

    kill = shut_down

    def relaunch(self):
        self.load('target', self.names, self.options)


class Libfc(Guest):
    """The kernel's libfc over its own FCoE. It offers SCSI only, so nobody stays logged in."""

    def __init__(self, number=1, **kw):
        super().__init__('libfc', mac='02:00:00:00:00:%02x' % (number + 1), mtu=MTU, memory=256, **kw)
        self.port = None

    def boot(self, timeout=120):
        super().boot(timeout)
        self.must('ip link set eth0 mtu %d up\n'
                  'for f in /sys/module/lib*fc*/parameters/debug_logging; do echo 255 >$f; done' % MTU)

    def create(self):
        """The VN2VN port, which then looks for others."""
        self.must('echo eth0 >/sys/module/libfcoe/parameters/create_vn2vn')
        self.must('for i in 1 2 3 4 5 6 7 8 9 10; do '
                  '[ "$(cat /sys/class/fc_host/host*/port_state)" = Online ] && exit 0; sleep 1; done; '
                  'cat /sys/class/fc_host/host*/port_state; exit 1')

    def destroy(self):
        self.must('echo eth0 >/sys/module/libfcoe/parameters/destroy')

    def attribute(self, name):
        return self.must('cat /sys/class/fc_host/host*/' + name).strip()

    def remote_ports(self):
        """{port name: (address, roles, state)} of the remote ports that the kernel has."""
        out = self.must('cd /sys/class/fc_remote_ports; for p in rport-*; do [ -e $p ] || continue\n'
                        'echo "$(cat $p/port_name)|$(cat $p/port_id)|$(cat $p/roles)'
                        '|$(cat $p/port_state)"; done')
        return {int(name, 16): (int(address, 16), roles, state)
                for name, address, roles, state in (line.split('|') for line in out.splitlines())}

    def said(self):
        return [text for _, _, text in self.dmesg()]
