# SPDX-License-Identifier: BSD-2-Clause
"""What `make test-vfio` asks of each kernel. A case is a function of the rig; it returns what
there is to say about it. They run in this order, on the same guest."""
import collections
import re
import time

from adapter import CaseFailed
from guest import GuestError
from rig import PORT, SIZE
from target import MIB
from vfioguest import ADAPTER, EDU, SYSFS

NODES = {'cloud': '/dev/vfio/vfio', 'iommufd': '/dev/iommu'}
GROUP_ONLY, BOTH_WAYS = ('group',), ('cdev', 'group')
LOST = r'(?i)gone|no such device|does not answer'


def ways(rig):
    """The ways to the IOMMU that the kernel has."""
    return BOTH_WAYS if rig.kernel.name == 'iommufd' else GROUP_ONLY


def unbind(rig):
    """And back; weft lists the adapter either way."""
    for driver in 'vfio-pci', '':
        rig.same('drivers', rig.guest.driver(ADAPTER), driver)
        if ADAPTER not in rig.must('weft list --output-format json'):
            raise CaseFailed('weft list does not show the adapter')
        if driver:
            rig.must('weft unbind ' + ADAPTER)
    rig.guest.bind(ADAPTER)


def bind(rig):
    """The adapter and edu, known to no driver of the kernel, are given to vfio-pci."""
    for bdf in ADAPTER, EDU:
        if rig.guest.driver(bdf):
            raise CaseFailed('%s has driver %s already' % (bdf, rig.guest.driver(bdf)))
        rig.guest.bind(bdf)
    if rig.guest.knows('unbind'):
        unbind(rig)
    nodes = rig.must('find /dev/vfio /dev/iommu 2>/dev/null || true').split()
    if NODES[rig.kernel.name] not in nodes:
        raise CaseFailed('the kernel made no %s: %s' % (NODES[rig.kernel.name], nodes))
    return '%d nodes' % len(nodes)


def faults(rig):
    return len(re.findall(r'DMAR: \[DMA (?:Read|Write)', rig.must('dmesg')))


def edu(rig):
    """QEMU's own device: registers, MSI, DMA both ways, and what it may not reach."""
    steps, before = 0, faults(rig)
    for way in ways(rig):
        steps += rig.must('edu %s %s' % (EDU, way)).count('ok: ')
    caught = faults(rig) - before
    if not caught:      # it has room for one at a time: not each is told
        raise CaseFailed('the IOMMU reports no fault')
    return '%d steps by %s, %d faults caught by the IOMMU' % (steps, ' and '.join(ways(rig)),
                                                             caught)


def info(rig):
    """weft says what it found, by each way."""
    for way in ways(rig):
        rig.device = 'vfio:%s,mode=%s' % (ADAPTER, way)
        said = rig.ask('info')
        rig.same('buses', said['bus'], 'vfio')
    rig.device = ADAPTER
    return 'firmware %s, %s vectors' % (said['firmware'], said['vectors'])


def check_way(rig, done):
    node = NODES[rig.kernel.name]
    if node not in done.opened:
        raise CaseFailed('weft did not open %s, but %s' % (node, ' '.join(done.opened)))


def count_vectors(done):
    total = sum(done.vectors.values())
    if not total:
        raise CaseFailed('the kernel counts no interrupt: %s' % done.vectors)
    return '%d interrupts on %d MSI-X vectors' % (total,
                                                  sum(1 for n in done.vectors.values() if n))


def smoke(rig):
    """1 MiB there and back, at the target; its interrupts are the kernel's."""
    done = rig.job(MIB)
    check_way(rig, done)
    return count_vectors(done)


def job(rig):
    """16 MiB there and back; the target's own digest is that of the file."""
    start = time.monotonic()
    done = rig.job(SIZE)
    check_way(rig, done)
    return '%s, %.1f s' % (count_vectors(done), time.monotonic() - start)


def group(rig):
    """The group's way on a kernel that has the other, too."""
    rig.device = 'vfio:%s,mode=group' % ADAPTER
    done = rig.job(MIB)
    rig.device = ADAPTER
    if NODES['cloud'] not in done.opened:
        raise CaseFailed('weft did not open the container, but ' + ' '.join(done.opened))
    return count_vectors(done)


def reset(rig):
    """Function-level reset: at each open and close, and when asked for."""
    before = rig.boots()
    rig.weft('info')
    opened = rig.boots() - before
    rig.weft('reset')
    asked = rig.boots() - before - opened
    if not opened or asked <= opened:
        raise CaseFailed('the firmware started %d times for info, %d for reset' % (opened, asked))
    rig.weft('info')
    return 'the firmware started %d times for info, %d for reset' % (opened, asked)


