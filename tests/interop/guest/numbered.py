#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes numbered blocks and says which are safe. Runs in the guest.

  numbered.py DEVICE FIRST SLOTS

Block number N of 4 KiB goes to place FIRST + N % SLOTS of the device, past the cache, and is
flushed; then N is printed: from here on it must never be lost. Goes on until /tmp/stop is
there. What each block holds follows from its number alone, so that anybody can check."""
import hashlib
import mmap
import os
import struct
import sys

SIZE = 4096


def block(number):
    """The content of a block."""
    return struct.pack('<Q', number) + hashlib.sha256(b'%d' % number).digest()[:24] + \
        hashlib.sha256(b'body %d' % number).digest() * (SIZE // 32 - 1)


def number_of(data):
    """The number of a block that is whole; None for any other bytes."""
    number, = struct.unpack_from('<Q', data)
    return number if data == block(number) else None


def lost(acknowledged, first, slots, data):
    """What of the acknowledged numbers 1..N is not in the area: a list of sentences. data: the
    area's bytes. In a place may stand the last block that was acknowledged for it, or the one
    that was under way when the answers ended."""
    problems = []
    last = len(acknowledged)
    if acknowledged != list(range(1, last + 1)):
        return ['the numbers themselves are out of order']
    for number in range(max(1, last - slots + 1), last + 1):
        at = number % slots * SIZE
        found = number_of(data[at:at + SIZE])
        if found != number and not (found == last + 1 and found % slots == number % slots):
            problems.append('place %d holds block %s, not %d' % (first + number % slots, found,
                                                                 number))
    return problems


def main(device, first, slots):
    fd = os.open(device, os.O_RDWR | os.O_DIRECT)
    buffer = mmap.mmap(-1, SIZE)
    number = 0
    while not os.path.exists('/tmp/stop'):
        number += 1
        buffer[:] = block(number)
        if os.pwritev(fd, [buffer], (first + number % slots) * SIZE) != SIZE:
            sys.exit('short write')
        os.fdatasync(fd)
        print(number, flush=True)


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
