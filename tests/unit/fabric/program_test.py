#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weft-fabric as a program: N_Ports of a few lines on its sockets, its commands, what it says of wrong usage."""
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import zlib

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..')
FABRIC = os.path.join(ROOT, 'build', 'weft-fabric')
IDLE, NOS, OLS, LR, LRR, R_RDY, LOS = range(7)
ANSWER = {NOS: OLS, OLS: LR, LR: LRR, LRR: IDLE, IDLE: IDLE}
LIMIT = 10


def frame(r_ctl, d_id, s_id, kind, payload, ox_id=0x10):
    header = (bytes([r_ctl]) + d_id.to_bytes(3, 'big') + bytes(1) + s_id.to_bytes(3, 'big') +
              bytes([kind]) + bytes.fromhex('290000') + bytes(4) + ox_id.to_bytes(2, 'big') +
              b'\xff\xff' + bytes(4))
    crc = zlib.crc32(header + payload).to_bytes(4, 'little')
    return b'\x2e\0\0\0' + header + payload + crc + b'\x42\0\0\0'


class NPort:
    """Brings its link up and keeps the frames that come."""

    def __init__(self, folder, n):
        self.local, self.remote = f'{folder}/a{n}', f'{folder}/f{n}'
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.local)
        self.sock.settimeout(0.05)
        self.prim, self.sent = LOS, OLS
        self.frames, self.ends = [], False
        self.news = threading.Condition()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def say(self, code, count=1):
        self.send(bytes([0xff, code]) + count.to_bytes(2, 'big'))

    def send(self, unit):
        while True:
            try:
                self.sock.sendto(unit, self.remote)
                return
            except (BlockingIOError, socket.timeout):
                time.sleep(0.001)
            except (FileNotFoundError, ConnectionRefusedError):
                return

    def take(self, unit):
        if len(unit) > 4:
            self.frames.append(unit)
            self.say(R_RDY)
        elif unit[1] != R_RDY:
            self.prim = unit[1]
            if self.prim in ANSWER and self.sent != ANSWER[self.prim]:
                self.sent = ANSWER[self.prim]
                self.say(self.sent)

    def run(self):
        last = 0
        while not self.ends:
            if time.monotonic() - last > 0.1:
                last = time.monotonic()
                self.say(self.sent)
            try:
                unit = self.sock.recv(4096)
            except socket.timeout:
                continue
            with self.news:
                self.take(unit)
                self.news.notify_all()

    def wait(self, what):
        with self.news:
            return self.news.wait_for(what, LIMIT)

    def close(self):
        self.ends = True
        self.thread.join()
        self.sock.close()
        os.unlink(self.local)

    def login(self):
        flogi = bytearray(116)
        flogi[0], flogi[7] = 4, 8
        flogi[10:12] = flogi[74:76] = (2112).to_bytes(2, 'big')
        flogi[20:28] = os.path.basename(self.local).encode().ljust(8)
        flogi[68] = 0x88
        n = len(self.frames)
        self.send(frame(0x22, 0xfffffe, 0, 1, bytes(flogi)))
        if not self.wait(lambda: len(self.frames) > n):
            raise AssertionError('no answer to FLOGI')
        return int.from_bytes(self.frames[-1][5:8], 'big')


