# SPDX-License-Identifier: BSD-2-Clause
"""The guests' kernels. `cloud` is Debian 13's own for cloud machines, as it is: its VFIO has
groups and type 1. Debian's kernels have no iommufd, so `iommufd` is the kernel of the interop
tests with VFIO and iommufd built anew as modules, from the source package of that very kernel."""
import collections
import glob
import hashlib
import os
import shutil

import debian
import fcmodule
import kernel as interop

HERE = os.path.dirname(os.path.abspath(__file__))
CLOUD = 'linux-image-cloud-amd64'
# The modules of VFIO in the order in which Debian's kernel needs them loaded.
VFIO = ('vfio', 'vfio_iommu_type1', 'vfio-pci-core', 'vfio-pci')
KBUILD = os.path.join(HERE, 'iommufd', 'Kbuild')
# What of the kernel's source goes where, and one file that must not be named as its module is.
PARTS = {'drivers/iommu/iommufd': 'iommufd', 'drivers/vfio': 'vfio', 'drivers/vfio/pci': 'vfio/pci'}
FILES = {'drivers/iommu/iommu-priv.h': 'iommu-priv.h', 'lib/interval_tree.c': 'iommufd',
         'drivers/vfio/vfio_iommu_type1.c': 'vfio/type1.c'}

# image: what QEMU boots; modules: the folder of its modules; own: {module: path} of those that
# take their place; load: what is loaded at boot.
Kernel = collections.namedtuple('Kernel', 'name image modules own load')


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
                  only(folder + '/usr/lib/modules/*'), {}, VFIO)


def collect(tree, folder):
    """Copies what of a kernel's source the modules are made of."""
    for source, place in PARTS.items():
        os.makedirs(os.path.join(folder, place), exist_ok=True)
        for path in glob.glob(os.path.join(tree, source, '*.[ch]')):
            shutil.copy(path, os.path.join(folder, place))
    for source, place in FILES.items():
        shutil.copy(os.path.join(tree, source), os.path.join(folder, place))
    shutil.copy(KBUILD, folder)


def wanted():
    """The paths to unpack, none inside another: tar would miss it."""
    paths = [*PARTS, *FILES]
    return [p for p in paths if not any(p.startswith(other + '/') for other in paths)]


def source_of(release, scratch):
    """The source of a kernel, without what is not needed of it: the package of its own version
    comes from where the kernel came from."""
    name = 'linux-source-' + '.'.join(release.split('.')[:2])
    package, = interop.packages([name], scratch)
    if not os.path.basename(package).split('_')[1].startswith(release.split('+')[0] + '-'):
        raise debian.Unavailable('%s is not the source of the kernel %s: remove build/guest to '
                                 'fetch both anew' % (os.path.basename(package), release))
    debian.unpack([package], scratch)
    archive = only(scratch + '/usr/src/linux-source-*.tar.xz')
    debian.run(['tar', '-C', scratch, '-xf', archive,
                *[os.path.join(name, path) for path in wanted()]])
    return os.path.join(scratch, name)


def make_iommufd(folder, scratch, release):
    with open(os.path.join(interop.CACHE, 'fcpeer.lock'), 'w') as lock:
        debian.lock(lock)
        headers = fcmodule.headers(release)
    collect(source_of(release, scratch), scratch)
    print('# building VFIO and iommufd for %s' % release, flush=True)
    # BTF of modules would need the kernel's debug information.
    debian.run(['make', '-s', '-j%d' % os.cpu_count(), '-C', headers, 'M=' + scratch,
                'CONFIG_DEBUG_INFO_BTF=', 'CONFIG_DEBUG_INFO_BTF_MODULES=', 'modules'])
    for path in glob.glob(os.path.join(scratch, '*.ko')):
        debian.run(['strip', '--strip-debug', '-o',
                    os.path.join(folder, os.path.basename(path)), path])


def iommufd():
    """The kernel of the interop tests with modules of ours; another Kbuild is another set."""
    image = interop.get()
    with open(KBUILD, 'rb') as f:
        digest = hashlib.sha256(f.read() + image.release.encode()).hexdigest()[:12]
    folder = debian.cached('iommufd-' + digest,
                           lambda made, scratch: make_iommufd(made, scratch, image.release))
    own = {os.path.basename(path)[:-3].replace('-', '_'): path
           for path in glob.glob(folder + '/*.ko')}
    return Kernel('iommufd', image.vmlinux, image.modules, own, (*VFIO, 'iommufd'))


KERNELS = {'cloud': cloud, 'iommufd': iommufd}

if __name__ == '__main__':
    for get in KERNELS.values():
        print(*get(), sep='\n')
