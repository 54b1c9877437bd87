# SPDX-License-Identifier: BSD-2-Clause
"""A QEMU that has vfio-user-pci (10.1 and later), from Debian 13's backports.

It runs from a folder of its own with the C library it was built for, so this machine may be
older, and keeps its own QEMU."""
import os
import re

import debian

NAME = 'qemu'
START = '''#!/bin/sh
# Runs QEMU with the libraries beside it, and none of this machine's.
root=$(dirname "$(readlink -f "$0")")/root
lib=$root/usr/lib/x86_64-linux-gnu
# Without it QEMU would load modules of another version.
export QEMU_MODULE_DIR=$lib/qemu
exec "$root"/usr/lib64/ld-linux-x86-64.so.2 --library-path "$lib:$lib/qemu" \\
	--argv0 qemu-system-x86_64 "$root/usr/bin/qemu-system-x86_64" \\
	-L "$root/usr/share/qemu" -L "$root/usr/share/seabios" -L "$root/usr/lib/ipxe/qemu" "$@"
'''


def make(folder, _):
    root = os.path.join(folder, 'root')
    debian.unpack(debian.apt().closure('qemu-system-x86', debian.BACKPORTS), root)
    program = os.path.join(folder, 'qemu-system-x86_64')
    with open(program, 'w') as f:
        f.write(START)
    os.chmod(program, 0o755)
    # Fails, and says why, where QEMU has no such device.
    debian.run([program, '-machine', 'none', '-device', 'vfio-user-pci,help'])


def version(program):
    return re.search(r'version (\S+)', debian.run([program, '--version'])).group(1)


def get():
    """Path of the program that starts it."""
    return os.path.join(debian.cached(NAME, make), 'qemu-system-x86_64')


if __name__ == '__main__':
    print(version(get()))
