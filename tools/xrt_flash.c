/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flash of a board with a Xilinx shell holds the shell, and is written by the board's own tools:
 *
 *   xbmgmt        vendor shells, xclbins, back to golden
 *   xbflash2      our own flash images (.mcs), back to golden
 *   xbflash.qspi  our own flash images, where xbflash2 is not there
 *
 * Here one is found, shown, asked for, and run, without a shell.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weft.h"
#include "xrt/cmd.h"

#define ARGS_MAX 16u
#define CANNOT_RUN 127

struct tool {
	char path[PATH_MAX];
	const char *arg[ARGS_MAX];
	unsigned int n;
};

static void arg(struct tool *t, const char *text)
{
	if (t->n < ARGS_MAX - 1)
		t->arg[t->n++] = text;
}

static bool executable(struct tool *t, const char *folder, size_t len, const char *name)
{
	int n = snprintf(t->path, sizeof(t->path), "%.*s/%s", (int)len, folder, name);

	return n > 0 && n < (int)sizeof(t->path) && !access(t->path, X_OK);
}

/* In PATH, in XRT's folder, or where the vendor's packages put it. */
static bool find_tool(struct tool *t, const char *name)
{
	const char *p = getenv("PATH"), *home = getenv("XILINX_XRT");
	char bin[PATH_MAX];
	size_t n;

	for (; p && *p; p += n + (p[n] == ':')) {
		n = strcspn(p, ":");
		if (*p == '/' && executable(t, p, n, name))
			return true;
	}
	if (home && *home == '/' && snprintf(bin, sizeof(bin), "%s/bin", home) < (int)sizeof(bin) &&
	    executable(t, bin, strlen(bin), name))
		return true;
	return executable(t, "/opt/xilinx/xrt/bin", 19, name) ||
	       executable(t, "/usr/local/bin", 14, name);
}

/* The file as the tool gets it: it may not look like an option. */
static int check_file(const char *what, const char *path)
{
	if (*path == '-')
		return xclbin_say(-EINVAL, "%s: file name \"%s\" begins with a dash", what, path);
	if (access(path, R_OK))
		return xclbin_say(-errno, "%s: %s: %s", what, path, strerror(errno));
	return 0;
}

/* An Intel HEX file begins with a colon: what has another form must not reach a flash. */
static int check_mcs(const char *path)
{
	int rc = check_file("--mcs", path), c;
	FILE *f;

	if (rc)
		return rc;
	f = fopen(path, "re");
	if (!f)
		return xclbin_say(-errno, "--mcs: %s: %s", path, strerror(errno));
	c = fgetc(f);
	fclose(f);
	return c == ':' ?
		       0 :
		       xclbin_say(-EINVAL, "--mcs: %s: no MCS file, it begins with no colon", path);
}

static int check_xclbin(const char *path)
{
	struct xclbin x;
	uint8_t *data;
	int rc = check_file("--user", path);

	if (!rc)
		rc = xclbin_load_file(path, &x, &data);
	if (rc)
		return rc;
	xclbin_close(&x);
	free(data);
	return 0;
}

static int check_files(const struct xrt_options *x)
{
	unsigned int i;
	int rc = 0;

	if ((x->n_mcs != 0) + (x->base != NULL) + (x->shell != NULL) + (x->user != NULL) +
		    x->golden !=
	    1)
		return xclbin_say(-EINVAL,
				  "what is to be flashed? One of --mcs FILE, --base[=FILE], "
				  "--shell FILE, --user XCLBIN, --revert-to-golden");
	for (i = 0; !rc && i < x->n_mcs; i++)
		rc = check_mcs(x->mcs[i]);
	if (!rc && x->base && *x->base)
		rc = check_file("--base", x->base);
	if (!rc && x->shell)
		rc = check_file("--shell", x->shell);
	if (!rc && x->user)
		rc = check_xclbin(x->user);
	return rc;
}

static void xbmgmt_args(struct tool *t, const struct xrt_options *x, const char *bdf)
{
	arg(t, "xbmgmt");
	arg(t, "program");
	arg(t, "--device");
	arg(t, bdf);
	if (x->base)
		arg(t, "--base");
	if (x->base && *x->base) {
		arg(t, "--image");
		arg(t, x->base);
	}
	if (x->shell) {
		arg(t, "--shell");
		arg(t, x->shell);
	}
	if (x->user) {
		arg(t, "--user");
		arg(t, x->user);
	}
	if (x->golden)
		arg(t, "--revert-to-golden");
	if (x->yes)
		arg(t, "--force");
}

