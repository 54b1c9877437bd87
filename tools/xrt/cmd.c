/* SPDX-License-Identifier: BSD-2-Clause */
/* weft xclbin: its command line. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

enum {
	X_DEVICE = 256,
	X_PLATFORM,
	X_UUID,
	X_MODE,
	X_FIRMWARE,
	X_SOFT_KERNEL,
	X_METADATA,
	X_EMBEDDED,
	X_IP_LAYOUT,
	X_BITSTREAM,
	X_SECTION,
	X_EXTRACT,
	X_OUTPUT,
	X_MCS,
	X_BASE,
	X_SHELL,
	X_USER,
	X_GOLDEN,
};

static const struct option options[] = {
	{ "device", 1, NULL, X_DEVICE },
	{ "platform", 1, NULL, X_PLATFORM },
	{ "uuid", 1, NULL, X_UUID },
	{ "mode", 1, NULL, X_MODE },
	{ "firmware", 1, NULL, X_FIRMWARE },
	{ "soft-kernel", 1, NULL, X_SOFT_KERNEL },
	{ "metadata", 1, NULL, X_METADATA },
	{ "embedded-metadata", 1, NULL, X_EMBEDDED },
	{ "ip-layout", 1, NULL, X_IP_LAYOUT },
	{ "bitstream", 1, NULL, X_BITSTREAM },
	{ "section", 1, NULL, X_SECTION },
	{ "extract", 1, NULL, X_EXTRACT },
	{ "output", 1, NULL, X_OUTPUT },
	{ "mcs", 1, NULL, X_MCS },
	{ "base", 2, NULL, X_BASE },
	{ "shell", 1, NULL, X_SHELL },
	{ "user", 1, NULL, X_USER },
	{ "revert-to-golden", 0, NULL, X_GOLDEN },
	{ "yes", 0, NULL, 'y' },
	{ "output-format", 1, NULL, 'o' },
	{ "quiet", 0, NULL, 'q' },
	{ "help", 0, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void xclbin_usage(FILE *to)
{
	fputs("usage: weft xclbin create FILE --platform VBNV [--firmware FILE]\n"
	      "            [--metadata JSON] [--ip-layout JSON] [--bitstream FILE]\n"
	      "            [--embedded-metadata XML] [--soft-kernel FILE] [--mcs FILE]...\n"
	      "            [--section KIND[:NAME]=FILE]... [--uuid UUID] [--mode MODE]\n"
	      "            [-o normal|json] [--quiet]\n"
	      "       weft xclbin show FILE [-o normal|json]\n"
	      "            [--extract KIND[:NAME] --output FILE]\n"
	      "       weft xclbin load FILE --device xrt:BDF|xrt:INDEX [-o normal|json]\n"
	      "       weft xclbin flash --device xrt:BDF [-y]\n"
	      "            --mcs FILE [--mcs FILE] | --base[=FILE] | --shell FILE |\n"
	      "            --user XCLBIN | --revert-to-golden\n",
	      to);
}

int xclbin_section_option(const char *text, size_t len, uint32_t *kind, char *name)
{
	const char *colon = memchr(text, ':', len);
	size_t n = colon ? (size_t)(colon - text) : len;
	char word[40] = "", *end;

	memset(name, 0, XCLBIN_NAME_LEN);
	if (n && n < sizeof(word))
		memcpy(word, text, n);
	if (colon && len - n - 1 >= XCLBIN_NAME_LEN)
		return xclbin_say(-EINVAL, "section \"%.*s\": its name has more than %u characters",
				  (int)len, text, XCLBIN_NAME_LEN - 1);
	if (colon)
		memcpy(name, colon + 1, len - n - 1);
	if (xclbin_kind_number(word, kind))
		return 0;
	errno = 0;
	if (isdigit((unsigned char)word[0])) {
		unsigned long v = strtoul(word, &end, 0);

		*kind = (uint32_t)v;
		if (!*end && !errno && v <= UINT32_MAX)
			return 0;
	}
	return xclbin_say(-EINVAL, "section \"%.*s\": there is no such kind", (int)len, text);
}

/* Exactly as many hexadecimal digits, then the character that must follow; NULL: not so. */
static const char *digits(const char *p, unsigned int n, char then)
{
	while (n--)
		if (!isxdigit((unsigned char)*p++))
			return NULL;
	return *p == then ? p + 1 : NULL;
}

static bool is_bdf(const char *text)
{
	const char *p = digits(text, 4, ':');

	p = digits(p ? p : text, 2, ':');
	if (p)
		p = digits(p, 2, '.');
	return p && *p >= '0' && *p <= '7' && !p[1];
}

