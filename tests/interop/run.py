#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs Weft against the Linux kernel's NVMe/TCP target in a guest.

  run.py [CASE...]     these cases, or all; one line each, then "N passed, N failed, N skipped"
  run.py --list        the cases and what they are
  run.py --main-job    the demonstration: 16 MiB there and back, everything shown

Logs and captures stay in build/interop/CASE/. Exit status: 0 all passed; 1 something
failed; 2 no such case; 77 nothing could run here, with the reason."""
import argparse
import collections
import os
import sys
import time

import capture
from guest import GuestError
from kernel import ROOT, Unavailable
from rig import OWN_ADDRESS, CaseFailed, Rig
from target import MIB

BOTH = '-g -G'
MAIN_SIZE = 16 * MIB

# netem: what happens to frames the target sends; corrupt: some of them are damaged.
Case = collections.namedtuple('Case', 'what mtu digests netem size corrupt',
                              defaults=(1500, BOTH, '', 2 * MIB, False))
CASES = {
    'smoke': Case('both digests, MTU 1500', size=MIB),
    'no-digest': Case('no digest', digests=''),
    'header-digest': Case('header digest alone', digests='-g'),
    'data-digest': Case('data digest alone', digests='-G'),
    'mtu9000': Case('both digests, MTU 9000', mtu=9000, size=4 * MIB),
    'mtu9000-no-digest': Case('no digest, MTU 9000', mtu=9000, digests='', size=4 * MIB),
    'delay': Case('frames late by 5 ms, more or less', netem='delay 5ms 2ms'),
    'loss': Case('2 % of frames lost', netem='loss 2%'),
    'duplicate': Case('2 % of frames doubled', netem='duplicate 2%'),
    'reorder': Case('a tenth of the frames overtaken', netem='delay 2ms reorder 90% 50%'),
    'corrupt': Case('1 % of frames with a flipped bit', netem='corrupt 1%', corrupt=True),
    'storm': Case('all of it at once, MTU 9000', mtu=9000, corrupt=True,
                  netem='delay 2ms 1ms loss 2% duplicate 2% reorder 10% 50% corrupt 0.5%'),
}


def check_wire(rig, case):
    """tshark's opinion of what went over the wire."""
    report = capture.examine(rig.capture, own=OWN_ADDRESS if case.corrupt else None)
    problems = list(report.problems)
    if report.pdus < 10:
        problems.append('only %d NVMe/TCP PDUs' % report.pdus)
    if bool(case.digests) != bool(report.digests):
        problems.append('%d digests with options "%s"' % (report.digests, case.digests))
    if problems:
        raise CaseFailed('capture %s:\n%s' % (rig.capture, '\n'.join(problems[:20])))
    return report


def transfer(rig, case):
    """The steps of every case; returns the report on its capture."""
    rig.start()
    rig.target.netem(case.netem)
    rig.discover()
    rig.write()
    rig.fill()
    rig.read()
    rig.target.netem('')
    rig.check_target()
    rig.stop_adapter()
    return check_wire(rig, case)


def explain(error):
    """What failed; when clearing up failed as well, that comes first."""
    earlier = error.__context__
    return '%s\nbefore that: %s' % (error, earlier) if isinstance(earlier, CaseFailed) else error


def run_case(name):
    """Returns 'passed', 'failed' or 'skipped' and prints its line."""
    case, start = CASES[name], time.monotonic()
    folder = os.path.join(ROOT, 'build', 'interop', name)
    try:
        with Rig(folder, size=case.size, mtu=case.mtu, digests=case.digests) as rig:
            report = transfer(rig, case)
    except Unavailable as e:
        print('skip %-18s %s' % (name, e), flush=True)
        return 'skipped'
    except (CaseFailed, GuestError, ValueError) as e:
        print('FAIL %-18s %6.1f s  %s\n%s' % (name, time.monotonic() - start, case.what,
                                             explain(e)),
              flush=True)
        return 'failed'
    print('ok   %-18s %6.1f s  %s: %d PDUs, %d digests, %d retransmissions' % (
        name, time.monotonic() - start, case.what, report.pdus, report.digests,
        report.retransmissions), flush=True)
    return 'passed'


def main_job():
    """What `make run` shows: each step with its own output, then the sum."""
    case, start = Case('', size=MAIN_SIZE), time.monotonic()
    folder = os.path.join(ROOT, 'build', 'run')
    try:
        with Rig(folder, size=case.size, digests=case.digests, live=True) as rig:
            print('booting a Linux target in a guest, starting the adapter', flush=True)
            rig.start()
            print('ready after %.1f s' % (time.monotonic() - start), flush=True)
            for verb in 'discover', 'id-ctrl', 'id-ns':
                rig.weft(verb)
            rig.write()
            rig.read()
            rig.weft('stats')
            rig.check_target()
            rig.stop_adapter()
            report = check_wire(rig, case)
    except (CaseFailed, GuestError, Unavailable, ValueError) as e:
        print('run failed: %s' % explain(e), file=sys.stderr)
        return 1
    print('%d MiB written and read back, SHA-256 equal here and on the target; %.1f s' % (
        MAIN_SIZE // MIB, time.monotonic() - start))
    print('capture %s: %d frames, %d PDUs, %d digests, all right; %d retransmissions' % (
        os.path.relpath(rig.capture, ROOT), report.frames, report.pdus, report.digests,
        report.retransmissions))
    return 0


def parse(argv):
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--list', action='store_true', help='name the cases')
    ap.add_argument('--main-job', action='store_true', help='the demonstration')
    ap.add_argument('cases', nargs='*', metavar='CASE')
    args = ap.parse_args(argv)
    for name in args.cases:
        if name not in CASES:
            ap.error('no case %s; there are: %s' % (name, ' '.join(CASES)))
    return args


def main(argv):
    args = parse(argv)
    if args.list:
        for name, case in CASES.items():
            print('%-18s %s' % (name, case.what))
        return 0
    if args.main_job:
        return main_job()
    count = collections.Counter(run_case(name) for name in args.cases or CASES)
    print('%d passed, %d failed, %d skipped' % (count['passed'], count['failed'],
                                                 count['skipped']))
    if count['failed']:
        return 1
    return 0 if count['passed'] else 77


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
