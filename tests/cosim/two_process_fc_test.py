#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two adapters in two processes over Fibre Channel, as by hand and in wall time: point-to-point, through
weft-fabric, and as FCoE; weft target on one, the verbs of weft on the other. What comes and goes does so
while I/O is under way: an error in bounded time, and the next command does its work."""
import unittest

from fc_rig import LOST, NQN, SOON, TARGET, FcCase


class PointToPoint(FcCase):
    def test_every_verb(self):
        self.start_target()
        log = self.weft('discover', '-s', 'none')
        for text in NQN, TARGET:
            self.assertIn(text, log)
        self.assertIn(NQN, self.weft('connect-test', '-n', NQN))
        self.keep(1)
        self.check_kept()
        perf = self.weft('perf', '-n', NQN, '-q', '4', '--pattern', 'randrw', '--verify', '--range',
                         '16K', '--count', '20')
        self.assertRegex(perf, r'errors *: 0\nmismatches *: 0')
        run = self.weft('run', '-z', '32K')
        self.assertRegex(run, r'verified *: true')
        self.assertNotRegex(run, r'frames_(sent|received) *: 0\n')
        self.end()
        both = [sorted((f.fc_s_id, f.fc_d_id, f.fc_r_ctl, f.fc_crc) for f in self.judge(name, 60))
                for name in ('a', 'b')]
        self.assertEqual(both[0], both[1], 'what one end sent the other got')

    def test_nobody_at_the_other_end(self):
        text = self.weft('discover', '--timeout', '1', status=1)
        self.assertIn('port %s: not logged in to within 1 s; our port is' % TARGET, text)
        self.stop(self.sim['b'][0])
        text = self.weft('discover', '--timeout', '1', status=1)
        self.assertIn('port %s: not logged in to within 1 s; our port is without link' % TARGET,
                      text)


class Fabric(FcCase):
    WIRE = 'fabric'

    def test_who_comes_and_goes(self):
        early = self.start_weft('connect-test', '--timeout', '60')
        while not any('010100' in line for line in self.ask_fabric('ports')):
            self.assertIsNone(early.poll(), self.logs())
        self.start_target()                     # RSCN tells the host
        self.assertEqual(early.wait(60), 0, self.logs())
        self.ended.append(early)
        self.keep(3)
        with self.subTest('cable'):
            perf = self.load()
            self.ask_fabric('pull 2')
            self.fails(perf, SOON, *LOST)
            self.ask_fabric('plug 2')
            self.check_kept()
        with self.subTest('fabric'):
            perf = self.load()
            self.end_fabric(self.fabrics[-1])
            self.fails(perf, SOON, *LOST)
            self.start_fabric()
            self.check_kept()
        self.end()
        self.judge('b', 40)
        self.judge('a', 40)


class Fcoe(FcCase):
    WIRE = 'fcoe'

    def test_vn2vn(self):
        self.start_target()
        self.keep(4)
        self.lose_the_adapter_of_the_target()
        self.check_kept()
        self.end()
        self.judge('a', 40)
        self.judge('b', 10)


if __name__ == '__main__':
    unittest.main()
