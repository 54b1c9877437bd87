/* SPDX-License-Identifier: BSD-2-Clause */
/* What is made of a configuration, and of its difference to the one before. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/fc_driver.h>

#include "fake_target.h"
#include "target_apply.h"

#define A "nqn.2026-11.a"
#define B "nqn.2026-11.b"
#define H1 "nqn.2014-08.h1"
#define H2 "nqn.2014-08.h2"

static struct target_run run;
static struct target_config next;
static char said[8192];

static void on_line(void *arg, const char *line)
{
	(void)arg;
	strncat(said, line, sizeof(said) - strlen(said) - 2);
	strcat(said, "\n");
}

/* Parts of configurations; single quotes for double ones. */
#define NS1 "{'nsid':1,'device':{'path':'/a'}}"
#define NS2 "{'nsid':2,'device':{'ram':4096}}"
#define SUB(nqn, attr, hosts, ns) \
	"{'nqn':'" nqn "','attr':{" attr "},'allowed_hosts':[" hosts "],'namespaces':[" ns "]}"
#define PORT(id, svc, param, links)                                                    \
	"{'portid':" #id ",'addr':{'trtype':'tcp','traddr':'10.0.0.1','trsvcid':" #svc \
	"},'param':{" param "},'subsystems':[" links "]}"
#define CONF(ports, subs) \
	"{'hosts':[{'nqn':'" H1 "'},{'nqn':'" H2 "'}],'ports':[" ports "],'subsystems':[" subs "]}"

