# SPDX-License-Identifier: BSD-2-Clause
# The boot ROM: build/firmware/rom.elf, and rom.hex for the hardware (a word of 32 bits a line, all 64 KiB).
# libsodium comes as source from Debian's archive (libsodium-source), once: build/libsodium. Of it only what verifies is compiled.
ROM_SIZE     := 65536
ROM_FW       := $(wildcard firmware/boot/rom/*.c) firmware/flash/image.c firmware/flash/nor.c firmware/flash/record.c firmware/lib/mem.c
ROM_SODIUM   := crypto_sign/ed25519/ref10/open.c crypto_sign/ed25519/ref10/sign.c crypto_core/ed25519/ref10/ed25519_ref10.c \
                crypto_hash/sha512/cp/hash_sha512_cp.c crypto_hash/sha256/hash_sha256.c crypto_hash/sha256/cp/hash_sha256_cp.c \
                crypto_verify/sodium/verify.c sodium/utils.c
ROM_OUT      := build/firmware/rom
ROM_OBJ      := $(ROM_FW:firmware/%.c=$(ROM_OUT)/%.o) $(ROM_OUT)/boot/rom/crt0.o $(ROM_SODIUM:%.c=$(ROM_OUT)/sodium/%.o)
ROM_OPT      := --specs=picolibc.specs $(FW_ARCH) -std=gnu11 -g -ffunction-sections -fdata-sections -fno-common -fno-tree-loop-distribute-patterns \
                -fno-delete-null-pointer-checks
SODIUM       := build/libsodium
SODIUM_SRC   := $(SODIUM)/src/libsodium
SODIUM_FLAGS := -isystem $(SODIUM_SRC)/include -isystem $(SODIUM_SRC)/include/sodium
SODIUM_DEFS  := -DCONFIGURED=1 -DNATIVE_LITTLE_ENDIAN=1 -Dalloca=__builtin_alloca

$(SODIUM)/.source: firmware/boot/rom/libsodium-source
	firmware/boot/rom/libsodium-source $(SODIUM)
	@sed -e 's/@VERSION@/1.0.18/;s/@SODIUM_LIBRARY_VERSION_MAJOR@/10/;s/@SODIUM_LIBRARY_VERSION_MINOR@/3/;/@SODIUM_LIBRARY_MINIMAL_DEF@/d' \
	  $(SODIUM_SRC)/include/sodium/version.h.in >$(SODIUM_SRC)/include/sodium/version.h
	@touch $@
$(ROM_OUT)/sodium/%.o: $(SODIUM)/.source firmware/boot/rom/module.mk
	@mkdir -p $(@D)
	$(CCACHE) $(RISCV)gcc $(ROM_OPT) -O2 -w $(SODIUM_DEFS) $(SODIUM_FLAGS) -c $(SODIUM_SRC)/$*.c -o $@
$(ROM_OUT)/%.o: firmware/%.c $(ABI_C) $(SODIUM)/.source firmware/boot/rom/module.mk
	@mkdir -p $(@D)
	$(CCACHE) $(RISCV)gcc $(ROM_OPT) -Os $(WARN) -Ibuild/abi -Ifirmware -Ifirmware/hal $(SODIUM_FLAGS) -MMD -c $< -o $@
$(ROM_OUT)/%.o: firmware/%.S
	@mkdir -p $(@D)
	$(RISCV)gcc -march=rv32imc_zicsr_zifencei -mabi=ilp32 -c $< -o $@
build/firmware/rom.elf: $(ROM_OBJ) firmware/boot/rom/rom.ld
	$(RISCV)gcc --specs=picolibc.specs -march=rv32imac -mabi=ilp32 -nostartfiles -Wl,--gc-sections -Wl,-Map=build/firmware/rom.map \
	  -T firmware/boot/rom/rom.ld $(ROM_OBJ) -o $@
	@if $(RISCV)objdump -d $@ | grep -qE '\s(lr|sc|amo[a-z]+)\.[wd]'; then echo '$@: atomic instructions'; rm $@; exit 1; fi
	@$(RISCV)size $@
build/firmware/rom.bin: build/firmware/rom.elf
	$(RISCV)objcopy -O binary --gap-fill 0 --pad-to 0x110000 $< $@
	@[ "$$(stat -c %s $@)" -eq $(ROM_SIZE) ] || { echo '$@: not $(ROM_SIZE) bytes'; rm $@; exit 1; }
build/firmware/rom.hex: build/firmware/rom.bin
	od -An -v -tx4 -w4 $< | tr -d ' ' >$@

-include $(ROM_FW:firmware/%.c=$(ROM_OUT)/%.d)
ALL     += build/firmware/rom.hex
INSTALL += build/firmware/rom.elf:share/weft:644 build/firmware/rom.hex:share/weft:644
