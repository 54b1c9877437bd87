/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot and flash in the native model: flash, image checker, boot record, the ROM's choice, power cut at every step.
 * With --full more seeds and every place of the record log; prints how many cases ran.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

uint64_t cases;
bool full_run;

int main(int argc, char **argv)
{
	SRunner *sr;
	int failed;

	full_run = argc > 1 && !strcmp(argv[1], "--full");
	if (sodium_init() < 0) {
		fprintf(stderr, "boot_test: libsodium does not start\n");
		return EXIT_FAILURE;
	}
	sr = srunner_create(flash_suite());
	srunner_add_suite(sr, image_suite());
	srunner_add_suite(sr, record_suite());
	srunner_add_suite(sr, rom_suite());
	srunner_add_suite(sr, power_suite());
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	rig_end();
	printf("boot and flash: %" PRIu64 " cases of bad images, faults and power cuts\n", cases);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
