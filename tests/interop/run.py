#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs Weft against the Linux kernel's NVMe/TCP and FC-NVMe targets and hosts, in a guest.

  run.py [CASE...]     these cases, or all; one line each, then "N passed, N failed, N skipped"
  run.py --list        the cases and what they are
  run.py --peer linux [CASE...]
                       cases of Linux as the host, with Linux's own target in place of Weft:
                       what the cases ask is what a known good target gives
  run.py --main-job    the demonstration: 16 MiB there and back, everything shown

Logs and captures stay in build/interop/CASE/. Exit status: 0 all passed; 1 something
failed; 2 no such case; 77 nothing could run here, with the reason."""
import argparse
import collections
import os
import sys
import time

import capture
import fcjudge
import fccases
import hostcases
from adapter import OWN_ADDRESS, CaseFailed
from cases import BOTH, CASES
from guest import GuestError
from hostrig import HostRig
from kernel import ROOT, Unavailable
from rig import Rig
from target import MIB

MAIN_SIZE = 16 * MIB
ALL = {**CASES, **hostcases.CASES, **fccases.CASES}
RESULTS = os.path.join(ROOT, 'build', 'interop')


def check_wire(rig, corrupt=False, hostile=False, success=None):
    """tshark's opinion of what went over the wire. success: whether data with the SUCCESS flag
    must be there; if not they must not; None: as they come."""
    report = capture.examine(rig.capture, own=OWN_ADDRESS if corrupt else None,
                             hostile=OWN_ADDRESS if hostile else None)
    problems = list(report.problems)
    if report.pdus < 10:
        problems.append('only %d NVMe/TCP PDUs' % report.pdus)
    if rig.digests is not None and bool(rig.digests) != bool(report.digests):
        problems.append('%d digests with options "%s"' % (report.digests, rig.digests))
    if success is not None and success != bool(report.successes):
        problems.append('%d C2HData PDUs with SUCCESS' % report.successes)
    if problems:
        raise CaseFailed('%d problems in %s:\n%s' % (len(problems), rig.capture,
                                                     '\n'.join(problems[:20])))
    return report


def perform(rig, case):
    """A case with Linux as the target, and all that is examined after it; returns the report
    on its capture."""
    rig.start()
    rig.target.netem(case.netem)
    case.steps(rig)
    rig.target.netem('')
    rig.check_target(case.allowed)
    rig.stop_adapter()
    rig.check_firmware()
    return check_wire(rig, case.corrupt)


def perform_host(rig, case):
    """The same for a case with Linux as the host."""
    rig.start()
    rig.impair(case.netem)
    case.steps(rig)
    rig.impair('')
    rig.check_peers(case.allowed)
    rig.end()
    rig.check_firmware()
    return check_wire(rig, case.corrupt, case.hostile, case.success)


def go(name, peer):
    """Runs the case with this name on its rig; returns the report on its capture."""
    case, place = ALL[name], name if peer == 'weft' else '%s-%s' % (peer, name)
    folder = os.path.join(RESULTS, place)
    if name in fccases.CASES:
        return fccases.perform(case, folder, peer)
    how = {key: getattr(case, key) for key in ('size', 'mtu', 'digests', 'faults')}
    if name in CASES:
        with Rig(folder, **how) as rig:
            return perform(rig, case)
    with HostRig(folder, peer=peer, cpus=case.cpus, guests=case.guests, **how) as rig:
        return perform_host(rig, case)


def explain(error):
    """What failed; when clearing up failed as well, that comes first."""
    earlier = error.__context__
    return '%s\nbefore that: %s' % (error, earlier) if isinstance(earlier, CaseFailed) else error


def summary(report):
    if isinstance(report, fcjudge.Report):
        return fccases.summary(report)
    return '%d PDUs, %d digests, %d retransmissions' % (report.pdus, report.digests,
                                                        report.retransmissions)


def run_case(name, peer):
    """Returns 'passed', 'failed' or 'skipped' and prints its line."""
    case, start = ALL[name], time.monotonic()
    try:
        report = go(name, peer)
    except Unavailable as e:
        print('skip %-18s %s' % (name, e), flush=True)
        return 'skipped'
    except (CaseFailed, GuestError, OSError, ValueError) as e:
        print('FAIL %-18s %6.1f s  %s\n%s' % (name, time.monotonic() - start, case.what,
                                             explain(e)),
              flush=True)
        return 'failed'
    print('ok   %-18s %6.1f s  %s: %s' % (name, time.monotonic() - start, case.what,
                                         summary(report)), flush=True)
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
    ap.add_argument('--peer', choices=('weft', 'linux'), default='weft',
                    help='what the Linux host connects to')
    ap.add_argument('cases', nargs='*', metavar='CASE')
    args = ap.parse_args(argv)
    known = {**hostcases.CASES, **{name: fccases.CASES[name] for name in fccases.REFERENCE}} \
        if args.peer == 'linux' else ALL
    for name in args.cases:
        if name not in known:
            ap.error('no case %s; there are: %s' % (name, ' '.join(known)))
    args.cases = args.cases or list(known)
    return args


def main(argv):
    args = parse(argv)
    if args.list:
        for name, case in ALL.items():
            print('%-18s %s' % (name, case.what))
        return 0
    if args.main_job:
        return main_job()
    count = collections.Counter(run_case(name, args.peer) for name in args.cases)
    print('%d passed, %d failed, %d skipped' % (count['passed'], count['failed'],
                                                 count['skipped']))
    if count['failed']:
        return 1
    return 0 if count['passed'] else 77


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
