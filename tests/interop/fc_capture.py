#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks a capture of an FC port, or of FCoE, with tshark: bad CRCs, malformed frames, aborts.

  fc_capture.py FILE...    prints what is wrong; exit status 1 if anything is"""
import collections
import shutil
import subprocess
import sys

from kernel import Unavailable

BAD = '0'                       # tshark's value for a status field
FIELDS = ('frame.number', 'frame.len', 'fc.r_ctl', 'fc.type', 'fc.crc.status', 'fcoe.crc.status',
          '_ws.malformed', 'fcoe.sof')
DATA, CMND, ABTS, BA_RJT = 0x01, 0x06, 0x81, 0x85
FCP = 0x08                      # TYPE of NVMe's information units, too
FC_OVERHEAD = 36                # SOF, header, CRC, EOF
FCOE_OVERHEAD = 14 + 14 + 24 + 8

Report = collections.namedtuple('Report', 'problems frames commands data')


def rows(path):
    """The fields of each frame. FCP's dissector takes NVMe's units for SCSI: it is off."""
    if not shutil.which('tshark'):
        raise Unavailable('tshark is not installed: run ./setup')
    command = ['tshark', '-n', '-r', path, '--disable-protocol', 'fcp', '-T', 'fields',
               '-E', 'occurrence=f']
    for field in FIELDS:
        command += ['-e', field]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise ValueError('%s: tshark: %s' % (path, done.stderr.decode().strip()))
    for line in done.stdout.decode(errors='replace').split('\n')[:-1]:
        yield line.split('\t')


def number(text):
    return int(text, 0) if text else None


def examine(path):
    """A Report. Data counts each frame's bytes, fill included.

    A host that leaves aborts what waits at the controller for an event: an abort is wrong only when
    data follow."""
    problems, aborts, frames, commands, data = [], [], 0, 0, 0
    for frame, length, r_ctl, kind, crc, fcoe_crc, malformed, sof in rows(path):
        frames += 1
        r_ctl, kind = number(r_ctl), number(kind)
        if crc == BAD or fcoe_crc == BAD:
            problems.append('frame %s: bad CRC' % frame)
        if malformed:
            problems.append('frame %s: malformed' % frame)
        if r_ctl == BA_RJT:
            problems.append('frame %s: BA_RJT' % frame)
        if r_ctl == ABTS:
            aborts.append('frame %s: ABTS' % frame)
        commands += r_ctl == CMND and kind == FCP
        if r_ctl == DATA and kind == FCP:
            problems += aborts
            aborts = []
            data += int(length) - (FCOE_OVERHEAD if sof else FC_OVERHEAD)
    return Report(problems, frames, commands, data)


def main():
    bad = 0
    for path in sys.argv[1:]:
        report = examine(path)
        print('%s: %d frames, %d commands, %d bytes of data, %d problems'
              % (path, report.frames, report.commands, report.data, len(report.problems)))
        for problem in report.problems:
            print('  ' + problem)
        bad += len(report.problems)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
