#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes a C header, a SystemVerilog package or a Markdown page from a contract file.

usage: gen.py c|sv|md SOURCE.toml OUTPUT
"""
import sys
import tomllib

TYPES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
CTYPES = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t"}
LICENCE = "SPDX-License-Identifier: BSD-2-Clause"


def fail(msg):
    sys.exit(f"gen.py: {msg}")


def size_of(spec, field):
    t = field["type"]
    if t in TYPES:
        unit = TYPES[t]
    else:
        unit = next((s["size"] for s in spec.get("struct", []) if s["name"] == t), None)
        if unit is None:
            fail(f"field {field['name']}: unknown type {t}")
    return unit * field.get("count", 1)


def check(spec):
    """A gap, an overlap or a duplicate name would make three wrong outputs: refuse it here."""
    for s in spec.get("struct", []):
        end = 0
        for f in s["fields"]:
            if f["offset"] != end:
                fail(f"struct {s['name']}: field {f['name']} at {f['offset']}, expected {end}")
            end += size_of(spec, f)
        if end != s["size"]:
            fail(f"struct {s['name']}: fields end at {end}, size says {s['size']}")
    seen = set()
    for b in spec.get("regblock", []):
        for r in b["regs"]:
            if r["name"] in seen:
                fail(f"register {r['name']} twice")
            seen.add(r["name"])
            bits = 0
            for f in r.get("fields", []):
                mask = ((1 << f["width"]) - 1) << f["lsb"]
                if bits & mask or mask >> 32:
                    fail(f"register {r['name']}: field {f['name']} overlaps or leaves the word")
                bits |= mask
    for e in spec.get("enum", []):
        values = [v["value"] for v in e["values"]]
        if len(set(values)) != len(values):
            fail(f"enum {e['name']}: a value stands twice")


def hexv(v):
    return f"0x{v:x}" if v > 9 else str(v)


def constants(spec):
    """Yields (name, value, doc) for everything that is a plain number."""
    p = spec["prefix"]
    yield f"{p}_VERSION_MAJOR", spec["version"]["major"], "interface version"
    yield f"{p}_VERSION_MINOR", spec["version"]["minor"], "interface version"
    for c in spec.get("const", []):
        yield f"{p}_{c['name']}", c["value"], c["doc"]
    for b in spec.get("regblock", []):
        for r in b["regs"]:
            yield f"{p}_{r['name']}", r["offset"], r["doc"]
            for f in r.get("fields", []):
                yield f"{p}_{r['name']}_{f['name']}_LSB", f["lsb"], f.get("doc", "")
                yield f"{p}_{r['name']}_{f['name']}_MASK", ((1 << f["width"]) - 1) << f["lsb"], ""
    for e in spec.get("enum", []):
        for v in e["values"]:
            yield f"{p}_{e['prefix']}_{v['name']}", v["value"], v["doc"]


def c_struct(spec, s):
    p = spec["prefix"].lower()
    out = [f"/* {s['doc']} */", f"struct {p}_{s['name']} {{"]
    for f in s["fields"]:
        t = CTYPES.get(f["type"], f"struct {p}_{f['type']}")
        arr = f"[{f['count']}]" if "count" in f else ""
        out.append(f"\t{t} {f['name']}{arr}; /* {f['doc']} */")
    out.append("};")
    out.append(f'_Static_assert(sizeof(struct {p}_{s["name"]}) == {s["size"]}, "{s["name"]} size");')
    for f in s["fields"]:
        out.append(f'_Static_assert(offsetof(struct {p}_{s["name"]}, {f["name"]}) == {f["offset"]}, "{f["name"]} offset");')
    return out


def gen_c(spec, src):
    guard = f"WEFT_{src.upper()}_ABI_H"
    out = [f"/* {LICENCE} */", f"/* Made from {src}.toml; do not edit. {spec['title']}. */", f"#ifndef {guard}", f"#define {guard}", "",
           "#include <stddef.h>", "#include <stdint.h>", "", "#ifdef __cplusplus", "#ifndef _Static_assert", "#define _Static_assert static_assert", "#endif", "#endif", ""]
    for name, value, doc in constants(spec):
        out.append(f"#define {name} {hexv(value)}u" + (f" /* {doc} */" if doc else ""))
    for s in spec.get("struct", []):
        out += [""] + c_struct(spec, s)
    return out + ["", f"#endif /* {guard} */"]


def gen_sv(spec, src):
    pkg = "weft_host_pkg" if src == "host" else "weft_eng_pkg"
    out = [f"// {LICENCE}", f"// Made from {src}.toml; do not edit. {spec['title']}.", "// verilator lint_off UNUSEDPARAM", f"package {pkg};"]
    strip = len(spec["prefix"]) + 1
    for name, value, doc in constants(spec):
        out.append(f"  localparam logic [31:0] {name[strip:]} = 32'h{value:x};" + (f"  // {doc}" if doc else ""))
    for s in spec.get("struct", []):
        for f in s["fields"]:
            out.append(f"  localparam int unsigned {s['name'].upper()}_{f['name'].upper()}_OFF = {f['offset']};")
    return out + ["endpackage", "// verilator lint_on UNUSEDPARAM"]


def gen_md(spec, src):
    p = spec["prefix"]
    out = [f"# {spec['title']}", "", f"Made from abi/{src}.toml by abi/gen.py. Interface version {spec['version']['major']}.{spec['version']['minor']}.", "", spec["doc"].strip(), ""]
    out += ["## Constants", "", "| name | value | meaning |", "|---|---|---|"]
    out += [f"| {p}_{c['name']} | {hexv(c['value'])} | {c['doc']} |" for c in spec.get("const", [])]
    for b in spec.get("regblock", []):
        out += ["", f"## Registers: {b['name']}", "", b["doc"] + ".", "", "| offset | name | access | meaning |", "|---|---|---|---|"]
        for r in b["regs"]:
            out.append(f"| 0x{r['offset']:03x} | {r['name']} | {r['access']} | {r['doc']} |")
            for f in r.get("fields", []):
                bits = f"{f['lsb'] + f['width'] - 1}:{f['lsb']}" if f["width"] > 1 else f"{f['lsb']}"
                out.append(f"| | {r['name']}.{f['name']} | bits {bits} | {f.get('doc', '')} |")
    for e in spec.get("enum", []):
        out += ["", f"## {e['doc']}", "", "| value | name | meaning |", "|---|---|---|"]
        out += [f"| {hexv(v['value'])} | {e['prefix']}_{v['name']} | {v['doc']} |" for v in e["values"]]
    for s in spec.get("struct", []):
        out += ["", f"## struct {s['name']} ({s['size']} bytes)", "", s["doc"] + ".", "", "| offset | type | field | meaning |", "|---|---|---|---|"]
        for f in s["fields"]:
            arr = f"[{f['count']}]" if "count" in f else ""
            out.append(f"| {f['offset']} | {f['type']}{arr} | {f['name']} | {f['doc']} |")
    return out


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("c", "sv", "md"):
        sys.exit(__doc__.strip().splitlines()[-1])
    with open(sys.argv[2], "rb") as f:
        spec = tomllib.load(f)
    check(spec)
    src = sys.argv[2].rsplit("/", 1)[-1].removesuffix(".toml")
    lines = {"c": gen_c, "sv": gen_sv, "md": gen_md}[sys.argv[1]](spec, src)
    with open(sys.argv[3], "w") as f:
        f.write("\n".join(lines) + "\n")


main()
