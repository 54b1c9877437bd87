#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Ill-behaved NVMe/TCP hosts, one after the other, from plain sockets. Runs in the guest.

  hostile.py ADDRESS PORT SECONDS fatal|wrong|silent...

Each case of these groups connects, sends what it must not, and says how it ended within SECONDS:
"ok NAME: how" or "BAD NAME: how" when the controller kept a connection that it must end.
Exit status 1 if any case was bad."""
import concurrent.futures
import os
import socket
import struct
import sys
import time

IC_REQ, H2C_TERM, CAPSULE, CAPSULE_RESP, H2C_DATA, C2H_DATA, R2T = 0, 2, 4, 5, 6, 7, 9
PDU_NAMES = {1: 'ICResp', 3: 'C2HTermReq', 5: 'CapsuleResp', 7: 'C2HData', 9: 'R2T'}
HEADER = struct.Struct('<BBBBI')
NQN, HOSTNQN = b'nqn.2026-11.org.weft:disk', b'nqn.2026-11.org.weft:ill-behaved'


def pdu(kind, hlen, body=b'', plen=None, pdo=0, flags=0):
    plen = 8 + len(body) if plen is None else plen
    return HEADER.pack(kind, flags, hlen, pdo, plen) + body


def ic_req(pfv=0, hpda=0, digest=0, maxr2t=0, hlen=128, plen=128, length=128):
    body = struct.pack('<HBBI', pfv, hpda, digest, maxr2t)
    return pdu(IC_REQ, hlen, body.ljust(length - 8, b'\0'), plen)


def capsule(sqe, data=b'', **more):
    return pdu(CAPSULE, 72, sqe + data, **dict({'pdo': 72 if data else 0}, **more))


def sqe(opcode, cid=1, middle=bytes(20), sgl=bytes(16), tail=bytes(24)):
    return struct.pack('<BBH', opcode, 0x40, cid) + middle + sgl + tail


def connect(sgl_length=1024, data_length=1024, cntlid=0xffff, qid=0, nqn=NQN, **more):
    """A Connect command with its data."""
    data = (b'\x77' * 16 + struct.pack('<H', cntlid) + bytes(238) + nqn.ljust(256, b'\0') +
            HOSTNQN.ljust(256, b'\0') + bytes(256))[:data_length]
    sgl = struct.pack('<QIBBBB', 0, sgl_length, 0, 0, 0, 1)
    tail = struct.pack('<HHHBBI', 0, qid, 31, 0, 0, 30000).ljust(24, b'\0')
    return capsule(sqe(0x7f, middle=b'\x01'.ljust(20, b'\0'), sgl=sgl, tail=tail), data, **more)


def property_get(offset):
    tail = struct.pack('<BBHI', 1, 0, 0, offset).ljust(24, b'\0')
    return capsule(sqe(0x7f, 2, b'\x04'.ljust(20, b'\0'), b'\0' * 15 + b'\x5a', tail))


def h2c(ttag=0, cid=1, offset=0, length=512, plen=None, data=None):
    data = bytes(length) if data is None else data
    body = struct.pack('<HHII', cid, ttag, offset, length) + bytes(4) + data
    return pdu(H2C_DATA, 24, body, plen, 24, 4)


GREETING = ic_req()
# name: (what is sent, in turn; each after an answer or half a second). An association must end.
FATAL = {
    'unknown version': [ic_req(pfv=1)],
    'ICReq with a wrong header length': [ic_req(hlen=64)],
    'ICReq longer than it may be': [ic_req(plen=136, length=136)],
    'ICReq with alignment 32': [ic_req(hpda=32)],
    'no ICReq first': [connect()],
    'unknown first PDU': [pdu(0x0c, 24, bytes(16))],
    'ICReq twice': [GREETING, GREETING],
    'ICReq after Connect': [GREETING, connect(), GREETING],
    'unknown PDU': [GREETING, connect(), pdu(0x0c, 24, bytes(16))],
    'PDU type FFh': [GREETING, pdu(0xff, 24, bytes(16))],
    'a response from a host': [GREETING, pdu(CAPSULE_RESP, 24, bytes(16))],
    'data from a controller': [GREETING, pdu(C2H_DATA, 24, bytes(16))],
    'R2T from a host': [GREETING, connect(), pdu(R2T, 24, bytes(16))],
    'H2CTermReq': [GREETING, connect(), pdu(H2C_TERM, 24, bytes(16))],
    'data that nobody asked for': [GREETING, connect(), h2c()],
    'data before Connect': [GREETING, h2c(ttag=0xffff)],
    'PDU of 2 GiB': [GREETING, connect(), h2c(plen=0x80000000)],
    'PDU shorter than its header': [GREETING, capsule(sqe(0x06), plen=16)],
    'PDU of no length': [GREETING, capsule(sqe(0x06), plen=0)],
    'capsule with a wrong header length': [GREETING, pdu(CAPSULE, 80, bytes(72), 80)],
    'random bytes': [os.urandom(4096)],
    'random bytes after ICReq': [GREETING, b'\xa5' + os.urandom(4095)],
    'digest left out': [ic_req(digest=1), connect(flags=0)],
}
# These may be answered with an error or end the connection.
WRONG = {
    'command before Connect': [GREETING, property_get(0)],
    'Identify before Connect': [GREETING, capsule(sqe(0x06, sgl=bytes(15) + b'\x5a'))],
    'Connect twice': [GREETING, connect(), connect()],
    'Connect with half its data': [GREETING, connect(512, 512)],
    'Connect that names a controller': [GREETING, connect(cntlid=5)],
    'Connect that names FFFEh': [GREETING, connect(cntlid=0xfffe)],
    'I/O queue of no controller': [GREETING, connect(cntlid=0x777, qid=1)],
    'name without an end': [GREETING, connect(nqn=b'n' * 256)],
}
# A controller has timers for those who say too little.
SILENT = {
    'nothing at all': [],
    'half an ICReq': [GREETING[:64]],
    'no Connect': [GREETING],
    'half a Connect': [GREETING, connect()[:300]],
}


class Talk:
    """A connection and what came back on it."""

    def __init__(self, address, port):
        self.socket = socket.create_connection((address, port), 30)
        self.received, self.ended = b'', None

    def listen(self, seconds, enough=False):
        """Takes what comes until the time is up, the connection ends, or enough came."""
        deadline = time.monotonic() + seconds
        while not self.ended and time.monotonic() < deadline:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                return
            except ConnectionError as e:
                self.ended = type(e).__name__
                return
            self.received += data
            if not data:
                self.ended = 'FIN'
            elif enough:
                return

    def say(self, data):
        try:
            self.socket.settimeout(10)
            self.socket.sendall(data)
        except (ConnectionError, socket.timeout) as e:
            self.ended = self.ended or type(e).__name__

    def answers(self):
        """The PDUs received, by name; a response with its status."""
        found, at = [], 0
        while at + 8 <= len(self.received):
            kind, flags, hlen, _, plen = HEADER.unpack_from(self.received, at)
            name = PDU_NAMES.get(kind, 'type %02xh' % kind)
            if kind == CAPSULE_RESP and at + 24 <= len(self.received):
                name += ' %04xh' % (struct.unpack_from('<H', self.received, at + 22)[0] >> 1)
            found.append(name)
            if plen < 8:
                break
            at += plen
        return found


def run(address, port, seconds, steps, answer_will_do):
    talk = Talk(address, port)
    for number, step in enumerate(steps):
        if talk.ended:
            break
        talk.say(step)
        if number < len(steps) - 1:
            talk.listen(10, enough=True)
    want = len(steps) if answer_will_do else None
    deadline = time.monotonic() + seconds
    while not talk.ended and time.monotonic() < deadline:
        talk.listen(0.5)
        if want and len(talk.answers()) >= want:
            break
    answers = talk.answers()
    error = want and answers and answers[-1].startswith('CapsuleResp') and \
        not answers[-1].endswith('0000h')
    talk.socket.close()
    return bool(talk.ended or error), ', '.join(answers + [talk.ended or 'still open'])


def report(address, port, seconds, name, steps, answer_will_do):
    """Runs a case and prints its line; True when it ended well."""
    start = time.monotonic()
    try:
        good, how = run(address, port, seconds, steps, answer_will_do)
    except OSError as e:
        good, how = False, 'cannot connect: %s' % e
    print('%s %s: %s, %.1f s\n' % ('ok' if good else 'BAD', name, how,
                                  time.monotonic() - start), end='', flush=True)
    return good


def main(address, port, seconds, groups):
    seconds, good = float(seconds), True
    for group, answer in ('fatal', False), ('wrong', True):
        for name, steps in GROUPS[group].items() if group in groups else ():
            good &= report(address, int(port), seconds, name, steps, answer)
    if 'silent' in groups:          # all at once: each waits for a timer
        with concurrent.futures.ThreadPoolExecutor(len(SILENT)) as pool:
            good &= all(list(pool.map(
                lambda item: report(address, int(port), 3 * seconds, *item, False),
                SILENT.items())))
    return 0 if good else 1


GROUPS = {'fatal': FATAL, 'wrong': WRONG, 'silent': SILENT}

if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:4], sys.argv[4:]))
