# SPDX-License-Identifier: BSD-2-Clause
"""Two adapters as processes with a Fibre Channel wire between them, and the weft command on both:
what tests of that stand on. A is the host's adapter, B the target's."""
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import time

from processes import LIMIT, ROOT, ProcessCase, build

NQN = 'nqn.2026-11.org.weft:scratch'
HOST = 'nn-0x20000000c9000002:pn-0x21000000c9000002'
TARGET = 'nn-0x20000000c9000001:pn-0x21000000c9000001'    # as in docs/target.json
FIELDS = ('frame.number', 'fc.r_ctl', 'fc.s_id', 'fc.d_id', 'fc.crc.status', 'fcoe.crc.status',
          'fc.crc', 'fcoe.crc', '_ws.malformed', 'fcnvme.short', 'fcnvme.odd', '_ws.expert')
DATA, CMND, ABTS = 0x01, 0x06, 0x81
SOON = 45       # seconds for an error; 1 to 3 with a processor to itself
LOST = 'connection lost', 'connection failed'

Frame = collections.namedtuple('Frame', [f.strip('_').replace('.', '_') for f in FIELDS])


def frames(path):
    """Frames of FC in a capture, as tshark and our dissector see them. A port that starts anew uses
    its exchange ids anew: tshark would put their sequences together and complain."""
    command = ['tshark', '-n', '-X', 'lua_script:' + os.path.join(ROOT, 'tools', 'fc_nvme.lua'),
               '--disable-protocol', 'fcp', '-o', 'fc.reassemble:FALSE', '-r', path, '-Y', 'fc',
               '-T', 'fields', '-E', 'occurrence=f']
    for field in FIELDS:
        command += ['-e', field]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True, encoding='utf-8')
    return [Frame(*line.split('\t')) for line in done.stdout.split('\n')[:-1]]


