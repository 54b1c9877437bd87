# SPDX-License-Identifier: BSD-2-Clause
# The firmware's NVMe/TCP: PDUs against golden captures.
FWN_OUT := build/tests/unit/fw_nvme
TESTS += $(FWN_OUT)/pdu_test
$(FWN_OUT)/pdu_test: tests/unit/fw_nvme/pdu_test.c firmware/nvme_tcp/pdu.c firmware/nvme_tcp/pdu.h $(GOLDEN_OBJ) build/tests/unit/golden/pcap_read.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itests/unit/golden -DTESTS_DATA='"tests/data"' -Ifirmware/nvme_tcp -o $@ $(filter %.c,$^) build/tests/unit/golden/pcap_file.o build/tests/unit/golden/pcap_read.o -lcheck -lsubunit -lm -lrt -lpthread
build/tests/unit/fw_nvme/pdu_test: build/tests/unit/golden/pcap_file.o