static void xbflash2_args(struct tool *t, const struct xrt_options *x, const char *bdf)
{
	unsigned int i;

	arg(t, "xbflash2");
	arg(t, "program");
	arg(t, "--spi");
	for (i = 0; i < x->n_mcs; i++) {
		arg(t, "--image");
		arg(t, x->mcs[i]);
	}
	if (x->n_mcs > 1)
		arg(t, "--dual-flash");
	if (x->golden)
		arg(t, "--revert-to-golden");
	arg(t, "--device");
	arg(t, bdf);
	if (x->yes)
		arg(t, "--force");
}

/* --primary has to be the first. */
static void qspi_args(struct tool *t, const struct xrt_options *x, const char *bdf)
{
	arg(t, "xbflash.qspi");
	arg(t, "--primary");
	arg(t, x->mcs[0]);
	if (x->n_mcs > 1) {
		arg(t, "--secondary");
		arg(t, x->mcs[1]);
	}
	arg(t, "--card");
	arg(t, bdf);
	if (x->yes)
		arg(t, "--force");
}

static int choose_tool(struct tool *t, const struct xrt_options *x, const char *bdf)
{
	if (!x->n_mcs && find_tool(t, "xbmgmt"))
		xbmgmt_args(t, x, bdf);
	else if ((x->n_mcs || x->golden) && find_tool(t, "xbflash2"))
		xbflash2_args(t, x, bdf);
	else if (x->n_mcs && find_tool(t, "xbflash.qspi"))
		qspi_args(t, x, bdf);
	else if (x->n_mcs)
		return xclbin_say(
			-ENOENT,
			"neither xbflash2 nor xbflash.qspi is installed, which write "
			"flash images. xbflash2 is in the board vendor's package xbflash2, "
			"xbflash.qspi in Debian's libxrt-utils");
	else
		return xclbin_say(-ENOENT, "%s. xbmgmt is in the board vendor's package xrt",
				  x->golden ?
					  "neither xbmgmt nor xbflash2 is installed, which bring "
					  "a board back to its golden image" :
					  "xbmgmt is not installed, which writes shells and "
					  "xclbins");
	return 0;
}

static void show_command(const struct tool *t)
{
	unsigned int i;

	fprintf(stderr, "weft: runs %s", t->path);
	for (i = 1; i < t->n; i++)
		fprintf(stderr, strpbrk(t->arg[i], " \t\n\"'\\$") ? " '%s'" : " %s", t->arg[i]);
	fputc('\n', stderr);
}

static int ask(const char *bdf)
{
	char line[16] = "";

	if (!isatty(STDIN_FILENO))
		return xclbin_say(-EINVAL, "-y is needed where nobody can be asked");
	fprintf(stderr, "This overwrites the flash of board %s. Go on? [y/N] ", bdf);
	if (fgets(line, sizeof(line), stdin) && (!strcmp(line, "y\n") || !strcmp(line, "yes\n")))
		return 0;
	return xclbin_say(-ECANCELED, "nothing was written");
}

/*
 * While the tool writes, the keyboard's signals are the tool's: a weft that ended before it would
 * leave nobody to tell how it went.
 */
static int run(const struct tool *t)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, intr, quit;
	int status = 0, err = 0;
	pid_t pid;

	fflush(NULL);
	sigaction(SIGINT, &ignore, &intr);
	sigaction(SIGQUIT, &ignore, &quit);
	pid = fork();
	if (!pid) {
		sigaction(SIGINT, &intr, NULL);
		sigaction(SIGQUIT, &quit, NULL);
		execv(t->path, (char *const *)t->arg);
		xclbin_say(0, "%s: %s", t->path, strerror(errno));
		_exit(CANNOT_RUN);
	}
	err = pid < 0 ? errno : 0;
	while (!err && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err = errno;
	sigaction(SIGINT, &intr, NULL);
	sigaction(SIGQUIT, &quit, NULL);
	if (err)
		return xclbin_say(-err, "%s: %s", t->path, strerror(err));
	if (WIFSIGNALED(status)) {
		xclbin_say(0, "%s: ended by signal %d; the flash may be half written", t->path,
			   WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	if (WEXITSTATUS(status))
		xclbin_say(0, "%s: exit status %d", t->path, WEXITSTATUS(status));
	return WEXITSTATUS(status);
}

int do_xrt_flash(const struct config *cfg)
{
	struct tool t = { .n = 0 };
	struct xrt_name name;
	int rc = xrt_name_parse(cfg->device, &name);

	if (!rc && name.by_index)
		rc = xclbin_say(-EINVAL,
				"device \"%s\": the tools that flash want xrt:BDF, that of "
				"the board's management function",
				cfg->device);
	if (!rc)
		rc = check_files(&cfg->xrt);
	if (!rc)
		rc = choose_tool(&t, &cfg->xrt, name.bdf);
	if (rc)
		return rc;
	show_command(&t);
	rc = cfg->xrt.yes ? 0 : ask(name.bdf);
	return rc ? rc : run(&t);
}