static int apply(const char *text)
{
	char copy[4096], err[512], *p;

	snprintf(copy, sizeof(copy), "%s", text);
	for (p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	ck_assert_msg(!target_config_parse("t", copy, strlen(copy), &next, NULL, NULL, err,
					   sizeof(err)),
		      "%s", err);
	said[0] = '\0';
	return target_apply(&run, &next);
}

/* The calls since the last look. */
static void did(const char *calls)
{
	ck_assert_str_eq(fake_log, calls);
	fake_reset();
}

static const char base[] =
	CONF(PORT(1, 4420, "", "'" A "'"), SUB(A, "'serial':'S'", "'" H1 "'", NS1 "," NS2));

static void set_up(void)
{
	run = (struct target_run){ .ip = 0x0a000001, .log = on_line, .error = on_line };
	fake_reset();
	ck_assert_int_eq(apply(base), 0);
	did("open /a\nopen ram 4096\nsubsys " A " serial=S any=0\n" A ": allow " H1 "\n" A
	    ": ns 1 /a\n" A ": ns 2 ram 4096\n"
	    "port 1 0a000001:4420 q=0 icd=0 digests=11\nport 1: link " A "\n");
}

/* Everything goes, in the end, and every backend was closed once. */
static void tear_down(void)
{
	fake_reset();
	ck_assert_int_eq(apply(CONF("", "")), 0);
	ck_assert_int_eq(fake_open, 0);
	target_config_free(&run.now);
	ck_assert_ptr_null(strstr(fake_log, "THERE"));
}

START_TEST(the_same_again_only_looks_at_sizes)
{
	ck_assert_int_eq(apply(base), 0);
	did(A ": refresh 1\n");
}
END_TEST

static const struct {
	const char *what;
	const char *text;
	const char *calls;
} changes[] = {
	{ "a namespace more",
	  CONF(PORT(1, 4420, "", "'" A "'"),
	       SUB(A, "'serial':'S'", "'" H1 "'",
		   NS1 "," NS2 ",{'nsid':3,'device':{'null':8192},'read_only':1}")),
	  "open null 8192\n" A ": refresh 1\n" A ": ns 3 null 8192 ro\n" },
	{ "one less", CONF(PORT(1, 4420, "", "'" A "'"), SUB(A, "'serial':'S'", "'" H1 "'", NS2)),
	  A ": -ns 1\nclose /a\n" },
	{ "one off",
	  CONF(PORT(1, 4420, "", "'" A "'"),
	       SUB(A, "'serial':'S'", "'" H1 "'",
		   NS1 ",{'nsid':2,'enable':0,'device':{'ram':4096}}")),
	  A ": -ns 2\nclose ram 4096\n" A ": refresh 1\n" },
	{ "another size of memory: first there, then gone, then new",
	  CONF(PORT(1, 4420, "", "'" A "'"),
	       SUB(A, "'serial':'S'", "'" H1 "'", NS1 ",{'nsid':2,'device':{'ram':8192}}")),
	  "open ram 8192\n" A ": -ns 2\nclose ram 4096\n" A ": refresh 1\n" A ": ns 2 ram 8192\n" },
	{ "the same file, read only: closed before it is opened",
	  CONF(PORT(1, 4420, "", "'" A "'"),
	       SUB(A, "'serial':'S'", "'" H1 "'",
		   "{'nsid':1,'device':{'path':'/a'},'read_only':1}," NS2)),
	  A ": -ns 1\nclose /a\nopen /a ro\n" A ": ns 1 /a ro ro\n" },
	{ "the file under another number",
	  CONF(PORT(1, 4420, "", "'" A "'"),
	       SUB(A, "'serial':'S'", "'" H1 "'", "{'nsid':5,'device':{'path':'/a'}}," NS2)),
	  A ": -ns 1\nclose /a\nopen /a\n" A ": ns 5 /a\n" },
	{ "the file to another subsystem",
	  CONF(PORT(1, 4420, "", "'" A "'"),
	       SUB(A, "'serial':'S'", "'" H1 "'", NS2) "," SUB(B, "", "", NS1)),
	  A ": -ns 1\nclose /a\nsubsys " B " serial=- any=0\nopen /a\n" B ": ns 1 /a\n" },
	{ "another uuid",
	  CONF(PORT(1, 4420, "", "'" A "'"),
	       SUB(A, "'serial':'S'", "'" H1 "'",
		   "{'nsid':1,'device':{'path':'/a','uuid':'ef90689c6c46d44c89c14067801309a8'}}"
		   "," NS2)),
	  A ": -ns 1\nclose /a\nopen /a\n" A ": ns 1 /a\n" },
	{ "other hosts",
	  CONF(PORT(1, 4420, "", "'" A "'"), SUB(A, "'serial':'S'", "'" H2 "'", NS1 "," NS2)),
	  A ": disallow " H1 "\n" A ": allow " H2 "\n" A ": refresh 1\n" },
	{ "any host",
	  CONF(PORT(1, 4420, "", "'" A "'"),
	       SUB(A, "'serial':'S','allow_any_host':1", "'" H1 "'", NS1 "," NS2)),
	  A ": any 1\n" A ": refresh 1\n" },
	{ "an attribute that hosts have seen: made anew, and linked again",
	  CONF(PORT(1, 4420, "", "'" A "'"), SUB(A, "'serial':'T'", "'" H1 "'", NS1 "," NS2)),
	  "open ram 4096\nport 1: unlink " A "\n-subsys " A "\nclose /a\nclose ram 4096\n"
	  "subsys " A " serial=T any=0\n" A ": allow " H1 "\nopen /a\n" A ": ns 1 /a\n" A
	  ": ns 2 ram 4096\nport 1: link " A "\n" },
	{ "the subsystem gone", CONF(PORT(1, 4420, "", ""), ""),
	  "port 1: unlink " A "\n-subsys " A "\nclose /a\nclose ram 4096\n" },
	{ "no link", CONF(PORT(1, 4420, "", ""), SUB(A, "'serial':'S'", "'" H1 "'", NS1 "," NS2)),
	  "port 1: unlink " A "\n" A ": refresh 1\n" },
	{ "another port beside",
	  CONF(PORT(1, 4420, "", "'" A "'") "," PORT(2, 8009, "'queue_size':32", "'" A "'"),
	       SUB(A, "'serial':'S'", "'" H1 "'", NS1 "," NS2)),
	  A ": refresh 1\nport 2 0a000001:8009 q=32 icd=0 digests=11\nport 2: link " A "\n" },
	{ "another TCP port",
	  CONF(PORT(1, 4421, "", "'" A "'"), SUB(A, "'serial':'S'", "'" H1 "'", NS1 "," NS2)),
	  "-port 1\n" A ": refresh 1\nport 1 0a000001:4421 q=0 icd=0 digests=11\nport 1: link " A
	  "\n" },
	{ "other digests",
	  CONF(PORT(1, 4420, "'no_data_digest':1", "'" A "'"),
	       SUB(A, "'serial':'S'", "'" H1 "'", NS1 "," NS2)),
	  "-port 1\n" A ": refresh 1\nport 1 0a000001:4420 q=0 icd=0 digests=10\nport 1: link " A
	  "\n" },
	{ "no port", CONF("", SUB(A, "'serial':'S'", "'" H1 "'", NS1 "," NS2)),
	  "-port 1\n" A ": refresh 1\n" },
};

START_TEST(only_differences_are_applied)
{
	ck_assert_int_eq(apply(changes[_i].text), 0);
	ck_assert_msg(!strcmp(fake_log, changes[_i].calls), "%s:\n%s\nnot:\n%s", changes[_i].what,
		      fake_log, changes[_i].calls);
	/* and there it stays; and back again is possible, too */
	fake_reset();
	ck_assert_int_eq(apply(changes[_i].text), 0);
	ck_assert_msg(!strstr(fake_log, "ns ") && !strstr(fake_log, "port") &&
			      !strstr(fake_log, "subsys"),
		      "%s, again:\n%s", changes[_i].what, fake_log);
	ck_assert_int_eq(apply(base), 0);
	ck_assert_ptr_null(strstr(fake_log, "THERE"));
}
END_TEST

START_TEST(nothing_changes_when_a_file_is_missing)
{
	fake_fail = "open /b";
	fake_error = -ENOENT;
	ck_assert_int_eq(apply(CONF(PORT(1, 4420, "", ""),
				    SUB(A, "'serial':'T'", "", NS2) "," SUB(
					    B, "", "", "{'nsid':1,'device':{'path':'/b'}}"))),
			 -ENOENT);
	ck_assert_str_eq(weft_last_error(), "made to fail");
	did("open ram 4096\nopen /b FAILS\nclose ram 4096\n");
	target_config_free(&next);
	ck_assert_int_eq(apply(base), 0);
	did(A ": refresh 1\n");
}
END_TEST

START_TEST(nothing_changes_when_the_address_is_another)
{
	run.ip = 0x0a000002;
	ck_assert_int_eq(apply(base), -EADDRNOTAVAIL);
	ck_assert_str_eq(weft_last_error(), "ports[0].addr.traddr: 10.0.0.1 is not the adapter's "
					    "address, 10.0.0.2");
	did("");
	target_config_free(&next);
	run.ip = 0x0a000001;
}
END_TEST

/* A file whose last commands are still under way is waited for. */
START_TEST(a_busy_file_is_waited_for)
{
	fake_busy = 5;
	ck_assert_int_eq(apply(changes[4].text), 0);
	ck_assert_uint_eq(fake_busy, 0);
	did(changes[4].calls);
}
END_TEST

/* What fails in the middle is told, the rest is done, and the next time it is tried again. */
static const struct {
	const char *call;
	const char *told;
	const char *again;
} middles[] = {
	{ "subsys " B, B ": made to fail\n", "subsys " B },
	{ B ": ns 1", B ": namespace 1: made to fail\n", B ": ns 1" },
	{ "port 2 ", "port 2: made to fail\n", "port 2 " },
	{ "port 2: link", B ": made to fail\n", "port 2: link" },
};

START_TEST(the_rest_is_done)
{
	static const char more[] =
		CONF(PORT(1, 4420, "", "'" A "'") "," PORT(2, 8009, "", "'" B "'") "," PORT(
			     3, 8010, "", "'" A "'"),
		     SUB(A, "'serial':'S'", "'" H1 "'",
			 NS1 "," NS2) "," SUB(B, "", "", "{'nsid':1,'device':{'path':'/b'}}"));

	fake_fail = middles[_i].call;
	fake_error = -ENOSPC;
	ck_assert_int_eq(apply(more), 1);
	ck_assert_msg(strstr(said, middles[_i].told) != NULL, "%s", said);
	ck_assert_ptr_nonnull(strstr(fake_log, "port 3: link " A));
	ck_assert_int_eq(fake_open, _i < 2 ? 2 : 3);
	fake_reset();
	ck_assert_int_eq(apply(more), 0);
	ck_assert_msg(strstr(fake_log, middles[_i].again) != NULL, "%s", fake_log);
	ck_assert_ptr_null(strstr(fake_log, "port 3"));
	ck_assert_int_eq(fake_open, 3);
}
END_TEST

START_TEST(a_port_whose_connections_stay_is_told)
{
	fake_fail = "-port 1";
	fake_error = -ETIMEDOUT;
	ck_assert_int_eq(apply(CONF("", SUB(A, "'serial':'S'", "'" H1 "'", NS1 "," NS2))), 1);
	ck_assert_msg(strstr(said, "connections have not all ended: made to fail") != NULL, "%s",
		      said);
	fake_reset();
	ck_assert_int_eq(apply(base), 0);
	did(A ": refresh 1\nport 1 0a000001:4420 q=0 icd=0 digests=11\nport 1: link " A "\n");
}
END_TEST

/* --- any way leads there -------------------------------------------------------------------------- */

static const char *const nqns[] = { A, B, "nqn.2026-11.c", NULL };
static const char *const hosts[] = { H1, H2, NULL };

static unsigned int dice(unsigned int n)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned int)(x >> 20) % n;
}

