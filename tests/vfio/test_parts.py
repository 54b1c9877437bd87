#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The parts of `make test-vfio` that need no guest."""
import os
import re
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import debian  # noqa: E402
import cases  # noqa: E402
import kernels  # noqa: E402
import rig  # noqa: E402
import run  # noqa: E402

SAID = '''{ "bus": "vfio" }
--- opened
/dev/null
/dev/vfio/1
/dev/vfio/vfio
--- counted
 26:        117          3  IR-PCI-MSIX-0000:00:05.0   0-edge      vfio-msix[0](0000:00:05.0)
 27:          0          0  IR-PCI-MSIX-0000:00:05.0   1-edge      vfio-msix[1](0000:00:05.0)
'''


class Watched(unittest.TestCase):
    def test_fields(self):
        seen = rig.Watched(0, SAID)
        self.assertEqual(seen.output, '{ "bus": "vfio" }\n')
        self.assertEqual(seen.opened, {'/dev/null', '/dev/vfio/1', '/dev/vfio/vfio'})
        self.assertEqual(seen.vectors, {'vfio-msix[0](0000:00:05.0)': 120,
                                        'vfio-msix[1](0000:00:05.0)': 0})
        self.assertIn('120 interrupts on 1 MSI-X', cases.count_vectors(seen))

    def test_no_interrupt_is_a_failure(self):
        for text in SAID.replace('117', '0').replace(' 3 ', ' 0 '), 'died at once\n':
            with self.assertRaises(rig.CaseFailed):
                cases.count_vectors(rig.Watched(0, text))

    def test_errors_that_are_provoked(self):
        ours = 'DMAR: [DMA Write NO_PASID] Request device [00:05.0] fault addr 0x1000'
        self.assertFalse(rig.EXPECTED.search(ours))
        self.assertTrue(rig.EXPECTED.search(ours.replace('05.0', '06.0')))


class Choice(unittest.TestCase):
    def test_names(self):
        self.assertEqual(run.parse(['edu', 'cloud/job', 'iommufd']).cases,
                         ['edu', 'cloud/job', 'iommufd'])
        for name in 'cloud/group', 'nothing', 'cloud/':
            with self.assertRaises(SystemExit), mock.patch('sys.stderr'):
                run.parse([name])

    def test_what_cannot_run_is_not_ok(self):
        with mock.patch.dict(kernels.KERNELS,
                             cloud=mock.Mock(side_effect=debian.Unavailable('no archive'))), \
                mock.patch('builtins.print') as said:
            self.assertEqual(run.main(['cloud/edu', 'cloud/job']), 1)
        lines = [call.args[0] for call in said.call_args_list]
        self.assertEqual(lines[0], '1..2')
        self.assertEqual([bool(re.match('not ok %d - cloud/' % n, line))
                          for n, line in enumerate(lines[1:3], 1)], [True, True])


class Cache(unittest.TestCase):
    def test_whole_or_absent(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(debian, 'CACHE', folder), \
                mock.patch('builtins.print'):
            made = []

            def make(place, scratch):
                self.assertTrue(os.path.isdir(scratch))
                made.append(place)
                open(os.path.join(place, 'file'), 'w').close()
                if len(made) == 1:
                    raise debian.Unavailable('half way')

            with self.assertRaises(debian.Unavailable):
                debian.cached('x', make)
            self.assertFalse(os.path.exists(os.path.join(folder, 'x')))
            for _ in range(2):
                self.assertEqual(os.listdir(debian.cached('x', make)), ['file'])
            self.assertEqual(len(made), 2)


class Source(unittest.TestCase):
    def test_wanted(self):
        self.assertEqual(kernels.wanted(), ['drivers/iommu/iommufd', 'drivers/vfio',
                                            'drivers/iommu/iommu-priv.h', 'lib/interval_tree.c'])

    def test_places(self):
        """Each object that Kbuild names has a source, where collect() puts those of a kernel."""
        with open(kernels.KBUILD) as f:
            text = re.sub(r'(obj-m|CFLAGS|ccflags).*', '', f.read())
        objects = re.findall(r'[\w/]+(?=\.o\b)', text)
        with tempfile.TemporaryDirectory() as tree, tempfile.TemporaryDirectory() as place:
            for path in (*kernels.FILES, 'drivers/iommu/iommufd/main.c', 'drivers/vfio/group.c',
                         'drivers/vfio/pci/vfio_pci_core.c'):
                os.makedirs(os.path.join(tree, os.path.dirname(path)), exist_ok=True)
                open(os.path.join(tree, path), 'w').close()
            kernels.collect(tree, place)
            for path in ('Kbuild', 'iommu-priv.h', 'iommufd/interval_tree.c', 'iommufd/main.c',
                         'vfio/type1.c', 'vfio/group.c', 'vfio/pci/vfio_pci_core.c'):
                self.assertTrue(os.path.isfile(os.path.join(place, path)), path)
        self.assertEqual(len(objects), len(set(objects)))
        self.assertGreater(len(objects), 20)


if __name__ == '__main__':
    unittest.main()
