#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Linux kernel's NVMe/TCP target in a guest, behind a UNIX datagram socket.

  target.py --eth QEMUSOCK:PEERSOCK [--mtu 1500] [--size 64M] [--pcap FILE]
            [--ready-file FILE] [--control SOCK]

Boots the guest, says "target ready ..." and stays in the foreground until SIGTERM or
SIGINT. Exit status: 0 ended as asked; 1 the guest failed or its kernel logged errors;
2 wrong arguments; 77 QEMU or a kernel cannot be had here.

Every frame is one datagram: the guest receives on QEMUSOCK and sends to PEERSOCK.
The subsystem listens at 10.0.0.2 on ports 4420 and 8009, discovery included, any
host allowed. A script sent to the control socket (see guest-run) runs in the guest."""
import argparse
import os
import re
import select
import signal
import socket
import sys
import time

from guest import Guest, GuestError, check_socket_path
from kernel import Unavailable

NQN = 'nqn.2026-11.org.weft:test'
SERIAL = 'WEFTTEST0001'
UUID = '7765f700-0000-4000-8000-000000000001'
ADDRESS = '10.0.0.2'
PORTS = (4420, 8009)
DEVICE = '/dev/ram0'
BLOCK = 4096
MIB = 1 << 20

SUBSYSTEM = '''
insmod /lib/modules/brd.ko rd_nr=1 rd_size={kib}
subsystem=/sys/kernel/config/nvmet/subsystems/{nqn}
mkdir $subsystem
echo 1 >$subsystem/attr_allow_any_host
echo {serial} >$subsystem/attr_serial
mkdir $subsystem/namespaces/1
echo -n {device} >$subsystem/namespaces/1/device_path
echo {uuid} >$subsystem/namespaces/1/device_uuid
echo 1 >$subsystem/namespaces/1/enable
'''
PORT = '''
port=/sys/kernel/config/nvmet/ports/{number}
mkdir $port
echo tcp >$port/addr_trtype
echo ipv4 >$port/addr_adrfam
echo {address} >$port/addr_traddr
echo {service} >$port/addr_trsvcid
ln -s /sys/kernel/config/nvmet/subsystems/{nqn} $port/subsystems/
'''


def parse_size(text):
    """Bytes of a size like 64M, 1G or 8192; a multiple of 4 KiB."""
    match = re.fullmatch(r'(\d+)([KMG]?)', text)
    size = int(match.group(1)) << {'': 0, 'K': 10, 'M': 20, 'G': 30}[match.group(2)] if match else 0
    if not size or size % BLOCK:
        raise argparse.ArgumentTypeError('%r is no size like 64M, a multiple of 4K' % text)
    return size


class Target(Guest):
    """A guest with one subsystem of one namespace, a RAM disk."""
    role = 'target'

    def __init__(self, size=64 * MIB, **kw):
        # The RAM disk takes memory as it is written; the rest is what Linux needs.
        super().__init__(self.role, memory=160 + (size + MIB - 1) // MIB, **kw)
        self.size = size

    def boot(self, timeout=120):
        super().boot(timeout)
        self.must(SUBSYSTEM.format(kib=self.size >> 10, nqn=NQN, serial=SERIAL, device=DEVICE,
                                   uuid=UUID))
        self.listen()

    def listen(self):
        if self.eth:
            self.up(ADDRESS + '/24')
        self.must(''.join(PORT.format(number=number, address=ADDRESS, service=service, nqn=NQN)
                          for number, service in enumerate(PORTS, 1)))

    def sha256(self, offset=0, length=None):
        """Digest of a part of the RAM disk as it stands; offset and length in whole blocks."""
        length = self.size - offset if length is None else length
        if offset % BLOCK or length % BLOCK:
            raise ValueError('offset and length must be multiples of %d' % BLOCK)
        out = self.must('dd if=%s iflag=direct bs=%d skip=%d count=%d 2>/dev/null | sha256sum'
                        % (DEVICE, BLOCK, offset // BLOCK, length // BLOCK), timeout=300)
        return out.split()[0]


def serve(guest, control):
    """Runs one script for each connection to the control socket, until the guest dies."""
    while guest.running():
        if not control or not select.select([control], [], [], 0.5)[0]:
            time.sleep(0 if control else 0.5)
            continue
        connection, _ = control.accept()
        with connection:
            connection.settimeout(10)
            try:
                script = b''.join(iter(lambda: connection.recv(65536), b''))
                code, output = guest.run(script.decode(), timeout=300)
                connection.sendall(b'%d\n' % code + output.encode())
            except (OSError, UnicodeDecodeError) as e:
                print('control socket: %s' % e, file=sys.stderr, flush=True)
    raise GuestError('the guest ended by itself:\n' + guest.console()[-4000:])


def listen(path):
    """A listening socket at path, in place of what an earlier run may have left there."""
    if not path:
        return None
    check_socket_path(path)
    if os.path.exists(path):
        os.unlink(path)
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.bind(path)
    control.listen(4)
    return control


def parse(argv):
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--eth', required=True, metavar='QEMUSOCK:PEERSOCK')
    ap.add_argument('--mtu', type=int, default=1500)
    ap.add_argument('--size', type=parse_size, default=64 * MIB)
    ap.add_argument('--pcap', metavar='FILE', help='every frame of the port, classic pcap')
    ap.add_argument('--ready-file', metavar='FILE', help='created when the target listens')
    ap.add_argument('--control', metavar='SOCK', help='scripts sent here run in the guest')
    args = ap.parse_args(argv)
    args.eth = args.eth.split(':')
    if len(args.eth) != 2 or not all(args.eth):
        ap.error('--eth wants QEMUSOCK:PEERSOCK')
    if not 576 <= args.mtu <= 65535:
        ap.error('--mtu must be 576 to 65535')
    return args


def stop_on_signal(*_):
    raise KeyboardInterrupt


def work(args):
    start = time.monotonic()
    control = listen(args.control)
    with Target(args.size, eth=args.eth, mtu=args.mtu, pcap=args.pcap) as target:
        target.boot()
        line = 'target ready nqn=%s traddr=%s trsvcid=%s mtu=%d size=%d seconds=%.1f' % (
            NQN, ADDRESS, ','.join(map(str, PORTS)), args.mtu, args.size,
            time.monotonic() - start)
        print(line, flush=True)
        if args.ready_file:
            with open(args.ready_file, 'w') as f:
                f.write(line + '\n')
        try:
            serve(target, control)
        except KeyboardInterrupt:
            errors = target.kernel_errors()
    for text in errors:
        print('target kernel: ' + text, file=sys.stderr)
    return 1 if errors else 0


def main(argv):
    args = parse(argv)
    signal.signal(signal.SIGTERM, stop_on_signal)
    try:
        return work(args)
    except KeyboardInterrupt:
        return 0
    except Unavailable as e:
        print('target: %s' % e, file=sys.stderr)
        return 77
    except GuestError as e:
        print('target: %s' % e, file=sys.stderr)
        return 1
    finally:
        for path in args.ready_file, args.control:
            if path and os.path.exists(path):
                os.unlink(path)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
