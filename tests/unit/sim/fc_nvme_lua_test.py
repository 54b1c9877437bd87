#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tools/fc_nvme.lua in tshark: each field of a Linux host's and target's units, what is SCSI stays so, and frames that lie."""
import collections
import os
import random
import struct
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..')
SCRIPT = os.path.join(ROOT, 'tools', 'fc_nvme.lua')
GOLDEN = os.path.join(ROOT, 'tests', 'data', 'fc-r4k.pcap')
FC_2, FC_2_WITH_DELIMITERS = 224, 225
HOST, TARGET = 0x010201, 0x010202


def tshark(path, *line):
    done = subprocess.run(['tshark', '-X', f'lua_script:{SCRIPT}', '-r', path, *line], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding='utf-8', check=True, timeout=60)
    if 'Lua' in done.stderr or 'Lua Error' in done.stdout:
        raise AssertionError(done.stderr + done.stdout)
    return done.stdout


def fields(path, *names, where='fcnvme', more=()):
    """A dictionary for each frame that matches; a field that is there often is a list."""
    line = [word for name in names for word in ('-e', name)]
    rows = tshark(path, '-Y', where, '-T', 'fields', '-E', 'separator=|', '-E', 'aggregator=;', *more, *line)
    return [dict(zip(names, row.split('|'))) for row in rows.splitlines()]


def frame(r_ctl, kind, payload, f_ctl=0x290000, ox_id=0x10, df_ctl=0, param=0):
    to, by = (HOST, TARGET) if f_ctl & 0x800000 else (TARGET, HOST)
    fill = -len(payload) % 4
    return (bytes([r_ctl]) + to.to_bytes(3, 'big') + b'\0' + by.to_bytes(3, 'big') + bytes([kind]) +
            (f_ctl | fill).to_bytes(3, 'big') + bytes([0, df_ctl, 0, 0]) + ox_id.to_bytes(2, 'big') + b'\xff\xff' +
            param.to_bytes(4, 'big') + payload + bytes(fill))


def cmnd(opcode=2, category=8, length=512):
    sqe = bytearray(64)
    sqe[0], sqe[39] = opcode, 0x5a
    sqe[40:48] = (0x123456789).to_bytes(8, 'little')
    return (b'\xfd\x28' + struct.pack('>HHBB', 24, 0, category, 2) + (7 << 40).to_bytes(8, 'big') +
            struct.pack('>II', 99, length) + bytes(sqe) + bytes(8))


