# SPDX-License-Identifier: BSD-2-Clause
"""The rig of a case in which Linux is the host: its guest, the co-simulated adapter as a
process, and `weft target` that exports disks through it, joined by sockets.

    Linux host's guest --(one Ethernet frame per datagram)-- weft-sim --(vfio-user)-- weft target

With peer='linux' Linux's own target in a second guest takes the adapter's place: the same
frames, the same cases, to prove the cases."""
import os
import re

from adapter import AdapterRig, CaseFailed
from exporter import LinuxExporter, WeftExporter
from guest import GuestError
from host import Host


class HostRig(AdapterRig):
    """host: the guest; export: what exports the disks."""

    def __init__(self, folder, *, peer='weft', cpus=1, **kw):
        super().__init__(folder, **kw)
        self.peer, self.cpus = peer, cpus
        self.host = self.export = None

    def start(self):
        self.prepare()
        # QEMU writes the classic format, weft-sim pcapng; tshark looks at the content.
        pcap = self.capture if self.peer == 'linux' else None
        self.host = Host(eth=(self.words['peer'], self.words['eth']), mtu=self.mtu,
                         cpus=self.cpus, pcap=pcap)
        self.callback(self.host.stop)
        self.host.boot()
        if self.peer == 'weft':
            self.start_adapter()
            self.export = WeftExporter(self)
        else:
            self.export = LinuxExporter(self)
        self.callback(self.export.stop)
        self.export.launch()

    def impair(self, rules):
        self.host.netem(rules)

    def check_peers(self, allowed=None):
        """allowed: pattern of error messages that the case provokes."""
        try:
            errors = ['the host\'s kernel: ' + text for text in self.host.kernel_errors()]
            errors += [self.export.name + ': ' + text for text in self.export.errors()]
        except GuestError as e:
            raise CaseFailed(str(e)) from None
        errors = [text for text in errors if not (allowed and re.search(allowed, text))]
        if errors:
            raise CaseFailed('\n'.join(errors))

    def end(self):
        """Everything ends in order, the host first. The host's messages stay in its log."""
        with open(os.path.join(self.folder, 'host.log'), 'w') as f:
            f.write(self.host.run('dmesg')[1])
        self.export.end()
        self.stop_adapter()

    def check_firmware(self):
        if self.peer == 'weft':
            super().check_firmware()
