# SPDX-License-Identifier: BSD-2-Clause
"""What `make interop` runs, and what each case does.

A case is a function of the rig, which has the target booted and the adapter started. It
verifies content; the capture, the target's kernel log and the firmware's log are examined
after every case alike."""
import collections
import os
import re

from rig import CaseFailed, sha256_of_zeroes
from target import ADDRESS, MIB, NQN, PORTS, SERIAL

BOTH = '-g -G'
DISCOVERY = 'nqn.2014-08.org.nvmexpress.discovery'
# After an association was cut off the target's own watchdog ends it, and says so.
LOST_HOST = r'keep-alive timer|fatal error occurred|unhandled state|failed cmd'


def discover(rig):
    """Each port of the target names itself, and the discovery subsystem."""
    for port in PORTS:
        records = rig.ask('discover', '--trsvcid %d' % port)['records']
        found = [(r['trtype'], r['traddr'], r['trsvcid'], r['subnqn']) for r in records]
        for nqn in NQN, DISCOVERY:
            if ('tcp', ADDRESS, str(port), nqn) not in found:
                raise CaseFailed('%s at port %d is not in the log: %s' % (nqn, port, records))


def identify(rig):
    """What the target says of itself, as it was set up."""
    ctrl, ns = rig.ask('id-ctrl'), rig.ask('id-ns')
    rig.same('serial numbers', ctrl['sn'], SERIAL)
    rig.same('subsystem names', ctrl['subnqn'], NQN)
    lbads = [f['lbads'] for f in ns['lbaf'] if f['in_use']][0]
    rig.same('block sizes', 1 << lbads, rig.lba)
    rig.same('namespace sizes', ns['nsze'] << lbads, rig.target.size)


def smoke(rig):
    """The shortest proof: discovery, then data both ways."""
    discover(rig)
    rig.write()
    rig.fill()
    rig.read()


