#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weft xclbin as a command: files in and out, loading over a library that stands in for libxrt, flashing over
programs that stand in for the boards' tools."""
import json
import os
import pty
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))
WEFT = os.path.join(ROOT, 'build/weft')
FAKE = os.path.join(ROOT, 'build/tests/unit/xrt/libfake_xrt.so')
OLD = os.path.join(ROOT, 'build/tests/unit/xrt/libold_xrt.so')
VBNV = 'xilinx:u50:gen3x16-xdma:201920.3'
LAYOUT = {'ip_layout': {'m_count': '1', 'm_ip_data': [
    {'m_type': 'IP_KERNEL', 'm_int_enable': '1', 'm_interrupt_id': '0', 'm_ip_control': 'AP_CTRL_NONE',
     'm_base_address': '0x1800000', 'm_name': 'weft_kernel:weft_kernel_1'}]}}
BDF = '0000:3b:00.0'


class Command(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='weft.')
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        os.mkdir(self.path('bin'))
        os.mkdir(self.path('tmp'))
        self.env = {'PATH': self.path('bin'), 'SOURCE_DATE_EPOCH': '1700000000', 'TMPDIR': self.path('tmp'),
                    'WEFT_XRT_LIBRARY': FAKE, 'FAKE_XRT_LOG': self.path('log')}
        for name, text in (('fw', 'firmware'), ('json', '{"board": 1}'), ('ip', json.dumps(LAYOUT)),
                           ('bit', 'bitstream'), ('a.mcs', ':020000040000FA\n'), ('b.mcs', ':00000001FF\n')):
            self.write(name, text)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='ascii') as f:
            f.write(text)

    def read(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read()

    def weft(self, *args, **more):
        done = subprocess.run([WEFT, 'xclbin', *args], cwd=self.dir, env={**self.env, **more}, timeout=120, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertGreaterEqual(done.returncode, 0, done.stderr)
        return done

    def good(self, *args, **more):
        done = self.weft(*args, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return done.stdout

    def bad(self, words, *args, status=1, **more):
        done = self.weft(*args, **more)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.returncode, status)
        self.assertEqual(done.stdout, '')
        return done

    def create(self, name='x.xclbin', *more):
        return self.good('create', name, '--platform', VBNV, '--firmware', 'fw', '--metadata', 'json', '--ip-layout', 'ip',
                         '--bitstream', 'bit', *more)


class Files(Command):
    def test_create_and_show(self):
        self.create('x.xclbin', '--mcs', 'a.mcs', '--mcs', 'b.mcs', '--soft-kernel', 'fw', '--section', 'pdi:mine=bit',
                    '--section', '4711=fw')
        out = json.loads(self.good('show', 'x.xclbin', '-o', 'json'))
        self.assertEqual((out['platform'], out['timestamp'], out['mode'], out['signature_bytes']), (VBNV, 1700000000, 'flat', 0))
        self.assertEqual([(s['kind'], s['name'], s['size']) for s in out['sections']],
                         [('BITSTREAM', '', 9), ('FIRMWARE', 'weft', 8), ('SOFT_KERNEL', 'weft', 94), ('IP_LAYOUT', '', 88),
                          ('USER_METADATA', '', 12), ('MCS', '', 84), ('PDI', 'mine', 9), ('unknown', '', 8)])
        self.assertEqual(out['sections'][3]['entries'],
                         [{'name': 'weft_kernel:weft_kernel_1', 'type': 1, 'base_address': '0x1800000', 'interrupt': 1,
                           'interrupt_id': 0, 'control': 'AP_CTRL_NONE'}])
        text = self.good('show', 'x.xclbin')
        for words in (VBNV, out['uuid'], 'FIRMWARE', 'kind 4711', 'weft_kernel:weft_kernel_1'):
            self.assertIn(words, text)

    def test_sections_come_out_again(self):
        self.create()
        self.good('show', 'x.xclbin', '--extract', 'firmware', '--output', 'out')
        self.assertEqual(self.read('out'), self.read('fw'))
        self.good('show', 'x.xclbin', '--extract', 'firmware:weft', '--output', 'out')
        self.bad('has no section firmware:other', 'show', 'x.xclbin', '--extract', 'firmware:other', '--output', 'no')
        self.bad('has no section MCS', 'show', 'x.xclbin', '--extract', 'MCS', '--output', 'no')
        self.assertFalse(os.path.exists(self.path('no')))

    def test_the_same_bytes_again(self):
        self.create('a')
        self.create('b')
        self.assertEqual(self.read('a'), self.read('b'))
        self.env['SOURCE_DATE_EPOCH'] = '1700000001'
        self.create('b')
        self.assertNotEqual(self.read('a'), self.read('b'))
        self.assertEqual(self.read('a')[416:432], self.read('b')[416:432])

    def test_create_tells_the_uuid(self):
        made = json.loads(self.create('x.xclbin', '-o', 'json'))
        self.assertEqual(made['uuid'], json.loads(self.good('show', 'x.xclbin', '-o', 'json'))['uuid'])
        self.assertEqual((made['size'], made['sections']), (len(self.read('x.xclbin')), 4))
        self.assertEqual(self.create('x.xclbin', '--quiet'), '')

    def test_a_name_cannot_write_to_the_terminal(self):
        self.create()
        data = bytearray(self.read('x.xclbin'))
        for at in (352, 456 + 4, 456 + 40 + 4):  # platform, two sections' names
            data[at:at + 5] = b'\x1b[2J\0'
        with open(self.path('esc'), 'wb') as f:
            f.write(data)
        for args in ([], ['-o', 'json']):
            out = self.good('show', 'esc', *args)
            self.assertNotIn('\x1b', out)
            self.assertIn('?[2J', out)

    def test_given_uuid_and_mode(self):
        self.create('x.xclbin', '--uuid', '00112233-4455-6677-8899-aabbccddeeff', '--mode', 'pr')
        self.assertEqual(self.read('x.xclbin')[416:432], bytes(range(0, 256, 17)))
        self.assertEqual(json.loads(self.good('show', 'x.xclbin', '-o', 'json'))['mode'], 'pr')

    def test_what_create_refuses(self):
        self.write('empty', '')
        self.write('nojson', '{"a": }')
        self.write('list', '[]')
        os.mkfifo(self.path('fifo'))
        for words, args in (('--platform VBNV is needed', ['--firmware', 'fw']),
                            ('sections: 1 to 65536', ['--platform', VBNV]),
                            ('more than 63 characters', ['--platform', 'v' * 64, '--firmware', 'fw']),
                            ('none: No such file', ['--platform', VBNV, '--firmware', 'none']),
                            ('empty: 0 bytes', ['--platform', VBNV, '--firmware', 'empty']),
                            ('bin: not a regular file', ['--platform', VBNV, '--firmware', 'bin']),
                            ('fifo: not a regular file', ['--platform', VBNV, '--firmware', 'fifo']),
                            ('nojson: no JSON object', ['--platform', VBNV, '--metadata', 'nojson']),
                            ('list: no JSON object', ['--platform', VBNV, '--metadata', 'list']),
                            ('json: ip_layout: ', ['--platform', VBNV, '--ip-layout', 'json']),
                            ('UUID "1" makes no sense', ['--platform', VBNV, '--firmware', 'fw', '--uuid', '1']),
                            ('uuid: all zero', ['--platform', VBNV, '--firmware', 'fw', '--uuid',
                                                '00000000-0000-0000-0000-000000000000']),
                            ('mode "x" makes no sense', ['--platform', VBNV, '--firmware', 'fw', '--mode', 'x']),
                            ('there is no such kind', ['--platform', VBNV, '--section', 'what=fw']),
                            ('there is no such kind', ['--platform', VBNV, '--section', '4294967296=fw']),
                            ('more than 15 characters', ['--platform', VBNV, '--section', 'pdi:0123456789abcdef=fw']),
                            ('KIND[:NAME]=FILE', ['--platform', VBNV, '--section', 'pdi']),
                            ('section 1 (BITSTREAM): m_sectionKind: section 0',
                             ['--platform', VBNV, '--bitstream', 'bit', '--section', 'BITSTREAM=bit'])):
            with self.subTest(words):
                self.bad(words, 'create', 'no.xclbin', *args)
        self.bad('SOURCE_DATE_EPOCH "x"', 'create', 'no.xclbin', '--platform', VBNV, '--firmware', 'fw', SOURCE_DATE_EPOCH='x')
        self.assertFalse(os.path.exists(self.path('no.xclbin')))

    def test_a_failed_create_leaves_the_old_file(self):
        self.create()
        old = self.read('x.xclbin')
        self.bad('no such kind', 'create', 'x.xclbin', '--platform', VBNV, '--section', 'what=fw')
        os.mkdir(self.path('folder'))
        self.bad('folder: Is a directory', 'create', 'folder', '--platform', VBNV, '--firmware', 'fw')
        self.bad('No such file', 'create', 'none/x', '--platform', VBNV, '--firmware', 'fw')
        self.assertEqual(self.read('x.xclbin'), old)
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith(('x.xclbin.', 'folder.'))], [])

    def test_usage(self):
        self.assertIn('usage: weft xclbin create', self.good('--help'))
        for args in ([], ['what'], ['show'], ['create'], ['flash', 'file'], ['show', 'a', 'b'], ['show', 'a', '-o', 'xml'],
                     ['show', 'a', '--what']):
            with self.subTest(args):
                done = self.weft(*args)
                self.assertEqual(done.returncode, 2)
                self.assertNotEqual(done.stderr, '')


