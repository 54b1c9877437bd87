# SPDX-License-Identifier: BSD-2-Clause
"""The cases in which Linux is the host and Weft the controller.

A case is a function of the rig, which has the host booted and the disks exported. It
verifies content; the capture, the host's kernel log, the log of `weft target` and that of
the firmware are examined after every case alike."""
import base64
import collections
import json
import os
import re
import sys
import time

from adapter import CaseFailed
from exporter import CLOSED, DISK, LATE, MIB, PORTS, uuid_of
from host import FRIEND, FRIENDID, OWN_ADDRESS

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'guest'))
from numbered import lost   # noqa: E402

BOTH = '-g -G'
DISCOVERY = 'nqn.2014-08.org.nvmexpress.discovery'
FRIENDLY = {'hostnqn': FRIEND, 'hostid': FRIENDID}    # another host, by name and identifier


# -- what most cases are made of

def write(rig, device, offset, length, block, nsid=1, subsystem=DISK):
    """Random bytes from the host; they are in the file, and the rest is as it was."""
    size = subsystem.namespaces[nsid]
    rest = (0, offset), (offset + length, size - offset - length)

    def outside():
        return [rig.export.sha256(at, count, nsid, subsystem) for at, count in rest]
    before = outside()
    digest = rig.host.write(device, offset, length, block)
    rig.same('written bytes', digest, rig.export.sha256(offset, length, nsid, subsystem))
    rig.same('bytes that were not written', before, outside())


def read(rig, device, offset, length, nsid=1, subsystem=DISK):
    """What the host reads is what the file holds."""
    rig.same('read bytes', rig.host.sha256(device, offset, length),
             rig.export.sha256(offset, length, nsid, subsystem))


def connect(rig, queues=1, options=None, nqn=DISK.nqn, **how):
    """A live controller with as many I/O queues as asked for."""
    options = rig.digests if options is None else options
    controller = rig.host.connect(nqn, queues=queues, options=options, **how)
    count = int(controller.attribute('queue_count'))
    rig.same('queues, the admin queue counted', count, queues + 1)
    return controller


def move(rig, queues=1, options=None, size=None):
    """Connect, data both ways in both kinds of writes, disconnect."""
    size = size or rig.size
    rig.export.fill()
    controller = connect(rig, queues, options)
    disk = controller.disk()
    read(rig, disk, 0, size)
    write(rig, disk, 0, 32 * 4096, 4096)                  # in the capsule
    write(rig, disk, size, size, min(size, MIB))          # by R2T
    read(rig, disk, 0, 2 * size)
    controller.disconnect()


FIO = ('fio --name={name} --filename={disk} --allow_file_create=0 --direct=1 --ioengine={engine} --iodepth={depth}'
       ' --numjobs={jobs} --offset_increment={part} --size={part} --bs={bs} --rw={rw}'
       ' --verify=crc32c --verify_fatal=1 --verify_backlog={backlog} --randrepeat=1'
       ' --group_reporting --io_size={io} --output-format=json {more}')


def fio_line(disk, name='load', engine='io_uring', depth=8, jobs=1, part=4 * MIB, bs='4k',
             rw='randrw', io=None, backlog=64, more=''):
    return FIO.format(**dict(locals(), io=io or part))


def fio_judge(text, write_bytes=1):
    """The sums over all jobs of fio's own report; errors in it are failures."""
    jobs = json.loads(text[text.index('{'):])['jobs']
    for job in jobs:
        if job['error']:
            raise CaseFailed('fio: error %d in job %s' % (job['error'], job['jobname']))
    read_bytes = sum(j['read']['io_bytes'] for j in jobs)
    written = sum(j['write']['io_bytes'] for j in jobs)
    if written < write_bytes or not read_bytes:
        raise CaseFailed('fio read %d and wrote %d bytes' % (read_bytes, written))
    return read_bytes, written


