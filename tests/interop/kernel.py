# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel for the guest: fetched as a package, unpacked, never installed.

The newest 6.12 kernel that apt knows is taken (Debian 12 has one in its security
archive, Debian 13 as its own): its NVMe target and host are the peers Weft is
tested against. Everything goes to build/guest/ and stays there for the next run;
only the download needs a network, and no part needs root."""
import collections
import fcntl
import glob
import gzip
import lzma
import os
import re
import shutil
import struct
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(ROOT, 'build', 'guest')
PATTERN = re.compile(r'^linux-image-(\d+\.\d+\.\d+[^-]*(?:-\d+)?)-amd64$')
PREFERRED = '6.12.'

Kernel = collections.namedtuple('Kernel', 'release vmlinux modules')


class Unavailable(Exception):
    """Something this machine would need is not there and cannot be had."""


def run(command, **kw):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **kw)


def version_key(release):
    return [int(part) if part.isdigit() else part for part in re.findall(r'\d+|\D+', release)]


def choose(names):
    """The package to take out of these names: the newest 6.12, else the newest."""
    releases = [m.group(1) for m in map(PATTERN.match, names) if m]
    preferred = [r for r in releases if r.startswith(PREFERRED)]
    best = max(preferred or releases, key=version_key, default=None)
    return best and 'linux-image-%s-amd64' % best


def apt_options(private):
    """Options that make apt keep its package lists in build/guest/ and need no root."""
    options = ['-o', 'APT::Sandbox::User=root']
    if private:
        state = os.path.join(CACHE, 'apt')
        os.makedirs(os.path.join(state, 'lists', 'partial'), exist_ok=True)
        options += ['-o', 'Dir::State::Lists=' + os.path.join(state, 'lists'),
                    '-o', 'Dir::Cache=' + state, '-o', 'Debug::NoLocking=true']
    return options


def download(folder, private):
    """Downloads the best kernel into folder; returns its file name or raises."""
    options = apt_options(private)
    if private:
        run(['apt-get', '-qq', *options, 'update'])
    found = run(['apt-cache', *options, 'search', '--names-only', '^linux-image-.*-amd64$'])
    package = choose([line.split(' ')[0] for line in found.stdout.decode().splitlines()])
    if not package:
        raise Unavailable('apt knows no linux-image-*-amd64 package')
    got = run(['apt-get', '-q', *options, 'download', package], cwd=folder)
    files = glob.glob(os.path.join(folder, package + '_*.deb'))
    if got.returncode or not files:
        raise Unavailable('apt-get download %s: %s' % (package, got.stderr.decode().strip()))
    return files[0]


def fetch(folder):
    """As download(), with the system's package lists or, if they are of no use, fresh ones."""
    if not shutil.which('apt-get') or not shutil.which('dpkg'):
        raise Unavailable('no kernel for the guest: apt-get and dpkg are needed to get one')
    try:
        return download(folder, private=False)
    except Unavailable:
        pass
    try:
        return download(folder, private=True)
    except Unavailable as e:
        raise Unavailable('no kernel for the guest: %s' % e) from None


def packages(names, folder):
    """The files of these packages, fetched into folder; as fetch(), for names that are known."""
    for private in False, True:
        options = apt_options(private)
        if private:
            run(['apt-get', '-qq', *options, 'update'])
        got = run(['apt-get', '-q', *options, 'download', *names], cwd=folder)
        files = [glob.glob(os.path.join(folder, name + '_*.deb')) for name in names]
        if not got.returncode and all(files):
            return [found[0] for found in files]
    raise Unavailable('apt-get download %s: %s' % (' '.join(names), got.stderr.decode().strip()))


def decompress(data):
    """The payload of a bzImage, whatever it was packed with."""
    if data[:2] == b'\x1f\x8b':
        return gzip.decompress(data)
    if data[:6] == b'\xfd7zXZ\0':
        return lzma.LZMADecompressor().decompress(data)
    if data[:4] == b'\x28\xb5\x2f\xfd':
        # Four bytes of uncompressed length follow the frame.
        done = subprocess.run(['zstd', '-qdc'], input=data[:-4], stdout=subprocess.PIPE,
                              check=True)
        return done.stdout
    raise Unavailable('kernel image packed in a way not known here: ' + data[:6].hex())


def extract_vmlinux(bzimage):
    """The ELF kernel inside: QEMU boots it at once, with no slow unpacking in the guest."""
    if bzimage[0x202:0x206] != b'HdrS':
        raise Unavailable('not a bzImage')
    setup_sectors = bzimage[0x1f1] or 4
    offset, length = struct.unpack_from('<II', bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    elf = decompress(bzimage[start:start + length])
    if elf[:4] != b'\x7fELF':
        raise Unavailable('no ELF image inside the bzImage')
    return elf


def unpack(deb, folder):
    done = run(['dpkg', '-x', deb, folder])
    if done.returncode:
        raise Unavailable('dpkg -x %s: %s' % (deb, done.stderr.decode().strip()))
    image, = glob.glob(os.path.join(folder, 'boot', 'vmlinuz-*'))
    with open(image, 'rb') as f:
        elf = extract_vmlinux(f.read())
    with open(os.path.join(folder, 'vmlinux'), 'wb') as f:
        f.write(elf)


def locate(folder):
    """The kernel unpacked in folder, or None."""
    found = glob.glob(os.path.join(folder, 'lib', 'modules', '*')) + \
        glob.glob(os.path.join(folder, 'usr', 'lib', 'modules', '*'))
    vmlinux = os.path.join(folder, 'vmlinux')
    if len(found) != 1 or not os.path.exists(vmlinux):
        return None
    return Kernel(os.path.basename(found[0]), vmlinux, found[0])


def get():
    """The kernel, from build/guest/kernel or fetched now. Safe to call from many processes."""
    os.makedirs(CACHE, exist_ok=True)
    final, partial = os.path.join(CACHE, 'kernel'), os.path.join(CACHE, 'kernel.partial')
    with open(os.path.join(CACHE, 'lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not locate(final):
            for folder in final, partial:
                shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(partial)
            deb = fetch(partial)
            unpack(deb, partial)
            os.unlink(deb)
            os.rename(partial, final)
        return locate(final)


if __name__ == '__main__':
    print(*get(), sep='\n')
