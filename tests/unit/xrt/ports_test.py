#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The RTL kernel's ports: weft_top's, those of the wrapper around it, those that kernel.xml tells the linker, those that the
packaging script and the linker's configuration name. All agree."""
import os
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))
BOARD = os.path.join(ROOT, 'rtl/board')
PORT = re.compile(r'^\s*(input|output)\s+(?:logic|wire|reg)?\s*(?:\[\s*(\d+)\s*:\s*0\s*\])?\s*(\w+)\s*,?\s*$')
# What an AXI4 master must have for the platform's interconnect, and an AXI4-Lite slave, an AXI-Stream.
MASTER = ('araddr arlen arsize arburst arlock arcache arprot arqos arvalid arready rdata rresp rlast rvalid rready '
          'awaddr awlen awsize awburst awlock awcache awprot awqos awvalid awready wdata wstrb wlast wvalid wready '
          'bresp bvalid bready').split()
LITE = ('awaddr awvalid awready wdata wstrb wvalid wready bresp bvalid bready '
        'araddr arvalid arready rdata rresp rvalid rready').split()
STREAM = 'tdata tkeep tvalid tready tlast'.split()


def text(*path):
    with open(os.path.join(*path), encoding='utf-8') as f:
        return f.read()


def ports(source, module):
    """name: (direction, width) of a module's ports."""
    head = re.search(r'\bmodule\s+%s\b(.*?)\n\);' % module, source, re.S)
    found = {}
    for line in head.group(1).splitlines():
        m = PORT.match(line.split('//')[0])
        if m:
            found[m.group(3)] = (m.group(1), int(m.group(2) or 0) + 1)
    return found


def instance(source, module, name):
    body = re.search(r'\b%s\s+%s\s*\((.*?)\n\t\);' % (module, name), source, re.S).group(1)
    return dict(re.findall(r'\.(\w+)\(([^)]*)\)', body))