def fio(rig, disk, timeout=600, **how):
    code, out = rig.host.run(fio_line(disk, **how), timeout)
    if code:
        raise CaseFailed('fio: exit %d\n%s\n%s' % (code, out[-4000:], rig.host.said()))
    return fio_judge(out)


# -- the cases

def discover(rig):
    """Both ports tell of the subsystems that this host may use, and only of those."""
    for port in PORTS:
        for who, more in ({}, set()), (FRIENDLY, {CLOSED.nqn}):
            records = rig.host.discover(port, **who)
            rig.same('names in the log', names(records),
                     {DISCOVERY, DISK.nqn} | more)
            for r in records:
                rig.same('address of ' + r['subnqn'], (r['trtype'], r['adrfam'], r['traddr']),
                         ('tcp', 'ipv4', OWN_ADDRESS))
                if int(r['trsvcid']) not in PORTS:
                    raise CaseFailed('port %s in the log' % r['trsvcid'])


def events(rig):
    """A discovery controller that stays is told, each time, that a subsystem came or went; what
    its log then says is so."""
    watch, records = rig.host.watch(PORTS[1])
    rig.same('names in the log', names(records), {DISCOVERY, DISK.nqn})
    rig.host.start('uevents', 'python3 /guest/uevents.py %s' % watch.name)
    rig.host.until('grep -q listening /tmp/uevents.out', 'uevents heard', 60)
    for turn, change, there in ((1, rig.export.publish, True), (2, rig.export.withdraw, False),
                                (3, rig.export.publish, True)):
        change(LATE)
        rig.host.until('[ $(grep -c ^0x70f002 /tmp/uevents.out) = %d ]' % turn,
                       'event %d of the discovery log' % turn, 60)
        rig.same('names after event %d' % turn, names(rig.host.look(watch)),
                 {DISCOVERY, DISK.nqn} | ({LATE.nqn} if there else set()))
    late = connect(rig, nqn=LATE.nqn)
    write(rig, late.disk(), 0, MIB, 65536, 1, LATE)
    late.disconnect()
    watch.disconnect()


def names(records):
    return {record['subnqn'] for record in records}


def connect_1(rig):
    move(rig)


def connect_4(rig):
    """A queue for each processor, and a job on each that verifies."""
    move(rig, 4)
    controller = connect(rig, 4)
    fio(rig, controller.disk(), jobs=4, depth=4, io=MIB,
        more='--cpus_allowed=0-3 --cpus_allowed_policy=split')
    controller.disconnect()


def no_sqflow(rig):
    """Without SQ flow control: reads end with the SUCCESS flag of their data."""
    options = rig.digests + ' --disable-sqflow'
    move(rig, 1, options)
    controller = connect(rig, 1, options)
    fio(rig, controller.disk(), jobs=2, depth=16, io=MIB)
    fio(rig, controller.disk(), depth=4, bs='512-128k', io=2 * MIB,
        more='--bs_unaligned=0 --blockalign=4k')
    controller.disconnect()


def digests(rig):
    """Header digest, data digest, both: the capture shows that they were there."""
    for options in '-g', '-G', BOTH:
        move(rig, 1, options)


def writes(rig):
    """Writes of all sizes, each by one request, in the capsule and by R2T; raw commands."""
    rig.export.fill()
    controller = connect(rig)
    disk = controller.disk()
    for size in 4096, 8192, 16384, 20480, 65536, 131072, MIB:
        write(rig, disk, 4 * size, 2 * size, size)
    read(rig, disk, 0, 8 * MIB)
    block = int(rig.host.must('cat /sys/block/%s/queue/logical_block_size' % disk[5:]))
    raw_commands(rig, disk, block)
    controller.disconnect()


