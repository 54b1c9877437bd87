# SPDX-License-Identifier: BSD-2-Clause
# The whole adapter starting from its flash.
#   boot_hw_test    a boot ROM of a few lines: what RTL and simulator owe a ROM, and the driver when the watchdog fires
#   boot_rom_test   the boot ROM on signed images; make test-boot runs all of it, some minutes
CBOOT := build/tests/cosim/boot
CBOOT_AS := $(RISCV)gcc -march=rv32imc_zicsr_zifencei -mabi=ilp32 -nostdlib -nostartfiles -Wl,--no-warn-rwx-segments -T tests/cosim/boot/rom.ld

$(CBOOT)/rom.elf $(CBOOT)/program.elf: $(CBOOT)/%.elf: tests/cosim/boot/%.S tests/cosim/boot/rom.ld
	@mkdir -p $(@D)
	$(CBOOT_AS) -Wl,--defsym=START=$(if $(filter rom,$*),0x100000,0) $< -o $@
$(CBOOT)/program.bin: $(CBOOT)/program.elf
	$(RISCV)objcopy -O binary $< $@
$(CBOOT)/weft.bin: build/firmware/weft.elf
	@mkdir -p $(@D)
	$(RISCV)objcopy -O binary $< $@
$(CBOOT)/%.o: tests/cosim/boot/%.c $(wildcard tests/cosim/boot/*.h) $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -Isim/model -c -o $@ $<
$(CBOOT)/boot_hw_test: $(CBOOT)/boot_hw_test.o $(CBOOT)/board.o build/sim/libweft_sim.a build/driver/libweft.a | \
  $(CBOOT)/rom.elf $(CBOOT)/program.bin $(CBOOT)/weft.bin
	$(CXX) -o $@ $^ $(SIM_LIBS) $(DRIVER_LIBS) -lcheck -lsubunit -lrt
$(CBOOT)/boot_rom_test: $(CBOOT)/boot_rom_test.o $(CBOOT)/signed.o $(CBOOT)/board.o build/sim/libweft_sim.a build/driver/libweft.a | \
  build/firmware/rom.elf $(CBOOT)/program.bin $(CBOOT)/weft.bin
	$(CXX) -o $@ $^ $(SIM_LIBS) $(DRIVER_LIBS) -lsodium -lcheck -lsubunit -lrt
TESTS += $(CBOOT)/boot_hw_test $(CBOOT)/boot_rom_test

.PHONY: test-boot
test-boot: $(CBOOT)/boot_hw_test $(CBOOT)/boot_rom_test
	$(CBOOT)/boot_hw_test
	$(CBOOT)/boot_rom_test --full
