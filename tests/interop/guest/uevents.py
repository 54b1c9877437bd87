#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints the asynchronous events of a controller as the kernel hands them to user space.

  uevents.py NAME

A line for each: the result of the event's command, as 0x70f002 for a changed discovery log. Goes
on until it is ended. Runs in the guest."""
import socket
import sys

NETLINK_KOBJECT_UEVENT = 15


def event_of(message, name):
    """The event that a uevent of the controller carries, or None."""
    lines = message.split(b'\0')
    if not lines[0].endswith(b'/' + name.encode()):
        return None
    for line in lines[1:]:
        key, _, value = line.partition(b'=')
        if key == b'NVME_AEN':
            return '%#x' % int(value, 16)
    return None


def main(name):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_KOBJECT_UEVENT) as s:
        s.bind((0, 1))
        print('listening', flush=True)
        while True:
            event = event_of(s.recv(65536), name)
            if event:
                print(event, flush=True)


if __name__ == '__main__':
    main(sys.argv[1])
