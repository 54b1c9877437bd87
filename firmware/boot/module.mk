# SPDX-License-Identifier: BSD-2-Clause
# The firmware image for the soft core: build/firmware/weft.elf
# Compiled with the core's whole instruction set; linked with the rv32imac multilib, because a -march with Zba/Zbb would select
# the wrong libraries. No atomic instruction may come out of it: the build looks. The core fetches words: a jump to an instruction
# of four bytes that straddles two costs a cycle, so what is only jumped to is aligned; that costs room alone.
FW_SRC    := $(wildcard firmware/*.c firmware/boot/*.c firmware/lib/*.c firmware/net/*.c firmware/tcp/*.c firmware/nvme_tcp/*.c firmware/fc/*.c firmware/fc_nvme/*.c firmware/host/*.c firmware/flash/*.c)
FW_OBJ    := $(FW_SRC:firmware/%.c=build/firmware/rv32/%.o) build/firmware/rv32/boot/crt0.o
FW_ARCH   := -march=rv32imc_zba_zbb_zicsr -mabi=ilp32 -mcmodel=medany
FW_CFLAGS := --specs=picolibc.specs $(FW_ARCH) -std=gnu11 -O2 -g $(WARN) -ffunction-sections -fdata-sections -fno-common \
             -fno-tree-loop-distribute-patterns -falign-functions=4 -falign-jumps=4 -Ibuild/abi -Ifirmware -Ifirmware/hal
FW_IMAGE_MAX := 131072

build/firmware/rv32/%.o: firmware/%.c $(ABI_C) firmware/boot/module.mk
	@mkdir -p $(@D)
	$(CCACHE) $(RISCV)gcc $(FW_CFLAGS) -MMD -c $< -o $@
build/firmware/rv32/%.o: firmware/%.S
	@mkdir -p $(@D)
	$(RISCV)gcc $(FW_ARCH) -c $< -o $@
build/firmware/weft.elf: $(FW_OBJ) firmware/boot/weft.ld
	$(RISCV)gcc --specs=picolibc.specs -march=rv32imac -mabi=ilp32 -nostartfiles -Wl,--gc-sections -Wl,-Map=build/firmware/weft.map \
	  -T firmware/boot/weft.ld $(FW_OBJ) -o $@
	@if $(RISCV)objdump -d $@ | grep -qE '\s(lr|sc|amo[a-z]+)\.[wd]'; then echo '$@: atomic instructions'; rm $@; exit 1; fi
	@set -- $$($(RISCV)size $@ | tail -n 1); if [ $$(($$1 + $$2)) -gt $(FW_IMAGE_MAX) ]; then echo "$@: $$(($$1 + $$2)) bytes, $(FW_IMAGE_MAX) allowed"; rm $@; exit 1; fi
	@$(RISCV)size $@

-include $(FW_OBJ:.o=.d)
ALL += build/firmware/weft.elf
.PHONY: firmware
firmware: build/firmware/weft.elf
