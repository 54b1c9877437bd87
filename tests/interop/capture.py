#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks a capture with tshark: malformed PDUs, wrong digests, wrong checksums.

  capture.py FILE...    prints what is wrong; exit status 1 if anything is

A second opinion on the wire that shares no code with Weft."""
import collections
import os
import shutil
import subprocess
import sys

from kernel import Unavailable

BAD = '0'                       # tshark's value for a status field
PDU_TYPES = {0, 1, 4, 5, 6, 7, 9}
TERM_REQS = {2: 'H2CTermReq', 3: 'C2HTermReq'}
SEVERITY_ERROR = 0x800000

PREFERENCES = ('ip.check_checksum:TRUE', 'udp.check_checksum:TRUE',
               'tcp.reassemble_out_of_order:TRUE', 'nvme-tcp.check_hdgst:TRUE',
               'nvme-tcp.check_ddgst:TRUE')
FIELDS = collections.OrderedDict((
    ('number', 'frame.number'), ('source', 'ip.src'),
    ('malformed', '_ws.malformed'), ('malformed_expert', '_ws.malformed.expert'),
    ('reassembly', '_ws.malformed.reassembly'), ('ip_checksum', 'ip.checksum.status'),
    ('udp_checksum', 'udp.checksum.status'), ('icmp_checksum', 'icmp.checksum.status'),
    ('icmpv6_checksum', 'icmpv6.checksum.status'),
    ('pdu_types', 'nvme-tcp.type'), ('hdgst', 'nvme-tcp.hdgst.status'),
    ('ddgst', 'nvme-tcp.ddgst.status'), ('severity', '_ws.expert.severity'),
    ('expert', '_ws.expert.message'), ('success', 'nvme-tcp.flags.pdu.data_success'),
))
CHECKSUMS = ('ip_checksum', 'udp_checksum', 'icmp_checksum', 'icmpv6_checksum')

# Linux writes ffffh where a TCP checksum comes out as 0. That adds up, but tshark calls it bad
# and leaves the segment out of its reassembly. So TCP checksums are looked at separately.
BAD_TCP = ('tcp.checksum.status == %s && !(tcp.checksum == 0xffff && '
           'tcp.checksum_calculated == 0x0000)' % BAD)

Frame = collections.namedtuple('Frame', FIELDS)
# successes: C2HData PDUs that stand for a response, too (SUCCESS flag).
Report = collections.namedtuple('Report', 'problems frames pdus digests retransmissions successes')


def tshark(path, *args, tcp_checksum=False):
    """Runs tshark on a capture; returns what it prints, in lines."""
    if not shutil.which('tshark'):
        raise Unavailable('tshark is not installed: run ./setup')
    command = ['tshark', '-n', '-r', path, '-d', 'tcp.port==8009,nvme-tcp', *args]
    for preference in PREFERENCES + ('tcp.check_checksum:%s' % str(tcp_checksum).upper(),):
        command += ['-o', preference]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise ValueError('%s: tshark: %s' % (path, done.stderr.decode().strip()))
    return done.stdout.decode(errors='replace').split('\n')[:-1]


def read_frames(path):
    """Every frame of the capture as tshark sees it; fields as lists of strings."""
    args = ['-T', 'fields', '-E', 'separator=\x1f', '-E', 'aggregator=\x1e']
    for field in FIELDS.values():
        args += ['-e', field]
    for line in tshark(path, *args):
        yield Frame(*([v for v in field.split('\x1e') if v] for field in line.split('\x1f')))


def without_damage(path, own, out):
    """Copies a capture but for frames that were damaged on their way to us: a checksum betrays
    them, tshark found none because a header's length was hit, or the very type was hit. The
    adapter drops them, and so do we before we judge: tshark trips over what they do to its
    reassembly. Our own frames all stay."""
    bad = ['%s == %s' % (FIELDS[name], BAD) for name in CHECKSUMS] + ['(%s)' % BAD_TCP]
    bad += ['(%s && !%s.checksum.status)' % (name, name) for name in ('ip', 'tcp', 'icmpv6')]
    bad += ['!(ip || ipv6 || arp)']
    tshark(path, '-w', out, '-Y', 'ip.src == %s || arp.src.proto_ipv4 == %s || !(%s)'
           % (own, own, ' || '.join(bad)), tcp_checksum=True)


def judge(frame):
    """What is wrong with one frame, in words."""
    found = []
    if frame.malformed or frame.malformed_expert:
        found.append('malformed')
    if frame.reassembly:
        found.append('reassembly error')
    for name in CHECKSUMS:
        if BAD in getattr(frame, name):
            found.append('bad ' + name.replace('_', ' '))
    if BAD in frame.hdgst:
        found.append('bad header digest')
    if BAD in frame.ddgst:
        found.append('bad data digest')
    for number in map(int, frame.pdu_types):
        if number in TERM_REQS:
            found.append(TERM_REQS[number])
        elif number not in PDU_TYPES:
            found.append('unknown PDU type %02xh' % number)
    errors = [text for severity, text in zip(frame.severity, frame.expert)
              if int(severity) >= SEVERITY_ERROR]
    return found or errors


def examine(path, own=None, hostile=None):
    """Reads a capture. own: our IPv4 address, if the peer's frames may have been damaged on
    purpose: those are then passed over, while our own must still be sound. What was judged
    is left beside the capture; frame numbers are its. hostile: our address, if the peer
    spoke nonsense on purpose: only our frames are judged, and we may answer with TermReq."""
    if own:
        sound = os.path.splitext(path)[0] + '-sound.pcapng'
        without_damage(path, own, sound)
        return examine(sound)
    problems, frames, pdus, digests, again, successes = [], 0, 0, 0, 0, 0
    for number in tshark(path, '-Y', BAD_TCP, '-T', 'fields', '-e', 'frame.number',
                         tcp_checksum=True):
        problems.append('frame %s: bad tcp checksum' % number)
    for frame in read_frames(path):
        frames += 1
        again += any('retransmission' in text for text in frame.expert)
        pdus += len(frame.pdu_types)
        digests += len(frame.hdgst) + len(frame.ddgst)
        successes += sum(value in ('1', 'True') for value in frame.success)
        if hostile and hostile not in frame.source:
            continue
        problems += ['frame %s: %s' % (frame.number[0], text) for text in judge(frame)
                     if not hostile or text not in TERM_REQS.values()]
    return Report(problems, frames, pdus, digests, again, successes)


def check_capture(path, min_pdus=1, own=None):
    """The problems of a capture, as sentences; none when all is well. A capture with fewer
    than min_pdus NVMe/TCP PDUs proves nothing and is a problem itself."""
    report = examine(path, own)
    if report.pdus < min_pdus:
        return report.problems + ['%s: %d NVMe/TCP PDUs, at least %d expected'
                                  % (path, report.pdus, min_pdus)]
    return report.problems


def main(paths):
    bad = False
    for path in paths:
        try:
            report = examine(path)
        except (Unavailable, ValueError) as e:
            print(e)
            bad = True
            continue
        for text in report.problems:
            print('%s: %s' % (path, text))
        print('%s: %d frames, %d PDUs, %d digests, %d retransmissions, %d problems' % (
            path, report.frames, report.pdus, report.digests, report.retransmissions,
            len(report.problems)))
        bad |= bool(report.problems)
    return 1 if bad else 0


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
