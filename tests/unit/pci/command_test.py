#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weft list, bind, unbind and doctor over a machine made of files. A thread plays the kernel: it does
what is written to drivers_probe, and to bind and unbind of the drivers."""
import json
import os
import resource
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))
WEFT = os.path.join(ROOT, 'build/weft')
A0, A1, B0 = '0000:01:00.0', '0000:01:00.1', '0000:02:00.0'
LIMIT = 30


class Machine:
    """Adapters A0 (with othernic) and B0 (no driver), and A1, a network card, in A0's group 7."""

    def __init__(self, top):
        self.top = top
        for name in ('proc/self', 'dev/vfio', 'root'):
            os.makedirs(self.path(name))
        self.natural = {A0: 'othernic', A1: 'igb', B0: None}
        self.put('sys/bus/pci/drivers_probe', '')
        for driver in ('othernic', 'igb', 'vfio-pci', 'thief'):
            for name in ('bind', 'unbind'):
                self.put('sys/bus/pci/drivers/%s/%s' % (driver, name), '')
        for name, ids, group in ((A0, ('1b36', '0f0e'), 7), (A1, ('8086', '1521'), 7),
                                 (B0, ('1b36', '0f0e'), 8)):
            for key, value in (('vendor', '0x' + ids[0]), ('device', '0x' + ids[1]),
                               ('class', '0x020000'), ('driver_override', '(null)'),
                               ('numa_node', '0')):
                self.put(self.device(name, key), value + '\n')
            self.link(self.device(name, 'iommu_group'), '../../../../kernel/iommu_groups/%d' % group)
            self.link('sys/kernel/iommu_groups/%d/devices/%s' % (group, name),
                      '../../../../bus/pci/devices/' + name)
            self.attach(name, self.natural[name])

    def path(self, name):
        return os.path.join(self.top, name)

    def put(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), 'w', encoding='ascii') as f:
            f.write(text)

    def get(self, name):
        with open(self.path(name), encoding='ascii') as f:
            return f.read()

    def link(self, name, target):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        if os.path.islink(self.path(name)):
            os.unlink(self.path(name))
        os.symlink(target, self.path(name))

    @staticmethod
    def device(name, key):
        return 'sys/bus/pci/devices/%s/%s' % (name, key)

    def attach(self, name, driver):
        if driver:
            self.link(self.device(name, 'driver'), '../../drivers/' + driver)
        elif os.path.islink(self.path(self.device(name, 'driver'))):
            os.unlink(self.path(self.device(name, 'driver')))

    def driver(self, name):
        link = self.path(self.device(name, 'driver'))
        return os.path.basename(os.readlink(link)) if os.path.islink(link) else None

    def override(self, name):
        text = self.get(self.device(name, 'driver_override')).strip()
        return None if text in ('', '(null)') else text


class Kernel(threading.Thread):
    """Looks at the files in turn. refuse: drivers that take no device; stuck: drivers that let go of
    none; thief: takes a device before drivers_probe is seen to."""

    def __init__(self, machine):
        super().__init__(daemon=True)
        self.m, self.ending = machine, threading.Event()
        self.refuse, self.stuck, self.thief = set(), set(), None
        self.seen = []

    def run(self):
        while not self.ending.wait(0.001):
            self.turn()

    def end(self):
        self.ending.set()
        self.join()

    def take(self, name):
        """What was written to a file, once; nothing where a test took the file away."""
        if not os.path.exists(self.m.path(name)):
            return ''
        text = self.m.get(name).strip()
        if text:
            self.m.put(name, '')
        return text

    def turn(self):
        for driver in sorted(os.listdir(self.m.path('sys/bus/pci/drivers'))):
            for what in ('unbind', 'bind'):
                name = self.take('sys/bus/pci/drivers/%s/%s' % (driver, what))
                if name:
                    self.seen.append((what, driver, name))
                    getattr(self, what)(driver, name)
        name = self.take('sys/bus/pci/drivers_probe')
        if name:
            self.seen.append(('probe', self.m.override(name), name))
            self.bind(self.m.override(name) or self.m.natural[name], name)

    def unbind(self, driver, name):
        if self.m.driver(name) == driver and driver not in self.stuck:
            self.m.attach(name, self.thief)

    def bind(self, driver, name):
        if not self.m.driver(name) and driver and driver not in self.refuse:
            self.m.attach(name, driver)


