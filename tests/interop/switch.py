#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An Ethernet switch between UNIX datagram sockets, one frame per datagram, for rigs of more
than two adapters and guests.

  switch.py [--lossless] OWN:PEER OWN:PEER...
                                    each port: the socket of the switch, the socket at the other end

Learns which port an address is at; what it does not know, and what is for many, goes to every
other port. A port whose other end is not there, or is full, loses frames as a cable does; with
--lossless a full one is waited for, up to 2 s, as Fibre Channel over Ethernet needs it. Says
"ready" on standard output when all ports are there; ends on SIGTERM."""
import errno
import os
import select
import socket
import sys
import time

FRAME_MAX = 65550
HEADER = 14
FULL = (errno.EAGAIN, errno.ENOBUFS)
PATIENCE = 2.0
LOST = (errno.ENOENT, errno.ECONNREFUSED, errno.EAGAIN, errno.ENOBUFS, errno.ECONNRESET)


class Switch:
    """Forwards between ports given as (own, peer) socket paths."""

    def __init__(self, ports, lossless=False):
        self.peers, self.where = {}, {}
        self.patience = PATIENCE if lossless else 0
        for own, peer in ports:
            if os.path.exists(own):
                os.unlink(own)
            port = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            port.bind(own)
            self.peers[port] = peer

    def close(self):
        for port in self.peers:
            port.close()

    def _send(self, port, frame):
        end = time.monotonic() + self.patience
        while True:
            try:
                port.sendto(frame, self.peers[port])
                return
            except OSError as e:
                if e.errno not in LOST:
                    raise
                if e.errno not in FULL or time.monotonic() >= end:
                    return
            time.sleep(0.0005)

    def forward(self, port, frame):
        """One frame that came in at a port."""
        if len(frame) < HEADER:
            return
        to, source = frame[:6], frame[6:12]
        if not source[0] & 1:
            self.where[source] = port
        known = None if to[0] & 1 else self.where.get(to)
        for other in (known,) if known else self.peers:
            if other is not port:
                self._send(other, frame)

    def step(self, timeout=None):
        """Waits for frames and forwards one of each port that has one."""
        for port in select.select(list(self.peers), [], [], timeout)[0]:
            self.forward(port, port.recv(FRAME_MAX))


def main(arguments):
    lossless = arguments[:1] == ['--lossless']
    ports = [tuple(a.split(':')) for a in arguments[lossless:]]
    if len(ports) < 2 or any(len(p) != 2 or not all(p) for p in ports):
        sys.exit(__doc__)
    switch = Switch(ports, lossless)
    print('ready', flush=True)
    while True:
        switch.step()


if __name__ == '__main__':
    main(sys.argv[1:])
