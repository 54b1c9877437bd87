# SPDX-License-Identifier: BSD-2-Clause
"""An initramfs (cpio, "newc") for the guest, put together without root.

Holds busybox, the kernel modules asked for with all they depend on, programs of
this machine with their shared libraries, and the guest's own scripts."""
import glob
import gzip
import lzma
import os
import re
import shutil
import stat
import subprocess

from kernel import Unavailable

FOLDERS = ('bin', 'dev', 'etc', 'lib/modules', 'proc', 'root', 'run', 'sbin', 'sys', 'tmp', 'usr')
NODES = {'dev/console': (5, 1), 'dev/null': (1, 3)}


class Archive:
    """Files by path, written out as one cpio archive."""

    def __init__(self):
        self.entries = {}

    def _put(self, path, mode, data=b'', device=(0, 0)):
        path = path.strip('/')
        folder = os.path.dirname(path)
        if folder and folder not in self.entries:
            self._put(folder, stat.S_IFDIR | 0o755)
        self.entries[path] = (mode, data, device)

    def folder(self, path):
        self._put(path, stat.S_IFDIR | 0o755)

    def file(self, path, data, mode=0o644):
        self._put(path, stat.S_IFREG | mode, data)

    def link(self, path, target):
        self._put(path, stat.S_IFLNK | 0o777, target.encode())

    def node(self, path, device):
        self._put(path, stat.S_IFCHR | 0o600, device=device)

    def __contains__(self, path):
        return path.strip('/') in self.entries

    def pack(self):
        """The archive's bytes; the same entries always give the same bytes."""
        out = []
        for number, path in enumerate(sorted(self.entries), 1):
            mode, data, device = self.entries[path]
            out += self._record(number, path, mode, data, device)
        out += self._record(0, 'TRAILER!!!', 0, b'', (0, 0))
        return b''.join(out)

    @staticmethod
    def _record(number, path, mode, data, device):
        name = path.encode() + b'\0'
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
        head = b'070701' + b''.join(b'%08X' % f for f in fields) + name
        return head, bytes(-len(head) % 4), data, bytes(-len(data) % 4)


def module_name(path):
    return re.sub(r'\.ko.*$', '', os.path.basename(path)).replace('-', '_')


def read_module(path):
    with open(path, 'rb') as f:
        data = f.read()
    if path.endswith('.xz'):
        return lzma.decompress(data)
    if path.endswith('.gz'):
        return gzip.decompress(data)
    if path.endswith('.zst'):
        return subprocess.run(['zstd', '-qdc'], input=data, stdout=subprocess.PIPE,
                              check=True).stdout
    return data


def module_info(data, key):
    """The values of one key of the module's .modinfo section."""
    return [m.decode() for m in re.findall(rb'\0' + key + rb'=([^\0]*)', data)]


class Modules:
    """The modules of an unpacked kernel, and the order in which to load some of them."""

    def __init__(self, folder):
        self.paths = {module_name(p): p
                      for p in glob.glob(os.path.join(folder, 'kernel', '**', '*.ko*'),
                                         recursive=True)}
        with open(os.path.join(folder, 'modules.builtin')) as f:
            self.builtin = {module_name(line.strip()) for line in f}
        self.order, self.data, self.missing = [], {}, []

    def need(self, name, optional=False):
        name = name.replace('-', '_')
        if name in self.data or name in self.builtin:
            return
        if name not in self.paths:
            if not optional:
                self.missing.append(name)
            return
        self.data[name] = read_module(self.paths[name])
        for line in module_info(self.data[name], b'softdep'):
            for before in re.sub(r'post:.*', '', line).replace('pre:', '').split():
                self.need(before, optional=True)
        for line in module_info(self.data[name], b'depends'):
            for before in filter(None, line.split(',')):
                self.need(before)
        self.order.append(name)


def shared_libraries(program):
    """Where the program's libraries lie; none for a static one."""
    out = subprocess.run(['ldd', program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, check=False).stdout
    if 'not found' in out:
        raise Unavailable('%s lacks a library:\n%s' % (program, out))
    return re.findall(r'(?:=> )?(/\S+) \(0x', out)


def add_program(archive, name):
    """Adds a program of this machine, found by name, as /bin/NAME."""
    path = shutil.which(name, path='/usr/sbin:/usr/bin:/sbin:/bin')
    if not path:
        raise Unavailable('%s is needed for the guest: run ./setup' % name)
    for source in [path, *shared_libraries(path)]:
        target = 'bin/' + name if source == path else source
        if target not in archive:
            with open(source, 'rb') as f:
                archive.file(target, f.read(), 0o755)


def add_busybox(archive):
    add_program(archive, 'busybox')
    names = subprocess.run(['busybox', '--list'], stdout=subprocess.PIPE, text=True, check=True)
    for name in names.stdout.split():
        if 'bin/' + name not in archive:
            archive.link('bin/' + name, 'busybox')


def build(image, modules, optional, spare, programs, files):
    """The archive as bytes. modules are loaded at boot, after those of optional that the
    kernel has; spare ones are only there; files: {path in the guest: (bytes, mode)}."""
    archive = Archive()
    for path in FOLDERS:
        archive.folder(path)
    for path, device in NODES.items():
        archive.node(path, device)
    for name in programs:
        add_program(archive, name)
    add_busybox(archive)
    add_modules(archive, Modules(image.modules), modules, optional, spare)
    for path, (data, mode) in files.items():
        archive.file(path, data, mode)
    return archive.pack()


def add_modules(archive, found, modules, optional, spare):
    for name in optional:
        found.need(name, optional=True)
    for name in modules:
        found.need(name)
    order = list(found.order)
    for name in spare:
        found.need(name)
    if found.missing:
        raise Unavailable('the guest\'s kernel has no module ' + ', '.join(found.missing))
    for name in found.order:
        archive.file('lib/modules/%s.ko' % name, found.data[name])
    archive.file('lib/modules/order', ''.join(n + '\n' for n in order).encode())
