// SPDX-License-Identifier: BSD-2-Clause
/*
 * core_run_test - programs on weft-core-run: the directed assembly tests, what the command prints and
 * returns, and a C workload whose result the same source gives on the host.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "programs/work.h"

#define RUN "build/weft-core-run "
#define PROGRAM "build/core/tests/programs/"

static char output[8192];

/* Exit status of a shell command; what it printed is in output. */
static int shell(const char *command)
{
	FILE *p = popen(command, "r");
	size_t n;
	int status;

	ck_assert_ptr_nonnull(p);
	n = fread(output, 1, sizeof(output) - 1, p);
	output[n] = 0;
	status = pclose(p);
	ck_assert_msg(WIFEXITED(status), "%s was killed", command);
	return WEXITSTATUS(status);
}

static void expect_output(const char *text)
{
	ck_assert_msg(strstr(output, text), "\"%s\" is missing in: %s", text, output);
}

static const char *const programs[] = { "traps", "interrupts", "timing", "fencei" };

#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

/* The failure code of a program is the number of the check that failed. */
START_TEST(directed_program_passes)
{
	char command[256];
	int status;

	snprintf(command, sizeof(command), RUN "--max-cycles 100000 " PROGRAM "%s.elf 2>&1",
		 programs[_i]);
	status = shell(command);
	ck_assert_msg(status == 0, "%s: status %d, %s", programs[_i], status, output);
	expect_output("cycles ");
}
END_TEST

START_TEST(failure_code_console_and_signature_are_reported)
{
	char line[64];
	FILE *f;

	ck_assert_int_eq(shell(RUN "--signature build/core/tests/signature.txt " PROGRAM
				   "signature.elf 2>&1"),
			 1);
	expect_output("Weft\n");
	expect_output("failed with code 42");
	f = fopen("build/core/tests/signature.txt", "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_str_eq(line, "00000001\n");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_str_eq(line, "cafef00d\n");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_str_eq(line, "01020304\n");
	ck_assert_ptr_null(fgets(line, sizeof(line), f));
	fclose(f);
}
END_TEST

START_TEST(endless_program_is_stopped)
{
	ck_assert_int_eq(shell(RUN "--max-cycles 5000 " PROGRAM "forever.elf 2>&1"), 2);
	expect_output("no end after 5000 cycles");
	expect_output("asleep in wfi");
}
END_TEST

START_TEST(wrong_options_are_refused)
{
	ck_assert_int_eq(shell(RUN "2>&1"), 2);
	expect_output("one ELF file is needed");
	ck_assert_int_eq(shell(RUN "--max-cycles 12x " PROGRAM "traps.elf 2>&1"), 2);
	expect_output("12x: not a positive number");
	ck_assert_int_eq(shell(RUN "--max-cycles -1 " PROGRAM "traps.elf 2>&1"), 2);
	expect_output("-1: not a positive number");
	ck_assert_int_eq(shell(RUN "--no-such-option 2>&1"), 2);
	ck_assert_int_eq(shell(RUN "no/such/file 2>&1"), 2);
	expect_output("no/such/file: No such file or directory");
	ck_assert_int_eq(shell(RUN RUN "2>&1"), 2);
	expect_output("not a 32-bit ELF file");
	ck_assert_int_eq(shell(RUN "--trace /no/such/dir/x " PROGRAM "traps.elf 2>&1"), 2);
	expect_output("/no/such/dir/x: ");
	ck_assert_int_eq(shell(RUN "--signature /no/such/dir/x " PROGRAM "signature.elf 2>&1"), 2);
	ck_assert_int_eq(shell(RUN "--help"), 0);
	expect_output("--signature FILE");
}
END_TEST

START_TEST(trace_shows_instructions)
{
	ck_assert_int_eq(shell(RUN "--trace build/core/tests/trace.txt " PROGRAM "traps.elf && "
				   "grep -m1 'ffffffff trap' build/core/tests/trace.txt"),
			 0);
}
END_TEST

START_TEST(c_program_prints)
{
	ck_assert_int_eq(shell(RUN "build/core/hello.elf 2>&1"), 0);
	expect_output("Hello from Weft, 40 + 2 = 42\n");
}
END_TEST

START_TEST(workload_gives_the_host_result_at_speed)
{
	unsigned long cycles, insns;
	char expected[32], *at;

	ck_assert_int_eq(shell(RUN PROGRAM "work.elf 2>&1"), 0);
	snprintf(expected, sizeof(expected), "result %08x ", work(0x1234567, 30));
	expect_output(expected);
	at = strstr(output, " cycles ");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(sscanf(at, " cycles %lu instructions %lu", &cycles, &insns), 2);
	printf("workload: %lu cycles, %lu instructions, CPI %.3f\n", cycles, insns,
	       (double)cycles / insns);
	ck_assert_msg(insns > 300000 && cycles < insns + insns / 5, "CPI %lu / %lu", cycles, insns);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("weft-core-run");
	TCase *tc = tcase_create("programs");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, directed_program_passes, 0, PROGRAMS);
	tcase_add_test(tc, failure_code_console_and_signature_are_reported);
	tcase_add_test(tc, endless_program_is_stopped);
	tcase_add_test(tc, wrong_options_are_refused);
	tcase_add_test(tc, trace_shows_instructions);
	tcase_add_test(tc, c_program_prints);
	tcase_add_test(tc, workload_gives_the_host_result_at_speed);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
