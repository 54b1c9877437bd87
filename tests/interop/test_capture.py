#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the capture check: sound captures pass, each kind of damage is named."""
import os
import shutil
import struct
import sys
import tempfile
import unittest

from capture import check_capture, examine
from rawpeer import TCP, checksum, pseudo_header

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'data')
ETH, IP, TCP_HEAD = 0, 14, 34
HOST, TARGET = '10.0.0.1', '10.0.0.2'


class Pcap:
    """A classic pcap in memory, to be damaged and written out again."""

    def __init__(self, name):
        with open(os.path.join(DATA, name), 'rb') as f:
            data = f.read()
        self.head, self.records, at = data[:24], [], 24
        while at < len(data):
            length = struct.unpack_from('<I', data, at + 8)[0]
            self.records.append((data[at:at + 8], bytearray(data[at + 16:at + 16 + length])))
            at += 16 + length

    def frame(self, number):
        """Frame by tshark's number, which starts at 1."""
        return self.records[number - 1][1]

    def payload_at(self, number):
        return TCP_HEAD + (self.frame(number)[TCP_HEAD + 12] >> 4) * 4

    def mend_tcp_checksum(self, number):
        frame = self.frame(number)
        frame[TCP_HEAD + 16:TCP_HEAD + 18] = b'\0\0'
        segment = bytes(frame[TCP_HEAD:])
        pseudo = pseudo_header(bytes(frame[26:30]), bytes(frame[30:34]), TCP, len(segment))
        frame[TCP_HEAD + 16:TCP_HEAD + 18] = struct.pack('>H', checksum(pseudo + segment))

    def make_checksum_zero(self, number, written):
        """The urgent pointer, which nobody reads, makes up for all that is in the segment."""
        self.frame(number)[TCP_HEAD + 18:TCP_HEAD + 20] = b'\0\0'
        self.mend_tcp_checksum(number)
        frame = self.frame(number)
        frame[TCP_HEAD + 18:TCP_HEAD + 20] = frame[TCP_HEAD + 16:TCP_HEAD + 18]
        self.mend_tcp_checksum(number)
        assert not any(frame[TCP_HEAD + 16:TCP_HEAD + 18])
        frame[TCP_HEAD + 16:TCP_HEAD + 18] = struct.pack('>H', written)

    def damage(self, number, offset, bits=0x10, mend=False):
        """Flips bits of a byte of the TCP payload; mend makes the TCP checksum right again."""
        self.frame(number)[self.payload_at(number) + offset] ^= bits
        if mend:
            self.mend_tcp_checksum(number)

    def double_damaged(self, number, at):
        """Puts a damaged copy of a frame right before it, as if it had been sent again."""
        stamp, frame = self.records[number - 1]
        copy = bytearray(frame)
        copy[at] ^= 0x10
        self.records.insert(number - 1, (stamp, copy))

    def write(self, path):
        with open(path, 'wb') as f:
            f.write(self.head)
            for stamp, frame in self.records:
                f.write(stamp + struct.pack('<II', len(frame), len(frame)) + frame)


