# SPDX-License-Identifier: BSD-2-Clause
"""Images from the format alone, by the packaged cryptography library: a writer and a reader that share nothing with the C ones."""
import hashlib
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HEADER = struct.Struct('<IIHHIIBBHII')
MAGIC, PROTECTED, UNPROTECTED = 0x96f3b83d, 0x6908, 0x6907
RAM_LOAD = 0x20
KEYHASH, PUBKEY, SHA256, ED25519, COUNTER, BOARD = 0x01, 0x02, 0x10, 0x24, 0x50, 0xa0
IMEM = 0x20000


def new_key():
    return Ed25519PrivateKey.generate()


def private_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


def spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


def load_private(pem):
    return serialization.load_pem_private_key(pem, None)


def tlv(kind, value):
    return struct.pack('<HH', kind, len(value)) + value


def area(magic, tlvs):
    return struct.pack('<HH', magic, 4 + len(tlvs)) + tlvs


def build(payload, key, board=7, counter=5, version=(1, 2, 3, 4), header_size=32, flags=RAM_LOAD, key_forms=(KEYHASH, PUBKEY),
          extra=b''):
    """A signed image."""
    protected = area(PROTECTED, tlv(COUNTER, struct.pack('<I', counter)) + tlv(BOARD, struct.pack('<I', board)) + extra)
    header = HEADER.pack(MAGIC, 0, header_size, len(protected), len(payload), flags, *version, 0)
    covered = header.ljust(header_size, b'\xff') + payload + protected
    digest = hashlib.sha256(covered).digest()
    forms = {KEYHASH: hashlib.sha256(spki(key)).digest(), PUBKEY: spki(key)}
    return covered + area(UNPROTECTED, tlv(SHA256, digest) + b''.join(tlv(f, forms[f]) for f in key_forms) +
                          tlv(ED25519, key.sign(digest)))


class Refused(Exception):
    """Why an image is none."""


def need(so, why):
    if not so:
        raise Refused(why)


def read_area(data, at, magic):
    """TLVs of the area at this byte: [(type, value)], and where it ends."""
    need(len(data) >= at + 4, 'area cut off')
    found, size = struct.unpack_from('<HH', data, at)
    need(found == magic and size >= 4 and at + size <= len(data), 'area')
    end, at, tlvs = at + size, at + 4, []
    while at < end:
        need(at + 4 <= end, 'TLV cut off')
        kind, length = struct.unpack_from('<HH', data, at)
        need(at + 4 + length <= end, 'TLV too long')
        tlvs.append((kind, data[at + 4:at + 4 + length]))
        at += 4 + length
    return tlvs, end


def only(tlvs, kind, length):
    values = [value for k, value in tlvs if k == kind]
    need(len(values) == 1 and len(values[0]) == length, f'TLV {kind:#x}')
    return values[0]


def read(data, key_hash, board, counter):
    """What an adapter with this key hash, board and counter makes of an image: its version and payload. Refused: why not."""
    need(len(data) >= 32, 'short')
    magic, load, header_size, protected_size, size, flags, *version, _ = HEADER.unpack_from(data)
    need(magic == MAGIC, 'magic')
    need(32 <= header_size <= 4096 and 0 < size <= IMEM and load == 0 and not flags & ~0x21, 'header')
    protected, at = read_area(data, header_size + size, PROTECTED)
    need(at == header_size + size + protected_size, 'protected size')
    tlvs, end = read_area(data, at, UNPROTECTED)
    need(end == len(data), 'something behind the image')
    need(all(kind in (KEYHASH, PUBKEY, SHA256, ED25519) for kind, _ in tlvs), 'unknown TLV without protection')
    need(not any(kind in (KEYHASH, PUBKEY, SHA256, ED25519) for kind, _ in protected), 'protected TLV')
    need(only(protected, BOARD, 4) == struct.pack('<I', board), 'board')
    public = only(tlvs, PUBKEY, 44)
    need(hashlib.sha256(public).digest() == key_hash, 'key')
    need([value for kind, value in tlvs if kind == KEYHASH] in ([], [key_hash]), 'key hash')
    digest = only(tlvs, SHA256, 32)
    need(hashlib.sha256(data[:at]).digest() == digest, 'digest')
    need(public[:12] == bytes.fromhex('302a300506032b6570032100'), 'no Ed25519 key')
    try:
        Ed25519PublicKey.from_public_bytes(public[12:]).verify(only(tlvs, ED25519, 64), digest)
    except InvalidSignature as e:
        raise Refused('signature') from e
    need(struct.unpack('<I', only(protected, COUNTER, 4))[0] >= counter, 'counter')
    return tuple(version), data[header_size:header_size + size]
