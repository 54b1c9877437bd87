#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Proves the guest without Weft: boots the target and talks to it with a raw Ethernet
peer. ARP, ICMP echo up to the MTU, TCP handshakes with the three ports of interest,
netem, the control line, the RAM disk's digest, the capture, the kernel's log.

Exits 77 with the reason when QEMU or a kernel cannot be had."""
import hashlib
import os
import struct
import sys
import tempfile
import time
import unittest

from capture import check_capture
from guest import Guest, GuestError, require
from kernel import Unavailable
from rawpeer import ACK, RST, SYN, RawPeer
from target import ADDRESS, MIB, NQN, Target

MTU = 9000


class TargetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory(prefix='selftest.')
        cls.addClassCleanup(cls.tmp.cleanup)
        own, other = (os.path.join(cls.tmp.name, name) for name in ('peer', 'guest'))
        cls.pcap = os.path.join(cls.tmp.name, 'pcap')
        cls.peer = RawPeer(own, other)
        cls.addClassCleanup(cls.peer.close)
        cls.target = Target(32 * MIB, eth=(other, own), mtu=MTU, pcap=cls.pcap)
        cls.addClassCleanup(cls.target.stop)
        start = time.monotonic()
        cls.target.boot()
        print('target listens after %.1f s' % (time.monotonic() - start), flush=True)
        cls.mac = cls.peer.resolve(ADDRESS)

    def tearDown(self):
        self.target.netem('')
        self.assertEqual(self.target.kernel_errors(), [])

    def test_arp_gives_the_mac_of_the_guest(self):
        self.assertEqual(self.mac, bytes.fromhex('020000000002'))

    def test_ping_up_to_the_mtu(self):
        for number, size in enumerate((0, 1, 56, 1472, 1473, 4000, MTU - 28)):
            seconds = self.peer.ping(self.mac, ADDRESS, size, number)
            print('ping %d bytes: %.2f ms' % (size, seconds * 1e3), flush=True)

    def test_a_burst_beyond_the_socket_queue_is_not_lost(self):
        """About ten datagrams queue in a socket: what is beyond has to wait on both sides.
        (The guest's ICMP gives up beyond some 57 replies not yet sent.)"""
        self.peer.ping(self.mac, ADDRESS, 56, 9998)
        sent = [self.peer.echo_request(self.mac, ADDRESS, 1000, n) for n in range(40)]
        for number, body in enumerate(sent):
            self.assertTrue(self.peer.echo_reply(ADDRESS, body, 5), number)

    def test_both_ports_answer_syn_with_the_mss_of_the_mtu(self):
        for port in 4420, 8009:
            flags, options = self.peer.handshake(self.mac, ADDRESS, port, 40000 + port, mss=8960)
            self.assertEqual(flags, SYN | ACK)
            self.assertEqual(options[:4], struct.pack('>BBH', 2, 4, MTU - 40))

    def test_a_closed_port_answers_reset(self):
        flags, _ = self.peer.handshake(self.mac, ADDRESS, 4421, 40000)
        self.assertEqual(flags, RST | ACK)

    def test_netem_delays_and_ends(self):
        self.target.netem('delay 150ms')
        self.assertGreater(self.peer.ping(self.mac, ADDRESS, 56, 1), 0.14)
        self.target.netem('')
        self.assertLess(min(self.peer.ping(self.mac, ADDRESS, 56, n) for n in range(2, 6)), 0.14)

    def test_netem_takes_every_impairment(self):
        self.target.netem('delay 2ms 1ms loss 2% duplicate 2% reorder 10% 50% corrupt 0.5%')

    def test_commands_return_code_and_output(self):
        self.assertEqual(self.target.run('echo one; echo two >&2; exit 3'), (3, 'one\ntwo\n'))
        self.assertEqual(self.target.run('head -c 100000 /dev/zero | tr "\\0" x'),
                         (0, 'x' * 100000))
        with self.assertRaises(GuestError):
            self.target.must('false\ntrue')

    def test_digest_of_the_ram_disk(self):
        self.target.must('echo -n weft | dd of=/dev/ram0 bs=4096 seek=3 conv=sync oflag=direct')
        block = b'weft'.ljust(4096, b'\0')
        self.assertEqual(self.target.sha256(3 * 4096, 4096), hashlib.sha256(block).hexdigest())
        self.assertEqual(self.target.sha256(0, 4 * MIB), hashlib.sha256(
            bytes(3 * 4096) + block + bytes(4 * MIB - 4 * 4096)).hexdigest())

    def test_subsystem_is_set_up(self):
        folder = '/sys/kernel/config/nvmet/subsystems/' + NQN
        self.assertEqual(self.target.must('cat %s/namespaces/1/enable' % folder), '1\n')
        self.assertEqual(self.target.must('cat %s/attr_allow_any_host' % folder), '1\n')

    def test_the_capture_holds_sound_frames(self):
        self.peer.ping(self.mac, ADDRESS, 56, 9999)
        self.assertEqual(check_capture(self.pcap, min_pdus=0), [])
        self.assertGreater(os.path.getsize(self.pcap), 1000)


class KernelLogTest(unittest.TestCase):
    def test_errors_of_the_kernel_are_seen_and_death_is_noticed(self):
        with Guest('target') as guest:
            guest.boot()
            self.assertEqual(guest.kernel_errors(), [])
            guest.must("echo '<6>all is well' >/dev/kmsg; echo '<3>nvmet: bad thing' >/dev/kmsg")
            self.assertEqual(guest.kernel_errors(), ['nvmet: bad thing'])
            with self.assertRaises(GuestError):
                guest.run('sleep 30', timeout=0.5)
        with self.assertRaises(GuestError):
            guest.run('true')

    def test_a_crash_of_the_kernel_is_reported_with_its_console(self):
        with Guest('target') as guest:
            guest.boot()
            with self.assertRaisesRegex(GuestError, 'sysrq triggered crash'):
                guest.run('echo c >/proc/sysrq-trigger; sleep 60')

    def test_a_missing_qemu_is_named(self):
        with Guest('target', qemu='qemu-of-another-world') as guest:
            with self.assertRaisesRegex(Unavailable, 'qemu-of-another-world'):
                guest.boot()


if __name__ == '__main__':
    try:
        require('target')
    except Unavailable as e:
        print('skipped: %s' % e)
        sys.exit(77)
    unittest.main()
