# SPDX-License-Identifier: BSD-2-Clause
"""The cases over Fibre Channel, in both roles, and with libfc.

A case is a function of its rig, as in cases.py and hostcases.py, most of whose steps work over
any transport. The capture (fcjudge.py), the kernels' logs, the module's own judgement of what it
was sent and the firmware's log are examined after every case alike."""
import collections
import re
import time

import cases
import fc_capture
import fcjudge
import hostcases
from adapter import CaseFailed, sha256_of
from cases import LOST_HOST
from exporter import DISK, MIB
from fcguest import ADAPTER
from fcrig import TARGET_NAMES, FcHostRig, FcRig, LibfcRig, record_of
from hostcases import BROKEN, connect, fio, fio_line, finish_load, read, start_load, write
from target import NQN

DATA, XFER_RDY, CMND, RSP, ERSP, LS, LS_RESP = 0x01, 0x05, 0x06, 0x07, 0x08, 0x32, 0x33


# -- Weft as the host

def host_discover(rig):
    record_of(rig.ask('discover')['records'], NQN, TARGET_NAMES)


def host_data(rig):
    """Discovery, identification, data both ways at two places, flush and zeroes."""
    host_discover(rig)
    cases.identify(rig)
    rig.write()
    rig.fill()
    rig.read()
    rig.write(rig.size // 2 + rig.lba * 8)
    cases.zeroes(rig)


def host_sequence(rig):
    """Many associations, one after the other."""
    for turn in range(4):
        rig.ask('connect-test', '-i %d' % (1 + turn % 4))
        rig.write(turn * rig.size // 8)
        if turn % 2:
            rig.weft('reset')
    cases.identify(rig)


def host_faults(rig):
    """One frame of each kind is lost or damaged on its way to Weft: the command ends in bounded
    time, well or with an error, the data that it says it has are right, and the next one works."""
    for kind, r_ctl, verb in (
            ('drop', DATA, 'read'), ('late', DATA, 'read'), ('crc', DATA, 'read'), ('off', DATA, 'read'),
            ('dup', DATA, 'read'), ('cut', DATA, 'read'), ('drop', RSP, 'read'), ('drop', XFER_RDY, 'write'),
            ('dup', RSP, 'write'), ('drop', LS_RESP, 'write'), ('cnt', XFER_RDY, 'write')):
        struck = rig.target.stats()['fault']
        rig.fill()
        rig.target.fault(kind, r_ctl, 2 if r_ctl in (DATA, RSP) else 1)
        attempt(rig, verb)
        if rig.target.stats()['fault'] == struck:
            raise CaseFailed('no frame was hit by "%s" of R_CTL %02x' % (kind, r_ctl))
        rig.fill()
        rig.read()


def attempt(rig, verb):
    """A command that may fail, with an error and in time; what it read must be right."""
    path = rig.random_file('attempt') if verb == 'write' else rig.folder + '/attempt'
    more = '' if verb == 'write' else '--data-size %d' % rig.size
    status, output = rig.finish(rig.spawn(verb, '%s --timeout 10 --data %s' % (more, path)), 180)
    if status not in (0, 1) or (status and 'weft: ' not in output):
        raise CaseFailed('exit %d: %s\n%s' % (status, verb, output))
    if not status and verb == 'read':
        rig.same('read bytes', sha256_of(path), rig.target.sha256(0, rig.size))
    if not status and verb == 'write':
        rig.expect_disk(path)


def host_link(rig):
    """The target's link goes down in the midst of a write, and comes back."""
    victim = cases.begin_to_lose(rig)
    rig.target.must('ip link set eth0 down')
    status, output = rig.finish(victim, 180)
    if not status:
        raise CaseFailed('the write succeeds without a link:\n' + output)
    rig.target.must('ip link set eth0 up')
    rig.write()
    rig.fill()
    rig.read()


def host_logout(rig):
    """The target logs Weft out in the midst of a write; the next command logs in again."""
    for what in 'logo', 'prlo':
        victim = cases.begin_to_lose(rig)
        rig.target.order(what)
        rig.finish(victim, 180)
        rig.write()
        rig.read()


def host_gone(rig):
    """The target is unplugged in the midst of a write; another one takes its place."""
    victim = cases.begin_to_lose(rig)
    rig.target.stop()
    if not rig.finish(victim, 180)[0]:
        raise CaseFailed('the write succeeds without a target')
    rig.boot_target()
    rig.write()
    rig.fill()
    rig.read()


# -- Linux as the host

def impatient(rig, seconds=6):
    """I/O and admin commands that are not answered are aborted after so long."""
    for name in 'io_timeout', 'admin_timeout':
        rig.host.must('echo %d >/sys/module/nvme_core/parameters/%s' % (seconds, name))


def target_data(rig):
    """Discovery, then data both ways by one queue, and a verified load."""
    record_of(rig.host.discover(), DISK.nqn, ADAPTER)
    hostcases.move(rig)
    controller = connect(rig)
    fio(rig, controller.disk(), depth=8, io=2 * MIB)
    controller.disconnect()


def target_queues(rig):
    """Two processors with a queue each."""
    hostcases.move(rig, 2)
    controller = connect(rig, 2)
    fio(rig, controller.disk(), jobs=2, depth=8, io=2 * MIB,
        more='--cpus_allowed=0-1 --cpus_allowed_policy=split')
    controller.disconnect()


def target_load(rig):
    """Depths, jobs and sizes, 30 s in all, verified."""
    controller = connect(rig)
    disk, timed = controller.disk(), '--time_based --runtime=%d'
    fio(rig, disk, depth=1, more=timed % 5)
    fio(rig, disk, depth=16, jobs=4, more=timed % 15)
    fio(rig, disk, depth=4, jobs=2, bs='64k', more=timed % 5)
    fio(rig, disk, depth=8, bs='4k-128k', more=timed % 5 + ' --bs_unaligned=0 --blockalign=4k')
    controller.disconnect()


def target_link_services(rig):
    """What FC-LS asks of a port, and what becomes of the controller."""
    rig.export.fill()
    controller = connect(rig)
    disk = controller.disk()
    adisc = rig.host.order('adisc')
    if '%016x' % ADAPTER.wwpn not in adisc.replace(' ', ''):
        raise CaseFailed('ADISC is answered by another: ' + adisc)
    rtv = bytes.fromhex(rig.host.order('rtv').split(':')[1])
    if int.from_bytes(rtv[4:8], 'big') != 10000 or int.from_bytes(rtv[8:12], 'big') != 2000:
        raise CaseFailed('RTV: R_A_TOV, E_D_TOV are %s' % rtv[4:12].hex())
    rig.host.order('echo', '')
    rig.host.order('rnid', '')
    read(rig, disk, 0, MIB)
    for what in 'prli', 'logo', 'prlo', 'plogi':
        rig.host.order(what)
        rig.host.await_port(ADAPTER.wwpn)
        controller.wait(timeout=60)
        write(rig, disk, 0, 65536, 65536)
        read(rig, disk, 0, MIB)
    controller.disconnect()


def target_faults(rig):
    """One frame of each kind from the host is lost or damaged, under a verified load that goes on."""
    impatient(rig)
    controller = connect(rig)
    disk = controller.disk()
    for kind, r_ctl in (('drop', CMND), ('drop', DATA), ('crc', DATA), ('late', DATA), ('off', DATA),
                        ('dup', DATA), ('cut', DATA), ('dup', CMND), ('cnt', CMND)):
        struck = rig.host.stats()['fault']
        rig.host.fault(kind, r_ctl, 20)
        fio(rig, disk, depth=4, bs='16k', io=MIB)
        controller.wait(timeout=60)
        if rig.host.stats()['fault'] == struck:
            raise CaseFailed('no frame was hit by "%s" of R_CTL %02x' % (kind, r_ctl))
    for kind in 'drop', 'crc':
        rig.host.fault(kind, LS)
        rig.host.nvme('reset /dev/' + controller.name, 120)
        controller.wait(timeout=90)
    write(rig, disk, 0, MIB, 65536)
    controller.disconnect()


def target_loss(rig):
    """Frames are lost both ways for a while: every command ends, and nothing is wrong."""
    impatient(rig)
    controller = connect(rig)
    disk = controller.disk()
    fio(rig, disk, depth=8, io=2 * MIB, timeout=600)
    controller.wait(timeout=120)
    read(rig, disk, 0, 4 * MIB)
    controller.disconnect()


def target_aborts(rig):
    """The target stands still for longer than commands may take: they are aborted (ABTS), the
    controller is reset, the load goes on."""
    impatient(rig, 3)
    controller = connect(rig)
    disk, before = controller.disk(), rig.host.stats()['abts_tx']
    start_load(rig, disk, depth=8, more='--time_based --runtime=25')
    time.sleep(4)
    rig.export.freeze()
    time.sleep(9)
    rig.export.thaw()
    finish_load(rig)
    if rig.host.stats()['abts_tx'] == before:
        raise CaseFailed('nothing was aborted')
    controller.wait(timeout=60)
    write(rig, disk, 0, MIB, 65536)
    controller.disconnect()


def target_link(rig):
    """The host's link goes down twice under a verified load that waits and goes on."""
    controller = connect(rig)
    disk = controller.disk()
    start_load(rig, disk, depth=8, more='--time_based --runtime=25')
    for seconds in 1, 6:
        time.sleep(4)
        before = controller.cntlid()
        rig.host.must('ip link set eth0 down')
        time.sleep(seconds)
        rig.host.must('ip link set eth0 up')
        rig.host.await_port(ADAPTER.wwpn)
        controller.wait(timeout=60)
        if rig.peer == 'weft' and controller.cntlid() == before:
            raise CaseFailed('still controller %d' % before)
    finish_load(rig)
    write(rig, disk, 0, MIB, 65536)
    controller.disconnect()


def target_unload(rig):
    """The host's port goes away with a controller on it, and another takes its place."""
    connect(rig).disk()
    rig.host.unload()
    rig.host.must('[ ! -e /sys/class/nvme/nvme0 ]')
    rig.host.load('host', rig.host.names, rig.options)
    rig.host.await_port(ADAPTER.wwpn)
    hostcases.move(rig)


def target_two(rig):
    """Two guests at one disk: a half each, then one reads what the other wrote."""
    half = DISK.namespaces[1] // 2
    one = connect(rig)
    disk = one.disk()
    with rig.at(1):
        two = connect(rig, **hostcases.FRIENDLY)
        other = two.disk()
        rig.host.start('load', fio_line(other, depth=4, more='--time_based --runtime=10'
                                        ' --offset=%d' % half))
    fio(rig, disk, depth=4)
    with rig.at(1):
        finish_load(rig)
        write(rig, other, half, MIB, 65536)
    read(rig, disk, half, MIB)
    with rig.at(1):
        two.disconnect()
    write(rig, disk, 0, MIB, 4096)
    one.disconnect()


# -- libfc

def libfc_login(rig):
    """FIP, FLOGI in FIP, PLOGI; PRLI for SCSI is refused, and refused again. After the link was
    down it all begins anew. SCSI finds nothing."""
    for turn in 1, 2:
        for event in 'FLOGI accept', 'PLOGI accept', 'PRLI (reject|accept)':
            await_libfc(rig, r'rport %06x: Received a %s' % (port_id(rig), event), turn)
        await_libfc(rig, r'rport %06x: Error -?\d+ in state PRLI, retr' % port_id(rig), 3 * turn)
        rig.same('remote ports of SCSI', rig.host.remote_ports(), {})
        if turn == 1:
            rig.host.must('ip link set eth0 down')
            time.sleep(3)
            rig.host.must('ip link set eth0 up')
    rig.same('state of the port', rig.host.attribute('port_state'), 'Online')
    rig.host.destroy()
    time.sleep(2)
    rig.host.create()
    await_libfc(rig, r'rport %06x: Received a PLOGI accept' % port_id(rig), 3)


def port_id(rig):
    """The address at which the other port was found."""
    found = re.search(r'vn_add rport ([0-9a-f]{6})', '\n'.join(rig.host.said()))
    return int(found.group(1), 16) if found else ADAPTER.wwpn & 0xffff


def await_libfc(rig, pattern, count, seconds=60):
    deadline = time.monotonic() + seconds
    while len(re.findall(pattern, '\n'.join(rig.host.said()))) < count:
        if time.monotonic() > deadline:
            raise CaseFailed('libfc does not say "%s" %d times:\n%s' % (
                pattern, count, '\n'.join(rig.host.said()[-40:])))
        time.sleep(0.5)


# -- all of them

# rig: which; options: of the guest's module; faults: of weft-sim's Ethernet link; allowed: kernel
# messages that are provoked; violates: what the module may say of the other side; lossy: frames are
# missing from the capture, or are damaged in it on purpose.
Case = collections.namedtuple(
    'Case', 'what steps rig options faults size cpus guests allowed violates lossy',
    defaults=('', '', MIB, 1, 1, None, '', False))
FC_BROKEN = BROKEN + r'|io failed due to|transport error|connectivity|association|lldd|LS failed|' \
    r'aborted|Aborting|timeout|lost connection|connect .*queue failed|Property Set error|fcpeer'
FC_LOST_HOST = LOST_HOST + r'|association|Association|fcpeer'
CASES = {
    'fc-host': Case('Linux target, all commands', host_data, FcRig),
    'fc-host-perf': Case('Linux target, depths 1, 16, 64, verified', cases.perf_depths, FcRig),
    'fc-host-queues': Case('Linux target, four queues, verified', cases.perf_queues, FcRig),
    'fc-host-bursts': Case('Linux target, many short sequences', host_data, FcRig,
                           'sg=2 max_data=1024'),
    'fc-host-read-rsp': Case('Linux target, response with the last data', host_data, FcRig,
                             'read_rsp=1'),
    'fc-host-again': Case('one association after the other', host_sequence, FcRig, size=MIB // 2),
    'fc-host-faults': Case('one frame lost or damaged, of each kind', host_faults, FcRig, lossy=True,
                           allowed=FC_LOST_HOST),
    'fc-host-link': Case('the target\'s link goes down', host_link, FcRig, allowed=FC_LOST_HOST,
                         lossy=True),
    'fc-host-logout': Case('the target logs out', host_logout, FcRig, size=4 * MIB, allowed=FC_LOST_HOST,
                           lossy=True),
    'fc-host-gone': Case('target unplugged', host_gone, FcRig, lossy=True),
    'fc-host-killed': Case('kill -9 of the client', cases.killed, FcRig, allowed=FC_LOST_HOST,
                           lossy=True),
    'fc-target': Case('Linux host, data both ways, verified load', target_data, FcHostRig),
    'fc-target-queues': Case('Linux host, two queues', target_queues, FcHostRig, cpus=2),
    'fc-target-fio': Case('Linux host, depths, jobs and sizes', target_load, FcHostRig),
    'fc-target-bursts': Case('Linux host, short frames', target_data, FcHostRig,
                             'max_data=1024 sg=4'),
    'fc-target-identify': Case('Linux host, what nvme-cli shows', hostcases.identify, FcHostRig),
    'fc-target-reset': Case('nvme reset under load', hostcases.reset, FcHostRig),
    'fc-target-disconnect': Case('nvme disconnect under load', hostcases.disconnect_busy, FcHostRig,
                                 allowed=FC_BROKEN),
    'fc-target-els': Case('link services of FC-LS', target_link_services, FcHostRig,
                          allowed=FC_BROKEN),
    'fc-target-faults': Case('one frame lost or damaged, of each kind', target_faults, FcHostRig,
                             allowed=FC_BROKEN, lossy=True, violates='OX|LS|SEQ'),
    'fc-target-loss': Case('0.1 % lost both ways', target_loss, FcHostRig, allowed=FC_BROKEN,
                           faults='loss=0.001,seed=21', lossy=True),
    'fc-target-aborts': Case('a target that stands still', target_aborts, FcHostRig,
                             allowed=FC_BROKEN),
    'fc-target-link': Case('the link goes down under load', target_link, FcHostRig,
                           allowed=FC_BROKEN, lossy=True),
    'fc-target-unload': Case('the host\'s port goes away', target_unload, FcHostRig,
                             allowed=FC_BROKEN, lossy=True),
    'fc-target-two': Case('two guests at once', target_two, FcHostRig, guests=2),
    'fc-target-restart': Case('the target restarts, nothing is lost', hostcases.restart, FcHostRig,
                              allowed=FC_BROKEN, lossy=True),
    'fc-target-killed': Case('kill -9 of the target, nothing is lost', hostcases.killed, FcHostRig,
                             allowed=FC_BROKEN, lossy=True),
    'fc-libfc': Case('libfc logs in; SCSI is refused', libfc_login, LibfcRig),
}
# What Linux's own target, in Weft's place, can show.
REFERENCE = {name for name, case in CASES.items() if case.rig is not FcRig and not case.faults}


def check_wire(rig, case):
    report = fcjudge.examine(rig.capture, lossy=case.lossy)
    problems = list(report.problems)
    if not case.lossy:          # tshark's opinion of CRCs and of what can be dissected
        problems += [text for text in fc_capture.examine(rig.capture).problems
                     if not re.search('ABTS|BA_RJT', text)]
    if report.frames < 10 or not report.logins:
        problems.append('%d FC frames, %d logins' % (report.frames, report.logins))
    if problems:
        raise CaseFailed('%d problems in %s:\n%s' % (len(problems), rig.capture,
                                                     '\n'.join(problems[:20])))
    return report


def go(rig, case):
    """The case, and what the other side says of it; its logs stay, whatever comes."""
    rig.start()
    try:
        case.steps(rig)
        if case.rig is FcRig:
            rig.check_target(case.allowed)
        else:
            rig.check_peers(case.allowed)
    finally:
        rig.keep_logs()


def perform(case, folder, peer):
    """Runs the case on its rig and examines what is left; returns the report on the capture."""
    how = {'size': case.size, 'faults': case.faults, 'options': case.options,
           'violates': case.violates}
    if case.rig is not FcRig:
        how.update(peer=peer, cpus=case.cpus, guests=case.guests)
    with case.rig(folder, **how) as rig:
        go(rig, case)
        if case.rig is FcRig:
            rig.stop_adapter()
        else:
            rig.end()
        rig.check_firmware()
        return check_wire(rig, case)


def summary(report):
    return '%d FC frames, %d commands, %d logins, %d aborts' % (
        report.frames, report.commands, report.logins, report.aborts)