def confined(rig):
    """The adapter is sent to memory it was not given; it counts the refusals and works on."""
    steps = sum(rig.must('confined vfio:%s,mode=%s' % (ADAPTER, way)).count('ok: ')
                for way in ways(rig))
    rig.job(MIB)
    return '%d steps by %s' % (steps, ' and '.join(ways(rig)))


def user(rig):
    """An ordinary user that owns the nodes: refused without memory to lock, works with it."""
    as_lab = "ulimit -l %s; su lab -c '%s'"
    rig.refused('su lab -c \'%s\'' % rig.line('info'), '(?i)denied|access|permission')
    rig.must('chown -R lab /dev/vfio; [ ! -e /dev/iommu ] || chown lab /dev/iommu')
    said = rig.refused(as_lab % ('64', rig.line('info')), r'(?i)memlock')
    rig.must(as_lab % ('unlimited', rig.line('info')))
    rig.must('chown -R root /dev/vfio; [ ! -e /dev/iommu ] || chown root /dev/iommu')
    return said


def start_write(rig):
    """A job that is under way: its first bytes are on the target's disk, its process id."""
    rig.target.must('dd if=/dev/zero of=/dev/ram0 bs=65536 count=1 oflag=direct')
    empty = rig.target.sha256(0, 65536)
    rig.must('dd if=/dev/urandom of=/tmp/data bs=65536 count=%d 2>/dev/null\n'
             'rm -f /tmp/status\n'
             '(%s >/tmp/said 2>&1; echo $? >/tmp/status) </dev/null &'
             % (SIZE >> 16, rig.line('run', PORT + ' --timeout 60 --data /tmp/data')))
    deadline = time.monotonic() + 600
    while rig.target.sha256(0, 65536) == empty:
        if time.monotonic() > deadline or not rig.run('[ -e /tmp/status ]')[0]:
            raise CaseFailed('the job does not begin:\n' + rig.run('cat /tmp/said')[1])
        time.sleep(0.1)
    return rig.must('pidof weft').strip()


def expect_end(rig, limit=300):
    """The job ends by itself, with exit status 1 and a word about it."""
    start = time.monotonic()
    while rig.run('[ -e /tmp/status ]')[0]:
        if time.monotonic() - start > limit:
            raise CaseFailed('weft hangs:\n' + rig.run('cat /tmp/said; dmesg | tail')[1])
        time.sleep(0.2)
    status, said = rig.must('cat /tmp/status').strip(), rig.must('cat /tmp/said').strip()
    last = (said.splitlines() or [''])[-1]
    if status != '1' or not re.match('weft: ', last):
        raise CaseFailed('weft ended with %s:\n%s' % (status, said))
    return '"%s" after %.1f s' % (last, time.monotonic() - start)


def killed(rig):
    """kill -9 of weft in the midst of a job: the kernel takes all back, the next one works."""
    rig.must('kill -9 %s' % start_write(rig))
    rig.job(MIB)
    return 'the next job ran'


def removed(rig):
    """The device is taken out of the kernel in the midst of a job, then found again."""
    start_write(rig)
    rig.must('echo 1 >%s%s/remove' % (SYSFS, ADAPTER), timeout=300)
    said = expect_end(rig)
    rig.must('echo 1 >/sys/bus/pci/rescan')
    rig.guest.bind(ADAPTER)
    rig.job(MIB)
    return said


def dies(rig):
    """weft-sim is killed in the midst of a job: an orderly error, and no hang."""
    rig.check_guests()      # later the guest's kernel has reason to complain
    start_write(rig)
    rig.adapter.kill()
    rig.adapter.wait()
    rig.adapter = None
    said = expect_end(rig)
    # The kernel waits for a minute for a reset that no one does.
    rig.refused(rig.line('info'), LOST, limit=300)
    return said


Case = collections.namedtuple('Case', 'what steps kernels', defaults=(('cloud', 'iommufd'),))
CASES = {
    'bind': Case('vfio-pci takes the devices', bind),
    'edu': Case("QEMU's edu device", edu),
    'info': Case('weft info', info),
    'smoke': Case('1 MiB and interrupts', smoke),
    'job': Case('16 MiB', job),
    'group': Case('1 MiB by group and type1', group, ('iommufd',)),
    'reset': Case('function-level reset', reset),
    'confined': Case('DMA outside of all maps', confined),
    'user': Case('an ordinary user', user),
    'killed': Case('weft is killed', killed),
    'removed': Case('the device is removed', removed),
    'dies': Case('the adapter dies', dies),
}
ERRORS = (CaseFailed, GuestError, OSError, ValueError)
