#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks a capture of Fibre Channel over Ethernet: codes and CRC of each frame, sequences and
exchanges, the information units and link services of FC-NVMe.

  fcjudge.py FILE...    prints what is wrong; exit status 1 if anything is

A second opinion on the wire that shares no code with Weft. Takes pcap and pcapng."""
import collections
import struct
import sys
import zlib

FCOE, FIP = 0x8906, 0x8914
SOF_I3, SOF_N3, EOF_N, EOF_T = 0x2e, 0x36, 0x41, 0x42
EX_CTX, FIRST, LAST, END, INIT, REL_OFF = 1 << 23, 1 << 21, 1 << 20, 1 << 19, 1 << 16, 8
KNOWN_F_CTL = EX_CTX | FIRST | LAST | END | INIT | REL_OFF | 3
DATA, XFER_RDY, CMND, RSP, ERSP = 1, 5, 6, 7, 8
ELS_RQST, ELS_RESP, LS_RQST, LS_RESP, ABTS, BA_ACC, BA_RJT = 0x22, 0x23, 0x32, 0x33, 0x81, 0x84, 0x85
PLOGI, LOGO, PRLI = 3, 5, 0x20
LS_NAMES = {1: 'RJT', 2: 'ACC', 3: 'Create Association', 4: 'Create I/O Connection',
            5: 'Disconnect Association', 6: 'Disconnect Connection'}
LS_SIZE = {3: 1024, 4: 80, 5: 48, 6: 40}                # of a request
LS_ACC_SIZE = {3: 56, 4: 40, 5: 24, 6: 24}
TYPE_OF = {ELS_RQST: 1, ELS_RESP: 1, LS_RQST: 0x28, LS_RESP: 0x28, ABTS: 0, BA_ACC: 0, BA_RJT: 0}
FIP_NEEDS = {1: {2, 4, 11}, 2: {2, 4, 11}, 3: {2, 4, 6, 11, 15}, 4: {2, 4, 6, 11, 15}, 5: {2, 4, 11}}
FIP_LENGTH = {2: 8, 4: 12, 6: 4, 11: 20, 15: 164}

Frame = collections.namedtuple('Frame', 'number source sof eof r_ctl d_id s_id type f_ctl seq_id'
                                        ' seq_cnt ox rx parm payload')
Report = collections.namedtuple('Report', 'problems frames commands link_services logins aborts')


class Broken(Exception):
    """A frame of which nothing can be believed."""


# -- files

def classic(data):
    order = '<' if data[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack_from(order + 'I', data, at + 8)[0]
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def blocks(data):
    """Enhanced packet blocks of pcapng, as this machine's byte order has them."""
    at = 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from('<II', data, at)
        if size < 12:
            raise ValueError('block of %d bytes' % size)
        if kind == 6 and at + size <= len(data):
            captured = struct.unpack_from('<I', data, at + 20)[0]
            yield data[at + 28:at + 28 + captured]
        at += size


