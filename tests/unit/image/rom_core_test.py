#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The boot ROM on the RTL of its core: starts images of weft image sign and of the other writer (other.py), and none with a byte changed.

ROM_STEP: each how many bytes one is changed (8; `make test-rom-bytes`: 1)."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import other  # pylint: disable=wrong-import-position

BUILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..', 'build')
WEFT = os.path.join(BUILD, 'weft')
RUN = os.path.join(BUILD, 'tests', 'unit', 'image', 'rom_on_core')
ROM = os.path.join(BUILD, 'firmware', 'rom.bin')
STEP = int(os.environ.get('ROM_STEP', '8'))
LIMIT = 3600
BOARD, COUNTER = 7, 5
PAYLOAD = bytes.fromhex('6f000000') * 4  # j . and some more
DEAD = 0xe1000000
SLOT = 0x40000


class RomTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.key = other.new_key()
        self.key_hash = hashlib.sha256(other.spki(self.key)).hexdigest()

    def path(self, name):
        return os.path.join(self.dir, name)

    def put(self, name, data):
        with open(self.path(name), 'wb') as f:
            f.write(data)
        return self.path(name)

    def weft(self, *args, status=0):
        done = subprocess.run([WEFT, 'image', *map(str, args)], stdout=subprocess.PIPE, text=True, check=False, timeout=LIMIT)
        self.assertEqual(done.returncode, status, args)
        return done.stdout

    def boot(self, *paths, board=BOARD, key_hash=None):
        """What became of each flash: ('slot', number, slots passed over, counter) or ('dead', FW_STATUS)."""
        done = subprocess.run([RUN, ROM, str(board), key_hash or self.key_hash, *paths], stdout=subprocess.PIPE, text=True,
                              check=True, timeout=LIMIT)
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(len(lines), len(paths))
        return [('slot', int(w[1]), int(w[3]), int(w[5])) if w[0] == 'slot' else (w[0], int(w[1], 16)) for w in lines]

    def signed(self, counter=COUNTER):
        key = self.put('key.pem', other.private_pem(self.key))
        os.chmod(key, 0o600)
        self.weft('create', '--fw', self.put('fw', PAYLOAD), '-v', '1.2', '--board', BOARD, '-s', counter, '-o', self.path('bare'),
                  '--force')
        self.weft('sign', '-k', key, '--force', self.path('bare'), self.path('signed'))
        return self.path('signed')

    def test_images_of_both_writers_start(self):
        mine = self.signed()
        foreign = self.put('foreign', other.build(PAYLOAD, self.key, BOARD, COUNTER, header_size=48, flags=0,
                                                  key_forms=(other.PUBKEY,), extra=other.tlv(0x1234, b'more')))
        self.assertEqual(self.boot(mine, foreign), [('slot', 1, 0, COUNTER)] * 2)
        self.assertEqual(self.boot(mine, board=8), [('dead', DEAD | 4)])
        self.assertEqual(self.boot(mine, key_hash='00' * 32), [('dead', DEAD | 5)])

    def test_a_flash_of_the_factory_starts(self):
        golden = self.put('golden', other.build(PAYLOAD * 2, self.key, BOARD, 0))
        self.weft('flash', '-o', self.path('flash'), '--golden', golden, '--slot-a', self.signed(), '--active', 'a')
        with open(self.path('flash'), 'rb') as f:
            flash = bytearray(f.read())
        flash[0x40000 + 33] ^= 1
        self.assertEqual(self.boot(self.path('flash'), self.put('broken', flash)), [('slot', 2, 0, COUNTER), ('slot', 1, 6, 0)])

    def test_no_image_with_a_changed_byte_starts(self):
        with open(self.signed(), 'rb') as f:
            data = f.read()
        names = []
        for i in range(0, len(data)):
            signature = i >= len(data) - 64
            if i % (STEP * 4 if signature and STEP > 1 else STEP):
                continue  # a wrong signature costs the ROM a hundred times what the others do
            changed = bytearray(data)
            changed[i] ^= 1 << i // STEP % 8
            names.append(self.put(f'changed-{i}', changed.ljust(SLOT, b'\xff')))
        verdicts = json.loads(self.weft('check', '--json', '--board', BOARD, '--key-hash', self.key_hash, *names, status=1))
        for name, became, verdict in zip(names, self.boot(*names), verdicts):
            self.assertEqual(became, ('dead', DEAD | verdict['error_number']), f'{name}: {verdict}')
            self.assertFalse(verdict['sound'])
        print(f'# {len(names)} images with a changed byte, none started')


if __name__ == '__main__':
    unittest.main()