class Ports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.wrapper = text(BOARD, 'weft_kernel.v')
        cls.top = ports(text(ROOT, 'rtl/weft_top.sv'), 'weft_top')
        cls.kernel = ports(cls.wrapper, 'weft_kernel')
        cls.xml = xml.etree.ElementTree.fromstring(text(BOARD, 'kernel.xml')).find('kernel')

    def group(self, prefix):
        return {name[len(prefix):]: port for name, port in self.kernel.items() if name.startswith(prefix)}

    def test_every_port_of_the_adapter_is_connected(self):
        connected = instance(self.wrapper, 'weft_top', 'u_top')
        self.assertGreater(len(self.top), 80)
        self.assertEqual(sorted(set(self.top) - set(connected)), [], 'ports of weft_top that weft_kernel.v forgets')
        self.assertEqual(sorted(set(connected) - set(self.top)), [], 'ports that weft_top has not')
        for name, to in connected.items():
            with self.subTest(name):
                self.assertNotEqual(to, '', 'left open')
                if self.top[name][0] == 'output':
                    self.assertNotRegex(to, r"'", 'an output at a constant')
                if to in self.kernel:  # straight to the edge: same direction, same width
                    self.assertEqual(self.kernel[to], self.top[name])

    def test_constants_are_as_wide_as_the_input(self):
        for name, to in instance(self.wrapper, 'weft_top', 'u_top').items():
            width = re.match(r"(\d+)'", to)
            if width:
                self.assertEqual(int(width.group(1)), self.top[name][1], name)

    def test_the_kernel_is_what_its_xml_says(self):
        self.assertEqual(self.xml.get('name'), 'weft_kernel')
        self.assertEqual(self.xml.get('hwControlProtocol'), 'user_managed')
        self.assertEqual(self.xml.get('interrupt'), 'true')
        rest = dict(self.kernel)
        for name in ('ap_clk', 'ap_rst_n'):
            self.assertEqual(rest.pop(name), ('input', 1))
        self.assertEqual(rest.pop('interrupt'), ('output', 1))
        for port in self.xml.find('ports'):
            group = self.group(port.get('name') + '_')
            with self.subTest(port.get('name')):
                self.check_port(port, group)
            for name in group:
                del rest[port.get('name') + '_' + name]
        self.assertEqual(rest, {}, 'ports that kernel.xml does not tell of')

    def check_port(self, port, group):
        width, mode = int(port.get('dataWidth')), port.get('mode')
        if port.get('portType') == 'stream':
            source = mode == 'write_only'
            self.assertEqual(sorted(set(STREAM) - set(group)), [])
            self.assertEqual(group['tdata'], ('output' if source else 'input', width))
            self.assertEqual(group['tkeep'], ('output' if source else 'input', width // 8))
            self.assertEqual(group['tready'], ('input' if source else 'output', 1))
            return
        master = mode == 'master'
        self.assertEqual(sorted(group), sorted(MASTER if master else LITE))
        self.assertEqual(group['wdata'], ('output' if master else 'input', width))
        self.assertEqual(group['rdata'], ('input' if master else 'output', width))
        self.assertEqual(group['wstrb'][1], width // 8)
        for name in ('awaddr', 'araddr'):
            self.assertEqual(group[name][0], 'output' if master else 'input')
            bits = 64 if master else (int(port.get('range'), 16) - 1).bit_length()
            self.assertEqual(group[name][1], bits)

    def test_arguments_name_ports(self):
        names = [port.get('name') for port in self.xml.find('ports')]
        ids = []
        for arg in self.xml.find('args'):
            self.assertIn(arg.get('port'), names)
            ids.append(int(arg.get('id')))
            if arg.get('addressQualifier') == '1':  # a pointer: XRT keeps the first 16 bytes
                self.assertGreaterEqual(int(arg.get('offset'), 16), 0x10)
        self.assertEqual(ids, list(range(len(ids))))

    def test_the_linker_connects_what_is_there(self):
        masters = [p.get('name') for p in self.xml.find('ports') if p.get('mode') == 'master']
        cfg = text(BOARD, 'link.cfg')
        self.assertIn('nk=weft_kernel:1:weft_kernel_1', cfg)
        self.assertEqual(re.findall(r'^sp=weft_kernel_1\.(\w+):', cfg, re.M), masters)

    def test_the_makefile_knows_every_source(self):
        listed = re.search(r'^BOARD_V := (.*)$', text(BOARD, 'module.mk'), re.M).group(1).split()
        there = sorted('rtl/board/' + name for name in os.listdir(BOARD) if name.endswith('.v'))
        self.assertEqual(sorted(listed), there)


# Stands in for Vivado: writes down each command, knows the few that give something back.
VIVADO = r'''
proc unknown {args} {
	global calls
	lappend calls $args
	switch -- [lindex $args 0] {
	current_fileset { return fileset }
	ipx::current_core { return core }
	ipx::get_memory_maps { return map }
	ipx::add_address_block { return block }
	ipx::add_register { return register }
	ipx::add_register_parameter { return parameter }
	}
	return ""
}
set calls {}
'''


class Packaging(unittest.TestCase):
    def run_tcl(self, *args):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'run.tcl')
            words = ' '.join('{%s}' % a for a in args)
            with open(path, 'w', encoding='utf-8') as f:
                f.write(VIVADO + 'set argv [list %s]\n' % words + text(BOARD, 'package_kernel.tcl') +
                        '\nforeach c $calls { puts "call: $c" }\n')
            done = subprocess.run(['yosys', '-q', '-c', path], cwd=folder, timeout=60, check=False, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done

    def test_what_vivado_is_asked(self):
        done = self.run_tcl('out/k.xo', 'package', 'xcu50', 'a.sv', 'b.v')
        self.assertEqual(done.returncode, 0, done.stdout)
        calls = re.findall(r'^call: (.*)$', done.stdout, re.M)
        self.assertIn('add_files -norecurse {a.sv b.v}', calls)
        self.assertIn('set_property top weft_kernel fileset', calls)
        kernel = xml.etree.ElementTree.fromstring(text(BOARD, 'kernel.xml')).find('kernel')
        for port in kernel.find('ports'):
            self.assertIn('ipx::associate_bus_interfaces -busif %s -clock ap_clk core' % port.get('name'), calls)
            if port.get('mode') == 'slave':
                self.assertIn('set_property range %s block' % port.get('range'), calls)
        pointer = [a for a in kernel.find('args') if a.get('addressQualifier') == '1'][0]
        self.assertIn('set_property address_offset %s register' % pointer.get('offset'), calls)
        self.assertIn('set_property value %s parameter' % pointer.get('port'), calls)
        self.assertTrue(calls[-1].startswith('package_xo -force -xo_path out/k.xo -kernel_name weft_kernel'), calls[-1])
        self.assertTrue(os.path.exists(os.path.join(ROOT, calls[-1].split()[-1])), 'kernel.xml')

    def test_too_few_words(self):
        self.assertNotEqual(self.run_tcl('out/k.xo').returncode, 0)

    def test_make_says_what_is_missing(self):
        done = subprocess.run(['make', 'xclbin', 'VIVADO=no-vivado', 'VPP=no-v++', '-o', 'build/weft', 'RTL_SOURCES=', 'PLATFORM='],
                              cwd=ROOT, timeout=120, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={k: v for k, v in os.environ.items() if k not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')})
        self.assertNotEqual(done.returncode, 0)
        for words in ('no-vivado (Vivado)', 'no-v++ (Vitis)', 'PLATFORM='):
            self.assertIn(words, done.stderr)


if __name__ == '__main__':
    unittest.main()
