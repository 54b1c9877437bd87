#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the judge of Fibre Channel captures: golden ones are found sound, each kind of fault
that is put into one is found."""
import os
import struct
import tempfile
import unittest
import zlib

import fcjudge
from fcjudge import END, EX_CTX, FIRST, INIT, LAST, REL_OFF, Judge, examine, packets

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data')
GOLDEN = {          # frames, commands, link services, logins, aborts
    'fc-r4k.pcap': (106, 28, 4, 0, 1),
    'fc-sequences.pcap': (162, 26, 4, 0, 1),
    'fc-errors.pcap': (381, 107, 18, 0, 4),
}
HOST, TARGET = 2, 1
REQUEST, REPLY = FIRST | END | INIT, EX_CTX | LAST | END | INIT


def path(name):
    return os.path.join(DATA, name)


def frame(to, r_ctl, payload=b'', f_ctl=0, **fields):
    """An FCoE packet between the two ports."""
    v = dict({'type': 8, 'seq_id': 0, 'seq_cnt': 0, 'ox': 0x10, 'rx': 0xffff, 'parm': 0,
              'sof': fcjudge.SOF_I3, 'crc': 0, 'source': None}, **fields)
    s_id = TARGET if to == HOST else HOST
    eof = v.get('eof', fcjudge.EOF_T if f_ctl & END else fcjudge.EOF_N)
    fill = -len(payload) % 4
    fc = struct.pack('>II', r_ctl << 24 | to, s_id) + struct.pack(
        '>IBBHHHI', v['type'] << 24 | f_ctl | fill, v['seq_id'], 0, v['seq_cnt'], v['ox'], v['rx'],
        v['parm']) + payload + bytes(fill)
    mac = b'\x0e\xfd\0' + (v['source'] or s_id).to_bytes(3, 'big')
    return b'\x0e\xfd\0' + to.to_bytes(3, 'big') + mac + b'\x89\x06' + bytes(13) + bytes([v['sof']]) + \
        fc + struct.pack('<I', zlib.crc32(fc) ^ v['crc']) + bytes([eof, 0, 0, 0])


def cmnd(length=8, flags=2, **fields):
    p = bytearray(96)
    p[:8] = b'\xfd\x28\x00\x18\0\0\x08' + bytes([flags])
    struct.pack_into('>I', p, 20, length)
    p[24:28] = b'\x02\x40\x07\x00'
    struct.pack_into('<I', p, 24 + 32, length)
    p[24 + 39] = 0x5a
    return frame(TARGET, fcjudge.CMND, bytes(p), REQUEST, **fields)


def data(payload=bytes(8), f_ctl=EX_CTX | END | REL_OFF, **fields):
    return frame(HOST, fcjudge.DATA, payload, f_ctl, **fields)


def rsp(payload=bytes(12), f_ctl=REPLY, **fields):
    return frame(HOST, fcjudge.RSP, payload, f_ctl, **dict({'seq_id': 1, 'seq_cnt': 1}, **fields))


def ersp(moved=8, cid=7, status=0, words=8):
    p = struct.pack('>BBHII4x', 0, 0, words, 1, moved) + struct.pack('<QHHHH', 0, 1, 0, cid, status << 1)
    return frame(HOST, fcjudge.ERSP, p, REPLY, seq_id=1, seq_cnt=1)


class Golden(unittest.TestCase):
    def test_captures_are_sound_and_have_what_they_have(self):
        for name, counts in GOLDEN.items():
            report = examine(path(name))
            self.assertEqual(report.problems, [], name)
            self.assertEqual(tuple(report[1:]), counts, name)

    def test_a_lost_frame_is_noticed_unless_frames_may_be_lost(self):
        self.assertEqual(len(examine(path('fc-lost-data.pcap')).problems), 2)
        self.assertEqual(examine(path('fc-lost-data.pcap'), lossy=True).problems, [])

    def test_every_damaged_byte_of_a_frame_is_noticed(self):
        packet = list(packets(path('fc-r4k.pcap')))[10]
        for at in range(14, len(packet)):
            damaged = bytearray(packet)
            damaged[at] ^= 0x40
            judge = Judge()
            judge.packet(1, bytes(damaged))
            self.assertEqual(len(judge.problems), 1, 'byte %d' % at)

    def test_both_formats_of_files(self):
        packet = cmnd()
        size = len(packet) + -len(packet) % 4
        block = struct.pack('<IIIIIII', 6, size + 32, 0, 0, 0, len(packet), len(packet)) + \
            packet.ljust(size, b'\0') + struct.pack('<I', size + 32)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (
                    ('ng', struct.pack('<IIIHHqI', 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, -1, 28) + block),
                    ('classic', struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) +
                     struct.pack('<IIII', 0, 0, len(packet), len(packet)) + packet)):
                file = os.path.join(folder, name)
                with open(file, 'wb') as f:
                    f.write(content)
                self.assertEqual(list(packets(file)), [packet])


class Faults(unittest.TestCase):
    """A read of eight bytes, with one thing wrong each time."""

    def judge(self, *frames, **how):
        judge = Judge(**how)
        for number, packet in enumerate(frames, 1):
            judge.packet(number, packet)
        return judge.problems

    def sound(self, *frames):
        self.assertEqual(self.judge(*frames), [])

    def wrong(self, word, *frames):
        problems = self.judge(*frames)
        self.assertTrue(any(word in text for text in problems), problems)

    def test_sound_reads(self):
        self.sound(cmnd(), data(), rsp())
        self.sound(cmnd(), data(), ersp())
        self.sound(cmnd(), frame(HOST, fcjudge.ERSP, struct.pack('>BBHII4x', 0, 0, 8, 1, 0) + struct.pack(
            '<QHHHH', 0, 1, 0, 7, 0x4002 << 1 & 0xffff), REPLY))
        self.sound(cmnd(6), data(bytes(6)), rsp())
        self.sound(cmnd(), data(bytes(4), EX_CTX | REL_OFF),
                   data(bytes(4), seq_cnt=1, parm=4, sof=fcjudge.SOF_N3), rsp(seq_cnt=2))

    def test_frames(self):
        self.wrong('CRC', cmnd(crc=1))
        self.wrong('SOF', cmnd(sof=0x2d))
        self.wrong('SOF', cmnd(eof=0x50))
        self.wrong('EOF', cmnd(eof=fcjudge.EOF_N))
        self.wrong('S_ID', cmnd(source=9))
        self.wrong('TYPE', cmnd(type=0x28))
        self.wrong('F_CTL', cmnd(), data(f_ctl=EX_CTX | END))
        self.wrong('F_CTL', cmnd(), data(f_ctl=EX_CTX | END | REL_OFF | 1 << 9))
        self.wrong('initiative', cmnd(), data(bytes(4), EX_CTX | INIT | REL_OFF))

    def test_sequences(self):
        self.wrong('SEQ_CNT', cmnd(seq_cnt=3))
        self.wrong('SEQ_CNT', cmnd(), data(), rsp(seq_cnt=2))
        self.wrong('SEQ_ID', cmnd(), data(), rsp(seq_id=0))
        self.wrong('begins inside', cmnd(), data(bytes(4), EX_CTX | REL_OFF), rsp())
        self.wrong('goes on with nothing', cmnd(), data(sof=fcjudge.SOF_N3))
        self.wrong('FIRST_SEQ', cmnd(), data(f_ctl=EX_CTX | END | REL_OFF | FIRST))

    def test_exchanges(self):
        self.wrong('in use', cmnd(), cmnd())
        self.wrong('after its end', cmnd(), data(), rsp(), data())
        self.sound(cmnd(), data(), rsp(), cmnd(), data(), rsp())

    def test_units(self):
        self.wrong('CMND', cmnd(flags=3))
        self.wrong('CMND', cmnd(flags=0))
        self.wrong('at 4, not at 0', cmnd(), data(parm=4))
        self.wrong('of 8', cmnd(), data(bytes(12)))
        self.wrong('wrong direction', cmnd(flags=1), data())
        self.wrong('RSP after 0 of 8', cmnd(), rsp(seq_cnt=0))
        self.wrong('RSP of 12', cmnd(), data(), rsp(b'\x01' + bytes(11)))
        self.wrong('RSP of 16', cmnd(), data(), rsp(bytes(16)))
        self.wrong('response with', cmnd(), data(), rsp(f_ctl=EX_CTX | END | INIT))
        self.wrong('moved', cmnd(), data(), ersp(moved=4))
        self.wrong('0008, not 0007', cmnd(), data(), ersp(cid=8))
        self.wrong('ERSP of 32', cmnd(), data(), ersp(words=9))

    def test_writes(self):
        def ready(offset=0, burst=8, f_ctl=EX_CTX | END | INIT, **fields):
            return frame(HOST, fcjudge.XFER_RDY, struct.pack('>III', offset, burst, 0), f_ctl, **fields)

        def sent(payload=bytes(8), f_ctl=END | INIT | REL_OFF, **fields):
            return frame(TARGET, fcjudge.DATA, payload, f_ctl, **dict({'seq_id': 1}, **fields))
        start = cmnd(flags=1)
        self.sound(start, ready(), sent(), rsp(seq_cnt=0))
        self.wrong('XFER_RDY', start, ready(burst=12))
        self.wrong('XFER_RDY', start, ready(burst=0))
        self.wrong('XFER_RDY', start, ready(offset=4, burst=4))
        self.wrong('XFER_RDY', start, ready(f_ctl=EX_CTX | END))
        self.wrong('XFER_RDY', cmnd(), ready())
        self.wrong('write DATA ends', start, ready(), sent(bytes(4)))
        self.wrong('of 0', start, sent())

    def test_link_services(self):
        ask = struct.pack('>IIIIQIIQQ', 5 << 24, 40, 7, 8, 1 << 16, 5, 16, 0, 0)
        answer = struct.pack('>IIIIII', 2 << 24, 16, 1, 8, 5 << 24, 0)

        def rqst(p):
            return frame(TARGET, fcjudge.LS_RQST, p, REQUEST, type=0x28)

        def resp(p):
            return frame(HOST, fcjudge.LS_RESP, p, REPLY, type=0x28)
        self.sound(rqst(ask), resp(answer))
        self.wrong('LS', rqst(ask[:-4]))
        self.wrong('descriptors', rqst(ask[:12] + struct.pack('>I', 12) + ask[16:]))
        self.wrong('answer names', rqst(ask), resp(answer[:16] + b'\x06' + answer[17:]))
        self.wrong('ACC for', rqst(ask), resp(answer[:4] + struct.pack('>I', 24) + answer[8:] + bytes(8)))

    def test_only_one_side_may_be_judged(self):
        frames = cmnd(crc=1), data(parm=4)
        self.assertEqual(self.judge(*frames, own=HOST)[0][:8], 'frame 1:')
        self.assertEqual(self.judge(cmnd(), data(parm=4), own=HOST), [])

    def test_fip(self):
        body = bytes((2, 2)) + bytes(6) + bytes((4, 3)) + bytes(10) + bytes((11, 5)) + bytes(18)
        head = bytes(12) + b'\x89\x14\x10\x00\x00\x05\x00%c\x00%c\x00\x00'
        self.sound(head % (5, 10) + body, head % (1, 10) + body)
        self.wrong('subcode 3', head % (3, 10) + body)
        self.wrong('descriptor 2', head % (5, 10) + b'\x02\x03' + body[2:])
        self.wrong('subcode', head % (5, 11) + body)


if __name__ == '__main__':
    unittest.main()