class CheckCapture(unittest.TestCase):
    def check(self, pcap, **kw):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'x.pcap')
            pcap.write(path)
            return check_capture(path, **kw)

    def pdu_frame(self, pcap, kind, source):
        """Number of the first frame from an address whose payload starts with this PDU type."""
        address = bytes(map(int, source.split('.')))
        for number, (_, frame) in enumerate(pcap.records, 1):
            at = self.payload_length(pcap, number)
            if at > 8 and frame[pcap.payload_at(number)] == kind and frame[26:30] == address:
                return number
        self.fail('no such PDU')

    @staticmethod
    def payload_length(pcap, number):
        return len(pcap.frame(number)) - pcap.payload_at(number)

    def test_sound_captures_have_no_problem(self):
        pdus = {'connect-nodigest': 93, 'connect-digests': 93, 'discover': 36, 'mtu9000': 82,
                'sqflow-off': 70, 'multi-queue': 115}
        for name, number in pdus.items():
            report = examine(os.path.join(DATA, name + '.pcap'))
            self.assertEqual((report.problems, report.pdus), ([], number), name)

    def test_a_lossy_link_is_no_problem(self):
        """Of the 82 PDUs, tshark 4.4 loses sight of two where segments came early."""
        report = examine(os.path.join(DATA, 'loss.pcap'))
        self.assertEqual(report.problems, [])
        self.assertIn(report.pdus, range(80, 83))
        self.assertGreater(report.retransmissions, 10)

    def test_success_flags_are_counted(self):
        for name, number in (('sqflow-off', 17), ('connect-digests', 0)):
            self.assertEqual(examine(os.path.join(DATA, name + '.pcap')).successes, number, name)

    def test_every_digest_is_verified(self):
        self.assertEqual(examine(os.path.join(DATA, 'connect-digests.pcap')).digests, 89 + 22)

    def test_deliberate_errors_are_all_named(self):
        text = '\n'.join(check_capture(os.path.join(DATA, 'errors.pcap')))
        for problem, number in (('bad header digest', 4), ('bad data digest', 3),
                                ('H2CTermReq', 1), ('unknown PDU type', 6)):
            self.assertEqual(text.count(problem), number, problem)

    def test_bad_tcp_checksum(self):
        pcap = Pcap('connect-digests.pcap')
        number = self.pdu_frame(pcap, 5, TARGET)
        pcap.damage(number, 10)
        self.assertIn('frame %d: bad tcp checksum' % number, self.check(pcap))

    def test_checksum_of_zero_may_be_written_as_linux_does(self):
        for written, problems, own in (0, 0, None), (0xffff, 0, HOST), (0xfffe, 1, HOST):
            pcap = Pcap('connect-digests.pcap')
            pcap.make_checksum_zero(self.pdu_frame(pcap, 4, HOST), written)
            self.assertEqual(len(self.check(pcap, own=own)), problems, written)

    def test_bad_ip_checksum(self):
        pcap = Pcap('connect-nodigest.pcap')
        pcap.frame(20)[IP + 1] ^= 4
        self.assertEqual(self.check(pcap), ['frame 20: bad ip checksum'])

    def test_bad_header_digest(self):
        pcap = Pcap('connect-digests.pcap')
        number = self.pdu_frame(pcap, 5, TARGET)
        pcap.damage(number, 10, mend=True)
        self.assertEqual(self.check(pcap), ['frame %d: bad header digest' % number])

    def test_bad_data_digest(self):
        pcap = Pcap('connect-digests.pcap')
        number = self.pdu_frame(pcap, 4, HOST)
        pcap.damage(number, 200, mend=True)
        self.assertEqual(self.check(pcap), ['frame %d: bad data digest' % number])

    def test_malformed_pdu(self):
        pcap = Pcap('connect-nodigest.pcap')
        number = self.pdu_frame(pcap, 5, TARGET)
        pcap.damage(number, 0, bits=0x38, mend=True)
        self.assertEqual(self.check(pcap), ['frame %d: unknown PDU type 3dh' % number])

    def test_term_req_is_a_problem(self):
        pcap = Pcap('connect-nodigest.pcap')
        number = self.pdu_frame(pcap, 5, TARGET)
        pcap.damage(number, 0, bits=5 ^ 3, mend=True)
        self.assertIn('frame %d: C2HTermReq' % number, self.check(pcap))

    def test_damage_on_the_way_is_passed_over_only_for_the_peer(self):
        for kind, source, excused in (5, TARGET, True), (4, HOST, False):
            pcap = Pcap('connect-digests.pcap')
            number = self.pdu_frame(pcap, kind, source)
            pcap.double_damaged(number, pcap.payload_at(number) + 10)
            problem = ['frame %d: bad tcp checksum' % number]
            self.assertIn(problem[0], self.check(pcap))
            found = self.check(pcap, own=HOST)
            self.assertEqual(problem[0] not in found, excused, found)

    def test_damage_of_the_frame_type_is_passed_over_for_the_peer(self):
        pcap = Pcap('connect-digests.pcap')
        pcap.double_damaged(self.pdu_frame(pcap, 5, TARGET), ETH + 12)
        self.assertEqual(self.check(pcap, own=HOST), [])

    def test_a_capture_without_pdus_proves_nothing(self):
        pcap = Pcap('discover.pcap')
        del pcap.records[2:]
        self.assertEqual(len(self.check(pcap)), 1)
        self.assertEqual(self.check(pcap, min_pdus=0), [])

    def test_a_truncated_or_foreign_file_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'x.pcap')
            with open(path, 'wb') as f:
                f.write(b'this is no capture')
            self.assertRaises(ValueError, check_capture, path)


if __name__ == '__main__':
    if not shutil.which('tshark'):
        print('tshark is not installed')
        sys.exit(77)
    unittest.main()