static void some_subsys(char *to, size_t len, const char *nqn, unsigned int files[4])
{
	size_t at = strlen(to);
	unsigned int i;

	at += (size_t)snprintf(
		to + at, len - at,
		"{'nqn':'%s','attr':{'allow_any_host':%u,'serial':'%c'},"
		"'allowed_hosts':[%s],'namespaces':[",
		nqn, dice(2), "ST" [dice(4) == 0],
		(const char *[]) { "", "'" H1 "'", "'" H2 "'", "'" H1 "','" H2 "'" }[dice(4)]);
	for (i = 1; i < 5; i++) {
		unsigned int file = dice(4);
		bool ram = dice(3) == 0 || files[file];

		if (dice(3) == 0)
			continue;
		if (!ram)
			files[file] = 1;
		at += (size_t)snprintf(to + at, len - at, "%s{'nsid':%u,'enable':%u,'device':{",
				       to[at - 1] == '}' ? "," : "", i, dice(5) != 0);
		at += ram ? (size_t)snprintf(to + at, len - at, "'ram':%u}}", 512u << dice(2)) :
			    (size_t)snprintf(to + at, len - at, "'path':'/%c'},'read_only':%u}",
					     "abcd"[file], dice(4) == 0);
	}
	snprintf(to + at, len - at, "]}");
}

