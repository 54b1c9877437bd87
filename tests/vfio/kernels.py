# SPDX-License-Identifier: BSD-2-Clause
"""The guests' kernels: Debian 13's own for cloud machines, whose VFIO has groups and type1, and
one built here from Debian 13's source, whose VFIO has character devices and iommufd as well
(Debian's kernels have no iommufd)."""
import collections
import glob
import hashlib
import os
import shutil

import debian

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, 'kernel.config')
SOURCE = 'linux-source-6.12'
CLOUD = 'linux-image-cloud-amd64'
# The modules of VFIO in the order in which Debian's kernel needs them loaded.
VFIO = ('vfio', 'vfio_iommu_type1', 'vfio-pci-core', 'vfio-pci')

# image: what QEMU boots; modules: folder of the kernel's modules, or None; load: those to load.
Kernel = collections.namedtuple('Kernel', 'name image modules load')


def make_cloud(folder, _):
    apt = debian.apt()
    package = apt.depends(CLOUD, r'linux-image-6\.\S+-cloud-amd64')
    debian.unpack([apt.download(package)], folder)


def only(pattern):
    """The one file that fits the pattern."""
    found = glob.glob(pattern)
    if len(found) != 1:
        raise debian.Unavailable('%d files are %s, not one' % (len(found), pattern))
    return found[0]


def cloud():
    """Debian's kernel."""
    folder = debian.cached('kernel-cloud', make_cloud)
    return Kernel('cloud', only(folder + '/boot/vmlinuz-*'),
                  only(folder + '/usr/lib/modules/*'), VFIO)


def settings():
    """The lines of kernel.config that set something."""
    with open(CONFIG) as f:
        return [line.strip() for line in f
                if line.startswith('CONFIG_') or line.endswith(' is not set\n')]


def configure(tree):
    debian.run(['make', '-s', 'tinyconfig'], cwd=tree)
    config = os.path.join(tree, '.config')
    with open(config, 'a') as f:
        f.write('\n'.join(settings()) + '\n')
    debian.run(['make', '-s', 'olddefconfig'], cwd=tree)
    with open(config) as f:
        got = f.read().splitlines()
    lost = [line for line in settings() if line.startswith('CONFIG_') and line not in got]
    if lost:
        raise debian.Unavailable('%s takes not: %s' % (SOURCE, ' '.join(lost)))


def make_iommufd(folder, scratch):
    for program in 'make', 'gcc', 'flex', 'bison', 'bc', 'xz':
        if not shutil.which(program):
            raise debian.Unavailable('%s is needed to build a kernel: run ./setup' % program)
    debian.unpack([debian.apt().download(SOURCE)], scratch)
    debian.run(['tar', '-xf', only(scratch + '/usr/src/linux-source-*.tar.xz')], cwd=scratch)
    tree = os.path.join(scratch, SOURCE)
    configure(tree)
    print('# building the kernel with iommufd: about 5 minutes of a processor', flush=True)
    # Neither this machine's name nor the time of day matters to a test.
    debian.run(['make', '-s', '-j%d' % os.cpu_count(), 'bzImage', 'KBUILD_BUILD_HOST=weft',
                'KBUILD_BUILD_USER=weft'], cwd=tree)
    shutil.copy(os.path.join(tree, 'arch/x86/boot/bzImage'), folder)
    shutil.copy(os.path.join(tree, '.config'), os.path.join(folder, 'config'))


def iommufd():
    """Our own kernel; another configuration is another kernel."""
    digest = hashlib.sha256('\n'.join([SOURCE, *settings()]).encode()).hexdigest()[:12]
    folder = debian.cached('kernel-iommufd-' + digest, make_iommufd)
    return Kernel('iommufd', os.path.join(folder, 'bzImage'), None, ())


KERNELS = {'cloud': cloud, 'iommufd': iommufd}

if __name__ == '__main__':
    for get in KERNELS.values():
        print(*get(), sep='\n')