def packets(path):
    with open(path, 'rb') as f:
        data = f.read()
    if data[:4] == b'\x0a\x0d\x0d\x0a':
        return blocks(data)
    if data[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1', b'\xa1\xb2\xc3\xd4', b'\xa1\xb2\x3c\x4d'):
        return classic(data)
    raise ValueError('%s is no capture' % path)


# -- frames

def be24(data, at):
    return int.from_bytes(data[at:at + 3], 'big')


def parse(number, packet):
    """An FCoE packet as a Frame; raises Broken."""
    if len(packet) < 14 + 46:
        raise Broken('%d bytes' % len(packet))
    head, fc = packet[14:28], packet[28:-8]
    end = packet[-8:]
    if head[0] >> 4 or any(head[:13]):
        raise Broken('FCoE header %s' % head.hex())
    if len(fc) % 4 or len(fc) > 24 + 2112:
        raise Broken('FC frame of %d bytes' % len(fc))
    if struct.pack('<I', zlib.crc32(fc)) != end[:4]:
        raise Broken('wrong CRC')
    sof, eof, f_ctl = head[13], end[4], be24(fc, 9)
    if sof not in (SOF_I3, SOF_N3) or eof not in (EOF_N, EOF_T) or any(end[5:]):
        raise Broken('SOF %02x, end %s' % (sof, end[4:].hex()))
    fill = f_ctl & 3
    if len(fc) < 24 + fill:
        raise Broken('more fill bytes than payload')
    if fc[4] or fc[13]:
        raise Broken('CS_CTL %02x, DF_CTL %02x' % (fc[4], fc[13]))
    seq_cnt, ox, rx, parm = struct.unpack_from('>HHHI', fc, 14)
    payload = fc[24:len(fc) - fill]
    if any(fc[24 + len(payload):]):
        raise Broken('fill bytes are not 0')
    return Frame(number, packet[6:12], sof, eof, fc[0], be24(fc, 1), be24(fc, 5), fc[8], f_ctl, fc[12],
                 seq_cnt, ox, rx, parm, payload)


def look(f):
    """What is wrong with one frame by itself."""
    if f.f_ctl & ~KNOWN_F_CTL:
        yield 'F_CTL %06x' % f.f_ctl
    if bool(f.f_ctl & END) != (f.eof == EOF_T):
        yield 'EOF %02x with F_CTL %06x' % (f.eof, f.f_ctl)
    if f.f_ctl & 3 and not f.f_ctl & END:
        yield 'fill bytes inside a sequence'
    if f.f_ctl & INIT and not f.f_ctl & END:
        yield 'the initiative passes inside a sequence'
    if f.source[:3] == b'\x0e\xfd\x00' and be24(f.source, 3) != f.s_id:
        yield 'S_ID %06x from %s' % (f.s_id, f.source.hex(':'))
    if bool(f.f_ctl & REL_OFF) != (f.r_ctl == DATA):
        yield 'R_CTL %02x with F_CTL %06x' % (f.r_ctl, f.f_ctl)
    if f.type != TYPE_OF.get(f.r_ctl, 8):
        yield 'R_CTL %02x with TYPE %02x' % (f.r_ctl, f.type)


# -- exchanges

class Direction:
    """Where the frames of one side of an exchange stand."""

    def __init__(self):
        self.open = self.any = False
        self.passed = True
        self.seq_id = self.r_ctl = self.next = 0

    def take(self, f):
        """Yields what is out of order."""
        if f.sof == SOF_I3:
            if self.open:
                yield 'sequence %02x begins inside %02x' % (f.seq_id, self.seq_id)
            if self.any and not self.passed and f.seq_cnt != self.next:
                yield 'SEQ_CNT %d, not %d' % (f.seq_cnt, self.next)
            elif f.seq_cnt and (not self.any or f.seq_cnt != self.next):
                yield 'SEQ_CNT %d begins a sequence' % f.seq_cnt
            if self.any and not self.passed and f.seq_id == self.seq_id:
                yield 'SEQ_ID %02x used again' % f.seq_id
        elif not self.open or (f.seq_id, f.r_ctl) != (self.seq_id, self.r_ctl):
            yield 'SEQ_ID %02x R_CTL %02x goes on with nothing' % (f.seq_id, f.r_ctl)
        elif f.seq_cnt != self.next:
            yield 'SEQ_CNT %d, not %d' % (f.seq_cnt, self.next)
        self.any, self.open = True, not f.f_ctl & END
        self.passed = bool(f.f_ctl & INIT)
        self.seq_id, self.r_ctl, self.next = f.seq_id, f.r_ctl, (f.seq_cnt + 1) & 0xffff


class Exchange:
    """Common to all kinds. ours, theirs: from the originator's side."""

    def __init__(self, f):
        self.first = f
        self.out, self.back = Direction(), Direction()
        self.over = self.aborted = False

    def take(self, f):
        yield from (self.back if f.f_ctl & EX_CTX else self.out).take(f)
        if bool(f.f_ctl & FIRST) != (f is self.first):
            yield 'F_CTL %06x, FIRST_SEQ' % f.f_ctl
        yield from self.unit(f)
        if f.f_ctl & LAST and f.f_ctl & END:
            self.over = True


class Command(Exchange):
    """A command: CMND, then DATA and XFER_RDY as it says, then one RSP or ERSP."""

    def __init__(self, f):
        super().__init__(f)
        p = f.payload.ljust(96, b'\0')
        self.write, self.read = bool(p[7] & 1), bool(p[7] & 2)
        self.length = struct.unpack_from('>I', p, 20)[0]
        self.cid = struct.unpack_from('<H', p, 26)[0]
        self.done = self.ready = 0

    def unit(self, f):
        if f is self.first:
            yield from self.cmnd(f)
        elif f.r_ctl == DATA:
            yield from self.data(f)
        elif f.r_ctl == XFER_RDY:
            yield from self.xfer_rdy(f)
        elif f.r_ctl in (RSP, ERSP):
            yield from self.response(f)
        else:
            yield 'R_CTL %02x in a command' % f.r_ctl

    def cmnd(self, f):
        p = f.payload
        if len(p) != 96 or p[:4] != b'\xfd\x28\x00\x18' or f.rx != 0xffff or f.parm:
            yield 'CMND of %d bytes, %s, RX_ID %04x' % (len(p), p[:4].hex(), f.rx)
            return
        if self.write and self.read or (self.length and not self.write and not self.read):
            yield 'CMND with flags %02x and %d bytes' % (p[7], self.length)
        sgl = (p[24 + 39], struct.unpack_from('<I', p, 24 + 32)[0])
        if p[24 + 1] >> 6 != 1 or sgl != (0x5a, self.length):
            yield 'CMND: PSDT %d, SGL %02x of %d bytes' % (p[24 + 1] >> 6, *sgl)
        if any(p[4:6]) or any(p[92:96]) or f.f_ctl & (END | INIT | FIRST) != END | INIT | FIRST:
            yield 'CMND: reserved bytes or F_CTL %06x' % f.f_ctl

    def data(self, f):
        limit = self.length if self.read else self.ready
        if bool(f.f_ctl & EX_CTX) != self.read or not f.payload:
            yield 'DATA of %d bytes in the wrong direction' % len(f.payload)
        elif f.parm != self.done or self.done + len(f.payload) > limit:
            yield 'DATA of %d bytes at %d, not at %d of %d' % (len(f.payload), f.parm, self.done, limit)
        self.done = f.parm + len(f.payload)
        if self.write and f.f_ctl & END and (self.done != self.ready or not f.f_ctl & INIT):
            yield 'write DATA ends at %d of %d, F_CTL %06x' % (self.done, self.ready, f.f_ctl)

    def xfer_rdy(self, f):
        if len(f.payload) != 12:
            yield 'XFER_RDY of %d bytes' % len(f.payload)
            return
        offset, burst, reserved = struct.unpack('>III', f.payload)
        if not self.write or offset != self.done or offset != self.ready or not burst or reserved or \
                offset + burst > self.length or not f.f_ctl & INIT:
            yield 'XFER_RDY: %d bytes at %d, F_CTL %06x' % (burst, offset, f.f_ctl)
        self.ready = offset + burst

    def response(self, f):
        p = f.payload
        if not f.f_ctl & LAST or not f.f_ctl & EX_CTX:
            yield 'response with F_CTL %06x' % f.f_ctl
        if f.r_ctl == RSP:
            if len(p) not in (0, 12) or any(p):
                yield 'RSP of %d bytes: %s' % (len(p), p.hex())
            if self.done != self.length:
                yield 'RSP after %d of %d bytes' % (self.done, self.length)
            return
        if len(p) != 32 or struct.unpack_from('>H', p, 2)[0] != 8:
            yield 'ERSP of %d bytes' % len(p)
            return
        moved, cid, status = (struct.unpack_from(form, p, at)[0]
                              for form, at in (('>I', 8), ('<H', 28), ('<H', 30)))
        if cid != self.cid:
            yield 'ERSP for command %04x, not %04x' % (cid, self.cid)
        if status >> 1 == 0 and (moved != self.done or moved != self.length):
            yield 'ERSP: %d bytes moved, %d seen, of %d' % (moved, self.done, self.length)


class LinkService(Exchange):
    """A link service of FC-NVMe: one request, one answer, each of one frame."""

    def unit(self, f):
        p = f.payload
        if len(p) < 8 or len(p) != 8 + struct.unpack_from('>I', p, 4)[0] or not f.f_ctl & END:
            yield 'LS of %d bytes' % len(p)
        elif f is self.first:
            if LS_SIZE.get(p[0]) != len(p) or any(p[1:4]):
                yield 'LS %s of %d bytes' % (LS_NAMES.get(p[0], p[0]), len(p))
            yield from descriptors(p)
        else:
            yield from self.answer(f, p)

    def answer(self, f, p):
        asked = self.first.payload[0]
        if f.r_ctl != LS_RESP or not f.f_ctl & LAST or p[0] not in (1, 2):
            yield 'LS is answered by R_CTL %02x, %02x' % (f.r_ctl, p[0])
        elif len(p) != (LS_ACC_SIZE.get(asked) if p[0] == 2 else 40):
            yield 'LS %s for %s of %d bytes' % (LS_NAMES[p[0]], LS_NAMES.get(asked), len(p))
        elif p[16] != asked:
            yield 'LS answer names %02x, not %02x' % (p[16], asked)
        yield from descriptors(p)


def descriptors(p):
    at = 8
    while at + 8 <= len(p):
        at += 8 + struct.unpack_from('>I', p, at + 4)[0]
    if at != len(p):
        yield 'descriptors end at %d of %d bytes' % (at, len(p))


class Els(Exchange):
    """A link service of FC-LS."""

    def unit(self, f):
        if len(f.payload) < 4 or not f.f_ctl & END:
            yield 'ELS of %d bytes' % len(f.payload)
        elif f is not self.first and (f.r_ctl != ELS_RESP or f.payload[0] not in (1, 2) or
                                      not f.f_ctl & LAST):
            yield 'ELS %02x is answered by R_CTL %02x, %02x' % (self.first.payload[0], f.r_ctl,
                                                               f.payload[0])


KINDS = {CMND: Command, LS_RQST: LinkService, ELS_RQST: Els}


# -- FIP

def look_at_fip(packet):
    """What is wrong with a FIP frame of VN2VN."""
    op, code, words = (struct.unpack_from('>H', packet, 16)[0], packet[19],
                       struct.unpack_from('>H', packet, 20)[0])
    if packet[14] != 0x10:
        yield 'FIP version %02x' % packet[14]
    if op != 5:
        return
    at, end, seen = 24, 24 + 4 * words, set()
    while at + 2 <= min(end, len(packet)):
        kind, size = packet[at], 4 * packet[at + 1]
        if not size or FIP_LENGTH.get(kind, size) != size:
            yield 'FIP descriptor %d of %d bytes' % (kind, size)
            return
        seen.add(kind)
        at += size
    if at != end or end > len(packet) or not FIP_NEEDS.get(code, {0}) <= seen:
        yield 'FIP subcode %d with descriptors %s' % (code, sorted(seen))


# -- the whole

class Judge:
    """Takes packets one by one. own: only frames with this S_ID are judged; lossy: frames may be
    missing, so that the order is not judged."""

    def __init__(self, own=None, lossy=False):
        self.own, self.lossy = own, lossy
        self.problems, self.exchanges = [], {}
        self.frames = self.commands = self.link_services = self.logins = self.aborts = 0

    def problem(self, number, source, text):
        if self.own is None or source == self.own:
            self.problems.append('frame %d: %s' % (number, text))

    def packet(self, number, packet):
        kind = struct.unpack_from('>H', packet, 12)[0] if len(packet) >= 24 else 0
        if kind == FIP:
            for text in look_at_fip(packet):
                self.problem(number, self.own, text)
        if kind != FCOE:
            return
        self.frames += 1
        try:
            f = parse(number, packet)
        except Broken as e:
            if not self.lossy:
                self.problem(number, be24(packet, 9), str(e))
            return
        for text in look(f):
            self.problem(number, f.s_id, text)
        self.sort(f)

    def sort(self, f):
        """Into its exchange."""
        responder = bool(f.f_ctl & EX_CTX)
        key = (f.d_id, f.s_id, f.ox) if responder else (f.s_id, f.d_id, f.ox)
        x = self.exchanges.get(key)
        if f.r_ctl == ABTS:
            self.aborts += 1
            if x:
                x.aborted = True
        if f.r_ctl in (ABTS, BA_ACC, BA_RJT):
            return
        if f.r_ctl in KINDS and not responder:
            if x and not x.over and not x.aborted and not self.lossy:
                self.problem(f.number, f.s_id, 'OX_ID %04x is in use' % f.ox)
            x = self.exchanges[key] = KINDS[f.r_ctl](f)
            self.count(f)
        if not x or x.aborted:
            return
        if x.over and not self.lossy:
            self.problem(f.number, f.s_id, 'OX_ID %04x: R_CTL %02x after its end' % (f.ox, f.r_ctl))
        for text in list(x.take(f)):
            if not self.lossy:
                self.problem(f.number, f.s_id, 'OX_ID %04x: %s' % (f.ox, text))

    def count(self, f):
        self.commands += f.r_ctl == CMND
        self.link_services += f.r_ctl == LS_RQST
        self.logins += f.r_ctl == ELS_RQST and f.payload[:1] == bytes([PLOGI])


def examine(path, own=None, lossy=False):
    judge = Judge(own, lossy)
    for number, packet in enumerate(packets(path), 1):
        judge.packet(number, packet)
    return Report(judge.problems, judge.frames, judge.commands, judge.link_services, judge.logins,
                  judge.aborts)


def main(paths):
    bad = False
    for path in paths:
        report = examine(path)
        for text in report.problems:
            print('%s: %s' % (path, text))
        print('%s: %d frames, %d commands, %d link services, %d logins, %d aborts, %d problems' % (
            path, *report[1:], len(report.problems)))
        bad |= bool(report.problems)
    return 1 if bad else 0


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