static void some_config(char *to, size_t len)
{
	unsigned int files[4] = { 0 }, i, j, have[3];
	size_t at;

	*to = '\0';
	snprintf(to, len, "{'hosts':[{'nqn':'" H1 "'},{'nqn':'" H2 "'}],'subsystems':[");
	for (i = 0; i < 3; i++) {
		have[i] = dice(4) != 0;
		if (!have[i])
			continue;
		if (to[strlen(to) - 1] == '}')
			strcat(to, ",");
		some_subsys(to, len, nqns[i], files);
	}
	strcat(to, "],'ports':[");
	for (i = 1; i < 4; i++) {
		if (dice(3) == 0)
			continue;
		at = strlen(to);
		at += (size_t)snprintf(to + at, len - at,
				       "%s{'portid':%u,'addr':{'trtype':'tcp','trsvcid':%u},"
				       "'subsystems':[",
				       to[at - 1] == '}' ? "," : "", i, 4420 + i + 10 * dice(2));
		for (j = 0; j < 3; j++)
			if (have[j] && dice(2))
				at += (size_t)snprintf(to + at, len - at, "%s'%s'",
						       to[at - 1] == '\'' ? "," : "", nqns[j]);
		snprintf(to + at, len - at, "]}");
	}
	strcat(to, "]}");
}

