#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration: two adapters in one process, one exports a file, the other writes to it.

  run.py [--wire tcp|fc|fabric|fcoe] [--size MIB] [--dir DIR] [-- options of weft run]

build/weft-cosim discovers, connects, identifies, writes (over TCP with both digests), reads back and
compares.
Then two more witnesses: the exported file must hold what was written, and tshark must find nothing
wrong in the captures of both ports. Files stay in build/run/. Exit status: 0 all passed, else 1."""
import argparse
import concurrent.futures
import hashlib
import os
import random
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'interop'))
import capture                                                          # pylint: disable=C0413
import fc_capture                                                       # pylint: disable=C0413
from kernel import Unavailable                                          # pylint: disable=C0413

MIB = 1 << 20
TIMEOUT = 1200
PORTS = ('host', 'target')


class Failed(Exception):
    """Something is not as it must be; the text says what."""


def say(step, what):
    print('%-10s %s' % (step, what), flush=True)


def name(path):
    return os.path.relpath(path, ROOT)


def digest(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def prepare(folder, size):
    """What is to be written: the same bytes each time. No export or capture of an earlier run."""
    os.makedirs(folder, exist_ok=True)
    files = {what: os.path.join(folder, what)
             for what in ('written', 'export', 'host.pcapng', 'target.pcapng')}
    for path in files.values():
        if os.path.exists(path):
            os.remove(path)
    with open(files['written'], 'wb') as f:
        f.write(random.Random(1).randbytes(size))
    return files


def run_adapters(files, size, wire, options):
    """Everything the two adapters do; their program shows its steps itself."""
    command = [os.path.join(ROOT, 'build', 'weft-cosim'), '--export', files['export'],
               '--size', str(size), '--wire', wire, '--pcap', files['host.pcapng'] + ':' + files['target.pcapng'],
               '--', '--data', files['written'], *options]
    try:
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=TIMEOUT,
                              check=False)
    except FileNotFoundError:
        raise Failed('%s is not there: run make' % name(command[0])) from None
    except subprocess.TimeoutExpired:
        raise Failed('the adapters did not finish in %d s' % TIMEOUT) from None
    if done.returncode:
        raise Failed('%s: exit status %d' % (name(command[0]), done.returncode))


def check_export(files):
    """The file that was exported, read as a file."""
    want, have = digest(files['written']), digest(files['export'])
    if want != have:
        raise Failed('%s holds %s, %s was written' % (name(files['export']), have, want))
    say('file', '%s holds what was written: SHA-256 %s' % (name(files['export']), have))


def check_wire(path):
    """tshark's opinion of one port; both digests must have been there, and enough PDUs."""
    report = capture.examine(path)
    problems = list(report.problems)
    if report.pdus < 10 or report.digests < report.pdus:
        problems.append('%d PDUs, %d digests' % (report.pdus, report.digests))
    if problems:
        raise Failed('%d problems in %s:\n%s' % (len(problems), name(path),
                                                 '\n'.join(problems[:20])))
    return report


def check_fc(path, size):
    """tshark's opinion of an FC port: good CRCs, nothing malformed, a command and its data."""
    report = fc_capture.examine(path)
    problems = list(report.problems)
    if report.commands < 10 or report.data < 2 * size:
        problems.append('%d commands, %d bytes of data' % (report.commands, report.data))
    if problems:
        raise Failed('%d problems in %s:\n%s' % (len(problems), name(path),
                                                 '\n'.join(problems[:20])))
    return report


def check_fc_captures(files, size):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        reports = list(pool.map(lambda port: check_fc(files[port + '.pcapng'], size), PORTS))
    for port, report in zip(PORTS, reports):
        say('capture', '%s: tshark finds %d frames, %d commands, %d bytes of data, no problem'
            % (name(files[port + '.pcapng']), report.frames, report.commands, report.data))


def check_captures(files):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        reports = list(pool.map(check_wire, [files[port + '.pcapng'] for port in PORTS]))
    for port, report in zip(PORTS, reports):
        say('capture', '%s: tshark finds %d frames, %d PDUs, %d digests, %d retransmissions, '
            'no problem' % (name(files[port + '.pcapng']), report.frames, report.pdus,
                            report.digests, report.retransmissions))


def parse():
    ap = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    ap.add_argument('--wire', default='tcp', choices=('tcp', 'fc', 'fabric', 'fcoe'),
                    help='between the adapters (tcp)')
    ap.add_argument('--size', type=int, default=16, metavar='MIB', help='how much (16)')
    ap.add_argument('--dir', default=os.path.join(ROOT, 'build', 'run'), help='where files go')
    ap.add_argument('options', nargs='*', help='of weft run')
    return ap.parse_args()


def main():
    args, start = parse(), time.monotonic()
    try:
        files = prepare(os.path.abspath(args.dir), args.size * MIB)
        run_adapters(files, args.size * MIB, args.wire, args.options)
        check_export(files)
        if args.wire == 'tcp':
            check_captures(files)
        else:
            check_fc_captures(files, args.size * MIB)
    except (Failed, Unavailable, ValueError, OSError) as e:
        print('run failed after %.1f s: %s' % (time.monotonic() - start, e), file=sys.stderr)
        return 1
    say('passed', '%d MiB written and read back from adapter to adapter, verified here and in the '
        'exported file; %.1f s; files in %s/' % (args.size, time.monotonic() - start,
                                                name(os.path.abspath(args.dir))))
    return 0


if __name__ == '__main__':
    sys.exit(main())
