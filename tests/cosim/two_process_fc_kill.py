#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two adapters in two processes at the ends of a Fibre Channel cable: each program of the four is killed
while I/O is under way. In wall time, with three processors' worth of work: `make test-kill` runs it, `make
test` does not."""
import signal
import unittest

from fc_rig import LOST, SOON, FcCase


class PointToPoint(FcCase):
    def test_an_end_that_is_killed(self):
        self.start_target()
        self.keep(2)
        with self.subTest('the target, in order'):
            perf = self.load()
            self.assertEqual(self.stop(self.targets[-1]), 0, self.logs())
            self.fails(perf, SOON, *LOST)
            self.start_target()
        with self.subTest('the target, killed'):
            perf = self.load()
            self.stop(self.targets[-1], signal.SIGKILL)
            self.fails(perf, SOON, *LOST)
            self.start_target()
        with self.subTest('its adapter'):
            self.lose_the_adapter_of_the_target()
        with self.subTest('the host'):
            self.stop(self.load(), signal.SIGKILL)
            self.await_no_host()
        with self.subTest("the host's adapter"):
            perf = self.load()
            self.stop(self.sim['a'][0], signal.SIGKILL)
            self.fails(perf, SOON, 'connection lost: No such device')
            self.start_sim('a')
            self.check_kept()
        self.end()
        self.judge('b', 20)


if __name__ == '__main__':
    unittest.main()
