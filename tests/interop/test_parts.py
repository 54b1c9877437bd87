#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the parts a guest is made from; nothing is booted and nothing fetched."""
import argparse
import gzip
import json
import lzma
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import fcmodule
import initramfs
import kernel
from exporter import DISK, WeftExporter
from fcguest import FcPort, Names
from kernel import Unavailable
from rawpeer import ICMP, Packet, PeerError, RawPeer, checksum, ipv4
from switch import Switch
from target import listen, parse_size, serve

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'guest'))
import flood        # noqa: E402
import hostile      # noqa: E402
import numbered     # noqa: E402
import uevents      # noqa: E402


class SwitchPorts(unittest.TestCase):
    """Three ports a, b, c, and what comes out at each."""

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.ends = {}
        ports = []
        for name in 'abc':
            own, peer = os.path.join(folder, name), os.path.join(folder, name + '.end')
            ports.append((own, peer))
            end = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            end.bind(peer)
            end.settimeout(0)
            self.ends[name] = end, own
        self.switch = Switch(ports)
        self.addCleanup(self.switch.close)

    @staticmethod
    def frame(to, source, text=b'payload'):
        return bytes((2, 0, 0, 0, 0, to)) + bytes((2, 0, 0, 0, 0, source)) + b'\x08\0' + text

    def send(self, port, frame):
        """Returns {port: frame} of what came out."""
        end, own = self.ends[port]
        end.sendto(frame, own)
        self.switch.step(5)
        out = {}
        for name, (other, _) in self.ends.items():
            try:
                out[name] = other.recv(65536)
            except BlockingIOError:
                pass
        return out

    def test_the_unknown_goes_to_all_others_the_known_to_its_port(self):
        there, back = self.frame(2, 1), self.frame(1, 2)
        self.assertEqual(self.send('a', there), {'b': there, 'c': there})
        self.assertEqual(self.send('b', back), {'a': back})
        self.assertEqual(self.send('a', there), {'b': there})
        self.assertEqual(self.send('c', self.frame(2, 3)), {'b': self.frame(2, 3)})

    def test_an_address_may_move_and_is_not_sent_back(self):
        self.send('a', self.frame(9, 1))
        self.assertEqual(self.send('b', self.frame(9, 1)), {n: self.frame(9, 1) for n in 'ac'})
        self.assertEqual(self.send('c', self.frame(1, 3)), {'b': self.frame(1, 3)})
        self.assertEqual(self.send('b', self.frame(1, 2)), {})

    def test_broadcast_goes_to_all_others(self):
        many = b'\xff' * 6 + self.frame(0, 1)[6:]
        self.send('b', self.frame(9, 2))
        self.assertEqual(self.send('a', many), {'b': many, 'c': many})

    def test_a_port_that_nobody_is_at_and_a_short_frame_are_lost(self):
        self.ends.pop('c')[0].close()
        self.assertEqual(self.send('a', self.frame(9, 1)), {'b': self.frame(9, 1)})
        self.assertEqual(self.send('a', b'13 bytes only'), {})


class LosslessSwitch(unittest.TestCase):
    def test_a_port_that_is_full_is_waited_for(self):
        """A reader that begins late gets all of far more frames than a socket holds."""
        with tempfile.TemporaryDirectory() as folder:
            a, b = os.path.join(folder, 'a'), os.path.join(folder, 'b')
            ends = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
            for end, path in zip(ends, (a, b)):
                end.bind(path + '.end')
                end.settimeout(10)
            switch = Switch([(a, a + '.end'), (b, b + '.end')], lossless=True)
            got = []

            def read():
                time.sleep(0.3)
                got.extend(ends[1].recv(2000)[14] for _ in range(100))
            reader = threading.Thread(target=read)
            reader.start()
            for number in range(100):
                ends[0].sendto(SwitchPorts.frame(9, 1, bytes([number])), a)
                switch.step(5)
            reader.join()
            switch.close()
            for end in ends:
                end.close()
        self.assertEqual(got, list(range(100)))


class FakePort(FcPort):
    """A guest of the module that has said these lines."""

    def __init__(self, *lines):
        self.lines = lines

    def dmesg(self):
        return [(6, 1.0, text) for text in self.lines]

    def must(self, script, timeout=60):
        return {'stats': 'tx 7\nopen 0\n', 'ports': '1000020000000001 000001 ready 60\n'}[script.split('/')[-1]]


