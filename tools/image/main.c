/* SPDX-License-Identifier: BSD-2-Clause */
/* weft image: the command line. Option words are imgtool's where it has them. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../weft.h"
#include "image.h"

enum {
	O_KEY = 256,
	O_PUB,
	O_KEY_HASH,
	O_FW,
	O_VERSION,
	O_BOARD,
	O_COUNTER,
	O_OUT,
	O_GOLDEN,
	O_SLOT_A,
	O_SLOT_B,
	O_ACTIVE,
	O_FORCE,
	O_FORMAT,
	O_JSON,
	O_HELP,
	O_END,
};

#define BIT(o) (1u << ((o)-O_KEY))

static const struct option long_options[] = {
	{ "key", 1, NULL, O_KEY },
	{ "pub", 1, NULL, O_PUB },
	{ "key-hash", 1, NULL, O_KEY_HASH },
	{ "fw", 1, NULL, O_FW },
	{ "version", 1, NULL, O_VERSION },
	{ "board", 1, NULL, O_BOARD },
	{ "counter", 1, NULL, O_COUNTER },
	{ "security-counter", 1, NULL, O_COUNTER },
	{ "output", 1, NULL, O_OUT },
	{ "golden", 1, NULL, O_GOLDEN },
	{ "slot-a", 1, NULL, O_SLOT_A },
	{ "slot-b", 1, NULL, O_SLOT_B },
	{ "active", 1, NULL, O_ACTIVE },
	{ "force", 0, NULL, O_FORCE },
	{ "output-format", 1, NULL, O_FORMAT },
	{ "json", 0, NULL, O_JSON },
	{ "help", 0, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

/* What each command takes: options it needs, options it may have, and files behind them. */
static const struct command {
	const char *name;
	int (*run)(const struct image_args *a);
	uint32_t needs;
	uint32_t may;
	int files_min;
	int files_max;
	const char *usage;
} commands[] = {
	{ "keygen", image_keygen, BIT(O_KEY) | BIT(O_PUB), BIT(O_FORCE), 0, 0,
	  "--key PRIVATE.pem --pub PUBLIC.pem [--force]" },
	{ "keyhash", image_keyhash, 0, 0, 1, 1, "PUBLIC.pem" },
	{ "create", image_create,
	  BIT(O_FW) | BIT(O_VERSION) | BIT(O_BOARD) | BIT(O_COUNTER) | BIT(O_OUT), BIT(O_FORCE), 0,
	  0,
	  "--fw ELF|BIN --version A.B.C+BUILD --board ID --counter N\n"
	  "             -o IMAGE [--force]" },
	{ "sign", image_sign, BIT(O_KEY), BIT(O_FORCE), 2, 2,
	  "--key PRIVATE.pem [--force] IMAGE SIGNED" },
	{ "show", image_show, 0, BIT(O_FORMAT) | BIT(O_JSON), 1, 1, "[--json] IMAGE" },
	{ "check", image_check, 0,
	  BIT(O_KEY) | BIT(O_KEY_HASH) | BIT(O_BOARD) | BIT(O_COUNTER) | BIT(O_FORMAT) |
		  BIT(O_JSON),
	  1, INT32_MAX,
	  "[--key PUBLIC.pem | --key-hash HEX] [--board ID] [--counter N]\n"
	  "             [--json] IMAGE..." },
	{ "flash", image_flash, BIT(O_OUT) | BIT(O_GOLDEN),
	  BIT(O_SLOT_A) | BIT(O_SLOT_B) | BIT(O_ACTIVE) | BIT(O_KEY) | BIT(O_KEY_HASH) |
		  BIT(O_BOARD) | BIT(O_FORCE),
	  0, 0,
	  "-o FLASH --golden IMAGE [--slot-a IMAGE] [--slot-b IMAGE]\n"
	  "             [--active golden|a|b] [--key PUBLIC.pem | --key-hash HEX] [--board ID]\n"
	  "             [--force]" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

int image_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("weft: image: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

static void image_usage(FILE *to)
{
	size_t i;

	fputs("usage: weft image COMMAND [options]\n\n", to);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].usage);
}

static const char *option_name(int code)
{
	const struct option *o;

	for (o = long_options; o->name; o++)
		if (o->val == code)
			return o->name;
	return "?";
}

static int number32(const char *what, const char *text, uint32_t *out)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno || *end || end == text || *text < '0' || *text > '9' || v > UINT32_MAX)
		return image_fail("%s \"%s\": must be a number from 0 to 4294967295", what, text);
	*out = (uint32_t)v;
	return 0;
}

