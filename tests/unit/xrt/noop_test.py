#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weft xclbin load over XRT itself: its noop shim takes any container without a board. Needs Debian 12's package libxrt1 (later
ones have no noop shim); installs nothing, fails where it is missing."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))
WEFT = os.path.join(ROOT, 'build/weft')


def missing():
    """Looked up, not loaded: two shims in one process end it."""
    env = {**os.environ, 'PATH': os.environ.get('PATH', '') + ':/usr/sbin:/sbin'}
    known = subprocess.run(['ldconfig', '-p'], env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [n for n in ('libxrt_coreutil.so.2', 'libxrt_core.so.2', 'libxrt_noop.so.2') if '\t%s ' % n not in known]


class Noop(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='weft.')
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        self.env = {k: v for k, v in os.environ.items() if k not in ('XILINX_XRT', 'WEFT_XRT_LIBRARY', 'WEFT_DEVICE')}
        self.env['TMPDIR'] = self.dir
        with open(self.path('fw'), 'wb') as f:
            f.write(bytes(range(256)) * 4)
        with open(self.path('json'), 'w', encoding='ascii') as f:
            f.write('{"board": 1}')
        self.weft('create', 'x.xclbin', '--platform', 'xilinx:u50:gen3x16-xdma:201920.3', '--firmware', 'fw',
                  '--soft-kernel', 'fw', '--metadata', 'json')

    def path(self, name):
        return os.path.join(self.dir, name)

    def weft(self, *args, status=0, **more):
        done = subprocess.run([WEFT, 'xclbin', *args], cwd=self.dir, env={**self.env, **more}, timeout=120, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn(done.returncode, status if isinstance(status, tuple) else (status,), done.stderr)
        return done

    def test_a_container_is_loaded_and_its_uuid_comes_back(self):
        shown = json.loads(self.weft('show', 'x.xclbin', '-o', 'json').stdout)
        out = self.weft('load', 'x.xclbin', '--device', 'xrt:0', '-o', 'json', XCL_EMULATION_MODE='noop').stdout
        self.assertEqual(json.loads(out)['uuid'], shown['uuid'])
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith('weft-xrt')], [])

    def test_metadata_that_is_no_xml_does_not_end_the_process(self):
        """libxrt looks at it when a kernel is asked for, perhaps already now."""
        self.weft('create', 'bad', '--platform', 'a:b:c:1', '--embedded-metadata', 'json', '--firmware', 'fw')
        self.weft('load', 'bad', '--device', 'xrt:0', status=(0, 1), XCL_EMULATION_MODE='noop')

    def test_without_a_board_the_error_does_not_end_the_process(self):
        for device, words in (('xrt:0', 'xrtDeviceOpen'), ('xrt:0000:3b:00.1', 'xrtDeviceOpenByBDF')):
            done = self.weft('load', 'x.xclbin', '--device', device, status=1)
            self.assertIn('weft: %s: %s: no such board' % (device, words), done.stderr)
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith('weft-xrt')], [])


if __name__ == '__main__':
    why = missing()
    if why:
        print('test-xrt: %s not installed. It needs XRT with its noop shim: Debian 12, apt-get install libxrt1' %
              ', '.join(why), file=sys.stderr)
        sys.exit(1)
    unittest.main()
