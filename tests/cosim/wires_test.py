#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The main job on each wire, small: what make run does, with its witnesses."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 300     # seconds; one takes about ten


class Wires(unittest.TestCase):
    def job(self, wire):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, os.path.join(HERE, 'run.py'), '--wire', wire,
                                   '--size', '1', '--dir', folder],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False, encoding='utf-8',
                                  timeout=LIMIT)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn('1 MiB written and read back', done.stdout)

    def test_tcp(self):
        self.job('tcp')

    def test_fibre_channel_point_to_point(self):
        self.job('fc')

    def test_fibre_channel_at_a_fabric(self):
        self.job('fabric')

    def test_fcoe(self):
        self.job('fcoe')


if __name__ == '__main__':
    unittest.main()
