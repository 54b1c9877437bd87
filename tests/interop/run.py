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
from cases import BOTH, CASES
from guest import GuestError
from kernel import ROOT, Unavailable
from rig import OWN_ADDRESS, CaseFailed, Rig
from target import MIB

MAIN_SIZE = 16 * MIB
RESULTS = os.path.join(ROOT, 'build', 'interop')


def check_wire(rig, corrupt=False):
    """tshark's opinion of what went over the wire."""
    report = capture.examine(rig.capture, own=OWN_ADDRESS if corrupt else None)
    problems = list(report.problems)
    if report.pdus < 10:
        problems.append('only %d NVMe/TCP PDUs' % report.pdus)
    if bool(rig.digests) != bool(report.digests):
        problems.append('%d digests with options "%s"' % (report.digests, rig.digests))
    if problems:
        raise CaseFailed('%d problems in %s:\n%s' % (len(problems), rig.capture,
                                                     '\n'.join(problems[:20])))
    return report


def perform(rig, case):
    """The case and all that is examined after it; returns the report on its capture."""
    rig.start()
    rig.target.netem(case.netem)
    case.steps(rig)
    rig.target.netem('')
    rig.check_target(case.allowed)
    rig.stop_adapter()
    rig.check_firmware()
    return check_wire(rig, case.corrupt)


def explain(error):
    """What failed; when clearing up failed as well, that comes first."""
    earlier = error.__context__
    return '%s\nbefore that: %s' % (error, earlier) if isinstance(earlier, CaseFailed) else error


def run_case(name):
    """Returns 'passed', 'failed' or 'skipped' and prints its line."""
    case, start = CASES[name], time.monotonic()
    try:
        with Rig(os.path.join(RESULTS, name), size=case.size, mtu=case.mtu, digests=case.digests,
                 faults=case.faults) as rig:
            report = perform(rig, case)
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


def say(step, what):
    print('%-10s %s' % (step, what), flush=True)


def show_main_job(rig):
    """Boots, lets `weft run` do and show the work, then asks the three witnesses."""
    start = time.monotonic()
    say('boot', 'a Linux NVMe/TCP target in a guest, and the simulated adapter')
    rig.start()
    say('ready', 'after %.1f s' % (time.monotonic() - start))
    path = rig.random_file('written')
    rig.weft('run', '--data ' + path)
    rig.expect_disk(path)
    say('target', 'its own digest of its disk equals that of the file')
    rig.check_target()
    say('kernel', "no error in the target's log")
    rig.stop_adapter()
    rig.check_firmware()
    report = check_wire(rig)
    say('capture', '%s: tshark finds %d frames, %d PDUs, %d digests, %d retransmissions, '
        'no problem' % (os.path.relpath(rig.capture, ROOT), report.frames, report.pdus,
                        report.digests, report.retransmissions))


def main_job():
    """What `make run` shows."""
    start = time.monotonic()
    try:
        with Rig(os.path.join(RESULTS, 'run'), size=MAIN_SIZE, digests=BOTH, live=True,
                 timeout=1800) as rig:
            show_main_job(rig)
    except (CaseFailed, GuestError, Unavailable, ValueError) as e:
        print('run failed after %.1f s: %s' % (time.monotonic() - start, explain(e)),
              file=sys.stderr)
        return 1
    say('passed', '%d MiB written and read back through Weft, verified here and on the '
        'target; %.1f s' % (MAIN_SIZE // MIB, time.monotonic() - start))
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
