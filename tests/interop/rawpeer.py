# SPDX-License-Identifier: BSD-2-Clause
"""A raw Ethernet peer on a UNIX datagram socket: just enough ARP, ICMP echo and TCP to
prove that a guest is there and that its frames are sound. All checksums of every
IPv4 frame received are verified."""
import os
import select
import socket
import struct
import time

BROADCAST = b'\xff' * 6
ETH_ARP, ETH_IPV4 = 0x0806, 0x0800
ICMP, TCP, UDP = 1, 6, 17
SYN, RST, ACK = 2, 4, 16


class PeerError(Exception):
    """The other side did not answer, or answered wrongly."""


def checksum(data):
    """The Internet checksum; 0 for data that already carries a right one."""
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def pseudo_header(source, target, protocol, length):
    return source + target + struct.pack('>BBH', 0, protocol, length)


def ipv4(source, target, protocol, payload):
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 1, 0x4000, 64, protocol, 0,
                       source, target)
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + payload


class Packet:
    """An IPv4 packet, taken apart and checked."""

    def __init__(self, data):
        if len(data) < 20 or data[0] >> 4 != 4:
            raise PeerError('no IPv4 packet: ' + data.hex())
        head, total = (data[0] & 15) * 4, struct.unpack_from('>H', data, 2)[0]
        if head < 20 or not head <= total <= len(data):
            raise PeerError('bad IPv4 lengths: ' + data[:20].hex())
        self.source, self.target, self.protocol = data[12:16], data[16:20], data[9]
        self.fragment = struct.unpack_from('>H', data, 6)[0] & 0x3fff
        self.payload = data[head:total]
        if checksum(data[:head]):
            raise PeerError('bad IPv4 header checksum')
        if not self.fragment:
            self._check()

    def _check(self):
        pseudo = pseudo_header(self.source, self.target, self.protocol, len(self.payload))
        if self.protocol == ICMP and checksum(self.payload):
            raise PeerError('bad ICMP checksum')
        if self.protocol == TCP and checksum(pseudo + self.payload):
            raise PeerError('bad TCP checksum')
        if self.protocol == UDP and self.payload[6:8] != b'\0\0' and \
                checksum(pseudo + self.payload):
            raise PeerError('bad UDP checksum')


class RawPeer:
    def __init__(self, own, other, address='10.0.0.1', mac='02:00:00:00:00:01'):
        """own, other: paths of the two sockets; a frame sent before other exists is lost."""
        self.other = other
        self.ip = socket.inet_aton(address)
        self.mac = bytes.fromhex(mac.replace(':', ''))
        self.checked = 0
        if os.path.exists(own):
            os.unlink(own)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(own)

    def close(self):
        self.socket.close()

    def send(self, target, kind, payload):
        try:
            self.socket.sendto(target + self.mac + struct.pack('>H', kind) + payload, self.other)
        except (FileNotFoundError, ConnectionRefusedError):
            pass

    def receive(self, match, timeout):
        """The first frame for which match(kind, payload, source mac) is true; answers ARP
        meanwhile and checks all the rest. None when the time is up."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            frame = self.socket.recv(1 << 17)
            kind, payload = struct.unpack_from('>H', frame, 12)[0], frame[14:]
            if kind == ETH_ARP:
                self._answer_arp(payload)
            if kind == ETH_IPV4:
                payload = Packet(payload)
                self.checked += 1
            found = match(kind, payload, frame[6:12])
            if found:
                return found

    def _arp(self, operation, mac, ip):
        return struct.pack('>HHBBH6s4s6s4s', 1, ETH_IPV4, 6, 4, operation, self.mac, self.ip,
                           mac, ip)

    def _answer_arp(self, payload):
        operation, mac, ip, target = payload[6:8], payload[8:14], payload[14:18], payload[24:28]
        if operation == b'\0\1' and target == self.ip:
            self.send(mac, ETH_ARP, self._arp(2, mac, ip))

    def resolve(self, address, timeout=10):
        """The MAC address that answers for an IPv4 address."""
        ip = socket.inet_aton(address)

        def match(kind, payload, _):
            if kind == ETH_ARP and payload[6:8] == b'\0\2' and payload[14:18] == ip:
                return payload[8:14]
            return None
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.send(BROADCAST, ETH_ARP, self._arp(1, bytes(6), ip))
            found = self.receive(match, 0.5)
            if found:
                return found
        raise PeerError('no ARP answer from ' + address)

    def echo_request(self, mac, address, size, number):
        """Sends one echo request; returns the body that the answer must carry."""
        body = struct.pack('>HH', 0x7766, number) + bytes(i & 255 for i in range(size))
        head = b'\x08\0' + struct.pack('>H', checksum(b'\x08\0\0\0' + body))
        self.send(mac, ETH_IPV4, ipv4(self.ip, socket.inet_aton(address), ICMP, head + body))
        return body

    def echo_reply(self, address, body, timeout):
        """True when the answer with this body has come."""
        ip = socket.inet_aton(address)

        def match(kind, packet, _):
            return (kind == ETH_IPV4 and packet.protocol == ICMP and packet.source == ip and
                    packet.payload[:1] == b'\0' and packet.payload[4:] == body)
        return bool(self.receive(match, timeout))

    def ping(self, mac, address, size, number, timeout=5):
        """Echoes size bytes; returns the seconds it took. The answer must be the same bytes."""
        start = time.monotonic()
        if not self.echo_reply(address, self.echo_request(mac, address, size, number), timeout):
            raise PeerError('no echo of %d bytes from %s' % (size, address))
        return time.monotonic() - start

    def _segment(self, mac, ip, ports, seq, ack, flags, options=b''):
        offset = (20 + len(options)) // 4 << 4
        head = struct.pack('>HHIIBBHHH', *ports, seq, ack, offset, flags, 64240, 0, 0) + options
        total = checksum(pseudo_header(self.ip, ip, TCP, len(head)) + head)
        self.send(mac, ETH_IPV4, ipv4(self.ip, ip, TCP,
                                      head[:16] + struct.pack('>H', total) + head[18:]))

    def handshake(self, mac, address, port, own_port, mss=1460, timeout=5):
        """SYN and its answer, then RST. Returns the flags and options that came back."""
        ip, seq = socket.inet_aton(address), 0x01020304

        def match(kind, packet, _):
            if kind != ETH_IPV4 or packet.protocol != TCP or packet.source != ip:
                return None
            source, target, theirs, ack, offset, flags = struct.unpack_from('>HHIIBB',
                                                                            packet.payload)
            if (source, target) != (port, own_port):
                return None
            return theirs, ack, flags, packet.payload[20:(offset >> 4) * 4]
        self._segment(mac, ip, (own_port, port), seq, 0, SYN, struct.pack('>BBH', 2, 4, mss))
        answer = self.receive(match, timeout)
        if not answer:
            raise PeerError('no answer to SYN from %s:%d' % (address, port))
        theirs, ack, flags, options = answer
        if ack != seq + 1:
            raise PeerError('SYN acknowledged wrongly: %#x' % ack)
        if flags & SYN:
            self._segment(mac, ip, (own_port, port), seq + 1, theirs + 1, RST | ACK)
        return flags, options
