# SPDX-License-Identifier: BSD-2-Clause
# The capture reader that golden tests feed parsers with, and its own test.
#   GOLDEN_OBJ      objects to link into a test that reads captures (include "pcap_read.h")
#   GOLDEN_CFLAGS   the flags such a test needs: its include path and where the captures are
GOLDEN_SRC := tests/unit/golden
GOLDEN_OUT := build/tests/unit/golden
GOLDEN_CFLAGS := -I$(GOLDEN_SRC) -DTESTS_DATA='"tests/data"'
GOLDEN_OBJ := $(GOLDEN_OUT)/pcap_file.o $(GOLDEN_OUT)/pcap_read.o

TESTS += $(GOLDEN_OUT)/pcap_read_test $(GOLDEN_OUT)/pcap_golden_test

$(GOLDEN_OUT)/%.o: $(GOLDEN_SRC)/%.c $(wildcard $(GOLDEN_SRC)/*.h)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(GOLDEN_CFLAGS) -c -o $@ $<

$(GOLDEN_OUT)/pcap_read_test: $(GOLDEN_OUT)/pcap_make.o
$(GOLDEN_OUT)/%_test: $(GOLDEN_OUT)/%_test.o $(GOLDEN_OBJ)
	$(CC) $(CFLAGS) -o $@ $^ -lcheck -lsubunit -lm -lrt -lpthread
