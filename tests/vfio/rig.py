# SPDX-License-Identifier: BSD-2-Clause
"""What the cases of one kernel run on: a Linux NVMe/TCP target in a guest, the co-simulated
adapter as a process, and a second guest whose kernel gives the adapter to our programs.

    guest [ weft - kernel's VFIO ] QEMU --(vfio-user)-- weft-sim --(datagrams)-- target's guest"""
import json
import os
import re

import debian  # noqa: F401 (it leads to tests/interop)
from adapter import BUILD, OWN_ADDRESS, AdapterRig, CaseFailed
from guest import GuestError
from kernel import Unavailable
from target import ADDRESS, MIB, Target
from vfioguest import ADAPTER, VfioGuest

SIZE = 16 * MIB
BOOT_TIMEOUT = 600      # seconds; a busy machine has taken five minutes
# What the guest gets of ours, as it was built for this machine.
PROGRAMS = ('weft', 'tests/vfio/edu', 'tests/vfio/confined')
USERS = {'etc/passwd': b'root:x:0:0::/root:/bin/sh\nlab:x:1000:1000::/tmp:/bin/sh\n',
         'etc/group': b'root:x:0:\nlab:x:1000:\n'}
# edu is made to reach where it may not: the IOMMU says so.
EXPECTED = re.compile(r'DMAR: (DRHD: handling fault|\[DMA (Read|Write).*\[00:06\.0\])')
BOOTED = re.compile(r'weft firmware \d')
# A busy machine stops the guest for longer than a keep-alive of 5 s may wait.
PORT = '--ip %s/24 --mtu 1500 --traddr %s --trsvcid 4420 -k 300' % (OWN_ADDRESS, ADDRESS)

# Runs a command and watches it: which files of /dev it has open, and how many interrupts the
# kernel counts for its vectors, which are gone when it has ended.
WATCHED = '''
%s >/tmp/said 2>&1 &
pid=$!
while kill -0 $pid 2>/dev/null; do
	ls -l /proc/$pid/fd 2>/dev/null | sed -n 's,.* -> /dev/,/dev/,p' >>/tmp/opened
	grep vfio-msi /proc/interrupts >/tmp/now && mv /tmp/now /tmp/counted
	usleep 100000
done
wait $pid
status=$?
cat /tmp/said
echo "--- opened"; sort -u /tmp/opened
echo "--- counted"; cat /tmp/counted
rm -f /tmp/opened /tmp/counted
exit $status
'''


class Watched:
    """What a command did that was watched: status, output, files of /dev, {vector: count}."""

    def __init__(self, status, text):
        self.status = status
        self.output, _, rest = text.partition('--- opened\n')
        opened, _, counted = rest.partition('--- counted\n')
        self.opened = set(opened.split())
        self.vectors = {}
        for line in counted.splitlines():
            words = line.split()
            columns = [int(w) for w in words[1:] if w.isdigit()]
            self.vectors[words[-1]] = sum(columns)


class VfioRig(AdapterRig):
    """kernel: one of kernels.py. weft opens the adapter by self.device."""

    def __init__(self, folder, kernel):
        super().__init__(folder, size=SIZE, timeout=1800)
        self.kernel, self.device = kernel, ADAPTER
        self.target = self.guest = None

    def start(self):
        for program in PROGRAMS:
            if not os.access(os.path.join(BUILD, program), os.X_OK):
                raise Unavailable('%s/%s is not there: run make test-vfio' % (BUILD, program))
        self.prepare()
        self.callback(self._stop_guests)
        self.target = Target(size=2 * SIZE, eth=(self.words['peer'], self.words['eth']))
        self.target.boot(BOOT_TIMEOUT)
        self.start_guest()

    def start_guest(self):
        """The adapter, and a fresh guest: QEMU does not reconnect to a server that died."""
        if self.guest:
            self.guest.stop()
        if self.adapter:
            self.stop_adapter()
        self.start_adapter()
        self.guest = VfioGuest(self.kernel, adapter=self.words['device'], keep=self.folder,
                               programs=[os.path.join(BUILD, p) for p in PROGRAMS], files=USERS)
        self.guest.boot(BOOT_TIMEOUT)

    def _stop_guests(self):
        for guest in self.guest, self.target:
            if guest:
                guest.stop()

    # -- commands in the guest

    def line(self, verb, more=''):
        return 'weft %s --device %s --output-format json %s' % (verb, self.device, more)

    def run(self, script, timeout=600):
        return self.guest.run(script, timeout)

    def must(self, script, timeout=600):
        status, output = self.run(script, timeout)
        if status:
            raise CaseFailed('exit %d in the guest: %s\n%s' % (status, script.strip(), output))
        return output

    def weft(self, verb, more='', timeout=600):
        return self.must(self.line(verb, more), timeout)

    def ask(self, verb, more='', timeout=600):
        """As weft(); returns the JSON object that it prints."""
        output = self.weft(verb, more, timeout)
        try:
            return json.loads(output[output.index('{'):])
        except ValueError:
            raise CaseFailed('weft %s prints no JSON:\n%s' % (verb, output)) from None

    def watch(self, line):
        return Watched(*self.run(WATCHED % line, self.timeout))

    def refused(self, script, why, status=1, limit=120):
        """The command must end by itself, with this status and a last line that says why."""
        got, output = self.run('timeout -s KILL %d sh -c "%s"' % (limit, script), limit + 60)
        last = (output.splitlines() or [''])[-1]
        if got != status or not re.search(why, last):
            raise CaseFailed('exit %d, not %d for "%s": %s\n%s' % (got, status, why, script,
                                                                  output))
        return last

    # -- data

    def job(self, size, more=''):
        """Writes and reads back random bytes by `weft run`; the target's own digest decides."""
        self.must('dd if=/dev/urandom of=/tmp/data bs=65536 count=%d 2>/dev/null' % (size >> 16))
        done = self.watch(self.line('run', '%s --timeout 600 --data /tmp/data %s' % (PORT, more)))
        if done.status:
            raise CaseFailed('weft run: exit %d\n%s%s' % (done.status, done.output,
                                                          self.log('weft-sim.log')))
        wanted = self.must('sha256sum /tmp/data').split()[0]
        self.same('written bytes', wanted, self.target.sha256(0, size))
        return done

    # -- the adapter

    def boots(self):
        """How often the firmware has started: once more after each reset of the function."""
        return len(BOOTED.findall(self.log('weft-sim.log', 1 << 24)))

    # -- at the end

    def check_guests(self):
        for name, guest in ('target', self.target), ('guest', self.guest):
            try:
                errors = guest.kernel_errors()
            except GuestError as e:
                raise CaseFailed(str(e)) from None
            errors = [text for text in errors if not EXPECTED.search(text)]
            if errors:
                raise CaseFailed("the %s's kernel says:\n%s" % (name, '\n'.join(errors)))