class Command(unittest.TestCase):
    def setUp(self):
        top = tempfile.mkdtemp(prefix='weft-pci.')
        self.addCleanup(shutil.rmtree, top)
        self.m = Machine(top)
        self.kernel = Kernel(self.m)
        self.kernel.start()
        self.addCleanup(self.kernel.end)
        self.env = dict(os.environ, WEFT_SYSFS=top + '/sys', WEFT_PROC=top + '/proc',
                        WEFT_DEV=top + '/dev', WEFT_ROOT=top + '/root')

    def weft(self, *args, status=0, **more):
        done = subprocess.run([WEFT, *args], env=self.env, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT,
                              check=False, **more)
        self.out, self.err = done.stdout, done.stderr
        self.assertEqual(done.returncode, status, self.out + self.err)
        return self.out

    def json(self, *args, status=0):
        return json.loads(self.weft(*args, '-o', 'json', status=status))

    def state(self, name, driver, override):
        self.assertEqual((self.m.driver(name), self.m.override(name)), (driver, override))

    # --- bind ------------------------------------------------------------------------------------

    def test_bind_and_back(self):
        self.weft('bind', A0)
        self.state(A0, 'vfio-pci', 'vfio-pci')
        self.assertIn('%s is with vfio-pci now, before: othernic' % A0, self.out)
        self.assertEqual(self.kernel.seen, [('unbind', 'othernic', A0), ('probe', 'vfio-pci', A0)])
        self.weft('bind', A0)
        self.assertIn('already', self.out)
        self.weft('unbind', A0)
        self.state(A0, 'othernic', None)
        self.assertIn('%s is with othernic now' % A0, self.out)
        self.state(A1, 'igb', None)

    def test_bind_says_who_else_is_in_the_group(self):
        self.weft('bind', A0)
        self.assertIn('group 7 is not viable: %s (8086:1521) is with igb' % A1, self.err)
        self.weft('bind', A0, A1, '--id', '8086:1521')
        self.assertNotIn('viable', self.err)
        self.state(A1, 'vfio-pci', 'vfio-pci')

    def test_several_at_once_each_with_its_own_result(self):
        got = self.json('bind', B0, '0000:09:00.0', '01:00.0', status=1)
        self.assertEqual([a['address'] for a in got['adapter']], [B0, '0000:09:00.0', A0])
        self.assertEqual([bool(a['error']) for a in got['adapter']], [False, True, False])
        self.assertIn('there is no PCI device 0000:09:00.0', self.err)
        self.state(B0, 'vfio-pci', 'vfio-pci')
        self.state(A0, 'vfio-pci', 'vfio-pci')

    def test_what_no_driver_wants_stays_without(self):
        self.weft('bind', B0)
        self.weft('unbind', B0)
        self.assertIn('no driver now', self.out)
        self.state(B0, None, None)

    def test_bind_takes_no_foreign_device(self):
        self.weft('bind', A1, status=1)
        self.assertIn('8086:1521, no Weft adapter', self.err)
        self.state(A1, 'igb', None)
        self.weft('unbind', A1, '--id', '8086:1521', status=1)
        self.assertIn('is with igb, not vfio-pci', self.err)
        self.state(A1, 'igb', None)
        self.assertEqual(self.kernel.seen, [])

    def test_bind_restores_when_the_driver_does_not_take_it(self):
        self.kernel.refuse = {'vfio-pci'}
        self.weft('bind', A0, '--timeout', '1', status=1)
        self.assertIn('stays without a driver; its driver is restored', self.err)
        self.state(A0, 'othernic', None)

    def test_bind_restores_the_override_that_was_there(self):
        self.kernel.refuse = {'vfio-pci'}
        self.m.put(self.m.device(A0, 'driver_override'), 'othernic\n')
        self.weft('bind', A0, '--timeout', '1', status=1)
        self.state(A0, 'othernic', 'othernic')

    def test_bind_says_when_restoring_fails_too(self):
        self.kernel.refuse = {'vfio-pci', 'othernic'}
        self.weft('bind', A0, '--timeout', '1', status=1)
        self.assertIn('othernic could not be restored', self.err)
        self.state(A0, None, None)

    def test_bind_ends_when_the_driver_lets_not_go(self):
        self.kernel.stuck = {'othernic'}
        self.weft('bind', A0, '--timeout', '1', status=1)
        self.assertIn('stays with othernic', self.err)
        self.state(A0, 'othernic', None)

    def test_bind_notices_that_somebody_else_took_it(self):
        self.kernel.thief = 'thief'
        self.weft('bind', A0, status=1)
        self.assertIn('is with thief now, not othernic: somebody else is at it', self.err)
        self.state(A0, 'thief', None)

    def test_bind_needs_the_driver_and_a_group(self):
        os.unlink(self.m.path(self.m.device(B0, 'iommu_group')))
        self.weft('bind', B0, status=1)
        self.assertIn('no IOMMU group', self.err)
        self.m.put('sys/module/vfio/parameters/enable_unsafe_noiommu_mode', 'Y\n')
        self.weft('bind', B0)
        self.assertIn('can reach all memory', self.out)
        self.kernel.end()
        shutil.rmtree(self.m.path('sys/bus/pci/drivers/vfio-pci'))
        self.weft('bind', A0, status=1)
        self.assertIn('modprobe vfio-pci', self.err)
        self.state(A0, 'othernic', None)

    def test_bind_refuses_what_is_in_use(self):
        self.m.link('sys/class/net/eth7', '../../devices/pci0/%s/net/eth7' % A0)
        self.m.put('sys/devices/pci0/%s/net/eth7/flags' % A0, '0x1003\n')
        self.weft('bind', A0, status=1)
        self.assertIn('in use: network interface eth7 is up', self.err)
        self.state(A0, 'othernic', None)
        self.weft('bind', A0, '--force')
        self.assertIn('forced although network interface eth7 is up', self.out)
        self.state(A0, 'vfio-pci', 'vfio-pci')

    def test_unbind_refuses_what_is_in_use(self):
        self.weft('bind', A0)
        self.m.put('proc/4711/comm', 'fio\n')
        self.m.link('proc/4711/fd/5', self.m.path('dev/vfio/7'))
        self.weft('unbind', A0, status=1)
        self.assertIn('process 4711 (fio) has', self.err)
        self.state(A0, 'vfio-pci', 'vfio-pci')
        self.weft('unbind', '--force', A0)
        self.state(A0, 'othernic', None)

    def test_unbind_notices_a_driver_that_takes_it_back(self):
        self.weft('bind', A0)
        self.m.natural[A0] = 'vfio-pci'
        self.weft('unbind', A0, status=1)
        self.assertIn('taken by vfio-pci again', self.err)

    def test_two_at_once(self):
        self.kernel.stuck = {'othernic'}
        first = subprocess.Popen([WEFT, 'bind', A0, '--timeout', '2'], env=self.env, stderr=subprocess.DEVNULL)
        try:
            limit = time.monotonic() + LIMIT
            while self.m.override(A0) != 'vfio-pci' and time.monotonic() < limit:
                time.sleep(0.001)
            self.weft('bind', A0, status=1)
            self.assertIn('under way', self.err)
        finally:
            first.wait(LIMIT)

    def test_without_permission_says_which(self):
        os.chmod(self.m.path('sys/bus/pci/drivers_probe'), 0o444)
        os.chmod(self.m.top, 0o755)
        other = {} if os.geteuid() else {'user': 65534, 'group': 65534, 'extra_groups': []}
        self.weft('bind', A0, status=1, **other)
        self.assertIn('only root changes drivers: may not write', self.err)
        self.assertIn('drivers_probe', self.err)
        self.state(A0, 'othernic', None)

    def test_wrong_arguments(self):
        for args in (('bind',), ('unbind',)):
            self.weft(*args, status=1)
            self.assertIn('which adapter?', self.err)
        for args in (('bind', '../' + A0), ('bind', A0 + '/..'), ('doctor', 'x'), ('list', A0),
                     ('bind', '--id', '8086', A0), ('info', A0)):
            self.weft(*args, status=2)
        self.assertEqual(self.kernel.seen, [])

    def test_bind_refuses_a_sysfs_that_lies(self):
        for key, text in (('numa_node', 'x\n'), ('vendor', 'x\n')):
            before = self.m.get(self.m.device(A0, key))
            self.m.put(self.m.device(A0, key), text)
            self.weft('bind', A0, status=1)
            self.assertIn(key, self.err)
            self.m.put(self.m.device(A0, key), before)
        self.state(A0, 'othernic', None)

    # --- list ------------------------------------------------------------------------------------

    def test_list(self):
        got = self.json('list')['adapter']
        self.assertEqual([a['address'] for a in got], [A0, B0])
        self.assertEqual(got[0]['driver'], 'othernic')
        self.assertEqual(got[0]['iommu_group'], 7)
        self.assertEqual(got[0]['numa_node'], 0)
        self.assertEqual(got[0]['sibling'], [{'address': A1, 'id': '8086:1521', 'driver': 'igb'}])
        self.assertFalse(got[0]['viable'])
        self.assertEqual(got[0]['firmware'], {'running': '-', 'stored': '-', 'why': 'not with vfio-pci'})
        self.assertIn('  address          : ' + B0, self.weft('list'))
        self.assertEqual(len(self.json('list', '--id', '8086:1521')['adapter']), 3)

    def test_list_asks_no_adapter_that_is_in_use(self):
        self.env['WEFT_PCI_OPEN'] = 'vfio-user:/nonexistent'
        self.weft('bind', B0)
        self.assertIn('nonexistent', self.json('list')['adapter'][1]['firmware']['why'])
        self.assertIn('--no-open', self.json('list', '--no-open')['adapter'][1]['firmware']['why'])
        self.m.link('proc/4711/fd/5', self.m.path('dev/vfio/8'))
        self.assertIn('in use: process 4711', self.json('list')['adapter'][1]['firmware']['why'])

    def test_list_of_a_machine_without(self):
        for name in (A0, B0):
            shutil.rmtree(self.m.path('sys/bus/pci/devices/' + name))
        self.assertEqual(self.json('list'), {'adapter': []})
        self.assertIn('no adapter', self.err)
        shutil.rmtree(self.m.path('sys/bus/pci'))
        self.kernel.end()
        self.weft('list', status=1)
        self.assertIn('bus/pci/devices: No such file', self.err)

    def test_list_of_a_target_is_what_it_was(self):
        self.weft('list', '-a', '10.0.0.2', '-n', 'nqn.2014-08.org.demo:t1', status=1)
        self.assertIn('which device?', self.err)

    # --- doctor ----------------------------------------------------------------------------------

    def checks(self, *args, status):
        return {(c['device'], c['name']): c for c in self.json('doctor', *args, status=status)['check']}

    def sane(self):
        """What the machine lacks, but for the drivers."""
        self.m.put('proc/sys/kernel/osrelease', '6.12.1\n')
        for name in ('vfio/vfio', 'vfio/7', 'vfio/8', 'iommu'):
            self.m.put('dev/' + name, '')
        self.m.put('root/etc/udev/rules.d/60-weft.rules', '')
        self.m.put('proc/self/status', 'Name:\tweft\nCapEff:\t000001ffffffffff\n')
        self.m.attach(A1, None)

    def test_doctor_finds_nothing(self):
        self.sane()
        self.weft('bind', A0, B0)
        self.weft('doctor', '--no-open')
        self.assertIn('0 failures', self.out)
        self.assertNotIn('fail ', self.out)

    def test_doctor_names_what_is_wrong(self):
        self.sane()
        self.weft('bind', A0)
        got = self.checks('--no-open', status=1)
        self.assertEqual(got[A0, 'driver']['level'], 'ok')
        self.assertEqual(got[B0, 'driver']['level'], 'fail')
        self.assertEqual(got[B0, 'driver']['mend'], 'weft bind ' + B0)
        self.assertNotIn((B0, 'driver'), self.checks(A0, '--no-open', status=0))
        self.m.attach(A1, 'igb')
        got = self.checks(A0, '--no-open', status=1)
        self.assertIn('not viable', got[A0, 'group']['text'])
        self.assertEqual(self.checks(A1, status=1)[A1, 'adapter']['level'], 'fail')
        self.assertEqual(self.checks('0000:09:00.0', status=1)['0000:09:00.0', 'adapter']['level'], 'fail')

    def test_doctor_measures_the_limit_of_locked_memory(self):
        self.sane()
        self.m.put('proc/self/status', 'Name:\tweft\nCapEff:\t0000000000000000\n')
        self.weft('doctor', A0, '--no-open', status=1, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_MEMLOCK, (1 << 20, 1 << 20)))
        self.assertIn('fail  memlock     limit 1024 KiB, 65536 KiB are needed', self.out)
        self.assertIn('LimitMEMLOCK', self.out)

    # --- udev rule -------------------------------------------------------------------------------

    def test_the_rule_knows_groups_with_an_adapter(self):
        with open(os.path.join(ROOT, 'driver/pci/60-weft.rules'), encoding='ascii') as f:
            program = f.read().split('PROGRAM="/bin/sh -c \'')[1].split('\'"')[0]
        program = program.replace('/sys/', self.m.top + '/sys/').replace('$$', '$')
        for key, value in (('vendor', '0x1b36\n'), ('device', '0x0f0f\n')):
            self.m.put('sys/kernel/iommu_groups/9/devices/%s/%s' % (A1, key), value)
        for group, status in ((7, 0), (8, 0), (9, 1), (10, 1)):
            done = subprocess.run(['/bin/sh', '-c', program.replace('%k', str(group))], check=False,
                                  stderr=subprocess.DEVNULL)
            self.assertEqual(done.returncode, status, group)


if __name__ == '__main__':
    unittest.main()