class Dissector(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()                     # pylint: disable=R1732
        self.addCleanup(self.folder.cleanup)

    def capture(self, frames, link_type=FC_2):
        path = os.path.join(self.folder.name, 'x.pcap')
        with open(path, 'wb') as f:
            f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, link_type))
            for n, data in enumerate(frames):
                f.write(struct.pack('<IIII', n, 0, len(data), len(data)) + data)
        return path

    # --- what Linux says to Linux

    def test_units_are_counted(self):
        units = collections.Counter(row['fcnvme.iu'] for row in fields(GOLDEN, 'fcnvme.iu'))
        self.assertEqual(units, {'0x06': 28, '0x01': 37, '0x05': 4, '0x07': 15, '0x08': 12, '0x32': 4, '0x33': 4,
                                 '0x81': 1, '0x84': 1})
        self.assertEqual(fields(GOLDEN, 'frame.number', where='fcnvme.short || fcnvme.odd'), [])

    def test_create_association(self):
        request, accept = fields(GOLDEN, 'frame.number', 'fcnvme.ls.command', 'fcnvme.ls.list_len', 'fcnvme.ls.desc.tag',
                                 'fcnvme.ls.desc.len', 'fcnvme.ls.ersp_ratio', 'fcnvme.ls.cntlid', 'fcnvme.ls.sqsize',
                                 'fcnvme.ls.hostid', 'fcnvme.ls.hostnqn', 'fcnvme.ls.subnqn', 'fcnvme.ls.assoc_id',
                                 'fcnvme.ls.conn_id', 'fcnvme.ls.request', 'fcnvme.command_in',
                                 where='frame.number == 7 || frame.number == 8')
        self.assertEqual(list(request.values()),
                         ['7', '0x03', '1016', '0x00000003', '1008', '8', '0xffff', '31', '11111111222233334444555555555555',
                          'nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555', 'nqn.2014-08.org.demo:fc1',
                          '', '', '', ''])
        self.assertEqual(list(accept.values()),
                         ['8', '0x02', '48', '0x00000001;0x00000007;0x00000006', '8;8;8', '', '', '', '', '', '',
                          '0x666a4fbb12ee0000', '0x666a4fbb12ee0000', '0x03', '7'])

    def test_create_connection_and_disconnect(self):
        rows = fields(GOLDEN, 'fcnvme.ls.command', 'fcnvme.ls.request', 'fcnvme.ls.qid', 'fcnvme.ls.sqsize',
                      'fcnvme.ls.ersp_ratio', 'fcnvme.ls.reason', 'fcnvme.ls.explanation', where='fcnvme.ls.command')
        self.assertEqual([list(row.values()) for row in rows[2:]],
                         [['0x04', '', '1', '127', '25', '', ''], ['0x02', '0x04', '', '', '', '', ''],
                          ['0x05', '', '', '', '', '', ''], ['0x05', '', '', '', '', '', ''],
                          ['0x02', '0x05', '', '', '', '', ''], ['0x01', '0x05', '', '', '', '0x40', '0x00']])

    def test_commands(self):
        connect, = fields(GOLDEN, 'fcnvme.cmnd.format_id', 'fcnvme.cmnd.fc_id', 'fcnvme.cmnd.iu_words',
                          'fcnvme.cmnd.category', 'fcnvme.cmnd.flags', 'fcnvme.cmnd.conn_id', 'fcnvme.cmnd.csn',
                          'fcnvme.cmnd.data_len', 'fcnvme.sqe.admin_opc', 'fcnvme.sqe.fctype', 'fcnvme.sqe.connect.qid',
                          'fcnvme.sqe.connect.sqsize', 'fcnvme.sqe.connect.kato', 'fcnvme.sqe.sgl.length',
                          'fcnvme.sqe.sgl.type', where='frame.number == 9')
        self.assertEqual(list(connect.values()),
                         ['0xfd', '0x28', '24', '0x01', '0x01', '0x666a4fbb12ee0000', '1', '1024', '0x7f', '0x01', '0',
                          '31', '5000', '1024', '0x5a'])
        prop, = fields(GOLDEN, 'fcnvme.sqe.property.offset', 'fcnvme.sqe.property.value', where='frame.number == 15')
        self.assertEqual(list(prop.values()), ['0x00000014', '0x0000000000460060'])
        names = tshark(GOLDEN, '-Y', 'fcnvme.cmnd.csn', '-T', 'fields', '-e', '_ws.col.Info').splitlines()
        self.assertEqual(names[0], 'Connect queue 0, CSN 1, 1024 bytes')
        self.assertEqual(names[-1], 'Read queue 1, CSN 8, 512 bytes')
        for name in ('Property Get', 'Property Set', 'Identify', 'Get Log Page', 'Set Features', 'Write', 'Read',
                     'Asynchronous Event Request'):
            self.assertTrue(any(n.startswith(name + ' queue') for n in names), name)

    def test_transfers_and_responses(self):
        rows = fields(GOLDEN, 'fcnvme.iu', 'fcnvme.xfer_rdy.offset', 'fcnvme.xfer_rdy.length', 'fcnvme.data.offset',
                      'fcnvme.data.length', 'fcnvme.ersp.result', 'fcnvme.ersp.iu_words', 'fcnvme.ersp.rsn',
                      'fcnvme.ersp.xfrd_len', 'fcnvme.cqe.dw0', 'fcnvme.cqe.sqhd', 'fcnvme.cqe.cid', 'fcnvme.cqe.status',
                      'fcnvme.command_in', where='frame.number >= 10 && frame.number <= 12 || frame.number == 27')
        self.assertEqual([list(row.values()) for row in rows],
                         [['0x05', '0', '1024'] + [''] * 10 + ['9'], ['0x01', '', '', '0', '1024'] + [''] * 8 + ['9'],
                          ['0x08', '', '', '', '', '0x00', '8', '2', '1024', '0x00000001', '1', '0x0000', '0x0000', '9'],
                          ['0x01', '', '', '2112', '1984'] + [''] * 8 + ['25']])

    def test_answers_are_known_in_a_second_pass(self):
        rows = fields(GOLDEN, 'fcnvme.answer_in', where='frame.number == 7 || frame.number == 9', more=('-2',))
        self.assertEqual([row['fcnvme.answer_in'] for row in rows], ['8', '12'])

    # --- what nobody says

    def test_scsi_stays_scsi(self):
        scsi = bytes(8) + bytes([0, 0, 0, 2, 0x28]) + bytes(15) + (512).to_bytes(4, 'big')
        path = self.capture([frame(6, 8, scsi), frame(1, 8, bytes(512), 0x880008), frame(7, 8, bytes(24), 0x990000)])
        self.assertEqual(fields(path, 'frame.number'), [])
        self.assertIn('SCSI', tshark(path))

    def test_an_exchange_is_what_its_last_command_was(self):
        scsi = bytes(8) + bytes([0, 0, 0, 2, 0x28]) + bytes(15) + (512).to_bytes(4, 'big')
        path = self.capture([frame(6, 8, cmnd()), frame(1, 8, bytes(510), 0x880008), frame(6, 8, scsi),
                             frame(1, 8, bytes(512), 0x880008), frame(6, 8, cmnd(), ox_id=0x11),
                             frame(1, 8, bytes(512), 0x880008), frame(7, 8, bytes(12), 0x990000, ox_id=0x11)])
        rows = fields(path, 'frame.number', 'fcnvme.data.length', 'fcnvme.command_in')
        self.assertEqual([list(row.values()) for row in rows],
                         [['1', '', ''], ['2', '510', '1'], ['5', '', ''], ['7', '', '5']])

    def test_optional_headers_are_passed_over(self):
        path = self.capture([frame(6, 8, bytes(16) + cmnd(), df_ctl=1), frame(6, 8, bytes(24) + cmnd(), df_ctl=0x60)])
        rows = fields(path, 'fcnvme.cmnd.csn', 'fcnvme.sqe.io_opc', 'fcnvme.sqe.slba')
        self.assertEqual([list(row.values()) for row in rows], [['99', '0x02', str(0x123456789)]] * 2)

    def test_delimiters_and_none_are_the_same(self):
        whole = b'\xbc\xb5\x56\x56' + frame(6, 8, cmnd()) + bytes(4) + b'\xbc\x95\x75\x75'
        path = self.capture([whole], FC_2_WITH_DELIMITERS)
        self.assertEqual(fields(path, 'fcnvme.cmnd.csn'), [{'fcnvme.cmnd.csn': '99'}])

    def test_recovery_units(self):
        path = self.capture([frame(9, 8, bytes([0x28, 1, 0, 5, 0, 0, 0, 0])), frame(10, 8, bytes([0x28, 2, 0, 3]), 0x980000)])
        rows = fields(path, 'fcnvme.iu', 'fcnvme.sr.opcode', 'fcnvme.sr.r_ctl', 'fcnvme.sr.status')
        self.assertEqual([list(row.values()) for row in rows], [['0x09', '0x01', '0x05', ''], ['0x0a', '0x02', '', '0x03']])

    def test_lies_are_said_to_be(self):
        short = [frame(6, 8, cmnd()[:95]), frame(0x32, 0x28, b'\3\0\0\0'), frame(8, 8, bytes(31)), frame(9, 8, bytes(2)),
                 frame(0x32, 0x28, struct.pack('>IIII', 3 << 24, 12, 3, 4) + bytes(4))]
        odd = [frame(0x32, 0x28, struct.pack('>II', 3 << 24, 99)), frame(0x32, 0x28, struct.pack('>IIII', 3 << 24, 8, 3, 1)),
               frame(0x32, 0x28, struct.pack('>III', 3 << 24, 4, 3)), frame(6, 8, cmnd()[:3] + b'\x19' + cmnd()[4:]),
               frame(6, 8, cmnd()), frame(7, 8, bytes(8), 0x990000)]
        self.assertEqual(len(fields(self.capture(short), 'frame.number', where='fcnvme.short')), 5)
        rows = fields(self.capture(odd), 'frame.number', where='fcnvme.odd')
        self.assertEqual([row['frame.number'] for row in rows], ['1', '2', '3', '4', '6'])

    def test_noise_breaks_nothing(self):
        rng = random.Random(7)
        frames = []
        for _ in range(3000):
            r_ctl, kind = rng.choice([(6, 8), (1, 8), (5, 8), (7, 8), (8, 8), (9, 8), (10, 8), (0x32, 0x28), (0x33, 0x28)])
            payload = bytearray(rng.choice([cmnd(), struct.pack('>IIIIII', 3 << 24, 16, rng.randrange(8), 8, 1, 2)]))
            for _ in range(rng.randrange(4)):
                payload[rng.randrange(len(payload))] = rng.randrange(256)
            frames.append(frame(r_ctl, kind, bytes(payload[:rng.randrange(len(payload) + 1)]),
                                rng.choice([0x290000, 0x990000]), rng.randrange(20), rng.choice([0] * 9 + [rng.randrange(256)]))
                          [:rng.choice([9999] * 9 + [rng.randrange(30)])])
        self.assertGreater(tshark(self.capture(frames), '-V').count('FC-NVMe:'), 500)


if __name__ == '__main__':
    unittest.main()
