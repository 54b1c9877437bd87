# SPDX-License-Identifier: BSD-2-Clause
"""The guest whose kernel hands the adapter to our programs: a PC with an IOMMU, the co-simulated
adapter as a PCI device (QEMU is the client of weft-sim's vfio-user socket), and QEMU's own `edu`
device."""
import os
import shutil

import debian  # noqa: F401 (it leads to tests/interop)
import qemu
from guest import HERE as INTEROP, Guest, GuestError, check_socket_path
from initramfs import FOLDERS, NODES, Archive, Modules, add_busybox, add_modules, shared_libraries

ADAPTER, EDU = '0000:00:05.0', '0000:00:06.0'
IDS = {ADAPTER: '1b36:0f0e', EDU: '1234:11e8'}
MEMORY = 512
SYSFS = '/sys/bus/pci/devices/'


def pack(kernel, programs, files):
    """The initramfs: the kernel's VFIO, busybox, our programs with the libraries they are linked
    to here, and files: {path in the guest: bytes}."""
    archive = Archive()
    for path in FOLDERS:
        archive.folder(path)
    for path, device in NODES.items():
        archive.node(path, device)
    add_busybox(archive)
    modules = Modules(kernel.modules)
    modules.paths.update(kernel.own)
    add_modules(archive, modules, kernel.load, (), ())
    for program in programs:
        for source in [program, *shared_libraries(program)]:
            target = 'bin/' + os.path.basename(program) if source == program else source
            with open(source, 'rb') as f:
                archive.file(target, f.read(), 0o755)
    with open(os.path.join(INTEROP, 'guest-init.sh'), 'rb') as f:
        archive.file('init', f.read(), 0o755)
    for path, data in files.items():
        archive.file(path, data)
    return archive.pack()


class VfioGuest(Guest):
    """adapter: weft-sim's socket; keep: folder that takes the logs when the guest ends."""
    append = ' intel_iommu=on'
    processor = 'max'   # Linux remaps interrupts with the help of cx16

    def __init__(self, kernel, *, adapter, programs, keep, files=()):
        super().__init__('vfio', memory=MEMORY, qemu=qemu.get())
        self.kernel, self.adapter, self.programs = kernel, adapter, programs
        self.keep, self.files = keep, dict(files)

    def image(self):
        return self.kernel.image, pack(self.kernel, self.programs, self.files)

    def command(self, image, ramfs):
        check_socket_path(self.adapter)
        device = ('{"driver":"vfio-user-pci","bus":"pcie.0","addr":"0x5",'
                  '"socket":{"type":"unix","path":"%s"}}' % self.adapter)
        return [*super().command(image, ramfs),
                # The adapter, another process, maps the guest's memory.
                '-object', 'memory-backend-memfd,share=on,id=mem0,size=%dM' % self.memory,
                '-machine', 'memory-backend=mem0',
                # Before the devices behind it. QEMU ends without caching-mode.
                '-device', 'intel-iommu,caching-mode=on,intremap=on',
                '-device', device,
                # Its DMA reaches the whole IOVA space then, not 28 bits of it.
                '-device', 'edu,addr=0x6,dma_mask=0xffffffffffffffff']

    def stop(self):
        for name in 'console', 'qemu':
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                shutil.copy(path, os.path.join(self.keep, 'guest-%s.log' % name))
        super().stop()

    # -- devices

    def driver(self, bdf):
        """The driver bound to a device, or ''."""
        return os.path.basename(self.run('readlink %s%s/driver' % (SYSFS, bdf))[1].strip())

    def knows(self, verb):
        """Whether weft has this verb."""
        return not self.run('weft --help 2>&1 | grep -q "^ *%s "' % verb)[0]

    def bind(self, bdf):
        """Gives a device to vfio-pci: as a user does, where weft can."""
        if self.knows('bind'):
            self.must('weft bind %s --id %s' % (bdf, IDS[bdf]))
        else:
            self.must('echo vfio-pci >%s%s/driver_override\necho %s >/sys/bus/pci/drivers_probe'
                      % (SYSFS, bdf, bdf))
        if self.driver(bdf) != 'vfio-pci':
            raise GuestError('%s is not bound to vfio-pci' % bdf)
