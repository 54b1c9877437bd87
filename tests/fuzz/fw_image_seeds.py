#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the first inputs of fw_image_fuzz into a folder: an image that its checker takes, and a flash with three and a record."""
import os
import struct
import sys

SPKI = bytes.fromhex("302a300506032b6570032100") + bytes(range(32))


def tlv(kind, value):
    return struct.pack("<HH", kind, len(value)) + value


def image(counter):
    payload = b"\x13\x00\x00\x00" * 4
    prot = tlv(0x50, struct.pack("<I", counter)) + tlv(0xA0, struct.pack("<I", 7))
    prot = struct.pack("<HH", 0x6908, len(prot) + 4) + prot
    free = tlv(0x10, bytes(32)) + tlv(0x01, bytes(32)) + tlv(0x02, SPKI) + tlv(0x24, bytes(64))
    free = struct.pack("<HH", 0x6907, len(free) + 4) + free
    head = struct.pack("<IIHHIIBBHII", 0x96F3B83D, 0, 32, len(prot), len(payload), 0x20, 1, 0, 0, 0, 0)
    return head + payload + prot + free


def record(seq, active, previous, trial, tried):
    return struct.pack("<IIBBBBBBHIIII", 0x54454257, seq, active, previous, trial, tried, 0, 0, 0, 1, 0, 0, 0)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    records = (record(1, 2, 3, 0, 0) + record(2, 2, 0, 3, 0)).ljust(256, b"\xff")
    seeds = {"image": b"\0" + image(1), "flash": b"\1" + records + image(0) + image(1) + image(2)}
    for name, content in seeds.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)


main()