class Program(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()                     # pylint: disable=R1732
        self.addCleanup(self.folder.cleanup)
        self.path = self.folder.name
        self.fabric = None
        self.ports = []

    def tearDown(self):
        for port in self.ports:
            port.close()
        if self.fabric:
            self.fabric.kill()
            self.fabric.communicate()

    def start(self, *more):
        line = [FABRIC]
        for n in (1, 2):
            line += ['--port', f'dgram:{self.path}/f{n}:{self.path}/a{n}']
        self.fabric = subprocess.Popen(line + list(more), stdin=subprocess.PIPE,  # pylint: disable=R1732
                                       stdout=subprocess.PIPE, encoding='utf-8')

    def command(self, line):
        self.fabric.stdin.write(line + '\n')
        self.fabric.stdin.flush()
        answer = []
        while True:
            got = self.fabric.stdout.readline().strip()
            if got == 'ok':
                return answer
            if got.startswith('error:') or not got:
                return None
            answer.append(got)

    def join(self, n):
        port = NPort(self.path, n)
        self.ports.append(port)
        self.assertTrue(port.wait(lambda: port.prim == IDLE))
        while 'active' not in self.command('ports')[n - 1]:
            time.sleep(0.01)
        return port

    def test_frames_pass_and_commands_are_answered(self):
        cap = f'{self.path}/cap.pcapng'
        self.start('--pcap', cap, '--domain', '9')
        a, b = self.join(1), self.join(2)
        self.assertEqual((a.login(), b.login()), (0x090100, 0x090200))
        n = len(b.frames)
        a.send(frame(6, 0x090200, 0x090100, 8, b'weft'))
        self.assertTrue(b.wait(lambda: len(b.frames) > n))
        self.assertEqual(b.frames[-1][28:32], b'weft')
        self.assertEqual(self.command('ports'), ['port 1 active 090100', 'port 2 active 090200'])
        counters = dict(line.split() for line in self.command('counters'))
        self.assertEqual((counters['forwarded'], counters['logins']), ('1', '2'))
        for wrong in ('', 'pull', 'pull 0', 'pull 3', 'plug x', 'pull 1 2', 'what', 'x' * 500):
            self.assertIsNone(self.command(wrong), wrong)
        self.command('quit')
        self.assertEqual(self.fabric.wait(LIMIT), 0)
        shown = subprocess.run(['tshark', '-r', cap, '-T', 'fields', '-e', 'fc.crc.status', '-e', 'fc.type', '-e', 'fcels.opcode'],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
                               encoding='utf-8').stdout
        self.assertEqual(shown.splitlines(), ['1\t0x01\t0x04', '1\t0x01\t0x02', '1\t0x08\t'])
        self.assertTrue(b.wait(lambda: b.prim == LOS))
        self.assertFalse(os.path.exists(f'{self.path}/f1'))

    def test_a_cable_is_pulled_and_plugged(self):
        self.start()
        a, b = self.join(1), self.join(2)
        a.login()
        self.command('pull 1')
        self.assertTrue(a.wait(lambda: a.prim == LOS))
        self.assertEqual(self.command('ports')[0], 'port 1 pulled')
        self.command('plug 1')
        self.assertTrue(a.wait(lambda: a.prim == IDLE))
        self.assertEqual(b.prim, IDLE)
        while self.command('ports')[0] != 'port 1 active':
            time.sleep(0.01)
        self.assertEqual(a.login(), 0x010100)

    def test_a_peer_that_goes_is_logged_out(self):
        self.start()
        a, b = self.join(1), self.join(2)
        a.login()
        b.login()
        self.ports.remove(a)
        a.close()
        while self.command('ports')[0] != 'port 1 down':
            time.sleep(0.01)
        self.assertEqual(self.command('ports')[1], 'port 2 active 010200')
        self.join(1)

    def test_commands_may_end(self):
        self.start()
        a = self.join(1)
        self.fabric.stdin.close()
        self.fabric.stdin = None
        a.login()
        self.fabric.terminate()
        self.assertEqual(self.fabric.wait(LIMIT), 0)

    def test_wrong_usage(self):
        port = ['--port', f'dgram:{self.path}/f:{self.path}/a']
        for line, code in (([], 2), (['--domain', '0'], 2), (port + ['--domain', '240'], 2),
                           (port + ['--credit', 'x'], 2), (port + ['more'], 2), (['--pcap', 'x'], 2),
                           (port + ['--faults', 'loss=2'], 2), (port * 33, 2), (['--port', 'tap:x'], 1),
                           (['--port', 'dgram:x'], 1), (port + ['--pcap', '/nonexistent/x'], 1)):
            done = subprocess.run([FABRIC] + line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  check=False, timeout=LIMIT)
            self.assertEqual(done.returncode, code, line)
            self.assertTrue(done.stderr)
        for line in ('--help', '--version'):
            self.assertEqual(subprocess.run([FABRIC, line], stdout=subprocess.DEVNULL, check=False).returncode, 0)


if __name__ == '__main__':
    unittest.main()
