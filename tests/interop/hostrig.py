# SPDX-License-Identifier: BSD-2-Clause
"""The rig of a case in which Linux is the host: its guest, the co-simulated adapter as a
process, and `weft target` that exports disks through it, joined by sockets.

    Linux host's guest --(one Ethernet frame per datagram)-- weft-sim --(vfio-user)-- weft target

Several guests are joined to the adapter by a switch (switch.py).
With peer='linux' Linux's own target in a second guest takes the adapter's place: the same
frames, the same cases, to prove the cases."""
import contextlib
import os
import re

from adapter import AdapterRig, CaseFailed
from exporter import LinuxExporter, WeftExporter
from guest import HERE, GuestError
from host import Host


class HostRig(AdapterRig):
    """hosts: the guests; host: that at which the case works; export: what exports the disks."""
    switch_options = ()

    def __init__(self, folder, *, peer='weft', cpus=1, guests=1, **kw):
        super().__init__(folder, **kw)
        self.peer, self.cpus, self.guests = peer, cpus, guests
        self.host = self.export = None
        self.hosts, self.eths = [], []

    def start(self):
        self.prepare()
        self.eths = self.cables()
        # QEMU writes the classic format, weft-sim pcapng; tshark looks at the content.
        pcap = self.capture if self.peer == 'linux' else None
        self.callback(self.stop_hosts)
        for number in range(self.guests):
            self.hosts.append(self.boot_host(number, None if number else pcap))
        self.host = self.hosts[0]
        if self.peer == 'weft':
            self.start_adapter()
        self.export = self.make_exporter()
        self.callback(self.export.stop)
        self.export.launch()

    def make_exporter(self):
        return (WeftExporter if self.peer == 'weft' else LinuxExporter)(self)

    def make_host(self, number, **kw):
        return Host(number, mtu=self.mtu, **kw)

    def boot_host(self, number, pcap=None):
        host = self.make_host(number + 1, eth=self.eths[number], cpus=self.cpus, pcap=pcap)
        try:
            host.boot()
        except BaseException:
            host.stop()
            raise
        return host

    def stop_hosts(self):
        for host in self.hosts:
            host.stop()

    def cut_power(self):
        """The host is gone from one moment to the next, and tells nobody."""
        self.host.stop()

    def boot_another(self):
        """A host that knows nothing of the one before, at the same address."""
        number = self.hosts.index(self.host)
        self.host = self.hosts[number] = self.boot_host(number)

    def cables(self):
        """For each guest the socket of its port, and that at the other end."""
        near, far = self.words['eth'], self.words['peer']
        if self.guests == 1:
            return [(far, near)]
        own = ['%s%d' % (far, n) for n in range(self.guests)]
        ports = [(far, near)] + [(path + 's', path) for path in own]
        log = self.enter_context(open(os.path.join(self.folder, 'switch.log'), 'wb'))
        line = ' '.join([os.path.join(HERE, 'switch.py'), *self.switch_options] + [':'.join(p) for p in ports])
        switch = self.start_process(line, log)
        self.callback(switch.wait)
        self.callback(switch.terminate)
        self.await_ready('switch', switch, lambda: 'ready' in self.log('switch.log'))
        return [(path, path + 's') for path in own]

    @contextlib.contextmanager
    def at(self, number):
        """The case works at this guest for a while; the first is 0."""
        self.host = self.hosts[number]
        yield
        self.host = self.hosts[0]

    def impair(self, rules):
        self.host.netem(rules)

    def check_peers(self, allowed=None):
        """allowed: pattern of error messages that the case provokes."""
        try:
            errors = ['the host\'s kernel: ' + text
                      for host in self.hosts for text in host.kernel_errors()]
            errors += [self.export.name + ': ' + text for text in self.export.errors()]
        except GuestError as e:
            raise CaseFailed(str(e)) from None
        errors = [text for text in errors if not (allowed and re.search(allowed, text))]
        if errors:
            raise CaseFailed('\n'.join(errors))

    def end(self):
        """Everything ends in order, the hosts first. Their messages stay in a log each."""
        for number, host in enumerate(self.hosts, 1):
            name = 'host.log' if number == 1 else 'host%d.log' % number
            with open(os.path.join(self.folder, name), 'w') as f:
                f.write(host.run('dmesg')[1])
        self.export.end()
        self.stop_adapter()

    def check_firmware(self):
        if self.peer == 'weft':
            super().check_firmware()
