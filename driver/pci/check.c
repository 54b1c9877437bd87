/* SPDX-License-Identifier: BSD-2-Clause */
/* What a machine needs before an adapter can be used through VFIO. */
#include <errno.h>
#include <pci/pci.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define CPUINFO_MAX (1u << 20)
#define ECAP_IR (1ull << 3) /* VT-d extended capabilities: interrupt remapping */

enum maker {
	OTHER,
	INTEL,
	AMD,
};

void check_tell(const struct report *r, enum weft_pci_level level, const char *name,
		const char *mend, const char *fmt, ...)
{
	struct weft_pci_check c = { .level = level, .name = name, .device = r->device };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c.text, sizeof(c.text), fmt, ap);
	va_end(ap);
	snprintf(c.mend, sizeof(c.mend), "%s", mend);
	r->fn(r->arg, &c);
}

static enum maker cpu_maker(void)
{
	char *text = malloc(CPUINFO_MAX), path[SYS_PATH];
	enum maker maker = OTHER;

	if (text && !sys_path(path, IN_PROC, "cpuinfo") && sys_read(text, CPUINFO_MAX, path) >= 0)
		maker = strstr(text, "GenuineIntel") ? INTEL :
			strstr(text, "AuthenticAMD") ? AMD :
						       OTHER;
	free(text);
	return maker;
}

/* Whether the kernel was started with this word. */
static bool on_command_line(const char *word)
{
	char text[4097], path[SYS_PATH];
	size_t n = strlen(word);
	const char *p = text;

	if (sys_path(path, IN_PROC, "cmdline") || sys_read(text, sizeof(text), path) < 0)
		return false;
	for (; (p = strstr(p, word)); p += n)
		if ((p == text || p[-1] == ' ') && strchr(" \n", p[n]))
			return true;
	return false;
}

static void check_kernel(const struct report *r)
{
	char path[SYS_PATH], text[WEFT_PCI_TEXT];
	unsigned int major, minor;

	if (sys_path(path, IN_PROC, "sys/kernel/osrelease") || sys_line(text, sizeof(text), path) ||
	    sscanf(text, "%u.%u", &major, &minor) != 2)
		check_tell(r, WEFT_PCI_WARN, "kernel", "", "version unknown: %s",
			   weft_last_error());
	else if (major < 5 || (major == 5 && minor < 10))
		check_tell(r, WEFT_PCI_WARN, "kernel", "take Linux 5.10 or later",
			   "Linux %s: older than anything this was tried with", text);
	else if (major < 6 || (major == 6 && minor < 6))
		check_tell(r, WEFT_PCI_OK, "kernel", "",
			   "Linux %s: groups and containers (devices by iommufd come with 6.6)",
			   text);
	else
		check_tell(r, WEFT_PCI_OK, "kernel", "", "Linux %s", text);
}

static void check_libpci(const struct report *r)
{
	check_tell(r, WEFT_PCI_OK, "libpci", "", "built with %d.%d.%d", PCI_LIB_VERSION >> 16,
		   PCI_LIB_VERSION >> 8 & 255, PCI_LIB_VERSION & 255);
}

static int count(void *arg, const char *name)
{
	(void)name;
	(*(unsigned int *)arg)++;
	return 0;
}

/* How to switch it on, for the CPU that is there. */
static const char *iommu_hint(void)
{
	if (on_command_line("iommu=off"))
		return "the kernel was started with iommu=off: take that away";
	switch (cpu_maker()) {
	case INTEL:
		return on_command_line("intel_iommu=on") ?
			       "intel_iommu=on is given: switch VT-d on in the firmware's setup" :
			       "switch VT-d on in the firmware's setup, start the kernel with "
			       "intel_iommu=on";
	case AMD:
		return on_command_line("amd_iommu=off") ?
			       "the kernel was started with amd_iommu=off: take that away" :
			       "switch AMD-Vi (IOMMU) on in the firmware's setup; amd_iommu=on is the "
			       "kernel's default";
	default:
		return "switch the IOMMU (SMMU) on in the firmware's setup";
	}
}

