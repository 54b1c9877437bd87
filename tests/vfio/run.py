#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs weft over the Linux kernel's VFIO, in a guest whose PCI device is the co-simulated adapter.

  run.py [CASE...]   KERNEL, CASE or KERNEL/CASE; all when none is named
  run.py --list      the cases and what they are

Kernels: `cloud`, Debian 13's (group and type1), and `iommufd`, built here (device node and
iommufd). What they need (a newer QEMU, the kernels) is fetched and built once: ~/.cache/weft.

One line for each case, as in TAP: "ok" or "not ok". What cannot run is not ok. Logs stay in
build/vfio/KERNEL/. Exit status: 0 all is ok; 1 not; 2 no such case."""
import argparse
import os
import signal
import sys
import time

import kernels
from cases import CASES, ERRORS, bind
from kernel import ROOT, Unavailable
from rig import VfioRig

RESULTS = os.path.join(ROOT, 'build', 'vfio')


def known():
    return [(kernel, name) for kernel in kernels.KERNELS for name, case in CASES.items()
            if kernel in case.kernels]


class Report:
    """Prints a line for each case that has ended."""

    def __init__(self, total):
        self.number = self.failed = 0
        print('1..%d' % total, flush=True)

    def line(self, ok, kernel, name, text):
        self.number += 1
        self.failed += not ok
        first, *rest = str(text).strip().split('\n')
        print('%s %d - %s/%s: %s: %s' % ('ok' if ok else 'not ok', self.number, kernel, name,
                                         CASES[name].what, first), flush=True)
        for line in rest:
            print('#   ' + line, flush=True)


def run_case(rig, report, name):
    """Whether the guest is fit for the next case."""
    start = time.monotonic()
    try:
        said = CASES[name].steps(rig)
    except ERRORS as e:
        report.line(False, rig.kernel.name, name, '%s\n%.1f s' % (e, time.monotonic() - start))
        return False
    report.line(True, rig.kernel.name, name, '%s (%.1f s)' % (said, time.monotonic() - start))
    return True


def refresh(rig, names):
    """A fresh guest after a case that failed or that ends the adapter; the devices are bound."""
    rig.start_guest()
    if names[0] != 'bind':
        bind(rig)


def run_kernel(kernel, names, report):
    """All cases of a kernel on one guest, or on several if something fails."""
    waiting = list(names)
    try:
        with VfioRig(os.path.join(RESULTS, kernel), kernels.KERNELS[kernel]()) as rig:
            rig.start()
            if waiting[0] != 'bind':
                bind(rig)
            while waiting:
                name = waiting.pop(0)
                fit = run_case(rig, report, name)
                if waiting and (not fit or name == 'dies'):
                    refresh(rig, waiting)
            rig.check_firmware()
            if names[-1] != 'dies':
                rig.check_guests()
    except (Unavailable, *ERRORS) as e:
        if not waiting:
            print('# %s: at the end: %s' % (kernel, e), flush=True)
            report.failed += 1
        for name in waiting:
            report.line(False, kernel, name, e)


def parse(argv):
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--list', action='store_true', help='name the cases')
    ap.add_argument('cases', nargs='*', metavar='CASE')
    args = ap.parse_args(argv)
    for word in args.cases:
        if not any(word in (k, n, '%s/%s' % (k, n)) for k, n in known()):
            ap.error('no case %s; there are: %s' % (word, ' '.join('%s/%s' % x for x in known())))
    return args


def main(argv):
    args = parse(argv)
    chosen = [(k, n) for k, n in known()
              if not args.cases or {k, n, '%s/%s' % (k, n)} & set(args.cases)]
    if args.list:
        for kernel, name in chosen:
            print('%-18s %s' % ('%s/%s' % (kernel, name), CASES[name].what))
        return 0
    # Guests and sockets are cleared away then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    report = Report(len(chosen))
    for kernel in kernels.KERNELS:
        names = [n for k, n in chosen if k == kernel]
        if names:
            run_kernel(kernel, names, report)
    print('# %d of %d ok' % (report.number - report.failed, len(chosen)))
    return 1 if report.failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
