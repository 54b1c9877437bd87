#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weft image against a writer and a reader of images made from the format alone (other.py): each takes what the other makes."""
import hashlib
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import other  # pylint: disable=wrong-import-position

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..')
WEFT = os.path.join(ROOT, 'build', 'weft')
ELF = os.path.join(ROOT, 'build', 'firmware', 'weft.elf')
LIMIT = 120
PAYLOAD = bytes(range(67))


class ImageTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.key = other.new_key()
        self.key_hash = hashlib.sha256(other.spki(self.key)).digest()
        self.pub = self.put('pub.pem', other.public_pem(self.key))
        self.private = self.put('key.pem', other.private_pem(self.key))
        os.chmod(self.private, 0o600)

    def path(self, name):
        return os.path.join(self.dir, name)

    def put(self, name, data):
        with open(self.path(name), 'wb') as f:
            f.write(data)
        return self.path(name)

    def get(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read()

    def image(self, *args, status=0):
        done = subprocess.run([WEFT, 'image', *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=LIMIT)
        self.assertEqual(done.returncode, status, f'{args}: {done.stdout}{done.stderr}')
        return done.stdout + done.stderr

    def check(self, names, *args, status=0):
        """Verdicts of many files at once."""
        return json.loads(self.image('check', '--json', *args, *map(self.path, names), status=status))

    def sign(self, payload=PAYLOAD, **more):
        self.put('fw.bin', payload)
        options = {'version': '1.2.3+4', 'board': '7', 'counter': '5', **more}
        self.image('create', '--fw', self.path('fw.bin'), '-o', self.path('bare.img'), '--force',
                   *(w for k, v in options.items() for w in (f'--{k}', v)))
        self.image('sign', '--key', self.private, '--force', self.path('bare.img'), self.path('signed.img'))
        return self.get('signed.img')

    def test_an_image_of_the_other_writer_is_sound(self):
        forms = {'plain': {}, 'no-hash': {'key_forms': (other.PUBKEY,)}, 'no-flag': {'flags': 0},
                 'padded': {'header_size': 512}, 'extra': {'extra': other.tlv(0x1234, b'more')},
                 'order': {'key_forms': (other.PUBKEY, other.KEYHASH)}}
        for name, form in forms.items():
            self.put(name, other.build(PAYLOAD, self.key, **form))
        for verdict in self.check(forms, '--key', self.pub, '--board', '7', '--counter', '5'):
            self.assertTrue(verdict['sound'], verdict)
            self.assertEqual((verdict['version'], verdict['board'], verdict['counter'], verdict['key_hash']),
                             ('1.2.3+4', '0x7', 5, self.key_hash.hex()))

    def test_the_other_reader_takes_a_signed_image(self):
        data = self.sign()
        self.assertEqual(other.read(data, self.key_hash, 7, 5), ((1, 2, 3, 4), PAYLOAD))
        self.assertEqual(data, other.build(PAYLOAD, self.key))  # Ed25519 signs the same way each time
        self.sign(version='255.255.65535+4294967295', board='0xffffffff', counter='0xffffffff')
        self.assertEqual(other.read(self.get('signed.img'), self.key_hash, 0xffffffff, 0xffffffff)[0],
                         (255, 255, 65535, 0xffffffff))
        payload = os.urandom(other.IMEM)
        self.assertEqual(other.read(self.sign(payload), self.key_hash, 7, 0)[1], payload)

    def test_any_changed_byte_is_refused_by_both(self):
        for data in (other.build(PAYLOAD, self.key), self.sign()):
            names = []
            for i in range(len(data)):
                changed = bytearray(data)
                changed[i] ^= 1 << i % 8
                names.append(f'changed-{i}')
                self.put(names[-1], changed)
                with self.assertRaises(other.Refused):
                    other.read(bytes(changed), self.key_hash, 7, 5)
            self.none_is_sound(names)

    def test_any_cut_is_refused_by_both(self):
        data = self.sign()
        for i in range(len(data)):
            self.put(f'cut-{i}', data[:i])
            with self.assertRaises(other.Refused):
                other.read(data[:i], self.key_hash, 7, 5)
        self.none_is_sound([f'cut-{i}' for i in range(len(data))])
        self.put('longer', data + b'\0')
        self.none_is_sound(['longer'])

    def none_is_sound(self, names):
        verdicts = self.check(names, '--key', self.pub, '--board', '7', status=1)
        self.assertEqual(len(verdicts), len(names))
        for verdict in verdicts:
            self.assertFalse(verdict['sound'], verdict)
            self.assertTrue(verdict['why'] and verdict['error_number'] in range(1, 8), verdict)
        print(f'# {len(names)} files, all refused')

    def test_verdicts(self):
        self.put('a', self.sign())
        stranger = self.put('stranger.pem', other.public_pem(other.new_key()))
        for args, error, why in ((['--board', '8'], 4, 'made for board 0x7, this adapter is 0x8'),
                                 (['--key', stranger], 5, 'signed with key'), (['--key-hash', '00' * 32], 5, 'signed with key'),
                                 (['--counter', '6'], 8, 'counter 5 is below 6')):
            verdict = self.check(['a'], *args, status=1)[0]
            self.assertEqual(verdict['error_number'], error)
            self.assertIn(why, verdict['why'])
            self.assertIn(f'({error}): ', self.image('check', *args, self.path('a'), status=1))
        self.check(['a'], '--key-hash', self.key_hash.hex(), '--counter', '5', '--board', '0x7')
        self.assertIn('not signed', self.image('check', self.path('bare.img'), status=1))

    def test_the_firmware_as_objcopy_has_it(self):
        subprocess.run(['riscv64-unknown-elf-objcopy', '-O', 'binary', ELF, self.path('objcopy')], check=True)
        self.image('create', '--fw', ELF, '-v', '1', '--board', '7', '-s', '0', '-o', self.path('fw.img'))
        self.image('sign', '-k', self.private, self.path('fw.img'), self.path('fw-signed.img'))
        version, payload = other.read(self.get('fw-signed.img'), self.key_hash, 7, 0)
        self.assertEqual((version, payload), ((1, 0, 0, 0), self.get('objcopy')))

    def test_a_new_key(self):
        key_hash = self.image('keygen', '--key', self.path('new.pem'), '--pub', self.path('new-pub.pem')).strip()
        self.assertEqual(stat.S_IMODE(os.stat(self.path('new.pem')).st_mode), 0o600)
        key = other.load_private(self.get('new.pem'))
        self.assertEqual(self.get('new-pub.pem'), other.public_pem(key))
        self.assertEqual(self.get('new.pem'), other.private_pem(key))
        self.assertEqual(key_hash, hashlib.sha256(other.spki(key)).hexdigest())
        self.assertEqual(key_hash, self.image('keyhash', self.path('new-pub.pem')).strip())
        before = self.get('new.pem')
        self.assertIn('is there already', self.image('keygen', '--key', self.path('new.pem'), '--pub', self.path('x'), status=1))
        self.assertIn('is there already', self.image('keygen', '--key', self.path('x'), '--pub', self.path('new.pem'), status=1))
        self.assertEqual(self.get('new.pem'), before)
        self.assertFalse(os.path.exists(self.path('x')))
        self.image('keygen', '--key', self.path('new.pem'), '--pub', self.path('new-pub.pem'), '--force')
        self.assertNotEqual(self.get('new.pem'), before)

    def test_keys_in_the_wrong_place_are_not_shown(self):
        self.sign()
        secret = self.get('key.pem').split(b'\n')[1].decode()
        for args in (('keyhash', self.private), ('check', '--key', self.private, self.path('signed.img')),
                     ('sign', '--key', self.pub, self.path('bare.img'), self.path('y')),
                     ('create', '--fw', self.path('none'), '-v', '1', '--board', '1', '-s', '1', '-o', self.path('y'))):
            said = self.image(*args, status=1)
            self.assertNotIn(secret, said)
            self.assertNotIn(secret[-20:], said)
        os.chmod(self.private, 0o644)
        said = self.image('sign', '--key', self.private, '--force', self.path('bare.img'), self.path('signed.img'))
        self.assertIn('others may read this private key', said)

    def test_files_are_whole_or_not_there(self):
        self.sign()
        before = sorted(os.listdir(self.dir))
        here, bare = self.get('signed.img'), self.path('bare.img')
        self.assertIn('is there already', self.image('sign', '--key', self.private, bare, self.path('signed.img'), status=1))
        self.assertEqual(self.get('signed.img'), here)
        self.image('sign', '--key', self.private, bare, self.path('no/such/folder'), status=1)
        os.mkfifo(self.path('fifo'))
        for there in (self.dir, self.path('fifo')):
            self.assertIn('no regular file', self.image('sign', '--key', self.private, '--force', bare, there, status=1))
        os.remove(self.path('fifo'))
        self.image('show', self.dir, status=1)
        self.put('large', bytes(0x40001))
        self.assertIn('larger than 262144 bytes', self.image('check', self.path('large'), status=1))
        os.remove(self.path('large'))
        self.assertEqual(sorted(os.listdir(self.dir)), before)  # no temporary file is left

    def test_show(self):
        self.sign()
        shown = json.loads(self.image('show', '--json', self.path('signed.img')))
        self.assertEqual((shown['version'], shown['board'], shown['counter'], shown['payload_bytes'], shown['sound']),
                         ('1.2.3+4', '0x7', 5, len(PAYLOAD), True))
        self.assertEqual([t['type'] for t in shown['tlvs']], ['0x50', '0xa0', '0x10', '0x1', '0x2', '0x24'])
        self.assertIn('not signed', self.image('show', self.path('bare.img')))
        self.image('show', self.put('nothing', b'\xff' * 100), status=1)

    def test_a_flash(self):
        golden = self.put('golden', other.build(PAYLOAD, self.key, counter=0))
        a = self.put('a', other.build(PAYLOAD * 2, self.key, counter=3))
        self.image('flash', '-o', self.path('flash'), '--golden', golden, '--slot-a', a, '--active', 'a', '--key', self.pub,
                   '--board', '7')
        flash = self.get('flash')
        self.assertEqual(len(flash), 1 << 20)
        self.assertEqual(flash[:0x40000], self.get('golden').ljust(0x40000, b'\xff'))
        self.assertEqual(flash[0x40000:0x80000], self.get('a').ljust(0x40000, b'\xff'))
        self.assertEqual(flash[0x80000:0xc0000], b'\xff' * 0x40000)
        record = bytes.fromhex('5742455401000000020000000000000003000000') + bytes(8)
        record += struct.pack('<I', zlib.crc32(record))
        self.assertEqual(flash[0xc0000:], record.ljust(0x40000, b'\xff'))
        self.assertIn('no image in slot 3', self.image('flash', '-o', self.path('f'), '--golden', golden, '--active', 'b', status=1))

    def test_the_walk_in_the_documentation(self):
        with open(os.path.join(ROOT, 'docs', 'lab-image.md'), encoding='utf-8') as f:
            commands = [line[4:].rstrip() for line in f if line.startswith('    ')]
        os.symlink(os.path.abspath(os.path.join(ROOT, 'build')), self.path('build'))
        said = subprocess.run(['sh', '-eu'], input='\n'.join(commands), stdout=subprocess.PIPE, text=True, check=True, cwd=self.dir,
                              timeout=LIMIT, env={**os.environ, 'PATH': os.path.abspath(os.path.dirname(WEFT)) + ':' + os.environ['PATH']}).stdout
        self.assertGreater(len(commands), 8)
        self.assertEqual(said.count('\nrefused\n'), 2, said)
        for line in ('weft-1.2.3.img: sound: version 1.2.3+4, board 0x1, counter 5, key ',
                     'weft-1.2.3.img: refused: BOARD (4): made for board 0x1, this adapter is 0x2\n',
                     'weft-1.2.3.bin: refused: TLV (3): not signed: '):
            self.assertIn(line, said)
        self.assertEqual(os.path.getsize(self.path('flash.bin')), 1 << 20)

    def test_wrong_usage(self):
        f = self.path('f')
        for args in ([], ['frob'], ['show'], ['show', f, f], ['check'], ['sign', f, f], ['sign', '--key', f, f], ['keygen', '--key', f],
                     ['check', '--board', '4294967296', f], ['check', '--board', '-1', f], ['check', '--board', '', f],
                     ['check', '--counter', '1x', f], ['check', '--fw', f, f], ['check', '--key', f, '--key-hash', '00', f],
                     ['flash', '-o', f, '--golden', f, '--active', 'c'], ['show', '--output-format', 'xml', f], ['show', '--frob', f]):
            self.assertTrue(self.image(*args, status=2))
        self.assertIn('keygen', self.image('--help'))
        self.assertIn('keygen', self.image('sign', '--help'))
        for version in ('', '1.2.3.4', '256', 'x'):
            self.image('create', '--fw', self.pub, '-v', version, '--board', '1', '-s', '1', '-o', f, status=1)
        self.image('check', '--key-hash', '00', f, status=1)


if __name__ == '__main__':
    unittest.main()
