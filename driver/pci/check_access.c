/* SPDX-License-Identifier: BSD-2-Clause */
/* What this user may do: device nodes, udev rule, memory it may lock. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"

#define RULES "60-weft.rules"
#define CAP_IPC_LOCK_BIT 14
#define MEND_NODE                                                          \
	"make install puts " RULES                                         \
	" in place; then: udevadm control --reload; udevadm trigger, and " \
	"membership in group weft"

void check_node(const struct report *r, const char *name, const char *node)
{
	char path[SYS_PATH];

	if (sys_path(path, IN_DEV, "%s", node))
		check_tell(r, WEFT_PCI_FAIL, name, "", "%s", weft_last_error());
	else if (!access(path, R_OK | W_OK))
		check_tell(r, WEFT_PCI_OK, name, "", "%s is open to this user", path);
	else
		check_tell(r, WEFT_PCI_FAIL, name,
			   errno == ENOENT ?
				   "is vfio loaded, and /dev kept by the kernel or udev?" :
				   MEND_NODE,
			   "%s: %s", path, strerror(errno));
}

/* Absence of the file is no fault: kernels without iommufd have none. */
static void check_iommufd(const struct report *r)
{
	char path[SYS_PATH];

	if (sys_path(path, IN_DEV, "iommu"))
		return;
	if (!access(path, F_OK))
		check_node(r, "iommufd", "iommu");
	else
		check_tell(r, WEFT_PCI_OK, "iommufd", "",
			   "%s is not there: a kernel without iommufd, groups are used", path);
}

/* Groups need it; a kernel may be built without them, and then has iommufd. */
static void check_container(const struct report *r)
{
	char path[SYS_PATH], iommufd[SYS_PATH];

	if (sys_path(path, IN_DEV, "vfio/vfio") || sys_path(iommufd, IN_DEV, "iommu"))
		return;
	if (!sys_exists(path) && sys_exists(iommufd))
		check_tell(r, WEFT_PCI_OK, "container", "",
			   "%s is not there: a kernel without groups, iommufd is used", path);
	else
		check_node(r, "container", "vfio/vfio");
}

static void check_rule(const struct report *r)
{
	static const char *const places[] = { "etc", "run", "usr/local/lib", "usr/lib", "lib" };
	char path[SYS_PATH];
	unsigned int i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!sys_path(path, IN_ROOT, "%s/udev/rules.d/" RULES, places[i]) &&
		    sys_exists(path)) {
			check_tell(r, WEFT_PCI_OK, "udev", "", "%s", path);
			return;
		}
	check_tell(r, geteuid() ? WEFT_PCI_WARN : WEFT_PCI_OK, "udev",
		   geteuid() ? "make install, or copy driver/pci/" RULES " to /etc/udev/rules.d" :
			       "",
		   RULES " is not installed: %s",
		   geteuid() ? "nodes stay root's" : "root needs it not");
}

/* The capability with which the kernel does not ask for the limit. */
static bool may_lock(void)
{
	char path[SYS_PATH], text[4097];
	const char *line;

	if (sys_path(path, IN_PROC, "self/status") || sys_read(text, sizeof(text), path) < 0)
		return false;
	line = strstr(text, "\nCapEff:");
	return line && strtoull(line + 8, NULL, 16) >> CAP_IPC_LOCK_BIT & 1;
}

static void check_memlock(const struct report *r)
{
	const unsigned long long need = WEFT_PCI_MEMLOCK >> 10;
	struct rlimit l;

	if (getrlimit(RLIMIT_MEMLOCK, &l)) {
		check_tell(r, WEFT_PCI_WARN, "memlock", "", "limit unknown: %s", strerror(errno));
	} else if (l.rlim_cur == RLIM_INFINITY) {
		check_tell(r, WEFT_PCI_OK, "memlock", "", "no limit");
	} else if (l.rlim_cur >= WEFT_PCI_MEMLOCK) {
		check_tell(r, WEFT_PCI_OK, "memlock", "", "limit %llu KiB, %llu KiB are needed",
			   (unsigned long long)l.rlim_cur >> 10, need);
	} else if (may_lock()) {
		check_tell(r, WEFT_PCI_OK, "memlock", "",
			   "limit %llu KiB, which does not bind this user (CAP_IPC_LOCK)",
			   (unsigned long long)l.rlim_cur >> 10);
	} else {
		check_tell(
			r, WEFT_PCI_FAIL, "memlock",
			"ulimit -l 65536; for logins: \"@weft - memlock 65536\" in "
			"/etc/security/limits.d/weft.conf; for a service: LimitMEMLOCK=64M (make "
			"install does it for those named weft-*)",
			"limit %llu KiB, %llu KiB are needed", (unsigned long long)l.rlim_cur >> 10,
			need);
	}
}

void check_access(const struct report *r)
{
	check_container(r);
	check_iommufd(r);
	check_rule(r);
	check_memlock(r);
}
