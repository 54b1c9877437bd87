#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
#
# First process of the guest: mounts what a system has, loads the modules named in
# /lib/modules/order, then runs the commands that come in on the second serial port.
#
# Protocol, line by line. In:  ID BASE64(shell script)
#                         Out: begin ID EXITCODE, BASE64(output) in lines, end ID
# "up" is said once, when the first command can be taken.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t tmpfs tmpfs /tmp
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root

while read -r module; do
	insmod "/lib/modules/$module.ko" || echo "guest: cannot load $module" >/dev/kmsg
done </lib/modules/order
mount -t configfs configfs /sys/kernel/config
ip link set lo up
# A host's programs are those of the machine that runs QEMU.
[ ! -e /lib/modules/9p.ko ] || mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 usr /usr ||
	echo "guest: cannot mount /usr" >/dev/kmsg

stty -F /dev/ttyS1 raw -echo
exec </dev/ttyS1 >/dev/ttyS1 2>/dev/kmsg
echo up
while read -r id script; do
	printf %s "$script" | base64 -d >/tmp/script
	setsid sh /tmp/script </dev/null >/tmp/output 2>&1
	echo "begin $id $?"
	base64 /tmp/output
	echo "end $id"
done
poweroff -f