class Load(Command):
    def setUp(self):
        super().setUp()
        self.create()

    def log(self):
        text = self.read('log').decode() if os.path.exists(self.path('log')) else ''
        if text:
            os.unlink(self.path('log'))
        return [line for line in text.splitlines() if not line.startswith(('home ', 'XILINX_XRT '))], text

    def test_calls_in_order(self):
        size = len(self.read('x.xclbin'))
        for spec, call in (('xrt:3b:00.1', 'xrtDeviceOpenByBDF 0000:3b:00.1'),
                           ('xrt:0001:3B:00.1', 'xrtDeviceOpenByBDF 0001:3B:00.1'), ('xrt:7', 'xrtDeviceOpen 7')):
            out = json.loads(self.good('load', 'x.xclbin', '--device', spec, '-o', 'json'))
            self.assertEqual(out['device'], spec)
            self.assertEqual(self.log()[0],
                             [call, 'xrtXclbinAllocRawData %d' % size, 'xrtXclbinGetUUID', 'xrtDeviceLoadXclbinHandle 1',
                              'xrtDeviceGetXclbinUUID 1', 'xrtXclbinFreeHandle 1', 'xrtDeviceClose 1'])

    def test_home_of_xrt(self):
        """XILINX_XRT names a folder whose lib is the library's, and nothing stays behind."""
        self.good('load', 'x.xclbin', '--device', 'xrt:0')
        self.assertIn('home %s\n' % os.path.dirname(FAKE), self.log()[1])
        self.assertEqual(os.listdir(self.path('tmp')), [])
        # one that is good is left alone, one that is not is replaced
        os.makedirs(self.path('xrt/lib'))
        self.good('load', 'x.xclbin', '--device', 'xrt:0', XILINX_XRT=self.path('xrt'))
        self.assertIn('home %s\n' % os.path.dirname(FAKE), self.log()[1])
        self.write('xrt/lib/libxrt_core.so.2', '')
        self.good('load', 'x.xclbin', '--device', 'xrt:0', XILINX_XRT=self.path('xrt'))
        self.assertIn('home %s\n' % os.path.realpath(self.path('xrt/lib')), self.log()[1])

    def test_home_of_the_vendors_package(self):
        os.makedirs(self.path('opt/lib'))
        self.write('opt/lib/libxrt_core.so.2', '')
        shutil.copy(FAKE, self.path('opt/lib/libxrt_coreutil.so.2'))
        self.good('load', 'x.xclbin', '--device', 'xrt:0', WEFT_XRT_LIBRARY=self.path('opt/lib/libxrt_coreutil.so.2'))
        self.assertIn('XILINX_XRT %s\n' % self.path('opt'), self.log()[1])

    def test_each_call_fails(self):
        opened = {'xrtXclbinFreeHandle', 'xrtDeviceClose'}
        for call in ('xrtDeviceOpen', 'xrtXclbinAllocRawData', 'xrtXclbinGetUUID', 'xrtDeviceLoadXclbinHandle',
                     'xrtDeviceGetXclbinUUID', 'xrtXclbinFreeHandle', 'xrtDeviceClose'):
            with self.subTest(call):
                done = self.bad(call + ': ', 'load', 'x.xclbin', '--device', 'xrt:0', FAKE_XRT_FAIL=call, FAKE_XRT_ERRNO='28')
                self.assertIn('No space left', done.stderr)
                calls = {line.split()[0] for line in self.log()[0]}
                if call == 'xrtDeviceOpen':
                    self.assertFalse(calls & opened)
                else:
                    self.assertIn('xrtDeviceClose', calls)
                    self.assertEqual('xrtXclbinFreeHandle' in calls, call != 'xrtXclbinAllocRawData')
        self.bad('xrtDeviceOpenByBDF: no such board', 'load', 'x.xclbin', '--device', 'xrt:' + BDF,
                 FAKE_XRT_FAIL='xrtDeviceOpenByBDF', FAKE_XRT_ERRNO='0')
        self.assertEqual(os.listdir(self.path('tmp')), [])

    def test_another_uuid_is_seen(self):
        for call in ('xrtXclbinGetUUID', 'xrtDeviceGetXclbinUUID'):
            with self.subTest(call):
                self.bad(call + ': uuid ', 'load', 'x.xclbin', '--device', 'xrt:0', FAKE_XRT_LIE=call)
                self.assertEqual('xrtDeviceLoadXclbinHandle 1' in self.log()[0], call == 'xrtDeviceGetXclbinUUID')

    def test_a_bad_file_reaches_no_library(self):
        good = self.read('x.xclbin')
        for bad in (good[:-1], good + b'\0', b'xclbin1' + good[7:], good[:480] + b'\xff' * 8 + good[488:]):
            with open(self.path('bad'), 'wb') as f:
                f.write(bad)
            self.bad('bad: ', 'load', 'bad', '--device', 'xrt:0')
        self.assertEqual(self.log()[0], [])

    def test_no_library(self):
        self.bad('no/such.so', 'load', 'x.xclbin', '--device', 'xrt:0', WEFT_XRT_LIBRARY='no/such.so')
        self.bad('libxrt has no xrtXclbinGetUUID', 'load', 'x.xclbin', '--device', 'xrt:0', WEFT_XRT_LIBRARY=OLD)

    def test_xrt_as_this_machine_has_it(self):
        """Not installed, or there but without a board of this number."""
        del self.env['WEFT_XRT_LIBRARY']
        done = self.weft('load', 'x.xclbin', '--device', 'xrt:255')
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, 'weft: (libxrt_coreutil.so.2 is not installed .*libxrt1|xrt:255: xrtDeviceOpen: no such board)')

    def test_device_names(self):
        for spec in ('vfio-user:/x', 'xrt:', 'xrt:256', 'xrt:-1', 'xrt:1x', 'xrt:3b:00', 'xrt:3b:00.8', 'xrt:3b:00.0.1',
                     'xrt:3g:00.0', 'xrt:00000:3b:00.0', 'xrt:3b:00.0 '):
            with self.subTest(spec):
                self.bad('device', 'load', 'x.xclbin', '--device', spec)
        self.bad('--device xrt:BDF is needed', 'load', 'x.xclbin')
        self.good('load', 'x.xclbin', WEFT_DEVICE='xrt:0')


