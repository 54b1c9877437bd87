#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds the kernel module of fc/ for the guest's kernel: the kernel's headers come as Debian
packages, unpacked into build/guest/, never installed. Needs make and the compiler that the kernel
was built with. What was built stays, by the hash of its source.

  fcmodule.py     builds it and prints where it is"""
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys

import kernel
from kernel import CACHE, Unavailable

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'fc')
NAME = 'fcpeer.ko'


def sources():
    return sorted(glob.glob(os.path.join(SOURCE, '*.[ch]')) + [os.path.join(SOURCE, 'Kbuild')])


def key_of(release):
    digest = hashlib.sha256(release.encode())
    for path in sources():
        with open(path, 'rb') as f:
            digest.update(os.path.basename(path).encode() + b'\0' + f.read())
    return digest.hexdigest()[:16]


def unpack(release, folder):
    """The three packages of headers, and the one path in them that is not relative."""
    base = re.sub(r'-amd64$', '', release)
    names = ['linux-headers-' + release, 'linux-headers-%s-common' % base, 'linux-kbuild-' + base]
    for deb in kernel.packages(names, folder):
        done = kernel.run(['dpkg', '-x', deb, folder])
        if done.returncode:
            raise Unavailable('dpkg -x %s: %s' % (deb, done.stderr.decode().strip()))
        os.unlink(deb)
    makefile = os.path.join(tree(release, folder), 'Makefile')
    with open(makefile) as f:
        text = f.read()
    with open(makefile, 'w') as f:
        f.write(text.replace('include /usr/src/', 'include ../'))


def tree(release, folder):
    return os.path.join(folder, 'usr', 'src', 'linux-headers-' + release)


def headers(release):
    """The kernel's build tree."""
    final, partial = (os.path.join(CACHE, name) for name in ('headers', 'headers.partial'))
    if not os.path.exists(os.path.join(tree(release, final), 'Makefile')):
        for folder in final, partial:
            shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(partial)
        unpack(release, partial)
        os.rename(partial, final)
    return tree(release, final)


def build(release, folder):
    """Compiles in folder; warnings are errors."""
    for path in sources():
        shutil.copy(path, folder)
    build_tree = headers(release)
    with open(os.path.join(build_tree, '.kernelvariables')) as f:
        said = re.search(r'(gcc-\d+)$', f.read(), re.M)
    for program in 'make', said and 'x86_64-linux-gnu-' + said.group(1):
        if program and not shutil.which(program):
            raise Unavailable('%s is needed to build the guest\'s module' % program)
    # BTF of modules would need the kernel's debug information.
    done = subprocess.run(['make', '-s', '-C', build_tree, 'M=' + folder, 'W=1', 'KCFLAGS=-Werror',
                           'CONFIG_DEBUG_INFO_BTF_MODULES=', 'modules'], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise ValueError('the guest\'s module does not compile:\n' + done.stdout[-4000:])


def get(image):
    """The module for this kernel. Safe to call from many processes."""
    final = os.path.join(CACHE, 'fcpeer', key_of(image.release), NAME)
    if os.path.exists(final):
        return final
    with open(os.path.join(CACHE, 'fcpeer.lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(final):
            shutil.rmtree(os.path.join(CACHE, 'fcpeer'), ignore_errors=True)
            partial = os.path.join(CACHE, 'fcpeer', 'partial')
            os.makedirs(partial)
            build(image.release, partial)
            os.rename(partial, os.path.dirname(final))
    return final


if __name__ == '__main__':
    try:
        print(get(kernel.get()))
    except Unavailable as e:
        print('skipped: %s' % e)
        sys.exit(77)