class FibreChannelPorts(unittest.TestCase):
    def test_names_as_nvme_cli_takes_them(self):
        self.assertEqual(str(Names(2)), 'nn-0x2000020000000002:pn-0x1000020000000002')

    def test_what_the_module_tells(self):
        port = FakePort()
        self.assertEqual(port.stats(), {'tx': 7, 'open': 0})
        self.assertEqual(port.ports(), {0x1000020000000001: (1, 'ready', 0x60)})

    def test_violations_and_answers_are_found_in_the_log(self):
        port = FakePort('fcpeer: violation: fill bytes are not 0', 'nvme nvme0: violation: no',
                        'fcpeer: ELS 52 accepted: 02 00', 'fcpeer: ELS 03 from 000001')
        self.assertEqual(port.violations(), ['violation: fill bytes are not 0'])
        self.assertEqual(port.violations('fill'), [])
        self.assertEqual(port.answers(), ['ELS 52 accepted: 02 00'])

    def test_a_change_of_the_module_or_of_the_kernel_is_built_anew(self):
        self.assertNotEqual(fcmodule.key_of('6.12.1'), fcmodule.key_of('6.12.2'))
        self.assertIn('Kbuild', [os.path.basename(path) for path in fcmodule.sources()])


class ChooseKernel(unittest.TestCase):
    def test_newest_6_12_is_preferred(self):
        names = ['linux-image-6.1.0-48-amd64', 'linux-image-6.12.9+deb12-amd64',
                 'linux-image-6.12.115+deb12-amd64', 'linux-image-6.12.117+deb12-rt-amd64',
                 'linux-image-6.12.117+deb12-cloud-amd64', 'linux-image-6.12.117+deb12-amd64-dbg',
                 'linux-image-6.12.118+deb12-amd64-unsigned', 'linux-image-6.16.3+deb13-amd64',
                 'linux-image-amd64']
        self.assertEqual(kernel.choose(names), 'linux-image-6.12.115+deb12-amd64')

    def test_versions_are_compared_as_numbers(self):
        names = ['linux-image-6.12.%s-amd64' % v
                 for v in ('90+deb13', '90+deb13.1', '115+deb13', '115+deb13.1', '107+deb13')]
        self.assertEqual(kernel.choose(names), 'linux-image-6.12.115+deb13.1-amd64')

    def test_another_series_is_better_than_none(self):
        names = ['linux-image-6.1.0-48-amd64', 'linux-image-6.1.0-9-amd64']
        self.assertEqual(kernel.choose(names), 'linux-image-6.1.0-48-amd64')
        self.assertIsNone(kernel.choose(['linux-image-amd64', 'bash']))


class ExtractKernel(unittest.TestCase):
    ELF = b'\x7fELF' + bytes(range(256)) * 40

    @staticmethod
    def image(payload):
        """A bzImage with three setup sectors and the payload 100 bytes behind them."""
        data = bytearray(4 * 512 + 100) + payload + b'tail'
        data[0x1f1] = 3
        data[0x202:0x206] = b'HdrS'
        struct.pack_into('<II', data, 0x248, 100, len(payload))
        return bytes(data)

    def test_gzip_and_xz(self):
        for pack in gzip.compress, lzma.compress:
            self.assertEqual(kernel.extract_vmlinux(self.image(pack(self.ELF))), self.ELF)

    @unittest.skipUnless(shutil.which('zstd'), 'zstd is not installed')
    def test_zstd_with_its_length_behind(self):
        packed = subprocess.run(['zstd', '-qc'], input=self.ELF, stdout=subprocess.PIPE,
                                check=True).stdout
        image = self.image(packed + struct.pack('<I', len(self.ELF)))
        self.assertEqual(kernel.extract_vmlinux(image), self.ELF)

    def test_anything_else_is_refused(self):
        for image in (self.image(b'unknown packing'), self.image(gzip.compress(b'no ELF')),
                      bytes(4096)):
            self.assertRaises(Unavailable, kernel.extract_vmlinux, image)


class PackArchive(unittest.TestCase):
    def test_entries_are_read_back_by_cpio(self):
        archive = initramfs.Archive()
        archive.file('a/b/file', b'content', 0o755)
        archive.link('link', 'a/b/file')
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(['busybox', 'cpio', '-i', '-d'], input=archive.pack(), cwd=folder,
                           stderr=subprocess.DEVNULL, check=True)
            with open(os.path.join(folder, 'link')) as f:
                self.assertEqual(f.read(), 'content')
            self.assertTrue(os.access(os.path.join(folder, 'a/b/file'), os.X_OK))

    def test_records_are_aligned_and_end_with_the_trailer(self):
        archive = initramfs.Archive()
        archive.file('x', b'odd')
        archive.node('dev/console', (5, 1))
        data = archive.pack()
        self.assertEqual(len(data) % 4, 0)
        self.assertIn(b'TRAILER!!!\0', data[-16:])
        self.assertEqual(data.count(b'070701'), 4)

    def test_the_same_entries_give_the_same_bytes(self):
        one, two = initramfs.Archive(), initramfs.Archive()
        one.file('x', b'1')
        one.folder('y')
        two.folder('y')
        two.file('x', b'1')
        self.assertEqual(one.pack(), two.pack())


