#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Synthesises weft_top with Yosys for UltraScale+ and prints resources per block, sub-blocks included.

usage: synth.py [--yosys YOSYS] --out DIR [--top MODULE] [--rom HEX] SOURCE.sv...
"""
import argparse
import json
import re
import subprocess
import sys
import time

BLOCKS = ["weft_top", "weft_soc", "weft_core", "weft_host", "weft_dma_rd", "weft_dma_wr", "weft_tx", "weft_rx", "weft_boot", "weft_rom"]
KINDS = [
    ("LUT", re.compile(r"LUT[1-6](_2)?$|INV$")),
    ("LUTRAM", re.compile(r"RAM(32|64|128|256|512)\w*$|SRL\w*$")),
    ("FF", re.compile(r"FD[RSCP]E(_1)?$|LD[CP]E$")),
    ("CARRY", re.compile(r"CARRY[48]$")),
    ("BRAM36", re.compile(r"RAMB36E2$")),
    ("BRAM18", re.compile(r"RAMB18E2$")),
    ("URAM", re.compile(r"URAM288\w*$")),
    ("DSP", re.compile(r"DSP48E2$")),
]


def base_name(module):
    """The name as written, for modules that Yosys renamed for their parameters."""
    m = re.match(r"\$paramod(?:\$[0-9a-f]+)?\\(\w+)", module)
    return m.group(1) if m else module.lstrip("\\")


def read_modules(path):
    """The "modules" object of stat -json. What follows it is not JSON in Yosys 0.23: a hierarchy printed as text."""
    with open(path) as f:
        text = f.read()
    end = text.find("\n   },")
    if end < 0:
        sys.exit(f"synth: {path}: no end of the modules object")
    return json.loads(text[:end] + "\n   }\n}")["modules"]


def totals(modules, name, memo):
    if name in memo:
        return memo[name]
    memo[name] = sums = {k: 0 for k, _ in KINDS}
    for cell, n in modules[name]["num_cells_by_type"].items():
        key = cell if cell in modules else "\\" + cell
        if key in modules:
            for k, v in totals(modules, key, memo).items():
                sums[k] += n * v
            continue
        for k, pattern in KINDS:
            if pattern.match(cell):
                sums[k] += n
    return sums


def run(args):
    rom = f'chparam -set ROM_FILE "{args.rom}" {args.top}; ' if args.rom else ""
    script = f"read_verilog -sv -DSYNTHESIS {' '.join(args.sources)}; {rom}synth_xilinx -family xcup -top {args.top}; tee -q -o {args.out}/stat.json stat -json"
    start = time.monotonic()
    with open(f"{args.out}/yosys.log", "w") as log:
        rc = subprocess.run([args.yosys, "-q", "-p", script], stdout=log, stderr=subprocess.STDOUT).returncode
    if rc:
        sys.exit(f"synth: {args.yosys} failed, see {args.out}/yosys.log")
    return time.monotonic() - start


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--yosys", default="yosys")
    ap.add_argument("--out", required=True)
    ap.add_argument("--top", default="weft_top")
    ap.add_argument("--rom", help="contents of the boot ROM, 32-bit words in hexadecimal")
    ap.add_argument("sources", nargs="+")
    args = ap.parse_args()
    seconds = run(args)
    modules = read_modules(f"{args.out}/stat.json")
    by_base = {}
    for name in modules:
        by_base.setdefault(base_name(name), name)
    memo = {}
    print(f"{'block':<14}" + "".join(f"{k:>9}" for k, _ in KINDS))
    for block in BLOCKS if args.top in BLOCKS else [args.top]:
        if block in by_base:
            t = totals(modules, by_base[block], memo)
            print(f"{block:<14}" + "".join(f"{t[k]:>9}" for k, _ in KINDS))
    if "weft_rom" in by_base:
        print("weft_rom: 64 KiB of block RAM in the top, " + (f"contents of {args.rom}" if args.rom else "written by the loader"))
    print(f"Yosys synth_xilinx -family xcup, {seconds:.0f} s; an estimate before placement, no timing")


main()