static bool check_iommu(const struct report *r)
{
	unsigned int n = 0;
	char path[SYS_PATH];
	int rc = sys_path(path, IN_SYS, "kernel/iommu_groups");

	if (!rc)
		rc = sys_each(path, count, &n);
	if (rc && rc != -ENOENT)
		check_tell(r, WEFT_PCI_FAIL, "iommu", "", "%s", weft_last_error());
	else if (!n)
		check_tell(r, WEFT_PCI_FAIL, "iommu", iommu_hint(), "off: there is no IOMMU group");
	else
		check_tell(r, WEFT_PCI_OK, "iommu", "", "on: %u groups", n);
	return n;
}

/* VT-d units tell whether they remap interrupts; the first that does not is named. */
struct units {
	unsigned int n;
	char without[WEFT_PCI_TEXT];
};

static int each_unit(void *arg, const char *name)
{
	struct units *u = arg;
	char path[SYS_PATH], text[WEFT_PCI_TEXT];

	if (sys_path(path, IN_SYS, "class/iommu/%s/intel-iommu/ecap", name) ||
	    sys_line(text, sizeof(text), path))
		return 0;
	u->n++;
	if (!(strtoull(text, NULL, 16) & ECAP_IR) && !u->without[0])
		snprintf(u->without, sizeof(u->without), "%s", sys_safe(name).text);
	return 0;
}

static void check_interrupts(const struct report *r)
{
	bool off = on_command_line("intremap=off") || on_command_line("nointremap");
	bool unsafe = sys_param("vfio_iommu_type1", "allow_unsafe_interrupts");
	struct units u = { 0, "" };
	char path[SYS_PATH];

	if (!sys_path(path, IN_SYS, "class/iommu") && sys_exists(path))
		sys_each(path, each_unit, &u);
	if (unsafe)
		check_tell(r, WEFT_PCI_WARN, "interrupts",
			   "without need: vfio_iommu_type1 allow_unsafe_interrupts=0",
			   "allow_unsafe_interrupts is on: a device may raise any interrupt");
	else if (off || u.without[0])
		check_tell(
			r, WEFT_PCI_FAIL, "interrupts",
			off ? "take it away, or accept the risk with vfio_iommu_type1 "
			      "allow_unsafe_interrupts=1" :
			      "switch x2APIC or interrupt remapping on in the firmware's setup, or accept "
			      "the risk with vfio_iommu_type1 allow_unsafe_interrupts=1",
			off ? "interrupt remapping is switched off on the kernel's command line%s" :
			      "%s does not remap interrupts: VFIO will refuse",
			off ? "" : u.without);
	else
		check_tell(r, WEFT_PCI_OK, "interrupts", "",
			   u.n ? "remapped by %u units" : "nothing says that they are not remapped",
			   u.n);
}

static void check_module(const struct report *r)
{
	char path[SYS_PATH];

	if (sys_path(path, IN_SYS, "bus/pci/drivers/%s", WEFT_PCI_VFIO) || !sys_exists(path))
		check_tell(r, WEFT_PCI_FAIL, "vfio-pci",
			   "modprobe vfio-pci; for each start: echo vfio-pci > "
			   "/etc/modules-load.d/vfio-pci.conf",
			   "not loaded: %s is not there", path);
	else
		check_tell(r, WEFT_PCI_OK, "vfio-pci", "", "loaded");
}

static void check_noiommu(const struct report *r, bool iommu)
{
	if (!sys_param("vfio", "enable_unsafe_noiommu_mode"))
		return;
	check_tell(r, WEFT_PCI_WARN, "no-iommu",
		   "echo N > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
		   "VFIO's no-IOMMU mode is on: a device without a group may write all memory%s",
		   iommu ? "" : ", and here none has one");
}

void weft_pci_check_machine(weft_pci_check_fn *fn, void *arg)
{
	const struct report r = { fn, arg, NULL };
	bool iommu;

	check_kernel(&r);
	check_libpci(&r);
	iommu = check_iommu(&r);
	if (iommu)
		check_interrupts(&r);
	check_module(&r);
	check_noiommu(&r, iommu);
	check_access(&r);
}
