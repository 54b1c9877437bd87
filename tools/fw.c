/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weft fw: firmware in the flash of one adapter or several. First every adapter is opened and asked whether the command makes
 * sense, then the user is, and only then anything is written.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fw.h"
#include "image/image.h"

static const struct option long_options[] = {
	{ "device", 1, NULL, 'd' },        { "fw", 1, NULL, 'f' },   { "slot", 1, NULL, 's' },
	{ "action", 1, NULL, 'a' },        { "yes", 0, NULL, 'y' },  { "quiet", 0, NULL, 'q' },
	{ "output-format", 1, NULL, 'o' }, { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 },
};

static void help(FILE *to)
{
	unsigned int i;

	fputs("usage: weft fw COMMAND --device SPEC [--device SPEC ...] [options]\n\n", to);
	for (i = 0; i < fw_n_verbs; i++)
		fprintf(to, "  %-10s %s\n", fw_verbs[i].name, fw_verbs[i].help);
	fputs("\n"
	      "  -f, --fw FILE      image, as weft image sign or imgtool sign makes it\n"
	      "  -s, --slot N       1 golden (read-only), 2, 3; download: by default the free one\n"
	      "  -a, --action N     commit: 0 only look at what is in the slot, 1 and 2 have the next\n"
	      "                     reset try it (default 1), 3 at once: refused\n"
	      "  -y, --yes          do not ask before writing\n"
	      "  -o, --output-format normal|json  --quiet\n\n"
	      "Exit status: 0 done on every adapter, 1 not on all of them, 2 wrong usage.\n",
	      to);
}

int fw_say(struct fw_adapter *a, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->said, sizeof(a->said), fmt, ap);
	va_end(ap);
	a->error = err;
	return err;
}

static int wrong(const char *what, const char *value)
{
	fprintf(stderr, "weft: fw: %s \"%s\" makes no sense\n", what, value);
	return 2;
}

static int small_number(const char *what, const char *text, unsigned long lo, unsigned long hi,
			unsigned int *to)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 0);
	if (errno || *end || end == text || *text == '-' || v < lo || v > hi)
		return wrong(what, text);
	*to = (unsigned int)v;
	return 0;
}

static int take(struct fw_args *a, int c)
{
	switch (c) {
	case 'd':
		if (a->n_devices == FW_ADAPTERS_MAX)
			return wrong("one adapter more:", optarg);
		a->devices[a->n_devices++] = optarg;
		return 0;
	case 'f':
		a->fw = optarg;
		return 0;
	case 's':
		return small_number("slot", optarg, 1, WEFT_FW_SLOTS, &a->slot);
	case 'a':
		return small_number("action", optarg, 0, 7, &a->action);
	case 'y':
		a->yes = true;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case 'o':
		if (strcmp(optarg, "json") && strcmp(optarg, "normal"))
			return wrong("output format", optarg);
		a->json = optarg[0] == 'j';
		return 0;
	default:
		return 2; /* getopt has said what */
	}
}

static const struct fw_verb *find_verb(const char *name)
{
	for (unsigned int i = 0; i < fw_n_verbs; i++)
		if (!strcmp(fw_verbs[i].name, name))
			return &fw_verbs[i];
	return NULL;
}

/* 0; 1: help was wanted; 2: said what is wrong. */
static int parse(int argc, char **argv, struct fw_args *a, const struct fw_verb **verb)
{
	int c, rc = 0;

	a->action = FW_NO_ACTION;
	while (!rc && (c = getopt_long(argc, argv, "d:f:s:a:yo:h", long_options, NULL)) != -1) {
		if (c == 'h') {
			help(stdout);
			return 1;
		}
		rc = take(a, c);
	}
	if (rc)
		return rc;
	if (optind >= argc) {
		help(stderr);
		return 2;
	}
	a->verb = argv[optind++];
	*verb = find_verb(a->verb);
	if (!*verb)
		return wrong("command", a->verb);
	if (optind < argc)
		return wrong("argument", argv[optind]);
	if (!a->n_devices && getenv("WEFT_DEVICE"))
		a->devices[a->n_devices++] = getenv("WEFT_DEVICE");
	if (!a->n_devices)
		fputs("weft: fw: which device? (--device vfio-user:PATH, or WEFT_DEVICE)\n",
		      stderr);
	else if ((*verb)->needs_file && !a->fw)
		fprintf(stderr, "weft: fw: %s: which image? (--fw FILE)\n", a->verb);
	else if ((*verb)->needs_slot && !a->slot)
		fprintf(stderr, "weft: fw: %s: which slot? (--slot N)\n", a->verb);
	else
		return 0;
	return 2;
}

static int open_adapter(struct fw_adapter *a)
{
	int rc;

	a->cfg = (struct config){ .device = a->cfg.device,
				  .json = a->args->json,
				  .quiet = a->args->quiet };
	rc = session_begin(&a->s, &a->cfg);
	if (rc)
		return fw_say(a, rc, "cannot be opened");
	a->open = true;
	rc = weft_fw_log(a->s.dev, &a->info);
	return rc ? fw_say(a, rc, "%s", weft_last_error()) : 0;
}