def transfer(rig):
    """All of it: discovery, identification, data both ways at two places of the disk."""
    discover(rig)
    identify(rig)
    rig.write()
    rig.fill()
    rig.read()
    rig.write(rig.size // 2 + rig.lba * 8)


def perf(rig, depth, more='', count=400, digests=None):
    """Mixed random I/O, each read compared; the disk beyond must stay as it is."""
    reach = rig.size
    rig.fill(reach)
    before = rig.target.sha256(reach, rig.target.size - reach)
    words = {} if digests is None else {'digests': digests}
    done = rig.ask('perf', '-q %d -w randrw --count %d --range %d --verify --seed %d %s' % (
        depth, count, reach, depth, more), **words)
    if done['reads'] + done['writes'] != count or not done['reads'] or not done['writes']:
        raise CaseFailed('not %d reads and writes: %s' % (count, done))
    rig.same('errors and mismatches', (done['errors'], done['mismatches']), (0, 0))
    rig.same('bytes beyond the range', before,
             rig.target.sha256(reach, rig.target.size - reach))


def perf_depths(rig):
    for depth, count in (1, 100), (16, 400), (64, 600):
        perf(rig, depth, '-o 4096', count)


def perf_queues(rig):
    queues = rig.ask('connect-test', '-i 4')['io_queues']
    rig.same('I/O queues', queues, 4)
    perf(rig, 64, '-i 4 -o 4096', 600)
    perf(rig, 16, '-i 4 -o 65536', 100)


def perf_sizes(rig):
    """From one block to requests that are split, without and with SQ flow control."""
    perf(rig, 8, '-o 512 --range 65536', 300)
    perf(rig, 8, '-o 12288', 150)
    perf(rig, 4, '-o 131072 --disable-sqflow', 50)
    perf(rig, 2, '-o 262144 --max-transfer 65536', 20)


def zeroes(rig):
    """Flush, and zeroes over a part of known content."""
    rig.write()
    rig.weft('flush')
    part, at = rig.size // 4, rig.size // 2
    before = rig.outside(at, part)
    rig.weft('write-zeroes', '--start-block %d --data-size %d' % (at // rig.lba, part))
    rig.same('zeroes', sha256_of_zeroes(part), rig.target.sha256(at, part))
    rig.same('bytes around the zeroes', before, rig.outside(at, part))


def sequence(rig):
    """Many associations, one after the other, on one adapter that is never reset by hand."""
    for turn in range(6):
        rig.ask('connect-test', '-i %d' % (1 + turn % 4))
        rig.write(turn * rig.size // 8)
        if turn % 3 == 2:
            rig.weft('reset')
    identify(rig)


def begin_to_lose(rig):
    """A write in full swing, of which a quarter has been on the wire."""
    path = rig.random_file('lost', 2 * rig.size)
    victim = rig.spawn('write', '--timeout 10 --data ' + path)
    rig.wait_for_capture(os.path.getsize(rig.capture) + rig.size // 2, victim)
    return victim


def killed(rig):
    """A client that dies in the midst of a write, twice; the next one must find all well."""
    for turn in range(2):
        victim = begin_to_lose(rig)
        victim[0].kill()
        victim[0].wait()
        rig.write()
        rig.read()
    rig.fill()
    rig.read()


def expect_error(rig, command, why, limit=90):
    """The command must fail by itself, within limit seconds, and say why."""
    status, output = rig.finish(command, limit)
    if status != 1 or not re.search('weft: .*(%s)' % why, output.splitlines()[-1]):
        raise CaseFailed('exit %d, not for "%s": %s\n%s' % (status, why, command[2], output))


def port_removed(rig):
    """The target closes its port in the midst of a transfer, later opens it again."""
    port = '/sys/kernel/config/nvmet/ports/1/subsystems/' + NQN
    victim = begin_to_lose(rig)
    rig.target.must('rm ' + port)
    expect_error(rig, victim, 'reset by peer')
    expect_error(rig, rig.spawn('connect-test', '--timeout 10'), 'refused')
    rig.target.must('ln -s /sys/kernel/config/nvmet/subsystems/%s %s' % (NQN, port))
    smoke(rig)


def target_gone(rig):
    """The target is unplugged in the midst of a transfer; another one takes its place."""
    victim = begin_to_lose(rig)
    rig.target.stop()
    expect_error(rig, victim, 'timed out')
    expect_error(rig, rig.spawn('connect-test', '--timeout 10'), 'No route to host|timed out')
    rig.boot_target()
    smoke(rig)


# netem: what happens to frames that the target sends; faults: to frames both ways, in
# weft-sim; corrupt: some frames arrive damaged; allowed: kernel messages that are provoked.
Case = collections.namedtuple(
    'Case', 'what steps mtu digests netem faults size corrupt allowed',
    defaults=(transfer, 1500, BOTH, '', '', 2 * MIB, False, None))
CASES = {
    'smoke': Case('discovery, 1 MiB each way, both digests', smoke, size=MIB),
    'both-digests': Case('both digests, MTU 1500'),
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
    'perf-depths': Case('4 KiB at depths 1, 16 and 64, verified', perf_depths),
    'perf-queues': Case('four I/O queues, verified', perf_queues),
    'perf-sizes': Case('512 bytes to 256 KiB, verified', perf_sizes),
    'perf-no-digest': Case('no digest, four queues, verified', perf_queues, digests=''),
    'zeroes': Case('flush and write zeroes', zeroes),
    'sequence': Case('one association after the other', sequence, size=MIB // 2),
    'link-loss': Case('1 % lost both ways', faults='loss=0.01,seed=1'),
    'link-duplicate': Case('5 % doubled both ways', faults='dup=0.05,seed=2'),
    'link-reorder': Case('5 % late by up to 3 ms both ways', faults='reorder=0.05,by=3ms,seed=3'),
    'link-corrupt': Case('0.5 % damaged both ways', faults='corrupt=0.005,seed=4', corrupt=True),
    'link-delay': Case('2 ms of cable both ways', faults='delay=2ms'),
    'link-storm': Case('all of it both ways, verified I/O', perf_depths, corrupt=True,
                       faults='loss=0.005,dup=0.01,reorder=0.02,by=2ms,corrupt=0.002,'
                              'badfcs=0.002,delay=500us,seed=5'),
    'killed': Case('kill -9 of the client', killed, allowed=LOST_HOST),
    'port-removed': Case('target closes its port', port_removed, allowed=LOST_HOST),
    'target-gone': Case('target unplugged', target_gone),
}