class Flash(Command):
    def tool(self, name, text='printf "%s " "$@"\necho'):
        path = self.path('bin/' + name)
        with open(path, 'w', encoding='ascii') as f:
            f.write('#!/bin/sh\n' + text + '\n')
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def flash(self, *args):
        done = self.weft('flash', '--device', 'xrt:' + BDF, '-y', *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stderr.startswith('weft: runs ' + self.path('bin/')), done.stderr)
        return done.stdout.strip()

    def test_the_tools_get_their_words(self):
        for name in ('xbmgmt', 'xbflash2', 'xbflash.qspi'):
            self.tool(name)
        self.create()
        device = '--device ' + BDF
        for args, want in ((['--base'], 'program %s --base --force' % device),
                           (['--base=fw'], 'program %s --base --image fw --force' % device),
                           (['--shell', 'fw'], 'program %s --shell fw --force' % device),
                           (['--user', 'x.xclbin'], 'program %s --user x.xclbin --force' % device),
                           (['--revert-to-golden'], 'program %s --revert-to-golden --force' % device),
                           (['--mcs', 'a.mcs'], 'program --spi --image a.mcs %s --force' % device),
                           (['--mcs', 'a.mcs', '--mcs', 'b.mcs'],
                            'program --spi --image a.mcs --image b.mcs --dual-flash %s --force' % device)):
            self.assertEqual(self.flash(*args), want)
        os.unlink(self.path('bin/xbflash2'))
        self.assertEqual(self.flash('--mcs', 'a.mcs', '--mcs', 'b.mcs'),
                         '--primary a.mcs --secondary b.mcs --card %s --force' % BDF)
        self.tool('xbflash2')
        os.unlink(self.path('bin/xbmgmt'))
        self.assertEqual(self.flash('--revert-to-golden'), 'program --spi --revert-to-golden %s --force' % device)

    def test_no_shell_looks_at_the_words(self):
        self.tool('xbmgmt')
        name = '$(touch x) ;`"'
        self.write(name, 'shell')
        self.assertEqual(self.flash('--shell', name), 'program --device %s --shell %s --force' % (BDF, name))
        self.assertFalse(os.path.exists(self.path('x')))

    def test_what_is_missing_is_said(self):
        self.bad('neither xbflash2 nor xbflash.qspi', 'flash', '--device', 'xrt:' + BDF, '-y', '--mcs', 'a.mcs')
        self.bad('xbmgmt is not installed', 'flash', '--device', 'xrt:' + BDF, '-y', '--base')
        self.bad('neither xbmgmt nor xbflash2', 'flash', '--device', 'xrt:' + BDF, '-y', '--revert-to-golden')

    def test_the_exit_status_is_the_tools(self):
        self.tool('xbmgmt', 'exit 42')
        self.bad('exit status 42', 'flash', '--device', 'xrt:' + BDF, '-y', '--base', status=42)
        self.tool('xbmgmt', 'kill -9 $$')
        self.bad('half written', 'flash', '--device', 'xrt:' + BDF, '-y', '--base', status=128 + signal.SIGKILL)
        with open(self.path('bin/xbmgmt'), 'wb') as f:
            f.write(b'no program')
        self.bad('Exec format error', 'flash', '--device', 'xrt:' + BDF, '-y', '--base', status=127)

    def test_what_flash_refuses(self):
        for name in ('xbmgmt', 'xbflash2'):
            self.tool(name, 'touch ran')
        self.create()
        self.write('-x', '')
        with open(self.path('bad'), 'wb') as f:
            f.write(self.read('x.xclbin')[:-1])
        for words, args in (('what is to be flashed', []), ('what is to be flashed', ['--base', '--shell', 'fw']),
                            ('begins with no colon', ['--mcs', 'fw']), ('No such file', ['--mcs', 'none']),
                            ('begins with a dash', ['--shell', '-x']), ('m_length', ['--user', 'bad']),
                            ('No such file', ['--base=none'])):
            with self.subTest(words):
                self.bad(words, 'flash', '--device', 'xrt:' + BDF, '-y', *args)
        self.bad('-y is needed', 'flash', '--device', 'xrt:' + BDF, '--base')
        self.bad('want xrt:BDF', 'flash', '--device', 'xrt:0', '-y', '--base')
        self.bad('two flashes at most', 'flash', '--mcs', 'a', '--mcs', 'b', '--mcs', 'c', status=2)
        self.assertFalse(os.path.exists(self.path('ran')))

    def test_it_asks(self):
        self.tool('xbmgmt', ': >ran')
        for answer, status, ran in (('n\n', 1, False), ('\n', 1, False), ('\x04', 1, False), ('yes\n', 0, True), ('y\n', 0, True)):
            with self.subTest(answer):
                ours, theirs = pty.openpty()
                os.write(ours, answer.encode())
                done = subprocess.run([WEFT, 'xclbin', 'flash', '--device', 'xrt:' + BDF, '--base'], cwd=self.dir,
                                      env=self.env, stdin=theirs, stderr=subprocess.PIPE, timeout=120, check=False)
                os.close(ours)
                os.close(theirs)
                self.assertIn(b'Go on?', done.stderr)
                self.assertEqual(done.returncode, status)
                self.assertEqual(os.path.exists(self.path('ran')), ran)
                if ran:
                    os.unlink(self.path('ran'))


if __name__ == '__main__':
    unittest.main()