int xrt_name_parse(const char *device, struct xrt_name *name)
{
	unsigned long v;
	char *end;

	memset(name, 0, sizeof(*name));
	if (!device || strncmp(device, "xrt:", 4))
		return xclbin_say(-EINVAL, "--device xrt:BDF is needed%s%s", device ? ", not " : "",
				  device ? device : "");
	name->text = device + 4;
	if (is_bdf(name->text)) {
		snprintf(name->bdf, sizeof(name->bdf), "%s%s",
			 strlen(name->text) > 7 ? "" : "0000:", name->text);
		return 0;
	}
	errno = 0;
	v = strtoul(name->text, &end, 10);
	if (!isdigit((unsigned char)*name->text) || *end || errno || v > 255)
		return xclbin_say(-EINVAL,
				  "device \"%s\": neither xrt:[DDDD:]BB:DD.F nor xrt:0 to xrt:255",
				  device);
	name->by_index = true;
	name->index = (unsigned int)v;
	return 0;
}

/* Options that are a text. false: not one of them. */
static bool text_option(struct xclbin_args *a, int code, const char *arg)
{
	struct xrt_options *x = &a->cfg.xrt;
	const char **to = code == X_DEVICE      ? &a->cfg.device :
			  code == X_PLATFORM    ? &a->platform :
			  code == X_UUID        ? &a->uuid :
			  code == X_MODE        ? &a->mode :
			  code == X_FIRMWARE    ? &a->firmware :
			  code == X_SOFT_KERNEL ? &a->soft_kernel :
			  code == X_METADATA    ? &a->metadata :
			  code == X_EMBEDDED    ? &a->embedded :
			  code == X_IP_LAYOUT   ? &a->ip_layout :
			  code == X_BITSTREAM   ? &a->bitstream :
			  code == X_EXTRACT     ? &a->extract :
			  code == X_OUTPUT      ? &a->output :
			  code == X_BASE        ? &x->base :
			  code == X_SHELL       ? &x->shell :
			  code == X_USER        ? &x->user :
						  NULL;

	if (!to)
		return false;
	*to = arg ? arg : "";
	return true;
}

static int take(struct xclbin_args *a, int code, const char *arg)
{
	struct xrt_options *x = &a->cfg.xrt;

	if (text_option(a, code, arg))
		return 0;
	switch (code) {
	case X_SECTION:
		if (a->n_more == XCLBIN_MORE_MAX)
			return xclbin_say(-EINVAL, "more than %u --section", XCLBIN_MORE_MAX);
		a->more[a->n_more++] = arg;
		return 0;
	case X_MCS:
		if (x->n_mcs == XRT_MCS_MAX)
			return xclbin_say(-EINVAL, "--mcs: a board has two flashes at most");
		x->mcs[x->n_mcs++] = arg;
		return 0;
	case X_GOLDEN:
		x->golden = true;
		return 0;
	case 'y':
		x->yes = true;
		return 0;
	case 'q':
		a->cfg.quiet = true;
		return 0;
	case 'o':
		if (strcmp(arg, "json") && strcmp(arg, "normal"))
			return xclbin_say(-EINVAL, "output format \"%s\" makes no sense", arg);
		a->cfg.json = arg[0] == 'j';
		return 0;
	default:
		return -EINVAL; /* getopt has said what */
	}
}

static int parse(struct xclbin_args *a, int argc, char **argv)
{
	int got, rc = 0;

	memset(a, 0, sizeof(*a));
	a->cfg.verb = "xclbin";
	a->cfg.device = getenv("WEFT_DEVICE");
	while (!rc && (got = getopt_long(argc, argv, "yqo:h", options, NULL)) != -1) {
		if (got == 'h') {
			xclbin_usage(stdout);
			return 1;
		}
		rc = take(a, got, optarg);
	}
	if (rc)
		return rc;
	if (optind < argc)
		a->action = argv[optind++];
	if (optind < argc)
		a->file = argv[optind++];
	if (optind < argc)
		return xclbin_say(-EINVAL, "argument \"%s\" makes no sense", argv[optind]);
	return 0;
}

static const struct action {
	const char *name;
	int (*run)(const struct xclbin_args *a);
	bool file; /* wants one */
} actions[] = {
	{ "create", xclbin_create, true },
	{ "show", xclbin_show, true },
	{ "load", xclbin_load, true },
	{ "flash", NULL, false },
};

static int run(const struct action *act, const struct xclbin_args *a)
{
	int rc = act->run ? act->run(a) : do_xrt_flash(&a->cfg);

	if (fflush(stdout)) {
		perror("weft: standard output");
		return 1;
	}
	return rc > 0 ? rc : rc ? 1 : 0;
}

int xclbin_main(int argc, char **argv)
{
	struct xclbin_args a;
	unsigned int i;
	int rc = parse(&a, argc, argv);

	if (rc)
		return rc == 1 ? 0 : 2;
	for (i = 0; a.action && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(a.action, actions[i].name))
			continue;
		if (!a.file == !actions[i].file)
			return run(&actions[i], &a);
		xclbin_say(0, "xclbin %s: %s", a.action, a.file ? "takes no file" : "which file?");
		return 2;
	}
	if (a.action)
		xclbin_say(0, "xclbin: no action \"%s\"", a.action);
	xclbin_usage(stderr);
	return 2;
}