class OrderModules(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.addCleanup(self.tmp.cleanup)
        os.makedirs(os.path.join(self.tmp.name, 'kernel', 'drivers'))
        self.module('low', '')
        self.module('early-one', '')
        self.module('mid', 'low', softdep='pre: early-one absent post: late')
        self.module('late', '')
        self.module('top', 'mid,low,built_in')
        with open(os.path.join(self.tmp.name, 'modules.builtin'), 'w') as f:
            f.write('kernel/lib/built-in.ko\n')
        self.found = initramfs.Modules(self.tmp.name)

    def module(self, name, depends, softdep=None):
        info = b'\0depends=' + depends.encode() + b'\0'
        if softdep:
            info += b'softdep=' + softdep.encode() + b'\0'
        with open(os.path.join(self.tmp.name, 'kernel', 'drivers', name + '.ko.xz'), 'wb') as f:
            f.write(lzma.compress(b'ELF' + info))

    def test_what_is_needed_comes_first_and_once(self):
        self.found.need('top')
        self.found.need('mid')
        self.assertEqual(self.found.order, ['early_one', 'low', 'mid', 'top'])
        self.assertEqual(self.found.missing, [])

    def test_a_missing_module_is_named(self):
        self.found.need('absent-one')
        self.found.need('absent-two', optional=True)
        self.assertEqual(self.found.missing, ['absent_one'])

    def test_spare_modules_are_there_but_not_loaded(self):
        archive = initramfs.Archive()
        initramfs.add_modules(archive, self.found, ['mid'], ['absent'], ['late'])
        self.assertEqual(archive.entries['lib/modules/order'][1], b'early_one\nlow\nmid\n')
        self.assertIn('lib/modules/late.ko', archive)


class Sizes(unittest.TestCase):
    def test_sizes_are_parsed_or_refused(self):
        self.assertEqual([parse_size(t) for t in ('8192', '64K', '64M', '1G')],
                         [8192, 65536, 64 << 20, 1 << 30])
        for text in '', '0', '-4K', '4095', '1X', 'M', '64MB':
            self.assertRaises(argparse.ArgumentTypeError, parse_size, text)


class Packets(unittest.TestCase):
    def test_checksum_of_a_known_header(self):
        head = bytes.fromhex('45000073000040004011b861c0a80001c0a800c7')
        self.assertEqual(checksum(head), 0)
        self.assertEqual(checksum(head[:10] + b'\0\0' + head[12:]), 0xb861)

    def test_every_damaged_byte_is_noticed(self):
        echo = b'\x08\0' + struct.pack('>H', checksum(b'\x08\0\0\0data')) + b'data'
        packet = ipv4(bytes(4), bytes(4), ICMP, echo)
        self.assertEqual(Packet(packet).payload, echo)
        for at in range(len(packet)):
            damaged = bytearray(packet)
            damaged[at] ^= 0x10
            with self.assertRaises(PeerError, msg='byte %d' % at):
                Packet(bytes(damaged))

    def test_the_peer_answers_arp(self):
        with tempfile.TemporaryDirectory() as folder:
            one, two = (os.path.join(folder, n) for n in ('1', '2'))
            a = RawPeer(one, two, '10.0.0.1', '02:00:00:00:00:0a')
            b = RawPeer(two, one, '10.0.0.2', '02:00:00:00:00:0b')
            other = threading.Thread(target=b.receive, args=(lambda *_: False, 0.5))
            other.start()
            self.assertEqual(a.resolve('10.0.0.2', 5), b.mac)
            other.join()
            a.close()
            b.close()


class FakeGuest:
    """Stands in for a guest behind the control socket."""

    def __init__(self, commands):
        self.left = commands

    def running(self):
        return self.left > 0

    def console(self):
        return ''

    def run(self, script, timeout):
        self.left -= 1
        return (7, 'ran ' + script) if timeout else None


class ControlSocket(unittest.TestCase):
    def test_guest_run_gives_output_and_exit_status(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'control')
            with listen(path) as control:
                server = threading.Thread(target=self.serve, args=(FakeGuest(1), control))
                server.start()
                done = subprocess.run([os.path.join(HERE, 'guest-run'), path, 'echo', 'hello'],
                                      stdout=subprocess.PIPE, text=True, timeout=30)
                server.join()
        self.assertEqual((done.returncode, done.stdout), (7, 'ran echo hello'))

    def serve(self, guest, control):
        with self.assertRaises(Exception):
            serve(guest, control)

    def test_guest_run_without_a_guest(self):
        done = subprocess.run([os.path.join(HERE, 'guest-run'), '/nowhere/at/all', 'true'],
                              stderr=subprocess.PIPE, text=True, timeout=30)
        self.assertEqual(done.returncode, 255)
        self.assertIn('/nowhere/at/all', done.stderr)

    def test_a_stale_socket_is_replaced_and_a_long_path_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'control')
            listen(path).close()
            again = listen(path)
            self.assertEqual(again.family, socket.AF_UNIX)
            again.close()
            self.assertRaises(Unavailable, listen, os.path.join(folder, 'x' * 120))