def raw_commands(rig, disk, block):
    """A write and a read of three blocks by nvme-cli, flush, write zeroes, deallocate."""
    at, count = 77, 3
    rig.host.must('head -c %d /dev/urandom >/tmp/raw' % (count * block))
    where = '%s -s %d -c %d' % (disk, at, count - 1)
    rig.host.nvme('write %s -z %d -d /tmp/raw' % (where, count * block))
    rig.host.nvme('flush %s -n 1' % disk)
    rig.host.nvme('read %s -z %d -d /tmp/back' % (where, count * block))
    rig.host.must('cmp /tmp/raw /tmp/back')
    start, size = at * block >> 12 << 12, 65536
    known = rig.export.content(start, size)
    raw = base64.b64decode(rig.host.must('base64 /tmp/raw'))
    inside = at * block - start
    rig.same('blocks written', known[inside:inside + len(raw)].hex(), raw.hex())
    if rig.peer == 'linux':         # nvmet has none for files in memory
        return
    rig.host.nvme('write-zeroes ' + where)
    known = known[:inside] + bytes(len(raw)) + known[inside + len(raw):]
    rig.same('bytes after write zeroes', known.hex(), rig.export.content(start, size).hex())
    rig.host.nvme('dsm %s -d -b 8 -s %d' % (disk, 4 * MIB // block))
    rig.same('bytes after deallocate', known.hex(), rig.export.content(start, size).hex())


def identify(rig):
    """What nvme-cli shows is what the target was set up to be."""
    controller = connect(rig)
    disk, path = controller.disk(), '/dev/' + controller.name
    ctrl = rig.host.ask('id-ctrl ' + path)
    for key, value in (('sn', DISK.serial), ('mn', DISK.model), ('subnqn', DISK.nqn),
                       ('cntlid', controller.cntlid()), ('cntrltype', 1)):
        rig.same(key, str(ctrl[key]).strip(), str(value))
    if not ctrl['sgls'] & 3 or ctrl['ioccsz'] < 4 or not ctrl['kas'] or ctrl['nn'] < 1:
        raise CaseFailed('id-ctrl: %s' % ctrl)
    space = rig.host.ask('id-ns ' + disk)
    lbads = space['lbafs'][space['flbas'] & 15]['ds']
    rig.same('size of the namespace', space['nsze'] << lbads, DISK.namespaces[1])
    rig.same('its UUID', controller_uuid(rig, disk), uuid_of(DISK, 1))
    spaces = rig.host.ask('list-ns ' + path)['nsid_list']
    rig.same('namespaces', [s['nsid'] for s in spaces], list(DISK.namespaces))
    logs(rig, path)
    features(rig, path)
    if DISK.nqn not in rig.host.nvme('list-subsys') or disk not in rig.host.nvme('list'):
        raise CaseFailed('nvme list or list-subsys does not show the disk')
    controller.disconnect()


def controller_uuid(rig, disk):
    return rig.host.must('cat /sys/block/%s/uuid' % disk[5:]).strip()


def logs(rig, path):
    smart = rig.host.ask('smart-log ' + path)
    rig.same('critical warning', smart['critical_warning'], 0)
    rig.host.nvme('error-log %s -e 4' % path)
    slots = rig.host.nvme('fw-log ' + path)
    revision = str(rig.host.ask('id-ctrl ' + path)['fr']).strip()
    if rig.peer == 'weft' and revision not in slots:
        raise CaseFailed('no firmware %s in the log:\n%s' % (revision, slots))
    effects = base64.b64decode(rig.host.must('nvme get-log %s -i 5 -l 4096 -b | base64' % path))
    for name, at in (('Get Log Page', 2), ('Identify', 6), ('Keep Alive', 0x18),
                     ('Flush', 256), ('Write', 257), ('Read', 258)):
        if not effects[4 * at] & 1:
            raise CaseFailed('%s is not among the supported commands' % name)


def features(rig, path):
    """Values as the host set them: one I/O queue at least, and its Keep Alive."""
    said = rig.host.nvme('get-feature %s -f 7' % path)
    if 'value' not in said.lower():
        raise CaseFailed('number of queues: ' + said)
    said = rig.host.nvme('get-feature %s -f 0xf' % path)
    value = re.search(r'value:(?:0x)?([0-9a-f]+)', said, re.I)
    rig.same('Keep Alive Timer', value and int(value.group(1), 16), 30000)


TREE = '''
import os, random, sys
random.seed(1)
top = sys.argv[1]
for n in range(120):
    folder = os.path.join(top, *('d%d' % random.randrange(4) for _ in range(random.randrange(4))))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'file %d' % n), 'wb') as f:
        f.write(os.urandom(random.choice((0, 1, 511, 4096, 5000, 70000, 100000))))
    if n % 10 == 0:
        os.symlink('file %d' % n, os.path.join(folder, 'link %d' % n))
'''
MANIFEST = 'cd {0} && find . -type f | sort | tr "\\n" "\\0" | xargs -0 sha256sum; ' \
           'find . -type l | sort | while read -r l; do readlink "$l"; done'


def file_system(rig):
    """An ext4 on the disk: a tree of files goes there, and is there after unmount and fsck."""
    controller = connect(rig)
    disk = controller.disk()
    rig.host.must('mkdir -p /tmp/mnt\n'
                  'mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 ' + disk, timeout=300)
    rig.host.must("cat >/tmp/tree.py <<'EOF'%sEOF\npython3 /tmp/tree.py /tmp/tree" % TREE)
    rig.host.must('mount -t ext4 %s /tmp/mnt\ncp -a /tmp/tree /tmp/mnt/\nsync\numount /tmp/mnt'
                  % disk, timeout=300)
    rig.host.must('e2fsck -f -n ' + disk, timeout=300)
    rig.same('images of the file system', rig.host.sha256(disk), rig.export.sha256())
    controller.disconnect()
    disk = connect(rig).disk()
    rig.host.must('mount -t ext4 -o ro %s /tmp/mnt' % disk)
    expected, found = (rig.host.must(MANIFEST.format(place), timeout=300)
                       for place in ('/tmp/tree', '/tmp/mnt/tree'))
    rig.same('files', expected, found)
    if expected.count('file ') != 132:
        raise CaseFailed('the tree is not what it should be:\n' + expected)
    rig.host.must('umount /tmp/mnt')


def load(rig):
    """Random reads and writes at several depths, sizes and numbers of jobs, all verified."""
    controller = connect(rig)
    disk = controller.disk()
    timed = '--time_based --runtime=%d'
    fio(rig, disk, depth=1, more=timed % 5)
    fio(rig, disk, depth=16, jobs=4, more=timed % 15)
    fio(rig, disk, depth=4, jobs=2, bs='64k', more=timed % 8)
    fio(rig, disk, depth=8, bs='512-128k', more=timed % 5 + ' --bs_unaligned=0 --blockalign=4k')
    controller.disconnect()


def disturbed(rig):
    """Data both ways and a verified load while the network misbehaves."""
    move(rig)
    controller = connect(rig)
    fio(rig, controller.disk(), depth=16, io=2 * MIB)
    controller.disconnect()


def start_load(rig, disk, **how):
    """fio in the background (finish_load()), which is at work on the disk when this returns."""
    done = "awk '{print $1 + $5}' /sys/block/%s/stat" % os.path.basename(disk)
    before = int(rig.host.must(done))
    rig.host.start('load', fio_line(disk, **how))
    rig.host.until('[ $(%s) -gt %d ]' % (done, before + 20), 'load begins', 120)


def reset(rig):
    """The host resets the controller in the midst of a verified load; nothing is lost."""
    controller = connect(rig)
    disk = controller.disk()
    start_load(rig, disk, depth=8, more='--time_based --runtime=20')
    for _ in range(3):
        time.sleep(3)
        before = controller.cntlid()
        rig.host.nvme('reset /dev/' + controller.name)
        controller.wait()
        if controller.cntlid() == before:
            raise CaseFailed('still controller %d after a reset' % before)
    finish_load(rig)
    controller.disconnect()


def finish_load(rig, timeout=400):
    code, out = rig.host.finish('load', timeout)
    if code:
        raise CaseFailed('fio: exit %d\n%s\n%s' % (code, out[-4000:], rig.host.said()))
    return fio_judge(out)


def disconnect_busy(rig):
    """The host disconnects in the midst of a load, and comes back to a disk that is whole."""
    for _ in range(2):
        controller = connect(rig)
        start_load(rig, controller.disk(), depth=16, rw='randwrite',
                   more='--time_based --runtime=60')
        time.sleep(3)
        controller.disconnect()
        code, _ = rig.host.finish('load', 60)
        if not code:
            raise CaseFailed('fio did not notice that its disk is gone')
    move(rig)


def two_hosts(rig):
    """Two hosts, by name and identifier, with a subsystem each, at the same time; then the
    second joins the first at its subsystem, and the first leaves."""
    one, two = connect(rig), connect(rig, nqn=CLOSED.nqn, **FRIENDLY)
    disk = one.disk()
    rig.host.start('load', fio_line(disk, depth=8, more='--time_based --runtime=10'))
    fio(rig, two.disk(), name='other', depth=8, io=2 * MIB)
    write(rig, two.disk(), 0, MIB, 65536, 1, CLOSED)
    finish_load(rig)
    three = connect(rig, **FRIENDLY, service=8009)
    if three.cntlid() == one.cntlid():
        raise CaseFailed('two hosts share controller %d' % one.cntlid())
    two.disconnect()
    one.disconnect()
    write(rig, disk, 0, MIB, 65536)
    read(rig, disk, 0, 2 * MIB)
    three.disconnect()


def two_guests(rig):
    """Two machines at one disk, a verified load on a half each; what one writes the other
    reads. Then the second stops: the first goes on at its pace, and when its Keep Alive has
    ended the second's controller it is still the one it was."""
    half = DISK.namespaces[1] // 2
    one = connect(rig)
    disk, cntlid = one.disk(), one.cntlid()
    with rig.at(1):
        two = connect(rig, kato=4, **FRIENDLY)
        other, before = two.disk(), two.cntlid()
        rig.host.start('load', fio_line(other, depth=8, more='--time_based --runtime=20'
                                        ' --offset=%d' % half))
    fio(rig, disk, depth=8)
    with rig.at(1):
        finish_load(rig)
        write(rig, other, half, MIB, 65536)
    read(rig, disk, half, MIB)
    write(rig, disk, 0, MIB, 4096)
    rig.hosts[1].pause()
    fio(rig, disk, depth=8, more='--time_based --runtime=14')
    rig.hosts[1].resume()
    with rig.at(1):
        two.wait_reconnected(before)
        read(rig, other, 0, 2 * MIB)
        two.disconnect()
    rig.same('the first guest\'s controller', one.cntlid(), cntlid)
    if not re.search('keep.alive', rig.export.log(), re.I):
        raise CaseFailed('the target did not end the second controller for its Keep Alive')
    one.disconnect()


def keep_alive(rig):
    """The whole guest stops for longer than its Keep Alive time: the target ends the
    controller, and the host, once it goes on, connects anew."""
    controller = connect(rig, kato=4)
    disk = controller.disk()
    time.sleep(12)
    before = controller.cntlid()
    write(rig, disk, 0, MIB, 65536)
    rig.host.pause()
    time.sleep(14)
    rig.host.resume()
    controller.wait_reconnected(before)
    if not re.search('keep.alive', rig.export.log(), re.I):
        raise CaseFailed('the target did not end the controller for its Keep Alive')
    read(rig, disk, 0, MIB)
    write(rig, disk, MIB, MIB, 65536)
    controller.disconnect()


def power_cut(rig):
    """The host is gone in the midst of a load, without a word: its Keep Alive time ends the
    controller. Another host finds all that the first was told is safe."""
    disk = connect(rig, kato=4).disk()
    rig.host.start('writer', 'python3 /guest/numbered.py %s %d %d' % (disk, FIRST, SLOTS))
    rig.host.start('load', fio_line(disk, depth=8, more='--time_based --runtime=300'))
    rig.host.until('[ $(wc -l </tmp/writer.out) -gt 20 ]', 'numbers', 120)
    rig.host.must('touch /tmp/stop')
    rig.host.finish('writer', 60)
    numbers = acknowledged(rig)
    rig.cut_power()
    wait_for_log(rig, 'keep.alive', 60)
    rig.boot_another()
    check_numbers(rig, 'when the host was gone', numbers)
    controller = connect(rig)
    disk = controller.disk()
    rig.same('the area as another host sees it', rig.host.sha256(disk, FIRST * 4096, SLOTS * 4096),
             rig.export.sha256(FIRST * 4096, SLOTS * 4096))
    write(rig, disk, 0, MIB, 65536)
    read(rig, disk, 0, 2 * MIB)
    controller.disconnect()


def wait_for_log(rig, pattern, seconds):
    deadline = time.monotonic() + seconds
    while not re.search(pattern, rig.export.log(), re.I):
        if time.monotonic() > deadline:
            raise CaseFailed('%s does not say "%s" in %d s:\n%s' % (
                rig.export.name, pattern, seconds, rig.export.log()[-4000:]))
        time.sleep(0.2)


def sectors(rig, disk, size):
    """Waits until the host sees a disk of this many bytes."""
    rig.host.until('[ "$(cat /sys/block/%s/size)" = %d ]' % (disk[5:], size >> 9),
                   '%s of %d bytes' % (disk, size), 60)


def resize(rig):
    """A disk that grows, then shrinks, under a connected host."""
    controller = connect(rig)
    disk = controller.disk()
    for size in 48 * MIB, 16 * MIB, 32 * MIB:
        rig.export.resize(1, size)
        sectors(rig, disk, size)
        digest = rig.host.write(disk, size - MIB, MIB, 65536)
        rig.same('the last bytes', digest, rig.export.sha256(size - MIB, MIB))
        if not rig.host.run('dd if=/dev/zero of=%s bs=4096 seek=%d count=1 oflag=direct' % (
                disk, size // 4096))[0]:
            raise CaseFailed('a write past the end succeeds')
    controller.disconnect()


def namespaces(rig):
    """A second namespace comes and goes under a connected host; the first stays."""
    controller = connect(rig)
    disk = controller.disk()
    two = DISK._replace(namespaces={1: 32 * MIB, 2: 8 * MIB})
    for _ in range(2):
        rig.export.add(2, 8 * MIB)
        other = controller.disk(2)
        sectors(rig, other, 8 * MIB)
        write(rig, other, MIB, MIB, 65536, 2, two)
        write(rig, disk, MIB, MIB, 65536)
        rig.export.remove(2)
        rig.host.until('[ ! -e /sys/block/%s ]' % other[5:], other + ' gone', 60)
        read(rig, disk, 0, 2 * MIB)
    controller.disconnect()


SLOTS, FIRST = 256, 6144             # where the numbered blocks lie, behind the load


def acknowledged(rig):
    """The numbers that the writer in the guest has been told are safe."""
    return [int(line) for line in rig.host.must('cat /tmp/writer.out').split()]


def check_numbers(rig, when, numbers=None):
    numbers = acknowledged(rig) if numbers is None else numbers
    problems = lost(numbers, FIRST, SLOTS, rig.export.content(FIRST * 4096, SLOTS * 4096))
    if problems:
        raise CaseFailed('%d of %d acknowledged blocks lost %s:\n%s' % (
            len(problems), len(numbers), when, '\n'.join(problems[:10])))
    return len(numbers)


def interrupted(rig, end):
    """The target ends twice under numbered writes and a verified load, and comes back. What
    was acknowledged is in the file at once, and the host goes on by itself."""
    controller = connect(rig)
    disk = controller.disk()
    rig.host.start('writer', 'python3 /guest/numbered.py %s %d %d' % (disk, FIRST, SLOTS))
    rig.host.start('load', fio_line(disk, depth=8, more='--time_based --runtime=30'))
    for turn in range(2):
        count = len(acknowledged(rig))
        rig.host.until('[ $(wc -l </tmp/writer.out) -gt %d ]' % (count + 10), 'numbers', 120)
        end()
        check_numbers(rig, 'after end %d' % (turn + 1))
        rig.export.relaunch()
        rig.host.until('[ $(wc -l </tmp/writer.out) -gt %d ]' % (len(acknowledged(rig)) + 10),
                       'numbers after end %d' % (turn + 1), 180)
    finish_load(rig)
    rig.host.must('touch /tmp/stop')
    code, out = rig.host.finish('writer', 60)
    if code:
        raise CaseFailed('the writer failed: %s' % out[-1000:])
    count = check_numbers(rig, 'at the end')
    rig.same('the area as the host sees it', rig.host.sha256(disk, FIRST * 4096, SLOTS * 4096),
             rig.export.sha256(FIRST * 4096, SLOTS * 4096))
    if count < 50:
        raise CaseFailed('only %d numbered blocks in the whole case' % count)
    controller.disconnect()


def restart(rig):
    interrupted(rig, rig.export.shut_down)


def killed(rig):
    interrupted(rig, rig.export.kill)


def expect_refusal(rig, why, nqn, **how):
    """The connect must fail, and the kernel must say why."""
    seen = len(rig.host.messages())
    code, out = rig.host.try_connect(nqn, **how)
    said = rig.host.messages()[seen:]
    if not code or not re.search(why, said + out):
        raise CaseFailed('exit %d, not for "%s":\n%s\n%s' % (code, why, out, said))


def refused(rig):
    """Connects that must fail, each with its reason; the next good one is fine."""
    expect_refusal(rig, 'Invalid Data Parameter, subsysnqn', DISK.nqn + '-absent')
    expect_refusal(rig, 'is not allowed, hostnqn', CLOSED.nqn)
    expect_refusal(rig, 'failed to connect socket: -111', DISK.nqn, service=4421)
    code, out = rig.host.run('python3 /guest/hostile.py %s 4420 10 wrong' % OWN_ADDRESS, 300)
    keep(rig, 'wrong.txt', out)
    if code:
        raise CaseFailed(out)
    move(rig)
    connect(rig, nqn=CLOSED.nqn, **FRIENDLY).disconnect()


def keep(rig, name, text):
    with open(os.path.join(rig.folder, name), 'w') as f:
        f.write(text)


def hostile(rig):
    """A good host works on while others send what they must not, flood, and fall silent."""
    controller = connect(rig)
    disk, before = controller.disk(), controller.cntlid()
    rig.host.start('load', fio_line(disk, depth=4, more='--time_based --runtime=60'))
    groups = 'fatal wrong silent' if rig.peer == 'weft' else 'wrong'
    rig.host.start('hostile', 'python3 /guest/hostile.py %s 4420 15 %s' % (OWN_ADDRESS, groups))
    flood = 'python3 /guest/flood.py eth0 $(cat /sys/class/net/eth0/address) ' \
        '$(ip neigh show %s | sed "s/.*lladdr \\([^ ]*\\).*/\\1/") %s 4420 300' % (
            OWN_ADDRESS, OWN_ADDRESS)
    keep(rig, 'flood.txt', rig.host.must(flood, 120))
    code, out = rig.host.finish('hostile', 600)
    keep(rig, 'hostile.txt', out)
    if code:
        raise CaseFailed('not all bad hosts were sent away:\n' + out)
    finish_load(rig)
    rig.same('the good host\'s controller', controller.cntlid(), before)
    controller.disconnect()
    move(rig)


# What the host's kernel says when an association breaks, at error level.
BROKEN = (r'I/O error, dev nvme|Buffer I/O error|reconnect|Reconnect|failed nvme_keep_alive|'
          r'failed to connect|starting error recovery|I/O tag|queue \d+: timeout|'
          r'failed to send request|Property Get error|receive failed|Connect command failed|'
          r'ctrl state|failed to bind|Device not ready|no usable path|'
          r'(nvmet|weft target).*(keep-alive timer|fatal error)')
# netem: what happens to frames that the host sends; faults: to frames both ways, in weft-sim;
# corrupt: some arrive damaged; allowed: errors that are provoked; hostile: the guest sends
# nonsense; cpus: of the guest; guests: how many; success: responses come as a flag of the data.
Case = collections.namedtuple(
    'Case', 'what steps mtu digests netem faults size corrupt allowed hostile cpus guests success',
    defaults=(disturbed, 1500, BOTH, '', '', MIB, False, None, False, 1, 1, False))
CASES = {
    'host-discover': Case('nvme discover on both ports', discover, digests=''),
    'host-discovery-events': Case('told of subsystems that come and go', events, digests=''),
    'host-connect-1': Case('one I/O queue, data both ways', connect_1, digests=''),
    'host-connect-4': Case('four I/O queues, a job on each', connect_4, cpus=4),
    'host-digests': Case('-g, -G, and both', digests),
    'host-no-sqflow': Case('without SQ flow control', no_sqflow, success=True),
    'host-mtu9000': Case('MTU 9000', connect_1, mtu=9000),
    'host-writes': Case('writes of 4 KiB to 1 MiB, raw commands', writes),
    'host-identify': Case('what nvme-cli shows', identify),
    'host-ext4': Case('a file system', file_system),
    'host-fio': Case('verified load, depths, jobs and sizes', load),
    'host-loss': Case('1 % of its frames lost', netem='loss 1%'),
    'host-duplicate': Case('2 % of its frames doubled', netem='duplicate 2%'),
    'host-reorder': Case('a tenth of its frames overtaken', netem='delay 2ms reorder 90% 50%'),
    'host-corrupt': Case('0.5 % of its frames with a flipped bit', netem='corrupt 0.5%',
                         corrupt=True),
    'host-link-loss': Case('0.5 % lost both ways', faults='loss=0.005,seed=11'),
    'host-link-storm': Case('all of it both ways', corrupt=True,
                            faults='loss=0.003,dup=0.01,reorder=0.02,by=2ms,corrupt=0.002,'
                                   'badfcs=0.002,delay=500us,seed=12'),
    'host-reset': Case('nvme reset under load', reset),
    'host-disconnect': Case('nvme disconnect under load', disconnect_busy, allowed=BROKEN),
    'host-two': Case('two hosts of one guest at once', two_hosts),
    'host-two-guests': Case('two guests at once, one of them stops', two_guests, guests=2,
                            allowed=BROKEN),
    'host-keep-alive': Case('a host that stops for a while', keep_alive, allowed=BROKEN),
    'host-power-cut': Case('a host that dies without a word', power_cut, allowed=BROKEN),
    'host-resize': Case('a disk that changes its size', resize),
    'host-namespaces': Case('namespaces come and go', namespaces),
    'host-restart': Case('the target restarts, nothing is lost', restart, allowed=BROKEN),
    'host-killed': Case('kill -9 of the target, nothing is lost', killed, allowed=BROKEN),
    'host-refused': Case('connects that must fail', refused, digests='', hostile=True,
                         allowed=r'Connect|connect|queue'),
    'host-hostile': Case('a good host among bad ones', hostile, hostile=True,
                         allowed='connection lost'),
}
