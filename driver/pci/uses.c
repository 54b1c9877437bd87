/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that have a device open, as /proc/PID/fd tells. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "uses.h"

#define USES_MAX 256u
#define VFIO_DEVICE "anon_inode:[vfio-device]"

/* One more; beyond USES_MAX nobody reads on. */
int use_add(struct uses *u, int pid, const char *text)
{
	struct weft_pci_use *grown;

	if (u->n == USES_MAX)
		return 0;
	grown = realloc(u->list, (u->n + 1) * sizeof(*grown));
	if (!grown)
		return weft_set_error(-ENOMEM, "out of memory");
	u->list = grown;
	grown[u->n] = (struct weft_pci_use){ .pid = pid };
	snprintf(grown[u->n++].text, sizeof(grown->text), "%s", text);
	return 0;
}

int use_node(struct uses *u, const char *node)
{
	char(*grown)[SYS_PATH] = realloc(u->node, (u->n_node + 1) * sizeof(*grown));

	if (!grown)
		return weft_set_error(-ENOMEM, "out of memory");
	u->node = grown;
	return sys_path(grown[u->n_node], IN_DEV, "%s", node) ? 0 : (u->n_node++, 0);
}

/*
 * The VFIO device itself, got from a group whose file was closed: since Linux 6.16 fdinfo names the
 * device, before that nothing does.
 */
static bool vfio_device(const struct uses *u, const char *fd)
{
	char path[SYS_PATH], text[4097], *line, *end;

	if (sys_path(path, IN_PROC, "%s/fdinfo/%s", u->pid_name, fd) ||
	    sys_read(text, sizeof(text), path) < 0)
		return false;
	line = strstr(text, "vfio-device-syspath:");
	if (!line)
		return false;
	end = strchr(line, '\n');
	if (end)
		*end = '\0';
	end = strrchr(line, '/');
	return end && !strcmp(end + 1, u->dev->name);
}

static int each_fd(void *arg, const char *name)
{
	char path[SYS_PATH], target[SYS_PATH], text[192], command[WEFT_PCI_TEXT] = "?";
	struct uses *u = arg;
	ssize_t n;
	size_t i;

	if (sys_path(path, IN_PROC, "%s/fd/%s", u->pid_name, name))
		return 0;
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return 0;
	target[n] = '\0';
	for (i = 0; i < u->n_node && strcmp(u->node[i], target); i++)
		;
	if (i == u->n_node && (strcmp(target, VFIO_DEVICE) || !vfio_device(u, name)))
		return 0;
	if (!sys_path(path, IN_PROC, "%s/comm", u->pid_name))
		sys_line(command, sizeof(command), path);
	snprintf(text, sizeof(text), "process %.9s (%.63s) has %.80s open", u->pid_name, command,
		 i < u->n_node ? target : "the VFIO device");
	i = (size_t)use_add(u, atoi(u->pid_name), text);
	return i ? (int)i : 1; /* once for each process */
}

static int each_process(void *arg, const char *name)
{
	struct uses *u = arg;
	char path[SYS_PATH];
	int rc;

	if (name[strspn(name, "0123456789")] || strlen(name) > 9)
		return 0;
	u->pid_name = name;
	if (sys_path(path, IN_PROC, "%s/fd", name))
		return 0;
	rc = sys_each(path, each_fd, u);
	if (rc == -EACCES || rc == -EPERM)
		u->hidden++;
	return rc == -ENOMEM ? rc : 0; /* a process may end meanwhile */
}

static int uio_node(void *arg, const char *name)
{
	return strncmp(name, "uio", 3) ? 0 : use_node(arg, name);
}

/* The device nodes through which a program would have it. */
static int nodes(struct uses *u)
{
	const struct weft_pci_dev *dev = u->dev;
	char text[WEFT_PCI_TEXT + 16], path[SYS_PATH];
	int rc = 0;

	if (dev->group >= 0 && strstr(dev->driver, "vfio")) {
		snprintf(text, sizeof(text), "vfio/%d", dev->group);
		rc = use_node(u, text);
		snprintf(text, sizeof(text), "vfio/noiommu-%d", dev->group);
		if (!rc)
			rc = use_node(u, text);
	}
	if (!rc && dev->vfio[0]) {
		snprintf(text, sizeof(text), "vfio/devices/%s", dev->vfio);
		rc = use_node(u, text);
	}
	if (!rc && !sys_path(path, IN_SYS, "bus/pci/devices/%s/uio", dev->name) && sys_exists(path))
		rc = sys_each(path, uio_node, u);
	return rc;
}

int weft_pci_uses(const struct weft_pci_dev *dev, struct weft_pci_use **list, size_t *count,
		  unsigned int *hidden)
{
	struct uses u = { .dev = dev };
	char path[SYS_PATH];
	int rc = nodes(&u);

	if (!rc)
		rc = use_kernel(&u);
	if (!rc)
		rc = sys_path(path, IN_PROC, ".");
	if (!rc && (u.n_node || strstr(dev->driver, "vfio")))
		rc = sys_each(path, each_process, &u);
	free(u.node);
	if (rc) {
		free(u.list);
		u.list = NULL;
		u.n = 0;
	}
	*list = u.list;
	*count = u.n;
	if (hidden)
		*hidden = u.hidden;
	return rc;
}