class FcCase(ProcessCase):
    """Point-to-point. WIRE = 'fcoe': on the Ethernet port, VN2VN; 'fabric': through a switch."""
    WIRE = 'native'

    def setUp(self):
        super().setUp()
        self.mode = 'vn2vn' if self.WIRE == 'fcoe' else 'native'
        self.targets, self.fabrics, self.captures, self.sim, self.before = [], [], 0, {}, 0
        if self.WIRE == 'fabric':
            self.start_fabric()
        for name in 'a', 'b':
            self.start_sim(name)

    # --- processes --------------------------------------------------------------------------------

    def start_sim(self, name):
        """weft-sim NAME, anew if there was one; its capture is self.capture[NAME] until then."""
        other = {'native': {'a': 'b', 'b': 'a'}, 'fcoe': {'a': 'b', 'b': 'a'},
                 'fabric': {'a': 'f1', 'b': 'f2'}}[self.WIRE][name]
        port = 'eth' if self.WIRE == 'fcoe' else 'fc'
        self.captures += 1
        socket, pcap = self.path(name + '.sock'), self.path('%s%d.pcapng' % (name, self.captures))
        if os.path.exists(socket):
            os.remove(socket)
        sim = self.start(build('weft-sim'), '--socket', socket, '--' + port, 'dgram:%s:%s' % (
            self.path(name + '.wire'), self.path(other + '.wire')),
            '--pcap' if port == 'eth' else '--fc-pcap', pcap, '--log')
        self.sim[name] = (sim, pcap)
        self.wait_for(name + '.sock')

    def start_fabric(self):
        """weft-fabric with the ports f1, where A is, and f2, where B is."""
        ports = ['--port=dgram:%s:%s' % (self.path(mine + '.wire'), self.path(its + '.wire'))
                 for mine, its in (('f1', 'a'), ('f2', 'b'))]
        # pylint: disable-next=consider-using-with
        fabric = subprocess.Popen([build('weft-fabric'), *ports], cwd=ROOT, encoding='utf-8',
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.end_fabric, fabric)
        self.fabrics.append(fabric)

    def end_fabric(self, fabric, sig=signal.SIGKILL):
        status = self.stop(fabric, sig)
        fabric.stdin.close()
        fabric.stdout.close()
        return status

    def ask_fabric(self, command):
        """Lines that the switch answers to a command."""
        fabric, lines = self.fabrics[-1], []
        fabric.stdin.write(command + '\n')
        fabric.stdin.flush()
        while not lines or lines[-1] != 'ok':
            lines.append(fabric.stdout.readline().rstrip('\n'))
            self.assertFalse(not lines[-1] or lines[-1].startswith('error'), lines)
        return lines[:-1]

    def start_target(self):
        """weft target on B, with the example of docs/ for a configuration: its FC port and a disk."""
        with open(os.path.join(ROOT, 'docs', 'target.json'), encoding='utf-8') as f:
            config = json.load(f)
        # What the line says of the adapter comes first: --fc, --device and the names.
        config['adapter']['fc'] = 'vn2vn' if self.mode == 'native' else 'native'
        config['ports'] = [p for p in config['ports'] if p['addr']['trtype'] == 'fc']
        config['subsystems'] = [s for s in config['subsystems'] if s['nqn'] == NQN]
        config['ports'][0]['subsystems'] = [NQN]
        config['subsystems'][0]['namespaces'][0]['device'] = {'path': self.path('export'),
                                                              'create': '4M'}
        with open(self.path('target.json'), 'w', encoding='utf-8') as f:
            json.dump(config, f)
        self.targets.append(self.target('b', TARGET, '--fc', self.mode, '--config',
                                        self.path('target.json')))
        self.before = 0
        with open(self.path('ready'), encoding='utf-8') as f:
            self.assertEqual(f.read(), TARGET + '\n')

    def command(self, verb, *arguments):
        """A command line of weft as a host on A."""
        return [build('weft'), verb, *self.device('a'), '--transport', 'fc', '--fc', self.mode,
                '--traddr', TARGET, '--host-traddr', HOST, *arguments]

    def start_weft(self, verb, *arguments):
        """weft as a host, in the background."""
        return self.start(*self.command(verb, '-n', NQN, *arguments))

    def weft(self, verb, *arguments, status=0):
        """What weft as a host prints."""
        done = subprocess.run(self.command(verb, *arguments), cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT,
                              check=False)
        text = done.stdout.decode()
        self.assertEqual(done.returncode, status, text + self.logs())
        return text

    # --- data -------------------------------------------------------------------------------------

    def load(self, *arguments):
        """weft perf on the first 32 KiB; returns when it is at it: the target has done ten
        commands of its controller."""
        perf = self.start_weft('perf', '-q', '4', '--pattern', 'randrw', '--verify', '--range',
                               '32K', *(arguments or ('--time', '600')))
        end = time.monotonic() + LIMIT
        while self.commands_done() < 10:
            self.assertIsNone(perf.poll(), self.logs())
            self.assertLess(time.monotonic(), end, self.logs())
        return perf

    def stats(self):
        """What the target itself counts."""
        target, stats = self.targets[-1], None
        with open(self.path('log%d' % self.children.index(target)), encoding='utf-8') as f:
            f.seek(0, os.SEEK_END)
            target.send_signal(signal.SIGUSR1)
            end = time.monotonic() + LIMIT
            while not stats and time.monotonic() < end:
                time.sleep(0.1)
                stats = [line for line in f.read().split('\n') if line.endswith('}')]
        return json.loads(stats[-1])

    def await_no_host(self):
        """Until the target has noticed that its host is gone."""
        end = time.monotonic() + LIMIT
        while self.stats()['hosts']:
            self.assertLess(time.monotonic(), end, self.logs())

    def commands_done(self):
        """Reads and writes of the hosts that are connected."""
        stats = self.stats()
        done = stats['reads'] + stats['writes']
        if not stats['hosts']:
            self.before = done
        return done - self.before if stats['hosts'] else 0

    def output(self, child):
        with open(self.path('log%d' % self.children.index(child)), encoding='utf-8') as f:
            return f.read()

    def fails(self, child, within, *words):
        """The command ends with an error that says one of the words, in so many seconds."""
        started = time.monotonic()
        status = child.wait(LIMIT)
        self.ended.append(child)
        took = time.monotonic() - started
        self.assertEqual(status, 1, self.output(child))
        self.assertLess(took, within, self.output(child))
        self.assertTrue(any(word in self.output(child) for word in words), self.output(child))

    def lose_the_adapter_of_the_target(self):
        """Its weft-sim is killed under load: host and target say so. Both are there again afterwards."""
        perf = self.load()
        self.stop(self.sim['b'][0], signal.SIGKILL)
        self.fails(perf, SOON, *LOST)
        self.fails(self.targets[-1], SOON, 'the adapter is gone')
        self.start_sim('b')
        self.start_target()

    def keep(self, seed, size=12000):
        """Writes something behind the first megabyte, and remembers what."""
        self.kept = random.Random(seed).randbytes(size)
        with open(self.path('in'), 'wb') as f:
            f.write(self.kept)
        self.weft('write', '-n', NQN, '--start-block', '2048', '-d', self.path('in'))

    def check_kept(self):
        """It is still there, read over the wire."""
        self.weft('read', '-n', NQN, '--start-block', '2048', '-z', str(len(self.kept)), '-d',
                  self.path('out'))
        with open(self.path('out'), 'rb') as f:
            self.assertEqual(f.read(), self.kept)

    # --- the end ----------------------------------------------------------------------------------

    def end(self):
        """All end in order; the file holds what was kept."""
        self.assertEqual(self.stop(self.targets[-1]), 0, self.logs())
        for fabric in self.fabrics[-1:]:
            self.assertEqual(self.end_fabric(fabric, signal.SIGTERM), 0)
        for sim, _ in self.sim.values():
            self.assertEqual(self.stop(sim), 0, self.logs())
        with open(self.path('export'), 'rb') as f:
            f.seek(1 << 20)
            self.assertEqual(f.read(len(self.kept)), self.kept, 'the exported file')

    def judge(self, name, commands):
        """tshark's opinion of a port's capture; its frames, with so many commands at least."""
        if not shutil.which('tshark'):
            self.fail('tshark is not installed: run ./setup')
        seen = frames(self.sim[name][1])
        for f in seen:
            self.assertEqual(f.fc_crc_status or f.fcoe_crc_status, '1', f)
            self.assertFalse(f.ws_malformed or f.fcnvme_short or f.fcnvme_odd, f)
        kinds = [int(f.fc_r_ctl, 0) for f in seen]
        self.assertGreaterEqual(kinds.count(CMND), commands)
        self.assertGreater(kinds.count(DATA), 0)
        return seen