class NumberedBlocks(unittest.TestCase):
    """The judge of what a target may lose: nothing that was acknowledged."""

    @staticmethod
    def area(*numbers):
        return b''.join(numbered.block(n) if n else bytes(numbered.SIZE) for n in numbers)

    def lost(self, last, data):
        return numbered.lost(list(range(1, last + 1)), 100, 4, data)

    def test_what_was_acknowledged_last_is_there(self):
        self.assertEqual(self.lost(0, self.area(0, 0, 0, 0)), [])
        self.assertEqual(self.lost(2, self.area(0, 1, 2, 0)), [])
        self.assertEqual(self.lost(6, self.area(4, 5, 6, 3)), [])

    def test_the_block_under_way_may_be_there_or_not(self):
        self.assertEqual(self.lost(6, self.area(4, 5, 6, 7)), [])
        self.assertEqual(len(self.lost(6, self.area(8, 5, 6, 3))), 1)

    def test_a_lost_old_or_torn_block_is_noticed(self):
        for bad in (0, 2, 10):
            self.assertEqual(len(self.lost(6, self.area(4, 5, bad, 3))), 1, bad)
        torn = bytearray(self.area(4, 5, 6, 3))
        torn[3 * numbered.SIZE - 1] ^= 1
        self.assertIn('place 102', self.lost(6, bytes(torn))[0])

    def test_acknowledgements_out_of_order_are_noticed(self):
        self.assertEqual(len(numbered.lost([1, 3], 100, 4, self.area(0, 1, 2, 3))), 1)


class IllBehaved(unittest.TestCase):
    def test_pdus_have_the_lengths_they_claim(self):
        for data, plen in ((hostile.GREETING, 128), (hostile.connect(), 72 + 1024),
                           (hostile.property_get(0), 72), (hostile.h2c(), 24 + 512)):
            self.assertEqual(len(data), plen)
            self.assertEqual(struct.unpack_from('<I', data, 4)[0], plen)

    def test_syn_segments_are_sound(self):
        packet = Packet(flood.syn(b'\x0a\0\0\x80', b'\x0a\0\0\x01', (1025, 4420)))
        self.assertEqual(struct.unpack_from('>HH', packet.payload), (1025, 4420))
        self.assertEqual(packet.payload[13], 2)


class KernelEvents(unittest.TestCase):
    def test_only_events_of_the_controller_are_told(self):
        head = b'change@/devices/virtual/nvme-fabrics/ctl/nvme1\0ACTION=change\0'
        discovery = head + b'SUBSYSTEM=nvme\0NVME_AEN=0x70f002\0SEQNUM=9\0'
        self.assertEqual(uevents.event_of(discovery, 'nvme1'), '0x70f002')
        self.assertIsNone(uevents.event_of(discovery, 'nvme11'))
        self.assertIsNone(uevents.event_of(head + b'NVME_EVENT=connected\0', 'nvme1'))


class TargetConfiguration(unittest.TestCase):
    def test_namespaces_and_hosts_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            rig = argparse.Namespace(folder=folder, mtu=1500)
            export = WeftExporter(rig)
            export.namespaces[DISK.nqn][2] = 4096
            export._write_config()
            with open(export.config) as f:
                config = json.load(f)
        disk, closed = config['subsystems']
        self.assertEqual([n['nsid'] for n in disk['namespaces']], [1, 2])
        self.assertEqual(closed['allowed_hosts'], [h['nqn'] for h in config['hosts']])
        self.assertFalse(closed['attr']['allow_any_host'])


if __name__ == '__main__':
    if not shutil.which('busybox'):
        print('busybox is not installed')
        sys.exit(77)
    unittest.main()
