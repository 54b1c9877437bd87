# SPDX-License-Identifier: BSD-2-Clause
"""The Linux kernel's NVMe/TCP host in a guest. Its programs (nvme, fio, mkfs.ext4 ...) are
those of the machine it runs on: the guest sees this machine's /usr, read-only."""
import json
import re
import shlex

from adapter import OWN_ADDRESS, CaseFailed, guest_address
from guest import Guest

HOSTNQN = 'nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-555555555555'
HOSTID = '11111111-2222-4333-8444-555555555555'
FRIEND = 'nqn.2014-08.org.nvmexpress:uuid:aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
FRIENDID = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'

# The simulated adapter is a thousand times slower than a real one: the host must be patient.
CONNECT = ('nvme connect -t tcp -a {address} -s {service} -n {nqn} -q {hostnqn} -I {hostid}'
           ' -i {queues} -k {kato} -c 2 -l 600 {options}')
# A discovery controller that stays, and its log once more.
WATCH = ('nvme discover -t tcp -a {address} -s {port} -q {hostnqn} -I {hostid} -k {kato}'
         ' --persistent -o json')
LOOK = 'nvme discover -d {name} -q {hostnqn} -I {hostid} -o json'
DISCOVER = 'nvme discover -t tcp -a {address} -s {port} -q {hostnqn} -I {hostid} {options} -o json'
# Waits, in the guest, until a command succeeds. The guest's clock stands still when it is stopped.
UNTIL = '''end=$(($(date +%s) + {seconds}))
while [ $(date +%s) -le $end ]; do {test} && exit 0; sleep 0.2; done
echo "not in {seconds} s: {what}"; exit 1'''
# Where the threads of a program wait: for a program that does not end.
WAITS = '''for t in $(for p in $(pidof {program}); do ls -d /proc/$p/task/*; done); do
echo "$t: $(cat $t/comm) $(grep State $t/status), syscall $(cat $t/syscall)"; cat $t/stack; done'''


def records_of(text):
    """The records that nvme discover prints, whatever it says before."""
    return json.loads(text[text.index('{'):])['records']


class Controller:
    """One association of the host: its name, and where its namespaces are."""

    def __init__(self, host, name):
        self.host, self.name = host, name
        self.folder = '/sys/class/nvme/' + name

    def attribute(self, name):
        return self.host.must('cat %s/%s' % (self.folder, name)).strip()

    def disk(self, nsid=1, timeout=60):
        """The block device of a namespace, once it is there."""
        find = ('for p in {0}/nvme*n*; do [ "$(cat $p/nsid 2>/dev/null)" = {1} ] && '
                '[ "$(cat $p/size)" != 0 ] && echo $p && break; done').format(self.folder, nsid)
        self.host.until('[ -n "$(%s)" ]' % find, 'namespace %d of %s' % (nsid, self.name), timeout)
        path = self.host.must(find).strip().split('/')[-1]
        # With several paths the kernel hides nvme0c1n2 and shows nvme0n2.
        device = '/dev/' + re.sub(r'c\d+n', 'n', path)
        self.host.until('[ -b %s ]' % device, device, timeout)
        return device

    def wait(self, state='live', timeout=120):
        self.host.until('[ "$(cat %s/state)" = %s ]' % (self.folder, state),
                        '%s %s' % (self.name, state), timeout)

    def wait_reconnected(self, cntlid, timeout=180):
        """A new association stands in place of that with this controller id."""
        self.host.until('[ "$(cat {0}/state)" = live ] && [ "$(cat {0}/cntlid)" != {1} ]'.format(
            self.folder, cntlid), self.name + ' connected anew', timeout)

    def cntlid(self):
        return int(self.attribute('cntlid'))

    def disconnect(self):
        """In order; the kernel must have nothing left of it."""
        out = self.host.must('nvme disconnect -d ' + self.name, timeout=120)
        if 'disconnected' not in out and 'Disconnect' not in out and out.strip():
            raise CaseFailed('disconnect says: ' + out)
        self.host.until('[ ! -e %s ]' % self.folder, self.name + ' gone', 60)