/* Non-terminals never answer: there -y is needed. */
static bool agreed(const struct fw_args *args, struct fw_adapter *a, unsigned int n)
{
	char line[256];
	unsigned int i;

	if (args->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "weft: fw: %s writes to the flash, and nobody can be asked: -y\n",
			args->verb);
		return false;
	}
	for (i = 0; i < n; i++) {
		if (a[i].error)
			continue;
		fw_summary(&a[i].info, line, sizeof(line));
		fprintf(stderr, "%s: %s\n", a[i].cfg.device, line);
		if (a[i].slot)
			fprintf(stderr, "  %s: slot %u\n", args->verb, a[i].slot);
	}
	fprintf(stderr, "%s %s%s? [y/N] ", args->verb, args->fw ? args->fw : "",
		n > 1 ? " on all of these" : "");
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static void report_json(const struct fw_args *args, const struct fw_adapter *a, unsigned int n)
{
	struct json_object *all = json_object_new_array();

	for (unsigned int i = 0; i < n; i++) {
		struct json_object *o = a[i].error ? json_object_new_object() : fw_json(&a[i].info);

		json_object_object_add(o, "device", json_object_new_string(a[i].cfg.device));
		json_object_object_add(o, "command", json_object_new_string(args->verb));
		json_object_object_add(o, "ok", json_object_new_boolean(!a[i].error));
		json_object_object_add(o, "result", json_object_new_string(a[i].said));
		json_object_array_add(all, o);
	}
	json_print(all);
	json_object_put(all);
}

static void report(const struct fw_args *args, const struct fw_adapter *a, unsigned int n)
{
	char line[256];
	int width = 6;

	if (args->json) {
		report_json(args, a, n);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		int len = (int)strlen(a[i].cfg.device);

		width = len > width ? len : width;
	}
	if (n > 1)
		printf("%-*s  %-6s  %s\n", width, "device", "result", "");
	for (unsigned int i = 0; i < n; i++) {
		FILE *to = n == 1 && a[i].error ? stderr : stdout;

		if (n > 1)
			fprintf(to, "%-*s  %-6s  %s\n", width, a[i].cfg.device,
				a[i].error ? "failed" : "ok", a[i].said);
		else if (a[i].error)
			fprintf(to, "weft: fw: %s: %s: %s\n", args->verb, a[i].cfg.device,
				a[i].said);
		else if (a[i].said[0])
			fprintf(to, "%s\n", a[i].said);
		if (a[i].error)
			continue;
		if (!strcmp(args->verb, "log")) {
			fw_print(&a[i].info);
		} else if (!args->quiet) {
			fw_summary(&a[i].info, line, sizeof(line));
			fprintf(to, "%*s%s\n", n > 1 ? width + 10 : 0, "", line);
		}
	}
}

/* What is refused on one adapter is not begun on any. */
static bool all_possible(const struct fw_verb *verb, struct fw_adapter *a, unsigned int n)
{
	bool ok = true;

	for (unsigned int i = 0; i < n; i++) {
		int rc = open_adapter(&a[i]);

		a[i].slot = a[i].args->slot;
		if (!rc && verb->check)
			rc = verb->check(&a[i]);
		ok = ok && !rc;
	}
	return ok;
}

static int run_on(const struct fw_verb *verb, const struct fw_args *args, struct fw_adapter *a,
		  unsigned int n)
{
	bool ok = all_possible(verb, a, n), go;

	go = verb->writes ? ok && agreed(args, a, n) : true;
	for (unsigned int i = 0; i < n; i++) {
		if (a[i].error)
			continue;
		if (!go)
			fw_say(&a[i], -ECANCELED, "not begun: nothing was written");
		else if (verb->run && verb->run(&a[i]))
			ok = false;
		else if (verb->writes && weft_fw_log(a[i].s.dev, &a[i].info))
			ok = fw_say(&a[i], -EIO, "done, but: %s", weft_last_error()) == 0;
	}
	report(args, a, n);
	return ok && go ? 0 : 1;
}

int do_fw(int argc, char **argv)
{
	static struct fw_adapter adapters[FW_ADAPTERS_MAX];
	const struct fw_verb *verb = NULL;
	struct fw_args args = { 0 };
	int rc = parse(argc, argv, &args, &verb);

	if (rc)
		return rc == 1 ? 0 : rc;
	if (args.fw && image_read(args.fw, WEFT_IMAGE_SLOT_SIZE, &args.image, &args.image_len))
		return 1;
	for (unsigned int i = 0; i < args.n_devices; i++) {
		adapters[i].args = &args;
		adapters[i].cfg.device = args.devices[i];
	}
	rc = run_on(verb, &args, adapters, args.n_devices);
	for (unsigned int i = 0; i < args.n_devices; i++)
		if (adapters[i].open)
			session_end(&adapters[i].s);
	free(args.image);
	return rc;
}