static int active_slot(const char *text, unsigned int *slot)
{
	static const char *const names[WEFT_IMAGE_SLOTS] = { "golden", "a", "b" };
	unsigned int i;

	for (i = 0; i < WEFT_IMAGE_SLOTS; i++)
		if (!strcmp(text, names[i])) {
			*slot = i + 1;
			return 0;
		}
	return image_fail("active slot \"%s\": must be golden, a or b", text);
}

static int format(const char *text, bool *json)
{
	if (strcmp(text, "json") && strcmp(text, "normal"))
		return image_fail("output format \"%s\": must be normal or json", text);
	*json = text[0] == 'j';
	return 0;
}

/* Options that are texts: where they go. */
static const char **text_option(struct image_args *a, int code)
{
	switch (code) {
	case O_KEY:
		return &a->key;
	case O_PUB:
		return &a->pub;
	case O_KEY_HASH:
		return &a->key_hash;
	case O_FW:
		return &a->fw;
	case O_VERSION:
		return &a->version;
	case O_OUT:
		return &a->out;
	case O_GOLDEN:
		return &a->slots[0];
	case O_SLOT_A:
		return &a->slots[1];
	case O_SLOT_B:
		return &a->slots[2];
	default:
		return NULL;
	}
}

static int take(struct image_args *a, int code, const char *arg)
{
	const char **text = text_option(a, code);

	if (text) {
		*text = arg;
		return 0;
	}
	switch (code) {
	case O_BOARD:
		a->have_board = true;
		return number32("board", arg, &a->board);
	case O_COUNTER:
		a->have_counter = true;
		return number32("counter", arg, &a->counter);
	case O_ACTIVE:
		return active_slot(arg, &a->active);
	case O_FORMAT:
		return format(arg, &a->json);
	case O_FORCE:
		a->force = true;
		return 0;
	default: /* O_JSON */
		a->json = true;
		return 0;
	}
}

/* The letters stand for the same words in each command. */
static int code_of(int got)
{
	switch (got) {
	case 'k':
		return O_KEY;
	case 'v':
		return O_VERSION;
	case 's':
		return O_COUNTER;
	case 'o':
		return O_OUT;
	case 'h':
		return O_HELP;
	default:
		return got;
	}
}

/* What was given against what the command takes. */
static int complete(const struct command *c, uint32_t given, const struct image_args *a)
{
	int o;

	for (o = O_KEY; o < O_END; o++) {
		if (c->needs & BIT(o) && !(given & BIT(o)))
			return image_fail("%s needs --%s", c->name, option_name(o));
		if (given & BIT(o) && !((c->needs | c->may) & BIT(o)))
			return image_fail("%s has no --%s", c->name, option_name(o));
	}
	if (a->key && a->key_hash)
		return image_fail("--key and --key-hash say the same; give one of them");
	if (a->n_files < c->files_min)
		return image_fail("%s needs %s", c->name,
				  c->files_min > 1 ? "two files" : "a file");
	if (a->n_files > c->files_max)
		return image_fail("%s: one argument too many: \"%s\"", c->name,
				  a->files[c->files_max]);
	return 0;
}

/* 0; 1: help was printed; -EINVAL: said why. */
static int parse(const struct command *c, int argc, char **argv, struct image_args *a)
{
	uint32_t given = 0;
	int got;

	optind = 1;
	while ((got = getopt_long(argc, argv, "k:v:s:o:h", long_options, NULL)) != -1) {
		int code = code_of(got);

		if (code == O_HELP) {
			image_usage(stdout);
			return 1;
		}
		if (code < O_KEY || take(a, code, optarg))
			return -EINVAL; /* said, here or by getopt */
		given |= BIT(code);
	}
	a->files = argv + optind;
	a->n_files = argc - optind;
	return complete(c, given, a) ? -EINVAL : 0;
}

int do_image(int argc, char **argv)
{
	struct image_args a = { .active = 1 };
	size_t i;
	int rc;

	if (argc < 2) {
		image_usage(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		image_usage(stdout);
		return 0;
	}
	for (i = 0; i < N_COMMANDS && strcmp(argv[1], commands[i].name); i++)
		;
	if (i == N_COMMANDS) {
		image_fail("no command \"%s\"; weft image --help lists them", argv[1]);
		return 2;
	}
	rc = parse(&commands[i], argc - 1, argv + 1, &a);
	if (rc)
		return rc == 1 ? 0 : 2;
	rc = commands[i].run(&a);
	if (fflush(stdout) || ferror(stdout))
		rc = image_fail("standard output: %s", strerror(errno));
	return rc;
}