class Host(Guest):
    """A guest with the host's modules loaded, and what cases do in it. Several have numbers,
    from 1 on."""
    role = 'host'

    def __init__(self, number=1, **kw):
        super().__init__(self.role, memory=320, mac='02:00:00:00:00:%02x' % (number + 1), **kw)
        self.address = guest_address(number)

    def boot(self, timeout=120):
        super().boot(timeout)
        if self.eth:
            self.up(self.address + '/24')

    def until(self, test, what, timeout=60):
        """Returns when the shell finds test true; CaseFailed after timeout seconds."""
        script = UNTIL.format(test=test, seconds=timeout, what=what.replace('"', "'"))
        code, out = self.run(script, timeout + 120)
        if code:
            raise CaseFailed('%s\n%s' % (out.strip(), self.said()))

    def said(self):
        """The end of the kernel's log, for messages."""
        return self.run('dmesg | tail -n 15')[1]

    def messages(self):
        return '\n'.join(text for _, when, text in self.dmesg() if when > self.booted)

    def nvme(self, command, timeout=120):
        """Runs nvme-cli, which must succeed; returns what it prints on standard output."""
        code, out = self.run('nvme %s 2>/tmp/stderr' % command, timeout)
        if code:
            raise CaseFailed('exit %d: nvme %s\n%s%s%s' % (
                code, command, out, self.run('cat /tmp/stderr')[1], self.said()))
        return out

    def ask(self, command, timeout=120):
        """As nvme(); returns the JSON object that it prints."""
        out = self.nvme(command + ' -o json', timeout)
        try:
            return json.loads(out[re.search(r'[{[]', out).start():])
        except (ValueError, AttributeError):
            raise CaseFailed('nvme %s prints no JSON:\n%s' % (command, out)) from None

    def try_connect(self, nqn, *, queues=1, options='', kato=30, hostnqn=HOSTNQN, hostid=HOSTID,
                    service=4420):
        """Returns (exit status, output) of nvme connect."""
        return self.run(CONNECT.format(address=OWN_ADDRESS, nqn=shlex.quote(nqn), queues=queues,
                                       kato=kato, options=options, hostnqn=hostnqn,
                                       hostid=hostid, service=service), 180)

    def connect(self, nqn, **how):
        """A live controller; all its I/O queues must be there."""
        before = set(self.run('ls /sys/class/nvme')[1].split())
        code, out = self.try_connect(nqn, **how)
        new = set(self.run('ls /sys/class/nvme')[1].split()) - before
        if code or len(new) != 1:
            raise CaseFailed('nvme connect: exit %d, %s\n%s\n%s' % (code, sorted(new), out,
                                                                    self.said()))
        controller = Controller(self, new.pop())
        controller.wait()
        return controller

    def discover(self, port, hostnqn=HOSTNQN, hostid=HOSTID, options=''):
        """The records of the discovery log."""
        line = DISCOVER.format(address=OWN_ADDRESS, port=port, hostnqn=hostnqn, hostid=hostid,
                               options=options)
        code, out = self.run(line, 120)
        if code:
            raise CaseFailed('nvme discover: exit %d\n%s\n%s' % (code, out, self.said()))
        return records_of(out)

    def watch(self, port, kato=30):
        """A discovery controller that stays connected, and the records of its log."""
        before = set(self.run('ls /sys/class/nvme')[1].split())
        out = self.must(WATCH.format(address=OWN_ADDRESS, port=port, hostnqn=HOSTNQN,
                                     hostid=HOSTID, kato=kato), 120)
        new = set(self.run('ls /sys/class/nvme')[1].split()) - before
        if len(new) != 1:
            raise CaseFailed('nvme discover --persistent leaves %s:\n%s' % (sorted(new), out))
        return Controller(self, new.pop()), records_of(out)

    def look(self, controller):
        """The records of a discovery controller that stays. nvme-cli 2.3 asks for the event to be
        retained when the log has more than 4 KiB, so the header is read once more, without."""
        records = records_of(self.must(LOOK.format(name=controller.name, hostnqn=HOSTNQN,
                                                   hostid=HOSTID), 120))
        self.nvme('get-log /dev/%s -i 0x70 -l 1024 -b >/dev/null' % controller.name)
        return records

    # -- data

    def sha256(self, device, offset=0, length=None):
        """Digest of what the host reads, past its own cache."""
        size = 4096 if (offset | (length or 0)) % 65536 else 65536
        count = '' if length is None else 'count=%d' % (length // size)
        return self.must('dd if=%s iflag=direct bs=%d skip=%d %s 2>/dev/null | sha256sum'
                         % (device, size, offset // size, count), timeout=600).split()[0]

    def write(self, device, offset, length, block):
        """Writes random bytes in requests of block bytes, past the cache, flushes, and returns
        their digest."""
        return self.must('''head -c {length} /dev/urandom >/tmp/data
            dd if=/tmp/data of={device} oflag=direct bs={block} seek={seek} \
                conv=notrunc,fsync 2>/dev/null
            sha256sum </tmp/data
            rm /tmp/data'''.format(length=length, device=device, block=block, seek=offset // block),
                         timeout=600).split()[0]

    def start(self, name, script):
        """Runs a script in the background; its output and exit status are kept."""
        self.must('''cat >/tmp/{0}.sh <<'EOF-{0}'
{1}
EOF-{0}
rm -f /tmp/{0}.exit
(set +e; setsid sh /tmp/{0}.sh >/tmp/{0}.out 2>&1 </dev/null; echo $? >/tmp/{0}.end
mv /tmp/{0}.end /tmp/{0}.exit) >/dev/null 2>&1 &'''.format(
            name, script))

    def finish(self, name, timeout=300):
        """Waits for it; returns (exit status, output)."""
        try:
            self.until('[ -e /tmp/%s.exit ]' % name, '%s ends' % name, timeout)
        except CaseFailed as e:
            raise CaseFailed('%s\n%s\n%s' % (e, self.run('tail -n 20 /tmp/%s.out' % name)[1],
                                             self.run(WAITS.format(program='fio'))[1])) from None
        out = self.must('cat /tmp/%s.exit /tmp/%s.out' % (name, name))
        code, _, out = out.partition('\n')
        return int(code), out
