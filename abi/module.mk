# SPDX-License-Identifier: BSD-2-Clause
# The two contracts (host.toml: host <-> adapter, engine.toml: firmware <-> engines) in the three languages that need them.
ABI_C  := build/abi/weft_host.h build/abi/weft_engine.h
ABI_SV := build/abi/weft_host_pkg.sv build/abi/weft_eng_pkg.sv

build/abi/weft_%.h: abi/%.toml abi/gen.py
	@mkdir -p $(@D)
	$(PYTHON) abi/gen.py c $< $@
build/abi/weft_host_pkg.sv: abi/host.toml abi/gen.py
	@mkdir -p $(@D)
	$(PYTHON) abi/gen.py sv $< $@
build/abi/weft_eng_pkg.sv: abi/engine.toml abi/gen.py
	@mkdir -p $(@D)
	$(PYTHON) abi/gen.py sv $< $@
build/abi/%.md: abi/%.toml abi/gen.py
	@mkdir -p $(@D)
	$(PYTHON) abi/gen.py md $< $@

.PHONY: abi abi-docs
abi: $(ABI_C) $(ABI_SV)
# docs/abi.md and docs/engine.md are committed so that they can be read on the web; lint checks that they are fresh.
abi-docs: build/abi/host.md build/abi/engine.md
	cp build/abi/host.md docs/abi.md
	cp build/abi/engine.md docs/engine.md