/* Whatever was there before, and whatever failed on the way: the end is as if made afresh. */
START_TEST(any_way_leads_there)
{
	static const char *const faults[] = { "subsys", "port",      "open",     A ": ns",
					      B ": ns", A ": allow", A ": any 1" };
	char text[4000], after[4000], afresh[4000];
	unsigned int i, failures = 0;
	int rc;

	for (i = 0; i < 3000; i++) {
		some_config(text, sizeof(text));
		fake_reset();
		if (dice(3) == 0) {
			fake_fail = faults[dice(7)];
			fake_error = -ENOSPC;
		}
		fake_busy = dice(4);
		rc = apply(text);
		if (rc < 0)
			target_config_free(&next);
		failures += rc != 0;
		fake_reset();
		if (rc)
			ck_assert_int_eq(apply(text), 0);
		fake_state(after, sizeof(after), nqns, hosts);
		ck_assert_ptr_null(strstr(fake_log, "THERE"));
		ck_assert_int_eq(apply(CONF("", "")), 0);
		ck_assert_int_eq(fake_open, 0);
		ck_assert_int_eq(apply(text), 0);
		fake_state(afresh, sizeof(afresh), nqns, hosts);
		ck_assert_msg(!strcmp(after, afresh), "%s\ngave\n%s\nnot\n%s", text, after, afresh);
	}
	ck_assert_uint_gt(failures, 300);
}
END_TEST

#define FC(addr) "{'portid':3,'addr':{'trtype':'fc'" addr "},'param':{},'subsystems':['" A "']}"

START_TEST(an_fc_port_is_the_adapters_own)
{
	struct nvmet_fc_target_port own = { .node_name = 0x2000000000000001,
					    .port_name = 0x2100000000000001 };
	static const char sub[] = SUB(A, "'serial':'S'", "'" H1 "'", NS1 "," NS2);
	char text[2048];

	snprintf(text, sizeof(text), CONF("%s", "%s"), FC(""), sub);
	ck_assert_int_eq(apply(text), -EADDRNOTAVAIL);
	target_config_free(&next);
	run.fc_port = &own;
	snprintf(text, sizeof(text), CONF("%s", "%s"),
		 FC(",'traddr':'nn-0x2000000000000001:pn-0x2100000000000002'"), sub);
	ck_assert_int_eq(apply(text), -EADDRNOTAVAIL);
	target_config_free(&next);
	did("");
	snprintf(text, sizeof(text), CONF("%s", "%s"),
		 FC(",'traddr':'nn-0x2000000000000001:pn-0x2100000000000001'"), sub);
	ck_assert_int_eq(apply(text), 0);
	did("-port 1\n" A ": refresh 1\nport 3 fc q=0\nport 3: link " A "\n");
	ck_assert_int_eq(apply(text), 0);
	did(A ": refresh 1\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("target apply");
	TCase *t = tcase_create("apply");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, an_fc_port_is_the_adapters_own);
	tcase_add_test(t, the_same_again_only_looks_at_sizes);
	tcase_add_loop_test(t, only_differences_are_applied, 0,
			    sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(t, nothing_changes_when_a_file_is_missing);
	tcase_add_test(t, nothing_changes_when_the_address_is_another);
	tcase_add_test(t, a_busy_file_is_waited_for);
	tcase_add_loop_test(t, the_rest_is_done, 0, sizeof(middles) / sizeof(middles[0]));
	tcase_add_test(t, a_port_whose_connections_stay_is_told);
	tcase_add_test(t, any_way_leads_there);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
